package campaigntest

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hybridcampaign/campaign"
)

func (c *trackerCheck) oneWinnerNew() {
	c.race(c.visit(0, time.Hour))
	nothing := func(int) error { return nil }
	c.enterDuels(nothing, c.visit(0, time.Hour))
}

func (c *trackerCheck) oneWinnerExpired() {
	first := c.visit(0, time.Minute)
	for i := range raceKeys {
		first.Profile = strings.Repeat("x", i)
		c.enters(first)
	}
	c.race(c.visit(time.Minute, time.Hour))
	begin := func(i int) error { _, err := c.enterDuel(first, i); return err }
	c.enterDuels(begin, c.visit(time.Minute, time.Hour))
}

const (
	racers   = 256
	raceKeys = 64
)

const (
	crowdSize    = 20_000
	crowdWorkers = 32              // a tracker far away is asked by several at once
	crowdTime    = 2 * time.Second // of the host's clock, after which a crowd is as large as it is
)

// crowd acts for one profile after another, as many as there is time for. It
// returns how many there were, 0 if there was an error.
func (c *trackerCheck) crowd(most int, act func(i int) error) int {
	c.Helper()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	start := time.Now()
	var wg sync.WaitGroup
	for range crowdWorkers {
		wg.Go(func() {
			for time.Since(start) < crowdTime && failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= most {
					return
				}
				if err := act(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		c.failf("one of many at once = error %v, want none", *err)
		return 0
	}
	return min(most, int(next.Load()))
}

const (
	maxDuels    = 20_000
	bubbleDuels = 512                    // where no clock says that they take too long
	maxHandicap = 256                    // in turns of a loop that does nothing
	duelTime    = 250 * time.Millisecond // of the host's clock: the tracker may be far away
)

// enterDuels lets two enter at once for one profile after another.
func (c *trackerCheck) enterDuels(before func(i int) error, e campaign.Entry) {
	c.Helper()
	var winners [maxDuels]atomic.Int32
	enter := func(i int) error {
		entered, err := c.enterDuel(e, i)
		if entered {
			winners[i].Add(1)
		}
		return err
	}
	for i := range c.duels(before, enter, enter) {
		if n := winners[i].Load(); n != 1 {
			c.failf("%d of 2 who came at once entered for the same profile, want 1", n)
			return
		}
	}
}

// reopenAtOnce lets runs that began a cooldown fail when the next ones enter, at
// the end of that cooldown.
func (c *trackerCheck) reopenAtOnce() {
	c.reopenAndEnter("shoes", c.duels)
	c.reopenAndEnter("hats", c.melee)
}

// reopenAndEnter checks that whoever is first, the next run enters, and keeps
// its own cooldown.
func (c *trackerCheck) reopenAndEnter(campaign string, fight func(before, one, other func(i int) error) int) {
	c.Helper()
	first, second, after := c.visit(0, time.Minute), c.visit(time.Minute, time.Hour), c.visit(time.Minute+ms, time.Hour)
	first.Campaign, second.Campaign, after.Campaign = campaign, campaign, campaign
	var entered [maxDuels]bool
	begin := func(i int) error { _, err := c.enterDuel(first, i); return err }
	reopen := func(i int) error { return c.tracker.Reopen(context.Background(), duellist(first, i), first.Time) }
	next := func(i int) (err error) { entered[i], err = c.enterDuel(second, i); return err }
	for i := range fight(begin, reopen, next) {
		if !entered[i] {
			c.failf("Enter at the end of a cooldown that is reopened at the same moment = held, want entered")
			return
		}
		until, again, err := c.tracker.Enter(context.Background(), duellist(after, i))
		if again || err != nil || !until.Equal(second.Until()) {
			c.failf("Enter just after a Reopen and an Enter at once = until %s, entered %t, error %v, want held until %s",
				c.at(until), again, err, c.at(second.Until()))
			return
		}
	}
}

// melee lets two act on each of raceKeys profiles, all at the same moment. Many
// who wait for the same processors take turns wherever one of them yields, which
// duellists do not on a host that is too busy to let both run. It returns how
// many profiles there were, 0 if there was an error.
func (c *trackerCheck) melee(before, one, other func(i int) error) int {
	c.Helper()
	var failed atomic.Pointer[error]
	try := func(act func(i int) error, i int) {
		if err := act(i); err != nil {
			failed.Store(&err)
		}
	}
	for i := range raceKeys {
		try(before, i)
	}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range raceKeys {
		for _, act := range []func(i int) error{one, other} { // next to each other in line
			wg.Go(func() {
				<-begin
				try(act, i)
			})
		}
	}
	close(begin)
	wg.Wait()
	if err := failed.Load(); err != nil {
		c.failf("%d pairs at once = error %v, want none", raceKeys, *err)
		return 0
	}
	return raceKeys
}

// enterDuel enters for the profile of duel i.
func (c *trackerCheck) enterDuel(e campaign.Entry, i int) (entered bool, err error) {
	_, entered, err = c.tracker.Enter(context.Background(), duellist(e, i))
	return entered && err == nil, err
}

func duellist(e campaign.Entry, i int) campaign.Entry {
	e.Profile = "duel " + strconv.Itoa(i)
	return e
}

// duels lets two act on one profile after another, at the same moment each
// time: they wait for each other without giving up their processors. A tracker
// that checks and then sets can win a race of many, who seldom run at once, but
// not thousands of these. What is before a duel has ended when it begins. It
// returns how many duels there were, 0 if there was an error.
func (c *trackerCheck) duels(before, one, other func(i int) error) int {
	c.Helper()
	var ready [2]atomic.Int64
	var failed atomic.Pointer[error]
	var last atomic.Int64 // the round that is not fought any more
	last.Store(maxDuels)
	if c.inBubble {
		last.Store(bubbleDuels)
	}
	try := func(act func(i int) error, i int) {
		if err := act(i); err != nil {
			failed.Store(&err)
		}
	}
	start := time.Now()
	var wg sync.WaitGroup
	for me, act := range []func(i int) error{one, other} {
		wg.Go(func() {
			for i := range maxDuels {
				round := int64(i)
				if me == 0 {
					try(before, i)
					if time.Since(start) > duelTime || failed.Load() != nil {
						last.Store(round) // before the other one comes to this round
					}
				}
				ready[me].Store(round + 1)
				for spins := 1; ready[1-me].Load() <= round; spins++ {
					if spins%1024 == 0 {
						c.giveWay(spins)
					}
				}
				if round >= last.Load() {
					return
				}
				if i%2 == me { // each is sometimes a little late: the moment that matters may be short
					for range i / 2 % maxHandicap {
						last.Load()
					}
				}
				try(act, i)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		c.failf("two at once = error %v, want none", *err)
		return 0
	}
	return int(last.Load())
}

// giveWay lets another goroutine run, for which the caller has been waiting for
// so many turns of a loop: it may have no processor. In a bubble it may also wait
// in the tracker for time to pass, which it does only while all are asleep.
func (c *trackerCheck) giveWay(turns int) {
	if c.inBubble {
		time.Sleep(time.Duration(turns))
		return
	}
	runtime.Gosched()
}

// race lets all racers enter for one profile after another. They keep each
// other company, so that those who are ahead meet at the next one.
func (c *trackerCheck) race(e campaign.Entry) {
	c.Helper()
	var entered [raceKeys]atomic.Int32
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for range racers {
		wg.Go(func() {
			e := e
			<-begin
			for i := range raceKeys {
				e.Profile = strings.Repeat("x", i)
				_, ok, err := c.tracker.Enter(context.Background(), e)
				if err != nil {
					failed.Store(&err)
					return
				}
				if ok {
					entered[i].Add(1)
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	if err := failed.Load(); err != nil {
		c.failf("Enter by %d racers = error %v, want none", racers, *err)
		return
	}
	for i := range entered {
		if n := entered[i].Load(); n != 1 {
			c.failf("%d of %d racers entered for the same profile, want 1", n, racers)
			return
		}
	}
}

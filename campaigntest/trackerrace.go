package campaigntest

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hybridcampaign/campaign"
)

func (c *trackerCheck) oneWinnerNew() {
	c.race(c.visit(0, time.Hour))
	nothing := func(campaign.Entry) error { return nil }
	c.enterTwice(nothing, c.visit(0, time.Hour))
}

// campaignsAtOnce lets one profile after another enter two campaigns at once.
func (c *trackerCheck) campaignsAtOnce() {
	c.enterTwo("shoes", "hats", c.duels)
	c.enterTwo("socks", "gloves", c.melee)
	c.immediatelyAtOnce()
}

// immediatelyAtOnce enters with Immediately, which keeps nothing, while others enter.
func (c *trackerCheck) immediatelyAtOnce() {
	c.Helper()
	kept, once := c.visit(0, time.Hour), c.visit(0, campaign.Immediately)
	kept.Campaign, once.Campaign = "kept at once", "kept at once"
	var entered [2][maxDuels]bool
	enter := func(me int, e campaign.Entry) func(i int) error {
		return func(i int) (err error) { entered[me][i], err = c.enterDuel(e, 2*i+me); return err }
	}
	nothing := func(int) error { return nil }
	for i := range c.duels(nothing, enter(0, kept), enter(1, once)) {
		if !entered[0][i] || !entered[1][i] {
			c.failf("Enter of two profiles at once, one with Immediately = entered %t and %t, want both", entered[0][i], entered[1][i])
			return
		}
	}
}

func (c *trackerCheck) enterTwo(one, other string, fight fight) {
	c.Helper()
	first, second := c.visit(0, time.Hour), c.visit(0, 2*time.Hour)
	first.Campaign, second.Campaign = one, other
	var entered [2][maxDuels]bool
	enter := func(me int, e campaign.Entry) func(i int) error {
		return func(i int) (err error) { entered[me][i], err = c.enterDuel(e, i); return err }
	}
	nothing := func(int) error { return nil }
	for i := range fight(nothing, enter(0, first), enter(1, second)) {
		for me, e := range []campaign.Entry{first, second} {
			if !entered[me][i] {
				c.failf("Enter of one of two campaigns at once = held, want both entered")
				return
			}
			if wrong := c.heldDuel(e, i, e.Until()); wrong != "" {
				c.failf("after a profile has entered two campaigns at once, %s", wrong)
				return
			}
		}
	}
}

// heldDuel returns what is wrong unless the profile of duel i is held until one
// of the ends.
func (c *trackerCheck) heldDuel(e campaign.Entry, i int, ends ...time.Time) (wrong string) {
	until, entered, err := c.tracker.Enter(context.Background(), duellist(e, i))
	if !entered && err == nil && slices.ContainsFunc(ends, until.Equal) {
		return ""
	}
	return fmt.Sprintf("Enter(%s) = until %s, entered %t, error %v, want held until %s",
		c.at(e.Time), c.at(until), entered, err, c.at(ends[0]))
}

func (c *trackerCheck) oneWinnerExpired() {
	first := c.visit(0, time.Minute)
	for i := range raceKeys {
		first.Profile = strings.Repeat("x", i)
		c.enters(first)
	}
	c.race(c.visit(time.Minute, time.Hour))
	begin := func(e campaign.Entry) error {
		e.Time, e.Timeout = first.Time, first.Timeout
		_, _, err := c.tracker.Enter(context.Background(), e)
		return err
	}
	c.enterTwice(begin, c.visit(time.Minute, time.Hour))
	c.replaceAtOnce("late shoes", c.duels)
	c.replaceAtOnce("late hats", c.melee)
}

// replaceAtOnce lets a visit come late, in a cooldown, when that is replaced by
// the next one.
func (c *trackerCheck) replaceAtOnce(campaign string, fight fight) {
	c.Helper()
	first, second, late := c.visit(0, time.Minute), c.visit(time.Minute, time.Hour), c.visit(time.Minute-ms, time.Hour)
	first.Campaign, second.Campaign, late.Campaign = campaign, campaign, campaign
	var entered [maxDuels]bool
	var wrong [maxDuels]string
	begin := func(i int) error { _, err := c.enterDuel(first, i); return err }
	next := func(i int) (err error) { entered[i], err = c.enterDuel(second, i); return err }
	comesLate := func(i int) error { wrong[i] = c.heldDuel(late, i, first.Until(), second.Until()); return nil }
	for i := range fight(begin, next, comesLate) {
		if wrong[i] != "" {
			c.failf("while a cooldown that has ended is replaced, a visit came that lies in it: %s", wrong[i])
			return
		}
		if !entered[i] {
			c.failf("Enter at the end of a cooldown, while a late visit comes = held, want entered")
			return
		}
	}
}

const (
	racers   = 256
	raceKeys = 64
)

const (
	// crowdSize is more than the round numbers at which caches are full, and
	// enough for two of them to have the same hash of 32 bits, 99 times of 100.
	crowdSize    = 200_000
	bubbleCrowd  = 20_000 // where no clock says that it takes too long
	crowdWorkers = 32     // a tracker far away is asked by several at once
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
			for time.Since(start) < c.crowdTime && failed.Load() == nil {
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

// A fight lets two act on one profile after another, at once. It returns how
// many profiles there were, 0 if there was an error.
type fight func(before, one, other func(i int) error) int

// enterTwice lets two enter at once for one profile after another, and for one
// campaign after another: a tracker may make something for each of them.
func (c *trackerCheck) enterTwice(before func(e campaign.Entry) error, e campaign.Entry) {
	c.Helper()
	c.enterOnce(before, func(i int) campaign.Entry { return duellist(e, i) }, c.duels)
	newCampaign := func(i int) campaign.Entry {
		e := e
		e.Campaign = "duel " + strconv.Itoa(i)
		return e
	}
	c.enterOnce(before, newCampaign, c.duels)
	e.Campaign = "hats"
	c.enterOnce(before, func(i int) campaign.Entry { return duellist(e, i) }, c.melee)
}

// enterOnce checks that one of two enters. Their ends differ, so that who is
// held can say by whom.
func (c *trackerCheck) enterOnce(before func(e campaign.Entry) error, entry func(i int) campaign.Entry, fight fight) {
	c.Helper()
	of := func(me, i int) campaign.Entry {
		e := entry(i)
		e.Timeout += time.Duration(me) * ms
		return e
	}
	var untils [2][maxDuels]time.Time
	var winners [2][maxDuels]bool
	enter := func(me int) func(i int) error {
		return func(i int) (err error) {
			untils[me][i], winners[me][i], err = c.tracker.Enter(context.Background(), of(me, i))
			return err
		}
	}
	for i := range fight(func(i int) error { return before(entry(i)) }, enter(0), enter(1)) {
		if winners[0][i] == winners[1][i] {
			c.failf("both of 2 who came at once for the same profile = entered %t, want 1 to enter", winners[0][i])
			return
		}
		winner := 0
		if winners[1][i] {
			winner = 1
		}
		if until, want := untils[1-winner][i], of(winner, i).Until(); !until.Equal(want) {
			c.failf("Enter by the second of 2 who came at once = until %s, want until %s, the end of the first one's cooldown",
				c.at(until), c.at(want))
			return
		}
	}
}

// reopenAtOnce lets runs that began a cooldown fail when the next ones enter, at
// the end of that cooldown.
func (c *trackerCheck) reopenAtOnce() {
	c.reopenAndEnter("shoes", c.duels)
	c.reopenAndEnter("hats", c.melee)
	c.reopenInCooldown("socks", c.duels)
	c.reopenInCooldown("gloves", c.melee)
}

// reopenInCooldown checks that a visit which lies before both ends is held,
// whoever is first.
func (c *trackerCheck) reopenInCooldown(campaign string, fight fight) {
	c.Helper()
	first, visit := c.visit(0, time.Hour), c.visit(30*time.Second, time.Hour)
	first.Campaign, visit.Campaign = campaign, campaign
	minute := c.start.Add(time.Minute)
	var wrong [maxDuels]string
	begin := func(i int) error { _, err := c.enterDuel(first, i); return err }
	reopen := func(i int) error { return c.tracker.Reopen(context.Background(), duellist(first, i), minute) }
	enter := func(i int) error { wrong[i] = c.heldDuel(visit, i, minute, first.Until()); return nil }
	for i := range fight(begin, reopen, enter) {
		wrong := cmp.Or(wrong[i], c.heldDuel(visit, i, minute))
		if wrong != "" {
			c.failf("at once with a Reopen to %s, or after it, %s", c.at(minute), wrong)
			return
		}
	}
}

// reopenAndEnter checks that whoever is first, the next run enters, and keeps
// its own cooldown.
func (c *trackerCheck) reopenAndEnter(campaign string, fight fight) {
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
	var misled atomic.Pointer[time.Time]
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for range racers {
		wg.Go(func() {
			e := e
			<-begin
			for i := range raceKeys {
				e.Profile = strings.Repeat("x", i)
				until, ok, err := c.tracker.Enter(context.Background(), e)
				if err != nil {
					failed.Store(&err)
					return
				}
				if !until.Equal(e.Until()) {
					misled.Store(&until)
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
	if until := misled.Load(); until != nil {
		c.failf("Enter by one of %d racers = until %s, want until %s, as they all bring it", racers, c.at(*until), c.at(e.Until()))
	}
}

package campaigntest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// TestTracker checks that a [campaign.Tracker] keeps its promises. It runs one
// subtest for each promise, each with a tracker of its own from newTracker,
// which may use t for cleanup. A failure says what was promised and why it
// matters.
//
// All times come from the visits, which lie in the hour after the next, so that
// trackers whose store removes what has expired by a clock of its own are
// served too. It never sleeps, so it needs no synctest bubble, and because it
// starts subtests, which Go does not allow inside one, it cannot run there. Race
// conditions show best when the tests are run with more than one processor, and
// with -race.
//
//	func TestRedisTracker(t *testing.T) {
//		campaigntest.TestTracker(t, func(t *testing.T) campaign.Tracker {
//			return redistracker.New(startRedis(t))
//		})
//	}
func TestTracker(t *testing.T, newTracker func(t *testing.T) campaign.Tracker) {
	for _, p := range trackerPromises() {
		t.Run(p.name, func(t *testing.T) { p.check(t, newTracker(t)) })
	}
}

// A reporter is the part of testing.T that the checks need. The tests of this
// package have another, because a check must be seen to fail.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// A promise is one thing that every Tracker has to do.
type promise struct {
	name string // of the subtest
	text string // what is promised
	why  string // what happens to customers otherwise
	run  func(c *trackerCheck)
}

func (p promise) check(r reporter, tracker campaign.Tracker) {
	r.Helper()
	p.run(&trackerCheck{
		reporter: r,
		promise:  p,
		tracker:  tracker,
		start:    time.Now().Add(time.Hour).Truncate(time.Millisecond),
	})
}

// A trackerCheck is one promise put to the test.
type trackerCheck struct {
	reporter
	promise promise
	tracker campaign.Tracker
	start   time.Time // of the first visit
}

const ms = time.Millisecond

// endOfTime is the end of a cooldown that never ends.
var endOfTime = campaign.Entry{Timeout: campaign.Never}.Until()

func (c *trackerCheck) failf(format string, args ...any) {
	c.Helper()
	c.Errorf(format+"\n\tpromise: %s\n\twhy: %s", append(args, c.promise.text, c.promise.why)...)
}

// visit is an entry a while after the start.
func (c *trackerCheck) visit(after, timeout time.Duration) campaign.Entry {
	return campaign.Entry{Campaign: "shoes", Profile: "ann", Time: c.start.Add(after), Timeout: timeout}
}

// at is a time a while after the start, for messages.
func (c *trackerCheck) at(when time.Time) string {
	if when.Equal(endOfTime) {
		return "the end of time"
	}
	return "start+" + when.Sub(c.start).String()
}

// enter fails the test if Enter does not answer as it should.
func (c *trackerCheck) enter(e campaign.Entry, wantUntil time.Time, wantEntered bool) {
	c.Helper()
	until, entered, err := c.tracker.Enter(context.Background(), e)
	if err != nil {
		c.failf("Enter(%s, timeout %v) = error %v, want none", c.at(e.Time), e.Timeout, err)
		return
	}
	if entered != wantEntered || !until.Equal(wantUntil) {
		c.failf("Enter(%s, timeout %v) = until %s, entered %t, want until %s, entered %t",
			c.at(e.Time), e.Timeout, c.at(until), entered, c.at(wantUntil), wantEntered)
	}
}

// enters and held are the two answers that Enter has.
func (c *trackerCheck) enters(e campaign.Entry) { c.Helper(); c.enter(e, e.Until(), true) }

func (c *trackerCheck) held(e campaign.Entry, until time.Time) { c.Helper(); c.enter(e, until, false) }

func (c *trackerCheck) reopen(e campaign.Entry, until time.Time) {
	c.Helper()
	if err := c.tracker.Reopen(context.Background(), e, until); err != nil {
		c.failf("Reopen(%s, timeout %v) to %s = error %v, want none", c.at(e.Time), e.Timeout, c.at(until), err)
	}
}

func trackerPromises() []promise {
	const (
		twice = "a customer who should be left alone would get the same message again"
		lost  = "a customer who may be addressed would not be"
	)
	return []promise{
		{"first visit enters", "the first visit of a profile enters, and is told the end of the cooldown", lost, (*trackerCheck).firstVisit},
		{"closed until exactly the end", "closed one millisecond before the end, open at exactly the end", "marketers and replays count on the moment: " + twice + ", or would wait for too long", (*trackerCheck).exactEnd},
		{"parts of a millisecond do not count", "times count to the millisecond, rounded down", "live traffic and a replayed log, which has milliseconds, would decide differently", (*trackerCheck).nanoseconds},
		{"late visits are held", "a visit whose time lies before the run that closed the campaign is held too", "visits arrive late and out of order: " + twice, (*trackerCheck).lateVisit},
		{"visits do not lengthen", "visits in the cooldown change nothing", "a faithful customer would never be addressed again", (*trackerCheck).notLengthened},
		{"other timeouts do not matter", "the cooldown that is kept decides, whatever timeout the next visit brings", "a campaign that is changed while it runs would forget its cooldowns", (*trackerCheck).changedTimeout},
		{"immediately keeps nothing", "Immediately enters unless an earlier cooldown is running, and keeps nothing", lost + ", or " + twice, (*trackerCheck).immediately},
		{"never has no end", "Never is closed until the end of the year 9999, which Enter returns", "what was to be said once in a life would be said again: an end that wraps around lies in the past", (*trackerCheck).never},
		{"long timeouts are exact", "timeouts of years and centuries are as exact as those of seconds", twice + " when a number that is too small wraps around", (*trackerCheck).longTimeouts},
		{"odd keys are kept apart", "campaign and profile are two keys of any bytes and any length", "one customer would wait for another, or for another campaign", (*trackerCheck).oddKeys},
		{"one winner on a new key", "of all that enter for one profile at once, one enters", "customers open several pages at once: " + twice + ". Checking and setting have to be one step", (*trackerCheck).oneWinnerNew},
		{"one winner on an expired key", "of all that enter at once when a cooldown has ended, one enters", "customers open several pages at once: " + twice + ". Replacing what has expired has to be one step as well", (*trackerCheck).oneWinnerExpired},
		{"reopen moves the end", "Reopen moves the end of the cooldown that the entry began", "an outage of the endpoint would cost the customer the message", (*trackerCheck).reopens},
		{"reopen to the visit opens", "Reopen to the time of the visit, or before, opens the campaign", lost, (*trackerCheck).reopensAtOnce},
		{"foreign reopen changes nothing", "Reopen changes nothing unless the end that is kept is the end of its own entry", "a run that fails late would open the cooldown of another one that was delivered: " + twice, (*trackerCheck).foreignReopen},
		{"late reopen changes nothing", "Reopen changes nothing once another run has begun a cooldown", "a run that fails late would open the cooldown of another one that was delivered: " + twice, (*trackerCheck).lateReopen},
		{"reopen is one step", "Reopen compares the end that is kept and moves it in one step", "a run that fails just when the next one begins would open the cooldown of that one: " + twice, (*trackerCheck).reopenAtOnce},
		{"a done context is an error", "with a context that is done, Enter and Reopen return its error and change nothing", "a run that was called off would close the campaign, or open it", (*trackerCheck).doneContext},
	}
}

func (c *trackerCheck) firstVisit() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	c.held(first, first.Until())
}

func (c *trackerCheck) exactEnd() {
	for i, timeout := range []time.Duration{ms, 2 * ms, time.Second, time.Minute, 24 * time.Hour, 7 * 24 * time.Hour} {
		e := c.visit(0, timeout)
		e.Profile = strings.Repeat("x", i)
		c.enters(e)
		end := e.Until()
		e.Time = end.Add(-ms)
		c.held(e, end)
		e.Time = end
		c.enters(e)
	}
}

func (c *trackerCheck) nanoseconds() {
	e := c.visit(999_999, time.Hour)
	c.enter(e, c.start.Add(time.Hour), true)
	c.held(c.visit(time.Hour-1, time.Hour), c.start.Add(time.Hour))
	c.enters(c.visit(time.Hour, time.Hour))

	short := c.visit(0, 1500*time.Microsecond)
	short.Profile = "bob"
	c.enter(short, c.start.Add(2*ms), true) // never shorter than asked
}

func (c *trackerCheck) lateVisit() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	for _, late := range []time.Duration{ms, time.Second, time.Minute, 30 * time.Minute} {
		c.held(c.visit(-late, time.Hour), first.Until())
	}
}

func (c *trackerCheck) notLengthened() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	for minute := range 60 {
		c.held(c.visit(time.Duration(minute)*time.Minute, time.Hour), first.Until())
	}
	c.enters(c.visit(time.Hour, time.Hour))
}

func (c *trackerCheck) changedTimeout() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	for _, timeout := range []time.Duration{ms, time.Minute, 1000 * time.Hour, campaign.Never} {
		c.held(c.visit(time.Minute, timeout), first.Until())
	}
	next := c.visit(time.Hour, time.Minute)
	c.enters(next)
	c.held(c.visit(time.Hour+time.Minute-ms, time.Hour), next.Until())
	c.enters(c.visit(time.Hour+time.Minute, time.Hour))
}

func (c *trackerCheck) immediately() {
	e := c.visit(0, campaign.Immediately)
	c.enters(e)
	c.enters(e)
	hour := c.visit(0, time.Hour)
	c.enters(hour)
	c.held(c.visit(time.Hour-ms, campaign.Immediately), hour.Until())
	c.enters(c.visit(time.Hour, campaign.Immediately))
	c.enters(c.visit(time.Hour, time.Minute))
}

func (c *trackerCheck) never() {
	c.enters(c.visit(0, campaign.Never))
	const year = 365 * 24 * time.Hour
	for _, after := range []time.Duration{0, ms, time.Hour, year, 50 * year, 100 * year, 290 * year} {
		c.held(c.visit(after, campaign.Never), endOfTime)
		c.held(c.visit(after, time.Hour), endOfTime)
	}
	late := c.visit(0, campaign.Never)
	late.Time = endOfTime.Add(-ms)
	c.held(late, endOfTime)
}

func (c *trackerCheck) longTimeouts() {
	const day = 24 * time.Hour
	for i, timeout := range []time.Duration{30 * day, 50 * day, 365 * day, 68 * 366 * day, 100 * 365 * day, 290 * 365 * day} {
		e := c.visit(0, timeout)
		e.Profile = strings.Repeat("x", i)
		c.enters(e)
		end := e.Until()
		for _, before := range []time.Duration{timeout, timeout / 2, ms} {
			e.Time = end.Add(-before)
			c.held(e, end)
		}
		e.Time = end
		c.enters(e)
	}
}

func (c *trackerCheck) oddKeys() {
	keys := similarKeys()
	visit := func(after time.Duration, i int) campaign.Entry {
		e := c.visit(after, time.Hour+time.Duration(i)*ms) // so that the end tells whose it is
		e.Campaign, e.Profile = keys[i].campaign, keys[i].profile
		return e
	}
	owners := map[int64]string{}
	// The first failure ends it: one shows what is wrong, and hundreds may follow.
	for i, key := range keys {
		e := visit(0, i)
		until, entered, err := c.tracker.Enter(context.Background(), e)
		if err != nil {
			c.failf("Enter(%v) = error %v, want none", key, err)
			return
		}
		if !entered {
			owner := cmp.Or(owners[until.UnixMilli()], "nobody")
			c.failf("Enter(%v) is held by the cooldown of %s, want the first visit to enter", key, owner)
			return
		}
		owners[e.Until().UnixMilli()] = key.String()
	}
	for i, key := range keys {
		want := visit(0, i).Until()
		until, entered, err := c.tracker.Enter(context.Background(), visit(time.Minute, i))
		if entered || err != nil || !until.Equal(want) {
			c.failf("Enter(%v) = until %s, entered %t, error %v, want the second visit to be held until %s",
				key, c.at(until), entered, err, c.at(want))
			return
		}
	}
}

// A key is what a tracker keeps one cooldown for.
type key struct{ campaign, profile string }

func (k key) String() string {
	return fmt.Sprintf("campaign %.20q, profile %.20q", k.campaign, k.profile)
}

// similarKeys returns different keys that become the same if campaign and
// profile are joined carelessly, or if not all of their bytes count. They are
// some 600, which a tracker on a server answers in a second or two. All
// separators of two bytes would be 65,536 pairs more: of the longer ones, only
// those that people use are tried.
func similarKeys() []key {
	keys := []key{
		{"", ""},
		{"a", "bc"},
		{"ab", "c"},
		{"", "abc"},
		{"abc", ""},
		{"a", "\x00b"},
		{"a\x00", "b"},
		{"a\x00b", ""},
		{"1", "1:1"},
		{"1:1", "1"},
		{"1", "abcdefghijkx"}, // 1 is also how the length of the next campaign begins
		{"abcdefghijk", "x"},
	}
	for _, s := range separators() {
		// Joined by s, both are a, s, b, s, c.
		keys = append(keys, key{"a" + s + "b", "c"}, key{"a", "b" + s + "c"})
	}
	for _, s := range similarStrings() {
		keys = append(keys, key{s, "x"}, key{"x", s})
	}
	return distinct(keys)
}

// separators returns what may stand between the parts of a joined key.
func separators() []string {
	all := []string{"::", "--", "__", "||", "|||", "->", "=>", "://", ", ", "%00", "\r\n", "\x00\x00"}
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}))
	}
	return all
}

// similarStrings returns strings that are told apart by their bytes, but not by
// everything that may happen to them on the way into a store.
func similarStrings() []string {
	long := strings.Repeat("x", 10<<10)
	return []string{
		"", "ann", "Ann", "ANN", // letter case
		" ", " ann", "ann ", "\tann", "ann\n", "ann\r\n", "ann\u00a0", "\ufeffann", // trimming
		"\x00", "ann\x00", "ann\x00x", // strings that end with a NUL
		"%", "_", "*", "?", "??", "'", `"`, `\`, `\\`, "''", // patterns and quotes
		"+", "%20", "%2B", // URLs
		".", "ann/", "./ann", // paths
		"é", "É", "e", "e\u0301", "ü", "k", "\u212a", // letters; the last one is a Kelvin sign
		"\xff", "\xfe", "\xff\xff", "\ufffd", // repaired UTF-8
		"0", "2", "02", "+2", "2.0", "2e0", // numbers
		long, long + "x", long + "y", "y" + long, // cut, at either end
	}
}

// distinct removes keys that are there already. A key that came twice would be
// held by itself.
func distinct(keys []key) []key {
	seen := map[key]bool{}
	return slices.DeleteFunc(keys, func(k key) bool {
		again := seen[k]
		seen[k] = true
		return again
	})
}

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
	maxDuels    = 20_000
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
						runtime.Gosched() // the other one may have no processor
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

func (c *trackerCheck) reopens() {
	for i, timeout := range []time.Duration{time.Hour, 7 * 24 * time.Hour, campaign.Never} {
		first := c.visit(0, timeout)
		first.Profile = strings.Repeat("x", i)
		c.enters(first)
		minute := c.start.Add(time.Minute)
		c.reopen(first, minute)
		c.reopen(first, minute) // its cooldown is not there any more
		next := first
		next.Time = minute.Add(-ms)
		c.held(next, minute)
		next.Time = minute
		c.enters(next)
	}
}

func (c *trackerCheck) reopensAtOnce() {
	for i, until := range []time.Duration{0, -ms, -time.Hour} {
		first := c.visit(0, time.Hour)
		first.Profile = strings.Repeat("x", i)
		c.enters(first)
		c.reopen(first, c.start.Add(until))
		c.enters(first)
	}
}

func (c *trackerCheck) foreignReopen() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	foreign := map[string]func(e *campaign.Entry){
		"another visit":    func(e *campaign.Entry) { e.Time = e.Time.Add(-time.Minute) },
		"a later visit":    func(e *campaign.Entry) { e.Time = e.Time.Add(ms) },
		"another timeout":  func(e *campaign.Entry) { e.Timeout += ms },
		"no end":           func(e *campaign.Entry) { e.Timeout = campaign.Never },
		"another profile":  func(e *campaign.Entry) { e.Profile = "bob" },
		"another campaign": func(e *campaign.Entry) { e.Campaign = "hats" },
		"no cooldown": func(e *campaign.Entry) {
			e.Time, e.Timeout = e.Until(), campaign.Immediately
		},
	}
	for name, change := range foreign {
		e := first
		change(&e)
		if err := c.tracker.Reopen(context.Background(), e, c.start); err != nil {
			c.failf("Reopen of %s = error %v, want none", name, err)
		}
		until, entered, err := c.tracker.Enter(context.Background(), c.visit(ms, time.Hour))
		if entered || err != nil || !until.Equal(first.Until()) {
			c.failf("after Reopen of %s, Enter = until %s, entered %t, error %v, want held until %s",
				name, c.at(until), entered, err, c.at(first.Until()))
			return
		}
	}
	for _, other := range []campaign.Entry{{Campaign: "shoes", Profile: "bob"}, {Campaign: "hats", Profile: "ann"}} {
		other.Time, other.Timeout = c.start, time.Hour
		c.enters(other) // Reopen has not begun a cooldown either
	}
}

func (c *trackerCheck) lateReopen() {
	first := c.visit(0, time.Minute)
	c.enters(first)
	second := c.visit(time.Minute, time.Hour)
	c.enters(second)
	c.reopen(first, c.start)
	c.held(c.visit(2*time.Minute, time.Hour), second.Until())
}

func (c *trackerCheck) doneContext() {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	first := c.visit(0, time.Hour)
	for _, ctx := range []context.Context{cancelled, late} {
		if _, entered, err := c.tracker.Enter(ctx, first); entered || !errors.Is(err, ctx.Err()) {
			c.failf("Enter(done context) = entered %t, error %v, want false, %v", entered, err, ctx.Err())
		}
	}
	c.enters(first)
	for _, ctx := range []context.Context{cancelled, late} {
		if err := c.tracker.Reopen(ctx, first, c.start); !errors.Is(err, ctx.Err()) {
			c.failf("Reopen(done context) = %v, want %v", err, ctx.Err())
		}
		if _, entered, err := c.tracker.Enter(ctx, c.visit(ms, time.Hour)); entered || !errors.Is(err, ctx.Err()) {
			c.failf("Enter(done context) in the cooldown = entered %t, error %v, want false, %v", entered, err, ctx.Err())
		}
	}
	c.held(c.visit(ms, time.Hour), first.Until())
}

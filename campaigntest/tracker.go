package campaigntest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// TestTracker checks that a [campaign.Tracker] keeps its promises. It runs one
// subtest for each promise, each with a tracker of its own from newTracker,
// which may use t for cleanup. A failure says what was promised and why it
// matters.
//
// All times come from the visits. Where a cooldown has to be found again, it ends
// half an hour or more after the test, so that trackers whose store removes what
// has expired by a clock of its own are served too. TestTracker never sleeps.
// What shows only when time passes is checked by [TestTrackerInBubble], and what
// a tracker does without its store by [TestTrackerErrors]. Race conditions show
// best on a machine with more than one processor, and with -race. Tests limited to
// one (go test -cpu 1) use two while a promise is checked, if there are two. Where
// several processes share a store, let newTracker return one that passes its calls to
// two trackers on that store in turn: a lock of one process hides what goes wrong.
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

// TestTrackerInBubble is [TestTracker] on virtual time, for trackers whose own
// code looks at the clock, sets timers or waits. Each subtest runs in a bubble of
// its own (see [synctest.Test]), and so do newTracker and its cleanup: it is
// called from an ordinary test. There it also lets hours and days pass, in no
// time, and checks that cooldowns last as long by the clock as they have to.
//
// What holds for every bubble holds here: a tracker must not wait for another
// process or a network, whose time is the real one; it must not hold a mutex while it
// sleeps, as time stands still while somebody waits for one; and its goroutines have
// to end when the test does, in a cleanup.
//
//	func TestTimedTracker(t *testing.T) {
//		campaigntest.TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker {
//			tracker := timedtracker.New()
//			t.Cleanup(tracker.Close)
//			return tracker
//		})
//	}
func TestTrackerInBubble(t *testing.T, newTracker func(t *testing.T) campaign.Tracker) {
	for _, p := range append(trackerPromises(), clockPromises()...) {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { p.checkInBubble(t, newTracker(t)) })
		})
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
	defer twoProcessors()()
	p.run(newTrackerCheck(r, p, tracker))
}

func (p promise) checkInBubble(r reporter, tracker campaign.Tracker) {
	r.Helper()
	defer twoProcessors()()
	c := newTrackerCheck(r, p, tracker)
	c.inBubble = true
	p.run(c)
}

// twoProcessors lets two goroutines run at once until it is undone, where the
// machine can and a limit such as go test -cpu 1 keeps it from that: on one
// processor, nobody gets in between a look and what is done about it.
func twoProcessors() (undo func()) {
	if runtime.GOMAXPROCS(0) > 1 || runtime.NumCPU() == 1 {
		return func() {}
	}
	before := runtime.GOMAXPROCS(2)
	return func() { runtime.GOMAXPROCS(before) }
}

// A trackerCheck is one promise put to the test.
type trackerCheck struct {
	reporter
	promise  promise
	tracker  campaign.Tracker
	start    time.Time // of the first visit
	inBubble bool      // of synctest

	// crowdTime is when a crowd is as large as it is, by the host's clock: the
	// tracker may be far away.
	crowdTime time.Duration
}

func newTrackerCheck(r reporter, p promise, tracker campaign.Tracker) *trackerCheck {
	return &trackerCheck{
		reporter: r,
		promise:  p,
		tracker:  tracker,
		start:    time.Now().Add(ahead).Truncate(time.Millisecond),

		crowdTime: time.Second,
	}
}

// ahead is how far the first visit lies ahead of the clock: a store that removes
// by its own clock what has expired is to find nothing to remove.
const ahead = time.Hour

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
		{"late visits find what has ended", "a cooldown is kept for five minutes after its end, by the visits of others, for visits that lie before its end", "visits arrive late and out of order: " + twice, (*trackerCheck).keptForLate},
		{"visits of the past count from their time", "a cooldown ends a timeout after the visit's time, also if the visit is some minutes older than the clock", "a replayed log would be decided by the moment of the replay, and " + lost, (*trackerCheck).behindTheClock},
		{"time zones do not matter", "the same instant is the same in every time zone, in Enter and in Reopen", "the servers of one shop stand in several zones: " + twice + ", or would wait for hours more", (*trackerCheck).zones},
		{"visits do not lengthen", "visits in the cooldown change nothing", "a faithful customer would never be addressed again", (*trackerCheck).notLengthened},
		{"other timeouts do not matter", "the cooldown that is kept decides, whatever timeout the next visit brings", "a campaign that is changed while it runs would forget its cooldowns", (*trackerCheck).changedTimeout},
		{"immediately keeps nothing", "Immediately enters unless a cooldown is kept that ends after it, and changes nothing that is kept", lost + ", or " + twice, (*trackerCheck).immediately},
		{"never has no end", "Never is closed until the end of the year 9999, which Enter returns", "what was to be said once in a life would be said again: an end that wraps around lies in the past", (*trackerCheck).never},
		{"long timeouts are exact", "timeouts of years and centuries are as exact as those of seconds", twice + " when a number that is too small wraps around", (*trackerCheck).longTimeouts},
		{"odd keys are kept apart", "campaign and profile are two keys of any bytes and any length", "one customer would wait for another, or for another campaign", (*trackerCheck).oddKeys},
		{"nobody is forgotten", "cooldowns are kept until their end, of however many profiles, and however far their visits are ahead of the clock", "a busy hour, or a clock that is behind, would be forgotten: " + twice, (*trackerCheck).manyProfiles},
		{"running cooldowns outlast others", "a running cooldown is kept, and Reopen still finds it, however much later the visits of others are, whatever other campaigns of the profile do, and of however many campaigns", "what one customer does would be the end of what another was promised: " + twice, (*trackerCheck).outlasts},
		{"one winner on a new key", "of all that enter for one profile at once, one enters", "customers open several pages at once: " + twice + ". Checking and setting have to be one step", (*trackerCheck).oneWinnerNew},
		{"one winner on an expired key", "of all that enter at once when a cooldown has ended, one enters", "customers open several pages at once: " + twice + ". Replacing what has expired has to be one step as well", (*trackerCheck).oneWinnerExpired},
		{"campaigns at once are kept apart", "of two campaigns that one profile enters at once, each keeps its cooldown", "one page may start several campaigns: " + twice + " if the one that writes last takes the other's cooldown away", (*trackerCheck).campaignsAtOnce},
		{"reopen moves the end", "Reopen moves the end of the cooldown that the entry began", "an outage of the endpoint would cost the customer the message", (*trackerCheck).reopens},
		{"closed again after a reopen", "a cooldown that begins after a Reopen lasts until its own end", "after one outage the campaign would never be closed again: " + twice, (*trackerCheck).closedAfterReopen},
		{"reopen to the visit opens", "Reopen to the time of the visit, or before, opens the campaign", lost, (*trackerCheck).reopensAtOnce},
		{"foreign reopen changes nothing", "Reopen changes nothing unless the end that is kept is the end of its own entry, and never for Immediately, which began no cooldown", "a run that fails late would open the cooldown of another one that was delivered: " + twice, (*trackerCheck).foreignReopen},
		{"late reopen changes nothing", "Reopen changes nothing once another run has begun a cooldown", "a run that fails late would open the cooldown of another one that was delivered: " + twice, (*trackerCheck).lateReopen},
		{"reopen is one step", "Reopen compares the end that is kept and moves it in one step", "a run that fails just when the next one begins would open the cooldown of that one: " + twice, (*trackerCheck).reopenAtOnce},
		{"until answers as enter would", "Until of a CooldownReader returns what Enter at that time would, and changes nothing", "Explain would say of a customer what is not so, and nobody would find out why they get no message", (*trackerCheck).reads},
		{"a done context is an error", "with a context that is done, Enter and Reopen return its error and change nothing", "a run that was called off would close the campaign, or open it", (*trackerCheck).doneContext},
	}
}

func (c *trackerCheck) firstVisit() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	c.held(first, first.Until())
}

func (c *trackerCheck) exactEnd() {
	// Where times are compared as text, from which the last zeros were left out,
	// a whole second sorts after all of its fractions.
	whole := c.visit(0, 1500*ms)
	whole.Profile, whole.Time = "bob", c.start.Truncate(time.Second)
	c.enters(whole)
	end := whole.Until()
	whole.Time = whole.Time.Add(time.Second)
	c.held(whole, end)

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

// nanoseconds lets no visit enter that is more than five minutes past an end which
// is asked for: a tracker may have forgotten it.
func (c *trackerCheck) nanoseconds() {
	for _, timeout := range []time.Duration{1100 * time.Microsecond, 1500 * time.Microsecond} {
		short := c.visit(0, timeout)
		short.Profile = "bob for " + timeout.String()
		c.enter(short, c.start.Add(2*ms), true) // never shorter than asked
	}

	// What a clock shows has nanoseconds, and so has what is counted from it.
	failed, minute := c.visit(999_999, time.Hour), c.start.Add(time.Minute)
	failed.Profile = "eve"
	c.enters(failed)
	c.reopen(failed, failed.Time.Add(time.Minute))
	failed.Time = minute.Add(-1)
	c.held(failed, minute)
	failed.Time, failed.Timeout = minute.Add(999_999), campaign.Immediately
	c.enter(failed, minute, true)

	e := c.visit(999_999, time.Hour)
	c.enter(e, c.start.Add(time.Hour), true)
	c.held(c.visit(time.Hour-1, time.Hour), c.start.Add(time.Hour))
	c.enters(c.visit(time.Hour, time.Hour))
}

func (c *trackerCheck) lateVisit() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	const day = 24 * time.Hour
	for _, late := range []time.Duration{ms, time.Second, time.Minute, 30 * time.Minute, 2 * time.Hour, day, 30 * day} {
		c.held(c.visit(-late, time.Hour), first.Until())
	}
}

func (c *trackerCheck) keptForLate() {
	first := c.visit(0, time.Hour)
	c.enters(first)
	heldStill := func() {
		c.held(c.visit(30*time.Minute, time.Hour), first.Until())
		c.held(c.visit(time.Hour-ms, time.Hour), first.Until())
	}
	// Visits that do not enter do not count.
	faithful := c.visit(0, 24*time.Hour)
	faithful.Profile = "faithful"
	c.enters(faithful)
	later := faithful
	later.Time = c.start.Add(3 * time.Hour)
	c.held(later, faithful.Until())
	heldStill()
	for _, after := range []time.Duration{0, ms, time.Minute, 5 * time.Minute} {
		other := c.visit(time.Hour+after, time.Hour)
		other.Profile = "bob after " + after.String()
		c.enters(other)
		other.Campaign = "hats"
		c.enters(other)
		heldStill()
	}
	// Many, because a tracker may look only now and then for what has ended.
	c.crowd(1000, func(i int) error {
		_, err := c.enterDuel(c.visit(time.Hour+5*time.Minute, time.Minute), i)
		return err
	})
	heldStill()
}

// behindTheClock does not ask for what ended before now: a store may remove that
// by its own clock.
func (c *trackerCheck) behindTheClock() {
	begun := c.visit(-ahead-10*time.Minute, time.Hour) // ten minutes ago, until in fifty
	c.enters(begun)
	end := begun.Until()
	for _, before := range []time.Duration{55 * time.Minute, 10 * time.Minute, ms} {
		e := begun
		e.Time = end.Add(-before)
		c.held(e, end)
	}
	next := begun
	next.Time = end
	c.enters(next)

	for _, days := range []time.Duration{1, 30} {
		over := c.visit(-ahead-days*24*time.Hour, time.Minute)
		over.Profile = fmt.Sprintf("bob %d days ago", days)
		c.enters(over)
		over.Time = over.Until()
		c.enters(over)
		c.reopen(over, over.Time)
	}

	failed := begun
	failed.Profile = "eve"
	c.enters(failed)
	c.reopen(failed, failed.Time.Add(time.Minute))
	failed.Time = failed.Time.Add(time.Minute)
	c.enters(failed)
	c.held(failed, failed.Until())
}

func (c *trackerCheck) zones() {
	zones := []*time.Location{
		time.UTC,
		time.Local,
		time.FixedZone("west", -8*60*60),
		time.FixedZone("half an hour", (5*60+30)*60),
		time.FixedZone("tomorrow", 14*60*60),
	}
	visit := func(after time.Duration, i, j int) campaign.Entry {
		e := c.visit(after, time.Hour)
		e.Profile = fmt.Sprintf("%d %d", i, j)
		e.Time = e.Time.In(zones[j])
		return e
	}
	end, minute := c.start.Add(time.Hour), c.start.Add(time.Minute)
	for i, here := range zones {
		for j := range zones {
			first := visit(0, i, j)
			first.Time = first.Time.In(here)
			c.enter(first, end, true)
			c.held(visit(time.Hour-ms, i, j), end)
			c.held(visit(time.Minute, i, j), end)
			c.reopen(visit(0, i, j), minute.In(here))
			c.held(visit(time.Minute-ms, i, j), minute)
			c.enters(visit(time.Minute, i, j))
		}
	}
	// Only now, as with these the others may be forgotten.
	for i, here := range zones {
		for j := range zones {
			next := visit(time.Minute+time.Hour, i, j)
			next.Time = next.Time.In(here)
			c.enters(next)
		}
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
	for _, after := range []time.Duration{-time.Minute, 0, ms, time.Hour - ms} {
		c.held(c.visit(after, campaign.Immediately), hour.Until())
		c.held(c.visit(ms, time.Hour), hour.Until())
	}
	for _, after := range []time.Duration{time.Hour, time.Hour + time.Minute} {
		e := c.visit(after, campaign.Immediately)
		c.enters(e)
		c.held(c.visit(time.Hour-ms, time.Hour), hour.Until()) // for who comes late, it is there still
		c.reopen(e, e.Time)
		c.held(c.visit(time.Hour-ms, time.Hour), hour.Until())
	}
	minute := c.visit(time.Hour, time.Minute)
	c.enters(minute)
	c.reopen(c.visit(time.Hour, campaign.Immediately), minute.Time) // where it began
	c.held(c.visit(time.Hour, time.Minute), minute.Until())
	c.reopen(c.visit(time.Hour+time.Minute, campaign.Immediately), minute.Time) // where it ends
	c.held(c.visit(time.Hour, time.Minute), minute.Until())
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

func (c *trackerCheck) outlasts() {
	many := c.visit(0, time.Hour)
	many.Profile = "carol"
	campaignOf := func(i int) campaign.Entry {
		e := many
		e.Campaign = fmt.Sprintf("campaign %d", i)
		return e
	}
	n := c.crowd(2000, func(i int) error {
		_, _, err := c.tracker.Enter(context.Background(), campaignOf(i))
		return err
	})
	for i := range min(n, 10) { // the oldest
		c.held(campaignOf(i), many.Until())
	}

	const day = 24 * time.Hour
	var running []campaign.Entry
	for _, timeout := range []time.Duration{8 * day, 60 * day, 1000 * day, campaign.Never} {
		e := c.visit(0, timeout)
		e.Profile = "ann for " + timeout.String()
		c.enters(e)
		running = append(running, e)
		// Another campaign, whose cooldown has ended, also by the clock.
		other := e
		other.Campaign, other.Time, other.Timeout = "hats", c.start.Add(-ahead-10*time.Minute), ms
		c.enters(other)
		c.held(e, e.Until())
	}
	failed := c.visit(0, 30*day)
	failed.Profile = "eve"
	c.enters(failed)
	for _, days := range []time.Duration{1, 2, 7, 9, 29, 32, 59, 366, 400, 999} {
		bob := c.visit(days*day, time.Hour)
		bob.Profile = fmt.Sprintf("bob after %d days", days)
		c.enters(bob)
		for _, e := range running {
			end := e.Until()
			if e.Time = bob.Time; e.Time.Before(end) {
				c.held(e, end)
			}
		}
		if days == 2 { // while it runs
			c.reopen(failed, c.start.Add(time.Minute))
			failed.Time = bob.Time
			c.enters(failed)
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
		c.reopen(first, minute.Add(-ms)) // its cooldown is not there any more
		next := first
		for _, before := range []time.Duration{ms, time.Hour} {
			next.Time = minute.Add(-before)
			c.held(next, minute)
		}
		next.Time = minute
		c.enters(next)
	}
}

func (c *trackerCheck) closedAfterReopen() {
	const month = 30 * 24 * time.Hour
	for i, until := range []time.Duration{-ms, 0, ms, time.Minute} {
		first := c.visit(0, time.Hour)
		first.Profile = strings.Repeat("x", i)
		c.enters(first)
		c.reopen(first, first.Time.Add(until))
		for range 2 { // also after the second Reopen
			next := first
			next.Time, next.Timeout = first.Time.Add(max(0, until)), month
			c.enters(next)
			end := next.Until()
			for _, before := range []time.Duration{month, month - time.Hour, ms} {
				e := next
				e.Time = end.Add(-before)
				c.held(e, end)
			}
			first = next
			c.reopen(first, first.Time.Add(until))
		}
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
		for _, to := range []time.Time{c.start.Add(time.Minute), c.start} { // which moves the end, or opens
			if err := c.tracker.Reopen(context.Background(), e, to); err != nil {
				c.failf("Reopen of %s to %s = error %v, want none", name, c.at(to), err)
			}
			until, entered, err := c.tracker.Enter(context.Background(), c.visit(ms, time.Hour))
			if entered || err != nil || !until.Equal(first.Until()) {
				c.failf("after Reopen of %s to %s, Enter = until %s, entered %t, error %v, want held until %s",
					name, c.at(to), c.at(until), entered, err, c.at(first.Until()))
				return
			}
		}
	}
	for _, other := range []campaign.Entry{{Campaign: "shoes", Profile: "bob"}, {Campaign: "hats", Profile: "ann"}} {
		other.Time, other.Timeout = c.start, time.Hour
		c.enters(other) // Reopen has not begun a cooldown either
	}
}

// manyProfiles keeps cooldowns of a millisecond: they end far ahead of the clock,
// and are over at once where the moment of Enter counts.
func (c *trackerCheck) manyProfiles() {
	e, size := c.visit(0, ms), crowdSize
	if c.inBubble {
		size = bubbleCrowd
	}
	var opened, forgotten atomic.Int64
	n := c.crowd(size, func(i int) error {
		entered, err := c.enterDuel(e, i)
		if entered {
			opened.Add(1)
		}
		return err
	})
	again := c.crowd(n, func(i int) error {
		until, entered, err := c.tracker.Enter(context.Background(), duellist(e, i))
		if entered || !until.Equal(e.Until()) {
			forgotten.Add(1)
		}
		return err
	})
	if int(opened.Load()) != n {
		c.failf("%d of %d profiles entered on their first visit, want all", opened.Load(), n)
	}
	if forgotten.Load() > 0 {
		c.failf("%d of %d profiles were not held on their second visit, want none", forgotten.Load(), again)
	}
	c.reopenedAndKept()
}

// reopenedAndKept finds ends that Reopen has moved, when more time has passed than
// lies between them and their visits, which are ahead of the clock.
func (c *trackerCheck) reopenedAndKept() {
	e := c.visit(0, time.Hour)
	e.Campaign = "reopened"
	moved := c.start.Add(ms)
	n := c.crowd(1000, func(i int) error {
		if _, err := c.enterDuel(e, i); err != nil {
			return err
		}
		return c.tracker.Reopen(context.Background(), duellist(e, i), moved)
	})
	for i := range n {
		if wrong := c.heldDuel(e, i, moved); wrong != "" {
			c.failf("after a Reopen to %s, %s", c.at(moved), wrong)
			return
		}
	}
}

func (c *trackerCheck) lateReopen() {
	for i, timeout := range []time.Duration{time.Hour, campaign.Never} {
		first, second, third := c.visit(0, time.Minute), c.visit(time.Minute, timeout), c.visit(2*time.Minute, time.Hour)
		profile := strings.Repeat("x", i)
		first.Profile, second.Profile, third.Profile = profile, profile, profile
		c.enters(first)
		c.enters(second)
		c.reopen(first, c.start)
		c.held(third, second.Until())
	}
}

func (c *trackerCheck) doneContext() {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	caused, cancelCause := context.WithCancelCause(context.Background())
	cancelCause(errors.New("the host is shutting down")) // which is not ctx.Err()
	done := []context.Context{cancelled, late, caused}
	first := c.visit(0, time.Hour)
	for _, ctx := range done {
		if _, entered, err := c.tracker.Enter(ctx, first); entered || !errors.Is(err, ctx.Err()) {
			c.failf("Enter(done context) = entered %t, error %v, want false, %v", entered, err, ctx.Err())
		}
	}
	c.enters(first)
	for _, ctx := range done {
		if err := c.tracker.Reopen(ctx, first, c.start); !errors.Is(err, ctx.Err()) {
			c.failf("Reopen(done context) = %v, want %v", err, ctx.Err())
		}
		if _, entered, err := c.tracker.Enter(ctx, c.visit(ms, time.Hour)); entered || !errors.Is(err, ctx.Err()) {
			c.failf("Enter(done context) in the cooldown = entered %t, error %v, want false, %v", entered, err, ctx.Err())
		}
	}
	c.held(c.visit(ms, time.Hour), first.Until())
}

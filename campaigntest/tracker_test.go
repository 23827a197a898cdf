// This file is inside the package because a check that fails must be seen to
// fail: it needs a reporter that is no *testing.T.
package campaigntest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

func TestMemoryTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return new(campaign.MemoryTracker) })
}

func TestSimpleTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return newSimple() })
}

func TestMemoryTrackerInBubble(t *testing.T) {
	TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker { return new(campaign.MemoryTracker) })
}

// A tracker may forget whatever the documentation of Tracker lets it forget, at
// once.
func TestForgetfulTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return newForgetful() })
}

func TestForgetfulTrackerInBubble(t *testing.T) {
	TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker { return newForgetful() })
}

// newForgetful stops looking for what has ended when it has more than a hundred:
// to look at all of a crowd each time takes long.
func newForgetful() campaign.Tracker {
	s := newSimple()
	forget(s, 1, 5*time.Minute)
	all := s.kept
	s.kept = func(key string, e campaign.Entry) {
		if len(s.ends) <= 100 {
			all(key, e)
		}
	}
	s.find = func(key string, _ campaign.Entry) {
		if end, ok := s.ends[key]; ok && end <= time.Now().UnixMilli() {
			delete(s.ends, key)
		}
	}
	return s
}

// A tracker may remove whatever it may forget each time that a visit comes, before
// it looks. The first thousand times will do: with a crowd, each takes long.
func TestPurgingTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return newPurging() })
}

func TestPurgingTrackerInBubble(t *testing.T) {
	TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker { return newPurging() })
}

func newPurging() campaign.Tracker {
	s := newSimple()
	newest, times := int64(math.MinInt64), 0
	s.find = func(_ string, e campaign.Entry) {
		if times++; times < 1000 {
			maps.DeleteFunc(s.ends, func(_ string, end int64) bool { return end < newest-(5*time.Minute).Milliseconds() })
		}
	}
	s.came = func(e campaign.Entry) { newest = max(newest, e.Time.UnixMilli()) }
	return s
}

// A tracker with timers passes on both kinds of time.
func TestTimedTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return newTimed(t, 0) })
}

func TestTimedTrackerInBubble(t *testing.T) {
	TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker { return newTimed(t, 0) })
}

// Waiting in Enter for time to pass must not stop the clock of the bubble, which
// the goroutines of a race do if they wait for each other awake.
func TestSlowTrackerInBubble(t *testing.T) {
	TestTrackerInBubble(t, func(t *testing.T) campaign.Tracker { return newTimed(t, 3*time.Millisecond) })
}

// A simple is a correct tracker, in the hands of which each broken one is built.
type simple struct {
	mu   sync.Mutex
	ends map[string]int64

	// What the broken ones change.
	entry   func(e campaign.Entry) campaign.Entry // what Enter and Reopen make of it
	key     func(campaign, profile string) string
	end     func(e campaign.Entry) int64
	closed  func(end, at int64) bool
	own     func(end int64, e campaign.Entry) bool
	to      func(until time.Time) int64
	between func() // what happens between checking and setting in Enter
	pause   func() // and in Reopen
	context func(ctx context.Context) error
	find    func(key string, e campaign.Entry) // before Enter looks
	came    func(e campaign.Entry)             // when a visit enters
	kept    func(key string, e campaign.Entry) // after an end was kept
	moved   func(key string, e campaign.Entry) // after Reopen moved it
	keep    bool                               // also for Immediately
	lengthen,
	late bool

	// In place of Enter and Reopen; what they need of the lock they take.
	enter  func(key string, e campaign.Entry) (until time.Time, entered bool)
	reopen func(key string, e campaign.Entry, until time.Time)
}

func newSimple() *simple {
	return &simple{
		ends:    map[string]int64{},
		entry:   func(e campaign.Entry) campaign.Entry { return e },
		key:     func(c, p string) string { return fmt.Sprint(len(c), " ", c, p) },
		end:     func(e campaign.Entry) int64 { return e.Until().UnixMilli() },
		closed:  func(end, at int64) bool { return at < end },
		own:     func(end int64, e campaign.Entry) bool { return e.Timeout > 0 && end == e.Until().UnixMilli() },
		to:      time.Time.UnixMilli,
		context: func(ctx context.Context) error { return ctx.Err() },
		find:    func(string, campaign.Entry) {},
		came:    func(campaign.Entry) {},
		kept:    func(string, campaign.Entry) {},
		moved:   func(string, campaign.Entry) {},
	}
}

// A timed is a correct tracker that removes what has ended by the clock, and
// whose store is some way off.
type timed struct {
	*simple
	delay time.Duration
}

func newTimed(t *testing.T, delay time.Duration) timed {
	s := newSimple()
	timers := map[string]*time.Timer{}
	s.kept = func(key string, _ campaign.Entry) {
		if old := timers[key]; old != nil {
			old.Stop()
		}
		end := s.ends[key]
		timers[key] = time.AfterFunc(time.Until(time.UnixMilli(end)), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.ends[key] == end {
				delete(s.ends, key)
			}
		})
	}
	s.moved = s.kept
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, timer := range timers {
			timer.Stop()
		}
	})
	return timed{s, delay}
}

func (t timed) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	if t.delay > 0 {
		time.Sleep(t.delay)
	}
	return t.simple.Enter(ctx, e)
}

func (s *simple) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	if err := s.context(ctx); err != nil {
		return time.Time{}, false, err
	}
	if s.enter != nil {
		until, entered := s.enter(s.key(e.Campaign, e.Profile), e)
		return until, entered, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.entry(e)
	key := s.key(e.Campaign, e.Profile)
	s.find(key, e)
	end, kept := s.ends[key]
	if s.between != nil {
		s.mu.Unlock()
		s.between()
		s.mu.Lock()
	}
	if kept && s.closed(end, e.Time.UnixMilli()) {
		if s.lengthen {
			s.ends[key] = max(end, s.end(e))
		}
		return time.UnixMilli(end), false, nil
	}
	until := s.end(e)
	s.came(e)
	if e.Timeout > 0 || s.keep {
		s.ends[key] = until
		s.kept(key, e)
	}
	return time.UnixMilli(until), true, nil
}

func (s *simple) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if err := s.context(ctx); err != nil {
		return err
	}
	if s.reopen != nil {
		s.reopen(s.key(e.Campaign, e.Profile), e, until)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.entry(e)
	key := s.key(e.Campaign, e.Profile)
	end, kept := s.ends[key]
	if s.pause != nil {
		s.mu.Unlock()
		s.pause()
		s.mu.Lock()
	}
	if kept && s.own(end, e) {
		s.ends[key] = s.to(until)
		s.moved(key, e)
		if !until.After(e.Time) {
			delete(s.ends, key)
		}
	}
	return nil
}

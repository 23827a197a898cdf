// This file is inside the package because a check that fails must be seen to
// fail: it needs a reporter that is no *testing.T.
package campaigntest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

func TestMemoryTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return new(campaign.MemoryTracker) })
}

func TestSimpleTracker(t *testing.T) {
	TestTracker(t, func(t *testing.T) campaign.Tracker { return newSimple() })
}

func TestTrackerOnVirtualTime(t *testing.T) {
	for _, p := range trackerPromises() {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { p.check(t, new(campaign.MemoryTracker)) })
		})
	}
}

// A simple is a correct tracker, in the hands of which each broken one is built.
type simple struct {
	mu   sync.Mutex
	ends map[string]int64

	// What the broken ones change.
	key     func(campaign, profile string) string
	end     func(e campaign.Entry) int64
	closed  func(end, at int64) bool
	own     func(end int64, e campaign.Entry) bool
	between func() // what happens between checking and setting in Enter
	pause   func() // and in Reopen
	context func(ctx context.Context) error
	keep    bool // also for Immediately
	lengthen,
	late bool
}

func newSimple() *simple {
	return &simple{
		ends:    map[string]int64{},
		key:     func(c, p string) string { return fmt.Sprint(len(c), " ", c, p) },
		end:     func(e campaign.Entry) int64 { return e.Until().UnixMilli() },
		closed:  func(end, at int64) bool { return at < end },
		own:     func(end int64, e campaign.Entry) bool { return end == e.Until().UnixMilli() },
		context: func(ctx context.Context) error { return ctx.Err() },
	}
}

func (s *simple) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	if err := s.context(ctx); err != nil {
		return time.Time{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.key(e.Campaign, e.Profile)
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
	if e.Timeout > 0 || s.keep {
		s.ends[key] = until
	}
	return time.UnixMilli(until), true, nil
}

func (s *simple) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if err := s.context(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.key(e.Campaign, e.Profile)
	end, kept := s.ends[key]
	if s.pause != nil {
		s.mu.Unlock()
		s.pause()
		s.mu.Lock()
	}
	if kept && e.Timeout > 0 && s.own(end, e) {
		s.ends[key] = until.UnixMilli()
		if !until.After(e.Time) {
			delete(s.ends, key)
		}
	}
	return nil
}

// A recorder keeps failures.
type recorder struct {
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// broken returns the names of the promises that the trackers do not keep.
func broken(t *testing.T, newTracker func() campaign.Tracker) []string {
	t.Helper()
	var names []string
	for _, p := range trackerPromises() {
		var r recorder
		p.check(&r, newTracker())
		if len(r.failures) == 0 {
			continue
		}
		names = append(names, p.name)
		for _, f := range r.failures {
			if !strings.Contains(f, p.text) || !strings.Contains(f, p.why) {
				t.Errorf("failure %q does not say what was promised and why", f)
			}
		}
	}
	return names
}

func TestTrackerFindsTheBroken(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(s *simple)
		want   string // one of the promises that must be seen to be broken
	}{
		{"get, then set", func(s *simple) { s.between = runtime.Gosched }, "one winner on a new key"},
		{"get, then set, on expired keys", func(s *simple) { s.between = runtime.Gosched }, "one winner on an expired key"},
		{"closed at the end", func(s *simple) { s.closed = func(end, at int64) bool { return at <= end } }, "closed until exactly the end"},
		{"open a millisecond early", func(s *simple) { s.closed = func(end, at int64) bool { return at < end-1 } }, "closed until exactly the end"},
		{"whole seconds", func(s *simple) { s.closed = func(end, at int64) bool { return at/1000 < end/1000 } }, "closed until exactly the end"},
		{"foreign Reopen", func(s *simple) { s.own = func(int64, campaign.Entry) bool { return true } }, "foreign reopen changes nothing"},
		{"late Reopen", func(s *simple) { s.own = func(int64, campaign.Entry) bool { return true } }, "late reopen changes nothing"},
		{"Reopen of later ends", func(s *simple) {
			s.own = func(end int64, e campaign.Entry) bool { return end <= e.Until().UnixMilli() }
		}, "foreign reopen changes nothing"},
		{"Reopen gets, then sets", func(s *simple) { s.pause = runtime.Gosched }, "reopen is one step"},
		{"no Reopen", func(s *simple) { s.own = func(int64, campaign.Entry) bool { return false } }, "reopen moves the end"},
		{"Never wraps around", func(s *simple) {
			s.end = func(e campaign.Entry) int64 { return (e.Time.UnixNano() + int64(e.Timeout)) / 1e6 }
		}, "never has no end"},
		{"ends of 32 bits", func(s *simple) {
			s.end = func(e campaign.Entry) int64 {
				return e.Time.UnixMilli() + int64(uint32(e.Until().UnixMilli()-e.Time.UnixMilli()))
			}
		}, "long timeouts are exact"},
		{"parts joined carelessly", func(s *simple) { s.key = func(c, p string) string { return c + p } }, "odd keys are kept apart"},
		{"parts joined by a colon", func(s *simple) { s.key = func(c, p string) string { return c + ":" + p } }, "odd keys are kept apart"},
		{"parts joined by a NUL", func(s *simple) { s.key = func(c, p string) string { return c + "\x00" + p } }, "odd keys are kept apart"},
		{"parts joined by a unit separator", func(s *simple) { s.key = func(c, p string) string { return c + "\x1f" + p } }, "odd keys are kept apart"},
		{"parts joined by a byte that is no text", func(s *simple) { s.key = func(c, p string) string { return c + "\xff" + p } }, "odd keys are kept apart"},
		{"parts joined by two colons", func(s *simple) { s.key = func(c, p string) string { return c + "::" + p } }, "odd keys are kept apart"},
		{"parts joined after a bare length", func(s *simple) {
			s.key = func(c, p string) string { return fmt.Sprint(len(c)) + c + p }
		}, "odd keys are kept apart"},
		{"profiles trimmed", func(s *simple) {
			s.key = func(c, p string) string { return fmt.Sprint(len(c), " ", c, strings.TrimSpace(p)) }
		}, "odd keys are kept apart"},
		{"campaigns made UTF-8", func(s *simple) {
			s.key = func(c, p string) string {
				c = strings.ToValidUTF8(c, "\ufffd")
				return fmt.Sprint(len(c), " ", c, p)
			}
		}, "odd keys are kept apart"},
		{"campaigns made ASCII", func(s *simple) {
			s.key = func(c, p string) string {
				c = ascii(c)
				return fmt.Sprint(len(c), " ", c, p)
			}
		}, "odd keys are kept apart"},
		{"campaigns taken for numbers", func(s *simple) {
			s.key = func(c, p string) string {
				c = strings.TrimLeft(c, "0")
				return fmt.Sprint(len(c), " ", c, p)
			}
		}, "odd keys are kept apart"},
		{"keys cut", func(s *simple) {
			s.key = func(c, p string) string { return fmt.Sprintf("%d %.255s %.255s", len(c), c, p) }
		}, "odd keys are kept apart"},
		{"keys in lower case", func(s *simple) {
			s.key = func(c, p string) string { return fmt.Sprint(len(c), strings.ToLower(c), p) }
		}, "odd keys are kept apart"},
		{"Immediately is kept", func(s *simple) {
			s.keep = true
			s.end = func(e campaign.Entry) int64 { return e.Until().UnixMilli() + 1 }
		}, "immediately keeps nothing"},
		{"visits lengthen", func(s *simple) { s.lengthen = true }, "visits do not lengthen"},
		{"late visits enter", func(s *simple) { s.late = true }, "late visits are held"},
		{"context ignored", func(s *simple) { s.context = func(context.Context) error { return nil } }, "a done context is an error"},
		{"nobody enters", func(s *simple) { s.closed = func(int64, int64) bool { return true }; s.ends = nil }, "first visit enters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names := broken(t, func() campaign.Tracker {
				s := newSimple()
				tt.breaks(s)
				if s.late {
					return &impatient{simple: s, started: map[string]time.Time{}}
				}
				if s.ends == nil {
					return nobody{}
				}
				return s
			})
			if !slices.Contains(names, tt.want) {
				t.Errorf("broken promises = %q, want %q among them", names, tt.want)
			}
		})
	}
}

// ascii puts a question mark for every other character, as some databases do.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}

// impatient lets visits enter that are older than the run before them.
type impatient struct {
	*simple
	mu      sync.Mutex
	started map[string]time.Time
}

func (i *impatient) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if start, ok := i.started[e.Profile]; ok && e.Time.Before(start) {
		return e.Until(), true, nil
	}
	until, entered, err := i.simple.Enter(ctx, e)
	if entered {
		i.started[e.Profile] = e.Time
	}
	return until, entered, err
}

// nobody is always closed.
type nobody struct{}

func (nobody) Enter(_ context.Context, e campaign.Entry) (time.Time, bool, error) {
	return e.Until(), false, nil
}

func (nobody) Reopen(context.Context, campaign.Entry, time.Time) error { return nil }

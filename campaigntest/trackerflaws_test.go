package campaigntest

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

// What broken trackers have in common: how they forget, and whom.

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// expire has a store remove, by its clock, what it keeps.
func expire(s *simple, when func(visit time.Time, end int64) time.Time) {
	gone := map[string]time.Time{}
	s.kept = func(key string, e campaign.Entry) { gone[key] = when(e.Time, s.ends[key]) }
	s.moved = s.kept
	s.find = func(key string, _ campaign.Entry) {
		if at, ok := gone[key]; ok && !time.Now().Before(at) {
			delete(s.ends, key)
			delete(gone, key)
		}
	}
}

// reopenedForGood removes what Reopen has moved a while after that.
func reopenedForGood(s *simple, while func(e campaign.Entry, end int64) time.Duration) func(string, campaign.Entry) {
	expired := s.find
	gone := map[string]time.Time{}
	s.find = func(key string, e campaign.Entry) {
		expired(key, e)
		if at, ok := gone[key]; ok && !time.Now().Before(at) {
			delete(s.ends, key)
			delete(gone, key)
		}
	}
	return func(key string, e campaign.Entry) { gone[key] = time.Now().Add(while(e, s.ends[key])) }
}

// timeToLive keeps a cooldown for its timeout, as Redis does with SET PX.
func timeToLive(s *simple) {
	expire(s, func(visit time.Time, end int64) time.Time {
		return time.Now().Add(time.UnixMilli(end).Sub(visit))
	})
}

// timersForGood removes by timers that nobody stops.
func timersForGood(s *simple) {
	s.kept = func(key string, e campaign.Entry) {
		time.AfterFunc(time.Until(time.UnixMilli(s.ends[key])), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.ends, key)
		})
	}
	s.moved = s.kept
}

// zoneless is what is left of a time that was written without its zone.
func zoneless(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// forget removes what ended more than a grace before the newest visit that
// entered, at one of so many.
func forget(s *simple, every int, grace time.Duration) {
	n, newest := 0, int64(0)
	s.kept = func(_ string, e campaign.Entry) {
		newest = max(newest, e.Time.UnixMilli())
		if n++; n%every == 0 {
			maps.DeleteFunc(s.ends, func(_ string, end int64) bool { return end < newest-grace.Milliseconds() })
		}
	}
}

// ignore keeps no cooldown that is longer than that once one was reopened.
func ignore(s *simple, longer time.Duration) {
	reopened := map[string]bool{}
	s.moved = func(key string, _ campaign.Entry) { reopened[key] = true }
	s.kept = func(key string, e campaign.Entry) {
		if reopened[key] && e.Timeout > longer {
			delete(s.ends, key)
		}
	}
}

// keepNewest keeps so many cooldowns.
func keepNewest(s *simple, n int) {
	var keys []string
	s.kept = func(key string, _ campaign.Entry) {
		if keys = append(keys, key); len(keys) > n {
			delete(s.ends, keys[0])
			keys = keys[1:]
		}
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

// retain removes what began so long before the newest visit that entered, only what
// never ends or all of it.
func retain(s *simple, age time.Duration, never bool) {
	begun := map[string]int64{}
	newest := int64(0)
	s.kept = func(key string, e campaign.Entry) {
		begun[key], newest = e.Time.UnixMilli(), max(newest, e.Time.UnixMilli())
		maps.DeleteFunc(s.ends, func(key string, end int64) bool {
			return newest-begun[key] > age.Milliseconds() && (!never || end == endOfTime.UnixMilli())
		})
	}
}

// oneRecord keeps a record for each profile, with all its campaigns, which the store
// removes when the last cooldown that began ends.
func oneRecord(s *simple) {
	gone := map[string]time.Time{}
	keys := map[string][]string{}
	s.kept = func(key string, e campaign.Entry) {
		gone[e.Profile] = e.Until()
		keys[e.Profile] = append(keys[e.Profile], key)
	}
	s.find = func(_ string, e campaign.Entry) {
		if at, ok := gone[e.Profile]; ok && !time.Now().Before(at) {
			for _, key := range keys[e.Profile] {
				delete(s.ends, key)
			}
			delete(keys, e.Profile)
		}
	}
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

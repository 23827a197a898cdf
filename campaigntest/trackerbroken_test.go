package campaigntest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

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

// broken reports whether a tracker is seen to break a promise.
func broken(t *testing.T, p promise, check func(p promise, r reporter)) bool {
	t.Helper()
	var r recorder
	check(p, &r)
	for _, f := range r.failures {
		if !strings.Contains(f, p.text) || !strings.Contains(f, p.why) {
			t.Errorf("failure %q does not say what was promised and why", f)
		}
	}
	return len(r.failures) > 0
}

// mustBreak fails the test if the tracker is not seen to break the promise of
// that name, and then says which others it is seen to break.
func mustBreak(t *testing.T, promises []promise, name string, check func(p promise, r reporter)) {
	t.Helper()
	named := func(p promise) bool { return p.name == name }
	if i := slices.IndexFunc(promises, named); i >= 0 && broken(t, promises[i], check) {
		return
	}
	var names []string
	for _, p := range promises {
		if broken(t, p, check) {
			names = append(names, p.name)
		}
	}
	t.Errorf("broken promises = %q, want %q among them", names, name)
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
		{"counted from the clock, if it is later", func(s *simple) {
			s.end = func(e campaign.Entry) int64 {
				if now := time.Now(); e.Time.Before(now) {
					e.Time = now
				}
				return e.Until().UnixMilli()
			}
		}, "visits of the past count from their time"},
		{"kept for the timeout from Enter on", timeToLive, "nobody is forgotten"},
		{"visits without their zone", func(s *simple) {
			s.entry = func(e campaign.Entry) campaign.Entry { e.Time = zoneless(e.Time); return e }
		}, "time zones do not matter"},
		{"Reopen to a time without its zone", func(s *simple) {
			s.to = func(until time.Time) int64 { return zoneless(until).UnixMilli() }
		}, "time zones do not matter"},
		{"Reopen compares texts", func(s *simple) {
			begun := map[string]string{}
			s.kept = func(key string, e campaign.Entry) { begun[key] = e.Time.String() }
			s.own = func(_ int64, e campaign.Entry) bool { return begun[s.key(e.Campaign, e.Profile)] == e.Time.String() }
		}, "time zones do not matter"},
		{"what has ended is forgotten", func(s *simple) { forget(s, 1, 0) }, "late visits find what has ended"},
		{"what has ended is forgotten after four minutes", func(s *simple) { forget(s, 1, 4*time.Minute) }, "late visits find what has ended"},
		{"what has ended is forgotten when somebody is held", func(s *simple) {
			newest := int64(0)
			s.find = func(_ string, e campaign.Entry) {
				newest = max(newest, e.Time.UnixMilli())
				if len(s.ends) < 100 {
					maps.DeleteFunc(s.ends, func(_ string, end int64) bool { return end < newest-(5*time.Minute).Milliseconds() })
				}
			}
		}, "late visits find what has ended"},
		{"what has ended is forgotten now and then", func(s *simple) { forget(s, 500, 0) }, "late visits find what has ended"},
		{"visits that are more than an hour late enter", func(s *simple) {
			begun := map[string]time.Time{}
			s.kept = func(key string, e campaign.Entry) { begun[key] = e.Time }
			s.find = func(key string, e campaign.Entry) {
				if begun[key].Sub(e.Time) > time.Hour {
					delete(s.ends, key)
				}
			}
		}, "late visits are held"},
		{"visits that are more than a day late enter", func(s *simple) {
			begun := map[string]time.Time{}
			s.kept = func(key string, e campaign.Entry) { begun[key] = e.Time }
			s.find = func(key string, e campaign.Entry) {
				if begun[key].Sub(e.Time) > 25*time.Hour {
					delete(s.ends, key)
				}
			}
		}, "late visits are held"},
		{"Immediately removes what has ended", func(s *simple) {
			s.find = func(key string, e campaign.Entry) {
				if e.Timeout < 0 && s.ends[key] <= e.Time.UnixMilli() {
					delete(s.ends, key)
				}
			}
		}, "immediately keeps nothing"},
		{"Immediately removes what it is older than", func(s *simple) {
			s.find = func(key string, e campaign.Entry) {
				if begin := s.ends[key] - time.Hour.Milliseconds(); e.Timeout < 0 && e.Time.UnixMilli() < begin {
					delete(s.ends, key)
				}
			}
		}, "immediately keeps nothing"},
		{"Immediately reopens what ends then", func(s *simple) {
			s.own = func(end int64, e campaign.Entry) bool { return end == e.Until().UnixMilli() }
		}, "immediately keeps nothing"},
		{"Immediately reopens everything", func(s *simple) {
			s.own = func(end int64, e campaign.Entry) bool { return e.Timeout < 0 || end == e.Until().UnixMilli() }
		}, "immediately keeps nothing"},
		{"not closed after a Reopen", func(s *simple) { ignore(s, 0) }, "closed again after a reopen"},
		{"not closed for long after a Reopen", func(s *simple) { ignore(s, 24*time.Hour) }, "closed again after a reopen"},
		{"the newest ten thousand", func(s *simple) { keepNewest(s, 10_000) }, "nobody is forgotten"},
		{"the newest sixteen thousand", func(s *simple) { keepNewest(s, 1<<14) }, "nobody is forgotten"},
		{"hashes of 16 bits", func(s *simple) {
			s.key = func(c, p string) string { return strconv.Itoa(int(crc32.ChecksumIEEE([]byte(c+"\x00"+p)) >> 16)) }
		}, "nobody is forgotten"},
		{"visits lengthen", func(s *simple) { s.lengthen = true }, "visits do not lengthen"},
		{"late visits enter", func(s *simple) { s.late = true }, "late visits are held"},
		{"context ignored", func(s *simple) { s.context = func(context.Context) error { return nil } }, "a done context is an error"},
		{"Reopen looks only at what it removes", func(s *simple) {
			s.reopen = func(key string, e campaign.Entry, until time.Time) {
				s.mu.Lock()
				defer s.mu.Unlock()
				end, kept := s.ends[key]
				if own := s.own(end, e); kept && own && !until.After(e.Time) {
					delete(s.ends, key)
				} else if kept && until.After(e.Time) {
					s.ends[key] = until.UnixMilli()
				}
			}
		}, "foreign reopen changes nothing"},
		{"Reopen begins a cooldown where there is none", func(s *simple) {
			s.reopen = func(key string, e campaign.Entry, until time.Time) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if end, kept := s.ends[key]; !kept || s.own(end, e) {
					s.ends[key] = until.UnixMilli()
				}
			}
		}, "foreign reopen changes nothing"},
		{"late Reopen when there is no end", func(s *simple) {
			s.own = func(end int64, e campaign.Entry) bool {
				return e.Timeout > 0 && (end == endOfTime.UnixMilli() || end == e.Until().UnixMilli())
			}
		}, "late reopen changes nothing"},
		{"Reopen takes what was reopened for its own", func(s *simple) {
			begun := map[string]campaign.Entry{}
			s.kept = func(key string, e campaign.Entry) { begun[key] = e }
			s.own = func(_ int64, e campaign.Entry) bool {
				b := begun[s.key(e.Campaign, e.Profile)]
				return b.Time.Equal(e.Time) && b.Timeout == e.Timeout && e.Timeout > 0
			}
		}, "reopen moves the end"},
		{"late visits enter after a Reopen", func(s *simple) {
			begun := map[string]int64{}
			s.moved = func(key string, e campaign.Entry) { begun[key] = e.Time.UnixMilli() }
			s.find = func(key string, e campaign.Entry) {
				if b, ok := begun[key]; ok && e.Time.UnixMilli() < b {
					delete(s.ends, key)
				}
			}
		}, "reopen moves the end"},
		{"Reopen removes, then sets", func(s *simple) {
			s.reopen = func(key string, e campaign.Entry, until time.Time) {
				s.mu.Lock()
				end, kept := s.ends[key]
				if own := kept && s.own(end, e); own {
					delete(s.ends, key)
					s.mu.Unlock()
					runtime.Gosched()
					s.mu.Lock()
					s.ends[key] = until.UnixMilli()
				}
				s.mu.Unlock()
			}
		}, "reopen is one step"},
		{"Reopen counts the nanoseconds of its entry", func(s *simple) {
			s.own = func(end int64, e campaign.Entry) bool {
				if e.Timeout == campaign.Never {
					return end == endOfTime.UnixMilli()
				}
				return e.Timeout > 0 && time.UnixMilli(end).Equal(e.Time.Add(e.Timeout))
			}
		}, "parts of a millisecond do not count"},
		{"Reopen rounds up", func(s *simple) {
			s.to = func(until time.Time) int64 { return until.Add(ms - 1).UnixMilli() }
		}, "parts of a millisecond do not count"},
		{"timeouts are rounded to the next millisecond", func(s *simple) {
			s.end = func(e campaign.Entry) int64 {
				if e.Timeout > 0 && e.Timeout < campaign.Never {
					e.Timeout = max(ms, e.Timeout.Round(ms))
				}
				return e.Until().UnixMilli()
			}
		}, "parts of a millisecond do not count"},
		{"times are compared as text", func(s *simple) {
			text := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
			s.closed = func(end, at int64) bool { return text(at) < text(end) }
		}, "closed until exactly the end"},
		{"the cause of a context", func(s *simple) { s.context = context.Cause }, "a done context is an error"},
		{"parts joined after a byte of length", func(s *simple) {
			s.key = func(c, p string) string { return string([]byte{byte(len(c))}) + c + p }
		}, "odd keys are kept apart"},
		{"parts joined after two bytes of length", func(s *simple) {
			s.key = func(c, p string) string { return string([]byte{byte(len(c) >> 8), byte(len(c))}) + c + p }
		}, "odd keys are kept apart"},
		{"profiles cut at characters of four bytes", func(s *simple) {
			s.key = func(c, p string) string {
				if i := strings.IndexFunc(p, func(r rune) bool { return r > 0xffff }); i >= 0 {
					p = p[:i] + "(cut)"
				}
				return fmt.Sprint(len(c), " ", c, p)
			}
		}, "odd keys are kept apart"},
		{"characters that nobody sees do not count", func(s *simple) {
			s.key = func(c, p string) string {
				return fmt.Sprint(len(c), " ", c, strings.NewReplacer("\u00ad", "", "\u200b", "").Replace(p))
			}
		}, "odd keys are kept apart"},
		{"numbers of 53 bits", func(s *simple) {
			s.key = func(c, p string) string {
				if n, err := strconv.ParseUint(p, 10, 64); err == nil && strconv.FormatUint(n, 10) == p {
					p = strconv.FormatFloat(float64(n), 'f', -1, 64)
				}
				return fmt.Sprint(len(c), " ", c, p)
			}
		}, "odd keys are kept apart"},
		{"Reopen in lower case", func(s *simple) {
			s.reopen = func(_ string, e campaign.Entry, until time.Time) {
				s.mu.Lock()
				defer s.mu.Unlock()
				key := s.key(e.Campaign, strings.ToLower(e.Profile))
				if end, kept := s.ends[key]; kept && s.own(end, e) {
					s.ends[key] = until.UnixMilli()
				}
			}
		}, "odd keys are kept apart"},
		{"Reopen takes profiles for patterns", func(s *simple) {
			s.key = func(c, p string) string { return c + "\x00\x00\x00" + p }
			s.reopen = func(_ string, e campaign.Entry, until time.Time) {
				s.mu.Lock()
				defer s.mu.Unlock()
				for key, end := range s.ends {
					c, p, _ := strings.Cut(key, "\x00\x00\x00")
					if c == e.Campaign && (p == e.Profile || e.Profile == "%") && s.own(end, e) {
						s.ends[key] = until.UnixMilli()
					}
				}
			}
		}, "odd keys are kept apart"},
		{"a new campaign takes the place of one that is just as new", func(s *simple) {
			type table struct {
				mu   sync.Mutex
				ends map[string]int64
			}
			tables := map[string]*table{}
			s.enter = func(_ string, e campaign.Entry) (time.Time, bool) {
				s.mu.Lock()
				t := tables[e.Campaign]
				s.mu.Unlock()
				if t == nil {
					runtime.Gosched()
					t = &table{ends: map[string]int64{}}
					s.mu.Lock()
					tables[e.Campaign] = t
					s.mu.Unlock()
				}
				t.mu.Lock()
				defer t.mu.Unlock()
				if end, kept := t.ends[e.Profile]; kept && s.closed(end, e.Time.UnixMilli()) {
					return time.UnixMilli(end), false
				}
				t.ends[e.Profile] = e.Until().UnixMilli()
				return e.Until(), true
			}
		}, "one winner on a new key"},
		{"all campaigns of a profile are written at once", func(s *simple) {
			documents := map[string]map[string]int64{}
			locks := map[string]*sync.Mutex{}
			s.enter = func(key string, e campaign.Entry) (time.Time, bool) {
				s.mu.Lock()
				lock := locks[key]
				if lock == nil {
					lock = new(sync.Mutex)
					locks[key] = lock
				}
				s.mu.Unlock()
				lock.Lock()
				defer lock.Unlock()
				s.mu.Lock()
				document := maps.Clone(documents[e.Profile])
				s.mu.Unlock()
				if end, kept := document[e.Campaign]; kept && s.closed(end, e.Time.UnixMilli()) {
					return time.UnixMilli(end), false
				}
				if document == nil {
					document = map[string]int64{}
				}
				document[e.Campaign] = e.Until().UnixMilli()
				runtime.Gosched()
				s.mu.Lock()
				documents[e.Profile] = document
				s.mu.Unlock()
				return e.Until(), true
			}
		}, "campaigns at once are kept apart"},
		{"who comes second is told its own end", func(s *simple) {
			s.enter = func(key string, e campaign.Entry) (time.Time, bool) {
				s.mu.Lock()
				end, kept := s.ends[key]
				s.mu.Unlock()
				if kept && s.closed(end, e.Time.UnixMilli()) {
					return time.UnixMilli(end), false
				}
				runtime.Gosched()
				s.mu.Lock()
				defer s.mu.Unlock()
				if again, kept := s.ends[key]; kept && again != end { // somebody was faster
					return e.Until(), false
				}
				s.ends[key] = e.Until().UnixMilli()
				return e.Until(), true
			}
		}, "one winner on a new key"},
		{"what has ended is removed, then replaced", func(s *simple) {
			s.enter = func(key string, e campaign.Entry) (time.Time, bool) {
				for {
					s.mu.Lock()
					end, kept := s.ends[key]
					switch {
					case kept && s.closed(end, e.Time.UnixMilli()):
						s.mu.Unlock()
						return time.UnixMilli(end), false
					case e.Timeout < 0:
						s.mu.Unlock()
						return e.Until(), true
					case kept:
						delete(s.ends, key)
						s.mu.Unlock()
						runtime.Gosched()
					default:
						s.ends[key] = e.Until().UnixMilli()
						s.mu.Unlock()
						return e.Until(), true
					}
				}
			}
		}, "one winner on an expired key"},
		{"visits that are older than a week count as a week old", func(s *simple) {
			s.entry = func(e campaign.Entry) campaign.Entry {
				if old := time.Now().Add(-7 * 24 * time.Hour); e.Time.Before(old) {
					e.Time = old
				}
				return e
			}
		}, "visits of the past count from their time"},
		{"the parts of a millisecond are in what Immediately returns", func(s *simple) {
			s.enter = func(key string, e campaign.Entry) (time.Time, bool) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if end, kept := s.ends[key]; kept && s.closed(end, e.Time.UnixMilli()) {
					return time.UnixMilli(end), false
				}
				if e.Timeout < 0 {
					return e.Time, true
				}
				s.ends[key] = e.Until().UnixMilli()
				return e.Until(), true
			}
		}, "parts of a millisecond do not count"},
		{"forgotten a day after it began", func(s *simple) { retain(s, 25*time.Hour, false) }, lasting},
		{"forgotten a week after it began", func(s *simple) { retain(s, 7*24*time.Hour, false) }, lasting},
		{"forgotten a month after it began", func(s *simple) { retain(s, 30*24*time.Hour, false) }, lasting},
		{"Never is forgotten after a year", func(s *simple) { retain(s, 365*24*time.Hour, true) }, lasting},
		{"all campaigns of a profile end with the last", oneRecord, lasting},
		{"the newest thousand campaigns", func(s *simple) {
			var campaigns []string
			s.kept = func(_ string, e campaign.Entry) {
				if slices.Contains(campaigns, e.Campaign) {
					return
				}
				if campaigns = append(campaigns, e.Campaign); len(campaigns) > 1000 {
					first := s.key(campaigns[0], "")
					maps.DeleteFunc(s.ends, func(key string, _ int64) bool { return strings.HasPrefix(key, first) })
					campaigns = campaigns[1:]
				}
			}
		}, lasting},
		{"Reopen is ignored once others are a day later", func(s *simple) {
			newest := int64(0)
			s.came = func(e campaign.Entry) { newest = max(newest, e.Time.UnixMilli()) }
			s.own = func(end int64, e campaign.Entry) bool {
				return e.Timeout > 0 && end == e.Until().UnixMilli() && newest-e.Time.UnixMilli() < (24*time.Hour).Milliseconds()
			}
		}, lasting},
		{"nobody enters", func(s *simple) { s.closed = func(int64, int64) bool { return true }; s.ends = nil }, "first visit enters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustBreak(t, trackerPromises(), tt.want, func(p promise, r reporter) {
				s := newSimple()
				tt.breaks(s)
				switch {
				case s.late:
					p.check(r, &impatient{simple: s, started: map[string]time.Time{}})
				case s.ends == nil:
					p.check(r, nobody{})
				default:
					p.check(r, s)
				}
			})
		})
	}
}

// Tests limited to one processor check promises on two, if there are two.
func TestTrackerUsesTwoProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := min(2, runtime.NumCPU())
	for name, check := range map[string]func(p promise, r reporter){
		"check":         func(p promise, r reporter) { p.check(r, newSimple()) },
		"checkInBubble": func(p promise, r reporter) { p.checkInBubble(r, newSimple()) },
	} {
		processors := 0
		check(promise{run: func(*trackerCheck) { processors = runtime.GOMAXPROCS(0) }}, new(recorder))
		if after := runtime.GOMAXPROCS(0); processors != want || after != 1 {
			t.Errorf("%s: %d processors, and %d after it, want %d and 1", name, processors, after, want)
		}
	}
}

// A crowd is as large as there is time for, which is not to decide here.
func TestTrackerFindsBrokenCrowds(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(s *simple)
	}{
		{"the newest hundred thousand", func(s *simple) { keepNewest(s, 100_000) }},
		{"hashes of 32 bits", func(s *simple) {
			s.key = func(c, p string) string { sum := sha256.Sum256([]byte(c + "\x00" + p)); return string(sum[:4]) }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustBreak(t, trackerPromises(), "nobody is forgotten", func(p promise, r reporter) {
				s := newSimple()
				tt.breaks(s)
				c := newTrackerCheck(r, p, s)
				c.crowdTime = time.Minute
				p.run(c)
			})
		})
	}
}

func TestTrackerInBubbleFindsTheBroken(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(s *simple)
		want   string
	}{
		{"kept for the timeout from Enter on", timeToLive, "ahead of the clock"},
		{"kept for a day at most", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time {
				return earlier(time.UnixMilli(end), time.Now().Add(24*time.Hour))
			})
		}, "closed until the clock is there"},
		{"removed half a minute early", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time { return time.UnixMilli(end).Add(-30 * time.Second) })
		}, "closed until the clock is there"},
		{"kept for whole seconds", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time { return time.UnixMilli(end).Truncate(time.Second) })
		}, "closed until the clock is there"},
		{"reopened for the time from Reopen on", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time { return time.UnixMilli(end) })
			s.moved = reopenedForGood(s, func(e campaign.Entry, end int64) time.Duration { return time.UnixMilli(end).Sub(e.Time) })
		}, "ahead of the clock"},
		{"reopened for a minute", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time { return time.UnixMilli(end) })
			s.moved = reopenedForGood(s, func(campaign.Entry, int64) time.Duration { return time.Minute })
		}, "ahead of the clock"},
		{"all campaigns of a profile end with the last", oneRecord, "earlier ends are over"},
		{"get, then set", func(s *simple) { s.between = runtime.Gosched }, "one winner on a new key"},
		{"get, then set, with a way between", func(s *simple) { s.between = func() { time.Sleep(ms) } }, "one winner on an expired key"},
		{"Reopen gets, then sets", func(s *simple) { s.pause = runtime.Gosched }, "reopen is one step"},
		{"timers that remove whatever is kept", timersForGood, "earlier ends are over"},
		{"kept for 32 bits of milliseconds", func(s *simple) {
			expire(s, func(_ time.Time, end int64) time.Time {
				return time.Now().Add(time.Duration(uint32(time.Until(time.UnixMilli(end)).Milliseconds())) * ms)
			})
		}, "ahead of the clock"},
		{"there as long as the store has it", func(s *simple) {
			s.closed = func(int64, int64) bool { return true }
			expire(s, func(_ time.Time, end int64) time.Time { return time.UnixMilli(end).Add(time.Second) })
		}, "closed until the clock is there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustBreak(t, append(trackerPromises(), clockPromises()...), tt.want, func(p promise, r reporter) {
				synctest.Test(t, func(*testing.T) {
					s := newSimple()
					tt.breaks(s)
					p.checkInBubble(r, s)
				})
			})
		})
	}
}

const lasting = "running cooldowns outlast others"

// Each joins campaign and profile differently: a pair of equal hashes must be
// found whatever stands between the two.
func TestTrackerFindsShortHashes(t *testing.T) {
	joins := map[string]func(h func(string) uint32, c, p string) string{
		"joined by nothing":     func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(c + p)) },
		"joined by a NUL":       func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(c + "\x00" + p)) },
		"profile first":         func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(p + ":" + c)) },
		"only the profile's":    func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(p), c) },
		"only the campaign's":   func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(c), p) },
		"one hash for each":     func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(c), h(p)) },
		"with the whole length": func(h func(string) uint32, c, p string) string { return fmt.Sprint(h(c+p), len(c), len(p)) },
	}
	for name, h := range shortHashes() {
		for how, join := range joins {
			t.Run(name+" "+how, func(t *testing.T) {
				mustBreak(t, trackerPromises(), "odd keys are kept apart", func(p promise, r reporter) {
					s := newSimple()
					s.key = func(c, p string) string { return join(h, c, p) }
					p.check(r, s)
				})
			})
		}
	}
}

func TestTrackerFindsBrokenReaders(t *testing.T) {
	const want = "until answers as enter would"
	tests := []struct {
		name  string
		until func(end int64, kept bool, at int64) (int64, bool)
	}{
		{"what has ended", func(end int64, kept bool, _ int64) (int64, bool) { return end, kept }},
		{"at the end", func(end int64, kept bool, at int64) (int64, bool) { return end, kept && at <= end }},
		{"nothing", func(int64, bool, int64) (int64, bool) { return 0, false }},
		{"the time itself", func(end int64, kept bool, at int64) (int64, bool) { return at, kept && at < end }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustBreak(t, trackerPromises(), want, func(p promise, r reporter) { p.check(r, reading{newSimple(), asked, tt.until}) })
		})
	}
	answers := func(end int64, kept bool, at int64) (int64, bool) { return end, kept && at < end }
	for name, ask := range map[string]func(campaign, profile string, at time.Time) (string, string, time.Time){
		"other letters": func(c, p string, at time.Time) (string, string, time.Time) { return c, strings.ToLower(p), at },
		"no spaces":     func(c, p string, at time.Time) (string, string, time.Time) { return c, strings.TrimSpace(p), at },
		"without zone":  func(c, p string, at time.Time) (string, string, time.Time) { return c, p, zoneless(at) },
		"rounded up":    func(c, p string, at time.Time) (string, string, time.Time) { return c, p, at.Add(ms - 1) },
	} {
		t.Run(name, func(t *testing.T) {
			mustBreak(t, trackerPromises(), want, func(p promise, r reporter) { p.check(r, reading{newSimple(), ask, answers}) })
		})
	}
	var r recorder
	for _, p := range trackerPromises() {
		p.check(&r, reading{newSimple(), asked, answers})
	}
	if len(r.failures) > 0 {
		t.Errorf("a reader that is right is said to be broken: %q", r.failures)
	}
}

// asked is what a reader should look for.
func asked(campaign, profile string, at time.Time) (string, string, time.Time) {
	return campaign, profile, at
}

// A reading is a simple that can be read.
type reading struct {
	*simple
	ask   func(campaign, profile string, at time.Time) (string, string, time.Time)
	until func(end int64, kept bool, at int64) (int64, bool)
}

func (r reading) Until(campaign, profile string, at time.Time) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	campaign, profile, at = r.ask(campaign, profile, at)
	end, kept := r.ends[r.key(campaign, profile)]
	until, closed := r.until(end, kept, at.UnixMilli())
	return time.UnixMilli(until), closed
}

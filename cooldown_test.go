package campaign_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// noon is the time of the first visit in these tests.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// endOfTime is the end of a cooldown that never ends.
var endOfTime = time.Date(9999, time.December, 31, 23, 59, 59, 999e6, time.UTC)

// entry is a visit of ann for the campaign "shoes", which closes it for a week.
func entry(at time.Time) campaign.Entry {
	return campaign.Entry{Campaign: "shoes", Profile: "ann", Time: at, Timeout: 7 * 24 * time.Hour}
}

// mustEnter enters e and returns what Enter said.
func mustEnter(t *testing.T, tr campaign.Tracker, e campaign.Entry) (time.Time, bool) {
	t.Helper()
	until, entered, err := tr.Enter(context.Background(), e)
	if err != nil {
		t.Fatalf("Enter(%v) = error %v, want none", e, err)
	}
	return until, entered
}

// wantEnter enters e and checks the answer.
func wantEnter(t *testing.T, tr campaign.Tracker, e campaign.Entry, wantUntil time.Time, wantEntered bool) {
	t.Helper()
	until, entered := mustEnter(t, tr, e)
	if !until.Equal(wantUntil) || entered != wantEntered {
		t.Errorf("Enter(%v) = %v, %t, want %v, %t", e, until, entered, wantUntil, wantEntered)
	}
}

func wantReopen(t *testing.T, tr campaign.Tracker, e campaign.Entry, until time.Time) {
	t.Helper()
	if err := tr.Reopen(context.Background(), e, until); err != nil {
		t.Errorf("Reopen(%v, %v) = %v, want nil", e, until, err)
	}
}

// at returns e with another time.
func at(e campaign.Entry, when time.Time) campaign.Entry {
	e.Time = when
	return e
}

// lasting returns e with another timeout.
func lasting(e campaign.Entry, d time.Duration) campaign.Entry {
	e.Timeout = d
	return e
}

func TestMemoryTrackerEnter(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name    string
		start   time.Time
		timeout time.Duration
		end     time.Time
	}{
		{"a week", noon, 7 * 24 * time.Hour, noon.AddDate(0, 0, 7)},
		{"a millisecond", noon, ms, noon.Add(ms)},
		{"less than a millisecond is one", noon, 1, noon.Add(ms)},
		{"the visit's nanoseconds do not count", noon.Add(999_999), ms, noon.Add(ms)},
		{"another zone", noon.In(time.FixedZone("", 3600)), time.Hour, noon.Add(time.Hour)},
		{"a century", noon, 36_525 * 24 * time.Hour, noon.AddDate(100, 0, 1)},
		{"never", noon, campaign.Never, endOfTime},
		{"292 years", noon, campaign.Never - 1, noon.Add(campaign.Never - 1).Truncate(ms).Add(ms)},
		{"the beginning of Unix time", time.UnixMilli(0), ms, time.UnixMilli(1)},
		{"ending with the beginning of Unix time", time.UnixMilli(-5), 5 * ms, time.UnixMilli(0)},
		{"before Unix time", time.UnixMilli(-5000), ms, time.UnixMilli(-4999)},
		{"the year 2", time.Time{}.AddDate(1, 0, 0), time.Hour, time.Time{}.AddDate(1, 0, 0).Add(time.Hour)},
		{"the last millisecond of 42 bits", time.UnixMilli(1<<42 - 3), ms, time.UnixMilli(1<<42 - 2)},
		{"the sentinel of 42 bits", time.UnixMilli(1<<42 - 2), ms, time.UnixMilli(1<<42 - 1)},
		{"beyond 42 bits", time.UnixMilli(1<<42 - 1), ms, time.UnixMilli(1 << 42)},
		{"the year 2500", noon.AddDate(474, 0, 0), time.Hour, noon.AddDate(474, 0, 0).Add(time.Hour)},
		{"past the end of time", endOfTime.Add(-time.Hour), 2 * time.Hour, endOfTime},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr campaign.MemoryTracker
			e := lasting(entry(tt.start), tt.timeout)
			wantEnter(t, &tr, e, tt.end, true)
			wantEnter(t, &tr, e, tt.end, false)
			wantEnter(t, &tr, at(e, tt.end.Add(-ms)), tt.end, false)
			wantEnter(t, &tr, at(e, tt.end.Add(-1)), tt.end, false)
			wantEnter(t, &tr, at(e, tt.start.AddDate(-1, 0, 0)), tt.end, false)

			again := at(e, tt.end)
			wantEnter(t, &tr, again, again.Until(), true)
		})
	}
}

func TestMemoryTrackerVisitsDoNotLengthen(t *testing.T) {
	var tr campaign.MemoryTracker
	first := entry(noon)
	mustEnter(t, &tr, first)
	for day := range 7 {
		wantEnter(t, &tr, at(first, noon.AddDate(0, 0, day)), first.Until(), false)
	}
	last := at(first, first.Until())
	wantEnter(t, &tr, last, last.Until(), true)
}

func TestMemoryTrackerImmediately(t *testing.T) {
	var tr campaign.MemoryTracker
	e := lasting(entry(noon), campaign.Immediately)
	wantEnter(t, &tr, e, noon, true)
	wantEnter(t, &tr, e, noon, true)

	week := entry(noon)
	wantEnter(t, &tr, week, week.Until(), true)
	wantEnter(t, &tr, e, week.Until(), false)
	open := at(e, week.Until())
	wantEnter(t, &tr, open, open.Time, true)
	if n := tr.Len(noon); n != 1 {
		t.Errorf("Len(noon) = %d, want 1: Immediately keeps nothing and removes nothing", n)
	}
}

func TestMemoryTrackerKeepsKeysApart(t *testing.T) {
	long := strings.Repeat("x", 10<<10)
	keys := [][2]string{
		{"", ""},
		{"", "a"},
		{"a", ""},
		{"ab", "c"},
		{"a", "bc"},
		{"a\x00", "b"},
		{"a", "\x00b"},
		{"a|b", "c"},
		{"a", "b|c"},
		{"é", "é"},
		{"é", "e\u0301"},
		{long, "p"},
		{long + "x", "p"},
		{"c", long},
		{"c", long + "x"},
		{"c", "\xff"},
		{"c", "\ufffd"},
	}
	var tr campaign.MemoryTracker
	e := entry(noon)
	for _, key := range keys {
		e.Campaign, e.Profile = key[0], key[1]
		wantEnter(t, &tr, e, e.Until(), true)
	}
	for _, key := range keys {
		e.Campaign, e.Profile = key[0], key[1]
		wantEnter(t, &tr, e, e.Until(), false)
	}
}

// The only campaign is not taken for one whose ID differs in a byte, wherever that
// is, or in its length.
func TestMemoryTrackerKeepsTheOnlyCampaignApart(t *testing.T) {
	for n := range 40 {
		var tr campaign.MemoryTracker
		id := strings.Repeat("x", n)
		e := entry(noon)
		e.Campaign = id
		wantEnter(t, &tr, e, e.Until(), true)
		wantEnter(t, &tr, e, e.Until(), false)
		others := []string{id + "x", id + strings.Repeat("x", 8)}
		for i := range n {
			others = append(others, id[:i]+"y"+id[i+1:], id[:i])
		}
		for _, other := range others {
			if _, closed := tr.Until(other, e.Profile, noon); closed {
				t.Errorf("the campaign %q is closed, want only %q", other, id)
			}
		}
	}
}

func TestMemoryTrackerReopen(t *testing.T) {
	first := entry(noon)
	minute := noon.Add(time.Minute)
	tests := []struct {
		name  string
		entry campaign.Entry
		until time.Time
		open  time.Time // from when on the campaign is open
	}{
		{"to a minute", first, minute, minute},
		{"to the visit itself", first, noon, noon},
		{"to before the visit, which counts as the visit", first, noon.Add(-time.Hour), noon},
		{"to its own end", first, first.Until(), first.Until()},
		{"of another visit", at(first, minute), minute, first.Until()},
		{"of another timeout", lasting(first, time.Hour), minute, first.Until()},
		{"of another profile", campaign.Entry{Campaign: "shoes", Profile: "bob", Time: noon, Timeout: first.Timeout}, minute, first.Until()},
		{"of another campaign", campaign.Entry{Campaign: "hats", Profile: "ann", Time: noon, Timeout: first.Timeout}, minute, first.Until()},
		{"of no cooldown", lasting(at(first, first.Until()), campaign.Immediately), noon, first.Until()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr campaign.MemoryTracker
			mustEnter(t, &tr, first)
			wantReopen(t, &tr, tt.entry, tt.until)
			if tt.open.After(noon) {
				wantEnter(t, &tr, at(first, tt.open.Add(-time.Millisecond)), tt.open, false)
			}
			again := at(first, tt.open)
			wantEnter(t, &tr, again, again.Until(), true)
		})
	}
}

func TestMemoryTrackerReopenTwice(t *testing.T) {
	var tr campaign.MemoryTracker
	first := entry(noon)
	mustEnter(t, &tr, first)
	wantReopen(t, &tr, first, noon.Add(time.Minute))
	second := at(first, noon.Add(time.Minute))
	wantEnter(t, &tr, second, second.Until(), true)
	wantReopen(t, &tr, first, noon.Add(time.Minute)) // comes late: the cooldown is the second's
	wantEnter(t, &tr, at(first, noon.Add(time.Hour)), second.Until(), false)
}

func TestMemoryTrackerErrors(t *testing.T) {
	first := entry(noon)
	done, cancel := context.WithCancel(context.Background())
	cancel()

	t.Run("cancelled", func(t *testing.T) {
		var tr campaign.MemoryTracker
		if _, entered, err := tr.Enter(done, first); entered || !errors.Is(err, context.Canceled) {
			t.Errorf("Enter(cancelled) = %t, %v, want false, context.Canceled", entered, err)
		}
		wantEnter(t, &tr, first, first.Until(), true)
		if err := tr.Reopen(done, first, noon); !errors.Is(err, context.Canceled) {
			t.Errorf("Reopen(cancelled) = %v, want context.Canceled", err)
		}
		wantEnter(t, &tr, first, first.Until(), false)
	})
	t.Run("out of time", func(t *testing.T) {
		var tr campaign.MemoryTracker
		for _, when := range []time.Time{
			endOfTime.Add(time.Millisecond), time.Time{}.Add(-time.Millisecond),
			time.Unix(1<<64/1000+1, 0), // whose milliseconds, in 64 bits, are those of 1970
		} {
			if _, entered, err := tr.Enter(context.Background(), entry(when)); entered || err == nil {
				t.Errorf("Enter(%v) = %t, %v, want false and an error", when, entered, err)
			}
		}
	})
	t.Run("Reopen to a later end", func(t *testing.T) {
		var tr campaign.MemoryTracker
		mustEnter(t, &tr, first)
		if err := tr.Reopen(context.Background(), first, first.Until().Add(time.Millisecond)); err == nil {
			t.Errorf("Reopen(a millisecond after the end) = nil, want an error")
		}
		wantEnter(t, &tr, first, first.Until(), false)
	})
}

func TestMemoryTrackerUntil(t *testing.T) {
	var tr campaign.MemoryTracker
	if until, closed := tr.Until("shoes", "ann", noon); closed || !until.IsZero() {
		t.Errorf("Until on an empty tracker = %v, %t, want zero, false", until, closed)
	}
	first := entry(noon)
	mustEnter(t, &tr, first)
	mustEnter(t, &tr, campaign.Entry{Campaign: "hats", Profile: "ann", Time: noon, Timeout: campaign.Never})
	tests := []struct {
		campaign, profile string
		at                time.Time
		want              time.Time // zero: not closed
	}{
		{"shoes", "ann", noon, first.Until()},
		{"shoes", "ann", noon.AddDate(0, 0, -1), first.Until()},
		{"shoes", "ann", first.Until().Add(-time.Millisecond), first.Until()},
		{"shoes", "ann", first.Until(), time.Time{}},
		{"shoes", "bob", noon, time.Time{}},
		{"hats", "ann", noon.AddDate(1000, 0, 0), endOfTime},
		{"socks", "ann", noon, time.Time{}},
	}
	for _, tt := range tests {
		until, closed := tr.Until(tt.campaign, tt.profile, tt.at)
		if !until.Equal(tt.want) || closed != !tt.want.IsZero() {
			t.Errorf("Until(%q, %q, %v) = %v, %t, want %v", tt.campaign, tt.profile, tt.at, until, closed, tt.want)
		}
	}
	if got := tr.Len(noon); got != 2 {
		t.Errorf("Len(noon) = %d, want 2", got)
	}
	if got := tr.Len(first.Until()); got != 1 {
		t.Errorf("Len(a week later) = %d, want 1", got)
	}
}

func TestMemoryTrackerMerge(t *testing.T) {
	enter := func(tr *campaign.MemoryTracker, c, p string, d time.Duration) {
		mustEnter(t, tr, campaign.Entry{Campaign: c, Profile: p, Time: noon, Timeout: d})
	}
	var tr campaign.MemoryTracker
	enter(&tr, "from only", "cookie", time.Hour)
	enter(&tr, "from later", "cookie", campaign.Never)
	enter(&tr, "from later", "ann", time.Hour)
	enter(&tr, "to later", "cookie", time.Hour)
	enter(&tr, "to later", "ann", 200*365*24*time.Hour)
	enter(&tr, "to only", "ann", time.Hour)
	enter(&tr, "other", "bob", time.Hour)
	far, _ := tr.Until("to later", "ann", noon)

	tr.Merge("cookie", "ann")
	tr.Merge("ann", "ann")
	tr.Merge("nobody", "ann")

	hour := noon.Add(time.Hour)
	for _, tt := range []struct {
		campaign string
		want     time.Time
	}{{"from only", hour}, {"from later", endOfTime}, {"to later", far}, {"to only", hour}, {"other", time.Time{}}} {
		if got, _ := tr.Until(tt.campaign, "ann", noon); !got.Equal(tt.want) {
			t.Errorf("Until(%q, ann) = %v after Merge, want %v", tt.campaign, got, tt.want)
		}
	}
	if got, _ := tr.Until("from only", "cookie", noon); !got.Equal(hour) {
		t.Errorf("Until(from only, cookie) = %v after Merge, want %v: visits under the old ID are held too", got, hour)
	}
}

func TestMemoryTrackerForgetAndReset(t *testing.T) {
	var tr campaign.MemoryTracker
	fill := func() {
		for _, c := range []string{"shoes", "hats"} {
			for _, p := range []string{"ann", "bob"} {
				mustEnter(t, &tr, campaign.Entry{Campaign: c, Profile: p, Time: noon, Timeout: campaign.Never})
			}
			mustEnter(t, &tr, campaign.Entry{Campaign: c, Profile: "far", Time: noon, Timeout: 200 * 365 * 24 * time.Hour})
		}
	}
	closed := func(c, p string) bool {
		_, closed := tr.Until(c, p, noon)
		return closed
	}
	fill()
	tr.Forget("ann")
	tr.Forget("far")
	tr.Forget("nobody")
	if tr.Len(noon) != 2 || closed("shoes", "ann") || closed("hats", "ann") || closed("hats", "far") || !closed("shoes", "bob") {
		t.Errorf("after Forget(ann, far): Len = %d, want only the two of bob", tr.Len(noon))
	}
	fill()
	tr.Reset("shoes")
	tr.Reset("nothing")
	if tr.Len(noon) != 3 || closed("shoes", "ann") || closed("shoes", "bob") || !closed("hats", "ann") {
		t.Errorf("after Reset(shoes): Len = %d, want only the three of hats", tr.Len(noon))
	}
	fill()
	if got := tr.Len(noon); got != 6 {
		t.Errorf("Len = %d after all have entered again, want 6", got)
	}
}

// One visit with a wrong clock must not end the cooldowns of everybody, nor may
// one in a hundred; where all visits are ahead of the process, they are right.
func TestMemoryTrackerBelievesTheClock(t *testing.T) {
	const profiles, visits = 2000, 4000
	for _, test := range []struct {
		name   string
		start  time.Duration // of all visits, from the clock
		skewed int           // one in so many visits is 23 hours ahead
		kept   bool
	}{
		{"one visit is ahead", 0, visits, true},
		{"one in a hundred is ahead", 0, 100, true},
		{"one in a hundred is ahead of a replay", -30 * 24 * time.Hour, 100, true},
		{"the first visit is ahead", 0, 0, true},
		{"all are ahead", 23 * time.Hour, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr campaign.MemoryTracker
				start := time.Now()
				if test.skewed == 0 {
					mustEnter(t, &tr, campaign.Entry{Campaign: "shoes", Profile: "first", Time: start.Add(23 * time.Hour), Timeout: 12 * time.Hour})
				}
				for i := range profiles {
					mustEnter(t, &tr, campaign.Entry{Campaign: "shoes", Profile: fmt.Sprint(i), Time: start.Add(min(0, test.start)), Timeout: 12 * time.Hour})
				}
				for i := range visits {
					at := start.Add(min(0, test.start))
					if test.skewed > 0 && i%test.skewed == test.skewed/2 {
						at = start.Add(23 * time.Hour)
					}
					mustEnter(t, &tr, campaign.Entry{Campaign: "shoes", Profile: fmt.Sprint("later ", i), Time: at, Timeout: 12 * time.Hour})
				}
				var again campaign.MemoryTracker
				var file bytes.Buffer
				if _, err := tr.WriteTo(&file); err != nil {
					t.Fatal(err)
				}
				if _, err := again.ReadFrom(&file); err != nil {
					t.Fatal(err)
				}
				mustEnter(t, &again, campaign.Entry{Campaign: "hats", Profile: "ann", Time: start.Add(23 * time.Hour), Timeout: 12 * time.Hour})
				for i := range visits {
					mustEnter(t, &again, campaign.Entry{Campaign: "hats", Profile: fmt.Sprint(i), Time: start.Add(test.start), Timeout: time.Minute})
				}
				late := start.Add(min(0, test.start)).Add(time.Minute)
				for name, tr := range map[string]*campaign.MemoryTracker{"live": &tr, "restored": &again} {
					held := 0
					for i := range profiles {
						if _, closed := tr.Until("shoes", fmt.Sprint(i), late); closed {
							held++
						}
					}
					if (held == profiles) != test.kept {
						t.Errorf("%s: %d of %d cooldowns are left, want all: %t", name, held, profiles, test.kept)
					}
				}
			})
		})
	}
}

// A visit that starts many campaigns is one visit: it is not many that agree on
// what time it is.
func TestMemoryTrackerBelievesNoVisitAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr campaign.MemoryTracker
		start := time.Now()
		enterAll := func(profile string, at time.Time) {
			for i := range 40 {
				mustEnter(t, &tr, campaign.Entry{Campaign: fmt.Sprint("c", i), Profile: profile, Time: at, Timeout: 12 * time.Hour})
			}
		}
		enterAll("ann", start)
		enterAll("bob", start.Add(23*time.Hour))
		for i := range 40 {
			if _, closed := tr.Until(fmt.Sprint("c", i), "ann", start.Add(time.Minute)); !closed {
				t.Errorf("c%d has forgotten ann for one visit that is ahead of the clock", i)
			}
		}
	})
}

// Campaigns that are over are forgotten one by one, at a cost that does not grow
// with how many there are.
func TestCampaignsThatAreOver(t *testing.T) {
	const campaigns, visits = 10_000, 20_000
	var m campaign.MemoryTracker
	start := time.Now().Add(-1000 * time.Hour)
	enter := func(id, profile string, at time.Time) {
		t.Helper()
		if _, entered, err := m.Enter(t.Context(), campaign.Entry{Campaign: id, Profile: profile, Time: at, Timeout: time.Minute}); !entered || err != nil {
			t.Fatalf("Enter(%s, %s) = %t, %v, want entered", id, profile, entered, err)
		}
	}
	for i := range campaigns {
		enter(fmt.Sprint("campaign-", i), "ann", start)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range visits {
		enter("campaign-0", fmt.Sprint(i), start.Add(time.Hour))
	}
	runtime.ReadMemStats(&after)
	// The profiles themselves, and their IDs, take a few hundred bytes each.
	if each := (after.TotalAlloc - before.TotalAlloc) / visits; each > 2000 {
		t.Errorf("each visit made %d bytes of garbage, want no more than if there were no other campaigns", each)
	}
	// They are gone, and may come back.
	for i := range campaigns {
		if i > 0 {
			enter(fmt.Sprint("campaign-", i), "ann", start.Add(time.Hour))
		}
	}
	if n := m.Len(start.Add(time.Hour)); n != visits+campaigns-1 {
		t.Errorf("Len = %d, want %d", n, visits+campaigns-1)
	}
}

// Reopen refuses the times that Enter does: they belong to no run.
func TestReopenOutOfTime(t *testing.T) {
	var m campaign.MemoryTracker
	now := time.Now()
	end, _, err := m.Enter(t.Context(), campaign.Entry{Campaign: "c", Profile: "p", Time: now, Timeout: campaign.Never})
	if err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{-5, 0, 10_000, 20_000} {
		e := campaign.Entry{Campaign: "c", Profile: "p", Time: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Timeout: campaign.Never}
		if err := m.Reopen(t.Context(), e, end); err == nil {
			t.Errorf("Reopen of a run in the year %d = nil, want an error", year)
		}
		if until, closed := m.Until("c", "p", now); !closed || !until.Equal(end) {
			t.Errorf("after it, Until = %v, %t, want %v", until, closed, end)
		}
	}
}

// A time that milliseconds cannot count is before all that they can, or after it.
func TestTimesBeyondMilliseconds(t *testing.T) {
	after, before := time.Unix(1<<55, 0), time.Unix(-1<<55, 0)
	var m campaign.MemoryTracker
	e := campaign.Entry{Campaign: "c", Profile: "p", Time: noon, Timeout: time.Hour}
	if _, entered, err := m.Enter(t.Context(), e); err != nil || !entered {
		t.Fatalf("Enter = %t, %v", entered, err)
	}
	if err := m.Reopen(t.Context(), e, after); err == nil {
		t.Error("Reopen to a time after all others = nil, want an error")
	}
	if _, closed := m.Until("c", "p", noon); !closed {
		t.Error("a Reopen that failed has opened the campaign")
	}
	if _, closed := m.Until("c", "p", before); !closed || m.Len(before) != 1 {
		t.Errorf("before all times the campaign is closed = %t, with %d cooldowns, want it closed by one", closed, m.Len(before))
	}
	if _, closed := m.Until("c", "p", after); closed || m.Len(after) != 0 {
		t.Errorf("after all times the campaign is closed = %t, with %d cooldowns, want none", closed, m.Len(after))
	}
	if err := m.Reopen(t.Context(), e, before); err != nil {
		t.Errorf("Reopen to a time before all others = %v, want nil: it counts as the visit's", err)
	}
	if _, closed := m.Until("c", "p", noon); closed {
		t.Error("the campaign is closed, want it open from the visit's time on")
	}
}

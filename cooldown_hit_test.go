package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestReadersSeeWholeEnds takes an entry out of its slot and puts it back with
// another end again and again, while visits look for it. Two of the ends differ in
// two of the three parts that a line keeps apart, so that none is made of the parts
// of others. A reader that takes the key from one load and the lowest bits of the end
// from another one shows itself in nearly every run, as does one that does not look
// at the version.
func TestReadersSeeWholeEnds(t *testing.T) {
	var ends [4]int64
	for i := range ends {
		low, mid := int64(i&1), int64(i>>1)
		ends[i] = (low^mid+1)<<highShift | (mid+1)<<lowBits | (low + 1)
	}
	const campaign, profile = "campaign", "customer"
	var tracker MemoryTracker
	g := tracker.generation()
	f := g.key.fingerprint(profile)
	table := g.add(campaign)
	table.spread(table.page(0), 0, 0, noEnd)
	p := table.page(f.path())
	p.set(f, ends[0], noEnd)
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		at := p.find(f)
		key := at.words[at.slot] >> homeShift
		for i := 0; !done.Load(); i++ {
			at.clear(1 << at.slot)
			at.put(at.slot, key, uint64(ends[(i+i/len(ends))%len(ends)])) // next or next but one
		}
	})
	stop := time.Now().Add(time.Second)
	for i := 0; i%1000 != 0 || time.Now().Before(stop); i++ {
		if until, found := glance(t, &tracker, campaign, profile); found && !slices.Contains(ends[:], until.UnixMilli()) {
			t.Errorf("the end is %x, want one of %x, or nothing", until.UnixMilli(), ends)
			break
		}
	}
	done.Store(true)
	writer.Wait()
}

// What is in a slot is found without a lock, in whichever slot of either line, and
// whatever the IDs of campaign and profile look like.
func TestReadersFindAllWithoutALock(t *testing.T) {
	visit := time.UnixMilli(1)
	for name, ids := range map[string]struct{ campaign, other, profile string }{
		"usual":          {"campaign", "", "customer%04d"},
		"short":          {"c", "", "%04d"},
		"long":           {"a campaign of a very long name", "", "customer%028d"},
		"not in ASCII":   {"campaña", "", "clientç%04d"},
		"two campaigns":  {"campaign", "campaigm", "customer%04d"},
		"eight bytes":    {"12345678", "", "1234%04d"},
		"sixteen bytes":  {"1234567890123456", "", "123456789012%04d"},
		"ends of æ":      {"1234567æ", "", "ææææ%04d"},
		"seven of eight": {"1234567", "12345678", "123%04d"},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker MemoryTracker
			profile := func(i int) string { return fmt.Sprintf(ids.profile, i) }
			for i := range 2 * linesPerBlock * slotsPerLine {
				mustEnter(t, &tracker, ids.campaign, profile(i), visit, time.Duration(i+1)*time.Second)
			}
			if ids.other != "" {
				mustEnter(t, &tracker, ids.other, profile(0), visit, time.Hour)
			}
			g := tracker.generation()
			table := g.find(ids.campaign)
			var has [2][slotsPerLine]int
			for i := range 2 * linesPerBlock * slotsPerLine {
				f := g.key.fingerprint(profile(i))
				at := table.page(f.path()).find(f)
				if at.line == nil {
					continue // in the side map
				}
				has[at.words[at.slot]>>homeShift&1][at.slot]++
				until, found := glance(t, &tracker, ids.campaign, profile(i))
				if want := visit.Add(time.Duration(i+1) * time.Second); !found || !until.Equal(want) {
					t.Fatalf("profile %d is closed until %v, %t, want %v", i, until, found, want)
				}
			}
			for line, slots := range has {
				if slices.Min(slots[:]) == 0 {
					t.Errorf("the slots of line %d have %d entries, want some in each", line, slots)
				}
			}
		})
	}
}

// What looks for entries without a lock reads IDs in a way of its own: nothing that
// it takes for the same may differ, and what it enters is where all else looks for it.
func TestIDsAreReadAsWritten(t *testing.T) {
	visit := time.UnixMilli(1)
	t.Run("profiles", func(t *testing.T) {
		var tracker MemoryTracker
		for n := range 80 {
			ids := []string{strings.Repeat("a", n)}
			for i := range n {
				for _, b := range []byte{0, 0x7f, 0x80, 0xff} {
					id := []byte(ids[0])
					id[i] = b
					ids = append(ids, string(id))
				}
			}
			for _, id := range ids {
				mustEnter(t, &tracker, "campaign", id, visit, time.Hour)
				if _, closed := tracker.Until("campaign", id, visit); !closed {
					t.Errorf("the profile %q has entered, and is not found", id)
				}
			}
		}
	})
	for _, ids := range [][2]string{
		{"campaign-1", "campaign-2"},
		{"campaign-1-campaign", "campaign-2-campaign"},
		{"1-campaign", "2-campaign"},
		{"campaign", "campaigncampaign"},
		{"campaigncampaign", "campaign"},
		{"campaign", "campaigncampaigncampaign"},
		{"campaign-one", "campaign-on"},
		{"campaign", ""},
		{"", "campaign"},
		{"c", "campaign"},
		{"campaign", "c"},
	} {
		t.Run(fmt.Sprintf("%s and %s", ids[0], ids[1]), func(t *testing.T) {
			var tracker MemoryTracker
			mustEnter(t, &tracker, ids[0], "customer", visit, time.Hour)
			mustEnter(t, &tracker, ids[1], "customer", visit, time.Hour)
		})
	}
}

// What is found without a lock is what the lock would find.
func TestHits(t *testing.T) {
	var tracker MemoryTracker
	begun := time.UnixMilli(1_700_000_000_123)
	for i := range 2 * fewEntries { // so that there are slots
		mustEnter(t, &tracker, "campaign", fmt.Sprint("customer", i), begun, 1500*time.Millisecond)
	}
	end := begun.Add(1500 * time.Millisecond)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		at      time.Time
		entered bool
		err     error
	}{
		{"a second before the end", t.Context(), end.Add(-time.Second), false, nil},
		{"in the same second", t.Context(), end.Add(-time.Millisecond), false, nil},
		{"at the end", t.Context(), end, true, nil},
		{"with a context that is done", ended, begun, false, context.Canceled},
		{"in the same second, with a context that is done", ended, end.Add(-time.Millisecond), false, context.Canceled},
	} {
		until, entered, err := tracker.Enter(tt.ctx, Entry{Campaign: "campaign", Profile: "customer0", Time: tt.at})
		if entered != tt.entered || !errors.Is(err, tt.err) {
			t.Errorf("%s: Enter = %v, %t, %v; want entered %t, error %v", tt.name, until, entered, err, tt.entered, tt.err)
		}
		want := end.UTC()
		if err != nil {
			want = time.Time{}
		}
		if !entered && until != want {
			t.Errorf("%s: until = %#v, want %#v", tt.name, until, want)
		}
	}
}

func mustEnter(t *testing.T, tracker *MemoryTracker, campaign, profile string, visit time.Time, timeout time.Duration) {
	t.Helper()
	_, entered, err := tracker.Enter(t.Context(), Entry{Campaign: campaign, Profile: profile, Time: visit, Timeout: timeout})
	if !entered || err != nil {
		t.Fatalf("Enter(%q, %q) = %t, %v; want true, nil", campaign, profile, entered, err)
	}
}

// glance returns what Enter finds without a lock: with a visit before all time, it
// gives up before it would take one.
func glance(t *testing.T, tracker *MemoryTracker, campaign, profile string) (until time.Time, found bool) {
	t.Helper()
	before := time.UnixMilli(firstTimeMilli - 1000)
	until, entered, err := tracker.Enter(t.Context(), Entry{Campaign: campaign, Profile: profile, Time: before})
	if entered || err != nil && !errors.Is(err, errOutOfTime) {
		t.Fatalf("Enter before all time = %t, %v", entered, err)
	}
	return until, err == nil
}

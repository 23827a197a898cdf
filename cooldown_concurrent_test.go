package campaign_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// TestMemoryTrackerConcurrent gives each goroutine profiles of its own, so that
// it knows every answer, while the tables grow under all of them and others
// merge, forget, reset, count and write snapshots.
func TestMemoryTrackerConcurrent(t *testing.T) {
	const goroutines, profiles = 4, 1500
	// However far the goroutines drift apart, it is within the grace for late visits.
	const step = 100 * time.Millisecond
	var tr campaign.MemoryTracker
	var done atomic.Bool
	var owners, others sync.WaitGroup
	for g := range goroutines {
		owners.Go(func() {
			for i := range profiles {
				e := entry(noon.Add(time.Duration(i) * step))
				e.Profile = fmt.Sprint(g, "/", i)
				e.Campaign = fmt.Sprint(i % 2)
				wantEnter(t, &tr, e, e.Until(), true)
				wantEnter(t, &tr, e, e.Until(), false)
				wantReopen(t, &tr, e, e.Time.Add(time.Minute))
				wantEnter(t, &tr, e, e.Time.Add(time.Minute), false)
				again := at(e, e.Time.Add(time.Minute))
				wantEnter(t, &tr, again, again.Until(), true)

				before := at(e, noon)
				before.Profile = fmt.Sprint(g, "/", i/2) // has entered again a while ago
				before.Campaign = fmt.Sprint(i / 2 % 2)
				until := noon.Add(time.Duration(i/2)*step + time.Minute + e.Timeout)
				wantEnter(t, &tr, before, until, false)
			}
		})
	}
	meanwhile := func(f func(i int)) {
		others.Go(func() {
			for i := 0; !done.Load(); i++ {
				f(i)
			}
		})
	}
	meanwhile(func(i int) {
		if _, err := tr.WriteTo(io.Discard); err != nil {
			t.Errorf("WriteTo = %v, want nil", err)
		}
		if n := tr.Len(noon); n > 2*goroutines*profiles {
			t.Errorf("Len = %d, want at most one for each owner's and each merged profile", n)
		}
	})
	meanwhile(func(i int) {
		into := fmt.Sprint("merged", i%100)
		tr.Merge(fmt.Sprint(i%goroutines, "/", i%profiles), into)
		tr.Forget(into)
		e := entry(noon)
		e.Campaign = "reset"
		enter(t, &tr, e)
		tr.Reset("reset")
	})
	owners.Wait()
	done.Store(true)
	others.Wait()
	for i := range 100 {
		tr.Forget(fmt.Sprint("merged", i))
	}
	if n := tr.Len(noon); n != goroutines*profiles {
		t.Errorf("Len = %d at the end, want %d", n, goroutines*profiles)
	}
}

// TestMemoryTrackerOneWinner lets many enter for one profile at once, first
// when it is new, then when its cooldown has ended.
func TestMemoryTrackerOneWinner(t *testing.T) {
	var tr campaign.MemoryTracker
	for round := range 50 {
		e := entry(noon.AddDate(0, 0, 7*(round/2)))
		e.Profile = fmt.Sprint(round % 2)
		var winners atomic.Int32
		var racers sync.WaitGroup
		for range 32 {
			racers.Go(func() {
				if _, entered := mustEnter(t, &tr, e); entered {
					winners.Add(1)
				}
			})
		}
		racers.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("round %d: %d of 32 entered, want 1", round, n)
		}
	}
}

// A reader without a lock sees an end whole, or asks again, though the entry is
// forgotten and begun anew all the while.
func TestMemoryTrackerReadsWholeEnds(t *testing.T) {
	var tr campaign.MemoryTracker
	e := entry(noon)
	for i := range 5000 { // a table, not a map
		e.Profile = fmt.Sprint(i)
		enter(t, &tr, e)
	}
	begun := e
	begun.Profile, begun.Timeout = "p", campaign.Never
	want := begun.Until()
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 300_000 {
			enter(t, &tr, begun)
			tr.Forget(begun.Profile)
		}
		done.Store(true)
	})
	looks := begun
	looks.Timeout = campaign.Immediately
	for !done.Load() {
		until, entered, err := tr.Enter(t.Context(), looks)
		if err != nil || !entered && !until.Equal(want) {
			t.Errorf("Enter = %v, %v, %v, want closed until %v, or open", until, entered, err, want)
			break
		}
	}
	wg.Wait()
}

// heap returns how many bytes are in use.
func heap() int64 {
	// What other tests have left goes one collection after the other: pools keep
	// things for two, and what has a finalizer stays for one more.
	least := int64(math.MaxInt64)
	for range 10 {
		runtime.GC()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		now := int64(ms.HeapAlloc)
		if now > least-4096 {
			return now
		}
		least = now
	}
	return least
}

// stream enters n new profiles, fifty a second, for a minute each.
func stream(t *testing.T, tr *campaign.MemoryTracker, c string, start time.Time, first, n int) {
	t.Helper()
	for i := range n {
		enter(t, tr, campaign.Entry{
			Campaign: c, Profile: fmt.Sprint(first + i),
			Time: start.Add(time.Duration(i) * 20 * time.Millisecond), Timeout: time.Minute,
		})
	}
}

func TestMemoryTrackerPlateau(t *testing.T) {
	const window = 18_000 // profiles in a minute and the grace of five
	var tr campaign.MemoryTracker
	base := heap()
	stream(t, &tr, "a", noon, 0, 2*window)
	level := heap() - base
	if most := int64(window * 30); level > most {
		t.Errorf("%d bytes are in use for %d cooldowns, want at most %d", level, window, most)
	}
	stream(t, &tr, "a", noon.Add(12*time.Minute), 2*window, 4*window)
	if now := heap() - base; now > level*5/4 {
		t.Errorf("%d bytes are in use after a longer time, want about %d as before", now, level)
	}

	// The peak is over: another campaign has a few visits.
	stream(t, &tr, "b", noon.Add(24*time.Hour), 0, 10_000)
	if now := heap() - base; now > level*3/4 { // 62 % alone; among all tests 67 %
		t.Errorf("%d bytes are in use after the peak, want much less than %d", now, level)
	}
	runtime.KeepAlive(&tr)
}

// Ends that no slot keeps, as those of a simulated year 2500, level off too.
func TestMemoryTrackerPlateauBesideTheSlots(t *testing.T) {
	const window = 18_000 // profiles in a minute and the grace of five
	start := noon.AddDate(474, 0, 0)
	var tr campaign.MemoryTracker
	base := heap()
	stream(t, &tr, "a", start, 0, 5*window) // maps double: they take longer to find their size
	level := heap() - base
	stream(t, &tr, "a", start.Add(30*time.Minute), 5*window, 15*window)
	if now := heap() - base; now > level*3/2 { // a map of the same entries may be larger or smaller by a quarter
		t.Errorf("%d bytes are in use after a longer time, want about %d as before", now, level)
	}
	runtime.KeepAlive(&tr)
}

// TestMemoryTrackerGrowsAndShrinks takes a campaign through all sizes of its
// table, up and down, while others look without a lock for cooldowns that never
// end: those must be found wherever they have moved.
func TestMemoryTrackerGrowsAndShrinks(t *testing.T) {
	const peak, every = 40_000, 50
	var tr campaign.MemoryTracker
	base := heap()
	var entered atomic.Int64 // how many of those that never end
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			e := lasting(entry(noon), campaign.Never)
			for i := int64(0); !done.Load(); i++ {
				n := entered.Load()
				if n == 0 {
					runtime.Gosched()
					continue
				}
				e.Profile = fmt.Sprint("never", i*7919%n)
				if until, entered := mustEnter(t, &tr, e); entered || !until.Equal(endOfTime) {
					t.Errorf("Enter(%v) = %v, %t, want the end of time, false", e, until, entered)
					return
				}
				if i%20_000 == 0 {
					tr.Len(noon) // goes through all pages
				}
			}
		})
	}
	day := func(d, n int) {
		start := noon.AddDate(0, 0, d)
		e := lasting(entry(start), time.Hour)
		for i := range n {
			e.Time = start.Add(time.Duration(i) * time.Millisecond)
			e.Profile = fmt.Sprint(d, "/", i)
			wantEnter(t, &tr, e, e.Until(), true)
			if i%every == 0 && d == 0 {
				never := lasting(e, campaign.Never)
				never.Profile = fmt.Sprint("never", i/every)
				wantEnter(t, &tr, never, endOfTime, true)
				entered.Add(1)
			}
		}
		if got, want := tr.Len(e.Time), n+peak/every; got != want {
			t.Errorf("Len on day %d = %d, want %d", d, got, want)
		}
	}
	day(0, peak)
	day(1, 10_000) // finds the first day expired
	day(2, peak)
	for d := range 20 {
		day(3+d, 500)
	}
	done.Store(true)
	readers.Wait()
	if now := heap() - base; now > peak*8 {
		t.Errorf("%d bytes are in use after the peak of %d cooldowns, want at most half of what that took", now, peak)
	}
	runtime.KeepAlive(&tr)
}

func TestMemoryTrackerSize(t *testing.T) {
	const n = 60_000
	for _, capacity := range []int{0, n} {
		tr := campaign.MemoryTracker{Capacity: capacity}
		base := heap()
		e := entry(noon)
		for i := range n {
			e.Profile = fmt.Sprint(i)
			enter(t, &tr, e)
		}
		if each := float64(heap()-base) / n; each > 22 {
			t.Errorf("with Capacity %d, each of %d cooldowns takes %.1f bytes, want at most 22", capacity, n, each)
		}
		runtime.KeepAlive(&tr)
	}
}

// A hint that no memory could hold must not bring the process down.
func TestMemoryTrackerCapacityIsAHint(t *testing.T) {
	const n = 3000
	for _, capacity := range []int{math.MinInt, -1, 1 << 30, math.MaxInt} {
		tr := campaign.MemoryTracker{Capacity: capacity}
		base := heap()
		e := entry(noon)
		for i := range n {
			e.Profile = fmt.Sprint(i)
			wantEnter(t, &tr, e, e.Until(), true)
		}
		if now := heap() - base; now > 128<<20 { // a block of 32 KiB for each
			t.Errorf("with Capacity %d, %d cooldowns take %d bytes, want at most 128 MB", capacity, n, now)
		}
		runtime.KeepAlive(&tr)
	}
}

// TestMemoryTrackerCapacityAfterPeak goes far beyond the Capacity for a while.
func TestMemoryTrackerCapacityAfterPeak(t *testing.T) {
	const capacity, peak = 20_000, 300_000
	tr := campaign.MemoryTracker{Capacity: capacity}
	base := heap()
	day := func(d, n int) {
		e := lasting(entry(noon.AddDate(0, 0, d)), time.Minute)
		for i := range n {
			e.Profile = fmt.Sprint(d, "/", i)
			enter(t, &tr, e)
		}
	}
	day(0, capacity)
	before := heap() - base
	day(1, peak)
	for d := range 10 {
		day(2+d, capacity)
	}
	if now := heap() - base; now > before*3/2 {
		t.Errorf("%d bytes are in use after the peak, want about %d as before", now, before)
	}
	runtime.KeepAlive(&tr)
}

func TestMemoryTrackerManyCampaigns(t *testing.T) {
	const campaigns = 2000
	var tr campaign.MemoryTracker
	base := heap()
	e := entry(noon)
	for i := range campaigns {
		e.Campaign = fmt.Sprint(i)
		for p := range 3 {
			e.Profile = fmt.Sprint(p)
			enter(t, &tr, e)
		}
	}
	if each := (heap() - base) / campaigns; each > 1000 {
		t.Errorf("a campaign with three cooldowns takes %d bytes, want at most 1000", each)
	}
	if n := tr.Len(noon); n != 3*campaigns {
		t.Errorf("Len = %d, want %d", n, 3*campaigns)
	}
}

func TestMemoryTrackerDoesNotAllocate(t *testing.T) {
	var tr campaign.MemoryTracker
	ctx := context.Background()
	e := entry(noon)
	ids := make([]string, 2000)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
		e.Profile = ids[i]
		enter(t, &tr, e)
	}
	i := 0
	hit := func() {
		e.Profile = ids[i%len(ids)]
		i++
		tr.Enter(ctx, e)
	}
	if n := testing.AllocsPerRun(1000, hit); n != 0 {
		t.Errorf("Enter in a cooldown allocates %v times, want 0", n)
	}
	e.Time = e.Until()
	if n := testing.AllocsPerRun(1000, hit); n != 0 {
		t.Errorf("Enter after a cooldown allocates %v times, want 0", n)
	}
}

// TestMemoryTrackerForgetsSmallCampaigns has new campaigns every day, with so
// few profiles each that none does work for the others but by beginning.
func TestMemoryTrackerForgetsSmallCampaigns(t *testing.T) {
	const days, campaigns, profiles = 20, 300, 10
	var tr campaign.MemoryTracker
	base := heap()
	var first int64
	for day := range days {
		e := lasting(entry(noon.AddDate(0, 0, day)), time.Hour)
		for c := range campaigns {
			e.Campaign = fmt.Sprint(day, "/", c)
			for p := range profiles {
				e.Profile = fmt.Sprint(p)
				enter(t, &tr, e)
			}
		}
		if day == 0 {
			first = heap() - base
		}
	}
	if now := heap() - base; now > 4*first {
		t.Errorf("%d bytes are in use after %d days, want at most four times the %d of the first: all but the last's are over",
			now, days, first)
	}
	runtime.KeepAlive(&tr)
}

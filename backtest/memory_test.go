package backtest_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// A crowd makes n visits of so many profiles, spread over a week.
func crowd(n, profiles int, atEnd func()) iter.Seq[campaign.PageVisit] {
	ids := make([]string, profiles)
	for i := range ids {
		ids[i] = fmt.Sprintf("customer-%d", i)
	}
	fields := page(0).Profile.Fields
	return func(yield func(campaign.PageVisit) bool) {
		for i := range n {
			v := campaign.PageVisit{
				Time:    start.Add(7 * day * time.Duration(i) / time.Duration(n)),
				URL:     []string{"https://shop.example/shoes/1", "https://shop.example/help", "https://shop.example/"}[i%3],
				Profile: campaign.Profile{ID: ids[i/3%profiles], Known: true, Fields: fields},
			}
			if !yield(v) {
				return
			}
		}
		if atEnd != nil {
			atEnd()
		}
	}
}

// held returns what a backtest holds in memory at its end.
func held(t *testing.T, visits, profiles int) int {
	heap := func() int {
		runtime.GC()
		runtime.GC() // the first may have been half done by another
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		return int(ms.HeapAlloc)
	}
	var before, after int
	seq := crowd(visits, profiles, func() { after = heap() })
	before = heap()
	rep, err := backtest.Run(t.Context(), []campaign.Campaign{define(campaign.Stop{RestartTimeout: hour})}, seq, nil)
	if err != nil || rep.Campaigns[0].Profiles != profiles || rep.Visits != visits {
		t.Fatalf("Run = %+v, %v, want %d profiles", rep, err, profiles)
	}
	return after - before
}

func TestMemoryGrowsWithProfiles(t *testing.T) {
	few, many := held(t, 10_000, 1000), held(t, 1_000_000, 1000)
	if more := many - few; more > 64<<10 {
		t.Errorf("a hundred times the visits of the same profiles take %d bytes more: %d and %d", more, few, many)
	}
	const profiles = 100_000
	if each := (held(t, 3*profiles, profiles) - few) / profiles; each > 64 {
		t.Errorf("each profile takes %d bytes, want at most 64", each)
	}
}

func TestNoMatchDoesNotAllocate(t *testing.T) {
	visit := with(page(0), func(v *campaign.PageVisit) { v.URL = "https://shop.example/help" })
	allocs := func(n int) float64 {
		return testing.AllocsPerRun(5, func() {
			_, err := backtest.Run(context.Background(), []campaign.Campaign{define(campaign.Stop{})}, func(yield func(campaign.PageVisit) bool) {
				for range n {
					yield(visit)
				}
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocs(10), allocs(1010); many-few > 50 {
		t.Errorf("1000 visits that match nothing allocate %v times", many-few)
	}
}

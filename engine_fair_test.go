package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// onPath is a campaign for the pages below a path of its own.
func onPath(id string) campaign.Campaign {
	c := everyPage(id, 1, campaign.Stop{})
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/" + id)}
	return c
}

// A fairness has an engine with eight workers whose campaign "stuck" has an
// endpoint that takes 50 seconds, and "fast" one that takes no time.
type fairness struct {
	*campaign.Engine
	told listener
}

func newFairness(t *testing.T, cs ...campaign.Campaign) *fairness {
	sender := campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		if r.Campaign == "fast" {
			return nil, nil
		}
		return slow(50*time.Second)(ctx, r)
	})
	f := new(fairness)
	f.Engine = newEngine(t, sender, &campaign.EngineOptions{Workers: 8, Observer: &f.told}, cs...)
	return f
}

func (f *fairness) load(t *testing.T, cs ...campaign.Campaign) {
	t.Helper()
	if err := f.Load(cs...); err != nil {
		t.Fatalf("Load: %v", err)
	}
}

// enqueue passes visits of a campaign, by as many profiles.
func (f *fairness) enqueue(t *testing.T, id string, visits int) {
	t.Helper()
	for i := range visits {
		v := visitBy(fmt.Sprint(id, "-", i))
		v.URL = "/" + id
		if out := enqueue(t, f.Engine, v); out.Status != campaign.Queued {
			t.Fatalf("a visit of %s = %v, want queued", id, out)
		}
	}
	synctest.Wait() // no time passes
}

func (f *fairness) checkRunning(t *testing.T, when string, want int) {
	t.Helper()
	synctest.Wait()
	if got := f.Stats().Running; got != want {
		t.Errorf("%s %d runs are under way, want %d of 8 workers", when, got, want)
	}
}

// Load replaces or pauses a campaign that has a long line, or puts another one
// beside it. What the workers have in hand they finish; from there on the line
// leaves some of them to the others.
func TestFairnessAfterLoad(t *testing.T) {
	paused := onPath("stuck")
	paused.Paused = true
	for _, tt := range []struct {
		name string
		next []campaign.Campaign
	}{
		{"replaced by another", []campaign.Campaign{onPath("fast")}},
		{"paused, and another loaded", []campaign.Campaign{paused, onPath("fast")}},
		{"another loaded beside it", []campaign.Campaign{onPath("stuck"), onPath("fast")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFairness(t, onPath("stuck"))
				defer closeEngine(t, f.Engine)
				f.enqueue(t, "stuck", 100)
				f.checkRunning(t, "while nobody else is there,", 8)
				f.load(t, tt.next...)
				f.checkRunning(t, "right after Load", 8)
				time.Sleep(50 * time.Second)
				for round := range 3 {
					f.checkRunning(t, fmt.Sprint("in round ", round+1, " after Load"), 6)
					id := fmt.Sprint("fast-", round)
					v := visitBy(id)
					v.URL = "/fast"
					enqueue(t, f.Engine, v)
					synctest.Wait() // no time passes
					if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Delivered}, f.told.about(id)); diff != "" {
						t.Errorf("what the Observer was told of a visit of the other campaign (-want +got):\n%s", diff)
					}
					time.Sleep(50 * time.Second)
				}
			})
		})
	}
}

// A visit of the new campaign comes while the workers are still full of the old
// one: it is next, before the rest of the line.
func TestTheNewCampaignIsNextAfterLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFairness(t, onPath("stuck"))
		defer closeEngine(t, f.Engine)
		f.enqueue(t, "stuck", 100)
		f.load(t, onPath("fast"))
		f.enqueue(t, "fast", 20)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		for i := range 20 {
			id := fmt.Sprint("fast-", i)
			if !slices.Contains(f.told.about(id), campaign.Delivered) {
				t.Errorf("%s has waited for more than what the workers had in hand", id)
			}
		}
	})
}

// Who has nobody to leave workers to has all of them.
func TestAloneACampaignHasAllWorkers(t *testing.T) {
	paused := onPath("stuck")
	paused.Paused = true
	for _, tt := range []struct {
		name string
		next []campaign.Campaign
	}{
		{"it is the only one that is not paused", []campaign.Campaign{onPath("stuck"), {ID: "other", Paused: true, Nodes: onPath("other").Nodes}}},
		{"it is paused itself, and there is no other", []campaign.Campaign{paused}},
		{"none is loaded any more", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFairness(t, onPath("stuck"), onPath("fast"))
				defer closeEngine(t, f.Engine)
				f.enqueue(t, "stuck", 100)
				f.checkRunning(t, "while another is loaded,", 6)
				f.load(t, tt.next...)
				f.checkRunning(t, "right after Load", 8)
			})
		})
	}
}

// blocking is a value that is written when it may be, and then cannot be.
type blocking chan struct{}

func (b blocking) MarshalText() ([]byte, error) {
	<-b
	return nil, errors.New("not today")
}

// A campaign is alone again when the run of another one, on its way to the queue,
// turns out not to come.
func TestAloneWhenARunDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := onPath("other")
		other.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromVisit("value")}}
		f := newFairness(t, onPath("stuck"), other)
		defer closeEngine(t, f.Engine)
		value := make(blocking)
		go func() {
			v := visitBy("other")
			v.URL, v.Data = "/other", map[string]any{"value": value}
			_, _ = f.Enqueue(t.Context(), v)
		}()
		synctest.Wait()
		f.load(t, onPath("stuck"))
		f.enqueue(t, "stuck", 100)
		f.checkRunning(t, "while one of another is on its way,", 6)
		close(value)
		f.checkRunning(t, "when it does not come,", 8)
	})
}

// A number of workers that means "no limit" is one.
func TestFairnessWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, workers := range []int{math.MaxInt, math.MaxInt / 2} {
			release := make(chan struct{})
			engine := newEngine(t, campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
				<-release
				return nil, nil
			}), &campaign.EngineOptions{Workers: workers}, onPath("one"), onPath("other"))
			for i := range 20 {
				v := visitBy(fmt.Sprint(i))
				v.URL = "/one"
				enqueue(t, engine, v)
			}
			synctest.Wait()
			if n := engine.Stats().Running; n != 20 {
				t.Errorf("with %d workers %d runs of 20 are under way, want all", workers, n)
			}
			close(release)
			closeEngine(t, engine)
		}
	})
}

// Two lines of campaigns that are both gone are as fair as before.
func TestLinesOfCampaignsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFairness(t, onPath("stuck"), onPath("slow"))
		defer closeEngine(t, f.Engine)
		f.enqueue(t, "stuck", 100)
		f.load(t, onPath("slow"))
		f.enqueue(t, "slow", 1)
		f.load(t, onPath("slow"))
		f.checkRunning(t, "with one of slow beside the line,", 7)
		f.load(t)
		f.checkRunning(t, "with none loaded and two in the queue,", 7)
		time.Sleep(50 * time.Second)
		f.checkRunning(t, "with one line left and none loaded,", 8)
	})
}

package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// A suddenContext is done as soon as somebody waits for it.
type suddenContext struct {
	context.Context
	cancel context.CancelFunc
}

func (c suddenContext) Done() <-chan struct{} {
	c.cancel()
	return c.Context.Done()
}

// The visit's context ends as the question to the ProfileSource is on its way.
// Close waits for the question: once it has returned, nobody is asked.
func TestNoQuestionAfterClose(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // a new goroutine waits for this one
	for range 20 {
		var closed, late atomic.Bool
		profiles := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			if closed.Load() {
				late.Store(true)
			}
			return campaign.Profile{}, nil
		})
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: profiles}, byCountry("nl", "NL"))
		ctx, cancel := context.WithCancel(t.Context())
		if out, err := engine.Visit(suddenContext{ctx, cancel}, visitBy("p-1")); err != nil || len(out) != 1 || out[0].Status != campaign.Failed {
			t.Fatalf("Visit = %v, %v, want failed: its context is done", out, err)
		}
		closeEngine(t, engine)
		closed.Store(true)
		for range 100 {
			runtime.Gosched()
		}
		if late.Load() {
			t.Fatal("the ProfileSource was asked after Close had returned")
		}
	}
}

// What the visit carries wins, also in the maps of a list, and also if it is null.
func TestVisitWinsInLists(t *testing.T) {
	c := everyPage("c", 1, campaign.Stop{RestartTimeout: campaign.Immediately})
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.ProfileField("orders.sku").Equals("A")}
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.Static("a", 1)}}
	thing := func(sku any) map[string]any { return map[string]any{"sku": sku} }
	for _, tt := range []struct {
		name   string
		orders any
		asked  int32
		sent   int
	}{
		{"the visit has it", []any{thing("B"), thing("A")}, 0, 1},
		{"the visit has another", []any{thing("B")}, 0, 0},
		{"the visit has null", []any{thing(nil)}, 0, 0},
		{"the visit has an empty list", []any{thing([]string{})}, 0, 0},
		{"the visit has maps without it", []any{map[string]any{"name": "x"}}, 1, 1},
		{"the visit has no orders", []any{}, 1, 1},
		{"the visit has null for all of it", nil, 1, 1},
	} {
		var asked atomic.Int32
		var sender campaigntest.Recorder
		engine := newEngine(t, &sender, &campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(
			func(context.Context, string) (campaign.Profile, error) {
				asked.Add(1)
				return campaign.Profile{Fields: map[string]any{"orders": []any{thing("A")}}}, nil
			},
		)}, c)
		v := visitBy("p-1")
		v.Profile.Fields = map[string]any{"orders": tt.orders}
		if _, err := engine.Visit(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		closeEngine(t, engine)
		if asked.Load() != tt.asked || len(sender.Requests()) != tt.sent {
			t.Errorf("%s: the source was asked %d times, %d requests, want %d and %d", tt.name, asked.Load(), len(sender.Requests()), tt.asked, tt.sent)
		}
	}
}

// A visit that waits for an answer that another one has asked for asks itself when
// that one's time is over: its own is not.
func TestAnswerThatAnotherVisitHasWaitedForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := campaign.ProfileSourceFunc(func(ctx context.Context, _ string) (campaign.Profile, error) {
			if asked.Add(1) == 1 {
				<-ctx.Done()
				return campaign.Profile{}, ctx.Err()
			}
			return campaign.Profile{}, nil
		})
		engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: source, RunTimeout: 10 * time.Second}, asksProfile())
		var first []campaign.Outcome
		go func() { first, _ = engine.Visit(t.Context(), visitBy("p")) }()
		time.Sleep(9 * time.Second)
		second, err := engine.Visit(t.Context(), visitBy("p"))
		if err != nil || len(second) != 1 || second[0].Status != campaign.Delivered {
			t.Errorf("the second visit = %v, %v, want it delivered", second, err)
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("the source was asked %d times, want 2", n)
		}
		synctest.Wait()
		if len(first) != 1 || !errors.Is(first[0].Err, context.DeadlineExceeded) {
			t.Errorf("the first visit = %v, want its time to be over", first)
		}
		closeEngine(t, engine)
	})
}

// Who waits for an answer whose time is over asks once, and fails if that takes as
// long.
func TestSourceThatIsAlwaysTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := waits(&asked)
		engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: source, RunTimeout: 10 * time.Second}, asksProfile())
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				start := time.Now()
				outcomes, err := engine.Visit(t.Context(), visitBy("p"))
				if err != nil || len(outcomes) != 1 || !errors.Is(outcomes[0].Err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
					t.Errorf("visit %d after %v: %v, %v, want it to fail after 10s", i, time.Since(start), outcomes, err)
				}
			})
		}
		wg.Wait()
		if n := asked.Load(); n > 4 {
			t.Errorf("the source was asked %d times for 20 visits in 30 seconds, want 4 at most", n)
		}
		closeEngine(t, engine)
	})
}

// A source with a time limit of its own is asked once for all that wait for it.
func TestSourceThatTimesOutByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := campaign.ProfileSourceFunc(func(ctx context.Context, _ string) (campaign.Profile, error) {
			asked.Add(1)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-ctx.Done()
			return campaign.Profile{}, fmt.Errorf("database: %w", ctx.Err())
		})
		engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: source}, asksProfile())
		start := time.Now()
		var visiting sync.WaitGroup
		for range 20 {
			visiting.Go(func() {
				outcomes, err := engine.Visit(t.Context(), visitBy("p"))
				if err != nil || len(outcomes) != 1 || outcomes[0].Reason != campaign.ReasonProfileFailed {
					t.Errorf("Visit = %v, %v, want that the source failed", outcomes, err)
				}
			})
		}
		visiting.Wait()
		if n, took := asked.Load(), time.Since(start); n != 1 || took != time.Second {
			t.Errorf("the source was asked %d times in %v, want once, in a second", n, took)
		}
		closeEngine(t, engine)
	})
}

// For a visit whose context is over, nobody asks once the other's time is over.
func TestNoQuestionForAVisitThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := waits(&asked)
		engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: source, RunTimeout: 10 * time.Second}, asksProfile())
		go engine.Visit(t.Context(), visitBy("p"))
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := engine.Visit(ctx, visitBy("p")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := asked.Load(); n != 1 {
			t.Errorf("the source was asked %d times, want once", n)
		}
		closeEngine(t, engine)
	})
}

// A run whose time is over does not blame a source that was as slow.
func TestTimesOfTheRunAndTheSourceEndAtOnce(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			source := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				time.Sleep(1500 * time.Millisecond)
				return campaign.Profile{}, nil
			})
			engine := newEngine(t, accepting, &campaign.EngineOptions{RunTimeout: time.Second, Profiles: source}, asksProfile())
			outcomes, err := engine.Visit(t.Context(), visitBy("p"))
			if err != nil || len(outcomes) != 1 || outcomes[0].Reason != campaign.ReasonCancelled {
				t.Fatalf("Visit = %v, %v, want it cancelled", outcomes, err)
			}
			closeEngine(t, engine)
		})
	}
}

// Two visits wait for one answer, and the one that asked gives up: Close still
// waits for the source, and its late answer goes to the other.
func TestCloseWaitsForTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		profiles := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			time.Sleep(10 * time.Second)
			return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
		})
		var told listener
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: profiles, Observer: &told}, byCountry("nl", "NL"))
		begun := time.Now()
		for _, patience := range []time.Duration{time.Second, time.Minute} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			go func() {
				defer cancel()
				if _, err := engine.Visit(ctx, visitBy("p-1")); err != nil {
					t.Errorf("Visit: %v", err)
				}
			}()
			synctest.Wait()
		}
		closeEngine(t, engine)
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("Close took %v, want 10s, as the source", took)
		}
		if s := engine.Stats(); s.Delivered != 1 || s.Failed != 1 {
			t.Errorf("Stats = %+v, want one delivered and one failed", s)
		}
	})
}

// A visit with all that is known of its profile asks nobody, and what it lacks is
// missing.
func TestCompleteProfile(t *testing.T) {
	var asked source
	asked.answer = func(context.Context, string) (campaign.Profile, error) {
		return campaign.Profile{Fields: map[string]any{"country": "NL", "tier": "gold"}}, nil
	}
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, &campaign.EngineOptions{Profiles: &asked}, byCountry("nl", "NL"), asksProfile())
	v := visitBy("p")
	v.Profile.Complete = true
	for _, test := range []struct {
		country any
		want    []string
	}{{nil, []string{"c"}}, {"BE", []string{"c"}}, {"NL", []string{"c", "nl"}}} {
		sender.Reset()
		v.Profile.ID += "x" // in no cooldown
		v.Profile.Fields = map[string]any{"email": "ann@example.org"}
		if test.country != nil {
			v.Profile.Fields["country"] = test.country
		}
		for _, x := range engine.Explain(v) {
			if want := slices.Contains(test.want, x.Campaign); (x.Reason == campaign.ReasonStarts) != want || !want && x.Reason != campaign.ReasonCondition {
				t.Errorf("Explain of %v in %s says %s, want it sure", test.country, x.Campaign, x.Reason)
			}
		}
		if _, err := engine.Visit(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range sender.Requests() {
			got = append(got, r.Campaign)
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("campaigns for the country %v (-want +got):\n%s", test.country, diff)
		}
	}
	if len(asked.asked) != 0 {
		t.Errorf("the source was asked for %v, want nothing", asked.asked)
	}
}

// waits is a source that counts how often it is asked, and waits for ever.
func waits(asked *atomic.Int32) campaign.ProfileSource {
	return campaign.ProfileSourceFunc(func(ctx context.Context, _ string) (campaign.Profile, error) {
		asked.Add(1)
		<-ctx.Done()
		return campaign.Profile{}, ctx.Err()
	})
}

// A source counts how often it is asked for whom.
type source struct {
	mu     sync.Mutex
	asked  map[string]int
	answer func(ctx context.Context, id string) (campaign.Profile, error)
}

func (s *source) Profile(ctx context.Context, id string) (campaign.Profile, error) {
	s.mu.Lock()
	if s.asked == nil {
		s.asked = make(map[string]int)
	}
	s.asked[id]++
	s.mu.Unlock()
	return s.answer(ctx, id)
}

// byCountry is a campaign for a page that asks for a country, which the visits
// of these tests do not carry.
func byCountry(id, country string) campaign.Campaign {
	c := everyPage(id, 1, campaign.Stop{})
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.All{campaign.PagePath.StartsWith("/shoes/"), campaign.ProfileField("country").Equals(country)}}
	return c
}

func TestProfileSourceIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{answer: func(context.Context, string) (campaign.Profile, error) {
			time.Sleep(time.Second)
			return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
		}}
		var told listener
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: s, Observer: &told},
			byCountry("nl", "NL"), byCountry("nl-too", "NL"), byCountry("be", "BE"))
		defer closeEngine(t, engine)

		// By Visit, twice at the same time: one question for six campaigns.
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				outcomes, err := engine.Visit(t.Context(), visitBy("p-1"))
				if err != nil || len(outcomes) != 2 {
					t.Errorf("Visit = %v, %v, want the two campaigns whose condition held", outcomes, err)
				}
			})
		}
		wg.Wait()
		// By Enqueue, which does not wait for it.
		start := time.Now()
		for range 2 {
			outcomes, err := engine.Enqueue(t.Context(), visitBy("p-2"))
			if err != nil || len(outcomes) != 3 {
				t.Errorf("Enqueue = %v, %v, want three that are queued", outcomes, err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Enqueue took %v: it waited for the source", took)
		}
		time.Sleep(time.Minute)
		// Not at all: for somebody outside of the audience, for a page that does
		// not match, and for a visit that carries the field.
		anonymous, elsewhere, complete := visitBy("p-3"), visitBy("p-3"), visitBy("p-3")
		anonymous.Profile.Known = false
		elsewhere.URL = "/hats/1"
		complete.Profile.Fields["country"] = "FR"
		for _, v := range []campaign.PageVisit{anonymous, elsewhere, complete} {
			if _, err := engine.Visit(t.Context(), v); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"p-1": 1, "p-2": 1}, s.asked); diff != "" {
			t.Errorf("how often the source was asked (-want +got):\n%s", diff)
		}
		if got := engine.Stats(); got.Delivered != 4 || got.CoolingDown != 4 || got.ConditionNotMet != 2 {
			t.Errorf("Stats = %+v, want 4 delivered, 4 cooling down, and 2 whose condition was not met", got)
		}
	})
}

// No cooldown begins without the source's answer.
func TestProfileSourceFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fail   func() error
		reason campaign.Reason
	}{
		{"an error", func() error { return errors.New("away") }, campaign.ReasonProfileFailed},
		{"a panic", func() error { panic("canary-7") }, campaign.ReasonPanicked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				s := &source{answer: func(context.Context, string) (campaign.Profile, error) {
					if broken.Load() {
						return campaign.Profile{}, tt.fail()
					}
					return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
				}}
				var told listener
				engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: s, Observer: &told}, byCountry("nl", "NL"))
				defer closeEngine(t, engine)
				broken.Store(true)
				out := visit(t, engine, visitBy("p-1"))
				if out.Status != campaign.Failed || out.Reason != tt.reason || out.Err == nil || strings.Contains(out.Err.Error(), "canary") {
					t.Errorf("Visit = %+v, want failed as %s", out, tt.reason)
				}
				enqueue(t, engine, visitBy("p-1"))
				synctest.Wait()
				broken.Store(false)
				if out := visit(t, engine, visitBy("p-1")); out.Status != campaign.Delivered {
					t.Errorf("Visit once the source is well = %+v, want delivered: no cooldown had begun", out)
				}
				want := []campaign.Status{campaign.Failed, campaign.Queued, campaign.Failed, campaign.Delivered}
				if diff := cmp.Diff(want, told.about("p-1")); diff != "" {
					t.Errorf("what the Observer was told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Campaigns that ask for two fields which only the ProfileSource knows are found among
// many: what the visit carries decides nothing.
func TestProfileSourceKnowsBothFields(t *testing.T) {
	source := campaign.ProfileSourceFunc(func(_ context.Context, id string) (campaign.Profile, error) {
		return campaign.Profile{ID: id, Known: true, Fields: map[string]any{"country": "NL", "tier": "gold"}}, nil
	})
	var campaigns []campaign.Campaign
	for i := range 30 {
		c := byCountry(fmt.Sprint("c-", i), "NL")
		c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.All{
			campaign.PagePath.StartsWith("/shoes/"),
			campaign.ProfileField("country").Equals("NL"), campaign.ProfileField("tier").Equals("gold"),
		}}
		campaigns = append(campaigns, c)
	}
	engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: source}, campaigns...)
	outcomes, err := engine.Visit(t.Context(), visitBy("p"))
	if err != nil || len(outcomes) != len(campaigns) {
		t.Errorf("%d campaigns started, %v; want %d", len(outcomes), err, len(campaigns))
	}
}

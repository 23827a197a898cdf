package campaign_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

package campaign_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// An exitingHandler is a slog.Handler that ends the goroutine.
type exitingHandler struct{ badHandler }

func (exitingHandler) Handle(context.Context, slog.Record) error {
	runtime.Goexit()
	return nil
}

// An exitingValue ends the goroutine when it is rendered.
type exitingValue struct{}

func (exitingValue) MarshalJSON() ([]byte, error) {
	runtime.Goexit()
	return nil, nil
}

// Host code ends the goroutine, as t.FailNow in it does, in every place where the
// engine calls it: that is told, and counted, as a panic there is.
func TestGoexit(t *testing.T) {
	exit := func() error {
		runtime.Goexit()
		return nil
	}
	deliver := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })
	reject := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return nil, &campaign.DeliveryError{Verdict: campaign.Rejected}
	})
	tests := []struct {
		name    string
		sender  campaign.Sender
		options campaign.EngineOptions
		field   any // profile.country, unless it is for the source
		status  campaign.Status
		reason  campaign.Reason
	}{
		{"Sender", campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, exit() }), campaign.EngineOptions{}, "NL", campaign.Failed, campaign.ReasonPanicked},
		{"Tracker.Enter", deliver, campaign.EngineOptions{Tracker: &brokenTracker{enter: exit}}, "NL", campaign.Failed, campaign.ReasonPanicked},
		{"Tracker.Reopen", reject, campaign.EngineOptions{Tracker: &brokenTracker{reopen: exit}}, "NL", campaign.Failed, campaign.ReasonRejected},
		{"ProfileSource", deliver, campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			return campaign.Profile{}, exit()
		})}, nil, campaign.Failed, campaign.ReasonPanicked},
		{"Observer", deliver, campaign.EngineOptions{}, "NL", campaign.Delivered, ""},
		{"Logger", deliver, campaign.EngineOptions{Logger: slog.New(exitingHandler{})}, "NL", campaign.Delivered, ""},
		{"a value of the visit", deliver, campaign.EngineOptions{}, exitingValue{}, campaign.Failed, campaign.ReasonPanicked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told listener
				tt.options.Observer = campaign.ObserverFunc(func(ctx context.Context, o campaign.Outcome) {
					told.Observe(ctx, o)
					if tt.name == "Observer" {
						runtime.Goexit()
					}
				})
				c := byCountry("nl", "NL")
				if tt.field == (exitingValue{}) {
					c = everyPage("nl", 1, campaign.Stop{})
					c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("country")}}
				}
				engine := newEngine(t, tt.sender, &tt.options, c)
				v := visitBy("p-1")
				if tt.field != nil {
					v.Profile.Fields["country"] = tt.field
				}
				done := make(chan struct{})
				go func() { // ends with Visit's goroutine
					defer close(done)
					_, _ = engine.Visit(t.Context(), v)
				}()
				<-done
				closeEngine(t, engine)
				if len(told.told) != 1 {
					t.Fatalf("the Observer was told %v, want one outcome", told.told)
				}
				out := told.told[0]
				if out.Status != tt.status || out.Reason != tt.reason {
					t.Errorf("the Observer was told %+v, want %s, %q", out, tt.status, tt.reason)
				}
				if failed := out.Status == campaign.Failed; failed && !strings.Contains(out.Err.Error(), "Goexit") {
					t.Errorf("the error is %q, want one that speaks of Goexit", out.Err)
				}
				if s := engine.Stats(); s.Panics != 1 {
					t.Errorf("Stats.Panics = %d, want 1", s.Panics)
				}
			})
		})
	}
}

// The Observer ends the goroutine when it is told of the second campaign, before
// the first one has begun. Its run ends because of that, not because of Close.
func TestGoexitBeforeARunHasBegun(t *testing.T) {
	var told listener
	var tracker campaign.MemoryTracker
	observer := campaign.ObserverFunc(func(ctx context.Context, o campaign.Outcome) {
		told.Observe(ctx, o)
		if o.Campaign == "second" {
			runtime.Goexit()
		}
	})
	second := everyPage("second", 1, campaign.Stop{})
	second.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("nothing").Required()}}
	engine := newEngine(t, slow(0), &campaign.EngineOptions{Observer: observer, Tracker: &tracker}, everyPage("first", 1, campaign.Stop{}), second)
	v := visitBy("p-1")
	v.Time = time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = engine.Visit(t.Context(), v)
	}()
	<-done
	if len(told.told) != 2 {
		t.Fatalf("the Observer was told %v, want two outcomes", told.told)
	}
	out := told.told[1]
	if out.Campaign != "first" || out.Reason != campaign.ReasonPanicked || errors.Is(out.Err, campaign.ErrClosed) || !strings.Contains(out.Err.Error(), "Goexit") {
		t.Errorf("the Observer was told %v: %v, want the first campaign failed, and why", out, out.Err)
	}
	if until, _ := tracker.Until("first", "p-1", v.Time); until.After(v.Time.Add(time.Minute)) {
		t.Errorf("the profile is left alone until %v, want a minute: nothing was sent", until)
	}
	if s := engine.Stats(); s.Failures.Closed != 0 || s.Failures.Panicked != 1 {
		t.Errorf("Stats = %+v, want one failure by the host's code, and none by Close", s)
	}
	closeEngine(t, engine)
}

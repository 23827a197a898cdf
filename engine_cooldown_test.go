package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

func TestCooldownRules(t *testing.T) {
	start := shoeVisit().Time
	at := func(d time.Duration) campaign.PageVisit {
		v := shoeVisit()
		v.Time = start.Add(d)
		return v
	}
	const day = 24 * time.Hour
	type step struct {
		at   time.Duration
		want campaign.Status
	}
	tests := []struct {
		name  string
		stop  campaign.Stop
		steps []step
	}{
		{"the default is 24 hours", campaign.Stop{}, []step{{0, campaign.Delivered}, {day - time.Millisecond, campaign.CoolingDown}, {day, campaign.Delivered}}},
		{"open at exactly the end", campaign.Stop{RestartTimeout: time.Hour}, []step{{0, campaign.Delivered}, {time.Hour - time.Millisecond, campaign.CoolingDown}, {time.Hour, campaign.Delivered}}},
		{"visits in the cooldown do not lengthen it", campaign.Stop{RestartTimeout: time.Hour}, []step{{0, campaign.Delivered}, {59 * time.Minute, campaign.CoolingDown}, {time.Hour, campaign.Delivered}}},
		{"a visit older than the run is held too", campaign.Stop{RestartTimeout: time.Hour}, []step{{0, campaign.Delivered}, {-5 * time.Second, campaign.CoolingDown}, {-365 * day, campaign.CoolingDown}}},
		{"never", campaign.Stop{RestartTimeout: campaign.Never}, []step{{0, campaign.Delivered}, {250 * 365 * day, campaign.CoolingDown}}},
		{"immediately", campaign.Stop{RestartTimeout: campaign.Immediately}, []step{{0, campaign.Delivered}, {0, campaign.Delivered}, {-time.Hour, campaign.Delivered}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tracker campaign.MemoryTracker
			for i, s := range tt.steps {
				if s.at > day { // beyond what the engine lets a visit be ahead
					e := campaign.Entry{Campaign: "c", Profile: "p-1", Time: at(s.at).Time, Timeout: tt.stop.RestartTimeout}
					_, entered, err := tracker.Enter(t.Context(), e)
					if err != nil || entered != (s.want == campaign.Delivered) {
						t.Errorf("step %d: Enter = %v, %v, want %s", i, entered, err, s.want)
					}
					continue
				}
				engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Tracker: &tracker}, everyPage("c", 1, tt.stop))
				if got := visit(t, engine, at(s.at)).Status; got != s.want {
					t.Errorf("step %d, a visit at %v: %s, want %s", i, s.at, got, s.want)
				}
			}
		})
	}
}

// What a failure does to the cooldown: given back when surely nothing was
// delivered, kept when something was or may have been.
func TestFailureAndCooldown(t *testing.T) {
	deliver := campaigntest.Deliver(200)
	answerWith := func(err error) campaign.SenderFunc {
		return func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, err }
	}
	status := func(code int) campaign.SenderFunc {
		return func(context.Context, *campaign.Request) (*campaign.Response, error) {
			return &campaign.Response{Status: code}, nil
		}
	}
	const week = 7 * 24 * time.Hour
	tests := []struct {
		name       string
		answers    []campaign.SenderFunc
		stop       campaign.Stop
		deliveries int
		closed     time.Duration // from the visit on
	}{
		{"rejected", []campaign.SenderFunc{campaigntest.Reject(500)}, campaign.Stop{RestartTimeout: week}, 0, time.Minute},
		{"unreachable", []campaign.SenderFunc{campaigntest.Unreachable()}, campaign.Stop{RestartTimeout: week}, 0, time.Minute},
		{"uncertain", []campaign.SenderFunc{campaigntest.Uncertain()}, campaign.Stop{RestartTimeout: week}, 0, week},
		{"an unknown error", []campaign.SenderFunc{answerWith(errors.New("odd"))}, campaign.Stop{RestartTimeout: week}, 0, week},
		{"a dial error", []campaign.SenderFunc{answerWith(fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}))}, campaign.Stop{RestartTimeout: week}, 0, time.Minute},
		{"a read error", []campaign.SenderFunc{answerWith(&net.OpError{Op: "read", Err: errors.New("reset")})}, campaign.Stop{RestartTimeout: week}, 0, week},
		{"a name that is not found", []campaign.SenderFunc{answerWith(&net.DNSError{Err: "no such host"})}, campaign.Stop{RestartTimeout: week}, 0, time.Minute},
		{"a status passed through as a success", []campaign.SenderFunc{status(500)}, campaign.Stop{RestartTimeout: week}, 0, time.Minute},
		{"504 passed through as a success", []campaign.SenderFunc{status(504)}, campaign.Stop{RestartTimeout: week}, 0, week},
		{"a panic", []campaign.SenderFunc{func(context.Context, *campaign.Request) (*campaign.Response, error) { panic("canary-7") }}, campaign.Stop{RestartTimeout: week}, 0, week},
		{"the second webhook rejected", []campaign.SenderFunc{deliver, campaigntest.Reject(400)}, campaign.Stop{RestartTimeout: week}, 1, week},
		{"a failure timeout of its own", []campaign.SenderFunc{campaigntest.Reject(500)}, campaign.Stop{RestartTimeout: week, FailureTimeout: time.Hour}, 0, time.Hour},
		{"a failure timeout beyond the restart timeout", []campaign.SenderFunc{campaigntest.Reject(500)}, campaign.Stop{RestartTimeout: time.Second}, 0, time.Second},
		{"open again immediately", []campaign.SenderFunc{campaigntest.Reject(500)}, campaign.Stop{RestartTimeout: week, FailureTimeout: campaign.Immediately}, 0, 0},
		{"never, given back", []campaign.SenderFunc{campaigntest.Reject(500)}, campaign.Stop{RestartTimeout: campaign.Never}, 0, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sender campaigntest.Recorder
			sender.Answer(tt.answers...)
			engine := newEngine(t, &sender, nil, everyPage("c", 2, tt.stop))
			v := shoeVisit()
			out := visit(t, engine, v)
			if out.Status != campaign.Failed || out.Err == nil || len(out.Deliveries) != tt.deliveries {
				t.Fatalf("Visit = %+v, want failed with %d deliveries", out, tt.deliveries)
			}
			if strings.Contains(out.Err.Error(), "canary") {
				t.Errorf("the error shows the value of a panic: %v", out.Err)
			}
			if want := 1 + tt.deliveries; out.Node != want {
				t.Errorf("Node = %d, want %d", out.Node, want)
			}
			if want := v.Time.Add(tt.closed); !out.Until.Equal(want) {
				t.Errorf("Until = %v, want %v", out.Until, want)
			}
			if tt.closed > 0 {
				v.Time = shoeVisit().Time.Add(tt.closed - time.Millisecond)
				if got := visit(t, engine, v).Status; got != campaign.CoolingDown {
					t.Errorf("a visit just before %v: %s, want cooling_down", tt.closed, got)
				}
			}
			v.Time = shoeVisit().Time.Add(tt.closed)
			if got := visit(t, engine, v).Status; got != campaign.Delivered {
				t.Errorf("a visit after %v: %s, want delivered", tt.closed, got)
			}
		})
	}
}

// A Sender makes an error with numbers that mean nothing: the verdict is uncertain
// in every respect, and nothing is taken off the attempts.
func TestDeliveryErrorOutOfRange(t *testing.T) {
	for _, verdict := range []campaign.Verdict{-1, campaign.Unreachable + 1} {
		var sender campaigntest.Recorder
		sender.Answer(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			return nil, &campaign.DeliveryError{Verdict: verdict, Attempts: -5}
		})
		engine := newEngine(t, &sender, nil, everyPage("c", 1, campaign.Stop{}))
		out := visit(t, engine, shoeVisit())
		if out.Status != campaign.Failed || out.Reason != campaign.ReasonUncertain || out.Attempts != 0 {
			t.Errorf("Visit with %v = %+v, want failed as uncertain, with no attempt", verdict, out)
		}
		if want := shoeVisit().Time.Add(24 * time.Hour); !out.Until.Equal(want) {
			t.Errorf("Until with %v = %v, want %v: what is uncertain keeps its cooldown", verdict, out.Until, want)
		}
	}
}

// The endpoint answers 500, then 200: the customer is reached after the failure
// timeout, not a week later.
func TestReachedAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sender campaigntest.Recorder
		sender.Answer(campaigntest.Reject(500))
		engine := newEngine(t, &sender, nil, runningShoes())
		v := shoeVisit()
		v.Time = time.Time{} // now
		var got []campaign.Status
		for range 3 {
			got = append(got, visit(t, engine, v).Status)
			time.Sleep(30 * time.Second)
		}
		want := []campaign.Status{campaign.Failed, campaign.CoolingDown, campaign.Delivered}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("visits 30 seconds apart (-want +got):\n%s", diff)
		}
	})
}

// A sender that gives up because the visit's context is over, with nothing
// sent: the cooldown is given back although that context is over.
func TestReopenAfterTheContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sender := campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		cancel()
		return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, First: ctx.Err()}
	})
	engine := newEngine(t, sender, nil, everyPage("c", 1, campaign.Stop{}))
	outcomes, err := engine.Visit(ctx, shoeVisit())
	if err != nil || len(outcomes) != 1 {
		t.Fatalf("Visit = %v, %v", outcomes, err)
	}
	if want := shoeVisit().Time.Add(time.Minute); !outcomes[0].Until.Equal(want) {
		t.Errorf("Until = %v, want %v", outcomes[0].Until, want)
	}
}

// A tracker that can be told to fail.
type brokenTracker struct {
	campaign.MemoryTracker
	enter, reopen func() error
}

func (b *brokenTracker) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	if b.enter != nil {
		if err := b.enter(); err != nil {
			return time.Time{}, true, err
		}
	}
	return b.MemoryTracker.Enter(ctx, e)
}

func (b *brokenTracker) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if b.reopen != nil {
		if err := b.reopen(); err != nil {
			return err
		}
	}
	return b.MemoryTracker.Reopen(ctx, e, until)
}

func TestBrokenTracker(t *testing.T) {
	broken := errors.New("broken")
	t.Run("Enter fails", func(t *testing.T) {
		var sender campaigntest.Recorder
		engine := newEngine(t, &sender, &campaign.EngineOptions{Tracker: &brokenTracker{enter: func() error { return broken }}}, runningShoes())
		out := visit(t, engine, shoeVisit())
		if out.Status != campaign.Failed || !errors.Is(out.Err, broken) || len(sender.Requests()) != 0 {
			t.Errorf("Visit = %+v with %d requests, want failed and nothing sent", out, len(sender.Requests()))
		}
	})
	t.Run("Enter panics", func(t *testing.T) {
		var sender campaigntest.Recorder
		engine := newEngine(t, &sender, &campaign.EngineOptions{Tracker: &brokenTracker{enter: func() error { panic(broken) }}}, runningShoes())
		out := visit(t, engine, shoeVisit())
		if out.Status != campaign.Failed || !strings.Contains(out.Err.Error(), "panic in Tracker.Enter") || len(sender.Requests()) != 0 {
			t.Errorf("Visit = %+v with %d requests, want failed and nothing sent", out, len(sender.Requests()))
		}
	})
	t.Run("Reopen fails", func(t *testing.T) {
		var sender campaigntest.Recorder
		sender.Answer(campaigntest.Reject(500))
		engine := newEngine(t, &sender, &campaign.EngineOptions{Tracker: &brokenTracker{reopen: func() error { return broken }}}, runningShoes())
		out := visit(t, engine, shoeVisit())
		if _, ok := errors.AsType[*campaign.DeliveryError](out.Err); !ok || !errors.Is(out.Err, broken) {
			t.Errorf("Err = %v, want both the delivery's and the tracker's", out.Err)
		}
		if want := shoeVisit().Time.Add(7 * 24 * time.Hour); !out.Until.Equal(want) {
			t.Errorf("Until = %v, want %v: the cooldown was not given back", out.Until, want)
		}
	})
}

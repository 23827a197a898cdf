package campaign_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hybridcampaign/campaign"
)

// A falseFault looks like an error of the runtime, and is the host's.
type falseFault struct{ text string }

func (f falseFault) Error() string { return f.text }
func (falseFault) RuntimeError()   {}

// A panickingFault panics once more when it is asked for its text.
type panickingFault struct{}

func (*panickingFault) Error() string { panic("canary-7") }
func (*panickingFault) RuntimeError() {}

// An embeddedFault has the methods of the error of the runtime within.
type embeddedFault struct {
	fault
	text string
}

type fault = runtime.Error

func (f embeddedFault) Error() string { return f.text }

// A panic is told with the text of what the runtime says, and of anything else
// with the type alone: its text may hold anything, and be code that panics.
func TestWhatAPanicTells(t *testing.T) {
	var nothing map[any]int
	var list []int
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"an index", func() { _ = list[len(list)+3] }, "index out of range [3] with length 0"},
		{"a nil pointer", func() { _ = *(*int)(nil) }, "invalid memory address or nil pointer dereference"},
		{"a nil map", func() { nothing[1] = 1 }, "assignment to entry in nil map"},
		{"a key that has no hash", func() { _ = nothing[any([]int{})] }, "hash of unhashable type"},
		{"a conversion", func() { _ = any("canary-7").(int) }, "interface conversion: interface {} is string, not int"},
		{"nil", func() { panic(nil) }, "panic called with nil argument"},
		{"a text", func() { panic("canary-7") }, "a value of type string"},
		{"an error like the runtime's", func() { panic(falseFault{"canary-7"}) }, "a value of type campaign_test.falseFault"},
		{"a pointer to one", func() { panic(&falseFault{"canary-7"}) }, "a value of type *campaign_test.falseFault"},
		{"one that panics", func() { panic(&panickingFault{}) }, "a value of type *campaign_test.panickingFault"},
		{"one that is a nil pointer", func() { panic((*falseFault)(nil)) }, "a value of type *campaign_test.falseFault"},
		{"one around the runtime's", func() { panic(embeddedFault{text: "canary-7"}) }, "a value of type campaign_test.embeddedFault"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
				tt.do()
				return nil, nil
			})
			var told listener
			engine := newEngine(t, sender, &campaign.EngineOptions{Observer: &told}, everyPage("c", 1, campaign.Stop{}))
			enqueue(t, engine, visitBy("p-1"))
			closeEngine(t, engine)
			out := told.finals()["p-1"][0]
			if out.Reason != campaign.ReasonPanicked {
				t.Fatalf("the outcome is %v, want panicked", out)
			}
			for _, text := range []string{out.Err.Error(), out.String()} {
				if !strings.Contains(text, tt.want) || strings.Contains(text, "canary") {
					t.Errorf("%q, want %q, and nothing of what was passed to panic", text, tt.want)
				}
			}
		})
	}
}

// A badHandler is a slog.Handler that panics.
type badHandler struct{ inEnabled bool }

func (h badHandler) Enabled(context.Context, slog.Level) bool {
	if h.inEnabled {
		panic("canary-7")
	}
	return true
}

func (h badHandler) Handle(context.Context, slog.Record) error { panic("canary-7") }

func (h badHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h badHandler) WithGroup(string) slog.Handler { return h }

// Host code panics in every place where the engine calls it. Each time there is
// an outcome that names the place, and the engine goes on.
func TestPanics(t *testing.T) {
	canary := func() error { panic("canary-7") }
	deliver := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })
	reject := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return nil, &campaign.DeliveryError{Verdict: campaign.Rejected}
	})
	tests := []struct {
		name    string
		sender  campaign.Sender
		options campaign.EngineOptions
		where   string
		status  campaign.Status
		reason  campaign.Reason
	}{
		{
			"Sender", campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, canary() }),
			campaign.EngineOptions{},
			"Sender.Send", campaign.Failed, campaign.ReasonPanicked,
		},
		{"Tracker.Enter", deliver, campaign.EngineOptions{Tracker: &brokenTracker{enter: canary}}, "Tracker.Enter", campaign.Failed, campaign.ReasonPanicked},
		{"Tracker.Reopen", reject, campaign.EngineOptions{Tracker: &brokenTracker{reopen: canary}}, "Tracker.Reopen", campaign.Failed, campaign.ReasonRejected},
		{"Observer", deliver, campaign.EngineOptions{Observer: campaign.ObserverFunc(func(context.Context, campaign.Outcome) { _ = canary() })}, "Observer.Observe", campaign.Delivered, ""},
		{"Handler.Handle", deliver, campaign.EngineOptions{Logger: slog.New(badHandler{})}, "the Logger", campaign.Delivered, ""},
		{"Handler.Enabled", deliver, campaign.EngineOptions{Logger: slog.New(badHandler{inEnabled: true})}, "the Logger", campaign.Delivered, ""},
		{"MaskProfile", deliver, campaign.EngineOptions{Logger: slog.New(slog.NewTextHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelDebug})), MaskProfile: func(string) string { panic("canary-7") }}, "the Logger", campaign.Delivered, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine := newEngine(t, tt.sender, &tt.options, runningShoes())
				defer closeEngine(t, engine)
				for i := range 3 { // after a panic as before
					out := visit(t, engine, visitBy(strconv.Itoa(i)))
					if out.Status != tt.status || out.Reason != tt.reason || out.Err == nil {
						t.Fatalf("Visit = %+v, want %s, %q, and an error", out, tt.status, tt.reason)
					}
					text := out.Err.Error()
					if !strings.Contains(text, "panic in "+tt.where) || !strings.Contains(text, "campaign_test.") || strings.Contains(text, "canary") {
						t.Errorf("the error is %q, want the place, the head of the stack, and not what was passed to panic", text)
					}
				}
				before := engine.Stats()
				if before.Panics < 3 {
					t.Errorf("Stats.Panics = %d, want at least 3", before.Panics)
				}
				for i := range 3 {
					enqueue(t, engine, visitBy("q"+strconv.Itoa(i)))
				}
				synctest.Wait()
				s := engine.Stats()
				if ended := s.Delivered + s.Failed - before.Delivered - before.Failed; ended != 3 || s.Panics < before.Panics+3 {
					t.Errorf("Stats after three more through Enqueue = %+v, want three more ends and three more panics", s)
				}
			})
		})
	}
}

// A hostError is an error with methods that panic when it is a nil pointer, as
// most do: the mistake of returning a typed nil.
type hostError struct{ cause error }

func (e *hostError) Error() string { return e.cause.Error() }

func (e *hostError) Unwrap() error { return e.cause }

// The methods of an error are host code too.
func TestErrorsThatPanic(t *testing.T) {
	deliver := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })
	reject := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return nil, &campaign.DeliveryError{Verdict: campaign.Rejected}
	})
	for name, err := range map[string]error{"an error of the host's": (*hostError)(nil), "a DeliveryError": (*campaign.DeliveryError)(nil)} {
		failing := func() error { return err }
		tests := []struct {
			name    string
			sender  campaign.Sender
			options campaign.EngineOptions
			reason  campaign.Reason
		}{
			{"Sender", campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, err }), campaign.EngineOptions{}, campaign.ReasonPanicked},
			{"Tracker.Enter", deliver, campaign.EngineOptions{Tracker: &brokenTracker{enter: failing}}, campaign.ReasonPanicked},
			{"Tracker.Reopen", reject, campaign.EngineOptions{Tracker: &brokenTracker{reopen: failing}}, campaign.ReasonRejected},
			{"ProfileSource", deliver, campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				return campaign.Profile{}, err
			})}, campaign.ReasonPanicked},
		}
		for _, tt := range tests {
			t.Run(name+" by "+tt.name, func(t *testing.T) {
				tt.options.Logger = slog.New(slog.NewTextHandler(new(bytes.Buffer), nil))
				engine := newEngine(t, tt.sender, &tt.options, byCountry("nl", "NL"))
				v := visitBy("p-1")
				if tt.options.Profiles == nil {
					v.Profile.Fields["country"] = "NL"
				}
				if out := visit(t, engine, v); out.Status != campaign.Failed || out.Reason != tt.reason || out.Err == nil || !strings.Contains(out.Err.Error(), "panic in ") {
					t.Errorf("Visit = %+v, want failed as %s, with the panic", out, tt.reason)
				}
				v.Profile.ID = "p-2"
				enqueue(t, engine, v)
				closeEngine(t, engine)
			})
		}
	}
}

// So are those of the cause that a caller ends its context with.
func TestCauseThatPanics(t *testing.T) {
	for _, answer := range []error{nil, errors.New("cancelled")} {
		ctx, cancel := context.WithCancelCause(t.Context())
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			cancel((*hostError)(nil))
			return nil, answer
		})
		engine := newEngine(t, sender, nil, everyPage("a", 2, campaign.Stop{}))
		outcomes, err := engine.Visit(ctx, visitBy("p-1"))
		if err != nil || len(outcomes) != 1 || outcomes[0].Status != campaign.Failed || errors.Is(outcomes[0].Err, campaign.ErrClosed) {
			t.Errorf("Visit = %v, %v, want failed, and not by Close", outcomes, err)
		}
		closeEngine(t, engine)
	}
}

package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// finals returns what was told but queued, by profile.
func (l *listener) finals() map[string][]campaign.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string][]campaign.Outcome)
	for _, o := range l.told {
		if o.Status != campaign.Queued {
			all[o.Profile] = append(all[o.Profile], o)
		}
	}
	return all
}

// checkTold checks that each of the runs was told once, and that those whose
// cooldown was not given back say so. It returns how many these are.
func checkTold(t *testing.T, runs []campaign.UnfinishedRun, told map[string][]campaign.Outcome, tracker *campaign.MemoryTracker, begun time.Time) int {
	t.Helper()
	late := 0
	for _, r := range runs {
		outs := told[r.Profile]
		if len(outs) != 1 {
			t.Errorf("Close names %s, of which %d ends were told: %v", r.Profile, len(outs), outs)
			continue
		}
		if outs[0].Status != campaign.Failed || !errors.Is(outs[0].Err, campaign.ErrClosed) {
			t.Errorf("%s was told as %v, want failed, and ErrClosed", r.Profile, outs[0])
		}
		if r.MaybeSent {
			continue
		}
		says := strings.Contains(outs[0].Err.Error(), "could not be given back in time")
		until, _ := tracker.Until(r.Campaign, r.Profile, begun)
		if kept := until.Equal(begun.Add(24 * time.Hour)); kept != says || kept != outs[0].Until.Equal(until) && kept {
			t.Errorf("%s is left alone until %v, and was told as %v", r.Profile, until, outs[0])
		}
		if says {
			late++
		}
	}
	return late
}

// A Tracker takes its time for each cooldown that it takes back, more than Close
// has. The Observer hears of each run all the same before Close returns, once,
// and of what became of its cooldown.
func TestCloseWithASlowTracker(t *testing.T) {
	for _, tt := range []struct {
		reopen time.Duration
		late   int // of a thousand that wait, sixteen at a time, in 1.1 seconds
	}{
		{0, 0},
		{60 * time.Millisecond, 1000 - 18*16},
		{10 * time.Second, 1000},
	} {
		t.Run(tt.reopen.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told listener
				tracker := &brokenTracker{reopen: func() error {
					time.Sleep(tt.reopen)
					return nil
				}}
				engine := newEngine(t, slow(time.Hour), &campaign.EngineOptions{Workers: 2, QueueSize: 1000, Observer: &told, Tracker: tracker}, everyPage("c", 1, campaign.Stop{}))
				begun := time.Now()
				for i := range 1002 {
					enqueue(t, engine, visitBy(fmt.Sprint("p-", i)))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
				if took := time.Since(begun); took > 2200*time.Millisecond {
					t.Errorf("Close with one second took %v", took)
				}
				if !ok || len(failed.Runs) != 1002 {
					t.Fatalf("Close = %v, want 1002 unfinished runs", failed)
				}
				late := checkTold(t, failed.Runs, told.finals(), &tracker.MemoryTracker, begun)
				if late != tt.late {
					t.Errorf("%d cooldowns were not given back in time, want %d", late, tt.late)
				}
				// What was late is done behind Close, as far as the Tracker does it
				// in five seconds, and told to nobody again.
				closeEngine(t, engine)
				for profile, outs := range told.finals() {
					if len(outs) != 1 {
						t.Errorf("%s was told %d times: %v", profile, len(outs), outs)
					}
				}
				for _, r := range failed.Runs {
					until, _ := tracker.Until(r.Campaign, r.Profile, begun)
					if back := until.Equal(begun.Add(time.Minute)); !r.MaybeSent && back != (tt.reopen < 5*time.Second) {
						t.Errorf("%s is left alone until %v once all is done", r.Profile, until)
					}
				}
				if s := engine.Stats(); s.Failed != 1002 || s.Queued != 1002 || s.Failures.Closed != 1000 || s.Waiting+s.Running+s.Workers != 0 {
					t.Errorf("Stats = %+v, want 1002 failed, 1000 of them by Close, and nothing left", s)
				}
			})
		})
	}
}

// A run under way was rejected, and the Tracker has not taken its cooldown back
// when Close returns: Close tells why it failed, and that the cooldown is kept.
func TestCloseWhileACooldownIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		tracker := &brokenTracker{reopen: func() error {
			time.Sleep(time.Minute)
			return nil
		}}
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			return nil, &campaign.DeliveryError{Verdict: campaign.Rejected, Status: 500, Attempts: 3}
		})
		engine := newEngine(t, sender, &campaign.EngineOptions{Observer: &told, Tracker: tracker}, everyPage("c", 1, campaign.Stop{}))
		begun := time.Now()
		enqueue(t, engine, visitBy("p-1"))
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
				if !ok || len(failed.Runs) != 1 || failed.Runs[0] != (campaign.UnfinishedRun{Campaign: "c", Profile: "p-1", Node: 1}) {
					t.Errorf("Close = %+v, want the run, of which nothing was sent", failed)
					return
				}
				if n := checkTold(t, failed.Runs, told.finals(), &tracker.MemoryTracker, begun); n != 1 {
					t.Errorf("%d cooldowns were not given back in time, want 1", n)
				}
			})
		}
		callers.Wait()
		if out := told.finals()["p-1"][0]; out.Reason != campaign.ReasonRejected || out.Attempts != 3 {
			t.Errorf("the Observer was told %+v, want rejected after 3 attempts", out)
		}
		closeEngine(t, engine)
		if n := len(told.finals()["p-1"]); n != 1 {
			t.Errorf("the Observer was told %d ends, want 1", n)
		}
	})
}

// A second call of Close comes while the first one waits for the Tracker: each
// run is told once, and not before its Tracker has had the time that it has.
func TestCloseTwiceWithASlowTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		tracker := &brokenTracker{reopen: func() error {
			time.Sleep(900 * time.Millisecond)
			return nil
		}}
		engine := newEngine(t, slow(time.Hour), &campaign.EngineOptions{Workers: 1, Observer: &told, Tracker: tracker}, everyPage("c", 1, campaign.Stop{}))
		begun := time.Now()
		for i := range 12 {
			enqueue(t, engine, visitBy(fmt.Sprint("p-", i)))
		}
		var callers sync.WaitGroup
		for i := range 2 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+i)*100*time.Millisecond)
				defer cancel()
				failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
				if !ok || len(failed.Runs) < 11 {
					t.Errorf("Close = %v, want the runs named", failed)
					return
				}
				if n := checkTold(t, failed.Runs, told.finals(), &tracker.MemoryTracker, begun); n != 0 {
					t.Errorf("%d cooldowns were not given back in time, want none", n)
				}
			})
		}
		callers.Wait()
		closeEngine(t, engine)
	})
}

// A Visit has one run ready and waits for the Tracker on behalf of the next, when
// Close gives up on it; and then the Tracker ends the goroutine. The run that was
// ready was told by Close, and a later call of Close must not wait for it.
func TestCloseAndThenGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		entered := 0
		release := make(chan struct{})
		tracker := &brokenTracker{enter: func() error {
			if entered++; entered == 2 {
				<-release
				runtime.Goexit()
			}
			return nil
		}}
		engine := newEngine(t, slow(time.Second), &campaign.EngineOptions{Observer: &told, Tracker: tracker}, everyPage("a", 1, campaign.Stop{}), everyPage("b", 1, campaign.Stop{}))
		begun := time.Now()
		go func() { _, _ = engine.Visit(t.Context(), visitBy("p-1")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
		if !ok || len(failed.Runs) != 1 || failed.Runs[0].MaybeSent {
			t.Errorf("Close = %+v, want the run that was ready", failed)
		}
		close(release)
		later, cancelLater := context.WithTimeout(t.Context(), time.Minute)
		defer cancelLater()
		if err := engine.Close(later); err != nil {
			t.Errorf("Close once all has returned = %v, want nil", err)
		}
		if until, _ := tracker.Until("a", "p-1", begun); !until.Equal(begun.Add(time.Minute)) {
			t.Errorf("the run that was ready is left alone until %v, want a minute", until)
		}
		if n := len(told.finals()["p-1"]); n != 2 {
			t.Errorf("the Observer was told %d ends, want 2, one for each campaign", n)
		}
	})
}

// The Sender hangs, and the Observer takes its time for the end of each run, or
// does not return any more, as one that writes into a channel that nobody reads
// at shutdown. Close waits a second for each call of the Observer, and no longer.
func TestCloseWithASlowObserver(t *testing.T) {
	for _, tt := range []struct {
		name    string
		observe time.Duration // for each end; 0 means for ever
		took    time.Duration // by Close with one second
		told    int           // of four runs, when Close returns
	}{
		{"it returns", time.Millisecond, 1104 * time.Millisecond, 4},
		{"it returns in less than a second", 900 * time.Millisecond, 4700 * time.Millisecond, 4},
		{"it never returns", 0, 2100 * time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told listener
				release := make(chan struct{})
				observer := campaign.ObserverFunc(func(ctx context.Context, o campaign.Outcome) {
					if o.Status == campaign.Queued {
						return
					}
					if time.Sleep(tt.observe); tt.observe == 0 {
						<-release
					}
					told.Observe(ctx, o)
				})
				sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
					<-release
					return nil, nil
				})
				engine := newEngine(t, sender, &campaign.EngineOptions{Observer: observer}, everyPage("c", 1, campaign.Stop{}))
				for i := range 4 {
					enqueue(t, engine, visitBy(fmt.Sprint("p-", i)))
				}
				begun := time.Now()
				var callers sync.WaitGroup
				for range 2 { // neither waits for ever, be it for the other
					callers.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
						if took := time.Since(begun); took != tt.took {
							t.Errorf("Close with one second took %v, want %v", took, tt.took)
						}
						if !ok || len(failed.Runs) != 4 {
							t.Errorf("Close = %v, want four unfinished runs", failed)
						}
						if got := len(told.finals()); got != tt.told {
							t.Errorf("the Observer has returned for %d runs when Close does, want %d", got, tt.told)
						}
					})
				}
				callers.Wait()
				close(release)
				closeEngine(t, engine)
				for profile, outs := range told.finals() {
					if len(outs) != 1 {
						t.Errorf("%s was told %d times: %v", profile, len(outs), outs)
					}
				}
				if got := len(told.finals()); got != 4 {
					t.Errorf("the Observer was told of %d runs once it returns, want 4", got)
				}
			})
		})
	}
}

// A lateHandler is a slog.Handler that takes five seconds for a queued run.
type lateHandler struct{ slog.Handler }

func (h lateHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" && a.Value.String() == string(campaign.Queued) {
			time.Sleep(5 * time.Second)
		}
		return true
	})
	return h.Handler.Handle(ctx, r)
}

// The Logger takes longer to hear that a run was queued than Close has. Its
// cooldown runs, so Close names it; and the Observer hears in order what there is
// to hear, if late.
func TestCloseWhileARunIsBeingQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		var tracker campaign.MemoryTracker
		logger := slog.New(lateHandler{slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})})
		engine := newEngine(t, slow(time.Second), &campaign.EngineOptions{Observer: &told, Tracker: &tracker, Logger: logger}, everyPage("c", 1, campaign.Stop{}))
		begun := time.Now()
		go func() {
			if out := enqueue(t, engine, visitBy("p-1")); out.Status != campaign.Queued {
				t.Errorf("Enqueue = %v, want queued", out)
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
		if took := time.Since(begun); took > 2200*time.Millisecond {
			t.Errorf("Close with one second took %v", took)
		}
		if !ok || len(failed.Runs) != 1 || failed.Runs[0] != (campaign.UnfinishedRun{Campaign: "c", Profile: "p-1"}) {
			t.Errorf("Close = %+v, want the run, of which nothing was sent", failed)
		}
		closeEngine(t, engine)
		if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Failed}, told.about("p-1")); diff != "" {
			t.Errorf("what the Observer was told (-want +got):\n%s", diff)
		}
		if until, _ := tracker.Until("c", "p-1", begun); !until.Equal(begun.Add(time.Minute)) {
			t.Errorf("the run is left alone until %v, want a minute", until)
		}
		if s := engine.Stats(); s.Queued != 1 || s.Failures.Closed != 1 || s.Waiting+s.Running != 0 {
			t.Errorf("Stats = %+v, want one queued and ended by Close", s)
		}
	})
}

// Close has reported a run of Visit that then returns: its caller is told all that
// came of it, and how long that took.
func TestVisitReturnsAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			time.Sleep(time.Minute)
			return nil, nil
		})
		engine := newEngine(t, sender, nil, everyPage("c", 1, campaign.Stop{}))
		var visits sync.WaitGroup
		visits.Go(func() {
			if out := visit(t, engine, visitBy("p-1")); out.Status != campaign.Delivered || out.Duration != time.Minute {
				t.Errorf("Visit = %v after %v, want delivered after a minute", out, out.Duration)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx)); !ok || len(failed.Runs) != 1 {
			t.Errorf("Close = %v, want the run named", failed)
		}
		visits.Wait()
		closeEngine(t, engine)
	})
}

// What Visit returns belongs to its caller at once, whatever Close still has to
// say about the run: under -race, this fails if Close looks at it.
func TestCloseWhileOutcomesAreChanged(t *testing.T) {
	for i := range 40 {
		release := make(chan struct{})
		engine := newEngine(t, campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
			if i%2 == 0 {
				<-ctx.Done()
			} else {
				<-release
			}
			return nil, errors.New("given up")
		}), nil, runningShoes())
		begun := make(chan struct{}, 8)
		var visits sync.WaitGroup
		for n := range cap(begun) {
			visits.Go(func() {
				visit := shoeVisit()
				visit.Profile.ID = fmt.Sprint("p-", n)
				begun <- struct{}{}
				outcomes, err := engine.Visit(t.Context(), visit)
				if err != nil {
					return // Close was first
				}
				for i := range outcomes {
					outcomes[i] = campaign.Outcome{Campaign: "mine", Profile: "mine", Node: 7, Err: errors.New("mine")}
				}
			})
		}
		for range cap(begun) {
			<-begun
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		go close(release)
		var unfinished *campaign.CloseError
		if err := engine.Close(ctx); errors.As(err, &unfinished) {
			for _, r := range unfinished.Runs {
				if r.Campaign == "mine" || r.Profile == "mine" || r.Node > 1 {
					t.Errorf("Close names %+v, which its caller has made of it", r)
				}
			}
		}
		visits.Wait()
	}
}

// Close ends a run whose worker waits for the Tracker: that is Close's doing, and
// Close names it.
func TestClosedInTheTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		profiles := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
		})
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: profiles, Observer: &told, Tracker: waitingTracker{}}, byCountry("nl", "NL"))
		enqueue(t, engine, visitBy("p-1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
		if !ok || len(failed.Runs) != 1 || failed.Runs[0].MaybeSent {
			t.Errorf("Close = %v, want the run, of which nothing was sent", failed)
		}
		if out := told.finals()["p-1"][0]; out.Reason != campaign.ReasonClosed || !errors.Is(out.Err, campaign.ErrClosed) {
			t.Errorf("the run ended as %v, want closed", out)
		}
	})
}

// A waitingTracker waits until its context is done.
type waitingTracker struct{ campaign.Tracker }

func (waitingTracker) Enter(ctx context.Context, _ campaign.Entry) (time.Time, bool, error) {
	<-ctx.Done()
	return time.Time{}, false, ctx.Err()
}

// Close finishes the queue, and then no goroutine is left: the bubble would not
// end otherwise.
func TestCloseFinishesWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		engine := newEngine(t, slow(time.Second), &campaign.EngineOptions{Workers: 4, Observer: &told}, runningShoes())
		for i := range 40 {
			enqueue(t, engine, visitBy(strconv.Itoa(i)))
		}
		start := time.Now()
		var callers sync.WaitGroup
		for range 3 { // all of them wait, and none is told of an error
			callers.Go(func() { closeEngine(t, engine) })
		}
		callers.Wait()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("Close took %v, want 10s: forty runs of a second by four workers", took)
		}
		if s := engine.Stats(); s.Delivered != 40 || s.Waiting+s.Running+s.Workers != 0 {
			t.Errorf("Stats after Close = %+v, want 40 delivered and nothing left", s)
		}
		_, visited := engine.Visit(t.Context(), visitBy("late"))
		_, enqueued := engine.Enqueue(t.Context(), visitBy("late"))
		_, tested := engine.Test(t.Context(), "running-shoes", visitBy("late"))
		for name, err := range map[string]error{"Visit": visited, "Enqueue": enqueued, "Test": tested, "Load": engine.Load()} {
			if !errors.Is(err, campaign.ErrClosed) {
				t.Errorf("%s after Close = %v, want ErrClosed", name, err)
			}
		}
		closeEngine(t, engine)
	})
}

// A Sender hangs for ever and looks at no context. Close with one second returns
// all the same, and says which runs it leaves behind.
func TestCloseWithASenderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ids := make(chan string, 1)
		sender := campaign.SenderFunc(func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
			ids <- r.ID
			<-release
			return nil, nil
		})
		var told listener
		var tracker campaign.MemoryTracker
		engine := newEngine(t, sender, &campaign.EngineOptions{Workers: 1, Observer: &told, Tracker: &tracker}, runningShoes())
		enqueue(t, engine, visitBy("sending"))
		enqueue(t, engine, visitBy("waiting"))
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := engine.Close(ctx)
		if took := time.Since(begun); took > 1100*time.Millisecond {
			t.Errorf("Close with one second took %v", took)
		}
		failed, ok := errors.AsType[*campaign.CloseError](err)
		if !ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Close = %v, want a *CloseError for the deadline", err)
		}
		want := []campaign.UnfinishedRun{
			{Campaign: "running-shoes", Profile: "sending", Node: 1, DeliveryID: <-ids, MaybeSent: true},
			{Campaign: "running-shoes", Profile: "waiting"},
		}
		if diff := cmp.Diff(want, failed.Runs); diff != "" {
			t.Errorf("CloseError.Runs (-want +got):\n%s", diff)
		}
		if text := err.Error(); !strings.Contains(text, `2 of "running-shoes"`) || strings.Contains(text, "waiting") {
			t.Errorf("Error() = %q, want the campaign's ID and no profile's", text)
		}
		for id, reason := range map[string]campaign.Reason{"sending": campaign.ReasonUncertain, "waiting": campaign.ReasonClosed} {
			if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Failed}, told.about(id)); diff != "" {
				t.Errorf("what the Observer was told of %s (-want +got):\n%s", id, diff)
			}
			last := told.told[slices.IndexFunc(told.told, func(o campaign.Outcome) bool { return o.Profile == id && o.Status == campaign.Failed })]
			if last.Reason != reason || !errors.Is(last.Err, campaign.ErrClosed) || (last.DeliveryID != "") != (id == "sending") {
				t.Errorf("%s ended as %s, %v, with the delivery ID %q, want %s and ErrClosed, and an ID if it was being sent", id, last.Reason, last.Err, last.DeliveryID, reason)
			}
		}
		// What may have been sent keeps its cooldown, what was not does not.
		for id, want := range map[string]time.Duration{"sending": 7 * 24 * time.Hour, "waiting": time.Minute} {
			if until, _ := tracker.Until("running-shoes", id, begun); !until.Equal(begun.Add(want)) {
				t.Errorf("%s is left alone until %v, want %v", id, until, begun.Add(want))
			}
		}
		close(release)
		closeEngine(t, engine)
		if n := len(told.told); n != 4 {
			t.Errorf("the Observer was told %d outcomes in all, want 4", n)
		}
	})
}

// A profile source hangs, or a Tracker does, and looks at no context: Close
// returns in time too.
func TestCloseWithOtherCodeThatHangs(t *testing.T) {
	tests := []struct {
		name    string
		options func(release chan struct{}) *campaign.EngineOptions
		want    []campaign.UnfinishedRun
		text    string
	}{
		{"ProfileSource", func(release chan struct{}) *campaign.EngineOptions {
			return &campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				<-release
				return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
			})}
		}, []campaign.UnfinishedRun{{Campaign: "nl", Profile: "p-1"}}, `1 of "nl"`},
		{"Tracker.Enter", func(release chan struct{}) *campaign.EngineOptions {
			return &campaign.EngineOptions{Tracker: &brokenTracker{enter: func() error {
				<-release
				return nil
			}}}
		}, nil, "before the host's own code had returned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var sender campaigntest.Recorder
				engine := newEngine(t, &sender, tt.options(release), byCountry("nl", "NL"))
				v := visitBy("p-1")
				if tt.want == nil {
					v.Profile.Fields["country"] = "NL"
				}
				go func() {
					if _, err := engine.Enqueue(t.Context(), v); err != nil {
						t.Errorf("Enqueue: %v", err)
					}
				}()
				synctest.Wait()
				begun := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
				if took := time.Since(begun); took > 1100*time.Millisecond {
					t.Errorf("Close with one second took %v", took)
				}
				if !ok || !strings.Contains(failed.Error(), tt.text) {
					t.Fatalf("Close = %v, want an error that says %s", failed, tt.text)
				}
				if diff := cmp.Diff(tt.want, failed.Runs); diff != "" {
					t.Errorf("CloseError.Runs (-want +got):\n%s", diff)
				}
				close(release)
				closeEngine(t, engine)
				if n := len(sender.Requests()); n != 0 {
					t.Errorf("%d requests were sent after Close had returned, want none", n)
				}
			})
		})
	}
}

// A Sender that returns when its context ends is not left behind, and its run
// says that Close ended it.
func TestCloseEndsContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), campaign.ErrClosed) {
				t.Errorf("the cause is %v, want ErrClosed", context.Cause(ctx))
			}
			return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, First: ctx.Err()}
		})
		engine := newEngine(t, sender, nil, runningShoes())
		enqueue(t, engine, visitBy("p-1"))
		done := make(chan campaign.Outcome)
		go func() { done <- visit(t, engine, visitBy("p-2")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		failed, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
		if !ok || len(failed.Runs) != 2 || failed.Runs[0].MaybeSent || failed.Runs[1].MaybeSent {
			t.Errorf("Close = %+v, want two runs, of which nothing was sent", failed)
		}
		if out := <-done; out.Status != campaign.Failed || !errors.Is(out.Err, campaign.ErrClosed) {
			t.Errorf("Visit = %+v, want failed by ErrClosed", out)
		}
	})
}

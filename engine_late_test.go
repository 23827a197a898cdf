package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// What comes late, to the queue, to a run's deadline or to Close, when code of the
// host takes its time.

// slowTracker answers late, with the cooldown begun at once or at the end.
type slowTracker struct {
	campaign.MemoryTracker
	before, after time.Duration
	reopenErr     error
}

func (s *slowTracker) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	time.Sleep(s.before)
	until, entered, err := s.MemoryTracker.Enter(ctx, e)
	time.Sleep(s.after)
	return until, entered, err
}

func (s *slowTracker) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if s.reopenErr != nil {
		return s.reopenErr
	}
	return s.MemoryTracker.Reopen(ctx, e, until)
}

var accepting = campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })

// asksProfile is a campaign that a visit does not carry enough for.
func asksProfile() campaign.Campaign {
	c := everyPage("c", 1, campaign.Stop{})
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("tier")}}
	return c
}

// The time that the Tracker takes for the other campaigns of a visit is not a run's own.
func TestRunTimeoutDoesNotCountOtherCampaigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cs []campaign.Campaign
		for i := range 40 { // more than run at the same time
			cs = append(cs, everyPage(fmt.Sprint("c", i), 1, campaign.Stop{}))
		}
		engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: &slowTracker{before: time.Second}, RunTimeout: 2500 * time.Millisecond}, cs...)
		outcomes, err := engine.Visit(t.Context(), visitBy("p"))
		if err != nil || len(outcomes) != len(cs) {
			t.Fatalf("Visit = %d outcomes, %v, want %d", len(outcomes), err, len(cs))
		}
		for _, o := range outcomes {
			if o.Status != campaign.Delivered {
				t.Errorf("%v, want it delivered", o)
			}
		}
	})
}

// No more runs wait than the queue has places, however many come at once, and
// though a worker that is done with a run is about to take the next one.
func TestQueueSizeIsABound(t *testing.T) {
	const size = 10
	engine := newEngine(t, accepting, &campaign.EngineOptions{QueueSize: size, Workers: 4}, everyPage("c", 1, campaign.Stop{}))
	var most, next atomic.Int64
	var wg sync.WaitGroup
	stop := time.Now().Add(300 * time.Millisecond)
	for range 16 {
		wg.Go(func() {
			for time.Now().Before(stop) {
				enqueue(t, engine, visitBy(fmt.Sprint(next.Add(1))))
				if waiting := int64(engine.Stats().Waiting); waiting > most.Load() {
					most.Store(waiting)
				}
			}
		})
	}
	wg.Wait()
	closeEngine(t, engine)
	if most.Load() > size {
		t.Errorf("%d runs have waited in a queue of %d", most.Load(), size)
	}
}

// A worker that is free for one campaign is not for sixteen runs of it.
func TestQueueSizeIsABoundForRunsOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			time.Sleep(30 * time.Second)
			return nil, nil
		})
		told := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(time.Millisecond) })
		engine := newEngine(t, sender, &campaign.EngineOptions{QueueSize: 1, Workers: 16, Observer: told}, onPath("one"), onPath("other"))
		for i := range 16 {
			go func() {
				v := visitBy(fmt.Sprint(i))
				v.URL = "/one"
				enqueue(t, engine, v)
			}()
		}
		time.Sleep(time.Second)
		if s := engine.Stats(); s.Waiting > 1 || s.Running != 12 {
			t.Errorf("%d runs wait in a queue of 1, and %d are under way, want at most 1, and the campaign's share of 12", s.Waiting, s.Running)
		}
		closeEngine(t, engine)
	})
}

// A run has its time from when its turn comes, whatever the decision took, and nothing
// more is sent when that is over.
func TestRunTimeoutBeginsAfterTheDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
			if err := ctx.Err(); err != nil {
				t.Errorf("Send is called with a context that is done: %v", err)
			}
			sent++
			time.Sleep(600 * time.Millisecond)
			return nil, nil
		})
		engine := newEngine(t, sender, &campaign.EngineOptions{Tracker: &slowTracker{before: time.Second}, RunTimeout: time.Second}, everyPage("c", 3, campaign.Stop{}))
		outcomes, err := engine.Visit(t.Context(), visitBy("p"))
		if err != nil || len(outcomes) != 1 || outcomes[0].Reason != campaign.ReasonCancelled || outcomes[0].Node != 3 || sent != 2 {
			t.Errorf("Visit = %v, %v after %d webhooks, want it cancelled before the third", outcomes, err, sent)
		}
	})
}

// A visit that can wait no longer for its profile does not blame the source.
func TestProfileThatNobodyWaitsFor(t *testing.T) {
	for _, closing := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				time.Sleep(time.Second)
				return campaign.Profile{}, nil
			})}, asksProfile())
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			want := campaign.ReasonCancelled
			visitCtx := ctx
			if closing {
				want, visitCtx = campaign.ReasonClosed, t.Context()
				go func() {
					time.Sleep(time.Millisecond) // the visit has begun by then
					_ = engine.Close(ctx)
				}()
			}
			outcomes, err := engine.Visit(visitCtx, visitBy("p"))
			if err != nil || len(outcomes) != 1 || outcomes[0].Reason != want || outcomes[0].Err == nil {
				t.Errorf("Visit = %v, %v, want one outcome with %s", outcomes, err, want)
			}
			if n := engine.Stats().Failures.ProfileFailed; n != 0 {
				t.Errorf("%d failures of the source are counted, want none", n)
			}
			closeEngine(t, engine)
		})
	}
}

// Close names each run that it has ended: also one that begins when Close has made
// its list, and though all returns before Close does.
func TestCloseNamesARunThatComesLate(t *testing.T) {
	for name, pass := range map[string]func(*campaign.Engine, context.Context) ([]campaign.Outcome, error){
		"Visit": func(e *campaign.Engine, ctx context.Context) ([]campaign.Outcome, error) {
			return e.Visit(ctx, visitBy("p"))
		},
		"Enqueue": func(e *campaign.Engine, ctx context.Context) ([]campaign.Outcome, error) {
			return e.Enqueue(ctx, visitBy("p"))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told listener
			engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: &slowTracker{before: 50 * time.Millisecond}, Observer: &told}, everyPage("c", 1, campaign.Stop{}))
			go func() { _, _ = pass(engine, t.Context()) }()
			time.Sleep(10 * time.Millisecond)
			for call := range 2 {
				err := engine.Close(over(t))
				closed, ok := errors.AsType[*campaign.CloseError](err)
				if err == nil && call > 0 {
					continue // nothing is left
				}
				if !ok || len(closed.Runs) != 1 || closed.Runs[0] != (campaign.UnfinishedRun{Campaign: "c", Profile: "p", Node: closed.Runs[0].Node}) {
					t.Errorf("%s: Close = %v, want it to name the run", name, err)
				}
			}
			synctest.Wait()
			if ends := told.finals()["p"]; len(ends) != 1 || !errors.Is(ends[0].Err, campaign.ErrClosed) {
				t.Errorf("%s: the Observer was told %v, want that Close has ended the run", name, ends)
			}
		})
	}
}

// A run is named that begins and ends while Close tells the host of another one.
func TestCloseNamesARunThatComesWhileItReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			<-release
			return nil, nil
		})
		slow := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(500 * time.Millisecond) })
		tracker := &slowTracker{}
		engine := newEngine(t, sender, &campaign.EngineOptions{Tracker: tracker, Observer: slow}, everyPage("c", 1, campaign.Stop{}))
		go func() { _, _ = engine.Visit(t.Context(), visitBy("hung")) }()
		synctest.Wait()
		tracker.before = 400 * time.Millisecond
		go func() { _, _ = engine.Visit(t.Context(), visitBy("late")) }()
		time.Sleep(10 * time.Millisecond)
		closed, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
		if !ok || len(closed.Runs) != 2 || closed.Runs[0].Profile != "hung" || closed.Runs[1].Profile != "late" {
			t.Errorf("Close = %v (%+v), want it to name both runs", closed, closed)
		}
		close(release)
		closeEngine(t, engine)
	})
}

// A source that is told of Close by its context has not failed, for any of the runs.
func TestCloseWhileTheSourceIsAsked(t *testing.T) {
	const runs = 500
	engine := newEngine(t, accepting, &campaign.EngineOptions{
		Workers: runs, QueueSize: runs,
		Profiles: campaign.ProfileSourceFunc(func(ctx context.Context, _ string) (campaign.Profile, error) {
			<-ctx.Done()
			return campaign.Profile{}, ctx.Err()
		}),
	}, asksProfile())
	for i := range runs {
		enqueue(t, engine, visitBy(fmt.Sprint(i)))
	}
	for engine.Stats().Running < runs {
		time.Sleep(time.Millisecond)
	}
	err := engine.Close(over(t))
	if closed, ok := errors.AsType[*campaign.CloseError](err); !ok || len(closed.Runs) != runs {
		t.Errorf("Close = %v, want it to name all %d runs", err, runs)
	}
	closeEngine(t, engine)
	if f := engine.Stats().Failures; f.ProfileFailed != 0 || f.Closed != runs {
		t.Errorf("%+v, want all %d closed, and no failure of the source", f, runs)
	}
}

// A slowContext takes its time to say that it is not done.
type slowContext struct{ context.Context }

func (c slowContext) Err() error {
	time.Sleep(4 * time.Millisecond)
	return c.Context.Err()
}

// A run that Close has ended just before it asks for the profile, and then finds an
// answer that is no more than that Close has begun, does not blame the source.
func TestCloseJustBeforeTheSourceIsAsked(t *testing.T) {
	var cs []campaign.Campaign
	for i := range 5 {
		c := asksProfile()
		c.ID = fmt.Sprint(i)
		cs = append(cs, c)
	}
	source := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) { return campaign.Profile{}, nil })
	for i := range 80 {
		engine := newEngine(t, accepting, &campaign.EngineOptions{Profiles: source}, cs...)
		var visiting sync.WaitGroup
		visiting.Go(func() { _, _ = engine.Visit(slowContext{t.Context()}, visitBy("p")) })
		time.Sleep(time.Duration(i%16) * time.Millisecond)
		_ = engine.Close(over(t))
		visiting.Wait()
		if n := engine.Stats().Failures.ProfileFailed; n != 0 {
			t.Fatalf("after %d engines, %d runs blame the source", i, n)
		}
	}
}

// A visit asks once, also for a run whose turn comes when the answer has taken too long
// for another.
func TestRunsThatWaitForOneProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := asksProfile(), asksProfile()
		first.ID, second.ID = "first", "second"
		asked := 0
		var told listener
		engine := newEngine(t, accepting, &campaign.EngineOptions{
			Workers: 1, RunTimeout: time.Second, Observer: &told,
			Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				asked++
				time.Sleep(1500 * time.Millisecond)
				return campaign.Profile{Fields: map[string]any{"tier": "gold"}}, nil
			}),
		}, first, second)
		if _, err := engine.Enqueue(t.Context(), visitBy("p")); err != nil {
			t.Fatal(err)
		}
		closeEngine(t, engine)
		finals := told.finals()["p"]
		if len(finals) != 2 || finals[0].Reason != campaign.ReasonCancelled || finals[1].Reason != campaign.ReasonProfileFailed {
			t.Fatalf("the Observer was told %v, want two outcomes: cancelled, and the source failed", finals)
		}
		if asked != 1 {
			t.Errorf("the source was asked %d times, want once", asked)
		}
	})
}

// over returns a context that is done.
func over(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Close does not name a run that has ended by itself, while the Observer hears of it.
func TestCloseNamesNoRunThatHasEnded(t *testing.T) {
	for name, answer := range map[string]error{"delivered": nil, "rejected": &campaign.DeliveryError{Verdict: campaign.Rejected, Attempts: 1}} {
		synctest.Test(t, func(t *testing.T) {
			sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, answer })
			slow := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(500 * time.Millisecond) })
			engine := newEngine(t, sender, &campaign.EngineOptions{Observer: slow}, everyPage("c", 1, campaign.Stop{}))
			go func() { _, _ = engine.Visit(t.Context(), visitBy("p")) }()
			go func() { _, _ = engine.Test(t.Context(), "c", visitBy("tester")) }()
			time.Sleep(10 * time.Millisecond)
			closed, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
			if !ok || len(closed.Runs) != 0 {
				t.Errorf("%s: Close = %v, want an error that names no run", name, closed)
			}
			closeEngine(t, engine)
		})
	}
}

// A test that the endpoint has rejected was not sent, whoever ended it.
func TestCloseOfARejectedTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
			<-ctx.Done()
			return nil, &campaign.DeliveryError{Verdict: campaign.Rejected, Attempts: 1}
		})
		slow := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(500 * time.Millisecond) })
		engine := newEngine(t, sender, &campaign.EngineOptions{Observer: slow}, everyPage("c", 1, campaign.Stop{}))
		go func() { _, _ = engine.Test(t.Context(), "c", visitBy("p")) }()
		time.Sleep(10 * time.Millisecond)
		closed, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
		if !ok || len(closed.Runs) != 1 || closed.Runs[0].MaybeSent {
			t.Errorf("Close = %v (%+v), want it to name the test as not sent", closed, closed)
		}
		closeEngine(t, engine)
	})
}

// Close cannot know whether a cooldown has begun while the Tracker has not
// answered, and says that.
func TestCloseWhileTheTrackerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &slowTracker{after: time.Second, reopenErr: errors.New("the store is away")}
		var told listener
		engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: tracker, Observer: &told, Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			return campaign.Profile{}, nil
		})}, asksProfile())
		enqueue(t, engine, visitBy("p"))
		time.Sleep(10 * time.Millisecond)
		if err := engine.Close(over(t)); err == nil {
			t.Error("Close = nil, want an error")
		}
		closeEngine(t, engine)
		if ends := told.finals()["p"]; len(ends) != 1 || !strings.Contains(ends[0].Err.Error(), "may have begun the cooldown") {
			t.Errorf("the Observer was told %v, want that a cooldown may have begun", ends)
		}
	})
}

func TestLoadAfterCloseIsErrClosed(t *testing.T) {
	engine := newEngine(t, accepting, nil)
	closeEngine(t, engine)
	if err := engine.Load(campaign.Campaign{ID: "not valid"}); err != campaign.ErrClosed {
		t.Errorf("Load after Close = %v, want ErrClosed", err)
	}
}

// A pickyError panics when it is asked whether it is the one.
type pickyError struct{ target error }

func (*pickyError) Error() string { return "picky" }

func (e *pickyError) Is(target error) bool {
	if target == e.target {
		panic("canary")
	}
	return false
}

// Errors of the host are asked all that they will be where a panic does no harm.
func TestErrorsThatPanicWhenAsked(t *testing.T) {
	for _, target := range []error{campaign.ErrClosed, context.Canceled, context.DeadlineExceeded, os.ErrNotExist, io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
				<-ctx.Done()
				return nil, &pickyError{target}
			})
			var told listener
			engine := newEngine(t, sender, &campaign.EngineOptions{Observer: &told}, everyPage("c", 1, campaign.Stop{}))
			enqueue(t, engine, visitBy("p"))
			synctest.Wait()
			_ = engine.Close(over(t))
			if ends := told.finals()["p"]; len(ends) != 1 || ends[0].Reason != campaign.ReasonPanicked {
				t.Errorf("%v: the Observer was told %v, want that it panicked", target, ends)
			}
		})
	}
}

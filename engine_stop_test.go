package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// What Close finds of calls that are on their way from one step to the next.

// countingTracker counts how often it is asked, and takes a second each time.
type countingTracker struct {
	campaign.MemoryTracker
	enters atomic.Int32
}

func (c *countingTracker) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	c.enters.Add(1)
	time.Sleep(time.Second)
	return c.MemoryTracker.Enter(ctx, e)
}

// A visit that matches many campaigns begins no cooldown any more once Close has
// given up on it, and says so of each.
func TestNoCooldownBeginsAfterClose(t *testing.T) {
	for _, name := range []string{"Visit", "Enqueue"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cs []campaign.Campaign
				for i := range 100 {
					cs = append(cs, everyPage(fmt.Sprint("c", i), 1, campaign.Stop{}))
				}
				tracker := new(countingTracker)
				engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: tracker}, cs...)
				pass := engine.Visit
				if name == "Enqueue" {
					pass = engine.Enqueue
				}
				var outcomes []campaign.Outcome
				var visiting sync.WaitGroup
				visiting.Go(func() { outcomes, _ = pass(context.Background(), visitBy("p")) })
				time.Sleep(2500 * time.Millisecond) // in the third
				if err := engine.Close(over(t)); err == nil {
					t.Error("Close = nil, want an error: the visit has not returned")
				}
				visiting.Wait()
				if n := tracker.enters.Load(); n != 3 {
					t.Errorf("the Tracker was asked %d times, want 3", n)
				}
				if len(outcomes) != 100 {
					t.Fatalf("%d outcomes, want 100", len(outcomes))
				}
				for _, o := range outcomes[3:] {
					if o.Status != campaign.Failed || o.Reason != campaign.ReasonClosed || !errors.Is(o.Err, campaign.ErrClosed) || !o.Until.IsZero() {
						t.Fatalf("outcome %v, want it to have failed because of Close", o)
					}
				}
			})
		})
	}
}

// pausingContext takes a second for each question from one on.
type pausingContext struct {
	context.Context
	pauses atomic.Bool
}

func (c *pausingContext) Err() error {
	if c.pauses.Load() {
		time.Sleep(time.Second)
	}
	return c.Context.Err()
}

// Between two webhooks nothing is being sent: the first has been delivered, and the
// second has not begun.
func TestCloseBetweenTwoWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := &pausingContext{Context: t.Context()}
		var told listener
		sent := 0
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			sent++
			ctx.pauses.Store(true)
			return nil, nil
		})
		var tracker campaign.MemoryTracker
		engine := newEngine(t, sender, &campaign.EngineOptions{Observer: &told, Tracker: &tracker}, everyPage("c", 2, campaign.Stop{}))
		visit := visitBy("p")
		go engine.Visit(ctx, visit)
		time.Sleep(10 * time.Millisecond)
		err := engine.Close(over(t))
		unfinished, ok := errors.AsType[*campaign.CloseError](err)
		if !ok || len(unfinished.Runs) != 1 {
			t.Fatalf("Close = %v, want a *CloseError with one run", err)
		}
		if r := unfinished.Runs[0]; r.Node != 2 || !r.MaybeSent {
			t.Errorf("Close names %+v, want node 2, and that something may have been sent", r)
		}
		finals := told.finals()["p"]
		if len(finals) != 1 {
			t.Fatalf("the Observer was told %v, want one outcome", finals)
		}
		o := finals[0]
		if o.Status != campaign.Failed || o.Reason != campaign.ReasonClosed || o.Node != 2 || o.Attempts != 1 || len(o.Deliveries) != 1 {
			t.Errorf("the Observer was told %v, node %d, %d attempts, deliveries %v; want closed at node 2 after one attempt and one delivery", o, o.Node, o.Attempts, o.Deliveries)
		}
		time.Sleep(10 * time.Second)
		if sent != 1 {
			t.Errorf("%d webhooks were sent, want 1", sent)
		}
		if _, closed := tracker.Until("c", "p", visit.Time); !closed {
			t.Error("the cooldown was given back, though a webhook was delivered")
		}
	})
}

// Of thousands of runs that Close reports, the Observer hears of each, even if it ends
// the goroutine for some.
func TestCloseReportsManyRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const runs = 5000
		free := make(chan struct{})
		defer close(free)
		var mu sync.Mutex
		told := make(map[string]int)
		observer := campaign.ObserverFunc(func(_ context.Context, o campaign.Outcome) {
			if o.Status == campaign.Queued {
				return
			}
			mu.Lock()
			told[o.Profile]++
			n := len(told)
			mu.Unlock()
			if n%100 == 0 || n == runs {
				runtime.Goexit()
			}
		})
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			<-free
			return nil, nil
		})
		engine := newEngine(t, sender, &campaign.EngineOptions{QueueSize: runs, Workers: runs, Observer: observer}, everyPage("c", 1, campaign.Stop{}))
		for i := range runs {
			if _, err := engine.Enqueue(t.Context(), visitBy(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		unfinished, _ := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
		if unfinished == nil || len(unfinished.Runs) != runs {
			t.Fatalf("Close names %v, want %d runs", unfinished, runs)
		}
		synctest.Wait()
		if len(told) != runs {
			t.Errorf("the Observer heard of %d runs, want %d", len(told), runs)
		}
		for id, n := range told {
			if n != 1 {
				t.Errorf("the Observer heard of %s %d times", id, n)
			}
		}
	})
}

// That the host's own context ended because another engine was closed does not make
// this one closed.
func TestClosedIsAnotherEngine(t *testing.T) {
	for name, tracker := range map[string]campaign.Tracker{"in the Sender": nil, "in the Tracker": waitingTracker{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
					cancel(campaign.ErrClosed)
					return nil, nil
				})
				engine := newEngine(t, sender, &campaign.EngineOptions{Tracker: tracker}, everyPage("c", 2, campaign.Stop{}))
				if tracker != nil { // once it waits
					time.AfterFunc(time.Millisecond, func() { cancel(campaign.ErrClosed) })
				}
				outcomes, err := engine.Visit(ctx, visitBy("p"))
				if err != nil || len(outcomes) != 1 || outcomes[0].Reason != campaign.ReasonCancelled || errors.Is(outcomes[0].Err, campaign.ErrClosed) {
					t.Errorf("Visit = %v, %v, want it cancelled, and not closed", outcomes, err)
				}
			})
		})
	}
}

// What a run does after Close has reported it changes nothing in how a second call of
// Close names it.
func TestTwoClosesNameARunAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			time.Sleep(400 * time.Millisecond)
			return nil, nil
		})
		var told []campaign.Outcome
		observer := campaign.ObserverFunc(func(_ context.Context, o campaign.Outcome) {
			told = append(told, o)
			time.Sleep(500 * time.Millisecond)
		})
		engine := newEngine(t, sender, &campaign.EngineOptions{Observer: observer}, everyPage("c", 1, campaign.Stop{}))
		go engine.Visit(t.Context(), visitBy("p"))
		time.Sleep(10 * time.Millisecond)
		var errs [2]error
		var closing sync.WaitGroup
		for i := range errs {
			closing.Go(func() { errs[i] = engine.Close(over(t)) })
		}
		closing.Wait()
		for i, err := range errs {
			unfinished, _ := errors.AsType[*campaign.CloseError](err)
			if unfinished == nil || len(unfinished.Runs) != 1 {
				t.Fatalf("Close %d = %v, want one run named", i, err)
			}
			if u := unfinished.Runs[0]; u.Node != told[0].Node || u.DeliveryID != told[0].DeliveryID || u.DeliveryID == "" || !u.MaybeSent {
				t.Errorf("Close %d names %+v, and the Observer was told node %d and %q", i, u, told[0].Node, told[0].DeliveryID)
			}
		}
	})
}

// Close that keeps a visit from starting a campaign has not finished all that was taken.
func TestCloseThatCutsAVisitShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		observer := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(50 * time.Millisecond) })
		engine := newEngine(t, accepting, &campaign.EngineOptions{Observer: observer}, everyPage("held", 1, campaign.Stop{}))
		v := visitBy("p")
		if _, err := engine.Visit(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		if err := engine.Load(everyPage("held", 1, campaign.Stop{}), everyPage("new", 1, campaign.Stop{})); err != nil {
			t.Fatal(err)
		}
		var outcomes []campaign.Outcome
		go func() { outcomes, _ = engine.Visit(t.Context(), v) }() // while held is told, Close gives up
		time.Sleep(10 * time.Millisecond)
		unfinished, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
		if !ok || len(unfinished.Runs) != 0 {
			t.Errorf("Close = %v, want a *CloseError without runs", unfinished)
		}
		synctest.Wait()
		if len(outcomes) != 2 || outcomes[1].Reason != campaign.ReasonClosed {
			t.Errorf("the visit has %v, want the second campaign closed", outcomes)
		}
	})
}

// A run that ended by itself, before Close gave up, is not named, whatever its error.
func TestCloseNamesNoRunOfAnotherEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			time.Sleep(100 * time.Millisecond)
			return nil, campaign.ErrClosed
		})
		slow := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(2 * time.Second) })
		engine := newEngine(t, sender, &campaign.EngineOptions{Observer: slow}, everyPage("c", 1, campaign.Stop{}))
		go engine.Visit(t.Context(), visitBy("p"))
		time.Sleep(10 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // the run has ended by then
		defer cancel()
		unfinished, ok := errors.AsType[*campaign.CloseError](engine.Close(ctx))
		if !ok || len(unfinished.Runs) != 0 {
			t.Errorf("Close = %v, want an error that names no run", unfinished)
		}
		closeEngine(t, engine)
	})
}

// stuckContext does not return from the second question after it was cancelled, nor from
// any other question after that, until it is freed.
type stuckContext struct {
	context.Context
	times       atomic.Int32
	asked, free chan struct{}
}

func (c *stuckContext) Err() error {
	err := c.Context.Err()
	if err != nil && c.times.Add(1) == 2 {
		close(c.asked)
		<-c.free
	}
	return err
}

// No lock of the engine is held while the host's context is asked.
func TestCloseWithAContextThatHangs(t *testing.T) {
	inner, cancel := context.WithCancel(t.Context())
	ctx := &stuckContext{Context: inner, asked: make(chan struct{}), free: make(chan struct{})}
	sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		cancel()
		return nil, nil
	})
	engine := newEngine(t, sender, nil, everyPage("c", 2, campaign.Stop{}))
	var visiting sync.WaitGroup
	visiting.Go(func() { _, _ = engine.Visit(ctx, visitBy("p")) })
	<-ctx.asked
	closed := make(chan error, 1)
	go func() { closed <- engine.Close(over(t)) }()
	select {
	case err := <-closed:
		if unfinished, ok := errors.AsType[*campaign.CloseError](err); !ok || len(unfinished.Runs) != 1 {
			t.Errorf("Close = %v, want one run named", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Close waits for the host's context")
	}
	close(ctx.free)
	visiting.Wait()
	closeEngine(t, engine)
}

// Of two calls of Close, the second names what came after the first.
func TestRunBetweenTwoCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := trackerFunc(func(e campaign.Entry) {
			if e.Profile == "slow" {
				time.Sleep(time.Minute)
			}
			time.Sleep(2 * time.Second)
		})
		engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: tracker}, everyPage("c", 1, campaign.Stop{}))
		for _, id := range []string{"late", "slow"} {
			go engine.Visit(t.Context(), visitBy(id))
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var second error
		var closing sync.WaitGroup
		closing.Go(func() { second = engine.Close(ctx) })
		if first, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t))); !ok || len(first.Runs) != 0 {
			t.Errorf("the first Close = %v, want an error that names no run", first)
		}
		closing.Wait()
		unfinished, ok := errors.AsType[*campaign.CloseError](second)
		if !ok || len(unfinished.Runs) != 1 || unfinished.Runs[0].Profile != "late" {
			t.Errorf("the second Close = %v, want the run named that came meanwhile", second)
		}
		closeEngine(t, engine)
	})
}

// A trackerFunc is called before each Enter of a tracker.
type trackerFunc func(e campaign.Entry)

func (f trackerFunc) Enter(_ context.Context, e campaign.Entry) (time.Time, bool, error) {
	f(e)
	return e.Until(), true, nil
}

func (trackerFunc) Reopen(context.Context, campaign.Entry, time.Time) error { return nil }

// Close ends a run while the host's context is asked whether it may go on: it may not.
func TestNoWebhookOnceCloseHasEndedTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := &pausingContext{Context: t.Context()}
		sent := 0
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			sent++
			ctx.pauses.Store(true)
			return nil, nil
		})
		engine := newEngine(t, sender, nil, everyPage("c", 2, campaign.Stop{}))
		go engine.Visit(ctx, visitBy("p"))
		time.Sleep(1950 * time.Millisecond) // it is asked for the second time
		if err := engine.Close(over(t)); err == nil {
			t.Error("Close = nil, want an error: the second webhook is missing")
		}
		closeEngine(t, engine)
		if sent != 1 {
			t.Errorf("%d webhooks were sent, want 1", sent)
		}
	})
}

// A run that came between two calls of Close, and is there for both lists of the second,
// is named once.
func TestCloseNamesALateRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := trackerFunc(func(campaign.Entry) { time.Sleep(2 * time.Second) })
		observer := campaign.ObserverFunc(func(context.Context, campaign.Outcome) { time.Sleep(time.Minute) })
		engine := newEngine(t, accepting, &campaign.EngineOptions{Tracker: tracker, Observer: observer}, everyPage("c", 1, campaign.Stop{}))
		go engine.Visit(t.Context(), visitBy("late"))
		time.Sleep(time.Second)
		_ = engine.Close(over(t))
		time.Sleep(2 * time.Second) // the run has come
		unfinished, ok := errors.AsType[*campaign.CloseError](engine.Close(over(t)))
		if !ok || len(unfinished.Runs) != 1 {
			t.Errorf("the second Close = %v, want one run named", unfinished)
		}
		closeEngine(t, engine)
	})
}

// The context of a Sender shows nothing of the request when it is printed.
func TestPrintedContextShowsNothing(t *testing.T) {
	var shown string
	sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		shown = fmt.Sprintf("%v %+v %#v %s %d %v", ctx, ctx, ctx, ctx, ctx, child)
		return nil, nil
	})
	c := everyPage("c", 1, campaign.Stop{})
	c.Nodes[1] = campaign.Webhook{Method: "POST", URL: "https://esp.example/CANARY", Payload: campaign.Payload{campaign.FromProfile("email")}}
	engine := newEngine(t, sender, nil, c)
	v := visitBy("CANARY")
	v.Profile.Fields = map[string]any{"email": "CANARY"}
	if outcomes, err := engine.Visit(t.Context(), v); err != nil || len(outcomes) != 1 || outcomes[0].Status != campaign.Delivered {
		t.Fatalf("Visit = %v, %v", outcomes, err)
	}
	if shown == "" || strings.Contains(shown, "CANARY") {
		t.Errorf("printed: %s", shown)
	}
}

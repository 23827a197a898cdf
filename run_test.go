package campaign

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// Close may report a run between the answer of the Tracker and the run's own
// report. That moment cannot be met from outside but by chance, so the two are
// called here in that order.
func TestRunReportedByCloseAfterTheTrackerAnswered(t *testing.T) {
	visited := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	prog := &program{id: "c", stop: Stop{RestartTimeout: 24 * time.Hour}}
	r := new(Engine).newRun(t.Context(), prog, &PageVisit{Profile: Profile{ID: "p"}, Time: visited}, visited, new(result), false)
	r.entered = true
	r.drop()
	if out := r.hung(); !out.Until.Equal(visited.Add(24*time.Hour)) || !strings.Contains(out.Err.Error(), "could not be given back in time") {
		t.Errorf("before the answer Close tells %v until %v, want the cooldown kept", out, out.Until)
	}
	r.out().Until = visited.Add(time.Minute)
	r.answered()
	if out := r.hung(); !out.Until.Equal(visited.Add(time.Minute)) || strings.Contains(out.Err.Error(), "given back") {
		t.Errorf("after the answer Close tells %v until %v, want the cooldown given back", out, out.Until)
	}
}

// Close may look at a run that has reported itself and is about to return: its
// deliveries belong to the caller of Visit then. Under -race, this fails if Close
// looks at them.
func TestDeliveriesBelongToTheCaller(t *testing.T) {
	e, err := NewEngine(SenderFunc(func(context.Context, *Request) (*Response, error) { return nil, nil }), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := e.newRun(t.Context(), &program{id: "c"}, &PageVisit{Profile: Profile{ID: "p"}}, time.Now(), new(result), false)
	out := r.out()
	e.register(r)
	r.delivered(Delivery{ID: "msg_1", Node: 1})
	e.tellEnd(r)
	var caller sync.WaitGroup
	caller.Go(func() { out.Deliveries[0].Node = 7 })
	var hung []hungRun
	if _, byClose := e.unfinished(r, &hung); byClose || len(hung) != 0 {
		t.Errorf("unfinished = %t, and Close reports %v, want the run neither named nor reported again", byClose, hung)
	}
	caller.Wait()
}

// Close may give up between the moment at which a run wants to know a profile and
// the one at which its question goes out: then it does not go out any more.
func TestNoQuestionOnceCloseHasGivenUp(t *testing.T) {
	e, err := NewEngine(SenderFunc(func(context.Context, *Request) (*Response, error) { return nil, nil }), &EngineOptions{
		Profiles: ProfileSourceFunc(func(context.Context, string) (Profile, error) {
			t.Error("the ProfileSource was asked")
			return Profile{}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.cancelBase(ErrClosed)
	if _, err := new(openVisit).load(e, t.Context()); err == nil {
		t.Error("the profile was loaded, want an error")
	}
	if err := e.Close(t.Context()); err != nil { // waits for what has not gone out
		t.Errorf("Close = %v, want nil", err)
	}
}

// The package says its name once, however many steps an error has come through.
func TestErrorsNameThePackageOnce(t *testing.T) {
	for _, err := range []error{
		&stepError{"not begun", ErrClosed},
		&stepError{"the tracker failed", &stepError{"not sent", ErrClosed}},
		&stepError{"not sent", &DeliveryError{Verdict: Rejected, Status: 400}},
		&errorPair{&DeliveryError{Verdict: Rejected, Status: 400}, &stepError{"the cooldown could not be given back", ErrClosed}},
	} {
		for _, text := range []string{err.Error(), loggable(err)} {
			if !strings.HasPrefix(text, "campaign: ") || strings.Count(text, "campaign: ") != 1 {
				t.Errorf("%q, want the prefix once", text)
			}
		}
	}
}

// A countingContext is a parent of the host's own that knows how many contexts are told
// of its end, and lets none go before so many have come.
type countingContext struct {
	context.Context
	mu       sync.Mutex
	children int
	together sync.WaitGroup
}

// AfterFunc is what package context asks of it.
func (c *countingContext) AfterFunc(func()) (stop func() bool) {
	c.mu.Lock()
	c.children++
	c.mu.Unlock()
	c.together.Done()
	c.together.Wait()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.children--
		return true
	}
}

func (c *countingContext) Done() <-chan struct{} { return make(chan struct{}) }
func (c *countingContext) Value(any) any         { return nil }

// The real context of a run is made without a lock, so two may be: one is let go of at
// once, and the other when the run ends, or when it is made after that.
func TestRunLeavesNothingInItsParent(t *testing.T) {
	parent := &countingContext{Context: t.Context()}
	parent.together.Add(2)
	c := &runContext{parent: parent, started: time.Now(), within: time.Hour}
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() { c.Done() })
	}
	asking.Wait()
	if parent.children != 1 {
		t.Errorf("the parent has %d contexts, want 1", parent.children)
	}
	c.end()
	if parent.children != 0 {
		t.Errorf("after the end the parent has %d contexts, want none", parent.children)
	}

	parent = &countingContext{Context: t.Context()}
	parent.together.Add(1)
	c = &runContext{parent: parent, started: time.Now(), within: time.Hour}
	c.end()
	if err := c.Err(); err == nil || parent.children != 0 {
		t.Errorf("after the end Err = %v, and the parent has %d contexts, want an error and none", err, parent.children)
	}
}

package campaigntest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// TestTrackerErrors checks that a [campaign.Tracker] passes on the errors of its
// store, as [TestTracker] checks what it does with a store that works. Each
// tracker that newBroken returns has a store that fails whatever it is asked:
// one that is stopped, or refuses the connection, or does not answer. How to
// come by one differs from store to store, so it is left to newBroken.
//
//	func TestRedisTrackerErrors(t *testing.T) {
//		campaigntest.TestTrackerErrors(t, func(t *testing.T) campaign.Tracker {
//			server := startRedis(t)
//			tracker := redistracker.New(server)
//			server.Stop()
//			return tracker
//		})
//	}
func TestTrackerErrors(t *testing.T, newBroken func(t *testing.T) campaign.Tracker) {
	for _, p := range errorPromises() {
		t.Run(p.name, func(t *testing.T) { p.check(t, newBroken(t)) })
	}
}

func errorPromises() []promise {
	return []promise{
		{"enter passes errors on", "while the store fails, Enter returns an error, has not entered, and neither panics nor waits for longer than its context", "an engine sends nothing after an error and says why: an outage would be taken for a cooldown, or for none, and everybody would get the message again", (*trackerCheck).enterFails},
		{"reopen passes errors on", "while the store fails, Reopen returns an error, and neither panics nor waits for longer than its context", "the outcome would say that the customer may be addressed again, and the campaign would be closed", (*trackerCheck).reopenFails},
		{"errors at once are passed on", "while the store fails, all that call at once get an error", "one error must not be all that a tracker can take: visits would wait for ever, or take the process down", (*trackerCheck).allFail},
	}
}

const (
	// brokenPatience is when the context of a call to a broken tracker is done:
	// a store that does not answer is waited for that long.
	brokenPatience = time.Second

	// brokenHang is how much later a call that has not returned never will.
	brokenHang = 20 * time.Second
)

// enterFails enters more than once, because what was tried and failed must not
// be taken for a cooldown.
func (c *trackerCheck) enterFails() {
	for _, after := range []time.Duration{0, 0, time.Minute, time.Hour} {
		c.must(c.enterFail(c.visit(after, time.Hour)))
	}
}

func (c *trackerCheck) reopenFails() {
	e := c.visit(0, time.Hour)
	c.must(c.reopenFail(e))
	c.must(c.reopenFail(e))
	c.must(c.enterFail(e))
	c.must(c.reopenFail(e))
}

// allFail tells of one failure: hundreds would say the same.
func (c *trackerCheck) allFail() {
	wrong := make(chan string, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			e := duellist(c.visit(0, time.Hour), i/2)
			wrong <- cmp.Or(c.enterFail(e), c.reopenFail(e))
		})
	}
	wg.Wait()
	close(wrong)
	for w := range wrong {
		if w != "" {
			c.failf("one of %d at once: %s", racers, w)
			return
		}
	}
}

func (c *trackerCheck) must(wrong string) {
	c.Helper()
	if wrong != "" {
		c.failf("%s", wrong)
	}
}

func (c *trackerCheck) enterFail(e campaign.Entry) (wrong string) {
	return fails("Enter", func(ctx context.Context) (entered bool, err error) {
		_, entered, err = c.tracker.Enter(ctx, e)
		return entered, err
	})
}

func (c *trackerCheck) reopenFail(e campaign.Entry) (wrong string) {
	return fails("Reopen", func(ctx context.Context) (entered bool, err error) {
		return false, c.tracker.Reopen(ctx, e, e.Time.Add(time.Minute))
	})
}

// fails returns what is wrong with a call that has to return an error. A call
// that never returns is left behind.
func fails(what string, call func(ctx context.Context) (entered bool, err error)) (wrong string) {
	ctx, cancel := context.WithTimeout(context.Background(), brokenPatience)
	defer cancel()
	returned := make(chan string, 1)
	go func() {
		wrong := what + " has ended its goroutine, want an error"
		defer func() {
			if value := recover(); value != nil {
				wrong = fmt.Sprintf("%s panics with %v, want an error", what, value)
			}
			returned <- wrong
		}()
		entered, err := call(ctx)
		wrong = ""
		switch {
		case entered:
			wrong = fmt.Sprintf("%s = entered, error %v, want not entered, and an error", what, err)
		case err == nil:
			wrong = what + " = no error, want that of the store"
		}
	}()
	hung := time.NewTimer(brokenPatience + brokenHang)
	defer hung.Stop()
	select {
	case wrong := <-returned:
		return wrong
	case <-hung.C:
		return fmt.Sprintf("%s has not returned %v after its context was done", what, brokenHang)
	}
}

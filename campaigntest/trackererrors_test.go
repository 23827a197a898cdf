package campaigntest

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
)

var errStore = errors.New("the store is gone")

// A storeless is a correct tracker without a store, in the hands of which each
// broken one is built.
type storeless struct {
	enter  func(ctx context.Context, e campaign.Entry) (time.Time, bool, error)
	reopen func(ctx context.Context) error
}

func newStoreless() *storeless {
	return &storeless{
		enter:  func(context.Context, campaign.Entry) (time.Time, bool, error) { return time.Time{}, false, errStore },
		reopen: func(context.Context) error { return errStore },
	}
}

func (s *storeless) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	return s.enter(ctx, e)
}

func (s *storeless) Reopen(ctx context.Context, _ campaign.Entry, _ time.Time) error {
	return s.reopen(ctx)
}

func TestTrackerErrorsOfStoreless(t *testing.T) {
	TestTrackerErrors(t, func(t *testing.T) campaign.Tracker { return newStoreless() })
}

// A store that does not answer is as broken as one that says so.
func TestTrackerErrorsOfSilentStore(t *testing.T) {
	for _, p := range errorPromises() {
		synctest.Test(t, func(t *testing.T) {
			s := newStoreless()
			s.enter = func(ctx context.Context, _ campaign.Entry) (time.Time, bool, error) {
				<-ctx.Done()
				return time.Time{}, false, ctx.Err()
			}
			s.reopen = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			p.check(t, s)
		})
	}
}

func TestTrackerErrorsFindsTheBroken(t *testing.T) {
	released := make(chan struct{})
	tests := []struct {
		name   string
		breaks func(s *storeless)
		want   string
	}{
		{"an outage opens everything", func(s *storeless) {
			s.enter = func(_ context.Context, e campaign.Entry) (time.Time, bool, error) { return e.Until(), true, nil }
		}, "enter passes errors on"},
		{"an outage closes everything", func(s *storeless) {
			s.enter = func(_ context.Context, e campaign.Entry) (time.Time, bool, error) { return e.Until(), false, nil }
		}, "enter passes errors on"},
		{"an error for who has entered", func(s *storeless) {
			s.enter = func(_ context.Context, e campaign.Entry) (time.Time, bool, error) { return e.Until(), true, errStore }
		}, "enter passes errors on"},
		{"what failed is taken for a cooldown", func(s *storeless) {
			seen := map[string]bool{}
			s.enter = func(_ context.Context, e campaign.Entry) (time.Time, bool, error) {
				if seen[e.Profile] {
					return e.Until(), false, nil
				}
				seen[e.Profile] = true
				return time.Time{}, false, errStore
			}
		}, "enter passes errors on"},
		{"Enter panics", func(s *storeless) {
			s.enter = func(context.Context, campaign.Entry) (time.Time, bool, error) { panic("no connection") }
		}, "enter passes errors on"},
		{"Enter ends its goroutine", func(s *storeless) {
			s.enter = func(context.Context, campaign.Entry) (time.Time, bool, error) {
				runtime.Goexit()
				return time.Time{}, false, nil
			}
		}, "enter passes errors on"},
		{"Reopen says nothing", func(s *storeless) {
			s.reopen = func(context.Context) error { return nil }
		}, "reopen passes errors on"},
		{"Reopen panics", func(s *storeless) {
			s.reopen = func(context.Context) error { panic("no connection") }
		}, "reopen passes errors on"},
		{"waits for ever", func(s *storeless) {
			s.reopen = func(context.Context) error { <-released; return errStore }
		}, "reopen passes errors on"},
		{"the only connection is not given back", func(s *storeless) {
			connection := make(chan struct{}, racers)
			s.enter = func(context.Context, campaign.Entry) (time.Time, bool, error) {
				select {
				case connection <- struct{}{}:
				case <-released:
				}
				return time.Time{}, false, errStore
			}
			s.reopen = func(ctx context.Context) error { _, _, err := s.enter(ctx, campaign.Entry{}); return err }
		}, "errors at once are passed on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustBreak(t, errorPromises(), tt.want, func(p promise, r reporter) {
				synctest.Test(t, func(*testing.T) {
					released = make(chan struct{}) // in the bubble, where its end is to be waited for
					defer close(released)
					s := newStoreless()
					tt.breaks(s)
					p.check(r, s)
				})
			})
		})
	}
}

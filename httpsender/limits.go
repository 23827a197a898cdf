package httpsender

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrPaused is among the causes of an error when nothing was sent because the
// endpoint has been failing and is left alone for a while. Such an error has no
// attempts and is Unreachable.
var ErrPaused = errors.New("httpsender: the endpoint is paused")

// limits bound the requests in flight, and hold what is known of each endpoint.
type limits struct {
	slots       *semaphore.Weighted // in all
	perEndpoint int64
	pauses      pauses

	mu        sync.RWMutex
	endpoints map[string]*endpoint
}

// pauses says when an endpoint is left alone, and for how long.
type pauses struct {
	after      int           // failures in a row; negative means never
	span       time.Duration // that they took at least
	first, max time.Duration // lengths of the first pause, and of the longest
}

// maxEndpoints is how many endpoints are remembered before those with nothing
// worth remembering are dropped.
const maxEndpoints = 1024

func newLimits(inAll, perEndpoint int, p pauses) *limits {
	return &limits{
		slots:       semaphore.NewWeighted(int64(inAll)),
		perEndpoint: int64(perEndpoint),
		pauses:      p,
		endpoints:   make(map[string]*endpoint),
	}
}

func (l *limits) endpoint(host string) *endpoint {
	l.mu.RLock()
	e := l.endpoints[host]
	l.mu.RUnlock()
	if e != nil {
		return e
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.endpoints[host]; e != nil {
		return e
	}
	if len(l.endpoints) >= maxEndpoints {
		l.forget()
	}
	e = &endpoint{slots: semaphore.NewWeighted(l.perEndpoint), pauses: &l.pauses}
	l.endpoints[host] = e
	return e
}

// forget drops endpoints that are idle and well. A request that has looked one
// up and not yet taken a slot goes on with it, and may be one too many: better
// than counting users on every request.
func (l *limits) forget() {
	for host, e := range l.endpoints {
		if e.well() && e.slots.TryAcquire(l.perEndpoint) {
			e.slots.Release(l.perEndpoint)
			delete(l.endpoints, host)
		}
	}
}

// acquire takes a slot of the endpoint and one of all, in that order: requests
// that wait for a slow endpoint must not keep others from theirs.
func (l *limits) acquire(ctx context.Context, e *endpoint, deadline time.Time) error {
	if e.slots.TryAcquire(1) {
		if l.slots.TryAcquire(1) {
			return nil
		}
		e.slots.Release(1)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := e.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	if err := l.slots.Acquire(ctx, 1); err != nil {
		e.slots.Release(1)
		return err
	}
	return nil
}

func (l *limits) release(e *endpoint) {
	l.slots.Release(1)
	e.slots.Release(1)
}

// An endpoint is what requests to one host and port share.
type endpoint struct {
	slots  *semaphore.Weighted
	pauses *pauses

	mu       sync.Mutex
	failures int           // in a row
	since    time.Time     // no sign of life from then on
	alive    time.Time     // when the last request began that was answered well
	until    time.Time     // paused until then; zero if it is not paused
	pause    time.Duration // how long the last pause was
	probing  bool          // the one request is under way that decides how it goes on
}

// A health is what an attempt says about its endpoint.
type health int

const (
	unknown health = iota // canceled by the caller, say
	alive
	failing
)

// enter reports whether a request may go to the endpoint, and whether it is the
// probe. Whoever entered calls leave.
func (e *endpoint) enter(now time.Time) (probe, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.until.IsZero():
		return false, true
	case e.probing || now.Before(e.until):
		return false, false
	}
	e.probing = true
	return true, true
}

// paused reports whether enter would refuse a request.
func (e *endpoint) paused(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.until.IsZero() && (e.probing || now.Before(e.until))
}

// leave says what became of a request that entered at start.
func (e *endpoint) leave(h health, probe bool, start time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if probe {
		e.probing = false
	}
	switch h {
	case alive:
		e.failures, e.until, e.pause = 0, time.Time{}, 0
		if start.After(e.alive) {
			e.alive = start
		}
	case failing:
		e.failed(probe, start)
	}
}

func (e *endpoint) failed(probe bool, start time.Time) {
	// One that took long began before others were answered, and says nothing
	// about that time.
	if start.Before(e.alive) {
		start = e.alive
	}
	if e.failures == 0 || start.Before(e.since) {
		e.since = start
	}
	e.failures++
	now := time.Now()
	switch {
	case probe && !e.until.IsZero():
		e.pause = min(e.pause*2, e.pauses.max)
	case e.until.IsZero() && e.pauses.after >= 0 && e.failures >= e.pauses.after && now.Sub(e.since) >= e.pauses.span:
		e.pause = e.pauses.first
	default:
		return // too early, or it was under way when the pause began
	}
	e.until = now.Add(e.pause)
}

func (e *endpoint) well() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failures == 0 && e.until.IsZero()
}

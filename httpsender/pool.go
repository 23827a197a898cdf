package httpsender

import (
	"context"
	"sync"
	"time"
)

// A target is what a connection leads to.
type target struct {
	secure bool
	addr   string // host and port
}

// A pool makes connections and keeps those that can be used again.
type pool struct {
	dialer *dialer
	max    int // idle connections

	mu    sync.Mutex
	idle  map[target][]*conn // the one that was used last at the end
	count int
	timer *time.Timer // set while there are idle connections
}

func newPool(d *dialer, maxIdle int) *pool {
	return &pool{dialer: d, max: maxIdle, idle: make(map[target][]*conn)}
}

// get returns an idle connection that is in good order, if there is one.
func (p *pool) get(t target, now, deadline time.Time) *conn {
	for {
		c := p.pop(t)
		if c == nil {
			return nil
		}
		if now.Sub(c.idleSince) < idleTimeout && c.SetDeadline(deadline) == nil && c.quiet() && c.silent() {
			return c
		}
		c.end()
	}
}

func (p *pool) pop(t target) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[t]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[t] = list[:len(list)-1]
	p.count--
	return c
}

// put keeps c for the next request.
func (p *pool) put(t target, c *conn) {
	c.used, c.idleSince = true, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count >= p.max {
		c.end()
		return
	}
	p.idle[t] = append(p.idle[t], c)
	p.count++
	if p.timer == nil {
		// One timer for all, set once in a while: not one for each connection,
		// moved with each request.
		p.timer = time.AfterFunc(idleTimeout, p.sweep)
	}
}

// sweep ends the connections that have been idle for too long.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	old := time.Now().Add(-idleTimeout)
	for t, list := range p.idle {
		n := 0 // those at the front are the oldest
		for n < len(list) && !list[n].idleSince.After(old) {
			list[n].end()
			n++
		}
		p.count -= n
		if n == len(list) {
			delete(p.idle, t)
		} else {
			p.idle[t] = append(list[:0:0], list[n:]...)
		}
	}
	if p.count > 0 {
		p.timer = time.AfterFunc(idleTimeout/4, p.sweep)
	}
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.idle {
		for _, c := range list {
			c.end()
		}
	}
	clear(p.idle)
	p.count = 0
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// exchange sends a request and reads the answer.
func (p *pool) exchange(ctx context.Context, m *message, start, deadline time.Time) (*answer, error) {
	t := m.request.target
	for {
		c := p.get(t, start, deadline)
		fresh := c == nil
		if fresh {
			var err error
			if c, err = p.dialer.dial(ctx, t, deadline); err != nil {
				return &answer{}, err
			}
		}
		a, err := c.exchange(ctx, m, deadline)
		if a.reusable {
			p.put(t, c)
			return a, nil
		}
		c.end()
		a.fresh = fresh
		if err == nil || fresh || a.written || ctx.Err() != nil || !time.Now().Before(deadline) {
			return a, err
		}
		// The endpoint had just closed a connection that was kept for it.
		// Nothing was written and nothing is wrong: that is no attempt to
		// anyone who counts them.
	}
}

package httpsender

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// An exchange follows one request through a transport: to limit its time, and
// to know whether any of it was written. It is a context as well, so that the
// dialer finds it.
type exchange struct {
	context.Context // the caller's

	// The time limits of our own connections are set on the connections. A
	// context with a deadline, and a timer for the headers, would cost more
	// than everything else that is done here for a request.
	headers  time.Time // until when the answer has to begin, on a connection that was there
	deadline time.Time // of all

	trace httptrace.ClientTrace

	mu     sync.Mutex
	asked  bool  // the transport says what it does
	got    bool  // it had a connection
	reused bool  // which had been used before
	conn   *conn // nil unless it is one of ours
	base   int64 // what had been written to it by then
	wrote  bool  // something was written to an earlier one
}

type exchangeKey struct{}

func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// watched returns the context for a request.
func (x *exchange) watched() context.Context {
	x.trace.GetConn = x.getConn
	x.trace.GotConn = x.gotConn
	return httptrace.WithClientTrace(x, &x.trace)
}

func (x *exchange) getConn(string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked = true
}

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrote = x.writtenLocked()
	x.got, x.reused = true, info.Reused
	x.conn, _ = info.Conn.(*conn)
	if x.conn == nil {
		return
	}
	x.base = x.conn.written.Load()
	if !info.Reused {
		x.headers = time.Now().Add(headerTimeout) // connecting took its own time
	}
	if x.headers.After(x.deadline) {
		x.headers = x.deadline
	}
	x.conn.take(x, x.headers)
}

// unasked reports whether the answer cannot be one to this request, and ends
// the connection if so.
func (x *exchange) unasked() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn == nil || !x.conn.unasked() {
		return false
	}
	x.conn.Close()
	return true
}

// reading gives the body of an answer the time that is left.
func (x *exchange) reading() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn != nil && x.headers.Before(x.deadline) {
		x.conn.extend(x, x.deadline)
	}
}

// done gives the connection back.
func (x *exchange) done() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn != nil {
		x.conn.leave(x, x.headers)
	}
}

// written reports whether the request may have been written, in part at least.
func (x *exchange) written() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.writtenLocked()
}

func (x *exchange) writtenLocked() bool {
	switch {
	case x.wrote:
		return true
	case x.conn != nil:
		return x.conn.written.Load() != x.base
	}
	return x.got
}

// traced reports whether the transport said anything about what it did.
func (x *exchange) traced() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.asked || x.got
}

// fresh reports whether the connection was made for this request.
func (x *exchange) fresh() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.got && !x.reused
}

// stale reports whether the request went nowhere because the endpoint had
// closed a connection that was kept for it.
func (x *exchange) stale() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.reused && !x.writtenLocked()
}

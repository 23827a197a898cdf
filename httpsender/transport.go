package httpsender

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// newTransport returns a transport that connects only where g permits and whose
// connections count what is written to them.
func newTransport(g *guard, config *tls.Config) *http.Transport {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	// HTTP/2 would put many requests on one connection, where a byte count no
	// longer tells which of them was written, and sends requests again by
	// itself. Every https endpoint speaks HTTP/1.1.
	config.NextProtos = []string{"http/1.1"}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	d := &dialer{guard: g, tls: config}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		// Proxy stays nil: a proxy from the environment would connect in our
		// place, and the guard would see its address only.
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

type dialer struct {
	guard *guard
	tls   *tls.Config
}

// dial runs in a goroutine of the transport's, where a panic would end the
// process: hence the recover, here and in dialTLS.
func (d *dialer) dial(ctx context.Context, network, addr string) (_ net.Conn, err error) {
	defer recoverAs(&err)
	c, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

func (d *dialer) dialTLS(ctx context.Context, network, addr string) (_ net.Conn, err error) {
	defer recoverAs(&err)
	host, err := splitHost(addr)
	if err != nil {
		return nil, err
	}
	raw, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	config := d.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	c := tls.Client(raw, config)
	if err := handshake(ctx, c); err != nil {
		raw.Close() // not c.Close, which would wait to say goodbye
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// handshake keeps a panic of the host's callbacks from leaving the connection open.
func handshake(ctx context.Context, c *tls.Conn) (err error) {
	defer recoverAs(&err)
	return c.HandshakeContext(ctx)
}

func (d *dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	host, err := splitHost(addr)
	if err != nil {
		return nil, err
	}
	nd := net.Dialer{Timeout: dialTimeout, ControlContext: d.guard.control(host)}
	return nd.DialContext(ctx, network, addr)
}

var errPanic = errors.New("panic")

// recoverAs turns a panic into an error without showing what was thrown.
func recoverAs(err *error) {
	if v := recover(); v != nil {
		*err = errPanic
	}
}

// A conn counts the bytes that are written to it: above TLS, so that the
// handshake is not among them.
type conn struct {
	net.Conn
	written atomic.Int64
}

func (c *conn) Write(p []byte) (int, error) {
	// Counted before and corrected after, so that a write under way counts.
	// An error with n == 0 is sure: TLS authenticates whole records, and part
	// of one is worth nothing to whoever gets it.
	c.written.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n - len(p)))
	return n, err
}

// A watch follows one request through a transport, to know whether any of it
// was written.
type watch struct {
	mu     sync.Mutex
	asked  bool  // the transport says what it does
	got    bool  // it had a connection
	reused bool  // which had been used before
	conn   *conn // nil unless it is one of ours
	base   int64 // what had been written to it by then
	wrote  bool  // something was written to an earlier one
}

func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GetConn: w.getConn, GotConn: w.gotConn}
}

func (w *watch) getConn(string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = true
}

func (w *watch) gotConn(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote = w.writtenLocked()
	w.got, w.reused = true, info.Reused
	w.conn, _ = info.Conn.(*conn)
	if w.conn != nil {
		w.base = w.conn.written.Load()
	}
}

// written reports whether the request may have been written, in part at least.
func (w *watch) written() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writtenLocked()
}

func (w *watch) writtenLocked() bool {
	switch {
	case w.wrote:
		return true
	case w.conn != nil:
		return w.conn.written.Load() != w.base
	}
	return w.got
}

// stale reports whether the request went nowhere because the endpoint had
// closed a connection that was kept for it.
func (w *watch) stale() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reused && !w.writtenLocked()
}

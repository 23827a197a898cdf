package httpsender

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// newTransport returns a transport that connects only where g permits and whose
// connections count what is written to them.
func newTransport(g *guard, config *tls.Config, idle, idlePerHost int) *http.Transport {
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
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
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
	ctx, cancel := limited(ctx, tlsTimeout)
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
	ctx, cancel := limited(ctx, dialTimeout)
	defer cancel()
	nd := net.Dialer{ControlContext: d.guard.control(host)}
	return nd.DialContext(ctx, network, addr)
}

// limited returns a context for one step of connecting. The transport lends us
// one that goes on after the request was given up, because another might want
// the connection; we would rather leave nothing behind, so it ends with the
// request's own context, and with the time of the exchange, as well.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	limit := time.Now().Add(d)
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return context.WithDeadline(ctx, limit)
	}
	if x.deadline.Before(limit) {
		limit = x.deadline
	}
	step, cancel := context.WithDeadline(x.Context, limit)
	stop := context.AfterFunc(ctx, cancel)
	return step, func() {
		stop()
		cancel()
	}
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
	read    atomic.Int64
	early   atomic.Int64 // what had been read when the owner began to write; -1 before that

	mu    sync.Mutex
	owner *exchange // whose deadline it has; nil while it is idle
}

func (c *conn) Write(p []byte) (int, error) {
	// Counted before and corrected after, so that a write under way counts.
	// An error with n == 0 is sure: TLS authenticates whole records, and part
	// of one is worth nothing to whoever gets it.
	c.early.CompareAndSwap(-1, c.read.Load())
	c.written.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n - len(p)))
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// unasked reports whether the owner's answer was there before the request: an
// endpoint that sends more than it was asked for would have its next request
// answered by what is left over.
func (c *conn) unasked() bool {
	early := c.early.Load()
	return early < 0 || early == c.read.Load()
}

// take makes x the owner and sets the time limit.
func (c *conn) take(x *exchange, limit time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = x
	c.early.Store(-1)
	_ = c.SetDeadline(limit) // fails on a closed connection, as reading will
}

// extend sets another time limit, if x is the owner still: the transport hands
// on a connection as soon as the answer has been read, not when we are done.
func (c *conn) extend(x *exchange, limit time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner == x {
		_ = c.SetDeadline(limit)
	}
}

// leave ends the ownership of x. A time limit that would end while the
// connection is idle goes, because the next request might be written just then.
func (c *conn) leave(x *exchange, limit time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner != x {
		return
	}
	c.owner = nil
	if time.Until(limit) < idleTimeout+time.Second {
		_ = c.SetDeadline(time.Time{})
	}
}

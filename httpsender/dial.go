package httpsender

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// A dialer makes connections, where the guard permits.
type dialer struct {
	guard *guard
	tls   *tls.Config
}

func newDialer(g *guard, config *tls.Config) *dialer {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return &dialer{guard: g, tls: config}
}

// dial connects, and does the handshake of TLS if the target is secure.
func (d *dialer) dial(ctx context.Context, t target, deadline time.Time) (*conn, error) {
	host, _, err := net.SplitHostPort(t.addr)
	if err != nil {
		return nil, &refusedError{"the host", "and its port cannot be told apart"}
	}
	raw, err := d.connect(ctx, host, t.addr, deadline)
	if err != nil {
		return nil, err
	}
	if !t.secure {
		return newConn(raw, raw), nil
	}
	under := &records{Conn: raw}
	secure, err := d.handshake(ctx, under, host, deadline)
	if err != nil {
		raw.Close() // not the TLS connection, which would wait to say goodbye
		return nil, err
	}
	c := newConn(secure, raw)
	c.records = under
	return c, nil
}

func (d *dialer) connect(ctx context.Context, host, addr string, deadline time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, earlier(deadline, time.Now().Add(dialTimeout)))
	defer cancel()
	nd := net.Dialer{ControlContext: d.guard.control(host)}
	return nd.DialContext(ctx, "tcp", addr)
}

func (d *dialer) handshake(ctx context.Context, raw net.Conn, host string, deadline time.Time) (_ net.Conn, err error) {
	defer recoverAs(&err) // callbacks in the configuration are the host's
	config := d.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	ctx, cancel := context.WithDeadline(ctx, earlier(deadline, time.Now().Add(tlsTimeout)))
	defer cancel()
	c := tls.Client(raw, config)
	return c, c.HandshakeContext(ctx)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

var errPanic = errors.New("panic")

// recoverAs turns a panic into an error without showing what was thrown.
func recoverAs(err *error) {
	if v := recover(); v != nil {
		*err = errPanic
	}
}

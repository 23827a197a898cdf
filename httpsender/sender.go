package httpsender

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A Sender delivers requests over HTTP/1.1. The zero value is ready to use. It
// is safe for concurrent use. It must not be copied, nor its fields changed,
// once Send has been called.
type Sender struct {
	// Secrets resolves the secrets that headers refer to. Nil means that there
	// are none: a request that refers to one is not sent.
	Secrets Secrets

	// AllowHTTP permits http URLs, which show payload and secrets to
	// everybody on the way. False means https only.
	AllowHTTP bool

	// AllowPrivate permits every address and every port, so that the host's
	// own network can be called, loopback included. False means public
	// addresses and the ports 80, 443, 8080 and 8443 only, and what Allow
	// adds. Whoever writes a campaign can then reach whatever the process can.
	AllowPrivate bool

	// Allow lists what may be called besides public addresses, on any port:
	// host names as they stand in URLs ("crm.internal"), addresses
	// ("127.0.0.1") and prefixes ("10.1.0.0/16"). A host name is allowed
	// whatever it resolves to. Nil adds nothing. An entry that is none of
	// these makes every Send fail.
	Allow []string

	// Timeout bounds one attempt, from the first look at the name to the last
	// byte of the answer that is read. Zero means 15 seconds. Within it,
	// connecting may take 3 seconds, TLS 5 and the answer's headers 10.
	Timeout time.Duration

	// TLS adds root certificates, client certificates and whatever else a
	// tls.Config can say; the Sender works on a copy. Protocols are set by the
	// Sender. Nil means the system's roots and no client certificate.
	TLS *tls.Config

	once sync.Once
	rt   *runtime
}

// Limits that are not worth an option each: they keep an endpoint from holding
// on to memory or time, and every honest one stays far below.
const (
	defaultTimeout = 15 * time.Second
	dialTimeout    = 3 * time.Second
	tlsTimeout     = 5 * time.Second
	headerTimeout  = 10 * time.Second

	keepBody       = 4 << 10  // of the body, returned
	drainBody      = 64 << 10 // of the body, read so that the connection can be used again
	maxHeaderBytes = 64 << 10

	// Node.js and Apache close connections that were idle for five seconds.
	// A request written into that closing is lost without a trace, and so
	// uncertain; one more handshake is cheaper.
	idleTimeout = 4 * time.Second
)

// Send delivers r and returns the answer, or a [*campaign.DeliveryError].
func (s *Sender) Send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	s.once.Do(func() { s.rt = newRuntime(s) })
	return s.rt.send(ctx, r)
}

// CloseIdleConnections closes the connections that wait for the next request.
// Those in use are not touched.
func (s *Sender) CloseIdleConnections() {
	s.once.Do(func() { s.rt = newRuntime(s) })
	s.rt.closeIdle()
}

// String returns the name of the type. What the fields hold is not for logs.
func (s *Sender) String() string { return "httpsender.Sender" }

// GoString returns what String returns.
func (s *Sender) GoString() string { return s.String() }

// MarshalText returns what String returns, so that neither JSON nor log/slog
// shows what the fields hold.
func (s *Sender) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A runtime is a Sender whose options have been checked and filled in.
type runtime struct {
	secrets   Secrets
	allowHTTP bool
	timeout   time.Duration
	transport http.RoundTripper
	closeIdle func()
	err       error // what is wrong with the options; every Send fails with it
}

func newRuntime(s *Sender) *runtime {
	rt := &runtime{secrets: s.Secrets, allowHTTP: s.AllowHTTP, timeout: s.Timeout}
	if rt.timeout <= 0 {
		rt.timeout = defaultTimeout
	}
	guard, err := newGuard(s.AllowPrivate, s.Allow)
	rt.err = err
	t := newTransport(guard, s.TLS)
	rt.transport, rt.closeIdle = t, t.CloseIdleConnections
	return rt
}

func (rt *runtime) send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	if rt.err != nil {
		return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, First: rt.err}
	}
	p, err := rt.prepare(ctx, r)
	if err == nil && ctx.Err() != nil {
		err = contextCause(ctx.Err(), "before the request was sent")
	}
	if err != nil {
		return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, Endpoint: p.endpoint, First: err}
	}
	a := rt.attempt(ctx, p)
	if a.err == nil {
		return &campaign.Response{Status: a.status, Body: a.body, Attempts: 1}, nil
	}
	return nil, &campaign.DeliveryError{
		Verdict: a.verdict, Endpoint: p.endpoint, Status: a.status, Attempts: 1, First: a.err,
	}
}

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
// once Send or Check has been called. A number or a time below zero counts as
// zero, where its field says nothing else.
type Sender struct {
	// Secrets resolves the secrets that headers refer to. Nil means that there
	// are none: a request that refers to one is not sent.
	Secrets Secrets

	// Signing chooses the keys that requests are signed with, by host. Nil
	// means that no request is signed.
	Signing Signing

	// AllowHTTP permits http URLs, which show payload and secrets to
	// everybody on the way. False means https only.
	AllowHTTP bool

	// AllowPrivate permits every address and every port, so that the host's
	// own network can be called, loopback included. False means public
	// addresses and the ports 80, 443, 8080 and 8443 only, and what Allow
	// adds. With true, whoever writes a campaign can reach whatever the
	// process can.
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

	// Attempts is how often a request is tried in all. Zero means 3; 1 means
	// no second time. What is tried again: requests that were surely not
	// written, and answers with 408, 425, 429, 500, 502 or 503.
	Attempts int

	// RetryUncertain tries again, too, what may have arrived: connections that
	// broke and time limits that ended after the request was written, and 504.
	// Set it if the endpoints drop repetitions by webhook-id, which is the same
	// on every attempt. False means that a request does not go out again once the
	// endpoint may have taken it.
	RetryUncertain bool

	// RetryWait bounds the wait before the second attempt; the bound doubles
	// with each further one, up to MaxRetryWait. The wait itself is drawn from
	// between zero and the bound. Zero means 500 milliseconds, and 10 seconds
	// for MaxRetryWait.
	RetryWait    time.Duration
	MaxRetryWait time.Duration

	// MaxRetryAfter caps what an endpoint can ask for with Retry-After, which
	// is waited for even if it is longer than MaxRetryWait. Zero means 30
	// seconds; negative means that Retry-After is ignored.
	MaxRetryAfter time.Duration

	// Budget bounds a whole Send: waiting for a free slot, all attempts and the
	// waits between them. A wait that would exceed it, or the context's
	// deadline, is not begun. Zero means one minute.
	Budget time.Duration

	// MaxInFlight bounds the requests in flight, and MaxInFlightPerEndpoint
	// those to one host and port, so that an endpoint that hangs cannot take
	// all of them. More wait for their turn. Zero means 512 and 64.
	MaxInFlight            int
	MaxInFlightPerEndpoint int

	// PauseAfter is after how many failures in a row an endpoint is left alone,
	// provided that it has not answered well for a second. A failure is no
	// answer, 429, or 5xx. While it is left alone, Send fails at once with
	// [ErrPaused]. Zero means 10; negative means never.
	PauseAfter int

	// Pause is how long an endpoint is left alone before one request is let
	// through to see. If that fails too, the next pause is twice as long, up
	// to MaxPause. Zero means one second, and one minute for MaxPause.
	Pause    time.Duration
	MaxPause time.Duration

	// TLS adds root certificates, client certificates and whatever else a
	// tls.Config can say; the Sender works on a copy, and the address guard
	// stays. Its protocols are set by the Sender. Nil means the system's roots
	// and no client certificate.
	TLS *tls.Config

	// Transport takes the place of the Sender's own transport, for a proxy, or
	// to wrap tracing around. Nil means the Sender's own. With another one,
	// these are the host's to see to: where it connects (AllowPrivate, Allow
	// and TLS mean nothing to it), that it follows no redirect, that it does
	// not send a request twice, and the limits of connecting, TLS, the headers
	// of an answer and idle connections. What remains is the time limit of an
	// attempt, and the verdict: a request for which an httptrace.ClientTrace
	// saw no connection, or whose error is one of dialing, is Unreachable, and
	// any other without an answer is Uncertain.
	Transport http.RoundTripper

	once sync.Once
	rt   *runtime
}

// Limits that are not worth an option each: they keep an endpoint from holding
// on to memory or time, and every honest one stays far below.
const (
	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 10 * time.Second

	keepBody       = 4 << 10  // of the body, returned
	drainBody      = 64 << 10 // of the body, read so that the connection can be used again
	maxHeaderBytes = 64 << 10

	// Node.js and Apache close connections that were idle for five seconds.
	// A request written into that closing is lost without a trace, and so
	// uncertain; one more handshake is cheaper.
	idleTimeout = 4 * time.Second

	// pauseSpan keeps a hiccup on a busy endpoint, where ten requests fail in
	// a millisecond, from pausing it.
	pauseSpan = time.Second
)

// Send delivers r and returns the answer, or a [*campaign.DeliveryError].
func (s *Sender) Send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	return s.runtime().send(ctx, r)
}

// CloseIdleConnections closes the connections that wait for the next request.
// Those in use are not touched.
func (s *Sender) CloseIdleConnections() { s.runtime().transport.closeIdle() }

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
	signing   Signing
	allowHTTP bool
	timeout   time.Duration
	budget    time.Duration
	schedule  schedule
	limits    *limits
	guard     *guard // nil if the transport is the host's
	transport transport
	err       error // what is wrong with the options; every Send fails with it
}

func (s *Sender) runtime() *runtime {
	s.once.Do(func() { s.rt = newRuntime(s) })
	return s.rt
}

func newRuntime(s *Sender) *runtime {
	rt := &runtime{
		secrets:   s.Secrets,
		signing:   s.Signing,
		allowHTTP: s.AllowHTTP,
		timeout:   orDefault(s.Timeout, 15*time.Second),
		budget:    orDefault(s.Budget, time.Minute),
		schedule: schedule{
			attempts:      orDefault(s.Attempts, 3),
			wait:          orDefault(s.RetryWait, 500*time.Millisecond),
			maxWait:       orDefault(s.MaxRetryWait, 10*time.Second),
			maxRetryAfter: s.MaxRetryAfter,
			uncertain:     s.RetryUncertain,
		},
	}
	if s.MaxRetryAfter == 0 {
		rt.schedule.maxRetryAfter = 30 * time.Second
	}
	inAll, perEndpoint := orDefault(s.MaxInFlight, 512), orDefault(s.MaxInFlightPerEndpoint, 64)
	p := pauses{
		after: s.PauseAfter, span: pauseSpan,
		first: orDefault(s.Pause, time.Second), max: orDefault(s.MaxPause, time.Minute),
	}
	if p.after == 0 {
		p.after = 10
	}
	rt.limits = newLimits(inAll, perEndpoint, p)
	if s.Transport != nil {
		rt.transport = foreign{s.Transport}
		return rt
	}
	g, err := newGuard(s.AllowPrivate, s.Allow)
	rt.guard, rt.transport, rt.err = g, newPool(newDialer(g, s.TLS), inAll), err
	return rt
}

// orDefault returns v, or def if v is zero, or negative where that means nothing.
func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

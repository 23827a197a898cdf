package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
)

// A Sender delivers rendered requests. The real one is in the package
// httpsender; package campaigntest has one that records for unit tests.
//
// Send returns a nil error only when the endpoint has accepted the request. It
// should fail with a [*DeliveryError], which says whether the endpoint may have
// received the request all the same. Any other error counts as [Uncertain],
// except that errors from dialing and from name lookup count as [Unreachable].
//
// Send must be safe for concurrent use. It must return soon after ctx is done,
// and must not change or keep r. It sends nothing if a header names a secret that
// it does not have.
//
// A Sender over HTTP follows no redirect, as headers and payload are meant for
// one host: it is an answer that rejects the request. It returns a [Response]
// beside a nil error, with no more than the beginning of the answer. If the
// Response has a status that is not 2xx, the engine takes it for an error, see
// [VerdictForStatus]. TestSender of package campaigntest checks all of that.
type Sender interface {
	Send(ctx context.Context, r *Request) (*Response, error)
}

// SenderFunc is a function used as a [Sender].
type SenderFunc func(ctx context.Context, r *Request) (*Response, error)

// Send calls f(ctx, r).
func (f SenderFunc) Send(ctx context.Context, r *Request) (*Response, error) { return f(ctx, r) }

// TestHeader is the name of the header that marks a request of [Engine.Test].
// Its value is "true". Definitions cannot set it.
const TestHeader = "Campaign-Test"

// A Request is one webhook call, rendered for one visit. It holds personal data
// and, often, a credential in its URL: its String, Format and LogValue show
// only the ID, the method and the endpoint.
type Request struct {
	// ID is the delivery ID: msg_ and a hash. It is the same on every attempt
	// and whoever renders the same webhook for the same visit, so an endpoint
	// that remembers it can tell a repetition. It names no person.
	ID string

	Campaign string // ID of the campaign
	Node     int    // index of the webhook in Campaign.Nodes

	Method string // POST or GET
	URL    string // absolute, with the payload of a GET in its query

	// Headers go out in this order. A header with a Secret is a reference:
	// the sender resolves the name when it sends, joins the result to Value,
	// checks it with [CheckHeaderValue], and keeps it out of all it stores.
	// Content-Type is among them whenever there is a body.
	Headers Headers

	Body []byte // nil for GET
	Test bool   // rendered by [Engine.Test]
}

// Endpoint returns scheme and host of the request's URL, which is all of it
// that may be shown.
func (r *Request) Endpoint() string { return endpointOf(r.URL) }

// String returns the ID, the method and the endpoint.
func (r Request) String() string {
	return fmt.Sprintf("%s %s %s", r.ID, r.Method, endpointOf(r.URL))
}

// Format writes what String returns, whatever the verb: with String alone, %d and %#v
// would show personal data.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue returns the parts of the request that may be logged.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", r.ID),
		slog.String("campaign", r.Campaign),
		slog.Int("node", r.Node),
		slog.String("method", r.Method),
		slog.String("endpoint", endpointOf(r.URL)),
		slog.Bool("test", r.Test),
	)
}

// endpointOf returns scheme://host of an absolute URL, without the user
// information, which is a credential.
func endpointOf(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if _, more, isScheme := cutScheme(scheme + ":"); !ok || !isScheme || more != "" {
		return "" // of a URL that is none, anything may be in front
	}
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}

// A Response is the answer of an endpoint that accepted a request.
type Response struct {
	Status   int    // HTTP status, 2xx; 0 if the sender does not speak HTTP
	Body     []byte // the beginning of the body; a sender bounds it
	Attempts int    // how often the request was sent; 0 counts as 1
}

// A Verdict says what is known of a request that was not delivered.
type Verdict int

const (
	// Uncertain: the endpoint may have received the request. It is the zero
	// value, because calling twice is worse than calling once too few.
	Uncertain Verdict = iota
	// Rejected: the endpoint answered that it did not take the request.
	Rejected
	// Unreachable: nothing arrived; the request was never written.
	Unreachable
)

// String returns the verdict in lower case.
func (v Verdict) String() string {
	switch v {
	case Uncertain:
		return "uncertain"
	case Rejected:
		return "rejected"
	case Unreachable:
		return "unreachable"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// MarshalText returns what String returns.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// A DeliveryError says that a request was not delivered, how sure that is, and
// why. Over several attempts the strongest verdict counts: Uncertain before
// Rejected before Unreachable.
//
// Whoever makes one keeps secrets, header values, payload and the URL's path
// and query out of First and Last.
type DeliveryError struct {
	Verdict  Verdict
	Endpoint string // scheme and host
	Status   int    // HTTP status of the last answer; 0 if there was none
	Attempts int    // how often the request was sent, or tried to be; 0 if it was held back
	First    error  // why the first attempt failed; may be nil
	Last     error  // why the last attempt failed; nil if there was one attempt
}

// Error returns the verdict, the endpoint, the last cause and, if another, the first.
func (e *DeliveryError) Error() string {
	var b strings.Builder
	b.WriteString("campaign: ")
	if e.Endpoint != "" {
		b.WriteString(e.Endpoint + ": ")
	}
	b.WriteString(e.Verdict.String())
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " after %d attempts", e.Attempts)
	}
	last := e.Last
	if last == nil {
		last = e.First
	}
	switch {
	case last != nil:
		b.WriteString(": " + last.Error())
	case e.Status != 0:
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Last != nil && e.First != nil && e.First.Error() != e.Last.Error() {
		b.WriteString(" (at first: " + e.First.Error() + ")")
	}
	return b.String()
}

// Unwrap returns the first and the last cause.
func (e *DeliveryError) Unwrap() []error {
	var errs []error
	if e.First != nil {
		errs = append(errs, e.First)
	}
	if e.Last != nil {
		errs = append(errs, e.Last)
	}
	return errs
}

// VerdictForStatus returns what an HTTP status means for delivery: ok for 2xx (v is
// meaningless then); otherwise Uncertain for 504, where a gateway lost sight of the
// request, and Rejected for all others.
func VerdictForStatus(status int) (v Verdict, ok bool) {
	switch {
	case status >= 200 && status <= 299:
		return Uncertain, true
	case status == 504:
		return Uncertain, false
	default:
		return Rejected, false
	}
}

// verdictOf classifies an error of any Sender. A verdict that there is not says
// nothing for sure.
func verdictOf(err error) Verdict {
	if de, ok := errors.AsType[*DeliveryError](err); ok {
		if de.Verdict != Rejected && de.Verdict != Unreachable {
			return Uncertain
		}
		return de.Verdict
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return Unreachable
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Unreachable
	}
	return Uncertain
}

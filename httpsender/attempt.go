package httpsender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hybridcampaign/campaign"
)

// An outcome is what became of one attempt.
type outcome struct {
	verdict    campaign.Verdict // if err is not nil
	answered   bool
	status     int
	body       []byte
	retryAfter time.Duration
	final      bool // trying again cannot help
	err        error
}

// attempt sends p once, and begins at start.
func (rt *runtime) attempt(ctx context.Context, p *prepared, header http.Header, start time.Time, timeout time.Duration) outcome {
	if rt.foreign {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	x := &exchange{Context: ctx, headers: start.Add(headerTimeout), deadline: start.Add(timeout)}
	resp, err := rt.roundTrip(x, p, header)
	if err != nil && x.stale() && ctx.Err() == nil {
		// Nothing was written, and nothing is wrong with the endpoint: that
		// is no attempt to anyone who counts them.
		x = &exchange{Context: ctx, headers: x.headers, deadline: x.deadline}
		resp, err = rt.roundTrip(x, p, header)
	}
	defer x.done()
	if err == nil && x.unasked() {
		resp.Body.Close()
		err = errUnasked
	}
	if err != nil {
		return rt.failed(ctx, err, x)
	}
	verdict, ok := campaign.VerdictForStatus(resp.StatusCode)
	o := outcome{verdict: verdict, answered: true, status: resp.StatusCode, body: readBody(resp, x)}
	if !ok {
		o.err = statusCause(resp.StatusCode)
		o.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return o
}

func (rt *runtime) roundTrip(x *exchange, p *prepared, header http.Header) (resp *http.Response, err error) {
	// For a transport of the host's; ours runs the host's code in other
	// goroutines only, where there is a recover as well.
	defer recoverAs(&err)
	// Not http.Client: it follows redirects, and wraps errors with the URL.
	resp, err = rt.transport.RoundTrip(p.request(x.watched(), header))
	if err == nil && resp == nil {
		err = errNoResponse
	}
	return resp, err
}

var (
	errNoResponse = errors.New("neither a response nor an error")
	errUnasked    = errors.New("the answer was there before the request")
)

// failed says what became of an attempt without an answer.
func (rt *runtime) failed(ctx context.Context, err error, x *exchange) outcome {
	written := x.written()
	switch {
	case rt.foreign && !x.traced():
		written = !isDialError(err)
	case written && x.fresh() && refusedClient(err):
		written = false
	}
	o := outcome{verdict: campaign.Unreachable, err: causeOf(ctx, err, written)}
	if written {
		o.verdict = campaign.Uncertain
	}
	o.final = errors.Is(o.err, ErrAddress)
	return o
}

func statusCause(status int) error {
	if text := http.StatusText(status); text != "" {
		return &cause{text: fmt.Sprintf("status %d %s", status, text)}
	}
	return &cause{text: fmt.Sprintf("status %d", status)}
}

// request returns a new http.Request for p, in a form that http.Transport never
// sends a second time by itself. It would, on a connection that was used before
// and breaks, for what it calls replayable: a body that it can get again, or
// none, with the method GET or with a header named Idempotency-Key. So a body
// cannot be got again, and a GET has an empty one.
func (p *prepared) request(ctx context.Context, header http.Header) *http.Request {
	req := (&http.Request{
		Method:        p.method,
		URL:           p.url,
		Host:          p.url.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	switch {
	case len(p.body) > 0 || p.method == http.MethodGet:
		// This type, because http.Transport writes headers and body at once
		// only where it knows the body to be in memory.
		req.Body = io.NopCloser(bytes.NewReader(p.body))
	default:
		req.Body = http.NoBody
	}
	if len(p.body) == 0 && p.method == http.MethodGet {
		// Keeps http.Transport from finding out in a goroutine whether the
		// body is empty. Nothing of it is sent.
		req.TransferEncoding = []string{"identity"}
	}
	return req
}

// readBody returns the beginning of the body, and leaves the connection ready
// for the next request if the rest is not too long. Errors do not matter: an
// endpoint that answered has answered, however its body ends.
func readBody(resp *http.Response, x *exchange) []byte {
	if resp.Body == nil {
		return nil // net/http never leaves it out, others may
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.ContentLength == 0 {
		return nil // a switched connection has no end to read up to
	}
	x.reading()
	size := int64(keepBody)
	if resp.ContentLength > 0 {
		size = min(size, resp.ContentLength)
	}
	body := make([]byte, size)
	n, err := io.ReadFull(resp.Body, body)
	if err == nil && resp.ContentLength != size && resp.ContentLength <= drainBody {
		_, _ = io.CopyN(io.Discard, resp.Body, drainBody-size+1)
	}
	return body[:n:n]
}

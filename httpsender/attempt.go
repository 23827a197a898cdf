package httpsender

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"github.com/hybridcampaign/campaign"
)

// A prepared request has been checked, and its secrets are filled in. It lives
// as long as Send does.
type prepared struct {
	endpoint string // scheme and host, for errors
	method   string
	url      *url.URL
	header   http.Header
	body     []byte
}

// An outcome is what became of one attempt.
type outcome struct {
	verdict campaign.Verdict // if err is not nil
	status  int
	body    []byte
	err     error
}

// attempt sends p once.
func (rt *runtime) attempt(ctx context.Context, p *prepared) outcome {
	ctx, cancel := context.WithTimeout(ctx, rt.timeout)
	defer cancel()
	resp, w, err := rt.exchange(ctx, p)
	if err != nil && w.stale() && ctx.Err() == nil {
		// Nothing was written, and nothing is wrong with the endpoint: that
		// is no attempt to anyone who counts them.
		resp, w, err = rt.exchange(ctx, p)
	}
	if err != nil {
		return failed(ctx, err, w)
	}
	verdict, ok := campaign.VerdictForStatus(resp.StatusCode)
	o := outcome{verdict: verdict, status: resp.StatusCode, body: readBody(resp)}
	if !ok {
		o.err = statusCause(resp.StatusCode)
	}
	return o
}

func (rt *runtime) exchange(ctx context.Context, p *prepared) (*http.Response, *watch, error) {
	w := new(watch)
	req := p.request().WithContext(httptrace.WithClientTrace(ctx, w.trace()))
	// Not http.Client: it follows redirects, and wraps errors with the URL.
	resp, err := rt.transport.RoundTrip(req)
	return resp, w, err
}

// failed says what became of an attempt without an answer.
func failed(ctx context.Context, err error, w *watch) outcome {
	written := w.written()
	if written && !w.reused && refusedClient(err) {
		written = false
	}
	o := outcome{verdict: campaign.Unreachable, err: causeOf(ctx, err, written)}
	if written {
		o.verdict = campaign.Uncertain
	}
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
func (p *prepared) request() *http.Request {
	req := &http.Request{
		Method:        p.method,
		URL:           p.url,
		Host:          p.url.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        p.header,
		ContentLength: int64(len(p.body)),
	}
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
// for the next request if the rest is not too long.
func readBody(resp *http.Response) []byte {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.ContentLength == 0 {
		return nil // a switched connection has no end to read up to
	}
	// Errors do not matter: an endpoint that answered has answered, however
	// its body ends.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, keepBody))
	if len(body) == keepBody && resp.ContentLength <= drainBody {
		_, _ = io.CopyN(io.Discard, resp.Body, drainBody-int64(len(body))+1)
	}
	return body
}

package httpsender

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// foreign sends through a transport of the host's.
type foreign struct{ http.RoundTripper }

func (f foreign) exchange(ctx context.Context, m *message, _, deadline time.Time) (a *answer, err error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var w watch
	a = new(answer)
	resp, err := f.roundTrip(m.httpRequest(w.traced(ctx)))
	if err != nil {
		a.written = w.written(err)
		return a, err
	}
	a.written, a.status, a.retryAfter = true, resp.StatusCode, resp.Header.Get("Retry-After")
	if resp.Body == nil {
		return a, nil // net/http never leaves it out, others may
	}
	defer closeBody(resp.Body)
	if resp.StatusCode != http.StatusSwitchingProtocols && resp.ContentLength != 0 {
		a.body, _ = readBody(resp.Body, resp.ContentLength)
	}
	return a, nil
}

func (f foreign) roundTrip(r *http.Request) (resp *http.Response, err error) {
	defer recoverAs(&err)
	// Not through http.Client: it follows redirects.
	resp, err = f.RoundTrip(r)
	if err == nil && resp == nil {
		err = errNoResponse
	}
	return resp, err
}

var errNoResponse = errors.New("neither a response nor an error")

// closeBody ends a body of the host's transport, in which code of the host's may
// panic.
func closeBody(body io.Closer) {
	var err error
	defer recoverAs(&err)
	err = body.Close()
}

func (f foreign) closeIdle() {
	// The interface that http.Client asks for as well.
	if c, ok := f.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A watch sees whether a transport had a connection for a request.
type watch struct {
	mu    sync.Mutex
	asked bool
	got   bool
}

func (w *watch) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.note(&w.asked) },
		GotConn: func(httptrace.GotConnInfo) { w.note(&w.got) },
	})
}

func (w *watch) note(what *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*what = true
}

// written reports whether a request that ended in err may have been written.
func (w *watch) written(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.got {
		return true
	}
	return !w.asked && !isDialError(err)
}

// httpRequest returns m in a form that http.Transport never sends a second time
// by itself. It would, on a connection that was used before and breaks, for what
// it calls replayable: a body that it can get again, or none, with the method
// GET or with a header named Idempotency-Key. So a body cannot be got again, a
// GET has an empty one, and those headers are written in lower case, which means
// the same to every endpoint.
func (m *message) httpRequest(ctx context.Context) *http.Request {
	p := m.request
	req := (&http.Request{
		Method:        p.method,
		URL:           p.url,
		Host:          p.url.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header, len(p.fields)+2),
		Body:          http.NoBody,
		ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	for _, f := range p.fields {
		key := http.CanonicalHeaderKey(f.name)
		if key == "Idempotency-Key" || key == "X-Idempotency-Key" {
			key = strings.ToLower(key)
		}
		req.Header[key] = []string{f.value}
	}
	if m.signature != "" {
		req.Header[headerTimestamp] = []string{m.timestamp}
		req.Header[headerSignature] = []string{m.signature}
	}
	switch {
	case len(p.body) > 0:
		// A copy: a transport may go on reading it for a moment after an early
		// answer, and the caller has it back then. And of this type, because
		// http.Transport writes headers and body at once only where it knows
		// the body to be in memory.
		req.Body = io.NopCloser(bytes.NewReader(bytes.Clone(p.body)))
	case p.method == http.MethodGet:
		req.Body = io.NopCloser(bytes.NewReader(nil))
		// Keeps http.Transport from finding out in a goroutine whether the
		// body is empty. Nothing of it is sent.
		req.TransferEncoding = []string{"identity"}
	}
	return req
}

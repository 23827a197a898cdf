package httpsender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A transport sends one request and reads the answer: a pool of connections of
// our own, or a transport of the host's. The answer is never nil, and says even
// beside an error whether any of the request may have been written.
type transport interface {
	exchange(ctx context.Context, m *message, start, deadline time.Time) (*answer, error)
	closeIdle()
}

// A message is a request as one attempt sends it.
type message struct {
	request              *prepared
	timestamp, signature string // empty if it is not signed
}

// appendHead appends the message up to its body. All parts have been checked.
func (m *message) appendHead(b []byte) []byte {
	p := m.request
	b = append(append(b, p.method...), ' ')
	b = append(append(b, p.path...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", p.url.Host)
	for _, f := range p.fields {
		b = appendField(b, f.name, f.value)
	}
	if m.signature != "" {
		b = appendField(b, "webhook-timestamp", m.timestamp)
		b = appendField(b, "webhook-signature", m.signature)
	}
	if len(p.body) > 0 || p.method == http.MethodPost {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(p.body)), 10), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ':')
	if value != "" { // curl can only send an empty one without the space, see campaign.Preview
		b = append(append(b, ' '), value...)
	}
	return append(b, "\r\n"...)
}

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

// attempt sends m once.
func (rt *runtime) attempt(ctx context.Context, m *message, start, deadline time.Time) outcome {
	a, err := rt.transport.exchange(ctx, m, start, deadline)
	if err != nil {
		return failed(ctx, err, a)
	}
	verdict, ok := campaign.VerdictForStatus(a.status)
	o := outcome{verdict: verdict, answered: true, status: a.status, body: a.body}
	if !ok {
		o.err = statusCause(a.status)
		o.retryAfter = parseRetryAfter(a.retryAfter, time.Now())
	}
	return o
}

// failed says what became of an attempt without an answer.
func failed(ctx context.Context, err error, a *answer) outcome {
	written := a.written && !(a.fresh && refusedClient(err))
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

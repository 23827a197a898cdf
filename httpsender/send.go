package httpsender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hybridcampaign/campaign"
)

// send makes attempts until one is answered well, or no other is worth it.
func (rt *runtime) send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	t := tally{verdict: campaign.Unreachable}
	deadline := time.Now().Add(rt.budget)
	p, err := rt.prepare(ctx, r, deadline)
	if err != nil {
		return nil, t.fail(p, err)
	}
	for {
		o, err := rt.try(ctx, p, deadline)
		if err != nil {
			return nil, t.fail(p, err)
		}
		t.add(&o)
		if o.err == nil {
			return &campaign.Response{Status: o.status, Body: o.body, Attempts: t.attempts}, nil
		}
		if t.attempts == rt.schedule.attempts || ctx.Err() != nil || !rt.schedule.again(&o) {
			return nil, t.fail(p, nil)
		}
		wait := rt.schedule.delay(t.attempts, o.retryAfter)
		if !within(ctx, deadline, wait) {
			return nil, t.fail(p, nil)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, t.fail(p, contextCause(err, "while waiting for the next attempt"))
		}
	}
}

// within reports whether there is time left after a wait.
func within(ctx context.Context, deadline time.Time, wait time.Duration) bool {
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return time.Until(deadline) > wait
}

// A tally is what is known after some attempts.
type tally struct {
	verdict     campaign.Verdict
	attempts    int
	status      int
	first, last error
}

func (t *tally) add(o *outcome) {
	t.attempts++
	if o.err == nil {
		return
	}
	t.verdict = min(t.verdict, o.verdict) // their order is that of their strength
	if o.answered {
		t.status = o.status
	}
	t.note(o.err)
}

func (t *tally) note(err error) {
	if t.first == nil {
		t.first = err
	} else {
		t.last = err
	}
}

// fail returns the error of Send. The cause, if there is one, is why no other
// attempt was made.
func (t *tally) fail(p *prepared, cause error) error {
	// A pause that began between two attempts is not why the first of them
	// failed, and would look as if nothing had been sent.
	if cause != nil && (t.attempts == 0 || !errors.Is(cause, ErrPaused)) {
		t.note(cause)
	}
	return &campaign.DeliveryError{
		Verdict: t.verdict, Endpoint: p.endpoint(), Status: t.status,
		Attempts: t.attempts, First: t.first, Last: t.last,
	}
}

// try makes one attempt. An error means that none was made.
func (rt *runtime) try(ctx context.Context, p *prepared, deadline time.Time) (_ outcome, err error) {
	e := rt.limits.endpoint(p.host)
	if e.paused(time.Now()) { // before it waits for a slot
		return outcome{}, errPaused
	}
	if err := rt.limits.acquire(ctx, e, deadline); err != nil {
		return outcome{}, contextCause(err, "while waiting for a free slot")
	}
	defer rt.limits.release(e)
	if err := ctx.Err(); err != nil {
		return outcome{}, contextCause(err, "before the request was sent")
	}
	start := time.Now()
	if !start.Before(deadline) {
		return outcome{}, contextCause(context.DeadlineExceeded, "while waiting for a free slot")
	}
	probe, ok := e.enter(start)
	if !ok {
		return outcome{}, errPaused
	}
	h := unknown
	defer func() { e.leave(h, probe, start) }()
	deadline = earlier(start.Add(rt.timeout), deadline)
	m, err := rt.sign(ctx, p, start, deadline)
	if err != nil {
		return outcome{}, err
	}
	o := rt.attempt(ctx, &m, start, deadline)
	h = o.health(ctx, start)
	return o, nil
}

var errPaused = &cause{text: "nothing was sent: the endpoint keeps failing and is left alone for a while", leaf: ErrPaused}

// health returns what o says about the endpoint.
func (o *outcome) health(ctx context.Context, start time.Time) health {
	switch {
	case o.err == nil:
		return alive
	case o.status >= 100 && o.status < 500 && o.status != http.StatusTooManyRequests:
		return alive // what it rejects is the request's fault
	case o.final:
		return unknown // it was never asked
	case o.answered || ctx.Err() == nil:
		return failing
	}
	// The caller went away. If it had waited for long, so would have others.
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(start) >= pauseSpan {
		return failing
	}
	return unknown
}

// sign returns the message for p, with a signature if there are keys for its host.
func (rt *runtime) sign(ctx context.Context, p *prepared, now, deadline time.Time) (message, error) {
	m := message{request: p}
	if rt.signing == nil {
		return m, nil
	}
	if _, prompt := rt.signing.(promptSigning); !prompt {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline) // a vault may hang
		defer cancel()
	}
	keys, err := callSigning(ctx, rt.signing, p.host)
	switch {
	case err != nil && ctx.Err() != nil:
		return m, contextCause(ctx.Err(), "while the signing keys were resolved")
	case err != nil:
		return m, &cause{text: "the signing keys could not be resolved"} // err may quote them
	case len(keys) == 0:
		return m, nil
	case !signable(p.id):
		return m, &cause{text: "the request cannot be signed: its ID is empty or has a dot in it"}
	}
	for i, k := range keys {
		if k.key == nil {
			return m, &cause{text: fmt.Sprintf("signing key %d is not set; make it with ParseSigningKey", i)}
		}
	}
	m.timestamp, m.signature = sign(keys, p.id, now, p.body)
	return m, nil
}

func callSigning(ctx context.Context, s Signing, host string) (keys []SigningKey, err error) {
	defer recoverAs(&err)
	return s.SigningKeys(ctx, host)
}

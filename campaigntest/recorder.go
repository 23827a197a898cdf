// Package campaigntest helps hosts to unit-test their campaigns, and authors of
// a Sender or a Tracker to check theirs.
//
// In unit tests a [Recorder] takes the place of the Sender: it keeps the requests,
// and answers as it is told, with [Deliver], [Reject], [Uncertain] and
// [Unreachable]. Where HTTP itself is to be seen, a [Receiver] is the endpoint.
// [TestSender], [TestTracker], [TestTrackerInBubble] and [TestTrackerErrors] check
// what others have written.
package campaigntest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/hybridcampaign/campaign"
)

// A Recorder is a fake [campaign.Sender]: it keeps the requests that it is
// given, and answers 200, or what it was told to answer. Its zero value is
// ready for use. It is safe for concurrent use and must not be copied.
type Recorder struct {
	mu       sync.Mutex
	requests []campaign.Request
	script   []campaign.SenderFunc
}

// Answer puts answers in line for the requests to come, one each. Once they are
// used up, the recorder answers 200 again. The answers are [Deliver], [Reject],
// [Unreachable], [Uncertain], or any function of the test's own; one that looks at the
// request's Campaign tells campaigns that run at the same time apart.
func (r *Recorder) Answer(answers ...campaign.SenderFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = append(r.script, answers...)
}

// Send records the request and answers.
func (r *Recorder) Send(ctx context.Context, request *campaign.Request) (*campaign.Response, error) {
	answer := r.record(request)
	return answer(ctx, request)
}

func (r *Recorder) record(request *campaign.Request) campaign.SenderFunc {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, clone(*request))
	if len(r.script) == 0 {
		return Deliver(200)
	}
	answer := r.script[0]
	r.script = r.script[1:]
	return answer
}

// Requests returns the requests so far, in the order of their arrival, whatever
// the answer was. The caller may change them. Look for a header by its name, not by
// its place: Content-Type usually comes first.
func (r *Recorder) Requests() []campaign.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := make([]campaign.Request, len(r.requests))
	for i, request := range r.requests {
		requests[i] = clone(request)
	}
	return requests
}

// Reset forgets all requests and all answers that are in line.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.script = nil, nil
}

func clone(r campaign.Request) campaign.Request {
	r.Headers = slices.Clone(r.Headers)
	r.Body = slices.Clone(r.Body)
	return r
}

// Deliver answers that the request was delivered, with an HTTP status of 2xx.
func Deliver(status int) campaign.SenderFunc {
	return func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return &campaign.Response{Status: status, Attempts: 1}, nil
	}
}

// Reject answers that the endpoint refused the request, with an HTTP status
// such as 400 or 500.
func Reject(status int) campaign.SenderFunc {
	return fail(campaign.DeliveryError{Verdict: campaign.Rejected, Status: status})
}

// Unreachable answers that nothing arrived at the endpoint.
func Unreachable() campaign.SenderFunc {
	return fail(campaign.DeliveryError{
		Verdict: campaign.Unreachable,
		First:   errors.New("connection refused, as the test asked"),
	})
}

// Uncertain answers that the request may have arrived.
func Uncertain() campaign.SenderFunc {
	return fail(campaign.DeliveryError{
		Verdict: campaign.Uncertain,
		First:   errors.New("connection broken after the request was written, as the test asked"),
	})
}

func fail(e campaign.DeliveryError) campaign.SenderFunc {
	return func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
		e := e // each request has an error of its own
		e.Endpoint, e.Attempts = r.Endpoint(), 1
		return nil, &e
	}
}

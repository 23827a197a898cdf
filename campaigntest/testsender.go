package campaigntest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// TestSender checks that a Sender keeps the promises of [campaign.Sender], over
// HTTP: that it delivers what it was given and to no other host, tells apart what
// was delivered, rejected, unreachable and uncertain, ends with its context,
// keeps little of an answer, and shows nothing that is not for logs.
//
// NewSender makes a new Sender for each test. The Sender has to accept http
// URLs and loopback addresses; it may retry, as long as it waits no more than a
// second between attempts.
func TestSender(t *testing.T, newSender func(t *testing.T) campaign.Sender) {
	for _, c := range senderCases {
		t.Run(c.name, func(t *testing.T) { c.run(t, newSender(t)) })
	}
}

var senderCases = []struct {
	name string
	run  func(*testing.T, campaign.Sender)
}{
	{"delivers a POST", testPost},
	{"delivers a GET", testGet},
	{"tells statuses apart", testStatuses},
	{"does not follow redirects", testRedirect},
	{"refused connection", testRefused},
	{"broken exchanges", testBroken},
	{"ends with its context", testCancel},
	{"context that is done", testDone},
	{"many at once", testConcurrent},
	{"leaves the request alone", testRequestUnchanged},
	{"missing secret", testMissingSecret},
	{"huge answer", testHugeAnswer},
	{"shows nothing", testShowsNothing},
}

// senderPatience is how long one Send may take on this machine.
const senderPatience = 20 * time.Second

func newTestReceiver(t *testing.T, replies ...Reply) *Receiver {
	r := NewReceiver(nil)
	t.Cleanup(r.Close)
	r.Answer(replies...)
	return r
}

func testRequest(url string) *campaign.Request {
	return &campaign.Request{
		ID: "msg_0123456789abcdef", Campaign: "conformance", Node: 1, Method: "POST", URL: url,
		Headers: campaign.Headers{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "X-Source", Value: "campaigntest"},
		},
		Body: []byte(`{"profileid":"42"}`),
	}
}

func sendTest(t *testing.T, s campaign.Sender, r *campaign.Request) (*campaign.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), senderPatience)
	defer cancel()
	return s.Send(ctx, r)
}

func testPost(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t, Reply{Status: 201, Body: []byte("thanks")})
	r := testRequest(receiver.URL + "/a/b?c=%41&d")
	resp, err := sendTest(t, s, r)
	if err != nil {
		t.Fatalf("Send = %v, want nil: the endpoint answered 201", err)
	}
	switch {
	case resp == nil:
		t.Error("Send = nil, nil: there is no error, so there has to be a response")
	case resp.Status != 201 || !strings.HasPrefix("thanks", string(resp.Body)):
		t.Errorf("Send = %d with body %q, want 201 with the beginning of %q", resp.Status, resp.Body, "thanks")
	}
	d := onlyDelivery(t, receiver)
	if d.Method != "POST" || d.Target != "/a/b?c=%41&d" || string(d.Body) != string(r.Body) {
		t.Errorf("what arrived is %s %s with body %q, want POST /a/b?c=%%41&d with %q, byte for byte", d.Method, d.Target, d.Body, r.Body)
	}
	for _, h := range r.Headers {
		if got := d.Header.Values(h.Name); !slices.Equal(got, []string{h.Value}) {
			t.Errorf("header %s arrived as %q, want %q once", h.Name, got, h.Value)
		}
	}
}

func testGet(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t)
	r := testRequest(receiver.URL + "/a?email=a%40b.example")
	r.Method, r.Body, r.Headers = "GET", nil, nil
	if _, err := sendTest(t, s, r); err != nil {
		t.Fatalf("Send = %v, want nil: the endpoint answered 200", err)
	}
	d := onlyDelivery(t, receiver)
	if d.Method != "GET" || d.Target != "/a?email=a%40b.example" || len(d.Body) != 0 {
		t.Errorf("what arrived is %s %s with body %q, want GET /a?email=a%%40b.example with none", d.Method, d.Target, d.Body)
	}
}

func onlyDelivery(t *testing.T, r *Receiver) Delivery {
	t.Helper()
	list := r.Deliveries()
	if len(list) != 1 {
		t.Fatalf("%d requests arrived, want 1: it was answered well, and once is all a customer wants", len(list))
	}
	return list[0]
}

func testStatuses(t *testing.T, s campaign.Sender) {
	for status, want := range map[int]campaign.Verdict{
		400: campaign.Rejected, 401: campaign.Rejected, 404: campaign.Rejected, 410: campaign.Rejected,
		504: campaign.Uncertain,
	} {
		receiver := NewReceiver(&ReceiverOptions{Reply: func(int) Reply { return Reply{Status: status} }})
		resp, err := sendTest(t, s, testRequest(receiver.URL))
		receiver.Close()
		if err == nil {
			t.Errorf("Send = %v, nil for an answer of %d, want an error: nil means delivered", resp, status)
			continue
		}
		if got := verdictOf(err); got != want {
			t.Errorf("Send for an answer of %d = %v (%v), want %v", status, err, got, want)
		}
		if de, ok := errors.AsType[*campaign.DeliveryError](err); ok && de.Status != status {
			t.Errorf("Send for an answer of %d: Status = %d, want the answer's", status, de.Status)
		}
	}
}

func testRedirect(t *testing.T, s campaign.Sender) {
	elsewhere := newTestReceiver(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		receiver := newTestReceiver(t, Reply{Status: status, Header: http.Header{"Location": {elsewhere.URL}}})
		_, err := sendTest(t, s, testRequest(receiver.URL))
		if err == nil || verdictOf(err) != campaign.Rejected {
			t.Errorf("Send for an answer of %d = %v, want rejected: the endpoint did not take the request", status, err)
		}
	}
	if n := elsewhere.Hits(); n != 0 {
		t.Errorf("%d requests arrived where redirects pointed to, want none: headers and payload are meant for one host", n)
	}
}

func testRefused(t *testing.T, s campaign.Sender) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = sendTest(t, s, testRequest("http://"+l.Addr().String()))
	if err == nil || verdictOf(err) != campaign.Unreachable {
		t.Errorf("Send to a port where nobody listens = %v, want unreachable: otherwise a customer who was not called has to wait", err)
	}
}

func testBroken(t *testing.T, s campaign.Sender) {
	for name, reply := range map[string]Reply{
		"closed before the answer": {Cut: CutBeforeAnswer},
		"reset before the answer":  {Cut: CutBeforeAnswer, Reset: true},
		"closed in the headers":    {Cut: CutInHeaders},
		"not HTTP":                 {Raw: "220 smtp.example ESMTP\r\n", Cut: CutAfterAnswer},
	} {
		receiver := NewReceiver(&ReceiverOptions{Reply: func(int) Reply { return reply }})
		_, err := sendTest(t, s, testRequest(receiver.URL))
		receiver.Close()
		if err == nil || verdictOf(err) != campaign.Uncertain {
			t.Errorf("Send, %s = %v, want uncertain: the endpoint has the request and may have taken it", name, err)
		}
	}
}

func testCancel(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t, Reply{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.Send(ctx, testRequest(receiver.URL))
	if err == nil || verdictOf(err) != campaign.Uncertain {
		t.Errorf("Send to an endpoint that does not answer = %v, want uncertain: it has the request", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Send returned %v after its context was done, want soon", d)
	}
}

func testDone(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Send(ctx, testRequest(receiver.URL)); err == nil && receiver.Hits() == 0 {
		t.Error("Send with a context that is done = nil, but nothing arrived")
	}
}

func testConcurrent(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t)
	const n = 32
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r := testRequest(receiver.URL)
			r.Body = fmt.Appendf(nil, `{"n":%d}`, i)
			if _, err := sendTest(t, s, r); err != nil {
				t.Errorf("Send, %d at once = %v, want nil", n, err)
			}
		})
	}
	wg.Wait()
	bodies := make(map[string]int)
	for _, d := range receiver.Deliveries() {
		bodies[string(d.Body)]++
	}
	for i := range n {
		if body := fmt.Sprintf(`{"n":%d}`, i); bodies[body] != 1 {
			t.Errorf("%s arrived %d times, want once", body, bodies[body])
		}
	}
}

func testRequestUnchanged(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t)
	r, want := testRequest(receiver.URL+"/x"), testRequest(receiver.URL+"/x")
	if _, err := sendTest(t, s, r); err != nil {
		t.Fatalf("Send = %v, want nil", err)
	}
	if !sameRequest(r, want) {
		t.Error("Send changed the request; the engine's copy is not the sender's to write")
	}
	// The race detector finds a sender that still reads it.
	clear(r.Body)
	clear(r.Headers)
}

func sameRequest(a, b *campaign.Request) bool {
	return a.ID == b.ID && a.Campaign == b.Campaign && a.Node == b.Node && a.Method == b.Method && a.URL == b.URL &&
		slices.Equal(a.Headers, b.Headers) && string(a.Body) == string(b.Body) && a.Test == b.Test
}

func testMissingSecret(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t)
	r := testRequest(receiver.URL)
	r.Headers = append(r.Headers, campaign.Header{Name: "X-Api-Key", Secret: "CAMPAIGNTEST_NO_SUCH_SECRET"})
	_, err := sendTest(t, s, r)
	if err == nil {
		t.Error("Send with a secret that nobody knows = nil, want an error")
	}
	if n := receiver.Hits(); n != 0 {
		t.Errorf("%d requests arrived without their secret, want none", n)
	}
}

func testHugeAnswer(t *testing.T, s campaign.Sender) {
	receiver := newTestReceiver(t, Reply{Size: 64 << 20})
	resp, err := sendTest(t, s, testRequest(receiver.URL))
	if err != nil {
		t.Fatalf("Send = %v, want nil: the endpoint answered 200", err)
	}
	if resp != nil && len(resp.Body) > 1<<20 {
		t.Errorf("Send kept %d bytes of the answer; an endpoint could fill the memory", len(resp.Body))
	}
}

func testShowsNothing(t *testing.T, s campaign.Sender) {
	const secret = "canary-5d21"
	for name, reply := range map[string]Reply{
		"rejected": {Status: 400, Body: []byte(secret)},
		"redirect": {Status: 302, Header: http.Header{"Location": {"http://" + secret + ".invalid/"}}},
		"broken":   {Cut: CutBeforeAnswer, Reset: true},
		"not HTTP": {Raw: secret + " " + secret + "\r\n\r\n", Cut: CutAfterAnswer},
	} {
		receiver := NewReceiver(&ReceiverOptions{Reply: func(int) Reply { return reply }})
		r := testRequest(receiver.URL + "/" + secret + "?token=" + secret)
		r.Headers = append(r.Headers, campaign.Header{Name: "X-Token", Value: secret})
		r.Body = []byte(secret)
		_, err := sendTest(t, s, r)
		receiver.Close()
		if err == nil {
			t.Errorf("Send, %s = nil, want an error", name)
		}
		for e := range chain(err) {
			asJSON, _ := json.Marshal(e)
			for how, text := range map[string]string{
				"Error()": e.Error(), "%+v": fmt.Sprintf("%+v", e), "%#v": fmt.Sprintf("%#v", e), "JSON": string(asJSON),
			} {
				if strings.Contains(text, secret) {
					t.Errorf("Send, %s: %s of a %T shows the URL's path, a header, the payload or the answer", name, how, e)
				}
			}
		}
	}
}

// chain yields err and all it wraps.
func chain(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if !walk(inner, yield) {
				return false
			}
		}
	}
	return true
}

// verdictOf reads an error as the engine does.
func verdictOf(err error) campaign.Verdict {
	if de, ok := errors.AsType[*campaign.DeliveryError](err); ok {
		if de.Verdict != campaign.Rejected && de.Verdict != campaign.Unreachable {
			return campaign.Uncertain
		}
		return de.Verdict
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return campaign.Unreachable
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return campaign.Unreachable
	}
	return campaign.Uncertain
}

package httpsender_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

// ci/soak.sh asks for many more.
var deliveries = flag.Int("deliveries", 2000, "how many deliveries TestSoak makes")

// soakFaults are what the receiver of the soak does to every third request.
var soakFaults = []campaigntest.Reply{
	{Status: 500},
	{Status: 502},
	{Status: 503},
	{Status: 429},
	{Status: 408},
	{Status: 504},
	{Status: 400},
	{Status: 410},
	{Status: 503, Header: http.Header{"Retry-After": {"0"}}},
	{Status: 302, Header: http.Header{"Location": {"/"}}},
	{Cut: beforeBody},
	{Cut: beforeBody, Reset: true},
	{Cut: beforeAnswer},
	{Cut: beforeAnswer, Reset: true},
	{Cut: inHeaders},
	{Cut: inHeaders, Reset: true},
	{Body: []byte("0123456789"), Cut: inBody},
	{Body: []byte("0123456789"), Cut: inBody, Reset: true},
	{Size: 100 << 10},
	{Status: 400, Size: 100 << 10},
	{Raw: "rubbish\r\n\r\n", Cut: afterAnswer},
	{Raw: "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", Cut: afterAnswer},
	{Delay: 20 * time.Millisecond},
	{Status: 500, Delay: 20 * time.Millisecond},
	{Delay: time.Hour},
}

// A soak is a run of deliveries to one receiver, which knows what it accepted.
type soak struct {
	receiver *campaigntest.Receiver
	sender   *httpsender.Sender

	mu       sync.Mutex
	verdicts map[string]int
	results  map[string]soakResult // by delivery ID
}

type soakResult struct {
	verdict  string
	attempts int
}

func TestSoak(t *testing.T) {
	before := goruntime.NumGoroutine()
	verdicts := make(map[string]int)
	// In batches, so that what the receiver remembers stays small.
	for batch := range (*deliveries + 4999) / 5000 {
		runSoak(t, batch, min(5000, *deliveries-batch*5000), verdicts)
	}
	waitFor(t, "no goroutine is left", func() bool { return goruntime.NumGoroutine() <= before })
	total := 0
	for _, n := range verdicts {
		total += n
	}
	if total != *deliveries {
		t.Errorf("%d deliveries ended in a verdict, want %d", total, *deliveries)
	}
	for _, v := range []string{"delivered", "rejected", "uncertain", "unreachable"} {
		if verdicts[v] == 0 {
			t.Errorf("no delivery was %s; the soak has to meet every verdict", v)
		}
	}
	t.Logf("%d deliveries: %v", total, verdicts)
}

func runSoak(t *testing.T, batch, n int, verdicts map[string]int) {
	key := signingKey(t, whsec(32))
	s := &soak{verdicts: verdicts, results: make(map[string]soakResult)}
	s.receiver = campaigntest.NewReceiver(&campaigntest.ReceiverOptions{
		Verify: func(h http.Header, body []byte) error {
			return httpsender.Verify(h, body, []httpsender.SigningKey{key}, 0)
		},
		Reply: func(n int) campaigntest.Reply {
			if n%3 != 0 {
				return campaigntest.Reply{}
			}
			return soakFaults[n/3%len(soakFaults)]
		},
	})
	defer s.receiver.Close()
	s.sender = local(t, &httpsender.Sender{
		Attempts: 3, RetryWait: time.Millisecond, Timeout: 2 * time.Second,
		Signing: httpsender.SignHosts(map[string][]httpsender.SigningKey{s.receiver.URL[len("http://"):]: {key}}),
	})
	defer s.sender.CloseIdleConnections()
	var wg sync.WaitGroup
	next := make(chan int)
	for range 48 {
		wg.Go(func() {
			for i := range next {
				s.deliver(t, fmt.Sprintf("msg_%d_%d", batch, i), i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	s.check(t)
}

func (s *soak) deliver(t *testing.T, id string, i int) {
	r := post(s.receiver.URL)
	switch {
	case i%50 == 0:
		r = post("http://127.0.0.1:1/") // nobody listens there
	case i%7 == 0:
		r = get(s.receiver.URL + "?a=b")
	case i%11 == 0:
		r.Body = make([]byte, 40<<10)
	}
	r.ID = id
	resp, err := s.sender.Send(t.Context(), r)
	result := soakResult{verdict: "delivered"}
	if err == nil {
		result.attempts = resp.Attempts
	} else {
		de, ok := errors.AsType[*campaign.DeliveryError](err)
		if !ok {
			t.Errorf("Send error = %T, want *campaign.DeliveryError", err)
			return
		}
		result = soakResult{de.Verdict.String(), de.Attempts}
	}
	if i%50 == 0 && result.verdict != "unreachable" {
		t.Errorf("Send to nobody = %v, want unreachable", err)
	}
	if i%50 == 0 {
		result.attempts = 0 // none of them arrives
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts[result.verdict]++
	s.results[id] = result
}

// check compares what the sender said with what the receiver saw.
func (s *soak) check(t *testing.T) {
	hits, accepted := make(map[string]int), make(map[string]int)
	for _, d := range s.receiver.Deliveries() {
		id := d.Header.Get("Webhook-Id")
		hits[id]++
		if d.Accepted {
			accepted[id]++
		}
	}
	for id, r := range s.results {
		if hits[id] != r.attempts {
			t.Errorf("%s: %d attempts and %s, but %d requests arrived", id, r.attempts, r.verdict, hits[id])
		}
		switch r.verdict {
		case "delivered":
			if accepted[id] != 1 {
				t.Errorf("%s: delivered, but accepted %d times", id, accepted[id])
			}
		case "rejected", "unreachable":
			if accepted[id] != 0 {
				t.Errorf("%s: %s, but accepted %d times", id, r.verdict, accepted[id])
			}
		}
	}
}

package campaigntest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

func request(id string) *campaign.Request {
	return &campaign.Request{
		ID:      id,
		Method:  "POST",
		URL:     "https://esp.example/hooks/canary",
		Headers: campaign.Headers{{Name: "X-Source", Value: "webshop"}},
		Body:    []byte(`{"a":1}`),
	}
}

func TestRecorderAnswers(t *testing.T) {
	odd := errors.New("odd")
	tests := []struct {
		name    string
		answer  campaign.SenderFunc
		verdict campaign.Verdict
		status  int
		err     error // another error, without a verdict
	}{
		{"delivered", campaigntest.Deliver(202), -1, 202, nil},
		{"rejected", campaigntest.Reject(500), campaign.Rejected, 500, nil},
		{"unreachable", campaigntest.Unreachable(), campaign.Unreachable, 0, nil},
		{"uncertain", campaigntest.Uncertain(), campaign.Uncertain, 0, nil},
		{"an answer of the test's own", func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, odd }, -1, 0, odd},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rec campaigntest.Recorder
			rec.Answer(tt.answer)
			response, err := rec.Send(t.Context(), request("m1"))
			failed, isDelivery := errors.AsType[*campaign.DeliveryError](err)
			switch {
			case tt.err != nil:
				if !errors.Is(err, tt.err) {
					t.Errorf("Send = %v, want %v", err, tt.err)
				}
			case tt.verdict < 0:
				if err != nil || response.Status != tt.status {
					t.Errorf("Send = %v, %v, want status %d", response, err, tt.status)
				}
			case !isDelivery || failed.Verdict != tt.verdict || failed.Status != tt.status || failed.Endpoint != "https://esp.example" || failed.Attempts != 1:
				t.Errorf("Send = %#v, want %v with status %d", err, tt.verdict, tt.status)
			}
			if response, err := rec.Send(t.Context(), request("m2")); err != nil || response.Status != 200 {
				t.Errorf("Send after the script = %v, %v, want 200", response, err)
			}
			if got := rec.Requests(); len(got) != 2 || got[0].ID != "m1" || got[1].ID != "m2" {
				t.Errorf("Requests = %v, want m1 and m2 whatever the answer", got)
			}
		})
	}
}

// Nothing that the engine or the test does to a request later changes the record.
func TestRecorderKeepsCopies(t *testing.T) {
	var rec campaigntest.Recorder
	r := request("m1")
	if _, err := rec.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Body[1], r.Headers[0].Value = 'x', "changed"
	got := rec.Requests()[0]
	if string(got.Body) != `{"a":1}` || got.Headers[0].Value != "webshop" {
		t.Errorf("the record changed with the request: %s %v", got.Body, got.Headers)
	}
	got.Body[1] = 'y'
	if again := rec.Requests()[0]; string(again.Body) != `{"a":1}` {
		t.Errorf("the record changed with what Requests returned: %s", again.Body)
	}
}

func TestRecorderReset(t *testing.T) {
	var rec campaigntest.Recorder
	rec.Answer(campaigntest.Deliver(200), campaigntest.Reject(500))
	if _, err := rec.Send(t.Context(), request("m1")); err != nil {
		t.Fatal(err)
	}
	rec.Reset()
	if _, err := rec.Send(t.Context(), request("m2")); err != nil {
		t.Errorf("Send after Reset = %v: the script was not forgotten", err)
	}
	if got := rec.Requests(); len(got) != 1 || got[0].ID != "m2" {
		t.Errorf("Requests after Reset = %v, want m2 alone", got)
	}
}

func TestRecorderConcurrently(t *testing.T) {
	var rec campaigntest.Recorder
	rec.Answer(campaigntest.Reject(500), campaigntest.Reject(500), campaigntest.Reject(500))
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range 32 {
		wg.Go(func() {
			if _, err := rec.Send(t.Context(), request("m")); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed++
			}
		})
	}
	wg.Wait()
	if n := len(rec.Requests()); n != 32 || failed != 3 {
		t.Errorf("%d requests, %d failed, want 32 and 3", n, failed)
	}
}

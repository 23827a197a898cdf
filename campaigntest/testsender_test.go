package campaigntest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// A naiveSender is what one writes in ten minutes, with one fault fixed at a time.
type naiveSender struct {
	client    *http.Client
	anyStatus bool // takes every answer for a delivery
	secrets   bool // sends headers without their secret
	rejects   bool // calls every error a rejection
	quotes    bool // passes on the error of http.Client
}

func (n *naiveSender) Send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for _, h := range r.Headers {
		if h.Secret != "" && !n.secrets {
			return nil, n.fail(errors.New("no such secret"), campaign.Unreachable)
		}
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, n.fail(err, campaign.Uncertain)
	}
	defer resp.Body.Close()
	if v, ok := campaign.VerdictForStatus(resp.StatusCode); !ok && !n.anyStatus {
		return nil, &campaign.DeliveryError{Verdict: v, Status: resp.StatusCode, Attempts: 1}
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	return &campaign.Response{Status: resp.StatusCode, Body: body, Attempts: 1}, nil
}

func (n *naiveSender) fail(err error, v campaign.Verdict) error {
	switch {
	case n.quotes:
		return err
	case n.rejects:
		v = campaign.Rejected
	case strings.Contains(err.Error(), "dial"):
		v = campaign.Unreachable
	}
	return &campaign.DeliveryError{Verdict: v, Attempts: 1, First: errors.New("failed")}
}

func noRedirect() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// senders are those that TestSender is tried on: the first is good, the others
// each have a fault, and the failure has to name it.
var senders = []struct {
	name   string
	sender campaign.Sender
	want   string
}{
	{"good", &naiveSender{client: noRedirect()}, ""},
	{"follows redirects", &naiveSender{client: http.DefaultClient}, "meant for one host"},
	{"any status", &naiveSender{client: noRedirect(), anyStatus: true}, "nil means delivered"},
	{"without secrets", &naiveSender{client: noRedirect(), secrets: true}, "without their secret"},
	{"errors are rejections", &naiveSender{client: noRedirect(), rejects: true}, "want unreachable"},
	{"quotes URLs", &naiveSender{client: noRedirect(), quotes: true}, "shows the URL's path"},
	{"keeps quiet", &campaigntest.Recorder{}, "want 1: it was answered well"},
	{"twice", campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		n := &naiveSender{client: noRedirect()}
		_, _ = n.Send(ctx, r)
		return n.Send(ctx, r)
	}), "want once"},
	{"without a response", campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		_, err := (&naiveSender{client: noRedirect()}).Send(ctx, r)
		return &campaign.Response{}, err
	}), "want 201"},
	{"with no response at all", campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		_, err := (&naiveSender{client: noRedirect()}).Send(ctx, r)
		return nil, err
	}), "there has to be a response"},
}

// senderToTest is set in the process that runs TestSender on one of senders:
// that it fails cannot be seen from the same process without failing as well.
const senderToTest = "CAMPAIGNTEST_SENDER"

func TestTestSender(t *testing.T) {
	if name := os.Getenv(senderToTest); name != "" {
		for _, s := range senders {
			if s.name == name {
				campaigntest.TestSender(t, func(*testing.T) campaign.Sender { return s.sender })
			}
		}
		return
	}
	for _, s := range senders {
		t.Run(s.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTestSender$")
			cmd.Env = append(os.Environ(), senderToTest+"="+s.name)
			out, err := cmd.CombinedOutput()
			if (err == nil) != (s.want == "") || !bytes.Contains(out, []byte(s.want)) {
				t.Errorf("TestSender with a sender that %q: %v, want a failure that says %q; it says:\n%s", s.name, err, s.want, out)
			}
			if bytes.Contains(out, []byte("panic: ")) {
				t.Errorf("TestSender with a sender that %q panics:\n%s", s.name, out)
			}
		})
	}
}

package campaigntest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hybridcampaign/campaign/campaigntest"
)

func newReceiver(t *testing.T, o *campaigntest.ReceiverOptions) *campaigntest.Receiver {
	t.Helper()
	r := campaigntest.NewReceiver(o)
	t.Cleanup(r.Close)
	return r
}

func client(t *testing.T, config *tls.Config) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: config}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A test that closes its receiver to see what an outage does has a cleanup that
// closes it as well.
func TestReceiverCloseTwice(t *testing.T) {
	r := newReceiver(t, nil)
	r.Close()
	r.Close()
	if _, err := client(t, nil).Get(r.URL); err == nil {
		t.Error("a closed receiver has answered")
	}
}

func TestReceiverRecords(t *testing.T) {
	r := newReceiver(t, nil)
	resp, err := client(t, nil).Post(r.URL+"/a?b", "text/plain", bytes.NewReader([]byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	want := []campaigntest.Delivery{{
		Method: "POST", Target: "/a?b", Host: r.URL[len("http://"):], Body: []byte("hello"), Accepted: true,
	}}
	if diff := cmp.Diff(want, r.Deliveries(), cmpopts.IgnoreFields(campaigntest.Delivery{}, "Header")); diff != "" {
		t.Errorf("Deliveries (-want +got):\n%s", diff)
	}
	if got := r.Deliveries()[0].Header.Get("Content-Type"); got != "text/plain" {
		t.Errorf("Content-Type = %q, want text/plain", got)
	}
	if accepted, open := r.Connections(); accepted != 1 || open != 1 || r.Hits() != 1 {
		t.Errorf("Connections, Hits = %d accepted, %d open, %d, want 1 each", accepted, open, r.Hits())
	}
}

func TestReceiverReplies(t *testing.T) {
	tests := []struct {
		name     string
		reply    campaigntest.Reply
		status   int    // 0 if there is to be no answer
		body     string // its beginning
		size     int
		bodyErr  bool
		accepted bool
	}{
		{name: "zero", status: 200, accepted: true},
		{name: "status and body", reply: campaigntest.Reply{Status: 202, Body: []byte("ok")}, status: 202, body: "ok", size: 2, accepted: true},
		{name: "refused", reply: campaigntest.Reply{Status: 500}, status: 500},
		{name: "no content", reply: campaigntest.Reply{Status: 204}, status: 204, accepted: true},
		{name: "redirect", reply: campaigntest.Reply{Status: 302, Header: http.Header{"Location": {"/x"}}}, status: 302},
		{name: "huge", reply: campaigntest.Reply{Body: []byte("ab"), Size: 100_000}, status: 200, body: "ab   ", size: 100_000, accepted: true},
		{name: "drip", reply: campaigntest.Reply{Body: []byte("abc"), DripHeaders: time.Microsecond, DripBody: time.Microsecond, Delay: time.Millisecond}, status: 200, body: "abc", size: 3, accepted: true},
		{name: "raw", reply: campaigntest.Reply{Raw: "HTTP/1.1 299 X\r\nContent-Length: 1\r\n\r\ny"}, status: 299, body: "y", size: 1},
		{name: "raw, accepted", reply: campaigntest.Reply{Status: 200, Raw: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, status: 200, accepted: true},
		{name: "cut before the body", reply: campaigntest.Reply{Cut: campaigntest.CutBeforeBody}},
		{name: "cut before the answer", reply: campaigntest.Reply{Cut: campaigntest.CutBeforeAnswer}, accepted: true},
		{name: "reset before the answer", reply: campaigntest.Reply{Cut: campaigntest.CutBeforeAnswer, Reset: true}, accepted: true},
		{name: "cut in the headers", reply: campaigntest.Reply{Cut: campaigntest.CutInHeaders}, accepted: true},
		{name: "cut in the body", reply: campaigntest.Reply{Body: []byte("abcd"), Cut: campaigntest.CutInBody}, status: 200, body: "ab", size: 2, bodyErr: true, accepted: true},
		{name: "cut after the answer", reply: campaigntest.Reply{Body: []byte("abcd"), Cut: campaigntest.CutAfterAnswer}, status: 200, body: "abcd", size: 4, accepted: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReceiver(t, nil)
			r.Answer(tt.reply)
			resp, err := client(t, nil).Post(r.URL, "text/plain", bytes.NewReader([]byte("x")))
			if (err == nil) != (tt.status != 0) {
				t.Fatalf("Post = %v, want an answer: %v", err, tt.status != 0)
			}
			if err == nil {
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != tt.status || !bytes.HasPrefix(body, []byte(tt.body)) || len(body) != tt.size || (err != nil) != tt.bodyErr {
					t.Errorf("answer = %d, %d bytes, %v, want %d, %d bytes, error %v", resp.StatusCode, len(body), err, tt.status, tt.size, tt.bodyErr)
				}
			}
			if list := r.Deliveries(); len(list) != 1 || list[0].Accepted != tt.accepted {
				t.Errorf("Deliveries = %+v, want one, accepted: %v", list, tt.accepted)
			}
		})
	}
}

func TestReceiverVerifies(t *testing.T) {
	r := newReceiver(t, &campaigntest.ReceiverOptions{
		Verify: func(h http.Header, body []byte) error {
			if h.Get("X-Signature") != string(body) {
				return errors.New("forged")
			}
			return nil
		},
		Reply: func(n int) campaigntest.Reply { return campaigntest.Reply{Status: 200 + n} },
	})
	for signature, want := range map[string]int{"": 401, "hello": 0} {
		req, err := http.NewRequest("POST", r.URL, bytes.NewReader([]byte("hello")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Signature", signature)
		resp, err := client(t, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want == 0 {
			want = 200 + r.Hits()
		}
		if resp.StatusCode != want {
			t.Errorf("answer with signature %q = %d, want %d", signature, resp.StatusCode, want)
		}
	}
	for _, d := range r.Deliveries() {
		if signed := d.Header.Get("X-Signature") != ""; d.Accepted != signed || (d.Err == nil) != signed {
			t.Errorf("Delivery = accepted %v, %v, want accepted: %v", d.Accepted, d.Err, signed)
		}
	}
}

func TestReceiverTLS(t *testing.T) {
	for mode, ok := range map[campaigntest.TLSMode]bool{
		campaigntest.TLS: true, campaigntest.TLSClientCertificate: true,
		campaigntest.TLSExpired: false, campaigntest.TLSOtherHost: false, campaigntest.TLSOld: false,
		campaigntest.TLSSilent: false, campaigntest.TLSHangUp: false, campaigntest.TLSGarbage: false,
	} {
		r := newReceiver(t, &campaigntest.ReceiverOptions{TLS: mode})
		config := &tls.Config{RootCAs: r.Roots()}
		if cert := r.ClientCertificate(); cert.Leaf != nil {
			config.Certificates = []tls.Certificate{cert}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if mode == campaigntest.TLSSilent {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		req, err := http.NewRequestWithContext(ctx, "GET", r.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(t, config).Do(req)
		if err == nil {
			resp.Body.Close()
		}
		cancel()
		if (err == nil) != ok {
			t.Errorf("GET in TLS mode %d = %v, want success: %v", mode, err, ok)
		}
	}
}

func TestReceiverClose(t *testing.T) {
	arrived := make(chan bool)
	r := campaigntest.NewReceiver(&campaigntest.ReceiverOptions{Reply: func(int) campaigntest.Reply {
		close(arrived)
		return campaigntest.Reply{Delay: time.Hour}
	}})
	got := make(chan error)
	go func() {
		resp, err := client(t, nil).Get(r.URL)
		if err == nil {
			resp.Body.Close()
		}
		got <- err
	}()
	<-arrived
	r.Close()
	if err := <-got; err == nil {
		t.Error("Get during Close = nil, want an error")
	}
	if _, open := r.Connections(); open != 0 {
		t.Errorf("%d connections are open after Close, want none", open)
	}
}

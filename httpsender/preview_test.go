package httpsender_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

// wireOf sends r over a connection to a listener, and returns what arrived.
func wireOf(t *testing.T, s *httpsender.Sender, r *campaign.Request, at func(addr string)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at(l.Addr().String())
	arrived := make(chan string, 1)
	go func() {
		defer close(arrived)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		var all bytes.Buffer
		req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &all)))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_, _ = io.Copy(&all, c) // nothing follows
		arrived <- all.String()
	}()
	if _, err := send(t, s, r); err != nil {
		t.Fatal(err)
	}
	return <-arrived
}

// TestPreviewIsWhatIsSent holds the root package, which knows no HTTP, to what
// is written here.
func TestPreviewIsWhatIsSent(t *testing.T) {
	value := func(name, v string) campaign.Header { return campaign.Header{Name: name, Value: v} }
	json := value("Content-Type", "application/json")
	for _, test := range []struct {
		name    string
		request campaign.Request // its URL without scheme and host
	}{
		{"POST", campaign.Request{ID: "msg_1", Method: "POST", URL: "/hooks?a=%27", Headers: campaign.Headers{json}, Body: []byte(`{"name":"Zoë"}`)}},
		{"GET", campaign.Request{ID: "msg_1", Method: "GET", URL: "?a=b"}},
		{"POST of nothing", campaign.Request{ID: "msg_1", Method: "POST", URL: ""}},
		{"GET with a body", campaign.Request{ID: "msg_1", Method: "GET", URL: "/", Body: []byte("x")}},
		{"a test", campaign.Request{Method: "POST", URL: "/", Test: true, Headers: campaign.Headers{value(campaign.TestHeader, "true")}}},
		{"a test without the header of tests", campaign.Request{Method: "POST", URL: "/", Test: true}},
		{"headers of its own", campaign.Request{ID: "msg_1", Method: "POST", URL: "/", Headers: campaign.Headers{
			value("user-agent", "shop"), value("accept", "*/*"), value("X-Empty", ""), value("X-Tab", "a\tb  c"),
			{Name: "authorization", Value: "Bearer ", Secret: "KEY"},
			{Name: "X-Key", Secret: "KEY"},
		}}},
		{"strange target", campaign.Request{ID: "msg_1", Method: "GET", URL: "//a/../b;c|d/%2E?filter[]=a|b&c"}},
		{"empty query", campaign.Request{ID: "msg_1", Method: "GET", URL: "/?"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.request
			s := local(t, &httpsender.Sender{Secrets: httpsender.SecretsFunc(func(context.Context, string, string) (string, error) {
				return `s3cr3t "$X"`, nil
			})})
			got := wireOf(t, s, &r, func(addr string) { r.URL = "http://" + addr + r.URL })
			if diff := cmp.Diff(previewed(t, r.Preview(), `s3cr3t "$X"`), got); diff != "" {
				t.Errorf("on the wire (-previewed +sent):\n%s", diff)
			}
		})
	}
}

func previewed(t *testing.T, p campaign.Preview, secret string) string {
	t.Helper()
	u, err := neturl.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(p.Method + " " + u.RequestURI() + " HTTP/1.1\r\n")
	for _, h := range p.Headers {
		value := h.Value
		if h.Secret != "" {
			value += secret
		}
		if value != "" {
			value = " " + value
		}
		b.WriteString(h.Name + ":" + value + "\r\n")
	}
	return b.String() + "\r\n" + p.Body
}

// A signed request is the same with two more headers, as the doc of Preview says.
func TestPreviewOfSigned(t *testing.T) {
	key, err := httpsender.ParseSigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	s := local(t, &httpsender.Sender{Signing: httpsender.SigningFunc(func(context.Context, string) ([]httpsender.SigningKey, error) {
		return []httpsender.SigningKey{key}, nil
	})})
	r := post("")
	got := wireOf(t, s, r, func(addr string) { r.URL = "http://" + addr + "/" })
	before, rest, ok := strings.Cut(got, "webhook-timestamp: ")
	signature, after, ok2 := strings.Cut(rest, "Content-Length: ")
	if !ok || !ok2 || strings.Count(signature, "\r\n") != 2 {
		t.Fatalf("no timestamp and signature between webhook-id and Content-Length: %q", got)
	}
	if diff := cmp.Diff(previewed(t, r.Preview(), ""), before+"Content-Length: "+after); diff != "" {
		t.Errorf("on the wire, but for the signature (-previewed +sent):\n%s", diff)
	}
}

package httpsender

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// Inside the package, to read the bytes of a message without a connection. What
// is accepted has to be read by a server as one request, with the parts that
// went in: nothing in a URL, a header or a secret may become another header, or
// another request.
func FuzzMessage(f *testing.F) {
	f.Add("https://esp.example/v1?a=b", "X-Api-Key", "Bearer ", "secret", "msg_1", []byte("{}"), true)
	f.Add("https://esp.example/", "X-A", "a\r\nX-B: c", "", "msg_1", []byte(nil), false)
	f.Add("https://esp.example/\r\n\r\nGET / HTTP/1.1", "A:b", "", "a\nb", "msg_1\r\n", []byte("x"), false)
	f.Add("https://user@esp.example:443#x", "host", "", "", "", []byte("x"), true)
	f.Add("https://[::1]:8443//a//?", "x", "\t", "\x00", "", []byte("x"), true)
	f.Add("https://[fe80::1%25en0]/%zz", "webhook-id", "", "", "", []byte("x"), true)
	f.Add("HTTPS://ESP.example:00443?\xff=\u00e9", "Content-Length", "0", "", "", []byte("x"), true)
	f.Fuzz(func(t *testing.T, url, name, value, secret, id string, body []byte, post bool) {
		r := &campaign.Request{ID: id, Method: "GET", URL: url, Headers: campaign.Headers{{Name: name, Value: value, Secret: "KEY"}}}
		if post {
			r.Method, r.Body = "POST", body
		}
		rt := newRuntime(&Sender{Secrets: SecretsFunc(func(context.Context, string, string) (string, error) { return secret, nil })})
		p, err := rt.prepare(t.Context(), r, time.Now().Add(time.Minute))
		if err != nil {
			// An error names a header, but never what is in it.
			if text := err.Error(); len(secret) > 8 && strings.Contains(text, secret) || len(value) > 8 && strings.Contains(text, value) {
				t.Fatalf("prepare shows a secret or a value: %s", text)
			}
			return
		}
		m := &message{request: p, timestamp: "1", signature: "v1,x"}
		checkMessage(t, m, name, value+secret)
	})
}

func checkMessage(t *testing.T, m *message, name, value string) {
	p := m.request
	if p.url.Scheme != "https" || p.url.User != nil || strings.Contains(p.url.Host, "%") {
		t.Fatalf("prepare accepted the URL %q", p.url)
	}
	br := bufio.NewReader(bytes.NewReader(append(m.appendHead(nil), p.body...)))
	got, err := http.ReadRequest(br)
	if err != nil {
		t.Fatalf("a server cannot read the request: %v", err)
	}
	if got.Method != p.method || got.RequestURI != p.path || got.Host != p.url.Host {
		t.Fatalf("a server reads %s %s for %s, want %s %s for %s", got.Method, got.RequestURI, got.Host, p.method, p.path, p.url.Host)
	}
	if v := got.Header.Values(name); len(v) != 1 || v[0] != value {
		t.Fatalf("a server reads the header %s as %q, want %q", name, v, value)
	}
	headers := len(p.fields) + 2 // the signature's
	if p.method == http.MethodPost || len(p.body) > 0 {
		headers++ // Content-Length
	}
	if len(got.Header) != headers {
		t.Fatalf("a server reads the headers %v, want %d", got.Header, headers)
	}
	gotBody, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(gotBody, p.body) {
		t.Fatalf("a server reads the body %q, %v, want %q", gotBody, err, p.body)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Fatal("a server reads more than one request")
	}
	// The guard and the secrets look at the same host as the connection.
	if host, _, ok := strings.Cut(p.target.addr, ":"); ok && !strings.HasPrefix(p.host, strings.ToLower(host)) {
		t.Fatalf("secrets are told %q, and the connection leads to %q", p.host, p.target.addr)
	}
}

// Inside the package, as above.
func FuzzGuard(f *testing.F) {
	for _, s := range []string{"", "8.8.8.8:443", "[::1]:80", "[::ffff:10.0.0.1]:443", "[fe80::1%lo]:443", "[64:ff9b::a00:1]:443", "1:2:3"} {
		f.Add(s)
	}
	g, err := newGuard(false, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if g.check(address) != nil {
			return
		}
		// What net calls by these names is never public.
		ip := parseIP(address)
		if ip == nil || ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified() || ip.IsMulticast() ||
			ip.IsLinkLocalUnicast() || ip.IsInterfaceLocalMulticast() || !ip.IsGlobalUnicast() {
			t.Fatalf("check(%q) = nil, want a refusal", address)
		}
	})
}

func parseIP(address string) net.IP {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	return net.ParseIP(host)
}

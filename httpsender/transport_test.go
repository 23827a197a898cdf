package httpsender_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

// Verdicts over a transport of the host's, of which nothing is known but what
// it returns and what it tells an httptrace.ClientTrace.
func TestTransportOfTheHost(t *testing.T) {
	gone := func(r *http.Request) {
		trace := httptrace.ContextClientTrace(r.Context())
		trace.GetConn("esp.example:443")
		trace.GotConn(httptrace.GotConnInfo{})
	}
	failing := errors.New("failed")
	tests := []struct {
		name string
		trip transportFunc
		want string
	}{
		{"answer", func(*http.Request) (*http.Response, error) { return answered(200) }, "delivered 200"},
		{"answer without a body", func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil }, "delivered 204"},
		{"redirect", func(*http.Request) (*http.Response, error) { return answered(302) }, "rejected 302"},
		{"neither response nor error", func(*http.Request) (*http.Response, error) { return nil, nil }, "uncertain"},
		{"unknown error", func(*http.Request) (*http.Response, error) { return nil, failing }, "uncertain"},
		{"panic", func(*http.Request) (*http.Response, error) { panic(canary) }, "uncertain"},
		{"dial error", func(*http.Request) (*http.Response, error) { return nil, fakeErrors["refused"] }, "unreachable"},
		{"name error", func(*http.Request) (*http.Response, error) { return nil, fakeErrors["no name"] }, "unreachable"},
		{"asked for a connection and got none", func(r *http.Request) (*http.Response, error) {
			httptrace.ContextClientTrace(r.Context()).GetConn("esp.example:443")
			return nil, failing
		}, "unreachable"},
		{"had a connection", func(r *http.Request) (*http.Response, error) { gone(r); return nil, failing }, "uncertain"},
		// A second connection does not make the first one unwritten.
		{"dial error after a connection", func(r *http.Request) (*http.Response, error) {
			gone(r)
			return nil, fakeErrors["refused"]
		}, "uncertain"},
		{"panic after a connection", func(r *http.Request) (*http.Response, error) { gone(r); panic(canary) }, "uncertain"},
		{"canceled by itself", func(*http.Request) (*http.Response, error) { return nil, context.Canceled }, "uncertain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &httpsender.Sender{Transport: tt.trip, Attempts: 1}
			resp, err := s.Send(t.Context(), post("https://esp.example/"))
			if got := result(t, resp, err); got != tt.want {
				t.Errorf("Send = %s (%v), want %s", got, err, tt.want)
			}
			if err != nil {
				lookForCanary(t, err)
			}
		})
	}
}

func TestHTTPTransportOfTheHost(t *testing.T) {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	// Kept open by an answer, then broken: http.Transport would send again.
	for _, request := range []func(string) *campaign.Request{post, get, func(url string) *campaign.Request {
		r := post(url)
		r.Body = nil
		r.Headers = campaign.Headers{{Name: "Idempotency-Key", Value: "k"}}
		return r
	}} {
		s := &httpsender.Sender{AllowHTTP: true, Attempts: 1, Transport: &http.Transport{}}
		receiver.Answer(campaigntest.Reply{}, campaigntest.Reply{Cut: campaigntest.CutBeforeAnswer, Reset: true})
		before := receiver.Hits()
		if _, de := send(t, s, request(receiver.URL)); de != nil {
			t.Fatal(de)
		}
		_, de := send(t, s, request(receiver.URL))
		if de == nil || de.Verdict != campaign.Uncertain {
			t.Errorf("second Send = %v, want uncertain", de)
		}
		if n := receiver.Hits() - before; n != 2 {
			t.Errorf("%d requests arrived, want 2", n)
		}
		s.CloseIdleConnections()
	}
	waitFor(t, "no connection is left", func() bool { _, open := receiver.Connections(); return open == 0 })
}

func TestHTTPTransportConformance(t *testing.T) {
	campaigntest.TestSender(t, func(t *testing.T) campaign.Sender {
		s := &httpsender.Sender{AllowHTTP: true, Transport: &http.Transport{DisableCompression: true}}
		t.Cleanup(s.CloseIdleConnections)
		return s
	})
}

// Ways to end a connection between two requests, in which the second must not
// be lost: the endpoint never sees it, and it goes over a new connection.
func TestIdleConnectionIsGone(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"closed": func(c net.Conn) { c.Close() },
		"reset":  reset,
		"408": func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		},
		"unasked":    func(c net.Conn) { io.WriteString(c, "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n") },
		"half of it": func(c net.Conn) { io.WriteString(c, "HTTP/1.1 ") },
	} {
		t.Run(name, func(t *testing.T) {
			answered, ended := make(chan net.Conn), make(chan bool)
			srv := raw(t, func(c net.Conn, n int64) bool {
				io.WriteString(c, okAnswer)
				if n == 1 {
					answered <- c
					<-ended
				}
				return true
			})
			s := local(t, &httpsender.Sender{})
			go func() { end(<-answered); close(ended) }()
			if _, de := send(t, s, post(srv.URL)); de != nil {
				t.Fatal(de)
			}
			<-ended
			settle(t)
			resp, de := send(t, s, post(srv.URL))
			if de != nil || resp.Attempts != 1 {
				t.Errorf("second Send = %v, want delivery with 1 attempt", de)
			}
			if n := srv.hits.Load(); n != 2 {
				t.Errorf("%d requests arrived, want 2", n)
			}
		})
	}
}

// settle returns once what was sent over a loopback connection before has
// surely arrived: the system delivers it in order of sending.
func settle(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go other.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// An endpoint chooses what it sends, and may send back what it was sent: none
// of it may end in the host's log.
func TestNothingIsLogged(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(io.Discard)
	for _, answer := range []string{
		okAnswer + canary,
		"HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\n" + canary,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + canary,
		canary + "\r\n\r\n",
	} {
		srv := raw(t, func(c net.Conn, _ int64) bool { io.WriteString(c, answer); return true })
		s := local(t, &httpsender.Sender{})
		for range 3 {
			_, _ = s.Send(t.Context(), post(srv.URL))
		}
		s.CloseIdleConnections()
	}
	if strings.Contains(logged.String(), canary) || logged.Len() > 0 {
		t.Errorf("the log has %q, want nothing", logged.String())
	}
}

// Headers go out in the order and the case of the campaign.
func TestOnTheWire(t *testing.T) {
	key := signingKey(t, whsec(32))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		io.WriteString(c, okAnswer)
		got <- string(buf[:n])
	}()
	s := local(t, &httpsender.Sender{Signing: httpsender.SigningFunc(func(context.Context, string) ([]httpsender.SigningKey, error) {
		return []httpsender.SigningKey{key}, nil
	})})
	r := post("http://" + l.Addr().String() + "/a%2Fb//c|d?d=e%20f|&g#h")
	r.Headers = append(r.Headers, campaign.Header{Name: "x-API-Key", Value: "k"}, campaign.Header{Name: "A", Value: ""})
	if _, de := send(t, s, r); de != nil {
		t.Fatal(de)
	}
	head, body, _ := strings.Cut(<-got, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	want := []string{
		"POST /a%2Fb//c%7Cd?d=e%20f|&g HTTP/1.1", "Host: " + l.Addr().String(),
		"Content-Type: application/json", "x-API-Key: k", "A:", "User-Agent: campaign-webhook", "webhook-id: msg_1",
		"webhook-timestamp: ", "webhook-signature: v1,", "Content-Length: 18",
	}
	for i := range want {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want[i]) {
			t.Fatalf("line %d of the request = %q, want %q", i, lines, want)
		}
	}
	if len(lines) != len(want) || body != string(r.Body) {
		t.Errorf("request has %d lines and body %q, want %d and %q", len(lines), body, len(want), r.Body)
	}
}

// One that answers while it is still being written to: what it says counts.
func TestAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan bool)
	defer close(done)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 1024))
				io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
				<-done // and reads no more
			}()
		}
	}()
	url := "http://" + l.Addr().String()
	body := post(url)
	body.Body = make([]byte, 32<<20)
	header := get(url)
	header.Headers = campaign.Headers{{Name: "X-Long", Value: strings.Repeat("x", 16<<20)}}
	for name, r := range map[string]*campaign.Request{
		"body": body, "URL": get(url + "/?q=" + strings.Repeat("x", 16<<20)), "header": header,
	} {
		start := time.Now()
		_, de := send(t, local(t, &httpsender.Sender{}), r)
		if de == nil || de.Status != 401 || de.Verdict != campaign.Rejected {
			t.Errorf("long %s: Send = %v, want rejected with 401", name, de)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("long %s: Send took %v, want as long as the answer", name, d)
		}
		// The body is the caller's again: the race detector sees who still reads it.
		clear(r.Body)
	}
}

// A panickyCache panics when TLS has a ticket for it, which comes after the
// handshake.
type panickyCache struct{}

func (panickyCache) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (panickyCache) Put(string, *tls.ClientSessionState)        { panic(canary) }

func TestCallbackOfTLSPanics(t *testing.T) {
	r := campaigntest.NewReceiver(&campaigntest.ReceiverOptions{TLS: campaigntest.TLS})
	defer r.Close()
	for name, body := range map[string][]byte{
		"small": []byte("{}"),
		"big":   make([]byte, 1<<20), // may not have begun to be written
	} {
		s := local(t, &httpsender.Sender{TLS: &tls.Config{RootCAs: r.Roots(), ClientSessionCache: panickyCache{}}})
		request := post(r.URL)
		request.Body = body
		_, de := send(t, s, request)
		if de == nil || de.Verdict == campaign.Rejected || name == "small" && de.Verdict != campaign.Uncertain || strings.Contains(de.Error(), canary) {
			t.Errorf("%s: Send = %v, want uncertain, without what was thrown", name, de)
		}
		waitFor(t, "its connection is closed", func() bool { _, open := r.Connections(); return open == 0 })
	}
}

// A body of a host's transport may panic when it is read, or closed.
type panickyBody struct{ readToo bool }

func (b panickyBody) Read([]byte) (int, error) {
	if b.readToo {
		panic(canary)
	}
	return 0, io.EOF
}
func (panickyBody) Close() error { panic(canary) }

func TestBodyOfTheHostPanics(t *testing.T) {
	for _, body := range []panickyBody{{false}, {true}} {
		s := &httpsender.Sender{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: -1, Header: http.Header{}, Body: body}, nil
		})}
		if resp, de := send(t, s, post("https://esp.example/")); de != nil || resp.Status != 200 || len(resp.Body) != 0 {
			t.Errorf("%+v: Send = %+v, %v, want the answer without a body", body, resp, de)
		}
	}
}

func TestCanceledInABigBody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	conns := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		conns <- c // it reads a little and then no more
		_, _ = c.Read(make([]byte, 1024))
		cancel()
	}()
	r := post("http://" + l.Addr().String())
	r.Body = make([]byte, 32<<20)
	_, err = local(t, &httpsender.Sender{}).Send(ctx, r)
	de, ok := errors.AsType[*campaign.DeliveryError](err)
	if !ok || de.Verdict != campaign.Uncertain || !errors.Is(err, context.Canceled) {
		t.Errorf("Send = %v, want uncertain and context.Canceled", err)
	}
	(<-conns).Close()
	clear(r.Body)
}

// Nothing listens: the error is one that callers can ask for.
func TestCausesCanBeAskedFor(t *testing.T) {
	_, de := send(t, local(t, &httpsender.Sender{}), post("http://127.0.0.1:1/"))
	if !errors.Is(de, syscall.ECONNREFUSED) {
		t.Errorf("Send = %v, want an error that is ECONNREFUSED", de)
	}
	_, de = send(t, local(t, &httpsender.Sender{}), post("http://nobody.test/"))
	if dns, ok := errors.AsType[*net.DNSError](de); !ok || !dns.IsNotFound {
		t.Errorf("Send = %v, want an error that is a net.DNSError", de)
	}
}

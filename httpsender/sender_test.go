package httpsender_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func TestDelivered(t *testing.T) {
	type seen struct {
		Method, Path, Body string
		Header             http.Header
	}
	var got seen
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.URL.RequestURI(), string(body), r.Header}
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "thanks")
	})
	s := local(t, &httpsender.Sender{
		Secrets: httpsender.MapSecrets(map[string]httpsender.BoundSecret{
			"ESP_KEY": {Value: "s3cret", Hosts: []string{strings.TrimPrefix(srv.URL, "http://")}},
		}),
	})
	r := post(srv.URL + "/v1/automations?x=%41")
	r.Headers = append(r.Headers,
		campaign.Header{Name: "Authorization", Value: "Bearer ", Secret: "ESP_KEY"},
		campaign.Header{Name: "X-Source", Value: "webshop"})

	resp, de := send(t, s, r)
	if de != nil {
		t.Fatalf("Send = %v, want delivery", de)
	}
	wantResp := &campaign.Response{Status: 202, Body: []byte("thanks"), Attempts: 1}
	if diff := cmp.Diff(wantResp, resp); diff != "" {
		t.Errorf("Send response (-want +got):\n%s", diff)
	}
	want := seen{"POST", "/v1/automations?x=%41", `{"profileid":"42"}`, http.Header{
		"Authorization":  {"Bearer s3cret"},
		"Content-Length": {"18"},
		"Content-Type":   {"application/json"},
		"User-Agent":     {"campaign-webhook"},
		"Webhook-Id":     {"msg_1"},
		"X-Source":       {"webshop"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request that arrived (-want +got):\n%s", diff)
	}
}

func TestWireForm(t *testing.T) {
	tests := []struct {
		name string
		edit func(*campaign.Request)
		want http.Header
	}{
		{
			"GET", func(r *campaign.Request) { *r = *get(r.URL) },
			http.Header{"User-Agent": {"campaign-webhook"}, "Webhook-Id": {"msg_2"}},
		},
		{
			"POST without a body", func(r *campaign.Request) { r.Body, r.Headers = nil, nil },
			http.Header{"Content-Length": {"0"}, "User-Agent": {"campaign-webhook"}, "Webhook-Id": {"msg_1"}},
		},
		{"its own User-Agent", func(r *campaign.Request) {
			r.Body, r.Headers = nil, campaign.Headers{{Name: "user-agent", Value: "shop/1"}}
		}, http.Header{"Content-Length": {"0"}, "User-Agent": {"shop/1"}, "Webhook-Id": {"msg_1"}}},
		{
			"test", func(r *campaign.Request) { *r = *get(r.URL); r.Test = true },
			http.Header{"Campaign-Test": {"true"}, "User-Agent": {"campaign-webhook"}, "Webhook-Id": {"msg_2"}},
		},
		{"idempotency key", func(r *campaign.Request) {
			*r = *get(r.URL)
			r.Headers = campaign.Headers{{Name: "Idempotency-Key", Value: "k"}}
		}, http.Header{"Idempotency-Key": {"k"}, "User-Agent": {"campaign-webhook"}, "Webhook-Id": {"msg_2"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got http.Header
			var te []string
			srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, te = r.Header, r.TransferEncoding })
			r := post(srv.URL)
			tt.edit(r)
			if _, de := send(t, local(t, &httpsender.Sender{}), r); de != nil {
				t.Fatal(de)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("headers that arrived (-want +got):\n%s", diff)
			}
			if te != nil {
				t.Errorf("transfer encoding = %q, want none", te)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[int]string{
		200: "delivered", 201: "delivered", 204: "delivered", 299: "delivered",
		301: "rejected", 302: "rejected", 307: "rejected", 308: "rejected", 304: "rejected",
		400: "rejected", 401: "rejected", 404: "rejected", 410: "rejected",
		500: "rejected", 501: "rejected", 505: "rejected", 599: "rejected", 999: "rejected",
		504: "uncertain",
	} {
		var hits atomic.Int64
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		_, de := send(t, local(t, &httpsender.Sender{}), post(srv.URL))
		got := "delivered"
		if de != nil {
			got = de.Verdict.String()
			if de.Status != status {
				t.Errorf("Send to %d: Status = %d, want %d", status, de.Status, status)
			}
		}
		if got != want {
			t.Errorf("Send to %d = %s, want %s", status, got, want)
		}
		if hits.Load() != 1 {
			t.Errorf("Send to %d: %d requests arrived, want 1", status, hits.Load())
		}
	}
}

func TestBrokenExchanges(t *testing.T) {
	tests := []struct {
		name   string
		answer func(net.Conn)
		want   campaign.Verdict
		is     error
	}{
		{"closed without an answer", func(net.Conn) {}, campaign.Uncertain, io.EOF},
		{"reset without an answer", reset, campaign.Uncertain, syscall.ECONNRESET},
		{"half a status line", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 20") }, campaign.Uncertain, nil},
		{"half the headers", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: y\r\n") }, campaign.Uncertain, io.ErrUnexpectedEOF},
		{"not HTTP", func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n") }, campaign.Uncertain, nil},
		{"a status that is no number", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 2xx OK\r\n\r\n") }, campaign.Uncertain, nil},
		{"headers without end", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 80<<10)+"\r\n\r\n")
		}, campaign.Uncertain, nil},
		{"no answer in time", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, campaign.Uncertain, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := raw(t, func(c net.Conn, _ int64) bool { tt.answer(c); return false })
			s := local(t, &httpsender.Sender{})
			if tt.is == context.DeadlineExceeded {
				s.Timeout = 400 * time.Millisecond // as short as a busy machine allows
			}
			_, de := send(t, s, post(srv.URL))
			if de == nil || de.Verdict != tt.want {
				t.Fatalf("Send = %v, want %v", de, tt.want)
			}
			if tt.is != nil && !errors.Is(de, tt.is) {
				t.Errorf("Send = %v, want an error that is %v", de, tt.is)
			}
			if n := srv.hits.Load(); n != 1 {
				t.Errorf("%d requests arrived, want 1", n)
			}
		})
	}
}

func TestAnsweredIsDelivered(t *testing.T) {
	tests := []struct{ name, answer, body string }{
		{"body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "abc"},
		{"broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "abc"},
		{"body until the end", "HTTP/1.1 200 OK\r\n\r\nabc", "abc"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabc", "abc"},
		{"after 103", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okAnswer, ""},
		{"after 100", "HTTP/1.1 100 Continue\r\n\r\n" + okAnswer, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := raw(t, func(c net.Conn, _ int64) bool { io.WriteString(c, tt.answer); return false })
			resp, de := send(t, local(t, &httpsender.Sender{}), post(srv.URL))
			if de != nil || string(resp.Body) != tt.body {
				t.Errorf("Send = %+v, %v, want delivery with body %q", resp, de, tt.body)
			}
		})
	}
}

func TestSwitchingProtocols(t *testing.T) {
	srv := raw(t, func(c net.Conn, _ int64) bool {
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = c.Read(make([]byte, 1)) // until the client goes
		return false
	})
	_, de := send(t, local(t, &httpsender.Sender{}), post(srv.URL))
	if de == nil || de.Verdict != campaign.Rejected || de.Status != 101 {
		t.Errorf("Send = %v, want rejected with 101", de)
	}
}

func TestSlowDripEnds(t *testing.T) {
	srv := raw(t, func(c net.Conn, _ int64) bool {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\na")
		_, _ = c.Read(make([]byte, 1))
		return false
	})
	start := time.Now()
	resp, de := send(t, local(t, &httpsender.Sender{Timeout: 400 * time.Millisecond}), post(srv.URL))
	if de != nil || string(resp.Body) != "a" {
		t.Errorf("Send = %+v, %v, want delivery: the status said so", resp, de)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Send took %v, want about its time limit of 400ms", d)
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	tlsSrv := httptest.NewTLSServer(nil)
	tlsSrv.Config.ErrorLog = discardLog
	t.Cleanup(tlsSrv.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	hangUp := raw(t, func(net.Conn, int64) bool { return false })

	tests := []struct{ name, url, text string }{
		{"nobody listens", closed.URL, "connection refused"},
		{"no such name", "http://a..b/", "no such host"},
		{"certificate of nobody", tlsSrv.URL, "unknown authority"},
		{"no TLS", "https" + strings.TrimPrefix(plain.URL, "http"), "does not speak TLS"},
		{"no TLS, and closed", "https" + strings.TrimPrefix(hangUp.URL, "http"), "closed before"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, de := send(t, local(t, &httpsender.Sender{}), post(tt.url))
			if de == nil || de.Verdict != campaign.Unreachable || de.Attempts != 1 {
				t.Fatalf("Send = %v, want unreachable after 1 attempt", de)
			}
			if !strings.Contains(de.Error(), tt.text) {
				t.Errorf("Send = %q, want a text with %q", de, tt.text)
			}
		})
	}
}

// What no campaign can have, Send refuses: requests may come from elsewhere.
func TestSendRefusesTheHeadersThatCampaignsCannotHave(t *testing.T) {
	s := local(t, &httpsender.Sender{Transport: transportFunc(func(*http.Request) (*http.Response, error) { return answered(200) })})
	for _, name := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE",
		"Expect", "HTTP2-Settings", "Proxy-Authorization", "Accept-Encoding", "Content-Encoding", "webhook-id", "webhook-other", "X-A", "a b", "",
	} {
		headers := campaign.Headers{{Name: name, Value: "x"}}
		valid := campaign.Campaign{ID: "c", Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
			campaign.Webhook{URL: "https://esp.example/", Headers: headers},
			campaign.Stop{},
		}}.Validate() == nil
		r := get("https://esp.example/")
		r.Headers = headers
		if _, de := send(t, s, r); (de == nil) != valid {
			t.Errorf("header %q: Send = %v, and a campaign may have it: %t", name, de, valid)
		}
	}
}

func TestRefusedBeforeSending(t *testing.T) {
	var hits atomic.Int64
	srv := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	host := strings.TrimPrefix(srv.URL, "http://")
	tests := []struct {
		name string
		edit func(*httpsender.Sender, *campaign.Request)
		text string
	}{
		{"http", func(s *httpsender.Sender, _ *campaign.Request) { s.AllowHTTP = false }, "Sender.AllowHTTP"},
		{"http, and where", func(s *httpsender.Sender, _ *campaign.Request) { s.AllowHTTP = false }, "campaign: http://127.0.0.1:"},
		{"other scheme", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "ftp://" + host }, "not https"},
		{"no scheme", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "//" + host }, "not https"},
		{"no host", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http:///x" }, "no host"},
		{"port alone", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://:80/x" }, "no host"},
		{"opaque", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http:x" }, "no host"},
		{"no URL", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://[::1" }, "cannot be parsed"},
		{"control character", func(_ *httpsender.Sender, r *campaign.Request) { r.URL += "/\n" }, "cannot be parsed"},
		{"user", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://u:p@" + host }, "user name"},
		{"empty user", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://@" + host }, "user name"},
		{"zone", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://[fe80::1%25eth0]/" }, "zone"},
		{"port 0", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://127.0.0.1:0/" }, "port"},
		{"port 65536", func(_ *httpsender.Sender, r *campaign.Request) { r.URL = "http://127.0.0.1:65536/" }, "port"},
		{"port beyond int", func(_ *httpsender.Sender, r *campaign.Request) {
			r.URL = "http://127.0.0.1:" + strings.Repeat("9", 40)
		}, "port"},
		{"method", func(_ *httpsender.Sender, r *campaign.Request) { r.Method = "CONNECT" }, "POST nor GET"},
		{"no method", func(_ *httpsender.Sender, r *campaign.Request) { r.Method = "" }, "POST nor GET"},
		{"header name", func(_ *httpsender.Sender, r *campaign.Request) { r.Headers[0].Name = "a b" }, "not a name"},
		{"header value", func(_ *httpsender.Sender, r *campaign.Request) { r.Headers[0].Value = "a\r\nb: c" }, "line break"},
		{"header twice", func(_ *httpsender.Sender, r *campaign.Request) {
			r.Headers = campaign.Headers{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}}
		}, "twice"},
		{"client's header", func(_ *httpsender.Sender, r *campaign.Request) { r.Headers[0].Name = "transfer-encoding" }, "HTTP client"},
		{"our header", func(_ *httpsender.Sender, r *campaign.Request) { r.Headers[0].Name = "Webhook-ID" }, "delivery ID"},
		{"delivery ID", func(_ *httpsender.Sender, r *campaign.Request) { r.ID = "a\nb" }, "delivery ID"},
		{"no secrets", func(_ *httpsender.Sender, r *campaign.Request) { r.Headers[0].Secret = "KEY" }, "Sender.Secrets"},
		{"allow list", func(s *httpsender.Sender, _ *campaign.Request) { s.Allow = []string{"http://crm"} }, "Sender.Allow[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, r := local(t, &httpsender.Sender{}), post(srv.URL)
			tt.edit(s, r)
			_, de := send(t, s, r)
			if de == nil || de.Verdict != campaign.Unreachable || de.Attempts != 0 {
				t.Fatalf("Send = %v, want unreachable without an attempt", de)
			}
			if !strings.Contains(de.Error(), tt.text) {
				t.Errorf("Send = %q, want a text with %q", de, tt.text)
			}
		})
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived, want none", n)
	}
}

func TestCanceled(t *testing.T) {
	srv := raw(t, func(c net.Conn, _ int64) bool { _, _ = c.Read(make([]byte, 1)); return false })

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("a cause of the host's"))
	_, err := local(t, &httpsender.Sender{}).Send(ctx, post(srv.URL))
	de, ok := errors.AsType[*campaign.DeliveryError](err)
	if !ok || de.Verdict != campaign.Unreachable || !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "host's") {
		t.Errorf("Send, canceled before = %v, want unreachable and context.Canceled", err)
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	go func() {
		waitFor(t, "the request has arrived", func() bool { return srv.hits.Load() == 1 })
		cancel(errors.New("a cause of the host's"))
	}()
	_, err = local(t, &httpsender.Sender{}).Send(ctx, post(srv.URL))
	de, ok = errors.AsType[*campaign.DeliveryError](err)
	if !ok || de.Verdict != campaign.Uncertain || !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "host's") {
		t.Errorf("Send, canceled during = %v, want uncertain and context.Canceled", err)
	}
}

// A listener that never accepts: the handshake of TLS cannot begin, and nothing
// of the request is written.
func TestCanceledInTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := local(t, &httpsender.Sender{Timeout: 50 * time.Millisecond})
	_, de := send(t, s, post("https://"+l.Addr().String()))
	if de == nil || de.Verdict != campaign.Unreachable || !errors.Is(de, context.DeadlineExceeded) {
		t.Errorf("Send = %v, want unreachable and context.DeadlineExceeded", de)
	}
}

// http.Transport sends some requests again by itself when a connection that it
// had used before breaks. None of ours may be among them.
func TestNeverSentTwice(t *testing.T) {
	requests := map[string]func(string) *campaign.Request{
		"POST": post,
		"GET":  get,
		"POST with an idempotency key": func(url string) *campaign.Request {
			r := post(url)
			r.Headers = append(r.Headers, campaign.Header{Name: "Idempotency-Key", Value: "k"})
			return r
		},
		"empty POST with an idempotency key": func(url string) *campaign.Request {
			r := post(url)
			r.Body = nil
			r.Headers = campaign.Headers{{Name: "x-idempotency-key", Value: "k"}}
			return r
		},
	}
	for name, request := range requests {
		for how, end := range map[string]func(net.Conn){"reset": reset, "close": func(c net.Conn) { c.Close() }} {
			t.Run(name+"/"+how, func(t *testing.T) {
				srv := raw(t, func(c net.Conn, n int64) bool {
					if n == 1 {
						io.WriteString(c, okAnswer)
						return true
					}
					end(c)
					return false
				})
				s := local(t, &httpsender.Sender{})
				if _, de := send(t, s, request(srv.URL)); de != nil {
					t.Fatal(de)
				}
				_, de := send(t, s, request(srv.URL))
				if de == nil || de.Verdict != campaign.Uncertain {
					t.Errorf("second Send = %v, want uncertain", de)
				}
				if n := srv.hits.Load(); n != 2 {
					t.Errorf("%d requests arrived, want 2", n)
				}
			})
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	const big = 60 << 10
	bodies := map[string]http.HandlerFunc{
		"empty":   func(http.ResponseWriter, *http.Request) {},
		"short":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") },
		"4 KiB":   func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 4<<10)) },
		"60 KiB":  func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, big)) },
		"64 KiB":  func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 64<<10)) },
		"refused": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 400) },
	}
	for name, h := range bodies {
		t.Run(name, func(t *testing.T) {
			var conns atomic.Int64
			srv := httptest.NewUnstartedServer(h)
			srv.Config.ConnState = func(_ net.Conn, st http.ConnState) {
				if st == http.StateNew {
					conns.Add(1)
				}
			}
			srv.Start()
			defer srv.Close()
			s := local(t, &httpsender.Sender{})
			for _, r := range []*campaign.Request{post(srv.URL), get(srv.URL), post(srv.URL)} {
				resp, _ := send(t, s, r)
				if resp != nil && len(resp.Body) > 4<<10 {
					t.Errorf("%d bytes of the body kept, want at most 4 KiB", len(resp.Body))
				}
			}
			if n := conns.Load(); n != 1 {
				t.Errorf("3 requests took %d connections, want 1", n)
			}
		})
	}
}

func TestHugeBodyIsCutOff(t *testing.T) {
	written := make(chan int64, 1)
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n, _ := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
		written <- n
	})
	resp, de := send(t, local(t, &httpsender.Sender{}), post(srv.URL))
	if de != nil || len(resp.Body) != 4<<10 {
		t.Fatalf("Send = %v, want delivery with 4 KiB of the body", de)
	}
	if n := <-written; n > 64<<20 {
		t.Errorf("the endpoint could write %d bytes, want an early end", n)
	}
}

func TestBodyIsNotDecompressed(t *testing.T) {
	var bomb bytes.Buffer
	zw := gzip.NewWriter(&bomb)
	zw.Write(make([]byte, 1<<20))
	zw.Close()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	resp, de := send(t, local(t, &httpsender.Sender{}), post(srv.URL))
	if de != nil || !bytes.Equal(resp.Body, bomb.Bytes()) {
		t.Errorf("Send = %v, want delivery with the body as it was sent", de)
	}
}

func TestProxyFromEnvironmentIsIgnored(t *testing.T) {
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	// Not a loopback name, for which net/http would ignore the proxy anyway.
	_, de := send(t, local(t, &httpsender.Sender{}), post("http://a..b/"))
	if de == nil || de.Verdict != campaign.Unreachable {
		t.Errorf("Send = %v, want unreachable", de)
	}
}

func TestGuard(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	port := srv.Listener.Addr().(*net.TCPAddr).Port
	byName := "http://localhost:" + itoa(port)
	tests := []struct {
		name  string
		allow []string
		url   string
		ok    bool
	}{
		{"nothing allowed", nil, srv.URL, false},
		{"nothing allowed, by name", nil, byName, false},
		{"IPv4 in IPv6", nil, "http://[::ffff:127.0.0.1]:" + itoa(port), false},
		{"prefix", []string{"127.0.0.0/8"}, srv.URL, true},
		{"prefix, IPv4 in IPv6", []string{"127.0.0.0/8"}, "http://[::ffff:127.0.0.1]:" + itoa(port), true},
		{"prefix written as IPv6", []string{"::ffff:127.0.0.0/104"}, srv.URL, true},
		{"another prefix written as IPv6", []string{"::ffff:128.0.0.0/97"}, srv.URL, false},
		{"address written as IPv6", []string{"::ffff:127.0.0.1/128"}, srv.URL, true},
		{"address", []string{"127.0.0.1"}, srv.URL, true},
		{"another address", []string{"127.0.0.2"}, srv.URL, false},
		{"name", []string{"LocalHost"}, byName, true},
		{"name does not allow its address", []string{"localhost"}, srv.URL, false},
		{"another name", []string{"crm.internal"}, byName, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &httpsender.Sender{AllowHTTP: true, Allow: tt.allow}
			defer s.CloseIdleConnections()
			_, de := send(t, s, post(tt.url))
			if tt.ok && de != nil {
				t.Errorf("Send = %v, want delivery", de)
			}
			if !tt.ok && (de == nil || de.Verdict != campaign.Unreachable || !errors.Is(de, httpsender.ErrAddress)) {
				t.Errorf("Send = %v, want unreachable and ErrAddress", de)
			}
		})
	}
}

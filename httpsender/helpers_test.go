package httpsender_test

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

// post returns a request as a campaign would render it.
func post(url string) *campaign.Request {
	return &campaign.Request{
		ID: "msg_1", Campaign: "shoes", Node: 1, Method: "POST", URL: url,
		Headers: campaign.Headers{{Name: "Content-Type", Value: "application/json"}},
		Body:    []byte(`{"profileid":"42"}`),
	}
}

func get(url string) *campaign.Request {
	return &campaign.Request{ID: "msg_2", Campaign: "shoes", Node: 1, Method: "GET", URL: url}
}

// local returns a Sender for servers on this machine, which tries once unless
// told otherwise, and sees to it that its connections are closed with the test.
func local(t *testing.T, s *httpsender.Sender) *httpsender.Sender {
	t.Helper()
	s.AllowHTTP, s.AllowPrivate = true, true
	s.Attempts = max(s.Attempts, 1)
	t.Cleanup(s.CloseIdleConnections)
	return s
}

func send(t *testing.T, s campaign.Sender, r *campaign.Request) (*campaign.Response, *campaign.DeliveryError) {
	t.Helper()
	resp, err := s.Send(t.Context(), r)
	if err == nil {
		return resp, nil
	}
	de, ok := errors.AsType[*campaign.DeliveryError](err)
	if !ok {
		t.Fatalf("Send(%v) error = %T, want *campaign.DeliveryError", r, err)
	}
	return resp, de
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// A rawServer speaks HTTP as badly as its script says.
type rawServer struct {
	URL  string
	hits atomic.Int64 // requests read, on all connections
}

// raw starts a server that reads requests and calls answer after each, with how
// many it has read in all. It keeps a connection while answer returns true.
func raw(t *testing.T, answer func(c net.Conn, n int64) bool) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &rawServer{URL: "http://" + l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c, answer)
		}
	}()
	return s
}

func (s *rawServer) serve(c net.Conn, answer func(net.Conn, int64) bool) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if !answer(c, s.hits.Add(1)) {
			return
		}
	}
}

// reset closes c so that the other side gets a reset, not an end.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// waitFor waits until ok holds, which it does soon or not at all.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

var discardLog = log.New(io.Discard, "", 0)

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

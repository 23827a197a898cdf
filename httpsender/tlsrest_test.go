package httpsender_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign/httpsender"
)

// What follows an answer in the same segment is read with it, out of sight of
// whoever looks at the socket. The next request must neither get it for an answer
// nor be written into a connection that has ended.
func TestRestBehindAnAnswerOverTLS(t *testing.T) {
	for name, tt := range map[string]segment{
		"end of TLS, TCP stays open":   {records: []string{okAnswer}, end: true},
		"body behind a 204":            {records: []string{"HTTP/1.1 204 No Content\r\n\r\n", "OK"}},
		"answer that nobody asked for": {records: []string{okAnswer, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"}},
		"the same, and it is good":     {records: []string{okAnswer, okAnswer}},
		"a part of it":                 {records: []string{okAnswer, okAnswer}, kept: 5},
		"a part of its record's head":  {records: []string{okAnswer, okAnswer}, kept: len(okAnswer) + 1 + 16 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			var hits atomic.Int64
			url, roots := inOneSegment(t, &hits, tt)
			s := local(t, &httpsender.Sender{TLS: &tls.Config{RootCAs: roots}})
			for i := range int64(4) {
				if _, de := send(t, s, post(url)); de != nil || hits.Load() != i+1 {
					t.Fatalf("request %d: Send = %v, and the endpoint has read %d, want delivery of each", i, de, hits.Load())
				}
			}
		})
	}
}

// A segment is what a server writes to the socket at once: TLS records, and the end of
// TLS. So many of its last bytes come only when the next request does, which is not read.
type segment struct {
	records []string
	end     bool
	kept    int
}

// inOneSegment starts a server that answers each request with a segment.
func inOneSegment(t *testing.T, hits *atomic.Int64, answer segment) (url string, roots *x509.CertPool) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.StartTLS() // for its certificate
	t.Cleanup(srv.Close)
	roots = x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	config := &tls.Config{Certificates: srv.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerInOneSegment(&corked{Conn: c}, config, hits, answer)
		}
	}()
	return "https://" + l.Addr().String(), roots
}

func answerInOneSegment(c *corked, config *tls.Config, hits *atomic.Int64, answer segment) {
	defer c.Close()
	secure := tls.Server(c, config)
	br := bufio.NewReader(secure)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		hits.Add(1)
		c.held = []byte{}
		for _, r := range answer.records {
			_, _ = io.WriteString(secure, r)
		}
		if answer.end {
			_ = secure.CloseWrite()
		}
		kept := c.held[len(c.held)-answer.kept:]
		c.held = c.held[:len(c.held)-answer.kept]
		c.uncork()
		if answer.kept > 0 {
			_, _ = c.Conn.Read(make([]byte, 1))
			_, _ = c.Conn.Write(kept)
		}
		if answer.end || answer.kept > 0 {
			_, _ = io.Copy(io.Discard, c.Conn) // waits for the end of the other side
			return
		}
	}
}

// A corked connection holds back what is written until it is uncorked.
type corked struct {
	net.Conn
	held []byte // nil while it does not
}

func (c *corked) Write(p []byte) (int, error) {
	if c.held == nil {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) uncork() {
	_ = c.Conn.SetWriteDeadline(time.Time{}) // CloseWrite sets one
	_, _ = c.Conn.Write(c.held)
	c.held = nil
}

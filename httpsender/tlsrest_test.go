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
	for name, tt := range map[string]struct {
		records []string
		end     bool
	}{
		"end of TLS, TCP stays open":   {[]string{okAnswer}, true},
		"body behind a 204":            {[]string{"HTTP/1.1 204 No Content\r\n\r\n", "OK"}, false},
		"answer that nobody asked for": {[]string{okAnswer, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"}, false},
		"the same, and it is good":     {[]string{okAnswer, okAnswer}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var hits atomic.Int64
			url, roots := inOneSegment(t, &hits, tt.records, tt.end)
			s := local(t, &httpsender.Sender{TLS: &tls.Config{RootCAs: roots}})
			for i := range int64(4) {
				if _, de := send(t, s, post(url)); de != nil || hits.Load() != i+1 {
					t.Fatalf("request %d: Send = %v, and the endpoint has read %d, want delivery of each", i, de, hits.Load())
				}
			}
		})
	}
}

// inOneSegment starts a server that answers each request with TLS records, and ends
// TLS if it has to, all in one write to the socket.
func inOneSegment(t *testing.T, hits *atomic.Int64, records []string, end bool) (url string, roots *x509.CertPool) {
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
			go answerInOneSegment(&corked{Conn: c}, config, hits, records, end)
		}
	}()
	return "https://" + l.Addr().String(), roots
}

func answerInOneSegment(c *corked, config *tls.Config, hits *atomic.Int64, records []string, end bool) {
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
		for _, r := range records {
			_, _ = io.WriteString(secure, r)
		}
		if end {
			_ = secure.CloseWrite()
		}
		c.uncork()
		if end {
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

package httpsender

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// A conn is a connection on which one request follows the other.
//
// It is written here, over http.ReadResponse, and not left to http.Transport:
// that sends some requests again by itself, does not say how much of a request
// it has written, goes on connecting for a request that was given up, logs what
// an endpoint sends without being asked, and hands each request through two
// more goroutines.
type conn struct {
	net.Conn          // over TLS, or raw
	raw      net.Conn // TCP
	records  *records // between the two; nil without TLS

	br        *bufio.Reader
	room      int64 // bytes that may still be read
	used      bool
	idleSince time.Time
}

func newConn(c, raw net.Conn) *conn {
	out := &conn{Conn: c, raw: raw}
	out.br = bufio.NewReader(out)
	return out
}

// end closes the connection without a goodbye of TLS, which would wait for an
// endpoint that does not read.
func (c *conn) end() { c.raw.Close() }

var errLongHeaders = errors.New("the answer's headers are longer than 64 KiB")

// Read limits what is read of an answer's headers.
func (c *conn) Read(p []byte) (int, error) {
	if c.room <= 0 {
		return 0, errLongHeaders
	}
	if int64(len(p)) > c.room {
		p = p[:c.room]
	}
	n, err := c.Conn.Read(p)
	c.room -= int64(n)
	return n, err
}

// silent reports whether no bytes, and no end, have been read that nobody asked
// for: TLS reads ahead, out of sight of quiet. They would be taken for the answer to
// the next request, which itself would be lost.
func (c *conn) silent() (ok bool) {
	if c.records == nil {
		return true
	}
	if !c.records.whole() {
		return false
	}
	defer func() {
		if recover() != nil { // TLS calls code of the host for what it finds
			ok = false
		}
	}()
	c.room = maxHeaderBytes
	_ = c.SetReadDeadline(past) // looks at what is there, and no further
	_, err := c.br.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// An answer is what an endpoint said to one request.
type answer struct {
	status     int // 0 if there is no answer
	body       []byte
	retryAfter string

	written  bool // some of the request was
	fresh    bool // the connection had been made for it
	reusable bool // the connection is
}

// bigRequest is how much of a request surely fits into what lies between the two
// sides. More than that could wait for an endpoint that does not read on, while
// its answer is here already.
const bigRequest = 16 << 10

// exchange sends a request and reads the answer.
func (c *conn) exchange(ctx context.Context, m *message, deadline time.Time) (a *answer, err error) {
	a = new(answer)
	defer recoverAs(&err)       // TLS has callbacks for later than the handshake, too
	_ = c.SetDeadline(deadline) // fails on a closed connection, as writing will
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
		defer func() {
			if !stop() {
				a.reusable = false // the end of its time may come after the end of ours
			}
		}()
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 2*bigRequest {
			buffers.Put(buf)
		}
	}()
	*buf = m.appendHead((*buf)[:0])
	body := m.request.body
	var resp *http.Response
	if len(*buf)+len(body) <= bigRequest {
		*buf = append(*buf, body...)
		resp, err = c.talk(ctx, *buf, a, deadline)
	} else {
		resp, err = c.talkBig(ctx, *buf, body, a, deadline)
	}
	if err != nil {
		return a, err
	}
	c.finish(ctx, a, resp, deadline)
	return a, nil
}

// past is a deadline that ends all that is under way.
var past = time.Unix(1, 0)

// talk writes the request, then reads the head of the answer.
func (c *conn) talk(ctx context.Context, request []byte, a *answer, deadline time.Time) (*http.Response, error) {
	n, err := c.Write(request)
	// An error with n == 0 is sure: TLS authenticates whole records, and part
	// of one is worth nothing to whoever gets it.
	a.written = n > 0
	if err != nil && n == 0 {
		return nil, err
	}
	// An endpoint that closed after half of the request may have said why.
	c.limit(ctx, earlier(deadline, time.Now().Add(headerTimeout)))
	resp, readErr := c.readHead()
	if readErr != nil && err != nil {
		return nil, err
	}
	return resp, readErr
}

// talkBig writes and reads at the same time.
func (c *conn) talkBig(ctx context.Context, head, body []byte, a *answer, deadline time.Time) (*http.Response, error) {
	var wg sync.WaitGroup
	complete := false
	wg.Go(func() {
		n, err := c.Write(head)
		a.written = n > 0
		if err == nil {
			_, err = c.Write(body)
		}
		if complete = err == nil; complete {
			c.limit(ctx, earlier(deadline, time.Now().Add(headerTimeout)))
		}
	})
	resp, err := c.readHeadMeanwhile(&wg)
	if resp != nil && !complete {
		resp.Close = true
	}
	return resp, err
}

// readHeadMeanwhile is readHead while a request is being written, which ends with it,
// also if the host's code panics: whoever answers before the end, or not at all,
// does not read on.
func (c *conn) readHeadMeanwhile(wg *sync.WaitGroup) (*http.Response, error) {
	defer wg.Wait()
	defer func() { _ = c.SetWriteDeadline(past) }()
	return c.readHead()
}

// limit sets a deadline for reading, unless the caller has gone away.
func (c *conn) limit(ctx context.Context, t time.Time) {
	_ = c.SetReadDeadline(t)
	if ctx.Err() != nil {
		_ = c.SetReadDeadline(past) // it may have been set already, and undone just now
	}
}

// maxInterim is how many answers of 1xx may come before the real one.
const maxInterim = 5

// readHead reads status line and headers.
func (c *conn) readHead() (*http.Response, error) {
	c.room = maxHeaderBytes
	if _, err := c.br.Peek(1); err != nil {
		return nil, err // for ReadResponse, the end is always unexpected
	}
	for range maxInterim + 1 {
		resp, err := http.ReadResponse(c.br, nil)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 100 || resp.StatusCode > 199 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errInterim
}

var errInterim = errors.New("the endpoint sends one interim answer after the other")

// finish reads the body, and decides what becomes of the connection.
func (c *conn) finish(ctx context.Context, a *answer, resp *http.Response, deadline time.Time) {
	a.status, a.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return // a switched connection has no end to read up to
	}
	whole := resp.ContentLength == 0
	if !whole {
		c.room = keepBody + drainBody + maxHeaderBytes // trailers may follow
		c.limit(ctx, deadline)
		a.body, whole = readBody(resp.Body, resp.ContentLength)
	}
	// What is left over would be taken for the answer to the next request.
	a.reusable = whole && !resp.Close && c.br.Buffered() == 0
}

// readBody returns the beginning of a body, and whether it was read to its end.
// Errors do not matter, nor do panics of the host's code: an endpoint that answered
// has answered, however its body ends.
func readBody(body io.Reader, length int64) (kept []byte, whole bool) {
	defer func() {
		if recover() != nil {
			whole = false
		}
	}()
	size := int64(keepBody)
	if length >= 0 {
		size = min(size, length)
	}
	beginning := make([]byte, size)
	n, err := readFull(body, beginning)
	kept = beginning[:n:n]
	if err != nil || length > drainBody {
		return kept, err == io.EOF
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	scratch := (*buf)[:cap(*buf)]
	for rest := drainBody - n; rest >= 0 && err == nil; rest -= n {
		n, err = body.Read(scratch)
	}
	return kept, err == io.EOF
}

// readFull is io.ReadFull, but for its errors, which do not tell a body that
// ends from one that was cut off.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// buffers are for requests, and for what is read and thrown away.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

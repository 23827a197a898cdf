package campaigntest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// A Receiver is a webhook endpoint for tests: a real HTTP server on a loopback
// address, which records what arrives and misbehaves as it is told. Make one
// with [NewReceiver]. It is safe for concurrent use.
type Receiver struct {
	// URL is the endpoint's scheme, host and port, such as http://127.0.0.1:40123.
	URL string

	options  ReceiverOptions
	listener net.Listener
	tls      *receiverTLS // nil if it speaks plain HTTP
	done     chan struct{}
	closing  sync.Once // of done
	running  sync.WaitGroup

	mu         sync.Mutex
	deliveries []Delivery
	replies    []Reply
	hits       int
	accepted   int // connections
	open       map[net.Conn]bool
}

// ReceiverOptions say how a [Receiver] is to behave. The zero value accepts
// every request, over plain HTTP.
type ReceiverOptions struct {
	// TLS is how the receiver speaks TLS. Zero means not at all.
	TLS TLSMode

	// Verify checks each request, for example its signature with
	// httpsender.Verify. A request that it returns an error for is answered
	// 401. Nil means that every request is good.
	Verify func(header http.Header, body []byte) error

	// Reply chooses the answer to the n-th request, counted from 1, for which
	// [Receiver.Answer] has put none in line. It is called from several
	// goroutines. Nil means the zero Reply.
	Reply func(n int) Reply
}

// A Delivery is one request as it arrived.
type Delivery struct {
	Method string
	Target string // path and query, as written
	Host   string
	Header http.Header
	Body   []byte // as far as it was read

	// Accepted says that the receiver took the request: it read all of it,
	// found nothing wrong with it, and meant to answer 2xx. Whether the answer
	// arrived is another question.
	Accepted bool

	// Err is why the request was not taken: what Verify said, or that its body
	// could not be read. Nil if it was the Reply that asked for another status.
	Err error
}

// A Reply is how a [Receiver] treats one request. The zero value takes it and
// answers 200 with no body.
type Reply struct {
	Status int // zero means 200
	Header http.Header
	Body   []byte

	// Size is the length of the body if it is longer than Body, which is then
	// followed by spaces.
	Size int64

	// Raw is written instead of an answer in good HTTP. Status then only says
	// what the receiver makes of the request; zero means that it does not take it.
	Raw string

	Delay       time.Duration // before the first byte of the answer
	DripHeaders time.Duration // before each byte of status line and headers
	DripBody    time.Duration // before each byte of the body

	// Cut says where the connection ends. Zero means that it is kept.
	Cut Cut

	// Reset ends a connection that is cut with a reset, as a crash does, and
	// not in good order.
	Reset bool
}

// A Cut is a place in an exchange where the connection ends.
type Cut int

// The places, in the order of an exchange.
const (
	NoCut           Cut = iota
	CutBeforeBody       // after the headers of the request
	CutBeforeAnswer     // after the request was read
	CutInHeaders        // in the middle of the headers of the answer
	CutInBody           // in the middle of its body
	CutAfterAnswer      // after it, without having announced it
)

// NewReceiver starts a receiver. Nil options are the zero options. It panics if
// no port is to be had, as a test cannot go on then. Close ends it.
func NewReceiver(o *ReceiverOptions) *Receiver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("campaigntest: no loopback port to listen on: " + err.Error())
	}
	r := &Receiver{URL: "http://" + l.Addr().String(), listener: l, done: make(chan struct{}), open: make(map[net.Conn]bool)}
	if o != nil {
		r.options = *o
	}
	if r.options.TLS != NoTLS {
		r.URL = "https://" + l.Addr().String()
		r.tls = newReceiverTLS(r.options.TLS)
	}
	r.running.Go(r.accept)
	return r
}

// Close stops the receiver and ends its connections. It returns when all is quiet.
// It may be called again.
func (r *Receiver) Close() {
	r.closing.Do(func() { close(r.done) })
	r.listener.Close()
	r.mu.Lock()
	for c := range r.open {
		c.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// Answer puts replies in line for the requests to come, one each.
func (r *Receiver) Answer(replies ...Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replies = append(r.replies, replies...)
}

// Deliveries returns what has arrived so far. The caller may change it.
func (r *Receiver) Deliveries() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.deliveries)
	for i := range out {
		out[i].Header = out[i].Header.Clone()
		out[i].Body = bytes.Clone(out[i].Body)
	}
	return out
}

// Hits returns how many requests have arrived, those that were cut before their
// body was read included.
func (r *Receiver) Hits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hits
}

// Connections returns how many connections have been accepted, and how many of
// them are open.
func (r *Receiver) Connections() (accepted, open int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted, len(r.open)
}

// Roots returns a pool with the receiver's certificate, for the RootCAs of a
// client. It is nil without TLS.
func (r *Receiver) Roots() *x509.CertPool {
	if r.tls == nil {
		return nil
	}
	return r.tls.roots
}

// ClientCertificate returns the certificate that a receiver with
// [TLSClientCertificate] wants to see. It is empty in the other modes.
func (r *Receiver) ClientCertificate() tls.Certificate {
	if r.tls == nil {
		return tls.Certificate{}
	}
	return r.tls.client
}

func (r *Receiver) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		if !r.opened(c) {
			c.Close()
			return
		}
		r.running.Go(func() {
			defer r.closed(c)
			r.talk(c)
		})
	}
}

// opened registers a connection. It reports false if Close came first, which
// then would not know of it.
func (r *Receiver) opened(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.done:
		return false
	default:
	}
	r.accepted++
	r.open[c] = true
	return true
}

func (r *Receiver) closed(c net.Conn) {
	c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

func (r *Receiver) talk(raw net.Conn) {
	c := raw
	if r.tls != nil {
		var ok bool
		if c, ok = r.tls.greet(raw); !ok {
			return
		}
	}
	l := &line{Conn: c, br: bufio.NewReader(c), done: r.done}
	for {
		req, err := http.ReadRequest(l.br)
		if err != nil {
			return
		}
		reply := r.next()
		r.take(req, &reply)
		if !l.answer(&reply) {
			if reply.Reset {
				_ = raw.(*net.TCPConn).SetLinger(0)
				raw.Close()
			}
			return
		}
		if req.Close {
			return
		}
	}
}

func (r *Receiver) next() Reply {
	r.mu.Lock()
	r.hits++
	n := r.hits
	if len(r.replies) > 0 {
		defer r.mu.Unlock()
		reply := r.replies[0]
		r.replies = r.replies[1:]
		return reply
	}
	r.mu.Unlock()
	if r.options.Reply == nil {
		return Reply{}
	}
	return r.options.Reply(n)
}

// take reads the rest of the request, and records it before anything is
// answered: a test that has its answer finds the request recorded.
func (r *Receiver) take(req *http.Request, reply *Reply) {
	d := Delivery{Method: req.Method, Target: req.RequestURI, Host: req.Host, Header: req.Header}
	if reply.Cut != CutBeforeBody {
		d.Body, d.Err = io.ReadAll(req.Body)
		if d.Err == nil && r.options.Verify != nil {
			d.Err = r.options.Verify(d.Header, d.Body)
			if d.Err != nil {
				*reply = Reply{Status: http.StatusUnauthorized}
			}
		}
	}
	if reply.Status == 0 && reply.Raw == "" {
		reply.Status = http.StatusOK
	}
	d.Accepted = d.Err == nil && reply.Cut != CutBeforeBody && reply.Status >= 200 && reply.Status <= 299
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries = append(r.deliveries, d)
}

// A line is one connection, with what it takes to answer on it.
type line struct {
	net.Conn
	br   *bufio.Reader
	done <-chan struct{} // closed when the receiver is
}

// answer writes the reply. It reports whether the connection goes on.
func (l *line) answer(reply *Reply) bool {
	if !l.wait(reply.Delay) || reply.Cut == CutBeforeBody || reply.Cut == CutBeforeAnswer {
		return false
	}
	if reply.Raw != "" {
		return l.write([]byte(reply.Raw), reply.DripHeaders) && reply.Cut == NoCut
	}
	head := reply.head()
	if reply.Cut == CutInHeaders {
		head = head[:len(head)-3]
	}
	if !l.write(head, reply.DripHeaders) || reply.Cut == CutInHeaders {
		return false
	}
	return l.writeBody(reply) && reply.Cut == NoCut
}

func (reply *Reply) size() int64 { return max(reply.Size, int64(len(reply.Body))) }

// head returns status line and headers.
func (reply *Reply) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", reply.Status, http.StatusText(reply.Status))
	_ = reply.Header.Write(&b)
	if reply.Header.Get("Content-Length") == "" && reply.Header.Get("Transfer-Encoding") == "" &&
		reply.Status != http.StatusNoContent && reply.Status != http.StatusNotModified && reply.Status >= 200 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", reply.size())
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (l *line) writeBody(reply *Reply) bool {
	size := reply.size()
	if reply.Cut == CutInBody {
		size /= 2
	}
	body := reply.Body[:min(int64(len(reply.Body)), size)]
	if !l.write(body, reply.DripBody) {
		return false
	}
	rest := size - int64(len(body))
	spaces := bytes.Repeat([]byte(" "), int(min(rest, 32<<10)))
	for rest > 0 {
		n := min(rest, int64(len(spaces)))
		if !l.write(spaces[:n], reply.DripBody) {
			return false
		}
		rest -= n
	}
	return true
}

// write writes p, a byte at a time if there is a drip.
func (l *line) write(p []byte, drip time.Duration) bool {
	if drip <= 0 {
		_, err := l.Write(p)
		return err == nil
	}
	for i := range p {
		if !l.wait(drip) {
			return false
		}
		if _, err := l.Write(p[i : i+1]); err != nil {
			return false
		}
	}
	return true
}

// wait waits for d. It reports false if the client went away before, or the
// receiver was closed.
func (l *line) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	read := make(chan error, 1)
	go func() {
		_, err := l.br.Peek(1)
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil {
			return false
		}
		// The client has begun its next request; it is there, so wait for the rest.
		select {
		case <-t.C:
			return true
		case <-l.done:
			return false
		}
	case <-t.C:
		// Nobody else may read while Peek does, so it has to end first.
		_ = l.SetReadDeadline(time.Unix(1, 0))
		err := <-read
		_ = l.SetReadDeadline(time.Time{})
		return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
	case <-l.done:
		return false
	}
}

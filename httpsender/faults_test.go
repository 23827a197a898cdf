package httpsender_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

// A fault is one thing that can go wrong, and what has to come of it.
type fault struct {
	what  string
	reply campaigntest.Reply
	mode  campaigntest.TLSMode
	edit  func(*scene)
	want  string // delivered, rejected, uncertain or unreachable; with a status if there was an answer
	hits  int    // requests that the receiver read
}

// A scene is what a fault can change: one attempt at a receiver over
// plain HTTP, with the guard open.
type scene struct {
	sender   *httpsender.Sender
	request  *campaign.Request
	receiver *campaigntest.Receiver
	ctx      context.Context
	port     string
}

func raws(s string) campaigntest.Reply {
	return campaigntest.Reply{Raw: s, Cut: campaigntest.CutAfterAnswer}
}

func status(n int) campaigntest.Reply { return campaigntest.Reply{Status: n} }

func location(n int, to string) campaigntest.Reply {
	return campaigntest.Reply{Status: n, Header: http.Header{"Location": {to}}}
}

func header(name, value string) func(*scene) {
	return func(s *scene) {
		s.request.Headers = append(s.request.Headers, campaign.Header{Name: name, Value: value})
	}
}

// url sets the URL; PORT in it becomes the receiver's port.
func url(u string) func(*scene) {
	return func(s *scene) { s.request.URL = strings.ReplaceAll(u, "PORT", s.port) }
}

// guarded is url with the guard up, but for what allow lists.
func guarded(u string, allow ...string) func(*scene) {
	return func(s *scene) {
		url(u)(s)
		s.sender.AllowPrivate, s.sender.Allow = false, allow
	}
}

func trusted(s *scene) { s.sender.TLS = &tls.Config{RootCAs: s.receiver.Roots()} }

func attempts(n int) func(*scene) {
	return func(s *scene) { s.sender.Attempts, s.sender.RetryWait = n, time.Nanosecond }
}

func attemptsUncertain(n int) func(*scene) {
	return func(s *scene) { attempts(n)(s); s.sender.RetryUncertain = true }
}

func body(n int) func(*scene) {
	return func(s *scene) { s.request.Body = bytes.Repeat([]byte("x"), n) }
}

// hurried makes the time limit of an attempt as short as a busy machine allows.
func hurried(s *scene) { s.sender.Timeout = 400 * time.Millisecond }

func gzipped(n int) campaigntest.Reply {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, n))
	_ = w.Close()
	return campaigntest.Reply{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: b.Bytes()}
}

var long = strings.Repeat("x", 70<<10)

const (
	beforeBody   = campaigntest.CutBeforeBody
	beforeAnswer = campaigntest.CutBeforeAnswer
	inHeaders    = campaigntest.CutInHeaders
	inBody       = campaigntest.CutInBody
	afterAnswer  = campaigntest.CutAfterAnswer
)

var faults = []fault{
	// Statuses.
	{what: "200", reply: status(200), want: "delivered 200", hits: 1},
	{what: "201", reply: status(201), want: "delivered 201", hits: 1},
	{what: "202", reply: status(202), want: "delivered 202", hits: 1},
	{what: "204", reply: status(204), want: "delivered 204", hits: 1},
	{what: "205", reply: status(205), want: "delivered 205", hits: 1},
	{what: "206", reply: status(206), want: "delivered 206", hits: 1},
	{what: "299, which nobody has defined", reply: status(299), want: "delivered 299", hits: 1},
	{what: "300", reply: status(300), want: "rejected 300", hits: 1},
	{what: "304, which has no body", reply: status(304), want: "rejected 304", hits: 1},
	{what: "400", reply: status(400), want: "rejected 400", hits: 1},
	{what: "401, with a challenge", reply: campaigntest.Reply{Status: 401, Header: http.Header{"Www-Authenticate": {"Basic realm=x"}}}, want: "rejected 401", hits: 1},
	{what: "402", reply: status(402), want: "rejected 402", hits: 1},
	{what: "403", reply: status(403), want: "rejected 403", hits: 1},
	{what: "404", reply: status(404), want: "rejected 404", hits: 1},
	{what: "405", reply: status(405), want: "rejected 405", hits: 1},
	{what: "407, from no proxy", reply: status(407), want: "rejected 407", hits: 1},
	{what: "408", reply: status(408), want: "rejected 408", hits: 1},
	{what: "410", reply: status(410), want: "rejected 410", hits: 1},
	{what: "413", reply: status(413), want: "rejected 413", hits: 1},
	{what: "417", reply: status(417), want: "rejected 417", hits: 1},
	{what: "421", reply: status(421), want: "rejected 421", hits: 1},
	{what: "425", reply: status(425), want: "rejected 425", hits: 1},
	{what: "426, which wants another protocol", reply: campaigntest.Reply{Status: 426, Header: http.Header{"Upgrade": {"h2c"}}}, want: "rejected 426", hits: 1},
	{what: "429", reply: status(429), want: "rejected 429", hits: 1},
	{what: "451", reply: status(451), want: "rejected 451", hits: 1},
	{what: "500", reply: status(500), want: "rejected 500", hits: 1},
	{what: "501", reply: status(501), want: "rejected 501", hits: 1},
	{what: "502", reply: status(502), want: "rejected 502", hits: 1},
	{what: "503", reply: status(503), want: "rejected 503", hits: 1},
	{what: "504", reply: status(504), want: "uncertain 504", hits: 1},
	{what: "505", reply: status(505), want: "rejected 505", hits: 1},
	{what: "511, of a captive portal", reply: status(511), want: "rejected 511", hits: 1},
	{what: "600", reply: status(600), want: "rejected 600", hits: 1},
	{what: "999", reply: status(999), want: "rejected 999", hits: 1},
	{what: "000", reply: raws("HTTP/1.1 000 \r\nContent-Length: 0\r\n\r\n"), want: "rejected", hits: 1},
	{what: "101, switching to nothing that was asked for", reply: raws("HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\n"), want: "rejected 101", hits: 1},
	{what: "101 without end", reply: campaigntest.Reply{Raw: "HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\nabc"}, want: "rejected 101", hits: 1},

	// Redirects: Go would follow them, with the API keys, or as an empty GET.
	{what: "301 elsewhere", reply: location(301, "https://elsewhere.test/"), want: "rejected 301", hits: 1},
	{what: "302 to itself", reply: location(302, "/"), want: "rejected 302", hits: 1},
	{what: "303", reply: location(303, "/"), want: "rejected 303", hits: 1},
	{what: "307", reply: location(307, "/"), want: "rejected 307", hits: 1},
	{what: "308", reply: location(308, "/"), want: "rejected 308", hits: 1},
	{what: "302 without a Location", reply: status(302), want: "rejected 302", hits: 1},
	{what: "302 to a file", reply: location(302, "file:///etc/passwd"), want: "rejected 302", hits: 1},
	{what: "302 to where clouds keep credentials", reply: location(302, "http://169.254.169.254/"), want: "rejected 302", hits: 1},
	{what: "302 with a Location that is no URL", reply: location(302, "http://[::1"), want: "rejected 302", hits: 1},
	{what: "a Refresh header", reply: campaigntest.Reply{Header: http.Header{"Refresh": {"0; url=/"}}}, want: "delivered 200", hits: 1},

	// Answers that are not HTTP, or hardly.
	{what: "an empty line", reply: raws("\r\n"), want: "uncertain", hits: 1},
	{what: "the banner of a mail server", reply: raws("220 mail.example ESMTP\r\n"), want: "uncertain", hits: 1},
	{what: "the banner of SSH", reply: raws("SSH-2.0-OpenSSH_9.9\r\n"), want: "uncertain", hits: 1},
	{what: "a protocol alone", reply: raws("HTTP/1.1\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "no status", reply: raws("HTTP/1.1 \r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a status of two digits", reply: raws("HTTP/1.1 20 OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a status of four digits", reply: raws("HTTP/1.1 2000 OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a negative status", reply: raws("HTTP/1.1 -20 OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a status of letters", reply: raws("HTTP/1.1 2xx OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "another protocol", reply: raws("ICY 200 OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "the protocol in small letters", reply: raws("http/1.1 200 OK\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "binary rubbish", reply: raws("\x00\x01\x02\x03\xff\xfe\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a TLS alert over plain HTTP", reply: raws("\x15\x03\x01\x00\x02\x02\x46"), want: "uncertain", hits: 1},
	{what: "a preface of HTTP/2", reply: raws("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "HTML without headers", reply: raws("<html>OK</html>"), want: "uncertain", hits: 1},
	{what: "a status line without end", reply: raws("HTTP/1.1 200 " + long), want: "uncertain", hits: 1},
	{what: "a header without a colon", reply: raws("HTTP/1.1 200 OK\r\nrubbish\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a header without a name", reply: raws("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a header of 70 KiB", reply: raws("HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "70 KiB of headers", reply: raws("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 70<<10/6) + "\r\n"), want: "uncertain", hits: 1},
	{what: "60 KiB of headers", reply: raws("HTTP/1.1 200 OK\r\nX: " + long[:60<<10] + "\r\nContent-Length: 0\r\n\r\n"), want: "delivered 200", hits: 1},
	{what: "Content-Length of letters", reply: raws("HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a negative Content-Length", reply: raws("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "a Content-Length beyond 64 bits", reply: raws("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "two Content-Lengths that differ", reply: raws("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), want: "uncertain", hits: 1},
	{what: "two Content-Lengths that do not", reply: raws("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab"), want: "delivered 200", hits: 1},
	{what: "an unknown transfer encoding", reply: raws("HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "chunks without an end", reply: raws("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), want: "delivered 200", hits: 1},
	{what: "a chunk of rubbish length", reply: raws("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), want: "delivered 200", hits: 1},
	{what: "a chunk of monstrous length", reply: raws("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"), want: "delivered 200", hits: 1},
	{what: "lines that end in LF alone", reply: raws("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), want: "delivered 200", hits: 1},
	{what: "HTTP/1.0", reply: raws("HTTP/1.0 200 OK\r\n\r\nok"), want: "delivered 200", hits: 1},
	{what: "no reason phrase", reply: raws("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), want: "delivered 200", hits: 1},
	{what: "100, then 200", reply: raws("HTTP/1.1 100 Continue\r\n\r\n" + okAnswer), want: "delivered 200", hits: 1},
	{what: "102 and 103, then 202", reply: raws("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), want: "delivered 202", hits: 1},
	{what: "103 and no more", reply: raws("HTTP/1.1 103 Early Hints\r\n\r\n"), want: "uncertain", hits: 1},
	{what: "100 without end", reply: raws(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000)), want: "uncertain", hits: 1},
	{what: "two answers at once", reply: raws(okAnswer + okAnswer), want: "delivered 200", hits: 1},

	// Connections that break, and answers that take their time.
	{what: "closed before the body was read", reply: campaigntest.Reply{Cut: beforeBody}, want: "uncertain", hits: 1},
	{what: "reset before the body was read", reply: campaigntest.Reply{Cut: beforeBody, Reset: true}, want: "uncertain", hits: 1},
	{what: "closed in the middle of a big body", reply: campaigntest.Reply{Cut: beforeBody}, edit: body(8 << 20), want: "uncertain", hits: 1},
	{what: "closed before the answer", reply: campaigntest.Reply{Cut: beforeAnswer}, want: "uncertain", hits: 1},
	{what: "reset before the answer", reply: campaigntest.Reply{Cut: beforeAnswer, Reset: true}, want: "uncertain", hits: 1},
	{what: "closed in the headers", reply: campaigntest.Reply{Cut: inHeaders}, want: "uncertain", hits: 1},
	{what: "reset in the headers", reply: campaigntest.Reply{Cut: inHeaders, Reset: true}, want: "uncertain", hits: 1},
	{what: "closed in the body", reply: campaigntest.Reply{Body: []byte("abcd"), Cut: inBody}, want: "delivered 200", hits: 1},
	{what: "closed in the body of a rejection", reply: campaigntest.Reply{Status: 400, Body: []byte("abcd"), Cut: inBody}, want: "rejected 400", hits: 1},
	{what: "closed after the answer", reply: campaigntest.Reply{Cut: afterAnswer}, want: "delivered 200", hits: 1},
	{what: "no answer", reply: campaigntest.Reply{Delay: time.Hour}, edit: hurried, want: "uncertain", hits: 1},
	{what: "an answer that comes late", reply: campaigntest.Reply{Delay: 50 * time.Millisecond}, want: "delivered 200", hits: 1},
	{what: "headers that drip", reply: campaigntest.Reply{DripHeaders: 20 * time.Millisecond}, edit: hurried, want: "uncertain", hits: 1},
	{what: "a body that drips", reply: campaigntest.Reply{Size: 1 << 20, DripBody: 20 * time.Millisecond}, edit: hurried, want: "delivered 200", hits: 1},
	{what: "the body of a rejection drips", reply: campaigntest.Reply{Status: 403, Size: 1 << 20, DripBody: 20 * time.Millisecond}, edit: hurried, want: "rejected 403", hits: 1},
	{what: "the body never comes", reply: campaigntest.Reply{Raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}, edit: hurried, want: "delivered 200", hits: 1},
	{what: "the body of 504 never comes", reply: campaigntest.Reply{Raw: "HTTP/1.1 504 X\r\nContent-Length: 5\r\n\r\n"}, edit: hurried, want: "uncertain 504", hits: 1},
	{what: "the caller goes away", reply: campaigntest.Reply{Delay: time.Hour}, edit: canceled(400 * time.Millisecond), want: "uncertain", hits: 1},
	{what: "the caller has gone before", edit: canceled(0), want: "unreachable"},
	{what: "the caller's deadline", reply: campaigntest.Reply{Delay: time.Hour}, edit: deadline(400 * time.Millisecond), want: "uncertain", hits: 1},
	{what: "the caller's deadline was before", edit: deadline(-time.Second), want: "unreachable"},

	// Bodies.
	{what: "a body of 1 GiB", reply: campaigntest.Reply{Size: 1 << 30}, want: "delivered 200", hits: 1},
	{what: "a body of 100 KiB", reply: campaigntest.Reply{Size: 100 << 10}, want: "delivered 200", hits: 1},
	{what: "a body of 64 KiB", reply: campaigntest.Reply{Size: 64 << 10}, want: "delivered 200", hits: 1},
	{what: "a rejection of 1 GiB", reply: campaigntest.Reply{Status: 400, Size: 1 << 30}, want: "rejected 400", hits: 1},
	{what: "chunks without end", reply: raws("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 100<<10)), want: "delivered 200", hits: 1},
	{what: "a gzip bomb", reply: gzipped(16 << 20), want: "delivered 200", hits: 1},
	{what: "gzip that is none", reply: campaigntest.Reply{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: []byte("plain")}, want: "delivered 200", hits: 1},
	{what: "an unknown encoding", reply: campaigntest.Reply{Header: http.Header{"Content-Encoding": {"x-rot13"}}, Body: []byte("cynva")}, want: "delivered 200", hits: 1},
	{what: "204 with a body", reply: raws("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"), want: "delivered 204", hits: 1},
	{what: "a request of 8 MiB", edit: body(8 << 20), want: "delivered 200", hits: 1},
	{what: "a request without a body", edit: body(0), want: "delivered 200", hits: 1},
	{what: "an endpoint that rejects before it has read", reply: campaigntest.Reply{Status: 413, Cut: afterAnswer}, edit: body(1 << 20), want: "rejected 413", hits: 1},

	// TLS.
	{what: "TLS done well", mode: campaigntest.TLS, edit: trusted, want: "delivered 200", hits: 1},
	{what: "a certificate of nobody", mode: campaigntest.TLS, want: "unreachable"},
	{what: "a certificate that has expired", mode: campaigntest.TLSExpired, edit: trusted, want: "unreachable"},
	{what: "a certificate for another host", mode: campaigntest.TLSOtherHost, edit: trusted, want: "unreachable"},
	{what: "TLS 1.1", mode: campaigntest.TLSOld, edit: trusted, want: "unreachable"},
	{what: "silence in place of TLS", mode: campaigntest.TLSSilent, edit: func(s *scene) { trusted(s); hurried(s) }, want: "unreachable"},
	{what: "the end in place of TLS", mode: campaigntest.TLSHangUp, edit: trusted, want: "unreachable"},
	{what: "a mail server's banner in place of TLS", mode: campaigntest.TLSGarbage, edit: trusted, want: "unreachable"},
	{what: "https to a port that speaks plain HTTP", edit: url("https://127.0.0.1:PORT/"), want: "unreachable"},
	{what: "http to a port that speaks TLS", mode: campaigntest.TLS, edit: url("http://127.0.0.1:PORT/"), want: "uncertain"},
	{what: "a client certificate that is wanted and shown", mode: campaigntest.TLSClientCertificate, edit: func(s *scene) {
		trusted(s)
		s.sender.TLS.Certificates = []tls.Certificate{s.receiver.ClientCertificate()}
	}, want: "delivered 200", hits: 1},
	{what: "a client certificate that is wanted and not shown", mode: campaigntest.TLSClientCertificate, edit: trusted, want: "unreachable"},
	{what: "the guard stays with certificates", mode: campaigntest.TLSClientCertificate, edit: func(s *scene) {
		trusted(s)
		s.sender.TLS.Certificates = []tls.Certificate{s.receiver.ClientCertificate()}
		s.sender.AllowPrivate = false
	}, want: "unreachable"},
	{what: "a callback of the host's that panics", mode: campaigntest.TLS, edit: func(s *scene) {
		trusted(s)
		s.sender.TLS.VerifyConnection = func(tls.ConnectionState) error { panic("callback") }
	}, want: "unreachable"},
	{what: "a callback of the host's that refuses", mode: campaigntest.TLS, edit: func(s *scene) {
		trusted(s)
		s.sender.TLS.VerifyConnection = func(tls.ConnectionState) error { return errors.New("refused") }
	}, want: "unreachable"},

	// Addresses inside, with a receiver that would answer.
	{what: "loopback", edit: guarded("http://127.0.0.1:PORT/"), want: "unreachable"},
	{what: "another loopback", edit: guarded("http://127.1.2.3:PORT/"), want: "unreachable"},
	{what: "loopback in IPv6", edit: guarded("http://[::1]:PORT/"), want: "unreachable"},
	{what: "loopback, IPv4 in IPv6", edit: guarded("http://[::ffff:127.0.0.1]:PORT/"), want: "unreachable"},
	{what: "loopback, IPv4 in IPv6 in hexadecimal", edit: guarded("http://[::ffff:7f00:1]:PORT/"), want: "unreachable"},
	{what: "loopback, IPv4-compatible", edit: guarded("http://[::127.0.0.1]:PORT/"), want: "unreachable"},
	{what: "loopback over NAT64", edit: guarded("http://[64:ff9b::127.0.0.1]:PORT/"), want: "unreachable"},
	{what: "loopback over 6to4", edit: guarded("http://[2002:7f00:1::]:PORT/"), want: "unreachable"},
	{what: "Teredo", edit: guarded("http://[2001:0:7f00:1::]:PORT/"), want: "unreachable"},
	{what: "the unspecified address", edit: guarded("http://0.0.0.0:PORT/"), want: "unreachable"},
	{what: "the unspecified address in IPv6", edit: guarded("http://[::]:PORT/"), want: "unreachable"},
	{what: "localhost", edit: guarded("http://localhost:PORT/"), want: "unreachable"},
	{what: "LOCALHOST with a dot", edit: guarded("http://LOCALHOST.:PORT/"), want: "unreachable"},
	{what: "a number for an address", edit: guarded("http://2130706433:PORT/"), want: "unreachable"},
	{what: "an octal number for an address", edit: guarded("http://0177.0.0.1:PORT/"), want: "unreachable"},
	{what: "a hexadecimal number for an address", edit: guarded("http://0x7f000001:PORT/"), want: "unreachable"},
	{what: "a short address", edit: guarded("http://127.1:PORT/"), want: "unreachable"},
	{what: "an address in wide digits", edit: guarded("http://１２７.0.0.1:PORT/"), want: "unreachable"},
	{what: "an address with a wide dot", edit: guarded("http://127。0。0。1:PORT/"), want: "unreachable"},
	{what: "an escaped address", edit: guarded("http://%31%32%37.0.0.1:PORT/"), want: "unreachable"},
	{what: "where clouds keep credentials", edit: guarded("http://169.254.169.254/"), want: "unreachable"},
	{what: "where clouds keep credentials, in IPv6", edit: guarded("http://[fd00:ec2::254]/"), want: "unreachable"},
	{what: "a private network", edit: guarded("http://10.0.0.1/"), want: "unreachable"},
	{what: "a name for loopback", edit: guarded("http://loopback.test:PORT/"), want: "unreachable"},
	{what: "a name for loopback in IPv6", edit: guarded("http://six.test:PORT/"), want: "unreachable"},
	{what: "a name for IPv4 in IPv6", edit: guarded("http://mapped.test:PORT/"), want: "unreachable"},
	{what: "a name for the metadata service", edit: guarded("http://metadata.test/"), want: "unreachable"},
	{what: "a name for two private addresses", edit: guarded("http://both.test:PORT/"), want: "unreachable"},
	{what: "a name for the unspecified address", edit: guarded("http://unspecified.test:PORT/"), want: "unreachable"},
	{what: "a name for NAT64", edit: guarded("http://nat64.test:PORT/"), want: "unreachable"},
	{what: "a name for 6to4", edit: guarded("http://sixtofour.test:PORT/"), want: "unreachable"},
	{what: "a name for loopback, that is allowed", edit: guarded("http://loopback.test:PORT/", "loopback.test"), want: "delivered 200", hits: 1},
	{what: "a name for loopback, whose prefix is allowed", edit: guarded("http://loopback.test:PORT/", "127.0.0.0/8"), want: "delivered 200", hits: 1},
	{what: "two addresses, one of them allowed", edit: guarded("http://both.test:PORT/", "127.0.0.1"), want: "delivered 200", hits: 1},
	{what: "a name that begins like an allowed one", edit: guarded("http://loopback.test:PORT/", "loopback"), want: "unreachable"},
	{what: "a name below an allowed one", edit: guarded("http://loopback.test:PORT/", "test"), want: "unreachable"},
	{what: "an address beside an allowed one", edit: guarded("http://127.0.0.1:PORT/", "127.0.0.2", "127.0.1.0/24"), want: "unreachable"},

	// URLs.
	{what: "no URL", edit: url(""), want: "unreachable"},
	{what: "a path", edit: url("/hooks"), want: "unreachable"},
	{what: "no scheme", edit: url("//127.0.0.1:PORT/"), want: "unreachable"},
	{what: "ftp", edit: url("ftp://127.0.0.1:PORT/"), want: "unreachable"},
	{what: "file", edit: url("file:///etc/passwd"), want: "unreachable"},
	{what: "gopher", edit: url("gopher://127.0.0.1:PORT/_x"), want: "unreachable"},
	{what: "unix", edit: url("unix:///var/run/docker.sock"), want: "unreachable"},
	{what: "javascript", edit: url("javascript:alert(1)"), want: "unreachable"},
	{what: "HTTP in capitals", edit: url("HTTP://127.0.0.1:PORT/"), want: "delivered 200", hits: 1},
	{what: "a scheme with a space in front", edit: url(" http://127.0.0.1:PORT/"), want: "unreachable"},
	{what: "no host", edit: url("http:///hooks"), want: "unreachable"},
	{what: "a port without a host", edit: url("http://:PORT/"), want: "unreachable"},
	{what: "a user", edit: url("http://user@127.0.0.1:PORT/"), want: "unreachable"},
	{what: "a user and a password", edit: url("http://user:word@127.0.0.1:PORT/"), want: "unreachable"},
	{what: "an empty user", edit: url("http://@127.0.0.1:PORT/"), want: "unreachable"},
	{what: "a host in front of the at sign", edit: url("http://esp.example@127.0.0.1:PORT/"), want: "unreachable"},
	{what: "a backslash in front of the at sign", edit: url("http://esp.example\\@127.0.0.1:PORT/"), want: "unreachable"},
	{what: "a zone", edit: url("http://[::1%25lo]:PORT/"), want: "unreachable"},
	{what: "a zone that is not escaped", edit: url("http://[::1%lo]:PORT/"), want: "unreachable"},
	{what: "a zone with rubbish in it", edit: url("http://[fe80::1%25%00%0d%0a]:PORT/"), want: "unreachable"},
	{what: "brackets around a name", edit: url("http://[localhost]:PORT/"), want: "unreachable"},
	{what: "brackets around nothing", edit: url("http://[]:PORT/"), want: "unreachable"},
	{what: "a bracket that stays open", edit: url("http://[::1:PORT/"), want: "unreachable"},
	{what: "an IPv6 address without brackets", edit: url("http://::1:PORT/"), want: "unreachable"},
	{what: "port 0", edit: url("http://127.0.0.1:0/"), want: "unreachable"},
	{what: "port 65536", edit: url("http://127.0.0.1:65536/"), want: "unreachable"},
	{what: "port 4294967376, which is 80 in 32 bits", edit: url("http://127.0.0.1:4294967376/"), want: "unreachable"},
	{what: "a port of letters", edit: url("http://127.0.0.1:http/"), want: "unreachable"},
	{what: "a negative port", edit: url("http://127.0.0.1:-1/"), want: "unreachable"},
	{what: "two ports", edit: url("http://127.0.0.1:80:PORT/"), want: "unreachable"},
	{what: "a port with zeros in front", edit: url("http://127.0.0.1:000PORT/"), want: "delivered 200", hits: 1},
	{what: "a line break in the host", edit: url("http://127.0.0.1\r\n:PORT/"), want: "unreachable"},
	{what: "a line break in the path", edit: url("http://127.0.0.1:PORT/\r\nX: y"), want: "unreachable"},
	{what: "a NUL in the host", edit: url("http://127.0.0.1\x00.example:PORT/"), want: "unreachable"},
	{what: "a space in the host", edit: url("http://127.0.0.1 .example:PORT/"), want: "unreachable"},
	{what: "an invalid escape in the path", edit: url("http://127.0.0.1:PORT/%zz"), want: "unreachable"},
	{what: "an invalid escape in the query", edit: url("http://127.0.0.1:PORT/?a=%zz"), want: "delivered 200", hits: 1},
	{what: "an escaped line break in the path", edit: url("http://127.0.0.1:PORT/%0d%0aX:%20y"), want: "delivered 200", hits: 1},
	{what: "a space in the query", edit: url("http://127.0.0.1:PORT/?a=b c"), want: "unreachable"},
	{what: "a fragment", edit: url("http://127.0.0.1:PORT/#secret"), want: "delivered 200", hits: 1},
	{what: "no path", edit: url("http://127.0.0.1:PORT"), want: "delivered 200", hits: 1},
	{what: "a query without a path", edit: url("http://127.0.0.1:PORT?a=b"), want: "delivered 200", hits: 1},
	{what: "a host of 64 KiB", edit: url("http://" + long + ":PORT/"), want: "unreachable"},
	{what: "a label of 64 letters", edit: url("http://" + long[:64] + ".test:PORT/"), want: "unreachable"},
	{what: "a name that does not exist", edit: url("http://nobody.test:PORT/"), want: "unreachable"},
	{what: "a name with two dots", edit: url("http://a..b:PORT/"), want: "unreachable"},
	{what: "a name of invalid Unicode", edit: url("http://\xff\xfe:PORT/"), want: "unreachable"},
	{what: "a port where nobody listens", edit: url("http://127.0.0.1:1/"), want: "unreachable"},

	// Requests that no campaign can render, but a host can make by hand.
	{what: "an unknown method", edit: func(s *scene) { s.request.Method = "BREW" }, want: "unreachable"},
	{what: "CONNECT", edit: func(s *scene) { s.request.Method = "CONNECT" }, want: "unreachable"},
	{what: "a method with a line break", edit: func(s *scene) { s.request.Method = "POST / HTTP/1.1\r\nX: y\r\n\r\nPOST" }, want: "unreachable"},
	{what: "a method in small letters", edit: func(s *scene) { s.request.Method = "post" }, want: "unreachable"},
	{what: "a header with a line break", edit: header("X-A", "a\r\nX-B: c"), want: "unreachable"},
	{what: "a header with a bare LF", edit: header("X-A", "a\nX-B: c"), want: "unreachable"},
	{what: "a header with a bare CR", edit: header("X-A", "a\rX-B: c"), want: "unreachable"},
	{what: "a header with a NUL", edit: header("X-A", "a\x00b"), want: "unreachable"},
	{what: "a header with a bell", edit: header("X-A", "a\ab"), want: "unreachable"},
	{what: "a header that ends in a space", edit: header("X-A", "a "), want: "unreachable"},
	{what: "a header with an umlaut", edit: header("X-A", "Größe"), want: "delivered 200", hits: 1},
	{what: "an empty header", edit: header("X-A", ""), want: "delivered 200", hits: 1},
	{what: "a header of 70 KiB", edit: header("X-A", long), want: "delivered 200", hits: 1},
	{what: "a header without a name", edit: header("", "x"), want: "unreachable"},
	{what: "a header name with a space", edit: header("X A", "x"), want: "unreachable"},
	{what: "a header name with a colon", edit: header("X:A", "x"), want: "unreachable"},
	{what: "a header name with a line break", edit: header("X\r\nA", "x"), want: "unreachable"},
	{what: "Host", edit: header("host", "evil.example"), want: "unreachable"},
	{what: "Content-Length", edit: header("Content-length", "3"), want: "unreachable"},
	{what: "Transfer-Encoding", edit: header("Transfer-Encoding", "chunked"), want: "unreachable"},
	{what: "Connection", edit: header("Connection", "close"), want: "unreachable"},
	{what: "Expect", edit: header("Expect", "100-continue"), want: "unreachable"},
	{what: "Upgrade", edit: header("Upgrade", "h2c"), want: "unreachable"},
	{what: "Accept-Encoding", edit: header("Accept-Encoding", "gzip"), want: "unreachable"},
	{what: "webhook-signature", edit: header("webhook-signature", "v1,x"), want: "unreachable"},
	{what: "a header twice", edit: func(s *scene) { header("X-A", "1")(s); header("x-a", "2")(s) }, want: "unreachable"},
	{what: "an ID with a line break", edit: func(s *scene) { s.request.ID = "msg\r\nX: y" }, want: "unreachable"},
	{what: "a secret and no resolver", edit: func(s *scene) { s.request.Headers[0].Secret = "KEY" }, want: "unreachable"},
	{what: "a secret with a line break", edit: secret("a\nb", nil), want: "unreachable"},
	{what: "a secret that ends in a line break, as files do", edit: secret("abc\n", nil), want: "unreachable"},
	{what: "an empty secret", edit: secret("", nil), want: "unreachable"},
	{what: "a secret for another host", edit: secret("", httpsender.ErrNoSecret), want: "unreachable"},
	{what: "a resolver that fails", edit: secret("", errors.New("vault is sealed")), want: "unreachable"},

	// Retries.
	{what: "503 thrice", reply: status(503), edit: attempts(3), want: "rejected 503", hits: 3},
	{what: "429 thrice", reply: status(429), edit: attempts(3), want: "rejected 429", hits: 3},
	{what: "503 with a Retry-After of rubbish", reply: campaigntest.Reply{Status: 503, Header: http.Header{"Retry-After": {"\x7fsoon"}}}, edit: attempts(2), want: "uncertain", hits: 1},
	{what: "503 with a Retry-After of words", reply: campaigntest.Reply{Status: 503, Header: http.Header{"Retry-After": {"next week"}}}, edit: attempts(2), want: "rejected 503", hits: 2},
	{what: "503 with a Retry-After that is past", reply: campaigntest.Reply{Status: 503, Header: http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:37 GMT"}}}, edit: attempts(2), want: "rejected 503", hits: 2},
	{what: "503 with a Retry-After beyond the budget", reply: campaigntest.Reply{Status: 503, Header: http.Header{"Retry-After": {"99999999999999999999"}}}, edit: func(s *scene) { attempts(2)(s); s.sender.Budget = time.Second }, want: "rejected 503", hits: 1},
	{what: "400 is final", reply: status(400), edit: attempts(3), want: "rejected 400", hits: 1},
	{what: "302 is final", reply: location(302, "/"), edit: attempts(3), want: "rejected 302", hits: 1},
	{what: "504 may have arrived", reply: status(504), edit: attempts(3), want: "uncertain 504", hits: 1},
	{what: "reset may have arrived", reply: campaigntest.Reply{Cut: beforeAnswer, Reset: true}, edit: attempts(3), want: "uncertain", hits: 1},
	{what: "504 for an endpoint that knows the ID", reply: status(504), edit: attemptsUncertain(3), want: "uncertain 504", hits: 3},
	{what: "reset for an endpoint that knows the ID", reply: campaigntest.Reply{Cut: beforeAnswer, Reset: true}, edit: attemptsUncertain(3), want: "uncertain", hits: 3},
	{what: "a GET is no different", reply: campaigntest.Reply{Cut: beforeAnswer, Reset: true}, edit: func(s *scene) { *s.request = *get(s.request.URL); attempts(3)(s) }, want: "uncertain", hits: 1},
	{what: "an idempotency key is no different", reply: campaigntest.Reply{Cut: beforeAnswer, Reset: true}, edit: func(s *scene) { header("Idempotency-Key", "k")(s); attempts(3)(s) }, want: "uncertain", hits: 1},
	{what: "a refused address is final", edit: func(s *scene) { guarded("http://127.0.0.1:PORT/")(s); attempts(3)(s) }, want: "unreachable"},
	{what: "nobody listens, thrice", edit: func(s *scene) { url("http://127.0.0.1:1/")(s); attempts(3)(s) }, want: "unreachable"},
}

func secret(value string, err error) func(*scene) {
	return func(s *scene) {
		s.request.Headers[0].Secret = "KEY"
		s.sender.Secrets = httpsender.SecretsFunc(func(context.Context, string, string) (string, error) { return value, err })
	}
}

func canceled(after time.Duration) func(*scene) {
	return func(s *scene) {
		var cancel context.CancelFunc
		s.ctx, cancel = context.WithCancel(s.ctx)
		if after == 0 {
			cancel()
		}
		time.AfterFunc(after, cancel)
	}
}

func deadline(after time.Duration) func(*scene) {
	return func(s *scene) {
		var cancel context.CancelFunc
		s.ctx, cancel = context.WithTimeout(s.ctx, after)
		time.AfterFunc(after+time.Second, cancel)
	}
}

func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.what, func(t *testing.T) {
			before := goruntime.NumGoroutine()
			f.run(t)
			waitFor(t, "no goroutine is left", func() bool { return goruntime.NumGoroutine() <= before })
		})
	}
}

func (f *fault) run(t *testing.T) {
	receiver := campaigntest.NewReceiver(&campaigntest.ReceiverOptions{
		TLS:   f.mode,
		Reply: func(int) campaigntest.Reply { return f.reply },
	})
	defer receiver.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &scene{
		sender:   &httpsender.Sender{AllowHTTP: true, AllowPrivate: true, Attempts: 1},
		request:  post(receiver.URL + "/hooks?token=t"),
		receiver: receiver, ctx: ctx,
		port: receiver.URL[strings.LastIndexByte(receiver.URL, ':')+1:],
	}
	if f.edit != nil {
		f.edit(s)
	}
	resp, err := s.sender.Send(s.ctx, s.request)
	if got := result(t, resp, err); got != f.want {
		t.Errorf("Send = %s (%v), want %s", got, err, f.want)
	}
	if n := receiver.Hits(); n != f.hits {
		t.Errorf("%d requests arrived, want %d", n, f.hits)
	}
	// Only a connection that can be used again may be left.
	if f.want == "uncertain" || f.want == "unreachable" {
		waitFor(t, "no connection is left", func() bool { _, open := receiver.Connections(); return open == 0 })
	}
	s.sender.CloseIdleConnections()
	waitFor(t, "no connection is left", func() bool { _, open := receiver.Connections(); return open == 0 })
}

// result writes what became of a request in few words.
func result(t *testing.T, resp *campaign.Response, err error) string {
	t.Helper()
	if err == nil {
		return fmt.Sprintf("delivered %d", resp.Status)
	}
	de, ok := errors.AsType[*campaign.DeliveryError](err)
	if !ok {
		t.Fatalf("Send error = %T, want *campaign.DeliveryError", err)
	}
	if de.Status == 0 {
		return de.Verdict.String()
	}
	return fmt.Sprintf("%v %d", de.Verdict, de.Status)
}

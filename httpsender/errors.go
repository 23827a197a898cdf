package httpsender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"syscall"
)

// ErrAddress is among the causes of an error when the address guard refused to
// connect.
var ErrAddress = errors.New("httpsender: address is not allowed")

// A cause says in words of our own why an attempt failed. What net/http says is
// never passed on: its errors quote the URL, the endpoint's bytes, and whatever
// the layers below choose to add.
type cause struct {
	text string
	leaf error // what errors.Is and errors.As find; holds nothing of the request or the answer's body
}

func (c *cause) Error() string { return c.text }

func (c *cause) Unwrap() error { return c.leaf }

func contextCause(err error, when string) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &cause{text: "out of time " + when, leaf: context.DeadlineExceeded}
	}
	return &cause{text: "canceled " + when, leaf: context.Canceled}
}

// causeOf says why an exchange failed.
func causeOf(ctx context.Context, err error, written bool) error {
	when := "before the request was written"
	if written {
		when = "after the request was written"
	}
	// Asked first: a host can end a context with an error of its own, which
	// net/http then returns in place of the context's.
	if ctxErr := ctx.Err(); ctxErr != nil {
		return contextCause(ctxErr, when)
	}
	if errors.Is(err, errPanic) {
		return &cause{text: "code of the host's panicked " + when + " (Sender.Transport, or a callback of Sender.TLS)"}
	}
	for _, ours := range []error{errNoResponse, errLongHeaders, errInterim} {
		if errors.Is(err, ours) {
			return &cause{text: ours.Error()}
		}
	}
	if e, ok := errors.AsType[*refusedError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return &cause{text: "the host's name could not be looked up: " + dnsText(e), leaf: safeDNS(e)}
	}
	if isTimeout(err) {
		return contextCause(context.DeadlineExceeded, when)
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return &cause{text: e.Error() + ", " + when, leaf: e}
	}
	if c := tlsCause(err); c != nil {
		return c
	}
	for _, eof := range []error{io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, eof) {
			return &cause{text: "the connection was closed " + when, leaf: eof}
		}
	}
	if written {
		return &cause{text: "the connection broke, or the answer was not HTTP, " + when}
	}
	return &cause{text: "the connection broke " + when}
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func dnsText(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "the name server did not answer in time"
	}
	return "the name server failed"
}

// safeDNS copies what is surely the name and our own words: Err may be the
// text of any other error.
func safeDNS(e *net.DNSError) error {
	return &net.DNSError{
		Err: dnsText(e), Name: e.Name,
		IsTimeout: e.IsTimeout, IsTemporary: e.IsTemporary, IsNotFound: e.IsNotFound,
	}
}

// isDialError recognises the errors of a transport that does not tell what it
// does, and in which surely nothing was written.
func isDialError(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// tlsCause names the usual troubles with TLS, or returns nil. A certificate is
// the endpoint's to write, line breaks included, so no text is taken from it.
func tlsCause(err error) error {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return &cause{text: "the certificate is for another host", leaf: e}
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &cause{text: "the certificate is signed by an unknown authority", leaf: e}
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return &cause{text: "the certificate has expired, or is not valid yet", leaf: e}
		}
		return &cause{text: "the certificate is not valid", leaf: e}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		// It holds the connection and the first bytes of the answer.
		return &cause{text: "the endpoint does not speak TLS on this port"}
	}
	if alert, ok := remoteAlert(err); ok {
		return &cause{text: "the endpoint ended TLS: " + alert.Error(), leaf: alert}
	}
	return nil
}

// remoteAlert returns the TLS alert that the endpoint sent.
func remoteAlert(err error) (tls.AlertError, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return 0, false
	}
	// The error's own type is not exported. It is one byte, as AlertError is,
	// and comparing texts instead would break with the next wording.
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return tls.AlertError(v.Uint()), true
}

// refusedClient reports whether err is the endpoint's refusal of our side of
// the TLS handshake. With TLS 1.3 that arrives after the request was written,
// but the endpoint has then thrown it away without reading it.
func refusedClient(err error) bool {
	const (
		handshakeFailure    = 40
		badCertificate      = 42
		unknownCertificate  = 46
		unknownAuthority    = 48
		accessDenied        = 49
		certificateRequired = 116
	)
	alert, ok := remoteAlert(err)
	switch {
	case !ok:
		return false
	case alert >= badCertificate && alert <= unknownCertificate:
		return true
	}
	return alert == handshakeFailure || alert == unknownAuthority ||
		alert == accessDenied || alert == certificateRequired
}

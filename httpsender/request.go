package httpsender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// A prepared request has been checked, and its secrets are filled in. It lives
// as long as Send does.
type prepared struct {
	host   string // as Secrets and Signing are told it; also the key of its limits
	id     string
	method string
	url    *url.URL // nil if it was refused
	header http.Header
	body   []byte
}

// endpoint returns scheme and host, for errors.
func (p *prepared) endpoint() string {
	if p.url == nil {
		return ""
	}
	return p.url.Scheme + "://" + p.url.Host
}

// prepare checks r and fills in its secrets. The result is not nil even if there
// is an error.
func (rt *runtime) prepare(ctx context.Context, r *campaign.Request) (*prepared, error) {
	p := &prepared{id: r.ID, method: r.Method}
	if rt.err != nil {
		return p, rt.err
	}
	u, err := rt.parseURL(r.URL)
	if err != nil {
		return p, err
	}
	p.url, p.host = u, bindingHost(u)
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return p, &cause{text: "the method is neither POST nor GET"}
	}
	// A copy, because a transport may go on reading it for a moment after an
	// early answer, and the caller has it back then.
	p.body = bytes.Clone(r.Body)
	p.header, err = rt.headers(ctx, r, p.host)
	return p, err
}

func (rt *runtime) parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &cause{text: "the URL cannot be parsed"} // err quotes it
	}
	if strings.Contains(raw, " ") {
		// net/url accepts it in a query, and net/http writes it as it stands.
		return nil, &cause{text: "the URL has a space in it; write it as %20"}
	}
	switch {
	case u.Scheme == "http" && !rt.allowHTTP:
		return nil, &cause{text: "the URL is http, which everybody on the way can read; use https, or set Sender.AllowHTTP"}
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, &cause{text: "the URL is not https"}
	case u.Opaque != "" || u.Hostname() == "":
		return nil, &cause{text: "the URL has no host"}
	case u.User != nil:
		return nil, &cause{text: "the URL holds a user name or password; put credentials into a header"}
	case strings.Contains(u.Hostname(), "%"):
		return nil, &cause{text: "the URL's host has a zone, which means something on one machine only"}
	case !validPort(u.Port()):
		return nil, &cause{text: "the URL's port is not between 1 and 65535"}
	}
	u.Fragment, u.RawFragment = "", "" // not sent, and a secret of browsers
	return u, nil
}

func validPort(port string) bool {
	n := 0
	for _, c := range []byte(port) {
		n = n*10 + int(c-'0') // url.Parse lets digits through only
		if n > 65535 {
			return false
		}
	}
	return port == "" || n > 0
}

// bindingHost is the host as [Secrets] are told it.
func bindingHost(u *url.URL) string {
	host, port := strings.ToLower(u.Host), u.Port()
	switch {
	case u.Scheme == "https":
		return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":")
	case port == "":
		return strings.TrimSuffix(host, ":") + ":80"
	}
	return host
}

// userAgent is sent unless the campaign has one. It is short because it goes
// out with every request, and has no version because no endpoint should care.
const userAgent = "campaign-webhook"

func (rt *runtime) headers(ctx context.Context, r *campaign.Request, host string) (http.Header, error) {
	header := make(http.Header, len(r.Headers)+5) // two for the signature
	values := make([]string, len(r.Headers)+3)
	set := func(name, value string) {
		values[0] = value
		header[name], values = values[:1:1], values[1:]
	}
	for _, h := range r.Headers {
		name, err := headerName(h.Name)
		if err != nil {
			return nil, err
		}
		if _, dup := header[name]; dup {
			return nil, headerCause(h.Name, "is there twice")
		}
		value, err := rt.headerValue(ctx, h, host)
		if err != nil {
			return nil, err
		}
		set(name, value)
	}
	if _, ok := header["User-Agent"]; !ok {
		set("User-Agent", userAgent)
	}
	if r.ID != "" {
		if err := campaign.CheckHeaderValue(r.ID); err != nil {
			return nil, &cause{text: "the delivery ID " + err.Error()}
		}
		set(headerID, r.ID)
	}
	if r.Test {
		if _, ok := header[testHeader]; !ok {
			set(testHeader, "true")
		}
	}
	return header, nil
}

// signed returns the headers with a signature. For the second attempt they are
// a copy: a transport may still be reading those of the first.
func (p *prepared) signed(timestamp, signature string) http.Header {
	header := p.header
	if _, used := header[headerSignature]; used {
		header = maps.Clone(header)
	}
	values := []string{timestamp, signature}
	header[headerTimestamp], header[headerSignature] = values[:1:1], values[1:]
	return header
}

// signable reports whether the ID can be told apart from the rest of what is
// signed, where dots stand between the parts.
func signable(id string) bool { return id != "" && !strings.Contains(id, ".") }

var testHeader = http.CanonicalHeaderKey(campaign.TestHeader)

func (rt *runtime) headerValue(ctx context.Context, h campaign.Header, host string) (string, error) {
	value := h.Value
	if h.Secret != "" {
		secret, err := rt.secret(ctx, h.Secret, host)
		if err != nil {
			return "", err
		}
		value += secret
	}
	if err := campaign.CheckHeaderValue(value); err != nil {
		return "", headerCause(h.Name, err.Error())
	}
	return value, nil
}

// secret resolves a secret. The resolver's own error stays behind: it may
// quote the secret, or the address of a vault with its token.
func (rt *runtime) secret(ctx context.Context, name, host string) (string, error) {
	if rt.secrets == nil {
		return "", &cause{text: fmt.Sprintf("the secret %q is not known: Sender.Secrets is nil", name), leaf: ErrNoSecret}
	}
	secret, err := callSecrets(ctx, rt.secrets, name, host)
	switch {
	case err == nil && secret == "":
		return "", &cause{text: fmt.Sprintf("the secret %q is empty", name), leaf: ErrNoSecret}
	case err == nil:
		return secret, nil
	case errors.Is(err, ErrNoSecret):
		return "", &cause{text: fmt.Sprintf("the secret %q %v (%s)", name, ErrNoSecret, host), leaf: ErrNoSecret}
	case ctx.Err() != nil:
		return "", contextCause(ctx.Err(), "while a secret was resolved")
	}
	return "", &cause{text: fmt.Sprintf("the secret %q could not be resolved", name)}
}

func callSecrets(ctx context.Context, s Secrets, name, host string) (secret string, err error) {
	defer recoverAs(&err)
	return s.Secret(ctx, name, host)
}

// headerName returns the key of a header in an http.Header.
func headerName(name string) (string, error) {
	if !isToken(name) {
		return "", &cause{text: "a header's name is not a name; use letters, digits and hyphens (RFC 9110 section 5.6.2)"}
	}
	key := http.CanonicalHeaderKey(name)
	switch key {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive",
		"Proxy-Connection", "Upgrade", "Te", "Expect", "Accept-Encoding", "Proxy-Authorization":
		return "", headerCause(name, "is set by the HTTP client; remove it")
	case "Idempotency-Key", "X-Idempotency-Key":
		// In lower case they mean the same to every endpoint, and nothing to
		// http.Transport: see [prepared.request].
		return strings.ToLower(key), nil
	}
	if strings.HasPrefix(key, "Webhook-") {
		return "", headerCause(name, "is kept for the delivery ID and the signature; choose another name")
	}
	return key, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func headerCause(name, text string) error {
	return &cause{text: "the header " + name + " " + text}
}

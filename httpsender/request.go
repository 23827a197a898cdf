package httpsender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A prepared request has been checked, and its secrets are filled in. It lives
// as long as Send does.
type prepared struct {
	host   string // as Secrets and Signing are told it; also the key of its limits
	target target
	id     string
	method string
	url    *url.URL // nil if it was refused, but for its scheme
	path   string   // with the query, as it is sent
	fields []field  // in the order in which they are sent
	body   []byte   // the caller's
}

type field struct{ name, value string }

// endpoint returns scheme and host, for errors.
func (p *prepared) endpoint() string {
	if p.url == nil {
		return ""
	}
	return p.url.Scheme + "://" + p.url.Host
}

// prepare checks r and fills in its secrets. The result is not nil even if there
// is an error.
func (rt *runtime) prepare(ctx context.Context, r *campaign.Request, deadline time.Time) (*prepared, error) {
	p := &prepared{id: r.ID, method: r.Method, body: r.Body}
	if rt.err != nil {
		return p, rt.err
	}
	u, err := rt.parseURL(r.URL)
	if p.url = u; err != nil {
		return p, err
	}
	p.host, p.target, p.path = bindingHost(u), targetOf(u), u.RequestURI()
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return p, &cause{text: "the method is neither POST nor GET"}
	}
	p.fields, err = rt.headers(ctx, r, p.host, deadline)
	return p, err
}

// parseURL returns the URL even if it is wrong only in that it is http.
func (rt *runtime) parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(escapeBars(raw))
	if err != nil {
		return nil, &cause{text: "the URL cannot be parsed"} // err quotes it
	}
	if strings.Contains(raw, " ") {
		// net/url accepts it in a query, and net/http writes it as it stands.
		return nil, &cause{text: "the URL has a space in it; write it as %20"}
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, &cause{text: "the URL is not https"}
	case u.Opaque != "" || u.Hostname() == "":
		return nil, &cause{text: "the URL has no host"}
	case u.User != nil:
		return nil, &cause{text: "the URL holds a user name or password; put credentials into a header"}
	case strings.Contains(u.Hostname(), "%"):
		return nil, &cause{text: "the URL's host has a zone, which means something on one machine only"}
	case !isHost(u.Hostname()):
		return nil, &cause{text: "the URL's host has a character that no host has; write one in Unicode in its xn-- form"}
	case !validPort(u.Port()):
		return nil, &cause{text: "the URL's port is not between 1 and 65535"}
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // an empty port is the usual one
	if u.Scheme == "http" && !rt.allowHTTP {
		return u, &cause{text: "the URL is http, which everybody on the way can read; use https, or set Sender.AllowHTTP"}
	}
	return u, nil
}

// escapeBars escapes the bars in the path of a URL. Nothing else that campaigns
// may have there makes net/url encode the whole path anew, in which a %2F would
// become a slash.
func escapeBars(raw string) string {
	path, query, found := strings.Cut(raw, "?")
	if strings.IndexByte(path, '|') < 0 {
		return raw
	}
	path = strings.ReplaceAll(path, "|", "%7C")
	if found {
		path += "?" + query
	}
	return path
}

// isHost reports whether host is made of what names and addresses are made of.
func isHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !isAlnum(c) && strings.IndexByte("-._:", c) < 0 {
			return false
		}
	}
	return true
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

func targetOf(u *url.URL) target {
	t := target{secure: u.Scheme == "https", addr: u.Host}
	switch {
	case u.Port() != "":
	case t.secure:
		t.addr += ":443"
	default:
		t.addr += ":80"
	}
	return t
}

// bindingHost is the host as [Secrets] are told it.
func bindingHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		return strings.TrimSuffix(host, ":443")
	case u.Port() == "":
		return host + ":80"
	}
	return host
}

// userAgent is sent unless the campaign has one. It is short because it goes
// out with every request, and has no version because no endpoint should care.
const userAgent = "campaign-webhook"

func (rt *runtime) headers(ctx context.Context, r *campaign.Request, host string, deadline time.Time) ([]field, error) {
	fields := make([]field, 0, len(r.Headers)+3)
	has := func(name string) bool {
		return slices.ContainsFunc(fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	}
	if _, prompt := rt.secrets.(promptSecrets); !prompt && slices.ContainsFunc(r.Headers, func(h campaign.Header) bool { return h.Secret != "" }) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline) // a vault may hang
		defer cancel()
	}
	for _, h := range r.Headers {
		if err := checkHeaderName(h.Name); err != nil {
			return nil, err
		}
		if has(h.Name) {
			return nil, headerCause(h.Name, "is there twice")
		}
		value, err := rt.headerValue(ctx, h, host)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{h.Name, value})
	}
	if !has("User-Agent") {
		fields = append(fields, field{"User-Agent", userAgent})
	}
	if r.Test && !has(campaign.TestHeader) {
		fields = append(fields, field{campaign.TestHeader, "true"})
	}
	if r.ID != "" {
		if err := campaign.CheckHeaderValue(r.ID); err != nil {
			return nil, &cause{text: "the delivery ID " + err.Error()}
		}
		fields = append(fields, field{"webhook-id", r.ID})
	}
	return fields, nil
}

// signable reports whether the ID can be told apart from the rest of what is
// signed, where dots stand between the parts.
func signable(id string) bool { return id != "" && !strings.Contains(id, ".") }

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
// quote the secret, or the address of a vault with its token. Only what this
// package wrote is shown, and not if a resolver around it asked for another
// secret or host, which the campaign's author has no business to know.
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
		if e, ok := errors.AsType[*noSecretError](err); ok && e.name == name && e.host == host {
			return "", &cause{text: e.Error(), leaf: ErrNoSecret}
		}
		return "", &cause{text: fmt.Sprintf("the secret %q %v (%s)", name, ErrNoSecret, host), leaf: ErrNoSecret}
	case ctx.Err() != nil:
		return "", contextCause(ctx.Err(), "while a secret was resolved")
	}
	return "", &cause{text: fmt.Sprintf("the secret %q could not be resolved; the cause may quote it and is not shown, so log it in Secrets", name)}
}

func callSecrets(ctx context.Context, s Secrets, name, host string) (secret string, err error) {
	defer recoverAs(&err)
	return s.Secret(ctx, name, host)
}

func checkHeaderName(name string) error {
	if !isToken(name) {
		return &cause{text: "a header's name is not a name; use letters, digits and hyphens (RFC 9110 section 5.6.2)"}
	}
	if strings.EqualFold(name, "Content-Encoding") {
		return headerCause(name, "says that the body is encoded, and it is not; remove it")
	}
	for _, own := range clientHeaders {
		if strings.EqualFold(name, own) {
			return headerCause(name, "is set by the HTTP client; remove it")
		}
	}
	const prefix = "webhook-"
	if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		return headerCause(name, "is kept for the delivery ID and the signature; choose another name")
	}
	return nil
}

// clientHeaders say how a message is carried, which is ours to say.
var clientHeaders = [...]string{
	"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive",
	"Proxy-Connection", "Upgrade", "TE", "Expect", "HTTP2-Settings", "Accept-Encoding", "Proxy-Authorization",
}

func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func headerCause(name, text string) error {
	return &cause{text: "the header " + name + " " + text}
}

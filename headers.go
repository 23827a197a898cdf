package campaign

import (
	"fmt"
	"strings"
)

// Headers are the request headers of a [Webhook], in the order in which they
// are sent. The zero value adds none.
type Headers []Header

// A Header is one request header: a fixed value, or the name of a secret that
// the sender resolves when it sends.
type Header struct {
	Name string

	// Value is sent as it stands; with a Secret, in front of it.
	Value string

	// Secret is the name of a secret, never the secret. The sender's resolver
	// decides whether that secret may go to the webhook's host. Empty means
	// that Value is all there is.
	Secret string
}

// CheckHeaderValue reports what RFC 9110 section 5.5 forbids in a header value:
// control characters other than tab, and white space at either end. Senders
// call it once a secret has been filled in. The error does not show the value.
func CheckHeaderValue(value string) error {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\r' || c == '\n':
			return fmt.Errorf("has a line break at byte %d; a header value is one line", i)
		case c == 0:
			return fmt.Errorf("has a NUL at byte %d; remove it", i)
		case c < ' ' && c != '\t' || c == 0x7f:
			return fmt.Errorf("has a control character at byte %d; remove it", i)
		}
	}
	if value != strings.Trim(value, " \t") {
		return fmt.Errorf("begins or ends with white space; remove it")
	}
	return nil
}

// clientHeaders are those that an HTTP client or the sender sets itself.
var clientHeaders = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "trailer": true,
	"connection": true, "keep-alive": true, "proxy-connection": true, "upgrade": true,
	"te": true, "expect": true, "accept-encoding": true, "proxy-authorization": true,
}

func (hs Headers) validate(fs *faults, p pointer) {
	seen := make(map[string]int, len(hs))
	for i, h := range hs {
		h.validate(fs, p.index(i))
		lower := strings.ToLower(h.Name)
		if first, dup := seen[lower]; dup && h.Name != "" {
			fs.add(p.index(i).key("name"), "%q is already set by %s; keep one of them", h.Name, p.index(first))
			continue
		}
		seen[lower] = i
	}
}

func (h Header) validate(fs *faults, p pointer) {
	lower := strings.ToLower(h.Name)
	switch name := p.key("name"); {
	case h.Name == "":
		fs.add(name, `is empty; give the header a name such as "X-Api-Key"`)
	case !isToken(h.Name):
		fs.add(name, "%q is not a header name; use letters, digits and hyphens (RFC 9110 section 5.6.2)", h.Name)
	case clientHeaders[lower]:
		fs.add(name, "%q is set by the HTTP client; remove it", h.Name)
	case strings.HasPrefix(lower, "webhook-"):
		fs.add(name, "%q is kept for the delivery ID and the signature; choose another name", h.Name)
	case lower == strings.ToLower(TestHeader):
		fs.add(name, "%q marks test requests and is set by Engine.Test; remove it", h.Name)
	}
	value := h.Value
	if h.Secret != "" {
		value = strings.TrimRight(value, " \t") // "Bearer " goes on with the secret
	}
	if err := CheckHeaderValue(value); err != nil {
		fs.add(p.key("value"), "%v", err)
	}
	if h.Secret != "" && !isSecretName(h.Secret) {
		fs.add(p.key("secret"), "is not a secret's name; use letters, digits and _ . - / only, and never put the secret itself here")
	}
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// isSecretName is what names in environments and secret stores look like. It
// refuses most secrets that were pasted where their name belongs.
func isSecretName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && strings.IndexByte("_.-/", s[i]) < 0 {
			return false
		}
	}
	return len(s) <= 128
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func (d *decoder) headers(n *jsonValue) Headers {
	var hs Headers
	d.list(n, func(x *jsonValue) {
		var h Header
		d.object(x, func(key string, x *jsonValue) bool {
			switch key {
			case "name":
				h.Name = d.str(x)
			case "value":
				h.Value = d.str(x)
			case "secret":
				h.Secret = d.str(x)
				if h.Secret == "" {
					d.faults.add(x.at, "is empty; write the secret's name, or leave it out")
				}
			default:
				return false
			}
			return true
		}, "name", "value", "secret")
		hs = append(hs, h)
	})
	return hs
}

func (w *jsonWriter) header(h Header) {
	w.raw("{")
	w.member("name", h.Name)
	w.text("value", h.Value)
	w.text("secret", h.Secret)
	w.raw("}")
}

package campaign

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
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
	if value != "" && (isBlank(value[0]) || isBlank(value[len(value)-1])) {
		return errors.New("begins or ends with white space; remove it")
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// clientHeaders are those that belong to the connection (RFC 9110 section
// 7.6.1), to the framing of the message, or to the coding of the answer, which an
// HTTP client or the sender sets itself.
var clientHeaders = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "trailer": true,
	"connection": true, "keep-alive": true, "proxy-connection": true, "upgrade": true,
	"te": true, "expect": true, "http2-settings": true, "proxy-authorization": true,
	"accept-encoding": true,
}

func (hs Headers) validate(fs *faults, p pointer) {
	if !hs.mayRepeat() {
		for i := range hs {
			hs[i].validate(fs, p.index(i))
		}
		return
	}
	seen := make(map[string]int, len(hs))
	for i, h := range hs {
		h.validate(fs, p.index(i))
		lower := strings.ToLower(h.Name)
		if first, dup := seen[lower]; dup && isToken(h.Name) {
			fs.add(p.index(i).key("name"), "%q is already set by %s; keep one of them", h.Name, p.index(first).String())
			continue
		}
		seen[lower] = i
	}
}

// mayRepeat reports whether a name may stand there twice. It says so of all
// lists that are long or unusual: it is there to spare the others a map.
func (hs Headers) mayRepeat() bool {
	const short = 8
	if len(hs) > short {
		return true
	}
	for i := range hs {
		if !isASCII(hs[i].Name) {
			return true
		}
		for j := range i {
			if strings.EqualFold(hs[i].Name, hs[j].Name) {
				return true
			}
		}
	}
	return false
}

// contentType checks a Content-Type of the webhook's own against what the body
// will be. An endpoint that is told the wrong form reads nothing, and says so
// to nobody.
func (h *Header) contentType(form payloadForm, fs *faults, p pointer) {
	if !strings.EqualFold(h.Name, "Content-Type") {
		return
	}
	if CheckHeaderValue(h.Value) != nil {
		return // a fault already
	}
	if h.Secret != "" {
		fs.add(p.key("secret"), "makes a secret of the Content-Type; write it as value")
		return
	}
	media, _, _ := strings.Cut(h.Value, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	major, minor, _ := strings.Cut(media, "/")
	switch value := p.key("value"); {
	case !isToken(major) || !isToken(minor):
		fs.add(value, `is not a media type; write one such as "application/json", or leave the header out`)
	case form == asForm && media != formType:
		fs.add(value, `is another type than the body's, which is %s; remove the header, or the encoding "form"`, formType)
	case form == asJSON && (media == formType || major == "multipart"):
		fs.add(value, `says that the body is a form, and it is JSON; remove the header, or set the encoding to "form"`)
	}
}

func (h *Header) validate(fs *faults, p pointer) {
	switch name := p.key("name"); {
	case h.Name == "":
		fs.add(name, `is empty; give the header a name such as "X-Api-Key"`)
	case strings.Contains(h.Name, ":"):
		// Not shown: what follows the colon often is the value, and a credential.
		fs.add(name, "has a colon in it; write the name alone, and what follows the colon as value or secret")
	case !isToken(h.Name):
		fs.add(name, "has a character that no header name has (RFC 9110 section 5.6.2); use letters, digits and hyphens")
	case strings.EqualFold(h.Name, "Content-Encoding"):
		fs.add(name, "%q says that the body is encoded, and it is not; remove it", h.Name)
	case isClientHeader(h.Name):
		fs.add(name, "%q is set by the HTTP client; remove it", h.Name)
	case hasPrefixFold(h.Name, "webhook-"):
		fs.add(name, "%q is kept for the delivery ID and the signature; choose another name", h.Name)
	case strings.EqualFold(h.Name, TestHeader):
		fs.add(name, "%q marks test requests and is set by Engine.Test; remove it", h.Name)
	}
	value := h.Value
	if h.Secret != "" {
		value = strings.TrimRight(value, " \t") // "Bearer " goes on with the secret
	}
	if err := CheckHeaderValue(value); err != nil {
		fs.add(p.key("value"), "%v", err)
	} else if value == "" && h.Value != "" {
		fs.add(p.key("value"), "is white space in front of the secret; remove it")
	} else if !utf8.ValidString(value) {
		fs.add(p.key("value"), "is not valid UTF-8; write it as UTF-8, or in ASCII")
	}
	if h.Secret != "" && !isSecretName(h.Secret) {
		fs.add(p.key("secret"), "is not a secret's name; use letters, digits and _ . - / only, and never put the secret itself here")
	}
}

// isClientHeader reports whether a name, which is a token, is one of clientHeaders.
func isClientHeader(name string) bool {
	var room [32]byte // for the longest of them
	if len(name) > len(room) {
		return false
	}
	lower := room[:0]
	for i := range len(name) {
		lower = append(lower, lowerASCII(name[i]))
	}
	return clientHeaders[string(lower)]
}

func hasPrefixFold(s, prefix string) bool {
	_, ok := cutPrefixFold(s, prefix)
	return ok
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
	d.objects(n, `[{"name": "X-Source", "value": "webshop"}]`, func(x *jsonValue) {
		var h Header
		d.object(x, func(key string, x *jsonValue) bool {
			switch key {
			case "name":
				h.Name = d.str(x)
			case "value":
				h.Value = d.str(x)
			case "secret":
				h.Secret = d.str(x)
				if x.kind == jsonString && x.text == "" {
					d.fault(x.at, "is empty; write the secret's name, or leave it out")
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

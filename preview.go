package campaign

import (
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Preview is a [Request] as it goes over the wire, for people to look at before
// anything is sent. [Request.Preview] makes one. It is plain data.
//
// It is what a Sender of the package httpsender writes, byte for byte, on an
// HTTP/1.1 connection of its own. One with a Transport leaves the order of the
// headers to that; one with Signing adds webhook-timestamp and
// webhook-signature behind webhook-id, which depend on the time and on a key.
//
// A Preview is there to show what a Request hides: the whole URL, the payload,
// personal data. String, Curl and fmt show it; LogValue and GoString do not.
// Secrets are not in it at all.
type Preview struct {
	ID       string // the delivery ID
	Campaign string // ID of the campaign
	Node     int    // index of the webhook in Campaign.Nodes

	Method string
	URL    string

	// Headers are all that are sent, in this order: Host, those of the request,
	// and what the sender adds. A secret stands as its name, as in a definition.
	Headers Headers

	Body string
	Test bool // rendered by [Engine.Test]
}

// What httpsender adds to a request; a test of that package compares.
const (
	senderAgent      = "campaign-webhook"
	deliveryIDHeader = "webhook-id"
)

// Preview returns the request as it goes over the wire. It is pure, asks for no
// secret, and shares nothing with r. A request that was not rendered by this
// package, and that no sender would send, has a preview all the same.
func (r Request) Preview() Preview {
	p := Preview{
		ID: r.ID, Campaign: r.Campaign, Node: r.Node,
		Method: r.Method, URL: r.URL, Body: string(r.Body), Test: r.Test,
		Headers: make(Headers, 0, len(r.Headers)+5),
	}
	add := func(name, value string) { p.Headers = append(p.Headers, Header{Name: name, Value: value}) }
	if a, ok := addressOf(r.URL); ok {
		add("Host", a.host)
	}
	p.Headers = append(p.Headers, r.Headers...)
	if !p.has("User-Agent") {
		add("User-Agent", senderAgent)
	}
	if r.Test && !p.has(TestHeader) {
		add(TestHeader, "true")
	}
	if r.ID != "" {
		add(deliveryIDHeader, r.ID)
	}
	if len(r.Body) > 0 || r.Method == "POST" {
		add("Content-Length", strconv.Itoa(len(r.Body)))
	}
	return p
}

func (p *Preview) has(header string) bool {
	return slices.ContainsFunc(p.Headers, func(h Header) bool { return strings.EqualFold(h.Name, header) })
}

// An address is a webhook's URL as a sender uses it.
type address struct {
	scheme, host string
	target       string // what stands in the request line
}

func addressOf(rawURL string) (address, bool) {
	path, query, found := strings.Cut(rawURL, "?")
	if found {
		query = "?" + query
	}
	// As the sender does: for a bar net/url would encode the whole path anew.
	u, err := url.Parse(strings.ReplaceAll(path, "|", "%7C") + query)
	if err != nil || u.Host == "" {
		return address{}, false
	}
	return address{u.Scheme, strings.TrimSuffix(u.Host, ":"), u.RequestURI()}, true
}

// String returns the request for people: method and URL, the headers, an empty
// line, the body. A secret is written as its name in angle brackets, and what
// cannot be seen, or would rearrange the text, as an escape.
func (p Preview) String() string {
	var b strings.Builder
	b.WriteString(visibleLine(p.Method+" "+p.URL) + "\n")
	for _, h := range p.Headers {
		line := h.Name + ": " + h.Value
		if h.Secret != "" {
			line += "<secret " + h.Secret + ">"
		}
		b.WriteString(visibleLine(line) + "\n")
	}
	if p.Body != "" {
		b.WriteString("\n" + visible(p.Body) + "\n")
	}
	return b.String()
}

// visibleLine is visible for what has to stay one line: a line break in a header
// of a request made by hand would look like another header.
func visibleLine(s string) string { return strings.ReplaceAll(visible(s), "\n", `\u000a`) }

// visible is showInvisible for text of several lines, whatever is in it.
func visible(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || r >= 0x80) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r == '\n' {
			b.WriteRune(r)
		} else {
			writeVisible(&b, r)
		}
	}
	return b.String()
}

// GoString returns the ID, the method and the endpoint, as the String of a Request
// does: %#v is for debugging, and ends in logs.
func (p Preview) GoString() string { return "campaign.Preview(" + p.hidden().String() + ")" }

// LogValue returns the parts of the request that may be logged.
func (p Preview) LogValue() slog.Value { return p.hidden().LogValue() }

func (p *Preview) hidden() Request {
	return Request{ID: p.ID, Campaign: p.Campaign, Node: p.Node, Method: p.Method, URL: p.URL, Test: p.Test}
}

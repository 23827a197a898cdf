package campaign

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Webhook is a node that calls an endpoint: one HTTP request, rendered for the
// visit that started the run.
type Webhook struct {
	// Method is "POST" or "GET". Empty means POST.
	Method string

	// URL is absolute, http or https, without user information, zone and fragment.
	// It often is a credential itself, so only its scheme and host are ever
	// shown. Its own query stays as it is, byte for byte. Nothing is filled into
	// it: what differs from visit to visit belongs in the payload.
	URL string

	// Payload goes into the body of a POST, and into the query of a GET after
	// what the URL has there already.
	Payload Payload

	// Encoding is how a POST writes its payload. Zero is EncodingJSON.
	Encoding Encoding

	// Headers are added to the request. A Content-Type among them takes the
	// place of the encoding's own: that of a form for JSON is refused, and the
	// other way round; whether the endpoint takes another one, only it knows.
	Headers Headers

	// AllowSensitiveQuery lets sensitive payload fields into the URL of a GET.
	AllowSensitiveQuery bool
}

// String returns the method and the endpoint, and nothing else: printed with %v, a
// campaign shows no URL that is a credential.
func (w Webhook) String() string { return cmp.Or(w.Method, "POST") + " " + endpointOf(w.URL) }

// Format writes what String returns, whatever the verb: with String alone, %d and %#v
// would show the URL.
func (w Webhook) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, w.String()) }

// LogValue returns what String returns.
func (w Webhook) LogValue() slog.Value { return slog.StringValue(w.String()) }

// A webhookProgram is a compiled Webhook.
type webhookProgram struct {
	def     Webhook // once it is detached, without the payload's fields
	sent    Headers // those of every request but a test's
	node    int
	payload payloadProgram
}

// definition returns a copy of what a valid webhook was compiled from.
func (prog *webhookProgram) definition() Webhook {
	w := prog.def
	if len(prog.payload.leaves) > 0 {
		w.Payload = make(Payload, len(prog.payload.leaves))
	}
	for i := range w.Payload {
		w.Payload[i] = prog.payload.leaves[i].definition()
	}
	w.Headers = slices.Clone(w.Headers)
	return w
}

// detach makes a copy of what a valid webhook shares with its definition.
func (prog *webhookProgram) detach() {
	if len(prog.def.Payload) > 0 {
		prog.def.Payload = nil // the leaves have it all
	}
	for i := range prog.payload.leaves {
		l := &prog.payload.leaves[i]
		l.value = cloneValue(l.value)
	}
	if hs := prog.def.Headers; hs != nil {
		prog.def.Headers = prog.sent[len(prog.sent)-len(hs):]
	}
}

func (w *Webhook) form() payloadForm {
	switch {
	case w.Method == "GET":
		return asQuery
	case w.Encoding == EncodingForm:
		return asForm
	}
	return asJSON
}

func (prog *webhookProgram) compile(w *Webhook, node int, fs *faults, p pointer) {
	prog.def, prog.node = *w, node
	switch w.Method {
	case "", "POST", "GET":
	default:
		hint := `write "POST" or "GET"`
		if upper := strings.ToUpper(w.Method); upper == "POST" || upper == "GET" {
			hint = "write it in capitals"
		}
		fs.add(p.key("method"), "%s is not a method for webhooks; %s", shorten(w.Method), hint)
	}
	switch {
	case w.Encoding < 0 || int(w.Encoding) >= len(encodingNames):
		fs.add(p.key("encoding"), "is %v, which is no encoding; use EncodingJSON or EncodingForm", w.Encoding)
	case w.Method == "GET" && w.Encoding != EncodingJSON:
		fs.add(p.key("encoding"), "means nothing for a GET, which has its payload in the query; remove it")
	}
	checkWebhookURL(w.URL, fs, p.key("url"))
	form := w.form()
	prog.payload = w.Payload.compile(form, w.AllowSensitiveQuery, fs, p.key("payload"))
	prog.checkQueryNames(form, fs, p.key("payload"))
	headers := p.key("headers")
	w.Headers.validate(fs, headers)
	for i := range w.Headers {
		w.Headers[i].contentType(form, fs, headers.index(i))
	}
	prog.sent = w.headers()
}

const exampleURL = `such as "https://esp.example/hooks"`

// checkWebhookURL accepts what an HTTP client can send to. No fault shows the URL.
func checkWebhookURL(raw string, fs *faults, p pointer) {
	if raw == "" {
		fs.add(p, "is missing; write the endpoint's address, %s", exampleURL)
		return
	}
	if isPlainURL(raw) {
		return
	}
	u, err := url.Parse(raw)
	if i := strings.IndexFunc(raw, noURLCharacter); i >= 0 && (err != nil || isASCII(u.Host)) {
		checkURLCharacter(raw[i:], i, fs, p)
		return
	}
	if err != nil {
		fs.add(p, "is not a URL; check its host, its port and its %% escapes")
		return
	}
	checkWebhookHost(u, fs, p)
	if u.User != nil {
		fs.add(p, "has a user or password in it; put credentials into a header with a secret")
	}
	if strings.Contains(raw, "#") {
		fs.add(p, "has a fragment, which is never sent; remove it from # on, or write # as %%23")
	}
}

// checkWebhookHost checks what says where a request goes.
func checkWebhookHost(u *url.URL, fs *faults, p pointer) {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		fs.add(p, "has no scheme that webhooks use; begin it with https://")
	case u.Hostname() == "":
		fs.add(p, "has no host; write the whole address, %s", exampleURL)
	case strings.Contains(u.Hostname(), "%"):
		// What net/url lets through escaped: a zone behind an address in
		// brackets, and a sign that no name has. Either is never sent to, so
		// it is better found here than by the first visit.
		if strings.HasPrefix(u.Host, "[") {
			fs.add(p, "has a zone in its host, which means something on one machine only; write a name, or an address without it")
		} else {
			fs.add(p, "has a %% in its host, which no name has; remove it")
		}
	case !isASCII(u.Host):
		if ascii, ok := hostToASCII(u.Hostname()); ok && isNormal(u.Hostname()) {
			fs.add(p, "has a host in Unicode; write it as %q", ascii)
		} else {
			fs.add(p, "has a host in Unicode; write it in its xn-- form")
		}
	case strings.IndexFunc(u.Hostname(), noHostCharacter) >= 0:
		host := u.Hostname()
		i := strings.IndexFunc(host, noHostCharacter)
		fs.add(p, "has a %q in its host, which no name has; remove it", host[i:i+1])
	case u.Port() != "":
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			fs.add(p, "has a port that no host has; write one from 1 to 65535, or none")
		}
	}
}

// isPlainURL reports whether nothing in a URL needs a second look, as in most: a
// scheme, a name of ASCII as the host, a path and a query without escapes. Taking
// it apart would only tell the same, at several times the cost.
func isPlainURL(raw string) bool {
	rest, ok := strings.CutPrefix(raw, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(raw, "http://"); !ok {
			return false
		}
	}
	i := 0
	for i < len(rest) && (isAlnum(rest[i]) || rest[i] == '.' || rest[i] == '-') {
		i++
	}
	if i == 0 || i < len(rest) && rest[i] != '/' && rest[i] != '?' {
		return false
	}
	for ; i < len(rest); i++ {
		if !isAlnum(rest[i]) && strings.IndexByte("/?&=-._~", rest[i]) < 0 {
			return false
		}
	}
	return true
}

// noHostCharacter reports whether r, of ASCII, stands in no name and in no address.
func noHostCharacter(r rune) bool { return !isAlnum(byte(r)) && !strings.ContainsRune("-._:", r) }

// noURLCharacter reports whether r never stands in a URL. Square brackets and
// bars do not either, by RFC 3986, but endpoints ask for filter[]=a|b.
func noURLCharacter(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{}", r)
}

// checkURLCharacter adds the fault for what stands at byte i of a URL.
func checkURLCharacter(rest string, i int, fs *faults, p pointer) {
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == '{' || r == '}':
		fs.add(p, "has a brace at byte %d, and nothing is filled into a URL; put the field into the payload, or write the brace as %%%02X", i, r)
	case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1:
		fs.add(p, "has a control character or invalid UTF-8 at byte %d; remove it", i)
	default:
		var escaped []byte
		for _, c := range []byte(rest[:size]) {
			escaped = fmt.Appendf(escaped, "%%%02X", c)
		}
		fs.add(p, "has the character %q at byte %d, which a URL cannot have; remove it, or write it as %s", r, i, escaped)
	}
}

// checkQueryNames refuses payload names that the URL's own query has: which of
// the two an endpoint would take is anybody's guess.
func (prog *webhookProgram) checkQueryNames(form payloadForm, fs *faults, p pointer) {
	if form != asQuery {
		return
	}
	_, query, found := strings.Cut(prog.def.URL, "?")
	if !found {
		return
	}
	names := make(map[string]bool) // looked for in the query itself, each field would go through all of it
	for param := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(param, "=")
		names[formText(name)] = true
	}
	for i := range prog.payload.leaves {
		leaf := &prog.payload.leaves[i]
		if names[leaf.name()] {
			fs.add(p.index(int(leaf.index)), "has the name %s, which the URL's query has too; rename it with as, or remove it from the URL", shorten(leaf.name()))
		}
	}
}

// formType is the media type of forms.
const formType = "application/x-www-form-urlencoded"

// contentType returns the Content-Type that goes in front of the headers; empty
// for none.
func (w *Webhook) contentType() string {
	form := w.form()
	if form == asQuery {
		return ""
	}
	for i := range w.Headers {
		if strings.EqualFold(w.Headers[i].Name, "Content-Type") {
			return ""
		}
	}
	if form == asForm {
		return formType
	}
	return "application/json"
}

// These are all that most webhooks send.
var (
	onlyJSON = Headers{{Name: "Content-Type", Value: "application/json"}}
	onlyForm = Headers{{Name: "Content-Type", Value: formType}}
)

// headers returns the headers with the Content-Type in front, not to be changed.
func (w *Webhook) headers() Headers {
	contentType := w.contentType()
	switch {
	case contentType == "":
		return slices.Clone(w.Headers)
	case len(w.Headers) == 0 && contentType == formType:
		return onlyForm
	case len(w.Headers) == 0:
		return onlyJSON
	}
	hs := make(Headers, 0, 1+len(w.Headers))
	hs = append(hs, Header{Name: "Content-Type", Value: contentType})
	return append(hs, w.Headers...)
}

// render makes the request for one visit. It is pure: no clock, no network. The
// headers go into the room that r.Headers has for them.
func (prog *webhookProgram) render(r *Request, campaignID string, id *idRoom, v *view, test bool) error {
	r.ID = deliveryID(id, campaignID, prog.node, v, test)
	r.Campaign, r.Node = campaignID, prog.node
	r.Method, r.URL = prog.def.Method, prog.def.URL
	r.Test = test
	if r.Method == "" {
		r.Method = "POST"
	}
	var err *RenderError
	switch prog.def.form() {
	case asJSON:
		r.Body, err = prog.payload.appendJSON(make([]byte, 0, prog.payload.size), v)
	case asForm:
		r.Body, err = prog.payload.appendForm(make([]byte, 0, prog.payload.size), v)
	case asQuery:
		r.URL, err = prog.urlWithQuery(v)
	}
	if err != nil {
		err.Pointer = "/nodes/" + strconv.Itoa(prog.node) + err.Pointer
		return err
	}
	r.Headers = append(r.Headers, prog.sent...)
	if test {
		r.Headers = append(r.Headers, Header{Name: TestHeader, Value: "true"})
	}
	return nil
}

func (prog *webhookProgram) urlWithQuery(v *view) (string, *RenderError) {
	var room [512]byte
	dst := append(room[:0], prog.def.URL...)
	switch _, query, ok := strings.Cut(prog.def.URL, "?"); {
	case !ok:
		dst = append(dst, '?')
	case query != "" && !strings.HasSuffix(query, "&"):
		dst = append(dst, '&')
	}
	start := len(dst)
	dst, err := prog.payload.appendForm(dst, v)
	if err != nil || len(dst) == start {
		return prog.def.URL, err // nothing to add: not even the separator
	}
	return string(dst), nil
}

// deliveryID is a hash of what makes a delivery that delivery: campaign, node,
// profile, and the visit's ID, or its time and address if the host has given
// none. Each part goes in with its length, so that no two lists of parts read
// the same. The lengths take a byte as a rule: with eight each, most visits would
// need another block of the hash, which takes as long as reading the address.
// Tests have a domain of their own, so that an endpoint that drops repetitions
// does not drop the real thing after a test.
//
// It is written into id, which nobody may change after.
func deliveryID(id *idRoom, campaignID string, node int, v *view, test bool) string {
	visit := &v.visit
	var room [256]byte
	b := room[:0]
	if test {
		b = append(b, "campaign-test-v2"...)
	} else {
		b = append(b, "campaign-v2"...)
	}
	b = appendPart(b, campaignID)
	b = binary.BigEndian.AppendUint32(b, uint32(node))
	b = appendPart(b, visit.Profile.ID)
	b = appendPart(b, visit.ID)
	if visit.ID == "" {
		b = binary.BigEndian.AppendUint64(b, uint64(visit.Time.UnixMilli()))
		url := visit.URL
		if v.page.isOdd() {
			url = escapeInvalid(url) // as a log has it
		}
		b = appendPart(b, url)
	}
	sum := sha256.Sum256(b)
	copy(id[:], "msg_")
	for i := range 4 {
		digits := eightHexDigits(binary.LittleEndian.Uint32(sum[4*i:]))
		binary.LittleEndian.PutUint64(id[len("msg_")+8*i:], digits)
	}
	return unsafe.String(&id[0], len(id))
}

// An idRoom has room for a delivery ID.
type idRoom [len("msg_") + 32]byte

// eightHexDigits returns four bytes, the lowest first, as encoding/hex writes them,
// which does so one by one and takes as long as a block of the hash.
func eightHexDigits(b uint32) uint64 {
	x := uint64(b)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x>>4 | x<<8) & (0x0f * ones) // four bits in each byte
	letters := (x + 6*ones) >> 4 & ones
	return x + '0'*ones + letters*('a'-'0'-10)
}

func appendPart(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// millis cuts a time to the millisecond, which is all that counts.
func millis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

func (d *decoder) webhook(n *jsonValue) Webhook {
	var w Webhook
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "type":
		case "method":
			w.Method = d.str(x)
		case "url":
			w.URL = d.str(x)
		case "payload":
			w.Payload = d.payload(x)
		case "encoding":
			w.Encoding = Encoding(d.oneOf(x, encodingNames))
		case "headers":
			w.Headers = d.headers(x)
		case "allow_sensitive_query":
			w.AllowSensitiveQuery = d.boolean(x)
		default:
			return false
		}
		return true
	}, "type", "method", "url", "payload", "encoding", "headers", "allow_sensitive_query")
	return w
}

func (w *jsonWriter) webhook(hook Webhook) {
	w.raw("{")
	w.member("type", "webhook")
	w.text("method", hook.Method)
	w.member("url", hook.URL)
	if hook.Encoding != EncodingJSON {
		w.member("encoding", hook.Encoding.String())
	}
	if len(hook.Payload) > 0 {
		w.list("payload", len(hook.Payload), func(i int) { w.payloadField(hook.Payload[i]) })
	}
	if len(hook.Headers) > 0 {
		w.list("headers", len(hook.Headers), func(i int) { w.header(hook.Headers[i]) })
	}
	if hook.AllowSensitiveQuery {
		w.member("allow_sensitive_query", true)
	}
	w.raw("}")
}

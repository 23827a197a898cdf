package campaign

import (
	"strings"
	"unicode/utf8"
)

// A location is an address as a browser shows it, taken apart by the rules of
// the URL Standard. Its parts are pieces of the address itself wherever that
// stands in its normal form, which costs no allocation.
//
// net/url is not used: it refuses addresses that browsers show every day, such
// as /100%, and it costs several times as much.
type location struct {
	scheme   string // lower case; empty in origin-form
	host     string // lower case, ASCII, with a port that is not the scheme's own
	path     string // raw, "/" if an address of the web has none
	query    string // raw, without ?; see params
	fragment string // raw, without #; after readTail

	// shown is the address up to the end of the query, if that is how page.url
	// reads; empty if it has to be put together. Unless settled is set, it may
	// hold characters that a browser shows percent-encoded: only page.url asks
	// for it, so only page.url pays for looking.
	shown   string
	settled bool

	// tail is where in shown the query begins, as long as nothing that follows the path is
	// read: then shown has all of it. 0 if it is read, or there is nothing.
	tail int

	// Of what is read: before readTail, of nothing.
	odd                            bool // there may be spaces, controls or more than ASCII
	escaped                        bool // there may be a %
	marked                         bool // there may be a #
	form                           locationForm
	hasHost, hasQuery, hasFragment bool
}

// A locationForm says what stands before the path.
type locationForm uint8

const (
	originForm    locationForm = iota // nothing: /path, as a request line has it
	authorityForm                     // scheme://host, or scheme:// for file:///path
	rootedForm                        // scheme: and a path that begins with a slash
	opaqueForm                        // scheme: and what only the scheme understands: about:blank
)

const missingURL = `is missing; pass the page's address, such as "https://shop.example/shoes/"`

// parse reads an address: scheme://host/path?query#fragment, or origin-form,
// /path?query, as http.Request.URL has it. It returns what is wrong, or "". l is
// its zero value.
func (l *location) parse(s string) (fault string) {
	scheme, host := plainOrigin(s)
	return l.parseBehind(s, scheme, host)
}

// parseBehind is parse for an address of which plainOrigin is known. Of most addresses it
// reads no more than the path, in one go, and leaves what follows to readTail.
func (l *location) parseBehind(s string, scheme, host int) (fault string) {
	end, plain := plainPath(s[host:])
	if plain && host < len(s) && s[host] == '/' {
		l.takeOrigin(s, scheme, host)
		l.path, l.shown = s[host:][:end], s
		if host+end < len(s) {
			l.tail = host + end
		}
		return ""
	}
	if l.scan(s[host:]); l.odd {
		s = tame(s)
		scheme, host = plainOrigin(s)
		end, plain = plainPath(s[host:])
	}
	switch {
	case host > 0, strings.HasPrefix(s, "/"):
		l.takeOrigin(s, scheme, host)
		l.takeRest(s[host:], s, end, plain)
		return ""
	case s == "":
		return missingURL
	}
	return l.parseOther(s)
}

// takeOrigin takes what plainOrigin has found. An address may have none.
func (l *location) takeOrigin(s string, scheme, host int) {
	if host > 0 {
		l.form, l.scheme = authorityForm, s[:scheme]
		l.host, l.hasHost = s[scheme+len("://"):host], true
	}
}

// scan notes what has to be looked for in an address, or in what follows its host or its
// path. Most have none of it, and are looked through once.
func (l *location) scan(s string) {
	l.marked = hasBelow(s, '&')
	if !l.marked {
		return
	}
	l.odd = hasBelow(s, ' '+1)
	l.escaped = l.odd || strings.IndexByte(s, '%') >= 0 // tame escapes what is not UTF-8
}

// parseRest reads path, query and fragment. whole is the address that ends
// with s, if page.url reads as it does.
func (l *location) parseRest(s, whole string) {
	end, plain := plainPath(s)
	l.takeRest(s, whole, end, plain)
}

// takeRest is parseRest for an address of which plainPath is known.
func (l *location) takeRest(s, whole string, end int, plain bool) {
	if i := l.fragmentStart(s); i >= 0 {
		l.fragment, l.hasFragment = s[i+1:], true
		if whole != "" {
			whole = whole[:len(whole)-(len(s)-i)]
		}
		s = s[:i]
	}
	if end < len(s) {
		l.query, l.hasQuery = s[end+1:], true
		s = s[:end]
	}
	if !plain && l.form == authorityForm && strings.IndexByte(s, '\\') >= 0 && isSpecial(l.scheme) {
		s, whole = strings.ReplaceAll(s, `\`, "/"), ""
	}
	switch {
	case s == "" && isSpecial(l.scheme):
		s, whole = "/", ""
	case l.form != opaqueForm && (l.scheme == "file" || !plain && hasDots(s, l.escaped)):
		if clean := cleanPath(s, l.scheme == "file"); clean != s {
			s, whole = clean, ""
		}
	}
	l.path, l.shown = s, whole
}

// readTail reads what follows a path that parseBehind has read. Most visits match nothing,
// and seldom does a condition ask for it.
func (l *location) readTail() {
	if l.tail > 0 {
		l.takeTail()
	}
}

func (l *location) takeTail() {
	before, tail := l.shown[:l.tail], l.shown[l.tail:]
	l.tail = 0
	if l.scan(tail); l.odd {
		tail = tame(tail)
		l.shown = before + tail
	}
	if i := l.fragmentStart(tail); i >= 0 {
		l.fragment, l.hasFragment = tail[i+1:], true
		tail = tail[:i]
		l.shown = l.shown[:len(before)+i]
	}
	l.query, l.hasQuery = tail[len("?"):], true
}

// params returns the raw query.
func (l *location) params() string {
	l.readTail()
	return l.query
}

// isOdd reports whether there may be spaces, controls or more than ASCII.
func (l *location) isOdd() bool {
	l.readTail()
	return l.odd
}

// fragmentStart returns the index of the first #, or -1.
func (l *location) fragmentStart(s string) int {
	if !l.marked {
		return -1
	}
	return strings.IndexByte(s, '#')
}

// url returns the address without its fragment, in its normal form.
func (l *location) url() string {
	l.readTail()
	if l.settled {
		return l.shown
	}
	if l.shown != "" && !l.odd && !mayEncode(l.shown) {
		l.settled = true
		return l.shown
	}
	pathSet, querySet := l.encodeSets()
	if l.shown == "" || !isEncoded(l.path, pathSet) || !isEncoded(l.query, querySet) {
		l.shown = string(l.appendURL(nil, pathSet, querySet))
	}
	l.settled = true
	return l.shown
}

func (l *location) appendURL(dst []byte, pathSet, querySet encodeSet) []byte {
	if l.form != originForm {
		dst = append(append(dst, l.scheme...), ':')
	}
	path, spaceLast := l.path, false
	switch l.form {
	case authorityForm:
		dst = append(append(dst, "//"...), l.host...)
	case rootedForm:
		if strings.HasPrefix(path, "//") {
			dst = append(dst, "/."...) // or its beginning would read as a host
		}
	case opaqueForm:
		path, spaceLast = strings.CutSuffix(path, " ")
	}
	dst = appendEncoded(dst, path, pathSet)
	if spaceLast {
		dst = append(dst, "%20"...) // or it would be trimmed the next time
	}
	if l.hasQuery {
		dst = append(dst, '?')
		dst = appendEncoded(dst, l.query, querySet)
	}
	return dst
}

// tame removes what a browser strips: spaces and controls at the ends, tabs and
// line breaks anywhere. Bytes that are not UTF-8 become escapes, so that no
// field ever holds them.
func tame(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(s, "\t\n\r") {
		// Not strings.Map, which makes U+FFFD of what is not UTF-8.
		s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	}
	return escapeInvalid(s)
}

// escapeInvalid writes each byte that is not UTF-8 as an escape.
func escapeInvalid(s string) string {
	if isASCII(s) || utf8.ValidString(s) {
		return s
	}
	var out []byte
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			out = appendEscape(out, s[i])
		} else {
			out = append(out, s[i:i+n]...)
		}
		i += n
	}
	return string(out)
}

// hasDots reports whether a path may have segments that are dots. A dot that
// begins a name, as in /.well-known, is a false alarm that costs little.
func hasDots(path string, escaped bool) bool {
	for rest := path; ; {
		i := strings.IndexByte(rest, '.')
		if i < 0 {
			break
		}
		if at := len(path) - len(rest) + i; at > 0 && path[at-1] == '/' {
			return true
		}
		rest = rest[i+1:]
	}
	return escaped && (strings.Contains(path, "/%2e") || strings.Contains(path, "/%2E"))
}

// cleanPath resolves the segments . and .. as browsers do. Empty segments stay.
// The first segment of a file may be a drive, which .. does not leave.
func cleanPath(path string, file bool) string {
	segments := strings.Split(path[1:], "/")
	out := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch dots := strings.ReplaceAll(strings.ReplaceAll(segment, "%2e", "."), "%2E", "."); dots {
		case "..":
			if len(out) > 0 && !(file && len(out) == 1 && isDrive(out[0])) {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		case ".":
			if last {
				out = append(out, "")
			}
		default:
			if file && len(out) == 0 && isDrive(segment) {
				segment = segment[:1] + ":"
			}
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}

// isDrive reports whether s is a drive of Windows, C: or C|.
func isDrive(s string) bool { return len(s) == 2 && isLetter(s[0]) && (s[1] == ':' || s[1] == '|') }

// An encodeSet is a set of ASCII characters that browsers show percent-encoded,
// one bit for each. All beyond ASCII is encoded anyway.
type encodeSet struct{ low, high uint64 }

const (
	encodeLow      = 1<<' ' - 1 // controls
	encodeLowQuery = encodeLow | 1<<' ' | 1<<'"' | 1<<'#' | 1<<'<' | 1<<'>'
	encodeHigh     = 1 << (0x7f - 64)
	encodeHighPath = encodeHigh | 1<<('^'-64) | 1<<('`'-64) | 1<<('{'-64) | 1<<('}'-64)
)

func (set encodeSet) has(c byte) bool {
	switch {
	case c < 64:
		return set.low>>c&1 != 0
	case c < 128:
		return set.high>>(c-64)&1 != 0
	}
	return true
}

// encodeSets returns what is encoded in the path and in the query.
func (l *location) encodeSets() (path, query encodeSet) {
	path = encodeSet{encodeLowQuery | 1<<'?', encodeHighPath}
	query = encodeSet{encodeLowQuery, encodeHigh}
	if l.form == opaqueForm {
		path = encodeSet{encodeLow, encodeHigh}
	}
	if l.form == originForm || isSpecial(l.scheme) {
		query.low |= 1 << '\''
	}
	return path, query
}

// mayEncode reports whether an address that is not odd has a character of any
// encodeSet: one load a byte, where the sets take a decision.
func mayEncode(s string) bool {
	for i := range len(s) {
		if encodeAny[s[i]] {
			return true
		}
	}
	return false
}

var encodeAny = [256]bool{
	'"': true, '\'': true, '<': true, '>': true, '^': true, '`': true, '{': true, '}': true, 0x7f: true,
}

// isEncoded reports whether nothing in s has to be encoded.
func isEncoded(s string, set encodeSet) bool {
	for i := range len(s) {
		if set.has(s[i]) {
			return false
		}
	}
	return true
}

func appendEncoded(dst []byte, s string, set encodeSet) []byte {
	for i := range len(s) {
		if set.has(s[i]) {
			dst = appendEscape(dst, s[i])
		} else {
			dst = append(dst, s[i])
		}
	}
	return dst
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '%', hex[c>>4], hex[c&15])
}

// unescape decodes each %XX once. An invalid escape stays as it stands, and so
// does one whose byte is not part of UTF-8: that is what a browser shows, it can
// be written into a condition, and it can be sent as JSON.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(appendUnescaped(nil, s))
}

func appendUnescaped(dst []byte, s string) []byte {
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			break
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		r, n := escapedRune(s)
		if n == 0 {
			dst, s = append(dst, '%'), s[1:]
			continue
		}
		dst, s = utf8.AppendRune(dst, r), s[n:]
	}
	return append(dst, s...)
}

// escapedRune decodes the escapes of one character at the start of s. It
// returns how long they are, or 0 if that is no UTF-8.
func escapedRune(s string) (r rune, n int) {
	var buf [utf8.UTFMax]byte
	for i := range buf {
		c, ok := escapedByte(s[n:])
		if !ok {
			break
		}
		buf[i] = c
		n += len("%XX")
		if utf8.FullRune(buf[:i+1]) {
			break
		}
	}
	r, size := utf8.DecodeRune(buf[:n/len("%XX")])
	if size*len("%XX") != n || r == utf8.RuneError && size <= 1 {
		return 0, 0
	}
	return r, n
}

func escapedByte(s string) (byte, bool) {
	if len(s) < len("%XX") || s[0] != '%' || unhex(s[1]) < 0 || unhex(s[2]) < 0 {
		return 0, false
	}
	return byte(unhex(s[1])<<4 | unhex(s[2])), true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// plainQuery reports whether what params returned surely has nothing to decode.
func (l *location) plainQuery() bool {
	return !l.escaped && strings.IndexByte(l.query, '+') < 0
}

// nextParam finds the next parameter with the name in a raw query, as browsers
// read forms: parameters are split at & alone, + is a space, a parameter
// without = has the empty value. The value is raw; found is false at the end.
// plain says that the query has nothing to decode.
func nextParam(query, name string, plain bool) (value, rest string, found bool) {
	if plain {
		return nextPlainParam(query, name)
	}
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if len(param) < len(name) || param == "" {
			continue // what is decoded is no longer than it was
		}
		key, value, _ := strings.Cut(param, "=")
		if equalForm(key, name) {
			return value, query, true
		}
	}
	return "", "", false
}

// nextPlainParam is nextParam for a query that has nothing to decode. Most of its
// parameters are seen by one byte to have another name.
func nextPlainParam(query, name string) (value, rest string, found bool) {
	for len(query) > len(name) {
		switch end := query[len(name)]; {
		case end == '=' && beginsWithName(query, name):
			value, rest, _ = strings.Cut(query[len(name)+1:], "&")
			return value, rest, true
		case end == '&' && beginsWithName(query, name):
			return "", query[len(name)+1:], true
		}
		i := strings.IndexByte(query, '&')
		if i < 0 {
			return "", "", false
		}
		query = query[i+1:]
	}
	return "", "", query != "" && beginsWithName(query, name)
}

// beginsWithName reports whether a query begins with the name, if that can be written
// plain: a name ends at the first = or &.
func beginsWithName(query, name string) bool {
	return strings.HasPrefix(query, name) && strings.IndexByte(name, '=') < 0 && strings.IndexByte(name, '&') < 0
}

// equalForm reports whether raw, decoded as in a form, is s.
func equalForm(raw, s string) bool {
	if isPlainForm(raw) {
		return raw == s
	}
	return len(raw) >= len(s) && formText(raw) == s
}

// isPlainForm reports whether a name or value of a form is what it says.
func isPlainForm(raw string) bool {
	return strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '+') < 0
}

// formText decodes a name or value of a form: %XX, and + as a space. What is not
// UTF-8 becomes U+FFFD, as in a browser.
func formText(raw string) string {
	if isPlainForm(raw) {
		return raw
	}
	return string(appendFormDecoded(nil, raw))
}

func appendFormDecoded(dst []byte, raw string) []byte {
	start := len(dst)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '+' {
			c = ' '
		} else if decoded, ok := escapedByte(raw[i:]); ok {
			c = decoded
			i += len("%XX") - 1
		}
		dst = append(dst, c)
	}
	if utf8.Valid(dst[start:]) {
		return dst
	}
	return append(dst[:start], replaceInvalid(dst[start:])...)
}

// replaceInvalid puts one U+FFFD in the place of each longest run that begins a
// character and does not complete it, as the Encoding Standard asks. Go's own
// functions put one for each byte, or one for all.
func replaceInvalid(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			for n < len(b) && !utf8.FullRune(b[:n]) {
				n++
			}
			if utf8.FullRune(b[:n]) && n > 1 {
				n-- // the last byte was the one that broke it
			}
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

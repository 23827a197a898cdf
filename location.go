package campaign

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A location is an address as a browser shows it, taken apart. Its parts are
// pieces of the address itself wherever that stands in its normal form, which
// costs no allocation.
//
// net/url is not used: it refuses addresses that browsers show every day, such
// as /100%, and it costs several times as much.
type location struct {
	scheme   string // lower case; empty in origin-form
	host     string // lower case, ASCII, with a port that is not the scheme's own
	path     string // raw, "/" if there is none
	query    string // raw, without ?
	fragment string // raw, without #

	// prefix is the address up to the end of the query, if that is how page.url
	// reads; empty if it has to be put together.
	prefix string

	hasHost, hasQuery, hasFragment bool
}

// parse reads an address: scheme://host/path?query#fragment, or origin-form,
// /path?query, as http.Request.URL has it. It returns what is wrong, or "".
func (l *location) parse(s string) (fault string) {
	if s == "" {
		return `is missing; pass the page's address, such as "https://shop.example/shoes/"`
	}
	if isWild(s) {
		s = tame(s)
	}
	*l = location{}
	if s != "" && s[0] == '/' {
		return l.parseRest(s, s)
	}
	scheme, special, ok := cutScheme(s)
	if !ok {
		return `is neither an address with a scheme and a host, such as "https://shop.example/shoes/", nor a path that begins with a slash`
	}
	rest := s[len(scheme)+len("://"):]
	end := len(rest)
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c == '/' || c == '?' || c == '#' || c == '\\' && special {
			end = i
			break
		}
	}
	authority := rest[:end]
	l.scheme = scheme
	l.host, l.hasHost = authority, true
	normal := true
	if !isPlainHost(authority) || scheme != lowerText(scheme) {
		l.scheme = lowerText(scheme)
		if l.host, fault = normalHost(authority, l.scheme, special); fault != "" {
			return fault
		}
		normal = l.host == authority && l.scheme == scheme
	}
	if l.host == "" {
		if special {
			return "has no host"
		}
		l.hasHost = false
	}
	whole := s
	if !normal || end == len(rest) || rest[end] != '/' {
		whole = ""
	}
	return l.parseRest(rest[end:], whole)
}

// parseRest reads path, query and fragment. whole is the address that ends
// with s, if page.url reads as it does.
func (l *location) parseRest(s, whole string) string {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		l.fragment, l.hasFragment = s[i+1:], true
		if whole != "" {
			whole = whole[:len(whole)-(len(s)-i)]
		}
		s = s[:i]
	}
	if i := strings.IndexByte(s, '?'); i >= 0 {
		l.query, l.hasQuery = s[i+1:], true
		s = s[:i]
	}
	l.path = s
	if s == "" {
		l.path = "/"
	}
	if hasDots(l.path) || l.scheme != "" && strings.IndexByte(l.path, '\\') >= 0 {
		l.path = cleanPath(l.path, isSpecial(l.scheme))
		whole = ""
	}
	l.prefix = whole
	return ""
}

// url returns the address without its fragment, in its normal form.
func (l *location) url() string {
	if l.prefix != "" {
		return l.prefix
	}
	s := l.path
	if l.scheme != "" {
		s = l.scheme + "://" + l.host + s
	}
	if l.hasQuery {
		s += "?" + l.query
	}
	return s
}

// cutScheme returns the scheme of an address that goes on with "://", and
// whether it is one of those whose addresses browsers normalise.
func cutScheme(s string) (scheme string, special, ok bool) {
	if strings.HasPrefix(s, "https://") {
		return "https", true, true
	}
	i := strings.Index(s, "://")
	if i <= 0 || !isLetter(s[0]) {
		return "", false, false
	}
	for j := 1; j < i; j++ {
		if !isAlnum(s[j]) && s[j] != '+' && s[j] != '-' && s[j] != '.' {
			return "", false, false
		}
	}
	return s[:i], isSpecial(lowerText(s[:i])), true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isSpecial reports whether the scheme is special by the URL Standard: its
// addresses have a host, and a backslash in them is a slash.
func isSpecial(scheme string) bool { return scheme == "https" || defaultPort(scheme) != "" }

func defaultPort(scheme string) string {
	switch scheme {
	case "https", "wss":
		return "443"
	case "http", "ws":
		return "80"
	case "ftp":
		return "21"
	}
	return ""
}

func lowerText(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' || s[i] >= utf8.RuneSelf {
			return strings.ToLower(s)
		}
	}
	return s
}

// isPlainHost reports whether host needs no normalising: lower-case letters,
// digits, hyphens and dots, and no port.
func isPlainHost(host string) bool {
	for i := 0; i < len(host); i++ {
		if c := host[i]; ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return host != ""
}

// isWild reports whether s has what a browser strips: spaces and controls at
// the ends, tabs and line breaks anywhere.
func isWild(s string) bool {
	if s[0] <= ' ' || s[len(s)-1] <= ' ' {
		return true
	}
	return strings.IndexByte(s, '\t') >= 0 || strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

var lineBreaks = strings.NewReplacer("\t", "", "\n", "", "\r", "")

func tame(s string) string {
	return lineBreaks.Replace(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }))
}

// hasDots reports whether a path may have segments that are dots. A dot that
// begins a name, as in /.well-known, is a false alarm that costs little.
func hasDots(path string) bool {
	for {
		i := strings.IndexByte(path, '/')
		if i < 0 || i+1 >= len(path) {
			return false
		}
		path = path[i+1:]
		if path[0] == '.' || path[0] == '%' && len(path) >= 3 && path[1] == '2' && path[2]|0x20 == 'e' {
			return true
		}
	}
}

// cleanPath resolves the segments . and .. as browsers do, and with special
// schemes turns backslashes into slashes. Empty segments stay.
func cleanPath(path string, special bool) string {
	if special {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	segments := strings.Split(path[1:], "/")
	out := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch dots := strings.ReplaceAll(strings.ReplaceAll(segment, "%2e", "."), "%2E", "."); dots {
		case "..":
			if len(out) > 0 {
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
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}

// normalHost returns the host of an authority as browsers show it: without
// user information and without the scheme's own port, in lower case and ASCII.
func normalHost(authority, scheme string, special bool) (host, fault string) {
	host = authority[strings.LastIndexByte(authority, '@')+1:]
	port := ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i+1:]
	}
	if port != "" {
		if port, fault = normalPort(port, scheme); fault != "" {
			return "", fault
		}
	}
	if strings.HasPrefix(host, "[") {
		if host, fault = normalIPv6(host); fault != "" {
			return "", fault
		}
	} else if host, fault = normalName(host, special); fault != "" {
		return "", fault
	}
	if port != "" {
		host += ":" + port
	}
	return host, ""
}

func normalPort(port, scheme string) (string, string) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || leadingDigits(port) != len(port) {
		return "", "has a port that is not a number up to 65535"
	}
	if port = strconv.FormatUint(n, 10); port == defaultPort(scheme) {
		return "", ""
	}
	return port, ""
}

func normalIPv6(host string) (string, string) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", "has brackets in its host that hold no IPv6 address"
	}
	if addr.Is4In6() { // browsers write the last 32 bits in hexadecimal too
		b := addr.As16()
		return "[::ffff:" + strconv.FormatUint(uint64(b[12])<<8|uint64(b[13]), 16) + ":" +
			strconv.FormatUint(uint64(b[14])<<8|uint64(b[15]), 16) + "]", ""
	}
	return "[" + addr.String() + "]", ""
}

func normalName(host string, special bool) (string, string) {
	const badHost = "has a character in its host that no host has"
	if special {
		host = unescape(host)
	}
	for i := 0; i < len(host); i++ {
		if c := host[i]; c <= ' ' || c == 0x7f || strings.IndexByte("#/:<>?@[\\]^|", c) >= 0 || special && c == '%' {
			return "", badHost
		}
	}
	if !special {
		return lowerText(host), ""
	}
	ascii, ok := hostToASCII(host)
	if !ok {
		return "", badHost
	}
	return ascii, ""
}

// unescape decodes each %XX once and leaves an invalid escape as it stands.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(appendUnescaped(nil, s, false))
}

// appendUnescaped decodes %XX and, if plus is set, + as a space.
func appendUnescaped(dst []byte, s string, plus bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		case c == '+' && plus:
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
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

// nextParam finds the next parameter with the name in a raw query, as browsers
// read forms: parameters are split at & alone, + is a space, a parameter
// without = has the empty value. The value is raw; found is false at the end.
func nextParam(query, name string) (value, rest string, found bool) {
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if param == "" {
			continue
		}
		key, value, _ := strings.Cut(param, "=")
		if equalForm(key, name) {
			return value, query, true
		}
	}
	return "", "", false
}

// equalForm reports whether raw, decoded as in a form, is s.
func equalForm(raw, s string) bool {
	if raw == s && strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '+') < 0 {
		return true
	}
	if len(raw) < len(s) || strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '+') < 0 {
		return false
	}
	return formText(raw) == s
}

// formText decodes a name or value of a form, which is UTF-8: bytes that are
// not become U+FFFD, as in a browser.
func formText(raw string) string {
	if strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '+') < 0 {
		return raw
	}
	return strings.ToValidUTF8(string(appendUnescaped(nil, raw, true)), "\ufffd")
}

package campaign

import (
	"net/netip"
	"strconv"
	"strings"
)

// Addresses whose scheme or host is not in its normal form at the first look:
// other schemes, user information, ports, numbers, IPv6, Unicode. The rules are
// those of the URL Standard, since they decide what the browser has shown.

const (
	notURL  = `is neither an address such as "https://shop.example/shoes/" nor a path that begins with a slash`
	noHost  = "has no host"
	badHost = "has a character in its host that no host has"
	badPort = "has a port that is not a number up to 65535"
	badIPv4 = "has a host that ends in a number and is no IPv4 address"
	badIPv6 = "has brackets in its host that hold no IPv6 address"
)

// parseOther reads an address of any scheme, with nothing at its ends or in it
// that a browser strips.
func (l *location) parseOther(s string) (fault string) {
	scheme, rest, ok := cutScheme(s)
	if !ok {
		return notURL
	}
	l.scheme, l.form = scheme, authorityForm
	switch {
	case scheme == "file":
		return l.parseFile(rest)
	case isSpecial(scheme):
		return l.parseAuthority(strings.TrimLeft(rest, `/\`), `/\?#`)
	case strings.HasPrefix(rest, "//"):
		return l.parseAuthority(rest[2:], "/?#")
	case strings.HasPrefix(rest, "/"):
		l.form = rootedForm
	case looksLikePort(scheme, rest):
		return `begins with a host and a port; put "https://" before it`
	default:
		l.form = opaqueForm
	}
	l.parseRest(rest, "")
	return ""
}

// parseAuthority reads the host, up to one of the ends, and all that follows.
func (l *location) parseAuthority(s, ends string) (fault string) {
	authority, rest := cutAny(s, ends)
	if l.host, fault = normalHost(authority, l.scheme); fault != "" {
		return fault
	}
	l.hasHost = l.host != ""
	l.parseRest(rest, "")
	if lower := lowerText(l.host); lower != l.host { // of a scheme that is not special
		l.url() // has the host as the browser shows it
		l.host = lower
	}
	return ""
}

// parseFile reads what follows file: — a host, which is rare, and a path.
func (l *location) parseFile(s string) (fault string) {
	path, after := cutAny(s, "?#")
	path = strings.ReplaceAll(path, `\`, "/")
	host, ok := strings.CutPrefix(path, "//")
	if !ok {
		l.parseRest("/"+strings.TrimPrefix(path, "/")+after, "")
		return ""
	}
	host, path = cutAny(host, "/")
	if isDrive(host) {
		host, path = "", "/"+host+path
	}
	if host != "" {
		if host, fault = hostOf(host, true); fault != "" {
			return fault
		}
	}
	if host != "localhost" {
		l.host, l.hasHost = host, host != ""
	}
	l.parseRest(path+after, "")
	return ""
}

// cutAny cuts s before the first of the ends.
func cutAny(s, ends string) (before, rest string) {
	if i := strings.IndexAny(s, ends); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// cutScheme returns the scheme, in lower case, and what follows its colon.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || scheme == "" || !isLetter(scheme[0]) {
		return "", "", false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isAlnum(c) && c != '+' && c != '-' && c != '.' {
			return "", "", false
		}
	}
	return lowerText(scheme), rest, true
}

// looksLikePort tells shop.example:8080/shoes from an address. By the letter of
// the URL Standard its scheme is shop.example, but no browser has shown that:
// it is a host's mistake.
func looksLikePort(scheme, rest string) bool {
	digits := leadingDigits(rest)
	if digits == 0 || digits < len(rest) && strings.IndexByte("/?#", rest[digits]) < 0 {
		return false
	}
	return scheme == "localhost" || strings.IndexByte(scheme, '.') >= 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isSpecial reports whether the scheme is special by the URL Standard: a
// backslash in its addresses is a slash, and their hosts are names or numbers.
func isSpecial(scheme string) bool {
	return scheme == "https" || scheme == "file" || defaultPort(scheme) != ""
}

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

// normalHost returns the host of an authority as browsers show it: without
// user information and without the scheme's own port.
func normalHost(authority, scheme string) (host, fault string) {
	at := strings.LastIndexByte(authority, '@')
	host = authority[at+1:]
	port := ""
	colon := strings.LastIndexByte(host, ':')
	if colon > strings.LastIndexByte(host, ']') {
		host, port = host[:colon], host[colon+1:]
	} else {
		colon = -1
	}
	special := isSpecial(scheme)
	if host == "" {
		if special || at >= 0 || colon >= 0 {
			return "", noHost
		}
		return "", ""
	}
	if host, fault = hostOf(host, special); fault != "" {
		return "", fault
	}
	if port != "" {
		if port, fault = normalPort(port, scheme); fault != "" {
			return "", fault
		}
	}
	if port != "" {
		host += ":" + port
	}
	return host, ""
}

func normalPort(port, scheme string) (normal, fault string) {
	if leadingDigits(port) != len(port) {
		return "", badPort
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", badPort
	}
	if port = strconv.FormatUint(n, 10); port == defaultPort(scheme) {
		return "", ""
	}
	return port, ""
}

// hostOf returns a host that is not empty in its normal form.
func hostOf(host string, special bool) (normal, fault string) {
	if host[0] == '[' {
		return normalIPv6(host)
	}
	if !special {
		if strings.ContainsAny(host, "\x00 "+forbiddenInHost) {
			return "", badHost
		}
		return string(appendEncoded(nil, host, encodeSet{encodeLow, encodeHigh})), ""
	}
	ascii, ok := hostToASCII(unescape(host))
	if !ok || !isDomain(ascii) {
		return "", badHost
	}
	if endsInNumber(ascii) {
		return normalIPv4(ascii)
	}
	return ascii, ""
}

// forbiddenInHost is what no host may hold, whatever its scheme.
const forbiddenInHost = `#/:<>?@[\]^|`

// isDomain reports whether a name in ASCII has nothing in it that no domain may hold.
func isDomain(host string) bool {
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c == 0x7f || c == '%' || strings.IndexByte(forbiddenInHost, c) >= 0 {
			return false
		}
	}
	return host != ""
}

func normalIPv6(host string) (normal, fault string) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", badIPv6
	}
	if addr.Is4In6() { // browsers write the last 32 bits in hexadecimal too
		b := addr.As16()
		return "[::ffff:" + strconv.FormatUint(uint64(b[12])<<8|uint64(b[13]), 16) + ":" +
			strconv.FormatUint(uint64(b[14])<<8|uint64(b[15]), 16) + "]", ""
	}
	return "[" + addr.String() + "]", ""
}

// endsInNumber reports whether a host is to be read as an IPv4 address: its
// last label, or the one before a dot at the end, is a number.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if leadingDigits(last) == len(last) {
		return true
	}
	_, ok := ipv4Number(last)
	return ok
}

// normalIPv4 reads the forms that browsers read since the first of them:
// decimal, octal and hexadecimal, and fewer than four parts, of which the last
// fills the rest. 0x7f.1 is 127.0.0.1.
func normalIPv4(host string) (normal, fault string) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return "", badIPv4
	}
	var addr uint64
	for i, part := range parts {
		n, ok := ipv4Number(part)
		room := uint64(1) << 8
		if i == len(parts)-1 {
			room = 1 << (8 * (4 - i))
		}
		if !ok || n >= room {
			return "", badIPv4
		}
		addr = addr*room + n
	}
	return netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}).String(), ""
}

// ipv4Number reads one part of an IPv4 address. What is too large for any
// stays too large.
func ipv4Number(s string) (n uint64, ok bool) {
	if s == "" {
		return 0, false
	}
	base := uint64(10)
	switch {
	case len(s) >= 2 && s[0] == '0' && s[1]|0x20 == 'x':
		s, base = s[2:], 16
	case len(s) >= 2 && s[0] == '0':
		s, base = s[1:], 8
	}
	for i := range len(s) {
		digit := unhex(s[i])
		if digit < 0 || uint64(digit) >= base {
			return 0, false
		}
		n = min(n*base+uint64(digit), 1<<32)
	}
	return n, true
}

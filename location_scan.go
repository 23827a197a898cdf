package campaign

import (
	"math/bits"
	"strings"
)

// Looking through an address. Every visit pays for it, so it is done eight bytes at
// a time, in one number. Of a text that is no multiple of that long, some of the last
// eight are looked at twice.

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// eightBytes is one load: the compiler knows the pattern.
func eightBytes(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// zeroBytes sets the high bits of bytes that are zero. Above the first of them, it
// may set others.
func zeroBytes(v uint64) uint64 { return (v - ones) &^ v & highs }

// hasBelow reports whether s has a byte below c, or one that is not ASCII.
func hasBelow(s string, c byte) bool {
	// The high bit of a byte is set in v-n if the byte is below c. It also may be if
	// the byte follows such a one, or is not ASCII.
	n := uint64(c) * ones
	var any uint64
	rest := s
	for ; len(rest) > 32; rest = rest[32:] {
		v, w, x, y := eightBytes(rest), eightBytes(rest[8:]), eightBytes(rest[16:]), eightBytes(rest[24:])
		any |= v | (v - n) | w | (w - n) | x | (x - n) | y | (y - n)
	}
	for ; len(rest) > 8; rest = rest[8:] {
		v := eightBytes(rest)
		any |= v | (v - n)
	}
	if len(s) >= 8 {
		v := eightBytes(s[len(s)-8:])
		return (any|v|(v-n))&highs != 0
	}
	for i := range len(s) {
		if s[i] < c || s[i] >= 0x80 {
			return true
		}
	}
	return false
}

// plainPath returns where the path that s begins with ends, at the first question mark or
// with s, and whether all of it is as it stands: no escape, no fragment, no dot, no
// backslash, ASCII without controls and spaces.
func plainPath(s string) (end int, plain bool) {
	var odd uint64
	for rest := s; len(rest) > 8; rest = rest[8:] {
		v := eightBytes(rest)
		if mark := zeroBytes(v ^ '?'*ones); mark != 0 {
			odd |= oddInPath(v) & (mark&-mark - 1) // before the first mark
			return len(s) - len(rest) + bits.TrailingZeros64(mark)/8, odd&highs == 0
		}
		odd |= oddInPath(v)
	}
	if len(s) < 8 {
		return plainPathByBytes(s)
	}
	v := eightBytes(s[len(s)-8:]) // some of them a second time
	if mark := zeroBytes(v ^ '?'*ones); mark != 0 {
		odd |= oddInPath(v) & (mark&-mark - 1)
		return len(s) - 8 + bits.TrailingZeros64(mark)/8, odd&highs == 0
	}
	return len(s), (odd|oddInPath(v))&highs == 0
}

// oddInPath sets the high bits of bytes that plainPath looks for. It may set others that
// follow such a one.
func oddInPath(v uint64) uint64 {
	return v | (v - '&'*ones) | ((v ^ '.'*ones) - ones) | ((v ^ '\\'*ones) - ones)
}

// plainPathByBytes is plainPath for what is shorter than eight bytes.
func plainPathByBytes(s string) (end int, plain bool) {
	plain = true
	for i := range len(s) {
		switch c := s[i]; {
		case c == '?':
			return i, plain
		case c < '&', c >= 0x80, c == '.', c == '\\':
			plain = false
		}
	}
	return len(s), plain
}

// plainOrigin returns where the scheme and where the host end that an address begins
// with, if both are in their normal form at the first look. Otherwise it returns zeros.
func plainOrigin(s string) (scheme, host int) {
	switch {
	case strings.HasPrefix(s, "https://"):
		scheme = len("https")
	case strings.HasPrefix(s, "http://"):
		scheme = len("http")
	default:
		return 0, 0
	}
	start := scheme + len("://")
	end := plainHostEnd(s[start:])
	if end == 0 {
		return 0, 0
	}
	return scheme, start + end
}

// plainHostEnd returns the length of the host that s begins with, if it is in
// its normal form at the first look: lower-case letters, digits, hyphens,
// underscores and dots, no port, nothing that may be Punycode or a number.
// Otherwise it returns 0.
func plainHostEnd(s string) int {
	end := strings.IndexByte(s, '/')
	if end < 8 || !isPlainHost(s[:end]) {
		return plainHostEndByBytes(s)
	}
	return end
}

// isPlainHost reports whether a host of at least eight bytes is surely plain.
func isPlainHost(host string) bool {
	var plain, found uint64 = highs, 0
	rest := host
	for ; len(rest) > 8; rest = rest[8:] {
		p, f := hostBytes(eightBytes(rest))
		plain, found = plain&p, found|f
	}
	p, f := hostBytes(eightBytes(host[len(host)-8:]))
	return plain&p&highs == highs && host[len(host)-1] != '.' && ((found|f)&highs == 0 || isPlainOrder(host))
}

// hostBytes sets the high bits of bytes that a plain host may have, but for the
// underscore, and of those whose order may mean something.
func hostBytes(v uint64) (plain, ordered uint64) {
	// The high bit of a byte is set in v + over(c) if the byte is at least c, or not
	// ASCII, or follows one that is not.
	afterNine := v + over('9'+1)
	letter := (v + over('a')) ^ (v + over('z'+1))
	other := (v + over('-')) ^ afterNine // hyphens, dots, slashes and digits
	digit := (v + over('0')) ^ afterNine
	return (letter | other) &^ v, digit | ((v ^ '-'*ones) - ones)
}

// over is what has to be added to eight bytes to set the high bits of those that are at
// least c.
func over(c uint64) uint64 { return (0x80 - c) * ones }

// isPlainOrder reports whether a host is not Punycode or a number.
func isPlainOrder(host string) bool {
	label := host[strings.LastIndexByte(host, '.')+1:]
	return label != "" && (label[0] < '0' || '9' < label[0]) && !strings.Contains(host, "--")
}

// plainHostEndByBytes is plainHostEnd for hosts of all kinds.
func plainHostEndByBytes(s string) int {
	end := len(s)
scan:
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		case c == '/', c == '?', c == '#':
			end = i
			break scan
		default:
			return 0
		}
	}
	if !isPlainOrder(s[:end]) {
		return 0
	}
	return end
}

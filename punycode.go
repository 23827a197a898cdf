package campaign

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostToASCII returns a host name in the form that goes over the wire: lower
// case, and labels with other letters as xn-- and Punycode (RFC 3492). It does
// not normalise as UTS #46 asks, which takes tables of several hundred
// kilobytes: a browser has done that before the address reaches us. It refuses
// what no normalisation makes a host, such as an xn-- that decodes to nothing.
func hostToASCII(host string) (string, bool) {
	if isASCII(host) {
		host = lowerText(host)
		return host, !strings.Contains(host, "xn--") || validLabels(host)
	}
	if !utf8.ValidString(host) {
		return "", false
	}
	labels := strings.Split(mapHost(host), ".")
	for i, label := range labels {
		if isASCII(label) {
			if !validLabels(label) {
				return "", false
			}
			continue
		}
		encoded, ok := encodeLabel(label)
		if !ok {
			return "", false
		}
		labels[i] = encoded
	}
	return strings.Join(labels, "."), true
}

// mapHost maps what people type to what hosts are made of.
func mapHost(host string) string {
	var b strings.Builder
	for _, r := range host {
		switch {
		case r == '\u3002' || r == '\uff61': // full stops of other scripts
			b.WriteByte('.')
		case r == '\u0130': // a capital I with a dot is two characters in lower case
			b.WriteString("i\u0307")
		case r == '\u00a0' || r == '\u3000':
			b.WriteByte(' ') // which is then refused
		case isInvisible(r):
		case unicode.Is(unicode.Cherokee, r): // the one script that hosts write in upper case
			b.WriteRune(unicode.ToUpper(r))
		case '\uff01' <= r && r <= '\uff5e': // ASCII in full width
			b.WriteRune(unicode.ToLower(r - '\uff01' + '!'))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// isInvisible reports whether hosts are read as if r were not there.
func isInvisible(r rune) bool {
	switch r {
	case '\u00ad', '\u034f', '\u200b', '\u2060', '\u2064', '\ufeff':
		return true
	}
	return '\ufe00' <= r && r <= '\ufe0f' || '\U000e0100' <= r && r <= '\U000e01ef'
}

// encodeLabel returns a label that is not ASCII as xn-- and Punycode.
func encodeLabel(label string) (string, bool) {
	if strings.HasPrefix(label, "xn--") || !isLabel(label) {
		return "", false
	}
	encoded, ok := punycode(label)
	return "xn--" + encoded, ok
}

// isLabel reports whether a label in lower case may be part of a host.
func isLabel(label string) bool {
	for i, r := range label {
		switch {
		case r < utf8.RuneSelf:
		case r == '\u200c' || r == '\u200d': // joiners follow something, such as a virama
			if i == 0 {
				return false
			}
		case r == utf8.RuneError || !isShown(r) || isVariant(r) || i == 0 && unicode.IsMark(r):
			return false
		}
	}
	return true
}

// isShown reports whether r is a character with a shape, or may become one: a
// browser that is newer than this program's tables knows characters that are
// not in them, and its visits must not be lost.
func isShown(r rune) bool {
	const (
		firstInvisible = 0xe0000 // from here on, all are invisible, for private use, or none
		lastOfPlane    = 0xfffe  // and the one after it, in each plane
	)
	if unicode.IsPrint(r) {
		return true
	}
	never := unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Z) || r&lastOfPlane == lastOfPlane || 0xfdd0 <= r && r <= 0xfdef
	return !never && r < firstInvisible
}

// isVariant reports whether r is of those blocks that hold nothing but variants
// of other characters, which a browser has replaced: ①, ㈱, ﬁ, half-width kana,
// letters of mathematics.
func isVariant(r rune) bool {
	for _, block := range [...][2]rune{
		{'\u2460', '\u24ea'},
		{'\u3200', '\u321e'},
		{'\u3220', '\u3247'},
		{'\u3250', '\u327e'},
		{'\u3280', '\u33ff'},
		{'\ufb00', '\ufb06'},
		{'\uff5f', '\uffef'},
		{'\U0001d400', '\U0001d7ff'},
	} {
		if block[0] <= r && r <= block[1] {
			return true
		}
	}
	return false
}

// isNormal reports whether a host is one that a browser need not normalise, so that
// its ASCII form is known here too. It is sure of the letters that most hosts in
// Unicode are made of; what is composed of two characters, a letter and its accent,
// is not among them.
func isNormal(host string) bool {
	return strings.IndexFunc(host, func(r rune) bool { return r > unicode.MaxASCII && !unicode.Is(normalLetters, r) }) < 0
}

var normalLetters = &unicode.RangeTable{R16: []unicode.Range16{
	{0x00c0, 0x00d6, 1}, // Latin, without the sign of multiplication
	{0x00d8, 0x00f6, 1}, // and that of division
	{0x00f8, 0x0131, 1},
	{0x0134, 0x013e, 1}, // without ĳ
	{0x0141, 0x0148, 1}, // ŀ
	{0x014a, 0x017e, 1}, // ŉ, and ſ
	{0x0218, 0x021b, 1},
	{0x0388, 0x038a, 1}, // Greek
	{0x038c, 0x038c, 1},
	{0x038e, 0x03a1, 1},
	{0x03a3, 0x03ce, 1},
	{0x0400, 0x045f, 1}, // Cyrillic
	{0x048a, 0x04ff, 1},
	{0x05d0, 0x05ea, 1}, // Hebrew
	{0x0621, 0x063a, 1}, // Arabic
	{0x0641, 0x064a, 1},
	{0x3041, 0x3096, 1}, // kana
	{0x30a1, 0x30fa, 1},
	{0x30fc, 0x30fc, 1},
	{0x3400, 0x4dbf, 1}, // Chinese characters
	{0x4e00, 0x9fff, 1},
	{0xac00, 0xd7a3, 1}, // Hangul
}}

// validLabels reports whether the labels of a host in ASCII that begin with
// xn-- are what encodeLabel makes of some label.
func validLabels(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		encoded, ok := strings.CutPrefix(label, "xn--")
		if !ok {
			continue
		}
		decoded, ok := unpunycode(encoded)
		if !ok || isASCII(decoded) || mapHost(decoded) != decoded {
			return false
		}
		if again, ok := encodeLabel(decoded); !ok || again != label {
			return false
		}
	}
	return true
}

// Parameters of RFC 3492 section 5.
const (
	punyBase        = 36
	punyMin         = 1
	punyMax         = 26
	punySkew        = 38
	punyDamp        = 700
	punyInitialBias = 72
	punyInitialN    = 128
)

// maxHostLabel bounds the characters of a label. DNS allows 63 bytes; the work
// grows with the square.
const maxHostLabel = 255

// punycode encodes one label by RFC 3492 section 6.3.
func punycode(label string) (string, bool) {
	var out []byte
	runes := []rune(label)
	if len(runes) > maxHostLabel {
		return "", false
	}
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(punyInitialN), int32(0), int32(punyInitialBias)
	for done := basic; done < len(runes); {
		next := rune(math.MaxInt32)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		step := int64(next-n) * int64(done+1)
		if int64(delta)+step > math.MaxInt32 {
			return "", false
		}
		delta += int32(step)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			out = appendPunyInteger(out, delta, bias)
			bias = adaptPuny(delta, int32(done+1), done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out), true
}

// appendPunyInteger writes a generalized variable-length integer.
func appendPunyInteger(out []byte, q, bias int32) []byte {
	for k := int32(punyBase); ; k += punyBase {
		t := min(max(k-bias, punyMin), punyMax)
		if q < t {
			return append(out, punyDigit(q))
		}
		out = append(out, punyDigit(t+(q-t)%(punyBase-t)))
		q = (q - t) / (punyBase - t)
	}
}

func punyDigit(d int32) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

// unpunycode decodes one label by RFC 3492 section 6.2.
func unpunycode(s string) (string, bool) {
	if len(s) > maxHostLabel {
		return "", false
	}
	basic := max(strings.LastIndexByte(s, '-'), 0)
	out := []rune(s[:basic])
	if basic > 0 {
		basic++ // the hyphen
	}
	n, i, bias := int64(punyInitialN), int64(0), int32(punyInitialBias)
	for s = s[basic:]; s != ""; {
		delta, length := punyInteger(s, bias)
		if length == 0 {
			return "", false
		}
		s = s[length:]
		points := int64(len(out) + 1)
		bias = adaptPuny(delta, int32(points), i == 0 && n == punyInitialN)
		i += int64(delta)
		n += i / points
		i %= points
		if n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out = slices.Insert(out, int(i), rune(n))
		i++
	}
	return string(out), true
}

// punyInteger reads what appendPunyInteger writes. The length is 0 if it cannot.
func punyInteger(s string, bias int32) (n int32, length int) {
	weight, sum := int64(1), int64(0)
	for i, k := 0, int32(punyBase); i < len(s); i, k = i+1, k+punyBase {
		digit := int64(strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", s[i]))
		sum += digit * weight
		if digit < 0 || sum > math.MaxInt32 {
			return 0, 0
		}
		t := int64(min(max(k-bias, punyMin), punyMax))
		if digit < t {
			return int32(sum), i + 1
		}
		if weight *= punyBase - t; weight > math.MaxInt32 {
			return 0, 0
		}
	}
	return 0, 0
}

func adaptPuny(delta, points int32, first bool) int32 {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := int32(0)
	for delta > (punyBase-punyMin)*punyMax/2 {
		delta /= punyBase - punyMin
		k += punyBase
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

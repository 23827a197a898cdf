package campaign

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostToASCII returns a host name in the form that goes over the wire: lower
// case, and labels with other letters as xn-- and Punycode (RFC 3492). It does
// not normalise as UTS #46 asks, which takes tables of several hundred
// kilobytes: a browser has done that before the address reaches us.
func hostToASCII(host string) (string, bool) {
	if isASCII(host) {
		return lowerText(host), true
	}
	if !utf8.ValidString(host) {
		return "", false
	}
	host = strings.Map(func(r rune) rune {
		switch r {
		case '\u3002', '\uff0e', '\uff61': // full stops of other scripts
			return '.'
		case '\u00ad', '\u200b', '\u2060', '\ufeff': // invisible
			return -1
		}
		return unicode.ToLower(r)
	}, host)
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		encoded, ok := punycode(label)
		if !ok {
			return "", false
		}
		labels[i] = "xn--" + encoded
	}
	return strings.Join(labels, "."), true
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

// punycode encodes one label by RFC 3492 section 6.3.
func punycode(label string) (string, bool) {
	var out []byte
	runes := []rune(label)
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
	return string(out), len(out) < 60
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

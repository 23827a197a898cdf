package campaign

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text comparisons without allocation: folding as strings.EqualFold does, and
// glob patterns.

func isASCII(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if eightBytes(s)&highs != 0 {
			return false
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// equalRune reports whether the first runes of a and b are equal under folding,
// and how long they are. Neither may be empty.
func equalRune(a, b string) (na, nb int, equal bool) {
	if a[0] < utf8.RuneSelf && b[0] < utf8.RuneSelf {
		return 1, 1, lowerASCII(a[0]) == lowerASCII(b[0])
	}
	_, na = utf8.DecodeRuneInString(a)
	_, nb = utf8.DecodeRuneInString(b)
	return na, nb, strings.EqualFold(a[:na], b[:nb])
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lowerText(s string) string {
	for i := range len(s) {
		if lowerASCII(s[i]) != s[i] || s[i] >= utf8.RuneSelf {
			return strings.ToLower(s)
		}
	}
	return s
}

// cutPrefixFold is strings.CutPrefix under folding. The prefix in s may have
// another length: the Kelvin sign folds to k.
func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	for prefix != "" {
		if s == "" {
			return "", false
		}
		ns, np, equal := equalRune(s, prefix)
		if !equal {
			return "", false
		}
		s, prefix = s[ns:], prefix[np:]
	}
	return s, true
}

func hasSuffixFold(s, suffix string) bool {
	for suffix != "" {
		if s == "" {
			return false
		}
		_, ns := utf8.DecodeLastRuneInString(s)
		_, nx := utf8.DecodeLastRuneInString(suffix)
		if !strings.EqualFold(s[len(s)-ns:], suffix[len(suffix)-nx:]) {
			return false
		}
		s, suffix = s[:len(s)-ns], suffix[:len(suffix)-nx]
	}
	return true
}

func containsFold(s, sub string) bool { return indexFold(s, sub) >= 0 }

// indexFold is strings.Index under folding. It compares rolling hashes (Rabin
// and Karp), as trying each place would take the product of the lengths.
func indexFold(s, sub string) int {
	const prime = 16777619
	var want, got, pow uint32 = 0, 0, 1
	end := 0 // got is the hash of s[start:end], as many runes as sub has
	for _, r := range sub {
		want = want*prime + foldRune(r)
		if end == len(s) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(s[end:])
		got = got*prime + foldRune(r)
		pow *= prime
		end += n
	}
	for start := 0; ; {
		if got == want {
			if _, ok := cutPrefixFold(s[start:], sub); ok {
				return start
			}
		}
		if end == len(s) {
			return -1
		}
		first, n := utf8.DecodeRuneInString(s[start:])
		start += n
		last, n := utf8.DecodeRuneInString(s[end:])
		end += n
		got = got*prime + foldRune(last) - pow*foldRune(first)
	}
}

// foldRune returns the same for all runes that are equal under folding.
func foldRune(r rune) uint32 {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return uint32(r)
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return uint32(least)
}

// foldText returns the same text for all that are equal under folding.
func foldText(s string) string { return string(appendFolded(nil, s)) }

func appendFolded(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = utf8.AppendRune(dst, rune(foldRune(r)))
		i += n
	}
	return dst
}

func checkGlob(pattern string) error {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '\\' {
			continue
		}
		i++
		if i == len(pattern) {
			return errors.New(`ends with a single backslash; write \\ for a backslash`)
		}
	}
	return nil
}

// matchGlob reports whether the whole of s fits the pattern. On a mismatch only
// the latest star is tried again, further on: whatever an earlier star could
// reach, the latest can too. So the work is at most the product of the lengths,
// and never exponential; with plain text after each star it is the sum.
func matchGlob(pattern, s string, fold bool) bool {
	var afterStar, literal, retry string // where to go on, once a star was seen
	star := false
	for {
		switch {
		case pattern != "" && pattern[0] == '*':
			star, afterStar, retry = true, pattern[1:], s
			literal = globLiteral(afterStar)
			if literal == afterStar { // nothing else follows: it ends s or not
				return hasSuffix(s, literal, fold)
			}
		case s == "" && pattern == "":
			return true
		default:
			restPattern, restS, ok := globStep(pattern, s, fold)
			if ok {
				pattern, s = restPattern, restS
				continue
			}
			if !star || retry == "" {
				return false
			}
			_, n := utf8.DecodeRuneInString(retry)
			retry = retry[n:]
		}
		i := index(retry, literal, fold)
		if i < 0 {
			return false
		}
		retry = retry[i:]
		pattern, s = afterStar, retry
	}
}

// globLiteral returns the text at the start of a pattern that stands for itself.
func globLiteral(pattern string) string {
	if i := strings.IndexAny(pattern, `*?\`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

func index(s, sub string, fold bool) int {
	if fold {
		return indexFold(s, sub)
	}
	return strings.Index(s, sub)
}

func hasSuffix(s, suffix string, fold bool) bool {
	if fold {
		return hasSuffixFold(s, suffix)
	}
	return strings.HasSuffix(s, suffix)
}

// globStep matches one character of s with the head of the pattern, no star.
func globStep(pattern, s string, fold bool) (restPattern, restS string, ok bool) {
	if pattern == "" || s == "" {
		return "", "", false
	}
	if pattern[0] == '?' {
		_, n := utf8.DecodeRuneInString(s)
		return pattern[1:], s[n:], true
	}
	if pattern[0] == '\\' {
		pattern = pattern[1:]
	}
	if fold {
		np, ns, equal := equalRune(pattern, s)
		return pattern[np:], s[ns:], equal
	}
	_, np := utf8.DecodeRuneInString(pattern)
	if !strings.HasPrefix(s, pattern[:np]) {
		return "", "", false
	}
	return pattern[np:], s[np:], true
}

package campaign

import (
	"fmt"
	"strings"
	"unicode"
)

// Texts that differ and look the same: letters of another alphabet, dashes and
// quotation marks that a word processor has put in, blanks and what has no width.

// alike says what keeps a comparison from holding, if that is something that a
// reader cannot see in what is asked for and what was found. Else it is empty.
func (f Finding) alike() string {
	if f.Holds || f.Comparison.Op == OpExists {
		return ""
	}
	c := f.Comparison
	asked := []any{c.Value}
	if list, ok := c.Value.([]any); ok {
		c.Op, asked = OpEquals, list
	}
	found, ok := f.Found.([]any)
	if !ok {
		found = []any{f.Found}
	}
	for _, g := range found {
		got, ok := g.(string)
		if !ok {
			continue
		}
		plain := plainText(got)
		for _, w := range asked {
			if want, ok := w.(string); ok && looksLike(c, want, got, plain) {
				return differences(want, got)
			}
		}
	}
	return ""
}

// looksLike reports whether a comparison with want would hold for got if both
// were written in the characters that they look like, as plain is.
func looksLike(c Comparison, want, got, plain string) bool {
	asked := want
	if c.Op != OpRegex { // of which it might change the meaning
		asked = plainText(want)
	}
	if plain == got && asked == want || asked == "" {
		return false // the usual case, and blanks beside nothing, which can be seen
	}
	var fs faults
	c.Value = asked
	compiled := compileComparison(c, &fs, pointer{})
	return len(fs) == 0 && compiled.matchText(plain)
}

func differences(want, got string) string {
	const alike = "; it looks alike, but "
	inGot, inWant := oddity(got, want), oddity(want, got)
	switch {
	case inGot != "" && inWant != "":
		return alike + "has " + inGot + ", and the condition has " + inWant
	case inWant != "":
		return alike + "the condition has " + inWant
	case inGot != "":
		return alike + "has " + inGot
	}
	return "" // the same characters in other places, which can be seen
}

// oddity describes the first character of s that is not what it looks like and
// that the other text has not, too.
func oddity(s, other string) string {
	trimmed := strings.TrimFunc(s, isUnseen)
	start := strings.Index(s, trimmed)
	for i, r := range s {
		as, odd := lookOf(r)
		switch {
		case i < start && !strings.HasPrefix(other, s[:start]):
			return nameBlank(r) + " at its beginning"
		case i >= start+len(trimmed) && !strings.HasSuffix(other, s[i:]):
			return nameBlank(r) + " at its end"
		case !odd || strings.ContainsRune(other, r):
		case as < 0:
			return fmt.Sprintf("%U, which cannot be seen", r)
		default:
			return fmt.Sprintf("%U in the place of %q", r, string(as))
		}
	}
	return ""
}

// nameBlank names what stands at an end of a text.
func nameBlank(r rune) string {
	if r < unicode.MaxASCII {
		return "white space"
	}
	return fmt.Sprintf("%U", r)
}

// isUnseen reports whether nothing is seen of a character.
func isUnseen(r rune) bool {
	as, odd := lookOf(r)
	return odd && as < 0 || as == ' '
}

// plainText writes a text in the characters that it looks like, without what
// cannot be seen in it and around it.
func plainText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		as, _ := lookOf(r)
		return as // none if it is negative
	}, s))
}

// lookOf returns what a character looks like, negative for nothing, and whether
// that is another one.
func lookOf(r rune) (as rune, odd bool) {
	switch {
	case ' ' <= r && r < unicode.MaxASCII:
		return r, false
	case unicode.IsSpace(r):
		return ' ', true
	case unicode.Is(unicode.Cf, r), r == '\u034f':
		return -1, true
	case '\uff01' <= r && r <= '\uff5e': // as wide as Chinese characters
		return r - '\uff01' + '!', true
	}
	for _, group := range lookalikes {
		ascii := 0
		for _, letter := range group.letters {
			if letter == r {
				return rune(group.ascii[ascii]), true
			}
			ascii++
		}
	}
	return r, false
}

// lookalikes are characters that look as those of ASCII do in most fonts. They
// are written as escapes, for that very reason.
var lookalikes = []struct{ letters, ascii string }{
	// Cyrillic
	{"\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d", "aeopcyxsijhdqw"},
	{"\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408", "ABEKMHOPCTYXSIJ"},
	// Greek
	{"\u03b1\u03b9\u03bd\u03bf\u03c1", "aivop"},
	{"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"},
	// an i without its dot, dashes, quotation marks, a slash
	{"\u0131\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u201c\u201d\u2044", "i------''\"\"/"},
}

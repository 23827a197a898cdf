package campaign

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
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
		for _, w := range asked {
			if want, ok := w.(string); ok && len(want)+len(got) <= maxAlike {
				if said := (lookalike{c, want, got}).differences(); said != "" {
					return said
				}
			}
		}
	}
	return ""
}

// maxAlike is how long the two texts may be, together, in bytes: a visitor chooses one
// of them, and nobody reads the longer ones letter by letter.
const maxAlike = 2 << 10

// maxOdd is how many odd characters of a text are tried: text in another alphabet has
// nothing but those, and is not meant to look like ASCII.
const maxOdd = 16

// A lookalike is a comparison that does not hold of a text, and may do so of what it
// looks like.
type lookalike struct {
	comparison Comparison
	want, got  string
}

// holds reports whether the comparison would hold if both texts were written in the
// characters that they look like, but for what is kept.
func (l lookalike) holds(keep kept) bool {
	asked := l.want
	if l.comparison.Op != OpRegex { // of which it might change the meaning
		asked = keep.plain(l.want)
	}
	if asked == "" {
		return false // blanks beside nothing, which can be seen
	}
	var fs faults
	c := l.comparison
	c.Value = asked
	compiled := compileComparison(c, &fs, pointer{})
	return len(fs) == 0 && compiled.matchText(keep.plain(l.got))
}

// differences says which characters keep the comparison from holding, or nothing if
// there is no single one that does, in either text.
func (l lookalike) differences() string {
	const alike = "; it looks alike, but "
	if (kept{}).plain(l.got) == l.got && (l.comparison.Op == OpRegex || (kept{}).plain(l.want) == l.want) {
		return "" // the usual case
	}
	if !l.holds(kept{}) {
		return ""
	}
	inGot, inWant := l.oddity(l.got, l.want), l.oddity(l.want, l.got)
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

// oddity describes the first character of s that is not what it looks like, that the
// other text has not, too, and that alone would keep the comparison from holding.
func (l lookalike) oddity(s, other string) string {
	trimmed := strings.TrimFunc(s, isUnseen)
	start := strings.Index(s, trimmed)
	end := start + len(trimmed)
	if start > 0 && !strings.HasPrefix(other, s[:start]) && !l.holds(kept{head: true}) {
		return nameBlank(firstRune(s)) + " at its beginning"
	}
	tries := maxOdd
	for _, r := range trimmed {
		as, odd := lookOf(r)
		if !odd || strings.ContainsRune(other, r) {
			continue
		}
		if tries--; tries < 0 {
			break
		}
		switch {
		case l.holds(kept{rune: r}):
		case as < 0:
			return fmt.Sprintf("%U, which cannot be seen", r)
		default:
			return fmt.Sprintf("%U in the place of %q", r, string(as))
		}
	}
	if end < len(s) && !strings.HasSuffix(other, s[end:]) && !l.holds(kept{tail: true}) {
		return nameBlank(firstRune(s[end:])) + " at its end"
	}
	return ""
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
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

// kept is what is left as it is when a text is written in the characters that it looks
// like: a character, or what cannot be seen at an end.
type kept struct {
	rune       rune
	head, tail bool
}

// plain writes a text in the characters that it looks like, without what cannot be
// seen in it and around it.
func (k kept) plain(s string) string {
	trimmed := strings.TrimFunc(s, isUnseen)
	start := strings.Index(s, trimmed)
	plain := strings.Map(func(r rune) rune {
		if r == k.rune {
			return r
		}
		as, _ := lookOf(r)
		return as // none if it is negative
	}, trimmed)
	if k.head {
		plain = s[:start] + plain
	}
	if k.tail {
		plain += s[start+len(trimmed):]
	}
	return plain
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
	if as, ok := lookalikes[r]; ok {
		return as, true
	}
	return r, false
}

// lookalikes are characters that look as those of ASCII do in most fonts. They
// are written as escapes, for that very reason.
var lookalikes = func() map[rune]rune {
	all := make(map[rune]rune)
	for _, group := range []struct{ letters, ascii string }{
		// Cyrillic
		{"\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d", "aeopcyxsijhdqw"},
		{"\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408", "ABEKMHOPCTYXSIJ"},
		// Greek
		{"\u03b1\u03b9\u03bd\u03bf\u03c1", "aivop"},
		{"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"},
		// an i without its dot, dashes, quotation marks, a slash
		{"\u0131\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u201c\u201d\u2044", "i------''\"\"/"},
	} {
		for i, letter := range []rune(group.letters) {
			all[letter] = rune(group.ascii[i])
		}
	}
	return all
}()

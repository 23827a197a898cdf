package campaign

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What an Explanation keeps and shows of values.

// opaque stands for a value that comparisons cannot look at: it is its type.
type opaque string

// notFinite is NaN or an infinity. Nothing compares with it, and JSON, which has
// no such number, gets it as text.
type notFinite float64

func (n notFinite) String() string { return strconv.FormatFloat(float64(n), 'g', -1, 64) }

func (n notFinite) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// seen returns what comparisons see of a value of the visit: never anything that
// the host may change, and not what a method of the value would write in its
// place. It looks into nothing that they do not look into, so it takes no longer.
func seen(v any) any {
	switch x := v.(type) {
	case nil, string, bool, int, int64, uint64:
		return v
	case float64:
		if x-x == 0 {
			return v
		}
	}
	r, ok := indirect(reflect.ValueOf(v))
	if !ok {
		return nil
	}
	if !isList(r) {
		return seenScalar(r)
	}
	list := make([]any, r.Len())
	for i := range list {
		if e, ok := indirect(r.Index(i)); ok {
			list[i] = seenScalar(e)
		}
	}
	return list
}

func seenScalar(r reflect.Value) any {
	switch s := scalarOf(r); s.kind {
	case scalarText:
		return s.text
	case scalarBool:
		return s.truth
	case scalarNumber:
		if s.num.rest != 0 {
			return json.Number(r.String())
		}
		if !s.num.isFinite() {
			return notFinite(s.num.float())
		}
		return s.num.value()
	}
	return opaque(r.Type().String())
}

// found says what a comparison found. Where it is of another kind than what was
// asked for, that is the whole difference, and the quotes are easily overlooked.
func (f Finding) found() string {
	switch what := f.Found.(type) {
	case blocked:
		return "it is missing: " + visibleLine(string(what))
	case opaque:
		is := "it is a value of the type " + string(what)
		if strings.HasPrefix(string(what), "map[") {
			is = "it is a map"
		}
		if f.Comparison.Op == OpExists {
			return is
		}
		return is + ", which nothing compares with"
	case notFinite:
		if f.Comparison.Op == OpExists {
			return "it is " + what.String()
		}
		return "it is " + what.String() + ", which counts as no number"
	}
	if f.Missing {
		return "it is missing"
	}
	is, list := kindOf(f.Found)
	asked, _ := kindOf(f.Comparison.Value)
	_, found := f.shown()
	switch {
	case is == asked || is == scalarInvalid || asked == scalarInvalid:
		return "it is " + found
	case list:
		return "it is a list of " + is.several() + ": " + found
	}
	return "it is " + is.String() + ": " + found
}

// kindOf returns of which kind a value is, or all of a list are, and whether it is one.
func kindOf(v any) (kind scalarKind, list bool) {
	values, list := v.([]any)
	if !list {
		return scalarOf(reflect.ValueOf(v)).kind, false
	}
	for i, value := range values {
		k := scalarOf(reflect.ValueOf(value)).kind
		if i > 0 && k != kind {
			return scalarInvalid, true
		}
		kind = k
	}
	return kind, true
}

// maxShown is how much of a value String shows, in bytes, and shownBefore how
// much of that stands before the place where two long texts differ.
const (
	maxShown    = 200
	shownBefore = 60
)

// shown writes what the comparison asks for and what it found. Long texts are cut
// where they differ, and of many values the nearest is shown.
func (f Finding) shown() (asked, found string) {
	asked, found = showValue(f.Comparison.Value), showValue(f.Found)
	got, ok := f.Found.(string)
	if !ok {
		return asked, found
	}
	switch want := f.Comparison.Value.(type) {
	case string:
		if len(want) <= maxShown && len(got) <= maxShown {
			return asked, found
		}
		if inWant, inGot, ok := f.differAt(want, got); ok {
			return showAround(want, inWant), showAround(got, inGot)
		}
	case []any:
		if len(got) <= maxShown && len(appendShown(nil, f.Comparison.Value)) <= maxShown {
			return asked, found
		}
		if i := f.nearestOf(want, got); i >= 0 {
			inWant, inGot := f.commonPrefix(want[i].(string), got)
			return showElement(want, i, inWant), showAround(got, inGot)
		}
	}
	return asked, found
}

// nearestOf returns which of the values of an in has the most in common with a
// text at both ends, by how much is left of the two, or -1 if none has anything.
func (f Finding) nearestOf(values []any, got string) int {
	nearest, least := -1, 0
	for i, v := range values {
		want, ok := v.(string)
		if !ok {
			continue
		}
		head, _ := f.commonPrefix(want, got)
		tail, _ := f.commonSuffix(want, got)
		common := min(head+len(want)-tail, len(want))
		if left := len(want) + len(got) - 2*common; common > 0 && (nearest < 0 || left < least) {
			nearest, least = i, left
		}
	}
	return nearest
}

// showElement writes one text of a list, and that there are others.
func showElement(list []any, i, at int) string {
	shown := showAround(list[i].(string), at)
	if i > 0 {
		shown = "…," + shown
	}
	if i < len(list)-1 {
		shown += ",…"
	}
	return "[" + shown + "]"
}

// differAt returns where in two texts the first thing stands that keeps the
// operator from holding, and false if there is no such place.
func (f Finding) differAt(want, got string) (inWant, inGot int, ok bool) {
	switch f.Comparison.Op {
	case OpEquals, OpStartsWith:
		inWant, inGot = f.commonPrefix(want, got)
	case OpEndsWith:
		inWant, inGot = f.commonSuffix(want, got)
	case OpContains:
		inWant, inGot = f.longestPart(want, got)
	case OpGlob:
		return f.differAtEnds(want, got)
	default:
		return 0, 0, false
	}
	return inWant, inGot, true
}

// differAtEnds is differAt for a glob. Only the texts at its ends have a place of
// their own: it returns false for what stands between wildcards.
func (f Finding) differAtEnds(glob, got string) (inGlob, inGot int, ok bool) {
	head, _ := cutAny(glob, `*?\`)
	if inGlob, inGot = f.commonPrefix(head, got); inGlob < len(head) {
		return inGlob, inGot, true
	}
	if strings.Contains(glob, `\`) {
		return 0, 0, false // a star there may be a star
	}
	start := strings.LastIndexAny(glob, "*?") + 1
	inTail, inGot := f.commonSuffix(glob[start:], got)
	return start + inTail, inGot, inTail > 0
}

// commonPrefix returns how long what both texts begin with is, in each.
func (f Finding) commonPrefix(a, b string) (inA, inB int) {
	for inA < len(a) && inB < len(b) {
		x, n := utf8.DecodeRuneInString(a[inA:])
		y, m := utf8.DecodeRuneInString(b[inB:])
		if !f.sameRune(a[inA:inA+n], b[inB:inB+m], x, y) {
			break
		}
		inA, inB = inA+n, inB+m
	}
	return inA, inB
}

// commonSuffix returns where what both texts end with begins.
func (f Finding) commonSuffix(a, b string) (inA, inB int) {
	inA, inB = len(a), len(b)
	for inA > 0 && inB > 0 {
		x, n := utf8.DecodeLastRuneInString(a[:inA])
		y, m := utf8.DecodeLastRuneInString(b[:inB])
		if !f.sameRune(a[inA-n:inA], b[inB-m:inB], x, y) {
			break
		}
		inA, inB = inA-n, inB-m
	}
	return inA, inB
}

// sameRune compares as the comparison does. x and y are what a and b hold.
func (f Finding) sameRune(a, b string, x, y rune) bool {
	if f.Comparison.IgnoreCase {
		return foldRune(x) == foldRune(y)
	}
	return a == b
}

// longestPart returns how much of want stands in got, from its beginning on, and
// where that ends there.
func (f Finding) longestPart(want, got string) (inWant, inGot int) {
	if f.Comparison.IgnoreCase {
		want, got = foldText(want), foldText(got) // of nearly all letters as long
	}
	most := len(want)
	for inWant < most {
		if middle := (inWant + most + 1) / 2; strings.Contains(got, want[:middle]) {
			inWant = middle
		} else {
			most = middle - 1
		}
	}
	return inWant, strings.Index(got, want[:inWant]) + inWant
}

// showAround writes a text, cut short around a place in it.
func showAround(text string, at int) string {
	if len(text) <= maxShown {
		return quoteShown(text)
	}
	at = min(at, len(text)) // text may be shorter than what was compared, folded
	start := max(0, min(at-shownBefore, len(text)-maxShown))
	end := min(start+maxShown, len(text))
	for start < end && !utf8.RuneStart(text[start]) {
		start++
	}
	for end < len(text) && end > start && !utf8.RuneStart(text[end]) {
		end--
	}
	shown := quoteShown(text[start:end])
	if start > 0 {
		shown = "…" + shown
	}
	if end < len(text) {
		shown += "…"
	}
	return shown
}

// showValue writes a value as JSON does, as far as JSON can, cut short.
func showValue(v any) string {
	text := string(appendShown(nil, v))
	if len(text) <= maxShown {
		return text
	}
	head, tail := maxShown-shownBefore, len(text)-shownBefore
	for !utf8.RuneStart(text[head]) {
		head--
	}
	for !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + "…" + text[tail:]
}

func appendShown(dst []byte, v any) []byte {
	switch x := v.(type) {
	case string:
		return append(dst, quoteShown(withoutMiddle(x))...)
	case opaque:
		return append(append(append(dst, '('), x...), ')')
	case notFinite:
		return append(dst, x.String()...)
	case []any:
		dst = append(dst, '[')
		for i := 0; i < len(x); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendShown(dst, x[i])
			if len(dst) > maxShown { // what comes next will be cut out
				i = max(i, len(x)-1-maxShown)
			}
		}
		return append(dst, ']')
	}
	shown, err := appendJSON(dst, v, 0)
	if err != nil {
		return fmt.Appendf(dst, "(%T)", v)
	}
	return shown
}

// withoutMiddle leaves of a text what may be shown of it: visitors choose how long
// an address is, and it may be shown for each of thousands of campaigns.
func withoutMiddle(text string) string {
	if len(text) <= 4*maxShown {
		return text
	}
	head, tail := 2*maxShown, len(text)-2*maxShown
	for head > maxShown && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text)-maxShown && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + text[tail:]
}

// quoteShown writes a text in quotes, as JSON does if it can.
func quoteShown(s string) string {
	if !utf8.ValidString(s) {
		return strconv.QuoteToGraphic(s)
	}
	quoted, err := appendJSONString(nil, s)
	if err != nil {
		return strconv.QuoteToGraphic(s)
	}
	return showInvisible(string(quoted))
}

// showInvisible writes as escapes what a reader cannot see, or cannot tell from
// something else: a space that does not break, an accent that is a character of
// its own. It also keeps what visitors send from rearranging the line.
func showInvisible(s string) string {
	if isASCII(s) && strings.IndexByte(s, 0x7f) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		writeVisible(&b, r)
	}
	return b.String()
}

func writeVisible(b *strings.Builder, r rune) {
	switch {
	case unicode.IsPrint(r) && (r < '\u0300' || r > '\u036f'):
		b.WriteRune(r)
	case r <= '\uffff':
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

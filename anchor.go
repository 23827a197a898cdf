package campaign

import (
	"math"
	"regexp/syntax"
	"strings"
)

// An anchor is a necessary part of a condition that the index can look up: if
// the anchor does not hold, the condition does not. A campaign is filed under
// its most selective anchor, and its whole condition is tested only when that
// holds.
type anchor struct {
	kind  anchorKind
	field fieldRef
	value scalar // of anchorEquals; the text of the others
	and   *anchor
}

type anchorKind uint8

const (
	anchorEquals anchorKind = iota
	anchorPrefix
	anchorSuffix
	anchorContains
)

// maxAlternatives bounds how many anchors a campaign is filed under.
const maxAlternatives = 256

// An anchoring is a way to file one condition: under each of several anchors,
// of which one must hold for the condition to hold.
type anchoring struct {
	anchors []anchor
	chance  float64 // a guess at how many visits will meet one of them
}

// An anchorer chooses anchors with a view to all conditions of the set: a value
// that many campaigns ask for tells them apart badly.
type anchorer struct {
	distinct map[fieldRef]int // how many values of the field are asked for
	seen     map[fieldValue]struct{}

	// open says that the campaign at hand may hold once the profile is loaded:
	// what the visit itself carries of the profile decides nothing.
	open bool
}

type fieldValue struct {
	field fieldRef
	value scalar
}

func newAnchorer() *anchorer {
	return &anchorer{distinct: make(map[fieldRef]int), seen: make(map[fieldValue]struct{})}
}

// count notes the values that t asks for.
func (a *anchorer) count(t *test) {
	for i := range t.subs {
		a.count(&t.subs[i])
	}
	if t.kind != testCompare || t.cmp.fold {
		return
	}
	switch t.cmp.op {
	case OpEquals:
		a.countValue(t.cmp.field, t.cmp.value)
	case OpIn:
		for _, s := range t.cmp.list {
			a.countValue(t.cmp.field, s)
		}
	}
}

func (a *anchorer) countValue(f fieldRef, s scalar) {
	key := fieldValue{f, s}
	if _, ok := a.seen[key]; !ok {
		a.seen[key] = struct{}{}
		a.distinct[f]++
	}
}

// find returns the best way to file t, and false if there is none.
func (a *anchorer) find(t *test) (anchoring, bool) {
	switch t.kind {
	case testAll:
		return a.findAll(t)
	case testAny:
		return a.findAny(t)
	case testCompare:
		return a.findComparison(&t.cmp)
	}
	return anchoring{}, false // Not says what must not be there
}

// findAll takes the best of the parts, or the best two if both are equalities,
// which together make one key.
func (a *anchorer) findAll(t *test) (anchoring, bool) {
	var best, second anchoring
	for i := range t.subs {
		found, ok := a.find(&t.subs[i])
		switch {
		case !ok:
		case best.anchors == nil || found.chance < best.chance:
			best, second = found, best
		case second.anchors == nil || found.chance < second.chance:
			second = found
		}
	}
	if best.isEquality() && second.isEquality() && best.anchors[0].field != second.anchors[0].field && best.chance > 1e-3 {
		pair := best.anchors[0]
		other := second.anchors[0]
		if fieldLess(other.field, pair.field) {
			pair, other = other, pair
		}
		pair.and = &other
		return anchoring{anchors: []anchor{pair}, chance: best.chance * second.chance}, true
	}
	return best, best.anchors != nil
}

// fieldLess puts the fields of a pair in one order, so that A and B is filed
// with B and A.
func fieldLess(a, b fieldRef) bool {
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	return a.name < b.name
}

// isEquality reports whether the anchoring is one equality of a field that has
// one value.
func (a anchoring) isEquality() bool {
	return len(a.anchors) == 1 && a.anchors[0].kind == anchorEquals && a.anchors[0].and == nil &&
		a.anchors[0].value.kind == scalarText && !a.anchors[0].field.isURL() && a.anchors[0].field.kind != fieldPageQuery &&
		a.anchors[0].field.kind != fieldReferrerQuery
}

func (a *anchorer) findAny(t *test) (anchoring, bool) {
	var all anchoring
	for i := range t.subs {
		found, ok := a.find(&t.subs[i])
		if !ok || len(all.anchors)+len(found.anchors) > maxAlternatives {
			return anchoring{}, false
		}
		all.anchors = append(all.anchors, found.anchors...)
		all.chance += found.chance
	}
	return all, true
}

func (a *anchorer) findComparison(c *comparison) (anchoring, bool) {
	if c.fold || a.open && c.field.isLoaded() {
		return anchoring{}, false
	}
	switch c.op {
	case OpEquals:
		return one(anchor{kind: anchorEquals, field: c.field, value: c.value}, a.equalChance(c.field)), true
	case OpIn:
		return a.findIn(c)
	case OpStartsWith:
		return textAnchor(c.field, anchorPrefix, c.text)
	case OpEndsWith:
		return textAnchor(c.field, anchorSuffix, c.text)
	case OpContains:
		return textAnchor(c.field, anchorContains, c.text)
	case OpGlob:
		return globAnchor(c.field, c.text)
	case OpRegex:
		return regexAnchor(c.field, c.text)
	}
	return anchoring{}, false
}

func (a *anchorer) findIn(c *comparison) (anchoring, bool) {
	if len(c.list) > maxAlternatives {
		return anchoring{}, false
	}
	var in anchoring
	for _, s := range c.list {
		in.anchors = append(in.anchors, anchor{kind: anchorEquals, field: c.field, value: s})
		in.chance += a.equalChance(c.field)
	}
	return in, true
}

func one(a anchor, chance float64) anchoring {
	return anchoring{anchors: []anchor{a}, chance: chance}
}

func (a *anchorer) equalChance(f fieldRef) float64 {
	chance := 1 / float64(a.distinct[f]+1)
	if f.forgivesSlash() {
		chance /= 16 // most addresses of a site are in no campaign at all
	}
	return chance
}

// textAnchor files under a text, the less likely the longer it is.
func textAnchor(f fieldRef, kind anchorKind, text string) (anchoring, bool) {
	if text == "" || kind == anchorContains && len(text) < shortestText {
		return anchoring{}, false
	}
	chance := math.Pow(0.75, float64(len(text)))
	if kind == anchorContains {
		chance *= 2
	}
	return one(anchor{kind: kind, field: f, value: scalar{kind: scalarText, text: text}}, chance), true
}

// best returns the less likely of two ways.
func best(a anchoring, aOK bool, b anchoring, bOK bool) (anchoring, bool) {
	if !bOK || aOK && a.chance <= b.chance {
		return a, aOK
	}
	return b, bOK
}

// globAnchor files under the text before the first wildcard, after the last, or
// between two.
func globAnchor(f fieldRef, pattern string) (anchoring, bool) {
	var parts []string
	var part []byte
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '\\':
			i++
			part = append(part, pattern[i])
		case '*', '?':
			parts, part = append(parts, string(part)), nil
		default:
			part = append(part, c)
		}
	}
	parts = append(parts, string(part))
	found, ok := textAnchor(f, anchorPrefix, parts[0])
	if len(parts) > 1 {
		suffix, suffixOK := textAnchor(f, anchorSuffix, parts[len(parts)-1])
		found, ok = best(found, ok, suffix, suffixOK)
		for _, middle := range parts[1 : len(parts)-1] {
			contains, containsOK := textAnchor(f, anchorContains, middle)
			found, ok = best(found, ok, contains, containsOK)
		}
	}
	return found, ok
}

// regexAnchor files under a text that every match has in it.
func regexAnchor(f fieldRef, expr string) (anchoring, bool) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return anchoring{}, false
	}
	re = re.Simplify()
	var found anchoring
	ok := false
	if prefix := regexPrefix(re); prefix != "" {
		found, ok = textAnchor(f, anchorPrefix, prefix)
	}
	for _, literal := range requiredLiterals(re, nil) {
		contains, containsOK := textAnchor(f, anchorContains, literal)
		found, ok = best(found, ok, contains, containsOK)
	}
	return found, ok
}

// regexPrefix returns the literal that follows ^ at the beginning, if any.
func regexPrefix(re *syntax.Regexp) string {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText {
		return ""
	}
	literal, _ := literalOf(re.Sub[1])
	return literal
}

// literalOf returns the text of a literal. Runes that are no valid text, as
// bytes written \xff are, match differently from their text.
func literalOf(re *syntax.Regexp) (string, bool) {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 {
		return "", false
	}
	s := string(re.Rune)
	return s, !strings.ContainsRune(s, '\ufffd')
}

// requiredLiterals appends the literals that are in every match.
func requiredLiterals(re *syntax.Regexp, found []string) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s, ok := literalOf(re); ok {
			found = append(found, s)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, sub := range re.Sub {
			found = requiredLiterals(sub, found)
		}
	}
	return found
}

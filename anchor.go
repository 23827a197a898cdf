package campaign

import (
	"hash/maphash"
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
	fold  bool   // text is folded, and looked for in the folded field
	value scalar // of anchorEquals; the text of the others
	and   *anchor

	// exact says that the anchor is all there is to the condition, so that
	// nothing is left to test once it holds.
	exact bool
}

type anchorKind uint8

const (
	anchorEquals anchorKind = iota
	anchorPrefix
	anchorSuffix
	anchorContains
)

// maxAlternatives bounds how many anchors a campaign is filed under. Each costs
// the index some forty bytes, about what the condition takes to name it.
const maxAlternatives = 1 << 14

// Below pairChance one equality alone tells campaigns apart, and a second one
// would only cost a look-up.
const pairChance = 1e-3

// An anchoring is a way to file one condition: under each of several anchors,
// of which one must hold for the condition to hold.
type anchoring struct {
	anchors []anchor
	chance  float64 // a guess at how many visits will meet one of them
}

// inexact notes that the condition asks for more than the anchors.
func (a anchoring) inexact() anchoring {
	for i := range a.anchors {
		a.anchors[i].exact = false
	}
	return a
}

// An anchorer chooses anchors with a view to all conditions of the set: a value
// that many campaigns ask for tells them apart badly.
type anchorer struct {
	distinct map[fieldRef]int // how many values of the field are asked for, roughly
	seen     []uint64         // a bit for each value that was counted, by its hash
	seed     maphash.Seed

	// open says that the campaign at hand may hold once the profile is loaded:
	// what the visit itself carries of the profile decides nothing.
	open bool
}

// newAnchorer makes an anchorer for n campaigns.
func newAnchorer(n int) *anchorer {
	words := 64
	for words < n { // 64 bits for each campaign, so that few share one
		words *= 2
	}
	return &anchorer{distinct: make(map[fieldRef]int), seen: make([]uint64, words), seed: maphash.MakeSeed()}
}

// count notes the values that t asks for.
func (a *anchorer) count(t *conditionProgram) {
	for i := range t.subs {
		a.count(&t.subs[i])
	}
	if t.kind != conditionCompare {
		return
	}
	switch t.cmp.op {
	case codeEquals:
		a.countValue(t.cmp.field, t.cmp.value)
	case codeIn:
		for _, s := range t.cmp.list {
			a.countValue(t.cmp.field, s)
		}
	}
}

func (a *anchorer) countValue(f fieldRef, v scalar) {
	hash := maphash.Comparable(a.seed, v) ^ maphash.String(a.seed, f.name)
	bit := hash >> 8 % uint64(64*len(a.seen))
	if a.seen[bit/64]&(1<<(bit%64)) == 0 {
		a.seen[bit/64] |= 1 << (bit % 64)
		a.distinct[f]++
	}
}

// find returns the best way to file t, and false if there is none.
func (a *anchorer) find(t *conditionProgram) (anchoring, bool) {
	switch t.kind {
	case conditionAll:
		return a.findAll(t)
	case conditionAny:
		return a.findAny(t)
	case conditionCompare:
		return a.findComparison(&t.cmp)
	}
	return anchoring{}, false // Not says what must not be there
}

// findAll takes the best of the parts, or the best two if both are equalities,
// which together make one key.
func (a *anchorer) findAll(t *conditionProgram) (anchoring, bool) {
	if len(t.subs) == 1 {
		return a.find(&t.subs[0])
	}
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
	if best.isEquality() && second.isEquality() && best.anchors[0].field != second.anchors[0].field && best.chance > pairChance {
		pair := best.anchors[0]
		other := second.anchors[0]
		if fieldLess(other.field, pair.field) {
			pair, other = other, pair
		}
		pair.and = &other
		pair.exact = pair.exact && other.exact && len(t.subs) == 2
		return anchoring{anchors: []anchor{pair}, chance: best.chance * second.chance}, true
	}
	return best.inexact(), best.anchors != nil
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
	return len(a.anchors) == 1 && a.anchors[0].kind == anchorEquals && a.anchors[0].and == nil && !a.anchors[0].fold &&
		a.anchors[0].value.kind == scalarText && !a.anchors[0].field.isURL() && a.anchors[0].field.kind != fieldPageQuery &&
		a.anchors[0].field.kind != fieldReferrerQuery
}

func (a *anchorer) findAny(t *conditionProgram) (anchoring, bool) {
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
	if a.open && c.field.isLoaded() {
		return anchoring{}, false
	}
	switch c.op {
	case codeEquals:
		return one(c.equality(c.value), a.equalChance(c.field)), true
	case codeIn:
		return a.findIn(c)
	case codeStartsWith:
		return textAnchor(c.part(anchorPrefix, c.value.text))
	case codeEndsWith:
		return textAnchor(c.part(anchorSuffix, c.value.text))
	case codeContains:
		return textAnchor(c.part(anchorContains, c.value.text))
	case codeGlob:
		found, ok := globAnchor(c)
		return found.inexact(), ok
	case codeRegex:
		found, ok := regexAnchor(c)
		return found.inexact(), ok
	}
	return anchoring{}, false
}

// equality is the anchor of one value that the field may have.
func (c *comparison) equality(value scalar) anchor {
	a := anchor{kind: anchorEquals, field: c.field, value: value}
	if value.kind != scalarText {
		return a
	}
	if c.fold {
		a.fold, a.value.text = true, foldText(value.text)
		return a
	}
	a.exact = !c.field.isURL() // of a URL not only the end forgives a slash
	return a
}

// part is the anchor of a text that stands in the field.
func (c *comparison) part(kind anchorKind, text string) anchor {
	a := anchor{kind: kind, field: c.field, fold: c.fold, value: scalar{kind: scalarText, text: text}, exact: !c.fold}
	if c.fold {
		a.value.text = foldText(text)
	}
	return a
}

func (a *anchorer) findIn(c *comparison) (anchoring, bool) {
	if len(c.list) > maxAlternatives {
		return anchoring{}, false
	}
	in := anchoring{anchors: make([]anchor, len(c.list))}
	for i, s := range c.list {
		in.anchors[i] = c.equality(s)
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

// textAnchor files under a text, the less likely the longer it is. It returns
// false for one that is too short to look for.
func textAnchor(a anchor) (anchoring, bool) {
	text := a.value.text
	if text == "" || a.kind == anchorContains && len(text) < shortestText {
		return anchoring{}, false
	}
	chance := math.Pow(0.75, float64(len(text)))
	if a.kind == anchorContains {
		chance *= 2
	}
	if a.fold {
		chance *= 2 // the visit's text has to be folded first
	}
	return one(a, chance), true
}

// better returns the less likely of two ways.
func better(a anchoring, aOK bool, b anchor) (anchoring, bool) {
	found, ok := textAnchor(b)
	if !ok || aOK && a.chance <= found.chance {
		return a, aOK
	}
	return found, true
}

// globAnchor files under the text before the first wildcard, after the last, or
// between two.
func globAnchor(c *comparison) (anchoring, bool) {
	var parts []string
	var part []byte
	pattern := c.value.text
	for i := 0; i < len(pattern); i++ {
		switch b := pattern[i]; b {
		case '\\':
			i++
			part = append(part, pattern[i])
		case '*', '?':
			parts, part = append(parts, string(part)), nil
		default:
			part = append(part, b)
		}
	}
	parts = append(parts, string(part))
	found, ok := textAnchor(c.part(anchorPrefix, parts[0]))
	if len(parts) > 1 {
		found, ok = better(found, ok, c.part(anchorSuffix, parts[len(parts)-1]))
		for _, middle := range parts[1 : len(parts)-1] {
			found, ok = better(found, ok, c.part(anchorContains, middle))
		}
	}
	return found, ok
}

// regexAnchor files under a text that every match has in it.
func regexAnchor(c *comparison) (anchoring, bool) {
	re, err := syntax.Parse(c.expr(), syntax.Perl)
	if err != nil {
		return anchoring{}, false
	}
	re = re.Simplify()
	var found anchoring
	ok := false
	if prefix := regexPrefix(re); prefix != nil {
		found, ok = better(found, ok, c.literal(anchorPrefix, prefix))
	}
	for _, literal := range requiredLiterals(re, nil) {
		found, ok = better(found, ok, c.literal(anchorContains, literal))
	}
	return found, ok
}

// literal is the anchor of a literal of a regular expression, which says by
// itself whether it ignores case.
func (c *comparison) literal(kind anchorKind, re *syntax.Regexp) anchor {
	a := anchor{kind: kind, field: c.field, value: scalar{kind: scalarText, text: string(re.Rune)}}
	if a.fold = re.Flags&syntax.FoldCase != 0; a.fold {
		a.value.text = foldText(a.value.text)
	}
	return a
}

// regexPrefix returns the literal that follows ^ at the beginning, if any.
func regexPrefix(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText || !isLiteral(re.Sub[1]) {
		return nil
	}
	return re.Sub[1]
}

// isLiteral reports whether re is a literal with a text. Runes that are no valid
// text, as bytes written \xff are, match differently from their text.
func isLiteral(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && !strings.ContainsRune(string(re.Rune), '\ufffd')
}

// requiredLiterals appends the literals that are in every match.
func requiredLiterals(re *syntax.Regexp, found []*syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpLiteral:
		if isLiteral(re) {
			found = append(found, re)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, sub := range re.Sub {
			found = requiredLiterals(sub, found)
		}
	}
	return found
}

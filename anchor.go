package campaign

import (
	"math"
	"math/rand/v2"
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

// maxAlternatives bounds how many anchors a campaign is filed under. Each costs the
// index some forty bytes, as much as the condition takes to name it; texts that may
// stand anywhere cost more.
const maxAlternatives = 1 << 14

// fewValues is up to how many values of each of two fields that may hold lists may be
// asked for if they are to make a key: a visit may have all of them, each of which is
// looked up with each.
const fewValues = 1000

// An anchoring is a way to file one condition: under each of several anchors,
// of which one must hold for the condition to hold.
type anchoring struct {
	anchors []anchor
	chance  float64 // a guess at the share of visits that meet one of them
	cost    float64 // of each visit, in tests of a campaign
}

// inexact notes that the condition asks for more than the anchors.
func (a anchoring) inexact() anchoring {
	for i := range a.anchors {
		a.anchors[i].exact = false
	}
	return a
}

// An anchorer chooses anchors with a view to all conditions of the set: what many
// campaigns ask for tells them apart badly, and is what most visits have.
type anchorer struct {
	campaigns int // that were counted
	asked     map[anchorGroup]*asked
	counts    []uint16            // of those who ask for the same, by its hash, roughly
	pairs     map[[2]fieldRef]int // how many ask for values of both fields

	// The group that was asked for last: it is asked for again, nearly always.
	lastGroup anchorGroup
	lastAsked *asked

	// kept holds the anchors of the condition at hand.
	kept []anchor

	// What choices and equalities return, to be used again.
	room   []anchor
	choice [1][]anchor
	equal  []anchor

	// patterns holds the choices of globs and regular expressions, which are not
	// parsed a second time.
	patterns map[*comparison][][]anchor

	// open says that the campaign at hand may hold once the profile is loaded:
	// what the visit itself carries of the profile decides nothing.
	open bool
}

// An anchorGroup is anchors that ask the same of a field.
type anchorGroup struct {
	field fieldRef
	kind  anchorKind
	fold  bool
}

func (c *anchor) group() anchorGroup { return anchorGroup{c.field, c.kind, c.fold} }

// asked is what is known of an anchorGroup.
type asked struct {
	salt      uint64
	campaigns int // that ask for something there
	last      int // the last of them
	all       int // anchors
	distinct  int // different ones, roughly
}

const (
	// countsPerAnchor is how much room there is to count, so that few share both of their
	// counts.
	countsPerAnchor = 8

	minCounts, maxCounts = 1 << 12, 1 << 22
)

func newAnchorer(programs []*program) *anchorer {
	a := &anchorer{
		asked:    make(map[anchorGroup]*asked),
		pairs:    make(map[[2]fieldRef]int),
		patterns: make(map[*comparison][][]anchor),
	}
	anchors := 0
	for _, p := range programs {
		if !p.paused {
			anchors += p.when.values()
		}
	}
	size := minCounts
	for size < maxCounts && size < countsPerAnchor*anchors {
		size *= 2
	}
	a.counts = make([]uint16, size)
	for _, p := range programs {
		if !p.paused {
			a.campaigns++
			a.count(&p.when)
		}
	}
	return a
}

// values returns how many values a condition compares with.
func (t *conditionProgram) values() int {
	n := 0
	for i := range t.subs {
		n += t.subs[i].values()
	}
	if t.kind == conditionCompare {
		n += 1 + len(t.cmp.list)
	}
	return n
}

// count notes what t asks for. What it asks not to be there is no anchor.
func (a *anchorer) count(t *conditionProgram) {
	switch t.kind {
	case conditionNot:
	case conditionAll:
		var room [8]*conditionProgram
		parts := t.parts(room[:0])
		for _, part := range parts {
			a.count(part)
		}
		a.countPairs(parts)
	case conditionAny:
		for i := range t.subs {
			a.count(&t.subs[i])
		}
	case conditionCompare:
		a.countComparison(&t.cmp)
	}
}

func (a *anchorer) countPairs(parts []*conditionProgram) {
	equalities := a.equalities(parts)
	for i := range equalities {
		for j := range equalities[:i] {
			a.pairs[fieldPair(&equalities[i], &equalities[j])]++
		}
	}
}

func (a *anchorer) countComparison(c *comparison) {
	if c.op == codeIn {
		for _, s := range c.list {
			choice := c.equality(s)
			a.countAnchor(&choice)
		}
		return
	}
	for _, choice := range a.choices(c) {
		for i := range choice {
			a.countAnchor(&choice[i])
		}
	}
}

// askedOf returns what is known of the anchor's group, or nil.
func (a *anchorer) askedOf(c *anchor) *asked {
	if group := c.group(); a.lastAsked == nil || group != a.lastGroup {
		a.lastGroup, a.lastAsked = group, a.asked[group]
	}
	return a.lastAsked
}

func (a *anchorer) countAnchor(c *anchor) {
	group := a.askedOf(c)
	if group == nil {
		group = &asked{salt: rand.Uint64()}
		a.asked[c.group()] = group
		a.lastGroup, a.lastAsked = c.group(), group
	}
	one, other := a.countsOf(c, group)
	if min(*one, *other) == 0 {
		group.distinct++
	}
	countOnce(one, other)
	if group.last != a.campaigns {
		group.last = a.campaigns
		group.campaigns++
	}
	group.all++
}

// countsOf returns two counts of those who ask for the same. Each may be shared with
// others, so the lesser one is nearer the truth.
func (a *anchorer) countsOf(c *anchor, group *asked) (one, other *uint16) {
	hash := hashScalar(group.salt, c.value)
	last := uint64(len(a.counts) - 1) // of maxCounts, which is 22 bits
	return &a.counts[hash>>20&last], &a.counts[hash>>42&last]
}

// countOf returns how many anchors ask for the same, roughly.
func (a *anchorer) countOf(c *anchor, group *asked) uint16 {
	one, other := a.countsOf(c, group)
	return min(*one, *other)
}

// chance guesses how many visits meet an anchor that was counted. Campaigns are about
// what is there: what several ask for is as likely as their share, of those who ask
// anything of that kind and, so that what few campaigns care for does not seem to be
// everywhere, of all campaigns. What one asks for by itself is the less likely the longer
// a text it is, and the more others ask for something else.
func (a *anchorer) chance(c *anchor) float64 {
	group := a.askedOf(c)
	share := min(1, float64(a.countOf(c, group)-1)/math.Sqrt(float64(group.campaigns)*float64(a.campaigns)))
	chance := share + (1-share)*group.chance(c)/math.Sqrt(float64(group.all))
	if !c.field.isAlwaysThere() {
		chance /= 2
	}
	return chance
}

// lookupCost is what it takes to look up what a visit has in a field, or in two, in tests
// of a campaign. Those who ask for it bear it together.
const lookupCost = 0.3

// shareOf returns a campaign's share of the cost of looking an anchor up.
func (a *anchorer) shareOf(c *anchor) float64 {
	return lookupCost / float64(a.askedOf(c).campaigns)
}

// chance guesses how many visits meet an anchor, whoever asks for it.
func (g *asked) chance(c *anchor) float64 {
	if c.kind == anchorEquals {
		chance := 1 / float64(g.distinct+1)
		if c.field.forgivesSlash() {
			chance /= 16 // most addresses of a site are in no campaign at all
		}
		return chance
	}
	chance := chances[min(len(c.value.text), len(chances)-1)]
	if c.kind == anchorContains {
		chance *= 2
	}
	if c.fold {
		chance *= 2 // the visit's text has to be folded first
	}
	return chance
}

// chances are of texts of so many bytes to be there.
var chances = func() (chances [64]float64) {
	for n := range chances {
		chances[n] = math.Pow(0.75, float64(n))
	}
	return chances
}()

// keep copies anchors to where they stay until the next condition's are found.
func (a *anchorer) keep(anchors []anchor) []anchor {
	n := len(a.kept)
	a.kept = append(a.kept, anchors...)
	return a.kept[n:len(a.kept):len(a.kept)]
}

// findFor returns the best way to file a condition, and false if there is none. It is
// valid until the next call.
func (a *anchorer) findFor(p *program) (anchoring, bool) {
	a.open, a.kept = p.asks, a.kept[:0]
	return a.find(&p.when)
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

// findAll takes the best of the parts, or two equalities, which together make one key.
func (a *anchorer) findAll(t *conditionProgram) (anchoring, bool) {
	var room [8]*conditionProgram
	parts := t.parts(room[:0])
	var best anchoring
	for _, part := range parts {
		if found, ok := a.find(part); ok && (best.anchors == nil || found.cost < best.cost) {
			best = found
		}
	}
	if pair, ok := a.findPair(parts); ok && (best.anchors == nil || pair.cost <= best.cost) {
		best = pair
		if len(parts) == 2 {
			return best, true
		}
	}
	if len(parts) > 1 {
		best = best.inexact()
	}
	return best, best.anchors != nil
}

// findPair returns the best two equalities of the parts.
func (a *anchorer) findPair(parts []*conditionProgram) (anchoring, bool) {
	var best anchoring
	var one, other *anchor
	equalities := a.equalities(parts)
	for i := range equalities {
		for j := range equalities[:i] {
			found, ok := a.weighPair(&equalities[i], &equalities[j])
			if ok && (one == nil || found.cost < best.cost) {
				best, one, other = found, &equalities[i], &equalities[j]
			}
		}
	}
	if one == nil {
		return anchoring{}, false
	}
	best.anchors = []anchor{pairOf(*one, *other)}
	return best, true
}

// weighPair says what two equalities leave and cost as one key, and whether they may be
// one.
func (a *anchorer) weighPair(one, other *anchor) (anchoring, bool) {
	together := a.pairs[fieldPair(one, other)]
	if one.field == other.field || together < fewPaired || !a.mayPair(one, other) {
		return anchoring{}, false
	}
	chance := a.chance(one) * a.chance(other)
	return anchoring{chance: chance, cost: chance + lookupCost/float64(together)}, true
}

// mayPair reports whether two equalities are fit to be a key. Where one of them has more
// than fewValues, it tells campaigns apart by itself, and the other only spares a test: that
// is worth no more than a short text, and only if no visit can have too many values of both
// fields to look up all pairs of them. A field without a name has one at most.
func (a *anchorer) mayPair(one, other *anchor) bool {
	const short = 64
	if a.askedOf(one).distinct <= fewValues && a.askedOf(other).distinct <= fewValues {
		return true
	}
	return (!one.field.isNamed() || !other.field.isNamed()) && len(one.value.text)+len(other.value.text) <= short
}

const (
	// maxEqualities is how many equalities of a condition may be one of two.
	maxEqualities = 8

	// fewPaired is how many campaigns must ask for two fields before there is a key of
	// both.
	fewPaired = 2
)

// equalities returns the parts that are an equality of a field that has one value or a
// list of values. They are valid until the next call.
func (a *anchorer) equalities(parts []*conditionProgram) []anchor {
	a.equal = a.equal[:0]
	for _, part := range parts {
		c := &part.cmp
		if part.kind != conditionCompare || c.op != codeEquals || c.fold || c.field.isURL() ||
			c.field.kind == fieldPageQuery || c.field.kind == fieldReferrerQuery || a.open && c.field.isLoaded() {
			continue
		}
		if a.equal = append(a.equal, c.equality(c.value)); len(a.equal) == maxEqualities {
			break
		}
	}
	return a.equal
}

// parts appends the conditions that must all hold for t to hold.
func (t *conditionProgram) parts(all []*conditionProgram) []*conditionProgram {
	if t.kind != conditionAll {
		return append(all, t)
	}
	for i := range t.subs {
		all = t.subs[i].parts(all)
	}
	return all
}

// pairOf returns the anchor that is two equalities at once.
func pairOf(one, other anchor) anchor {
	if fieldLess(other.field, one.field) {
		one, other = other, one
	}
	one.and = &other
	one.exact = one.exact && other.exact
	return one
}

// fieldPair returns the fields of a pair in one order, so that A and B is filed with B
// and A.
func fieldPair(one, other *anchor) [2]fieldRef {
	if fieldLess(other.field, one.field) {
		one, other = other, one
	}
	return [2]fieldRef{one.field, other.field}
}

func fieldLess(a, b fieldRef) bool {
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	return a.name < b.name
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
		all.cost += found.cost
	}
	return all, true
}

func (a *anchorer) findComparison(c *comparison) (anchoring, bool) {
	if a.open && c.field.isLoaded() {
		return anchoring{}, false
	}
	if c.op == codeIn {
		return a.findIn(c)
	}
	var best anchoring
	for _, choice := range a.choices(c) {
		if found := a.anchoringOf(choice); best.anchors == nil || found.cost < best.cost {
			best = found
		}
	}
	if best.anchors == nil {
		return anchoring{}, false
	}
	best.anchors = a.keep(best.anchors)
	return best, true
}

// choices returns what the comparison can be filed under: lists of anchors, of each of
// which one must hold for the comparison to hold. They are valid until the next call.
// A comparison with a list, of which there is one choice that may be long, has none here.
func (a *anchorer) choices(c *comparison) [][]anchor {
	a.room = a.room[:0]
	switch c.op {
	case codeEquals:
		a.room = append(a.room, c.equality(c.value))
	case codeStartsWith:
		a.room = appendText(a.room, c.part(anchorPrefix, c.value.text))
	case codeEndsWith:
		a.room = appendText(a.room, c.part(anchorSuffix, c.value.text))
	case codeContains:
		a.room = appendText(a.room, c.part(anchorContains, c.value.text))
	case codeGlob, codeRegex:
		return a.patternChoices(c)
	}
	if len(a.room) == 0 {
		return nil
	}
	a.choice[0] = a.room
	return a.choice[:]
}

func (a *anchorer) patternChoices(c *comparison) [][]anchor {
	choices, ok := a.patterns[c]
	switch {
	case ok:
		return choices
	case c.op == codeGlob:
		choices = globChoices(c)
	default:
		choices = regexChoices(c)
	}
	a.patterns[c] = choices
	return choices
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
	anchors := make([]anchor, len(c.list))
	for i, s := range c.list {
		anchors[i] = c.equality(s)
	}
	return a.anchoringOf(anchors), true
}

// anchoringOf files under anchors of one field.
func (a *anchorer) anchoringOf(anchors []anchor) anchoring {
	found := anchoring{anchors: anchors}
	for i := range anchors {
		found.chance += a.chance(&anchors[i])
	}
	found.cost = found.chance + a.shareOf(&anchors[0])
	return found
}

// appendText appends the anchor of a text, unless it is too short to look for.
func appendText(choices []anchor, c anchor) []anchor {
	if c.value.text == "" || c.kind == anchorContains && len(c.value.text) < shortestText {
		return choices
	}
	return append(choices, c)
}

// globChoices returns the texts before the first wildcard, after the last, and between
// two, each a choice.
func globChoices(c *comparison) [][]anchor {
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
	var texts []anchor
	for i, text := range parts {
		kind := anchorContains
		switch i {
		case 0:
			kind = anchorPrefix
		case len(parts) - 1:
			kind = anchorSuffix
		}
		texts = appendText(texts, c.part(kind, text))
	}
	choices := make([][]anchor, len(texts))
	for i := range texts {
		texts[i].exact = false
		choices[i] = texts[i : i+1]
	}
	return choices
}

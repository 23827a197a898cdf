package campaign

import (
	"slices"
	"strings"
	"sync"
)

// A campaignSet is a loaded set of campaigns, compiled and immutable: a visit
// in, the campaigns whose condition it meets out.
//
// Each campaign is filed under one anchor, its most selective positive
// comparison, or several of which one must hold. All are in one table, which
// holds the texts that the anchors want, so that most of what only looks like a
// match is seen through before a campaign is touched, and a condition that is
// nothing but its anchor is decided there. Whatever asks for more is tested in
// full. So the index may look at too much, and never at too little.
type campaignSet struct {
	programs []*program
	byID     map[string]*program
	active   int // campaigns that are not paused

	always []int32 // campaigns without an anchor: tested for every visit
	fields []fieldIndex
	pairs  []pairIndex
	table  anchorTable

	arenas sync.Pool // of *[]byte, for visits that match nothing
}

// hasOther reports whether a campaign but that one can start runs.
func (s *campaignSet) hasOther(campaign string) bool {
	if s.active != 1 {
		return s.active > 1
	}
	prog := s.byID[campaign]
	return prog == nil || prog.paused
}

// fewCampaigns is up to how many campaigns a plain loop is faster.
const fewCampaigns = 4

// A fieldIndex is a field as the index looks it up, as it stands or folded.
type fieldIndex struct {
	field fieldRef
	fold  bool
	id    indexID
	salt  uint64 // keeps the keys of the fields apart
	equal bool   // there are anchors that want the whole text
	grams [len(gramShapes)]bool

	// The lengths of the longest prefix and suffix; 0 if there is none.
	longestPrefix, longestSuffix int
}

// A pairIndex is two fields that campaigns ask to have certain values.
type pairIndex struct {
	fields [2]fieldRef
	id     indexID
	salt   uint64

	// asked are the texts that campaigns ask of each field for, without their
	// slash. There are at most some hundreds: fields with more need no partner.
	asked [2]map[string]struct{}
}

// match appends to hits the campaigns whose condition the visit meets, in the
// order in which they were loaded. hits is empty; it is passed from function to
// function, and not kept in a struct, so that the caller's array for it can
// stay on the stack.
func (s *campaignSet) match(hits []int32, v *view) []int32 {
	for _, c := range s.always {
		hits = s.test(hits, c, v)
	}
	for i := range s.pairs {
		hits = s.matchPair(hits, &s.pairs[i], v)
	}
	for i := range s.fields {
		hits = s.matchField(hits, &s.fields[i], v)
	}
	if v.lost {
		return s.matchAll(hits[:0], v)
	}
	for i := 1; i < len(hits); i++ {
		if hits[i-1] >= hits[i] {
			slices.Sort(hits)
			return slices.Compact(hits)
		}
	}
	return hits
}

// matchAll is match without the index.
func (s *campaignSet) matchAll(hits []int32, v *view) []int32 {
	for i, p := range s.programs {
		if !p.paused {
			hits = s.test(hits, int32(i), v)
		}
	}
	return hits
}

// test tests one campaign in full. One whose condition may still turn out to
// hold, once the profile is loaded, is found too.
func (s *campaignSet) test(hits []int32, campaign int32, v *view) []int32 {
	p := s.programs[campaign]
	if p.when.eval(v) || p.asks && p.mayHold(v) {
		hits = append(hits, campaign)
	}
	return hits
}

func (s *campaignSet) matchPair(hits []int32, p *pairIndex, v *view) []int32 {
	first, kind := v.single(p.fields[0])
	if kind == valueMissing {
		return hits
	}
	second, secondKind := v.single(p.fields[1])
	switch {
	case secondKind == valueMissing:
		return hits
	case kind == valueText && secondKind == valueText:
		return s.matchTexts(hits, p, first, second, v)
	}
	var firstRoom, secondRoom [8]scalar
	seconds := p.askedOf(1, v.scalars(secondRoom[:0], p.fields[1]))
	for _, first := range p.askedOf(0, v.scalars(firstRoom[:0], p.fields[0])) {
		for _, second := range seconds {
			hits = s.matchTexts(hits, p, first.text, second.text, v)
		}
	}
	return hits
}

// askedOf keeps of the values of a field those that campaigns ask for, once
// each: all of one list with all of another would be too many to look up.
func (p *pairIndex) askedOf(side int, values []scalar) []scalar {
	kept := values[:0]
	for _, value := range values {
		if value.kind != scalarText {
			continue
		}
		if _, ok := p.asked[side][p.fields[side].plain(value.text)]; ok {
			kept = append(kept, value)
		}
	}
	slices.SortFunc(kept, func(a, b scalar) int { return strings.Compare(a.text, b.text) })
	return slices.CompactFunc(kept, func(a, b scalar) bool { return a.text == b.text })
}

func (s *campaignSet) matchTexts(hits []int32, p *pairIndex, first, second string, v *view) []int32 {
	first, second = p.fields[0].plain(first), p.fields[1].plain(second)
	if key := pairKey(p.salt, first, second); s.table.filter.has(key) {
		hits = s.find(hits, key, &probe{index: p.id, rule: rulePair, text: first, second: second}, v)
	}
	return hits
}

func (s *campaignSet) matchField(hits []int32, f *fieldIndex, v *view) []int32 {
	switch f.field.kind {
	case fieldPageQuery:
		return s.matchQuery(hits, f, &v.page, v)
	case fieldReferrerQuery:
		if v.hasReferrer() {
			hits = s.matchQuery(hits, f, &v.referrer, v)
		}
		return hits
	}
	text, kind := v.single(f.field)
	switch kind {
	case valueMissing:
		return hits
	case valueText:
		return s.matchText(hits, f, text, v)
	}
	var room [8]scalar
	for _, value := range v.scalars(room[:0], f.field) {
		if value.kind == scalarText {
			hits = s.matchText(hits, f, value.text, v)
		} else {
			hits = s.find(hits, scalarKey(f.salt, value), &probe{index: f.id, rule: ruleTest}, v)
		}
	}
	return hits
}

// matchQuery looks up each parameter with the field's name.
func (s *campaignSet) matchQuery(hits []int32, f *fieldIndex, from *location, v *view) []int32 {
	query, plain := from.query, from.plainQuery()
	for query != "" {
		value, rest, found := nextParam(query, f.field.name, plain)
		if !found {
			break
		}
		if !plain {
			value = v.arena.formText(value)
		}
		hits = s.matchText(hits, f, value, v)
		query = rest
	}
	return hits
}

// matchText looks a text up in all that is filed under its field.
func (s *campaignSet) matchText(hits []int32, f *fieldIndex, text string, v *view) []int32 {
	if f.fold {
		text = v.arena.foldText(text)
	}
	if f.longestPrefix > 0 {
		hits = s.matchHeads(hits, f, text, v)
	}
	if f.longestSuffix > 0 {
		hits = s.matchTails(hits, f, text, v)
	}
	if f.equal {
		whole := f.field.plain(text)
		if key := wholeKey(f, whole); s.table.filter.has(key) {
			hits = s.find(hits, key, &probe{index: f.id, rule: ruleWhole, text: whole}, v)
		}
	}
	for i := range f.grams {
		if f.grams[i] {
			hits = s.matchGrams(hits, f, gramShapes[i], text, v)
		}
	}
	return hits
}

// matchHeads looks up all prefixes of the text.
func (s *campaignSet) matchHeads(hits []int32, f *fieldIndex, text string, v *view) []int32 {
	filter := s.table.filter
	p := probe{index: f.id, rule: ruleStarts, text: text}
	end := min(f.longestPrefix, len(text))
	for key, i := f.salt, 0; ; key, i = nextHead(key, text[i:i+headStep]), i+headStep {
		if filter.has(key) {
			for n := range min(headStep, end-i+1) {
				if key := afterHead(key, text[i:i+n]); filter.has(key) {
					hits = s.find(hits, key, &p, v)
				}
			}
		}
		if i+headStep > end {
			return hits
		}
	}
}

// matchTails looks up all suffixes of the text.
func (s *campaignSet) matchTails(hits []int32, f *fieldIndex, text string, v *view) []int32 {
	filter := s.table.filter
	p := probe{index: f.id, rule: ruleEnds, text: text}
	start := max(0, len(text)-f.longestSuffix)
	for key, i := ^f.salt, len(text); ; key, i = nextHead(key, text[i-headStep:i]), i-headStep {
		if filter.has(key) {
			for n := range min(headStep, i-start+1) {
				if key := afterHead(key, text[i-n:i]); filter.has(key) {
					hits = s.find(hits, key, &p, v)
				}
			}
		}
		if i-headStep < start {
			return hits
		}
	}
}

// matchGrams looks up every gram of the text that the shape looks at. The
// look-ups do not depend on each other, unlike the steps of an automaton, so the
// processor makes several at once.
func (s *campaignSet) matchGrams(hits []int32, f *fieldIndex, shape gramShape, text string, v *view) []int32 {
	filter := s.table.filter
	if shape.size == 4 {
		for i := 0; i+4 <= len(text); i += shape.stride {
			if key := mix(fourBytes(text[i:i+4]) ^ f.salt); filter.has(key) {
				hits = s.find(hits, key, &probe{index: f.id, rule: ruleHas, text: text, at: i}, v)
			}
		}
		return hits
	}
	for i := 0; i+8 <= len(text); i += shape.stride {
		if key := mix(eightBytes(text[i:i+8]) ^ f.salt); filter.has(key) {
			hits = s.matchAround(hits, key, &probe{index: f.id, rule: ruleHas, text: text, at: i}, v)
		}
	}
	return hits
}

// matchAround looks up a gram of eight bytes: alone, with what stands before it,
// and with what follows.
func (s *campaignSet) matchAround(hits []int32, key uint64, p *probe, v *view) []int32 {
	filter := s.table.filter
	if key := aloneKey(key); filter.has(key) {
		hits = s.find(hits, key, p, v)
	}
	if p.at >= 4 {
		if key := beforeKey(key, p.text[p.at-4:]); filter.has(key) {
			hits = s.find(hits, key, p, v)
		}
	}
	if p.at+11 <= len(p.text) {
		if key := behindKey(key, p.text[p.at+8:]); filter.has(key) {
			hits = s.find(hits, key, p, v)
		}
	}
	return hits
}

// A probe is what is looked up in the table: a whole text, two of them, or one
// and the place of a gram in it.
type probe struct {
	text, second string
	at           int
	index        indexID
	rule         rule // of the postings that are meant
}

// find takes the campaigns that are filed under the key and may hold for what
// is probed. At most one slot on the way from the key's home has its tag.
func (s *campaignSet) find(hits []int32, key uint64, p *probe, v *view) []int32 {
	t := &s.table
	tag := tagOf(key)
	for i := t.home(key); ; i++ {
		if i == len(t.slots) {
			i = 0
		}
		slot := &t.slots[i]
		switch {
		case slot.rule == ruleNone:
			return hits
		case slot.tag != tag:
		case slot.rule == ruleMany:
			return s.findMany(hits, i, p, v)
		default:
			return s.filed(hits, slot, p, v)
		}
	}
}

// findMany is find in a slot that stands for several postings. A visit may repeat
// a text that thousands of campaigns look for, and would look at all of them at
// each place: so it leaves out what is found, once that is much, and when it has
// looked at as many as take longer than a test of all campaigns, it leaves the
// rest to that.
func (s *campaignSet) findMany(hits []int32, at int, p *probe, v *view) []int32 {
	if v.lost {
		return hits
	}
	slot := &s.table.slots[at]
	many := s.table.many[slot.text:][:slot.campaign]
	left, ok := v.left[at]
	if !ok && v.foundBits != nil {
		left, ok = make([]int32, len(many)), true
		for i := range left {
			left[i] = int32(i)
		}
	}
	if !ok {
		if v.look(len(many), len(s.programs), p.text) {
			for i := range many {
				hits = s.filed(hits, &many[i], p, v)
			}
		}
		return hits
	}
	if !v.look(len(left), len(s.programs), p.text) {
		return hits
	}
	kept := left[:0]
	for _, i := range left {
		hits = s.filed(hits, &many[i], p, v)
		if !v.hasFound(many[i].campaign) {
			kept = append(kept, i)
		}
	}
	if v.left == nil {
		v.left = make(map[int][]int32)
	}
	v.left[at] = kept
	return hits
}

// look reports whether the visit may look at so many postings more.
func (v *view) look(postings, campaigns int, text string) bool {
	v.looked += postings
	v.lost = v.lost || v.looked > campaigns*(postingsPerTest+len(text)/bytesPerPosting)
	return !v.lost
}

// What looking at a posting costs: a test takes as long as so many, and as one more
// for each so many bytes of text that it looks through.
const (
	postingsPerTest = 8
	bytesPerPosting = 32
)

func (s *campaignSet) filed(hits []int32, e *posting, p *probe, v *view) []int32 {
	if e.index == p.index && s.table.holds(e, p) {
		hits = s.take(hits, e, v)
	}
	return hits
}

// take takes a campaign whose anchor holds.
func (s *campaignSet) take(hits []int32, e *posting, v *view) []int32 {
	if v.found++; v.found > fewFound && s.wasFound(e.campaign, v) {
		return hits
	}
	if e.rule&ruleExact != 0 {
		return append(hits, e.campaign)
	}
	return s.test(hits, e.campaign, v)
}

// fewFound is how many campaigns are taken without a note of which they are.
// Most visits find a few. One that repeats a text, in its path, its query or a
// list, would find the same ones at each place, and test them in full as often.
const fewFound = 128

// wasFound notes that the campaign is found, and reports whether it was before.
func (s *campaignSet) wasFound(campaign int32, v *view) bool {
	if v.foundBits == nil {
		v.foundBits = make([]uint64, (len(s.programs)+63)/64)
	}
	was := v.hasFound(campaign)
	v.foundBits[campaign/64] |= 1 << (campaign % 64)
	return was
}

// hasFound reports whether there is a note that the campaign is found.
func (v *view) hasFound(campaign int32) bool {
	return v.foundBits != nil && v.foundBits[campaign/64]>>(campaign%64)&1 != 0
}

// wholeKey is the key of a text that is looked up as a whole. Texts that equals
// takes for equal, with and without the slash at the end of a path, have the
// same.
func wholeKey(f *fieldIndex, text string) uint64 {
	if !f.field.isURL() {
		return hashText(f.salt, text)
	}
	path, query := f.field.withoutSlash(text)
	return hashText(hashText(f.salt, path), query)
}

func pairKey(salt uint64, first, second string) uint64 {
	return hashText(hashText(salt, first), second)
}

// scalarKey is the key of a value that is not text.
func scalarKey(salt uint64, v scalar) uint64 {
	x := v.num.bits ^ uint64(v.num.kind)<<62
	if v.kind == scalarBool {
		x = 1 << 61
		if v.truth {
			x++
		}
	}
	return mix(x^salt) + 1 // not the key of the empty text
}

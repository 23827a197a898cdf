package campaign

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A campaignSet is a loaded set of campaigns, compiled and immutable: a visit
// in, the campaigns whose condition it meets out.
//
// Each campaign is filed under one anchor, its most selective positive
// comparison or two equalities, or under several of which one must hold. All are in
// one table, which holds the texts that the anchors want, so that most of what only
// looks like a match is seen through before a campaign is touched, and a condition
// that is nothing but its anchor is decided there. Whatever asks for more is tested
// in full. So the index may look at too much, and never at too little.
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
	equal bool   // there are texts filed under the whole of them
	slash bool   // whole texts are without the slash at their end, see fieldRef.plain

	inside bool // there are texts that may stand anywhere

	joints []int // of beforeJoints, those of the grams that texts are filed under
	grams  []gramShape

	// The lengths of the longest text that is filed under a head, and under a tail; 0 if
	// there is none.
	longestHead, longestTail int
}

// A pairIndex is two fields that campaigns ask to have certain values.
type pairIndex struct {
	fields [2]fieldRef
	id     indexID
	salt   uint64

	// asked are the values that campaigns ask of each field for, texts without their
	// slash, about fewValues at most. They are nil if one of the fields has one value at
	// most, and no list is looked up with another.
	asked [2]map[scalar]struct{}
	slash [2]bool // the texts of the field are without the slash at their end
}

// match returns the campaigns whose condition the visit meets, in the order in which
// they were loaded. They are in the view, and valid as long as it.
func (s *campaignSet) match(v *view) []int32 {
	for _, c := range s.always {
		s.test(c, v)
	}
	for i := range s.pairs {
		s.matchPair(&s.pairs[i], v)
	}
	for i := range s.fields {
		s.matchField(&s.fields[i], v)
	}
	if v.lost {
		v.hits = hitList{}
		s.matchAll(v)
	}
	return v.hits.inOrder()
}

// matchAll is match without the index.
func (s *campaignSet) matchAll(v *view) {
	for i, p := range s.programs {
		if !p.paused {
			s.test(int32(i), v)
		}
	}
}

// test tests one campaign in full. One whose condition may still turn out to
// hold, once the profile is loaded, is found too.
func (s *campaignSet) test(campaign int32, v *view) {
	p := s.programs[campaign]
	if p.when.eval(v) || p.asks && p.mayHold(v) {
		v.hits.add(campaign)
	}
}

func (s *campaignSet) matchPair(p *pairIndex, v *view) {
	first, kind := v.single(p.fields[0])
	if kind == valueMissing {
		return
	}
	second, secondKind := v.single(p.fields[1])
	switch {
	case secondKind == valueMissing:
		return
	case kind == valueText && secondKind == valueText:
		s.matchTexts(p, p.plain(0, first), p.plain(1, second), v)
		return
	}
	var firstRoom, secondRoom [8]scalar
	firsts := p.askedOf(0, v.scalarsOf(firstRoom[:0], p.fields[0], first, kind))
	if len(firsts) == 0 {
		return
	}
	seconds := p.askedOf(1, v.scalarsOf(secondRoom[:0], p.fields[1], second, secondKind))
	if len(firsts) > 1 && len(seconds) > 1 && !v.look(len(firsts)*len(seconds), len(s.programs), "") {
		return
	}
	for _, first := range firsts {
		for _, second := range seconds {
			s.matchScalars(p, first, second, v)
		}
	}
}

// plain returns a text as those that are asked for stand in the key.
func (p *pairIndex) plain(side int, text string) string {
	if p.slash[side] {
		return strings.TrimSuffix(text, "/")
	}
	return text
}

// askedOf returns the values of a field as those that campaigns ask for stand in the key.
// Where the other field may have a list too, it keeps those that are asked for, once each:
// all of one list with all of another would be too many to look up.
func (p *pairIndex) askedOf(side int, values []scalar) []scalar {
	for i := range values {
		values[i].text = p.plain(side, values[i].text)
	}
	if p.asked[side] == nil {
		return values
	}
	kept := values[:0]
	for _, value := range values {
		if _, ok := p.asked[side][value]; ok {
			kept = append(kept, value)
		}
	}
	// Equal ones have one hash, and come side by side.
	slices.SortFunc(kept, func(a, b scalar) int { return cmp.Compare(hashScalar(p.salt, a), hashScalar(p.salt, b)) })
	return slices.Compact(kept)
}

func (s *campaignSet) matchScalars(p *pairIndex, first, second scalar, v *view) {
	if first.kind == scalarText && second.kind == scalarText {
		s.matchTexts(p, first.text, second.text, v)
		return
	}
	if key := pairKey(p.salt, first, second); s.table.filter.has(key) {
		s.find(key, &probe{index: p.id, rule: ruleTest}, v)
	}
}

func (s *campaignSet) matchTexts(p *pairIndex, first, second string, v *view) {
	if key := hashText(hashText(p.salt, first), second); s.table.filter.has(key) {
		s.find(key, &probe{index: p.id, rule: rulePair, text: first, second: second}, v)
	}
}

func (s *campaignSet) matchField(f *fieldIndex, v *view) {
	switch f.field.kind {
	case fieldPageQuery:
		s.matchQuery(f, &v.page, v)
		return
	case fieldReferrerQuery:
		if v.hasReferrer() {
			s.matchQuery(f, &v.referrer, v)
		}
		return
	}
	text, kind := v.single(f.field)
	switch kind {
	case valueMissing:
		return
	case valueText:
		s.matchText(f, text, v)
		return
	}
	var room [8]scalar
	for _, value := range v.scalars(room[:0], f.field) {
		if value.kind == scalarText {
			s.matchText(f, value.text, v)
		} else {
			s.find(scalarKey(f.salt, value), &probe{index: f.id, rule: ruleTest}, v)
		}
	}
}

// matchQuery looks up each parameter with the field's name.
func (s *campaignSet) matchQuery(f *fieldIndex, from *location, v *view) {
	query, plain := from.params(), from.plainQuery()
	for query != "" {
		value, rest, found := nextParam(query, f.field.name, plain)
		if !found {
			break
		}
		if !plain {
			value = v.arena.formText(value)
		}
		s.matchText(f, value, v)
		query = rest
	}
}

// matchText looks a text up in all that is filed under its field.
func (s *campaignSet) matchText(f *fieldIndex, text string, v *view) {
	if f.fold {
		text = v.arena.foldText(text)
	}
	if f.longestHead > 0 {
		s.matchHeads(f, text, v)
	}
	if f.longestTail > 0 {
		s.matchTails(f, text, v)
	}
	if f.equal {
		s.matchWhole(f, text, v)
	}
	for _, before := range f.joints {
		s.matchJoints(f, before, text, v)
	}
	for _, shape := range f.grams {
		s.matchGrams(f, shape, text, v)
	}
}

// plain returns the text without the slash at its end that whole texts are without.
func (f *fieldIndex) plain(text string) string {
	if f.slash {
		return strings.TrimSuffix(text, "/")
	}
	return text
}

func (s *campaignSet) matchWhole(f *fieldIndex, text string, v *view) {
	text = f.plain(text)
	if key := wholeKey(f, text); s.table.filter.has(key) {
		s.find(key, &probe{index: f.id, rule: ruleWhole, text: text}, v)
	}
}

// matchHeads looks up all prefixes of the text, and the whole.
func (s *campaignSet) matchHeads(f *fieldIndex, text string, v *view) {
	filter := &s.table.filter
	p := probe{index: f.id, rule: ruleStarts, text: text}
	p.second = f.plain(text) // in the literal, p would be made elsewhere first, and copied
	key, at := f.salt, 0
	for ; at <= len(text)-headStep; at += headStep {
		if at > f.longestHead {
			return
		}
		step := fourBytes(text[at:])
		if filter.has(key) {
			s.findHead(key, step, headStep-1, &p, v)
		}
		key = nextHead(key, step)
	}
	if at <= f.longestHead && filter.has(key) {
		s.findHead(key, restBytes(text[at:]), len(text)-at, &p, v)
	}
}

// matchTails looks up all suffixes of the text.
func (s *campaignSet) matchTails(f *fieldIndex, text string, v *view) {
	filter := &s.table.filter
	p := probe{index: f.id, rule: ruleEnds, text: text}
	key, rest := ^f.salt, text
	for ; len(rest) >= headStep; rest = rest[:len(rest)-headStep] {
		if len(text)-len(rest) > f.longestTail {
			return
		}
		step := fourBytesBack(rest)
		if filter.has(key) {
			s.findHead(key, step, headStep-1, &p, v)
		}
		key = nextHead(key, step)
		if len(rest) == len(text) && !filter.has(firstTail(key)) {
			return
		}
	}
	if len(text)-len(rest) <= f.longestTail && filter.has(key) {
		s.findHead(key, restBytesBack(rest), len(rest), &p, v)
	}
}

// findHead looks up the texts that a head stands for.
func (s *campaignSet) findHead(head, rest uint64, most int, p *probe, v *view) {
	s.find(head, p, v)
	filter := &s.table.filter
	if !filter.has(crowdedKey(head)) {
		return
	}
	for n, bytes := range firstBytes[:most+1] {
		if key := afterHead(head, rest&bytes, n); filter.has(key) {
			s.find(key, p, v)
		}
	}
}

// matchGrams looks up every gram of the text that the shape looks at. The
// look-ups do not depend on each other, unlike the steps of an automaton, so the
// processor makes several at once.
func (s *campaignSet) matchGrams(f *fieldIndex, shape gramShape, text string, v *view) {
	filter := &s.table.filter
	if shape.size == 4 {
		for i := 0; i+4 <= len(text); i += shape.stride {
			if key := mix(fourBytes(text[i:i+4]) ^ f.salt); filter.has(key) {
				s.find(key, &probe{index: f.id, rule: ruleHas, text: text, at: i}, v)
			}
		}
		return
	}
	for i := 0; i+8 <= len(text); i += shape.stride {
		if key := mix(eightBytes(text[i:i+8]) ^ f.salt); filter.has(key) {
			s.matchAround(key, &probe{index: f.id, rule: ruleHas, text: text, at: i}, v)
		}
	}
}

// matchAround looks up a gram of eight bytes: alone, with what stands before it,
// and with what follows.
func (s *campaignSet) matchAround(key uint64, p *probe, v *view) {
	filter := &s.table.filter
	if key := aloneKey(key); filter.has(key) {
		s.find(key, p, v)
	}
	if p.at >= 4 {
		if key := beforeKey(key, p.text[p.at-4:]); filter.has(key) {
			s.find(key, p, v)
		}
	}
	if p.at+11 <= len(p.text) {
		if key := behindKey(key, p.text[p.at+8:]); filter.has(key) {
			s.find(key, p, v)
		}
	}
}

// A probe is what is looked up in the table: a whole text, two of them, or one
// and the place of a gram in it.
type probe struct {
	text   string
	second string // of ruleStarts, the text as a whole one is filed
	at     int
	index  indexID
	rule   rule // of the postings that are meant
}

// find takes the campaigns that are filed under the key and may hold for what
// is probed. At most one slot on the way from the key's home has its tag.
func (s *campaignSet) find(key uint64, p *probe, v *view) {
	t := &s.table
	tag := tagOf(key)
	for i := t.home(key); ; i++ {
		if i == len(t.slots) {
			i = 0
		}
		slot := &t.slots[i]
		if slot.rule == ruleNone {
			return
		}
		if slot.tag != tag {
			continue
		}
		if slot.rule == ruleMany {
			s.findMany(i, p, v)
		} else if t.holds(slot, p) {
			s.found(slot, v)
		}
		return
	}
}

// findMany is find in a slot that stands for several postings. A visit may repeat
// a text that thousands of campaigns look for, and would look at all of them at
// each place: so it leaves out what is found, once that is much, and when it has
// looked at as many as take longer than a test of all campaigns, it leaves the
// rest to that.
func (s *campaignSet) findMany(at int, p *probe, v *view) {
	if v.lost {
		return
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
		v.look(s.takeRuns(many, p, v), len(s.programs), p.text)
		return
	}
	if !v.look(len(left), len(s.programs), p.text) {
		return
	}
	kept := left[:0]
	for _, i := range left {
		if s.table.holds(&many[i], p) {
			s.found(&many[i], v)
		}
		if !v.hasFound(many[i].campaign) {
			kept = append(kept, i)
		}
	}
	if v.left == nil {
		v.left = make(map[int][]int32)
	}
	v.left[at] = kept
}

// takeRuns takes the campaigns of postings, of which those that want the same stand side
// by side. It returns how many it looked at.
func (s *campaignSet) takeRuns(many []posting, p *probe, v *view) (looked int) {
	for len(many) > 0 {
		run := many[:1+int(many[0].tag)]
		many = many[len(run):]
		looked++
		if !s.table.holds(&run[0], p) {
			continue
		}
		looked += len(run)
		for i := range run {
			s.found(&run[i], v)
		}
	}
	return looked
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

// found takes a campaign whose anchor holds.
func (s *campaignSet) found(e *posting, v *view) {
	if v.found++; v.found > fewFound && s.wasFound(e.campaign, v) {
		return
	}
	if e.rule&ruleExact != 0 {
		v.hits.add(e.campaign)
		return
	}
	if !slices.Contains(v.tested[:], e.campaign+1) {
		v.tested[v.tests%len(v.tested)] = e.campaign + 1
		v.tests++
		s.test(e.campaign, v)
	}
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

func pairKey(salt uint64, first, second scalar) uint64 {
	return hashScalar(hashScalar(salt, first), second)
}

func hashScalar(salt uint64, v scalar) uint64 {
	if v.kind == scalarText {
		return hashText(salt, v.text)
	}
	return scalarKey(salt, v)
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

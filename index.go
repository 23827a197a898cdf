package campaign

import (
	"hash/maphash"
	"reflect"
	"slices"
)

// A campaignSet is a loaded set of campaigns, compiled and immutable: a visit
// in, the campaigns whose condition it meets out.
//
// Each campaign is filed under one anchor, its most selective positive
// comparison, or several of which one must hold. A visit's fields are looked up
// in the tables of the anchors, and only the campaigns that are found are
// tested, in full. So the tables may find too much, and never too little: the
// condition stays the only rule.
type campaignSet struct {
	programs []*program
	byID     map[string]*program
	active   int // campaigns that are not paused

	always []int32 // campaigns without an anchor: tested for every visit
	fields []fieldIndex
	pairs  []pairIndex
	lists  postingLists
	seed   maphash.Seed
}

// fewCampaigns is up to how many campaigns a plain loop is faster.
const fewCampaigns = 4

// A fieldIndex files anchors of one field.
type fieldIndex struct {
	field    fieldRef
	equal    hashTable
	prefixes trie
	suffixes trie
	grams    [len(gramShapes)]gramFilter
	texts    bool // there are others than equal
}

// A pairIndex files campaigns that ask for two fields to have certain values.
type pairIndex struct {
	fields [2]fieldRef
	equal  hashTable
}

func newCampaignSet(programs []*program) *campaignSet {
	set := &campaignSet{
		programs: programs,
		byID:     make(map[string]*program, len(programs)),
		seed:     maphash.MakeSeed(),
	}
	for _, p := range programs {
		set.byID[p.id] = p
		if !p.paused {
			set.active++
		}
	}
	if len(programs) <= fewCampaigns {
		for i, p := range programs {
			if !p.paused {
				set.always = append(set.always, int32(i))
			}
		}
		return set
	}
	b := indexBuilder{set: set, fields: make(map[fieldRef]*fieldDraft), pairs: make(map[[2]fieldRef]map[uint32][]int32)}
	b.build()
	return set
}

// An indexBuilder collects what is filed before the tables are made.
type indexBuilder struct {
	set       *campaignSet
	fields    map[fieldRef]*fieldDraft
	fieldList []fieldRef // in the order of first use
	pairs     map[[2]fieldRef]map[uint32][]int32
	pairList  [][2]fieldRef
}

type fieldDraft struct {
	equal    map[uint32][]int32
	prefixes map[string][]int32
	suffixes map[string][]int32
	grams    [len(gramShapes)]map[string][]int32
}

func (b *indexBuilder) build() {
	a := newAnchorer()
	for _, p := range b.set.programs {
		a.count(&p.when)
	}
	for i, p := range b.set.programs {
		if p.paused {
			continue
		}
		a.open = p.asks
		found, ok := a.find(&p.when)
		if !ok {
			b.set.always = append(b.set.always, int32(i))
			continue
		}
		for _, anchor := range found.anchors {
			b.file(anchor, int32(i))
		}
	}
	lists := &b.set.lists
	for _, f := range b.fieldList {
		d := b.fields[f]
		index := fieldIndex{
			field:    f,
			equal:    newHashTable(d.equal, lists),
			prefixes: newTrie(d.prefixes, false, lists),
			suffixes: newTrie(d.suffixes, true, lists),
			texts:    len(d.prefixes)+len(d.suffixes) > 0,
		}
		for i, shape := range gramShapes {
			index.grams[i] = newGramFilter(d.grams[i], shape)
			index.texts = index.texts || len(d.grams[i]) > 0
		}
		b.set.fields = append(b.set.fields, index)
	}
	for _, pair := range b.pairList {
		b.set.pairs = append(b.set.pairs, pairIndex{fields: pair, equal: newHashTable(b.pairs[pair], lists)})
	}
	b.set.lists = slices.Clip(b.set.lists)
}

func (b *indexBuilder) file(a anchor, campaign int32) {
	if a.and != nil {
		key := [2]fieldRef{a.field, a.and.field}
		if b.pairs[key] == nil {
			b.pairs[key] = make(map[uint32][]int32)
			b.pairList = append(b.pairList, key)
		}
		file(b.pairs[key], b.set.hashPair(b.set.hashAnchor(&a), b.set.hashAnchor(a.and)), campaign)
		return
	}
	d := b.fields[a.field]
	if d == nil {
		d = &fieldDraft{
			equal:    make(map[uint32][]int32),
			prefixes: make(map[string][]int32),
			suffixes: make(map[string][]int32),
		}
		for i := range d.grams {
			d.grams[i] = make(map[string][]int32)
		}
		b.fields[a.field] = d
		b.fieldList = append(b.fieldList, a.field)
	}
	text := a.value.text
	switch {
	case a.kind == anchorEquals:
		file(d.equal, b.set.hashAnchor(&a), campaign)
	case a.kind == anchorPrefix:
		file(d.prefixes, text, campaign)
	case a.kind == anchorSuffix:
		file(d.suffixes, reversed(text), campaign)
	default:
		i := 0
		for len(text) < gramShapes[i].minText() {
			i++
		}
		file(d.grams[i], text, campaign)
	}
}

// file adds a campaign to the list of a key, once: the alternatives of one
// campaign may share a key.
func file[K comparable](m map[K][]int32, key K, campaign int32) {
	list := m[key]
	if n := len(list); n == 0 || list[n-1] != campaign {
		m[key] = append(list, campaign)
	}
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func (s *campaignSet) hashPair(a, b uint32) uint32 {
	return foldHash((uint64(a)<<32 | uint64(b)) * 0x9e3779b97f4a7c15)
}

func (s *campaignSet) hashAnchor(a *anchor) uint32 { return s.hashScalar(a.field, a.value) }

func (s *campaignSet) hashScalar(f fieldRef, v scalar) uint32 {
	switch v.kind {
	case scalarText:
		return s.hashField(f, v.text)
	case scalarBool:
		if v.truth {
			return 3
		}
		return 5
	}
	return foldHash((v.num.bits ^ uint64(v.num.kind)<<62) * 0x9e3779b97f4a7c15)
}

// hashField hashes a text so that texts which equals takes for equal, with and
// without the slash at the end of a path, have the same hash.
func (s *campaignSet) hashField(f fieldRef, text string) uint32 {
	if !f.forgivesSlash() {
		return hashText(s.seed, text)
	}
	path, query := f.withoutSlash(text)
	hash := hashText(s.seed, path)
	if query != "" {
		hash = s.hashPair(hash, hashText(s.seed, query))
	}
	return hash
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
	for i := 1; i < len(hits); i++ {
		if hits[i-1] >= hits[i] {
			slices.Sort(hits)
			return slices.Compact(hits)
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

// testFound tests all campaigns that are filed under a key.
func (s *campaignSet) testFound(hits []int32, found postings, v *view) []int32 {
	if found >= 0 {
		return s.test(hits, int32(found), v)
	}
	list := s.lists[^found:]
	for _, c := range list[1 : 1+list[0]] {
		hits = s.test(hits, c, v)
	}
	return hits
}

func (s *campaignSet) matchPair(hits []int32, p *pairIndex, v *view) []int32 {
	first, ok := v.single(p.fields[0])
	if !ok {
		return s.matchPairLists(hits, p, v)
	}
	second, ok := v.single(p.fields[1])
	if !ok {
		return s.matchPairLists(hits, p, v)
	}
	hash := s.hashPair(s.hashField(p.fields[0], first), s.hashField(p.fields[1], second))
	if found, ok := p.equal.find(hash); ok {
		hits = s.testFound(hits, found, v)
	}
	return hits
}

// matchPairLists is matchPair where one of the fields is missing, is no text, or
// has several values.
func (s *campaignSet) matchPairLists(hits []int32, p *pairIndex, v *view) []int32 {
	var firstRoom, secondRoom [8]scalar
	firsts := v.scalars(firstRoom[:0], p.fields[0])
	if len(firsts) == 0 {
		return hits
	}
	seconds := v.scalars(secondRoom[:0], p.fields[1])
	for _, first := range firsts {
		hash := s.hashScalar(p.fields[0], first)
		for _, second := range seconds {
			if found, ok := p.equal.find(s.hashPair(hash, s.hashScalar(p.fields[1], second))); ok {
				hits = s.testFound(hits, found, v)
			}
		}
	}
	return hits
}

func (s *campaignSet) matchField(hits []int32, f *fieldIndex, v *view) []int32 {
	switch f.field.kind {
	case fieldPageQuery:
		return s.matchQuery(hits, f, v.page.query, v)
	case fieldReferrerQuery:
		if v.hasReferrer() {
			hits = s.matchQuery(hits, f, v.referrer.query, v)
		}
		return hits
	}
	if text, ok := v.single(f.field); ok {
		return s.matchText(hits, f, text, v)
	}
	if f.field.isText() {
		return hits // it is missing
	}
	var room [8]scalar
	for _, value := range v.scalars(room[:0], f.field) {
		if value.kind == scalarText {
			hits = s.matchText(hits, f, value.text, v)
		} else if found, ok := f.equal.find(s.hashScalar(f.field, value)); ok {
			hits = s.testFound(hits, found, v)
		}
	}
	return hits
}

// matchQuery looks up each parameter with the field's name.
func (s *campaignSet) matchQuery(hits []int32, f *fieldIndex, query string, v *view) []int32 {
	for query != "" {
		value, rest, found := nextParam(query, f.field.name)
		if !found {
			break
		}
		hits = s.matchText(hits, f, formText(value), v)
		query = rest
	}
	return hits
}

// matchText looks a text up in all tables of its field.
func (s *campaignSet) matchText(hits []int32, f *fieldIndex, text string, v *view) []int32 {
	if len(f.equal.slots) > 0 {
		if found, ok := f.equal.find(s.hashField(f.field, text)); ok {
			hits = s.testFound(hits, found, v)
		}
	}
	if !f.texts {
		return hits
	}
	hits = s.matchTrie(hits, &f.prefixes, text, v)
	hits = s.matchTrie(hits, &f.suffixes, text, v)
	for i := range f.grams {
		hits = s.matchGrams(hits, &f.grams[i], text, v)
	}
	return hits
}

func (s *campaignSet) matchTrie(hits []int32, t *trie, rest string, v *view) []int32 {
	if len(t.nodes) == 0 {
		return hits
	}
	for node := &t.nodes[0]; ; {
		if node.ends {
			hits = s.testFound(hits, node.found, v)
		}
		child, length := t.step(node, rest)
		if child == nil {
			return hits
		}
		node = child
		if t.backwards {
			rest = rest[:len(rest)-length]
		} else {
			rest = rest[length:]
		}
	}
}

func (s *campaignSet) matchGrams(hits []int32, f *gramFilter, text string, v *view) []int32 {
	if len(f.bits) == 0 {
		return hits
	}
	for i := 0; ; i += f.stride {
		at, hash, ok := f.next(text, i)
		if !ok {
			return hits
		}
		first, ok := f.table.find(hash)
		for e := int(first); ok; e++ {
			entry := &f.entries[e]
			if f.holds(entry, text, at) {
				hits = s.test(hits, entry.campaign, v)
			}
			ok = !entry.last
		}
		i = at
	}
}

// single returns the field's value if it is one text, the usual case. Query
// parameters may be several.
func (v *view) single(f fieldRef) (string, bool) {
	var fields map[string]any
	switch f.kind {
	case fieldItem:
		if s, ok := v.visit.Item.named(f.name); ok {
			return s, true
		}
		fields = v.visit.Item.Fields
	case fieldProfile:
		if s, ok := v.visit.Profile.named(f.name); ok {
			return s, true
		}
		fields = v.visit.Profile.Fields
	case fieldVisit:
		fields = v.visit.Data
	default:
		return v.text(f.kind)
	}
	value, ok := lookup(fields, f.name)
	if !ok {
		return "", false
	}
	s, ok := value.(string)
	return s, ok
}

// scalars appends each value that a comparison with the field would look at. It
// reads values as comparison.matchAny does.
func (v *view) scalars(dst []scalar, field fieldRef) []scalar {
	value, ok := v.value(field)
	if !ok {
		return dst
	}
	r, ok := indirect(reflect.ValueOf(value))
	if !ok {
		return dst
	}
	if s := scalarOf(r); s.kind != scalarInvalid {
		return append(dst, s)
	}
	if !isList(r) {
		return dst
	}
	for i := range r.Len() {
		if s := scalarOf(r.Index(i)); s.kind != scalarInvalid {
			dst = append(dst, s)
		}
	}
	return dst
}

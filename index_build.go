package campaign

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Making the index of a campaignSet.

func newCampaignSet(programs []*program) *campaignSet {
	set := &campaignSet{
		programs: programs,
		byID:     make(map[string]*program, len(programs)),
	}
	for _, p := range programs {
		set.byID[p.id] = p
		if !p.paused {
			set.active++
		}
	}
	if len(programs) > fewCampaigns {
		newIndexBuilder(set).build()
		return set
	}
	for i, p := range programs {
		if !p.paused {
			set.always = append(set.always, int32(i))
		}
	}
	return set
}

// suggestID says which campaign may be meant by an ID that none has.
func (s *campaignSet) suggestID(id string) string {
	const most = 1000 // each is compared letter by letter
	var ids []string
	for _, p := range s.programs[:min(len(s.programs), most)] {
		ids = append(ids, p.id)
	}
	if near := nearest(id, ids); near != "" {
		return "did you mean " + shorten(near) + "?"
	}
	return "Campaigns lists those that are"
}

// An indexBuilder collects what is filed before the table is made: which piece
// of a text is rare is known only when all texts are.
type indexBuilder struct {
	set    *campaignSet
	fields map[fieldKey]*fieldIndex
	order  []*fieldIndex // of first use
	pairs  map[[2]fieldRef]int
	drafts []draft
	counts pieceCounts
	table  tableBuilder
}

type fieldKey struct {
	field fieldRef
	fold  bool
}

// A draft is a text that a campaign is filed under.
type draft struct {
	field    *fieldIndex
	text     string
	campaign int32
	kind     anchorKind
	exact    bool
}

func (d *draft) posting() posting {
	e := posting{campaign: d.campaign, index: d.field.id, rule: ruleOf[d.kind]}
	if d.exact {
		e.rule |= ruleExact
	}
	return e
}

func newIndexBuilder(set *campaignSet) *indexBuilder {
	return &indexBuilder{set: set, fields: make(map[fieldKey]*fieldIndex), pairs: make(map[[2]fieldRef]int)}
}

func (b *indexBuilder) build() {
	n := len(b.set.programs)
	b.table.reserve(2 * n) // of most sets
	b.drafts = make([]draft, 0, n)
	a := newAnchorer(b.set.programs)
	for i, p := range b.set.programs {
		if p.paused {
			continue
		}
		found, ok := a.findFor(p)
		if !ok {
			b.set.always = append(b.set.always, int32(i))
			continue
		}
		for j := range found.anchors {
			b.file(&found.anchors[j], int32(i))
		}
	}
	b.fileDrafts()
	for _, f := range b.order {
		if slices.Contains(f.grams, gramShapes[2]) { // looking at each place sees those of the other, too
			f.grams = slices.DeleteFunc(f.grams, func(g gramShape) bool { return g == gramShapes[1] })
		}
		b.set.fields = append(b.set.fields, *f)
	}
	b.set.table = b.table.build()
}

// nextID numbers the indexes. Beyond the last number there is only one for all:
// its anchors are not exact, so that what is found of another field does no harm.
func (b *indexBuilder) nextID() indexID {
	return indexID(min(len(b.order)+len(b.set.pairs), lastIndex))
}

func (b *indexBuilder) fieldIndex(field fieldRef, fold bool) *fieldIndex {
	key := fieldKey{field, fold}
	f := b.fields[key]
	if f == nil {
		f = &fieldIndex{field: field, fold: fold, id: b.nextID(), salt: rand.Uint64(), slash: field.forgivesSlash() && !field.isURL()}
		b.fields[key] = f
		b.order = append(b.order, f)
	}
	return f
}

func (b *indexBuilder) pairIndex(fields [2]fieldRef) *pairIndex {
	i, ok := b.pairs[fields]
	if !ok {
		i = len(b.set.pairs)
		p := pairIndex{
			fields: fields, id: b.nextID(), salt: rand.Uint64(),
			slash: [2]bool{fields[0].forgivesSlash(), fields[1].forgivesSlash()}, // no URL is in a pair
		}
		if fields[0].isNamed() && fields[1].isNamed() {
			p.asked = [2]map[scalar]struct{}{make(map[scalar]struct{}), make(map[scalar]struct{})}
		}
		b.set.pairs = append(b.set.pairs, p)
		b.pairs[fields] = i
	}
	return &b.set.pairs[i]
}

func (b *indexBuilder) file(a *anchor, campaign int32) {
	if a.and != nil {
		b.filePair(a, campaign)
		return
	}
	field := b.fieldIndex(a.field, a.fold)
	if a.value.kind != scalarText {
		b.table.add(scalarKey(field.salt, a.value), posting{campaign: campaign, index: field.id, rule: ruleTest})
		return
	}
	d := draft{field: field, text: a.value.text, campaign: campaign, kind: a.kind, exact: a.exact}
	switch a.kind {
	case anchorEquals:
		d.text = field.field.plain(d.text)
	case anchorPrefix:
		field.longestHead = max(field.longestHead, len(d.text))
	case anchorSuffix:
		field.longestTail = max(field.longestTail, len(d.text))
	case anchorContains:
		field.inside = true
	}
	b.drafts = append(b.drafts, d)
}

func (b *indexBuilder) filePair(a *anchor, campaign int32) {
	p := b.pairIndex([2]fieldRef{a.field, a.and.field})
	first, second := a.value, a.and.value
	first.text, second.text = p.plain(0, first.text), p.plain(1, second.text)
	if p.asked[0] != nil {
		p.asked[0][first], p.asked[1][second] = struct{}{}, struct{}{}
	}
	e := posting{campaign: campaign, index: p.id, rule: ruleTest}
	if first.kind == scalarText && second.kind == scalarText {
		e.rule, e.at = rulePair, uint16(min(len(first.text), maxFiled))
		if a.exact {
			e.rule |= ruleExact
		}
		b.table.text(&e, first.text+second.text)
	}
	b.table.add(pairKey(p.salt, first, second), e)
}

// fileDrafts files the texts, as soon as it is known which of their pieces are rare.
func (b *indexBuilder) fileDrafts() {
	b.counts = newPieceCounts(b.drafts)
	for i := range b.drafts {
		b.counts.countHead(&b.drafts[i])
	}
	var left []*draft
	for i := range b.drafts {
		switch d := &b.drafts[i]; {
		case d.kind == anchorContains:
			left = append(left, d)
		case d.kind == anchorEquals && !b.counts.hasHead(d):
			b.fileWhole(d)
		default:
			b.fileHead(d)
		}
	}
	for _, before := range beforeJoints {
		if len(left) > 0 {
			left = b.fileJoints(left, before)
		}
	}
	for _, d := range left {
		b.counts.countGrams(d)
	}
	for _, d := range left {
		b.fileGrams(d)
	}
}

// enoughDrafts is about how many texts are enough to tell what is common in all.
const enoughDrafts = 4096

// fileJoints files texts under grams with so many bytes before a joint, and returns those
// that have none that is rare enough.
func (b *indexBuilder) fileJoints(drafts []*draft, before int) (left []*draft) {
	most := 1 + 2*len(b.drafts)/enoughDrafts // by chance, as kinds of campaigns may take turns
	for i := 0; i < len(b.drafts); i += 1 + rand.IntN(most) {
		b.counts.seeJoints(&b.drafts[i], before)
	}
	for _, d := range drafts {
		b.counts.countJoints(d, before)
	}
	for _, d := range drafts {
		if !b.fileJoint(d, before) {
			left = append(left, d)
		}
	}
	return left
}

// mayHaveHead reports whether a whole text may be filed under a head, as prefixes are.
// Where there are prefixes, the visit's heads are looked up anyway, and one look more is
// saved. A long one is not worth a walk over what visits have of that length, and of a URL
// not only the end forgives a slash.
func (d *draft) mayHaveHead() bool {
	const long = 64
	return d.field.longestHead > 0 && !d.field.field.isURL() && len(d.text) <= long
}

func (b *indexBuilder) fileWhole(d *draft) {
	d.field.equal = true
	e := d.posting()
	if d.field.field.isURL() {
		e.rule = ruleTest // not only its end forgives a slash
	} else {
		b.table.text(&e, d.text)
	}
	b.table.add(wholeKey(d.field, d.text), e)
}

// fileHead files a prefix, a suffix, or a whole text.
func (b *indexBuilder) fileHead(d *draft) {
	e := d.posting()
	b.table.text(&e, d.text)
	head, whole := d.head()
	if d.kind == anchorSuffix && len(d.text) >= headStep {
		b.table.gates = append(b.table.gates, firstTail(nextHead(^d.field.salt, fourBytesBack(d.text))))
	}
	if d.kind == anchorEquals { // of prefixes it was known beforehand
		d.field.longestHead = max(d.field.longestHead, len(d.text))
	}
	if b.counts.of(head) <= fewPerHead {
		b.table.add(head, e)
		return
	}
	b.table.gates = append(b.table.gates, head, crowdedKey(head))
	b.table.add(whole, e)
}

// fileJoint files a text that may stand anywhere under the rarest gram around one of its
// joints. It reports whether there is one that is rare enough.
func (b *indexBuilder) fileJoint(d *draft, before int) bool {
	place, least, most := -1, math.MaxInt, fewPerJoint
	if len(d.text) < gramShapes[0].minText() {
		most = math.MaxUint16 // other grams of it are of four bytes, and seldom rarer
	}
	for at := range allJoints(d.filed(), before) {
		key := jointKey(d.field.salt, d.text[at:])
		filed := int(b.counts.of(key))
		if filed > most {
			continue
		}
		// How many postings a visit looks at for it: one at least, also of a text that by
		// chance did not seem to be new, and was not counted. Of equals the last: what
		// tells pages apart mostly ends their name.
		if cost := max(1, filed) * (1 + int(b.counts.of(seenJoint(key)))); cost <= least {
			place, least = at, cost
		}
	}
	if place < 0 {
		return false
	}
	if !slices.Contains(d.field.joints, before) {
		d.field.joints = append(d.field.joints, before)
	}
	e := d.posting()
	b.table.text(&e, d.text)
	e.at = uint16(place)
	b.table.add(jointKey(d.field.salt, d.text[place:]), e)
	return true
}

// fileGrams files a text that may stand anywhere under grams of the shape that it has.
func (b *indexBuilder) fileGrams(d *draft) {
	e := d.posting()
	b.table.text(&e, d.text)
	shape := d.shape()
	if !slices.Contains(d.field.grams, shape) {
		d.field.grams = append(d.field.grams, shape)
	}
	for r := range shape.stride {
		at, gram, key := b.counts.rarest(d, shape, r)
		e.at = uint16(at)
		if shape.size == 8 {
			b.table.gates = append(b.table.gates, gram)
		}
		b.table.add(key, e)
	}
}

// head returns the key of the longest head, or tail of a suffix, and that of the whole.
func (d *draft) head() (head, whole uint64) {
	if d.kind == anchorSuffix {
		return tailKey(d.field.salt, d.text)
	}
	return headKey(d.field.salt, d.text)
}

// filed is the part of the text that a posting can point into.
func (d *draft) filed() string { return d.text[:min(len(d.text), maxFiled)] }

// names is the part of the text that is looked at for what is common in all texts.
func (d *draft) names() string { return d.text[:min(len(d.text), 128)] }

// shape returns how the text is cut into grams.
func (d *draft) shape() gramShape {
	i := 0
	for len(d.text) < gramShapes[i].minText() {
		i++
	}
	return gramShapes[i]
}

// pieceCounts says how often heads, grams around joints, and grams alone and with what is
// around them, stand in the texts, roughly.
type pieceCounts struct {
	counts []uint16
	shift  uint8
}

// The logarithms of how many counts there are at least and at most.
const minCountsLog, maxCountsLog = 12, 22

func newPieceCounts(drafts []draft) pieceCounts {
	total, seen := 0, 0
	for i := range drafts {
		switch d := &drafts[i]; {
		case d.kind == anchorContains:
			total += len(d.text)
		case d.field.inside:
			seen += len(d.names()) / 8
		}
		total += 2 // the text itself, and its head
	}
	total += seen * enoughDrafts / max(enoughDrafts, len(drafts))
	log := minCountsLog
	for 1<<log < 4*total && log < maxCountsLog {
		log++
	}
	return pieceCounts{counts: make([]uint16, 1<<log), shift: uint8(64 - log)}
}

// cells returns the two places in which a key is counted. Either may be shared with other
// keys, so the lesser count is taken: a single text that seems to be too common for joints
// is filed under grams, and all visits look these up.
func (c *pieceCounts) cells(key uint64) (one, other *uint16) {
	return &c.counts[key>>c.shift], &c.counts[key<<maxCountsLog>>c.shift]
}

func (c *pieceCounts) of(key uint64) uint16 {
	one, other := c.cells(key)
	return min(*one, *other)
}

// countHead counts what a prefix, a suffix or a whole text may be filed under.
func (c *pieceCounts) countHead(d *draft) {
	if d.kind == anchorContains || d.kind == anchorEquals && !d.mayHaveHead() || !c.isNew(d, 0) {
		return
	}
	head, _ := d.head()
	if d.kind == anchorEquals {
		head = headOfWholes(head)
	}
	c.countKey(head)
}

// countJoints counts the grams around the joints of a text.
func (c *pieceCounts) countJoints(d *draft, before int) {
	if !c.isNew(d, before) {
		return
	}
	for at := range allJoints(d.filed(), before) {
		c.countKey(jointKey(d.field.salt, d.text[at:]))
	}
}

// seeJoints counts the grams around the joints of a text, however it is filed: what
// campaigns want the beginning or the whole of are names of pages too, and visits have what
// is common in these.
func (c *pieceCounts) seeJoints(d *draft, before int) {
	if !d.field.inside {
		return
	}
	for at := range allJoints(d.names(), before) {
		c.countKey(seenJoint(jointKey(d.field.salt, d.text[at:])))
	}
}

// seenJoint is the key by which a gram is counted in all texts of its field.
func seenJoint(key uint64) uint64 { return mix(key + 3) }

// headOfWholes is the key by which the whole texts with a head are counted.
func headOfWholes(head uint64) uint64 { return mix(head + 2) }

// hasHead reports whether a whole text is filed under its head. Unlike a prefix it can do
// without, and does where that is the head of many.
func (c *pieceCounts) hasHead(d *draft) bool {
	if !d.mayHaveHead() {
		return false
	}
	head, _ := d.head()
	return c.of(head) <= fewPerHead && c.of(headOfWholes(head)) <= fewWholesPerHead
}

// isNew reports whether the text is asked for by no draft before that was counted in the
// same way, and counts it. Postings that want the same are looked at as one.
func (c *pieceCounts) isNew(d *draft, way int) bool {
	key := hashText(d.field.salt+uint64(d.kind)<<8+uint64(way)+1, d.text)
	before := c.of(key)
	c.countKey(key)
	return before == 0
}

// countGrams counts all grams of a text that has to be filed under some of them.
func (c *pieceCounts) countGrams(d *draft) {
	shape := d.shape()
	var room [2]uint64
	for i := 0; i+shape.size <= len(d.filed()); i++ {
		gram := shape.key(d.field.salt, d.text, i)
		c.countKey(gram)
		if shape.size == 8 {
			for _, key := range aroundKeys(room[:0], gram, d.text, i) {
				c.countKey(key)
			}
		}
	}
}

func (c *pieceCounts) countKey(key uint64) {
	countOnce(c.cells(key))
}

// countOnce adds one to both counts of a key, which may be the same by chance.
func countOnce(one, other *uint16) {
	if *one < math.MaxUint16 {
		*one++
	}
	if other != one && *other < math.MaxUint16 {
		*other++
	}
}

// rarest returns what to file a text under, of what is at places in it that leave the
// remainder r when divided by the stride: those are looked at together, or not at all.
// It is the rarest key, and of those that are as rare, the one with the rarest gram.
func (c *pieceCounts) rarest(d *draft, shape gramShape, r int) (at int, gram, key uint64) {
	least := uint64(1 << 32)
	var room [2]uint64
	for i := r; i+shape.size <= len(d.filed()); i += shape.stride {
		here := shape.key(d.field.salt, d.text, i)
		keys := append(room[:0], here)
		if shape.size == 8 {
			keys = aroundKeys(room[:0], here, d.text, i)
		}
		for _, k := range keys {
			if n := uint64(c.of(k))<<16 | uint64(c.of(here)); n < least {
				least, at, gram, key = n, i, here, k
			}
		}
	}
	return at, gram, key
}

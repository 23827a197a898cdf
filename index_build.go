package campaign

import (
	"hash/maphash"
	"math/rand/v2"
)

// Making the index of a campaignSet.

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

// An indexBuilder collects what is filed before the table is made: which gram
// of a text is rare is known only when all texts are.
type indexBuilder struct {
	set    *campaignSet
	fields map[fieldKey]*fieldDraft
	order  []*fieldDraft // of first use
	pairs  map[[2]fieldRef]int
	drafts []draft
	counts gramCounts
	table  tableBuilder
}

type fieldKey struct {
	field fieldRef
	fold  bool
}

type fieldDraft struct {
	fieldIndex
	starts map[string][]filing // of the prefixes
	ends   map[string][]filing // of the suffixes, backwards
}

// A draft is a text that a campaign is filed under by its grams.
type draft struct {
	field    *fieldDraft
	text     string
	campaign int32
	kind     anchorKind
	exact    bool
}

func newIndexBuilder(set *campaignSet) *indexBuilder {
	return &indexBuilder{set: set, fields: make(map[fieldKey]*fieldDraft), pairs: make(map[[2]fieldRef]int)}
}

func (b *indexBuilder) build() {
	a := newAnchorer(len(b.set.programs))
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
		for j := range found.anchors {
			b.file(&found.anchors[j], int32(i))
		}
	}
	b.fileDrafts()
	for _, d := range b.order {
		d.prefixes = newTrie(d.starts, false)
		d.suffixes = newTrie(d.ends, true)
		b.set.fields = append(b.set.fields, d.fieldIndex)
	}
	b.set.table = b.table.build()
}

// nextID numbers the indexes. Beyond the last number there is only one for all:
// its anchors are not exact, so that what is found of another field does no harm.
func (b *indexBuilder) nextID() indexID {
	return indexID(min(len(b.order)+len(b.set.pairs), lastIndex))
}

func (b *indexBuilder) fieldIndex(field fieldRef, fold bool) *fieldDraft {
	key := fieldKey{field, fold}
	d := b.fields[key]
	if d == nil {
		d = &fieldDraft{
			fieldIndex: fieldIndex{field: field, fold: fold, id: b.nextID(), salt: rand.Uint64()},
			starts:     make(map[string][]filing),
			ends:       make(map[string][]filing),
		}
		b.fields[key] = d
		b.order = append(b.order, d)
	}
	return d
}

func (b *indexBuilder) pairIndex(fields [2]fieldRef) *pairIndex {
	i, ok := b.pairs[fields]
	if !ok {
		i = len(b.set.pairs)
		b.set.pairs = append(b.set.pairs, pairIndex{fields: fields, id: b.nextID(), salt: rand.Uint64()})
		b.pairs[fields] = i
	}
	return &b.set.pairs[i]
}

func (b *indexBuilder) file(a *anchor, campaign int32) {
	switch {
	case a.and != nil:
		b.filePair(a, campaign)
	case a.kind == anchorEquals:
		b.fileWhole(a, campaign)
	default:
		d := draft{field: b.fieldIndex(a.field, a.fold), text: a.value.text, campaign: campaign, kind: a.kind, exact: a.exact}
		b.drafts = append(b.drafts, d)
	}
}

func (b *indexBuilder) filePair(a *anchor, campaign int32) {
	p := b.pairIndex([2]fieldRef{a.field, a.and.field})
	first, second := a.field.plain(a.value.text), a.and.field.plain(a.and.value.text)
	e := posting{campaign: campaign, index: p.id, rule: rulePair, exact: a.exact}
	b.table.text(&e, first+second)
	e.at = uint16(min(len(first), maxFiled))
	b.table.add(b.set.pairKey(p.salt, first, second), e)
}

func (b *indexBuilder) fileWhole(a *anchor, campaign int32) {
	l := b.fieldIndex(a.field, a.fold)
	e := posting{campaign: campaign, index: l.id, rule: ruleTest, exact: false}
	if a.value.kind != scalarText {
		b.table.add(scalarKey(l.salt, a.value), e)
		return
	}
	l.equal = true
	text := a.field.plain(a.value.text)
	if !a.field.isURL() {
		e.rule, e.exact = ruleWhole, a.exact
		b.table.text(&e, text)
	}
	b.table.add(b.set.wholeKey(&l.fieldIndex, text), e)
}

// fileDrafts files texts under their rarest grams.
func (b *indexBuilder) fileDrafts() {
	b.counts = newGramCounts(b.drafts)
	for i := range b.drafts {
		d := &b.drafts[i]
		if shape, ok := d.shape(); ok {
			b.counts.count(d, shape)
		}
	}
	for i := range b.drafts {
		b.fileDraft(&b.drafts[i])
	}
}

// crowded is how many texts may share the gram of a prefix or a suffix. Beyond
// it the trie is faster, which takes as many steps however many there are.
const crowded = 6

func (b *indexBuilder) fileDraft(d *draft) {
	shape, ok := d.shape()
	at, count := 0, 0
	if ok {
		at, count = b.counts.rarest(d, shape)
	}
	if d.kind != anchorContains && (!ok || count > crowded) {
		d.field.fileInTrie(d)
		return
	}
	d.field.grams[shape.index] = true
	e := posting{campaign: d.campaign, index: d.field.id, rule: ruleOf[d.kind], exact: d.exact}
	b.table.text(&e, d.text)
	for i := at; i < at+d.grams(shape); i++ {
		e.at = uint16(i)
		b.table.add(shape.key(d.field.salt, d.text, i), e)
	}
}

func (d *fieldDraft) fileInTrie(x *draft) {
	f := filing{campaign: x.campaign, exact: x.exact}
	if x.kind == anchorPrefix {
		d.starts[x.text] = append(d.starts[x.text], f)
		return
	}
	text := reversed(x.text)
	d.ends[text] = append(d.ends[text], f)
}

// shape returns how the text is cut into grams, and false if it is too short.
func (d *draft) shape() (gramShape, bool) {
	if d.kind == anchorPrefix {
		return gramShapes[0], len(d.text) >= gramShapes[0].size
	}
	for _, shape := range gramShapes {
		if len(d.text) >= shape.minText() {
			// A short end is not worth a gram: it is likely to be shared.
			return shape, d.kind == anchorContains || shape.index == 0
		}
	}
	return gramShape{}, false
}

// grams is how many grams that follow each other the text is filed under: as
// many as the shape skips, so that one of them is looked at wherever the text
// stands. Where a prefix stands is known.
func (d *draft) grams(shape gramShape) int {
	if d.kind == anchorPrefix {
		return 1
	}
	return shape.stride
}

// gramCounts says how many texts have a gram, roughly: grams that share a place
// in it count together.
type gramCounts struct {
	counts []uint16
	shift  uint8
}

func newGramCounts(drafts []draft) gramCounts {
	total := 0
	for i := range drafts {
		total += len(drafts[i].text)
	}
	log := 10
	for 1<<log < 4*total && log < 22 {
		log++
	}
	return gramCounts{counts: make([]uint16, 1<<log), shift: uint8(64 - log)}
}

// at returns the count of the gram at i.
func (c *gramCounts) at(d *draft, shape gramShape, i int) *uint16 {
	return &c.counts[shape.key(d.field.salt, d.text, i)>>c.shift]
}

func (c *gramCounts) count(d *draft, shape gramShape) {
	step := 1
	if d.kind == anchorPrefix {
		step = shape.stride
	}
	for i := 0; i+shape.size <= min(len(d.text), maxFiled); i += step {
		if n := c.at(d, shape, i); *n < 1<<16-1 {
			*n++
		}
	}
}

// rarest returns where the grams begin that the fewest texts have, and how many
// texts have one of them. Of a prefix it takes the last of several: texts that
// differ do so at the end.
func (c *gramCounts) rarest(d *draft, shape gramShape) (at, count int) {
	count = -1
	step := 1
	if d.kind == anchorPrefix {
		step = shape.stride
	}
	n := d.grams(shape)
	for i := 0; i+shape.size+n-1 <= min(len(d.text), maxFiled); i += step {
		sum := 0
		for j := range n {
			sum += int(*c.at(d, shape, i+j))
		}
		if count < 0 || sum < count || sum == count && d.kind == anchorPrefix {
			at, count = i, sum
		}
	}
	return at, count / n
}

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

// A draft is a text that a campaign is filed under.
type draft struct {
	field    *fieldDraft
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
		field.equal = true
	case anchorPrefix:
		field.heads = field.heads || len(d.text) >= headStep
	}
	b.drafts = append(b.drafts, d)
}

func (b *indexBuilder) filePair(a *anchor, campaign int32) {
	p := b.pairIndex([2]fieldRef{a.field, a.and.field})
	first, second := a.field.plain(a.value.text), a.and.field.plain(a.and.value.text)
	e := posting{campaign: campaign, index: p.id, rule: rulePair, at: uint16(min(len(first), maxFiled))}
	if a.exact {
		e.rule |= ruleExact
	}
	b.table.text(&e, first+second)
	b.table.add(b.set.pairKey(p.salt, first, second), e)
}

// fileDrafts files the texts, now that it is known which of their pieces are rare.
func (b *indexBuilder) fileDrafts() {
	b.counts = newGramCounts(b.drafts)
	for i := range b.drafts {
		b.counts.count(&b.drafts[i])
	}
	for i := range b.drafts {
		b.fileDraft(&b.drafts[i])
	}
}

// crowded is how many prefixes or suffixes may share a head or a gram. Beyond it
// the trie is faster, which takes as many steps however many there are.
const crowded = 6

func (b *indexBuilder) fileDraft(d *draft) {
	switch d.kind {
	case anchorEquals:
		b.fileWhole(d)
	case anchorPrefix:
		b.filePrefix(d)
	default:
		b.fileGrams(d)
	}
}

func (b *indexBuilder) fileWhole(d *draft) {
	e := d.posting()
	if d.field.field.isURL() {
		e.rule = ruleTest
	} else {
		b.table.text(&e, d.field.field.plain(d.text))
	}
	b.table.add(b.set.wholeKey(&d.field.fieldIndex, d.text), e)
}

func (b *indexBuilder) filePrefix(d *draft) {
	key, _ := headKey(d.field.salt, d.text)
	if len(d.text) < headStep || *b.counts.at(key) > crowded {
		d.field.fileInTrie(d)
		return
	}
	e := d.posting()
	b.table.text(&e, d.text)
	b.table.add(key, e)
}

func (b *indexBuilder) fileGrams(d *draft) {
	shape, ok := d.shape()
	at, count := 0, 0
	if ok {
		at, count = b.counts.rarest(d, shape)
	}
	if d.kind == anchorSuffix && (!ok || count > crowded) {
		d.field.fileInTrie(d)
		return
	}
	d.field.grams[shape.index] = true
	e := d.posting()
	b.table.text(&e, d.text)
	for i := at; i < at+shape.stride; i++ {
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

// shape returns how the text is cut into grams, and false if it is too short. A
// short end is not worth a gram: it is likely to be shared.
func (d *draft) shape() (gramShape, bool) {
	for _, shape := range gramShapes {
		if len(d.text) >= shape.minText() {
			return shape, d.kind == anchorContains || shape.index == 0
		}
	}
	return gramShape{}, false
}

// gramCounts says how many texts have a gram or a head, roughly: keys that share
// a place in it count together.
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

func (c *gramCounts) at(key uint64) *uint16 { return &c.counts[key>>c.shift] }

func (c *gramCounts) add(key uint64) {
	if n := c.at(key); *n < 1<<16-1 {
		*n++
	}
}

func (c *gramCounts) count(d *draft) {
	switch d.kind {
	case anchorEquals:
	case anchorPrefix:
		key, _ := headKey(d.field.salt, d.text)
		c.add(key)
	default:
		shape, ok := d.shape()
		for i := 0; ok && i+shape.size <= min(len(d.text), maxFiled); i++ {
			c.add(shape.key(d.field.salt, d.text, i))
		}
	}
}

// rarest returns where the grams begin that the fewest texts have, and how many
// texts have one of them.
func (c *gramCounts) rarest(d *draft, shape gramShape) (at, count int) {
	count = -1
	for i := 0; i+shape.minText() <= min(len(d.text), maxFiled); i++ {
		sum := 0
		for j := range shape.stride {
			sum += int(*c.at(shape.key(d.field.salt, d.text, i+j)))
		}
		if count < 0 || sum < count {
			at, count = i, sum
		}
	}
	return at, count / shape.stride
}

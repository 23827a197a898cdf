package campaign

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// The tables of the index. All are flat arrays without pointers between
// postings: what decides their speed is how much of them fits into the cache.

// An anchorTable holds the anchors of all fields. A filter, small enough for the
// first levels of the cache, answers nearly every look-up that finds nothing;
// behind it is a hash table with open addressing, whose slots hold all that
// tells whether the anchor holds but its text.
type anchorTable struct {
	filter keyFilter
	slots  []posting
	many   []posting // of keys that have several, side by side
	texts  string    // all texts, one after the other
}

// A posting says which campaign is filed under a key, and what has to stand
// where. It is 16 bytes: four of them are a line of the cache.
type posting struct {
	text     uint32 // in texts; of ruleMany, in many
	campaign int32  // of ruleMany, how many there are
	length   uint16 // of the text
	at       uint16 // where in the text the gram is; of a pair, the length of the first text
	index    indexID
	tag      uint8 // a part of the key; of the first of a run in many, how many more it has
	check    byte  // of ruleHas, see checkOf; of ruleStarts, the last byte of the text
	rule     rule
}

// A rule says when what is probed has what the posting wants.
type rule uint8

const (
	ruleNone   rule = iota // an empty slot
	ruleMany               // several postings stand elsewhere
	ruleTest               // the table cannot tell
	ruleWhole              // it is the text
	rulePair               // the two texts are it
	ruleStarts             // it begins with the text
	ruleEnds               // it ends with the text
	ruleHas                // it has the text in it

	ruleExact rule = 1 << 7 // with one of the others: nothing else is asked for
)

var ruleOf = [...]rule{
	anchorEquals:   ruleWhole,
	anchorPrefix:   ruleStarts,
	anchorSuffix:   ruleEnds,
	anchorContains: ruleHas,
}

type indexID uint8

const (
	lastIndex = 1<<8 - 1
	maxFiled  = 1<<16 - 1 // the length of the longest text that a posting can hold
)

// checkOf is a sum of the ends of a text. What only looks like the text, having its
// gram, mostly differs at an end, and the sum tells without a look at the text, which
// is seldom in the cache. The text has four bytes at least.
func checkOf(text string) byte {
	return byte(mix(fourBytes(text)^fourBytes(text[len(text)-4:])<<32) >> 56)
}

// holds reports whether the posting's anchor holds for what is probed. A whole text may
// be filed among prefixes. One of another rule is there by chance, as its key has the same
// tag: a whole text may lack its last slash, so whether that has the other's text tells
// nothing.
func (t *anchorTable) holds(e *posting, p *probe) bool {
	if e.index != p.index {
		return false
	}
	switch r := e.rule &^ ruleExact; {
	case r == ruleTest:
		return true
	case r == ruleWhole && p.rule == ruleStarts:
		return p.second == t.textOf(e)
	case r != p.rule:
		return false
	}
	switch p.rule {
	case ruleWhole:
		return len(p.text) == int(e.length) && p.text == t.textOf(e)
	case rulePair:
		want := t.textOf(e)
		return p.text == want[:e.at] && p.second == want[e.at:]
	case ruleStarts:
		end := int(e.length)
		return end > 0 && end <= len(p.text) && p.text[end-1] == e.check && p.text[:end] == t.textOf(e)
	case ruleEnds:
		return strings.HasSuffix(p.text, t.textOf(e))
	}
	start := p.at - int(e.at)
	end := start + int(e.length)
	if start < 0 || end > len(p.text) || checkOf(p.text[start:end]) != e.check {
		return false
	}
	return p.text[start:end] == t.textOf(e)
}

func (t *anchorTable) textOf(e *posting) string { return t.texts[e.text:][:e.length] }

// mix spreads a number over 64 bits.
func mix(x uint64) uint64 {
	high, low := bits.Mul64(x, 0x9e3779b97f4a7c15)
	return high ^ low
}

// hashText hashes a text. maphash.String does it as well, and takes twice as long
// for texts as short as these.
func hashText(salt uint64, s string) uint64 {
	h := salt ^ uint64(len(s))
	switch {
	case len(s) >= 8:
		rest := s
		for ; len(rest) > 8; rest = rest[8:] {
			h = mix(h ^ eightBytes(rest))
		}
		return mix(h ^ eightBytes(s[len(s)-8:])) // some of them a second time
	case len(s) >= 4:
		return mix(h ^ fourBytes(s) ^ fourBytes(s[len(s)-4:])<<32)
	}
	return mix(h ^ restBytes(s)<<16)
}

// A keyFilter holds two bits of one word for each key. Loops use it where it is: there
// are too few registers for it and all else that they need.
type keyFilter struct {
	words []uint64
	mask  uint64 // of a key, to its word
}

func (f *keyFilter) has(key uint64) bool {
	i := key >> 12 & f.mask
	return i < uint64(len(f.words)) && withBits(f.words[i], key) == f.words[i]
}

// let puts a key into the filter.
func (t *anchorTable) let(key uint64) {
	i := key >> 12 & t.filter.mask
	t.filter.words[i] = withBits(t.filter.words[i], key)
}

// withBits sets the bits of a key, with an instruction for each: a number that has them
// would need a shift, which takes longer.
func withBits(word, key uint64) uint64 { return word | 1<<(key&63) | 1<<(key>>6&63) }

// home returns the slot where the search for a key begins.
func (t *anchorTable) home(key uint64) int {
	return int(uint64(uint32(key*0xd6e8feb86659fd93>>32)) * uint64(len(t.slots)) >> 32)
}

func tagOf(key uint64) uint8 { return uint8(key >> 56) }

// A tableBuilder collects the postings of an anchorTable.
type tableBuilder struct {
	keys     []uint64
	postings []posting
	gates    []uint64 // keys that are in the filter alone
	next     []int32  // the next posting with the same key, or -1
	texts    strings.Builder
}

// reserve makes room for n postings, so that it need not grow to that.
func (b *tableBuilder) reserve(n int) {
	b.keys, b.postings, b.gates = make([]uint64, 0, n), make([]posting, 0, n), make([]uint64, 0, n/2)
}

// text sets the text of a posting. One that is too long is left to the test.
func (b *tableBuilder) text(e *posting, text string) {
	if e.index == lastIndex {
		e.rule &^= ruleExact
	}
	if len(text) > maxFiled || uint64(b.texts.Len()+len(text)) > 1<<32-1 {
		e.rule = ruleTest
		return
	}
	e.text, e.length = uint32(b.texts.Len()), uint16(len(text))
	b.texts.WriteString(text)
}

func (b *tableBuilder) add(key uint64, e posting) {
	e.tag = tagOf(key)
	switch text := b.texts.String()[e.text:][:e.length]; e.rule &^ ruleExact {
	case ruleHas:
		e.check = checkOf(text)
	case ruleStarts:
		e.check = text[len(text)-1]
	}
	b.keys, b.postings = append(b.keys, key), append(b.postings, e)
}

// keysPerWord is how many keys may share a word of the filter. With so many, one key in a
// hundred passes that is not in the table.
const keysPerWord = 3

// newFilter makes room for n keys.
func (t *anchorTable) newFilter(n int) {
	log := 0
	for keysPerWord<<log < n {
		log++
	}
	t.filter = keyFilter{make([]uint64, 1<<log), 1<<log - 1}
}

func (b *tableBuilder) build() anchorTable {
	t := anchorTable{texts: b.texts.String()}
	groups := b.groups()
	t.newFilter(len(groups) + distinct(b.gates))
	t.slots = make([]posting, len(groups)*8/5+1)
	owners := make([]int32, len(t.slots)) // the group in each slot
	for n, g := range groups {
		key := b.keys[g.first]
		t.let(key)
		i := t.slotFor(key)
		if t.slots[i].rule == ruleNone {
			t.slots[i], owners[i] = b.postings[g.first], int32(n)
			continue
		}
		// Two keys that look the same from here share the slot: whoever looks
		// for one of them need not go on behind it.
		owner := &groups[owners[i]]
		owner.count += g.count
		owner.first = b.join(g.first, owner.first)
	}
	for i := range t.slots {
		slot := &t.slots[i]
		if slot.rule == ruleNone || groups[owners[i]].count == 1 {
			continue
		}
		g := groups[owners[i]]
		slot.rule, slot.text, slot.campaign = ruleMany, uint32(len(t.many)), g.count
		for i := g.first; i >= 0; i = b.next[i] {
			t.many = append(t.many, b.postings[i])
		}
		t.makeRuns(t.many[slot.text:])
	}
	for _, key := range b.gates {
		t.let(key)
	}
	t.many = slices.Clip(t.many)
	return t
}

// makeRuns puts postings that want the same side by side, with one text for all, so that
// it is compared once: many campaigns ask for one section, and what merely shares four
// bytes with it is looked at too.
func (t *anchorTable) makeRuns(many []posting) {
	slices.SortFunc(many, func(a, b posting) int { return t.compareWants(&a, &b) })
	first := 0 // of the run
	for i := range many {
		if t.compareWants(&many[first], &many[i]) != 0 || i-first > math.MaxUint8 {
			first = i
		}
		many[i].text = many[first].text
		many[first].tag = uint8(i - first)
	}
}

// compareWants orders postings by what they want.
func (t *anchorTable) compareWants(a, b *posting) int {
	return cmp.Or(
		cmp.Compare(a.index, b.index), cmp.Compare(a.rule&^ruleExact, b.rule&^ruleExact), cmp.Compare(a.at, b.at),
		strings.Compare(t.textOf(a), t.textOf(b)),
	)
}

// distinct returns how many different keys there are, roughly: many texts share a gate.
func distinct(keys []uint64) (n int) {
	log := 6
	for 1<<log < 4*len(keys) {
		log++
	}
	seen := make([]uint64, 1<<log/64)
	for _, key := range keys {
		place := key >> (64 - log)
		if seen[place/64]>>(place%64)&1 == 0 {
			seen[place/64] |= 1 << (place % 64)
			n++
		}
	}
	return n
}

// join puts one list of postings before another.
func (b *tableBuilder) join(list, other int32) int32 {
	last := list
	for b.next[last] >= 0 {
		last = b.next[last]
	}
	b.next[last] = other
	return list
}

// slotFor returns the slot for a key: the first on the way from its home that is
// empty or has its tag.
func (t *anchorTable) slotFor(key uint64) int {
	tag := tagOf(key)
	for i := t.home(key); ; i++ {
		if i == len(t.slots) {
			i = 0
		}
		if t.slots[i].rule == ruleNone || t.slots[i].tag == tag {
			return i
		}
	}
}

// A group is the postings of one key.
type group struct {
	first int32 // the others follow in next
	count int32
}

// groups puts postings with the same key together. A sort would take longer than
// all the rest of the index.
func (b *tableBuilder) groups() []group {
	groups := make([]group, 0, len(b.keys))
	size := 8
	for size < 2*len(b.keys) {
		size *= 2
	}
	table := make([]int32, size) // one more than an index into groups
	b.next = make([]int32, len(b.keys))
	for i, key := range b.keys {
		b.next[i] = -1
		at := int(key>>20) & (size - 1)
		for table[at] != 0 && b.keys[groups[table[at]-1].first] != key {
			at = (at + 1) & (size - 1)
		}
		if table[at] == 0 {
			groups = append(groups, group{int32(i), 1})
			table[at] = int32(len(groups))
			continue
		}
		g := &groups[table[at]-1]
		b.next[i], g.first = g.first, int32(i)
		g.count++
	}
	return groups
}

// A gramShape is how texts are cut into grams, pieces of a few bytes. Of the
// text of a visit only every stride-th gram is looked up. A text that may stand
// anywhere is therefore filed under stride grams, at places in it that leave
// each remainder when divided by the stride: one of them at least is looked at.
type gramShape struct {
	size   int // of a gram, in bytes: 4 or 8
	stride int
}

// gramShapes are the shapes in use, the most selective first. Many texts share
// four bytes ("sale", "-100"), and all that do are looked at when one is seen;
// eight in a row are rarely shared.
var gramShapes = [...]gramShape{{8, 4}, {4, 4}, {4, 1}}

// minText is the length of the shortest text that has the grams wherever it
// stands.
func (g gramShape) minText() int { return g.size + g.stride - 1 }

// shortestText is the length of the shortest text that can be found anywhere.
var shortestText = gramShapes[len(gramShapes)-1].minText()

// A gram of eight bytes is only a gate: many texts have "-sneaker". Behind it a
// text is filed under the gram with the four bytes before it or with the three behind,
// whichever fewer texts have, or under the gram alone if it has neither. Three, because
// four are often not there: behind "sneaker-", "/sneaker-123" has three.

func aloneKey(gram uint64) uint64 { return mix(gram + 1) }

func beforeKey(gram uint64, before string) uint64 { return mix(gram ^ fourBytes(before)) }

func behindKey(gram uint64, behind string) uint64 {
	_ = behind[2]
	return mix(^gram ^ uint64(behind[0]) ^ uint64(behind[1])<<8 ^ uint64(behind[2])<<16)
}

// aroundKeys appends the keys that a text with the gram at i may be filed under.
func aroundKeys(keys []uint64, gram uint64, s string, i int) []uint64 {
	if i >= 4 {
		keys = append(keys, beforeKey(gram, s[i-4:]))
	}
	if i+11 <= len(s) {
		keys = append(keys, behindKey(gram, s[i+8:]))
	}
	if len(keys) == 0 {
		keys = append(keys, aloneKey(gram))
	}
	return keys
}

// key is the key of the gram at i.
func (g gramShape) key(salt uint64, s string, i int) uint64 {
	if g.size == 8 {
		return mix(eightBytes(s[i:i+8]) ^ salt)
	}
	return mix(fourBytes(s[i:i+4]) ^ salt)
}

// headStep is the step in the lengths of heads, the pieces that a text begins
// with. The hash of a head is made from that of the one before, so looking up
// all heads of a text is one walk over it, however many prefixes there are. A
// prefix is filed under its longest head. Where that is the head of more than
// fewPerHead, as of "/p-1000" to "/p-1999", the head is only a gate, a key in the
// filter: behind it, the prefixes that go on for less than a step are looked up by
// the hash of their whole text. Tails are the same from the end.
//
// Whole texts are filed under heads, too, where there are prefixes, but for those of which
// more than fewWholesPerHead have the same: for one of these alone, each visit has its whole
// text looked up.
const (
	headStep         = 4
	fewPerHead       = 3
	fewWholesPerHead = 16
)

// nextHead returns the key of the head that ends with step, after last.
func nextHead(last, step uint64) uint64 { return mix(last ^ step) }

// afterHead returns the key of a text from that of its longest head and the n bytes
// of the rest, which are less than a step.
func afterHead(head, rest uint64, n int) uint64 { return mix(head ^ rest ^ uint64(n+1)<<32) }

// firstBytes has the bits of none to most of the bytes that restBytes returns.
var firstBytes = [headStep]uint64{0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1}

// crowdedKey returns the key that is in the filter if a head is a gate.
func crowdedKey(head uint64) uint64 { return mix(head + 1) }

// firstTail returns the key that is in the filter if a text is filed under a tail that
// begins with this first one. Most visits end in none, as ".htm" or "-100", and have no
// longer ones looked up. Heads have no such key: what most visits begin with is known.
func firstTail(tail uint64) uint64 { return mix(tail + 4) }

// headKey returns the key of the longest head of text, and that of the whole.
func headKey(salt uint64, text string) (head, whole uint64) {
	for head = salt; len(text) >= headStep; text = text[headStep:] {
		head = nextHead(head, fourBytes(text))
	}
	return head, afterHead(head, restBytes(text), len(text))
}

// tailKey returns the key of the longest tail of text, and that of the whole.
func tailKey(salt uint64, text string) (tail, whole uint64) {
	for tail = ^salt; len(text) >= headStep; text = text[:len(text)-headStep] {
		tail = nextHead(tail, fourBytesBack(text))
	}
	return tail, afterHead(tail, restBytesBack(text), len(text))
}

// restBytes returns a text of less than four bytes as fourBytes does one of four.
func restBytes(s string) uint64 {
	var x uint64
	for i := range len(s) {
		x |= uint64(s[i]) << (8 * i)
	}
	return x
}

// fourBytesBack returns the last four bytes of a text, the last one first.
func fourBytesBack(s string) uint64 {
	return uint64(bits.ReverseBytes32(uint32(fourBytes(s[len(s)-headStep:]))))
}

// restBytesBack returns a text of less than four bytes as fourBytesBack does one of
// four.
func restBytesBack(s string) uint64 {
	var x uint64
	for i := range len(s) {
		x = x<<8 | uint64(s[i])
	}
	return x
}

func fourBytes(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

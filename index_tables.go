package campaign

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
)

// The tables of the index. All are flat arrays without pointers between
// entries: what decides their speed is how much of them fits into the cache.

// postings says which campaigns are filed under a key: one campaign directly,
// or, if negative, the complement of an offset into postingLists.
type postings int32

// postingLists holds lists of campaigns, each with its length in front.
type postingLists []int32

func (p *postingLists) add(campaigns []int32) postings {
	if len(campaigns) == 1 {
		return postings(campaigns[0])
	}
	offset := len(*p)
	*p = append(*p, int32(len(campaigns)))
	*p = append(*p, campaigns...)
	return postings(^int32(offset))
}

// A hashTable finds postings by a hash, by open addressing. Two keys with one
// hash share their postings: whatever is found is tested in full anyway.
type hashTable struct {
	slots []hashSlot
	mask  uint32
}

type hashSlot struct {
	hash  uint32 // never 0; 0 is an empty slot
	found postings
}

func newHashTable(entries map[uint32][]int32, lists *postingLists) hashTable {
	if len(entries) == 0 {
		return hashTable{}
	}
	size := 8
	for size < 2*len(entries) {
		size *= 2
	}
	t := hashTable{slots: make([]hashSlot, size), mask: uint32(size - 1)}
	for _, hash := range sortedKeys(entries) {
		i := hash & t.mask
		for t.slots[i].hash != 0 {
			i = (i + 1) & t.mask
		}
		t.slots[i] = hashSlot{hash, lists.add(entries[hash])}
	}
	return t
}

// sortedKeys makes what is built the same from run to run.
func sortedKeys[V any](m map[uint32]V) []uint32 {
	keys := make([]uint32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (t *hashTable) find(hash uint32) (postings, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		switch slot := t.slots[i&uint32(len(t.slots)-1)]; slot.hash {
		case hash:
			return slot.found, true
		case 0:
			return 0, false
		}
	}
}

// hashText hashes a text to what hashTable takes.
func hashText(seed maphash.Seed, s string) uint32 {
	return foldHash(maphash.String(seed, s))
}

func foldHash(h uint64) uint32 { return uint32(h^h>>32) | 1 }

// A trie finds all prefixes of a text, or all suffixes if it reads backwards.
// It is a radix trie: nodes of which the children lie side by side, with their
// first bytes in an array of their own.
type trie struct {
	nodes     []trieNode
	firsts    []byte // of each node's label, at the node's index
	labels    string
	backwards bool
}

type trieNode struct {
	label    uint32 // in labels
	length   uint16 // of the label
	children uint16
	first    uint32 // index of the first child
	found    postings
	ends     bool // a key ends here, and found is set
}

// newTrie builds a trie from keys, which for suffixes are written backwards.
func newTrie(keys map[string][]int32, backwards bool, lists *postingLists) trie {
	t := trie{backwards: backwards}
	if len(keys) == 0 {
		return t
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	b := trieBuilder{trie: &t, keys: keys, lists: lists}
	t.nodes, t.firsts = append(t.nodes, trieNode{}), append(t.firsts, 0)
	b.fill(0, sorted, 0)
	t.labels = b.labels.String()
	return t
}

type trieBuilder struct {
	trie   *trie
	keys   map[string][]int32
	lists  *postingLists
	labels strings.Builder
}

// fill makes the children of a node from the keys below it, which share their
// first depth bytes.
func (b *trieBuilder) fill(node int, keys []string, depth int) {
	if len(keys[0]) == depth {
		b.trie.nodes[node].found = b.lists.add(b.keys[keys[0]])
		b.trie.nodes[node].ends = true
		keys = keys[1:]
	}
	var groups [][]string
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && keys[n][depth] == keys[0][depth] {
			n++
		}
		groups = append(groups, keys[:n])
		keys = keys[n:]
	}
	first := len(b.trie.nodes)
	b.trie.nodes[node].first = uint32(first)
	b.trie.nodes[node].children = uint16(len(groups))
	for _, group := range groups {
		label := min(commonPrefix(group[0], group[len(group)-1])-depth, maxLabel)
		b.trie.nodes = append(b.trie.nodes, trieNode{label: uint32(b.labels.Len()), length: uint16(label)})
		b.trie.firsts = append(b.trie.firsts, group[0][depth])
		b.labels.WriteString(group[0][depth : depth+label])
	}
	for i, group := range groups {
		b.fill(first+i, group, depth+int(b.trie.nodes[first+i].length))
	}
}

const maxLabel = 1<<16 - 1

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// step returns the child of node that the rest of the text leads to.
func (t *trie) step(node *trieNode, rest string) (child *trieNode, length int) {
	n := int(node.children)
	if n == 0 || rest == "" {
		return nil, 0
	}
	next := rest[0]
	if t.backwards {
		next = rest[len(rest)-1]
	}
	i := 0
	firsts := t.firsts[node.first : int(node.first)+n]
	for ; i < n && firsts[i] != next; i++ {
	}
	if i == n {
		return nil, 0
	}
	child = &t.nodes[int(node.first)+i]
	length = int(child.length)
	if length > len(rest) {
		return nil, 0
	}
	label := t.labels[child.label : child.label+uint32(length)]
	if t.backwards {
		for j := range length {
			if label[j] != rest[len(rest)-1-j] {
				return nil, 0
			}
		}
		return child, length
	}
	if rest[:length] != label {
		return nil, 0
	}
	return child, length
}

// A gramFilter finds which of many texts may be contained in another. Each is
// filed under grams, its pieces of a few bytes. Of the other text only every
// stride-th gram is looked up, so each text is filed under stride grams that
// follow each other: one of them is at a place that is looked at. The look-ups
// do not depend on each other, unlike the steps of an automaton, so the
// processor makes several at once.
type gramFilter struct {
	gramShape
	bits    []uint64 // a Bloom filter with one hash: most grams end here
	shift   uint8
	table   hashTable   // a gram's hash to the first of its entries
	entries []gramEntry // those of one gram side by side
	texts   string      // all texts, one after the other
}

// A gramEntry says which text a gram belongs to, so that the text is compared
// where it would have to stand, before a campaign is touched that is
// probably not in the cache.
type gramEntry struct {
	campaign int32
	text     uint32 // in texts
	length   uint16 // of the text, or as much as fits
	at       uint16 // where in the text the gram stands
	last     bool   // of its gram
}

// A gramShape is how a filter cuts texts into pieces.
type gramShape struct {
	size   int // of a gram, in bytes: 4 or 8
	stride int
}

// gramShapes are the shapes in use, the most selective first. Many texts share
// four bytes ("sale", "-100"), and all that do are tested when one is seen;
// eight in a row are rarely shared.
var gramShapes = [...]gramShape{{8, 4}, {4, 4}, {4, 1}}

// minText is the length of the shortest text that a filter of the shape can hold.
func (g gramShape) minText() int { return g.size + g.stride - 1 }

// shortestText is the shortest that any filter can hold.
var shortestText = gramShapes[len(gramShapes)-1].minText()

// hash hashes the gram at i. It is never 0.
func (g gramShape) hash(s string, i int) uint32 {
	if g.size == 8 {
		return uint32(binary.LittleEndian.Uint64([]byte(s[i:i+8]))*0x9e3779b97f4a7c15>>32) | 1
	}
	return binary.LittleEndian.Uint32([]byte(s[i:i+4]))*0x9e3779b1 | 1
}

// newGramFilter files each text under the run of grams that the fewest texts
// have.
func newGramFilter(texts map[string][]int32, shape gramShape) gramFilter {
	f := gramFilter{gramShape: shape}
	if len(texts) == 0 {
		return f
	}
	common := make(map[uint32]int)
	sorted := make([]string, 0, len(texts))
	for s := range texts {
		sorted = append(sorted, s)
		for i := 0; i+f.size <= len(s); i++ {
			common[f.hash(s, i)]++
		}
	}
	slices.Sort(sorted)
	entries := make(map[uint32][]gramEntry)
	var all strings.Builder
	for _, s := range sorted {
		start := f.rarestRun(s, common)
		for i := start; i < start+f.stride; i++ {
			hash := f.hash(s, i)
			for _, c := range texts[s] {
				entries[hash] = append(entries[hash], gramEntry{
					campaign: c,
					text:     uint32(all.Len()),
					length:   uint16(min(len(s), maxLabel)),
					at:       uint16(i),
				})
			}
		}
		all.WriteString(s)
	}
	f.texts = all.String()
	f.fill(entries)
	log := 9
	for 1<<log < 16*len(entries) && log < 18 {
		log++
	}
	f.bits, f.shift = make([]uint64, 1<<log/64), uint8(32-log)
	for hash := range entries {
		f.bits[(hash>>f.shift)/64] |= 1 << (hash >> f.shift % 64)
	}
	return f
}

// fill lays the entries of each gram side by side and files the first.
func (f *gramFilter) fill(entries map[uint32][]gramEntry) {
	firsts := make(map[uint32][]int32, len(entries))
	for _, hash := range sortedKeys(entries) {
		list := entries[hash]
		list[len(list)-1].last = true
		firsts[hash] = []int32{int32(len(f.entries))}
		f.entries = append(f.entries, list...)
	}
	f.entries = slices.Clip(f.entries)
	f.table = newHashTable(firsts, nil)
}

// holds reports whether the entry's text stands in s, with its gram at i.
func (f *gramFilter) holds(e *gramEntry, s string, i int) bool {
	start := i - int(e.at)
	end := start + int(e.length)
	return start >= 0 && end <= len(s) && s[start:end] == f.texts[e.text:e.text+uint32(e.length)]
}

// rarestRun returns where the run of stride grams begins that are least common.
func (g gramShape) rarestRun(s string, common map[uint32]int) int {
	best, bestCost := 0, -1
	for start := 0; start+g.minText() <= min(len(s), maxLabel); start++ {
		cost := 0
		for i := range g.stride {
			cost += common[g.hash(s, start+i)]
		}
		if bestCost < 0 || cost < bestCost {
			best, bestCost = start, cost
		}
	}
	return best
}

// next returns the first place from i on whose gram may be filed, and the
// gram's hash. i is a multiple of the stride. It returns false at the end.
func (f *gramFilter) next(s string, i int) (at int, hash uint32, ok bool) {
	bits, shift := f.bits, f.shift&31
	for ; i+f.size <= len(s); i += f.stride {
		hash := f.hash(s, i)
		bit := hash >> shift
		if bits[int(bit/64)&(len(bits)-1)]&(1<<(bit%64)) != 0 {
			return i, hash, true
		}
	}
	return i, 0, false
}

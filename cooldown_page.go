package campaign

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// linesPerBlock is the size of a block: 32 KiB. The collector looks at each
	// block once and never into it: with a quarter of that, it takes four times
	// as long. With twice that, a page would take more than a millisecond to
	// grow.
	lineBits      = 9
	linesPerBlock = 1 << lineBits

	// A page has six blocks at most. What would get a seventh becomes two pages
	// of four. With seven there would be 2 percent less memory, but entries
	// would be looked at half as often again while a table grows.
	maxBlocks   = 6
	splitBlocks = 4

	// fullBlock and emptyBlock are how many entries a block has on average when
	// a page grows and when it shrinks. 2016 of 2560 are 16.3 bytes for each
	// entry; the distance keeps a page from going to and fro. With 2256 it would
	// be 10 percent less, but more of the entries would be in their other line,
	// or have to move to it.
	fullBlock  = 2016
	emptyBlock = 1600

	// fullSpread is by how much the pages differ in that, up and down. All have
	// nearly the same number of entries, and would all grow at once: among ten
	// million, 400,000 new profiles would find 1,000 pages growing.
	fullSpread = 224

	// A page without a block keeps its entries in the side map.
	fullSide  = 16
	emptySide = 4

	// The work of one Enter: so many pairs of lines are searched for expired
	// entries, and whenever all of a page have been, so many entries of its side
	// map for each block. That is more than come meanwhile, as where no slot keeps
	// the ends, in a simulated year 2500, as many have to go there as come. A page
	// without a block has no lines to search before: each Enter looks at a few.
	leastSweep = 1
	maxSweep   = 4
	sideSweep  = linesPerBlock * 5 / 8
	fewSweep   = 16
)

type block [linesPerBlock]line

// A page is a part of a table with a lock of its own: some thousand to 13,440
// entries, those whose paths end with the same bits.
//
// It grows by one block at a time, to which the entries move whose path says
// so. A seventh block makes it two pages of four blocks each, in which they are
// at home. So no Enter moves more than a page, and there is never an old table
// beside a new one: a table that doubles needs three times its memory for a
// moment, and leaves the garbage collector two thirds of it. To add a single
// line at a time, as linear hashing does (Litwin 1980), moves less at once, but
// to places that are far from each other.
//
// Blocks fill unevenly. Each entry therefore has two lines of its block to be
// in, of which the first is preferred, and may be moved to the other one to
// make room. Both are asked for at once: to wait for the first before that would
// take twice as long whenever the second has it. What finds no room even so is
// kept in the side map: about one in 50,000.
type page struct {
	// Readers need this cache line only.
	shape  atomic.Uint64 // see shapeOf
	blocks [maxBlocks]atomic.Pointer[block]
	_      uint64

	mu      sync.Mutex
	side    map[fingerprint]int64 // also ends that no slot can keep: before 1970 and after 2109
	oldest  int64                 // no entry ends before it
	seen    int64                 // will be oldest, when all lines have been searched
	index   uint32                // the bits of path of all entries
	slots   uint32                // slots in use
	most    uint32                // how many the side map has had
	cursor  uint32                // the next line to search for expired entries
	entered uint32                // how many cooldowns began here
	floor   uint8                 // how many blocks stay, until the page is split
	gone    bool                  // the campaign was reset
}

// A shape is the number of blocks of a page, in 3 bits, and the bits of path that
// choose the page.
func shapeOf(depth, size uint64) uint64 { return depth<<depthShift | size }

const (
	depthShift = 3
	sizeMask   = 1<<depthShift - 1
)

func newPage(index uint64, depth, size, floor uint64) *page {
	p := &page{index: uint32(index), oldest: endOfTimeMilli, seen: endOfTimeMilli, floor: uint8(floor)}
	p.shape.Store(shapeOf(depth, size))
	return p
}

// An entry is a cooldown outside of its slot.
type entry struct {
	fingerprint
	end int64 // Unix milliseconds
}

// blockOf returns the block of an entry, in a page of this shape. A page without
// blocks has none at 0 either.
func blockOf(f fingerprint, shape uint64) uint64 {
	return uint64(homes[shape&sizeMask][f.path()>>(shape>>depthShift&63)&pathMask<<spreadBits|f.spread()])
}

// homes has the block of an entry by the number of blocks, and by the bits of path
// behind those that choose the page, and some bits more. The path alone names the
// block, as it will name the page when there are more of them. If the page does
// not have that block yet, the other bits spread such entries, so that all blocks
// have as many.
//
// With one block more, entries move to it from all others, and hardly any between
// those that readers see, which takes three times as long: 7 or 8 percent do with
// the third, the fifth, and the sixth block. If a hash was multiplied by the
// number of blocks instead, most would.
var homes = func() (homes [sizeMask + 1][(pathMask + 1) << spreadBits]uint8) {
	for size := 2; size <= maxBlocks; size++ {
		var has [maxBlocks]int
		was, is, mask := &homes[size-1], &homes[size], 1<<bits.Len(uint(size-1))-1
		for i := range is {
			is[i] = was[i]
			if named := i >> spreadBits & mask; named < size {
				is[i] = uint8(named)
			}
			has[is[i]]++
		}
		for i := range is {
			i = i&pathMask<<spreadBits | i/(pathMask+1) // each path by turns
			named := i >> spreadBits & mask
			least := slices.Index(has[:size], slices.Min(has[:size]))
			if named >= size && has[is[i]] > has[least]+1 {
				has[is[i]]--
				has[least]++
				is[i] = uint8(least)
			}
		}
	}
	return homes
}()

// block returns the block of an entry, or nil.
//
// It may be one that the entry has just left, or that the page has just given
// away. Who looks there without a lock finds nothing, or what was true when they
// began: a key says more than which page it is in.
func (p *page) block(f fingerprint) *block { return p.blocks[blockOf(f, p.shape.Load())].Load() }

// lines returns the first and the other line of an entry.
func (b *block) lines(f fingerprint) (home, other *line) {
	i := f.line() % linesPerBlock
	return &b[i], &b[(i^f.other())%linesPerBlock]
}

// All methods below need the lock.

func (p *page) size() uint64  { return p.shape.Load() & sizeMask }
func (p *page) depth() uint64 { return p.shape.Load() >> depthShift }
func (p *page) count() int    { return int(p.slots) + len(p.side) }

// full returns how many entries the page has when it grows.
func (p *page) full() int {
	size := p.size()
	if size == 0 {
		return fullSide
	}
	scattered := p.index * 0x9e3779b1 >> 16
	return int(size) * (fullBlock - fullSpread + int(scattered%(2*fullSpread)))
}

// all returns what is kept.
func (p *page) all() iter.Seq2[fingerprint, int64] {
	return func(yield func(fingerprint, int64) bool) {
		for n := range p.size() {
			b := p.blocks[n].Load()
			if b == nil {
				continue
			}
			for i := range b {
				for slot, word := range b[i].words[:] {
					if word != 0 && !yield(p.fingerprint(i, word), b[i].end(slot)) {
						return
					}
				}
			}
		}
		for f, end := range p.side {
			if !yield(f, end) {
				return
			}
		}
	}
}

// fingerprint returns that of an entry in a slot.
func (p *page) fingerprint(line int, word uint64) fingerprint {
	return fingerprintOf(word>>keyShift, uint64(p.index), uint64(line), word&homeBit != 0)
}

// A slotOf is where an entry is: a slot of a line, in the side map, or nowhere.
type slotOf struct {
	*line
	slot int
	end  int64 // noEnd: nowhere
}

// find returns where an entry is.
func (p *page) find(f fingerprint) slotOf {
	if b := p.block(f); b != nil {
		l, other := b.lines(f)
		set := l.find(f.slotWord())
		if set == 0 {
			l = other
			set = l.find(f.slotWord() | homeBit)
		}
		if set != 0 {
			slot := bits.TrailingZeros64(set)
			return slotOf{l, slot, l.end(slot)}
		}
	}
	if len(p.side) > 0 {
		if end, ok := p.side[f]; ok {
			return slotOf{end: end}
		}
	}
	return slotOf{end: noEnd}
}

// end returns the end that is kept, or noEnd.
func (p *page) end(f fingerprint) int64 { return p.find(f).end }

// set keeps an end in place of any other. Room is made where a cooldown ended
// before the horizon.
func (p *page) set(f fingerprint, end, horizon int64) { p.replace(p.find(f), f, end, horizon) }

// replace is set for a caller that knows where the entry is.
func (p *page) replace(at slotOf, f fingerprint, end, horizon int64) {
	switch {
	case at.end == noEnd:
	case at.line != nil:
		at.clear(1 << at.slot)
		p.slots--
	default:
		if _, fits := encodeEnd(end); !fits || p.size() == 0 {
			p.aside(f, end)
			return
		}
		delete(p.side, f)
	}
	p.add(f, end, horizon)
}

// add keeps the end of an entry that is not there.
func (p *page) add(f fingerprint, end, horizon int64) {
	if code, fits := encodeEnd(end); fits && p.place(f, code, horizon) {
		p.note(end)
		return
	}
	p.aside(f, end)
}

// aside puts an entry in the side map.
func (p *page) aside(f fingerprint, end int64) {
	p.note(end)
	if p.side == nil {
		p.side = make(map[fingerprint]int64)
	}
	p.side[f] = end
	p.most = max(p.most, uint32(len(p.side)))
}

// note keeps what is known of the ends, when one comes to the page or moves in
// it.
func (p *page) note(end int64) {
	p.oldest = min(p.oldest, end)
	p.seen = min(p.seen, end)
}

// remove forgets an entry.
func (p *page) remove(f fingerprint) {
	if at := p.find(f); at.line != nil {
		at.clear(1 << at.slot)
		p.slots--
	}
	delete(p.side, f)
}

// place puts a new entry in one of its two lines. It returns false if they are
// full of running cooldowns and none of those can move.
func (p *page) place(f fingerprint, code uint64, horizon int64) bool {
	if p.size() == 0 {
		return false
	}
	n := blockOf(f, p.shape.Load())
	b := p.blocks[n].Load()
	if b == nil {
		b = new(block)
		p.blocks[n].Store(b)
	}
	home, other := f.line()%linesPerBlock, (f.line()^f.other())%linesPerBlock
	key, i := f.key()<<1, home
	slot := p.vacate(&b[home], horizon)
	if slot < 0 {
		key, i = key|1, other
		slot = p.vacate(&b[other], horizon)
	}
	if slot < 0 {
		key, i = key&^1, home
		slot = p.displace(b, home, horizon)
	}
	if slot < 0 {
		key, i = key|1, other
		slot = p.displace(b, other, horizon)
	}
	if slot < 0 {
		return false
	}
	b[i].put(slot, key, code)
	p.slots++
	return true
}

// vacate returns a slot that is free, or freed because its cooldown has
// expired, or -1.
func (p *page) vacate(l *line, horizon int64) int {
	if i := l.free(); i >= 0 {
		return i
	}
	if p.oldest >= horizon {
		return -1 // nothing has expired
	}
	i := l.expired(horizon)
	if i >= 0 {
		l.clear(1 << i)
		p.slots--
	}
	return i
}

// displace moves one entry of a full line to its other line, and returns the
// slot that it leaves, or -1. For a moment the entry is in both, so that no
// reader misses it.
func (p *page) displace(b *block, i uint64, horizon int64) int {
	from := &b[i]
	for slot, word := range from.words[:] {
		to := &b[i^otherLine(word>>keyShift)]
		if at := p.vacate(to, horizon); at >= 0 {
			end := from.end(slot)
			code, _ := encodeEnd(end)
			p.note(end) // its line may be searched already
			to.put(at, word>>homeShift^1, code)
			from.clear(1 << slot)
			return slot
		}
	}
	return -1
}

// sweep frees the expired slots of the next pairs of lines, the least number or,
// as long as there are many of them, the most: a peak that is over goes faster
// than a stream that flows.
func (p *page) sweep(horizon int64, least, most int) {
	if p.oldest >= horizon {
		return
	}
	for n := range most {
		freed := 0
		if uint64(p.cursor) >= p.size()*linesPerBlock {
			p.cursor, p.oldest, p.seen = 0, p.seen, endOfTimeMilli
			freed = p.sweepSide(horizon)
			if p.size() == 0 {
				least = 0 // there are no lines to get to
			}
		}
		if b := p.blocks[min(p.cursor/linesPerBlock, maxBlocks-1)].Load(); b != nil {
			i := p.cursor % linesPerBlock
			freed += p.sweepLine(&b[i], horizon) + p.sweepLine(&b[i+1], horizon)
		}
		p.cursor += 2
		if freed < 3 && n+1 >= least {
			return
		}
	}
}

func (p *page) sweepLine(l *line, horizon int64) (freed int) {
	var set uint
	for slot, word := range l.words[:] {
		if word == 0 {
			continue
		}
		if end := l.end(slot); end < horizon {
			set |= 1 << slot
		} else {
			p.seen = min(p.seen, end)
		}
	}
	l.clear(set)
	freed = bits.OnesCount(set)
	p.slots -= uint32(freed)
	return freed
}

// sweepSide forgets some of what has expired in the side map.
func (p *page) sweepSide(horizon int64) (freed int) {
	looked, most := 0, sideSweep*int(p.size())
	if most == 0 {
		most = fewSweep
	}
	for f, end := range p.side {
		if looked++; looked > most {
			p.seen = min(p.seen, horizon-1) // come back
			break
		}
		if end < horizon {
			delete(p.side, f)
			freed++
			continue
		}
		p.seen = min(p.seen, end)
	}
	// A map that has been large stays so.
	if n := uint32(len(p.side)); n < p.most/4 {
		side := make(map[fingerprint]int64, n)
		maps.Copy(side, p.side)
		p.side, p.most = side, n
	}
	if len(p.side) == 0 {
		p.side = nil
	}
	return freed
}

// resize adds a block or removes the last one. Readers that miss an entry on
// its way wait for the lock.
func (p *page) resize(size uint64, horizon int64) {
	was := p.size()
	p.shape.Store(shapeOf(p.depth(), size))
	if size > was {
		fresh := new(block)
		for n := range was {
			p.settle(p.blocks[n].Load(), p, n, p, fresh, fresh, horizon)
		}
		p.blocks[was].Store(fresh)
	} else {
		dropped := p.blocks[size].Swap(nil)
		p.seen, p.cursor = min(p.seen, p.oldest), 0
		for n := range size {
			p.settle(p.blocks[n].Load(), p, n, p, nil, nil, horizon)
		}
		p.settle(dropped, p, maxBlocks, p, nil, nil, horizon)
	}
	p.settleSide(horizon)
}

// settle moves what is in a block, which is block n of its page, to where it
// belongs. The entries are p's or, if their next bit of path is 1, q's; both
// may be the same. Their last blocks are fresh and not yet to be seen, or nil.
func (p *page) settle(b *block, of *page, n uint64, q *page, freshP, freshQ *block, horizon int64) {
	if b == nil {
		return
	}
	depth, size := p.depth(), p.size()
	home, shift := &homes[size&sizeMask], depth-pageBits
	for i := range b {
		l := &b[i]
		var set uint
		for slot, word := range l.words[:] {
			if word == 0 {
				continue
			}
			// This is blockOf, without what is the same for all.
			path := word >> keyShift >> shift
			at := uint64(home[path&pathMask<<spreadBits|word>>(keyShift+spreadShift)&spreadMask])
			to, fresh := p, freshP
			if p != q && word>>keyShift>>(shift-1)&1 != 0 {
				to, fresh = q, freshQ
			}
			if at == n && to == of {
				continue
			}
			set |= 1 << slot
			end := l.end(slot)
			if end < horizon {
				continue
			}
			into := fresh
			if fresh == nil || at != size-1 {
				into = to.blocks[at%maxBlocks].Load()
			}
			switch {
			case into != nil && to.move(into, into == fresh, uint64(i), word, end):
			case into != nil && into == fresh:
				to.aside(p.fingerprint(i, word), end) // for settleSide
			default:
				// What has expired stays, or it would be counted twice.
				to.add(p.fingerprint(i, word), end, noEnd)
			}
		}
		l.clear(set)
		of.slots -= uint32(bits.OnesCount(set))
	}
}

// move puts an entry that comes from line i of another block where there is
// room without further ado: in its first line, or in the other.
func (p *page) move(b *block, fresh bool, i, word uint64, end int64) bool {
	other := otherLine(word >> keyShift)
	key := word >> homeShift &^ 1
	i ^= other & -(word >> homeShift & 1)
	slot := b[i&(linesPerBlock-1)].free()
	if slot < 0 {
		i, key = i^other, key|1
		if slot = b[i&(linesPerBlock-1)].free(); slot < 0 {
			return false
		}
	}
	p.note(end)
	code, _ := encodeEnd(end)
	if fresh {
		b[i&(linesPerBlock-1)].fill(slot, key, code)
	} else {
		b[i&(linesPerBlock-1)].put(slot, key, code)
	}
	p.slots++
	return true
}

// settleSide tries to find room for what is in the side map.
func (p *page) settleSide(horizon int64) {
	looked := 0
	for f, end := range p.side {
		if looked++; looked > fullBlock {
			break // it has too many that no slot can keep
		}
		code, fits := encodeEnd(end)
		if end < horizon || fits && p.place(f, code, horizon) {
			delete(p.side, f)
		}
	}
	if len(p.side) == 0 {
		p.side = nil
	}
}

// recount counts the slots in use.
func (p *page) recount() {
	p.slots = 0
	for n := range p.blocks {
		if b := p.blocks[n].Load(); b != nil {
			for i := range b {
				for _, word := range b[i].words[:] {
					if word != 0 {
						p.slots++
					}
				}
			}
		}
	}
}

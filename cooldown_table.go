package campaign

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
)

// A table keeps the cooldowns of one campaign in pages, which it finds by the
// lowest bits of an entry's path (extendible hashing, Fagin 1979).
//
// One table for all campaigns, by a hash of campaign and profile, would save
// the step from the campaign's ID to its table, but a slot could not tell whose
// it is: Reset would have to keep what it should remove until it ends, which is
// never for [Never], and Forget and Merge would need to be told the campaigns.
// With a table for each there is also nothing to confuse in joining two IDs.
type table struct {
	campaign string
	place    int // in the list of the generation, guarded by its mu

	// pages has the pages by the lowest bits of path: as many as the deepest
	// page needs, so that the others are in it more than once. A reader may
	// hold a list that has been replaced. The pages in it were right when the
	// reader began.
	pages atomic.Pointer[[]atomic.Pointer[page]]
	walks atomic.Int32 // how many go through all pages

	// mu guards the making of lists. It is taken after the lock of a page.
	mu       sync.Mutex
	distinct int    // how many pages there are
	least    uint64 // how many bits of path the pages have at least, when there are many
}

const (
	// A table is one page without a block until it has so many entries: with
	// 10,000 campaigns of a few profiles each, small ones have to be small.
	// Then it has one page at least for each value of the bits of path that the
	// slots do not keep.
	fewEntries = 2048

	// maxPageBits is how many bits of path choose a page at most: so many pages of
	// four blocks are 128 TiB, and the bits are well below those used otherwise.
	maxPageBits = 30
)

func newTable(campaign string) *table {
	t := &table{campaign: campaign, distinct: 1, least: pageBits}
	pages := make([]atomic.Pointer[page], 1)
	pages[0].Store(newPage(0, 0, 0, 0))
	t.pages.Store(&pages)
	return t
}

// page returns the page to which a path leads.
func (t *table) page(path uint64) *page {
	pages := *t.pages.Load()
	return pages[path&uint64(len(pages)-1)].Load()
}

// lock returns the page to which a path leads, locked, or nil if the table is
// gone.
func (t *table) lock(path uint64) *page {
	for {
		p := t.page(path)
		p.mu.Lock()
		if !p.gone && t.page(path) == p {
			return p
		}
		gone := p.gone
		p.mu.Unlock()
		if gone {
			return nil
		}
	}
}

// update calls change with the page of a fingerprint, locked, unless the table
// is gone.
func (t *table) update(f fingerprint, change func(p *page)) {
	if p := t.lock(f.path()); p != nil {
		change(p)
		p.mu.Unlock()
	}
}

// tend does the work that is due in a page, which is locked: it frees some
// expired slots, and makes the page or the table larger or smaller by one step.
func (t *table) tend(p *page, horizon int64, least, most int) {
	p.sweep(horizon, least, most)
	if n := p.count(); n <= p.full() {
		t.shrink(p, n, p.size(), horizon)
	} else {
		t.grow(p, horizon)
	}
}

func (t *table) grow(p *page, horizon int64) {
	switch size := p.size(); {
	case p.depth() == 0:
	case size < maxBlocks:
		p.resize(size+1, horizon)
	default:
		t.split(p, horizon)
	}
}

func (t *table) shrink(p *page, n int, size uint64, horizon int64) {
	switch {
	case size <= uint64(p.floor):
	case size == 2 && p.depth() > t.least:
		if n < emptyBlock {
			t.join(p)
		}
	case n < emptyBlock*int(size-1), size == 1 && n <= emptySide:
		p.resize(size-1, horizon)
	}
}

// spread moves all entries of a table's only page, which is locked, to many pages.
// They have room for as many entries as are expected, and keep that for as many as
// the capacity says, as long as none are split or joined.
func (t *table) spread(p *page, capacity, expected uint64, horizon int64) {
	depth, size := roomFor(max(capacity, expected))
	least, floor := uint64(pageBits), uint64(0)
	if capacity > 0 {
		least, floor = roomFor(capacity)
		floor = (floor<<least + 1<<depth - 1) >> depth
	}
	pages := make([]atomic.Pointer[page], 1<<depth)
	for i := range pages {
		pages[i].Store(newPage(uint64(i), depth, size, floor))
	}
	for f, end := range p.side {
		to := pages[f.path()&(1<<depth-1)].Load()
		to.add(f, end, horizon)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.distinct, t.least = len(pages), least
	t.pages.Store(&pages)
}

// roomFor returns the pages, as bits of path, and the blocks of each, that so many
// entries need.
func roomFor(entries uint64) (depth, size uint64) {
	const comfortable = fullBlock * (maxBlocks - 1)
	depth = pageBits + min(uint64(bits.Len64(entries>>pageBits/comfortable)), maxPageBits-pageBits)
	return depth, max(1, (entries>>depth+fullBlock-1)/fullBlock)
}

// split makes two pages of one that is full and locked.
func (t *table) split(p *page, horizon int64) {
	depth := p.depth()
	if !t.reserve(depth + 1) {
		return
	}
	q := newPage(uint64(p.index)|1<<depth, depth+1, splitBlocks, 0)
	q.oldest, q.seen = p.oldest, p.oldest
	p.seen, p.cursor = p.oldest, 0
	p.floor = 0 // or p and q could never join again
	p.shape.Store(q.shape.Load())
	for n := range p.blocks { // block n is one of four, in q if n is odd
		b := p.blocks[n].Swap(nil)
		if n%2 == 0 {
			p.blocks[n/2].Store(b)
		} else {
			q.blocks[n/2].Store(b)
		}
	}
	// Neither has a last block: what would have been a seventh and an eighth.
	freshP, freshQ := new(block), new(block)
	side := p.side
	p.side, p.most = nil, 0
	for f, end := range side {
		to := p
		if f.path()>>depth&1 != 0 {
			to = q
		}
		to.aside(f, end)
	}
	for n := range uint64(splitBlocks) {
		p.settle(p.blocks[n].Load(), p, n, q, freshP, freshQ, horizon)
		p.settle(q.blocks[n].Load(), q, n, q, freshP, freshQ, horizon)
	}
	p.blocks[splitBlocks-1].Store(freshP)
	q.blocks[splitBlocks-1].Store(freshQ)
	for _, page := range [...]*page{p, q} {
		page.recount()
		page.settleSide(horizon)
	}
	t.list(q)
}

// reserve makes the list of pages long enough for so many bits of path. It
// returns false if the list would be much longer than the number of pages,
// which only happens if somebody has made up a snapshot for it.
//
// To copy the list is the one thing that takes longer in a larger table: 8
// bytes for some thousand entries.
func (t *table) reserve(depth uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.pages.Load()
	if 1<<depth <= len(old) {
		return true
	}
	if depth > maxPageBits || len(old) > 4*t.distinct {
		return false
	}
	pages := make([]atomic.Pointer[page], 1<<depth)
	for i := range pages {
		pages[i].Store(old[i&(len(old)-1)].Load())
	}
	t.pages.Store(&pages)
	return true
}

// list puts a page that is new to the list of pages.
func (t *table) list(p *page) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.distinct++
	t.replace(p)
}

// replace enters a page in the list. The caller has t.mu.
func (t *table) replace(p *page) {
	pages := *t.pages.Load()
	for i := uint64(p.index); i < uint64(len(pages)); i += 1 << p.depth() {
		pages[i].Store(p)
	}
}

// join makes one page of p, which is locked and has two blocks, and the one
// that it was split from or into, if that has two as well. It is a split
// backwards: no entry moves.
func (t *table) join(p *page) {
	depth := p.depth() - 1
	q := t.page(uint64(p.index) ^ 1<<depth)
	if !q.mu.TryLock() {
		return // it may be waiting for us
	}
	defer q.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	// Who goes through all pages would see some entries twice.
	if q.gone || q.shape.Load() != p.shape.Load() || t.page(uint64(q.index)) != q || t.walks.Load() != 0 {
		return
	}
	even, odd := p, q
	if even.index > odd.index {
		even, odd = odd, even
	}
	e0, e1 := even.blocks[0].Load(), even.blocks[1].Load()
	o0, o1 := odd.blocks[0].Swap(nil), odd.blocks[1].Swap(nil)
	for n, b := range [...]*block{e0, o0, e1, o1} {
		even.blocks[n].Store(b)
	}
	even.shape.Store(shapeOf(depth, splitBlocks))
	odd.shape.Store(shapeOf(odd.depth(), 0))
	for f, end := range odd.side {
		even.add(f, end, noEnd)
	}
	odd.side = nil
	even.slots += odd.slots
	even.oldest = min(even.oldest, odd.oldest)
	even.seen, even.cursor = even.oldest, 0
	t.distinct--
	t.replace(even)
}

// locked goes through the pages. Each is locked, and unlocked by the loop. No
// entry is seen twice or not at all because pages split meanwhile: they come in
// the order of their bits of path, the lowest first, in which the two that a
// page becomes take its place.
func (t *table) locked() iter.Seq[*page] {
	return func(yield func(*page) bool) {
		t.walks.Add(1)
		defer t.walks.Add(-1)
		for at := uint64(0); ; {
			p := t.lock(bits.Reverse64(at))
			if p == nil {
				return
			}
			at = p.next()
			if !yield(p) || at == 0 {
				return
			}
		}
	}
}

// next returns where in the order of locked the page after p begins, or 0.
func (p *page) next() uint64 { return bits.Reverse64(uint64(p.index)) + 1<<(64-p.depth()) }

// retire marks all pages as gone, so that no Enter that has found the table
// before puts into it what nobody would find.
func (t *table) retire() {
	for p := range t.locked() {
		p.gone = true
		p.mu.Unlock()
	}
}

// retireEmpty retires the table if it keeps nothing, and calls remove before
// anybody can see that it is gone: whoever finds a table that is gone looks again at
// once. It must not run twice at once.
func (t *table) retireEmpty(remove func(*table)) bool {
	var pages []*page
	empty := true
	for p := range t.locked() {
		pages = append(pages, p)
		if empty = p.count() == 0; !empty {
			break
		}
	}
	if empty {
		remove(t)
	}
	for _, p := range pages {
		p.gone = empty
		p.mu.Unlock()
	}
	return empty
}

// running returns how many cooldowns end after a time.
func (t *table) running(at int64) (n int) {
	for p := range t.locked() {
		for _, end := range p.all() {
			if end > at {
				n++
			}
		}
		p.mu.Unlock()
	}
	return n
}

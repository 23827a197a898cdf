package campaign

import (
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A generation is all that a MemoryTracker keeps. Reading a snapshot replaces
// it as a whole, because a snapshot has a key of its own.
type generation struct {
	key    hashKey
	newest atomic.Int64  // time of the newest visit that entered and is believed, see accept
	clock  atomic.Int64  // what the clock of the process showed when it was last looked at
	ahead  atomic.Int32  // how many visits in a row were ahead of it
	last   atomic.Uint64 // whose the last one of these was
	tables atomic.Pointer[directory]

	capacity  int64        // of the tracker
	reserved  atomic.Int64 // how much of it has been given to tables
	campaigns atomic.Int64 // len(list)

	// mu guards the list of tables, and the place in it where tendOther goes
	// on. It is taken before the lock of a page.
	mu       sync.Mutex
	list     []*table
	table    int
	at       uint64 // see table.locked
	allEmpty bool   // all pages of the table so far were empty
}

const (
	// grace is how long a cooldown is kept beyond its end, in milliseconds,
	// for visits that come late.
	grace = int64(5 * time.Minute / time.Millisecond)

	// A visit may be ahead of the clock by as much as clocks usually differ. One
	// that is further ahead is believed if so many before it were, too.
	usualSkew      = int64(time.Minute / time.Millisecond)
	agreeingVisits = 16

	// maxCapacity is how much of a hint is followed: pages for so many entries
	// take 5 MB before the first of them comes. What is beyond it grows.
	maxCapacity = 1 << 28

	// beforeAllVisits leaves room to subtract the grace.
	beforeAllVisits = math.MinInt64 + grace

	// In one of so many new cooldowns, so many pairs of lines of some other page
	// are searched for expired ones, or a block is dropped. A campaign that is
	// over would otherwise keep its memory for ever. A new campaign does it twice,
	// or campaigns of a few profiles would become more and more.
	tendEvery  = 16
	tendForNew = 2
	otherSweep = 64
)

func newGeneration(key hashKey, capacity int) *generation {
	g := &generation{key: key, capacity: min(int64(capacity), maxCapacity)}
	g.newest.Store(beforeAllVisits)
	g.tables.Store(newDirectory(nil))
	return g
}

// horizon is the time before which a cooldown that has ended may be forgotten.
func (g *generation) horizon() int64 { return g.newest.Load() - grace }

// accept notes the time of a visit that enters, as far as it is believed. What
// has ended before it, but for the grace, is forgotten: so a single visit whose
// clock is wrong would end the cooldowns of everybody. Visits that are ahead of
// the clock of this process therefore count only when many in a row are, as it is
// where time is simulated.
func (g *generation) accept(f fingerprint, at int64) {
	if at > g.clock.Load()+usualSkew { // once a minute, as looking costs something
		now := time.Now().UnixMilli()
		g.clock.Store(now)
		if at > now+usualSkew {
			g.acceptAhead(f, at)
			return
		}
	}
	if g.ahead.Load() != 0 {
		g.ahead.Store(0)
	}
	if g.newest.Load() > g.clock.Load()+usualSkew {
		g.newest.Store(at) // time is not simulated after all
	}
	g.advance(at)
}

func (g *generation) acceptAhead(f fingerprint, at int64) {
	if g.last.Swap(f.word) == f.word {
		return // most often the same visit, in another campaign: it agrees with itself
	}
	if g.ahead.Load() < agreeingVisits {
		g.ahead.Add(1)
		return
	}
	g.advance(at)
}

func (g *generation) advance(at int64) {
	for {
		newest := g.newest.Load()
		if at <= newest || g.newest.CompareAndSwap(newest, at) {
			return
		}
	}
}

// find returns the table of a campaign, or nil.
func (g *generation) find(campaign string) *table { return g.tables.Load().find(campaign) }

// add returns the table of a campaign, which it makes if there is none.
func (g *generation) add(campaign string) *table {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.find(campaign); t != nil {
		return t
	}
	t := newTable(strings.Clone(campaign))
	t.place = len(g.list)
	g.list = append(g.list, t)
	g.campaigns.Add(1)
	if d := g.tables.Load(); d.hasRoom(len(g.list)) {
		d.add(t)
	} else {
		g.tables.Store(newDirectory(g.list))
	}
	return t
}

// all returns the tables of the moment.
func (g *generation) all() []*table {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.list)
}

// remove takes a table out of the list. The caller has g.mu.
func (g *generation) remove(t *table) {
	n := len(g.list) - 1
	g.list[t.place] = g.list[n]
	g.list[t.place].place = t.place
	g.list[n] = nil
	g.list = g.list[:n]
	if cap(g.list) > 4*n {
		g.list = slices.Clone(g.list)
	}
	g.campaigns.Add(-1)
	if !g.tables.Load().remove(t, n) {
		g.tables.Store(newDirectory(g.list))
	}
}

// reset forgets a campaign.
func (g *generation) reset(campaign string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.find(campaign); t != nil {
		g.remove(t)
		t.retire()
	}
}

// share returns for how many entries a table gets memory in advance when it
// gets many pages: its share of the capacity, as long as there is some left.
func (g *generation) share() uint64 {
	n := min(g.capacity/max(g.campaigns.Load(), 1), g.capacity-g.reserved.Load())
	if n <= 0 {
		return 0
	}
	g.reserved.Add(n)
	return uint64(n)
}

// enter is Enter after the look without a lock has found nothing. t is the
// table of the campaign, or nil.
func (g *generation) enter(t *table, campaign string, f fingerprint, at, end int64, keep bool) (kept int64, entered bool) {
	others := 0 // how many pages to tend
	for ; ; t = g.find(campaign) {
		if t == nil && !keep {
			g.accept(f, at)
			return end, true
		}
		if t == nil {
			t = g.add(campaign)
			others = tendForNew
		}
		p := t.lock(f.path())
		if p == nil {
			continue // reset meanwhile
		}
		found := p.find(f)
		if found.end > at {
			p.mu.Unlock()
			return found.end, false
		}
		g.accept(f, at)
		if keep {
			horizon := g.horizon()
			p.replace(found, f, end, horizon)
			g.tend(t, p, horizon)
			if p.entered%tendEvery == 0 {
				others++
			}
		}
		p.mu.Unlock()
		for range others {
			g.tendOther()
		}
		return end, true
	}
}

// tend does the work that is due when a cooldown has begun in a page.
func (g *generation) tend(t *table, p *page, horizon int64) {
	p.entered++
	if p.depth() == 0 && p.count() > fewEntries {
		t.spread(p, g.share(), 0, horizon)
		return
	}
	t.tend(p, horizon, leastSweep, maxSweep)
}

// tendOther tends the next page of the next table.
func (g *generation) tendOther() {
	if !g.mu.TryLock() {
		return // somebody else does
	}
	defer g.mu.Unlock()
	if g.table >= len(g.list) {
		g.table, g.at, g.allEmpty = 0, 0, true
	}
	if len(g.list) == 0 {
		return
	}
	t := g.list[g.table]
	p := t.lock(bits.Reverse64(g.at))
	t.tend(p, g.horizon(), otherSweep, otherSweep)
	g.allEmpty = g.allEmpty && p.count() == 0
	g.at = p.next()
	p.mu.Unlock()
	if g.at != 0 {
		return
	}
	if g.allEmpty && t.retireEmpty(g.remove) {
		g.table--
	}
	g.table, g.at, g.allEmpty = g.table+1, 0, true
}

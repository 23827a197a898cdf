package campaign

import (
	"math"
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
	newest atomic.Int64 // time of the newest visit that entered
	tables atomic.Pointer[directory]

	capacity  int64        // of the tracker
	reserved  atomic.Int64 // how much of it has been given to tables
	campaigns atomic.Int64 // len(list)

	// mu guards the list of tables, and the place in it where tendOther goes
	// on. It is taken before the lock of a shard.
	mu      sync.Mutex
	list    []*table
	table   int
	shard   int
	nothing bool // all shards of the table so far were empty
}

const (
	// grace is how long a cooldown is kept beyond its end, in milliseconds,
	// for visits that come late.
	grace = int64(5 * time.Minute / time.Millisecond)

	// beforeAllVisits leaves room to subtract the grace.
	beforeAllVisits = math.MinInt64 + grace

	// In one of so many new cooldowns, so many buckets of some other shard are
	// searched for expired ones, or dropped. A campaign that is over would
	// otherwise keep its memory for ever.
	tendEvery  = 16
	otherSweep = 32
)

func newGeneration(key hashKey, capacity int) *generation {
	g := &generation{key: key, capacity: int64(capacity)}
	g.newest.Store(beforeAllVisits)
	g.tables.Store(newDirectory(nil))
	return g
}

// horizon is the time before which a cooldown that has ended may be forgotten.
func (g *generation) horizon() int64 { return g.newest.Load() - grace }

// accept notes the time of a visit that enters.
func (g *generation) accept(at int64) {
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
	g.list = append(g.list, t)
	g.campaigns.Add(1)
	if d := g.tables.Load(); 2*len(g.list) <= len(d.slots) {
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
	g.list = slices.DeleteFunc(g.list, func(x *table) bool { return x == t })
	g.campaigns.Add(-1)
	g.tables.Store(newDirectory(g.list))
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

// share returns for how many buckets in each of its many shards a table gets
// memory in advance: its share of the capacity, as long as there is some left.
func (g *generation) share() uint64 {
	n := min(g.capacity/max(g.campaigns.Load(), 1), g.capacity-g.reserved.Load())
	if n <= 0 {
		return 1
	}
	g.reserved.Add(n)
	return uint64(n/(manyShards*fullBuckets) + 1)
}

// enter is Enter after the look without a lock has found nothing.
func (g *generation) enter(campaign string, f fingerprint, at, end int64, keep bool) (kept int64, entered bool) {
	for {
		t := g.find(campaign)
		if t == nil && !keep {
			g.accept(at)
			return end, true
		}
		if t == nil {
			t = g.add(campaign)
		}
		s := t.lock(f)
		if s == nil {
			continue // reset meanwhile
		}
		b, slot, kept := s.lookup(f)
		if kept <= at {
			g.accept(at)
			if keep {
				horizon := g.horizon()
				s.replace(b, slot, kept, f, end, horizon)
				g.tend(t, s, horizon)
			}
			kept, entered = end, true
		}
		tendOther := entered && keep && s.entered%tendEvery == 0
		s.mu.Unlock()
		if tendOther {
			g.tendOther()
		}
		return kept, entered
	}
}

// tend does the work that is due when a cooldown has begun in a shard.
func (g *generation) tend(t *table, s *shard, horizon int64) {
	s.entered++
	s.tend(horizon, maxSweep, maxSteps)
	if s.count > fewEntries && len(*t.shards.Load()) == 1 {
		t.split(s, g.share(), horizon)
	}
}

// tendOther tends the next shard of the next table.
func (g *generation) tendOther() {
	if !g.mu.TryLock() {
		return // somebody else does
	}
	defer g.mu.Unlock()
	if g.table >= len(g.list) {
		g.table, g.shard, g.nothing = 0, 0, true
	}
	if len(g.list) == 0 {
		return
	}
	t := g.list[g.table]
	shards := *t.shards.Load()
	s := &shards[min(g.shard, len(shards)-1)]
	s.mu.Lock()
	s.tend(g.horizon(), otherSweep, otherSweep)
	g.nothing = g.nothing && s.empty()
	s.mu.Unlock()
	g.shard++
	if g.shard < len(shards) {
		return
	}
	if g.nothing && t.retireEmpty() {
		g.remove(t)
		g.table--
	}
	g.table, g.shard, g.nothing = g.table+1, 0, true
}

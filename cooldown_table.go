package campaign

import (
	"iter"
	"sync/atomic"
)

// A table keeps the cooldowns of one campaign.
//
// One table for all campaigns, by a hash of campaign and profile, would save
// the step from the campaign's ID to its table, but a slot could not tell whose
// it is: Reset would have to keep what it should remove until it ends, which is
// never for [Never], and Forget and Merge would need to be told the campaigns.
// With a table for each there is also nothing to confuse in joining two IDs.
type table struct {
	campaign string
	shards   atomic.Pointer[[]shard] // one, or manyShards
}

const (
	// A table has one shard until it is worth its while to have many: with
	// 10,000 campaigns of a few profiles each, small ones have to be small.
	manyShards = 128
	fewEntries = 2048
)

func newTable(campaign string) *table {
	t := &table{campaign: campaign}
	shards := make([]shard, 1)
	shards[0].init(1)
	t.shards.Store(&shards)
	return t
}

// peek returns the end of a cooldown without a lock, or noEnd if it is not sure
// to have found it.
func (t *table) peek(f fingerprint) int64 {
	shards := *t.shards.Load()
	return shards[f.shard()&uint64(len(shards)-1)].peek(f)
}

// lock returns the shard of a fingerprint, locked, or nil if the table is gone.
func (t *table) lock(f fingerprint) *shard {
	for {
		shards := t.shards.Load()
		s := &(*shards)[f.shard()&uint64(len(*shards)-1)]
		s.mu.Lock()
		if !s.gone {
			return s
		}
		s.mu.Unlock()
		if t.shards.Load() == shards {
			return nil
		}
	}
}

// split moves all entries of a table's only shard, which is locked, to many
// shards, each with room for so many buckets.
func (t *table) split(s *shard, buckets uint64, horizon int64) {
	shards := make([]shard, manyShards)
	for i := range shards {
		shards[i].init(buckets)
	}
	for f, end := range s.all() {
		to := &shards[f.shard()&(manyShards-1)]
		to.set(f, end, horizon)
		to.tend(horizon, 0, maxSteps)
	}
	s.gone = true
	t.shards.Store(&shards)
}

// update calls change with the shard of a fingerprint, locked, unless the table
// is gone.
func (t *table) update(f fingerprint, change func(s *shard)) {
	if s := t.lock(f); s != nil {
		change(s)
		s.mu.Unlock()
	}
}

// locked goes through the shards. Each is locked, and unlocked by the loop. No
// entry is seen twice or not at all because the table splits meanwhile.
func (t *table) locked() iter.Seq[*shard] {
	return func(yield func(*shard) bool) {
		shards := t.shards.Load()
		if len(*shards) == 1 {
			(*shards)[0].mu.Lock()
			now := t.shards.Load()
			if now == shards {
				yield(&(*shards)[0])
				return
			}
			(*shards)[0].mu.Unlock()
			shards = now
		}
		for i := range *shards {
			s := &(*shards)[i]
			s.mu.Lock()
			if !yield(s) {
				return
			}
		}
	}
}

// retire marks all shards as gone, so that no Enter that has found the table
// before puts into it what nobody would find.
func (t *table) retire() {
	for s := range t.locked() {
		s.gone = true
		s.mu.Unlock()
	}
}

// retireEmpty retires the table if it keeps nothing.
func (t *table) retireEmpty() bool {
	shards := *t.shards.Load()
	empty := true
	for i := range shards {
		s := &shards[i]
		s.mu.Lock()
		defer s.mu.Unlock()
		empty = empty && s.empty() && !s.gone
	}
	for i := range shards {
		shards[i].gone = shards[i].gone || empty
	}
	return empty
}

// running returns how many cooldowns end after a time.
func (t *table) running(at int64) (n int) {
	for s := range t.locked() {
		for _, end := range s.all() {
			if end > at {
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}

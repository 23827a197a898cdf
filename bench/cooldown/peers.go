package main

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/jellydator/ttlcache/v3"
	"github.com/maypok86/otter/v2"
	"github.com/patrickmn/go-cache"
	"github.com/puzpuzpuz/xsync/v4"
)

const (
	campaignID = "running-shoes"
	cooldown   = 7 * 24 * time.Hour
)

// A peer takes a key if it is free or expired, in one atomic step, and reports
// whether it did. That is all that is measured.
type peer interface {
	enter(profile string, at time.Time) bool
}

// A contender is a peer by name. What it is made for is the same for all: IDs
// that are strings, and no idea of how many there will be.
type contender struct {
	name string
	make func() peer
}

func contenders() []contender {
	return []contender{
		{"campaign", func() peer { return new(memoryTracker) }},
		{"sharded map", func() peer { return newShardedMap() }},
		{"xsync", func() peer { return xsyncMap{xsync.NewMap[key, int64]()} }},
		{"sync.Map", func() peer { return new(syncMap) }},
		{"otter", func() peer { return newOtter() }},
		{"go-cache", func() peer { return goCache{cache.New(cooldown, 0)} }},
		{"ttlcache", func() peer { return newTTLCache() }},
	}
}

// A key is how most of the peers would be used.
type key struct{ campaign, profile string }

type memoryTracker struct{ t campaign.MemoryTracker }

func (m *memoryTracker) enter(profile string, at time.Time) bool {
	_, entered, _ := m.t.Enter(context.Background(), campaign.Entry{
		Campaign: campaignID, Profile: profile, Time: at, Timeout: cooldown,
	})
	return entered
}

// shardedMap is what one would write by hand to save memory: the keys are
// hashed to 16 bytes, so that the maps hold no pointers.
type shardedMap struct {
	seeds  [2]maphash.Seed
	shards [256]struct {
		mu   sync.Mutex
		ends map[[2]uint64]int64
		_    [48]byte
	}
}

func newShardedMap() *shardedMap {
	m := &shardedMap{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for i := range m.shards {
		m.shards[i].ends = make(map[[2]uint64]int64)
	}
	return m
}

func (m *shardedMap) enter(profile string, at time.Time) bool {
	id := key{campaignID, profile}
	k := [2]uint64{maphash.Comparable(m.seeds[0], id), maphash.Comparable(m.seeds[1], id)}
	now := at.UnixMilli()
	s := &m.shards[k[0]>>56]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends[k] > now {
		return false
	}
	s.ends[k] = now + cooldown.Milliseconds()
	return true
}

type xsyncMap struct{ m *xsync.Map[key, int64] }

func (m xsyncMap) enter(profile string, at time.Time) (entered bool) {
	k, now := key{campaignID, profile}, at.UnixMilli()
	if end, ok := m.m.Load(k); ok && end > now {
		return false // Compute would take a lock
	}
	m.m.Compute(k, func(end int64, _ bool) (int64, xsync.ComputeOp) {
		if end > now {
			return end, xsync.CancelOp
		}
		entered = true
		return now + cooldown.Milliseconds(), xsync.UpdateOp
	})
	return entered
}

type syncMap struct{ m sync.Map }

func (m *syncMap) enter(profile string, at time.Time) bool {
	k, now := key{campaignID, profile}, at.UnixMilli()
	end := now + cooldown.Milliseconds()
	old, loaded := m.m.Load(k)
	if !loaded {
		old, loaded = m.m.LoadOrStore(k, end)
	}
	if !loaded {
		return true
	}
	return old.(int64) <= now && m.m.CompareAndSwap(k, old, end)
}

type otterCache struct{ c *otter.Cache[key, int64] }

func newOtter() otterCache {
	return otterCache{otter.Must(&otter.Options[key, int64]{
		ExpiryCalculator: otter.ExpiryCreating[key, int64](cooldown),
	})}
}

func (o otterCache) enter(profile string, at time.Time) bool {
	_, entered := o.c.SetIfAbsent(key{campaignID, profile}, at.UnixMilli())
	return entered
}

type goCache struct{ c *cache.Cache }

func (g goCache) enter(profile string, _ time.Time) bool {
	return g.c.Add(campaignID+"/"+profile, struct{}{}, cache.DefaultExpiration) == nil
}

type ttlCache struct {
	c *ttlcache.Cache[key, struct{}]
}

func newTTLCache() ttlCache {
	return ttlCache{ttlcache.New(
		ttlcache.WithTTL[key, struct{}](cooldown),
		ttlcache.WithDisableTouchOnHit[key, struct{}](),
	)}
}

func (c ttlCache) enter(profile string, _ time.Time) bool {
	_, found := c.c.GetOrSet(key{campaignID, profile}, struct{}{})
	return !found
}

package backtest

import (
	"context"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/hybridcampaign/campaign"
)

// cooldowns is the Tracker of a backtest. A [campaign.MemoryTracker] forgets
// cooldowns that have ended, some sooner than others, and so may decide one and
// the same visit that comes late in two ways. This one forgets nothing. As it
// has to look each profile up in any case, it also keeps whether the campaign
// has reached it, which a set of its own would take as much memory for again.
type cooldowns struct {
	hash maphash.Seed

	mu        sync.Mutex
	campaigns map[string]*profiles
}

// profiles are those that a campaign has started for, by a hash of their IDs.
// That two of a million profiles share one has a chance of three in a hundred
// million. The IDs themselves would take several times the memory, and the
// collector's time for each.
type profiles struct {
	ends    map[uint64]end
	reached int
}

// An end is the end of a cooldown in milliseconds since 1970, doubled, and one
// more if the campaign has reached the profile.
type end int64

const noEnd = end(math.MinInt64 / 2 * 2)

func (e end) millis() int64 { return int64(e >> 1) }

func (e end) move(to int64) end { return end(to)<<1 | e&1 }

func newCooldowns() *cooldowns {
	return &cooldowns{hash: maphash.MakeSeed(), campaigns: map[string]*profiles{}}
}

// of returns the profiles of a campaign. The caller has c.mu.
func (c *cooldowns) of(campaign string) *profiles {
	p := c.campaigns[campaign]
	if p == nil {
		p = &profiles{ends: map[uint64]end{}}
		c.campaigns[campaign] = p
	}
	return p
}

// Enter implements [campaign.Tracker].
func (c *cooldowns) Enter(ctx context.Context, e campaign.Entry) (until time.Time, entered bool, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, false, err
	}
	h := maphash.String(c.hash, e.Profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(e.Campaign)
	kept, ok := p.ends[h]
	if ok && kept.millis() > e.Time.UnixMilli() {
		return time.UnixMilli(kept.millis()).UTC(), false, nil
	}
	until = e.Until()
	if e.Timeout > 0 {
		p.ends[h] = kept.move(until.UnixMilli())
	}
	return until, true, nil
}

// Reopen implements [campaign.Tracker]. As that of [campaign.MemoryTracker] it
// does not go back behind the time of the visit.
func (c *cooldowns) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h := maphash.String(c.hash, e.Profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(e.Campaign)
	if kept, ok := p.ends[h]; ok && kept.millis() == e.Until().UnixMilli() {
		p.ends[h] = kept.move(max(until.UnixMilli(), e.Time.UnixMilli()))
	}
	return nil
}

// Until implements [campaign.CooldownReader], by which an engine need not load
// the profiles of visits that are held back in any case.
func (c *cooldowns) Until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	h := maphash.String(c.hash, profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.of(campaign).ends[h]
	if !ok || kept.millis() <= at.UnixMilli() {
		return time.Time{}, false
	}
	return time.UnixMilli(kept.millis()).UTC(), true
}

// reach notes that a run of the campaign was delivered to the profile.
func (c *cooldowns) reach(campaign, profile string) {
	h := maphash.String(c.hash, profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(campaign)
	kept, ok := p.ends[h]
	if !ok {
		kept = noEnd // the campaign restarts immediately
	}
	if kept&1 == 0 {
		p.ends[h] = kept | 1
		p.reached++
	}
}

// reached returns how many profiles the campaign has reached.
func (c *cooldowns) reached(campaign string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of(campaign).reached
}

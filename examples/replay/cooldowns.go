package main

import (
	"context"
	"sync"
	"time"

	"github.com/hybridcampaign/campaign"
)

// cooldowns is a Tracker that forgets nothing, as that of package backtest, so
// that explain says of a visit that comes late what backtest counted. A
// campaign.MemoryTracker may have forgotten what ended more than five minutes
// before the newest visit.
type cooldowns struct {
	mu   sync.Mutex
	ends map[cooldownKey]time.Time
}

type cooldownKey struct{ campaign, profile string }

func newCooldowns() *cooldowns { return &cooldowns{ends: map[cooldownKey]time.Time{}} }

// Enter implements campaign.Tracker.
func (c *cooldowns) Enter(ctx context.Context, e campaign.Entry) (until time.Time, entered bool, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if end, closed := c.until(e.Campaign, e.Profile, e.Time); closed {
		return end, false, nil
	}
	if e.Timeout > 0 {
		c.ends[cooldownKey{e.Campaign, e.Profile}] = e.Until()
	}
	return e.Until(), true, nil
}

// Reopen implements campaign.Tracker.
func (c *cooldowns) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cooldownKey{e.Campaign, e.Profile}
	if end, ok := c.ends[key]; ok && end.Equal(e.Until()) {
		if until.Before(e.Time) {
			until = e.Time
		}
		c.ends[key] = until.Truncate(time.Millisecond)
	}
	return nil
}

// Until implements campaign.CooldownReader, which explaining needs.
func (c *cooldowns) Until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until(campaign, profile, at)
}

func (c *cooldowns) until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	end, ok := c.ends[cooldownKey{campaign, profile}]
	if !ok || end.UnixMilli() <= at.UnixMilli() {
		return time.Time{}, false
	}
	return end, true
}

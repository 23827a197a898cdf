package campaign

import (
	"context"
	"sync"
	"time"
)

// MemoryTracker keeps cooldowns in memory. Its zero value is ready for use. It
// must not be copied after its first use. It is safe for concurrent use.
type MemoryTracker struct {
	mu   sync.Mutex
	ends map[cooldownKey]int64 // Unix milliseconds
}

type cooldownKey struct{ campaign, profile string }

// Enter implements [Tracker].
func (t *MemoryTracker) Enter(ctx context.Context, e Entry) (until time.Time, entered bool, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := cooldownKey{e.Campaign, e.Profile}
	if end, ok := t.ends[key]; ok && e.Time.UnixMilli() < end {
		return time.UnixMilli(end).UTC(), false, nil
	}
	end := e.Until()
	if e.Timeout == Immediately {
		return end, true, nil
	}
	if t.ends == nil {
		t.ends = make(map[cooldownKey]int64)
	}
	t.ends[key] = end.UnixMilli()
	return end, true, nil
}

// Reopen implements [Tracker].
func (t *MemoryTracker) Reopen(ctx context.Context, e Entry, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := cooldownKey{e.Campaign, e.Profile}
	if end, ok := t.ends[key]; ok && end == e.Until().UnixMilli() {
		t.ends[key] = min(end, until.UnixMilli())
	}
	return nil
}

// Until implements [CooldownReader].
func (t *MemoryTracker) Until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok := t.ends[cooldownKey{campaign, profile}]
	if !ok || at.UnixMilli() >= end {
		return time.Time{}, false
	}
	return time.UnixMilli(end).UTC(), true
}

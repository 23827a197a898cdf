package campaign

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A MemoryTracker is a [Tracker] that keeps cooldowns in the memory of the
// process. The zero value is ready to use. It must not be copied after first
// use, and is safe for concurrent use.
type MemoryTracker struct {
	// Capacity is a hint for how many cooldowns live at once, in all campaigns
	// together. Zero is fine: memory grows in small steps.
	Capacity int

	mu   sync.Mutex
	ends map[cooldownKey]int64
}

type cooldownKey struct{ campaign, profile string }

var _ Tracker = (*MemoryTracker)(nil)

var (
	errAfterEndOfTime = errors.New("campaign: the visit's time lies after the year 9999; pass the time at which the page was seen")
	errLengthen       = errors.New("campaign: Reopen cannot lengthen a cooldown; pass a time that is not after Entry.Until")
)

// Enter implements [Tracker]. It fails only if ctx is done or e.Time lies after
// the year 9999. A timeout of zero or less counts as [Immediately].
func (t *MemoryTracker) Enter(ctx context.Context, e Entry) (until time.Time, entered bool, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, false, err
	}
	if e.Time.After(endOfTime) {
		return time.Time{}, false, errAfterEndOfTime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := cooldownKey{e.Campaign, e.Profile}
	if end, ok := t.ends[key]; ok && end > e.Time.UnixMilli() {
		return time.UnixMilli(end).UTC(), false, nil
	}
	until = e.Until()
	if e.Timeout > 0 {
		if t.ends == nil {
			t.ends = make(map[cooldownKey]int64, t.Capacity)
		}
		t.ends[key] = until.UnixMilli()
	}
	return until, true, nil
}

// Reopen implements [Tracker]. A time that is not after e.Time ends the
// cooldown as if it had not begun. It is an error if until lies after e.Until().
func (t *MemoryTracker) Reopen(ctx context.Context, e Entry, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if until.UnixMilli() > e.Until().UnixMilli() {
		return errLengthen
	}
	if e.Timeout <= 0 {
		return nil // it began no cooldown
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := cooldownKey{e.Campaign, e.Profile}
	switch end, ok := t.ends[key]; {
	case !ok || end != e.Until().UnixMilli():
	case until.UnixMilli() <= e.Time.UnixMilli():
		delete(t.ends, key)
	default:
		t.ends[key] = until.UnixMilli()
	}
	return nil
}

// Until returns until when the campaign is closed for the profile, and whether
// it is closed at all for a visit at the given time.
func (t *MemoryTracker) Until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok := t.ends[cooldownKey{campaign, profile}]
	if !ok || end <= at.UnixMilli() {
		return time.Time{}, false
	}
	return time.UnixMilli(end).UTC(), true
}

// Len returns how many cooldowns are running at the given time.
func (t *MemoryTracker) Len(at time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, end := range t.ends {
		if end > at.UnixMilli() {
			n++
		}
	}
	return n
}

// Merge tells the tracker that two profiles are one person. Each campaign is
// closed for to until the later of the two ends. The cooldowns of from stay.
func (t *MemoryTracker) Merge(from, to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, end := range t.ends {
		if key.profile == from {
			merged := cooldownKey{key.campaign, to}
			if kept, ok := t.ends[merged]; !ok || kept < end {
				t.ends[merged] = end
			}
		}
	}
}

// Forget removes all cooldowns of a profile.
func (t *MemoryTracker) Forget(profile string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.ends {
		if key.profile == profile {
			delete(t.ends, key)
		}
	}
}

// Reset removes all cooldowns of a campaign, which is then open for everybody.
func (t *MemoryTracker) Reset(campaign string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.ends {
		if key.campaign == campaign {
			delete(t.ends, key)
		}
	}
}

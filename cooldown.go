package campaign

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A MemoryTracker is a [Tracker] that keeps cooldowns in the memory of the
// process. The zero value is ready to use. It must not be copied after first
// use, and is safe for concurrent use.
//
// It takes 16 to 20 bytes for each cooldown of a large campaign. It keeps no
// profile ID but 66 bits of a hash of it, with a key that is random for each
// tracker, so that nobody can choose IDs that collide. Two profiles whose 66
// bits are the same would share their cooldowns: n profiles in one campaign are
// n(n-1)/2 pairs, each of which does so with a chance of 2^-66. For ten million
// that is 5e13 / 7.4e19, a chance of less than one in a million (6.8e-7) that
// there is any such pair among them. One more profile that visits meets another
// one's cooldown with a chance of 1e7 / 7.4e19, one in seven million millions.
// The 2^-66 is proven for IDs of up to 64 bytes, if the numbers that are made of
// the key with SHA-256 are as good as random; for longer ones it is what SipHash
// is expected to give.
//
// A cooldown is forgotten some time after a visit has entered whose time is more
// than five minutes past its end: a visit that comes only then, with a time
// within the cooldown, may find the campaign open. Visits that are ahead of the
// clock of the process by more than a minute do not count for that, unless
// many in a row are, and not of one profile: one wrong clock does not end the
// cooldowns of others.
type MemoryTracker struct {
	// Capacity is a hint for how many cooldowns live at once, in all campaigns
	// together. Zero is fine: memory grows in small steps, and a hint saves
	// the work of growing. It counts when the tracker is first used.
	Capacity int

	current atomic.Pointer[generation]
	saving  sync.Mutex // held by SaveFile
}

var _ Tracker = (*MemoryTracker)(nil)

var (
	errOutOfTime = errors.New("campaign: the visit's time is not in the years 1 to 9999; pass the time at which the page was seen")
	errLengthen  = errors.New("campaign: Reopen cannot lengthen a cooldown; pass a time that is not after Entry.Until")
)

// Enter implements [Tracker]. It fails only if ctx is done or e.Time is not in
// the years 1 to 9999. A timeout of zero or less counts as [Immediately].
func (t *MemoryTracker) Enter(ctx context.Context, e Entry) (until time.Time, entered bool, err error) {
	// In this form it is inlined, and e never copied: a copy of what has just been
	// written would wait until all memory that was asked for before is there.
	until, entered, err = t.enter(ctx, e.Campaign, e.Profile, e.Time, e.Timeout)
	return
}

// inTime reports whether a time is in the years 1 to 9999. In seconds, because
// milliseconds of years beyond 292 million wrap around.
func inTime(t time.Time) bool {
	s := t.Unix()
	return firstTimeMilli/1000 <= s && s <= endOfTimeMilli/1000
}

// milliOf returns a time in Unix milliseconds. One outside of the years 1 to 9999 is
// the nearest that is just not in them: far outside, milliseconds wrap around.
func milliOf(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < firstTimeMilli/1000:
		return firstTimeMilli - 1
	case s > endOfTimeMilli/1000:
		return endOfTimeMilli + 1
	}
	return t.UnixMilli()
}

// generation returns what t keeps.
func (t *MemoryTracker) generation() *generation {
	if g := t.current.Load(); g != nil {
		return g
	}
	return t.begin()
}

// begin makes the first generation.
func (t *MemoryTracker) begin() *generation {
	t.current.CompareAndSwap(nil, newGeneration(newHashKey(), t.Capacity))
	return t.current.Load()
}

// Reopen implements [Tracker]. A time before e.Time counts as e.Time: what the
// run found when it entered had ended by then, and visits that are older may be
// within it. It is an error if until lies after e.Until().
func (t *MemoryTracker) Reopen(ctx context.Context, e Entry, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !inTime(e.Time) {
		return errOutOfTime
	}
	begun, end := e.Until().UnixMilli(), milliOf(until)
	if end > begun {
		return errLengthen
	}
	if e.Timeout <= 0 {
		return nil // it began no cooldown
	}
	g := t.generation()
	f := g.key.fingerprint(e.Profile)
	table := g.find(e.Campaign)
	if table == nil {
		return nil
	}
	table.update(f, func(p *page) {
		if p.end(f) == begun {
			p.set(f, max(end, e.Time.UnixMilli()), g.horizon())
		}
	})
	return nil
}

// Until returns until when the campaign is closed for the profile, and whether
// it is closed at all for a visit at the given time.
func (t *MemoryTracker) Until(campaign, profile string, at time.Time) (until time.Time, closed bool) {
	g := t.generation()
	end := int64(noEnd)
	if table := g.find(campaign); table != nil {
		f := g.key.fingerprint(profile)
		table.update(f, func(p *page) { end = p.end(f) })
	}
	if end <= milliOf(at) {
		return time.Time{}, false
	}
	return time.UnixMilli(end).UTC(), true
}

// Len returns how many cooldowns are running at the given time. It looks at all
// of them, which takes a few nanoseconds each.
func (t *MemoryTracker) Len(at time.Time) int {
	n := 0
	for _, table := range t.generation().all() {
		n += table.running(milliOf(at))
	}
	return n
}

// Merge tells the tracker that two profiles are one person. Each campaign is
// from now on closed for to until the later of the two ends. What is kept for
// from stays, because visits under the old ID may still be on their way; it
// ends by itself, or with [MemoryTracker.Forget]. A run of from that is under way
// and delivers nothing gives back what is kept for from, and not what to got. One
// of to gives back its own end, also if that was from's as well, as with [Never].
func (t *MemoryTracker) Merge(from, to string) {
	g := t.generation()
	old, f := g.key.fingerprint(from), g.key.fingerprint(to)
	for _, table := range g.all() {
		end := int64(noEnd)
		table.update(old, func(p *page) { end = p.end(old) })
		if end == noEnd {
			continue
		}
		table.update(f, func(p *page) {
			if p.end(f) < end {
				p.set(f, end, g.horizon())
				g.tend(table, p, g.horizon())
			}
		})
	}
}

// Forget removes all cooldowns of a profile. If a run is under way meanwhile, and
// delivers nothing, it gives back a cooldown that has begun since, if that ends
// at the same moment as its own: with [Never], each does.
func (t *MemoryTracker) Forget(profile string) {
	g := t.generation()
	f := g.key.fingerprint(profile)
	for _, table := range g.all() {
		table.update(f, func(p *page) { p.remove(f) })
	}
}

// Reset removes all cooldowns of a campaign, which is then open for everybody.
// For runs that are under way see [MemoryTracker.Forget].
func (t *MemoryTracker) Reset(campaign string) { t.generation().reset(campaign) }

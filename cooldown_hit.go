package campaign

import (
	"context"
	"math/bits"
	"sync/atomic"
	"time"
)

// enter is Enter. A visit that finds its campaign closed, as nearly all do on a busy
// site, has its answer from here, without a lock. What this is not sure to have found
// is asked for again, with the page locked.
//
// It is one long function on purpose, and calls others only for IDs of unusual length
// or letters, and when there are several campaigns. What takes time is that a line has
// to come from memory. Until then the processor goes on with what follows, as far as
// the room reaches in which it notes what it has done ahead: some two hundred results.
// If a visit takes fewer, the next one asks for its line in the meantime. With each
// step in a function of its own, among ten million cooldowns a visit took half as long
// again. For the same reason the context is asked last: that is a call, before which
// all that is needed after it has to be put away.
func (t *MemoryTracker) enter(ctx context.Context, campaign, profile string, visit time.Time, timeout time.Duration) (until time.Time, entered bool, err error) {
	g := t.generation()

	// IDs of 8 to 40 bytes in ASCII, UUIDs among them, are hashed here as fingerprint
	// does it.
	var f fingerprint
	if n := len(profile); n < 8 || n > 40 {
		f = g.key.fingerprint(profile)
	} else {
		last, word := eightBytes(profile[n-8:]), eightBytes(profile)
		sum, tops := g.key.starts[n].plus(g.key.factors[1], last).plus(g.key.factors[2], word), last|word
		if n > 16 {
			word = eightBytes(profile[8:])
			sum, tops = sum.plus(g.key.factors[3], word), tops|word
		}
		if n > 24 {
			word = eightBytes(profile[16:])
			sum, tops = sum.plus(g.key.factors[4], word), tops|word
		}
		if n > 32 {
			word = eightBytes(profile[24:])
			sum, tops = sum.plus(g.key.factors[5], word), tops|word
		}
		f = sum.fingerprint()
		if tops&topBit != 0 { // not in ASCII
			f = g.key.fingerprint(profile)
		}
	}

	d := g.tables.Load()
	table := d.only
	if n := len(campaign); n < 8 || n != d.short || (eightBytes(campaign)^d.first)|(eightBytes(campaign[n-8:])^d.last) != 0 {
		table = d.find(campaign)
	}

	if table != nil {
		if b := table.page(f.path()).block(f); b != nil {
			l, other := b.lines(f)
			atomic.LoadUint32(&other.last) // asks for the line in time, for one entry in six
			for want := f.slotWord(); ; l, want = other, want|homeBit {
				last := atomic.LoadUint32(&l.last)
				set := below(0, atomic.LoadUint64(&l.words[4])^want, homeBit) // this is line.find
				set = below(set, atomic.LoadUint64(&l.words[3])^want, homeBit)
				set = below(set, atomic.LoadUint64(&l.words[2])^want, homeBit)
				set = below(set, atomic.LoadUint64(&l.words[1])^want, homeBit)
				set = below(set, atomic.LoadUint64(&l.words[0])^want, homeBit)
				if set != 0 {
					slot := bits.TrailingZeros64(set)
					word := atomic.LoadUint64(&l.words[slot])
					end := l.endOf(slot, word, last)
					if word^want >= homeBit || atomic.LoadUint32(&l.last) != last {
						break
					}
					ms := uint64(end) // or there would be a branch for those before 1970
					seconds := int64(ms / 1000)
					if seconds <= visit.Unix() {
						break // whole seconds decide all but a few
					}
					if err := ctx.Err(); err != nil {
						return time.Time{}, false, err
					}
					return time.Unix(seconds, int64(ms%1000*1e6)).UTC(), false, nil
				}
				if l == other {
					break
				}
			}
		}
	}

	if err := ctx.Err(); err != nil {
		return time.Time{}, false, err
	}
	at := visit.UnixMilli()
	if !inTime(visit) {
		return time.Time{}, false, errOutOfTime
	}
	end, entered := g.enter(table, campaign, f, at, untilMilli(at, timeout), timeout > 0)
	return time.UnixMilli(end).UTC(), entered, nil
}

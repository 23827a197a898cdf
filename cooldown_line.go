package campaign

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// slotsPerLine is how many cooldowns a line holds.
const slotsPerLine = 5

// A line is one cache line with five cooldowns, and no pointer that the garbage
// collector would have to follow.
//
// Writers hold the lock of the page. Readers need none: a slot is filled with
// its end first and its key last, and each time a slot has been freed the
// version changes, before anything else is put there. So a reader that finds a
// key, then reads the rest of its end, and then finds last as it was, has read
// what belongs together. It must take the key and the lowest bits of the end
// from the same load: a slot may be freed, with the version yet to change. One
// that finds last changed, or no key, asks again under the lock. That decides
// in favour of the hit, which is what a busy site sees most.
//
// A version comes back after 131,072 slots of one line have been freed, so a
// reader would have to sleep between two loads for just as many visits of those
// few profiles to be misled.
//
// Readers load atomically, and so do writers store. Without it the program has
// a data race, and the compiler may do as it likes.
type line struct {
	words [slotsPerLine]uint64 // of each slot: 56 bits of key, 1 bit of home, the lowest 7 bits of the end; 0 is a free slot
	mids  [slotsPerLine]uint32 // of each slot: the next 32 bits of the end
	last  uint32               // the highest 3 bits of each end, then 17 bits of version
}

const (
	lowBits     = 7
	homeShift   = lowBits
	homeBit     = 1 << homeShift
	keyShift    = homeShift + 1
	highBits    = 3
	highMask    = 1<<highBits - 1
	highShift   = lowBits + 32
	versionStep = 1 << (slotsPerLine * highBits)
	lowMask     = 1<<lowBits - 1

	endBits  = 42
	endNever = 1<<endBits - 1 // the end of time; ends below it, and above 0, stand as they are
	noEnd    = math.MinInt64

	endOfTimeMilli = 253402300799999 // the last millisecond of the year 9999: what Until returns for Never
	firstTimeMilli = -62135596800000 // the year 1, which time.Time begins with
)

// encodeEnd returns how a slot writes an end, in Unix milliseconds. What does
// not fit, ends before 1970 and after May 2109, is kept in the side map.
func encodeEnd(end int64) (code uint64, ok bool) {
	if end == endOfTimeMilli {
		return endNever, true
	}
	return uint64(end), end > 0 && end < endNever
}

func decodeEnd(code uint64) int64 {
	if code == endNever {
		return endOfTimeMilli
	}
	return int64(code)
}

// find returns the set of slots that have a word but for its end. It compares all
// of them, without a branch: one that depends on memory that has not arrived yet
// keeps the processor from going on.
func (l *line) find(want uint64) uint64 {
	set := below(0, atomic.LoadUint64(&l.words[4])^want, homeBit)
	set = below(set, atomic.LoadUint64(&l.words[3])^want, homeBit)
	set = below(set, atomic.LoadUint64(&l.words[2])^want, homeBit)
	set = below(set, atomic.LoadUint64(&l.words[1])^want, homeBit)
	return below(set, atomic.LoadUint64(&l.words[0])^want, homeBit)
}

// below adds a bit to a set, which says whether a number is below another. It is
// two instructions: a subtraction, and an addition of what that borrows.
func below(set, x, limit uint64) uint64 {
	_, borrow := bits.Sub64(x, limit, 0)
	set, _ = bits.Add64(set, set, borrow)
	return set
}

// end returns the end in a slot that is in use.
func (l *line) end(slot int) int64 {
	return l.endOf(slot, atomic.LoadUint64(&l.words[slot]), atomic.LoadUint32(&l.last))
}

// endOf is end for a caller that has read the word of the slot, and the last one.
func (l *line) endOf(slot int, word uint64, last uint32) int64 {
	high := uint64(last) >> (highBits * slot & 63) & highMask
	return decodeEnd(word&lowMask | uint64(atomic.LoadUint32(&l.mids[slot]))<<lowBits | high<<highShift)
}

// All methods below need the lock.

// free returns a free slot, or -1.
func (l *line) free() int {
	set := below(0, l.words[4], 1)
	set = below(set, l.words[3], 1)
	set = below(set, l.words[2], 1)
	set = below(set, l.words[1], 1)
	set = below(set, l.words[0], 1)
	if set == 0 {
		return -1
	}
	return bits.TrailingZeros64(set)
}

// expired returns a slot whose cooldown ended before the horizon, or -1. No
// slot is free.
func (l *line) expired(horizon int64) int {
	for i := range slotsPerLine {
		if l.end(i) < horizon {
			return i
		}
	}
	return -1
}

// put fills a free slot. The key, last, makes it visible to readers.
func (l *line) put(slot int, key, code uint64) {
	atomic.StoreUint32(&l.mids[slot], uint32(code>>lowBits))
	if last := l.lastWith(slot, code); last != l.last {
		atomic.StoreUint32(&l.last, last)
	}
	atomic.StoreUint64(&l.words[slot], key<<homeShift|code&lowMask)
}

// fill is put for a line that no reader sees yet: an atomic store takes as long
// as twenty others.
func (l *line) fill(slot int, key, code uint64) {
	l.mids[slot] = uint32(code >> lowBits)
	l.last = l.lastWith(slot, code)
	l.words[slot] = key<<homeShift | code&lowMask
}

// lastWith returns l.last with the highest bits of an end.
func (l *line) lastWith(slot int, code uint64) uint32 {
	shift := highBits * slot & 31
	return l.last&^(highMask<<shift) | uint32(code>>highShift)<<shift
}

// clear frees the slots of a set. The version comes after: a reader that has
// seen one of their keys must find another version when somebody has put other
// ends there.
func (l *line) clear(set uint) {
	if set == 0 {
		return
	}
	for ; set != 0; set &= set - 1 {
		atomic.StoreUint64(&l.words[bits.TrailingZeros(set)], 0)
	}
	atomic.StoreUint32(&l.last, l.last+versionStep)
}

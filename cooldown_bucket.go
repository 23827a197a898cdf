package campaign

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// slotsPerBucket is how many cooldowns a bucket holds.
const slotsPerBucket = 9

// A bucket is two cache lines with nine cooldowns, and no pointer that the
// garbage collector would have to follow:
//
//	word  0       9 × 3 bits of fingerprint, then 37 bits of sequence number
//	words 1…9     9 × 64 bits of fingerprint; 0 is a free slot
//	words 10…15   9 × 42 bits of end
//
// Writers hold the lock of the shard. The sequence number is odd while one is
// at work, and never the same before and after, so that readers need no lock:
// they read what they need and look whether the number has stayed as it was. A
// reader that finds it changed, or finds nothing, asks again under the lock.
// That decides in favour of the hit, which is what a busy site sees most.
//
// All words are atomic, though the sequence number would find every torn read:
// without it the program has a data race, and the compiler may do as it likes.
type bucket struct {
	words [16]atomic.Uint64
}

const (
	seqStep   = 1 << (extraBits * slotsPerBucket)
	firstEnd  = 1 + slotsPerBucket
	endBits   = 42
	endMask   = 1<<endBits - 1
	endNever  = endMask // the end of time; ends below it, and above 0, stand as they are
	noEnd     = math.MinInt64
	extraMask = 1<<extraBits - 1

	endOfTimeMilli = 253402300799999 // see endOfTime
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

// find returns the slot of a fingerprint, or -1. The caller has the lock.
func (b *bucket) find(f fingerprint) int {
	header := b.words[0].Load()
	for set := b.matches(f.word); set != 0; set &= set - 1 {
		i := bits.TrailingZeros(set)
		if header>>(extraBits*i)&extraMask == f.extra {
			return i
		}
	}
	return -1
}

// matches returns the set of slots whose word is w. It compares all of them,
// without a branch: one that depends on memory that has not arrived yet keeps
// the processor from going on.
func (b *bucket) matches(w uint64) uint {
	return equal(b.words[1].Load(), w) | equal(b.words[2].Load(), w)<<1 | equal(b.words[3].Load(), w)<<2 |
		equal(b.words[4].Load(), w)<<3 | equal(b.words[5].Load(), w)<<4 | equal(b.words[6].Load(), w)<<5 |
		equal(b.words[7].Load(), w)<<6 | equal(b.words[8].Load(), w)<<7 | equal(b.words[9].Load(), w)<<8
}

func equal(a, b uint64) uint {
	if a == b {
		return 1
	}
	return 0
}

// free returns a free slot, or -1.
func (b *bucket) free() int {
	if set := b.matches(0); set != 0 {
		return bits.TrailingZeros(set)
	}
	return -1
}

// expired returns a slot whose cooldown ended before the horizon, or -1. No
// slot is free.
func (b *bucket) expired(horizon int64) int {
	for i := range slotsPerBucket {
		if b.end(i) < horizon {
			return i
		}
	}
	return -1
}

// at returns what a slot keeps; ok is false if it is free.
func (b *bucket) at(i int) (f fingerprint, end int64, ok bool) {
	f.word = b.words[1+i].Load()
	if f.word == 0 {
		return f, noEnd, false
	}
	f.extra = b.words[0].Load() >> (extraBits * i) & extraMask
	return f, b.end(i), true
}

// end returns the end in a slot that is in use. It reads two words even if one
// has it all, for the reason given at matches.
func (b *bucket) end(i int) int64 {
	at := uint(i) * endBits
	word, shift := firstEnd+at/64, at%64
	code := b.words[word%16].Load()>>shift | b.words[(word+1)%16].Load()<<(64-shift)
	return decodeEnd(code & endMask)
}

// put fills a slot.
func (b *bucket) put(i int, f fingerprint, code uint64) {
	header := b.words[0].Load() + seqStep
	b.words[0].Store(header)
	b.words[1+i].Store(f.word)
	b.putEnd(i, code)
	header &^= extraMask << (extraBits * i)
	b.words[0].Store(header + f.extra<<(extraBits*i) + seqStep)
}

func (b *bucket) putEnd(i int, code uint64) {
	at := uint(i) * endBits
	word, shift := firstEnd+at/64, at%64
	w := &b.words[word]
	w.Store(w.Load()&^(endMask<<shift) | code<<shift)
	if shift > 64-endBits {
		w, shift = &b.words[word+1], 64-shift
		w.Store(w.Load()&^(endMask>>shift) | code>>shift)
	}
}

// clear frees the slots of a set. A free slot needs no end.
func (b *bucket) clear(set uint) {
	if set == 0 {
		return
	}
	header := b.words[0].Load() + seqStep
	b.words[0].Store(header)
	for ; set != 0; set &= set - 1 {
		b.words[1+bits.TrailingZeros(set)].Store(0)
	}
	b.words[0].Store(header + seqStep)
}

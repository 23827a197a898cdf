package campaign

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// fullBuckets and emptyBuckets are how many entries a bucket has on
	// average when the table grows and when it shrinks. Seven of nine are 18
	// bytes for each entry; the distance keeps a shard from going to and fro.
	fullBuckets  = 7
	emptyBuckets = 4

	// maxChunk is the size of a chunk in a large shard, as a power of two: 256
	// buckets, 32 KiB. The collector looks at each chunk once and never into it.
	maxChunk = 8

	// The work of one Enter: so many buckets are added or removed, and so many
	// searched for expired entries.
	maxSteps = 2
	maxSweep = 4
)

// A shard is a part of a table with a lock of its own.
//
// It is a linear hash table (Litwin 1980): it grows by one bucket at a time,
// which takes over some entries of one other. So no Enter does more than a
// constant amount of work, and there is never an old table beside a new one: a
// table that doubles needs three times its memory for a moment, and leaves the
// garbage collector two thirds of it.
//
// Linear hashing fills buckets unevenly. Each entry therefore has two buckets
// to be in, of which the first is preferred, and may be moved to the other one
// to make room.
type shard struct {
	buckets atomic.Uint64              // how many are in use
	chunks  atomic.Pointer[[][]bucket] // see chunkOf; a missing chunk is allocated by who writes

	_ [48]byte // readers without the lock keep their cache line while others write

	mu      sync.Mutex
	gone    bool   // entries are elsewhere; ask the table again
	count   int    // slots in use
	entered uint64 // how many cooldowns began here
	floor   uint64 // how many buckets stay
	cursor  uint64 // the next bucket to search for expired entries

	// oldest is a time before which no entry ends; seen will be the next one,
	// when all buckets have been searched.
	oldest, seen int64

	// side keeps what no slot can: ends before 1970 and after 2109, and the
	// odd entry that finds no room.
	side map[fingerprint]int64
}

func (s *shard) init(buckets uint64) {
	s.floor = max(buckets, 1)
	s.buckets.Store(s.floor)
	s.oldest, s.seen = endOfTimeMilli, endOfTimeMilli
}

// chunkOf returns in which chunk, at which place, a bucket is. The first eight
// chunks have one bucket, the next eight have two, and so on: at most a ninth
// of a shard is allocated ahead of its use.
func chunkOf(bucket uint64) (chunk, place uint64, size int) {
	i := bucket + 8
	e := min(bits.Len64(i)-4, maxChunk)
	return uint64(e)*8 + i>>e - 8, i & (1<<e - 1), 1 << e
}

// An entry is a cooldown outside of its slot.
type entry struct {
	fingerprint
	end int64 // Unix milliseconds
}

// A layout says where entries belong in a shard that has so many buckets.
//
// Bucket i belongs to group i mod groups. The groups before the place where the
// shard grows next have one bucket more than the others. A shard begins a round
// with four buckets to a group, and ends it with eight, which are then two
// groups of four, without an entry being moved.
type layout struct {
	buckets uint64
	bits    int // groups are 1<<bits
}

// groupBuckets is how many buckets a group has at least. With 4, the fullest
// are a quarter fuller than the emptiest; plain linear hashing, which is 1, has
// twice as many entries in some buckets as in others.
const groupBuckets = 2

func layoutOf(buckets uint64) layout {
	return layout{buckets, max(bits.Len64(buckets)-bits.Len(groupBuckets), 0)}
}

// next returns the group of the bucket that comes next, and how many buckets
// the group has before it comes.
func (l layout) next() (group, size uint64) {
	return l.buckets & (1<<l.bits - 1), l.buckets >> l.bits
}

// first and second return the two buckets in which a fingerprint may be.
func (l layout) first(f fingerprint) uint64  { return l.bucket(f.first(), f.second()) }
func (l layout) second(f fingerprint) uint64 { return l.bucket(f.second(), f.first()) }

// bucket returns the bucket that a hash belongs to. Three bits choose a bucket
// of its group; those that the group does not have yet are spread over the
// others by some bits of the other hash.
func (l layout) bucket(hash, other uint64) uint64 {
	group := hash & (1<<l.bits - 1)
	next, size := l.next()
	if group < next {
		size++
	}
	i := hash >> l.bits & (2*groupBuckets - 1)
	switch {
	case size == groupBuckets:
		i &= groupBuckets - 1
	case i >= size:
		i = other & 0xff * size >> 8
	}
	return group + i<<l.bits
}

// bucket returns a bucket, or nil if its chunk has not been allocated.
func (s *shard) bucket(i uint64) *bucket {
	chunks := s.chunks.Load()
	if chunks == nil {
		return nil
	}
	chunk, place, _ := chunkOf(i)
	if chunk >= uint64(len(*chunks)) || place >= uint64(len((*chunks)[chunk])) {
		return nil
	}
	return &(*chunks)[chunk][place]
}

// allocated returns a bucket, whose chunk it allocates if need be. The list of
// chunks is copied, because readers may hold it: a few hundred bytes for each
// 64 KiB.
func (s *shard) allocated(i uint64) *bucket {
	if b := s.bucket(i); b != nil {
		return b
	}
	chunk, place, size := chunkOf(i)
	var old [][]bucket
	if p := s.chunks.Load(); p != nil {
		old = *p
	}
	chunks := make([][]bucket, max(chunk+1, uint64(len(old))))
	copy(chunks, old)
	chunks[chunk] = make([]bucket, size)
	s.chunks.Store(&chunks)
	return &chunks[chunk][place]
}

// peek returns the end of a cooldown without a lock, or noEnd if it is not sure
// to have found it.
//
// It may look at buckets that have just been emptied or dropped. It then finds
// nothing, or what was true when it began. Both buckets are read at once: to
// wait for the first before asking for the second takes twice as long whenever
// the second has it.
func (s *shard) peek(f fingerprint) int64 {
	l := layoutOf(s.buckets.Load())
	first, second := s.bucket(l.first(f)), s.bucket(l.second(f))
	if first == nil || second == nil {
		return noEnd
	}
	homes := [2]*bucket{first, second}
	headers := [2]uint64{first.words[0].Load(), second.words[0].Load()}
	set := first.matches(f.word) | second.matches(f.word)<<16
	if set == 0 {
		return noEnd
	}
	at := bits.TrailingZeros(set)
	b, header, slot := homes[at>>4&1], headers[at>>4&1], at&15
	end := b.end(slot)
	if header&seqStep != 0 || header>>(extraBits*slot)&extraMask != f.extra || b.words[0].Load() != header {
		return noEnd
	}
	return end
}

// All methods below need the lock.

func (s *shard) empty() bool { return s.count == 0 && len(s.side) == 0 }

// all returns what is kept.
func (s *shard) all() iter.Seq2[fingerprint, int64] {
	return func(yield func(fingerprint, int64) bool) {
		for i := range s.buckets.Load() {
			b := s.bucket(i)
			if b == nil {
				continue
			}
			for slot := range slotsPerBucket {
				if f, end, ok := b.at(slot); ok && !yield(f, end) {
					return
				}
			}
		}
		for f, end := range s.side {
			if !yield(f, end) {
				return
			}
		}
	}
}

// find returns the slot of an entry; b is nil if it is in no slot.
func (s *shard) find(f fingerprint) (b *bucket, slot int) {
	l := layoutOf(s.buckets.Load())
	for _, i := range [...]uint64{l.first(f), l.second(f)} {
		if b := s.bucket(i); b != nil {
			if i := b.find(f); i >= 0 {
				return b, i
			}
		}
	}
	return nil, -1
}

// end returns the end that is kept, or noEnd.
func (s *shard) end(f fingerprint) int64 {
	_, _, end := s.lookup(f)
	return end
}

// lookup returns the end that is kept, or noEnd, and the slot if it is in one.
func (s *shard) lookup(f fingerprint) (b *bucket, slot int, end int64) {
	if b, slot = s.find(f); b != nil {
		return b, slot, b.end(slot)
	}
	if end, ok := s.side[f]; ok {
		return nil, -1, end
	}
	return nil, -1, noEnd
}

// set keeps an end in place of any other. Room is made where a cooldown ended
// before the horizon.
func (s *shard) set(f fingerprint, end, horizon int64) {
	b, slot, kept := s.lookup(f)
	s.replace(b, slot, kept, f, end, horizon)
}

// replace is set for who has looked up what is there.
func (s *shard) replace(b *bucket, slot int, kept int64, f fingerprint, end, horizon int64) {
	if code, fits := encodeEnd(end); b != nil && fits {
		b.put(slot, f, code)
		s.note(end)
		return
	}
	if kept != noEnd {
		s.remove(f)
	}
	s.add(f, end, horizon)
}

// add keeps the end of an entry that is not there.
func (s *shard) add(f fingerprint, end, horizon int64) {
	s.note(end)
	if code, fits := encodeEnd(end); fits && s.place(f, code, horizon) {
		return
	}
	if s.side == nil {
		s.side = make(map[fingerprint]int64)
	}
	s.side[f] = end
}

// note keeps what is known of the ends.
func (s *shard) note(end int64) {
	s.oldest = min(s.oldest, end)
	s.seen = min(s.seen, end)
}

// remove forgets an entry.
func (s *shard) remove(f fingerprint) {
	if b, i := s.find(f); b != nil {
		b.clear(1 << i)
		s.count--
	}
	delete(s.side, f)
}

// place puts a new entry in one of its two buckets. It returns false if they
// are full of running cooldowns and none of those can move.
func (s *shard) place(f fingerprint, code uint64, horizon int64) bool {
	l := layoutOf(s.buckets.Load())
	homes := [...]uint64{l.first(f), l.second(f)}
	for _, i := range homes {
		b := s.allocated(i)
		if slot := s.vacate(b, horizon); slot >= 0 {
			b.put(slot, f, code)
			s.count++
			return true
		}
	}
	for _, i := range homes {
		b := s.allocated(i)
		if slot := s.displace(l, b, i, horizon); slot >= 0 {
			b.put(slot, f, code)
			s.count++
			return true
		}
	}
	return false
}

// vacate returns a slot that is free, or freed because its cooldown has
// expired, or -1.
func (s *shard) vacate(b *bucket, horizon int64) int {
	if i := b.free(); i >= 0 {
		return i
	}
	if s.oldest >= horizon {
		return -1 // nothing has expired
	}
	i := b.expired(horizon)
	if i >= 0 {
		b.clear(1 << i)
		s.count--
	}
	return i
}

// displace copies one entry of a full bucket to its other bucket, and returns
// the slot that it leaves, or -1. The slot is to be overwritten at once: until
// then the entry is in both places, so that no reader misses it.
func (s *shard) displace(l layout, from *bucket, index uint64, horizon int64) int {
	for slot := range slotsPerBucket {
		f, end, _ := from.at(slot)
		other := l.first(f)
		if other == index {
			other = l.second(f)
		}
		if other == index {
			continue
		}
		to := s.allocated(other)
		if place := s.vacate(to, horizon); place >= 0 {
			code, _ := encodeEnd(end)
			to.put(place, f, code)
			s.note(end)
			return slot
		}
	}
	return -1
}

// tend does a bounded amount of work: it frees expired slots, and makes the
// shard larger or smaller.
func (s *shard) tend(horizon int64, sweep, steps int) {
	s.sweep(horizon, sweep)
	for range steps {
		n := s.buckets.Load()
		switch {
		case s.count > fullBuckets*int(n):
			s.resize(n+1, horizon)
		case s.count < emptyBuckets*int(n) && n > s.floor:
			s.resize(n-1, horizon)
		default:
			return
		}
	}
}

// sweep frees the expired slots of the next bucket, and of more if there are
// many of them: a peak that is over goes faster than a stream that flows.
func (s *shard) sweep(horizon int64, most int) {
	if s.oldest >= horizon {
		return
	}
	for range most {
		if s.cursor >= s.buckets.Load() {
			s.cursor, s.oldest, s.seen = 0, s.seen, endOfTimeMilli
			s.sweepSide(horizon)
		}
		freed := 0
		if b := s.bucket(s.cursor); b != nil {
			freed = s.sweepBucket(b, horizon)
		}
		s.cursor++
		if freed < slotsPerBucket/3 {
			return
		}
	}
}

func (s *shard) sweepBucket(b *bucket, horizon int64) (freed int) {
	var set uint
	for i := range slotsPerBucket {
		switch _, end, ok := b.at(i); {
		case !ok:
		case end < horizon:
			set |= 1 << i
		default:
			s.seen = min(s.seen, end)
		}
	}
	b.clear(set)
	freed = bits.OnesCount(set)
	s.count -= freed
	return freed
}

// sweepSide forgets some of what has expired in the side map.
func (s *shard) sweepSide(horizon int64) {
	looked := 0
	for f, end := range s.side {
		if looked++; looked > maxSweep*slotsPerBucket {
			s.seen = min(s.seen, horizon-1) // come back
			return
		}
		if end < horizon {
			delete(s.side, f)
			continue
		}
		s.seen = min(s.seen, end)
	}
}

// resize adds a bucket or removes the last one. The entries that then belong
// elsewhere are all in the group of that bucket: 36 at most. Readers that miss
// one on its way wait for the lock.
func (s *shard) resize(buckets uint64, horizon int64) {
	least := min(buckets, s.buckets.Load())
	was, l := layoutOf(least), layoutOf(buckets)
	group, size := was.next()
	s.buckets.Store(buckets)
	var moving [2 * groupBuckets * slotsPerBucket]entry
	n := 0
	s.fetch(group, was.bits, size)
	for j := range size + 1 {
		index := group + j<<was.bits
		b := s.bucket(index)
		if b == nil {
			continue
		}
		var set uint
		for slot := range slotsPerBucket {
			f, end, ok := b.at(slot)
			if !ok || l.first(f) == index || l.second(f) == index {
				continue
			}
			set |= 1 << slot
			moving[n] = entry{f, end}
			n++
		}
		b.clear(set)
	}
	s.count -= n
	for _, e := range moving[:n] {
		if e.end >= horizon {
			s.add(e.fingerprint, e.end, horizon)
		}
	}
	if buckets == least {
		s.cut(least)
	}
}

// fetch has the buckets of a group brought to the cache all at once.
func (s *shard) fetch(group uint64, bits int, size uint64) {
	for j := range size {
		if b := s.bucket(group + j<<bits); b != nil {
			b.words[0].Load()
		}
	}
}

// cut drops the chunk of bucket n, which is the last, if it has no other.
func (s *shard) cut(n uint64) {
	chunk, place, _ := chunkOf(n)
	if place != 0 {
		return
	}
	chunks := append([][]bucket(nil), (*s.chunks.Load())[:chunk]...)
	s.chunks.Store(&chunks)
}

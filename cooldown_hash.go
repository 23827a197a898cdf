package campaign

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

// A hashKey makes fingerprints that nobody can foresee without knowing it.
//
// The function is SipHash-1-3. It is written out here because hash/maphash has a
// key that cannot be saved, so that a snapshot would be worthless after a
// restart, and because crypto/hmac takes ten times as long.
// SipHash-2-4 has a wider margin, which matters where results are shown; here
// they are not, and half of the time of finding a cooldown would go to it.
type hashKey struct{ k0, k1 uint64 }

func newHashKey() hashKey {
	var b [16]byte
	rand.Read(b[:]) // never fails: the program ends if the system has no randomness
	return hashKeyFrom(b)
}

func hashKeyFrom(b [16]byte) hashKey {
	return hashKey{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

func (k hashKey) bytes() (b [16]byte) {
	binary.LittleEndian.PutUint64(b[:8], k.k0)
	binary.LittleEndian.PutUint64(b[8:], k.k1)
	return b
}

// A fingerprint stands for a profile ID: 66 bits of its hash. A slot keeps 56
// of them, the key. The other 10 follow from where it is: in a page, whose
// index ends with 3 of them, and in a line.
type fingerprint struct {
	word  uint64 // 56 bits of key, 3 of page, 5 of line
	extra uint64 // 2 bits of line
}

const (
	extraBits = 2
	keyBits   = 56
	keyMask   = 1<<keyBits - 1
	pageBits  = 3
	pageMask  = 1<<pageBits - 1

	// The highest bits of a key choose the other line, the next ones the block
	// as long as there are few. The lowest ones go on with the path.
	otherShift  = keyBits - lineBits
	spreadBits  = 8
	spreadShift = otherShift - spreadBits
)

// fingerprint returns the fingerprint of a profile ID.
func (k hashKey) fingerprint(profile string) fingerprint {
	lo, extra := k.sum66(profile)
	if lo&keyMask == 0 {
		lo++ // it would be a free slot
	}
	return fingerprint{lo, extra}
}

// fingerprintOf returns the fingerprint of an entry by its key and its place:
// the index of its page, its line, and whether that is its other line.
func fingerprintOf(key, index, line uint64, other bool) fingerprint {
	if other {
		line ^= otherLine(key)
	}
	return fingerprint{key | index&pageMask<<keyBits | line<<(keyBits+pageBits), line >> (lineBits - extraBits)}
}

func (f fingerprint) key() uint64  { return f.word & keyMask }
func (f fingerprint) line() uint64 { return f.word>>(keyBits+pageBits) | f.extra<<(lineBits-extraBits) }

// path leads to the page of an entry, by as many of its lowest bits as the
// table needs, and from there to its block.
func (f fingerprint) path() uint64 { return f.word<<pageBits | f.word>>keyBits&pageMask }

func (f fingerprint) spread() uint64 { return f.word >> spreadShift & (1<<spreadBits - 1) }

// other is what leads from one of the two lines of an entry to the other. It is
// odd, so that they differ.
func (f fingerprint) other() uint64 { return otherLine(f.key()) }

func otherLine(key uint64) uint64 { return key>>otherShift | 1 }

// sum66 is SipHash-1-3 of s, and two more bits of the state that it ends with.
// SipHash-1-3-128 would have them too, for three more rounds.
func (k hashKey) sum66(s string) (lo, extra uint64) {
	v0 := k.k0 ^ 0x736f6d6570736575
	v1 := k.k1 ^ 0x646f72616e646f6d
	v2 := k.k0 ^ 0x6c7967656e657261
	v3 := k.k1 ^ 0x7465646279746573
	last := uint64(len(s)) << 56
	for len(s) >= 8 {
		m := littleEndian(s)
		s = s[8:]
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	for i := range len(s) {
		last |= uint64(s[i]) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3, (v0 ^ v2) & (1<<extraBits - 1)
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// littleEndian reads the first eight bytes of s. The compiler makes one load of
// it; encoding/binary would need a copy of the string.
func littleEndian(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

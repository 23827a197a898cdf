package campaign

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

// A hashKey makes fingerprints that nobody can foresee without knowing it.
//
// The function is SipHash-1-3 with 128 bits of result. It is written out here
// because hash/maphash has a key that cannot be saved, so that a snapshot would
// be worthless after a restart, and because crypto/hmac takes ten times as long.
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

// A fingerprint stands for a profile ID: 67 bits of its hash.
type fingerprint struct {
	word  uint64 // not 0, which marks a free slot
	extra uint64 // below 8
}

const extraBits = 3

// fingerprint returns the fingerprint of a profile ID.
func (k hashKey) fingerprint(profile string) fingerprint {
	lo, hi := k.sum128(profile)
	return fingerprint{word: max(lo, 1), extra: hi & (1<<extraBits - 1)}
}

// Both choices of a bucket and that of the shard come from bits that a slot
// keeps, so that entries can move without their IDs. They do not overlap.
func (f fingerprint) first() uint64  { return f.word & (1<<28 - 1) }
func (f fingerprint) second() uint64 { return f.word >> 28 & (1<<28 - 1) }
func (f fingerprint) shard() uint64  { return f.word >> 56 }

// sum128 is SipHash-1-3 of s with 128 bits of result.
func (k hashKey) sum128(s string) (lo, hi uint64) {
	v0 := k.k0 ^ 0x736f6d6570736575
	v1 := k.k1 ^ 0x646f72616e646f6d ^ 0xee
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
	v2 ^= 0xee
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	lo = v0 ^ v1 ^ v2 ^ v3
	v1 ^= 0xdd
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return lo, v0 ^ v1 ^ v2 ^ v3
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

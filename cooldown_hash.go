package campaign

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// A hashKey makes fingerprints that nobody can foresee without knowing it. It is
// written out here because hash/maphash has a key that cannot be saved, so that a
// snapshot would be worthless after a restart.
type hashKey struct {
	k0, k1  uint64
	starts  [maxShort + 1]factor // made of them, for each length of an ID
	factors [1 + maxWords]factor // these too
}

// A factor is a number of 128 bits, by which words are multiplied.
type factor struct{ hi, lo uint64 }

// maxShort is how long an ID is at most, if it is not for SipHash, and maxWords how
// many words of eight bytes it has.
const (
	maxShort = 64
	maxWords = maxShort / 8
)

func newHashKey() hashKey {
	var b [16]byte
	rand.Read(b[:]) // never fails: the program ends if the system has no randomness
	return hashKeyFrom(b)
}

func hashKeyFrom(b [16]byte) hashKey {
	k := hashKey{k0: binary.LittleEndian.Uint64(b[:8]), k1: binary.LittleEndian.Uint64(b[8:])}
	number := func(i int) factor {
		sum := sha256.Sum256(append(b[:], byte(i)))
		return factor{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])}
	}
	for i := range k.factors {
		k.factors[i] = number(i)
	}
	for i := range k.starts {
		k.starts[i] = number(len(k.factors) + i)
	}
	return k
}

func (k *hashKey) bytes() (b [16]byte) {
	binary.LittleEndian.PutUint64(b[:8], k.k0)
	binary.LittleEndian.PutUint64(b[8:], k.k1)
	return b
}

// A fingerprint stands for a profile ID: 66 bits of its hash. A slot keeps 56
// of them, the key. The other 10 follow from where it is: in a page, whose
// index ends with one of them, and in a line.
type fingerprint struct {
	word  uint64 // 1 bit of page, 56 of key, 7 of line
	extra uint64 // 2 bits of line
}

const (
	extraBits = 2
	keyBits   = 56
	keyMask   = 1<<keyBits - 1
	pageBits  = 1
	pageMask  = 1<<pageBits - 1
	lineShift = pageBits + keyBits

	// The highest bits of a key choose the other line, the next ones the block
	// as long as there are few. The lowest ones go on with the path.
	otherShift  = keyBits - lineBits
	spreadBits  = 6
	spreadMask  = 1<<spreadBits - 1
	spreadShift = otherShift - spreadBits
	pathMask    = 7 // bits of path that say which block, as there are no more than eight
)

// fingerprint returns the fingerprint of a profile ID.
//
// The words of the ID are multiplied by the factors, and added modulo 2^128 to a
// start, which is another one for each length; of that, the highest 66 bits count.
// With words below 2^63, two different lists of them have the same bits with a chance
// of 2^-66, whoever chose them, as long as starts and factors are random to them
// (multilinear hashing; see Lemire and Kaser, "Strongly universal string hashing is
// fast", 2014). So the highest bits of the words are in a word of their own, which is
// nothing in ASCII. The last word overlaps the one before, so that all are whole.
//
// It takes a third of the instructions of SipHash-1-3, to which longer IDs are
// left, as there would be no end of factors. Of that the same chance is expected,
// and not proven.
func (k *hashKey) fingerprint(profile string) fingerprint {
	n := len(profile)
	if n > maxShort {
		return k.sip66(profile)
	}
	sum := k.starts[n]
	if n < 8 {
		return sum.plus(k.factors[1], shortWord(profile)).fingerprint()
	}
	last := eightBytes(profile[n-8:])
	tops := last >> 63
	sum = sum.plus(k.factors[1], last&^topBit)
	for i := range max((n-1)/8, 1) {
		word := eightBytes(profile[8*i:])
		tops |= word >> 63 << (i + 1)
		sum = sum.plus(k.factors[2+i], word&^topBit)
	}
	return sum.plus(k.factors[0], tops).fingerprint()
}

const topBit = 1 << 63

// plus returns f + g * word, modulo 2^128.
func (f factor) plus(g factor, word uint64) factor {
	hi, lo := bits.Mul64(g.lo, word)
	lo, carry := bits.Add64(f.lo, lo, 0)
	hi, _ = bits.Add64(f.hi, hi+g.hi*word, carry)
	return factor{hi, lo}
}

// fingerprint returns the highest 66 bits, the first 64 so mixed up that IDs that
// are like each other, as numbers in a row, are spread as if they were not.
// Different ones stay different: each step can be undone.
func (f factor) fingerprint() fingerprint {
	h := (f.hi ^ f.hi>>32) * 0x9e3779b97f4a7c15
	return fingerprintFrom(h^h>>32, f.lo>>(64-extraBits))
}

// fingerprintFrom makes a fingerprint of 66 bits. One in 2^56 has the key 0, which
// would be a free slot, and gets the key 1. The chance that two are the same grows
// with that from 2^-66 by 2^-121.
func fingerprintFrom(lo, extra uint64) fingerprint {
	if lo&(keyMask<<pageBits) == 0 {
		lo |= 1 << pageBits
	}
	return fingerprint{lo, extra}
}

// fingerprintOf returns the fingerprint of an entry by its key and its place:
// the index of its page, its line, and whether that is its other line.
func fingerprintOf(key, index, line uint64, other bool) fingerprint {
	if other {
		line ^= otherLine(key)
	}
	return fingerprint{index&pageMask | key<<pageBits | line<<lineShift, line >> (lineBits - extraBits)}
}

func (f fingerprint) key() uint64 { return f.word >> pageBits & keyMask }

// slotWord is what the slot of an entry has, in its first line, but for the end.
func (f fingerprint) slotWord() uint64 { return f.word >> pageBits << keyShift }

func (f fingerprint) line() uint64 { return f.word>>lineShift | f.extra<<(lineBits-extraBits) }

// path leads to the page of an entry, by as many of its lowest bits as the
// table needs, and from there to its block.
func (f fingerprint) path() uint64 { return f.word }

func (f fingerprint) spread() uint64 { return f.word >> (spreadShift + pageBits) & spreadMask }

// other is what leads from one of the two lines of an entry to the other. It is
// odd, so that they differ.
func (f fingerprint) other() uint64 { return (f.word>>(otherShift+pageBits) | 1) % linesPerBlock }

func otherLine(key uint64) uint64 { return key>>otherShift | 1 }

// sip66 is SipHash-1-3 of s, and two more bits of the state that it ends with.
// SipHash-1-3-128 would have them too, for three more rounds.
func (k *hashKey) sip66(s string) fingerprint {
	v0 := k.k0 ^ 0x736f6d6570736575
	v1 := k.k1 ^ 0x646f72616e646f6d
	v2 := k.k0 ^ 0x6c7967656e657261
	v3 := k.k1 ^ 0x7465646279746573
	last := uint64(len(s)) << 56
	for len(s) >= 8 {
		m := eightBytes(s)
		s = s[8:]
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	last |= shortWord(s)
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return fingerprintFrom(v0^v1^v2^v3, (v0^v2)&(1<<extraBits-1))
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

// shortWord is eightBytes of a text that ends before the word does.
func shortWord(s string) (word uint64) {
	for i := range len(s) {
		word |= uint64(s[i]) << (8 * i)
	}
	return word
}

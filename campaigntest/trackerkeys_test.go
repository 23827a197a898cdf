package campaigntest

import (
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"hash/fnv"
	"slices"
	"testing"
)

// shortHashes are hashes of 32 bits that programs have at hand.
func shortHashes() map[string]func(s string) uint32 {
	of := func(h hash.Hash32) func(s string) uint32 {
		return func(s string) uint32 {
			h.Reset()
			h.Write([]byte(s))
			return h.Sum32()
		}
	}
	times := func(factor uint32) func(s string) uint32 {
		return func(s string) (h uint32) {
			for _, b := range []byte(s) {
				h = h*factor + uint32(b)
			}
			return h
		}
	}
	return map[string]func(s string) uint32{
		"CRC32":            of(crc32.NewIEEE()),
		"CRC32 Castagnoli": of(crc32.New(crc32.MakeTable(crc32.Castagnoli))),
		"FNV-1":            of(fnv.New32()),
		"FNV-1a":           of(fnv.New32a()),
		"Adler32":          of(adler32.New()),
		"times 31":         times(31), // that of Java
		"times 33":         times(33),
	}
}

// collision searches for two strings of the same length and the same hash. They
// are scattered: among numbers in a row, some hashes have none for a long time.
func collision(h func(s string) uint32) (a, b string) {
	seen := map[uint32]string{}
	for i := uint64(1); ; i++ {
		s := fmt.Sprintf("%016x", i*0x9e3779b97f4a7c15)
		if other, ok := seen[h(s)]; ok {
			return other, s
		}
		seen[h(s)] = s
	}
}

func TestKeysWithEqualHashes(t *testing.T) {
	for name, h := range shortHashes() {
		t.Run(name, func(t *testing.T) {
			for pair := range slices.Chunk(equalHashes, 2) {
				if h(pair[0]) == h(pair[1]) && len(pair[0]) == len(pair[1]) {
					return
				}
			}
			a, b := collision(h)
			t.Errorf("no pair of equalHashes has the same hash; these have: %q, %q", a, b)
		})
	}
}

package campaign

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strings"
	"testing"
)

func testKey(n byte) hashKey { return hashKeyFrom([16]byte{n, 15: n}) }

// slowFingerprint is the definition of the hash: the highest 66 bits of the number of
// the length + number 0 * highest bits of the words + the sum of number i * word i,
// mixed. Words count from 1.
func slowFingerprint(k *hashKey, id string) fingerprint {
	number := func(i int) *big.Int {
		raw := binary.LittleEndian.AppendUint64(nil, k.k0)
		raw = append(binary.LittleEndian.AppendUint64(raw, k.k1), byte(i))
		sum := sha256.Sum256(raw)
		hi, lo := binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:])
		return new(big.Int).Or(new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64), new(big.Int).SetUint64(lo))
	}
	words := []string{id + strings.Repeat("\x00", max(0, 8-len(id)))} // the last one comes first
	if len(id) >= 8 {
		words[0] = id[len(id)-8:]
		words = append(words, id[:8])
		for rest := id[8:]; len(rest) > 8; rest = rest[8:] {
			words = append(words, rest[:8])
		}
	}
	sum, tops := number(1+maxWords+len(id)), uint64(0)
	for i, bytes := range words {
		word := binary.LittleEndian.Uint64([]byte(bytes))
		tops |= word >> 63 << i
		sum.Add(sum, new(big.Int).Mul(number(1+i), new(big.Int).SetUint64(word&math.MaxInt64)))
	}
	sum.Add(sum, new(big.Int).Mul(number(0), new(big.Int).SetUint64(tops)))
	high := new(big.Int).Rsh(new(big.Int).Mod(sum, new(big.Int).Lsh(big.NewInt(1), 128)), 62)
	h := new(big.Int).Rsh(high, 2).Uint64()
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	return fingerprintFrom(h^h>>32, new(big.Int).And(high, big.NewInt(3)).Uint64())
}

func TestFingerprint(t *testing.T) {
	k := testKey(1)
	for n := range 8*maxWords + 1 {
		for _, id := range []string{
			strings.Repeat("\x00", n), strings.Repeat("\xff", n), strings.Repeat("\x80", n),
			strings.Repeat("abcdefg\xe9klmn", 8)[:n], strings.Repeat("\xc3\xbc1", 30)[:n],
		} {
			if got, want := k.fingerprint(id), slowFingerprint(&k, id); got != want {
				t.Fatalf("fingerprint of %q = %x, want %x", id, got, want)
			}
		}
	}
}

// A snapshot holds fingerprints. If these change, so does snapshotVersion, or cooldowns
// that are read again would be nobody's.
func TestFingerprintsOfSnapshots(t *testing.T) {
	if snapshotVersion != 5 {
		t.Errorf("the version of snapshots is %d, want 5 with the fingerprints below", snapshotVersion)
	}
	k := testKey(1)
	for _, tt := range []struct {
		id   string
		want fingerprint
	}{
		{"", fingerprint{0x2db16b3b92d1182a, 3}},
		{"4711", fingerprint{0xa623d38d5157e680, 2}},
		{"customer-4711", fingerprint{0xcd1ce1cc7e8f4498, 3}},
		{"3f2504e0-4f89-41d3-9a0c-0305e82c3301", fingerprint{0x2d1aa04ef1b063cf, 1}},
		{"zoë@example.org", fingerprint{0x1ba2edcb7798dbbb, 1}},
		{strings.Repeat("x", 8*maxWords+1), fingerprint{0x85b8f01f01bdb320, 2}},
	} {
		if got := k.fingerprint(tt.id); got != tt.want {
			t.Errorf("fingerprint of %q = %#v, want %#v", tt.id, got, tt.want)
		}
	}
}

// The reference has the key 00 01 … 0f, and gives this for no text.
func TestSipHash(t *testing.T) {
	k := hashKeyFrom([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	if got, want := k.sip66("").word, uint64(0xabac0158050fc4dc); got != want {
		t.Errorf("SipHash-1-3 of no text = %x, want %x", got, want)
	}
}

// IDs that differ in a bit, or in their length, have different fingerprints.
func TestFingerprintsDiffer(t *testing.T) {
	k := testKey(2)
	seen := make(map[fingerprint]string)
	add := func(id string) {
		t.Helper()
		f := k.fingerprint(id)
		if other, ok := seen[f]; ok && other != id {
			t.Errorf("%.40q (%d bytes) and %.40q (%d) have the same fingerprint", id, len(id), other, len(other))
		}
		seen[f] = id
	}
	for n := range 200 {
		for _, c := range []string{"\x00", "\x01", "\x80", "\xff", "a"} {
			id := strings.Repeat(c, n)
			add(id)
			// One bit of it, wherever it is, makes another ID.
			for i := range n {
				for bit := range 8 {
					flipped := []byte(id)
					flipped[i] ^= 1 << bit
					add(string(flipped))
				}
			}
		}
	}
}

// IDs that are like each other are spread over the pages, blocks and lines as if
// they were not, whatever the key: or some lines would be full while others are
// empty.
func TestFingerprintsAreSpread(t *testing.T) {
	const n, buckets = 1 << 15, 1 << 10
	families := map[string]func(i int) string{
		"numbers":       func(i int) string { return fmt.Sprint(i) },
		"padded":        func(i int) string { return fmt.Sprintf("customer%08d", i) },
		"prefix":        func(i int) string { return fmt.Sprintf("profile-of-shop-%d", i) },
		"hex":           func(i int) string { return fmt.Sprintf("%032x", i) },
		"backwards":     func(i int) string { return fmt.Sprintf("%016x@example.org", bits.Reverse64(uint64(i))) },
		"binary":        func(i int) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(i))) },
		"binary, high":  func(i int) string { return string(binary.BigEndian.AppendUint64(nil, uint64(i))) },
		"two halves":    func(i int) string { return fmt.Sprintf("%08d%08d", i, i) },
		"steps":         func(i int) string { return fmt.Sprintf("%012d", i*1000) },
		"one long each": func(i int) string { return strings.Repeat("x", 60) + fmt.Sprint(i) },
	}
	parts := map[string]func(f fingerprint) uint64{
		"line":  func(f fingerprint) uint64 { return (f.line() | f.key()<<lineBits) % buckets },
		"path":  func(f fingerprint) uint64 { return f.path() % buckets },
		"other": func(f fingerprint) uint64 { return f.key() >> (keyBits - 10) },
		"block": func(f fingerprint) uint64 { return f.spread() | f.path()&15<<spreadBits },
	}
	for name, id := range families {
		for seed := range byte(4) {
			k := testKey(seed)
			counts := make(map[string][]int)
			for part := range parts {
				counts[part] = make([]int, buckets)
			}
			for i := range n {
				f := k.fingerprint(id(i))
				for part, of := range parts {
					counts[part][of(f)]++
				}
			}
			for part, list := range counts {
				var chi float64
				for _, c := range list {
					d := float64(c) - n/buckets
					chi += d * d / (n / buckets)
				}
				// 1023 degrees of freedom: 45 is the standard deviation.
				if chi > 1023+6*45 || chi < 1023-6*45 {
					t.Errorf("%s with key %d: the %ss are spread with chi square %.0f, want about 1023", name, seed, part, chi)
				}
			}
		}
	}
}

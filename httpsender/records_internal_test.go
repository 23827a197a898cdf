package httpsender

import (
	"math/rand/v2"
	"testing"
)

// However the bytes come, in pieces of a few or all at once, only what ends with a
// record is whole.
func TestRecordsAreFollowedInAnyPieces(t *testing.T) {
	var stream []byte
	ends := map[int]bool{0: true}
	for _, n := range []int{0, 1, 5, 300, 0, 0, 16<<10 + 256, 2} {
		stream = append(stream, 23, 3, 3, byte(n>>8), byte(n))
		stream = append(stream, make([]byte, n)...)
		ends[len(stream)] = true
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var r records
		for at := 0; at < len(stream); {
			n := min(1+rng.IntN(1+rng.IntN(400)), len(stream)-at)
			r.follow(stream[at : at+n])
			at += n
			if r.whole() != ends[at] {
				t.Fatalf("seed %d: after %d bytes whole() = %t, want %t", seed, at, r.whole(), ends[at])
			}
		}
	}
}

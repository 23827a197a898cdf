package campaign

// Inside the package: how many campaigns are many, nobody outside can tell.

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever is added, in whichever order and however often: each comes out once, in order.
func TestHitsComeInOrderAndOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	most := 3 * len(hitList{}.few)
	for n := range most {
		for range 200 {
			var h hitList
			var want []int32
			for range n {
				campaign := r.Int32N(int32(1 + n + n/2))
				h.add(campaign)
				want = append(want, campaign)
			}
			added := slices.Clone(want)
			slices.Sort(want)
			if got := h.inOrder(); !slices.Equal(got, slices.Compact(want)) {
				t.Fatalf("hits of %v = %v, want %v", added, got, slices.Compact(want))
			}
		}
	}
}

package campaign

import (
	"math/rand/v2"
	"testing"
)

// scanOdd may see something where there is nothing, which costs time only. It
// must see whatever a look at each byte sees, wherever that stands.
func TestScanOddMissesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plain := "abcXYZ019/-._~:?&='()*+,;@$!<>[]^`{|}\"#"
	for range 200_000 {
		b := make([]byte, r.IntN(80))
		for i := range b {
			b[i] = plain[r.IntN(len(plain))]
		}
		for range r.IntN(3) {
			if len(b) > 0 {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
		}
		odd, percent := false, false
		for _, c := range b {
			odd = odd || c <= ' ' || c >= 0x80
			percent = percent || c == '%'
		}
		gotOdd, gotPercent := scanOdd(string(b))
		if odd && !gotOdd || percent && !gotPercent {
			t.Fatalf("scanOdd(%q) = %t, %t, want %t, %t", b, gotOdd, gotPercent, odd, percent)
		}
	}
	// An ordinary address is not taken for an odd one, or all would be slow.
	for _, plain := range []string{"https://www.shop.example/shoes/trail-runner-7?utm_source=newsletter&size=44#reviews", "/sh#!", "/shoes?$"} {
		if odd, percent := scanOdd(plain); odd || percent {
			t.Errorf("scanOdd(%q) = %t, %t, want false for both", plain, odd, percent)
		}
	}
}

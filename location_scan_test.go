package campaign

import (
	"math/rand/v2"
	"testing"
)

// scanOdd sees what a look at each byte sees, wherever that stands.
func TestScanOdd(t *testing.T) {
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
		if gotOdd != odd || gotPercent != percent {
			t.Fatalf("scanOdd(%q) = %t, %t, want %t, %t", b, gotOdd, gotPercent, odd, percent)
		}
	}
}

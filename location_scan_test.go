package campaign

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What looks at eight bytes at a time sees what a look at each byte sees, wherever that
// stands. These tests are inside: through location.parse, what is seen where there is
// nothing costs time and is not wrong.

// scanned calls f with texts of all lengths up to some 80, most bytes of which are in
// usual, and a few are any.
func scanned(usual string, f func(s string)) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		b := make([]byte, r.IntN(80))
		for i := range b {
			b[i] = usual[r.IntN(len(usual))]
		}
		for range r.IntN(3) {
			if len(b) > 0 {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
		}
		f(string(b))
	}
}

func TestHasBelow(t *testing.T) {
	scanned("abcXYZ019/-._~:?&='()*+,;@<>[]^`{|}", func(s string) {
		for _, c := range []byte{' ' + 1, '&'} {
			want := false
			for i := range len(s) {
				want = want || s[i] < c || s[i] >= 0x80
			}
			if got := hasBelow(s, c); got != want {
				t.Fatalf("hasBelow(%q, %q) = %t, want %t", s, c, got, want)
			}
		}
	})
}

func TestPathEnd(t *testing.T) {
	scanned("abcdefghijklmnopqrstuvwxyz/-019", func(s string) {
		path, rest, _ := strings.Cut(s, "?")
		end, unusual := pathEnd(s)
		if end != len(path) {
			t.Fatalf("pathEnd(%q) = %d, want %d", s, end, len(path))
		}
		if !unusual && strings.ContainsAny(path, `.\`) {
			t.Fatalf("pathEnd(%q) saw nothing unusual in the path", s)
		}
		near := path + rest[:min(len(rest), 7)] // what may be looked at together
		if unusual && isASCII(near) && !strings.ContainsAny(near, `.\`) {
			t.Fatalf("pathEnd(%q) saw something unusual in the path", s)
		}
	})
}

func TestPlainHostEnd(t *testing.T) {
	plain := 0
	for _, usual := range []string{"abcdefghijklmnopqrstuvwxyz.-", "abcdefghijklmnopqrstuvwxyz0123456789._-/?#"} {
		scanned(usual, func(s string) {
			want := plainHostByRules(s)
			if got := plainHostEnd(s); got != want {
				t.Fatalf("plainHostEnd(%q) = %d, want %d", s, got, want)
			}
			if want != 0 {
				plain++
			}
		})
	}
	if plain < 5_000 {
		t.Errorf("%d of the hosts were plain, want many", plain)
	}
}

func plainHostByRules(s string) int {
	host, _ := cutAny(s, "/?#")
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" ||
		last == "" || strings.Contains("0123456789", last[:1]) || strings.Contains(host, "--") {
		return 0
	}
	return len(host)
}

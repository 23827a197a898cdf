package campaign

// Inside the package: what is remembered shows outside only in the time that visits take.

import (
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// What is remembered changes no answer.
func TestOriginMemoryAnswersAsPlainOrigin(t *testing.T) {
	addresses := []string{
		"https://shop.example/", "https://shop.example/shoes?x=1", "https://shop.example", "https://shop.example?x=/",
		"https://shop.example#/", "https://shop.example:443/", "https://shop.example.evil.example/", "https://shop.examples/",
		"https://shop.exampl/e/", "http://shop.example/", "HTTPS://shop.example/", "https://SHOP.example/", "https://user@shop.example/",
		"https:/shop.example/", "https://xn--bcher-kva.example/", "https://127.0.0.1/", "//shop.example/", "/shoes", "", "about:blank",
		"https://a/", "https://a", "https://a.b/",
	}
	for _, first := range addresses {
		var m originMemory
		m.of(first)
		for _, s := range addresses {
			wantScheme, wantHost := plainOrigin(s)
			if scheme, host := m.of(s); scheme != wantScheme || host != wantHost {
				t.Errorf("after %q, of(%q) = %d, %d, want %d, %d", first, s, scheme, host, wantScheme, wantHost)
			}
		}
	}
}

// The site that most visits are of is the one that is known in the end, whichever came
// first; and sites that take turns cost no allocation each time.
func TestOriginMemoryFollowsTheVisits(t *testing.T) {
	var m originMemory
	m.of("http://health.internal/check")
	for range 40 * originTurns {
		m.of("https://shop.example/")
	}
	if got := m.known.Load().text; got != "https://shop.example" {
		t.Errorf("%s is known, want the site of all visits but the first", got)
	}
	turn := func() {
		m.of("https://shop.example/shoes")
		m.of("https://www.shop.example/shoes")
	}
	if allocs := testing.AllocsPerRun(1000, turn); allocs > 0 {
		t.Errorf("%v allocations for each visit of two sites that take turns, want none", allocs)
	}
}

// What is kept is not a piece of the visit's address, which would keep all that this is a
// piece of.
func TestOriginMemoryKeepsACopy(t *testing.T) {
	var m originMemory
	for _, none := range []string{"/shoes", "https://" + strings.Repeat("a.", maxOrigin) + "example/"} {
		if m.of(none); m.known.Load() != nil {
			t.Errorf("an address that begins with %.20s leaves an origin", none)
		}
	}
	s := "https://shop.example/"
	m.of(s)
	if unsafe.StringData(m.known.Load().text) == unsafe.StringData(s) {
		t.Error("a piece of the visit's address is kept, want a copy")
	}
}

func TestOriginMemoryOfVisitsAtTheSameTime(t *testing.T) {
	addresses := []string{"https://a.example/x", "http://b.example/", "/"}
	var m originMemory
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 20_000 {
				s := addresses[i%len(addresses)]
				wantScheme, wantHost := plainOrigin(s)
				if scheme, host := m.of(s); scheme != wantScheme || host != wantHost {
					t.Errorf("of(%q) = %d, %d, want %d, %d", s, scheme, host, wantScheme, wantHost)
					return
				}
			}
		})
	}
	group.Wait()
}

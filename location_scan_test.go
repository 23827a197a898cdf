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

func TestPlainPath(t *testing.T) {
	scanned("abcdefghijklmnopqrstuvwxyz/-019", func(s string) {
		path, _, _ := strings.Cut(s, "?")
		want := isASCII(path) && !strings.ContainsFunc(path, func(r rune) bool { return r < '&' || r == '.' || r == '\\' })
		if end, plain := plainPath(s); end != len(path) || plain != want {
			t.Fatalf("plainPath(%q) = %d, %t, want %d, %t", s, end, plain, len(path), want)
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

// parseAtOnce is location.parse without what is left to readTail.
func parseAtOnce(address string) (l location, fault string) {
	s := address
	scheme, host := plainOrigin(s)
	if l.scan(s[host:]); l.odd {
		s = tame(s)
		scheme, host = plainOrigin(s)
	}
	if host > 0 || strings.HasPrefix(s, "/") {
		l.takeOrigin(s, scheme, host)
		l.parseRest(s[host:], s)
		return l, ""
	}
	l = location{}
	fault = l.parse(address)
	return l, fault
}

// What is read of an address later is what would be read at once.
func TestTailIsReadLater(t *testing.T) {
	later := 0
	for _, origin := range []string{"https://shop.example", "http://a/", "", "/"} {
		scanned("abcdefghijklmnopqrstuvwxyz0123456789/////------????===&&&+", func(s string) {
			s = origin + s
			want, wantFault := parseAtOnce(s)
			var got location
			if fault := got.parse(s); fault != wantFault {
				t.Fatalf("parse(%q) = %q, want %q", s, fault, wantFault)
			}
			if got.tail > 0 {
				later++
			}
			if got.path != want.path || got.host != want.host || got.scheme != want.scheme {
				t.Fatalf("parse(%q): %s, %s, %s, want %s, %s, %s", s, got.scheme, got.host, got.path, want.scheme, want.host, want.path)
			}
			if odd := got.isOdd(); odd != want.odd || got.params() != want.query || got.hasQuery != want.hasQuery {
				t.Fatalf("parse(%q): odd %t, query %q, want %t, %q", s, odd, got.query, want.odd, want.query)
			}
			if got.fragment != want.fragment || got.hasFragment != want.hasFragment || got.plainQuery() != want.plainQuery() {
				t.Fatalf("parse(%q): fragment %q, plain query %t, want %q, %t", s, got.fragment, got.plainQuery(), want.fragment, want.plainQuery())
			}
			if g, w := got.url(), want.url(); g != w {
				t.Fatalf("parse(%q): url %q, want %q", s, g, w)
			}
		})
	}
	if later < 10_000 {
		t.Errorf("of %d addresses the tail is read later, want more", later)
	}
}

// Each of what follows the path is there for whoever asks first.
func TestWhoeverAsksFirstReadsTheTail(t *testing.T) {
	const address = "https://shop.example/shoes?a=1&b=\t%41#top"
	for name, ask := range map[string]func(l *location) bool{
		"the query":         func(l *location) bool { return l.params() == "a=1&b=%41" },
		"the url":           func(l *location) bool { return l.url() == "https://shop.example/shoes?a=1&b=%41" },
		"whether it is odd": func(l *location) bool { return l.isOdd() },
	} {
		var l location
		if fault := l.parse(address); fault != "" || l.tail == 0 {
			t.Fatalf("fault %q, the tail begins at %d", fault, l.tail)
		}
		if !ask(&l) {
			t.Errorf("%s is not as it stands in %q", name, address)
		}
	}
	v := view{visit: PageVisit{URL: address}}
	if err := v.read(); err != nil {
		t.Fatal(err)
	}
	if fragment, ok := v.text(fieldPageFragment); fragment != "top" || !ok {
		t.Errorf("page.fragment = %q, %t, want top", fragment, ok)
	}
}

// A delivery keeps its ID, whoever has read the tail before.
func TestDeliveryIDDoesNotDependOnWhoReadsTheTail(t *testing.T) {
	id := func(readFirst bool) string {
		v := view{visit: PageVisit{URL: "https://shop.example/shoes?q=\xff"}}
		if err := v.read(); err != nil {
			t.Fatal(err)
		}
		if readFirst {
			v.page.readTail()
		}
		return deliveryID(new(idRoom), "c", 0, &v, false)
	}
	if before, after := id(false), id(true); before != after {
		t.Errorf("delivery ID %s before the tail is read, %s after, want the same", before, after)
	}
}

package campaign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Inside the package: where a text is filed shows outside only in the time that visits
// take, or in one that is not found.

func TestAllJoints(t *testing.T) {
	for _, test := range []struct {
		text string
		want []int
	}{
		{"/summer-sale", []int{3}},
		{"/summer-sa", nil}, // three bytes must follow the hyphen
		{"/sum-sale", []int{0}},
		{"sum-sale", nil}, // four must stand before it
		{"one, two/three.four", []int{0, 4, 10}},
		{"shoes:1234_boots", nil}, // beyond the digits
		{"schöne schuhe", []int{3}},
		{strings.Repeat("x", 100) + "-" + strings.Repeat("y", 100), []int{96}},
	} {
		if got := slices.Collect(allJoints(test.text)); !slices.Equal(got, test.want) {
			t.Errorf("the grams around the joints of %q begin at %v, want %v", test.text, got, test.want)
		}
	}

	r := rand.New(rand.NewPCG(3, 4))
	const bytes = "abcxyzABC0129:_/-. \x00\x7f\x80\xc3\xff"
	for range 100_000 {
		b := make([]byte, r.IntN(220))
		for i := range b {
			b[i] = bytes[r.IntN(len(bytes))]
		}
		var want []int
		for at := 0; at+jointSize <= len(b); at++ {
			if b[at+beforeJoint] < '0' {
				want = append(want, at)
			}
		}
		if got := slices.Collect(allJoints(string(b))); !slices.Equal(got, want) {
			t.Fatalf("the grams around the joints of %q begin at %v, want %v", b, got, want)
		}
	}
}

// A text with joints is found wherever it stands, whichever of them is rare.
func TestIndexFindsTextsByTheirJoints(t *testing.T) {
	for _, text := range []string{"blue-suede-shoes", "/en/shop/", "shop/shoe", "für-sie und ihn"} {
		for joint := range allJoints(text) {
			conditions := []Condition{PageTitle.Contains(text)}
			for other := range allJoints(text) {
				if other != joint { // make the others common
					for i := range 5 {
						conditions = append(conditions, PageTitle.Contains(fmt.Sprint("_", text[other:][:jointSize], i)))
					}
				}
			}
			set := setOf(t, append(conditions, otherTypes()...)...)
			for before := range 70 {
				for behind := range 5 {
					title := strings.Repeat("_", before) + text + strings.Repeat("_", behind)
					if hits := matchSet(t, set, PageVisit{URL: "/", Title: title}); !slices.Equal(hits, []int32{0}) {
						t.Fatalf("campaigns for %q = %v, want the one for %q", title, hits, text)
					}
				}
			}
		}
	}
}

// Words that are in a thousand texts are no reason to look at all of these: such texts are
// told apart by what is in no other.
func TestCommonJointsAreNotUsed(t *testing.T) {
	const texts, most = 1000, fewPerJoint
	for format, title := range map[string]string{
		"%d-summer-sale": "the last summer-sale", // each has the joint before "sale", and the other too close to its begin
		"/sneaker-%03d":  "a sneaker-sale",
		"-%04d-sneaker":  "0-sneaker",
	} {
		conditions := make([]Condition, texts)
		for i := range conditions {
			conditions[i] = PageTitle.Contains(fmt.Sprintf(format, i))
		}
		set := setOf(t, conditions...)
		v := view{visit: PageVisit{URL: "/", Title: title}}
		if err := v.read(); err != nil {
			t.Fatal(err)
		}
		if hits := set.match(&v); len(hits) > 0 || v.looked > most {
			t.Errorf("%s: %d campaigns, %d looked at among many; want none, and %d at most", title, len(hits), v.looked, most)
		}
	}
}

// A text that a thousand campaigns look for is one text: it is filed where a rare one is.
func TestWhatManyAskForIsOneText(t *testing.T) {
	const n = 1000
	for _, when := range []Condition{PageTitle.Contains("summer-sale"), PageTitle.StartsWith("summer"), PageTitle.EndsWith("summer")} {
		set := setOf(t, slices.Repeat([]Condition{when}, n)...)
		if len(set.table.many) != n || len(set.fields[0].grams) > 0 {
			t.Errorf("%v: %d postings, and grams %v, want one for each campaign and none", when, len(set.table.many), set.fields[0].grams)
		}
		var key uint64
		switch f := &set.fields[0]; {
		case f.longestHead > 0:
			key, _ = headKey(f.salt, "summer")
		case f.longestTail > 0:
			key, _ = tailKey(f.salt, "summer")
		default:
			continue
		}
		if set.table.filter.has(crowdedKey(key)) {
			t.Errorf("%v: what is one text takes four look-ups more", when)
		}
	}
}

// Thousands of whole texts with a common beginning do not slow down what begins so, nor
// does a long one whatever is as long.
func TestCrowdedWholesHaveNoHead(t *testing.T) {
	const n = 1000
	conditions := []Condition{PageTitle.StartsWith("/sale/"), PageTitle.Equals(strings.Repeat("x", 2000))}
	for i := range n {
		conditions = append(conditions, PageTitle.Equals(fmt.Sprint("/products/shoes/item-", i)))
	}
	set := setOf(t, conditions...)
	if got := set.fields[0].longestHead; got > 64 {
		t.Errorf("heads of up to %d bytes are looked up, want no more than of a short text", got)
	}
	v := view{visit: PageVisit{URL: "/", Title: "/products/shoes/item-123456"}}
	if err := v.read(); err != nil {
		t.Fatal(err)
	}
	if hits := set.match(&v); len(hits) > 0 || v.looked > fewWholesPerHead {
		t.Errorf("%d campaigns, %d looked at, want none, and %d at most", len(hits), v.looked, fewWholesPerHead)
	}
	for i := range n {
		if hits := matchSet(t, set, PageVisit{URL: "/", Title: fmt.Sprint("/products/shoes/item-", i)}); !slices.Equal(hits, []int32{int32(i + 2)}) {
			t.Fatalf("campaigns = %v, want %d", hits, i+2)
		}
	}
}

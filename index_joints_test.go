package campaign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Inside the package: where a text is filed shows outside only in the time that visits
// take, or in one that is not found.

func TestAllJoints(t *testing.T) {
	for _, test := range []struct {
		text string
		with map[int][]int // by how many bytes stand before the joint
	}{
		{"/summer-sale", map[int][]int{4: {3}}},
		{"/summer-sa", nil}, // three bytes must follow the hyphen
		{"/sum-sale", map[int][]int{4: {0}}},
		{"sum-sale", nil}, // four must stand before it, or two with five behind
		{"/p/12345", map[int][]int{2: {0}}},
		{"one, two/three.four", map[int][]int{4: {0, 4, 10}, 2: {1, 2, 6}}},
		{"shoes:1234_boots", nil}, // beyond the digits
		{"schöne schuhe", map[int][]int{4: {3}, 2: {5}}},
		{strings.Repeat("x", 100) + "-" + strings.Repeat("y", 100), map[int][]int{4: {96}, 2: {98}}},
	} {
		for _, before := range beforeJoints {
			if got := slices.Collect(allJoints(test.text, before)); !slices.Equal(got, test.with[before]) {
				t.Errorf("the grams with %d bytes before a joint of %q begin at %v, want %v", before, test.text, got, test.with[before])
			}
		}
	}

	r := rand.New(rand.NewPCG(3, 4))
	const bytes = "abcxyzABC0129:_/-. \x00\x7f\x80\xc3\xff"
	for range 30_000 {
		b := make([]byte, r.IntN(220))
		for i := range b {
			b[i] = bytes[r.IntN(len(bytes))]
		}
		for _, before := range beforeJoints {
			var want []int
			for at := 0; at+jointSize <= len(b); at++ {
				if b[at+before] < '0' {
					want = append(want, at)
				}
			}
			if got := slices.Collect(allJoints(string(b), before)); !slices.Equal(got, want) {
				t.Fatalf("the grams with %d bytes before a joint of %q begin at %v, want %v", before, b, got, want)
			}
		}
	}
}

// A text with joints is found wherever it stands, whichever of them is rare.
func TestIndexFindsTextsByTheirJoints(t *testing.T) {
	for _, text := range []string{"blue-suede-shoes", "/en/shop/", "shop/shoe", "für-sie und ihn", "/p/12345", "AB-1234-XL"} {
		for _, before := range beforeJoints {
			for joint := range allJoints(text, before) {
				conditions := []Condition{PageTitle.Contains(text)}
				for _, before := range beforeJoints {
					for other := range allJoints(text, before) {
						if other != joint && utf8.ValidString(text[other:][:jointSize]) { // make the others common
							for i := range 2 * fewPerJoint {
								conditions = append(conditions, PageTitle.Contains(fmt.Sprint("_", text[other:][:jointSize], i)))
							}
						}
					}
				}
				checkAnywhere(t, setOf(t, append(conditions, otherTypes()...)...), text)
			}
		}
	}
}

// checkAnywhere checks that the first campaign of the set, which wants the text in the
// title, is found wherever it stands.
func checkAnywhere(t *testing.T, set *campaignSet, text string) {
	t.Helper()
	for before := range 70 {
		for behind := range 7 {
			title := strings.Repeat("_", before) + text + strings.Repeat("_", behind)
			if hits := matchSet(t, set, PageVisit{URL: "/", Title: title}); !slices.Equal(hits, []int32{0}) {
				t.Fatalf("campaigns for %q = %v, want the one for %q", title, hits, text)
			}
		}
	}
}

// Short texts, and those with a joint near their ends, need no other grams.
func TestShortTextsAreFiledUnderTheirJoints(t *testing.T) {
	const n, most = 1000, 40
	for _, format := range []string{"/p/%05d", "/product/%05d", "AB-%04d-XL", "2026-%03d-x"} {
		conditions := make([]Condition, n)
		for i := range conditions {
			conditions[i] = PageTitle.Contains(fmt.Sprintf(format, i))
		}
		set := setOf(t, conditions...)
		for range 3 {
			if len(set.fields[0].grams) == 0 {
				break
			}
			set = setOf(t, conditions...) // by chance two joints may share their counts
		}
		if grams := set.fields[0].grams; len(grams) > 0 {
			t.Errorf("%s: filed under grams %v, want joints", format, grams)
		}
		v := view{visit: PageVisit{URL: "/", Title: fmt.Sprintf(format, 123)}}
		if err := v.read(); err != nil {
			t.Fatal(err)
		}
		if hits := set.match(&v); !slices.Equal(hits, []int32{123}) || v.looked > most {
			t.Errorf("%s: campaigns %v, %d looked at, want 123, and %d at most", format, hits, v.looked, most)
		}
	}
}

// Long texts that are wanted whole do not crowd the counts, so that those that may stand
// anywhere seem to have common joints only.
func TestLongTextsLeaveJointsRare(t *testing.T) {
	conditions := make([]Condition, 4000)
	for i := range conditions {
		if i%20 == 0 {
			conditions[i] = PageTitle.Contains(fmt.Sprintf("/summer-sale-%04d/", i))
			continue
		}
		var b strings.Builder
		for j := range 300 {
			fmt.Fprintf(&b, "word%d-%d ", i, j)
		}
		conditions[i] = PageTitle.Equals(b.String())
	}
	if grams := setOf(t, conditions...).fields[0].grams; len(grams) > 0 {
		t.Errorf("filed under grams %v, want joints", grams)
	}
}

// Gates that many texts share have room in the filter once.
func TestFilterHasRoomForDifferentKeys(t *testing.T) {
	const n = 3000
	conditions := make([]Condition, n)
	for i := range conditions {
		conditions[i] = PageTitle.StartsWith(fmt.Sprintf("/p-%04d", i)) // 300 heads
	}
	if words := len(setOf(t, conditions...).table.filter.words); words > 2048 {
		t.Errorf("the filter has %d words for some %d keys, want 2048", words, n+600)
	}
}

// Words that are in a thousand texts are no reason to look at all of these: such texts are
// told apart by what is in no other.
func TestCommonJointsAreNotUsed(t *testing.T) {
	const texts, most = 1000, 16
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

// What texts that are wanted whole, or from their beginning, have in common is common in
// visits too: a text that may stand anywhere is not filed under that.
func TestJointsAreRareInAllTexts(t *testing.T) {
	conditions := []Condition{PagePath.Contains("/4711-red-shoes")}
	for i := range 20 {
		conditions = append(conditions, PagePath.StartsWith(fmt.Sprintf("/%d-red-shoes/", i)), PagePath.Equals(fmt.Sprintf("/new/%d-red-shoes", i)))
	}
	checkGram(t, conditions, "4711-red")
}

// Of joints that are as rare the last is taken.
func TestLastOfRareJoints(t *testing.T) {
	checkGram(t, append(otherTypes(), PagePath.Contains("/blue-suede-shoes-1234")), "hoes-123")
}

// checkGram checks under which gram the one text is filed that may stand anywhere. By
// chance two grams may share their counts, in one set of many: most of five tell.
func checkGram(t *testing.T, conditions []Condition, want string) {
	t.Helper()
	var grams []string
	for range 5 {
		table := &setOf(t, conditions...).table
		for i := range table.slots {
			if e := &table.slots[i]; e.rule&^ruleExact == ruleHas {
				grams = append(grams, table.textOf(e)[e.at:][:jointSize])
			}
		}
	}
	slices.Sort(grams)
	if len(grams) < 3 || grams[len(grams)/2] != want { // one may share its slot with another key
		t.Errorf("filed under %q, want %q", grams, want)
	}
}

package campaign

import (
	"fmt"
	"strings"
	"testing"
)

// A posting that shares no more than the tag of its key with what is looked up
// says nothing of it. Whole paths are looked up without their last slash, and
// what ends with a text then need not do so with the slash.
func TestIndexTellsRulesApart(t *testing.T) {
	for range 10 {
		set := setOf(t,
			PagePath.EndsWith("shoes"), PagePath.Equals("/a"), PagePath.Equals("/b"),
			PagePath.Equals("/c"), PagePath.Equals("/d"), PagePath.EndsWith("hats"))
		for i := range 100_000 {
			visit := PageVisit{URL: fmt.Sprintf("/%d/shoes/", i)}
			if hits := matchSet(t, set, visit); len(hits) > 0 {
				t.Fatalf("campaigns for %s = %v, want none", visit.URL, hits)
			}
		}
	}
}

// A text is found wherever it stands, whichever of its grams is rare and whatever it
// is filed with beside that.
func TestIndexFindsTextsAnywhere(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123"
	for n := 1; n <= len(letters); n++ {
		text := letters[:n]
		for decoy := range 3 {
			conditions := []Condition{PageTitle.Contains(text)}
			for i := range 9 { // make its beginning, its end or its middle common
				conditions = append(conditions, PageTitle.Contains([]string{
					text[:n/2] + fmt.Sprint("-", i, "-----------"), fmt.Sprint("-----------", i, "-") + text[n/2:],
					fmt.Sprint(i, "-") + text[n/4:n-n/4] + fmt.Sprint("-", i),
				}[decoy]))
			}
			set := setOf(t, conditions...)
			for before := range 9 {
				for behind := range 5 {
					title := strings.Repeat("_", before) + text + strings.Repeat("_", behind)
					if hits := matchSet(t, set, PageVisit{URL: "/", Title: title}); len(hits) != 1 || hits[0] != 0 {
						t.Fatalf("campaigns for %q, with %v, = %v, want the one for %q", title, conditions[1], hits, text)
					}
				}
			}
		}
	}
}

// What looks like a thousand texts but for the last letters is not compared with each.
func TestIndexSeesThroughNearMisses(t *testing.T) {
	const texts, most = 1000, 200
	for format, paths := range map[string][]string{
		"%d-summer-sale": {"/all-summer-sandals", "/in-summer-sandals", "/x/123-summer-sandals", "/xy/123-summer-sandals", "/xyz/123-summer-sandals"},
		"/sneaker-%03d":  {"/sneaker-old", "/x/sneaker-old", "/xy/sneaker-old", "/xyz/sneaker-old"},
	} {
		conditions := make([]Condition, texts)
		for i := range conditions {
			conditions[i] = PagePath.Contains(fmt.Sprintf(format, i))
		}
		set := setOf(t, conditions...)
		for _, path := range paths {
			v := view{visit: PageVisit{URL: path}}
			if err := v.read(); err != nil {
				t.Fatal(err)
			}
			v.arena.pool = &set.arenas
			if hits := set.match(&v); len(hits) > 0 || v.looked > most {
				t.Errorf("%s: %d campaigns, %d looked at among many; want none, and %d at most", path, len(hits), v.looked, most)
			}
		}
	}
}

func setOf(t *testing.T, conditions ...Condition) *campaignSet {
	t.Helper()
	programs := make([]*program, len(conditions))
	for i, when := range conditions {
		c := Campaign{ID: fmt.Sprint(i), Nodes: []Node{WebsiteTrigger{When: when}, Webhook{URL: "https://esp.example/"}, Stop{}}}
		var err error
		if programs[i], err = c.compile(); err != nil {
			t.Fatal(err)
		}
	}
	return newCampaignSet(programs)
}

func matchSet(t *testing.T, set *campaignSet, visit PageVisit) []int32 {
	v := view{visit: visit}
	if err := v.read(); err != nil {
		t.Fatal(err)
	}
	v.arena.pool = &set.arenas
	return set.match(&v)
}

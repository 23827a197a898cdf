package campaign

import (
	"fmt"
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
	return set.match(nil, &v)
}

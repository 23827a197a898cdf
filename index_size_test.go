package campaign

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// These tests look inside, because the tables of the index have no place in the
// public API, and what they weigh is a promise all the same.

// indexBytes adds up the tables of the index, without the compiled conditions
// that it points to.
func indexBytes(s *campaignSet) int {
	const postingSize = int(unsafe.Sizeof(posting{}))
	n := len(s.always)*4 + cap(s.table.filter.words)*8 + (cap(s.table.slots)+cap(s.table.many))*postingSize + len(s.table.texts)
	n += cap(s.fields) * int(unsafe.Sizeof(fieldIndex{}))
	n += cap(s.pairs) * int(unsafe.Sizeof(pairIndex{}))
	for _, p := range s.pairs {
		n += (len(p.asked[0]) + len(p.asked[1])) * 2 * int(unsafe.Sizeof("")) // roughly, with room to grow
	}
	return n
}

func TestIndexIsSmall(t *testing.T) {
	kinds := []struct {
		name string
		when func(i int) Condition
	}{
		{"path equals", func(i int) Condition { return PagePath.Equals(fmt.Sprintf("/products/shoes/item-%d", i)) }},
		{"path prefix", func(i int) Condition { return PagePath.StartsWith(fmt.Sprintf("/department-%d/shelf-%d/", i%97, i)) }},
		{"path suffix", func(i int) Condition { return PagePath.EndsWith(fmt.Sprintf("/item-%d.html", i)) }},
		{"path contains", func(i int) Condition { return PagePath.Contains(fmt.Sprintf("summer-sale-%d", i)) }},
		{"path regex", func(i int) Condition { return PagePath.Regex(fmt.Sprintf(`/campaign-%d/\d+$`, i)) }},
		{"path glob", func(i int) Condition { return PagePath.Glob(fmt.Sprintf("/*/brand-%d/*", i)) }},
		{"type and category", func(i int) Condition {
			return All{PageType.Equals(fmt.Sprint("type", i%8)), ItemCategory.Equals(fmt.Sprint("category", i%500))}
		}},
		{"title and item", func(i int) Condition {
			return All{PageTitle.Equals(fmt.Sprint(strings.Repeat("long title ", 17), i%50)), ItemID.Equals(fmt.Sprint("id-", i))}
		}},
		{"path and category", func(i int) Condition {
			return All{PagePath.Equals(fmt.Sprint("/", strings.Repeat("long-path/", 13), i%50)), ItemCategory.Equals(fmt.Sprint("category-", i))}
		}},
		{"path ignoring case", func(i int) Condition { return PagePath.StartsWith(fmt.Sprintf("/Shelf-%d/", i)).IgnoringCase() }},
		{"short prefix", func(i int) Condition { return PagePath.StartsWith(fmt.Sprintf("/%d/", i)) }},
		{"short suffix", func(i int) Condition { return PagePath.EndsWith(fmt.Sprintf("-%d", i)) }},
		{"word and number", func(i int) Condition { return PagePath.Contains(fmt.Sprintf("silenthoodie%04d", i)) }},
		{"parameter contains", func(i int) Condition { return PageQuery("utm_campaign").Contains(fmt.Sprintf("hoodie_%d", i)) }},
		{"number between slashes", func(i int) Condition { return PagePath.Contains(fmt.Sprintf("/product/%d/", 1_000_000+37*i)) }},
		{"path equals beside a prefix", func(i int) Condition {
			if i == 0 {
				return PagePath.StartsWith("/sale/")
			}
			return PagePath.Equals(fmt.Sprintf("/products/shoes/item-%d", i))
		}},
		{"profile field", func(i int) Condition { return ProfileField("segment").Equals(fmt.Sprint("segment-", i)) }},
		{"query parameter", func(i int) Condition { return PageQuery("utm_campaign").Equals(fmt.Sprint("c-", i)) }},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, n := range []int{6200, 10_000} { // 6,200 are a few more keys than fit into a filter of half the size
				conditions := make([]Condition, n)
				for i := range conditions {
					conditions[i] = kind.when(i)
				}
				set := setOf(t, conditions...)
				if len(set.always) != 0 {
					t.Errorf("%d of %d campaigns are tested for every visit, want none", len(set.always), n)
				}
				if got := indexBytes(set) / n; got > 150 {
					t.Errorf("the index of %d takes %d bytes a campaign, want at most 150", n, got)
				}
				t.Logf("%d bytes a campaign of %d", indexBytes(set)/n, n)
			}
		})
	}
}

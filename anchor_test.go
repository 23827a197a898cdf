package campaign

// Inside the package: which anchor a campaign is filed under shows outside only in the
// time that visits take.

import (
	"fmt"
	"slices"
	"testing"
)

// What many campaigns ask for does not tell them apart, however long a text it is: a
// visit that has it looks at next to none of them.
func TestCampaignsAreFiledUnderWhatFewAskFor(t *testing.T) {
	const n = 1000
	visit := PageVisit{
		URL:   "https://www.shop.example/home-living/bath/no-9999-x?c=c-9999",
		Type:  "product",
		Title: "Summer sale: everything for the bathroom",
		Item:  Item{ID: "id-9999", Category: "category-9999", Fields: map[string]any{"price": 9999, "brand": "brand-99", "sold_out": false}},
		Profile: Profile{ID: "p", Known: true, Fields: map[string]any{
			"email": "ada@example.org", "country": "NL", "segment": "segment-9999",
		}},
	}
	tests := []struct {
		name string
		when func(i int) Condition
	}{
		{"the shop's address and a category", func(i int) Condition {
			return All{PageURL.StartsWith("https://www.shop.example/"), ItemCategory.Equals(fmt.Sprint("category-", i))}
		}},
		{"a section and a category", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), ItemCategory.Equals(fmt.Sprint("category-", i))}
		}},
		{"a section and a price", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), ItemField("price").Equals(i)}
		}},
		{"a section and a part of the path", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), PagePath.Contains(fmt.Sprintf("-%04d-", i))}
		}},
		{"a section and a parameter", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), PageQuery("c").Equals(fmt.Sprint("c-", i))}
		}},
		{"a section and a segment", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), ProfileField("segment").Equals(fmt.Sprint("segment-", i))}
		}},
		{"a page type and a path", func(i int) Condition {
			return All{PageType.Equals("product"), PagePath.StartsWith(fmt.Sprintf("/p-%d", i))}
		}},
		{"a title and the end of a path", func(i int) Condition {
			return All{PageTitle.Contains("Summer sale"), PagePath.EndsWith(fmt.Sprintf("-%d", i))}
		}},
		{"an address at a provider and an item", func(i int) Condition {
			return All{ProfileField("email").EndsWith("@example.org"), ItemID.Equals(fmt.Sprint("id-", i))}
		}},
		{"one of two sections and a category", func(i int) Condition {
			return All{
				Any{PagePath.StartsWith("/home-living/"), PagePath.StartsWith("/accessories/")},
				ItemCategory.Equals(fmt.Sprint("category-", i)),
			}
		}},
		{"one of two countries and a part of the path", func(i int) Condition {
			return All{ProfileField("country").In("NL", "BE"), PagePath.Contains(fmt.Sprintf("/no-%04d-", i))}
		}},
		{"a page type and one of two items", func(i int) Condition {
			return All{PageType.Equals("product"), ItemID.In(fmt.Sprint("id-", i), fmt.Sprint("sku-", i))}
		}},
		{"the shop's address, a page type and a flag that is missing", func(i int) Condition {
			return All{PageURL.StartsWith("https://www.shop.example/"), PageType.Equals("product"), VisitField("abandoned_cart").Equals(true)}
		}},
		{"a section, a number and a brand", func(i int) Condition {
			return All{PagePath.StartsWith("/home-living/"), ItemField("price").Equals(9970 + i%32), ItemField("brand").Equals(fmt.Sprint("brand-", i/32))}
		}},
		{"a number and a flag", func(i int) Condition {
			return All{ItemField("price").Equals(9500 + i), ItemField("sold_out").Equals(true)}
		}},
		{"a brand and a category in an All of its own", func(i int) Condition {
			return All{
				All{PageType.Equals("product"), ItemField("brand").Equals(fmt.Sprint("brand-", i%32))},
				All{PagePath.StartsWith("/home-living/"), ItemCategory.Equals(fmt.Sprint("category-", 9970+i/32))},
			}
		}},
		{"not in other countries, and a category", func(i int) Condition {
			return All{
				Not{Of: ProfileField("country").In("AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "IT", "PL", "SE")},
				ProfileField("country").Equals("NL"),
				ItemCategory.Equals(fmt.Sprint("category-", i/5)),
			}
		}},
		{"a pattern in a section", func(i int) Condition {
			return PagePath.Glob(fmt.Sprintf("/home-living/*/no-%04d-?", i))
		}},
		{"a regular expression in a section", func(i int) Condition {
			return PagePath.Regex(fmt.Sprintf("^/home-living/.*/no-%04d-", i))
		}},
		{"a regular expression with alternatives", func(i int) Condition {
			return PagePath.Regex(fmt.Sprintf("^/(home-living|accessories)/(bath|kitchens?)/no-%04d-", i))
		}},
		{"a regular expression with alternatives alone", func(i int) Condition {
			return PagePath.Regex(fmt.Sprintf("/(no-%04d|sku-%d)-", i, i))
		}},
		{"a section, whatever the case, and a category", func(i int) Condition {
			return All{PagePath.StartsWith("/Home-Living/").IgnoringCase(), ItemCategory.Equals(fmt.Sprint("category-", i))}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hits, looked := lookAt(t, n, test.when, visit)
			if len(hits) > 0 {
				t.Errorf("%d campaigns found, want none", len(hits))
			}
			if looked > 4 {
				t.Errorf("the visit looked at %d of %d campaigns, want next to none", looked, n)
			}
		})
	}
}

// lookAt returns which of n campaigns a visit meets, and how many campaigns and postings
// it took to find out.
func lookAt(t *testing.T, n int, when func(i int) Condition, visit PageVisit) (hits []int32, looked int) {
	t.Helper()
	conditions := make([]Condition, n)
	for i := range conditions {
		conditions[i] = when(i)
	}
	set := setOf(t, conditions...)
	v := view{visit: visit}
	if err := v.read(); err != nil {
		t.Fatal(err)
	}
	hits = set.match(&v)
	if v.lost {
		t.Error("all campaigns were tested, without the index")
	}
	return hits, len(set.always) + v.looked + v.found
}

// A second equality is looked up too where one does not tell campaigns apart, but not
// where a visit with two long lists would have too many pairs to look up.
func TestTwoEqualitiesAreOneKeyIfThatHelps(t *testing.T) {
	tests := []struct {
		name       string
		first      Field
		campaigns  int
		categories int // that they ask for
		want       bool
	}{
		{"few categories", PageType, 900, 9, true},
		{"each category in a campaign of its own", PageType, 900, 900, true},
		{"very many categories", PageType, 10_000, 2000, true},
		{"very many categories, each in a campaign of its own", PageType, 10_000, 10_000, true},
		{"few categories, of lists", ProfileField("likes"), 900, 9, true},
		{"very many categories, of lists", ProfileField("likes"), 10_000, 2000, false},
		{"very many categories, of lists, each in a campaign of its own", ProfileField("likes"), 10_000, 10_000, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conditions := make([]Condition, test.campaigns)
			for i := range conditions {
				category := fmt.Sprint("category-", i%test.categories)
				conditions[i] = All{test.first.Equals(fmt.Sprint("type-", i/test.categories%5)), ItemCategory.Equals(category)}
			}
			if got := len(setOf(t, conditions...).pairs) > 0; got != test.want {
				t.Errorf("two equalities are one key: %v, want %v", got, test.want)
			}
		})
	}
}

// Each value of a list is looked up with the other field's.
func TestKeyOfTwoWithAListOfVeryManyValues(t *testing.T) {
	conditions := make([]Condition, 2*fewValues)
	for i := range conditions {
		conditions[i] = All{PagePath.Equals("/new"), ItemField("sku").Equals(i)}
	}
	set := setOf(t, conditions...)
	if len(set.pairs) != 1 {
		t.Fatalf("%d pairs are looked up, want one", len(set.pairs))
	}
	visit := PageVisit{URL: "/new/", Item: Item{Fields: map[string]any{"sku": []int{1900, 7, -1, 7, 1000}}}}
	if got, want := matchSet(t, set, visit), []int32{7, 1000, 1900}; !slices.Equal(got, want) {
		t.Errorf("campaigns %v match, want %v", got, want)
	}
	visit.URL = "/old"
	if got := matchSet(t, set, visit); len(got) > 0 {
		t.Errorf("campaigns %v match another page", got)
	}
}

// Long lists of values that nobody asks for cost a look at the filter each, if the other
// field has one value, and less if it may have a list, too: the index is not given up.
func TestLongListsOfValuesThatNobodyAsksFor(t *testing.T) {
	list := func(name string, n int) []string {
		values := make([]string, n)
		for i := range values {
			values[i] = fmt.Sprint(name, i)
		}
		return values
	}
	visit := PageVisit{
		URL: "/", Type: "product", Item: Item{Fields: map[string]any{"sku": list("no-sku-", 10_000)}},
		Profile: Profile{Fields: map[string]any{"likes": list("no-like-", 1000)}},
	}
	few := make([]Condition, 10)
	for i := range few {
		var alternatives Any
		for j := range 300 {
			alternatives = append(alternatives, All{PageType.Equals("product"), ItemField("sku").Equals(fmt.Sprint("sku-", i, "-", j))})
		}
		few[i] = alternatives
	}
	sets := map[string]*campaignSet{"a type and one of very many": setOf(t, few...)}
	for _, n := range []int{fewValues, fewValues + 1, fewValues + 10, 2 * fewValues} {
		conditions := make([]Condition, n)
		for i := range conditions {
			conditions[i] = All{ItemField("sku").Equals(fmt.Sprint("sku-", i)), ProfileField("likes").Equals(fmt.Sprint("like-", i))}
		}
		sets[fmt.Sprint(n, " values of two lists")] = setOf(t, conditions...)
	}
	for name, set := range sets {
		v := view{visit: visit}
		if err := v.read(); err != nil {
			t.Fatal(err)
		}
		if hits := set.match(&v); len(hits) > 0 || v.lost || v.looked > 100 {
			t.Errorf("%s: campaigns %v, looked at %d, index given up: %t; want none and next to none", name, hits, v.looked, v.lost)
		}
	}
}

// Where all that a campaign asks for is asked for by many, it is filed under what the
// fewest ask for, or under two equalities.
func TestCampaignsAreFiledUnderWhatFewestAskFor(t *testing.T) {
	others := make(Any, 20)
	for i := range others {
		others[i] = PagePath.StartsWith(fmt.Sprintf("/no-%d/", i))
	}
	tests := []struct {
		name     string
		n        int
		when     func(i int) Condition
		visit    PageVisit
		mostLook int
	}{
		{
			"not on other pages, on one page, and 15 categories", 1000,
			func(i int) Condition {
				return All{Not{Of: others}, PagePath.StartsWith("/sale/"), ItemCategory.Equals(fmt.Sprint("category-", i%15))}
			},
			PageVisit{URL: "/sale/x", Item: Item{Category: "category-3"}},
			140,
		},
		{
			"a page that others do not want, and a category", 1000,
			func(i int) Condition {
				if i < 900 {
					return All{Not{Of: PagePath.StartsWith("/sale/")}, PagePath.StartsWith(fmt.Sprintf("/page-%d/", i))}
				}
				return All{PagePath.StartsWith("/sale/"), ItemCategory.Equals("category-3")}
			},
			PageVisit{URL: "/", Item: Item{Category: "category-3"}},
			4,
		},
		{
			"four words of a title, and 4 categories", 1000,
			func(i int) Condition {
				return All{
					PageTitle.Contains("sneakers"), PageTitle.Contains("summer"), PageTitle.Contains("sale"), PageTitle.Contains("example"),
					ItemCategory.Equals(fmt.Sprint("category-", i%4)),
				}
			},
			PageVisit{URL: "/", Title: "summer sale sneakers example", Item: Item{Category: "category-3"}},
			510,
		},
		{
			"a page that few ask for, and brands that fewer do, among others", 10_000,
			func(i int) Condition {
				if i < 9500 {
					return PagePath.StartsWith(fmt.Sprint("/page-", i))
				}
				return All{PagePath.StartsWith("/sale/"), ItemField("brand").Equals(fmt.Sprint("brand-", i%10))}
			},
			PageVisit{URL: "/sale/x", Item: Item{Fields: map[string]any{"brand": "brand-3"}}},
			110,
		},
		{
			"a section, a category and a brand", 10_000,
			func(i int) Condition {
				return All{
					PagePath.StartsWith(fmt.Sprintf("/section-%d/", i%400)),
					ItemCategory.Equals(fmt.Sprint("category-", i%97)), ItemField("brand").Equals(fmt.Sprint("brand-", i%89)),
				}
			},
			PageVisit{URL: "/section-3/x", Item: Item{Category: "category-5", Fields: map[string]any{"brand": "brand-7"}}},
			8,
		},
		{
			"a part of the path, a category and a brand", 10_000,
			func(i int) Condition {
				return All{
					PagePath.Contains(fmt.Sprintf("-brand%d-", i%150)),
					ItemCategory.Equals(fmt.Sprint("category-", i%97)), ItemField("brand").Equals(fmt.Sprint("brand-", i%31)),
				}
			},
			PageVisit{URL: "/x-brand3-", Item: Item{Category: "category-5", Fields: map[string]any{"brand": "brand-7"}}},
			12,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, looked := lookAt(t, test.n, test.when, test.visit); looked > test.mostLook {
				t.Errorf("the visit looked at %d of %d campaigns, want at most %d", looked, test.n, test.mostLook)
			}
		})
	}
}

// There is no key of two fields that few campaigns ask for together: each visit would
// look all of them up.
func TestFewFieldsArePaired(t *testing.T) {
	const n = 10_000
	for _, fields := range []int{5, 20, 100} {
		conditions := make([]Condition, n)
		for i := range conditions {
			conditions[i] = All{
				VisitField(fmt.Sprint("a", i%fields)).Equals(fmt.Sprint("v", i)),
				VisitField(fmt.Sprint("b", i/fields%fields)).Equals(true),
			}
		}
		set := setOf(t, conditions...)
		if got := len(set.fields) + len(set.pairs); got > 2*fields {
			t.Errorf("with %d fields each visit looks %d of them and %d pairs up, want at most two for each", fields, len(set.fields), len(set.pairs))
		}
	}
	conditions := make([]Condition, n)
	for i := range conditions {
		conditions[i] = All{PageType.Equals("product"), VisitField(fmt.Sprint("flag", i)).Equals(true)}
	}
	if set := setOf(t, conditions...); len(set.pairs) > 0 {
		t.Errorf("there are %d keys of two fields for one campaign each, want none", len(set.pairs))
	}
}

// Two values that share a count seem to be asked for by all that ask for either. One
// campaign filed by such a mistake would have every visit look up one field more.
func TestOneCountSharedByChanceMisfilesNothing(t *testing.T) {
	conditions := make([]Condition, 2000)
	for i := range conditions {
		// Half of them want one plan. Who shares its count seems to want what more do
		// than want any other plan.
		conditions[i] = All{ProfileField("plan").Equals(fmt.Sprint("plan-", max(0, i%8-3))), ItemCategory.Equals(fmt.Sprint("category-", i))}
	}
	for range 25 { // each with hashes of its own
		set := setOf(t, conditions...)
		if len(set.pairs) != 0 || len(set.fields) != 1 {
			t.Fatalf("%d pairs and %d fields are looked up, want the category alone", len(set.pairs), len(set.fields))
		}
	}
}

// A slash at the end of a path is forgiven on both sides of a key.
func TestKeyOfTwoForgivesSlashes(t *testing.T) {
	conditions := otherTypes()
	for range 3 {
		conditions = append(conditions, All{PagePath.Equals("/cart/"), ReferrerPath.Equals("/shoes")})
	}
	set := setOf(t, conditions...)
	if len(set.pairs) == 0 {
		t.Fatal("there is no key of two")
	}
	for _, visit := range []PageVisit{{URL: "/cart", Referrer: "/shoes"}, {URL: "/cart/", Referrer: "/shoes/"}} {
		if got := matchSet(t, set, visit); len(got) != 3 {
			t.Errorf("campaigns %v match %s from %s, want three", got, visit.URL, visit.Referrer)
		}
	}
}

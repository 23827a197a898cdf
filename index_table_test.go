package campaign

import (
	"fmt"
	"slices"
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

// Beginnings and ends of each length are found, alone in their field: the longest is the
// one that ends the search.
func TestIndexFindsBeginningsAndEnds(t *testing.T) {
	const text = "abcdefghijklmnop"
	for n := 1; n <= len(text); n++ {
		for _, test := range []struct {
			when  Condition
			title string
		}{
			{PageTitle.StartsWith(text[:n]), text[:n]},
			{PageTitle.StartsWith(text[:n]), text[:n] + "0123456789"},
			{PageTitle.EndsWith(text[:n]), text[:n]},
			{PageTitle.EndsWith(text[:n]), "0123456789" + text[:n]},
		} {
			set := setOf(t, append(otherTypes(), test.when)...)
			if got := matchSet(t, set, PageVisit{URL: "/", Title: test.title}); !slices.Equal(got, []int32{4}) {
				t.Errorf("campaigns for %q = %v, want the one for %q", test.title, got, text[:n])
			}
		}
	}
}

// Whole texts are found beside prefixes, with and without a slash at the end, and few or
// many with the same beginning; and only whole.
func TestIndexFindsWholesAmongBeginnings(t *testing.T) {
	const path = "/abcdefghijklmn"
	for n := 2; n <= len(path); n++ {
		whole := path[:n]
		for _, crowd := range []int{0, 1, 2 * fewPerHead, 2 * fewWholesPerHead} {
			conditions := []Condition{PagePath.Equals(whole + "/"), PagePath.StartsWith("/abcd"), PagePath.StartsWith("/abcdefghij")}
			for i := range crowd {
				other := fmt.Sprint(whole, i)
				conditions = append(conditions, PagePath.StartsWith(other), PagePath.Equals(other))
			}
			set := setOf(t, append(conditions, otherTypes()...)...)
			for behind, want := range map[string][]int32{"": {0}, "/": {0}, "//": nil, "x": nil, "x/": nil, "0": {3, 4}, "0/": {3, 4}, "0x": {3}} {
				if crowd == 0 && behind != "" && behind[0] == '0' {
					want = nil
				}
				got := matchSet(t, set, PageVisit{URL: whole + behind})
				got = slices.DeleteFunc(got, func(c int32) bool { return c == 1 || c == 2 })
				if !slices.Equal(got, want) {
					t.Errorf("with %d others like %q, campaigns for %q = %v, want %v", crowd, whole, whole+behind, got, want)
				}
			}
		}
	}
}

// otherTypes are enough campaigns about something else for an index.
func otherTypes() []Condition {
	return []Condition{PageType.Equals("a"), PageType.Equals("b"), PageType.Equals("c"), PageType.Equals("d")}
}

// Texts of all shapes of grams in one field are found beside each other.
func TestIndexFindsTextsOfEachShape(t *testing.T) {
	const text = "abcdefghijklmnop"
	set := setOf(t, append(otherTypes(), PageTitle.Contains(text), PageTitle.Contains(text[:8]), PageTitle.Contains(text[:4]))...)
	if got := matchSet(t, set, PageVisit{URL: "/", Title: "x" + text}); !slices.Equal(got, []int32{4, 5, 6}) {
		t.Errorf("campaigns = %v, want 4, 5 and 6", got)
	}
}

// What a campaign asks for beside its anchor is tested.
func TestIndexTestsWhatIsLeft(t *testing.T) {
	tests := []struct {
		name  string
		when  func(i int) Condition
		visit PageVisit
	}{
		{
			"beside two equalities",
			func(i int) Condition {
				return All{ItemCategory.Equals("c"), ItemID.Equals("i"), PageQuery(fmt.Sprint("q", i)).Exists()}
			},
			PageVisit{URL: "/?q3", Item: Item{ID: "i", Category: "c"}},
		},
		{
			"beside two equalities in an All of their own",
			func(i int) Condition {
				return All{All{ItemCategory.Equals("c"), ItemID.Equals("i")}, PageQuery(fmt.Sprint("q", i)).Exists()}
			},
			PageVisit{URL: "/?q3", Item: Item{ID: "i", Category: "c"}},
		},
		{
			"beside a text, where another part has no anchor",
			func(i int) Condition {
				return All{PageTitle.StartsWith(fmt.Sprint("title-", i)), Any{PagePath.EndsWith("y"), PageQuery("q").Exists()}}
			},
			PageVisit{URL: "/x?q", Title: "title-3"},
		},
		{
			"beside a path and a number",
			func(i int) Condition {
				return All{PagePath.Equals("/x"), ItemField("a").Equals(1), PageQuery(fmt.Sprint("q", i)).Exists()}
			},
			PageVisit{URL: "/x/?q3", Item: Item{Fields: map[string]any{"a": 1.0}}},
		},
		{
			"beside two numbers",
			func(i int) Condition {
				return All{ItemField("a").Equals(1), ItemField("b").Equals(2.0), PageQuery(fmt.Sprint("q", i)).Exists()}
			},
			PageVisit{URL: "/?q3", Item: Item{Fields: map[string]any{"a": []any{1.0, 1, 3}, "b": uint8(2)}}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var conditions []Condition
			for i := range 10 {
				conditions = append(conditions, test.when(i))
			}
			if got := matchSet(t, setOf(t, conditions...), test.visit); !slices.Equal(got, []int32{3}) {
				t.Errorf("campaigns = %v, want 3", got)
			}
		})
	}
}

// A pattern that any text meets needs no text, but a field.
func TestIndexFindsWhatAnyTextMeets(t *testing.T) {
	for _, when := range []Condition{PageTitle.Glob("*"), PageTitle.Glob("?*"), PageTitle.Regex(""), PageTitle.Regex("(?:x|.*)")} {
		set := setOf(t, append(otherTypes(), when)...)
		if got := matchSet(t, set, PageVisit{URL: "/", Title: "x"}); !slices.Equal(got, []int32{4}) {
			t.Errorf("campaigns = %v, want the one for %v", got, when)
		}
	}
}

// What two ways of asking have in common is taken for both, and nothing else.
func TestIndexFindsEachWayOfAsking(t *testing.T) {
	tests := []struct {
		when  Condition
		visit PageVisit
		want  bool
	}{
		{PageTitle.Regex("^(ab|xab)"), PageVisit{Title: "xab"}, true},
		{PageTitle.Regex("(ab|abx)$"), PageVisit{Title: "abx"}, true},
		{PageTitle.Regex("(?i:sho)es"), PageVisit{Title: "SHoes"}, true},
		{PageTitle.Regex("/(?i:s)?ale/"), PageVisit{Title: "/sale/"}, true},
		{PageTitle.Regex("/((?i:ab)|[01]c)/x"), PageVisit{Title: "/Ab/x"}, true},
		{All{PagePath.Equals("/x/"), PageType.Equals("t")}, PageVisit{URL: "/x", Type: "t"}, true},
		{All{PageURL.Equals("https://x.example/a"), PageType.Equals("t")}, PageVisit{URL: "https://x.example/a/", Type: "t"}, true},
		{All{PageQuery("q").Equals("a"), PageType.Equals("t")}, PageVisit{URL: "/?q=a", Type: "t"}, true},
		{All{Field("referrer.query.q").Equals("a"), PageType.Equals("t")}, PageVisit{Referrer: "/?q=a", Type: "t"}, true},
		{All{ItemField("a").Equals(1), ItemField("b").Equals("x")}, PageVisit{Item: Item{Fields: map[string]any{"a": 1, "b": "x"}}}, true},
		{All{ItemField("a").Equals(1), ItemField("b").Equals("x")}, PageVisit{Item: Item{Fields: map[string]any{"a": "1", "b": "x"}}}, false},
		{All{ItemField("a").Equals(1), ItemField("a").Equals(2), ItemField("b").Equals(true)}, PageVisit{Item: Item{Fields: map[string]any{"a": []int{2, 1}, "b": true}}}, true},
		{All{Any{All{ItemCategory.Equals("c"), ItemID.Equals("i")}}, PageType.Equals("t")}, PageVisit{Item: Item{Category: "c", ID: "i"}, Type: "t"}, true},
		{All{Any{All{ItemCategory.Equals("c"), ItemID.Equals("i")}}, PageType.Equals("t")}, PageVisit{Item: Item{Category: "c"}, Type: "t"}, false},
		{All{ItemCategory.Equals("c").IgnoringCase(), ItemID.Equals("i")}, PageVisit{Item: Item{Category: "c", ID: "i"}}, true},
		{PageTitle.Regex("(SALE.*x|(?i:sale).*y)"), PageVisit{Title: "sale y"}, true},
		{PageTitle.Contains("aaaaaaa"), PageVisit{Title: "aaaaaaa"}, true},
		{PageTitle.Contains("aaaaaaa"), PageVisit{Title: "xaaaaaaa"}, true},
		{PageTitle.Contains("aaaaaaa"), PageVisit{Title: "xxaaaaaaa"}, true},
		{PageTitle.Contains("aaaaaaa"), PageVisit{Title: "xxxaaaaaaa"}, true},
	}
	for _, test := range tests {
		if test.visit.URL == "" {
			test.visit.URL = "/"
		}
		// Many, as few make no pair.
		set := setOf(t, append(otherTypes(), slices.Repeat([]Condition{test.when}, 30)...)...)
		want := 0
		if test.want {
			want = 30
		}
		if got := matchSet(t, set, test.visit); len(got) != want || len(set.always) > 0 {
			t.Errorf("%d campaigns for %+v, want %d, for %v; tested always: %v", len(got), test.visit, want, test.when, set.always)
		}
	}
}

// Only postings that want the same are compared as one.
func TestPostingsThatWantTheSame(t *testing.T) {
	table := anchorTable{texts: "abcabcabcabcabc"}
	many := []posting{
		{text: 0, length: 3, index: 1, rule: ruleStarts, campaign: 0},
		{text: 3, length: 3, index: 2, rule: ruleStarts, campaign: 1},
		{text: 6, length: 3, index: 1, rule: ruleEnds, campaign: 2},
		{text: 9, length: 3, index: 1, rule: ruleStarts | ruleExact, campaign: 3},
		{text: 12, length: 3, index: 1, rule: ruleStarts, at: 1, campaign: 4},
	}
	table.makeRuns(many)
	runs := map[int]int{}
	for rest := many; len(rest) > 0; {
		n := 1 + int(rest[0].tag)
		runs[n]++
		rest = rest[n:]
	}
	if runs[2] != 1 || runs[1] != 3 {
		t.Errorf("postings in runs of some length: %v, want one of 2 and three of 1", runs)
	}
	if table.holds(&posting{length: 3, index: 1, rule: ruleWhole}, &probe{text: "abc", index: 2, rule: ruleWhole}) {
		t.Error("a posting of one field holds for another")
	}
}

// A campaign that is found at each place of a text is tested once, even if others are
// found there, too.
func TestOneTestForWhatRepeats(t *testing.T) {
	conditions := otherTypes()
	for i := range 3 {
		conditions = append(conditions, All{PageTitle.Contains(fmt.Sprintf("red-shoes-%d", i)), PageQuery("q").Exists()})
	}
	set := setOf(t, conditions...)
	v := view{visit: PageVisit{URL: "/x", Title: strings.Repeat("red-shoes-0 red-shoes-1 red-shoes-2 ", 20)}}
	if err := v.read(); err != nil {
		t.Fatal(err)
	}
	if hits := set.match(&v); len(hits) > 0 || v.tests != 3 {
		t.Errorf("%d campaigns, after %d tests, want none, after three", len(hits), v.tests)
	}
}

// What differs in one thing only is told apart by the index as by the condition.
func TestIndexTellsLikeFromLike(t *testing.T) {
	const text = "abcdefghijklmnop"
	long := strings.Repeat("x", maxFiled+1)
	tests := []struct {
		name       string
		conditions []Condition
		visit      PageVisit
		want       []int32
	}{
		{
			"a URL with a slash before its query, beside a prefix",
			[]Condition{PageURL.Equals("https://x.example/a/?q=b"), PageURL.StartsWith("https://x.example/")},
			PageVisit{URL: "https://x.example/a?q=b"},
			[]int32{0, 1},
		},
		{"a URL whose query ends with a slash", []Condition{PageURL.Equals("https://x.example/a?q=/")}, PageVisit{URL: "https://x.example/a?q=/"}, []int32{0}},
		{"a title that ends with a slash", []Condition{PageTitle.Equals("shoes/")}, PageVisit{Title: "shoes/"}, []int32{0}},
		{"a title without it", []Condition{PageTitle.Equals("shoes/")}, PageVisit{Title: "shoes"}, nil},
		{
			"texts of two shapes of grams",
			[]Condition{PageTitle.Contains(text), PageTitle.Contains(text[:8])},
			PageVisit{Title: "x" + text},
			[]int32{0, 1},
		},
		{"a long end before a short one", []Condition{PageTitle.EndsWith("abcdefghij"), PageTitle.EndsWith("z")}, PageVisit{Title: "xabcdefghij"}, []int32{0}},
		{
			"texts that are too long for a posting",
			[]Condition{PageTitle.EndsWith(long), PageTitle.StartsWith(long), PageTitle.Equals(long)},
			PageVisit{Title: long},
			[]int32{0, 1, 2},
		},
		{
			"and what is not quite one",
			[]Condition{PageTitle.EndsWith(long), PageTitle.StartsWith(long), PageTitle.Equals(long)},
			PageVisit{Title: "a" + long[2:] + "a"},
			nil,
		},
		{"a byte that is not UTF-8", []Condition{PageQuery("q").Equals("\ufffd")}, PageVisit{URL: "/?q=\xff"}, []int32{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.visit.URL == "" {
				test.visit.URL = "/"
			}
			set := setOf(t, append(test.conditions, otherTypes()...)...)
			if got := matchSet(t, set, test.visit); !slices.Equal(got, test.want) {
				t.Errorf("campaigns = %v, want %v", got, test.want)
			}
		})
	}
}

// Beyond as many finds as are taken without a note, what has the gram of a text and not the
// text is still not found.
func TestIndexComparesAmongMany(t *testing.T) {
	var conditions []Condition
	var want []int32
	for i := range 2 * fewFound {
		conditions, want = append(conditions, PagePath.Equals("/")), append(want, int32(i))
	}
	for i := range 5 {
		conditions = append(conditions, PageTitle.Contains(fmt.Sprint("red1-shoes", i)))
	}
	if got := matchSet(t, setOf(t, conditions...), PageVisit{URL: "/", Title: "red1-shoes9"}); !slices.Equal(got, want) {
		t.Errorf("campaigns = %v, want those for the path", got)
	}
}

// Where one number stands for several fields, nothing that is found is exact.
func TestNothingIsExactInTheLastIndex(t *testing.T) {
	e := posting{index: lastIndex, rule: ruleWhole | ruleExact}
	new(tableBuilder).text(&e, "on")
	if e.rule != ruleWhole {
		t.Errorf("rule = %v, want %v", e.rule, ruleWhole)
	}
}

// A visit with long lists of what campaigns ask for looks up no more pairs than there are
// campaigns to test.
func TestListsOfPairsAreBounded(t *testing.T) {
	const n = 1000
	tests := []struct {
		name          string
		first, second func(i int) any
		lost          bool // a test of each campaign takes less
	}{
		{"texts", func(i int) any { return fmt.Sprint("a", i) }, func(i int) any { return fmt.Sprint("b", i) }, true},
		{"numbers", func(i int) any { return i }, func(i int) any { return -i }, true},
		{"booleans", func(i int) any { return i%2 == 0 }, func(i int) any { return i }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var conditions []Condition
			var firsts, seconds []any
			for i := range n {
				conditions = append(conditions, All{ItemField("first").Equals(test.first(i)), ItemField("second").Equals(test.second(i))})
				firsts, seconds = append(firsts, test.first(i)), append(seconds, test.second(i))
			}
			set := setOf(t, conditions...)
			v := view{visit: PageVisit{URL: "/", Item: Item{Fields: map[string]any{"first": firsts, "second": seconds}}}}
			if err := v.read(); err != nil {
				t.Fatal(err)
			}
			if got := set.match(&v); len(got) != n {
				t.Errorf("%d campaigns found, want %d", len(got), n)
			}
			if v.lost != test.lost {
				t.Errorf("after %d pairs and postings each campaign is tested: %v, want %v", v.looked, v.lost, test.lost)
			}
		})
	}
}

package campaign_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// withCondition is the smallest campaign with the condition.
func withCondition(c campaign.Condition) campaign.Campaign {
	return campaign.Campaign{ID: "condition", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: c},
		campaign.Webhook{Method: "POST", URL: "https://hooks.example/"},
		campaign.Stop{},
	}}
}

func match(t testing.TB, c campaign.Condition, visit campaign.PageVisit) bool {
	t.Helper()
	ok, err := withCondition(c).Match(visit)
	if err != nil {
		t.Fatalf("Match(%+v): %v", c, err)
	}
	return ok
}

func decodeJSON(t testing.TB, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("json.Unmarshal(%.200s): %v", data, err)
	}
}

// seen is a visit of a page with this address.
func seen(address string) campaign.PageVisit { return campaign.PageVisit{URL: address} }

// titled is a visit of a page with this title.
func titled(title string) campaign.PageVisit { return campaign.PageVisit{URL: "/", Title: title} }

// profiled is a visit by a profile with a field x.
func profiled(x any) campaign.PageVisit {
	return campaign.PageVisit{URL: "/", Profile: campaign.Profile{Fields: map[string]any{"x": x}}}
}

const (
	title = campaign.PageTitle
	path  = campaign.PagePath
	page  = campaign.PageURL
)

var x = campaign.ProfileField("x")

type conditionTest struct {
	name  string
	when  campaign.Condition
	visit campaign.PageVisit
	want  bool
}

func runConditions(t *testing.T, tests []conditionTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := match(t, tt.when, tt.visit); got != tt.want {
				t.Errorf("Match(%+v) of %.200q = %v, want %v", tt.when, tt.visit.URL, got, tt.want)
			}
			if got := match(t, campaign.Not{Of: tt.when}, tt.visit); got == tt.want {
				t.Errorf("Match(not %+v) of %.200q = %v, want %v", tt.when, tt.visit.URL, got, !tt.want)
			}
		})
	}
}

func TestTextOperators(t *testing.T) {
	runConditions(t, []conditionTest{
		{"equals", title.Equals("Shoes"), titled("Shoes"), true},
		{"equals case", title.Equals("Shoes"), titled("shoes"), false},
		{"equals part", title.Equals("Shoes"), titled("Shoes "), false},
		{"equals slash of a title", title.Equals("Shoes"), titled("Shoes/"), false},
		{"equals empty, missing", title.Equals(""), titled(""), false},
		{"equals empty, there", x.Equals(""), profiled(""), true},
		{"equals invalid UTF-8", title.Equals("\ufffd"), titled("\xff"), false},
		{"in", title.In("A", "B"), titled("B"), true},
		{"in case", title.In("A", "B"), titled("b"), false},
		{"in none", title.In("A", "B"), titled("C"), false},
		{"in many", title.In("A", "B", "C", "D", "E", "F", "G", "H", "I", "J"), titled("J"), true},
		{"in many, none", title.In("A", "B", "C", "D", "E", "F", "G", "H", "I", "J"), titled("AB"), false},
		{"in a slice", title.In([]string{"A", "B"}), titled("B"), true},
		{"in empty text", x.In("", "a"), profiled(""), true},
		{"contains", title.Contains("o"), titled("Shoes"), true},
		{"contains whole", title.Contains("Shoes"), titled("Shoes"), true},
		{"contains longer", title.Contains("Shoes!"), titled("Shoes"), false},
		{"contains case", title.Contains("s"), titled("SHOE"), false},
		{"starts_with", title.StartsWith("Sh"), titled("Shoes"), true},
		{"starts_with, later", title.StartsWith("ho"), titled("Shoes"), false},
		{"ends_with", title.EndsWith("es"), titled("Shoes"), true},
		{"ends_with, earlier", title.EndsWith("oe"), titled("Shoes"), false},
		{"exists", title.Exists(), titled("x"), true},
		{"exists, missing", title.Exists(), titled(""), false},
		{"less", x.Less(1), profiled("0"), false},
		{"at_least", x.AtLeast(1), profiled("2"), false},

		{"ignore_case equals", title.Equals("sHOES").IgnoringCase(), titled("Shoes"), true},
		{"ignore_case in", title.In("a", "SHOES").IgnoringCase(), titled("shoes"), true},
		{"ignore_case in many", title.In("1", "2", "3", "4", "5", "6", "7", "8", "SHOES").IgnoringCase(), titled("shoes"), true},
		{"ignore_case contains", title.Contains("HOE").IgnoringCase(), titled("Shoes"), true},
		{"ignore_case contains, later", title.Contains("AAB").IgnoringCase(), titled("aaaab"), true},
		{"ignore_case starts_with", title.StartsWith("sHO").IgnoringCase(), titled("Shoes"), true},
		{"ignore_case ends_with", title.EndsWith("OeS").IgnoringCase(), titled("Shoes"), true},
		{"ignore_case glob", title.Glob("s*S").IgnoringCase(), titled("Shoes"), true},
		{"ignore_case regex", title.Regex("^shoes$").IgnoringCase(), titled("SHOES"), true},
		{"Kelvin sign", title.Equals("K").IgnoringCase(), titled("k"), true},
		{"Kelvin sign in a visit", title.StartsWith("ok!").IgnoringCase(), titled("OK!"), true},
		{"Kelvin sign at the end", title.EndsWith("5k").IgnoringCase(), titled("25K"), true},
		{"Kelvin sign inside", title.Contains("3 K o").IgnoringCase(), titled("at 3 k or so"), true},
		{"Kelvin sign in a glob", title.Glob("?k").IgnoringCase(), titled("xK"), true},
		{"Kelvin sign in a regex", title.Regex("^k$").IgnoringCase(), titled("K"), true},
		{"long s", title.Equals("ſ").IgnoringCase(), titled("S"), true},
		{"sharp s", title.Equals("STRASSE").IgnoringCase(), titled("straße"), false},
		{"capital sharp s", title.Equals("STRAẞE").IgnoringCase(), titled("straße"), true},
		{"final sigma", title.Equals("ΟΔΟΣ").IgnoringCase(), titled("οδος"), true},
		{"Turkish dotless i", title.Equals("I").IgnoringCase(), titled("ı"), false},
		{"Turkish dotted I", title.Equals("i").IgnoringCase(), titled("İ"), false},
		{"İ is only itself", title.Equals("İ").IgnoringCase(), titled("İ"), true},
		{"composed and not", title.Equals("é").IgnoringCase(), titled("e\u0301"), false},
		{"umlaut", title.Contains("ÜBER").IgnoringCase(), titled("alles über"), true},
		{"title case digraph", title.Equals("Ǆ").IgnoringCase(), titled("ǅ"), true},
	})
}

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"shoes", "shoes", true},
		{"shoes", "shoes/", false},
		{"shoes", "my shoes", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"**", "a/b", true},
		{"?", "", false},
		{"?", "a", true},
		{"?", "/", true},
		{"?", "ab", false},
		{"?", "é", true},
		{"??", "é", false},
		{"?", "👟", true},
		{"?", "\n", true},
		{"*?", "", false},
		{"?*", "a", true},
		{"*?*?*", "ab", true},
		{"*?*?*", "a", false},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "aa", true},
		{"*a", "ab", false},
		{"a*b", "ab", true},
		{"a*b", "axxb", true},
		{"a*b", "axbx", false},
		{"a*b*c", "a b b c", true},
		{"a*b*c", "acb", false},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "aab", false},
		{"/shoes/*/reviews", "/shoes/a/b/reviews", true},
		{"/shoes/*/reviews", "/shoes/reviews", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\?`, "?", true},
		{`\?`, "a", false},
		{`\\`, `\`, true},
		{`\a`, "a", true},
		{`\é`, "é", true},
		{`*\*`, "ab*", true},
		{`*\*`, "ab", false},
		{`a\*b*`, "a*bc", true},
		{"[a-z]", "[a-z]", true},
		{"[a-z]", "b", false},
		{"{a,b}", "{a,b}", true},
		{"a.c", "abc", false},
		{"(", "(", true},
		{"?", "\xff", true},
		{"??", "\xff\xfe", true},
		{"*", "\xff", true},
		{"\ufffd", "\xff", false},
		{"é*", "é\xff", true},
		{"*é", "\xc3é", true},
	}
	for _, tt := range tests {
		if got := match(t, x.Glob(tt.pattern), profiled(tt.text)); got != tt.want {
			t.Errorf("Match(glob %q) of %q = %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}

// Patterns on which backtracking would take longer than the universe.
func TestTextOperatorsAreNeverSlow(t *testing.T) {
	const n = 100_000
	long := strings.Repeat("a", n)
	tests := []conditionTest{
		{"stars", x.Glob(strings.Repeat("a*", 50) + "b"), profiled(long), false},
		{"star, letters", x.Glob("*" + strings.Repeat("a", 1000) + "b"), profiled(long), false},
		{"star, letters, star", x.Glob("*" + strings.Repeat("a", 1000) + "b*"), profiled(long), false},
		{"stars without case", x.Glob(strings.Repeat("a*", 50) + "b").IgnoringCase(), profiled(long), false},
		{"regex", x.Regex("(a+)+b$"), profiled(long), false},
		{"contains", x.Contains(strings.Repeat("a", 1000) + "b"), profiled(long), false},
		{"contains without case", x.Contains(strings.Repeat("A", 1000) + "b").IgnoringCase(), profiled(long), false},
		{"contains without case, at the end", x.Contains(strings.Repeat("A", 1000) + "B").IgnoringCase(), profiled(long + "b"), true},
	}
	for _, tt := range tests {
		start := time.Now()
		if got := match(t, tt.when, tt.visit); got != tt.want {
			t.Errorf("%s: Match = %v, want %v", tt.name, got, tt.want)
		}
		// Milliseconds, or minutes if the work grows with the square: the bound is
		// for slow machines under -race that do much else.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v for %d characters", tt.name, took, n)
		}
	}
}

func TestRegex(t *testing.T) {
	tests := []struct {
		expr, text string
		fold, want bool
	}{
		{"o", "shoes", false, true},
		{"^shoes$", "shoes", false, true},
		{"^hoes", "shoes", false, false},
		{"a|b", "xb", false, true},
		{"^a|b$", "ax", false, true},
		{"", "", false, true},
		{"", "x", false, true},
		{"A", "a", false, false},
		{"A", "a", true, true},
		{"A|B", "b", true, true},
		{"(?-i)A", "a", true, false},
		{"(?i)a", "A", false, true},
		{"(?s).x", "\nx", true, true},
		{"^b$", "a\nb", false, false},
		{"(?m)^b$", "a\nb", false, true},
		{"(?m)^B$", "a\nb", true, true},
		{"a.b", "a\nb", false, false},
		{`\bshoes\b`, "the shoes!", false, true},
		{`\d{3}`, "a123", false, true},
		{`[[:alpha:]]+`, "1é", false, false},
		{`\p{L}`, "1é", false, true},
		{"^.$", "é", false, true},
		{`\Qa.b`, "xA.B", true, true},
		{`\Qa.b`, "xAxB", true, false},
		{`x|\Q(`, "(", true, true},
	}
	for _, tt := range tests {
		c := x.Regex(tt.expr)
		c.IgnoreCase = tt.fold
		if got := match(t, c, profiled(tt.text)); got != tt.want {
			t.Errorf("Match(regex %q, ignore_case %v) of %q = %v, want %v", tt.expr, tt.fold, tt.text, got, tt.want)
		}
	}
}

func TestTrailingSlash(t *testing.T) {
	runConditions(t, []conditionTest{
		{"in the visit", path.Equals("/shoes"), seen("/shoes/"), true},
		{"in the condition", path.Equals("/shoes/"), seen("/shoes"), true},
		{"in both", path.Equals("/shoes/"), seen("/shoes/"), true},
		{"two in the visit", path.Equals("/shoes"), seen("/shoes//"), false},
		{"two and one", path.Equals("/shoes/"), seen("/shoes//"), false},
		{"two in the condition", path.Equals("/shoes//"), seen("/shoes"), false},
		{"root", path.Equals("/"), seen("https://shop.example"), true},
		{"root as nothing", path.Equals(""), seen("https://shop.example/"), true},
		{"root and more", path.Equals("/"), seen("/shoes"), false},
		{"escaped slash", path.Equals("/shoes"), seen("/shoes%2F"), true},
		{"case", path.Equals("/Shoes"), seen("/shoes/"), false},
		{"ignore_case", path.Equals("/Shoes").IgnoringCase(), seen("/shoes/"), true},
		{"leading slash", path.Equals("shoes"), seen("/shoes"), false},
		{"query in a path is text", path.Equals("/shoes/?a"), seen("/shoes%3Fa"), false},
		{"in", path.In("/a", "/shoes"), seen("/shoes/"), true},
		{"in the other way", path.In("/a/", "/shoes/"), seen("/shoes"), true},
		{"in many", path.In("/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"), seen("/9/"), true},
		{"in many, the other way", path.In("/1/", "/2/", "/3/", "/4/", "/5/", "/6/", "/7/", "/8/", "/9/"), seen("/9"), true},
		{"in many, root", path.In("/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/"), seen("https://shop.example"), true},
		{"in many, two", path.In("/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"), seen("/9//"), false},
		{"in many, ignore_case", path.In("/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/I").IgnoringCase(), seen("/i/"), true},
		{"starts_with", path.StartsWith("/shoes/"), seen("/shoes"), false},
		{"ends_with", path.EndsWith("/shoes"), seen("/shoes/"), false},
		{"contains", path.Contains("shoes/"), seen("/shoes"), false},
		{"glob", path.Glob("/shoes"), seen("/shoes/"), false},
		{"regex", path.Regex("^/shoes$"), seen("/shoes/"), false},

		{"url", page.Equals("https://shop.example/shoes"), seen("https://shop.example/shoes/"), true},
		{"url the other way", page.Equals("https://shop.example/shoes/"), seen("https://shop.example/shoes"), true},
		{"url without path", page.Equals("https://shop.example"), seen("https://shop.example/"), true},
		{"url with query", page.Equals("https://shop.example/shoes?a=1"), seen("https://shop.example/shoes/?a=1"), true},
		{"url with query, the other way", page.Equals("https://shop.example/shoes/?a=1"), seen("https://shop.example/shoes?a=1"), true},
		{"url, slash of the query", page.Equals("https://shop.example/shoes?a=1"), seen("https://shop.example/shoes?a=1/"), false},
		{"url, slash of the query alone", page.Equals("https://shop.example/shoes?a=/"), seen("https://shop.example/shoes?a="), false},
		{"url, root with query", page.Equals("https://shop.example?a"), seen("https://shop.example/?a"), true},
		{"url, empty query", page.Equals("https://shop.example/a?"), seen("https://shop.example/a"), false},
		{"url, other query", page.Equals("https://shop.example/a?b"), seen("https://shop.example/a?c"), false},
		{"url, slash moved into the query", page.Equals("https://shop.example/a/?b"), seen("https://shop.example/a?/b"), false},
		{"url, two slashes", page.Equals("https://shop.example/a"), seen("https://shop.example/a//"), false},
		{"url, ignore_case", page.Equals("https://shop.example/A/?B").IgnoringCase(), seen("https://shop.example/a?b"), true},
		{"url, in", page.In("https://a.example/", "https://shop.example/a?b"), seen("https://shop.example/a/?b"), true},
		{"url, in many", page.In("1", "2", "3", "4", "5", "6", "7", "https://shop.example/a?b", "9"), seen("https://shop.example/a/?b"), true},
		{"url, fragment", page.Equals("https://shop.example/a"), seen("https://shop.example/a/#b"), true},
		{"url, origin-form", page.Equals("/a?b"), seen("/a/?b"), true},
		{"url, scheme", page.Equals("http://shop.example/a"), seen("https://shop.example/a"), false},

		{"referrer path", campaign.ReferrerPath.Equals("/a"), campaign.PageVisit{URL: "/", Referrer: "https://x.example/a/"}, true},
		{"referrer url", campaign.ReferrerURL.In("https://x.example/a?b"), campaign.PageVisit{URL: "/", Referrer: "https://x.example/a/?b"}, true},
		{"query parameter", campaign.PageQuery("q").Equals("/a"), seen("/?q=/a/"), false},
		{"fragment", campaign.PageFragment.Equals("/a"), seen("/#/a/"), false},
		{"profile field", x.Equals("/a"), profiled("/a/"), false},
		{"host", campaign.PageHost.Equals("shop.example/"), seen("https://shop.example/"), false},
	})
}

func TestGroups(t *testing.T) {
	yes, no := path.Exists(), title.Exists()
	missing := campaign.ProfileField("missing")
	visit := seen("/a")
	runConditions(t, []conditionTest{
		{"all", campaign.All{yes, yes}, visit, true},
		{"all but one", campaign.All{yes, no, yes}, visit, false},
		{"any", campaign.Any{no, yes}, visit, true},
		{"any of none", campaign.Any{no, no}, visit, false},
		{"not", campaign.Not{Of: no}, visit, true},
		{"not not", campaign.Not{Of: campaign.Not{Of: yes}}, visit, true},
		{"not all", campaign.Not{Of: campaign.All{yes, no}}, visit, true},
		{"not any", campaign.Not{Of: campaign.Any{no, yes}}, visit, false},
		{"nested", campaign.All{campaign.Any{no, campaign.Not{Of: no}}, campaign.All{yes}}, visit, true},
		{"not of a missing field", campaign.Not{Of: missing.Equals("a")}, visit, true},
		{"not less of a missing field", campaign.Not{Of: missing.Less(1)}, visit, true},
		{"not exists", campaign.Not{Of: missing.Exists()}, visit, true},
		{"not of text and number", campaign.Not{Of: x.Less(1)}, profiled("a"), true},
		{"not of a list: none of them", campaign.Not{Of: x.Equals("a")}, profiled([]string{"b", "c"}), true},
		{"not of a list: one of them", campaign.Not{Of: x.Equals("a")}, profiled([]string{"a", "c"}), false},
		{"not of a repeated parameter", campaign.Not{Of: campaign.PageQuery("a").Equals("2")}, seen("/?a=1&a=2"), false},
	})
}

func TestFields(t *testing.T) {
	visit := campaign.PageVisit{
		URL:      "https://Shop.Example:8443/a%20b/?q=1&q=two+2#sec%20t",
		Title:    "Title",
		Type:     "product",
		Referrer: "https://Search.Example/find/it?q=shoes#x",
		Item:     campaign.Item{ID: "42", Name: "Air", Category: "running", Fields: map[string]any{"price": 99.5, "id": "other"}},
		Profile:  campaign.Profile{ID: "p-1", Fields: map[string]any{"email": "ann@example.org", "id": "other"}},
		Data:     map[string]any{"device": "phone"},
	}
	bare := campaign.PageVisit{URL: "/a"}
	tests := []struct {
		field campaign.Field
		value any
		bare  bool // whether a visit of a path alone has it
	}{
		{campaign.PageURL, "https://shop.example:8443/a%20b/?q=1&q=two+2", true},
		{campaign.PageScheme, "https", false},
		{campaign.PageHost, "shop.example:8443", false},
		{campaign.PagePath, "/a b/", true},
		{campaign.PageFragment, "sec t", false},
		{campaign.PageTitle, "Title", false},
		{campaign.PageType, "product", false},
		{campaign.PageQuery("q"), "1", false},
		{campaign.PageQuery("q"), "two 2", false},
		{campaign.ReferrerURL, "https://search.example/find/it?q=shoes", false},
		{campaign.ReferrerHost, "search.example", false},
		{campaign.ReferrerPath, "/find/it", false},
		{campaign.ReferrerQuery("q"), "shoes", false},
		{campaign.ItemID, "42", false},
		{campaign.ItemName, "Air", false},
		{campaign.ItemCategory, "running", false},
		{campaign.ItemField("category"), "running", false},
		{campaign.ItemField("price"), 99.5, false},
		{campaign.ProfileField("id"), "p-1", false},
		{campaign.ProfileField("profileid"), "p-1", false},
		{campaign.ProfileField("email"), "ann@example.org", false},
		{campaign.VisitField("device"), "phone", false},
	}
	for _, tt := range tests {
		if !match(t, tt.field.Equals(tt.value), visit) {
			t.Errorf("Match(%s equals %v) = false, want true", tt.field, tt.value)
		}
		if !match(t, tt.field.In("no", tt.value), visit) {
			t.Errorf("Match(%s in no, %v) = false, want true", tt.field, tt.value)
		}
		if !match(t, tt.field.Exists(), visit) {
			t.Errorf("Match(%s exists) = false, want true", tt.field)
		}
		if match(t, tt.field.Equals("another"), visit) {
			t.Errorf("Match(%s equals another) = true, want false", tt.field)
		}
		if got := match(t, tt.field.Exists(), bare); got != tt.bare {
			t.Errorf("Match(%s exists) of %q = %v, want %v", tt.field, bare.URL, got, tt.bare)
		}
		text, ok := tt.value.(string)
		if !ok {
			continue
		}
		for _, c := range []campaign.Comparison{
			tt.field.StartsWith(text[:1]), tt.field.EndsWith(text[len(text)-1:]), tt.field.Contains(text[len(text)/2:]),
			tt.field.Glob(text[:1] + "*"), tt.field.Regex("^" + text[:1]),
			tt.field.Equals(strings.ToUpper(text)).IgnoringCase(),
		} {
			if !match(t, c, visit) {
				t.Errorf("Match(%+v) = false, want true", c)
			}
		}
	}
}

func TestReferrer(t *testing.T) {
	host, found := campaign.ReferrerHost, campaign.ReferrerURL.Exists()
	tests := []struct {
		referrer string
		there    bool
		host     string
	}{
		{"", false, ""},
		{"no address", false, ""},
		{"search.example", false, ""},
		{"https://", false, ""},
		{"https://search.example:x/", false, ""},
		{"https://search.example", true, "search.example"},
		{"HTTPS://Search.Example:443/", true, "search.example"},
		{"android-app://com.example.app/", true, "com.example.app"},
		{"https://bücher.example/", true, "xn--bcher-kva.example"},
		{"/find", true, ""},
		{"about:blank", true, ""},
	}
	for _, tt := range tests {
		visit := campaign.PageVisit{URL: "/", Referrer: tt.referrer}
		if got := match(t, found, visit); got != tt.there {
			t.Errorf("Match(referrer.url exists) of %q = %v, want %v", tt.referrer, got, tt.there)
		}
		if got, want := match(t, host.Exists(), visit), tt.host != ""; got != want {
			t.Errorf("Match(referrer.host exists) of %q = %v, want %v", tt.referrer, got, want)
		}
		if tt.host != "" && !match(t, host.Equals(tt.host), visit) {
			t.Errorf("Match(referrer.host equals %q) of %q = false, want true", tt.host, tt.referrer)
		}
		if got := match(t, campaign.ReferrerQuery("q").Exists(), visit); got {
			t.Errorf("Match(referrer.query.q exists) of %q = true, want false", tt.referrer)
		}
	}
}

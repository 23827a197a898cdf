package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

func ExampleCampaign_Explain() {
	v := shoeVisit()
	v.Type = "category" // the visit just misses
	explanation, err := runningShoes().Explain(v)
	if err != nil {
		panic(err)
	}
	fmt.Print(explanation)
	// Output:
	// running-shoes (Running shoes, known customers): does not start: the visit does not meet the condition
	//   NO   all of
	//   yes    page.path starts_with "/shoes/": it is "/shoes/42"
	//   NO     page.type equals "product": it is "category"  <- this is why
	//   yes    item.category equals "running": it is "running"
	//   yes  audience: known profiles
}

func TestExplainReasons(t *testing.T) {
	var sender campaigntest.Recorder
	closed := shoeVisit()
	closed.Profile.ID = "p-closed"
	engine := newEngine(t, &sender, nil, runningShoes())
	visit(t, engine, closed)
	sender.Reset()

	tests := []struct {
		name   string
		change func(*campaign.PageVisit)
		want   campaign.Reason
		holds  bool
	}{
		{"it starts", func(*campaign.PageVisit) {}, campaign.ReasonStarts, true},
		{"no URL", func(v *campaign.PageVisit) { v.URL = "" }, campaign.ReasonBadVisit, false},
		{"another item", func(v *campaign.PageVisit) { v.Item.Category = "trail" }, campaign.ReasonCondition, false},
		{"not known", func(v *campaign.PageVisit) { v.Profile.Known = false }, campaign.ReasonUnknownProfile, true},
		{"in its cooldown", func(v *campaign.PageVisit) { v.Profile.ID = "p-closed" }, campaign.ReasonCoolingDown, true},
		{"no email", func(v *campaign.PageVisit) { v.Profile.Fields = nil }, campaign.ReasonCannotRender, true},
		{"before the year 1", func(v *campaign.PageVisit) { v.Time = time.Time{}.Add(-time.Second) }, campaign.ReasonBadVisit, true},
		{"more than 24 hours ahead", func(v *campaign.PageVisit) { v.Time = time.Now().Add(25 * time.Hour) }, campaign.ReasonBadVisit, true},
		{"ahead, and of another item", func(v *campaign.PageVisit) {
			v.Time, v.Item.Category = time.Now().Add(25*time.Hour), "trail"
		}, campaign.ReasonCondition, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := shoeVisit()
			tt.change(&v)
			got := engine.Explain(v)
			if len(got) != 1 || got[0].Reason != tt.want || got[0].Condition.Holds != tt.holds {
				t.Fatalf("Explain = %+v, want %s with a condition that is %v", got, tt.want, tt.holds)
			}
			if again := engine.Explain(v); fmt.Sprint(again) != fmt.Sprint(got) {
				t.Errorf("Explain changed something: first\n%v\nthen\n%v", got, again)
			}
			if got[0].Reason == campaign.ReasonCoolingDown && (got[0].Left != 7*24*time.Hour || !got[0].Until.Equal(v.Time.Add(got[0].Left))) {
				t.Errorf("Left = %v, Until = %v, want a week", got[0].Left, got[0].Until)
			}
			if len(sender.Requests()) != 0 {
				t.Error("Explain sent something")
			}
		})
	}
	if _, err := (campaign.Campaign{}).Explain(shoeVisit()); err == nil {
		t.Error("Explain of a campaign that is not valid succeeded")
	}
	v := shoeVisit()
	v.Profile.Fields = nil
	if x := engine.Explain(v)[0]; !errors.Is(x.Err, campaign.ErrMissingField) {
		t.Errorf("Err = %v, want ErrMissingField", x.Err)
	}
}

// What only the ProfileSource knows is not asked for, and nothing is called wrong
// that it may put right.
func TestExplainAsksNoProfileSource(t *testing.T) {
	const (
		country  = `profile.country equals "NL": `
		will     = country + "not in the visit; the profile source will be asked"
		would    = country + "not in the visit; the profile source would be asked"
		shoes    = "  yes    page.path starts_with \"/shoes/\": it is \"/shoes/42\"\n"
		audience = "  yes  audience: known profiles\n"
		stranger = "  NO   audience: known profiles: the profile is not known (Profile.Known is false)  <- this is why\n"
		why      = "  <- this is why\n"
	)
	isDutch := campaign.ProfileField("country").Equals("NL")
	both := campaign.All{path.StartsWith("/shoes/"), isDutch}
	set := func(v any) func(*campaign.PageVisit) {
		return func(visit *campaign.PageVisit) { visit.Profile.Fields["country"] = v }
	}
	unknown := func(v *campaign.PageVisit) { v.Profile.Known = false }
	cart := func(v *campaign.PageVisit) { v.URL = "https://shop.example/cart" }
	closed := func(v *campaign.PageVisit) { v.Profile.ID = "p-closed" }
	same := func(*campaign.PageVisit) {}
	tests := []struct {
		name   string
		when   campaign.Condition
		change func(*campaign.PageVisit)
		reason campaign.Reason
		want   string // the lines after the first
	}{
		{
			"not in the visit", both, same, campaign.ReasonNeedsProfile,
			"  ?    all of\n" + shoes + "  ?      " + will + "\n" + audience,
		},
		{
			"in the visit", both, set("NL"), campaign.ReasonStarts,
			"  yes  all of\n" + shoes + "  yes    " + country + "it is \"NL\"\n" + audience,
		},
		{
			"another one in the visit", both, set("BE"), campaign.ReasonCondition,
			"  NO   all of\n" + shoes + "  NO     " + country + "it is \"BE\"" + why + audience,
		},
		{
			"null in the visit", both, set(nil), campaign.ReasonCondition,
			"  NO   all of\n" + shoes + "  NO     " + country + "it is null" + why + audience,
		},
		{
			"another page", both, cart, campaign.ReasonCondition,
			"  NO   all of\n  NO     page.path starts_with \"/shoes/\": it is \"/cart\"" + why + "  ?      " + would + "\n" + audience,
		},
		{
			"not in the audience", both, unknown, campaign.ReasonUnknownProfile,
			"  ?    all of\n" + shoes + "  ?      " + would + "\n" + stranger,
		},
		{
			"another page, and not in the audience", both, func(v *campaign.PageVisit) { cart(v); unknown(v) }, campaign.ReasonCondition,
			"  NO   all of\n  NO     page.path starts_with \"/shoes/\": it is \"/cart\"" + why + "  ?      " + would + "\n" + stranger,
		},
		{
			"all that is asked holds, but not in the audience", both, func(v *campaign.PageVisit) { set("NL")(v); unknown(v) }, campaign.ReasonUnknownProfile,
			"  yes  all of\n" + shoes + "  yes    " + country + "it is \"NL\"\n" + stranger,
		},
		{
			"nobody to ask for", both, func(v *campaign.PageVisit) { v.Profile = campaign.Profile{} }, campaign.ReasonUnknownProfile,
			"  ?    all of\n" + shoes + "  ?      " + would + "\n" + stranger,
		},
		{
			"left alone", both, closed, campaign.ReasonCoolingDown,
			"  ?    all of\n" + shoes + "  ?      " + will + "\n" + audience + "  NO   cooldown: left alone for good" + why,
		},
		{
			"a not",
			campaign.Not{Of: isDutch},
			same, campaign.ReasonNeedsProfile,
			"  ?    not\n  ?      " + will + "\n" + audience,
		},
		{
			"a not, and not in the audience",
			campaign.Not{Of: isDutch},
			unknown, campaign.ReasonUnknownProfile,
			"  ?    not\n  ?      " + would + "\n" + stranger,
		},
		{
			"not needed",
			campaign.Any{path.StartsWith("/shoes/"), isDutch},
			same, campaign.ReasonStarts,
			"  yes  at least one of\n" + shoes + "  ?      " + would + "\n" + audience,
		},
		{
			"a not of what is not needed",
			campaign.Not{Of: campaign.Any{path.StartsWith("/shoes/"), isDutch}},
			same, campaign.ReasonCondition,
			"  NO   not\n  yes    at least one of\n  yes      page.path starts_with \"/shoes/\": it is \"/shoes/42\"" + why + "  ?        " + would + "\n" + audience,
		},
		{
			"a group that is open in one that is not",
			campaign.All{path.Equals("/"), campaign.Any{isDutch, path.Equals("/")}},
			same, campaign.ReasonCondition,
			"  NO   all of\n  NO     page.path equals \"/\": it is \"/shoes/42\"" + why + "  ?      at least one of\n  ?        " + would +
				"\n  NO       page.path equals \"/\": it is \"/shoes/42\"\n" + audience,
		},
		{
			"the ID is the visit's to say", campaign.ProfileField("id").Equals("x"), unknown, campaign.ReasonCondition,
			"  NO   profile.id equals \"x\": it is \"p-1\"" + why + stranger,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := everyPage("c", 1, campaign.Stop{RestartTimeout: campaign.Never})
			c.Nodes[0] = campaign.WebsiteTrigger{When: tt.when}
			c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/"}
			asked := 0
			var tracker campaign.MemoryTracker
			engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{
				Tracker: &tracker,
				Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
					asked++
					return campaign.Profile{}, nil
				}),
			}, c)
			v := shoeVisit()
			v.Profile.ID, v.Profile.Fields = "p-1", map[string]any{}
			tt.change(&v)
			mustEnter(t, &tracker, campaign.Entry{Campaign: "c", Profile: "p-closed", Time: v.Time, Timeout: campaign.Never})
			got := engine.Explain(v)[0]
			if got.Reason != tt.reason {
				t.Errorf("Reason = %s, want %s", got.Reason, tt.reason)
			}
			_, lines, _ := strings.Cut(got.String(), "\n")
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("String (-want +got):\n%s", diff)
			}
			wantOpenShown(t, got.Condition)
			if asked != 0 {
				t.Errorf("Explain asked the ProfileSource %d times", asked)
			}
			pure, err := c.Explain(v)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(pure.String(), "  ? ") || strings.Contains(pure.String(), "source") {
				t.Errorf("Campaign.Explain, which has no source, speaks of one:\n%v", pure)
			}
		})
	}
}

// wantOpenShown checks that a finding that is open is not said to hold, and that
// one comparison is open exactly if its field is one that the visit lacks.
func wantOpenShown(t *testing.T, f campaign.Finding) {
	t.Helper()
	if f.Open && f.Holds {
		t.Errorf("%s holds, and is open", f.Pointer)
	}
	if f.Kind == "comparison" && f.Open != (f.Missing && f.Comparison.Field == "profile.country") {
		t.Errorf("%s: Open = %v with Missing = %v", f.Pointer, f.Open, f.Missing)
	}
	for _, sub := range f.Of {
		wantOpenShown(t, sub)
	}
}

// A visit whose time cannot be used needs no profile.
func TestExplainOpenVisitAhead(t *testing.T) {
	tests := []struct {
		when campaign.Condition
		want campaign.Reason
	}{
		{x.Equals("a"), campaign.ReasonBadVisit},
		{campaign.Not{Of: x.Equals("a")}, campaign.ReasonBadVisit},
		{campaign.All{path.Equals("/"), x.Equals("a")}, campaign.ReasonCondition},
	}
	for _, tt := range tests {
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{
			Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
				return campaign.Profile{}, nil
			}),
		}, withCondition(tt.when))
		v := shoeVisit()
		v.Time = time.Now().Add(25 * time.Hour)
		if got := engine.Explain(v)[0]; got.Reason != tt.want {
			t.Errorf("%+v: Reason = %s, want %s", tt.when, got.Reason, tt.want)
		}
	}
}

// Hosts forget to say that a profile is known, or who it is.
func TestExplainSaysWhyNotInTheAudience(t *testing.T) {
	tests := []struct {
		audience campaign.Audience
		profile  campaign.Profile
		want     string
	}{
		{campaign.AudienceKnown, campaign.Profile{ID: "p-1", Known: true}, "  yes  audience: known profiles\n"},
		{campaign.AudienceKnown, campaign.Profile{ID: "p-1"}, "  NO   audience: known profiles: the profile is not known (Profile.Known is false)  <- this is why\n"},
		{campaign.AudienceKnown, campaign.Profile{}, "  NO   audience: known profiles: the profile is not known (Profile.Known is false)  <- this is why\n"},
		{campaign.AudienceAll, campaign.Profile{ID: "p-1"}, "  yes  audience: every profile with an ID\n"},
		{campaign.AudienceAll, campaign.Profile{}, "  NO   audience: every profile with an ID: the profile has no ID  <- this is why\n"},
	}
	for _, tt := range tests {
		c := withCondition(path.Exists())
		c.Nodes[0] = campaign.WebsiteTrigger{When: path.Exists(), Audience: tt.audience}
		v := seen("/")
		v.Profile = tt.profile
		got, err := c.Explain(v)
		if err != nil || !strings.HasSuffix(got.String(), tt.want) {
			t.Errorf("Explain for %+v = %v, %v, want at its end %q", tt.profile, got, err, tt.want)
		}
	}
}

// All parts are decided, each with its place and what it found.
func TestExplainFindings(t *testing.T) {
	c := everyPage("c", 1, campaign.Stop{})
	compare := campaign.ItemField("price").AtLeast(100)
	repeated := campaign.PageQuery("utm").In("a", "b").IgnoringCase()
	missing := campaign.ReferrerHost.Equals("other.example")
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.Any{
		campaign.Not{Of: compare},
		campaign.All{repeated, missing},
	}}
	v := shoeVisit()
	v.URL = "https://shop.example/?utm=x&utm=B"
	v.Item.Fields = map[string]any{"price": 120}
	got, err := c.Explain(v)
	if err != nil {
		t.Fatal(err)
	}
	want := campaign.Finding{Pointer: "/nodes/0/when", Kind: "any", Of: []campaign.Finding{
		{Pointer: "/nodes/0/when/any/0", Kind: "not", Of: []campaign.Finding{
			{Pointer: "/nodes/0/when/any/0/not", Kind: "comparison", Holds: true, Comparison: compare, Found: 120},
		}},
		{Pointer: "/nodes/0/when/any/1", Kind: "all", Of: []campaign.Finding{
			{Pointer: "/nodes/0/when/any/1/all/0", Kind: "comparison", Holds: true, Comparison: repeated, Found: []any{"x", "B"}},
			{Pointer: "/nodes/0/when/any/1/all/1", Kind: "comparison", Comparison: missing, Missing: true},
		}},
	}}
	if diff := cmp.Diff(want, got.Condition); diff != "" {
		t.Errorf("Explain (-want +got):\n%s", diff)
	}
	wantText := strings.Join([]string{
		`c: does not start: the visit does not meet the condition`,
		`  NO   at least one of`,
		`  NO     not`,
		`  yes      item.price at_least 100: it is 120  <- this is why`,
		`  NO     all of`,
		`  yes      page.query.utm in ["a","b"] (ignoring case): it is ["x","B"]`,
		`  NO       referrer.host equals "other.example": it is missing  <- this is why`,
		`  yes  audience: known profiles`,
		``,
	}, "\n")
	if diff := cmp.Diff(wantText, got.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

// In nests, a part that does not hold may be as it should be, and one that holds
// may be what is wrong. Those that have to change are marked, and no others.
func TestExplainMarksWhatIsWrong(t *testing.T) {
	yes, no := func(name string) campaign.Condition { return campaign.Not{Of: campaign.VisitField(name).Exists()} },
		func(name string) campaign.Condition { return campaign.VisitField(name).Exists() }
	tests := []struct {
		when campaign.Condition
		want string // the fields that are marked
	}{
		{no("a"), "a"},
		{yes("a"), ""},
		{campaign.All{no("a"), yes("b"), no("c")}, "a c"},
		{campaign.All{campaign.Any{no("a"), yes("b")}, no("c")}, "c"},
		{campaign.All{campaign.Not{Of: campaign.Any{no("a"), no("b")}}, no("c")}, "c"},
		{campaign.Any{campaign.All{yes("a"), no("b")}, no("c")}, "b c"},
		{campaign.All{yes("a"), campaign.Not{Of: campaign.Any{no("b"), yes("c")}}}, "c"},
		{campaign.All{yes("a"), campaign.Not{Of: campaign.All{yes("b"), campaign.Not{Of: no("c")}}}}, "b c"},
		{campaign.Any{no("a"), campaign.All{no("b"), campaign.Not{Of: no("c")}}, yes("d")}, ""},
	}
	v := seen("/")
	v.Profile = campaign.Profile{ID: "p", Known: true} // in the audience, else that is wrong too
	for _, tt := range tests {
		x, err := withCondition(tt.when).Explain(v)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(x.String()) {
			if before, ok := strings.CutSuffix(line, "  <- this is why\n"); ok {
				_, field, _ := strings.Cut(before, "visit.")
				name, _, _ := strings.Cut(field, " ")
				got = append(got, name)
			}
		}
		if marked := strings.Join(got, " "); marked != tt.want {
			t.Errorf("marked are %q, want %q in\n%v", marked, tt.want, x)
		}
	}
}

// A tier is a number to comparisons, whatever it says of itself.
type tier uint8

func (tier) MarshalText() ([]byte, error) { return []byte("gold"), nil }

// What differs can be seen, also where the two would look the same.
func TestExplainShowsWhatDiffers(t *testing.T) {
	long := strings.Repeat("a", 500)
	many := make([]any, 500)
	for i := range many {
		many[i] = i
	}
	skus := make([]any, 500)
	for i := range skus {
		skus[i] = fmt.Sprintf("sku-%04d", i)
	}
	tests := []struct {
		when  campaign.Comparison
		found any
		want  string
	}{
		{x.Equals("Running shoes"), "Running\u00a0shoes", `equals "Running shoes": it is "Running\u00a0shoes"`},
		{x.Equals("é"), "e\u0301", `equals "é": it is "e\u0301"`},
		{x.Equals("ab"), "a\u200bb", `it is "a\u200bb"`},
		{x.Equals("ab"), "a\u202eb\x7f", `it is "a\u202eb\u007f"`},
		{x.Equals("a"), "a\U000e0061", `it is "a\U000e0061"`},
		{x.Equals("a\u00a0b"), "क्षत्रिय 👟", `equals "a\u00a0b": it is "क्षत्रिय 👟"`},
		{x.EndsWith("/b"), long + "/c", `aaaa/c"`},
		{x.StartsWith("b"), long, `it is "aaa`},
		{x.Equals(500), many, `,498,499]`},
		{x.AtLeast(100), "120", `at_least 100: it is text: "120"`},
		{x.Equals("42"), 42, `equals "42": it is a number: 42`},
		{x.Equals("42"), json.Number("42"), `equals "42": it is a number: 42`},
		{x.Equals(true), new("true"), `equals true: it is text: "true"`},
		{x.Contains("r"), true, `contains "r": it is a boolean: true`},
		{x.Equals(42), 43.5, `equals 42: it is 43.5`},
		{x.In("42"), []any{42}, `in ["42"]: it is a list of numbers: [42]`},
		{x.In(1, 2), "1", `in [1,2]: it is text: "1"`},
		{x.Equals(1), []any{"1", "2"}, `equals 1: it is a list of text: ["1","2"]`},
		{x.In(1, "a"), []any{"1", 2}, `in [1,"a"]: it is ["1",2]`},
		{x.Equals("a"), []any{}, `equals "a": it is []`},
		{x.Equals("a"), nil, `equals "a": it is null`},

		// As it is compared, not as it would be written.
		{x.Equals(0.1), float32(0.1), `equals 0.1: it is 0.10000000149011612`},
		{x.Equals("gold"), tier(2), `equals "gold": it is a number: 2`},
		{x.Equals(2), tier(2), `yes  profile.x equals 2: it is 2`},
		{x.Equals(2), []tier{1, 2}, `yes  profile.x equals 2: it is [1,2]`},
		{x.Equals(113), big.NewInt(113), `equals 113: it is a value of the type big.Int, which nothing compares with`},
		{x.Equals("cQ=="), []byte("q"), `equals "cQ==": it is a value of the type []uint8, which`},
		{x.Exists(), map[string]any{"a": 1}, "yes  profile.x exists: it is a map\n"},
		{x.Equals("a"), map[string]int{"a": 1}, `equals "a": it is a map, which nothing compares with`},
		{x.Equals("q"), []any{"x", func() {}, []any{1}, math.NaN(), nil}, `it is ["x",(func()),([]interface {}),NaN,null]`},
		{x.Equals("q"), math.Inf(1), `it is +Inf, which counts as no number`},
		{x.AtLeast(1), float32(math.Inf(1)), `at_least 1: it is +Inf, which counts as no number`},
		{x.Less(1), math.NaN(), `less 1: it is NaN, which counts as no number`},
		{x.Exists(), math.NaN(), "exists: it is NaN\n"},
		{x.Equals("q"), "\xff", `it is "\xff"`},
		{x.Equals(1), json.Number("1e400"), `it is 1e400`},

		// Of two long texts, the part where they differ.
		{x.Equals(long + "spring" + long), long + "summer" + long, `spring`},
		{x.Equals(long + "spring" + long), long + "summer" + long, `summer`},
		{x.StartsWith(long + "spring"), long + "summer" + long, `summer`},
		{x.EndsWith("spring" + long), long + "summer" + long, `summer`},
		{x.Contains("campaign=spring"), long + "campaign=summer" + long, `campaign=summer`},
		{x.Equals("A" + long + "spring").IgnoringCase(), "a" + long + "summer", `summer`},
		{x.EndsWith("spring" + long + "B").IgnoringCase(), "summer" + long + "b", `summer`},
		{x.Contains("A" + long + "spring").IgnoringCase(), "ſa" + long + "summer", `summer`},
		{x.Glob("*/checkout"), "/" + long + "/checkout/x", `aaa/checkout/x"`},
		{x.Regex("/checkout$"), "/" + long + "/checkout/x", `aaa/checkout/x"`},
		{x.In("a", "b"), "/" + long + "/x", `aaa/x"`},
		{x.Contains(long + "spring"), "ü" + long + "summer" + long, `summer`},
		{x.Glob("/" + long + "/spring*"), "/" + long + "/summer" + long, `spring*": it is`},
		{x.Glob("/" + long + "/spring*"), "/" + long + "/summer" + long, `/summera`},
		{x.Glob("/*/spring/" + long), "/shoes/summer/" + long, `ing/aaa`},
		{x.Glob("/*/spring/" + long), "/shoes/summer/" + long, `/shoes/summer/aaa`},

		// Of many values the nearest.
		{x.In(append(many, "spring-"+long+"-1", "winter-"+long+"-2")...), "winter-" + long + "-3", `-2"]: it is`},
		{x.In(append(many, "spring-"+long+"-1", "winter-"+long+"-2")...), "spring-" + long + "-3", `-1",…]: it is`},
		{x.In(skus...), "sku-0104x", `in […,"sku-0104",…]: it is "sku-0104x"`},
		{x.In(skus...), "SKU-0104X", `in ["sku-0000","sku-0001",`},
		{x.In(skus...).IgnoringCase(), "SKU-0104X", `in […,"sku-0104",…] (ignoring case): it is "SKU-0104X"`},
		{x.In(skus...), "sku-0499", `yes  profile.x in […,"sku-0499"]: it is "sku-0499"`},
		{x.In("a", "b"), "b", `in ["a","b"]: it is "b"`},
	}
	for _, tt := range tests {
		got, err := withCondition(tt.when).Explain(profiled(tt.found))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.String(), tt.want) || len(got.String()) > 700 {
			t.Errorf("the explanation of %+v for %.100v has no %s:\n%v", tt.when, tt.found, tt.want, got)
		}
	}
}

// What is cut out is not written before: a visitor chooses how long an address is,
// and each campaign may show it.
func TestExplainWritesNoMoreThanItShows(t *testing.T) {
	many := make([]any, 1<<16)
	for i := range many {
		many[i] = "ä\n"
	}
	long := strings.Repeat("ä\n", 1<<18)
	tests := []struct {
		name  string
		when  campaign.Comparison
		found any
		want  string
	}{
		{"a text", x.Regex("b$"), long, `it is "ä\nä\nä`},
		{"its end", x.Regex("b$"), long + "c", `nä\nc"`},
		{"a list", x.Equals("b"), many, `it is ["ä\n","ä\n",`},
		{"its end", x.Equals("b"), append(many, "c"), `,"ä\n","c"]`},
		{"a text in it", x.Equals("b"), []any{1, long}, `it is [1,"ä\nä\nä`},
		{"not UTF-8", x.Regex("b$"), strings.Repeat("\x80", 1<<19) + "c", `\x80c"`},
	}
	for _, tt := range tests {
		explanation, err := withCondition(tt.when).Explain(profiled(tt.found))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := explanation.String()
		runtime.ReadMemStats(&after)
		if !strings.Contains(got, tt.want) || len(got) > 700 {
			t.Errorf("%s: the explanation has no %s:\n%v", tt.name, tt.want, got)
		}
		if wrote := after.TotalAlloc - before.TotalAlloc; wrote > 8<<20 {
			t.Errorf("%s: an explanation of %d bytes wrote %d bytes", tt.name, len(got), wrote)
		}
	}
}

// An explanation is also for programs, and for pages that show it.
func TestExplanationAsJSON(t *testing.T) {
	cycle := []any{nil}
	cycle[0] = cycle
	for _, odd := range []any{math.NaN(), math.Inf(-1), float32(math.Inf(1)), []float64{1, math.NaN()}, []any{math.Inf(1), "a"}, make(chan int), func() {}, cycle, "\xff", json.Number("1e400"), json.Number("x"), complex(1, 2)} {
		c := withCondition(campaign.Any{x.Equals(1), campaign.ProfileField("x.y").Exists()})
		c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("x")}}
		got := newEngine(t, noSender(), &campaign.EngineOptions{Tracker: new(panickyReader)}, c).Explain(profiled(odd))
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("Marshal of the explanation of %.100v: %v", odd, err)
		}
	}
	got, err := withCondition(x.Equals(1)).Explain(profiled(math.Inf(1)))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(got.Condition.Found); err != nil || string(text) != `"+Inf"` {
		t.Errorf("Marshal of an infinity = %s, %v", text, err)
	}
}

// What two texts differ in cannot always be seen. Then it is said.
func TestExplainSaysWhatLooksAlike(t *testing.T) {
	const alike = "; it looks alike, but "
	tests := []struct {
		when  campaign.Comparison
		found any
		want  string // none if it is empty
	}{
		{x.Equals("sale"), "s\u0430le", "it is \"s\u0430le\"; it looks alike, but has U+0430 in the place of \"a\""},
		{x.Equals("s\u0430le"), "sale", alike + `the condition has U+0430 in the place of "a"`},
		{x.Equals("s\u0430le"), "sal\u0435", alike + `has U+0435 in the place of "e", and the condition has U+0430 in the place of "a"`},
		{x.Equals("SALE").IgnoringCase(), "s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.Equals("\u043a\u0430\u0440\u0442\u0430"), "\u043a\u0430p\u0442\u0430", alike + `the condition has U+0440 in the place of "p"`},
		{x.StartsWith("summer-sale"), "summer\u2013sale-2026", alike + `has U+2013 in the place of "-"`},
		{x.EndsWith("sale"), "summer \uff53ale", alike + `has U+FF53 in the place of "s"`},
		{x.Contains("it's"), "so it\u2019s", alike + `has U+2019 in the place of "'"`},
		{x.Glob("s?le*"), "s\u0430l\u0435s", alike + `has U+0435 in the place of "e"`},
		{x.EndsWith("sale"), "Men\u2019s s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.Contains("sale"), "\u00a0 s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.Glob("*sale*"), "\u201cs\u0430le\u201d", alike + `has U+0430 in the place of "a"`},
		{x.Contains("sale"), "the\u00a0s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.Contains("sale"), "s\u0430le or sal\u0435", ""}, // either will do
		{x.Regex("^sale$"), "s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.In(1, "b", "sale"), "s\u0430le", alike + `has U+0430 in the place of "a"`},
		{x.Equals("sale"), []any{"b", 1, "s\u0430le"}, alike + `has U+0430 in the place of "a"`},
		{x.Equals("Running shoes"), "Running\u00a0shoes", alike + `has U+00A0 in the place of " "`},
		{x.Equals("sale"), "sa\u200ble", alike + `has U+200B, which cannot be seen`},
		{x.Equals("\ufeffsale"), "sale", alike + `the condition has U+FEFF at its beginning`},
		{x.Equals("sale"), "sale ", alike + `has white space at its end`},
		{x.Equals("sale"), "\tsale", alike + `has white space at its beginning`},
		{x.In("a", " sale"), "sale", alike + `the condition has white space at its beginning`},
		{x.Equals("sale"), "sale\u00a0", alike + `has U+00A0 at its end`},

		{x.Equals("sale"), "s\u0430les", ""},     // something else too
		{x.Equals("sale"), "Sale", ""},           // that can be seen
		{x.Equals("s\u0430le"), "s\u0430le", ""}, // it is
		{x.Equals("sale"), "s\u00e4le", ""},
		{x.Equals(1), "\uff11", ""},
		{x.Equals(" "), "", ""},
		{x.Exists(), "s\u0430le", ""},
	}
	for _, tt := range tests {
		got, err := withCondition(tt.when).Explain(profiled(tt.found))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.String(), tt.want) || strings.Contains(got.String(), "alike") != (tt.want != "") {
			t.Errorf("the explanation of %+v for %q should say %q:\n%v", tt.when, tt.found, tt.want, got)
		}
	}
}

// A header's secret and its value have no place in an explanation, and a value
// that cannot be written does not break it.
func TestExplainShowsNoSecretAndNeverFails(t *testing.T) {
	c := runningShoes()
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.VisitField("odd").Exists(), Audience: campaign.AudienceAll}
	c.Nodes[1] = campaign.Webhook{
		URL:     "https://esp.example/canary-path?canary-query",
		Headers: campaign.Headers{{Name: "X-Key", Value: "canary-value", Secret: "CANARY_NAME"}},
	}
	cycle := []any{nil}
	cycle[0] = cycle
	for _, odd := range []any{make(chan int), func() {}, cycle, strings.Repeat("ü", 5000), "\xff"} {
		v := shoeVisit()
		v.Data = map[string]any{"odd": odd}
		x, err := c.Explain(v)
		if err != nil {
			t.Fatal(err)
		}
		text := x.String()
		if strings.Contains(strings.ToLower(text), "canary") {
			t.Errorf("the explanation shows what it must not: %s", text)
		}
		if len(text) > 1000 {
			t.Errorf("the explanation of a long value has %d bytes", len(text))
		}
	}
}

// What a campaign would send is rendered only if it would come to that: it runs the
// host's code.
func TestExplainRendersWhatStarts(t *testing.T) {
	starts := withCondition(campaign.PagePath.Exists())
	starts.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromVisit("counted")}}
	misses := starts
	misses.Nodes = slices.Clone(starts.Nodes)
	misses.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PageTitle.Equals("other")}
	paused := starts
	paused.Paused = true
	for _, tt := range []struct {
		name  string
		c     campaign.Campaign
		want  campaign.Reason
		times int
	}{{"starts", starts, campaign.ReasonStarts, 1}, {"misses", misses, campaign.ReasonCondition, 0}, {"paused", paused, campaign.ReasonPaused, 0}} {
		var n counted
		v := shoeVisit()
		v.Data = map[string]any{"counted": &n}
		x, err := tt.c.Explain(v)
		if err != nil || x.Reason != tt.want || int(n) != tt.times {
			t.Errorf("%s: Explain = %s, %v, and the value was written %d times, want %s, %d times", tt.name, x.Reason, err, n, tt.want, tt.times)
		}
	}
}

// counted counts how often it is written.
type counted int

func (n *counted) MarshalJSON() ([]byte, error) {
	*n++
	return []byte("1"), nil
}

// The host may reuse what a visit refers to once the call has returned.
func TestExplanationIsIndependentOfTheVisit(t *testing.T) {
	list, nested := []string{"x"}, map[string]any{"b": []any{1}}
	v := profiled(list)
	v.Profile.Fields["y"] = nested
	got, err := withCondition(campaign.Any{x.Equals("x"), campaign.ProfileField("y.b").Equals(2)}).Explain(v)
	if err != nil {
		t.Fatal(err)
	}
	before := got.String()
	list[0], nested["b"].([]any)[0] = "reused", 99
	if diff := cmp.Diff(before, got.String()); diff != "" {
		t.Errorf("the explanation has changed with the visit (-before +after):\n%s", diff)
	}
}

// A value that refers to itself in many ways takes no longer than a comparison.
func TestExplainOfSharedValues(t *testing.T) {
	m := map[string]any{}
	for range 200 {
		m = map[string]any{"a": m, "b": m}
	}
	got, err := withCondition(x.Equals("x")).Explain(profiled(m))
	if err != nil || !strings.Contains(got.String(), "which nothing compares with") {
		t.Errorf("Explain = %v, %v, want a type in the place of the value", got, err)
	}
}

// What is written in a name stays in its line.
func TestExplainEscapesNames(t *testing.T) {
	c := withCondition(x.Exists())
	c.Name = "x): starts\n  yes  all of\u202e"
	got, err := c.Explain(profiled(1))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(got.String(), "\n")
	if want := `(x): starts\u000a  yes  all of\u202e): `; !strings.Contains(first, want) {
		t.Errorf("first line = %q, want %q in it", first, want)
	}
	// An error names a field.
	c = withCondition(x.Exists())
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromVisit("y\n  yes  all of").Required()}}
	v := profiled(1)
	v.Profile.ID, v.Profile.Known = "p", true
	if got, err = c.Explain(v); err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(got.String(), "\n"); !strings.HasSuffix(first, `does not send: /nodes/1/payload/0: visit.y\u000a  yes  all of is required and missing`) {
		t.Errorf("first line = %q, want the name in it, escaped", first)
	}
}

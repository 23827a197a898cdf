package campaign_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// A name with dots goes into maps. What it meets in their place is there, and to
// say that it is missing would send the reader to look for a slip in the name.
func TestExplainSaysWhatNamesCannotGoInto(t *testing.T) {
	type key string
	const only = ", and names go only into maps whose keys are text"
	tests := []struct {
		name string
		x    any
		want string
	}{
		{"x.b", []map[string]any{{"c": 1}}, "it is missing\n"},
		{"x.b", []any{1, map[string]any{"c": 1}}, "it is missing\n"},
		{"x.b", []any{1, "b"}, "it is missing: profile.x is a list without maps in it\n"},
		{"x.b", []any{}, "it is missing: profile.x is an empty list\n"},
		{"x.b", []any{nil}, "it is missing: profile.x is a list without maps in it\n"},
		{"x.5", []string{"a", "b"}, "it is missing: profile.x is a list of 2 elements\n"},
		{"x.0.b", []string{"a"}, "it is missing: profile.x.0 is text" + only},
		{"x.0.b", []any{map[string]any{"c": 1}}, "it is missing\n"},
		{"x.1.b", []string{"a"}, "it is missing: profile.x is a list of 1 element\n"},
		{"x.b.c", []any{map[string]any{"b": []any{map[string]any{"c": 1}}}}, "it is missing: what profile.x.b has is no map, and names go into no list in a list\n"},
		{"x.b.c", []any{map[string]any{"b": nil}}, "it is missing\n"},
		{"x.b.c", []any{map[string]any{"b": map[string]any{"d": 1}}}, "it is missing\n"},
		{"x.b.c", []any{map[string]any{"b": 1}, map[string]any{"b": map[string]any{"d": 1}}}, "it is missing\n"},
		{"x.01.c", []string{"a", "b"}, "it is missing: profile.x is a list of 2 elements\n"},
		{"x.b", map[any]any{"b": 1}, "it is missing: profile.x is a value of the type map[interface {}]interface {}" + only},
		{"x.b", &struct{ B int }{1}, "it is missing: profile.x is a value of the type struct { B int }" + only},
		{"x.b", "NL", "it is missing: profile.x is text" + only},
		{"x.b", 1, "it is missing: profile.x is a number" + only},
		{"x.b", nil, "it is missing: profile.x is null\n"},
		{"x.b.c", map[string]any{"b": true}, "it is missing: profile.x.b is a boolean" + only},
		{"x.b.c", map[key]any{"b": []int{1}}, "it is missing: profile.x.b is a list without maps in it\n"},
		{"x.b.c.d", map[string]any{"b": map[string]any{}}, "it is missing\n"},
		{"x.b", map[string]any{"c": 1}, "it is missing\n"},
		{"y.b", "NL", "it is missing\n"},
		{"y", "NL", "it is missing\n"},
	}
	for _, tt := range tests {
		got, err := withCondition(campaign.Not{Of: campaign.ProfileField(tt.name).Equals(1)}).Explain(profiled(tt.x))
		if err != nil {
			t.Fatal(err)
		}
		if f := got.Condition.Of[0]; !f.Missing || !strings.Contains(got.String(), tt.want) {
			t.Errorf("the explanation of profile.%s with %v as x has no %q:\n%v", tt.name, tt.x, tt.want, got)
		}
	}
}

// A field that is missing may be there under a name that is a little different.
func TestExplainSaysWhatIsInItsPlace(t *testing.T) {
	many := map[string]any{}
	for i := range 2000 {
		many[fmt.Sprint("countr", i)] = "NL"
	}
	visit := campaign.PageVisit{
		URL:     "/a?UTM_source=x&utm%5fmediun=y&a&b=",
		Item:    campaign.Item{Fields: map[string]any{"Price": 1, "colour": "red"}},
		Profile: campaign.Profile{Fields: map[string]any{"contry": "NL", "first_name": "Ann", "x": 1, "null": nil}},
		Data:    many,
	}
	for field, want := range map[campaign.Field]string{
		"profile.country":         "it is missing: the visit has profile.contry",
		"profile.firstName":       "it is missing: the visit has profile.first_name",
		"profile.y":               "it is missing",
		"profile.email":           "it is missing",
		"profile.null":            "it is null",
		"item.price":              "it is missing: the visit has item.Price",
		"item.color":              "it is missing: the visit has item.colour",
		"visit.country":           "it is missing",
		"page.query.utm_source":   "it is missing: the visit has page.query.UTM_source",
		"page.query.utm_medium":   "it is missing: the visit has page.query.utm_mediun",
		"page.query.gclid":        "it is missing",
		"page.host":               "it is missing: the visit's url is a path alone",
		"page.scheme":             "it is missing: the visit's url is a path alone",
		"page.title":              "it is missing",
		"referrer.query.utm_term": "it is missing",
	} {
		got, err := withCondition(campaign.Not{Of: field.Equals("a")}).Explain(visit)
		if err != nil {
			t.Fatal(err)
		}
		line := string(field) + ` equals "a": ` + want + "\n"
		if !strings.Contains(got.String(), line) {
			t.Errorf("the explanation has no %q:\n%v", line, got)
		}
	}
}

// What the payload lacks leaves the answer open as well, and is named.
func TestExplainNamesWhatThePayloadLacks(t *testing.T) {
	c := everyPage("c", 1, campaign.Stop{})
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{
		campaign.FromProfile("profileid"), campaign.FromProfile("email").Required(), campaign.FromProfile("phone"),
		campaign.FromProfile("phone").Named("mobile"), campaign.FromProfile("country"),
	}}
	nobody := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) { panic("asked") })
	engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: nobody}, c)
	v := visitBy("p-1")
	v.Profile.Fields = map[string]any{"country": nil}
	got := engine.Explain(v)[0]
	const want = "  ?    payload, profile.email: not in the visit; the profile source will be asked\n" +
		"  ?    payload, profile.phone: not in the visit; the profile source will be asked\n"
	if got.Reason != campaign.ReasonNeedsProfile || !slices.Equal(got.Lacking, []campaign.Field{"profile.email", "profile.phone"}) || !strings.HasSuffix(got.String(), want) {
		t.Errorf("Explain lacks %v:\n%v\nwant profile.email and profile.phone, and at the end\n%s", got.Lacking, got, want)
	}
	v.Profile.Fields["email"], v.Profile.Fields["phone"] = "a", nil
	if got := engine.Explain(v)[0]; got.Reason != campaign.ReasonStarts || got.Lacking != nil {
		t.Errorf("with all of it in the visit: %v, lacking %v", got, got.Lacking)
	}
}

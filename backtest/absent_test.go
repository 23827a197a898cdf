package backtest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// A campaign that nothing meets, because the log lacks what it asks for, says so.
func TestAbsentFields(t *testing.T) {
	when := func(parts ...campaign.Condition) func(c *campaign.Campaign) {
		return func(c *campaign.Campaign) { c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.All(parts)} }
	}
	country, city := campaign.ProfileField("country"), campaign.ProfileField("address.city")
	source := campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) { return campaign.Profile{}, nil })
	withCity := with(page(0), func(v *campaign.PageVisit) {
		v.Profile.Fields = map[string]any{"address": map[string]any{"city": "Delft"}}
	})
	withCountry := with(page(0), func(v *campaign.PageVisit) { v.Profile.Fields = map[string]any{"country": "BE"} })
	for _, tt := range []struct {
		name    string
		change  func(*campaign.Campaign)
		options *backtest.Options
		visits  []campaign.PageVisit
		want    []campaign.Field
	}{
		{"in none", when(country.In("NL", "BE"), campaign.PageType.Equals("product")), nil, []campaign.PageVisit{page(0), page(1)}, []campaign.Field{country, campaign.PageType}},
		{"in any and not", when(campaign.Any{country.Equals("NL"), campaign.Not{Of: country.Equals("BE")}}, campaign.PageTitle.Exists()), nil, []campaign.PageVisit{page(0)}, []campaign.Field{country, campaign.PageTitle}},
		{"in one of them", when(city.Equals("Gouda"), country.Exists()), nil, []campaign.PageVisit{page(0), withCity, page(1)}, []campaign.Field{country}},
		{"there, and of another value", when(city.Equals("Gouda")), nil, []campaign.PageVisit{withCity}, nil},
		{"met all the same", when(campaign.Not{Of: country.Equals("NL")}), nil, []campaign.PageVisit{page(0)}, nil},
		{"a source may know it", when(country.Equals("NL"), campaign.PageType.Equals("product")), &backtest.Options{Profiles: source}, []campaign.PageVisit{page(0)}, []campaign.Field{campaign.PageType}},
		{"a source is asked for nobody", when(country.Equals("NL")), &backtest.Options{Profiles: source}, []campaign.PageVisit{with(page(0), func(v *campaign.PageVisit) { v.Profile.Complete = true }), with(page(1), func(v *campaign.PageVisit) { v.Profile = campaign.Profile{} })}, []campaign.Field{country}},
		{"a source is asked for one", when(country.Equals("NL")), &backtest.Options{Profiles: source}, []campaign.PageVisit{with(page(0), func(v *campaign.PageVisit) { v.Profile.Complete = true }), page(1)}, nil},
		{"paused", func(c *campaign.Campaign) { when(country.Exists())(c); c.Paused = true }, nil, []campaign.PageVisit{page(0)}, nil},
		{"in one ahead of the clock", when(country.Equals("NL")), nil, []campaign.PageVisit{with(withCountry, func(v *campaign.PageVisit) { v.Time = time.Now().Add(23 * time.Hour) })}, nil},
		{"the ID, which no source knows", when(campaign.ProfileField("id").Equals("x")), &backtest.Options{Profiles: source}, []campaign.PageVisit{with(page(0), func(v *campaign.PageVisit) { v.Profile = campaign.Profile{} })}, []campaign.Field{"profile.id"}},
		{"no visits", when(country.Exists()), nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report := run(t, define(campaign.Stop{}, tt.change), tt.options, tt.visits...)
			if diff := cmp.Diff(tt.want, report.Campaigns[0].Absent); diff != "" {
				t.Errorf("Absent (-want +got):\n%s", diff)
			}
			if asked := strings.Contains(report.String(), "no visit has profile.country; what a ProfileSource knows"); asked != (len(tt.want) > 0 && tt.want[0] == country) {
				t.Errorf("the report says how to have the profile: %t\n%s", asked, report)
			}
		})
	}
}

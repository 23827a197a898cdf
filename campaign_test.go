package campaign_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// checkFaults fails unless err lists exactly the faults in want, in that order,
// each written as "pointer: part of the message". Each message has to say what
// would be right, after a semicolon.
func checkFaults(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []campaign.Fault
	if err != nil {
		invalid, ok := errors.AsType[*campaign.ValidationError](err)
		if !ok {
			t.Fatalf("error is a %T, want a *ValidationError: %v", err, err)
		}
		got = invalid.Faults
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("more faults than wanted: %s", got[i])
			continue
		case i >= len(got):
			t.Errorf("no fault %q", want[i])
			continue
		}
		pointer, part, _ := strings.Cut(want[i], ": ")
		if got[i].Pointer != pointer || !strings.Contains(got[i].Message, part) {
			t.Errorf("fault %d = %s\nwant at %q, with %q", i, got[i], pointer, part)
		}
		if _, cure, ok := strings.Cut(got[i].Message, "; "); !ok || cure == "" {
			t.Errorf("fault without a cure: %s", got[i])
		}
	}
}

// trigger, hook and stop make the shortest campaign that is valid.
var (
	trigger = campaign.WebsiteTrigger{When: campaign.PagePath.Exists()}
	hook    = campaign.Webhook{URL: "https://esp.example/hooks"}
	stop    = campaign.Stop{}
)

func chain(nodes ...campaign.Node) campaign.Campaign {
	return campaign.Campaign{ID: "c", Nodes: nodes}
}

func withHook(w campaign.Webhook) campaign.Campaign { return chain(trigger, w, stop) }

// Types that have the methods of a node without being one.
type (
	embedsStop struct{ campaign.Stop }
	embedsHook struct {
		campaign.Webhook
		Note string
	}
	embedsNode struct{ campaign.Node }
)

func TestValidateChain(t *testing.T) {
	tests := []struct {
		rule  string
		nodes []campaign.Node
		want  []string
	}{
		{"trigger, webhook, stop", []campaign.Node{trigger, hook, stop}, nil},
		{"several webhooks", []campaign.Node{trigger, hook, hook, hook, stop}, nil},
		{"nothing", nil, []string{"/nodes: is empty"}},
		{"no stop", []campaign.Node{trigger, hook}, []string{"/nodes: has no stop"}},
		{"no trigger", []campaign.Node{hook, stop}, []string{"/nodes: has no website_trigger"}},
		{"no webhook", []campaign.Node{trigger, stop}, []string{"/nodes: has no webhook"}},
		{"a webhook alone lacks two", []campaign.Node{hook}, []string{"/nodes: has no website_trigger", "/nodes: has no stop"}},
		{"two triggers", []campaign.Node{trigger, trigger, hook, stop}, []string{"/nodes/1: is another website_trigger"}},
		{"two triggers, apart", []campaign.Node{trigger, hook, trigger, stop}, []string{"/nodes/2: is another website_trigger"}},
		{"trigger second", []campaign.Node{hook, trigger, stop}, []string{"/nodes/1: is a website_trigger after the beginning"}},
		{"stop in the middle", []campaign.Node{trigger, stop, hook}, []string{"/nodes/1: is a stop before the end"}},
		{"stop first", []campaign.Node{stop, trigger, hook}, []string{"/nodes/0: is a stop before the end", "/nodes/1: is a website_trigger after"}},
		{"two stops", []campaign.Node{trigger, hook, stop, stop}, []string{"/nodes/2: is a stop before the end"}},
		{"a nil node", []campaign.Node{trigger, nil, stop}, []string{"/nodes/1: is nil"}},
		{"a nil node too many", []campaign.Node{trigger, hook, nil, stop}, []string{"/nodes/2: is nil"}},
		{"a pointer to a trigger", []campaign.Node{&trigger, hook, stop}, []string{"/nodes/0: is a pointer, a *campaign.WebsiteTrigger"}},
		{"a pointer to a webhook", []campaign.Node{trigger, &hook, stop}, []string{"/nodes/1: is a pointer, a *campaign.Webhook"}},
		{"a pointer to a stop", []campaign.Node{trigger, hook, &stop}, []string{"/nodes/2: is a pointer, a *campaign.Stop"}},
		{"a nil pointer to a webhook", []campaign.Node{trigger, (*campaign.Webhook)(nil), stop}, []string{"/nodes/1: is a pointer"}},
		{"embeds a stop", []campaign.Node{trigger, hook, embedsStop{}}, []string{"/nodes/2: is a campaign_test.embedsStop"}},
		{"embeds a webhook", []campaign.Node{trigger, embedsHook{Webhook: hook}, stop}, []string{"/nodes/1: is a campaign_test.embedsHook"}},
		{"embeds the interface", []campaign.Node{embedsNode{trigger}, hook, stop}, []string{"/nodes/0: is a campaign_test.embedsNode"}},
		{"a pointer to what embeds", []campaign.Node{trigger, hook, &embedsStop{}}, []string{"/nodes/2: is a *campaign_test.embedsStop"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			c := chain(test.nodes...)
			checkFaults(t, c.Validate(), test.want...)
		})
	}
}

func TestValidateCampaign(t *testing.T) {
	tests := []struct {
		rule   string
		change func(*campaign.Campaign)
		want   []string
	}{
		{"no ID", func(c *campaign.Campaign) { c.ID = "" }, []string{"/id: is missing"}},
		{"ID not UTF-8", func(c *campaign.Campaign) { c.ID = "a\xff" }, []string{"/id: is not valid UTF-8"}},
		{"ID of two lines", func(c *campaign.Campaign) { c.ID = "a\nb" }, []string{"/id: has a control character"}},
		{"ID in any script", func(c *campaign.Campaign) { c.ID = "Laufschuhe für Läufer 👟" }, nil},
		{"no name", func(c *campaign.Campaign) { c.Name = "" }, nil},
		{"name not UTF-8", func(c *campaign.Campaign) { c.Name = "\xff" }, []string{"/name: is not valid UTF-8"}},
		{"no condition", func(c *campaign.Campaign) { c.Nodes[0] = campaign.WebsiteTrigger{} }, []string{"/nodes/0/when: is missing"}},
		{
			"unknown audience",
			func(c *campaign.Campaign) { c.Nodes[0] = campaign.WebsiteTrigger{When: trigger.When, Audience: 7} },
			[]string{"/nodes/0/audience: is Audience(7)"},
		},
		{"restart timeout below zero", stopOf(-time.Hour, 0), []string{"/nodes/2/restart_timeout: -1h0m0s is shorter than 1ms"}},
		{"restart timeout without a unit", stopOf(7, 0), []string{`/nodes/2/restart_timeout: 7ns is shorter than 1ms; write one such as 7*24*time.Hour, in JSON "7d", or Immediately or Never, or leave it out for 24h`}},
		{"restart timeout below zero, without a unit", stopOf(-7, 0), []string{"/nodes/2/restart_timeout: -7ns is shorter than 1ms; write one"}},
		{"restart timeout below a millisecond", stopOf(time.Millisecond-1, 0), []string{"/nodes/2/restart_timeout: shorter than 1ms"}},
		{"restart timeout of a millisecond", stopOf(time.Millisecond, 0), nil},
		{"restart immediately", stopOf(campaign.Immediately, 0), nil},
		{"restart never", stopOf(campaign.Never, 0), nil},
		{"failure timeout below zero", stopOf(0, -2), []string{"/nodes/2/failure_timeout: shorter than 1ms"}},
		{"failure timeout longer than the restart timeout is cut", stopOf(time.Minute, time.Hour), nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			c := chain(trigger, hook, stop)
			test.change(&c)
			checkFaults(t, c.Validate(), test.want...)
		})
	}
}

func stopOf(restart, failure time.Duration) func(*campaign.Campaign) {
	return func(c *campaign.Campaign) {
		c.Nodes[2] = campaign.Stop{RestartTimeout: restart, FailureTimeout: failure}
	}
}

func TestValidateReportsAllFaultsAtOnce(t *testing.T) {
	c := campaign.Campaign{Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.All{campaign.Field("page.pth").Equals("/"), campaign.PagePath.Contains("")}},
		campaign.Webhook{
			Method:  "BREW",
			URL:     "https:///hooks",
			Payload: campaign.Payload{campaign.FromProfile("email"), campaign.Static("email", "x")},
			Headers: campaign.Headers{{Name: "X", Value: "a\r\nb"}, {Name: "x", Value: "a"}},
		},
		campaign.Stop{RestartTimeout: -time.Hour},
	}}
	checkFaults(
		t, c.Validate(),
		"/id: is missing",
		`/nodes/0/when/all/0/field: did you mean "page.path"?`,
		"/nodes/0/when/all/1/value: is empty",
		`/nodes/1/method: "BREW" is not a method`,
		"/nodes/1/url: has no host",
		`/nodes/1/payload/1: has the name "email", which /nodes/1/payload/0 has already`,
		"/nodes/1/headers/0/value: has a line break",
		`/nodes/1/headers/1/name: "x" is already set by /nodes/1/headers/0`,
		"/nodes/2/restart_timeout: is shorter than 1ms",
	)
}

func TestLoadReportsAllCampaigns(t *testing.T) {
	engine, err := campaign.NewEngine(new(campaigntest.Recorder), nil)
	if err != nil {
		t.Fatal(err)
	}
	bad := chain(trigger, hook)
	bad.ID = "bad"
	err = engine.Load(chain(trigger, hook, stop), bad, chain(trigger, hook, stop), chain(hook, stop))
	checkFaults(
		t, err,
		"/campaigns/1/nodes: has no stop",
		`/campaigns/2/id: "c" is also the ID of /campaigns/0`,
		"/campaigns/3/nodes: has no website_trigger",
		`/campaigns/3/id: "c" is also the ID of /campaigns/0`,
	)
}

func TestMethodsRefuseAnInvalidCampaign(t *testing.T) {
	c := chain(trigger, hook)
	_, err := c.Match(shoeVisit())
	checkFaults(t, err, "/nodes: has no stop")
	requests, err := c.Render(shoeVisit())
	checkFaults(t, err, "/nodes: has no stop")
	if requests != nil {
		t.Errorf("Render of an invalid campaign = %v, want nil", requests)
	}
}

func TestMethodsRefuseABadVisit(t *testing.T) {
	c := runningShoes()
	visit := shoeVisit()
	visit.URL = ""
	_, err := c.Match(visit)
	checkFaults(t, err, "/url: is missing")
	_, err = c.Render(visit)
	checkFaults(t, err, "/url: is missing")

	visit = shoeVisit()
	visit.Profile.ID = ""
	_, err = c.Render(visit)
	checkFaults(t, err, "/profile/id: the visit's profile.id is empty for a known profile")
}

func TestMatch(t *testing.T) {
	c := runningShoes()
	if ok, err := c.Match(shoeVisit()); !ok || err != nil {
		t.Errorf("Match(shoe visit) = %t, %v, want true, nil", ok, err)
	}
	visit := shoeVisit()
	visit.Type = "category"
	if ok, err := c.Match(visit); ok || err != nil {
		t.Errorf("Match(category page) = %t, %v, want false, nil", ok, err)
	}
	visit = shoeVisit()
	visit.Profile = campaign.Profile{}
	if ok, err := c.Match(visit); !ok || err != nil {
		t.Errorf("Match(visitor without a profile) = %t, %v, want true, nil: the audience is decided later", ok, err)
	}
}

// A campaign that was loaded is a copy: what its author does with the slices
// and maps afterwards changes nothing.
func TestLoadKeepsNothingOfTheDefinition(t *testing.T) {
	var sent []campaign.Request
	engine, err := campaign.NewEngine(campaign.SenderFunc(
		func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
			sent = append(sent, *r)
			return nil, nil
		}), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, object := []any{"a", "b"}, map[string]any{"k": "v"}
	when := campaign.All{campaign.PagePath.StartsWith("/shoes/")}
	payload := campaign.Payload{
		{As: "list", Static: list},
		{As: "object", Static: object},
		campaign.FromProfile("email"),
	}
	headers := campaign.Headers{{Name: "X-Source", Value: "webshop"}}
	c := chain(
		campaign.WebsiteTrigger{When: when},
		campaign.Webhook{URL: "https://esp.example/hooks", Payload: payload, Headers: headers},
		campaign.Stop{RestartTimeout: campaign.Immediately},
	)
	if err := engine.Load(c); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Visit(t.Context(), shoeVisit()); err != nil {
		t.Fatal(err)
	}
	list[0], object["k"], object["new"] = "changed", "changed", 1
	when[0] = campaign.PagePath.Equals("/never")
	payload[2] = campaign.Static("changed", true)
	headers[0] = campaign.Header{Name: "X-Changed", Value: "changed"}
	c.Nodes[1] = campaign.Webhook{URL: "https://other.example/"}
	if _, err := engine.Visit(t.Context(), shoeVisit()); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 {
		t.Fatalf("%d requests, want 2", len(sent))
	}
	if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
		t.Errorf("the definition was changed after Load, and so did the request (-before +after):\n%s", diff)
	}
}

// A rendered request belongs to its caller.
func TestRequestsShareNothing(t *testing.T) {
	c := chain(trigger, hook, hook, campaign.Stop{RestartTimeout: campaign.Immediately})
	c.Nodes[1] = campaign.Webhook{
		URL:     "https://esp.example/hooks",
		Payload: campaign.Payload{campaign.Static("automationid", "A-17")},
		Headers: campaign.Headers{{Name: "X-Source", Value: "webshop"}},
	}
	var engine [2]*campaign.Engine
	var sent [2][]campaign.Request
	for i, spoil := range []bool{false, true} {
		var err error
		engine[i], err = campaign.NewEngine(campaign.SenderFunc(
			func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
				copied := *r
				copied.Headers = append(campaign.Headers(nil), r.Headers...)
				copied.Body = append([]byte(nil), r.Body...)
				sent[i] = append(sent[i], copied)
				if spoil {
					clear(r.Body)
					clear(r.Headers)
					_ = append(r.Headers, campaign.Header{Name: "X-More"})
				}
				return nil, nil
			}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := engine[i].Load(c); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := engine[i].Visit(t.Context(), shoeVisit()); err != nil {
				t.Fatal(err)
			}
			if _, err := engine[i].Test(t.Context(), "c", shoeVisit()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
		t.Errorf("a sender that changes its request changes the next (-want +got):\n%s", diff)
	}
}

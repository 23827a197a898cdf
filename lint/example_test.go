package lint_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/lint"
)

// In a test, next to the file that a marketer edits.
func TestCampaignFile(t *testing.T) {
	data, err := os.ReadFile("testdata/campaigns.json")
	if err != nil {
		t.Fatal(err)
	}
	campaigns, err := campaign.Parse(data)
	if err != nil {
		t.Fatal(err) // what is wrong
	}
	warnings, err := lint.Check(campaigns...)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Error(w) // what is valid, and probably wrong all the same
	}
}

func ExampleCheck() {
	campaigns, err := campaign.Parse([]byte(`{"version": 1, "campaigns": [
	  {"id": "summer-sale", "nodes": [
	    {"type": "website_trigger", "when": {"all": [
	      {"field": "page.host", "op": "equals", "value": "https://Shop.Example/"},
	      {"field": "page.path", "op": "regex", "value": "shoes|hats|"},
	      {"field": "page.path", "op": "starts_with", "value": "sale/"}]}},
	    {"type": "webhook", "method": "GET", "url": "http://esp.example/hooks",
	     "payload": [{"profile": "email"}],
	     "headers": [{"name": "Authorization", "value": "Bearer k-5f1c0e77"}]},
	    {"type": "stop", "restart_timeout": "7s"}]}]}`))
	if err != nil {
		panic(err)
	}
	warnings, err := lint.Check(campaigns...)
	if err != nil {
		panic(err)
	}
	for _, w := range warnings {
		fmt.Println(w.Pointer, w.Code)
	}
	fmt.Println(warnings[0])
	// Output:
	// /campaigns/0/nodes/0/when/all/0/value never_holds
	// /campaigns/0/nodes/0/when/all/1/value matches_everything
	// /campaigns/0/nodes/0/when/all/2/value unlikely_form
	// /campaigns/0/nodes/1/headers/0/value secret_in_header
	// /campaigns/0/nodes/1/payload/0 personal_data_in_url
	// /campaigns/0/nodes/1/url plain_http
	// /campaigns/0/nodes/2/restart_timeout short_restart
	// /campaigns/0/nodes/0/when/all/0/value: no page has this: a host is in lower case, without scheme and path; write "shop.example" (never_holds)
}

// A team that wants a warning to stay quiet says so where it checks.
func ExampleWarning() {
	warnings, err := lint.Check(campaign.Campaign{ID: "intranet", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
		campaign.Webhook{URL: "http://crm.example/seen", Payload: campaign.Payload{campaign.FromProfile("id")}},
		campaign.Stop{},
	}})
	if err != nil {
		panic(err)
	}
	warnings = slices.DeleteFunc(warnings, func(w lint.Warning) bool {
		return w.Campaign == "intranet" && w.Code == lint.PlainHTTP
	})
	fmt.Println(len(warnings))
	// Output: 0
}

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

const previewedBasket = `# left-the-basket, for line 2, 2025-03-10 06:59:27 UTC, /basket
POST https://esp.example/v1/automations
Host: esp.example
Content-Type: application/json
X-Api-Key: <secret ESP_API_KEY>
User-Agent: campaign-webhook
webhook-id: msg_1def0f00874102eefbd5d7ad27aebdfd
Content-Length: 52

{"profileid":"2001:db8:40::9","automationid":"A-20"}
`

func TestPreview(t *testing.T) {
	all := mustRun(t, nil, "preview")
	if strings.Count(all, "# ") != 3 || !strings.Contains(all, "\n\n"+previewedBasket+"\n# spring") {
		t.Errorf("preview printed\n%s\nwant a request of each campaign, and among them\n%s", all, previewedBasket)
	}
	if diff := cmp.Diff(previewedBasket, mustRun(t, nil, "preview", "-campaign", "left-the-basket")); diff != "" {
		t.Errorf("preview -campaign (-want +got):\n%s", diff)
	}
	// With a line, only what that starts.
	if diff := cmp.Diff(previewedBasket, mustRun(t, nil, "preview", "-line", "2")); diff != "" {
		t.Errorf("preview -line (-want +got):\n%s", diff)
	}
}

func TestPreviewCurl(t *testing.T) {
	t.Setenv("CAMPAIGN_ESP_API_KEY", "geheim")
	got := mustRun(t, nil, "preview", "-line", "2", "-curl")
	if !strings.HasPrefix(got, "# left-the-basket, for line 2") || !strings.Contains(got, "\ncurl ") || !strings.Contains(got, `"X-Api-Key: ${CAMPAIGN_ESP_API_KEY:?}"`) {
		t.Errorf("preview -curl printed\n%s", got)
	}
	got += mustRun(t, nil, "preview", "-line", "2", "-curl", "-secrets", "SHOP_")
	if !strings.Contains(got, `"X-Api-Key: ${SHOP_ESP_API_KEY:?}"`) || strings.Contains(got, "geheim") {
		t.Errorf("preview -curl -secrets SHOP_ printed\n%s", got)
	}
	// What a visitor sends cannot leave the comment above the command.
	visit := `{"url": "/basket\nrm", "time": "2025-03-10T12:00:00Z", "profile": {"id": "p\nrm", "known": true}}`
	log := file(t, "visits.jsonl", []byte(visit+"\n"))
	stdout, _, _ := runArgs(t, nil, "preview", "-log", log, "-line", "1", "-curl", "-campaign", "left-the-basket")
	for l := range strings.Lines(stdout) {
		if strings.HasPrefix(l, "rm") {
			t.Errorf("preview -curl printed\n%s\nwhich runs what the visitor sent", stdout)
		}
	}
}

func TestPreviewJSON(t *testing.T) {
	var got []previewed
	runJSON(t, nil, &got, "preview", "-campaigns", "sample/campaigns.json", "-campaign", "left-the-basket", "-curl", "-visit", `{"time": "2025-03-10T06:59:27Z", "url": "/basket", "profile": {"id": "2001:db8:40::9", "known": true}}`)
	if len(got) != 1 || len(got[0].Requests) != 1 || !strings.HasPrefix(got[0].Requests[0].Curl, "curl ") {
		t.Fatalf("preview -json = %+v", got)
	}
	got[0].Visit, got[0].Requests[0].Curl = nil, ""
	want := []previewed{{
		Campaign: "left-the-basket", Reason: campaign.ReasonStarts,
		Requests: []previewedRequest{{
			ID: "msg_1def0f00874102eefbd5d7ad27aebdfd", Node: 1, Method: "POST", URL: "https://esp.example/v1/automations",
			Headers: []header{
				{Name: "Host", Value: "esp.example"},
				{Name: "Content-Type", Value: "application/json"},
				{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
				{Name: "User-Agent", Value: "campaign-webhook"},
				{Name: "webhook-id", Value: "msg_1def0f00874102eefbd5d7ad27aebdfd"},
				{Name: "Content-Length", Value: "52"},
			},
			Body: `{"profileid":"2001:db8:40::9","automationid":"A-20"}`,
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("preview -json (-want +got):\n%s", diff)
	}
}

// TestPreviewNothing shows what is printed if there is nothing to show, or
// nothing that would be sent.
func TestPreviewNothing(t *testing.T) {
	campaigns := writeCampaigns(t, priced, strings.Replace(ruleJSON("off", `{"field": "page.path", "op": "equals", "value": "/off"}`, "1d"), `"nodes"`, `"paused": true, "nodes"`, 1))
	both := writeCampaigns(t, priced, ruleJSON("any", `{"field": "page.path", "op": "exists"}`, "1d"))
	const noEmail = `{"url": "https://shop.example/", "type": "product", "item": {"fields": {"price": 100}}, "data": {"device": "x"}, "profile": {"id": "p", "known": true}}`
	const nobody = `{"url": "/", "profile": {"id": "p"}}`
	log := file(t, "visits.jsonl", []byte(`{"time": "2025-03-10T12:00:00Z", "url": "/off", "profile": {"id": "p", "known": true}}`))
	for _, test := range []struct {
		name string
		args []string
		code int
		out  []string
	}{
		{"a visit that starts nothing", []string{"-visit", nobody}, 3, []string{
			"# the visit starts no campaign; replay explain says more\n# priced: the visit does not meet the condition\n# off: the campaign is paused\n",
		}},
		{"and in JSON", []string{"-visit", nobody, "-json"}, 3, []string{`"campaign": "priced",
    "reason": "condition_not_met",`, `"campaign": "off",
    "reason": "paused",`}},
		{"starts but for the payload", []string{"-visit", noEmail}, 3, []string{
			"# the visit starts no campaign; replay explain says more\n# priced: /nodes/1/payload/0: profile.email is required and missing\n# off: the campaign is paused\n",
		}},
		{"and in JSON, too", []string{"-visit", noEmail, "-json"}, 3, []string{`"error": "campaign: /nodes/1/payload/0: profile.email is required and missing"`}},
		{"starts one, but for the payload of another", []string{"-campaigns", both, "-visit", noEmail}, 3, []string{
			"# priced, for the visit\n# this visit does not start it: /nodes/1/payload/0: profile.email is required and missing\n\n# any, for the visit\nPOST ",
		}},
		{"cannot render", []string{"-visit", nobody, "-campaign", "priced"}, 3, []string{"# priced, for the visit\n# this visit does not start it: the visit does not meet the condition\n# nothing would be sent: /nodes/1/payload/0: profile.email is required and missing\n"}},
		{"does not start, in any case", []string{"-visit", nobody, "-campaign", "off"}, 0, []string{"# off, for the visit\n# this visit does not start it: the campaign is paused\nPOST "}},
		{"a log without a visit for one", []string{"-log", log}, 3, []string{
			"# priced: no visit of the log starts it; nearest comes line 1, 2025-03-10 12:00:00 UTC, /off: the visit does not meet the condition\n",
			"\n\n# off, for line 1, 2025-03-10 12:00:00 UTC, /off\n# this visit does not start it: the campaign is paused\nPOST https://esp.example/\n",
		}},
	} {
		stdout, stderr, code := runArgs(t, nil, append([]string{"preview", "-campaigns", campaigns}, test.args...)...)
		if code != test.code || stderr != "" {
			t.Errorf("%s: exit status %d, stderr %q; want %d and none", test.name, code, stderr, test.code)
		}
		for _, part := range test.out {
			if !strings.Contains(stdout, part) {
				t.Errorf("%s: preview printed\n%s\nwant\n%s", test.name, stdout, part)
			}
		}
	}
}

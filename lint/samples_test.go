package lint_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/lint"
)

// What the README and the examples show, lint has nothing to say about.
func TestSamplesAreSilent(t *testing.T) {
	files := map[string][]byte{}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(readme), "```json\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		if strings.Contains(text, `"campaigns"`) {
			files["README.md, block "+string(rune('1'+i))] = []byte(text)
		}
	}
	if len(files) == 0 {
		t.Error("README.md shows no file of campaigns")
	}
	examples, err := filepath.Glob("../examples/*/sample/campaigns.json")
	if err != nil || len(examples) == 0 {
		t.Fatalf("examples with campaigns: %q, %v", examples, err)
	}
	for _, name := range examples {
		if files[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		campaigns, err := campaign.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, w := range check(t, campaigns) {
			t.Errorf("%s: %v", name, w)
		}
	}
}

// The campaign of the README and of the quickstart, in Go.
func TestQuickstartIsSilent(t *testing.T) {
	c := with("running-shoes", campaign.All{
		campaign.PagePath.StartsWith("/shoes/"),
		campaign.PageType.Equals("product"),
		campaign.ItemCategory.Equals("running"),
	}, campaign.Webhook{
		Method: "POST",
		URL:    "http://127.0.0.1:8080/v1/automations",
		Payload: campaign.Payload{
			campaign.FromProfile("profileid"),
			campaign.FromProfile("email").Required(),
			campaign.FromProfile("gender"),
			campaign.Static("automationid", "A-17"),
		},
		Headers: campaign.Headers{
			{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
			{Name: "X-Source", Value: "webshop"},
		},
	})
	c.Nodes[2] = campaign.Stop{RestartTimeout: 7 * 24 * time.Hour}
	for _, w := range check(t, sample{c}) {
		t.Error(w)
	}
}

// A condition of thousands of comparisons ends lint's patience, and not the
// reader's. What it has said is right: see TestClaims.
func TestLargeConditions(t *testing.T) {
	var group campaign.Any
	for i := range 3000 {
		group = append(group, campaign.PagePath.Glob("/shoes/"+strings.Repeat("?", i%7+1)+string(rune('a'+i%26))))
	}
	start := time.Now()
	check(t, when(campaign.All{group, campaign.Any{group[0], group}}))
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("Check took %v", took)
	}
}

// A regex may take longer to compile than all else that lint does with it.
func TestManyTextsAgainstARegex(t *testing.T) {
	texts := make([]any, 10_000)
	for i := range texts {
		texts[i] = "/shoes/" + strconv.Itoa(i)
	}
	letters := "^/(?:" + strings.Repeat("[a-z]{1,30}é*", 30) + ")$"
	start := time.Now()
	warnings := check(t, when(campaign.All{campaign.PagePath.In(texts...), campaign.PagePath.Regex(letters)}))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Check took %v", took)
	}
	if diff := cmp.Diff(one(lint.NeverHolds, atWhen+"/all/1"), findings(warnings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

package campaign_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// BenchmarkLoad loads ordinary campaigns, and says what an Engine keeps of each.
func BenchmarkLoad(b *testing.B) {
	const n = 10_000
	campaigns := make([]campaign.Campaign, n)
	for i := range campaigns {
		campaigns[i] = campaign.Campaign{
			ID:   fmt.Sprintf("campaign-%d", i),
			Name: fmt.Sprintf("Campaign %d", i),
			Nodes: []campaign.Node{
				campaign.WebsiteTrigger{When: campaign.All{
					campaign.PagePath.StartsWith(fmt.Sprintf("/department-%d/shelf-%d/", i%97, i)),
					campaign.PageType.Equals("product"),
				}},
				campaign.Webhook{
					URL: "https://esp.example/v1/automations",
					Payload: campaign.Payload{
						campaign.FromProfile("profileid"),
						campaign.FromProfile("email").Required(),
						campaign.FromProfile("gender"),
						campaign.Static("automationid", fmt.Sprintf("A-%d", i)),
					},
					Headers: campaign.Headers{
						{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
						{Name: "X-Source", Value: "webshop"},
					},
				},
				campaign.Stop{RestartTimeout: 7 * 24 * time.Hour},
			},
		}
	}
	sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })
	engine, err := campaign.NewEngine(sender, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close(context.Background())
	before := heap()
	b.ReportAllocs()
	for b.Loop() {
		if err := engine.Load(campaigns...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/n, "kept-B/campaign")
	runtime.KeepAlive(campaigns)
}

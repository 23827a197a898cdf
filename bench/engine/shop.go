package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hybridcampaign/campaign"
)

// The shop: its campaigns and its visits.

const (
	campaigns = 100
	cooldown  = 7 * 24 * time.Hour

	// endpoint is where the campaigns of the first table send to: nowhere.
	endpoint = "https://esp.example"
)

func newEngine(sender campaign.Sender, options *campaign.EngineOptions) (*campaign.Engine, error) {
	return newEngineFor(endpoint, sender, options)
}

// newEngineFor returns an engine whose campaigns send to an ESP.
func newEngineFor(esp string, sender campaign.Sender, options *campaign.EngineOptions) (*campaign.Engine, error) {
	engine, err := campaign.NewEngine(sender, options)
	if err != nil {
		return nil, err
	}
	var all []campaign.Campaign
	for i := range campaigns {
		all = append(all, campaign.Campaign{
			ID: "campaign-" + strconv.Itoa(i),
			Nodes: []campaign.Node{
				campaign.WebsiteTrigger{When: campaign.All{
					campaign.PagePath.StartsWith(fmt.Sprintf("/shoes/%d/", i)),
					campaign.PageType.Equals("product"),
				}},
				campaign.Webhook{
					URL: esp + "/v1/automations",
					Payload: campaign.Payload{
						campaign.FromProfile("profileid"),
						campaign.FromProfile("email").Required(),
						campaign.FromProfile("gender"),
						campaign.FromVisit("number"),
						campaign.Static("automationid", "A-17"),
					},
					Headers: campaign.Headers{{Name: "X-Source", Value: "webshop"}},
				},
				campaign.Stop{RestartTimeout: cooldown},
			},
		})
	}
	return engine, engine.Load(all...)
}

// matching is the n-th visit that matches: of one campaign in ten, so that
// several have something to do.
func matching(n int) campaign.PageVisit {
	return campaign.PageVisit{
		URL:  fmt.Sprintf("https://shop.example/shoes/%d/air-42?utm_source=news&c=7", n%10*10+1),
		Type: "product",
		Item: campaign.Item{ID: "air-42", Category: "running"},
		Profile: campaign.Profile{
			ID: "customer-" + strconv.Itoa(n), Known: true,
			Fields: map[string]any{"email": "ann@example.org", "gender": "f"},
		},
		Data: map[string]any{"number": strconv.Itoa(n)},
	}
}

// passing is a visit that matches nothing.
func passing(n int) campaign.PageVisit {
	v := matching(n)
	v.URL = fmt.Sprintf("https://shop.example/hats/%d/cap-42?utm_source=news&c=7", n)
	return v
}

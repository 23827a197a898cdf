package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// runningShoes is the campaign that the examples and many tests share.
func runningShoes() campaign.Campaign {
	return campaign.Campaign{
		ID:   "running-shoes",
		Name: "Running shoes, known customers",
		Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.All{
				campaign.PagePath.StartsWith("/shoes/"),
				campaign.PageType.Equals("product"),
				campaign.ItemField("category").Equals("running"),
			}},
			campaign.Webhook{
				Method: "POST",
				URL:    "https://esp.example/v1/automations",
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
			},
			campaign.Stop{RestartTimeout: 7 * 24 * time.Hour},
		},
	}
}

// shoeVisit is a visit that meets its condition.
func shoeVisit() campaign.PageVisit {
	return campaign.PageVisit{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		URL:  "https://shop.example/shoes/42?utm_source=newsletter",
		Type: "product",
		Item: campaign.Item{ID: "42", Category: "running"},
		Profile: campaign.Profile{
			ID:     "p-1",
			Known:  true,
			Fields: map[string]any{"email": "ann@example.org", "gender": "f"},
		},
	}
}

func Example() {
	var sender campaigntest.Recorder // in production: httpsender.Sender
	engine, err := campaign.NewEngine(&sender, nil)
	if err != nil {
		panic(err)
	}
	if err := engine.Load(runningShoes()); err != nil {
		panic(err)
	}
	for range 2 {
		outcomes, err := engine.Visit(context.Background(), shoeVisit())
		if err != nil {
			panic(err)
		}
		for _, o := range outcomes {
			fmt.Println(o.Campaign, o.Status, o.Until.Format(time.DateOnly))
		}
	}
	for _, r := range sender.Requests() {
		fmt.Println(r.Method, r.URL)
		fmt.Println(string(r.Body))
	}
	// Output:
	// running-shoes delivered 2026-03-08
	// running-shoes cooling_down 2026-03-08
	// POST https://esp.example/v1/automations
	// {"profileid":"p-1","email":"ann@example.org","gender":"f","automationid":"A-17"}
}

func ExampleEngine_Enqueue() {
	var sender campaigntest.Recorder // in production: httpsender.Sender
	engine, err := campaign.NewEngine(&sender, &campaign.EngineOptions{
		// Asked by a worker, for the email that the visit below does not carry.
		Profiles: campaign.ProfileSourceFunc(func(_ context.Context, id string) (campaign.Profile, error) {
			return campaign.Profile{Fields: map[string]any{"email": id + "@example.org"}}, nil
		}),
		// Told of a queued run twice.
		Observer: campaign.ObserverFunc(func(_ context.Context, o campaign.Outcome) {
			fmt.Println("observed:", o.Campaign, o.Status)
		}),
	})
	if err != nil {
		panic(err)
	}
	if err := engine.Load(runningShoes()); err != nil {
		panic(err)
	}
	visit := shoeVisit()
	visit.Profile.Fields = nil
	outcomes, err := engine.Enqueue(context.Background(), visit)
	if err != nil {
		panic(err)
	}
	// Close finishes what was taken; without it, a test would have to wait.
	if err := engine.Close(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println("returned:", outcomes[0].Campaign, outcomes[0].Status)
	fmt.Println(string(sender.Requests()[0].Body))
	// Output:
	// observed: running-shoes queued
	// observed: running-shoes delivered
	// returned: running-shoes queued
	// {"profileid":"p-1","email":"p-1@example.org","automationid":"A-17"}
}

func ExampleEngine_Explain() {
	engine, err := campaign.NewEngine(new(campaigntest.Recorder), nil)
	if err != nil {
		panic(err)
	}
	if err := engine.Load(runningShoes()); err != nil {
		panic(err)
	}
	visit := shoeVisit()
	visit.Item.Category = "Running"
	for _, x := range engine.Explain(visit) {
		fmt.Println(x.Reason)
		fmt.Print(x)
	}
	// Output:
	// condition_not_met
	// running-shoes (Running shoes, known customers): does not start: the visit does not meet the condition
	//   NO   all of
	//   yes    page.path starts_with "/shoes/": it is "/shoes/42"
	//   yes    page.type equals "product": it is "product"
	//   NO     item.category equals "running": it is "Running"  <- this is why
	//   yes  audience: known profiles
}

func ExampleParse() {
	campaigns, err := campaign.Parse([]byte(`{"version": 1, "campaigns": [
	  {"id": "welcome", "nodes": [
	    {"type": "website_trigger", "when": {"field": "page.path", "op": "equals", "value": "/account"}},
	    {"type": "webhook", "method": "BREW", "url": "esp.example/hooks"},
	    {"type": "stop", "restart_timeout": "soon"}]}]}`))
	fmt.Println(len(campaigns))
	fmt.Println(err)
	// Output:
	// 0
	// campaign: 3 faults:
	//   /campaigns/0/nodes/2/restart_timeout: "soon" is not a duration; write one such as "7d", "12h" or "1d12h" (whole days first, then h, m, s and ms), or "immediately" or "never"
	//   /campaigns/0/nodes/1/method: "BREW" is not a method for webhooks; write "POST" or "GET"
	//   /campaigns/0/nodes/1/url: has no scheme that webhooks use; begin it with https://
}

func ExampleCampaign_Render() {
	requests, err := runningShoes().Render(shoeVisit())
	if err != nil {
		panic(err)
	}
	for _, h := range requests[0].Headers {
		fmt.Printf("%s: %s secret=%q\n", h.Name, h.Value, h.Secret)
	}
	// Output:
	// Content-Type: application/json secret=""
	// X-Api-Key:  secret="ESP_API_KEY"
	// X-Source: webshop secret=""
}

func ExampleMemoryTracker_SaveFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cooldownFile, ctx, sender := filepath.Join(dir, "cooldowns"), context.Background(), new(campaigntest.Recorder)
	for range 2 { // two lives of a process
		tracker := new(campaign.MemoryTracker)
		if err := tracker.LoadFile(cooldownFile); err != nil && !errors.Is(err, os.ErrNotExist) {
			log.Fatal(err) // damaged; without the file everybody would be open, so that is for you to decide
		}
		engine, err := campaign.NewEngine(sender, &campaign.EngineOptions{Tracker: tracker})
		if err != nil {
			log.Fatal(err)
		}
		if err := engine.Load(runningShoes()); err != nil {
			log.Fatal(err)
		}
		outcomes, err := engine.Visit(ctx, shoeVisit())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcomes[0].Status)
		if err := engine.Close(ctx); err != nil {
			log.Print(err)
		}
		if err := tracker.SaveFile(cooldownFile); err != nil {
			log.Print(err)
		}
	}
	// Output:
	// delivered
	// cooling_down
}

// conditions are some of the README's.
func conditions() []campaign.Condition {
	return []campaign.Condition{
		campaign.PagePath.StartsWith("/shoes/"),
		campaign.PageQuery("utm_source").Equals("newsletter"),
		campaign.ItemField("price").AtLeast(100),
		campaign.ProfileField("country").In("NL", "BE"),
		campaign.ReferrerHost.EndsWith(".search.example"),
		campaign.PagePath.Glob("/*/sale/*").IgnoringCase(),
		campaign.Not{Of: campaign.ProfileField("newsletter").Equals(true)},
	}
}

func ExampleField() {
	visit := shoeVisit()
	visit.Item.Fields = map[string]any{"price": 129.95}
	visit.Profile.Fields["country"] = "BE"
	for _, condition := range conditions() {
		c := runningShoes()
		c.Nodes[0] = campaign.WebsiteTrigger{When: condition}
		holds, err := c.Match(visit)
		if err != nil {
			panic(err)
		}
		fmt.Println(holds)
	}
	// Output:
	// true
	// true
	// true
	// true
	// false
	// false
	// true
}

package campaigntest_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

// shoes is a campaign that calls an endpoint, with a secret in a header.
func shoes(endpoint string) campaign.Campaign {
	return campaign.Campaign{ID: "shoes", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/shoes/")},
		campaign.Webhook{
			URL:     endpoint + "/v1/automations",
			Payload: campaign.Payload{campaign.FromProfile("email"), campaign.Static("automationid", "A-17")},
			Headers: campaign.Headers{{Name: "X-Api-Key", Secret: "ESP_API_KEY"}},
		},
		campaign.Stop{RestartTimeout: 7 * 24 * time.Hour},
	}}
}

var shoesOfAnn = campaign.PageVisit{
	URL:     "https://shop.example/shoes/42",
	Profile: campaign.Profile{ID: "p-1", Known: true, Fields: map[string]any{"email": "ann@example.org"}},
}

// A unit test: no network, no secret, and the endpoint answers as the test likes.
func ExampleRecorder() {
	var sender campaigntest.Recorder
	sender.Answer(campaigntest.Reject(500), campaigntest.Deliver(202))
	engine, err := campaign.NewEngine(&sender, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := engine.Load(shoes("https://esp.example")); err != nil {
		log.Fatal(err)
	}
	visit := shoesOfAnn
	visit.Time = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 3 {
		outcomes, err := engine.Visit(context.Background(), visit)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcomes[0].Status)
		visit.Time = visit.Time.Add(time.Hour)
	}
	for _, request := range sender.Requests() {
		fmt.Printf("%s %s %s\n", request.Method, request.URL, request.Body)
	}
	// Output:
	// failed
	// delivered
	// cooling_down
	// POST https://esp.example/v1/automations {"email":"ann@example.org","automationid":"A-17"}
	// POST https://esp.example/v1/automations {"email":"ann@example.org","automationid":"A-17"}
}

// A test over HTTP, with the sender of production. The receiver is on a loopback
// address and speaks plain HTTP, which both have to be allowed, and the secret has
// to be bound to it.
func ExampleReceiver() {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	receiver.Answer(campaigntest.Reply{Status: 503}) // and 200 from then on
	sender := &httpsender.Sender{
		AllowHTTP: true,
		Allow:     []string{"127.0.0.1"},
		Secrets: httpsender.MapSecrets(map[string]httpsender.BoundSecret{
			"ESP_API_KEY": {Value: "k-1", Hosts: []string{strings.TrimPrefix(receiver.URL, "http://")}},
		}),
	}
	engine, err := campaign.NewEngine(sender, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := engine.Load(shoes(receiver.URL)); err != nil {
		log.Fatal(err)
	}
	outcomes, err := engine.Visit(context.Background(), shoesOfAnn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcomes[0].Status, "after", outcomes[0].Attempts, "attempts")
	for _, d := range receiver.Deliveries() {
		if d.Accepted {
			fmt.Println(d.Method, d.Target, d.Header.Get("X-Api-Key"), string(d.Body))
		}
	}
	// Output:
	// delivered after 2 attempts
	// POST /v1/automations k-1 {"email":"ann@example.org","automationid":"A-17"}
}

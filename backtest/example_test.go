package backtest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// recorded is a log of three visitors, one visit a line.
const recorded = `
{"time": "2026-03-02T09:00:00Z", "url": "https://shop.example/shoes/42", "profile": {"id": "ann", "known": true, "fields": {"email": "ann@example.org"}}}
{"time": "2026-03-02T09:10:00Z", "url": "https://shop.example/shoes/43", "profile": {"id": "ann", "known": true, "fields": {"email": "ann@example.org"}}}
{"time": "2026-03-02T09:20:00Z", "url": "https://shop.example/shoes/42", "profile": {"id": "ben", "known": true}}
{"time": "2026-03-02T09:30:00Z", "url": "https://shop.example/shoes/42"}
{"time": "2026-03-02T09:40:00Z", "url": "https://shop.example/help"}
{"time": "2026-03-03T08:59:00Z", "url": "https://shop.example/shoes/42", "profile": {"id": "ann", "known": true, "fields": {"email": "ann@example.org"}}}
{"time": "2026-03-04T10:30:00Z", "url": "https://shop.example/shoes/42", "profile": {"id": "ann", "known": true, "fields": {"email": "ann@example.org"}}}
`

func shoes(restart time.Duration) []campaign.Campaign {
	return []campaign.Campaign{{
		ID: "shoes",
		Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/shoes/")},
			campaign.Webhook{
				Method:  "POST",
				URL:     "https://esp.example/v1/automations",
				Payload: campaign.Payload{campaign.FromProfile("profileid"), campaign.FromProfile("email").Required()},
			},
			campaign.Stop{RestartTimeout: restart},
		},
	}}
}

// visitsOf reads visits from JSON lines. What is no visit it skips and counts:
// that never reaches the backtest.
func visitsOf(lines string, unreadable *int) iter.Seq[campaign.PageVisit] {
	return func(yield func(campaign.PageVisit) bool) {
		scanner := bufio.NewScanner(strings.NewReader(lines))
		for scanner.Scan() {
			if len(scanner.Bytes()) == 0 {
				continue
			}
			var visit campaign.PageVisit
			if err := json.Unmarshal(scanner.Bytes(), &visit); err != nil {
				*unreadable++
				continue
			}
			if !yield(visit) {
				return
			}
		}
	}
}

func Example() {
	var unreadable int
	campaigns := shoes(24 * time.Hour)
	visits := visitsOf(recorded, &unreadable)

	report, err := backtest.Run(context.Background(), campaigns, visits, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(report)
	// Output:
	// 7 visits, 2026-03-02 09:00:00 UTC to 2026-03-04 10:30:00 UTC
	//
	// campaign  matched  started  profiles  cooling down  unknown profile  cannot render
	// shoes           6        2         1             2                1              1
	//
	// shoes
	//   busiest hour: 2026-03-02 09:00 UTC, 1 run
	//   profile.email is required and missing: 1 time
}

// What would another restart timeout change?
func ExampleComparison() {
	ctx, unreadable := context.Background(), 0
	before, err := backtest.Run(ctx, shoes(24*time.Hour), visitsOf(recorded, &unreadable), nil)
	if err != nil {
		log.Fatal(err)
	}
	after, err := backtest.Run(ctx, shoes(7*24*time.Hour), visitsOf(recorded, &unreadable), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(backtest.Comparison{Before: before, After: after})
	// Output:
	// before: 7 visits, 2026-03-02 09:00:00 UTC to 2026-03-04 10:30:00 UTC
	// after:  7 visits, 2026-03-02 09:00:00 UTC to 2026-03-04 10:30:00 UTC
	//
	// campaign  matched      started  profiles    held back  failed
	// shoes           6  2 -> 1 (-1)         1  4 -> 5 (+1)       0
}

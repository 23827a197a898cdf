package backtest_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// full is a report in which everything happens.
func full() *backtest.Report {
	return &backtest.Report{
		Visits: 120, From: start, To: start.Add(26 * hour), Late: 1,
		Bad: 7, FirstBad: []backtest.BadVisit{{Number: 3, Err: &campaign.ValidationError{Faults: []campaign.Fault{{Pointer: "/time", Message: "the visit's time is missing"}}}}},
		Campaigns: []backtest.CampaignReport{
			{
				ID: "running-shoes", Name: "Running shoes", Matched: 100, Started: 60, Delivered: 57, Failed: 3, Profiles: 40,
				HeldBack: map[campaign.Reason]int{
					campaign.ReasonCoolingDown: 20, campaign.ReasonUnknownProfile: 10, campaign.ReasonCannotRender: 8, campaign.ReasonProfileFailed: 2,
				},
				Hours:      []backtest.Hour{{Start: start, Runs: 20}, {Start: start.Add(hour), Runs: 25}, {Start: start.Add(26 * hour), Runs: 15}},
				Missing:    []backtest.MissingField{{Field: "profile.email", Runs: 7}, {Field: "profile.phone", Runs: 1}},
				FirstError: "the database is away",
				Samples: []backtest.Sample{{
					Time: start.Add(5 * time.Second), Profile: "ann",
					Requests: []campaign.Request{{
						ID: "msg_1", Campaign: "running-shoes", Node: 1, Method: "POST", URL: "https://esp.example/v1/hook?key=k",
						Headers: campaign.Headers{{Name: "Content-Type", Value: "application/json"}, {Name: "Authorization", Value: "Bearer ", Secret: "TOKEN"}},
						Body:    []byte(`{"profileid":"ann"}`),
					}},
				}},
			},
			{ID: "hats", Paused: true, HeldBack: map[campaign.Reason]int{}},
		},
	}
}

func TestReportString(t *testing.T) {
	const want = `120 visits, 2026-03-02 09:00:00 UTC to 2026-03-03 11:00:00 UTC
1 visit comes after a newer one
7 more visits could not be used:
  number 3: /time: the visit's time is missing
  and 6 more

campaign       matched  started  profiles  failed  cooling down  unknown profile  cannot render  profile failed
running-shoes      100       60        40       3            20               10              8               2
hats (paused)        0        0         0       0             0                0              0               0

running-shoes
  busiest hour: 2026-03-02 10:00 UTC, 25 runs
  profile.email is required and missing: 7 times
  profile.phone is required and missing: 1 time
  first error: the database is away
  sample: 2026-03-02T09:00:05Z msg_1 POST https://esp.example
`
	if diff := cmp.Diff(want, full().String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
	if got, want := new(backtest.Report).String(), "0 visits\n"; got != want {
		t.Errorf("String of the zero report = %q, want %q", got, want)
	}
}

// Columns are columns whatever an ID is made of, and nothing that is shown
// breaks its line or turns it around.
func TestReportStringOfStrangeText(t *testing.T) {
	report := &backtest.Report{
		Visits: 1, From: start, To: start, Bad: 1,
		FirstBad: []backtest.BadVisit{{Number: 1, Err: errors.New("a\nb")}},
		Campaigns: []backtest.CampaignReport{
			{ID: "shoes", Matched: 1},
			{ID: "鞋子👟", Matched: 22, FirstError: "read:\n\x1b[31m\r\u202eno\x00"},
			{ID: "Zoe\u0308\u202e", Matched: 333, Missing: []backtest.MissingField{{Field: "profile.a\u2066b", Runs: 1}}},
		},
	}
	const want = `1 visit, 2026-03-02 09:00:00 UTC to 2026-03-02 09:00:00 UTC
1 more visit could not be used:
  number 1: a\nb

campaign   matched  started  profiles  cooling down  unknown profile  cannot render
shoes            1        0         0             0                0              0
鞋子👟          22        0         0             0                0              0
Zoe` + "\u0308" + `\u202e      333        0         0             0                0              0

鞋子👟
  first error: read:\n\x1b[31m\r\u202eno\x00

Zoe` + "\u0308" + `\u202e
  profile.a\u2066b is required and missing: 1 time
`
	if diff := cmp.Diff(want, report.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

// What a team keeps of last week is read back and shown beside today's.
func TestReportFromJSON(t *testing.T) {
	report := full()
	report.FirstBad = append(report.FirstBad, backtest.BadVisit{Number: 4})
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back backtest.Report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.String(), back.String()); diff != "" {
		t.Errorf("String of what was read back (-want +got):\n%s", diff)
	}
	want := report.Campaigns[0].Samples
	for _, s := range want {
		for i := range s.Requests {
			s.Requests[i].Campaign = "" // the report has it
		}
	}
	if diff := cmp.Diff(want, back.Campaigns[0].Samples); diff != "" || len(want) == 0 {
		t.Errorf("samples that were read back (-want +got):\n%s", diff)
	}
}

func TestReportJSON(t *testing.T) {
	const want = `{
  "visits": 120,
  "from": "2026-03-02T09:00:00Z",
  "to": "2026-03-03T11:00:00Z",
  "late": 1,
  "bad": 7,
  "first_bad": [
    {
      "number": 3,
      "error": "campaign: /time: the visit's time is missing"
    }
  ],
  "campaigns": [
    {
      "id": "running-shoes",
      "name": "Running shoes",
      "matched": 100,
      "held_back": {
        "cannot_render": 8,
        "cooling_down": 20,
        "profile_failed": 2,
        "unknown_profile": 10
      },
      "started": 60,
      "delivered": 57,
      "failed": 3,
      "profiles": 40,
      "hours": [
        {
          "start": "2026-03-02T09:00:00Z",
          "runs": 20
        },
        {
          "start": "2026-03-02T10:00:00Z",
          "runs": 25
        },
        {
          "start": "2026-03-03T11:00:00Z",
          "runs": 15
        }
      ],
      "missing": [
        {
          "field": "profile.email",
          "runs": 7
        },
        {
          "field": "profile.phone",
          "runs": 1
        }
      ],
      "first_error": "the database is away",
      "samples": [
        {
          "time": "2026-03-02T09:00:05Z",
          "profile": "ann",
          "requests": [
            {
              "id": "msg_1",
              "node": 1,
              "method": "POST",
              "url": "https://esp.example/v1/hook?key=k",
              "headers": [
                {
                  "name": "Content-Type",
                  "value": "application/json"
                },
                {
                  "name": "Authorization",
                  "value": "Bearer ",
                  "secret": "TOKEN"
                }
              ],
              "body": "{\"profileid\":\"ann\"}"
            }
          ]
        }
      ]
    },
    {
      "id": "hats",
      "paused": true,
      "matched": 0,
      "held_back": {},
      "started": 0,
      "delivered": 0,
      "failed": 0,
      "profiles": 0
    }
  ]
}`
	got, err := json.MarshalIndent(full(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestComparisonString(t *testing.T) {
	after := full()
	after.Campaigns[0].Matched, after.Campaigns[0].Failed = 90, 0
	after.Campaigns[1] = backtest.CampaignReport{ID: "socks", Matched: 5, Started: 3, Delivered: 3, Profiles: 2}
	const want = `before: 120 visits, 2026-03-02 09:00:00 UTC to 2026-03-03 11:00:00 UTC
after:  120 visits, 2026-03-02 09:00:00 UTC to 2026-03-03 11:00:00 UTC

campaign               matched      started     profiles       held back       failed
running-shoes  100 -> 90 (-10)           60           40  40 -> 30 (-10)  3 -> 0 (-3)
socks (new)        0 -> 5 (+5)  0 -> 3 (+3)  0 -> 2 (+2)     0 -> 2 (+2)            0
hats (gone)                  0            0            0               0            0
`
	if diff := cmp.Diff(want, backtest.Comparison{Before: full(), After: after}.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

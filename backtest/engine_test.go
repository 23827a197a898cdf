package backtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// The backtest is to say what an engine would have done. Here are both over one
// log, and a third that is written from the rules alone and shares no code.

const (
	failureRate = 0.15
	failureSeed = 42
)

// shopLog returns visits of a shop: in order but for some that come up to so
// late, by profiles some of whom are unknown, and some without a field.
func shopLog(n int, late time.Duration) []campaign.PageVisit {
	rnd := rand.New(rand.NewPCG(3, 5))
	paths := []string{"/shoes/41", "/shoes/42?size=9", "/hats/1", "/basket", "/basket/", "/help", "/", "/Shoes/1", "/shoes"}
	visits := make([]campaign.PageVisit, n)
	at := start
	for i := range visits {
		at = at.Add(time.Duration(rnd.Int64N(int64(2 * minute)))).Truncate(time.Millisecond)
		v := campaign.PageVisit{
			Time: at,
			URL:  "https://shop.example" + paths[rnd.IntN(len(paths))],
			Type: []string{"product", "list", ""}[rnd.IntN(3)],
		}
		if rnd.IntN(10) == 0 {
			v.Time = at.Add(-time.Duration(rnd.Int64N(int64(late)))).Truncate(time.Millisecond)
		}
		if who := rnd.IntN(60); who > 0 {
			v.Profile = campaign.Profile{ID: fmt.Sprintf("p-%d", who), Known: who%5 != 0, Fields: map[string]any{"city": "Utrecht"}}
			if rnd.IntN(8) > 0 {
				v.Profile.Fields["email"] = v.Profile.ID + "@example.org"
			}
		}
		visits[i] = v
	}
	return visits
}

func shopCampaigns() []campaign.Campaign {
	hook := func(fields ...campaign.PayloadField) campaign.Node {
		return campaign.Webhook{Method: "POST", URL: "https://esp.example/hook", Payload: fields}
	}
	profile := campaign.FromProfile("profileid")
	return []campaign.Campaign{
		{ID: "shoes", Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/shoes/")},
			hook(profile, campaign.FromProfile("email").Required()),
			campaign.Stop{RestartTimeout: 6 * hour},
		}},
		{ID: "basket", Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PagePath.Equals("/basket"), Audience: campaign.AudienceAll},
			hook(profile), hook(profile, campaign.FromProfile("city")),
			campaign.Stop{RestartTimeout: 45 * minute, FailureTimeout: 10 * minute},
		}},
		{ID: "lists", Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PageType.Equals("list")},
			hook(profile),
			campaign.Stop{RestartTimeout: campaign.Never, FailureTimeout: campaign.Immediately},
		}},
		{ID: "everything", Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
			hook(profile),
			campaign.Stop{RestartTimeout: campaign.Immediately},
		}},
	}
}

// A count is what all three can say of a campaign.
type count struct {
	Matched, Delivered, Failed, Missing, Cooling, Unknown, Profiles int
	Hours                                                           map[time.Time]int
	Requests                                                        []string // delivery IDs
}

func newCounts() map[string]*count {
	counts := map[string]*count{}
	for _, c := range shopCampaigns() {
		counts[c.ID] = &count{Hours: map[time.Time]int{}}
	}
	return counts
}

func byBacktest(t *testing.T, visits []campaign.PageVisit, rate float64) map[string]*count {
	rep, err := backtest.Run(t.Context(), shopCampaigns(), slices.Values(visits), &backtest.Options{
		FailureRate: rate, Seed: failureSeed, Samples: len(visits),
	})
	if err != nil || rep.Visits != len(visits) {
		t.Fatalf("Run = report on %d visits, %v, want %d", rep.Visits, err, len(visits))
	}
	counts := newCounts()
	for _, c := range rep.Campaigns {
		n := counts[c.ID]
		n.Matched, n.Delivered, n.Failed, n.Profiles = c.Matched, c.Delivered, c.Failed, c.Profiles
		n.Missing = c.HeldBack[campaign.ReasonCannotRender]
		n.Cooling = c.HeldBack[campaign.ReasonCoolingDown]
		n.Unknown = c.HeldBack[campaign.ReasonUnknownProfile]
		for _, h := range c.Hours {
			n.Hours[h.Start] = h.Runs
		}
		for _, s := range c.Samples {
			for _, r := range s.Requests {
				n.Requests = append(n.Requests, r.ID)
			}
		}
		held := 0
		for _, k := range c.HeldBack {
			held += k
		}
		if c.Started != c.Delivered+c.Failed || c.Matched != c.Started+held {
			t.Errorf("%s does not add up: %+v", c.ID, c)
		}
	}
	return counts
}

func byEngine(t *testing.T, visits []campaign.PageVisit, rate float64) map[string]*count {
	var recorder campaigntest.Recorder
	engine, err := campaign.NewEngine(campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
		response, err := recorder.Send(ctx, r)
		if backtest.Chance(failureSeed, r.ID) < rate {
			return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, Attempts: 3}
		}
		return response, err
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Load(shopCampaigns()...); err != nil {
		t.Fatal(err)
	}
	counts := newCounts()
	reached := map[[2]string]bool{}
	for _, v := range visits {
		outcomes, err := engine.Visit(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range outcomes {
			n := counts[out.Campaign]
			n.Matched++
			switch {
			case out.Status == campaign.Delivered:
				n.Delivered++
				n.Hours[v.Time.Truncate(time.Hour)]++
				if key := [2]string{out.Campaign, out.Profile}; !reached[key] {
					reached[key] = true
					n.Profiles++
				}
			case out.Status == campaign.CoolingDown:
				n.Cooling++
			case out.Status == campaign.UnknownProfile:
				n.Unknown++
			case errors.Is(out.Err, campaign.ErrMissingField):
				n.Missing++
			default:
				n.Failed++
				n.Hours[v.Time.Truncate(time.Hour)]++
			}
		}
	}
	for _, r := range recorder.Requests() {
		counts[r.Campaign].Requests = append(counts[r.Campaign].Requests, r.ID)
	}
	return counts
}

// byHand knows the rules of the four campaigns, and nothing of the library but
// how a delivery is named, which decides whether it fails.
func byHand(visits []campaign.PageVisit, rate float64) map[string]*count {
	type key struct{ campaign, profile string }
	counts := newCounts()
	open := map[key]time.Time{}
	reached := map[key]bool{}
	never := time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	for _, v := range visits {
		path, _, _ := strings.Cut(strings.TrimPrefix(v.URL, "https://shop.example"), "?")
		for _, c := range []struct {
			id               string
			matches          bool
			everybody, email bool
			restart, failure time.Duration
			ever             bool
			requests         int
		}{
			{"shoes", strings.HasPrefix(path, "/shoes/"), false, true, 6 * hour, minute, false, 1},
			{"basket", path == "/basket" || path == "/basket/", true, false, 45 * minute, 10 * minute, false, 2},
			{"lists", v.Type == "list", false, false, 0, 0, true, 1},
			{"everything", true, false, false, 0, 0, false, 1},
		} {
			if !c.matches {
				continue
			}
			n, k := counts[c.id], key{c.id, v.Profile.ID}
			n.Matched++
			if v.Profile.ID == "" || !v.Profile.Known && !c.everybody {
				n.Unknown++
				continue
			}
			if v.Time.Before(open[k]) {
				n.Cooling++
				continue
			}
			end := v.Time.Add(c.restart)
			if c.ever {
				end = never
			}
			if c.email && v.Profile.Fields["email"] == nil {
				n.Missing++
				open[k] = v.Time.Add(c.failure)
				continue
			}
			sent, failed := 0, false
			for i := range c.requests {
				id := deliveryID(c.id, i, v)
				n.Requests = append(n.Requests, id)
				if failed = backtest.Chance(failureSeed, id) < rate; failed {
					break
				}
				sent++
			}
			n.Hours[v.Time.Truncate(time.Hour)]++
			switch {
			case failed && sent == 0:
				n.Failed++
				end = v.Time.Add(c.failure)
			case failed:
				n.Failed++
			default:
				n.Delivered++
				if !reached[k] {
					reached[k] = true
					n.Profiles++
				}
			}
			if c.id != "everything" { // which keeps no cooldowns
				open[k] = end
			}
		}
	}
	return counts
}

// deliveryID asks the pure part of the library how a request is named.
func deliveryID(id string, i int, v campaign.PageVisit) string {
	for _, c := range shopCampaigns() {
		if c.ID != id {
			continue
		}
		requests, err := c.Render(v)
		if err != nil {
			panic(err)
		}
		return requests[i].ID
	}
	panic("no campaign " + id)
}

func TestAgreesWithEngine(t *testing.T) {
	// An engine's tracker may forget what has ended five minutes before the
	// newest visit, so only up to there has it one answer. The rules go on.
	for _, test := range []struct {
		name   string
		late   time.Duration
		rate   float64
		engine bool
	}{
		{"all is delivered", 4 * minute, 0, true},
		{"some of it fails", 4 * minute, failureRate, true},
		{"very late visits", 48 * hour, failureRate, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			visits := shopLog(5000, test.late)
			got := byBacktest(t, visits, test.rate)
			if diff := cmp.Diff(byHand(visits, test.rate), got); diff != "" {
				t.Errorf("by hand and by backtest (-hand +backtest):\n%s", diff)
			}
			if test.engine {
				if diff := cmp.Diff(byEngine(t, visits, test.rate), got); diff != "" {
					t.Errorf("by engine and by backtest (-engine +backtest):\n%s", diff)
				}
			}
			for id, n := range got {
				if n.Delivered == 0 || n.Unknown == 0 || n.Failed == 0 != (test.rate == 0) || n.Cooling == 0 != (id == "everything") || n.Missing == 0 != (id != "shoes") {
					t.Errorf("%s: the log does not show all that can happen: %+v", id, *n)
				}
			}
		})
	}
}

// With a ProfileSource, and visits that carry nothing of the profile.
func TestAgreesWithEngineAndSource(t *testing.T) {
	source := campaign.ProfileSourceFunc(func(_ context.Context, id string) (campaign.Profile, error) {
		switch {
		case strings.HasSuffix(id, "7"):
			return campaign.Profile{}, errors.New("the database is away")
		case strings.HasSuffix(id, "3"):
			return campaign.Profile{Fields: map[string]any{"vip": true}}, nil
		}
		return campaign.Profile{Fields: map[string]any{"email": id + "@example.org", "vip": id < "p-4"}}, nil
	})
	c := define(campaign.Stop{RestartTimeout: 2 * hour}, func(c *campaign.Campaign) {
		c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.All{campaign.PagePath.StartsWith("/shoes/"), campaign.ProfileField("vip").Equals(true)}}
		c.Nodes[1] = campaign.Webhook{
			Method: "POST", URL: "https://esp.example/hook",
			Payload: campaign.Payload{campaign.FromProfile("email").Required(), campaign.FromProfile("vip").Required()},
		}
	})
	visits := shopLog(3000, 4*minute)
	for i := range visits {
		visits[i].Profile.Fields = nil
	}
	engine, err := campaign.NewEngine(new(campaigntest.Recorder), &campaign.EngineOptions{Profiles: source})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Load(c); err != nil {
		t.Fatal(err)
	}
	want := map[campaign.Reason]int{}
	matched := 0
	for _, v := range visits {
		outcomes, err := engine.Visit(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range outcomes {
			matched++
			if out.Status != campaign.Delivered {
				want[out.Reason]++
			}
		}
	}
	rep := run(t, c, &backtest.Options{Profiles: source}, visits...).Campaigns[0]
	if diff := cmp.Diff(want, rep.HeldBack); diff != "" || rep.Matched != matched || rep.Delivered == 0 || len(want) < 3 {
		t.Errorf("%d matched of %d, %d delivered; held back (-engine +backtest):\n%s", rep.Matched, matched, rep.Delivered, diff)
	}
}

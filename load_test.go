package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

func noSender() campaign.Sender {
	return campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return nil, nil
	})
}

// everyForm has at least one of everything that an Engine takes apart.
func everyForm() campaign.Campaigns {
	chain := func(when campaign.Condition, hooks ...campaign.Webhook) []campaign.Node {
		nodes := []campaign.Node{campaign.WebsiteTrigger{When: when, Audience: campaign.AudienceAll}}
		for _, hook := range hooks {
			nodes = append(nodes, hook)
		}
		return append(nodes, campaign.Stop{RestartTimeout: time.Hour})
	}
	const url = "https://esp.example/hooks"
	return campaign.Campaigns{
		{ID: "bare", Nodes: chain(campaign.PagePath.Exists(), campaign.Webhook{URL: url})},
		{ID: "empty", Paused: true, Nodes: chain(campaign.PagePath.Exists(), campaign.Webhook{
			URL: url, Payload: campaign.Payload{}, Headers: campaign.Headers{},
		})},
		{ID: "conditions", Name: "Conditions", Nodes: chain(campaign.All{
			campaign.Any{campaign.PagePath.In("/a", "/b"), campaign.Not{Of: campaign.ProfileField("vip").Equals(true)}},
			campaign.ItemField("price").AtLeast(10),
		}, campaign.Webhook{URL: url})},
		{ID: "payloads", Nodes: chain(
			campaign.PagePath.Exists(),
			campaign.Webhook{URL: url, Payload: campaign.Payload{
				campaign.FromProfile("profileid"),
				campaign.FromProfile("address.city").Required(),
				campaign.From(campaign.PageQuery("utm.source")).Named("utm"),
				campaign.From(campaign.ReferrerHost).Named(`from\.host`).OrNull(),
				campaign.FromItem(`back\slash`).Or("none"),
				campaign.FromVisit("language").Or([]any{"en", int64(1)}),
				campaign.Static("address.country", "NL"),
				campaign.Static("say \"hi\"", map[string]any{"a": []any{true, nil, 1.5}}),
				campaign.Static("nothing", nil),
			}},
			campaign.Webhook{Method: "GET", URL: url + "?a=1", AllowSensitiveQuery: true, Payload: campaign.Payload{
				{From: campaign.ProfileField("email"), As: `e\.mail`, Sensitive: true},
				campaign.Static("list", []any{}),
				campaign.Static("n", json.Number("1.50")),
			}},
			campaign.Webhook{
				Method: "POST", URL: url, Encoding: campaign.EncodingForm,
				Payload: campaign.Payload{campaign.FromProfile("email"), campaign.Static("n", 7)},
				Headers: campaign.Headers{{Name: "X-A", Value: "1"}, {Name: "X-B", Secret: "KEY"}},
			},
		)},
	}
}

// TestLoadKeepsDefinitions checks that what an Engine makes of campaigns says all
// that they said, and shares nothing with them.
func TestLoadKeepsDefinitions(t *testing.T) {
	engine, err := campaign.NewEngine(noSender(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(context.Background()) })
	loaded := everyForm()
	if err := engine.Load(loaded...); err != nil {
		t.Fatal(err)
	}
	spoil(loaded)
	got := engine.Campaigns()
	if diff := cmp.Diff(everyForm(), got); diff != "" {
		t.Errorf("Campaigns() after Load (-loaded +got):\n%s", diff)
	}
	spoil(got)
	if diff := cmp.Diff(everyForm(), engine.Campaigns()); diff != "" {
		t.Errorf("Campaigns() after a change of what it returned (-loaded +got):\n%s", diff)
	}
}

// TestExplainKeepsDefinitions checks that an explanation shows what was loaded,
// whatever became of that since, and that it shares nothing with the Engine.
func TestExplainKeepsDefinitions(t *testing.T) {
	engine, err := campaign.NewEngine(noSender(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(context.Background()) })
	loaded := everyForm()
	if err := engine.Load(loaded...); err != nil {
		t.Fatal(err)
	}
	visit := campaign.PageVisit{URL: "https://shop.example/a"}
	want := engine.Explain(visit).String()
	spoil(loaded)
	got := engine.Explain(visit)
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("Explain after a change of what was loaded (-want +got):\n%s", diff)
	}
	for _, explanation := range got {
		spoilFinding(explanation.Condition)
	}
	if diff := cmp.Diff(want, engine.Explain(visit).String()); diff != "" {
		t.Errorf("Explain after a change of what it returned (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(everyForm(), engine.Campaigns()); diff != "" {
		t.Errorf("Campaigns() after a change of what Explain returned (-loaded +got):\n%s", diff)
	}
}

func spoilFinding(f campaign.Finding) {
	spoilValue(f.Comparison.Value)
	for _, part := range f.Of {
		spoilFinding(part)
	}
}

// spoil overwrites what can be overwritten.
func spoil(cs campaign.Campaigns) {
	for _, c := range cs {
		for i, n := range c.Nodes {
			switch n := n.(type) {
			case campaign.WebsiteTrigger:
				spoilCondition(n.When)
			case campaign.Webhook:
				for j := range n.Payload {
					spoilValue(n.Payload[j].Static)
					spoilValue(n.Payload[j].Default)
					n.Payload[j] = campaign.Static("spoilt", nil)
				}
				clear(n.Headers)
			}
			c.Nodes[i] = nil
		}
	}
}

func spoilCondition(c campaign.Condition) {
	switch c := c.(type) {
	case campaign.Comparison:
		spoilValue(c.Value)
	case campaign.All:
		spoilConditions(c)
	case campaign.Any:
		spoilConditions(c)
	case campaign.Not:
		spoilCondition(c.Of)
	}
}

func spoilConditions(group []campaign.Condition) {
	for i, c := range group {
		spoilCondition(c)
		group[i] = nil
	}
}

func spoilValue(v any) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			spoilValue(v[i])
			v[i] = "spoilt"
		}
	case map[string]any:
		for key := range v {
			spoilValue(v[key])
			v[key] = "spoilt"
		}
	}
}

// TestValidateAllocations keeps the places of faults off the heap while there
// is none: each key of each campaign has one.
func TestValidateAllocations(t *testing.T) {
	c := ordinaryCampaign(1)
	got := testing.AllocsPerRun(100, func() {
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
	})
	if got > 7 {
		t.Errorf("Validate of an ordinary campaign allocates %v times, want at most 7", got)
	}
}

func ordinaryCampaign(i int) campaign.Campaign {
	return campaign.Campaign{
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

// BenchmarkLoad loads ordinary campaigns, and says what an Engine keeps of each.
func BenchmarkLoad(b *testing.B) {
	const n = 10_000
	campaigns := make([]campaign.Campaign, n)
	for i := range campaigns {
		campaigns[i] = ordinaryCampaign(i)
	}
	engine, err := campaign.NewEngine(noSender(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { engine.Close(context.Background()) })
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

// A place in a list of many does not tell which campaign is meant.
func TestFaultsNameTheCampaign(t *testing.T) {
	good, bad, nameless := runningShoes(), runningShoes(), runningShoes()
	bad.ID, bad.Nodes = "hats", slices.Clone(bad.Nodes)
	bad.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Method: "PUT"}
	nameless.ID = ""
	const put = `"PUT" is not a method for webhooks; write "POST" or "GET"`
	tests := []struct {
		name      string
		campaigns []campaign.Campaign
		want      []string
	}{
		{"one of two", []campaign.Campaign{good, bad}, []string{"/campaigns/1/nodes/1/method: " + put + ` (campaign "hats")`}},
		{"the only one", []campaign.Campaign{bad}, []string{"/campaigns/0/nodes/1/method: " + put}},
		{"twice the same", []campaign.Campaign{good, good}, []string{`/campaigns/1/id: "running-shoes" is also the ID of /campaigns/0; each campaign needs its own (campaign "running-shoes")`}},
		{"without an ID", []campaign.Campaign{nameless, good}, []string{`/campaigns/0/id: is missing; give the campaign an ID such as "running-shoes"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			engine := newEngine(t, noSender(), nil)
			invalid, ok := errors.AsType[*campaign.ValidationError](engine.Load(test.campaigns...))
			if !ok {
				t.Fatal("Load takes what is not valid")
			}
			var got []string
			for _, f := range invalid.Faults {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// Load swaps the definitions under traffic. Each run is of one definition from
// its condition to its last webhook, and each visit sees one set.
func TestLoadWhileRunning(t *testing.T) {
	generation := func(n int) []campaign.Campaign {
		mark := strconv.Itoa(n)
		var cs []campaign.Campaign
		for _, id := range []string{"a", "b"} {
			c := everyPage(id, 2, campaign.Stop{RestartTimeout: campaign.Immediately})
			for i := range 2 {
				c.Nodes[1+i] = campaign.Webhook{URL: "https://esp.example/" + mark, Payload: campaign.Payload{campaign.Static("generation", mark), campaign.FromVisit("n")}}
			}
			cs = append(cs, c)
		}
		return cs
	}
	var mu sync.Mutex
	seen := make(map[string]map[string]int) // by visit: how many requests of which generation
	sender := campaign.SenderFunc(func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
		var body struct{ Generation, N string }
		if err := json.Unmarshal(r.Body, &body); err != nil || r.URL != "https://esp.example/"+body.Generation {
			t.Errorf("a request to %s says %s, %v", r.URL, r.Body, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if seen[body.N] == nil {
			seen[body.N] = make(map[string]int)
		}
		seen[body.N][body.Generation]++
		return nil, nil
	})
	engine := newEngine(t, sender, &campaign.EngineOptions{QueueSize: 10_000}, generation(0)...)
	var wg sync.WaitGroup
	const callers, visits = 4, 150
	for caller := range callers {
		wg.Go(func() {
			for i := range visits {
				v := visitBy("p-1")
				v.Data = map[string]any{"n": fmt.Sprint(caller, ".", i)}
				pass := engine.Enqueue
				if i%2 == 0 {
					pass = engine.Visit
				}
				if outcomes, err := pass(t.Context(), v); err != nil || len(outcomes) != 2 {
					t.Errorf("%v, %v, want two outcomes", outcomes, err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 50 {
			if err := engine.Load(generation(n)...); err != nil {
				t.Errorf("Load: %v", err)
			}
			engine.Stats()
			engine.Campaigns()
		}
	})
	wg.Wait()
	closeEngine(t, engine)
	if len(seen) != callers*visits {
		t.Errorf("%d visits had requests, want %d", len(seen), callers*visits)
	}
	for n, generations := range seen {
		if len(generations) != 1 {
			t.Errorf("visit %s met campaigns of several sets: %v", n, generations)
		}
		for _, requests := range generations {
			if requests != 4 {
				t.Errorf("visit %s had %d requests, want 4", n, requests)
			}
		}
	}
}

// A queued run ends by the definition that it began with, even if its campaign
// is paused or gone by then; the cooldown it began stays.
func TestPausedCampaigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sender campaigntest.Recorder
		sender.Answer(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
			return slow(time.Second)(ctx, r)
		})
		var told listener
		engine := newEngine(t, &sender, &campaign.EngineOptions{Workers: 1, Observer: &told}, runningShoes())
		defer closeEngine(t, engine)
		enqueue(t, engine, visitBy("p-1"))
		enqueue(t, engine, visitBy("p-2"))
		paused := runningShoes()
		paused.Paused = true
		if err := engine.Load(paused); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(campaign.Campaigns{paused}, engine.Campaigns()); diff != "" {
			t.Errorf("Campaigns (-want +got):\n%s", diff)
		}
		for _, pass := range []func(context.Context, campaign.PageVisit) ([]campaign.Outcome, error){engine.Visit, engine.Enqueue} {
			if outcomes, err := pass(t.Context(), visitBy("p-3")); outcomes != nil || err != nil {
				t.Errorf("a visit of a paused campaign = %v, %v, want nothing", outcomes, err)
			}
		}
		if out, err := engine.Test(t.Context(), "running-shoes", visitBy("p-3")); err != nil || out.Status != campaign.Delivered {
			t.Errorf("Test of a paused campaign = %+v, %v, want delivered", out, err)
		}
		time.Sleep(time.Minute)
		for _, id := range []string{"p-1", "p-2"} {
			if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Delivered}, told.about(id)); diff != "" {
				t.Errorf("what the Observer was told of %s, taken before the pause (-want +got):\n%s", id, diff)
			}
		}
		if err := engine.Load(runningShoes()); err != nil {
			t.Fatal(err)
		}
		if out := enqueue(t, engine, visitBy("p-1")); out.Status != campaign.CoolingDown {
			t.Errorf("a visit after the pause = %+v, want cooling_down", out)
		}
	})
}

package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// newEngine returns an engine with the campaigns loaded.
func newEngine(t testing.TB, sender campaign.Sender, options *campaign.EngineOptions, cs ...campaign.Campaign) *campaign.Engine {
	t.Helper()
	engine, err := campaign.NewEngine(sender, options)
	if err != nil {
		t.Fatalf("NewEngine: %v", err)
	}
	if err := engine.Load(cs...); err != nil {
		t.Fatalf("Load: %v", err)
	}
	return engine
}

// visit passes a visit and returns its only outcome.
func visit(t testing.TB, engine *campaign.Engine, v campaign.PageVisit) campaign.Outcome {
	t.Helper()
	outcomes, err := engine.Visit(t.Context(), v)
	if err != nil {
		t.Fatalf("Visit: %v", err)
	}
	if len(outcomes) != 1 {
		t.Fatalf("Visit returned %d outcomes, want 1: %v", len(outcomes), outcomes)
	}
	return outcomes[0]
}

// everyPage is a campaign for every page, with so many webhooks.
func everyPage(id string, webhooks int, stop campaign.Stop) campaign.Campaign {
	nodes := []campaign.Node{campaign.WebsiteTrigger{When: campaign.PagePath.Exists()}}
	for i := range webhooks {
		nodes = append(nodes, campaign.Webhook{
			URL:     fmt.Sprintf("https://esp.example/%d", i),
			Payload: campaign.Payload{campaign.FromProfile("email").Required()},
		})
	}
	return campaign.Campaign{ID: id, Nodes: append(nodes, stop)}
}

func TestVisitDecides(t *testing.T) {
	tests := []struct {
		name   string
		change func(*campaign.PageVisit)
		want   campaign.Status // "" means no outcome at all
	}{
		{"the visit meets the condition", func(*campaign.PageVisit) {}, campaign.Delivered},
		{"another page", func(v *campaign.PageVisit) { v.URL = "https://shop.example/hats/42" }, ""},
		{"another kind of page", func(v *campaign.PageVisit) { v.Type = "category" }, ""},
		{"another item", func(v *campaign.PageVisit) { v.Item.Category = "trail" }, ""},
		{"no item", func(v *campaign.PageVisit) { v.Item = campaign.Item{} }, ""},
		{"the category among the item's fields", func(v *campaign.PageVisit) {
			v.Item = campaign.Item{Fields: map[string]any{"category": []string{"new", "running"}}}
		}, campaign.Delivered},
		{"a path only, as http.Request.URL has it", func(v *campaign.PageVisit) { v.URL = "/shoes/42" }, campaign.Delivered},
		{"a visitor that is not known", func(v *campaign.PageVisit) { v.Profile.Known = false }, campaign.UnknownProfile},
		{"an anonymous visitor", func(v *campaign.PageVisit) { v.Profile = campaign.Profile{} }, campaign.UnknownProfile},
		{"a required field is missing", func(v *campaign.PageVisit) { delete(v.Profile.Fields, "email") }, campaign.Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sender campaigntest.Recorder
			engine := newEngine(t, &sender, nil, runningShoes())
			v := shoeVisit()
			tt.change(&v)
			outcomes, err := engine.Visit(t.Context(), v)
			if err != nil {
				t.Fatalf("Visit: %v", err)
			}
			var got campaign.Status
			if len(outcomes) == 1 {
				got = outcomes[0].Status
			}
			if got != tt.want || tt.want == "" && outcomes != nil {
				t.Errorf("Visit = %v, want status %q", outcomes, tt.want)
			}
			sent := 0
			if tt.want == campaign.Delivered {
				sent = 1
			}
			if got := len(sender.Requests()); got != sent {
				t.Errorf("%d requests were sent, want %d", got, sent)
			}
		})
	}
}

func TestVisitAudienceAll(t *testing.T) {
	everyone := everyPage("everyone", 1, campaign.Stop{})
	everyone.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.Exists(), Audience: campaign.AudienceAll}
	tests := []struct {
		name    string
		profile campaign.Profile
		want    campaign.Status
	}{
		{"known", campaign.Profile{ID: "p", Known: true, Fields: map[string]any{"email": "e"}}, campaign.Delivered},
		{"not known, with an ID", campaign.Profile{ID: "p", Fields: map[string]any{"email": "e"}}, campaign.Delivered},
		{"without an ID", campaign.Profile{Fields: map[string]any{"email": "e"}}, campaign.UnknownProfile},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			engine := newEngine(t, new(campaigntest.Recorder), nil, everyone)
			v := shoeVisit()
			v.Profile = tt.profile
			if got := visit(t, engine, v).Status; got != tt.want {
				t.Errorf("Visit = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBadVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			name    string
			change  func(*campaign.PageVisit)
			pointer string
		}{
			{"without a URL", func(v *campaign.PageVisit) { v.URL = "" }, "/url"},
			{"with something else for a URL", func(v *campaign.PageVisit) { v.URL = "shoes" }, "/url"},
			{"known without an ID", func(v *campaign.PageVisit) { v.Profile.ID = "" }, "/profile/id"},
			{"before the year 1", func(v *campaign.PageVisit) { v.Time = time.Time{}.Add(-time.Second) }, "/time"},
			{"more than 24 hours ahead", func(v *campaign.PageVisit) { v.Time = time.Now().Add(24*time.Hour + time.Millisecond) }, "/time"},
		}
		for _, tt := range tests {
			var sender campaigntest.Recorder
			engine := newEngine(t, &sender, nil, runningShoes())
			v := shoeVisit()
			v.Time = time.Time{}
			tt.change(&v)
			outcomes, err := engine.Visit(t.Context(), v)
			invalid, ok := errors.AsType[*campaign.ValidationError](err)
			if !ok || outcomes != nil || len(invalid.Faults) != 1 || invalid.Faults[0].Pointer != tt.pointer {
				t.Errorf("%s: Visit = %v, %v, want a fault at %s", tt.name, outcomes, err, tt.pointer)
			}
			good := shoeVisit()
			good.Time = time.Now().Add(24 * time.Hour)
			if got := visit(t, engine, good).Status; got != campaign.Delivered {
				t.Errorf("%s: the good visit after it = %s, want delivered: the bad one must enter nothing", tt.name, got)
			}
		}
	})
}

func TestAllIsRenderedBeforeTheFirstIsSent(t *testing.T) {
	c := everyPage("c", 2, campaign.Stop{})
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/first"}
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, nil, c)
	v := shoeVisit()
	v.Profile.Fields = nil // the second webhook requires the email
	out := visit(t, engine, v)
	if !errors.Is(out.Err, campaign.ErrMissingField) {
		t.Errorf("Err = %v, want ErrMissingField", out.Err)
	}
	if n := len(sender.Requests()); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
	if want := v.Time.Add(time.Minute); !out.Until.Equal(want) {
		t.Errorf("Until = %v, want %v: nothing was delivered", out.Until, want)
	}
}

func TestOneProfileFromManyGoroutines(t *testing.T) {
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, nil, runningShoes())
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := engine.Visit(t.Context(), shoeVisit()); err != nil {
				t.Errorf("Visit: %v", err)
			}
		})
	}
	wg.Wait()
	if n := len(sender.Requests()); n != 1 {
		t.Errorf("64 visits of one profile at once made %d requests, want 1", n)
	}
}

func TestSeveralCampaigns(t *testing.T) {
	var cs []campaign.Campaign
	for i := range 40 {
		cs = append(cs, everyPage(fmt.Sprintf("c%02d", i), 1, campaign.Stop{}))
	}
	var sender campaigntest.Recorder
	sender.Answer(campaigntest.Reject(400))
	engine := newEngine(t, &sender, nil, cs...)
	outcomes, err := engine.Visit(t.Context(), shoeVisit())
	if err != nil || len(outcomes) != len(cs) {
		t.Fatalf("Visit = %d outcomes, %v, want %d", len(outcomes), err, len(cs))
	}
	failed := 0
	for i, o := range outcomes {
		if o.Campaign != cs[i].ID {
			t.Errorf("outcome %d is of %s, want the order in which campaigns were loaded", i, o.Campaign)
		}
		if o.Status == campaign.Failed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d campaigns failed, want 1: each on its own", failed)
	}
}

// A visit's context ends between two webhooks: what was delivered stays
// delivered, and the campaign stays closed.
func TestContextEndsInARun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var sender campaigntest.Recorder
	sender.Answer(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		cancel()
		return &campaign.Response{Status: 200}, nil
	})
	engine := newEngine(t, &sender, nil, everyPage("c", 2, campaign.Stop{}))
	outcomes, err := engine.Visit(ctx, shoeVisit())
	if err != nil || len(outcomes) != 1 {
		t.Fatalf("Visit = %v, %v", outcomes, err)
	}
	out := outcomes[0]
	if out.Status != campaign.Failed || !errors.Is(out.Err, context.Canceled) || len(out.Deliveries) != 1 {
		t.Errorf("Visit = %+v, want failed by the context, with one delivery", out)
	}
	if want := shoeVisit().Time.Add(24 * time.Hour); !out.Until.Equal(want) {
		t.Errorf("Until = %v, want %v", out.Until, want)
	}
	if outcomes, err := engine.Visit(ctx, shoeVisit()); !errors.Is(err, context.Canceled) || outcomes != nil {
		t.Errorf("Visit with a context that is over = %v, %v, want its error", outcomes, err)
	}
}

func TestLoadChangesNothingOnAFault(t *testing.T) {
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, nil, runningShoes())
	bad := runningShoes()
	bad.ID = "bad"
	bad.Nodes = bad.Nodes[:2]
	err := engine.Load(everyPage("new", 1, campaign.Stop{}), bad)
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok || len(invalid.Faults) != 1 || invalid.Faults[0].Pointer != "/campaigns/1/nodes" {
		t.Fatalf("Load = %v, want one fault at /campaigns/1/nodes", err)
	}
	if out := visit(t, engine, shoeVisit()); out.Campaign != "running-shoes" {
		t.Errorf("after a refused Load the visit starts %s, want running-shoes", out.Campaign)
	}
}

func TestLoadKeepsCooldownsByID(t *testing.T) {
	engine := newEngine(t, new(campaigntest.Recorder), nil, everyPage("c", 1, campaign.Stop{}))
	visit(t, engine, shoeVisit())
	renamed := everyPage("c", 2, campaign.Stop{RestartTimeout: time.Hour})
	renamed.Name = "another name"
	if err := engine.Load(renamed, everyPage("d", 1, campaign.Stop{})); err != nil {
		t.Fatal(err)
	}
	outcomes, err := engine.Visit(t.Context(), shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	want := []campaign.Outcome{
		{Campaign: "c", Profile: "p-1", Status: campaign.CoolingDown, Reason: campaign.ReasonCoolingDown, Until: shoeVisit().Time.Add(24 * time.Hour)},
		{Campaign: "d", Profile: "p-1", Status: campaign.Delivered, Attempts: 1, Until: shoeVisit().Time.Add(24 * time.Hour)},
	}
	if diff := cmp.Diff(want, outcomes, cmpopts.IgnoreFields(campaign.Outcome{}, "Deliveries", "Duration")); diff != "" {
		t.Errorf("Visit after Load (-want +got):\n%s", diff)
	}
}

// Whatever the caller passed may be changed as soon as the call has returned.
func TestLoadKeepsNothingOfTheCaller(t *testing.T) {
	var sender campaigntest.Recorder
	c := runningShoes()
	engine := newEngine(t, &sender, nil, c)
	hook := c.Nodes[1].(campaign.Webhook)
	hook.Payload[3].Static = "changed"
	hook.Headers[1].Value = "changed"
	c.Nodes[0].(campaign.WebsiteTrigger).When.(campaign.All)[0] = campaign.PagePath.Equals("/changed")
	c.Nodes[2] = nil
	if out := visit(t, engine, shoeVisit()); out.Status != campaign.Delivered {
		t.Fatalf("Visit = %+v, want delivered", out)
	}
	if r := sender.Requests()[0]; strings.Contains(fmt.Sprint(string(r.Body), r.Headers), "changed") {
		t.Errorf("the request shows what the caller changed after Load: %s %v", r.Body, r.Headers)
	}
}

func TestEngineTest(t *testing.T) {
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, nil, runningShoes())
	v := shoeVisit()
	live := visit(t, engine, v)

	v.URL = "https://shop.example/elsewhere" // the trigger is set aside
	v.Profile.Known = false
	for range 2 { // and so is the cooldown
		out, err := engine.Test(t.Context(), "running-shoes", v)
		if err != nil || out.Status != campaign.Delivered || !out.Test || !out.Until.IsZero() {
			t.Fatalf("Test = %+v, %v, want delivered as a test", out, err)
		}
	}
	requests := sender.Requests()
	if len(requests) != 3 {
		t.Fatalf("%d requests, want one of the visit and two of tests", len(requests))
	}
	marked := campaign.Header{Name: campaign.TestHeader, Value: "true"}
	for i, r := range requests {
		last := r.Headers[len(r.Headers)-1]
		if isTest := i > 0; r.Test != isTest || (last == marked) != isTest {
			t.Errorf("request %d: Test = %v, last header %v", i, r.Test, last)
		}
	}
	if requests[1].ID == live.Deliveries[0].ID || requests[1].ID != requests[2].ID {
		t.Errorf("delivery IDs %s, %s, %s: want one for the visit and another for both tests", requests[0].ID, requests[1].ID, requests[2].ID)
	}

	sender.Answer(campaigntest.Reject(401))
	if out, err := engine.Test(t.Context(), "running-shoes", v); err != nil || out.Status != campaign.Failed || !out.Test {
		t.Errorf("Test with an endpoint that refuses = %+v, %v, want failed", out, err)
	}
	if _, err := engine.Test(t.Context(), "other", v); !errors.Is(err, campaign.ErrUnknownCampaign) || !strings.Contains(err.Error(), `"other"; Campaigns lists`) {
		t.Errorf("Test of a campaign that is not loaded: %v, want ErrUnknownCampaign and the ID", err)
	}
	if _, err := engine.Test(t.Context(), "runing-shoes", v); err == nil || !strings.Contains(err.Error(), `did you mean "running-shoes"?`) {
		t.Errorf("Test of a misspelt campaign: %v, want a hint", err)
	}
	if _, err := engine.Test(t.Context(), "running-shoes", campaign.PageVisit{}); err == nil {
		t.Error("Test with an empty visit succeeded")
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
			<-release
			return nil, nil
		})
		engine := newEngine(t, sender, nil, runningShoes())
		now := shoeVisit()
		now.Time = time.Time{}
		done := make(chan campaign.Outcome)
		go func() { done <- visit(t, engine, now) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := engine.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close while a run hangs = %v, want DeadlineExceeded", err)
		}
		if _, err := engine.Visit(t.Context(), now); !errors.Is(err, campaign.ErrClosed) {
			t.Errorf("Visit after Close = %v, want ErrClosed", err)
		}
		if _, err := engine.Test(t.Context(), "running-shoes", now); !errors.Is(err, campaign.ErrClosed) {
			t.Errorf("Test after Close = %v, want ErrClosed", err)
		}
		if err := engine.Load(); !errors.Is(err, campaign.ErrClosed) {
			t.Errorf("Load after Close = %v, want ErrClosed", err)
		}
		close(release)
		if out := <-done; out.Status != campaign.Delivered {
			t.Errorf("the run under way = %+v, want delivered", out)
		}
		if err := engine.Close(t.Context()); err != nil {
			t.Errorf("Close again = %v, want nil", err)
		}
	})
}

// A part that is nil, be it behind an interface, would panic at the first visit
// that needs it: NewEngine refuses it, and says what to do.
func TestNewEngineRefusesNil(t *testing.T) {
	sender := new(campaigntest.Recorder)
	for _, tt := range []struct {
		name    string
		sender  campaign.Sender
		options campaign.EngineOptions
		want    []string // in the error; nil for none
	}{
		{"no Sender", nil, campaign.EngineOptions{}, []string{"needs a Sender", "httpsender.Sender"}},
		{"a nil pointer", (*campaigntest.Recorder)(nil), campaign.EngineOptions{}, []string{"nil *campaigntest.Recorder", "needs a Sender", "httpsender.Sender"}},
		{"a nil function", campaign.SenderFunc(nil), campaign.EngineOptions{}, []string{"nil campaign.SenderFunc", "needs a Sender"}},
		{"a Tracker", sender, campaign.EngineOptions{Tracker: (*campaign.MemoryTracker)(nil)}, []string{"Tracker", "nil *campaign.MemoryTracker", "leave the field nil"}},
		{"Profiles", sender, campaign.EngineOptions{Profiles: campaign.ProfileSourceFunc(nil)}, []string{"Profiles", "nil campaign.ProfileSourceFunc", "leave the field nil"}},
		{"an Observer", sender, campaign.EngineOptions{Observer: campaign.ObserverFunc(nil)}, []string{"Observer", "nil campaign.ObserverFunc", "leave the field nil"}},
		{"fields that are nil", sender, campaign.EngineOptions{}, nil},
		{"values that are no pointers", slow(0), campaign.EngineOptions{Tracker: waitingTracker{}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			engine, err := campaign.NewEngine(tt.sender, &tt.options)
			if (err == nil) != (tt.want == nil) || (engine == nil) != (err != nil) {
				t.Fatalf("NewEngine = %v, %v, want an error that says %q", engine, err, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("NewEngine: %v, want an error that says %q", err, want)
				}
			}
		})
	}
}

// Of sizes and times below zero, NewEngine names all, and none that are fine.
func TestNewEngineRefusesNegative(t *testing.T) {
	for _, tt := range []struct {
		options campaign.EngineOptions
		want    string
	}{
		{campaign.EngineOptions{RunTimeout: -time.Second, QueueSize: 7}, "RunTimeout is -1s"},
		{campaign.EngineOptions{RunTimeout: time.Second, QueueSize: -7}, "QueueSize is -7"},
		{campaign.EngineOptions{QueueSize: 7, Workers: -1}, "Workers is -1"},
		{campaign.EngineOptions{RunTimeout: -1, Workers: -2}, "RunTimeout is -1ns, Workers is -2"},
	} {
		engine, err := campaign.NewEngine(new(campaigntest.Recorder), &tt.options)
		want := "campaign: NewEngine: in EngineOptions " + tt.want + "; set a value above zero, or leave the field zero for the usual one"
		if engine != nil || err == nil || err.Error() != want {
			t.Errorf("NewEngine = %v, %v\nwant %s", engine, err, want)
		}
	}
}

// A visit that matches nothing does not allocate, whatever its address has to be
// decoded for.
func TestNoMatchDoesNotAllocate(t *testing.T) {
	when := []campaign.Condition{
		campaign.PagePath.StartsWith("/checkout/done/"),
		campaign.PagePath.Regex(`/checkout/\d+$`),
		campaign.PagePath.Contains("WINTER-sale").IgnoringCase(),
		campaign.PagePath.EndsWith("/thanks").IgnoringCase(),
		campaign.PageFragment.Contains("reviews"),
		campaign.PageQuery("utm_source").Equals("newsletter"),
		campaign.ReferrerHost.EndsWith(".example"),
		campaign.ReferrerQuery("q").Contains("running shoes"),
		campaign.ProfileField("country").In("NL", "BE"),
		campaign.ItemField("price").AtLeast(100),
		campaign.Not{Of: campaign.PagePath.Exists()},
	}
	for i := range 8 { // as many as make keys of two fields
		price := campaign.ItemField("price").Equals(1000 + i)
		when = append(when, campaign.All{campaign.PageType.Equals("product"), price}, campaign.All{campaign.PagePath.Equals("/hats/42"), price})
	}
	var cs []campaign.Campaign
	for i, c := range when {
		cs = append(cs, everyPage(fmt.Sprint("c", i), 1, campaign.Stop{}))
		cs[i].Nodes[0] = campaign.WebsiteTrigger{When: c}
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	for _, address := range []string{
		"https://shop.example/hats/42?utm_source=search&q=a#top",
		"https://shop.example/h%C3%BCte/42?utm_source=a+b&q=%C3%A9t%C3%A9#o%20p",
		"https://shop.example/h\u00fcte?utm_source=\u00fc",
		"/hats?utm_source",
	} {
		v := shoeVisit()
		v.URL = address
		v.Type, v.Referrer = "product", "https://search.test/?q=running+hats"
		v.Item.Fields = map[string]any{"price": 99.5}
		allocs := testing.AllocsPerRun(100, func() {
			if outcomes, err := engine.Visit(context.Background(), v); outcomes != nil || err != nil {
				t.Errorf("Visit(%s) = %v, %v, want no outcome", address, outcomes, err)
			}
		})
		if allocs != 0 {
			t.Errorf("a visit of %s without a match allocates %v times, want none", address, allocs)
		}
	}
	runtime.KeepAlive(engine)
}

// What was decoded for a visit that matched nothing may be overwritten by the
// next one; what a visit that goes on refers to may not.
func TestDecodedTextsOutliveTheVisit(t *testing.T) {
	c := everyPage("decoded", 1, campaign.Stop{RestartTimeout: campaign.Immediately})
	c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.Contains("\u00fc")}
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{
		{From: campaign.PagePath, As: "path"}, {From: campaign.PageQuery("q"), As: "q"},
	}}
	others := []campaign.Campaign{c}
	for i := range 10 { // enough for an index, which decodes on its own
		o := everyPage(fmt.Sprint("other", i), 1, campaign.Stop{})
		o.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PageQuery("q").Equals(fmt.Sprint("none", i))}
		others = append(others, o)
	}
	var sender campaigntest.Recorder
	engine := newEngine(t, &sender, nil, others...)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 100 {
				v := shoeVisit()
				v.URL = fmt.Sprintf("https://shop.example/%%C3%%BC/%d/%d?q=a%%20%d", worker, i, i)
				if _, err := engine.Enqueue(t.Context(), v); err != nil {
					t.Errorf("Enqueue: %v", err)
				}
				v.URL = "https://shop.example/%C3%A4/overwrites/what/is/not/kept?q=zzz+zzz"
				if outcomes, err := engine.Visit(t.Context(), v); outcomes != nil || err != nil {
					t.Errorf("Visit = %v, %v, want no outcome", outcomes, err)
				}
			}
		})
	}
	wg.Wait()
	if err := engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range sender.Requests() {
		var body struct{ Path, Q string }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(body.Path, "/")
		if len(parts) != 4 || parts[1] != "\u00fc" || body.Q != "a "+parts[3] {
			t.Errorf("a request says %+v, which no visit was", body)
		}
	}
	if n := len(sender.Requests()); n != 400 {
		t.Errorf("%d requests, want 400", n)
	}
}

// What the Observer does with its outcome, the caller does not see, nor does it see
// the caller's.
func TestTheObserversOutcomeIsItsOwn(t *testing.T) {
	var kept campaign.Outcome
	observer := campaign.ObserverFunc(func(_ context.Context, o campaign.Outcome) {
		kept = o
		clear(o.Deliveries)
	})
	engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Observer: observer}, everyPage("c", 2, campaign.Stop{}))
	out := visit(t, engine, visitBy("p-1"))
	if len(out.Deliveries) != 2 || out.Deliveries[0].ID == "" || out.Deliveries[1].Node != 2 {
		t.Errorf("Visit = %+v, want both deliveries as they were", out)
	}
	out.Deliveries[0].Node = 7
	if len(kept.Deliveries) != 2 || kept.Deliveries[0].Node != 0 {
		t.Errorf("the Observer has %+v, want what it made of it", kept)
	}
}

func TestOutcomeString(t *testing.T) {
	until := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		outcome campaign.Outcome
		want    string
	}{
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Delivered, Until: until}, "shoes for p-1: delivered, left alone until 2026-03-08T12:00:00Z"},
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Queued, Until: until}, "shoes for p-1: queued, left alone until 2026-03-08T12:00:00Z"},
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Refused, Reason: campaign.ReasonQueueFull, Until: until}, "shoes for p-1: refused (queue_full), left alone until 2026-03-08T12:00:00Z"},
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Delivered, Test: true}, "test of shoes for p-1: delivered"},
		// One line, whatever the IDs are.
		{campaign.Outcome{Campaign: "shoes", Profile: "Zoë & 李", Status: campaign.Delivered}, "shoes for Zoë & 李: delivered"},
		{campaign.Outcome{Campaign: "shoes", Profile: "a\nb", Status: campaign.Delivered}, `shoes for "a\nb": delivered`},
		{campaign.Outcome{Campaign: "a\x1b[2Jb", Profile: "\u2028", Status: campaign.Delivered}, `"a\x1b[2Jb" for "\u2028": delivered`},
		{campaign.Outcome{Campaign: "shoes", Profile: "a\xff", Status: campaign.Delivered}, `shoes for "a\xff": delivered`},
		{campaign.Outcome{Campaign: "shoes", Profile: "\u202egnp", Status: campaign.Delivered}, `shoes for "\u202egnp": delivered`},
		{
			campaign.Outcome{Campaign: "shoes", Status: campaign.Failed, Reason: campaign.ReasonCannotRender, Err: &campaign.RenderError{Pointer: "/nodes/1", Field: "profile.a\nb", Err: campaign.ErrMissingField}},
			`shoes: failed (cannot_render): "campaign: /nodes/1: profile.a\nb is required and missing"`,
		},
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.CoolingDown, Reason: campaign.ReasonCoolingDown, Until: until}, "shoes for p-1: cooling_down until 2026-03-08T12:00:00Z"},
		{campaign.Outcome{Campaign: "shoes", Status: campaign.UnknownProfile, Reason: campaign.ReasonUnknownProfile}, "shoes: unknown_profile"},
		{
			campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Failed, Reason: campaign.ReasonRejected, Err: &campaign.DeliveryError{Verdict: campaign.Rejected, Status: 400, Attempts: 1}},
			"shoes for p-1: failed (rejected): " + (&campaign.DeliveryError{Verdict: campaign.Rejected, Status: 400, Attempts: 1}).Error(),
		},
		{campaign.Outcome{Campaign: "shoes", Profile: "p-1", Status: campaign.Failed, Reason: campaign.ReasonTrackerFailed, Err: errors.New("the host's own secret")}, "shoes for p-1: failed (tracker_failed): an error of type *errors.errorString, whose text is not for logs; it is in Outcome.Err"},
		{
			campaign.Outcome{Campaign: "shoes", Status: campaign.Failed, Reason: campaign.ReasonTrackerFailed, Err: fmt.Errorf("secret: %w", &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED})},
			"shoes: failed (tracker_failed): an error of type *fmt.wrapError (connection refused), whose text is not for logs; it is in Outcome.Err",
		},
		{
			campaign.Outcome{Campaign: "shoes", Status: campaign.Failed, Reason: campaign.ReasonProfileFailed, Err: fmt.Errorf("secret: %w", context.DeadlineExceeded)},
			"shoes: failed (profile_failed): an error of type *fmt.wrapError (context deadline exceeded), whose text is not for logs; it is in Outcome.Err",
		},
	} {
		if got := fmt.Sprint(test.outcome); got != test.want {
			t.Errorf("Sprint(%#v) = %q, want %q", test.outcome, got, test.want)
		}
	}
}

package backtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// start is a Monday.
var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// page returns ann's visit of a page with shoes, a while after the start.
func page(after time.Duration) campaign.PageVisit {
	return campaign.PageVisit{
		Time: start.Add(after),
		URL:  "https://shop.example/shoes/42",
		Profile: campaign.Profile{
			ID:     "ann",
			Known:  true,
			Fields: map[string]any{"email": "ann@example.org", "phone": "+31 20 1234567"},
		},
	}
}

// by returns the visit as another's.
func by(id string, v campaign.PageVisit) campaign.PageVisit {
	v.Profile.ID = id
	return v
}

func with(v campaign.PageVisit, change func(*campaign.PageVisit)) campaign.PageVisit {
	change(&v)
	return v
}

// define returns a campaign for shoes that needs an email and a phone number.
func define(stop campaign.Stop, change ...func(*campaign.Campaign)) campaign.Campaign {
	c := campaign.Campaign{ID: "shoes", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/shoes/")},
		campaign.Webhook{
			Method: "POST",
			URL:    "https://esp.example/v1/automations",
			Payload: campaign.Payload{
				campaign.FromProfile("profileid"),
				campaign.FromProfile("email").Required(),
				campaign.FromProfile("phone").Required(),
			},
		},
		stop,
	}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func run(t *testing.T, c campaign.Campaign, o *backtest.Options, visits ...campaign.PageVisit) *backtest.Report {
	t.Helper()
	rep, err := backtest.Run(t.Context(), []campaign.Campaign{c}, slices.Values(visits), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// A sequence that was forgotten is an error, as other options are, and no panic.
func TestRunWithoutVisits(t *testing.T) {
	if _, err := backtest.Run(t.Context(), []campaign.Campaign{define(campaign.Stop{})}, nil, nil); err == nil || !strings.Contains(err.Error(), "slices.Values") {
		t.Errorf("Run of nil visits = %v, want an error that says what to pass", err)
	}
}

func TestRules(t *testing.T) {
	type held = map[campaign.Reason]int
	everybody := func(c *campaign.Campaign) {
		trigger, _ := c.Nodes[0].(campaign.WebsiteTrigger)
		trigger.Audience = campaign.AudienceAll
		c.Nodes[0] = trigger
	}
	unknown := func(v *campaign.PageVisit) { v.Profile.Known = false }
	without := func(names ...string) func(*campaign.PageVisit) {
		return func(v *campaign.PageVisit) {
			fields := map[string]any{"email": "ann@example.org", "phone": nil} // null is there
			for _, name := range names {
				delete(fields, name)
			}
			v.Profile.Fields = fields
		}
	}
	for _, test := range []struct {
		name   string
		c      campaign.Campaign
		o      *backtest.Options
		visits []campaign.PageVisit
		want   backtest.CampaignReport // but ID, and Hours
	}{
		{
			name:   "a visit that meets the condition starts a run",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{page(0)},
			want:   backtest.CampaignReport{Matched: 1, Started: 1, Delivered: 1, Profiles: 1},
		},
		{
			name:   "another page does not",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{with(page(0), func(v *campaign.PageVisit) { v.URL = "/help" })},
		},
		{
			name:   "the cooldown is from the visit's time, and open at its end",
			c:      define(campaign.Stop{RestartTimeout: hour}),
			visits: []campaign.PageVisit{page(0), page(hour - 1), page(hour)},
			want:   backtest.CampaignReport{Matched: 3, Started: 2, Delivered: 2, Profiles: 1, HeldBack: held{campaign.ReasonCoolingDown: 1}},
		},
		{
			name:   "profiles are counted once",
			c:      define(campaign.Stop{RestartTimeout: hour}),
			visits: []campaign.PageVisit{page(0), by("ben", page(0)), page(hour), by("ben", page(2*hour)), by("cas", page(2*hour))},
			want:   backtest.CampaignReport{Matched: 5, Started: 5, Delivered: 5, Profiles: 3},
		},
		{
			name:   "without a cooldown too",
			c:      define(campaign.Stop{RestartTimeout: campaign.Immediately}),
			visits: []campaign.PageVisit{page(0), page(0), by("ben", page(1)), page(2)},
			want:   backtest.CampaignReport{Matched: 4, Started: 4, Delivered: 4, Profiles: 2},
		},
		{
			name:   "once and never again",
			c:      define(campaign.Stop{RestartTimeout: campaign.Never}),
			visits: []campaign.PageVisit{with(page(-100*365*day), func(*campaign.PageVisit) {}), page(0)},
			want:   backtest.CampaignReport{Matched: 2, Started: 1, Delivered: 1, Profiles: 1, HeldBack: held{campaign.ReasonCoolingDown: 1}},
		},
		{
			name:   "a late visit is held back by what began after it, however late",
			c:      define(campaign.Stop{RestartTimeout: hour}),
			visits: []campaign.PageVisit{page(0), by("ben", page(20*day)), page(-10 * day)},
			want:   backtest.CampaignReport{Matched: 3, Started: 2, Delivered: 2, Profiles: 2, HeldBack: held{campaign.ReasonCoolingDown: 1}},
		},
		{
			name:   "who is not known is not in the audience",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{with(page(0), unknown), {Time: start, URL: "/shoes/"}},
			want:   backtest.CampaignReport{Matched: 2, HeldBack: held{campaign.ReasonUnknownProfile: 2}},
		},
		{
			name:   "unless it is everybody with an ID",
			c:      define(campaign.Stop{}, everybody),
			visits: []campaign.PageVisit{with(page(0), unknown), {Time: start, URL: "/shoes/"}},
			want:   backtest.CampaignReport{Matched: 2, Started: 1, Delivered: 1, Profiles: 1, HeldBack: held{campaign.ReasonUnknownProfile: 1}},
		},
		{
			name:   "a required field that is missing; a minute later the campaign is open again",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{with(page(0), without("email")), page(30 * time.Second), page(minute)},
			want: backtest.CampaignReport{
				Matched: 3, Started: 1, Delivered: 1, Profiles: 1,
				HeldBack: held{campaign.ReasonCannotRender: 1, campaign.ReasonCoolingDown: 1},
				Missing:  []backtest.MissingField{{Field: "profile.email", Runs: 1}},
			},
		},
		{
			name:   "all fields that are missing are counted, and not the first alone",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{with(page(0), without("email", "phone")), with(page(hour), without("phone")), with(page(2*hour), without())},
			want: backtest.CampaignReport{
				Matched: 3, Started: 1, Delivered: 1, Profiles: 1,
				HeldBack: held{campaign.ReasonCannotRender: 2},
				Missing:  []backtest.MissingField{{Field: "profile.phone", Runs: 2}, {Field: "profile.email", Runs: 1}},
			},
		},
		{
			name:   "a field that two webhooks require is missing once",
			c:      define(campaign.Stop{}, func(c *campaign.Campaign) { c.Nodes = slices.Insert(c.Nodes, 2, c.Nodes[1]) }),
			visits: []campaign.PageVisit{with(page(0), without("email"))},
			want: backtest.CampaignReport{
				Matched:  1,
				HeldBack: held{campaign.ReasonCannotRender: 1},
				Missing:  []backtest.MissingField{{Field: "profile.email", Runs: 1}},
			},
		},
		{
			name:   "a field that cannot be written is no missing one",
			c:      define(campaign.Stop{}),
			visits: []campaign.PageVisit{with(page(0), func(v *campaign.PageVisit) { v.Profile.Fields = map[string]any{"email": math.NaN(), "phone": 1} })},
			want: backtest.CampaignReport{
				Matched:    1,
				HeldBack:   held{campaign.ReasonCannotRender: 1},
				FirstError: "campaign: /nodes/1/payload/1: profile.email is not a finite number, which JSON cannot write; leave it out, or pass a number",
			},
		},
		{
			name:   "a run that fails gives the cooldown back but for a minute",
			c:      define(campaign.Stop{}),
			o:      &backtest.Options{FailureRate: 1},
			visits: []campaign.PageVisit{page(0), page(59 * time.Second), page(minute)},
			want:   backtest.CampaignReport{Matched: 3, Started: 2, Failed: 2, HeldBack: held{campaign.ReasonCoolingDown: 1}},
		},
		{
			name:   "a campaign that is paused",
			c:      define(campaign.Stop{}, func(c *campaign.Campaign) { c.Paused = true }),
			visits: []campaign.PageVisit{page(0)},
			want:   backtest.CampaignReport{Paused: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			rep := run(t, test.c, test.o, test.visits...)
			if rep.Visits != len(test.visits) || rep.Bad != 0 {
				t.Errorf("%d visits used and %d bad, want %d and 0", rep.Visits, rep.Bad, len(test.visits))
			}
			got := rep.Campaigns[0]
			got.Hours = nil
			test.want.ID = "shoes"
			if test.want.HeldBack == nil {
				test.want.HeldBack = held{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Run (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadVisits(t *testing.T) {
	visits := []campaign.PageVisit{
		page(0),
		with(page(0), func(v *campaign.PageVisit) { v.Time = time.Time{} }),
		with(page(0), func(v *campaign.PageVisit) { v.Profile = campaign.Profile{Known: true} }),
		with(page(0), func(v *campaign.PageVisit) { v.Time = time.Now().Add(25 * time.Hour) }),
		page(day),
	}
	taken := 0
	var numbers []int
	rep, err := backtest.Run(t.Context(), []campaign.Campaign{define(campaign.Stop{})}, func(yield func(campaign.PageVisit) bool) {
		for _, v := range visits {
			if taken++; !yield(v) {
				return
			}
		}
	}, &backtest.Options{OnBad: func(bad backtest.BadVisit, v campaign.PageVisit) {
		if bad.Number != taken || !reflect.DeepEqual(v, visits[taken-1]) {
			t.Errorf("OnBad(%v) with visit %d, %d have been taken", bad, bad.Number, taken)
		}
		if _, ok := errors.AsType[*campaign.ValidationError](bad.Err); !ok {
			t.Errorf("visit %d: error %T, want a *campaign.ValidationError", bad.Number, bad.Err)
		}
		numbers = append(numbers, bad.Number)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 3, 4}; !slices.Equal(numbers, want) || rep.Bad != 3 || len(rep.FirstBad) != 3 || rep.Visits != 2 {
		t.Errorf("bad visits %v, in the report %d and %d used, want %v", numbers, rep.Bad, rep.Visits, want)
	}
	if got, want := rep.FirstBad[0].Err.Error(), "campaign: /time: the visit's time is missing; a backtest needs the time at which the page was seen: set PageVisit.Time before the visit is logged"; got != want {
		t.Errorf("a visit without a time: %q, want %q", got, want)
	}
}

// A visit with a wrong clock that meets nothing is not the newest of all, after which
// all others are late.
func TestWrongClockOfAnotherPage(t *testing.T) {
	wrong := with(page(0), func(v *campaign.PageVisit) { v.Time, v.URL = time.Now().AddDate(73, 0, 0), "/help" })
	rep := run(t, define(campaign.Stop{}), nil, wrong, page(0), page(day), page(2*day))
	if rep.Bad != 1 || rep.Visits != 3 || rep.Late != 0 || !rep.To.Equal(page(2*day).Time) {
		t.Errorf("%d bad, %d used, %d late, up to %v; want 1, 3, 0, up to %v", rep.Bad, rep.Visits, rep.Late, rep.To, page(2*day).Time)
	}
}

// What JSON can hold as a time may be of no year that it can hold in UTC: one such
// visit would keep the whole report from being written.
func TestTimesThatAreNone(t *testing.T) {
	for _, text := range []string{"0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := with(page(0), func(v *campaign.PageVisit) { v.Time, v.URL = at, "/help" })
		rep := run(t, define(campaign.Stop{}), nil, elsewhere, page(0))
		if _, err := json.Marshal(rep); err != nil || rep.Bad != 1 || rep.Visits != 1 {
			t.Errorf("a visit at %s: %d bad, %d used, and as JSON: %v; want 1 bad, 1 used, and no error", text, rep.Bad, rep.Visits, err)
		}
	}
}

func TestManyBadVisits(t *testing.T) {
	rep := run(t, define(campaign.Stop{}), nil, make([]campaign.PageVisit, 1000)...)
	if rep.Bad != 1000 || len(rep.FirstBad) != 5 || rep.Visits != 0 || !rep.From.IsZero() {
		t.Errorf("%d bad visits, the first %d, %d used from %v; want 1000, 5, 0 and no time", rep.Bad, len(rep.FirstBad), rep.Visits, rep.From)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := false
	n := 0
	rep, err := backtest.Run(ctx, []campaign.Campaign{define(campaign.Stop{})}, func(yield func(campaign.PageVisit) bool) {
		defer func() { ended = true }()
		for ; ; n++ {
			if n == 100 {
				cancel()
			}
			if !yield(by(string(rune('a'+n)), page(0))) {
				return
			}
		}
	}, nil)
	if !errors.Is(err, context.Canceled) || rep == nil {
		t.Fatalf("Run = %v, %v, want a report and context.Canceled", rep, err)
	}
	if got := rep.Campaigns[0].Delivered; !ended || n != 100 || rep.Visits != 100 || got != 100 {
		t.Errorf("cancelled at visit 100: %d taken, ended %t, %d in the report, %d delivered", n, ended, rep.Visits, got)
	}
}

// A sequence that reads under the same context may end before Run looks at it: the
// report is on a part of the log, and nothing else says so.
func TestCancelEndsSequence(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rep, err := backtest.Run(ctx, []campaign.Campaign{define(campaign.Stop{})}, func(yield func(campaign.PageVisit) bool) {
		for ctx.Err() == nil && yield(page(0)) {
			cancel()
		}
	}, nil)
	if !errors.Is(err, context.Canceled) || rep == nil || rep.Visits != 1 {
		t.Errorf("Run = %+v, %v, want a report on one visit and context.Canceled", rep, err)
	}
}

// A source that waits for its context holds nothing up, and what ends in the
// middle is not in the report.
func TestCancelWithinVisit(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	source := campaign.ProfileSourceFunc(func(ctx context.Context, id string) (campaign.Profile, error) {
		if id == "ann" {
			return campaign.Profile{Fields: map[string]any{"email": "ann@example.org", "phone": "1"}}, nil
		}
		cancel()
		<-ctx.Done()
		return campaign.Profile{}, ctx.Err()
	})
	bare := func(v *campaign.PageVisit) { v.Profile.Fields = nil }
	visits := slices.Values([]campaign.PageVisit{with(page(0), bare), with(by("ben", page(0)), bare), with(by("cas", page(0)), bare)})
	began := time.Now()
	rep, err := backtest.Run(ctx, []campaign.Campaign{define(campaign.Stop{})}, visits, &backtest.Options{Profiles: source, Samples: 5})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v, want context.Canceled", err)
	}
	if c := rep.Campaigns[0]; rep.Visits != 1 || c.Matched != 1 || c.Delivered != 1 || len(c.Samples) != 1 {
		t.Errorf("report on %d visits: %+v, want the first alone", rep.Visits, c)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Run took %v after its context was done", took)
	}
}

func TestProfileSource(t *testing.T) {
	source := campaign.ProfileSourceFunc(func(_ context.Context, id string) (campaign.Profile, error) {
		switch id {
		case "ann":
			return campaign.Profile{Fields: map[string]any{"email": "ann@example.org", "phone": "1"}}, nil
		case "ben":
			return campaign.Profile{Fields: map[string]any{"email": "ben@example.org"}}, nil
		case "cas":
			return campaign.Profile{}, errors.New("the database is away")
		}
		return campaign.Profile{}, nil
	})
	bare := func(id string) campaign.PageVisit {
		return with(by(id, page(0)), func(v *campaign.PageVisit) { v.Profile.Fields = nil })
	}
	rep := run(t, define(campaign.Stop{}), &backtest.Options{Profiles: source}, bare("ann"), bare("ben"), bare("cas"), bare("dan"))
	want := []backtest.MissingField{{Field: "profile.phone", Runs: 2}, {Field: "profile.email", Runs: 1}}
	c := rep.Campaigns[0]
	if diff := cmp.Diff(want, c.Missing); diff != "" {
		t.Errorf("missing fields (-want +got):\n%s", diff)
	}
	if c.Delivered != 1 || c.HeldBack[campaign.ReasonCannotRender] != 2 || c.HeldBack[campaign.ReasonProfileFailed] != 1 {
		t.Errorf("%+v, want one delivered, two that cannot be rendered and one whose profile failed", c)
	}
	if !strings.Contains(c.FirstError, "the database is away") {
		t.Errorf("FirstError = %q, want the source's", c.FirstError)
	}
}

func TestErrors(t *testing.T) {
	good := []campaign.Campaign{define(campaign.Stop{})}
	for _, test := range []struct {
		name string
		cs   []campaign.Campaign
		o    backtest.Options
		want string
	}{
		{"two campaigns with one ID", []campaign.Campaign{good[0], good[0]}, backtest.Options{}, "/campaigns/1/id"},
		{"a negative rate", good, backtest.Options{FailureRate: -0.1}, "FailureRate is -0.1"},
		{"a rate in percent", good, backtest.Options{FailureRate: 5}, "FailureRate is 5"},
		{"no rate at all", good, backtest.Options{FailureRate: math.NaN()}, "FailureRate is NaN"},
		{"negative samples", good, backtest.Options{Samples: -1}, "Samples is -1"},
	} {
		rep, err := backtest.Run(t.Context(), test.cs, func(func(campaign.PageVisit) bool) {
			t.Errorf("%s: the visits were begun", test.name)
		}, &test.o)
		if rep != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Run = %v, %v, want an error with %q", test.name, rep, err, test.want)
		}
	}
	_, err := backtest.Run(t.Context(), []campaign.Campaign{{}}, nil, nil)
	if _, ok := errors.AsType[*campaign.ValidationError](err); !ok {
		t.Errorf("an empty campaign: error %T, want a *campaign.ValidationError", err)
	}
}

func TestHours(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	c := define(campaign.Stop{RestartTimeout: campaign.Immediately})
	visits := []campaign.PageVisit{page(29 * minute), page(30 * minute), page(0), page(-day)}
	for _, test := range []struct {
		where *time.Location
		want  []backtest.Hour
	}{
		{nil, []backtest.Hour{{Start: start.Add(-day), Runs: 1}, {Start: start, Runs: 3}}},
		{kolkata, []backtest.Hour{
			{Start: start.Add(-day - 30*minute).In(kolkata), Runs: 1},
			{Start: start.Add(-30 * minute).In(kolkata), Runs: 2},
			{Start: start.Add(30 * minute).In(kolkata), Runs: 1},
		}},
	} {
		rep := run(t, c, &backtest.Options{Location: test.where}, visits...)
		if diff := cmp.Diff(test.want, rep.Campaigns[0].Hours); diff != "" {
			t.Errorf("hours in %v (-want +got):\n%s", test.where, diff)
		}
	}
	if got := run(t, c, nil, with(page(0), func(v *campaign.PageVisit) { v.Time = time.Unix(-1, 0) })).Campaigns[0].Hours[0].Start; got.Unix() != -3600 {
		t.Errorf("the second before 1970 is in the hour that begins at %v", got)
	}
}

// A visit that lacks a field may fail for another first: it lacks it all the same.
func TestMissingBehindAnotherFault(t *testing.T) {
	fields := map[string]any{"size": map[string]any{"eu": 41}} // which a query cannot write
	visit := with(page(0), func(v *campaign.PageVisit) { v.Profile.Fields = fields })
	for _, required := range [][]string{{"email"}, {"email", "phone"}} {
		payload := campaign.Payload{campaign.FromProfile("size")}
		var want []backtest.MissingField
		for _, name := range required {
			payload = append(payload, campaign.FromProfile(name).Required())
			want = append(want, backtest.MissingField{Field: campaign.ProfileField(name), Runs: 1})
		}
		rep := run(t, define(campaign.Stop{}, func(c *campaign.Campaign) {
			c.Nodes[1] = campaign.Webhook{Method: "GET", URL: "https://esp.example/", Payload: payload}
		}), nil, visit).Campaigns[0]
		if diff := cmp.Diff(want, rep.Missing); diff != "" || rep.FirstError == "" || rep.HeldBack[campaign.ReasonCannotRender] != 1 {
			t.Errorf("required %q: %+v, want one run that cannot be rendered, its error, and missing (-want +got):\n%s", required, rep, diff)
		}
	}
}

func TestFailureRate(t *testing.T) {
	c := define(campaign.Stop{RestartTimeout: campaign.Immediately})
	visits := make([]campaign.PageVisit, 5000)
	for i := range visits {
		visits[i] = page(time.Duration(i) * time.Second)
	}
	text := func(o backtest.Options) string {
		o.Samples = 10
		data, err := json.Marshal(run(t, c, &o, visits...))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first := text(backtest.Options{FailureRate: 0.2, Seed: 7})
	if second := text(backtest.Options{FailureRate: 0.2, Seed: 7}); first != second {
		t.Errorf("the same visits with the same seed: two reports (-first +second)\n%s", cmp.Diff(first, second))
	}
	if other := text(backtest.Options{FailureRate: 0.2, Seed: 8}); first == other {
		t.Error("another seed gives the same report")
	}
	for _, rate := range []float64{0, 0.01, 0.2, 0.5, 1} {
		rep := run(t, c, &backtest.Options{FailureRate: rate}, visits...).Campaigns[0]
		if got := float64(rep.Failed) / float64(rep.Started); math.Abs(got-rate) > 0.02 || rep.Started != len(visits) {
			t.Errorf("with a rate of %v, %v of %d runs failed", rate, got, rep.Started)
		}
	}
}

// A run whose second webhook fails has delivered the first: it stays closed.
func TestFailureWithinChain(t *testing.T) {
	c := define(campaign.Stop{RestartTimeout: hour}, func(c *campaign.Campaign) {
		c.Nodes = slices.Insert(c.Nodes, 2, c.Nodes[1])
	})
	partly := 0
	for seed := range uint64(100) {
		rep := run(t, c, &backtest.Options{FailureRate: 0.5, Seed: seed, Samples: 1}, page(0), page(2*minute)).Campaigns[0]
		first := rep.Samples[0].Requests
		failed := backtest.Chance(seed, first[len(first)-1].ID) < 0.5
		held := rep.HeldBack[campaign.ReasonCoolingDown] == 1
		if want := len(first) == 2 || !failed; held != want {
			t.Errorf("seed %d: the first run came to %d requests and failed: %t; held back: %t", seed, len(first), failed, held)
		}
		if len(first) == 2 && failed {
			partly++
			if rep.Failed != 1 || rep.Delivered != 0 || rep.Profiles != 0 {
				t.Errorf("seed %d: the second webhook failed: %+v", seed, rep)
			}
		}
	}
	if partly < 10 {
		t.Errorf("the second webhook alone failed with %d of 100 seeds", partly)
	}
}

func TestSamples(t *testing.T) {
	c := define(campaign.Stop{})
	visits := []campaign.PageVisit{page(0), page(1), by("ben", page(2)), by("cas", page(3))}
	rep := run(t, c, &backtest.Options{Samples: 2}, visits...)
	var want []backtest.Sample
	for _, i := range []int{0, 2} {
		requests, err := c.Render(visits[i])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, backtest.Sample{Time: visits[i].Time, Profile: visits[i].Profile.ID, Requests: requests})
	}
	if diff := cmp.Diff(want, rep.Campaigns[0].Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// Several campaigns of one visit run at the same time, and so may several
// backtests.
func TestConcurrent(t *testing.T) {
	var cs []campaign.Campaign
	for i := range 40 {
		cs = append(cs, define(campaign.Stop{}, func(c *campaign.Campaign) { c.ID = string(rune('A' + i)) }))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rep, err := backtest.Run(t.Context(), cs, slices.Values([]campaign.PageVisit{page(0), by("ben", page(1)), page(2)}),
				&backtest.Options{Samples: 3, FailureRate: 0.3})
			if err != nil {
				t.Error(err)
				return
			}
			for _, c := range rep.Campaigns {
				if c.Matched != 3 || c.Started != 2 || len(c.Samples) != 2 {
					t.Errorf("%+v, want three matches, two runs and as many samples", c)
				}
			}
		})
	}
	wg.Wait()
}

func TestNothing(t *testing.T) {
	rep, err := backtest.Run(t.Context(), nil, slices.Values([]campaign.PageVisit{page(0)}), nil)
	if err != nil || rep.Visits != 1 || rep.Campaigns == nil {
		t.Errorf("no campaigns: %+v, %v, want one visit and an empty list", rep, err)
	}
	rep, err = backtest.Run(t.Context(), []campaign.Campaign{define(campaign.Stop{})}, slices.Values([]campaign.PageVisit(nil)), &backtest.Options{})
	if err != nil || rep.Visits != 0 || len(rep.Campaigns) != 1 {
		t.Errorf("no visits: %+v, %v, want a report with one campaign", rep, err)
	}
}

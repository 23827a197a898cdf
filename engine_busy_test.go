package campaign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// visitBy is a visit by a profile, now.
func visitBy(id string) campaign.PageVisit {
	v := shoeVisit()
	v.Time, v.Profile.ID = time.Time{}, id
	return v
}

// enqueue passes a visit and returns its only outcome.
func enqueue(t testing.TB, engine *campaign.Engine, v campaign.PageVisit) campaign.Outcome {
	t.Helper()
	outcomes, err := engine.Enqueue(t.Context(), v)
	if err != nil || len(outcomes) != 1 {
		t.Fatalf("Enqueue = %v, %v, want one outcome", outcomes, err)
	}
	return outcomes[0]
}

// closeEngine closes an engine that has nothing to wait for.
func closeEngine(t testing.TB, engine *campaign.Engine) {
	t.Helper()
	if err := engine.Close(t.Context()); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

// A listener is an Observer that remembers.
type listener struct {
	mu   sync.Mutex
	told []campaign.Outcome
}

func (l *listener) Observe(_ context.Context, o campaign.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, o)
}

// about returns the statuses that were told of a profile, in order.
func (l *listener) about(profile string) []campaign.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []campaign.Status
	for _, o := range l.told {
		if o.Profile == profile {
			all = append(all, o.Status)
		}
	}
	return all
}

// slow returns a sender that takes so long, unless its context ends before.
func slow(d time.Duration) campaign.SenderFunc {
	return func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
		select {
		case <-time.After(d):
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A Tracker that is slow to take a cooldown back does not keep the page waiting.
func TestEnqueueReturnsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &brokenTracker{reopen: func() error { time.Sleep(3 * time.Second); return nil }}
		engine := newEngine(t, slow(time.Minute-1), &campaign.EngineOptions{Workers: 1, QueueSize: 1, Tracker: tracker}, runningShoes())
		defer closeEngine(t, engine)
		enqueue(t, engine, visitBy("p-1"))
		enqueue(t, engine, visitBy("p-2"))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		outcomes, err := engine.Enqueue(ctx, visitBy("p-3"))
		if took := time.Since(start); err != nil || len(outcomes) != 1 || took > 200*time.Millisecond {
			t.Fatalf("Enqueue = %v, %v after %v, want refused within its context", outcomes, err, took)
		}
		out := outcomes[0]
		week := start.Add(7 * 24 * time.Hour)
		if out.Status != campaign.Refused || !errors.Is(out.Err, context.DeadlineExceeded) || !out.Until.Equal(week) {
			t.Errorf("Enqueue = %+v, want refused, with the cooldown still being given back", out)
		}
		time.Sleep(5 * time.Second)
		if until, _ := tracker.Until(out.Campaign, "p-3", start); !until.Equal(start.Add(time.Minute)) {
			t.Errorf("the cooldown ends at %v in the end, want that of a failure", until)
		}
		if out := enqueue(t, engine, visitBy("p-4")); out.Status != campaign.Refused || out.Err != nil || out.Until.After(time.Now().Add(time.Minute)) {
			t.Errorf("Enqueue without a deadline = %+v, want refused and given back", out)
		}
	})
}

func TestEnqueueOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		engine := newEngine(t, slow(time.Minute-1), &campaign.EngineOptions{Workers: 1, QueueSize: 1, Observer: &told}, runningShoes())
		defer closeEngine(t, engine)
		start := time.Now()
		unknown := visitBy("p-4")
		unknown.Profile.Known = false
		for _, tt := range []struct {
			visit campaign.PageVisit
			want  campaign.Status
		}{
			{visitBy("p-1"), campaign.Queued}, // a worker takes it at once
			{visitBy("p-1"), campaign.CoolingDown},
			{visitBy("p-2"), campaign.Queued}, // waits
			{visitBy("p-3"), campaign.Refused},
			{unknown, campaign.UnknownProfile},
		} {
			if got := enqueue(t, engine, tt.visit); got.Status != tt.want {
				t.Errorf("Enqueue(%s) = %+v, want %s", tt.visit.Profile.ID, got, tt.want)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Enqueue waited %v for the endpoint", took)
		}
		// What was refused has its cooldown back, but for the failure timeout.
		time.Sleep(time.Minute)
		if got := enqueue(t, engine, visitBy("p-3")); got.Status != campaign.Queued {
			t.Errorf("a minute after it was refused = %+v, want queued", got)
		}
		time.Sleep(5 * time.Minute)
		want := map[string][]campaign.Status{
			"p-1": {campaign.Queued, campaign.CoolingDown, campaign.Delivered},
			"p-2": {campaign.Queued, campaign.Delivered},
			"p-3": {campaign.Refused, campaign.Queued, campaign.Delivered},
			"p-4": {campaign.UnknownProfile},
		}
		for id, statuses := range want {
			if diff := cmp.Diff(statuses, told.about(id)); diff != "" {
				t.Errorf("what the Observer was told of %s (-want +got):\n%s", id, diff)
			}
		}
		if outcomes, err := engine.Enqueue(t.Context(), campaign.PageVisit{URL: "/nothing"}); outcomes != nil || err != nil {
			t.Errorf("Enqueue without a match = %v, %v, want nil, nil", outcomes, err)
		}
	})
}

type requestKey struct{}

// The HTTP request that caused a run is over long before it: the run keeps the
// values of its context, and goes on until RunTimeout.
func TestEnqueueOutlivesTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 20 * time.Second
		var ended time.Duration
		start := time.Now()
		sender := campaign.SenderFunc(func(ctx context.Context, _ *campaign.Request) (*campaign.Response, error) {
			if ctx.Value(requestKey{}) != "r-1" {
				t.Errorf("the run's context has lost the values of the request's")
			}
			<-ctx.Done()
			ended = time.Since(start)
			return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable, First: ctx.Err()}
		})
		var told listener
		engine := newEngine(t, sender, &campaign.EngineOptions{RunTimeout: timeout, Observer: &told}, runningShoes())
		defer closeEngine(t, engine)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), requestKey{}, "r-1"))
		if _, err := engine.Enqueue(ctx, visitBy("p-1")); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		if ended != timeout {
			t.Errorf("the run ended after %v, want RunTimeout, %v", ended, timeout)
		}
		if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Failed}, told.about("p-1")); diff != "" {
			t.Errorf("what the Observer was told (-want +got):\n%s", diff)
		}
		if outcomes, err := engine.Enqueue(ctx, visitBy("p-2")); !errors.Is(err, context.Canceled) || outcomes != nil {
			t.Errorf("Enqueue with a context that is over = %v, %v, want its error", outcomes, err)
		}
	})
}

// The longest RunTimeout that there is bounds nothing, also where a run has waited
// for a worker, or for its turn among many of one visit.
func TestRunTimeoutWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told listener
		engine := newEngine(t, slow(time.Hour), &campaign.EngineOptions{RunTimeout: math.MaxInt64, Workers: 1, Observer: &told}, everyPage("c", 1, campaign.Stop{}))
		enqueue(t, engine, visitBy("p-1"))
		enqueue(t, engine, visitBy("p-2"))
		time.Sleep(3 * time.Hour)
		for _, id := range []string{"p-1", "p-2"} {
			if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Delivered}, told.about(id)); diff != "" {
				t.Errorf("what the Observer was told of %s (-want +got):\n%s", id, diff)
			}
		}
		var many []campaign.Campaign
		for i := range 20 {
			many = append(many, everyPage(fmt.Sprint("c", i), 1, campaign.Stop{}))
		}
		if err := engine.Load(many...); err != nil {
			t.Fatal(err)
		}
		outcomes, err := engine.Visit(t.Context(), visitBy("p-3"))
		if err != nil || len(outcomes) != len(many) {
			t.Fatalf("Visit = %v, %v, want %d outcomes", outcomes, err, len(many))
		}
		for _, out := range outcomes {
			if out.Status != campaign.Delivered {
				t.Errorf("Visit = %v, want delivered", out)
			}
		}
		closeEngine(t, engine)
	})
}

// The context of the call, or that of the run, is done, and the Tracker says so:
// it has not failed.
func TestCancelledInTheTracker(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name   string
		cancel bool
		err    error
		want   campaign.Reason
	}{
		{"the context's own error", true, context.Canceled, campaign.ReasonCancelled},
		{"around the context's own error", true, fmt.Errorf("redis: %w", context.Canceled), campaign.ReasonCancelled},
		{"an error of its own", true, broken, campaign.ReasonTrackerFailed},
		{"such an error from elsewhere", false, context.Canceled, campaign.ReasonTrackerFailed},
		{"its own deadline", true, context.DeadlineExceeded, campaign.ReasonTrackerFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			entered := 0
			tracker := &brokenTracker{enter: func() error {
				if entered++; entered == 1 {
					return nil
				}
				if tt.cancel {
					cancel()
				}
				return tt.err
			}}
			engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Tracker: tracker}, everyPage("a", 1, campaign.Stop{}), everyPage("b", 1, campaign.Stop{}))
			defer closeEngine(t, engine)
			outcomes, err := engine.Enqueue(ctx, visitBy("p-1"))
			if err != nil || len(outcomes) != 2 || outcomes[0].Status != campaign.Queued {
				t.Fatalf("Enqueue = %v, %v, want two outcomes, the first of them queued", outcomes, err)
			}
			if out := outcomes[1]; out.Status != campaign.Failed || out.Reason != tt.want || !errors.Is(out.Err, tt.err) {
				t.Errorf("the second outcome is %v, want failed (%s) by %v", out, tt.want, tt.err)
			}
		})
	}
}

// A campaign whose endpoint hangs holds three quarters of the workers at most,
// and fills the queue; another one is served at once all the same.
func TestSlowCampaignLeavesWorkersToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := campaign.SenderFunc(func(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
			if r.Campaign == "fast" {
				return nil, nil
			}
			return slow(50*time.Second)(ctx, r)
		})
		stuck, fast := everyPage("stuck", 1, campaign.Stop{}), everyPage("fast", 1, campaign.Stop{})
		stuck.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/stuck")}
		fast.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/fast")}
		var told listener
		engine := newEngine(t, sender, &campaign.EngineOptions{Workers: 8, QueueSize: 20, Observer: &told}, stuck, fast)
		defer closeEngine(t, engine)
		refused := 0
		for i := range 40 {
			v := visitBy("s" + strconv.Itoa(i))
			v.URL = "/stuck"
			if enqueue(t, engine, v).Status == campaign.Refused {
				refused++
			}
		}
		synctest.Wait()
		if s := engine.Stats(); s.Running != 6 || s.Waiting != 20 || refused != 14 {
			t.Errorf("%d running, %d waiting, %d refused, want 6, 20 and 14", s.Running, s.Waiting, refused)
		}
		for i := range 10 {
			id := "f" + strconv.Itoa(i)
			v := visitBy(id)
			v.URL = "/fast"
			if got := enqueue(t, engine, v); got.Status != campaign.Queued {
				t.Errorf("a visit of the other campaign, with the queue full of the stuck one = %+v, want queued", got)
			}
			synctest.Wait() // no time passes
			if diff := cmp.Diff([]campaign.Status{campaign.Queued, campaign.Delivered}, told.about(id)); diff != "" {
				t.Errorf("what the Observer was told of it (-want +got):\n%s", diff)
			}
		}
	})
}

// A visit starts more campaigns than run at the same time: those that wait for
// their turn have all of RunTimeout once it comes.
func TestRunTimeoutBeginsWithTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cs []campaign.Campaign
		for i := range 20 {
			cs = append(cs, everyPage(fmt.Sprint("c", i), 1, campaign.Stop{}))
		}
		engine := newEngine(t, slow(6*time.Second), &campaign.EngineOptions{RunTimeout: 10 * time.Second}, cs...)
		defer closeEngine(t, engine)
		start := time.Now()
		outcomes, err := engine.Visit(t.Context(), visitBy("p-1"))
		if err != nil || len(outcomes) != len(cs) {
			t.Fatalf("Visit = %v, %v, want %d outcomes", outcomes, err, len(cs))
		}
		if took := time.Since(start); took != 12*time.Second {
			t.Errorf("Visit took %v, want 12s: sixteen at a time", took)
		}
		for _, o := range outcomes {
			if o.Status != campaign.Delivered {
				t.Errorf("%v, want delivered", o)
			}
		}
	})
}

// Whatever the caller passed may be changed right after the call: under the race
// detector this finds what is read too late, and otherwise what is sent wrongly.
func TestVisitsMayBeChangedAfterTheCall(t *testing.T) {
	type sizes struct{ EU []int }
	type width struct{ W int }
	type size struct { // its fields are those of the others
		sizes
		*width
	}
	c := everyPage("c", 1, campaign.Stop{RestartTimeout: campaign.Immediately})
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{
		campaign.FromProfile("email"), campaign.FromProfile("address.city"), campaign.FromProfile("lists"), campaign.FromProfile("tags"),
		campaign.FromItem("size"), campaign.FromVisit("device"), campaign.FromProfile("loaded"),
	}}
	const want = `{"email":"a","address":{"city":"Oss"},"lists":[{"n":[1,2]}],"tags":["x","y"],"size":{"EU":[42],"W":1},"device":{"os":"linux"}`
	for _, profiles := range []campaign.ProfileSource{nil, campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
		return campaign.Profile{Fields: map[string]any{"loaded": true}}, nil
	})} {
		var sender campaigntest.Recorder
		engine := newEngine(t, &sender, &campaign.EngineOptions{Profiles: profiles}, c)
		numbers, inner, tags := []any{1, 2}, map[string]any{}, []string{"x", "y"}
		eu, device, address := []int{42}, map[string]string{}, map[string]any{}
		lists, wide := []any{inner}, &width{}
		v := campaign.PageVisit{URL: "/", Profile: campaign.Profile{ID: "p-1", Known: true}}
		for i := range 200 {
			numbers[0], inner["n"], tags[0], eu[0], device["os"], address["city"], lists[0], wide.W = 1, numbers, "x", 42, "linux", "Oss", inner, 1
			v.Profile.Fields = map[string]any{"email": "a", "address": address, "lists": lists, "tags": tags}
			v.Item.Fields = map[string]any{"size": &size{sizes{eu}, wide}}
			v.Data = map[string]any{"device": device}
			pass := engine.Enqueue
			if i%10 == 0 {
				pass = engine.Visit
			}
			if outcomes, err := pass(t.Context(), v); err != nil || len(outcomes) != 1 {
				t.Fatalf("%v, %v", outcomes, err)
			}
			numbers[0], inner["n"], tags[0], eu[0], device["os"], address["city"], lists[0], wide.W = 7, 7, "7", 7, "7", "7", 7, 7
			clear(v.Profile.Fields)
			clear(v.Item.Fields)
			clear(v.Data)
		}
		closeEngine(t, engine)
		requests := sender.Requests()
		if len(requests) != 200 {
			t.Errorf("%d requests, want 200", len(requests))
		}
		for _, r := range requests {
			if !strings.HasPrefix(string(r.Body), want) {
				t.Fatalf("a request says %s, want %s…", r.Body, want)
			}
		}
	}
}

// A stack that is full ends the process, whatever is deferred.
func TestEnqueueOfADeepValue(t *testing.T) {
	c := everyPage("c", 1, campaign.Stop{})
	c.Nodes[1] = campaign.Webhook{URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("loaded"), campaign.FromVisit("deep")}}
	var list, object any
	for range 1_000_000 {
		list, object = []any{list}, map[string]any{"a": object}
	}
	for _, deep := range []any{list, object} {
		var told listener
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Observer: &told, Profiles: campaign.ProfileSourceFunc(
			func(context.Context, string) (campaign.Profile, error) {
				return campaign.Profile{Fields: map[string]any{"loaded": true}}, nil
			},
		)}, c)
		v := visitBy("p-1")
		v.Data = map[string]any{"deep": deep}
		if out := enqueue(t, engine, v); out.Status != campaign.Queued {
			t.Errorf("Enqueue = %v, want it queued", out)
		}
		closeEngine(t, engine)
		if got := told.about("p-1"); !slices.Equal(got, []campaign.Status{campaign.Queued, campaign.Failed}) {
			t.Errorf("told of %v, want queued and failed: no payload takes what is so deep", got)
		}
	}
}

// A log has stable keys, and of personal data the profile's ID alone, masked.
func TestLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var sender campaigntest.Recorder
		sender.Answer(campaigntest.Deliver(200), campaigntest.Reject(500), func(context.Context, *campaign.Request) (*campaign.Response, error) {
			return nil, errors.New("nobody at ann@example.org")
		})
		engine := newEngine(t, &sender, &campaign.EngineOptions{
			Workers: 1, QueueSize: 1,
			Logger:      slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
			MaskProfile: func(id string) string { return "masked-" + id[len(id)-1:] },
		}, runningShoes())
		visit(t, engine, visitBy("p-1"))
		visit(t, engine, visitBy("p-1"))
		visit(t, engine, visitBy("p-2"))
		visit(t, engine, visitBy("p-3"))
		sender.Answer(campaign.SenderFunc(slow(time.Second)))
		for _, id := range []string{"p-4", "p-5", "p-6"} { // sent, queued, refused
			enqueue(t, engine, visitBy(id))
		}
		closeEngine(t, engine)
		for _, personal := range []string{"p-", "ann", "example.org", "/shoes", "/v1", "utm"} {
			if strings.Contains(out.String(), personal) {
				t.Errorf("the log shows %q:\n%s", personal, &out)
			}
		}
		keys := []string{"attempts", "campaign", "deliveries", "duration", "level", "msg", "profile", "status", "time"}
		var got []string
		for line := range strings.Lines(out.String()) {
			var record map[string]any
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if _, ok := record[key]; !ok {
					t.Errorf("a record has no %q: %s", key, line)
				}
			}
			got = append(got, fmt.Sprintf("%v %v %v", record["level"], record["profile"], record["status"]))
		}
		slices.Sort(got)
		want := []string{
			"DEBUG masked-1 cooling_down", "DEBUG masked-4 queued", "DEBUG masked-5 queued",
			"INFO masked-1 delivered", "INFO masked-4 delivered", "INFO masked-5 delivered",
			"WARN masked-2 failed", "WARN masked-3 failed", "WARN masked-6 refused",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("level, profile and status of the records (-want +got):\n%s", diff)
		}
	})
}

// TestEngineSoak does everything at once, in real time and without order; it is
// for the race detector. What was taken has to add up in the end.
func TestEngineSoak(t *testing.T) {
	duration := time.Second
	if testing.Short() {
		duration = 100 * time.Millisecond
	}
	var sent atomic.Uint64
	sender := campaign.SenderFunc(func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
		switch sent.Add(1) % 50 {
		case 0:
			panic("soak")
		case 1:
			return nil, &campaign.DeliveryError{Verdict: campaign.Rejected}
		case 2:
			time.Sleep(time.Millisecond)
		}
		return nil, nil
	})
	profiles := campaign.ProfileSourceFunc(func(_ context.Context, id string) (campaign.Profile, error) {
		if strings.HasSuffix(id, "7") {
			return campaign.Profile{}, errors.New("away")
		}
		return campaign.Profile{Fields: map[string]any{"country": "NL"}}, nil
	})
	var told, queued atomic.Uint64
	var engine *campaign.Engine
	observer := campaign.ObserverFunc(func(ctx context.Context, o campaign.Outcome) {
		if o.Status == campaign.Queued {
			queued.Add(1)
			return
		}
		if told.Add(1)%100 == 0 { // the Observer may call the engine
			v := visitBy("observed")
			v.URL = "/nothing"
			if _, err := engine.Enqueue(ctx, v); err != nil && !errors.Is(err, campaign.ErrClosed) {
				t.Errorf("Enqueue by the Observer: %v", err)
			}
		}
	})
	everyone := everyPage("every", 2, campaign.Stop{RestartTimeout: campaign.Immediately})
	sets := [][]campaign.Campaign{{runningShoes(), byCountry("nl", "NL"), everyone}, {byCountry("nl", "BE"), runningShoes()}}
	engine = newEngine(t, sender, &campaign.EngineOptions{Profiles: profiles, Observer: observer, Workers: 4, QueueSize: 64}, sets[0]...)
	end := time.Now().Add(duration)
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				v := visitBy(fmt.Sprint(caller%2, "-", i/3))
				pass := engine.Enqueue
				if i%3 == 0 {
					pass = engine.Visit
				}
				if _, err := pass(t.Context(), v); err != nil {
					t.Errorf("a visit: %v", err)
				}
				clear(v.Profile.Fields)
			}
		})
	}
	wg.Go(func() {
		for i := 0; time.Now().Before(end); i++ {
			if err := engine.Load(sets[i%2]...); err != nil {
				t.Errorf("Load: %v", err)
			}
			engine.Stats()
			engine.Explain(visitBy("explained"))
			if _, err := engine.Test(t.Context(), "running-shoes", visitBy("tested")); err != nil {
				t.Errorf("Test: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
	})
	wg.Wait()
	closeEngine(t, engine)
	s := engine.Stats()
	ended := s.Delivered + s.CoolingDown + s.UnknownProfile + s.ConditionNotMet + s.Failed + s.Refused
	if got := told.Load() - s.Tests; got != ended || queued.Load() != s.Queued || s.Waiting+s.Running+s.Workers != 0 {
		t.Errorf("the Observer was told of %d ends and %d queued runs, and Stats say %+v", got, queued.Load(), s)
	}
	if s.Delivered == 0 || s.Failed == 0 || s.Queued == 0 || s.Panics == 0 {
		t.Errorf("Stats = %+v, want some of everything", s)
	}
}

package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// TestSimulation plays random histories of an engine, in virtual time: visits of
// all kinds, endpoints that fail in all ways, slow and hanging ones, panics and
// ended goroutines in all the host's code, an Observer that hangs, Load, full
// queues, late visits, profile sources, and Close in the midst of it. It checks what the engine
// promises whatever happens:
//
//   - two runs of a campaign that may both have reached a profile lie at least
//     a cooldown apart;
//   - whatever was entered, and whatever was queued, has exactly one final
//     outcome, and the queued one before it;
//   - a run that surely delivered nothing leaves no cooldown but the failure
//     timeout's;
//   - the webhooks of a run go in order, each at most once;
//   - Close returns in time, names what it ended, and leaves no goroutine:
//     otherwise synctest finds the bubble in a deadlock;
//   - nothing ends because of Close before anybody called it;
//   - the counts add up.
//
// Everything is drawn from the seed. CAMPAIGN_SEEDS says how many seeds are
// played, CAMPAIGN_FIRST_SEED from which on.
func TestSimulation(t *testing.T) {
	seeds, first := seedsFromEnv(t, "CAMPAIGN_SEEDS", 300), seedsFromEnv(t, "CAMPAIGN_FIRST_SEED", 1)
	for i := range seeds {
		seed := first + i
		w := &simulation{seed: uint64(seed)}
		if !synctestRun(t, seed, w.play) {
			t.Fatalf("seed %d failed; play it alone with CAMPAIGN_SEEDS=1 CAMPAIGN_FIRST_SEED=%d", seed, seed)
		}
	}
}

// synctestRun runs f in a bubble and reports whether it passed.
func synctestRun(t *testing.T, seed int, f func(*testing.T)) bool {
	return t.Run(strconv.Itoa(seed), func(t *testing.T) { synctest.Test(t, f) })
}

func seedsFromEnv(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A world is one history: the host's code around one engine, and what it saw.
type simulation struct {
	seed    uint64
	tracker campaign.MemoryTracker
	release chan struct{} // lets senders go that hang
	source  bool
	calm    bool // nobody panics or ends goroutines
	deaf    bool // the Observer hangs now and then

	mu      sync.Mutex
	closing bool                          // Close has been called
	told    map[runKey][]campaign.Outcome // by the Observer, in order
	tests   int
	entries []tracked
	sends   map[runKey][]sent
	stuck   map[runKey]bool // its cooldown could not be given back, as ordered

	returned []returned
	panics   uint64
	faults   []string
}

// A runKey is a campaign and the ID of the visit.
type runKey struct{ campaign, visit string }

type tracked struct {
	runKey
	campaign.Entry
}

type sent struct {
	node  int
	maybe bool // the endpoint may have taken it
}

type visitKey struct{}

// dice are for one decision: what is decided depends on the seed and on what is
// asked, not on which goroutine comes first.
func (w *simulation) dice(about ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, about...)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

func (w *simulation) play(t *testing.T) {
	w.told, w.sends, w.stuck = make(map[runKey][]campaign.Outcome), make(map[runKey][]sent), make(map[runKey]bool)
	w.release = make(chan struct{})
	d := w.dice("simulation")
	w.calm = d.IntN(3) == 0
	w.deaf = w.dice("deaf").IntN(4) == 0
	options := &campaign.EngineOptions{
		Tracker:    simTracker{w},
		Observer:   campaign.ObserverFunc(w.observe),
		RunTimeout: time.Duration(1+d.IntN(90)) * time.Second,
		QueueSize:  1 + d.IntN(6),
		Workers:    1 + d.IntN(5),
	}
	if w.source = d.IntN(2) == 0; w.source {
		options.Profiles = campaign.ProfileSourceFunc(w.profile)
	}
	engine, err := campaign.NewEngine(campaign.SenderFunc(w.send), options)
	if err != nil {
		t.Fatal(err)
	}
	w.load(t, engine, 0)
	w.history(t, engine, d)
	w.close(t, engine, d)
	w.check(t, engine)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.returned {
		w.compare(t, r)
	}
}

// history lets things happen, each in a goroutine of its own.
func (w *simulation) history(t *testing.T, engine *campaign.Engine, d *rand.Rand) {
	for i := range 10 + d.IntN(50) {
		if d.IntN(3) > 0 {
			time.Sleep(time.Duration(d.IntN(4000)) * time.Millisecond)
		}
		switch d.IntN(20) {
		case 0:
			w.load(t, engine, 1+d.IntN(4))
			continue
		case 1:
			engine.Stats()
			engine.Explain(w.visit(i))
			continue
		}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), visitKey{}, strconv.Itoa(i)))
		if d.IntN(6) == 0 {
			time.AfterFunc(time.Duration(d.IntN(5000))*time.Millisecond, cancel)
		}
		how := d.IntN(20)
		go func() {
			defer cancel()
			w.call(t, ctx, engine, w.visit(i), how)
		}()
		if d.IntN(4) > 0 {
			synctest.Wait()
		}
	}
}

// call passes one visit, and keeps what it returns.
func (w *simulation) call(t *testing.T, ctx context.Context, engine *campaign.Engine, v campaign.PageVisit, how int) {
	if how == 0 {
		if _, err := engine.Test(ctx, "c0", v); err != nil && !isExpected(err) {
			t.Errorf("Test: %v", err)
		}
		return
	}
	pass := engine.Visit
	if how < 14 {
		pass = engine.Enqueue
	}
	outcomes, err := pass(ctx, v)
	// What the caller passed may be changed from here on.
	for _, m := range []map[string]any{v.Profile.Fields, v.Data, v.Profile.Fields["nested"].(map[string]any)} {
		for key := range m {
			m[key] = "changed"
		}
	}
	if err != nil && (!isExpected(err) || outcomes != nil) {
		t.Errorf("visit %s: %v, %v", v.ID, outcomes, err)
	}
	w.mu.Lock()
	w.returned = append(w.returned, returned{v.ID, slices.Clone(outcomes)})
	w.mu.Unlock()
	// And so may what was returned, whatever Close still has to say.
	for i := range outcomes {
		for k := range outcomes[i].Deliveries {
			outcomes[i].Deliveries[k] = campaign.Delivery{ID: "changed"}
		}
		outcomes[i] = campaign.Outcome{Err: errors.New("changed")}
	}
}

// A returned is what a call returned for a visit.
type returned struct {
	visit    string
	outcomes []campaign.Outcome
}

// compare compares what a call returned with what was told, when all is over: a
// run that Close reports may return before the Observer has heard of it.
func (w *simulation) compare(t *testing.T, r returned) {
	for _, o := range r.outcomes {
		told := w.told[runKey{o.Campaign, r.visit}]
		if len(told) == 0 {
			t.Errorf("visit %s: returned %s for %s, and the Observer was told nothing", r.visit, o.Status, o.Campaign)
			continue
		}
		if !slices.ContainsFunc(told, func(x campaign.Outcome) bool { return x.Status == o.Status }) && !errors.Is(told[len(told)-1].Err, campaign.ErrClosed) {
			t.Errorf("visit %s: returned %s for %s, and the Observer was told %v", r.visit, o.Status, o.Campaign, told)
		}
	}
}

// isExpected reports whether a call may fail so.
func isExpected(err error) bool {
	return errors.Is(err, campaign.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, campaign.ErrUnknownCampaign)
}

// visit returns the visit with a number. Its time is its own, to the
// millisecond: often now, sometimes late, now and then ahead of the clock.
func (w *simulation) visit(i int) campaign.PageVisit {
	d := w.dice("visit", i)
	at := time.Now().Truncate(time.Second)
	if d.IntN(4) == 0 {
		at = at.Add(-time.Duration(d.IntN(240)) * time.Second) // within the grace for late visits
	}
	if d.IntN(30) == 0 {
		at = at.Add(time.Duration(d.IntN(23*3600)) * time.Second)
	}
	fields := map[string]any{"nested": map[string]any{"vid": strconv.Itoa(i)}}
	if d.IntN(2) == 0 {
		fields["country"] = [...]string{"NL", "BE"}[d.IntN(2)]
	}
	if d.IntN(4) > 0 {
		fields["email"] = "x@example.org"
	}
	return campaign.PageVisit{
		ID:      strconv.Itoa(i),
		Time:    at.Add(time.Duration(i) * time.Millisecond),
		URL:     [...]string{"/a", "/a/b", "/b", "/nothing"}[d.IntN(4)],
		Profile: campaign.Profile{ID: fmt.Sprint("p", d.IntN(3)), Known: d.IntN(8) > 0, Fields: fields},
		Data:    map[string]any{"vid": strconv.Itoa(i)},
	}
}

func (w *simulation) load(t *testing.T, engine *campaign.Engine, generation int) {
	d := w.dice("load", generation)
	var cs []campaign.Campaign
	count := 1 + d.IntN(7)
	if w.dice("many", generation).IntN(20) == 0 {
		count += 16 // more than go on at the same time
	}
	for i := range count {
		cs = append(cs, w.campaign(d, i))
	}
	if err := engine.Load(cs...); err != nil {
		t.Errorf("Load: %v", err)
	}
	if diff := cmp.Diff(campaign.Campaigns(cs), engine.Campaigns()); diff != "" {
		t.Errorf("Campaigns() (-loaded +got):\n%s", diff)
	}
}

func (w *simulation) campaign(d *rand.Rand, i int) campaign.Campaign {
	conditions := []campaign.Condition{
		campaign.PagePath.StartsWith("/a"),
		campaign.Any{campaign.PagePath.Equals("/b"), campaign.ProfileField("country").Equals("NL")},
		campaign.All{campaign.PagePath.StartsWith("/a"), campaign.ProfileField("country").Equals("BE")},
		campaign.Not{Of: campaign.ProfileField("country").Equals("NL")},
	}
	trigger := campaign.WebsiteTrigger{When: conditions[d.IntN(len(conditions))], Audience: campaign.Audience(d.IntN(2))}
	nodes := []campaign.Node{trigger}
	for range 1 + d.IntN(3) {
		payload := campaign.Payload{campaign.FromProfile("profileid"), campaign.FromVisit("vid"), campaign.FromProfile("nested.vid").Named("again")}
		if d.IntN(3) == 0 {
			payload = append(payload, campaign.FromProfile("email").Required())
		}
		nodes = append(nodes, campaign.Webhook{URL: "https://esp.example/", Payload: payload})
	}
	restart := []time.Duration{campaign.Immediately, campaign.Never, time.Second, time.Minute, 10 * time.Minute, 0}
	id := fmt.Sprint("c", i)
	stop := campaign.Stop{RestartTimeout: restart[d.IntN(len(restart))], FailureTimeout: w.failureTimeout(id)}
	return campaign.Campaign{ID: id, Nodes: append(nodes, stop), Paused: d.IntN(12) == 0}
}

// misbehave panics or ends the goroutine now and then.
func (w *simulation) misbehave(d *rand.Rand, often int) {
	if w.calm || d.IntN(often) > 0 {
		return
	}
	w.mu.Lock()
	w.panics++
	w.mu.Unlock()
	if d.IntN(2) == 0 {
		runtime.Goexit()
	}
	panic("the simulation panics")
}

func visitOf(ctx context.Context) string {
	id, _ := ctx.Value(visitKey{}).(string)
	return id
}

func (w *simulation) observe(ctx context.Context, o campaign.Outcome) {
	key := runKey{o.Campaign, visitOf(ctx)}
	w.mu.Lock()
	if o.Test {
		w.tests++
	} else {
		w.told[key] = append(w.told[key], o)
	}
	if errors.Is(o.Err, campaign.ErrClosed) && !w.closing {
		w.faults = append(w.faults, fmt.Sprintf("%v ended as %v before anybody called Close", key, o))
	}
	w.mu.Unlock()
	d := w.dice("observe", key, o.Status)
	w.misbehave(d, 20)
	if w.deaf && d.IntN(20) == 0 {
		<-w.release
	}
}

func (w *simulation) profile(ctx context.Context, id string) (campaign.Profile, error) {
	d := w.dice("profile", id, time.Now().Unix()/10)
	w.misbehave(d, 10)
	if !nap(ctx, time.Duration(d.IntN(3000))*time.Millisecond) {
		return campaign.Profile{}, ctx.Err()
	}
	switch d.IntN(5) {
	case 0:
		return campaign.Profile{}, errors.New("the database is away")
	case 1:
		return campaign.Profile{}, nil
	}
	return campaign.Profile{Fields: map[string]any{"country": "NL", "email": "loaded@example.org"}}, nil
}

// nap reports whether it slept until the end.
func nap(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// send is the Sender, and remembers what the endpoint may have taken.
func (w *simulation) send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	var body struct{ ProfileID, VID, Again string }
	if err := json.Unmarshal(r.Body, &body); err != nil || body.VID != body.Again || body.VID != visitOf(ctx) || r.Headers[0].Value != "application/json" {
		w.mu.Lock()
		w.faults = append(w.faults, fmt.Sprintf("request %s of visit %s: %v %s, %v", r, visitOf(ctx), r.Headers, r.Body, err))
		w.mu.Unlock()
	}
	clear(r.Body) // not allowed, and still no other request may change with it
	r.Headers[0].Value = "changed"
	key := runKey{r.Campaign, body.VID}
	d := w.dice("send", key, r.Node, r.Test)
	maybe := w.noteSend(key, r)
	switch d.IntN(8) {
	case 0:
		if !nap(ctx, time.Duration(d.IntN(120))*time.Second) {
			return nil, &campaign.DeliveryError{Verdict: campaign.Uncertain, First: ctx.Err()}
		}
	case 1:
		nap(ctx, time.Duration(d.IntN(3000))*time.Millisecond)
	}
	w.misbehave(d, 12)
	switch d.IntN(12) {
	case 0:
		<-w.release
	case 1:
		maybe(false)
		return nil, &campaign.DeliveryError{Verdict: campaign.Rejected, Status: 500, Attempts: 3}
	case 2, 3:
		maybe(false)
		return nil, &campaign.DeliveryError{Verdict: campaign.Unreachable}
	case 4:
		return nil, errors.New("something is wrong")
	case 5:
		maybe(false)
		return &campaign.Response{Status: 503}, nil
	}
	return &campaign.Response{Status: 200, Attempts: 1 + d.IntN(3)}, nil
}

// noteSend notes a request as maybe taken, until maybe says that it was not.
func (w *simulation) noteSend(key runKey, r *campaign.Request) (maybe func(bool)) {
	if r.Test {
		return func(bool) {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := len(w.sends[key])
	w.sends[key] = append(w.sends[key], sent{r.Node, true})
	return func(m bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sends[key][i].maybe = m
	}
}

// A simTracker is a MemoryTracker that fails now and then, before it does
// anything, and is slow now and then to take a cooldown back.
type simTracker struct{ w *simulation }

func (s simTracker) Enter(ctx context.Context, e campaign.Entry) (time.Time, bool, error) {
	key := runKey{e.Campaign, visitOf(ctx)}
	d := s.w.dice("enter", key)
	s.w.misbehave(d, 25)
	if d.IntN(20) == 0 {
		return time.Time{}, true, errors.New("the tracker is away")
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	until, entered, err := s.w.tracker.Enter(ctx, e)
	if entered {
		s.w.entries = append(s.w.entries, tracked{key, e})
	}
	return until, entered, err
}

func (s simTracker) Reopen(ctx context.Context, e campaign.Entry, until time.Time) error {
	key := runKey{e.Campaign, visitOf(ctx)}
	d := s.w.dice("reopen", key)
	s.w.mu.Lock()
	s.w.stuck[key] = true
	s.w.mu.Unlock()
	s.w.misbehave(d, 25)
	if d.IntN(20) == 0 {
		return errors.New("the tracker is away")
	}
	if d.IntN(4) == 0 && !nap(ctx, time.Duration(d.IntN(4000))*time.Millisecond) {
		return ctx.Err()
	}
	s.w.mu.Lock()
	delete(s.w.stuck, key)
	s.w.mu.Unlock()
	return s.w.tracker.Reopen(ctx, e, until)
}

func (s simTracker) Until(c, profile string, at time.Time) (time.Time, bool) {
	return s.w.tracker.Until(c, profile, at)
}

// close closes the engine in one of several ways, and lets go of what hangs.
func (w *simulation) close(t *testing.T, engine *campaign.Engine, d *rand.Rand) {
	if d.IntN(2) == 0 {
		time.Sleep(time.Duration(d.IntN(300)) * time.Second)
	}
	patience := time.Duration(d.IntN(100)) * time.Second
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	var callers sync.WaitGroup
	for range 1 + d.IntN(2) {
		callers.Go(func() { w.closeOnce(t, engine, patience) })
	}
	callers.Wait()
	if _, err := engine.Enqueue(t.Context(), w.visit(0)); !errors.Is(err, campaign.ErrClosed) {
		t.Errorf("Enqueue after Close: %v, want ErrClosed", err)
	}
	close(w.release)
	if err := engine.Close(t.Context()); err != nil {
		t.Errorf("Close, once everything has returned: %v, want nil", err)
	}
}

func (w *simulation) closeOnce(t *testing.T, engine *campaign.Engine, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	err := engine.Close(ctx)
	// A second for a slow Tracker, and a tenth each for runs and for another Close.
	most := patience + 1200*time.Millisecond
	if w.deaf {
		most += time.Second
	}
	if took := time.Since(start); took > most {
		t.Errorf("Close with %v took %v", patience, took)
	}
	if err == nil {
		return
	}
	failed, ok := errors.AsType[*campaign.CloseError](err)
	if !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v, want a *CloseError", err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range failed.Runs {
		if !w.deaf && !w.wasEnded(u) {
			t.Errorf("Close names %+v, and the Observer was told of no such run that it ended", u)
		}
	}
}

func (w *simulation) wasEnded(u campaign.UnfinishedRun) bool {
	for key, told := range w.told {
		last := told[len(told)-1]
		if key.campaign == u.Campaign && last.Profile == u.Profile && errors.Is(last.Err, campaign.ErrClosed) {
			return true
		}
	}
	return w.tests > 0
}

// check looks at all that was seen, once the engine is gone.
func (w *simulation) check(t *testing.T, engine *campaign.Engine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	entered := make(map[runKey]bool)
	for _, e := range w.entries {
		entered[e.runKey] = true
		if n := len(w.finals(e.runKey)); n != 1 {
			t.Errorf("%v was entered and has %d final outcomes, want 1: %v", e.runKey, n, w.told[e.runKey])
		}
	}
	for key, told := range w.told {
		w.checkTold(t, key, told)
		if len(w.sends[key]) > 0 && !entered[key] {
			t.Errorf("%v was sent without being entered", key)
		}
	}
	for _, fault := range w.faults {
		t.Error(fault)
	}
	w.checkCooldowns(t)
	w.checkLeftovers(t)
	w.checkStats(t, engine.Stats())
}

func (w *simulation) finals(key runKey) []campaign.Outcome {
	var finals []campaign.Outcome
	for _, o := range w.told[key] {
		if o.Status != campaign.Queued {
			finals = append(finals, o)
		}
	}
	return finals
}

func (w *simulation) checkTold(t *testing.T, key runKey, told []campaign.Outcome) {
	if len(told) > 2 || len(told) == 2 && told[0].Status != campaign.Queued || told[len(told)-1].Status == campaign.Queued {
		t.Errorf("%v: the Observer was told %v, want at most one queued and then one final outcome", key, told)
	}
	for i, s := range w.sends[key] {
		if s.node != i+1 {
			t.Errorf("%v: webhooks went out as %v, want each once and in order", key, w.sends[key])
		}
	}
	last := told[len(told)-1]
	if last.Status != campaign.Refused && (last.Status == campaign.Failed) != (last.Err != nil) || (last.Reason == "") != (last.Status == campaign.Delivered) {
		t.Errorf("%v: %s with reason %q and error %v", key, last.Status, last.Reason, last.Err)
	}
	if last.Status == campaign.Delivered && (len(last.Deliveries) != len(w.sends[key]) || last.Attempts < len(last.Deliveries)) {
		t.Errorf("%v: %d deliveries in %d attempts, and %d were sent", key, len(last.Deliveries), last.Attempts, len(w.sends[key]))
	}
}

// reached reports whether a run may have reached its profile.
func (w *simulation) reached(key runKey) bool {
	return slices.ContainsFunc(w.sends[key], func(s sent) bool { return s.maybe })
}

// checkCooldowns checks that no two runs reached a profile within a cooldown.
func (w *simulation) checkCooldowns(t *testing.T) {
	for i, a := range w.entries {
		if !w.reached(a.runKey) || a.Timeout == campaign.Immediately {
			continue
		}
		for _, b := range w.entries[i+1:] {
			if b.Campaign == a.Campaign && b.Profile == a.Profile && w.reached(b.runKey) && b.Time.Before(a.Until()) {
				t.Errorf("%s reached %s at %v and at %v, with a cooldown until %v", a.Campaign, a.Profile, a.Time, b.Time, a.Until())
			}
		}
	}
}

// checkLeftovers checks that runs that reached nobody left no cooldown.
func (w *simulation) checkLeftovers(t *testing.T) {
	for _, a := range w.entries {
		if w.reached(a.runKey) || w.stuck[a.runKey] || a.Timeout == campaign.Immediately {
			continue
		}
		until, closed := w.tracker.Until(a.Campaign, a.Profile, a.Time)
		if !closed || !until.Equal(a.Until()) || w.endsAsWell(a, until) || w.failureTimeout(a.Campaign) >= a.Timeout {
			continue
		}
		t.Errorf("%v reached nobody and left a cooldown until %v: %+v", a.runKey, until, w.told[a.runKey])
	}
}

// failureTimeout is that of all definitions of a campaign.
func (w *simulation) failureTimeout(id string) time.Duration {
	d := [...]time.Duration{campaign.Immediately, time.Minute, time.Second, time.Hour}
	return d[w.dice("failure", id).IntN(len(d))]
}

// endsAsWell reports whether another run that reached the profile has a cooldown
// with the same end.
func (w *simulation) endsAsWell(a tracked, until time.Time) bool {
	return slices.ContainsFunc(w.entries, func(b tracked) bool {
		return b.runKey != a.runKey && b.Campaign == a.Campaign && b.Profile == a.Profile && b.Until().Equal(until) && (w.reached(b.runKey) || w.stuck[b.runKey])
	})
}

// checkStats checks that each outcome was counted once.
func (w *simulation) checkStats(t *testing.T, got campaign.Stats) {
	count := make(map[campaign.Status]uint64)
	for _, told := range w.told {
		for _, o := range told {
			count[o.Status]++
		}
	}
	want := campaign.Stats{
		Delivered: count[campaign.Delivered], CoolingDown: count[campaign.CoolingDown], UnknownProfile: count[campaign.UnknownProfile],
		ConditionNotMet: count[campaign.ConditionNotMet], Failed: count[campaign.Failed], Refused: count[campaign.Refused],
		Queued: count[campaign.Queued], Tests: uint64(w.tests), Failures: got.Failures, Panics: got.Panics,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Stats after Close (-told +got):\n%s", diff)
	}
	f := got.Failures
	if sum := f.Rejected + f.Unreachable + f.Uncertain + f.CannotRender + f.TrackerFailed + f.ProfileFailed + f.Cancelled + f.Closed + f.Panicked; sum != got.Failed {
		t.Errorf("Failures add up to %d, want %d", sum, got.Failed)
	}
	if got.Panics != w.panics {
		t.Errorf("%d panics and ended goroutines were counted, want %d", got.Panics, w.panics)
	}
}

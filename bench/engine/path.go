package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A path is one row of the first table: something that is done with one visit.
type path struct {
	name    string
	do      func(i int) error
	took    func() time.Duration // of a turn, if that is not all the time that do took
	settle  func()               // after a turn, untimed
	goal    bool                 // goalTime is for this one: from the visit to the request, and nothing that comes after
	samples []float64
	allocs  float64
}

func (p *path) median() float64 { return median(p.samples) }

// times returns the median of how many times the other's time p took, turn by
// turn: what slows the machine down for seconds slows both.
func (p *path) times(other *path) float64 {
	ratios := make([]float64, len(p.samples))
	for i := range ratios {
		ratios[i] = p.samples[i] / other.samples[i]
	}
	return median(ratios)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

const (
	goalTime   = 1000 // ns for a match, from the raw visit to the rendered request
	goalAllocs = 12
	goalHeld   = 1 // allocations of a match in cooldown
)

func measurePaths(out io.Writer, o *options) ([]goal, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	paths, done, err := newPaths(o)
	if err != nil {
		return nil, err
	}
	defer done()
	for round := range o.rounds + 1 {
		for i := range paths {
			p := paths[(i+round)%len(paths)] // nobody always follows the same one
			if err := p.turn(o.sample, round > 0); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	parse, encode := paths[0], paths[1]
	fmt.Fprintf(out, "\nThe path of a visit: %d campaigns, one thread, medians of %d turns of %d visits\n\n", campaigns, o.rounds, o.sample)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\ttime\tof url.Parse\tof json of a map\tallocations\t")
	for _, p := range paths {
		fmt.Fprintf(w, "%s\t%.0f ns\t%.2f\t%.2f\t%.2f\t\n", p.name, p.median(), p.times(parse), p.times(encode), p.allocs)
	}
	return goalsOf(paths[2:]), w.Flush()
}

func goalsOf(paths []*path) []goal {
	var goals []goal
	for i, p := range paths {
		switch i / 2 { // by twos: Visit and Enqueue
		case 0:
			goals = append(goals, goal{p.name + ": no allocation", fmt.Sprintf("%.2f", p.allocs), p.allocs < 0.01})
		case 1:
			goals = append(goals, goal{fmt.Sprintf("%s: at most %d allocation", p.name, goalHeld), fmt.Sprintf("%.2f", p.allocs), p.allocs < goalHeld+0.01})
		default:
			if p.goal {
				goals = append(goals, goal{fmt.Sprintf("%s: at most %d ns", p.name, goalTime), fmt.Sprintf("%.0f ns", p.median()), p.median() <= goalTime})
			}
			goals = append(goals, goal{fmt.Sprintf("%s: at most %d allocations", p.name, goalAllocs), fmt.Sprintf("%.2f", p.allocs), p.allocs <= goalAllocs})
		}
	}
	return goals
}

// turn does the next visits, and remembers how long they took if it counts. The
// least of all turns counts as its allocations: the runtime has some of its own.
func (p *path) turn(visits int, counts bool) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := clock()
	for i := range visits {
		if err := p.do(i); err != nil {
			return err
		}
	}
	took := clock() - start
	runtime.ReadMemStats(&after)
	if p.took != nil {
		took = p.took()
	}
	if p.settle != nil {
		p.settle()
	}
	if counts {
		allocs := float64(after.Mallocs-before.Mallocs) / float64(visits)
		if len(p.samples) == 0 || allocs < p.allocs {
			p.allocs = allocs
		}
		p.samples = append(p.samples, float64(took)/float64(visits))
	}
	return nil
}

// newPaths returns the rows: the two that all is compared with, and then, each
// by Visit and by Enqueue, without a match, in cooldown, and with a match.
func newPaths(o *options) (paths []*path, done func(), err error) {
	var engines []*campaign.Engine
	done = func() {
		for _, e := range engines {
			_ = e.Close(context.Background())
		}
	}
	v, other := matching(1), passing(1)
	fields := map[string]any{"profileid": v.Profile.ID, "email": "ann@example.org", "gender": "f", "number": "1", "automationid": "A-17"}
	paths = []*path{
		{name: "url.Parse", do: func(int) error { _, err := url.Parse(v.URL); return err }},
		{name: "json of a map", do: func(int) error { _, err := json.Marshal(fields); return err }},
	}
	for _, kind := range []struct {
		name string
		next func() func(int) campaign.PageVisit
		want campaign.Status // "" for no outcome
	}{
		{"no match", func() func(int) campaign.PageVisit { return func(int) campaign.PageVisit { return other } }, ""},
		{"in cooldown", func() func(int) campaign.PageVisit { return func(int) campaign.PageVisit { return v } }, campaign.CoolingDown},
		{"match", fresh, campaign.Delivered},
	} {
		for _, name := range []string{"Visit", "Enqueue"} {
			engine, err := newEngine(idle, &campaign.EngineOptions{QueueSize: o.sample, Workers: 1})
			if err != nil {
				return nil, done, err
			}
			engines = append(engines, engine)
			pass, want := engine.Visit, kind.want
			if name == "Enqueue" {
				pass = engine.Enqueue
				if want == campaign.Delivered {
					want = campaign.Queued
				}
			}
			if want == campaign.CoolingDown { // begin it
				if _, err := engine.Visit(context.Background(), v); err != nil {
					return nil, done, err
				}
			}
			next := kind.next()
			if kind.want == campaign.Delivered {
				if err := visitAll(engine, next); err != nil {
					return nil, done, err
				}
			}
			paths = append(paths, &path{
				name:   name + ", " + kind.name,
				do:     passes(pass, next, want),
				settle: func() { settle(engine) },
			})
		}
	}
	p, engine, err := untilSend()
	if err != nil {
		return nil, done, err
	}
	engines = append(engines, engine)
	return append(paths, p), done, nil
}

// visitAll passes a visit of all profiles, so that all have been there before.
func visitAll(engine *campaign.Engine, next func(int) campaign.PageVisit) error {
	for range profiles {
		if _, err := engine.Visit(context.Background(), next(0)); err != nil {
			return err
		}
	}
	return nil
}

// untilSend is the row of Visit up to the call of the Sender, which gets the
// rendered request, by two looks at the clock, without what these take.
func untilSend() (*path, *campaign.Engine, error) {
	var sent time.Time
	engine, err := newEngine(campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
		sent = time.Now()
		return nil, nil
	}), nil)
	if err != nil {
		return nil, nil, err
	}
	next := fresh()
	if err := visitAll(engine, next); err != nil {
		return nil, nil, err
	}
	var sum time.Duration
	count := 0
	pass := passes(func(ctx context.Context, v campaign.PageVisit) ([]campaign.Outcome, error) {
		start := time.Now()
		outcomes, err := engine.Visit(ctx, v)
		sum += sent.Sub(start)
		count++
		return outcomes, err
	}, next, campaign.Delivered)
	took := func() time.Duration {
		var looks time.Duration
		for range count {
			start := time.Now()
			looks += time.Since(start)
		}
		total := sum - looks
		sum, count = 0, 0
		return total
	}
	return &path{name: "Visit, match, up to the Sender", do: pass, took: took, settle: func() {}, goal: true}, engine, nil
}

// passes returns the work of a row: it passes the next visit, and checks what
// became of it.
func passes(pass func(context.Context, campaign.PageVisit) ([]campaign.Outcome, error), next func(int) campaign.PageVisit, want campaign.Status) func(int) error {
	ctx := context.Background()
	return func(i int) error {
		outcomes, err := pass(ctx, next(i))
		switch {
		case err != nil:
			return err
		case want == "" && outcomes == nil, len(outcomes) == 1 && outcomes[0].Status == want:
			return nil
		}
		return fmt.Errorf("outcomes %v, want %q", outcomes, want)
	}
}

// idle is a sender that does nothing.
var idle = campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })

// settle waits until the queue is empty. There is one thread: until then the
// workers have hardly run.
func settle(engine *campaign.Engine) {
	for {
		if s := engine.Stats(); s.Waiting == 0 && s.Running == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// profiles is how many profiles visit in turn. What millions of cooldowns cost,
// and a table that grows, is for bench/cooldown to measure.
const profiles = 20_000

// fresh returns visits of one profile after the other. When all have been there,
// the next week begins, and no cooldown is left.
func fresh() func(int) campaign.PageVisit {
	// Pieces of one text: the collector would look at each of 20,000 texts every few
	// thousand visits, and its work would be counted as the engine's.
	const size = len("customer-00000")
	var text strings.Builder
	for i := range profiles {
		fmt.Fprintf(&text, "customer-%05d", i)
	}
	ids := text.String()
	v, n := matching(1), 0
	v.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func(int) campaign.PageVisit {
		if n == profiles {
			n, v.Time = 0, v.Time.Add(cooldown)
		}
		v.Profile.ID = ids[n*size:][:size]
		n++
		return v
	}
}

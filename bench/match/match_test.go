package main

// These tests are inside the package: a command has nothing to be reached from
// outside but its output, and what matters is that the peers answer right.

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// smallOptions make the workloads of the tests small.
var smallOptions = &options{rounds: 1, sample: time.Millisecond}

// few cuts the classes of a workload down to a few visits.
func few(w *workload, count int) *workload {
	for i := range w.classes {
		w.classes[i].visits = w.classes[i].visits[:count]
	}
	return w
}

func testWorkload(t *testing.T, p part, n int) *workload {
	t.Helper()
	w, err := p.build(n, smallOptions)
	if err != nil {
		t.Fatalf("%s: build(%d) = %v", p.title, n, err)
	}
	return few(w, 40)
}

func TestPeersAgreeWithOracle(t *testing.T) {
	for _, p := range parts() {
		for _, n := range []int{10, 100} {
			w := testWorkload(t, p, n)
			for _, m := range makers() {
				peer, err := m.build(w)
				if err != nil {
					t.Errorf("%s, N=%d: building %s: %v", p.title, n, m.name, err)
					continue
				}
				for _, c := range w.classes {
					if err := checkAll(peer, c.visits, w.rules); err != nil {
						t.Errorf("%s, N=%d, %s: %s: %v", p.title, n, c.name, m.name, err)
					}
				}
			}
		}
	}
}

// wrong is a peer that finds nothing, ever.
type wrong struct{ answers }

func (*wrong) run(*visit) {}

func TestCheckNoticesWrongAnswers(t *testing.T) {
	w := testWorkload(t, parts()[0], 10)
	if err := checkAll(new(wrong), w.classes[1].visits, w.rules); err == nil {
		t.Errorf("checkAll(a peer that finds nothing) = nil, want an error")
	}
	// An engine without the campaigns decides wrongly too.
	empty := &workload{rules: w.rules}
	for _, build := range []func(*workload) (peer, error){buildDeciding, buildVisit} {
		p, err := build(empty)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkAll(p, w.classes[1].visits, w.rules); err == nil {
			t.Errorf("checkAll(%T without campaigns) = nil, want an error", p)
		}
	}
}

// The engine's own view of the audience: what wants a known profile says so of
// somebody who has an ID and is not known, and what does not is delivered.
func TestAudience(t *testing.T) {
	w := testWorkload(t, parts()[1], 100)
	accept := func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return &campaign.Response{Status: 204}, nil
	}
	engine, err := campaign.NewEngine(campaign.SenderFunc(accept), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Load(w.campaigns...); err != nil {
		t.Fatal(err)
	}
	for i, v := range w.classes[len(w.classes)-1].visits {
		pv := v.anonymous
		pv.Profile.ID = fmt.Sprint("somebody-", i)
		outcomes, err := engine.Visit(t.Context(), pv)
		if err != nil {
			t.Fatalf("Visit(%s) = %v", v.url, err)
		}
		var got []int32
		for _, o := range outcomes {
			if o.Status == campaign.Delivered {
				n, err := strconv.Atoi(o.Campaign)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, int32(n))
			}
		}
		if want := admitted(w.rules, v.want); !slices.Equal(got, want) {
			t.Errorf("Visit(%s) delivered %v, want %v", v.url, got, want)
		}
	}
}

func TestWorkload(t *testing.T) {
	for _, p := range parts() {
		w := testWorkload(t, p, 1000)
		known := 0
		for _, r := range w.rules {
			if r.known {
				known++
			}
		}
		if want := 10 * knownPercent; known != want {
			t.Errorf("%s: %d of 1,000 rules want a known profile, want %d", p.title, known, want)
		}
		for _, c := range w.classes {
			paths := make(map[string]bool)
			for _, v := range c.visits {
				paths[v.page.Path] = true
				if len(v.want) != c.matches {
					t.Errorf("%s, %s: %s satisfies %d rules, want %d", p.title, c.name, v.url, len(v.want), c.matches)
				}
				if escaped := strings.Contains(v.url, "%C3%BC"); escaped != (c.name == escapedPath) {
					t.Errorf("%s, %s: %s: percent-encoding is %v", p.title, c.name, v.url, escaped)
				}
			}
			if c.block > 0 && len(paths) != len(c.visits) {
				t.Errorf("%s, %s: %d paths in %d visits, want each once", p.title, c.name, len(paths), len(c.visits))
			}
		}
	}
}

func TestWorkloadIsTheSameEachTime(t *testing.T) {
	a, b := testWorkload(t, parts()[1], 100), testWorkload(t, parts()[1], 100)
	for i := range a.rules {
		if x, y := a.rules[i], b.rules[i]; x.kind != y.kind || x.text != y.text || x.category != y.category || x.known != y.known {
			t.Fatalf("rule %d is %v and then %v", i, x, y)
		}
	}
	for i := range a.classes {
		for j := range a.classes[i].visits {
			if x, y := a.classes[i].visits[j], b.classes[i].visits[j]; x.url != y.url || x.subject != y.subject {
				t.Fatalf("visit %d of %s is %q and then %q", j, a.classes[i].name, x.subject, y.subject)
			}
		}
	}
}

func TestMixCounts(t *testing.T) {
	tests := []struct {
		name string
		mix  mix
		n    int
		want [kinds]int
	}{
		{"plain", plainMix, 10, [kinds]int{prefix: 4, equals: 2, contains: 1, regex: 1, typed: 2}},
		{"plain", plainMix, 1000, [kinds]int{prefix: 400, equals: 200, contains: 150, regex: 50, typed: 200}},
		{"wide", wideMix, 10, [kinds]int{prefix: 2, equals: 1, contains: 1, regex: 1, typed: 1, suffix: 1, glob: 1, segment: 1, param: 1}},
	}
	for _, test := range tests {
		if got := test.mix.counts(test.n); got != test.want {
			t.Errorf("%s mix: counts(%d) = %v, want %v", test.name, test.n, got, test.want)
		}
		got := [kinds]int{}
		for _, r := range newGenerator(test.mix, test.n).rules {
			got[r.kind]++
		}
		if got != test.want {
			t.Errorf("%s mix: newGenerator(%d) has %v rules of each kind, want %v", test.name, test.n, got, test.want)
		}
	}
}

func TestGlobs(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"/a/*/b-?", "/a/x/b-1", true},
		{"/a/*/b-?", "/a/x/y/b-1", true},
		{"/a/*/b-?", "/a/x/b-1/b-2", true},
		{"/a/*/b-?", "/a/x/b-12", false},
		{"/a/*/b-?", "/a/b-1", false},
		{"*", "", true},
		{"a*", "a", true},
		{"?", "", false},
		{"*a", "b", false},
	}
	for _, test := range tests {
		if got := holdsGlob(test.pattern, test.s); got != test.want {
			t.Errorf("holdsGlob(%q, %q) = %v, want %v", test.pattern, test.s, got, test.want)
		}
		if got := fitsGlob(test.pattern, test.s); got != test.want {
			t.Errorf("fitsGlob(%q, %q) = %v, want %v", test.pattern, test.s, got, test.want)
		}
	}
}

func TestMedianAndRatio(t *testing.T) {
	own := cell{samples: []float64{10, 1000, 20}}
	other := cell{samples: []float64{20, 3000, 80}}
	if got := other.median(); got != 80 {
		t.Errorf("median(%v) = %v, want 80", other.samples, got)
	}
	if got := (&cell{samples: []float64{1, 2}}).median(); got != 1.5 {
		t.Errorf("median([1 2]) = %v, want 1.5", got)
	}
	if got := other.ratio(&own); got != 3 {
		t.Errorf("ratio(%v, %v) = %v, want 3", other.samples, own.samples, got)
	}
	if got := other.ratio(new(cell)); !math.IsNaN(got) {
		t.Errorf("ratio to nothing = %v, want NaN", got)
	}
}

func TestGoals(t *testing.T) {
	of := func(name string, size int, allocs float64, times ...float64) *row {
		r := &row{name: name, size: size, build: 30 * time.Millisecond, index: 25 * time.Millisecond}
		for _, ns := range times {
			r.cells = append(r.cells, cell{samples: []float64{ns}, allocs: allocs})
		}
		return r
	}
	rs := results{{
		part: parts()[0], n: goalSize, classes: []string{noMatch, oneMatch, fiveMatches},
		rows: []*row{
			of(decideName, goalSize, 0, 100, 200, 400),
			of(structName, goalSize, 0, 10_000, 19_000, 50_000),
			of(re2Name, goalSize, 4, 400, 1000, 4000),
			of(emptyName, goalSize, 0, 20, 20, 20),
			of(parseName, goalSize, 1, 300, 300, 300),
			of(smallName, smallSize, 0, 50, 50, 300),
		},
	}, {
		part: parts()[2], n: goalSize, classes: []string{noMatch, oneMatch},
		rows: []*row{
			of(decideName, goalSize, 0, 450, 200),
			of(parseName, goalSize, 1, 300, 300),
		},
	}}
	want := []string{
		"pass 100.00 times", "FAIL 4.00 times", "pass 5.00 times", "pass 2.00 times",
		"FAIL 95.00 times", "pass 5.00 times", "pass 5.56 times", "FAIL 4.00 times",
		"pass 125.00 times", "pass 10.00 times", "pass 10.53 times", "pass 1.33 times",
		"pass 0.33 times url.Parse", "FAIL 1.50 times url.Parse", "pass 0.00 a visit", "FAIL 25.00 ms",
	}
	var got []string
	var out bytes.Buffer
	rs.print(&out)
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		for _, w := range want {
			if len(fields) > 1 && fields[0] == w[:4] && strings.HasSuffix(strings.TrimSpace(line), " "+w[5:]) {
				got = append(got, w)
				break
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("goals print %q, want %q, in:\n%s", got, want, &out)
	}
	out.Reset()
	results(nil).print(&out)
	if n := strings.Count(out.String(), "not measured"); n != len(want) {
		t.Errorf("without results %d goals are not measured, want %d, in:\n%s", n, len(want), &out)
	}
}

func TestMeasure(t *testing.T) {
	for i, p := range parts() {
		o := &options{rounds: 2, sample: time.Microsecond, peers: []string{decideName, structName, parseName}}
		table, err := measure(p, 100+10*i, o)
		if err != nil {
			t.Fatalf("measure(%s) = %v", p.title, err)
		}
		for _, r := range table.rows {
			for j, c := range r.cells {
				if (r.name == decideName) != (r.index != 0) {
					t.Errorf("%s, %s: %v for the index", p.title, r.name, r.index)
				}
				if len(c.samples) != o.rounds || c.median() <= 0 {
					t.Errorf("%s, %s, %s: samples %v, want %d above 0", p.title, r.name, table.classes[j], c.samples, o.rounds)
				}
			}
		}
	}
}

func TestParseFlags(t *testing.T) {
	tests := []struct {
		args  string
		sizes []int
		peers []string
		fails bool
	}{
		{args: "", sizes: []int{10, 100, 1000, 10_000, 100_000}},
		{args: "-quick", sizes: []int{10, 100, 10_000}},
		{args: "-n 10,50", sizes: []int{10, 50}},
		{args: "-n 10 -only RE2,loop", sizes: []int{10}, peers: []string{re2Name, structName, regexpName}},
		{args: "-n 0", fails: true},
		{args: "-n x", fails: true},
		{args: "-only nobody", fails: true},
		{args: "-rounds 0", fails: true},
		{args: "extra", fails: true},
	}
	for _, test := range tests {
		o, err := parseFlags(strings.Fields(test.args))
		if test.fails {
			if err == nil {
				t.Errorf("parseFlags(%q) = %+v, want an error", test.args, o)
			}
			continue
		}
		if err != nil {
			t.Errorf("parseFlags(%q) = %v", test.args, err)
			continue
		}
		if !slices.Equal(o.sizes, test.sizes) || !slices.Equal(o.peers, test.peers) {
			t.Errorf("parseFlags(%q): sizes %v, peers %q; want %v, %q", test.args, o.sizes, o.peers, test.sizes, test.peers)
		}
	}
}

// BenchmarkVisit is for profiles, which the command does not take:
//
//	go test ./match -run - -bench 'Visit/^N=10$/^0' -cpuprofile cpu.out
func BenchmarkVisit(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		w, err := plainWorkload(n, smallOptions)
		if err != nil {
			b.Fatal(err)
		}
		p, err := buildVisit(w)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range w.classes {
			b.Run(fmt.Sprintf("N=%d/%s", n, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p.run(c.visits[i%len(c.visits)])
				}
			})
		}
	}
}

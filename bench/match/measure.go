package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// A table is what was measured for one part and one number of rules.
type table struct {
	part    part
	n       int
	classes []string
	rows    []*row
}

// A row is what was measured of one peer.
type row struct {
	name  string
	size  int    // the number of campaigns
	cells []cell // one for each class
	build time.Duration
	index time.Duration // of build, for the index alone; 0 if not known
	bytes float64       // on Go's heap, for each rule
	note  string        // why there is nothing, if there is nothing
}

// A cell is a peer and a class of visits.
type cell struct {
	samples []float64 // ns for each visit, one for each round
	allocs  float64   // for each visit
}

func (c *cell) median() float64 {
	if len(c.samples) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(c.samples))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// ratio returns the median of how many times the other's time c took, round by
// round: what slows the machine down for seconds slows both.
func (c *cell) ratio(other *cell) float64 {
	if len(c.samples) != len(other.samples) {
		return math.NaN()
	}
	var ratios cell
	for i, ns := range c.samples {
		ratios.samples = append(ratios.samples, ns/other.samples[i])
	}
	return ratios.median()
}

// A contestant is a peer that takes part in a table.
type contestant struct {
	row   *row
	peer  peer
	work  *workload
	plans []plan // one for each class
}

// A plan is how much of a class a peer does in one sample: passes over the
// first visits of the class, or of the round's block of it.
type plan struct {
	visits int
	passes int
}

const (
	// maxBuild is how long it may take to build a peer.
	maxBuild = 8 * time.Second

	// maxVisit is how long one visit may take.
	maxVisit = 50 * time.Millisecond

	// maxPass is how long a slow peer's pass over visits may take. It gets
	// fewer visits then, but never fewer than minVisits.
	maxPass   = 30 * time.Millisecond
	minVisits = 4

	// pilot is the number of rules by which it is foreseen what many more
	// would cost.
	pilot = 1000
)

func measure(p part, n int, o *options) (*table, error) {
	w, err := p.build(n, o)
	if err != nil {
		return nil, err
	}
	t := &table{part: p, n: n}
	for _, c := range w.classes {
		t.classes = append(t.classes, c.name)
	}
	all, err := contestants(p, w, o)
	if err != nil {
		return nil, err
	}
	if p.small && n > smallSize && o.wants(decideName) {
		c, err := small(p, o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	var running []*contestant
	for _, c := range all {
		t.rows = append(t.rows, c.row)
		if c.peer != nil {
			running = append(running, c)
		}
	}
	for i := range w.classes {
		race(running, i, o)
	}
	return t, nil
}

func contestants(p part, w *workload, o *options) ([]*contestant, error) {
	var all []*contestant
	for _, m := range makers() {
		if !o.wants(m.name) || p.only != nil && !slices.Contains(p.only, m.name) {
			continue
		}
		c, err := enter(m, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// smallSize is the number of campaigns that more of them are compared with.
const smallSize = 100

// small is this library with few campaigns, to run beside itself with many:
// minutes later the machine may be another.
func small(p part, o *options) (*contestant, error) {
	w, err := p.build(smallSize, o)
	if err != nil {
		return nil, err
	}
	c, err := enter(maker{name: smallName, build: buildDeciding}, w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", smallName, err)
	}
	return c, nil
}

// enter builds a peer, if that can be done in time, and has it checked.
func enter(m maker, w *workload) (*contestant, error) {
	c := &contestant{row: &row{name: m.name, size: len(w.rules), cells: make([]cell, len(w.classes))}, work: w}
	note, err := foresee(m, w)
	if err != nil || note != "" {
		c.row.note = note
		return c, err
	}
	before := heap()
	start := clock()
	p, err := m.build(w)
	c.row.build = clock() - start
	if err != nil {
		// Not a mistake of the benchmark: a peer may have a limit.
		c.row.note = err.Error()
		return c, nil
	}
	c.row.bytes = max(0, float64(heap())-float64(before)) / float64(len(w.rules))
	runtime.KeepAlive(p)
	c.row.build = again(c.row.build, func() error { return keep(m.build(w)) })
	if m.other != nil {
		if c.row.index, err = difference(func() error { return keep(m.build(w)) }, func() error { return m.other(w) }); err != nil {
			return nil, err
		}
	}
	c.peer, c.plans = p, make([]plan, len(w.classes))
	asked := p
	if w.classes[0].block > 0 {
		// The peer itself must not see these paths before they are timed.
		if asked, err = m.build(w); err != nil {
			return nil, err
		}
	}
	for i := range w.classes {
		if c.plans[i], err = prepare(asked, w, i); err != nil {
			return nil, fmt.Errorf("%s: %w", w.classes[i].name, err)
		}
	}
	return c, nil
}

// builds is how often something is built that does not take long: the first times
// pay for memory from the system.
const builds = 7

// again returns the median of several times, of which the first is done, or that if
// it took long.
func again(first time.Duration, do func() error) time.Duration {
	times := []time.Duration{first}
	for first < time.Second/2 && len(times) < builds {
		took, err := once(do)
		if err != nil {
			break
		}
		times = append(times, took)
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// difference returns by how much longer one thing takes than another, the median of
// several pairs: what slows the machine down slows both.
func difference(do, other func() error) (time.Duration, error) {
	var times []time.Duration
	for range 2 * builds {
		took, err := once(do)
		if err != nil {
			return 0, err
		}
		less, err := once(other)
		if err != nil {
			return 0, err
		}
		times = append(times, took-less)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func once(do func() error) (time.Duration, error) {
	runtime.GC()
	start := clock()
	err := do()
	return clock() - start, err
}

// keep keeps a peer from being collected while it is built.
func keep(p peer, err error) error {
	runtime.KeepAlive(p)
	return err
}

// foresee says why a peer cannot take part, by what a part of the rules costs.
func foresee(m maker, w *workload) (note string, err error) {
	if len(w.rules) <= pilot {
		return "", nil
	}
	factor := time.Duration(len(w.rules) / pilot)
	start := clock()
	p, err := m.build(w.head(pilot))
	build := (clock() - start) * factor
	if err != nil {
		return "", err
	}
	if build > maxBuild {
		return fmt.Sprintf("left out: to build it would take about %v (limit %v)", build.Round(time.Second), maxBuild), nil
	}
	visits := w.classes[0].visits[:minVisits]
	start = clock()
	for _, v := range visits {
		p.run(v)
	}
	visit := (clock() - start) * factor / time.Duration(len(visits))
	if visit > maxVisit {
		return fmt.Sprintf("left out: one visit would take about %v (limit %v)", visit.Round(time.Millisecond), maxVisit), nil
	}
	return "", nil
}

// prepare finds how many of a class's visits the peer has time for, and checks
// its answers to all of them, by known and by unknown visitors.
func prepare(p peer, w *workload, class int) (plan, error) {
	cl := &w.classes[class]
	visits := cl.visits
	start := clock()
	for _, v := range visits[:minVisits] {
		p.run(v)
	}
	one := max(1, (clock()-start)/minVisits)
	block := cl.block
	if block == 0 {
		block = len(visits)
	}
	timed := min(block, max(minVisits, int(maxPass/one)))
	for some := range slices.Chunk(visits, block) {
		if err := checkAll(p, some[:timed], w.rules); err != nil {
			return plan{}, err
		}
	}
	return plan{visits: timed}, nil
}

// unknownVisits is how many visits of a class are also checked as visits by
// somebody unknown. These are not timed.
const unknownVisits = 16

func checkAll(p peer, visits []*visit, rules []rule) error {
	for i, v := range visits {
		if err := checkOne(p, v, rules); err != nil {
			return err
		}
		if i >= unknownVisits {
			continue
		}
		unknown, err := v.unknown()
		if err != nil {
			return err
		}
		unknown.want = v.want
		if err := checkOne(p, unknown, rules); err != nil {
			return err
		}
	}
	return nil
}

func checkOne(p peer, v *visit, rules []rule) error {
	p.run(v)
	if err := p.check(v, rules); err != nil {
		return fmt.Errorf("%s, known=%v: %w", v.url, v.page.Known, err)
	}
	return nil
}

// race times all contestants on one class of visits: in each round one after
// the other, so that what disturbs the machine disturbs all.
func race(all []*contestant, class int, o *options) {
	if len(all) == 0 {
		return
	}
	runtime.GC()
	for _, c := range all {
		c.calibrate(class, o)
	}
	for round := range o.roundsOf(all[0].row.size) {
		runtime.GC()
		for i := range all {
			// Each round begins with another peer: the first after a collection
			// finds the caches emptied.
			c := all[(i+round)%len(all)]
			cell := &c.row.cells[class]
			cell.samples = append(cell.samples, c.sample(class, round))
		}
	}
}

// sample returns the ns that a visit takes in one round.
func (c *contestant) sample(class, round int) float64 {
	cl, plan := &c.work.classes[class], c.plans[class]
	visits := cl.forRound(round+warmBlocks, plan.visits)
	// What the caches hold is another peer's. Fresh paths are left for the time
	// that counts: the block before has been seen.
	pass(c.peer, cl.forRound(round+warmBlocks-1, plan.visits))
	touch(visits)
	start := clock()
	for range plan.passes {
		pass(c.peer, visits)
	}
	return float64(clock()-start) / float64(plan.passes*len(visits))
}

// forRound returns the visits of a round, no more than count.
func (c *class) forRound(round, count int) []*visit {
	return c.visits[round*c.block:][:count]
}

// calibrate counts allocations and finds how many passes fill a sample.
func (c *contestant) calibrate(class int, o *options) {
	cl, p := &c.work.classes[class], &c.plans[class]
	warm := cl.forRound(0, p.visits)
	pass(c.peer, warm)
	counted := cl.forRound(1, p.visits)
	c.row.cells[class].allocs = allocations(c.peer, counted, cl.block > 0)
	p.passes = 1
	if cl.block > 0 {
		return // a second pass would see paths for the second time
	}
	start := clock()
	pass(c.peer, warm)
	p.passes = max(1, int(o.sample/max(1, clock()-start)))
}

// touch reads the visits in all their forms, so that the first peer of a round
// does not fetch them from memory for all others.
func touch(visits []*visit) {
	sum := 0
	for _, v := range visits {
		known, anonymous := v.known, v.anonymous
		sum += len(known.URL) + len(anonymous.URL)
		for _, text := range []string{v.url, v.subject, v.page.Path, v.page.Plain, v.page.Type, v.page.Category, v.page.Segment, v.page.Param} {
			for i := range len(text) {
				sum += int(text[i])
			}
		}
	}
	runtime.KeepAlive(sum)
}

func pass(p peer, visits []*visit) {
	for _, v := range visits {
		p.run(v)
	}
}

// allocations returns how often a visit allocates. The runtime allocates now and
// then too, so the least of three passes counts, where there may be three.
func allocations(p peer, visits []*visit, once bool) float64 {
	tries := 3
	if once {
		tries = 1
	}
	least := math.Inf(1)
	for range tries {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		pass(p, visits)
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/float64(len(visits)))
	}
	return least
}

// heap returns the bytes of all live objects.
func heap() uint64 {
	// Twice: what a finalizer frees goes in the second cycle.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

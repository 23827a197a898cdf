package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

const (
	callers   = 4   // goroutines that pass visits, as many requests do at once
	every     = 100 // one in so many visits matches
	goalTail  = time.Millisecond
	closeTime = time.Minute
)

func measureLoad(out io.Writer, o *options) ([]goal, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	l := newLedger((o.visits() + every - 1) / every)
	esp, err := newReceiver(l, o.latency)
	if err != nil {
		return nil, err
	}
	defer esp.close()
	sender := &httpsender.Sender{AllowHTTP: true, Allow: []string{"127.0.0.1"}}
	defer sender.CloseIdleConnections()
	engine, err := newEngineFor(esp.url, sender, &campaign.EngineOptions{Observer: l, Workers: o.workers, QueueSize: o.queue})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "\nThe load: %d visits a second for %v, one in %d matches; %d workers; the receiver takes %v and fails one request in %d\n",
		o.rate, o.duration, every, o.workers, o.latency, failsEvery)

	pool := newPool(l)
	// First the same without an engine: what is late there is late because of
	// the machine, or of those who call.
	control := offer(o, o.visits()/5, func(int) (time.Duration, error) { return time.Since(time.Now()), nil })
	level := watch(engine, o.duration)
	load := offer(o, o.visits(), func(i int) (time.Duration, error) { return pool.pass(engine, i) })
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	closed := engine.Close(ctx)
	fmt.Fprintf(out, "Close took %v to finish what was queued\n\n", time.Since(begun).Round(time.Millisecond))
	levels := level()

	printLatencies(out, control, load)
	printLevels(out, levels)
	wrong := l.check(engine.Stats(), esp.requests.Load())
	l.print(out, engine.Stats(), esp)
	for _, err := range wrong {
		fmt.Fprintln(out, "WRONG:", err)
	}
	goals := loadGoals(load, levels)
	goals = append(goals, goal{"Close finishes all that was taken", fmt.Sprint(closed), closed == nil},
		goal{"every match is accounted for once, in all four counts", fmt.Sprintf("%d wrong", len(wrong)), len(wrong) == 0})
	switch {
	case load.err != nil:
		return goals, load.err
	case closed != nil:
		return goals, closed
	case len(wrong) > 0:
		return goals, fmt.Errorf("%d matches or counts do not agree", len(wrong))
	}
	return goals, nil
}

func loadGoals(load *offered, levels []level) []goal {
	tail := quantile(load.calls, 0.999)
	// Nothing that grows with the visits is kept, but for the cooldowns, which
	// are some twenty bytes for each profile.
	early, late := levels[len(levels)/3].live, levels[len(levels)-1].live
	return []goal{
		{fmt.Sprintf("the request path's 99.9th percentile: under %v", goalTail), micros(tail), tail < goalTail},
		{"live memory at the end: at most half as much again as after a third of the time", fmt.Sprintf("%.1f and %.1f MiB", mib(late), mib(early)), late <= early+early/2},
	}
}

// A pool has the visits. Those that match nothing come again and again; those
// that match are made when they are due, each with a number to know it by.
type pool struct {
	ledger *ledger
	others []campaign.PageVisit
}

func newPool(l *ledger) *pool {
	p := &pool{ledger: l}
	for i := range 256 {
		p.others = append(p.others, passing(i))
	}
	return p
}

// pass passes the i-th visit, and returns how long Enqueue took.
func (p *pool) pass(engine *campaign.Engine, i int) (time.Duration, error) {
	n, ctx, visit := i/every, context.Background(), p.others[i%len(p.others)]
	matches := i%every == 0
	if matches {
		ctx, visit = withNumber(n), visitOf(n)
	}
	begun := time.Now()
	outcomes, err := engine.Enqueue(ctx, visit)
	took := time.Since(begun)
	switch {
	case err != nil:
		return took, err
	case matches:
		return took, p.ledger.returned(n, outcomes)
	case outcomes != nil:
		return took, fmt.Errorf("visit %d should match nothing: %v", i, outcomes)
	}
	return took, nil
}

// visitOf is the n-th visit that matches. One in five is by a profile that was
// there a moment ago, on a page of the same campaign.
func visitOf(n int) campaign.PageVisit {
	v := matching(n)
	if n/10%5 == 4 {
		before := matching(n - 10)
		v.Profile.ID = before.Profile.ID
	}
	v.ID = "visit-" + strconv.Itoa(n)
	return v
}

type numberKey struct{}

func withNumber(n int) context.Context {
	return context.WithValue(context.Background(), numberKey{}, n)
}

// offered is what the callers have measured, for each visit.
type offered struct {
	calls []time.Duration // how long the call took
	due   []time.Duration // from when the visit was due until the call returned
	err   error
}

// offer passes visits, each when it is due: also those that follow one that is
// late, so that nothing that holds the callers up is hidden.
func offer(o *options, visits int, pass func(i int) (time.Duration, error)) *offered {
	all := &offered{calls: make([]time.Duration, visits), due: make([]time.Duration, visits)}
	gap := time.Second / time.Duration(o.rate)
	errs := make(chan error, callers)
	start := time.Now().Add(10 * time.Millisecond)
	for c := range callers {
		go func() {
			var failed error
			for i := c; i < visits; i += callers {
				due := start.Add(time.Duration(i) * gap)
				sleep(time.Until(due))
				took, err := pass(i)
				if err != nil && failed == nil {
					failed = err
				}
				all.calls[i], all.due[i] = took, time.Since(due)
			}
			errs <- failed
		}()
	}
	for range callers {
		if err := <-errs; err != nil {
			all.err = err
		}
	}
	return all
}

// matches returns the times of the visits that matched.
func matches(times []time.Duration) []time.Duration {
	var some []time.Duration
	for i := 0; i < len(times); i += every {
		some = append(some, times[i])
	}
	return some
}

// quantile returns the time within which the share q of all were done.
func quantile(times []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func printLatencies(out io.Writer, control, load *offered) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tvisits\t50 %\t99 %\t99.9 %\tlongest\t")
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{
		{"Enqueue", load.calls},
		{"  of a visit that matches", matches(load.calls)},
		{"  from when it was due", load.due},
		{"no engine, for comparison", control.calls},
		{"  from when it was due", control.due},
	} {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t\n", row.name, len(row.times), micros(quantile(row.times, 0.5)),
			micros(quantile(row.times, 0.99)), micros(quantile(row.times, 0.999)), micros(slices.Max(row.times)))
	}
	_ = w.Flush()
}

func micros(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/1e3) }

// A level is how much there was of something at one moment.
type level struct {
	at         time.Duration
	live       uint64 // bytes that the last collection found alive
	total      uint64 // bytes that the process has from the system
	goroutines int
	stats      campaign.Stats
}

// watch looks at the levels ten times, until the function that it returns is
// called, which has a last look.
func watch(engine *campaign.Engine, duration time.Duration) func() []level {
	start := time.Now()
	stop, done := make(chan struct{}), make(chan []level)
	go func() {
		var all []level
		tick := time.NewTicker(duration / 10)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				all = append(all, look(engine, start))
			case <-stop:
				runtime.GC()
				done <- append(all, look(engine, start))
				return
			}
		}
	}()
	return func() []level {
		close(stop)
		return <-done
	}
}

func look(engine *campaign.Engine, start time.Time) level {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return level{
		at: time.Since(start), live: samples[0].Value.Uint64(), total: samples[1].Value.Uint64() - samples[2].Value.Uint64(),
		goroutines: runtime.NumGoroutine(), stats: engine.Stats(),
	}
}

func printLevels(out io.Writer, levels []level) {
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "after\tlive\tfrom the system\tgoroutines\twaiting\trunning\tworkers\t")
	for _, l := range levels {
		fmt.Fprintf(w, "%.1f s\t%.1f MiB\t%.1f MiB\t%d\t%d\t%d\t%d\t\n", l.at.Seconds(), mib(l.live), mib(l.total),
			l.goroutines, l.stats.Waiting, l.stats.Running, l.stats.Workers)
	}
	_ = w.Flush()
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

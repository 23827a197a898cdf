// Command cooldown measures how long it takes to take a key that is free or
// expired, in one atomic step, and how much memory the keys take: package
// campaign beside what else one would use. Only ratios within one run count.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	sizes := flag.String("n", "1000000,10000000", "numbers of keys, separated by commas")
	names := flag.String("peers", "", "names of the peers, separated by commas; empty for all")
	rounds := flag.Int("rounds", 3, "how often everything is measured; medians are printed")
	flag.IntVar(&idLen, "length", idLen, "bytes of a profile ID, at least 16")
	latency := flag.Bool("latency", true, "also measure single calls while growing, for the first two peers")
	flag.Parse()

	var chosen []contender
	for _, c := range contenders() {
		if *names == "" || slices.Contains(strings.Split(*names, ","), c.name) {
			chosen = append(chosen, c)
		}
	}
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1000 || len(chosen) == 0 || idLen < 16 {
			fmt.Fprintln(os.Stderr, "cooldown: give numbers of at least 1000 as -n, known names as -peers, and at least 16 as -length")
			os.Exit(2)
		}
		measure(n, *rounds, chosen)
		if *latency {
			for _, c := range chosen[:min(2, len(chosen))] {
				printLatency(n, c)
			}
		}
	}
}

// idLen is the length of a profile ID.
var idLen = 16

// ids are profile IDs, one after the other in one string. They are read in the
// order in which they lie, as fast as the memory goes: what a host passes in
// has just been parsed and is in the cache.
type ids string

func (s ids) len() int            { return len(s) / idLen }
func (s ids) at(i int) string     { return string(s[i*idLen : (i+1)*idLen]) }
func (s ids) from(i int) ids      { return s[i*idLen:] }
func (s ids) first(n int) ids     { return s[:n*idLen] }
func idOf(b []byte, i int) []byte { return fmt.Appendf(b, "customer%0*d", idLen-len("customer"), i) }

// sequence returns the IDs of n profiles, beginning with first.
func sequence(first, n int) ids {
	b := make([]byte, 0, n*idLen)
	for i := range n {
		b = idOf(b, first+i)
	}
	return ids(b)
}

// shuffled returns m of the first n profiles, in no order, some more than once.
func shuffled(n, m int) ids {
	b := make([]byte, 0, m*idLen)
	x := uint64(1)
	for range m {
		x = x*6364136223846793005 + 1442695040888963407
		b = idOf(b, int(x>>33)%n)
	}
	return ids(b)
}

// mixed returns hits with one fresh ID among each 20.
func mixed(hits, fresh ids) ids {
	b := make([]byte, 0, hits.len()*idLen)
	for i := range hits.len() {
		if i%20 == 0 {
			b = append(b, fresh.at(i/20)...)
		} else {
			b = append(b, hits.at(i)...)
		}
	}
	return ids(b)
}

// A result is what was measured of one peer in one round.
type result struct {
	fill, hit, hit2, mix, mix2, fresh, fresh2 float64 // ns a call; 2 is with two goroutines
	bytes, peak                               float64 // for each entry
	gc                                        float64 // ms
}

func measure(n, rounds int, chosen []contender) {
	m := min(n, 2_000_000)
	w := workload{
		all:    sequence(0, n),
		hits:   shuffled(n, m),
		fresh:  sequence(n, m/5),
		fresh2: sequence(2*n, m/5),
		mix:    mixed(shuffled(n, m), sequence(3*n, m/20+1)),
		mix2:   mixed(shuffled(n, m), sequence(4*n, m/20+1)),
	}
	results := make([][]result, len(chosen))
	for range rounds {
		for i, c := range chosen {
			results[i] = append(results[i], w.run(c))
		}
	}
	fmt.Printf("\n%d keys, medians of %d rounds; ns a call, /2 with two goroutines (wall time for each call)\n\n", n, rounds)
	fmt.Printf("%-12s %6s %6s %6s %6s %6s %6s %7s  %7s %7s %8s\n",
		"", "fill", "hit", "hit/2", "95/5", "95/5/2", "fresh", "fresh/2", "B/entry", "peak B", "GC ms")
	for i, c := range chosen {
		median := func(get func(result) float64) float64 {
			values := make([]float64, 0, rounds)
			for _, r := range results[i] {
				values = append(values, get(r))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		fmt.Printf("%-12s %6.0f %6.0f %6.0f %6.0f %6.0f %6.0f %7.0f  %7.1f %7.1f %8.2f\n", c.name,
			median(func(r result) float64 { return r.fill }),
			median(func(r result) float64 { return r.hit }), median(func(r result) float64 { return r.hit2 }),
			median(func(r result) float64 { return r.mix }), median(func(r result) float64 { return r.mix2 }),
			median(func(r result) float64 { return r.fresh }), median(func(r result) float64 { return r.fresh2 }),
			median(func(r result) float64 { return r.bytes }), median(func(r result) float64 { return r.peak }),
			median(func(r result) float64 { return r.gc }))
	}
}

// warmPasses is how often the hits are entered before they are timed. The last level of
// the cache is shared with whatever else runs on the machine, and keeps what comes again
// only when it has come a few times: with a single pass, what was before decides.
const warmPasses = 4

type workload struct{ all, hits, fresh, fresh2, mix, mix2 ids }

// visit is the time of all visits. The clock is not what is measured.
var visit = time.Now()

func (w workload) run(c contender) result {
	var r result
	before := heap()
	p := c.make()
	r.fill, r.peak = fill(p, w.all, before)
	n := float64(w.all.len())
	r.bytes = float64(heap()-before) / n
	r.peak /= n
	r.gc = collection()

	for range warmPasses {
		enterAll(p, w.hits)
	}
	r.hit = timed(p, w.hits, 1, 0)
	r.hit2 = timed(p, w.hits, 2, 0)
	r.mix = timed(p, w.mix, 1, w.mix.len()/20)
	r.mix2 = timed(p, w.mix2, 2, w.mix2.len()/20)
	r.fresh = timed(p, w.fresh, 1, w.fresh.len())
	r.fresh2 = timed(p, w.fresh2, 2, w.fresh2.len())
	runtime.KeepAlive(p)
	return r
}

// fill enters all IDs, and returns the time a call and the most memory that the
// heap had, garbage included.
func fill(p peer, all ids, before uint64) (ns, peak float64) {
	const parts = 200
	var total time.Duration
	part := all.len() / parts
	for i := range parts {
		now := all.from(i * part).first(part)
		if i == parts-1 {
			now = all.from(i * part)
		}
		start := time.Now()
		enterAll(p, now)
		total += time.Since(start)
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		peak = max(peak, float64(ms.HeapAlloc)-float64(before))
	}
	return float64(total.Nanoseconds()) / float64(all.len()), peak
}

func enterAll(p peer, s ids) (entered int) {
	for n := idLen; len(s) >= n; s = s[n:] {
		if p.enter(string(s[:n]), visit) {
			entered++
		}
	}
	return entered
}

// timed enters all IDs with so many goroutines, and checks how many entered.
func timed(p peer, s ids, goroutines, want int) float64 {
	entered := make([]int, goroutines)
	part := s.len() / goroutines
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() { entered[g] = enterAll(p, s.from(g*part).first(part)) })
	}
	wg.Wait()
	ns := float64(time.Since(start).Nanoseconds()) / float64(part*goroutines)
	sum := 0
	for _, e := range entered {
		sum += e
	}
	if sum != want {
		fmt.Fprintf(os.Stderr, "cooldown: %d of %d entered, want %d\n", sum, s.len(), want)
		os.Exit(1)
	}
	return ns
}

// heap returns how much memory is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // the first may have been half done by another
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.HeapAlloc
}

// collection returns how many milliseconds a full collection takes.
func collection() float64 {
	times := make([]time.Duration, 5)
	for i := range times {
		start := time.Now()
		runtime.GC()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return float64(times[2].Nanoseconds()) / 1e6
}

// printLatency enters n keys one by one with a watch on each call.
func printLatency(n int, c contender) {
	p := c.make()
	all := sequence(0, n)
	runtime.GC()
	took := make([]uint32, n)
	for i := range n {
		id := all.at(i)
		start := time.Now()
		p.enter(id, visit)
		took[i] = uint32(min(time.Since(start), time.Second))
	}
	slices.Sort(took)
	at := func(share float64) time.Duration { return time.Duration(took[min(n-1, int(float64(n)*share))]) }
	fmt.Printf("%s, one call while growing to %d: median %v, 99%% %v, 99.9%% %v, 99.999%% %v, longest %v (with about 50ns of the clock)\n",
		c.name, n, at(0.5), at(0.99), at(0.999), at(0.99999), at(1))
}

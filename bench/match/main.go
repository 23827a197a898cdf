// Command match measures how long it takes to find the campaigns that a visit
// starts, in this library and in others on the same work, in one process:
//
//	bench/run.sh match [-quick] [-n 10,10000] [-rounds 10] [-only PEERS]
//
// The work is a shop's: campaigns that want a path prefix, a path, a text in the
// path, a regular expression, or a page type and an item category, seven in ten
// of them for known profiles, and visits that satisfy none, one or five of them,
// with the addresses that browsers show. A second mix adds suffixes, globs,
// profile fields and query parameters, and a third table has every path once.
// The same seed makes the same work every time.
//
// The other libraries get the page parsed, in the form that suits them best;
// this one starts from the raw URL. All visitors are known, so that nobody is
// spared work by a profile. Every answer of every peer is compared with an
// oracle before anything is timed; a wrong one ends the run.
//
// All runs on one thread, and time is the processor time of the process, which
// leaves out what other programs do on the machine. In each round the peers take
// turns on the same visits; the table shows medians over the rounds, of the times
// and of the ratios. A slow peer does fewer visits a round, and one that takes
// too long is left out with the reason. Only ratios within one run mean much:
// caches and clock rates are still shared.
//
// The bytes are what the peer keeps on Go's heap, the compiled campaigns
// included and what it shares with their definitions left out. The RE2 set
// keeps most of its memory elsewhere.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	sizes  []int
	rounds int
	sample time.Duration // how long one peer's turn takes, if it is not slow
	peers  []string      // nil for all
	quick  bool
}

// sizesOf returns the numbers of campaigns for a part. To be quick, only the
// first has all.
func (o *options) sizesOf(part int) []int {
	if o.quick && part > 0 {
		return o.sizes[len(o.sizes)-1:]
	}
	return o.sizes
}

func (o *options) wants(peer string) bool { return o.peers == nil || slices.Contains(o.peers, peer) }

// roundsOf returns how many rounds there are with n campaigns: no more than six
// with very many, where all takes long and little of it is chance.
func (o *options) roundsOf(n int) int {
	if n > 10_000 {
		return min(o.rounds, 6)
	}
	return o.rounds
}

func main() {
	o, err := parseFlags(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "match:", err)
		os.Exit(2)
	}
	// One thread: the collector's work for those who allocate then counts as
	// theirs, and no peer gets help from a core that another happened to leave.
	runtime.GOMAXPROCS(1)
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "match:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string) (*options, error) {
	o := &options{sample: 15 * time.Millisecond}
	flags := flag.NewFlagSet("match", flag.ContinueOnError)
	sizes := flags.String("n", "", "numbers of campaigns, with commas between (default 10,100,1000,10000,100000)")
	flags.IntVar(&o.rounds, "rounds", 10, "rounds over which the median is taken")
	flags.BoolVar(&o.quick, "quick", false, "a minute: 10, 100 and 10,000 campaigns, shorter samples")
	only := flags.String("only", "", "peers to measure, with commas between: "+strings.Join(peerNames(), ", "))
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q: there are only flags", flags.Arg(0))
	}
	list := "10,100,1000,10000,100000"
	if o.quick {
		list, o.sample = "10,100,10000", 4*time.Millisecond
		o.rounds = min(o.rounds, 6)
	}
	if *sizes != "" {
		list = *sizes
	}
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 10 || n > 200_000 {
			return nil, fmt.Errorf("-n %s: want numbers from 10 to 200000", list)
		}
		o.sizes = append(o.sizes, n)
	}
	if o.rounds < 1 {
		return nil, errors.New("-rounds: want at least 1")
	}
	if *only == "" {
		return o, nil
	}
	for name := range strings.SplitSeq(*only, ",") {
		// A part of the name is enough: it has a space in it.
		matching := slices.DeleteFunc(peerNames(), func(s string) bool { return !strings.Contains(s, strings.TrimSpace(name)) })
		if len(matching) == 0 {
			return nil, fmt.Errorf("-only %s: want some of %s", name, strings.Join(peerNames(), "; "))
		}
		o.peers = append(o.peers, matching...)
	}
	return o, nil
}

func peerNames() []string {
	var names []string
	for _, m := range makers() {
		names = append(names, m.name)
	}
	return names
}

func run(o *options) error {
	start := time.Now()
	heading(o)
	var all results
	for i, p := range parts() {
		for _, n := range o.sizesOf(i) {
			begun := time.Now()
			t, err := measure(p, n, o)
			if err != nil {
				return fmt.Errorf("%d campaigns, %s: %w", n, p.title, err)
			}
			var out bytes.Buffer
			t.print(&out)
			fmt.Fprintf(&out, "(%v)\n", time.Since(begun).Round(time.Second/10))
			if _, err := os.Stdout.Write(out.Bytes()); err != nil {
				return err
			}
			all = append(all, t)
		}
	}
	all.print(os.Stdout)
	fmt.Printf("\n%d rounds in %v\n", o.rounds, time.Since(start).Round(time.Second))
	return nil
}

// heading says what is compared, in which versions.
func heading(o *options) {
	fmt.Printf("%s %s/%s, one thread, medians of %d rounds; ratios are to the first row\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, o.rounds)
	for _, m := range makers() {
		fmt.Printf("%-16s %s\n", m.name, m.about)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	fmt.Println()
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/expr-lang/expr", "github.com/google/cel-go", "github.com/wasilibs/go-re2":
			fmt.Println(dep.Path, dep.Version)
		}
	}
}

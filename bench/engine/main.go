// Command engine measures what an engine costs the request that passes it a
// visit, and then plays a busy shop with a slow ESP:
//
//	bench/run.sh engine [-rounds 20] [-rate 20000] [-duration 10s] [-workers 64] [-only path|load]
//
// The first table is the path of a visit: without a match, with one whose
// cooldown is running, and with one that is rendered and handed to a sender that
// does nothing: all of Visit, all of Enqueue, and Visit up to the sender. All
// takes turns on one thread, beside net/url.Parse of the same address and
// encoding/json of a map with the same fields; time is the processor time of the
// process, but for the last row. Only ratios within one run mean much.
//
// Then comes the load: visits at a steady rate through Enqueue, one in a hundred
// of which matches, 64 workers, and a receiver on loopback that takes 200 ms to
// answer and fails one request in a hundred. All of that runs in this process,
// on two cores. The visits come when they are due, whether or not those before
// them are done. What became of each match is counted where it can be seen: in
// what Enqueue returned, by the Observer, in Stats, and by the receiver. If they
// do not agree the exit status is 1.
//
// A goal that is missed does not change the exit status: how long something
// took says as much of the machine.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

type options struct {
	rounds   int
	sample   int // visits in one turn
	rate     int // visits a second
	duration time.Duration
	latency  time.Duration // of the receiver
	workers  int
	queue    int
	only     string
}

func main() {
	o := &options{sample: 512, latency: 200 * time.Millisecond}
	flag.IntVar(&o.rounds, "rounds", 40, "turns that each row of the first table takes")
	flag.IntVar(&o.rate, "rate", 20_000, "visits a second")
	flag.DurationVar(&o.duration, "duration", 10*time.Second, "how long the visits come")
	flag.IntVar(&o.workers, "workers", 64, "workers of the engine under load; with few of them the queue overflows")
	flag.StringVar(&o.only, "only", "", "path or load; empty for both")
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(2)
	}
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func (o *options) check() error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("%q: there are only flags", flag.Arg(0))
	case o.rounds < 1 || o.rate < 100 || o.visits() < 1000:
		return errors.New("want at least one round, 100 visits a second and 1000 visits in all")
	case o.only != "" && o.only != "path" && o.only != "load":
		return fmt.Errorf("-only %s: want path or load", o.only)
	}
	return nil
}

// visits is how many visits come in all.
func (o *options) visits() int { return int(float64(o.rate) * o.duration.Seconds()) }

func run(out io.Writer, o *options) error {
	fmt.Fprintf(out, "%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	var goals []goal
	if o.only != "load" {
		found, err := measurePaths(out, o)
		if err != nil {
			return err
		}
		goals = append(goals, found...)
	}
	var wrong error
	if o.only != "path" {
		found, err := measureLoad(out, o)
		goals, wrong = append(goals, found...), err
	}
	fmt.Fprint(out, "\nGoals\n\n")
	for _, g := range goals {
		verdict := "FAIL"
		if g.ok {
			verdict = "pass"
		}
		fmt.Fprintf(out, "%s  %-78s %s\n", verdict, g.text, g.measured)
	}
	return wrong
}

// A goal is one number to reach.
type goal struct {
	text     string
	measured string
	ok       bool
}

package campaign_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// The model test runs random operations against a MemoryTracker and against a
// plain map, and compares every answer.

// A modelled is what the model test drives: a MemoryTracker, or a broken one.
type modelled interface {
	campaign.Tracker
	Until(campaign, profile string, at time.Time) (time.Time, bool)
	Len(at time.Time) int
	Merge(from, to string)
	Forget(profile string)
	Reset(campaign string)
	WriteTo(w io.Writer) (int64, error)
	ReadFrom(r io.Reader) (int64, error)
}

// A step is one operation with all its arguments, so that a sequence of steps
// means the same when some of them are left out.
type step struct {
	op    string
	entry campaign.Entry
	other string    // the profile to merge into
	until time.Time // for Reopen
}

func (s step) String() string {
	e := s.entry
	key := fmt.Sprintf("%s/%s at +%v", e.Campaign, e.Profile, e.Time.Sub(noon))
	switch s.op {
	case "enter":
		return fmt.Sprintf("enter %s for %v", key, e.Timeout)
	case "reopen":
		return fmt.Sprintf("reopen %s for %v to +%v", key, e.Timeout, s.until.Sub(noon))
	case "merge":
		return fmt.Sprintf("merge %s into %s", e.Profile, s.other)
	}
	return s.op + " " + key
}

// An oracle is the simple tracker: it keeps everything for ever.
type oracle struct {
	ends   map[[2]string]time.Time
	newest time.Time // of the visits that entered
}

// grace is how late a visit may come and still be judged by its own time.
const grace = 5 * time.Minute

// optional reports whether a tracker may have forgotten a cooldown: it lies
// behind the newest accepted visit by the grace for late ones.
func (o *oracle) optional(end time.Time) bool { return !end.After(o.newest.Add(-grace)) }

// step runs s on both and returns what is wrong with the tracker's answer, or "".
func (o *oracle) step(tr modelled, s step) string {
	e := s.entry
	key := [2]string{e.Campaign, e.Profile}
	end, kept := o.ends[key]
	switch s.op {
	case "enter":
		return o.enter(tr, e)
	case "reopen":
		err := tr.Reopen(context.Background(), e, s.until)
		if (err != nil) != s.until.After(e.Until()) {
			return fmt.Sprintf("Reopen = %v", err)
		}
		if err == nil && kept && e.Timeout > 0 && end.Equal(e.Until()) {
			o.ends[key] = s.until
			if s.until.Before(e.Time) {
				o.ends[key] = e.Time // older visits may be within the cooldown before
			}
		}
	case "merge":
		tr.Merge(e.Profile, s.other)
		for k, end := range o.ends {
			to := [2]string{k[0], s.other}
			if old, ok := o.ends[to]; k[1] == e.Profile && (!ok || end.After(old)) {
				o.ends[to] = end
			}
		}
	case "forget":
		tr.Forget(e.Profile)
		for k := range o.ends {
			if k[1] == e.Profile {
				delete(o.ends, k)
			}
		}
	case "reset":
		tr.Reset(e.Campaign)
		for k := range o.ends {
			if k[0] == e.Campaign {
				delete(o.ends, k)
			}
		}
	case "until":
		until, closed := tr.Until(e.Campaign, e.Profile, e.Time)
		if o.optional(end) && end.After(e.Time) {
			return ""
		}
		if want := kept && end.After(e.Time); closed != want || closed && !until.Equal(end) {
			return fmt.Sprintf("Until = %v, %t, want %v, %t", until, closed, end, want)
		}
	case "len":
		return o.len(tr, e.Time)
	case "snapshot":
		var b bytes.Buffer
		if n, err := tr.WriteTo(&b); err != nil || n != int64(b.Len()) {
			return fmt.Sprintf("WriteTo = %d, %v, want %d", n, err, b.Len())
		}
		size := int64(b.Len())
		if n, err := tr.ReadFrom(&b); err != nil || n != size {
			return fmt.Sprintf("ReadFrom = %d, %v, want %d", n, err, size)
		}
	}
	return ""
}

func (o *oracle) enter(tr modelled, e campaign.Entry) string {
	key := [2]string{e.Campaign, e.Profile}
	until, entered, err := tr.Enter(context.Background(), e)
	end := o.ends[key]
	want := !end.After(e.Time)
	switch {
	case err != nil:
		return fmt.Sprintf("Enter = error %v", err)
	case entered && !want && o.optional(end):
		// forgotten, as it may be
	case entered != want:
		return fmt.Sprintf("Enter = %v, %t, want %t: the end is %v", until, entered, want, end)
	}
	if !entered {
		if !until.Equal(end) {
			return fmt.Sprintf("Enter = %v, false, want %v", until, end)
		}
		return ""
	}
	if !until.Equal(e.Until()) {
		return fmt.Sprintf("Enter = %v, true, want %v", until, e.Until())
	}
	if e.Time.After(o.newest) {
		o.newest = e.Time
	}
	if e.Timeout > 0 {
		o.ends[key] = until
	}
	return ""
}

func (o *oracle) len(tr modelled, at time.Time) string {
	most, least := 0, 0
	for _, end := range o.ends {
		if end.After(at) {
			most++
			if !o.optional(end) {
				least++
			}
		}
	}
	if n := tr.Len(at); n < least || n > most {
		return fmt.Sprintf("Len = %d, want %d to %d", n, least, most)
	}
	return ""
}

// A world says what random steps look like.
type world struct {
	campaigns, profiles int
	pace                time.Duration // between one visit and the next, on average
}

var timeouts = []time.Duration{
	campaign.Immediately, campaign.Never, time.Millisecond, time.Second, time.Minute, 10 * time.Minute, time.Hour,
	24 * time.Hour, 7 * 24 * time.Hour, 120 * 365 * 24 * time.Hour, 1500 * time.Microsecond,
}

// upTo returns a random duration of whole milliseconds below d.
func upTo(rnd *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rnd.Int64N(int64(d/time.Millisecond))) * time.Millisecond
}

// steps returns n random steps.
func (w world) steps(rnd *rand.Rand, n int) []step {
	steps := make([]step, 0, n)
	var entered []campaign.Entry
	clock := noon
	for range n {
		clock = clock.Add(upTo(rnd, 2*w.pace))
		e := campaign.Entry{
			Campaign: fmt.Sprint("c", rnd.IntN(w.campaigns)),
			Profile:  fmt.Sprint("p", rnd.IntN(w.profiles)),
			Time:     clock,
			Timeout:  timeouts[rnd.IntN(len(timeouts))],
		}
		switch rnd.IntN(20) {
		case 0:
			e.Time = clock.Add(-upTo(rnd, time.Hour))
		case 1:
			e.Time = time.Unix(0, 0).Add(-upTo(rnd, time.Hour))
		case 2:
			if len(entered) > 0 { // exactly at the end of some cooldown, or just before
				e.Time = entered[rnd.IntN(len(entered))].Until().Add(-time.Duration(rnd.IntN(2)) * time.Millisecond)
			}
		}
		if e.Time.After(clock.Add(time.Hour)) {
			e.Time = clock // a visit from the future would end all cooldowns before it
		}
		s := step{op: "enter", entry: e}
		switch p := rnd.IntN(100); {
		case p < 60:
			entered = append(entered, e)
		case p < 75 && len(entered) > 0:
			s.op, s.entry = "reopen", entered[len(entered)-1-rnd.IntN(min(len(entered), 10))]
			s.until = s.entry.Until().Add(time.Millisecond - upTo(rnd, 2*time.Minute))
			if rnd.IntN(2) == 0 {
				s.until = s.entry.Time.Add(upTo(rnd, time.Minute))
			}
		case p < 80:
			s.op, s.other = "merge", fmt.Sprint("p", rnd.IntN(w.profiles))
		case p < 83:
			s.op = "forget"
		case p < 84 && rnd.IntN(5) == 0:
			s.op = "reset"
		case p < 86 && rnd.IntN(w.profiles) < 10:
			s.op = "len"
		case p < 87 && rnd.IntN(w.profiles) < 10:
			s.op = "snapshot"
		case p < 90:
			s.op = "until"
		}
		steps = append(steps, s)
	}
	return steps
}

// disagreement runs the steps on a new tracker and returns the first wrong
// answer with its place, or "".
func disagreement(tr modelled, steps []step) (string, int) {
	o := &oracle{ends: make(map[[2]string]time.Time), newest: time.Time{}}
	for i, s := range steps {
		if fault := o.step(tr, s); fault != "" {
			return fault, i
		}
	}
	return "", 0
}

// shrink leaves out steps as long as the rest still fails.
func shrink(newTracker func() modelled, steps []step) []step {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(steps); {
			shorter := append(append([]step(nil), steps[:from]...), steps[from+size:]...)
			if fault, last := disagreement(newTracker(), shorter); fault != "" {
				steps = shorter[:last+1]
			} else {
				from += size
			}
		}
	}
	return steps
}

// compare reports the shortest sequence on which tracker and map disagree.
func compareWithModel(newTracker func() modelled, steps []step) string {
	fault, last := disagreement(newTracker(), steps)
	if fault == "" {
		return ""
	}
	short := shrink(newTracker, steps[:last+1])
	fault, _ = disagreement(newTracker(), short)
	var b strings.Builder
	for _, s := range short {
		fmt.Fprintf(&b, "\t%v\n", s)
	}
	return fmt.Sprintf("after %d steps:\n%s%s", len(short), b.String(), fault)
}

func TestMemoryTrackerModel(t *testing.T) {
	worlds := []struct {
		name        string
		world       world
		runs, steps int
	}{
		{"few profiles", world{campaigns: 2, profiles: 4, pace: 10 * time.Second}, 100, 300},
		{"many campaigns", world{campaigns: 300, profiles: 5, pace: time.Minute}, 2, 2000},
		{"growing", world{campaigns: 1, profiles: 10_000, pace: time.Millisecond}, 1, 15_000},
		{"expiring", world{campaigns: 2, profiles: 10_000, pace: time.Second}, 1, 20_000},
	}
	for _, tt := range worlds {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range tt.runs {
				steps := tt.world.steps(rand.New(rand.NewPCG(uint64(seed), 1)), tt.steps)
				if fault := compareWithModel(func() modelled { return new(campaign.MemoryTracker) }, steps); fault != "" {
					t.Fatalf("seed %d: %s", seed, fault)
				}
			}
		})
	}
}

// A keeper is a MemoryTracker that does not forget.
type keeper struct{ campaign.MemoryTracker }

func (k *keeper) Forget(string) {}

func TestModelShrinksToTheFault(t *testing.T) {
	w := world{campaigns: 2, profiles: 4, pace: 10 * time.Second}
	steps := w.steps(rand.New(rand.NewPCG(1, 1)), 2000)
	newTracker := func() modelled { return new(keeper) }
	_, last := disagreement(newTracker(), steps)
	short := shrink(newTracker, steps[:last+1])
	if fault, _ := disagreement(newTracker(), short); fault == "" || len(short) != 3 {
		t.Errorf("a tracker that does not forget fails with %q after %v, want a fault after enter, forget and one more", fault, short)
	}
}

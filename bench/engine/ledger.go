package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"

	"github.com/hybridcampaign/campaign"
)

// A ledger has what became of each match, as seen from three places: what
// Enqueue returned, what the Observer was told, and what the receiver got. It
// has its size from the beginning, so that it does not show in the levels.
type ledger struct {
	mu      sync.Mutex
	entries []record
	strays  []error // what belongs to no match
}

// A record is one match.
type record struct {
	returned campaign.Status // what Enqueue said; empty if it has said nothing
	final    campaign.Status // how it ended, by the Observer
	reason   campaign.Reason
	attempts int
	queued   uint8 // how often the Observer was told that it is queued
	finals   uint8 // how often that it has ended
	accepted uint8 // how often the receiver took it
	received uint8 // how often it came
}

func newLedger(matches int) *ledger { return &ledger{entries: make([]record, matches)} }

// at changes a record.
func (l *ledger) at(n int, change func(*record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n >= len(l.entries) {
		l.strays = append(l.strays, fmt.Errorf("there is no match %d", n))
		return
	}
	change(&l.entries[n])
}

// returned notes what Enqueue returned for a match.
func (l *ledger) returned(n int, outcomes []campaign.Outcome) error {
	if len(outcomes) != 1 {
		return fmt.Errorf("match %d: %d outcomes, want 1", n, len(outcomes))
	}
	l.at(n, func(r *record) { r.returned = outcomes[0].Status })
	return nil
}

// Observe implements [campaign.Observer].
func (l *ledger) Observe(ctx context.Context, o campaign.Outcome) {
	n, ok := ctx.Value(numberKey{}).(int)
	if !ok {
		n = -1
	}
	l.at(n, func(r *record) {
		if o.Status == campaign.Queued {
			r.queued++
			return
		}
		r.finals++
		r.final, r.reason, r.attempts = o.Status, o.Reason, o.Attempts
	})
}

// received notes that a match has come to the receiver.
func (l *ledger) received(n int, accepted bool) {
	l.at(n, func(r *record) {
		r.received++
		if accepted {
			r.accepted++
		}
	})
}

// check returns all that does not agree.
func (l *ledger) check(stats campaign.Stats, requests int64) []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wrong := append([]error(nil), l.strays...)
	attempts := 0
	for n := range l.entries {
		if err := l.entries[n].check(); err != nil {
			wrong = append(wrong, fmt.Errorf("match %d: %w", n, err))
		}
		attempts += l.entries[n].attempts
	}
	if int64(attempts) != requests {
		wrong = append(wrong, fmt.Errorf("outcomes tell of %d attempts, and the receiver has had %d requests", attempts, requests))
	}
	return append(wrong, l.checkStats(stats)...)
}

func (r *record) check() error {
	switch {
	case r.returned == "":
		return errors.New("nothing was returned for it")
	case r.finals != 1:
		return fmt.Errorf("the Observer was told %d times how it ended, want once", r.finals)
	case (r.returned == campaign.Queued) != (r.queued == 1) || r.queued > 1:
		return fmt.Errorf("returned as %s, and the Observer was told %d times that it is queued", r.returned, r.queued)
	case r.returned != campaign.Queued && r.returned != r.final:
		return fmt.Errorf("returned as %s, and the Observer was told %s", r.returned, r.final)
	case int(r.received) != r.attempts:
		return fmt.Errorf("%s after %d attempts, and the receiver has had it %d times", r.final, r.attempts, r.received)
	}
	switch r.final {
	case campaign.Delivered:
		if r.accepted != 1 {
			return fmt.Errorf("delivered, and the receiver has taken it %d times", r.accepted)
		}
	case campaign.CoolingDown, campaign.Refused, campaign.Failed:
		if r.accepted != 0 {
			return fmt.Errorf("%s %s, and the receiver has taken it %d times", r.final, r.reason, r.accepted)
		}
	default:
		return fmt.Errorf("it ended as %s", r.final)
	}
	return nil
}

// tally counts the matches by how they ended.
func (l *ledger) tally(get func(*record) campaign.Status) map[campaign.Status]uint64 {
	count := make(map[campaign.Status]uint64)
	for n := range l.entries {
		count[get(&l.entries[n])]++
	}
	return count
}

func ended(r *record) campaign.Status { return r.final }
func said(r *record) campaign.Status  { return r.returned }

func (l *ledger) checkStats(s campaign.Stats) []error {
	observed, returned := l.tally(ended), l.tally(said)
	var wrong []error
	for _, c := range []struct {
		status campaign.Status
		got    uint64
		want   uint64
	}{
		{campaign.Delivered, s.Delivered, observed[campaign.Delivered]},
		{campaign.CoolingDown, s.CoolingDown, observed[campaign.CoolingDown]},
		{campaign.Failed, s.Failed, observed[campaign.Failed]},
		{campaign.Refused, s.Refused, observed[campaign.Refused]},
		{campaign.Queued, s.Queued, returned[campaign.Queued]},
	} {
		if c.got != c.want {
			wrong = append(wrong, fmt.Errorf("counted %d %s in Stats, want %d", c.got, c.status, c.want))
		}
	}
	if sum := s.Delivered + s.CoolingDown + s.Failed + s.Refused; sum != uint64(len(l.entries)) {
		wrong = append(wrong, fmt.Errorf("counted %d ends of %d matches in Stats", sum, len(l.entries)))
	}
	return wrong
}

func (l *ledger) print(out io.Writer, s campaign.Stats, esp *receiver) {
	l.mu.Lock()
	defer l.mu.Unlock()
	observed, returned := l.tally(ended), l.tally(said)
	fmt.Fprintf(out, "\n%d matches\n\n", len(l.entries))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tdelivered\tcooling down\tfailed\trefused\tqueued\t")
	fmt.Fprintf(w, "Enqueue\t\t%d\t%d\t%d\t%d\t\n", returned[campaign.CoolingDown], returned[campaign.Failed], returned[campaign.Refused], returned[campaign.Queued])
	fmt.Fprintf(w, "Observer\t%d\t%d\t%d\t%d\t\t\n", observed[campaign.Delivered], observed[campaign.CoolingDown], observed[campaign.Failed], observed[campaign.Refused])
	fmt.Fprintf(w, "Stats\t%d\t%d\t%d\t%d\t%d\t\n", s.Delivered, s.CoolingDown, s.Failed, s.Refused, s.Queued)
	fmt.Fprintf(w, "receiver\t%d\t\t\t\t\t\n", esp.accepted.Load())
	_ = w.Flush()
	fmt.Fprintf(out, "\nThe receiver has had %d requests. Failed: %d rejected, %d uncertain, %d unreachable.\n",
		esp.requests.Load(), s.Failures.Rejected, s.Failures.Uncertain, s.Failures.Unreachable)
}

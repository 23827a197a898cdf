package main

// These tests are inside the package: a command has nothing to be reached from
// outside but its output, and what matters is that its accounting finds faults.

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

func TestPaths(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, &options{rounds: 2, sample: 64, only: "path"}); err != nil {
		t.Fatalf("run = %v\n%s", err, &out)
	}
	for _, row := range []string{"url.Parse", "json of a map", "Visit, no match", "Enqueue, no match", "Visit, in cooldown", "Enqueue, in cooldown", "Visit, match", "Enqueue, match"} {
		if !strings.Contains(out.String(), row+"  ") {
			t.Errorf("the table has no row %q:\n%s", row, &out)
		}
	}
}

// Two workers and a queue of four are too few, so that all four ends of a match
// occur. The program itself compares the counts.
func TestLoad(t *testing.T) {
	var out bytes.Buffer
	o := &options{rate: 20_000, duration: 2 * time.Second, latency: 20 * time.Millisecond, workers: 2, queue: 4, only: "load"}
	if err := run(&out, o); err != nil {
		t.Fatalf("run = %v\n%s", err, &out)
	}
	for _, want := range []string{"pass  every match", "pass  Close finishes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not say %q:\n%s", want, &out)
		}
	}
	if !regexp.MustCompile(`(?m)^ *Stats( +[1-9]\d*){5} *$`).MatchString(out.String()) {
		t.Errorf("not all of the four ends occurred:\n%s", &out)
	}
}

// What a match looks like that went well in each way, and ways in which the
// counts can disagree: each must be noticed.
func TestLedgerFindsFaults(t *testing.T) {
	queued := func(final campaign.Status, attempts, received, accepted uint8) record {
		return record{returned: campaign.Queued, queued: 1, final: final, finals: 1, attempts: int(attempts), received: received, accepted: accepted}
	}
	at := func(r record, change func(*record)) record {
		change(&r)
		return r
	}
	good := map[string]record{
		"delivered":     queued(campaign.Delivered, 2, 2, 1),
		"failed":        queued(campaign.Failed, 3, 3, 0),
		"cooling down":  {returned: campaign.CoolingDown, final: campaign.CoolingDown, finals: 1},
		"refused":       {returned: campaign.Refused, final: campaign.Refused, finals: 1},
		"held by a run": queued(campaign.CoolingDown, 0, 0, 0),
	}
	for name, r := range good {
		if err := r.check(); err != nil {
			t.Errorf("%s: check() = %v, want nil", name, err)
		}
	}
	delivered := good["delivered"]
	for name, r := range map[string]record{
		"nothing was returned":         at(delivered, func(r *record) { r.returned = "" }),
		"lost":                         at(delivered, func(r *record) { r.finals = 0 }),
		"reported twice":               at(delivered, func(r *record) { r.finals = 2 }),
		"queued twice":                 at(delivered, func(r *record) { r.queued = 2 }),
		"not told that it was queued":  at(delivered, func(r *record) { r.queued = 0 }),
		"returned and told otherwise":  at(good["refused"], func(r *record) { r.final = campaign.CoolingDown }),
		"delivered twice":              at(delivered, func(r *record) { r.accepted = 2 }),
		"delivered, and never arrived": at(delivered, func(r *record) { r.accepted = 0 }),
		"sent once more than told":     at(delivered, func(r *record) { r.received = 3 }),
		"refused, and yet taken":       at(good["refused"], func(r *record) { r.accepted = 1 }),
		"failed, and yet taken":        at(good["failed"], func(r *record) { r.accepted = 1 }),
		"an end that cannot be":        at(delivered, func(r *record) { r.final = campaign.UnknownProfile }),
	} {
		if err := r.check(); err == nil {
			t.Errorf("%s: check() = nil, want an error", name)
		}
	}
}

func TestLedgerComparesTotals(t *testing.T) {
	right := campaign.Stats{Delivered: 1, Queued: 1}
	fill := func() *ledger {
		l := newLedger(1)
		ctx := withNumber(0)
		l.Observe(ctx, campaign.Outcome{Status: campaign.Queued})
		if err := l.returned(0, []campaign.Outcome{{Status: campaign.Queued}}); err != nil {
			t.Fatal(err)
		}
		l.received(0, true)
		l.Observe(ctx, campaign.Outcome{Status: campaign.Delivered, Attempts: 1})
		return l
	}
	if wrong := fill().check(right, 1); wrong != nil {
		t.Errorf("check = %v, want nil", wrong)
	}
	if wrong := fill().check(campaign.Stats{Queued: 1}, 1); wrong == nil {
		t.Error("check with a delivery that Stats do not count = nil, want an error")
	}
	if wrong := fill().check(right, 2); wrong == nil {
		t.Error("check with a request that no outcome tells of = nil, want an error")
	}
	stray := fill()
	stray.Observe(context.Background(), campaign.Outcome{Status: campaign.Delivered})
	if wrong := stray.check(right, 1); wrong == nil {
		t.Error("check with an outcome without a number = nil, want an error")
	}
	if err := fill().returned(0, nil); err == nil {
		t.Error("returned without an outcome = nil, want an error")
	}
}

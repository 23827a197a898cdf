package main

import (
	"fmt"
	"net/url"
	"slices"
)

// A peer is one way to find the rules that a visit satisfies.
type peer interface {
	// run is what is timed. It leaves its answer in the peer.
	run(v *visit)

	// check compares the answer of the last run with the rules that v
	// satisfies, all of them or those that admit an unknown visitor.
	check(v *visit, rules []rule) error
}

// A maker makes one kind of peer for a set of rules.
type maker struct {
	name  string
	about string
	build func(w *workload) (peer, error)
	other func(w *workload) error // does what build does apart from the index; nil if that is nothing
}

const (
	decideName = "campaign decide"
	visitName  = "campaign visit"
	structName = "struct loop"
	regexpName = "regexp loop"
	exprName   = "expr"
	celName    = "cel-go"
	re2Name    = "RE2 set"
	parseName  = "url.Parse"
	emptyName  = "no campaigns"

	// smallName is no maker of its own: the first one with few campaigns.
	smallName = "the first, N=100"
)

func makers() []maker {
	return []maker{
		{decideName, "Engine.Visit from the raw URL string to the answer; where something matches, with a context that is done, so that it ends once all is decided and before outcomes are made", buildDeciding, loadPaused},
		{visitName, "the same by a visitor without a profile, with an outcome for each match that says so; nothing is sent", buildVisit, nil},
		{structName, "a loop over structs, by hand, over the parsed page", buildStructLoop, nil},
		{regexpName, "a loop over regular expressions on the parsed path", buildRegexpLoop, nil},
		{exprName, "github.com/expr-lang/expr, a compiled program a rule, over the parsed page", buildExpr, nil},
		{celName, "github.com/google/cel-go, a compiled program a rule, over the parsed page", buildCel, nil},
		{re2Name, "github.com/wasilibs/go-re2, all rules in one experimental.Set, over the parsed page joined to one text", buildRE2, nil},
		{emptyName, "Engine.Visit of an engine without campaigns: what the first row pays for reading the visit and its URL, and those that get the page parsed do not", buildEmpty, nil},
		{parseName, "one net/url.Parse of the same URLs and nothing else, as a measure", buildParse, nil},
	}
}

// answers is the answer of a peer that works on the parsed page.
type answers struct {
	hits []int32
}

func (a *answers) check(v *visit, rules []rule) error {
	want := v.want
	if !v.page.Known {
		want = admitted(rules, want)
	}
	return compare(a.hits, want)
}

func compare(got, want []int32) error {
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("rules %v match, want %v", got, want)
}

// parsed is net/url.Parse as a peer.
type parsed struct {
	u   *url.URL
	err error
}

func buildParse(*workload) (peer, error) { return new(parsed), nil }

func (p *parsed) run(v *visit) { p.u, p.err = url.Parse(v.url) }

func (p *parsed) check(v *visit, _ []rule) error {
	if p.err != nil {
		return p.err
	}
	if p.u.Path != v.page.Path {
		return fmt.Errorf("path %q, want %q", p.u.Path, v.page.Path)
	}
	return nil
}

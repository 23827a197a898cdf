package main

import (
	"regexp"
	"slices"

	"github.com/wasilibs/go-re2/experimental"
)

// re2Set has all rules in one set of regular expressions over one text, whose
// lines are the parts of the page. Whether the profile must be known is decided
// after it.
type re2Set struct {
	answers
	set   *experimental.Set
	known []bool
	err   error
}

// re2Memory is what a set may take for its states, in bytes. With less than
// this RE2 gives up on 10,000 expressions or starts afresh all the time.
const re2Memory = 1 << 30

// re2Hits bounds how many matches are asked for, which spares RE2 room for all
// rules in each call. No visit satisfies so many.
const re2Hits = 32

func buildRE2(w *workload) (peer, error) {
	p := &re2Set{known: make([]bool, len(w.rules))}
	exprs := make([]string, len(w.rules))
	for i := range w.rules {
		exprs[i] = re2Expr(&w.rules[i])
		p.known[i] = w.rules[i].known
	}
	var err error
	p.set, err = experimental.CompileSetWithOptions(exprs, experimental.CompileOptions{MaxMem: re2Memory})
	return p, err
}

func re2Expr(r *rule) string {
	switch r.kind {
	case typed:
		return "\n" + regexp.QuoteMeta(r.text) + "\n" + regexp.QuoteMeta(r.category) + "\n"
	case segment, param:
		return "\n" + regexp.QuoteMeta(r.text) + "\n"
	default:
		return r.pathExpr("\n")
	}
}

func (p *re2Set) run(v *visit) {
	p.hits = p.hits[:0]
	var found []int
	found, p.err = p.set.FindAllStringWithError(v.subject, re2Hits)
	for _, i := range found {
		if !p.known[i] || v.page.Known {
			p.hits = append(p.hits, int32(i))
		}
	}
}

func (p *re2Set) check(v *visit, rules []rule) error {
	if p.err != nil {
		return p.err
	}
	slices.Sort(p.hits) // RE2 does not promise an order
	return p.answers.check(v, rules)
}

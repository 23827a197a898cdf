package main

import (
	"fmt"
	"io"
	"math"
	"time"
)

// results are all tables of a run.
type results []*table

// row finds what was measured of a peer, or nil.
func (rs results) row(part, n int, peer string) *row {
	for _, t := range rs {
		if t.n != n || t.part.title != parts()[part].title {
			continue
		}
		for _, r := range t.rows {
			if r.name == peer && r.note == "" {
				return r
			}
		}
	}
	return nil
}

// ratio returns how many times this library's time a peer took, or NaN if that
// was not measured.
func (rs results) ratio(part, n int, peer string, class int) float64 {
	own, other := rs.row(part, n, decideName), rs.row(part, n, peer)
	if own == nil || other == nil {
		return math.NaN()
	}
	return other.cells[class].ratio(&own.cells[class])
}

// matching returns the same for what is left of this library's time without
// what a visit costs with no campaigns at all.
func (rs results) matching(peer string, class int) float64 {
	own, empty, other := rs.row(0, goalSize, decideName), rs.row(0, goalSize, emptyName), rs.row(0, goalSize, peer)
	if own == nil || empty == nil || other == nil {
		return math.NaN()
	}
	return other.cells[class].median() / (own.cells[class].median() - empty.cells[class].median())
}

// The numbers that this library is to reach.
const (
	goalLoop  = 100 // times as fast as the struct loop, with 10,000 campaigns
	goalRE2   = 5   // times as fast as the warm RE2 set, with 10,000 campaigns
	goalFlat  = 2   // times as slow with 10,000 campaigns as with 100
	goalParse = 1   // times as slow as url.Parse
	goalBuild = 20 * time.Millisecond

	goalSize = 10_000
)

// A goal is one number to reach.
type goal struct {
	text     string
	measured float64
	ok       bool
	unit     string
}

// print writes which goals were reached.
func (rs results) print(out io.Writer) {
	fmt.Fprintf(out, "\nGoals\n\n")
	for _, g := range rs.goals() {
		verdict, measured := "FAIL", fmt.Sprintf("%.2f%s", g.measured, g.unit)
		switch {
		case math.IsNaN(g.measured):
			verdict, measured = "-", "not measured"
		case g.ok:
			verdict = "pass"
		}
		fmt.Fprintf(out, "%-4s  %-96s %s\n", verdict, g.text, measured)
	}
}

func (rs results) goals() []goal {
	var all []goal
	classes := []string{noMatch, oneMatch, fiveMatches}
	for i, class := range classes {
		loop := rs.ratio(0, goalSize, structName, i)
		re2 := rs.ratio(0, goalSize, re2Name, i)
		flat := 1 / rs.ratio(0, goalSize, smallName, i)
		all = append(all,
			goal{fmt.Sprintf("10,000 campaigns, %s: at least %d times as fast as the struct loop", class, goalLoop), loop, loop >= goalLoop, " times"},
			goal{fmt.Sprintf("10,000 campaigns, %s: at least %d times as fast as the warm RE2 set", class, goalRE2), re2, re2 >= goalRE2, " times"},
			goal{fmt.Sprintf("the same without the time for reading the visit, which RE2 gets parsed: at least %d times", goalRE2), rs.matching(re2Name, i), rs.matching(re2Name, i) >= goalRE2, " times"},
			goal{fmt.Sprintf("%s: 10,000 campaigns take at most %d times as long as 100", class, goalFlat), flat, flat <= goalFlat, " times"},
		)
	}
	first, parse, allocs := rs.worst()
	build := math.NaN()
	if r := rs.row(0, goalSize, decideName); r != nil && r.index != 0 {
		build = float64(r.index) / float64(time.Millisecond)
	}
	return append(all,
		goal{"Engine.Visit without a match: below one url.Parse, first mix, every N up to 10,000; the worst", first, first < goalParse, " times url.Parse"},
		goal{"the same in the other mixes: suffixes, globs, profile fields, escapes, unseen paths; the worst", parse, parse < goalParse, " times url.Parse"},
		goal{"no allocation without a match, at every N, all mixes; the worst", allocs, allocs == 0, " a visit"},
		goal{fmt.Sprintf("10,000 campaigns, Load without what it takes if all are paused, the index: within %v", goalBuild), build, build <= float64(goalBuild)/float64(time.Millisecond), " ms"},
	)
}

// worst returns the largest time of a visit without a match, in times of one
// url.Parse, of the first part and of the others, and the most allocations of one.
func (rs results) worst() (first, others, allocs float64) {
	first, others, allocs = math.NaN(), math.NaN(), math.NaN()
	for _, t := range rs {
		var own, url *row
		for _, r := range t.rows {
			switch r.name {
			case decideName:
				own = r
			case parseName:
				url = r
			}
		}
		if own == nil {
			continue
		}
		parse := &others
		if t.part.title == parts()[0].title {
			parse = &first
		}
		for i, class := range t.classes {
			if class != noMatch && class != escapedPath {
				continue
			}
			allocs = larger(allocs, own.cells[i].allocs)
			if url != nil && t.n <= goalSize {
				*parse = larger(*parse, own.cells[i].ratio(&url.cells[i]))
			}
		}
	}
	return first, others, allocs
}

// larger is max, but for NaN, which stands for nothing yet.
func larger(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

package main

import (
	"fmt"
	"slices"

	"github.com/hybridcampaign/campaign"
)

// A workload is a set of rules, as such and as campaigns, with visits.
type workload struct {
	rules     []rule
	campaigns []campaign.Campaign
	paused    []campaign.Campaign // the same
	classes   []class
}

// A part of the benchmark is one table for each number of rules.
type part struct {
	title string
	only  []string // the names of its peers; nil for all
	small bool     // compare this library with itself with few campaigns
	build func(n int, o *options) (*workload, error)
}

func parts() []part {
	return []part{
		{
			title: "prefix 40 %, equals 20 %, contains 15 %, regex 5 %, page type and category 20 %",
			small: true,
			build: plainWorkload,
		},
		{
			title: "also suffix, glob, profile field and query parameter",
			build: wideWorkload,
		},
		{
			// The others remember nothing of a path: for them it is the first
			// table again.
			title: "as the first, with paths not seen before",
			only:  []string{decideName, visitName, structName, re2Name, emptyName, parseName},
			build: unseenWorkload,
		},
	}
}

// The classes of visits, by the number of rules that they satisfy.
const (
	noMatch     = "0 matches"
	oneMatch    = "1 match"
	fiveMatches = "5 matches"
	escapedPath = "0, path with %XX"
)

// visitCount is how many visits each class has: enough that no predictor learns
// them. Slow peers get the first few only.
const visitCount = 512

func plainWorkload(n int, _ *options) (*workload, error) {
	return newWorkload(newGenerator(plainMix, n), []class{
		{name: noMatch},
		{name: oneMatch, matches: 1},
		{name: fiveMatches, matches: knotSize},
	}, visitCount)
}

func wideWorkload(n int, _ *options) (*workload, error) {
	return newWorkload(newGenerator(wideMix, n), []class{
		{name: noMatch},
		{name: escapedPath},
		{name: oneMatch, matches: 1},
		{name: fiveMatches, matches: knotSize},
	}, visitCount)
}

func unseenWorkload(n int, o *options) (*workload, error) {
	block := unseenBlock
	if n > 10_000 {
		block /= 2
	}
	return newWorkload(newGenerator(plainMix, n), []class{
		{name: noMatch, block: block},
		{name: oneMatch, matches: 1, block: block},
	}, block*(o.roundsOf(n)+warmBlocks))
}

// unseenBlock is how many visits are in a block: enough for the clock, which
// counts in microseconds.
const unseenBlock = 256

// warmBlocks is how many blocks of fresh visits go before those that count: one
// to warm up what does not depend on the path and see how long it takes, one to
// count allocations.
const warmBlocks = 2

func newWorkload(g *generator, classes []class, visits int) (*workload, error) {
	w := &workload{rules: g.rules, campaigns: campaigns(g.rules), classes: classes}
	w.paused = slices.Clone(w.campaigns)
	for i := range w.paused {
		w.paused[i].Paused = true
	}
	for i := range w.classes {
		c := &w.classes[i]
		var err error
		c.visits, err = g.visits(visits, c.matches, c.block > 0, c.name == escapedPath)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return w, nil
}

// head is the workload with its first n rules and without visits.
func (w *workload) head(n int) *workload {
	return &workload{rules: w.rules[:n], campaigns: w.campaigns[:n]}
}

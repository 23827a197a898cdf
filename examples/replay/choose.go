package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A choice is a visit that was chosen for a campaign.
type choice struct {
	campaign campaign.Campaign
	visit    campaign.PageVisit
	line     int // of the log; 0 if the visit was given by itself
	why      campaign.Explanation

	// misses is how far the visit is from starting the campaign, apart from its
	// cooldown and from being paused; 0 if it is not.
	misses int
}

// chosen is choose for all campaigns that the flags name, once these are checked.
func (in *inputs) chosen(ctx context.Context, cooldowns bool, std stdio) ([]choice, error) {
	if err := in.checkVisitFlags(); err != nil {
		return nil, err
	}
	campaigns, err := in.campaigns()
	if err != nil {
		return nil, err
	}
	in.saySample(false, std.err)
	return in.choose(ctx, campaigns, cooldowns, std)
}

// choose returns a visit for each campaign: the one that the flags name, or of a
// log the first that starts the campaign, or else the first of those that come
// nearest to it. A visit on a named line is explained with the cooldowns that
// the log has begun by then, if wanted.
func (in *inputs) choose(ctx context.Context, campaigns campaign.Campaigns, cooldowns bool, std stdio) ([]choice, error) {
	engine, err := newDryEngine(campaigns)
	if err != nil {
		return nil, err
	}
	if in.visit != "" {
		visit, err := in.oneVisit(std.in)
		if err != nil {
			return nil, err
		}
		return usable(choicesOf(engine, campaigns, visit, 0))
	}
	log, err := in.openVisits(ctx, std)
	if err != nil {
		return nil, err
	}
	defer log.close()
	if in.line > 0 {
		visit, err := log.at(ctx, in.line, func(before campaign.PageVisit) {
			if cooldowns {
				_, _ = engine.Visit(ctx, before) // what cannot be run has begun no cooldown
			}
		})
		if err != nil {
			return nil, err
		}
		return usable(choicesOf(engine, campaigns, visit, in.line))
	}
	return chooseFirst(ctx, engine, campaigns, log)
}

// newDryEngine returns an engine that sends nothing.
func newDryEngine(campaigns campaign.Campaigns) (*campaign.Engine, error) {
	accept := func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil }
	engine, err := campaign.NewEngine(campaign.SenderFunc(accept), &campaign.EngineOptions{Tracker: newCooldowns()})
	if err != nil {
		return nil, err
	}
	return engine, engine.Load(campaigns...)
}

func choicesOf(engine *campaign.Engine, campaigns campaign.Campaigns, visit campaign.PageVisit, line int) []choice {
	explanations := engine.Explain(visit)
	choices := make([]choice, len(campaigns))
	for i, x := range explanations {
		choices[i] = choice{campaigns[i], visit, line, x, misses(x)}
	}
	return choices
}

// usable returns the choices, or what is wrong with the visit if no campaign can
// use it.
func usable(choices []choice) ([]choice, error) {
	for _, c := range choices {
		if c.why.Reason != campaign.ReasonBadVisit {
			return choices, nil
		}
	}
	if len(choices) == 0 {
		return nil, nil
	}
	return nil, fmt.Errorf("%s cannot be used: %s", choices[0].place(), errorLine(choices[0].why.Err))
}

// chooseFirst reads the log until each campaign has a visit that starts it.
func chooseFirst(ctx context.Context, engine *campaign.Engine, campaigns campaign.Campaigns, log *visitLog) ([]choice, error) {
	var nearest []choice
	for visit := range log.all(ctx) {
		open := false
		now := choicesOf(engine, campaigns, visit, log.line.Number)
		if nearest == nil {
			nearest = now
		}
		for i := range now {
			if now[i].misses < nearest[i].misses {
				nearest[i] = now[i]
			}
			open = open || nearest[i].misses > 0
		}
		if !open {
			return nearest, nil
		}
	}
	switch {
	case log.err != nil:
		return nil, log.err
	case nearest == nil && log.counts.NotRead > 0:
		l := log.counts.FirstNotRead[0]
		return nil, fmt.Errorf("the log has no visit; of %s %d could not be read, the first: line %d %s: %s",
			plural(log.counts.Lines, "line", "lines"), log.counts.NotRead, l.Line, l.Reason, l.Text)
	case nearest == nil && len(campaigns) > 0:
		return nil, fmt.Errorf("the log has no visit; it has %s", plural(log.counts.Lines, "line", "lines"))
	}
	return nearest, nil
}

// unusable is more misses than a condition can have.
const unusable = 1 << 30

// misses counts two for each comparison that would have to come out otherwise,
// and for the audience. That leaves one for a visit which has all of that, and
// lacks no more than what the payload needs: none of the others got as far.
func misses(x campaign.Explanation) int {
	switch x.Reason {
	case campaign.ReasonBadVisit:
		return unusable
	case campaign.ReasonCannotRender:
		return 1
	}
	n := 2 * distance(x.Condition, true)
	if !x.InAudience {
		n += 2
	}
	return n
}

// distance returns how many comparisons would have to come out the other way for
// the finding to hold, or not to.
func distance(f campaign.Finding, want bool) int {
	switch {
	case f.Holds == want:
		return 0
	case f.Kind == "comparison":
		return 1
	case f.Kind == "not":
		return distance(f.Of[0], !want)
	}
	all, least := 0, unusable
	for _, sub := range f.Of {
		n := distance(sub, want)
		all += n
		least = min(least, n)
	}
	if (f.Kind == "all") == want {
		return all
	}
	return least
}

// place says for people which visit it is, on one line.
func (c *choice) place() string {
	switch {
	case c.line == 0:
		return "the visit"
	case c.visit.Time.IsZero():
		return fmt.Sprintf("line %d, %s", c.line, shorten(c.visit.URL))
	}
	return fmt.Sprintf("line %d, %s, %s", c.line, c.visit.Time.UTC().Format(time.DateTime+" MST"), shorten(c.visit.URL))
}

// reason says for people why the visit does not start the campaign.
func (c *choice) reason() string {
	switch c.why.Reason {
	case campaign.ReasonPaused:
		return "the campaign is paused"
	case campaign.ReasonCondition:
		return "the visit does not meet the condition"
	case campaign.ReasonUnknownProfile:
		return "the visitor is not in the audience"
	case campaign.ReasonCoolingDown:
		return "the profile is left alone"
	}
	if c.why.Err != nil {
		return errorLine(c.why.Err)
	}
	return string(c.why.Reason)
}

package backtest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// absent looks for the fields of conditions that no visit has. A log that lacks
// what a ProfileSource knows, or what the page says of itself, gives a campaign a
// zero that looks like an answer.
type absent struct {
	of     [][]campaign.Field // by campaign, each once
	fields []campaign.Field   // that no visit has had so far
	source bool               // there is a ProfileSource
	asks   bool               // a visit has been there for which it may be asked

	// probe has a campaign for each of these, so that what a visit has is the
	// engine's to say.
	probe *campaign.Engine
}

// maxAbsent is how many fields are looked for. Those that no visit has cost a look at
// every visit.
const maxAbsent = 256

func newAbsent(campaigns []campaign.Campaign, from *source) (*absent, error) {
	a := &absent{of: make([][]campaign.Field, len(campaigns)), source: from != nil}
	for i, c := range campaigns {
		if !c.Paused { // of those nothing is reported
			a.of[i] = asked(c)
		}
		for _, f := range a.of[i] {
			if len(a.fields) < maxAbsent && !slices.Contains(a.fields, f) {
				a.fields = append(a.fields, f)
			}
		}
	}
	var err error
	if a.probe, err = campaign.NewEngine(campaign.SenderFunc(accept), nil); err != nil {
		return nil, err
	}
	return a, a.load()
}

// asked returns the fields that the condition of a campaign compares.
func asked(c campaign.Campaign) []campaign.Field {
	var fields []campaign.Field
	var ask func(when campaign.Condition)
	ask = func(when campaign.Condition) {
		switch x := when.(type) {
		case campaign.Comparison:
			if !slices.Contains(fields, x.Field) {
				fields = append(fields, x.Field)
			}
		case campaign.All:
			for _, part := range x {
				ask(part)
			}
		case campaign.Any:
			for _, part := range x {
				ask(part)
			}
		case campaign.Not:
			ask(x.Of)
		}
	}
	for _, node := range c.Nodes {
		if trigger, ok := node.(campaign.WebsiteTrigger); ok {
			ask(trigger.When)
		}
	}
	return fields
}

// mayBeLoaded reports whether a ProfileSource can know the field: not the ID.
func mayBeLoaded(f campaign.Field) bool {
	return strings.HasPrefix(string(f), "profile.") && f != "profile.id" && f != "profile.profileid"
}

// load puts a campaign into the probe for each field that is left.
func (a *absent) load() error {
	probes := make([]campaign.Campaign, len(a.fields))
	for i, f := range a.fields {
		probes[i] = probe(i, f.Exists())
	}
	return a.probe.Load(probes...)
}

// look looks for the fields in a visit that was used.
func (a *absent) look(v campaign.PageVisit) error {
	if a.source && !a.asks && v.Profile.ID != "" && !v.Profile.Complete {
		a.asks = true
		a.fields = slices.DeleteFunc(a.fields, mayBeLoaded)
		if err := a.load(); err != nil {
			return err
		}
	}
	if len(a.fields) == 0 {
		return nil
	}
	// No error is possible: the visit was readable, and nothing waits.
	outcomes, _ := a.probe.Visit(context.Background(), v)
	if len(outcomes) == 0 {
		return nil
	}
	for _, out := range slices.Backward(outcomes) { // they are in the order of the fields
		n, err := strconv.Atoi(out.Campaign)
		if err != nil {
			return err
		}
		a.fields = slices.Delete(a.fields, n, n+1)
	}
	return a.load()
}

// report returns the fields of a campaign's condition that no visit had.
func (a *absent) report(i int) []campaign.Field {
	var found []campaign.Field
	for _, f := range a.of[i] {
		if slices.Contains(a.fields, f) {
			found = append(found, f)
		}
	}
	return found
}

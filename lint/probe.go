package lint

import (
	"context"
	"strings"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

// What a comparison holds for, and how an address is read, is not written down a
// second time: the library itself is asked, by a campaign made for the question.

// patience is how many questions one campaign is worth. It ends what would take
// time with the square of a very large condition.
const patience = 300_000

// ask reports whether there is patience for n more questions.
func (l *linter) ask(n int) bool {
	l.patience -= n
	return l.patience >= 0
}

// probe reports whether a condition holds for a visit.
func probe(c campaign.Condition, v campaign.PageVisit) bool {
	ok, err := questionOf(c).Match(v)
	return ok && err == nil
}

// questionOf returns a campaign that does nothing but to ask for a condition.
func questionOf(c campaign.Condition) campaign.Campaign {
	return campaign.Campaign{ID: "probe", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: c},
		campaign.Webhook{URL: "https://probe.example/"},
		campaign.Stop{},
	}}
}

func visitWith(v any) campaign.PageVisit {
	return campaign.PageVisit{URL: "/", Data: map[string]any{"v": v}}
}

// newEngine returns an engine with campaigns, to ask and not to send with.
func newEngine(campaigns ...campaign.Campaign) (*campaign.Engine, error) {
	nowhere := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil })
	engine, err := campaign.NewEngine(nowhere, nil)
	if err != nil {
		return nil, err
	}
	return engine, engine.Load(campaigns...)
}

// holdsFor is the function holdsFor of the comparison. A regex is compiled once,
// since that can take longer than all else: many texts may be held against it.
func (a *atom) holdsFor(v any) bool {
	if a.Op != campaign.OpRegex {
		return holdsFor(a.Comparison, v)
	}
	if a.regex == nil {
		c := a.Comparison
		c.Field = campaign.VisitField("v")
		engine, err := newEngine(questionOf(c))
		if err != nil {
			panic("lint: a valid comparison is not valid: " + err.Error())
		}
		a.regex = engine
	}
	return a.regex.Explain(visitWith(v))[0].Condition.Holds
}

// holdsFor reports whether the comparison holds for a field that is v. What the
// path and URL fields forgive is not forgiven: see atom.values.
func holdsFor(c campaign.Comparison, v any) bool {
	if s, ok := v.(string); ok && !c.IgnoreCase {
		want, _ := c.Value.(string)
		switch c.Op { // most questions are these, and need no campaign
		case campaign.OpContains:
			return strings.Contains(s, want)
		case campaign.OpStartsWith:
			return strings.HasPrefix(s, want)
		case campaign.OpEndsWith:
			return strings.HasSuffix(s, want)
		}
	}
	c.Field = campaign.VisitField("v")
	return probe(c, visitWith(v))
}

// foldKey is the same for all texts that are equal without case.
func foldKey(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

// isASCII reports whether s is ASCII, or may be equal to what is, without case.
func isASCII(s string, fold bool) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII && !(fold && (r == 'ſ' || r == '\u212a'))
	}) < 0
}

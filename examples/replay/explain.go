package main

import (
	"context"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

const explainUsage = `Usage: replay explain [flags]

Explain says for each campaign why it starts for a visit, or why not.

  replay explain
  replay explain -campaigns campaigns.json -log access.log.gz -line 1207
  replay explain -campaigns campaigns.json -log access.log.gz -campaign shoes
  replay explain -campaigns campaigns.json -visit '{"url": "/shoes/42", "profile": {"id": "p-1", "known": true}}'

With -line the visit is one of a log, and the lines before it count: the profile may
be left alone because of one of these. Without -line and -visit, it explains for each
campaign the first visit of the log that starts it; or, if none does, the first of
those that come nearest: that lack only what the payload needs, or else of which
the fewest comparisons would have to come out otherwise.

What it shows of a visit may be personal data. The exit status is 0 whether or not a
campaign starts.
` + visitUsage

// An explained is what the command prints of a campaign in JSON.
type explained struct {
	Campaign   string             `json:"campaign"`
	Name       string             `json:"name,omitempty"`
	Reason     campaign.Reason    `json:"reason"`         // why it starts for the visit, or does not
	Line       int                `json:"line,omitempty"` // of the log
	Visit      campaign.PageVisit `json:"visit"`
	Audience   string             `json:"audience"`
	InAudience bool               `json:"in_audience"`
	Until      time.Time          `json:"until,omitzero"` // the end of the cooldown
	Error      string             `json:"error,omitempty"`
	Condition  *explainedPart     `json:"condition,omitempty"`
}

// An explainedPart is a part of a condition.
type explainedPart struct {
	Pointer    string          `json:"pointer"`
	Kind       string          `json:"kind"`
	Holds      bool            `json:"holds"`
	Of         []explainedPart `json:"of,omitempty"`
	Field      campaign.Field  `json:"field,omitempty"`
	Op         campaign.Op     `json:"op,omitempty"`
	Value      any             `json:"value,omitempty"`
	IgnoreCase bool            `json:"ignore_case,omitempty"`
	Found      any             `json:"found,omitempty"`
	Missing    bool            `json:"missing,omitempty"`
}

func runExplain(ctx context.Context, args []string, std stdio) error {
	var in inputs
	flags := newFlags("explain")
	in.campaignFlags(flags)
	in.idFlag(flags)
	in.logFlags(flags)
	in.visitFlags(flags)
	if err := in.parseFlags(flags, explainUsage, args, std.out); err != nil {
		return err
	}
	choices, err := in.chosen(ctx, true, std)
	if err != nil {
		return err
	}
	if in.json {
		all := make([]explained, len(choices))
		for i := range choices {
			all[i] = choices[i].explain()
		}
		return writeJSON(std.out, all)
	}
	return writeText(std.out, explanations(choices, in.visit != "" || in.line > 0))
}

// explanations shows the explanations for people. One is that of the visit that
// was asked for, all of them are if one is.
func explanations(choices []choice, one bool) string {
	if len(choices) == 0 {
		return "there are no campaigns\n"
	}
	var b strings.Builder
	if one && choices[0].line > 0 {
		b.WriteString(choices[0].place() + "\n\n")
	}
	for i := range choices {
		c := &choices[i]
		if i > 0 {
			b.WriteString("\n")
		}
		switch {
		case one:
		case c.misses == 0:
			b.WriteString(c.place() + ", the first visit that starts it:\n")
		default:
			b.WriteString(c.place() + ", no visit starts it and this one comes nearest:\n")
		}
		b.WriteString(c.why.String())
	}
	return b.String()
}

func (c *choice) explain() explained {
	x := explained{
		Campaign: c.why.Campaign, Name: c.why.Name, Reason: c.why.Reason,
		Line: c.line, Visit: c.visit,
		Audience: c.why.Audience.String(), InAudience: c.why.InAudience, Until: c.why.Until,
	}
	if c.why.Err != nil {
		x.Error = c.why.Err.Error()
	}
	if c.why.Condition.Kind != "" {
		part := partOf(c.why.Condition)
		x.Condition = &part
	}
	return x
}

func partOf(f campaign.Finding) explainedPart {
	part := explainedPart{
		Pointer: f.Pointer, Kind: f.Kind, Holds: f.Holds,
		Field: f.Comparison.Field, Op: f.Comparison.Op, Value: f.Comparison.Value, IgnoreCase: f.Comparison.IgnoreCase,
		Found: f.Found, Missing: f.Missing,
	}
	for _, sub := range f.Of {
		part.Of = append(part.Of, partOf(sub))
	}
	return part
}

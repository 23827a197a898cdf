package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A rule is what one campaign wants of a visit, in a form that no peer owns:
// each peer translates it into its own language.
type rule struct {
	kind     kind
	text     string         // what the path, the profile field or the parameter is compared with; the page type of typed
	category string         // of typed
	re       *regexp.Regexp // of regex; the oracle's
	known    bool           // wants a known profile

	// hit and miss are paths of visits that satisfy the rule and just fail
	// it. A {} in them stands for anything.
	hit, miss string
}

type kind int

const (
	prefix kind = iota
	equals
	contains
	regex
	typed // page type and item category
	suffix
	glob
	segment     // a profile field
	param       // a query parameter
	kinds   int = iota
)

// The one profile field and the one parameter that rules look at. A peer is
// handed their values, so more names would change nothing for it.
const (
	segmentField = "segment"
	paramName    = "utm_campaign"
)

// pathExpr is the rule as a regular expression on the path, for the kinds that
// look at the path. end is what the path ends with.
func (r *rule) pathExpr(end string) string {
	quoted := regexp.QuoteMeta(r.text)
	switch r.kind {
	case prefix:
		return "^" + quoted
	case equals:
		return "^" + quoted + "/?" + end
	case contains:
		return quoted
	case suffix:
		return quoted + end
	case glob:
		return "^" + globExpr(r.text) + end
	default:
		if expr, ok := strings.CutSuffix(r.text, "$"); ok {
			return expr + end
		}
		return r.text
	}
}

// globExpr is a glob without escapes as a regular expression.
func globExpr(pattern string) string {
	return strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
}

// onPath reports whether the rule looks at the path alone.
func (r *rule) onPath() bool {
	return r.kind != typed && r.kind != segment && r.kind != param
}

func (r *rule) condition() campaign.Condition {
	switch r.kind {
	case prefix:
		return campaign.PagePath.StartsWith(r.text)
	case equals:
		return campaign.PagePath.Equals(r.text)
	case contains:
		return campaign.PagePath.Contains(r.text)
	case regex:
		return campaign.PagePath.Regex(r.text)
	case suffix:
		return campaign.PagePath.EndsWith(r.text)
	case glob:
		return campaign.PagePath.Glob(r.text)
	case segment:
		return campaign.ProfileField(segmentField).Equals(r.text)
	case param:
		return campaign.PageQuery(paramName).Equals(r.text)
	default:
		return campaign.All{
			campaign.PageType.Equals(r.text),
			campaign.ItemCategory.Equals(r.category),
		}
	}
}

// campaigns turns each rule into a whole campaign, whose ID is the rule's index.
func campaigns(rules []rule) []campaign.Campaign {
	all := make([]campaign.Campaign, len(rules))
	for i := range rules {
		trigger := campaign.WebsiteTrigger{When: rules[i].condition(), Audience: campaign.AudienceAll}
		if rules[i].known {
			trigger.Audience = campaign.AudienceKnown
		}
		all[i] = campaign.Campaign{
			ID:   fmt.Sprint(i),
			Name: "Campaign " + fmt.Sprint(i),
			Nodes: []campaign.Node{
				trigger,
				campaign.Webhook{
					Method: "POST",
					URL:    "https://esp.example/v1/automations",
					Payload: campaign.Payload{
						campaign.FromProfile("profileid"),
						campaign.FromProfile("email"),
						campaign.Static("automationid", "A-17"),
					},
					Headers: campaign.Headers{{Name: "X-Source", Value: "webshop"}},
				},
				campaign.Stop{RestartTimeout: 7 * 24 * time.Hour},
			},
		}
	}
	return all
}

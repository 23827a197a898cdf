package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/hybridcampaign/campaign"
)

// A page is a visit already taken apart. The peers get it for nothing; this
// library gets the URL and has to do that itself, in the time that is measured.
type page struct {
	Path     string `expr:"path"`
	Plain    string `expr:"plain"` // the path without one trailing slash, for equals
	Type     string `expr:"type"`
	Category string `expr:"category"`
	Segment  string `expr:"segment"`
	Param    string `expr:"param"`
	Known    bool   `expr:"known"`
}

// A visit is one visit in every form that a peer takes, made before anything is
// measured.
type visit struct {
	url     string
	page    page
	subject string // what a set of regular expressions searches
	vars    cel.Activation

	known     campaign.PageVisit
	anonymous campaign.PageVisit // the same by a visitor without a profile

	want []int32 // the rules that the visit satisfies, by the oracle
}

func newVisit(rawURL string, p page) (*visit, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	p.Path = u.Path
	p.Plain = strings.TrimSuffix(u.Path, "/")
	p.Param = u.Query().Get(paramName)
	v := &visit{
		url:     rawURL,
		page:    p,
		subject: strings.Join([]string{p.Path, p.Type, p.Category, p.Segment, p.Param, ""}, "\n"),
		anonymous: campaign.PageVisit{
			URL:  rawURL,
			Type: p.Type,
			Item: campaign.Item{ID: "sku-4711", Category: p.Category},
		},
	}
	fields := map[string]any{"email": "ada@example.org", "country": "NL", "gender": "f"}
	if p.Segment != "" {
		fields[segmentField] = p.Segment
	}
	v.anonymous.Profile.Fields = fields
	v.known = v.anonymous
	v.known.Profile.ID, v.known.Profile.Known = "p-1", true
	// Values that cel-go need not convert, so that its time is its own.
	v.vars, err = cel.NewActivation(map[string]any{
		"path":     types.String(p.Path),
		"plain":    types.String(p.Plain),
		"type":     types.String(p.Type),
		"category": types.String(p.Category),
		"segment":  types.String(p.Segment),
		"param":    types.String(p.Param),
		"known":    types.Bool(p.Known),
	})
	return v, err
}

// unknown is the visit by somebody whom the host does not know, as the peers
// see it.
func (v *visit) unknown() (*visit, error) {
	p := v.page
	p.Known = false
	return newVisit(v.url, p)
}

// A class is visits that satisfy equally many rules.
type class struct {
	name    string
	matches int
	visits  []*visit

	// block is 0 if all rounds use the same visits. Otherwise each round takes
	// the next block of so many visits, whose paths no peer has seen before.
	block int
}

// visits makes count visits that satisfy exactly matches rules. Every path is
// another one if fresh is set; escaped puts percent-encoding into the paths.
func (g *generator) visits(count, matches int, fresh, escaped bool) ([]*visit, error) {
	var all []*visit
	for tries := 0; len(all) < count; tries++ {
		if tries > 1000+100*count {
			return nil, fmt.Errorf("found %d of %d visits with %d matches among %d rules", len(all), count, matches, len(g.rules))
		}
		rawURL, p, ok := g.candidate(matches, fresh, escaped)
		if !ok {
			continue
		}
		v, err := newVisit(rawURL, p)
		if err != nil {
			return nil, err
		}
		if v.want, err = oracle(g.rules, v); err != nil {
			return nil, err
		}
		if len(v.want) == matches {
			all = append(all, v)
		}
	}
	return all, nil
}

// candidate makes a visit that is likely to satisfy so many rules. The oracle
// decides whether it does.
func (g *generator) candidate(matches int, fresh, escaped bool) (rawURL string, p page, ok bool) {
	p = page{Type: g.pageType(), Category: g.category(), Segment: g.segmentValue(), Known: true}
	path, utm := "", g.paramValue()
	switch r := &g.rules[g.rand.IntN(len(g.rules))]; {
	case matches > 1:
		k := g.knots[g.rand.IntN(len(g.knots))]
		path, utm, p.Type, p.Category = k.path, k.param, k.pageType, k.category
	case matches == 1:
		path = r.hit
		switch r.kind {
		case typed:
			p.Type, p.Category = r.text, r.category
		case segment:
			p.Segment = r.text
		case param:
			utm = r.text
		case equals:
			path += g.pick([]string{"", "/"})
		}
	default:
		// One in two only just misses a rule; the others are somewhere else.
		path = g.pick([]string{r.miss, "/" + g.section() + "/" + g.slug() + "/{}"})
		if r.kind == typed && r.miss == path {
			p.Category = r.category
			p.Type = g.pageType()
		}
	}
	if fresh && !strings.Contains(path, "{}") {
		return "", p, false
	}
	tail := fmt.Sprintf("%s-%d", g.slug(), g.rand.IntN(1_000_000))
	if escaped {
		tail = "f%C3%BCr-" + tail
	}
	path = strings.Replace(path, "{}", tail, 1)
	if fresh && g.taken[path] {
		return "", p, false
	}
	g.taken[path] = true
	return "https://www.shop.example" + path + g.query(utm), p, true
}

// query is what trackers and forms leave in a shop's addresses.
func (g *generator) query(utm string) string {
	query := "?utm_source=newsletter&utm_medium=email&" + paramName + "=" + utm
	switch g.rand.IntN(4) {
	case 0:
		query = "?" + paramName + "=" + utm + "&size=44&color=red"
	case 1:
		query += fmt.Sprintf("&gclid=EAIaIQobChMI%016xEAAYASAAEgL%08x", g.rand.Uint64(), g.rand.Uint32())
	case 2:
		query += "#reviews"
	}
	return query
}

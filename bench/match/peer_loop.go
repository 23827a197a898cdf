package main

import (
	"regexp"
	"strings"
)

// structLoop is what a careful engineer writes without a library.
type structLoop struct {
	answers
	rules []structRule
}

type structRule struct {
	kind           kind
	known          bool
	text, category string
	re             *regexp.Regexp
}

func buildStructLoop(w *workload) (peer, error) {
	p := &structLoop{rules: make([]structRule, len(w.rules))}
	for i, r := range w.rules {
		p.rules[i] = structRule{kind: r.kind, known: r.known, text: r.text, category: r.category}
		if r.kind != regex {
			continue
		}
		re, err := regexp.Compile(r.text)
		if err != nil {
			return nil, err
		}
		p.rules[i].re = re
	}
	return p, nil
}

func (p *structLoop) run(v *visit) {
	p.hits = p.hits[:0]
	for i := range p.rules {
		r := &p.rules[i]
		if (!r.known || v.page.Known) && r.holds(&v.page) {
			p.hits = append(p.hits, int32(i))
		}
	}
}

func (r *structRule) holds(p *page) bool {
	switch r.kind {
	case prefix:
		return strings.HasPrefix(p.Path, r.text)
	case equals:
		return p.Plain == r.text
	case contains:
		return strings.Contains(p.Path, r.text)
	case regex:
		return r.re.MatchString(p.Path)
	case typed:
		return p.Type == r.text && p.Category == r.category
	case suffix:
		return strings.HasSuffix(p.Path, r.text)
	case glob:
		return fitsGlob(r.text, p.Path)
	case segment:
		return p.Segment == r.text
	default:
		return p.Param == r.text
	}
}

// fitsGlob goes back to the latest star only, which is enough.
func fitsGlob(pattern, s string) bool {
	star, retry := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, retry = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]):
			i++
			j++
		case star >= 0:
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}

// regexpLoop has a regular expression for every rule on the path.
type regexpLoop struct {
	answers
	rules []structRule
}

func buildRegexpLoop(w *workload) (peer, error) {
	p := &regexpLoop{rules: make([]structRule, len(w.rules))}
	for i := range w.rules {
		r := &w.rules[i]
		p.rules[i] = structRule{kind: r.kind, known: r.known, text: r.text, category: r.category}
		if !r.onPath() {
			continue
		}
		re, err := regexp.Compile(r.pathExpr("$"))
		if err != nil {
			return nil, err
		}
		p.rules[i].re = re
	}
	return p, nil
}

func (p *regexpLoop) run(v *visit) {
	p.hits = p.hits[:0]
	for i := range p.rules {
		r := &p.rules[i]
		if r.known && !v.page.Known {
			continue
		}
		if r.re != nil && r.re.MatchString(v.page.Path) || r.re == nil && r.holds(&v.page) {
			p.hits = append(p.hits, int32(i))
		}
	}
}

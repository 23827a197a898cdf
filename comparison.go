package campaign

import (
	"regexp"
	"slices"
	"strings"
)

// Deciding a condition for one visit. This is the rule; the index only finds
// the campaigns for which it is worth asking.

// A conditionProgram is a compiled Condition: plain structs, so that deciding it
// neither allocates nor lets the visit escape to the heap, as a call through the
// Condition interface would.
type conditionProgram struct {
	kind conditionKind
	subs []conditionProgram // of All and Any; one of Not
	cmp  comparison
}

type conditionKind uint8

const (
	conditionCompare conditionKind = iota
	conditionAll
	conditionAny
	conditionNot
)

// A comparison is a compiled Comparison. What every visit reads comes first,
// and fits into a line of the cache.
type comparison struct {
	field fieldRef
	op    opCode
	fold  bool
	slash bool                // equals and in forgive one trailing slash
	value scalar              // what the field is compared with, but for in
	list  []scalar            // the values of in
	set   map[string]struct{} // the same as a set, if they are many texts
	re    *regexp.Regexp
	def   Comparison
}

// eval decides t for one visit.
func (t *conditionProgram) eval(v *view) bool {
	switch t.kind {
	case conditionCompare:
		return t.cmp.eval(v)
	case conditionAll:
		for i := range t.subs {
			if !t.subs[i].eval(v) {
				return false
			}
		}
		return true
	case conditionAny:
		for i := range t.subs {
			if t.subs[i].eval(v) {
				return true
			}
		}
		return false
	default:
		return !t.subs[0].eval(v)
	}
}

func (c *comparison) eval(v *view) bool {
	switch c.field.kind {
	case fieldPageQuery:
		return c.evalQuery(&v.page, v)
	case fieldReferrerQuery:
		return v.hasReferrer() && c.evalQuery(&v.referrer, v)
	case fieldItem:
		if s, ok := v.visit.Item.named(c.field.name); ok {
			return c.matchText(s)
		}
		value, ok := lookup(v.visit.Item.Fields, c.field.name)
		return ok && c.matchAny(value)
	case fieldProfile:
		if s, ok := v.visit.Profile.named(c.field.name); ok {
			return c.matchText(s)
		}
		value, ok := v.profileField(c.field.name)
		return ok && c.matchAny(value)
	case fieldVisit:
		value, ok := lookup(v.visit.Data, c.field.name)
		return ok && c.matchAny(value)
	default:
		s, ok := v.text(c.field.kind)
		return ok && c.matchText(s)
	}
}

// evalQuery tests each parameter with the name in turn.
func (c *comparison) evalQuery(from *location, v *view) bool {
	query, plain := from.params(), from.plainQuery()
	for {
		value, rest, found := nextParam(query, c.field.name, plain)
		if !found {
			return false
		}
		if c.op == codeExists || c.matchText(v.arena.formText(value)) {
			return true
		}
		query = rest
	}
}

// matchText decides the comparison for a text value.
func (c *comparison) matchText(s string) bool {
	switch c.op {
	case codeExists:
		return true
	case codeEquals:
		if c.value.kind != scalarText {
			return false
		}
		return c.equalText(s, c.value.text)
	case codeIn:
		return c.inTexts(s)
	case codeContains:
		if c.fold {
			return containsFold(s, c.value.text)
		}
		return strings.Contains(s, c.value.text)
	case codeStartsWith:
		if c.fold {
			_, ok := cutPrefixFold(s, c.value.text)
			return ok
		}
		return strings.HasPrefix(s, c.value.text)
	case codeEndsWith:
		if c.fold {
			return hasSuffixFold(s, c.value.text)
		}
		return strings.HasSuffix(s, c.value.text)
	case codeGlob:
		return matchGlob(c.value.text, s, c.fold)
	case codeRegex:
		return c.re.MatchString(s)
	}
	return false // an ordering, and s is not a number
}

func (c *comparison) inTexts(s string) bool {
	if c.set != nil {
		_, ok := c.set[c.field.plain(s)]
		return ok
	}
	for i := range c.list {
		if c.list[i].kind == scalarText && c.equalText(s, c.list[i].text) {
			return true
		}
	}
	return false
}

func (c *comparison) equalText(s, want string) bool {
	if !c.slash {
		return equalFold(s, want, c.fold)
	}
	path, query := c.field.withoutSlash(s)
	wantPath, wantQuery := c.field.withoutSlash(want)
	return equalFold(path, wantPath, c.fold) && equalFold(query, wantQuery, c.fold)
}

func equalFold(a, b string, fold bool) bool {
	if fold {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// matchScalar decides the comparison for a bool or a number.
func (c *comparison) matchScalar(s scalar) bool {
	switch c.op {
	case codeExists:
		return true
	case codeEquals:
		return s.equal(c.value)
	case codeIn:
		return slices.ContainsFunc(c.list, s.equal)
	}
	if s.kind != scalarNumber || c.value.kind != scalarNumber {
		return false
	}
	order, ok := s.num.compare(c.value.num)
	if !ok {
		return false
	}
	switch c.op {
	case codeLess:
		return order < 0
	case codeAtMost:
		return order <= 0
	case codeGreater:
		return order > 0
	case codeAtLeast:
		return order >= 0
	}
	return false // an operator on text
}

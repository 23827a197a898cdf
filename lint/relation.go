package lint

import (
	"slices"

	"github.com/hybridcampaign/campaign"
)

// implies reports whether y surely holds for every visit for which x does. What
// it cannot see, or has no patience for, it does not say.
func (l *linter) implies(x, y *node) bool {
	if !l.ask(1) {
		return false
	}
	if x.kind == compareNode && y.kind == compareNode {
		return l.atomImplies(x.atom, y.atom)
	}
	if x.kind == notNode && y.kind == notNode && l.implies(y.subs[0], x.subs[0]) {
		return true
	}
	if x.kind == notNode && x.subs[0].kind == notNode {
		return l.implies(x.subs[0].subs[0], y)
	}
	if x.kind == anyNode {
		return every(x.subs, func(sub *node) bool { return l.implies(sub, y) })
	}
	if y.kind == allNode {
		return every(y.subs, func(sub *node) bool { return l.implies(x, sub) })
	}
	if x.kind == allNode && some(x.subs, func(sub *node) bool { return l.implies(sub, y) }) {
		return true
	}
	if y.kind == anyNode {
		return some(y.subs, func(sub *node) bool { return l.implies(x, sub) })
	}
	return y.kind == notNode && l.excludes(x, y.subs[0])
}

// excludes reports whether x and y surely hold for no visit together.
func (l *linter) excludes(x, y *node) bool {
	if !l.ask(1) {
		return false
	}
	if x.kind == compareNode && y.kind == compareNode {
		return isSingle(x.atom.Field) && l.noValueMeets(x.atom, y.atom)
	}
	if x.kind == notNode && l.implies(y, x.subs[0]) || y.kind == notNode && l.implies(x, y.subs[0]) {
		return true
	}
	for range 2 {
		either := func(sub *node) bool { return l.excludes(sub, y) }
		if x.kind == allNode && some(x.subs, either) || x.kind == anyNode && every(x.subs, either) {
			return true
		}
		x, y = y, x
	}
	return false
}

// coverAll reports whether for every visit x or y surely holds.
func (l *linter) coverAll(x, y *node) bool {
	return x.kind == notNode && l.implies(x.subs[0], y) || y.kind == notNode && l.implies(y.subs[0], x)
}

func some(nodes []*node, f func(*node) bool) bool {
	return slices.ContainsFunc(nodes, f)
}

func every(nodes []*node, f func(*node) bool) bool {
	return !some(nodes, func(n *node) bool { return !f(n) })
}

// atomImplies reports whether each value that meets a surely meets b. That is
// enough where a field has several values, too.
func (l *linter) atomImplies(a, b *atom) bool {
	switch {
	case a.Field != b.Field:
		return false
	case b.Op == campaign.OpExists:
		return true
	case a.values != nil:
		return l.valuesImply(a, b)
	case a.Op == b.Op && a.Value == b.Value && a.Op == campaign.OpRegex:
		return a.IgnoreCase == b.IgnoreCase // [^a] without case is met by less than with
	case a.Op == b.Op && a.Value == b.Value:
		return b.IgnoreCase || !a.IgnoreCase
	case isOrdering(a.Op) && isOrdering(b.Op):
		return orderingImplies(a, b)
	case b.reach == everything:
		return isTextual(a.Op)
	case a.IgnoreCase && !b.IgnoreCase:
		return false
	}
	within := b.Op == campaign.OpContains
	switch a.Op {
	case campaign.OpStartsWith:
		within = within || b.Op == campaign.OpStartsWith
	case campaign.OpEndsWith:
		within = within || b.Op == campaign.OpEndsWith
	case campaign.OpContains:
	default:
		return false
	}
	return within && holdsFor(b.Comparison, a.Value)
}

func (l *linter) valuesImply(a, b *atom) bool {
	for _, v := range a.values {
		_, text := v.(string)
		fold := a.IgnoreCase && text // all the texts that are equal without case
		switch {
		case fold && (!b.IgnoreCase || b.Op == campaign.OpRegex):
			return false
		case b.is[v]:
		case b.values != nil && !b.IgnoreCase:
			return false
		case !l.ask(1+len(b.values)) || !b.holdsFor(v):
			return false
		}
	}
	return true
}

// noValueMeets reports whether surely no single value meets both.
func (l *linter) noValueMeets(a, b *atom) bool {
	if a.Field != b.Field || a.Op == campaign.OpExists || b.Op == campaign.OpExists {
		return false
	}
	for range 2 {
		if a.values != nil {
			return l.noneMeets(a, b)
		}
		a, b = b, a
	}
	switch {
	case isOrdering(a.Op) && isOrdering(b.Op):
		return orderingsAreApart(a, b)
	case a.Op == b.Op && (a.Op == campaign.OpStartsWith || a.Op == campaign.OpEndsWith):
		// The shorter has to be in the longer. Both without case, if one is.
		one, other := a.Comparison, b.Comparison
		one.IgnoreCase = a.IgnoreCase || b.IgnoreCase
		other.IgnoreCase = one.IgnoreCase
		return !holdsFor(one, other.Value) && !holdsFor(other, one.Value)
	}
	return false
}

// noneMeets reports whether none of a's values meets b.
func (l *linter) noneMeets(a, b *atom) bool {
	for _, v := range a.values {
		fold := b.IgnoreCase
		if _, text := v.(string); text && a.IgnoreCase && isTextual(b.Op) {
			if b.Op == campaign.OpRegex {
				return false // see atomImplies
			}
			fold = true
			if b.values != nil && !onlyTexts(b.values) {
				return false // ignore_case is for text
			}
		}
		switch {
		case b.is[v]:
			return false
		case b.values != nil && !fold:
		case !l.ask(1+len(b.values)) || b.withCase(fold).holdsFor(v):
			return false
		}
	}
	return true
}

// withCase returns a, or where case is not to count, what a is without it.
func (a *atom) withCase(fold bool) *atom {
	if fold == a.IgnoreCase {
		return a
	}
	without := *a
	without.IgnoreCase = true
	return &without
}

func onlyTexts(values []any) bool {
	for _, v := range values {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

func isOrdering(op campaign.Op) bool { return isLower(op) || isUpper(op) }

// isLower reports whether op bounds a number from below.
func isLower(op campaign.Op) bool { return op == campaign.OpAtLeast || op == campaign.OpGreater }

// isUpper reports whether op bounds a number from above.
func isUpper(op campaign.Op) bool { return op == campaign.OpAtMost || op == campaign.OpLess }

// isTextual reports whether op is one that a text may meet.
func isTextual(op campaign.Op) bool { return op != campaign.OpExists && !isOrdering(op) }

// orderingImplies compares two bounds of one kind: above 5 is at least 5.
func orderingImplies(a, b *atom) bool {
	if isLower(a.Op) != isLower(b.Op) {
		return false
	}
	c := b.Comparison
	switch a.Op {
	case campaign.OpGreater:
		c.Op = campaign.OpAtLeast
	case campaign.OpLess:
		c.Op = campaign.OpAtMost
	}
	return holdsFor(c, a.Value)
}

// orderingsAreApart reports whether no number lies within a lower and an upper
// bound.
func orderingsAreApart(a, b *atom) bool {
	if isLower(a.Op) == isLower(b.Op) {
		return false
	}
	if isUpper(a.Op) {
		a, b = b, a
	}
	open := a.Comparison
	open.Op = campaign.OpGreater
	touching := a.Op == campaign.OpAtLeast && b.Op == campaign.OpAtMost && holdsFor(a.Comparison, b.Value)
	return !touching && !holdsFor(open, b.Value)
}

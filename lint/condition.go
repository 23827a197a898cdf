package lint

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// A verdict is what is sure of a condition by itself.
type verdict struct {
	truth truth
	told  bool // a warning says why; what follows from it is not said again
}

type truth uint8

const (
	open truth = iota
	never
	always
)

func (l *linter) checkTrigger(root *node) {
	if l.check(root).truth == never {
		return
	}
	hasID := &node{atom: newAtom(campaign.ProfileField("id").Exists())}
	for _, part := range root.flat(allNode) {
		if l.excludes(part, hasID) {
			l.warn(part.at, NoAudience, "holds only for visitors without a profile ID, and no campaign starts for them; remove it")
		}
	}
}

func (l *linter) check(n *node) verdict {
	switch n.kind {
	case allNode, anyNode:
		return l.checkGroup(n)
	case notNode:
		switch v := l.check(n.subs[0]); v.truth {
		case never:
			return verdict{always, v.told}
		case always:
			if !v.told {
				l.warn(n.at, NeverHolds, "no visit meets this: what must not hold holds for every visit; remove the not, or what is in it")
			}
			return verdict{never, true}
		}
		return verdict{}
	}
	return l.checkAtom(n)
}

func (l *linter) checkAtom(n *node) verdict {
	a := n.atom
	l.checkField(a.Field, key(n.at, "field"))
	if a.Op == campaign.OpExists {
		if isAlwaysThere(a.Field) {
			return verdict{truth: always} // for the group around it to tell, if there is one
		}
		return verdict{}
	}
	value := key(n.at, "value")
	switch a.reach {
	case everything:
		l.warn(value, MatchesEverything, "every text fits this; "+writeInstead(a.Field))
		if isAlwaysThere(a.Field) {
			return verdict{always, true}
		}
		return verdict{}
	case everyLine:
		l.warn(value, MatchesEverything, "every text of one line fits this; "+writeInstead(a.Field))
		return verdict{}
	case notEmpty:
		if isNeverEmpty(a.Field) {
			l.warn(value, MatchesEverything, "every "+string(a.Field)+" fits this; "+writeInstead(a.Field))
		}
		return verdict{}
	}
	return l.checkForm(n)
}

func writeInstead(f campaign.Field) string {
	if isAlwaysThere(f) {
		return "for every page write that page.path exists, or say which pages are meant"
	}
	return "write that " + string(f) + " exists, or say which texts are meant"
}

// checkGroup looks at an all or an any. Of the two, each is the other with true
// for false.
func (l *linter) checkGroup(n *node) verdict {
	// What decides the group, and what adds nothing to it.
	decides, nothing := never, always
	if n.kind == anyNode {
		decides, nothing = always, never
	}
	var members []*node
	result := verdict{truth: nothing}
	for _, sub := range n.subs {
		v := l.check(sub)
		if v.truth == always && !v.told && len(n.subs) > 1 {
			l.warn(sub.at, AlwaysHolds, alwaysHolds[n.kind])
			v.told = true
		}
		switch {
		case v.truth == decides:
			result = v
		case v.truth == open && result.truth == nothing:
			result = verdict{}
		case v.truth == nothing && result.truth == nothing:
			result.told = result.told || v.told
		}
		if v.truth == open {
			members = append(members, sub)
		}
	}
	if result.truth == decides {
		return result
	}
	if l.checkMembers(n, members) {
		return verdict{decides, true}
	}
	return result
}

var alwaysHolds = map[nodeKind]string{
	allNode: "every visit meets this, so it adds nothing to the others; remove it",
	anyNode: "every visit meets this, so the others beside it do not count; remove it, or them",
}

// A member is a part of a group, seen through groups of the same kind in it.
type member struct {
	*node
	of int // the position of the member of the group that it is in
}

// checkMembers holds the members of a group against each other, and reports
// whether two of them decide it. The members are open.
func (l *linter) checkMembers(n *node, nodes []*node) (decided bool) {
	var members []member
	for i, sub := range nodes {
		for _, part := range sub.flat(n.kind) {
			members = append(members, member{part, i})
		}
	}
	superfluous := make([]bool, len(members))
	for j, y := range members {
		for i, x := range members[:j] {
			if x.of == y.of && nodes[x.of].kind == n.kind || l.patience < 0 {
				continue // held against each other in the inner group
			}
			if l.checkPair(n.kind, x.node, y.node) {
				return true
			}
			// Of what is superfluous because of another, the other has to stay.
			if superfluous[i] || superfluous[j] {
				continue
			}
			switch first, second := l.superfluous(n.kind, x.node, y.node); {
			case second:
				superfluous[j] = true
				l.warn(y.at, Redundant, fmt.Sprintf(redundant[n.kind], x.at))
			case first:
				superfluous[i] = true
				l.warn(x.at, Redundant, fmt.Sprintf(redundant[n.kind], y.at))
			}
		}
	}
	return false
}

var redundant = map[nodeKind]string{
	allNode: "changes nothing, since it holds wherever this does: %s; remove it, or put the two into an any if one is enough",
	anyNode: "changes nothing, since it holds only where this does, too: %s; remove it, or put the two into an all if both are needed",
}

// superfluous reports which of two members could go, because of the other.
func (l *linter) superfluous(kind nodeKind, x, y *node) (first, second bool) {
	if kind == anyNode {
		x, y = y, x
	}
	return l.implies(y, x), l.implies(x, y)
}

// checkPair warns of two members of a group that cannot both hold, or of which
// one always does. It reports whether they decide the group.
func (l *linter) checkPair(kind nodeKind, x, y *node) bool {
	if kind == anyNode {
		if !l.coverAll(x, y) {
			return false
		}
		l.warn(y.at, AlwaysHolds, "this or "+x.at+" holds for every visit; say which pages are meant, or remove both")
		return true
	}
	if l.excludes(x, y) {
		l.warn(y.at, NeverHolds, "no visit meets this and also "+x.at+"; correct or remove one of the two, or put them into an any if one is enough")
		return true
	}
	if x.kind == compareNode && y.kind == compareNode && l.isEmptyRange(x.atom, y.atom) {
		l.warn(y.at, EmptyRange, "no one number meets this and also "+x.at+"; correct one of the two, or put them into an any if one is enough")
	}
	if x.kind == compareNode && y.kind == compareNode && hasOneValue(x.atom.Field) && !isOrdering(x.atom.Op) && !isOrdering(y.atom.Op) && l.noValueMeets(x.atom, y.atom) {
		l.warn(y.at, SeveralValues, "no one value meets this and also "+x.at+", only a list of several; put the two into an any, or write in with both values, if one of them is enough")
	}
	l.checkBranches(x, y)
	l.checkBranches(y, x)
	return false
}

// single are the names of fields that have one value in every ordinary visit.
var single = words("id name category profileid customerid userid country gender language city region state zip postcode " +
	"email phone birthday birthdate age price brand sku currency device browser")

// hasOneValue reports whether a field that the host may fill with a list hardly is one.
func hasOneValue(f campaign.Field) bool {
	group, name, _ := strings.Cut(string(f), ".")
	return isOfHost(group) && single[strings.ToLower(name)]
}

// checkBranches warns of what in an any cannot hold beside x.
func (l *linter) checkBranches(x, y *node) {
	if y.kind != anyNode {
		return
	}
	for _, branch := range y.flat(anyNode) {
		if l.excludes(x, branch) {
			l.warn(branch.at, NeverHolds, "no visit meets this and also "+x.at+", beside which it stands; remove it, or correct one of the two")
		}
	}
}

// isEmptyRange reports whether two comparisons of numbers leave no number. A
// field that is compared with an order may be a list, so that is not never.
func (l *linter) isEmptyRange(a, b *atom) bool {
	if !isOrdering(a.Op) && !isOrdering(b.Op) || !comparesNumbers(a) || !comparesNumbers(b) {
		return false
	}
	return l.noValueMeets(a, b)
}

func comparesNumbers(a *atom) bool {
	if a.values == nil {
		return isOrdering(a.Op)
	}
	for _, v := range a.values {
		switch v.(type) {
		case int64, uint64, float64:
		default:
			return false
		}
	}
	return true
}

// checkForm looks at the values of a comparison: whether the field ever has
// such a one, and whether one stands there twice.
func (l *linter) checkForm(n *node) verdict {
	c, place := n.atom.written, key(n.at, "value")
	if c.Op != campaign.OpIn {
		return l.checkValue(n.atom, c, place)
	}
	result := verdict{never, true}
	first := map[any]string{}
	for i, v := range c.Value.([]any) {
		at := key(place, strconv.Itoa(i))
		same := n.atom.identity(v)
		if before, dup := first[same]; dup {
			l.warn(at, Redundant, "is the same as "+before+"; remove one of the two")
			continue
		}
		first[same] = at
		one := c
		one.Op, one.Value = campaign.OpEquals, v
		if l.checkValue(n.atom, one, at).truth != never {
			result = verdict{}
		}
	}
	return result
}

func (l *linter) checkValue(a *atom, c campaign.Comparison, at string) verdict {
	code, message := formFault(c, a.literals)
	if code == "" {
		return verdict{}
	}
	l.warn(at, code, message)
	if code == NeverHolds {
		return verdict{never, true}
	}
	return verdict{}
}

package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// A node is a condition with its place.
type node struct {
	kind nodeKind
	at   string
	subs []*node // of all and any; one of not
	atom *atom   // of a comparison
}

type nodeKind uint8

const (
	compareNode nodeKind = iota
	allNode
	anyNode
	notNode
)

func newNode(c campaign.Condition, at string) *node {
	switch c := c.(type) {
	case campaign.All:
		return &node{kind: allNode, at: at, subs: newNodes(c, key(at, "all"))}
	case campaign.Any:
		return &node{kind: anyNode, at: at, subs: newNodes(c, key(at, "any"))}
	case campaign.Not:
		return &node{kind: notNode, at: at, subs: []*node{newNode(c.Of, key(at, "not"))}}
	case campaign.Comparison:
		return &node{kind: compareNode, at: at, atom: newAtom(c)}
	}
	panic("lint: a condition of a kind that Validate refuses")
}

func newNodes(group []campaign.Condition, at string) []*node {
	nodes := make([]*node, len(group))
	for i, c := range group {
		nodes[i] = newNode(c, key(at, strconv.Itoa(i)))
	}
	return nodes
}

// flat returns what n, an all or an any, is a group of, through groups of the
// same kind. Of any other node it is the node.
func (n *node) flat(kind nodeKind) []*node {
	if n.kind != kind {
		return []*node{n}
	}
	var out []*node
	for _, sub := range n.subs {
		out = append(out, sub.flat(kind)...)
	}
	return out
}

// An atom is a comparison in a form that is easily held against another: a glob
// that says no more than another operator is that operator, and equals is in
// with one value.
type atom struct {
	campaign.Comparison
	written campaign.Comparison // before that

	// values are all that the field may be, if the operator is equals or in. What
	// differs by the slash that these forgive is there with and without.
	values []any
	is     map[any]bool // values, as a set

	reach    reach    // of a glob or a regex
	literals literals // of a comparison on text

	regex *campaign.Engine // asks for a regex; nil until it is asked
}

func newAtom(c campaign.Comparison) *atom {
	a := &atom{Comparison: c, written: c, reach: reachOf(c), literals: literalsOf(c)}
	if c.Op == campaign.OpGlob {
		a.simplifyGlob()
	}
	switch a.Op {
	case campaign.OpEquals:
		a.values = []any{a.Value}
	case campaign.OpIn:
		a.values = slices.Clone(a.Value.([]any))
	default:
		return a
	}
	a.is = map[any]bool{}
	for i, v := range a.values {
		a.values[i] = campaign.VisitField("v").Equals(v).Value // 1.0 is 1
	}
	if c.Op != campaign.OpGlob && forgivesSlash(a.Field) {
		var both []any
		for _, v := range a.values {
			both = append(both, withAndWithoutSlash(a.Field, v.(string))...)
		}
		a.values = both
	}
	for _, v := range a.values {
		a.is[v] = true
	}
	a.Op, a.Value = campaign.OpIn, a.values
	return a
}

// simplifyGlob turns a glob with stars at its ends alone into what it says.
func (a *atom) simplifyGlob() {
	pieces, plain := globPieces(a.Value.(string))
	if !plain {
		return
	}
	switch n := len(pieces); {
	case n == 1:
		a.Op, a.Value = campaign.OpEquals, pieces[0]
	case n == 2 && pieces[0] == "" && pieces[1] != "":
		a.Op, a.Value = campaign.OpEndsWith, pieces[1]
	case n == 2 && pieces[0] != "" && pieces[1] == "":
		a.Op, a.Value = campaign.OpStartsWith, pieces[0]
	case n == 3 && pieces[0] == "" && pieces[1] != "" && pieces[2] == "":
		a.Op, a.Value = campaign.OpContains, pieces[1]
	}
}

// identity is the same for all values of in that the field cannot tell apart.
func (a *atom) identity(v any) any {
	s, ok := v.(string)
	if !ok {
		return campaign.VisitField("v").Equals(v).Value
	}
	if forgivesSlash(a.Field) {
		s = withAndWithoutSlash(a.Field, s)[0].(string)
	}
	if a.IgnoreCase {
		s = foldKey(s)
	}
	return s
}

// isSingle reports whether the field never has more than one value. Of a query
// there may be several parameters with one name, and whatever the host passes
// may be a list.
func isSingle(f campaign.Field) bool {
	switch f {
	case campaign.PageURL, campaign.PageScheme, campaign.PageHost, campaign.PagePath, campaign.PageFragment,
		campaign.PageTitle, campaign.PageType, campaign.ReferrerURL, campaign.ReferrerHost, campaign.ReferrerPath:
		return true
	}
	return false
}

// isAlwaysThere reports whether every visit has the field.
func isAlwaysThere(f campaign.Field) bool { return f == campaign.PagePath || f == campaign.PageURL }

// isNeverEmpty reports whether the field, where it is there, is not "". The
// address app://home has an empty path.
func isNeverEmpty(f campaign.Field) bool {
	return isSingle(f) && f != campaign.PageFragment && !isPath(f)
}

func isURL(f campaign.Field) bool  { return f == campaign.PageURL || f == campaign.ReferrerURL }
func isPath(f campaign.Field) bool { return f == campaign.PagePath || f == campaign.ReferrerPath }
func isHost(f campaign.Field) bool { return f == campaign.PageHost || f == campaign.ReferrerHost }

func forgivesSlash(f campaign.Field) bool { return isPath(f) || isURL(f) }

func withAndWithoutSlash(f campaign.Field, s string) []any {
	path, query := s, ""
	if i := strings.IndexByte(s, '?'); i >= 0 && isURL(f) {
		path, query = s[:i], s[i:]
	}
	path = strings.TrimSuffix(path, "/")
	return []any{path + query, path + "/" + query}
}

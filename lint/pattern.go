package lint

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// literals are what is known of every text that a comparison on text holds for.
type literals struct {
	prefix, suffix string
	within         []string // prefix and suffix are not among them
	fold           bool     // only without case
}

func literalsOf(c campaign.Comparison) literals {
	lits := literals{fold: c.IgnoreCase}
	s, _ := c.Value.(string)
	switch c.Op {
	case campaign.OpStartsWith:
		lits.prefix = s
	case campaign.OpEndsWith:
		lits.suffix = s
	case campaign.OpContains:
		lits.within = []string{s}
	case campaign.OpGlob:
		pieces, _ := globPieces(s)
		last := len(pieces) - 1
		lits.prefix, lits.suffix = pieces[0], pieces[last]
		if last > 0 {
			lits.within = pieces[1:last]
		} else {
			lits.suffix = ""
		}
	case campaign.OpRegex:
		if re, err := syntax.Parse(s, syntax.Perl); err == nil {
			lits.fold = lits.fold || hasFold(re)
			lits.addRegex(re.Simplify())
		}
	}
	return lits
}

// addRegex adds the literals that an expression cannot do without.
func (lits *literals) addRegex(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		lits.within = append(lits.within, string(re.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		lits.addRegex(re.Sub[0])
	case syntax.OpConcat:
		subs := re.Sub
		if len(subs) > 1 && subs[0].Op == syntax.OpBeginText && subs[1].Op == syntax.OpLiteral {
			lits.prefix, subs = string(subs[1].Rune), subs[2:]
		}
		for _, sub := range subs {
			lits.addRegex(sub)
		}
	}
}

func hasFold(re *syntax.Regexp) bool {
	if re.Flags&syntax.FoldCase != 0 {
		return true
	}
	return slices.ContainsFunc(re.Sub, hasFold)
}

// globPieces returns the texts between the wildcards of a glob, unescaped. It is
// plain if the wildcards are stars.
func globPieces(pattern string) (pieces []string, plain bool) {
	var piece strings.Builder
	plain = true
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*', '?':
			plain = plain && c == '*'
			pieces = append(pieces, piece.String())
			piece.Reset()
		case '\\':
			i++ // a valid pattern does not end with one
			piece.WriteByte(pattern[i])
		default:
			piece.WriteByte(c)
		}
	}
	return append(pieces, piece.String()), plain
}

// A reach says which texts a pattern is met by, from few to all.
type reach uint8

const (
	someTexts  reach = iota
	notEmpty         // all that are not empty and have no line break
	everyLine        // all that have no line break
	everything       // all
)

// reachOf returns what is sure of a glob or a regex.
func reachOf(c campaign.Comparison) reach {
	s, _ := c.Value.(string)
	switch c.Op {
	case campaign.OpGlob:
		switch strings.Trim(s, "*") {
		case "":
			return everything
		case "?":
			if s != "?" {
				return notEmpty
			}
		}
	case campaign.OpRegex:
		if re, err := syntax.Parse(s, syntax.Perl); err == nil {
			return regexReach(re.Simplify())
		}
	}
	return someTexts
}

func regexReach(re *syntax.Regexp) reach {
	switch re.Op {
	case syntax.OpCapture:
		return regexReach(re.Sub[0])
	case syntax.OpAlternate:
		most := someTexts
		for _, sub := range re.Sub {
			most = max(most, regexReach(sub))
		}
		return most
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	begins, ends := false, false
	for len(parts) > 0 && (parts[0].Op == syntax.OpBeginText || parts[0].Op == syntax.OpBeginLine) {
		begins, parts = true, parts[1:]
	}
	for n := len(parts); n > 0 && (parts[n-1].Op == syntax.OpEndText || parts[n-1].Op == syntax.OpEndLine); n-- {
		ends, parts = true, parts[:n-1]
	}
	whole := begins && ends
	if !whole && allMayBeEmpty(parts) {
		return everything // the empty text at one end is enough
	}
	if len(parts) != 1 {
		return someTexts
	}
	part := parts[0]
	for part.Op == syntax.OpCapture {
		part = part.Sub[0]
	}
	switch {
	case part.Op == syntax.OpStar && isAnyChar(part.Sub[0]):
		return everyLine
	case part.Op == syntax.OpPlus && isAnyChar(part.Sub[0]), isAnyChar(part) && !whole:
		return notEmpty
	}
	return someTexts
}

func isAnyChar(re *syntax.Regexp) bool {
	return re.Op == syntax.OpAnyChar || re.Op == syntax.OpAnyCharNotNL
}

// mayBeEmpty reports whether an expression is met by the empty text, wherever
// that stands.
func mayBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpRepeat:
		return re.Min == 0 || mayBeEmpty(re.Sub[0])
	case syntax.OpCapture, syntax.OpPlus:
		return mayBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		return allMayBeEmpty(re.Sub)
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, mayBeEmpty)
	}
	return false
}

func allMayBeEmpty(parts []*syntax.Regexp) bool {
	return !slices.ContainsFunc(parts, func(re *syntax.Regexp) bool { return !mayBeEmpty(re) })
}

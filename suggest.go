package campaign

import (
	"fmt"
	"strconv"
	"strings"
)

// What is meant by a word that is not known.

// otherNames are what other languages call the operators, as foldWord has them.
var otherNames = map[string]Op{
	"=": OpEquals, "==": OpEquals, "===": OpEquals, "eq": OpEquals, "is": OpEquals,
	"oneof": OpIn, "anyof": OpIn, "isin": OpIn,
	"include": OpContains, "includes": OpContains, "has": OpContains,
	"beginswith": OpStartsWith, "hasprefix": OpStartsWith, "prefix": OpStartsWith,
	"hassuffix": OpEndsWith, "suffix": OpEndsWith,
	"like": OpGlob, "wildcard": OpGlob, "match": OpRegex, "matches": OpRegex,
	"<": OpLess, "lt": OpLess, ">": OpGreater, "gt": OpGreater,
	"<=": OpAtMost, "lte": OpAtMost, "lessorequal": OpAtMost, "lessthanorequal": OpAtMost,
	">=": OpAtLeast, "gte": OpAtLeast, "greaterorequal": OpAtLeast, "greaterthanorequal": OpAtLeast,
	"present": OpExists, "ispresent": OpExists, "isset": OpExists, "defined": OpExists, "isdefined": OpExists,
}

// otherNegations are what other languages call the negation of an operator.
var otherNegations = map[string]Op{
	"ne": OpEquals, "neq": OpEquals, "<>": OpEquals,
	"nin": OpIn, "noneof": OpIn, "anythingbut": OpIn,
	"missing": OpExists, "ismissing": OpExists, "absent": OpExists, "null": OpExists, "isnull": OpExists,
}

// otherGroups says what to write for what other languages call all, any and not,
// which it has as foldWord has them, without a $.
var otherGroups = map[string]string{
	"and":    `did you mean "all"?`,
	"&&":     `did you mean "all"?`,
	"or":     `did you mean "any"?`,
	"||":     `did you mean "any"?`,
	"!":      `did you mean "not"?`,
	"not":    `did you mean "not"?`, // $not
	"nor":    `write {"not": {"any": […]}}`,
	"none":   `write {"not": {"any": […]}}`,
	"noneof": `write {"not": {"any": […]}}`,
}

// suggestOp names the operator that was meant. One that says not has none of its
// own: not goes around the comparison.
func suggestOp(word string) string {
	name, negated := strings.TrimPrefix(foldWord(word), "$"), false
	for _, not := range []string{"isnot", "doesnot", "not", "!"} {
		if rest, ok := strings.CutPrefix(name, not); ok {
			name, negated = rest, true
			break
		}
	}
	op := otherNames[name]
	switch {
	case name == "and", name == "&&":
		return `write {"all": […]} instead of a comparison`
	case name == "or", name == "||":
		return `write {"any": […]} instead of a comparison`
	case op != "":
	case otherNegations[name] != "":
		op, negated = otherNegations[name], !negated
	case negated && name == "": // is_not
		op = OpEquals
	default:
		op = Op(nearest(name, opNames()))
	}
	switch {
	case op == "":
		return suggest(word, opNames())
	case negated && op == OpExists:
		return `write {"not": {"field": …, "op": "exists"}}`
	case negated:
		return fmt.Sprintf(`write {"not": {"field": …, "op": %q, …}}`, op)
	}
	return fmt.Sprintf("did you mean %q?", op)
}

// notOne says that a word is none of those that can stand at its place.
func notOne(word, of string) string {
	if word == "" {
		return "is missing"
	}
	return strconv.Quote(word) + " is not " + of
}

// suggest names the nearest of the known words, or all of them.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = strconv.Quote(k)
	}
	return "there are " + strings.Join(quoted, ", ")
}

// nearest returns the known word with the smallest edit distance, if it is
// small enough to be a slip of the keyboard, or else the only one that begins
// like word, or "".
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestDistance := "", 3
	var begun []string // known words that go on where word ends, or the reverse
	for _, k := range known {
		limit := min(2, len(k)/4) // none for short words: and is not any
		distance := editDistance(foldWord(word), foldWord(k))
		if distance <= limit && distance < bestDistance {
			best, bestDistance = k, distance
		}
		if len(word) > 1 && (strings.HasPrefix(word, k) || strings.HasPrefix(k, word)) {
			begun = append(begun, k)
		}
	}
	if best == "" && len(begun) == 1 {
		return begun[0] // operator for op, restart for restart_timeout
	}
	return best
}

// foldWord leaves out what people write differently without meaning another word.
func foldWord(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(s))
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment) that turn a into b.
func editDistance(a, b string) int {
	older := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], older[j-2]+1)
			}
		}
		older, prev, cur = prev, cur, older
	}
	return prev[len(b)]
}

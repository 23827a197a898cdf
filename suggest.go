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
	"equal": OpEquals, "equalto": OpEquals, "exact": OpEquals, "exactly": OpEquals,
	"oneof": OpIn, "anyof": OpIn,
	"contain": OpContains, "include": OpContains, "includes": OpContains, "has": OpContains, "substring": OpContains, "*=": OpContains,
	"startwith": OpStartsWith, "beginwith": OpStartsWith, "beginswith": OpStartsWith, "hasprefix": OpStartsWith, "prefix": OpStartsWith, "^=": OpStartsWith,
	"endwith": OpEndsWith, "hassuffix": OpEndsWith, "suffix": OpEndsWith, "$=": OpEndsWith,
	"wildcard": OpGlob, "match": OpRegex, "matches": OpRegex, "rlike": OpRegex, "~": OpRegex, "=~": OpRegex,
	"<": OpLess, "lt": OpLess, "lessthan": OpLess, "below": OpLess, "under": OpLess,
	">": OpGreater, "gt": OpGreater, "greaterthan": OpGreater, "morethan": OpGreater, "above": OpGreater, "over": OpGreater,
	"<=": OpAtMost, "lte": OpAtMost, "le": OpAtMost, "lessequal": OpAtMost, "lessequals": OpAtMost, "lessorequal": OpAtMost, "lessthanorequal": OpAtMost,
	"lessthanequal": OpAtMost, "lessthanequals": OpAtMost, "lessthanequalto": OpAtMost, "lessorequalto": OpAtMost,
	"lessthanorequalto": OpAtMost, "lessthanorequals": OpAtMost, "lessthaninclusive": OpAtMost, "notmorethan": OpAtMost,
	">=": OpAtLeast, "gte": OpAtLeast, "ge": OpAtLeast, "greaterequal": OpAtLeast, "greaterequals": OpAtLeast, "greaterorequal": OpAtLeast, "greaterthanorequal": OpAtLeast,
	"greaterthanequal": OpAtLeast, "greaterthanequals": OpAtLeast, "greaterthanequalto": OpAtLeast, "greaterorequalto": OpAtLeast,
	"greaterthanorequalto": OpAtLeast, "greaterthanorequals": OpAtLeast, "greaterthaninclusive": OpAtLeast, "notlessthan": OpAtLeast,
	"exist": OpExists, "present": OpExists, "set": OpExists, "defined": OpExists,
}

// otherNegations are what other languages call the negation of an operator.
var otherNegations = map[string]Op{
	"ne": OpEquals, "neq": OpEquals, "<>": OpEquals, "nequal": OpEquals, "nequals": OpEquals,
	"nin": OpIn, "noneof": OpIn, "anythingbut": OpIn,
	"missing": OpExists, "absent": OpExists, "null": OpExists, "unset": OpExists, "undefined": OpExists,
}

// otherWays says what to write for operators that have none for them here.
var otherWays = map[string]string{
	"and":         `write {"all": […]} instead of a comparison`,
	"&&":          `write {"all": […]} instead of a comparison`,
	"or":          `write {"any": […]} instead of a comparison`,
	"||":          `write {"any": […]} instead of a comparison`,
	"like":        `did you mean "glob", with * in place of %?`,
	"ilike":       `did you mean "glob", with "ignore_case": true, and * in place of %?`,
	"notlike":     `write {"not": {"field": …, "op": "glob", …}}, with * in place of %`,
	"isnotlike":   `write {"not": {"field": …, "op": "glob", …}}, with * in place of %`,
	"between":     `write {"all": […]} with at_least and at_most`,
	"inrange":     `write {"all": […]} with at_least and at_most`,
	"inside":      `write {"all": […]} with at_least and at_most`,
	"interval":    `write {"all": […]} with at_least and at_most`,
	"notbetween":  `write {"any": […]} with less and greater`,
	"notinside":   `write {"any": […]} with less and greater`,
	"notinrange":  `write {"any": […]} with less and greater`,
	"containsall": `write {"all": […]} with one contains for each`,
	"includesall": `write {"all": […]} with one contains for each`,
	"hasall":      `write {"all": […]} with one contains for each`,
	"containsany": `write {"any": […]} with one contains for each`,
	"includesany": `write {"any": […]} with one contains for each`,
	"hasany":      `write {"any": […]} with one contains for each`,
	"before":      noTimes,
	"after":       noTimes,
}

const noTimes = "times have no order here; pass a number in the visit, such as days since then, or seconds since 1970, and compare that"

// otherFields says what to write for what browsers call the fields of a page: by their
// letters others would be nearer, as page.host is to page.hash.
var otherFields = map[string]string{
	"page.hash":     `did you mean "page.fragment"?`,
	"page.hostname": `did you mean "page.host"?`,
	"page.href":     `did you mean "page.url"?`,
	"page.pathname": `did you mean "page.path"?`,
	"page.protocol": `did you mean "page.scheme"?`,
	"page.referrer": `did you mean "referrer.url"?`,
	"page.search":   "write page.query.NAME",
}

// otherObjects are what others call a profile and an item.
var otherObjects = map[string]string{
	"contact": "profile.", "customer": "profile.", "member": "profile.", "person": "profile.",
	"subscriber": "profile.", "user": "profile.", "visitor": "profile.",
	"article": "item.", "product": "item.",
}

// otherKeys says what to write for what other languages call the keys of a
// condition, which it has as foldWord has them, without a $.
var otherKeys = map[string]string{
	"allof":           `did you mean "all"?`,
	"and":             `did you mean "all"?`,
	"&&":              `did you mean "all"?`,
	"conditions":      `did you mean "all"?`,
	"rules":           `did you mean "all"?`,
	"filters":         `did you mean "all"?`,
	"anyof":           `did you mean "any"?`,
	"oneof":           `did you mean "any"?`,
	"or":              `did you mean "any"?`,
	"||":              `did you mean "any"?`,
	"!":               `did you mean "not"?`,
	"not":             `did you mean "not"?`, // $not
	"nor":             `write {"not": {"any": […]}}`,
	"none":            `write {"not": {"any": […]}}`,
	"noneof":          `write {"not": {"any": […]}}`,
	"negate":          notAround,
	"negated":         notAround,
	"invert":          notAround,
	"inverted":        notAround,
	"inverse":         notAround,
	"attribute":       `did you mean "field"?`,
	"property":        `did you mean "field"?`,
	"contextname":     `did you mean "field"?`,
	"fact":            `did you mean "field"?`,
	"name":            `did you mean "field"?`,
	"caseinsensitive": `did you mean "ignore_case"?`,
	"nocase":          `did you mean "ignore_case"?`,
}

const notAround = `write {"not": {"field": …, "op": …, …}}`

// suggestKey says what to write for a key that no condition has, or "".
func suggestKey(key string) string {
	if len(key) > maxWord {
		return ""
	}
	if hint := otherKeys[strings.TrimPrefix(foldWord(key), "$")]; hint != "" {
		return hint
	}
	if _, found := splitField(Field(key)); found {
		return fmt.Sprintf(`write {"field": %q, "op": "equals", "value": …}`, key)
	}
	if m := meantOp(foldWord(key)); m.op != "" {
		return "write " + m.String()
	}
	return ""
}

// A meant is an operator that was meant by a word.
type meant struct {
	op            Op
	negated, fold bool
}

// String is how it is written.
func (m meant) String() string {
	s := fmt.Sprintf(`{"field": …, "op": %q`, m.op)
	if m.fold {
		s += `, "ignore_case": true`
	}
	if m.op != OpExists {
		s += ", …"
	}
	s += "}"
	if m.negated {
		s = `{"not": ` + s + "}"
	}
	return s
}

// maxAffixes is how many parts are cut from a name at most: more would take time
// to the power of them.
const maxAffixes = 3

// meantOp returns what is meant by the name of an operator in another language, as
// foldWord has it; no op if that is not known. It is a word that is known, and
// what says not, without case, or of which kind the values are, around it.
func meantOp(name string) meant { return meantAround(name, maxAffixes) }

func meantAround(name string, affixes int) meant {
	switch op, negation := otherNames[name], otherNegations[name]; {
	case op != "":
		return meant{op: op}
	case negation != "":
		return meant{op: negation, negated: true}
	case foldedOp(name) != "":
		return meant{op: foldedOp(name)}
	case affixes == 0:
		return meant{}
	}
	for _, affix := range opAffixes {
		rest, ok := strings.CutPrefix(name, affix.text)
		if affix.behind {
			rest, ok = strings.CutSuffix(name, affix.text)
		}
		if !ok {
			continue
		}
		if rest == "" {
			rest = affix.alone
		}
		m := meantAround(rest, affixes-1)
		switch {
		case m.op == "":
		case affix.fold && operators[indexOperator(m.op)].fold:
			m.fold = true
			return m
		case !affix.fold:
			m.negated = m.negated != affix.not
			return m
		}
	}
	return meant{}
}

// opAffixes are what stands before the name of an operator, or behind it, and what
// that says. alone is what it means without one.
var opAffixes = []struct {
	text              string
	behind, not, fold bool
	alone             string
}{
	{text: "isnot", not: true, alone: "is"},
	{text: "isnt", not: true, alone: "is"},
	{text: "doesnot", not: true},
	{text: "doesnt", not: true},
	{text: "hasnot", not: true, alone: "has"},
	{text: "hasnt", not: true, alone: "has"},
	{text: "not", not: true, alone: "is"},
	{text: "!", not: true, alone: "is"},
	{text: "not", not: true, behind: true},
	{text: "none", not: true, behind: true}, // equals_not
	{text: "$"},
	{text: "is"},
	{text: "str"},
	{text: "string"},
	{text: "num"},
	{text: "number"},
	{text: "text"},
	{text: "ignorecase", fold: true, behind: true},
	{text: "caseinsensitive", fold: true, behind: true},
	{text: "insensitive", fold: true, behind: true},
	{text: "i", fold: true, behind: true},
	{text: "caseinsensitive", fold: true},
	{text: "i", fold: true},
}

// foldedOp returns the operator that foldWord makes name of, or none.
func foldedOp(name string) Op {
	for _, op := range opNames() {
		if foldWord(op) == name {
			return Op(op)
		}
	}
	return ""
}

// suggestOp names the operator that was meant. One that says not has none of its
// own: not goes around the comparison.
func suggestOp(word string) string {
	if len(word) > maxWord {
		return suggest(word, opNames())
	}
	name := foldWord(word)
	if way := otherWays[strings.TrimPrefix(name, "$")]; way != "" {
		return way
	}
	m := meantOp(name)
	if m.op == "" {
		m = nearOp(name)
	}
	switch {
	case m.op == "":
		return suggest("", opNames())
	case m.negated:
		return "write " + m.String()
	case m.fold:
		return fmt.Sprintf(`did you mean %q, with "ignore_case": true?`, m.op)
	}
	return fmt.Sprintf("did you mean %q?", m.op)
}

// nearOp returns the operator of which a name may be a slip of the keyboard, if
// what it has besides says nothing else: less_eq is not less, and ncontains the
// opposite of contains.
func nearOp(name string) meant {
	var m meant
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "$"), "not"); ok {
		name, m.negated = rest, true
	}
	near := nearest(name, opNames())
	if near == "" {
		return meant{}
	}
	before, after, whole := strings.Cut(name, foldWord(near))
	if whole && (before != "" || sayMore(after)) {
		return meant{}
	}
	m.op = Op(near)
	return m
}

// sayMore reports whether what follows an operator in a name may say something
// else.
func sayMore(rest string) bool {
	for _, word := range []string{"eq", "incl", "range", "all", "any", "no", "or"} {
		if strings.Contains(rest, word) {
			return true
		}
	}
	return false
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

// maxWord is how long a word is at most of which a hint is looked for.
const maxWord = 64

// nearest returns the known word with the smallest edit distance, if it is
// small enough to be a slip of the keyboard, or else the only one that begins
// like word, or "".
func nearest(word string, known []string) string {
	if len(word) > maxWord {
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
func foldWord(s string) string { return wordBreaks.Replace(strings.ToLower(s)) }

var wordBreaks = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

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

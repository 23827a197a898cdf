package campaign

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// The texts that a regular expression asks for.

const (
	// maxSpelled bounds how many texts the parts of an expression that can be spelled
	// out, such as (shoes|boots) and colou?r, come to together.
	maxSpelled = 32

	// maxSpelledBytes is how long they may be together before the expression is gone on
	// with as if it were another one: longer texts are no rarer.
	maxSpelledBytes = 2048

	// maxClass is how many characters of a class are spelled out.
	maxClass = 8
)

// regexChoices returns what a regular expression can be filed under: lists of anchors, of
// each of which one holds for whatever the expression matches.
func regexChoices(c *comparison) [][]anchor {
	re, err := syntax.Parse(c.expr(), syntax.Perl)
	if err != nil {
		return nil
	}
	return regexChoicesOf(c, re.Simplify())
}

func regexChoicesOf(c *comparison, re *syntax.Regexp) [][]anchor {
	w := regexWalk{c: c}
	w.walk(re)
	w.end(anchorContains)
	return w.choices
}

// A regexWalk goes through an expression in the order of what it matches.
type regexWalk struct {
	c       *comparison
	choices [][]anchor
	texts   []string // what may stand here, spelled out; nil if nothing is
	fold    bool     // the texts stand there in any case
	begins  bool     // the field begins with the texts
}

func (w *regexWalk) walk(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			w.walk(sub)
		}
	case syntax.OpBeginText:
		w.end(anchorContains)
		w.begins = true
	case syntax.OpEndText:
		w.end(anchorSuffix)
	default:
		w.walkOther(re)
	}
}

func (w *regexWalk) walkOther(re *syntax.Regexp) {
	if texts, fold, ok := spell(re); ok {
		w.goOn(texts, fold)
		return
	}
	w.end(anchorContains)
	switch re.Op {
	case syntax.OpPlus: // once at least
		w.walk(re.Sub[0])
		w.end(anchorContains)
	case syntax.OpAlternate:
		w.walkEach(re.Sub)
	}
}

// walkEach adds one choice for alternatives that cannot be spelled out: the longest texts
// that each of them asks for.
func (w *regexWalk) walkEach(alternatives []*syntax.Regexp) {
	var all []anchor
	for _, sub := range alternatives {
		choices := regexChoicesOf(w.c, sub)
		if len(choices) == 0 {
			return
		}
		longest := slices.MaxFunc(choices, func(a, b []anchor) int { return shortest(a) - shortest(b) })
		all = append(all, longest...)
	}
	if len(all) <= maxSpelled {
		w.choices = append(w.choices, withoutImplied(all))
	}
}

func shortest(anchors []anchor) int {
	least := len(anchors[0].value.text)
	for i := range anchors {
		least = min(least, len(anchors[i].value.text))
	}
	return least
}

// goOn puts texts behind those that stand here.
func (w *regexWalk) goOn(texts []string, fold bool) {
	if !mayJoin(w.texts, texts) {
		w.end(anchorContains)
	}
	if w.texts == nil {
		w.texts = []string{""}
	}
	w.texts, w.fold = joined(w.texts, texts), w.fold || fold
}

// end makes a choice of the texts that stand here, as nothing goes on with them.
func (w *regexWalk) end(kind anchorKind) {
	if w.begins {
		kind = anchorPrefix
	}
	var choice []anchor
	for _, text := range w.texts {
		choice = appendText(choice, w.c.literal(kind, text, w.fold))
	}
	if len(choice) > 0 && len(choice) == len(w.texts) {
		w.choices = append(w.choices, withoutImplied(choice))
	}
	w.texts, w.fold, w.begins = nil, false, false
}

// withoutImplied leaves out anchors that do not hold unless another one does: shoes, if
// there is shoe.
func withoutImplied(anchors []anchor) []anchor {
	slices.SortFunc(anchors, func(a, b anchor) int { return len(a.value.text) - len(b.value.text) })
	kept := anchors[:0]
	for _, a := range anchors {
		if !slices.ContainsFunc(kept, func(b anchor) bool { return implies(&a, &b) }) {
			kept = append(kept, a)
		}
	}
	return kept
}

// implies reports whether b surely holds wherever a does.
func implies(a, b *anchor) bool {
	switch {
	case a.fold != b.fold || a.kind != b.kind && b.kind != anchorContains:
		return false
	case b.kind == anchorPrefix:
		return strings.HasPrefix(a.value.text, b.value.text)
	case b.kind == anchorSuffix:
		return strings.HasSuffix(a.value.text, b.value.text)
	default:
		return strings.Contains(a.value.text, b.value.text)
	}
}

// literal is the anchor of a text of a regular expression, which says by itself whether
// it ignores case.
func (c *comparison) literal(kind anchorKind, text string, fold bool) anchor {
	if fold {
		text = foldText(text)
	}
	return anchor{kind: kind, field: c.field, fold: fold, value: scalar{kind: scalarText, text: text}}
}

// spell returns all that an expression matches, if these are a few texts; fold says that
// it also matches them in another case. What matches between characters, such as \b, is
// left out: the texts stand there all the same.
func spell(re *syntax.Regexp) (texts []string, fold, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, false, true
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase != 0, isSpellable(re.Rune)
	case syntax.OpCharClass:
		texts, ok = spellClass(re.Rune)
		return texts, false, ok
	case syntax.OpCapture:
		return spell(re.Sub[0])
	case syntax.OpQuest:
		texts, fold, ok = spell(re.Sub[0])
		return append(texts, ""), fold, ok && len(texts) < maxSpelled
	case syntax.OpConcat:
		return spellConcat(re.Sub)
	case syntax.OpAlternate:
		return spellAlternate(re.Sub)
	}
	return nil, false, false
}

func spellConcat(subs []*syntax.Regexp) (texts []string, fold, ok bool) {
	texts = []string{""}
	for _, sub := range subs {
		more, moreFold, ok := spell(sub)
		if !ok || !mayJoin(texts, more) {
			return nil, false, false
		}
		texts, fold = joined(texts, more), fold || moreFold
	}
	return texts, fold, true
}

func spellAlternate(subs []*syntax.Regexp) (texts []string, fold, ok bool) {
	for _, sub := range subs {
		more, moreFold, ok := spell(sub)
		if !ok || len(texts)+len(more) > maxSpelled {
			return nil, false, false
		}
		texts, fold = append(texts, more...), fold || moreFold
	}
	return texts, fold, true
}

// spellClass spells out a class of characters, given as the first and the last of each
// range.
func spellClass(ranges []rune) (texts []string, ok bool) {
	for i := 0; i < len(ranges); i += 2 {
		if int(ranges[i+1]-ranges[i])+len(texts) >= maxClass {
			return nil, false
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if !isSpellable([]rune{r}) {
				return nil, false
			}
			texts = append(texts, string(r))
		}
	}
	return texts, len(texts) > 0
}

// isSpellable reports whether runes are what they say. U+FFFD also matches bytes that are
// no text, and a surrogate is no character.
func isSpellable(runes []rune) bool {
	return !strings.ContainsRune(string(runes), unicode.ReplacementChar)
}

// mayJoin reports whether joined texts are neither too many nor too long.
func mayJoin(texts, others []string) bool {
	return len(texts)*len(others) <= maxSpelled && length(texts)*len(others)+length(others)*len(texts) <= maxSpelledBytes
}

func length(texts []string) int {
	n := 0
	for _, text := range texts {
		n += len(text)
	}
	return n
}

// joined returns each of some texts with each of others behind it.
func joined(texts, others []string) []string {
	all := make([]string, 0, len(texts)*len(others))
	for _, text := range texts {
		for _, other := range others {
			all = append(all, text+other)
		}
	}
	return all
}

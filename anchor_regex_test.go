package campaign

// Inside the package, as anchor_test.go.

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTextsThatRegularExpressionsAskFor(t *testing.T) {
	tests := []struct {
		expr string
		want []string // each choice: ^ begins with, $ ends with, ~ has it, i ignoring case
	}{
		{"shoes", []string{"~shoes"}},
		{"^/shoes/", []string{"^/shoes/"}},
		{`\.html$`, []string{"$.html"}},
		{"^/shoes$", []string{"^/shoes"}},
		{"^/shoes/.*-sale$", []string{"^/shoes/", "$-sale"}},
		{"^/(shoes|boots)/", []string{"^/shoes/ ^/boots/"}},
		{"^/(nl|de)/(shoes|boots)/", []string{"^/nl/shoes/ ^/nl/boots/ ^/de/shoes/ ^/de/boots/"}},
		{"/(?:colou?r)-red", []string{"~/color-red ~/colour-red"}},
		{"/shoes?/", []string{"~/shoe/ ~/shoes/"}},
		{"shoes?", []string{"~shoe"}},
		{"(www.)?shop", []string{"~shop"}},
		{"/[ab]-shoes", []string{"~/a-shoes ~/b-shoes"}},
		{"/[a-z]-shoes", []string{"~-shoes"}},
		{"(?i)/shoes/", []string{"i~/SHOES/"}},
		{"(?i)^/(shoes|boots)", []string{"i^/SHOES i^/BOOTS"}},
		{"/(shoes/.*|boots)", []string{"~boots ~shoes/"}},
		{"(/shoes/.*sale|/boots)", []string{"~boots ~shoes/"}},
		{"(^/shoes/.*|-boots$)", []string{"$-boots ^/shoes/"}},
		{`(.*-shoes[0-9]|[0-9]+-shoes)`, []string{"~-shoes"}},
		{`(^/shoes/.*|x/shoes/.*)`, []string{"^/shoes/ ~x/shoes/"}},
		{"((?:shoe|sandalsandals)[0-9]sneakers|boots.*)", []string{"~boots ~sneakers"}},
		{`\bshoes\b`, []string{"~shoes"}},
		{"(shoes/)+sale", []string{"~shoes/", "~sale"}},
		{"(shoes/){2}", []string{"~shoes/shoes/"}},
		{"(shoes/)*sale", []string{"~sale"}},
		{"(shoes)?", nil},
		{"(shoes|)", nil},
		{"(shoes|.*)", nil},
		{".*", nil},
		{"^", nil},
		{"", nil},
		{"^/[0-9]+/shoes", []string{"^/", "~/shoes"}},
		{`\x{fffd}shoes`, nil},
		{`[\x{fffc}-\x{fffe}]shoes`, []string{"~shoes"}},
	}
	for _, test := range tests {
		var got []string
		for _, choice := range regexChoices(&comparison{op: codeRegex, value: scalar{kind: scalarText, text: test.expr}}) {
			var texts []string
			for _, a := range choice {
				texts = append(texts, strings.Repeat("i", btoi(a.fold))+[]string{"=", "^", "$", "~"}[a.kind]+a.value.text)
			}
			got = append(got, strings.Join(texts, " "))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("choices of %s = %q, want %q", test.expr, got, test.want)
		}
	}
}

// An expression is spelled out in pieces, so that neither the texts get long nor the work
// grows with the square of its length.
func TestSpelledTextsAreShort(t *testing.T) {
	for _, expr := range []string{
		"[ab][ab][ab][ab][ab]" + strings.Repeat("(a)", 5000),
		"(" + strings.Repeat("a", 3000) + "|b)" + strings.Repeat("(a)", 5000),
		"(?:" + strings.Repeat("(?:[ab]x", 300) + strings.Repeat(")?", 300) + "|c)",
	} {
		bytes := 0
		for _, choice := range regexChoices(&comparison{op: codeRegex, value: scalar{kind: scalarText, text: expr}}) {
			for _, a := range choice {
				bytes += len(a.value.text)
			}
		}
		if bytes > 2*len(expr)+maxSpelledBytes {
			t.Errorf("%.40s...: %d bytes of expression have %d bytes of texts", expr, len(expr), bytes)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Whatever an expression matches has one of the texts of each choice.
func TestEachMatchHasWhatTheExpressionAsksFor(t *testing.T) {
	g := regexGenerator{rand.New(rand.NewPCG(3, 4))}
	matches := 0
	for range 30_000 {
		expr := g.pick("", "", "(?i)", "(?s)", "(?m)") + g.expr(4)
		re := regexp.MustCompile(expr)
		choices := regexChoices(&comparison{op: codeRegex, value: scalar{kind: scalarText, text: expr}})
		if len(choices) == 0 {
			continue
		}
		for range 20 {
			text := g.text()
			if !re.MatchString(text) {
				continue
			}
			matches++
			for _, choice := range choices {
				if !slices.ContainsFunc(choice, func(a anchor) bool { return a.holdsFor(text) }) {
					t.Fatalf("%q matches %q, which has none of %+v", expr, text, choice)
				}
			}
		}
	}
	if matches < 5_000 {
		t.Errorf("%d matches, want thousands, or this test shows nothing", matches)
	}
}

func (c *anchor) holdsFor(text string) bool {
	if c.fold {
		text = foldText(text)
	}
	switch c.kind {
	case anchorPrefix:
		return strings.HasPrefix(text, c.value.text)
	case anchorSuffix:
		return strings.HasSuffix(text, c.value.text)
	default:
		return strings.Contains(text, c.value.text)
	}
}

// A regexGenerator makes expressions and texts of so few characters that many match.
type regexGenerator struct{ *rand.Rand }

func (g regexGenerator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g regexGenerator) expr(depth int) string {
	if depth == 0 {
		return g.pick("aaaa", "aa", "a", "b", "/", "[ab]", "[a-z]", ".", "^", "$", `\b`, "K", "k\u212a", "baa")
	}
	sub := func() string { return g.expr(depth - 1) }
	switch g.IntN(8) {
	case 0:
		return "(" + sub() + "|" + sub() + ")"
	case 1:
		return "(?:" + sub() + ")" + g.pick("?", "*", "+", "{2}", "{1,2}")
	case 2:
		return "(" + sub() + "|" + sub() + "|" + sub() + ")"
	case 3:
		return sub()
	default:
		return sub() + sub()
	}
}

func (g regexGenerator) text() string {
	var b strings.Builder
	for range g.IntN(24) {
		b.WriteString(g.pick("a", "aaa", "aaaa", "b", "baa", "A", "B", "/", "k", "K", "\u212a", "\n"))
	}
	return b.String()
}

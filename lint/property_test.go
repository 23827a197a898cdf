package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/lint"
)

// What lint says of a condition is so: where it says that a part never holds,
// always holds, or is redundant, the whole means the same without that part, for
// whatever visit. FuzzClaims says so for what a seed makes up; this test for a
// number of them.
func TestClaims(t *testing.T) {
	claims := map[lint.Code]int{}
	for seed := range uint64(1500) {
		checkClaims(t, seed, claims)
	}
	for _, code := range []lint.Code{lint.NeverHolds, lint.AlwaysHolds, lint.Redundant, lint.MatchesEverything, lint.EmptyRange, lint.NoAudience} {
		if claims[code] < 10 {
			t.Errorf("%d claims of %s, want more: the generator makes none", claims[code], code)
		}
	}
}

// Every place that a warning names, in its pointer and in its message, is one of
// the campaign's JSON.
func TestPointersAreThere(t *testing.T) {
	samples := []sample{}
	for _, fault := range faults {
		samples = append(samples, fault.sample)
	}
	for seed := range uint64(500) {
		samples = append(samples, when(generator{rand.New(rand.NewPCG(seed, 12))}.condition(5)))
	}
	for _, s := range samples {
		data, err := json.Marshal(map[string]any{"campaigns": []campaign.Campaign(s)})
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		for _, w := range check(t, s) {
			for word := range strings.FieldsFuncSeq(w.String(), func(r rune) bool { return strings.ContainsRune(" ,;:", r) }) {
				if strings.HasPrefix(word, "/campaigns/") && !hasPlace(doc, word) {
					t.Errorf("%v: there is no %s in %s", w, word, data)
				}
			}
		}
	}
}

// hasPlace reports whether a pointer points into a document. No key is escaped.
func hasPlace(doc any, pointer string) bool {
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch d := doc.(type) {
		case map[string]any:
			sub, ok := d[token]
			if !ok {
				return false
			}
			doc = sub
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(d) {
				return false
			}
			doc = d[i]
		default:
			return false
		}
	}
	return true
}

func FuzzClaims(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkClaims(t, seed, map[lint.Code]int{}) })
}

func checkClaims(t *testing.T, seed uint64, claims map[lint.Code]int) {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 11))}
	c := g.condition(3)
	warnings := check(t, when(c))
	if len(warnings) == 0 {
		return
	}
	visits := make([]campaign.PageVisit, 60)
	for i := range visits {
		visits[i] = g.visit()
	}
	for _, w := range warnings {
		claims[w.Code]++
		place := strings.TrimPrefix(w.Pointer, atWhen)
		for _, v := range visits {
			switch w.Code {
			case lint.EmptyRange:
				if hasLists(v) {
					continue // two of its values may meet both
				}
				fallthrough
			case lint.NeverHolds, lint.AlwaysHolds, lint.Redundant:
				other := without(c, place, w.Code)
				if got, want := matches(t, c, v), matches(t, other, v); got != want {
					t.Fatalf("seed %d: %v\nMatch = %v, without that part %v\ncondition %+v\nvisit %+v", seed, w, got, want, c, v)
				}
			case lint.MatchesEverything:
				if isOdd(v) {
					continue // lines, and values that are no text
				}
				if got, want := matches(t, c, v), matches(t, without(c, place, w.Code), v); got != want {
					t.Fatalf("seed %d: %v\nMatch = %v, with exists %v\ncondition %+v\nvisit %+v", seed, w, got, want, c, v)
				}
			case lint.NoAudience:
				if v.Profile.ID != "" && matches(t, c, v) {
					t.Fatalf("seed %d: %v\nholds for %+v", seed, w, v)
				}
			}
		}
	}
}

func matches(t *testing.T, c campaign.Condition, v campaign.PageVisit) bool {
	t.Helper()
	ok, err := when(c)[0].Match(v)
	if err != nil {
		t.Fatalf("Match(%+v, %+v): %v", c, v, err)
	}
	return ok
}

// without returns the condition with true or false in the place of a part: true
// for what always holds, and for what is redundant in an all. In the place of
// what matches everything there is exists.
func without(c campaign.Condition, place string, code lint.Code) campaign.Condition {
	if place == "/value" && code == lint.MatchesEverything {
		return c.(campaign.Comparison).Field.Exists()
	}
	if place == "" || place == "/value" {
		return constant(code == lint.AlwaysHolds)
	}
	tokens := strings.SplitN(place[1:], "/", 3)
	key, rest := tokens[0], ""
	if key == "not" {
		return campaign.Not{Of: without(c.(campaign.Not).Of, place[len("/not"):], code)}
	}
	i, err := strconv.Atoi(tokens[1])
	if err != nil {
		panic(err)
	}
	if len(tokens) == 3 {
		rest = "/" + tokens[2]
	}
	sub := func(of campaign.Condition) campaign.Condition {
		if rest == "" && code == lint.Redundant {
			return constant(key == "all")
		}
		return without(of, rest, code)
	}
	switch c := c.(type) {
	case campaign.All:
		out := append(campaign.All(nil), c...)
		out[i] = sub(c[i])
		return out
	case campaign.Any:
		out := append(campaign.Any(nil), c...)
		out[i] = sub(c[i])
		return out
	}
	cmp := c.(campaign.Comparison)
	list := cmp.Value.([]any)
	if len(list) == 1 {
		return constant(false)
	}
	cmp.Value = append(append([]any(nil), list[:i]...), list[i+1:]...)
	return cmp
}

func constant(truth bool) campaign.Condition {
	if truth {
		return campaign.PagePath.Exists()
	}
	return campaign.Not{Of: campaign.PagePath.Exists()}
}

func isOdd(v campaign.PageVisit) bool {
	switch v.Item.Fields["price"].(type) {
	case nil, string:
	default:
		return true
	}
	all := fmt.Sprint(v)
	return strings.Contains(all, "\n") || strings.Contains(all, "%0A") || strings.Contains(all, "x:")
}

func hasLists(v campaign.PageVisit) bool {
	_, ok := v.Item.Fields["price"].([]any)
	return ok
}

// A generator makes conditions and visits of few words, so that they meet and
// contradict each other.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) condition(depth int) campaign.Condition {
	if depth == 0 || g.IntN(4) == 0 {
		return g.comparison()
	}
	switch g.IntN(12) {
	case 0:
		return campaign.All{g.bound(), g.comparison(), g.bound()}
	case 1:
		return campaign.All{g.comparison(), campaign.Not{Of: campaign.ProfileField("id").Exists()}}
	}
	group := make([]campaign.Condition, 1+g.IntN(3))
	for i := range group {
		group[i] = g.condition(depth - 1)
	}
	switch g.IntN(7) {
	case 0:
		return campaign.Not{Of: group[0]}
	case 1, 2, 3:
		return campaign.Any(group)
	default:
		return campaign.All(group)
	}
}

func (g generator) path() string {
	return pick(g, "/", "/shoes", "/shoes/", "/shoes//", "/shoes/running", "/Shoes/running/", "/hats", "/é", "/\u212aid", "/kid", "/KID", "shoes", "", "/a?b", "/a\nb")
}

func (g generator) word() string {
	return pick(g, "a", "A", "b", "ab", "aB", "ba", "k", "\u212a", "ſ", "S", "", "a\nb", "1")
}

func (g generator) host() string {
	return pick(g, "shop.example", "Shop.Example", "www.shop.example", "shop.example:443", "https://shop.example", "[2001:DB8::1]", "[2001:db8::1]", "xn--bcher-kva.example", "0x7f.1", "127.0.0.1")
}

func (g generator) scheme() string { return pick(g, "https", "http", "app", "HTTPS", "https:") }

func (g generator) url() string {
	return pick(g, "https://", "http://", "app://", "HTTPS://", "") + pick(g, "", g.host()) + g.path() + pick(g, "", "?q=a", "?", "#a", "?é")
}

func (g generator) comparison() campaign.Comparison {
	field := pick(g, path, path, address, host, campaign.PageScheme, kind, campaign.PageTitle, campaign.PageFragment, campaign.ReferrerPath, campaign.ReferrerHost,
		category, price, price, campaign.PageQuery("q"), campaign.ProfileField("id"))
	text := g.word
	switch field {
	case path, campaign.ReferrerPath:
		text = g.path
	case address:
		text = g.url
	case host, campaign.ReferrerHost:
		text = g.host
	case campaign.PageScheme:
		text = g.scheme
	}
	some := func() string {
		if s := text(); s != "" {
			return s
		}
		return "/"
	}
	if field == price && g.IntN(3) > 0 {
		return g.bound()
	}
	var c campaign.Comparison
	switch g.IntN(9) {
	case 0, 1:
		c = field.Equals(text())
	case 2:
		c = field.In(text(), text(), text())
	case 3:
		c = field.StartsWith(some())
	case 4:
		c = field.EndsWith(some())
	case 5:
		c = field.Contains(some())
	case 6:
		c = field.Glob(pick(g, "*", "", "?") + some() + pick(g, "*", "", "?*") + pick(g, "", "b"))
	case 7:
		c = field.Regex(pick(g, ".*", "^", "", "a|", "^.*$", ".+", "[^a]", "^[^k]", "^shop", "^/shoes/", "(?i)^SHOP", `\?`, "(?s)^.*$", "a?$", "^(?:/shoes)?/", `(?m)^$`, "S", "#"))
	default:
		return field.Exists()
	}
	if g.IntN(4) == 0 {
		c = c.IgnoringCase()
	}
	if when(c)[0].Validate() != nil { // a host in Unicode, and what else Load refuses
		return field.Exists()
	}
	return c
}

func (g generator) bound() campaign.Comparison {
	n := pick[any](g, 1, 2, 3, 1.5, uint64(1<<63), int64(1<<53), int64(1<<53+1), -1, 1e300)
	return pick(g, price.AtLeast(n), price.AtMost(n), price.Less(n), price.Greater(n), price.Equals(n), price.In(n, 2, "a"))
}

func (g generator) visit() campaign.PageVisit {
	v := campaign.PageVisit{
		URL: g.url(), Type: g.word(), Title: g.word(), Referrer: pick(g, "", g.url(), "mailto:a@b", "x:?"),
		Item: campaign.Item{Category: g.word(), Fields: map[string]any{
			"category": pick[any](g, nil, "a", []string{"a", "b"}, []string{"A", "S"}),
			"price": pick[any](g, nil, 1, 2, 3, 1.5, 2.5, "a", "1", -1, uint64(1<<63), int64(1<<53), int64(1<<53+1), 1e300,
				[]any{1, 3}, []any{"a", 2}, []any{}),
		}},
		Profile: campaign.Profile{ID: pick(g, "", "a", "b", "k")},
	}
	if g.IntN(3) == 0 {
		v.URL += pick(g, "&", "?") + "q=" + g.word() + "&q=" + g.word()
	}
	if g.IntN(8) == 0 {
		v.URL = pick(g, "about:blank", "x:", "mailto:shoes", "file:///C|/a", "//a/b", "app:/a", "x:shoes#a", "data:a b\" é")
	}
	v.URL = strings.ReplaceAll(v.URL, "\n", "%0A")
	if v.URL == "" {
		v.URL = "/"
	}
	if _, err := when(path.Exists())[0].Match(v); err != nil { // an address that is none
		v.URL = fmt.Sprint("/shoes/", g.IntN(3))
	}
	return v
}

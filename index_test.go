package campaign_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// The rule and the index are one language: whatever the campaigns and the visit,
// the engine, which looks campaigns up in its index, finds those for which Match,
// which knows no index, says yes. FuzzIndex says so for histories that a seed
// makes up; this test for a number of them.
func TestIndexFindsWhatMatchFinds(t *testing.T) {
	for seed := range uint64(60) {
		compareIndexWithMatch(t, seed)
	}
}

func FuzzIndex(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareIndexWithMatch(t, seed) })
}

func compareIndexWithMatch(t *testing.T, seed uint64) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	g := generator{rand.New(rand.NewPCG(seed, 7))}
	var cs []campaign.Campaign
	for len(cs) < 1+g.IntN(120) {
		c := campaign.Campaign{ID: fmt.Sprint("c", len(cs)), Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: g.condition(3)},
			campaign.Webhook{URL: "https://esp.example/"},
			campaign.Stop{},
		}}
		if err := c.Validate(); err != nil {
			t.Fatalf("seed %d: the generator makes a campaign that is not valid: %v", seed, err)
		}
		cs = append(cs, c)
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	for range 25 {
		checkIndex(t, engine, cs, g.visit())
	}
}

// show prints the campaigns on which the two lists differ.
func show(cs []campaign.Campaign, want, got []string) string {
	var b strings.Builder
	for _, c := range cs {
		if strings.Contains(fmt.Sprint(want), c.ID) != strings.Contains(fmt.Sprint(got), c.ID) {
			text, err := json.Marshal(c)
			fmt.Fprintf(&b, "%s %v\n", text, err)
		}
	}
	return b.String()
}

// A generator makes conditions and visits from few words, so that they meet.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) word() string {
	return pick(g, "shoes", "hats", "running", "trail", "a", "b", "sale", "SALE", "é", "100%", "nl", "be", "ſhoes", "\u212aelvin", "kelvin", "/", "?", "x+y", "")
}

func (g generator) text() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(g.word())
		b.WriteString(pick(g, "", "", "/", "-"))
	}
	return b.String()
}

func (g generator) nonEmpty() string {
	if s := g.text(); s != "" {
		return s
	}
	return "shoes"
}

func (g generator) path() string {
	var b strings.Builder
	for range g.IntN(5) {
		b.WriteString("/" + g.word())
	}
	return b.String()
}

func (g generator) condition(depth int) campaign.Condition {
	if depth > 0 && g.IntN(8) == 0 { // what is filed under two fields together
		return campaign.All{campaign.ItemField("tags").Equals("running"), campaign.ProfileField("country").Equals(g.word())}
	}
	if depth > 0 && g.IntN(2) == 0 {
		var group []campaign.Condition
		for range 1 + g.IntN(3) {
			group = append(group, g.condition(depth-1))
		}
		switch g.IntN(5) {
		case 0:
			return campaign.Not{Of: group[0]}
		case 1, 2:
			return campaign.Any(group)
		default:
			return campaign.All(group)
		}
	}
	return g.comparison()
}

func (g generator) comparison() campaign.Comparison {
	textual := pick(g, campaign.PagePath, campaign.PagePath, campaign.PagePath, campaign.PageURL, campaign.PageType, campaign.PageTitle,
		campaign.PageFragment, campaign.ReferrerURL, campaign.ReferrerPath, campaign.PageQuery("q"), campaign.PageQuery("x+y"), campaign.ReferrerQuery("q"))
	open := pick(g, campaign.ItemCategory, campaign.ItemField("tags"), campaign.ItemField("price"), campaign.ProfileField("country"),
		campaign.ProfileField("address.city"), campaign.ProfileField("id"), campaign.VisitField("device"))
	field := pick(g, textual, textual, open)
	var c campaign.Comparison
	switch g.IntN(11) {
	case 0:
		c = field.Equals(g.equalText(field))
	case 1:
		c = field.In(g.equalText(field), g.equalText(field), g.equalText(field))
	case 2:
		c = field.StartsWith(g.startText(field))
	case 3:
		c = field.EndsWith(g.nonEmpty())
	case 4:
		c = field.Contains(g.nonEmpty())
	case 5:
		c = field.Glob(pick(g, "*", g.startText(field)) + pick(g, "*", "?", `\*`, "*sale*") + g.text())
	case 6:
		c = field.Regex(pick(g, "^/shoes/", "shoes$", "(?i)sale", "run+ing", "^(/hats|/shoes)/trail", `\d+%`, "(sale|hats)-", "", "^/hats.*running", "tr(ai)l", "(?:kelvin)?shoes", "^/(hats|shoes)/", "(?i)/(hats|shoes)/[rt]", "/(shoes|hats/.*sale)$", "(running|trail).*(hats|shoes)$", "^(?:/shoes|.*sale)", "[st]hoes?/"))
	case 7:
		return open.AtLeast(g.IntN(3))
	case 8:
		return open.Equals(pick[any](g, 1, 2, 1.5, true, false, "1", uint64(1<<63), "running"))
	case 9:
		return open.In(1, true, "running", g.text())
	default:
		return field.Exists()
	}
	if g.IntN(5) == 0 {
		c = c.IgnoringCase()
	}
	return c
}

func (g generator) equalText(f campaign.Field) string {
	switch f {
	case campaign.PagePath, campaign.ReferrerPath:
		return g.path() + pick(g, "", "/")
	case campaign.PageURL, campaign.ReferrerURL:
		return "https://shop.example" + g.path() + pick(g, "", "/") + pick(g, "", "?q=a", "?")
	}
	return g.text()
}

func (g generator) startText(f campaign.Field) string {
	if s := g.equalText(f); s != "" {
		return s
	}
	return "/"
}

func (g generator) address() string {
	s := pick(g, "https://shop.example", "https://shop.example", "HTTPS://Shop.Example:443", "") + strings.ReplaceAll(g.path(), "?", "%3F") + pick(g, "", "/")
	if s == "" || s[0] != '/' && s[0]|0x20 != 'h' {
		s = "/" + s
	}
	if g.IntN(3) == 0 {
		s = strings.ReplaceAll(s, "é", "%C3%A9")
	}
	return s + pick(g, "", "?q=a", "?q="+g.word()+"&q=b", "?x%2By=sale", "?") + pick(g, "", "#", "#top")
}

func (g generator) value() any {
	s := g.word()
	n := g.IntN(3)
	return pick[any](g, nil, s, &s, n, float64(n), json.Number("1.0"), uint64(1<<63), true, []string{s, "running"}, []any{n, s, nil, true}, []any{},
		map[string]any{"city": s}, map[string]string{"city": s}, []any{n, map[string]any{"city": s}, map[string]any{"city": n}},
		[]map[string]string{{"city": s}, {"city": "nl"}}, time.Unix(0, 0), named(s), []named{named(s)}, []int{n}, struct{}{})
}

type named string

func (g generator) visit() campaign.PageVisit {
	return campaign.PageVisit{
		URL:      g.address(),
		Title:    g.text(),
		Type:     pick(g, "", "product", g.word()),
		Referrer: pick(g, "", "not a url", g.address()),
		Item:     campaign.Item{Category: pick(g, "", g.word()), Fields: map[string]any{"category": g.value(), "tags": g.value(), "price": g.value()}},
		Profile: campaign.Profile{ID: pick(g, "", "shoes"), Fields: map[string]any{
			"country": g.value(), "address": g.value(), pick(g, "address.city", "other"): g.value(),
		}},
		Data: map[string]any{"device": g.value()},
	}
}

// A visit with long lists, or that says the same again and again in its query or
// its path, takes the time of one with as much to read, not of as many visits.
func TestLongVisitsAreNotSlow(t *testing.T) {
	var cs []campaign.Campaign
	add := func(when ...campaign.Condition) {
		c := everyPage(fmt.Sprint("c", len(cs)), 1, campaign.Stop{})
		c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.All(when)}
		cs = append(cs, c)
	}
	for i := range 100 {
		add(campaign.ProfileField("bought").Equals("shoes"), campaign.ProfileField("sizes").AtLeast(50+i))
		add(campaign.PageQuery("utm_source").Equals("mail"), campaign.PageQuery(fmt.Sprint("q", i)).Exists())
		add(campaign.ItemField("tags").Equals(fmt.Sprint("tag-", i%10)), campaign.ProfileField("segments").Equals(fmt.Sprint("segment-", i/10)))
		add(campaign.PageFragment.Contains(fmt.Sprint(i%10)), campaign.PageQuery(fmt.Sprint("q", i)).Exists())
		add(campaign.PagePath.Contains("/sneakers"), campaign.PageQuery(fmt.Sprint("q", i)).Exists())
	}
	for i := range 5000 {
		add(campaign.PagePath.Contains("running-shoes"), campaign.PageQuery(fmt.Sprint("q", i)).Exists())
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	const n = 30_000
	var tags, segments []string
	for i := range n {
		tags, segments = append(tags, fmt.Sprint("other-", i)), append(segments, fmt.Sprint("other-", i))
	}
	repeated := make([]string, n)
	sizes := make([]int, n)
	for i := range repeated {
		repeated[i], sizes[i] = "shoes", 40
	}
	shop := "https://shop.example"
	for _, test := range []struct {
		name  string
		visit campaign.PageVisit
	}{
		{"list", campaign.PageVisit{URL: shop, Profile: campaign.Profile{Fields: map[string]any{"bought": repeated, "sizes": sizes}}}},
		{"query", campaign.PageVisit{URL: shop + "/?" + strings.Repeat("utm_source=mail&", n)}},
		{"path", campaign.PageVisit{URL: shop + strings.Repeat("/sneakers/12", n)}},
		{"fragment", campaign.PageVisit{URL: shop + "/#" + strings.Repeat("%C3%A9", 20*n)}},
		{"two lists", campaign.PageVisit{
			URL:     shop,
			Item:    campaign.Item{Fields: map[string]any{"tags": tags}},
			Profile: campaign.Profile{Fields: map[string]any{"segments": segments}},
		}},
		{"path with what many look for", campaign.PageVisit{URL: shop + "/" + strings.Repeat("running-shoes", 20*n)}},
	} {
		start := time.Now()
		outcomes, err := engine.Visit(t.Context(), test.visit)
		if len(outcomes) != 0 || err != nil {
			t.Errorf("%s: Visit = %v, %v, want none", test.name, outcomes, err)
		}
		// It takes milliseconds, and a hundred times as long under -race on a
		// slow machine; work that grows with the square takes minutes.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: Visit took %v", test.name, took)
		}
	}
}

// A visit that repeats what many campaigns look for a part of finds the ones that
// it meets, and no others, whether it is long or so long that the index gives up.
func TestIndexFindsAmongWhatRepeats(t *testing.T) {
	var cs []campaign.Campaign
	add := func(when campaign.Condition) {
		c := everyPage(fmt.Sprint("c", len(cs)), 1, campaign.Stop{})
		c.Nodes[0] = campaign.WebsiteTrigger{When: when}
		cs = append(cs, c)
	}
	for i := range 400 {
		add(campaign.PagePath.Contains(fmt.Sprintf("running-shoes-%03d", i)))
		add(campaign.All{campaign.PagePath.Contains("running-shoes"), campaign.PageQuery(fmt.Sprint("q", i)).Exists()})
	}
	add(campaign.PageType.Equals("product"))
	paused := everyPage("paused", 1, campaign.Stop{})
	paused.Paused = true
	cs = append(cs, paused)
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	for _, n := range []int{0, 1, 3, 10, 30, 100, 1000} {
		checkIndex(t, engine, cs[:len(cs)-1], campaign.PageVisit{
			URL:  "https://shop.example/" + strings.Repeat("running-shoes-", n) + "123/running-shoes-321?q7=1&q300",
			Type: "product",
		})
	}
}

// What the tables have no room for is left to the test: very long texts, and
// more fields than an index has numbers.
func TestIndexBeyondItsTables(t *testing.T) {
	long := strings.Repeat("/long", 20_000)
	var cs []campaign.Campaign
	add := func(when campaign.Condition) {
		c := everyPage(fmt.Sprint("c", len(cs)), 1, campaign.Stop{})
		c.Nodes[0] = campaign.WebsiteTrigger{When: when}
		cs = append(cs, c)
	}
	add(campaign.PagePath.Equals(long + "/a"))
	add(campaign.PagePath.StartsWith(long))
	add(campaign.PagePath.EndsWith(long + "/a"))
	add(campaign.PagePath.Contains(long))
	add(campaign.All{campaign.PageTitle.Equals(long), campaign.ItemCategory.Equals("shoes")})
	for i := range 300 {
		add(campaign.VisitField(fmt.Sprint("f", i)).Equals("on"))
		add(campaign.VisitField(fmt.Sprint("f", i)).Equals("off"))
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	for _, path := range []string{long + "/a", long, long[1:], "/" + long} {
		v := campaign.PageVisit{URL: "https://shop.example" + path, Title: long, Item: campaign.Item{Category: "shoes"}, Data: map[string]any{}}
		for i := range 300 {
			v.Data[fmt.Sprint("f", i)] = []string{"on", "off", "", "onoff"}[i%4]
		}
		checkIndex(t, engine, cs, v)
	}
}

// Among many campaigns, some look alike to the table: each is still found.
func TestIndexFindsEachOfMany(t *testing.T) {
	conditions := []func(text string) campaign.Condition{
		func(text string) campaign.Condition { return campaign.PagePath.Equals("/" + text) },
		func(text string) campaign.Condition { return campaign.PagePath.StartsWith("/" + text) },
		func(text string) campaign.Condition { return campaign.PagePath.EndsWith(text) },
		func(text string) campaign.Condition { return campaign.PagePath.Contains(text) },
	}
	var cs []campaign.Campaign
	for i := range 8000 {
		text := fmt.Sprintf("%08x", uint32(i)*0x9e3779b1)
		for kind, condition := range conditions {
			cs = append(cs, campaign.Campaign{ID: fmt.Sprint(text, kind), Nodes: []campaign.Node{
				campaign.WebsiteTrigger{When: condition(text), Audience: campaign.AudienceAll},
				campaign.Webhook{URL: "https://esp.example/"},
				campaign.Stop{RestartTimeout: campaign.Never},
			}})
		}
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	for i := 0; i < len(cs); i += len(conditions) {
		text := cs[i].ID[:8]
		outcomes, err := engine.Visit(t.Context(), campaign.PageVisit{URL: "https://shop.example/" + text})
		var found []string
		for _, o := range outcomes {
			found = append(found, o.Campaign)
		}
		if want := []string{text + "0", text + "1", text + "2", text + "3"}; err != nil || !slices.Equal(found, want) {
			t.Fatalf("Visit(/%s) finds %q, %v; want %q", text, found, err, want)
		}
	}
}

// What a visit has that is no text is never taken for a text that hashes alike.
func TestIndexTellsNumbersFromTexts(t *testing.T) {
	var cs []campaign.Campaign
	for i := range 10 {
		c := everyPage(fmt.Sprint("c", i), 1, campaign.Stop{})
		c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.VisitField("n").In("", fmt.Sprint(i), -i-1)}
		cs = append(cs, c)
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, cs...)
	v := campaign.PageVisit{URL: "/", Data: map[string]any{}}
	for n := range 100_000 {
		v.Data["n"] = n
		if outcomes, err := engine.Visit(t.Context(), v); outcomes != nil || err != nil {
			t.Fatalf("n = %d: Visit = %v, %v, want no outcome", n, outcomes, err)
		}
	}
}

// checkIndex compares the campaigns that the engine finds with those for which
// Match holds.
func checkIndex(t *testing.T, engine *campaign.Engine, cs []campaign.Campaign, v campaign.PageVisit) {
	t.Helper()
	var want, got []string
	for _, c := range cs {
		ok, err := c.Match(v)
		if err != nil {
			t.Fatalf("Match(%+v): %v", v, err)
		}
		if ok {
			want = append(want, c.ID)
		}
	}
	// A visitor that is not known: decided, and never sent.
	outcomes, err := engine.Visit(t.Context(), v)
	if err != nil {
		t.Fatalf("Visit(%+v): %v", v, err)
	}
	for _, o := range outcomes {
		got = append(got, o.Campaign)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("campaigns for %.2000s (-Match +index):\n%s\n%s", fmt.Sprintf("%+v", v), diff, show(cs, want, got))
	}
}

// Each visit sees one whole set, however often Load swaps it.
func TestLoadUnderVisits(t *testing.T) {
	set := func(generation string) []campaign.Campaign {
		var cs []campaign.Campaign
		for i := range 40 {
			c := everyPage(fmt.Sprintf("%s-%d", generation, i), 1, campaign.Stop{})
			if i%2 == 0 {
				c.Nodes[0] = campaign.WebsiteTrigger{When: campaign.PagePath.StartsWith("/shoes")}
			}
			cs = append(cs, c)
		}
		return cs
	}
	engine := newEngine(t, new(campaigntest.Recorder), nil, set("a")...)
	v := shoeVisit()
	v.Profile.Known = false
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				outcomes, err := engine.Visit(t.Context(), v)
				if err != nil || len(outcomes) != 40 {
					t.Errorf("Visit = %d outcomes, %v, want 40", len(outcomes), err)
					return
				}
				generation, _, _ := strings.Cut(outcomes[0].Campaign, "-")
				for i, o := range outcomes {
					if o.Campaign != fmt.Sprintf("%s-%d", generation, i) {
						t.Errorf("outcome %d is of %s among those of %s: the visit saw two sets", i, o.Campaign, generation)
						return
					}
				}
			}
		})
	}
	for i := range 40 {
		if err := engine.Load(set(fmt.Sprint(i))...); err != nil {
			t.Errorf("Load: %v", err)
		}
	}
	wg.Wait()
}

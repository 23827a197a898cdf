package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// A mix says how many percent of the rules are of each kind.
type mix [kinds]int

var (
	// plainMix is what most campaigns of a shop look like.
	plainMix = mix{prefix: 40, equals: 20, contains: 15, regex: 5, typed: 20}

	// wideMix has every kind of anchor that an index may have.
	wideMix = mix{prefix: 25, equals: 15, contains: 10, regex: 5, typed: 10, suffix: 10, glob: 10, segment: 10, param: 5}
)

// counts spreads n rules over the kinds: rounded down first, then one each to
// the largest remainders. Of equal ones the later kind gets it, or ten rules
// would have no regular expression among them.
func (m mix) counts(n int) (counts [kinds]int) {
	var order [kinds]kind
	left := n
	for k := range kinds {
		order[k] = kind(k)
		counts[k] = n * m[k] / 100
		left -= counts[k]
	}
	slices.SortFunc(order[:], func(a, b kind) int {
		return cmp.Or(cmp.Compare(n*m[b]%100, n*m[a]%100), cmp.Compare(b, a))
	})
	for _, k := range order[:left] {
		counts[k]++
	}
	return counts
}

// knownPercent is how many of the rules want a known profile.
const knownPercent = 70

// A generator makes rules and visits that look like a shop's: few sections,
// many shared stems, long tails. The same seed gives the same.
type generator struct {
	rand  *rand.Rand
	taken map[string]bool // what must not be given twice
	rules []rule
	knots []knot
}

// A knot is a page that five rules want.
type knot struct {
	path, pageType, category, param string
}

const knotSize = 5

func newGenerator(m mix, n int) *generator {
	g := &generator{
		rand:  rand.New(rand.NewPCG(2026, uint64(n))),
		taken: make(map[string]bool),
	}
	counts := m.counts(n)
	for range max(1, min(n/50, 64)) {
		g.addKnot(&counts)
	}
	for k := range kinds {
		for range counts[k] {
			g.rules = append(g.rules, g.rule(kind(k)))
		}
	}
	g.rand.Shuffle(len(g.rules), func(i, j int) { g.rules[i], g.rules[j] = g.rules[j], g.rules[i] })
	for i, j := range g.rand.Perm(len(g.rules)) {
		g.rules[j].known = i*100 < len(g.rules)*knownPercent
	}
	return g
}

// addKnot adds a page and the five rules that want it, of kinds that the mix
// still has room for.
func (g *generator) addKnot(counts *[kinds]int) {
	outer := "/" + g.section() + "/" + g.slug() + "/"
	stem := g.stem()
	k := knot{
		path:     outer + "new-arrivals/" + stem,
		pageType: "product",
		category: g.unique(g.category),
		param:    g.unique(g.paramValue),
	}
	g.knots = append(g.knots, k)
	prefixes := []rule{
		{kind: prefix, text: outer, hit: outer + "{}", miss: outer[:len(outer)-1] + "-{}"},
		{kind: prefix, text: outer + "new-", hit: outer + "new-{}", miss: outer[:len(outer)-1] + "/old-{}"},
	}
	others := []rule{
		{kind: contains, text: "/" + stem, hit: "/sale/{}/" + stem + "-left", miss: "/sale/{}-" + stem},
		{kind: typed, text: k.pageType, category: k.category, hit: "/p/{}", miss: "/p/{}"},
		{kind: suffix, text: "s/" + stem, hit: "/sale/{}s/" + stem, miss: "/sale/{}s/" + stem + "s"},
		{kind: param, text: k.param, hit: "/p/{}", miss: "/p/{}"},
		{kind: equals, text: k.path, hit: k.path, miss: k.path + "/{}"},
	}
	added := 0
	for _, r := range slices.Concat(prefixes, others) {
		if counts[r.kind] > 0 && added < knotSize {
			counts[r.kind]--
			added++
			g.rules = append(g.rules, r)
		}
	}
}

// rule makes a rule of the kind whose operand no other rule has.
func (g *generator) rule(k kind) rule {
	section, stem := g.section(), g.stem()
	r := rule{kind: k, hit: "/" + section + "/{}", miss: "/" + section + "/{}"}
	switch k {
	case prefix:
		r.text = "/" + section + "/" + stem + "/"
		if g.rand.IntN(3) == 0 { // the deeper half of a shop's tree
			r.text = "/c/" + section + "/" + stem + "/" + g.slug() + "/"
		}
		r.hit, r.miss = r.text+"{}", r.text[:len(r.text)-1]+"-{}"
	case equals:
		r.text = "/" + section + "/" + stem
		r.hit, r.miss = r.text, r.text+"/{}"
	case contains:
		r.text = "/" + stem
		r.hit, r.miss = "/"+section+"/{}"+r.text+"-sale", "/"+section+"/{}-"+stem
	case regex:
		g.regex(&r, section, stem)
	case suffix:
		r.text = "-" + stem + ".html"
		r.hit, r.miss = "/"+section+"/{}"+r.text, "/"+section+"/{}"+r.text+"l"
	case glob:
		r.text = "/" + section + "/*/" + stem + "-?"
		r.hit, r.miss = "/"+section+"/{}/"+stem+"-x", "/"+section+"/{}/"+stem+"-xl"
	case segment:
		r.text = g.unique(g.segmentValue)
	case param:
		r.text = g.unique(g.paramValue)
	case typed:
		r.text, r.category = g.pageType(), g.unique(g.category)
	}
	return r
}

func (g *generator) regex(r *rule, section, stem string) {
	switch g.rand.IntN(3) {
	case 0:
		r.text = "^/" + section + "/" + stem + "-[0-9]+/"
		r.hit, r.miss = "/"+section+"/"+stem+"-44/{}", "/"+section+"/"+stem+"-x44/{}"
	case 1:
		r.text = "/" + stem + "/(size|colou?r)-[a-z]+"
		r.hit, r.miss = "/"+section+"/{}/"+stem+"/color-red", "/"+section+"/{}/"+stem+"/fit-red"
	default:
		r.text = "/" + stem + `-.*\.html$`
		r.hit, r.miss = "/"+section+"/"+stem+"-{}.html", "/"+section+"/"+stem+"-{}.htm"
	}
	r.re = regexp.MustCompile(r.text)
}

var (
	sections = []string{
		"shoes", "women", "men", "kids", "sale", "brands", "blog", "outdoor", "sport", "bags",
		"jackets", "accessories", "home-living", "running", "gifts", "outlet",
	}
	adjectives = []string{
		"trail", "light", "winter", "summer", "classic", "urban", "alpine", "speed", "cloud", "pure",
		"grand", "ultra", "soft", "bold", "royal", "fresh", "nordic", "vintage", "eco", "aero",
		"stealth", "coast", "canyon", "lunar", "solar", "rapid", "silent", "wild", "golden", "silver",
	}
	nouns = []string{
		"runner", "walker", "boot", "sneaker", "jacket", "parka", "hoodie", "backpack", "tent", "bottle",
		"sandal", "loafer", "glove", "beanie", "scarf", "belt", "watch", "lamp", "chair", "blanket",
		"racer", "climber", "rider", "skater", "surfer", "vest", "shirt", "dress", "skirt", "trouser",
	}
	pageTypes = []string{"product", "category", "article", "search", "landing"}
)

func (g *generator) pick(from []string) string { return from[g.rand.IntN(len(from))] }

func (g *generator) section() string  { return g.pick(sections) }
func (g *generator) pageType() string { return g.pick(pageTypes) }

// slug is one part of a path; many rules and visits share it.
func (g *generator) slug() string { return g.pick(adjectives) + "-" + g.pick(nouns) }

// stem is one part of a path that no other rule has.
func (g *generator) stem() string {
	return g.unique(func() string { return fmt.Sprintf("%s-%d", g.slug(), g.rand.IntN(2000)) })
}

func (g *generator) category() string {
	// With spaces and capitals, which no path has: a peer that searches
	// everything in one text cannot take one for the other.
	name := g.pick(adjectives) + " " + g.pick(nouns)
	return strings.ToUpper(name[:1]) + name[1:] + fmt.Sprintf(" %d", g.rand.IntN(500))
}

func (g *generator) segmentValue() string { return fmt.Sprintf("seg_%06d", g.rand.IntN(1_000_000)) }

func (g *generator) paramValue() string {
	return fmt.Sprintf("%s_%s_%d", g.pick(adjectives), g.pick(nouns), g.rand.IntN(5000))
}

// unique calls draw until it gives what was never given before.
func (g *generator) unique(draw func() string) string {
	for {
		s := draw()
		if !g.taken[s] {
			g.taken[s] = true
			return s
		}
	}
}

// Command backtest measures package backtest over synthetic visits that are
// made as they are needed, always the same from the same seed:
//
//	bench/run.sh backtest [-visits 10000000] [-profiles 1000000] [-rounds 3] [-cpuprofile FILE]
//
// The visits are a shop's, over 30 days: two thirds match none of the ten
// campaigns, a quarter match one, some match two; one visitor in five is not
// known, and one known profile in a hundred has no email, which all campaigns
// require. Half of the visits are by a tenth of the profiles.
//
// All runs on one core, and time is the processor time of the process, the
// collector's included. What it takes to make the visits is measured alone and
// taken off.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

// The numbers that this library is to reach.
const (
	goalRate  = 1_000_000 // visits a second
	goalBytes = 64        // for each campaign and profile that it reached
)

func main() {
	visits := flag.Int("visits", 10_000_000, "how many visits")
	profiles := flag.Int("profiles", 1_000_000, "of how many profiles")
	rounds := flag.Int("rounds", 3, "how often all is measured; the median counts")
	cpuprofile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	if *visits < 1 || *profiles < 1 || *rounds < 1 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "backtest: give numbers of at least 1")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(1)
	if *cpuprofile != "" {
		f, err := os.Create(*cpuprofile)
		if err != nil {
			fail(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			fail(err)
		}
		defer f.Close()
		defer pprof.StopCPUProfile()
	}
	s := shop{visits: *visits, profiles: *profiles}
	results := make([]result, *rounds)
	for i := range results {
		results[i] = measure(s)
		results[i].print(i + 1)
	}
	slices.SortFunc(results, func(a, b result) int { return int(a.net() - b.net()) })
	median := results[len(results)/2]
	fmt.Printf("\n%s", median.report)

	fmt.Printf("\nGoals\n\n")
	rate := float64(s.visits) / median.net().Seconds()
	goal(rate >= goalRate, "at least %d visits a second on one core, ten campaigns, without making the visits: %.0f", goalRate, rate)
	goal(median.bytes() <= goalBytes, "at most %d bytes for each campaign and profile that it reached: %.1f", goalBytes, median.bytes())
}

func goal(ok bool, format string, args ...any) {
	verdict := "FAIL"
	if ok {
		verdict = "pass"
	}
	fmt.Printf("%s  %s\n", verdict, fmt.Sprintf(format, args...))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "backtest:", err)
	os.Exit(1)
}

// A result is one round.
type result struct {
	shop
	making, all time.Duration
	heap        uint64 // what the backtest holds at its end
	report      *backtest.Report
}

func (r *result) net() time.Duration { return r.all - r.making }

// pairs returns how many campaigns reached how many profiles.
func (r *result) pairs() (n int) {
	for _, c := range r.report.Campaigns {
		n += c.Profiles
	}
	return n
}

func (r *result) bytes() float64 { return float64(r.heap) / float64(max(1, r.pairs())) }

func (r *result) print(round int) {
	n := float64(r.visits)
	matched, started := 0, 0
	for _, c := range r.report.Campaigns {
		matched += c.Matched
		started += c.Started
	}
	fmt.Printf("round %d: %.0f ns a visit, %.0f of them for making it: %.0f visits a second with that, %.0f without; %.2f matches and %.2f runs a visit; %.1f MB, %.1f bytes a profile, %.1f a campaign and profile\n",
		round, float64(r.all)/n, float64(r.making)/n, n/r.all.Seconds(), n/r.net().Seconds(),
		float64(matched)/n, float64(started)/n,
		float64(r.heap)/1e6, float64(r.heap)/float64(r.profiles), r.bytes())
}

func measure(s shop) result {
	r := result{shop: s}
	heap()
	start := clock()
	made := 0
	for v := range s.sequence(nil) {
		made += len(v.URL) // so that the compiler cannot leave it out
	}
	r.making = clock() - start
	if made == 0 {
		fail(errors.New("no visits were made"))
	}

	before := heap()
	var looking time.Duration // at the memory is not what is measured
	start = clock()
	var err error
	r.report, err = backtest.Run(context.Background(), campaigns(), s.sequence(func() {
		start := clock()
		r.heap = heap() - before
		looking = clock() - start
	}), nil)
	r.all = clock() - start - looking
	if err != nil {
		fail(err)
	}
	if r.report.Visits != s.visits || r.report.Bad != 0 {
		fail(fmt.Errorf("%d visits were used and %d were bad, of %d", r.report.Visits, r.report.Bad, s.visits))
	}
	return r
}

// heap returns how much memory is in use after a collection.
func heap() uint64 {
	debug.FreeOSMemory()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.HeapAlloc
}

// A shop makes visits.
type shop struct{ visits, profiles int }

// sequence makes the visits, and calls atEnd after the last. Addresses and IDs
// are made anew for each, as by who reads a log: what a host passes in has just
// been read, and is in the processor's cache.
func (s shop) sequence(atEnd func()) iter.Seq[campaign.PageVisit] {
	const span = 30 * 24 * time.Hour
	first := time.Now().Add(-span).Truncate(time.Second)
	step := span / time.Duration(s.visits)
	full := map[string]any{"email": "ann@example.org", "gender": "f", "country": "NL"}
	bare := map[string]any{"gender": "f", "country": "NL"}
	return func(yield func(campaign.PageVisit) bool) {
		rnd := rand.New(rand.NewPCG(1, 2))
		var room [128]byte
		for i := range s.visits {
			x := rnd.Uint64()
			profile := int(x >> 33 % uint64(s.profiles))
			if x&1 == 0 {
				profile /= 10
			}
			fields := full
			if profile%100 == 7 {
				fields = bare
			}
			kind, category, address := page(room[:0], int(x>>1&0xffff)%100, int(x>>17&0xffff))
			url := string(address)
			v := campaign.PageVisit{
				Time: first.Add(time.Duration(i) * step),
				URL:  url,
				Type: kind,
				Item: campaign.Item{Category: category},
				Profile: campaign.Profile{
					ID:     string(strconv.AppendInt(append(room[:0], "customer-"...), int64(profile), 10)),
					Known:  profile%5 != 0,
					Fields: fields,
				},
			}
			if !yield(v) {
				return
			}
		}
		if atEnd != nil {
			atEnd()
		}
	}
}

var (
	categories = []string{"running", "hiking", "tennis", "football", "cycling", "swimming", "skiing", "yoga"}
	words      = []string{"light", "classic", "trail", "pro", "junior"}
)

// page makes one of the shop's pages: share says of which kind, from 0 to 99,
// and n which one.
func page(b []byte, share, n int) (kind, category string, address []byte) {
	word := words[n%len(words)]
	b = append(b, "https://shop.example"...)
	number := func(b []byte) []byte { return strconv.AppendInt(b, int64(n), 10) }
	switch {
	case share < 30: // of the products, those of running and hiking match one or two campaigns
		category = categories[n%len(categories)]
		b = append(append(append(append(b, "/products/"...), category...), '/'), word...)
		b = append(number(append(b, '-')), "?color=red&size="...)
		return "product", category, strconv.AppendInt(b, int64(36+n%9), 10)
	case share < 45:
		return "list", "", number(append(append(append(b, "/sale/"...), word...), '/'))
	case share < 50:
		return "basket", "", append(b, "/basket"...)
	case share < 53:
		return "home", "", number(append(b, "/?utm_source=newsletter&utm_campaign="...))
	case share < 65:
		return "home", "", append(b, '/')
	case share < 70:
		return "search", "", append(append(append(b, "/search?q="...), word...), "+shoes"...)
	case share < 71:
		return "article", "", number(append(b, "/blog/wedding-shoes/"...))
	}
	return "article", "", number(append(append(append(b, "/blog/"...), word...), '/'))
}

// campaigns returns ten campaigns as a shop has them.
func campaigns() []campaign.Campaign {
	const day = 24 * time.Hour
	category := func(name string) campaign.Condition {
		return campaign.All{campaign.PageType.Equals("product"), campaign.ItemCategory.Equals(name)}
	}
	return []campaign.Campaign{
		define("running", category("running"), 7*day),
		define("hiking", category("hiking"), 7*day),
		define("trail", campaign.PagePath.Contains("/trail-"), 14*day),
		define("junior-sale", campaign.PagePath.StartsWith("/sale/junior/"), 7*day),
		define("pro-sale", campaign.PagePath.StartsWith("/sale/pro/"), 30*day),
		define("basket", campaign.PagePath.Equals("/basket"), day),
		define("newsletter", campaign.PageQuery("utm_source").Equals("newsletter"), campaign.Never),
		define("large-sizes", campaign.All{campaign.PagePath.StartsWith("/products/skiing/"), campaign.PageQuery("size").Equals("44")}, 7*day),
		define("wedding", campaign.PagePath.Regex(`/wedding-(shoes|suits)/\d+`), 7*day),
		define("returns", campaign.PagePath.EndsWith("/returns"), day),
	}
}

func define(id string, when campaign.Condition, restart time.Duration) campaign.Campaign {
	return campaign.Campaign{ID: id, Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: when},
		campaign.Webhook{
			Method: "POST",
			URL:    "https://esp.example/v1/automations",
			Payload: campaign.Payload{
				campaign.FromProfile("profileid"),
				campaign.FromProfile("email").Required(),
				campaign.FromProfile("gender"),
				campaign.Static("automationid", "A-17"),
			},
			Headers: campaign.Headers{{Name: "X-Api-Key", Secret: "ESP_API_KEY"}},
		},
		campaign.Stop{RestartTimeout: restart},
	}}
}

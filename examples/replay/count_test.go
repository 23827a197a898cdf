// Inside the package for the reason that main_test.go gives.
package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// A seen is one line of a generated log, as it was meant. The count below
// looks at these, and never at text, so that it shares nothing with the
// program: no parser, no conditions, no tracker.
type seen struct {
	visitor, minute int
	section, page   string
	query           string
	method          string
	status          int
	asset, cut      bool
	fromSearch      bool
}

func (s seen) line() string {
	path := "/" + s.section + "/" + s.page
	if s.asset {
		path += ".Js"
	}
	if s.query != "" {
		path += "?utm_source=" + s.query
	}
	referrer := "-"
	if s.fromSearch {
		referrer = "https://www.search.example/?q=shoes"
	}
	at := time.Date(2025, 3, 10, 0, s.minute, 0, 0, time.FixedZone("", 3600))
	text := fmt.Sprintf(`192.0.2.%d - - [%s] "%s %s HTTP/1.1" %d 99 "%s" "Test \"1\""`,
		s.visitor, at.Format("02/Jan/2006:15:04:05 -0700"), s.method, path, s.status, referrer)
	if s.cut {
		text = text[:len(text)-3]
	}
	return text + "\n"
}

func (s seen) isVisit() bool {
	return !s.cut && s.method == "GET" && s.status/100 == 2 && !s.asset
}

// generate returns n requests over four days, some of them out of order.
func generate(n int) []seen {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	all := make([]seen, n)
	for i := range all {
		all[i] = seen{
			visitor:    r.IntN(40),
			minute:     i*4*24*60/n + r.IntN(20),
			section:    pick("shoes", "tents", "shoes-old", "help"),
			page:       pick("", "a", "b", "c-9"),
			query:      pick("", "", "news", "ads"),
			method:     pick("GET", "GET", "GET", "GET", "HEAD", "POST"),
			status:     []int{200, 200, 200, 206, 304, 404}[r.IntN(6)],
			asset:      r.IntN(5) == 0,
			cut:        r.IntN(200) == 0,
			fromSearch: r.IntN(3) == 0,
		}
	}
	return all
}

// ruleJSON writes a campaign with the condition and restart timeout.
func ruleJSON(id, when, restart string) string {
	return fmt.Sprintf(`{"id": %q, "nodes": [{"type": "website_trigger", "when": %s},
		{"type": "webhook", "method": "POST", "url": "https://esp.example/", "payload": [{"profile": "profileid"}]},
		{"type": "stop", "restart_timeout": %q}]}`, id, when, restart)
}

func TestCounts(t *testing.T) {
	rules := []struct {
		id, when, restart string
		matches           func(seen) bool
		minutes           int // of the restart timeout
	}{
		{
			"shoes", `{"field": "page.path", "op": "starts_with", "value": "/shoes/"}`, "1d",
			func(s seen) bool { return s.section == "shoes" }, 24 * 60,
		},
		{
			"from-search", `{"all": [{"field": "referrer.host", "op": "equals", "value": "www.search.example"},
				{"not": {"field": "page.query.utm_source", "op": "equals", "value": "ads"}}]}`, "90m",
			func(s seen) bool { return s.fromSearch && s.query != "ads" }, 90,
		},
		{
			"numbered", `{"field": "page.path", "op": "regex", "value": "-[0-9]$"}`, "immediately",
			func(s seen) bool { return s.page == "c-9" }, 0,
		},
		{
			"tents-by-news", `{"all": [{"field": "page.url", "op": "contains", "value": "utm_source=news"},
				{"field": "page.path", "op": "equals", "value": "/tents"}]}`, "never",
			func(s seen) bool { return s.section == "tents" && s.page == "" && s.query == "news" }, 1e9,
		},
	}
	all := generate(6000)
	var log strings.Builder
	var texts []string
	for _, rule := range rules {
		texts = append(texts, ruleJSON(rule.id, rule.when, rule.restart))
	}
	for _, s := range all {
		log.WriteString(s.line())
	}
	known := func(visitor int) bool { return visitor >= 32 && visitor < 40 || visitor == 5 }

	want := report{Lines: len(all)}
	for _, s := range all {
		if s.isVisit() {
			want.Visits++
		}
		if s.cut {
			want.NotRead++
		}
	}
	for _, rule := range rules {
		count := campaignCount{ID: rule.id, HeldBack: map[campaign.Reason]int{}}
		profiles := map[int]bool{}
		openAt := map[int]int{} // by visitor, in minutes
		for _, s := range all {
			if !s.isVisit() || !rule.matches(s) {
				continue
			}
			count.Matched++
			end, closed := openAt[s.visitor]
			switch {
			case !known(s.visitor):
				count.HeldBack[campaign.ReasonUnknownProfile]++
			case closed && s.minute < end:
				count.HeldBack[campaign.ReasonCoolingDown]++
			default:
				count.Started++
				count.Delivered++
				profiles[s.visitor] = true
				if rule.minutes > 0 {
					openAt[s.visitor] = s.minute + rule.minutes
				}
			}
		}
		count.Profiles = len(profiles)
		if held := count.HeldBack; count.Started == 0 || held[campaign.ReasonUnknownProfile] == 0 || held[campaign.ReasonCoolingDown] == 0 && rule.minutes > 0 {
			t.Errorf("%s: the generated log is too tame to tell anything: %+v", rule.id, count)
		}
		want.Campaigns = append(want.Campaigns, count)
	}

	campaigns := writeCampaigns(t, texts...)
	for range 2 {
		got := runBacktestJSON(t, strings.NewReader(log.String()), "-campaigns", campaigns, "-log", "-", "-known", "192.0.2.32/29,192.0.2.5")
		if len(got.FirstNotRead) != maxBadLines {
			t.Errorf("%d lines that could not be read are shown, want %d", len(got.FirstNotRead), maxBadLines)
		}
		got.FirstNotRead = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts (-by other means +got):\n%s", diff)
		}
	}
}

package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

const explainedBasket = `line 2, 2025-03-10 06:59:27 UTC, /basket, the first visit that starts it:
left-the-basket (Basket seen, not from the checkout): starts
  yes  all of
  yes    page.path equals "/basket": it is "/basket"
  yes    not
  NO       referrer.path starts_with "/checkout": it is "/shoes/running/"
  yes  audience: known profiles
`

func TestExplain(t *testing.T) {
	all := mustRun(t, nil, "explain")
	if strings.Count(all, ": starts\n") != 3 || !strings.Contains(all, "\n\n"+explainedBasket+"\n") {
		t.Errorf("explain printed\n%s\nwant that each campaign starts, and among it\n%s", all, explainedBasket)
	}
	if diff := cmp.Diff(explainedBasket, mustRun(t, nil, "explain", "-campaign", "left-the-basket")); diff != "" {
		t.Errorf("explain -campaign (-want +got):\n%s", diff)
	}
	if got := mustRun(t, nil, "explain", "-campaigns", writeCampaigns(t), "-log", "sample/access.log"); got != "there are no campaigns\n" {
		t.Errorf("explain of no campaigns printed %q", got)
	}
}

// TestExplainNearest shows which visit is explained where none starts.
func TestExplainNearest(t *testing.T) {
	when := `{"all": [{"field": "page.path", "op": "starts_with", "value": "/a/"},
		{"not": {"any": [{"field": "page.query.x", "op": "exists"}, {"field": "page.query.y", "op": "exists"}]}},
		{"any": [{"field": "page.path", "op": "ends_with", "value": "1"}, {"field": "page.path", "op": "ends_with", "value": "2"}]}]}`
	campaigns := writeCampaigns(t, ruleJSON("a", when, "1d"))
	for _, test := range []struct {
		name string
		log  string
		want string
	}{
		{"three away, two, one, one", "/b/?x=1 /b/3 /a/3 /a/1?x=1", "line 3, 2025-03-10 12:02:00 UTC, /a/3, no visit starts it and this one comes nearest:\na: does not start: the visit does not meet the condition\n"},
		{"both parts of a not", "/a/1?x=1&y=1 /a/4?x=1 /a/1?x=1", "line 3, "},
		{"only unknown visitors", "/c /a/1 /a/2", "line 2, 2025-03-10 12:01:00 UTC, /a/1, no visit starts it and this one comes nearest:\na: does not start: the visitor is not in the audience\n"},
	} {
		var log strings.Builder
		for i, target := range strings.Fields(test.log) {
			log.WriteString(line("192.0.2.1", i, target))
		}
		got := mustRun(t, strings.NewReader(log.String()), "explain", "-campaigns", campaigns, "-log", "-", "-known", map[bool]string{true: "none", false: "all"}[test.name == "only unknown visitors"])
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: explain printed\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// TestExplainNearestCannotRender shows that a visit that lacks nothing but a field
// of the payload is nearer than one that does not meet the condition.
func TestExplainNearestCannotRender(t *testing.T) {
	needy := strings.Replace(ruleJSON("a", `{"field": "page.path", "op": "starts_with", "value": "/a/"}`, "1d"),
		`{"profile": "profileid"}`, `{"profile": "email", "missing": "fail"}`, 1)
	log := line("192.0.2.1", 0, "/b/1") + line("192.0.2.1", 1, "/a/1")
	got := mustRun(t, strings.NewReader(log), "explain", "-campaigns", writeCampaigns(t, needy), "-log", "-")
	want := "line 2, 2025-03-10 12:01:00 UTC, /a/1, no visit starts it and this one comes nearest:\na: does not send: "
	if !strings.HasPrefix(got, want) {
		t.Errorf("explain printed\n%s\nwant\n%s", got, want)
	}
}

// TestExplainLine shows that the lines before count, whatever their order.
func TestExplainLine(t *testing.T) {
	campaigns := writeCampaigns(t, ruleJSON("a", `{"field": "page.path", "op": "exists"}`, "10m"))
	log := file(t, "log", []byte(line("192.0.2.1", 20, "/a")+line("192.0.2.2", 25, "/b")+"bad\n"+line("192.0.2.1", 29, "/c")+
		line("192.0.2.1", 30, "/d")+line("192.0.2.2", 50, "/e")+line("192.0.2.1", 39, "/f")))
	for _, test := range []struct {
		line string
		want string
	}{
		{"1", "line 1, 2025-03-10 12:20:00 UTC, /a\n\na: starts\n"},
		{"2", "line 2, 2025-03-10 12:25:00 UTC, /b\n\na: starts\n"},
		{"4", "line 4, 2025-03-10 12:29:00 UTC, /c\n\na: does not start: the profile is left alone\n"},
		{"5", "line 5, 2025-03-10 12:30:00 UTC, /d\n\na: starts\n"},
		{"7", "line 7, 2025-03-10 12:39:00 UTC, /f\n\na: does not start: the profile is left alone\n"}, // it is late
	} {
		got := mustRun(t, nil, "explain", "-campaigns", campaigns, "-log", log, "-line", test.line)
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("explain -line %s printed\n%s\nwant\n%s", test.line, got, test.want)
		}
	}
}

func TestExplainJSON(t *testing.T) {
	var got []explained
	runJSON(t, nil, &got, "explain", "-campaigns", "sample/campaigns.json", "-campaign", "spring-newsletter", "-visit", `{"url": "/a", "profile": {"id": "p"}}`)
	want := []explained{{
		Campaign: "spring-newsletter", Name: "Came by the newsletter, once and for all",
		Reason: campaign.ReasonCondition, Audience: "known",
		Visit: campaign.PageVisit{URL: "/a", Profile: campaign.Profile{ID: "p"}},
		Condition: &explainedPart{
			Pointer: "/nodes/0/when", Kind: "comparison", Field: "page.query.utm_source", Op: campaign.OpEquals, Value: "newsletter", Missing: true,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explain -json (-want +got):\n%s", diff)
	}
	campaigns := writeCampaigns(t, priced)
	got = nil
	runJSON(t, nil, &got, "explain", "-campaigns", campaigns, "-visit", `{"url": "https://shop.example/", "type": "product", "item": {"fields": {"price": 100}}, "data": {"device": "x"}, "profile": {"id": "p", "known": true}}`)
	if x := got[0]; x.Reason != campaign.ReasonCannotRender || !strings.Contains(x.Error, "profile.email is required") || len(x.Condition.Of) != 4 {
		t.Errorf("explain -json of what cannot be rendered = %+v", x)
	}
}

// TestExplainAgreesWithBacktest explains each line of a log that is not in order,
// and counts.
func TestExplainAgreesWithBacktest(t *testing.T) {
	needy := strings.Replace(ruleJSON("needy", `{"field": "page.path", "op": "starts_with", "value": "/"}`, "3h"),
		`{"profile": "profileid"}`, `{"page": "query.utm_source", "as": "source", "missing": "fail"}`, 1)
	campaigns := writeCampaigns(t, needy, ruleJSON("shoes", `{"field": "page.path", "op": "starts_with", "value": "/shoes/"}`, "20h"))
	var text strings.Builder
	lines := generate(400)
	for i, s := range lines {
		s.visitor %= 5
		s.minute += i % 7 * 40
		text.WriteString(s.line())
	}
	args := []string{"-campaigns", campaigns, "-log", file(t, "log", []byte(text.String())), "-known", "192.0.2.0/30"}
	want := runBacktestJSON(t, nil, args...)
	started := map[string]int{}
	held := map[string]map[campaign.Reason]int{"needy": {}, "shoes": {}}
	for n := range lines {
		if !lines[n].isVisit() {
			continue
		}
		var got []explained
		runJSON(t, nil, &got, append([]string{"explain", "-line", strconv.Itoa(n + 1)}, args...)...)
		for _, x := range got {
			switch x.Reason {
			case campaign.ReasonStarts:
				started[x.Campaign]++
			case campaign.ReasonCondition:
			default:
				held[x.Campaign][x.Reason]++
			}
		}
	}
	for _, c := range want.Campaigns {
		if c.Started != started[c.ID] {
			t.Errorf("%s: explain says %d times that it starts, backtest %d", c.ID, started[c.ID], c.Started)
		}
		if diff := cmp.Diff(c.HeldBack, held[c.ID]); diff != "" {
			t.Errorf("%s: held back (-backtest +explain):\n%s", c.ID, diff)
		}
	}
	if want.Campaigns[0].HeldBack[campaign.ReasonCannotRender] == 0 || want.Campaigns[1].HeldBack[campaign.ReasonCoolingDown] == 0 {
		t.Errorf("the generated log is too tame to tell anything: %+v", want)
	}
}

func TestCooldowns(t *testing.T) {
	campaigntest.TestTracker(t, func(*testing.T) campaign.Tracker { return newCooldowns() })
}

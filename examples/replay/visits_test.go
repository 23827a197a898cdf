package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// jsonLine returns a visit in JSON: by profile p, minute minutes after noon.
func jsonLine(p string, minute int, url string) string {
	return fmt.Sprintf(`{"time": "2025-03-10T12:%02d:00Z", "url": %q, "type": "product", "item": {"category": "running", "fields": {"price": 99.5}},`+
		` "profile": {"id": %q, "known": true, "fields": {"email": "%s@example.org"}}, "data": {"device": "phone"}}`+"\n", minute, url, p, p)
}

// priced is a campaign for what an access log does not have.
const priced = `{"id": "priced", "nodes": [{"type": "website_trigger", "when": {"all": [
	{"field": "page.type", "op": "equals", "value": "product"}, {"field": "item.price", "op": "at_least", "value": 99.5},
	{"field": "page.host", "op": "equals", "value": "shop.example"}, {"field": "visit.device", "op": "exists"}]}},
	{"type": "webhook", "method": "POST", "url": "https://esp.example/geheim", "payload": [{"profile": "email", "missing": "fail"}],
	 "headers": [{"name": "X-Api-Key", "secret": "KEY"}]},
	{"type": "stop", "restart_timeout": "1d"}]}`

func TestJSONLines(t *testing.T) {
	campaigns := writeCampaigns(t, priced)
	log := jsonLine("a", 0, "/1") + jsonLine("a", 1, "https://shop.example/2") + jsonLine("b", 2, "/3") +
		"\n" + // line 4
		`{"url": "/", "tpye": "product"}` + "\n" +
		"[\x1b[2J]\n" +
		`{"url": "/", "profile": {"known": true}}` + "\n" + // no time
		`{"time": "2025-03-10T12:00:00Z", "url": "/", "profile": {"known": true}}` + "\n"
	want := report{
		Campaigns: []campaignCount{{
			ID: "priced", Matched: 3, Started: 2, Delivered: 2, Profiles: 2,
			HeldBack: map[campaign.Reason]int{campaign.ReasonCoolingDown: 1},
		}},
		Visits: 3, Bad: 2, Lines: 8, NotRead: 5,
	}
	wantReasons := []string{
		"4 is empty",
		`5 is no visit in JSON: /tpye: is not a key here; did you mean "type"?`,
		"6 is no visit in JSON: /0: is not JSON at column 2: ", // of line 6, not of a line of its own
		"7 is no visit that can be run: /time: ",
		"8 is no visit that can be run: /profile/id: ",
	}
	for name, in := range map[string]io.Reader{
		"plain":                    strings.NewReader(log),
		"gzip":                     bytes.NewReader(zip(t, log)),
		"byte order mark in front": strings.NewReader("\ufeff" + log),
	} {
		stdout, _, code := runArgs(t, in, "-campaigns", campaigns, "-site", "https://shop.example", "-log", "-", "-json")
		if code != 3 {
			t.Errorf("%s: exit status %d, want 3 since most lines are bad", name, code)
		}
		var got report
		decode(t, stdout, &got)
		got = got.plain()
		for i, l := range got.FirstNotRead {
			reason := fmt.Sprintf("%d %s", l.Line, l.Reason)
			if !strings.HasPrefix(reason, wantReasons[i]) || strings.ContainsAny(reason+l.Text, "\x1b\n") {
				t.Errorf("%s: not read: %q, want %q", name, reason, wantReasons[i])
			}
		}
		got.FirstNotRead = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFormat shows that the flag is stronger than the first byte.
func TestFormat(t *testing.T) {
	log := "damaged}\n" + jsonLine("a", 0, "/basket")
	out := mustRun(t, strings.NewReader(log), "-campaigns", "sample/campaigns.json", "-log", "-", "-format", "json")
	if !strings.Contains(out, "  visits             1\n") {
		t.Errorf("replay -format json printed\n%s\nwant one visit", out)
	}
	out, _, _ = runArgs(t, strings.NewReader(jsonLine("a", 0, "/basket")), "-log", "-", "-format", "combined")
	if !strings.Contains(out, "  visits             0\n") {
		t.Errorf("replay -format combined printed\n%s\nwant no visit", out)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-format", "xml"}, `-format: there is no "xml"; there are combined and json`},
		{[]string{"-known", "half"}, "-known is for access logs"},
	} {
		_, stderr, code := runArgs(t, strings.NewReader(log[len("damaged}\n"):]), append(test.args, "-log", "-")...)
		if code != 2 || !strings.Contains(stderr, test.want) {
			t.Errorf("replay %q of JSON: exit status %d, stderr %q; want 2 and %q", test.args, code, stderr, test.want)
		}
	}
}

// TestVisitFlags shows that each command for one visit finds it, and says what
// is wrong with what it was told.
func TestVisitFlags(t *testing.T) {
	campaigns := writeCampaigns(t, priced)
	visit := strings.TrimSpace(jsonLine("a", 0, "/1"))
	visitFile := file(t, "visit.json", []byte(visit+"\n"))
	log := file(t, "visits", []byte("bad\n"+line("192.0.2.1", 0, "/a")+line("192.0.2.1", 0, "/a.css")+line("192.0.2.1", 0, "\x1b[2J")))
	empty := file(t, "empty", nil)
	unread := file(t, "unread", []byte("\x1b[2J\n"))
	for _, name := range []string{"preview", "explain", "test"} {
		for _, test := range []struct {
			name   string
			args   []string
			code   int
			stderr string
		}{
			{"no visit", []string{"-campaigns", campaigns}, 2, "for which visit?"},
			{"visit and log", []string{"-visit", visit, "-log", log}, 2, "-visit is a visit by itself"},
			{"visit and line", []string{"-visit", visit, "-line", "1"}, 2, "-visit is a visit by itself"},
			{"line -1", []string{"-line", "-1"}, 2, "counted from 1"},
			{"line is no number", []string{"-line", "x"}, 2, "-line"},
			{"argument", []string{"x"}, 2, `"x" is not a flag`},
			{"no such campaign", []string{"-campaign", "x\x1b", "-visit", visit}, 2, `-campaign: there is no "x\\x1b"; there are running-shoes, left-the-basket, spring-newsletter`},
			{"no such file", []string{"-campaign", "spring-newsletter", "-visit", "missing.json"}, 1, "missing.json"},
			{"misspelt key", []string{"-campaign", "spring-newsletter", "-visit", `{"ulr": "/"}`}, 1, "-visit is no visit: /ulr: is not a key here"},
			{"two visits", []string{"-campaign", "spring-newsletter", "-visit", visit + visit}, 1, "is no visit: "},
			{"no URL", []string{"-campaign", "spring-newsletter", "-visit", `{"url": "shop"}`}, 1, "the visit cannot be used: /url: "},
			{"line not readable", []string{"-campaign", "spring-newsletter", "-log", log, "-line", "1"}, 1, "line 1 has no time"},
			{"line no visit", []string{"-campaign", "spring-newsletter", "-log", log, "-line", "3"}, 1, "line 3 is no visit of a page: GET /a.css, answered with 200"},
			{"no such line", []string{"-campaign", "spring-newsletter", "-log", log, "-line", "5"}, 1, "there is no line 5, the log has 4 lines"},
			{"empty log", []string{"-campaign", "spring-newsletter", "-log", empty}, 1, "the log has no visit; it has 0 lines"},
			{"unreadable log", []string{"-campaign", "spring-newsletter", "-log", unread}, 1, `the log has no visit; of 1 line 1 could not be read, the first: line 1 does not begin with the client's address: \x1b[2J`},
			{"no such log", []string{"-campaign", "spring-newsletter", "-log", "missing.log"}, 1, "missing.log"},
		} {
			_, stderr, code := runArgs(t, nil, append([]string{name}, test.args...)...)
			if code != test.code || !strings.Contains(stderr, test.stderr) || strings.Contains(stderr, "\x1b") {
				t.Errorf("%s %s: exit status %d, stderr %q; want %d and %q", name, test.name, code, stderr, test.code, test.stderr)
			}
		}
	}
	site := []string{"explain", "-campaigns", campaigns, "-site", "https://shop.example"}
	want := mustRun(t, nil, append(site, "-visit", visit)...)
	if !strings.Contains(want, "priced: starts\n") {
		t.Fatalf("explain -visit printed\n%s", want)
	}
	for name, args := range map[string][]string{"file": {"-visit", visitFile}, "standard input": {"-visit", "-"}} {
		if got := mustRun(t, strings.NewReader(visit), append(site, args...)...); got != want {
			t.Errorf("explain -visit of a %s printed\n%s\nwant\n%s", name, got, want)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// sampleTable is what the program prints without flags.
const sampleTable = `88 visits, 2025-03-10 06:57:48 UTC to 2025-03-12 15:20:24 UTC
4 visits come after a newer one

campaign           matched  started  profiles  cooling down  unknown profile  cannot render
running-shoes           30       11        11            19                0              0
left-the-basket         23       14        11             9                0              0
spring-newsletter       16       10        10             6                0              0

running-shoes
  busiest hour: 2025-03-10 06:00 UTC, 1 run

left-the-basket
  busiest hour: 2025-03-12 11:00 UTC, 3 runs

spring-newsletter
  busiest hour: 2025-03-10 06:00 UTC, 1 run

lines read           170
  visits              88
  could not be read    1
    line 104 ends within the user agent: 203.0.113.19 - - [11/Mar/2025:21:18:09 +0100] "GET /tents/du...
`

// A report is what a program sees of the JSON that backtest prints.
type report struct {
	Campaigns []campaignCount `json:"campaigns"`

	Visits       int       `json:"visits"`
	Bad          int       `json:"bad"`
	Lines        int       `json:"lines"`
	NotRead      int       `json:"not_read"`
	FirstNotRead []badLine `json:"first_not_read"`

	// Not looked at here.
	From, To json.RawMessage
	Late     json.RawMessage
	FirstBad json.RawMessage `json:"first_bad"`
}

type campaignCount struct {
	ID         string                  `json:"id"`
	Name       string                  `json:"name"`
	Matched    int                     `json:"matched"`
	HeldBack   map[campaign.Reason]int `json:"held_back"`
	Started    int                     `json:"started"`
	Delivered  int                     `json:"delivered"`
	Failed     int                     `json:"failed"`
	Profiles   int                     `json:"profiles"`
	FirstError string                  `json:"first_error"`
	Absent     []string                `json:"absent"`

	Hours, Missing json.RawMessage
}

// plain is the report without what is not looked at.
func (r report) plain() report {
	r.From, r.To, r.Late, r.FirstBad = nil, nil, nil, nil
	for i := range r.Campaigns {
		r.Campaigns[i].Hours, r.Campaigns[i].Missing = nil, nil
	}
	return r
}

func runBacktestJSON(t *testing.T, stdin io.Reader, args ...string) report {
	t.Helper()
	var rep report
	runJSON(t, stdin, &rep, args...)
	return rep.plain()
}

func TestSample(t *testing.T) {
	for _, test := range []struct {
		name  string
		stdin io.Reader
		args  []string
	}{
		{"no flags", nil, nil},
		{"by name", nil, []string{"backtest"}},
		{"files", nil, []string{"-campaigns", "sample/campaigns.json", "-log", "sample/access.log"}},
		{"gzip file without a telling name", nil, []string{"-campaigns", "sample/campaigns.json", "-log", file(t, "log", zip(t, sampleLog))}},
		{"standard input", strings.NewReader(sampleLog), []string{"-campaigns", "sample/campaigns.json", "-log", "-"}},
		{"gzip on standard input", bytes.NewReader(zip(t, sampleLog)), []string{"-campaigns", "sample/campaigns.json", "-log", "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(sampleTable, mustRun(t, test.stdin, test.args...)); diff != "" {
				t.Errorf("replay %q (-want +got):\n%s", test.args, diff)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	cooling := func(n int) map[campaign.Reason]int { return map[campaign.Reason]int{campaign.ReasonCoolingDown: n} }
	want := report{
		Campaigns: []campaignCount{
			{ID: "running-shoes", Name: "Running shoes, once a week", Matched: 30, Started: 11, Delivered: 11, Profiles: 11, HeldBack: cooling(19)},
			{ID: "left-the-basket", Name: "Basket seen, not from the checkout", Matched: 23, Started: 14, Delivered: 14, Profiles: 11, HeldBack: cooling(9)},
			{ID: "spring-newsletter", Name: "Came by the newsletter, once and for all", Matched: 16, Started: 10, Delivered: 10, Profiles: 10, HeldBack: cooling(6)},
		},
		Lines: 170, Visits: 88, NotRead: 1,
		FirstNotRead: []badLine{{104, "ends within the user agent", `203.0.113.19 - - [11/Mar/2025:21:18:09 +0100] "GET /tents/du...`}},
	}
	if diff := cmp.Diff(want, runBacktestJSON(t, nil)); diff != "" {
		t.Errorf("replay -json (-want +got):\n%s", diff)
	}
	empty := mustRun(t, strings.NewReader(""), "-log", "-", "-json", "-campaigns", writeCampaigns(t))
	if !strings.Contains(empty, `"campaigns": []`) || !strings.Contains(empty, `"first_not_read": []`) {
		t.Errorf("replay -json of nothing printed %s; want empty lists, not null", empty)
	}
}

func TestUnreadableLines(t *testing.T) {
	log := "\x1b[2Jevil\n" +
		line("192.0.2.1", 0, "/basket") +
		"caf\u00e9 \xff\n\n" +
		line("192.0.2.1", 1, "shop.example:443") + // answered with 2xx, and no address of a page
		strings.Repeat("x", 2<<20) + "\n" +
		"six\nseven\n" +
		line("192.0.2.2", 2, "/basket")
	got, _, _ := runArgs(t, strings.NewReader(log), "-log", "-") // see TestMostlyUnreadable
	const noTime = "has no time such as [02/Mar/2026:09:14:07 +0100] before the request"
	want := `lines read           9
  visits             2
  could not be read  7
    line 1 does not begin with the client's address: \x1b[2Jevil
    line 3 does not begin with the client's address: café ?
    line 4 is empty: 
    line 5 is no visit that can be run: /url: `
	if strings.Contains(got, "could not be used") {
		t.Errorf("replay says twice what it could not read:\n%s", got)
	}
	_, got, _ = strings.Cut(got, "\nlines read")
	got = "lines read" + got
	head, tail, ok := strings.Cut(got, "is no visit that can be run: /url: ")
	if diff := cmp.Diff(want, head+"is no visit that can be run: /url: "); diff != "" || !ok {
		t.Fatalf("replay with unreadable lines (-want +got):\n%s", diff)
	}
	_, tail, _ = strings.Cut(tail, "\n")
	wantTail := "    line 6 is longer than 1048576 bytes: " + strings.Repeat("x", 60) + "...\n    and 2 more\n"
	if diff := cmp.Diff(wantTail, tail); diff != "" {
		t.Errorf("replay with unreadable lines, the last (-want +got):\n%s", diff)
	}
	if got, _, _ := runArgs(t, strings.NewReader("six"), "-log", "-"); !strings.Contains(got, "line 1 "+noTime+": six\n") {
		t.Errorf("replay of %q printed\n%s", "six", got)
	}
}

// TestMostlyUnreadable shows when a log counts as the wrong file: with more bad
// lines than others, whether these are visits or not.
func TestMostlyUnreadable(t *testing.T) {
	good := line("192.0.2.1", 0, "/basket")
	asset := line("192.0.2.1", 0, "/a.css")
	for _, test := range []struct {
		name, log string
		want      string // of stderr; the exit status is 3 if there is one
	}{
		{"nothing", "", ""},
		{"a few", good + "bad\n" + good, ""},
		{"half", good + "bad\n" + asset + "bad\n", ""},
		{"more than half", good + "bad\n" + asset + "bad\nbad\n", "replay: 3 of 5 lines of the log could not be read; what was counted is of the rest\n"},
		{"all", "bad\n", "replay: 1 of 1 lines of the log could not be read; what was counted is of the rest\n"},
	} {
		for _, args := range [][]string{nil, {"-json"}, {"-before", "sample/campaigns.json"}} {
			log := file(t, "log", []byte(test.log))
			stdout, stderr, code := runArgs(t, nil, append(args, "-campaigns", "sample/campaigns.json", "-log", log)...)
			want := 0
			if test.want != "" {
				want = 3
			}
			if code != want || stderr != test.want || stdout == "" {
				t.Errorf("%s, %q: exit status %d, stderr %q, stdout %q; want %d and %q", test.name, args, code, stderr, stdout, want, test.want)
			}
		}
	}
	if help := mustRun(t, nil, "backtest", "-h"); !strings.Contains(help, "more than half of the lines") {
		t.Errorf("backtest -h does not say when a log is taken for the wrong one:\n%s", help)
	}
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := strings.NewReader(line("192.0.2.1", 0, "/basket") + line("192.0.2.1", 1, "/basket") + "half a line")
	nothing, quiet := io.Pipe() // as a terminal at which nobody types
	defer quiet.Close()
	in := io.MultiReader(log, readerFunc(func(b []byte) (int, error) {
		cancel()
		return nothing.Read(b)
	}))
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"-campaigns", "sample/campaigns.json", "-log", "-"}, in, &stdout, &stderr)
	if code != 1 || stderr.String() != "replay: interrupted after line 2 of the log\n" {
		t.Errorf("replay, interrupted: exit status %d, stderr %q", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "lines read           2\n") || !strings.Contains(stdout.String(), "\nleft-the-basket          2        1 ") {
		t.Errorf("replay, interrupted, printed\n%s\nwant what was counted until then", stdout.String())
	}
	stdout.Reset()
	stderr.Reset()
	if code := run(ctx, nil, nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("replay, interrupted before it began: exit status %d, stderr %q", code, stderr.String())
	}
}

// received is a request as it arrived.
type received struct {
	Method, URL, Body string
	Headers           map[string]string // those of the campaigns
}

func TestSend(t *testing.T) {
	var mu sync.Mutex
	var got []received
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		headers := map[string]string{}
		for _, name := range []string{"Content-Type", "X-Api-Key", "X-Source"} {
			if value := r.Header.Get(name); value != "" {
				headers[name] = value
			}
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, received{r.Method, r.URL.String(), string(body), headers})
	}))
	defer server.Close()
	campaigns := file(t, "campaigns.json", []byte(`{"version": 1, "campaigns": [{"id": "a", "nodes": [
	  {"type": "website_trigger", "when": {"field": "page.host", "op": "equals", "value": "shop.example"}},
	  {"type": "webhook", "method": "POST", "url": "https://esp.example/hooks/geheim",
	   "payload": [{"profile": "profileid"}, {"visit": "agent"}],
	   "headers": [{"name": "X-Api-Key", "value": "Key ", "secret": "ESP_API_KEY"}, {"name": "X-Source", "value": "webshop"}]},
	  {"type": "webhook", "method": "GET", "url": "https://esp.example/hooks?token=geheim", "payload": [{"profile": "profileid", "as": "who"}]},
	  {"type": "webhook", "method": "GET", "url": "https://esp.example/hooks?token=geheim"},
	  {"type": "stop"}]}]}`))
	log := line("192.0.2.1", 0, "/a") + line("192.0.2.1", 1, "/b") + line("2001:db8::1", 2, "/c")

	var rep report
	runJSON(t, strings.NewReader(log), &rep, "-campaigns", campaigns, "-log", "-", "-site", "https://shop.example/", "-send", server.URL+"/in?test=1")
	wantCount := campaignCount{
		ID: "a", Matched: 3, Started: 2, Delivered: 2, Profiles: 2,
		HeldBack: map[campaign.Reason]int{campaign.ReasonCoolingDown: 1},
	}
	if diff := cmp.Diff(wantCount, rep.plain().Campaigns[0]); diff != "" {
		t.Errorf("replay -send (-want +got):\n%s", diff)
	}
	post := func(address string) received {
		return received{
			"POST", "/in?test=1", `{"profileid":"` + address + `","agent":"Test/1"}`,
			map[string]string{"Content-Type": "application/json", "X-Api-Key": "Key secret:ESP_API_KEY", "X-Source": "webshop"},
		}
	}
	get := func(query string) received { return received{"GET", "/in?test=1" + query, "", map[string]string{}} }
	want := []received{
		post("192.0.2.1"), get("&who=192.0.2.1"), get(""),
		post("2001:db8::1"), get("&who=2001%3Adb8%3A%3A1"), get(""),
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests received (-want +got):\n%s", diff)
	}
}

func TestSendFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	log := line("192.0.2.1", 0, "/basket") + line("192.0.2.2", 0, "/basket")
	for _, args := range [][]string{{"-json"}, nil} {
		stdout, stderr, code := runArgs(t, strings.NewReader(log), append(args, "-campaigns", "sample/campaigns.json", "-log", "-", "-send", server.URL+"/geheim")...)
		if code != 3 || stderr != "" {
			t.Errorf("replay -send to an endpoint that answers 404: exit status %d, stderr %q; want 3 and none", code, stderr)
		}
		if strings.Contains(stdout, "geheim") {
			t.Errorf("replay -send shows the path:\n%s", stdout)
		}
		if args == nil {
			if !strings.Contains(stdout, "\n  first error: ") {
				t.Errorf("replay -send to an endpoint that answers 404 printed\n%s\nwant the first error", stdout)
			}
			continue
		}
		var rep report
		decode(t, stdout, &rep)
		c := rep.Campaigns[1]
		if c.Matched != 2 || c.Started != 2 || c.Failed != 2 || c.Delivered != 0 || c.Profiles != 0 || !strings.Contains(c.FirstError, "404") {
			t.Errorf("replay -send to an endpoint that answers 404: %+v; want 2 matched, started and failed, and the status", c)
		}
	}
}

func TestSendInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cancel() }))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	log := line("192.0.2.1", 0, "/basket") + line("192.0.2.2", 0, "/basket")
	code := run(ctx, []string{"-campaigns", "sample/campaigns.json", "-log", "-", "-send", server.URL}, strings.NewReader(log), &stdout, &stderr)
	if code != 1 || stderr.String() != "replay: interrupted after 0 of 2 runs were sent\n" || !strings.Contains(stdout.String(), "lines read           2\n") {
		t.Errorf("replay -send, interrupted: exit status %d, stderr %q, stdout\n%s", code, stderr.String(), stdout.String())
	}
}

func TestBefore(t *testing.T) {
	before := writeCampaigns(t,
		ruleJSON("same", `{"field": "page.path", "op": "starts_with", "value": "/a"}`, "1d"),
		ruleJSON("old", `{"field": "page.path", "op": "exists"}`, "1d"))
	after := writeCampaigns(t, ruleJSON("same", `{"field": "page.path", "op": "starts_with", "value": "/"}`, "1d"))
	log := file(t, "log", []byte(line("192.0.2.1", 0, "/a")+line("192.0.2.2", 0, "/b")+"bad\n"))
	got := mustRun(t, nil, "-campaigns", after, "-before", before, "-log", log)
	for _, part := range []string{"\nsame        1 -> 2 (+1)  1 -> 2 (+1) ", "\nold (gone)  ", "\nlines read           3\n  visits             2\n  could not be read  1\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("replay -before printed\n%s\nwant %q", got, part)
		}
	}
	var both struct {
		Before, After report
		Lines         int       `json:"lines"`
		NotRead       int       `json:"not_read"`
		FirstNotRead  []badLine `json:"first_not_read"`
	}
	runJSON(t, nil, &both, "-campaigns", after, "-before", before, "-log", log)
	if both.Before.Campaigns[0].Started != 1 || both.After.Campaigns[0].Started != 2 || both.Lines != 3 {
		t.Errorf("replay -before -json = %+v", both)
	}
}

func TestAssumedFailures(t *testing.T) {
	rep := runBacktestJSON(t, nil, "-failures", "1")
	for _, c := range rep.Campaigns {
		if c.Started == 0 || c.Failed != c.Started {
			t.Errorf("replay -failures 1: %+v, want that all fail", c)
		}
	}
}

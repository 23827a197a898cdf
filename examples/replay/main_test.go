// The tests are inside the package: a program cannot be imported, and to build
// and start it for each of them would be slow.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sampleTable is what the program prints without flags.
const sampleTable = `campaign           matched  started  held back  unknown  failed
running-shoes           30       11         19        0       0
left-the-basket         23       14          9        0       0
spring-newsletter       16       10          6        0       0

lines read           170
  visits              88
  could not be read    1
    line 104 ends within the user agent: 203.0.113.19 - - [11/Mar/2025:21:18:09 +0100] "GET /tents/du...
`

// runArgs runs the program and returns what it printed and its exit status.
func runArgs(t *testing.T, stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, stdin, &out, &errs)
	return out.String(), errs.String(), code
}

// mustRun is runArgs for what must succeed without a message.
func mustRun(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	stdout, stderr, code := runArgs(t, stdin, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("replay %q: exit status %d, stderr %q; want 0 and none", args, code, stderr)
	}
	return stdout
}

// file writes a file and returns its name.
func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSample(t *testing.T) {
	for _, test := range []struct {
		name  string
		stdin io.Reader
		args  []string
	}{
		{"no flags", nil, nil},
		{"files", nil, []string{"-campaigns", "sample/campaigns.json", "-log", "sample/access.log"}},
		{"gzip file without a telling name", nil, []string{"-log", file(t, "log", zip(t, sampleLog))}},
		{"standard input", strings.NewReader(sampleLog), []string{"-log", "-"}},
		{"gzip on standard input", bytes.NewReader(zip(t, sampleLog)), []string{"-log", "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(sampleTable, mustRun(t, test.stdin, test.args...)); diff != "" {
				t.Errorf("replay %q (-want +got):\n%s", test.args, diff)
			}
		})
	}
}

// runJSON runs the program with -json and returns its report.
func runJSON(t *testing.T, stdin io.Reader, args ...string) report {
	t.Helper()
	var rep report
	dec := json.NewDecoder(strings.NewReader(mustRun(t, stdin, append(args, "-json")...)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rep); err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestJSON(t *testing.T) {
	want := report{
		Campaigns: []*campaignCount{
			{ID: "running-shoes", Name: "Running shoes, once a week", Matched: 30, Started: 11, HeldBack: 19},
			{ID: "left-the-basket", Name: "Basket seen, not from the checkout", Matched: 23, Started: 14, HeldBack: 9},
			{ID: "spring-newsletter", Name: "Came by the newsletter, once and for all", Matched: 16, Started: 10, HeldBack: 6},
		},
		Lines: 170, Visits: 88, NotRead: 1,
		FirstNotRead: []badLine{{104, "ends within the user agent", `203.0.113.19 - - [11/Mar/2025:21:18:09 +0100] "GET /tents/du...`}},
	}
	if diff := cmp.Diff(want, runJSON(t, nil), cmpopts.IgnoreUnexported(report{})); diff != "" {
		t.Errorf("replay -json (-want +got):\n%s", diff)
	}
	empty := mustRun(t, strings.NewReader(""), "-log", "-", "-json", "-campaigns", file(t, "none.json", []byte(`{"version": 1, "campaigns": []}`)))
	if !strings.Contains(empty, `"campaigns": []`) || !strings.Contains(empty, `"first_not_read": []`) {
		t.Errorf("replay -json of nothing printed %s; want empty lists, not null", empty)
	}
}

// line returns a line of a log: a GET by host, minute minutes after noon.
func line(host string, minute int, target string) string {
	at := time.Date(2025, 3, 10, 12, minute, 0, 0, time.UTC)
	return fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" 200 512 \"-\" \"Test/1\"\n", host, at.Format("02/Jan/2006:15:04:05 -0700"), target)
}

func TestUnreadableLines(t *testing.T) {
	log := "\x1b[2Jevil\n" +
		line("192.0.2.1", 0, "/basket") +
		"caf\u00e9 \xff\n\n" +
		line("192.0.2.1", 1, "shop.example:443") + // answered with 2xx, and no address of a page
		strings.Repeat("x", 2<<20) + "\n" +
		"six\nseven\n" +
		line("192.0.2.2", 2, "/basket")
	got := mustRun(t, strings.NewReader(log), "-log", "-")
	const noTime = "has no time such as [02/Mar/2026:09:14:07 +0100] before the request"
	want := `campaign           matched  started  held back  unknown  failed
running-shoes            0        0          0        0       0
left-the-basket          2        2          0        0       0
spring-newsletter        0        0          0        0       0

lines read           9
  visits             2
  could not be read  7
    line 1 does not begin with the client's address: \x1b[2Jevil
    line 3 does not begin with the client's address: café ?
    line 4 is empty: 
    line 5 is no visit that can be run: campaign: /url: `
	head, tail, ok := strings.Cut(got, "is no visit that can be run: campaign: /url: ")
	if diff := cmp.Diff(want, head+"is no visit that can be run: campaign: /url: "); diff != "" || !ok {
		t.Fatalf("replay with unreadable lines (-want +got):\n%s", diff)
	}
	_, tail, _ = strings.Cut(tail, "\n")
	wantTail := "    line 6 is longer than 1048576 bytes: " + strings.Repeat("x", 60) + "...\n    and 2 more\n"
	if diff := cmp.Diff(wantTail, tail); diff != "" {
		t.Errorf("replay with unreadable lines, the last (-want +got):\n%s", diff)
	}
	if got := mustRun(t, strings.NewReader("six"), "-log", "-"); !strings.Contains(got, "line 1 "+noTime+": six\n") {
		t.Errorf("replay of %q printed\n%s", "six", got)
	}
}

func TestFailures(t *testing.T) {
	damaged := zip(t, sampleLog)
	damaged = damaged[:len(damaged)-1]
	badCampaigns := file(t, "bad.json", []byte(`{"version": 1, "campaigns": [{"id": "a", "nodes": []}], "more": 1}`))
	badKnown := file(t, "known", []byte("192.0.2.1\n\nnot an address\n"))
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stderr string // a part of it
	}{
		{"unknown flag", []string{"-speed", "1"}, 2, "-speed"},
		{"argument", []string{"access.log"}, 2, `"access.log" is not a flag`},
		{"known", []string{"-known", "192.0.2.1,192.0.2.1/40"}, 2, `-known: "192.0.2.1/40" is not a prefix`},
		{"send without scheme", []string{"-send", "127.0.0.1:80"}, 2, "-send: is not an http or https address"},
		{"send with a password", []string{"-send", "http://u:geheim@127.0.0.1"}, 2, "-send: has user information"},
		{"site with a path", []string{"-site", "https://shop.example/a"}, 2, "-site: has a path"},
		{"no such log", []string{"-log", "missing.log"}, 1, "missing.log"},
		{"a directory as log", []string{"-log", "."}, 1, "reading the log"},
		{"no such campaigns", []string{"-campaigns", "missing.json"}, 1, "missing.json"},
		{"bad campaigns", []string{"-campaigns", badCampaigns}, 1, "/campaigns/0/nodes"},
		{"no such list of known addresses", []string{"-known", "@missing.txt"}, 1, "missing.txt"},
		{"bad list of known addresses", []string{"-known", "@" + badKnown}, 1, badKnown + ":3: "},
		{"damaged log", []string{"-log", file(t, "log.gz", damaged)}, 1, "reading the log after line 170: the gzip data is damaged"},
		{"gzip head only", []string{"-log", file(t, "log.gz", damaged[:4])}, 1, "the gzip data is damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, code := runArgs(t, nil, test.args...)
			if code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("replay %q: exit status %d, stderr %q; want %d and %q", test.args, code, stderr, test.code, test.stderr)
			}
			if strings.Contains(stderr, "geheim") {
				t.Errorf("replay %q: stderr shows the password: %q", test.args, stderr)
			}
			if test.name == "damaged log" && stdout != sampleTable {
				t.Errorf("replay of a damaged log (-want +got):\n%s", cmp.Diff(sampleTable, stdout))
			}
		})
	}
	stdout, stderr, code := runArgs(t, nil, "-h")
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage: replay") || !strings.Contains(stdout, "-known") {
		t.Errorf("replay -h: exit status %d, stderr %q, stdout %q", code, stderr, stdout)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, nil, nil, &stdout, &stderr)
	if code != 1 || stderr.String() != "replay: interrupted at line 1\n" {
		t.Errorf("replay, interrupted: exit status %d, stderr %q", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "lines read           1\n") {
		t.Errorf("replay, interrupted, printed\n%s\nwant what was counted until then", stdout.String())
	}
}

func TestParseKnown(t *testing.T) {
	list := "@" + file(t, "known", []byte("# ours\n192.0.2.7, Office.example # both\r\n\n2001:db8::/32\n"))
	for _, test := range []struct {
		value, address string
		want           bool
	}{
		{"all", "192.0.2.1", true},
		{"none", "192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.11", false},
		{"192.0.2.1, 192.0.2.2", "192.0.2.2", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.0/25", "192.0.2.127", true},
		{"192.0.2.0/25", "192.0.2.128", false},
		{"2001:DB8::1", "2001:db8:0:0::1", true},
		{"host.example", "Host.Example", true},
		{"host.example", "192.0.2.1", false},
		{list, "192.0.2.7", true},
		{list, "office.example", true},
		{list, "2001:db8:1::9", true},
		{list, "192.0.2.8", false},
		// As printf %s ADDRESS | sha256sum says: 37..., 9a..., ed..., 64...
		{"half", "192.0.2.1", true},
		{"half", "192.0.2.2", false},
		{"half", "192.0.2.3", false},
		{"half", "192.0.2.5", true},
	} {
		known, err := parseKnown(test.value)
		if err != nil {
			t.Errorf("parseKnown(%q) = %v", test.value, err)
			continue
		}
		if got := known(test.address); got != test.want {
			t.Errorf("parseKnown(%q)(%q) = %v, want %v", test.value, test.address, got, test.want)
		}
	}
	for _, bad := range []string{"", "a,,b", "All!", "192.0.2", "192.0.2.1/33", "@"} {
		if _, err := parseKnown(bad); err == nil {
			t.Errorf("parseKnown(%q) = nil, want an error", bad)
		}
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

	out := mustRun(t, strings.NewReader(log), "-campaigns", campaigns, "-log", "-", "-site", "https://shop.example/", "-send", server.URL+"/in?test=1")
	wantRow := "a               3        2          1        0       0\n"
	if !strings.Contains(out, wantRow) {
		t.Errorf("replay -send printed\n%s\nwant the row\n%s", out, wantRow)
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
	rep := runJSON(t, strings.NewReader(line("192.0.2.1", 0, "/basket")+line("192.0.2.2", 0, "/basket")), "-log", "-", "-send", server.URL+"/geheim")
	c := rep.Campaigns[1]
	if c.Matched != 2 || c.Started != 2 || c.Failed != 2 || !strings.Contains(c.FirstFailure, "404") {
		t.Errorf("replay -send to an endpoint that answers 404: %+v; want 2 matched, started and failed, and the status", *c)
	}
	if strings.Contains(c.FirstFailure, "geheim") {
		t.Errorf("first failure shows the path: %s", c.FirstFailure)
	}
	out := mustRun(t, strings.NewReader(line("192.0.2.1", 0, "/basket")), "-log", "-", "-send", server.URL)
	if !strings.Contains(out, "\nfirst failure of left-the-basket: ") {
		t.Errorf("replay -send to an endpoint that answers 404 printed\n%s\nwant the first failure", out)
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, size: 8, next: time.Now().Add(time.Hour)}
	if _, err := io.CopyN(io.Discard, p.counting(strings.NewReader("12345678")), 2); err != nil {
		t.Fatal(err)
	}
	p.show(&report{Lines: 1})
	p.clear()
	if out.Len() > 0 {
		t.Errorf("before its time, progress shows %q", out.String())
	}
	p.next = time.Time{}
	p.show(&report{Lines: 7, Visits: 3})
	p.clear()
	if want := "\r7 lines, 3 visits (25 %)\x1b[K\r\x1b[K"; out.String() != want {
		t.Errorf("progress shows %q, want %q", out.String(), want)
	}
	regular, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()
	for _, w := range []io.Writer{&out, regular} {
		if p := newProgress(w, 1); p != nil {
			t.Errorf("newProgress(%T) shows progress on what is no terminal", w)
		}
	}
}

// The tests are inside the package: a program cannot be imported, and to build
// and start it for each of them would be slow.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

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

// runJSON runs the program with -json and reads what it prints, all of which
// must have a place in value.
func runJSON(t *testing.T, stdin io.Reader, value any, args ...string) {
	t.Helper()
	decode(t, mustRun(t, stdin, append(args, "-json")...), value)
}

func decode(t *testing.T, text string, value any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// line returns a line of a log: a GET by host, minute minutes after noon.
func line(host string, minute int, target string) string {
	at := time.Date(2025, 3, 10, 12, minute, 0, 0, time.UTC)
	return fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" 200 512 \"-\" \"Test/1\"\n", host, at.Format("02/Jan/2006:15:04:05 -0700"), target)
}

// writeCampaigns writes a file of campaigns, each given as JSON.
func writeCampaigns(t *testing.T, campaigns ...string) string {
	t.Helper()
	return file(t, "campaigns.json", []byte(`{"version": 1, "campaigns": [`+strings.Join(campaigns, ",\n")+`]}`))
}

func TestHelp(t *testing.T) {
	general := mustRun(t, nil, "-h")
	for _, args := range [][]string{{"--help"}, {"-help"}, {"help"}, {"help", "-h"}} {
		if got := mustRun(t, nil, args...); got != general {
			t.Errorf("replay %q printed\n%s\nwant what -h prints", args, got)
		}
	}
	for _, name := range []string{"backtest", "preview", "explain", "lint", "test"} {
		if !strings.Contains(general, "\n  "+name+" ") {
			t.Errorf("replay -h does not list %s", name)
		}
		got := mustRun(t, nil, name, "-h")
		if again := mustRun(t, nil, "help", name); again != got {
			t.Errorf("replay help %s printed\n%s\nwant what replay %s -h prints", name, again, name)
		}
		for _, part := range []string{"\n  replay " + name, "\nFlags:\n", "-campaigns file\n", "-json\n", "xit status"} {
			if name == "backtest" && part == "\n  replay backtest" || strings.Contains(got, part) {
				continue
			}
			t.Errorf("replay %s -h lacks %q:\n%s", name, part, got)
		}
		for line := range strings.Lines(got + general) {
			if len(line) > 121 {
				t.Errorf("replay %s -h has a line of %d bytes: %s", name, len(line), line)
			}
		}
	}
}

// TestVisitInHelp reads the visit that the help shows: all of it is there, so
// that nobody has to guess a key, and it can be pasted.
func TestVisitInHelp(t *testing.T) {
	for _, name := range []string{"preview", "explain", "test"} {
		help := mustRun(t, nil, name, "-h")
		_, text, _ := strings.Cut(help, "\nA whole visit in JSON")
		_, text, _ = strings.Cut(text, "\n\n")
		text, _, found := strings.Cut(text, "\n\n")
		if !found {
			t.Fatalf("replay %s -h shows no visit:\n%s", name, help)
		}
		var v campaign.PageVisit
		if err := v.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatalf("the visit of replay %s -h: %v", name, err)
		}
		for _, part := range []any{v, v.Item, v.Profile} {
			value := reflect.ValueOf(part)
			for i := range value.NumField() {
				if value.Field(i).IsZero() {
					t.Errorf("the visit of replay %s -h has no %s in its %T", name, value.Type().Field(i).Name, part)
				}
			}
		}
		got := mustRun(t, nil, "preview", "-campaigns", "sample/campaigns.json", "-visit", text)
		if !strings.HasPrefix(got, "# running-shoes, for the visit\nPOST ") {
			t.Errorf("preview of the visit of replay %s -h printed\n%s", name, got)
		}
	}
}

// TestSaysSample shows that nobody takes the counts of the sample for those of
// their own campaigns or log.
func TestSaysSample(t *testing.T) {
	const (
		visit     = `{"url": "/basket", "profile": {"id": "p-1", "known": true}}`
		log       = "replay: log: the sample; give yours with -log FILE\n"
		campaigns = "replay: campaigns: the sample; give yours with -campaigns FILE\n"
	)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"neither", nil, ""},
		{"both", []string{"-campaigns", "sample/campaigns.json", "-log", "sample/access.log"}, ""},
		{"campaigns", []string{"-campaigns", "sample/campaigns.json"}, log},
		{"campaigns, in JSON", []string{"-campaigns", "sample/campaigns.json", "-json"}, log},
		{"log", []string{"-log", "sample/access.log"}, campaigns},
		{"old campaigns", []string{"-campaigns", "sample/campaigns.json", "-before", "sample/campaigns.json"}, log},
		{"explain, a line of the sample", []string{"explain", "-line", "2"}, ""},
		{"explain, log", []string{"explain", "-log", "sample/access.log", "-json"}, campaigns},
		{"preview, visit", []string{"preview", "-visit", visit}, campaigns},
		{"preview, both", []string{"preview", "-campaigns", "sample/campaigns.json", "-visit", visit}, ""},
	} {
		stdout, stderr, code := runArgs(t, nil, test.args...)
		if code != 0 || stderr != test.want || strings.Contains(stdout, "give yours") {
			t.Errorf("%s: exit status %d, stderr %q, stdout\n%s\nwant 0 and %q", test.name, code, stderr, stdout, test.want)
		}
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
		{"argument", []string{"access.log"}, 2, `"access.log" is no command`},
		{"argument of a command", []string{"backtest", "access.log"}, 2, `"access.log" is not a flag; see replay backtest -h`},
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
				t.Errorf("replay of a damaged log printed\n%s\nwant\n%s", stdout, sampleTable)
			}
		})
	}
}

// TestTextFaults shows that what is wrong with a text itself is reported as all
// else is: with the file and the line, in front.
func TestTextFaults(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // the lines of the faults, and how they go on
	}{
		{"comma too many", "{\"version\": 1,\n\"campaigns\": [\n{\"id\": \"a\",}]}", []string{"3: /campaigns/0: is not JSON at line 3, column 12: nothing follows the comma"}},
		{"after another fault", "{\"version\": 1,\n\"version\": 1,\n\"campaigns\": [}]}", []string{"2: /version: stands twice", "3: /campaigns: is not JSON at line 3, column 15: the [ at line 3, column 14 is not closed"}},
		{"bracket not closed", "{\"version\": 1,\n\"campaigns\": [\n\n", []string{"2: /campaigns: ends before it is complete: the [ at line 2, column 14 is not closed"}},
		{"goes on", "{\"version\": 1,\n\"campaign\": []}\n\n}", []string{"4: the document goes on after its end, at line 4", "2: /campaign: is not a key here"}},
		{"not UTF-8", "{\"version\": 1,\n\"campaigns\": \"\xff\"}", []string{"2: the document is not valid UTF-8 at line 2"}},
		{"byte order mark", "\ufeff{}", []string{"1: the document begins with a byte order mark"}},
		{"nothing", "\n", []string{"1: the document is empty"}},
	} {
		name := file(t, "bad.json", []byte(test.text))
		want := "replay: " + name + " is not valid, it has " + plural(len(test.want), "fault", "faults")
		_, stderr, code := runArgs(t, nil, "-campaigns", name)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		if code != 1 || lines[0] != want || len(lines) != 1+len(test.want) {
			t.Errorf("%s: exit status %d, stderr\n%s\nwant %q and a line for each fault", test.name, code, stderr, want)
			continue
		}
		for i, part := range test.want {
			if !strings.HasPrefix(lines[i+1], name+":"+part) {
				t.Errorf("%s: fault %q, want it to begin with %q", test.name, lines[i+1], name+":"+part)
			}
		}
	}
}

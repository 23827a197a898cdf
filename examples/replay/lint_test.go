package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign/lint"
)

// TestCodes reads the codes where they are declared, so that none is forgotten
// here.
func TestCodes(t *testing.T) {
	source, err := os.ReadFile("../../lint/code.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []lint.Code
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ Code = "(\w+)"$`).FindAllSubmatch(source, -1) {
		want = append(want, lint.Code(m[1]))
	}
	if diff := cmp.Diff(want, codes); diff != "" || len(want) == 0 {
		t.Errorf("the codes (-declared +here):\n%s", diff)
	}
}

// twoWarnings has a warning on line 4, and one on line 7.
const twoWarnings = `{"version": 1, "campaigns": [
 {"id": "a", "nodes": [
  {"type": "website_trigger",
   "when": {"field": "page.path", "op": "equals", "value": "shoes/a"}},
  {"type": "webhook", "method": "POST", "url": "https://esp.example/hooks/geheim", "payload": [{"profile": "profileid"}]},
  {"type": "stop",
   "restart_timeout": "10s"}]}]}`

func TestLint(t *testing.T) {
	if got := mustRun(t, nil, "lint"); got != "sample/campaigns.json: no warnings\n" {
		t.Errorf("lint of the sample printed %q", got)
	}
	warned := file(t, "warned.json", []byte(twoWarnings))
	clean := writeCampaigns(t, ruleJSON("a", `{"field": "page.path", "op": "exists"}`, "1d"))
	stdout, stderr, code := runArgs(t, nil, "lint", "-campaigns", warned, clean)
	lines := strings.Split(stdout, "\n")
	if code != 3 || stderr != "" || len(lines) != 4 ||
		!strings.HasPrefix(lines[0], warned+":4: /campaigns/0/nodes/0/when/value: ") || !strings.HasSuffix(lines[0], " (unlikely_form)") ||
		!strings.HasPrefix(lines[1], warned+":7: /campaigns/0/nodes/2/restart_timeout: ") || !strings.HasSuffix(lines[1], " (short_restart)") ||
		lines[2] != clean+": no warnings" {
		t.Errorf("lint: exit status %d, stderr %q, stdout\n%s", code, stderr, stdout)
	}
	if got := mustRun(t, nil, "lint", "-without", "unlikely_form, short_restart", warned); got != warned+": no warnings\n" {
		t.Errorf("lint -without printed\n%s", got)
	}
	_, stderr, code = runArgs(t, nil, "lint", "-without", "shortrestart", warned)
	if code != 2 || !strings.Contains(stderr, `-without: there is no code "shortrestart"; there are never_holds, `) {
		t.Errorf("lint -without of no code: exit status %d, stderr %q", code, stderr)
	}
	if got := mustRun(t, nil, "lint", "-json", clean); got != "[]\n" {
		t.Errorf("lint -json of a clean file printed %q", got)
	}
}

// TestLintFlagsBeforeFiles shows that a flag behind a file is not taken for one.
func TestLintFlagsBeforeFiles(t *testing.T) {
	warned := file(t, "warned.json", []byte(twoWarnings))
	stdout, stderr, code := runArgs(t, nil, "lint", warned, "-json")
	if code != 2 || stdout != "" || !strings.Contains(stderr, `flags come before files; move "-json" to the front`) {
		t.Errorf("lint with a flag behind the file: exit status %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if help := mustRun(t, nil, "lint", "-h"); !strings.Contains(help, "Flags come before files") {
		t.Errorf("lint -h does not say that flags come before files:\n%s", help)
	}
	// Behind -- all are files, whatever they are called.
	_, stderr, code = runArgs(t, nil, "lint", "--", warned, "-json")
	if code != 1 || !strings.Contains(stderr, "open -json") {
		t.Errorf("lint of a file called -json: exit status %d, stderr %q", code, stderr)
	}
}

func TestLintJSON(t *testing.T) {
	warned := file(t, "warned.json", []byte(twoWarnings))
	broken := file(t, "broken.json", []byte("{\n\"version\": 1,\n\"campaign\": []}"))
	stdout, stderr, code := runArgs(t, nil, "lint", "-json", broken, warned, "missing.json")
	if code != 1 || !strings.Contains(stderr, broken+":3: /campaign: ") || !strings.Contains(stderr, "missing.json") {
		t.Errorf("lint of files of which two cannot be used: exit status %d, stderr %q", code, stderr)
	}
	var got []finding
	decode(t, stdout, &got)
	for i := range got {
		if got[i].Message == "" {
			t.Errorf("%+v has no message", got[i])
		}
		got[i].Message = ""
	}
	want := []finding{
		{File: broken, Line: 3, Pointer: "/campaign", Code: "invalid"},
		{File: warned, Line: 4, Pointer: "/campaigns/0/nodes/0/when/value", Code: lint.UnlikelyForm, Campaign: "a"},
		{File: warned, Line: 7, Pointer: "/campaigns/0/nodes/2/restart_timeout", Code: lint.ShortRestart, Campaign: "a"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lint -json (-want +got):\n%s", diff)
	}
}

func TestPlaces(t *testing.T) {
	lineOf := places([]byte("{\"a\": [\n1,\n{\"b/c~\":\n\"x\"},\n[\n\n]\n],\n\n\"d\": 1, \"e\":\n{}\n, \"d\": 2}"))
	for pointer, want := range map[string]int{
		"": 1, "/a": 1, "/a/0": 2, "/a/1": 3, "/a/1/b~1c~0": 3, "/a/2": 5, "/a/3": 1, "/a/1/x/y": 3, "/e": 10, "/d": 12, "/x": 1,
	} {
		if got := lineOf(pointer); got != want {
			t.Errorf("line of %q = %d, want %d", pointer, got, want)
		}
	}
	lineOf = places([]byte("{\n\"a\": 1,\n\"b\": [\nx"))
	for pointer, want := range map[string]int{"": 1, "/a": 2, "/b/0": 3, "/c": 1} {
		if got := lineOf(pointer); got != want {
			t.Errorf("line of %q in what stops being JSON = %d, want %d", pointer, got, want)
		}
	}
}

// TestMistakes has what marketers usually get wrong, and what they are told:
// where it is and what to do.
func TestMistakes(t *testing.T) {
	const (
		trigger = `{"type": "website_trigger", "when": {"field": "page.path", "op": "exists"}}`
		hook    = `{"type": "webhook", "method": "POST", "url": "https://esp.example/"}`
		stop    = `{"type": "stop"}`
	)
	// file writes each node on a line of its own, 3 to 5.
	file3 := func(nodes ...string) string {
		return "{\"version\": 1, \"campaigns\": [\n{\"id\": \"a\", \"nodes\": [\n" + strings.Join(nodes, ",\n") + "]}]}"
	}
	when := func(condition string) string {
		return file3(`{"type": "website_trigger", "when": `+condition+`}`, hook, stop)
	}
	with := func(member string) string {
		return file3(trigger, `{"type": "webhook", "method": "POST", "url": "https://esp.example/", `+member+`}`, stop)
	}
	const node0, node1, node2 = "3: /campaigns/0/nodes/0", "4: /campaigns/0/nodes/1", "5: /campaigns/0/nodes/2"
	for _, test := range []struct {
		name, text string
		want       string // line and pointer
		cure       string
	}{
		{"field misspelt", when(`{"field": "page.pth", "op": "exists"}`), node0 + "/when/field", `did you mean "page.path"?`},
		{"field without its group", when(`{"field": "url", "op": "exists"}`), node0 + "/when/field", `did you mean "page.url"?`},
		{"operator of another tool", when(`{"field": "page.path", "op": "begins_with", "value": "/"}`), node0 + "/when/op", `did you mean "starts_with"?`},
		{"operator as a sign", when(`{"field": "page.path", "op": "==", "value": "/"}`), node0 + "/when/op", `did you mean "equals"?`},
		{"a list as text", when(`{"field": "page.type", "op": "in", "value": "a,b"}`), node0 + "/when/value", "in compares with a list"},
		{"a number in quotes", when(`{"field": "item.price", "op": "at_least", "value": "100"}`), node0 + "/when/value", "compares with a number"},
		{"conditions in a list", when(`[{"field": "page.path", "op": "exists"}]`), node0 + "/when", `write {"all": […]}`},
		{"no condition", file3(`{"type": "website_trigger"}`, hook, stop), node0 + "/when", `in JSON {"field": "page.path", "op": "exists"}`},
		{"and for all", when(`{"and": []}`), node0 + "/when/and", `"all"`},
		{"audience", file3(strings.Replace(trigger, `"when"`, `"audience": "everyone", "when"`, 1), hook, stop), node0 + "/audience", `there are "known", "all"`},
		{"URL without a scheme", file3(trigger, strings.Replace(hook, "https://", "", 1), stop), node1 + "/url", "begin it with https://"},
		{"template in a URL", file3(trigger, strings.Replace(hook, "example/", "example/{{id}}", 1), stop), node1 + "/url", "put the field into the payload"},
		{"method in small letters", file3(trigger, strings.Replace(hook, "POST", "post", 1), stop), node1 + "/method", "write it in capitals"},
		{"payload as an object", with(`"payload": {"email": "{{email}}"}`), node1 + "/payload", `such as [{"profile": "email"}`},
		{"headers as an object", with(`"headers": {"X-Api-Key": "k"}`), node1 + "/headers", `such as [{"name": "X-Source"`},
		{"header that the client owns", with(`"headers": [{"name": "Host", "value": "k"}]`), node1 + "/headers/0/name", "remove it"},
		{"static field without a name", with(`"payload": [{"static": "x"}]`), node1 + "/payload/0/as", "give the static value a name"},
		{"field twice", with(`"payload": [{"profile": "email"}, {"profile": "email"}]`), node1 + "/payload/1", "rename one with as"},
		{"weeks", file3(trigger, hook, `{"type": "stop", "restart_timeout": "1 week"}`), node2 + "/restart_timeout", `write "7d"`},
		{"days as a number", file3(trigger, hook, `{"type": "stop", "restart_timeout": 7}`), node2 + "/restart_timeout", `such as "7d"`},
		{"no stop", file3(trigger, hook), "2: /campaigns/0/nodes", "one stop"},
		{"no ID", strings.Replace(file3(trigger, hook, stop), `"id"`, `"name"`, 1), "2: /campaigns/0/id", `such as "running-shoes"`},
		{"no version", `{"campaigns": []}`, "1: /version", "write 1"},
		{"no wrapping", "[]", "1: ", `write {"version": 1, "campaigns": […]}`},
		{"comma too many", strings.Replace(file3(trigger, hook, stop), `{"type": "stop"}`, `{"type": "stop",}`, 1), node2, "remove the comma"},
		{"comment", "{\"version\": 1, // first\n\"campaigns\": []}", "1: ", "JSON has no comments"},
		{"typographic quotes", "{\u201cversion\u201d: 1}", "1: ", `write " in its place`},
		{"not closed", `{"version": 1, "campaigns": [`, "1: /campaigns", "close it with ]"},
		{"byte order mark", "\ufeff{}", "1: ", "save the file as UTF-8 without it"},
		{"empty", "", "1: ", "is empty"},
	} {
		name := file(t, "campaigns.json", []byte(test.text))
		for _, command := range []string{"lint", "preview", "test"} {
			_, stderr, code := runArgs(t, nil, command, "-campaigns", name, "-visit", "{}")
			if command == "lint" {
				_, stderr, code = runArgs(t, nil, command, name)
			}
			want := fmt.Sprintf("\n%s:%s", name, test.want)
			if code != 1 || !strings.HasPrefix(stderr, "replay: "+name+" is not valid, it has 1 fault\n") && test.name != "no stop" ||
				!strings.Contains(stderr, want) || !strings.Contains(stderr, test.cure) {
				t.Errorf("%s: %s: exit status %d, stderr\n%s\nwant the place %q and the cure %q", test.name, command, code, stderr, want, test.cure)
			}
		}
	}
}

package campaign_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// The doc of Parse is where the keys of a campaign file are documented. What
// Parse itself says there is, it says of a key and of a word that do not exist;
// the two are compared.

const noWord = "qqqqqq"

// withoutSense has such a key in an object of each kind, and such a word wherever
// one of several is expected.
const withoutSense = `{"version": 1, "qqqqqq": 0, "campaigns": [{"id": "c", "qqqqqq": 0, "nodes": [
	{"type": "website_trigger", "qqqqqq": 0, "audience": "qqqqqq", "when": {"all": [{"qqqqqq": 0}, {"field": "page.path", "op": "qqqqqq"}]}},
	{"type": "webhook", "qqqqqq": 0, "method": "qqqqqq", "encoding": "qqqqqq",
	 "payload": [{"qqqqqq": 0, "missing": "qqqqqq"}], "headers": [{"qqqqqq": 0}]},
	{"type": "qqqqqq"},
	{"type": "stop", "qqqqqq": 0}]}]}`

// parseDoc returns the doc comment of Parse.
func parseDoc(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "campaign.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Parse" {
			return f.Doc.Text()
		}
	}
	t.Fatal("campaign.go has no func Parse")
	return ""
}

// keysOf returns the keys of each table of a doc comment, in order, by the
// paragraph in front of it.
func keysOf(doc string) map[string][]string {
	tables := map[string][]string{}
	title := ""
	for part := range strings.SplitSeq(doc, "\n\n") {
		if !strings.HasPrefix(part, "\t") {
			title = strings.Join(strings.Fields(part), " ")
			continue
		}
		for line := range strings.Lines(part) {
			if key := strings.TrimPrefix(line, "\t"); !strings.HasPrefix(key, " ") { // or the line goes on
				tables[title] = append(tables[title], strings.Fields(key)[0])
			}
		}
	}
	return tables
}

func TestParseDocHasEachKey(t *testing.T) {
	doc := parseDoc(t)
	_, err := campaign.Parse([]byte(withoutSense))
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok {
		t.Fatalf("Parse: %v, want a *ValidationError", err)
	}
	titles := map[string]string{
		"/":                                "What has a default may be left out; no other keys are allowed. The file:",
		"/campaigns/0/":                    "A campaign:",
		"/campaigns/0/nodes/0/":            "Each node has a type. A website_trigger:",
		"/campaigns/0/nodes/0/when/all/0/": "A condition is one of all, any and not, or a comparison:",
		"/campaigns/0/nodes/1/":            "A webhook:",
		"/campaigns/0/nodes/1/payload/0/":  "A payload field has one source, the first six, and what else is needed:",
		"/campaigns/0/nodes/1/headers/0/":  "A header:",
		"/campaigns/0/nodes/3/":            "A stop:",
	}
	known := map[string][]string{}
	words := 0
	for _, f := range invalid.Faults {
		var listed []string
		for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(f.Message, -1) {
			if m[1] != noWord {
				listed = append(listed, m[1])
			}
		}
		switch at, isKey := strings.CutSuffix(f.Pointer, noWord); {
		case isKey:
			if titles[at] == "" {
				t.Errorf("no table of the doc of Parse has a title for the keys at %s", at)
			}
			known[titles[at]] = listed
		case strings.Contains(f.Message, noWord):
			words++
			for _, word := range listed {
				if !strings.Contains(doc, `"`+word+`"`) {
					t.Errorf("the doc of Parse does not have %q, one of the words for %s", word, f.Pointer)
				}
			}
		}
	}
	if words != strings.Count(withoutSense, `: "`+noWord) {
		t.Errorf("Parse lists the words of %d places, want %d", words, strings.Count(withoutSense, `: "`+noWord))
	}
	if diff := cmp.Diff(known, keysOf(doc)); diff != "" {
		t.Errorf("the keys (-that Parse knows +in its doc):\n%s", diff)
	}
}

// TestParseDocDefaults reads a campaign that says all defaults: it is the one that
// says none.
func TestParseDocDefaults(t *testing.T) {
	const all = `{"id": "c", "name": "", "paused": false, "nodes": [
		{"type": "website_trigger", "audience": "known", "when": {"field": "page.path", "op": "exists", "ignore_case": false}},
		{"type": "webhook", "url": "https://esp.example/hooks", "encoding": "json", "allow_sensitive_query": false,
		 "payload": [{"profile": "email", "missing": "omit", "sensitive": false}], "headers": [{"name": "X-A", "value": ""}]},
		{"type": "stop"}]}`
	const none = `{"id": "c", "nodes": [
		{"type": "website_trigger", "when": {"field": "page.path", "op": "exists"}},
		{"type": "webhook", "url": "https://esp.example/hooks", "payload": [{"profile": "email"}], "headers": [{"name": "X-A"}]},
		{"type": "stop"}]}`
	var got, want campaign.Campaign
	if err := got.UnmarshalJSON([]byte(all)); err != nil {
		t.Fatal(err)
	}
	if err := want.UnmarshalJSON([]byte(none)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a campaign with the defaults written (-without +with):\n%s", diff)
	}
}

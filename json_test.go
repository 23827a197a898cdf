package campaign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

const shoesJSON = `{"version": 1, "campaigns": [
  {"id": "running-shoes", "name": "Running shoes, known customers", "nodes": [
    {"type": "website_trigger", "audience": "known", "when": {"all": [
      {"field": "page.path", "op": "starts_with", "value": "/shoes/"},
      {"field": "page.type", "op": "equals", "value": "product"},
      {"field": "item.category", "op": "equals", "value": "running"}]}},
    {"type": "webhook", "method": "POST", "url": "https://esp.example/v1/automations",
     "payload": [{"profile": "profileid"}, {"profile": "email", "missing": "fail"}, {"profile": "gender"},
                 {"static": "A-17", "as": "automationid"}],
     "headers": [{"name": "X-Api-Key", "secret": "ESP_API_KEY"}, {"name": "X-Source", "value": "webshop"}]},
    {"type": "stop", "restart_timeout": "168h"}]}]}`

func TestCodeAndJSONGiveEqualCampaigns(t *testing.T) {
	parsed, err := campaign.Parse([]byte(shoesJSON))
	if err != nil {
		t.Fatal(err)
	}
	want := campaign.Campaigns{runningShoes()}
	if diff := cmp.Diff(want, parsed); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	checkRoundTrip(t, want)
}

// checkRoundTrip fails unless cs, written and read, is cs again.
func checkRoundTrip(t *testing.T, cs campaign.Campaigns) {
	t.Helper()
	text, err := json.Marshal(cs)
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	again, err := campaign.Parse(text)
	if err != nil {
		t.Fatalf("Parse of what Marshal has written: %v\n%s", err, text)
	}
	// Compared without cmp first: it takes time exponential in the depth.
	if !reflect.DeepEqual(cs, again) {
		t.Errorf("Marshal and Parse (-want +got):\n%s\n%s", cmp.Diff(cs, again), text)
	}
}

func TestRoundTripOfNodes(t *testing.T) {
	const url = "https://esp.example/hooks"
	exists := campaign.PagePath.Exists()
	var deep campaign.Condition = exists
	for range 23 {
		deep = campaign.All{campaign.Any{deep}}
	}
	tests := []struct {
		rule  string
		nodes []campaign.Node
	}{
		{"the shortest", []campaign.Node{trigger, hook, stop}},
		{"all profiles", []campaign.Node{campaign.WebsiteTrigger{When: exists, Audience: campaign.AudienceAll}, hook, stop}},
		{"all, any, not", []campaign.Node{campaign.WebsiteTrigger{When: campaign.Any{
			campaign.All{exists, campaign.Not{Of: campaign.PageQuery("a b&c").Equals("ä").IgnoringCase()}},
			campaign.Not{Of: campaign.Not{Of: exists}},
		}}, hook, stop}},
		{"conditions as deep as they may be", []campaign.Node{campaign.WebsiteTrigger{When: deep}, hook, stop}},
		{"numbers in conditions", []campaign.Node{campaign.WebsiteTrigger{When: campaign.All{
			campaign.ItemField("price").In(1, int8(-1), uint64(math.MaxUint64), 1.5, float32(0.5), 1e300, 1e-7, true, "x"),
			campaign.ItemField("price").AtLeast(json.Number("1.50")),
		}}, hook, stop}},
		{"GET", []campaign.Node{trigger, campaign.Webhook{Method: "GET", URL: url + "?a=%41&b", AllowSensitiveQuery: true}, stop}},
		{"form", []campaign.Node{trigger, campaign.Webhook{URL: url, Encoding: campaign.EncodingForm}, stop}},
		{"headers", []campaign.Node{trigger, campaign.Webhook{URL: url, Headers: campaign.Headers{
			{Name: "Authorization", Value: "Bearer ", Secret: "ESP_TOKEN"},
			{Name: "X-Quote", Value: `"<&>\` + "\t" + `é`},
			{Name: "X-Empty"},
		}}, stop}},
		{"every source, every policy", []campaign.Node{trigger, campaign.Webhook{URL: url, Payload: campaign.Payload{
			campaign.FromProfile("email").Required(),
			campaign.FromProfile("contact.phone").OrNull(),
			campaign.FromItem("price").Or(0),
			campaign.FromVisit("device").Named(`dev\.ice`),
			campaign.From(campaign.PagePath).Named("path"),
			campaign.From(campaign.PageQuery("utm_source")).Named("utm.source"),
			campaign.From(campaign.ReferrerHost).Named("referrer"),
			{From: campaign.ProfileField("gender"), Sensitive: true},
			campaign.Static("null", nil),
		}}, stop}},
		{"one hour and a half", []campaign.Node{trigger, hook, campaign.Stop{RestartTimeout: 90 * time.Minute, FailureTimeout: time.Millisecond}}},
		{"immediately", []campaign.Node{trigger, hook, campaign.Stop{RestartTimeout: campaign.Immediately, FailureTimeout: campaign.Immediately}}},
		{"never", []campaign.Node{trigger, hook, campaign.Stop{RestartTimeout: campaign.Never, FailureTimeout: campaign.Never}}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			c := chain(test.nodes...)
			if err := c.Validate(); err != nil {
				t.Fatalf("not valid: %v", err)
			}
			checkRoundTrip(t, campaign.Campaigns{c})
		})
	}
}

func TestRoundTripOfNoCampaigns(t *testing.T) { checkRoundTrip(t, nil) }

type namedText string

type withFields struct {
	Name string `json:"name"`
	Size int    `json:"size,omitempty"`
}

// A static value written in Go equals the one that Parse makes of its JSON.
func TestStaticIsCanonical(t *testing.T) {
	text := "x"
	tests := []struct {
		rule string
		in   any
		want any
	}{
		{"null", nil, nil},
		{"nil pointer", (*string)(nil), nil},
		{"text", "ä\u2028<\x00\"\\", "ä\u2028<\x00\"\\"},
		{"named text", namedText("x"), "x"},
		{"pointer", &text, "x"},
		{"bool", true, true},
		{"int", 7, int64(7)},
		{"smallest integer", int64(math.MinInt64), int64(math.MinInt64)},
		{"uint within int64", uint8(7), int64(7)},
		{"uint beyond int64", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"float", 1.5, 1.5},
		{"float that is whole", 1e6, int64(1000000)},
		{"float32 keeps its digits", float32(0.1), 0.1},
		{"very large", 1e300, 1e300},
		{"very small", 1e-7, 1e-7},
		{"negative zero", math.Copysign(0, -1), json.Number("-0")},
		{"Number that is an integer", json.Number("42"), int64(42)},
		{"Number with a zero at the end", json.Number("1.50"), json.Number("1.50")},
		{"Number with an exponent", json.Number("1E3"), json.Number("1E3")},
		{"Number beyond 64 bits", json.Number("123456789012345678901234567890"), json.Number("123456789012345678901234567890")},
		{"Number beyond float64", json.Number("1e400"), json.Number("1e400")},
		{"time", time.Date(2026, 3, 1, 1, 0, 0, 5e6, time.FixedZone("", 3600)), "2026-03-01T00:00:00.005Z"},
		{"list", []string{"a", "b"}, []any{"a", "b"}},
		{"array", [2]int{1, 2}, []any{int64(1), int64(2)}},
		{"empty list", []any{}, []any{}},
		{"nil list", []string(nil), []any{}},
		{"list in list", []any{[]int{1}, nil}, []any{[]any{int64(1)}, nil}},
		{"map", map[string]any{"b": 1, "a": map[string]string{"x": "y"}}, map[string]any{"a": map[string]any{"x": "y"}, "b": int64(1)}},
		{"map with named keys", map[namedText]bool{"a": true}, map[string]any{"a": true}},
		{"map with integer keys", map[int]string{1: "a"}, map[string]any{"1": "a"}},
		{"empty map", map[string]any{}, map[string]any{}},
		{"struct", withFields{Name: "n"}, map[string]any{"name": "n"}},
		{"bytes", []byte("abc"), "YWJj"},
		{"raw JSON", json.RawMessage(`{"a": [1.50]}`), map[string]any{"a": []any{json.Number("1.50")}}},
		{"MarshalJSON goes before the kind", colour("red"), "#red"},
		{"MarshalText goes before the kind", level(2), "level 2"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			field := campaign.Static("x", test.in)
			if diff := cmp.Diff(test.want, field.Static); diff != "" {
				t.Errorf("Static(%#v) (-want +got):\n%s", test.in, diff)
			}
			payload := campaign.Payload{field}
			if test.want != nil {
				payload = append(payload, campaign.FromProfile("y").Or(test.in))
				if diff := cmp.Diff(test.want, payload[1].Default); diff != "" {
					t.Errorf("Or(%#v) (-want +got):\n%s", test.in, diff)
				}
			}
			checkRoundTrip(t, campaign.Campaigns{withHook(campaign.Webhook{URL: hook.URL, Payload: payload})})
		})
	}
}

// A value that holds itself twice at each level must not take 2^100 steps.
func TestStaticThatHoldsItself(t *testing.T) {
	loop := make([]any, 2)
	loop[0], loop[1] = loop, loop
	c := withHook(campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.Static("x", loop)}})
	checkFaults(t, c.Validate(), "/nodes/1/payload/0/static: is nested more than 100 levels deep, or holds itself")
}

// file is a file with one campaign, as JSON.
func file(campaign string) string { return `{"version":1,"campaigns":[` + campaign + `]}` }

func nodes(list ...string) string {
	return file(`{"id":"c","nodes":[` + strings.Join(list, ",") + `]}`)
}

const (
	triggerJSON = `{"type":"website_trigger","when":{"field":"page.path","op":"exists"}}`
	hookJSON    = `{"type":"webhook","url":"https://esp.example/hooks"}`
	stopJSON    = `{"type":"stop"}`
)

func whenJSON(condition string) string {
	return nodes(`{"type":"website_trigger","when":`+condition+`}`, hookJSON, stopJSON)
}

func hookWith(members string) string {
	return nodes(triggerJSON, `{"type":"webhook","url":"https://esp.example/hooks",`+members+`}`, stopJSON)
}

func stopWith(members string) string {
	return nodes(triggerJSON, hookJSON, `{"type":"stop",`+members+`}`)
}

func TestParseFaults(t *testing.T) {
	tests := []struct {
		rule string
		text string
		want []string
	}{
		{"the shortest campaign", nodes(triggerJSON, hookJSON, stopJSON), nil},
		{"no campaigns", file(""), nil},

		// The text.
		{"nothing", "", []string{": is empty"}},
		{"white space", " \n ", []string{": is empty"}},
		{"cut short", `{"version":1,"campaigns":[{"id":"c"`, []string{"/campaigns/0: ends before it is complete: the { at column 27 is not closed; close it with }"}},
		{"cut short in a text", `{"version":1,"campaigns":[{"id":"c`, []string{"/campaigns/0/id: ends before it is complete: the \" at column 33 is not closed; close it with \""}},
		{"cut short in a text with a quote", `{"a\"b`, []string{`: ends before it is complete: the " at column 2 is not closed`}},
		{"cut short, on several lines", "{\"version\": 1,\n \"campaigns\": [\n  {\"id\": \"[\", \"nodes\": []}\n", []string{"/campaigns: ends before it is complete: the [ at line 2, column 15 is not closed; close it with ]"}},
		{"cut short in a word", `tru`, []string{": is not JSON at column 3: texts and keys stand in double quotes; "}},
		{"no JSON", "version: 1\n", []string{": is not JSON at column 1: a document begins with {; "}},
		{"comma too many, with its place", "{\"version\": 1,\n \"campaigns\": [\n  {\"id\": \"ä\",}]}", []string{"/campaigns/0: is not JSON at line 3, column 14: nothing follows the comma before }; remove the comma"}},
		{"comma too many in a list", `{"version":1,"campaigns":[1 , ]}`, []string{"/campaigns/1: is not JSON at column 31: nothing follows the comma before ]; remove the comma"}},
		{"two commas", `{"version":1,,"campaigns":[]}`, []string{": is not JSON at column 14: a comma follows a comma; remove one of them"}},
		{"comma at the beginning", `{"version":1,"campaigns":[,1]}`, []string{"/campaigns/0: is not JSON at column 27: invalid character ',' looking for beginning of value; correct it there, or just before"}},
		{"quotes of a text processor", "{\u201cversion\u201d: 1}", []string{": is not JSON at column 2: \u201c is a typographic quote; write \" in its place"}},
		{"comma missing", `{"version": 1 "campaigns": []}`, []string{": is not JSON at column 15: a comma is missing; put one before it"}},
		{"comma missing in a list", "{\"version\": 1, \"campaigns\": [{}\n{}]}", []string{"/campaigns/1: is not JSON at line 2, column 1: a comma is missing; put one"}},
		{"comma missing before a number", `[1 2]`, []string{"/1: is not JSON at column 4: a comma is missing; put one"}},
		{"comment", "{\"version\": 1, // first\n\"campaigns\": []}", []string{": is not JSON at line 1, column 16: JSON has no comments; remove it"}},
		{"comment of several lines", "{\"version\": 1, /* first */ \"campaigns\": []}", []string{": is not JSON at column 16: JSON has no comments; remove it"}},
		{"comment of a script", "# campaigns\n{}", []string{": is not JSON at line 1, column 1: JSON has no comments; remove it"}},
		{"single quotes", `{'version': 1}`, []string{`: is not JSON at column 2: texts and keys stand in double quotes; write " in place of '`}},
		{"single quotes around a value", stopWith(`"restart_timeout":'7d'`), []string{`/campaigns/0/nodes/2/restart_timeout: is not JSON at column 202: texts and keys stand in double quotes; write " in place of '`}},
		{"a quote for too much", `{"name": ""big" shoes"}`, []string{`: is not JSON at column 12: a text has ended before it; write a quote inside a text as \"`}},
		{"a duration without quotes", stopWith(`"restart_timeout":12h`), []string{"/campaigns/0/nodes/2: is not JSON at column 204: texts and keys stand in double quotes; put them around what stands there"}},
		{"a word without quotes", stopWith(`"restart_timeout":never`), []string{"/campaigns/0/nodes/2/restart_timeout: is not JSON at column 203: texts and keys stand in double quotes"}},
		{"a path without quotes", `{"value": /shoes/}`, []string{"/value: is not JSON at column 11: texts and keys stand in double quotes"}},
		{"a semicolon in a list", `{"a": [1;2]}`, []string{"/a/1: is not JSON at column 9: invalid character ';' after array element; correct it there"}},
		{"a number as a key", `{1: 2}`, []string{": is not JSON at column 2: texts and keys stand in double quotes"}},
		{"a number that breaks off", `{"version": 1e}`, []string{"/version: is not JSON at column 15: it is no number of JSON; write one"}},
		{"a key without quotes", `{version: 1}`, []string{": is not JSON at column 2: texts and keys stand in double quotes"}},
		{"a boolean in capitals", `{"paused": True}`, []string{"/paused: is not JSON at column 12: JSON writes true, false and null in small letters; write true"}},
		{"number with a leading zero", `{"version": 01}`, []string{": is not JSON at column 14: it is no number of JSON; write one such as 7, 0.5 or -1"}},
		{"number without a digit before the point", `{"version": .5}`, []string{"/version: is not JSON at column 13: it is no number of JSON; write one"}},
		{"NaN", hookWith(`"payload":[{"as":"x","static":NaN}]`), []string{"/campaigns/0/nodes/1/payload/0/static: is not JSON at column 198"}},
		{"line break in a text", "{\"version\": \"\n\"}", []string{"/version: is not JSON at line 1, column 14: a text cannot go on over the end of a line; close it with \", or write the line break as \\n"}},
		{"tab in a text", "{\"name\": \"a\tb\"}", []string{"/name: is not JSON at column 12: a text cannot have a control character; remove it, or write a tab as \\t"}},
		{"backslash in a text", `{"value": "^/\d+$"}`, []string{`/value: is not JSON at column 15: a backslash before it begins no escape that JSON has; write a backslash as \\`}},
		{"u without digits", `{"value": "\user"}`, []string{`/value: is not JSON at column 14: a backslash before it begins no escape that JSON has; write a backslash as \\`}},
		{"list closed as an object", "{\"campaigns\": [\n{}}", []string{"/campaigns: is not JSON at line 2, column 3: the [ at line 1, column 15 is not closed; close it with ] first"}},
		{"object closed as a list", `{"campaigns": [{"id": "a"]}`, []string{"/campaigns/0: is not JSON at column 26: the { at column 16 is not closed; close it with } first"}},
		{"empty list closed as an object", `{"campaigns": [}`, []string{"/campaigns: is not JSON at column 16: the [ at column 15 is not closed; close it with ] first"}},
		{"value missing", `{"id": , "name": "x"}`, []string{"/id: is not JSON at column 8: invalid character ',' looking for beginning of value; correct it there, or just before"}},
		{"trailing data", file("") + " {}", []string{": goes on after its end, at column 30"}},
		{"trailing bracket", file("") + "\n}", []string{": goes on after its end, at line 2, column 1"}},
		{"trailing data and a fault", file(`{"id":""}`) + "x", []string{": goes on after its end", "/campaigns/0/id: is missing", "/campaigns/0/nodes: is empty"}},
		{"trailing white space", file("") + "\r\n\t \n", nil},
		{"invalid UTF-8", "{\"version\":1,\n\"campaigns\":[\"\xff\"]}", []string{": is not valid UTF-8 at line 2, column 15"}},
		{"half of a character", "{\"version\":1,\n\"campaigns\":[],\"a\":\"\\\\\\ud83d\\ude00\\ude00\"}", []string{`: has \ude00, one half of a character, at line 2, column 35`, "/a: is not a key here"}},
		{"half of a character at the end", `{"version":1,"campaigns":[],"a":"\ud83d"}`, []string{`: has \ud83d, one half`, "/a: is not a key here"}},
		{"two first halves", `{"version":1,"campaigns":[],"a":"\uD83D\uD83D\uDE00"}`, []string{`: has \uD83D, one half of a character, at column 34`, "/a: is not a key here"}},
		{"whole characters", `{"version":1,"campaigns":[],"a":"\ud83d\ude00\u00e4\\ud83d"}`, []string{"/a: is not a key here"}},
		{"byte order mark", "\ufeff" + file(""), []string{": begins with a byte order mark"}},
		{"nested without end", strings.Repeat("[", 100000), []string{strings.Repeat("/0", 400) + ": is nested more than 400 levels deep"}},

		// The file.
		{"a list", `[]`, []string{`: is an array; write {"version": 1`}},
		{"null", `null`, []string{`: is null; write {"version": 1`}},
		{"a campaign alone", `{"id":"c","nodes":[]}`, []string{`: is one campaign; write {"version": 1, "campaigns": […]} around it`}},
		{"empty object", `{}`, []string{"/version: is missing; write 1", "/campaigns: is missing"}},
		{"no version", `{"campaigns":[]}`, []string{"/version: is missing; write 1"}},
		{"no campaigns key", `{"version":1}`, []string{"/campaigns: is missing"}},
		{"version 2", `{"version":2,"campaigns":[]}`, []string{"/version: is a version that this library does not read; write 1"}},
		{"version 1.0", `{"version":1.0,"campaigns":[]}`, []string{"/version: is a version"}},
		{"version in quotes", `{"version":"1","campaigns":[]}`, []string{"/version: is a string; write a number"}},
		{"version null", `{"version":null,"campaigns":[]}`, []string{"/version: is null; write a number"}},
		{"version misspelt", `{"Version":1,"campaigns":[]}`, []string{`/Version: is not a key here; did you mean "version"?`}},
		{"campaigns null", `{"version":1,"campaigns":null}`, []string{"/campaigns: is null; write an array"}},
		{"campaigns an object", `{"version":1,"campaigns":{}}`, []string{"/campaigns: is an object; write a list of them, such as "}},
		{"duplicate IDs", file(
			`{"id":"c","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]},` +
				`{"id":"c","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`,
		), []string{`/campaigns/1/id: "c" is also the ID of /campaigns/0`}},

		// The campaign.
		{"campaign null", file(`null`), []string{"/campaigns/0: is null; write an object"}},
		{"campaign a text", file(`"c"`), []string{"/campaigns/0: is a string; write an object"}},
		{"ID a number", file(`{"id":5,"nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`), []string{"/campaigns/0/id: is a number; write a string"}},
		{"ID and name null", file(`{"id":null,"name":null,"nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`), []string{"/campaigns/0/id: is null", "/campaigns/0/name: is null"}},
		{"nodes null", file(`{"id":"c","nodes":null}`), []string{"/campaigns/0/nodes: is null; write an array"}},
		{"nodes misspelt is one fault", file(`{"id":"c","node":[]}`), []string{`/campaigns/0/node: is not a key here; did you mean "nodes"?`}},
		{"key with a slash and a tilde", file(`{"id":"c","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `],"a/b~c":1}`), []string{"/campaigns/0/a~1b~0c: is not a key here"}},

		// The nodes.
		{"no stop", nodes(triggerJSON, hookJSON), []string{"/campaigns/0/nodes: has no stop"}},
		{"two triggers", nodes(triggerJSON, triggerJSON, hookJSON, stopJSON), []string{"/campaigns/0/nodes/1: is another website_trigger"}},
		{"stop in the middle", nodes(triggerJSON, stopJSON, hookJSON), []string{"/campaigns/0/nodes/1: is a stop before the end"}},
		{"node null", nodes(triggerJSON, `null`, stopJSON), []string{"/campaigns/0/nodes/1: is null; write an object"}},
		{"node of no type", nodes(triggerJSON, `{"url":"https://esp.example/"}`, stopJSON), []string{`/campaigns/0/nodes/1/type: is missing; there are "website_trigger", "webhook", "stop"`}},
		{"type misspelt", nodes(triggerJSON, `{"type":"web_hook","url":"x"}`, stopJSON), []string{`/campaigns/0/nodes/1/type: "web_hook" is unknown; did you mean "webhook"?`}},
		{"type key misspelt", nodes(triggerJSON, `{"typ":"webhook","url":"x"}`, stopJSON), []string{`/campaigns/0/nodes/1/typ: is not a key here; did you mean "type"?`}},
		{"type a number", nodes(triggerJSON, `{"type":1}`, stopJSON), []string{"/campaigns/0/nodes/1/type: is a number; write a string"}},
		{"unknown audience", nodes(`{"type":"website_trigger","audience":"everyone","when":{"field":"page.path","op":"exists"}}`, hookJSON, stopJSON), []string{`/campaigns/0/nodes/0/audience: "everyone" is unknown; there are "known", "all"`}},
		{"audience null", nodes(`{"type":"website_trigger","audience":null,"when":{"field":"page.path","op":"exists"}}`, hookJSON, stopJSON), []string{"/campaigns/0/nodes/0/audience: is null; write a string"}},
		{"no condition", nodes(`{"type":"website_trigger"}`, hookJSON, stopJSON), []string{"/campaigns/0/nodes/0/when: is missing"}},
		{"condition an array", whenJSON(`[{"field":"page.path","op":"exists"}]`), []string{`/campaigns/0/nodes/0/when: is an array; write {"all": […]}`}},
		{"condition null", whenJSON(`null`), []string{"/campaigns/0/nodes/0/when: is null; write an object"}},
		{"condition of another language is one fault", whenJSON(`{"and":[{"field":"page.path","op":"exists"}]}`), []string{`/campaigns/0/nodes/0/when/and: is not a key here; did you mean "all"?`}},
		{"conditions of another language are one fault each", whenJSON(`{"all":[{"OR":[]},{"nor":[]}]}`), []string{`/campaigns/0/nodes/0/when/all/0/OR: is not a key here; did you mean "any"?`, `/campaigns/0/nodes/0/when/all/1/nor: is not a key here; write {"not": {"any": […]}}`}},
		{"operator for op is one fault", whenJSON(`{"field":"page.path","operator":"exists"}`), []string{`/campaigns/0/nodes/0/when/operator: is not a key here; did you mean "op"?`}},
		{"method BREW", hookWith(`"method":"BREW"`), []string{`/campaigns/0/nodes/1/method: "BREW" is not a method for webhooks; write "POST" or "GET"`}},
		{"method post", hookWith(`"method":"post"`), []string{`/campaigns/0/nodes/1/method: "post" is not a method for webhooks; write it in capitals`}},
		{"a long word is not shown whole", hookWith(`"method":"` + strings.Repeat("ä", 40) + `CANARY"`), []string{`/campaigns/0/nodes/1/method: "` + strings.Repeat("ä", 40) + `"… is not a method`}},
		{"method null", hookWith(`"method":null`), []string{"/campaigns/0/nodes/1/method: is null; write a string"}},
		{"no URL", nodes(triggerJSON, `{"type":"webhook"}`, stopJSON), []string{"/campaigns/0/nodes/1/url: is missing"}},
		{"URL a list", nodes(triggerJSON, `{"type":"webhook","url":[]}`, stopJSON), []string{"/campaigns/0/nodes/1/url: is an array; write a string"}},
		{"encoding misspelt", hookWith(`"encoding":"Form"`), []string{`/campaigns/0/nodes/1/encoding: "Form" is unknown; did you mean "form"?`}},
		{"allow_sensitive_query in quotes", hookWith(`"allow_sensitive_query":"true"`), []string{"/campaigns/0/nodes/1/allow_sensitive_query: is a string; write a boolean"}},
		{"payload an object", hookWith(`"payload":{"email":"x"}`), []string{`/campaigns/0/nodes/1/payload: is an object; write a list of them, such as [{"profile"`}},
		{"payload null", hookWith(`"payload":null`), []string{"/campaigns/0/nodes/1/payload: is null; write an array"}},
		{"payload field null", hookWith(`"payload":[null]`), []string{"/campaigns/0/nodes/1/payload/0: is null; write an object"}},
		{"payload field without a source", hookWith(`"payload":[{"as":"x"}]`), []string{"/campaigns/0/nodes/1/payload/0: has no source; write one of profile, item, visit, page, referrer, static"}},
		{"payload field with two sources", hookWith(`"payload":[{"profile":"a","item":"b"}]`), []string{`/campaigns/0/nodes/1/payload/0/item: stands beside "profile"; a payload field has one source`}},
		{"static beside a source", hookWith(`"payload":[{"profile":"a","static":null}]`), []string{`/campaigns/0/nodes/1/payload/0/static: stands beside "profile"`}},
		{"source misspelt is one fault", hookWith(`"payload":[{"profil":"email"}]`), []string{`/campaigns/0/nodes/1/payload/0/profil: is not a key here; did you mean "profile"?`}},
		{"source misspelt beside a name is one fault", hookWith(`"payload":[{"profil":"email","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/profil: is not a key here; did you mean "profile"?`}},
		{"source null", hookWith(`"payload":[{"profile":null}]`), []string{"/campaigns/0/nodes/1/payload/0/profile: is null; write a string"}},
		{"source of no name", hookWith(`"payload":[{"profile":""}]`), []string{`/campaigns/0/nodes/1/payload/0/profile: "profile." has no name`}},
		{"page field that is none", hookWith(`"payload":[{"page":"pth","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/page: "pth" is not a field of the page; did you mean "path"?`}},
		{"page field with its group", hookWith(`"payload":[{"page":"page.query.a","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/page: "page.query.a" is not a field of the page; write "query.a": the key says the rest`}},
		{"parameter as a page field", hookWith(`"payload":[{"page":"utm_source","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/page: "utm_source" is not a field of the page; there are url, scheme, host, path, fragment, title, type, query.NAME; for a parameter of the query write "query.utm_source"`}},
		{"referrer field that is none", hookWith(`"payload":[{"referrer":"title","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/referrer: "title" is not a field of the referrer; there are url, host, path, query.NAME; for a parameter`}},
		{"parameter without a name", hookWith(`"payload":[{"page":"query.","as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/page: "page.query." has no name`}},
		{"unknown policy", hookWith(`"payload":[{"profile":"a","missing":"ignore"}]`), []string{`/campaigns/0/nodes/1/payload/0/missing: "ignore" is unknown; there are "omit", "null", "fail"`}},
		{"policy null is not the policy null", hookWith(`"payload":[{"profile":"a","missing":null}]`), []string{"/campaigns/0/nodes/1/payload/0/missing: is null; write a string"}},
		{"default null", hookWith(`"payload":[{"profile":"a","default":null}]`), []string{`/campaigns/0/nodes/1/payload/0/default: is null; write "missing": "null"`}},
		{"sensitive a number", hookWith(`"payload":[{"profile":"a","sensitive":1}]`), []string{"/campaigns/0/nodes/1/payload/0/sensitive: is a number; write a boolean"}},
		{"static too deep", hookWith(`"payload":[{"as":"x","static":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}]`), []string{"/campaigns/0/nodes/1/payload/0/static: is nested more than 100 levels deep"}},
		{"headers an object", hookWith(`"headers":{"X-Api-Key":"k"}`), []string{`/campaigns/0/nodes/1/headers: is an object; write a list of them, such as [{"name"`}},
		{"header a text", hookWith(`"headers":["X-Api-Key: k"]`), []string{"/campaigns/0/nodes/1/headers/0: is a string; write an object"}},
		{"header value a number", hookWith(`"headers":[{"name":"X","value":1}]`), []string{"/campaigns/0/nodes/1/headers/0/value: is a number; write a string"}},
		{"header without a name", hookWith(`"headers":[{"value":"1"}]`), []string{"/campaigns/0/nodes/1/headers/0/name: is empty"}},
		{"header with a line break", hookWith(`"headers":[{"name":"X","value":"a\r\nb"}]`), []string{"/campaigns/0/nodes/1/headers/0/value: has a line break"}},
		{"secret empty", hookWith(`"headers":[{"name":"X","secret":""}]`), []string{"/campaigns/0/nodes/1/headers/0/secret: is empty"}},
		{"secret null", hookWith(`"headers":[{"name":"X","secret":null}]`), []string{"/campaigns/0/nodes/1/headers/0/secret: is null; write a string"}},
		{"two payload fields of one name", hookWith(`"payload":[{"profile":"a"},{"item":"a"}]`), []string{`/campaigns/0/nodes/1/payload/1: has the name "a", which /campaigns/0/nodes/1/payload/0 has already`}},

		// Unknown keys, at each depth.
		{"unknown key in the file", `{"version":1,"campaigns":[],"x":1}`, []string{`/x: is not a key here; there are "version", "campaigns"`}},
		{"unknown key in a campaign", file(`{"id":"c","enabled":true,"nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`), []string{"/campaigns/0/enabled: is not a key here"}},
		{"unknown key in a trigger", nodes(`{"type":"website_trigger","if":1,"when":{"field":"page.path","op":"exists"}}`, hookJSON, stopJSON), []string{"/campaigns/0/nodes/0/if: is not a key here"}},
		{"unknown key in a webhook", hookWith(`"body":{}`), []string{"/campaigns/0/nodes/1/body: is not a key here"}},
		{"unknown key in a stop", stopWith(`"after":"7d"`), []string{"/campaigns/0/nodes/2/after: is not a key here"}},
		{"unknown key in a condition", whenJSON(`{"field":"page.path","op":"exists","negate":true}`), []string{"/campaigns/0/nodes/0/when/negate: is not a key here"}},
		{"unknown key deep in conditions", whenJSON(`{"all":[{"not":{"any":[{"field":"page.path","op":"exists","x":1}]}}]}`), []string{"/campaigns/0/nodes/0/when/all/0/not/any/0/x: is not a key here"}},
		{"required as a key", hookWith(`"payload":[{"profile":"a","required":true}]`), []string{`/campaigns/0/nodes/1/payload/0/required: is not a key here; if the field is required, write "missing": "fail" instead`}},
		{"required in capitals", hookWith(`"payload":[{"profile":"a","Required":true}]`), []string{`/campaigns/0/nodes/1/payload/0/Required: is not a key here; if the field is required, write "missing": "fail" instead`}},
		{"required without a source", hookWith(`"payload":[{"required":true,"as":"x"}]`), []string{`/campaigns/0/nodes/1/payload/0/required: is not a key here; if the field is required, write "missing": "fail" instead`, "/campaigns/0/nodes/1/payload/0: has no source"}},
		{"unknown key in a payload field", hookWith(`"payload":[{"profile":"a","alias":"b"}]`), []string{"/campaigns/0/nodes/1/payload/0/alias: is not a key here"}},
		{"unknown key in a header", hookWith(`"headers":[{"name":"X","val":"b"}]`), []string{`/campaigns/0/nodes/1/headers/0/val: is not a key here; did you mean "value"?`}},
		{"keys have one case", stopWith(`"Restart_Timeout":"7d"`), []string{`/campaigns/0/nodes/2/Restart_Timeout: is not a key here; did you mean "restart_timeout"?`}},

		// Duplicate keys, at each depth.
		{"duplicate key in the file", `{"version":1,"campaigns":[],"version":1}`, []string{"/version: stands twice"}},
		{"duplicate key in a campaign", file(`{"id":"a","id":"c","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`), []string{"/campaigns/0/id: stands twice"}},
		{"duplicate key in a node", stopWith(`"restart_timeout":"1d","restart_timeout":"7d"`), []string{"/campaigns/0/nodes/2/restart_timeout: stands twice"}},
		{"duplicate type", stopWith(`"type":"webhook"`), []string{"/campaigns/0/nodes/2/type: stands twice"}},
		{"duplicate key in a condition", whenJSON(`{"field":"page.path","op":"exists","op":"equals"}`), []string{"/campaigns/0/nodes/0/when/op: stands twice"}},
		{"duplicate group", whenJSON(`{"all":[{"field":"page.path","op":"exists"}],"all":[]}`), []string{"/campaigns/0/nodes/0/when/all: stands twice"}},
		{"duplicate key in a payload field", hookWith(`"payload":[{"profile":"a","profile":"b"}]`), []string{"/campaigns/0/nodes/1/payload/0/profile: stands twice"}},
		{"duplicate key in a static object", hookWith(`"payload":[{"as":"x","static":{"a":{"b":1,"b":2}}}]`), []string{"/campaigns/0/nodes/1/payload/0/static/a/b: stands twice"}},
		{"duplicate key in a header", hookWith(`"headers":[{"name":"X","value":"a","value":"b"}]`), []string{"/campaigns/0/nodes/1/headers/0/value: stands twice"}},
		{"duplicate key written with an escape", stopWith(`"restart_timeout":"1d","restart\u005ftimeout":"7d"`), []string{"/campaigns/0/nodes/2/restart_timeout: stands twice"}},
		{"a duplicate key does not hide other faults", file(`{"id":"c","name":"a","name":"b","nodes":[` + triggerJSON + `,{"type":"webhook","url":"x"}]}`), []string{"/campaigns/0/name: stands twice", "/campaigns/0/nodes: has no stop", "/campaigns/0/nodes/1/url: has no scheme"}},

		// Durations.
		{"soon", stopWith(`"restart_timeout":"soon"`), []string{`/campaigns/0/nodes/2/restart_timeout: "soon" is not a duration; write one such as "7d", "12h" or "1d12h" (whole days first, then h, m, s and ms), or "immediately" or "never"`}},
		{"weeks", stopWith(`"restart_timeout":"1w"`), []string{`/campaigns/0/nodes/2/restart_timeout: "1w" is not a duration; write "7d"`}},
		{"days in words", stopWith(`"restart_timeout":"30 days"`), []string{`/campaigns/0/nodes/2/restart_timeout: "30 days" is not a duration; write "30d"`}},
		{"unit in capitals", stopWith(`"restart_timeout":"1D12H"`), []string{`/campaigns/0/nodes/2/restart_timeout: "1D12H" is not a duration; write "1d12h"`}},
		{"never in capitals", stopWith(`"restart_timeout":"NEVER"`), []string{`/campaigns/0/nodes/2/restart_timeout: "NEVER" is not a duration; write "never"`}},
		{"minutes or months", stopWith(`"restart_timeout":"1M"`), []string{`/campaigns/0/nodes/2/restart_timeout: "1M" is not a duration; write one such as`}},
		{"no days in words", stopWith(`"restart_timeout":"0 days"`), []string{`/campaigns/0/nodes/2/restart_timeout: "0 days" is not a duration; write one such as`}},
		{"many weeks", stopWith(`"restart_timeout":"2635249153387078803w"`), []string{`/campaigns/0/nodes/2/restart_timeout: "2635249153387078803w" is not a duration; write one such as`}},
		{"no text as a duration", stopWith(`"restart_timeout":""`), []string{`/campaigns/0/nodes/2/restart_timeout: "" is not a duration; write one such as`}},
		{"days with a point", stopWith(`"restart_timeout":"1.5d"`), []string{`/campaigns/0/nodes/2/restart_timeout: "1.5d" is not a duration; write one such as "7d", "12h" or "1d12h" (whole days`}},
		{"-1ns, which means immediately in Go", stopWith(`"restart_timeout":"-1ns"`), []string{`/campaigns/0/nodes/2/restart_timeout: "-1ns" is shorter than 1ms; write "immediately"`}},
		{"0s", stopWith(`"restart_timeout":"0s"`), []string{`/campaigns/0/nodes/2/restart_timeout: "0s" is shorter than 1ms; write "immediately"`}},
		{"-1h", stopWith(`"restart_timeout":"-1h"`), []string{`/campaigns/0/nodes/2/restart_timeout: "-1h" is shorter than 1ms`}},
		{"longer than Go can count", stopWith(`"restart_timeout":"106752d"`), []string{`/campaigns/0/nodes/2/restart_timeout: "106752d" is more than 292 years`}},
		{"a number", stopWith(`"restart_timeout":604800`), []string{`/campaigns/0/nodes/2/restart_timeout: is a number and not a duration; write one such as "7d"`}},
		{"null", stopWith(`"failure_timeout":null`), []string{"/campaigns/0/nodes/2/failure_timeout: is null and not a duration"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			cs, err := campaign.Parse([]byte(test.text))
			checkFaults(t, err, test.want...)
			if err != nil && cs != nil {
				t.Errorf("Parse returned campaigns beside the error: %v", cs)
			}
			if err == nil {
				checkRoundTrip(t, cs)
			}
		})
	}
}

func TestParseDurations(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		text string
		want time.Duration // 0 for a fault
		out  string        // how it is written; empty if as it was read
	}{
		{"168h", 168 * time.Hour, "7d"},
		{"7d", 7 * day, ""},
		{"1d12h", 36 * time.Hour, ""},
		{"1d12h30m", 36*time.Hour + 30*time.Minute, ""},
		{"1d0.5s", day + 500*time.Millisecond, "1d500ms"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"60s", time.Minute, "1m"},
		{"3600s", time.Hour, "1h"},
		{"1h0m1s", time.Hour + time.Second, ""},
		{"10m", 10 * time.Minute, ""},
		{"20h", 20 * time.Hour, ""},
		{"1ms", time.Millisecond, ""},
		{"1.5h", 90 * time.Minute, "1h30m"},
		{"immediately", campaign.Immediately, ""},
		{"never", campaign.Never, ""},
		{"106751d", 106751 * day, ""},
		{"106751d23h47m16.854775807s", campaign.Never - 1, "106751d23h47m16.854775806s"}, // not never
		{"106751d23h47m16.854775808s", 0, ""},
		{"106752d", 0, ""},
		{"99999999999999999999d", 0, ""},
		{"2562048h", 0, ""},
		{"", 0, ""},
		{"d", 0, ""},
		{"7", 0, ""},
		{"7 d", 0, ""},
		{"7 days", 0, ""},
		{"7D", 0, ""},
		{"1w", 0, ""},
		{"1.5d", 0, ""},
		{"-7d", 0, ""},
		{"+7d", 0, ""},
		{"7d-1h", 0, ""},
		{"7d+1h", 0, ""},
		{"1d1d", 0, ""},
		{"12h1d", 0, ""},
		{"999us", 0, ""},
		{"-1ns", 0, ""}, // the number that means immediately in Go
		{"Never", 0, ""},
		{"soon", 0, ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			text, err := json.Marshal(test.text)
			if err != nil {
				t.Fatal(err)
			}
			cs, err := campaign.Parse([]byte(stopWith(`"restart_timeout":` + string(text))))
			if test.want == 0 {
				if err == nil {
					t.Fatalf("Parse accepts %q as %v", test.text, cs[0].Nodes[2])
				}
				checkFaults(t, err, "/campaigns/0/nodes/2/restart_timeout: ")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := cs[0].Nodes[2].(campaign.Stop).RestartTimeout; got != test.want {
				t.Errorf("%q = %d, want %d", test.text, got, test.want)
			}
			checkRoundTrip(t, cs)
			written, err := json.Marshal(cs)
			if err != nil {
				t.Fatal(err)
			}
			out := test.out
			if out == "" {
				out = test.text
			}
			if want := fmt.Sprintf(`"restart_timeout":%q`, out); !strings.Contains(string(written), want) {
				t.Errorf("Marshal = %s, want in it %s", written, want)
			}
		})
	}
}

// The JSON form of one campaign is read as strictly as a file, alone and inside
// a struct of the host.
func TestCampaignUnmarshal(t *testing.T) {
	const one = `{"id":"c","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`
	var c campaign.Campaign
	if err := json.Unmarshal([]byte(one), &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chain(trigger, hook, stop), c); diff != "" {
		t.Errorf("Unmarshal (-want +got):\n%s", diff)
	}

	before := c
	for _, bad := range []struct{ text, want string }{
		{`{"id":"c","nodes":[],"x":1}`, "/x: is not a key here"},
		{`{"id":"c","id":"d","nodes":[` + triggerJSON + `,` + hookJSON + `,` + stopJSON + `]}`, "/id: stands twice"},
		{`null`, ": is null; write an object"},
		{`[]`, ": is an array; write an object"},
	} {
		err := json.Unmarshal([]byte(bad.text), &c)
		invalid, ok := errors.AsType[*campaign.ValidationError](err)
		if !ok {
			t.Errorf("Unmarshal(%s): error %v, want a *ValidationError", bad.text, err)
			continue
		}
		checkFaults(t, &campaign.ValidationError{Faults: invalid.Faults[:1]}, bad.want)
		if diff := cmp.Diff(before, c); diff != "" {
			t.Errorf("Unmarshal(%s) has an error and changed its target (-want +got):\n%s", bad.text, diff)
		}
	}

	var host struct {
		Owner     string              `json:"owner"`
		Campaigns campaign.Campaigns  `json:"campaigns"`
		Extra     []campaign.Campaign `json:"extra"`
	}
	if err := json.Unmarshal([]byte(`{"owner":"a","campaigns":`+shoesJSON+`,"extra":[`+one+`]}`), &host); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(campaign.Campaigns{runningShoes()}, host.Campaigns); diff != "" {
		t.Errorf("Unmarshal in a struct (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]campaign.Campaign{chain(trigger, hook, stop)}, host.Extra); diff != "" {
		t.Errorf("Unmarshal in a list (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"campaigns":{"version":1,"campaigns":[],"x":1}}`), &host); err == nil {
		t.Error("an unknown key below a host's own struct is accepted")
	}
}

func TestMarshalRefusesWhatHasNoJSONForm(t *testing.T) {
	loop := campaign.All{nil}
	loop[0] = loop
	list := []any{nil}
	list[0] = list
	when := func(c campaign.Condition) campaign.Campaign {
		return chain(campaign.WebsiteTrigger{When: c}, hook, stop)
	}
	tests := []struct {
		rule string
		c    campaign.Campaign
	}{
		{"nil node", chain(trigger, nil, stop)},
		{"pointer to a node", chain(trigger, &hook, stop)},
		{"no condition", chain(campaign.WebsiteTrigger{}, hook, stop)},
		{"condition that holds itself", when(loop)},
		{"operand that holds itself", when(campaign.Comparison{Field: campaign.PagePath, Op: campaign.OpIn, Value: list})},
		{"name not UTF-8", campaign.Campaign{ID: "c", Name: "\xff", Nodes: []campaign.Node{trigger, hook, stop}}},
		{"static not UTF-8", withHook(campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.Static("x", "\xff")}})},
		{"static without end", withHook(campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.Static("x", math.NaN())}})},
		{"field that is none", withHook(campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.From("email")}})},
		{"field that is static", withHook(campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.From("static.x")}})},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if text, err := json.Marshal(test.c); err == nil {
				t.Errorf("Marshal = %s, want an error", text)
			}
		})
	}
}

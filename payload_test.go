package campaign_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
)

// In the tables below a place is relative to the payload.
func checkPayloadFaults(t *testing.T, w campaign.Webhook, want []string) {
	t.Helper()
	var places []string
	for _, s := range want {
		places = append(places, "/nodes/1/payload/"+s)
	}
	if w.URL == "" {
		w.URL = hook.URL
	}
	checkFaults(t, withHook(w).Validate(), places...)
}

// Names are compared with each other, which more of them than anybody writes would
// make take long.
func TestPayloadOfTooManyFields(t *testing.T) {
	payload := make(campaign.Payload, 100_000)
	for i := range payload {
		payload[i] = campaign.FromProfile(fmt.Sprint("x", i))
	}
	checkFaults(t, withHook(campaign.Webhook{URL: hook.URL, Payload: payload}).Validate(), "/nodes/1/payload: has 100000 fields; a payload has 4096 at most")
	if err := withHook(campaign.Webhook{URL: hook.URL, Payload: payload[:4096]}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestPayloadNames(t *testing.T) {
	email := campaign.FromProfile("email")
	named := func(names ...string) campaign.Payload {
		var p campaign.Payload
		for _, name := range names {
			p = append(p, campaign.Static(name, 1))
		}
		return p
	}
	tests := []struct {
		rule    string
		payload campaign.Payload
		want    []string
	}{
		{"none", nil, nil},
		{"a profile field has its own name", campaign.Payload{email}, nil},
		{"a nested profile field too", campaign.Payload{campaign.FromProfile("contact.email")}, nil},
		{"equal values under other names", campaign.Payload{email, email.Named("mail")}, nil},
		{"a static value needs a name", campaign.Payload{{Static: 1}}, []string{"0/as: is missing; give the static value a name"}},
		{"a field of the page needs a name", campaign.Payload{campaign.From(campaign.PagePath)}, []string{"0/as: is missing; give page.path a name"}},
		{"a query parameter needs a name", campaign.Payload{campaign.From(campaign.PageQuery("utm_source"))}, []string{"0/as: is missing; give page.query.utm_source a name"}},
		{"a field of the referrer needs a name", campaign.Payload{campaign.From(campaign.ReferrerHost)}, []string{"0/as: is missing; give referrer.host a name"}},

		{"two fields of one name", campaign.Payload{email, campaign.Static("email", "x")}, []string{`1: has the name "email", which /nodes/1/payload/0 has already; rename one with as`}},
		{"two fields of one source", campaign.Payload{email, email}, []string{`1: has the name "email"`}},
		{"three fields of one name", named("a", "a", "a"), []string{`1: which /nodes/1/payload/0 has already`, `2: which /nodes/1/payload/0 has already`}},
		{"names differ by case", named("a", "A"), nil},
		{"one name, once with an escape", named(`a\.b`, "a.b"), nil},
		{"one nested name", named("a.b", "c", "a.b"), []string{`2: has the name "a.b", which /nodes/1/payload/0 has already`}},
		{"fields of one object, apart", named("a.b", "c", "a.d"), nil},
		{"object after a value", named("a", "a.b"), []string{`1: makes "a" both a value and an object; rename one with as`}},
		{"value after an object", named("a.b", "a"), []string{`1: makes "a" both a value and an object`}},
		{"clash further down", named("a.b.c", "a.b.c.d", "a.b"), []string{`1: makes "a.b.c" both`, `2: makes "a.b" both`}},

		{"empty part at the end", named("a."), []string{`0/as: is "a.", which has an empty part; write the name without it, or \. for a dot`}},
		{"empty part at the beginning", named(".a"), []string{"0/as: which has an empty part"}},
		{"empty part inside", named("a..b"), []string{"0/as: which has an empty part"}},
		{"a dot", named("."), []string{"0/as: which has an empty part"}},
		{"empty part in a profile field's own name", campaign.Payload{campaign.FromProfile("a..b")}, []string{"0/profile: which has an empty part"}},
		{"an escaped dot", named(`a\.`, `\.`, `a\.b.c\.d`), nil},
		{"an escaped backslash", named(`a\\`, `b\\.c`), nil},
		{"another escape", named(`a\n`), []string{`0/as: has a backslash before something else; write \. for a dot and \\ for a backslash`}},
		{"backslash at the end", named(`a\`), []string{"0/as: has a backslash before something else"}},
		{"backslash in a profile field's own name", campaign.Payload{campaign.FromProfile(`a\b`)}, nil},
		{"name not UTF-8", named("a\xff"), []string{"0/as: is not valid UTF-8"}},
		{"any other name", named(" ", "ä", "\x00", `"`, "a b", "__proto__"), nil},
		{"100 levels", named(strings.Repeat("a.", 99) + "a"), nil},
		{"101 levels", named(strings.Repeat("a.", 100) + "a"), []string{"0/as: is nested more than 100 levels deep"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) { checkPayloadFaults(t, campaign.Webhook{Payload: test.payload}, test.want) })
	}
}

func TestPayloadSources(t *testing.T) {
	tests := []struct {
		rule  string
		field campaign.PayloadField
		want  []string
	}{
		{"no such field", campaign.From("page.pth").Named("x"), []string{`0/page: "pth" is not a field of the page; did you mean "path"?`}},
		{"no such source", campaign.From("profil.email").Named("x"), []string{`0: did you mean "profile.email"?`}},
		{"a source alone", campaign.From("profile").Named("x"), []string{`0/profile: "profile" is not a field`}},
		{"no dot", campaign.From("email").Named("x"), []string{`0: "email" is not a field`}},
		{"static as a source", campaign.From("static.x").Named("x"), []string{`0: "static.x" is not a field`}},
		{"no name", campaign.FromProfile(""), []string{`0/profile: "profile." has no name`}},
		{"field not UTF-8", campaign.FromProfile("\xff").Named("x"), []string{"0/profile: is not valid UTF-8"}},
		{"static beside a field", campaign.PayloadField{From: "profile.a", Static: 1}, []string{"0/static: stands beside profile.a; a payload field has one source"}},

		{"a default beside fail", campaign.FromProfile("a").Required().Or(1), []string{`0/missing: is "fail" beside a default; keep one of them`}},
		{"a default beside null", campaign.FromProfile("a").OrNull().Or(1), []string{`0/missing: is "null" beside a default`}},
		{"unknown policy", campaign.PayloadField{From: "profile.a", Missing: 3}, []string{"0/missing: is Missing(3)"}},
		{"policy below zero", campaign.PayloadField{From: "profile.a", Missing: -1}, []string{"0/missing: is Missing(-1)"}},
		{"a required static", campaign.Static("x", 1).Required(), []string{"0/missing: means nothing for a static value"}},
		{"a static with a default", campaign.Static("x", 1).Or(2), []string{"0/default: means nothing for a static value"}},

		{"static NaN", campaign.Static("x", math.NaN()), []string{"0/static: is not a finite number"}},
		{"static infinity, inside", campaign.Static("x", []any{map[string]any{"a": math.Inf(-1)}}), []string{"0/static: is not a finite number"}},
		{"static not UTF-8", campaign.Static("x", "\xff"), []string{"0/static: is not valid UTF-8"}},
		{"static with a key not UTF-8", campaign.Static("x", map[string]int{"\xff": 1}), []string{"0/static: is not valid UTF-8"}},
		{"static channel", campaign.Static("x", make(chan int)), []string{"0/static: is of a kind that JSON cannot write"}},
		{"static json.Number that is none", campaign.PayloadField{As: "x", Static: badNumber}, []string{"0/static: is a json.Number that is no number"}},
		{"default function", campaign.FromProfile("a").Or(func() {}), []string{"0/default: is of a kind that JSON cannot write"}},
		{"static that panics", campaign.Static("x", panics{}), []string{"0/static: has a MarshalJSON or MarshalText method that failed"}},
		{"raw JSON with a key twice", campaign.Static("x", rawJSON(`{"a":{"b":1,"b":2}}`)), []string{"0/static/a/b: stands twice"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			checkPayloadFaults(t, campaign.Webhook{Payload: campaign.Payload{test.field}}, test.want)
		})
	}
}

// What JSON can write and a form or a query cannot.
func TestFormFaults(t *testing.T) {
	tests := []struct {
		rule  string
		field campaign.PayloadField
		want  []string // with WHAT for "a form" or "a GET"
	}{
		{"a name with a dot", campaign.FromProfile("contact.email"), []string{`0/as: has a dot, which makes an object that WHAT cannot write; write "contact\\.email"`}},
		{"a name with a dot that belongs to it", campaign.FromProfile("contact.email").Named(`contact\.email`), nil},
		{"a name of the field's own with a backslash", campaign.FromProfile(`a\b`), nil},
		{"missing as null", campaign.FromProfile("a").OrNull(), []string{`0/missing: is "null", which WHAT cannot write; use "omit" or a default`}},
		{"static null", campaign.Static("x", nil), []string{"0/static: is null, which a form or a query cannot write"}},
		{"static object", campaign.Static("x", map[string]any{}), []string{"0/static: is an object, which a form or a query cannot write"}},
		{"static struct", campaign.Static("x", struct{}{}), []string{"0/static: is an object"}},
		{"static list with an object", campaign.Static("x", []any{1, map[string]any{}}), []string{"0/static: is an object"}},
		{"static list with a null", campaign.Static("x", []any{nil}), []string{"0/static: is null"}},
		{"static list in a list", campaign.Static("x", []any{[]any{1}}), []string{"0/static: is a list in a list"}},
		{"default object", campaign.FromProfile("a").Or(map[string]any{}), []string{"0/default: is an object"}},
		{"static list", campaign.Static("x", []int{1, 2}), nil},
		{"empty static list", campaign.Static("x", []int{}), nil},
		{"scalars", campaign.Static("x", 1.5), nil},
	}
	for _, test := range tests {
		for what, w := range map[string]campaign.Webhook{
			"a form": {Encoding: campaign.EncodingForm},
			"a GET":  {Method: "GET"},
		} {
			t.Run(test.rule+" in "+what, func(t *testing.T) {
				w.Payload = campaign.Payload{test.field}
				var want []string
				for _, s := range test.want {
					want = append(want, strings.ReplaceAll(s, "WHAT", what))
				}
				checkPayloadFaults(t, w, want)
			})
		}
	}
}

func TestQueryNameClash(t *testing.T) {
	tests := []struct {
		rule string
		url  string
		name string
		want bool
	}{
		{"no query", "https://esp.example/a", "a", false},
		{"another name", "https://esp.example/?ab=1", "a", false},
		{"the name", "https://esp.example/?x=1&a=2", "a", true},
		{"the name without a value", "https://esp.example/?a", "a", true},
		{"the name, escaped", "https://esp.example/?%61=1", "a", true},
		{"the name with a plus", "https://esp.example/?a+b=1", "a b", true},
		{"the name in another case", "https://esp.example/?A=1", "a", false},
		{"the name as a value", "https://esp.example/?x=a", "a", false},
		{"the name with an escaped dot", "https://esp.example/?a.b=1", `a\.b`, true},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			w := campaign.Webhook{Method: "GET", URL: test.url, Payload: campaign.Payload{campaign.Static("z", 1), campaign.Static(test.name, 1)}}
			var want []string
			if test.want {
				want = []string{"1: which the URL's query has too; rename it with as, or remove it from the URL"}
			}
			checkPayloadFaults(t, w, want)
			w.Method = "POST" // there the payload is in the body, and nothing clashes
			checkPayloadFaults(t, w, nil)
		})
	}
}

func TestSensitive(t *testing.T) {
	secret := campaign.FromProfile("email")
	secret.Sensitive = true
	static := campaign.Static("token", "x")
	static.Sensitive = true
	payload := campaign.Payload{campaign.FromProfile("gender"), secret, static}
	checkPayloadFaults(t, campaign.Webhook{Method: "GET", Payload: payload}, []string{
		"1/sensitive: is set, and a GET puts the field into the URL, which ends in logs; use POST, or set allow_sensitive_query",
		"2/sensitive: is set, and a GET",
	})
	checkPayloadFaults(t, campaign.Webhook{Method: "GET", Payload: payload, AllowSensitiveQuery: true}, nil)
	checkPayloadFaults(t, campaign.Webhook{Payload: payload}, nil)
	checkPayloadFaults(t, campaign.Webhook{Payload: payload, Encoding: campaign.EncodingForm}, nil)
}

func TestPayloadMethodsReturnCopies(t *testing.T) {
	field := campaign.FromProfile("a")
	for name, changed := range map[string]campaign.PayloadField{
		"Required": field.Required(), "OrNull": field.OrNull(), "Or": field.Or(1), "Named": field.Named("b"),
	} {
		if changed == field {
			t.Errorf("%s changes nothing", name)
		}
	}
	if want := (campaign.PayloadField{From: "profile.a"}); field != want {
		t.Errorf("a method has changed its receiver to %v", field)
	}
}

package campaign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

func TestWebhookFaults(t *testing.T) {
	form := campaign.EncodingForm
	tests := []struct {
		rule string
		hook campaign.Webhook
		want []string
	}{
		{"POST", campaign.Webhook{Method: "POST", URL: hook.URL}, nil},
		{"GET", campaign.Webhook{Method: "GET", URL: hook.URL}, nil},
		{"no method is POST", campaign.Webhook{URL: hook.URL, Encoding: form}, nil},
		{"BREW", campaign.Webhook{Method: "BREW", URL: hook.URL}, []string{`/nodes/1/method: "BREW" is not a method for webhooks; write "POST" or "GET"`}},
		{"PUT", campaign.Webhook{Method: "PUT", URL: hook.URL}, []string{`/nodes/1/method: "PUT" is not a method`}},
		{"post", campaign.Webhook{Method: "post", URL: hook.URL}, []string{`/nodes/1/method: write it in capitals`}},
		{"method with a space", campaign.Webhook{Method: "GET ", URL: hook.URL}, []string{`/nodes/1/method: "GET " is not a method`}},
		{"form in a GET", campaign.Webhook{Method: "GET", URL: hook.URL, Encoding: form}, []string{"/nodes/1/encoding: means nothing for a GET"}},
		{"unknown encoding", campaign.Webhook{URL: hook.URL, Encoding: 9}, []string{"/nodes/1/encoding: is Encoding(9)"}},
		{"unknown encoding in a GET is one fault", campaign.Webhook{Method: "GET", URL: hook.URL, Encoding: -1}, []string{"/nodes/1/encoding: is Encoding(-1)"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) { checkFaults(t, withHook(test.hook).Validate(), test.want...) })
	}
}

func TestWebhookURL(t *testing.T) {
	tests := []struct {
		url  string
		want string // part of the fault; empty for none
	}{
		{"https://esp.example", ""},
		{"http://esp.example:8080/a/b?c=d", ""},
		{"HTTPS://ESP.example/", ""},
		{"https://127.0.0.1/", ""},
		{"https://[::1]:8443/", ""},
		{"https://localhost/", ""},
		{"https://xn--bcher-kva.example/", ""},
		{"https://esp.example/?", ""},
		{"https://esp.example/?a=%41&b", ""},
		{"https://esp.example/?filter[]=a|b&c=d;e", ""},
		{"https://esp.example/%C3%A9", ""},
		{"", "is missing"},
		{"esp.example/hooks", "has no scheme that webhooks use; begin it with https://"},
		{"/hooks", "has no scheme"},
		{"//esp.example/", "has no scheme"},
		{"ftp://esp.example/", "has no scheme that webhooks use"},
		{"javascript:alert(1)", "has no scheme that webhooks use"},
		{"https:///hooks", "has no host"},
		{"https://", "has no host"},
		{"https:esp.example", "has no host"},
		{"https://:443/", "has no host"},
		{"https://?a=b", "has no host"},
		{"https://esp.example:x/", "is not a URL"},
		{"https://esp.example:65536/", "has a port that no host has"},
		{"https://esp.example:0/", "has a port that no host has"},
		{"https://esp.example/%zz", "is not a URL"},
		{"https://[::1/", "is not a URL"},
		{"https://[fe80::1%25eth0]/", "has a zone in its host, which means something on one machine only; write a name, or an address without it"},
		{"http://[FE80::1%25eth0]:8080/hooks?a=b", "has a zone in its host"},
		{"https://a!b.example/", `has a "!" in its host, which no name has; remove it`},
		{"https://*.esp.example/", `has a "*" in its host, which no name has; remove it`},
		{"https://esp%25.example/", "has a % in its host, which no name has; remove it"},
		{"https://key@esp.example/", "has a user or password in it"},
		{"https://user:key@esp.example/", "has a user or password in it"},
		{"https://esp.example/#part", "has a fragment"},
		{"https://esp.example/#", "has a fragment"},
		{"https://esp.example/ hooks", `has the character ' ' at byte 20, which a URL cannot have; remove it, or write it as %20`},
		{" https://esp.example/", `has the character ' ' at byte 0`},
		{"https://esp.example/\n", "has a control character or invalid UTF-8 at byte 20"},
		{"https://esp.example/\xff", "has a control character or invalid UTF-8 at byte 20"},
		{"https://esp.example/\x7f", "has a control character"},
		{"https://esp.example/?n=é", `has the character 'é' at byte 23, which a URL cannot have; remove it, or write it as %C3%A9`},
		{`https://esp.example/a\b`, `has the character '\\' at byte 21`},
		{`https://esp.example/?q="x"`, `write it as %22`},
		{"https://esp.example/users/{profileid}", "has a brace at byte 26, and nothing is filled into a URL; put the field into the payload"},
		{"https://bücher.example/", `has a host in Unicode; write it as "xn--bcher-kva.example"`},
		{"https://bu\u0308cher.example/", "has a host in Unicode; write it in its xn-- form"},
		{"https://BÜCHER.example:8443/", `has a host in Unicode; write it as "xn--bcher-kva.example"`},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			err := withHook(campaign.Webhook{URL: test.url}).Validate()
			if test.want == "" {
				checkFaults(t, err)
				return
			}
			checkFaults(t, err, "/nodes/1/url: "+test.want)
		})
	}
}

// A URL often is a credential: no fault shows its path or its query.
// Names are looked for in the URL's query, which is gone through once.
func TestManyNamesAndALongQuery(t *testing.T) {
	hook := campaign.Webhook{Method: "GET", URL: "https://esp.example/?" + strings.Repeat("a=1&b+b=2&", 70_000) + "name%37=3&name8&x=name9"}
	for i := range 4096 {
		hook.Payload = append(hook.Payload, campaign.FromProfile(fmt.Sprint("name", i)))
	}
	c := runningShoes()
	c.Nodes[1] = hook
	invalid, ok := errors.AsType[*campaign.ValidationError](c.Validate())
	if !ok || len(invalid.Faults) != 2 || invalid.Faults[0].Pointer != "/nodes/1/payload/7" || invalid.Faults[1].Pointer != "/nodes/1/payload/8" {
		t.Errorf("Validate = %.300v, want faults of the two names that the query has", c.Validate())
	}
}

func TestFaultsDoNotShowTheURL(t *testing.T) {
	for _, url := range []string{
		"ftp://esp.example/CANARY?key=CANARY",
		"https:///CANARY?key=CANARY",
		"https://esp.example:x/CANARY?key=CANARY",
		"https://esp.example/CANARY?key=CANARY#CANARY",
		"https://CANARY:CANARY@esp.example/CANARY",
		"https://esp.example/CANARY%zz",
		"https://esp.example/CANARY CANARY",
		"https://esp.example/CANARY\x00CANARY",
		"https://esp.example/{CANARY}",
		"https://bücher.example/CANARY?CANARY",
		"https://[fe80::1%25CANARY]/CANARY?CANARY",
		"CANARY",
	} {
		err := withHook(campaign.Webhook{URL: url}).Validate()
		if err == nil {
			t.Errorf("%q is accepted", url)
			continue
		}
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("fault shows the URL: %v", err)
		}
	}
}

func TestRenderedRequest(t *testing.T) {
	c := runningShoes()
	requests, err := c.Render(shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	want := []campaign.Request{{
		ID:       requests[0].ID, // has tests of its own
		Campaign: "running-shoes",
		Node:     1,
		Method:   "POST",
		URL:      "https://esp.example/v1/automations",
		Headers: campaign.Headers{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
			{Name: "X-Source", Value: "webshop"},
		},
		Body: []byte(`{"profileid":"p-1","email":"ann@example.org","gender":"f","automationid":"A-17"}`),
	}}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Errorf("Render (-want +got):\n%s", diff)
	}
}

func TestRenderIsPure(t *testing.T) {
	c := runningShoes()
	visit := shoeVisit()
	first, err := c.Render(visit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(runningShoes(), c); diff != "" {
		t.Errorf("Render has changed the campaign (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(shoeVisit(), visit); diff != "" {
		t.Errorf("Render has changed the visit (-before +after):\n%s", diff)
	}
	clear(first[0].Body)
	clear(first[0].Headers)
	second, err := c.Render(visit)
	if err != nil {
		t.Fatal(err)
	}
	third, err := c.Render(visit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second, third); diff != "" {
		t.Errorf("two calls of Render differ (-first +second):\n%s", diff)
	}
	if string(second[0].Body) == string(first[0].Body) {
		t.Error("a request that was overwritten is rendered again")
	}
}

func TestRenderAllOrNothing(t *testing.T) {
	c := chain(trigger, hook, campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{campaign.FromProfile("phone").Required()}}, stop)
	requests, err := c.Render(shoeVisit())
	if err == nil || requests != nil {
		t.Errorf("Render = %v, %v, want nil and an error: the second webhook lacks a field", requests, err)
	}
}

var deliveryIDShape = regexp.MustCompile(`^msg_[0-9a-f]{32}$`)

func renderID(t *testing.T, c campaign.Campaign, visit campaign.PageVisit) string {
	t.Helper()
	requests, err := c.Render(visit)
	if err != nil {
		t.Fatal(err)
	}
	id := requests[len(requests)-1].ID
	if !deliveryIDShape.MatchString(id) {
		t.Errorf("ID = %q, want it to match %s", id, deliveryIDShape)
	}
	return id
}

// Endpoints and hosts remember these IDs: the same visit has to give the same ID
// in every later version.
func TestDeliveryIDNeverChanges(t *testing.T) {
	visit := shoeVisit()
	withTime := renderID(t, runningShoes(), visit)
	if want := "msg_d70ca303530544c088537e1b76d82f71"; withTime != want {
		t.Errorf("ID of a visit without an ID = %s, want %s", withTime, want)
	}
	visit.ID = "v-1"
	withID := renderID(t, runningShoes(), visit)
	if want := "msg_3d8923080e41f0fb336b2f21079e9f52"; withID != want {
		t.Errorf("ID of a visit with an ID = %s, want %s", withID, want)
	}
	if got, want := testID(t, runningShoes(), visit), "msg_5f5138724a6b71057ce8edd3d89d5459"; got != want {
		t.Errorf("ID of a test = %s, want %s", got, want)
	}
}

// testID returns the delivery ID that Engine.Test gives.
func testID(t *testing.T, c campaign.Campaign, visit campaign.PageVisit) string {
	t.Helper()
	var id string
	engine, err := campaign.NewEngine(campaign.SenderFunc(
		func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
			id = r.ID
			return nil, nil
		}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Load(c); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Test(t.Context(), c.ID, visit); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestDeliveryIDDependsOn(t *testing.T) {
	type input struct {
		c     campaign.Campaign
		visit campaign.PageVisit
	}
	base := func() input {
		in := input{c: chain(trigger, hook, stop), visit: shoeVisit()}
		in.visit.ID = "v-1"
		return in
	}
	withoutID := func() input {
		in := base()
		in.visit.ID = ""
		return in
	}
	tests := []struct {
		rule   string
		from   func() input
		change func(*input)
		same   bool
	}{
		{"nothing else", base, func(*input) {}, true},
		{"campaign ID", base, func(in *input) { in.c.ID = "d" }, false},
		{"not the name", base, func(in *input) { in.c.Name = "d" }, true},
		{"node", base, func(in *input) { in.c.Nodes = []campaign.Node{trigger, hook, hook, stop} }, false},
		{"not the payload", base, func(in *input) {
			in.c.Nodes[1] = campaign.Webhook{URL: "https://other.example/", Payload: campaign.Payload{campaign.Static("a", 1)}}
		}, true},
		{"profile ID", base, func(in *input) { in.visit.Profile.ID = "p-2" }, false},
		{"not the rest of the profile", base, func(in *input) { in.visit.Profile.Fields = nil }, true},
		{"visit ID", base, func(in *input) { in.visit.ID = "v-2" }, false},
		{"not the time beside a visit ID", base, func(in *input) { in.visit.Time = in.visit.Time.Add(time.Hour) }, true},
		{"not the URL beside a visit ID", base, func(in *input) { in.visit.URL = "/other" }, true},
		{"whether there is a visit ID", base, func(in *input) { in.visit.ID = "" }, false},
		{"time without a visit ID", withoutID, func(in *input) { in.visit.Time = in.visit.Time.Add(time.Millisecond) }, false},
		{"time to the millisecond", withoutID, func(in *input) { in.visit.Time = in.visit.Time.Add(time.Millisecond - 1) }, true},
		{"not the time's zone", withoutID, func(in *input) { in.visit.Time = in.visit.Time.In(time.FixedZone("", 3600)) }, true},
		{"URL without a visit ID", withoutID, func(in *input) { in.visit.URL += "x" }, false},
		{"not the type", withoutID, func(in *input) { in.visit.Type = "x" }, true},
		{"where one part ends and the next begins", base, func(in *input) { in.visit.Profile.ID, in.visit.ID = "p-1v", "-1" }, false},
		{"where the campaign ends", base, func(in *input) { in.c.ID, in.visit.Profile.ID = "cp", "-1" }, false},
		{"a NUL in a part", base, func(in *input) { in.visit.Profile.ID, in.visit.ID = "p-1\x00v-1", "" }, false},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			in, changed := test.from(), test.from()
			test.change(&changed)
			a, b := renderID(t, in.c, in.visit), renderID(t, changed.c, changed.visit)
			if (a == b) != test.same {
				t.Errorf("IDs %s and %s: equal %t, want %t", a, b, a == b, test.same)
			}
		})
	}
}

// A log that is replayed gives the IDs of the live traffic, also of addresses with
// bytes that JSON cannot hold.
func TestDeliveryIDOfALoggedVisit(t *testing.T) {
	for _, address := range []string{"https://shop.example/caf\u00e9?q=%E9", "/caf\xe9?q=\xff"} {
		visit := shoeVisit()
		visit.URL = address
		text, err := json.Marshal(visit)
		if err != nil {
			t.Fatalf("Marshal of a visit of %q: %v", address, err)
		}
		var logged campaign.PageVisit
		decodeJSON(t, text, &logged)
		c := chain(trigger, hook, stop)
		if want, got := renderID(t, c, visit), renderID(t, c, logged); got != want {
			t.Errorf("ID of a visit of %q = %s, and from the log %s", address, want, got)
		}
	}
}

func TestTestsHaveDeliveryIDsOfTheirOwn(t *testing.T) {
	c, visit := runningShoes(), shoeVisit()
	real, test := renderID(t, c, visit), testID(t, c, visit)
	if real == test || !deliveryIDShape.MatchString(test) {
		t.Errorf("ID of a test = %q, of the real request %q, want another of the same shape", test, real)
	}
	if again := testID(t, c, visit); again != test {
		t.Errorf("ID of a second test = %q, want the same as the first, %q", again, test)
	}
}

// What is printed or logged of a request is its ID, method and endpoint, and of a
// webhook the same without an ID.
func TestRequestShowsNothing(t *testing.T) {
	c := withHook(campaign.Webhook{
		Method:  "GET",
		URL:     "https://esp.example/CANARY?key=CANARY",
		Payload: campaign.Payload{campaign.FromProfile("email")},
		Headers: campaign.Headers{{Name: "X-Key", Value: "CANARY"}},
	})
	post := c.Nodes[1].(campaign.Webhook)
	post.Method = "POST"
	c.Nodes = []campaign.Node{trigger, c.Nodes[1], post, stop}
	visit := shoeVisit()
	visit.Profile.Fields["email"] = "CANARY"
	requests, err := c.Render(visit)
	if err != nil {
		t.Fatal(err)
	}
	r := requests[0]
	if got, want := r.String(), r.ID+" GET https://esp.example"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("sent", "request", r, "pointer", &r, "webhook", post, "campaign", c, "address", &c, "campaigns", campaign.Campaigns{c})
	}
	shown := []string{log.String()}
	for _, broken := range []string{"https:/esp.example/CANARY?next=https://foo", "CANARY://x", "/CANARY://"} {
		if s := (campaign.Webhook{URL: broken}).String(); strings.Contains(s, "CANARY") && broken != "CANARY://x" {
			t.Errorf("a webhook with the URL %s prints %s", broken, s)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%c", "%U"} {
		for _, value := range []any{r, &r, requests, struct{ R campaign.Request }{r}, post, &post, c, &c, campaign.Campaigns{c}} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
	}
	for _, s := range shown {
		if strings.Contains(s, "CANARY") || strings.Contains(s, fmt.Sprintf("%x", "CANARY")) {
			t.Errorf("shown: %s", s)
		}
	}
	for _, want := range []string{r.ID, "GET", "POST", "https://esp.example"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q: %s", want, log.String())
		}
	}
}

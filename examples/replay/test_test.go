package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// twoHooks is a campaign that posts, with a secret, and then gets.
func twoHooks(url string) string {
	return `{"id": "two", "nodes": [{"type": "website_trigger", "when": {"field": "page.path", "op": "equals", "value": "/a"}},
	{"type": "webhook", "method": "POST", "url": "` + url + `/hooks/geheim1", "payload": [{"profile": "profileid"}],
	 "headers": [{"name": "Authorization", "value": "Bearer ", "secret": "KEY"}]},
	{"type": "webhook", "method": "GET", "url": "` + url + `/hooks/geheim2?t=geheim3", "payload": [{"profile": "profileid", "as": "who"}]},
	{"type": "stop", "restart_timeout": "1d"}]}`
}

const knownVisit = `{"time": "2025-03-10T12:00:00Z", "url": "/a", "profile": {"id": "p-1", "known": true}}`

// hits returns what arrived, as far as the campaigns had a say in it.
func hits(r *campaigntest.Receiver) []string {
	var got []string
	for _, d := range r.Deliveries() {
		got = append(got, strings.TrimSpace(strings.Join([]string{
			d.Method, d.Target, d.Header.Get("Authorization"), d.Header.Get(campaign.TestHeader), string(d.Body),
		}, " ")))
	}
	return got
}

// noGeheim fails the test if something is shown that must not be.
func noGeheim(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, "geheim") {
			t.Errorf("a secret or a path is shown:\n%s", text)
		}
	}
}

func TestTest(t *testing.T) {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	campaigns := writeCampaigns(t, twoHooks(receiver.URL))
	t.Setenv("SHOP_KEY", "geheim0")
	args := []string{"test", "-campaigns", campaigns, "-visit", knownVisit, "-secrets", "SHOP_", "-local"}
	out := mustRun(t, nil, args...)
	noGeheim(t, out)
	for _, part := range []string{"two, for the visit: delivered after ", ", 2 attempts\n\nmethod  endpoint ", "\nPOST    " + receiver.URL + "  delivered  200     1         msg_", "\nGET     " + receiver.URL + "  delivered  200     1         msg_"} {
		if !strings.Contains(out, part) {
			t.Errorf("test printed\n%s\nwant %q", out, part)
		}
	}
	want := []string{
		`POST /hooks/geheim1 Bearer geheim0 true {"profileid":"p-1"}`,
		"GET /hooks/geheim2?t=geheim3&who=p-1  true",
	}
	if diff := cmp.Diff(want, hits(receiver)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	// A visit that would not start it is sent all the same, and said to be one.
	out = mustRun(t, nil, append(args, "-visit", strings.Replace(knownVisit, "/a", "/b", 1))...)
	if !strings.Contains(out, "\nin production this visit would not start it: the visit does not meet the condition; replay explain says more\n") {
		t.Errorf("test of a visit that does not match printed\n%s", out)
	}
	// A webhook without a method is a POST, and shown as one.
	plain := writeCampaigns(t, strings.Replace(twoHooks(receiver.URL), `"method": "POST", `, "", 1))
	args[2] = plain
	if out = mustRun(t, nil, args...); !strings.Contains(out, "\nPOST    "+receiver.URL) {
		t.Errorf("test of a webhook without a method printed\n%s", out)
	}
	var got tested
	runJSON(t, nil, &got, args...)
	if got.Webhooks[0].Method != "POST" {
		t.Errorf("test -json of a webhook without a method has the method %q, want POST", got.Webhooks[0].Method)
	}
	// Of a log it is the first that would.
	log := file(t, "log", []byte(line("192.0.2.1", 0, "/b")+line("192.0.2.2", 0, "/a")+line("192.0.2.3", 0, "/a")))
	out = mustRun(t, nil, "test", "-campaigns", campaigns, "-log", log, "-secrets", "SHOP_", "-local")
	if !strings.HasPrefix(out, "two, for line 2, 2025-03-10 12:00:00 UTC, /a: delivered after ") {
		t.Errorf("test -log printed\n%s", out)
	}
}

func TestTestSend(t *testing.T) {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	campaigns := writeCampaigns(t, twoHooks("https://esp.example"))
	t.Setenv("KEY", "geheim0")
	out := mustRun(t, nil, "test", "-campaigns", campaigns, "-visit", knownVisit, "-send", receiver.URL+"/geheim4")
	noGeheim(t, out)
	if !strings.Contains(out, "\nPOST    "+receiver.URL+"  delivered ") {
		t.Errorf("test -send printed\n%s", out)
	}
	want := []string{
		`POST /geheim4 Bearer secret:KEY true {"profileid":"p-1"}`,
		"GET /geheim4?who=p-1  true",
	}
	if diff := cmp.Diff(want, hits(receiver)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTestNotDelivered(t *testing.T) {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	receiver.Answer(campaigntest.Reply{Status: http.StatusNotFound}, campaigntest.Reply{}, campaigntest.Reply{Status: http.StatusForbidden})
	args := []string{"test", "-campaigns", writeCampaigns(t, twoHooks("https://esp.example")), "-visit", knownVisit, "-send", receiver.URL}
	stdout, stderr, code := runArgs(t, nil, args...)
	noGeheim(t, stdout, stderr)
	if code != 3 || stderr != "" || !strings.Contains(stdout, "two, for the visit: failed after ") ||
		!strings.Contains(stdout, "\nPOST    "+receiver.URL+"  not delivered  404     1         msg_") || !strings.Contains(stdout, "\nGET     "+receiver.URL+"  not sent\n") {
		t.Errorf("test that is answered 404: exit status %d, stderr %q, stdout\n%s", code, stderr, stdout)
	}
	stdout, stderr, code = runArgs(t, nil, append(args, "-json")...)
	noGeheim(t, stdout, stderr)
	if code != 3 || stderr != "" {
		t.Errorf("test -json that is answered 403: exit status %d, stderr %q; want 3 and none", code, stderr)
	}
	var got tested
	decode(t, stdout, &got)
	if got.Seconds <= 0 || !strings.Contains(got.Error, "403") || got.Webhooks[0].ID == "" || got.Webhooks[1].ID == "" {
		t.Errorf("test -json = %+v", got)
	}
	got.Seconds, got.Error, got.Webhooks[0].ID, got.Webhooks[1].ID = 0, "", "", ""
	want := tested{
		Campaign: "two", Profile: "p-1", Status: campaign.Failed, Reason: campaign.ReasonRejected, Attempts: 2,
		InProduction: campaign.ReasonStarts,
		Webhooks: []testedWebhook{
			{Node: 1, Method: "POST", Endpoint: receiver.URL, Result: "delivered", Status: 200, Attempts: 1},
			{Node: 2, Method: "GET", Endpoint: receiver.URL, Result: "not delivered", Status: 403, Attempts: 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("test -json (-want +got):\n%s", diff)
	}
}

// TestTestRefuses shows what is not sent, and why.
func TestTestRefuses(t *testing.T) {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	campaigns := writeCampaigns(t, twoHooks(receiver.URL))
	t.Setenv("SHOP_KEY", "geheim0")
	none := file(t, "log", []byte(line("192.0.2.1", 0, "/b")))
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"which campaign", []string{"-visit", knownVisit}, 2, "-campaign: which one? There are running-shoes, left-the-basket, spring-newsletter"},
		{"secrets not allowed", []string{"-campaigns", campaigns, "-visit", knownVisit, "-local"}, 2, "two needs secrets: KEY for 127.0.0.1:"},
		{"secrets not set", []string{"-campaigns", campaigns, "-visit", knownVisit, "-local", "-secrets", "OTHER_"}, 1, "not set in the environment: OTHER_KEY"},
		{"http and loopback", []string{"-campaigns", campaigns, "-visit", knownVisit, "-secrets", "SHOP_"}, 3, ""},
		{"send and secrets", []string{"-campaigns", campaigns, "-visit", knownVisit, "-secrets", "SHOP_", "-send", receiver.URL}, 2, "leave out -secrets"},
		{"send to what is no URL", []string{"-campaigns", campaigns, "-visit", knownVisit, "-send", "localhost"}, 2, "-send: is not an http or https address"},
		{"no visit that starts it", []string{"-campaigns", campaigns, "-log", none, "-secrets", "SHOP_", "-local"}, 1, "no visit of the log starts two; choose one"},
	} {
		stdout, stderr, code := runArgs(t, nil, append([]string{"test"}, test.args...)...)
		noGeheim(t, stdout, stderr)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit status %d, stderr %q, stdout\n%s\nwant %d and %q", test.name, code, stderr, stdout, test.code, test.want)
		}
	}
	if n := receiver.Hits(); n != 0 {
		t.Errorf("%d requests arrived, want none", n)
	}
}

// TestTestSaysLocal shows that whoever may not send is told of the flag, and not
// of the fields of a sender that they do not have.
func TestTestSaysLocal(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:9", "https://127.0.0.1:9", "https://192.168.0.1"} {
		campaigns := writeCampaigns(t, strings.Replace(ruleJSON("a", `{"field": "page.path", "op": "exists"}`, "1d"), "https://esp.example", url, 1))
		for _, args := range [][]string{nil, {"-json"}} {
			stdout, stderr, code := runArgs(t, nil, append([]string{"test", "-campaigns", campaigns, "-visit", knownVisit}, args...)...)
			if code != 3 || stderr != "" || !strings.Contains(stdout, "give -local") || strings.Contains(stdout, "Sender") {
				t.Errorf("test %q of %s: exit status %d, stderr %q, stdout\n%s\nwant -local in it", args, url, code, stderr, stdout)
			}
		}
	}
}

func TestTestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	receiver := campaigntest.NewReceiver(&campaigntest.ReceiverOptions{Reply: func(int) campaigntest.Reply {
		cancel()
		return campaigntest.Reply{Status: http.StatusServiceUnavailable}
	}})
	defer receiver.Close()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"test", "-campaigns", writeCampaigns(t, twoHooks("https://esp.example")), "-visit", knownVisit, "-send", receiver.URL}, nil, &stdout, &stderr)
	if code != 1 || stderr.String() != "replay: interrupted\n" || !strings.Contains(stdout.String(), "two, for the visit: failed") {
		t.Errorf("test, interrupted: exit status %d, stderr %q, stdout\n%s", code, stderr.String(), stdout.String())
	}
}

func TestSecretHosts(t *testing.T) {
	campaigns, err := campaign.Parse([]byte(`{"version": 1, "campaigns": [` + twoHooks("https://ESP.example:443") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	hook := campaigns[0].Nodes[1].(campaign.Webhook)
	hook.URL = "http://plain.example/"
	campaigns[0].Nodes[2] = hook
	want := map[string][]string{"KEY": {"esp.example:443", "plain.example:80"}}
	if diff := cmp.Diff(want, secretHosts(campaigns[0])); diff != "" {
		t.Errorf("secretHosts (-want +got):\n%s", diff)
	}
}

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

type testCase struct {
	name    string
	request campaign.Request
}

// texts are the values that fields and headers have.
var texts = map[string]string{
	"quotes":            `'it''s' "so" '\'' ""`,
	"dollars":           "$HOME ${HOME} $(id) $$ `id`",
	"backslashes":       `\ \\ \n \' a\`,
	"line breaks":       "one\n!! two\r\n\n!three\n",
	"tabs":              "a\tb\t\tc",
	"control character": "\x00\x01\x1b[2J\x7f",
	"unicode":           "Zoë 👟 \u0085\u009b\u200d\u202e\u2028\ufeffé",
	"file":              "@/etc/passwd",
	"redirection":       "< /etc/passwd > x | id & ; id",
	"dash":              "-v --next",
	"dash and tab":      "-v\t%s",
	"percent":           "%s%%%d%41 100%",
	"exclamation":       "!! !id",
	"globs":             "* ? [a-z] {1,2} ~ #",
	"plus and equals":   "a+b=c&d;e",
	"empty":             "",
	"long":              strings.Repeat("it's 100% \\ ", 40_000),
	"go-ahead":          strings.Repeat("x", 2_000),
}

// requests returns what is sent: each text rendered from a campaign in every
// encoding, as a header, and in the places where only a request made by hand
// has it.
func requests(base string) ([]testCase, error) {
	var all []testCase
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := texts[name]
		for _, hook := range []campaign.Webhook{
			{Method: "POST", URL: base + "/json", Headers: headers(text)},
			{Method: "POST", URL: base + "/form", Encoding: campaign.EncodingForm, Headers: headers(text)},
			{Method: "GET", URL: base + "/get?own=%27$(id)", Headers: headers(text)},
		} {
			if hook.Method == "GET" && len(text) > 100_000 {
				continue // nobody takes a URL of that length
			}
			hook.Payload = campaign.Payload{
				campaign.FromProfile("text"),
				campaign.Static(name, text),
				campaign.Static("n", 1),
			}
			requests, err := rendered(hook, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			for _, r := range requests {
				all = append(all, testCase{name + " " + hook.URL[len(base):], r})
			}
		}
		all = append(all, testCase{name + " as the body", byHand(base+"/raw", text)})
	}
	for _, target := range []string{
		"", "/", "?", "/?", "?a=b", "/a/../b/./c/..", "/a/%2e%2E/b", "/%2F%2f", "//a//b", "/a.b/.c", "/a|b;c,d", "/a[1]",
		"/?filter[]=a|b&c[1-3]=d", "/?a=../b", "/?a=b?c=d/./", "/'$(id)'", "/a:b@c!d*(e)", "/?%", "/?a=%zz", "/?&&", "/?=",
	} {
		all = append(
			all,
			testCase{"POST " + target, byHand(base+target, "{}")},
			testCase{"GET " + target, campaign.Request{ID: "msg_1", Method: "GET", URL: base + target}},
		)
	}
	scheme, host, _ := strings.Cut(base, "://")
	_, port, _ := strings.Cut(host, ":")
	for _, host := range []string{"localhost", "LocalHost"} {
		if scheme == "http" { // the certificate is for an address
			all = append(all, testCase{"host " + host, byHand("http://"+host+":"+port+"/", "{}")})
		}
	}
	return append(all, special(base)...), nil
}

// headers returns headers with the text, as far as headers can have it.
func headers(text string) campaign.Headers {
	hs := campaign.Headers{
		{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
		{Name: "authorization", Value: "Bearer ", Secret: "esp/token.1"},
		{Name: "X-Token", Secret: "esp/token-1"},
	}
	if len(text) > 10_000 || campaign.CheckHeaderValue(text) != nil {
		return hs
	}
	return append(hs, campaign.Header{Name: "X-Text", Value: text}, campaign.Header{Name: "X-Both", Value: text + " ", Secret: "ESP_API_KEY"})
}

func rendered(hook campaign.Webhook, text string) ([]campaign.Request, error) {
	if hook.Headers[len(hook.Headers)-1].Value == " " {
		hook.Headers = hook.Headers[:len(hook.Headers)-1]
	}
	c := campaign.Campaign{ID: "c", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.Exists()}, hook, campaign.Stop{},
	}}
	return c.Render(campaign.PageVisit{
		URL: "https://shop.example/", Time: time.Unix(1_700_000_000, 0),
		Profile: campaign.Profile{ID: "p-1", Known: true, Fields: map[string]any{"text": text}},
	})
}

func byHand(url, body string, hs ...campaign.Header) campaign.Request {
	return campaign.Request{ID: "msg_1", Method: "POST", URL: url, Body: []byte(body), Headers: hs}
}

// special returns requests with the headers that curl has a mind of its own about.
func special(base string) []testCase {
	var all []testCase
	for _, name := range []string{
		"Accept", "accept", "User-Agent", "Content-Type", "Cookie", "Range", "Referer", "Authorization", "Date",
		"If-Modified-Since", "Cache-Control", "-x", "!#$%&'*+-.^_`|~", "X-a", campaign.TestHeader,
	} {
		for _, value := range []string{"a; b", "", ";", ":", "a:", "'"} {
			h := campaign.Header{Name: name, Value: value}
			all = append(
				all,
				testCase{fmt.Sprintf("POST with %s: %q", name, value), byHand(base+"/", "x=1", h)},
				testCase{fmt.Sprintf("GET with %s: %q", name, value), campaign.Request{Method: "GET", URL: base + "/", Headers: campaign.Headers{h}}},
			)
		}
	}
	marked := byHand(base+"/", "{}")
	marked.Test = true
	return append(
		all,
		testCase{"a test", marked},
		testCase{"POST of nothing", byHand(base+"/", "")},
		testCase{"GET with a body", campaign.Request{Method: "GET", URL: base + "/", Body: []byte("@x")}},
		testCase{"no UTF-8", byHand(base+"/", "a\xffb\xc3")},
	)
}

package campaign_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

func TestHeaderFaults(t *testing.T) {
	tests := []struct {
		rule    string
		headers campaign.Headers
		want    []string
	}{
		{"none", nil, nil},
		{"a value", campaign.Headers{{Name: "X-Source", Value: "webshop"}}, nil},
		{"an empty value", campaign.Headers{{Name: "X-Source"}}, nil},
		{"every character that a name may have", campaign.Headers{{Name: "!#$%&'*+-.^_`|~09azAZ", Value: "x"}}, nil},
		{"every character that a value may have", campaign.Headers{{Name: "X", Value: "!\t ~\u00e9"}}, nil},
		{"a secret", campaign.Headers{{Name: "X-Api-Key", Secret: "ESP_API_KEY"}}, nil},
		{"a secret's name as stores have it", campaign.Headers{{Name: "X-Api-Key", Secret: "prod/esp-1.key"}}, nil},
		{"a value in front of a secret", campaign.Headers{{Name: "Authorization", Value: "Bearer ", Secret: "TOKEN"}}, nil},

		{"no name", campaign.Headers{{Value: "x"}}, []string{"0/name: is empty; give the header a name"}},
		{"two without a name are no duplicates", campaign.Headers{{Value: "x"}, {Value: "y"}}, []string{"0/name: is empty", "1/name: is empty"}},
		{"name with a space", campaign.Headers{{Name: "X Source", Value: "x"}}, []string{"0/name: has a character that no header name has"}},
		{"name with a line break", campaign.Headers{{Name: "X\r\nY", Value: "x"}}, []string{"0/name: has a character that no header name has"}},
		{"name outside ASCII", campaign.Headers{{Name: "X-Größe", Value: "x"}}, []string{"0/name: has a character that no header name has"}},
		{"name with a colon", campaign.Headers{{Name: "X-Source:", Value: "x"}}, []string{"0/name: has a colon in it; write the name alone"}},
		{"pseudo-header", campaign.Headers{{Name: ":authority", Value: "x"}}, []string{"0/name: has a colon in it"}},

		{"value with CR LF", campaign.Headers{{Name: "X", Value: "a\r\nX-Other: b"}}, []string{"0/value: has a line break at byte 1"}},
		{"value with LF", campaign.Headers{{Name: "X", Value: "a\nb"}}, []string{"0/value: has a line break"}},
		{"value with CR", campaign.Headers{{Name: "X", Value: "a\rb"}}, []string{"0/value: has a line break"}},
		{"value with NUL", campaign.Headers{{Name: "X", Value: "a\x00b"}}, []string{"0/value: has a NUL"}},
		{"value with a control character", campaign.Headers{{Name: "X", Value: "a\x01b"}}, []string{"0/value: has a control character"}},
		{"value with DEL", campaign.Headers{{Name: "X", Value: "a\x7f"}}, []string{"0/value: has a control character"}},
		{"value that begins with a space", campaign.Headers{{Name: "X", Value: " a"}}, []string{"0/value: begins or ends with white space"}},
		{"value that ends with a tab", campaign.Headers{{Name: "X", Value: "a\t"}}, []string{"0/value: begins or ends with white space"}},
		{"value not UTF-8", campaign.Headers{{Name: "X", Value: "\xff"}}, []string{"0/value: is not valid UTF-8"}},
		{"line break in front of a secret", campaign.Headers{{Name: "X", Value: "Bearer\n ", Secret: "S"}}, []string{"0/value: has a line break"}},
		{"space before what is in front of a secret", campaign.Headers{{Name: "X", Value: " Bearer ", Secret: "S"}}, []string{"0/value: begins or ends with white space"}},
		{"nothing but a space in front of a secret", campaign.Headers{{Name: "X", Value: " ", Secret: "S"}}, []string{"0/value: is white space in front of the secret"}},

		{"secret with a space", campaign.Headers{{Name: "X", Secret: "my key"}}, []string{"0/secret: is not a secret's name"}},
		{"secret pasted whole", campaign.Headers{{Name: "X", Secret: "c2VjcmV0K2tleQ=="}}, []string{"0/secret: is not a secret's name"}},
		{"secret of 129 bytes", campaign.Headers{{Name: "X", Secret: strings.Repeat("a", 129)}}, []string{"0/secret: is not a secret's name"}},

		{"duplicate", campaign.Headers{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "1"}}, []string{`1/name: "X-A" is already set by /nodes/1/headers/0; keep one`}},
		{"duplicate in another case", campaign.Headers{{Name: "X-A"}, {Name: "X-B"}, {Name: "x-a"}}, []string{`2/name: "x-a" is already set by /nodes/1/headers/0`}},
		{"three of one name", campaign.Headers{{Name: "X-A"}, {Name: "X-a"}, {Name: "x-A"}}, []string{"1/name: /nodes/1/headers/0", "2/name: /nodes/1/headers/0"}},

		{"webhook-id", campaign.Headers{{Name: "webhook-id", Value: "x"}}, []string{`0/name: "webhook-id" is kept for the delivery ID and the signature`}},
		{"Webhook-anything", campaign.Headers{{Name: "WebHook-Extra", Value: "x"}}, []string{"0/name: is kept for the delivery ID"}},
		{"Campaign-Test", campaign.Headers{{Name: "CAMPAIGN-test", Value: "true"}}, []string{"0/name: marks test requests"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			var want []string
			for _, w := range test.want {
				want = append(want, "/nodes/1/headers/"+w)
			}
			checkFaults(t, withHook(campaign.Webhook{URL: hook.URL, Headers: test.headers}).Validate(), want...)
		})
	}
}

func TestHeadersOfTheClientAreRefused(t *testing.T) {
	for _, name := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive", "Proxy-Connection",
		"Upgrade", "TE", "Expect", "HTTP2-Settings", "Proxy-Authorization", "Accept-Encoding",
	} {
		for _, written := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			headers := campaign.Headers{{Name: written, Value: "x"}}
			checkFaults(t, withHook(campaign.Webhook{URL: hook.URL, Headers: headers}).Validate(),
				"/nodes/1/headers/0/name: is set by the HTTP client; remove it")
		}
	}
	for _, written := range []string{"Content-Encoding", "content-encoding"} {
		headers := campaign.Headers{{Name: written, Value: "gzip"}}
		checkFaults(t, withHook(campaign.Webhook{URL: hook.URL, Headers: headers}).Validate(),
			"/nodes/1/headers/0/name: says that the body is encoded, and it is not; remove it")
	}
}

func TestContentType(t *testing.T) {
	get := campaign.Webhook{Method: "GET", URL: hook.URL}
	form := campaign.Webhook{URL: hook.URL, Encoding: campaign.EncodingForm}
	own := func(w campaign.Webhook, name, value string) campaign.Webhook {
		w.Headers = campaign.Headers{{Name: name, Value: value}}
		return w
	}
	tests := []struct {
		rule string
		hook campaign.Webhook
		want string // the Content-Type that is sent
		bad  string // or the fault
	}{
		{"JSON", hook, "application/json", ""},
		{"form", form, "application/x-www-form-urlencoded", ""},
		{"GET has none", get, "", ""},
		{"own type in place of JSON", own(hook, "content-type", "application/vnd.esp+json"), "application/vnd.esp+json", ""},
		{"own parameters", own(hook, "Content-Type", "application/json; charset=utf-8"), "application/json; charset=utf-8", ""},
		{"form with a charset", own(form, "Content-Type", "Application/X-WWW-Form-URLencoded;charset=utf-8"), "Application/X-WWW-Form-URLencoded;charset=utf-8", ""},
		{"no media type", own(hook, "Content-Type", "json"), "", "0/value: is not a media type"},
		{"empty", own(hook, "Content-Type", ""), "", "0/value: is not a media type"},
		{"form said of JSON", own(hook, "Content-Type", "application/x-www-form-urlencoded"), "", `0/value: says that the body is a form`},
		{"parts said of JSON", own(hook, "Content-Type", "multipart/form-data; boundary=x"), "", `0/value: says that the body is a form`},
		{"JSON said of a form", own(form, "Content-Type", "application/json"), "", "0/value: is another type than the body's"},
		{"line break is one fault", own(form, "Content-Type", "application/json\n"), "", "0/value: has a line break"},
		{"secret", campaign.Webhook{URL: hook.URL, Headers: campaign.Headers{{Name: "Content-Type", Secret: "S"}}}, "", "0/secret: makes a secret of the Content-Type"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			requests, err := withHook(test.hook).Render(shoeVisit())
			if test.bad != "" {
				checkFaults(t, err, "/nodes/1/headers/"+test.bad)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range requests[0].Headers {
				if strings.EqualFold(h.Name, "Content-Type") {
					got = append(got, h.Value)
				}
			}
			if joined := strings.Join(got, ", "); joined != test.want {
				t.Errorf("Content-Type = %q, want %q", joined, test.want)
			}
		})
	}
}

func TestHeadersGoOutAsWritten(t *testing.T) {
	headers := campaign.Headers{
		{Name: "x-lower", Value: "a"},
		{Name: "Authorization", Value: "Bearer ", Secret: "TOKEN"},
		{Name: "X-A", Value: "1"},
	}
	requests, err := withHook(campaign.Webhook{Method: "GET", URL: hook.URL, Headers: headers}).Render(shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(headers, requests[0].Headers); diff != "" {
		t.Errorf("headers of the request (-want +got):\n%s", diff)
	}
}

// A header line that was pasted into the name has the credential in it.
func TestHeaderFaultsDoNotShowValues(t *testing.T) {
	for _, h := range []campaign.Header{
		{Name: "Authorization: Bearer CANARY"},
		{Name: "CANARY CANARY"},
		{Name: "X", Value: "CANARY\r\n"},
		{Name: "X", Value: " CANARY"},
		{Name: "X", Value: "CANARY\xff"},
		{Name: "X", Secret: "CANARY CANARY"},
		{Name: "X", Value: "CANARY\x00", Secret: "CANARY="},
		{Name: "Content-Type", Value: "CANARY"},
	} {
		err := withHook(campaign.Webhook{URL: hook.URL, Headers: campaign.Headers{h, h}}).Validate()
		if err == nil {
			t.Errorf("%q is accepted", h)
			continue
		}
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("fault shows the value: %v", err)
		}
	}
}

func TestCheckHeaderValue(t *testing.T) {
	for _, good := range []string{"", "a", "Bearer a.b-c", "a\tb", "\u00e9", "\xff"} {
		if err := campaign.CheckHeaderValue(good); err != nil {
			t.Errorf("CheckHeaderValue(%q) = %v, want nil", good, err)
		}
	}
	for _, bad := range []string{"CANARY\r", "CANARY\n", "\x00CANARY", "CANARY\x1b", "CANARY\x7f", " CANARY", "CANARY ", "\tCANARY", "CANARY\t", " "} {
		err := campaign.CheckHeaderValue(bad)
		if err == nil {
			t.Errorf("CheckHeaderValue(%q) = nil, want an error", bad)
			continue
		}
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("CheckHeaderValue shows the value: %v", err)
		}
	}
}

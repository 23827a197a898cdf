package campaign_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// What Parse accepts is valid, and Marshal and Parse give it back. What it
// refuses has faults, each with a cure.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		shoesJSON,
		file(""),
		nodes(triggerJSON, hookJSON, stopJSON),
		stopWith(`"restart_timeout":"1d12h","failure_timeout":"never"`),
		whenJSON(`{"any":[{"not":{"field":"page.query.a","op":"in","value":[1,1.5,true,"x",18446744073709551615],"ignore_case":true}}]}`),
		whenJSON(`{"field":"item.price","op":"at_least","value":1e-7}`),
		hookWith(`"method":"GET","payload":[{"as":"a\\.b","static":[1.50,"x"]},{"page":"query.b","as":"c","default":0}]`),
		hookWith(`"encoding":"form","headers":[{"name":"Authorization","value":"Bearer ","secret":"S"}]`),
		hookWith(`"payload":[{"as":"a.b","static":{"k":[null,-0,1e400,""]},"sensitive":true},{"profile":"x.y","missing":"null"}]`),
		`{"version":1,"campaigns":[{"id":"a","id":"b"}]} x`,
		"{\"version\":\"\xff\"}",
		`[[[[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cs, err := campaign.Parse(data)
		if err != nil {
			invalid, ok := errors.AsType[*campaign.ValidationError](err)
			if !ok || len(invalid.Faults) == 0 {
				t.Fatalf("error %v is no *ValidationError with faults", err)
			}
			for _, fault := range invalid.Faults {
				if !strings.Contains(fault.Message, "; ") || !utf8.ValidString(fault.String()) {
					t.Errorf("fault without a cure: %s", fault)
				}
			}
			if cs != nil {
				t.Error("campaigns beside an error")
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted, and not JSON")
		}
		for _, c := range cs {
			if err := c.Validate(); err != nil {
				t.Errorf("accepted, and not valid: %v", err)
			}
		}
		text, err := json.Marshal(cs)
		if err != nil {
			t.Fatalf("accepted, and without a JSON form: %v", err)
		}
		again, err := campaign.Parse(text)
		if err != nil {
			t.Fatalf("written, and not accepted: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(cs, again) {
			t.Errorf("written and read, another value:\n%#v\n%#v", cs, again)
		}
	})
}

// What is rendered decodes to what went in, as JSON, as a form and as a query.
// encoding/json and net/url are the judges.
func FuzzRender(f *testing.F) {
	f.Add("email", "ann@example.org", `{"a":[1,2.5,null,"x"],"b":{"c":true}}`, 1.5, int64(-7), uint64(7))
	f.Add("a.b", "\u2028<&>\"\\\x00", `[1e3, -0, 1.50, 12345678901234567890123]`, 1e21, int64(math.MinInt64), uint64(math.MaxUint64))
	f.Add(`a\b&=+ %`, "\xff", `"text"`, 1e-7, int64(0), uint64(1)<<63)
	f.Add("", "", `[]`, math.Inf(1), int64(1), uint64(0))
	f.Add("ä", "a&b=c+d%41", `["a&b", "", true, 7]`, math.NaN(), int64(1), uint64(0))
	f.Fuzz(func(t *testing.T, name, text, raw string, float float64, signed int64, unsigned uint64) {
		fields := map[string]any{"text": text, "float": float, "float32": float32(float), "signed": signed, "unsigned": unsigned}
		dec := json.NewDecoder(strings.NewReader(raw))
		dec.UseNumber()
		var value any
		if dec.Decode(&value) == nil && strings.Count(raw, "[")+strings.Count(raw, "{") < 90 { // 100 levels are an error
			fields["value"] = value
		}
		// Each field stands under its own name, once more under the fuzzed one, and
		// once as a static value.
		as := strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
		for key, value := range fields {
			payload := campaign.Payload{
				campaign.FromProfile("x"),
				campaign.FromProfile("x").Named("nested." + as),
				campaign.Static("static", value),
			}
			checkRenderedJSON(t, payload, name, value)
			payload[1] = campaign.FromProfile("x").Named("n" + as)
			checkRenderedForm(t, payload, "n"+name, value)
			if t.Failed() {
				t.Fatalf("with %s = %#v", key, value)
			}
		}
	})
}

func checkRenderedJSON(t *testing.T, payload campaign.Payload, name string, value any) {
	want, marshalErr := marshalStrictly(map[string]any{"x": value, "nested": map[string]any{name: value}, "static": value})
	requests, err := withHook(campaign.Webhook{URL: hook.URL, Payload: payload}).Render(visitWith(value))
	if marshalErr != nil || name == "" {
		if err == nil {
			t.Errorf("JSON = %s, want an error: %v", requests[0].Body, marshalErr)
		}
		return
	}
	if err != nil {
		t.Errorf("JSON: %v, want %s", err, want)
		return
	}
	if !reflect.DeepEqual(decode(t, want), decode(t, requests[0].Body)) {
		t.Errorf("JSON = %s, want %s", requests[0].Body, want)
	}
}

// marshalStrictly is json.Marshal that refuses what it would replace.
func marshalStrictly(v map[string]any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err == nil && bytes.Contains(bytes.ReplaceAll(text, []byte(`\\`), nil), []byte(`\ufffd`)) {
		return nil, errors.New("not UTF-8")
	}
	return text, err
}

func decode(t *testing.T, text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Errorf("not JSON: %v: %s", err, text)
	}
	return v
}

func checkRenderedForm(t *testing.T, payload campaign.Payload, name string, value any) {
	texts, ok := formTexts(value)
	post := campaign.Webhook{URL: hook.URL, Payload: payload, Encoding: campaign.EncodingForm}
	get := campaign.Webhook{Method: "GET", URL: "https://esp.example/?%41=%42&c", Payload: payload}
	requests, err := chain(trigger, post, get, stop).Render(visitWith(value))
	if !ok || !utf8.ValidString(name) {
		if err == nil {
			t.Errorf("form = %s, want an error", requests[0].Body)
		}
		return
	}
	if err != nil {
		t.Errorf("form: %v, want %q", err, texts)
		return
	}
	want := url.Values{}
	if len(texts) > 0 {
		// The names may be the same: then each adds its values.
		for _, n := range []string{"x", name, "static"} {
			want[n] = append(want[n], texts...)
		}
	}
	got, err := url.ParseQuery(string(requests[0].Body))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("form: %v (-want +got):\n%s", err, diff)
	}
	query, ok := strings.CutPrefix(requests[1].URL, "https://esp.example/?%41=%42&c")
	if query = strings.TrimPrefix(query, "&"); !ok || query != string(requests[0].Body) {
		t.Errorf("URL = %s, want the form after its own query: %s", requests[1].URL, requests[0].Body)
	}
}

// formTexts returns the values of a form field, and false for what a form
// cannot write. It takes its digits from encoding/json.
func formTexts(value any) (texts []string, ok bool) {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	texts = []string{}
	for _, e := range list {
		switch e := e.(type) {
		case nil, []any, map[string]any:
			return nil, false
		case string:
			if !utf8.ValidString(e) {
				return nil, false
			}
			texts = append(texts, e)
		default:
			digits, err := json.Marshal(e)
			if err != nil {
				return nil, false
			}
			texts = append(texts, string(digits))
		}
	}
	return texts, true
}

// What Validate accepts of an arbitrary header, name or URL never shows what it
// refuses, and a request is made of what it accepts.
func FuzzWebhook(f *testing.F) {
	f.Add("https://esp.example/a?b=%41", "X-Source", "webshop", "", "a.b")
	f.Add("https://bücher.example:8443/", "Authorization", "Bearer ", "TOKEN", `a\.b`)
	f.Add("http://u:p@[::1]:99999/%zz#f", "Host", "a\r\nb", "=", "a..b")
	f.Add("https://esp.example/{x}", "Content-Type", "application/json", "", "")
	f.Fuzz(func(t *testing.T, rawURL, name, value, secret, as string) {
		c := withHook(campaign.Webhook{
			URL:     rawURL,
			Headers: campaign.Headers{{Name: name, Value: value, Secret: secret}},
			Payload: campaign.Payload{{As: as, Static: "x"}},
		})
		requests, err := c.Render(shoeVisit())
		if err != nil {
			invalid, ok := errors.AsType[*campaign.ValidationError](err)
			if !ok {
				t.Fatalf("error is a %T: %v", err, err)
			}
			for _, fault := range invalid.Faults {
				if !strings.Contains(fault.Message, "; ") {
					t.Errorf("fault without a cure: %s", fault)
				}
			}
			return
		}
		r := requests[0]
		u, err := url.Parse(r.URL)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
			t.Errorf("URL %q is accepted: %v", rawURL, err)
		}
		if r.URL != rawURL {
			t.Errorf("URL = %q, want it as it was written, %q", r.URL, rawURL)
		}
		if !json.Valid(r.Body) {
			t.Errorf("body is not JSON: %s", r.Body)
		}
		if h := r.Headers[len(r.Headers)-1]; h.Name != name || h.Value != value || h.Secret != secret {
			t.Errorf("header = %q, want it as it was written", h)
		}
		if secret == "" {
			if err := campaign.CheckHeaderValue(value); err != nil {
				t.Errorf("header value %q is accepted: %v", value, err)
			}
		}
		checkRoundTrip(t, campaign.Campaigns{c})
	})
}

// A visit that is accepted is written and read to an equal one.
func FuzzVisitJSON(f *testing.F) {
	for _, seed := range []string{
		`{"url":"/"}`,
		`{"id":"v","time":"2026-03-01T12:00:00.123+01:00","url":"https://shop.example/","profile":{"id":"p","known":true,"fields":{"a":[1.50,null]}}}`,
		`{"url":"/","item":{"id":"1","fields":{}},"data":{"":{"a":1e400}}}`,
		`{"url":"/","url":"/"}`,
		`{"url":1} 2`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var visit campaign.PageVisit
		if err := visit.UnmarshalJSON(data); err != nil {
			if _, ok := errors.AsType[*campaign.ValidationError](err); !ok {
				t.Errorf("error is a %T: %v", err, err)
			}
			return
		}
		text, err := json.Marshal(visit)
		if err != nil {
			t.Fatalf("read, and not written: %v", err)
		}
		var again campaign.PageVisit
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("written, and not read: %v\n%s", err, text)
		}
		if !again.Time.Equal(visit.Time) {
			t.Errorf("time = %v, want %v", again.Time, visit.Time)
		}
		again.Time = visit.Time
		if want, got := fmt.Sprintf("%#v", withoutEmpty(visit)), fmt.Sprintf("%#v", withoutEmpty(again)); want != got {
			t.Errorf("written and read = %s, want %s", got, want)
		}
	})
}

// withoutEmpty makes empty maps nil: omitempty writes neither.
func withoutEmpty(v campaign.PageVisit) campaign.PageVisit {
	for _, m := range []*map[string]any{&v.Data, &v.Item.Fields, &v.Profile.Fields} {
		if len(*m) == 0 {
			*m = nil
		}
	}
	return v
}

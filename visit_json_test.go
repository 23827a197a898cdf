package campaign_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

func TestVisitJSON(t *testing.T) {
	visit := shoeVisit()
	visit.ID = "v-1"
	visit.Title = "Läufer"
	visit.Referrer = "https://search.example/"
	visit.Time = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	visit.Item.Name = "Pegasus"
	visit.Item.Fields = map[string]any{"price": json.Number("99.90"), "tags": []any{"a", nil, true}}
	visit.Data = map[string]any{"device": map[string]any{"os": "x"}}
	text, err := json.Marshal(visit)
	if err != nil {
		t.Fatal(err)
	}
	var again campaign.PageVisit
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(visit, again); diff != "" {
		t.Errorf("Marshal and Unmarshal (-want +got):\n%s\n%s", diff, text)
	}

	text, err = json.Marshal(campaign.PageVisit{URL: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `{"url":"/"}`; got != want {
		t.Errorf("Marshal of a visit with a URL alone = %s, want %s", got, want)
	}
}

// What a host logs is decided as it was when it came.
func TestLoggedVisitIsDecidedAsTheVisit(t *testing.T) {
	type level int
	at := time.Date(2026, 3, 1, 13, 0, 0, 500, time.FixedZone("CET", 3600))
	price, tags := int64(1<<53+1), []string{"a", "b"}
	for _, value := range []any{
		nil, "", "a", true, 7, int8(-7), uint64(math.MaxUint64), int64(math.MinInt64), level(3), &price,
		0.1, float32(0.1), 1e21, 1e-9, 1e300, float64(1 << 53), float64(1<<63) * 1.5, float64(1 << 63), -float64(1 << 62), 12345678901234567890.0,
		json.Number("18446744073709551617"), json.Number("0.10"), at, &at, (*time.Time)(nil),
		[]time.Time{at},
		[]string(nil), []any(nil), map[string]any(nil), map[string]string(nil), (*int)(nil),
		[]string{},
		map[string]any{},
		tags, &tags,
		[2]float32{0.1, 2},
		[]any{1, "a", nil, []string{"a"}, at},
		[]*int64{nil, &price},
		[]float64{1 << 63},
		map[string]any{"b": at, "c": []string(nil), "d": float64(1 << 63)},
		map[string]float32{"b": 0.1},
		map[string][]int{"b": nil},
		map[string]any{"b": map[string]any{"c": map[string]*time.Time{"d": &at}}},
	} {
		visit := campaign.PageVisit{URL: "/", Profile: campaign.Profile{ID: "p", Known: true, Fields: map[string]any{"x": value}}}
		visit.Item.Fields, visit.Data = visit.Profile.Fields, visit.Profile.Fields
		text, err := json.Marshal(visit)
		if err != nil {
			t.Fatalf("Marshal of %T %v: %v", value, value, err)
		}
		var logged campaign.PageVisit
		if err := json.Unmarshal(text, &logged); err != nil {
			t.Fatalf("Unmarshal of %s: %v", text, err)
		}
		for _, name := range []string{"x", "x.b", "x.c", "x.d", "x.b.c.d"} {
			for _, field := range []campaign.Field{campaign.ProfileField(name), campaign.ItemField(name), campaign.VisitField(name)} {
				for _, when := range []campaign.Condition{
					field.Exists(), field.Equals(""), field.Equals("a"), field.Equals(true), field.Equals(7), field.Equals(3), field.Equals(at), field.StartsWith("2026-03-01T12"),
					field.Equals(0.1), field.Equals(float32(0.1)), field.Equals(float64(1 << 63)), field.Less(float64(1 << 63)), field.Equals(price), field.Greater(uint64(math.MaxUint64)),
					field.Equals(12345678901234567890.0), field.AtLeast(1e300), field.Equals(1e21), field.Equals(1e-9), field.Equals(int64(math.MinInt64)), field.Equals(uint64(math.MaxUint64)),
					field.In("b", 2, 1), field.Equals(int64(1 << 53)), field.Equals(float64(1<<63) * 1.5), field.Equals(int64(-1 << 62)),
				} {
					if got, want := match(t, when, logged), match(t, when, visit); got != want {
						t.Errorf("%+v of %T %v: %v when it came, and %v from the log\n%s", when, value, value, want, got, text)
					}
				}
			}
		}
		if !reflect.DeepEqual(visit.Profile.Fields, map[string]any{"x": value}) {
			t.Errorf("Marshal has changed the visit: %v", visit.Profile.Fields)
		}
	}
}

// Old links and clumsy clients send bytes that are not UTF-8. JSON cannot hold
// them, and the log says what the fields of the address say of them.
func TestLoggedAddressIsReadAsTheAddress(t *testing.T) {
	for _, address := range []string{
		"/caf\xe9?q=\xe9&q=\xc3\xa9#\xe9", "https://shop.example/\xff/%FF/\ufffd?\xe9=1", " app://h\xf6st/\xc3\t\xa9\n", "about:\xe9", "https://shop.example/caf\u00e9",
	} {
		visit := campaign.PageVisit{URL: address, Referrer: address}
		text, err := json.Marshal(visit)
		if err != nil {
			t.Fatalf("Marshal of a visit of %q: %v", address, err)
		}
		var logged campaign.PageVisit
		if err := json.Unmarshal(text, &logged); err != nil {
			t.Fatalf("Unmarshal of %s: %v", text, err)
		}
		fields := []campaign.Field{
			campaign.PageURL, campaign.PageHost, campaign.PagePath, campaign.PageFragment, campaign.PageQuery("q"), campaign.PageQuery("\ufffd"),
			campaign.ReferrerURL, campaign.ReferrerHost, campaign.ReferrerPath, campaign.ReferrerQuery("q"),
		}
		var want, got map[string]any
		if err := errors.Join(renderFields(t, visit, &want, fields...), renderFields(t, logged, &got, fields...)); err != nil {
			t.Fatalf("Render(visit of %q): %v", address, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields of %q, and from the log %s (-want +got):\n%s", address, text, diff)
		}
	}
}

// A type's own JSON form may hide what it holds, from a log as well.
func TestLoggedTimeWithAFormOfItsOwn(t *testing.T) {
	visit := campaign.PageVisit{URL: "/", Data: map[string]any{"x": []any{age(time.Date(1990, 3, 1, 0, 0, 0, 0, time.UTC))}}}
	text, err := json.Marshal(visit)
	if want := `{"url":"/","data":{"x":["1990"]}}`; err != nil || string(text) != want {
		t.Errorf("Marshal = %s, %v, want %s", text, err, want)
	}
}

// What JSON cannot hold is an error, as for encoding/json; and so is a number that
// is none, of which that makes 0 if it is empty.
func TestVisitWithoutJSON(t *testing.T) {
	loop := map[string]any{}
	loop["x"] = []any{loop}
	var unset json.Number
	for _, value := range []any{math.NaN(), math.Inf(1), make(chan int), loop, json.Number("x"), unset, &unset, []json.Number{"1", unset}} {
		text, err := json.Marshal(campaign.PageVisit{URL: "/", Data: map[string]any{"x": value}})
		if err == nil {
			t.Errorf("Marshal of a visit with a %T = %s, want an error", value, text)
		}
	}
}

func TestVisitJSONFaults(t *testing.T) {
	tests := []struct {
		rule string
		text string
		want []string
	}{
		{"the shortest", `{"url":"/"}`, nil},
		{"unknown key", `{"url":"/","user":"x"}`, []string{"/user: is not a key here"}},
		{"misspelt key", `{"url":"/","referer":"x"}`, []string{`/referer: is not a key here; did you mean "referrer"?`}},
		{"unknown key in the profile", `{"url":"/","profile":{"id":"x","email":"x"}}`, []string{`/profile/email: is not a key here; there are "id", "known", "complete", "fields"`}},
		{"unknown key in the item", `{"url":"/","item":{"price":1}}`, []string{"/item/price: is not a key here"}},
		{"duplicate key", `{"url":"/","url":"/b"}`, []string{"/url: stands twice"}},
		{"duplicate key in the profile", `{"url":"/","profile":{"id":"a","id":"b"}}`, []string{"/profile/id: stands twice"}},
		{"duplicate key in a map", `{"url":"/","data":{"a":{"b":1,"b":2}}}`, []string{"/data/a/b: stands twice"}},
		{"any key in a map", `{"url":"/","data":{"":1,"a.b":2}}`, nil},
		{"null in a map", `{"url":"/","data":{"a":null}}`, nil},
		{"null for the whole", `null`, []string{": is null; write an object"}},
		{"null for a map", `{"url":"/","data":null}`, []string{"/data: is null; write an object"}},
		{"null for the profile", `{"url":"/","profile":null}`, []string{"/profile: is null; write an object"}},
		{"wrong kinds, all at once", `{"id":1,"url":[],"profile":{"known":"yes","id":1},"item":[]}`, []string{
			"/id: is a number; write a string", "/url: is an array", "/profile/known: is a string; write a boolean", "/profile/id: is a number", "/item: is an array",
		}},
		{"time that is none", `{"url":"/","time":"yesterday"}`, []string{"/time: is not a time; write it by RFC 3339"}},
		{"time as a number", `{"url":"/","time":1767225600}`, []string{"/time: is a number and not a time; write it by RFC 3339"}},
		{"time without a zone", `{"url":"/","time":"2026-01-31T12:00:00"}`, []string{"/time: is not a time"}},
		{"time with a comma", `{"url":"/","time":"2026-01-31T12:00:00,5Z"}`, []string{"/time: is not a time"}},
		{"time with an hour of one digit", `{"url":"/","time":"2026-01-31T1:00:00Z"}`, []string{"/time: is not a time"}},
		{"invalid UTF-8", "{\"url\":\"/\xff\"}", []string{": is not valid UTF-8"}},
		{"half of a character", `{"url":"/","title":"cut off \ud83d"}`, nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			var visit campaign.PageVisit
			checkFaults(t, visit.UnmarshalJSON([]byte(test.text)), test.want...)
			if test.want != nil && !cmp.Equal(visit, campaign.PageVisit{}) {
				t.Errorf("Unmarshal has faults and changed its target to %v", visit)
			}
		})
	}
	var visit campaign.PageVisit
	if err := visit.UnmarshalJSON([]byte(`{"url":"/"} x`)); err == nil {
		t.Error("trailing data after a visit is accepted")
	}
}

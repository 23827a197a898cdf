package campaign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// colour has a JSON form of its own, other than its kind suggests.
type colour string

func (c colour) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", "#"+string(c)), nil }

// level has a text form of its own.
type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level %d", int(l)), nil }

// rawJSON writes itself.
type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// euro has a JSON form of its own that its pointer alone has.
type euro int

func (e *euro) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%d EUR"`, int(*e)), nil }

type priced struct {
	Price euro
	Total big.Int
}

// age shows of a time no more than the year; ageText as well, as text.
type age time.Time

func (a age) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%q", time.Time(a).Format("2006")), nil
}

type ageText time.Time

func (a *ageText) MarshalText() ([]byte, error) { return time.Time(*a).AppendFormat(nil, "2006"), nil }

// digit has a text form of its own that its pointer alone has.
type digit byte

func (d *digit) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "digit %d", *d), nil }

// A textKey has a text form that encoding/json does not ask for, as it is text.
type textKey string

func (textKey) MarshalText() ([]byte, error) { return []byte("other"), nil }

// A bothKey has a JSON form, which a key has no use for, and a text form.
type bothKey struct{ text string }

func (bothKey) MarshalJSON() ([]byte, error)   { return []byte("1"), nil }
func (k bothKey) MarshalText() ([]byte, error) { return []byte(k.text), nil }

// family has what JSON leaves out.
type family struct {
	Name    string
	Omitted string `json:"-"`
	secret  string
}

// A parent has children who know it.
type parent struct {
	Name     string
	Parent   *parent `json:"-"`
	Children []*parent
}

func parents() *parent {
	p := &parent{Name: "\ufffd"}
	for range 3 {
		p.Children = append(p.Children, &parent{Name: "x", Parent: p})
	}
	return p
}

// noText writes what is no text.
type noText struct{}

func (noText) MarshalText() ([]byte, error) { return []byte("CANARY\xff"), nil }

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("CANARY") }

type textPanics struct{}

func (*textPanics) MarshalText() ([]byte, error) { panic(errors.New("CANARY")) }

type fails struct{}

func (fails) MarshalJSON() ([]byte, error) { return nil, errors.New("CANARY") }

type ring struct{ Next *ring }

type (
	named64 float64
	namedIn int8
	day     time.Time
	self    *self
)

var badNumber = json.Number("CANARY")

// visitWith returns a visit whose profile has the field x, and no other.
func visitWith(x any) campaign.PageVisit {
	visit := shoeVisit()
	visit.Profile.Fields = map[string]any{"x": x}
	return visit
}

// renderBody renders a webhook with the payload for the visit, and returns its body.
func renderBody(t *testing.T, w campaign.Webhook, visit campaign.PageVisit) (string, error) {
	t.Helper()
	if w.URL == "" {
		w.URL = hook.URL
	}
	requests, err := withHook(w).Render(visit)
	if err != nil {
		if _, ok := errors.AsType[*campaign.RenderError](err); !ok {
			t.Fatalf("error is a %T, want a *RenderError: %v", err, err)
		}
		return "", err
	}
	return string(requests[0].Body), nil
}

// Values of every kind that a host may put into a map, in JSON and in a form. An
// empty want is an error that has the part err.
func TestRenderValues(t *testing.T) {
	const null, object, nested = "is null, which a form", "is an object, which a form", "is a list in a list"
	text, number := "x", 7
	textPointer := &text
	var loop self
	loop = &loop
	list := make([]any, 2)
	list[0], list[1] = list, list
	object2 := map[string]any{}
	object2["self"] = object2
	tangle := &ring{}
	tangle.Next = tangle

	tests := []struct {
		rule  string
		value any
		json  string
		form  string
		err   string // of both, or of the form alone
	}{
		{"text", "ä <&>\"\\ \u2028", "\"ä <&>\\\"\\\\ \u2028\"", "x=%C3%A4+%3C%26%3E%22%5C+%E2%80%A8", ""},
		{"empty text", "", `""`, "x=", ""},
		{"control characters", "\x00\t\n\r\x1f\x7f", `"\u0000\t\n\r\u001f` + "\x7f\"", "x=%00%09%0A%0D%1F%7F", ""},
		{"what a form need not escape", "aZ09*-._~", `"aZ09*-._~"`, "x=aZ09*-._%7E", ""},
		{"replacement character", "\ufffd", "\"\ufffd\"", "x=%EF%BF%BD", ""},
		{"bool", false, "false", "x=false", ""},
		{"int", -7, "-7", "x=-7", ""},
		{"int8", int8(-8), "-8", "x=-8", ""},
		{"smallest integer", int64(math.MinInt64), "-9223372036854775808", "x=-9223372036854775808", ""},
		{"largest integer", uint64(math.MaxUint64), "18446744073709551615", "x=18446744073709551615", ""},
		{"uint16", uint16(9), "9", "x=9", ""},
		{"uintptr", uintptr(9), "9", "x=9", ""},
		{"float", 1.5, "1.5", "x=1.5", ""},
		{"a million", 1e6, "1000000", "x=1000000", ""},
		{"twenty digits", 1e20, "100000000000000000000", "x=100000000000000000000", ""},
		{"from 1e21 on, as encoding/json", 1e21, "1e+21", "x=1e%2B21", ""},
		{"a millionth", 1e-6, "0.000001", "x=0.000001", ""},
		{"below, as encoding/json", 1e-7, "1e-7", "x=1e-7", ""},
		{"far below", 1e-10, "1e-10", "x=1e-10", ""},
		{"negative zero", math.Copysign(0, -1), "-0", "x=-0", ""},
		{"float32", float32(0.1), "0.1", "x=0.1", ""},
		{"small float32", float32(1e-7), "1e-7", "x=1e-7", ""},
		{"a millionth as float32", float32(1e-6), "0.000001", "x=0.000001", ""},
		{"large float32", float32(1e21), "1e+21", "x=1e%2B21", ""},
		{"named float", named64(2.5), "2.5", "x=2.5", ""},
		{"named int", namedIn(3), "3", "x=3", ""},
		{"named text", namedText("n"), `"n"`, "x=n", ""},
		{"Number with a zero at the end", json.Number("1.50"), "1.50", "x=1.50", ""},
		{"Number with an exponent", json.Number("1E+06"), "1E+06", "x=1E%2B06", ""},
		{"Number of 30 digits", json.Number("123456789012345678901234567890"), "123456789012345678901234567890", "x=123456789012345678901234567890", ""},
		{"Number that is none", badNumber, "", "", "is a json.Number that is no number"},
		{"Number that is empty", json.Number(""), "", "", "is a json.Number that is no number"},
		{"Number with a space", json.Number("1 "), "", "", "is a json.Number that is no number"},
		{"NaN", math.NaN(), "", "", "is not a finite number"},
		{"infinity", math.Inf(1), "", "", "is not a finite number"},
		{"float32 infinity", float32(math.Inf(-1)), "", "", "is not a finite number"},
		{"NaN in a struct", struct{ F float64 }{math.NaN()}, "", "", "is not a finite number"},
		{"text not UTF-8", "CANARY\xff", "", "", "is not valid UTF-8"},
		{"half a surrogate", "\xed\xa0\x80", "", "", "is not valid UTF-8"},
		{"list with text not UTF-8", []string{"CANARY\xff"}, "", "", "is not valid UTF-8"},
		{"key not UTF-8", map[string]any{"CANARY\xff": 1}, "", "", "is not valid UTF-8"},
		{"struct with text not UTF-8", withFields{Name: "CANARY\xff"}, "", "", "is not valid UTF-8"},
		{"integer keys, text not UTF-8", map[int]string{1: "\xff"}, "", "", "is not valid UTF-8"},
		{"MarshalJSON that writes no UTF-8", rawJSON("\"CANARY\xff\""), "", "", "is not valid UTF-8"},
		{"struct with a backslash before ufffd", withFields{Name: `\ufffd`}, `{"name":"\\ufffd"}`, "", object},

		{"time", time.Date(2026, 3, 1, 1, 2, 3, 0, time.UTC), `"2026-03-01T01:02:03Z"`, "x=2026-03-01T01%3A02%3A03Z", ""},
		{"time in another zone", time.Date(2026, 3, 1, 1, 2, 3, 450e6, time.FixedZone("", 2*3600)), `"2026-02-28T23:02:03.45Z"`, "x=2026-02-28T23%3A02%3A03.45Z", ""},
		{"pointer to a time", new(time.Date(2026, 3, 1, 0, 0, 0, 0, time.FixedZone("", -3600))), `"2026-03-01T01:00:00Z"`, "x=2026-03-01T01%3A00%3A00Z", ""},
		{"type made from time", day(time.Date(2026, 3, 1, 1, 2, 3, 0, time.FixedZone("", 3600))), `"2026-03-01T00:02:03Z"`, "x=2026-03-01T00%3A02%3A03Z", ""},
		{"list of times", []time.Time{time.Unix(0, 0)}, `["1970-01-01T00:00:00Z"]`, "x=1970-01-01T00%3A00%3A00Z", ""},
		{"year 10000", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "", "", "is a time outside the years 0 to 9999"},
		{"year 9999, in UTC 10000", time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*3600)), "", "", "is a time outside"},
		{"nil pointer to a time", (*time.Time)(nil), "null", "", null},
		{"type made from time, with MarshalJSON", age(time.Date(1990, 3, 1, 0, 0, 0, 0, time.UTC)), `"1990"`, "x=1990", ""},
		{"pointer to a type made from time, with MarshalJSON", new(age(time.Date(1990, 3, 1, 0, 0, 0, 0, time.UTC))), `"1990"`, "x=1990", ""},
		{"list of a type made from time, with MarshalText of a pointer", []ageText{ageText(time.Date(1990, 3, 1, 0, 0, 0, 0, time.UTC))}, `["1990"]`, "x=1990", ""},
		{"duration is a number", time.Second, "1000000000", "x=1000000000", ""},

		{"null", nil, "null", "", null},
		{"pointer", &number, "7", "x=7", ""},
		{"pointer to a pointer", &textPointer, `"x"`, "x=x", ""},
		{"nil pointer", (*string)(nil), "null", "", null},
		{"nil pointer with methods", (*big.Int)(nil), "null", "", null},
		{"pointer to itself", loop, "", "", "is nested more than 100 levels deep, or holds itself"},

		{"list of text", []string{"a b", "", "c"}, `["a b","","c"]`, "x=a+b&x=&x=c", ""},
		{"list of any", []any{"a", 1, true, 2.5}, `["a",1,true,2.5]`, "x=a&x=1&x=true&x=2.5", ""},
		{"array", [2]int{1, 2}, "[1,2]", "x=1&x=2", ""},
		{"pointer to a list", &[]int{1, 2}, "[1,2]", "x=1&x=2", ""},
		{"named list", []namedIn{1, 2}, "[1,2]", "x=1&x=2", ""},
		{"empty list", []any{}, "[]", "", ""},
		{"nil list is an empty one", []string(nil), "[]", "", ""},
		{"list with null", []any{"a", nil}, `["a",null]`, "", null},
		{"list in a list", []any{[]any{1}}, "[[1]]", "", nested},
		{"list with an object", []any{map[string]any{}}, "[{}]", "", object},
		{"list that holds itself", list, "", "", "is nested more than 100 levels deep, or holds itself"},
		{"bytes", []byte("abc\xff"), `"YWJj/w=="`, "x=YWJj%2Fw%3D%3D", ""},
		{"array of bytes", [2]byte{1, 2}, "[1,2]", "x=1&x=2", ""},

		{"map, keys in order", map[string]any{"b": 1, "a": []any{}}, `{"a":[],"b":1}`, "", object},
		{"map of text", map[string]string{"b": "1", "a": "2"}, `{"a":"2","b":"1"}`, "", object},
		{"map with named keys", map[namedText]int{"b": 1, "a": 2}, `{"a":2,"b":1}`, "", object},
		{"map with integer keys", map[int]string{10: "a", 9: "b"}, `{"10":"a","9":"b"}`, "", object},
		{"map with text methods as keys", map[level]string{1: "a"}, `{"level 1":"a"}`, "", object},
		{"map with keys of no text", map[float64]int{1: 1}, "", "", "is of a kind that JSON cannot write"},
		{"empty map", map[string]any{}, "{}", "", object},
		{"nil map is an empty one", map[string]any(nil), "{}", "", object},
		{"map that holds itself", object2, "", "", "is nested more than 100 levels deep, or holds itself"},
		{"struct", withFields{Name: "<n>"}, `{"name":"<n>"}`, "", object},
		{"struct that holds itself", tangle, "", "", "holds itself"},

		{"MarshalJSON", colour("red"), `"#red"`, "x=%23red", ""},
		{"MarshalJSON in a list", []colour{"a", "b"}, `["#a","#b"]`, "x=%23a&x=%23b", ""},
		{"MarshalJSON that writes a list", rawJSON(`[1.50, "a"]`), `[1.50,"a"]`, "x=1.50&x=a", ""},
		{"MarshalJSON of a pointer", new(euro(5)), `"5 EUR"`, "x=5+EUR", ""},
		{"MarshalJSON of a pointer, in a list", []euro{1, 2}, `["1 EUR","2 EUR"]`, "x=1+EUR&x=2+EUR", ""},
		{"MarshalJSON of a pointer, in lists", [][1]euro{{1}}, `[["1 EUR"]]`, "", nested},
		{"MarshalJSON of a pointer, in an array", &[1]euro{1}, `["1 EUR"]`, "x=1+EUR", ""},
		{"MarshalJSON of a pointer, in a struct", &priced{Price: 5, Total: *big.NewInt(42)}, `{"Price":"5 EUR","Total":42}`, "", object},
		{"MarshalJSON of a pointer, in a list of structs", []priced{{Price: 5}}, `[{"Price":"5 EUR","Total":0}]`, "", object},
		{"MarshalText of a pointer, in an array of bytes", &[2]digit{1, 2}, `["digit 1","digit 2"]`, "x=digit+1&x=digit+2", ""},
		{"no pointer to have MarshalJSON", euro(5), "5", "x=5", ""},
		{"MarshalText", level(2), `"level 2"`, "x=level+2", ""},
		{"MarshalText of a package", netip.MustParseAddr("::1"), `"::1"`, "x=%3A%3A1", ""},
		{"big integer", big.NewInt(0).Exp(big.NewInt(10), big.NewInt(20), nil), "100000000000000000000", "x=100000000000000000000", ""},
		{"raw JSON", json.RawMessage(` {"a": 1} `), `{"a":1}`, "", object},
		{"raw JSON with an escape for the replacement character", json.RawMessage(`"\ufffd"`), `"\ufffd"`, "x=%EF%BF%BD", ""},
		{"replacement character in a struct", withFields{Name: "\ufffd"}, "{\"name\":\"\ufffd\"}", "", object},
		{"replacement character in a struct, beside text not UTF-8", struct{ A, B string }{"\ufffd", "CANARY\xff"}, "", "", "is not valid UTF-8"},
		{"struct with MarshalText that writes no UTF-8", struct{ T noText }{}, "", "", "is not valid UTF-8"},
		{"replacement character in a struct, beside what JSON leaves out", &family{Name: "\ufffd", secret: "\xff", Omitted: "\xff"}, "{\"Name\":\"\ufffd\"}", "", object},
		{"struct of raw JSON with an escape for the replacement character", struct{ Raw json.RawMessage }{json.RawMessage(`"\ufffd"`)}, `{"Raw":"\ufffd"}`, "", object},
		{"text in a string, not UTF-8", struct {
			A string `json:",string"`
		}{"CANARY\xff"}, "", "", "is not valid UTF-8"},
		{"pointers that JSON leaves out", parents(), "{\"Name\":\"\ufffd\",\"Children\":[{\"Name\":\"x\",\"Children\":null},{\"Name\":\"x\",\"Children\":null},{\"Name\":\"x\",\"Children\":null}]}", "", object},
		{"map of lists with text not UTF-8", map[int][]any{1: {"a", map[string]any{"b": "\xff"}}}, "", "", "is not valid UTF-8"},
		{"replacement character beside a hundred thousand numbers", struct {
			Name   string
			Scores []int
		}{"\ufffd", make([]int, 100_001)}, "{\"Name\":\"\ufffd\",\"Scores\":[" + strings.Repeat("0,", 100_000) + "0]}", "", object},
		{"replacement character beside more texts than can be looked at", struct{ Names []string }{append(make([]string, 100_001), "\ufffd")}, "", "", "is too large to tell"},
		{"map in a struct, key not UTF-8", struct{ M map[textKey]int }{map[textKey]int{"CANARY\xff": 1}}, "", "", "is not valid UTF-8"},
		{"map with a key that is nil", map[*bothKey]string{nil: "\ufffd"}, "{\"\":\"\ufffd\"}", "", object},
		{"truths beside a replacement character", struct {
			Name  string
			Seen  []bool
			Sizes []float32
			Bytes []uint16
		}{"\ufffd", make([]bool, 50_000), make([]float32, 50_000), make([]uint16, 50_000)}, "{\"Name\":\"\ufffd\",\"Seen\":[" + strings.Repeat("false,", 49_999) + "false],\"Sizes\":[" + strings.Repeat("0,", 49_999) + "0],\"Bytes\":[" + strings.Repeat("0,", 49_999) + "0]}", "", object},
		{"map with keys that have both forms, text not UTF-8", map[bothKey]int{{"CANARY\xff"}: 1}, "", "", "is not valid UTF-8"},
		{"raw JSON that is none", json.RawMessage(`{"a": CANARY}`), "", "", "has a MarshalJSON or MarshalText method that failed"},
		{"MarshalJSON that fails", fails{}, "", "", "has a MarshalJSON or MarshalText method that failed"},
		{"MarshalJSON that panics", panics{}, "", "", "has a MarshalJSON or MarshalText method that failed"},
		{"MarshalJSON that panics, inside", []any{map[int]any{1: panics{}}}, "", "", "has a MarshalJSON or MarshalText method that failed"},
		{"MarshalText that panics", &textPanics{}, "", "", "has a MarshalJSON or MarshalText method that failed"},

		{"channel", make(chan int), "", "", "is of a kind that JSON cannot write"},
		{"nil channel", (chan int)(nil), "", "", "is of a kind that JSON cannot write"},
		{"function", func() {}, "", "", "is of a kind that JSON cannot write"},
		{"complex number", 1i, "", "", "is of a kind that JSON cannot write"},
		{"struct with a channel", struct{ C chan int }{}, "", "", "is of a kind that JSON cannot write"},
		{"error", errors.New("CANARY"), "{}", "", object},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			payload := campaign.Payload{campaign.FromProfile("x")}
			body, err := renderBody(t, campaign.Webhook{Payload: payload}, visitWith(test.value))
			if test.json == "" {
				checkRenderError(t, err, test.err)
			} else if want := `{"x":` + test.json + `}`; err != nil || body != want {
				t.Errorf("JSON = %s, %v, want %s", body, err, want)
			}
			body, err = renderBody(t, campaign.Webhook{Payload: payload, Encoding: campaign.EncodingForm}, visitWith(test.value))
			if test.err != "" {
				checkRenderError(t, err, test.err)
			} else if err != nil || body != test.form {
				t.Errorf("form = %s, %v, want %s", body, err, test.form)
			}
		})
	}
}

// checkRenderError fails unless err names the field of visitWith and its place,
// and shows nothing of the value.
func checkRenderError(t *testing.T, err error, part string) {
	t.Helper()
	e, ok := errors.AsType[*campaign.RenderError](err)
	if !ok {
		t.Fatalf("error = %v, want a *RenderError", err)
	}
	if e.Pointer != "/nodes/1/payload/0" || e.Field != "profile.x" {
		t.Errorf("error is at %q, field %q, want /nodes/1/payload/0, profile.x", e.Pointer, e.Field)
	}
	if text := err.Error(); !strings.HasPrefix(text, "campaign: /nodes/1/payload/0: profile.x ") || !strings.Contains(text, part) {
		t.Errorf("error = %q, want in it %q", text, part)
	}
	for _, shown := range []string{err.Error(), fmt.Sprintf("%v %+v %#v", err, err, err)} {
		if strings.Contains(shown, "CANARY") {
			t.Errorf("error shows the value: %s", shown)
		}
	}
}

// Missing, null and the empty text are three things.
func TestMissingPolicies(t *testing.T) {
	field := campaign.FromProfile("x")
	const absent = "absent"
	failed := campaign.ErrMissingField.Error()
	tests := []struct {
		rule  string
		field campaign.PayloadField
		value any
		json  string
		form  string // "-" where the definition is refused
	}{
		{"omit, missing", field, absent, `{}`, ""},
		{"omit, null", field, nil, `{"x":null}`, "is null"},
		{"omit, empty", field, "", `{"x":""}`, "x="},
		{"null, missing", field.OrNull(), absent, `{"x":null}`, "-"},
		{"null, null", field.OrNull(), nil, `{"x":null}`, "-"},
		{"null, empty", field.OrNull(), "", `{"x":""}`, "-"},
		{"fail, missing", field.Required(), absent, failed, failed},
		{"fail, null", field.Required(), nil, `{"x":null}`, "is null"},
		{"fail, empty", field.Required(), "", `{"x":""}`, "x="},
		{"fail, there", field.Required(), 0, `{"x":0}`, "x=0"},
		{"default, missing", field.Or("d&"), absent, `{"x":"d&"}`, "x=d%26"},
		{"default, null", field.Or("d"), nil, `{"x":null}`, "is null"},
		{"default, empty", field.Or("d"), "", `{"x":""}`, "x="},
		{"default that is empty", field.Or(""), absent, `{"x":""}`, "x="},
		{"default that is false", field.Or(false), absent, `{"x":false}`, "x=false"},
		{"default that is a list", field.Or([]int{1, 2}), absent, `{"x":[1,2]}`, "x=1&x=2"},
		{"default that is an empty list", field.Or([]int{}), absent, `{"x":[]}`, ""},
		{"default nil is no default", field.Or(nil), absent, `{}`, ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			visit := visitWith(test.value)
			if test.value == absent {
				visit.Profile.Fields = nil
			}
			check := func(w campaign.Webhook, want string) {
				body, err := renderBody(t, w, visit)
				if want == failed || strings.HasPrefix(want, "is ") {
					checkRenderError(t, err, want)
					if (want == failed) != errors.Is(err, campaign.ErrMissingField) {
						t.Errorf("errors.Is(%v, ErrMissingField) is wrong", err)
					}
					return
				}
				if err != nil || body != want {
					t.Errorf("body = %s, %v, want %s", body, err, want)
				}
			}
			check(campaign.Webhook{Payload: campaign.Payload{test.field}}, test.json)
			if test.form != "-" {
				check(campaign.Webhook{Payload: campaign.Payload{test.field}, Encoding: campaign.EncodingForm}, test.form)
			}
		})
	}
}

func TestRenderJSON(t *testing.T) {
	absent := campaign.FromProfile("absent")
	tests := []struct {
		rule    string
		payload campaign.Payload
		want    string
	}{
		{"no fields", nil, `{}`},
		{"the order written", campaign.Payload{campaign.Static("z", 1), campaign.Static("a", 2), campaign.Static("m", 3)}, `{"z":1,"a":2,"m":3}`},
		{"equal values", campaign.Payload{campaign.Static("a", 1), campaign.Static("b", 1)}, `{"a":1,"b":1}`},
		{"renamed", campaign.Payload{campaign.FromProfile("gender").Named("sex")}, `{"sex":"f"}`},
		{"name with a dot makes an object", campaign.Payload{campaign.FromProfile("gender").Named("person.gender")}, `{"person":{"gender":"f"}}`},
		{"objects stand where their first field stands", campaign.Payload{
			campaign.Static("a.b", 1), campaign.Static("c", 2), campaign.Static("a.d.e", 3), campaign.Static("a.f", 4),
		}, `{"a":{"b":1,"d":{"e":3},"f":4},"c":2}`},
		{"escaped dots and backslashes", campaign.Payload{campaign.Static(`a\.b`, 1), campaign.Static(`a.b\\`, 2)}, `{"a.b":1,"a":{"b\\":2}}`},
		{"names are escaped", campaign.Payload{campaign.Static("\"\n", 1)}, `{"\"\n":1}`},
		{"nested profile field keeps its shape", campaign.Payload{campaign.FromProfile("contact.city")}, `{"contact":{"city":"Bonn"}}`},
		{"first field left out", campaign.Payload{absent, campaign.Static("a", 1), absent.Named("b")}, `{"a":1}`},
		{"object without fields is left out", campaign.Payload{absent.Named("a.b.c"), absent.Named("a.d"), campaign.Static("e", 1)}, `{"e":1}`},
		{"all left out", campaign.Payload{absent, absent.Named("a.b")}, `{}`},
		{"object with one field left", campaign.Payload{absent.Named("a.b"), campaign.Static("a.c", 1), absent.Named("a.d")}, `{"a":{"c":1}}`},
		{"null is a field", campaign.Payload{absent.Named("a.b").OrNull()}, `{"a":{"b":null}}`},
		{"static objects and lists", campaign.Payload{campaign.Static("s", map[string]any{"b": []any{nil, json.Number("1.50")}, "a": ""})}, `{"s":{"a":"","b":[null,1.50]}}`},
		{"profileid is the profile's ID", campaign.Payload{campaign.FromProfile("profileid"), campaign.FromProfile("id")}, `{"profileid":"p-1","id":"p-1"}`},
		{"from the item", campaign.Payload{campaign.FromItem("id"), campaign.FromItem("category"), campaign.FromItem("price"), campaign.FromItem("name")}, `{"id":"42","category":"running","price":99.90}`},
		{"from the visit", campaign.Payload{campaign.FromVisit("device"), campaign.FromVisit("absent")}, `{"device":"phone"}`},
		{"from the page", campaign.Payload{
			campaign.From(campaign.PageURL).Named("url"), campaign.From(campaign.PagePath).Named("path"),
			campaign.From(campaign.PageQuery("utm_source")).Named("source"), campaign.From(campaign.PageQuery("tag")).Named("tags"),
			campaign.From(campaign.PageQuery("absent")).Named("absent"), campaign.From(campaign.ReferrerHost).Named("from"),
		}, `{"url":"https://shop.example/shoes/42?utm_source=newsletter&tag=a&tag=b+c","path":"/shoes/42","source":"newsletter","tags":["a","b c"]}`},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			visit := shoeVisit()
			visit.URL += "&tag=a&tag=b+c"
			visit.Profile.Fields["contact"] = map[string]string{"city": "Bonn"}
			visit.Item.Fields = map[string]any{"price": json.Number("99.90")}
			visit.Data = map[string]any{"device": "phone"}
			body, err := renderBody(t, campaign.Webhook{Payload: test.payload}, visit)
			if err != nil || body != test.want {
				t.Errorf("body = %s, %v\nwant %s", body, err, test.want)
			}
		})
	}
}

func TestProfileIDInPayload(t *testing.T) {
	profileid := campaign.FromProfile("profileid").Required()
	tests := []struct {
		rule    string
		profile campaign.Profile
		want    string // empty for a missing field
	}{
		{"the ID", campaign.Profile{ID: "p-1", Known: true}, `{"profileid":"p-1"}`},
		{"a field of that name goes before", campaign.Profile{ID: "p-1", Fields: map[string]any{"profileid": 42}}, `{"profileid":42}`},
		{"even if null", campaign.Profile{ID: "p-1", Fields: map[string]any{"profileid": nil}}, `{"profileid":null}`},
		{"no ID", campaign.Profile{}, ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			visit := shoeVisit()
			visit.Profile = test.profile
			body, err := renderBody(t, campaign.Webhook{Payload: campaign.Payload{profileid}}, visit)
			if body != test.want || errors.Is(err, campaign.ErrMissingField) != (test.want == "") {
				t.Errorf("body = %s, %v, want %s", body, err, test.want)
			}
		})
	}
}

func TestRenderForm(t *testing.T) {
	absent := campaign.FromProfile("absent")
	tests := []struct {
		rule    string
		payload campaign.Payload
		want    string
	}{
		{"no fields", nil, ""},
		{"the order written", campaign.Payload{campaign.Static("z", 1), campaign.Static("a", "ä b")}, "z=1&a=%C3%A4+b"},
		{"left out first", campaign.Payload{absent, campaign.Static("a", 1)}, "a=1"},
		{"left out last", campaign.Payload{campaign.Static("a", 1), absent}, "a=1"},
		{"left out between", campaign.Payload{campaign.Static("a", 1), absent, campaign.Static("b", 2)}, "a=1&b=2"},
		{"all left out", campaign.Payload{absent, absent.Named("b")}, ""},
		{"empty list first", campaign.Payload{campaign.Static("l", []any{}), campaign.Static("a", 1)}, "a=1"},
		{"empty list between", campaign.Payload{campaign.Static("a", 1), campaign.Static("l", []any{}), campaign.Static("b", 2)}, "a=1&b=2"},
		{"lists repeat", campaign.Payload{campaign.Static("l", []any{"a", 1, true}), campaign.Static("b", 2)}, "l=a&l=1&l=true&b=2"},
		{"names are escaped", campaign.Payload{campaign.Static("a&=+ %", 1)}, "a%26%3D%2B+%25=1"},
		{"a dot in a name", campaign.Payload{campaign.Static(`a\.b`, 1)}, "a.b=1"},
		{"empty text", campaign.Payload{campaign.Static("a", ""), campaign.Static("b", "")}, "a=&b="},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			body, err := renderBody(t, campaign.Webhook{Payload: test.payload, Encoding: campaign.EncodingForm}, shoeVisit())
			if err != nil || body != test.want {
				t.Errorf("body = %q, %v, want %q", body, err, test.want)
			}
		})
	}
}

func TestRenderQuery(t *testing.T) {
	gender := campaign.Payload{campaign.FromProfile("gender")}
	absent := campaign.Payload{campaign.FromProfile("absent")}
	tests := []struct {
		rule    string
		url     string
		payload campaign.Payload
		want    string
	}{
		{"no query of its own", "https://esp.example/a", gender, "https://esp.example/a?gender=f"},
		{"no path either", "https://esp.example", gender, "https://esp.example?gender=f"},
		{"after its own query", "https://esp.example/?a=1", gender, "https://esp.example/?a=1&gender=f"},
		{"its own query byte for byte", "https://esp.example/?a=%41&b", gender, "https://esp.example/?a=%41&b&gender=f"},
		{"unusual queries", "https://esp.example/?&&=&+=%zz;c[]=|?", gender, "https://esp.example/?&&=&+=%zz;c[]=|?&gender=f"},
		{"empty query", "https://esp.example/?", gender, "https://esp.example/?gender=f"},
		{"query that ends with &", "https://esp.example/?a=1&", gender, "https://esp.example/?a=1&gender=f"},
		{"nothing to add", "https://esp.example/a", absent, "https://esp.example/a"},
		{"nothing to add to a query", "https://esp.example/?a=%41&b", absent, "https://esp.example/?a=%41&b"},
		{"nothing to add to an empty query", "https://esp.example/?", nil, "https://esp.example/?"},
		{"lists repeat", "https://esp.example/", campaign.Payload{campaign.Static("l", []int{1, 2})}, "https://esp.example/?l=1&l=2"},
		{"escaped", "https://esp.example/", campaign.Payload{campaign.Static("q", "a&b=c#d ä+")}, "https://esp.example/?q=a%26b%3Dc%23d+%C3%A4%2B"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			requests, err := withHook(campaign.Webhook{Method: "GET", URL: test.url, Payload: test.payload}).Render(shoeVisit())
			if err != nil {
				t.Fatal(err)
			}
			r := requests[0]
			if r.URL != test.want {
				t.Errorf("URL = %s, want %s", r.URL, test.want)
			}
			if r.Method != "GET" || r.Body != nil || len(r.Headers) != 0 {
				t.Errorf("request has method %s, body %q, headers %v, want GET and nothing else", r.Method, r.Body, r.Headers)
			}
		})
	}
}

func TestRenderErrorOfAQuery(t *testing.T) {
	c := withHook(campaign.Webhook{Method: "GET", URL: "https://esp.example/CANARY?CANARY", Payload: campaign.Payload{campaign.FromProfile("x")}})
	for _, value := range []any{nil, map[string]any{"CANARY": "CANARY"}, "CANARY\xff", panics{}} {
		requests, err := c.Render(visitWith(value))
		checkRenderError(t, err, "profile.x ")
		if requests != nil {
			t.Errorf("requests = %v beside an error, want nil", requests)
		}
	}
}

// The place that a RenderError names is that of the campaign's node.
func TestRenderErrorNamesTheNode(t *testing.T) {
	c := chain(trigger, hook, hook, campaign.Webhook{URL: hook.URL, Payload: campaign.Payload{
		campaign.Static("a", 1), campaign.FromItem("price").Required(),
	}}, stop)
	_, err := c.Render(shoeVisit())
	want := &campaign.RenderError{Pointer: "/nodes/3/payload/1", Field: "item.price", Err: campaign.ErrMissingField}
	got, _ := errors.AsType[*campaign.RenderError](err)
	if got == nil || *got != *want {
		t.Errorf("Render: %v, want %v", err, want)
	}
	if got, want := err.Error(), "campaign: /nodes/3/payload/1: item.price is required and missing"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestRenderErrorWithoutAField(t *testing.T) {
	err := &campaign.RenderError{Pointer: "/nodes/1/payload/0", Err: campaign.ErrMissingField}
	if got, want := err.Error(), "campaign: /nodes/1/payload/0: is required and missing"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

// An object in a file is written in the order of its keys, whatever order the
// file has, so that equal campaigns send equal bytes.
func TestParsedStaticsRender(t *testing.T) {
	cs, err := campaign.Parse([]byte(hookWith(`"payload":[{"as":"x","static":{"z":1.50,"a":[1e3,-0,12345678901234567890123,null,"<\u0041>"]}}]`)))
	if err != nil {
		t.Fatal(err)
	}
	requests, err := cs[0].Render(shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"x":{"a":[1e3,-0,12345678901234567890123,null,"<A>"],"z":1.50}}`
	if diff := cmp.Diff(want, string(requests[0].Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// What the maps of a list have is sent as a list, also if only one has it.
func TestRenderListOfMaps(t *testing.T) {
	things := []any{map[string]any{"sku": "A", "n": 1}, map[string]any{"n": nil}, map[string]string{"sku": "B"}}
	payload := campaign.Payload{campaign.FromVisit("cart.sku"), campaign.FromVisit("cart.n"), campaign.FromVisit("cart.size").Or("-")}
	for _, tt := range []struct {
		encoding campaign.Encoding
		want     string
	}{
		{campaign.EncodingJSON, `{"cart":{"sku":["A","B"],"n":[1],"size":"-"}}`},
		{campaign.EncodingForm, "sku=A&sku=B&n=1&size=-"},
	} {
		hook := campaign.Webhook{URL: "https://esp.example/", Payload: payload, Encoding: tt.encoding}
		if tt.encoding == campaign.EncodingForm {
			hook.Payload = campaign.Payload{payload[0].Named("sku"), payload[1].Named("n"), payload[2].Named("size")}
		}
		requests, err := withHook(hook).Render(campaign.PageVisit{URL: "/", Data: map[string]any{"cart": things}})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(requests[0].Body); got != tt.want {
			t.Errorf("body in %v = %s, want %s", tt.encoding, got, tt.want)
		}
	}
}

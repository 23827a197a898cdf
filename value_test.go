package campaign_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// Named types of each kind, as hosts have them.
type (
	namedBool   bool
	namedString string
	namedInt    int32
	namedUint   uint64
	namedFloat  float32
	namedTime   time.Time
	namedMap    map[string]any
	namedKeys   map[namedString]int
	namedList   []namedString
	pointer     *pointer
)

func TestNumbers(t *testing.T) {
	const beyond = 1<<53 + 1 // no float64
	tests := []struct {
		field, value any
		order        int // of the field against the value: -1, 0, +1
	}{
		{int(1), 1, 0},
		{int8(-1), -1, 0},
		{int16(300), 300, 0},
		{int32(1), 1, 0},
		{int64(1), 1, 0},
		{uint(1), 1, 0},
		{uint8(255), 255, 0},
		{uint16(1), 1, 0},
		{uint32(1), 1, 0},
		{uint64(1), 1, 0},
		{uintptr(1), 1, 0},
		{float32(0.5), 0.5, 0},
		{float64(1), 1, 0},
		{1, 1.0, 0},
		{1, 1.5, -1},
		{2, 1.5, 1},
		{-2, -1.5, -1},
		{-1, -1.5, 1},
		{0, math.Copysign(0, -1), 0},
		{math.Copysign(0, -1), 0, 0},
		{json.Number("-0"), 0, 0},
		{json.Number("-0.0e5"), 0, 0},
		{time.Second, 1_000_000_000, 0},
		{namedInt(3), 3, 0},
		{namedUint(3), 3, 0},
		{namedFloat(0.5), 0.5, 0},
		{new(3), 3, 0},
		{new(new(3)), 3, 0},
		{3, namedInt(3), 0},
		{3, new(3), 0},

		// Exact beyond 2^53, and beyond int64.
		{int64(beyond), int64(beyond), 0},
		{int64(beyond), int64(beyond - 1), 1},
		{int64(beyond), float64(beyond - 1), 1},
		{int64(beyond - 1), float64(beyond - 1), 0},
		{float64(beyond - 1), int64(beyond), -1},
		{json.Number("9007199254740993"), int64(beyond), 0},
		{json.Number("9007199254740993"), int64(beyond - 1), 1},
		{json.Number("9007199254740993.0"), int64(beyond), 0},
		{json.Number("9007199254740993e0"), int64(beyond), 0},
		{json.Number("90071992547409930e-1"), int64(beyond), 0},
		{json.Number("9007199254.740993E6"), int64(beyond), 0},
		{json.Number("0.9007199254740993e+16"), int64(beyond), 0},
		{json.Number("9007199254740993.5"), int64(beyond), 1},
		{json.Number("9007199254740993.5"), int64(beyond + 1), -1},
		{int64(math.MaxInt64), int64(math.MaxInt64), 0},
		{int64(math.MaxInt64), float64(1 << 63), -1},
		{int64(math.MinInt64), float64(-1 << 63), 0},
		{int64(math.MinInt64), int64(math.MinInt64 + 1), -1},
		{uint64(math.MaxUint64), uint64(math.MaxUint64), 0},
		{uint64(math.MaxUint64), uint64(math.MaxUint64 - 1), 1},
		{uint64(math.MaxUint64), float64(1 << 64), -1},
		{uint64(1 << 63), float64(1 << 63), 0},
		{uint64(1 << 63), int64(math.MaxInt64), 1},
		{uint64(1 << 63), -1.5, 1},
		{-1, uint64(1 << 63), -1},
		{json.Number("18446744073709551615"), uint64(math.MaxUint64), 0},
		{json.Number("18446744073709551616"), uint64(math.MaxUint64), 1},
		{json.Number("18446744073709551616"), float64(1 << 64), 0},
		{json.Number("18446744073709551617"), float64(1 << 64), 1},
		{json.Number("18446744073709551615.5"), float64(1 << 64), -1},
		{json.Number("18446744073709551615.5"), uint64(math.MaxUint64), 1},
		{json.Number("-9223372036854775809"), int64(math.MinInt64), -1},
		{json.Number("-9223372036854775809"), float64(-1 << 63), -1},
		{json.Number("100000000000000000001"), 1e20, 1},
		{json.Number("100000000000000000000"), 1e20, 0},
		{json.Number("99999999999999999999"), 1e20, -1},
		{json.Number("1.8446744073709551617e19"), float64(1 << 64), 1},
		{json.Number("18014398509481985.5"), int64(1<<54 + 1), 1},
		{json.Number("18014398509481985.5"), int64(1<<54 + 2), -1},
		{json.Number("-18014398509481985.5"), int64(-1<<54 - 1), -1},
		{json.Number("-18014398509481985.5"), int64(-1<<54 - 2), 1},
		{json.Number("1152921504606846979.25"), int64(1<<60 + 1), 1},
		{json.Number("1152921504606846979.25"), int64(1 << 60), 1},
		{json.Number("9223372036854775807.5"), int64(math.MaxInt64), 1},
		{json.Number("9223372036854775807.5"), uint64(1 << 63), -1},
		{json.Number("9223372036854775807.5"), float64(1 << 63), -1},
		{json.Number("12000000000000000001.5"), uint64(12000000000000000001), 1},
		{json.Number("12000000000000000001.5"), uint64(12000000000000000002), -1},
		{json.Number("-9007199254740993.5e0"), int64(-beyond), -1},
		{json.Number("1180591620717411303425e0"), float64(1 << 70), 1},
		{json.Number("1180591620717411303423e0"), float64(1 << 70), -1},
		{json.Number("1.180591620717411303424e21"), float64(1 << 70), 0},
		{json.Number("1.180591620717411303424000e21"), float64(1 << 70), 0},
		{json.Number("1e23"), 1e23, 0},
		{json.Number("1.00000000000000000e23"), 1e23, 0},
		{json.Number("100000000000000000000001e0"), 1e23, 1},
		{json.Number("-1E+23"), -1e23, 0},
		{json.Number("1e2"), 100, 0},
		{json.Number("-9.223372036854776e+18"), -9.223372036854775808e18, 0}, // as encoding/json writes it
		{json.Number("-9223372036854776000"), -9.223372036854775808e18, -1},
		{json.Number("1.8446744073709552e+19"), 1.8446744073709551616e19, 0},
		{json.Number("9.223372036854775e18"), int64(9223372036854775000), 0},
		{json.Number("1E+2"), 100, 0},
		{json.Number("1.0"), 1, 0},
		{json.Number("100e-2"), 1, 0},
		{json.Number("0.1"), 0.1, 0},
		{json.Number("0.10"), 0.1, 0},
		{json.Number("1e-1"), 0.1, 0},
		{float32(0.1), 0.1, 1},
		{json.Number("0.30000000000000004"), 0.3, 1},
		{json.Number("1e400"), math.MaxFloat64, 1},
		{json.Number("-1e400"), -math.MaxFloat64, -1},
		{json.Number("1e-400"), 0, 0},
		{json.Number("1e999999999999999999999"), 1, 1},
		{json.Number("1e-999999999999999999999"), 1, -1},
		{json.Number("0e999999999999999999999"), 0, 0},
		{json.Number("1" + strings.Repeat("0", 4000)), 1, 1},
		{json.Number("0." + strings.Repeat("0", 4000) + "1"), 1, -1},
		{json.Number("1" + strings.Repeat("0", 4000) + "e-4000"), 1, 0},
		{math.SmallestNonzeroFloat64, 0, 1},
	}
	for _, tt := range tests {
		visit := profiled(tt.field)
		for _, check := range []struct {
			when campaign.Comparison
			want bool
		}{
			{x.Equals(tt.value), tt.order == 0},
			{x.In("a", tt.value), tt.order == 0},
			{x.Less(tt.value), tt.order < 0},
			{x.AtMost(tt.value), tt.order <= 0},
			{x.Greater(tt.value), tt.order > 0},
			{x.AtLeast(tt.value), tt.order >= 0},
			{x.Exists(), true},
			{x.StartsWith("1"), false},
			{x.Contains("1"), false},
			{x.Regex("."), false},
			{x.Glob("*"), false},
			{x.Equals(fmt.Sprint(tt.value)), false},
		} {
			if got := match(t, check.when, visit); got != check.want {
				t.Errorf("Match(%s %v) of %T %.40v = %v, want %v",
					check.when.Op, check.when.Value, tt.field, tt.field, got, check.want)
			}
		}
	}
}

// What is not a number has no order, and equals none.
func TestNotANumberMatchesNothing(t *testing.T) {
	inf := math.Inf(1)
	for _, v := range []any{json.Number("1" + strings.Repeat("0", 5000) + "e-5000"), []any{json.Number(strings.Repeat("1", 5000))}, inf, -inf, float32(inf), []any{-inf}, math.NaN(), float32(math.NaN()), new(math.NaN()), []float64{math.NaN()}, []any{math.NaN()}} {
		for _, c := range []campaign.Comparison{
			x.Equals(0), x.Equals(1.5), x.In(0, 1.5, "NaN"), x.Equals("NaN"),
			x.Less(1), x.AtMost(1), x.Greater(1), x.AtLeast(1), x.Less(1.5), x.AtLeast(1.5), x.AtLeast(uint64(1 << 63)),
		} {
			if match(t, c, profiled(v)) {
				t.Errorf("Match(%s %v) of %v = true, want false", c.Op, c.Value, v)
			}
		}
		if !match(t, x.Exists(), profiled(v)) {
			t.Errorf("Match(exists) of %v = false, want true", v)
		}
	}
}

func TestValues(t *testing.T) {
	at := time.Date(2026, 3, 1, 13, 0, 0, 500, time.FixedZone("CET", 3600))
	const atText = "2026-03-01T12:00:00.0000005Z"

	var loop pointer
	loop = &loop
	self := []any{"a", nil}
	self[1] = self
	selfMap := map[string]any{"name": "a"}
	selfMap["self"] = selfMap
	var nilInt *int
	var nilList []string
	var nilMap map[string]any
	var nilAny any
	huge := make([]any, 100_000)
	hugeLists := make([]any, 100_000)
	for i := range hugeLists {
		hugeLists[i] = map[string]any{"tags": huge}
	}
	for i := range huge {
		huge[i] = i
	}

	runConditions(t, []conditionTest{
		{"text", x.Equals("a"), profiled("a"), true},
		{"named text", x.Equals("a"), profiled(namedString("a")), true},
		{"named text in the condition", x.Equals(namedString("a")), profiled("a"), true},
		{"pointer to text", x.StartsWith("a"), profiled(new("ab")), true},
		{"pointer to a pointer", x.Equals("a"), profiled(new(new("a"))), true},
		{"pointer to an interface", x.Equals("a"), profiled(new(any("a"))), true},
		{"text is no number", x.Equals(1), profiled("1"), false},
		{"number is no text", x.Equals("1"), profiled(1), false},
		{"json.Number is no text", x.Equals("1"), profiled(json.Number("1")), false},
		{"text is no boolean", x.Equals(true), profiled("true"), false},
		{"number is no boolean", x.Equals(true), profiled(1), false},
		{"boolean is no number", x.Equals(1), profiled(true), false},
		{"boolean is no text", x.Equals("true"), profiled(true), false},
		{"boolean", x.Equals(true), profiled(true), true},
		{"false", x.Equals(false), profiled(false), true},
		{"other boolean", x.Equals(true), profiled(false), false},
		{"named boolean", x.Equals(true), profiled(namedBool(true)), true},
		{"pointer to a boolean", x.In(true), profiled(new(true)), true},
		{"boolean has no order", x.AtLeast(0), profiled(true), false},
		{"boolean has no text", x.Contains("t"), profiled(true), false},
		{"broken json.Number", x.Equals("x"), profiled(json.Number("x")), false},
		{"broken json.Number exists", x.Exists(), profiled(json.Number("x")), true},
		{"json.Number with a plus", x.Equals(1), profiled(json.Number("+1")), false},
		{"json.Number in hexadecimal", x.Equals(16), profiled(json.Number("0x10")), false},
		{"json.Number with an underscore", x.Equals(10), profiled(json.Number("1_0")), false},
		{"json.Number inf", x.Greater(1), profiled(json.Number("inf")), false},
		{"json.Number with a leading zero", x.Equals(1), profiled(json.Number("01")), false},

		{"time", x.Equals(atText), profiled(at), true},
		{"time in the condition", x.Equals(at), profiled(at.UTC()), true},
		{"time and text in the visit", x.Equals(at), profiled(atText), true},
		{"pointer to a time", x.Equals(at), profiled(&at), true},
		{"named time", x.Equals(at), profiled(namedTime(at)), true},
		{"times", x.In(at), profiled([]time.Time{{}, at}), true},
		{"day of a time", x.StartsWith("2026-03-01"), profiled(at), true},
		{"time has no order", x.Greater(0), profiled(at), false},

		{"missing", x.Exists(), seen("/"), false},
		{"null", x.Exists(), profiled(nil), false},
		{"null equals nothing", x.In("", 0, false), profiled(nil), false},
		{"typed nil pointer", x.Exists(), profiled(nilInt), false},
		{"typed nil equals", x.Equals(0), profiled(nilInt), false},
		{"pointer to a nil interface", x.Exists(), profiled(&nilAny), false},
		{"pointer to a nil pointer", x.Exists(), profiled(&nilInt), false},
		{"empty text exists", x.Exists(), profiled(""), true},
		{"empty text equals empty", x.Equals(""), profiled(""), true},
		{"empty list exists", x.Exists(), profiled([]any{}), true},
		{"empty list of text exists", x.Exists(), profiled([]string{}), true},
		{"nil list is an empty list", x.Exists(), profiled(nilList), true},
		{"empty list matches nothing", x.In("", 0), profiled([]any{}), false},
		{"empty object exists", x.Exists(), profiled(map[string]any{}), true},
		{"nil map is an empty object", x.Exists(), profiled(nilMap), true},
		{"zero exists", x.Exists(), profiled(0), true},
		{"false exists", x.Exists(), profiled(false), true},
		{"list of null exists", x.Exists(), profiled([]any{nil}), true},

		{"list", x.Equals("b"), profiled([]any{"a", "b"}), true},
		{"list of text", x.Equals("b"), profiled([]string{"a", "b"}), true},
		{"list, none", x.Equals("c"), profiled([]string{"a", "b"}), false},
		{"list of named text", x.StartsWith("b"), profiled(namedList{"a", "bc"}), true},
		{"list of numbers", x.Greater(2), profiled([]int{1, 3}), true},
		{"list of numbers, none", x.Greater(3), profiled([]int{1, 3}), false},
		{"list of floats", x.Less(1), profiled([]float32{2, 0.5}), true},
		{"list of pointers", x.Equals(3), profiled([]*int{nil, new(3)}), true},
		{"list of booleans", x.Equals(false), profiled([]bool{true, false}), true},
		{"mixed list", x.AtLeast(3), profiled([]any{"9", nil, true, json.Number("3")}), true},
		{"array", x.Equals("b"), profiled([2]string{"a", "b"}), true},
		{"pointer to a list", x.Equals("b"), profiled(&[]string{"a", "b"}), true},
		{"list in a list", x.Equals("a"), profiled([]any{[]any{"a"}}), false},
		{"list and in", x.In("z", "b"), profiled([]string{"a", "b"}), true},
		{"list and glob", x.Glob("b?"), profiled([]string{"a", "bc"}), true},
		{"list and regex", x.Regex("^b"), profiled([]any{"a", "bc"}), true},
		{"list and ignore_case", x.EndsWith("C").IgnoringCase(), profiled([]any{"a", "bc"}), true},
		{"both of a list", campaign.All{x.Equals("a"), x.Equals("b")}, profiled([]any{"a", "b"}), true},
		{"huge list", x.Equals(99_999), profiled(huge), true},
		{"huge list, none", x.Equals("x"), profiled(huge), false},
		{"list that holds itself", x.Equals("b"), profiled(self), false},
		{"list that holds itself, found", x.Equals("a"), profiled(self), true},
		{"map that holds itself", campaign.ProfileField("x.self.self.self.name").Equals("a"), profiled(selfMap), true},
		{"map is no text", x.Equals("a"), profiled(selfMap), false},
		{"pointer to itself", x.Equals("a"), profiled(loop), false},
		{"pointer to itself in a list", x.Equals("a"), profiled([]any{loop, "a"}), true},
		{"pointer to itself under a dot", campaign.ProfileField("x.a").Exists(), profiled(loop), false},

		{"bytes are no text", x.Equals("a"), profiled([]byte("a")), false},
		{"bytes are no list", x.Equals('a'), profiled([]byte("a")), false},
		{"bytes exist", x.Exists(), profiled([]byte("a")), true},
		{"struct", x.Equals("a"), profiled(struct{ A string }{"a"}), false},
		{"struct exists", x.Exists(), profiled(struct{}{}), true},
		{"list of maps, one of them", campaign.ProfileField("x.sku").Equals("B"), profiled([]any{map[string]any{"sku": "A"}, map[string]any{"sku": "B"}}), true},
		{"list of maps, none of them", campaign.ProfileField("x.sku").Equals("C"), profiled([]any{map[string]any{"sku": "A"}, map[string]any{"sku": "B"}}), false},
		{"list of maps of another type", campaign.ProfileField("x.sku").In("B", "C"), profiled([]map[named]string{{"sku": "A"}, nil, {"sku": "B"}}), true},
		{"array of pointers to maps", campaign.ProfileField("x.price").Less(5), profiled([2]*map[string]int{nil, {"price": 4}}), true},
		{"list of maps in a map", campaign.ProfileField("x.items.sku").StartsWith("B"), profiled(map[string]any{"items": []map[string]any{{"sku": "B1"}}}), true},
		{"maps in maps of a list", campaign.ProfileField("x.brand.name").Equals("a"), profiled([]any{map[string]any{"brand": map[string]any{"name": "a"}}}), true},
		{"list of maps, with others in it", campaign.ProfileField("x.sku").Exists(), profiled([]any{nil, 1, "sku", []any{map[string]any{"sku": "A"}}, map[string]any{"sku": "A"}}), true},
		{"list of maps without it", campaign.ProfileField("x.sku").Exists(), profiled([]any{map[string]any{"name": "A"}, map[string]any{"sku": nil}, map[string]any{"sku": nilInt}}), false},
		{"empty list under a dot", campaign.ProfileField("x.sku").Exists(), profiled([]any{}), false},
		{"exact key in a list of maps", campaign.ProfileField("x.a.b").Equals(1), profiled([]any{map[string]any{"a.b": 1, "a": map[string]any{"b": 2}}}), true},
		{"list in a map of a list", campaign.ProfileField("x.tags").Equals("a"), profiled([]any{map[string]any{"tags": []string{"b"}}, map[string]any{"tags": []string{"c", "a"}}}), true},
		{"empty lists in maps of a list", campaign.ProfileField("x.tags").Exists(), profiled([]any{map[string]any{"tags": []string{}}}), true},
		{"huge lists in maps of a list", campaign.ProfileField("x.tags").Equals(-1), profiled(hugeLists), false},
		{"number of an element", campaign.ProfileField("x.1").Equals("b"), profiled([]string{"a", "b"}), true},
		{"number of another element", campaign.ProfileField("x.0").Equals("b"), profiled([]string{"a", "b"}), false},
		{"number of no element", campaign.ProfileField("x.2").Exists(), profiled([]string{"a", "b"}), false},
		{"number of an element, and a list behind it", campaign.ProfileField("x.0.y.z").Equals(1), profiled([]any{map[string]any{"y": []any{map[string]any{"z": 1}}}}), true},
		{"number as a key in the maps of a list", campaign.ProfileField("x.7").Equals("a"), profiled([]any{map[string]any{"7": "a"}}), true},
		{"list of maps in a map of a list", campaign.ProfileField("x.y.z").Exists(), profiled([]any{map[string]any{"y": []any{map[string]any{"z": 1}}}}), false},
		{"list of maps, one more dot", campaign.ProfileField("x.sku.a").Exists(), profiled([]any{map[string]any{"sku": "A"}}), false},
		{"struct under a dot", campaign.ProfileField("x.A").Exists(), profiled(struct{ A string }{"a"}), false},
		{"func", x.Equals("a"), profiled(func() {}), false},
		{"func exists", x.Exists(), profiled(func() {}), true},
		{"channel", x.Less(1), profiled(make(chan int)), false},
		{"complex", x.Equals(1), profiled(complex(1, 0)), false},
		{"error", x.Contains("a"), profiled(fmt.Errorf("a")), false},
		{"big.Int", x.Equals(1), profiled(big.NewInt(1)), false},
	})
}

func TestDottedNames(t *testing.T) {
	visit := campaign.PageVisit{URL: "/", Profile: campaign.Profile{Fields: map[string]any{
		"a.b":     "exact",
		"a":       map[string]any{"b": "nested", "c": map[string]any{"d": 1}, "c.e": "inner"},
		"texts":   map[string]string{"a": "x", "a.b": "y"},
		"named":   namedMap{"a": namedMap{"b": true}},
		"keys":    namedKeys{"a": 1},
		"pointer": &map[string]any{"a": new("x")},
		"list":    []any{map[string]any{"a": "x"}},
		"text":    "x",
		"null":    nil,
		"nulls":   map[string]any{"a": nil},
		"numbers": map[int]string{1: "x"},
		"empty":   map[string]any{"": "x"},
		"nil":     map[string]any(nil),
		"":        "no name",
		"mixed":   map[string]any{"a": map[string]string{"b": "x"}},
		"lists":   map[string]any{"a": []string{"x", "y"}},
		"dot.":    "x",
	}}}
	tests := []struct {
		name  string
		value any // nil: missing
	}{
		{"a.b", "exact"},
		{"a.c.d", 1},
		{"a.c.e", "inner"},
		{"a.c", nil},
		{"a.x", nil},
		{"a.b.c", nil},
		{"texts.a", "x"},
		{"texts.a.b", "y"},
		{"texts.b", nil},
		{"named.a.b", true},
		{"keys.a", 1},
		{"pointer.a", "x"},
		{"list.a", "x"},
		{"list.0.a", "x"},
		{"list.1.a", nil},
		{"list.00.a", nil},
		{"list.-0.a", nil},
		{"lists.a.1", "y"},
		{"lists.a.2", nil},
		{"text.a", nil},
		{"null.a", nil},
		{"nulls.a", nil},
		{"nulls.a.b", nil},
		{"numbers.1", nil},
		{"empty.", "x"},
		{"nil.a", nil},
		{"mixed.a.b", "x"},
		{"lists.a", "y"},
		{"dot.", "x"},
		{strings.Repeat("a.", 10_000), nil},
	}
	for _, tt := range tests {
		field := campaign.ProfileField(tt.name)
		if tt.value == nil {
			if match(t, field.In("x", "y", "nested", 1, true), visit) {
				t.Errorf("Match(%.40s in …) = true, want false", field)
			}
			continue
		}
		if !match(t, field.Equals(tt.value), visit) {
			t.Errorf("Match(%s equals %v) = false, want true", field, tt.value)
		}
	}
	// The same for what stands in the item and in the visit.
	nested := map[string]any{"a": map[string]any{"b": 1}}
	if !match(t, campaign.ItemField("a.b").Equals(1), campaign.PageVisit{URL: "/", Item: campaign.Item{Fields: nested}}) {
		t.Error("Match(item.a.b equals 1) = false, want true")
	}
	if !match(t, campaign.VisitField("a.b").Equals(1), campaign.PageVisit{URL: "/", Data: nested}) {
		t.Error("Match(visit.a.b equals 1) = false, want true")
	}
}

// One form for values, so that code and JSON give equal conditions.
func TestComparisonValuesAreCanonical(t *testing.T) {
	at := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	tests := []struct {
		in, want any
	}{
		{1, int64(1)},
		{uint8(1), int64(1)},
		{1.0, int64(1)},
		{1.5, 1.5},
		{float32(1.5), 1.5},
		{uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{uint64(1), int64(1)},
		{1e20, 1e20},
		{math.Copysign(0, -1), int64(0)},
		{json.Number("1e2"), int64(100)},
		{json.Number("1.50"), 1.5},
		{json.Number("9007199254740993"), int64(9007199254740993)},
		{json.Number("100000000000000000000"), 1e20},
		{namedInt(1), int64(1)},
		{namedString("a"), "a"},
		{namedBool(true), true},
		{at, "2026-03-01T12:00:00Z"},
		{&at, "2026-03-01T12:00:00Z"},
		{new("a"), "a"},
		{"a", "a"},
		{true, true},
	}
	for _, tt := range tests {
		if got := x.Equals(tt.in).Value; got != tt.want {
			t.Errorf("Equals(%T %v).Value = %T %v, want %T %v", tt.in, tt.in, got, got, tt.want, tt.want)
		}
		if got := x.In(tt.in).Value.([]any)[0]; got != tt.want {
			t.Errorf("In(%T %v).Value[0] = %T %v, want %T %v", tt.in, tt.in, got, got, tt.want, tt.want)
		}
		if _, ok := tt.want.(string); ok {
			continue
		}
		if got := x.Less(tt.in).Value; got != tt.want {
			t.Errorf("Less(%T %v).Value = %T %v, want %T %v", tt.in, tt.in, got, got, tt.want, tt.want)
		}
	}
}

// A number that Go accepts is read from its JSON as the same number: also where
// a float64 has fewer digits than it is long.
func TestLargeNumbersAreReadable(t *testing.T) {
	for _, n := range []float64{1 << 60, 1 << 63, 1 << 64, -1 << 64, 1e20, -1e20, 1<<64 + 1<<12, 999999999999999900000, 1e21, 1e23, math.MaxFloat64, 5e-324} {
		plain := compare(x.Less(n).Field, campaign.OpLess, n) // not in canonical form
		want := campaign.Campaigns{withCondition(campaign.All{x.Equals(n), x.In(n, "a"), x.Less(n)})}
		data, err := json.Marshal(campaign.Campaigns{withCondition(campaign.All{x.Equals(n), x.In(n, "a"), plain})})
		if err != nil {
			t.Fatalf("Marshal(%v): %v", n, err)
		}
		got, err := campaign.Parse(data)
		if err != nil {
			t.Errorf("Parse(%s): %v", data, err)
			continue
		}
		if diff := cmp.Diff(want[0].Nodes[0], got[0].Nodes[0]); diff != "" {
			t.Errorf("Parse of the JSON of %v (-want +got):\n%s", n, diff)
		}
	}
}

// Bytes are data; numbers of a type of their own mean something, however small.
func TestListsOfSmallNumbers(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  bool
	}{
		{[]tier{1, 2}, true},
		{[2]tier{1, 2}, true},
		{[]any{tier(2)}, true},
		{[]tier{1, 3}, false},
		{[]uint16{2}, true},
		{[]int8{2}, true},
		{[]byte{2}, false},
		{[1]byte{2}, false},
	} {
		c := withCondition(campaign.ProfileField("x").Equals(2))
		if got, err := c.Match(profiled(tt.value)); got != tt.want || err != nil {
			t.Errorf("Match(%T %v) = %t, %v, want %t", tt.value, tt.value, got, err, tt.want)
		}
	}
}

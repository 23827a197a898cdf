package campaign

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Values as hosts have them: what is in the maps of a visit, and what
// definitions compare it with.

// A scalar is a value that a comparison can test.
type scalar struct {
	text  string
	num   number
	kind  scalarKind
	truth bool
}

type scalarKind uint8

const (
	scalarInvalid scalarKind = iota
	scalarText
	scalarBool
	scalarNumber
)

func (k scalarKind) String() string {
	return [...]string{"nothing", "text", "a boolean", "a number"}[k]
}

// several is String of more than one.
func (k scalarKind) several() string {
	return [...]string{"nothing", "text", "booleans", "numbers"}[k]
}

func (s scalar) equal(t scalar) bool {
	if s.kind != t.kind {
		return false // text never equals a number: nothing is converted
	}
	switch s.kind {
	case scalarText:
		return s.text == t.text
	case scalarBool:
		return s.truth == t.truth
	case scalarNumber:
		order, ok := s.num.compare(t.num)
		return ok && order == 0
	}
	return false
}

// A number is an integer of 64 bits, signed or not, or a float. Keeping the
// three apart makes comparing exact where a float64 for all would round beyond
// 2^53.
type number struct {
	bits uint64 // the int64, the uint64 or the float64
	kind numberKind

	// rest is the sign of what was left out of a number that was read from text:
	// of 2^64+1 it is positive, beside the float64 2^64, and so it is of
	// 2^60+0.25, beside the int64 2^60.
	rest int8
}

type numberKind uint8

const (
	isInt   numberKind = iota // any int64
	isUint                    // above every int64
	isFloat                   // a fraction, or beyond 64 bits, or no number at all: NaN, an infinity
)

func intNumber(i int64) number { return number{kind: isInt, bits: uint64(i)} }

func uintNumber(u uint64) number {
	if u <= math.MaxInt64 {
		return number{kind: isInt, bits: u}
	}
	return number{kind: isUint, bits: u}
}

// floatNumber brings integers to their own kind, so that most comparisons are
// of integers.
func floatNumber(f float64) number {
	if f == math.Trunc(f) {
		if f >= -1<<63 && f < 1<<63 {
			return intNumber(int64(f))
		}
		if f >= 1<<63 && f < 1<<64 {
			return number{kind: isUint, bits: uint64(f)}
		}
	}
	return number{kind: isFloat, bits: math.Float64bits(f)}
}

// compare returns -1, 0 or +1, and false if one of them is NaN or an infinity,
// which are no numbers.
func (a number) compare(b number) (int, bool) {
	if !a.isFinite() || !b.isFinite() {
		return 0, false
	}
	order := a.compareRounded(b)
	if order == 0 {
		order = int(a.rest) - int(b.rest)
	}
	return order, true
}

func (a number) isFinite() bool {
	f := math.Float64frombits(a.bits)
	return a.kind != isFloat || f-f == 0
}

func (a number) compareRounded(b number) int {
	switch {
	case a.kind == isFloat && b.kind == isFloat:
		return cmp.Compare(math.Float64frombits(a.bits), math.Float64frombits(b.bits))
	case a.kind == isFloat:
		return -b.compareFloat(math.Float64frombits(a.bits))
	case b.kind == isFloat:
		return a.compareFloat(math.Float64frombits(b.bits))
	case a.kind != b.kind: // isUint is above every isInt
		return int(a.kind) - int(b.kind)
	case a.kind == isUint:
		return cmp.Compare(a.bits, b.bits)
	default:
		return cmp.Compare(int64(a.bits), int64(b.bits))
	}
}

// compareFloat compares an integer with a float that is none: a fraction, which
// lies strictly between two integers of at most 53 bits, or something beyond
// all of 64 bits.
func (a number) compareFloat(f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63, a.kind == isUint:
		return 1
	case int64(a.bits) <= int64(math.Floor(f)):
		return -1
	}
	return 1
}

// parseNumber reads a json.Number. It returns false for what is no number. An
// integer of 64 bits is exact however it is written, and so is the order of
// everything else from 2^53 on; but what is written with an exponent and no more
// digits than a float64 has is the nearest float64, as it would be in a
// condition: 1e23 is no float64, and still has to equal itself. What is longer
// than any number that is meant counts as none (RFC 8259 section 9 allows a
// limit): each campaign would read all of it.
func parseNumber(s string) (number, bool) {
	if len(s) > maxNumber || !isJSONNumber(s) {
		return number{}, false
	}
	short := false // written with an exponent, and no more digits than a float64 has
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		plain, significant, ok := withoutExponent(s[:i], s[i+1:])
		if !ok {
			return parseFloat(s), true
		}
		s, short = plain, significant <= floatDigits
	}
	whole, fraction, _ := strings.Cut(s, ".")
	n, ok := parseInteger(whole)
	switch {
	case ok && strings.Trim(fraction, "0") == "":
		return n, true
	case ok && n.beyondFractions(): // there, float64s are further apart than integers
		n.rest = 1
		if whole[0] == '-' {
			n.rest = -1
		}
		return n, true
	}
	if n = parseFloat(s); n.rest == 0 && !short {
		n.rest = restOf(whole, fraction, n)
	}
	return n, true
}

// parseInteger reads an integer of 64 bits.
func parseInteger(s string) (number, bool) {
	if len(s) > len("18446744073709551615") {
		return number{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return intNumber(i), true
	}
	u, err := strconv.ParseUint(s, 10, 64)
	return uintNumber(u), err == nil
}

// beyondFractions reports whether no float64 of the size of an integer has a
// fraction.
func (a number) beyondFractions() bool {
	i := int64(a.bits)
	return a.kind == isUint || i >= 1<<53 || i <= -1<<53
}

// parseFloat reads a number as the nearest float64. What is beyond all of them
// is the last one, and a rest.
func parseFloat(s string) number {
	f, _ := strconv.ParseFloat(s, 64) // the error says that it is an infinity
	switch {
	case math.IsInf(f, 1):
		return number{kind: isFloat, bits: math.Float64bits(math.MaxFloat64), rest: 1}
	case math.IsInf(f, -1):
		return number{kind: isFloat, bits: math.Float64bits(-math.MaxFloat64), rest: -1}
	}
	return floatNumber(f)
}

// restOf returns the sign of what n, the float64 next to a decimal, lacks. Below
// 2^53 there is none: a decimal fraction is what its float64 is, or else 0.1
// would not equal 0.1.
func restOf(whole, fraction string, n number) int8 {
	f := n.float()
	if math.Abs(f) < 1<<53 {
		return 0
	}
	rounded := strconv.FormatFloat(math.Abs(f), 'f', 0, 64) // every digit of it
	whole, negative := strings.CutPrefix(whole, "-")
	order := len(whole) - len(rounded)
	if order == 0 {
		order = strings.Compare(whole, rounded)
	}
	if order == 0 && strings.Trim(fraction, "0") != "" {
		order = 1
	}
	if negative {
		order = -order
	}
	return int8(max(-1, min(order, 1)))
}

// withoutExponent moves the decimal point of a number, if that leaves it at most
// 20 digits before the point, all that 64 bits can hold, or if it has more
// digits than a float64 needs. significant is how many it has.
func withoutExponent(mantissa, exponent string) (plain string, significant int, ok bool) {
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", 0, true
	}
	exp, err := strconv.Atoi(exponent)
	if err != nil {
		return "", 0, false
	}
	point := len(digits) - len(fraction) + exp // where it comes to stand
	significant = len(strings.TrimRight(digits, "0"))
	if point <= 0 || point > maxFloatDigits || point > len("18446744073709551615") && significant <= floatDigits {
		return "", significant, false
	}
	digits += strings.Repeat("0", max(0, point-len(digits)))
	if negative {
		digits, point = "-"+digits, point+1
	}
	return digits[:point] + "." + digits[point:], significant, true
}

const (
	maxNumber = 4096 // bytes; no float64 that is written out in full has a third of them

	floatDigits    = 17  // that tell each float64 from the others
	maxFloatDigits = 309 // before the point of the largest one
)

// isJSONNumber reports whether s is a number by RFC 8259 section 6.
func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := leadingDigits(s)
	if digits == 0 || digits > 1 && s[0] == '0' {
		return false
	}
	s = s[digits:]
	if rest, ok := strings.CutPrefix(s, "."); ok {
		digits = leadingDigits(rest)
		if digits == 0 {
			return false
		}
		s = rest[digits:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		digits = leadingDigits(s)
		return digits > 0 && digits == len(s)
	}
	return s == ""
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// canonicalValue brings a value that definitions hold into one form, so that
// code and JSON give equal definitions: integers as int64, or uint64 beyond it,
// other numbers as float64, times as RFC 3339 text in UTC. What has no such
// form stays as it is, for Validate to refuse.
func canonicalValue(v any) any {
	switch x := v.(type) {
	case nil, bool, string:
		return v
	case time.Time:
		return formatTime(x)
	}
	switch s := scalarOf(reflect.ValueOf(v)); s.kind {
	case scalarBool:
		return s.truth
	case scalarText:
		return s.text
	case scalarNumber:
		if s.num.rest != 0 { // too many digits for 64 bits: not to be rounded silently
			r, _ := indirect(reflect.ValueOf(v))
			return json.Number(r.String())
		}
		return s.num.value()
	}
	return v
}

// float returns the number as the nearest float64.
func (a number) float() float64 {
	switch a.kind {
	case isInt:
		return float64(int64(a.bits))
	case isUint:
		return float64(a.bits)
	default:
		return math.Float64frombits(a.bits)
	}
}

// value returns the number as canonicalValue has it.
func (a number) value() any {
	switch a.kind {
	case isInt:
		return int64(a.bits)
	case isUint:
		return a.bits
	default:
		return math.Float64frombits(a.bits)
	}
}

// canonicalList is canonicalValue for the values of In.
func canonicalList(values []any) any {
	list := make([]any, 0, len(values))
	for _, v := range values {
		r := reflect.ValueOf(v)
		if !isList(r) { // bytes are none: they are refused, as text is what was meant
			list = append(list, canonicalValue(v))
			continue
		}
		for i := range r.Len() {
			list = append(list, canonicalValue(r.Index(i).Interface()))
		}
	}
	return list
}

const notCanonical = "is of type %T; make the comparison with the methods of Field, or convert the value to int64, uint64 or float64"

// compileScalar reads a value that is to be in canonical form.
func compileScalar(v any, fs *faults, p pointer) scalar {
	switch x := v.(type) {
	case string:
		if !utf8.ValidString(x) {
			fs.add(p, "is not valid UTF-8, so JSON cannot hold it; convert it to UTF-8")
			return scalar{}
		}
		return scalar{kind: scalarText, text: x}
	case bool:
		return scalar{kind: scalarBool, truth: x}
	case int64:
		return scalar{kind: scalarNumber, num: intNumber(x)}
	case uint64:
		return scalar{kind: scalarNumber, num: uintNumber(x)}
	case float64:
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			return scalar{kind: scalarNumber, num: floatNumber(x)}
		}
	case json.Number:
		n, ok := parseNumber(string(x))
		if !ok {
			break
		}
		if n.rest == 0 {
			fs.add(p, notCanonical, v)
			return scalar{}
		}
		fs.add(p, "is a number that 64 bits cannot hold exactly; write it rounded, as %s, or if it is an ID, as text here and in the visit",
			roundedNumber(string(x)))
		return scalar{}
	case nil:
		fs.add(p, `is missing or null; to test for absence write {"not": {"field": …, "op": "exists"}}`)
		return scalar{}
	case int, int8, int16, int32, uint, uint8, uint16, uint32, float32:
		fs.add(p, notCanonical, v)
		return scalar{}
	}
	if isList(reflect.ValueOf(v)) {
		fs.add(p, "is a list; write a text, a boolean or a number; to compare with each of a list use in")
		return scalar{}
	}
	fs.add(p, "is %s; write a text, a boolean or a number", describe(v))
	return scalar{}
}

// roundedNumber writes the float64 next to a number that is read from text, with
// all its digits: with fewer, it would be another one of 64 bits.
func roundedNumber(s string) string {
	f := parseFloat(s).float()
	if math.Abs(f) < 1e21 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// matchAny decides the comparison for a value of any kind that a host may have
// put into a map. A list matches when one of its elements does; lists in lists
// do not, which keeps the work in proportion to the list even if it holds itself.
func (c *comparison) matchAny(v any) bool {
	switch x := v.(type) { // without reflection: what most maps hold
	case nil:
		return false
	case string:
		return c.matchText(x)
	case bool:
		return c.matchScalar(scalar{kind: scalarBool, truth: x})
	case int:
		return c.matchScalar(scalar{kind: scalarNumber, num: intNumber(int64(x))})
	case int64:
		return c.matchScalar(scalar{kind: scalarNumber, num: intNumber(x)})
	case float64:
		return c.matchScalar(scalar{kind: scalarNumber, num: floatNumber(x)})
	case []string:
		if c.op == codeExists {
			return true
		}
		return slices.ContainsFunc(x, c.matchText)
	case []any:
		if c.op == codeExists {
			return true
		}
		return slices.ContainsFunc(x, c.matchElement)
	}
	return c.matchReflect(reflect.ValueOf(v))
}

func (c *comparison) matchElement(e any) bool {
	switch x := e.(type) {
	case string:
		return c.matchText(x)
	case []any, []string, nil:
		return false
	}
	return c.matchOne(scalarOf(reflect.ValueOf(e)))
}

func (c *comparison) matchOne(s scalar) bool {
	switch s.kind {
	case scalarInvalid:
		return false
	case scalarText:
		return c.matchText(s.text)
	default:
		return c.matchScalar(s)
	}
}

func (c *comparison) matchReflect(r reflect.Value) bool {
	r, ok := indirect(r)
	if !ok {
		return false
	}
	if c.op == codeExists {
		return true
	}
	if s := scalarOf(r); s.kind != scalarInvalid {
		return c.matchOne(s)
	}
	if !isList(r) {
		return false
	}
	for i := range r.Len() {
		e, ok := indirect(r.Index(i))
		if ok && c.matchOne(scalarOf(e)) {
			return true
		}
	}
	return false
}

// isList reports whether r is a list of values. Bytes are not: nobody means to
// compare each of them. Of a named type they are numbers that mean something.
func isList(r reflect.Value) bool {
	return (r.Kind() == reflect.Slice || r.Kind() == reflect.Array) && r.Type().Elem() != byteType
}

// maxIndirect bounds how many pointers are followed: one may point at itself.
const maxIndirect = 16

// indirect follows pointers and interfaces. It returns false for nil.
func indirect(r reflect.Value) (reflect.Value, bool) {
	for range maxIndirect {
		switch r.Kind() {
		case reflect.Pointer, reflect.Interface:
			if r.IsNil() {
				return r, false
			}
			r = r.Elem()
		case reflect.Invalid:
			return r, false
		default:
			return r, true
		}
	}
	return r, false
}

var (
	byteType       = reflect.TypeFor[byte]()
	timeType       = reflect.TypeFor[time.Time]()
	jsonNumberType = reflect.TypeFor[json.Number]()
)

// scalarOf reads a bool, a number, a text or a time of any type, through
// pointers. The kind is scalarInvalid for all else.
func scalarOf(r reflect.Value) scalar {
	r, ok := indirect(r)
	if !ok {
		return scalar{}
	}
	switch k := r.Kind(); {
	case k == reflect.Bool:
		return scalar{kind: scalarBool, truth: r.Bool()}
	case r.CanInt():
		return scalar{kind: scalarNumber, num: intNumber(r.Int())}
	case r.CanUint():
		return scalar{kind: scalarNumber, num: uintNumber(r.Uint())}
	case r.CanFloat():
		return scalar{kind: scalarNumber, num: floatNumber(r.Float())}
	case r.Type() == jsonNumberType:
		n, ok := parseNumber(r.String())
		if !ok {
			return scalar{}
		}
		return scalar{kind: scalarNumber, num: n}
	case k == reflect.String:
		return scalar{kind: scalarText, text: r.String()}
	case r.Type() == timeType && r.CanInterface():
		return scalar{kind: scalarText, text: formatTime(r.Interface().(time.Time))}
	case k == reflect.Struct && r.Type().ConvertibleTo(timeType):
		return scalar{kind: scalarText, text: formatTime(r.Convert(timeType).Interface().(time.Time))}
	}
	return scalar{}
}

// formatTime writes RFC 3339 in UTC, with as many digits of the second as it has.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

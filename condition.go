package campaign

import (
	"math"
	"strconv"
)

// A Condition is a test on a visit: a [Comparison], or [All], [Any] or [Not] of
// conditions. There are no others.
type Condition interface {
	condition()
}

// All holds when each of its conditions holds. It must not be empty.
type All []Condition

// Any holds when at least one of its conditions holds. It must not be empty.
type Any []Condition

// Not holds exactly when Of does not. A comparison with a missing field does
// not hold, so Not of it does.
type Not struct {
	Of Condition
}

// A Comparison tests one field of the visit. The methods of [Field] make them.
// A field that is missing, or null, satisfies no comparison. A field with
// several values, such as a repeated query parameter or a list, satisfies the
// comparison when one of its values does. A []byte is no list, and has no value
// to compare, as maps, structs and lists within a list have none.
type Comparison struct {
	Field Field
	Op    Op

	// Value is what the field is compared with: a string, a bool, an int64, a
	// uint64 beyond int64, or a float64 that is no integer; for OpIn an []any of
	// these; nil for OpExists. The methods of Field and Parse bring every other
	// kind of number into that form.
	Value any

	// IgnoreCase compares text by Unicode simple folding, as
	// [strings.EqualFold] does. It is for operators on text alone.
	IgnoreCase bool
}

func (All) condition()        {}
func (Any) condition()        {}
func (Not) condition()        {}
func (Comparison) condition() {}

// IgnoringCase returns c with IgnoreCase set.
func (c Comparison) IgnoringCase() Comparison {
	c.IgnoreCase = true
	return c
}

// An Op is the operator of a [Comparison], as it is written in JSON.
type Op string

// The operators. The method of [Field] with the same name says what each asks.
const (
	OpEquals     Op = "equals"
	OpIn         Op = "in"
	OpContains   Op = "contains"
	OpStartsWith Op = "starts_with"
	OpEndsWith   Op = "ends_with"
	OpGlob       Op = "glob"
	OpRegex      Op = "regex"
	OpLess       Op = "less"
	OpAtMost     Op = "at_most"
	OpGreater    Op = "greater"
	OpAtLeast    Op = "at_least"
	OpExists     Op = "exists"
)

// Equals holds when the field is value: a string, a bool, a number or a time.
// Numbers of all kinds compare by value, exactly: a float32 of 1.1 is a little more
// than 1.1, and of a number in JSON with a fraction it is the float64 that counts.
// Times compare as RFC 3339 text in UTC, without zeros at the end of the second:
// "2026-01-31T12:00:00Z". Text never equals a number. On paths and URLs one slash at
// the end of the path is forgiven.
func (f Field) Equals(value any) Comparison { return f.compare(OpEquals, canonicalValue(value)) }

// In holds when the field equals one of the values. A slice among them counts
// as its elements.
func (f Field) In(values ...any) Comparison { return f.compare(OpIn, canonicalList(values)) }

// Contains holds when the field is text that has s in it.
func (f Field) Contains(s string) Comparison { return f.compare(OpContains, s) }

// StartsWith holds when the field is text that begins with prefix.
func (f Field) StartsWith(prefix string) Comparison { return f.compare(OpStartsWith, prefix) }

// EndsWith holds when the field is text that ends with suffix.
func (f Field) EndsWith(suffix string) Comparison { return f.compare(OpEndsWith, suffix) }

// Glob holds when the whole of the field is text that fits the pattern: * is
// any text, slashes included; ? is one character; a backslash takes the next
// character as it is.
func (f Field) Glob(pattern string) Comparison { return f.compare(OpGlob, pattern) }

// Regex holds when the field is text in which the RE2 expression (see
// [regexp/syntax]) matches anywhere. Use ^ and $ for the whole.
func (f Field) Regex(expr string) Comparison { return f.compare(OpRegex, expr) }

// Less holds when the field is a number below n.
func (f Field) Less(n any) Comparison { return f.compare(OpLess, canonicalValue(n)) }

// AtMost holds when the field is a number that is n or below.
func (f Field) AtMost(n any) Comparison { return f.compare(OpAtMost, canonicalValue(n)) }

// Greater holds when the field is a number above n.
func (f Field) Greater(n any) Comparison { return f.compare(OpGreater, canonicalValue(n)) }

// AtLeast holds when the field is a number that is n or above.
func (f Field) AtLeast(n any) Comparison { return f.compare(OpAtLeast, canonicalValue(n)) }

// Exists holds when the field is there and not null. The empty text and the
// empty list are there. PagePath.Exists() is every page.
func (f Field) Exists() Comparison { return f.compare(OpExists, nil) }

func (f Field) compare(op Op, value any) Comparison {
	return Comparison{Field: f, Op: op, Value: value}
}

// operand says what an operator compares with.
type operand int

const (
	scalarOperand operand = iota
	listOperand
	textOperand
	numberOperand
	noOperand
)

// An opCode is an operator in a compiled comparison. Deciding which of twelve
// texts an Op is would take as long as the comparison itself.
type opCode uint8

const (
	codeEquals opCode = iota
	codeIn
	codeContains
	codeStartsWith
	codeEndsWith
	codeGlob
	codeRegex
	codeLess
	codeAtMost
	codeGreater
	codeAtLeast
	codeExists
)

var operators = [...]struct {
	op      Op
	operand operand
	fold    bool // whether IgnoreCase means something
	empty   bool // whether the empty text is a sensible value
}{
	codeEquals:     {OpEquals, scalarOperand, true, true},
	codeIn:         {OpIn, listOperand, true, true},
	codeContains:   {OpContains, textOperand, true, false},
	codeStartsWith: {OpStartsWith, textOperand, true, false},
	codeEndsWith:   {OpEndsWith, textOperand, true, false},
	codeGlob:       {OpGlob, textOperand, true, false},
	codeRegex:      {OpRegex, textOperand, true, true},
	codeLess:       {OpLess, numberOperand, false, false},
	codeAtMost:     {OpAtMost, numberOperand, false, false},
	codeGreater:    {OpGreater, numberOperand, false, false},
	codeAtLeast:    {OpAtLeast, numberOperand, false, false},
	codeExists:     {OpExists, noOperand, false, false},
}

func opNames() []string {
	names := make([]string, len(operators))
	for i, o := range operators {
		names[i] = string(o.op)
	}
	return names
}

func indexOperator(op Op) int {
	for i, o := range operators {
		if o.op == op {
			return i
		}
	}
	return -1
}

func (d *decoder) condition(n *jsonValue, depth int) Condition {
	if n.kind == jsonArray {
		d.fault(n.at, `is an array; write {"all": […]} for conditions that must all hold, or {"any": […]} if one is enough`)
		return unreadable{}
	}
	if !d.is(n, jsonObject) {
		return unreadable{}
	}
	for i, key := range n.keys {
		switch key {
		case "all":
			return All(d.group(n, i, depth))
		case "any":
			return Any(d.group(n, i, depth))
		case "not":
			d.alone(n, i)
			return Not{Of: d.condition(n.items[i], depth+1)}
		}
	}
	return d.comparison(n)
}

// alone adds a fault for each member of n beside the one at index i.
func (d *decoder) alone(n *jsonValue, i int) {
	for j := range n.keys {
		if j != i {
			d.faults.add(n.items[j].at, "stands beside %q; a condition is one of all, any, not, or a comparison", n.keys[i])
		}
	}
}

func (d *decoder) group(n *jsonValue, i, depth int) []Condition {
	d.alone(n, i)
	var group []Condition
	d.list(n.items[i], func(x *jsonValue) {
		group = append(group, d.condition(x, depth+1))
	})
	return group
}

func (d *decoder) comparison(n *jsonValue) Condition {
	var c Comparison
	has := map[string]bool{}
	d.object(n, func(key string, x *jsonValue) bool {
		has[key] = true
		switch key {
		case "field":
			c.Field = Field(d.str(x))
		case "op":
			c.Op = Op(d.str(x))
		case "value":
			c.Value = d.comparisonValue(x)
		case "ignore_case":
			c.IgnoreCase = d.boolean(x)
		default:
			hint := suggestKey(key)
			if hint != "" {
				d.faults.add(x.at, "is not a key here; %s", hint)
			}
			return hint != ""
		}
		return true
	}, "field", "op", "value", "ignore_case", "all", "any", "not")
	return c
}

func (d *decoder) comparisonValue(n *jsonValue) any {
	switch n.kind {
	case jsonNumber:
		return canonicalValue(d.any(n))
	case jsonArray:
		list := make([]any, len(n.items))
		for i, x := range n.items {
			list[i] = canonicalValue(d.any(x))
		}
		return list
	default:
		return d.any(n)
	}
}

func (w *jsonWriter) condition(c Condition) {
	w.raw("{")
	switch c := c.(type) {
	case Comparison:
		w.member("field", string(c.Field))
		w.member("op", string(c.Op))
		if c.Op != OpExists || c.Value != nil {
			w.name("value")
			w.comparisonValue(c.Value)
		}
		if c.IgnoreCase {
			w.member("ignore_case", true)
		}
	case All:
		w.list("all", len(c), func(i int) { w.condition(c[i]) })
	case Any:
		w.list("any", len(c), func(i int) { w.condition(c[i]) })
	case Not:
		w.name("not")
		w.condition(c.Of)
	default:
		w.fail("a condition of type %T has no JSON form", c)
	}
	w.raw("}")
}

// comparisonValue writes a value so that it is read as the same one. Of a large
// float that takes all digits: the shortest that tell it from other floats, as a
// payload has them, are those of another integer.
func (w *jsonWriter) comparisonValue(v any) {
	if list, ok := v.([]any); ok {
		w.elements(len(list), func(i int) { w.comparisonScalar(list[i]) })
		return
	}
	w.comparisonScalar(v)
}

func (w *jsonWriter) comparisonScalar(v any) {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1e21 {
		w.raw(strconv.FormatFloat(f, 'f', 0, 64))
		return
	}
	w.value(v)
}

package campaign

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
// Numbers of all kinds compare by value, exactly; times as RFC 3339 text; text
// never equals a number. On paths and URLs one slash at the end of the path is
// forgiven.
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

// otherNames are what other languages call the operators, as foldWord has them.
var otherNames = map[string]Op{
	"=": OpEquals, "==": OpEquals, "===": OpEquals, "eq": OpEquals, "is": OpEquals,
	"oneof": OpIn, "anyof": OpIn, "isin": OpIn,
	"include": OpContains, "includes": OpContains, "has": OpContains,
	"beginswith": OpStartsWith, "hasprefix": OpStartsWith, "prefix": OpStartsWith,
	"hassuffix": OpEndsWith, "suffix": OpEndsWith,
	"like": OpGlob, "wildcard": OpGlob, "match": OpRegex, "matches": OpRegex,
	"<": OpLess, "lt": OpLess, ">": OpGreater, "gt": OpGreater,
	"<=": OpAtMost, "lte": OpAtMost, "lessorequal": OpAtMost, "lessthanorequal": OpAtMost,
	">=": OpAtLeast, "gte": OpAtLeast, "greaterorequal": OpAtLeast, "greaterthanorequal": OpAtLeast,
	"present": OpExists, "ispresent": OpExists, "isset": OpExists, "defined": OpExists, "isdefined": OpExists,
}

// otherNegations are what other languages call the negation of an operator.
var otherNegations = map[string]Op{
	"ne": OpEquals, "neq": OpEquals, "<>": OpEquals,
	"nin": OpIn, "noneof": OpIn, "anythingbut": OpIn,
	"missing": OpExists, "ismissing": OpExists, "absent": OpExists, "null": OpExists, "isnull": OpExists,
}

// otherGroups says what to write for what other languages call all, any and not,
// which it has as foldWord has them, without a $.
var otherGroups = map[string]string{
	"and":    `did you mean "all"?`,
	"&&":     `did you mean "all"?`,
	"or":     `did you mean "any"?`,
	"||":     `did you mean "any"?`,
	"!":      `did you mean "not"?`,
	"nor":    `write {"not": {"any": […]}}`,
	"none":   `write {"not": {"any": […]}}`,
	"noneof": `write {"not": {"any": […]}}`,
}

// suggestOp names the operator that was meant. One that says not has none of its
// own: not goes around the comparison.
func suggestOp(word string) string {
	name, negated := strings.TrimPrefix(foldWord(word), "$"), false
	for _, not := range []string{"isnot", "doesnot", "not", "!"} {
		if rest, ok := strings.CutPrefix(name, not); ok {
			name, negated = rest, true
			break
		}
	}
	op := otherNames[name]
	switch {
	case op != "":
	case otherNegations[name] != "":
		op, negated = otherNegations[name], !negated
	case negated && name == "": // is_not
		op = OpEquals
	default:
		op = Op(nearest(name, opNames()))
	}
	switch {
	case op == "":
		return suggest(word, opNames())
	case negated && op == OpExists:
		return `write {"not": {"field": …, "op": "exists"}}`
	case negated:
		return fmt.Sprintf(`write {"not": {"field": …, "op": %q, …}}`, op)
	}
	return fmt.Sprintf("did you mean %q?", op)
}

// compileCondition checks c and compiles it. What it returns is of use only if
// no fault was added.
func compileCondition(c Condition, fs *faults, p pointer, depth int) test {
	if depth > maxDepth {
		fs.add(p, "is nested more than %d levels deep; flatten it", maxDepth)
		return test{}
	}
	switch c := c.(type) {
	case Comparison:
		return test{kind: testCompare, cmp: compileComparison(c, fs, p)}
	case All:
		return compileGroup(testAll, c, fs, p.key("all"), depth)
	case Any:
		return compileGroup(testAny, c, fs, p.key("any"), depth)
	case Not:
		of := p.key("not")
		if c.Of == nil {
			fs.add(of, "is missing; say what must not hold")
			return test{}
		}
		return test{kind: testNot, subs: []test{compileWithin(c.Of, fs, of, depth+1)}}
	case unreadable:
	case nil:
		fs.add(p, `is missing; write a condition; for every page, PagePath.Exists(), in JSON {"field": "page.path", "op": "exists"}`)
	default:
		fs.add(p, "is a %T; use a Comparison, All, Any or Not as a plain value", c)
	}
	return test{}
}

func compileGroup(kind testKind, group []Condition, fs *faults, p pointer, depth int) test {
	t := test{kind: kind, subs: make([]test, len(group))}
	if len(group) == 0 {
		fs.add(p, "is empty; put a condition into it or remove it")
	}
	for i, c := range group {
		t.subs[i] = compileWithin(c, fs, p.index(i), depth+1)
	}
	return t
}

func compileComparison(c Comparison, fs *faults, p pointer) comparison {
	out := comparison{def: c, fold: c.IgnoreCase}
	before := len(*fs)
	out.field = parseField(c.Field, fs, p.key("field"))
	fieldKnown := len(*fs) == before
	i := indexOperator(c.Op)
	if i < 0 {
		fs.add(p.key("op"), "%s; %s", notOne(string(c.Op), "an operator"), suggestOp(string(c.Op)))
		return out
	}
	o := operators[i]
	out.op = opCode(i)
	if c.IgnoreCase && !o.fold {
		fs.add(p.key("ignore_case"), "means nothing for %s; remove it", c.Op)
	}
	value := p.key("value")
	switch o.operand {
	case noOperand:
		switch c.Value {
		case nil:
		case false:
			fs.add(value, `means nothing for exists; to test for absence write {"not": {"field": …, "op": "exists"}}`)
		default:
			fs.add(value, "means nothing for exists; remove it")
		}
	case numberOperand:
		out.value = compileScalar(c.Value, fs, value)
		if out.value.kind != scalarNumber && out.value.kind != scalarInvalid {
			fs.add(value, "is %s; %s compares with a number", out.value.kind, c.Op)
		}
		if fieldKnown && out.field.isText() {
			fs.add(p.key("op"), "%s is always text and cannot be ordered; compare it with equals, in or starts_with", c.Field)
		}
	case textOperand:
		out.compileText(o.empty, fs, value)
	case scalarOperand:
		out.slash = out.field.forgivesSlash()
		out.value = out.compileEqual(c.Value, fs, value)
	case listOperand:
		out.slash = out.field.forgivesSlash()
		out.compileList(fs, value)
	}
	return out
}

// notOne says that a word is none of those that can stand at its place.
func notOne(word, of string) string {
	if word == "" {
		return "is missing"
	}
	return strconv.Quote(word) + " is not " + of
}

func indexOperator(op Op) int {
	for i, o := range operators {
		if o.op == op {
			return i
		}
	}
	return -1
}

func (c *comparison) compileText(emptyAllowed bool, fs *faults, p pointer) {
	s, ok := c.def.Value.(string)
	switch {
	case !ok:
		fs.add(p, "is %s; %s compares with text", describe(c.def.Value), c.def.Op)
		return
	case s == "" && c.op == codeGlob:
		fs.add(p, `is empty, which only the empty text satisfies; write equals for that, or "*" for any text`)
		return
	case s == "" && !emptyAllowed:
		fs.add(p, "is empty, which every text satisfies; write exists, or the text to look for")
		return
	}
	if !utf8.ValidString(s) {
		fs.add(p, "is not valid UTF-8, so JSON cannot hold it; convert it to UTF-8")
		return
	}
	c.value = scalar{kind: scalarText, text: s}
	c.checkHost(s, fs, p)
	switch c.op {
	case codeGlob:
		if err := checkGlob(s); err != nil {
			fs.add(p, "%v", err)
		}
	case codeRegex:
		// Without case it is compiled twice: an error has to show what was
		// written, and what folds is larger: it may be too large where the
		// expression itself is not.
		re, err := regexp.Compile(s)
		if c.fold && err == nil {
			re, err = regexp.Compile(c.expr())
		}
		if err != nil {
			fs.add(p, "is not an RE2 expression: %s; %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "), regexCure(err))
			return
		}
		c.re = re
		c.checkHostRegex(fs, p)
	}
}

// regexCure says what to do about an expression that does not compile. What other
// engines have and RE2 has not, it only calls invalid.
func regexCure(err error) string {
	invalid, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return "correct it"
	}
	switch begins := func(prefix string) bool { return strings.HasPrefix(invalid.Expr, prefix) }; {
	case begins("(?="), begins("(?!"), begins("(?<="), begins("(?<!"):
		return "RE2 has no look-ahead and no look-behind: write two conditions, and combine them with all and not"
	case invalid.Code == syntax.ErrInvalidEscape && len(invalid.Expr) > 1 && strings.IndexByte("123456789k", invalid.Expr[1]) >= 0:
		return "RE2 has no backreferences: write out what may repeat"
	case invalid.Code == syntax.ErrInvalidRepeatSize:
		return "RE2 repeats up to 1000 times, with a repetition in a repetition multiplied: write smaller counts"
	}
	return "correct it there"
}

// checkHostRegex is checkHost for a regular expression. In a class, letters that
// no host has do no harm: [^a-zäöü] means what it says.
func (c *comparison) checkHostRegex(fs *faults, p pointer) {
	if !c.field.isHost() && !c.field.isURL() {
		return
	}
	re, err := syntax.Parse(c.expr(), syntax.Perl)
	if err != nil {
		return
	}
	if c.field.isURL() {
		var scan hostScan
		if scan.regex(re); scan.found {
			fs.add(p, hostInUnicode)
		}
		return
	}
	if hasUnicodeLiteral(re) {
		fs.add(p, hostInUnicode)
	}
}

// A hostScan goes through an expression for addresses and looks for hosts in
// Unicode: literals outside ASCII that stand between :// and the next slash.
type hostScan struct {
	inHost bool // no text that fits has had a slash since ://
	found  bool
}

func (h *hostScan) regex(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		h.literal(string(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		h.inHost = false
	case syntax.OpCharClass:
		h.inHost = h.inHost && !hasSlash(re)
	case syntax.OpAlternate:
		h.branches(re.Sub)
	case syntax.OpQuest, syntax.OpStar, syntax.OpRepeat:
		h.branches([]*syntax.Regexp{re.Sub[0], {Op: syntax.OpEmptyMatch}})
	default:
		for _, sub := range re.Sub {
			h.regex(sub)
		}
	}
}

// branches goes through all of the ways on. A host goes on after them if it does
// after each.
func (h *hostScan) branches(ways []*syntax.Regexp) {
	inHost := true
	for _, way := range ways {
		one := *h
		one.regex(way)
		h.found = h.found || one.found
		inHost = inHost && one.inHost
	}
	h.inHost = inHost
}

func (h *hostScan) literal(s string) {
	for s != "" {
		if !h.inHost {
			_, after, ok := strings.Cut(s, "://")
			if !ok {
				return
			}
			h.inHost, s = true, after
		}
		host, rest := cutAny(s, "/?#")
		h.found = h.found || !isASCII(host)
		h.inHost, s = rest == "", rest
	}
}

// hasSlash reports whether a class has the character that ends a host.
func hasSlash(class *syntax.Regexp) bool {
	for i := 0; i+1 < len(class.Rune); i += 2 {
		if class.Rune[i] <= '/' && '/' <= class.Rune[i+1] {
			return true
		}
	}
	return false
}

func hasUnicodeLiteral(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral {
		return !isASCII(string(re.Rune))
	}
	return slices.ContainsFunc(re.Sub, hasUnicodeLiteral)
}

const hostInUnicode = "has letters outside ASCII, and browsers report hosts in ASCII; write the xn-- form of the host"

// expr is the regular expression that is matched. The flag stands before all and
// not around it, since \Q goes on to the end, over a closing bracket too.
func (c *comparison) expr() string {
	if c.fold {
		return "(?i)" + c.value.text
	}
	return c.value.text
}

// compileEqual compiles a value of equals or in.
func (c *comparison) compileEqual(v any, fs *faults, p pointer) scalar {
	s := compileScalar(v, fs, p)
	if s.kind == scalarInvalid {
		return s
	}
	if c.field.isText() && s.kind != scalarText {
		fs.add(p, `is %s, and %s is always text; write %q`, s.kind, c.def.Field, fmt.Sprint(v))
	}
	if s.kind == scalarText {
		c.checkHost(s.text, fs, p)
	}
	if c.fold && s.kind != scalarText {
		fs.add(p, "is %s; ignore_case is for text", s.kind)
	}
	return s
}

// manyTexts is from how many texts on a set beats a loop.
const manyTexts = 8

func (c *comparison) compileList(fs *faults, p pointer) {
	values, ok := c.def.Value.([]any)
	switch {
	case !ok && isList(reflect.ValueOf(c.def.Value)):
		fs.add(p, "is a %T; make the comparison with the methods of Field, or convert the value to []any", c.def.Value)
		return
	case !ok:
		fs.add(p, "is %s; in compares with a list", describe(c.def.Value))
		return
	case len(values) == 0:
		fs.add(p, "is empty, which nothing satisfies; list the values, or remove the condition")
		return
	}
	allText := true
	for i, v := range values {
		s := c.compileEqual(v, fs, p.index(i))
		c.list = append(c.list, s)
		allText = allText && s.kind == scalarText
	}
	if allText && !c.fold && !c.field.isURL() && len(values) >= manyTexts {
		c.set = make(map[string]struct{}, len(values))
		for _, s := range c.list {
			c.set[c.field.plain(s.text)] = struct{}{}
		}
	}
}

// checkHost refuses a host that browsers never report: they report all hosts in
// their ASCII form.
func (c *comparison) checkHost(s string, fs *faults, p pointer) {
	if c.op == codeRegex || isASCII(s) {
		return
	}
	host, rest := s, ""
	if c.field.isURL() {
		_, host, _ = strings.Cut(s, "://")
		host, rest = cutAny(host, "/?#*")
	}
	switch {
	case !c.field.isHost() && !c.field.isURL():
	case !isASCII(host):
		fs.add(p, "%s", c.hostHint(s, host, rest))
	case c.op == codeGlob && endsHostInUnicode(s):
		fs.add(p, hostInUnicode)
	}
}

// endsHostInUnicode reports whether a glob for addresses has a wildcard in its
// host and letters outside ASCII behind it: https://*.bücher.example/*. As a
// star goes over slashes, what follows it may be of the path. It is of the host
// if it looks as a name does, up to a slash, and nothing before it does.
func endsHostInUnicode(glob string) bool {
	_, authority, _ := strings.Cut(glob, "://")
	authority, path := cutAny(authority, "/#")
	before, after := cutAny(authority, "*?")
	if isASCII(after) || !strings.HasPrefix(path, "/") {
		return false
	}
	return strings.Contains(after, ".") && !strings.Contains(strings.TrimSuffix(before, "."), ".")
}

// hostHint says what to write in the place of s, which names a host in Unicode,
// if what it becomes does not depend on what may stand beside it. rest follows
// the host in s.
func (c *comparison) hostHint(s, host, rest string) string {
	var l location
	ascii, ok := hostToASCII(host)
	name, _, _ := strings.Cut(ascii, ":")
	whole := c.op == codeEquals || c.op == codeIn
	switch {
	case c.op == codeGlob, c.op == codeEndsWith:
		return hostInUnicode
	case !whole && rest == "" && !isASCII(host[strings.LastIndexByte(host, '.')+1:]):
		return hostInUnicode // the last label may go on
	case c.field.isURL() && l.parse(s) == "":
		url := l.url()
		if !whole && rest == "" {
			url = strings.TrimSuffix(url, "/")
		}
		return fmt.Sprintf("has a host in Unicode, and browsers report hosts in ASCII; write %q", url)
	case whole && ok && isDomain(name):
		return fmt.Sprintf("is a host in Unicode, and browsers report hosts in ASCII; write %q", ascii)
	}
	return hostInUnicode
}

// define makes c, a copy of what t was compiled from, what Explain shows of it.
func (t *test) define(c Condition) {
	switch c := c.(type) {
	case Comparison:
		t.cmp.def = c
	case All:
		for i := range c {
			t.subs[i].define(c[i])
		}
	case Any:
		for i := range c {
			t.subs[i].define(c[i])
		}
	case Not:
		t.subs[0].define(c.Of)
	}
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
			hint := otherGroups[strings.TrimPrefix(foldWord(key), "$")]
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

// describe names the kind of a value for a fault, without showing it.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing or null"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case int64, uint64:
		return "a number"
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "not a finite number"
		}
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a " + strconv.Quote(fmt.Sprintf("%T", v))
	}
}

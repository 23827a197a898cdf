package campaign

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Conditions as they are checked and compiled, once.

// compileCondition checks c and compiles it. What it returns is of use only if
// no fault was added.
func compileCondition(c Condition, fs *faults, p pointer, depth int) conditionProgram {
	if depth > maxDepth {
		fs.add(p, "is nested more than %d levels deep; flatten it", maxDepth)
		return conditionProgram{}
	}
	switch c := c.(type) {
	case Comparison:
		return conditionProgram{kind: conditionCompare, cmp: compileComparison(c, fs, p)}
	case All:
		return compileGroup(conditionAll, c, fs, p.key("all"), depth)
	case Any:
		return compileGroup(conditionAny, c, fs, p.key("any"), depth)
	case Not:
		of := p.key("not")
		if c.Of == nil {
			fs.add(of, "is missing; say what must not hold")
			return conditionProgram{}
		}
		return conditionProgram{kind: conditionNot, subs: []conditionProgram{compileWithin(c.Of, fs, of, depth+1)}}
	case unreadable:
	case nil:
		fs.add(p, `is missing; write a condition; for every page, PagePath.Exists(), in JSON {"field": "page.path", "op": "exists"}`)
	default:
		fs.add(p, "is a %T; use a Comparison, All, Any or Not as a plain value", c)
	}
	return conditionProgram{}
}

func compileGroup(kind conditionKind, group []Condition, fs *faults, p pointer, depth int) conditionProgram {
	t := conditionProgram{kind: kind, subs: make([]conditionProgram, len(group))}
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
		out.compileNumber(fs, value)
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

// compileNumber compiles the value of an order.
func (c *comparison) compileNumber(fs *faults, p pointer) {
	cure := ""
	switch v := c.def.Value.(type) {
	case nil, bool, []any, map[string]any:
	case string:
		if isDate(v) {
			fs.add(p, "is a time, and %s", noTimes)
			return
		}
		if isJSONNumber(v) && len(v) <= maxWord {
			cure = "; write " + v + " without quotes"
		}
	default:
		c.value = compileScalar(v, fs, p)
		return
	}
	fs.add(p, "is %s; %s compares with a number%s", describe(c.def.Value), c.def.Op, cure)
}

// isDate reports whether a text begins as a time does: 2026-01-31.
func isDate(s string) bool {
	const layout = time.DateOnly
	_, err := time.Parse(layout, s[:min(len(s), len(layout))])
	return err == nil
}

func (c *comparison) compileText(emptyAllowed bool, fs *faults, p pointer) {
	s, ok := c.def.Value.(string)
	switch {
	case isList(reflect.ValueOf(c.def.Value)) && !ok:
		fs.add(p, `is a list; %s compares with text; write {"any": […]} with one %[1]s for each`, c.def.Op)
		return
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
	case begins("(?>"), invalid.Code == syntax.ErrInvalidRepeatOp && strings.HasSuffix(invalid.Expr, "+"):
		return "RE2 has no possessive repetition and no atomic group: write it without, and mind what else matches then"
	case begins(`\u`):
		return `write \x{00e9} for \u00e9`
	case begins(`\Z`):
		return `write \z`
	case invalid.Code == syntax.ErrMissingRepeatArgument && begins("*"):
		return `for * as any text write the op "glob", or in an expression .*`
	case countsDown(invalid):
		return "write the smaller count first"
	case invalid.Code == syntax.ErrInvalidRepeatSize:
		return "RE2 repeats up to 1000 times, with a repetition in a repetition multiplied: write smaller counts"
	}
	return "correct it there"
}

// countsDown reports whether what is wrong are counts such as {2,1}.
func countsDown(err *syntax.Error) bool {
	low, high, ok := strings.Cut(strings.Trim(err.Expr, "{}"), ",")
	least, errLow := strconv.Atoi(low)
	most, errHigh := strconv.Atoi(high)
	return err.Code == syntax.ErrInvalidRepeatSize && ok && errLow == nil && errHigh == nil && most < least
}

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
		fs.add(p, "is %s; in compares with a list; put it into brackets", describe(c.def.Value))
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

// define makes c, a copy of what t was compiled from, what Explain shows of it.
func (t *conditionProgram) define(c Condition) {
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

package campaign

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Writing values as JSON and as forms. encoding/json is not used for what most
// payloads hold: it replaces invalid UTF-8 silently, escapes for HTML, and
// costs several times as much. Structs and types with a JSON form of their own
// go through it.

// What may be wrong with a value. The value itself is never shown, nor an error
// of the host's own code, which may quote it.
var (
	errNotFinite  = errors.New("is not a finite number, which JSON cannot write; leave it out, or pass a number")
	errNotUTF8    = errors.New("is not valid UTF-8; convert it to UTF-8")
	errTooLarge   = errors.New("has U+FFFD in it, and is too large to tell whether that stands for text that is not valid UTF-8; make it smaller, or remove that")
	errTooDeep    = fmt.Errorf("is nested more than %d levels deep, or holds itself; flatten it", maxDepth)
	errBadNumber  = errors.New("is a json.Number that is no number; write digits")
	errBadTime    = errors.New("is a time outside the years 0 to 9999, which RFC 3339 cannot write; leave it out")
	errNoJSON     = errors.New("is of a kind that JSON cannot write; use text, numbers, booleans, lists and maps")
	errOwnMethod  = errors.New("has a MarshalJSON or MarshalText method that failed; correct the method")
	errNullForm   = errors.New("is null, which a form or a query cannot write; leave it out, or send JSON")
	errObjectForm = errors.New("is an object, which a form or a query cannot write; take one of its parts, or send JSON")
	errListForm   = errors.New("is a list in a list, which a form or a query cannot write; flatten it, or send JSON")
)

// appendJSON writes v. It never shows v in an error.
func appendJSON(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errTooDeep
	}
	switch x := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendJSONString(dst, x)
	case bool:
		return strconv.AppendBool(dst, x), nil
	case int:
		return strconv.AppendInt(dst, int64(x), 10), nil
	case int64:
		return strconv.AppendInt(dst, x, 10), nil
	case uint64:
		return strconv.AppendUint(dst, x, 10), nil
	case float64:
		return appendFloat(dst, x, 64)
	case json.Number:
		if !isJSONNumber(string(x)) {
			return dst, errBadNumber
		}
		return append(dst, x...), nil
	case time.Time:
		return appendTime(dst, x)
	case []any:
		return appendJSONList(dst, len(x), func(i int) any { return x[i] }, depth)
	case map[string]any:
		return appendJSONMap(dst, slices.Sorted(maps.Keys(x)), func(k string) any { return x[k] }, depth)
	}
	return appendJSONReflect(dst, v, depth)
}

func appendJSONReflect(dst []byte, v any, depth int) ([]byte, error) {
	r := reflect.ValueOf(v)
	if hasOwnForm(v, r) {
		return appendMarshaled(dst, v)
	}
	switch k := r.Kind(); {
	case k == reflect.Pointer || k == reflect.Interface:
		if r.IsNil() {
			return append(dst, "null"...), nil
		}
		switch elem := r.Elem(); {
		case elem.Kind() == reflect.Struct && !isTime(r):
			return appendMarshaled(dst, v) // in a copy, its fields would lose the methods of their pointers
		case elem.Kind() == reflect.Array && isPlainList(elem):
			return appendJSONList(dst, elem.Len(), func(i int) any { return element(elem, i) }, depth)
		case elem.Kind() == reflect.Array:
			return appendMarshaled(dst, v)
		default:
			return appendJSON(dst, elem.Interface(), depth+1)
		}
	case r.CanFloat():
		return appendFloat(dst, r.Float(), r.Type().Bits())
	case isTime(r), k == reflect.Bool, r.CanInt(), r.CanUint(), k == reflect.String:
		return appendJSON(dst, plainScalar(r), depth+1)
	case isPlainList(r):
		return appendJSONList(dst, r.Len(), func(i int) any { return element(r, i) }, depth)
	case k == reflect.Map && r.Type().Key().Kind() == reflect.String:
		var keys []string
		for _, key := range r.MapKeys() {
			keys = append(keys, key.String())
		}
		slices.Sort(keys)
		return appendJSONMap(dst, keys, func(key string) any {
			return r.MapIndex(reflect.ValueOf(key).Convert(r.Type().Key())).Interface()
		}, depth)
	}
	return appendMarshaled(dst, v)
}

// isPlainList reports whether r is a list of which encoding/json makes no base64.
func isPlainList(r reflect.Value) bool {
	return isList(r) && r.Type().Elem().Kind() != reflect.Uint8
}

// element returns an element of a list, as a pointer if that may have a JSON form
// of its own, or something in it.
func element(list reflect.Value, i int) any {
	e := list.Index(i)
	if !e.CanAddr() {
		return e.Interface()
	}
	p := e.Addr().Interface()
	switch p.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return p
	}
	if e.Kind() == reflect.Struct || e.Kind() == reflect.Array {
		return p
	}
	return e.Interface()
}

// hasOwnForm reports whether a value has a JSON form of its own, which may well hide
// what it holds. That of time.Time does not count: times are written in UTC.
func hasOwnForm(v any, r reflect.Value) bool {
	switch v.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return r.Type() != timeType && r.Type() != reflect.PointerTo(timeType)
	}
	return false
}

// isTime reports whether r is a time.Time, or of a type made from it. Such a
// type has lost the methods of time.Time, and means the same, if it has no others.
func isTime(r reflect.Value) bool {
	for r.Kind() == reflect.Pointer && !r.IsNil() && r.Type().Elem().Kind() == reflect.Struct {
		r = r.Elem()
	}
	return r.IsValid() && r.Type().ConvertibleTo(timeType)
}

// plainScalar returns a value of a named type as one of the basic types.
func plainScalar(r reflect.Value) any {
	switch {
	case r.Kind() == reflect.Bool:
		return r.Bool()
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return r.Uint()
	case r.Kind() == reflect.String:
		return r.String()
	}
	return r.Convert(timeType).Interface()
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return dst, errBadTime
	}
	return appendJSONString(dst, formatTime(t))
}

// appendMarshaled writes v as encoding/json does, without escaping for HTML. A
// panic in a method of the host is an error of the value: it must not take down
// whoever renders.
func appendMarshaled(dst []byte, v any) (out []byte, err error) {
	defer func() {
		if recover() != nil {
			out, err = dst, errOwnMethod
		}
	}()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, marshalFault(err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if !utf8.Valid(text) {
		return dst, errNotUTF8
	}
	if err := checkReplaced(text, v); err != nil {
		return dst, err
	}
	return append(dst, text...), nil
}

// marshalFault says what is wrong without the text of encoding/json's error,
// which quotes values.
func marshalFault(err error) error {
	if _, ok := errors.AsType[*json.MarshalerError](err); ok {
		return errOwnMethod
	}
	if unsupported, ok := errors.AsType[*json.UnsupportedValueError](err); ok {
		if unsupported.Value.CanFloat() {
			return errNotFinite
		}
		return errTooDeep // a pointer that leads back to itself
	}
	return errNoJSON
}

// checkReplaced fails if encoding/json has put U+FFFD, as an escape or as it stands,
// for text in v that is not UTF-8. What it has written does not tell: the host may have
// put it there. So the texts themselves are looked at, which is seldom needed.
func checkReplaced(text []byte, v any) error {
	if !bytes.Contains(text, []byte(`\ufffd`)) && !bytes.Contains(text, []byte("\ufffd")) {
		return nil
	}
	texts := textCheck{left: 100_000} // one value may be in another in very many ways
	texts.look(reflect.ValueOf(v))
	return texts.err
}

// A textCheck looks whether all texts are UTF-8 that encoding/json takes from a value,
// as far as it gets. It also looks at fields that are left out because others have
// their names, or by omitzero.
type textCheck struct {
	left int // how many values it may look at
	err  error
}

func (c *textCheck) look(r reflect.Value) {
	if c.left--; c.left < 0 && c.err == nil {
		c.err = errTooLarge
	}
	if c.err != nil || !r.IsValid() {
		return
	}
	if text, own := marshaledText(r); own {
		c.text(utf8.Valid(text))
		return
	}
	switch r.Kind() {
	case reflect.String:
		c.text(utf8.ValidString(r.String()))
	case reflect.Pointer, reflect.Interface:
		c.look(r.Elem())
	case reflect.Struct:
		for i := range r.NumField() {
			if isWritten(r.Type().Field(i)) {
				c.look(r.Field(i))
			}
		}
	case reflect.Map:
		for entries := r.MapRange(); entries.Next(); {
			c.key(entries.Key())
			c.look(entries.Value())
		}
	case reflect.Slice, reflect.Array:
		if hasNoText(r.Type().Elem()) {
			return
		}
		for i := range r.Len() {
			c.look(r.Index(i))
		}
	}
}

// key looks at the key of a map: text as it stands, whatever methods it has, and of
// others what they write as text.
func (c *textCheck) key(key reflect.Value) {
	if key.Kind() == reflect.String {
		c.text(utf8.ValidString(key.String()))
		return
	}
	if !key.CanInterface() || key.Kind() == reflect.Pointer && key.IsNil() {
		return
	}
	if k, ok := reflect.TypeAssert[encoding.TextMarshaler](key); ok {
		text, err := k.MarshalText()
		c.text(err != nil || utf8.Valid(text))
	}
}

func (c *textCheck) text(valid bool) {
	if !valid && c.err == nil {
		c.err = errNotUTF8
	}
}

// hasNoText reports whether values of a type are numbers or truths, with no methods.
func hasNoText(t reflect.Type) bool {
	return reflect.PointerTo(t).NumMethod() == 0 && (t.Kind() == reflect.Bool || t.Kind() >= reflect.Int && t.Kind() <= reflect.Complex128)
}

// marshaledText returns the text that a value writes itself. What a MarshalJSON writes is
// not replaced, and is looked at already.
func marshaledText(r reflect.Value) (text []byte, own bool) {
	if !r.CanInterface() || r.Kind() == reflect.Pointer && r.IsNil() {
		return nil, false
	}
	x := r.Interface()
	if r.CanAddr() {
		x = r.Addr().Interface() // has the methods of r, too
	}
	switch x := x.(type) {
	case json.Marshaler:
		return nil, true
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		return text, err == nil
	}
	return nil, false
}

// isWritten reports whether encoding/json may write a field of a struct.
func isWritten(f reflect.StructField) bool {
	if f.Tag.Get("json") == "-" {
		return false
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.IsExported() || f.Anonymous && t.Kind() == reflect.Struct
}

func appendJSONList(dst []byte, n int, element func(i int) any, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendJSON(dst, element(i), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendJSONMap(dst []byte, keys []string, value func(key string) any, depth int) ([]byte, error) {
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendJSONString(dst, key); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = appendJSON(dst, value(key), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendFloat writes the digits that encoding/json writes: no exponent but for
// the very large and the very small.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errNotFinite
	}
	abs := math.Abs(f)
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || !small && !large {
		return strconv.AppendFloat(dst, f, 'f', -1, bits), nil
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-9 and not e-09
		dst = dst[:n-1]
	}
	return dst, nil
}

const hexDigits = "0123456789abcdef"

// appendJSONString writes a JSON string by RFC 8259 section 7.
func appendJSONString(dst []byte, s string) ([]byte, error) {
	if isPlainJSON(s) { // as most texts are
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), nil
	}
	if !utf8.ValidString(s) {
		return dst, errNotUTF8
	}
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"'), nil
}

// isPlainJSON reports whether a text is written as JSON without any escape.
//
// What is left over at the end is looked at with some bytes before it for a second
// time: bytes one by one would take as long as eight at once, each.
func isPlainJSON(s string) bool {
	n := len(s)
	switch {
	case n > 8:
		for i := 0; i < n-8; i += 8 {
			if !isPlainWord(eightBytes(s[i:])) {
				return false
			}
		}
		return isPlainWord(eightBytes(s[n-8:]))
	case n >= 4:
		return isPlainWord(fourBytes(s) | fourBytes(s[n-4:])<<32)
	case n > 0:
		return isPlainWord(uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16 | ' '*ones&^0xffffff)
	}
	return true
}

// isPlainWord is isPlainJSON for eight bytes at once. A byte below n has its
// highest bit set when n has been taken from it. What it borrows from the next
// can only name that one wrongly, when there is a right one already.
func isPlainWord(w uint64) bool {
	quote, slash := w^'"'*ones, w^'\\'*ones
	return (w|(w-' '*ones)|(quote-ones)|(slash-ones))&highs == 0
}

// appendFormPairs writes name=value, once for each element if v is a list. The
// values are those that JSON has, text without its quotes.
func appendFormPairs(dst []byte, name string, v any) ([]byte, error) {
	switch x := v.(type) { // what most fields are, without the way through JSON
	case string:
		return appendFormPair(dst, name, x)
	case bool, int, int64, float64, json.Number:
		var room [32]byte
		text, err := appendJSON(room[:0], x, 0)
		if err != nil {
			return dst, err
		}
		return appendFormPair(dst, name, string(text))
	}
	text, err := appendJSON(nil, v, 0)
	if err != nil {
		return dst, err
	}
	root, _ := readJSON(text)
	switch {
	case root == nil:
		return dst, errNoJSON
	case root.kind != jsonArray:
		return appendFormValue(dst, name, root)
	}
	for i, x := range root.items {
		if i > 0 {
			dst = append(dst, '&')
		}
		if dst, err = appendFormValue(dst, name, x); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendFormValue(dst []byte, name string, v *jsonValue) ([]byte, error) {
	switch v.kind {
	case jsonNull:
		return dst, errNullForm
	case jsonObject:
		return dst, errObjectForm
	case jsonArray:
		return dst, errListForm
	case jsonBool:
		return appendFormPair(dst, name, strconv.FormatBool(v.truth))
	default:
		return appendFormPair(dst, name, v.text)
	}
}

func appendFormPair(dst []byte, name, value string) ([]byte, error) {
	if !utf8.ValidString(value) {
		return dst, errNotUTF8
	}
	dst = appendFormText(dst, name)
	dst = append(dst, '=')
	return appendFormText(dst, value), nil
}

// appendFormText escapes by the URL Standard's application/x-www-form-urlencoded.
func appendFormText(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlnum(c) || c == '*' || c == '-' || c == '.' || c == '_':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = appendEscape(dst, c)
		}
	}
	return dst
}

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

var (
	errNotFinite = errors.New("is not a finite number, which JSON cannot write")
	errNotUTF8   = errors.New("is not valid UTF-8")
	errTooDeep   = fmt.Errorf("is nested more than %d levels deep, or holds itself", maxDepth)
	errBadNumber = errors.New("is a json.Number that is not a number")
	errNoJSON    = errors.New("is of a kind that JSON cannot write")
	errNoForm    = errors.New("is an object or null, which a form or a query cannot write")
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
		return appendJSONString(dst, formatTime(x))
	case []any:
		return appendJSONList(dst, len(x), func(i int) any { return x[i] }, depth)
	case map[string]any:
		return appendJSONMap(dst, slices.Sorted(maps.Keys(x)), func(k string) any { return x[k] }, depth)
	}
	return appendJSONReflect(dst, v, depth)
}

func appendJSONReflect(dst []byte, v any, depth int) ([]byte, error) {
	r := reflect.ValueOf(v)
	if _, ok := v.(json.Marshaler); ok && !isTime(r) {
		return appendMarshaled(dst, v)
	}
	if _, ok := v.(encoding.TextMarshaler); ok && !isTime(r) {
		return appendMarshaled(dst, v)
	}
	switch k := r.Kind(); {
	case k == reflect.Pointer || k == reflect.Interface:
		if r.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendJSON(dst, r.Elem().Interface(), depth+1)
	case r.CanFloat():
		return appendFloat(dst, r.Float(), r.Type().Bits())
	case isTime(r), k == reflect.Bool, r.CanInt(), r.CanUint(), k == reflect.String:
		return appendJSON(dst, plainScalar(r), depth+1)
	case isList(r):
		return appendJSONList(dst, r.Len(), func(i int) any { return r.Index(i).Interface() }, depth)
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

// appendMarshaled writes v as encoding/json does, without escaping for HTML.
func appendMarshaled(dst []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// The error may quote the value, or come from the host's own code.
		return dst, errNoJSON
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), nil
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

// appendFloat writes digits without an exponent wherever encoding/json does.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errNotFinite
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), nil
}

const hexDigits = "0123456789abcdef"

// appendJSONString writes a JSON string by RFC 8259 section 7.
func appendJSONString(dst []byte, s string) ([]byte, error) {
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

// appendFormPairs writes name=value, once for each element if v is a list.
func appendFormPairs(dst []byte, name string, v any) ([]byte, error) {
	if s, ok := v.(string); ok { // without reflection: what most fields are
		return appendFormPair(dst, name, s)
	}
	r := reflect.ValueOf(v)
	if _, ok := v.(encoding.TextMarshaler); ok || !r.IsValid() || !isList(r) {
		return appendFormScalar(dst, name, v)
	}
	for i := range r.Len() {
		if i > 0 {
			dst = append(dst, '&')
		}
		var err error
		if dst, err = appendFormScalar(dst, name, r.Index(i).Interface()); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendFormScalar(dst []byte, name string, v any) ([]byte, error) {
	r, ok := indirect(reflect.ValueOf(v))
	if !ok {
		return dst, errNoForm
	}
	if t, ok := v.(encoding.TextMarshaler); ok && !isTime(r) {
		text, err := t.MarshalText()
		if err != nil {
			return dst, errNoForm
		}
		return appendFormPair(dst, name, string(text))
	}
	if r.Type() != jsonNumberType && r.Kind() == reflect.String {
		return appendFormPair(dst, name, r.String())
	}
	if isTime(r) {
		return appendFormPair(dst, name, formatTime(r.Convert(timeType).Interface().(time.Time)))
	}
	if r.Kind() == reflect.Bool || r.CanInt() || r.CanUint() || r.CanFloat() || r.Type() == jsonNumberType {
		digits, err := appendJSON(nil, r.Interface(), 0)
		if err != nil {
			return dst, err
		}
		return appendFormPair(dst, name, string(digits))
	}
	return dst, errNoForm
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
			dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return dst
}

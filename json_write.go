package campaign

import "fmt"

// Writing JSON.

// A jsonWriter writes objects with their members in a fixed order, leaving
// out what is empty, without escaping what only HTML would mind.
type jsonWriter struct {
	buf []byte
	err error
}

func (w *jsonWriter) raw(s string) { w.buf = append(w.buf, s...) }

// member writes a member with a value of any kind.
func (w *jsonWriter) member(key string, value any) {
	w.name(key)
	w.value(value)
}

// text writes a member unless its value is empty.
func (w *jsonWriter) text(key, value string) {
	if value != "" {
		w.member(key, value)
	}
}

// name writes the comma, if one is due, and the key.
func (w *jsonWriter) name(key string) {
	if n := len(w.buf); n > 0 && w.buf[n-1] != '{' {
		w.raw(",")
	}
	w.value(key)
	w.raw(":")
}

// value writes a value as a payload has it: the same digits, and text that is
// not UTF-8 as an error.
func (w *jsonWriter) value(value any) {
	buf, err := appendJSON(w.buf, value, 0)
	if err != nil {
		w.fail("a value %w", err)
		return
	}
	w.buf = buf
}

// list writes an array member, one call of item for each element.
func (w *jsonWriter) list(key string, n int, item func(i int)) {
	w.name(key)
	w.elements(n, item)
}

func (w *jsonWriter) elements(n int, item func(i int)) {
	w.raw("[")
	for i := range n {
		if i > 0 {
			w.raw(",")
		}
		item(i)
	}
	w.raw("]")
}

func (w *jsonWriter) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("campaign: "+format, args...)
	}
}

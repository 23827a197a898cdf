package campaign

import (
	"encoding/json"
	"reflect"
	"slices"
)

// Copies that have nothing in common with what they were made from.

// A copier copies the values of a visit. It remembers the pointers, maps and
// slices that it has copied, so that those which hold themselves, or are held
// twice, are copied once.
//
// What a type hides it shares: unexported fields are copied as they are, since
// nobody but their own package can do more. It shares as well what is nested so
// deep that no payload takes it: to go on would end the process, once the stack is
// full. And it shares what is beyond the first few million values: arrays that
// hold another one twice, and so on, are more than anybody has time for.
type copier struct {
	seen  map[copied]reflect.Value
	depth int
	count int
}

// maxCopyDepth is as deep as encoding/json reads, which counts a list in a list
// once: here the interface between them counts as well.
const maxCopyDepth = 2 * 10_000

const maxCopied = 1 << 22

func newCopier() *copier { return &copier{seen: make(map[copied]reflect.Value)} }

type copied struct {
	typ    reflect.Type
	at     uintptr
	length int
}

func (c *copier) fields(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	c.seen[copied{reflect.TypeFor[map[string]any](), reflect.ValueOf(m).Pointer(), 0}] = reflect.ValueOf(out)
	for key, v := range m {
		out[key] = c.any(v)
	}
	return out
}

func (c *copier) any(v any) any {
	switch v.(type) { // without reflection: what most maps hold
	case nil, string, bool, int, int64, uint64, float64, json.Number:
		return v
	}
	return c.value(reflect.ValueOf(v)).Interface()
}

func (c *copier) value(v reflect.Value) reflect.Value {
	if c.depth == maxCopyDepth || c.count == maxCopied {
		return v
	}
	c.count++
	c.depth++
	out := c.copyOf(v)
	c.depth--
	return out
}

func (c *copier) copyOf(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		return c.iface(v)
	case reflect.Pointer:
		return c.pointer(v)
	case reflect.Map:
		return c.mapping(v)
	case reflect.Slice:
		return c.slice(v)
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			out.Index(i).Set(c.value(v.Index(i)))
		}
		return out
	case reflect.Struct:
		return c.structure(v)
	}
	return v
}

func (c *copier) iface(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(c.value(v.Elem()))
	return out
}

func (c *copier) pointer(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	key := copied{v.Type(), v.Pointer(), 0}
	if out, ok := c.seen[key]; ok {
		return out
	}
	out := reflect.New(v.Type().Elem())
	if out.Type() != v.Type() {
		out = out.Convert(v.Type()) // a named pointer type
	}
	c.seen[key] = out
	out.Elem().Set(c.value(v.Elem()))
	return out
}

func (c *copier) mapping(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	key := copied{v.Type(), v.Pointer(), 0}
	if out, ok := c.seen[key]; ok {
		return out
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	c.seen[key] = out
	for entry := v.MapRange(); entry.Next(); {
		out.SetMapIndex(entry.Key(), c.value(entry.Value()))
	}
	return out
}

func (c *copier) slice(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	key := copied{v.Type(), v.Pointer(), v.Len()}
	if out, ok := c.seen[key]; ok {
		return out
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	if v.Len() > 0 { // empty ones may all be at one address
		c.seen[key] = out
	}
	for i := range v.Len() {
		out.Index(i).Set(c.value(v.Index(i)))
	}
	return out
}

func (c *copier) structure(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	c.exported(out)
	return out
}

// exported puts copies into the exported fields of a struct, and into those that
// it has from a struct within, or from a pointer to one, whose name is not
// exported: they are as open.
func (c *copier) exported(out reflect.Value) {
	for i := range out.NumField() {
		switch f := out.Type().Field(i); {
		case f.IsExported():
			out.Field(i).Set(c.value(out.Field(i)))
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			c.exported(out.Field(i))
		case f.Anonymous && f.Type.Kind() == reflect.Pointer && isOpen(f.Type.Elem()):
			in := reflect.NewAt(f.Type, out.Field(i).Addr().UnsafePointer()).Elem() // one that can be set
			in.Set(c.value(in))
		}
	}
}

// isOpen reports whether a type is a struct with an exported field, of its own or of
// one within. What is all hidden, as that of an os.File, stays one.
func isOpen(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous && isOpen(f.Type) {
			return true
		}
	}
	return false
}

// cloneValue copies one value of a definition that was found valid.
func cloneValue(v any) any {
	switch v.(type) { // what cannot be changed needs no copy, nor a copier
	case nil, string, bool, int64, uint64, float64, json.Number:
		return v
	}
	return newCopier().any(v)
}

// cloneCondition shares with c what nobody can change.
func cloneCondition(c Condition) Condition {
	switch x := c.(type) {
	case Comparison:
		if list, ok := x.Value.([]any); ok {
			x.Value = slices.Clone(list)
			return x
		}
	case All:
		return All(cloneConditions(x))
	case Any:
		return Any(cloneConditions(x))
	case Not:
		return Not{Of: cloneCondition(x.Of)}
	}
	return c
}

func cloneConditions(cs []Condition) []Condition {
	out := make([]Condition, len(cs))
	for i, c := range cs {
		out[i] = cloneCondition(c)
	}
	return out
}

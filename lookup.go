package campaign

import (
	"reflect"
	"strconv"
	"strings"
)

// Names with dots, in the maps of a visit.

// lookup finds name in m: an entry with exactly that key, or else the part
// after the first dot in the map that is found under the part before it. In a list
// of maps it finds what each of them has, and in any list an element by its number.
func lookup(m map[string]any, name string) (any, bool) {
	if v, ok := m[name]; ok {
		return v, true
	}
	head, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil, false
	}
	v, ok := m[head]
	if !ok {
		return nil, false
	}
	if sub, ok := v.(map[string]any); ok {
		return lookup(sub, rest)
	}
	return lookupReflect(reflect.ValueOf(v), rest, true)
}

// lookupReflect is lookup in values of all types. Lists in the maps of a list are
// not gone into: one that holds itself would take time to the power of the dots.
func lookupReflect(r reflect.Value, name string, lists bool) (any, bool) {
	r, ok := indirect(r)
	switch {
	case !ok || !r.CanInterface():
		return nil, false
	case lists && isList(r):
		return lookupList(r, name)
	case !isTextMap(r):
		return nil, false
	}
	get := func(key string) reflect.Value { return r.MapIndex(reflect.ValueOf(key).Convert(r.Type().Key())) }
	if v := get(name); v.IsValid() {
		return v.Interface(), true
	}
	head, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil, false
	}
	v := get(head)
	if !v.IsValid() {
		return nil, false
	}
	return lookupReflect(v, rest, lists)
}

// lookupList returns the element that a name begins with the number of, or what the
// maps of a list have, in a list: a comparison matches when one of them does. It is
// null if all that have it have null.
func lookupList(r reflect.Value, name string) (any, bool) {
	head, rest, dotted := strings.Cut(name, ".")
	if i, err := strconv.Atoi(head); err == nil && 0 <= i && i < r.Len() && strconv.Itoa(i) == head {
		if dotted {
			return lookupReflect(r.Index(i), rest, true)
		}
		return r.Index(i).Interface(), true
	}
	var found []any
	null := false
	for i := range r.Len() {
		v, ok := lookupReflect(r.Index(i), name, false)
		inner, there := indirect(reflect.ValueOf(v))
		switch {
		case !ok:
		case !there:
			null = true
		case isList(inner) && len(found)+inner.Len() <= maxFlat:
			if found == nil {
				found = []any{} // an empty list is there
			}
			for i := range inner.Len() {
				found = append(found, inner.Index(i).Interface())
			}
		default:
			found = append(found, v)
		}
	}
	if found == nil {
		return nil, null
	}
	return found, true
}

// maxFlat bounds how long the list of all that is in the lists of the maps of a
// list gets: they may all be the same long one. What is beyond it stays a list in
// the list, and is not compared.
const maxFlat = 1 << 16

// isTextMap reports whether r is a map that names go into.
func isTextMap(r reflect.Value) bool {
	return r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String
}

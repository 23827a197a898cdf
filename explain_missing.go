package campaign

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// What an Explanation says of a field that is missing.

// blocked stands for a value that is missing: it says what was found on the way to
// it, or in its place.
type blocked string

// inTheWay says what keeps a name with dots from being found, if the part before
// one of the dots is there and is no map to look into. It is nil otherwise.
func (v *view) inTheWay(f fieldRef, field Field) any {
	fields := map[fieldKind]map[string]any{
		fieldItem: v.visit.Item.Fields, fieldProfile: v.visit.Profile.Fields, fieldVisit: v.visit.Data,
	}
	here, rest := any(fields[f.kind]), f.name
	for {
		head, tail, dotted := strings.Cut(rest, ".")
		if !dotted {
			return nil
		}
		value, ok := lookupReflect(reflect.ValueOf(here), head, false)
		if !ok {
			return nil
		}
		if list, ok := indirect(reflect.ValueOf(value)); ok && isList(list) {
			return listInTheWay(list, string(field[:len(field)-len(tail)-1]), tail)
		}
		if what := notNamed(reflect.ValueOf(value)); what != "" {
			return blocked(string(field[:len(field)-len(tail)-1]) + " is " + what)
		}
		here, rest = value, tail
	}
}

// manyNames is of how many names none is looked for that is like another.
const manyNames = 100

// inItsPlace says what the visit has in the place of a field that is missing: one
// that is written a little differently, or an address without what is asked for. It
// is nil if there is nothing of the kind.
func (v *view) inItsPlace(f fieldRef, field Field) any {
	var names []string
	switch f.kind {
	case fieldPageHost, fieldPageScheme:
		if v.page.form == originForm {
			return blocked("the visit's url is a path alone")
		}
	case fieldPageQuery:
		for param := range strings.SplitSeq(v.page.params(), "&") {
			name, _, _ := strings.Cut(param, "=")
			if names = append(names, formText(name)); len(names) > manyNames {
				return nil
			}
		}
	case fieldItem:
		names = namesOf(v.visit.Item.Fields)
	case fieldProfile:
		names = namesOf(v.visit.Profile.Fields)
	case fieldVisit:
		names = namesOf(v.visit.Data)
	}
	if near := like(f.name, names); near != "" {
		return blocked("the visit has " + strings.TrimSuffix(string(field), f.name) + near)
	}
	return nil
}

func namesOf(fields map[string]any) []string {
	if len(fields) > manyNames {
		return nil
	}
	return slices.Sorted(maps.Keys(fields))
}

// like returns the name that another one may be a slip of, or "".
func like(name string, names []string) string {
	if len(name) > maxWord {
		return ""
	}
	best, bestDistance, folded := "", min(3, len(name)/4+1), foldWord(name)
	for _, n := range names {
		if n == name || len(n) > maxWord {
			continue // it is null, or in a list
		}
		f := foldWord(n)
		if max(len(f)-len(folded), len(folded)-len(f)) >= bestDistance {
			continue // as many letters at least are another
		}
		if d := editDistance(folded, f); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// notNamed says what a value is that names cannot go into, or "".
func notNamed(r reflect.Value) string {
	const only = ", and names go only into maps whose keys are text"
	r, ok := indirect(r)
	switch {
	case !ok:
		return "null"
	case isTextMap(r):
		return ""
	}
	if kind := scalarOf(r).kind; kind != scalarInvalid {
		return kind.String() + only
	}
	return "a value of the type " + r.Type().String() + only
}

// listInTheWay says what keeps the rest of a name from being found in a list. It is
// nil if there are maps in it, some of which do not have the first part of that.
func listInTheWay(list reflect.Value, name, rest string) any {
	head, _, _ := strings.Cut(rest, ".")
	number, err := strconv.Atoi(head)
	if err == nil && 0 <= number && number < list.Len() && strconv.Itoa(number) == head {
		if what := notNamed(list.Index(number)); what != "" {
			return blocked(name + "." + head + " is " + what)
		}
		return nil
	}
	named, closed := 0, 0
	for i := range list.Len() {
		if e, ok := indirect(list.Index(i)); ok && isTextMap(e) {
			named++
			v, _ := lookupReflect(e, head, false)
			if r, there := indirect(reflect.ValueOf(v)); there && !isTextMap(r) {
				closed++
			}
		}
	}
	switch {
	case named > closed: // one lacks it, or has a map that lacks the rest
		return nil
	case named > 0:
		return blocked("what " + name + "." + head + " has is no map, and names go into no list in a list")
	case list.Len() == 0:
		return blocked(name + " is an empty list")
	case err == nil:
		return blocked(name + " is a list of " + plural(list.Len(), "element"))
	}
	return blocked(name + " is a list without maps in it")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

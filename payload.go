package campaign

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Payload is what a webhook says, field by field, in the order written. The
// zero value is an empty object.
//
// Values are written as [encoding/json] would, with these differences: text that
// is not UTF-8 is an error and not replaced; <, > and & stand as they are; and
// unless they stand inside a struct or a map whose keys are not text, so do U+2028
// and U+2029, times are in UTC, also those of types made from [time.Time] that have no
// JSON form of their own, and a nil slice or map is an empty one. A [json.Number] is
// written to the letter, and an empty one is an error. In a form or a query a value is what JSON
// has, text without its quotes; a list repeats the name, once for each of its
// elements; null, objects and lists in lists are errors. There are 4096 fields at
// most.
type Payload []PayloadField

// A PayloadField is one field of a [Payload]: taken from the visit, or static.
// [From], [FromProfile], [FromVisit], [FromItem] and [Static] make them.
type PayloadField struct {
	// From is where the value comes from. Empty means that Static is the value.
	From Field

	// Static is the value itself, if From is empty: anything that JSON can hold.
	// The function [Static] brings it into the form that Parse would give it.
	Static any

	// As is the field's name in the payload. Dots make nested objects; a dot
	// that belongs to the name is written \. and a backslash \\. Empty means the
	// NAME of a profile, item or visit field; page and referrer fields, and
	// static ones, need an As.
	As string

	// Missing says what to do if the visit does not have the field. A field
	// that is null is there, and so is the empty text. Zero is MissingOmit.
	Missing Missing

	// Default takes the place of a missing field. It goes with MissingOmit,
	// which then never happens. Nil means that there is none.
	Default any

	// Sensitive keeps the field out of URLs, which end in logs: a GET with it is
	// refused unless the webhook allows it.
	Sensitive bool
}

// Missing says what becomes of a payload field that the visit does not have.
type Missing int

const (
	MissingOmit Missing = iota // leave the field out
	MissingNull                // send null; not in GET and form, which have no null
	MissingFail                // send nothing at all; the run fails with [ErrMissingField]
)

var missingNames = []string{"omit", "null", "fail"}

// String returns the policy as it is written in JSON.
func (m Missing) String() string {
	if m < 0 || int(m) >= len(missingNames) {
		return fmt.Sprintf("Missing(%d)", int(m))
	}
	return missingNames[m]
}

// From is a payload field with the value of any field.
func From(f Field) PayloadField { return PayloadField{From: f} }

// FromProfile is a payload field with the value of profile.name.
func FromProfile(name string) PayloadField { return From(ProfileField(name)) }

// FromItem is a payload field with the value of item.name.
func FromItem(name string) PayloadField { return From(ItemField(name)) }

// FromVisit is a payload field with the value of visit.name.
func FromVisit(name string) PayloadField { return From(VisitField(name)) }

// Static is a payload field with a value of its own: anything that JSON can
// hold. Numbers go out as they came in; a [json.Number] to the letter.
func Static(name string, value any) PayloadField {
	return PayloadField{As: name, Static: canonicalStatic(value)}
}

// Named returns f under another name in the payload: see [PayloadField.As].
func (f PayloadField) Named(name string) PayloadField {
	f.As = name
	return f
}

// Required returns f with MissingFail.
func (f PayloadField) Required() PayloadField {
	f.Missing = MissingFail
	return f
}

// OrNull returns f with MissingNull.
func (f PayloadField) OrNull() PayloadField {
	f.Missing = MissingNull
	return f
}

// Or returns f with value in place of a missing one. A nil value is no default;
// for null there is [PayloadField.OrNull].
func (f PayloadField) Or(value any) PayloadField {
	f.Default = canonicalStatic(value)
	return f
}

// Encoding is how a POST writes its payload. A GET has it in the query.
type Encoding int

const (
	EncodingJSON Encoding = iota // application/json; the zero value
	EncodingForm                 // application/x-www-form-urlencoded
)

var encodingNames = []string{"json", "form"}

// String returns the encoding as it is written in JSON.
func (e Encoding) String() string {
	if e < 0 || int(e) >= len(encodingNames) {
		return fmt.Sprintf("Encoding(%d)", int(e))
	}
	return encodingNames[e]
}

// canonicalStatic brings a static value into the form that Parse gives it, by
// writing it as JSON and reading that: maps and lists of any, numbers as int64,
// uint64 or float64 where that writes the same digits, and as json.Number
// otherwise. What cannot be written stays as it is, for Validate to refuse.
func canonicalStatic(v any) any {
	switch v.(type) {
	case nil, bool, string:
		return v
	}
	text, err := appendJSON(nil, v, 0)
	if err != nil {
		return v
	}
	root, d := readJSON(text)
	if root == nil || len(d.faults) > 0 {
		return v
	}
	return canonicalTree(d.any(root))
}

// canonicalTree does that for what decoder.any returns.
func canonicalTree(v any) any {
	switch x := v.(type) {
	case json.Number:
		return canonicalNumber(x)
	case []any:
		for i := range x {
			x[i] = canonicalTree(x[i])
		}
	case map[string]any:
		for key := range x {
			x[key] = canonicalTree(x[key])
		}
	}
	return v
}

func canonicalNumber(n json.Number) any {
	parsed, ok := parseNumber(string(n))
	if !ok {
		return n
	}
	digits, err := appendJSON(nil, parsed.value(), 0)
	if err != nil || string(digits) != string(n) {
		return n
	}
	return parsed.value()
}

// parseSource takes From apart.
func (f *PayloadField) parseSource(fs *faults, at pointer) fieldRef {
	before := len(*fs)
	ref := parseField(f.From, fs, pointer{})
	if len(*fs) == before {
		return ref
	}
	key := f.source()
	name, dotted := strings.CutPrefix(string(f.From), key+".")
	if _, found := splitField(f.From); dotted && !found && (key == "page" || key == "referrer") {
		// As the JSON form writes it, without the group, which the key says.
		*fs = append((*fs)[:before], Fault{Message: notOne(name, "a field of the "+key) + "; " + suggestSource(key, name)})
	}
	if key != "" {
		(*fs)[before:].move(pointer{}.key(key))
	}
	(*fs)[before:].move(at)
	return ref
}

// suggestSource says which field of the page or the referrer was meant.
func suggestSource(group, name string) string {
	if rest, ok := strings.CutPrefix(name, group+"."); ok {
		if _, found := splitField(Field(name)); found {
			return fmt.Sprintf("write %q: the key says the rest", rest)
		}
	}
	if _, found := splitField(Field(group + ".query." + name)); found && name != "" && !strings.Contains(name, ".") && nearest(name, partsOf(group)) == "" {
		return fmt.Sprintf("there are %s; for a parameter of the query write %q", strings.Join(partsOf(group), ", "), "query."+name)
	}
	return suggest(name, partsOf(group))
}

// partsOf returns the names of the fields of a group, without it.
func partsOf(group string) []string {
	var parts []string
	for _, x := range fixedFields {
		if part, ok := strings.CutPrefix(string(x.field), group+"."); ok {
			parts = append(parts, part)
		}
	}
	return append(parts, "query.NAME")
}

// sourceFault adds a fault of the field's source.
func (f *PayloadField) sourceFault(fs *faults, at pointer, err error) {
	if key := f.source(); key != "" {
		fs.add(at.key(key), "%v", err)
		return
	}
	fs.add(at, "%v", err)
}

// source is the key of the field's source in the JSON form, the first part of
// From; empty for one that was written in Go and has no JSON form.
func (f *PayloadField) source() string {
	source, _, _ := strings.Cut(string(f.From), ".")
	if source == "static" || !slices.Contains(payloadSources, source) {
		return ""
	}
	return source
}

var (
	payloadSources = []string{"profile", "item", "visit", "page", "referrer", "static"}
	payloadKeys    = slices.Concat(payloadSources, []string{"as", "missing", "default", "sensitive"})
)

func (d *decoder) payload(n *jsonValue) Payload {
	var p Payload
	d.objects(n, `[{"profile": "email"}, {"static": "A-17", "as": "automationid"}]`, func(x *jsonValue) {
		p = append(p, d.payloadField(x))
	})
	return p
}

func (d *decoder) payloadField(n *jsonValue) PayloadField {
	var f PayloadField
	source := ""
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "profile", "item", "visit", "page", "referrer", "static":
			if source != "" {
				d.fault(x.at, "stands beside %q; a payload field has one source", source)
				return true
			}
			source = key
			if key == "static" {
				f.Static = canonicalStatic(d.any(x))
			} else {
				f.From = Field(key + "." + d.str(x))
			}
		case "as":
			f.As = d.str(x)
		case "missing":
			f.Missing = Missing(d.oneOf(x, missingNames))
		case "default":
			f.Default = canonicalStatic(d.any(x))
			if f.Default == nil {
				d.fault(x.at, `is null; write "missing": "null" instead`)
			}
		case "sensitive":
			f.Sensitive = d.boolean(x)
		default:
			required := foldWord(key) == "required" // as the method is called
			if required {
				d.faults.add(x.at, `is not a key here; if the field is required, write "missing": "fail" instead`)
			}
			return required
		}
		return true
	}, payloadKeys...)
	if source == "" && !d.doubtful(n.at.String()) {
		d.sourceMissing(n)
	}
	return f
}

// sourceMissing adds a fault for a payload field without a source, unless one of
// its unknown keys was meant to be that.
func (d *decoder) sourceMissing(n *jsonValue) {
	for _, source := range payloadSources {
		if d.doubtful(n.at.key(source).String()) {
			d.doubt(n.at)
			return
		}
	}
	d.fault(n.at, "has no source; write one of %s", strings.Join(payloadSources, ", "))
}

func (w *jsonWriter) payloadField(f PayloadField) {
	w.raw("{")
	if f.From == "" {
		w.member("static", f.Static)
	} else {
		source := f.source()
		name, ok := strings.CutPrefix(string(f.From), source+".")
		if source == "" || !ok {
			w.fail("a payload field from %s has no JSON form", shorten(string(f.From)))
		}
		w.member(source, name)
	}
	w.text("as", f.As)
	if f.Missing != MissingOmit {
		w.member("missing", f.Missing.String())
	}
	if f.Default != nil {
		w.member("default", f.Default)
	}
	if f.Sensitive {
		w.member("sensitive", true)
	}
	w.raw("}")
}

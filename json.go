package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// The JSON forms are read in two steps: bytes into a tree that refuses
// duplicate keys and trailing data, then the tree into definitions, with every
// fault collected at its place. encoding/json alone keeps the last of two
// equal keys, forgets DisallowUnknownFields below a custom UnmarshalJSON, and
// stops at the first fault.

// maxDepth bounds the nesting of conditions and of values, which are written by
// recursion. maxDocument bounds the nesting of documents. It leaves room for
// every definition that is valid: a condition in a condition takes two levels.
const (
	maxDepth    = 100
	maxDocument = 4 * maxDepth
)

// A jsonValue is one value of a document. Which of the parts are in use depends
// on the kind.
type jsonValue struct {
	kind  jsonKind
	at    pointer
	text  string // the string, or the number as it was written
	truth bool
	items []*jsonValue // of an array, or of an object
	keys  []string     // of an object, as many as items
}

// has reports whether an object has one of the keys.
func (v *jsonValue) has(keys ...string) bool {
	return slices.ContainsFunc(v.keys, func(k string) bool { return slices.Contains(keys, k) })
}

type jsonKind int

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

func (k jsonKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// readJSON reads one document. The decoder holds the faults so far: duplicate
// keys, of which the first counts, and trailing data. What else is wrong can
// still be found then. The root is nil if the text is not JSON.
func readJSON(data []byte) (root *jsonValue, d *decoder) {
	d = &decoder{doubts: map[string]bool{}}
	switch {
	case !utf8.Valid(data):
		// encoding/json would put U+FFFD in place of each wrong byte, silently.
		d.faults.add(pointer{}, "is not valid UTF-8 at %s; save the file as UTF-8", place(data, invalidUTF8(data)))
		return nil, d
	case bytes.HasPrefix(data, []byte("\ufeff")):
		d.faults.add(pointer{}, "begins with a byte order mark; save the file as UTF-8 without it")
		return nil, d
	}
	p := jsonParser{data: data, dec: json.NewDecoder(bytes.NewReader(data)), d: d}
	p.dec.UseNumber()
	if root = p.value(pointer{}, 0); root == nil {
		return nil, d
	}
	end := int(p.dec.InputOffset())
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		d.faults.add(pointer{}, "goes on after its end, at %s; remove what follows", place(data, len(data)-len(rest)))
	}
	return root, d
}

// readDefinition is readJSON for definitions. Of an escaped half of a character
// encoding/json makes U+FFFD, silently, and a definition is to say what was
// written. In a visit it may stand: a script that cuts texts makes such halves,
// and a visit is not to be lost for it.
func readDefinition(data []byte) (root *jsonValue, d *decoder) {
	root, d = readJSON(data)
	if i := halfCharacter(data); root != nil && i >= 0 {
		d.faults.add(pointer{}, "has %s, one half of a character, at %s; write the character itself", data[i:i+len(`\ud800`)], place(data, i))
	}
	return root, d
}

// halfCharacter returns where in a JSON document the first surrogate without
// its other half is escaped, or -1.
func halfCharacter(data []byte) int {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		switch r := escapedUnit(data[i:]); {
		case !utf16.IsSurrogate(r):
			i++ // what is escaped may be a backslash
		case utf16.DecodeRune(r, escapedUnit(data[i+len(`\ud800`):])) == utf8.RuneError:
			return i
		default:
			i += len(`\ud800\udc00`) - 1
		}
	}
	return -1
}

// escapedUnit returns the code unit that data begins with, as \u and four digits,
// or 0.
func escapedUnit(data []byte) rune {
	if len(data) < len(`\u0000`) || data[0] != '\\' || data[1] != 'u' {
		return 0
	}
	unit, _ := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(unit)
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// place says where an offset lies, as editors count. Of a document of one line it
// is the column alone: such a line often is one of a longer file, as of a log.
func place(data []byte, offset int) string {
	before := data[:min(max(offset, 0), len(data))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	column := "column " + strconv.Itoa(utf8.RuneCount(line)+1)
	if bytes.IndexByte(bytes.TrimRight(data, "\r\n"), '\n') < 0 {
		return column
	}
	return fmt.Sprintf("line %d, %s", bytes.Count(before, []byte("\n"))+1, column)
}

type jsonParser struct {
	data []byte
	dec  *json.Decoder
	d    *decoder
}

// value reads the next value. It returns nil, with a fault added, where the
// text is not JSON: nothing after that place can be trusted.
func (p *jsonParser) value(at pointer, depth int) *jsonValue {
	tok, err := p.dec.Token()
	if err != nil {
		return p.broken(at)
	}
	v := &jsonValue{at: at}
	switch tok := tok.(type) {
	case nil:
		v.kind = jsonNull
	case bool:
		v.kind, v.truth = jsonBool, tok
	case json.Number:
		v.kind, v.text = jsonNumber, tok.String()
	case string:
		v.kind, v.text = jsonString, tok
	case json.Delim:
		if depth == maxDocument {
			p.d.faults.add(at, "is nested more than %d levels deep; flatten it", maxDocument)
			return nil
		}
		if tok == '[' {
			return p.array(v, depth)
		}
		return p.object(v, depth)
	}
	return v
}

func (p *jsonParser) array(v *jsonValue, depth int) *jsonValue {
	v.kind = jsonArray
	for p.dec.More() {
		x := p.value(v.at.index(len(v.items)), depth+1)
		if x == nil {
			return nil
		}
		v.items = append(v.items, x)
	}
	return p.end(v)
}

func (p *jsonParser) object(v *jsonValue, depth int) *jsonValue {
	v.kind = jsonObject
	seen := map[string]bool{}
	for p.dec.More() {
		tok, err := p.dec.Token()
		if err != nil {
			return p.broken(v.at)
		}
		key := tok.(string) // the decoder accepts nothing else here
		at := v.at.key(key)
		x := p.value(at, depth+1)
		if x == nil {
			return nil
		}
		if seen[key] {
			p.d.fault(at, "stands twice in its object; keep one of them")
			continue
		}
		seen[key] = true
		v.keys = append(v.keys, key)
		v.items = append(v.items, x)
	}
	return p.end(v)
}

// end reads the closing bracket.
func (p *jsonParser) end(v *jsonValue) *jsonValue {
	if _, err := p.dec.Token(); err != nil {
		return p.broken(v.at)
	}
	return v
}

// broken adds the fault that the text is not JSON. The text is read once more
// for that: the offsets of a json.Decoder that is asked for tokens are wrong.
func (p *jsonParser) broken(at pointer) *jsonValue {
	var whole json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(p.data, &whole))
	switch {
	case len(bytes.TrimSpace(p.data)) == 0:
		p.d.faults.add(at, "is empty; write a JSON document")
	case !ok || syntax.Offset >= int64(len(p.data)) && strings.Contains(syntax.Error(), "unexpected end"):
		open := lastOpen(p.data)
		if open < 0 {
			p.d.faults.add(at, "ends before it is complete; look for what is cut off")
			break
		}
		p.d.faults.add(at, "ends before it is complete: %s; close it with %c", notClosed(p.data, open), closing(p.data[open]))
	default:
		offset := max(0, int(syntax.Offset)-1)
		p.d.faults.add(at, "is not JSON at %s: %s", place(p.data, offset), syntaxCure(p.data, offset, syntax))
	}
	return nil
}

// A decoder turns a tree into definitions and collects every fault.
type decoder struct {
	faults faults

	// doubts are the places of what could not be read. What validation says of
	// such a place, or of what lies below it, would name one fault twice.
	doubts map[string]bool
}

// fault adds a fault and makes its place doubtful.
func (d *decoder) fault(at pointer, format string, args ...any) {
	d.faults.add(at, format, args...)
	d.doubt(at)
}

func (d *decoder) doubt(at pointer) { d.doubts[at.String()] = true }

// unreadable stands for a node or a condition that could not be read. The fault
// is known already; it is there so that the rest can still be checked.
type unreadable struct{}

func (unreadable) node()      {}
func (unreadable) condition() {}

// with returns the faults of reading, together with those that validation
// found in what could be read.
func (d *decoder) with(err error) error {
	all := d.faults
	if invalid, ok := errors.AsType[*ValidationError](err); ok {
		for _, f := range invalid.Faults {
			if !d.doubtful(f.Pointer) {
				all = append(all, f)
			}
		}
	}
	return all.err()
}

func (d *decoder) doubtful(pointer string) bool {
	for !d.doubts[pointer] {
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return false
		}
		pointer = pointer[:i]
	}
	return true
}

// object calls member for each member of n. A key for which it returns false
// is a fault, with the nearest of the known keys as a hint; that one is then not
// reported as missing. Nothing more is said of an object of which no key is
// known.
func (d *decoder) object(n *jsonValue, member func(key string, x *jsonValue) bool, known ...string) {
	if !d.is(n, jsonObject) {
		return
	}
	// Looked for once: there may be very many keys that are not known.
	absent := slices.DeleteFunc(slices.Clone(known), func(key string) bool { return n.has(key) })
	for i, key := range n.keys {
		if member(key, n.items[i]) {
			continue
		}
		d.faults.add(n.items[i].at, "is not a key here; %s", suggest(key, known))
		if near := nearest(key, known); slices.Contains(absent, near) {
			d.doubt(n.at.key(near))
		}
	}
	if len(n.keys) > 0 && !n.has(known...) {
		d.doubt(n.at)
	}
}

// require adds a fault if n, an object, does not have the key.
func (d *decoder) require(n *jsonValue, key, cure string) {
	if at := n.at.key(key); !n.has(key) && !d.doubtful(at.String()) {
		d.fault(at, "is missing; %s", cure)
	}
}

// is adds a fault unless n is of the kind.
func (d *decoder) is(n *jsonValue, want jsonKind) bool {
	if n.kind != want {
		d.fault(n.at, "is %s; write %s", n.kind, want)
		return false
	}
	return true
}

func (d *decoder) str(n *jsonValue) string {
	d.is(n, jsonString)
	return n.text
}

func (d *decoder) boolean(n *jsonValue) bool {
	d.is(n, jsonBool)
	return n.truth
}

// oneOf returns the index of n's text among the names, and 0 with a fault.
func (d *decoder) oneOf(n *jsonValue, names []string) int {
	if !d.is(n, jsonString) {
		return 0
	}
	if i := slices.Index(names, n.text); i >= 0 {
		return i
	}
	d.fault(n.at, "%s is unknown; %s", shorten(n.text), suggest(n.text, names))
	return 0
}

func (d *decoder) list(n *jsonValue, item func(x *jsonValue)) {
	if d.is(n, jsonArray) {
		for _, x := range n.items {
			item(x)
		}
	}
}

// objects is list for elements that are objects. Many formats have a single
// object in that place, so the fault shows what to write.
func (d *decoder) objects(n *jsonValue, example string, item func(x *jsonValue)) {
	if n.kind == jsonObject {
		d.fault(n.at, "is an object; write a list of them, such as %s", example)
		return
	}
	d.list(n, item)
}

func (d *decoder) time(n *jsonValue) time.Time {
	const cure = `write it by RFC 3339, such as "2026-01-31T12:00:00Z"`
	if n.kind != jsonString {
		d.fault(n.at, "is %s and not a time; %s", n.kind, cure)
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, n.text)
	// Package time takes more than RFC 3339 has: a comma for the point, an hour
	// of one digit.
	if err != nil || strings.Contains(n.text, ",") || n.text[len("2006-01-02T15")] != ':' {
		d.fault(n.at, "is not a time; %s", cure)
		return time.Time{}
	}
	return t
}

// any returns the value as Go data, numbers as json.Number.
func (d *decoder) any(n *jsonValue) any {
	switch n.kind {
	case jsonBool:
		return n.truth
	case jsonNumber:
		return json.Number(n.text)
	case jsonString:
		return n.text
	case jsonArray:
		list := make([]any, len(n.items))
		for i, x := range n.items {
			list[i] = d.any(x)
		}
		return list
	case jsonObject:
		return d.anyMap(n)
	}
	return nil
}

func (d *decoder) anyMap(n *jsonValue) map[string]any {
	if !d.is(n, jsonObject) {
		return nil
	}
	m := make(map[string]any, len(n.keys))
	for i, key := range n.keys {
		m[key] = d.any(n.items[i])
	}
	return m
}

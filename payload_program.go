package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Payloads as they are compiled, once, and written, for each visit.

// A payloadProgram is a compiled Payload.
type payloadProgram struct {
	leaves []payloadLeaf // in the order written
	root   []payloadNode // for JSON: the tree that the names make; nil if no name has a dot or an escape
	size   int           // how long the payload will be, see usualSize
}

// A payloadLeaf is a compiled PayloadField, of which it has all that cannot be
// told from the rest: there are some for each campaign.
type payloadLeaf struct {
	from      fieldRef
	as        string
	value     any    // Static or Default
	static    string // that, encoded
	head      string // ,"name": for JSON, if the leaf is a member of the payload itself
	index     int32  // in the Payload
	missing   uint8  // a Missing, or useStatic
	split     bool   // the name has dots or escapes
	sensitive bool
}

// useStatic is what a leaf with a static value or a default has for its Missing,
// which then is MissingOmit and means nothing. The static text alone does not
// tell: that of an empty list in a form is empty.
const useStatic = 1 + uint8(MissingFail)

func (l *payloadLeaf) isFrom() bool { return l.from.kind != fieldInvalid }

// name is the first part of the field's name, and all of it where dots are not
// allowed.
func (l *payloadLeaf) name() string {
	switch {
	case l.split:
		path, _ := splitName(nil, nameOf(l.as, l.from))
		return path[0]
	case l.as == "":
		return l.from.name
	}
	return l.as
}

// definition returns what a valid leaf was compiled from.
func (l *payloadLeaf) definition() PayloadField {
	f := PayloadField{From: l.from.field(), As: l.as, Sensitive: l.sensitive}
	if l.missing != useStatic {
		f.Missing = Missing(l.missing)
	}
	if l.isFrom() {
		f.Default = cloneValue(l.value)
	} else {
		f.Static = cloneValue(l.value)
	}
	return f
}

// A payloadNode is a member of an object: a leaf, or an object of its own.
type payloadNode struct {
	name    string
	prefix  string // "name": for JSON
	leaf    int    // -1 for an object
	members []payloadNode
}

// form says how a payload is written.
type payloadForm int

const (
	asJSON payloadForm = iota
	asForm
	asQuery
)

func (f payloadForm) String() string {
	return [...]string{"JSON", "a form", "a GET"}[f]
}

const maxPayloadFields = 4096

func (p Payload) compile(form payloadForm, allowSensitive bool, fs *faults, at pointer) payloadProgram {
	if len(p) == 0 {
		return payloadProgram{}
	}
	if len(p) > maxPayloadFields { // each name is compared with all others
		fs.add(at, "has %d fields; a payload has %d at most", len(p), maxPayloadFields)
		return payloadProgram{}
	}
	prog := payloadProgram{leaves: make([]payloadLeaf, 0, len(p))}
	for i := range p {
		p[i].compile(&prog, i, form, allowSensitive, fs, at.index(i))
	}
	if form == asJSON && prog.root == nil {
		prog.writeHeads()
	}
	prog.size = prog.usualSize()
	return prog
}

// writeHeads writes what stands before the values, as pieces of one text.
func (prog *payloadProgram) writeHeads() {
	var room [256]byte
	var ends [16]int
	text, end := room[:0], ends[:0]
	for i := range prog.leaves {
		text = append(text, ',')
		text, _ = appendJSONString(text, prog.leaves[i].name()) // was found valid
		text = append(text, ':')
		end = append(end, len(text))
	}
	heads, start := string(text), 0
	for i := range prog.leaves {
		prog.leaves[i].head, start = heads[start:end[i]], end[i]
	}
}

func (f *PayloadField) compile(prog *payloadProgram, i int, form payloadForm, allowSensitive bool, fs *faults, at pointer) {
	leaf := payloadLeaf{index: int32(i), as: f.As, missing: uint8(f.Missing), sensitive: f.Sensitive}
	if !utf8.ValidString(string(f.From)) {
		f.sourceFault(fs, at, errNotUTF8)
		return
	}
	if f.From != "" {
		leaf.from = f.parseSource(fs, at)
		f.checkPolicy(form, fs, at)
	} else {
		f.checkStatic(fs, at)
	}
	if f.Sensitive && form == asQuery && !allowSensitive {
		fs.add(at.key("sensitive"), "is set, and a GET puts the field into the URL, which ends in logs; use POST, or set allow_sensitive_query on the webhook")
	}
	var room [4]string // for the parts of most names
	path, ok := f.path(room[:0], leaf.from, fs, at)
	if !ok {
		return
	}
	if form != asJSON && len(path) > 1 {
		fs.add(at.key("as"), `has a dot, which makes an object that %s cannot write; write %s`, form, strconv.Quote(escapeName(strings.Join(path, "."))))
	}
	leaf.split = path[0] != leaf.name()
	leaf.compileStatic(f, form, fs, at)
	prog.insert(leaf, path, fs, at)
}

func (f *PayloadField) checkPolicy(form payloadForm, fs *faults, at pointer) {
	switch {
	case f.Missing < 0 || int(f.Missing) >= len(missingNames):
		fs.add(at.key("missing"), "is %v, which is no policy; use MissingOmit, MissingNull or MissingFail", f.Missing)
	case f.Missing == MissingNull && form != asJSON:
		fs.add(at.key("missing"), `is "null", which %s cannot write; use "omit" or a default`, form)
	case f.Missing != MissingOmit && f.Default != nil:
		fs.add(at.key("missing"), `is %q beside a default; keep one of them`, f.Missing)
	}
	if f.Static != nil {
		fs.add(at.key("static"), "stands beside %s; a payload field has one source", f.From)
	}
}

func (f *PayloadField) checkStatic(fs *faults, at pointer) {
	if f.Missing != MissingOmit {
		fs.add(at.key("missing"), "means nothing for a static value, which is always there; remove it")
	}
	if f.Default != nil {
		fs.add(at.key("default"), "means nothing for a static value, which is always there; remove it")
	}
}

// compileStatic encodes the value that does not depend on the visit, if there
// is one: the static value, or the default.
func (l *payloadLeaf) compileStatic(f *PayloadField, form payloadForm, fs *faults, at pointer) {
	value, key := f.Static, "static"
	if f.From != "" {
		value, key = f.Default, "default"
		if value == nil {
			return
		}
	}
	l.value = value
	text, err := encodeStatic(value, form, l.name())
	if err != nil {
		fs.add(at.key(key), "%v", err)
		return
	}
	l.static, l.missing = text, useStatic
	if form == asJSON && mayMarshal(value) {
		// A MarshalJSON of the host can write what Parse would not read.
		_, d := readJSON([]byte(text))
		d.faults.move(at.key(key))
		*fs = append(*fs, d.faults...)
	}
}

func encodeStatic(value any, form payloadForm, name string) (string, error) {
	var text []byte
	var err error
	s, isText := value.(string)
	switch {
	case isText && form == asJSON: // on the stack, which values of all kinds would leave
		var room [64]byte
		text, err = appendJSONString(room[:0], s)
		return string(text), err
	case form == asJSON:
		text, err = appendJSON(nil, value, 0)
	default:
		text, err = appendFormPairs(nil, name, value)
	}
	return string(text), err
}

// mayMarshal reports whether writing v may have called a method of the host.
func mayMarshal(v any) bool {
	switch v.(type) {
	case nil, string, bool, int, int64, uint64, float64, json.Number:
		return false
	}
	return true
}

// path returns the names that the field's name is made of, appended to room.
func (f *PayloadField) path(room []string, from fieldRef, fs *faults, at pointer) ([]string, bool) {
	if f.As == "" {
		switch {
		case f.From == "":
			fs.add(at.key("as"), `is missing; give the static value a name, such as "automationid"`)
			return nil, false
		case from.kind == fieldInvalid, from.name == "" && !from.isText():
			return nil, false // already a fault
		case from.isText():
			fs.add(at.key("as"), "is missing; give %s a name in the payload", f.From)
			return nil, false
		}
	}
	path, err := splitName(room, nameOf(f.As, from))
	if err == nil && len(path) > maxDepth {
		err = errNameTooDeep
	}
	switch {
	case err == nil:
		return path, true
	case f.As == "":
		f.sourceFault(fs, at, err)
	default:
		fs.add(at.key("as"), "%v", err)
	}
	return nil, false
}

// nameOf is the name of a field, as an As has it.
func nameOf(as string, from fieldRef) string {
	if as == "" {
		return strings.ReplaceAll(from.name, `\`, `\\`)
	}
	return as
}

var errNameTooDeep = fmt.Errorf("is nested more than %d levels deep; flatten it", maxDepth)

// escapeName is the As whose path is name alone.
func escapeName(name string) string {
	return strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(name)
}

// joinName is the As whose path has these parts.
func joinName(path []string) string {
	escaped := make([]string, len(path))
	for i, part := range path {
		escaped[i] = escapeName(part)
	}
	return strings.Join(escaped, ".")
}

// splitName splits at dots, with \. for a dot and \\ for a backslash, and appends
// the parts to path.
func splitName(path []string, name string) ([]string, error) {
	if !utf8.ValidString(name) {
		return nil, errNotUTF8
	}
	if name != "" && strings.IndexByte(name, '.') < 0 && strings.IndexByte(name, '\\') < 0 {
		return append(path, name), nil // as most names are: no copy
	}
	var part []byte
	for i := 0; i < len(name); i++ {
		switch c := name[i]; c {
		case '\\':
			i++
			if i == len(name) || name[i] != '.' && name[i] != '\\' {
				return nil, errors.New(`has a backslash before something else; write \. for a dot and \\ for a backslash`)
			}
			part = append(part, name[i])
		case '.':
			path, part = append(path, string(part)), nil
		default:
			part = append(part, c)
		}
	}
	path = append(path, string(part))
	if slices.Contains(path, "") {
		return nil, fmt.Errorf(`is %s, which has an empty part; write the name without it, or \. for a dot`, shorten(name))
	}
	return path, nil
}

// insert adds a leaf. There is no tree until a name asks for one, by a dot or an
// escape: the leaves alone say what most payloads are.
func (prog *payloadProgram) insert(leaf payloadLeaf, path []string, fs *faults, at pointer) {
	if prog.root == nil && !leaf.split && len(path) == 1 {
		for i := range prog.leaves {
			if prog.leaves[i].name() == path[0] {
				prog.nameFault(i, path[0], fs, at)
				break
			}
		}
		prog.leaves = append(prog.leaves, leaf)
		return
	}
	if prog.root == nil {
		prog.plant(at)
	}
	prog.leaves = append(prog.leaves, leaf)
	prog.root = insertPayload(prog.root, path, path, len(prog.leaves)-1, prog, fs, at)
}

// plant makes the tree of the leaves so far, whose names have no dots or escapes.
func (prog *payloadProgram) plant(at pointer) {
	var known faults
	for i := range prog.leaves {
		path := []string{prog.leaves[i].name()}
		prog.root = insertPayload(prog.root, path, path, i, prog, &known, at)
	}
}

func (prog *payloadProgram) nameFault(leaf int, name string, fs *faults, at pointer) {
	fs.add(at, "has the name %s, which %s has already; rename one with as", shorten(name), at.parent.index(int(prog.leaves[leaf].index)).String())
}

// insertPayload puts a leaf at its path, objects at the place of their first field.
func insertPayload(nodes []payloadNode, whole, path []string, leaf int, prog *payloadProgram, fs *faults, at pointer) []payloadNode {
	name := path[0]
	for i := range nodes {
		n := &nodes[i]
		if n.name != name {
			continue
		}
		switch {
		case n.leaf >= 0 && len(path) == 1:
			prog.nameFault(n.leaf, joinName(whole), fs, at)
		case n.leaf >= 0 || len(path) == 1:
			both := whole[:len(whole)-len(path)+1]
			fs.add(at, "makes %s both a value and an object; rename one with as", shorten(joinName(both)))
		default:
			n.members = insertPayload(n.members, whole, path[1:], leaf, prog, fs, at)
		}
		return nodes
	}
	prefix, _ := appendJSONString(nil, name)
	n := payloadNode{name: name, prefix: string(prefix) + ":", leaf: leaf}
	if len(path) > 1 {
		n.leaf = -1
		n.members = insertPayload(nil, whole, path[1:], leaf, prog, fs, at)
	}
	return append(nodes, n)
}

// appendJSON writes the payload as an object.
func (prog *payloadProgram) appendJSON(dst []byte, v *view) ([]byte, *RenderError) {
	dst = append(dst, '{')
	var err *RenderError
	if prog.root != nil {
		dst, _, err = prog.appendMembers(dst, prog.root, v)
	} else {
		dst, err = prog.appendLeaves(dst, v)
	}
	return append(dst, '}'), err
}

// usualSize is how long the payload will be, if its values are of ordinary length: a
// request that waits in a queue keeps hardly more than it says.
func (prog *payloadProgram) usualSize() int {
	n := 2
	for i := range prog.leaves {
		l := &prog.leaves[i]
		n += len(`"":"",`) + len(l.as) + len(l.static)
		if l.isFrom() {
			n += len(l.from.name) + ordinaryValue
		}
	}
	return n
}

// ordinaryValue is the length of which few values are longer.
const ordinaryValue = 20

// appendLeaves is appendMembers where the leaves are the members.
func (prog *payloadProgram) appendLeaves(dst []byte, v *view) ([]byte, *RenderError) {
	some := false
	for i := range prog.leaves {
		l := &prog.leaves[i]
		start := len(dst)
		head := l.head
		if !some {
			head = head[len(","):]
		}
		dst = append(dst, head...)
		var wrote bool
		var err *RenderError
		if dst, wrote, err = l.appendJSON(dst, v); err != nil {
			return dst, err
		}
		if !wrote {
			dst = dst[:start]
			continue
		}
		some = true
	}
	return dst, nil
}

// appendMembers writes what stands between the braces, and reports whether
// there was anything.
func (prog *payloadProgram) appendMembers(dst []byte, nodes []payloadNode, v *view) ([]byte, bool, *RenderError) {
	some := false
	for i := range nodes {
		n := &nodes[i]
		start := len(dst)
		if some {
			dst = append(dst, ',')
		}
		dst = append(dst, n.prefix...)
		var wrote bool
		var err *RenderError
		if n.leaf >= 0 {
			dst, wrote, err = prog.leaves[n.leaf].appendJSON(dst, v)
		} else {
			dst = append(dst, '{')
			dst, wrote, err = prog.appendMembers(dst, n.members, v)
			dst = append(dst, '}')
		}
		if err != nil {
			return dst, some, err
		}
		if !wrote { // an object of which nothing is left is left out too
			dst = dst[:start]
			continue
		}
		some = true
	}
	return dst, some, nil
}

func (l *payloadLeaf) appendJSON(dst []byte, v *view) ([]byte, bool, *RenderError) {
	if !l.isFrom() {
		return append(dst, l.static...), true, nil
	}
	if text, ok := v.ownText(l.from); ok {
		dst, err := appendJSONString(dst, text)
		if err != nil {
			return dst, false, l.fail(err)
		}
		return dst, true, nil
	}
	if value, ok := v.entry(l.from); ok {
		dst, err := appendJSON(dst, value, 0)
		if err != nil {
			return dst, false, l.fail(err)
		}
		return dst, true, nil
	}
	switch {
	case l.missing == useStatic:
		return append(dst, l.static...), true, nil
	case l.missing == uint8(MissingNull):
		return append(dst, "null"...), true, nil
	case l.missing == uint8(MissingFail):
		return dst, false, l.fail(ErrMissingField)
	}
	return dst, false, nil
}

// appendForm writes the payload as name=value pairs joined by &.
func (prog *payloadProgram) appendForm(dst []byte, v *view) ([]byte, *RenderError) {
	start := len(dst)
	for i := range prog.leaves {
		l := &prog.leaves[i]
		mark := len(dst)
		if mark > start {
			dst = append(dst, '&')
		}
		before := len(dst)
		var err *RenderError
		if dst, err = l.appendForm(dst, v); err != nil {
			return dst, err
		}
		if len(dst) == before {
			dst = dst[:mark]
		}
	}
	return dst, nil
}

func (l *payloadLeaf) appendForm(dst []byte, v *view) ([]byte, *RenderError) {
	var value any
	ok := false
	if l.isFrom() {
		value, ok = v.value(l.from)
	}
	switch {
	case ok:
		out, err := appendFormPairs(dst, l.name(), value)
		if err != nil {
			return dst, l.fail(err)
		}
		return out, nil
	case l.missing == useStatic:
		return append(dst, l.static...), nil
	case l.missing == uint8(MissingFail):
		return dst, l.fail(ErrMissingField)
	}
	return dst, nil
}

// fail places an error. The webhook's own place is put before it by its caller.
func (l *payloadLeaf) fail(err error) *RenderError {
	return &RenderError{Pointer: "/payload/" + strconv.Itoa(int(l.index)), Field: l.from.field(), Err: err}
}

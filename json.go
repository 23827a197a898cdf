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
	"unicode"
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
	column := "column " + itoa(utf8.RuneCount(line)+1)
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

// syntaxCure says what is wrong at an offset where a text stops being JSON, and
// what to do. What encoding/json says of it is written by those who know its
// grammar, and most of these files are not. It never shows more of the text
// than a character: a word without quotes may be a secret.
func syntaxCure(data []byte, offset int, err *json.SyntaxError) string {
	before := bytes.TrimRight(data[:offset], " \t\r\n")
	var last byte // what stands before it, but for white space
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	r, _ := utf8.DecodeRune(data[offset:])
	beside := len(before) == offset // nothing stands between the two
	said := err.Error()
	complete := strings.Contains(said, "after array element") || strings.Contains(said, "after object key:value pair")
	switch {
	case strings.Contains(said, "character escape"), strings.Contains(said, "escape code"):
		return `a backslash before it begins no escape that JSON has; write a backslash as \\`
	case strings.Contains(said, "in string") && (r == '\n' || r == '\r'):
		return `a text cannot go on over the end of a line; close it with ", or write the line break as \n`
	case strings.Contains(said, "in string"):
		return `a text cannot have a control character; remove it, or write a tab as \t`
	case isTypographicQuote(data[offset:]):
		return fmt.Sprintf(`%c is a typographic quote; write " in its place`, r)
	case r == '#', bytes.HasPrefix(data[offset:], []byte("//")), bytes.HasPrefix(data[offset:], []byte("/*")):
		return "JSON has no comments; remove it"
	case last == 0:
		return "a document begins with {; write the campaigns, or the visit, in JSON"
	case r == '\'':
		return `texts and keys stand in double quotes; write " in place of '`
	case r == ',' && last == ',':
		return "a comma follows a comma; remove one of them"
	case (r == '}' || r == ']') && last == ',':
		return fmt.Sprintf("nothing follows the comma before %c; remove the comma", r)
	case (r == '}' || r == ']') && (complete || last == '[' || last == '{'):
		open := lastOpen(data[:offset])
		return fmt.Sprintf("%s; close it with %c first", notClosed(data, open), closing(data[open]))
	case complete && !beside && (r == '"' || r == '{' || r == '[' || r == '-' || isAlnum(data[offset])):
		return "a comma is missing; put one before it"
	case complete && last == '"':
		return `a text has ended before it; write a quote inside a text as \", and a comma between two of them`
	}
	switch word := wordAround(data, offset); {
	case slices.Contains([]string{"true", "false", "null"}, strings.ToLower(word)):
		return "JSON writes true, false and null in small letters; write " + strings.ToLower(word)
	case strings.IndexFunc(word, unicode.IsLetter) >= 0, r == '/':
		return "texts and keys stand in double quotes; put them around what stands there"
	case strings.ContainsAny(word, "0123456789"):
		return "it is no number of JSON; write one such as 7, 0.5 or -1"
	}
	return said + "; correct it there, or just before"
}

// wordAround returns the word without quotes, or the number, that an offset lies
// in. The decoder stops at the end of what it takes for a number: at the h of 12h.
func wordAround(data []byte, offset int) string {
	inWord := func(c byte) bool { return isAlnum(c) || strings.IndexByte("_.+-", c) >= 0 }
	first, end := offset, offset
	for first > 0 && inWord(data[first-1]) {
		first--
	}
	for end < len(data) && inWord(data[end]) {
		end++
	}
	return string(data[first:end])
}

// lastOpen returns where the last quote or bracket stands that is not closed at
// the end of a text, which is JSON up to there; -1 if there is none.
func lastOpen(data []byte) int {
	var open []int
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			quote := i
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return quote
			}
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		}
	}
	if len(open) == 0 {
		return -1
	}
	return open[len(open)-1]
}

func notClosed(data []byte, open int) string {
	return fmt.Sprintf("the %c at %s is not closed", data[open], place(data, open))
}

// closing returns what closes a quote or a bracket.
func closing(open byte) byte {
	switch open {
	case '{':
		return '}'
	case '[':
		return ']'
	}
	return open
}

// isTypographicQuote reports whether data begins with what text processors make
// of a quote that is typed. The error of encoding/json shows one byte of it.
func isTypographicQuote(data []byte) bool {
	r, _ := utf8.DecodeRune(data)
	return strings.ContainsRune("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", r)
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
	for i, key := range n.keys {
		if member(key, n.items[i]) {
			continue
		}
		d.faults.add(n.items[i].at, "is not a key here; %s", suggest(key, known))
		if near := nearest(key, known); near != "" && !n.has(near) {
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

// duration reads Go's duration strings, with d for days, and the two special ones.
func (d *decoder) duration(n *jsonValue) time.Duration {
	const cure = `write one such as "7d", "12h" or "1d12h" (whole days first, then h, m, s and ms), or "immediately" or "never"`
	if n.kind != jsonString {
		d.fault(n.at, "is %s and not a duration; %s", n.kind, cure)
		return 0
	}
	switch n.text {
	case "immediately":
		return Immediately
	case "never":
		return Never
	}
	dur, err := parseDuration(n.text)
	switch {
	case err != nil:
		d.fault(n.at, "%s %v; %s", shorten(n.text), err, cure)
	case dur < time.Millisecond:
		d.fault(n.at, `%s is shorter than 1ms; write "immediately" for no cooldown at all`, shorten(n.text))
		dur = 0
	case dur == Never:
		dur-- // the longest duration is a sentinel; nobody will miss its last nanosecond
	}
	return dur
}

// parseDuration is time.ParseDuration with a leading number of days of 24
// hours: "7d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return goDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 63)
	if err != nil || strings.Trim(days, "0123456789") != "" {
		return 0, errors.New("is not a duration")
	}
	const day = 24 * time.Hour
	if n > uint64(Never/day) {
		return 0, errors.New("is more than 292 years")
	}
	total := time.Duration(n) * day
	if rest == "" {
		return total, nil
	}
	more, err := goDuration(rest)
	if err != nil {
		return 0, err
	}
	if strings.ContainsAny(rest[:1], "+-") {
		return 0, errors.New("is not a duration")
	}
	if more > Never-total {
		return 0, errors.New("is more than 292 years")
	}
	return total + more, nil
}

func goDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New("is not a duration")
	}
	return d, nil
}

// formatDuration writes what parseDuration and the special names read.
func formatDuration(d time.Duration) string {
	switch d {
	case Immediately:
		return "immediately"
	case Never:
		return "never"
	}
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	if days == 0 {
		return shortDuration(rest)
	}
	if rest == 0 {
		return itoa(int(days)) + "d"
	}
	return itoa(int(days)) + "d" + shortDuration(rest)
}

// shortDuration is Go's form without units that are zero: 12h, not 12h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func itoa(i int) string { return strconv.Itoa(i) }

// suggest names the nearest of the known words, or all of them.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = strconv.Quote(k)
	}
	return "there are " + strings.Join(quoted, ", ")
}

// nearest returns the known word with the smallest edit distance, if it is
// small enough to be a slip of the keyboard, or else the only one that begins
// like word, or "".
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestDistance := "", 3
	var begun []string // known words that go on where word ends, or the reverse
	for _, k := range known {
		limit := min(2, len(k)/4) // none for short words: and is not any
		distance := editDistance(foldWord(word), foldWord(k))
		if distance <= limit && distance < bestDistance {
			best, bestDistance = k, distance
		}
		if len(word) > 1 && (strings.HasPrefix(word, k) || strings.HasPrefix(k, word)) {
			begun = append(begun, k)
		}
	}
	if best == "" && len(begun) == 1 {
		return begun[0] // operator for op, restart for restart_timeout
	}
	return best
}

// foldWord leaves out what people write differently without meaning another word.
func foldWord(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(s))
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment) that turn a into b.
func editDistance(a, b string) int {
	older := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], older[j-2]+1)
			}
		}
		older, prev, cur = prev, cur, older
	}
	return prev[len(b)]
}

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

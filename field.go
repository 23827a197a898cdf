package campaign

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Field names one thing that is known of a visit, as the JSON form writes it:
// page.path, page.query.NAME, item.NAME, profile.NAME. It is plain text, so
// fields can be compared, printed and stored.
//
// In item, profile and visit fields a NAME with dots walks nested maps: an
// entry with exactly that key wins; otherwise the part before the first dot is
// looked up, and the rest in what is found there. Where that is a list of maps, the
// field is the list of what they have, without nulls and with the elements of lists:
// visit.cart.sku equals "A" if one thing in the cart has that. In such a map it goes
// into no other list. A number is an element, counted from 0: visit.cart.0.sku.
//
// Values that conditions compare are text, booleans, numbers of every kind,
// [encoding/json.Number], [time.Time], types made from these, pointers to them, and
// lists of them. Types with a MarshalJSON or MarshalText of their own are compared by
// what they are made of, and sent and logged in that form. Structs, bytes, and types
// such as [math/big.Int] go into payloads, and satisfy nothing but Exists: put the part
// that campaigns ask for beside them.
type Field string

// What the visit says of the page. Host is in lower case and in ASCII form,
// without the scheme's own port, and missing if the address has none: a path
// alone, a file, about:blank. One passed in Unicode is put into that form as it
// stands; browsers normalise it first, and pass it in ASCII. Path and fragment are
// percent-decoded once; an escape that is invalid, or whose byte is not UTF-8, stays
// as it stands. An address of the web has the path / at least; app://home has an
// empty one. PageURL is scheme, host, raw path and raw query as a browser shows them,
// which is ASCII, without user information and without the fragment.
const (
	PageURL      Field = "page.url"
	PageScheme   Field = "page.scheme"
	PageHost     Field = "page.host"
	PagePath     Field = "page.path"
	PageFragment Field = "page.fragment"
	PageTitle    Field = "page.title"
	PageType     Field = "page.type"
)

// Where the visitor came from. They are missing if the referrer is no URL.
const (
	ReferrerURL  Field = "referrer.url"
	ReferrerHost Field = "referrer.host"
	ReferrerPath Field = "referrer.path"
)

// What the page is about.
const (
	ItemID       Field = "item.id"
	ItemName     Field = "item.name"
	ItemCategory Field = "item.category"
)

// PageQuery is the parameter name of the page's query, read as browsers read
// forms.
func PageQuery(name string) Field { return "page.query." + Field(name) }

// ReferrerQuery is the parameter name of the referrer's query.
func ReferrerQuery(name string) Field { return "referrer.query." + Field(name) }

// ItemField is an entry of [Item.Fields], or id, name or category.
func ItemField(name string) Field { return "item." + Field(name) }

// ProfileField is an entry of [Profile.Fields], or id.
func ProfileField(name string) Field { return "profile." + Field(name) }

// VisitField is an entry of [PageVisit.Data].
func VisitField(name string) Field { return "visit." + Field(name) }

// A fieldRef is a Field taken apart.
type fieldRef struct {
	kind fieldKind
	name string // of query, item, profile and visit fields
}

type fieldKind uint8

const (
	fieldInvalid fieldKind = iota
	fieldPageURL
	fieldPageScheme
	fieldPageHost
	fieldPagePath
	fieldPageFragment
	fieldPageTitle
	fieldPageType
	fieldPageQuery
	fieldReferrerURL
	fieldReferrerHost
	fieldReferrerPath
	fieldReferrerQuery
	fieldItem
	fieldProfile
	fieldVisit
)

var fixedFields = []struct {
	field Field
	kind  fieldKind
}{
	{PageURL, fieldPageURL},
	{PageScheme, fieldPageScheme},
	{PageHost, fieldPageHost},
	{PagePath, fieldPagePath},
	{PageFragment, fieldPageFragment},
	{PageTitle, fieldPageTitle},
	{PageType, fieldPageType},
	{ReferrerURL, fieldReferrerURL},
	{ReferrerHost, fieldReferrerHost},
	{ReferrerPath, fieldReferrerPath},
}

var namedFields = []struct {
	prefix string
	kind   fieldKind
}{
	{"page.query.", fieldPageQuery},
	{"referrer.query.", fieldReferrerQuery},
	{"item.", fieldItem},
	{"profile.", fieldProfile},
	{"visit.", fieldVisit},
}

// parseField takes f apart, or adds a fault that names the nearest field.
func parseField(f Field, fs *faults, p pointer) fieldRef {
	ref, found := splitField(f)
	switch {
	case !utf8.ValidString(string(f)):
		fs.add(p, "is not valid UTF-8, so no visit can have it; convert it to UTF-8")
	case !found:
		fs.add(p, "%s; %s", notOne(string(f), "a field"), suggestField(string(f)))
	case ref.isNamed() && ref.name == "":
		fs.add(p, "%q has no name after the last dot; write %sNAME", f, f)
	}
	return ref
}

func splitField(f Field) (ref fieldRef, found bool) {
	for _, x := range fixedFields {
		if f == x.field {
			return fieldRef{kind: x.kind}, true
		}
	}
	for _, x := range namedFields {
		if name, ok := strings.CutPrefix(string(f), x.prefix); ok {
			return fieldRef{kind: x.kind, name: name}, true
		}
	}
	return fieldRef{}, false
}

func suggestField(f string) string {
	for _, x := range namedFields {
		if f+"." == x.prefix || "page."+f+"." == x.prefix {
			return "write " + x.prefix + "NAME"
		}
	}
	if hint := otherFields[f]; hint != "" {
		return hint
	}
	var known []string
	for _, x := range fixedFields {
		known = append(known, string(x.field))
	}
	known = append(known, string(ItemID), string(ItemName), string(ItemCategory))
	if near := nearest(f, known); near != "" {
		return "did you mean \"" + near + "\"?"
	}
	// What the page has without "page.": path, query.utm_source.
	if _, found := splitField(Field("page." + f)); found {
		return "did you mean \"page." + f + "\"?"
	}
	// A slip in the part before the name, or after it: profil.email,
	// page.qurey.utm_source, profile_email, page.query[utm_source].
	for _, x := range namedFields {
		head, name := cutParts(f, strings.Count(x.prefix, "."))
		if name != "" && nearest(head, []string{strings.TrimSuffix(x.prefix, ".")}) != "" {
			return "did you mean \"" + x.prefix + name + "\"?"
		}
	}
	if object, name := cutParts(f, 1); otherObjects[object] != "" && name != "" {
		return "did you mean \"" + otherObjects[object] + name + "\"?"
	}
	names := append([]string(nil), known[:len(fixedFields)]...)
	for _, x := range namedFields {
		names = append(names, x.prefix+"NAME")
	}
	// Of the page, or of the referrer, those of the other are no help.
	head, _ := cutParts(f, 1)
	for _, group := range []string{"page", "referrer"} {
		if nearest(head, []string{group}) != "" {
			names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, group+".") })
		}
	}
	return "there are " + strings.Join(names, ", ")
}

// cutParts cuts f into its first n parts, with dots between them, and the name
// that follows. Other formats have other characters in place of the dots.
func cutParts(f string, n int) (head, name string) {
	rest := f
	for range n {
		i := strings.IndexAny(rest, "._-/: [")
		if i < 0 {
			return f, ""
		}
		if head != "" {
			head += "."
		}
		head += rest[:i]
		name = rest[i+1:]
		if rest[i] == '[' {
			name = strings.TrimSuffix(name, "]")
		}
		rest = name
	}
	return head, name
}

// isText reports whether the field's values are always text.
func (f fieldRef) isText() bool { return f.kind != fieldInvalid && f.kind < fieldItem }

// field is the Field that f was parsed from.
func (f fieldRef) field() Field {
	for _, x := range fixedFields {
		if f.kind == x.kind {
			return x.field
		}
	}
	for _, x := range namedFields {
		if f.kind == x.kind {
			return Field(x.prefix + f.name)
		}
	}
	return ""
}

// isNamed reports whether the field is one of many, told apart by a name.
func (f fieldRef) isNamed() bool {
	return f.kind == fieldPageQuery || f.kind == fieldReferrerQuery || f.kind >= fieldItem
}

func (f fieldRef) isHost() bool { return f.kind == fieldPageHost || f.kind == fieldReferrerHost }

// forgivesSlash reports whether equality forgives one trailing slash of the path.
func (f fieldRef) forgivesSlash() bool {
	return f.kind == fieldPagePath || f.kind == fieldReferrerPath || f.isURL()
}

func (f fieldRef) isURL() bool { return f.kind == fieldPageURL || f.kind == fieldReferrerURL }

// withoutSlash returns s, a path or a URL, without one slash at the end of its
// path, in two parts so that a URL with a query needs no copy.
func (f fieldRef) withoutSlash(s string) (path, query string) {
	path = s
	if i := strings.IndexByte(s, '?'); i >= 0 && f.isURL() {
		path, query = s[:i], s[i:]
	}
	return strings.TrimSuffix(path, "/"), query
}

// plain returns s, a path or any other text but a URL, without the slash at its
// end that equality forgives.
func (f fieldRef) plain(s string) string {
	if f.forgivesSlash() && !f.isURL() {
		return strings.TrimSuffix(s, "/")
	}
	return s
}

// isAlwaysThere reports whether each visit has the field.
func (f fieldRef) isAlwaysThere() bool { return f.kind == fieldPageURL || f.kind == fieldPagePath }

// A view reads the fields of one visit. What costs something is read once, and
// only if a condition asks for it.
type view struct {
	// visit is a copy, not a pointer: to escape analysis, a pointer here would
	// leak through every function that reads the view, and put each visit on
	// the heap.
	visit    PageVisit
	page     location
	referrer location

	loaded map[string]any // what a ProfileSource knows beyond the visit; only read

	// Decoded; empty if not yet asked for.
	pagePath     string
	fragment     string
	referrerPath string
	referrerRead readState

	arena arena // of the texts that are decoded while the visit is matched

	hits hitList

	// How many campaigns the index has found, and which, if they are many.
	found     int
	foundBits []uint64

	// How many campaigns the index has tested in full, and which were the last ones, each
	// one more than it is: a text that repeats what they look for has them found again at
	// each place, and a test may take long.
	tests  int
	tested [8]int32

	// At how many postings of keys that have several the index has looked, whether
	// these are too many, and, by slot, which are not found yet, see findMany.
	looked int
	lost   bool
	left   map[int][]int32
}

type readState uint8

const (
	unread readState = iota
	readOK
	readFailed
)

// read takes the visit's address apart. The error is a *ValidationError.
func (v *view) read() error {
	scheme, host := plainOrigin(v.visit.URL)
	return v.readBehind(scheme, host)
}

// readBehind is read for an address of which plainOrigin is known.
func (v *view) readBehind(scheme, host int) error {
	if err := v.visit.check(); err != nil {
		return err
	}
	if fault := v.page.parseBehind(v.visit.URL, scheme, host); fault != "" {
		return visitFault("/url", fault)
	}
	return nil
}

// hasReferrer reports whether the referrer is an address with a host or a path.
func (v *view) hasReferrer() bool {
	if v.referrerRead == unread {
		v.referrerRead = readFailed
		if v.visit.Referrer != "" && v.referrer.parse(v.visit.Referrer) == "" {
			v.referrerRead = readOK
		}
	}
	return v.referrerRead == readOK
}

// text returns a field that is always text.
func (v *view) text(kind fieldKind) (string, bool) {
	switch kind {
	case fieldPagePath:
		return v.path(), true
	case fieldPageURL:
		return v.page.url(), true
	case fieldPageScheme:
		return v.page.scheme, v.page.scheme != ""
	case fieldPageHost:
		return v.page.host, v.page.hasHost
	case fieldPageFragment:
		v.page.readTail()
		if v.fragment == "" {
			v.fragment = v.decoded(v.page.fragment, &v.page)
		}
		return v.fragment, v.page.hasFragment
	case fieldPageTitle:
		return v.visit.Title, v.visit.Title != ""
	case fieldPageType:
		return v.visit.Type, v.visit.Type != ""
	}
	if !v.hasReferrer() {
		return "", false
	}
	switch kind {
	case fieldReferrerURL:
		return v.referrer.url(), true
	case fieldReferrerHost:
		return v.referrer.host, v.referrer.hasHost
	case fieldReferrerPath:
		if v.referrerPath == "" {
			v.referrerPath = v.decoded(v.referrer.path, &v.referrer)
		}
		return v.referrerPath, true
	}
	return "", false
}

// path returns the page's decoded path, which is empty only in the likes of
// "data:".
func (v *view) path() string {
	if v.pagePath == "" {
		v.pagePath = v.decoded(v.page.path, &v.page)
	}
	return v.pagePath
}

// decoded decodes a part of l.
func (v *view) decoded(part string, l *location) string {
	if !l.escaped || strings.IndexByte(part, '%') < 0 {
		return part
	}
	return v.arena.unescape(part)
}

// named returns a part of the item that has a place of its own and is not empty.
func (it *Item) named(name string) (string, bool) {
	var s string
	switch name {
	case "id":
		s = it.ID
	case "name":
		s = it.Name
	case "category":
		s = it.Category
	}
	return s, s != ""
}

// named returns the profile's ID under its two names. What the host calls
// profileid itself, in Fields, goes before.
func (p *Profile) named(name string) (string, bool) {
	switch name {
	case "id":
		return p.ID, p.ID != ""
	case "profileid":
		if _, ok := p.Fields[name]; ok {
			return "", false
		}
		return p.ID, p.ID != ""
	}
	return "", false
}

// profileField returns an entry of the profile: the visit's own, or else the one
// that was loaded. They are looked up one after the other and not merged: what
// was loaded belongs to the host, and may be large.
func (v *view) profileField(name string) (any, bool) {
	value, ok := lookup(v.visit.Profile.Fields, name)
	if !ok && v.loaded != nil {
		return lookup(v.loaded, name)
	}
	return value, ok
}

// value returns any field, for a payload. Of a repeated query parameter it is
// the list of its values.
func (v *view) value(f fieldRef) (any, bool) {
	if s, ok := v.ownText(f); ok {
		return s, true
	}
	return v.entry(f)
}

// entry returns a field that has no place of its own.
func (v *view) entry(f fieldRef) (any, bool) {
	switch f.kind {
	case fieldItem:
		return lookup(v.visit.Item.Fields, f.name)
	case fieldProfile:
		return v.profileField(f.name)
	case fieldVisit:
		return lookup(v.visit.Data, f.name)
	case fieldPageQuery:
		return queryValue(&v.page, f.name)
	case fieldReferrerQuery:
		if !v.hasReferrer() {
			return nil, false
		}
		return queryValue(&v.referrer, f.name)
	}
	return nil, false
}

// ownText returns a field that is text and has a place of its own: as an any it
// would have to be on the heap.
func (v *view) ownText(f fieldRef) (string, bool) {
	switch f.kind {
	case fieldItem:
		return v.visit.Item.named(f.name)
	case fieldProfile:
		return v.visit.Profile.named(f.name)
	case fieldVisit, fieldPageQuery, fieldReferrerQuery:
		return "", false
	}
	return v.text(f.kind)
}

func queryValue(from *location, name string) (any, bool) {
	var values []any
	query, plain := from.params(), from.plainQuery()
	for {
		value, rest, found := nextParam(query, name, plain)
		if !found {
			break
		}
		values = append(values, formText(value))
		query = rest
	}
	switch len(values) {
	case 0:
		return nil, false
	case 1:
		return values[0], true
	}
	return values, true
}

// A valueKind says what single has found.
type valueKind uint8

const (
	valueMissing valueKind = iota
	valueText
	valueOther // a number, a list and so on: see scalars
)

// single returns the field's value if it is one text, the usual case. Query
// parameters may be several, and are not for it.
func (v *view) single(f fieldRef) (string, valueKind) {
	var fields map[string]any
	switch f.kind {
	case fieldItem:
		if s, ok := v.visit.Item.named(f.name); ok {
			return s, valueText
		}
		fields = v.visit.Item.Fields
	case fieldProfile:
		if s, ok := v.visit.Profile.named(f.name); ok {
			return s, valueText
		}
		fields = v.visit.Profile.Fields
	case fieldVisit:
		fields = v.visit.Data
	default:
		if s, ok := v.text(f.kind); ok {
			return s, valueText
		}
		return "", valueMissing
	}
	value, ok := lookup(fields, f.name)
	if !ok || value == nil {
		return "", valueMissing
	}
	if s, ok := value.(string); ok {
		return s, valueText
	}
	return "", valueOther
}

// scalarsOf is scalars after single, which has found a text or something else.
func (v *view) scalarsOf(dst []scalar, f fieldRef, text string, kind valueKind) []scalar {
	if kind == valueText {
		return append(dst, scalar{kind: scalarText, text: text})
	}
	return v.scalars(dst, f)
}

// scalars appends each value that a comparison with the field would look at. It
// reads values as comparison.matchAny does.
func (v *view) scalars(dst []scalar, field fieldRef) []scalar {
	value, ok := v.value(field)
	if !ok {
		return dst
	}
	r, ok := indirect(reflect.ValueOf(value))
	if !ok {
		return dst
	}
	if s := scalarOf(r); s.kind != scalarInvalid {
		return append(dst, s)
	}
	if !isList(r) {
		return dst
	}
	for i := range r.Len() {
		if s := scalarOf(r.Index(i)); s.kind != scalarInvalid {
			dst = append(dst, s)
		}
	}
	return dst
}

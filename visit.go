package campaign

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A PageVisit is one page seen by one visitor, as the host tells it. The host
// may change or reuse everything that it refers to once the call that took the
// visit has returned; but not what a type keeps to itself, such as the digits
// of a [math/big.Int], which a run that waits for a [ProfileSource] shares.
type PageVisit struct {
	// ID is the host's own ID of the visit, if it has one. Two visits of one
	// profile with the same ID give their requests the same delivery IDs;
	// without an ID, two with the same time and URL do.
	ID string `json:"id,omitempty"`

	// Time is when the page was seen, to the millisecond. Zero means now. An engine
	// takes visits that come late, and refuses one that starts something and is more
	// than 24 hours ahead of the clock.
	Time time.Time `json:"time,omitzero"`

	// URL is the page's address as the browser shows it (location.href), or
	// the path and query of a request (http.Request.RequestURI), with which
	// page.host and page.scheme are missing. Required.
	URL string `json:"url"`

	Title    string `json:"title,omitempty"`    // the page's title; empty if unknown
	Type     string `json:"type,omitempty"`     // the kind of page, such as "product"; empty if unknown
	Referrer string `json:"referrer,omitempty"` // the address of the page before; empty if unknown

	Item    Item    `json:"item,omitzero"`    // what the page is about
	Profile Profile `json:"profile,omitzero"` // who saw it

	// Data is whatever else the host wants campaigns to know: device,
	// language, experiment. Its entries are the fields visit.NAME; see [Field] for
	// values.
	Data map[string]any `json:"data,omitempty"`
}

// An Item is what a page is about: a product, an article. A part that is empty
// is missing. The zero Item means that the page is about none.
type Item struct {
	ID       string         `json:"id,omitempty"`
	Name     string         `json:"name,omitempty"`
	Category string         `json:"category,omitempty"`
	Fields   map[string]any `json:"fields,omitempty"` // the fields item.NAME; see [Field] for values
}

// A Profile is the person who visits, as the host knows them. The zero Profile
// is an anonymous visitor.
type Profile struct {
	// ID is what cooldowns are kept by. It is also the field profile.id, and
	// profile.profileid where Fields has no profileid of its own.
	ID string `json:"id,omitempty"`

	// Known says that the host can identify the person. A known profile has an
	// ID. A profile that is not known never starts a campaign, unless its
	// trigger is for all profiles and it has an ID.
	Known bool `json:"known,omitempty"`

	// Complete says that Fields is all there is to know: a [ProfileSource] is not
	// asked for what is not in it, which is missing.
	Complete bool `json:"complete,omitempty"`

	Fields map[string]any `json:"fields,omitempty"` // the fields profile.NAME; see [Field] for values
}

// MarshalJSON writes the JSON form of a visit, so that conditions decide what is
// read from a log as they decide the visit itself: times are written in UTC,
// floats with all their digits, bytes of an address that are not UTF-8 as escapes,
// and a list or a map that is nil as an empty one. Other text that is not UTF-8, which
// JSON cannot hold, has U+FFFD in its place. The rest is written as
// encoding/json does, which gives values to some that conditions see none in,
// structs, bytes, and maps whose keys are not text, and to types with a JSON form of
// their own another one. NaN, infinities and a json.Number that is no number are errors.
func (v PageVisit) MarshalJSON() ([]byte, error) {
	type plain PageVisit // without this method
	v.URL, v.Referrer = escapeInvalid(v.URL), escapeInvalid(v.Referrer)
	v.Item.Fields = loggedFields(v.Item.Fields)
	v.Profile.Fields = loggedFields(v.Profile.Fields)
	v.Data = loggedFields(v.Data)
	return json.Marshal(plain(v))
}

// UnmarshalJSON reads the JSON form of a visit: strictly, so that a misspelt
// key is an error and not a visit without that part. Numbers in the maps become
// [json.Number], which keeps them exact. The error is a [*ValidationError].
func (v *PageVisit) UnmarshalJSON(data []byte) error {
	root, d := readJSON(data)
	if root == nil {
		return d.faults.err()
	}
	visit := d.pageVisit(root)
	if err := d.faults.err(); err != nil {
		return err
	}
	*v = visit
	return nil
}

var (
	_ json.Marshaler   = PageVisit{}
	_ json.Unmarshaler = (*PageVisit)(nil)
)

func (d *decoder) pageVisit(n *jsonValue) PageVisit {
	var v PageVisit
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "id":
			v.ID = d.str(x)
		case "time":
			v.Time = d.time(x)
		case "url":
			v.URL = d.str(x)
		case "title":
			v.Title = d.str(x)
		case "type":
			v.Type = d.str(x)
		case "referrer":
			v.Referrer = d.str(x)
		case "item":
			v.Item = d.item(x)
		case "profile":
			v.Profile = d.profile(x)
		case "data":
			v.Data = d.anyMap(x)
		default:
			return false
		}
		return true
	}, "id", "time", "url", "title", "type", "referrer", "item", "profile", "data")
	return v
}

func (d *decoder) item(n *jsonValue) Item {
	var it Item
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "id":
			it.ID = d.str(x)
		case "name":
			it.Name = d.str(x)
		case "category":
			it.Category = d.str(x)
		case "fields":
			it.Fields = d.anyMap(x)
		default:
			return false
		}
		return true
	}, "id", "name", "category", "fields")
	return it
}

func (d *decoder) profile(n *jsonValue) Profile {
	var p Profile
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "id":
			p.ID = d.str(x)
		case "known":
			p.Known = d.boolean(x)
		case "complete":
			p.Complete = d.boolean(x)
		case "fields":
			p.Fields = d.anyMap(x)
		default:
			return false
		}
		return true
	}, "id", "known", "complete", "fields")
	return p
}

func loggedFields(m map[string]any) map[string]any {
	if m == nil {
		return nil // left out
	}
	return loggedMap(reflect.ValueOf(m), 0).(map[string]any)
}

// logged returns a value as MarshalJSON gives it to encoding/json, which has the
// last word on all that conditions do not look into, and on what holds itself.
func logged(r reflect.Value, depth int) any {
	v := r.Interface()
	switch v.(type) { // without reflection: what most maps hold
	case string, bool, int, int64:
		return v
	}
	r, ok := indirect(r)
	switch {
	case !ok && (r.Kind() == reflect.Pointer || r.Kind() == reflect.Interface) && r.IsNil():
		return nil
	case !ok || depth > maxDepth:
		return v
	case r.Type() == jsonNumberType:
		return loggedNumber(r.String())
	}
	if r.CanAddr() {
		v = r.Addr().Interface() // has the methods of r, too
	}
	switch {
	case hasOwnForm(v, reflect.ValueOf(v)):
		return v
	case isTime(r):
		return formatTime(r.Convert(timeType).Interface().(time.Time))
	case r.CanFloat():
		return loggedFloat(r.Float())
	case isList(r):
		list := make([]any, r.Len())
		for i := range list {
			list[i] = logged(r.Index(i), depth+1)
		}
		return list
	case r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String:
		return loggedMap(r, depth)
	}
	return v
}

func loggedMap(r reflect.Value, depth int) any {
	m := make(map[string]any, r.Len())
	for entry := r.MapRange(); entry.Next(); {
		m[entry.Key().String()] = logged(entry.Value(), depth+1)
	}
	return m
}

// loggedNumber is an error where a number was never set: encoding/json would write
// 0, which equals something, and makes a campaign for all that is less hold.
func loggedNumber(s string) any {
	if s == "" {
		return unsetNumber{}
	}
	return json.Number(s)
}

type unsetNumber struct{}

func (unsetNumber) MarshalJSON() ([]byte, error) { return nil, errBadNumber }

// loggedFloat writes all digits where encoding/json rounds to those that tell one
// float from the next: read as an integer, they would be another number.
func loggedFloat(f float64) any {
	if abs := math.Abs(f); abs >= 1<<53 && abs < 1e21 {
		return json.Number(strconv.FormatFloat(f, 'f', 0, 64))
	}
	return f
}

// maxAhead is how far a visit's time may lie ahead of the clock.
const maxAhead = 24 * time.Hour

// check returns what is wrong with v apart from its URL, which is read anyway.
func (v *PageVisit) check() error {
	if v.Profile.Known && v.Profile.ID == "" {
		return visitFault("/profile/id", "is empty for a known profile; pass the ID, or pass the visitor as not known")
	}
	return nil
}

func visitFault(pointer, message string) error {
	name := strings.ReplaceAll(pointer[1:], "/", ".") // profile.id, as a condition has it
	return &ValidationError{Faults: []Fault{{Pointer: pointer, Message: "the visit's " + name + " " + message}}}
}

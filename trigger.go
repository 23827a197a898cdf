package campaign

import "fmt"

// WebsiteTrigger is the first node of a campaign: which visits, by whom, start
// a run.
type WebsiteTrigger struct {
	// When is the condition that the visit has to meet. Required; for every
	// page it is PagePath.Exists().
	When Condition

	// Audience says whose visits count. It is decided after When. Zero means
	// known profiles only.
	Audience Audience
}

// Audience says whose visits start a campaign.
type Audience int

const (
	AudienceKnown Audience = iota // profiles that the host can identify; the zero value
	AudienceAll                   // every profile that has an ID, known or not
)

var audienceNames = []string{"known", "all"}

// String returns the audience as it is written in JSON.
func (a Audience) String() string {
	if a < 0 || int(a) >= len(audienceNames) {
		return fmt.Sprintf("Audience(%d)", int(a))
	}
	return audienceNames[a]
}

// admits reports whether a profile belongs to the audience.
func (a Audience) admits(p *Profile) bool {
	return p.ID != "" && (p.Known || a == AudienceAll)
}

func (t WebsiteTrigger) compile(fs *faults, p pointer) conditionProgram {
	if t.Audience < 0 || int(t.Audience) >= len(audienceNames) {
		fs.add(p.key("audience"), "is %v, which is no audience; use AudienceKnown or AudienceAll", t.Audience)
	}
	if afterParts(t.When, maxParts) < 0 {
		fs.add(p.key("when"), "has more than %d parts, or holds itself; make campaigns of it, or a list for an \"in\"", maxParts)
		return conditionProgram{}
	}
	return compileWithin(t.When, fs, p.key("when"), 0)
}

// maxParts bounds the size of a condition. One made in Go may hold another twice,
// which may hold a third one twice: with a hundred of them, no computer comes to
// the end.
const maxParts = 100_000

// afterParts takes the parts of a condition from how many there may be. It stops
// below zero.
func afterParts(c Condition, left int) int {
	var parts []Condition
	switch c := c.(type) {
	case All:
		parts = c
	case Any:
		parts = c
	case Not:
		parts = []Condition{c.Of}
	}
	left--
	for i := 0; i < len(parts) && left >= 0; i++ {
		left = afterParts(parts[i], left)
	}
	return left
}

// compileWithin compiles a condition that stands at p. The places in it begin
// anew: were they handed down by recursion, all of them would be on the heap.
func compileWithin(c Condition, fs *faults, p pointer, depth int) conditionProgram {
	before := len(*fs)
	t := compileCondition(c, fs, pointer{}, depth)
	(*fs)[before:].move(p)
	return t
}

func (d *decoder) trigger(n *jsonValue) WebsiteTrigger {
	var t WebsiteTrigger
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "type":
		case "audience":
			t.Audience = Audience(d.oneOf(x, audienceNames))
		case "when":
			t.When = d.condition(x, 0)
		default:
			return false
		}
		return true
	}, "type", "audience", "when")
	return t
}

func (w *jsonWriter) trigger(t WebsiteTrigger) {
	w.raw("{")
	w.member("type", "website_trigger")
	w.member("audience", t.Audience.String())
	w.name("when")
	if afterParts(t.When, maxParts) < 0 {
		w.fail("a condition of more than %d parts, or one that holds itself, has no JSON form", maxParts)
		return
	}
	w.condition(t.When)
	w.raw("}")
}

package campaign

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Explanation says why one campaign starts for a visit, or why not. It holds
// what the visit says of the profile, so it is for the eyes of those who may see
// that; secrets are not in it.
type Explanation struct {
	Campaign string // ID of the campaign
	Name     string

	// Reason is the verdict: why the campaign starts or does not.
	Reason Reason

	// Condition is what came of the trigger's condition, part by part. All
	// parts are decided, also those that an engine would not have to look at.
	// It is the zero Finding if the visit could not be read.
	Condition Finding

	Audience   Audience // of the trigger
	InAudience bool     // whether the visitor belongs to it

	// Until is the end of the cooldown that holds the profile back, and Left how
	// long that is from the visit on. Both are zero if there is none, and if
	// it is not known.
	Until time.Time
	Left  time.Duration

	// UntilErr says why the cooldown is not known: the Tracker is no
	// [CooldownReader], or panics. Nil means that Until is right.
	UntilErr error

	// Lacking are the fields of the payload that the visit does not carry, if Reason
	// is [ReasonNeedsProfile]: the engine's [ProfileSource] will be asked for them.
	Lacking []Field

	// Err is what is wrong with the visit if Reason is [ReasonBadVisit], and with
	// a field of the payload if it is [ReasonCannotRender]. Nil otherwise.
	Err error
}

// A Reason says, for programs, why a campaign starts for a visit or does not, or
// why its run failed.
type Reason string

// Why a campaign starts or does not: in an [Explanation], and those that keep it
// from starting in an [Outcome] too.
const (
	ReasonStarts         Reason = "starts"            // the webhooks would be sent
	ReasonBadVisit       Reason = "bad_visit"         // the visit cannot be used
	ReasonPaused         Reason = "paused"            // the campaign is paused
	ReasonCondition      Reason = "condition_not_met" // the condition does not hold
	ReasonUnknownProfile Reason = "unknown_profile"   // the visitor is not in the audience; Visit has no outcome for it if the condition depends on what a ProfileSource knows
	ReasonCoolingDown    Reason = "cooling_down"      // the profile is left alone
	ReasonCannotRender   Reason = "cannot_render"     // a required field is missing, or one cannot be written
	ReasonNeedsProfile   Reason = "needs_profile"     // the answer is the ProfileSource's, which Explain does not ask
	ReasonNeedsTracker   Reason = "needs_tracker"     // the answer is the Tracker's, which is no CooldownReader
)

// Why a run failed, in an [Outcome].
const (
	ReasonRejected      Reason = "rejected"       // the endpoint did not take the request
	ReasonUnreachable   Reason = "unreachable"    // nothing arrived at the endpoint
	ReasonUncertain     Reason = "uncertain"      // the endpoint may have taken the request
	ReasonTrackerFailed Reason = "tracker_failed" // Tracker.Enter returned an error
	ReasonProfileFailed Reason = "profile_failed" // the ProfileSource returned an error
	ReasonQueueFull     Reason = "queue_full"     // EngineOptions.QueueSize runs wait already
	ReasonCancelled     Reason = "cancelled"      // its context was done before the next webhook
	ReasonClosed        Reason = "closed"         // Close ended it before the next webhook
	ReasonPanicked      Reason = "panicked"       // the host's code panicked, or ended the goroutine
)

// A Finding is what came of one part of a condition.
type Finding struct {
	// Pointer is the JSON Pointer of the part in the campaign, such as
	// /nodes/0/when/all/1.
	Pointer string

	// Kind is "all", "any", "not" or "comparison".
	Kind string

	Holds bool // false as long as it is Open

	// Open says that neither is known: it depends on fields of the profile that
	// the visit does not carry and the engine's [ProfileSource] may know.
	Open bool

	// Of are the parts of an all, an any or a not.
	Of []Finding

	// Comparison is what was asked, if Kind is "comparison".
	Comparison Comparison

	// Found is what the comparison found, as it compares it: a text, a boolean,
	// a number, or a list of these, of a repeated query parameter too. What
	// nothing compares with prints as text, also in JSON: of a map it is the
	// type, of NaN and the infinities their name. Missing says that nothing was
	// there; then Found is nil, or prints what kept a name with dots from being
	// found, as profile.a does that of profile.a.b if it is a text, or what the
	// visit has in its place, as profile.Country for profile.country.
	Found   any
	Missing bool
}

// Explanations are one for each loaded campaign, in the order in which they
// were loaded.
type Explanations []Explanation

// Explain says for each loaded campaign what [Engine.Visit] would do with the
// visit, and why. It starts nothing, changes nothing, and asks no
// [ProfileSource]. What it therefore cannot know it leaves open: see
// [ReasonNeedsProfile]; and [ReasonNeedsTracker], for cooldowns of a Tracker that
// is no [CooldownReader]. A visit without a time is now.
//
// After [Engine.Close] it still says what Visit would do if the engine were open.
func (e *Engine) Explain(visit PageVisit) Explanations {
	late := setTime(&visit, time.Now())
	set := e.set.Load()
	all := make(Explanations, len(set.programs))
	for i, prog := range set.programs {
		all[i] = prog.explain(visit, e.until, late)
	}
	return all
}

// Explain says whether the campaign would start for the visit, and why, as
// [Engine.Explain] does, with no cooldown running. The error is a
// [*ValidationError] for a campaign that cannot be used.
func (c Campaign) Explain(visit PageVisit) (Explanation, error) {
	prog, err := c.compile()
	if err != nil {
		return Explanation{}, err
	}
	return prog.explain(visit, nil, nil), nil
}

// A cooldownEnd returns the end of the cooldown that holds a visit back, and
// whether there is one.
type cooldownEnd func(campaign string, visit *PageVisit) (until time.Time, closed bool, err error)

// explain is told what is wrong with the visit's time, since only who has a clock
// can say. As in Visit that is asked of a visit that meets the condition.
func (prog *program) explain(visit PageVisit, end cooldownEnd, late error) Explanation {
	x := Explanation{Campaign: prog.id, Name: prog.name, Audience: prog.audience}
	v := view{visit: visit}
	if err := v.read(); err != nil {
		x.Reason, x.Err = ReasonBadVisit, err
		return x
	}
	trigger := pointer{}.key("nodes").index(0)
	x.Condition = prog.when.explain(&v, trigger.key("when"), prog.asks)
	x.InAudience = prog.audience.admits(&visit.Profile)
	if end != nil && visit.Profile.ID != "" {
		until, closed, err := end(prog.id, &visit)
		if x.UntilErr = err; closed {
			x.Until, x.Left = until, until.Sub(visit.Time)
		}
	}
	open := prog.mayHold(&v) && prog.needsProfile(&v)
	switch {
	case prog.paused:
		x.Reason = ReasonPaused
	case late != nil && (open || prog.when.eval(&v)):
		x.Reason, x.Err = ReasonBadVisit, late
	case open && x.Until.IsZero():
		x.Reason, x.Lacking = ReasonNeedsProfile, prog.lacking(&v)
	case !x.Condition.Holds && !x.Condition.Open:
		x.Reason = ReasonCondition
	// Below, an open condition does not matter: it does not start either way.
	case !x.InAudience:
		x.Reason = ReasonUnknownProfile
	case !x.Until.IsZero():
		x.Reason = ReasonCoolingDown
	default:
		x.Reason, x.Err = prog.ready(&v, x.UntilErr)
	}
	return x
}

// ready says whether all that is left to go wrong does not. It runs the host's code,
// which is not for campaigns that do not start anyway.
func (prog *program) ready(v *view, untilErr error) (Reason, error) {
	if _, err := prog.render(nil, new(idRoom), v, false); err != nil {
		return ReasonCannotRender, err
	}
	if untilErr != nil { // only now: what is sure either way is worth more
		return ReasonNeedsTracker, nil
	}
	return ReasonStarts, nil
}

// lacking returns the fields of the payload that the source would be asked for.
func (prog *program) lacking(v *view) []Field {
	var fields []Field
	for _, f := range prog.sends {
		if v.lacks(f.name) && !slices.Contains(fields, f.field()) {
			fields = append(fields, f.field())
		}
	}
	return fields
}

// explain is eval that decides every part and keeps what it found. With a source
// it is evalOpen.
func (t *conditionProgram) explain(v *view, p pointer, source bool) Finding {
	f := Finding{Pointer: p.String()}
	if source {
		is := t.evalOpen(v)
		f.Holds, f.Open = is == yes, is == unknown
	} else {
		f.Holds = t.eval(v)
	}
	switch t.kind {
	case conditionCompare:
		f.Kind, f.Comparison = "comparison", t.cmp.def
		f.Comparison.Value = cloneValue(t.cmp.def.Value)
		value, ok := v.value(t.cmp.field)
		f.Found, f.Missing = seen(value), !ok
		if !ok {
			f.Found = v.inTheWay(t.cmp.field, t.cmp.def.Field)
			if f.Found == nil {
				f.Found = v.inItsPlace(t.cmp.field, t.cmp.def.Field)
			}
		}
		return f
	case conditionNot:
		f.Kind = "not"
		f.Of = []Finding{t.subs[0].explain(v, p.key("not"), source)}
		return f
	case conditionAll:
		f.Kind = "all"
	case conditionAny:
		f.Kind = "any"
	}
	group := p.key(f.Kind)
	for i := range t.subs {
		f.Of = append(f.Of, t.subs[i].explain(v, group.index(i), source))
	}
	return f
}

// String explains all campaigns, one after the other.
func (xs Explanations) String() string {
	if len(xs) == 0 {
		return "no campaign is loaded\n"
	}
	var b strings.Builder
	for i, x := range xs {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.String())
	}
	return b.String()
}

// String explains the campaign in a few lines for people.
func (x Explanation) String() string {
	var b strings.Builder
	b.WriteString(visibleLine(x.Campaign))
	if x.Name != "" {
		b.WriteString(" (" + visibleLine(x.Name) + ")")
	}
	b.WriteString(": " + x.verdict() + "\n")
	if x.Reason == ReasonBadVisit {
		return b.String()
	}
	x.Condition.write(&b, 1, !x.Condition.Holds && !x.Condition.Open, x.open())
	if x.InAudience {
		writeLine(&b, 1, answerYes, x.audience())
	} else {
		writeLine(&b, 1, answerNo, x.audience()+": "+x.outside()+markWrong)
	}
	switch {
	case x.UntilErr != nil:
		writeLine(&b, 1, answerOpen, "cooldown: not known; "+inText(x.UntilErr))
	case !x.Until.IsZero():
		writeLine(&b, 1, answerNo, "cooldown: "+x.cooldown()+markWrong)
	}
	for _, f := range x.Lacking {
		writeLine(&b, 1, answerOpen, "payload, "+visibleLine(string(f))+": "+x.open())
	}
	return b.String()
}

// open is what is said of a field that only the source can know. A visit that
// something else decides never gets as far as the source; one that has to wait
// for a cooldown does if the condition is open.
func (x Explanation) open() string {
	if x.Reason == ReasonNeedsProfile || x.Reason == ReasonCoolingDown && x.Condition.Open {
		return "not in the visit; the profile source will be asked"
	}
	return "not in the visit; the profile source would be asked"
}

func (x Explanation) cooldown() string {
	if milliOf(x.Until) >= endOfTimeMilli {
		return "left alone for good" // a date in the year 9999 says that to nobody
	}
	return "left alone for " + showLeft(x.Left) + " more, until " + x.Until.UTC().Format(time.RFC3339)
}

// showLeft writes a duration as people tell it: in days, and without the seconds
// where there are any. It is never nothing, as something is left.
func showLeft(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d.Round(time.Second), time.Second)
	if d >= day {
		d = d.Round(time.Minute)
	}
	var parts []string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.of; n > 0 {
			parts = append(parts, strconv.Itoa(int(n))+unit.name)
		}
		d %= unit.of
	}
	return strings.Join(parts, " ")
}

func (x Explanation) verdict() string {
	switch x.Reason {
	case ReasonStarts:
		return "starts"
	case ReasonBadVisit:
		return "does not start: " + inText(x.Err)
	case ReasonPaused:
		return "does not start: the campaign is paused"
	case ReasonNeedsProfile:
		return "starts or does not: that depends on what the profile source knows"
	case ReasonNeedsTracker:
		return "starts or does not: that depends on the cooldown, which is not known"
	case ReasonCondition:
		return "does not start: the visit does not meet the condition"
	case ReasonUnknownProfile:
		return "does not start: the visitor is not in the audience"
	case ReasonCoolingDown:
		return "does not start: the profile is left alone"
	case ReasonCannotRender:
		return "does not send: " + inText(x.Err)
	}
	return string(x.Reason)
}

// inText returns the text of an error as a part of a line: it may name a field, and a
// field of a definition may have any characters in its name.
func inText(err error) string {
	return visibleLine(strings.TrimPrefix(err.Error(), "campaign: "))
}

func (x Explanation) audience() string {
	if x.Audience == AudienceAll {
		return "audience: every profile with an ID"
	}
	return "audience: known profiles"
}

// outside says why the visitor is not in the audience. Forgetting Known is a slip
// that nothing else tells of: the zero Profile is an anonymous visitor.
func (x Explanation) outside() string {
	if x.Audience == AudienceAll {
		return "the profile has no ID"
	}
	return "the profile is not known (Profile.Known is false)"
}

// write writes a line for each part. wrong says that f would have to come out
// the other way for the condition to hold. The comparisons of which that is true
// are marked: in a nest, yes and NO do not tell them, as below a not they mean
// the opposite, and what does not hold beside an alternative that does is no
// matter. Of those that are open nobody knows that: open is said of them.
func (f Finding) write(b *strings.Builder, depth int, wrong bool, open string) {
	if f.Kind != "comparison" {
		writeLine(b, depth, f.answer(), map[string]string{"all": "all of", "any": "at least one of", "not": "not"}[f.Kind])
		for _, sub := range f.Of {
			// In a group the parts that came out as the whole did made it so.
			made := f.Kind == "not" || sub.Holds == f.Holds
			sub.write(b, depth+1, wrong && made && !sub.Open, open)
		}
		return
	}
	text := visibleLine(string(f.Comparison.Field)) + " " + string(f.Comparison.Op)
	if f.Comparison.Op != OpExists {
		asked, _ := f.shown()
		text += " " + asked
	}
	if f.Comparison.IgnoreCase {
		text += " (ignoring case)"
	}
	if f.Open {
		text += ": " + open
	} else {
		text += ": " + f.found() + f.alike()
	}
	if wrong {
		text += markWrong
	}
	writeLine(b, depth, f.answer(), text)
}

const markWrong = "  <- this is why"

// The answers are equally wide: writeLine writes them in a column of their own,
// where a reader finds the one that is wrong.
const (
	answerYes  = "yes"
	answerNo   = "NO "
	answerOpen = "?  "
)

func (f Finding) answer() string {
	switch {
	case f.Open:
		return answerOpen
	case f.Holds:
		return answerYes
	}
	return answerNo
}

func writeLine(b *strings.Builder, depth int, answer, text string) {
	b.WriteString("  " + answer + strings.Repeat("  ", depth) + text + "\n")
}

// Package backtest runs campaigns over recorded visits, in the visits' own time
// and without sending anything: what would have started, for whom, and what
// would have kept it from starting.
//
//	report, err := backtest.Run(ctx, campaigns, visits, nil)
//	fmt.Print(report)
//
// It decides by the same code as production: [Run] drives a [campaign.Engine]
// with a Tracker of its own, which forgets nothing, and a Sender that accepts
// all and sends nothing. [Comparison] sets the reports of two versions side by
// side.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/hybridcampaign/campaign"
)

// Options are the options of [Run]. The zero value is useful.
type Options struct {
	// FailureRate is the share of requests, from 0 to 1, that are taken to be
	// rejected by the endpoint, after all attempts. As in production a run whose
	// first request fails keeps its profile waiting for the FailureTimeout only,
	// and one that fails later for the whole RestartTimeout. Zero means that all
	// are delivered.
	FailureRate float64

	// Seed chooses which requests fail, together with the delivery ID of each:
	// the same visits with the same seed fail in the same places. Zero is a
	// seed like any other.
	Seed uint64

	// Samples is how many runs of each campaign the report keeps with their
	// requests: the first ones. They hold personal data. Zero means none.
	Samples int

	// Location is the time zone in which the report counts hours. Nil means UTC.
	Location *time.Location

	// Profiles is the ProfileSource that the production engine has, if it has
	// one. What it knows of a profile is of today, and not of the visit's time.
	// Nil means that the visits carry all there is.
	Profiles campaign.ProfileSource

	// OnBad is told of each visit that cannot be used, before the next visit is
	// taken from the sequence. Nil means that nobody is; the report counts them
	// in any case.
	OnBad func(bad BadVisit, visit campaign.PageVisit)
}

// keptBad is how many bad visits a report shows.
const keptBad = 5

// Run takes the visits one after the other through the campaigns, and returns
// what became of them. It calls nothing but visits and what the options name.
// The memory that it needs grows with the profiles that the campaigns reach, a
// few dozen bytes for each campaign and profile, and with the hours in which
// they do; not with the visits.
//
// The next visit is taken once the one before is decided. So the sequence can
// count, show progress, and know which line of a log a bad visit came from; and
// what it cannot read at all is for it to report or to leave out.
//
// Visits are judged by their own time, in the order in which they come, as by an
// engine: one that comes late is held back by a cooldown that ends after it, even
// if that began after it. However late it comes, the answer is the same each
// time, where a [campaign.MemoryTracker] may have forgotten what ended more than
// five minutes before the newest visit. Report.Late says how many were late;
// sort the log if they should not be.
//
// A visit without a time is a bad visit, as there is no now in a log, and so is
// one whose time is of a year that RFC 3339 does not have, or more than 24 hours ahead
// of the clock. So is one that an engine refuses: of a known profile without an ID, say.
//
// The error is a [*campaign.ValidationError] if the campaigns cannot be used, or
// says which option cannot; then there is no report. It is ctx's error if ctx
// was done before Run was, also where the sequence ended by itself, as ctx may be
// why it did; then the report is on the visits until then. Several calls may run
// at the same time.
func Run(ctx context.Context, campaigns []campaign.Campaign, visits iter.Seq[campaign.PageVisit], options *Options) (*Report, error) {
	var o Options
	if options != nil {
		o = *options
	}
	r, err := newRunner(campaigns, &o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if visits == nil {
		return nil, errors.New("backtest: the visits are nil; pass an iter.Seq, such as slices.Values(visits)")
	}
	for visit := range visits {
		if err := ctx.Err(); err != nil {
			return r.report(), err
		}
		if err := r.visit(ctx, visit); err != nil {
			return r.report(), err
		}
	}
	// A sequence that reads under ctx ends with it, and then has not given all.
	return r.report(), ctx.Err()
}

// A runner is a backtest under way. What the sender does on goroutines of the
// engine is over when Engine.Visit returns; nothing else runs at the same time.
type runner struct {
	options   *Options
	engine    *campaign.Engine
	source    *source // nil without Options.Profiles
	cooldowns *cooldowns
	campaigns []*tally
	byID      map[string]*tally
	absent    *absent

	rep     Report
	newest  time.Time
	oldest  time.Time
	latest  time.Time // no visit may be later
	visited int       // visits taken from the sequence
}

func newRunner(campaigns []campaign.Campaign, o *Options) (*runner, error) {
	switch {
	case !(o.FailureRate >= 0 && o.FailureRate <= 1): // this way round it finds NaN
		return nil, fmt.Errorf("backtest: the FailureRate is %v; give a share from 0 to 1", o.FailureRate)
	case o.Samples < 0:
		return nil, fmt.Errorf("backtest: Samples is %d; give how many runs to keep, or 0 for none", o.Samples)
	}
	r := &runner{options: o, cooldowns: newCooldowns(), byID: make(map[string]*tally, len(campaigns))}
	engineOptions := campaign.EngineOptions{Tracker: r.cooldowns}
	if o.Profiles != nil {
		r.source = &source{from: o.Profiles}
		engineOptions.Profiles = r.source
	}
	var err error
	if r.engine, err = campaign.NewEngine(r.sender(), &engineOptions); err != nil {
		return nil, err
	}
	if err := r.engine.Load(campaigns...); err != nil {
		return nil, err
	}
	for _, c := range campaigns {
		t, err := newTally(c, r.source)
		if err != nil {
			return nil, err
		}
		r.campaigns = append(r.campaigns, t)
		r.byID[c.ID] = t
	}
	r.absent, err = newAbsent(campaigns, r.source)
	return r, err
}

// close ends what a ProfileSource may still be doing, and waits for no more than
// a moment: no run is left.
func (r *runner) close() {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.engine.Close(done) // its error tells of nothing but done
}

// visit takes one visit through the engine. The error is ctx's; then the visit
// is not counted, as the end of ctx may be what it came to.
func (r *runner) visit(ctx context.Context, v campaign.PageVisit) error {
	r.visited++
	if fault := r.faultOf(v.Time); fault != "" {
		r.bad(&campaign.ValidationError{Faults: []campaign.Fault{{Pointer: "/time", Message: fault}}}, v)
		return nil
	}
	outcomes, err := r.engine.Visit(ctx, v)
	if err == nil && len(outcomes) == 0 {
		r.seen(v.Time)
		return r.absent.look(v)
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if err != nil {
		r.bad(err, v)
		return nil
	}
	r.seen(v.Time)
	for i := range outcomes {
		r.count(&outcomes[i], v)
	}
	return r.absent.look(v)
}

// faultOf returns what keeps a backtest from using a visit's time, or nothing.
func (r *runner) faultOf(at time.Time) string {
	switch year := at.UTC().Year(); {
	case at.IsZero():
		return "the visit's time is missing; a backtest needs the time at which the page was seen: set PageVisit.Time before the visit is logged"
	case year < 1 || year > 9999:
		// One such time would keep the whole report from being written as JSON.
		return "the visit's time is not in the years 1 to 9999; pass the time at which the page was seen"
	case at.After(r.latest):
		// Asked anew only here: the clock has gone on since.
		if r.latest = time.Now().Add(maxAhead); at.After(r.latest) {
			return "the visit's time is more than 24 hours ahead of the clock; pass the time at which the page was seen"
		}
	}
	return ""
}

// maxAhead is how far ahead of the clock a visit may be that an engine takes. Here it
// may not be further if it meets no condition either: a wrong clock would be the newest
// time of the whole report, and all others late.
const maxAhead = 24 * time.Hour

func (r *runner) bad(err error, v campaign.PageVisit) {
	bad := BadVisit{Number: r.visited, Err: err}
	r.rep.Bad++
	if len(r.rep.FirstBad) < keptBad {
		r.rep.FirstBad = append(r.rep.FirstBad, bad)
	}
	if r.options.OnBad != nil {
		r.options.OnBad(bad, v)
	}
}

// seen notes that a visit could be used.
func (r *runner) seen(at time.Time) {
	r.rep.Visits++
	switch {
	case r.rep.Visits == 1:
		r.oldest, r.newest = at, at
	case at.Before(r.newest):
		r.rep.Late++
		if at.Before(r.oldest) {
			r.oldest = at
		}
	default:
		r.newest = at
	}
}

// count counts what became of one campaign for a visit.
func (r *runner) count(out *campaign.Outcome, v campaign.PageVisit) {
	t := r.byID[out.Campaign]
	t.rep.Matched++
	switch out.Status {
	case campaign.Delivered:
		r.started(t, out, v.Time)
		t.rep.Delivered++
		r.cooldowns.reach(out.Campaign, out.Profile)
		return
	case campaign.CoolingDown:
		t.coolingDown++
		return
	case campaign.UnknownProfile:
		t.unknown++
		return
	}
	if out.Reason == campaign.ReasonRejected { // nobody else rejects
		r.started(t, out, v.Time)
		t.rep.Failed++
		return
	}
	t.rep.HeldBack[out.Reason]++
	if out.Reason == campaign.ReasonCannotRender {
		t.missing.count(v)
	}
	if t.rep.FirstError == "" && out.Err != nil && !errors.Is(out.Err, campaign.ErrMissingField) {
		t.rep.FirstError = out.Err.Error()
	}
}

// started counts a run whose first request went out.
func (r *runner) started(t *tally, out *campaign.Outcome, at time.Time) {
	t.rep.Started++
	t.hours[hourOf(at, r.location())]++
	if len(t.pending) > 0 {
		t.rep.Samples = append(t.rep.Samples, Sample{Time: at, Profile: out.Profile, Requests: t.pending})
		t.pending = nil
	}
}

func (r *runner) location() *time.Location {
	if r.options.Location == nil {
		return time.UTC
	}
	return r.options.Location
}

// hourOf returns the beginning of the hour of a time by the clock of a place,
// in seconds since 1970. Not everywhere is that a whole number of hours.
func hourOf(at time.Time, where *time.Location) int64 {
	const hour = 3600
	_, offset := at.In(where).Zone()
	local := at.Unix() + int64(offset)
	past := (local%hour + hour) % hour
	return local - past - int64(offset)
}

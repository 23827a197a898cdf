package campaign

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Deciding: from the campaigns that a visit met to runs, which hold nothing
// but rendered requests. Visit and Enqueue differ only in who executes a run.

// maxParallel bounds how many campaigns of one visit run at the same time.
const maxParallel = 16

// decide takes the visit through the campaigns of hits. v does not escape: it is
// copied to the heap only where a profile has to be loaded first.
func (e *Engine) decide(ctx context.Context, v *view, set *campaignSet, hits []int32, queued bool) ([]Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // before a look at the clock, which costs as much as the match
	}
	d := decision{engine: e, ctx: ctx, queued: queued, started: time.Now()}
	_, fast := e.tracker.(*MemoryTracker)
	d.slow = !queued && (!fast || len(hits) > 1)
	if err := e.begin(ctx, &v.visit, d.started); err != nil {
		return nil, err
	}
	defer e.end()
	if len(hits) == 1 {
		return d.decideOne(set.programs[hits[0]], v), nil
	}
	ends := make([]result, len(hits))
	var room [4]*run
	runs := room[:0]
	// Host code may end this goroutine. What has been entered is not lost then.
	defer func() { e.exitEach(runs) }()
	for i, hit := range hits {
		if r := d.decide(set.programs[hit], v, &ends[i]); r != nil {
			e.register(r)
			runs = append(runs, r)
		}
	}
	begun := runs
	runs = nil
	if len(begun) > 0 {
		e.executeAll(begun)
	}
	outcomes := make([]Outcome, len(ends))
	for i := range ends {
		outcomes[i] = ends[i].outcome[0]
	}
	return withoutUnmet(outcomes), nil
}

// decideOne is all of decide for a visit that met one campaign, as most do that meet
// any: its outcome need not be copied.
func (d *decision) decideOne(prog *program, v *view) []Outcome {
	end := new(result)
	if r := d.decide(prog, v, end); r != nil {
		d.engine.register(r)
		d.engine.execute(r)
	}
	return withoutUnmet(end.outcome[:])
}

// executeAll executes the runs of a Visit at the same time.
func (e *Engine) executeAll(runs []*run) {
	if len(runs) == 1 {
		e.execute(runs[0])
		return
	}
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for _, r := range runs {
		group.Go(func() error {
			e.execute(r)
			return nil
		})
	}
	_ = group.Wait() // the outcomes say what failed
}

// withoutUnmet removes campaigns that had to wait for a profile only to find
// their condition not met: of those Visit does not speak.
func withoutUnmet(outcomes []Outcome) []Outcome {
	some := false
	for i := range outcomes {
		some = some || outcomes[i].Status == ConditionNotMet
	}
	if !some {
		return outcomes // without copying each
	}
	kept := slices.DeleteFunc(outcomes, func(o Outcome) bool { return o.Status == ConditionNotMet })
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// A decision is one visit on its way through the campaigns that it met.
type decision struct {
	engine  *Engine
	ctx     context.Context
	queued  bool
	started time.Time
	slow    bool // code of the host may have its time before the first webhook

	parent context.Context // of the runs
	open   *openVisit      // shared by the campaigns that need the profile
}

// decide decides one campaign. It returns the run that the caller has to
// execute, or nil if the outcome is all there is.
func (d *decision) decide(prog *program, v *view, end *result) *run {
	out := &end.outcome[0]
	decided := false
	defer func() {
		if !decided { // the host's code ends this goroutine
			out.exited()
			d.tell(out)
		}
	}()
	out.Campaign, out.Profile = prog.id, v.visit.Profile.ID
	var r *run
	switch {
	case d.engine.stopped.Load(): // after another campaign, or before the first
		d.engine.cut.Store(true)
		out.fail(ReasonClosed, &stepError{"not begun", ErrClosed})
	case !prog.audience.admits(&v.visit.Profile):
		out.Status, out.Reason = UnknownProfile, ReasonUnknownProfile
	case prog.needsProfile(v):
		r = d.postpone(prog, v, end)
	default:
		r = d.enter(prog, v, end)
	}
	decided = true
	if r != nil {
		return d.take(r, out)
	}
	d.tell(out)
	return nil
}

// take gives the run to the queue, or back to the caller.
func (d *decision) take(r *run, out *Outcome) *run {
	if !d.queued {
		return r
	}
	out.Status = Queued
	// Told before it is pushed: the other way round, the Observer could hear
	// how the run ended before it hears that there is one. Pushed in any case,
	// even if the Observer ends this goroutine.
	defer d.engine.push(r)
	if d.engine.tells() { // without, push is at once, and registers it under one lock
		d.engine.announce(r)
	}
	d.tell(out)
	return nil
}

func (d *decision) tell(out *Outcome) {
	out.Duration = time.Since(d.started)
	d.engine.report(d.ctx, out)
}

// enter starts the cooldown and renders the requests.
func (d *decision) enter(prog *program, v *view, end *result) *run {
	e, out := d.engine, &end.outcome[0]
	entry := entryOf(prog, v.visit.Profile.ID, v.visit.Time)
	if !e.enter(d.ctx, entry, out) {
		return nil
	}
	rendered := false
	var place *lane
	defer func() {
		if rendered {
			return
		}
		if place != nil {
			e.unreserve(place)
		}
		out.exited()
		e.reopenWithin(d.ctx, prog, entry, out)
	}()
	if d.queued {
		if place = e.reserve(prog.id); place == nil {
			out.Status, out.Reason = Refused, ReasonQueueFull
			return nil
		}
	}
	r := d.newRun(prog, v, end)
	r.lane, r.entered = place, true
	if err := e.render(r, v); err != nil {
		out.fail(reasonOr(err, ReasonCannotRender), err)
		return nil
	}
	rendered = true
	return r
}

// postpone makes a run that is decided once the profile is known. Nothing is
// entered: a cooldown that began without the source's answer would be lost if
// there is none.
func (d *decision) postpone(prog *program, v *view, end *result) *run {
	e, out := d.engine, &end.outcome[0]
	if prog.when.evalOpen(v) == yes {
		// Most visits of a profile in cooldown need not ask for it.
		if until, closed := e.peek(prog.id, &v.visit); closed {
			out.Status, out.Reason, out.Until = CoolingDown, ReasonCoolingDown, until
			return nil
		}
	}
	var place *lane
	if d.queued {
		if place = e.reserve(prog.id); place == nil {
			out.Status, out.Reason = Refused, ReasonQueueFull
			return nil
		}
	}
	if d.open == nil {
		d.open = &openVisit{view: *v}
		if d.queued {
			if err := e.detach(&d.open.view.visit); err != nil {
				e.unreserve(place)
				d.open = nil
				out.fail(ReasonPanicked, err)
				return nil
			}
		}
	}
	r := d.newRun(prog, v, end)
	r.lane, r.open = place, d.open
	return r
}

// newRun returns a run that ends in a result, unless it is queued.
func (d *decision) newRun(prog *program, v *view, end *result) *run {
	if d.parent == nil {
		d.parent = d.ctx
		if d.queued {
			d.parent = context.WithoutCancel(d.ctx)
		}
	}
	r := d.engine.newRun(d.parent, prog, &v.visit, d.started, end, d.queued)
	r.slow = d.slow
	return r
}

func entryOf(prog *program, profile string, visited time.Time) Entry {
	return Entry{
		Campaign: prog.id,
		Profile:  profile,
		Time:     visited,
		Timeout:  prog.stop.restart(),
	}
}

// enter starts the cooldown, or says in out why not.
func (e *Engine) enter(ctx context.Context, entry Entry, out *Outcome) bool {
	until, entered, err := e.trackerEnter(ctx, entry)
	if err != nil {
		out.fail(e.notEntered(ctx, err))
		return false
	}
	if entry.Timeout != Immediately || !entered {
		out.Until = until
	}
	if !entered {
		out.Status, out.Reason = CoolingDown, ReasonCoolingDown
	}
	return entered
}

// notEntered says why a run ends of which the Tracker returned an error. One that
// only says that the context is done has not failed.
func (e *Engine) notEntered(ctx context.Context, err error) (Reason, error) {
	if done := ctx.Err(); done != nil && errors.Is(err, done) {
		return e.cancelled(ctx, err)
	}
	return reasonOr(err, ReasonTrackerFailed), &stepError{"the tracker failed, nothing was sent", err}
}

// reopened returns the end to which a run that surely delivered nothing cuts its
// cooldown, and whether that is sooner than its own.
func reopened(prog *program, entry Entry) (until time.Time, sooner bool) {
	if entry.Timeout == Immediately {
		return time.Time{}, false // nothing was kept
	}
	short := entry
	short.Timeout = prog.stop.failure()
	until = short.Until()
	return until, until.Before(entry.Until())
}

// reopen gives the cooldown back after a run that surely delivered nothing. It
// does so even if the visit's own context is over, which often is why the run
// failed.
func (e *Engine) reopen(ctx context.Context, prog *program, entry Entry, out *Outcome) {
	until, sooner := reopened(prog, entry)
	if !sooner {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reopenTimeout)
	defer cancel()
	err := errExited // if the Tracker ends the goroutine
	defer func() {
		if err != nil {
			out.join(&stepError{"the cooldown could not be given back", err})
			return
		}
		out.Until = until
	}()
	err = e.trackerReopen(ctx, entry, until)
}

const (
	// reopenTimeout bounds a Tracker that lives elsewhere.
	reopenTimeout = 5 * time.Second

	// reopenGrace is how long a decision waits for it when its context is over.
	reopenGrace = 50 * time.Millisecond
)

// reopenWithin is reopen for a decision, which ctx bounds, as whoever asked for it
// has a page to show. A Tracker that is slow goes on behind it; Close waits for
// that.
func (e *Engine) reopenWithin(ctx context.Context, prog *program, entry Entry, out *Outcome) {
	if _, ok := e.tracker.(*MemoryTracker); ok || ctx.Done() == nil {
		e.reopen(ctx, prog, entry, out)
		return
	}
	answer := *out
	done := make(chan struct{})
	e.track()
	go func() {
		defer e.untrack()
		defer close(done)
		e.reopen(ctx, prog, entry, &answer)
	}()
	select {
	case <-done:
		*out = answer
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(reopenGrace)
	defer timer.Stop()
	select {
	case <-done:
		*out = answer
	case <-timer.C:
		out.join(&stepError{"the cooldown is still being given back", ctx.Err()})
	}
}

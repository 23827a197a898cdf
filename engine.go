package campaign

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// An Engine runs campaigns: visits go in, webhooks go out. Make one with
// [NewEngine]. All its methods may be called at the same time.
type Engine struct {
	sender  Sender
	tracker Tracker

	set    atomic.Pointer[campaignSet] // never nil
	closed atomic.Bool                 // set under mu; read without it where a late answer does no harm

	mu      sync.Mutex
	running int           // calls that may send
	idle    chan struct{} // closed when running falls to zero after Close; nil before Close
}

// EngineOptions are the options of an [Engine]. The zero value is useful.
type EngineOptions struct {
	// Tracker keeps the cooldowns. Nil means a new [MemoryTracker]. Engines
	// that serve the same profiles share one.
	Tracker Tracker
}

// NewEngine returns an engine without campaigns that delivers through sender.
// The options are copied; nil means the zero value. It fails without a sender.
func NewEngine(sender Sender, options *EngineOptions) (*Engine, error) {
	if sender == nil {
		return nil, errors.New("campaign: NewEngine needs a Sender; use httpsender.Sender, or campaigntest.Recorder in tests")
	}
	var o EngineOptions
	if options != nil {
		o = *options
	}
	if o.Tracker == nil {
		o.Tracker = new(MemoryTracker)
	}
	e := &Engine{sender: sender, tracker: o.Tracker}
	e.set.Store(newCampaignSet(nil))
	return e, nil
}

// Load checks the campaigns and puts them in the place of all that were loaded
// before, in one step: each visit sees the old set or the new one. Cooldowns
// stay, by campaign ID. The engine keeps nothing of what was passed.
//
// The error is a [*ValidationError] that lists all faults of all campaigns;
// then nothing has changed.
func (e *Engine) Load(campaigns ...Campaign) error {
	programs, err := compileAll(campaigns)
	if err != nil {
		return err
	}
	set := newCampaignSet(programs)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return ErrClosed
	}
	e.set.Store(set)
	return nil
}

// Visit decides what the visit starts, delivers it, and waits for that. It
// returns one outcome for each campaign whose condition the visit met, in the
// order in which they were loaded, or nil if there is none. Campaigns run at the
// same time; the webhooks of one go out in order.
//
// A failed delivery is an outcome, not an error. The error is a
// [*ValidationError] for a visit that cannot be used, [ErrClosed], or ctx's
// error if ctx was done before anything began; then nothing was started.
func (e *Engine) Visit(ctx context.Context, visit PageVisit) ([]Outcome, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	v := view{visit: visit}
	if err := v.read(); err != nil {
		return nil, err
	}
	set := e.set.Load()
	var room [16]int32
	hits := set.match(room[:0], &v)
	if len(hits) == 0 {
		return nil, nil
	}
	// From here on the visit is on the heap. The many visits that match nothing
	// never pay for that.
	programs := make([]*program, len(hits))
	for i, hit := range hits {
		programs[i] = set.programs[hit]
	}
	return e.start(ctx, &runner{view: v}, programs)
}

// Test sends the webhooks of one loaded campaign for a sample visit, for real:
// its condition, its audience and the cooldown are set aside, and no cooldown
// begins. The requests carry the header [TestHeader] and delivery IDs of their
// own, and the outcome says that it is a test.
//
// The error is a [*ValidationError] for a visit that cannot be used,
// [ErrUnknownCampaign], [ErrClosed], or ctx's error if ctx was done before
// anything began.
func (e *Engine) Test(ctx context.Context, campaignID string, visit PageVisit) (Outcome, error) {
	if e.closed.Load() {
		return Outcome{}, ErrClosed
	}
	prog := e.set.Load().byID[campaignID]
	if prog == nil {
		return Outcome{}, ErrUnknownCampaign
	}
	r := &runner{view: view{visit: visit}}
	if err := r.view.read(); err != nil {
		return Outcome{}, err
	}
	if err := e.begin(ctx, &r.view.visit); err != nil {
		return Outcome{}, err
	}
	defer e.end()
	out := Outcome{Campaign: prog.id, Profile: visit.Profile.ID, Test: true}
	requests, err := r.render(prog, true)
	if err != nil {
		out.fail(err)
		return out, nil
	}
	e.deliver(ctx, requests, &out)
	return out, nil
}

// Close stops taking visits and waits until those that were taken are finished,
// or until ctx is done, and then returns ctx's error. After Close, Load, Visit
// and Test return [ErrClosed]. Close may be called again.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed.Store(true)
	if e.idle == nil {
		e.idle = make(chan struct{})
		if e.running == 0 {
			close(e.idle)
		}
	}
	idle := e.idle
	e.mu.Unlock()
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("campaign: closed before all runs were finished: %w", ctx.Err())
	}
}

// A runner is a visit on its way through campaigns.
type runner struct {
	view view
}

// begin settles the visit's time and registers a call that may send. Each call
// that succeeds is followed by one of end.
func (e *Engine) begin(ctx context.Context, visit *PageVisit) error {
	if err := setTime(visit); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return ErrClosed
	}
	e.running++
	return nil
}

func (e *Engine) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running--
	if e.running == 0 && e.idle != nil {
		close(e.idle)
	}
}

// setTime gives a visit without a time the present, and refuses one that is too
// far ahead: it would keep the cooldowns of others from ever being forgotten, or
// let them be forgotten too early.
func setTime(visit *PageVisit) error {
	now := time.Now()
	switch {
	case visit.Time.IsZero():
		visit.Time = millis(now)
	case visit.Time.Sub(now) > maxAhead:
		return visitFault("/time", "is more than 24 hours ahead of the clock; pass the time at which the page was seen")
	}
	return nil
}

// maxParallel bounds how many campaigns of one visit run at the same time.
const maxParallel = 16

// start runs the campaigns that the visit has matched.
func (e *Engine) start(ctx context.Context, r *runner, hits []*program) ([]Outcome, error) {
	if err := e.begin(ctx, &r.view.visit); err != nil {
		return nil, err
	}
	defer e.end()
	outcomes := make([]Outcome, len(hits))
	if len(hits) == 1 {
		outcomes[0] = e.run(ctx, hits[0], r)
		return outcomes, nil
	}
	// Each run reads the visit through a view of its own: views remember.
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for i, prog := range hits {
		group.Go(func() error {
			own := *r
			outcomes[i] = e.run(ctx, prog, &own)
			return nil
		})
	}
	return outcomes, group.Wait()
}

// run takes one profile through one campaign.
func (e *Engine) run(ctx context.Context, prog *program, r *runner) Outcome {
	profile := &r.view.visit.Profile
	out := Outcome{Campaign: prog.id, Profile: profile.ID}
	if !prog.audience.admits(profile) {
		out.Status = UnknownProfile
		return out
	}
	entry := Entry{
		Campaign: prog.id,
		Profile:  profile.ID,
		Time:     r.view.visit.Time,
		Timeout:  prog.stop.restart(),
	}
	until, entered, err := e.enter(ctx, entry)
	if err != nil {
		out.fail(err)
		return out
	}
	if entry.Timeout != Immediately || !entered {
		out.Until = until
	}
	if !entered {
		out.Status = CoolingDown
		return out
	}
	requests, err := r.render(prog, false)
	if err != nil {
		out.fail(err)
		e.reopen(ctx, prog, entry, &out)
		return out
	}
	if e.deliver(ctx, requests, &out) {
		e.reopen(ctx, prog, entry, &out)
	}
	return out
}

// deliver sends the requests in order and stops at the first that is not
// delivered. It reports whether surely nothing was delivered.
func (e *Engine) deliver(ctx context.Context, requests []Request, out *Outcome) (nothing bool) {
	for i := range requests {
		r := &requests[i]
		if err := ctx.Err(); err != nil {
			out.fail(fmt.Errorf("campaign: not sent: %w", err))
			out.Node = r.Node
			return len(out.Deliveries) == 0
		}
		response, err := e.send(ctx, r)
		if err != nil {
			out.fail(err)
			out.Node = r.Node
			return len(out.Deliveries) == 0 && verdictOf(err) != Uncertain
		}
		out.Deliveries = append(out.Deliveries, delivery(r, response))
	}
	out.Status = Delivered
	return false
}

func delivery(r *Request, response *Response) Delivery {
	d := Delivery{ID: r.ID, Node: r.Node, Attempts: 1}
	if response != nil {
		d.Status = response.Status
		d.Attempts = max(1, response.Attempts)
	}
	return d
}

func (o *Outcome) fail(err error) {
	o.Status, o.Err = Failed, err
}

// reopen gives the cooldown back after a run that surely delivered nothing. It
// does so even if the visit's own context is over, which often is why the run
// failed.
func (e *Engine) reopen(ctx context.Context, prog *program, entry Entry, out *Outcome) {
	if entry.Timeout == Immediately {
		return // nothing was kept
	}
	short := entry
	short.Timeout = prog.stop.failure()
	until := short.Until()
	if !until.Before(entry.Until()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reopenTimeout)
	defer cancel()
	if err := e.trackerReopen(ctx, entry, until); err != nil {
		out.Err = errors.Join(out.Err, fmt.Errorf("campaign: the cooldown could not be given back: %w", err))
		return
	}
	out.Until = until
}

// reopenTimeout bounds a Tracker that lives elsewhere.
const reopenTimeout = 5 * time.Second

// The calls into the host's own code. A panic there becomes an error, which
// counts as uncertain: nobody knows how far the code had come.

func (e *Engine) enter(ctx context.Context, entry Entry) (until time.Time, entered bool, err error) {
	defer recovered("Tracker.Enter", &err)
	until, entered, err = e.tracker.Enter(ctx, entry)
	if err != nil {
		return until, false, fmt.Errorf("campaign: the tracker failed, nothing was sent: %w", err)
	}
	return until, entered, nil
}

func (e *Engine) trackerReopen(ctx context.Context, entry Entry, until time.Time) (err error) {
	defer recovered("Tracker.Reopen", &err)
	return e.tracker.Reopen(ctx, entry, until)
}

func (r *runner) render(prog *program, test bool) (requests []Request, err error) {
	defer recovered("a value of the visit", &err)
	return prog.render(&r.view, test)
}

func (e *Engine) send(ctx context.Context, r *Request) (response *Response, err error) {
	defer recovered("Sender.Send", &err)
	response, err = e.sender.Send(ctx, r)
	if err != nil || response == nil || response.Status == 0 {
		return response, err
	}
	// A sender that passes an answer through without looking at its status
	// has delivered only if that says so.
	verdict, ok := VerdictForStatus(response.Status)
	if ok {
		return response, nil
	}
	return nil, &DeliveryError{
		Verdict:  verdict,
		Endpoint: r.Endpoint(),
		Status:   response.Status,
		Attempts: max(1, response.Attempts),
	}
}

// recovered turns a panic into an error. It tells the kind of the value that was
// passed to panic, never the value, which may hold anything.
func recovered(where string, err *error) {
	value := recover()
	if value == nil {
		return
	}
	what := fmt.Sprintf("a value of type %T", value)
	if e, ok := value.(runtime.Error); ok {
		what = e.Error()
	}
	*err = fmt.Errorf("campaign: panic in %s with %s, at %s", where, what, stackHead())
}

// stackHead names the functions nearest to a panic, without their arguments.
func stackHead() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var head []string
	for more := true; more && len(head) < 3; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "" || strings.HasPrefix(f.Function, "runtime.") {
			continue
		}
		head = append(head, fmt.Sprintf("%s (line %d)", f.Function, f.Line))
	}
	return strings.Join(head, ", ")
}

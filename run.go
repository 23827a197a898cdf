package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"
)

// A run is one profile's passage through one campaign. It is the context of
// what it calls, too, which saves making one for each.
type run struct {
	runContext

	prog     *program
	profile  string     // its ID
	visited  int64      // the visit's time, in Unix milliseconds
	requests []Request  // what is sent
	room     [1]Request // where it stands, if it is one
	headers  [2]Header  // and where its headers stand, if they are few
	open     *openVisit // what is to be decided first; nil if all is

	// result has how the run ended, and undelivered says that surely nothing was
	// delivered. They belong to the goroutine that executes the run; when it has
	// released the run, the result belongs to the caller of Visit, who may change it.
	result      *result
	undelivered bool
	queued      bool
	test        bool
	slow        bool // code of the host had its time before the first webhook

	// Guarded by the mutex of runContext. Once somebody has taken it upon them to
	// report the run, byClose, maybeSent and node are how Close names it.
	node       int32      // the webhook that is being sent, or that failed
	deliveries []Delivery // so far
	ended      *Outcome   // how it ends, once nothing more is sent
	sending    bool       // Send has been called
	entering   bool       // the Tracker has been asked whether it may begin, and has not answered
	entered    bool       // a cooldown began with this run, or Immediately
	asked      bool       // the Tracker has been asked to take the cooldown back, and ended has what came of it
	claimed    bool       // somebody has taken it upon them to report the run
	byClose    bool       // the run ended because of Close
	maybeSent  bool

	// Guarded by Engine.mu.
	prev, next *run  // in Engine.runs
	later      *run  // in the lane
	lane       *lane // nil if the run is not queued
	announcing bool  // the Logger and the Observer are told that it is queued, and hear of no end before
	released   bool
}

// Format writes no more than what it is: printed with its fields, the context of a Sender
// would show a URL, a body and a profile.
func (*run) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "campaign.run") }

// A result is how a campaign ends for a visit, with room for the delivery of a run and
// the ID of that, if it is one. It is made before it is known whether there is a run:
// each for itself would cost a quarter of what it takes to render a request, and an
// outcome that moves to where the others are as much as a cooldown.
type result struct {
	outcome  [1]Outcome // a slice of which is what a Visit returns
	delivery [1]Delivery
	id       idRoom
}

// out is how the run ends.
func (r *run) out() *Outcome { return &r.result.outcome[0] }

// newRun returns a run that ends in a result. That of a queued one is its own, which
// begins as what its caller is told.
func (e *Engine) newRun(ctx context.Context, prog *program, visit *PageVisit, started time.Time, end *result, queued bool) *run {
	var r *run
	if queued {
		both := new(struct {
			run
			own result
		})
		r = &both.run
		r.result, r.queued = &both.own, true
		*r.out() = end.outcome[0]
	} else {
		r = new(run) // not with its result, which may be kept for long
		r.result = end
	}
	r.prog, r.profile, r.visited = prog, visit.Profile.ID, visit.Time.UnixMilli()
	r.parent, r.started, r.within = ctx, started, e.runTimeout
	return r
}

// entry is what the Tracker is told of the run.
func (r *run) entry() Entry { return entryOf(r.prog, r.profile, time.UnixMilli(r.visited).UTC()) }

// runList is a list of runs that lets go of one without a search.
type runList struct{ first *run }

func (l *runList) add(r *run) {
	r.next = l.first
	if l.first != nil {
		l.first.prev = r
	}
	l.first = r
}

func (l *runList) remove(r *run) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

// register makes the run one that Close waits for, and names.
func (e *Engine) register(r *run) {
	e.mu.Lock()
	e.addRun(r)
	stopped := e.stopped.Load()
	e.mu.Unlock()
	if stopped {
		r.cancel()
	}
}

// addRun is register with e.mu held. Close ends a run that comes so late, and has
// to name it, though it has come too late for its list.
func (e *Engine) addRun(r *run) {
	e.runs.add(r)
	if e.stopped.Load() {
		e.late = append(e.late, r)
	}
}

// announce registers a run whose outcome Queued is about to be told: its cooldown
// runs, and host code that takes its time must not hide it from Close.
func (e *Engine) announce(r *run) {
	r.announcing = true // nobody else knows the run yet
	e.register(r)
}

// release lets go of a run that has been reported.
func (e *Engine) release(r *run) {
	r.end()
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.released {
		return
	}
	r.released = true
	e.runs.remove(r)
	e.queue.release(r)
	e.noticeEnd()
}

// execute takes the run to its end and reports it. It does so even if the
// host's code ends the goroutine.
func (e *Engine) execute(r *run) {
	returned := false
	defer func() {
		if !returned {
			e.exited(r)
		}
		e.finish(r)
	}()
	if r.queued || r.slow {
		e.limit(r)
	}
	if r.open != nil && !e.prepare(r) {
		r.undelivered = true
	} else {
		e.deliver(r)
	}
	returned = true
}

// limit sets the deadline of a run that had to wait until it could begin, for its turn or
// for a Tracker. The others have it from when they were made.
func (e *Engine) limit(r *run) {
	waited := time.Since(r.started)
	r.mu.Lock()
	r.within = waited + min(e.runTimeout, math.MaxInt64-waited) // the longest ones would wrap around
	r.mu.Unlock()
}

// exited is how a run ends whose goroutine was ended by the host's code.
func (e *Engine) exited(r *run) {
	r.out().fail(ReasonPanicked, errExited)
	r.mu.Lock()
	r.out().Node, r.out().DeliveryID = int(r.node), r.sendingID()
	r.undelivered = !r.mayHaveSent()
	if r.sending {
		r.out().Attempts++
	}
	r.mu.Unlock()
}

var errExited = errors.New("campaign: the host's code ended the goroutine (runtime.Goexit) before it returned")

// finish reports how the run ended, once, and what became of its cooldown. If
// Close was first, what the run has learned since is told to nobody but the
// caller of Visit.
func (e *Engine) finish(r *run) {
	defer e.release(r)
	defer e.tellEnd(r)
	if r.entered && r.undelivered && r.decideEnd() {
		defer r.answered()
		e.reopen(r.parent, r.prog, r.entry(), r.out())
	}
}

// answered says what the Tracker has made of the cooldown: Close may still be
// first to report the run.
func (r *run) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := *r.out()
	r.ended, r.asked = &out, true
}

// decideEnd says that the run ends as out says, with nothing delivered: a Tracker may
// take its time to take the cooldown back, and Close may report the run in the
// meantime. It returns false if Close has reported the run as being sent, which
// keeps its cooldown then, as reported.
func (r *run) decideEnd() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed && r.sending {
		return false
	}
	out := *r.out()
	r.ended, r.sending = &out, false
	return true
}

// tellEnd reports how the run ended, unless Close has.
func (e *Engine) tellEnd(r *run) {
	r.out().Duration = time.Since(r.started)
	byClose := e.stopped.Load() && errors.Is(r.out().Err, ErrClosed) // asks code of the host, so without the lock
	if !r.claim(byClose) {
		return
	}
	if r.out().Status == ConditionNotMet && !r.queued {
		return // nobody was told that there is a run
	}
	e.report(r.parent, r.out())
}

// drop says that the run ends before it has begun.
func (r *run) drop() {
	r.out().fail(ReasonClosed, &stepError{"not begun", ErrClosed})
	r.undelivered = true
	r.decideEnd()
}

// abandon ends a run that was never begun.
func (e *Engine) abandon(r *run) {
	r.drop()
	e.finish(r)
}

// exitEach ends all of the runs, which the host's code has kept from beginning,
// even if it ends the goroutine once more in between, which ends every loop.
func (e *Engine) exitEach(runs []*run) {
	if len(runs) == 0 {
		return
	}
	defer e.exitEach(runs[1:])
	e.exited(runs[0])
	e.finish(runs[0])
}

// claim takes the right to report the run, which has ended. Whoever has it reports;
// nothing is sent that has not been begun by then.
func (r *run) claim(byClose bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed {
		return false
	}
	r.claimed, r.byClose, r.maybeSent, r.node = true, byClose, !r.undelivered, int32(r.out().Node)
	return true
}

// takeOver claims the run for Close, and returns how that reports it. Both in one
// step: the deliveries of a run that has been reported belong to the caller of
// Visit.
func (r *run) takeOver() (out Outcome, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed {
		return Outcome{}, false
	}
	out = r.hung()
	r.claimed, r.byClose, r.maybeSent, r.node = true, out.Status != Delivered, r.mayHaveSent(), int32(out.Node)
	return out, true
}

// sendingID returns the ID of the request that is being sent, or was and has failed, or
// "". r.mu is held.
func (r *run) sendingID() string {
	if r.sending {
		for i := range r.requests {
			if r.requests[i].Node == int(r.node) {
				return r.requests[i].ID
			}
		}
	}
	return ""
}

// mayHaveSent reports whether an endpoint may have received something. r.mu is held.
func (r *run) mayHaveSent() bool { return r.sending || len(r.deliveries) > 0 }

// unfinished is how Close names the run, if it has ended it. Somebody has claimed it.
func (r *run) unfinished() (u UnfinishedRun, byClose bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return UnfinishedRun{
		Campaign: r.prog.id, Profile: r.profile, Node: int(r.node), DeliveryID: r.sendingID(), MaybeSent: r.maybeSent,
	}, r.byClose
}

// step says which webhook is sent next. It fails if the run was interrupted, and
// with ErrClosed if Close has already reported that it is not sent.
func (r *run) step(node int) error {
	err := r.interrupted() // may ask code of the host, so without the lock
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		return err
	case r.claimed, r.closing:
		return ErrClosed
	}
	r.node, r.sending = int32(node), true
	return nil
}

func (r *run) delivered(d Delivery) {
	r.mu.Lock()
	switch n := len(r.requests); {
	case r.deliveries != nil:
	case n > 1:
		r.deliveries = make([]Delivery, 0, n)
	default:
		r.deliveries = r.result.delivery[:0]
	}
	r.deliveries = append(r.deliveries, d)
	if !r.claimed { // or it is named as it was then
		r.sending, r.node = false, 0
		if n := len(r.deliveries); n < len(r.requests) {
			r.node = int32(r.requests[n].Node)
		}
	}
	r.mu.Unlock()
	r.out().Deliveries = r.deliveries
	r.out().Attempts += d.Attempts
}

// prepare decides what could not be decided when the visit came: it loads the
// profile, tests the condition, starts the cooldown and renders. It reports
// whether there is something to send.
func (e *Engine) prepare(r *run) bool {
	r.slow = true
	if err := r.interrupted(); err != nil {
		r.out().fail(e.cancelled(r, err))
		return false
	}
	// Each run reads the visit through a view of its own: views remember.
	v := r.open.view
	if r.prog.needsProfile(&v) {
		fields, err := r.open.load(e, r)
		if err != nil {
			r.out().fail(e.notLoaded(r, err))
			return false
		}
		v.loaded = fields
	}
	if !r.test && !e.enterLate(r, &v) {
		return false
	}
	if err := e.render(r, &v); err != nil {
		r.out().fail(reasonOr(err, ReasonCannotRender), err)
		return false
	}
	return true
}

// notLoaded says why a run ends that waited for the profile in vain. If it could
// wait no longer, the source has not failed.
func (e *Engine) notLoaded(r *run, err error) (Reason, error) {
	if done := r.Err(); done != nil && errors.Is(err, done) {
		return e.cancelled(r, err)
	}
	return reasonOr(err, ReasonProfileFailed), e.closing(r, &stepError{"the profile could not be loaded, nothing was sent", err})
}

func (e *Engine) enterLate(r *run, v *view) bool {
	if !r.prog.when.eval(v) {
		r.out().Status, r.out().Reason = ConditionNotMet, ReasonCondition
		return false
	}
	r.mu.Lock()
	r.entering = true
	r.mu.Unlock()
	entered := e.enter(r, r.entry(), r.out())
	r.mu.Lock()
	r.entering, r.entered = false, entered
	r.mu.Unlock()
	return entered
}

// deliver sends the requests in order and stops at the first that is not
// delivered.
func (e *Engine) deliver(r *run) {
	for i := range r.requests {
		request := &r.requests[i]
		var err error
		if i > 0 || r.slow {
			err = r.Err()
		}
		if err == nil {
			err = r.step(request.Node)
		}
		if err != nil {
			r.out().fail(e.cancelled(r, err))
			r.out().Node = request.Node
			r.undelivered = len(r.out().Deliveries) == 0
			return
		}
		response, err := e.send(r, request)
		if err != nil {
			verdict := verdictOf(err)
			r.out().fail(reasonOr(err, reasonOf(verdict)), e.closing(r, err))
			r.out().Node = request.Node
			if n := attemptsOf(err); n > 0 {
				r.out().Attempts += n
				r.out().DeliveryID = request.ID
			}
			r.undelivered = len(r.out().Deliveries) == 0 && verdict != Uncertain
			return
		}
		r.delivered(delivery(request, response))
	}
	r.out().Status, r.out().Reason = Delivered, ""
}

// cancelled says why nothing more is sent: ctx is done, with err, or Close was
// first.
func (e *Engine) cancelled(ctx context.Context, err error) (Reason, error) {
	if err == ErrClosed || e.hasEnded(ctx) {
		return ReasonClosed, &stepError{"not sent", ErrClosed}
	}
	return ReasonCancelled, &stepError{"not sent", err}
}

// hasEnded reports whether Close has ended ctx: this engine's, as the host may have
// ended it with another's. It asks the cause nothing: one of the host's own may be a
// nil pointer with methods that panic.
func (e *Engine) hasEnded(ctx context.Context) bool {
	return e.stopped.Load() && context.Cause(ctx) == ErrClosed
}

// closing adds to an error that Close had ended the run, so that a caller can
// tell what an endpoint did from what the engine did.
func (e *Engine) closing(r *run, err error) error {
	if r.Err() == nil || !e.hasEnded(r) {
		return err
	}
	return &errorPair{err, ErrClosed}
}

func delivery(r *Request, response *Response) Delivery {
	d := Delivery{ID: r.ID, Node: r.Node, Attempts: 1}
	if response != nil {
		d.Status = response.Status
		d.Attempts = max(1, response.Attempts)
	}
	return d
}

func attempts(ds []Delivery) int {
	n := 0
	for _, d := range ds {
		n += d.Attempts
	}
	return n
}

// attemptsOf returns how often a request was sent that was not delivered. None is
// an answer: a Sender may leave an endpoint alone for a while.
func attemptsOf(err error) int {
	if de, ok := errors.AsType[*DeliveryError](err); ok {
		return max(0, de.Attempts)
	}
	return 1
}

// hung is how Close reports a run that has not returned: from the outside. r.mu is
// held.
func (r *run) hung() Outcome {
	out := r.soFar()
	out.Duration = time.Since(r.started)
	entry := r.entry()
	if r.entering && entry.Timeout != Immediately {
		out.join(&stepError{"the Tracker has not answered, and may have begun the cooldown", ErrClosed})
	}
	if r.asked || !r.entered || entry.Timeout == Immediately {
		return out
	}
	out.Until = entry.Until()
	if _, back := reopened(r.prog, entry); back && !r.mayHaveSent() {
		out.join(&stepError{"the cooldown could not be given back in time", ErrClosed})
	}
	return out
}

// soFar is how a run ends that has not returned. r.mu is held.
func (r *run) soFar() Outcome {
	if r.ended != nil {
		return *r.ended
	}
	out := Outcome{Campaign: r.prog.id, Profile: r.profile, Test: r.test}
	out.Deliveries = slices.Clone(r.deliveries)
	out.Node = int(r.node)
	out.Attempts = attempts(r.deliveries)
	switch n := len(r.deliveries); {
	case r.sending:
		out.Attempts++
		out.DeliveryID = r.sendingID()
		out.fail(ReasonUncertain, &stepError{"the Sender has not returned, the cooldown is kept", ErrClosed})
	case n > 0 && n == len(r.requests):
		out.Status = Delivered
	default:
		out.fail(ReasonClosed, &stepError{"the run has not returned", ErrClosed})
	}
	return out
}

// A runContext is the context of a run: it ends with its parent, at the
// deadline, with the run, or by cancel. Contexts that can end cost half a
// microsecond and seven allocations, and not every Sender asks for Done; so the
// real ones are made when somebody asks. They ask the parent, which may be of the
// host's own making, so no lock is held while they are made, or end.
type runContext struct {
	parent  context.Context
	started time.Time     // when the visit was taken
	within  time.Duration // of that; when it is over

	mu      sync.Mutex
	real    context.Context // nil until somebody asks
	stop    context.CancelCauseFunc
	timer   context.CancelFunc
	over    bool // the run has ended
	closing bool // Close has ended it
}

func (c *runContext) deadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started.Add(c.within)
}

// Deadline implements [context.Context].
func (c *runContext) Deadline() (time.Time, bool) {
	own := c.deadline()
	if d, ok := c.parent.Deadline(); ok && d.Before(own) {
		return d, true
	}
	return own, true
}

// Done implements [context.Context].
func (c *runContext) Done() <-chan struct{} { return c.make().Done() }

// Err implements [context.Context].
func (c *runContext) Err() error {
	if err := c.interrupted(); err != nil || time.Since(c.started) < c.within {
		return err
	}
	if err := c.make().Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded // its timer is about to say so
}

// interrupted is Err without a look at the clock, which costs as much as a lock
// or two, for when the run has only begun.
func (c *runContext) interrupted() error {
	c.mu.Lock()
	known := c.real != nil || c.over || c.closing
	c.mu.Unlock()
	if !known && c.parent.Err() == nil {
		return nil
	}
	return c.make().Err()
}

// Value implements [context.Context]. [context.Cause] comes here too, once Err has an
// error, so the real context has to answer if there is one.
func (c *runContext) Value(key any) any {
	c.mu.Lock()
	real := c.real
	c.mu.Unlock()
	if real == nil {
		real = c.parent
	}
	return real.Value(key)
}

// make returns the real context, which it makes if there is none.
func (c *runContext) make() context.Context {
	c.mu.Lock()
	real, deadline := c.real, c.started.Add(c.within)
	c.mu.Unlock()
	if real != nil {
		return real
	}
	real, stop := context.WithCancelCause(c.parent)
	real, timer := context.WithDeadline(real, deadline)
	c.mu.Lock()
	if other := c.real; other != nil { // somebody was faster
		c.mu.Unlock()
		stop(nil)
		timer()
		return other
	}
	c.real, c.stop, c.timer = real, stop, timer
	over, closing := c.over, c.closing
	c.mu.Unlock()
	if closing {
		stop(ErrClosed)
	}
	if over {
		stop(nil)
		timer()
	}
	return real
}

// cancel ends the context because of Close.
func (c *runContext) cancel() {
	c.mu.Lock()
	c.closing = true
	stop := c.stop
	c.mu.Unlock()
	if stop != nil {
		stop(ErrClosed)
	}
}

// end ends the context with its run.
func (c *runContext) end() {
	c.mu.Lock()
	c.over = true
	stop, timer := c.stop, c.timer
	c.mu.Unlock()
	if stop != nil {
		stop(nil)
		timer()
	}
}

package campaign

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A run is one profile's passage through one campaign. It is the context of
// what it calls, too, which saves making one for each.
type run struct {
	runContext

	prog     *program
	visited  time.Time  // the visit's time
	requests []Request  // what is sent
	room     [1]Request // where it stands, if it is one
	open     *openVisit // what is to be decided first; nil if all is
	started  time.Time  // when the visit was taken
	slot     int32      // index of the outcome that Visit returns
	queued   bool
	waited   bool // for its turn, behind others of its visit
	test     bool

	// out is how the run ended, and nothing says that surely nothing was
	// delivered. They belong to the goroutine that executes the run, and after
	// it to whoever has seen released. Campaign and profile never change.
	out     Outcome
	nothing bool

	// Guarded by the mutex of runContext.
	node       int        // the webhook that is being sent
	sending    bool       // Send has been called
	deliveries []Delivery // so far
	entered    bool       // a cooldown began with this run, or Immediately
	claimed    bool       // somebody has taken it upon them to report the run
	ended      *Outcome   // how it ends, once nothing more is sent
	asked      bool       // the Tracker has been asked to take the cooldown back, and ended has what came of it

	// Guarded by Engine.mu.
	prev, next *run  // in Engine.runs
	later      *run  // in the lane
	lane       *lane // nil if the run is not queued
	announcing bool  // the Logger and the Observer are told that it is queued, and hear of no end before
	released   bool
}

func newRun(ctx context.Context, prog *program, visit *PageVisit, started time.Time) *run {
	r := &run{prog: prog, started: started}
	r.parent = ctx
	r.out.Campaign, r.out.Profile = prog.id, visit.Profile.ID
	r.visited = visit.Time
	return r
}

// entry is what the Tracker is told of the run.
func (r *run) entry() Entry { return entryOf(r.prog, r.out.Profile, r.visited) }

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
	e.runs.add(r)
	stopped := e.stopped
	e.mu.Unlock()
	if stopped {
		r.cancel(ErrClosed)
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
	e.settle()
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
	begun := r.started
	if r.queued || r.waited { // the others need not look at the clock again
		begun = time.Now()
	}
	r.limit(begun.Add(e.runTimeout))
	if r.open != nil && !e.prepare(r) {
		r.nothing = true
	} else {
		e.deliver(r)
	}
	returned = true
}

// exited is how a run ends whose goroutine was ended by the host's code.
func (e *Engine) exited(r *run) {
	r.out.fail(ReasonPanicked, errExited)
	r.mu.Lock()
	r.out.Node = r.node
	r.nothing = !r.sending
	if r.sending {
		r.out.Attempts++
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
	if r.entered && r.nothing && r.settle() {
		defer r.answered()
		e.reopen(r.parent, r.prog, r.entry(), &r.out)
	}
}

// answered says what the Tracker has made of the cooldown: Close may still be
// first to report the run.
func (r *run) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.out
	r.ended, r.asked = &out, true
}

// settle says that the run ends as out says, with nothing delivered: a Tracker may
// take its time to take the cooldown back, and Close may report the run in the
// meantime. It returns false if Close has reported the run as being sent, which
// keeps its cooldown then, as reported.
func (r *run) settle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed && r.sending {
		return false
	}
	out := r.out
	r.ended, r.sending = &out, false
	return true
}

// tellEnd reports how the run ended, unless Close has.
func (e *Engine) tellEnd(r *run) {
	if claimed, _ := r.claim(); !claimed {
		return
	}
	r.out.Duration = time.Since(r.started)
	if r.out.Status == ConditionNotMet && !r.queued {
		return // nobody was told that there is a run
	}
	e.report(r.parent, &r.out)
}

// drop says that the run ends before it has begun.
func (r *run) drop() {
	r.out.fail(ReasonClosed, &stepError{"not begun", ErrClosed})
	r.nothing = true
	r.settle()
}

// abandon ends a run that was never begun.
func (e *Engine) abandon(r *run) {
	r.drop()
	e.finish(r)
}

// abandonEach abandons all of the runs, even if the host's code ends the
// goroutine in between, which ends every loop.
func (e *Engine) abandonEach(runs []*run) {
	if len(runs) == 0 {
		return
	}
	defer e.abandonEach(runs[1:])
	e.abandon(runs[0])
}

// claim takes the right to report the run. Who has it reports; nothing is sent
// that has not been begun by then. sending says whether something has.
func (r *run) claim() (ok, sending bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed {
		return false, r.sending
	}
	r.claimed = true
	return true, r.sending
}

// step says which webhook is sent next. It returns false if Close has already
// reported that it is not.
func (r *run) step(node int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed {
		return false
	}
	r.node, r.sending = node, true
	return true
}

func (r *run) delivered(d Delivery) {
	r.mu.Lock()
	r.deliveries = append(r.deliveries, d)
	r.mu.Unlock()
	r.out.Deliveries = r.deliveries
	r.out.Attempts += d.Attempts
}

// prepare decides what could not be decided when the visit came: it loads the
// profile, tests the condition, starts the cooldown and renders. It reports
// whether there is something to send.
func (e *Engine) prepare(r *run) bool {
	if err := r.interrupted(); err != nil {
		r.out.fail(cancelled(r, err))
		return false
	}
	// Each run reads the visit through a view of its own: views remember.
	v := r.open.view
	if r.prog.needsProfile(&v) {
		fields, err := r.open.load(e, r)
		if err != nil {
			r.out.fail(reasonOr(err, ReasonProfileFailed), r.closing(&stepError{"the profile could not be loaded, nothing was sent", err}))
			return false
		}
		v.loaded = fields
	}
	if !r.test && !e.enterLate(r, &v) {
		return false
	}
	if err := e.render(r, &v); err != nil {
		r.out.fail(reasonOr(err, ReasonCannotRender), err)
		return false
	}
	return true
}

func (e *Engine) enterLate(r *run, v *view) bool {
	if !r.prog.when.eval(v) {
		r.out.Status, r.out.Reason = ConditionNotMet, ReasonCondition
		return false
	}
	entered := e.enter(r, r.entry(), &r.out)
	r.mu.Lock()
	r.entered = entered
	r.mu.Unlock()
	return entered
}

// deliver sends the requests in order and stops at the first that is not
// delivered.
func (e *Engine) deliver(r *run) {
	for i := range r.requests {
		request := &r.requests[i]
		err := r.interrupted()
		if i > 0 {
			err = r.Err()
		}
		if err != nil || !r.step(request.Node) {
			r.out.fail(cancelled(r, err))
			r.out.Node = request.Node
			r.nothing = len(r.out.Deliveries) == 0
			return
		}
		response, err := e.send(r, request)
		if err != nil {
			verdict := verdictOf(err)
			r.out.fail(reasonOr(err, reasonOf(verdict)), r.closing(err))
			r.out.Node = request.Node
			r.out.Attempts += attemptsOf(err)
			r.nothing = len(r.out.Deliveries) == 0 && verdict != Uncertain
			return
		}
		r.delivered(delivery(request, response))
	}
	r.out.Status, r.out.Reason = Delivered, ""
}

// cancelled says why nothing more is sent once ctx is done, with err; nil if Close
// was first.
func cancelled(ctx context.Context, err error) (Reason, error) {
	if err == nil || errors.Is(context.Cause(ctx), ErrClosed) {
		return ReasonClosed, &stepError{"not sent", ErrClosed}
	}
	return ReasonCancelled, &stepError{"not sent", err}
}

// closing adds to an error that Close had ended the run, so that a caller can
// tell what an endpoint did from what the engine did.
func (r *run) closing(err error) error {
	if r.Err() == nil || !errors.Is(context.Cause(r), ErrClosed) {
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

// hung is how Close reports a run that has not returned: from the outside.
func (r *run) hung(sending bool) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.soFar()
	out.Duration = time.Since(r.started)
	entry := r.entry()
	if r.asked || !r.entered || entry.Timeout == Immediately {
		return out
	}
	out.Until = entry.Until()
	if _, back := reopened(r.prog, entry); back && !sending {
		out.join(&stepError{"the cooldown could not be given back in time", ErrClosed})
	}
	return out
}

// soFar is how a run ends that has not returned. r.mu is held.
func (r *run) soFar() Outcome {
	if r.ended != nil {
		return *r.ended
	}
	out := Outcome{Campaign: r.out.Campaign, Profile: r.out.Profile, Test: r.test}
	out.Deliveries = slices.Clone(r.deliveries)
	out.Node = r.node
	out.Attempts = attempts(r.deliveries)
	if r.sending {
		out.Attempts++
		out.fail(ReasonUncertain, &stepError{"the Sender has not returned, the cooldown is kept", ErrClosed})
	} else {
		out.fail(ReasonClosed, &stepError{"the run has not returned", ErrClosed})
	}
	return out
}

// A runContext is the context of a run: it ends with its parent, at the
// deadline, with the run, or by cancel. Contexts that can end cost half a
// microsecond and seven allocations, and not every Sender asks for Done; so the
// real ones are made when somebody asks.
type runContext struct {
	parent   context.Context
	deadline time.Time // zero until the run begins

	mu    sync.Mutex
	real  context.Context // nil until somebody asks
	stop  context.CancelCauseFunc
	timer context.CancelFunc
	over  bool // the run has ended
}

// limit sets the deadline. Nobody but Close has asked the context by then.
func (c *runContext) limit(deadline time.Time) {
	c.mu.Lock()
	c.deadline = deadline
	c.mu.Unlock()
}

// Deadline implements [context.Context].
func (c *runContext) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done implements [context.Context].
func (c *runContext) Done() <-chan struct{} { return c.make().Done() }

// Err implements [context.Context].
func (c *runContext) Err() error {
	if err := c.interrupted(); err != nil || time.Now().Before(c.deadline) {
		return err
	}
	return c.make().Err()
}

// interrupted is Err without a look at the clock, which costs as much as a lock
// or two, for when the run has only begun.
func (c *runContext) interrupted() error {
	c.mu.Lock()
	known := c.real != nil || c.over
	c.mu.Unlock()
	if !known && c.parent.Err() == nil {
		return nil
	}
	return c.make().Err()
}

// Value implements [context.Context]. [context.Cause] comes here too, so the
// real context has to answer if there is one.
func (c *runContext) Value(key any) any {
	c.mu.Lock()
	real := c.real
	c.mu.Unlock()
	if real == nil {
		real = c.parent
	}
	return real.Value(key)
}

func (c *runContext) make() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.makeLocked()
}

func (c *runContext) makeLocked() context.Context {
	if c.real != nil {
		return c.real
	}
	c.real, c.stop = context.WithCancelCause(c.parent)
	if !c.deadline.IsZero() {
		c.real, c.timer = context.WithDeadline(c.real, c.deadline)
	}
	c.endLocked()
	return c.real
}

// cancel ends the context because of cause.
func (c *runContext) cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makeLocked()
	c.stop(cause)
}

// end ends the context with its run.
func (c *runContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.endLocked()
}

// endLocked ends the real context if there is one and the run is over.
func (c *runContext) endLocked() {
	if !c.over || c.real == nil {
		return
	}
	c.stop(nil)
	if c.timer != nil {
		c.timer()
	}
}

package campaign

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Close stops taking visits and finishes what was taken, the queue included.
// After Close, Load, Visit, Enqueue and Test return [ErrClosed]; when it has
// returned nil, no goroutine of the engine is left.
//
// When ctx is done first, Close takes the runs that have not begun out of the
// queue and gives their cooldowns back, ends the contexts of those under way,
// with ErrClosed as their cause, and waits a tenth of a second for them, and up
// to a second for a Tracker that is slow to take the cooldowns of the queue
// back. What has not returned even then is reported without it: as uncertain, and
// with its cooldown kept, if its webhook was being sent; and if the Tracker has
// not taken its cooldown back, with an error that says so. The Tracker is still
// asked to, behind Close, as long as the process lives. Close returns a
// [*CloseError] that names the runs that it ended.
//
// The Observer hears of each run before Close returns, one after the other. But
// when the Logger or the Observer has not returned for a second from being told
// of one, Close returns without it; the Observer hears of the rest behind Close,
// if it ever returns. A run that one of them is still being told to be [Queued] is
// named, and ends behind Close as well: the Observer hears of it in order.
//
// Close may be called again, and at the same time; each call waits, and what one of
// them ends, that one tells: nil says that nothing is left. It must not be called from a
// Sender, an Observer or other code that the engine calls.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed.Store(true)
	e.noticeEnd()
	e.mu.Unlock()
	select {
	case <-e.gone:
		return nil
	default:
	}
	select {
	case <-e.gone:
		return nil
	case <-ctx.Done():
		return e.stop(ctx)
	}
}

const (
	// closeGrace is how long Close waits for runs whose context it has ended.
	closeGrace = 100 * time.Millisecond

	// abandonGrace is how long it waits, longer, for a Tracker that lives
	// elsewhere to take the cooldowns of the queue back.
	abandonGrace = time.Second

	// reportGrace is how long it waits for the Logger and the Observer to hear
	// of one run. For one and not for all: of a thousand runs, an Observer that
	// returns is to hear in full.
	reportGrace = time.Second

	// reportPasses is how often Close looks for runs that came while it told the
	// host of others.
	reportPasses = 4

	// abandoners is how many goroutines give cooldowns back at the same time.
	abandoners = 16
)

// stop ends what is left.
func (e *Engine) stop(ctx context.Context) error {
	e.mu.Lock()
	e.stopped.Store(true)
	var left []*run
	listed := make(map[*run]bool)
	for r := e.runs.first; r != nil; r = r.next {
		left = append(left, r)
		listed[r] = true
	}
	slices.Reverse(left) // the oldest first
	abandoned, first := e.queue.abandoned, e.queue.abandoned == nil
	if first {
		abandoned = &abandonment{engine: e, runs: e.queue.clear(), done: make(chan struct{})}
		e.queue.abandoned = abandoned
		e.goroutines += abandoned.goroutines() // all at once: none may be the last before the next begins
	}
	e.mu.Unlock()
	for _, r := range left {
		r.cancel()
	}
	e.cancelBase(ErrClosed) // after the runs, which would take the source's answer to it for a failure
	if first {
		abandoned.start()
	}
	e.wait(e.gone, closeGrace)
	e.wait(abandoned.done, abandonGrace)
	late := 0
	known := append(left, e.lateFrom(&late, listed)...)
	var unfinished []UnfinishedRun
	reported, gone := 0, false
	for range reportPasses {
		unfinished = append(unfinished, e.reportLeft(known[reported:])...)
		reported = len(known)
		gone = isClosed(e.gone) // before the next look: nothing comes after it
		if known = append(known, e.lateFrom(&late, listed)...); len(known) == reported {
			break
		}
	}
	if gone && len(unfinished) == 0 && len(known) == reported && !e.cut.Load() {
		return nil // all returned in time after all
	}
	return &CloseError{Runs: unfinished, Err: ctx.Err()}
}

// lateFrom returns the runs that came after a call of Close had given up, but for those
// that are listed, and those that it has returned before: as many as next says, which
// it moves on.
func (e *Engine) lateFrom(next *int, listed map[*run]bool) []*run {
	e.mu.Lock()
	defer e.mu.Unlock()
	late := slices.Clone(e.late[*next:])
	*next = len(e.late)
	return slices.DeleteFunc(late, func(r *run) bool { return listed[r] })
}

// wait waits for done or for so long, whichever comes first.
func (e *Engine) wait(done <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-e.gone:
	case <-done:
	case <-timer.C:
	}
}

// An abandonment ends the runs that were taken out of the queue.
type abandonment struct {
	engine *Engine
	runs   []*run
	next   atomic.Int64
	left   atomic.Int64  // counts down from zero
	done   chan struct{} // closed when all are reported
}

// start begins with it, in the background.
func (a *abandonment) start() {
	if len(a.runs) == 0 {
		close(a.done)
	}
	for _, r := range a.runs {
		r.drop() // now, as for some the turn may come too late
	}
	for range a.goroutines() {
		go a.one()
	}
}

func (a *abandonment) goroutines() int { return min(abandoners, len(a.runs)) }

// one finishes one run and starts its own successor: a loop would end with the
// goroutine, which the host's code may end.
func (a *abandonment) one() {
	defer a.engine.untrack()
	i := int(a.next.Add(1)) - 1
	if i >= len(a.runs) {
		return
	}
	defer func() {
		a.engine.track()
		go a.one()
		if a.left.Add(-1) == -int64(len(a.runs)) {
			close(a.done)
		}
	}()
	a.engine.finish(a.runs[i])
}

// reportLeft reports the runs that have not returned, and names those that Close
// has ended.
func (e *Engine) reportLeft(left []*run) []UnfinishedRun {
	// One at a time: what another call of Close is about to report is reported
	// when this one returns.
	e.reporting <- struct{}{}
	defer func() { <-e.reporting }()
	e.track() // before a run is claimed, as its end holds up no other call of Close from then on
	var unfinished []UnfinishedRun
	var hung []hungRun
	for _, r := range left {
		u, ended := e.unfinished(r, &hung)
		if ended {
			unfinished = append(unfinished, u)
		}
	}
	e.tellHung(hung)
	return unfinished
}

// A hungRun is a run that is to be reported though it has not returned.
type hungRun struct {
	run *run
	out Outcome
}

// tellHung reports the runs, and waits until that is done or one takes too long.
// It does so on a goroutine of its own, which has been counted: an Observer that
// never returns would hold Close for ever on the caller's.
func (e *Engine) tellHung(hung []hungRun) {
	if len(hung) == 0 {
		e.untrack()
		return
	}
	told := make(chan struct{}, len(hung))
	go func() {
		defer e.untrack()
		e.reportHung(hung, told)
	}()
	timer := time.NewTimer(reportGrace)
	defer timer.Stop()
	for range hung {
		select {
		case <-told:
			timer.Reset(reportGrace)
		case <-timer.C:
			return
		}
	}
}

// reportHung reports them all. If the host's code ends the goroutine, another one goes
// on, and is counted before this one is gone.
func (e *Engine) reportHung(hung []hungRun, told chan<- struct{}) {
	next := 0
	defer func() {
		if next == len(hung) {
			return
		}
		e.track()
		go func() {
			defer e.untrack()
			e.reportHung(hung[next:], told)
		}()
	}()
	for next < len(hung) {
		h := &hung[next]
		next++
		e.reportOne(h, told)
	}
}

func (e *Engine) reportOne(h *hungRun, told chan<- struct{}) {
	defer func() { told <- struct{}{} }() // has room for all
	e.report(h.run.parent, &h.out)
}

// unfinished names a run that Close has ended. One that has ended by itself, or that
// was taken out of the queue and had its cooldown back in time, reports itself.
func (e *Engine) unfinished(r *run, hung *[]hungRun) (u UnfinishedRun, byClose bool) {
	e.mu.Lock()
	announcing := r.announcing
	e.mu.Unlock()
	if announcing { // reports itself, after the outcome that is being told
		return UnfinishedRun{Campaign: r.prog.id, Profile: r.profile}, true
	}
	if out, ok := r.takeOver(); ok {
		*hung = append(*hung, hungRun{r, out})
	}
	return r.unfinished()
}

// noticeEnd notices that, after Close, all runs are finished, and then that no
// goroutine is left. e.mu is held.
func (e *Engine) noticeEnd() {
	if !e.closed.Load() {
		return
	}
	if !e.finished && e.calls.Load() == 0 && e.runs.first == nil {
		e.finished = true
		for _, worker := range e.queue.idle {
			close(worker)
		}
		e.queue.idle = nil
		e.cancelBase(ErrClosed) // nobody waits for the profiles that are still being loaded
	}
	if e.finished && e.goroutines == 0 && !isClosed(e.gone) {
		close(e.gone)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// track counts a goroutine that the engine starts, untrack its end.
func (e *Engine) track() {
	e.mu.Lock()
	e.goroutines++
	e.mu.Unlock()
}

func (e *Engine) untrack() {
	e.mu.Lock()
	e.goroutines--
	e.noticeEnd()
	e.mu.Unlock()
}

// A CloseError says that the context of [Engine.Close] was done before all runs
// were finished.
type CloseError struct {
	// Runs are those that Close ended. It may be empty: then Close kept a visit from
	// starting a campaign, or gave up on code of the host that had not returned, a
	// Tracker or a ProfileSource before there was a run, or the Logger or the Observer
	// after it.
	Runs []UnfinishedRun

	// Err is the error of the context.
	Err error
}

// An UnfinishedRun is a run that [Engine.Close] ended.
type UnfinishedRun struct {
	Campaign string // ID of the campaign
	Profile  string // ID of the profile
	Node     int    // index in Campaign.Nodes of the webhook that it had come to; 0 for none

	// DeliveryID is the ID of that webhook's request if it may have been sent and is not
	// known to have failed, by which its endpoint may know it.
	DeliveryID string

	// MaybeSent says that an endpoint may have received something. Then the
	// cooldown is kept. Otherwise
	//   - it was given back;
	//   - or the Tracker has failed or was too slow, so that it is kept for the time
	//     being, and the Err of the outcome that the Observer was told says so;
	//   - or it is given back when the Logger and the Observer have heard that the run
	//     was queued.
	MaybeSent bool
}

// Error returns how many runs of which campaigns were not finished. Profiles are
// in Runs alone.
func (e *CloseError) Error() string {
	if len(e.Runs) == 0 {
		return fmt.Sprintf("campaign: closed before the host's own code had returned: %v", e.Err)
	}
	count := make(map[string]int)
	for _, r := range e.Runs {
		count[r.Campaign]++
	}
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d of %q", count[id], id))
	}
	return fmt.Sprintf("campaign: closed before %d runs were finished: %s: %v", len(e.Runs), strings.Join(parts, ", "), e.Err)
}

// Unwrap returns the error of the context.
func (e *CloseError) Unwrap() error { return e.Err }

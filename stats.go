package campaign

import "sync/atomic"

// Stats are counts of an [Engine] since it was made, and what it is doing now.
// Counts go up only. Each outcome is counted once, under its status; visits that
// meet no condition are not counted, nor are tests, except in Tests.
type Stats struct {
	Delivered       uint64
	CoolingDown     uint64
	UnknownProfile  uint64
	ConditionNotMet uint64 // queued runs whose condition did not hold once the profile was loaded
	Failed          uint64
	Refused         uint64

	// Queued counts runs as they enter the queue. Each is counted again, above,
	// when it ends. In between it is in Waiting or Running: not yet while the Logger
	// and the Observer are told that it is queued, and still while they are told how
	// it ended.
	Queued uint64

	// Failures is Failed by reason.
	Failures Failures

	Tests  uint64 // outcomes of Engine.Test
	Panics uint64 // in the host's code, wherever the engine called it; a goroutine that it ended counts as one

	Waiting int // queued runs that wait for a worker
	Running int // queued runs that workers have, or that Close has taken out of the queue
	Workers int // goroutines for queued runs
}

// Failures counts failed runs by [Outcome.Reason].
type Failures struct {
	Rejected      uint64
	Unreachable   uint64
	Uncertain     uint64
	CannotRender  uint64
	TrackerFailed uint64
	ProfileFailed uint64
	Cancelled     uint64
	Closed        uint64
	Panicked      uint64
}

// Stats returns the engine's counts. It costs less than a visit that matches;
// poll it as often as you like. The counts are not taken at one instant while
// visits come in; after Close they add up.
func (e *Engine) Stats() Stats {
	s := e.stats.read()
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Waiting, s.Running, s.Workers = e.queue.waiting, e.queue.working, e.queue.workers
	return s
}

// counters are the counts of an engine.
type counters struct {
	delivered, coolingDown, unknownProfile, conditionNotMet, failed, refused, queued atomic.Uint64

	rejected, unreachable, uncertain, cannotRender, trackerFailed, profileFailed, cancelled, closed, panicked atomic.Uint64

	tests, panics atomic.Uint64
}

func (c *counters) count(out *Outcome) {
	if out.Test {
		c.tests.Add(1)
		return
	}
	switch out.Status {
	case Delivered:
		c.delivered.Add(1)
	case CoolingDown:
		c.coolingDown.Add(1)
	case UnknownProfile:
		c.unknownProfile.Add(1)
	case ConditionNotMet:
		c.conditionNotMet.Add(1)
	case Refused:
		c.refused.Add(1)
	case Queued:
		c.queued.Add(1)
	case Failed:
		c.failed.Add(1)
		c.countFailure(out.Reason)
	}
}

func (c *counters) countFailure(reason Reason) {
	switch reason {
	case ReasonRejected:
		c.rejected.Add(1)
	case ReasonUnreachable:
		c.unreachable.Add(1)
	case ReasonUncertain:
		c.uncertain.Add(1)
	case ReasonCannotRender:
		c.cannotRender.Add(1)
	case ReasonTrackerFailed:
		c.trackerFailed.Add(1)
	case ReasonProfileFailed:
		c.profileFailed.Add(1)
	case ReasonCancelled:
		c.cancelled.Add(1)
	case ReasonClosed:
		c.closed.Add(1)
	case ReasonPanicked:
		c.panicked.Add(1)
	}
}

func (c *counters) read() Stats {
	return Stats{
		Delivered:       c.delivered.Load(),
		CoolingDown:     c.coolingDown.Load(),
		UnknownProfile:  c.unknownProfile.Load(),
		ConditionNotMet: c.conditionNotMet.Load(),
		Failed:          c.failed.Load(),
		Refused:         c.refused.Load(),
		Queued:          c.queued.Load(),
		Failures: Failures{
			Rejected:      c.rejected.Load(),
			Unreachable:   c.unreachable.Load(),
			Uncertain:     c.uncertain.Load(),
			CannotRender:  c.cannotRender.Load(),
			TrackerFailed: c.trackerFailed.Load(),
			ProfileFailed: c.profileFailed.Load(),
			Cancelled:     c.cancelled.Load(),
			Closed:        c.closed.Load(),
			Panicked:      c.panicked.Load(),
		},
		Tests:  c.tests.Load(),
		Panics: c.panics.Load(),
	}
}

package campaign

import (
	"context"
	"math"
	"time"
)

// Special values of [Stop.RestartTimeout] and [Stop.FailureTimeout].
const (
	// Immediately means that there is no cooldown: every matching visit starts
	// a run. It is written "immediately" in JSON.
	Immediately time.Duration = -1

	// Never means that the cooldown has no end: the campaign starts once in the
	// life of a profile. It is written "never" in JSON.
	Never time.Duration = math.MaxInt64
)

const (
	defaultRestartTimeout = 24 * time.Hour
	defaultFailureTimeout = time.Minute
)

// Stop is the last node of a campaign. It says how long a profile is left alone
// before the campaign may start for it again.
type Stop struct {
	// RestartTimeout runs from the time of the visit that started the campaign.
	// Visits in the meantime do not lengthen it. Zero means 24 hours; otherwise
	// it is at least a millisecond, or [Immediately], or [Never]. Anything else
	// is a load error, such as a number without a unit, or a negative one; but
	// -1 is Immediately, wherever it comes from.
	RestartTimeout time.Duration

	// FailureTimeout takes the place of RestartTimeout when a run surely
	// delivered nothing, so that an outage does not cost a customer the
	// message. It is cut to the RestartTimeout. Zero means one minute; the rest
	// is as for RestartTimeout.
	FailureTimeout time.Duration
}

// restart returns the timeout that an Entry carries.
func (s Stop) restart() time.Duration {
	if s.RestartTimeout == 0 {
		return defaultRestartTimeout
	}
	return s.RestartTimeout
}

// failure returns how long the campaign stays closed after a run that surely
// delivered nothing: zero or more, or Never.
func (s Stop) failure() time.Duration {
	f := s.FailureTimeout
	if f == 0 {
		f = defaultFailureTimeout
	}
	return max(0, min(f, s.restart()))
}

func (s Stop) validate(fs *faults, p pointer) {
	validateTimeout(fs, p.key("restart_timeout"), s.RestartTimeout, "24h")
	validateTimeout(fs, p.key("failure_timeout"), s.FailureTimeout, "1m")
}

func validateTimeout(fs *faults, p pointer, d time.Duration, normal string) {
	switch {
	case d == 0, d == Immediately, d >= time.Millisecond:
	default: // written in Go, most often without its unit; Parse has its own words
		fs.add(p, `%s is shorter than 1ms; write one such as 7*24*time.Hour, in JSON "7d", or Immediately or Never, or leave it out for %s`, d, normal)
	}
}

// A CooldownReader is a [Tracker] that can say until when a campaign is closed
// without starting anything. [MemoryTracker] is one. [Engine.Explain] uses it:
// of a Tracker that is none it cannot know whether the profile is left alone,
// and says so with [ReasonNeedsTracker] in the place of [ReasonStarts]. An engine
// with a [ProfileSource] uses it too, to not load profiles that are left alone, where
// the visit alone tells that the condition holds.
//
// Both wait for it, with no context to end that. A Tracker that has to ask a server
// bounds the time of its Until itself, or has none.
type CooldownReader interface {
	Tracker

	// Until returns the end of the cooldown that would hold back a visit at the
	// given time, and false if there is none.
	Until(campaign, profile string, at time.Time) (until time.Time, closed bool)
}

// An Entry is one attempt of a run to start: which campaign, for whom, when,
// and for how long the campaign is closed for that profile if it starts.
type Entry struct {
	Campaign string        // campaign ID
	Profile  string        // profile ID
	Time     time.Time     // the visit's time; counts to the millisecond
	Timeout  time.Duration // positive, or Immediately, or Never
}

// Until returns the end of the cooldown that e begins: e.Time plus e.Timeout, to
// the millisecond. [Immediately] ends at e.Time; [Never] ends, as does what
// would lie beyond it, with the year 9999, the last that JSON and RFC 3339 can
// write.
func (e Entry) Until() time.Time {
	return time.UnixMilli(untilMilli(e.Time.UnixMilli(), e.Timeout)).UTC()
}

// untilMilli is Until in Unix milliseconds.
func untilMilli(start int64, timeout time.Duration) int64 {
	switch {
	case timeout == Never:
		return endOfTimeMilli
	case timeout <= 0:
		return start
	}
	// Whole milliseconds, rounded up: a cooldown is never shorter than asked.
	// Counted in milliseconds, because the longest durations, rounded up, do
	// not fit a time.Duration.
	ms := int64(timeout / time.Millisecond)
	if timeout%time.Millisecond != 0 {
		ms++
	}
	if start >= endOfTimeMilli-ms {
		return endOfTimeMilli
	}
	return start + ms
}

// A Tracker keeps cooldowns: for which profile each campaign is closed, and
// until when. [MemoryTracker] is the one in memory. Several processes that
// serve the same profiles share one Tracker of their own making; TestTracker,
// TestTrackerInBubble and TestTrackerErrors of package campaigntest check it. A
// Tracker may also be a [CooldownReader]; then [Engine.Explain] tells of running
// cooldowns.
//
// A Tracker is safe for concurrent use. An error, its own or that of its store,
// leaves what it had. IDs of campaigns and profiles are any bytes, of any length.
// Times count to the millisecond, rounded down, and are instants: their zones do
// not matter.
//
// Cooldowns are counted from the times of visits, which may be ahead of the
// clock or days behind it. As visits come late and out of order, a cooldown is
// kept beyond its end: until a visit enters that is more than five minutes later,
// or, in a store that removes by a clock of its own, until that has come to the
// end. Then it may be forgotten.
type Tracker interface {
	// Enter starts a cooldown if none is running, in one atomic step.
	//
	// The campaign is closed for the profile if a cooldown is kept whose end
	// lies after e.Time, also if it began after e.Time; then Enter returns that
	// end and false, and changes nothing. Otherwise it keeps e.Until() as the
	// new end, and returns it and true. With the timeout [Immediately] it
	// returns e.Until() and true but does not keep it: what is kept stays.
	//
	// With an error entered is false. If ctx is done, Enter returns an error
	// that wraps ctx.Err(), and changes nothing.
	Enter(ctx context.Context, e Entry) (until time.Time, entered bool, err error)

	// Reopen moves the end of the cooldown that e began to until, in one atomic
	// step. No caller passes a time after the present end. One at e.Time or
	// before opens the campaign for visits from e.Time on.
	//
	// Reopen changes nothing, and returns nil, if the cooldown that is kept is
	// not the one that e began: if there is none, if its end is not e.Until(),
	// or if e.Timeout is [Immediately], which has begun none, whatever the end
	// that is kept.
	//
	// If ctx is done, Reopen returns an error that wraps ctx.Err(), and changes
	// nothing.
	Reopen(ctx context.Context, e Entry, until time.Time) error
}

func (d *decoder) stop(n *jsonValue) Stop {
	var s Stop
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "type":
		case "restart_timeout":
			s.RestartTimeout = d.duration(x)
		case "failure_timeout":
			s.FailureTimeout = d.duration(x)
		default:
			return false
		}
		return true
	}, "type", "restart_timeout", "failure_timeout")
	return s
}

func (w *jsonWriter) stop(s Stop) {
	w.raw("{")
	w.member("type", "stop")
	if s.RestartTimeout != 0 {
		w.member("restart_timeout", formatDuration(s.RestartTimeout))
	}
	if s.FailureTimeout != 0 {
		w.member("failure_timeout", formatDuration(s.FailureTimeout))
	}
	w.raw("}")
}

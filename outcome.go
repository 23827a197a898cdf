package campaign

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Outcome is what became of one campaign for one visit. A visit has one for
// each campaign whose condition it met.
type Outcome struct {
	Campaign string // ID of the campaign
	Profile  string // ID of the profile; empty if the visitor has none
	Status   Status

	// Reason says, for programs, why the campaign did not start or the run
	// failed. Empty if the Status is Delivered or Queued.
	Reason Reason

	// Until is when the campaign may start again for the profile: the end of
	// the cooldown that held the visit back, or of the one that the run began,
	// or to which a failed run cut it. Zero if there is no cooldown.
	Until time.Time

	// Deliveries are the requests that were delivered, in order. After a
	// failure these are the ones before it.
	Deliveries []Delivery

	// Err says why the run failed. It is a [*RenderError], what the Sender
	// returned, most often a [*DeliveryError], the error of the Tracker or the
	// ProfileSource, or one that tells of a panic; [ErrClosed] is among its
	// causes if Close ended the run. Nil unless Status is Failed, but for a
	// cooldown that a refused run could not give back, and for a panic in the
	// Observer or the Logger.
	Err error

	// Node is the index of the webhook that failed, in Campaign.Nodes. Zero if
	// none did, or if the run failed before its first webhook.
	Node int

	// DeliveryID is the ID of the request that was sent and not delivered, by which its
	// endpoint may know it: an uncertain one may have arrived. Empty if there is none.
	DeliveryID string

	// Attempts is how often requests were sent, in all.
	Attempts int

	// Duration is how long it took from the call to the outcome, the time in
	// the queue included.
	Duration time.Duration

	// Test says that [Engine.Test] made the outcome.
	Test bool
}

// A Delivery is one request that an endpoint accepted.
type Delivery struct {
	ID       string // the delivery ID that the request carried
	Node     int    // index of the webhook in Campaign.Nodes
	Status   int    // HTTP status; 0 if the sender does not speak HTTP
	Attempts int    // how often the request was sent, at least 1
}

// A Status says what became of a campaign for a visit.
type Status string

const (
	Delivered       Status = "delivered"         // all webhooks were delivered
	CoolingDown     Status = "cooling_down"      // the profile is left alone until Outcome.Until
	UnknownProfile  Status = "unknown_profile"   // the visitor is not in the trigger's audience
	Failed          Status = "failed"            // not all webhooks were delivered: see Outcome.Err
	Queued          Status = "queued"            // Enqueue has taken it; the Observer hears how it ends
	Refused         Status = "refused"           // the queue is full; the cooldown was given back
	ConditionNotMet Status = "condition_not_met" // the end of a queued run that had to load the profile to know
)

func (o *Outcome) fail(reason Reason, err error) {
	o.Status, o.Reason, o.Err = Failed, reason, err
}

// exited settles an outcome that is still open because the host's code has
// ended the goroutine.
func (o *Outcome) exited() {
	if o.Status == "" {
		o.fail(ReasonPanicked, errExited)
	}
}

// join adds an error that does not change the status.
func (o *Outcome) join(err error) {
	if o.Err != nil {
		err = &errorPair{o.Err, err}
	}
	o.Err = err
}

// reasonOf returns the reason of a run that a Sender failed.
func reasonOf(v Verdict) Reason {
	switch v {
	case Rejected:
		return ReasonRejected
	case Unreachable:
		return ReasonUnreachable
	}
	return ReasonUncertain
}

// reasonOr returns reason, unless err tells of a panic, or of a ProfileSource that
// ended its goroutine: all else that does has ended the one that would ask here.
func reasonOr(err error, reason Reason) Reason {
	if _, ok := errors.AsType[*panicError](err); ok || errors.Is(err, errSourceExited) {
		return ReasonPanicked
	}
	return reason
}

// String returns the outcome in one line for people: what became of which
// campaign for whom, and why. It shows as much of the error as the logs do. What
// does not print, as a line break in an ID, is quoted.
func (o Outcome) String() string {
	var b strings.Builder
	if o.Test {
		b.WriteString("test of ")
	}
	b.WriteString(inLine(o.Campaign))
	if o.Profile != "" {
		b.WriteString(" for " + inLine(o.Profile))
	}
	b.WriteString(": " + string(o.Status))
	if o.Reason != "" && string(o.Reason) != string(o.Status) {
		b.WriteString(" (" + string(o.Reason) + ")")
	}
	if !o.Until.IsZero() {
		if o.Status != CoolingDown {
			b.WriteString(", left alone") // "delivered until" would read as the time of delivery
		}
		b.WriteString(" until " + o.Until.UTC().Format(time.RFC3339))
	}
	if o.Err != nil {
		b.WriteString(": " + inLine(loggable(o.Err)))
	}
	return b.String()
}

// inLine returns the text, quoted if part of it does not print: the host takes
// IDs from elsewhere, and one with a line break would write a line of its own
// into a log. Not quoted always: most IDs are words, and read better so.
func inLine(text string) string {
	hidden := func(r rune) bool { return !strconv.IsPrint(r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return text
	}
	return strconv.Quote(text)
}

// LogValue returns the parts of the outcome that may be logged. Of an error that
// is not of this package's making it is the type, as its text may hold anything.
func (o Outcome) LogValue() slog.Value { return slog.GroupValue(o.attrs(o.Profile)...) }

// attrs are the keys of a log record, the same in every one but for what does
// not apply.
func (o *Outcome) attrs(profile string) []slog.Attr {
	attrs := make([]slog.Attr, 0, 13)
	attrs = append(attrs,
		slog.String("campaign", o.Campaign),
		slog.String("profile", profile),
		slog.String("status", string(o.Status)),
	)
	if o.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(o.Reason)))
	}
	attrs = append(attrs,
		slog.Int("deliveries", len(o.Deliveries)),
		slog.Int("attempts", o.Attempts),
		slog.Duration("duration", o.Duration),
	)
	if o.Node != 0 {
		attrs = append(attrs, slog.Int("node", o.Node))
	}
	if o.DeliveryID != "" {
		attrs = append(attrs, slog.String("delivery_id", o.DeliveryID))
	}
	if !o.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", o.Until))
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", loggable(o.Err)))
	}
	if o.Test {
		attrs = append(attrs, slog.Bool("test", true))
	}
	return attrs
}

package campaign

import (
	"log/slog"
	"time"
)

// An Outcome is what became of one campaign for one visit. A visit has one for
// each campaign whose condition it met.
type Outcome struct {
	Campaign string // ID of the campaign
	Profile  string // ID of the profile; empty if the visitor has none
	Status   Status

	// Until is when the campaign may start again for the profile: the end of
	// the cooldown that held the visit back, or of the one that the run began,
	// or to which a failed run cut it. Zero if there is no cooldown.
	Until time.Time

	// Deliveries are the requests that were delivered, in order. After a
	// failure these are the ones before it.
	Deliveries []Delivery

	// Err says why the run failed. It is a [*RenderError], what the Sender
	// returned, most often a [*DeliveryError], the Tracker's error, or one that
	// tells of a panic. Nil unless Status is Failed.
	Err error

	// Node is the index of the webhook that failed, in Campaign.Nodes. Zero if
	// none did, or if the run failed before its first webhook.
	Node int

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
	Delivered      Status = "delivered"       // all webhooks were delivered
	CoolingDown    Status = "cooling_down"    // the profile is left alone until Outcome.Until
	UnknownProfile Status = "unknown_profile" // the visitor is not in the trigger's audience
	Failed         Status = "failed"          // a webhook was not delivered: see Outcome.Err
)

// LogValue returns the parts of the outcome that may be logged.
func (o Outcome) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("campaign", o.Campaign),
		slog.String("profile", o.Profile),
		slog.String("status", string(o.Status)),
		slog.Int("deliveries", len(o.Deliveries)),
	}
	if !o.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", o.Until))
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", o.Err.Error()))
	}
	if o.Test {
		attrs = append(attrs, slog.Bool("test", true))
	}
	return slog.GroupValue(attrs...)
}

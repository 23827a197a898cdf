// Package campaign runs behaviour-triggered webhooks inside a Go process.
//
// A campaign is a chain: a [WebsiteTrigger] (a known customer visits a certain
// page), one or more [Webhook]s (call this URL with these profile fields), and a
// [Stop] (then leave that customer alone for a week). The host passes in page
// visits; an [Engine] decides, renders, sends, and remembers who has to wait:
//
//	engine, err := campaign.NewEngine(&httpsender.Sender{}, nil)
//	err = engine.Load(campaigns...)
//	outcomes, err := engine.Visit(ctx, campaign.PageVisit{
//		URL:     "https://shop.example/shoes/42",
//		Profile: campaign.Profile{ID: "p-1", Known: true},
//	})
//
// # Definitions
//
// [Campaign] and what it is made of are plain data, comparable with go-cmp. They
// are written in Go, or in JSON that [Parse] reads and json.Marshal writes, and
// whose keys are in the doc of Parse; one validator serves both, and lists all
// faults at once, each with its place and its cure. [Campaign.Match] and
// [Campaign.Render] are pure: no clock, no network.
//
// # Conditions
//
// A [Condition] compares a [Field] of the visit: PagePath.StartsWith("/shoes/"),
// ProfileField("country").In("NL", "BE"). [All], [Any] and [Not] combine them. A
// field that is missing satisfies no comparison, and so satisfies Not of it. Text
// and numbers are never converted into each other.
//
// # What is sent
//
// The [Payload] is built as a value and encoded once, never by putting text into
// a template. A [Header] can name a secret; the secret itself is resolved by the
// sender when it sends, and is in no definition, log line, error or preview.
//
// [Request.Preview] shows a rendered request as it goes over the wire: as a value,
// as text, and as a curl command to paste.
//
// # Cooldowns
//
// A cooldown is kept by campaign ID and profile ID. It begins with the run and
// ends at the visit's time plus the restart timeout; visits in between do not
// lengthen it. A run that surely delivered nothing gives it back: it is cut to
// [Stop.FailureTimeout], a minute if nothing else is set. One that may have
// delivered keeps it, because calling twice is worse than calling once too few.
// [MemoryTracker] keeps cooldowns in this process; another [Tracker] can keep
// them elsewhere.
//
// One process owns a profile: several instances of a host route the visits of a
// profile to the same one, or share a Tracker. Otherwise each of them starts the
// campaign once.
//
// # In a busy backend
//
// [Engine.Visit] waits for the endpoints. [Engine.Enqueue] does not: it decides,
// puts the runs into a queue of [EngineOptions.QueueSize], and returns; at most
// [EngineOptions.Workers] goroutines deliver. A run goes on when the request that
// caused it is over. How it ended, the [Observer] is told, the Logger writes, and
// [Engine.Stats] counts. [Engine.Load] may be called at any time. [Engine.Close]
// finishes what was taken, or names what it could not finish.
//
// # Outcomes and errors
//
// For each campaign whose condition the visit met there is an [Outcome]. A
// failed delivery is an outcome; an error means that the visit or the campaign
// could not be used, and that nothing was started. Neither shows a secret, a
// payload, or more of a URL than scheme and host.
//
// # What has a JSON form
//
// Definitions ([Campaign], [Campaigns]) and visits ([PageVisit]) have a JSON form
// that is written and read, and the reports of package backtest one for programs.
// What an engine returns has none. Of an [Outcome] or an [Explanation] json.Marshal
// makes the names of Go fields, and of an Err what its type happens to export, or
// {}, and never its text: copy what you need into a type of your own, with Err.Error() as text, or log the
// Outcome with log/slog, which has names for its parts. [Stats] are numbers under
// the names of their fields.
package campaign

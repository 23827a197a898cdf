package backtest

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A Report is what [Run] found. It is plain data, with a form for people
// (String) and one in JSON, from which it can be read back.
type Report struct {
	Visits int `json:"visits"` // that were used

	// From and To are the times of the oldest and the newest of them, in UTC.
	// Zero if there is none.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`

	// Late is how many of them came after a newer one.
	Late int `json:"late"`

	// Bad is how many visits could not be used, and FirstBad the first five of
	// these.
	Bad      int        `json:"bad"`
	FirstBad []BadVisit `json:"first_bad,omitempty"`

	// Campaigns are in the order in which they were passed.
	Campaigns []CampaignReport `json:"campaigns"`
}

// A CampaignReport is what became of one campaign. Matched is Started and all of
// HeldBack; Started is Delivered and Failed.
type CampaignReport struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`

	// Paused says that the campaign is paused: then all counts are zero.
	Paused bool `json:"paused,omitempty"`

	Matched int `json:"matched"` // visits that met the condition

	// HeldBack counts the visits that started nothing all the same, by why:
	// [campaign.ReasonCoolingDown], [campaign.ReasonUnknownProfile],
	// [campaign.ReasonCannotRender], and whatever else the engine can say.
	HeldBack map[campaign.Reason]int `json:"held_back"`

	Started   int `json:"started"`   // runs
	Delivered int `json:"delivered"` // runs that came to their end
	Failed    int `json:"failed"`    // runs that ended with an assumed failure

	Profiles int `json:"profiles"` // profiles that a run was delivered to

	// Hours are the hours in which runs started, in order, without those in
	// which none did.
	Hours []Hour `json:"hours,omitempty"`

	// Missing are the required payload fields that visits lacked, so that
	// nothing would have been sent, the most frequent first. A visit that lacked
	// two counts for both.
	Missing []MissingField `json:"missing,omitempty"`

	// Absent are the fields of its condition that none of the visits had, if none
	// met it. What a ProfileSource knows in production, a log often lacks: see
	// [Options.Profiles]. Of all campaigns together the first 256 fields are looked
	// for.
	Absent []campaign.Field `json:"absent,omitempty"`

	// FirstError says why the first run failed that was held back by neither
	// cooldown, audience nor a missing field. It shows no value of the visit,
	// unless the ProfileSource's error does.
	FirstError string `json:"first_error,omitempty"`

	Samples []Sample `json:"samples,omitempty"`
}

// An Hour is how many runs started in one.
type Hour struct {
	Start time.Time `json:"start"` // in Options.Location
	Runs  int       `json:"runs"`
}

// A MissingField is a required field, and how many visits would have failed
// for want of it.
type MissingField struct {
	Field campaign.Field `json:"field"`
	Runs  int            `json:"runs"`
}

// A Sample is one run. Its requests are what would have been sent, up to the
// first that was taken to fail; they hold personal data, and secrets as names.
type Sample struct {
	Time     time.Time // of the visit
	Profile  string    // ID
	Requests []campaign.Request
}

// The JSON form of a Sample.
type (
	sampleJSON struct {
		Time     time.Time     `json:"time"`
		Profile  string        `json:"profile"`
		Requests []requestJSON `json:"requests"`
	}
	requestJSON struct {
		ID      string       `json:"id"`
		Node    int          `json:"node"`
		Method  string       `json:"method"`
		URL     string       `json:"url"`
		Headers []headerJSON `json:"headers,omitempty"`
		Body    string       `json:"body,omitempty"`
	}
	headerJSON struct {
		Name   string `json:"name"`
		Value  string `json:"value,omitempty"`
		Secret string `json:"secret,omitempty"`
	}
)

// MarshalJSON writes the bodies as text, for people to read.
func (s Sample) MarshalJSON() ([]byte, error) {
	j := sampleJSON{s.Time, s.Profile, make([]requestJSON, len(s.Requests))}
	for i, r := range s.Requests {
		j.Requests[i] = requestJSON{ID: r.ID, Node: r.Node, Method: r.Method, URL: r.URL, Body: string(r.Body)}
		for _, h := range r.Headers {
			j.Requests[i].Headers = append(j.Requests[i].Headers, headerJSON(h))
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. The requests are without the ID of their
// campaign, which the [CampaignReport] has.
func (s *Sample) UnmarshalJSON(data []byte) error {
	var j sampleJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = Sample{Time: j.Time, Profile: j.Profile}
	for _, r := range j.Requests {
		request := campaign.Request{ID: r.ID, Node: r.Node, Method: r.Method, URL: r.URL}
		if r.Body != "" {
			request.Body = []byte(r.Body)
		}
		for _, h := range r.Headers {
			request.Headers = append(request.Headers, campaign.Header(h))
		}
		s.Requests = append(s.Requests, request)
	}
	return nil
}

// A BadVisit is a visit that could not be used.
type BadVisit struct {
	Number int   // its place in the sequence, from 1
	Err    error // a [*campaign.ValidationError], which shows nothing of the visit
}

// reason is the text of the error.
func (b BadVisit) reason() string {
	if b.Err == nil {
		return ""
	}
	return b.Err.Error()
}

type badVisitJSON struct {
	Number int    `json:"number"`
	Error  string `json:"error"`
}

// MarshalJSON writes the error as text.
func (b BadVisit) MarshalJSON() ([]byte, error) {
	return json.Marshal(badVisitJSON{b.Number, b.reason()})
}

// UnmarshalJSON reads what MarshalJSON writes, so that the report of last week
// can be shown beside that of today. Of the error there is the text alone.
func (b *BadVisit) UnmarshalJSON(data []byte) error {
	var j badVisitJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*b = BadVisit{Number: j.Number}
	if j.Error != "" {
		b.Err = errors.New(j.Error)
	}
	return nil
}

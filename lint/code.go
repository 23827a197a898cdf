package lint

// A Code names a kind of [Warning]. Codes are stable: new ones may come, but
// none changes what it means.
type Code string

// Of conditions. What a warning says of a condition is true of every visit; with
// UnlikelyForm, UnlikelyField, EmptyRange, SeveralValues and NoAudience it is true of
// all but the odd ones that are named there.
const (
	// NeverHolds is a condition, or one of the values of an in, that no visit
	// meets where it stands: page.host equals a text in upper case, two
	// different page types in one all.
	NeverHolds Code = "never_holds"

	// AlwaysHolds is a condition that every visit meets, beside others:
	// page.path exists. As the whole condition it means every page, and is
	// fine.
	AlwaysHolds Code = "always_holds"

	// Redundant is a condition, or one of the values of an in, that changes
	// nothing, because of another: /shoes/running/ beside /shoes/.
	Redundant Code = "redundant"

	// MatchesEverything is a regex or a glob that every text matches, but for
	// texts with line breaks perhaps. At most it asks whether the field exists.
	MatchesEverything Code = "matches_everything"

	// UnlikelyForm is a value that is not written as the field is, so that only
	// addresses of an odd kind could meet it: page.path without a slash in
	// front, with a query, with percent escapes, with a * where that is no
	// wildcard, with the braces, the percent signs or the slashes of patterns of
	// other languages. So is a number for an ID, which is text, and a field with
	// its group twice, also in a payload: profile.profile.country.
	UnlikelyForm Code = "unlikely_form"

	// UnlikelyField is a field, also of a payload, that is there only if the host
	// has an entry of an odd name: one that is called as a part of the visit is
	// in Go, profile.known or visit.data.device; a query parameter with the ?, &
	// or = of the query in its name; a name with an empty part, profile..country.
	UnlikelyField Code = "unlikely_field"

	// EmptyRange is two comparisons in one all that no single number meets: at
	// least 10 and below 5. Only a field with several values could meet both.
	EmptyRange Code = "empty_range"

	// SeveralValues is two comparisons in one all that no single value meets, of a
	// field that has one as a rule: item.category equals one category and also
	// another. Only a list meets both; an any, or in, is what is meant.
	SeveralValues Code = "several_values"

	// NoAudience is a condition that only visitors without a profile ID meet.
	// No campaign starts for them, whatever its audience.
	NoAudience Code = "no_audience"
)

// Of webhooks.
const (
	// PlainHTTP is a webhook that goes over http to a host outside of the own
	// network.
	PlainHTTP Code = "plain_http"

	// PersonalDataInURL is a field of a GET that looks like personal data.
	// URLs end in logs and histories. A webhook that sets AllowSensitiveQuery
	// has said that it knows.
	PersonalDataInURL Code = "personal_data_in_url"

	// SecretInHeader is what looks like a secret as a plain header value.
	SecretInHeader Code = "secret_in_header"

	// SecretInURL is what looks like a secret in the query of a URL, or in a
	// static field of a GET. A path that is itself the credential, as chat
	// services hand out, is not meant.
	SecretInURL Code = "secret_in_url"

	// SecretInPayload is what looks like a secret as a static field.
	SecretInPayload Code = "secret_in_payload"

	// Placeholder is what other tools would fill in, {{profile.id}} or ${TOKEN},
	// in a static field, a default or the value of a header. It is sent to the
	// letter. Where the endpoint fills it in, that is what was meant.
	Placeholder Code = "placeholder"

	// EmptyHeader is a header with neither a value nor a secret.
	EmptyHeader Code = "empty_header"

	// NoPayload is a POST without a payload, which sends {} or an empty form, the
	// same for every profile.
	NoPayload Code = "no_payload"

	// StaticShadows is a static field with the name of a profile field: every
	// profile would be sent with the same email.
	StaticShadows Code = "static_shadows"
)

// Of stops.
const (
	// ShortRestart is a restart timeout shorter than a run may take, which is a
	// minute: a second run may start while the first is under way. Immediately
	// is not meant, which nobody writes by mistake.
	ShortRestart Code = "short_restart"

	// FailureTimeoutCut is a failure timeout beyond the restart timeout, to
	// which it is cut.
	FailureTimeoutCut Code = "failure_timeout_cut"
)

// Of campaigns beside each other.
const (
	// SameCall is a webhook that the campaign has twice, or that another one has too,
	// under the same trigger: every profile is sent twice. Paused campaigns are not
	// counted.
	SameCall Code = "same_call"

	// SameName is a name that another campaign has too, so that people cannot
	// tell the two apart. Paused campaigns are not counted.
	SameName Code = "same_name"
)

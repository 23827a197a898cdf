// Package httpsender delivers webhooks over HTTP.
//
// A [Sender] is useful as it is:
//
//	engine, err := campaign.NewEngine(&httpsender.Sender{}, nil)
//
// It treats the URLs that it is given as written by somebody else, because they
// are: by a marketer, in a campaign. So it speaks https unless told otherwise,
// connects to public addresses only, follows no redirect, reads little of an
// answer, and takes no longer than its time limits.
//
// # Verdicts
//
// Send returns a nil error when the endpoint answered 2xx. Every other error is
// a [*campaign.DeliveryError]:
//
//   - Unreachable: not one byte of the request was written. The name was not
//     found, no connection came about, TLS failed, a secret was missing.
//   - Rejected: the endpoint answered, and not with 2xx or 504. A redirect is
//     such an answer.
//   - Uncertain: everything between. The request was written, at least in part,
//     and then the connection broke, time ran out, or a gateway answered 504.
//
// The Sender counts the bytes that it hands to each connection, so the border
// between Unreachable and Uncertain does not depend on the text of an error.
//
// # What errors show
//
// Errors name the endpoint (scheme and host), the status, the name of a secret
// and what went wrong. They never hold the URL's path or query, a header's
// value, a secret or the payload, nor any byte of the endpoint's answer: not in
// their text, not in their fields, and not in what they wrap.
package httpsender

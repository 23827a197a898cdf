// Package httpsender delivers webhooks over HTTP.
//
// A [Sender] is useful as it is:
//
//	engine, err := campaign.NewEngine(&httpsender.Sender{}, nil)
//
// It treats the URLs that it is given as written by somebody else, because they
// are: by a marketer, in a campaign. So it speaks https only ([Sender.AllowHTTP]
// opens http), connects to public addresses only ([Sender.Allow] opens loopback
// and private ones that it lists, [Sender.AllowPrivate] all of them), follows no
// redirect, reads little of an answer, and takes no longer than its time limits.
// For a receiver on one's own machine, such as http://127.0.0.1:9099/:
//
//	sender := &httpsender.Sender{
//		AllowHTTP: true, Allow: []string{"127.0.0.1", "localhost"},
//	}
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
// The Sender counts what it writes to a connection, so the border between
// Unreachable and Uncertain does not depend on the text of an error.
//
// # Retries
//
// What surely did not arrive, and answers that ask for another try, are tried
// again: see [Sender.Attempts]. What may have arrived is not, unless
// [Sender.RetryUncertain] is set. Over several attempts the strongest verdict
// counts. No request goes out but as an attempt that is counted.
//
// # Where it connects
//
// Addresses are checked when a connection is made, after the name was looked
// up, and on every attempt: IPv4 and IPv6, and IPv4 inside of IPv6. Whatever is
// in IANA's registries of special-purpose addresses is refused, and the error
// is [ErrAddress]. Hosts that call their own network name it in [Sender.Allow];
// tests and the like set [Sender.AllowPrivate]. Proxies from the environment
// are not used.
//
// # Secrets and signatures
//
// A header of a campaign names a secret; [Sender.Secrets] resolves it for the
// host that the request goes to. [MapSecrets] and [EnvSecrets] bind each secret
// to its hosts. [Sender.Signing] has requests signed by Standard Webhooks
// (https://www.standardwebhooks.com), and [Verify] checks such signatures.
//
// [Sender.Check] finds at the start of a program what would keep the webhooks of
// its campaigns from being sent: a secret that is not set, a host that it is not
// bound to, an address that is not allowed.
//
// # Limits
//
// Requests in flight are bounded, in all and for each endpoint. An endpoint
// that keeps failing is left alone, and tried with one request after a while:
// meanwhile Send fails with [ErrPaused], at once.
//
// # What errors show
//
// Errors name the endpoint (scheme and host), the status, the name of a secret
// and what went wrong. They never hold the URL's path or query, a header's
// value, a secret or the payload, nor any byte of the endpoint's answer: not in
// their text, not in their fields, and not in what they wrap. Nothing is logged.
package httpsender

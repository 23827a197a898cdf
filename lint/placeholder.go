package lint

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/hybridcampaign/campaign"
)

// placeholder is what other tools fill in: {{name}}, ${NAME}, [[name]], %NAME%.
// Of the last, percent escapes may look the same, and discounts.
var placeholder = regexp.MustCompile(`\{\{[^{}]+\}\}|\$\{[^{}]+\}|\[\[[\w .:|-]+\]\]|(?:^|[^0-9A-Za-z%])%[A-Za-z_][\w.]*%(?:$|[^0-9A-Za-z%])`)

// hasPlaceholder reports whether there is a placeholder in a static value, at any
// depth.
func hasPlaceholder(v any) bool {
	switch v := v.(type) {
	case string:
		return placeholder.MatchString(v)
	case []any:
		return slices.ContainsFunc(v, hasPlaceholder)
	case map[string]any:
		for _, e := range v {
			if hasPlaceholder(e) {
				return true
			}
		}
	}
	return false
}

// checkPlaceholders warns of values that are sent to the letter and were to be
// filled in.
func (l *linter) checkPlaceholders(w campaign.Webhook, at string) {
	const message = "looks like a placeholder, and is sent to the letter: nothing is filled in here; "
	for i, f := range w.Payload {
		p := key(at, "payload", strconv.Itoa(i))
		if f.From == "" && hasPlaceholder(f.Static) {
			l.warn(key(p, "static"), Placeholder, message+"take the value from a field of the visit, or write it")
		}
		if hasPlaceholder(f.Default) {
			l.warn(key(p, "default"), Placeholder, message+"write the value that is to be sent where there is none, or remove it")
		}
	}
	for i, h := range w.Headers {
		if hasPlaceholder(h.Value) {
			l.warn(key(at, "headers", strconv.Itoa(i), "value"), Placeholder, message+`of a secret, write the name in the sender's secrets as "secret"; otherwise write the value`)
		}
	}
}

package lint

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

func (l *linter) checkHeaders(headers campaign.Headers, at string) {
	for i, h := range headers {
		if h.Value == "" && h.Secret == "" {
			l.warn(key(at, "headers", strconv.Itoa(i)), EmptyHeader, `is sent empty; write its value, or the name of a secret as "secret", or remove it`)
		}
		if hasPlaceholder(h.Value) {
			continue // which holds no secret yet
		}
		value, least := h.Value, longSecret
		named := namesSecret(h.Name)
		if scheme := authScheme.FindString(value); scheme != "" {
			value, least = value[len(scheme):], shortSecret
			named = named || isCredential(scheme, value)
		}
		if hasSecretPrefix(value) || named && looksMade(value, least) {
			l.warn(key(at, "headers", strconv.Itoa(i), "value"), SecretInHeader,
				"looks like a secret, which everybody can read who reads the campaign; "+
					`give it a name in the sender's secrets, and write that name as "secret"`)
		}
	}
}

// checkQuery looks for secrets in the URL's own query. What stands in the path is
// often the credential of a webhook, and has no other place.
func (l *linter) checkQuery(u *url.URL, at string) {
	if keepsKeyInQuery(u.Hostname()) {
		return
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		if s, err := url.QueryUnescape(value); err == nil {
			value = s
		}
		if isSecret(name, value) {
			l.warn(key(at, "url"), SecretInURL, "has what looks like a secret in its query, and URLs end in logs; "+
				"take it out, and send a header with a secret if the endpoint takes one")
			return
		}
	}
}

func (l *linter) checkStaticSecret(f campaign.PayloadField, inURL bool, at string) {
	value, ok := f.Static.(string)
	if !ok || hasPlaceholder(value) || !isSecret(f.As, value) {
		return
	}
	const cure = "; take it out, and send a header with a secret if the endpoint takes one"
	if inURL {
		l.warn(key(at, "static"), SecretInURL, "looks like a secret, and goes into the URL, which ends in logs"+cure)
		return
	}
	l.warn(key(at, "static"), SecretInPayload, "looks like a secret, which everybody can read who reads the campaign"+cure)
}

// keepsKeyInQuery reports whether a host hands out webhooks whose credential
// stands in the query: there the whole URL is the secret, as elsewhere a path.
func keepsKeyInQuery(host string) bool {
	return slices.Contains([]string{"chat.googleapis.com"}, strings.ToLower(host))
}

func isSecret(name, value string) bool {
	if hasSecretPrefix(value) {
		return true
	}
	if strings.EqualFold(name, "key") {
		return looksMade(value, keySecret) && !isWords(value)
	}
	return namesSecret(name) && looksMade(value, longSecret)
}

// isWords reports whether a value is words and numbers with marks between them:
// spring-sale-2026.
func isWords(value string) bool {
	parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("-_.", r) })
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(part string) bool {
		digits := strings.IndexFunc(part, unicode.IsDigit) >= 0
		return digits && strings.IndexFunc(part, unicode.IsLetter) >= 0
	})
}

// authScheme is what stands before a credential in a header.
var authScheme = regexp.MustCompile(`^(?i:bearer|basic|token|apikey|api-key|key) +`)

// isCredential reports whether what follows a scheme surely is one, whatever the
// header's name. A plan can be basic too, and a key one of many things.
func isCredential(scheme, value string) bool {
	switch strings.ToLower(strings.TrimSpace(scheme)) {
	case "bearer":
		return true
	case "basic":
		pair, err := base64.StdEncoding.DecodeString(value)
		return err == nil && bytes.IndexByte(pair, ':') > 0
	}
	return false
}

// secretPrefixes are what services begin their secrets with. What follows is
// long, so that a mention of a prefix is not taken for a secret.
var secretPrefixes = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`[sr]k_(?:live|test)_[0-9A-Za-z]{8,}`, // payment services
	`sk-[0-9A-Za-z_-]{20,}`,
	`xox[abeprs]-[0-9A-Za-z-]{10,}`, `xapp-[0-9A-Za-z-]{10,}`, // chat
	`gh[opsru]_[0-9A-Za-z]{16,}`, `github_pat_[0-9A-Za-z_]{16,}`, `glpat-[0-9A-Za-z_-]{16,}`, // code
	`A(?:K|S)IA[0-9A-Z]{16}`, `AIza[0-9A-Za-z_-]{30,}`, `ya29\.[0-9A-Za-z_-]{10,}`, // clouds
	`SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`, `key-[0-9a-f]{32}`, `xkeysib-[0-9a-f]{16,}`, // mail
	`pat-[a-z]{2}[0-9]-[0-9a-f-]{30,}`, `shp(?:at|ss|ca|pa)_[0-9a-fA-F]{16,}`, // shops
	`npm_[0-9A-Za-z]{30,}`, `hf_[0-9A-Za-z]{20,}`, `dop_v1_[0-9a-f]{32,}`, `whsec_[0-9A-Za-z+/=]{16,}`,
	`eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*`, // JSON Web Tokens
}, "|") + `)`)

func hasSecretPrefix(value string) bool { return secretPrefixes.MatchString(value) }

// secretWords end the names of what holds a credential.
var secretWords = words("authorization auth secret clientsecret token accesstoken authtoken password passwd pwd " +
	"credential credentials key apikey accesskey authkey privatekey secretkey subscriptionkey accountkey appkey")

// keyWords make a secret of the key that they stand before. Of a partition, a
// route or an order the key is none.
var keyWords = words("api access auth private secret subscription account app x")

// namesSecret reports whether a header, a parameter or a field with the name
// holds a credential. X-Api-Key does, X-Api-Key-Id does not.
func namesSecret(name string) bool {
	parts := nameWords(name)
	if len(parts) == 0 {
		return false
	}
	last := parts[len(parts)-1]
	if last == "key" && len(parts) > 1 {
		return keyWords[parts[len(parts)-2]]
	}
	return secretWords[last]
}

const (
	shortSecret = 6 // after Bearer, where nothing else stands
	longSecret  = 8
	keySecret   = 16 // under a mere key, which may be that of a list or a mailing
)

// looksMade reports whether a value looks as machines make secrets, and not as
// people write words: no spaces, and digits among letters, or many characters of
// which few repeat.
func looksMade(value string, least int) bool {
	if len(value) < least || strings.ContainsAny(value, " /;,<>{}$") && !isBase64(value) {
		return false
	}
	letters, digits := 0, 0
	distinct := map[rune]bool{}
	for _, r := range value {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		}
		distinct[r] = true
	}
	switch {
	case digits > 0 && letters > 0, digits >= 12:
		return true
	case strings.ContainsAny(value, "-_. "): // words
		return false
	}
	mixed := strings.ToLower(value) != value && strings.ToUpper(value) != value
	return len(value) >= 16 && len(distinct) >= 10 && mixed || strings.HasSuffix(value, "=")
}

var base64Form = regexp.MustCompile(`^[0-9A-Za-z+/]{16,}={0,2}$`)

func isBase64(value string) bool {
	return base64Form.MatchString(value) && strings.ContainsAny(value, "0123456789")
}

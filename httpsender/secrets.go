package httpsender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// ErrNoSecret is what a resolver returns for a secret that does not exist or
// may not be sent to the host. Those of [MapSecrets] and [EnvSecrets] return it
// together with the cause, which [Sender] then shows.
var ErrNoSecret = errors.New("is not known, or not for this host")

// A noSecretError is an [ErrNoSecret] whose cause is known. Its text is written
// here and may be shown to whoever wrote the campaign, so it holds the name and
// the host that were asked for and nothing more of the host's own than what to
// put right: no value, and no host that the campaign does not call.
type noSecretError struct{ name, host, why string }

func (e *noSecretError) Error() string { return fmt.Sprintf("the secret %q %s", e.name, e.why) }

func (e *noSecretError) Is(target error) bool { return target == ErrNoSecret }

// Secrets resolves the names of secrets when a request is sent.
//
// Whoever writes a campaign chooses both the secret's name and the URL, so a
// resolver has to refuse a secret to every host but its own: otherwise a
// campaign for https://evil.example could ask for any of them. Host is the
// URL's host in lower case, with its port unless that is 443 ("esp.example",
// "esp.example:8443", and "esp.example:80" for an http URL, so that a secret
// bound to a host alone never goes out unencrypted).
//
// A resolver must be safe for concurrent use. What it returns as an error is
// not shown to anyone, because it may quote the secret: log it in the resolver.
// The exception is what a resolver of [MapSecrets] or [EnvSecrets] returned for
// the same name and host, which may be handed on.
type Secrets interface {
	Secret(ctx context.Context, name, host string) (string, error)
}

// SecretsFunc is a function used as [Secrets].
type SecretsFunc func(ctx context.Context, name, host string) (string, error)

// Secret calls f(ctx, name, host).
func (f SecretsFunc) Secret(ctx context.Context, name, host string) (string, error) {
	return f(ctx, name, host)
}

// promptSecrets are Secrets that answer at once, whatever the context: for these
// Send need not make one.
type promptSecrets func(name, host string) (string, error)

func (f promptSecrets) Secret(_ context.Context, name, host string) (string, error) {
	return f(name, host)
}

// A BoundSecret is a secret and the hosts that it may be sent to, written as
// [Secrets] describes them: with their port unless it is 443. Without hosts it
// goes nowhere.
//
// Printing one does not show the secret, unless it is in a field that is not
// exported of a struct that is printed: there, package fmt asks nobody how.
// [MapSecrets] returns what can be kept anywhere.
type BoundSecret struct {
	Value string
	Hosts []string
}

// String returns the hosts, without the secret.
func (b BoundSecret) String() string {
	return "secret for " + strings.Join(b.Hosts, ", ")
}

// Format writes what String returns, whatever the verb: with String and
// GoString alone, %d would show the secret.
func (b BoundSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }

// MarshalText returns what String returns, so that neither JSON nor log/slog
// shows the secret.
func (b BoundSecret) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// MapSecrets returns a resolver for the secrets of a map, keyed by name. It
// copies the map. Hosts are written with their port unless it is 443:
// "esp.example", "127.0.0.1:9099", and "esp.example:80" for an http URL.
func MapSecrets(secrets map[string]BoundSecret) Secrets {
	// A closure, not a struct: no way of printing a value looks into it.
	secrets = maps.Clone(secrets)
	for name, s := range secrets {
		secrets[name] = BoundSecret{Value: s.Value, Hosts: canonicalHosts(s.Hosts)}
	}
	return promptSecrets(func(name, host string) (string, error) {
		s, ok := secrets[name]
		if !ok {
			return "", &noSecretError{name, host, "is not listed in MapSecrets"}
		}
		if !slices.Contains(s.Hosts, host) {
			return "", &noSecretError{name, host, whyUnbound(s.Hosts, host)}
		}
		return s.Value, nil
	})
}

// EnvSecrets returns a resolver for secrets in the environment: the secret NAME
// is the value of the variable that is called prefix followed by NAME. Hosts
// lists for each secret, by its name without the prefix, where it may be sent;
// a name that is not listed is never looked up. They are written with their port
// unless it is 443: "esp.example", "127.0.0.1:9099", and "esp.example:80" for an
// http URL. The environment is read on each use. A variable that is empty counts
// as missing.
func EnvSecrets(prefix string, hosts map[string][]string) Secrets {
	hosts = maps.Clone(hosts)
	for name, list := range hosts {
		hosts[name] = canonicalHosts(list)
	}
	return promptSecrets(func(name, host string) (string, error) {
		list, ok := hosts[name]
		if !ok {
			why := "is not listed in EnvSecrets"
			if short, ok := strings.CutPrefix(name, prefix); ok && hosts[short] != nil {
				why += "; a campaign names it without the prefix"
			} else if hosts[prefix+name] != nil {
				why += ", but with its prefix; list it without"
			}
			return "", &noSecretError{name, host, why}
		}
		if !slices.Contains(list, host) {
			return "", &noSecretError{name, host, whyUnbound(list, host)}
		}
		value := os.Getenv(prefix + name)
		if value == "" {
			return "", &noSecretError{name, host, "is empty or unset: set " + prefix + name}
		}
		return value, nil
	})
}

// whyUnbound says why host is not among those that a secret is bound to. The one
// that it shows is the same but for the port, which tells a campaign's author
// nothing about other hosts.
func whyUnbound(bound []string, host string) string {
	if strings.HasSuffix(host, ":443") {
		// Only an http URL has it, and in a list it would mean https.
		return "cannot be bound to port 443 without https (" + host + ")"
	}
	for _, b := range bound {
		if withoutPort(b) == withoutPort(host) {
			return "is bound to " + b + ", and this is " + host + "; hosts are written with their port unless it is 443"
		}
	}
	if slices.ContainsFunc(bound, func(b string) bool { return strings.ContainsAny(b, "/*") }) {
		return "is bound to something that is no host; write hosts without scheme, path and wildcard"
	}
	return "is not bound to " + host
}

// withoutPort cuts the port off a host. The colons within brackets are those of
// an IPv6 address.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// canonicalHosts writes hosts as resolvers are told them.
func canonicalHosts(hosts []string) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = canonicalHost(h)
	}
	return out
}

func canonicalHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":443") }

package httpsender_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func TestReadyMadeSecrets(t *testing.T) {
	t.Setenv("HOOK_ESP_KEY", "from-env")
	t.Setenv("HOOK_EMPTY", "")
	t.Setenv("HOOK_OTHER", "not listed")
	fromMap := httpsender.MapSecrets(map[string]httpsender.BoundSecret{
		"ESP_KEY": {Value: "from-map", Hosts: []string{"ESP.example:443", "esp.example:8443"}},
		"NOWHERE": {Value: "x"},
	})
	fromEnv := httpsender.EnvSecrets("HOOK_", map[string][]string{
		"ESP_KEY": {"esp.example"}, "EMPTY": {"esp.example"}, "MISSING": {"esp.example"},
	})
	tests := []struct {
		secrets    httpsender.Secrets
		name, host string
		want       string // empty if refused
	}{
		{fromMap, "ESP_KEY", "esp.example", "from-map"},
		{fromMap, "ESP_KEY", "esp.example:8443", "from-map"},
		{fromMap, "ESP_KEY", "esp.example:80", ""},
		{fromMap, "ESP_KEY", "evil.example", ""},
		{fromMap, "ESP_KEY", "esp.example.evil.example", ""},
		{fromMap, "ESP_KEY", "", ""},
		{fromMap, "NOWHERE", "esp.example", ""},
		{fromMap, "UNKNOWN", "esp.example", ""},
		{fromEnv, "ESP_KEY", "esp.example", "from-env"},
		{fromEnv, "ESP_KEY", "evil.example", ""},
		{fromEnv, "OTHER", "esp.example", ""},
		{fromEnv, "EMPTY", "esp.example", ""},
		{fromEnv, "MISSING", "esp.example", ""},
	}
	for _, tt := range tests {
		got, err := tt.secrets.Secret(t.Context(), tt.name, tt.host)
		if got != tt.want || (tt.want == "") != errors.Is(err, httpsender.ErrNoSecret) {
			t.Errorf("Secret(%q, %q) = %q, %v, want %q", tt.name, tt.host, got, err, tt.want)
		}
	}
}

// What a Sender says about a secret that it did not get. Whoever wrote the
// campaign may read it: the secret's name and the host are theirs, anything else
// of the host's, such as where a secret may go, is not.
func TestSecretFaultsNameTheCause(t *testing.T) {
	const port = "; hosts are written with their port unless it is 443"
	t.Setenv("SHOP_KEY", canary)
	t.Setenv("SHOP_EMPTY", "")
	t.Setenv("SHOP_OTHER", canary)
	hosts := []string{canary + ".example", "127.0.0.1", "ESP.example:8443", "[::1]:8443", "plain.example"}
	fromEnv := httpsender.EnvSecrets("SHOP_", map[string][]string{
		"KEY": hosts, "EMPTY": {"esp.example"}, "MISSING": {"esp.example"}, "NOWHERE": nil,
		"SHOP_PREFIXED": {"esp.example"}, "BADLY": {"https://" + canary + ".example/"},
	})
	fromMap := httpsender.MapSecrets(map[string]httpsender.BoundSecret{
		"KEY": {Value: canary, Hosts: hosts}, "EMPTY": {Hosts: []string{"esp.example"}}, "NOWHERE": {Value: canary},
		"BADLY": {Value: canary, Hosts: []string{"*." + canary + ".example"}},
	})
	both := []httpsender.Secrets{fromEnv, fromMap}
	tests := []struct {
		secrets   []httpsender.Secrets
		name, url string
		want      string
	}{
		{both[:1], "EMPTY", "https://esp.example/", `the secret "EMPTY" is empty or unset: set SHOP_EMPTY`},
		{both[:1], "MISSING", "https://esp.example/", `the secret "MISSING" is empty or unset: set SHOP_MISSING`},
		{both[:1], "MISSING", "https://evil.example/", `the secret "MISSING" is not bound to evil.example`},
		{both[:1], "OTHER", "https://esp.example/", `the secret "OTHER" is not listed in EnvSecrets`},
		{both[:1], "SHOP_MISSING", "https://esp.example/", `the secret "SHOP_MISSING" is not listed in EnvSecrets; a campaign names it without the prefix`},
		{both[:1], "PREFIXED", "https://esp.example/", `the secret "PREFIXED" is not listed in EnvSecrets, but with its prefix; list it without`},
		{both, "BADLY", "https://esp.example/", `the secret "BADLY" is bound to something that is no host; write hosts without scheme, path and wildcard`},
		{both[1:], "OTHER", "https://esp.example/", `the secret "OTHER" is not listed in MapSecrets`},
		{both[1:], "EMPTY", "https://esp.example/", `the secret "EMPTY" is empty`},
		{both, "NOWHERE", "https://esp.example/", `the secret "NOWHERE" is not bound to esp.example`},
		{both, "KEY", "https://evil.example/", `the secret "KEY" is not bound to evil.example`},
		{both, "KEY", "https://esp.example.evil.example:8443/", `the secret "KEY" is not bound to esp.example.evil.example:8443`},
		{both, "KEY", "http://127.0.0.1:9099/", `the secret "KEY" is bound to 127.0.0.1, and this is 127.0.0.1:9099` + port},
		{both, "KEY", "http://plain.example/", `the secret "KEY" is bound to plain.example, and this is plain.example:80` + port},
		{both, "KEY", "https://esp.example/", `the secret "KEY" is bound to esp.example:8443, and this is esp.example` + port},
		{both, "KEY", "https://[::1]/", `the secret "KEY" is bound to [::1]:8443, and this is [::1]` + port},
		{both, "KEY", "https://[::2]:8443/", `the secret "KEY" is not bound to [::2]:8443`},
		// By the rule for ports, 443 is left out, so no list can name it.
		{both, "KEY", "http://plain.example:443/", `the secret "KEY" cannot be bound to port 443 without https (plain.example:443)`},
	}
	for _, tt := range tests {
		for _, secrets := range tt.secrets {
			r := post(tt.url)
			r.Headers[0].Secret = tt.name
			_, de := send(t, local(t, &httpsender.Sender{Secrets: secrets}), r)
			if de == nil || de.Verdict != campaign.Unreachable || !errors.Is(de, httpsender.ErrNoSecret) || !strings.HasSuffix(de.Error(), ": "+tt.want) {
				t.Errorf("Send to %s with %s = %v, want ErrNoSecret and %q", tt.url, tt.name, de, tt.want)
				continue
			}
			lookForCanary(t, de)
		}
	}
}

// A resolver of the host's may ask another one, and for another secret. What it
// hands on is shown only if it is the answer to what the campaign asked for.
func TestSecretFaultsHandedOn(t *testing.T) {
	inner := httpsender.EnvSecrets("SHOP_", map[string][]string{"MISSING": {"esp.example"}, canary: {"esp.example"}})
	const unknown = `the secret "MISSING" is not known, or not for this host (esp.example)`
	tests := []struct {
		what  string
		outer httpsender.SecretsFunc
		want  string
	}{
		{"as it is", inner.Secret, `the secret "MISSING" is empty or unset: set SHOP_MISSING`},
		{"with more text", func(ctx context.Context, name, host string) (string, error) {
			_, err := inner.Secret(ctx, name, host)
			return "", fmt.Errorf(canary+": %w", err)
		}, `the secret "MISSING" is empty or unset: set SHOP_MISSING`},
		{"another secret", func(ctx context.Context, _, host string) (string, error) {
			return inner.Secret(ctx, canary, host)
		}, unknown},
		{"another host", func(ctx context.Context, name, _ string) (string, error) {
			return inner.Secret(ctx, name, canary)
		}, unknown},
	}
	for _, tt := range tests {
		r := post("https://esp.example/")
		r.Headers[0].Secret = "MISSING"
		_, de := send(t, local(t, &httpsender.Sender{Secrets: tt.outer}), r)
		if de == nil || !errors.Is(de, httpsender.ErrNoSecret) || !strings.HasSuffix(de.Error(), ": "+tt.want) {
			t.Errorf("%s: Send = %v, want ErrNoSecret and %q", tt.what, de, tt.want)
			continue
		}
		lookForCanary(t, de)
	}
}

func TestSecretsAreToldTheHost(t *testing.T) {
	tests := []struct{ url, want string }{
		{"https://ESP.example/x", "esp.example"},
		{"https://esp.example:443/x", "esp.example"},
		{"https://esp.example:/x", "esp.example"},
		{"https://esp.example:8443/x", "esp.example:8443"},
		{"http://esp.example/x", "esp.example:80"},
		{"http://esp.example:80/x", "esp.example:80"},
		{"http://esp.example:443/x", "esp.example:443"},
		{"https://[2001:DB8::1]/x", "[2001:db8::1]"},
		{"https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"},
	}
	for _, tt := range tests {
		var got string
		s := local(t, &httpsender.Sender{Secrets: httpsender.SecretsFunc(func(_ context.Context, _, host string) (string, error) {
			got = host
			return "", httpsender.ErrNoSecret
		})})
		r := post(tt.url)
		r.Headers[0].Secret = "KEY"
		if _, de := send(t, s, r); de == nil || !errors.Is(de, httpsender.ErrNoSecret) {
			t.Errorf("Send to %s = %v, want ErrNoSecret", tt.url, de)
		}
		if got != tt.want {
			t.Errorf("host told for %s = %q, want %q", tt.url, got, tt.want)
		}
	}
}

// What must never be seen: it is planted wherever a request or a host can put a
// secret, and looked for wherever something is shown.
const canary = "canary-9b1c"

func TestNothingIsShown(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://"+canary+".example/")
		w.WriteHeader(http.StatusFound)
		fmt.Fprint(w, r.Header, r.URL)
	}
	garbage := func(c net.Conn, _ int64) bool { fmt.Fprintf(c, "%s %s\r\n\r\n", canary, canary); return false }
	answers := map[string]string{
		"redirect": serve(t, echo).URL,
		"garbage":  raw(t, garbage).URL,
		"header without colon": raw(t, func(c net.Conn, _ int64) bool {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", canary)
			return false
		}).URL,
		"status": raw(t, func(c net.Conn, _ int64) bool { fmt.Fprintf(c, "HTTP/1.1 %s\r\n\r\n", canary); return false }).URL,
		"encoding": raw(t, func(c net.Conn, _ int64) bool {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n", canary)
			return false
		}).URL,
		"length": raw(t, func(c net.Conn, _ int64) bool {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", canary)
			return false
		}).URL,
		"reset":   raw(t, func(c net.Conn, _ int64) bool { reset(c); return false }).URL,
		"timeout": raw(t, func(c net.Conn, _ int64) bool { _, _ = c.Read(make([]byte, 1)); return false }).URL,
		"refused": "http://127.0.0.1:1",
		"no TLS":  "https" + strings.TrimPrefix(raw(t, garbage).URL, "http"),
		"no name": "http://a..b",
	}
	secrets := map[string]httpsender.Secrets{
		"secret": httpsender.SecretsFunc(func(context.Context, string, string) (string, error) { return canary, nil }),
		"secret with a line break": httpsender.SecretsFunc(func(context.Context, string, string) (string, error) {
			return canary + "\n", nil
		}),
		"error": httpsender.SecretsFunc(func(context.Context, string, string) (string, error) {
			return "", errors.New(canary)
		}),
		"wrapped": httpsender.SecretsFunc(func(context.Context, string, string) (string, error) {
			return "", fmt.Errorf("%s: %w", canary, httpsender.ErrNoSecret)
		}),
		"panic": httpsender.SecretsFunc(func(context.Context, string, string) (string, error) { panic(canary) }),
	}
	for answer, url := range answers {
		for secret, resolver := range secrets {
			t.Run(answer+"/"+secret, func(t *testing.T) {
				s := local(t, &httpsender.Sender{Secrets: resolver, Timeout: 50 * time.Millisecond})
				r := post(url + "/" + canary + "?token=" + canary + "#" + canary)
				r.Body = []byte(canary)
				r.Headers = append(r.Headers,
					campaign.Header{Name: "Authorization", Value: canary + " ", Secret: "KEY"},
					campaign.Header{Name: "X-Token", Value: canary})
				_, de := send(t, s, r)
				if de == nil {
					t.Fatal("Send = nil, want an error")
				}
				lookForCanary(t, de)
			})
		}
	}
	for _, url := range []string{
		"https://" + canary + "@esp.example/", "https://:" + canary + "@esp.example/", canary + "://esp.example/",
		"https:" + canary, "https:///" + canary, "https://esp.example:" + canary + "/", "https://[" + canary + "/", canary,
		"https://esp.example/%zz" + canary, "http://esp.example/" + canary + "\x7f", "https://esp.example\\@" + canary,
	} {
		_, de := send(t, &httpsender.Sender{}, post(url))
		if de == nil {
			t.Fatalf("Send to %q = nil, want an error", url)
		}
		lookForCanary(t, de)
	}
}

func TestSenderIsNotShown(t *testing.T) {
	bound := httpsender.BoundSecret{Value: canary, Hosts: []string{"esp.example"}}
	s := &httpsender.Sender{Secrets: httpsender.MapSecrets(map[string]httpsender.BoundSecret{"KEY": bound})}
	for _, v := range []any{
		s, bound, &bound, s.Secrets,
		struct{ Sender *httpsender.Sender }{s},
		struct{ secrets httpsender.Secrets }{s.Secrets},
		map[string]httpsender.BoundSecret{"KEY": bound},
	} {
		lookForCanary(t, v)
	}
}

// lookForCanary shows v in every way that a host might.
func lookForCanary(t *testing.T, v any) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "v", v)
	asJSON, _ := json.Marshal(v)
	shown := map[string]string{"slog": log.String(), "JSON": string(asJSON)}
	for verb := range strings.FieldsSeq("%v %+v %#v %s %q %x %d %t %c %U") {
		shown[verb] = fmt.Sprintf(verb, v)
	}
	for how, text := range shown {
		for _, c := range []string{canary, fmt.Sprintf("%x", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]")} {
			if strings.Contains(text, c) {
				t.Errorf("%s of a %T shows what it must not: %s", how, v, text)
			}
		}
	}
	switch e := v.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			lookForCanary(t, inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			lookForCanary(t, inner)
		}
	}
}

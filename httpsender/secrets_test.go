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
	shown := map[string]string{
		"slog": log.String(), "JSON": string(asJSON),
		"%v": fmt.Sprintf("%v", v), "%+v": fmt.Sprintf("%+v", v), "%#v": fmt.Sprintf("%#v", v),
		"%s": fmt.Sprintf("%s", v), "%q": fmt.Sprintf("%q", v), "%x": fmt.Sprintf("%x", v), "%d": fmt.Sprintf("%d", v),
	}
	for how, text := range shown {
		for _, c := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary))} {
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

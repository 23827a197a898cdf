package httpsender_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

// A fakeTransport answers from a script, without a network: real sockets stall
// the virtual time of a synctest bubble.
type fakeTransport struct {
	script []string // "200", "503 Retry-After", or the name of an error
	after  []time.Duration
	start  time.Time
	took   time.Duration // of each round trip
	seen   []http.Header
}

var fakeErrors = map[string]error{
	"refused": &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
	"no name": &net.DNSError{Err: "no such host", Name: "esp.example", IsNotFound: true},
	"reset":   &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
}

func (f *fakeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.start.IsZero() {
		f.start = time.Now()
	}
	f.after = append(f.after, time.Since(f.start))
	f.seen = append(f.seen, r.Header.Clone())
	step := f.script[min(len(f.after), len(f.script))-1]
	if f.took > 0 {
		select {
		case <-time.After(f.took):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err := fakeErrors[step]; err != nil {
		return nil, err
	}
	status, retryAfter, _ := strings.Cut(step, " ")
	resp := &http.Response{StatusCode: atoi(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return resp, nil
}

func TestRetries(t *testing.T) {
	tests := []struct {
		name     string
		script   string // separated by commas; the last goes on
		edit     func(*httpsender.Sender)
		want     string
		status   int
		attempts int
	}{
		{name: "at once", script: "200", want: "delivered", attempts: 1},
		{name: "500, 200", script: "500,200", want: "delivered", attempts: 2},
		{name: "503, 429, 204", script: "503,429,204", want: "delivered", attempts: 3},
		{name: "refused, 200", script: "refused,200", want: "delivered", attempts: 2},
		{name: "no name, 200", script: "no name,200", want: "delivered", attempts: 2},
		{name: "408", script: "408", want: "rejected", status: 408, attempts: 3},
		{name: "425", script: "425", want: "rejected", status: 425, attempts: 3},
		{name: "429", script: "429", want: "rejected", status: 429, attempts: 3},
		{name: "500", script: "500", want: "rejected", status: 500, attempts: 3},
		{name: "502", script: "502", want: "rejected", status: 502, attempts: 3},
		{name: "503", script: "503", want: "rejected", status: 503, attempts: 3},
		{name: "refused", script: "refused", want: "unreachable", attempts: 3},

		{name: "400", script: "400,200", want: "rejected", status: 400, attempts: 1},
		{name: "401", script: "401,200", want: "rejected", status: 401, attempts: 1},
		{name: "410", script: "410,200", want: "rejected", status: 410, attempts: 1},
		{name: "302", script: "302,200", want: "rejected", status: 302, attempts: 1},
		{name: "501", script: "501,200", want: "rejected", status: 501, attempts: 1},
		{name: "504", script: "504,200", want: "uncertain", status: 504, attempts: 1},
		{name: "reset", script: "reset,200", want: "uncertain", attempts: 1},

		{name: "504, tried again", script: "504,200", edit: retryUncertain, want: "delivered", attempts: 2},
		{name: "reset, tried again", script: "reset,200", edit: retryUncertain, want: "delivered", attempts: 2},
		{name: "504, then 400", script: "504,400", edit: retryUncertain, want: "uncertain", status: 400, attempts: 2},

		{name: "500, then refused", script: "500,refused", want: "rejected", status: 500, attempts: 3},
		{name: "refused, then 500", script: "refused,500", want: "rejected", status: 500, attempts: 3},
		{name: "refused, then reset", script: "refused,reset", want: "uncertain", attempts: 2},
		{name: "503, then reset", script: "503,reset", want: "uncertain", status: 503, attempts: 2},
		{name: "503, then 400", script: "503,400", want: "rejected", status: 400, attempts: 2},
		{name: "uncertain is stronger than all that follows", script: "reset,refused,500", edit: retryUncertain, want: "uncertain", status: 500, attempts: 3},

		{name: "one attempt", script: "500", edit: func(s *httpsender.Sender) { s.Attempts = 1 }, want: "rejected", status: 500, attempts: 1},
		{name: "seven attempts", script: "500", edit: func(s *httpsender.Sender) { s.Attempts = 7 }, want: "rejected", status: 500, attempts: 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeTransport{script: strings.Split(tt.script, ",")}
				s := &httpsender.Sender{Transport: f}
				if tt.edit != nil {
					tt.edit(s)
				}
				resp, de := send(t, s, post("https://esp.example/x"))
				got, attempts := "delivered", 0
				if de != nil {
					got, attempts = de.Verdict.String(), de.Attempts
					if de.Status != tt.status {
						t.Errorf("Status = %d, want %d", de.Status, tt.status)
					}
				} else {
					attempts = resp.Attempts
				}
				if got != tt.want || attempts != tt.attempts || len(f.seen) != tt.attempts {
					t.Errorf("Send = %s after %d attempts and %d round trips, want %s after %d", got, attempts, len(f.seen), tt.want, tt.attempts)
				}
			})
		})
	}
}

func retryUncertain(s *httpsender.Sender) { s.RetryUncertain = true }

func TestFirstAndLastCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &httpsender.Sender{Transport: &fakeTransport{script: []string{"refused", "503", "400"}}}
		_, de := send(t, s, post("https://esp.example/x"))
		if de == nil || !errors.Is(de.First, syscall.ECONNREFUSED) || de.Last == nil || de.Last.Error() != "status 400 Bad Request" {
			t.Errorf("Send = %v, want first connection refused and last 400", de)
		}
	})
}

// Waits in virtual time, with what would be random made certain by Retry-After.
func TestRetryAfter(t *testing.T) {
	noWait := func(s *httpsender.Sender) { s.RetryWait = time.Nanosecond }
	tests := []struct {
		name   string
		script string
		edit   func(*httpsender.Sender)
		after  []time.Duration
	}{
		{"seconds", "503 7,200", noWait, []time.Duration{0, 7 * time.Second}},
		{"on each", "429 2,503 3,200", noWait, []time.Duration{0, 2 * time.Second, 5 * time.Second}},
		// The clock of a bubble starts on 2000-01-01 at midnight.
		{"IMF-fixdate", "503 Sat; 01 Jan 2000 00:00:09 GMT,200", noWait, []time.Duration{0, 9 * time.Second}},
		{"RFC 850", "503 Saturday; 01-Jan-00 00:00:08 GMT,200", noWait, []time.Duration{0, 8 * time.Second}},
		{"asctime", "503 Sat Jan  1 00:00:06 2000,200", noWait, []time.Duration{0, 6 * time.Second}},
		{"capped", "503 3600,200", noWait, []time.Duration{0, 30 * time.Second}},
		{"overflow", "503 99999999999999999999,200", noWait, []time.Duration{0, 30 * time.Second}},
		{"own cap", "503 3600,200", func(s *httpsender.Sender) {
			s.RetryWait, s.MaxRetryAfter = time.Nanosecond, 11*time.Second
		}, []time.Duration{0, 11 * time.Second}},
		{"beyond the budget", "503 3600,200", func(s *httpsender.Sender) {
			s.MaxRetryAfter, s.Budget = time.Hour, 10*time.Minute
		}, []time.Duration{0}},
		{"within the budget", "503 3600,200", func(s *httpsender.Sender) {
			s.RetryWait, s.MaxRetryAfter, s.Budget = time.Nanosecond, time.Hour, 2*time.Hour
		}, []time.Duration{0, time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := strings.Split(tt.script, ",")
				for i := range script {
					script[i] = strings.ReplaceAll(script[i], ";", ",")
				}
				f := &fakeTransport{script: script}
				s := &httpsender.Sender{Transport: f}
				tt.edit(s)
				_, _ = s.Send(t.Context(), post("https://esp.example/x"))
				if diff := cmp.Diff(tt.after, f.after, cmp.Comparer(func(a, b time.Duration) bool {
					return (a - b).Abs() < time.Millisecond
				})); diff != "" {
					t.Errorf("times of the attempts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTransport{script: []string{"503 30"}, took: time.Second}
		s := &httpsender.Sender{Transport: f, Attempts: 100}
		start := time.Now()
		_, de := send(t, s, post("https://esp.example/x"))
		if d := time.Since(start); d > time.Minute || d < 30*time.Second {
			t.Errorf("Send took %v, want most of its budget of a minute", d)
		}
		if de == nil || de.Verdict != campaign.Rejected || de.Attempts != 2 {
			t.Errorf("Send = %v, want rejected after the 2 attempts that fit", de)
		}
	})
}

// A vault that does not answer, and heeds its context.
func TestBudgetOfResolvers(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, tt := range map[string]struct {
		secrets httpsender.SecretsFunc
		signing httpsender.SigningFunc
		want    time.Duration
	}{
		"Secrets": {
			secrets: func(ctx context.Context, _, _ string) (string, error) { return "", hang(ctx) },
			signing: func(context.Context, string) ([]httpsender.SigningKey, error) { return nil, nil },
			want:    time.Minute,
		},
		"Signing": {
			secrets: func(context.Context, string, string) (string, error) { return "secret", nil },
			signing: func(ctx context.Context, _ string) ([]httpsender.SigningKey, error) { return nil, hang(ctx) },
			want:    15 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &httpsender.Sender{Transport: &fakeTransport{script: []string{"200"}}, Secrets: tt.secrets, Signing: tt.signing}
				r := post("https://esp.example/x")
				r.Headers = append(r.Headers, campaign.Header{Name: "X-Key", Secret: "KEY"})
				start := time.Now()
				_, de := send(t, s, r)
				if took := time.Since(start); de == nil || de.Verdict != campaign.Unreachable || de.Attempts != 0 || took != tt.want {
					t.Errorf("Send = %v after %v, want unreachable without an attempt after %v", de, took, tt.want)
				}
			})
		})
	}
}

func TestTimeLimitOfAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTransport{script: []string{"200"}, took: time.Hour}
		start := time.Now()
		_, de := send(t, &httpsender.Sender{Transport: f}, post("https://esp.example/x"))
		if d := time.Since(start); d != 15*time.Second {
			t.Errorf("Send took %v, want 15s", d)
		}
		if de == nil || de.Verdict != campaign.Uncertain || !errors.Is(de, context.DeadlineExceeded) {
			t.Errorf("Send = %v, want uncertain and context.DeadlineExceeded", de)
		}
	})
}

func TestCanceledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTransport{script: []string{"503 20"}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		start := time.Now()
		_, err := (&httpsender.Sender{Transport: f}).Send(ctx, post("https://esp.example/x"))
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Send returned after %v, want at once when it is canceled after 5s", d)
		}
		de, ok := errors.AsType[*campaign.DeliveryError](err)
		if !ok || de.Verdict != campaign.Rejected || de.Attempts != 1 || de.Status != 503 || !errors.Is(err, context.Canceled) {
			t.Errorf("Send = %v, want rejected with 503 after 1 attempt, and context.Canceled", err)
		}
	})
}

// A wait that outlasts the caller's deadline would only keep the caller waiting.
func TestDeadlineBeforeTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := (&httpsender.Sender{Transport: &fakeTransport{script: []string{"503 20"}}}).Send(ctx, post("https://esp.example/x"))
		if d := time.Since(start); d != 0 {
			t.Errorf("Send took %v, want none: its deadline is before the next attempt", d)
		}
		if de, ok := errors.AsType[*campaign.DeliveryError](err); !ok || de.Verdict != campaign.Rejected {
			t.Errorf("Send = %v, want rejected", err)
		}
	})
}

func TestSameIDFreshSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := signingKey(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		f := &fakeTransport{script: []string{"503 7", "200"}}
		s := &httpsender.Sender{
			Transport: f,
			Signing:   httpsender.SignHosts(map[string][]httpsender.SigningKey{"esp.example": {key}}),
		}
		r := post("https://esp.example/x")
		if _, de := send(t, s, r); de != nil || len(f.seen) != 2 {
			t.Fatalf("Send = %v after %d round trips, want delivery after 2", de, len(f.seen))
		}
		a, b := f.seen[0], f.seen[1]
		if a.Get("Webhook-Id") != r.ID || b.Get("Webhook-Id") != r.ID {
			t.Errorf("IDs = %q, %q, want %q on both", a.Get("Webhook-Id"), b.Get("Webhook-Id"), r.ID)
		}
		if a.Get("Webhook-Timestamp") == b.Get("Webhook-Timestamp") || a.Get("Webhook-Signature") == b.Get("Webhook-Signature") {
			t.Error("timestamp or signature is the same on both attempts, want fresh ones")
		}
		for i, h := range f.seen {
			if err := httpsender.Verify(h, r.Body, []httpsender.SigningKey{key}, 10*time.Second); err != nil {
				t.Errorf("Verify of attempt %d = %v, want nil", i+1, err)
			}
		}
	})
}

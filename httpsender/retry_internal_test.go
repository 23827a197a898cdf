package httpsender

import (
	"math"
	"net/http"
	"testing"
	"time"
)

// Inside the package: what a header is read as shows from outside only as a
// wait that is partly random.
func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":     0,
		"0":    0,
		"1":    time.Second,
		" 5\t": 5 * time.Second,
		"007":  7 * time.Second,
		"120":  2 * time.Minute,

		"31536000":                foreverAfter,
		"9223372036":              foreverAfter,
		"9223372036854775807":     foreverAfter,
		"9223372036854775808":     foreverAfter,
		"99999999999999999999999": foreverAfter,

		"Tue, 24 Nov 2026 12:00:10 GMT":   10 * time.Second,
		"Tuesday, 24-Nov-26 12:00:20 GMT": 20 * time.Second,
		"Tue Nov 24 12:00:30 2026":        30 * time.Second,
		"Tue Dec  1 12:00:00 2026":        7 * 24 * time.Hour,
		"Tue, 24 Nov 2026 11:59:59 GMT":   0,
		"Tuesday, 24-Nov-20 12:00:20 GMT": 0,
		"Sun Nov  6 08:49:37 1994":        0,
		"Fri, 31 Dec 9999 23:59:59 GMT":   foreverAfter,
		// Package time reads 69 as 1969, and it is ahead by less than 50 years.
		"Sunday, 24-Nov-69 12:00:00 GMT": foreverAfter,
		// And 94 as 1994, which it was.
		"Sunday, 06-Nov-94 08:49:37 GMT": 0,

		"-1": 0, "+1": 0, "1.5": 0, "1e3": 0, "0x10": 0, "1,2": 0, "1 2": 0, "5s": 0, "soon": 0, "١": 0,
		"Tue, 24 Nov 2026 12:00:10":      0,
		"Tue, 24 Nov 2026 12:00:10 UTC":  0,
		"Tue, 32 Nov 2026 12:00:10 GMT":  0,
		"2026-11-24T12:00:10Z":           0,
		"Tue, 24 Nov 2026 25:00:10 GMT":  0,
		"Tue, 24 Nov 2026 12:00:10 +1:0": 0,
		"\x00":                           0,
	}
	for value, want := range tests {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("parseRetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "99999999999999999999", "Tue, 24 Nov 2026 12:00:10 GMT", "Tuesday, 24-Nov-26 12:00:20 GMT", "Tue Nov 24 12:00:30 2026"} {
		f.Add(s, int64(1795521600))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		now := time.Unix(unix%(1<<36), 0)
		got := parseRetryAfter(value, now)
		if got < 0 || got > foreverAfter {
			t.Fatalf("parseRetryAfter(%q) = %v, want between 0 and %v", value, got, foreverAfter)
		}
		if got == 0 {
			return
		}
		// It meant something, so it is digits or a date of the future.
		if isDigits(trimmed(value)) {
			return
		}
		if _, err := http.ParseTime(trimmed(value)); err != nil {
			t.Fatalf("parseRetryAfter(%q) = %v, want 0: it is neither a number nor a date", value, got)
		}
	})
}

func trimmed(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// Inside the package: the bounds of a random wait are seen by drawing many.
func TestDelay(t *testing.T) {
	tests := []struct {
		name       string
		s          schedule
		n          int
		retryAfter time.Duration
		low, high  time.Duration
	}{
		{"first", schedule{wait: time.Second, maxWait: time.Minute}, 1, 0, 0, time.Second},
		{"third", schedule{wait: time.Second, maxWait: time.Minute}, 3, 0, 0, 4 * time.Second},
		{"capped", schedule{wait: time.Second, maxWait: 5 * time.Second}, 9, 0, 0, 5 * time.Second},
		{"cap below the first", schedule{wait: time.Second, maxWait: time.Millisecond}, 1, 0, 0, time.Millisecond},
		{"huge", schedule{wait: math.MaxInt64 / 2, maxWait: math.MaxInt64 - 1}, 500, 0, 0, math.MaxInt64 - 1},
		{"longest", schedule{wait: math.MaxInt64, maxWait: math.MaxInt64}, 1, 0, 0, math.MaxInt64 - 1},
		{"many attempts", schedule{wait: time.Second, maxWait: time.Minute}, 1 << 20, 0, 0, time.Minute},
		{"floor", schedule{wait: time.Second, maxWait: time.Second, maxRetryAfter: time.Minute}, 1, 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"floor below", schedule{wait: time.Second, maxWait: time.Second, maxRetryAfter: time.Minute}, 1, 500 * time.Millisecond, 500 * time.Millisecond, time.Second},
		{"floor capped", schedule{wait: time.Second, maxWait: time.Second, maxRetryAfter: time.Minute}, 1, foreverAfter, time.Minute, time.Minute},
		{"floor ignored", schedule{wait: time.Second, maxWait: time.Second, maxRetryAfter: -1}, 1, time.Hour, 0, time.Second},
	}
	for _, tt := range tests {
		low, high := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
		for range 1000 {
			d := tt.s.delay(tt.n, tt.retryAfter)
			low, high = min(low, d), max(high, d)
		}
		if low < tt.low || high > tt.high {
			t.Errorf("%s: delay is from %v to %v, want within %v and %v", tt.name, low, high, tt.low, tt.high)
		}
		// Full jitter fills its range.
		if span := tt.high - tt.low; high-low < span-span/10 {
			t.Errorf("%s: delay is from %v to %v, want nearly all from %v to %v", tt.name, low, high, tt.low, tt.high)
		}
	}
}

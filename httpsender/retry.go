package httpsender

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A schedule says whether and when a failed attempt is followed by another.
type schedule struct {
	attempts      int
	wait          time.Duration // upper bound of the first wait; doubles with each
	maxWait       time.Duration
	maxRetryAfter time.Duration
	uncertain     bool
}

// again reports whether what became of an attempt is worth another.
func (s *schedule) again(o *outcome) bool {
	switch {
	case o.final:
		return false
	case o.verdict == campaign.Unreachable:
		return true
	case o.verdict == campaign.Uncertain:
		return s.uncertain
	}
	switch o.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// delay returns how long to wait after attempt n, counted from 1. It is drawn
// from the whole range ("full jitter"): clients that failed together would
// otherwise come back together.
func (s *schedule) delay(n int, retryAfter time.Duration) time.Duration {
	bound := s.wait
	for range n - 1 {
		if bound >= s.maxWait/2 {
			bound = s.maxWait // before doubling can overflow
			break
		}
		bound *= 2
	}
	bound = min(bound, s.maxWait, math.MaxInt64-1)
	return max(rand.N(bound+1), min(retryAfter, s.maxRetryAfter))
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// foreverAfter is what a number of seconds beyond any sense is read as.
const foreverAfter = 365 * 24 * time.Hour

// parseRetryAfter reads a Retry-After header: a number of seconds, or a date in
// one of the three forms of RFC 9110 section 5.6.7. What is neither, or past,
// is no wait at all.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.Trim(value, " \t")
	if value == "" {
		return 0
	}
	if isDigits(value) {
		return parseSeconds(value)
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if strings.Contains(value, "-") {
		t = nearestCentury(t, now)
	}
	return min(max(t.Sub(now), 0), foreverAfter)
}

func parseSeconds(digits string) time.Duration {
	seconds := int64(0)
	for _, c := range []byte(digits) {
		seconds = seconds*10 + int64(c-'0')
		if seconds >= int64(foreverAfter/time.Second) {
			return foreverAfter
		}
	}
	return time.Duration(seconds) * time.Second
}

// nearestCentury moves a date that was written with two digits of its year to
// where RFC 9110 wants it: never more than 50 years ahead. Package time has a
// fixed border instead, between 68 and 69.
func nearestCentury(t, now time.Time) time.Time {
	switch {
	case t.After(now.AddDate(50, 0, 0)):
		return t.AddDate(-100, 0, 0)
	case t.Before(now.AddDate(-50, 0, 0)):
		return t.AddDate(100, 0, 0)
	}
	return t
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

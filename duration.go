package campaign

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Durations as campaign files have them.

// duration reads Go's duration strings, with d for days, and the two special ones.
func (d *decoder) duration(n *jsonValue) time.Duration {
	const cure = `write one such as "7d", "12h" or "1d12h" (whole days first, then h, m, s and ms), or "immediately" or "never"`
	if n.kind != jsonString {
		d.fault(n.at, "is %s and not a duration; %s", n.kind, cure)
		return 0
	}
	switch n.text {
	case "immediately":
		return Immediately
	case "never":
		return Never
	}
	dur, err := parseDuration(n.text)
	switch {
	case err != nil && meantDuration(n.text) != "":
		d.fault(n.at, "%s %v; write %q", shorten(n.text), err, meantDuration(n.text))
	case err != nil:
		d.fault(n.at, "%s %v; %s", shorten(n.text), err, cure)
	case dur < time.Millisecond:
		d.fault(n.at, `%s is shorter than 1ms; write "immediately" for no cooldown at all`, shorten(n.text))
		dur = 0
	case dur == Never:
		dur-- // the longest duration is a sentinel; nobody will miss its last nanosecond
	}
	return dur
}

// meantDuration returns the duration that people mean by texts such as "7 days",
// "1w", "7D" and "Never", or "".
func meantDuration(s string) string {
	if len(s) > maxWord || strings.HasSuffix(s, "M") {
		return "" // of M nobody knows whether it is minutes or months
	}
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	digits := leadingDigits(s)
	switch s[digits:] {
	case "w", "week", "weeks":
		weeks, err := strconv.ParseUint(s[:digits], 10, 16)
		if err != nil {
			return ""
		}
		s = strconv.Itoa(7*int(weeks)) + "d"
	case "day", "days":
		s = s[:digits] + "d"
	case "hr", "hrs", "hour", "hours":
		s = s[:digits] + "h"
	case "min", "mins", "minute", "minutes":
		s = s[:digits] + "m"
	case "sec", "secs", "second", "seconds":
		s = s[:digits] + "s"
	}
	if d, err := parseDuration(s); s != "immediately" && s != "never" && (err != nil || d < time.Millisecond) {
		return ""
	}
	return s
}

// parseDuration is time.ParseDuration with a leading number of days of 24
// hours: "7d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return goDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 63)
	if err != nil || strings.Trim(days, "0123456789") != "" {
		return 0, errors.New("is not a duration")
	}
	const day = 24 * time.Hour
	if n > uint64(Never/day) {
		return 0, errors.New("is more than 292 years")
	}
	total := time.Duration(n) * day
	if rest == "" {
		return total, nil
	}
	more, err := goDuration(rest)
	if err != nil {
		return 0, err
	}
	if strings.ContainsAny(rest[:1], "+-") {
		return 0, errors.New("is not a duration")
	}
	if more > Never-total {
		return 0, errors.New("is more than 292 years")
	}
	return total + more, nil
}

func goDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New("is not a duration")
	}
	return d, nil
}

// formatDuration writes what parseDuration and the special names read.
func formatDuration(d time.Duration) string {
	switch d {
	case Immediately:
		return "immediately"
	case Never:
		return "never"
	}
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	if days == 0 {
		return shortDuration(rest)
	}
	if rest == 0 {
		return strconv.Itoa(int(days)) + "d"
	}
	return strconv.Itoa(int(days)) + "d" + shortDuration(rest)
}

// shortDuration is Go's form without units that are zero: 12h, not 12h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// print writes the table. The ratios are to the first row.
func (t *table) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s campaigns: %s\n\n", thousands(t.n), t.part.title)
	fmt.Fprintf(out, "%-16s", "")
	for _, class := range t.classes {
		fmt.Fprintf(out, " |%29s", class)
	}
	fmt.Fprintf(out, " |\n%-16s", "")
	for range t.classes {
		fmt.Fprintf(out, " |%11s%9s%9s", "time", "ratio", "allocs")
	}
	fmt.Fprintf(out, " |%10s%12s\n", "build", "B/campaign")
	var notes []string
	for _, r := range t.rows {
		fmt.Fprintf(out, "%-16s", r.name)
		if r.note != "" {
			notes = append(notes, r.name+" "+r.note)
			fmt.Fprintln(out, strings.Repeat(fmt.Sprintf(" |%11s%9s%9s", "-", "", ""), len(t.classes))+" |")
			continue
		}
		for i := range r.cells {
			c := &r.cells[i]
			fmt.Fprintf(out, " |%11s%9s%9s", nanos(c.median()), ratio(c.ratio(&t.rows[0].cells[i])), count(c.allocs))
		}
		fmt.Fprintf(out, " |%10s%12s\n", round(r.build), r.heap())
	}
	for _, note := range notes {
		fmt.Fprintln(out, note)
	}
}

// heap leaves out what a few campaigns cannot tell: what a library sets up once
// is more than they are.
func (r *row) heap() string {
	if r.size < 1000 || r.name == parseName || r.name == emptyName {
		return "-"
	}
	return fmt.Sprintf("%.0f", r.bytes)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func nanos(ns float64) string {
	switch {
	case math.IsNaN(ns):
		return "-"
	case ns < 10_000:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 10_000_000:
		return fmt.Sprintf("%.1f µs", ns/1e3)
	default:
		return fmt.Sprintf("%.1f ms", ns/1e6)
	}
}

func ratio(r float64) string {
	if math.IsNaN(r) {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals(r), r)
}

func count(n float64) string {
	if n == 0 {
		return "0"
	}
	if n < 0.1 {
		return "<0.1"
	}
	return fmt.Sprintf("%.*f", decimals(n), n)
}

// decimals gives small numbers more digits after the point.
func decimals(x float64) int {
	switch {
	case x < 0.1:
		return 4
	case x < 10:
		return 2
	case x < 100:
		return 1
	}
	return 0
}

// round leaves three or four digits of a time.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond / 10)
}

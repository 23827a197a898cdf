package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// alignNumbers writes rows in columns, the first to the left, the others, which
// are numbers, to the right.
func alignNumbers(b *strings.Builder, rows [][]string) { align(b, rows, 1) }

// alignWords writes rows in columns, all of them to the left.
func alignWords(b *strings.Builder, rows [][]string) { align(b, rows, len(rows[0])) }

// align writes rows in columns, so many of them to the left.
func align(b *strings.Builder, rows [][]string, left int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i < left {
				fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(&line, "%*s  ", widths[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

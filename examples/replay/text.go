package main

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A log holds what strangers have sent, and a campaign file what somebody else
// has written: their control characters must not reach a terminal.

// printable returns text with all escaped that is not for a terminal, but for
// line breaks.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (!unicode.IsPrint(r) || r == utf8.RuneError) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r == '\n' {
			b.WriteRune(r)
		} else {
			writePrintable(&b, r)
		}
	}
	return b.String()
}

func writePrintable(b *strings.Builder, r rune) {
	switch {
	case r == utf8.RuneError:
		b.WriteRune('?') // not UTF-8
	case unicode.IsPrint(r):
		b.WriteRune(r)
	default:
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
}

// maxShown is how much of a line of a log is shown, in bytes.
const maxShown = 60

// shorten returns the beginning of a line.
func shorten(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i >= maxShown {
			b.WriteString("...")
			break
		}
		writePrintable(&b, r)
	}
	return b.String()
}

// quoted returns a word that may be anything.
func quoted(word string) string { return strconv.Quote(shorten(word)) }

// errorLine returns the text of an error, which may have several lines, on one.
func errorLine(err error) string {
	lines := strings.Split(strings.TrimPrefix(err.Error(), "campaign: "), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text := lines[0]
	if len(lines) > 1 {
		text += " " + strings.Join(lines[1:], "; ")
	}
	return printable(text)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// writeText writes text for people.
func writeText(w io.Writer, text string) error {
	_, err := io.WriteString(w, printable(text))
	return err
}

// writeJSON writes a value for programs.
func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

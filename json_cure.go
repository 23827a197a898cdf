package campaign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What to do about a text that is not JSON.

// syntaxCure says what is wrong at an offset where a text stops being JSON, and
// what to do. What encoding/json says of it is written by those who know its
// grammar, and most of these files are not. It never shows more of the text
// than a character: a word without quotes may be a secret.
func syntaxCure(data []byte, offset int, err *json.SyntaxError) string {
	before := bytes.TrimRight(data[:offset], " \t\r\n")
	var last byte // what stands before it, but for white space
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	r, _ := utf8.DecodeRune(data[offset:])
	beside := len(before) == offset // nothing stands between the two
	said := err.Error()
	complete := strings.Contains(said, "after array element") || strings.Contains(said, "after object key:value pair")
	switch {
	case strings.Contains(said, "character escape"), strings.Contains(said, "escape code"):
		return `a backslash before it begins no escape that JSON has; write a backslash as \\`
	case strings.Contains(said, "in string") && (r == '\n' || r == '\r'):
		return `a text cannot go on over the end of a line; close it with ", or write the line break as \n`
	case strings.Contains(said, "in string"):
		return `a text cannot have a control character; remove it, or write a tab as \t`
	case isTypographicQuote(data[offset:]):
		return fmt.Sprintf(`%c is a typographic quote; write " in its place`, r)
	case r == '#', bytes.HasPrefix(data[offset:], []byte("//")), bytes.HasPrefix(data[offset:], []byte("/*")):
		return "JSON has no comments; remove it"
	case last == 0:
		return "a document begins with {; write the campaigns, or the visit, in JSON"
	case r == '\'':
		return `texts and keys stand in double quotes; write " in place of '`
	case r == ',' && last == ',':
		return "a comma follows a comma; remove one of them"
	case (r == '}' || r == ']') && last == ',':
		return fmt.Sprintf("nothing follows the comma before %c; remove the comma", r)
	case (r == '}' || r == ']') && (complete || last == '[' || last == '{'):
		open := lastOpen(data[:offset])
		return fmt.Sprintf("%s; close it with %c first", notClosed(data, open), closing(data[open]))
	case complete && !beside && (r == '"' || r == '{' || r == '[' || r == '-' || isAlnum(data[offset])):
		return "a comma is missing; put one before it"
	case complete && last == '"':
		return `a text has ended before it; write a quote inside a text as \", and a comma between two of them`
	}
	if strings.Contains(said, "numeric literal") {
		return badNumberCure
	}
	if r == '/' {
		return keysInQuotes
	}
	if !inWord(data[offset]) {
		return said + "; correct it there, or just before"
	}
	switch word := wordAround(data, offset); {
	case strings.Contains(said, "object key string"):
		return keysInQuotes
	case slices.Contains([]string{"true", "false", "null"}, strings.ToLower(word)):
		return "JSON writes true, false and null in small letters; write " + strings.ToLower(word)
	case strings.IndexFunc(word, unicode.IsLetter) >= 0:
		return keysInQuotes
	case strings.ContainsAny(word, "0123456789"):
		return badNumberCure
	}
	return said + "; correct it there, or just before"
}

const (
	keysInQuotes  = "texts and keys stand in double quotes; put them around what stands there"
	badNumberCure = "it is no number of JSON; write one such as 7, 0.5 or -1"
)

// inWord reports whether a character may be in a word without quotes, or in a number.
func inWord(c byte) bool { return isAlnum(c) || strings.IndexByte("_.+-", c) >= 0 }

// wordAround returns the word without quotes, or the number, that an offset lies
// in. The decoder stops at the end of what it takes for a number: at the h of 12h.
func wordAround(data []byte, offset int) string {
	first, end := offset, offset
	for first > 0 && inWord(data[first-1]) {
		first--
	}
	for end < len(data) && inWord(data[end]) {
		end++
	}
	return string(data[first:end])
}

// lastOpen returns where the last quote or bracket stands that is not closed at
// the end of a text, which is JSON up to there; -1 if there is none.
func lastOpen(data []byte) int {
	var open []int
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			quote := i
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return quote
			}
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		}
	}
	if len(open) == 0 {
		return -1
	}
	return open[len(open)-1]
}

func notClosed(data []byte, open int) string {
	return fmt.Sprintf("the %c at %s is not closed", data[open], place(data, open))
}

// closing returns what closes a quote or a bracket.
func closing(open byte) byte {
	switch open {
	case '{':
		return '}'
	case '[':
		return ']'
	}
	return open
}

// isTypographicQuote reports whether data begins with what text processors make
// of a quote that is typed. The error of encoding/json shows one byte of it.
func isTypographicQuote(data []byte) bool {
	r, _ := utf8.DecodeRune(data)
	return strings.ContainsRune("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", r)
}

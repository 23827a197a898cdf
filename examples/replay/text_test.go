package main

import (
	"errors"
	"testing"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"caf\u00e9\n\u00fc":           "caf\u00e9\n\u00fc",
		"\x1b[2J\r\t\u202e\u2028\x7f": `\x1b[2J\r\t\u202e\u2028\x7f`,
		"\xff":                        "?",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
	if got, want := errorLine(errors.New("campaign: 2 faults:\n  a\n  b\x07")), `2 faults: a; b\a`; got != want {
		t.Errorf("errorLine = %q, want %q", got, want)
	}
	if got, want := shorten("a\nb"), `a\nb`; got != want {
		t.Errorf("shorten = %q, want %q", got, want)
	}
}

package main

import (
	"testing"
)

func TestParseKnown(t *testing.T) {
	list := "@" + file(t, "known", []byte("# ours\n192.0.2.7, Office.example # both\r\n\n2001:db8::/32\n"))
	for _, test := range []struct {
		value, address string
		want           bool
	}{
		{"all", "192.0.2.1", true},
		{"none", "192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.11", false},
		{"192.0.2.1, 192.0.2.2", "192.0.2.2", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.0/25", "192.0.2.127", true},
		{"192.0.2.0/25", "192.0.2.128", false},
		{"2001:DB8::1", "2001:db8:0:0::1", true},
		{"host.example", "Host.Example", true},
		{"host.example", "192.0.2.1", false},
		{list, "192.0.2.7", true},
		{list, "office.example", true},
		{list, "2001:db8:1::9", true},
		{list, "192.0.2.8", false},
		// As printf %s ADDRESS | sha256sum says: 37..., 9a..., ed..., 64...
		{"half", "192.0.2.1", true},
		{"half", "192.0.2.2", false},
		{"half", "192.0.2.3", false},
		{"half", "192.0.2.5", true},
	} {
		known, err := parseKnown(test.value)
		if err != nil {
			t.Errorf("parseKnown(%q) = %v", test.value, err)
			continue
		}
		if got := known(test.address); got != test.want {
			t.Errorf("parseKnown(%q)(%q) = %v, want %v", test.value, test.address, got, test.want)
		}
	}
	for _, bad := range []string{"", "a,,b", "All!", "192.0.2", "192.0.2.1/33", "@"} {
		if _, err := parseKnown(bad); err == nil {
			t.Errorf("parseKnown(%q) = nil, want an error", bad)
		}
	}
}

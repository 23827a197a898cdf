package main

import (
	"bytes"
	"regexp"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, 1, 5*time.Millisecond); err != nil {
		t.Fatalf("run = %v, want nil\n%s", err, &out)
	}
	for _, name := range []string{"net/http", "campaign", "campaign, signed", "go-retryablehttp"} {
		// Once for each number of connections.
		if n := len(regexp.MustCompile(`(?m)^ *\d+ +`+name+`  `).FindAllString(out.String(), -1)); n != 3 {
			t.Errorf("%q has %d lines, want 3:\n%s", name, n, &out)
		}
	}
}

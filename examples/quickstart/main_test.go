package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuickstart(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("run: %v", err)
	}
	// What differs from run to run: nothing but the delivery IDs' text, which
	// is pinned elsewhere.
	got := regexp.MustCompile(`msg_[0-9a-f]{32}`).ReplaceAllString(out.String(), "msg_ID")
	var decided, received []string
	for line := range strings.Lines(got) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "decided"); ok {
			decided = append(decided, strings.TrimSpace(rest))
		}
		if rest, ok := strings.CutPrefix(line, "received"); ok {
			received = append(received, strings.TrimSpace(rest))
		}
	}
	wantDecided := []string{
		"delivered; left alone until Mon 9 Mar 09:00",
		"nothing: the visit does not meet the condition",
		"nothing to send: the visitor is not known",
		"nothing to send: left alone until Mon 9 Mar 09:00",
		"delivered; left alone until Mon 16 Mar 09:00",
		"failed: unreachable; may start again at Tue 10 Mar 09:01",
	}
	if diff := cmp.Diff(wantDecided, decided); diff != "" {
		t.Errorf("what was decided (-want +got):\n%s", diff)
	}
	const post = "POST /v1/automations"
	if diff := cmp.Diff([]string{post, "nothing", "nothing", "nothing", post, "nothing"}, received); diff != "" {
		t.Errorf("what was received (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		`{"profileid":"p-1001","email":"ann@example.org","gender":"f","automationid":"A-17"}`,
		"X-Api-Key:       k-8d1f-demo",
		"X-Source:        webshop",
		"Webhook-Id:      msg_ID",
		"Content-Type:    application/json",
	} {
		if n := strings.Count(got, want); n != 2 {
			t.Errorf("%q stands in the output %d times, want 2:\n%s", want, n, got)
		}
	}
}

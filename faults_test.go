package campaign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// Faults come in the order of the campaigns, also those that are found after the
// whole file is read, and say which campaign each is of.
func TestFaultsAreInOrder(t *testing.T) {
	campaignWith := func(id, trigger, stop string) string {
		return `{"id": "` + id + `", "nodes": [{"type": "website_trigger", ` + trigger + `}, {"type": "webhook", "url": "https://esp.example/"}, {"type": "stop"` + stop + `}]}`
	}
	const every, misspelt = `"when": {"field": "page.path", "op": "exists"}`, `"when": {"field": "page.pth", "op": "exists"}`
	_, err := campaign.Parse([]byte(`{"campaigns": [` +
		campaignWith("first", misspelt, "") + `, ` + campaignWith("second", every, `, "restart": "7d"`) + `, ` + campaignWith("third", misspelt, `, "restart_timeout": "x"`) + `]}`))
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, f := range invalid.Faults {
		got = append(got, f.Pointer+" "+f.Campaign)
	}
	want := []string{
		"/version ", "/campaigns/0/nodes/0/when/field first", "/campaigns/1/nodes/2/restart second",
		"/campaigns/2/nodes/2/restart_timeout third", "/campaigns/2/nodes/0/when/field third",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
	}
}

// Each place that a fault names is in the document, or is a key that is missing
// there.
func TestPointersPointIntoTheDocument(t *testing.T) {
	_, err := campaign.Parse([]byte(file(
		`{"id":"","a/b":1,"nodes":[{"type":"website_trigger","when":{"all":[]}},` +
			`{"type":"webhook","payload":[{"static":1},{"profile":"a..b"}],"headers":[{"name":"A B"}]},{"type":"stop","restart_timeout":"x"}]}`,
	)))
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	want := []string{
		"/campaigns/0/a~1b", "/campaigns/0/nodes/2/restart_timeout", "/campaigns/0/id",
		"/campaigns/0/nodes/0/when/all", "/campaigns/0/nodes/1/url",
		"/campaigns/0/nodes/1/payload/0/as", "/campaigns/0/nodes/1/payload/1/profile", "/campaigns/0/nodes/1/headers/0/name",
	}
	var got []string
	for _, f := range invalid.Faults {
		got = append(got, f.Pointer)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places of the faults (-want +got):\n%s", diff)
	}
}

// A document that is wrong all over is told so, and not all over.
func TestFaultsAreNotEndless(t *testing.T) {
	var visit, file strings.Builder
	visit.WriteString(`{"url": "/"`)
	file.WriteString(`{"version": 1, "campaigns": [{}`)
	for i := range 100_000 {
		fmt.Fprintf(&visit, `, "url%06d": 1`, i)
		file.WriteString(", {}")
	}
	_, parseErr := campaign.Parse([]byte(file.String() + "]}"))
	var v campaign.PageVisit
	for name, err := range map[string]error{
		"visit": json.Unmarshal([]byte(visit.String()+"}"), &v),
		"file":  parseErr,
		"Load":  newEngine(t, new(campaigntest.Recorder), nil).Load(make([]campaign.Campaign, 3000)...),
	} {
		invalid, ok := errors.AsType[*campaign.ValidationError](err)
		if !ok {
			t.Fatalf("%s: error = %.200v, want a *ValidationError", name, err)
		}
		last := invalid.Faults[len(invalid.Faults)-1]
		if n := len(invalid.Faults); n != 1001 || !strings.Contains(last.Message, "there may be more") || len(err.Error()) > 200_000 {
			t.Errorf("%s: %d faults, the last %v, in %d bytes, want 1001, the last of which says that there are more", name, n, last, len(err.Error()))
		}
	}
}

// That there are more is said last, though faults are sorted by campaign.
func TestFaultsThatAreLeftOut(t *testing.T) {
	var file strings.Builder
	for i := range 900 {
		if i > 0 {
			file.WriteString(", ")
		}
		fmt.Fprintf(&file, `{"id": "c%d", "nam": "x", "nodes": [{"type": "website_trigger", "when": {"field": "page.path", "op": "exists"}}, {"type": "webhook", "url": "ftp://esp.example"}, {"type": "stop"}]}`, i)
	}
	_, err := campaign.Parse([]byte(`{"version": 1, "campaigns": [` + file.String() + "]}"))
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok || len(invalid.Faults) != 1001 {
		t.Fatalf("Parse = %.300v, want 1001 faults", err)
	}
	for i, f := range invalid.Faults {
		if last := i == 1000; strings.Contains(f.Message, "there may be more") != last {
			t.Errorf("fault %d = %v, want the last one alone to say that there are more", i, f)
		}
	}
}

func TestValidationErrorText(t *testing.T) {
	one := campaign.Fault{Pointer: "/id", Message: "is missing; write one"}
	whole := campaign.Fault{Message: "is empty; write a document"}
	for _, test := range []struct {
		faults []campaign.Fault
		want   string
	}{
		{[]campaign.Fault{one}, "campaign: /id: is missing; write one"},
		{[]campaign.Fault{whole}, "campaign: the document is empty; write a document"},
		{[]campaign.Fault{one, whole}, "campaign: 2 faults:\n  /id: is missing; write one\n  the document is empty; write a document"},
	} {
		if got := (&campaign.ValidationError{Faults: test.faults}).Error(); got != test.want {
			t.Errorf("Error() = %q, want %q", got, test.want)
		}
	}
}

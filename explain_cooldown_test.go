package campaign_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// A Tracker that panics when asked says nothing of the cooldown.
type panickyReader struct{ campaign.MemoryTracker }

func (*panickyReader) Until(string, string, time.Time) (time.Time, bool) { panic("until") }

// A Tracker of a host's own need not say what it keeps.
type silentTracker struct{ campaign.Tracker }

// Whether the profile is left alone is not known of every Tracker. Then Explain
// must not say that the campaign starts: Visit may find it in its cooldown.
func TestExplainUnknownCooldown(t *testing.T) {
	const (
		silent = "  ?    cooldown: not known; the Tracker cannot be read (it has no Until method, see CooldownReader)\n"
		panics = "  ?    cooldown: not known; panic in CooldownReader.Until with a value of type string, at "
	)
	same := func(*campaign.PageVisit) {}
	tests := []struct {
		name    string
		tracker campaign.Tracker
		change  func(*campaign.PageVisit)
		want    campaign.Reason
		line    string // none if it is empty
	}{
		{"it can be read", new(campaign.MemoryTracker), same, campaign.ReasonStarts, ""},
		{"it cannot be read", silentTracker{new(campaign.MemoryTracker)}, same, campaign.ReasonNeedsTracker, silent},
		{"it panics", new(panickyReader), same, campaign.ReasonNeedsTracker, panics},

		// What is sure either way is said.
		{"another item", silentTracker{}, func(v *campaign.PageVisit) { v.Item.Category = "trail" }, campaign.ReasonCondition, silent},
		{"not in the audience", silentTracker{}, func(v *campaign.PageVisit) { v.Profile.Known = false }, campaign.ReasonUnknownProfile, silent},
		{"no email", silentTracker{}, func(v *campaign.PageVisit) { v.Profile.Fields = nil }, campaign.ReasonCannotRender, silent},
		{"nobody to leave alone", silentTracker{}, func(v *campaign.PageVisit) { v.Profile = campaign.Profile{} }, campaign.ReasonUnknownProfile, ""},
		{"no URL", silentTracker{}, func(v *campaign.PageVisit) { v.URL = "" }, campaign.ReasonBadVisit, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			engine := newEngine(t, noSender(), &campaign.EngineOptions{Tracker: tt.tracker}, runningShoes())
			v := shoeVisit()
			tt.change(&v)
			got := engine.Explain(v)[0]
			if got.Reason != tt.want || (got.UntilErr != nil) != (tt.line != "") {
				t.Errorf("Reason = %s with UntilErr = %v, want %s and an error if the line %q", got.Reason, got.UntilErr, tt.want, tt.line)
			}
			if !strings.Contains(got.String(), tt.line) || strings.Contains(got.String(), "cooldown: not known") != (tt.line != "") {
				t.Errorf("the explanation has no line %q:\n%v", tt.line, got)
			}
			if open := ": starts or does not: that depends on the cooldown"; (tt.want == campaign.ReasonNeedsTracker) != strings.Contains(got.String(), open) {
				t.Errorf("the explanation of %s says:\n%v", tt.want, got)
			}
		})
	}
}

// A cooldown that cannot be read does not keep the ProfileSource from being
// asked.
func TestExplainUnknownCooldownAndProfile(t *testing.T) {
	engine := newEngine(t, noSender(), &campaign.EngineOptions{
		Tracker: silentTracker{new(campaign.MemoryTracker)},
		Profiles: campaign.ProfileSourceFunc(func(context.Context, string) (campaign.Profile, error) {
			return campaign.Profile{}, nil
		}),
	}, withCondition(x.Equals("a")))
	v := shoeVisit()
	if got := engine.Explain(v)[0]; got.Reason != campaign.ReasonNeedsProfile || got.UntilErr == nil {
		t.Errorf("Explain = %v with UntilErr = %v, want what both depend on", got, got.UntilErr)
	}
}

func TestExplainSurvivesTracker(t *testing.T) {
	engine := newEngine(t, noSender(), &campaign.EngineOptions{Tracker: new(panickyReader)}, runningShoes())
	got := engine.Explain(shoeVisit())
	if len(got) != 1 || got[0].Reason != campaign.ReasonNeedsTracker || engine.Stats().Panics != 1 {
		t.Errorf("Explain = %v with %d panics counted, want a cooldown that is not known and one", got, engine.Stats().Panics)
	}
}

// A closed engine is often asked why a visit of before did not start.
func TestExplainAfterClose(t *testing.T) {
	engine := newEngine(t, noSender(), nil, runningShoes())
	if err := engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := engine.Explain(shoeVisit()); len(got) != 1 || got[0].Reason != campaign.ReasonStarts {
		t.Errorf("Explain = %v, want what it says before Close", got)
	}
}

// What is left of a cooldown is told as people tell it.
func TestExplainCooldownText(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		left time.Duration
		want string
	}{
		{campaign.Never, "left alone for good  <- this is why\n"},
		{167*time.Hour + 58*time.Minute + 21*time.Second, "left alone for 6d 23h 58m more, until 2025-03-17T11:58:21Z  <- this is why\n"},
		{7 * day, "left alone for 7d more, until 2025-03-17T12:00:00Z  <- this is why\n"},
		{7*day - time.Second, "left alone for 7d more, until 2025-03-17T11:59:59Z  <- this is why\n"},
		{2*day + 5*time.Minute, "left alone for 2d 5m more, "},
		{day - time.Millisecond, "left alone for 1d more, "},
		{23*time.Hour + 59*time.Minute + 50*time.Second, "left alone for 23h 59m 50s more, "},
		{time.Hour, "left alone for 1h more, "},
		{59*time.Minute + 3*time.Second, "left alone for 59m 3s more, "},
		{time.Millisecond, "left alone for 1s more, "},
		{200 * 365 * day, "left alone for 73000d more, until 2225-"},
	}
	for _, tt := range tests {
		var tracker campaign.MemoryTracker
		c := withCondition(path.Exists())
		engine := newEngine(t, new(campaigntest.Recorder), &campaign.EngineOptions{Tracker: &tracker}, c)
		v := shoeVisit()
		v.Time = time.Date(2025, time.March, 10, 12, 0, 0, 0, time.UTC)
		mustEnter(t, &tracker, campaign.Entry{Campaign: c.ID, Profile: v.Profile.ID, Time: v.Time, Timeout: tt.left})
		if got := engine.Explain(v).String(); !strings.Contains(got, "cooldown: "+tt.want) {
			t.Errorf("the explanation with %v left has no %q:\n%s", tt.left, tt.want, got)
		}
	}
}

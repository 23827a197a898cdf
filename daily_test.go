package campaign_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

// The unit test that the README shows to hosts stands here word for word;
// TestREADME compares the two.

// daily is a campaign that runs at most once in 24 hours, which is what a Stop
// without a timeout means.
func daily() campaign.Campaign {
	c := runningShoes()
	c.Nodes[len(c.Nodes)-1] = campaign.Stop{}
	return c
}

// visitOfAnn is a visit that takes place now.
func visitOfAnn() campaign.PageVisit {
	v := shoeVisit()
	v.Time = time.Time{}
	return v
}

func TestDailyCampaign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sender campaigntest.Recorder
		engine, err := campaign.NewEngine(&sender, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close(t.Context())              // ends its goroutines, which synctest.Test waits for
		if err := engine.Load(daily()); err != nil { // restarts after 24 hours
			t.Fatal(err)
		}
		for i, want := range []campaign.Status{campaign.Delivered, campaign.CoolingDown, campaign.Delivered} {
			outcomes, err := engine.Visit(t.Context(), visitOfAnn())
			if err != nil || len(outcomes) != 1 || outcomes[0].Status != want {
				t.Errorf("visit %d = %v, %v, want %s", i, outcomes, err, want)
			}
			time.Sleep(12 * time.Hour)
		}
		if n := len(sender.Requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

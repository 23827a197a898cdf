package backtest

import (
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
)

func TestCooldowns(t *testing.T) {
	campaigntest.TestTracker(t, func(*testing.T) campaign.Tracker { return newCooldowns() })
}

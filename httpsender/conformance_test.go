package httpsender_test

import (
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

func TestConformance(t *testing.T) {
	campaigntest.TestSender(t, func(t *testing.T) campaign.Sender {
		s := &httpsender.Sender{AllowHTTP: true, AllowPrivate: true}
		t.Cleanup(s.CloseIdleConnections)
		return s
	})
}

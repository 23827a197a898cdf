package backtest

import (
	"context"
	"slices"

	"github.com/hybridcampaign/campaign"
)

// sender returns a Sender that sends nothing: it keeps samples, and fails as
// often as it is asked to.
func (r *runner) sender() campaign.Sender {
	rate, seed, samples := r.options.FailureRate, r.options.Seed, r.options.Samples
	return campaign.SenderFunc(func(_ context.Context, request *campaign.Request) (*campaign.Response, error) {
		if samples > 0 {
			// Campaigns of one visit run at the same time, but each has a
			// tally of its own, and no more than one run.
			if t := r.byID[request.Campaign]; len(t.rep.Samples) < samples {
				t.pending = append(t.pending, clone(request))
			}
		}
		if rate > 0 && chance(seed, request.ID) < rate {
			return nil, errAssumed
		}
		return nil, nil
	})
}

func clone(r *campaign.Request) campaign.Request {
	c := *r
	c.Headers, c.Body = slices.Clone(r.Headers), slices.Clone(r.Body)
	return c
}

// errAssumed is a failure that was asked for. To the cooldown it is all the same
// whether the endpoint rejects or cannot be reached.
var errAssumed = &campaign.DeliveryError{Verdict: campaign.Rejected, Attempts: 1}

// chance returns a number from 0 up to 1 that depends on seed and id alone.
func chance(seed uint64, id string) float64 {
	// FNV-1a, and then the finalizer of SplitMix64, because the last
	// characters have not reached all bits yet.
	h := mix(seed) ^ 0xcbf29ce484222325
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 0x100000001b3
	}
	return float64(mix(h)>>11) / (1 << 53)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

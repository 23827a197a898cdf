package backtest

import (
	"maps"
	"slices"
	"time"

	"github.com/hybridcampaign/campaign"
)

// A tally is what has been counted of one campaign.
type tally struct {
	rep                  CampaignReport
	coolingDown, unknown int // of rep.HeldBack, without a look into a map for each of many visits
	hours                map[int64]int
	missing              missing

	// pending are the requests of the run under way, if it is to be a sample.
	pending []campaign.Request
}

func newTally(c campaign.Campaign, from *source) (*tally, error) {
	t := &tally{
		rep:   CampaignReport{ID: c.ID, Name: c.Name, Paused: c.Paused, HeldBack: map[campaign.Reason]int{}},
		hours: map[int64]int{},
	}
	var err error
	t.missing, err = newMissing(c, from)
	return t, err
}

// report returns what has been counted. The runner is not used after it.
func (r *runner) report() *Report {
	if r.rep.Visits > 0 {
		r.rep.From, r.rep.To = r.oldest.UTC(), r.newest.UTC()
	}
	r.rep.Campaigns = make([]CampaignReport, len(r.campaigns))
	for i, t := range r.campaigns {
		t.rep.Profiles = r.cooldowns.reached(t.rep.ID)
		if t.rep.Matched == 0 && r.rep.Visits > 0 {
			t.rep.Absent = r.absent.report(i)
		}
		r.rep.Campaigns[i] = t.report(r.location())
	}
	return &r.rep
}

func (t *tally) report(where *time.Location) CampaignReport {
	if t.coolingDown > 0 {
		t.rep.HeldBack[campaign.ReasonCoolingDown] = t.coolingDown
	}
	if t.unknown > 0 {
		t.rep.HeldBack[campaign.ReasonUnknownProfile] = t.unknown
	}
	for _, start := range slices.Sorted(maps.Keys(t.hours)) {
		t.rep.Hours = append(t.rep.Hours, Hour{Start: time.Unix(start, 0).In(where), Runs: t.hours[start]})
	}
	t.rep.Missing = t.missing.report()
	return t.rep
}

package backtest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/hybridcampaign/campaign"
)

// missing counts the required fields that runs of one campaign lacked. Rendering
// stops at the first of them, or at another fault before it, and a report that
// names one at a time would send its reader round and round.
type missing struct {
	fields []campaign.Field // required by any webhook, each once
	runs   []int            // that lacked it

	// probe has a campaign for each field that does nothing but require it, so
	// that what counts as missing is the engine's to say. Nil without any.
	probe *campaign.Engine
	field map[string]int // index of the field of each campaign
}

func newMissing(c campaign.Campaign, from *source) (missing, error) {
	var m missing
	for _, node := range c.Nodes {
		hook, ok := node.(campaign.Webhook)
		if !ok {
			continue
		}
		for _, f := range hook.Payload {
			if f.From != "" && f.Missing == campaign.MissingFail && !slices.Contains(m.fields, f.From) {
				m.fields = append(m.fields, f.From)
			}
		}
	}
	m.runs = make([]int, len(m.fields))
	if len(m.fields) == 0 {
		return m, nil
	}
	var o campaign.EngineOptions
	if from != nil {
		o.Profiles = campaign.ProfileSourceFunc(from.last)
	}
	var err error
	if m.probe, err = campaign.NewEngine(campaign.SenderFunc(accept), &o); err != nil {
		return m, err
	}
	probes := make([]campaign.Campaign, len(m.fields))
	m.field = make(map[string]int, len(m.fields))
	for i, f := range m.fields {
		probes[i] = probe(i, campaign.PagePath.Exists(), campaign.PayloadField{From: f, As: "field", Missing: campaign.MissingFail})
		m.field[probes[i].ID] = i
	}
	return m, m.probe.Load(probes...)
}

// probe is the campaign of a probe for its i-th question, which it answers for each
// visit anew.
func probe(i int, when campaign.Condition, payload ...campaign.PayloadField) campaign.Campaign {
	return campaign.Campaign{ID: strconv.Itoa(i), Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: when, Audience: campaign.AudienceAll},
		campaign.Webhook{URL: "https://probe.invalid/", Payload: payload},
		campaign.Stop{RestartTimeout: campaign.Immediately},
	}}
}

func accept(context.Context, *campaign.Request) (*campaign.Response, error) { return nil, nil }

// count counts what a run lacked that the visit could not start.
func (m *missing) count(v campaign.PageVisit) {
	if m.probe == nil {
		return
	}
	// No error is possible: the visit has been used already, and nothing waits.
	outcomes, _ := m.probe.Visit(context.Background(), v)
	for i := range outcomes {
		if errors.Is(outcomes[i].Err, campaign.ErrMissingField) {
			m.runs[m.field[outcomes[i].Campaign]]++
		}
	}
}

func (m *missing) report() []MissingField {
	var found []MissingField
	for i, f := range m.fields {
		if m.runs[i] > 0 {
			found = append(found, MissingField{Field: f, Runs: m.runs[i]})
		}
	}
	slices.SortStableFunc(found, func(a, b MissingField) int { return b.Runs - a.Runs })
	return found
}

// A source passes on a ProfileSource's answers, and remembers the last: the
// profile of the visit under way is not asked for twice.
type source struct {
	from campaign.ProfileSource

	mu      sync.Mutex // a call that the engine no longer waits for may still run
	id      string
	profile campaign.Profile
}

// Profile implements [campaign.ProfileSource].
func (s *source) Profile(ctx context.Context, id string) (campaign.Profile, error) {
	p, err := s.from.Profile(ctx, id)
	if err == nil {
		s.mu.Lock()
		s.id, s.profile = id, p
		s.mu.Unlock()
	}
	return p, err
}

func (s *source) last(_ context.Context, id string) (campaign.Profile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id != id {
		return campaign.Profile{}, nil
	}
	return s.profile, nil
}

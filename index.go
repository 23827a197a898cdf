package campaign

// A campaignSet is a loaded set of campaigns, compiled and immutable: a visit
// in, the campaigns whose condition it meets out.
type campaignSet struct {
	programs []*program
	byID     map[string]*program
}

func newCampaignSet(programs []*program) *campaignSet {
	set := &campaignSet{programs: programs, byID: make(map[string]*program, len(programs))}
	for _, p := range programs {
		set.byID[p.id] = p
	}
	return set
}

// match appends the campaigns whose condition the visit meets, in the order in
// which they were loaded.
func (s *campaignSet) match(hits []*program, v *view) []*program {
	for _, p := range s.programs {
		if p.when.eval(v) {
			hits = append(hits, p)
		}
	}
	return hits
}

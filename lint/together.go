package lint

import (
	"encoding/json"
	"strconv"

	"github.com/hybridcampaign/campaign"
)

// checkTogether looks at campaigns beside each other. Paused ones are left out:
// a copy in the making is paused.
func checkTogether(campaigns []campaign.Campaign) []Warning {
	var all []Warning
	names, calls := map[string]string{}, map[string]string{} // where each was first
	for i, c := range campaigns {
		if c.Paused {
			continue
		}
		l, at := linter{campaign: c.ID}, key("", "campaigns", strconv.Itoa(i))
		if first, same := names[c.Name]; same && c.Name != "" {
			l.warn(key(at, "name"), SameName, "is also the name of "+first+"; give each a name that people can tell from the other")
		} else {
			names[c.Name] = at
		}
		for j, n := range c.Nodes {
			w, ok := n.(campaign.Webhook)
			if !ok {
				continue
			}
			if w.Method == "" {
				w.Method = "POST"
			}
			place := key(at, "nodes", strconv.Itoa(j))
			call := formOf(c.Nodes[0], w)
			if first, same := calls[call]; !same {
				calls[call] = place
			} else {
				l.warn(place, SameCall, "is the same call as "+first+", under the same trigger, so every profile is sent twice; remove one of the two")
			}
		}
		all = append(all, l.warnings...)
	}
	return all
}

// formOf returns the JSON of nodes, which is the same for equal ones.
func formOf(nodes ...campaign.Node) string {
	data, err := json.Marshal(campaign.Campaign{Nodes: nodes})
	if err != nil {
		panic("lint: a valid node has no JSON form: " + err.Error())
	}
	return string(data)
}

package lint

import (
	"slices"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// checkField looks at the name of a field, of a condition or of a payload.
func (l *linter) checkField(f campaign.Field, at string) {
	if message := groupTwice(f); message != "" {
		l.warn(at, UnlikelyForm, message)
		return
	}
	if message := unlikelyField(f); message != "" {
		l.warn(at, UnlikelyField, message)
	}
}

// groupTwice says what is wrong with a field whose name begins with its group
// again, as campaign.ProfileField("profile.country") makes one. A map of that
// name among the fields would have it, and hardly any host keeps one.
func groupTwice(f campaign.Field) string {
	group, name, _ := strings.Cut(string(f), ".")
	if !isOfHost(group) {
		return "" // a query parameter may be called anything
	}
	once, ok := strings.CutPrefix(name, group+".")
	if !ok || once == "" {
		return ""
	}
	return group + " stands there twice, which asks for " + once + " in a map called " + group + "; write " + group + "." + once
}

// isOfHost reports whether the host names the fields of a group.
func isOfHost(group string) bool { return group == "profile" || group == "item" || group == "visit" }

// unlikelyField says what is wrong with a field that hardly any visit has. A host
// can put an entry of any name into its maps; but these are slips.
func unlikelyField(f campaign.Field) string {
	if cure := partOfVisit(string(f)); cure != "" {
		return string(f) + " has the name of a part of the visit, and is there only if the host has put an entry of that name into its map; " + cure
	}
	if isQuery(f) {
		return wrongParameter(string(f))
	}
	group, name, _ := strings.Cut(string(f), ".")
	if parts := strings.Split(name, "."); isOfHost(group) && slices.Contains(parts, "") {
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		return "has nothing before, between or after its dots, where names of maps belong; write " + strings.Join(append([]string{group}, parts...), ".")
	}
	return ""
}

// partOfVisit says what to write in the place of a field that is called as a part
// of a campaign.PageVisit is. Some of these names a host may well use itself: the
// type of a visit, say. They are not meant.
func partOfVisit(f string) (cure string) {
	switch f {
	case "profile.known":
		return "remove it: the audience of a trigger is known profiles, unless it says all"
	case "visit.time":
		return "pass the time in the visit's data too, under another name"
	case "visit.url", "visit.title":
		return "write page" + strings.TrimPrefix(f, "visit")
	case "visit.referrer":
		return "write referrer.url"
	}
	for _, prefix := range []string{"profile.fields.", "item.fields.", "visit.data.", "visit.profile.", "visit.item."} {
		name, ok := strings.CutPrefix(f, prefix)
		if !ok || name == "" {
			continue
		}
		group, part, _ := strings.Cut(prefix, ".")
		if group == "visit" && part != "data." {
			group, name = strings.TrimSuffix(part, "."), strings.TrimPrefix(name, "fields.")
		}
		return "write " + group + "." + name
	}
	return ""
}

// wrongParameter says what is wrong with the name of a query parameter that has
// what stands around names in a query.
func wrongParameter(f string) string {
	i := strings.Index(f, ".query.") + len(".query.")
	name, value, _ := strings.Cut(strings.TrimLeft(f[i:], "?&"), "=")
	if name == f[i:] {
		return ""
	}
	if name == "" {
		name = "NAME"
	}
	cure := "write " + f[:i] + name
	if value != "" {
		cure += ", and what follows the = as the value of an equals"
	}
	return "asks for a parameter that has the ?, & or = of the query in its name; " + cure
}

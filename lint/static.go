package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// shadowed are names that are of one profile and of no other.
var shadowed = words("email emailaddress phone phonenumber mobile telephone profileid customerid userid contactid " +
	"firstname lastname surname fullname gender birthdate birthday dob")

// common are names that profiles, campaigns and events all have. That a
// condition asks for the profile's says nothing about them.
var common = words("id name type source status event channel list tag tags")

// ofPerson are the objects of a payload in which a person is described.
var ofPerson = words("contact customer profile user person recipient subscriber member lead to data attributes fields " +
	"properties traits payload")

// checkStatics warns of static fields that have the name of a profile field: one
// that is of a person by itself, or that the campaign uses elsewhere.
func (l *linter) checkStatics(w campaign.Webhook, root *node, used []campaign.Field, at string) {
	for i, f := range w.Payload {
		if f.From != "" || f.Static == nil || f.Static == "" {
			continue // an empty one is there to clear a field
		}
		parent, name := splitName(f.As)
		if parent != "" && !ofPerson[parent] {
			continue // the phone of the shop
		}
		field := campaign.ProfileField(name)
		isUsed := slices.Contains(used, field) && !common[strings.ToLower(name)]
		if !isUsed && !shadowed[strings.Join(nameWords(name), "")] {
			continue
		}
		if root != nil && isComparable(f.Static) && l.implies(root, &node{atom: newAtom(field.Equals(f.Static))}) {
			continue // only profiles for which it is so come here
		}
		message := "is the same for every profile, under the name of a profile field; take it from the profile, or give it another name"
		if isUsed {
			message = "is the same for every profile, and this campaign also uses " + string(field) + "; take it from the profile, or give it another name"
		}
		l.warn(key(at, "payload", strconv.Itoa(i)), StaticShadows, message)
	}
}

func isComparable(v any) bool {
	switch v.(type) {
	case string, bool, int64, uint64, float64:
		return true
	}
	return false
}

// splitName returns the last two parts of a name whose dots make nested objects.
func splitName(as string) (parent, name string) {
	parts := strings.Split(strings.ReplaceAll(as, `\.`, " "), ".") // that dot is of the name
	if n := len(parts); n > 1 {
		parent = parts[n-2]
	}
	return parent, parts[len(parts)-1]
}

// fieldsOf returns the fields that a campaign asks for or sends.
func fieldsOf(c campaign.Campaign) []campaign.Field {
	var fields []campaign.Field
	for _, n := range c.Nodes {
		switch n := n.(type) {
		case campaign.WebsiteTrigger:
			fields = append(fields, conditionFields(n.When)...)
		case campaign.Webhook:
			for _, f := range n.Payload {
				fields = append(fields, f.From)
			}
		}
	}
	return fields
}

func conditionFields(c campaign.Condition) []campaign.Field {
	var group []campaign.Condition
	switch c := c.(type) {
	case campaign.Comparison:
		return []campaign.Field{c.Field}
	case campaign.Not:
		return conditionFields(c.Of)
	case campaign.All:
		group = c
	case campaign.Any:
		group = c
	}
	var fields []campaign.Field
	for _, sub := range group {
		fields = append(fields, conditionFields(sub)...)
	}
	return fields
}

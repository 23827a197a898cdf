package lint

import (
	"strings"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

// isPersonal reports whether a payload field looks like personal data: one of
// the profile or of the visit, by its own name or by the one that it is sent by.
// A profile's ID is not: it says who somebody is to those alone who know.
func isPersonal(f campaign.PayloadField) bool {
	name, ok := strings.CutPrefix(string(f.From), "profile.")
	if !ok {
		for _, prefix := range []string{"visit.", "page.query."} {
			if name, ok = strings.CutPrefix(string(f.From), prefix); ok {
				return namesPerson(name, false) || namesPerson(f.As, false)
			}
		}
		return false
	}
	return namesPerson(name, true) || namesPerson(f.As, true)
}

// personal are the words that name personal data wherever they stand.
var personal = words("email mail phone telephone firstname lastname surname fullname givenname familyname " +
	"middlename birthdate birthday dob dateofbirth iban ssn bsn passport zipcode postcode postalcode phonenumber")

// personalOfProfile are those that do so in a profile. Elsewhere a mobile is a
// kind of device, and an address one of the web.
var personalOfProfile = words("mobile tel gender sex address street")

// notPersonal are words beside which the others say something about the data,
// and not the data.
var notPersonal = words("hash hashed sha sha1 sha256 md5 digest opt optin optout consent verified valid confirmed " +
	"has is domain status count template id type provider allowed permission subscribed subscription enabled")

func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

func namesPerson(name string, ofProfile bool) bool {
	parts := nameWords(name)
	found := ofProfile && len(parts) == 1 && parts[0] == "name"
	for i := range parts {
		if notPersonal[parts[i]] {
			return false
		}
		for n := range min(3, len(parts)-i) { // date of birth
			joined := strings.Join(parts[i:i+n+1], "")
			found = found || personal[joined] || ofProfile && personalOfProfile[joined]
		}
	}
	return found
}

// nameWords takes a name apart, in lower case: firstName and first_name are
// first and name.
func nameWords(name string) []string {
	var spaced strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case unicode.IsUpper(r) && lower:
			spaced.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(spaced.String())
}

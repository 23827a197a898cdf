// Package lint warns of campaigns that are valid and still wrong: a condition
// that can never hold, a secret in plain sight, an email address that is the
// same for every profile.
//
//	warnings, err := lint.Check(campaigns...)
//	for _, w := range warnings {
//		t.Error(w)
//	}
//
// What is not valid is an error, as it is for [campaign.Engine.Load]; lint looks
// at the rest. A warning is an opinion: each has a [Code], so that a team can
// leave out those that it does not share.
//
// No warning shows a secret, a value that a person may be known by, or more of a
// webhook's URL than its host.
package lint

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

// A Warning is one thing in a valid campaign that is probably not what was meant.
type Warning struct {
	// Campaign is the ID of the campaign.
	Campaign string

	// Pointer is the JSON Pointer (RFC 6901) of the place, as a
	// [campaign.Fault] of Engine.Load has it: it begins with /campaigns/ and the
	// campaign's position, also where only one was checked.
	Pointer string

	// Code says what kind of warning it is. It is stable; the message is not.
	Code Code

	// Message says what is wrong there and what to do about it.
	Message string
}

// String returns the pointer, the message and the code.
func (w Warning) String() string {
	return w.Pointer + ": " + w.Message + " (" + string(w.Code) + ")"
}

// Check looks at the campaigns, each by itself and beside the others. Paused
// ones are looked at too. It returns the warnings in the order of their
// pointers, or nil if there are none: the same for a file and for the same
// campaigns written in Go.
//
// The error is the [*campaign.ValidationError] that [campaign.Engine.Load] would
// return; then there are no warnings, since what is not valid has no meaning to
// judge.
//
// Check is pure and may be called from several goroutines. Of a condition with
// hundreds of comparisons not all are held against each other; what it says of
// such a one is right, and may not be all.
func Check(campaigns ...campaign.Campaign) ([]Warning, error) {
	// An engine sees faults that no single campaign has, such as one ID for two.
	if _, err := newEngine(campaigns...); err != nil {
		return nil, err
	}
	var all []Warning
	for i, c := range campaigns {
		l := &linter{campaign: c.ID, patience: patience}
		l.checkCampaign(c, key("", "campaigns", strconv.Itoa(i)))
		all = append(all, l.warnings...)
	}
	all = append(all, checkTogether(campaigns)...)
	slices.SortStableFunc(all, func(a, b Warning) int {
		return cmp.Or(comparePointers(a.Pointer, b.Pointer), cmp.Compare(a.Code, b.Code))
	})
	// Two roads to one conclusion are one warning: the first message is kept.
	return slices.CompactFunc(all, func(a, b Warning) bool {
		return a.Pointer == b.Pointer && a.Code == b.Code
	}), nil
}

// A linter collects the warnings of one campaign.
type linter struct {
	campaign string
	warnings []Warning
	patience int // how many more questions it asks: see probe.go
}

func (l *linter) warn(pointer string, code Code, message string) {
	l.warnings = append(l.warnings, Warning{Campaign: l.campaign, Pointer: pointer, Code: code, Message: strings.Map(visible, message)})
}

// visible keeps the names of fields, which may have anything in them, from
// breaking the line of a message or turning it around.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

func (l *linter) checkCampaign(c campaign.Campaign, at string) {
	var root *node
	for i, n := range c.Nodes {
		p := key(at, "nodes", strconv.Itoa(i))
		switch n := n.(type) {
		case campaign.WebsiteTrigger:
			root = newNode(n.When, key(p, "when"))
			l.checkTrigger(root)
		case campaign.Webhook:
			l.checkWebhook(n, p)
			l.checkStatics(n, root, fieldsOf(c), p)
		case campaign.Stop:
			l.checkStop(n, p)
		}
	}
}

// key returns the pointer to what stands below p. No key that a campaign has
// needs escaping.
func key(p string, tokens ...string) string {
	return p + "/" + strings.Join(tokens, "/")
}

// comparePointers orders by the parts, and numbers as numbers.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(a, b string) int {
		m, errA := strconv.Atoi(a)
		n, errB := strconv.Atoi(b)
		if errA == nil && errB == nil {
			return cmp.Compare(m, n)
		}
		return cmp.Compare(a, b)
	})
}

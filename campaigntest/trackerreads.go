package campaigntest

import (
	"fmt"
	"time"

	"github.com/hybridcampaign/campaign"
)

// reads has nothing to check if the tracker is not a CooldownReader, which is a
// tracker's choice.
func (c *trackerCheck) reads() {
	reader, ok := c.tracker.(campaign.CooldownReader)
	if !ok {
		return
	}
	read := func(e campaign.Entry, wantUntil time.Time, wantClosed bool) {
		c.Helper()
		until, closed := reader.Until(e.Campaign, e.Profile, e.Time)
		if closed != wantClosed || closed && !until.Equal(wantUntil) {
			c.failf("Until(%s) = %s, closed %t, want %s, closed %t", c.at(e.Time), c.at(until), closed, c.at(wantUntil), wantClosed)
		}
	}
	first := c.visit(0, time.Hour)
	read(first, time.Time{}, false)
	c.enters(first)
	minute := c.start.Add(time.Minute)
	for _, end := range []time.Time{first.Until(), minute} {
		c.reopen(first, end)
		for _, at := range []time.Time{c.start.Add(-2 * time.Hour), c.start, end.Add(-ms)} {
			read(campaign.Entry{Campaign: "shoes", Profile: "ann", Time: at}, end, true)
		}
		read(campaign.Entry{Campaign: "shoes", Profile: "ann", Time: end}, time.Time{}, false)
	}
	read(campaign.Entry{Campaign: "shoes", Profile: "bob", Time: c.start}, time.Time{}, false)
	read(campaign.Entry{Campaign: "hats", Profile: "ann", Time: c.start}, time.Time{}, false)
	c.held(c.visit(time.Minute-ms, time.Hour), minute)
	never := c.visit(time.Minute, campaign.Never)
	c.enters(never)
	read(never, endOfTime, true)

	odd := c.visit(0, time.Hour)
	odd.Campaign = "odd"
	for i, s := range similarStrings() {
		odd.Profile = s
		odd.Timeout = time.Hour + time.Duration(i)*ms
		c.enters(odd)
	}
	for i, s := range similarStrings() {
		odd.Profile = s
		end := c.start.Add(time.Hour + time.Duration(i)*ms)
		read(odd, end, true)
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("tomorrow", 14*60*60)} {
			last, first := odd, odd
			last.Time, first.Time = end.Add(-1).In(zone), end.In(zone)
			read(last, end, true)
			read(first, time.Time{}, false)
		}
	}
	c.readAtOnce(reader)
}

// readAtOnce reads while others enter, which is most likely seen to be wrong with
// -race, or by a map that notices it.
func (c *trackerCheck) readAtOnce(reader campaign.CooldownReader) {
	e := c.visit(0, time.Hour)
	e.Campaign = "read at once"
	var wrong [maxDuels]string
	nothing := func(int) error { return nil }
	enter := func(i int) error { _, err := c.enterDuel(e, i); return err }
	read := func(i int) error {
		if until, closed := reader.Until(e.Campaign, duellist(e, i).Profile, e.Time); closed && !until.Equal(e.Until()) {
			wrong[i] = fmt.Sprintf("Until = %s, closed, want %s, or not closed", c.at(until), c.at(e.Until()))
		}
		return nil
	}
	for i := range c.duels(nothing, enter, read) {
		if wrong[i] != "" {
			c.failf("while the profile enters, %s", wrong[i])
			return
		}
	}
}

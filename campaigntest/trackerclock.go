package campaigntest

import (
	"time"

	"github.com/hybridcampaign/campaign"
)

// clockPromises are those that show only when time passes. They sleep, which
// takes no time in a bubble of synctest and hours outside of it.
func clockPromises() []promise {
	const twice = "a customer who should be left alone would get the same message again"
	return []promise{
		{"closed until the clock is there", "a cooldown lasts until its end, also by the clock, and the next visit enters at exactly the end", twice + ", or would never be addressed again", (*trackerCheck).clockComesToTheEnd},
		{"ahead of the clock", "a cooldown ends a timeout after the visit's time, not after the moment of Enter", "clocks of several machines differ: " + twice + " when the visit's is ahead", (*trackerCheck).aheadOfTheClock},
		{"earlier ends are over", "the end of an earlier cooldown is nothing to the one that is kept, when the clock comes to it", "a timer that was set for one run would open the cooldown of the next one: " + twice, (*trackerCheck).earlierEnds},
	}
}

// sleepUntil lets the clock come to a time.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }

func (c *trackerCheck) clockComesToTheEnd() {
	for _, timeout := range []time.Duration{10 * time.Minute, 3 * time.Hour, 25 * time.Hour} {
		e := c.visit(0, timeout)
		e.Profile = timeout.String()
		sleepUntil(time.Now().Truncate(time.Second).Add(time.Second + 500*ms)) // a store may count whole ones
		e.Time = time.Now().Truncate(ms)
		c.enters(e)
		end := e.Until()
		// A while before, because a call may take some of that time.
		for _, before := range []time.Duration{timeout / 2, 400 * ms} {
			sleepUntil(end.Add(-before))
			e.Time = end.Add(-before)
			c.held(e, end)
		}
		sleepUntil(end)
		e.Time = end
		c.enters(e)
	}
}

func (c *trackerCheck) aheadOfTheClock() {
	// 25 and 50 days do not fit 31 and 32 bits of milliseconds.
	const day = 24 * time.Hour
	timeouts := []time.Duration{ms, time.Second, 10 * time.Minute, day, 25 * day, 50 * day, campaign.Never}
	for _, timeout := range timeouts {
		e := c.visit(0, timeout)
		e.Profile = timeout.String()
		c.enters(e)
	}
	reopened, end := c.visit(0, day), c.start.Add(10*time.Minute)
	reopened.Profile = "reopened"
	c.enters(reopened)
	c.reopen(reopened, end)
	sleepUntil(end.Add(-ahead / 2))
	c.held(reopened, end)
	for _, timeout := range timeouts {
		e := c.visit(0, timeout)
		e.Profile = timeout.String()
		clock := e.Until().Add(-ahead / 2) // the timeout is over since Enter, by the clock
		if timeout > day {
			clock = c.start.Add(25 * time.Hour)
		}
		sleepUntil(clock)
		c.held(e, e.Until())
	}
}

func (c *trackerCheck) earlierEnds() {
	reopened := c.visit(0, 2*time.Hour)
	reopened.Profile = "bob"
	c.enters(reopened)
	c.reopen(reopened, c.start.Add(time.Minute))
	ended := c.visit(0, time.Minute)
	c.enters(ended)
	var later []campaign.Entry
	for _, e := range []campaign.Entry{reopened, ended} {
		e.Time, e.Timeout = c.start.Add(time.Minute), 24*time.Hour
		c.enters(e)
		later = append(later, e)
	}
	// Nor is that of another campaign.
	shoes, hats := c.visit(0, 7*24*time.Hour), c.visit(0, time.Minute)
	shoes.Profile, hats.Profile, hats.Campaign = "eve", "eve", "hats"
	c.enters(shoes)
	c.enters(hats)
	later = append(later, shoes)
	for _, clock := range []time.Duration{time.Minute, 2 * time.Hour} {
		sleepUntil(c.start.Add(clock + time.Second))
		for _, e := range later {
			end := e.Until()
			e.Time = e.Time.Add(clock)
			c.held(e, end)
		}
	}
}

package campaign_test

import (
	"flag"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

// ci/soak.sh asks for two hours of ten thousand new profiles a second.
var (
	soakMinutes  = flag.Int("soak-minutes", 20, "how many minutes of virtual time TestCooldownSoak takes")
	soakProfiles = flag.Int("soak-profiles", 100, "how many new profiles a second TestCooldownSoak enters")
)

// A steady stream of new profiles, each left alone for a minute, reaches a
// plateau: once as many cooldowns have ended, and the grace for late visits is
// over, as begin, memory stays where it is.
func TestCooldownSoak(t *testing.T) {
	const filling = 8 // minutes: a minute, the grace of five, and some to settle
	if *soakMinutes < 2*filling {
		t.Fatalf("-soak-minutes %d: want at least %d, or there is nothing to compare", *soakMinutes, 2*filling)
	}
	var tr campaign.MemoryTracker
	base := heap()
	var level, most int64
	e := campaign.Entry{Campaign: "stream", Timeout: time.Minute}
	var id []byte
	for minute := range *soakMinutes {
		for i := range 60 * *soakProfiles {
			id = strconv.AppendInt(append(id[:0], 'p'), int64(minute*60**soakProfiles+i), 10)
			e.Profile = string(id)
			e.Time = noon.Add(time.Duration(minute)*time.Minute + time.Duration(i)*time.Second/time.Duration(*soakProfiles))
			_, entered, err := tr.Enter(t.Context(), e)
			if err != nil || !entered {
				t.Fatalf("minute %d: Enter(%q) = %v, %v, want a new profile to enter", minute, id, entered, err)
			}
		}
		now := heap() - base
		switch {
		case minute == filling-1:
			level = now
		case minute >= filling:
			most = max(most, now)
		}
		if minute%10 == 9 || minute == filling-1 {
			t.Logf("after %d minutes: %d cooldowns run, %.1f MB", minute+1, tr.Len(e.Time), float64(now)/1e6)
		}
	}
	if most > level*11/10+1<<20 {
		t.Errorf("memory grew from %d bytes after %d minutes to %d, want a plateau", level, filling, most)
	}
	runtime.KeepAlive(&tr)
}

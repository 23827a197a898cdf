package lint

import (
	"time"

	"github.com/hybridcampaign/campaign"
)

const (
	// longestRun is EngineOptions.RunTimeout where nobody sets it. An endpoint
	// that does not answer takes all of it, with the attempts that are made.
	longestRun = time.Minute

	usualRestart = 24 * time.Hour // what Stop{} means
)

func (l *linter) checkStop(s campaign.Stop, at string) {
	restart := s.RestartTimeout
	if restart == 0 {
		restart = usualRestart
	}
	if restart > 0 && restart < longestRun {
		l.warn(key(at, "restart_timeout"), ShortRestart,
			`is shorter than a run may take, which is a minute, so a profile may be in two runs at once; write "1m" or more, or "immediately" if that is meant`)
	}
	if s.FailureTimeout > max(restart, 0) {
		l.warn(key(at, "failure_timeout"), FailureTimeoutCut,
			"is longer than the restart timeout, to which it is cut; make it shorter, or leave it out for a minute")
	}
}

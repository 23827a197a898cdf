package campaign

import (
	"strings"
	"testing"
	"time"
)

// Close may report a run between the answer of the Tracker and the run's own
// report. That moment cannot be met from outside but by chance, so the two are
// called here in that order.
func TestRunReportedByCloseAfterTheTrackerAnswered(t *testing.T) {
	visited := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	prog := &program{id: "c", stop: Stop{RestartTimeout: 24 * time.Hour}}
	r := newRun(t.Context(), prog, &PageVisit{Profile: Profile{ID: "p"}, Time: visited}, visited)
	r.entered = true
	r.drop()
	if out := r.hung(false); !out.Until.Equal(visited.Add(24*time.Hour)) || !strings.Contains(out.Err.Error(), "could not be given back in time") {
		t.Errorf("before the answer Close tells %v until %v, want the cooldown kept", out, out.Until)
	}
	r.out.Until = visited.Add(time.Minute)
	r.answered()
	if out := r.hung(false); !out.Until.Equal(visited.Add(time.Minute)) || strings.Contains(out.Err.Error(), "given back") {
		t.Errorf("after the answer Close tells %v until %v, want the cooldown given back", out, out.Until)
	}
}

package main

import (
	"syscall"
	"time"
)

// sleep sleeps in the system: time.Sleep of a process that has nothing else to
// do is a millisecond late, which is all that a visit may take.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // a signal cuts it short; then the visit comes early
}

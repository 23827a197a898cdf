//go:build !unix

package main

import "time"

var started = time.Now()

// clock returns the time since the start: not every system tells how much
// processor time a process has used.
func clock() time.Duration { return time.Since(started) }

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// progress shows how far a run has come, once it has taken long enough for
// somebody to wonder: at a terminal as a bar that goes on in its place, and
// elsewhere, as in the log of a nightly job, as a line now and then.
type progress struct {
	w        io.Writer
	terminal bool
	next     time.Time // when to show something again
	width    int       // of what stands on the terminal's line
}

const (
	barAfter  = time.Second
	barEvery  = 200 * time.Millisecond
	lineEvery = 15 * time.Second

	barWidth = 30
)

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, terminal: isTerminal(w)}
	p.next = time.Now().Add(p.pause(barAfter))
	return p
}

// pause returns how long to wait for the next sign of life.
func (p *progress) pause(bar time.Duration) time.Duration {
	if p.terminal {
		return bar
	}
	return lineEvery
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show shows that done of all is done, if it is time to; text says of what. All
// is 0 if it is not known.
func (p *progress) show(done, all int64, text func() string) {
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(p.pause(barEvery))
	line := text()
	if all > 0 {
		done = min(done, all)
		line = fmt.Sprintf("%3d %%  %s", 100*done/all, line)
	}
	if !p.terminal {
		fmt.Fprintln(p.w, "replay:", strings.TrimSpace(line))
		return
	}
	if all > 0 {
		full := int(barWidth * done / all)
		line = "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] " + line
	}
	p.write(line)
}

// write replaces what stands on the line. Spaces clear the rest of it, which
// every terminal understands.
func (p *progress) write(line string) {
	width := utf8.RuneCountInString(line)
	fmt.Fprint(p.w, "\r"+line+strings.Repeat(" ", max(0, p.width-width)))
	p.width = width
}

// clear takes away what was shown on a terminal.
func (p *progress) clear() {
	if p.width > 0 {
		p.write("")
		fmt.Fprint(p.w, "\r")
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress shows how far the replay has come, on a terminal, once it has taken
// long enough for somebody to wonder. The nil progress shows nothing.
type progress struct {
	w     io.Writer
	size  int64 // of the log in bytes, compressed if it is; 0 if not known
	read  int64
	next  time.Time // when to show something again
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// newProgress returns nil if w is no terminal.
func newProgress(w io.Writer, size int64) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return &progress{w: w, size: size, next: time.Now().Add(progressAfter)}
}

// counting returns r, counting what is read from it.
func (p *progress) counting(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return countingReader{r, p}
}

type countingReader struct {
	io.Reader
	p *progress
}

// Read reads and counts.
func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.read += int64(n)
	return n, err
}

func (p *progress) show(rep *report) {
	if p == nil {
		return
	}
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	part := ""
	if p.size > 0 {
		part = fmt.Sprintf(" (%d %%)", min(100, 100*p.read/p.size))
	}
	fmt.Fprintf(p.w, "\r%d lines, %d visits%s\x1b[K", rep.Lines, rep.Visits, part)
}

// clear takes away what was shown.
func (p *progress) clear() {
	if p != nil && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

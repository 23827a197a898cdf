package main

import (
	"context"
	"io"
	"os"
	"strings"
)

// openLog opens the log and returns its size in bytes, or 0 if that is not known.
func openLog(name string, stdin io.Reader) (io.ReadCloser, int64, error) {
	switch name {
	case "":
		return io.NopCloser(strings.NewReader(sampleLog)), int64(len(sampleLog)), nil
	case "-":
		return io.NopCloser(stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, 0, nil // a pipe has no size, and is read all the same
	}
	return f, info.Size(), nil
}

// A countingReader counts what is read.
type countingReader struct {
	io.Reader
	n int64
}

// Read reads and counts.
func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// An interruptible reads until ctx is done, also if nothing comes: whoever
// waits at a pipe or a terminal can end it, and still see what was counted.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte // in use by a call of r.Read that may outlive Read
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	return &interruptible{ctx: ctx, r: r, buf: make([]byte, 64<<10), done: make(chan readResult, 1)}
}

// Read reads, and fails with the error of the context once that is done.
func (r *interruptible) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	buf := r.buf[:min(len(r.buf), len(b))]
	go func() {
		n, err := r.r.Read(buf)
		r.done <- readResult{n, err}
	}()
	select {
	case got := <-r.done:
		return copy(b, buf[:got.n]), got.err
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}

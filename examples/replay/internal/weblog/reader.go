package weblog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that is read. Servers limit what they log to a
// few kilobytes; a file that is no log may have no line break at all.
const maxLine = 1 << 20

// A Line is one line of a log. What it says is for [Parse] to find out, or for
// whoever knows the log to be of another format.
type Line struct {
	Number int    // from 1
	Text   string // without the line break; of a line that is too long, the beginning
	Err    error  // why there is no more of it than Text; nil if that is all
}

// A Reader reads the lines of a log, plain or gzip. It is not safe for
// concurrent use.
type Reader struct {
	lines  *bufio.Reader
	number int
	buf    []byte
	err    error // what ended the log
}

// NewReader returns a Reader of r. Whether r is compressed is told by its first
// bytes, not by a file's name, which standard input does not have. The error is
// that of reading them.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		// It goes on to the next member where one ends: rotated logs are
		// often put together by cat.
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, damaged(err)
		}
		in = bufio.NewReaderSize(gunzip{z}, 64<<10)
	}
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(len(bom)) // just peeked at
	}
	return &Reader{lines: in}, nil
}

// gunzip says of errors that it is the compressed file that is damaged.
type gunzip struct{ z *gzip.Reader }

func (g gunzip) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged(err)
	}
	return n, err
}

func damaged(err error) error { return fmt.Errorf("the gzip data is damaged: %w", err) }

// maxBlank is how far First looks.
const maxBlank = 4096

// First returns the first byte of the log that is no white space, without
// reading it; 0 if there is none.
func (r *Reader) First() byte {
	for n := 1; n <= maxBlank; n++ {
		head, _ := r.lines.Peek(n) // an error comes again, at Next
		if len(head) < n {
			return 0
		}
		if c := head[n-1]; c > ' ' {
			return c
		}
	}
	return 0
}

// Next returns the next line. At the end of the log the error is io.EOF; any
// other error is one of reading, and comes after all lines before it.
func (r *Reader) Next() (Line, error) {
	if r.err != nil {
		return Line{}, r.err
	}
	text, long, err := r.line()
	r.err = err
	if err != nil && len(r.buf) == 0 {
		return Line{}, err
	}
	r.number++
	l := Line{Number: r.number, Text: string(text)}
	switch {
	case long:
		l.Err = fmt.Errorf("is longer than %d bytes", maxLine)
	case err != nil && !errors.Is(err, io.EOF):
		// Even what looks whole may have lost its end.
		l.Err = errors.New("is cut short where the log cannot be read on")
	}
	return l, nil
}

// line reads up to the next line break, and returns the line without it, valid
// until the next call, and whether it was cut to maxLine. An error, io.EOF
// included, comes with what was read before it.
func (r *Reader) line() (text []byte, long bool, err error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		room := maxLine + len("\r\n") - len(r.buf)
		r.buf = append(r.buf, part[:min(len(part), room)]...)
		long = long || len(part) > room
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		text := bytes.TrimSuffix(bytes.TrimSuffix(r.buf, []byte("\n")), []byte("\r"))
		if long || len(text) > maxLine {
			return text[:min(len(text), maxLine)], true, err
		}
		return text, false, err
	}
}

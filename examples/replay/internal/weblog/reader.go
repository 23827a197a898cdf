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

// A Line is one line of a log: an entry, or why it is none.
type Line struct {
	Number int    // from 1
	Text   string // without the line break; of a line that is too long, the beginning
	Entry  Entry  // zero if Err is not nil
	Err    error  // why the line cannot be read; nil if it can
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
	default:
		l.Entry, l.Err = Parse(l.Text)
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

package campaign

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// The form of a snapshot, all numbers little-endian:
//
//	magic     8 bytes
//	version   4 bytes
//	key       16 bytes
//	newest    8 bytes, Unix milliseconds
//	campaigns, each:
//	    length of the ID plus one, uvarint; 0 ends the list
//	    the ID
//	    blocks of cooldowns, each:
//	        how many follow, uvarint, at most blockEntries; 0 ends the list
//	        of each, 8 bytes of fingerprint, and 8 bytes: end << 3 | 2 bits of fingerprint
//	count     8 bytes, of all cooldowns
//	checksum  32 bytes, SHA-256 of all before
//
// Nothing in it says in advance how much there will be, so a reader has no
// reason to allocate memory for what has not arrived.
const (
	snapshotMagic   = "cooldown"
	snapshotVersion = 5 // 1 to 4 had other hashes
	blockEntries    = 4096
	entrySize       = 16
	endShift        = 3
)

// A SnapshotError says why a snapshot cannot be read. The tracker has kept what
// it had.
type SnapshotError struct {
	File   string // its name, as LoadFile was given it; empty from ReadFrom
	Offset int64  // how many bytes of the snapshot were read
	Err    error  // what is wrong, or the error of the reader
}

// Error returns the file, if it is known, the place and the cause.
func (e *SnapshotError) Error() string {
	what := "snapshot of cooldowns"
	if e.File != "" {
		what += " " + e.File
	}
	return fmt.Sprintf("campaign: %s, at byte %d: %v", what, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *SnapshotError) Unwrap() error { return e.Err }

// WriteTo writes a snapshot of all cooldowns, for [MemoryTracker.ReadFrom].
// Those that may be forgotten are left out. Visits may go on: a cooldown that
// begins meanwhile is in it or is not. It holds no profile IDs, but who has it
// can tell whether an ID that they know is in it: keep it as you keep IDs.
func (t *MemoryTracker) WriteTo(w io.Writer) (int64, error) {
	g := t.generation()
	out := &snapshotWriter{w: w, hash: sha256.New(), buf: make([]byte, 0, 2*blockEntries*entrySize)}
	out.bytes([]byte(snapshotMagic))
	out.buf = binary.LittleEndian.AppendUint32(out.buf, snapshotVersion)
	key := g.key.bytes()
	out.bytes(key[:])
	out.uint64(uint64(g.newest.Load()))
	var count uint64
	for _, table := range g.all() {
		count += out.table(table, g.horizon())
	}
	out.uvarint(0)
	out.uint64(count)
	out.flush()
	out.buf = out.hash.Sum(out.buf)
	out.flush()
	return out.n, out.err
}

// A snapshotWriter buffers and hashes what it writes, and keeps the first error.
type snapshotWriter struct {
	w    io.Writer
	hash hash.Hash
	buf  []byte
	n    int64
	err  error
}

func (w *snapshotWriter) bytes(b []byte)   { w.buf = append(w.buf, b...) }
func (w *snapshotWriter) uint64(v uint64)  { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }
func (w *snapshotWriter) uvarint(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }

func (w *snapshotWriter) flush() {
	if w.err == nil {
		var n int
		w.hash.Write(w.buf)
		n, w.err = w.w.Write(w.buf)
		w.n += int64(n)
		if w.err == nil && n < len(w.buf) {
			w.err = io.ErrShortWrite // the writer should have said so
		}
	}
	w.buf = w.buf[:0]
}

// table writes a campaign and returns how many cooldowns it had. A page is
// copied under its lock, so that no entry escapes by moving, and written after.
func (w *snapshotWriter) table(t *table, horizon int64) (count uint64) {
	w.uvarint(uint64(len(t.campaign)) + 1)
	w.bytes([]byte(t.campaign))
	var entries []entry
	for p := range t.locked() {
		entries = entries[:0]
		for f, end := range p.all() {
			if end >= horizon {
				entries = append(entries, entry{f, end})
			}
		}
		p.mu.Unlock()
		w.entries(entries)
		count += uint64(len(entries))
	}
	w.uvarint(0)
	return count
}

func (w *snapshotWriter) entries(entries []entry) {
	for len(entries) > 0 {
		block := entries[:min(blockEntries, len(entries))]
		entries = entries[len(block):]
		w.uvarint(uint64(len(block)))
		for _, e := range block {
			w.uint64(e.word)
			w.uint64(uint64(e.end)<<endShift | e.extra)
		}
		if len(w.buf) >= blockEntries*entrySize {
			w.flush()
		}
	}
}

// ReadFrom replaces all that the tracker keeps by a snapshot that
// [MemoryTracker.WriteTo] has written, which takes up the rest of r. Do it
// before the first visit: a cooldown that begins meanwhile is lost.
//
// A snapshot that is cut short, damaged, or of another kind or version is
// refused as a whole with a [*SnapshotError], and the tracker keeps what it had.
func (t *MemoryTracker) ReadFrom(r io.Reader) (int64, error) {
	in := &snapshotReader{r: bufio.NewReaderSize(r, 1<<16), hash: sha256.New()}
	g, err := in.generation(t.Capacity)
	if err != nil {
		if isEOF(err) {
			err = fmt.Errorf("is cut short; use an older one: %w", io.ErrUnexpectedEOF)
		}
		return in.n, &SnapshotError{Offset: in.n, Err: err}
	}
	t.current.Store(g)
	return in.n, nil
}

var (
	errNotSnapshot     = errors.New("is not a snapshot of cooldowns; check the file's name")
	errSnapshotVersion = errors.New("has a version that is not known here; use the version of this package that wrote it")
	errDamaged         = errors.New("is damaged; use an older one")
	errTrailing        = errors.New("goes on after its end; use an older one")
)

// A snapshotReader hashes and counts what it reads.
type snapshotReader struct {
	r    *bufio.Reader
	hash hash.Hash
	n    int64
	err  error // of r
	buf  [blockEntries * entrySize]byte
}

// next reads n bytes, which are valid until the next read.
func (r *snapshotReader) next(n int) ([]byte, error) {
	read, err := io.ReadFull(r.r, r.buf[:n])
	r.n += int64(read)
	r.hash.Write(r.buf[:read])
	r.err = err
	return r.buf[:read], err
}

func (r *snapshotReader) uint64() (uint64, error) {
	b, err := r.next(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// ReadByte makes a snapshotReader an io.ByteReader, for binary.ReadUvarint.
func (r *snapshotReader) ReadByte() (byte, error) {
	b, err := r.next(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *snapshotReader) uvarint() (uint64, error) {
	v, err := binary.ReadUvarint(r)
	if err != nil && !isEOF(err) && r.err == nil {
		return 0, errDamaged // it does not fit 64 bits
	}
	return v, err
}

func isEOF(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

func (r *snapshotReader) generation(capacity int) (*generation, error) {
	g, err := r.header(capacity)
	if err != nil {
		return nil, err
	}
	var count uint64
	for {
		length, err := r.uvarint()
		if err != nil {
			return nil, err
		}
		if length == 0 {
			break
		}
		n, err := r.campaign(g, length-1)
		if err != nil {
			return nil, err
		}
		count += n
	}
	return g, r.trailer(count)
}

func (r *snapshotReader) header(capacity int) (*generation, error) {
	b, err := r.next(len(snapshotMagic))
	if err != nil && !isEOF(err) {
		return nil, err
	}
	if string(b) != snapshotMagic {
		return nil, errNotSnapshot
	}
	if b, err = r.next(4); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(b) != snapshotVersion {
		return nil, errSnapshotVersion
	}
	if b, err = r.next(16); err != nil {
		return nil, err
	}
	g := newGeneration(hashKeyFrom([16]byte(b)), capacity)
	newest, err := r.uint64()
	if err != nil {
		return nil, err
	}
	if int64(newest) < beforeAllVisits || int64(newest) > endOfTimeMilli {
		return nil, errDamaged
	}
	g.newest.Store(int64(newest))
	return g, nil
}

// campaign reads a campaign, and returns how many cooldowns it has.
func (r *snapshotReader) campaign(g *generation, length uint64) (count uint64, err error) {
	var id []byte
	for length > 0 { // as it arrives: the length may be a lie
		b, err := r.next(int(min(length, uint64(len(r.buf)))))
		if err != nil {
			return 0, err
		}
		id = append(id, b...)
		length -= uint64(len(b))
	}
	if g.find(string(id)) != nil {
		return 0, errDamaged
	}
	blocks, count, err := r.blocks()
	if err != nil || count == 0 {
		return 0, err // a table takes a hundred times the bytes of an ID
	}
	t := g.add(string(id))
	if count > fewEntries {
		p := t.lock(0)
		t.spread(p, g.share(), count, noEnd)
		p.mu.Unlock()
	}
	for i, b := range blocks {
		blocks[i] = nil // for the garbage collector
		for ; len(b) > 0; b = b[entrySize:] {
			if !t.restore(b) {
				return 0, errDamaged
			}
		}
	}
	return count, nil
}

// blocks reads the cooldowns of a campaign as they stand, and returns how many
// they are. In a table that is made for so many, a page grows by one block at most,
// and most pages do not. To grow from the beginning would take four times as long
// as all the rest.
func (r *snapshotReader) blocks() (blocks [][]byte, count uint64, err error) {
	for {
		n, err := r.uvarint()
		if err != nil || n == 0 {
			return blocks, count, err
		}
		if n > blockEntries {
			return nil, 0, errDamaged
		}
		b, err := r.next(int(n) * entrySize)
		if err != nil {
			return nil, 0, err
		}
		blocks = append(blocks, bytes.Clone(b))
		count += n
	}
}

// restore adds a cooldown of a snapshot. Nobody else uses the table yet.
func (t *table) restore(b []byte) bool {
	low := binary.LittleEndian.Uint64(b[8:])
	f := fingerprint{binary.LittleEndian.Uint64(b), low & (1<<extraBits - 1)}
	end := int64(low) >> endShift
	if f.key() == 0 || end < firstTimeMilli || end > endOfTimeMilli {
		return false
	}
	t.update(f, func(p *page) {
		if p.end(f) != noEnd {
			return
		}
		p.add(f, end, noEnd)
		if p.count() > p.full() {
			t.grow(p, noEnd)
		}
	})
	return true
}

func (r *snapshotReader) trailer(count uint64) error {
	n, err := r.uint64()
	if err != nil {
		return err
	}
	want := r.hash.Sum(nil)
	sum, err := r.next(sha256.Size)
	if err != nil {
		return err
	}
	if string(sum) != string(want) || n != count {
		return errDamaged
	}
	switch _, err := r.r.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return errTrailing
	default:
		return err
	}
}

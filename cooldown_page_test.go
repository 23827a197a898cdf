package campaign

import "testing"

// TestPageKnowsItsOldest moves an entry from a line that a sweep has not
// reached yet to one that it has passed, and finishes the sweep. If the page
// forgot the entry's end, it would not look for it when it has expired.
func TestPageKnowsItsOldest(t *testing.T) {
	const (
		first, second, third = 1000, 2000, 3000 // ends
		whole                = linesPerBlock / 2
	)
	p := newPage(0, pageBits, 1, 0)
	key := uint64(0)
	add := func(line, other uint64, end int64) fingerprint {
		key++
		f := fingerprintOf(other<<otherShift|key, 0, line, false)
		p.add(f, end, noEnd)
		return f
	}
	add(50, 1, first)
	add(50, 1, second)
	moved := add(100, 101, third)
	for range slotsPerLine - 1 {
		add(100, 101, endOfTimeMilli)
	}
	for range slotsPerLine {
		add(103, 3, endOfTimeMilli)
	}
	p.sweep(first+1, 2*whole+1, 2*whole+1)
	if p.oldest != second {
		t.Fatalf("oldest = %d after two sweeps, want %d", p.oldest, second)
	}
	p.sweep(second+1, 8, 8)
	add(100, 3, endOfTimeMilli) // both of its lines are full
	if at := p.find(moved); at.line != &p.blocks[0].Load()[1] {
		t.Fatal("the entry was not moved to line 1, behind the sweep")
	}
	p.sweep(second+1, whole, whole)
	if p.oldest > third {
		t.Errorf("oldest = %d after a sweep, want at most %d, an end that is kept", p.oldest, third)
	}
}

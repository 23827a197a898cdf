package campaign

import (
	"slices"
	"testing"
)

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

// A page without a block has no lines whose search would come before that of the
// side map: so each Enter looks there, and must look at a few entries only.
func TestPageWithoutBlockSweepsAFew(t *testing.T) {
	const horizon = 2000
	p := newPage(0, 0, 0, 0)
	for i := range uint64(fewEntries) {
		p.add(fingerprintOf(i+1, 0, 0, false), horizon-1, noEnd)
	}
	for left := fewEntries - fewSweep; left >= 0; left -= fewSweep {
		if p.sweep(horizon, leastSweep, 1); p.count() != left {
			t.Fatalf("%d entries are left, want %d: %d fewer", p.count(), left, fewSweep)
		}
	}
}

// A block has what its path names, and of the rest as much as any other. To grow
// moves little between the blocks that were there.
func TestHomesAreEven(t *testing.T) {
	for size := 2; size <= maxBlocks; size++ {
		var has [maxBlocks]int
		moved, names := 0, 2
		for names < size {
			names *= 2
		}
		for i, n := range homes[size] {
			has[n]++
			if int(n) != size-1 && n != homes[size-1][i] {
				moved++
			}
			if named := i >> spreadBits % names; named < size && int(n) != named {
				t.Errorf("with %d blocks, entries whose path ends with %03b are in block %d", size, i>>spreadBits, n)
			}
		}
		if few, many := slices.Min(has[:size]), slices.Max(has[:size]); many > few+1 {
			t.Errorf("with %d blocks, they have %v parts, want as many each", size, has)
		}
		if share := moved * 100 / len(homes[size]); share > 8 {
			t.Errorf("the block number %d moves %d percent between the others, want at most 8", size, share)
		}
	}
}

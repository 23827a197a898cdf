package campaign

import "testing"

// A table that gets many pages has room for the larger of what its capacity says and
// what is expected, and keeps that for what the capacity says.
func TestTableRoom(t *testing.T) {
	for _, capacity := range []uint64{0, 2, 3000, 20_000, 300_000} {
		for _, expected := range []uint64{0, fewEntries + 1, 20_000, 20_500, 60_000, 300_000} {
			table := newTable("a")
			p := table.lock(0)
			table.spread(p, capacity, expected, noEnd)
			p.mu.Unlock()
			var room, kept, pages uint64
			for p := range table.locked() {
				if uint64(p.floor) > p.size() {
					t.Errorf("capacity %d, expected %d: a page of %d blocks keeps %d", capacity, expected, p.size(), p.floor)
				}
				room += p.size() * fullBlock
				kept += uint64(p.floor) * fullBlock
				pages++
				p.mu.Unlock()
			}
			spare := pages * fullBlock // a block has room for some entries that are not there
			if want := max(capacity, expected); room < want || room > want+spare {
				t.Errorf("capacity %d, expected %d: there is room for %d, want %d to %d", capacity, expected, room, want, want+spare)
			}
			if kept < capacity || capacity == 0 && kept > 0 || kept > capacity+spare {
				t.Errorf("capacity %d, expected %d: room for %d is kept, want %d to %d", capacity, expected, kept, capacity, capacity+spare)
			}
			if least, _ := roomFor(capacity); table.least != least {
				t.Errorf("capacity %d, expected %d: pages are joined down to %d bits, want %d", capacity, expected, table.least, least)
			}
		}
	}
}

// TestTableFindsAll takes a page through all its sizes, makes two of it, and one
// again. All the while each entry is where it is looked for, and nowhere else.
func TestTableFindsAll(t *testing.T) {
	table := newTable("a")
	p := table.lock(0)
	table.spread(p, 0, 0, noEnd)
	p.mu.Unlock()
	p = table.page(0)
	entries := make(map[fingerprint]int64)
	for i := range int64(fullBlock) {
		f := fingerprint{uint64(i+1) * 0x9e3779b97f4a7c15 &^ pageMask, uint64(i) % (1 << extraBits)}
		entries[f] = i + 1
		p.add(f, i+1, noEnd)
	}
	check := func(step string) {
		t.Helper()
		n := 0
		for q := range table.locked() {
			for range q.all() {
				n++
			}
			slots := q.slots
			if q.recount(); q.slots != slots {
				t.Errorf("after %s: %d slots are counted as in use, want %d", step, slots, q.slots)
			}
			q.mu.Unlock()
		}
		lost := 0
		for f, end := range entries {
			if table.page(f.path()).end(f) != end {
				lost++
			}
		}
		if lost > 0 || n != len(entries) {
			t.Fatalf("after %s: there are %d entries, and %d of %d are not found", step, n, lost, len(entries))
		}
	}
	for size := uint64(2); size <= maxBlocks; size++ {
		p.resize(size, noEnd)
		check("growing")
	}
	table.split(p, noEnd)
	check("splitting")
	q := table.page(1 << pageBits)
	for size := uint64(splitBlocks - 1); size >= 2; size-- {
		p.resize(size, noEnd)
		q.resize(size, noEnd)
		check("shrinking two pages")
	}
	table.join(p)
	if p == q || table.page(1<<pageBits) != p {
		t.Fatal("there are not two pages that were joined")
	}
	check("joining")
	for size := uint64(splitBlocks - 1); size >= 1; size-- {
		p.resize(size, noEnd)
		check("shrinking")
	}
}

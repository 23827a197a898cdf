package campaign

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// A directory finds the table of a campaign without a lock. Tables can be added and
// removed one at a time; what is removed leaves a mark, and takes its room until the
// directory is made anew, or campaigns that come and go would each cost as much as
// all of them.
//
// A sync.Map does the same in twice the time, because its keys are interfaces.
// Copying a map for each new campaign takes seconds for ten thousand of them.
type directory struct {
	only  *table // if there is one; to compare is faster than to hash
	short int    // the length of its campaign's ID, if that is 8 to 16 bytes, which overlap in:
	first uint64 // (a comparison with these needs no call, see MemoryTracker.enter)
	last  uint64
	seed  maphash.Seed
	slots []atomic.Pointer[table] // a power of two, half of them free at least
	taken int                     // slots with a table or a mark; guarded by generation.mu
}

// removed is the mark of a table that was removed.
var removed = new(table)

func newDirectory(tables []*table) *directory {
	if len(tables) == 1 {
		d := &directory{only: tables[0]}
		if id := d.only.campaign; 8 <= len(id) && len(id) <= 16 {
			d.short, d.first, d.last = len(id), eightBytes(id), eightBytes(id[len(id)-8:])
		}
		return d
	}
	d := &directory{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[table], 4<<bits.Len(uint(len(tables))))}
	for _, t := range tables {
		d.add(t)
	}
	return d
}

// find returns the table of a campaign, or nil.
func (d *directory) find(campaign string) *table {
	if d.only != nil {
		if d.only.campaign == campaign {
			return d.only
		}
		return nil
	}
	for i := maphash.String(d.seed, campaign); ; i++ {
		t := d.slots[i&uint64(len(d.slots)-1)].Load()
		if t == nil || t.campaign == campaign && t != removed {
			return t
		}
	}
}

// hasRoom reports whether a table can be added, with which there are so many. For the
// first two a new directory is made.
func (d *directory) hasRoom(tables int) bool {
	return d.only == nil && tables > 1 && 2*(d.taken+1) <= len(d.slots)
}

// remove removes a table, of which so many are left, and reports whether it could:
// for few, or far fewer than there were, a new directory is better.
func (d *directory) remove(t *table, left int) bool {
	if left < 2 || 16*left < len(d.slots) {
		return false
	}
	for i := maphash.String(d.seed, t.campaign); ; i++ {
		if slot := &d.slots[i&uint64(len(d.slots)-1)]; slot.Load() == t {
			slot.Store(removed)
			return true
		}
	}
}

// add adds a table. No other add is under way, and there is room.
func (d *directory) add(t *table) {
	for i := maphash.String(d.seed, t.campaign); ; i++ {
		if slot := &d.slots[i&uint64(len(d.slots)-1)]; slot.Load() == nil {
			slot.Store(t)
			d.taken++
			return
		}
	}
}

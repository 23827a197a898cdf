package campaign

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// A directory finds the table of a campaign without a lock. Tables can be
// added; to remove one takes a new directory.
//
// A sync.Map does the same in twice the time, because its keys are interfaces.
// Copying a map for each new campaign takes seconds for ten thousand of them.
type directory struct {
	only  *table // if there is one; to compare is faster than to hash
	seed  maphash.Seed
	slots []atomic.Pointer[table] // a power of two, half of them free at least
}

func newDirectory(tables []*table) *directory {
	if len(tables) == 1 {
		return &directory{only: tables[0]}
	}
	d := &directory{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[table], 4<<bits.Len(uint(len(tables))))}
	for _, t := range tables {
		d.add(t)
	}
	return d
}

// search is for when there is not one only.
func (d *directory) search(campaign string) *table {
	for i := maphash.String(d.seed, campaign); ; i++ {
		t := d.slots[i&uint64(len(d.slots)-1)].Load()
		if t == nil || t.campaign == campaign {
			return t
		}
	}
}

// hasRoom reports whether a table can be added.
func (d *directory) hasRoom(tables int) bool {
	return d.only == nil && tables > 1 && 2*tables <= len(d.slots)
}

// add adds a table. No other add is under way, and there is room.
func (d *directory) add(t *table) {
	for i := maphash.String(d.seed, t.campaign); ; i++ {
		if slot := &d.slots[i&uint64(len(d.slots)-1)]; slot.Load() == nil {
			slot.Store(t)
			return
		}
	}
}

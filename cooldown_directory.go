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
	seed  maphash.Seed
	slots []atomic.Pointer[table] // a power of two, half of them free at least
}

func newDirectory(tables []*table) *directory {
	d := &directory{maphash.MakeSeed(), make([]atomic.Pointer[table], 4<<bits.Len(uint(len(tables))))}
	for _, t := range tables {
		d.add(t)
	}
	return d
}

func (d *directory) find(campaign string) *table {
	for i := maphash.String(d.seed, campaign); ; i++ {
		t := d.slots[i&uint64(len(d.slots)-1)].Load()
		if t == nil || t.campaign == campaign {
			return t
		}
	}
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

package campaign

import (
	"sync"
	"unsafe"
)

// An arena holds the texts that are decoded while a visit is matched: paths and
// parameters with escapes, and folded texts. Nearly every visit matches nothing;
// its texts are then of no use to anyone, and the room goes to the next visit.
// The zero arena gives each text room of its own.
//
// It must not be copied while it has room: the copies would write over each
// other's texts.
type arena struct {
	pool *sync.Pool // of *[]byte
	room *[]byte    // nil until needed; its length is what is taken
}

// maxRoom is how much room is kept for the next visit.
const maxRoom = 64 << 10

// tail returns an empty slice to append one text to, for keep. What is appended
// must only grow.
func (a *arena) tail() []byte {
	if a.pool == nil {
		return nil
	}
	if a.room == nil {
		a.room, _ = a.pool.Get().(*[]byte)
		if a.room == nil {
			room := make([]byte, 0, 1<<10)
			a.room = &room
		}
	}
	room := *a.room
	return room[len(room):]
}

// keep returns the text that was appended to what tail returned. It is valid
// until release.
func (a *arena) keep(text []byte) string {
	if a.pool == nil || len(text) == 0 {
		return string(text)
	}
	room := *a.room
	if len(room)+len(text) <= cap(room) {
		*a.room = room[:len(room)+len(text)]
	} else {
		*a.room = text // append has moved to more room
	}
	// A conversion would copy. Nobody writes to the bytes before release, as
	// tail gives only what lies behind them.
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// release gives the room to the next visit. No text of it may be used after.
func (a *arena) release() {
	if a.room != nil && cap(*a.room) <= maxRoom {
		*a.room = (*a.room)[:0]
		a.pool.Put(a.room)
	}
	*a = arena{}
}

// detach leaves the room to its texts, for a visit that goes on.
func (a *arena) detach() { *a = arena{} }

func (a *arena) unescape(s string) string { return a.keep(appendUnescaped(a.tail(), s)) }

func (a *arena) foldText(s string) string { return a.keep(appendFolded(a.tail(), s)) }

// formText decodes a name or value of a form.
func (a *arena) formText(raw string) string {
	if isPlainForm(raw) {
		return raw
	}
	return a.keep(appendFormDecoded(a.tail(), raw))
}

package campaign

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// An originMemory remembers the origin of the site that most visits are of, as
// "https://shop.example": to compare an address with it takes less than to look at each of
// its bytes for what a host may not have. The zero originMemory has none yet. It may be
// used by several visits at the same time.
type originMemory struct {
	known atomic.Pointer[origin]
}

// An origin is scheme and host of an address as plainOrigin finds them.
type origin struct {
	text   string
	scheme int // the length of the scheme
}

// originTurns is after how many addresses with another origin, in the mean, that takes
// the place of the one that is known: visits of several sites may alternate, and a change
// is an allocation.
const originTurns = 1024

// maxOrigin is how long an origin may be that is remembered. A host that can be resolved
// has 253 bytes at most, and anyone can make up a longer one.
const maxOrigin = 300

// of is plainOrigin.
func (m *originMemory) of(s string) (scheme, host int) {
	o := m.known.Load()
	if o != nil && len(s) > len(o.text) && s[len(o.text)] == '/' && s[:len(o.text)] == o.text {
		return o.scheme, len(o.text)
	}
	scheme, host = plainOrigin(s)
	if 0 < host && host <= maxOrigin && (o == nil || rand.Uint32N(originTurns) == 0) {
		m.known.Store(&origin{strings.Clone(s[:host]), scheme})
	}
	return scheme, host
}

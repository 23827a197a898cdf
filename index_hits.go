package campaign

import (
	"math"
	"slices"
)

// A hitList is the campaigns that a visit meets. A few are in an array that is part of
// the visit's view, and stays on the stack with it: most visits meet none, and cost no
// allocation.
type hitList struct {
	n    int      // of few
	few  [8]int32 // with the highest bit set: below zero, and so below what is not in use
	many []int32  // all of them, once they are more than few
}

func (h *hitList) add(campaign int32) {
	if h.n < len(h.few) {
		h.few[h.n] = campaign | math.MinInt32
		h.n++
		return
	}
	h.addToMany(campaign)
}

func (h *hitList) addToMany(campaign int32) {
	if h.many == nil {
		h.many = make([]int32, 0, 4*len(h.few))
		for _, c := range h.few {
			h.many = append(h.many, c&math.MaxInt32)
		}
	}
	h.many = append(h.many, campaign)
}

// inOrder returns the campaigns sorted, each once. Then the list is used up: few has the
// highest bits cleared.
func (h *hitList) inOrder() []int32 {
	switch {
	case h.many != nil:
		slices.Sort(h.many)
		return slices.Compact(h.many)
	case h.n == 0:
		return nil
	case h.n == 1:
		h.few[0] &= math.MaxInt32
		return h.few[:1]
	}
	sortEight(&h.few)
	return slices.Compact(h.few[:h.n])
}

// sortEight sorts, and clears the highest bits, by Batcher's network, without a branch:
// whether two have to be exchanged is anyone's guess, and wrong guesses, or a loop in which
// each step waits for the one before, take as long as finding one of the campaigns.
func sortEight(list *[8]int32) {
	a, b, c, d, e, f, g, h := list[0], list[1], list[2], list[3], list[4], list[5], list[6], list[7]
	a, b = min(a, b), max(a, b)
	c, d = min(c, d), max(c, d)
	e, f = min(e, f), max(e, f)
	g, h = min(g, h), max(g, h)

	a, c = min(a, c), max(a, c)
	b, d = min(b, d), max(b, d)
	e, g = min(e, g), max(e, g)
	f, h = min(f, h), max(f, h)

	b, c = min(b, c), max(b, c)
	f, g = min(f, g), max(f, g)

	a, e = min(a, e), max(a, e)
	b, f = min(b, f), max(b, f)
	c, g = min(c, g), max(c, g)
	d, h = min(d, h), max(d, h)

	c, e = min(c, e), max(c, e)
	d, f = min(d, f), max(d, f)

	b, c = min(b, c), max(b, c)
	d, e = min(d, e), max(d, e)
	f, g = min(f, g), max(f, g)
	const m = math.MaxInt32
	list[0], list[1], list[2], list[3], list[4], list[5], list[6], list[7] = a&m, b&m, c&m, d&m, e&m, f&m, g&m, h&m
}

package campaign

import "slices"

// A hitList is the campaigns that a visit meets. A few are in an array that is part of
// the visit's view, and stays on the stack with it: most visits meet none, and cost no
// allocation.
type hitList struct {
	n    int // of few
	few  [16]int32
	many []int32 // all of them, once they are more than few
}

func (h *hitList) add(campaign int32) {
	if h.n < len(h.few) {
		h.few[h.n] = campaign
		h.n++
		return
	}
	h.addToMany(campaign)
}

func (h *hitList) addToMany(campaign int32) {
	if h.many == nil {
		h.many = append(make([]int32, 0, 4*len(h.few)), h.few[:]...)
	}
	h.many = append(h.many, campaign)
}

// inOrder returns the campaigns sorted, each once.
func (h *hitList) inOrder() []int32 {
	if h.many != nil {
		slices.Sort(h.many)
		return slices.Compact(h.many)
	}
	few := h.few[:h.n]
	sortFew(few)
	return slices.Compact(few)
}

// sortFew sorts without a branch that depends on the order, which is anyone's guess:
// for so few, wrong guesses are most of what slices.Sort costs.
func sortFew(list []int32) {
	for i := 1; i < len(list); i++ {
		last := list[i]
		for j := range list[:i] {
			list[j], last = min(list[j], last), max(list[j], last)
		}
		list[i] = last
	}
}

package campaign

import (
	"iter"
	"math/bits"
)

// A joint of a text is where words meet: a byte below '0', such as a slash, a hyphen, a
// dot or a space, with enough around it for a gram of eight bytes.
//
// Most texts that campaigns look for have one, "/summer-sale/" and "-sneaker-123", and
// its gram is there in whatever has the text: they are filed under the rarest of these
// grams. An address has a joint in some seven bytes, so there are fewer grams to look up
// than with a gram in every four, and fewer of them are there by chance, as words that
// are next to each other are seldom the same. What has no such joint, or one that is too
// common, is cut into grams of a gramShape.
const (
	jointSize = 8

	// fewPerJoint is how many texts may be filed under one gram around a joint.
	fewPerJoint = 16
)

// beforeJoints are how many bytes of a gram stand before its joint. Four are best, as the
// end of a word tells more than its beginning. With two, what begins or ends near its only
// joint can be filed too, as "/p/12345".
var beforeJoints = [...]int{4, 2}

// matchJoints looks up the grams around all joints of the text, which have so many bytes
// before them.
func (s *campaignSet) matchJoints(f *fieldIndex, before int, text string, v *view) {
	filter, salt := &s.table.filter, f.salt
	for from := 0; from+jointSize <= len(text); from += jointsPerMask {
		for joints := jointsOf(text[from:], before); joints != 0; joints &= joints - 1 {
			at := from + bits.TrailingZeros64(joints)
			// jointKey, which is not inlined.
			if key := mix(eightBytes(text[at:]) ^ salt); filter.has(key) {
				s.find(key, &probe{index: f.id, rule: ruleHas, text: text, at: at}, v)
			}
		}
	}
}

// allJoints returns where the grams around joints begin.
func allJoints(s string, before int) iter.Seq[int] {
	return func(yield func(at int) bool) {
		for from := 0; from+jointSize <= len(s); from += jointsPerMask {
			for joints := jointsOf(s[from:], before); joints != 0; joints &= joints - 1 {
				if !yield(from + bits.TrailingZeros64(joints)) {
					return
				}
			}
		}
	}
}

func jointKey(salt uint64, s string) uint64 { return mix(eightBytes(s) ^ salt) }

// jointsPerMask is how many grams jointsOf looks at.
const jointsPerMask = 64

// jointsOf returns a bit for each gram around a joint among the first of s, which has
// eight bytes at least. One loop over the bits mispredicts once, where one over the joints
// of each eight bytes would do so at most of them.
func jointsOf(s string, before int) (mask uint64) {
	block := s[:min(len(s), before+jointsPerMask)]
	rest := block[before:]
	unused := jointsPerMask - 8
	for ; len(rest) > 8; rest = rest[8:] {
		mask = mask>>8 | topBits(belowZero(eightBytes(rest)))
		unused -= 8
	}
	// The last bytes of the block, but for those that were looked at.
	last := eightBytes(block[len(block)-8:]) >> (8 * (8 - len(rest)) & 63)
	mask = (mask>>8 | topBits(belowZero(last))) >> (unused & 63)
	if grams := len(s) - jointSize + 1; grams < jointsPerMask {
		mask &= 1<<(grams&63) - 1
	}
	return mask
}

// belowZero sets the high bits of bytes that are below '0'.
func belowZero(v uint64) uint64 { return ^((v | highs) - '0'*ones | v) & highs }

// topBits puts the high bits of eight bytes side by side, in the highest byte.
func topBits(v uint64) uint64 { return v >> 7 * 0x0102040810204080 &^ (1<<56 - 1) }

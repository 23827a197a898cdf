package campaigntest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

func (c *trackerCheck) oddKeys() {
	keys := similarKeys()
	visit := func(after time.Duration, i int) campaign.Entry {
		e := c.visit(after, time.Hour+time.Duration(i)*ms) // so that the end tells whose it is
		e.Campaign, e.Profile = keys[i].campaign, keys[i].profile
		return e
	}
	owners := map[int64]string{}
	// The first failure ends it: one shows what is wrong, and hundreds may follow.
	for i, key := range keys {
		e := visit(0, i)
		until, entered, err := c.tracker.Enter(context.Background(), e)
		if err != nil {
			c.failf("Enter(%v) = error %v, want none", key, err)
			return
		}
		if !entered {
			owner := cmp.Or(owners[until.UnixMilli()], "nobody")
			c.failf("Enter(%v) is held by the cooldown of %s, want the first visit to enter", key, owner)
			return
		}
		owners[e.Until().UnixMilli()] = key.String()
	}
	for i, key := range keys {
		want := visit(0, i).Until()
		until, entered, err := c.tracker.Enter(context.Background(), visit(time.Minute, i))
		if entered || err != nil || !until.Equal(want) {
			c.failf("Enter(%v) = until %s, entered %t, error %v, want the second visit to be held until %s",
				key, c.at(until), entered, err, c.at(want))
			return
		}
	}
	c.reopenOddKeys()
}

// reopenOddKeys reopens every second of some cooldowns that all have one end, by
// which none can be told from the others.
func (c *trackerCheck) reopenOddKeys() {
	keys := likeKeys()
	visit := func(after, timeout time.Duration, key key) campaign.Entry {
		e := c.visit(2*time.Hour+after, timeout)
		e.Campaign, e.Profile = key.campaign, key.profile
		return e
	}
	for _, key := range keys {
		c.enters(visit(0, time.Hour, key))
	}
	minute := visit(time.Minute, time.Hour, key{}).Time
	for i := 0; i < len(keys); i += 2 {
		c.reopen(visit(0, time.Hour, keys[i]), minute)
	}
	for i, key := range keys {
		until, entered, err := c.tracker.Enter(context.Background(), visit(time.Minute, campaign.Immediately, key))
		if reopened := i%2 == 0; entered != reopened || err != nil {
			c.failf("Enter(%v) = until %s, entered %t, error %v, want entered %t: of what ends at the same moment, each has a Reopen of its own",
				key, c.at(until), entered, err, reopened)
			return
		}
	}
}

// A key is what a tracker keeps one cooldown for.
type key struct{ campaign, profile string }

func (k key) String() string {
	return fmt.Sprintf("campaign %.20q, profile %.20q", k.campaign, k.profile)
}

// similarKeys returns different keys that become the same if campaign and
// profile are joined carelessly, or if not all of their bytes count. They are
// some 600, which a tracker on a server answers in a second or two. All
// separators of two bytes would be 65,536 pairs more: of the longer ones, only
// those that people use are tried.
func similarKeys() []key {
	keys := []key{
		{"", ""},
		{"a", "bc"},
		{"ab", "c"},
		{"", "abc"},
		{"abc", ""},
		{"a", "\x00b"},
		{"a\x00", "b"},
		{"a\x00b", ""},
		{"1", "1:1"},
		{"1:1", "1"},
		{"1", "abcdefghijkx"}, // 1 is also how the length of the next campaign begins
		{"abcdefghijk", "x"},
	}
	for _, n := range []int{1 << 8, 1 << 16} {
		// Behind a length of one or two bytes, both campaigns are of length 1.
		keys = append(keys, key{"a", strings.Repeat("x", n) + "c"}, key{"a" + strings.Repeat("x", n), "c"})
	}
	for _, s := range separators() {
		// Joined by s, both are a, s, b, s, c.
		keys = append(keys, key{"a" + s + "b", "c"}, key{"a", "b" + s + "c"})
	}
	// In both places: what is put in front of a profile changes its hash, but
	// what follows two campaigns of one hash leaves them alike.
	for _, s := range equalHashes {
		keys = append(keys, key{s, "x"}, key{"x", s})
	}
	return distinct(append(keys, likeKeys()...))
}

// likeKeys returns those whose campaigns or profiles are like each other.
func likeKeys() []key {
	var keys []key
	for _, s := range similarStrings() {
		keys = append(keys, key{s, "x"})
	}
	for _, s := range similarStrings() {
		keys = append(keys, key{"x", s})
	}
	return keys
}

// separators returns what may stand between the parts of a joined key.
func separators() []string {
	all := []string{"::", "--", "__", "||", "|||", "->", "=>", "://", ", ", "%00", "\r\n", "\x00\x00"}
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}))
	}
	return all
}

// similarStrings returns strings that are told apart by their bytes, but not by
// everything that may happen to them on the way into a store.
func similarStrings() []string {
	long := strings.Repeat("x", 70<<10) // a text column may end after 64 KiB
	return []string{
		"", "ann", "Ann", "ANN", // letter case
		" ", " ann", "ann ", "\tann", "ann\n", "ann\r\n", "ann\u00a0", "\ufeffann", // trimming
		"ann\u00ad", "ann\u200b", // what nobody sees
		"\x00", "ann\x00", "ann\x00x", // strings that end with a NUL
		"%", "_", "*", "?", "??", "'", `"`, `\`, `\\`, "''", // patterns and quotes
		"+", "%20", "%2B", // URLs
		".", "ann/", "./ann", // paths
		"é", "É", "e", "e\u0301", "ü", "k", "\u212a", // letters; the last one is a Kelvin sign
		"\U0001f45f", "\U0001f45e", // four bytes in UTF-8
		"\xff", "\xfe", "\xff\xff", "\ufffd", // repaired UTF-8
		"0", "2", "02", "+2", "2.0", "2e0", // numbers
		"9007199254740992", "9007199254740993", // beyond 53 bits
		long, long + "x", long + "y", "y" + long, // cut, at either end
	}
}

// equalHashes are pairs of the same length with the same hash of 32 bits: of any
// million profiles, a hundred would share theirs with another one.
var equalHashes = []string{
	"05ea2f13322884d0", "1d8f11e6301a4af7", // CRC32
	"f1876cb36e292d8f", "cbc7c5238280b586", // CRC32, Castagnoli
	"3acbeaae9d3f5f62", "90ca8ad2bbda635a", // FNV-1
	"87f4a34e546cc6d5", "db8c5762040a252e", // FNV-1a
	"7eceb48366d8b1b8", "09fcce167bd9d555", // Adler32
	"e6414d1fb16a34ed", "4ef592dce46eb416", // times 31 plus the next byte, as in Java
	"401a3a1904d313a7", "391f31e9a19fc9b7", // times 33
}

// distinct removes keys that are there already. A key that came twice would be
// held by itself.
func distinct(keys []key) []key {
	seen := map[key]bool{}
	return slices.DeleteFunc(keys, func(k key) bool {
		again := seen[k]
		seen[k] = true
		return again
	})
}

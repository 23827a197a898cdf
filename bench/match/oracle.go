package main

import (
	"net/url"
	"strings"
)

// oracle returns the rules that a visit by a known profile satisfies. It is
// written to be read, reads the URL with net/url, and shares no code with any
// peer.
func oracle(rules []rule, v *visit) ([]int32, error) {
	u, err := url.Parse(v.url)
	if err != nil {
		return nil, err
	}
	value := u.Query().Get(paramName)
	var want []int32
	for i := range rules {
		if rules[i].holds(u.Path, value, v) {
			want = append(want, int32(i))
		}
	}
	return want, nil
}

func (r *rule) holds(path, value string, v *visit) bool {
	switch r.kind {
	case prefix:
		return strings.HasPrefix(path, r.text)
	case equals:
		return path == r.text || path == r.text+"/"
	case contains:
		return strings.Contains(path, r.text)
	case regex:
		return r.re.MatchString(path)
	case suffix:
		return strings.HasSuffix(path, r.text)
	case glob:
		return holdsGlob(r.text, path)
	case typed:
		return v.page.Type == r.text && v.page.Category == r.category
	case segment:
		return v.page.Segment == r.text
	default:
		return value == r.text
	}
}

// holdsGlob tries a star with every length. The patterns have few.
func holdsGlob(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return holdsGlob(pattern[1:], s) || s != "" && holdsGlob(pattern, s[1:])
	case s == "":
		return false
	default:
		return (pattern[0] == '?' || pattern[0] == s[0]) && holdsGlob(pattern[1:], s[1:])
	}
}

// admitted is what remains of want when the visitor is not known.
func admitted(rules []rule, want []int32) []int32 {
	var rest []int32
	for _, i := range want {
		if !rules[i].known {
			rest = append(rest, i)
		}
	}
	return rest
}

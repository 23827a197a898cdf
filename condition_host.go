package campaign

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// Hosts in conditions. Browsers report them in ASCII, so what is written in Unicode
// would never hold.

// checkHostRegex is checkHost for a regular expression. In a class, letters that
// no host has do no harm: [^a-zäöü] means what it says.
func (c *comparison) checkHostRegex(fs *faults, p pointer) {
	if !c.field.isHost() && !c.field.isURL() {
		return
	}
	re, err := syntax.Parse(c.expr(), syntax.Perl)
	if err != nil {
		return
	}
	if c.field.isURL() {
		var scan hostScan
		if scan.regex(re); scan.found {
			fs.add(p, hostInUnicode)
		}
		return
	}
	if hasUnicodeLiteral(re) {
		fs.add(p, hostInUnicode)
	}
}

// A hostScan goes through an expression for addresses and looks for hosts in
// Unicode: literals outside ASCII that stand between :// and the next slash.
type hostScan struct {
	inHost bool // no text that fits has had a slash since ://
	found  bool
}

func (h *hostScan) regex(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		h.literal(string(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		h.inHost = false
	case syntax.OpCharClass:
		h.inHost = h.inHost && !hasSlash(re)
	case syntax.OpAlternate:
		h.branches(re.Sub)
	case syntax.OpQuest, syntax.OpStar, syntax.OpRepeat:
		h.branches([]*syntax.Regexp{re.Sub[0], {Op: syntax.OpEmptyMatch}})
	default:
		for _, sub := range re.Sub {
			h.regex(sub)
		}
	}
}

// branches goes through all of the ways on. A host goes on after them if it does
// after each.
func (h *hostScan) branches(ways []*syntax.Regexp) {
	inHost := true
	for _, way := range ways {
		one := *h
		one.regex(way)
		h.found = h.found || one.found
		inHost = inHost && one.inHost
	}
	h.inHost = inHost
}

func (h *hostScan) literal(s string) {
	for s != "" {
		if !h.inHost {
			_, after, ok := strings.Cut(s, "://")
			if !ok {
				return
			}
			h.inHost, s = true, after
		}
		host, rest := cutAny(s, "/?#")
		h.found = h.found || !isASCII(host)
		h.inHost, s = rest == "", rest
	}
}

// hasSlash reports whether a class has the character that ends a host.
func hasSlash(class *syntax.Regexp) bool {
	for i := 0; i+1 < len(class.Rune); i += 2 {
		if class.Rune[i] <= '/' && '/' <= class.Rune[i+1] {
			return true
		}
	}
	return false
}

func hasUnicodeLiteral(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral {
		return !isASCII(string(re.Rune))
	}
	return slices.ContainsFunc(re.Sub, hasUnicodeLiteral)
}

const hostInUnicode = "has letters outside ASCII, and browsers report hosts in ASCII; write the xn-- form of the host"

// checkHost refuses a host that browsers never report: they report all hosts in
// their ASCII form.
func (c *comparison) checkHost(s string, fs *faults, p pointer) {
	if c.op == codeRegex || isASCII(s) {
		return
	}
	host, rest := s, ""
	if c.field.isURL() {
		_, host, _ = strings.Cut(s, "://")
		host, rest = cutAny(host, "/?#*")
	}
	switch {
	case !c.field.isHost() && !c.field.isURL():
	case !isASCII(host):
		fs.add(p, "%s", c.hostHint(s, host, rest))
	case c.op == codeGlob && endsHostInUnicode(s):
		fs.add(p, hostInUnicode)
	}
}

// endsHostInUnicode reports whether a glob for addresses has a wildcard in its
// host and letters outside ASCII behind it: https://*.bücher.example/*. As a
// star goes over slashes, what follows it may be of the path. It is of the host
// if it looks as a name does, up to a slash, and nothing before it does.
func endsHostInUnicode(glob string) bool {
	_, authority, _ := strings.Cut(glob, "://")
	authority, path := cutAny(authority, "/#")
	before, after := cutAny(authority, "*?")
	if isASCII(after) || !strings.HasPrefix(path, "/") {
		return false
	}
	return strings.Contains(after, ".") && !strings.Contains(strings.TrimSuffix(before, "."), ".")
}

// hostHint says what to write in the place of s, which names a host in Unicode,
// if what it becomes does not depend on what may stand beside it. rest follows
// the host in s.
func (c *comparison) hostHint(s, host, rest string) string {
	var l location
	ascii, ok := hostToASCII(host)
	name, _, _ := strings.Cut(ascii, ":")
	whole := c.op == codeEquals || c.op == codeIn
	switch {
	case c.op == codeGlob, c.op == codeEndsWith, !isNormal(host):
		return hostInUnicode
	case !whole && rest == "" && !isASCII(host[strings.LastIndexByte(host, '.')+1:]):
		return hostInUnicode // the last label may go on
	case c.field.isURL() && l.parse(s) == "":
		url := l.url()
		if !whole && rest == "" {
			url = strings.TrimSuffix(url, "/")
		}
		return fmt.Sprintf("has a host in Unicode, and browsers report hosts in ASCII; write %q", url)
	case whole && ok && isDomain(name):
		return fmt.Sprintf("is a host in Unicode, and browsers report hosts in ASCII; write %q", ascii)
	}
	return hostInUnicode
}

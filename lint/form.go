package lint

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hybridcampaign/campaign"
)

// formFault returns what is wrong with the way in which the value of a
// comparison is written: NeverHolds if no visit has such a value, UnlikelyForm
// if no ordinary page has, or no code. in is held against it value by value.
func formFault(c campaign.Comparison, lits literals) (Code, string) {
	text, ok := c.Value.(string)
	if !ok {
		return numberFault(c)
	}
	if message := otherPattern(c, text); message != "" {
		return UnlikelyForm, message
	}
	if message := wrongPattern(c, text); message != "" {
		return UnlikelyForm, message
	}
	equals := c.Op == campaign.OpEquals
	if equals {
		lits = literals{fold: c.IgnoreCase}
	}
	switch f := c.Field; {
	case equals && text == "" && isNeverEmpty(f) && !forgivesSlash(f):
		return NeverHolds, "no page has this: where " + string(f) + " is empty it is missing; write a not around exists"
	case isHost(f) && equals:
		return hostFault(text, c)
	case isHost(f):
		return hostPartFault(lits)
	case f == campaign.PageScheme:
		return schemeFault(text, c, lits)
	case isURL(f):
		return urlFault(text, c, lits)
	case isPath(f):
		return pathFault(text, c, lits)
	case f == campaign.PageFragment && (strings.HasPrefix(text, "#") && equals || strings.HasPrefix(lits.prefix, "#")):
		return UnlikelyForm, "page.fragment is what follows the #; write it without"
	case f == campaign.PageFragment || isQuery(f):
		if equals && isEscaped(text) || lits.any(isEscaped) {
			return UnlikelyForm, string(f) + decoded
		}
		if isQuery(f) && (equals && blankAsPlus.MatchString(text) || lits.any(blankAsPlus.MatchString)) {
			return UnlikelyForm, string(f) + " is decoded, so a + is a blank there; write a blank, or if a %2B is meant leave it"
		}
	}
	return "", ""
}

// numberFault says what is wrong with a number for a field that is text in every
// ordinary visit, and text never equals a number.
func numberFault(c campaign.Comparison) (Code, string) {
	switch c.Value.(type) {
	case int64, uint64, float64:
	default:
		return "", ""
	}
	switch c.Field {
	case campaign.ProfileField("id"), campaign.ProfileField("profileid"), campaign.ItemID, campaign.ItemName, campaign.ItemCategory:
	default:
		return "", ""
	}
	if c.Op == campaign.OpEquals {
		write := "it in quotes"
		if strings.HasPrefix(string(c.Field), "item.") { // a person's is not shown
			write = fmt.Sprintf(`"%v"`, c.Value)
		}
		return UnlikelyForm, fmt.Sprintf("%s is text, which never equals a number; write %s", c.Field, write)
	}
	return UnlikelyForm, string(c.Field) + " is text, which no number is below or above; compare it with equals or in"
}

// otherPattern says what is wrong with a pattern of another language. In titles and
// names such characters are ordinary.
func otherPattern(c campaign.Comparison, text string) string {
	const slashes = "the slashes and flags around an expression are of another language; write it without, and ignore_case in place of i"
	switch {
	case c.Op == campaign.OpRegex && (strings.HasPrefix(text, "/^") || strings.HasSuffix(text, "$/")):
		return slashes
	case c.Op == campaign.OpRegex && (isPath(c.Field) || isURL(c.Field)) && globInRegex.MatchString(text):
		return "/* is any number of slashes in an expression; write /.* for anything, or the op glob"
	case c.Op == campaign.OpRegex && flagged.MatchString(text) && (!isPath(c.Field) && !isURL(c.Field) || strings.Contains(text, `\/`)):
		return slashes // /de/m alone may well be meant
	case c.Op != campaign.OpGlob:
	case len(text) > 1 && strings.HasPrefix(text, "%") && strings.HasSuffix(text, "%"):
		return "% stands for itself in glob; write * for any text"
	case isPath(c.Field) && braces.MatchString(text):
		return "braces, brackets and bars stand for themselves in glob; write an any of globs, or the op regex"
	}
	return ""
}

// flagged is a regular expression as JavaScript has it, with flags behind it.
var flagged = regexp.MustCompile(`^/.+/(gi?m?|im?|m|ig|mi|mg)$`)

// globInRegex is a star behind a slash, where any text is meant and not more slashes.
// Those are meant by /*$ and by //*, and in a class a star is one character of many.
var globInRegex = regexp.MustCompile(`^[^\[\]]*[^\\/\[\]]/\*(/[^\[\]]*)?$`)

// routeParam is a part of a path that is filled in, as routers write it.
var routeParam = regexp.MustCompile(`/(:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}|<[A-Za-z_]\w*>)(/|$)`)

// blankAsPlus is a blank as it stands in an address.
var blankAsPlus = regexp.MustCompile(`[0-9A-Za-z]\+[0-9A-Za-z]`)

// braces are {a,b}, [abc] and a|b of other globs.
var braces = regexp.MustCompile(`\{[^{}]*,[^{}]*\}|\[[^\[\]]+\]|\|`)

// wrongPattern says what is wrong with a pattern under an operator that does not
// read it as one. Addresses can have the same characters, and hardly do.
func wrongPattern(c campaign.Comparison, text string) string {
	if !isHost(c.Field) && !isPath(c.Field) && !isURL(c.Field) || c.Op == campaign.OpRegex {
		return ""
	}
	if strings.HasPrefix(text, "^") {
		return "^ stands for itself here; write the op regex, or remove it"
	}
	if isPath(c.Field) && routeParam.MatchString(text) {
		return "a part that is filled in stands for itself here; write the op glob with a * in its place"
	}
	if c.Op == campaign.OpGlob {
		if strings.Contains(text, "/.*") {
			return "a dot stands for itself in glob, and * for any text; write /* in place of /.*, or write the op regex"
		}
		return ""
	}
	if path, _, _ := strings.Cut(text, "?"); strings.Contains(path, "*") {
		return "* stands for itself here; write the op glob, where it is any text, or remove it"
	}
	return ""
}

func isQuery(f campaign.Field) bool {
	return strings.HasPrefix(string(f), "page.query.") || strings.HasPrefix(string(f), "referrer.query.")
}

const decoded = " is decoded; write the characters themselves in place of the % escapes"

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// isEscaped reports whether s has percent escapes that would be decoded: those
// of what is not UTF-8 stay as they are.
func isEscaped(s string) bool {
	text, err := url.PathUnescape(s)
	return escape.MatchString(s) && (err != nil || utf8.ValidString(text))
}

// texts are all the literals.
func (lits literals) texts() []string {
	return append([]string{lits.prefix, lits.suffix}, lits.within...)
}

func (lits literals) any(f func(string) bool) bool {
	return slices.ContainsFunc(lits.texts(), f)
}

// hostFault asks whether there is an address with the host.
func hostFault(host string, c campaign.Comparison) (Code, string) {
	c.Field = campaign.PageHost
	for _, scheme := range []string{"https://", "http://", "app://"} {
		if probe(c, campaign.PageVisit{URL: scheme + host + "/"}) {
			return "", ""
		}
	}
	rest := host
	if i := strings.Index(rest, "//"); i >= 0 {
		rest = rest[i+2:]
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	rest = strings.ToLower(rest)
	for _, scheme := range []string{"https://", "http://"} {
		if probe(campaign.PageHost.Equals(rest), campaign.PageVisit{URL: scheme + rest + "/"}) {
			return NeverHolds, `no page has this: a host is in lower case, without scheme and path; write "` + rest + `"`
		}
	}
	return NeverHolds, `no page has this as its host; write one as browsers show it, such as "shop.example"`
}

// hostPartFault looks at pieces of hosts.
func hostPartFault(lits literals) (Code, string) {
	if lits.any(func(s string) bool { return strings.ContainsAny(s, " #/<>?@\\^|") }) {
		return NeverHolds, "no page has this: a host has no scheme, no slash and no path; write the host alone, or compare page.url or page.path"
	}
	if !lits.fold && lits.any(hasUpper) {
		return NeverHolds, "no page has this: hosts are in lower case; write it so"
	}
	return "", ""
}

func hasUpper(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) >= 0
}

var schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

func schemeFault(text string, c campaign.Comparison, lits literals) (Code, string) {
	const message = `no page has this: a scheme is in lower case and without colon and slashes; write "https"`
	if c.Op == campaign.OpEquals {
		if !schemeForm.MatchString(text) && !(c.IgnoreCase && isASCII(text, true) && schemeForm.MatchString(asciiFold(text))) {
			return NeverHolds, message
		}
		return "", ""
	}
	if lits.any(func(s string) bool { return strings.ContainsAny(s, ":/") || !lits.fold && hasUpper(s) }) {
		return NeverHolds, message
	}
	return "", ""
}

// asciiFold returns a text that is equal to s without case, in lower case and
// ASCII where there is one.
func asciiFold(s string) string { return strings.ToLower(foldKey(s)) }

const (
	noFragment = "%s has no fragment; remove it from # on, or compare page.fragment if that is meant"
	asciiHost  = "no page has this: browsers report hosts in ASCII; write the xn-- form of the host"
	noUnicode  = "no page has this: %s is percent-encoded; write it as it is copied from a browser's address bar, or compare the path, which is decoded"
	wholeURL   = `write the whole address, with https:// in front`
)

// urlFault looks at a value of page.url, which is ASCII, without fragment, and
// begins with a scheme, or with a slash if the host passes paths.
func urlFault(text string, c campaign.Comparison, lits literals) (Code, string) {
	field := string(c.Field)
	if c.Op == campaign.OpEquals {
		lits.within = []string{text}
		lits.prefix = text
	}
	switch {
	case lits.any(func(s string) bool { return strings.Contains(s, "#") }):
		return NeverHolds, "no page has this: " + fmt.Sprintf(noFragment, field)
	case lits.any(lits.namesHost):
		return NeverHolds, asciiHost
	case lits.any(func(s string) bool { return !isASCII(s, lits.fold) }):
		return NeverHolds, fmt.Sprintf(noUnicode, field)
	}
	if head := urlHead.FindString(lits.prefix); !lits.fold && hasUpper(head) {
		return NeverHolds, "no page has this: scheme and host are in lower case; write them so"
	}
	if p := lits.prefix; p != "" && p[0] != '/' {
		head, rest := p, ""
		if i := strings.IndexFunc(p, func(r rune) bool { return !isSchemeRune(r) }); i >= 0 {
			head, rest = p[:i], p[i:]
		}
		switch {
		case c.Op == campaign.OpEquals && p[0] == '?': // the slash before it is forgiven
		case rest != "" && rest[0] != ':', head == "":
			return NeverHolds, "no page has this: " + field + " begins with its scheme; " + wholeURL
		case rest == "" && strings.Contains(head, "."), strings.HasPrefix(rest, ":") && strings.Contains(head, "."):
			return UnlikelyForm, field + " begins with its scheme; " + wholeURL
		}
	}
	if c.Op == campaign.OpEquals && !isURLOfPage(text, c) {
		return NeverHolds, "no page has this: browsers show no address like it; copy it from a browser's address bar"
	}
	if lits.any(func(s string) bool { return strings.ContainsAny(s, ` "<>`) }) {
		return UnlikelyForm, field + " is percent-encoded; write %20 for a space, or compare the path, which is decoded"
	}
	if !startsURLOfPage(lits) {
		return NeverHolds, "no page has this: browsers show no address that begins like it; copy it from a browser's address bar"
	}
	return "", ""
}

// namesHost reports whether a piece of an address seems to have a host in Unicode:
// behind two slashes, or as a name with a dot before the first slash. At its end
// such a name may be that of a page.
func (lits literals) namesHost(s string) bool {
	_, host, whole := strings.Cut(s, "//")
	if !whole {
		host = s
	}
	end := strings.IndexByte(host, '/')
	if end >= 0 {
		host = host[:end]
	}
	isName := whole || strings.Contains(host, ".") && (end >= 0 || s == lits.prefix)
	return isName && !isASCII(host, lits.fold)
}

// urlHead is what of an address is in lower case.
var urlHead = regexp.MustCompile(`^(?i:https?)://[^/?]*|^[A-Za-z]+://`)

func isSchemeRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '-' || r == '.' ||
		r == 'ſ' || r == '\u212a'
}

// isURLOfPage asks whether the address is what it is read as: then a page can
// have it.
func isURLOfPage(text string, c campaign.Comparison) bool {
	if c.IgnoreCase {
		text = strings.NewReplacer("ſ", "s", "\u212a", "k").Replace(text)
	}
	c.Field = campaign.PageURL
	for _, address := range withAndWithoutSlash(campaign.PageURL, text) {
		if probe(c, campaign.PageVisit{URL: address.(string)}) {
			return true
		}
	}
	return false
}

// startsURLOfPage asks whether the beginning of an address, up to its last slash, is
// what it is read as. What follows may be a part of something else, as a dot is of
// ".well-known".
func startsURLOfPage(lits literals) bool {
	start := lits.prefix[:strings.LastIndexByte(lits.prefix, '/')+1]
	_, rest, _ := strings.Cut(start, "://")
	if rest == "" {
		return true
	}
	c := campaign.PageURL.StartsWith(start)
	c.IgnoreCase = lits.fold
	return probe(c, campaign.PageVisit{URL: start})
}

// globQuery is a query in a glob, where ? is any one character.
var globQuery = regexp.MustCompile(`\?[\w.\[\]-]+=`)

// pathFault looks at a value of page.path, by asking whether an address that is
// written with it has it as its path. Others may have: %253F is ? when decoded.
func pathFault(text string, c campaign.Comparison, lits literals) (Code, string) {
	field := string(c.Field)
	query := field[:strings.IndexByte(field, '.')] + ".query.NAME"
	ordinary := true
	whole := text
	switch c.Op {
	case campaign.OpEquals:
		ordinary = isPart(c, text, "", "")
		if text == "" {
			return "", "" // the same as "/"
		}
		lits.prefix, lits.within = text, nil
	case campaign.OpGlob:
		if globQuery.MatchString(text) {
			return UnlikelyForm, "a path has no query, and ? in a glob is any one character; compare " + query
		}
		fallthrough
	default:
		whole = strings.Join(lits.texts(), "\n")
		if lits.prefix != "" {
			ordinary = ordinary && isPart(c, lits.prefix, "", "~")
		}
		if lits.suffix != "" {
			ordinary = ordinary && isPart(c, lits.suffix, "/~", "")
		}
		for _, s := range lits.within {
			ordinary = ordinary && (s == "" || isPart(c, s, "/~", "~"))
		}
	}
	switch {
	case strings.Contains(whole, "://"):
		return UnlikelyForm, field + " has no scheme and no host; write what follows the host, or compare " + strings.Replace(field, "path", "url", 1)
	case strings.Contains(whole, "?") && !ordinary:
		return UnlikelyForm, field + " has no query; compare " + query
	case lits.prefix != "" && lits.prefix[0] != '/':
		return UnlikelyForm, "a path begins with a slash; write it with one"
	case ordinary:
		return "", ""
	case strings.Contains(whole, "#"):
		return UnlikelyForm, fmt.Sprintf(noFragment, field)
	case escape.MatchString(whole):
		return UnlikelyForm, field + decoded
	}
	return UnlikelyForm, "no ordinary page has such a path: . and .. are resolved, a backslash is a slash, and white space at the end is cut; write it as browsers show it"
}

// isPart asks whether a path that is written with the text has the text in it.
func isPart(c campaign.Comparison, text, before, after string) bool {
	want := campaign.PagePath.Equals(before + text + after)
	want.IgnoreCase = c.IgnoreCase
	return probe(want, campaign.PageVisit{URL: "https://probe.example" + before + text + after})
}

package campaign

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Curl returns a command for a POSIX shell that sends the request with curl, and
// shows the answer. It can be pasted as it stands, whatever the visit had in it.
// What it writes to the connection is what the Sender writes, byte for byte,
// with the exceptions that [Preview] has.
//
// The command holds no secret. It takes each from a variable, whose name is
// prefix and the secret's name: with the prefix that httpsender.EnvSecrets was
// given, the variables that the host has already. Where that is no name of a
// variable, what does not fit becomes _, and if another secret of the request has
// that variable, more follow. The shell refuses to run the command while a
// variable is not set, and says which.
//
// Whoever writes a campaign chooses both the names of secrets and the URL. A
// sender's resolver refuses a secret to a host that it is not for; a shell sends
// what it is told, so look at the URL before pasting. Without a prefix, a
// campaign could name any variable of whoever pastes the command. While curl
// runs, secrets and payload stand among its arguments, which other users of the
// machine may see.
func (p Preview) Curl(prefix string) string {
	// Neither a file of options nor a proxy that only curl knows of, and no
	// HTTP/2, all of which would change the request.
	c := curlCommand{
		prefix: prefix, variables: make(map[string]string),
		lines: []string{"curl --disable --include --http1.1 --noproxy '*'"},
	}
	c.url(p.URL)
	// Without a body curl means GET, with one POST.
	implied := "GET"
	if p.Body != "" || p.Method == "POST" {
		implied = "POST"
	}
	if p.Method != implied {
		c.option("--request", quote(p.Method))
	}
	for _, h := range p.Headers {
		c.reserve(h.Secret)
	}
	for _, h := range p.Headers {
		c.header(h, p.URL)
	}
	// A name with a colon and nothing else keeps curl from sending its own.
	for _, own := range []string{"Accept", "User-Agent", "Content-Type"} {
		if !p.has(own) && (own != "Content-Type" || implied == "POST") {
			c.option("--header", quote(own+":"))
		}
	}
	// Old versions ask for a go-ahead from 1 KiB on, new ones from 1 MiB.
	if len(p.Body) > 1024 {
		c.option("--header", "'Expect:'")
	}
	if implied == "POST" {
		c.body(p.Body)
	}
	return c.before + strings.Join(c.lines, " \\\n  ")
}

type curlCommand struct {
	prefix    string
	before    string            // a command that writes the body, and the pipe
	lines     []string          // each but the last is continued
	variables map[string]string // of each the secret
}

func (c *curlCommand) option(name, word string) { c.lines = append(c.lines, name+" "+word) }

func (c *curlCommand) url(raw string) {
	a, ok := addressOf(raw)
	if !ok {
		c.option("--url", quote(raw))
		return
	}
	c.option("--url", quote(a.scheme+"://"+a.host+a.target))
	if !a.plainTarget() {
		c.option("--globoff --request-target", quote(a.target))
	}
}

// plainTarget reports whether every curl sends the target as it stands in the
// URL. Some take ./ and ../ out of it or drop an empty query, and brackets ask
// for several requests.
func (a *address) plainTarget() bool {
	for i := range len(a.target) {
		if c := a.target[i]; !isAlnum(c) && strings.IndexByte("/?&=-._~%+,:;@!$'()*", c) < 0 {
			return false
		}
	}
	return strings.HasPrefix(a.target, "/") && !strings.HasSuffix(a.target, "?") &&
		!strings.Contains(a.target, "/.") && !strings.Contains(strings.ToLower(a.target), "%2e")
}

// plainHost reports whether every curl makes the same Host header of the URL.
// They leave out a port that is the scheme's own, and some write names in lower
// case, and addresses in the usual way.
func (a *address) plainHost() bool {
	host, port, _ := strings.Cut(a.host, ":")
	if strings.HasPrefix(port, "0") || a.scheme == "http" && port == "80" || a.scheme == "https" && port == "443" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String() == host
	}
	for i := range len(host) {
		if c := host[i]; !isAlnum(c) && c != '.' && c != '-' || c != lowerASCII(c) {
			return false
		}
	}
	// A last label of digits is part of an address, in one of its older forms.
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && (last[0] < '0' || last[0] > '9')
}

func (c *curlCommand) header(h Header, rawURL string) {
	switch {
	case strings.EqualFold(h.Name, "Content-Length"):
		return // curl counts
	case strings.EqualFold(h.Name, "Host"):
		if a, ok := addressOf(rawURL); ok && a.plainHost() && h.Value == a.host {
			return
		}
	}
	switch {
	case h.Secret == "" && h.Value == "":
		c.option("--header", quote(h.Name+";")) // with a colon it would not be sent
	case h.Secret == "":
		c.option("--header", quote(h.Name+": "+h.Value))
	default:
		c.option("--header", c.withSecret(h.Name+": "+h.Value, h.Secret))
	}
}

// withSecret returns a word of text and a secret.
func (c *curlCommand) withSecret(text, secret string) string {
	variable := c.variable(secret)
	reference := "${" + variable + ":?}"
	if variable != c.prefix+secret && isSecretName(secret) {
		reference = "${" + variable + ":?set it to the secret " + secret + "}"
	}
	// Between double quotes more than the obvious means something, to a shell
	// that is typed into: an exclamation mark recalls a command.
	for i := range len(text) {
		if !isAlnum(text[i]) && strings.IndexByte(" -_.:/=,;", text[i]) < 0 {
			return quote(text) + `"` + reference + `"`
		}
	}
	return `"` + text + reference + `"`
}

// reserve keeps for a secret the variable that the host has of it already, from
// one whose name is another and becomes the same.
func (c *curlCommand) reserve(secret string) {
	if name := c.prefix + secret; secret != "" && variableName(name) == name {
		c.variables[name] = secret
	}
}

// variable returns the name of the variable for a secret, another for each.
func (c *curlCommand) variable(secret string) string {
	name := variableName(c.prefix + secret)
	for {
		if other, taken := c.variables[name]; !taken || other == secret {
			c.variables[name] = secret
			return name
		}
		name += "_"
	}
}

// variableName returns s if that is the name of a variable, or one that is like
// it.
func variableName(s string) string {
	name := []byte(s)
	for i := range name {
		if !isAlnum(name[i]) {
			name[i] = '_'
		}
	}
	if len(name) == 0 || name[0] >= '0' && name[0] <= '9' {
		name = append([]byte{'_'}, name...)
	}
	return string(name)
}

// maxArgument is how long a body may be as an argument. Linux takes 128 KiB.
const maxArgument = 100_000

// maxFormat is how much of a body one printf writes: a byte can take four in its
// format. Not every shell runs printf by itself.
const maxFormat = maxArgument / 4

// body adds the body: as an argument, or, if it is too long for that or holds
// what cannot be pasted, by way of printf.
func (c *curlCommand) body(body string) {
	if len(body) <= maxArgument && unpastable(body) < 0 {
		c.option("--data-raw", quote(body))
		return
	}
	var writes []string
	for body != "" {
		n := min(len(body), maxFormat)
		for n < len(body) && n > maxFormat-utf8.UTFMax && !utf8.RuneStart(body[n]) {
			n--
		}
		writes = append(writes, "printf "+quote(printfFormat(body[:n])))
		body = body[n:]
	}
	c.before = writes[0] + " | "
	if len(writes) > 1 {
		c.before = "{ " + strings.Join(writes, "; ") + "; } | "
	}
	c.option("--data-binary", "@-")
}

// quote returns a word of the shell that stands for s. A NUL, which no word can
// hold, is lost.
func quote(s string) string {
	var b strings.Builder
	for {
		i := unpastable(s)
		if i < 0 {
			i = len(s)
		}
		if i > 0 || b.Len() == 0 {
			b.WriteString("'" + strings.ReplaceAll(s[:i], "'", `'\''`) + "'")
		}
		if s = s[i:]; s == "" {
			return b.String()
		}
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(`"$(printf '` + printfFormat(s[:n]) + `')"`)
		s = s[n:]
		if s == "" {
			return b.String()
		}
	}
}

// unpastable returns where in s the first thing is that a terminal would take for
// a key when it is pasted, or that is no text. A line break is neither: it
// stands between quotes.
func unpastable(s string) int {
	for i, r := range s {
		if unicode.IsControl(r) && r != '\n' {
			return i
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

// printfFormat returns the format of which printf makes s.
func printfFormat(s string) string {
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '%':
			b.WriteString("%%")
		case unpastable(s[i:i+n]) >= 0, i == 0 && r == '-': // in front it would be an option
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		default:
			b.WriteString(s[i : i+n])
		}
	}
	return b.String()
}

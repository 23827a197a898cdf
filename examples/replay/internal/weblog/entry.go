// Package weblog reads access logs in the Combined Log Format that Apache,
// nginx and others write:
//
//	203.0.113.7 - - [02/Mar/2026:09:14:07 +0100] "GET /shoes/ HTTP/1.1" 200 5120 "https://shop.example/" "Mozilla/5.0"
package weblog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Entry is one line of a log: a request and its answer. What the line gives
// as "-" is empty.
type Entry struct {
	Host     string    // address of the client, or its name where the server looked it up
	User     string    // name of the authenticated user
	Time     time.Time // in UTC, to the second
	Method   string    // empty if the client sent nothing
	Target   string    // the request's target as the client sent it, mostly path and query
	Protocol string    // empty if the request line has none
	Status   int       // status of the answer, 100 to 999
	Size     int64     // bytes of the answer's body; 0 if there were none
	Referrer string    // address of the page before
	Agent    string    // the client's description of itself
}

// Parse reads one line, without its line break. What comes after the user
// agent, as many servers are told to append, is not looked at. The error says
// in one short sentence why the line is no entry.
func Parse(line string) (Entry, error) {
	if strings.TrimSpace(line) == "" {
		return Entry{}, errors.New("is empty")
	}
	var e Entry
	rest, err := e.parseClient(line)
	if err != nil {
		return Entry{}, err
	}
	request, rest, err := quoted(rest, "request")
	if err != nil {
		return Entry{}, err
	}
	e.Method, e.Target, e.Protocol = splitRequest(request)
	if rest, err = e.parseAnswer(rest); err != nil {
		return Entry{}, err
	}
	if e.Referrer, rest, err = quoted(rest, "referrer"); err != nil {
		return Entry{}, err
	}
	if e.Agent, _, err = quoted(rest, "user agent"); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// parseClient reads the client, the user and the time, and returns what comes after them.
func (e *Entry) parseClient(line string) (rest string, err error) {
	host, rest, _ := strings.Cut(line, " ")
	if host == "" || host == "-" || strings.ContainsFunc(host, notGraphic) {
		return "", errors.New("does not begin with the client's address")
	}
	ident, rest, _ := strings.Cut(rest, " ")
	user, rest, err := e.parseTime(rest)
	if err != nil {
		return "", err
	}
	// A user's name may have spaces. With something in the second field too
	// it is more likely that the whole line is shifted: that the first field
	// is the virtual host, and every visitor would be the same.
	if ident == "" || user == "" || ident != "-" && strings.Contains(user, " ") {
		return "", errors.New("does not have the three fields address, identity and user before the time")
	}
	e.Host = host
	if user != "-" && user != `""` { // Apache writes "" for a name that is empty
		e.User = unescape(user)
	}
	return rest, nil
}

// notGraphic reports what cannot stand in an address or a name of a client.
func notGraphic(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }

// timeLayout is as long as every time that it reads.
const timeLayout = "02/Jan/2006:15:04:05 -0700"

// parseTime reads the user and the time in brackets, and returns what comes
// after them. It looks for the end of the time, because a user's name may hold
// brackets and spaces; quotes in it are escaped.
func (e *Entry) parseTime(s string) (user, rest string, err error) {
	end := strings.Index(s, `] "`)
	start := end - len(timeLayout)
	if end < 0 || start < 2 || s[start-2:start] != " [" {
		return "", "", errors.New("has no time such as [02/Mar/2026:09:14:07 +0100] before the request")
	}
	at, err := time.Parse(timeLayout, s[start:end])
	if err != nil {
		return "", "", fmt.Errorf("has a time that does not exist: %q", s[start:end])
	}
	e.Time = at.UTC()
	return s[:start-2], s[end+2:], nil
}

// parseAnswer reads the status and the size.
func (e *Entry) parseAnswer(s string) (rest string, err error) {
	status, rest, _ := strings.Cut(s, " ")
	if e.Status, err = strconv.Atoi(status); err != nil || len(status) != 3 || e.Status < 100 {
		return "", errors.New("has no status of three digits after the request")
	}
	size, rest, _ := strings.Cut(rest, " ")
	if size == "-" {
		return rest, nil
	}
	// ParseUint takes no sign.
	n, err := strconv.ParseUint(size, 10, 63)
	if err != nil {
		return "", errors.New("has no size after the status")
	}
	e.Size = int64(n)
	return rest, nil
}

// quoted reads a field in quotes and the space after it.
func quoted(s, field string) (value, rest string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("ends before the %s", field)
	}
	if s[0] != '"' {
		return "", "", fmt.Errorf("has no quote before the %s", field)
	}
	end, escaped := 1, false
	for ; end < len(s) && s[end] != '"'; end++ {
		if s[end] == '\\' {
			escaped = true
			end++ // whatever comes next is not the end
		}
	}
	if end >= len(s) {
		return "", "", fmt.Errorf("ends within the %s", field)
	}
	value, rest = s[1:end], s[end+1:]
	if rest != "" && rest[0] != ' ' {
		return "", "", fmt.Errorf("has a quote within the %s", field)
	}
	if escaped {
		value = unescape(value)
	}
	if value == "-" {
		value = ""
	}
	return value, strings.TrimPrefix(rest, " "), nil
}

// simpleEscapes are the characters that Apache writes with a letter.
var simpleEscapes = map[byte]byte{
	'"': '"', '\\': '\\', 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'f': '\f', 'a': '\a',
}

// unescape undoes the escapes of Apache and nginx. A backslash before anything
// else stands for itself: older servers did not escape.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if c, ok := simpleEscapes[s[i+1]]; ok {
			b = append(b, c)
			i++
			continue
		}
		if s[i+1] == 'x' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		b = append(b, '\\')
	}
	return string(b)
}

// splitRequest takes a request line apart. Whatever the client sent is a
// request line; what is not HTTP has an odd method.
func splitRequest(line string) (method, target, protocol string) {
	method, target, _ = strings.Cut(line, " ")
	target = strings.Trim(target, " ")
	if i := strings.LastIndexByte(target, ' '); strings.HasPrefix(target[i+1:], "HTTP/") {
		target, protocol = strings.Trim(target[:max(i, 0)], " "), target[i+1:]
	}
	return method, target, protocol
}

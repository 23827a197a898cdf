package campaign

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors that callers test for with [errors.Is].
var (
	// ErrClosed is returned by an [Engine] that has been closed.
	ErrClosed = errors.New("campaign: engine is closed")

	// ErrUnknownCampaign is the cause of the error that [Engine.Test] returns for
	// an ID that is not loaded.
	ErrUnknownCampaign = errors.New("campaign: no campaign with this ID is loaded")

	// ErrMissingField is the cause of a [RenderError] for a required payload
	// field that the visit does not carry.
	ErrMissingField = errors.New("is required and missing")
)

// A Fault is one thing that is wrong with a definition or a visit.
type Fault struct {
	// Pointer is the JSON Pointer (RFC 6901) of the place in the JSON form,
	// such as /nodes/1/headers/0/name. It is the same for a definition
	// written in Go. The empty pointer is the whole document.
	Pointer string

	// Message says what is wrong there and what would be right.
	Message string

	// Campaign is the ID of the campaign, if it has one and is one of several.
	// It is empty for a fault in JSON that kept the campaign from being read.
	Campaign string
}

// String returns the pointer and the message, separated by a colon, and names
// the campaign after it, if it is one of several.
func (f Fault) String() string {
	s := f.Pointer + ": " + f.Message
	if f.Pointer == "" {
		s = "the document " + f.Message
	}
	if f.Campaign != "" {
		s += " (campaign " + shorten(f.Campaign) + ")"
	}
	return s
}

// ValidationError reports that a definition or a visit cannot be used. It lists
// every fault that was found, or the first thousand of them and one that says that
// there are more, and nothing has been changed or started.
type ValidationError struct {
	Faults []Fault // never empty
}

// Error lists all faults, one a line if there are several.
func (e *ValidationError) Error() string {
	if len(e.Faults) == 1 {
		return "campaign: " + e.Faults[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "campaign: %d faults:", len(e.Faults))
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
	}
	return b.String()
}

// A RenderError says why a webhook could not be rendered for a visit. It names
// the place in the definition and never shows a value, which may be personal.
type RenderError struct {
	Pointer string // JSON Pointer into the campaign, such as /nodes/1/payload/2
	Field   Field  // the field that the value came from; empty for a static one
	Err     error  // the cause: [ErrMissingField], or what is wrong with the value
}

// Error returns the place, the field and the cause.
func (e *RenderError) Error() string {
	if e.Field == "" {
		return "campaign: " + e.Pointer + ": " + e.Err.Error()
	}
	return "campaign: " + e.Pointer + ": " + string(e.Field) + " " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RenderError) Unwrap() error { return e.Err }

// faults collects what is wrong with one document.
type faults []Fault

// maxFaults is how many faults are told. A visit that comes from a browser may have
// very many, and its error ends in a log.
const maxFaults = 1000

func (fs *faults) add(p pointer, format string, args ...any) {
	if len(*fs) > maxFaults {
		return
	}
	*fs = append(*fs, Fault{Pointer: p.String(), Message: fmt.Sprintf(format, args...)})
}

func (fs faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	if len(fs) > maxFaults {
		fs = fs[:maxFaults+1]
		fs[maxFaults].Message = "has another fault, and there may be more; correct those before it first"
	}
	return &ValidationError{Faults: fs}
}

// move makes the faults of a document those of one that stands at p.
func (fs faults) move(p pointer) {
	for i := range fs {
		fs[i].Pointer = p.String() + fs[i].Pointer
	}
}

// shorten quotes a word of a definition for a fault. Something long in the place
// of a word is not a slip, and may be something that was never meant to be shown.
func shorten(word string) string {
	const most = 40
	runes := []rune(word)
	if len(runes) <= most {
		return strconv.Quote(word)
	}
	return strconv.Quote(string(runes[:most])) + "…"
}

// pointer is a JSON Pointer under construction: a place inside a parent. As a
// linked list on the stack it costs nothing until a fault is reported, which is
// rare. That holds as long as no part of it flows to the heap, and the compiler
// does not tell the parts apart: so String copies every token, and what is
// formatted is its text and never the pointer.
type pointer struct {
	parent *pointer
	token  string
	number int // the token, if it has no text: text for every index is work for nothing
}

func (p pointer) key(k string) pointer { return pointer{parent: &p, token: k, number: noNumber} }

func (p pointer) index(i int) pointer { return pointer{parent: &p, number: i} }

const noNumber = -1

func (p pointer) String() string { return string(p.append(nil)) }

func (p *pointer) append(dst []byte) []byte {
	if p.parent == nil {
		return dst // the root
	}
	dst = append(p.parent.append(dst), '/')
	if p.number != noNumber {
		return strconv.AppendInt(dst, int64(p.number), 10)
	}
	for i := range len(p.token) { // by hand: a strings.Replacer may return its argument
		switch c := p.token[i]; c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The calls into the host's own code. A panic there becomes an error, which
// counts as uncertain: nobody knows how far the code had come. That is counted,
// and so is the end of the goroutine, which no error can tell of.

func (e *Engine) trackerEnter(ctx context.Context, entry Entry) (until time.Time, entered bool, err error) {
	returned := false
	defer e.recovered("Tracker.Enter", &returned, &err)
	until, entered, err = e.tracker.Enter(ctx, entry)
	tryError(err)
	returned = true
	return until, entered, err
}

func (e *Engine) trackerReopen(ctx context.Context, entry Entry, until time.Time) (err error) {
	returned := false
	defer e.recovered("Tracker.Reopen", &returned, &err)
	err = e.tracker.Reopen(ctx, entry, until)
	tryError(err)
	returned = true
	return err
}

// peek returns the end of the cooldown that holds a visit back, if the Tracker
// can say so. What goes wrong here goes wrong again in Enter, and is told there.
func (e *Engine) peek(campaign string, visit *PageVisit) (until time.Time, closed bool) {
	until, closed, _ = e.until(campaign, visit)
	return until, closed
}

// until is peek for those who have to know whether there is no cooldown, or
// nobody can say.
func (e *Engine) until(campaign string, visit *PageVisit) (until time.Time, closed bool, err error) {
	reader, ok := e.tracker.(CooldownReader)
	if !ok {
		return time.Time{}, false, errNoReader
	}
	returned := false
	defer e.recovered("CooldownReader.Until", &returned, &err)
	until, closed = reader.Until(campaign, visit.Profile.ID, visit.Time)
	returned = true
	return until, closed, nil
}

var errNoReader = errors.New("campaign: the Tracker cannot be read (it has no Until method, see CooldownReader)")

func (e *Engine) askSource(ctx context.Context, id string) (fields map[string]any, err error) {
	returned := false
	defer e.recovered("ProfileSource.Profile", &returned, &err)
	profile, err := e.profiles.Profile(ctx, id)
	tryError(err)
	returned = true
	if err != nil {
		return nil, err
	}
	return profile.Fields, nil
}

func (e *Engine) render(r *run, v *view) (err error) {
	returned := false
	defer e.recovered("a value of the visit", &returned, &err)
	r.room[0].Headers = r.headers[:0]
	r.requests, err = r.prog.render(r.room[:], &r.result.id, v, r.test)
	returned = true
	return err
}

// detach makes the visit independent of what the caller does with it next.
func (e *Engine) detach(visit *PageVisit) (err error) {
	returned := false
	defer e.recovered("a value of the visit", &returned, &err)
	c := newCopier()
	visit.Item.Fields = c.fields(visit.Item.Fields)
	visit.Profile.Fields = c.fields(visit.Profile.Fields)
	visit.Data = c.fields(visit.Data)
	returned = true
	return nil
}

func (e *Engine) send(ctx context.Context, r *Request) (response *Response, err error) {
	returned := false
	defer e.recovered("Sender.Send", &returned, &err)
	response, err = e.sender.Send(ctx, r)
	tryError(err)
	returned = true
	if err != nil || response == nil || response.Status == 0 {
		return response, err
	}
	// A sender that passes an answer through without looking at its status
	// has delivered only if that says so.
	verdict, ok := VerdictForStatus(response.Status)
	if ok {
		return response, nil
	}
	return nil, &DeliveryError{
		Verdict:  verdict,
		Endpoint: r.Endpoint(),
		Status:   response.Status,
		Attempts: max(1, response.Attempts),
	}
}

// tryError asks an error of the host's all that it will be asked later on, where a
// panic does no harm: its methods are the host's code too, and panic if it is a
// nil pointer that was returned as an error by mistake.
func tryError(err error) {
	if err == nil {
		return
	}
	_ = err.Error()
	for _, target := range [...]error{ErrClosed, errSourceExited} {
		_ = errors.Is(err, target) // goes through all that it wraps
	}
	_ = knownCause(err)
	_, _ = verdictOf(err), attemptsOf(err)
	_, _ = errors.AsType[*panicError](err)
}

// recovered turns a panic into an error. It tells the type of the value that was
// passed to panic, never the value, which may hold anything. A call that neither
// panicked nor returned has ended the goroutine (runtime.Goexit): nothing of the
// engine's comes after it but deferred functions, and they know that.
func (e *Engine) recovered(where string, returned *bool, err *error) {
	value := recover()
	if value == nil && *returned {
		return
	}
	e.stats.panics.Add(1)
	if value == nil {
		return
	}
	*err = &panicError{where: where, what: panicText(value), stack: stackHead()}
}

// panicText returns the text of an error of the runtime itself, which shows types
// and numbers, and of any other value the type. [runtime.Error] alone does not
// tell the two apart: the host's types may have its method, a text that holds
// anything, and an Error that panics where nobody recovers.
func panicText(value any) string {
	if fault, ok := value.(runtime.Error); ok && isOfRuntime(reflect.TypeOf(value)) {
		return fault.Error()
	}
	return fmt.Sprintf("a value of type %T", value)
}

func isOfRuntime(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "runtime" || strings.HasPrefix(t.PkgPath(), "internal/runtime/")
}

// A panicError tells of a panic in the host's code.
type panicError struct{ where, what, stack string }

func (e *panicError) Error() string {
	return fmt.Sprintf("campaign: panic in %s with %s, at %s", e.where, e.what, e.stack)
}

// stackHead names the functions nearest to a panic, without their arguments.
func stackHead() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var head []string
	for more := true; more && len(head) < 3; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "" || strings.HasPrefix(f.Function, "runtime.") {
			continue
		}
		head = append(head, fmt.Sprintf("%s (line %d)", f.Function, f.Line))
	}
	return strings.Join(head, ", ")
}

// A stepError says in which step of a run an error came up.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.around(e.err.Error()) }
func (e *stepError) Unwrap() error { return e.err }

// around puts the step before the text of the error. Where that is one of this
// package's it begins with the package's name already, which is said once.
func (e *stepError) around(text string) string {
	return "campaign: " + e.step + ": " + strings.TrimPrefix(text, "campaign: ")
}

// An errorPair is two errors that are both true.
type errorPair struct{ first, second error }

func (e *errorPair) Error() string   { return e.around(e.first.Error(), e.second.Error()) }
func (e *errorPair) Unwrap() []error { return []error{e.first, e.second} }

// around puts the texts of the two together, with the package's name said once.
func (e *errorPair) around(first, second string) string {
	if strings.HasPrefix(first, "campaign: ") {
		second = strings.TrimPrefix(second, "campaign: ")
	}
	return first + "; " + second
}

// loggable returns the text of an error as far as it may be logged: that of this
// package's own errors, whose makers keep secrets and personal data out, and
// of others the type, and the cause if it is one whose text is always the same.
func loggable(err error) string {
	switch x := err.(type) {
	case *stepError:
		return x.around(loggable(x.err))
	case *errorPair:
		return x.around(loggable(x.first), loggable(x.second))
	case *DeliveryError, *RenderError, *ValidationError, *panicError:
		return err.Error()
	}
	if slices.Contains([]error{ErrClosed, errExited, errSourceExited, errLengthen, errOutOfTime, context.Canceled, context.DeadlineExceeded}, err) {
		return err.Error()
	}
	if de, ok := errors.AsType[*DeliveryError](err); ok {
		return de.Error()
	}
	return fmt.Sprintf("an error of type %T%s, whose text is not for logs; it is in Outcome.Err", err, knownCause(err))
}

// knownCauses are errors of the standard library that hosts' errors often wrap. What
// their texts say is not the host's.
var knownCauses = [...]error{
	context.DeadlineExceeded, context.Canceled, os.ErrDeadlineExceeded, os.ErrNotExist, os.ErrPermission, io.EOF, io.ErrUnexpectedEOF,
}

// knownCause returns the text of what is known of an error's causes, in parentheses, or
// "". Those of the system come first: they say more.
func knownCause(err error) string {
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if reflect.TypeOf(cause).PkgPath() == "syscall" { // a syscall.Errno, which not all systems have
			return " (" + cause.Error() + ")"
		}
	}
	for _, known := range knownCauses {
		if errors.Is(err, known) {
			return " (" + known.Error() + ")"
		}
	}
	return ""
}

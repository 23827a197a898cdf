package campaign

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/singleflight"
)

// A ProfileSource loads profiles for an [Engine]: from a database, another
// service, a cache. The engine asks when a page has met a condition, as far as
// the visit can tell, and the condition or a payload refers to fields of the
// profile that the visit does not carry; never for a visit that is not in the
// audience, or whose Profile is Complete. For one visit it asks at most once, and
// for visits of one profile at the same time once for all of them. A visit that
// shares another's question asks itself if that one times out first.
//
// Only the Fields of what it returns are used. A field that the visit carries
// wins, even if it is null. Whether the profile is known, and by which ID, is
// for the visit to say. The engine does not change what it gets; the host must
// not either, as long as runs may read it. A profile that the source does not
// know is the zero Profile and no error.
//
// An error, a panic, or the end of its goroutine (runtime.Goexit) fails the
// campaigns that needed the answer: nothing is sent, and no cooldown begins.
//
// Profile is called from goroutines of the engine's own, several at the same
// time. Its context has the values of the first visit's that asked, and ends
// after [EngineOptions.RunTimeout], not with that visit; Profile must return
// soon after.
type ProfileSource interface {
	Profile(ctx context.Context, id string) (Profile, error)
}

// ProfileSourceFunc is a function used as a [ProfileSource].
type ProfileSourceFunc func(ctx context.Context, id string) (Profile, error)

// Profile calls f(ctx, id).
func (f ProfileSourceFunc) Profile(ctx context.Context, id string) (Profile, error) {
	return f(ctx, id)
}

// truth is what is known of a condition before the profile is loaded. The
// values are in the order that makes all the least of its parts, any the
// greatest, and not what is left to yes.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

// evalOpen is eval for a visit whose profile can still be loaded: a comparison
// with a field of it that the visit does not carry is unknown.
func (t *conditionProgram) evalOpen(v *view) truth {
	switch t.kind {
	case conditionCompare:
		switch {
		case t.cmp.field.isLoaded() && v.lacks(t.cmp.field.name):
			return unknown
		case t.cmp.eval(v):
			return yes
		}
		return no
	case conditionAll:
		least := yes
		for i := range t.subs {
			if least = min(least, t.subs[i].evalOpen(v)); least == no {
				break
			}
		}
		return least
	case conditionAny:
		most := no
		for i := range t.subs {
			if most = max(most, t.subs[i].evalOpen(v)); most == yes {
				break
			}
		}
		return most
	default:
		return yes - t.subs[0].evalOpen(v)
	}
}

// isLoaded reports whether a ProfileSource can know the field. The profile's ID
// is the visit's, under both its names.
func (f fieldRef) isLoaded() bool {
	return f.kind == fieldProfile && f.name != "id" && f.name != "profileid"
}

// lacks reports whether the visit does not carry a field of the profile that a source
// may know.
func (v *view) lacks(name string) bool {
	if v.visit.Profile.Complete {
		return false
	}
	_, ok := v.profileField(name)
	return !ok
}

// findProfileFields notes what the campaign may need of a profile.
func (prog *program) findProfileFields() {
	prog.asks = prog.when.asks()
	for _, hook := range prog.webhooks {
		for _, leaf := range hook.payload.leaves {
			if leaf.from.isLoaded() {
				prog.sends = append(prog.sends, leaf.from)
			}
		}
	}
}

func (t *conditionProgram) asks() bool {
	if t.kind == conditionCompare {
		return t.cmp.field.isLoaded()
	}
	for i := range t.subs {
		if t.subs[i].asks() {
			return true
		}
	}
	return false
}

// mayHold reports whether the condition can hold once the profile is loaded.
func (prog *program) mayHold(v *view) bool {
	return prog.audience.admits(&v.visit.Profile) && prog.when.evalOpen(v) != no
}

// needsProfile reports whether the profile has to be loaded before the campaign
// can start. There is no source if asks and sends are empty.
func (prog *program) needsProfile(v *view) bool {
	if v.visit.Profile.ID == "" {
		return false
	}
	if prog.asks && prog.when.evalOpen(v) == unknown {
		return true
	}
	for _, f := range prog.sends {
		if v.lacks(f.name) {
			return true
		}
	}
	return false
}

// An openVisit is a visit that cannot be decided before its profile is loaded.
// The runs of all campaigns that wait for that share it.
type openVisit struct {
	view view // copied by each run: views remember

	mu     sync.Mutex
	loaded chan struct{} // closed when the answer is there; nil before anybody asked
	fields map[string]any
	err    error
}

// load returns the fields of the profile, for which the first run that comes asks.
// Each waits as long as its own context says: the end of one is not the answer.
func (o *openVisit) load(e *Engine, ctx context.Context) (map[string]any, error) {
	o.mu.Lock()
	if o.loaded == nil {
		o.loaded = make(chan struct{})
		e.loadProfile(ctx, o)
	}
	o.mu.Unlock()
	select {
	case <-o.loaded:
		if err := ctx.Err(); err != nil && o.err != nil {
			return nil, err // the run is over, and what the source says may be no more than that
		}
		return o.fields, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loadProfile asks the source, or waits for the answer that another visit of
// the profile has asked for. It returns at once, and closes o.loaded when the answer
// is there.
func (e *Engine) loadProfile(ctx context.Context, o *openVisit) {
	// Counted here and until the answer, and not by the goroutine that asks:
	// ctx may end before that one has run at all, and Close would miss it.
	e.track()
	id := o.view.visit.Profile.ID
	ask := func() <-chan singleflight.Result {
		return e.flights.DoChan(id, func() (any, error) { return e.fetch(ctx, id) })
	}
	answer := ask()
	go func() {
		defer e.untrack()
		a := <-answer
		loaded := a.Val.(loadedProfile)
		// Where the time of the visit that has asked is over, and not that of this one. The
		// time of an own question is over no sooner.
		for loaded.over && ctx.Err() == nil {
			a = <-ask()
			loaded = a.Val.(loadedProfile)
		}
		o.fields, o.err = loaded.fields, a.Err
		close(o.loaded)
	}()
}

// fetch asks the source. The source has a goroutine of its own: if it ended the
// one of singleflight, all who wait would wait for ever; and if it does not
// return in time, the next visit asks anew.
func (e *Engine) fetch(ctx context.Context, id string) (loadedProfile, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.runTimeout)
	defer cancel()
	defer context.AfterFunc(e.base, cancel)()
	var fields map[string]any
	err := errSourceExited
	done := make(chan struct{})
	e.track()
	go func() {
		defer e.untrack()
		defer close(done)
		if e.base.Err() != nil {
			err = ErrClosed // nobody waits any more, and Close may have returned
			return
		}
		fields, err = e.askSource(ctx, id)
	}()
	select {
	case <-done:
		return loadedProfile{fields, err != nil && ctx.Err() == context.DeadlineExceeded}, err
	case <-ctx.Done():
		return loadedProfile{over: ctx.Err() == context.DeadlineExceeded}, ctx.Err()
	}
}

// A loadedProfile is what a flight brings. over says that its time was over first: then
// the answer is not the source's, which may well have a time limit of its own.
type loadedProfile struct {
	fields map[string]any
	over   bool
}

var errSourceExited = errors.New("the ProfileSource ended its goroutine (runtime.Goexit) before it returned")

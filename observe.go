package campaign

import (
	"context"
	"log/slog"
	"slices"
)

// An Observer is told of the outcomes of an [Engine], those of [Engine.Visit],
// [Engine.Enqueue] and [Engine.Test] alike. A run that was queued is told
// twice: with the status [Queued], and with how it ended; never more often, and
// in this order.
//
// Observe is called on the goroutine that has the outcome: that of the caller of
// Visit, Enqueue or Test, or one of the engine's own. Several calls may run at
// once. It should be quick, because what calls it waits: one that writes into a
// channel needs a reader, or a way out, also while the host shuts down. Once
// the context of [Engine.Close] is done, Close gives up on a call that takes
// more than a second. Observe may call the engine, except for Close. Its ctx has
// the values of the context that came with the visit; told how a queued run ended,
// it is not done when the visit's is.
//
// A panic in Observe is joined to the Err of the outcome that the caller gets,
// and counted in [Stats.Panics]. It changes nothing else. The end of its goroutine
// (runtime.Goexit) is counted there, too.
type Observer interface {
	Observe(ctx context.Context, o Outcome)
}

// ObserverFunc is a function used as an [Observer].
type ObserverFunc func(ctx context.Context, o Outcome)

// Observe calls f(ctx, o).
func (f ObserverFunc) Observe(ctx context.Context, o Outcome) { f(ctx, o) }

// report tells of an outcome: first it is counted, then logged, then observed,
// even if the Logger ends the goroutine.
func (e *Engine) report(ctx context.Context, out *Outcome) {
	e.stats.count(out)
	if e.observer != nil {
		defer e.observe(ctx, out)
	}
	if e.logger == nil {
		return
	}
	if err := e.log(ctx, out); err != nil {
		out.join(err)
	}
}

// tells reports whether host code hears of outcomes, and may take its time.
func (e *Engine) tells() bool { return e.observer != nil || e.logger != nil }

func (e *Engine) observe(ctx context.Context, out *Outcome) {
	if err := e.callObserver(ctx, out); err != nil {
		out.join(err)
	}
}

func (e *Engine) callObserver(ctx context.Context, out *Outcome) (err error) {
	returned := false
	defer e.recovered("Observer.Observe", &returned, &err)
	told := *out
	told.Deliveries = slices.Clone(out.Deliveries) // the caller has these
	e.observer.Observe(ctx, told)
	returned = true
	return nil
}

func (e *Engine) log(ctx context.Context, out *Outcome) (err error) {
	returned := false
	defer e.recovered("the Logger", &returned, &err)
	e.callLogger(ctx, out)
	returned = true
	return nil
}

func (e *Engine) callLogger(ctx context.Context, out *Outcome) {
	level := out.Status.level()
	if !e.logger.Enabled(ctx, level) {
		return
	}
	profile := out.Profile
	if e.mask != nil && profile != "" {
		profile = e.mask(profile)
	}
	e.logger.LogAttrs(ctx, level, "campaign outcome", out.attrs(profile)...)
}

// level is how loudly an outcome is logged.
func (s Status) level() slog.Level {
	switch s {
	case Failed, Refused:
		return slog.LevelWarn
	case Delivered:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

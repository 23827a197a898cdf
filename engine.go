package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// An Engine runs campaigns: visits go in, webhooks go out. Make one with
// [NewEngine]. All its methods may be called at the same time, and from the
// host's own code that the engine calls, except that [Engine.Close] there would
// wait for itself.
//
// The engine in turn calls the host's code from several goroutines at the same
// time, and holds no lock while it does. The Tracker is called, and the
// Observer and the Logger are told, on the goroutine that decides or that
// executes the run: for [Engine.Visit] and [Engine.Test] that of the caller, or
// one of several beside it if the visit starts several campaigns; for
// [Engine.Enqueue] that of the caller up to the outcome that it returns, and a
// worker's from there on; for runs that Close ends, one of the engine's own. The
// Sender is called on the goroutine that executes the run, one webhook of a run
// after the other. A ProfileSource is always called on a goroutine of its own,
// and so is the Tracker's Reopen by a decision whose context can end.
//
// A panic in any of them, or in the methods of an error that they return, is an
// outcome that names the place, without the value that was passed to panic.
type Engine struct {
	sender   Sender
	tracker  Tracker
	profiles ProfileSource
	observer Observer
	logger   *slog.Logger
	mask     func(string) string

	runTimeout time.Duration
	queueSize  int
	maxWorkers int

	set     atomic.Pointer[campaignSet] // never nil
	origins originMemory
	closed  atomic.Bool // set under mu; read without it where a late answer does no harm

	// stopped says that the context of Close is over: nothing more begins, and
	// nothing more is sent. It is set under mu, too.
	stopped atomic.Bool
	cut     atomic.Bool // that has kept a visit from starting a campaign

	base       context.Context // ends when Close has no use for what still runs
	cancelBase context.CancelCauseFunc
	gone       chan struct{} // closed when, after Close, nothing of the engine is left
	reporting  chan struct{} // has room for the one call of Close that reports

	// Above stands what every visit reads, and below what those that match write:
	// in one cache line, each match would cost all others a wait.
	flights singleflight.Group // profiles that are being loaded, by ID
	stats   counters
	calls   atomic.Int64 // Visit, Enqueue and Test that are deciding or running

	mu         sync.Mutex
	goroutines int     // that the engine has started, apart from those of Visit, which waits for them
	runs       runList // all that were taken and are not finished, queued ones too
	queue      queue
	late       []*run // that came when nothing more is sent
	finished   bool   // closed, and no call and no run is left
}

// EngineOptions are the options of an [Engine]. The zero value is useful.
type EngineOptions struct {
	// Tracker keeps the cooldowns. Nil means a new [MemoryTracker]. Engines
	// that serve the same profiles share one.
	Tracker Tracker

	// Profiles loads what a campaign needs to know of a profile and the visit
	// does not carry. Nil means that visits carry all there is.
	Profiles ProfileSource

	// Observer is told of every outcome. Nil means nobody is.
	Observer Observer

	// Logger gets one record for every outcome: failures and refusals as
	// warnings, deliveries as information, all else for debugging. It holds no
	// personal data but the profile ID. Nil means no logs.
	Logger *slog.Logger

	// MaskProfile turns a profile ID into what the Logger gets in its place.
	// Nil means the ID itself. It may be called several times at once.
	MaskProfile func(id string) string

	// RunTimeout bounds each run, from when its turn comes to the answer of its last
	// webhook. It does not count the time in the queue, nor that of deciding, with
	// [Tracker] Enter: the visit's context bounds that. (A Visit that starts a single
	// campaign, with a MemoryTracker, is decided in no time; there it does count. And a
	// run that waits for a ProfileSource is decided in its own time.) Zero means one
	// minute.
	RunTimeout time.Duration

	// QueueSize is how many runs of [Engine.Enqueue] may wait for a worker. A
	// run beyond that is refused. Those of one campaign whose endpoint is slow
	// may fill it. Zero means 1024.
	QueueSize int

	// Workers is how many queued runs go on at the same time. While others are
	// loaded, or have runs in the queue or under way, no campaign gets more than
	// three quarters of those that the others leave it, of 16 that is 12, and always
	// one: so choose more than one. The goroutines start when they are needed and stay
	// until Close. Zero means 16.
	Workers int
}

const (
	defaultRunTimeout = time.Minute
	defaultQueueSize  = 1024
	defaultWorkers    = 16
)

// NewEngine returns an engine without campaigns that delivers through sender.
// The options are copied; nil means the zero value. It fails without a sender,
// for an option that holds a nil pointer or a nil function, and for a size or a
// time below zero.
func NewEngine(sender Sender, options *EngineOptions) (*Engine, error) {
	var o EngineOptions
	if options != nil {
		o = *options
	}
	if err := refuseNil(sender, &o); err != nil {
		return nil, err
	}
	if err := refuseNegative(&o); err != nil {
		return nil, err
	}
	if o.Tracker == nil {
		o.Tracker = new(MemoryTracker)
	}
	e := &Engine{
		sender:     sender,
		tracker:    o.Tracker,
		profiles:   o.Profiles,
		observer:   o.Observer,
		logger:     o.Logger,
		mask:       o.MaskProfile,
		runTimeout: cmp.Or(o.RunTimeout, defaultRunTimeout),
		queueSize:  cmp.Or(o.QueueSize, defaultQueueSize),
		maxWorkers: cmp.Or(o.Workers, defaultWorkers),
		gone:       make(chan struct{}),
		reporting:  make(chan struct{}, 1),
	}
	e.base, e.cancelBase = context.WithCancelCause(context.Background())
	e.set.Store(newCampaignSet(nil))
	return e, nil
}

// refuseNil refuses what would panic at the first visit that needs it: no Sender,
// and a nil pointer or a nil function behind an interface, which looks like one
// that is set.
func refuseNil(sender Sender, o *EngineOptions) error {
	const cure = "use httpsender.Sender, or campaigntest.Recorder in tests"
	if sender == nil {
		return errors.New("campaign: NewEngine needs a Sender; " + cure)
	}
	if isNil(sender) {
		return fmt.Errorf("campaign: NewEngine needs a Sender, and was passed a nil %T; %s", sender, cure)
	}
	for _, option := range []struct {
		name  string
		value any
	}{{"Tracker", o.Tracker}, {"Profiles", o.Profiles}, {"Observer", o.Observer}} {
		if isNil(option.value) {
			return fmt.Errorf("campaign: NewEngine: EngineOptions.%s holds a nil %T; leave the field nil, or set it to one that is not", option.name, option.value)
		}
	}
	return nil
}

// refuseNegative refuses sizes and times below zero, all in one error.
func refuseNegative(o *EngineOptions) error {
	var wrong []string
	if o.RunTimeout < 0 {
		wrong = append(wrong, "RunTimeout is "+o.RunTimeout.String())
	}
	if o.QueueSize < 0 {
		wrong = append(wrong, "QueueSize is "+strconv.Itoa(o.QueueSize))
	}
	if o.Workers < 0 {
		wrong = append(wrong, "Workers is "+strconv.Itoa(o.Workers))
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("campaign: NewEngine: in EngineOptions %s; set a value above zero, or leave the field zero for the usual one", strings.Join(wrong, ", "))
}

// isNil reports whether v holds a nil pointer or a nil function. Nil maps and
// slices may well have methods that work.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}

// Load replaces the campaigns that are loaded with these, all of them, in one step:
// each visit sees the old set or the new one. It checks them first. Cooldowns
// stay, by campaign ID. Runs that are under way or queued end by the definition
// that they began with. The engine keeps nothing of what was passed.
//
// The error is a [*ValidationError] that lists all faults of all campaigns;
// then nothing has changed. After Close it is [ErrClosed].
func (e *Engine) Load(campaigns ...Campaign) error {
	if e.closed.Load() {
		return ErrClosed
	}
	programs, err := compileAll(campaigns)
	if err != nil {
		return err
	}
	for _, prog := range programs {
		prog.detach()
		if e.profiles != nil {
			prog.findProfileFields()
		}
	}
	set := newCampaignSet(programs)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return ErrClosed
	}
	e.set.Store(set)
	e.dispatch() // a campaign that is alone now may have all workers
	return nil
}

// Campaigns returns the campaigns that are loaded, in the order in which they
// were loaded, paused ones too. The caller may change what it gets.
func (e *Engine) Campaigns() Campaigns {
	set := e.set.Load()
	cs := make(Campaigns, len(set.programs))
	for i, prog := range set.programs {
		cs[i] = prog.definition()
	}
	return cs
}

// Visit decides what the visit starts, delivers it, and waits for that. It
// returns one outcome for each campaign whose condition the visit met, in the
// order in which they were loaded, or nil if there is none. Campaigns run at the
// same time, up to 16 of them, and the others as soon as one of these has ended;
// the webhooks of one go out in order. ctx bounds all of it, and
// [EngineOptions.RunTimeout] each run, from when its turn comes.
//
// A failed delivery is an outcome, not an error. The error is a
// [*ValidationError] for a visit that cannot be used, [ErrClosed], or ctx's
// error if ctx was done before anything began; then nothing was started.
func (e *Engine) Visit(ctx context.Context, visit PageVisit) ([]Outcome, error) {
	var v view
	v.visit = visit // view{visit: visit} would be made elsewhere first, and copied
	set, hits, err := e.match(&v)
	if len(hits) == 0 {
		return nil, err
	}
	return e.decide(ctx, &v, set, hits, false)
}

// Enqueue decides what the visit starts, as [Engine.Visit] does, and returns at
// once: the runs wait in a queue for workers, which deliver them. It is for the
// path of a request that must not wait for an endpoint. The outcomes are
// [Queued], or [Refused] if the queue is full, or what they are for Visit if
// the run ended before its first webhook. How a queued run ends, the Observer,
// the Logger and Stats are told.
//
// ctx bounds the decision, in which a Tracker over a network is asked once for each
// campaign that matched. A queued run keeps its values and goes on when it is
// done, bounded by [EngineOptions.RunTimeout]. Where a profile has to be
// loaded, the worker does that, and decides the rest then: such a run can also
// end as cooling down, or with its condition not met.
//
// The errors are those of Visit.
func (e *Engine) Enqueue(ctx context.Context, visit PageVisit) ([]Outcome, error) {
	var v view
	v.visit = visit
	set, hits, err := e.match(&v)
	if len(hits) == 0 {
		return nil, err
	}
	return e.decide(ctx, &v, set, hits, true)
}

// match finds the campaigns that the visit may start. v does not escape: the many
// visits that match nothing cost no allocation.
func (e *Engine) match(v *view) (*campaignSet, []int32, error) {
	if e.closed.Load() {
		return nil, nil, ErrClosed
	}
	if err := v.readBehind(e.origins.of(v.visit.URL)); err != nil {
		return nil, nil, err
	}
	set := e.set.Load()
	v.arena.pool = &set.arenas
	hits := set.match(v)
	if len(hits) == 0 {
		v.arena.release()
	} else {
		v.arena.detach()
		v.foundBits, v.left, v.hits.many = nil, nil, nil // of no more use, and a queued visit would keep them
	}
	return set, hits, nil
}

// Test sends the webhooks of one loaded campaign for a sample visit, for real:
// its condition, its audience and the cooldown are set aside, as is that it is
// paused, and no cooldown begins. The requests carry the header [TestHeader] and
// delivery IDs of their own, and the outcome says that it is a test.
//
// The error is a [*ValidationError] for a visit that cannot be used,
// one that names the campaign and has [ErrUnknownCampaign] as its cause,
// [ErrClosed], or ctx's error if ctx was done before anything began.
func (e *Engine) Test(ctx context.Context, campaignID string, visit PageVisit) (Outcome, error) {
	if e.closed.Load() {
		return Outcome{}, ErrClosed
	}
	set := e.set.Load()
	prog := set.byID[campaignID]
	if prog == nil {
		return Outcome{}, fmt.Errorf("%w: %s; %s", ErrUnknownCampaign, shorten(campaignID), set.suggestID(campaignID))
	}
	v := view{visit: visit}
	if err := v.read(); err != nil {
		return Outcome{}, err
	}
	now := time.Now()
	if err := e.begin(ctx, &v.visit, now); err != nil {
		return Outcome{}, err
	}
	defer e.end()
	end := &result{outcome: [1]Outcome{{Campaign: prog.id, Profile: visit.Profile.ID, Test: true}}}
	r := e.newRun(ctx, prog, &v.visit, now, end, false)
	r.test = true
	r.open = &openVisit{view: v}
	e.register(r)
	e.execute(r)
	return *r.out(), nil
}

// begin settles the visit's time and registers a call that may start runs. Each
// call that succeeds is followed by one of end.
func (e *Engine) begin(ctx context.Context, visit *PageVisit, now time.Time) error {
	if err := setTime(visit, now); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Counted first: either Close sees the call, or the call sees that it came too
	// late. A lock would be one for all that match, and most of these end in a
	// cooldown and need no other.
	e.calls.Add(1)
	if e.closed.Load() {
		e.end()
		return ErrClosed
	}
	return nil
}

func (e *Engine) end() {
	if e.calls.Add(-1) > 0 || !e.closed.Load() {
		return
	}
	e.mu.Lock()
	e.noticeEnd()
	e.mu.Unlock()
}

// setTime gives a visit without a time the present, and refuses one that is too
// far ahead: it would keep the cooldowns of others from ever being forgotten, or
// let them be forgotten too early.
func setTime(visit *PageVisit, now time.Time) error {
	// In numbers: the difference of two times takes as long as reading the address.
	seen := visit.Time.Unix()
	switch {
	case visit.Time.IsZero():
		visit.Time = millis(now)
	case seen < firstTimeMilli/1000: // a time.Time can be older than the year 1
		return visitFault("/time", "is before the year 1; pass the time at which the page was seen")
	case seen > endOfTimeMilli/1000, visit.Time.UnixMilli()-now.UnixMilli() > maxAhead.Milliseconds():
		return visitFault("/time", "is more than 24 hours ahead of the clock; pass the time at which the page was seen")
	}
	return nil
}

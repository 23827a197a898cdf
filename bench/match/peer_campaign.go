package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/hybridcampaign/campaign"
)

// loaded is an engine with the workload's campaigns. Its sender refuses: a
// benchmark of matching must send nothing, and would not go unnoticed.
func loaded(w *workload) (*campaign.Engine, error) {
	refuse := func(context.Context, *campaign.Request) (*campaign.Response, error) {
		return nil, errors.New("match: a request was sent")
	}
	engine, err := campaign.NewEngine(campaign.SenderFunc(refuse), nil)
	if err != nil {
		return nil, err
	}
	return engine, engine.Load(w.campaigns...)
}

// deciding measures a visit up to the point where all is decided. A context
// that is done ends the visit there: the engine looks at it only once something
// matched. There is no other way to that point from outside, and it costs what
// a real visit costs at that point too: the visit has moved to the heap.
type deciding struct {
	engine *campaign.Engine
	ctx    context.Context
	out    []campaign.Outcome
	err    error
}

func buildDeciding(w *workload) (peer, error) {
	engine, err := loaded(w)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &deciding{engine: engine, ctx: over{ctx}}, err
}

// over is a context that is done, and says so as fast as one that goes on: of those of
// package context, only one that is done takes a lock for that.
type over struct{ context.Context }

func (over) Err() error { return context.Canceled }

// loadPaused does all that Load does but for the index: campaigns that are paused
// are checked, compiled and kept, and visits do not find them.
func loadPaused(w *workload) error {
	engine, err := loaded(&workload{campaigns: w.paused})
	runtime.KeepAlive(engine)
	return err
}

// empty is an engine without campaigns.
type empty struct{ deciding }

func buildEmpty(*workload) (peer, error) {
	p, err := buildDeciding(new(workload))
	if err != nil {
		return nil, err
	}
	return &empty{*p.(*deciding)}, nil
}

func (p *empty) check(*visit, []rule) error {
	if p.out != nil || p.err != nil {
		return fmt.Errorf("outcomes %v and error %v, want none", p.out, p.err)
	}
	return nil
}

func (p *deciding) run(v *visit) { p.out, p.err = p.engine.Visit(p.ctx, v.known) }

// check can tell only whether something matched; what, is checked through
// visiting, which runs the same code to that point.
func (p *deciding) check(v *visit, _ []rule) error {
	var want error
	if len(v.want) > 0 {
		want = context.Canceled
	}
	if !errors.Is(p.err, want) || p.out != nil {
		return fmt.Errorf("outcomes %v and error %v, want none and %v", p.out, p.err, want)
	}
	return nil
}

// visiting measures whole visits by somebody without a profile, for whom no
// campaign runs.
type visiting struct {
	engine *campaign.Engine
	ctx    context.Context
	out    []campaign.Outcome
	err    error
}

func buildVisit(w *workload) (peer, error) {
	engine, err := loaded(w)
	return &visiting{engine: engine, ctx: context.Background()}, err
}

func (p *visiting) run(v *visit) { p.out, p.err = p.engine.Visit(p.ctx, v.anonymous) }

// check wants all matches, whether or not the rule wants a known profile: the
// engine does not drop those, it says so in the outcome.
func (p *visiting) check(v *visit, _ []rule) error {
	if p.err != nil {
		return p.err
	}
	var got []int32
	for _, o := range p.out {
		if o.Status != campaign.UnknownProfile {
			return fmt.Errorf("campaign %s: status %s, want %s", o.Campaign, o.Status, campaign.UnknownProfile)
		}
		i, err := strconv.Atoi(o.Campaign)
		if err != nil {
			return err
		}
		got = append(got, int32(i))
	}
	return compare(got, v.want)
}

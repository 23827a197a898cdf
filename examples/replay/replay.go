package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/examples/replay/internal/weblog"
)

// replay passes the visits of a log to an engine, one after the other, and
// counts what becomes of them. With an error it returns what it has counted
// until then, or nil if it could not begin.
func replay(ctx context.Context, o *options, log io.Reader, p *progress) (*report, error) {
	engine, err := campaign.NewEngine(o.sender, nil)
	if err != nil {
		return nil, err
	}
	if err := engine.Load(o.campaigns...); err != nil {
		return nil, err
	}
	rep := newReport(o.campaigns)
	lines, err := weblog.NewReader(p.counting(log))
	if err != nil {
		return rep, fmt.Errorf("reading the log: %w", err)
	}
	defer p.clear()
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return rep, engine.Close(ctx)
		}
		if err != nil {
			return rep, fmt.Errorf("reading the log after line %d: %w", rep.Lines, err)
		}
		rep.Lines++
		p.show(rep)
		if line.Err == nil && line.Entry.IsVisit() {
			line.Err = visit(ctx, engine, o, line.Entry, rep)
		}
		if ctx.Err() != nil {
			return rep, fmt.Errorf("interrupted at line %d", line.Number)
		}
		if line.Err != nil {
			rep.notRead(line)
		}
	}
}

// visit runs the campaigns for one visit. The error says why the engine does
// not take it.
func visit(ctx context.Context, engine *campaign.Engine, o *options, e weblog.Entry, rep *report) error {
	outcomes, err := engine.Visit(ctx, pageVisit(o, e))
	if err != nil {
		return fmt.Errorf("is no visit that can be run: %w", err)
	}
	rep.Visits++
	for _, out := range outcomes {
		rep.count(out)
	}
	return nil
}

func pageVisit(o *options, e weblog.Entry) campaign.PageVisit {
	address := weblog.BrowserURL(e.Target)
	if strings.HasPrefix(address, "/") {
		address = o.site + address
	}
	v := campaign.PageVisit{
		Time:     e.Time,
		URL:      address,
		Referrer: weblog.BrowserURL(e.Referrer),
		Profile:  campaign.Profile{ID: e.Host, Known: o.known(e.Host)},
		Data:     map[string]any{},
	}
	for name, value := range map[string]string{"agent": e.Agent, "user": e.User} {
		if value != "" {
			v.Data[name] = strings.ToValidUTF8(value, "\ufffd")
		}
	}
	return v
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/backtest"
)

const backtestUsage = `Usage: replay [backtest] [flags]

Backtest runs the campaigns over a log, in the log's own time and the file's own
order: what would have started, for whom, and what was held back and why.

  replay backtest
  replay backtest -campaigns campaigns.json -log access.log.gz
  zcat visits-*.gz | replay backtest -campaigns campaigns.json -log - -json
  replay backtest -campaigns new.json -before old.json -log access.log.gz

In an access log a visit is a GET that was answered with 2xx, and whose path does
not end in the extension of an asset such as css, js or png. The visitor's address
stands in for the profile: it is the field profile.id. The page has path and
query, and with -site a host; the referrer, visit.agent and visit.user are known
where the log has them. A log of visits in JSON has whatever was written into it.

Of the visits that matched a campaign's condition, some started a run; the other
columns say why the rest did not. Profiles are those that a run was delivered to.

Nothing is sent unless -send says where to. Then, once the log is read and all is
decided, every webhook goes there and none to the endpoint that its campaign names:
a POST with its body and headers, a GET with its payload in the query. In place of a
secret, a header carries the secret's name. The exit status is 3 if some were not
delivered. It is 3, too, if more than half of the lines could not be read: then it
is hardly the log that was meant. A few such lines are in every log.
`

type backtestFlags struct {
	inputs

	before   string
	failures float64
	send     string
}

// A logReport is what the command prints in JSON.
type logReport struct {
	*backtest.Report
	lineCounts
}

// A logComparison is what it prints of two versions.
type logComparison struct {
	backtest.Comparison
	lineCounts
}

func runBacktest(ctx context.Context, args []string, std stdio) error {
	var f backtestFlags
	flags := newFlags("backtest")
	f.campaignFlags(flags)
	f.logFlags(flags)
	flags.StringVar(&f.before, "before", "", "JSON `file` of campaigns to compare with, an older version of them")
	flags.Float64Var(&f.failures, "failures", 0, "`share` of the webhooks, from 0 to 1, that are taken to be rejected")
	flags.StringVar(&f.send, "send", "", "send every webhook to this `URL`, and none to its own endpoint")
	if err := f.parseFlags(flags, backtestUsage, args, std.out); err != nil {
		return err
	}
	switch {
	case !(f.failures >= 0 && f.failures <= 1): // this way round it finds NaN
		return usageError("-failures: give a share from 0 to 1")
	case f.send != "" && f.failures > 0:
		return usageError("-failures: with -send, what fails is for the endpoint to say")
	case f.before != "" && (f.send != "" || f.log == "-"):
		return usageError("-before reads the log twice and sends nothing: leave out -send, and give the log as a file")
	}
	campaigns, err := f.campaigns()
	if err != nil {
		return err
	}
	f.saySample(f.before != "", std.err)
	if f.before != "" {
		return f.compare(ctx, campaigns, std)
	}
	return f.report(ctx, campaigns, std)
}

// report prints what was found. What was found until an error is worth seeing;
// the error comes after it.
func (f *backtestFlags) report(ctx context.Context, campaigns campaign.Campaigns, std stdio) error {
	var to *diverter
	options := backtest.Options{FailureRate: f.failures}
	if f.send != "" {
		var err error
		if to, err = newDiverter(f.send, campaigns); err != nil {
			return err
		}
		options.Samples = math.MaxInt // they wait in memory until the log is read
	}
	rep, counts, err := f.run(ctx, campaigns, &options, std)
	if rep == nil {
		return err
	}
	if to != nil && err == nil {
		err = sendAll(ctx, rep, to, newProgress(std.err))
	}
	if err == nil || err == errWrong {
		err = cmp.Or(counts.mostlyNotRead(), err)
	}
	for i := range rep.Campaigns {
		rep.Campaigns[i].Samples = nil
	}
	if f.json {
		return joined(writeJSON(std.out, logReport{rep, counts}), err)
	}
	short := *rep
	short.Bad, short.FirstBad = 0, nil // they are among the lines that could not be read
	return joined(writeText(std.out, short.String()+"\n"+counts.table(rep.Visits)), err)
}

// joined is errors.Join that leaves a single error as it is.
func joined(a, b error) error {
	if a == nil {
		return b
	}
	return errors.Join(a, b)
}

func (f *backtestFlags) compare(ctx context.Context, campaigns campaign.Campaigns, std stdio) error {
	old, err := readCampaigns(f.before)
	if err != nil {
		return fmt.Errorf("-before: %w", err)
	}
	options := backtest.Options{FailureRate: f.failures}
	before, _, err := f.run(ctx, old, &options, std)
	if err != nil {
		return err // half a comparison misleads
	}
	after, counts, err := f.run(ctx, campaigns, &options, std)
	if err != nil {
		return err
	}
	c := backtest.Comparison{Before: before, After: after}
	err = counts.mostlyNotRead()
	if f.json {
		return joined(writeJSON(std.out, logComparison{c, counts}), err)
	}
	return joined(writeText(std.out, c.String()+"\n"+counts.table(after.Visits)), err)
}

// run runs campaigns over the log. There may be a report with the error.
func (f *backtestFlags) run(ctx context.Context, campaigns campaign.Campaigns, options *backtest.Options, std stdio) (*backtest.Report, lineCounts, error) {
	log, err := f.openVisits(ctx, std)
	if err != nil {
		return nil, lineCounts{}, err
	}
	defer log.close()
	o := *options
	o.OnBad = func(bad backtest.BadVisit, _ campaign.PageVisit) {
		log.notRead(fmt.Errorf("is no visit that can be run: %s", errorLine(bad.Err)))
	}
	rep, err := backtest.Run(ctx, campaigns, log.all(ctx), &o)
	if log.err != nil {
		err = log.err
	} else if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("interrupted after line %d of the log", log.counts.Lines)
	}
	return rep, log.counts, err
}

// mostlyNotRead returns the error, with errWrong among its causes, of a log of
// which more lines could not be read than could: what was counted is of the rest.
func (c *lineCounts) mostlyNotRead() error {
	if c.NotRead <= c.Lines-c.NotRead {
		return nil
	}
	return wrongError("%d of %d lines of the log could not be read; what was counted is of the rest", c.NotRead, c.Lines)
}

// table shows the counts for people.
func (c *lineCounts) table(visits int) string {
	var b strings.Builder
	alignNumbers(&b, [][]string{
		{"lines read", strconv.Itoa(c.Lines)},
		{"  visits", strconv.Itoa(visits)},
		{"  could not be read", strconv.Itoa(c.NotRead)},
	})
	for _, l := range c.FirstNotRead {
		fmt.Fprintf(&b, "    line %d %s: %s\n", l.Line, l.Reason, l.Text)
	}
	if more := c.NotRead - len(c.FirstNotRead); more > 0 {
		fmt.Fprintf(&b, "    and %d more\n", more)
	}
	return b.String()
}

// sendAll sends the requests of all runs, in the order of their visits' times, and
// counts in the report what became of them. What starts has been decided by
// then: an endpoint that fails gives no cooldown back.
func sendAll(ctx context.Context, rep *backtest.Report, to campaign.Sender, p *progress) error {
	defer p.clear()
	type run struct {
		of *backtest.CampaignReport
		backtest.Sample
	}
	var runs []run
	for i := range rep.Campaigns {
		c := &rep.Campaigns[i]
		for _, s := range c.Samples {
			runs = append(runs, run{c, s})
		}
		c.Delivered, c.Failed, c.Profiles = 0, 0, 0
	}
	slices.SortStableFunc(runs, func(a, b run) int { return a.Time.Compare(b.Time) })
	reached := map[[2]string]bool{}
	failed := false
	for i, r := range runs {
		p.show(int64(i), int64(len(runs)), func() string { return fmt.Sprintf("%d of %d runs sent", i, len(runs)) })
		err := send(ctx, to, r.Requests)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted after %d of %d runs were sent", i, len(runs))
		}
		if err != nil {
			failed = true
			r.of.Failed++
			if r.of.FirstError == "" {
				r.of.FirstError = err.Error()
			}
			continue
		}
		r.of.Delivered++
		if profile := [2]string{r.of.ID, r.Profile}; !reached[profile] {
			reached[profile] = true
			r.of.Profiles++
		}
	}
	if failed {
		return errWrong
	}
	return nil
}

// send sends the requests of a run, up to the first that is not delivered.
func send(ctx context.Context, to campaign.Sender, requests []campaign.Request) error {
	for i := range requests {
		if _, err := to.Send(ctx, &requests[i]); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/examples/replay/internal/weblog"
)

// A visitLog is a log of visits, read one after the other.
type visitLog struct {
	counts lineCounts
	err    error // what ended the log before its end

	visit  campaign.PageVisit // the one that is read
	line   weblog.Line        // its line
	visits int                // so far

	close    func() error
	lines    *weblog.Reader
	parse    func(text string) (campaign.PageVisit, error)
	read     *countingReader
	size     int64 // of the log in bytes, compressed if it is; 0 if not known
	progress *progress
}

// lineCounts are what became of the lines of a log.
type lineCounts struct {
	Lines        int       `json:"lines"`          // all of them
	NotRead      int       `json:"not_read"`       // those that could not be read
	FirstNotRead []badLine `json:"first_not_read"` // the first few of these
}

// A badLine is a line that could not be read.
type badLine struct {
	Line   int    `json:"line"` // its number, from 1
	Reason string `json:"reason"`
	Text   string `json:"text"` // its beginning, with what is no text escaped
}

// maxBadLines is how many lines that could not be read are shown.
const maxBadLines = 5

// openVisits opens the log that the flags name. The caller closes it.
func (in *inputs) openVisits(ctx context.Context, std stdio) (*visitLog, error) {
	site, err := parseSite(in.site)
	if err != nil {
		return nil, usageError("-site: %w", err)
	}
	known, err := parseKnown(in.known)
	if err != nil {
		return nil, fmt.Errorf("-known: %w", err)
	}
	file, size, err := openLog(in.log, std.in)
	if err != nil {
		return nil, err
	}
	l := &visitLog{size: size, close: file.Close, progress: newProgress(std.err)}
	l.counts.FirstNotRead = []badLine{} // an empty list in JSON, not null
	l.read = &countingReader{Reader: newInterruptible(ctx, file)}
	if l.lines, err = weblog.NewReader(l.read); err != nil {
		_ = file.Close() // nothing was written
		if ctx.Err() != nil {
			return nil, errors.New("interrupted before the first line of the log")
		}
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	format := in.format
	if format == "" && l.lines.First() == '{' {
		format = "json"
	}
	switch {
	case format == "json" && in.known != knownAll:
		err = usageError("-known is for access logs; a visit in JSON says itself whether its profile is known")
	case format == "json":
		l.parse = jsonVisit(site)
	case format == "combined" || format == "":
		l.parse = accessVisit(site, known)
	default:
		err = usageError("-format: there is no %s; there are combined and json", quoted(format))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return l, nil
}

// all returns the visits up to the end of the log, or to the error that is l.err
// then.
func (l *visitLog) all(ctx context.Context) iter.Seq[campaign.PageVisit] {
	return func(yield func(campaign.PageVisit) bool) {
		defer l.progress.clear()
		for l.next(ctx) && yield(l.visit) {
		}
	}
}

// next reads up to the next visit.
func (l *visitLog) next(ctx context.Context) bool {
	for l.step(ctx) {
		if l.line.Err == nil {
			return true
		}
	}
	return false
}

// at returns the visit on line n. It passes on those before it.
func (l *visitLog) at(ctx context.Context, n int, before func(campaign.PageVisit)) (campaign.PageVisit, error) {
	defer l.progress.clear()
	for l.step(ctx) {
		switch {
		case l.line.Number == n && l.line.Err == nil:
			return l.visit, nil
		case l.line.Number == n:
			return campaign.PageVisit{}, fmt.Errorf("line %d %s: %s", n, errorLine(l.line.Err), shorten(l.line.Text))
		case l.line.Err == nil:
			before(l.visit)
		}
	}
	if l.err != nil {
		return campaign.PageVisit{}, l.err
	}
	return campaign.PageVisit{}, fmt.Errorf("there is no line %d, the log has %s", n, plural(l.counts.Lines, "line", "lines"))
}

// step reads the next line. If it is no visit, l.line.Err says why.
func (l *visitLog) step(ctx context.Context) bool {
	var err error
	l.line, err = l.lines.Next()
	if ctx.Err() != nil {
		l.err = fmt.Errorf("interrupted after line %d of the log", l.counts.Lines)
		return false
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			l.err = fmt.Errorf("reading the log after line %d: %w", l.counts.Lines, err)
		}
		return false
	}
	l.counts.Lines++
	l.progress.show(l.read.n, l.size, l.state)
	if l.line.Err == nil {
		l.visit, l.line.Err = l.parse(l.line.Text)
	}
	if l.line.Err == nil {
		l.visits++
	} else if _, ok := errors.AsType[*noVisit](l.line.Err); !ok {
		l.notRead(l.line.Err)
	}
	return true
}

func (l *visitLog) state() string {
	return plural(l.counts.Lines, "line", "lines") + ", " + plural(l.visits, "visit", "visits")
}

// notRead notes that the line that was read last could not be.
func (l *visitLog) notRead(err error) {
	l.counts.NotRead++
	if len(l.counts.FirstNotRead) < maxBadLines {
		l.counts.FirstNotRead = append(l.counts.FirstNotRead, badLine{l.line.Number, errorLine(err), shorten(l.line.Text)})
	}
}

// A noVisit is a line that is fine, and no visit of a page.
type noVisit struct{ entry weblog.Entry }

// Error says what it is.
func (e *noVisit) Error() string {
	return fmt.Sprintf("is no visit of a page: %s %s, answered with %d", shorten(e.entry.Method), shorten(e.entry.Target), e.entry.Status)
}

// accessVisit reads lines of a web server's log. A path alone is of the site.
func accessVisit(site string, known func(address string) bool) func(text string) (campaign.PageVisit, error) {
	return func(text string) (campaign.PageVisit, error) {
		e, err := weblog.Parse(text)
		if err != nil {
			return campaign.PageVisit{}, err
		}
		if !e.IsVisit() {
			return campaign.PageVisit{}, &noVisit{e}
		}
		v := campaign.PageVisit{
			Time:     e.Time,
			URL:      withSite(site, weblog.BrowserURL(e.Target)),
			Referrer: weblog.BrowserURL(e.Referrer),
			Profile:  campaign.Profile{ID: e.Host, Known: known(e.Host)},
			Data:     map[string]any{},
		}
		for name, value := range map[string]string{"agent": e.Agent, "user": e.User} {
			if value != "" {
				v.Data[name] = strings.ToValidUTF8(value, "\ufffd")
			}
		}
		return v, nil
	}
}

func withSite(site, address string) string {
	if strings.HasPrefix(address, "/") {
		return site + address
	}
	return address
}

// jsonVisit reads lines that are a visit in JSON.
func jsonVisit(site string) func(text string) (campaign.PageVisit, error) {
	return func(text string) (campaign.PageVisit, error) {
		var v campaign.PageVisit
		if strings.TrimSpace(text) == "" {
			return v, errors.New("is empty")
		}
		if err := v.UnmarshalJSON([]byte(text)); err != nil {
			return v, fmt.Errorf("is no visit in JSON: %s", errorLine(err))
		}
		v.URL = withSite(site, v.URL)
		return v, nil
	}
}

// oneVisit reads the value of -visit.
func (in *inputs) oneVisit(stdin io.Reader) (campaign.PageVisit, error) {
	var v campaign.PageVisit
	site, err := parseSite(in.site)
	if err != nil {
		return v, usageError("-site: %w", err)
	}
	data, from := []byte(in.visit), "-visit"
	switch {
	case strings.HasPrefix(strings.TrimSpace(in.visit), "{"):
	case in.visit == "-":
		data, err = io.ReadAll(stdin)
	default:
		data, err = os.ReadFile(in.visit)
		from = in.visit
	}
	if err != nil {
		return v, err
	}
	if err := v.UnmarshalJSON(data); err != nil {
		return v, fmt.Errorf("%s is no visit: %s", shorten(from), errorLine(err))
	}
	v.URL = withSite(site, v.URL)
	return v, nil
}

package backtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hybridcampaign/campaign"
)

// String returns the report as a table for people. Of requests it shows no more
// than [campaign.Request] shows of itself.
func (r *Report) String() string {
	var b strings.Builder
	b.WriteString(r.period() + "\n")
	if r.Late > 0 {
		fmt.Fprintf(&b, "%s after a newer one\n", plural(r.Late, "visit comes", "visits come"))
	}
	r.writeBad(&b)
	if len(r.Campaigns) > 0 {
		b.WriteString("\n")
		r.writeTable(&b)
	}
	for i := range r.Campaigns {
		r.Campaigns[i].writeDetails(&b)
	}
	return b.String()
}

func (r *Report) period() string {
	text := plural(r.Visits, "visit", "visits")
	if r.Visits > 0 {
		text += ", " + r.From.Format(clock) + " to " + r.To.Format(clock)
	}
	return text
}

const clock = "2006-01-02 15:04:05 MST"

func (r *Report) writeBad(b *strings.Builder) {
	if r.Bad == 0 {
		return
	}
	fmt.Fprintf(b, "%s could not be used:\n", plural(r.Bad, "more visit", "more visits"))
	for _, bad := range r.FirstBad {
		fmt.Fprintf(b, "  number %d: %s\n", bad.Number, oneLine(strings.TrimPrefix(bad.reason(), "campaign: ")))
	}
	if more := r.Bad - len(r.FirstBad); more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
}

// usual are the reasons that have a column of their own in any case.
var usual = []campaign.Reason{campaign.ReasonCoolingDown, campaign.ReasonUnknownProfile, campaign.ReasonCannotRender}

func (r *Report) writeTable(b *strings.Builder) {
	reasons := slices.Clone(usual)
	failed := false
	for _, c := range r.Campaigns {
		for _, reason := range slices.Sorted(maps.Keys(c.HeldBack)) {
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
		failed = failed || c.Failed > 0
	}
	head := []string{"campaign", "matched", "started", "profiles"}
	if failed {
		head = append(head, "failed")
	}
	for _, reason := range reasons {
		head = append(head, strings.ReplaceAll(string(reason), "_", " "))
	}
	rows := [][]string{head}
	for _, c := range r.Campaigns {
		row := []string{c.label(), strconv.Itoa(c.Matched), strconv.Itoa(c.Started), strconv.Itoa(c.Profiles)}
		if failed {
			row = append(row, strconv.Itoa(c.Failed))
		}
		for _, reason := range reasons {
			row = append(row, strconv.Itoa(c.HeldBack[reason]))
		}
		rows = append(rows, row)
	}
	align(b, rows)
}

func (c *CampaignReport) label() string {
	if c.Paused {
		return oneLine(c.ID) + " (paused)"
	}
	return oneLine(c.ID)
}

// writeDetails writes what does not fit a row.
func (c *CampaignReport) writeDetails(b *strings.Builder) {
	var lines []string
	if len(c.Hours) > 0 {
		h := c.Busiest()
		lines = append(lines, fmt.Sprintf("busiest hour: %s, %s", h.Start.Format("2006-01-02 15:04 MST"), plural(h.Runs, "run", "runs")))
	}
	for _, m := range c.Missing {
		lines = append(lines, fmt.Sprintf("%s is required and missing: %s", m.Field, plural(m.Runs, "time", "times")))
	}
	for _, f := range c.Absent {
		line := fmt.Sprintf("no visit has %s", f)
		if mayBeLoaded(f) {
			line += "; what a ProfileSource knows in production has to be in the log, or in Options.Profiles"
		}
		lines = append(lines, line)
	}
	if c.FirstError != "" {
		lines = append(lines, "first error: "+c.FirstError)
	}
	for _, s := range c.Samples {
		for _, request := range s.Requests {
			lines = append(lines, fmt.Sprintf("sample: %s %s", s.Time.UTC().Format(time.RFC3339), request))
		}
	}
	if len(lines) > 0 {
		b.WriteString("\n" + oneLine(c.ID) + "\n")
	}
	for _, line := range lines {
		b.WriteString("  " + oneLine(line) + "\n")
	}
}

// Busiest returns the hour in which most runs started, the first of several; the
// zero Hour if none did.
func (c *CampaignReport) Busiest() Hour {
	var most Hour
	for _, h := range c.Hours {
		if h.Runs > most.Runs {
			most = h
		}
	}
	return most
}

// A Comparison sets the reports of two versions of campaigns side by side. They
// should be of the same visits, and neither may be nil. Campaigns are the same if
// their IDs are.
type Comparison struct {
	Before *Report `json:"before"`
	After  *Report `json:"after"`
}

// String returns the comparison as a table for people: what was, what is, and
// the difference.
func (c Comparison) String() string {
	var b strings.Builder
	b.WriteString("before: " + c.Before.period() + "\nafter:  " + c.After.period() + "\n\n")
	before := make(map[string]*CampaignReport, len(c.Before.Campaigns))
	for i := range c.Before.Campaigns {
		before[c.Before.Campaigns[i].ID] = &c.Before.Campaigns[i]
	}
	rows := [][]string{{"campaign", "matched", "started", "profiles", "held back", "failed"}}
	for i := range c.After.Campaigns {
		now := &c.After.Campaigns[i]
		was := before[now.ID]
		delete(before, now.ID)
		note := ""
		if was == nil {
			was, note = &CampaignReport{}, " (new)"
		}
		rows = append(rows, compareRow(now.label()+note, was, now))
	}
	for i := range c.Before.Campaigns {
		if was := &c.Before.Campaigns[i]; before[was.ID] != nil {
			rows = append(rows, compareRow(oneLine(was.ID)+" (gone)", was, &CampaignReport{}))
		}
	}
	align(&b, rows)
	return b.String()
}

func compareRow(label string, was, now *CampaignReport) []string {
	return []string{
		label,
		change(was.Matched, now.Matched),
		change(was.Started, now.Started),
		change(was.Profiles, now.Profiles),
		change(was.Matched-was.Started, now.Matched-now.Started),
		change(was.Failed, now.Failed),
	}
}

func change(was, now int) string {
	if was == now {
		return strconv.Itoa(now)
	}
	return fmt.Sprintf("%d -> %d (%+d)", was, now, now-was)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// align writes rows in columns, the first to the left, the others to the right.
func align(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			room := strings.Repeat(" ", widths[i]-width(cell))
			if i == 0 {
				b.WriteString(cell + room)
			} else {
				b.WriteString("  " + room + cell)
			}
		}
		b.WriteString("\n")
	}
}

// oneLine writes as escapes what cannot be seen, or would rearrange the report:
// IDs may hold marks that turn the direction of text, and the error of a
// ProfileSource whatever a database said.
func oneLine(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// width is how many columns of a terminal a text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me): // stands on the rune before it
		case unicode.Is(wide, r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide are the runes of two columns, but for a few rare ones (Unicode Standard
// Annex 11).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // forms of full width
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictures
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK
	},
}

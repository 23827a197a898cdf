package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/examples/replay/internal/weblog"
)

// A report is what the program prints.
type report struct {
	Campaigns []*campaignCount `json:"campaigns"` // in the order of the file

	Lines        int       `json:"lines"`          // of the log, all of them
	Visits       int       `json:"visits"`         // page visits among them
	NotRead      int       `json:"not_read"`       // lines that could not be read
	FirstNotRead []badLine `json:"first_not_read"` // the first few of them

	byID map[string]*campaignCount
}

// A campaignCount is a row of the table. Matched is the sum of Started,
// HeldBack and Unknown.
type campaignCount struct {
	ID           string `json:"id"`
	Name         string `json:"name,omitempty"`
	Matched      int    `json:"matched"`                 // visits that met the condition
	Started      int    `json:"started"`                 // runs
	HeldBack     int    `json:"held_back"`               // visits within the cooldown
	Unknown      int    `json:"unknown"`                 // visits by who is not in the audience
	Failed       int    `json:"failed"`                  // runs among Started that failed
	FirstFailure string `json:"first_failure,omitempty"` // why the first of them did
}

// A badLine is a line that could not be read.
type badLine struct {
	Line   int    `json:"line"` // its number, from 1
	Reason string `json:"reason"`
	Text   string `json:"text"` // its beginning, with what is no text escaped
}

const (
	maxBadLines = 5  // how many are shown
	maxBadText  = 60 // how much of each, in bytes
)

func newReport(campaigns campaign.Campaigns) *report {
	rep := &report{
		Campaigns:    []*campaignCount{},
		FirstNotRead: []badLine{},
		byID:         make(map[string]*campaignCount, len(campaigns)),
	}
	for _, c := range campaigns {
		count := &campaignCount{ID: c.ID, Name: c.Name}
		rep.Campaigns = append(rep.Campaigns, count)
		rep.byID[c.ID] = count
	}
	return rep
}

func (rep *report) count(out campaign.Outcome) {
	c := rep.byID[out.Campaign]
	c.Matched++
	switch out.Status {
	case campaign.CoolingDown:
		c.HeldBack++
	case campaign.UnknownProfile:
		c.Unknown++
	case campaign.Failed:
		c.Started++
		c.Failed++
		if c.FirstFailure == "" {
			c.FirstFailure = out.Err.Error()
		}
	default:
		c.Started++
	}
}

func (rep *report) notRead(line weblog.Line) {
	rep.NotRead++
	if len(rep.FirstNotRead) < maxBadLines {
		rep.FirstNotRead = append(rep.FirstNotRead, badLine{line.Number, line.Err.Error(), shorten(line.Text)})
	}
}

// shorten returns the beginning of a line. A log holds what strangers have
// sent: its control characters must not reach a terminal.
func shorten(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i >= maxBadText {
			b.WriteString("...")
			break
		}
		switch {
		case r == utf8.RuneError:
			b.WriteRune('?') // not UTF-8
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

func (rep *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(rep)
}

func (rep *report) writeTable(w io.Writer) error {
	rows := [][]string{{"campaign", "matched", "started", "held back", "unknown", "failed"}}
	for _, c := range rep.Campaigns {
		row := []string{c.ID}
		for _, n := range []int{c.Matched, c.Started, c.HeldBack, c.Unknown, c.Failed} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	var b strings.Builder
	align(&b, rows)
	for _, c := range rep.Campaigns {
		if c.Failed > 0 {
			fmt.Fprintf(&b, "\nfirst failure of %s: %s\n", c.ID, c.FirstFailure)
		}
	}
	b.WriteString("\n")
	align(&b, [][]string{
		{"lines read", strconv.Itoa(rep.Lines)},
		{"  visits", strconv.Itoa(rep.Visits)},
		{"  could not be read", strconv.Itoa(rep.NotRead)},
	})
	for _, l := range rep.FirstNotRead {
		fmt.Fprintf(&b, "    line %d %s: %s\n", l.Line, l.Reason, l.Text)
	}
	if more := rep.NotRead - len(rep.FirstNotRead); more > 0 {
		fmt.Fprintf(&b, "    and %d more\n", more)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// align writes rows in columns, the first to the left, the others to the right.
func align(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(b, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(b, "  %*s", widths[i+1], cell)
		}
		b.WriteString("\n")
	}
}

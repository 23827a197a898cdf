package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/hybridcampaign/campaign"
)

// inputs are the flags that several commands have: which campaigns, and which
// visits. A command has those whose methods it calls.
type inputs struct {
	file string // of campaigns
	id   string // of the one campaign that is meant, if not all are

	log, format, known, site string

	visit string
	line  int

	json bool
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet("replay "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func (in *inputs) campaignFlags(flags *flag.FlagSet) {
	flags.StringVar(&in.file, "campaigns", "", "JSON `file` of campaigns (default: a sample)")
	flags.BoolVar(&in.json, "json", false, "print JSON")
}

func (in *inputs) idFlag(flags *flag.FlagSet) {
	flags.StringVar(&in.id, "campaign", "", "`ID` of the one campaign that is meant")
}

func (in *inputs) logFlags(flags *flag.FlagSet) {
	flags.StringVar(&in.log, "log", "", "log, plain or gzip: a `file`, or - for standard input (default: a sample)")
	flags.StringVar(&in.format, "format", "", "`format` of the log: combined for a web server's access log in Combined Log\nFormat, json for a visit in JSON on each line (default: json if the log begins\nwith a brace)")
	flags.StringVar(&in.known, "known", knownAll, "`which` addresses of an access log are known profiles: all, none, half (those\nwhose SHA-256 begins with a hexadecimal digit below 8), or a comma-separated\nlist of addresses, prefixes such as 192.0.2.0/24, host names, and @file for a\nfile of these")
	flags.StringVar(&in.site, "site", "", "`address` of the site, such as https://shop.example, for campaigns that look at\nthe host where the log has paths alone")
}

func (in *inputs) visitFlags(flags *flag.FlagSet) {
	flags.StringVar(&in.visit, "visit", "", "the visit, in place of a log: `JSON`, a file of it, or - for standard input")
	flags.IntVar(&in.line, "line", 0, "the visit on this `line` of the log, counted from 1")
}

// parseFlags parses the flags of a command that takes no arguments.
func (in *inputs) parseFlags(flags *flag.FlagSet, usage string, args []string, help io.Writer) error {
	if err := parse(flags, usage, args, help); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError("%s is not a flag", quoted(flags.Arg(0)))
	}
	return nil
}

// parse parses flags, or prints the help of the command.
func parse(flags *flag.FlagSet, usage string, args []string, help io.Writer) error {
	err := flags.Parse(args)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, usage+"\nFlags:\n")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return err
	}
	return usageError("%w", err)
}

// checkVisitFlags refuses flags of which one would be ignored.
func (in *inputs) checkVisitFlags() error {
	switch {
	case in.line < 0:
		return usageError("-line: lines are counted from 1")
	case in.visit != "" && (in.log != "" || in.line != 0 || in.format != "" || in.known != knownAll):
		return usageError("-visit is a visit by itself; leave out the flags of a log")
	case in.visit == "" && in.log == "" && in.file != "":
		return usageError("for which visit? Give it with -visit, or a log with -log")
	}
	return nil
}

// saySample says on standard error what is still the sample once something else
// is not: the counts of one's own campaigns over somebody else's log look like
// an answer.
func (in *inputs) saySample(own bool, w io.Writer) {
	if !own && in.file == "" && in.log == "" && in.visit == "" {
		return
	}
	if in.file == "" {
		fmt.Fprintln(w, "replay: campaigns: the sample; give yours with -campaigns FILE")
	}
	if in.log == "" && in.visit == "" {
		fmt.Fprintln(w, "replay: log: the sample; give yours with -log FILE")
	}
}

// campaigns reads the file of campaigns.
func (in *inputs) campaigns() (campaign.Campaigns, error) {
	campaigns, err := readCampaigns(in.file)
	if err != nil || in.id == "" {
		return campaigns, err
	}
	for i := range campaigns {
		if campaigns[i].ID == in.id {
			return campaigns[i : i+1], nil
		}
	}
	return nil, usageError("-campaign: there is no %s; there are %s", quoted(in.id), ids(campaigns))
}

// ids lists the IDs of campaigns.
func ids(campaigns campaign.Campaigns) string {
	if len(campaigns) == 0 {
		return "none at all"
	}
	list := make([]string, len(campaigns))
	for i, c := range campaigns {
		list[i] = c.ID
	}
	return strings.Join(list, ", ")
}

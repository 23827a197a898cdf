// Command replay runs campaigns over a web server's access log: what would have
// been sent, to whom, and who would have been left alone.
//
//	go run ./examples/replay
//	go run ./examples/replay -campaigns campaigns.json -log access.log.gz
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/hybridcampaign/campaign"
)

//go:embed sample/campaigns.json
var sampleCampaigns []byte

//go:embed sample/access.log
var sampleLog string

const usage = `Usage: replay [flags]

Replay runs the campaigns of a JSON file over a web server's access log in
Combined Log Format, in the log's own time and the file's own order. Without
flags it runs a sample of both.

A visit is a GET that was answered with 2xx, and whose path does not end in the
extension of an asset such as css, js or png. The visitor's address stands in
for the profile: it is the field profile.id. The page has path and query, and
with -site a host; the referrer, visit.agent and visit.user are known where the
log has them.

For each campaign it prints how many visits matched its condition. Of these,
some started a run, some were held back by the cooldown, and some were of
visitors who are not in the campaign's audience (unknown). Runs that started
and could not deliver all their webhooks have failed.

Nothing is sent unless -send says where to. Then every webhook goes there and
none to the endpoint that its campaign names: a POST with its body and headers,
a GET with its payload in the query. In place of a secret, a header carries the
secret's name.

The exit status is 0 after the whole log, whatever the counts; 1 if something
could not be read, or on interrupt; 2 for wrong flags.

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags, checked.
type options struct {
	campaigns campaign.Campaigns
	log       string
	known     func(address string) bool
	sender    campaign.Sender
	site      string
	json      bool
}

// errUsage marks errors of wrong flags.
var errUsage = errors.New("see replay -h")

// run is main without its process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := replayLog(ctx, args, stdin, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(stderr, "replay:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func replayLog(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parseFlags(args, stdout)
	if err != nil {
		return err
	}
	in, size, err := openLog(o.log, stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	rep, err := replay(ctx, o, in, newProgress(stderr, size))
	if rep == nil {
		return err
	}
	// What was counted until an error is worth seeing; the error comes after it.
	if o.json {
		return errors.Join(rep.writeJSON(stdout), err)
	}
	return errors.Join(rep.writeTable(stdout), err)
}

func parseFlags(args []string, help io.Writer) (*options, error) {
	var o options
	var file, known, send string
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&file, "campaigns", "", "JSON `file` of campaigns (default: a sample)")
	flags.StringVar(&o.log, "log", "", "access log, plain or gzip: a `file`, or - for standard input (default: a sample)")
	flags.StringVar(&known, "known", "all", "`which` addresses are known profiles: all, none, half (those whose SHA-256 begins\nwith a hexadecimal digit below 8), or a comma-separated list of addresses,\nprefixes such as 192.0.2.0/24, host names, and @file for a file of these")
	flags.StringVar(&o.site, "site", "", "`address` of the site, such as https://shop.example, for campaigns that look at the host")
	flags.StringVar(&send, "send", "", "send every webhook to this `URL`, and none to its own endpoint")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(help, usage)
			flags.SetOutput(help)
			flags.PrintDefaults()
			return nil, err
		}
		return nil, fmt.Errorf("%w; %w", err, errUsage)
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is not a flag; %w", flags.Arg(0), errUsage)
	}
	var err error
	if o.site, err = parseSite(o.site); err != nil {
		return nil, fmt.Errorf("-site: %w; %w", err, errUsage)
	}
	if o.known, err = parseKnown(known); err != nil {
		return nil, fmt.Errorf("-known: %w", err)
	}
	if o.campaigns, err = readCampaigns(file); err != nil {
		return nil, err
	}
	if o.sender, err = newSender(send, o.campaigns); err != nil {
		return nil, fmt.Errorf("-send: %w; %w", err, errUsage)
	}
	return &o, nil
}

func readCampaigns(file string) (campaign.Campaigns, error) {
	if file == "" {
		return campaign.Parse(sampleCampaigns)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	campaigns, err := campaign.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return campaigns, nil
}

// openLog opens the log and returns its size in bytes, or 0 if that is not known.
func openLog(name string, stdin io.Reader) (io.ReadCloser, int64, error) {
	switch name {
	case "":
		return io.NopCloser(strings.NewReader(sampleLog)), 0, nil
	case "-":
		return io.NopCloser(stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, 0, nil // a pipe has no size, and is read all the same
	}
	return f, info.Size(), nil
}

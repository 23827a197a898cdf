// Command replay tries campaigns before they are in production: over recorded
// visits, for one visit, and with a real call of a webhook.
//
//	go run ./examples/replay
//	go run ./examples/replay -campaigns campaigns.json -log access.log.gz
//	go run ./examples/replay lint campaigns.json
//	go run ./examples/replay -h
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
)

//go:embed sample/campaigns.json
var sampleCampaigns []byte

//go:embed sample/access.log
var sampleLog string

// visitUsage ends the help of the commands that take a visit.
const visitUsage = `
A whole visit in JSON. All but url may be left out; fields and data have whatever
the site knows, under any name. In a log it stands on one line, and needs its time:

  {"url": "https://shop.example/shoes/running/42?utm_source=newsletter",
   "type": "product", "title": "Trail 42", "referrer": "https://search.example/?q=shoes",
   "item": {"id": "42", "name": "Trail 42", "category": "running", "fields": {"price": 129.95}},
   "profile": {"id": "p-1", "known": true, "complete": true, "fields": {"email": "ann@example.org", "country": "NL"}},
   "data": {"device": "phone"}, "id": "v-1", "time": "2025-03-10T12:00:00Z"}

Conditions ask for these as page.type, item.price, profile.country, visit.device.
`

const usage = `Usage: replay [command] [flags]

Replay tries campaigns before they are in production.

  backtest  runs them over a log: what would have started, for whom (the default)
  preview   shows what would be sent for a visit, as text or as a curl command
  explain   says why a visit starts them, or why not
  lint      warns of what is valid and still wrong
  test      sends the webhooks of one campaign for real, marked as a test

Campaigns come from a JSON file, and visits from a web server's access log, from
a file with a visit in JSON on each line, or from the command line. Without
these, replay uses a sample of its own:

  replay
  replay -campaigns campaigns.json -log access.log.gz
  replay lint campaigns.json
  replay explain -campaigns campaigns.json -log access.log.gz -line 1207
  replay preview -campaigns campaigns.json -visit '{"url": "/shoes/42", "profile": {"id": "p-1", "known": true}}'
  replay test -campaigns campaigns.json -campaign shoes -visit visit.json -send http://127.0.0.1:8080/

Only test sends anything, and backtest if -send tells it to.

The exit status is the same for all commands:

  0  done
  1  it could not be done: a file that cannot be read, campaigns that are not valid, an interrupt
  2  wrong usage
  3  done, and something is wrong: warnings of lint, a webhook that was not delivered,
     a campaign that preview has no visit for, a log of which most lines cannot be read

For programs all commands have -json. For the flags of a command: replay COMMAND -h
`

// errUsage marks errors of wrong flags.
var errUsage = errors.New("wrong usage")

// errWrong says that all was done, and that what was printed tells of something
// wrong.
var errWrong = errors.New("something is wrong")

// The exit statuses.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	exitWrong = 3
)

// A stdio is what a process has to talk to.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A command is a subcommand. It returns errUsage or errWrong among the causes
// of its error for the exit statuses 2 and 3, and errWrong alone if there is no
// more to say.
type command func(ctx context.Context, args []string, std stdio) error

func commandNamed(name string) (command, bool) {
	switch name {
	case "backtest":
		return runBacktest, true
	case "preview":
		return runPreview, true
	case "explain":
		return runExplain, true
	case "lint":
		return runLint, true
	case "test":
		return runTest, true
	}
	return nil, false
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// A second interrupt ends the process, if the first does not.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without its process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	name, hint := "backtest", "replay -h"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
		hint = "replay " + name + " -h"
	} else if len(args) > 0 && isHelp(args[0]) {
		name = "help"
	}
	if name == "help" {
		if len(args) == 0 || isHelp(args[0]) {
			fmt.Fprint(stdout, usage)
			return exitOK
		}
		name, args = args[0], []string{"-h"}
	}
	do, ok := commandNamed(name)
	if !ok {
		fmt.Fprintf(stderr, "replay: %s is no command; there are backtest, preview, explain, lint and test; see replay -h\n", quoted(name))
		return exitUsage
	}
	err := do(ctx, args, stdio{in: stdin, out: stdout, err: stderr})
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case err == errWrong:
		return exitWrong
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "replay: %s; see %s\n", printable(strings.TrimSuffix(err.Error(), "; "+errUsage.Error())), hint)
		return exitUsage
	}
	fmt.Fprintln(stderr, "replay:", printable(strings.TrimSuffix(err.Error(), "; "+errWrong.Error())))
	if errors.Is(err, errWrong) {
		return exitWrong
	}
	return exitError
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// usageError returns an error of wrong usage.
func usageError(format string, args ...any) error {
	return fmt.Errorf("%w; %w", fmt.Errorf(format, args...), errUsage)
}

// wrongError returns an error of something wrong that is worth a word of its own.
func wrongError(format string, args ...any) error {
	return fmt.Errorf("%w; %w", fmt.Errorf(format, args...), errWrong)
}

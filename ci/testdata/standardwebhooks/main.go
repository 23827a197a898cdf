// Standardwebhooks starts the verifier that its arguments name and sends it
// signed webhooks: it must accept those with the right key, and no other.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standardwebhooks:", err)
		os.Exit(1)
	}
}

func whsec(fill string, n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, n)))
}

func run(ctx context.Context, verifier []string) error {
	good, other := whsec("k", 32), whsec("o", 32)
	cmd := exec.CommandContext(ctx, verifier[0], verifier[1:]...)
	cmd.Env = append(os.Environ(), "SIGNING_KEY="+good)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the verifier said nothing: %w", err)
	}
	err = sendAll(ctx, strings.TrimSpace(url), good, other)
	return errors.Join(err, stdin.Close(), cmd.Wait())
}

func sendAll(ctx context.Context, url, good, other string) error {
	bodies := []string{`{"test": 2432232314}`, `{}`, `{"name":"Zoë 🛍","n":1e21}`, `[` + strings.Repeat(`"x",`, 20_000) + `""]`}
	for _, tt := range []struct {
		what string
		keys []string
		want int
	}{
		{"the key", []string{good}, 204},
		{"the key in front, during rotation", []string{good, other}, 204},
		{"the key behind, during rotation", []string{other, good}, 204},
		{"another key", []string{other}, 401},
		{"no key", nil, 401},
	} {
		var keys []httpsender.SigningKey
		for _, secret := range tt.keys {
			key, err := httpsender.ParseSigningKey(secret)
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		sender := &httpsender.Sender{
			AllowHTTP: true, AllowPrivate: true,
			Signing: httpsender.SigningFunc(func(context.Context, string) ([]httpsender.SigningKey, error) { return keys, nil }),
		}
		for i, body := range bodies {
			if got := send(ctx, sender, url, body, i); got != tt.want {
				return fmt.Errorf("with %s, body %d: status %d, want %d", tt.what, i, got, tt.want)
			}
		}
		fmt.Printf("with %s: %d as it should be\n", tt.what, tt.want)
	}
	return nil
}

func send(ctx context.Context, s *httpsender.Sender, url, body string, i int) (status int) {
	resp, err := s.Send(ctx, &campaign.Request{
		ID: fmt.Sprintf("msg_%d", i), Method: "POST", URL: url, Body: []byte(body),
		Headers: campaign.Headers{{Name: "Content-Type", Value: "application/json"}},
	})
	if de, ok := errors.AsType[*campaign.DeliveryError](err); ok {
		return de.Status
	}
	return resp.Status
}

// Curl sends requests twice, with the Sender and with the curl command of their
// previews, run by each shell that the machine has, and compares what arrives
// byte for byte.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign/httpsender"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		os.Exit(1)
	}
}

// The secrets, by name, with what shells and curl could take for something else.
var secrets = map[string]string{
	"ESP_API_KEY": `k'e"y $HOME $(id) \ ` + "`id`" + ` !! %s @x é`,
	"esp/token.1": "@/etc/passwd",
	"esp/token-1": "-v",
}

const prefix = "CAMPAIGN_"

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "curl")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Options and a proxy that the command must not take: the port is closed.
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte("user-agent = curlrc\nheader = \"X-Curlrc: 1\"\n"), 0o600); err != nil {
		return err
	}
	env := append(
		os.Environ(), "HOME="+dir, "CURL_HOME="+dir, "http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1",
		prefix+"ESP_API_KEY="+secrets["ESP_API_KEY"],
		prefix+"esp_token_1="+secrets["esp/token.1"], prefix+"esp_token_1_="+secrets["esp/token-1"],
	)
	for _, shell := range shells() {
		if err := compareAll(ctx, "http", shell, env, nil); err != nil {
			return err
		}
	}
	certificate, err := certificateIn(dir)
	if err != nil {
		return err
	}
	env = append(env, "CURL_CA_BUNDLE="+filepath.Join(dir, "certificate.pem"))
	return compareAll(ctx, "https", []string{"sh"}, env, &certificate)
}

func compareAll(ctx context.Context, scheme string, shell, env []string, certificate *tls.Certificate) error {
	sender := &httpsender.Sender{
		AllowHTTP: true, AllowPrivate: true, Attempts: 1,
		Secrets: httpsender.SecretsFunc(func(_ context.Context, name, _ string) (string, error) { return secrets[name], nil }),
	}
	if certificate != nil {
		sender.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		sender.TLS.RootCAs.AddCert(certificate.Leaf)
	}
	r, err := listen(certificate)
	if err != nil {
		return err
	}
	defer r.Close()
	all, err := requests(scheme + "://" + r.Addr().String())
	if err != nil {
		return err
	}
	for i := range all {
		if err := compare(ctx, sender, r, &all[i], shell, env); err != nil {
			return fmt.Errorf("%s, over %s, with %s: %w", all[i].name, scheme, strings.Join(shell, " "), err)
		}
	}
	fmt.Printf("over %s, with %s: %d requests as the sender sends them\n", scheme, strings.Join(shell, " "), len(all))
	return nil
}

// certificateIn returns a certificate for 127.0.0.1, and writes it to certificate.pem.
func certificateIn(dir string) (tls.Certificate, error) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	certificate.Leaf = server.Certificate()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Leaf.Raw})
	return certificate, os.WriteFile(filepath.Join(dir, "certificate.pem"), text, 0o600)
}

// shells returns the commands of the shells on this machine; sh is one of them.
// One takes an exclamation mark as it does from somebody who types.
func shells() [][]string {
	found := [][]string{{"sh"}}
	for _, shell := range [][]string{{"dash"}, {"bash"}, {"bash", "-o", "history", "-o", "histexpand"}, {"busybox", "sh"}, {"ksh"}, {"mksh"}, {"yash"}, {"zsh"}} {
		if _, err := exec.LookPath(shell[0]); err == nil {
			found = append(found, shell)
		}
	}
	return found
}

func compare(ctx context.Context, sender *httpsender.Sender, r *receiver, c *testCase, shell, env []string) error {
	if _, err := sender.Send(ctx, &c.request); err != nil {
		return err
	}
	want, err := r.next()
	if err != nil {
		return fmt.Errorf("the sender's request: %w", err)
	}
	command := c.request.Preview().Curl(prefix)
	// In a file, as a command may be longer than an argument; its standard
	// input is empty.
	file, err := os.CreateTemp("", "command")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(command + "\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:len(shell):len(shell)], file.Name())...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s\nof the command:\n%s", err, out, command)
	}
	if !bytes.Contains(out, []byte("HTTP/1.1 200 OK")) {
		return fmt.Errorf("the command does not show the answer, but %q", out)
	}
	got, err := r.next()
	if err != nil {
		return fmt.Errorf("curl's request: %w", err)
	}
	if got != want {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		return fmt.Errorf("byte %d is another:\nsender: %.2000q\ncurl:   %.2000q\nwith the command:\n%.2000s", i, want, got, command)
	}
	return nil
}

// A receiver keeps the bytes of each request, whatever they say.
type receiver struct {
	net.Listener
	arrived chan arrival
}

type arrival struct {
	bytes string
	err   error
}

func listen(certificate *tls.Certificate) (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if certificate != nil {
		// HTTP/2 is on offer, which curl would rather speak.
		l = tls.NewListener(l, &tls.Config{
			Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"h2", "http/1.1"},
			MinVersion: tls.VersionTLS12,
		})
	}
	r := &receiver{l, make(chan arrival, 16)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all, err := answer(c)
			r.arrived <- arrival{all, err}
		}
	}()
	return r, nil
}

// answer reads a request, answers, and reads whatever else comes.
func answer(c net.Conn) (string, error) {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	var all bytes.Buffer
	req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &all)))
	if err != nil {
		return all.String(), err
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return all.String(), err
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return all.String(), err
	}
	_, err = io.Copy(&all, c)
	return all.String(), err
}

// next returns the bytes of one request. There must be one, and only one.
func (r *receiver) next() (string, error) {
	var a arrival
	select {
	case a = <-r.arrived:
	case <-time.After(20 * time.Second):
		return "", errors.New("nothing arrived")
	}
	select {
	case more := <-r.arrived:
		return "", fmt.Errorf("another request arrived: %.200q", more.bytes)
	default:
	}
	return a.bytes, a.err
}

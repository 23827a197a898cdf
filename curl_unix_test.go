//go:build unix

package campaign_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// Here the commands are run by the system's sh, with a function in the place of
// curl that tells its arguments, and a model of what curl does with them.
// ci/curl.sh runs them with the real one, against what the Sender writes.

// A call is what the shell made of a command.
type call struct {
	args  []string
	stdin string
}

// argumentsOf has sh run commands, and returns what curl would have been called with.
func argumentsOf(t testing.TB, env []string, commands ...string) []call {
	t.Helper()
	const end = "-- end of the arguments"
	script := `curl() {
		for word; do printf '%s\0' "$word"; done
		printf '%s\0' '` + end + `'
		case $word in @-) cat ;; esac
		printf '\0'
	}
	`
	var stdout, stderr bytes.Buffer
	// In a file: an argument could be too long, and the standard input is the commands'.
	file := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(file, []byte(script+strings.Join(commands, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", file)
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("sh: %v, and said: %s", err, stderr.Bytes())
	}
	var calls []call
	rest := stdout.String()
	for rest != "" {
		var c call
		for {
			word, after, ok := strings.Cut(rest, "\x00")
			if !ok {
				t.Fatalf("sh ran something else: %q", rest)
			}
			rest = after
			if word == end {
				break
			}
			c.args = append(c.args, word)
		}
		if c.args[len(c.args)-1] == "@-" {
			n := strings.LastIndex(rest, "\x00")
			if len(commands) > 1 {
				n = strings.Index(rest, "\x00")
			}
			c.stdin, rest = rest[:n], rest[n:]
		}
		rest = strings.TrimPrefix(rest, "\x00")
		calls = append(calls, c)
	}
	if len(calls) != len(commands) {
		t.Fatalf("sh called curl %d times for %d commands", len(calls), len(commands))
	}
	return calls
}

// curlWrites is what curl writes for its arguments.
func curlWrites(t testing.TB, c call) string {
	t.Helper()
	var address, method, target, body string
	var headers []string
	post := false
	for i := 0; i < len(c.args); i++ {
		value := func() string {
			i++
			if i == len(c.args) {
				t.Fatalf("%q has no value", c.args[i-1])
			}
			return c.args[i]
		}
		switch c.args[i] {
		case "--disable", "--include", "--http1.1", "--globoff":
		case "--noproxy":
			if v := value(); v != "*" {
				t.Errorf("--noproxy %q", v)
			}
		case "--url":
			address = value()
		case "--request":
			method = value()
		case "--request-target":
			target = value()
		case "--header":
			headers = append(headers, value())
		case "--data-raw":
			post, body = true, value()
		case "--data-binary":
			post, body = true, c.stdin
			if v := value(); v != "@-" {
				t.Errorf("--data-binary %q", v)
			}
		default:
			t.Fatalf("curl is called with %q", c.args[i])
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("--url %q: %v", address, err)
	}
	if method == "" {
		method = map[bool]string{false: "GET", true: "POST"}[post]
	}
	if target == "" {
		target = u.RequestURI()
	}
	own := map[string]bool{"accept": true, "user-agent": true, "content-type": post}
	host := u.Host
	var lines strings.Builder
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			name, ok = strings.CutSuffix(h, ";")
			if !ok {
				t.Errorf("--header %q", h)
			}
			h, value = name+":", " an empty one"
		}
		own[strings.ToLower(name)] = false
		switch {
		case strings.EqualFold(name, "Host"):
			host = strings.TrimPrefix(value, " ")
		case strings.Trim(value, " \t") != "":
			lines.WriteString(h + "\r\n")
		}
	}
	for name, sends := range own {
		if sends {
			t.Errorf("curl would send its own %s", name)
		}
	}
	if post {
		lines.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + lines.String() + "\r\n" + body
}

// senderWrites is what the Sender writes: a test of its own package says so.
func senderWrites(t testing.TB, p campaign.Preview, secret func(name string) string) string {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(p.Method + " " + u.RequestURI() + " HTTP/1.1\r\n")
	for _, h := range p.Headers {
		value := h.Value
		if h.Secret != "" {
			value += secret(h.Secret)
		}
		if value != "" {
			value = " " + value
		}
		b.WriteString(h.Name + ":" + value + "\r\n")
	}
	return b.String() + "\r\n" + p.Body
}

func request(url, body string, hs ...campaign.Header) campaign.Request {
	return campaign.Request{ID: "msg_1", Method: "POST", URL: url, Body: []byte(body), Headers: hs}
}

const esp = "https://esp.example/"

// evilSecret is a value that no text of a command should hold.
const evilSecret = `s3cr3t "$(echo no)" 'x' \ ` + "`echo no`" + ` !! é %s`

func TestCurlThroughShell(t *testing.T) {
	value := func(v string) campaign.Header { return campaign.Header{Name: "X-Value", Value: v} }
	plain := []string{"--disable", "--include", "--http1.1", "--noproxy"}
	for _, test := range []struct {
		name    string
		request campaign.Request
		has     string // in the command
	}{
		{"nothing", request(esp, ""), "--data-raw ''"},
		{"GET", campaign.Request{Method: "GET", URL: esp + "?a=1&b=%27$(id)"}, "--url 'https://esp.example/?a=1&b=%27$(id)'"},
		{"GET with a body", campaign.Request{Method: "GET", URL: esp, Body: []byte("x")}, "--request 'GET'"},
		{"another method", campaign.Request{Method: "-o'x", URL: esp}, `--request '-o'\''x'`},
		{"quotes", request(esp, `'"'''"`, value(`it's "so"`)), `it'\''s "so"`},
		{"dollars", request(esp, "$HOME ${HOME} $(id) `id` $$", value("$HOME $(id)")), "--data-raw '$HOME ${HOME} $(id) `id` $$'"},
		{"backslashes", request(esp, `\ \\ \n \'`, value(`a\`)), ""},
		{"line breaks", request(esp, "\na\n\nb\n"), "--data-raw '\na\n\nb\n'"},
		{"tab", request(esp, "a\tb", value("a\tb")), `'X-Value: a'"$(printf '\011')"'b'`},
		{"tab at the end", request(esp, "", value("a\t\tb\t")), ""},
		{"what a terminal takes for keys", request(esp, "\x1b[2J\x03\x04\r\x7f\u009b%d\\"), `printf '\033[2J\003\004\015\177\302\233%%d\\' | `},
		{"NUL", request(esp, "a\x00b\x00"), `printf 'a\000b\000' | `},
		{"no UTF-8", request(esp, "a\xffb\xc3'", value("a\xff")), `printf 'a\377b\303'\''' | `},
		{"unicode", request(esp, "Zoë 👟 \u202e\u200d\ufffd", value("Zoë")), "--data-raw 'Zoë 👟"},
		{"a file's name", request(esp, "@/etc/passwd"), "--data-raw '@/etc/passwd'"},
		{"dashes", request(esp, "--next", campaign.Header{Name: "-x", Value: "--next"}), "--header '-x: --next'"},
		{"dashes by way of printf", request(esp, "-v\t"), `printf '\055v\011'`},
		{"percent signs", request(esp, "%s%%\n%d", value("100%")), "--data-raw '%s%%\n%d'"},
		{"exclamation marks", request(esp, "!! !x", value("hi !x")), ""},
		{"globs and comments", request(esp, "* ? [a] {a,b} ~ # ; & | < >", value("# * ~")), ""},
		{"empty value", request(esp, "", value(""), campaign.Header{Name: "Accept"}, campaign.Header{Name: "User-Agent"}), "--header 'X-Value;'"},
		{"Accept of its own", request(esp, "", campaign.Header{Name: "ACCEPT", Value: "*/*"}), ""},
		{"many bytes", request(esp, strings.Repeat("it's 100%\n", 30_000)), "{ printf 'it"},
		{"many bytes of more than one each", request(esp, "a"+strings.Repeat("👟", 30_000)), "; printf '👟"},
		{"many bytes that are no text", request(esp, strings.Repeat("\x80", 120_000)), `; printf '\200`},
		{"many dashes", request(esp, strings.Repeat("-", 120_000)), `; printf '\055-`},
		{"go-ahead", request(esp, strings.Repeat("x", 1025)), "--header 'Expect:'"},
		{"no path", request("https://esp.example?a=b", ""), "--url 'https://esp.example/?a=b'"},
		{"empty query", request(esp+"?", ""), "--request-target '/?'"},
		{"brackets", request(esp+"?filter[]=a|b&c={1-3}", ""), "--globoff --request-target '/?filter[]=a|b&c={1-3}'"},
		{"bar in the path", request(esp+"a|b", ""), "--url 'https://esp.example/a%7Cb'"},
		{"dots", request(esp+"a/../b/./c", ""), "--request-target '/a/../b/./c'"},
		{"dots in the query", request(esp+"a.b?c=d.e", ""), ""},
		{"escaped dots", request(esp+"a/%2E%2e/b", ""), "--request-target '/a/%2E%2e/b'"},
		{"capitals", request("HTTPS://ESP.Example/", ""), "--header 'Host: ESP.Example'"},
		{"usual port", request("https://esp.example:443/", ""), "--header 'Host: esp.example:443'"},
		{"usual port of http", request("http://esp.example:80/", ""), "--header 'Host: esp.example:80'"},
		{"other port", request("http://esp.example:443/", ""), ""},
		{"port of another length", request("https://esp.example:08443/", ""), "--header 'Host: esp.example:08443'"},
		{"IPv4", request("http://127.0.0.1:8080/", ""), ""},
		{"IPv4 of another form", request("http://127.1/", ""), "--header 'Host: 127.1'"},
		{"IPv6", request("http://[0::1]:8080/", ""), "--header 'Host: [0::1]:8080'"},
		{"final dot", request("https://esp.example./", ""), "--header 'Host: esp.example.'"},
		{"secret", request(esp, "", campaign.Header{Name: "X-Key", Secret: "KEY"}), `--header "X-Key: ${CAMPAIGN_KEY:?}"`},
		{"secret behind text", request(esp, "", campaign.Header{Name: "Authorization", Value: "Bearer ", Secret: "KEY"}), `--header "Authorization: Bearer ${CAMPAIGN_KEY:?}"`},
		{"secret behind strange text", request(esp, "", campaign.Header{Name: "X!`$", Value: `"'$x!\ `, Secret: "KEY"}), `!\ '"${CAMPAIGN_KEY:?}"`},
		{"secret behind a tab", request(esp, "", campaign.Header{Name: "X-Key", Value: "a\t", Secret: "KEY"}), ""},
		{"secret with another name", request(esp, "", campaign.Header{Name: "X-Key", Secret: "esp/api-key.v1"}), `"X-Key: ${CAMPAIGN_esp_api_key_v1:?set it to the secret esp/api-key.v1}"`},
		{"secret whose name is a command", request(esp, "", campaign.Header{Name: "X-Key", Secret: "x:-$(echo no)}`id`\""}), `"X-Key: ${CAMPAIGN_x____echo_no___id__:?}"`},
		{
			"secrets with almost the same name",
			request(
				esp, "", campaign.Header{Name: "X-1", Secret: "a-b"}, campaign.Header{Name: "X-2", Secret: "a_b"},
				campaign.Header{Name: "X-3", Secret: "a.b"}, campaign.Header{Name: "X-4", Secret: "a-b"},
			),
			// The one that the host has already stays what it is.
			"\"X-1: ${CAMPAIGN_a_b_:?set it to the secret a-b}\" \\\n  --header \"X-2: ${CAMPAIGN_a_b:?}\"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := test.request.Preview()
			command := p.Curl("CAMPAIGN_")
			if !strings.Contains(command, test.has) {
				t.Errorf("the command lacks %s:\n%s", test.has, command)
			}
			for word := range strings.SplitSeq(command, "; ") {
				if len(word) > 128<<10 {
					t.Errorf("an argument has %d bytes", len(word))
				}
			}
			secrets := map[string]string{
				"CAMPAIGN_KEY": "KEY", "CAMPAIGN_a_b": "a_b", "CAMPAIGN_a_b_": "a-b", "CAMPAIGN_a_b__": "a.b",
				"CAMPAIGN_esp_api_key_v1": "esp/api-key.v1", "CAMPAIGN_x____echo_no___id__": "x:-$(echo no)}`id`\"",
			}
			var env []string
			for variable, name := range secrets {
				env = append(env, variable+"="+evilSecret+name)
			}
			c := argumentsOf(t, env, command)[0]
			if diff := cmp.Diff(plain, c.args[:len(plain)]); diff != "" {
				t.Errorf("curl begins with other options (-want +got):\n%s", diff)
			}
			want := senderWrites(t, p, func(name string) string { return evilSecret + name })
			if diff := cmp.Diff(want, curlWrites(t, c)); diff != "" {
				t.Errorf("curl would write (-want +got):\n%s\nwith the command:\n%s", diff, command)
			}
		})
	}
}

// Without a prefix, and with one that is no name.
func TestCurlVariables(t *testing.T) {
	for _, test := range []struct{ prefix, secret, want string }{
		{"", "KEY", "${KEY:?}"},
		{"", "2nd", "${_2nd:?set it to the secret 2nd}"},
		{"my-", "KEY", "${my_KEY:?set it to the secret KEY}"},
		{"1", "KEY", "${_1KEY:?set it to the secret KEY}"},
		{"é$(id)", "KEY", "${____id_KEY:?set it to the secret KEY}"},
	} {
		command := request(esp, "", campaign.Header{Name: "X-Key", Secret: test.secret}).Preview().Curl(test.prefix)
		if !strings.Contains(command, test.want) {
			t.Errorf("Curl(%q) with the secret %q lacks %s:\n%s", test.prefix, test.secret, test.want, command)
		}
	}
}

// A request without its secret is another request: curl would leave out the header.
func TestCurlNeedsItsSecrets(t *testing.T) {
	for secret, want := range map[string]string{"KEY": "NOT_SET_KEY", "a/key": "set it to the secret a/key"} {
		command := request(esp, "", campaign.Header{Name: "X-Key", Secret: secret}).Preview().Curl("NOT_SET_")
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "curl() { echo called; }\n"+command)
		out, err := cmd.CombinedOutput()
		if err == nil || strings.Contains(string(out), "called") || !strings.Contains(string(out), want) {
			t.Errorf("without the secret %s, sh says: %v, %s; want an error with %q, and curl not called", secret, err, out, want)
		}
	}
}

// No text that a visit or a campaign can hold gets out of its quotes.
func TestCurlQuoting(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	pieces := []string{
		"'", `"`, "$", "`", `\`, "!", "%", "\n", "\t", " ", "-", "@", "#", "~", "*", "a", "é", "👟", "\u0085", "\xff",
		"$(", ")", "${", "}", "''", `'\''`, `\n`, "%s", "&&", ";", "|", "<<EOF\n", "\x1b", "\r", "\u2028",
	}
	text := func(without string) string {
		var b strings.Builder
		for range random.IntN(12) {
			if piece := pieces[random.IntN(len(pieces))]; !strings.ContainsAny(piece, without) {
				b.WriteString(piece)
			}
		}
		return b.String()
	}
	var previews []campaign.Preview
	var commands []string
	for range 500 {
		p := request(
			esp+"?"+url.QueryEscape(text("")), text(""),
			campaign.Header{Name: "X-A", Value: "[" + text("\n") + "]"},
			campaign.Header{Name: "X-Key", Value: text("\n"), Secret: "KEY"},
		).Preview()
		previews, commands = append(previews, p), append(commands, p.Curl("CAMPAIGN_"))
	}
	for i, c := range argumentsOf(t, []string{"CAMPAIGN_KEY=" + evilSecret}, commands...) {
		want := senderWrites(t, previews[i], func(string) string { return evilSecret })
		if diff := cmp.Diff(want, curlWrites(t, c)); diff != "" {
			t.Fatalf("seed %d, command %d: curl would write (-want +got):\n%s\nwith the command:\n%s", seed, i, diff, commands[i])
		}
	}
}

func FuzzCurl(f *testing.F) {
	f.Add("?a=b", "X-A", "it's", "a.b", "PRE_", "$(id)\n")
	f.Add("a/../b?[", "-x", "\t!", "1", "", "-\x00%\\")
	f.Fuzz(func(t *testing.T, path, name, value, secret, prefix, body string) {
		u, err := url.Parse(esp + path)
		if err != nil || u.Host != "esp.example" || strings.ContainsAny(path, " #") {
			return
		}
		// What a Sender refuses may be written as curl likes; it must not get
		// out of its quotes even so. A name has to be one for the model of curl.
		if strings.ContainsAny(name, ":;\r\n\x00 \t") || name == "" || strings.ContainsAny(value, "\x00") {
			return
		}
		for _, special := range []string{"Host", "Content-Length", "Accept", "User-Agent", "Content-Type"} {
			if strings.EqualFold(name, special) {
				return
			}
		}
		p := request(esp+path, body, campaign.Header{Name: name, Value: "[" + value + "]"}, campaign.Header{Name: "X-Key", Secret: secret}).Preview()
		command := p.Curl(prefix)
		// What variable it is can be read in the command alone.
		_, after, ok := strings.Cut(command, `"X-Key: ${`)
		variable, _, _ := strings.Cut(after, ":?")
		var env []string
		if ok && secret != "" {
			env = []string{fmt.Sprintf("%s=%s", variable, evilSecret)}
		}
		switch variable {
		case "_", "IFS", "PATH", "PPID", "OPTIND", "PWD", "LINENO":
			return // the shell's own
		}
		want := senderWrites(t, p, func(string) string { return evilSecret })
		if diff := cmp.Diff(want, curlWrites(t, argumentsOf(t, env, command)[0])); diff != "" {
			t.Errorf("curl would write (-want +got):\n%s\nwith the command:\n%s", diff, command)
		}
	})
}

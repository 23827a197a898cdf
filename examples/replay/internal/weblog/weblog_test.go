package weblog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign/examples/replay/internal/weblog"
)

// noon is the time of every line here.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const tail = ` 200 512 "https://shop.example/" "Mozilla/5.0"`

// entry returns the entry of a GET of target with the tail above.
func entry(target string) weblog.Entry {
	return weblog.Entry{
		Host: "203.0.113.7", Time: noon, Method: "GET", Target: target, Protocol: "HTTP/1.1",
		Status: 200, Size: 512, Referrer: "https://shop.example/", Agent: "Mozilla/5.0",
	}
}

func TestParse(t *testing.T) {
	const head = `203.0.113.7 - - [02/Mar/2026:12:00:00 +0000] `
	with := func(change func(*weblog.Entry)) weblog.Entry {
		e := entry("/")
		change(&e)
		return e
	}
	for _, test := range []struct {
		name, line string
		want       weblog.Entry
	}{
		{"ordinary", head + `"GET /shoes/?a=1 HTTP/1.1"` + tail, entry("/shoes/?a=1")},
		{
			"nothing known", `shop.example - - [02/Mar/2026:12:00:00 +0000] "-" 408 - "-" "-"`,
			weblog.Entry{Host: "shop.example", Time: noon, Status: 408},
		},
		{
			"empty fields", head + `"GET / HTTP/1.1" 200 0 "" ""`,
			weblog.Entry{Host: "203.0.113.7", Time: noon, Method: "GET", Target: "/", Protocol: "HTTP/1.1", Status: 200},
		},
		{
			"IPv6", `2001:db8::7 - - [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"` + tail,
			with(func(e *weblog.Entry) { e.Host = "2001:db8::7" }),
		},
		{
			"zone to the east", `203.0.113.7 - - [02/Mar/2026:17:30:00 +0530] "GET / HTTP/1.1"` + tail,
			entry("/"),
		},
		{
			"zone to the west, day before", `203.0.113.7 - - [01/Mar/2026:23:30:00 -1230] "GET / HTTP/1.1"` + tail,
			entry("/"),
		},
		{
			"user", `203.0.113.7 - ada [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"` + tail,
			with(func(e *weblog.Entry) { e.User = "ada" }),
		},
		{
			"identity", `203.0.113.7 id ada [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"` + tail,
			with(func(e *weblog.Entry) { e.User = "ada" }),
		},
		{
			"user with spaces, brackets and a quote", `203.0.113.7 - ada [x] \"of\" [1] [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"` + tail,
			with(func(e *weblog.Entry) { e.User = `ada [x] "of" [1]` }),
		},
		{
			"user that is empty", `203.0.113.7 - "" [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1"` + tail,
			entry("/"),
		},
		{"no protocol", head + `"GET /"` + tail, with(func(e *weblog.Entry) { e.Protocol = "" })},
		{"spaces in the target", head + `"GET /a b  c HTTP/1.1"` + tail, entry("/a b  c")},
		{"more spaces than needed", head + `"GET   /a   HTTP/1.1"` + tail, entry("/a")},
		{"absolute form", head + `"GET http://shop.example/a HTTP/1.1"` + tail, entry("http://shop.example/a")},
		{"no target", head + `"GET HTTP/1.1"` + tail, entry("")},
		{"escaped quotes", head + `"GET /a?q=\"b\" HTTP/1.1"` + tail, entry(`/a?q="b"`)},
		{"escaped backslash before the end", head + `"GET / HTTP/1.1" 200 512 "https://shop.example/" "Mozilla/5.0\\"`, with(func(e *weblog.Entry) { e.Agent = `Mozilla/5.0\` })},
		{"bytes in hexadecimal", head + `"GET /\xc3\xA4\x22\x5c HTTP/1.1"` + tail, entry("/\u00e4\"\\")},
		{"letters as escapes", head + `"GET /\t\n\r\b\v\f HTTP/1.1"` + tail, entry("/\t\n\r\b\v\f")},
		{"escapes that are none", head + `"GET /\q\x4\xzz\C HTTP/1.1"` + tail, entry(`/\q\x4\xzz\C`)},
		{"escape at the end of a field", head + `"GET / HTTP/1.1" 200 512 "https://shop.example/" "Mozilla/5.0\x4"`, with(func(e *weblog.Entry) { e.Agent = `Mozilla/5.0\x4` })},
		{
			"TLS spoken to a plain port", head + `"\x16\x03\x01\x02" 400 226 "-" "-"`,
			weblog.Entry{Host: "203.0.113.7", Time: noon, Method: "\x16\x03\x01\x02", Status: 400, Size: 226},
		},
		{"fields appended", head + `"GET / HTTP/1.1"` + tail + ` "10.0.0.1" 0.004`, entry("/")},
		{"no size", head + `"GET / HTTP/1.1" 204 - "-" "Mozilla/5.0"`, with(func(e *weblog.Entry) { e.Status, e.Size, e.Referrer = 204, 0, "" })},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := weblog.Parse(test.line)
			if err != nil {
				t.Fatalf("Parse(%q) = %v", test.line, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", test.line, diff)
			}
		})
	}
}

func TestParseError(t *testing.T) {
	const head = `203.0.113.7 - - [02/Mar/2026:12:00:00 +0000] `
	const get = `"GET / HTTP/1.1"`
	for _, test := range []struct{ line, want string }{
		{"", "is empty"},
		{" \t", "is empty"},
		{"some text that is no log", "no time"},
		{"\x00\x00\x00", "address"},
		{` - - [02/Mar/2026:12:00:00 +0000] ` + get + tail, "address"},
		{`- - - [02/Mar/2026:12:00:00 +0000] ` + get + tail, "address"},
		{"203.0.113.7\x1b - - [02/Mar/2026:12:00:00 +0000] " + get + tail, "address"},
		{`203.0.113.7 - [02/Mar/2026:12:00:00 +0000] ` + get + tail, "no time"},
		{`203.0.113.7  - [02/Mar/2026:12:00:00 +0000] ` + get + tail, "three fields"},
		{`shop.example:443 203.0.113.7 - - [02/Mar/2026:12:00:00 +0000] ` + get + tail, "three fields"},
		{`203.0.113.7 - - [02/Mar/2026:12:00:00] ` + get + tail, "no time"},
		{`203.0.113.7 - - 02/Mar/2026:12:00:00 +0000 ` + get + tail, "no time"},
		{`203.0.113.7 - - [30/Feb/2026:12:00:00 +0000] ` + get + tail, "does not exist"},
		{`203.0.113.7 - - [02/Mar/2026:25:00:00 +0000] ` + get + tail, "does not exist"},
		{`203.0.113.7 - - [02/Foo/2026:12:00:00 +0000] ` + get + tail, "does not exist"},
		{`203.0.113.7 - - [-] "GET /[02/Mar/2026:12:00:00 +0000] "` + tail, "no time"},
		{head, "no time"},
		{head + `"GET /shoes/`, "within the request"},
		{head + `"GET /shoes/\"`, "within the request"},
		{head + get, "status"},
		{head + get + ` 20`, "status"},
		{head + get + ` 2000 1 "-" "-"`, "status"},
		{head + get + ` +20 1 "-" "-"`, "status"},
		{head + get + ` 099 1 "-" "-"`, "status"},
		{head + get + ` -`, "status"},
		{head + get + ` 200`, "size"},
		{head + get + ` 200 x "-" "-"`, "size"},
		{head + get + ` 200 -1 "-" "-"`, "size"},
		{head + get + ` 200 99999999999999999999 "-" "-"`, "size"},
		{head + get + ` 200 512`, "ends before the referrer"},
		{head + get + ` 200 512 -`, "quote before the referrer"},
		{head + get + ` 200 512 "https://shop`, "within the referrer"},
		{head + get + ` 200 512 "-"`, "ends before the user agent"},
		{head + get + ` 200 512 "-" "Mozilla/5.0 (comp`, "within the user agent"},
		{head + get + ` 200 512 "-" "Mozilla/5.0\"`, "within the user agent"},
		{head + get + ` 200 512 "-" "a "quoted" word"`, "quote within the user agent"},
	} {
		got, err := weblog.Parse(test.line)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", test.line, err, test.want)
		}
		if diff := cmp.Diff(weblog.Entry{}, got); diff != "" {
			t.Errorf("Parse(%q) with an error (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestIsVisit(t *testing.T) {
	visit := func(method, target string, status int) weblog.Entry {
		return weblog.Entry{Method: method, Target: target, Status: status}
	}
	for _, test := range []struct {
		entry weblog.Entry
		want  bool
	}{
		{visit("GET", "/", 200), true},
		{visit("GET", "/shoes/?size=42", 206), true},
		{visit("GET", "/shoes", 299), true},
		{visit("GET", "/shoes", 301), false},
		{visit("GET", "/shoes", 304), false},
		{visit("GET", "/shoes", 404), false},
		{visit("GET", "/shoes", 199), false},
		{visit("HEAD", "/shoes", 200), false},
		{visit("POST", "/shoes", 200), false},
		{visit("get", "/shoes", 200), false},
		{visit("", "", 200), false},
		{visit("GET", "", 200), false},
		{visit("GET", "/a.css", 200), false},
		{visit("GET", "/a.CsS", 200), false},
		{visit("GET", "/a.css?v=1", 200), false},
		{visit("GET", "/a.css#x", 200), false},
		{visit("GET", "/.css", 200), false},
		{visit("GET", "/a.min.js", 200), false},
		{visit("GET", "/a.woff2", 200), false},
		{visit("GET", "/a?file=b.css", 200), true},
		{visit("GET", "/a.css/", 200), true},
		{visit("GET", "/a.css/b", 200), true},
		{visit("GET", "/css", 200), true},
		{visit("GET", "/a.html", 200), true},
		{visit("GET", "/a.json", 200), true},
		{visit("GET", "/a.cssx", 200), true},
		{visit("GET", "/a.", 200), true},
		{visit("GET", "http://shop.mov", 200), true},
		{visit("GET", "http://shop.mov/", 200), true},
		{visit("GET", "http://shop.example/a.mov", 200), false},
		{visit("GET", "/see/http://shop.example/a.mov", 200), false},
	} {
		if got := test.entry.IsVisit(); got != test.want {
			t.Errorf("%s %s, %d: IsVisit() = %v, want %v", test.entry.Method, test.entry.Target, test.entry.Status, got, test.want)
		}
	}
	for ext := range strings.FieldsSeq("css js mjs map png jpg jpeg gif webp avif svg ico cur bmp tif tiff " +
		"woff woff2 ttf otf eot mp3 ogg oga wav flac m4a mp4 m4v webm ogv mov avi swf") {
		if e := visit("GET", "/x/a."+strings.ToUpper(ext), 200); e.IsVisit() {
			t.Errorf("GET %s: IsVisit() = true, want false", e.Target)
		}
	}
}

func TestBrowserURL(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{"", ""},
		{"/shoes/?a=%20b#c", "/shoes/?a=%20b#c"},
		{"/a b\t\x7f", "/a%20b%09%7F"},
		{"\xe4/", "%E4/"},
		{"/stra\u00dfe/x", "/stra%C3%9Fe/x"},
	} {
		if got := weblog.BrowserURL(test.raw); got != test.want {
			t.Errorf("BrowserURL(%q) = %q, want %q", test.raw, got, test.want)
		}
	}
}

// compressed returns text as gzip, in as many members as there are parts.
func compressed(t *testing.T, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts {
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func line(target string) string {
	return `203.0.113.7 - - [02/Mar/2026:12:00:00 +0000] "GET ` + target + ` HTTP/1.1"` + tail
}

// readAll returns the targets that r holds, in place of each line that cannot
// be read its number and reason, and the error that ended it, if not io.EOF.
func readAll(t *testing.T, in io.Reader) ([]string, error) {
	t.Helper()
	r, err := weblog.NewReader(in)
	if err != nil {
		return nil, err
	}
	var got []string
	for {
		l, err := r.Next()
		if err != nil {
			if _, again := r.Next(); !errors.Is(again, err) {
				t.Errorf("Next after its error %v = %v, want the same", err, again)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return got, err
		}
		var e weblog.Entry
		if l.Err == nil {
			e, l.Err = weblog.Parse(l.Text)
		}
		if l.Err != nil {
			got = append(got, fmt.Sprintf("%d: %v", l.Number, l.Err))
			continue
		}
		got = append(got, e.Target)
	}
}

func TestReader(t *testing.T) {
	two := line("/a") + "\n" + line("/b") + "\n"
	for _, test := range []struct {
		name string
		in   string
		want []string
	}{
		{"nothing", "", nil},
		{"one byte", "x", []string{"1: has no time such as [02/Mar/2026:09:14:07 +0100] before the request"}},
		{"two lines", two, []string{"/a", "/b"}},
		{"no line break at the end", strings.TrimSuffix(two, "\n"), []string{"/a", "/b"}},
		{"CRLF", strings.ReplaceAll(two, "\n", "\r\n"), []string{"/a", "/b"}},
		{"byte order mark", "\ufeff" + two, []string{"/a", "/b"}},
		{"empty lines", "\n" + line("/a") + "\n\r\n", []string{"1: is empty", "/a", "3: is empty"}},
		{"gzip", string(compressed(t, two)), []string{"/a", "/b"}},
		{"gzip of nothing", string(compressed(t, "")), nil},
		{"gzip in two members, split within a line", string(compressed(t, two[:20], two[20:])), []string{"/a", "/b"}},
		{
			"a line of the greatest length", line("/"+strings.Repeat("a", 1<<20-len(line("/")))) + "\r\n" + line("/b"),
			[]string{"/" + strings.Repeat("a", 1<<20-len(line("/"))), "/b"},
		},
		{
			"lines that are too long", line("/"+strings.Repeat("a", 1<<20)) + "\n" + line("/b") + "\n" + strings.Repeat("x", 3<<20),
			[]string{"1: is longer than 1048576 bytes", "/b", "3: is longer than 1048576 bytes"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{
				"at once":      strings.NewReader(test.in),
				"in halves":    iotest.HalfReader(strings.NewReader(test.in)),
				"EOF with end": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				got, err := readAll(t, in)
				if err != nil {
					t.Errorf("%s: %v", how, err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s: lines (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// TestReaderDamaged cuts and changes gzip data at every place: what was whole
// before is read, and an error tells of the rest.
func TestReaderDamaged(t *testing.T) {
	whole := compressed(t, line("/a")+"\n"+line("/b")+"\n"+line("/c")+"\n")
	wantErr := func(what string, data []byte) {
		t.Helper()
		got, err := readAll(t, bytes.NewReader(data))
		if err == nil || !strings.Contains(err.Error(), "the gzip data is damaged") {
			t.Errorf("%s: error = %v with lines %q, want that the gzip data is damaged", what, err, got)
		}
	}
	for n := 2; n < len(whole); n++ {
		wantErr(fmt.Sprintf("cut to %d bytes", n), whole[:n])
	}
	changed := bytes.Clone(whole)
	changed[len(changed)-5] ^= 1 // of the checksum
	wantErr("changed checksum", changed)
	wantErr("text behind the end", append(bytes.Clone(whole), "more"...))

	long := compressed(t, strings.Repeat(line("/a")+"\n", 5000))
	got, err := readAll(t, bytes.NewReader(long[:len(long)/2]))
	if err == nil || len(got) < 1000 {
		t.Fatalf("half of the data: %d lines, error %v; want the lines of that half, and an error", len(got), err)
	}
	if got[0] != "/a" || got[len(got)-2] != "/a" || !strings.Contains(got[len(got)-1], "cut short") {
		t.Errorf("half of the data: the last lines are %q, want a whole one and one cut short", got[len(got)-2:])
	}
}

func TestReaderError(t *testing.T) {
	broken := errors.New("the disk is gone")
	got, err := readAll(t, io.MultiReader(strings.NewReader(line("/a")+"\n"+line("/b")), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
	want := []string{"/a", "2: is cut short where the log cannot be read on"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if _, err := weblog.NewReader(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("NewReader = %v, want %v", err, broken)
	}
}

func TestReaderFirst(t *testing.T) {
	for in, want := range map[string]byte{
		"":                              0,
		" \r\n":                         0,
		line("/a"):                      '2',
		"\ufeff\n\t {":                  '{',
		string(compressed(t, " {}")):    '{',
		strings.Repeat(" ", 5000) + "{": 0,
	} {
		r, err := weblog.NewReader(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := r.First(); got != want {
				t.Errorf("First of %.20q = %q, want %q", in, got, want)
			}
		}
	}
}

// FuzzParse holds that what is accepted can be written again, in the most
// escaped way there is, and read as the same entry.
func FuzzParse(f *testing.F) {
	f.Add(line("/shoes/"))
	f.Add(`2001:db8::7 id ada \"b\" [02/Mar/2026:12:00:00 -0930] "\x16\x03" 400 - "-" "\\" 1 2`)
	f.Add(`a - "" [31/Dec/1999:23:59:59 +0000] "GET HTTP/1.1" 200 0 "" "-"`)
	f.Fuzz(func(t *testing.T, in string) {
		e, err := weblog.Parse(in)
		if err != nil {
			if diff := cmp.Diff(weblog.Entry{}, e); diff != "" {
				t.Errorf("Parse(%q) with the error %v (-want +got):\n%s", in, err, diff)
			}
			return
		}
		if e.Host == "" || e.Time.IsZero() || e.Status < 100 || e.Status > 999 || e.Size < 0 {
			t.Errorf("Parse(%q) = %+v", in, e)
		}
		again, err := weblog.Parse(write(e))
		if err != nil {
			t.Fatalf("Parse(%q) of what is equal to %q = %v", write(e), in, err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Errorf("Parse(%q), then of %q (-first +again):\n%s", in, write(e), diff)
		}
		for _, r := range weblog.BrowserURL(e.Target) {
			if r <= ' ' || r >= 0x7f {
				t.Fatalf("BrowserURL(%q) has %q", e.Target, r)
			}
		}
	})
}

// write returns a line that says what e says.
func write(e weblog.Entry) string {
	escape := func(s string) string {
		if s == "" {
			return "-"
		}
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
		return b.String()
	}
	request := strings.TrimSuffix(e.Method+" "+e.Target+" "+e.Protocol, " ")
	return fmt.Sprintf(`%s - %s [%s] "%s" %d %d "%s" "%s"`, e.Host, escape(e.User),
		e.Time.Format("02/Jan/2006:15:04:05 -0700"), escape(request), e.Status, e.Size, escape(e.Referrer), escape(e.Agent))
}

package campaign_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// address is what the page fields say of one visit. An absent part is "-".
type address struct {
	Scheme, Host, Path, Fragment, URL string
}

const absent = "-"

// readAddress reads the page fields of a visit through a payload, which shows
// what is there where a condition would say no.
func readAddress(t testing.TB, rawURL string) (address, error) {
	t.Helper()
	got := map[string]string{}
	err := renderFields(t, campaign.PageVisit{URL: rawURL}, &got,
		campaign.PageScheme, campaign.PageHost, campaign.PagePath, campaign.PageFragment, campaign.PageURL)
	if err != nil {
		return address{}, err
	}
	part := func(f campaign.Field) string {
		if s, ok := got[string(f)]; ok {
			return s
		}
		return absent
	}
	return address{
		part(campaign.PageScheme), part(campaign.PageHost), part(campaign.PagePath),
		part(campaign.PageFragment), part(campaign.PageURL),
	}, nil
}

// renderFields reads fields of a visit into got, under their full names.
func renderFields(t testing.TB, visit campaign.PageVisit, got any, fields ...campaign.Field) error {
	t.Helper()
	c := campaign.Campaign{ID: "fields", Nodes: []campaign.Node{
		campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
		campaign.Webhook{Method: "POST", URL: "https://hooks.example/"},
		campaign.Stop{},
	}}
	var payload campaign.Payload
	for _, f := range fields {
		payload = append(payload, campaign.From(f).Named(strings.ReplaceAll(string(f), ".", `\.`)))
	}
	hook := c.Nodes[1].(campaign.Webhook)
	hook.Payload = payload
	c.Nodes[1] = hook
	requests, err := c.Render(visit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(requests[0].Body, got); err != nil {
		t.Fatalf("body %s: %v", requests[0].Body, err)
	}
	return nil
}

func TestAddressParts(t *testing.T) {
	tests := []struct {
		in   string
		want address
	}{
		// What most visits look like.
		{"https://shop.example/shoes/42", address{"https", "shop.example", "/shoes/42", "-", "https://shop.example/shoes/42"}},
		{"http://shop.example/", address{"http", "shop.example", "/", "-", "http://shop.example/"}},
		{"https://shop.example/a?b=c", address{"https", "shop.example", "/a", "-", "https://shop.example/a?b=c"}},
		{"https://shop.example/a?b=c#d", address{"https", "shop.example", "/a", "d", "https://shop.example/a?b=c"}},
		{"https://shop-1.example.com/a_b/c-d~e", address{"https", "shop-1.example.com", "/a_b/c-d~e", "-", "https://shop-1.example.com/a_b/c-d~e"}},
		{"https://my_shop.example/", address{"https", "my_shop.example", "/", "-", "https://my_shop.example/"}},
		{"https://localhost/", address{"https", "localhost", "/", "-", "https://localhost/"}},
		{"https://-/", address{"https", "-", "/", "-", "https://-/"}},

		// No path.
		{"https://shop.example", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://shop.example?q=1", address{"https", "shop.example", "/", "-", "https://shop.example/?q=1"}},
		{"https://shop.example#top", address{"https", "shop.example", "/", "top", "https://shop.example/"}},
		{"https://shop.example?q=1#top", address{"https", "shop.example", "/", "top", "https://shop.example/?q=1"}},
		{"https://shop.example?", address{"https", "shop.example", "/", "-", "https://shop.example/?"}},
		{"https://shop.example/?", address{"https", "shop.example", "/", "-", "https://shop.example/?"}},
		{"https://shop.example/#", address{"https", "shop.example", "/", "", "https://shop.example/"}},

		// Upper case.
		{"HTTPS://shop.example/A", address{"https", "shop.example", "/A", "-", "https://shop.example/A"}},
		{"https://SHOP.Example/A?B=C#D", address{"https", "shop.example", "/A", "D", "https://shop.example/A?B=C"}},
		{"hTTp://A/", address{"http", "a", "/", "-", "http://a/"}},

		// Ports.
		{"https://shop.example:443/a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"http://shop.example:80/a", address{"http", "shop.example", "/a", "-", "http://shop.example/a"}},
		{"ws://shop.example:80/a", address{"ws", "shop.example", "/a", "-", "ws://shop.example/a"}},
		{"wss://shop.example:443/a", address{"wss", "shop.example", "/a", "-", "wss://shop.example/a"}},
		{"ftp://shop.example:21/a", address{"ftp", "shop.example", "/a", "-", "ftp://shop.example/a"}},
		{"http://shop.example:443/", address{"http", "shop.example:443", "/", "-", "http://shop.example:443/"}},
		{"https://shop.example:80/", address{"https", "shop.example:80", "/", "-", "https://shop.example:80/"}},
		{"https://shop.example:8443", address{"https", "shop.example:8443", "/", "-", "https://shop.example:8443/"}},
		{"https://shop.example:/a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"https://shop.example:0/", address{"https", "shop.example:0", "/", "-", "https://shop.example:0/"}},
		{"https://shop.example:00443/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://shop.example:0000000000000000000000080/", address{"https", "shop.example:80", "/", "-", "https://shop.example:80/"}},
		{"https://shop.example:65535/", address{"https", "shop.example:65535", "/", "-", "https://shop.example:65535/"}},
		{"https://shop.example:8080?q", address{"https", "shop.example:8080", "/", "-", "https://shop.example:8080/?q"}},
		{"https://shop.example:8080#f", address{"https", "shop.example:8080", "/", "f", "https://shop.example:8080/"}},
		{"app://shop.example:443/a", address{"app", "shop.example:443", "/a", "-", "app://shop.example:443/a"}},

		// User information is nobody's business.
		{"https://ann@shop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://ann:pass@shop.example:444/x", address{"https", "shop.example:444", "/x", "-", "https://shop.example:444/x"}},
		{"https://ann:p@ss@shop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://:@shop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://@shop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://ann%40x@shop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://shop.example/@ann", address{"https", "shop.example", "/@ann", "-", "https://shop.example/@ann"}},
		{"https://shop.example?@ann:1", address{"https", "shop.example", "/", "-", "https://shop.example/?@ann:1"}},

		// IPv4, in all the forms that browsers read.
		{"http://127.0.0.1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://127.0.0.1:3000/x", address{"http", "127.0.0.1:3000", "/x", "-", "http://127.0.0.1:3000/x"}},
		{"http://127.1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://127.0.1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://0x7f.1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://0X7F.0.0.0x1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://0177.0.0.01/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://2130706433/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://0x7f000001/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://192.168.257/", address{"http", "192.168.1.1", "/", "-", "http://192.168.1.1/"}},
		{"http://256/", address{"http", "0.0.1.0", "/", "-", "http://0.0.1.0/"}},
		{"http://0x/", address{"http", "0.0.0.0", "/", "-", "http://0.0.0.0/"}},
		{"http://10.0.0.1./", address{"http", "10.0.0.1", "/", "-", "http://10.0.0.1/"}},
		{"http://4294967295/", address{"http", "255.255.255.255", "/", "-", "http://255.255.255.255/"}},
		{"http://%30x7f.1/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://１２７.１/", address{"http", "127.0.0.1", "/", "-", "http://127.0.0.1/"}},
		{"http://1.2.3.4.example/", address{"http", "1.2.3.4.example", "/", "-", "http://1.2.3.4.example/"}},
		{"http://4ever.example/", address{"http", "4ever.example", "/", "-", "http://4ever.example/"}},
		{"http://shop.4ever/", address{"http", "shop.4ever", "/", "-", "http://shop.4ever/"}},
		{"http://shop.0b1/", address{"http", "shop.0b1", "/", "-", "http://shop.0b1/"}},
		{"app://127.1/", address{"app", "127.1", "/", "-", "app://127.1/"}},

		// IPv6.
		{"http://[::1]/", address{"http", "[::1]", "/", "-", "http://[::1]/"}},
		{"http://[::1]:80/", address{"http", "[::1]", "/", "-", "http://[::1]/"}},
		{"http://[::1]:8080/", address{"http", "[::1]:8080", "/", "-", "http://[::1]:8080/"}},
		{"http://[2001:DB8:0:0:0:0:0:1]/", address{"http", "[2001:db8::1]", "/", "-", "http://[2001:db8::1]/"}},
		{"http://[1:0:0:2:0:0:0:3]/", address{"http", "[1:0:0:2::3]", "/", "-", "http://[1:0:0:2::3]/"}},
		{"http://[0:0:1:0:0:1:0:0]/", address{"http", "[::1:0:0:1:0:0]", "/", "-", "http://[::1:0:0:1:0:0]/"}},
		{"http://[1:0:2:3:4:5:6:7]/", address{"http", "[1:0:2:3:4:5:6:7]", "/", "-", "http://[1:0:2:3:4:5:6:7]/"}},
		{"http://[::ffff:192.0.2.1]/", address{"http", "[::ffff:c000:201]", "/", "-", "http://[::ffff:c000:201]/"}},
		{"http://[::192.0.2.1]/", address{"http", "[::c000:201]", "/", "-", "http://[::c000:201]/"}},
		{"http://ann@[::1]/", address{"http", "[::1]", "/", "-", "http://[::1]/"}},

		// Hosts that are escaped, or in Unicode.
		{"https://sh%6fp.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://SH%4FP.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://bücher.example/", address{"https", "xn--bcher-kva.example", "/", "-", "https://xn--bcher-kva.example/"}},
		{"https://BÜCHER.example/", address{"https", "xn--bcher-kva.example", "/", "-", "https://xn--bcher-kva.example/"}},
		{"https://b%C3%BCcher.example/", address{"https", "xn--bcher-kva.example", "/", "-", "https://xn--bcher-kva.example/"}},
		{"https://xn--b39h.ws/", address{"https", "xn--b39h.ws", "/", "-", "https://xn--b39h.ws/"}},                // an emoji of Unicode 16
		{"https://xn--8g0n.example/", address{"https", "xn--8g0n.example", "/", "-", "https://xn--8g0n.example/"}}, // a letter of Unicode 15.1
		{"https://xn--uvc4esb1fu40i.example/", address{"https", "xn--uvc4esb1fu40i.example", "/", "-", "https://xn--uvc4esb1fu40i.example/"}},
		{"https://xn--dmc4by94h.example/", address{"https", "xn--dmc4by94h.example", "/", "-", "https://xn--dmc4by94h.example/"}},
		{"https://xn--bcher-kva.example/", address{"https", "xn--bcher-kva.example", "/", "-", "https://xn--bcher-kva.example/"}},
		{"https://XN--BCHER-KVA.example/", address{"https", "xn--bcher-kva.example", "/", "-", "https://xn--bcher-kva.example/"}},
		{"https://straße.example/", address{"https", "xn--strae-oqa.example", "/", "-", "https://xn--strae-oqa.example/"}},
		{"https://STRAẞE.example/", address{"https", "xn--strae-oqa.example", "/", "-", "https://xn--strae-oqa.example/"}},
		{"https://例え。テスト/", address{"https", "xn--r8jz45g.xn--zckzah", "/", "-", "https://xn--r8jz45g.xn--zckzah/"}},
		{"https://ｓｈｏｐ．ｅｘａｍｐｌｅ/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://sh\u00adop.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://sh\u200bop\u2060.example/", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://☃.example/", address{"https", "xn--n3h.example", "/", "-", "https://xn--n3h.example/"}},
		{"https://💩.example/", address{"https", "xn--ls8h.example", "/", "-", "https://xn--ls8h.example/"}},
		{"https://İ.example/", address{"https", "xn--i-9bb.example", "/", "-", "https://xn--i-9bb.example/"}},
		{"https://a--b.example/", address{"https", "a--b.example", "/", "-", "https://a--b.example/"}},
		{"https://shop.example./", address{"https", "shop.example.", "/", "-", "https://shop.example./"}},
		{"https://a..b/", address{"https", "a..b", "/", "-", "https://a..b/"}},
		{"https://a!$&'()*+,;=~b/", address{"https", "a!$&'()*+,;=~b", "/", "-", "https://a!$&'()*+,;=~b/"}},

		// Slashes as people type them.
		{"https:shop.example/a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"https:/shop.example/a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"https:///shop.example/a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"https:////shop.example//a", address{"https", "shop.example", "//a", "-", "https://shop.example//a"}},
		{`https:\\shop.example\a\b`, address{"https", "shop.example", "/a/b", "-", "https://shop.example/a/b"}},
		{`https://shop.example\a`, address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{`https://shop.example/a\b?c\d#e\f`, address{"https", "shop.example", "/a/b", `e\f`, `https://shop.example/a/b?c\d`}},
		{`https://shop.example/a\..\b`, address{"https", "shop.example", "/b", "-", "https://shop.example/b"}},
		{`https://ann\@shop.example/`, address{"https", "ann", "/@shop.example/", "-", "https://ann/@shop.example/"}},
		{`app://host/a\b`, address{"app", "host", `/a\b`, "-", `app://host/a\b`}},
		{`/a\b`, address{"-", "-", `/a\b`, "-", `/a\b`}},

		// Spaces, tabs, line breaks.
		{"  https://shop.example/a \n", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"\x00\x1fhttps://shop.example/\x1f", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"ht\ntps://sh\top.exa\rmple/a\n/b", address{"https", "shop.example", "/a/b", "-", "https://shop.example/a/b"}},
		{"https:\t//shop.example:8\t0/", address{"https", "shop.example:80", "/", "-", "https://shop.example:80/"}},
		{"https://shop.example/a b?c d#e f", address{"https", "shop.example", "/a b", "e f", "https://shop.example/a%20b?c%20d"}},
		{" /a", address{"-", "-", "/a", "-", "/a"}},
		{"https://shop.example/a\tb\xff?\n\xfe", address{"https", "shop.example", "/ab%FF", "-", "https://shop.example/ab%FF?%FE"}},

		// Dots.
		{"https://shop.example/a/./b", address{"https", "shop.example", "/a/b", "-", "https://shop.example/a/b"}},
		{"https://shop.example/a/../b", address{"https", "shop.example", "/b", "-", "https://shop.example/b"}},
		{"https://shop.example/a/b/..", address{"https", "shop.example", "/a/", "-", "https://shop.example/a/"}},
		{"https://shop.example/a/b/.", address{"https", "shop.example", "/a/b/", "-", "https://shop.example/a/b/"}},
		{"https://shop.example/../../a", address{"https", "shop.example", "/a", "-", "https://shop.example/a"}},
		{"https://shop.example/..", address{"https", "shop.example", "/", "-", "https://shop.example/"}},
		{"https://shop.example/a/%2e%2E/b", address{"https", "shop.example", "/b", "-", "https://shop.example/b"}},
		{"https://shop.example/a/.%2e/b/%2e", address{"https", "shop.example", "/b/", "-", "https://shop.example/b/"}},
		{"https://shop.example/a//../b", address{"https", "shop.example", "/a/b", "-", "https://shop.example/a/b"}},
		{"https://shop.example/...", address{"https", "shop.example", "/...", "-", "https://shop.example/..."}},
		{"https://shop.example/.well-known/x", address{"https", "shop.example", "/.well-known/x", "-", "https://shop.example/.well-known/x"}},
		{"https://shop.example/a.%2e", address{"https", "shop.example", "/a..", "-", "https://shop.example/a.%2e"}},
		{"https://shop.example/a/..?q=/../b#/../c", address{"https", "shop.example", "/", "/../c", "https://shop.example/?q=/../b"}},
		{"/a/../b?c", address{"-", "-", "/b", "-", "/b?c"}},

		// Paths as they stand.
		{"https://shop.example//a//", address{"https", "shop.example", "//a//", "-", "https://shop.example//a//"}},
		{"https://shop.example/a;b=c/d:e@f", address{"https", "shop.example", "/a;b=c/d:e@f", "-", "https://shop.example/a;b=c/d:e@f"}},
		{"https://shop.example/a|b[c]", address{"https", "shop.example", "/a|b[c]", "-", "https://shop.example/a|b[c]"}},
		{"https://shop.example/https://other.example/", address{"https", "shop.example", "/https://other.example/", "-", "https://shop.example/https://other.example/"}},

		// Escapes, decoded once in path and fragment.
		{"https://shop.example/a%20b", address{"https", "shop.example", "/a b", "-", "https://shop.example/a%20b"}},
		{"https://shop.example/a+b", address{"https", "shop.example", "/a+b", "-", "https://shop.example/a+b"}},
		{"https://shop.example/a%2Fb", address{"https", "shop.example", "/a/b", "-", "https://shop.example/a%2Fb"}},
		{"https://shop.example/a%252Fb", address{"https", "shop.example", "/a%2Fb", "-", "https://shop.example/a%252Fb"}},
		{"https://shop.example/caf%C3%A9#%C3%A9", address{"https", "shop.example", "/café", "é", "https://shop.example/caf%C3%A9"}},
		{"https://shop.example/café?é#é", address{"https", "shop.example", "/café", "é", "https://shop.example/caf%C3%A9?%C3%A9"}},
		{"https://shop.example/%F0%9F%91%9F", address{"https", "shop.example", "/👟", "-", "https://shop.example/%F0%9F%91%9F"}},
		{"https://shop.example/100%", address{"https", "shop.example", "/100%", "-", "https://shop.example/100%"}},
		{"https://shop.example/%zz%4", address{"https", "shop.example", "/%zz%4", "-", "https://shop.example/%zz%4"}},
		{"https://shop.example/%%41%", address{"https", "shop.example", "/%A%", "-", "https://shop.example/%%41%"}},
		{"https://shop.example/caf%E9", address{"https", "shop.example", "/caf%E9", "-", "https://shop.example/caf%E9"}},
		{"https://shop.example/%C3%28%e2%82", address{"https", "shop.example", "/%C3(%e2%82", "-", "https://shop.example/%C3%28%e2%82"}},
		{"https://shop.example/%EF%BF%BD", address{"https", "shop.example", "/\ufffd", "-", "https://shop.example/%EF%BF%BD"}},
		{"https://shop.example/%00", address{"https", "shop.example", "/\x00", "-", "https://shop.example/%00"}},
		{"https://shop.example/\xff\xc3", address{"https", "shop.example", "/%FF%C3", "-", "https://shop.example/%FF%C3"}},
		{"https://shop.example/?q=\xff", address{"https", "shop.example", "/", "-", "https://shop.example/?q=%FF"}},
		{"https://shop.example/\"<>^`{}?\"<>^`{}'#x", address{"https", "shop.example", "/\"<>^`{}", "x", "https://shop.example/%22%3C%3E%5E%60%7B%7D?%22%3C%3E^`{}%27"}},
		{"https://shop.example/\x01\x7f", address{"https", "shop.example", "/\x01\x7f", "-", "https://shop.example/%01%7F"}},
		{"https://shop.example/'", address{"https", "shop.example", "/'", "-", "https://shop.example/'"}},
		{"app://host/?'", address{"app", "host", "/", "-", "app://host/?'"}},

		// Question marks and number signs in odd places.
		{"https://shop.example/a?b?c", address{"https", "shop.example", "/a", "-", "https://shop.example/a?b?c"}},
		{"https://shop.example/a#b?c=d", address{"https", "shop.example", "/a", "b?c=d", "https://shop.example/a"}},
		{"https://shop.example/a#b#c", address{"https", "shop.example", "/a", "b#c", "https://shop.example/a"}},
		{"https://shop.example/a#b/../c", address{"https", "shop.example", "/a", "b/../c", "https://shop.example/a"}},
		{"https://shop.example/a%3Fb%23c", address{"https", "shop.example", "/a?b#c", "-", "https://shop.example/a%3Fb%23c"}},
		{"https://shop.example#@other.example/", address{"https", "shop.example", "/", "@other.example/", "https://shop.example/"}},
		{"https://shop.example/a?b;c", address{"https", "shop.example", "/a", "-", "https://shop.example/a?b;c"}},

		// Origin-form, as a server sees it.
		{"/", address{"-", "-", "/", "-", "/"}},
		{"/?", address{"-", "-", "/", "-", "/?"}},
		{"/shoes?q=1", address{"-", "-", "/shoes", "-", "/shoes?q=1"}},
		{"/shoes?q=1#f", address{"-", "-", "/shoes", "f", "/shoes?q=1"}},
		{"//x/y", address{"-", "-", "//x/y", "-", "//x/y"}},
		{"/100%", address{"-", "-", "/100%", "-", "/100%"}},
		{"/https://shop.example/", address{"-", "-", "/https://shop.example/", "-", "/https://shop.example/"}},
		{"/a b'?'", address{"-", "-", "/a b'", "-", "/a%20b'?%27"}},

		// Other schemes with a host.
		{"app://Host/Path", address{"app", "host", "/Path", "-", "app://Host/Path"}},
		{"android-app://com.example/", address{"android-app", "com.example", "/", "-", "android-app://com.example/"}},
		{"chrome-extension://abc/page.html", address{"chrome-extension", "abc", "/page.html", "-", "chrome-extension://abc/page.html"}},
		{"app://host", address{"app", "host", "", "-", "app://host"}},
		{"app://host?q", address{"app", "host", "", "-", "app://host?q"}},
		{"app://Host#a", address{"app", "host", "", "a", "app://Host"}},
		{"app://", address{"app", "-", "", "-", "app://"}},
		{"app://?", address{"app", "-", "", "-", "app://?"}},
		{"app:///path", address{"app", "-", "/path", "-", "app:///path"}},
		{"app://ß/", address{"app", "%c3%9f", "/", "-", "app://%C3%9F/"}},
		{"app://a%2Fb/", address{"app", "a%2fb", "/", "-", "app://a%2Fb/"}},
		{"app://[::1]:5/", address{"app", "[::1]:5", "/", "-", "app://[::1]:5/"}},
		{"app://a\x01\"'`{}~/", address{"app", "a%01\"'`{}~", "/", "-", "app://a%01\"'`{}~/"}},
		{"app:/path/../x", address{"app", "-", "/x", "-", "app:/x"}},
		{"app:/.//x", address{"app", "-", "//x", "-", "app:/.//x"}},
		{"app:/..//x", address{"app", "-", "//x", "-", "app:/.//x"}},

		// Files.
		{"file:///C:/page.html", address{"file", "-", "/C:/page.html", "-", "file:///C:/page.html"}},
		{"file:///C|/page.html", address{"file", "-", "/C:/page.html", "-", "file:///C:/page.html"}},
		{"file:///home/x?q#f", address{"file", "-", "/home/x", "f", "file:///home/x?q"}},
		{"file:/home/x", address{"file", "-", "/home/x", "-", "file:///home/x"}},
		{"file:x", address{"file", "-", "/x", "-", "file:///x"}},
		{"file:", address{"file", "-", "/", "-", "file:///"}},
		{"file://", address{"file", "-", "/", "-", "file:///"}},
		{"file://localhost/x", address{"file", "-", "/x", "-", "file:///x"}},
		{"file://Server/share/x", address{"file", "server", "/share/x", "-", "file://server/share/x"}},
		{"file://server?q", address{"file", "server", "/", "-", "file://server/?q"}},
		{"file://C:/x", address{"file", "-", "/C:/x", "-", "file:///C:/x"}},
		{`file:\\server\x`, address{"file", "server", "/x", "-", "file://server/x"}},
		{"file:///C:/..", address{"file", "-", "/C:/", "-", "file:///C:/"}},
		{"file:////x", address{"file", "-", "//x", "-", "file:////x"}},

		// What only the scheme understands. A browser shows it, so it is a page.
		{"about:blank", address{"about", "-", "blank", "-", "about:blank"}},
		{"ABOUT:Blank#x", address{"about", "-", "Blank", "x", "about:Blank"}},
		{"mailto:ann@example.org?subject=Hi", address{"mailto", "-", "ann@example.org", "-", "mailto:ann@example.org?subject=Hi"}},
		{"data:text/html,<b>x</b>", address{"data", "-", "text/html,<b>x</b>", "-", "data:text/html,<b>x</b>"}},
		{"data:a/../b", address{"data", "-", "a/../b", "-", "data:a/../b"}},
		{"data:", address{"data", "-", "", "-", "data:"}},
		{"data:x #f", address{"data", "-", "x ", "f", "data:x%20"}},
		{"javascript:void(0)", address{"javascript", "-", "void(0)", "-", "javascript:void(0)"}},
		{"blob:https://shop.example/0a1b", address{"blob", "-", "https://shop.example/0a1b", "-", "blob:https://shop.example/0a1b"}},
		{"view-source:https://shop.example/", address{"view-source", "-", "https://shop.example/", "-", "view-source:https://shop.example/"}},
		{"tel:5551234", address{"tel", "-", "5551234", "-", "tel:5551234"}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := readAddress(t, tt.in)
			if err != nil {
				t.Fatalf("Render(visit of %q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields of %q (-want +got):\n%s", tt.in, diff)
			}
			if again, err := readAddress(t, got.URL); err != nil || again.URL != got.URL {
				t.Errorf("page.url of %q = %q, %v; want itself", got.URL, again.URL, err)
			}
		})
	}
}

// Labels of several scripts, in the forms that Punycode gives them.
func TestHostsOfManyScripts(t *testing.T) {
	for unicode, ascii := range map[string]string{
		"münchen":                "xn--mnchen-3ya",
		"pročprostěnemluvíčesky": "xn--proprostnemluvesky-uyb24dma41a",
		"למההםפשוטלאמדבריםעברית":       "xn--4dbcagdahymbxekheh6e0a7fei0b",
		"他们为什么不说中文":                    "xn--ihqwcrb4cv8a8dqg056pqjye",
		"почемужеонинеговорятпорусски": "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"なぜみんな日本語を話してくれないのか":           "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",
		"3年b組金八先生":                     "xn--3b-ww4c5e180e575a65lsy2b",
		"παράδειγμα":                   "xn--hxajbheg2az3al",
		"☃":                            "xn--n3h",
		"a☃":                           "xn--a-1xp",
		"x-ü-y":                        "xn--x--y-1ra",
		"क्षत्रिय":                     "xn--11b4a7ad7a0c8ec",
		"ᏣᎳᎩ":                          "xn--f9dt7l",
	} {
		for in, want := range map[string]string{
			"https://" + unicode + ".example/":                 ascii + ".example",
			"https://" + strings.ToUpper(unicode) + ".EXAMPLE": ascii + ".example",
			"https://www." + ascii + "/":                       "www." + ascii,
		} {
			if got, err := readAddress(t, in); err != nil || got.Host != want {
				t.Errorf("page.host of %q = %q, %v; want %q", in, got.Host, err, want)
			}
		}
	}
}

// An address is personal: it never shows in an error.
func TestAddressFaultShowsNoAddress(t *testing.T) {
	for _, in := range []string{
		"secretive", "https://secretive:x/", "https://secretive<", "https://[secretive]/",
		"https://secretive.1/", "https://a%zz/secretive", "secretive.example:80", "https://secretive@/",
	} {
		_, err := readAddress(t, in)
		if err == nil || strings.Contains(err.Error(), "secretive") {
			t.Errorf("Render(visit of %q): %v; want an error that does not show it", in, err)
		}
	}
}

func TestNoAddress(t *testing.T) {
	tests := []struct {
		in, want string
	}{
		{"", "is missing"},
		{" \t\n", "is missing"},
		{"shoes", "neither"},
		{"*", "neither"},
		{"?q=1", "neither"},
		{"#top", "neither"},
		{"shop.example/shoes", "neither"},
		{"./shoes", "neither"},
		{"://shop.example/", "neither"},
		{"1https://shop.example/", "neither"},
		{"ht tps://shop.example/", "neither"},
		{"htt\u212aps://shop.example/", "neither"},
		{`\\shop.example\a`, "neither"},
		{"shop.example:8080/shoes", `put "https://" before it`},
		{"shop.example:8080", `put "https://" before it`},
		{"localhost:3000/shoes", `put "https://" before it`},
		{"https:", "has no host"},
		{"https://", "has no host"},
		{"https:////", "has no host"},
		{"https://?q", "has no host"},
		{"https://#f", "has no host"},
		{"https://:443/", "has no host"},
		{"https://@/", "has no host"},
		{"https://ann@/", "has no host"},
		{"https://ann@:443/", "has no host"},
		{"app://ann@/", "has no host"},
		{"app://:80/", "has no host"},
		{"https://shop.example:x/", "port"},
		{"https://shop.example:-1/", "port"},
		{"https://shop.example:+80/", "port"},
		{"https://shop.example:65536/", "port"},
		{"https://shop.example:99999999999999999999/", "port"},
		{"https://shop.example:80:80/", "character"},
		{"https://shop.example:8 0/", "port"},
		{"https://::1/", "character"},
		{"https://[::1/", "IPv6"},
		{"https://[::1]x/", "IPv6"},
		{"https://[]/", "IPv6"},
		{"https://[::1%25eth0]/", "IPv6"},
		{"https://[1:2:3]/", "IPv6"},
		{"https://[127.0.0.1]/", "IPv6"},
		{"https://[1:2:3:4:5:6:7:8:9]/", "IPv6"},
		{"https://[::12345]/", "IPv6"},
		{"https://[%3A%3A1]/", "IPv6"},
		{"https://x[::1]/", "character"},
		{"https://256.0.0.1/", "IPv4"},
		{"https://1.2.3.4.5/", "IPv4"},
		{"https://1.2.3.256/", "IPv4"},
		{"https://1..2/", "IPv4"},
		{"https://4294967296/", "IPv4"},
		{"https://99999999999999999999999/", "IPv4"},
		{"https://08.0.0.1/", "IPv4"},
		{"https://0xg.1/", "IPv4"},
		{"https://shop.1/", "IPv4"},
		{"https://shop.0x1/", "IPv4"},
		{"https://shop.1./", "IPv4"},
		{"https://a b/", "character"},
		{"https://a<b/", "character"},
		{"https://a>b/", "character"},
		{"https://a^b/", "character"},
		{"https://a|b/", "character"},
		{"https://a]b/", "character"},
		{"https://a%b/", "character"},
		{"https://a%zz/", "character"},
		{"https://a%20b/", "character"},
		{"https://a%2Fb/", "character"},
		{"https://a%3A80/", "character"},
		{"https://a%00b/", "character"},
		{"https://a%7Fb/", "character"},
		{"https://a%25b/", "character"},
		{"https://a%FFb/", "character"},
		{"https://a\xffb/", "character"},
		{"https://a\x00b/", "character"},
		{"https://a\u00a0b/", "character"},
		{"https://a\u3000b/", "character"},
		{"https://a\u202eb/", "character"},
		{"https://a\ufffdb/", "character"},
		{"https://a\uffffb/", "character"},
		{"https://\ue000/", "character"},
		{"https://\u0301a/", "character"},
		{"https://\u00ad/", "character"},
		{"https://％４１.example/", "character"},
		{"https://a／b/", "character"},
		{"https://xn--/", "character"},
		{"https://xn--a/", "character"},
		{"https://xn--bcher-/", "character"},
		{"https://xn--bcher-kvaé/", "character"},
		{"https://xn--bcher-99999999/", "character"},
		{"https://xn--Bcher-kva0/", "character"},
		{"https://" + strings.Repeat("é", 1000) + "/", "character"},
		{"https://a.b.c.xn--pokxncvks/", "character"},
		{"https://xn--bcher-kva.xn--ls8h=/", "character"},
		{"https://①.example/", "character"},
		{"https://ﬁsh.example/", "character"},
		{"app://a b/", "character"},
		{"app://a<b/", "character"},
		{"app://[x]/", "IPv6"},
		{"file://ann@server/x", "character"},
		{"file://server:80/x", "character"},
		{"file://[x/y", "IPv6"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := readAddress(t, tt.in)
			invalid, ok := errors.AsType[*campaign.ValidationError](err)
			if !ok {
				t.Fatalf("fields of %q = %+v, %v; want a ValidationError", tt.in, got, err)
			}
			if f := invalid.Faults[0]; f.Pointer != "/url" || !strings.Contains(f.Message, tt.want) {
				t.Errorf("fault of %q = %v, want /url: … %s …", tt.in, f, tt.want)
			}
		})
	}
}

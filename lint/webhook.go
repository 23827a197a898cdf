package lint

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/hybridcampaign/campaign"
)

func (l *linter) checkWebhook(w campaign.Webhook, at string) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return // no valid webhook has such a URL
	}
	if u.Scheme == "http" && !isOwnNetwork(u.Hostname()) {
		l.warn(key(at, "url"), PlainHTTP, "http can be read and changed on the way to "+u.Host+"; write https:// in place of http://")
	}
	l.checkQuery(u, at)
	l.checkHeaders(w.Headers, at)
	l.checkPlaceholders(w, at)
	if len(w.Payload) == 0 && w.Method != "GET" {
		l.warn(at, NoPayload, "sends {} or an empty form, the same for every profile; add a payload, such as the profile's ID")
	}
	for i, f := range w.Payload {
		p := key(at, "payload", strconv.Itoa(i))
		if w.Method == "GET" && !w.AllowSensitiveQuery && isPersonal(f) {
			l.warn(p, PersonalDataInURL, "looks like personal data, and URLs end in logs; send it with POST, or leave it out, or set allow_sensitive_query if that is meant")
		}
		l.checkField(f.From, p)
		if f.From == "" {
			l.checkStaticSecret(f, w.Method == "GET", p)
		}
	}
}

// isOwnNetwork reports whether a host is this machine, or stands in a network of
// one's own, by its address or by a name that no public host has.
func isOwnNetwork(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || carrier.Contains(addr)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host {
		return true // a name in the own network, as containers have them
	}
	switch last {
	case "localhost", "internal", "local", "test", "lan", "svc":
		return true
	}
	return strings.HasSuffix(host, ".home.arpa")
}

// carrier is the space that is shared behind carriers, and used by private
// networks (RFC 6598). netip does not count it as private.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

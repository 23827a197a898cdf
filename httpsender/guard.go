package httpsender

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A refusedError says that the address guard refused to connect.
type refusedError struct {
	addr string // address and port; empty if the name was enough
	why  string
}

func (e *refusedError) Error() string {
	return e.addr + " " + e.why
}

func (e *refusedError) Is(target error) bool { return target == ErrAddress }

// A guard decides which addresses may be connected to. It looks at the address
// itself, at the moment of connecting: a name that was looked up and approved
// earlier can have another address by then.
type guard struct {
	all      bool
	hosts    map[string]bool
	prefixes []netip.Prefix
}

func newGuard(all bool, allow []string) (*guard, error) {
	g := &guard{all: all, hosts: make(map[string]bool)}
	for i, entry := range allow {
		if p, err := netip.ParsePrefix(entry); err == nil {
			if p.Addr().Is4In6() && p.Bits() >= 96 { // addresses are compared as IPv4
				p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
			}
			g.prefixes = append(g.prefixes, p.Masked())
			continue
		}
		if a, err := netip.ParseAddr(entry); err == nil && a.Zone() == "" {
			g.prefixes = append(g.prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		if !isHostName(entry) {
			cure := `write "crm.internal", "127.0.0.1" or "10.1.0.0/16"`
			if host, _, err := net.SplitHostPort(entry); err == nil && isEntry(host) {
				cure = fmt.Sprintf("write %q, without the port: all ports of it are allowed then", host)
			}
			return nil, fmt.Errorf(`Sender.Allow[%d] is not a host name, an address or a prefix; %s`, i, cure)
		}
		g.hosts[strings.ToLower(entry)] = true
	}
	return g, nil
}

// isHostName reports whether an entry looks like the name of a host.
func isHostName(entry string) bool {
	return entry != "" && !strings.ContainsAny(entry, "/:@?#[]%*\\ \t\r\n")
}

func isEntry(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || isHostName(host)
}

// control returns the function that net.Dialer calls with each address that
// host has, before it connects.
func (g *guard) control(host string) func(context.Context, string, string, syscall.RawConn) error {
	if g.allows(host) {
		return nil
	}
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return g.check(address)
	}
}

// allows reports whether a host may be connected to whatever its addresses are.
func (g *guard) allows(host string) bool { return g.all || g.hosts[strings.ToLower(host)] }

// ports are those on which webhooks are found. Others belong to other
// protocols, some of which can be talked into reading an HTTP request.
var ports = [...]uint16{80, 443, 8080, 8443}

func (g *guard) check(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusedError{address, "is not an address that can be checked"}
	}
	if ap.Addr().Zone() != "" {
		return &refusedError{address, "has a zone, which is an address of the local network"}
	}
	ip := ap.Addr().Unmap()
	for _, p := range g.prefixes {
		if p.Contains(ip) {
			return nil
		}
	}
	if !isPublic(ip) {
		return &refusedError{address, fmt.Sprintf("is not a public address; if it is meant to be called, add %q to Sender.Allow", ip)}
	}
	if !isWebPort(ap.Port()) {
		return &refusedError{address, "is on " + notWebPort}
	}
	return nil
}

func isWebPort(port uint16) bool { return slices.Contains(ports[:], port) }

const notWebPort = "a port that is not for the web; if it is meant to be called, add the host to Sender.Allow"

// checkPort checks the port of a name whose addresses are not known. One that is
// not for the web may be allowed by the address.
func (g *guard) checkPort(address, port string) error {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || isWebPort(uint16(n)) || len(g.prefixes) > 0 {
		return nil
	}
	return &refusedError{address, "is on " + notWebPort}
}

// Blocks of IANA's special-purpose address registries, and multicast. The few
// that are globally reachable all the same are here too: relays and anycast
// services, often with an instance in the local network, and never a webhook.
var (
	special4 = prefixes(
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private use
		"100.64.0.0/10",   // shared, behind a carrier's NAT
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link local, where clouds keep credentials
		"172.16.0.0/12",   // private use
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.31.196.0/24", // AS112
		"192.52.193.0/24", // AMT relays
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private use
		"192.175.48.0/24", // AS112
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
	)

	// Only 2000::/3 is given out as global unicast, so the rest needs no list.
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes(
		"2001::/23",         // protocol assignments: Teredo, benchmarks, ORCHID, AMT
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4: any IPv4 address, over a relay that no longer exists
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // documentation
	)

	// In networks without IPv4, name servers answer with these for hosts that
	// have no other address, so they cannot be refused as a whole.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// isPublic reports whether ip is public unicast. An IPv4 address inside an IPv6
// address has to be public as well.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}
	contains := func(p netip.Prefix) bool { return p.Contains(ip) }
	if ip.Is4() {
		return !slices.ContainsFunc(special4, contains)
	}
	b := ip.As16()
	embedded := netip.AddrFrom4([4]byte(b[12:]))
	if nat64.Contains(ip) {
		return isPublic(embedded)
	}
	if !global6.Contains(ip) || slices.ContainsFunc(special6, contains) {
		return false
	}
	// ISATAP puts an IPv4 address behind 0000:5efe or 0200:5efe, in any prefix.
	isatap := b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
	return !isatap || isPublic(embedded)
}

package httpsender_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestMain gives the tests a name server of their own: no name of a test may
// leave this machine, and those that it knows lead where the tests want.
func TestMain(m *testing.M) {
	server, err := newNameServer()
	if err != nil {
		panic(err)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if !strings.HasPrefix(network, "udp") {
			return nil, errors.New("the tests' name server speaks UDP only")
		}
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.addr)
	}}
	os.Exit(m.Run())
}

// names are what the tests' name server knows.
var names = map[string][]string{
	"loopback.test.":    {"127.0.0.1"},
	"mapped.test.":      {"::ffff:127.0.0.1"},
	"six.test.":         {"::1"},
	"metadata.test.":    {"169.254.169.254"},
	"private.test.":     {"10.0.0.1"},
	"both.test.":        {"10.0.0.1", "127.0.0.1"},
	"unspecified.test.": {"0.0.0.0"},
	"nat64.test.":       {"64:ff9b::7f00:1"},
	"sixtofour.test.":   {"2002:7f00:1::"},
}

// A nameServer answers A and AAAA queries for names.
type nameServer struct{ addr string }

func newNameServer() (*nameServer, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &nameServer{addr: c.LocalAddr().String()}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = c.WriteTo(answer, from)
			}
		}
	}()
	return s, nil
}

func (s *nameServer) answer(query []byte) []byte {
	name, end := questionName(query)
	if end == 0 {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end:])
	var records [][]byte
	for _, a := range names[name] {
		ip := netip.MustParseAddr(a)
		switch {
		case kind == 1 && ip.Is4():
			records = append(records, ip.AsSlice())
		case kind == 28 && ip.Is6():
			records = append(records, ip.AsSlice())
		}
	}
	rcode := byte(0)
	if names[name] == nil {
		rcode = 3 // no such name
	}
	out := append([]byte{query[0], query[1], 0x85, 0x80 | rcode, 0, 1, 0, byte(len(records)), 0, 0, 0, 0}, query[12:end+4]...)
	for _, r := range records {
		out = append(out, 0xc0, 12)
		out = binary.BigEndian.AppendUint16(out, kind)
		out = append(out, 0, 1, 0, 0, 0, 0)
		out = binary.BigEndian.AppendUint16(out, uint16(len(r)))
		out = append(out, r...)
	}
	return out
}

// questionName returns the name of a query, and where it ends; 0 if it does not.
func questionName(query []byte) (string, int) {
	var name strings.Builder
	for i := 12; i < len(query); {
		n := int(query[i])
		i++
		if n == 0 {
			return strings.ToLower(name.String()), i
		}
		if i+n+5 > len(query) {
			break
		}
		name.Write(query[i : i+n])
		name.WriteByte('.')
		i += n
	}
	return "", 0
}

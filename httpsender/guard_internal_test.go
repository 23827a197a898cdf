package httpsender

import "testing"

// Inside the package, because from outside an address can be tried only by
// connecting to it, and tests stay on this machine.
func TestGuardAddresses(t *testing.T) {
	tests := map[string]bool{
		"8.8.8.8:443": true, "8.8.8.8:80": true, "8.8.8.8:8443": true, "8.8.8.8:8080": true,
		"1.0.0.1:443": true, "9.255.255.255:443": true, "11.0.0.0:443": true, "100.63.255.255:443": true,
		"100.128.0.0:443": true, "172.15.255.255:443": true, "172.32.0.0:443": true, "192.0.1.0:443": true,
		"192.167.255.255:443": true, "192.169.0.0:443": true, "198.17.255.255:443": true, "198.20.0.0:443": true,
		"223.255.255.255:443":   true,
		"[2606:4700::1111]:443": true, "[2a00:1450::1]:443": true, "[2001:200::1]:443": true,
		"[64:ff9b::8.8.8.8]:443": true, "[::ffff:8.8.8.8]:443": true,
		"[2a00:1450::5efe:808:808]:443": true, "[2a00:1450::200:5efe:808:808]:443": true,

		// Ports.
		"8.8.8.8:22": false, "8.8.8.8:25": false, "8.8.8.8:6379": false, "8.8.8.8:0": false, "[2a00:1450::1]:11211": false,

		// IPv4.
		"0.0.0.0:443": false, "0.1.2.3:443": false, "10.0.0.1:443": false, "10.255.255.255:443": false,
		"100.64.0.0:443": false, "100.127.255.255:443": false, "127.0.0.1:443": false, "127.255.255.255:443": false,
		"169.254.169.254:443": false, "172.16.0.0:443": false, "172.31.255.255:443": false, "192.0.0.0:443": false,
		"192.0.0.9:443": false, "192.0.0.192:443": false, "192.0.2.1:443": false, "192.31.196.1:443": false,
		"192.52.193.1:443": false, "192.88.99.1:443": false, "192.168.1.1:443": false, "192.175.48.1:443": false,
		"198.18.0.0:443": false, "198.19.255.255:443": false, "198.51.100.1:443": false, "203.0.113.1:443": false,
		"224.0.0.1:443": false, "239.255.255.255:443": false, "240.0.0.1:443": false, "255.255.255.255:443": false,

		// IPv6.
		"[::]:443": false, "[::1]:443": false, "[::2]:443": false, "[100::1]:443": false, "[100:0:0:1::1]:443": false,
		"[200::1]:443": false, "[1fff::1]:443": false, "[4000::1]:443": false, "[5f00::1]:443": false,
		"[fc00::1]:443": false, "[fd00:ec2::254]:443": false, "[fe80::1]:443": false, "[febf::1]:443": false,
		"[fec0::1]:443": false, "[ff02::1]:443": false, "[ff0e::1]:443": false,
		"[2001::1]:443": false, "[2001:2::1]:443": false, "[2001:3::1]:443": false, "[2001:10::1]:443": false,
		"[2001:20::1]:443": false, "[2001:30::1]:443": false, "[2001:1ff::1]:443": false,
		"[2001:db8::1]:443": false, "[2620:4f:8000::1]:443": false, "[3fff::1]:443": false, "[3fff:fff::1]:443": false,

		// IPv4 in IPv6.
		"[::ffff:127.0.0.1]:443": false, "[::ffff:10.0.0.1]:443": false, "[::ffff:a9fe:a9fe]:443": false,
		"[::127.0.0.1]:443": false, "[::8.8.8.8]:443": false, "[::ffff:0:127.0.0.1]:443": false,
		"[64:ff9b::127.0.0.1]:443": false, "[64:ff9b::a00:1]:443": false, "[64:ff9b:1::8.8.8.8]:443": false,
		"[2002:7f00:1::]:443": false, "[2002:808:808::1]:443": false, "[2001:0:808:808::1]:443": false,
		"[2a00:1450::5efe:7f00:1]:443": false, "[2a00:1450::200:5efe:a00:1]:443": false,

		// What is no address and port.
		"": false, "8.8.8.8": false, "8.8.8.8:": false, "8.8.8.8:x": false, "localhost:443": false, ":443": false,
		"[fe80::1%eth0]:443": false, "[2a00:1450::1%eth0]:443": false, "010.8.8.8:443": false, "134744072:443": false,
	}
	g, err := newGuard(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range tests {
		if err := g.check(address); (err == nil) != want {
			t.Errorf("check(%q) = %v, want allowed = %v", address, err, want)
		}
	}
}

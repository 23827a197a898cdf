package campaigntest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"time"
)

// A TLSMode is how a [Receiver] speaks TLS.
type TLSMode int

// The modes. In all but the first, the receiver's URL begins with https.
const (
	NoTLS TLSMode = iota

	// TLS is done well, with a certificate of the receiver's own: a client
	// trusts it that has [Receiver.Roots] among its roots, and no other.
	TLS
	TLSExpired           // a certificate that has expired
	TLSOtherHost         // a certificate for other.example
	TLSClientCertificate // done well, for clients that show [Receiver.ClientCertificate]
	TLSOld               // TLS 1.1 at most, which nobody should speak
	TLSSilent            // the connection is accepted, and nothing said
	TLSHangUp            // the connection is closed during the handshake
	TLSGarbage           // what is said is not TLS
)

type receiverTLS struct {
	mode   TLSMode
	config *tls.Config
	roots  *x509.CertPool
	client tls.Certificate
}

func newReceiverTLS(mode TLSMode) *receiverTLS {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "campaigntest.Receiver"},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	switch mode {
	case TLSExpired:
		template.NotAfter = time.Now().Add(-time.Hour)
	case TLSOtherHost:
		template.DNSNames, template.IPAddresses = []string{"other.example"}, nil
	}
	cert, leaf := selfSigned(template)
	t := &receiverTLS{mode: mode, roots: x509.NewCertPool()}
	t.roots.AddCert(leaf)
	t.config = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	switch mode {
	case TLSOld:
		t.config.MinVersion, t.config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	case TLSClientCertificate:
		t.client, leaf = selfSigned(&x509.Certificate{
			SerialNumber: big.NewInt(2),
			Subject:      pkix.Name{CommonName: "campaigntest client"},
			NotBefore:    template.NotBefore,
			NotAfter:     template.NotAfter,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		t.config.ClientAuth = tls.RequireAndVerifyClientCert
		t.config.ClientCAs = x509.NewCertPool()
		t.config.ClientCAs.AddCert(leaf)
	}
	return t
}

// selfSigned panics where only a broken random source makes it fail.
func selfSigned(template *x509.Certificate) (tls.Certificate, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("campaigntest: no key: " + err.Error())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic("campaigntest: no certificate: " + err.Error())
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic("campaigntest: no certificate: " + err.Error())
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, leaf
}

// greet does the handshake, or what the mode does in its place. It reports
// whether a connection came about.
func (t *receiverTLS) greet(raw net.Conn) (net.Conn, bool) {
	switch t.mode {
	case TLSSilent:
		_, _ = io.Copy(io.Discard, raw) // until the client goes, or Close
		return nil, false
	case TLSHangUp:
		_, _ = raw.Read(make([]byte, 1))
		return nil, false
	case TLSGarbage:
		_, _ = io.WriteString(raw, "220 smtp.example ESMTP\r\n")
		_, _ = io.Copy(io.Discard, raw)
		return nil, false
	}
	c := tls.Server(raw, t.config)
	return c, c.Handshake() == nil
}

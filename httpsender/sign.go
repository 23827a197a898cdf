package httpsender

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrSignature is among the causes of every error of [Verify].
var ErrSignature = errors.New("httpsender: the signature is not valid")

// Names of the headers of Standard Webhooks, as keys of an http.Header.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// Signing chooses the keys with which requests to a host are signed. Host is
// written as [Secrets] describes it. The first key is the current one; the
// others are signed with as well, which is how a key is replaced: add the new
// one in front, let the receiver change over, take the old one away. No keys
// and no error mean that requests to that host are not signed; an error, that
// they are not sent. It must be safe for concurrent use.
type Signing interface {
	SigningKeys(ctx context.Context, host string) ([]SigningKey, error)
}

// SigningFunc is a function used as [Signing].
type SigningFunc func(ctx context.Context, host string) ([]SigningKey, error)

// SigningKeys calls f(ctx, host).
func (f SigningFunc) SigningKeys(ctx context.Context, host string) ([]SigningKey, error) {
	return f(ctx, host)
}

// SignHosts returns the [Signing] of a map from hosts to their keys. Requests
// to other hosts are not signed. It copies the map.
func SignHosts(keys map[string][]SigningKey) Signing {
	byHost := make(map[string][]SigningKey, len(keys))
	for host, list := range keys {
		byHost[canonicalHost(host)] = slices.Clone(list)
	}
	return promptSigning(func(host string) ([]SigningKey, error) {
		return byHost[host], nil
	})
}

// promptSigning is Signing as [promptSecrets] are Secrets.
type promptSigning func(host string) ([]SigningKey, error)

func (f promptSigning) SigningKeys(_ context.Context, host string) ([]SigningKey, error) {
	return f(host)
}

// A SigningKey signs requests and verifies signatures. The zero value does
// neither. It is safe for concurrent use, and shows nothing when printed.
type SigningKey struct {
	// Behind two pointers. In a field that is not exported fmt cannot call Format,
	// and if the verb is wrong for a pointer it shows what that points to.
	key **keyMaterial
}

type keyMaterial struct {
	secret []byte
	macs   sync.Pool // of *mac: setting up an HMAC costs as much as using it
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// ParseSigningKey reads a key as Standard Webhooks writes it: whsec_ and 24 to
// 64 bytes in standard base64. The error does not show the key.
func ParseSigningKey(secret string) (SigningKey, error) {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return SigningKey{}, errors.New("httpsender: the signing key does not begin with whsec_")
	}
	// The decoder would skip line breaks.
	if strings.ContainsAny(encoded, " \t\r\n") {
		return SigningKey{}, errors.New("httpsender: the signing key has white space in it; remove it")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return SigningKey{}, errors.New("httpsender: the signing key is not in standard base64 after whsec_")
	}
	if len(key) < 24 || len(key) > 64 {
		return SigningKey{}, fmt.Errorf("httpsender: the signing key has %d bytes; Standard Webhooks wants 24 to 64", len(key))
	}
	m := &keyMaterial{secret: key}
	m.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, m.secret)} }
	return SigningKey{&m}, nil
}

// Format writes the name of the type, whatever the verb.
func (SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "httpsender.SigningKey") }

// MarshalText returns the name of the type, so that neither JSON nor log/slog
// shows the key.
func (SigningKey) MarshalText() ([]byte, error) { return []byte("httpsender.SigningKey"), nil }

// appendSignature appends v1, and the signature of body under id and timestamp.
func (k SigningKey) appendSignature(dst []byte, id, timestamp string, body []byte) []byte {
	macs := &(*k.key).macs
	m := macs.Get().(*mac)
	defer macs.Put(m)
	m.Reset()
	var room [128]byte
	head := append(append(append(append(room[:0], id...), '.'), timestamp...), '.')
	m.Write(head)
	m.Write(body)
	dst = append(dst, "v1,"...)
	return base64.StdEncoding.AppendEncode(dst, m.Sum(m.sum[:0]))
}

// sign returns the values of the timestamp and the signature header.
func sign(keys []SigningKey, id string, now time.Time, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(now.Unix(), 10)
	var room [256]byte
	dst := room[:0]
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = k.appendSignature(dst, id, timestamp, body)
	}
	return timestamp, string(dst)
}

// Verify reports whether one of keys has signed a request with this header and
// this body, not longer ago, and not further ahead, than tolerance. Zero or less
// means five minutes. The body is to be the bytes that arrived: one that was
// decoded and encoded again has another signature. The error has [ErrSignature]
// among its causes, and says what was wrong.
//
// Verify does not remember IDs. A receiver that must not act twice on a request
// keeps the webhook-id of those it has seen, for as long as the tolerance at least.
func Verify(header http.Header, body []byte, keys []SigningKey, tolerance time.Duration) error {
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	signatures := header.Get(headerSignature)
	switch {
	case id == "" || timestamp == "" || signatures == "":
		return signatureError("webhook-id, webhook-timestamp or webhook-signature is missing")
	case len(header[headerID]) > 1 || len(header[headerTimestamp]) > 1 || len(header[headerSignature]) > 1:
		return signatureError("one of its headers is there twice")
	}
	if err := checkTimestamp(timestamp, tolerance); err != nil {
		return err
	}
	var room [64]byte
	for _, k := range keys {
		if k.key == nil {
			continue
		}
		want := k.appendSignature(room[:0], id, timestamp, body)
		for got := range strings.SplitSeq(signatures, " ") {
			if hmac.Equal([]byte(got), want) {
				return nil
			}
		}
	}
	return signatureError("no key has made this signature")
}

func checkTimestamp(timestamp string, tolerance time.Duration) error {
	if tolerance <= 0 {
		tolerance = 5 * time.Minute
	}
	// No sign, no spaces: ParseInt alone would accept +1 as another way to
	// write what was signed as 1.
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !isDigits(timestamp) {
		return signatureError("webhook-timestamp is not a number of seconds")
	}
	switch age := time.Since(time.Unix(seconds, 0)); {
	case age > tolerance:
		return signatureError("webhook-timestamp is too old")
	case age < -tolerance:
		return signatureError("webhook-timestamp is in the future")
	}
	return nil
}

func signatureError(why string) error { return fmt.Errorf("%w: %s", ErrSignature, why) }

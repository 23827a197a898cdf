package httpsender_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/campaigntest"
	"github.com/hybridcampaign/campaign/httpsender"
)

func signingKey(t testing.TB, secret string) httpsender.SigningKey {
	t.Helper()
	k, err := httpsender.ParseSigningKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func whsec(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(n)}, n))
}

// The vector that libraries of Standard Webhooks share.
func TestSignatureVector(t *testing.T) {
	h := http.Header{
		"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
		"Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	keys := []httpsender.SigningKey{signingKey(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	age := time.Since(time.Unix(1614265330, 0)) + time.Hour
	if err := httpsender.Verify(h, []byte(`{"test": 2432232314}`), keys, age); err != nil {
		t.Errorf("Verify(vector) = %v, want nil", err)
	}
	if err := httpsender.Verify(h, []byte(`{"test": 2432232315}`), keys, age); !errors.Is(err, httpsender.ErrSignature) {
		t.Errorf("Verify(another body) = %v, want ErrSignature", err)
	}
	if err := httpsender.Verify(h, []byte(`{"test": 2432232314}`), keys, 0); !errors.Is(err, httpsender.ErrSignature) {
		t.Errorf("Verify(years later) = %v, want ErrSignature", err)
	}
}

func TestParseSigningKey(t *testing.T) {
	tests := []struct {
		name, secret string
		ok           bool
	}{
		{"24 bytes", whsec(24), true},
		{"32 bytes", whsec(32), true},
		{"64 bytes", whsec(64), true},
		{"vector", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true},
		{"23 bytes", whsec(23), false},
		{"65 bytes", whsec(65), false},
		{"empty", "", false},
		{"prefix alone", "whsec_", false},
		{"no prefix", strings.TrimPrefix(whsec(24), "whsec_"), false},
		{"another prefix", "whpk_" + strings.TrimPrefix(whsec(24), "whsec_"), false},
		{"prefix in capitals", strings.ToUpper("whsec_") + strings.TrimPrefix(whsec(24), "whsec_"), false},
		{"space in front", " " + whsec(24), false},
		{"line break behind", whsec(24) + "\n", false},
		{"line break within", whsec(24)[:20] + "\r\n" + whsec(24)[20:], false},
		{"tab within", whsec(24)[:20] + "\t" + whsec(24)[20:], false},
		{"URL alphabet", "whsec_" + strings.Repeat("_-_-", 8), false},
		{"no padding", strings.TrimRight(whsec(25), "="), false},
		{"too much padding", whsec(24) + "=", false},
		{"bits left over", strings.TrimSuffix(whsec(25), "Q==") + "R==", false},
		{"not base64", "whsec_" + strings.Repeat("!", 32), false},
	}
	for _, tt := range tests {
		_, err := httpsender.ParseSigningKey(tt.secret)
		if (err == nil) != tt.ok {
			t.Errorf("ParseSigningKey(%s) = %v, want success: %v", tt.name, err, tt.ok)
		}
		if err != nil && len(tt.secret) > 10 && strings.Contains(err.Error(), tt.secret[6:]) {
			t.Errorf("ParseSigningKey(%s) shows the key: %v", tt.name, err)
		}
	}
}

func FuzzParseSigningKey(f *testing.F) {
	for _, s := range []string{"", "whsec_", whsec(24), whsec(64), whsec(32) + "\n", "whsec_===="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		k, err := httpsender.ParseSigningKey(secret)
		if err != nil {
			return
		}
		if strings.ContainsAny(secret, " \t\r\n") || !strings.HasPrefix(secret, "whsec_") {
			t.Fatalf("ParseSigningKey(%q) = nil error, want one", secret)
		}
		raw, err := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
		if err != nil || len(raw) < 24 || len(raw) > 64 {
			t.Fatalf("ParseSigningKey(%q) accepted %d bytes, %v", secret, len(raw), err)
		}
		if text := fmt.Sprintf("%+v %#v %s %d %x", k, k, k, k, k); strings.Contains(text, secret[6:]) {
			t.Fatalf("key shows itself: %s", text)
		}
	})
}

// sign lets a Sender make the headers of a signed request.
func sign(t *testing.T, body string, keys ...httpsender.SigningKey) http.Header {
	t.Helper()
	f := &fakeTransport{script: []string{"200"}}
	s := &httpsender.Sender{Transport: f, Signing: httpsender.SigningFunc(func(context.Context, string) ([]httpsender.SigningKey, error) {
		return keys, nil
	})}
	r := post("https://esp.example/")
	r.Body = []byte(body)
	if _, de := send(t, s, r); de != nil {
		t.Fatal(de)
	}
	return f.seen[0]
}

func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older, newer, other := signingKey(t, whsec(24)), signingKey(t, whsec(32)), signingKey(t, whsec(64))
		const body = `{"a":1}`
		good := sign(t, body, newer, older)
		with := func(edit func(http.Header)) http.Header {
			h := good.Clone()
			edit(h)
			return h
		}
		set := func(name, value string) http.Header { return with(func(h http.Header) { h.Set(name, value) }) }
		signature := good.Get("Webhook-Signature")
		first, _, _ := strings.Cut(signature, " ")
		tests := []struct {
			name   string
			header http.Header
			body   string
			keys   []httpsender.SigningKey
			ok     bool
		}{
			{"new key", good, body, []httpsender.SigningKey{newer}, true},
			{"old key", good, body, []httpsender.SigningKey{older}, true},
			{"receiver rotates too", good, body, []httpsender.SigningKey{other, older}, true},
			{"unknown version beside", set("Webhook-Signature", "v2,abc v1a,xyz "+signature), body, []httpsender.SigningKey{newer}, true},
			{"other key", good, body, []httpsender.SigningKey{other}, false},
			{"no keys", good, body, nil, false},
			{"zero key", good, body, []httpsender.SigningKey{{}}, false},
			{"other body", good, body + " ", []httpsender.SigningKey{newer}, false},
			{"empty body", good, "", []httpsender.SigningKey{newer}, false},
			{"other ID", set("Webhook-Id", "msg_2"), body, []httpsender.SigningKey{newer}, false},
			{"other timestamp", set("Webhook-Timestamp", good.Get("Webhook-Timestamp")+"0"), body, []httpsender.SigningKey{newer}, false},
			{"no ID", with(func(h http.Header) { h.Del("Webhook-Id") }), body, []httpsender.SigningKey{newer}, false},
			{"no timestamp", with(func(h http.Header) { h.Del("Webhook-Timestamp") }), body, []httpsender.SigningKey{newer}, false},
			{"no signature", with(func(h http.Header) { h.Del("Webhook-Signature") }), body, []httpsender.SigningKey{newer}, false},
			{"two IDs", with(func(h http.Header) { h.Add("Webhook-Id", "msg_2") }), body, []httpsender.SigningKey{newer}, false},
			{"version alone", set("Webhook-Signature", "v1,"), body, []httpsender.SigningKey{newer}, false},
			{"no version", set("Webhook-Signature", strings.TrimPrefix(first, "v1,")), body, []httpsender.SigningKey{newer}, false},
			{"asymmetric version", set("Webhook-Signature", "v1a,"+strings.TrimPrefix(first, "v1,")), body, []httpsender.SigningKey{newer}, false},
			{"cut short", set("Webhook-Signature", first[:len(first)-4]), body, []httpsender.SigningKey{newer}, false},
			{"timestamp is text", set("Webhook-Timestamp", "now"), body, []httpsender.SigningKey{newer}, false},
			{"timestamp with a sign", set("Webhook-Timestamp", "+"+good.Get("Webhook-Timestamp")), body, []httpsender.SigningKey{newer}, false},
			{"timestamp beyond int64", set("Webhook-Timestamp", strings.Repeat("9", 30)), body, []httpsender.SigningKey{newer}, false},
			{"huge timestamp", set("Webhook-Timestamp", "9223372036854775807"), body, []httpsender.SigningKey{newer}, false},
			{"nothing", http.Header{}, body, []httpsender.SigningKey{newer}, false},
		}
		for _, tt := range tests {
			err := httpsender.Verify(tt.header, []byte(tt.body), tt.keys, 0)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, httpsender.ErrSignature) {
				t.Errorf("Verify, %s = %v, want success: %v", tt.name, err, tt.ok)
			}
		}

		keys := []httpsender.SigningKey{newer}
		time.Sleep(5 * time.Minute)
		if err := httpsender.Verify(good, []byte(body), keys, 0); err != nil {
			t.Errorf("Verify after five minutes = %v, want nil", err)
		}
		time.Sleep(time.Second)
		if err := httpsender.Verify(good, []byte(body), keys, 0); err == nil {
			t.Error("Verify after five minutes and a second = nil, want an error")
		}
		if err := httpsender.Verify(good, []byte(body), keys, time.Hour); err != nil {
			t.Errorf("Verify with an hour's tolerance = %v, want nil", err)
		}
		ahead := good.Clone()
		ahead.Set("Webhook-Timestamp", fmt.Sprint(time.Now().Add(6*time.Minute).Unix()))
		if err := httpsender.Verify(ahead, []byte(body), keys, 0); err == nil || !strings.Contains(err.Error(), "future") {
			t.Errorf("Verify ahead of time = %v, want an error that says so", err)
		}
	})
}

func TestSignedOverHTTP(t *testing.T) {
	key := signingKey(t, whsec(32))
	receiver := campaigntest.NewReceiver(&campaigntest.ReceiverOptions{Verify: func(h http.Header, body []byte) error {
		return httpsender.Verify(h, body, []httpsender.SigningKey{key}, 0)
	}})
	defer receiver.Close()
	host := strings.TrimPrefix(receiver.URL, "http://")
	s := local(t, &httpsender.Sender{Signing: httpsender.SignHosts(map[string][]httpsender.SigningKey{host: {key}})})
	for _, r := range []*campaign.Request{post(receiver.URL), get(receiver.URL + "/?a=b")} {
		if _, de := send(t, s, r); de != nil {
			t.Errorf("Send %s = %v, want delivery", r.Method, de)
		}
	}

	// A host without keys gets no signature, and this receiver wants one.
	_, de := send(t, local(t, &httpsender.Sender{Signing: httpsender.SignHosts(nil)}), post(receiver.URL))
	if de == nil || de.Status != 401 {
		t.Errorf("Send, not signed = %v, want 401", de)
	}
}

func TestNotSentWithoutSignature(t *testing.T) {
	key := signingKey(t, whsec(32))
	tests := []struct {
		name string
		id   string
		sign httpsender.SigningFunc
		text string
	}{
		{"error", "msg_1", func(context.Context, string) ([]httpsender.SigningKey, error) { return nil, errors.New(canary) }, "could not be resolved"},
		{"panic", "msg_1", func(context.Context, string) ([]httpsender.SigningKey, error) { panic(canary) }, "could not be resolved"},
		{"zero key", "msg_1", func(context.Context, string) ([]httpsender.SigningKey, error) {
			return []httpsender.SigningKey{key, {}}, nil
		}, "signing key 1"},
		{"no ID", "", func(context.Context, string) ([]httpsender.SigningKey, error) {
			return []httpsender.SigningKey{key}, nil
		}, "ID"},
		{"dot in the ID", "msg.1", func(context.Context, string) ([]httpsender.SigningKey, error) {
			return []httpsender.SigningKey{key}, nil
		}, "ID"},
	}
	for _, tt := range tests {
		f := &fakeTransport{script: []string{"200"}}
		r := post("https://esp.example/")
		r.ID = tt.id
		_, de := send(t, &httpsender.Sender{Transport: f, Signing: tt.sign}, r)
		if de == nil || de.Verdict != campaign.Unreachable || de.Attempts != 0 || len(f.seen) != 0 || !strings.Contains(de.Error(), tt.text) {
			t.Errorf("Send, %s = %v after %d round trips, want unreachable without one and a text with %q", tt.name, de, len(f.seen), tt.text)
		}
		if de != nil {
			lookForCanary(t, de)
		}
	}
}

func TestSigningKeyIsNotShown(t *testing.T) {
	key := signingKey(t, "whsec_"+base64.StdEncoding.EncodeToString([]byte(canary+strings.Repeat(".", 24))))
	for _, v := range []any{
		key, &key,
		[]httpsender.SigningKey{key},
		struct{ k httpsender.SigningKey }{key},
		httpsender.SignHosts(map[string][]httpsender.SigningKey{"esp.example": {key}}),
	} {
		lookForCanary(t, v)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1", "v1,", []byte("x"))
	f.Add("", "", "", []byte(nil))
	f.Add("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte("{}"))
	keys := []httpsender.SigningKey{signingKey(f, whsec(32))}
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
		if err := httpsender.Verify(h, body, keys, time.Duration(1<<62)); err == nil {
			t.Fatalf("Verify accepted a signature that nobody made: %q %q %q", id, timestamp, signature)
		}
	})
}

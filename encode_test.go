package campaign

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// The texts that are copied as they stand, eight bytes at once, are those that
// byte by byte need no escape.
func TestIsPlainJSON(t *testing.T) {
	plain := func(s string) bool {
		for i := range len(s) {
			if c := s[i]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
				return false
			}
		}
		return true
	}
	for length := range 20 {
		text := make([]byte, length)
		for i := range text {
			text[i] = 'a'
		}
		for at := range text {
			for c := range 256 {
				text[at] = byte(c)
				if s := string(text); isPlainJSON(s) != plain(s) {
					t.Fatalf("isPlainJSON(%q) = %t", s, isPlainJSON(s))
				}
			}
			text[at] = 'a'
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		text := make([]byte, r.IntN(20))
		for i := range text {
			text[i] = []byte("aa~ !#[]\x7f\x7f\"\\\x00\x1f\x80\xff")[r.IntN(16)]
		}
		if s := string(text); isPlainJSON(s) != plain(s) {
			t.Fatalf("isPlainJSON(%q) = %t", s, isPlainJSON(s))
		}
	}
}

func TestEightHexDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], r.Uint32())
		digits := binary.LittleEndian.AppendUint64(nil, eightHexDigits(binary.LittleEndian.Uint32(b[:])))
		if want := hex.EncodeToString(b[:]); string(digits) != want {
			t.Fatalf("eightHexDigits(%x) = %s, want %s", b, digits, want)
		}
	}
}

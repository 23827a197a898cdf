package campaign_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hybridcampaign/campaign"
)

// Whatever a host passes as an address, reading it does not panic, what was
// read is in its normal form, and it is text that JSON can hold.
func FuzzLocation(f *testing.F) {
	for _, s := range []string{
		"https://shop.example/a%20b?q=1#f", "HTTPS://Ann:pw@BÜCHER.example:443/a/../%2e/b\\c?d'e f", "http://0x7f.1:080/",
		"http://[2001:DB8::1]:8080/", "//x/y", "/a b\xff%ff%C3%A9", "app://Host/%zz", "app://Home", "app://?", "app:/..//x", "file:///C|/../x",
		"file://server/x", "data:a b #c", "about:blank", " ht\ntps:shop.example", "https://xn--bcher-kva.example./", "x:", "x:/", "x://", "x:?", "localhost:3000",
	} {
		f.Add(s)
	}
	scheme := regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	f.Fuzz(func(t *testing.T, s string) {
		first, err := readAddress(t, s)
		if err != nil {
			return
		}
		again, err := readAddress(t, first.URL)
		if err != nil {
			t.Fatalf("page.url of %q = %q, which is none: %v", s, first.URL, err)
		}
		first.Fragment, again.Fragment = "", ""
		if first != again {
			t.Errorf("fields of %q = %+v,\nof its page.url %+v", s, first, again)
		}
		if first.Scheme != absent && !scheme.MatchString(first.Scheme) {
			t.Errorf("page.scheme of %q = %q", s, first.Scheme)
		}
		if first.Host != strings.ToLower(first.Host) || !isPrintableASCII(first.Host) {
			t.Errorf("page.host of %q = %q, want lower case and ASCII", s, first.Host)
		}
		if !isPrintableASCII(first.URL) {
			t.Errorf("page.url of %q = %q, want ASCII", s, first.URL)
		}
		if !utf8.ValidString(first.Path) {
			t.Errorf("page.path of %q = %q, want UTF-8", s, first.Path)
		}
	})
}

func isPrintableASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) < 0
}

// characters cuts s as the rules count: a byte that is not UTF-8 is one of its own.
func characters(s string) []string {
	var out []string
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

// globOracle decides a glob in the plainest way: a table of which beginning of
// the pattern fits which beginning of the text.
func globOracle(pattern, text string, equal func(a, b string) bool) bool {
	tokens, chars := characters(pattern), characters(text)
	fits := make([]bool, len(chars)+1)
	fits[0] = true
	for i := 0; i < len(tokens); i++ {
		next := make([]bool, len(chars)+1)
		token, escaped := tokens[i], false
		if token == `\` {
			i++
			token, escaped = tokens[i], true
		}
		for j := range next {
			switch {
			case token == "*" && !escaped:
				next[j] = fits[j] || j > 0 && next[j-1]
			case j > 0 && fits[j-1]:
				next[j] = token == "?" && !escaped || equal(token, chars[j-1])
			}
		}
		fits = next
	}
	return fits[len(chars)]
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc", false)
	f.Add(`*\**a`, "b*ca", true)
	f.Add("*k?*ß", "OKxSẞ", true)
	f.Add("*aab*ab", "aaabab", false)
	f.Add("?*é", "\xffÉ", true)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		c := x.Glob(pattern)
		c.IgnoreCase = fold
		if len(pattern) > 100 || len(text) > 1000 || faultsOf(t, c) != nil {
			return
		}
		equal := func(a, b string) bool { return a == b }
		if fold {
			equal = strings.EqualFold
		}
		if got, want := match(t, c, profiled(text)), globOracle(pattern, text, equal); got != want {
			t.Errorf("Match(glob %q, ignore_case %v) of %q = %v, want %v", pattern, fold, text, got, want)
		}
	})
}

// Without case, a text operator says what strings.EqualFold says of some piece
// of the text with as many characters.
func FuzzFold(f *testing.F) {
	f.Add("OK and Straße", "k")
	f.Add("ſos", "SOS")
	f.Add("İi", "i")
	f.Add("aaab", "AAB")
	f.Add("\xff\ufffd", "\ufffd")
	f.Fuzz(func(t *testing.T, text, sub string) {
		if !utf8.ValidString(sub) || sub == "" || len(text) > 1000 {
			return
		}
		chars, n := characters(text), len(characters(sub))
		at := func(i int) bool {
			return i >= 0 && i+n <= len(chars) && strings.EqualFold(strings.Join(chars[i:i+n], ""), sub)
		}
		contains := false
		for i := range chars {
			contains = contains || at(i)
		}
		for _, check := range []struct {
			when campaign.Comparison
			want bool
		}{
			{x.Equals(sub), strings.EqualFold(text, sub)},
			{x.In(sub, "1", "2", "3", "4", "5", "6", "7", "8"), strings.EqualFold(text, sub) || len(text) == 1 && "1" <= text && text <= "8"},
			{x.StartsWith(sub), at(0)},
			{x.EndsWith(sub), at(len(chars) - n)},
			{x.Contains(sub), contains},
		} {
			if got := match(t, check.when.IgnoringCase(), profiled(text)); got != check.want {
				t.Errorf("Match(%s %q, ignoring case) of %q = %v, want %v", check.when.Op, sub, text, got, check.want)
			}
		}
		for _, check := range []struct {
			when campaign.Comparison
			want bool
		}{
			{x.Equals(sub), text == sub},
			{x.StartsWith(sub), strings.HasPrefix(text, sub)},
			{x.EndsWith(sub), strings.HasSuffix(text, sub)},
			{x.Contains(sub), strings.Contains(text, sub)},
		} {
			if got := match(t, check.when, profiled(text)); got != check.want {
				t.Errorf("Match(%s %q) of %q = %v, want %v", check.when.Op, sub, text, got, check.want)
			}
		}
	})
}

// Numbers compare as math/big compares them: integers of 64 bits and floats
// with each other, and what is written out without an exponent.
func FuzzNumberCompare(f *testing.F) {
	f.Add(int64(1<<53+1), uint64(1<<63), 1.5, "9007199254740993.5")
	f.Add(int64(-1<<63), uint64(1<<64-1), -9.223372036854775808e18, "18446744073709551617")
	f.Add(int64(0), uint64(0), 1.8446744073709552e19, "-0.0")
	f.Add(int64(1<<63-1), uint64(1<<63-1), 9007199254740992.0, "9007199254740993e0")
	f.Add(int64(1<<54+1), uint64(12000000000000000001), -18014398509481984.0, "18014398509481985.5")
	f.Add(int64(-1<<60-1), uint64(12000000000000000002), 1152921504606846976.0, "12000000000000000001.25")
	f.Fuzz(func(t *testing.T, i int64, u uint64, fl float64, text string) {
		values := []any{i, u, fl, float32(fl), int32(i), uint16(u)}
		if fl-fl != 0 {
			values = values[:2]
		}
		wanted := values
		if json.Valid([]byte(text)) && strings.Trim(text, "-.0123456789") == "" && len(text) < 400 {
			values = append(slices.Clip(values), json.Number(text))
		}
		for _, a := range values {
			for _, b := range wanted {
				order := exactly(a).Cmp(exactly(b))
				n, isText := a.(json.Number)
				if _, integer := new(big.Int).SetString(string(n), 10); isText && !integer {
					// Below 2^53 a decimal fraction is what its float64 is.
					if nearest, _ := exactly(a).Float64(); nearest < 1<<53 && nearest > -1<<53 {
						order = exactly(nearest).Cmp(exactly(b))
					}
				}
				for _, check := range []struct {
					when campaign.Comparison
					want bool
				}{
					{x.Equals(b), order == 0},
					{x.In("a", b), order == 0},
					{x.Less(b), order < 0},
					{x.AtMost(b), order <= 0},
					{x.Greater(b), order > 0},
					{x.AtLeast(b), order >= 0},
				} {
					if got := match(t, check.when, profiled(a)); got != check.want {
						t.Errorf("Match(%s %T %v) of %T %v = %v, want %v", check.when.Op, b, b, a, a, got, check.want)
					}
				}
			}
		}
	})
}

func exactly(v any) *big.Rat {
	r := new(big.Rat)
	switch v := v.(type) {
	case int64:
		return r.SetInt64(v)
	case int32:
		return r.SetInt64(int64(v))
	case uint64:
		return r.SetUint64(v)
	case uint16:
		return r.SetUint64(uint64(v))
	case float64:
		return r.SetFloat64(v)
	case float32:
		return r.SetFloat64(float64(v))
	case json.Number:
		r.SetString(string(v))
	}
	return r
}

// Whatever is in the visit and in the condition, Match answers.
func FuzzMatchNeverPanics(f *testing.F) {
	f.Add("page.url", "equals", `"https://shop.example/a"`, false, "https://shop.example/a/?b", `{"x": 1}`)
	f.Add("profile.a.b", "in", `["a", 1, true, 1.5]`, false, "/", `{"a": {"b": ["a", [1], {"c": null}]}}`)
	f.Add("item.price", "at_least", `1e2`, false, "/", `{"price": 99.5}`)
	f.Add("visit.x", "glob", `"*K?"`, true, "/", `{"x": ["OK\u212a"]}`)
	f.Add("page.query.é", "regex", `"(?m)^a$"`, true, "/?%C3%A9=b%0Aa", `{}`)
	f.Add("referrer.host", "ends_with", `".example"`, true, "https://BÜCHER.example", `null`)
	f.Fuzz(func(t *testing.T, field, op, value string, fold bool, address, fields string) {
		decoder := json.NewDecoder(strings.NewReader(value))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			v = value
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(fields), &m); err != nil {
			m = map[string]any{"x": fields}
		}
		visit := campaign.PageVisit{
			URL: address, Referrer: address, Title: address,
			Item: campaign.Item{Fields: m}, Profile: campaign.Profile{Fields: m}, Data: m,
		}
		made := campaign.Field(field).Equals(v)
		if list, ok := v.([]any); ok {
			made = campaign.Field(field).In(list...)
		}
		c := campaign.Comparison{Field: made.Field, Op: campaign.Op(op), Value: made.Value, IgnoreCase: fold}
		is, err := withCondition(c).Match(visit)
		isNot, notErr := withCondition(campaign.Not{Of: c}).Match(visit)
		if (err == nil) != (notErr == nil) || err == nil && is == isNot {
			t.Errorf("Match(%+v) = %v, %v; of its Not %v, %v", c, is, err, isNot, notErr)
		}
		data, err := json.Marshal(campaign.Campaigns{withCondition(c)})
		if err != nil {
			return
		}
		valid := withCondition(c).Validate() == nil
		if _, err := campaign.Parse(data); valid && err != nil {
			t.Errorf("Parse of the JSON of %+v: %v", c, err)
		}
	})
}

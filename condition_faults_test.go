package campaign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hybridcampaign/campaign"
)

func compare(f campaign.Field, op campaign.Op, value any) campaign.Comparison {
	return campaign.Comparison{Field: f, Op: op, Value: value}
}

// faultsOf returns the faults of a condition in a campaign.
func faultsOf(t testing.TB, c campaign.Condition) []campaign.Fault {
	t.Helper()
	err := withCondition(c).Validate()
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*campaign.ValidationError](err)
	if !ok {
		t.Fatalf("Validate() = %T %v, want a *ValidationError", err, err)
	}
	return invalid.Faults
}

func TestConditionFaults(t *testing.T) {
	deep := campaign.Condition(path.Exists())
	for range 200 {
		deep = campaign.Not{Of: deep}
	}
	type embedded struct{ campaign.All }
	loop := campaign.All{path.Exists(), nil, nil}
	loop[1], loop[2] = loop, loop
	wideLoop := make(campaign.All, 50_000)
	for i := range wideLoop {
		wideLoop[i] = wideLoop
	}
	doubled := campaign.Condition(path.Exists())
	for range 90 {
		doubled = campaign.Any{doubled, doubled}
	}
	tests := []struct {
		name    string
		when    campaign.Condition
		pointer string // below /nodes/0/when
		message string // a part of it
	}{
		{"none", nil, "", "for every page, PagePath.Exists()"},
		{"empty all", campaign.All{}, "/all", "is empty"},
		{"nil all", campaign.All(nil), "/all", "is empty"},
		{"empty any", campaign.Any{}, "/any", "is empty"},
		{"not of nothing", campaign.Not{}, "/not", "is missing"},
		{"nil in all", campaign.All{path.Exists(), nil}, "/all/1", "is missing"},
		{"empty any in not in all", campaign.All{campaign.Not{Of: campaign.Any{}}}, "/all/0/not/any", "is empty"},
		{"pointer to a comparison", new(path.Exists()), "", "plain value"},
		{"pointer to all", &campaign.All{path.Exists()}, "", "plain value"},
		{"embedded", embedded{campaign.All{path.Exists()}}, "", "plain value"},
		{"deep", deep, strings.Repeat("/not", 101), "flatten"},
		{"holds itself twice", loop, "", "holds itself"},
		{"holds itself many times", wideLoop, "", "holds itself"},
		{"2^90 parts", doubled, "", "more than 100000 parts"},
		{"too many parts", make(campaign.All, 100_000), "", "more than 100000 parts"},

		{"no field", compare("", campaign.OpExists, nil), "/field", "page.path"},
		{"page.pth", compare("page.pth", campaign.OpExists, nil), "/field", `"page.path"`},
		{"page.Path", compare("page.Path", campaign.OpExists, nil), "/field", `"page.path"`},
		{"pagepath", compare("pagepath", campaign.OpExists, nil), "/field", `"page.path"`},
		{"page_path", compare("page_path", campaign.OpExists, nil), "/field", `"page.path"`},
		{"path", compare("path", campaign.OpExists, nil), "/field", `"page.path"`},
		{"url", compare("url", campaign.OpExists, nil), "/field", `"page.url"`},
		{"host", compare("host", campaign.OpExists, nil), "/field", `"page.host"`},
		{"query.a", compare("query.a", campaign.OpExists, nil), "/field", `"page.query.a"`},
		{"page.hots", compare("page.hots", campaign.OpExists, nil), "/field", `"page.host"`},
		{"page.titel", compare("page.titel", campaign.OpExists, nil), "/field", `"page.title"`},
		{"page.path ", compare("page.path ", campaign.OpExists, nil), "/field", `"page.path"`},
		{"page.path.x", compare("page.path.x", campaign.OpExists, nil), "/field", `"page.path"`},
		{"referer.url", compare("referer.url", campaign.OpExists, nil), "/field", `"referrer.url"`},
		{"referer.query.q", compare("referer.query.q", campaign.OpExists, nil), "/field", `"referrer.query.q"`},
		{"referrer.title", compare("referrer.title", campaign.OpExists, nil), "/field", "referrer.url"},
		{"page.qurey.a", compare("page.qurey.a", campaign.OpExists, nil), "/field", `"page.query.a"`},
		{"page.query", compare("page.query", campaign.OpExists, nil), "/field", "page.query.NAME"},
		{"page.query.", compare("page.query.", campaign.OpExists, nil), "/field", "page.query.NAME"},
		{"referrer.query.", compare("referrer.query.", campaign.OpExists, nil), "/field", "referrer.query.NAME"},
		{"item", compare("item", campaign.OpExists, nil), "/field", "item.NAME"},
		{"item.", compare("item.", campaign.OpExists, nil), "/field", "item.NAME"},
		{"itme.price", compare("itme.price", campaign.OpExists, nil), "/field", `"item.price"`},
		{"items.price", compare("items.price", campaign.OpExists, nil), "/field", `"item.price"`},
		{"profile", compare("profile", campaign.OpExists, nil), "/field", "profile.NAME"},
		{"profile.", compare("profile.", campaign.OpExists, nil), "/field", "profile.NAME"},
		{"profil.email", compare("profil.email", campaign.OpExists, nil), "/field", `"profile.email"`},
		{"Profile.Email", compare("Profile.Email", campaign.OpExists, nil), "/field", `"profile.Email"`},
		{"profile.address.city, misspelt", compare("porfile.address.city", campaign.OpExists, nil), "/field", `"profile.address.city"`},
		{"visti.device", compare("visti.device", campaign.OpExists, nil), "/field", `"visit.device"`},
		{"visit.", compare("visit.", campaign.OpExists, nil), "/field", "visit.NAME"},
		{"profile_email", compare("profile_email", campaign.OpExists, nil), "/field", `"profile.email"`},
		{"profile/email", compare("profile/email", campaign.OpExists, nil), "/field", `"profile.email"`},
		{"Item_Price", compare("Item_Price", campaign.OpExists, nil), "/field", `"item.Price"`},
		{"page_query_utm_source", compare("page_query_utm_source", campaign.OpExists, nil), "/field", `"page.query.utm_source"`},
		{"page.query[utm_source]", compare("page.query[utm_source]", campaign.OpExists, nil), "/field", `"page.query.utm_source"`},
		{"referrer.qurey:q", compare("referrer.qurey:q", campaign.OpExists, nil), "/field", `"referrer.query.q"`},
		{"query", compare("query", campaign.OpExists, nil), "/field", "write page.query.NAME"},
		{"referer", compare("referer", campaign.OpExists, nil), "/field", "there are referrer.url, referrer.host, referrer.path, referrer.query.NAME"},
		{"page.utm_source", compare("page.utm_source", campaign.OpExists, nil), "/field", "there are page.url"},
		{"something else", compare("weather.today", campaign.OpExists, nil), "/field", "there are page.url"},
		{"long", compare(campaign.Field(strings.Repeat("x", 10_000)), campaign.OpExists, nil), "/field", "there are page.url"},
		{"field that is not UTF-8", campaign.PageQuery("a\xff").Exists(), "/field", "UTF-8"},

		{"no operator", compare(path, "", "a"), "/op", `there are "equals"`},
		{"Equals", compare(path, "Equals", "a"), "/op", `"equals"`},
		{"equal", compare(path, "equal", "a"), "/op", `"equals"`},
		{"start_with", compare(path, "start_with", "a"), "/op", `"starts_with"`},
		{"startsWith", compare(path, "startsWith", "a"), "/op", `"starts_with"`},
		{"ends-with", compare(path, "ends-with", "a"), "/op", `"ends_with"`},
		{"contain", compare(path, "contain", "a"), "/op", `"contains"`},
		{"regexp", compare(path, "regexp", "a"), "/op", `"regex"`},
		{"atleast", compare(x, "atleast", 1), "/op", `"at_least"`},
		{"exist", compare(path, "exist", nil), "/op", `"exists"`},
		{"greather", compare(x, "greather", 1), "/op", `"greater"`},
		{"gte", compare(x, "gte", int64(1)), "/op", `did you mean "at_least"`},
		{"<", compare(x, "<", int64(1)), "/op", `did you mean "less"`},
		{"greater_or_equal", compare(x, "greater_or_equal", int64(1)), "/op", `did you mean "at_least"`},
		{"==", compare(path, "==", "a"), "/op", `did you mean "equals"`},
		{"begins_with", compare(path, "begins_with", "a"), "/op", `did you mean "starts_with"`},
		{"beginsWith", compare(path, "beginsWith", "a"), "/op", `did you mean "starts_with"`},
		{"includes", compare(path, "includes", "a"), "/op", `did you mean "contains"`},
		{"one_of", compare(path, "one_of", []any{"a"}), "/op", `did you mean "in"`},
		{"matches", compare(path, "matches", "a"), "/op", `did you mean "regex"`},
		{"prefix", compare(path, "prefix", "a"), "/op", `did you mean "starts_with"`},
		{"suffix", compare(path, "suffix", "a"), "/op", `did you mean "ends_with"`},
		{"$in", compare(path, "$in", []any{"a"}), "/op", `did you mean "in"`},
		{"$nin", compare(path, "$nin", []any{"a"}), "/op", `{"not": {"field": …, "op": "in", …}}`},
		{"anything-but", compare(path, "anything-but", []any{"a"}), "/op", `{"not": {"field": …, "op": "in", …}}`},
		{"is_null", compare(path, "is_null", nil), "/op", `{"not": {"field": …, "op": "exists"}}`},
		{"missing", compare(path, "missing", nil), "/op", `{"not": {"field": …, "op": "exists"}}`},
		{"not_null", compare(path, "not_null", nil), "/op", `did you mean "exists"`},
		{"is_present", compare(path, "is_present", nil), "/op", `did you mean "exists"`},
		{"not_equals", compare(path, "not_equals", "a"), "/op", `{"not": {"field": …, "op": "equals", …}}`},
		{"notIn", compare(path, "notIn", []any{"a"}), "/op", `{"not": {"field": …, "op": "in", …}}`},
		{"!=", compare(path, "!=", "a"), "/op", `{"not": {"field": …, "op": "equals", …}}`},
		{"something", compare(path, "resembles", "a"), "/op", `there are "equals"`},
		{"greaterThanOrEquals", compare(x, "greaterThanOrEquals", int64(1)), "/op", `did you mean "at_least"?`},
		{"greaterThanInclusive", compare(x, "greaterThanInclusive", int64(1)), "/op", `did you mean "at_least"?`},
		{"less_or_equal_to", compare(x, "less_or_equal_to", int64(1)), "/op", `did you mean "at_most"?`},
		{"le", compare(x, "le", int64(1)), "/op", `did you mean "at_most"?`},
		{"NUM_GTE", compare(x, "NUM_GTE", int64(1)), "/op", `did you mean "at_least"?`},
		{"less_equal", compare(x, "less_equal", int64(1)), "/op", `did you mean "at_most"?`},
		{"less_than_equals", compare(x, "less_than_equals", int64(1)), "/op", `did you mean "at_most"?`},
		{"not_less_than_or_equal_to", compare(x, "not_less_than_or_equal_to", int64(1)), "/op", `{"not": {"field": …, "op": "at_most", …}}`},
		{"equals_not", compare(path, "equals_not", "a"), "/op", `{"not": {"field": …, "op": "equals", …}}`},
		{"contains_none", compare(path, "contains_none", "a"), "/op", `{"not": {"field": …, "op": "contains", …}}`},
		{"exists_not", compare(path, "exists_not", nil), "/op", `{"not": {"field": …, "op": "exists"}}`},
		{"less_eq", compare(x, "less_eq", int64(1)), "/op", `there are "equals"`},
		{"above", compare(x, "above", int64(1)), "/op", `did you mean "greater"?`},
		{"nequals", compare(path, "nequals", "a"), "/op", `{"not": {"field": …, "op": "equals", …}}`},
		{"isnt", compare(path, "isnt", "a"), "/op", `{"not": {"field": …, "op": "equals", …}}`},
		{"doesnt_contain", compare(path, "doesnt_contain", "a"), "/op", `{"not": {"field": …, "op": "contains", …}}`},
		{"is_not_set", compare(path, "is_not_set", nil), "/op", `{"not": {"field": …, "op": "exists"}}`},
		{"is not one of", compare(path, "is not one of", nil), "/op", `{"not": {"field": …, "op": "in", …}}`},
		{"!~", compare(path, "!~", "a"), "/op", `{"not": {"field": …, "op": "regex", …}}`},
		{"$=", compare(path, "$=", "a"), "/op", `did you mean "ends_with"?`},
		{"^=", compare(path, "^=", "a"), "/op", `did you mean "starts_with"?`},
		{"STR_CONTAINS", compare(path, "STR_CONTAINS", "a"), "/op", `did you mean "contains"?`},
		{"icontains", compare(path, "icontains", "a"), "/op", `did you mean "contains", with "ignore_case": true?`},
		{"equalsIgnoreCase", compare(path, "equalsIgnoreCase", "a"), "/op", `did you mean "equals", with "ignore_case": true?`},
		{"$regexi", compare(path, "$regexi", "a"), "/op", `did you mean "regex", with "ignore_case": true?`},
		{"notIContains", compare(path, "notIContains", "a"), "/op", `{"not": {"field": …, "op": "contains", "ignore_case": true, …}}`},
		{"contains_all", compare(path, "contains_all", "a"), "/op", `write {"all": […]} with one contains for each`},
		{"contains_any", compare(path, "contains_any", "a"), "/op", `write {"any": […]} with one contains for each`},
		{"in_range", compare(x, "in_range", nil), "/op", `write {"all": […]} with at_least and at_most`},
		{"not_between", compare(x, "not_between", nil), "/op", `write {"any": […]} with less and greater`},
		{"like", compare(path, "like", "%a%"), "/op", `did you mean "glob", with * in place of %?`},
		{"NOT LIKE", compare(path, "NOT LIKE", "%a%"), "/op", `write {"not": {"field": …, "op": "glob", …}}, with * in place of %`},
		{"is_in", compare(path, "is_in", nil), "/op", `did you mean "in"?`},
		{"not null", compare(path, "not null", nil), "/op", `did you mean "exists"?`},
		{"is empty", compare(path, "is empty", nil), "/op", `there are "equals"`},
		{"isisis", compare(path, "isisis", nil), "/op", `did you mean "equals"?`},
		{"many affixes", compare(path, campaign.Op(strings.Repeat("is", 18)+"z"+strings.Repeat("i", 18)), nil), "/op", `there are "equals"`},
		{"many affixes of another kind", compare(path, campaign.Op(strings.Repeat("string", 5)+strings.Repeat("i", 34)), nil), "/op", `there are "equals"`},
		{"notnotnot", compare(path, campaign.Op(strings.Repeat("not", 21)), nil), "/op", `there are "equals"`},
		{"ncontains", compare(path, "ncontains", "a"), "/op", `there are "equals"`},
		{"nocontains", compare(path, "nocontains", "a"), "/op", `there are "equals"`},
		{"contains_none_of", compare(path, "contains_none_of", "a"), "/op", `there are "equals"`},
		{"hasnt", compare(path, "hasnt", "a"), "/op", `{"not": {"field": …, "op": "contains", …}}`},
		{"not_inside", compare(x, "not_inside", nil), "/op", `write {"any": […]} with less and greater`},
		{"numnumber", compare(path, campaign.Op(strings.Repeat("num", 10)+strings.Repeat("number", 5)), nil), "/op", `there are "equals"`},
		{"after", compare(x, "after", nil), "/op", "times have no order"},

		{"equals nothing", path.Equals(nil), "/value", "exists"},
		{"equals a list", x.Equals([]string{"a"}), "/value", "to compare with each of a list use in"},
		{"equals bytes", x.Equals([]byte("NL")), "/value", "write a text"},
		{"in bytes", x.In([]byte("NL")), "/value/0", "write a text"},
		{"in bytes among others", x.In("BE", json.RawMessage("NL")), "/value/1", "write a text"},
		{"in an array of bytes", x.In([2]byte{'N', 'L'}), "/value/0", "write a text"},
		{"equals an object", x.Equals(map[string]any{}), "/value", "write a text"},
		{"equals a struct", x.Equals(struct{}{}), "/value", "write a text"},
		{"equals a nil pointer", x.Equals((*int)(nil)), "/value", "write a text"},
		{"equals NaN", x.Equals(math.NaN()), "/value", "finite"},
		{"equals infinity", x.Equals(math.Inf(1)), "/value", "finite"},
		{"equals a plain int", compare(x, campaign.OpEquals, 1), "/value", "int64"},
		{"equals a number too large", x.Equals(json.Number("18446744073709551617")), "/value", "64 bits cannot hold exactly; write it rounded, as 18446744073709551616,"},
		{"equals a number too small", x.Equals(json.Number("-9223372036854775809")), "/value", "write it rounded, as -9223372036854775808,"},
		{"equals a number too long", x.Equals(json.Number("9007199254740993.5")), "/value", "write it rounded, as 9007199254740994,"},
		{"less than a time", x.Less(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "/value", "is a time, and times have no order here"},
		{"less than a date", compare(x, campaign.OpLess, "2026-01-01"), "/value", "is a time, and times have no order here"},
		{"less than a number in quotes", compare(x, campaign.OpLess, "-1.5"), "/value", "is text; less compares with a number; write -1.5 without quotes"},
		{"less than text", compare(x, campaign.OpLess, "a"), "/value", "is text; less compares with a number"},
		{"less than nothing", compare(x, campaign.OpLess, nil), "/value", "is missing or null; less compares with a number"},
		{"less than a list", compare(x, campaign.OpLess, []any{int64(1)}), "/value", "is a list; less compares with a number"},
		{"contains a list", compare(x, campaign.OpContains, []any{"a"}), "/value", `is a list; contains compares with text; write {"any": […]} with one contains for each`},
		{"in a text", compare(x, campaign.OpIn, "a"), "/value", `is text; in compares with a list; put it into brackets`},
		{"counts that go down", path.Regex("a{2,1}"), "/value", "write the smaller count first"},
		{"glob as regex", path.Regex("*.html"), "/value", `for * as any text write the op "glob"`},
		{"escape of JavaScript", path.Regex(`caf\u00e9`), "/value", `write \x{00e9}`},
		{"end of Perl", path.Regex(`a\Z`), "/value", `write \z`},
		{"possessive", path.Regex(`a++`), "/value", "RE2 has no possessive"},
		{"atomic", path.Regex(`(?>a)`), "/value", "RE2 has no possessive"},
		{"equals a number too large, by a pointer", x.Equals(new(json.Number("18446744073709551617"))), "/value", "64 bits"},
		{"in numbers too large, by pointers", x.In([]*json.Number{new(json.Number("18446744073709551617"))}), "/value/0", "64 bits"},
		{"in a number too large, beside others", x.In(1, json.Number("1180591620717411303425e0")), "/value/1", "write it rounded, as 1.1805916207174113e+21"},
		{"equals a number beyond all", x.Equals(json.Number("1e400")), "/value", "64 bits"},
		{"equals a plain json.Number", compare(x, campaign.OpEquals, json.Number("1")), "/value", "methods of Field"},
		{"equals no number", x.Equals(json.Number("x")), "/value", "write a text, a boolean or a number"},
		{"equals invalid UTF-8", x.Equals("a\xff"), "/value", "UTF-8"},
		{"a path equals a number", path.Equals(1), "/value", `write "1"`},
		{"a path equals a boolean", path.Equals(true), "/value", `write "true"`},
		{"a query parameter equals a number", campaign.PageQuery("id").Equals(42), "/value", `write "42"`},
		{"equals a number without case", x.Equals(1).IgnoringCase(), "/value", "ignore_case"},
		{"equals a boolean without case", x.Equals(true).IgnoringCase(), "/value", "ignore_case"},

		{"in nothing", x.In(), "/value", "is empty"},
		{"in an empty list", x.In([]string{}), "/value", "is empty"},
		{"in a text", compare(x, campaign.OpIn, "a"), "/value", "a list"},
		{"in a plain slice", compare(x, campaign.OpIn, []string{"a"}), "/value", "methods of Field"},
		{"in nil", compare(x, campaign.OpIn, nil), "/value", "a list"},
		{"in with nil", x.In("a", nil), "/value/1", "is missing or null"},
		{"in with NaN", x.In(1, math.NaN()), "/value/1", "finite"},
		{"in with a list in a list", x.In([]any{"a", []any{"b"}}), "/value/1", "write a text"},
		{"in with invalid UTF-8", x.In("a", "\xff"), "/value/1", "UTF-8"},
		{"in with a number without case", x.In("a", 1).IgnoringCase(), "/value/1", "ignore_case"},
		{"a path in numbers", path.In("/a", 1), "/value/1", `write "1"`},

		{"contains nothing", path.Contains(""), "/value", "is empty"},
		{"starts_with nothing", path.StartsWith(""), "/value", "is empty"},
		{"ends_with nothing", path.EndsWith(""), "/value", "is empty"},
		{"glob of nothing", path.Glob(""), "/value", "is empty"},
		{"contains a number", compare(x, campaign.OpContains, int64(1)), "/value", "compares with text"},
		{"starts_with a list", compare(x, campaign.OpStartsWith, []any{"a"}), "/value", "compares with text"},
		{"glob of nil", compare(x, campaign.OpGlob, nil), "/value", "compares with text"},
		{"glob with a lone backslash", path.Glob(`a\`), "/value", `\\`},
		{"regex of a number", compare(x, campaign.OpRegex, int64(1)), "/value", "compares with text"},
		{"regex without an end", path.Regex("(a"), "/value", "is not an RE2 expression: missing closing ): `(a`; correct it there"},
		{"regex with a lone backslash", path.Regex(`a\`), "/value", "RE2"},
		{"regex with look-ahead", path.Regex("(?=a)"), "/value", "`(?=`; RE2 has no look-ahead and no look-behind: write two conditions, and combine them with all and not"},
		{"regex with negative look-ahead", path.Regex("^/(?!admin)"), "/value", "`(?!`; RE2 has no look-ahead"},
		{"regex with look-behind", path.Regex("a(?<=b)"), "/value", "RE2 has no look-ahead and no look-behind: write two"},
		{"regex with negative look-behind", path.Regex("(?<!b)a").IgnoringCase(), "/value", "RE2 has no look-ahead and no look-behind: write two"},
		{"regex with a backreference", path.Regex(`(a)\1`), "/value", "`\\1`; RE2 has no backreferences: write out what may repeat"},
		{"regex with a backreference by name", path.Regex(`(?<a>b)\k<a>`), "/value", "RE2 has no backreferences: write out"},
		{"regex with an escape that is none", path.Regex(`\y`), "/value", "invalid escape sequence: `\\y`; correct it there"},
		{"regex that closes its group", path.Regex("a)(b").IgnoringCase(), "/value", "RE2"},
		{"regex that is too large", path.Regex("((a{100}){100}){100}"), "/value", "; RE2 repeats up to 1000 times"},
		{"regex in invalid UTF-8", path.Regex("\xff"), "/value", "UTF-8"},
		{"contains invalid UTF-8", path.Contains("\xff"), "/value", "UTF-8"},
		{"glob in invalid UTF-8", path.Glob("\xff*"), "/value", "UTF-8"},

		{"less than text", x.Less("a"), "/value", "a number"},
		{"less than a numeral", x.Less("1"), "/value", "a number"},
		{"less than a boolean", x.Less(true), "/value", "a number"},
		{"less than a time", x.Less(time.Now()), "/value", "a number"},
		{"at_most nothing", x.AtMost(nil), "/value", "is missing"},
		{"greater than NaN", x.Greater(math.NaN()), "/value", "finite"},
		{"at_least a list", x.AtLeast([]int{1}), "/value", "write a"},
		{"order of a path", path.Less(1), "/op", "always text"},
		{"order of a query parameter", campaign.PageQuery("a").AtLeast(1), "/op", "always text"},
		{"order of a title", title.Greater(1), "/op", "always text"},
		{"order without case", x.Less(1).IgnoringCase(), "/ignore_case", "means nothing"},
		{"exists with a value", compare(x, campaign.OpExists, "a"), "/value", "means nothing"},
		{"exists without case", x.Exists().IgnoringCase(), "/ignore_case", "means nothing"},

		{"host in Unicode", campaign.PageHost.Equals("bücher.example"), "/value", `"xn--bcher-kva.example"`},
		{"host in Unicode with a port", campaign.PageHost.Equals("bücher.example:8080"), "/value", `"xn--bcher-kva.example:8080"`},
		{"host in Unicode, in", campaign.PageHost.In("shop.example", "例え.テスト"), "/value/1", `"xn--r8jz45g.xn--zckzah"`},
		{"referrer's host in Unicode", campaign.ReferrerHost.Equals("straße.example"), "/value", `"xn--strae-oqa.example"`},
		{"host with an accent of its own", campaign.PageHost.Equals("bu\u0308cher.example"), "/value", "write the xn-- form"},
		{"host with a variant of a letter", campaign.PageHost.Equals("Ⅷ.example"), "/value", "write the xn-- form"},
		{"host with two letters in one", campaign.PageHost.Equals("ĳssel.example"), "/value", "write the xn-- form"},
		{"url of a host with an accent of its own", page.StartsWith("https://cafe\u0301.example/"), "/value", "write the xn-- form"},
		{"part of a host in Unicode", campaign.PageHost.EndsWith("ücher.example"), "/value", "xn--"},
		{"start of a host in Unicode", campaign.PageHost.StartsWith("bü"), "/value", "xn--"},
		{"glob of a host in Unicode", campaign.PageHost.Glob("*.bücher.example"), "/value", "xn--"},
		{"host in Unicode that is none", campaign.PageHost.Equals("bü cher.example"), "/value", "write the xn-- form"},
		{"regex of a host in Unicode", campaign.PageHost.Regex(`^(shop|bücher)\.example$`), "/value", "write the xn-- form"},
		{"regex of the referrer's host in Unicode", campaign.ReferrerHost.Regex("bücher"), "/value", "write the xn-- form"},
		{"start of a url that ends in a host in Unicode", page.StartsWith("https://bücher"), "/value", "write the xn-- form"},
		{"regex of a host in Unicode, escaped", campaign.PageHost.Regex(`b\x{fc}cher`), "/value", "write the xn-- form"},
		{"part of a url that ends in a host in Unicode", page.Contains("https://münch"), "/value", "write the xn-- form"},
		{"part of a url with a whole label in Unicode", page.Contains("https://bücher.ex"), "/value", `"https://xn--bcher-kva.ex"`},
		{"glob of a url with a host in Unicode", page.Glob("https://bücher.example"), "/value", "write the xn-- form"},
		{"end of a url with a host in Unicode", page.EndsWith("https://bücher.example"), "/value", "write the xn-- form"},
		{"empty glob", campaign.PagePath.Glob(""), "/value", "only the empty text satisfies"},
		{"text that is not UTF-8", campaign.ProfileField("a").Equals("\xff"), "/value", "is not valid UTF-8, so JSON cannot hold it; convert it"},
		{"name that is not UTF-8", campaign.ProfileField("\xff").Exists(), "/field", "is not valid UTF-8, so no visit can have it; convert it"},
		{"the browser's name of the fragment", campaign.Field("page.hash").Exists(), "/field", `"page.fragment"`},
		{"the browser's name of the query", campaign.Field("page.search").Exists(), "/field", "write page.query.NAME"},
		{"the browser's name of the referrer", campaign.Field("page.referrer").Exists(), "/field", `did you mean "referrer.url"?`},
		{"the browser's name of the scheme", campaign.Field("page.protocol").Exists(), "/field", `did you mean "page.scheme"?`},
		{"another name of the profile", campaign.Field("user.email").Exists(), "/field", `did you mean "profile.email"?`},
		{"another name of the item", campaign.Field("product.price").Exists(), "/field", `did you mean "item.price"?`},
		{"another name of the profile, and no field", campaign.Field("user").Exists(), "/field", "there are "},
		{"url with a host in Unicode", page.Equals("https://bücher.example/a"), "/value", `"https://xn--bcher-kva.example/a"`},
		{"start of a url with a host in Unicode", page.StartsWith("https://bücher.example/"), "/value", `"https://xn--bcher-kva.example/"`},
		{"in urls with a host in Unicode", page.In("https://bücher.example/"), "/value/0", `"https://xn--bcher-kva.example/"`},
		{"referrer's url with a host in Unicode", campaign.ReferrerURL.StartsWith("https://bücher.example"), "/value", "xn--bcher-kva.example"},
		{"part of a url with a host in Unicode", page.Contains("://bücher.example/"), "/value", "xn--"},
		{"glob of a url with a host in Unicode", page.Glob("https://bücher.*"), "/value", "xn--"},
		{"glob of a url with the end of a host in Unicode", page.Glob("https://*.bücher.example/*"), "/value", "write the xn-- form"},
		{"glob of a url with a host in Unicode below any", page.Glob("http*://www.*.bücher.example/"), "/value", "write the xn-- form"},
		{"glob of a url with a label of one character", page.Glob("https://?.bücher.example/*"), "/value", "write the xn-- form"},
		{"glob of the referrer's url with the end of a host in Unicode", campaign.ReferrerURL.Glob("*://*.bücher.example/*"), "/value", "write the xn-- form"},
		{"regex of a url with a host in Unicode", page.Regex("^https://bücher[.]example/"), "/value", "write the xn-- form"},
		{"regex of a url with one of two hosts in Unicode", page.Regex("^https?://(bücher|shop)[.]example/"), "/value", "write the xn-- form"},
		{"regex of a url with the start of a host in Unicode", page.Regex("https?://bü"), "/value", "write the xn-- form"},
		{"regex of a url with a host in Unicode below others", page.Regex("^https://([a-z0-9-]+[.])*bücher[.]example/"), "/value", "write the xn-- form"},
		{"regex of the referrer's url with a host in Unicode", campaign.ReferrerURL.Regex(`(?i)^https?://b\x{fc}cher`), "/value", "write the xn-- form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			faults := faultsOf(t, tt.when)
			if len(faults) != 1 {
				t.Fatalf("Validate() found %v, want one fault", faults)
			}
			f := faults[0]
			if f.Pointer != "/nodes/0/when"+tt.pointer || !strings.Contains(f.Message, tt.message) {
				t.Errorf("fault %s, want %s: … %s …", f, "/nodes/0/when"+tt.pointer, tt.message)
			}
		})
	}
}

// Conditions that look odd and mean something.
func TestConditionsWithoutFault(t *testing.T) {
	deep := campaign.Condition(path.Exists())
	for range 30 {
		deep = campaign.All{campaign.Not{Of: deep}}
	}
	for _, c := range []campaign.Condition{
		path.Equals(""), path.In(""), x.In("", 0, false), path.Regex(""), path.Regex("").IgnoringCase(),
		path.Glob("*"), path.Glob(`\\`), path.Equals("/café"), path.Contains("é"), page.Regex("é"),
		page.Glob("https://shop.example*über.html/"), page.Glob("https://*über"), page.Glob("*bücher.example/*"), page.Glob("https://*/über.html"),
		page.Regex("^https://.*bücher"), page.Regex("^https://shop[.]example/bücher"), page.Regex("^https://[^.]+[.]example/(a|bücher)"),
		page.Regex("^https://[^ü/]+/"), page.Regex("^(https://|/)bücher"),
		page.Contains("xn--"), page.Contains("é"), page.Equals("https://shop.example/é").IgnoringCase(),
		campaign.PageHost.Regex("^[^ü]+$"), campaign.PagePath.Regex("ü"), campaign.PageHost.Equals("localhost:8080"),
		campaign.PageQuery("é").Equals("ü"), campaign.PageQuery("a.b").Exists(), campaign.PageQuery(" ").Exists(),
		campaign.ProfileField("a.b.").Exists(), campaign.ProfileField("..").Exists(), campaign.ProfileField("ü").Exists(),
		x.Less(0), x.Less(uint64(math.MaxUint64)), x.Equals(math.MaxFloat64), x.Equals(json.Number("1e23")),
		x.Equals("1").IgnoringCase(), campaign.ItemID.Less(5), campaign.ProfileField("id").AtLeast(1),
		deep,
	} {
		if faults := faultsOf(t, c); faults != nil {
			t.Errorf("Validate() of %.200s = %v, want none", fmt.Sprintf("%+v", c), faults)
		}
	}
}

// What Go accepts can be written as JSON and read again: also when it is deep.
func TestDeepConditionIsReadable(t *testing.T) {
	for depth := range 150 {
		c := campaign.Condition(path.Exists())
		for range depth {
			c = campaign.All{c}
		}
		valid := faultsOf(t, c) == nil
		data, err := json.Marshal(campaign.Campaigns{withCondition(c)})
		if err != nil {
			t.Fatalf("depth %d: Marshal: %v", depth, err)
		}
		if _, err := campaign.Parse(data); (err == nil) != valid {
			t.Fatalf("depth %d: Validate says %v, and Parse of its JSON %.300v", depth, valid, err)
		}
		if depth <= 30 && !valid {
			t.Errorf("depth %d is refused", depth)
		}
	}
}

// All faults of a condition are found at once, each at its place.
func TestAllConditionFaultsAtOnce(t *testing.T) {
	c := campaign.All{
		compare("page.pth", "equal", nil),
		campaign.Not{Of: x.In(nil, math.NaN(), "ok")},
		path.Less("a").IgnoringCase(),
	}
	got := map[string]bool{}
	for _, f := range faultsOf(t, c) {
		got[strings.TrimPrefix(f.Pointer, "/nodes/0/when/all")] = true
	}
	for _, want := range []string{"/0/field", "/0/op", "/1/not/value/0", "/1/not/value/1", "/2/ignore_case", "/2/value", "/2/op"} {
		if !got[want] {
			t.Errorf("no fault at %s; there are %v", want, got)
		}
	}
	if len(got) != 7 {
		t.Errorf("%d faults %v, want 7", len(got), got)
	}
}

// The JSON form knows the same faults, and those of its own.
func TestConditionFaultsInJSON(t *testing.T) {
	tests := []struct {
		when, pointer, message string
	}{
		{`null`, "", "object"},
		{`[]`, "", `write {"all": […]}`},
		{`"page.path"`, "", "object"},
		{`{}`, "/field", ""},
		{`{"all": []}`, "/all", "is empty"},
		{`{"all": {}}`, "/all", "array"},
		{`{"all": null}`, "/all", "array"},
		{`{"all": [null]}`, "/all/0", "object"},
		{`{"any": []}`, "/any", "is empty"},
		{`{"not": null}`, "/not", "object"},
		{`{"not": []}`, "/not", `write {"all": […]}`},
		{`{"not": {"all": []}}`, "/not/all", "is empty"},
		{`{"All": []}`, "/All", `"all"`},
		{`{"and": []}`, "/and", `is not a key here; did you mean "all"?`},
		{`{"AND": []}`, "/AND", `did you mean "all"?`},
		{`{"&&": []}`, "/&&", `did you mean "all"?`},
		{`{"$and": []}`, "/$and", `did you mean "all"?`},
		{`{"all_of": []}`, "/all_of", `did you mean "all"?`},
		{`{"or": []}`, "/or", `did you mean "any"?`},
		{`{"Or": []}`, "/Or", `did you mean "any"?`},
		{`{"||": []}`, "/||", `did you mean "any"?`},
		{`{"anyOf": []}`, "/anyOf", `did you mean "any"?`},
		{`{"!": {}}`, "/!", `did you mean "not"?`},
		{`{"$not": {}}`, "/$not", `did you mean "not"?`},
		{`{"field": "page.path", "op": "and"}`, "/op", `write {"all": […]} instead of a comparison`},
		{`{"field": "page.path", "op": "||"}`, "/op", `write {"any": […]} instead of a comparison`},
		{`{"nor": []}`, "/nor", `write {"not": {"any": […]}}`},
		{`{"none_of": []}`, "/none_of", `write {"not": {"any": […]}}`},
		{`{"and": [], "field": "page.path", "op": "exists"}`, "/and", `did you mean "all"?`},
		{`{"rules": []}`, "/rules", `did you mean "all"?`},
		{`{"attribute": "page.path", "op": "exists"}`, "/attribute", `did you mean "field"?`},
		{`{"field": "page.path", "op": "equals", "value": "/", "caseInsensitive": true}`, "/caseInsensitive", `did you mean "ignore_case"?`},
		{`{"field": "page.path", "op": "equals", "value": "/", "negate": true}`, "/negate", `write {"not": {"field": …, "op": …, …}}`},
		{`{"page.path": "/a"}`, "/page.path", `write {"field": "page.path", "op": "equals", "value": …}`},
		{`{"starts_with": "/a"}`, "/starts_with", `write {"field": …, "op": "starts_with", …}`},
		{`{"==": ["page.path", "/a"]}`, "/==", `write {"field": …, "op": "equals", …}`},
		{`{"xor": []}`, "/xor", `there are "field", "op", "value", "ignore_case", "all", "any", "not"`},
		{`{"all": [{"field": "page.path", "op": "exists"}], "any": [{"field": "page.path", "op": "exists"}]}`, "/any", "beside"},
		{`{"not": {"field": "page.path", "op": "exists"}, "field": "page.path"}`, "/field", "beside"},
		{`{"field": "page.path", "op": "equals"}`, "/value", "is missing"},
		{`{"field": "page.path", "op": "equals", "value": null}`, "/value", "null"},
		{`{"op": "exists"}`, "/field", "page.path"},
		{`{"field": "page.path"}`, "/op", "equals"},
		{`{"field": 1, "op": "exists"}`, "/field", "string"},
		{`{"field": "page.path", "op": 1}`, "/op", "string"},
		{`{"field": "page.pth", "op": "exists"}`, "/field", `"page.path"`},
		{`{"field": "profil.email", "op": "exists"}`, "/field", `"profile.email"`},
		{`{"field": "page.path", "op": "start_with", "value": "/"}`, "/op", `"starts_with"`},
		{`{"field": "page.path", "operator": "exists"}`, "/operator", "not a key here"},
		{`{"field": "page.path", "op": "equals", "values": "/"}`, "/values", `"value"`},
		{`{"field": "page.path", "op": "equals", "value": "/", "ignoreCase": true}`, "/ignoreCase", `"ignore_case"`},
		{`{"field": "page.path", "op": "equals", "value": "/", "ignore_case": "yes"}`, "/ignore_case", "boolean"},
		{`{"field": "page.path", "op": "equals", "value": "/", "ignore_case": null}`, "/ignore_case", "boolean"},
		{`{"field": "page.path", "op": "equals", "value": "/", "value": "/a"}`, "/value", "twice"},
		{`{"field": "profile.x", "op": "equals", "value": {}}`, "/value", "write a text"},
		{`{"field": "profile.x", "op": "equals", "value": []}`, "/value", "write a text"},
		{`{"field": "profile.x", "op": "in", "value": []}`, "/value", "is empty"},
		{`{"field": "profile.x", "op": "in", "value": "a"}`, "/value", "a list"},
		{`{"field": "profile.x", "op": "in", "value": ["a", null]}`, "/value/1", "null"},
		{`{"field": "profile.x", "op": "in", "value": ["a", ["b"]]}`, "/value/1", "write a text"},
		{`{"field": "profile.x", "op": "less", "value": "1"}`, "/value", "a number"},
		{`{"field": "profile.x", "op": "less", "value": 18446744073709551617}`, "/value", "64 bits"},
		{`{"field": "profile.x", "op": "less", "value": 1e400}`, "/value", "64 bits"},
		{`{"field": "page.path", "op": "less", "value": 1}`, "/op", "always text"},
		{`{"field": "page.path", "op": "regex", "value": "("}`, "/value", "RE2"},
		{`{"field": "page.path", "op": "contains", "value": ""}`, "/value", "is empty"},
		{`{"field": "page.path", "op": "exists", "value": true}`, "/value", "means nothing for exists; remove it"},
		{`{"field": "page.path", "op": "exists", "value": false}`, "/value", `{"not": {"field": …, "op": "exists"}}`},
		{`{"field": "page.host", "op": "equals", "value": "bücher.example"}`, "/value", "xn--bcher-kva.example"},
	}
	for _, tt := range tests {
		data := `{"version": 1, "campaigns": [{"id": "a", "nodes": [{"type": "website_trigger", "when": ` + tt.when +
			`}, {"type": "webhook", "url": "https://hooks.example/"}, {"type": "stop"}]}]}`
		_, err := campaign.Parse([]byte(data))
		invalid, ok := errors.AsType[*campaign.ValidationError](err)
		if !ok {
			t.Errorf("Parse(%s) = %v, want a *ValidationError", tt.when, err)
			continue
		}
		found := false
		for _, f := range invalid.Faults {
			found = found || f.Pointer == "/campaigns/0/nodes/0/when"+tt.pointer && strings.Contains(f.Message, tt.message)
		}
		if !found {
			t.Errorf("Parse(%s): %v\nwant a fault at …/when%s with %q", tt.when, err, tt.pointer, tt.message)
		}
	}
}

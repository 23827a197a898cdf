package lint_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/lint"
)

// A finding is what a test expects of a warning.
type finding struct {
	Pointer string
	Code    lint.Code
}

func findings(warnings []lint.Warning) []finding {
	var all []finding
	for _, w := range warnings {
		all = append(all, finding{w.Pointer, w.Code})
	}
	return all
}

// A sample is what a test looks at: campaigns, of which usually one part matters.
type sample []campaign.Campaign

func when(c campaign.Condition) sample {
	return sample{with("c", c, hook("https://esp.example/hooks"))}
}

func calling(hooks ...campaign.Webhook) sample {
	return sample{with("c", campaign.PagePath.Exists(), hooks...)}
}

func stopping(s campaign.Stop) sample {
	cs := when(campaign.PagePath.Exists())
	cs[0].Nodes[2] = s
	return cs
}

// hook says something of the visit, unless it is told what.
func hook(url string, payload ...campaign.PayloadField) campaign.Webhook {
	if len(payload) == 0 {
		payload = campaign.Payload{campaign.FromItem("id")}
	}
	return campaign.Webhook{URL: url, Payload: payload}
}

func get(payload ...campaign.PayloadField) campaign.Webhook {
	w := hook("https://esp.example/hooks", payload...)
	w.Method = "GET"
	return w
}

func heading(name, value string) sample {
	w := hook("https://esp.example/hooks")
	w.Headers = campaign.Headers{{Name: name, Value: value}}
	return calling(w)
}

func with(id string, c campaign.Condition, hooks ...campaign.Webhook) campaign.Campaign {
	nodes := []campaign.Node{campaign.WebsiteTrigger{When: c}}
	for _, h := range hooks {
		nodes = append(nodes, h)
	}
	return campaign.Campaign{ID: id, Nodes: append(nodes, campaign.Stop{})}
}

const (
	atWhen = "/campaigns/0/nodes/0/when"
	atHook = "/campaigns/0/nodes/1"
)

var (
	path     = campaign.PagePath
	host     = campaign.PageHost
	address  = campaign.PageURL
	kind     = campaign.PageType
	category = campaign.ItemCategory
	price    = campaign.ItemField("price")
	country  = campaign.ProfileField("country")
)

type (
	allOf = campaign.All
	anyOf = campaign.Any
)

func not(c campaign.Condition) campaign.Not { return campaign.Not{Of: c} }

// Made up, and in parts, so that nobody's scanner takes them for real ones.
const (
	apiKey  = "k4f9" + "c2e81b7d"
	liveKey = "sk_li" + "ve_51HxAbCdEfGh"
)

// Each code has campaigns with the fault, and campaigns that almost have it.
var faults = []struct {
	name   string
	sample sample
	want   []finding
}{
	{"host in upper case", when(host.Equals("Shop.Example")), one(lint.NeverHolds, atWhen+"/value")},
	{"host with scheme", when(host.Equals("https://shop.example")), one(lint.NeverHolds, atWhen+"/value")},
	{"host with path", when(host.StartsWith("shop.example/")), one(lint.NeverHolds, atWhen+"/value")},
	{"host part in upper case", when(host.EndsWith(".Example")), one(lint.NeverHolds, atWhen+"/value")},
	{"host regex in upper case", when(host.Regex("^Shop")), one(lint.NeverHolds, atWhen+"/value")},
	{"one of several hosts", when(host.In("shop.example", "a b.example")), one(lint.NeverHolds, atWhen+"/value/1")},
	{"referrer host", when(campaign.ReferrerHost.Glob("https://*.example")), one(lint.NeverHolds, atWhen+"/value")},
	{"scheme with colon", when(campaign.PageScheme.Equals("https:")), one(lint.NeverHolds, atWhen+"/value")},
	{"scheme in upper case", when(campaign.PageScheme.StartsWith("HTTP")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL with fragment", when(address.Equals("https://shop.example/a#top")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL part with fragment", when(address.Contains("#")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL in Unicode", when(address.StartsWith("https://shop.example/é")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL without scheme", when(address.Equals("shop.example/shoes")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL with a host in upper case", when(address.Glob("https://Shop.example/*")), one(lint.NeverHolds, atWhen+"/value")},
	{"URL with dots", when(address.Equals("https://shop.example/a/../b")), one(lint.NeverHolds, atWhen+"/value")},
	{"start of a URL with the port of its scheme", when(address.StartsWith("https://shop.example:443/")), one(lint.NeverHolds, atWhen+"/value")},
	{"start of a URL with a user", when(address.Glob("https://u:p@shop.example/*")), one(lint.NeverHolds, atWhen+"/value")},
	{"start of a URL with dots", when(address.Regex("^https://shop\\.example/a/\\.\\./b")), one(lint.NeverHolds, atWhen+"/value")},
	{"start of the referrer with what is percent-encoded", when(campaign.ReferrerURL.StartsWith("https://shop.example/a^b/")), one(lint.NeverHolds, atWhen+"/value")},
	{"an empty type", when(kind.Equals("")), one(lint.NeverHolds, atWhen+"/value")},
	{"two types", when(allOf{kind.Equals("product"), kind.Equals("article")}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"two lists of types", when(allOf{kind.In("product", "article"), path.Contains("shoe"), kind.In("home", "basket")}), one(lint.NeverHolds, atWhen+"/all/2")},
	{"path and prefix", when(allOf{path.StartsWith("/shoes/"), path.Equals("/hats/1")}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"path and text", when(allOf{path.Equals("/hats/1"), path.Contains("shoe")}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"two prefixes", when(allOf{path.StartsWith("/shoes/"), path.Glob("/hats/*")}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"in an all in an all", when(allOf{kind.Equals("product"), allOf{category.Equals("a"), kind.Equals("article")}}), one(lint.NeverHolds, atWhen+"/all/1/all/1")},
	{"its own not", when(allOf{category.Equals("a"), not(category.Equals("a"))}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"not of what is implied", when(allOf{path.StartsWith("/shoes/running/"), not(path.StartsWith("/shoes/"))}), one(lint.NeverHolds, atWhen+"/all/1")},
	{"a branch", when(allOf{path.StartsWith("/shoes/"), anyOf{path.Equals("/hats"), category.Equals("a")}}), one(lint.NeverHolds, atWhen+"/all/1/any/0")},
	{"star in equals", when(path.Equals("/shoes/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"star in one of several", when(path.In("/hats", "/shoes/*")), one(lint.UnlikelyForm, atWhen+"/value/1")},
	{"star in one of several hosts", when(host.In("shop.example", "*.shop.example")), one(lint.UnlikelyForm, atWhen+"/value/1")},
	{"regex in one of several", when(path.In("/hats", "^/shoes/")), one(lint.UnlikelyForm, atWhen+"/value/1")},
	{"star in a prefix", when(path.StartsWith("/shoes/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"star in a part", when(campaign.ReferrerPath.Contains("*shoes")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"star in a host", when(host.Equals("*.shop.example")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"star in the end of a host", when(campaign.ReferrerHost.EndsWith("*.example")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"star in a URL", when(address.StartsWith("https://shop.example/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex in equals", when(path.Equals("^/shoes/[0-9]+$")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex in a glob", when(path.Glob("/shoes/.*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex in a glob of URLs", when(address.Glob("^https://shop.example/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"not of every page", when(not(path.Exists())), one(lint.NeverHolds, atWhen)},

	{"every page beside another", when(allOf{path.Exists(), kind.Equals("product")}), one(lint.AlwaysHolds, atWhen+"/all/0")},
	{"every page or another", when(anyOf{kind.Equals("product"), address.Exists()}), one(lint.AlwaysHolds, atWhen+"/any/1")},
	{"this or not this", when(anyOf{kind.Equals("product"), not(kind.Equals("product"))}), one(lint.AlwaysHolds, atWhen+"/any/1")},
	{"this or not what implies it", when(anyOf{not(path.StartsWith("/shoes/running/")), path.StartsWith("/shoes/")}), one(lint.AlwaysHolds, atWhen+"/any/1")},

	{"a longer prefix, all", when(allOf{path.StartsWith("/shoes/"), path.StartsWith("/shoes/running/")}), one(lint.Redundant, atWhen+"/all/0")},
	{"a longer prefix, any", when(anyOf{path.StartsWith("/shoes/"), path.StartsWith("/shoes/running/")}), one(lint.Redundant, atWhen+"/any/1")},
	{"contains and equals", when(allOf{path.Equals("/shoes/1"), path.Contains("shoes")}), one(lint.Redundant, atWhen+"/all/1")},
	{"the same twice", when(allOf{category.Equals("a"), kind.Equals("b"), category.Equals("a")}), one(lint.Redundant, atWhen+"/all/2")},
	{"the same but for a slash", when(anyOf{path.Equals("/a"), path.Equals("/a/")}), one(lint.Redundant, atWhen+"/any/1")},
	{"the same but for case", when(anyOf{category.Equals("A"), category.Equals("a").IgnoringCase()}), one(lint.Redundant, atWhen+"/any/0")},
	{"exists and equals", when(allOf{country.Exists(), country.Equals("NL")}), one(lint.Redundant, atWhen+"/all/0")},
	{"a wider range", when(allOf{price.AtLeast(10), price.Greater(5)}), one(lint.Redundant, atWhen+"/all/1")},
	{"a bound that is open", when(allOf{price.AtLeast(10), price.Greater(10)}), one(lint.Redundant, atWhen+"/all/0")},
	{"a prefix with and without case", when(allOf{path.StartsWith("/Shoes/").IgnoringCase(), path.StartsWith("/Shoes/")}), one(lint.Redundant, atWhen+"/all/0")},
	{"a glob that forgives no slash", when(anyOf{path.Glob("/a"), path.Equals("/a/")}), one(lint.Redundant, atWhen+"/any/0")},
	{"a group in a group", when(anyOf{allOf{kind.Equals("a"), category.Equals("b")}, kind.Equals("a")}), one(lint.Redundant, atWhen+"/any/0")},
	{"a value twice", when(country.In("NL", "BE", "NL")), one(lint.Redundant, atWhen+"/value/2")},
	{"a path twice", when(path.In("/a", "/b", "/a/")), one(lint.Redundant, atWhen+"/value/2")},
	{"a value twice without case", when(country.In("NL", "nl").IgnoringCase()), one(lint.Redundant, atWhen+"/value/1")},
	{"not of what cannot be", when(allOf{path.StartsWith("/shoes/"), not(path.Equals("/hats"))}), one(lint.Redundant, atWhen+"/all/1")},

	{"regex of everything", when(path.Regex(".*")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex that is empty", when(path.Regex("")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex of the beginning", when(path.Regex("^")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex with ends", when(country.Regex("^(.*)$")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex with an empty alternative", when(path.Regex("shoes|hats|")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex of what may be missing", when(path.Regex("(/shoes)?")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex of a character", when(campaign.PageTitle.Regex(".+")), one(lint.MatchesEverything, atWhen+"/value")},
	{"regex of a character, of a path", when(path.Regex(".+")), nil}, // app://home has none
	{"glob", when(allOf{path.Glob("**"), kind.Equals("a")}), one(lint.MatchesEverything, atWhen+"/all/0/value")},

	{"glob, of a number", when(allOf{price.AtLeast(5), price.Glob("*")}), one(lint.MatchesEverything, atWhen+"/all/1/value")},

	{"regex with slashes", when(path.Regex(`/^\/shoes/`)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex with slashes behind the end", when(path.Regex(`/shoes$/`)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex with flags", when(campaign.PageTitle.Regex("/shoes/i")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex with flags, of a path", when(path.Regex(`/shoes\/new/i`)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob with braces", when(path.Glob("/{shoes,boots}/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob with brackets", when(path.Glob("/[sS]hoes*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob with a bar", when(path.Glob("/shoes|/boots")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob with percent signs", when(campaign.ItemName.Glob("%shoes%")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"ID as a number", when(campaign.ProfileField("id").Equals(7)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"one of several IDs as a number", when(campaign.ItemID.In("42", 43)), one(lint.UnlikelyForm, atWhen+"/value/1")},
	{"ID in order", when(campaign.ItemID.AtLeast(42)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"path without slash", when(path.Equals("shoes/running")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"prefix without slash", when(path.StartsWith("shoes/")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex without slash", when(path.Regex("^shoes/")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"path with query", when(path.Equals("/shoes?size=42")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob with query", when(path.Glob("/shoes?size=*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"regex with query", when(path.Regex(`/shoes\?size=`)), one(lint.UnlikelyForm, atWhen+"/value")},
	{"path with escapes", when(path.StartsWith("/caf%C3%A9/")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"path with fragment", when(path.EndsWith("#top")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"a URL as path", when(path.Equals("https://shop.example/shoes")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"one of several paths", when(path.In("/a", "b", "/c")), one(lint.UnlikelyForm, atWhen+"/value/1")},
	{"path with dots", when(campaign.ReferrerPath.Equals("/a/../b")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"URL without scheme, in part", when(address.StartsWith("www.shop.example")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"URL with a space", when(address.Contains("running shoes")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"query with escapes", when(campaign.PageQuery("q").Equals("running%20shoes")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"fragment with #", when(campaign.PageFragment.Equals("#top")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"profile twice in a field", when(campaign.ProfileField("profile.country").Equals("NL")), one(lint.UnlikelyForm, atWhen+"/field")},
	{"profile twice, exists", when(allOf{path.StartsWith("/a/"), not(campaign.ProfileField("profile.country").Exists())}), one(lint.UnlikelyForm, atWhen+"/all/1/not/field")},
	{"item twice in a field", when(campaign.ItemField("item.price").AtLeast(10)), one(lint.UnlikelyForm, atWhen+"/field")},
	{"visit twice in a field", when(campaign.VisitField("visit.device").In("phone", "tablet")), one(lint.UnlikelyForm, atWhen+"/field")},
	{"profile twice in a payload", calling(hook("https://esp.example/hooks", campaign.FromProfile("id"), campaign.FromProfile("profile.country"))), one(lint.UnlikelyForm, atHook+"/payload/1")},

	{"a part of the profile in Go", when(campaign.ProfileField("known").Equals(true)), one(lint.UnlikelyField, atWhen+"/field")},
	{"the fields of a profile", when(not(campaign.ProfileField("fields.country").Equals("NL"))), one(lint.UnlikelyField, atWhen+"/not/field")},
	{"the fields of an item", when(campaign.ItemField("fields.price").AtLeast(10)), one(lint.UnlikelyField, atWhen+"/field")},
	{"the data of a visit", when(campaign.VisitField("data.device").Exists()), one(lint.UnlikelyField, atWhen+"/field")},
	{"the time of a visit", calling(hook("https://esp.example/hooks", campaign.FromVisit("time"))), one(lint.UnlikelyField, atHook+"/payload/0")},
	{"the address of a visit", when(campaign.VisitField("url").Contains("shoes")), one(lint.UnlikelyField, atWhen+"/field")},
	{"the profile of a visit", when(campaign.VisitField("profile.country").Equals("NL")), one(lint.UnlikelyField, atWhen+"/field")},
	{"the item of a visit, in a payload", calling(hook("https://esp.example/hooks", campaign.FromVisit("item.fields.price"))), one(lint.UnlikelyField, atHook+"/payload/0")},
	{"a parameter with ?", when(campaign.PageQuery("?utm_source").Equals("news")), one(lint.UnlikelyField, atWhen+"/field")},
	{"a parameter with &", when(campaign.ReferrerQuery("&q").Exists()), one(lint.UnlikelyField, atWhen+"/field")},
	{"a parameter with its value", when(campaign.PageQuery("utm_source=news").Exists()), one(lint.UnlikelyField, atWhen+"/field")},
	{"a parameter with ?, in a payload", calling(hook("https://esp.example/hooks", campaign.From(campaign.PageQuery("?q")).Named("q"))), one(lint.UnlikelyField, atHook+"/payload/0")},
	{"two dots", when(campaign.ProfileField(".country").Equals("NL")), one(lint.UnlikelyField, atWhen+"/field")},
	{"two dots in the name", when(campaign.ItemField("size..eu").Equals(42)), one(lint.UnlikelyField, atWhen+"/field")},
	{"a dot at the end", when(campaign.VisitField("device.").Equals("phone")), one(lint.UnlikelyField, atWhen+"/field")},

	{"empty range", when(allOf{price.AtLeast(10), price.Less(5)}), one(lint.EmptyRange, atWhen+"/all/1")},
	{"empty range at one number", when(allOf{price.AtLeast(10), price.Less(10)}), one(lint.EmptyRange, atWhen+"/all/1")},
	{"empty range beyond 2^53", when(allOf{price.Greater(int64(1<<53 + 1)), price.Less(int64(1<<53 + 1))}), one(lint.EmptyRange, atWhen+"/all/1")},
	{"two categories", when(allOf{category.Equals("a"), category.Equals("b")}), one(lint.SeveralValues, atWhen+"/all/1")},
	{"two countries", when(allOf{country.In("NL", "BE"), path.StartsWith("/a/"), country.Equals("DE")}), one(lint.SeveralValues, atWhen+"/all/2")},
	{"two starts of a name", when(allOf{campaign.ItemName.StartsWith("a"), campaign.ItemName.StartsWith("b")}), one(lint.SeveralValues, atWhen+"/all/1")},
	{"the same call twice in a chain", calling(hook("https://a.example"), hook("https://a.example")), one(lint.SameCall, "/campaigns/0/nodes/2")},
	{"glob in a regex", when(path.Regex("^/shoes/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"glob in the middle of a regex", when(path.Regex("^/shoes/*/red")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"part of a route", when(path.Equals("/products/:id")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"part of a route in braces", when(path.StartsWith("/products/{id}/reviews")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"part of a route in a glob", when(path.Glob("/<lang>/*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"blank as a plus sign", when(campaign.PageQuery("q").Equals("running+shoes")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"part with a blank as a plus sign", when(campaign.PageQuery("q").Glob("running+shoes*")), one(lint.UnlikelyForm, atWhen+"/value")},
	{"number outside of a range", when(allOf{price.Equals(3), price.AtLeast(10)}), one(lint.EmptyRange, atWhen+"/all/1")},

	{"no ID", when(allOf{path.StartsWith("/a/"), not(campaign.ProfileField("id").Exists())}), one(lint.NoAudience, atWhen+"/all/1")},

	{"http", calling(hook("http://esp.example/hooks")), one(lint.PlainHTTP, atHook+"/url")},
	{"http to a public address", calling(hook("http://203.0.113.9:8080/hooks")), one(lint.PlainHTTP, atHook+"/url")},

	{"email in a GET", calling(get(campaign.FromProfile("email"))), one(lint.PersonalDataInURL, atHook+"/payload/0")},
	{"first name in a GET", calling(get(campaign.FromProfile("id"), campaign.FromProfile("contact.firstName").Named("fn"))), one(lint.PersonalDataInURL, atHook+"/payload/1")},
	{"something sent as phone", calling(get(campaign.FromVisit("x1").Named("phone_number"))), one(lint.PersonalDataInURL, atHook+"/payload/0")},
	{"gender in a GET", calling(get(campaign.FromProfile("gender"))), one(lint.PersonalDataInURL, atHook+"/payload/0")},

	{"key in a header", heading("X-Api-Key", apiKey), one(lint.SecretInHeader, atHook+"/headers/0/value")},
	{"bearer", heading("Authorization", "Bearer "+apiKey), one(lint.SecretInHeader, atHook+"/headers/0/value")},
	{"bearer under any name", heading("X-Shop", "Bearer "+apiKey), one(lint.SecretInHeader, atHook+"/headers/0/value")},
	{"basic", heading("X-Forward", "Basic "+"dXNlcjpwYXNz"+"d29yZA=="), one(lint.SecretInHeader, atHook+"/headers/0/value")},
	{"known prefix under any name", heading("X-Shop", liveKey), one(lint.SecretInHeader, atHook+"/headers/0/value")},

	{"key in the query", calling(hook("https://esp.example/hooks?api_key=" + apiKey)), one(lint.SecretInURL, atHook+"/url")},
	{"token in the query", calling(hook("https://esp.example/hooks?x=1&access%5Ftoken=" + apiKey)), one(lint.SecretInURL, atHook+"/url")},
	{"key that goes into the query", calling(get(campaign.Static("api_key", apiKey))), one(lint.SecretInURL, atHook+"/payload/0/static")},

	{"a mere key", calling(hook("https://esp.example/hooks?key=" + apiKey + apiKey)), one(lint.SecretInURL, atHook+"/url")},
	{"key in the payload", calling(hook("https://esp.example/hooks", campaign.Static("auth.apiKey", apiKey))), one(lint.SecretInPayload, atHook+"/payload/0/static")},

	{"static email", calling(hook("https://esp.example/hooks", campaign.Static("email", "ann@example.org"))), one(lint.StaticShadows, atHook+"/payload/0")},
	{"static profile ID", calling(hook("https://esp.example/hooks", campaign.Static("a", 1), campaign.Static("x.contact.profileid", 7))), one(lint.StaticShadows, atHook+"/payload/1")},
	{
		"static country, beside the profile's",
		sample{with("c", country.In("NL", "BE"), hook("https://esp.example/", campaign.Static("country", "NL")))},
		one(lint.StaticShadows, atHook+"/payload/0"),
	},

	{"placeholder in a static field", calling(hook("https://esp.example/hooks", campaign.Static("contact", "{{profile.id}}"))), one(lint.Placeholder, atHook+"/payload/0/static")},
	{"placeholder in a text", calling(hook("https://esp.example/hooks", campaign.Static("text", "Hello {{ profile.nick }}!"))), one(lint.Placeholder, atHook+"/payload/0/static")},
	{"placeholder in an object", calling(hook("https://esp.example/hooks", campaign.Static("texts", map[string]any{"a": []any{1, "[[nick]]"}}))), one(lint.Placeholder, atHook+"/payload/0/static")},
	{"placeholder in a GET", calling(get(campaign.Static("list", "%LIST_ID%"))), one(lint.Placeholder, atHook+"/payload/0/static")},
	{"placeholder as default", calling(hook("https://esp.example/hooks", campaign.FromProfile("nick").Or("[[nick]]"))), one(lint.Placeholder, atHook+"/payload/0/default")},
	{"placeholder in a header", heading("X-Contact", "${CONTACT}"), one(lint.Placeholder, atHook+"/headers/0/value")},
	{"placeholder for a secret", heading("Authorization", "Bearer ${TOKEN}"), one(lint.Placeholder, atHook+"/headers/0/value")},

	{"header without a value", heading("X-Api-Key", ""), one(lint.EmptyHeader, atHook+"/headers/0")},

	{"no payload", calling(campaign.Webhook{URL: "https://esp.example/hooks"}), one(lint.NoPayload, atHook)},
	{"no payload in a form", calling(campaign.Webhook{URL: "https://esp.example/hooks", Method: "POST", Encoding: campaign.EncodingForm}), one(lint.NoPayload, atHook)},

	{"thirty seconds", stopping(campaign.Stop{RestartTimeout: 30 * time.Second}), one(lint.ShortRestart, "/campaigns/0/nodes/2/restart_timeout")},

	{"longer than the restart", stopping(campaign.Stop{RestartTimeout: time.Hour, FailureTimeout: 2 * time.Hour}), one(lint.FailureTimeoutCut, "/campaigns/0/nodes/2/failure_timeout")},
	{"longer than a day", stopping(campaign.Stop{FailureTimeout: campaign.Never}), one(lint.FailureTimeoutCut, "/campaigns/0/nodes/2/failure_timeout")},
	{"of no cooldown", stopping(campaign.Stop{RestartTimeout: campaign.Immediately, FailureTimeout: time.Minute}), one(lint.FailureTimeoutCut, "/campaigns/0/nodes/2/failure_timeout")},

	{
		"the same call",
		sample{with("a", kind.Equals("x"), hook("https://a.example"), hook("https://b.example")), with("b", kind.Equals("x"), campaign.Webhook{Method: "POST", URL: "https://b.example", Payload: campaign.Payload{campaign.FromItem("id")}})},
		one(lint.SameCall, "/campaigns/1/nodes/1"),
	},

	{"the same name", sample{named("a", "Sale", false), named("b", "Sale", false)}, one(lint.SameName, "/campaigns/1/name")},
}

func one(code lint.Code, pointer string) []finding { return []finding{{pointer, code}} }

// named is a campaign that shares no more than a name with another.
func named(id, name string, paused bool) campaign.Campaign {
	c := with(id, kind.Equals(id), hook("https://esp.example/hooks"))
	c.Name, c.Paused = name, paused
	return c
}

// Of the code that each almost has, there is no warning, nor of any other.
var almost = []struct {
	code   lint.Code
	name   string
	sample sample
}{
	{lint.NeverHolds, "host", when(host.In("shop.example", "www.shop.example:8080", "[2001:db8::1]", "127.0.0.1", "xn--bcher-kva.example"))},
	{lint.NeverHolds, "host with the port of the other scheme", when(host.Equals("shop.example:443"))},
	{lint.NeverHolds, "host in upper case, ignoring case", when(host.Equals("Shop.Example").IgnoringCase())},
	{lint.NeverHolds, "host regex, ignoring case", when(host.Regex("(?i)^Shop"))},
	{lint.NeverHolds, "host by alternatives", when(host.Regex(`^(www|m)\.shop\.`))},
	{lint.NeverHolds, "scheme", when(campaign.PageScheme.Equals("https"))},
	{lint.NeverHolds, "scheme of an app", when(campaign.PageScheme.StartsWith("shop+"))},
	{lint.NeverHolds, "URL", when(address.In("https://shop.example", "https://shop.example/a%20b?c=d", "/shoes", "about:blank"))},
	{lint.NeverHolds, "URL beginning", when(address.StartsWith("http"))},
	{lint.NeverHolds, "URL with a port", when(address.StartsWith("https://shop.example:4"))},
	{lint.NeverHolds, "URL up to a name that begins with a dot", when(address.StartsWith("https://shop.example/a/."))},
	{lint.NeverHolds, "URL up to a part of an escape", when(address.StartsWith("https://shop.example/a/%4"))},
	{lint.NeverHolds, "URL of a file", when(address.StartsWith("file:///a/"))},
	{lint.NeverHolds, "URL of an app", when(address.StartsWith("app://home/"))},
	{lint.NeverHolds, "URL with slashes in its query", when(address.StartsWith("https://shop.example/a?to=https://b.example/c/^d"))},
	{lint.NeverHolds, "URL with upper case in its path", when(address.StartsWith("https://shop.example/Sale"))},
	{lint.NeverHolds, "an empty category", when(category.Equals(""))},
	{lint.SeveralValues, "two segments, as of a list", when(allOf{campaign.ProfileField("segments").Equals("a"), campaign.ProfileField("segments").Equals("b")})},
	{lint.SeveralValues, "a category that is in both", when(allOf{category.In("a", "b"), category.In("b", "c")})},
	{lint.SeveralValues, "one or the other", when(anyOf{category.Equals("a"), category.Equals("b")})},
	{lint.NeverHolds, "URL that begins with its query", when(address.In("?q=a", "?"))},
	{lint.NeverHolds, "two values of a query", when(allOf{campaign.PageQuery("size").Equals("41"), campaign.PageQuery("size").Equals("42")})},
	{lint.NeverHolds, "two types of one case", when(allOf{kind.In("Product", "x").IgnoringCase(), kind.In("product", "y")})},
	{lint.NeverHolds, "a prefix and what goes on", when(allOf{path.StartsWith("/shoes/"), path.EndsWith("/reviews")})},
	{lint.NeverHolds, "a prefix without a part of it", when(allOf{path.StartsWith("/shoes/"), not(path.StartsWith("/shoes/kids/"))})},
	{lint.NeverHolds, "two prefixes of one case", when(allOf{kind.StartsWith("Shoes").IgnoringCase(), kind.StartsWith("sho")})},
	{lint.NeverHolds, "without case, and a regex with", when(allOf{kind.Equals("A").IgnoringCase(), kind.Regex("^[^a]$")})},
	{lint.NeverHolds, "what is ASCII in another case", when(address.Contains("ſhop").IgnoringCase())},
	{lint.NeverHolds, "URL in upper case, ignoring case", when(address.StartsWith("https://Shop.Example/").IgnoringCase())},
	{lint.NeverHolds, "not of what may be", when(not(kind.Exists()))},

	{lint.AlwaysHolds, "every page", when(path.Exists())},
	{lint.AlwaysHolds, "every page, in a group", when(allOf{path.Exists()})},
	{lint.AlwaysHolds, "what may be missing", when(allOf{kind.Exists(), path.StartsWith("/a/")})},
	{lint.AlwaysHolds, "not the one or the other", when(anyOf{not(kind.Equals("a")), path.StartsWith("/a/")})},
	{lint.AlwaysHolds, "above or below, if it is there", when(anyOf{price.Less(5), price.AtLeast(5)})},

	{lint.Redundant, "another prefix", when(anyOf{path.StartsWith("/shoes/"), path.StartsWith("/shoe/")})},
	{lint.Redundant, "prefix in other case", when(anyOf{path.StartsWith("/shoes/").IgnoringCase(), path.StartsWith("/hats/")})},
	{lint.Redundant, "text in other case", when(anyOf{category.Contains("ab").IgnoringCase(), category.Contains("a")})},
	{lint.Redundant, "equals without case, and a prefix with", when(allOf{kind.Equals("a").IgnoringCase(), kind.StartsWith("a")})},
	{lint.Redundant, "equals of another case", when(anyOf{category.Equals("A"), category.Equals("a")})},
	{lint.Redundant, "a number and its text", when(anyOf{price.Equals(1), price.Equals("1")})},
	{lint.Redundant, "values of two kinds", when(price.In(1, "1", true, 1.5))},
	{lint.Redundant, "a range", when(allOf{price.AtLeast(5), price.Less(10)})},
	{lint.Redundant, "not of a value of a list", when(allOf{category.Equals("a"), not(category.Equals("b"))})},
	{lint.Redundant, "regex in two cases", when(anyOf{path.Regex("[^a]b"), path.Regex("[^a]b").IgnoringCase()})},
	{lint.Redundant, "two fields", when(allOf{path.StartsWith("/shoes/"), campaign.ReferrerPath.StartsWith("/shoes/")})},

	{lint.MatchesEverything, "regex of something", when(path.Regex("/shoes/.*"))},
	{lint.MatchesEverything, "regex of what is not empty", when(country.Regex(".+"))},
	{lint.MatchesEverything, "regex of the empty text", when(country.Regex("^$"))},
	{lint.MatchesEverything, "regex of a whole", when(path.Regex("^(/shoes)?$"))},
	{lint.MatchesEverything, "glob of a prefix", when(path.Glob("/shoes/*"))},
	{lint.MatchesEverything, "glob of a star", when(country.Glob(`\*`))},

	{lint.UnlikelyForm, "paths", when(path.In("/", "/100%", "/50%off", "/a b", "/é", "/.well-known/x", "/a:b"))},
	{lint.UnlikelyForm, "stars in globs and regexes", when(anyOf{path.Glob("/*/shoes/*.*"), path.Regex("^/hats/.*/new"), host.Glob("*.shop.example")})},
	{lint.UnlikelyForm, "stars in other texts", when(anyOf{address.Contains("?q=*"), campaign.PageTitle.Contains("***"), campaign.PageQuery("q").Equals("*")})},
	{lint.UnlikelyForm, "regexes and globs with such characters", when(anyOf{path.Regex("/shoes/"), path.Regex("^/(a|b)[0-9]{2,3}/"), path.Glob("/50%/*"), campaign.PageTitle.Glob("a{b}*"), campaign.PageTitle.Glob("* | Example Shop"), campaign.PageTitle.Glob("Sale * 50%"), campaign.ItemName.Glob("*[refurbished]*"), address.Glob("*?filter[color]=red*"), campaign.PageQuery("filter[color]").Glob("red|blue*"), path.Regex("/de/m"), path.Regex("/(en|de)/i")})},
	{lint.UnlikelyForm, "numbers", when(anyOf{price.Equals(7), campaign.ItemField("size").In(42, 43), campaign.ProfileField("ids").Equals(7)})},
	{lint.UnlikelyForm, "slashes at the end", when(anyOf{path.Regex("^/shoes/*$"), path.Regex(`^/a/[/*]/`), path.Regex(`^/a\/*`), path.Regex("^/shoes//*"), path.Regex("^/shoes/[^/*/]+/x"), path.Regex(`^/[^/]+/*/reviews$`), path.StartsWith("/a:b/"), path.Equals("/wiki/Talk:Shoes")})},
	{lint.UnlikelyForm, "contains without slash", when(path.Contains("shoes"))},
	{lint.UnlikelyForm, "contains dots", when(path.Contains(".."))},
	{lint.UnlikelyForm, "ends", when(path.EndsWith(".html"))},
	{lint.UnlikelyForm, "prefix that ends with a dot", when(path.StartsWith("/a/."))},
	{lint.UnlikelyForm, "glob with one character", when(path.Glob("/shoes/size-??"))},
	{lint.UnlikelyForm, "regex with a part that may be missing", when(path.Regex("^/shoes/?$"))},
	{lint.UnlikelyForm, "query", when(campaign.PageQuery("q").In("100%", "a b", "50%off", "%de", "C++"))},
	{lint.UnlikelyForm, "fields of other groups", when(anyOf{campaign.ProfileField("profileid").Equals("p-1"), campaign.ProfileField("item.size").Exists(), campaign.ItemField("related.item.price").Exists(), campaign.VisitField("visit").Exists()})},
	{lint.UnlikelyForm, "a query parameter with page in its name", when(campaign.PageQuery("page.x").Equals("1"))},
	{lint.UnlikelyForm, "fragment", when(campaign.PageFragment.Equals("top"))},
	{lint.UnlikelyForm, "URL with an escaped space", when(address.Contains("running%20shoes"))},

	{lint.UnlikelyField, "names that have these as a part", when(anyOf{
		campaign.ProfileField("known_since").Exists(), campaign.ProfileField("crm.known").Exists(), campaign.ProfileField("fields").Exists(),
		campaign.ItemField("known").Exists(), campaign.ItemField("data.x").Exists(), campaign.VisitField("data").Exists(), campaign.VisitField("timezone").Exists(),
	})},
	{lint.UnlikelyField, "parts of a visit that hosts name so too", when(anyOf{campaign.VisitField("type").Exists(), campaign.VisitField("id").Exists()})},
	{lint.UnlikelyField, "parameters", when(anyOf{campaign.PageQuery("a.b.").Exists(), campaign.PageQuery("filter[size]").Exists(), campaign.PageQuery("a?b").Exists(), campaign.PageQuery("a&b").Exists()})},

	{lint.EmptyRange, "one number", when(allOf{price.AtLeast(10), price.AtMost(10)})},
	{lint.EmptyRange, "between integers", when(allOf{price.Greater(10), price.Less(11)})},
	{lint.EmptyRange, "beyond 2^53", when(allOf{price.Greater(int64(1 << 53)), price.Less(int64(1<<53 + 2))})},
	{lint.EmptyRange, "of two fields", when(allOf{price.AtLeast(10), campaign.ItemField("stock").Less(5)})},
	{lint.EmptyRange, "in an any", when(anyOf{price.AtLeast(10), price.Less(5)})},

	{lint.NoAudience, "no email", when(not(campaign.ProfileField("email").Exists()))},
	{lint.NoAudience, "another ID", when(not(campaign.ProfileField("id").Equals("p-1")))},
	{lint.NoAudience, "no ID, or something else", when(anyOf{not(campaign.ProfileField("id").Exists()), kind.Equals("a")})},

	{lint.PlainHTTP, "https", calling(hook("https://esp.example/hooks"))},
	{lint.PlainHTTP, "http at home", calling(
		hook("http://localhost:8080/a"), hook("http://127.0.0.1/a"), hook("http://[::1]:1/a"), hook("http://10.1.2.3/a"),
		hook("http://crm.internal/a"), hook("http://esp:8080/a"), hook("http://100.64.1.1/a"), hook("http://[fd00::1]/a"))},

	{lint.PersonalDataInURL, "profile ID", calling(get(campaign.FromProfile("profileid"), campaign.FromProfile("id").Named("contact")))},
	{lint.PersonalDataInURL, "the email in a POST", calling(hook("https://esp.example/hooks", campaign.FromProfile("email")))},
	{lint.PersonalDataInURL, "allowed", calling(campaign.Webhook{
		Method: "GET", URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("email")}, AllowSensitiveQuery: true,
	})},
	{lint.PersonalDataInURL, "about the email", calling(get(campaign.FromProfile("email_hash"), campaign.FromProfile("emailOptIn"), campaign.FromProfile("has_phone")))},
	{lint.PersonalDataInURL, "other names", calling(get(
		campaign.FromItem("name"), campaign.FromProfile("segment_name"), campaign.FromVisit("mobile"), campaign.FromProfile("mailing"),
		campaign.From(campaign.PageURL).Named("address")))},

	{lint.SecretInHeader, "source", heading("X-Source", "webshop")},
	{lint.SecretInHeader, "media type", heading("Content-Type", "application/json")},
	{lint.SecretInHeader, "a basic plan", heading("X-Plan", "Basic spring2026")},
	{lint.SecretInHeader, "a key of something", heading("X-Note", "Key customers2026")},
	{lint.SecretInHeader, "version", heading("Accept", "application/vnd.esp+json; version=2")},
	{lint.SecretInHeader, "mode", heading("X-Auth-Mode", "oauth2-v12")},
	{lint.SecretInHeader, "agent", heading("User-Agent", "webshop/1.4.2 (token refresh)")},
	{lint.SecretInHeader, "a word as key", heading("X-Api-Key", "webshop")},
	{lint.SecretInHeader, "tenant", heading("X-Tenant-Id", "550e8400-e29b-41d4-a716-446655440000")},
	{lint.SecretInHeader, "the key of something else", heading("X-Partition-Key", "customers-2026")},
	{lint.SecretInHeader, "the name of a key", heading("X-Api-Key-Id", "k4f9c2e81b7d")},
	{lint.SecretInHeader, "a secret by name", sample{with("c", path.Exists(), campaign.Webhook{
		URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("id")}, Headers: campaign.Headers{{Name: "Authorization", Value: "Bearer ", Secret: "ESP_API_KEY"}},
	})}},

	{lint.SecretInURL, "hooks whose path is the credential", calling(
		hook("https://hooks.slack.com/services/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"),
		hook("https://hooks.zapier.com/hooks/catch/1234567/b8f9c2e"))},
	{lint.SecretInURL, "hooks whose query is", calling(hook("https://chat.googleapis.com/v1/spaces/A/messages?key=" + apiKey + "&token=" + apiKey))},
	{lint.SecretInURL, "parameters", calling(hook("https://esp.example/hooks?key=spring2026&source=token&automation=A17b2c9d8e7f&key_id=" + apiKey))},
	{lint.SecretInURL, "static fields", calling(get(campaign.Static("automation", "A-17"), campaign.Static("key", "running")))},

	{lint.SecretInURL, "words and a year as key", calling(hook("https://esp.example/hooks?key=spring-sale-2026-shoes"))},
	{lint.SecretInPayload, "words and a year as key", calling(hook("https://esp.example/hooks", campaign.Static("key", "spring_sale_2026_shoes")))},
	{lint.SecretInPayload, "the key of a thing", calling(hook("https://esp.example/hooks",
		campaign.Static("template.key", "d2f1c0a8-55aa-4a0b-9c11-0123456789ab"), campaign.Static("event.key", "A17b2c9d8e7fA17b2c9d8e7f")))},
	{lint.SecretInPayload, "static fields", calling(hook("https://esp.example/hooks", campaign.Static("automationid", "A-17"), campaign.Static("routing_key", apiKey)))},

	{lint.StaticShadows, "another name", calling(hook("https://esp.example/hooks", campaign.Static("email_template", "spring"), campaign.FromProfile("email")))},
	{lint.StaticShadows, "phone of the shop", calling(hook("https://esp.example/hooks", campaign.Static("shop.phone", "+31 20 0000000")))},
	{lint.StaticShadows, "cleared", calling(hook("https://esp.example/hooks", campaign.Static("gender", "")))},
	{lint.StaticShadows, "country that the condition asks for", sample{with("c", allOf{country.Equals("NL"), path.StartsWith("/a/")}, hook("https://esp.example/", campaign.Static("country", "NL")))}},
	{lint.StaticShadows, "a common name", sample{with("c", campaign.ProfileField("status").Equals("gold"), hook("https://esp.example/", campaign.Static("status", "seen")))}},

	{lint.Placeholder, "texts", calling(hook("https://esp.example/hooks",
		campaign.Static("a", "100% of 50%"), campaign.Static("b", "%C3%A9t%C3%A9"), campaign.Static("c", "{a: 1}"), campaign.Static("d", "[a]"),
		campaign.Static("e", "$5 {}"), campaign.Static("f", "50%OFF%"), campaign.Static("g", "{{}} [[]] ${}"), campaign.Static("h", "a[[1, 2], [3]]")))},
	{lint.Placeholder, "header", heading("Accept", "text/*;q=0.5, %2F")},

	{lint.EmptyHeader, "a secret alone", sample{with("c", path.Exists(), campaign.Webhook{
		URL: "https://esp.example/", Payload: campaign.Payload{campaign.FromProfile("id")}, Headers: campaign.Headers{{Name: "X-Api-Key", Secret: "ESP_API_KEY"}},
	})}},

	{lint.NoPayload, "a GET", calling(campaign.Webhook{Method: "GET", URL: "https://esp.example/hooks"})},
	{lint.NoPayload, "a static field", calling(hook("https://esp.example/hooks", campaign.Static("event", "seen")))},

	{lint.ShortRestart, "a minute", stopping(campaign.Stop{RestartTimeout: time.Minute})},
	{lint.ShortRestart, "immediately", stopping(campaign.Stop{RestartTimeout: campaign.Immediately})},
	{lint.ShortRestart, "the usual", stopping(campaign.Stop{})},

	{lint.FailureTimeoutCut, "as long as the restart", stopping(campaign.Stop{RestartTimeout: time.Hour, FailureTimeout: time.Hour})},
	{lint.FailureTimeoutCut, "some time, of once for all", stopping(campaign.Stop{RestartTimeout: campaign.Never, FailureTimeout: time.Hour})},
	{lint.FailureTimeoutCut, "of once for all", stopping(campaign.Stop{RestartTimeout: campaign.Never, FailureTimeout: campaign.Never})},
	{lint.FailureTimeoutCut, "none", stopping(campaign.Stop{RestartTimeout: campaign.Immediately, FailureTimeout: campaign.Immediately})},

	{lint.SameCall, "another trigger", sample{with("a", kind.Equals("x"), hook("https://a.example")), with("b", kind.Equals("y"), hook("https://a.example"))}},
	{lint.SameCall, "another payload", sample{with("a", kind.Equals("x"), hook("https://a.example")), with("b", kind.Equals("x"), hook("https://a.example", campaign.FromProfile("id")))}},
	{lint.SameCall, "two of one chain", calling(hook("https://a.example"), hook("https://b.example"))},

	{lint.SameName, "no name", sample{named("a", "", false), named("b", "", false)}},
	{lint.SameName, "a paused copy", sample{named("a", "Sale", false), named("b", "Sale", true)}},
}

func TestFaults(t *testing.T) {
	for _, test := range faults {
		t.Run(test.name, func(t *testing.T) {
			warnings := check(t, test.sample)
			if diff := cmp.Diff(test.want, findings(warnings)); diff != "" {
				t.Errorf("Check (-want +got):\n%s\n%v", diff, warnings)
			}
		})
	}
}

func TestAlmost(t *testing.T) {
	for _, test := range almost {
		t.Run(string(test.code)+"/"+test.name, func(t *testing.T) {
			for _, w := range check(t, test.sample) {
				t.Errorf("Check warns: %v", w)
			}
		})
	}
}

func check(t *testing.T, cs []campaign.Campaign) []lint.Warning {
	t.Helper()
	warnings, err := lint.Check(cs...)
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	for _, w := range warnings {
		i, err := strconv.Atoi(strings.Split(w.Pointer, "/")[2])
		if err != nil || w.Campaign != cs[i].ID {
			t.Errorf("the warning at %s is of campaign %q", w.Pointer, w.Campaign)
		}
		if w.Message == "" || !strings.Contains(w.Message, "; ") {
			t.Errorf("%v: no fault and cure in the message", w)
		}
	}
	return warnings
}

// TestEveryCode shows that no code lacks a campaign that has its fault, or one
// that almost has it.
func TestEveryCode(t *testing.T) {
	has, hasNot := map[lint.Code]bool{}, map[lint.Code]bool{}
	for _, test := range faults {
		for _, f := range test.want {
			has[f.Code] = true
		}
	}
	for _, test := range almost {
		hasNot[test.code] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes++
			if code := lint.Code(text); !has[code] || !hasNot[code] {
				t.Errorf("%s: has a campaign with the fault: %v, has one that almost has it: %v", code, has[code], hasNot[code])
			}
		}
		return true
	})
	if codes != len(has) || codes == 0 {
		t.Errorf("%d codes in code.go, %d in the table", codes, len(has))
	}
}

// A file gives the warnings that the same campaigns give in Go.
func TestFileAndGo(t *testing.T) {
	for _, test := range faults {
		data, err := json.Marshal(campaign.Campaigns(test.sample))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := campaign.Parse(data)
		if err != nil {
			t.Fatalf("%s: Parse: %v", test.name, err)
		}
		if diff := cmp.Diff(check(t, test.sample), check(t, parsed)); diff != "" {
			t.Errorf("%s: Check (-Go +file):\n%s", test.name, diff)
		}
	}
}

// All samples at once: the pointers say which campaign is meant, and the order
// is theirs, however often one asks.
func TestTogether(t *testing.T) {
	var cs []campaign.Campaign
	for _, test := range faults {
		for _, c := range test.sample {
			c.ID = strconv.Itoa(len(cs))
			cs = append(cs, c)
		}
	}
	warnings := check(t, cs)
	last := 0
	for _, w := range warnings {
		i, err := strconv.Atoi(strings.Split(w.Pointer, "/")[2])
		if err != nil || i < last {
			t.Errorf("%s comes after campaign %d", w.Pointer, last)
		}
		last = i
	}
	if diff := cmp.Diff(warnings, check(t, cs)); diff != "" {
		t.Errorf("Check a second time (-first +second):\n%s", diff)
	}
}

// What names a host in Unicode is told from what has a path in Unicode: the cures
// differ. Load refuses some of the hosts.
func TestHostInUnicode(t *testing.T) {
	tests := []struct {
		when campaign.Comparison
		host bool
	}{
		{address.Contains("bücher.example/"), true},
		{address.Contains("//bücher.example"), true},
		{address.EndsWith("bücher.example/"), true},
		{address.StartsWith("//bücher.example"), true},
		{address.StartsWith("bücher.example"), true},
		{address.Equals("bücher.example"), true},
		{address.In("bücher.example/shoes"), true},
		{address.Glob("*bücher.example/*"), true},
		{address.Glob("https://*bücher.example"), false}, // or a page that ends so
		{address.Regex("bücher[.]example/"), true},
		{address.Regex("^https://.*[.]bücher[.]example/"), true},
		{campaign.ReferrerURL.Contains("bücher.example/"), true},
		{address.EndsWith("/über.html"), false},
		{address.EndsWith("über.html"), false},
		{address.Contains("/über/"), false},
		{address.Contains("über/"), false},
		{address.Equals("https://shop.example/über.html"), false},
		{address.Glob("https://shop.example/*/über.html"), false},
		{address.Regex("/über[.]html$"), false},
	}
	for _, tt := range tests {
		warnings := check(t, when(tt.when))
		if len(warnings) != 1 || warnings[0].Code != lint.NeverHolds || strings.Contains(warnings[0].Message, "xn--") != tt.host {
			t.Errorf("Check of %+v = %v, want one warning, of a host: %v", tt.when, warnings, tt.host)
		}
	}
}

// No warning shows a secret, a person, or a webhook's URL beyond its host.
func TestNothingIsShown(t *testing.T) {
	const mark = "q7mark9x"
	hidden := campaign.Webhook{
		Method: "GET",
		URL:    "http://esp.example/" + mark + "?token=" + mark,
		Payload: campaign.Payload{
			campaign.Static("password", mark), campaign.Static("email", mark+"@example.org"), campaign.FromProfile("email").Named("e").Or(mark),
		},
		Headers: campaign.Headers{{Name: "X-Api-Key", Value: mark}, {Name: "Authorization", Value: "Bearer " + mark}},
	}
	cs := sample{
		with("a", allOf{campaign.ProfileField("email").Equals(mark), campaign.ProfileField("email").In(mark, mark)}, hidden),
		with("b", allOf{campaign.ProfileField("email").Equals(mark), campaign.ProfileField("email").In(mark, mark)}, hidden),
		with("c", allOf{address.Equals("https://Shop.example/?token=" + mark), path.Equals("/?" + mark)}, hidden),
	}
	warnings := check(t, cs)
	if len(warnings) < 20 {
		t.Errorf("%d warnings, want all that there are: %v", len(warnings), warnings)
	}
	for _, w := range warnings {
		if strings.Contains(w.String(), mark) {
			t.Errorf("%v", w)
		}
	}
}

// A message is one line, whatever the names of fields have in them.
func TestMessagesAreOneLine(t *testing.T) {
	for _, c := range []campaign.Condition{
		campaign.PageQuery("a\n\x1b[31m\u202eb").StartsWith("%20"),
		campaign.ProfileField("a\r\u2066b").Regex(".*"),
	} {
		warnings := check(t, when(c))
		if len(warnings) != 1 {
			t.Errorf("%d warnings of %+v, want 1", len(warnings), c)
		}
		for _, w := range warnings {
			if strings.ContainsAny(w.Message, "\n\r\x1b\u202e\u2066") {
				t.Errorf("message %q", w.Message)
			}
		}
	}
}

func TestNotValid(t *testing.T) {
	good, bad := named("a", "", false), named("a", "", false)
	bad.Nodes[0] = nil
	for _, cs := range []sample{{good, bad}, {good, good}} {
		warnings, err := lint.Check(cs...)
		invalid, ok := errors.AsType[*campaign.ValidationError](err)
		if warnings != nil || !ok || !strings.HasPrefix(invalid.Faults[0].Pointer, "/campaigns/1/") {
			t.Errorf("Check = %v, %v, want the faults of campaign 1", warnings, err)
		}
	}
	if warnings, err := lint.Check(); warnings != nil || err != nil {
		t.Errorf("Check() = %v, %v", warnings, err)
	}
}

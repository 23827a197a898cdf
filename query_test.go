package campaign_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// The query is read as URLSearchParams reads it.
func TestQueryParameters(t *testing.T) {
	tests := []struct {
		query, name string
		want        any // nil: missing
	}{
		{"a=1", "a", "1"},
		{"a=1", "b", nil},
		{"a=1", "A", nil},
		{"", "a", nil},
		{"a", "a", ""},
		{"a=", "a", ""},
		{"a==", "a", "="},
		{"a=b=c", "a", "b=c"},
		{"&&a=1&&", "a", "1"},
		{"a=1&a=2", "a", []any{"1", "2"}},
		{"a=1&b=x&a=", "a", []any{"1", ""}},
		{"a&a", "a", []any{"", ""}},
		{"=x", "a", nil},
		{"a;b=1", "a;b", "1"},
		{"a=1;b=2", "a", "1;b=2"},
		{"a=1;b=2", "b", nil},
		{"a?b=1", "a?b", "1"},
		{"a=x?y", "a", "x?y"},
		{"a=b+c", "a", "b c"},
		{"a=b%20c", "a", "b c"},
		{"a=b%2Bc", "a", "b+c"},
		{"a=b%252Bc", "a", "b%2Bc"},
		{"a+b=1", "a b", "1"},
		{"a%20b=1", "a b", "1"},
		{"a%3Db=1", "a=b", "1"},
		{"a=b", "a=b", nil},
		{"a=b=1", "a=b", nil},
		{"a&b=1", "a&b", nil},
		{"ab=1&a=2", "a", "2"},
		{"ba=1&a", "a", ""},
		{"a%26b=1&c", "a&b", "1"},
		{"%61=1", "a", "1"},
		{"a%=1", "a%", "1"},
		{"a=%", "a", "%"},
		{"a=%4", "a", "%4"},
		{"a=%zz", "a", "%zz"},
		{"a=%C3%A9", "a", "é"},
		{"a=é", "a", "é"},
		{"é=1", "é", "1"},
		{"%C3%A9=1", "é", "1"},
		{"a.b=1", "a.b", "1"},
		{"a[]=1&a[]=2", "a[]", []any{"1", "2"}},
		{"a%5B%5D=1", "a[]", "1"},
		{"a=%00", "a", "\x00"},
		{"a=%EF%BB%BFx", "a", "\ufeffx"},
		// One U+FFFD for each longest run that begins a character.
		{"a=%FF", "a", "\ufffd"},
		{"a=%FF%FF", "a", "\ufffd\ufffd"},
		{"a=%E2%82", "a", "\ufffd"},
		{"a=%E2%82x", "a", "\ufffdx"},
		{"a=%E2%82%E2%82%AC", "a", "\ufffd€"},
		{"a=%F0%9F%98", "a", "\ufffd"},
		{"a=%F0%9F%98%F0%9F%98", "a", "\ufffd\ufffd"},
		{"a=%F0%80%80", "a", "\ufffd\ufffd\ufffd"},
		{"a=%ED%A0%80", "a", "\ufffd\ufffd\ufffd"},
		{"a=%C0%AF", "a", "\ufffd\ufffd"},
		{"a=%C3%28", "a", "\ufffd("},
		{"a=\xe2\x82", "a", "\ufffd"},
		{"a%FF=1", "a\ufffd", "1"},
		{"a=" + strings.Repeat("x", 8192), "a", strings.Repeat("x", 8192)},
		{strings.Repeat("b=1&", 2048) + "a=1", "a", "1"},
	}
	for _, tt := range tests {
		for _, base := range []string{"https://shop.example/", "https://shop.example", "/", "app://host/"} {
			visit := campaign.PageVisit{URL: base + "?" + tt.query + "#a=f", Referrer: base + "?" + tt.query}
			for _, field := range []campaign.Field{campaign.PageQuery(tt.name), campaign.ReferrerQuery(tt.name)} {
				got := map[string]any{}
				visit := visit
				c := campaign.Campaign{ID: "query", Nodes: []campaign.Node{
					campaign.WebsiteTrigger{When: campaign.PagePath.Exists()},
					campaign.Webhook{
						Method: "POST", URL: "https://hooks.example/",
						Payload: campaign.Payload{campaign.From(field).Named("q")},
					},
					campaign.Stop{},
				}}
				requests, err := c.Render(visit)
				if err != nil {
					t.Fatalf("Render(visit of %q): %v", visit.URL, err)
				}
				decodeJSON(t, requests[0].Body, &got)
				if diff := cmp.Diff(tt.want, got["q"]); diff != "" {
					t.Errorf("%s of %.60q (-want +got):\n%s", field, visit.URL, diff)
				}
				if got, want := match(t, field.Exists(), visit), tt.want != nil; got != want {
					t.Errorf("Match(%s exists) of %.60q = %v, want %v", field, visit.URL, got, want)
				}
				for _, element := range elements(tt.want) {
					if !match(t, field.Equals(element), visit) {
						t.Errorf("Match(%s equals %.20q) of %.60q = false, want true", field, fmt.Sprint(element), visit.URL)
					}
				}
			}
		}
	}
}

func elements(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

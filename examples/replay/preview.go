package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hybridcampaign/campaign"
)

const previewUsage = `Usage: replay preview [flags]

Preview shows what would be sent: each request as it goes over the wire, with the
names of secrets in their place. Nothing is sent, and no secret is looked up.

  replay preview
  replay preview -campaigns campaigns.json -log access.log.gz
  replay preview -campaigns campaigns.json -campaign shoes -visit visit.json
  replay preview -campaigns campaigns.json -log visits.jsonl -line 1207 -curl

It takes the first visit of the log that starts each campaign. With -visit or -line
it shows what that visit starts, or if nothing why not; with -campaign too, what the
campaign would send for the visit whether or not it starts.

With -curl it prints commands to paste into a shell, which send the same bytes.
They take the secret NAME from the environment variable that -secrets names.

What it shows is personal data, and the whole URL. The exit status is 3 if there was
nothing to show for a campaign.
` + visitUsage

// A previewed is what the command prints of a campaign in JSON.
type previewed struct {
	Campaign string              `json:"campaign"`
	Line     int                 `json:"line,omitempty"`   // of the log
	Reason   campaign.Reason     `json:"reason,omitempty"` // why it starts for the visit, or does not
	Error    string              `json:"error,omitempty"`
	Visit    *campaign.PageVisit `json:"visit,omitempty"`
	Requests []previewedRequest  `json:"requests"`
}

type previewedRequest struct {
	ID      string   `json:"id"`
	Node    int      `json:"node"`
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Headers []header `json:"headers"`
	Body    string   `json:"body,omitempty"`
	Curl    string   `json:"curl,omitempty"`
}

type header struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Secret string `json:"secret,omitempty"` // its name
}

func runPreview(ctx context.Context, args []string, std stdio) error {
	var in inputs
	var curl bool
	var prefix string
	flags := newFlags("preview")
	in.campaignFlags(flags)
	in.idFlag(flags)
	in.logFlags(flags)
	in.visitFlags(flags)
	flags.BoolVar(&curl, "curl", false, "print curl commands")
	flags.StringVar(&prefix, "secrets", "CAMPAIGN_", "`prefix` of the environment variables from which the curl commands take secrets")
	if err := in.parseFlags(flags, previewUsage, args, std.out); err != nil {
		return err
	}
	choices, err := in.chosen(ctx, false, std)
	if err != nil {
		return err
	}
	named := in.visit != "" || in.line > 0 // the visit is what was asked for
	forAll := named && in.id == ""         // and no campaign is
	none := forAll && !slices.ContainsFunc(choices, func(c choice) bool { return c.misses == 0 })
	all := []previewed{} // an empty list in JSON, not null
	var b strings.Builder
	if none {
		b.WriteString("# the visit starts no campaign; replay explain says more\n")
	}
	missing := none
	for i := range choices {
		c := &choices[i]
		// A campaign that would start but for its payload is worth a word, too.
		unready := c.why.Reason == campaign.ReasonCannotRender
		if forAll && !none && c.misses > 0 && !unready {
			continue // a visit starts what it starts
		}
		p, text := c.preview(named && (in.id != "" || unready), curl, prefix)
		if none {
			text = fmt.Sprintf("# %s: %s\n", shorten(c.campaign.ID), c.reason())
		}
		missing = missing || len(p.Requests) == 0
		all = append(all, p)
		if b.Len() > 0 && !none {
			b.WriteString("\n")
		}
		b.WriteString(text)
	}
	if in.json {
		err = writeJSON(std.out, all)
	} else {
		// Previews and commands are fit for a terminal, and must stay as they are.
		_, err = io.WriteString(std.out, b.String())
	}
	if err == nil && missing {
		return errWrong
	}
	return err
}

// preview renders the campaign for the visit if that starts it, or in any case.
// Text is the same for people; what is not part of a request is a comment, also
// to a shell.
func (c *choice) preview(anyCase, curl bool, prefix string) (p previewed, text string) {
	p = previewed{Campaign: c.campaign.ID, Line: c.line, Reason: c.why.Reason, Visit: &c.visit, Requests: []previewedRequest{}}
	var b strings.Builder
	if c.misses > 0 && !anyCase {
		fmt.Fprintf(&b, "# %s: no visit of the log starts it; nearest comes %s: %s\n", shorten(c.campaign.ID), c.place(), c.reason())
		return p, b.String()
	}
	fmt.Fprintf(&b, "# %s, for %s\n", shorten(c.campaign.ID), c.place())
	if c.why.Reason != campaign.ReasonStarts {
		fmt.Fprintf(&b, "# this visit does not start it: %s\n", c.reason())
	}
	requests, err := c.campaign.Render(c.visit)
	if err != nil {
		p.Error = err.Error()
		if c.why.Reason != campaign.ReasonCannotRender {
			fmt.Fprintf(&b, "# nothing would be sent: %s\n", errorLine(err))
		}
		return p, b.String()
	}
	for i, r := range requests {
		shown := r.Preview()
		request := previewedRequest{ID: shown.ID, Node: shown.Node, Method: shown.Method, URL: shown.URL, Body: shown.Body}
		for _, h := range shown.Headers {
			request.Headers = append(request.Headers, header(h))
		}
		if len(requests) > 1 {
			fmt.Fprintf(&b, "# webhook %d of %d\n", i+1, len(requests))
		}
		if curl {
			request.Curl = shown.Curl(prefix)
			b.WriteString(request.Curl + "\n")
		} else {
			b.WriteString(shown.String())
		}
		p.Requests = append(p.Requests, request)
	}
	return p, b.String()
}

package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

// newDiverter returns the sender for the value of -send.
func newDiverter(target string, campaigns campaign.Campaigns) (*diverter, error) {
	u, err := parseHTTP(target)
	if err != nil {
		return nil, usageError("-send: %w", err)
	}
	byID := make(map[string]campaign.Campaign, len(campaigns))
	for _, c := range campaigns {
		byID[c.ID] = c
	}
	// Whoever starts the program names the one address that is called, so it
	// may be on their own machine.
	return &diverter{
		target:    u,
		campaigns: byID,
		next:      &httpsender.Sender{AllowHTTP: true, AllowPrivate: true},
	}, nil
}

// parseSite checks the value of -site and returns it without a slash at the end.
func parseSite(site string) (string, error) {
	if site == "" {
		return "", nil
	}
	u, err := parseHTTP(site)
	if err != nil {
		return "", err
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", errors.New("has a path; write scheme and host only")
	}
	return u.Scheme + "://" + u.Host, nil
}

func parseHTTP(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("is not an http or https address such as http://127.0.0.1:8080/hook")
	}
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("has user information or a fragment; remove it")
	}
	return u, nil
}

// A diverter sends every request to one address. Of the request's own URL it
// keeps the payload of a GET alone: path and query of an endpoint often are
// credentials, and are nobody else's business. Nor are secrets: in place of
// each goes its name.
type diverter struct {
	target    *url.URL
	campaigns map[string]campaign.Campaign
	next      campaign.Sender
}

// endpoint returns where everything goes.
func (d *diverter) endpoint() string { return d.target.Scheme + "://" + d.target.Host }

// Send sends r to the diverter's target.
func (d *diverter) Send(ctx context.Context, r *campaign.Request) (*campaign.Response, error) {
	diverted := *r
	target := *d.target
	if payload := d.payload(r); payload != "" {
		target.RawQuery = strings.TrimPrefix(target.RawQuery+"&"+payload, "&")
	}
	diverted.URL = target.String()
	diverted.Headers = make(campaign.Headers, len(r.Headers))
	for i, h := range r.Headers {
		if h.Secret != "" {
			h = campaign.Header{Name: h.Name, Value: h.Value + "secret:" + h.Secret}
		}
		diverted.Headers[i] = h
	}
	return d.next.Send(ctx, &diverted)
}

// payload returns what rendering has added to the URL of the webhook.
func (d *diverter) payload(r *campaign.Request) string {
	webhook, ok := d.campaigns[r.Campaign].Nodes[r.Node].(campaign.Webhook)
	if !ok || r.Method != "GET" {
		return ""
	}
	added, ok := strings.CutPrefix(r.URL, webhook.URL)
	if !ok {
		return ""
	}
	return strings.TrimLeft(added, "?&")
}

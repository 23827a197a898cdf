package httpsender

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hybridcampaign/campaign"
)

// Check returns what Send would refuse about the webhooks of the campaigns,
// whoever the customer is: a URL that is http, an address that is not allowed, a
// secret that is not set or is bound to another host, a signing key that is
// missing. Call it when the program starts, and before campaigns are loaded: a
// customer whose visit finds such a fault gets no message, and a deployment that
// lacks a variable looks like an endpoint that cannot be reached.
//
// Nothing is sent, and no name is looked up, so that a name whose address is not
// allowed is still found by Send alone. Secrets and Signing are asked. Whether
// the campaigns are valid, [campaign.Campaign.Validate] tells.
//
// The error is a [*campaign.ValidationError], or says which field of the Sender
// is wrong. The pointers of its faults are those of the campaign; with several
// campaigns they begin with /campaigns/ and its position.
func (s *Sender) Check(ctx context.Context, campaigns ...campaign.Campaign) error {
	rt := s.runtime()
	if rt.err != nil {
		return fmt.Errorf("httpsender: %w", rt.err)
	}
	var faults []campaign.Fault
	for i, c := range campaigns {
		at, id := "", ""
		if len(campaigns) > 1 {
			at, id = "/campaigns/"+strconv.Itoa(i), c.ID
		}
		for j, node := range c.Nodes {
			hook, ok := node.(campaign.Webhook)
			if !ok {
				continue
			}
			rt.check(ctx, hook, func(where string, err error) {
				faults = append(faults, campaign.Fault{Pointer: fmt.Sprintf("%s/nodes/%d%s", at, j, where), Message: err.Error(), Campaign: id})
			})
		}
	}
	if len(faults) > 0 {
		return &campaign.ValidationError{Faults: faults}
	}
	return nil
}

func (rt *runtime) check(ctx context.Context, hook campaign.Webhook, fault func(where string, err error)) {
	u, err := rt.parseURL(hook.URL)
	if err != nil {
		fault("/url", err)
		return // a secret for no host is another question
	}
	if err := rt.checkAddress(targetOf(u).addr); err != nil {
		fault("/url", err)
	}
	host := bindingHost(u)
	for i, h := range hook.Headers {
		if h.Secret == "" {
			continue
		}
		if _, err := rt.headerValue(ctx, h, host); err != nil {
			fault(fmt.Sprintf("/headers/%d/secret", i), err)
		}
	}
	now := time.Now()
	if _, err := rt.sign(ctx, &prepared{id: "msg_check", host: host}, now, now.Add(rt.timeout)); err != nil {
		fault("", err)
	}
}

// checkAddress asks the guard about what is known of an address without a look-up.
func (rt *runtime) checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || rt.guard == nil || rt.guard.allows(host) {
		return nil
	}
	if strings.EqualFold(host, "localhost") { // by RFC 6761 section 6.3, always loopback
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return rt.guard.checkPort(addr, port)
	}
	return rt.guard.check(net.JoinHostPort(host, port))
}

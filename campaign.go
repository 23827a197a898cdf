package campaign

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Campaign is a chain of nodes: one [WebsiteTrigger], one or more [Webhook]s,
// one [Stop]. It is plain data; two campaigns with equal content are equal to
// go-cmp. Its methods are pure: they read no clock and touch no network. They
// may be called from several goroutines while nobody changes the campaign.
type Campaign struct {
	// ID tells the campaign from others, in cooldowns and outcomes. Required.
	// A campaign that keeps its ID keeps its cooldowns, whatever else changes.
	ID string

	// Name is for people. It may be empty.
	Name string

	// Paused keeps the campaign from starting: it is checked and loaded, and
	// can be tested, but visits pass it by. Its cooldowns stay.
	Paused bool

	// Nodes is the chain, in the order in which it runs.
	Nodes []Node
}

// A Node is a [WebsiteTrigger], a [Webhook] or a [Stop], as a plain value. There
// are no others.
type Node interface {
	node()
}

func (WebsiteTrigger) node() {}
func (Webhook) node()        {}
func (Stop) node()           {}

// Validate reports everything that is wrong with the campaign, as a
// [*ValidationError] with JSON Pointers such as /nodes/1/url, or nil.
func (c Campaign) Validate() error {
	_, err := c.compile()
	return err
}

// Match reports whether the visit meets the campaign's condition. Audience and
// cooldown are decided after it, and not here. The error is a
// [*ValidationError] for a campaign or a visit that cannot be used.
//
// Match prepares the campaign anew at each call. An [Engine] does it once.
func (c Campaign) Match(visit PageVisit) (bool, error) {
	prog, err := c.compile()
	if err != nil {
		return false, err
	}
	v := view{visit: visit}
	if err := v.read(); err != nil {
		return false, err
	}
	return prog.when.eval(&v), nil
}

// Render returns what the campaign would send for the visit, one request for
// each webhook, whether or not the visit matches. Secrets stay names. A visit
// without a time is rendered as of the zero time, which shows in the delivery
// ID alone. [Request.Preview] shows a request to people.
//
// The error is a [*ValidationError] for a campaign or a visit that cannot be
// used, and a [*RenderError] for a field that is required and missing, or that
// cannot be written.
func (c Campaign) Render(visit PageVisit) ([]Request, error) {
	prog, err := c.compile()
	if err != nil {
		return nil, err
	}
	v := view{visit: visit}
	if err := v.read(); err != nil {
		return nil, err
	}
	return prog.render(nil, new(idRoom), &v, false)
}

// LogValue returns what of the campaign may be logged: its ID, its name, and the method
// and endpoint of each webhook. Its JSON form, which a handler would write without it,
// shows the URLs.
func (c Campaign) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", c.ID)}
	if c.Name != "" {
		attrs = append(attrs, slog.String("name", c.Name))
	}
	var hooks []string
	for _, n := range c.Nodes {
		if hook, ok := n.(Webhook); ok {
			hooks = append(hooks, hook.String())
		}
	}
	return slog.GroupValue(append(attrs, slog.Any("webhooks", hooks))...)
}

// MarshalJSON writes the campaign's JSON form, which [Parse] reads inside a file.
func (c Campaign) MarshalJSON() ([]byte, error) {
	var w jsonWriter
	w.campaign(c)
	return w.buf, w.err
}

// UnmarshalJSON reads one campaign as strictly as [Parse] reads a file.
func (c *Campaign) UnmarshalJSON(data []byte) error {
	root, d := readDefinition(data)
	if root == nil {
		return d.faults.err()
	}
	parsed := d.campaign(root)
	if err := d.with(parsed.Validate()); err != nil {
		return err
	}
	*c = parsed
	return nil
}

// Campaigns is the content of a campaign file. Its JSON form has a version:
//
//	{"version": 1, "campaigns": [ … ]}
type Campaigns []Campaign

// Parse reads a campaign file. It accepts what it understands whole: an unknown
// or duplicate key at any depth, a second campaign with the same ID, or data
// after the end is an error. The error is a [*ValidationError] that lists every
// fault; then no campaign is returned. What Parse accepts is valid, and
// json.Marshal of it can be parsed to an equal value.
//
// # The keys of a campaign file
//
// What has a default may be left out; no other keys are allowed. The file:
//
//	version    1. Required
//	campaigns  a list of campaigns. Required
//
// A campaign:
//
//	id      text that no other campaign of the file has; cooldowns are kept by it. Required
//	name    text, for people. Default ""
//	paused  true: visits do not start it. Default false
//	nodes   a list: one website_trigger, one webhook or more, one stop. Required
//
// Each node has a type. A website_trigger:
//
//	type      "website_trigger"
//	audience  whose visits count: "known" profiles, or "all" that have an ID. Default "known"
//	when      a condition. Required; every page meets {"field": "page.path", "op": "exists"}
//
// A condition is one of all, any and not, or a comparison:
//
//	field        what is compared, such as "page.path" or "profile.country": see Field. Required
//	op           "equals", "in", "contains", "starts_with", "ends_with", "glob", "regex",
//	             "less", "at_most", "greater", "at_least" or "exists". Required
//	value        text, a number or a boolean; for in a list of them; for less to at_least a
//	             number; for contains to regex text. Required, but for exists, which has none
//	ignore_case  true: upper and lower case are the same; for equals to regex. Default false
//	all          a list of conditions that all hold
//	any          a list of conditions of which at least one holds
//	not          a condition that does not hold
//
// A webhook:
//
//	type                   "webhook"
//	method                 "POST" or "GET". Default "POST"
//	url                    the whole address, https or http. Required
//	payload                a list of payload fields, in the order to send. Default []
//	encoding               of a POST: "json" or "form". Default "json"
//	headers                a list of headers, in the order to send. Default []
//	allow_sensitive_query  true: a GET may have sensitive fields in its URL. Default false
//
// A payload field has one source, the first six, and what else is needed:
//
//	profile    the NAME of a field profile.NAME, such as "email"
//	item       the NAME of a field item.NAME, such as "price"
//	visit      the NAME of a field visit.NAME, such as "device"
//	page       "path", "query.utm_source" or whatever else begins with page.
//	referrer   "host" or whatever else begins with referrer.
//	static     the value itself: anything that JSON can hold
//	as         the name in the payload; dots make objects, \. is a dot. Default the NAME;
//	           required with page, referrer and static
//	missing    what to do without the field: "omit" it, send "null" (in JSON alone), or "fail",
//	           so that nothing is sent. Default "omit"
//	default    a value to send in place of a missing field. Default none
//	sensitive  true: keep it out of URLs, see allow_sensitive_query. Default false
//
// A header:
//
//	name    such as "X-Api-Key". Required
//	value   text; with a secret, what stands in front of it, such as "Bearer ". Default ""
//	secret  the name of a secret, never the secret itself. Default none
//
// A stop:
//
//	type             "stop"
//	restart_timeout  a duration, from the visit that started the campaign. Default "24h"
//	failure_timeout  a duration, in place of it for a run that surely delivered nothing; cut to
//	                 the restart_timeout. Default "1m"
//
// A duration is text: whole days of 24 hours (d), then hours (h), minutes (m),
// seconds (s) and milliseconds (ms), as in "7d", "1d12h", "90m", "1.5h"; at least
// "1ms". Or it is "immediately", for no cooldown at all, or "never", for one
// without end.
func Parse(data []byte) (Campaigns, error) {
	root, d := readDefinition(data)
	if root == nil {
		return nil, d.faults.err()
	}
	cs := d.file(root)
	_, err := compileAll(cs)
	if err := d.with(err); err != nil {
		return nil, inOrder(err, cs)
	}
	return cs, nil
}

// inOrder puts the faults of a file in the order of its campaigns, which are as
// far as they could be read: those of reading and those of checking are found one
// after the other. With several campaigns it says which one each is of.
func inOrder(err error, cs Campaigns) error {
	invalid, ok := errors.AsType[*ValidationError](err)
	if !ok {
		return err
	}
	place := func(f Fault) int {
		rest, _ := strings.CutPrefix(f.Pointer, "/campaigns/")
		i, err := strconv.Atoi(rest[:leadingDigits(rest)])
		if err != nil || i >= len(cs) {
			return -1
		}
		return i
	}
	for i := range invalid.Faults {
		f := &invalid.Faults[i]
		if at := place(*f); at >= 0 && len(cs) > 1 {
			f.Campaign = cs[at].ID
		}
	}
	sorted := invalid.Faults[:min(len(invalid.Faults), maxFaults)] // what says that there are more stays last
	slices.SortStableFunc(sorted, func(a, b Fault) int { return place(a) - place(b) })
	return invalid
}

// LogValue returns the IDs of the campaigns.
func (cs Campaigns) LogValue() slog.Value {
	ids := make([]string, len(cs))
	for i := range cs {
		ids[i] = cs[i].ID
	}
	return slog.AnyValue(ids)
}

// MarshalJSON writes the campaign file.
func (cs Campaigns) MarshalJSON() ([]byte, error) {
	var w jsonWriter
	w.raw("{")
	w.member("version", fileVersion)
	w.list("campaigns", len(cs), func(i int) { w.campaign(cs[i]) })
	w.raw("}")
	return w.buf, w.err
}

// UnmarshalJSON is Parse.
func (cs *Campaigns) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data)
	if err != nil {
		return err
	}
	*cs = parsed
	return nil
}

var (
	_ json.Marshaler   = Campaigns(nil)
	_ json.Unmarshaler = (*Campaigns)(nil)
)

const fileVersion = 1

// A program is a compiled campaign, with its definition in parts. It shares
// slices and maps with what the caller wrote, until it is detached from that.
type program struct {
	id        string
	name      string
	when      conditionProgram
	condition Condition // what when was compiled from
	audience  Audience
	webhooks  []webhookProgram
	stop      Stop
	paused    bool

	// Set by an Engine.
	asks  bool       // the condition may need a profile to be loaded
	sends []fieldRef // what the payloads may need of it
}

// definition returns the campaign that a valid one was compiled from, as a copy.
func (prog *program) definition() Campaign {
	c := Campaign{ID: prog.id, Name: prog.name, Paused: prog.paused}
	c.Nodes = make([]Node, 0, 1+len(prog.webhooks)+1)
	c.Nodes = append(c.Nodes, WebsiteTrigger{When: cloneCondition(prog.condition), Audience: prog.audience})
	for i := range prog.webhooks {
		c.Nodes = append(c.Nodes, prog.webhooks[i].definition())
	}
	c.Nodes = append(c.Nodes, prog.stop)
	return c
}

// detach makes a valid campaign independent of what the caller does with the
// definition from then on.
func (prog *program) detach() {
	prog.condition = cloneCondition(prog.condition)
	prog.when.define(prog.condition)
	for i := range prog.webhooks {
		prog.webhooks[i].detach()
	}
}

func (c *Campaign) compile() (*program, error) {
	var fs faults
	prog := c.compileInto(&fs, pointer{})
	if err := fs.err(); err != nil {
		return nil, err
	}
	return prog, nil
}

// compileAll compiles a set of campaigns. The pointers of its faults begin with
// /campaigns, as in a file.
func compileAll(cs []Campaign) ([]*program, error) {
	var fs faults
	progs := make([]*program, len(cs))
	first := make(map[string]int, len(cs))
	root := pointer{}.key("campaigns")
	for i := range cs {
		c, p := &cs[i], root.index(i)
		found := len(fs)
		progs[i] = c.compileInto(&fs, p)
		if j, dup := first[c.ID]; dup && c.ID != "" {
			fs.add(p.key("id"), "%s is also the ID of %s; each campaign needs its own", shorten(c.ID), root.index(j).String())
		} else {
			first[c.ID] = i
		}
		if len(cs) > 1 { // its place in a list tells nobody which it is
			for k := range fs[found:] {
				fs[found+k].Campaign = c.ID
			}
		}
	}
	if err := fs.err(); err != nil {
		return nil, err
	}
	return progs, nil
}

func (c *Campaign) compileInto(fs *faults, p pointer) *program {
	prog := &program{id: c.ID, name: c.Name, paused: c.Paused}
	switch {
	case c.ID == "":
		fs.add(p.key("id"), `is missing; give the campaign an ID such as "running-shoes"`)
	case !utf8.ValidString(c.ID):
		fs.add(p.key("id"), "is not valid UTF-8; write it as UTF-8")
	case hasControl(c.ID):
		fs.add(p.key("id"), "has a control character; remove it")
	}
	if !utf8.ValidString(c.Name) {
		fs.add(p.key("name"), "is not valid UTF-8; write it as UTF-8")
	}
	nodes := p.key("nodes")
	prog.webhooks = make([]webhookProgram, 0, c.checkChain(fs, nodes))
	for i, n := range c.Nodes {
		at := nodes.index(i)
		switch n := n.(type) {
		case WebsiteTrigger:
			prog.when = n.compile(fs, at)
			prog.condition, prog.audience = n.When, n.Audience
		case Webhook:
			prog.webhooks = append(prog.webhooks, webhookProgram{})
			prog.webhooks[len(prog.webhooks)-1].compile(&n, i, fs, at)
		case Stop:
			n.validate(fs, at)
			prog.stop = n
		case unreadable:
		case nil:
			fs.add(at, "is nil; remove it, or put a node there")
		case *WebsiteTrigger, *Webhook, *Stop:
			fs.add(at, "is a pointer, a %T; put the node itself there, without &", n)
		default:
			fs.add(at, "is a %T; use a WebsiteTrigger, Webhook or Stop, not a type that embeds one", n)
		}
	}
	return prog
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// checkChain checks the order of the nodes, and returns how many are webhooks.
func (c *Campaign) checkChain(fs *faults, p pointer) (webhooks int) {
	const chain = "a chain is one website_trigger, one or more webhooks, one stop"
	if len(c.Nodes) == 0 {
		fs.add(p, "is empty; %s", chain)
		return 0
	}
	triggers, stops, unknown := 0, 0, 0
	last := len(c.Nodes) - 1
	for i, n := range c.Nodes {
		switch n.(type) {
		case WebsiteTrigger:
			triggers++
			switch {
			case triggers > 1:
				fs.add(p.index(i), "is another website_trigger; a campaign has one: put both conditions into an any, or make two campaigns")
			case i != 0:
				fs.add(p.index(i), "is a website_trigger after the beginning; move it to the beginning")
			}
		case Webhook:
			webhooks++
		case Stop:
			stops++
			if i != last {
				fs.add(p.index(i), "is a stop before the end; move it to the end, or remove it")
			}
		default:
			unknown++
		}
	}
	if unknown > 0 {
		return webhooks // each is a fault of its own, and may have been what is missing
	}
	if triggers == 0 {
		fs.add(p, "has no website_trigger; %s", chain)
	}
	if webhooks == 0 {
		fs.add(p, "has no webhook; %s", chain)
	}
	if stops == 0 {
		fs.add(p, "has no stop; %s", chain)
	}
	return webhooks
}

// render renders all webhooks of the chain, or none, into room if they fit. The ID of
// the first goes into id.
func (prog *program) render(room []Request, id *idRoom, v *view, test bool) ([]Request, error) {
	requests := room
	if len(requests) != len(prog.webhooks) {
		requests = make([]Request, len(prog.webhooks))
	}
	for i := range prog.webhooks {
		if i > 0 {
			id = new(idRoom)
		}
		if err := prog.webhooks[i].render(&requests[i], prog.id, id, v, test); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

func (d *decoder) file(n *jsonValue) Campaigns {
	var cs Campaigns
	if n.kind != jsonObject {
		d.fault(n.at, `is %s; write {"version": %d, "campaigns": […]}`, n.kind, fileVersion)
		return nil
	}
	if slices.Contains(n.keys, "nodes") && !slices.Contains(n.keys, "campaigns") {
		d.fault(n.at, `is one campaign; write {"version": %d, "campaigns": […]} around it`, fileVersion)
		return nil
	}
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "version":
			if d.is(x, jsonNumber) && x.text != strconv.Itoa(fileVersion) {
				d.fault(x.at, "is a version that this library does not read; write %d", fileVersion)
			}
		case "campaigns":
			d.objects(x, `[{"id": …, "nodes": […]}]`, func(x *jsonValue) { cs = append(cs, d.campaign(x)) })
		default:
			return false
		}
		return true
	}, "version", "campaigns")
	d.require(n, "version", "write 1")
	d.require(n, "campaigns", "write the list of campaigns, or [] for none")
	return cs
}

func (d *decoder) campaign(n *jsonValue) Campaign {
	var c Campaign
	d.object(n, func(key string, x *jsonValue) bool {
		switch key {
		case "id":
			c.ID = d.str(x)
		case "name":
			c.Name = d.str(x)
		case "paused":
			c.Paused = d.boolean(x)
		case "nodes":
			d.list(x, func(x *jsonValue) { c.Nodes = append(c.Nodes, d.node(x)) })
		default:
			return false
		}
		return true
	}, "id", "name", "paused", "nodes")
	return c
}

var nodeTypes = []string{"website_trigger", "webhook", "stop"}

func (d *decoder) node(n *jsonValue) Node {
	if !d.is(n, jsonObject) {
		return unreadable{}
	}
	for i, key := range n.keys {
		if key != "type" {
			continue
		}
		switch n.items[i].text {
		case "website_trigger":
			return d.trigger(n)
		case "webhook":
			return d.webhook(n)
		case "stop":
			return d.stop(n)
		}
		d.oneOf(n.items[i], nodeTypes)
		return unreadable{}
	}
	for i, key := range n.keys {
		if nearest(key, []string{"type"}) != "" {
			d.faults.add(n.items[i].at, `is not a key here; did you mean "type"?`)
			return unreadable{}
		}
	}
	d.require(n, "type", suggest("", nodeTypes))
	return unreadable{}
}

func (w *jsonWriter) campaign(c Campaign) {
	w.raw("{")
	w.member("id", c.ID)
	w.text("name", c.Name)
	if c.Paused {
		w.member("paused", true)
	}
	w.list("nodes", len(c.Nodes), func(i int) {
		switch n := c.Nodes[i].(type) {
		case WebsiteTrigger:
			w.trigger(n)
		case Webhook:
			w.webhook(n)
		case Stop:
			w.stop(n)
		default:
			w.fail("a node of type %T has no JSON form", n)
		}
	})
	w.raw("}")
}

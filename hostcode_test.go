package campaign_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/hybridcampaign/campaign"
)

// A falseFault looks like an error of the runtime, and is the host's.
type falseFault struct{ text string }

func (f falseFault) Error() string { return f.text }
func (falseFault) RuntimeError()   {}

// A panickingFault panics once more when it is asked for its text.
type panickingFault struct{}

func (*panickingFault) Error() string { panic("canary-7") }
func (*panickingFault) RuntimeError() {}

// An embeddedFault has the methods of the error of the runtime within.
type embeddedFault struct {
	fault
	text string
}

type fault = runtime.Error

func (f embeddedFault) Error() string { return f.text }

// A panic is told with the text of what the runtime says, and of anything else
// with the type alone: its text may hold anything, and be code that panics.
func TestWhatAPanicTells(t *testing.T) {
	var nothing map[any]int
	var list []int
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"an index", func() { _ = list[len(list)+3] }, "index out of range [3] with length 0"},
		{"a nil pointer", func() { _ = *(*int)(nil) }, "invalid memory address or nil pointer dereference"},
		{"a nil map", func() { nothing[1] = 1 }, "assignment to entry in nil map"},
		{"a key that has no hash", func() { _ = nothing[any([]int{})] }, "hash of unhashable type"},
		{"a conversion", func() { _ = any("canary-7").(int) }, "interface conversion: interface {} is string, not int"},
		{"nil", func() { panic(nil) }, "panic called with nil argument"},
		{"a text", func() { panic("canary-7") }, "a value of type string"},
		{"an error like the runtime's", func() { panic(falseFault{"canary-7"}) }, "a value of type campaign_test.falseFault"},
		{"a pointer to one", func() { panic(&falseFault{"canary-7"}) }, "a value of type *campaign_test.falseFault"},
		{"one that panics", func() { panic(&panickingFault{}) }, "a value of type *campaign_test.panickingFault"},
		{"one that is a nil pointer", func() { panic((*falseFault)(nil)) }, "a value of type *campaign_test.falseFault"},
		{"one around the runtime's", func() { panic(embeddedFault{text: "canary-7"}) }, "a value of type campaign_test.embeddedFault"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sender := campaign.SenderFunc(func(context.Context, *campaign.Request) (*campaign.Response, error) {
				tt.do()
				return nil, nil
			})
			var told listener
			engine := newEngine(t, sender, &campaign.EngineOptions{Observer: &told}, everyPage("c", 1, campaign.Stop{}))
			enqueue(t, engine, visitBy("p-1"))
			closeEngine(t, engine)
			out := told.finals()["p-1"][0]
			if out.Reason != campaign.ReasonPanicked {
				t.Fatalf("the outcome is %v, want panicked", out)
			}
			for _, text := range []string{out.Err.Error(), out.String()} {
				if !strings.Contains(text, tt.want) || strings.Contains(text, "canary") {
					t.Errorf("%q, want %q, and nothing of what was passed to panic", text, tt.want)
				}
			}
		})
	}
}

package campaign

import "testing"

// What a type hides wholly is shared: a copy of an os.File, which is a pointer to
// such a struct, would be another file. What it has from a struct within is copied.
func TestCopiesShareWhatIsHidden(t *testing.T) {
	type hidden struct{ n int }
	type shown struct{ N int }
	type around struct{ *shown }
	type holder struct {
		*hidden
		*shown
		around
	}
	in := holder{&hidden{1}, &shown{2}, around{&shown{3}}}
	out := newCopier().any(in).(holder)
	if out.hidden != in.hidden {
		t.Error("what the type hides was copied")
	}
	if out.shown == in.shown || out.around.shown == in.around.shown || *out.shown != *in.shown || *out.around.shown != *in.around.shown {
		t.Errorf("the copy has %v and %v, want copies of %v and %v", out.shown, out.around.shown, in.shown, in.around.shown)
	}
}

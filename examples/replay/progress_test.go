package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress shows half a minute of work at a terminal and elsewhere.
func TestProgress(t *testing.T) {
	work := func(t *testing.T, p *progress, all int64, seconds int) string {
		t.Helper()
		var out bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			p.w = &out
			p.next = time.Now().Add(p.pause(barAfter))
			for s := range seconds {
				text := strings.Repeat("x", max(1, 5-s))
				p.show(int64(s), all, func() string { return text })
				time.Sleep(time.Second)
			}
			p.clear()
		})
		return out.String()
	}
	bar := func(full int) string {
		return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
	}
	for _, test := range []struct {
		name     string
		terminal bool
		all      int64
		seconds  int
		want     string
	}{
		{"terminal, short", true, 4, 1, ""},
		{
			"terminal", true, 4, 3,
			"\r" + bar(7) + "  25 %  xxxx" + "\r" + bar(15) + "  50 %  xxx " + "\r" + strings.Repeat(" ", barWidth+13) + "\r",
		},
		{"terminal, size not known", true, 0, 2, "\rxxxx\r    \r"},
		{"terminal, more than there should be", true, 1, 6, ""},
		{"no terminal, short", false, 4, 15, ""},
		{"no terminal", false, 60, 50, "replay: 25 %  x\nreplay: 50 %  x\nreplay: 75 %  x\n"},
		{"no terminal, size not known", false, 0, 16, "replay: x\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := work(t, &progress{terminal: test.terminal}, test.all, test.seconds)
			if test.name == "terminal, more than there should be" {
				if !strings.Contains(got, bar(barWidth)+" 100 %") {
					t.Errorf("progress wrote %q, want no more than 100 %%", got)
				}
				return
			}
			if got != test.want {
				t.Errorf("progress wrote\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestIsTerminal(t *testing.T) {
	regular, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()
	for _, w := range []io.Writer{&bytes.Buffer{}, regular} {
		if isTerminal(w) {
			t.Errorf("isTerminal(%T) = true for what is no terminal", w)
		}
	}
}

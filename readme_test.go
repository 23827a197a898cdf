package campaign_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hybridcampaign/campaign"
)

// The README is tested, so that it cannot promise what is not so:
//
//   - a go block that is a whole program is built and vetted in a module of its
//     own, as a reader would; if a text block follows, the program is run and
//     must print just that;
//   - any other go block stands, apart from white space, in one of the
//     examples that go test compiles: a test file, or a program below examples/;
//   - each command of a sh block is one that readmeCommand knows how to run;
//   - a json block is a file of campaigns, or a visit;
//   - a block of any other kind is an error, except text.

// A block is one fenced block of a Markdown file.
type block struct {
	Lang string // the word after the opening fence
	Line int    // of the opening fence, from 1
	Text string // without the fences
}

// blocks returns the fenced blocks of a Markdown text in order.
func blocks(markdown string) ([]block, error) {
	var found []block
	var open *block
	for i, line := range strings.Split(markdown, "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case open == nil && fence:
			open = &block{Lang: strings.TrimSpace(strings.TrimLeft(line, "`")), Line: i + 1}
		case open == nil && strings.HasPrefix(strings.TrimLeft(line, " \t"), "```"):
			return nil, fmt.Errorf("line %d: an indented fence; begin it in the first column, so that its block is tested", i+1)
		case open != nil && fence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.Text += line + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block is not closed", open.Line)
	}
	return found, nil
}

// isProgram reports whether a go block is a whole program.
func isProgram(text string) bool {
	return regexp.MustCompile(`(?m)^package main$`).MatchString(text)
}

// commands returns the commands of a sh block: its lines without comments, or,
// if it shows a session, what stands behind the prompts.
func commands(text string) []string {
	lines := strings.Split(text, "\n")
	session := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "$ ") })
	var found []string
	for _, line := range lines {
		command, prompted := strings.CutPrefix(line, "$ ")
		if session && !prompted {
			continue
		}
		if i := strings.Index(command, " #"); i >= 0 {
			command = command[:i]
		}
		command = strings.TrimSpace(command)
		if command != "" && !strings.HasPrefix(command, "#") {
			found = append(found, command)
		}
	}
	return found
}

// contains reports whether the lines of fragment stand one after the other in
// source. White space within and around a line does not count: an example
// stands indented in a function.
func contains(source, fragment string) bool {
	normal := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(strings.Trim(text, "\n")) {
			b.WriteString("\n" + strings.Join(strings.Fields(line), " "))
		}
		return b.String() + "\n"
	}
	return strings.Contains(normal(source), normal(fragment))
}

func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := blocks(string(readme))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	for i, b := range all {
		t.Run(fmt.Sprintf("line %d %s", b.Line, b.Lang), func(t *testing.T) {
			switch {
			case b.Lang == "go" && isProgram(b.Text):
				var output *string
				if i+1 < len(all) && all[i+1].Lang == "text" {
					output = &all[i+1].Text
				}
				checkProgram(t, b.Text, output)
			case b.Lang == "go":
				checkFragment(t, b.Text)
			case b.Lang == "sh":
				checkCommands(t, b.Text)
			case b.Lang == "json":
				checkJSON(t, b.Text)
			case b.Lang == "text":
			default:
				t.Errorf("README.md:%d: no rule tests a block of the kind %q; use go, sh, json or text", b.Line, b.Lang)
			}
		})
	}
}

func checkFragment(t *testing.T, fragment string) {
	t.Helper()
	found := false
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		slash := filepath.ToSlash(path)
		if !strings.HasSuffix(slash, "_test.go") && (!strings.HasPrefix(slash, "examples/") || !strings.HasSuffix(slash, ".go")) {
			return nil
		}
		source, err := os.ReadFile(path)
		found = found || contains(string(source), fragment)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("no test file and no example holds this block; put it into an Example of example_test.go as it stands:\n%s", fragment)
	}
}

// checkProgram builds and vets a program in a module that requires this one, and
// runs it if its output is known.
func checkProgram(t *testing.T, program string, output *string) {
	t.Helper()
	dir := scratchModule(t)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "vet", ".")
	run(t, dir, "go", "build", "-buildvcs=false", "-o", os.DevNull, ".")
	if output == nil {
		return
	}
	if diff := cmp.Diff(*output, run(t, dir, "go", "run", ".")); diff != "" {
		t.Errorf("output of the program (-want +got):\n%s", diff)
	}
}

// scratchModule returns the directory of a new module that requires this one,
// from its directory, and the same versions of what this one requires.
func scratchModule(t *testing.T) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "go", "mod", "edit", "-module=scratch",
		"-require="+modulePath+"@v0.0.0", "-replace="+modulePath+"="+root)
	return dir
}

// checkJSON reads what is a file of campaigns, or else a visit.
func checkJSON(t *testing.T, text string) {
	t.Helper()
	var err error
	if _, err = campaign.Parse([]byte(text)); err == nil {
		return
	}
	if !strings.Contains(text, `"campaigns"`) {
		err = json.Unmarshal([]byte(text), new(campaign.PageVisit))
	}
	if err != nil {
		t.Error(err)
	}
}

func checkCommands(t *testing.T, text string) {
	t.Helper()
	all := commands(text)
	if len(all) == 0 {
		t.Error("the block holds no command")
	}
	for _, command := range all {
		if err := readmeCommand(t, command); err != nil {
			t.Error(err)
		}
	}
}

// readmeCommand runs a command that the README shows. A command that it does not
// know is an error: teach it here, so that the README shows what works.
func readmeCommand(t *testing.T, command string) error {
	t.Helper()
	words := strings.Fields(command)
	switch {
	case strings.HasPrefix(command, "go run ./examples/"):
		if out := run(t, ".", words[0], words[1:]...); strings.TrimSpace(out) == "" {
			return fmt.Errorf("%s prints nothing", command)
		}
	case command == "go get "+modulePath:
		// A proxy that has nothing: the module is taken from its directory,
		// whatever of it has been published.
		t.Setenv("GOPROXY", "file://"+filepath.ToSlash(t.TempDir()))
		run(t, scratchModule(t), words[0], words[1:]...)
	case strings.HasPrefix(command, "ci/") && len(words) == 1:
		return ciRuns(command)
	default:
		return fmt.Errorf("no test runs %q; teach readmeCommand to", command)
	}
	return nil
}

// ciRuns reports whether CI calls a script. To run ci/test.sh from here would
// not end.
func ciRuns(script string) error {
	info, err := os.Stat(script)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not executable", script)
	}
	ci, err := os.ReadFile(filepath.Join(".ci", "run"))
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(script), ".sh")
	if !regexp.MustCompile(`(?m)^for script in .*\b` + regexp.QuoteMeta(name) + `\b`).Match(ci) {
		return fmt.Errorf(".ci/run does not call %s", script)
	}
	return nil
}

// run runs a command, which must succeed, and returns its standard output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

func TestBlocks(t *testing.T) {
	markdown := "# A\n```go\nx := 1\n\ny := 2\n```\ntext\n```text\n```\n```sh\n# first\ngo get x\n```\n"
	want := []block{
		{Lang: "go", Line: 2, Text: "x := 1\n\ny := 2\n"},
		{Lang: "text", Line: 8},
		{Lang: "sh", Line: 10, Text: "# first\ngo get x\n"},
	}
	got, err := blocks(markdown)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks(%q) (-want +got):\n%s", markdown, diff)
	}
	for _, bad := range []string{"```go\nx\n", "- item\n  ```go\n  x\n  ```\n"} {
		if got, err := blocks(bad); err == nil {
			t.Errorf("blocks(%q) = %v, want an error", bad, got)
		}
	}
}

func TestCommands(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"go run ./a\n", []string{"go run ./a"}},
		{"# run\ngo run ./a  # shows b\n\nci/test.sh\n", []string{"go run ./a", "ci/test.sh"}},
		{"$ go run ./a\noutput\n$ ci/test.sh\n", []string{"go run ./a", "ci/test.sh"}},
		{"\n", nil},
	} {
		if diff := cmp.Diff(test.want, commands(test.text)); diff != "" {
			t.Errorf("commands(%q) (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestContains(t *testing.T) {
	source := "func Example() {\n\tx := 1\n\n\ty  := 2 // why\n\tif x {\n\t\tz()\n\t}\n}\n"
	for _, test := range []struct {
		fragment string
		want     bool
	}{
		{"x := 1\n\ny := 2 // why\n", true},
		{"if x {\n\tz()\n}\n", true},
		{"x := 1\ny := 2 // why\n", false},
		{"y := 2\n", false},
		{":= 1\n", false},
	} {
		if got := contains(source, test.fragment); got != test.want {
			t.Errorf("contains(source, %q) = %v, want %v", test.fragment, got, test.want)
		}
	}
}

// TestREADMERules shows that commands nobody runs are found.
func TestREADMERules(t *testing.T) {
	for _, command := range []string{"go install example.com/a@latest", "ci/missing.sh", "ci/modules.sh", "go get example.com/a"} {
		if err := readmeCommand(t, command); err == nil {
			t.Errorf("readmeCommand(%q) = nil, want an error", command)
		}
	}
	if err := readmeCommand(t, "ci/test.sh"); err != nil {
		t.Errorf("readmeCommand(ci/test.sh) = %v", err)
	}
	if isProgram("x := 1 // not package main\n") || !isProgram("package main\n\nfunc main() {}\n") {
		t.Error("isProgram does not tell a program from a fragment")
	}
	if strings.Contains(commands("a # b")[0], "#") {
		t.Error("commands keeps comments")
	}
}

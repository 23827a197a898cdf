package campaign_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// modulePath is the path of the root module.
const modulePath = "github.com/hybridcampaign/campaign"

// A goPackage is what `go list` says of a package, as far as the rules need it.
type goPackage struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// mayImport says which imports each package of the module may have beside the
// standard library. A package that is not here breaks the rules: where it
// stands between the others is to be decided, not to happen. The examples are
// not here; they may import anything but what lies outside the module's
// requirements.
var mayImport = map[string][]string{
	modulePath:                   {"golang.org/x/sync"},
	modulePath + "/httpsender":   {modulePath, "golang.org/x/sync"},
	modulePath + "/campaigntest": {modulePath},
	modulePath + "/backtest":     {modulePath, "golang.org/x/sync"},
	modulePath + "/lint":         {modulePath, "golang.org/x/sync"},
}

// mustNotReach are the packages that the root does not reach, not even through
// others: whoever embeds the decisions does not carry a web server, a database
// layer, or the test flags.
var mustNotReach = []string{"net/http", "database/sql", "os/exec", "testing"}

// leaves are the directories that nothing outside of them imports.
var leaves = []string{"examples", "bench", "tools"}

// importViolations returns what in pkgs, the packages of the module and all they
// depend on, breaks the rules.
func importViolations(pkgs map[string]goPackage) []string {
	var found []string
	for _, path := range slices.Sorted(maps.Keys(pkgs)) {
		if inTree(path, modulePath) {
			found = append(found, packageViolations(pkgs[path])...)
		}
	}
	for _, path := range mustNotReach {
		if chain := chainTo(pkgs, modulePath, path, map[string]bool{}); chain != nil {
			found = append(found, "the root package reaches "+strings.Join(chain, " -> "))
		}
	}
	return found
}

func packageViolations(p goPackage) []string {
	var found []string
	allowed, ruled := mayImport[p.ImportPath]
	if inTree(p.ImportPath, modulePath+"/examples") {
		allowed, ruled = []string{modulePath + "/...", "golang.org/x/sync"}, true
	}
	if !ruled {
		found = append(found, p.ImportPath+" has no rule; add one to mayImport")
	}
	for _, imp := range p.Imports {
		if ruled && !isStandard(imp) && !allows(allowed, imp) {
			found = append(found, p.ImportPath+" imports "+imp)
		}
	}
	testAllowed := []string{modulePath + "/...", "golang.org/x/sync", "github.com/google/go-cmp"}
	for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
		if !isStandard(imp) && !allows(testAllowed, imp) {
			found = append(found, "a test of "+p.ImportPath+" imports "+imp)
		}
	}
	for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		for _, leaf := range leaves {
			leaf = modulePath + "/" + leaf
			if inTree(imp, leaf) && !inTree(p.ImportPath, leaf) {
				found = append(found, p.ImportPath+" imports "+imp+", which is for nobody to import")
			}
		}
	}
	return found
}

// allows reports whether imp is one of allowed. Paths in the module stand for
// themselves alone unless they end in /...; those of other modules stand for
// everything below them.
func allows(allowed []string, imp string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		if tree, ok := strings.CutSuffix(a, "/..."); ok {
			return inTree(imp, tree)
		}
		if inTree(a, modulePath) {
			return imp == a
		}
		return inTree(imp, a)
	})
}

// inTree reports whether the import path is root or below it.
func inTree(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// isStandard reports whether path is of the standard library, whose paths
// alone have no dot in their first element.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// chainTo returns the imports that lead from one package to another, both
// included, or nil.
func chainTo(pkgs map[string]goPackage, from, to string, seen map[string]bool) []string {
	if from == to {
		return []string{to}
	}
	if seen[from] {
		return nil
	}
	seen[from] = true
	for _, imp := range pkgs[from].Imports {
		if chain := chainTo(pkgs, imp, to, seen); chain != nil {
			return append([]string{from}, chain...)
		}
	}
	return nil
}

// requireViolations compares the requirements of a go.mod, indirect ones
// included, with the two that the module may have.
func requireViolations(required []string) []string {
	want := []string{"github.com/google/go-cmp", "golang.org/x/sync"}
	var found []string
	for _, path := range required {
		if !slices.Contains(want, path) {
			found = append(found, "go.mod requires "+path)
		}
	}
	for _, path := range want {
		if !slices.Contains(required, path) {
			found = append(found, "go.mod does not require "+path)
		}
	}
	return found
}

func TestImports(t *testing.T) {
	pkgs := map[string]goPackage{}
	fields := "-json=ImportPath,Standard,Imports,TestImports,XTestImports"
	dec := json.NewDecoder(bytes.NewReader(goCommand(t, "list", "-buildvcs=false", "-deps", fields, "./...")))
	for {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading what go list printed: %v", err)
		}
		pkgs[p.ImportPath] = p
	}
	if _, ok := pkgs[modulePath]; !ok {
		t.Fatalf("go list ./... does not list %s", modulePath)
	}
	for _, v := range importViolations(pkgs) {
		t.Error(v)
	}
}

func TestRequirements(t *testing.T) {
	var mod struct {
		Require []struct{ Path string }
		Replace []json.RawMessage
	}
	if err := json.Unmarshal(goCommand(t, "mod", "edit", "-json"), &mod); err != nil {
		t.Fatalf("reading go.mod as JSON: %v", err)
	}
	var required []string
	for _, r := range mod.Require {
		required = append(required, r.Path)
	}
	for _, v := range requireViolations(required) {
		t.Error(v)
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod has a replace directive, which does not hold for those who use the module")
	}
}

// goCommand runs the go command in the module's root and returns what it printed.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// TestImportRules breaks each rule once: rules that no package of the module
// breaks could as well be rules that find nothing.
func TestImportRules(t *testing.T) {
	const std, sync, foreign = "strings", "golang.org/x/sync/errgroup", "example.com/foreign"
	pkg := func(dir string, imports ...string) goPackage {
		return goPackage{ImportPath: strings.TrimSuffix(modulePath+"/"+dir, "/"), Imports: imports}
	}
	for _, test := range []struct {
		name string
		pkgs []goPackage
		want []string
	}{
		{"what is allowed", []goPackage{
			pkg("", std, sync),
			pkg("httpsender", std, sync, "net/http", modulePath),
			pkg("campaigntest", "testing", modulePath),
			pkg("examples/replay", modulePath+"/httpsender", modulePath+"/examples/replay/internal/weblog"),
			{ImportPath: modulePath + "/lint", XTestImports: []string{"github.com/google/go-cmp/cmp", modulePath + "/campaigntest"}},
			{ImportPath: "net/http", Standard: true, Imports: []string{"os/exec"}},
		}, nil},
		{"root and another module", []goPackage{pkg("", foreign)}, []string{modulePath + " imports " + foreign}},
		{"root and go-cmp", []goPackage{pkg("", "github.com/google/go-cmp/cmp")}, []string{modulePath + " imports github.com/google/go-cmp/cmp"}},
		{"root and its own sender", []goPackage{pkg("", modulePath+"/httpsender")}, []string{modulePath + " imports " + modulePath + "/httpsender"}},
		{"root reaches directly", []goPackage{pkg("", "testing")}, []string{"the root package reaches " + modulePath + " -> testing"}},
		{"root reaches by way of another", []goPackage{
			pkg("", "expvar"),
			{ImportPath: "expvar", Standard: true, Imports: []string{"log", "net/http"}},
		}, []string{"the root package reaches " + modulePath + " -> expvar -> net/http"}},
		{"a cycle has an end", []goPackage{
			pkg("", "a"),
			{ImportPath: "a", Standard: true, Imports: []string{"b"}},
			{ImportPath: "b", Standard: true, Imports: []string{"a", "database/sql"}},
		}, []string{"the root package reaches " + modulePath + " -> a -> b -> database/sql"}},
		{"sender and the test kit", []goPackage{pkg("httpsender", modulePath+"/campaigntest")}, []string{
			modulePath + "/httpsender imports " + modulePath + "/campaigntest",
		}},
		{"test kit and x/sync", []goPackage{pkg("campaigntest", sync)}, []string{modulePath + "/campaigntest imports " + sync}},
		{"a path that only begins like an allowed one", []goPackage{pkg("", "golang.org/x/synctool")}, []string{modulePath + " imports golang.org/x/synctool"}},
		{"a package without a rule", []goPackage{pkg("helpers", std)}, []string{modulePath + "/helpers has no rule; add one to mayImport"}},
		{"an example imported", []goPackage{
			{ImportPath: modulePath + "/lint", TestImports: []string{modulePath + "/examples/replay"}},
		}, []string{modulePath + "/lint imports " + modulePath + "/examples/replay, which is for nobody to import"}},
		{"an example and another module", []goPackage{pkg("examples/replay", foreign)}, []string{modulePath + "/examples/replay imports " + foreign}},
		{"an example and the benchmarks", []goPackage{pkg("examples/replay", modulePath+"/bench")}, []string{
			modulePath + "/examples/replay imports " + modulePath + "/bench, which is for nobody to import",
		}},
		{"a test and another module", []goPackage{
			{ImportPath: modulePath + "/lint", TestImports: []string{foreign}},
		}, []string{"a test of " + modulePath + "/lint imports " + foreign}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pkgs := map[string]goPackage{}
			for _, p := range test.pkgs {
				pkgs[p.ImportPath] = p
			}
			if diff := cmp.Diff(test.want, importViolations(pkgs)); diff != "" {
				t.Errorf("importViolations(%v) (-want +got):\n%s", test.pkgs, diff)
			}
		})
	}
}

func TestRequireRules(t *testing.T) {
	for _, test := range []struct {
		required, want []string
	}{
		{[]string{"github.com/google/go-cmp", "golang.org/x/sync"}, nil},
		{[]string{"golang.org/x/sync", "github.com/google/go-cmp", "example.com/a"}, []string{"go.mod requires example.com/a"}},
		{[]string{"golang.org/x/sync"}, []string{"go.mod does not require github.com/google/go-cmp"}},
		{nil, []string{"go.mod does not require github.com/google/go-cmp", "go.mod does not require golang.org/x/sync"}},
	} {
		got := requireViolations(test.required)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("requireViolations(%q) (-want +got):\n%s", test.required, diff)
		}
	}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hybridcampaign/campaign/lint"
)

const lintUsage = `Usage: replay lint [flags] [FILE ...]

Lint warns of campaigns that are valid and still wrong: a condition that can never
hold, a secret in plain sight, an email address that is the same for every profile.
It also says everything that keeps a file from being valid.

  replay lint campaigns.json
  replay lint -without same_name,plain_http campaigns/*.json
  replay lint -json campaigns.json

Flags come before files.

Each warning is one line: the file and the line in it, the place as a JSON Pointer,
what to do, and a code in brackets, by which -without leaves it out:

  campaigns.json:4: /campaigns/0/nodes/0/when/all/1: WHAT IS WRONG (never_holds)

The exit status is 0 without warnings, 3 with some, and 1 if a file is not valid
or cannot be read.
`

// codes are all that lint has.
var codes = []lint.Code{
	lint.NeverHolds, lint.AlwaysHolds, lint.Redundant, lint.MatchesEverything, lint.UnlikelyForm,
	lint.UnlikelyField, lint.EmptyRange, lint.SeveralValues, lint.NoAudience, lint.PlainHTTP, lint.PersonalDataInURL,
	lint.SecretInHeader, lint.SecretInURL, lint.SecretInPayload, lint.Placeholder, lint.EmptyHeader,
	lint.NoPayload, lint.StaticShadows, lint.ShortRestart, lint.FailureTimeoutCut, lint.SameCall,
	lint.SameName,
}

// invalid is the code, in JSON, of what keeps a file from being valid.
const invalid lint.Code = "invalid"

// A finding is a warning, or a fault of a file that is not valid.
type finding struct {
	File     string    `json:"file"`
	Line     int       `json:"line,omitempty"`
	Pointer  string    `json:"pointer"`
	Code     lint.Code `json:"code"`
	Message  string    `json:"message"`
	Campaign string    `json:"campaign,omitempty"`
}

// lateFlag returns the first flag that stands behind a file, where package flag
// takes it for one more file, or "". Behind -- everything is a file.
func lateFlag(args, files []string) string {
	if before := len(args) - len(files); before > 0 && args[before-1] == "--" {
		return ""
	}
	i := slices.IndexFunc(files, func(file string) bool { return len(file) > 1 && file[0] == '-' })
	if i < 0 {
		return ""
	}
	return files[i]
}

func runLint(_ context.Context, args []string, std stdio) error {
	var in inputs
	var without string
	flags := newFlags("lint")
	in.campaignFlags(flags)
	flags.StringVar(&without, "without", "", "leave out the warnings with these `codes`, separated by commas")
	if err := parse(flags, lintUsage, args, std.out); err != nil {
		return err
	}
	if late := lateFlag(args, flags.Args()); late != "" {
		return usageError("flags come before files; move %s to the front", quoted(late))
	}
	leftOut, err := parseCodes(without)
	if err != nil {
		return err
	}
	files := flags.Args()
	if in.file != "" || len(files) == 0 {
		files = append([]string{in.file}, files...)
	}
	findings := []finding{} // an empty list in JSON, not null
	var failed []error
	for _, file := range files {
		found, err := lintFile(file, leftOut)
		findings = append(findings, found...)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if !in.json {
			if err := writeText(std.out, findingsText(file, found)); err != nil {
				return err
			}
		}
	}
	if in.json {
		if err := writeJSON(std.out, findings); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	if len(findings) > 0 {
		return errWrong
	}
	return nil
}

func parseCodes(list string) ([]lint.Code, error) {
	if list == "" {
		return nil, nil
	}
	var found []lint.Code
	for word := range strings.SplitSeq(list, ",") {
		code := lint.Code(strings.TrimSpace(word))
		if !slices.Contains(codes, code) {
			return nil, usageError("-without: there is no code %s; there are %s", quoted(word), codeList())
		}
		found = append(found, code)
	}
	return found, nil
}

func codeList() string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}

// lintFile returns what is to be said of a file. With the error that it is not
// valid come its faults.
func lintFile(file string, without []lint.Code) ([]finding, error) {
	f, err := readFile(file)
	if bad, ok := errors.AsType[*invalidFile](err); ok {
		found := make([]finding, len(bad.faults))
		for i, f := range bad.faults {
			found[i] = finding{File: bad.name, Line: bad.lines[i], Pointer: f.Pointer, Code: invalid, Message: f.Message}
		}
		return found, err
	}
	if err != nil {
		return nil, err
	}
	warnings, err := lint.Check(f.campaigns...)
	if err != nil {
		return nil, err
	}
	lineOf := places(f.data)
	var found []finding
	for _, w := range warnings {
		if !slices.Contains(without, w.Code) {
			found = append(found, finding{f.name, lineOf(w.Pointer), w.Pointer, w.Code, w.Message, w.Campaign})
		}
	}
	return found, nil
}

// findingsText shows the warnings of a file for people, and for editors.
func findingsText(file string, found []finding) string {
	if len(found) == 0 {
		return cmp.Or(file, sampleName) + ": no warnings\n"
	}
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s: %s: %s (%s)\n", position(f.File, f.Line), f.Pointer, f.Message, f.Code)
	}
	return b.String()
}

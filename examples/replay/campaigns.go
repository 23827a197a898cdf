package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hybridcampaign/campaign"
)

// sampleName is what the sample is called in messages.
const sampleName = "sample/campaigns.json"

// A campaignFile is a file of campaigns that is valid.
type campaignFile struct {
	name      string
	data      []byte
	campaigns campaign.Campaigns
}

// readFile reads a file of campaigns, or the sample. The error is an
// *invalidFile if there is something wrong with the content.
func readFile(name string) (*campaignFile, error) {
	f := &campaignFile{name: sampleName, data: sampleCampaigns}
	var err error
	if name != "" {
		f.name = name
		if f.data, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	f.campaigns, err = campaign.Parse(f.data)
	if invalid, ok := errors.AsType[*campaign.ValidationError](err); ok {
		return nil, &invalidFile{f.name, faultLines(f.data, invalid.Faults), invalid.Faults}
	}
	return f, err
}

func readCampaigns(name string) (campaign.Campaigns, error) {
	f, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return f.campaigns, nil
}

// An invalidFile is a file of campaigns that is not valid.
type invalidFile struct {
	name   string
	lines  []int // of each of the faults
	faults []campaign.Fault
}

// Error lists all faults, each on a line that begins with the place, as editors
// and CI systems know them from compilers.
func (e *invalidFile) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is not valid, it has %s", e.name, plural(len(e.faults), "fault", "faults"))
	for i, f := range e.faults {
		fmt.Fprintf(&b, "\n%s: %s", position(e.name, e.lines[i]), f)
	}
	return b.String()
}

// faultLines returns the line of each of the faults that Parse has found in a text.
func faultLines(data []byte, faults []campaign.Fault) []int {
	lines, lineOf := make([]int, len(faults)), places(data)
	for i, f := range faults {
		lines[i] = lineOf(f.Pointer)
	}
	// What is wrong with the text itself stands elsewhere than what it is in. If
	// the text could not be read on from there, it is the last fault; what stands
	// behind a whole document is a fault of the document.
	line, whole := textFault(data)
	i := len(faults) - 1
	if whole {
		i = slices.IndexFunc(faults, func(f campaign.Fault) bool { return f.Pointer == "" })
	}
	if line > 0 && i >= 0 {
		lines[i] = line
	}
	return lines
}

// textFault returns the line on which a text stops being a JSON document, and
// whether a whole one stands before it; 0 if all of it is one, or if it ends too
// early: then the line to look at is that of what is not closed.
func textFault(data []byte) (line int, whole bool) {
	for text := range bytes.Lines(data) {
		if line++; !utf8.Valid(text) {
			return line, false
		}
	}
	var document json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&document)
	before := data[:dec.InputOffset()]
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before = data[:max(0, syntax.Offset-1)]
	} else if err != nil {
		return 0, false
	} else if rest := bytes.TrimLeft(data[len(before):], " \t\r\n"); len(rest) > 0 {
		before, whole = data[:len(data)-len(rest)], true
	} else {
		return 0, true
	}
	return 1 + bytes.Count(before, []byte("\n")), whole
}

// position writes a file and a line.
func position(file string, line int) string { return file + ":" + strconv.Itoa(line) }

// places returns what tells the line of a place in a JSON text by its JSON
// Pointer: that of the key, or of the first character of an element. A place
// that is not there, as of a missing key, has the line of what it should be in;
// so has what stands behind the place where the text stops being JSON.
func places(data []byte) func(pointer string) int {
	f := finder{data: data, dec: json.NewDecoder(bytes.NewReader(data)), lines: map[string]int{}, line: 1}
	_ = f.value("") // an error ends it early, with what is noted by then
	return func(pointer string) int {
		for {
			if line, ok := f.lines[pointer]; ok || pointer == "" {
				return max(1, line)
			}
			pointer = pointer[:max(0, strings.LastIndexByte(pointer, '/'))]
		}
	}
}

// A finder goes through a JSON text and notes where everything is.
type finder struct {
	data  []byte
	dec   *json.Decoder
	lines map[string]int

	at, line int // an offset, and its line
}

// token reads a token, and notes its line for a pointer that has none yet.
func (f *finder) token(pointer string) (json.Token, error) {
	tok, err := f.dec.Token()
	if err != nil {
		return nil, err
	}
	end := int(f.dec.InputOffset()) // no token has a line break in it
	f.line += bytes.Count(f.data[f.at:end], []byte("\n"))
	f.at = end
	if _, noted := f.lines[pointer]; !noted {
		f.lines[pointer] = f.line
	}
	return tok, nil
}

func (f *finder) value(pointer string) error {
	tok, err := f.token(pointer)
	if err != nil {
		return err
	}
	for i := 0; (tok == json.Delim('{') || tok == json.Delim('[')) && f.dec.More(); i++ {
		child := pointer + "/" + strconv.Itoa(i)
		if tok == json.Delim('{') {
			child, err = f.key(pointer)
		}
		if err == nil {
			err = f.value(child)
		}
		if err != nil {
			return err
		}
	}
	if tok == json.Delim('{') || tok == json.Delim('[') {
		_, err = f.token(pointer)
	}
	return err
}

// key reads the key of a member and returns the member's pointer.
func (f *finder) key(pointer string) (string, error) {
	tok, err := f.dec.Token()
	if err != nil {
		return "", err
	}
	name, _ := tok.(string) // every key is one
	child := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	line := f.line + bytes.Count(f.data[f.at:f.dec.InputOffset()], []byte("\n"))
	// Of a key that stands twice, the second is the one too many.
	f.lines[child] = line
	return child, nil
}

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// knownAll is the value of -known for all addresses.
const knownAll = "all"

// parseKnown reads the value of -known and returns what tells known addresses.
func parseKnown(value string) (func(address string) bool, error) {
	switch value {
	case knownAll:
		return func(string) bool { return true }, nil
	case "none":
		return func(string) bool { return false }, nil
	case "half":
		return inHalf, nil
	}
	list := knownList{names: map[string]bool{}}
	for entry := range strings.SplitSeq(value, ",") {
		file, isFile := strings.CutPrefix(strings.TrimSpace(entry), "@")
		if !isFile {
			if err := list.add(entry); err != nil {
				return nil, usageError("%w", err)
			}
			continue
		}
		if err := list.addFile(file); err != nil {
			return nil, err
		}
	}
	return list.has, nil
}

// inHalf tells a half of all addresses that is always the same, and that anyone
// can compute again with sha256sum.
func inHalf(address string) bool { return sha256.Sum256([]byte(address))[0] < 0x80 }

// A knownList holds addresses, prefixes and host names.
type knownList struct {
	prefixes []netip.Prefix
	names    map[string]bool // addresses in their normal form, and names in lower case
}

func (l *knownList) has(address string) bool {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return l.names[strings.ToLower(address)]
	}
	addr = addr.Unmap()
	if l.names[addr.String()] {
		return true
	}
	for _, p := range l.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// addFile adds the entries of a file: separated by line breaks or commas, with
// comments from # to the end of the line.
func (l *knownList) addFile(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		for entry := range strings.SplitSeq(line, ",") {
			if err := l.add(entry); err != nil {
				return fmt.Errorf("%s:%d: %w", name, number, err)
			}
		}
	}
	return nil
}

func (l *knownList) add(entry string) error {
	entry = strings.TrimSpace(entry)
	if entry == "" {
		return errors.New("an entry of the list is empty")
	}
	if addr, err := netip.ParseAddr(entry); err == nil {
		l.names[addr.Unmap().String()] = true
		return nil
	}
	if strings.Contains(entry, "/") {
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			return fmt.Errorf("%q is not a prefix such as 192.0.2.0/24", entry)
		}
		l.prefixes = append(l.prefixes, prefix)
		return nil
	}
	if !isHostName(entry) {
		return fmt.Errorf("%q is not an address, a prefix or a host name", entry)
	}
	l.names[strings.ToLower(entry)] = true
	return nil
}

// isHostName refuses what cannot be a name, and numbers with dots, which are an
// address with a slip.
func isHostName(s string) bool {
	letter := false
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			letter = true
		case '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return letter
}

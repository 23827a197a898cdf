package campaign_test

import "fmt"

// colour has a JSON form of its own, other than its kind suggests.
type colour string

func (c colour) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", "#"+string(c)), nil }

// level has a text form of its own.
type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level %d", int(l)), nil }

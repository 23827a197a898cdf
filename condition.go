package campaign

// A Field names one thing that is known of a visit.
type Field string

// Package campaign runs behaviour-triggered webhooks inside a Go process.
package campaign

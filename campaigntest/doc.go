// Package campaigntest helps to test what is built with package campaign.
package campaigntest

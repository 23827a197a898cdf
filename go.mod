module github.com/hybridcampaign/campaign

go 1.26.0

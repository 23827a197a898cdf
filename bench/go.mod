module github.com/hybridcampaign/campaign/bench

go 1.26.0

require (
	github.com/hybridcampaign/campaign v0.0.0
	github.com/jellydator/ttlcache/v3 v3.4.1
	github.com/maypok86/otter/v2 v2.4.0
	github.com/patrickmn/go-cache v2.1.0+incompatible
	github.com/puzpuzpuz/xsync/v4 v4.5.0
)

require golang.org/x/sync v0.16.0 // indirect

replace github.com/hybridcampaign/campaign => ../

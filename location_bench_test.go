package campaign

// Inside the package, since it measures location.parse, which has no other door.

import (
	"net/url"
	"testing"
)

// benchURLs are ordinary addresses of about 60 bytes.
var benchURLs = []string{
	"https://shop.example/shoes/running/air-42?utm_source=news&c=7",
	"https://www.shop.example/women/dresses/summer-2026/item/99812",
	"https://shop.example/search?q=running+shoes&sort=price&page=2",
	"https://blog.shop.example/2026/01/how-to-choose-shoes#sizing-",
}

func BenchmarkLocation(b *testing.B) {
	b.Run("location", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			var l location
			if fault := l.parse(benchURLs[i&3]); fault != "" {
				b.Fatal(fault)
			}
			i++
		}
	})
	b.Run("location+url", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			var l location
			if fault := l.parse(benchURLs[i&3]); fault != "" || l.url() == "" {
				b.Fatal(fault)
			}
			i++
		}
	})
	b.Run("neturl", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := url.Parse(benchURLs[i&3]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

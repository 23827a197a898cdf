package weblog

import "strings"

// assets are the extensions of what a browser fetches by itself to show a page.
var assets = map[string]bool{
	"css": true, "js": true, "mjs": true, "map": true,
	"png": true, "jpg": true, "jpeg": true, "gif": true, "webp": true, "avif": true,
	"svg": true, "ico": true, "cur": true, "bmp": true, "tif": true, "tiff": true,
	"woff": true, "woff2": true, "ttf": true, "otf": true, "eot": true,
	"mp3": true, "ogg": true, "oga": true, "wav": true, "flac": true, "m4a": true,
	"mp4": true, "m4v": true, "webm": true, "ogv": true, "mov": true, "avi": true,
	"swf": true,
}

// IsVisit reports whether the request is somebody's visit of a page: a GET that
// was answered with 2xx, of something that is not an asset.
func (e Entry) IsVisit() bool {
	return e.Method == "GET" && e.Target != "" && e.Status >= 200 && e.Status <= 299 && !isAsset(e.Target)
}

// isAsset reports whether the path of a target ends in an asset's extension.
// The path is not percent-decoded: nobody's style sheet is called a%2Ecss.
func isAsset(target string) bool {
	path, _, _ := strings.Cut(target, "#")
	path, _, _ = strings.Cut(path, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok && !strings.HasPrefix(path, "/") {
		// The absolute form, as proxies are sent it: the path begins after
		// the host, so that http://shop.mov is no film.
		_, path, _ = strings.Cut(rest, "/")
	}
	dot := strings.LastIndexByte(path, '.')
	return dot >= 0 && assets[strings.ToLower(path[dot+1:])]
}

// BrowserURL returns an address as a browser shows it: the bytes that it never
// shows raw (control characters, spaces, all beyond ASCII) are percent-encoded.
// Clients other than browsers do send them, and a byte that is no UTF-8 could
// not be sent on.
func BrowserURL(raw string) string {
	const hex = "0123456789ABCDEF"
	shown := func(c byte) bool { return ' ' < c && c < 0x7f }
	first := strings.IndexFunc(raw, func(r rune) bool { return r >= 0x7f || !shown(byte(r)) })
	if first < 0 {
		return raw
	}
	b := []byte(raw[:first])
	for _, c := range []byte(raw[first:]) {
		if shown(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

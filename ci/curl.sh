#!/usr/bin/env bash
# Shows that the curl command of a preview, run by a real shell, writes byte for byte what the sender writes.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

if ! command -v curl >/dev/null; then
	echo "ci/curl.sh: no curl; installing it with apt-get"
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -q
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends curl
fi

echo "ci/curl.sh: $(curl --disable --version | head -n 1)"
go run -buildvcs=false ./ci/testdata/curl
echo "ci/curl.sh: ok"

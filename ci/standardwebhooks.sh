#!/usr/bin/env bash
# Shows that the public Node.js verifier of Standard Webhooks accepts what the sender signs.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

if ! command -v npm >/dev/null; then
	echo "ci/standardwebhooks.sh: no npm; installing nodejs and npm with apt-get"
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -q
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nodejs npm
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp ci/testdata/standardwebhooks/{package.json,verify.mjs} "$dir"
npm install --prefix "$dir" --no-audit --no-fund --ignore-scripts --loglevel=error
go run -buildvcs=false ./ci/testdata/standardwebhooks node "$dir/verify.mjs"
echo "ci/standardwebhooks.sh: ok"

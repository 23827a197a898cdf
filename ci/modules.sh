#!/usr/bin/env bash
# Prints the directory of every module of this repository that holds Go packages, the root's (.) first.
set -euo pipefail
cd "$(dirname "$0")/.."

find . -name go.mod -not -path '*/testdata/*' | sort | while read -r mod; do
	dir=$(dirname "$mod")
	if [ -n "$(cd "$dir" && GOWORK=off go list -buildvcs=false ./... 2>/dev/null || echo broken)" ]; then
		echo "$dir"
	fi
done

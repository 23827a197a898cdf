#!/usr/bin/env bash
# Runs every fuzz target in turn, a minute each, or as long as the first argument says: ci/fuzz.sh 10m [REGEXP].
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

time=${1:-1m}
only=${2:-.}
failed=0
for pkg in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' | grep -E "$only" || true); do
		echo "ci/fuzz.sh: $target in $pkg for $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$pkg" || failed=1
	done
done
[ "$failed" = 0 ] && echo "ci/fuzz.sh: ok"
exit "$failed"

#!/usr/bin/env bash
# Runs all tests. Go is all it needs; with a C compiler it runs them under the race detector.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

# Building this package is the surest question: it takes a platform that has
# the race detector, cgo, a C compiler, and the headers of the C library.
if go build -race runtime/cgo >/dev/null 2>&1; then
	race=-race
	echo "ci/test.sh: a C compiler was found: testing with the race detector"
else
	race=-race=false
	echo "ci/test.sh: no C compiler that Go can use was found: testing WITHOUT the race detector"
fi

failed=0
for dir in $(ci/modules.sh); do
	echo "ci/test.sh: go test $race ./... in $dir"
	(cd "$dir" && go test "$race" -timeout 8m ./...) || failed=1
done
[ "$failed" = 0 ] && echo "ci/test.sh: ok"
exit "$failed"

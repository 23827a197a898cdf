#!/usr/bin/env bash
# Looks for mistakes in every module: go vet, staticcheck, modernize, deadcode, and a go.mod that is not tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off # a go.work of your own must not change what is checked

staticcheck=$(ci/tool.sh staticcheck)
modernize=$(ci/tool.sh modernize)
deadcode=$(ci/tool.sh deadcode)
failed=0

# check runs a command in a module and remembers that it failed, so that one
# run shows everything there is to fix.
check() {
	local dir=$1
	shift
	if ! (cd "$dir" && "$@"); then
		echo "ci/lint.sh: in $dir: failed: $(basename "$1") ${*:2}" >&2
		failed=1
	fi
}

# deadcode prints what it finds and exits 0 all the same. Tests count as
# callers; what even they do not reach is dead, or not tested.
no_deadcode() {
	local found
	found=$("$deadcode" -test ./...) || return 1
	[ -z "$found" ] || { echo "$found" && return 1; }
}

for dir in $(ci/modules.sh); do
	check "$dir" go vet ./...
	check "$dir" "$staticcheck" ./...
	check "$dir" "$modernize" ./...
	check "$dir" no_deadcode
	check "$dir" go mod tidy -diff
done
check tools go mod tidy -diff

[ "$failed" = 0 ] && echo "ci/lint.sh: ok"
exit "$failed"

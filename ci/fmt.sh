#!/usr/bin/env bash
# Fails with a list of the Go files that gofumpt would change. To change them: "$(ci/tool.sh gofumpt)" -w .
set -euo pipefail
cd "$(dirname "$0")/.."

gofumpt=$(ci/tool.sh gofumpt)
unformatted=$("$gofumpt" -l .)
if [ -n "$unformatted" ]; then
	echo "ci/fmt.sh: not formatted; run \"\$(ci/tool.sh gofumpt)\" -w . to fix:" >&2
	echo "$unformatted" >&2
	exit 1
fi
echo "ci/fmt.sh: ok"

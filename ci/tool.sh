#!/usr/bin/env bash
# Builds one of the programs that tools/go.mod pins and prints where it is: ci/tool.sh NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

# -n prints the path instead of running the program, which then runs in the
# directory, and with the go.mod, of the module it is to look at.
GOWORK=off go -C tools tool -n "$1"

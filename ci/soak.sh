#!/usr/bin/env bash
# Sends 100,000 webhooks, or as many as the first argument says, to a receiver that fails a third of them.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

exec go test -count=1 -timeout 30m -v -run '^TestSoak$' ./httpsender -deliveries "${1:-100000}"

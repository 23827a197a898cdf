#!/usr/bin/env bash
# Long runs, about five minutes in all. Sends 100,000 webhooks, or as many as the first argument says, to a receiver
# that fails a third of them; and enters two hours of new profiles, ten thousand a second, into a MemoryTracker.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

go test -count=1 -timeout 30m -v -run '^TestSoak$' ./httpsender -deliveries "${1:-100000}"
go test -count=1 -timeout 30m -v -run '^TestCooldownSoak$' . -soak-minutes 120 -soak-profiles 10000
echo "ci/soak.sh: ok"

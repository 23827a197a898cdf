#!/usr/bin/env bash
# Runs one of the benchmarks in this directory: bench/run.sh match [flags].
set -euo pipefail
cd "$(dirname "$0")"
export GOWORK=off

if [ $# -eq 0 ] || [ ! -d "./$1" ]; then
	echo "usage: bench/run.sh NAME [flags], where NAME is one of: $(ls -d ./*/ | tr -d './' | xargs)" >&2
	exit 2
fi
name=$1
shift
exec go run "./$name" "$@"

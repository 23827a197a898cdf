#!/bin/sh
# Runs one of the benchmarks: match, cooldown, engine, send. What follows the
# name goes to the benchmark; -h lists its flags.
set -eu
cd "$(dirname "$0")"
what=${1:-}
[ $# -gt 0 ] && shift
case $what in
match | cooldown | engine | send)
	if [ ! -d "$what" ]; then
		echo "run.sh: there is no benchmark $what yet" >&2
		exit 2
	fi
	exec go run "./$what" "$@"
	;;
*)
	echo "usage: run.sh match|cooldown|engine|send [flags]" >&2
	exit 2
	;;
esac

#!/usr/bin/env bash
# Everything that `make bench` measures, one part after the other, as one report: short (the default) or full (the size of the figures).
# Exit code 1 when a part says that something is not as expected; the others run all the same.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scale=${1:-short} failed=0
case $scale in
  short) minutes=1 drains=(--rounds 3 --repeat 1) growth=(--rounds 2) alarms=(--minutes 0.5 --alarms 1000 --hours 0.5) ;;
  full)  minutes=10 drains=(--rounds 6 --repeat 3) growth=(--rounds 6) alarms=(--minutes 5 --alarms 10000 --hours 6) ;;
  *) echo "bench: short or full, not '$scale'" >&2; exit 2 ;;
esac

part() { echo; .venv/bin/python "bench/$1.py" "${@:2}" || { failed=1; echo "NOT AS EXPECTED: bench/$1.py"; }; }

part throughput "${drains[@]}"
part growth "${growth[@]}"
part hotspots --top 25
part sustained --minutes "$minutes"
part storm
part alarm_scale "${alarms[@]}"
exit "$failed"

#!/usr/bin/env bash
# Runs every Nexmark query of the example and prints a table: million events a second with events made beforehand, on one
# worker and on two, with snapshots four times a second (the median of so many runs, the least and the greatest); how many
# snapshots a run on two workers took; of one on two workers that makes its events as it goes the peak memory, how much of that
# its steps say they keep at the end, and its rows: of a table without windows, its changes.
#
#   cargo build --release --example nexmark && bash benches/nexmark.sh [EVENTS] [RUNS] [QUERY…]
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-10000000}
runs=${2:-3}
queries=("${@:3}")
if ((${#queries[@]} == 0)); then queries=(q{0..22}); fi
program=${CARGO_TARGET_DIR:-target}/release/examples/nexmark
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run QUERY WORKERS FLAGS…: its line of JSON.
run() {
    local query=$1 workers=$2 files=()
    shift 2
    if [[ $query == q10 ]]; then files=(--files "$scratch/files"); fi
    rm -rf "$scratch"/*
    "$program" --query "$query" --events "$events" --workers "$workers" --snapshot-every 250 \
        --state "$scratch/state" "${files[@]}" "$@"
}

# field NAME: the number of that name in each line of JSON.
field() { sed -E "s/.*\"$1\":([0-9.]+).*/\1/"; }

in_mib() { awk '{ printf "%.0f MiB", $1 / 1048576 }'; }

# several QUERY WORKERS: a line of JSON for each run, of events made beforehand.
several() {
    for _ in $(seq "$runs"); do run "$1" "$2" --made-beforehand; done
}

# spread: the median of the rates in lines of JSON, the least and the greatest.
spread() {
    field events_per_second | sort -g |
        awk '{ r[NR] = $1 / 1e6 } END { printf "%.2f (%.2f–%.2f)", r[int((NR + 1) / 2)], r[1], r[NR] }'
}

echo "| query | 1 worker | 2 workers | snapshots | peak memory | state at the end | rows |"
echo "|---|---|---|---|---|---|---|"
for query in "${queries[@]}"; do
    going=$(run "$query" 2)
    one=$(several "$query" 1)
    two=$(several "$query" 2)
    snapshots=$(tail -n 1 <<<"$two" | field snapshots)
    mib=$(field peak_rss_bytes <<<"$going" | in_mib)
    state=$(field state_bytes <<<"$going" | in_mib)
    rows=$(field rows <<<"$going")
    echo "| $query | $(spread <<<"$one") | $(spread <<<"$two") | $snapshots | $mib | $state | $rows |"
done

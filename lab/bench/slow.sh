#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What clients that ask for much and take it slowly leave to one that is fast. README.md beside this file has the method.
set -euo pipefail

NAME=${0##*/}
# shellcheck source=lab/bench/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<END
usage: $NAME [-n READERS] [-r ROUNDS] [-t SECONDS]

  -n READERS   of 32 MiB at 90 KB/s each (200)
  -r ROUNDS    of each case, without them and with them in turn (3)
  -t SECONDS   to measure (5)

Needs Python 3. Environment: FILE (made if absent: 1 GiB), SERVER_CPU (1), LOAD_CPU (0), PORT (10811), BENCH_WORK.
END
}

READERS=200 ROUNDS=3 SECONDS_EACH=5
while getopts n:r:t:h option; do
    case $option in
        n) READERS=$OPTARG ;;
        r) ROUNDS=$OPTARG ;;
        t) SECONDS_EACH=$OPTARG ;;
        h)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
done
SERVER_CPU=${SERVER_CPU:-1}
LOAD_CPU=${LOAD_CPU:-$((1 - SERVER_CPU))}
CASES=("read4k_c1q16|-c 1 -q 16 -b 4096" "read256k_c1q8|-c 1 -q 8 -b 262144 -s")

compile nbdload
make_volume
! port_is_open || die "port $PORT is in use; set PORT"
"$ROOT/gateway" --version >/dev/null
taskset -c "$SERVER_CPU" "$ROOT/gateway" serve "$FILE" --nbd-port "$PORT" >"$WORK/slow.log" 2>&1 &
SERVER=$!
SLOW=
trap '[ -z "$SLOW" ] || stop "$SLOW"; stop "$SERVER"' EXIT
for ((i = 0; i < 300; i++)); do
    ! port_is_open || break
    sleep .1
done
port_is_open || die "the server doesn't listen; see $WORK/slow.log"

# Prints requests a second and the slowest answer in ms: load OPTIONS...
load() {
    "$WORK/nbdload" -p "$PORT" -P "$LOAD_CPU" -t "$SECONDS_EACH" -w "${WARM:-2}" "$@" |
        python3 -c 'import json, sys; told = json.load(sys.stdin); print(told["iops"], told["max_us"] / 1e3)'
}

for case in "${CASES[@]}"; do
    read -r -a options <<<"${case#*|}"
    WARM=8 load "${options[@]}" >/dev/null
    for ((round = 1; round <= ROUNDS; round++)); do
        alone=$(load "${options[@]}")
        taskset -c "$LOAD_CPU" python3 "$HERE/slow.py" "$PORT" "$READERS" >"$WORK/slow.out" &
        SLOW=$!
        for ((i = 0; i < 300; i++)); do
            ! grep -q ready "$WORK/slow.out" || break
            sleep .1
        done
        grep -q ready "$WORK/slow.out" || die "the slow readers could not begin"
        beside=$(WARM=10 load "${options[@]}")
        stop "$SLOW"
        SLOW=
        awk -v case="${case%%|*}" -v round="$round" -v a="$alone" -v b="$beside" -v cut="$(tail -n 1 "$WORK/slow.out")" -v n="$READERS" \
            'BEGIN { split(a, x, " "); split(b, y, " ")
                printf "%s round %d: alone %.0f requests/s, slowest %.1f ms; beside %d slow readers %.0f (%.2f x), slowest %.1f ms, %s\n",
                    case, round, x[1], x[2], n, y[1], y[1] / x[1], y[2], cut }'
    done
done

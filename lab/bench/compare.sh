#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares NBD servers: one at a time serves the same file, pinned to one processor, while the load runs on another.
# README.md beside this file has the method.
set -euo pipefail

NAME=${0##*/}
# shellcheck source=lab/bench/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<END
usage: $NAME [-r ROUNDS] [-t SECONDS] [-w SECONDS] [-o REGEX] [-s] [-m] [-j FILE] SERVER...

SERVER, of which the first is what the others are compared with:
  fused              this project's, ./gateway serve
  limit              nbdlimit, a bare C loop that checks nothing
  nbdkit             nbdkit with its file plugin, 16 threads     nbdkit-mem        with its memory plugin
  qemu-nbd           qemu-nbd by io_uring, through the cache     qemu-nbd-direct   past it
  NAME=COMMAND       any other; {file} and {port} are replaced

  -r ROUNDS    rounds; medians of them are printed (3)
  -t SECONDS   to measure in each case (3)
  -w SECONDS   to warm up before (2; \$WARM_OWN, 8, for fused and NAME=COMMAND)
  -o REGEX     only the cases whose names match
  -s           count the servers' system calls for a request, in a run of their own (perf, else strace)
  -m           print a Markdown table
  -j FILE      append every single result to FILE, as JSON lines

Environment: FILE (made if absent: 1 GiB), SERVER_CPU (1), LOAD_CPU (0), PORT (10811), EXPORT (the empty name),
EXTRA_CASES ("name|options of nbdload", one a line), BENCH_WORK (where programs and logs go).
END
}

ROUNDS=3 SECONDS_EACH=3 WARM_UP=2 ONLY=. COUNT_CALLS='' FORMAT=text KEEP=''
while getopts r:t:w:o:smj:h option; do
    case $option in
        r) ROUNDS=$OPTARG ;;
        t) SECONDS_EACH=$OPTARG ;;
        w) WARM_UP=$OPTARG ;;
        o) ONLY=$OPTARG ;;
        s) COUNT_CALLS=yes ;;
        m) FORMAT=markdown ;;
        j) KEEP=$OPTARG ;;
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
shift $((OPTIND - 1))
if [ $# -eq 0 ]; then
    usage >&2
    exit 2
fi

SERVER_CPU=${SERVER_CPU:-1}
LOAD_CPU=${LOAD_CPU:-$((1 - SERVER_CPU))}
WARM_OWN=${WARM_OWN:-8}

CASES=(
    "read4k_c1q1|-c 1 -q 1 -b 4096"
    "read4k_c1q32|-c 1 -q 32 -b 4096"
    "read4k_c8q16|-c 8 -q 16 -b 4096"
    "read4k_c64q4|-c 64 -q 4 -b 4096"
    "mix4k70_c4q16|-c 4 -q 16 -b 4096 -r 70"
    "write4k_c4q16|-c 4 -q 16 -b 4096 -r 0"
    "read256k_c1q8|-c 1 -q 8 -b 262144 -s"
    "read256k_c4q8|-c 4 -q 8 -b 262144 -s"
    "write256k_c2q8|-c 2 -q 8 -b 262144 -s -r 0"
)
if [ -n "${EXTRA_CASES:-}" ]; then
    mapfile -t -O ${#CASES[@]} CASES <<<"$EXTRA_CASES"
fi

# Becomes the server $1.
serve() {
    local pinned=(taskset -c "$SERVER_CPU") command
    case $1 in
        fused) exec "${pinned[@]}" "$ROOT/gateway" serve "$FILE" --nbd-port "$PORT" ;;
        limit) exec "${pinned[@]}" "$WORK/nbdlimit" "$FILE" "$PORT" ;;
        nbdkit) exec "${pinned[@]}" nbdkit -f -t 16 -i 127.0.0.1 -p "$PORT" file "$FILE" ;;
        nbdkit-mem) exec "${pinned[@]}" nbdkit -f -t 16 -i 127.0.0.1 -p "$PORT" memory 1G ;;
        qemu-nbd)
            exec "${pinned[@]}" qemu-nbd -f raw --aio=io_uring --cache=writeback -e 128 -t -b 127.0.0.1 -p "$PORT" "$FILE"
            ;;
        qemu-nbd-direct)
            exec "${pinned[@]}" qemu-nbd -f raw --aio=io_uring --cache=none -e 128 -t -b 127.0.0.1 -p "$PORT" "$FILE"
            ;;
        *=*)
            command=${1#*=}
            command=${command//\{port\}/$PORT}
            exec "${pinned[@]}" bash -c "exec ${command//\{file\}/$FILE}"
            ;;
    esac
}

check() {
    local needed=
    case $1 in
        nbdkit | nbdkit-mem) needed=nbdkit ;;
        qemu-nbd | qemu-nbd-direct) needed=qemu-nbd ;;
        fused) "$ROOT/gateway" --version >/dev/null ;; # builds it, and its AOT cache, before any clock runs
        limit | ?*=?*) ;;
        *)
            say "unknown server '$1'"
            usage >&2
            exit 2
            ;;
    esac
    [ -z "$needed" ] || command -v "$needed" >/dev/null || die "$needed is not installed"
}

# Sets SERVER to the process number of the server $1, which listens; fails when it doesn't.
start() {
    local log=$WORK/${1%%=*}.log i
    if port_is_open; then
        die "port $PORT is in use; set PORT"
    fi
    serve "$1" >"$log" 2>&1 &
    SERVER=$!
    for ((i = 0; i < 300; i++)); do
        if port_is_open; then
            sleep .3
            return
        fi
        kill -0 "$SERVER" 2>/dev/null || break
        sleep .1
    done
    stop "$SERVER"
    SERVER=
    tail -n 5 "$log" >&2
    die "${1%%=*} doesn't listen on port $PORT; what it said is in $log"
}

# Sets CALLS to the system calls for a request of the running server under the load $@.
count_calls() {
    local counted=$WORK/calls total answered tracer
    CALLS=
    if perf stat -e raw_syscalls:sys_enter true 2>/dev/null; then
        answered=$(perf stat -x , -o "$counted" -e raw_syscalls:sys_enter -p "$SERVER" "$WORK/nbdload" "$@" -w 0 -t 1) || return 0
        total=$(awk -F , '/raw_syscalls/ { print $1 }' "$counted")
    elif command -v strace >/dev/null; then
        strace -c -f -o "$counted" -p "$SERVER" 2>/dev/null &
        tracer=$!
        sleep .5
        answered=$("$WORK/nbdload" "$@" -w 0 -t 1) || answered=
        kill -INT $tracer 2>/dev/null || true
        wait $tracer || true
        total=$(awk '$NF == "total" { print $4 }' "$counted")
    else
        die "neither perf nor strace is there to count system calls with"
    fi
    CALLS=$(awk -v total="${total:-0}" -v line="$answered" 'BEGIN {
        if (match(line, /"answered":[0-9]+/)) {
            answered = substr(line, RSTART + 11, RLENGTH - 11)
            if (answered > 0) printf "%.4f", total / answered
        }
    }')
}

# One case on one server: measure ROUND CASE OPTIONS SERVER
measure() {
    local warm_up=$WARM_UP load result resident peak calls=null
    case $4 in
        fused | *=*) warm_up=$WARM_OWN ;;
    esac
    start "$4"
    read -r -a load <<<"$3"
    load+=(-p "$PORT" -P "$LOAD_CPU")
    if [ -n "${EXPORT:-}" ]; then
        load+=(-e "$EXPORT")
    fi
    result=$("$WORK/nbdload" "${load[@]}" -t "$SECONDS_EACH" -w "$warm_up" -k "$SERVER" 2>"$WORK/nbdload.log") ||
        result="{\"failed\":\"$(tail -n 1 "$WORK/nbdload.log" | tr -cd '[:alnum:] .:,_-')\"}"
    resident=$(memory "$SERVER" VmRSS)
    peak=$(memory "$SERVER" VmHWM)
    if [ -n "$COUNT_CALLS" ] && [ "$1" -eq 1 ]; then
        count_calls "${load[@]}"
        calls=${CALLS:-null}
    fi
    stop "$SERVER"
    SERVER=
    printf '{"round":%d,"case":"%s","server":"%s","rss_kib":%s,"peak_kib":%s,"calls":%s,"load":%s}\n' \
        "$1" "$2" "${4%%=*}" "${resident:-null}" "${peak:-null}" "$calls" "$result" >>"$RESULTS"
}

compile nbdload nbdlimit
for server; do
    check "$server"
done
make_volume
RESULTS=$(mktemp)
SERVER=
trap '[ -z "$SERVER" ] || stop "$SERVER"; rm -f "$RESULTS"' EXIT

for ((round = 1; round <= ROUNDS; round++)); do
    for each in "${CASES[@]}"; do
        [[ ${each%%|*} =~ $ONLY ]] || continue
        for server; do # the servers take turns: drift of the machine hits all alike
            measure "$round" "${each%%|*}" "${each#*|}" "$server"
        done
    done
done
[ -s "$RESULTS" ] || die "no case matches '$ONLY'"
[ -z "$KEEP" ] || cat "$RESULTS" >>"$KEEP"
python3 "$HERE/summary.py" "$FORMAT" "$RESULTS"

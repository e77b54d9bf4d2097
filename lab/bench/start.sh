#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures how soon the gateway answers its first NBD request, with and without its AOT cache, and how much memory it
# holds idle and under load. README.md beside this file has the method.
set -euo pipefail

NAME=${0##*/}
# shellcheck source=lab/bench/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<END
usage: $NAME [-n STARTS] [-t SECONDS] [-m] [serve] [service]

Without a name both are measured:
  serve      ./gateway serve, one file and nothing else
  service    ./gateway, the whole service, with a fresh pool and its volume demo

  -n STARTS    starts of each kind; the medians are printed (5)
  -t SECONDS   of load: 64 connections with 16 requests of 4 KiB each in flight, 70 % reads (5)
  -m           print a Markdown table

Environment: FILE (made if absent: 1 GiB), PORT (10811), HTTP_PORT (10812), BENCH_WORK (where programs and logs go).
END
}

STARTS=5 LOAD_SECONDS=5 FORMAT=text HTTP_PORT=${HTTP_PORT:-10812}
while getopts n:t:mh option; do
    case $option in
        n) STARTS=$OPTARG ;;
        t) LOAD_SECONDS=$OPTARG ;;
        m) FORMAT=markdown ;;
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
[ $# -gt 0 ] || set -- serve service

# Sets COMMAND and EXPORT for what is to be started.
choose() {
    case $1 in
        serve)
            EXPORT=
            COMMAND=("$ROOT/gateway" serve "$FILE" --nbd-port "$PORT")
            ;;
        service)
            EXPORT=demo
            POOL=$WORK/pool
            rm -rf "$POOL"
            COMMAND=("$ROOT/gateway" "--gateway.pool.path=$POOL" "--gateway.nbd.port=$PORT" "--server.port=$HTTP_PORT")
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
}

# Sets SERVER and MILLISECONDS: starts COMMAND and waits for its first answer. The server becomes nobody's child, and is
# ended by its number.
first_answer() {
    local answer
    answer=$("$WORK/nbdfirst" -p "$PORT" -e "$EXPORT" "${COMMAND[@]}" 2>"$WORK/start.log") ||
        die "it didn't start: $(tail -n 3 "$WORK/start.log")"
    MILLISECONDS=${answer#*:}
    MILLISECONDS=${MILLISECONDS%%,*}
    SERVER=${answer##*:}
    SERVER=${SERVER%\}}
}

end_server() {
    [ -n "$SERVER" ] || return 0
    kill "$SERVER" 2>/dev/null || true
    while readlink "/proc/$SERVER/exe" >/dev/null; do # which is gone even where nobody reaps the process
        sleep .1
    done
    SERVER=
}

median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row() {
    if [ "$FORMAT" = markdown ]; then
        printf '| %s | %s | %s |\n' "$@"
    else
        printf '%-10s %-52s %12s\n' "$@"
    fi
}

mebibytes() {
    awk -v kib="$1" 'BEGIN { printf "%.0f MiB", kib / 1024 }'
}

resident() {
    printf '%s (%s anonymous)' "$(mebibytes "$(memory "$SERVER" VmRSS)")" "$(mebibytes "$(memory "$SERVER" RssAnon)")"
}

# measure_starts WHAT AOT LABEL
measure_starts() {
    local i times=()
    export GATEWAY_AOT=$2
    for ((i = 0; i < STARTS; i++)); do
        choose "$1"
        first_answer
        times+=("$MILLISECONDS")
        end_server
    done
    row "$1" "$3" "$(median "${times[@]}") ms"
}

measure_memory() {
    export GATEWAY_AOT=on
    choose "$1"
    first_answer
    sleep 5 # whatever a start leaves to do
    row "$1" "resident, idle" "$(resident)"
    "$WORK/nbdload" -p "$PORT" -e "$EXPORT" -c 64 -q 16 -b 4096 -r 70 -w 1 -t "$LOAD_SECONDS" >"$WORK/start-load.json" &
    local load=$!
    sleep "$LOAD_SECONDS"
    row "$1" "resident, 64 connections x 16 requests" "$(resident)"
    wait "$load" || die "the load failed"
    end_server
}

SERVER=
POOL=
trap 'end_server; [ -z "$POOL" ] || rm -rf "$POOL"' EXIT
compile nbdfirst nbdload
make_volume
if port_is_open; then
    die "port $PORT is in use; set PORT"
fi
if [ "$FORMAT" = markdown ]; then
    printf '| | | |\n|---|---|--:|\n'
fi
for what; do
    choose "$what"
    first_answer # builds what is missing, makes the AOT cache, and fills the page cache
    end_server
    measure_starts "$what" on "first answer, with the AOT cache"
    measure_starts "$what" off "first answer, without"
    measure_memory "$what"
done

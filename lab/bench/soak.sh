#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the gateway among hostile clients, slow readers, pauses, kills, orderly stops and a full disk, while clients that behave
# write and verify: these must see no error and no wrong byte, and memory must stay flat. README.md beside this file has the method.
set -euo pipefail

NAME=${0##*/}
# shellcheck source=lab/bench/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<END
usage: $NAME [-t SECONDS] [-s SEED] [-c CLIENTS] [-M MIB]

  -t SECONDS   how long (180)
  -s SEED      of the order of things (the time of day; it is printed)
  -c CLIENTS   that behave, 1 to 64, each with a region of 16 MiB of its own (6)
  -M MIB       that the gateway may be resident with (640)

Needs Python 3. As root a volume lies on a small tmpfs of its own, which fills up. Exit status 1 when a client that behaves saw an error.
Environment: PORT (10811), HTTP_PORT (10812), BENCH_WORK (where the pool and the log go).
END
}

SECONDS_LONG=180 SEED=$(date +%s) CLIENTS=6 MEMORY=640 HTTP_PORT=${HTTP_PORT:-10812}
while getopts t:s:c:M:h option; do
    case $option in
        t) SECONDS_LONG=$OPTARG ;;
        s) SEED=$OPTARG ;;
        c) CLIENTS=$OPTARG ;;
        M) MEMORY=$OPTARG ;;
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

mkdir -p "$WORK"
SOAK=$(mktemp -d "$WORK/soak.XXXXXX")
LOG=$WORK/soak.log
: >"$LOG"

finish() {
    if mountpoint -q "$SOAK/pool/full" 2>/dev/null; then
        umount -l "$SOAK/pool/full"
    fi
    rm -rf "$SOAK"
}
trap finish EXIT

"$ROOT/gateway" build >"$WORK/build.log" 2>&1 || die "building failed, see $WORK/build.log"

FULL=()
if [ "$(id -u)" -eq 0 ] && mkdir "$SOAK/probe" && mount -t tmpfs -o size=1m tmpfs "$SOAK/probe" 2>/dev/null; then
    umount "$SOAK/probe"
    cat >"$SOAK/fill" <<END
#!/bin/sh -e
mv "$SOAK/pool/full" "$SOAK/kept"
mkdir "$SOAK/pool/full"
mount -t tmpfs -o size=24m,mode=700 tmpfs "$SOAK/pool/full"
cp -a --sparse=always "$SOAK/kept/." "$SOAK/pool/full/"
END
    chmod +x "$SOAK/fill"
    FULL=(--full-disk "$SOAK/fill")
else
    say "no full disk: that needs root and tmpfs"
fi

say "$SECONDS_LONG s with seed $SEED, log $LOG"
GATEWAY_BUILD=off /usr/bin/env python3 "$HERE/soak.py" --seconds "$SECONDS_LONG" --seed "$SEED" --clients "$CLIENTS" --memory "$MEMORY" \
    --nbd-port "$PORT" --http-port "$HTTP_PORT" --folder "$SOAK" --log "$LOG" "${FULL[@]}" -- \
    "$ROOT/gateway" "--server.port=$HTTP_PORT" "--gateway.nbd.port=$PORT" "--gateway.pool.path=$SOAK/pool" --gateway.demo.enabled=false

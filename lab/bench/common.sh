# SPDX-License-Identifier: Apache-2.0
# What compare.sh and start.sh share; read by them, never run. They set NAME, the name that messages begin with.
# shellcheck shell=bash disable=SC2034

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
WORK=${BENCH_WORK:-${TMPDIR:-/tmp}/fused-bench-$UID}
FILE=${FILE:-$WORK/vol.img}
PORT=${PORT:-10811}
readonly HERE ROOT WORK FILE PORT

say() {
    printf '%s: %s\n' "$NAME" "$*" >&2
}

die() {
    say "$@"
    exit 1
}

# Compiles programs of this directory that are missing or out of date.
compile() {
    local program
    mkdir -p "$WORK"
    for program; do
        if [ ! "$WORK/$program" -nt "$HERE/$program.c" ] || [ ! "$WORK/$program" -nt "$HERE/nbd.h" ]; then
            "${CC:-cc}" -O2 -std=gnu17 -Wall -Wextra -pthread -o "$WORK/$program" "$HERE/$program.c" ||
                die "a C compiler is needed (on Debian: apt install gcc libc6-dev)"
        fi
    done
}

# The volume: 1 GiB of random bytes, so that nothing on the way can find zeroes or holes to save work by.
make_volume() {
    if [ ! -e "$FILE" ]; then
        say "making $FILE, 1 GiB of random bytes"
        mkdir -p "$(dirname "$FILE")"
        head -c 1073741824 /dev/urandom >"$FILE.part"
        mv "$FILE.part" "$FILE"
    fi
    [ ! -f "$FILE" ] || cat "$FILE" >/dev/null # into the page cache, as far as it fits
}

# A field of /proc/PID/status in KiB: memory PID VmRSS
memory() {
    awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status" 2>/dev/null || true
}

port_is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}

# Stops the server with process number $1 and waits for it.
stop() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares ways to serve a block device on a real kernel, in an emulated machine: pages lent, pages copied, and the
# kernel's own nbd driver. README.md beside this file has the method.
set -euo pipefail

NAME=${0##*/}
# shellcheck source=lab/bench/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<END
usage: $NAME [-r ROUNDS] [-t SECONDS] [-w SECONDS] [-T SECONDS] [-o REGEX] [-m] KERNEL...

KERNEL: 6.12, 6.18, 7, ... (a line of lab/guest/guest.sh)

  -r ROUNDS    rounds; medians of them are printed (3), after one that is thrown away
  -t SECONDS   to measure in each case (4)
  -w SECONDS   to warm up before (2)
  -T SECONDS   to load each device with each of four sizes and directions before the first round (10)
  -o REGEX     only the cases whose names match, such as '512k'
  -m           print Markdown tables

Environment: BENCH_WORK (where results go), GUEST_CACHE and others of guest.sh.
Needs fio, nbdkit, nbd-client, libnbd-bin and what guest.sh needs.
END
}

ROUNDS=3 MEASURE=4 WARM_UP=2 TRAIN=10 ONLY=. FORMAT=text
while getopts r:t:w:T:o:mh option; do
    case $option in
        r) ROUNDS=$OPTARG ;;
        t) MEASURE=$OPTARG ;;
        w) WARM_UP=$OPTARG ;;
        T) TRAIN=$OPTARG ;;
        o) ONLY=$OPTARG ;;
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
if [ $# -eq 0 ]; then
    usage >&2
    exit 2
fi
for tool in fio nbdkit nbd-client nbdinfo; do
    command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || die "$tool is not installed"
done

# Copying with the processor's own string instruction costs an emulator many times what it costs a processor, and what
# is compared here is copying. Without it the kernel copies by eight bytes at a time.
export GUEST_CPU=${GUEST_CPU:-max,-erms,-fsrm}
export GUEST_TIMEOUT=${GUEST_TIMEOUT:-3600}

"$ROOT/gateway" build
status=0
for kernel; do
    results=$WORK/ublk-$kernel
    mkdir -p "$results"
    truncate -s 512M "$results/disk"
    {
        printf '%s=%q\n' ROOT "$ROOT" ROUNDS "$ROUNDS" MEASURE "$MEASURE" WARM_UP "$WARM_UP" TRAIN "$TRAIN" ONLY "$ONLY"
        cat "$HERE/ublk-guest.sh"
    } >"$results/script"
    say "Linux $kernel; what it says goes to $results/log"
    if GUEST_DISKS=$results/disk "$ROOT/lab/guest/guest.sh" run "$kernel" "$results" "$results/script" >"$results/log" 2>&1; then
        python3 "$HERE/ublk.py" "$FORMAT" "$kernel" "$results"
    else
        tail -n 20 "$results/log" >&2
        say "Linux $kernel: failed"
        status=1
    fi
    rm -f "$results/disk"
done
exit "$status"

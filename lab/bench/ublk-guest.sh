# SPDX-License-Identifier: Apache-2.0
# The part of ublk.sh that runs in the emulated machine, as root. Before it: ROOT, ROUNDS, MEASURE, WARM_UP, TRAIN, ONLY.
# shellcheck shell=bash disable=SC2154
set -euo pipefail
cd /tmp
export GATEWAY_BUILD=off

readonly TRACE=/sys/kernel/tracing/events/raw_syscalls/sys_enter
readonly PORT=10809 SIZE=128M
readonly CASES=(
    "read 4k|randread" "write 4k|randwrite" "read 64k|randread" "write 64k|randwrite" "read 512k|read" "write 512k|write"
)
declare -A DEVICE PROCESS
CONTESTANTS=()

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

await() {
    local left=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.2
    done
}

# Dirty pages stay where they are: the disk's own cost belongs to none of those compared.
keep_dirty() {
    echo 95 >/proc/sys/vm/dirty_ratio
    echo 90 >/proc/sys/vm/dirty_background_ratio
    echo 360000 >/proc/sys/vm/dirty_expire_centisecs
    echo 360000 >/proc/sys/vm/dirty_writeback_centisecs
}

serve_export() {
    truncate -s "$SIZE" /tmp/export
    nbdkit -f -t 8 -i 127.0.0.1 -p "$PORT" file /tmp/export 2>/tmp/nbdkit.log &
    SERVER=$!
    await 60 nbdinfo --size "nbd://127.0.0.1:$PORT/"
}

# attach NAME SOURCE MECHANISM: a contestant, unless the kernel has nothing to lend and this one is to borrow.
attach() {
    local name=$1 device
    "$ROOT/gateway" attach "$2" --mechanism "$3" --queues 2 --depth 64 >"/tmp/$name.device" 2>"/tmp/$name.log" &
    PROCESS[$name]=$!
    await 180 sh -c "test -s '/tmp/$name.device' || ! kill -0 ${PROCESS[$name]}"
    device=$(cat "/tmp/$name.device")
    [ -b "$device" ] || { cat "/tmp/$name.log"; fail "$name: no device"; }
    grep -h attached "/tmp/$name.log"
    if [ "$3" = auto ] && grep -q user-copy "/tmp/$name.log"; then
        kill "${PROCESS[$name]}"
        wait "${PROCESS[$name]}" || fail "$name: told to stop, it failed"
        return
    fi
    DEVICE[$name]=$device
    CONTESTANTS+=("$name")
}

attach_kernel_nbd() {
    nbd-client -nonetlink -N kernel 127.0.0.1 "$PORT" /dev/nbd0 -C 2 -b 4096 -nofork >/tmp/nbd-client.log 2>&1 &
    await 60 sh -c '[ "$(cat /sys/block/nbd0/size)" -gt 0 ]'
    DEVICE[remote-nbd]=/dev/nbd0
    PROCESS[remote-nbd]=
    CONTESTANTS+=(remote-nbd)
}

# Requests reach the driver as fio makes them.
keep_requests() {
    local name queue
    for name in "${CONTESTANTS[@]}"; do
        queue=/sys/block/${DEVICE[$name]#/dev/}/queue
        echo none >"$queue/scheduler"
        echo 2 >"$queue/nomerges"
        [ "$(cat "$queue/max_sectors_kb")" -ge 512 ] || echo 512 >"$queue/max_sectors_kb"
    done
}

# load DEVICE SIZE OPERATION SECONDS
load() {
    fio --name=load --filename="$1" --direct=1 --ioengine=libaio --iodepth=32 --bs="$2" --rw="$3" --size="$SIZE" --time_based \
        --runtime="$4" --norandommap --randrepeat=0 --gtod_reduce=1 --minimal >/tmp/fio.log 2>&1
}

# Sets REQUESTS and SECTORS of device $1, as its block layer counts what has ended.
count_requests() {
    local -a stat
    read -r -a stat <"/sys/block/${1#/dev/}/stat"
    REQUESTS=$((stat[0] + stat[4]))
    SECTORS=$((stat[2] + stat[6]))
}

# Sets TICKS of process $1, the threads that have ended included; 0 for none.
count_ticks() {
    local -a stat
    TICKS=0
    [ -n "$1" ] || return 0
    read -r -a stat <"/proc/$1/stat"
    TICKS=$((stat[13] + stat[14]))
}

# Sets SNAPSHOT for device $1 and process $2: time in µs, idle ticks of all processors, ticks of the process, ticks of the
# NBD server, requests, sectors.
look() {
    local own idle
    local -a stat
    count_ticks "$2"
    own=$TICKS
    count_ticks "$SERVER"
    count_requests "$1"
    read -r -a stat </proc/stat
    idle=$((stat[4] + stat[5]))
    SNAPSHOT=("${EPOCHREALTIME/./}" "$idle" "$own" "$TICKS" "$REQUESTS" "$SECTORS")
}

# begin DEVICE CASE OPERATION SECONDS: puts the device under load and waits until it is; sets FIO.
begin() {
    local begun
    load "$1" "${2#* }" "$3" "$4" &
    FIO=$!
    count_requests "$1"
    begun=$REQUESTS
    until [ "$REQUESTS" -gt "$begun" ]; do # fio itself takes its time to start
        kill -0 "$FIO" 2>/dev/null || { cat /tmp/fio.log; fail "$1: fio ended before it began"; }
        sleep 0.2
        count_requests "$1"
    done
}

end() {
    wait "$FIO" || { cat /tmp/fio.log; fail "$1: fio failed"; }
}

# measure ROUND CASE OPERATION NAME
measure() {
    local device=${DEVICE[$4]} process=${PROCESS[$4]}
    local -a before after
    begin "$device" "$2" "$3" $((WARM_UP + MEASURE + 1))
    sleep "$WARM_UP"
    look "$device" "$process"
    before=("${SNAPSHOT[@]}")
    sleep "$MEASURE"
    look "$device" "$process"
    after=("${SNAPSHOT[@]}")
    end "$4"
    echo "$1;$2;$4;$(nproc);${before[*]};${after[*]}" >>/mnt/measured
}

# count CASE OPERATION NAME: system calls of its process in a second, and requests
count() {
    local device=${DEVICE[$3]} process=${PROCESS[$3]} before earlier
    [ -n "$process" ] || return 0
    begin "$device" "$1" "$2" 3
    count_requests "$device"
    before=$REQUESTS
    calls_of "$process"
    earlier=$CALLS
    sleep 1
    count_requests "$device"
    calls_of "$process"
    end "$3"
    echo "$1;$3;$((CALLS - earlier));$((REQUESTS - before))" >>/mnt/counted
}

# Sets CALLS to what the trace has counted for the threads of process $1.
calls_of() {
    CALLS=$(awk -v threads="$(echo "/proc/$1/task/"*)" '
        BEGIN { n = split(threads, path, " "); for (i = 1; i <= n; i++) { sub(".*/", "", path[i]); mine[path[i]] = 1 } }
        /common_pid:/ { if ($3 in mine) sum += $6 }
        END { print sum + 0 }' "$TRACE/hist")
}

# Compilers are done with what they have to compile before anything is measured.
train() {
    local name size operation
    for name in "${CONTESTANTS[@]}"; do
        load "${DEVICE[$name]}" 512k write 3 || fail "$name: fio failed"
        for operation in randread randwrite; do
            for size in 512k 4k; do
                load "${DEVICE[$name]}" "$size" "$operation" "$TRAIN" || { cat /tmp/fio.log; fail "$name: fio failed"; }
            done
        done
        echo "ready: $name"
    done
}

[ -d "$TRACE" ] || mount -t tracefs tracefs /sys/kernel/tracing
rm -f /mnt/measured /mnt/counted # of a boot that ended early
keep_dirty
mkfs.ext4 -q -F /dev/vda
mkdir /tmp/files
mount /dev/vda /tmp/files
truncate -s "$SIZE" /tmp/files/lent /tmp/files/copied
serve_export
attach file-copied /tmp/files/copied user-copy
attach file-lent /tmp/files/lent auto
attach remote-copied "nbd://127.0.0.1:$PORT/copied" user-copy
if [ -n "${DEVICE[file-lent]-}" ]; then
    attach remote-lent "nbd://127.0.0.1:$PORT/lent" auto-registration
    attach remote-mixed "nbd://127.0.0.1:$PORT/mixed" auto
fi
attach_kernel_nbd
keep_requests
train
# each FUNCTION ARGUMENT...: for each case, and the contestants take turns in it: drift of the machine hits all alike.
each() {
    local case name
    for case in "${CASES[@]}"; do
        [[ ${case%|*} =~ $ONLY ]] || continue
        for name in "${CONTESTANTS[@]}"; do
            "$@" "${case%|*}" "${case#*|}" "$name"
        done
    done
}

for ((round = 0; round <= ROUNDS; round++)); do # the first, 0, is warm-up as well
    each measure "$round"
    echo "round $round of $ROUNDS: done"
done
# After all that is measured, and switched on once, while nothing runs: the kernel patches its code for it.
sleep 1
echo 'hist:keys=common_pid:size=4096' >"$TRACE/trigger"
each count
! dmesg | grep -E 'BUG:|WARNING:|blocked for more than|Oops:' || fail "the kernel complained"

# A volume as a ublk device. $1: what to try, parts with + between; the rest: options, such as mechanism=user_copy.
PARTS=$1
shift
TRIAL=("${RUN[@]}" dev.fusedio.ublk.UblkTrial)
mkfifo /tmp/told

# serve COMMAND...: starts a server; $DEV is its device, $SERVER its process.
serve() {
    : >/tmp/said
    exec 8>&- 8<>/tmp/told
    "${TRIAL[@]}" "$@" </tmp/told >/tmp/said 2>&1 8>&- &
    SERVER=$!
    await 180 grep -qE '^(ready|error)' /tmp/said
    DEV=$(sed -n 's/^ready \([^ ]*\) .*/\1/p' /tmp/said)
    [ -n "$DEV" ] || fail "the device was not made: $(cat /tmp/said)"
}

# tell WORDS...: what the server answers is in $ANSWER.
tell() {
    local before
    before=$(wc -l </tmp/said)
    echo "$*" >&8
    await 120 eval "[ \$(wc -l </tmp/said) -gt $before ]"
    ANSWER=$(tail -n +$((before + 1)) /tmp/said)
}

# field NAME: of the snapshot in $ANSWER.
field() {
    sed -n "s/.*[[, ]$1=\([^],]*\).*/\1/p" <<<"$ANSWER"
}

end() {
    tell close
    [ "$ANSWER" = "close done" ] || fail "close: $ANSWER"
    wait "$SERVER" || fail "the server ended with status $?"
    [ ! -e "$DEV" ] || fail "$DEV is still there"
}

verified() {
    fio --filename="$DEV" --ioengine=libaio --verify=crc32c --verify_fatal=1 --group_reporting --minimal "$@" >/tmp/fio.log 2>&1
}

same() {
    cmp -n "$3" -i "$2:$2" "$DEV" /tmp/disk || fail "$1: device and backing file differ"
}

volume() {
    truncate -s 256M /tmp/disk
    serve attach /tmp/disk queues=2 depth=32 max=1048576 "$@"
    cat /tmp/said
    mkfs.ext4 -q "$DEV"
    mkdir -p /tmp/mnt
    mount "$DEV" /tmp/mnt
    tell inuse
    [ "$ANSWER" = "inuse true" ] || fail "mounted, yet: $ANSWER"
    tell closeunused
    case $ANSWER in error*) ;; *) fail "a mounted device was closed: $ANSWER" ;; esac
    make_tree /tmp/tree
    cp -r /tmp/tree /tmp/mnt/
    umount /tmp/mnt
    e2fsck -fn "$DEV" >/tmp/fsck.log 2>&1 || fail "e2fsck: $(cat /tmp/fsck.log)"
    echo 3 >/proc/sys/vm/drop_caches
    mount "$DEV" /tmp/mnt
    check_tree /tmp/mnt/tree
    umount /tmp/mnt
    echo "file system: sound"

    verified --name=direct --direct=1 --rw=randrw --bsrange=4k-1m --blockalign=4k --iodepth=16 --numjobs=2 --size=24m \
        --offset_increment=100m --randrepeat=0 || fail "fio, direct: $(tail -5 /tmp/fio.log)"
    verified --name=cached --rw=randwrite --bs=4k --iodepth=8 --size=16m --fsync=32 || fail "fio, cached: $(tail -5 /tmp/fio.log)"
    echo "fio: verified"

    dd if=/dev/urandom of="$DEV" bs=1M count=8 oflag=direct status=none
    same write 0 8388608
    local before after
    before=$(du -k /tmp/disk | cut -f1)
    blkdiscard -o 0 -l 4M "$DEV"
    after=$(du -k /tmp/disk | cut -f1)
    [ $((before - after)) -ge 4000 ] || fail "discard freed $((before - after)) KiB of 4096"
    blkdiscard -z -o 4M -l 1M "$DEV" # NOUNMAP
    [ $((after - $(du -k /tmp/disk | cut -f1))) -lt 500 ] || fail "zeroes that must not unmap did"
    fallocate -p -o 5M -l 1M "$DEV"
    cmp -n 6291456 /tmp/disk /dev/zero || fail "discard and zeroes are not in the backing file"
    head -c 1048576 /dev/urandom >/tmp/piece
    dd if=/tmp/piece of="$DEV" bs=64k oflag=direct,sync seek=16 status=none # FUA or a flush behind it
    cmp -n 1048576 -i 0:1048576 /tmp/piece /tmp/disk || fail "a synchronous write is not in the backing file"
    echo "discard, zeroes, sync: seen at the backing file"

    tell snapshot
    echo "$ANSWER"
    [ "$(field errors)" = 0 ] || fail "requests failed"
    [ "$(field inFlight)" = 0 ] || fail "requests are left"
    if [ "$(field mechanism)" = USER_COPY ]; then
        [ "$(field bytesBorrowed)" = 0 ] || fail "user copy borrows"
    else
        [ "$(field bytesCopied)" = 0 ] || fail "lent pages were copied"
    fi

    tell grow 301989888
    case $ANSWER in
    "resized 301989888") [ "$(blockdev --getsize64 "$DEV")" = 301989888 ] || fail "the device did not grow" ;;
    *UBLK_F_UPDATE_SIZE*) [ "$KERNEL" = 6.12 ] || fail "$ANSWER" ;;
    *) fail "grow: $ANSWER" ;;
    esac
    echo "grow: $ANSWER"
    end
}

# Requests cost no memory of the heap. Without the optimising compiler, which would take an emulated machine too long, each
# downcall makes a slice of 40 to 48 bytes for errno; so much is allowed for each io_uring_enter, and not a byte for a request.
allocation() {
    truncate -s 64M /tmp/disk
    serve attach /tmp/disk queues=1 depth=32
    small() { fio --name=a --filename="$DEV" --ioengine=libaio --direct=1 --rw=randrw --bs=4k --iodepth=16 --size=60m --number_ios="$1" \
        --minimal >/tmp/fio.log 2>&1 || fail "fio: $(cat /tmp/fio.log)"; }
    small 1000
    local before enters bytes calls
    tell allocated
    tell allocated
    read -r _ before enters <<<"$ANSWER"
    small 6000
    tell allocated
    read -r _ bytes calls <<<"$ANSWER"
    bytes=$((bytes - before)) calls=$((calls - enters))
    tell snapshot
    [ "$(field requests)" -ge 7000 ] || fail "too few requests: $ANSWER"
    echo "allocation: $bytes bytes in $calls system calls for 6000 requests"
    [ $((bytes - 48 * calls)) -lt 4800 ] || fail "$bytes bytes were allocated in $calls system calls for 6000 requests"
    end
}

load() {
    until [ -e /tmp/enough ]; do
        verified --name=load --direct=1 --rw=randrw --bsrange=4k-256k --blockalign=4k --iodepth=16 --numjobs=2 --size=24m \
            --offset_increment=60m --randrepeat=0 --verify_backlog=64 || return 1
    done
}

recovery() {
    local kills=$1 i fio begun=$SECONDS
    shift
    truncate -s 128M /tmp/disk
    serve attach /tmp/disk queues=2 depth=32 "$@"
    rm -f /tmp/enough
    load & # a round writes, reads and verifies; emulated, a restart takes long, so rounds go on until told
    fio=$!
    for i in $(seq "$kills"); do
        sleep 2
        kill -KILL "$SERVER"
        wait "$SERVER" 2>/dev/null || true
        if [ "$i" = 1 ]; then
            "${TRIAL[@]}" list >/tmp/list
            grep -q 'serverAlive=false, ours=true' /tmp/list || fail "the orphan is not listed: $(cat /tmp/list)"
        fi
        serve recover "${DEV#/dev/ublkb}" /tmp/disk
        kill -0 "$fio" 2>/dev/null || fail "fio ended after kill $i: $(tail -5 /tmp/fio.log)"
        echo "kill $i at $((SECONDS - begun)) s"
    done
    sleep 2
    touch /tmp/enough
    wait "$fio" || fail "fio through $kills kills: $(tail -5 /tmp/fio.log)"
    tell snapshot
    [ "$(field errors)" = 0 ] && [ "$(field recovered)" = true ] || fail "$ANSWER"
    echo "killed $kills times: nothing lost"

    "${TRIAL[@]}" recover "${DEV#/dev/ublkb}" /tmp/disk >/tmp/second </dev/null && fail "a served device was taken over"
    grep -q "is served by process\|is in use" /tmp/second || fail "$(cat /tmp/second)"

    rm -f /tmp/enough
    load &
    fio=$!
    sleep 2
    tell detach
    case $ANSWER in
    "detach done") wait "$SERVER" || fail "the detached server ended with status $?" ;;
    *UBLK_F_QUIESCE*)
        [ "$KERNEL" = 6.12 ] || fail "$ANSWER"
        kill -KILL "$SERVER"
        ;;
    *) fail "detach: $ANSWER" ;;
    esac
    serve recover "${DEV#/dev/ublkb}" /tmp/disk
    sleep 2
    touch /tmp/enough
    wait "$fio" || fail "fio over the upgrade: $(tail -5 /tmp/fio.log)"
    echo "upgraded: nothing lost"

    kill -KILL "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    "${TRIAL[@]}" remove "${DEV#/dev/ublkb}"
    [ ! -e "$DEV" ] || fail "the orphan was not removed"
    [ -z "$("${TRIAL[@]}" list)" ] || fail "it is still listed"
    echo "orphan: removed"
}

edges() {
    truncate -s 64M /tmp/disk
    "${TRIAL[@]}" recover 7 /tmp/disk >/tmp/second </dev/null && fail "a device that isn't there was recovered"
    grep -q "There is no such device" /tmp/second || fail "$(cat /tmp/second)"
    serve attach memory:67108864 queues=3 depth=7
    verified --name=memory --direct=1 --rw=randrw --bsrange=4k-512k --blockalign=4k --iodepth=64 --size=32m --randrepeat=0 ||
        fail "fio on memory: $(tail -5 /tmp/fio.log)"
    tell snapshot
    [ "$(field mechanism)" = USER_COPY ] && [ "$(field bytesBorrowed)" = 0 ] || fail "$ANSWER"
    "${TRIAL[@]}" attach /tmp/disk id="${DEV#/dev/ublkb}" >/tmp/second </dev/null && fail "a number was given twice"
    grep -q "A device of that number exists" /tmp/second || fail "$(cat /tmp/second)"
    tell closeunused
    [ "$ANSWER" = "closeunused done" ] || fail "$ANSWER"
    wait "$SERVER"
    serve attach /tmp/disk readonly=true
    dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct status=none 2>/dev/null && fail "a read-only device was written"
    cmp "$DEV" /tmp/disk || fail "a read-only device reads otherwise"
    end
    truncate -s 64M /tmp/disk
    serve attach direct:/tmp/disk copybelow=16384
    verified --name=mixed --direct=1 --rw=randrw --bsrange=4k-64k --blockalign=4k --iodepth=16 --size=32m --randrepeat=0 ||
        fail "fio on direct I/O: $(tail -5 /tmp/fio.log)"
    tell snapshot
    echo "$ANSWER"
    [ "$(field bytesCopied)" -gt 0 ] || fail "nothing was copied"
    [ "$(field mechanism)" = USER_COPY ] || [ "$(field bytesBorrowed)" -gt 0 ] || fail "nothing was borrowed"
    end
    if "${TRIAL[@]}" attach /tmp/disk mechanism=registration </dev/null >/tmp/second; then
        [ "$KERNEL" != 6.12 ] || fail "registration on Linux 6.12"
    else
        grep -q "lacks UBLK_F_SUPPORT_ZERO_COPY" /tmp/second || fail "$(cat /tmp/second)"
    fi
    setpriv --reuid=65534 --clear-groups "${TRIAL[@]}" list >/tmp/second 2>&1 && fail "nobody may not open the control device"
    grep -q "CAP_SYS_ADMIN" /tmp/second || fail "$(cat /tmp/second)"
    echo "edges: held"
}

for part in ${PARTS//+/ }; do "$part" "$@"; done

# attach_file.sh MECHANISM: a file as a block device by the command line, from the first mkfs to a killed server's device taken over.
MECHANISM=$1
truncate -s 256M /tmp/disk

attach() {
    : >/tmp/device
    "${GATEWAY[@]}" attach /tmp/disk --queues 2 --depth 32 --mechanism "$MECHANISM" >/tmp/device 2>>/tmp/attach.log &
    SERVER=$!
    await 60 sh -c "test -s /tmp/device || ! kill -0 $SERVER"
    DEVICE=$(cat /tmp/device)
    [ -b "$DEVICE" ] || { cat /tmp/attach.log; fail "no device"; }
}

verify() {
    fio --name=verify --filename="$DEVICE" --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-256k --offset=128M \
        --size=64M --verify=crc32c --verify_fatal=1 --verify_backlog=64 --randrepeat=0 "$@" >/tmp/fio.log 2>&1
}

attach
tail -n 1 /tmp/attach.log
mkfs.ext4 -q "$DEVICE" 100M
mkdir -p /tmp/mnt
mount "$DEVICE" /tmp/mnt
make_tree /tmp/tree
cp -r /tmp/tree /tmp/mnt/
umount /tmp/mnt
e2fsck -fn "$DEVICE" >/tmp/fsck.log 2>&1 || { cat /tmp/fsck.log; fail "e2fsck found damage"; }
echo 3 >/proc/sys/vm/drop_caches
mount "$DEVICE" /tmp/mnt
check_tree /tmp/mnt/tree
umount /tmp/mnt
echo "file system: sound"

# The device's data goes through the process with user copy and around it otherwise.
head -c 64 /dev/urandom >/tmp/needle
python3 -c 'import sys; sys.stdout.buffer.write(open("/tmp/needle", "rb").read() * 4096)' >/tmp/needles
for at in 200 201 202 203; do dd if=/tmp/needles of="$DEVICE" bs=256k seek=$((at * 4)) oflag=direct conv=notrunc status=none; done
dd if="$DEVICE" of=/dev/null bs=256k skip=800 count=13 iflag=direct status=none
cmp -n 262144 -i 0:$((200 * 1048576)) /tmp/needles /tmp/disk || fail "what was written is not in the file"
echo "in memory: $(python3 /mnt/classes/dev/fusedio/guest/find_in_memory.py "$SERVER" /tmp/needle) times"

for round in 1 2 3; do
    verify --io_size=48M --thinktime=50ms --thinktime_blocks=16 &
    FIO=$!
    await_writes "$((round * 30))"
    kill -0 "$FIO" || { cat /tmp/fio.log; fail "fio had ended before the server was killed"; }
    kill -KILL "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    "${GATEWAY[@]}" devices >/tmp/devices
    grep -q "^$DEVICE .* gone .*orphaned" /tmp/devices || { cat /tmp/devices; fail "the orphan is not listed"; }
    attach
    wait "$FIO" || { cat /tmp/fio.log /tmp/attach.log; dmesg | tail; fail "fio saw an error over round $round"; }
    grep -q 'err= 0' /tmp/fio.log || fail "fio did not finish cleanly"
done
grep -c "took over" /tmp/attach.log | grep -qx 3 || { cat /tmp/attach.log; fail "the device was not taken over each time"; }
echo "killed thrice: no error, no mismatch"

status=0
"${GATEWAY[@]}" attach /tmp/disk 2>/tmp/second || status=$?
[ "$status" = 1 ] && grep -q "is attached already, as $DEVICE by process" /tmp/second || { cat /tmp/second; fail "a second attachment was not refused"; }
status=0
"${GATEWAY[@]}" detach "$DEVICE" 2>/tmp/second || status=$?
[ "$status" = 1 ] && grep -q "is served by process" /tmp/second || { cat /tmp/second; fail "a served device was detached"; }

kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || true
"${GATEWAY[@]}" detach "$DEVICE"
[ ! -e "$DEVICE" ] || fail "a detached device is still there"

attach
kill -TERM "$SERVER"
wait "$SERVER" || fail "told to stop, it failed"
[ ! -e "$DEVICE" ] || fail "a stopped server's device is still there"

# A write that a killed server has under way on a slow disk ends before anybody takes the device over.
if [ "$MECHANISM" = user-copy ]; then
    truncate -s 64M /tmp/slow.img
    LOOP=$(losetup --find --show /tmp/slow.img)
    dmsetup create --noudevsync slow --table "0 131072 delay $LOOP 0 0 $LOOP 0 30000"
    SLOW=/dev/dm-$(dmsetup info --columns --noheadings -o minor slow | tr -d " ")
    written() { awk '{ print $5 }' "/sys/block/${LOOP#/dev/}/stat"; } # what is delayed has not been counted there

    attach_slow() {
        : >/tmp/device
        "${GATEWAY[@]}" attach "$SLOW" --direct --queues 1 --mechanism user-copy >/tmp/device 2>>/tmp/attach.log &
        SERVER=$!
    }

    attach_slow
    await 60 test -s /tmp/device
    DEVICE=$(cat /tmp/device)
    before=$(written)
    dd if=/tmp/needles of="$DEVICE" bs=4k count=1 oflag=direct status=none &
    WRITER=$!
    await 20 sh -c "dmsetup status slow | awk '{ exit \$5 == 0 }'"
    kill -KILL "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    attach_slow
    looks=0
    while :; do
        taken=$(cat /tmp/device) # looked at before the disk is
        [ "$(written)" = "$before" ] || break
        [ -z "$taken" ] || fail "taken over while a write of the killed server was under way"
        kill -0 "$SERVER" || { cat /tmp/attach.log; fail "the successor ended"; }
        looks=$((looks + 1))
        sleep 0.1
    done
    [ "$looks" -gt 50 ] || fail "the disk was not slow: $looks looks"
    await 60 test -s /tmp/device
    wait "$WRITER" || fail "the write failed"
    cmp -n 4096 /tmp/needles "$LOOP" || fail "what was written is not on the disk"
    kill -TERM "$SERVER"
    wait "$SERVER" || fail "told to stop, it failed"
    echo "slow disk: taken over when its last write had ended"
fi
! dmesg | grep -E 'BUG:|WARNING:|blocked for more than|Oops:' || fail "the kernel complained"
echo "detached: nothing left"

# attach_remote.sh PEER: an NBD export as a block device; the server behind it is killed and started again under load.
PEER=$1
truncate -s 192M /tmp/disk

serve() {
    case $PEER in
        gateway) "${GATEWAY[@]}" serve /tmp/disk --export disk --nbd-port 10809 2>>/tmp/serve.log & ;;
        nbdkit)
            nbdkit -f -p 10809 -i 127.0.0.1 -e disk --filter=log file /tmp/disk logfile=/tmp/requests logappend=true \
                2>>/tmp/serve.log &
            ;;
        qemu-nbd) qemu-nbd -t -e 8 -f raw -x disk -p 10809 -b 127.0.0.1 /tmp/disk 2>>/tmp/serve.log & ;;
        *) fail "unknown peer $PEER" ;;
    esac
    PEER_PID=$!
    await 60 nbdinfo --size nbd://127.0.0.1:10809/disk
}

serve
: >/tmp/device
"${GATEWAY[@]}" attach nbd://127.0.0.1:10809/disk --queues 2 --depth 32 --connections 2 --timeout 180 >/tmp/device 2>/tmp/attach.log &
SERVER=$!
await 60 sh -c "test -s /tmp/device || ! kill -0 $SERVER"
DEVICE=$(cat /tmp/device)
[ -b "$DEVICE" ] || { cat /tmp/attach.log; fail "no device"; }
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

head -c 64 /dev/urandom >/tmp/needle
python3 -c 'import sys; sys.stdout.buffer.write(open("/tmp/needle", "rb").read() * 4096)' >/tmp/needles
for at in 160 161 162 163; do dd if=/tmp/needles of="$DEVICE" bs=256k seek=$((at * 4)) oflag=direct conv=notrunc status=none; done
dd if="$DEVICE" of=/dev/null bs=256k skip=640 count=13 iflag=direct status=none
cmp -n 262144 -i 0:$((160 * 1048576)) /tmp/needles /tmp/disk || fail "what was written is not at the server"
echo "in memory: $(python3 /mnt/classes/dev/fusedio/guest/find_in_memory.py "$SERVER" /tmp/needle) times"

# arrives WHAT REQUESTS COMMAND...: these changes, and no others, reach the server of the command, as its log has them.
arrives() {
    local what=$1 wanted=$2 before asked
    before=$(wc -l </tmp/requests)
    shift 2
    "$@"
    asked=$(tail -n "+$((before + 1))" /tmp/requests |
        sed -nE 's/.* (Write|Flush|Trim|Zero) id=[0-9]+ (.*)\.\.\.$/\1 \2/p' | sed 's/ *$//')
    [ "$asked" = "$wanted" ] || fail "$what reached the server as: $asked"
}

if [ "$PEER" = nbdkit ]; then
    echo 3 >/proc/sys/vm/drop_caches
    arrives "a write" "Write offset=0xac00000 count=0x10000 fua=0" \
        dd if=/tmp/needles of="$DEVICE" bs=64k count=1 seek=2752 oflag=direct conv=notrunc status=none
    # the kernel asks for both: the data to be durable, and a flush for what was written before
    arrives "a durable write" "Write offset=0xac00000 count=0x10000 fua=1
Flush" dd if=/tmp/needles of="$DEVICE" bs=64k count=1 seek=2752 oflag=direct,dsync conv=notrunc status=none
    arrives "fsync" "Write offset=0xac10000 count=0x10000 fua=0
Flush" dd if=/tmp/needles of="$DEVICE" bs=64k count=1 seek=2753 conv=notrunc,fsync status=none
    arrives "blkdiscard" "Trim offset=0xac00000 count=0x400000 fua=0" blkdiscard -f -o 172M -l 4M "$DEVICE"
    arrives "blkdiscard -z" "Zero offset=0xb000000 count=0x200000 trim=0 fua=0 fast=0" blkdiscard -f -z -o 176M -l 2M "$DEVICE"
    arrives "fallocate -p" "Zero offset=0xb200000 count=0x100000 trim=1 fua=0 fast=0
Flush" fallocate -p -o 178M -l 1M "$DEVICE"
    echo "changes: reached the server as they were meant"
fi

fio --name=verify --filename="$DEVICE" --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-256k --offset=112M \
    --size=48M --verify=crc32c --verify_fatal=1 --verify_backlog=64 --randrepeat=0 \
    --thinktime=50ms --thinktime_blocks=16 >/tmp/fio.log 2>&1 &
FIO=$!
await_writes 60
kill -0 "$FIO" || { cat /tmp/fio.log; fail "fio had ended before the server was killed"; }
kill -KILL "$PEER_PID"
wait "$PEER_PID" 2>/dev/null || true
sleep 1
serve
wait "$FIO" || { cat /tmp/fio.log /tmp/attach.log; dmesg | tail; fail "fio saw an error over the server's restart"; }
grep -q 'err= 0' /tmp/fio.log || fail "fio did not finish cleanly"
echo "server killed under load: no error, no mismatch"

kill -TERM "$SERVER"
wait "$SERVER" || { cat /tmp/attach.log; fail "told to stop, it failed"; }
[ ! -e "$DEVICE" ] || fail "a stopped server's device is still there"
kill -TERM "$PEER_PID"
wait "$PEER_PID" || true
e2fsck -fn /tmp/disk >/dev/null 2>&1 || fail "the server's file has a damaged file system"
! dmesg | grep -E 'BUG:|WARNING:|blocked for more than|Oops:' || fail "the kernel complained"
echo "detached: nothing left"

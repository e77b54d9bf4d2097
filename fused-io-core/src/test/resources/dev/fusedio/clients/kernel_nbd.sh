# The kernel's own nbd driver on this gateway's export: several connections, a file system, a server killed and restarted.
ls /dev/nbd0 >/dev/null || fail "this kernel has no nbd driver"
truncate -s 256M /tmp/disk

serve() {
    "${GATEWAY[@]}" serve /tmp/disk --export disk --nbd-port 10809 2>>/tmp/serve.log &
    SERVER=$!
    await 60 nbdinfo --size nbd://127.0.0.1:10809/disk
}

# Debian 12's nbd-client ends when the server goes, whether told to persist or not, so it is started again.
attach() {
    nbd-client -nonetlink -N disk 127.0.0.1 10809 /dev/nbd0 -C 4 -b 4096 -nofork >/tmp/client.log 2>&1 &
    CLIENT=$!
    await 30 sh -c '[ "$(cat /sys/block/nbd0/size)" = 524288 ]'
}

serve
attach
echo "attached: $(cat /sys/block/nbd0/size) sectors, fua $(cat /sys/block/nbd0/queue/fua), cache $(cat /sys/block/nbd0/queue/write_cache)"

mkfs.ext4 -q /dev/nbd0
mkdir /tmp/mnt
mount /dev/nbd0 /tmp/mnt
make_tree /tmp/tree
cp -r /tmp/tree /tmp/mnt/
sync
echo 3 >/proc/sys/vm/drop_caches
check_tree /tmp/mnt/tree
umount /tmp/mnt
e2fsck -fn /dev/nbd0 >/tmp/fsck.log 2>&1 || { cat /tmp/fsck.log; fail "e2fsck found damage"; }
echo "file system: sound"

verify() {
    fio --name=verify --filename=/dev/nbd0 --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-64k --offset=64M \
        --size=64M --io_size=16M --verify=crc32c --verify_fatal=1 "$@" >/tmp/fio.log 2>&1 || { cat /tmp/fio.log; return 1; }
}
verify --do_verify=0 || fail "fio could not write"
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || true
! nbdinfo --size nbd://127.0.0.1:10809/disk >/dev/null 2>&1 || fail "the server was not killed"
wait "$CLIENT" || true
serve
attach
verify --verify_only || fail "what was written before the restart came back different"
verify || fail "fio saw an error after the restart"
echo "restart: attached again, what was written is there"

nbd-client -nonetlink -d /dev/nbd0 >/dev/null 2>&1 || true
wait "$CLIENT" 2>/dev/null || true
kill -TERM "$SERVER"
wait "$SERVER"
e2fsck -fn /tmp/disk >/dev/null 2>&1 || fail "the backing file has a damaged file system"
echo "backing file: sound"

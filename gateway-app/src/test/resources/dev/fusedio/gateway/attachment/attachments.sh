# The service's block devices by REST, on Linux 6.16 or newer: made, used, grown, taken over from a killed service, removed, kept by
# a stopped one.
API=http://127.0.0.1:8080/api/v1
SERVICE=("$JAVA" "${OPTIONS[@]}" -XX:AOTCache=/mnt/service.aot -Xlog:aot=off -Xlog:cds=off -jar /mnt/service/"$JAR"
    --gateway.pool.path=/tmp/pool --gateway.engine.memory=4MiB)
CORE=("$JAVA" "${OPTIONS[@]}" -cp "/mnt/service/lib/*" dev.fusedio.cli.Main)

# Emulated, that takes a minute or two, so it is not asked for often either.
start() {
    local begun=$SECONDS
    "${SERVICE[@]}" >/tmp/service.log 2>&1 &
    SERVER=$!
    until grep -q 'The gateway is ready' /tmp/service.log; do
        kill -0 "$SERVER" || { cat /tmp/service.log; fail "the service did not start"; }
        sleep 1
    done
    echo "the service is ready after $((SECONDS - begun)) s"
}

# ask STATUS METHOD PATH [CURL-OPTION...]: the answer is in /tmp/body and /tmp/headers.
ask() {
    local wanted=$1 method=$2 path=$3 got
    shift 3
    got=$(curl -sS -m 120 -o /tmp/body -D /tmp/headers -w '%{http_code}' -X "$method" "$@" "$API$path")
    [ "$got" = "$wanted" ] || { cat /tmp/service.log; fail "$method $path: $got and not $wanted: $(cat /tmp/body)"; }
}

send() {
    local body=$4
    ask "$1" "$2" "$3" -H 'Content-Type: application/json' -d "$body" "${@:5}"
}

etag() {
    sed -n 's/^etag: *\(.*\)\r$/\1/Ip' /tmp/headers
}

# holds FILTER WHAT: of the answer.
holds() {
    jq -e "$1" /tmp/body >/dev/null || fail "$2: $(cat /tmp/body)"
}

size_of() {
    blockdev --getsize64 "$DEVICE"
}

# --- attach, use ---
start
ask 200 GET /node
holds '.blockDevices.available' "no block devices"
send 201 POST /volumes '{"name": "disk", "size": "96MiB"}'
send 201 POST /attachments '{"volume": "disk", "queues": 2, "depth": 32}'
ID=$(jq -r .id /tmp/body)
DEVICE=$(jq -r .device /tmp/body)
grep -iq "^location: /api/v1/attachments/$ID" /tmp/headers || fail "no location: $(cat /tmp/headers)"
[ -b "$DEVICE" ] && [ "$(size_of)" = $((96 << 20)) ] || fail "$DEVICE is not the volume"
send 201 POST /attachments '{"volume": "demo", "queues": 1, "mechanism": "user-copy"}'
OTHER=$(jq -r .id /tmp/body)
OTHER_DEVICE=$(jq -r .device /tmp/body)
holds '.mechanism == "user-copy" and (.why | contains("configured to use USER_COPY"))' "why user copy"

mkfs.ext4 -q "$DEVICE"
mkdir /tmp/mnt
mount "$DEVICE" /tmp/mnt
make_tree /tmp/tree
cp -r /tmp/tree /tmp/mnt/
sync -f /tmp/mnt
echo 3 >/proc/sys/vm/drop_caches
check_tree /tmp/mnt/tree
echo "file system: sound"
dd if=/tmp/tree/random of="$OTHER_DEVICE" bs=64k count=16 oflag=direct status=none

ask 200 GET /attachments
holds '[.items[] | .volume] == ["disk", "demo"]' "list"
ask 200 GET "/attachments/$ID"
holds ".device == \"$DEVICE\" and .state == \"live\" and .queues == 2 and .depth == 32 and .size == $((96 << 20))" "one"
holds '.requests > 0 and .errors == 0 and .recoveries == 0' "counts"
echo "disk: $(jq -r '.mechanism + ", borrowed " + (.bytesBorrowed > 0 | tostring) + ", copied " + (.bytesCopied > 0 | tostring)' /tmp/body)"
ask 304 GET "/attachments/$ID" -H "If-None-Match: $(etag)"
ask 200 GET "/attachments/$OTHER"
echo "demo: $(jq -r '.mechanism + ", borrowed " + (.bytesBorrowed > 0 | tostring) + ", copied " + (.bytesCopied > 0 | tostring)' /tmp/body)"

# --- what is refused ---
send 409 POST /attachments '{"volume": "disk"}'
holds ".code == \"volume-in-use\" and (.detail | contains(\"$DEVICE\"))" "a second attachment"
send 409 POST /attachments '{"volume": "disk", "readOnly": true}'
ask 409 DELETE '/volumes/disk?force=true' -H 'If-Match: *'
holds '.code == "volume-in-use"' "removal of an attached volume"
ask 428 DELETE "/attachments/$ID"
ask 412 DELETE "/attachments/$ID" -H 'If-Match: "other"'
ask 409 DELETE "/attachments/$ID" -H 'If-Match: *'
holds '.code == "attachment-in-use"' "removal of a mounted device"
check_tree /tmp/mnt/tree
echo "refused: all that would do harm"

# --- grow ---
ask 200 GET /volumes/disk
TAG=$(etag)
send 412 PATCH /volumes/disk '{"size": "128MiB"}' -H 'If-Match: "77"'
send 200 PATCH /volumes/disk '{"size": "128MiB"}' -H "If-Match: $TAG"
ask 200 GET "/attachments/$ID"
SIZE=$((128 << 20))
holds '.notice == null' "a notice"
resize2fs "$DEVICE" >/tmp/resize.log 2>&1 || fail "resize2fs: $(cat /tmp/resize.log)"
holds ".size == $SIZE" "the size"
[ "$(size_of)" = $SIZE ] || fail "$DEVICE has $(size_of) bytes"
echo "grown: $(size_of)"

# --- killed during writes ---
# As many rounds as it takes: an emulated start is long.
load() {
    until [ -e /tmp/enough ]; do
        fio --name=load --filename=/tmp/mnt/load --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-128k \
            --blockalign=4k --size=24m --verify=crc32c --verify_fatal=1 --verify_backlog=32 --randrepeat=0 >/tmp/fio.log 2>&1 || return 1
    done
}
load &
FIO=$!
await_writes 50
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || true
[ -b "$DEVICE" ] || fail "the device went with the service"
start
kill -0 "$FIO" || fail "fio ended: $(tail -n 5 /tmp/fio.log)"
await_writes 50
touch /tmp/enough
wait "$FIO" || { dmesg | tail; fail "fio over the kill: $(tail -n 5 /tmp/fio.log)"; }
ask 200 GET "/attachments/$ID"
holds ".device == \"$DEVICE\" and .state == \"live\" and .recoveries == 1 and .errors == 0 and .size == $SIZE" "taken over"
echo 3 >/proc/sys/vm/drop_caches
check_tree /tmp/mnt/tree
umount /tmp/mnt
e2fsck -fn "$DEVICE" >/tmp/fsck.log 2>&1 || fail "e2fsck: $(cat /tmp/fsck.log)"
cmp -n 1048576 /tmp/tree/random "$OTHER_DEVICE" || fail "the other device reads otherwise"
echo "killed: taken over, no error, no mismatch"

# --- detach ---
ask 200 GET "/attachments/$OTHER"
holds '.recoveries == 1' "the other was taken over"
ask 204 DELETE "/attachments/$OTHER" -H "If-Match: $(etag)"
[ ! -e "$OTHER_DEVICE" ] || fail "$OTHER_DEVICE is still there"
ask 404 GET "/attachments/$OTHER"
holds '.code == "attachment-not-found"' "removed"
ask 200 GET /attachments
holds "[.items[] | .id] == [\"$ID\"]" "list after a removal"
ask 204 DELETE /volumes/demo -H 'If-Match: *'
echo "detached: nothing left"

# --- stop ---
status=0
kill -TERM "$SERVER"
wait "$SERVER" || status=$?
[ "$status" = 143 ] || fail "told to stop, it ended with $status: $(cat /tmp/service.log)"
[ -b "$DEVICE" ] || fail "$DEVICE is gone"
dd if="$DEVICE" of=/tmp/held bs=4k count=1 iflag=direct status=none &
READER=$!
"${CORE[@]}" devices >/tmp/devices
grep -q "^$DEVICE .*orphaned" /tmp/devices || fail "the kept device is not listed: $(cat /tmp/devices)"
kill -0 "$READER" || fail "a read did not wait for the next service"
"${CORE[@]}" detach "$DEVICE"
! wait "$READER" || fail "a read of a removed device succeeded"
[ -n "$(ls /tmp/pool/.attachments)" ] || fail "the attachment is forgotten"
# That tasks were blocked for long is as it should be: they waited for the next service.
! dmesg | grep -E 'BUG:|WARNING:|Oops:' || fail "the kernel complained"
echo "stopped: the attachment is kept"

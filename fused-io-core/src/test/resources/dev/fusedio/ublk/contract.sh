# contract.sh MECHANISM...: what the fused command and this kernel answer to operations that the contract of a block
# request's buffer forbids.
truncate -s 16M /tmp/disk
truncate -s 1M /tmp/scratch
mkfifo /tmp/told
head -c 12288 /dev/urandom >/tmp/piece

for MECHANISM in "$@"; do
    : >/tmp/said
    exec 8<>/tmp/told
    "${RUN[@]}" dev.fusedio.ublk.ContractTrial "$MECHANISM" /tmp/disk /tmp/scratch </tmp/told >/tmp/said 2>&1 8>&- &
    SERVER=$!
    await 180 sh -c "grep -q ^ready /tmp/said || ! kill -0 $SERVER"
    DEVICE=$(sed -n 's/^ready \([^ ]*\) .*/\1/p' /tmp/said)
    [ -b "$DEVICE" ] || fail "no device: $(cat /tmp/said)"

    dd if=/tmp/piece of="$DEVICE" bs=12k count=1 oflag=direct conv=notrunc,fsync status=none ||
        fail "the write failed: $(cat /tmp/said)"
    cmp -n 12288 /tmp/piece /tmp/disk || fail "the write was harmed by what was tried"
    dd if="$DEVICE" of=/tmp/back bs=12k count=1 iflag=direct status=none || fail "the read failed: $(cat /tmp/said)"
    cmp /tmp/piece /tmp/back || fail "the read was harmed by what was tried"
    echo >&8
    await 60 grep -q ^done /tmp/said
    exec 8>&-
    wait "$SERVER" || fail "the server failed: $(cat /tmp/said)"
    cat /tmp/said
done

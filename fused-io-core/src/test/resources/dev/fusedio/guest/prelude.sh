# What every script in a guest begins with. Before it: $JAVA, $KERNEL, the script's arguments.
set -euo pipefail
cd /tmp

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# "${RUN[@]}" CLASS runs a class of this build, "${GATEWAY[@]}" the command line. Not functions: in the background a
# function is a shell of its own, and a signal would reach that.
RUN=("$JAVA" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx96m --enable-native-access=ALL-UNNAMED -cp /mnt/classes)
GATEWAY=("${RUN[@]}" dev.fusedio.cli.Main)

# await SECONDS COMMAND...: until the command succeeds.
await() {
    local left=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.2
    done
}

# await_writes N: until $DEVICE has completed that many more writes.
await_writes() {
    local stat=/sys/block/${DEVICE#/dev/}/stat
    local goal=$(($(awk '{ print $5 }' "$stat") + $1))
    await 60 sh -c "[ \$(awk '{ print \$5 }' $stat) -ge $goal ]"
}

# A tree of real files, some MiB.
make_tree() {
    mkdir -p "$1"
    cp -r /usr/share/perl5 "$1"/ 2>/dev/null || true
    head -c 3000000 /dev/urandom >"$1/random"
    (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >/tmp/sums
    [ "$(wc -l </tmp/sums)" -gt 50 ] || fail "hardly any files to copy"
}

check_tree() {
    (cd "$1" && sha256sum --quiet -c /tmp/sums) || fail "files came back different"
}

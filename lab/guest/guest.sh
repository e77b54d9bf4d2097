#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boots a real Debian kernel of a given line in an emulated machine whose root is this machine's own file system, read
# only, and runs a script there as root. README.md beside this file says more.
set -euo pipefail

NAME=${0##*/}
readonly NAME
readonly CACHE=${GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fused-gateway/guest}

# In the order in which they need each other; those that a kernel has built in fail to load, which does no harm.
readonly MODULES=(
    netfs 9pnet 9pnet_virtio 9p ublk_drv nbd virtio_blk crc32c_generic libcrc32c crc16 mbcache jbd2 ext4 dm-mod dm-flakey
    dm-delay loop
)

usage() {
    cat <<END
usage: $NAME fetch LINE
       $NAME run LINE RESULTS SCRIPT

LINE     the kernel: 6.12, 6.18, 7 (the newest that Debian has of it), ...
RESULTS  a folder, which the guest can write to as /mnt
SCRIPT   a bash script that is run in the guest as root; its exit status is this program's

Environment: GUEST_CACHE (where kernels are kept: $CACHE), GUEST_MEMORY (3G), GUEST_TIMEOUT (seconds, 600),
GUEST_DISKS (image files, which become /dev/vda, /dev/vdb ...), GUEST_ACCEL (tcg), GUEST_CPU (max).

Needs qemu-system-x86, busybox-static, cpio, zstd and xz-utils.
END
}

fail() {
    echo "$NAME: $1" >&2
    exit "${2:-1}"
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install qemu-system-x86 busybox-static cpio zstd xz-utils" 3
    done
}

# The suite's archive is the one that this machine's own packages come from.
archive() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1
}

# Whether a kernel is kept with all modules of this script's.
is_kept() {
    [ -e "$CACHE/$1/vmlinuz" ] && [ "$(cat "$CACHE/$1/modules" 2>/dev/null)" = "${MODULES[*]}" ]
}

fetch() {
    local line=$1 suite=trixie-backports lists uri version package
    ! is_kept "$line" || return 0
    need apt-get dpkg busybox cpio zstd xz
    mkdir -p "$CACHE"
    exec 9>"$CACHE/.lock"
    flock 9
    ! is_kept "$line" || return 0
    [ "$line" != 6.12 ] || suite=trixie
    uri=$(archive)
    [ -n "$uri" ] || fail "apt knows of no package archive; run apt-get update" 3
    lists=$CACHE/apt-$suite
    mkdir -p "$lists/lists/partial" "$lists/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$lists/sources.list"
    local options=(
        -o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists" -o "Dir::Cache::Archives=$lists/archives"
        -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root -o Acquire::Retries=3
    )
    apt-get "${options[@]}" -qq update || fail "the package lists of $suite could not be had" 3
    version=$(apt-cache "${options[@]}" pkgnames "linux-image-$line" |
        sed -nE "s/^linux-image-(${line//./\\.}(\.[0-9]+)+\+deb13-amd64)$/\1/p" | sort -V | tail -n 1)
    [ -n "$version" ] || fail "$suite has no kernel of line $line" 3
    echo "$NAME: fetching kernel $version" >&2
    local part=$CACHE/$line.part
    rm -rf "$part"
    mkdir -p "$part/root"
    # Up to 6.19 one package holds all, later ones are split.
    for package in "linux-image-$version" "linux-binary-$version" "linux-modules-$version"; do
        (cd "$part" && apt-get "${options[@]}" -qq download "$package" 2>/dev/null) || true
    done
    for package in "$part"/*.deb; do
        [ -e "$package" ] || fail "kernel $version could not be fetched" 3
        dpkg -x "$package" "$part/root"
        rm -f "$package"
    done
    cp "$(find "$part/root" -name 'vmlinuz*' -type f | head -n 1)" "$part/vmlinuz"
    echo "$version" >"$part/version"
    echo "${MODULES[*]}" >"$part/modules"
    initrd "$part"
    rm -rf "$part/root" "$part/initrd" "${CACHE:?}/$line"
    mv "$part" "$CACHE/$line"
}

initrd() {
    local part=$1 root=$1/initrd module file
    mkdir -p "$root"/{bin,proc,sys,dev,lib,mnt}
    cp "$(command -v busybox)" "$root/bin/busybox"
    for module in "${MODULES[@]}"; do
        file=$(find "$part/root" -name "$module.ko*" | head -n 1)
        case $file in
            '') ;;
            *.xz) xz -dc "$file" >"$root/lib/$module.ko" ;;
            *.zst) zstd -qdc "$file" >"$root/lib/$module.ko" ;;
            *) cp "$file" "$root/lib/$module.ko" ;;
        esac
    done
    cat >"$root/init" <<END
#!/bin/busybox sh
B=/bin/busybox
\$B mount -t proc proc /proc
\$B mount -t sysfs sys /sys
\$B mount -t devtmpfs dev /dev
for m in ${MODULES[*]}; do
    [ ! -f /lib/\$m.ko ] || \$B insmod /lib/\$m.ko 2>/dev/null
done
\$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /mnt
for d in proc:proc sysfs:sys devtmpfs:dev tmpfs:tmp tmpfs:run; do
    \$B mount -t \${d%%:*} x /mnt/\${d##*:}
done
\$B mkdir -p /mnt/dev/shm /mnt/dev/pts
\$B mount -t tmpfs x /mnt/dev/shm
\$B mount -t devpts x /mnt/dev/pts
\$B ip link set lo up
\$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 results /mnt/mnt
\$B chroot /mnt /bin/bash -c 'export HOME=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; bash /mnt/.script; echo \$? > /mnt/.status; sync'
\$B poweroff -f
END
    chmod +x "$root/init"
    (cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$part/initrd.gz"
}

# Whether the emulator broke the guest's kernel. Kernels patch their own code while other processors run it (static keys and
# calls); the emulator's threads at times let a processor run the breakpoint of such a patch after the kernel has removed
# it, and the kernel, which no longer knows that breakpoint, ends with this oops. No kernel does it on a real machine. A double
# fault was seen once, in an allocation, with flags in a register that no instruction there could have set.
emulator_broke() {
    grep -q -e 'Oops: int3' -e 'Oops: double fault' "$1"
}

run() {
    local line=$1 results=$2 script=$3 attempt
    need qemu-system-x86_64
    fetch "$line"
    mkdir -p "$results"
    results=$(realpath "$results")
    for attempt in 1 2 3; do
        cp "$script" "$results/.script"
        rm -f "$results/.status"
        boot "$line" "$results"
        if [ -f "$results/.status" ]; then
            return "$(cat "$results/.status")"
        fi
        emulator_broke "$results/.console" || break
        echo "$NAME: the emulator broke the kernel (int3, double fault); boot $attempt of 3 ended" >&2
    done
    fail "the guest left no exit status: it crashed, or took longer than ${GUEST_TIMEOUT:-600} s" 125
}

boot() {
    local line=$1 results=$2 disks=() disk
    for disk in ${GUEST_DISKS:-}; do
        disks+=(-drive "file=$disk,format=raw,if=virtio,cache=writeback")
    done
    # The console is the script's output; terminal escapes of the firmware are taken out of it. The emulator's time stamp
    # counter is one for all processors, so the kernel need not watch it, nor patch itself when it looks unsteady.
    timeout "${GUEST_TIMEOUT:-600}" qemu-system-x86_64 \
        -accel "${GUEST_ACCEL:-tcg,thread=multi,tb-size=1024}" -cpu "${GUEST_CPU:-max}" -m "${GUEST_MEMORY:-3G}" -smp 2 \
        -nographic -no-reboot -net none \
        -kernel "$CACHE/$line/vmlinuz" -initrd "$CACHE/$line/initrd.gz" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable" "${disks[@]}" \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        -virtfs "local,path=$results,mount_tag=results,security_model=none" </dev/null |
        sed -u 's/\x1b[^a-zA-Z]*[a-zA-Z]//g' | tee "$results/.console" || true
}

case ${1:-} in
    fetch)
        [ $# -eq 2 ] || { usage >&2; exit 2; }
        fetch "$2"
        ;;
    run)
        [ $# -eq 4 ] || { usage >&2; exit 2; }
        run "$2" "$3" "$4"
        ;;
    -h | --help)
        usage
        ;;
    *)
        usage >&2
        exit 2
        ;;
esac

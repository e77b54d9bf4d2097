#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sees to it that the engine has the public images that this repository's images are built on and tested with: those that
# can't be pulled are made from this machine's packages, under the same names. README.md beside this file says more.
set -euo pipefail

NAME=${0##*/}
ROOT=$(readlink -f -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..")
readonly NAME ROOT
readonly CACHE=${IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fused-gateway/images}
readonly SUITE=trixie
readonly PULL_SECONDS=${PULL_SECONDS:-300}

usage() {
    cat <<END
usage: $NAME gateway | client | prometheus ...

gateway     fused-gateway, of gateway-app/Dockerfile, on eclipse-temurin:25-jdk
client      fused-gateway-client, with libnbd and qemu for the tests, on debian:trixie-slim
prometheus  the image that docker-compose.yml names

A public image that the engine has is left alone, one that can be pulled is pulled. The others are made here; that needs
root, debootstrap, a JDK 25 (for gateway) and Debian's prometheus (for prometheus). Exit status 3: something is missing.

Environment: DOCKER_HOST; IMAGE_CACHE (where the Debian tree is kept: $CACHE).
END
}

fail() {
    echo "$NAME: $1" >&2
    exit "${2:-1}"
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing" 3
    done
}

# Whether the engine has image $1, or can pull it.
present() {
    docker image inspect "$1" >/dev/null 2>&1 || timeout "$PULL_SECONDS" docker pull -q "$1" >/dev/null 2>&1
}

# debian:trixie-slim; the tree is kept as a tar file for the next time.
debian() {
    local image=debian:$SUITE-slim tree uri part=$CACHE/$SUITE.part
    present "$image" && return
    if [ ! -e "$CACHE/$SUITE.tar" ]; then
        need debootstrap
        [ "$(id -u)" -eq 0 ] || fail "making a Debian tree needs root" 3
        uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
        [ -n "$uri" ] || fail "apt knows of no package archive; run apt-get update" 3
        mkdir -p "$CACHE"
        tree=$(mktemp -d "$CACHE/tree.XXXXXX")
        echo "$NAME: making a Debian tree ($SUITE)" >&2
        if ! debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$tree" "$uri" >"$CACHE/log" 2>&1; then
            rm -rf "$tree"
            tail -n 20 "$CACHE/log" >&2
            fail "debootstrap failed"
        fi
        tar -C "$tree" --exclude './usr/share/doc/*' --exclude './usr/share/locale/*' --exclude './usr/share/man/*' \
            --exclude './usr/share/info/*' --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' \
            --exclude './var/log/*' --exclude './dev/*' -cf "$part" .
        rm -rf "$tree"
        mv "$part" "$CACHE/$SUITE.tar"
    fi
    docker import --change 'CMD ["bash"]' "$CACHE/$SUITE.tar" "$image" >/dev/null
    echo "$NAME: made $image" >&2
}

# make IMAGE CONTEXT: builds IMAGE of the Dockerfile in CONTEXT, whose symbolic links are followed.
make() {
    tar -C "$2" -chf - . | docker build -q --network host -t "$1" - >/dev/null
    rm -rf "$2"
    echo "$NAME: made $1" >&2
}

jdk_home() {
    local home
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        if [ -x "$home/bin/javac" ] && grep -qs '^JAVA_VERSION="25' "$home/release"; then
            readlink -f "$home"
            return
        fi
    done
    fail "no JDK 25 below /usr/lib/jvm, nor in JAVA_HOME" 3
}

# The machine's Maven repository goes along, for reading, so that the build in the container fetches little.
jdk() {
    local image=eclipse-temurin:25-jdk context repository=$HOME/.m2/repository
    present "$image" && return
    debian
    context=$(mktemp -d)
    ln -s "$(jdk_home)" "$context/jdk"
    mkdir -p "$repository"
    ln -s "$repository" "$context/repository"
    cat >"$context/Dockerfile" <<END
FROM debian:$SUITE-slim
COPY jdk /opt/java/openjdk
COPY repository /opt/maven-repository
ENV JAVA_HOME=/opt/java/openjdk LANG=C.UTF-8 MAVEN_ARGS=-Dmaven.repo.local.tail=/opt/maven-repository
ENV PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["jshell"]
END
    make "$image" "$context"
}

# build IMAGE ARGUMENT...: with all that was said if it fails.
build() {
    local log=$CACHE/log
    mkdir -p "$CACHE"
    docker build --network host -t "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "building $1 failed"
    }
}

gateway() {
    jdk
    build fused-gateway -f "$ROOT/gateway-app/Dockerfile" "$ROOT"
}

client() {
    debian
    build fused-gateway-client "$ROOT/lab/container/client"
}

prometheus() {
    local image context
    image=$(sed -n 's/^ *image: *\(.*prometheus:.*\)/\1/p' "$ROOT/docker-compose.yml")
    present "$image" && return
    need prometheus
    debian
    context=$(mktemp -d)
    ln -s "$(type -P prometheus)" "$context/prometheus"
    cat >"$context/Dockerfile" <<END
FROM debian:$SUITE-slim
COPY prometheus /bin/prometheus
RUN install -d -o nobody -g nogroup -m 775 /etc/prometheus /prometheus
USER nobody
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
END
    make "$image" "$context"
}

[ $# -gt 0 ] || { usage >&2; exit 2; }
for what in "$@"; do
    case $what in
        -h | --help) usage; exit 0 ;;
        gateway | client | prometheus) ;;
        *) usage >&2; exit 2 ;;
    esac
done
need docker tar
docker version >/dev/null 2>&1 || fail "no Docker engine answers" 3
for what in "$@"; do
    "$what"
done

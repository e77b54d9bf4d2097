#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a Docker engine of its own for the tests: no network set-up, no rights beyond root's, all its files below one folder.
set -euo pipefail

NAME=${0##*/}
readonly NAME

usage() {
    cat <<END
usage: $NAME start FOLDER
       $NAME stop FOLDER

start   prints the address of the engine (DOCKER_HOST), which keeps all it has below FOLDER
stop    ends it and removes FOLDER

Containers use the host's network (--network host) or none. Needs root and Debian's docker.io.
END
}

fail() {
    echo "$NAME: $1" >&2
    exit "${2:-1}"
}

start() {
    local folder=$1
    command -v dockerd >/dev/null || fail "dockerd is missing: apt-get install docker.io" 3
    [ "$(id -u)" -eq 0 ] || fail "an engine needs root" 3
    mkdir -p "$folder"
    folder=$(readlink -f -- "$folder")
    dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$folder/data" --exec-root "$folder/exec" \
        --pidfile "$folder/pid" -H "unix://$folder/docker.sock" >"$folder/log" 2>&1 </dev/null &
    for _ in $(seq 120); do
        if DOCKER_HOST=unix://$folder/docker.sock docker version >/dev/null 2>&1; then
            echo "unix://$folder/docker.sock"
            return
        fi
        kill -0 $! 2>/dev/null || break
        sleep 0.5
    done
    tail -n 20 "$folder/log" >&2
    fail "the engine did not start" 3
}

stop() {
    local folder=$1 pid
    [ -d "$folder" ] || return 0
    pid=$(cat "$folder/pid" 2>/dev/null) || pid=
    if [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null; then
        for _ in $(seq 60); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
    fi
    # The engine leaves the host's network namespace mounted.
    awk -v folder="$(readlink -f -- "$folder")/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mounted; do umount "$mounted"; done
    rm -rf "$folder"
}

case ${1:-} in
    start | stop)
        [ $# -eq 2 ] || { usage >&2; exit 2; }
        "$1" "$2"
        ;;
    -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac

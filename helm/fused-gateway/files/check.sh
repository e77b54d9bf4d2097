#!/bin/bash
# What `helm test` runs in the gateway's image, which has bash and Java and nothing else: makes a volume by REST, writes it over NBD
# and reads it over HTTP, writes it over HTTP and reads it over NBD, and removes it.
#   GATEWAY_HOST, GATEWAY_REST_PORT (8080), GATEWAY_NBD_PORT (10809), GATEWAY_TOKEN,
#   GATEWAY_CERTIFICATE (REST speaks TLS and has this one, PEM), GATEWAY_CLASSES (the image's)
set -euo pipefail
LC_ALL=C

readonly HOST=$GATEWAY_HOST REST=${GATEWAY_REST_PORT:-8080} NBD=${GATEWAY_NBD_PORT:-10809}
readonly VOLUME=helm-test-$RANDOM-$RANDOM SCHEME=HTTP${GATEWAY_CERTIFICATE:+S}

die() {
    echo "FAILED: $*"
    exit 1
}

# Sends what it reads by TLS, and prints what is answered.
tls() {
    java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xmx16m \
        -cp "${GATEWAY_CLASSES:-/opt/fused-gateway/gateway.jar}" dev.fusedio.gateway.container.TlsExchange "$HOST" "$REST"
}

# request WANTED-STATUS METHOD PATH HEADERS BODY: leaves what was answered in ANSWER.
request() {
    local line status message
    printf -v message '%s /api/v1/volumes%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n%s' \
        "$2" "$3" "$HOST" "${GATEWAY_TOKEN:-}" "${#5}" "$4" "$5"
    if [ "$SCHEME" = HTTPS ]; then
        exec 3< <(printf %s "$message" | tls)
    else
        exec 3<>"/dev/tcp/$HOST/$REST"
        printf %s "$message" >&3
    fi
    read -r -t 20 -u 3 _ status _ || die "no answer to $2 $3"
    while read -r -t 20 -u 3 line && [ "$line" != $'\r' ]; do :; done
    ANSWER=
    read -r -t 20 -d '' -u 3 ANSWER || true
    exec 3>&-
    [ "$status" = "$1" ] || die "$2 $3 answered $status instead of $1: $ANSWER"
}

# A line of 512 bytes, which only $1 tells from others.
block() {
    local text
    printf -v text '%-511s' "$1"
    printf '%s\n' "${text// /.}"
}

# Opens the volume over NBD as descriptor 4; the length of its name has to be below 256.
open_nbd() {
    local greeting
    exec 4<>"/dev/tcp/$HOST/$NBD"
    read -r -t 20 -N 16 -u 4 greeting || die "NBD does not greet"
    [ "$greeting" = NBDMAGICIHAVEOPT ] || die "NBD greets with '$greeting'"
    printf "\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0\x$(printf %02x ${#VOLUME})%s" "$VOLUME" >&4
}

# nbd TYPE: a request for the first 512 bytes; a write (1) is followed by its data.
nbd() {
    printf "\x25\x60\x95\x13\0\0\0\\$1COOKIE-$1\0\0\0\0\0\0\0\0\0\0\2\0" >&4
}

remove() {
    request 204 DELETE "/$VOLUME?force=true" $'If-Match: *\r\n' ""
}

type=$'Content-Type: application/json\r\n'
request 201 POST "" "$type" "{\"name\": \"$VOLUME\", \"size\": \"1MiB\"}"
trap remove EXIT

open_nbd
nbd 1
block "written-over-NBD" >&4
# Requests may overtake each other. A reply is a magic, an error of four bytes and the cookie; read leaves out zeroes.
read -r -t 20 -d 1 -u 4 line || die "NBD does not answer"
[[ $line == *$'gDf\x98COOKIE-' ]] || die "NBD does not take the write"
nbd 0
read -r -t 20 -u 4 line || die "NBD does not answer"
[[ $line == *"written-over-NBD..."* ]] || die "NBD reads something else than it wrote"
request 206 GET "/$VOLUME/data" $'Range: bytes=0-511\r\n' ""
[[ $ANSWER == "written-over-NBD..."* ]] || die "$SCHEME reads something else than NBD wrote: $ANSWER"

request 204 PUT "/$VOLUME/data" $'Content-Range: bytes 0-511/*\r\n' "$(block "written-over-HTTP")"$'\n'
nbd 0
read -r -t 20 -u 4 line || die "NBD does not answer"
[[ $line == *"written-over-HTTP..."* ]] || die "NBD reads something else than $SCHEME wrote"
# A disconnect, so that the volume is free to be removed.
printf "\x25\x60\x95\x13\0\0\0\2COOKIE-2\0\0\0\0\0\0\0\0\0\0\0\0" >&4
read -r -t 20 -d '' -u 4 _ || true
exec 4>&-
echo "a volume was written and read over NBD and $SCHEME"

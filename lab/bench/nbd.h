/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the NBD protocol that the programs in this directory speak, and the client's handshake. Names are those of
 * the specification (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md). All numbers are big-endian on
 * the wire.
 */
#ifndef BENCH_NBD_H
#define BENCH_NBD_H

#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NBDMAGIC 0x4e42444d41474943ull
#define IHAVEOPT 0x49484156454f5054ull
#define NBD_REP_MAGIC 0x0003e889045565a9ull

#define NBD_FLAG_FIXED_NEWSTYLE 1
#define NBD_FLAG_NO_ZEROES 2

#define NBD_OPT_GO 7u
#define NBD_OPT_STRUCTURED_REPLY 8u
#define NBD_REP_ACK 1u
#define NBD_REP_INFO 3u
#define NBD_REP_ERR_UNSUP 0x80000001u
#define NBD_INFO_EXPORT 0

#define NBD_FLAG_HAS_FLAGS 1
#define NBD_FLAG_SEND_FLUSH 4
#define NBD_FLAG_SEND_FUA 8
#define NBD_FLAG_CAN_MULTI_CONN 256

#define NBD_REQUEST_MAGIC 0x25609513u
#define NBD_SIMPLE_REPLY_MAGIC 0x67446698u
#define NBD_STRUCTURED_REPLY_MAGIC 0x668e33efu

#define NBD_CMD_READ 0
#define NBD_CMD_WRITE 1
#define NBD_CMD_DISC 2
#define NBD_CMD_FLAG_FUA 1
#define NBD_REPLY_FLAG_DONE 1
#define NBD_REPLY_TYPE_ERROR_BIT 0x8000

enum { REQUEST_BYTES = 28, SIMPLE_REPLY_BYTES = 16, CHUNK_HEADER_BYTES = 20, OPTION_HEADER_BYTES = 16,
       OPTION_REPLY_BYTES = 20, GREETING_BYTES = 18 };

static inline uint16_t get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, sizeof v); return be16toh(v); }
static inline uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, sizeof v); return be32toh(v); }
static inline uint64_t get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, sizeof v); return be64toh(v); }
static inline void put16(uint8_t *p, uint16_t v) { v = htobe16(v); memcpy(p, &v, sizeof v); }
static inline void put32(uint8_t *p, uint32_t v) { v = htobe32(v); memcpy(p, &v, sizeof v); }
static inline void put64(uint8_t *p, uint64_t v) { v = htobe64(v); memcpy(p, &v, sizeof v); }

/* Reads exactly n bytes of a blocking socket. 0, or -1 when the peer has gone or failed. */
static inline int read_exactly(int fd, void *into, size_t n)
{
    for (uint8_t *p = into; n > 0;) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = ECONNRESET;
            return -1;
        }
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

/* Writes exactly n bytes to a blocking socket. 0, or -1. */
static inline int write_exactly(int fd, const void *from, size_t n)
{
    for (const uint8_t *p = from; n > 0;) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

static inline void encode_request(uint8_t *at, uint16_t flags, uint16_t type, uint64_t cookie, uint64_t offset,
                                  uint32_t length)
{
    put32(at, NBD_REQUEST_MAGIC);
    put16(at + 4, flags);
    put16(at + 6, type);
    put64(at + 8, cookie);
    put64(at + 16, offset);
    put32(at + 24, length);
}

/* Where a server listens. */
struct nbd_address {
    const char *unix_path; /* or NULL for TCP */
    const char *host;
    int port;
};

/* A connected blocking socket, or -1. */
static inline int nbd_connect(const struct nbd_address *where)
{
    if (where->unix_path != NULL) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        strncpy(name.sun_path, where->unix_path, sizeof name.sun_path - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
            return fd;
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char service[16];
    snprintf(service, sizeof service, "%d", where->port);
    if (getaddrinfo(where->host, service, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0;
    int why = errno, on = 1;
    freeaddrinfo(found);
    if (failed) {
        close(fd);
        errno = why;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static inline int nbd_send_option(int fd, uint32_t option, const void *data, uint32_t length)
{
    uint8_t header[OPTION_HEADER_BYTES];
    put64(header, IHAVEOPT);
    put32(header + 8, option);
    put32(header + 12, length);
    return write_exactly(fd, header, sizeof header) < 0 ? -1 : write_exactly(fd, data, length);
}

/* Fixed newstyle, up to transmission. Says in *structured, which asks for structured replies, whether they were granted.
 * 0, or -1 with errno: EACCES when the server refused the export, EPROTO when it isn't understood. */
static inline int nbd_handshake(int fd, const char *export_name, int *structured, uint64_t *size, uint16_t *flags)
{
    uint8_t buffer[4096], header[OPTION_REPLY_BYTES];
    if (read_exactly(fd, buffer, GREETING_BYTES) < 0)
        return -1;
    if (get64(buffer) != NBDMAGIC || get64(buffer + 8) != IHAVEOPT) {
        errno = EPROTO;
        return -1;
    }
    put32(buffer, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
    if (write_exactly(fd, buffer, 4) < 0)
        return -1;

    if (*structured) {
        if (nbd_send_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0) < 0 || read_exactly(fd, header, sizeof header) < 0)
            return -1;
        *structured = get32(header + 12) == NBD_REP_ACK;
        uint32_t text = get32(header + 16);
        if (text > sizeof buffer || read_exactly(fd, buffer, text) < 0)
            return -1;
    }

    size_t name = strlen(export_name); /* u32 length, name, u16 count of information requests */
    if (name + 6 > sizeof buffer) {
        errno = ENAMETOOLONG;
        return -1;
    }
    put32(buffer, (uint32_t)name);
    memcpy(buffer + 4, export_name, name);
    put16(buffer + 4 + name, 0);
    if (nbd_send_option(fd, NBD_OPT_GO, buffer, (uint32_t)name + 6) < 0)
        return -1;
    for (;;) {
        if (read_exactly(fd, header, sizeof header) < 0)
            return -1;
        uint32_t type = get32(header + 12), length = get32(header + 16);
        if (get64(header) != NBD_REP_MAGIC || length > sizeof buffer) {
            errno = EPROTO;
            return -1;
        }
        if (read_exactly(fd, buffer, length) < 0)
            return -1;
        if (type == NBD_REP_ACK)
            return 0;
        if (type != NBD_REP_INFO) {
            errno = EACCES;
            return -1;
        }
        if (length >= 12 && get16(buffer) == NBD_INFO_EXPORT) {
            *size = get64(buffer + 2);
            *flags = get16(buffer + 10);
        }
    }
}

#endif

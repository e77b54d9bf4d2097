/* SPDX-License-Identifier: Apache-2.0
 *
 * nbdlimit: the least that a server on one core can do for an NBD request on this machine. One recv(2) takes many
 * requests, pread(2) goes from the page cache straight into the stream of replies, one send(2) gives many replies. It
 * knows READ, WRITE and DISC, believes every number that it is sent, and looks at nothing else: a yardstick, not a
 * server. Never let it listen to anybody but nbdload.
 *
 * Build: cc -O2 -o nbdlimit nbdlimit.c; run: nbdlimit FILE PORT
 */
#define _GNU_SOURCE
#include "nbd.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

enum { RECEIVE_BYTES = 2 << 20, SEND_BYTES = 24 << 20, NBD_EIO = 5 };

struct client {
    int fd, waits_for_room;
    uint8_t *in, *out;
    size_t in_length, out_begin, out_end;
};

static int epoll, file;
static uint64_t file_size;

static void drop(struct client *c)
{
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static int reply_option(int fd, uint32_t option, uint32_t type, const uint8_t *data, uint32_t length)
{
    uint8_t header[OPTION_REPLY_BYTES];
    put64(header, NBD_REP_MAGIC);
    put32(header + 8, option);
    put32(header + 12, type);
    put32(header + 16, length);
    return write_exactly(fd, header, sizeof header) < 0 ? -1 : write_exactly(fd, data, length);
}

/* The handshake, blocking. 0 when transmission begins. */
static int shake_hands(int fd)
{
    uint8_t buffer[4096] = {0};
    put64(buffer, NBDMAGIC);
    put64(buffer + 8, IHAVEOPT);
    put16(buffer + 16, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
    if (write_exactly(fd, buffer, GREETING_BYTES) < 0 || read_exactly(fd, buffer, 4) < 0)
        return -1;
    for (;;) {
        uint8_t header[OPTION_HEADER_BYTES];
        if (read_exactly(fd, header, sizeof header) < 0)
            return -1;
        uint32_t option = get32(header + 8), length = get32(header + 12);
        if (length > sizeof buffer || read_exactly(fd, buffer, length) < 0)
            return -1;
        if (option == NBD_OPT_GO) {
            uint8_t info[12];
            put16(info, NBD_INFO_EXPORT);
            put64(info + 2, file_size);
            put16(info + 10, NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN);
            if (reply_option(fd, option, NBD_REP_INFO, info, sizeof info) < 0)
                return -1;
            return reply_option(fd, option, NBD_REP_ACK, NULL, 0);
        }
        if (reply_option(fd, option, NBD_REP_ERR_UNSUP, NULL, 0) < 0)
            return -1;
    }
}

static void accept_client(int listener)
{
    struct client *c = calloc(1, sizeof *c);
    int on = 1;
    if (c == NULL)
        exit(1);
    c->fd = accept(listener, NULL, NULL);
    c->in = malloc(RECEIVE_BYTES);
    c->out = malloc(SEND_BYTES);
    if (c->fd < 0 || c->in == NULL || c->out == NULL || shake_hands(c->fd) < 0) {
        drop(c);
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* Carries out whole requests while there is room for their replies. 0, or -1 when the client says good-bye. */
static int serve(struct client *c)
{
    size_t done = 0;
    int over = 0;
    while (c->in_length - done >= REQUEST_BYTES) {
        uint8_t *request = c->in + done;
        uint16_t type = get16(request + 6);
        uint64_t offset = get64(request + 16);
        uint32_t length = get32(request + 24);
        size_t payload = type == NBD_CMD_WRITE ? length : 0, data = type == NBD_CMD_READ ? length : 0;
        over = type == NBD_CMD_DISC;
        if (over || c->in_length - done < REQUEST_BYTES + payload
            || c->out_end + SIMPLE_REPLY_BYTES + data > SEND_BYTES)
            break;
        uint8_t *reply = c->out + c->out_end;
        ssize_t moved = type == NBD_CMD_READ ? pread(file, reply + SIMPLE_REPLY_BYTES, length, (off_t)offset)
                                             : pwrite(file, request + REQUEST_BYTES, payload, (off_t)offset);
        put32(reply, NBD_SIMPLE_REPLY_MAGIC);
        put32(reply + 4, moved == (ssize_t)(data + payload) ? 0 : NBD_EIO);
        memcpy(reply + 8, request + 8, 8); /* the cookie */
        c->out_end += SIMPLE_REPLY_BYTES + data;
        done += REQUEST_BYTES + payload;
    }
    memmove(c->in, c->in + done, c->in_length - done);
    c->in_length -= done;
    return over ? -1 : 0;
}

/* 0, or -1 when the client has gone. */
static int flush_out(struct client *c)
{
    while (c->out_begin < c->out_end) {
        ssize_t sent = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN)
                break;
            return -1;
        }
        c->out_begin += (size_t)sent;
    }
    int waits = c->out_begin < c->out_end;
    if (!waits)
        c->out_begin = c->out_end = 0;
    if (waits != c->waits_for_room) { /* and reads no more until there is room */
        struct epoll_event event = {.events = waits ? EPOLLOUT : EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        c->waits_for_room = waits;
    }
    return 0;
}

static void on_event(struct client *c)
{
    if (!c->waits_for_room) {
        ssize_t got = recv(c->fd, c->in + c->in_length, RECEIVE_BYTES - c->in_length, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            drop(c);
            return;
        }
        c->in_length += (size_t)got;
    }
    int over = serve(c);
    if (flush_out(c) < 0 || over < 0)
        drop(c);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("usage: nbdlimit FILE PORT\n", stderr);
        return 2;
    }
    struct stat status;
    file = open(arguments[1], O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) < 0) {
        perror(arguments[1]);
        return 1;
    }
    file_size = (uint64_t)status.st_size;

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(arguments[2])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("listen");
        return 1;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[128];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 128, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL)
                accept_client(listener);
            else
                on_event(events[i].data.ptr);
        }
    }
}

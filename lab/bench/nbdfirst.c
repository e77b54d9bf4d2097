/* SPDX-License-Identifier: Apache-2.0
 *
 * nbdfirst: how long a server takes from exec to its first answered request. It starts COMMAND, tries to connect every
 * millisecond, shakes hands, reads 4 KiB, and prints one JSON line: the milliseconds from just before exec to the last
 * byte of the reply, and the server's process number. The server is left running for whoever reads that line.
 *
 * Build: cc -O2 -o nbdfirst nbdfirst.c
 */
#define _GNU_SOURCE
#include "nbd.h"

#include <getopt.h>
#include <sys/wait.h>
#include <time.h>

enum { READ_BYTES = 4096 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Whether one read is answered; a server that isn't ready yet refuses at some step. */
static int try_request(const struct nbd_address *server, const char *export_name)
{
    int structured = 0, ok = 0, fd = nbd_connect(server);
    uint64_t size = 0;
    uint16_t flags = 0;
    uint8_t request[REQUEST_BYTES], reply[SIMPLE_REPLY_BYTES + READ_BYTES];
    if (fd < 0)
        return 0;
    encode_request(request, 0, NBD_CMD_READ, 1, 0, READ_BYTES);
    if (nbd_handshake(fd, export_name, &structured, &size, &flags) == 0
        && write_exactly(fd, request, sizeof request) == 0 && read_exactly(fd, reply, sizeof reply) == 0)
        ok = get32(reply) == NBD_SIMPLE_REPLY_MAGIC && get32(reply + 4) == 0;
    encode_request(request, 0, NBD_CMD_DISC, 2, 0, 0);
    if (ok)
        write_exactly(fd, request, sizeof request);
    close(fd);
    return ok;
}

int main(int count, char **arguments)
{
    struct nbd_address server = {.host = "127.0.0.1", .port = 10809};
    const char *export_name = "";
    double patience_ms = 600000;
    for (int o; (o = getopt(count, arguments, "+p:e:t:")) >= 0;) {
        switch (o) {
        case 'p': server.port = atoi(optarg); break;
        case 'e': export_name = optarg; break;
        case 't': patience_ms = atof(optarg) * 1e3; break;
        default: optind = count;
        }
    }
    if (optind >= count) {
        fputs("usage: nbdfirst [-p PORT] [-e EXPORT] [-t SECONDS TO WAIT] COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    if (try_request(&server, export_name)) {
        fprintf(stderr, "nbdfirst: something answers on port %d already\n", server.port);
        return 1;
    }
    double begin = now_ms();
    pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* the one line on standard output is ours */
        execvp(arguments[optind], arguments + optind);
        perror(arguments[optind]);
        _exit(127);
    }
    while (!try_request(&server, export_name)) {
        if (waitpid(child, NULL, WNOHANG) == child) {
            fputs("nbdfirst: the server ended\n", stderr);
            return 1;
        }
        if (now_ms() - begin > patience_ms) {
            fprintf(stderr, "nbdfirst: no answer in %.0f seconds; process %d goes on\n", patience_ms / 1e3, (int)child);
            return 1;
        }
        usleep(1000);
    }
    printf("{\"first_answer_ms\":%.1f,\"pid\":%d}\n", now_ms() - begin, (int)child);
    return 0;
}

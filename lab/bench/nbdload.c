/* SPDX-License-Identifier: Apache-2.0
 *
 * nbdload: a light NBD load generator. It has to cost less for a request than any server does, so that the server is
 * what is measured:
 *   - one epoll loop a thread, many connections a loop;
 *   - requests that become possible together leave in one send(2), replies come in one large recv(2);
 *   - the payload of large reads over TCP is dropped inside the kernel (MSG_TRUNC) and never copied here.
 * The queue of each connection is always full (a closed loop): every reply makes room for the next request. Latency is
 * from the moment a request is put into the send buffer to the moment its last reply byte was looked at.
 *
 * Build: cc -O2 -pthread -o nbdload nbdload.c
 */
#define _GNU_SOURCE
#include "nbd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>

static const char USAGE[] =
    "usage: nbdload [-u SOCKET | -h HOST -p PORT] [-e EXPORT] [OPTION...]\n"
    "  -c N  connections (1)             -q N  requests in flight on each (16)\n"
    "  -b N  bytes of a request (4096)   -r N  percentage of reads (100)\n"
    "  -s    sequential, not random      -z N  stay in the first N bytes\n"
    "  -f    writes with FUA             -S    ask for structured replies\n"
    "  -t N  seconds to measure (5)      -w N  seconds to warm up before (1)\n"
    "  -T N  threads (1)                 -P N  pin all threads to processor N\n"
    "  -k N  report the processor time of process N for a request\n";

static struct {
    struct nbd_address server;
    const char *export_name;
    int connections, depth, read_percent, seconds, warm_up, threads, cpu, sequential, fua, structured;
    pid_t server_pid;
    uint32_t block;
    uint64_t range;
} options = {
    .server = {.host = "127.0.0.1", .port = 10809},
    .export_name = "",
    .connections = 1, .depth = 16, .read_percent = 100, .seconds = 5, .warm_up = 1, .threads = 1, .cpu = -1,
    .block = 4096,
};

enum phase { WARM_UP, MEASURE, STOP };
static _Atomic int phase = WARM_UP;

enum {
    RECEIVE_BYTES = 1 << 20,
    BULK_BYTES = 64 << 10,    /* payloads from here on are dropped in the kernel where it can */
    BULK_PEEK_BYTES = 64,     /* and little is received ahead, so that they are still there to be dropped */
    PAYLOAD_MARK_BYTES = 64,  /* of a write's payload is filled anew; the rest stays as it was */
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "nbdload: %s: %s\n", what, strerror(errno));
    exit(2);
}

static _Noreturn void die_protocol(const char *what)
{
    fprintf(stderr, "nbdload: the server broke the protocol: %s\n", what);
    exit(2);
}

static void *must(void *memory)
{
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- latency: log-linear, 64 steps to each power of two, so at most 1.6 % wide ----------------------------------- */

enum { SUB_BITS = 6, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS };

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total, max;
};

static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (unsigned)((shift + 1) << SUB_BITS) + (unsigned)((ns >> shift) & (SUB - 1));
}

static uint64_t bucket_floor(unsigned bucket)
{
    if (bucket < SUB)
        return bucket;
    return (uint64_t)(SUB + (bucket & (SUB - 1))) << ((bucket >> SUB_BITS) - 1);
}

static void record(struct histogram *h, uint64_t ns)
{
    h->counts[bucket_of(ns)]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

static void merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    if (from->max > into->max)
        into->max = from->max;
}

static double quantile_us(const struct histogram *h, double q)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (h->total > 0 && (double)seen >= q * (double)h->total)
            return (double)bucket_floor(i) / 1e3;
    }
    return 0;
}

/* --- connections -------------------------------------------------------------------------------------------------- */

struct slot { /* a request in flight; its cookie is its place + 1 */
    uint64_t begun;
    int is_write, failed;
};

struct connection {
    int fd, is_tcp, structured, waits_for_room;
    uint64_t size, next_block;
    uint16_t flags;
    int in_flight;
    struct slot *slots;
    int *freed, freed_count; /* slots whose reply came in this round */
    uint8_t *in;
    size_t in_length;
    uint8_t *out;
    size_t out_begin, out_end, out_capacity;
    size_t payload_left;     /* of the reply that is being received */
    int payload_slot;        /* whose last bytes these are, or -1 when more chunks follow */
};

struct worker {
    pthread_t thread;
    struct connection *connections;
    int count, epoll;
    uint64_t random, answered, measured_bytes, errors;
    struct histogram latency;
};

static void open_connection(struct connection *c, int number)
{
    c->fd = nbd_connect(&options.server);
    if (c->fd < 0)
        die("connect");
    c->is_tcp = options.server.unix_path == NULL;
    c->structured = options.structured;
    if (nbd_handshake(c->fd, options.export_name, &c->structured, &c->size, &c->flags) < 0)
        die(errno == EACCES ? "the server refused the export" : "handshake");
    if (options.range == 0 || options.range > c->size)
        options.range = c->size;
    uint64_t blocks = options.range / options.block;
    if (blocks == 0)
        die_protocol("the export is smaller than one request");
    c->next_block = (uint64_t)number * (blocks / (uint64_t)options.connections);
    c->slots = must(calloc((size_t)options.depth, sizeof *c->slots));
    c->freed = must(calloc((size_t)options.depth, sizeof *c->freed));
    c->in = must(malloc(RECEIVE_BYTES));
    c->out_capacity = 2 * (size_t)options.depth * (REQUEST_BYTES + (size_t)options.block);
    c->out = must(calloc(1, c->out_capacity));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static uint64_t next_random(struct worker *w) /* xorshift64 */
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static void issue(struct worker *w, struct connection *c, int slot)
{
    int is_write = options.read_percent < 100 && (int)(next_random(w) % 100) >= options.read_percent;
    uint64_t blocks = options.range / options.block;
    uint64_t block = options.sequential ? c->next_block++ % blocks : next_random(w) % blocks;
    uint64_t offset = block * options.block;
    size_t bytes = REQUEST_BYTES + (is_write ? options.block : 0);

    if (c->out_end + bytes > c->out_capacity) { /* at most depth requests are unsent: half the buffer */
        memmove(c->out, c->out + c->out_begin, c->out_end - c->out_begin);
        c->out_end -= c->out_begin;
        c->out_begin = 0;
    }
    uint8_t *at = c->out + c->out_end;
    encode_request(at, is_write && options.fua ? NBD_CMD_FLAG_FUA : 0, is_write ? NBD_CMD_WRITE : NBD_CMD_READ,
                   (uint64_t)slot + 1, offset, options.block);
    if (is_write)
        memset(at + REQUEST_BYTES, (int)(block & 0xff),
               options.block < PAYLOAD_MARK_BYTES ? options.block : PAYLOAD_MARK_BYTES);
    c->out_end += bytes;
    c->slots[slot] = (struct slot){.begun = now_ns(), .is_write = is_write};
    c->in_flight++;
}

/* Sends what it can; asks epoll for room when something is left. */
static void flush_out(struct worker *w, struct connection *c)
{
    while (c->out_begin < c->out_end) {
        ssize_t sent = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN)
                break;
            die("send");
        }
        c->out_begin += (size_t)sent;
    }
    int waits = c->out_begin < c->out_end;
    if (!waits)
        c->out_begin = c->out_end = 0;
    if (waits != c->waits_for_room) {
        struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0u), .data.ptr = c};
        epoll_ctl(w->epoll, EPOLL_CTL_MOD, c->fd, &event);
        c->waits_for_room = waits;
    }
}

static void complete(struct worker *w, struct connection *c, int slot)
{
    const struct slot *s = &c->slots[slot];
    c->in_flight--;
    w->answered++;
    if (atomic_load_explicit(&phase, memory_order_relaxed) == MEASURE) {
        record(&w->latency, now_ns() - s->begun);
        w->measured_bytes += options.block;
        w->errors += (uint64_t)s->failed;
    }
    c->freed[c->freed_count++] = slot;
}

static int slot_of(uint64_t cookie)
{
    if (cookie == 0 || cookie > (uint64_t)options.depth)
        die_protocol("a reply to a request that was never made");
    return (int)(cookie - 1);
}

/* Takes one reply header from at; returns its length, or 0 when it hasn't arrived whole. */
static size_t take_header(struct worker *w, struct connection *c, const uint8_t *at, size_t available)
{
    if (available < SIMPLE_REPLY_BYTES)
        return 0;
    uint32_t magic = get32(at);
    int slot = slot_of(get64(at + 8));
    if (magic == NBD_SIMPLE_REPLY_MAGIC) {
        c->slots[slot].failed = get32(at + 4) != 0;
        if (c->slots[slot].is_write || c->slots[slot].failed) {
            complete(w, c, slot);
        } else {
            c->payload_left = options.block;
            c->payload_slot = slot;
        }
        return SIMPLE_REPLY_BYTES;
    }
    if (magic != NBD_STRUCTURED_REPLY_MAGIC || !c->structured)
        die_protocol("a reply that begins with no magic number");
    if (available < CHUNK_HEADER_BYTES)
        return 0;
    int last = (get16(at + 4) & NBD_REPLY_FLAG_DONE) != 0;
    if (get16(at + 6) & NBD_REPLY_TYPE_ERROR_BIT)
        c->slots[slot].failed = 1;
    c->payload_left = get32(at + 16);
    c->payload_slot = last ? slot : -1;
    if (c->payload_left == 0 && last)
        complete(w, c, slot);
    return CHUNK_HEADER_BYTES;
}

static void take_payload(struct worker *w, struct connection *c, size_t bytes)
{
    c->payload_left -= bytes;
    if (c->payload_left == 0 && c->payload_slot >= 0)
        complete(w, c, c->payload_slot);
}

static ssize_t receive(struct connection *c, void *into, size_t bytes, int flags)
{
    ssize_t got = recv(c->fd, into, bytes, flags | MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN)
        die("receive");
    if (got == 0)
        die_protocol("it closed the connection");
    return got;
}

static void on_readable(struct worker *w, struct connection *c)
{
    if (c->is_tcp && c->payload_left >= BULK_BYTES) {
        ssize_t dropped = receive(c, NULL, c->payload_left, MSG_TRUNC);
        if (dropped > 0)
            take_payload(w, c, (size_t)dropped);
        return;
    }
    size_t room = RECEIVE_BYTES - c->in_length;
    if (c->is_tcp && options.block >= BULK_BYTES && c->payload_left == 0 && c->in_length < BULK_PEEK_BYTES)
        room = BULK_PEEK_BYTES - c->in_length;
    ssize_t got = receive(c, c->in + c->in_length, room, 0);
    if (got < 0)
        return;
    c->in_length += (size_t)got;

    size_t done = 0, step = 1;
    while (step > 0) {
        size_t available = c->in_length - done;
        if (c->payload_left > 0) {
            step = available < c->payload_left ? available : c->payload_left;
            if (step > 0)
                take_payload(w, c, step);
        } else {
            step = take_header(w, c, c->in + done, available);
        }
        done += step;
    }
    memmove(c->in, c->in + done, c->in_length - done);
    c->in_length -= done;
}

static int is_over(const struct worker *w)
{
    if (phase != STOP)
        return 0;
    for (int i = 0; i < w->count; i++)
        if (w->connections[i].in_flight > 0)
            return 0;
    return 1;
}

static void *run(void *argument)
{
    struct worker *w = argument;
    if (options.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(options.cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) < 0)
            die("pin");
    }
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < w->count; i++) {
        struct connection *c = &w->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &event);
        for (int slot = 0; slot < options.depth; slot++)
            issue(w, c, slot);
        flush_out(w, c);
    }
    struct epoll_event events[64];
    while (!is_over(w)) {
        int ready = epoll_wait(w->epoll, events, 64, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            c->freed_count = 0;
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_readable(w, c);
            if (phase != STOP)
                for (int k = 0; k < c->freed_count; k++)
                    issue(w, c, c->freed[k]);
            flush_out(w, c);
        }
    }
    for (int i = 0; i < w->count; i++) {
        uint8_t request[REQUEST_BYTES];
        encode_request(request, 0, NBD_CMD_DISC, 0, 0, 0);
        fcntl(w->connections[i].fd, F_SETFL, 0);
        if (write_exactly(w->connections[i].fd, request, sizeof request) < 0)
            die("disconnect");
        close(w->connections[i].fd);
    }
    return NULL;
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

/* Processor time of a process and all its threads, kernel workers of its rings included; 0 when unknown. */
static double cpu_seconds(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    if (pid <= 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    char *after_name = fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
    fclose(f);
    /* proc_pid_stat(5): fields 14 and 15; the first after the name is the third */
    if (after_name == NULL
        || sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0' || end == text || *text == '-' || value < min || value > max) {
        fprintf(stderr, "nbdload: '%s' is not a number from %" PRIu64 " to %" PRIu64 "\n%s", text, min, max, USAGE);
        exit(2);
    }
    return value;
}

static void parse_options(int count, char **arguments)
{
    for (int o; (o = getopt(count, arguments, "u:h:p:e:c:q:b:r:z:t:w:T:P:k:sfS")) >= 0;) {
        switch (o) {
        case 'u': options.server.unix_path = optarg; break;
        case 'h': options.server.host = optarg; break;
        case 'p': options.server.port = (int)number(optarg, 1, 65535); break;
        case 'e': options.export_name = optarg; break;
        case 'c': options.connections = (int)number(optarg, 1, 65536); break;
        case 'q': options.depth = (int)number(optarg, 1, 65536); break;
        case 'b': options.block = (uint32_t)number(optarg, 1, 32 << 20); break;
        case 'r': options.read_percent = (int)number(optarg, 0, 100); break;
        case 'z': options.range = number(optarg, 1, UINT64_MAX); break;
        case 't': options.seconds = (int)number(optarg, 1, 86400); break;
        case 'w': options.warm_up = (int)number(optarg, 0, 86400); break;
        case 'T': options.threads = (int)number(optarg, 1, 1024); break;
        case 'P': options.cpu = (int)number(optarg, 0, CPU_SETSIZE - 1); break;
        case 'k': options.server_pid = (pid_t)number(optarg, 1, INT32_MAX); break;
        case 's': options.sequential = 1; break;
        case 'f': options.fua = 1; break;
        case 'S': options.structured = 1; break;
        default: fputs(USAGE, stderr); exit(2);
        }
    }
    if (optind < count) {
        fprintf(stderr, "nbdload: unexpected argument '%s'\n%s", arguments[optind], USAGE);
        exit(2);
    }
    if (options.threads > options.connections)
        options.threads = options.connections;
}

static void start_workers(struct worker *workers, struct connection *connections)
{
    int first = 0;
    for (int i = 0; i < options.threads; i++) {
        struct worker *w = &workers[i];
        w->connections = connections + first;
        w->count = options.connections / options.threads + (i < options.connections % options.threads);
        w->random = 88172645463325252ull + (uint64_t)i * 7919; /* the same requests in every run */
        first += w->count;
        if ((errno = pthread_create(&w->thread, NULL, run, w)) != 0)
            die("start a thread");
    }
}

static void report(const struct worker *workers, const struct connection *first, double seconds, double cpu)
{
    struct histogram *all = must(calloc(1, sizeof *all));
    uint64_t bytes = 0, errors = 0, answered = 0;
    for (int i = 0; i < options.threads; i++) {
        merge(all, &workers[i].latency);
        bytes += workers[i].measured_bytes;
        errors += workers[i].errors;
        answered += workers[i].answered;
    }
    printf("{\"iops\":%.0f,\"mib_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,"
           "\"errors\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"cpu_us\":%.3f,\"size\":%" PRIu64 ",\"flags\":%u}\n",
           (double)all->total / seconds, (double)bytes / seconds / 1048576, quantile_us(all, .5), quantile_us(all, .99),
           quantile_us(all, .999), (double)all->max / 1e3, errors, answered,
           all->total > 0 ? cpu * 1e6 / (double)all->total : 0, first->size, first->flags);
    exit(all->total > 0 ? 0 : 1);
}

int main(int count, char **arguments)
{
    parse_options(count, arguments);
    struct connection *connections = must(calloc((size_t)options.connections, sizeof *connections));
    struct worker *workers = must(calloc((size_t)options.threads, sizeof *workers));
    for (int i = 0; i < options.connections; i++)
        open_connection(&connections[i], i);
    start_workers(workers, connections);

    sleep((unsigned)options.warm_up);
    double cpu = cpu_seconds(options.server_pid);
    uint64_t begin = now_ns();
    phase = MEASURE;
    sleep((unsigned)options.seconds);
    phase = STOP;
    uint64_t end = now_ns();
    cpu = cpu_seconds(options.server_pid) - cpu;

    for (int i = 0; i < options.threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, &connections[0], (double)(end - begin) / 1e9, cpu);
}

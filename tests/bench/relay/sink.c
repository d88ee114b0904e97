/* Many recorders in one process, which check every byte: `sink CONTROL FRAGMENTS PAYLOAD`.
 *
 * CONTROL is the descriptor of a SOCK_SEQPACKET socket. Commands, each answered with one packet of JSON:
 * "add ID GROUP" with a connection beside it (SCM_RIGHTS); "hold ID" and "resume ID": stops reading, reads again;
 * "mark": what came since the last mark, per group; "each": the totals of each connection. A connection may begin
 * anywhere in a stream; from then on each packet must follow the one before, and a gap is counted as lost. */
#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, GROUPS = 2, READ = 256 << 10, BINS = 50000, BIN_NS = 10000 };

struct connection {
    int fd;
    unsigned group;
    bool open, known;
    uint32_t stream;
    uint64_t next;                 /* index of the packet that is to come */
    uint32_t sequence, stamp, ssrc; /* RTP sequence number and time stamp less those of the stream */
    uint64_t bytes, packets, lost, damaged, mixed, frames, reports, messages;
    uint8_t tail[INTERLEAVED + 65536];
    size_t kept;
};

struct group {
    uint64_t bytes, packets, longest;
    uint32_t bins[BINS];
};

static struct connection *connections[MAX_CONNECTIONS];
static struct group groups[GROUPS];
static struct shape shape;
static int poller;
static uint8_t space[sizeof((struct connection *)0)->tail + READ];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void count_latency(struct group *g, uint64_t made, uint64_t now) {
    uint64_t taken = now > made ? now - made : 0, bin = taken / BIN_NS;
    g->bins[bin < BINS ? bin : BINS - 1]++;
    if (taken > g->longest) g->longest = taken;
}

static unsigned from_hex(const uint8_t *at, int digits, uint64_t *value) {
    char text[24];
    memcpy(text, at, (size_t)digits), text[digits] = 0;
    char *end;
    *value = strtoull(text, &end, 16);
    return *end == 0;
}

/* What a packet says of itself. False when it says nothing that can be read. */
static bool introduce(const uint8_t *payload, size_t size, uint32_t *stream, uint64_t *index) {
    if ((payload[0] & 0x1f) == 28) {
        if (size != shape.payload) return false;
        memcpy(stream, payload + FU + 8, 4);
        memcpy(index, payload + FU + 12, 8);
        return true;
    }
    uint64_t channel, frame;
    if (size < MARK || !from_hex(payload + size - 20, 2, &channel) || !from_hex(payload + size - 17, 16, &frame))
        return false;
    *stream = (uint32_t)channel;
    *index = frame * (shape.fragments + 1);
    return true;
}

/* Whether all of it is as it was sent but for sequence number, time stamp and SSRC, which a relay may move. */
static bool is_whole(const struct connection *c, const uint8_t *rtp, size_t size) {
    const uint8_t *payload = rtp + RTP;
    unsigned part = part_of(&shape, c->next);
    if (rtp[0] != 0x80 || rtp[1] != (uint8_t)(96 | (part == shape.fragments ? 0x80 : 0))) return false;
    if (get16(rtp + 2) != ((c->sequence + c->next) & 0xffff) || get32(rtp + 8) != c->ssrc) return false;
    if (get32(rtp + 4) != c->stamp + (uint32_t)(frame_of(&shape, c->next) * CLOCK_PER_FRAME)) return false;
    if (part == 0) {
        uint8_t mark[128];
        return size == RTP + put_mark(mark, c->stream, frame_of(&shape, c->next)) && !memcmp(payload, mark, size - RTP);
    }
    uint8_t fu[FU];
    put_fu(fu, &shape, c->next);
    return size == RTP + shape.payload && !memcmp(payload, fu, FU) &&
           !memcmp(payload + FU + META, pattern_of(c->stream, c->next), shape.payload - FU - META);
}

static void take_rtp(struct connection *c, const uint8_t *rtp, size_t size, uint64_t now) {
    struct group *g = &groups[c->group];
    uint32_t stream;
    uint64_t index;
    c->packets++, g->packets++;
    if (size < RTP + 2 || !introduce(rtp + RTP, size - RTP, &stream, &index)) {
        c->damaged++;
        return;
    }
    if (c->known && stream != c->stream) {
        c->mixed++;
        return;
    }
    if (!c->known || index != c->next) {
        if (c->known && index < c->next) {
            c->mixed++;
            return;
        }
        if (c->known) c->lost += index - c->next;
        c->known = true;
        c->stream = stream, c->next = index;
        c->sequence = get16(rtp + 2) - (uint32_t)index;
        c->stamp = get32(rtp + 4) - (uint32_t)(frame_of(&shape, index) * CLOCK_PER_FRAME);
        c->ssrc = get32(rtp + 8);
    }
    if (!is_whole(c, rtp, size)) c->damaged++;
    if (part_of(&shape, index) == shape.fragments) c->frames++;
    if (part_of(&shape, index) != 0) {
        uint64_t made;
        memcpy(&made, rtp + RTP + FU, 8);
        count_latency(g, made, now);
    }
    c->next++;
}

/* Whole frames and messages of `data`; the rest is kept. */
static void take(struct connection *c, const uint8_t *data, size_t size, uint64_t now) {
    while (size >= INTERLEAVED) {
        size_t used;
        if (data[0] == '$') {
            used = INTERLEAVED + get16(data + 2);
            if (size < used) break;
            if (data[1] == 0)
                take_rtp(c, data + INTERLEAVED, used - INTERLEAVED, now);
            else
                c->reports++;
        } else { /* an answer to a request that the harness wrote; it has no body */
            const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
            if (data[0] != 'R' || (!end && size > 8192)) {
                c->damaged++;
                used = 1;
            } else if (!end) {
                break;
            } else {
                used = (size_t)(end - data) + 4;
                c->messages++;
            }
        }
        data += used, size -= used;
    }
    c->kept = size;
    memcpy(c->tail, data, size);
}

static void hear(struct connection *c) {
    memcpy(space, c->tail, c->kept);
    ssize_t n = recv(c->fd, space + c->kept, READ, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return;
        close(c->fd);
        c->open = false;
        return;
    }
    c->bytes += (uint64_t)n, groups[c->group].bytes += (uint64_t)n;
    take(c, space, c->kept + (size_t)n, now_ns());
}

static unsigned quantile_us(const struct group *g, double q) {
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < BINS; i++) total += g->bins[i];
    for (unsigned i = 0; i < BINS; i++)
        if ((seen += g->bins[i]) > (uint64_t)((double)total * q)) return (i + 1) * (BIN_NS / 1000);
    return 0;
}

static struct connection *called(const char *id) {
    unsigned number = (unsigned)atoi(id);
    if (number >= MAX_CONNECTIONS || !connections[number]) die("no such connection");
    return connections[number];
}

static void add(const char *words, int fd) {
    unsigned id, group;
    if (fd < 0 || sscanf(words, "%u %u", &id, &group) != 2 || id >= MAX_CONNECTIONS || group >= GROUPS) die("add");
    struct connection *c = connections[id] = calloc(1, sizeof *c);
    if (!c) die("calloc");
    c->fd = fd, c->group = group, c->open = true;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static size_t say_groups(char *at, size_t room) {
    size_t n = (size_t)snprintf(at, room, "[");
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &groups[i];
        n += (size_t)snprintf(at + n, room - n,
                              "%s{\"bytes\": %llu, \"packets\": %llu, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %llu}",
                              i ? ", " : "", (unsigned long long)g->bytes, (unsigned long long)g->packets,
                              quantile_us(g, 0.5), quantile_us(g, 0.99), (unsigned long long)g->longest / 1000);
        memset(g, 0, sizeof *g);
    }
    return n + (size_t)snprintf(at + n, room - n, "]");
}

static size_t say_each(char *at, size_t room) {
    size_t n = (size_t)snprintf(at, room, "[");
    for (unsigned i = 0; i < MAX_CONNECTIONS; i++) {
        const struct connection *c = connections[i];
        if (!c) continue;
        n += (size_t)snprintf(at + n, room - n, "%s[%u,%d,%d,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu]", n > 1 ? "," : "",
                              i, c->open, c->known ? (int)c->stream : -1, (unsigned long long)c->bytes,
                              (unsigned long long)c->packets, (unsigned long long)c->frames, (unsigned long long)c->lost,
                              (unsigned long long)c->damaged, (unsigned long long)c->mixed,
                              (unsigned long long)c->reports, (unsigned long long)c->messages);
    }
    return n + (size_t)snprintf(at + n, room - n, "]");
}

static void obey(int control) {
    static char text[160 << 10];
    char command[64] = "";
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } beside;
    struct iovec part = {command, sizeof command - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &beside, .msg_controllen = sizeof beside};
    ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    if (n <= 0) exit(0);
    int fd = -1;
    struct cmsghdr *given = CMSG_FIRSTHDR(&message);
    if (given && given->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(given), sizeof fd);
    size_t size = (size_t)snprintf(text, sizeof text, "{}");
    if (!strncmp(command, "add ", 4)) {
        add(command + 4, fd);
    } else if (!strncmp(command, "hold ", 5)) {
        epoll_ctl(poller, EPOLL_CTL_DEL, called(command + 5)->fd, NULL);
    } else if (!strncmp(command, "resume ", 7)) {
        struct connection *c = called(command + 7);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    } else if (!strcmp(command, "mark")) {
        size = say_groups(text, sizeof text);
    } else if (!strcmp(command, "each")) {
        size = say_each(text, sizeof text);
    }
    if (send(control, text, size, MSG_NOSIGNAL) < 0) exit(0);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: sink CONTROL FRAGMENTS PAYLOAD\n");
        return 2;
    }
    int control = atoi(argv[1]);
    shape = (struct shape){(unsigned)atoi(argv[2]), (unsigned)atoi(argv[3])};
    make_pattern();
    prctl(PR_SET_PDEATHSIG, 9);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
    epoll_ctl(poller, EPOLL_CTL_ADD, control, &event);
    for (;;) {
        int n = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c)
                obey(control);
            else if (c->open)
                hear(c);
        }
    }
}

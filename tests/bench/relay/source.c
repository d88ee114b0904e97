/* Many cameras in one process: `source CONTROL HOST PORT rtsp|plain PACED FLAT FRAGMENTS PAYLOAD PER_TURN TURN_NS`.
 *
 * CONTROL is the descriptor of a SOCK_SEQPACKET socket. Streams 0…PACED-1 send PER_TURN fragments every TURN_NS, one
 * send() each as encoders do, spread evenly over that time; streams from PACED on send as fast as they are read, as a
 * download does: 64 KiB at once. "plain": the nth connection is stream n and flows from "go" on. "rtsp":
 * rtsp://HOST:PORT/N is stream N, which begins with a frame at once after PLAY. A sender report goes out every 5 s.
 * Commands: "go", "stop" (at the end of a packet), "pace PER_TURN TURN_NS" and "state"; all are answered with the state
 * as JSON. */
#define _GNU_SOURCE
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PEERS = 1024, PENDING = 1 << 20, CHUNK = 64 << 10, REQUEST = 8192 };
static const uint64_t REPORT_NS = 5000000000u, MOST_LATE_NS = 100000000u;

struct peer {
    int fd;
    uint32_t stream;
    bool playing, flat, wants_out;
    uint64_t index, octets, report_at;
    uint8_t *pending;
    size_t begin, end;
    char request[REQUEST + 1];
    size_t asked;
};

static struct peer *peers[MAX_PEERS];
static unsigned peer_count, accepted, paced, flat, per_turn;
static struct shape shape;
static bool speaks_rtsp;
static int poller;
static uint64_t turn_ns, turn, due_ns, held_turns, latest_ns, sent_packets, sent_bytes;
static const char *host;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct peer *p) {
    struct epoll_event event = {.events = EPOLLIN | (p->wants_out ? EPOLLOUT : 0), .data.ptr = p};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, p->fd, &event) < 0) die("epoll_ctl");
}

static void leave(struct peer *p) {
    for (unsigned i = 0; i < peer_count; i++)
        if (peers[i] == p) {
            peers[i] = peers[--peer_count];
            break;
        }
    close(p->fd);
    free(p->pending);
    free(p);
}

static void want_out(struct peer *p, bool wanted) {
    if (p->wants_out != wanted) {
        p->wants_out = wanted;
        watch(p);
    }
}

/* False when the peer is gone (its owner learns it from epoll). */
static bool flush(struct peer *p) {
    while (p->begin < p->end) {
        ssize_t n = send(p->fd, p->pending + p->begin, p->end - p->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            want_out(p, errno == EAGAIN);
            return errno == EAGAIN;
        }
        p->begin += (size_t)n;
    }
    p->begin = p->end = 0;
    return true;
}

/* Behind what waits already. False when there is no room. */
static bool give(struct peer *p, const void *data, size_t size) {
    if (p->begin == p->end) {
        ssize_t n = send(p->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return true; /* epoll tells that it is gone */
        size_t done = n < 0 ? 0 : (size_t)n;
        if (done == size) return true;
        data = (const uint8_t *)data + done, size -= done;
    }
    if (p->end + size > PENDING) {
        memmove(p->pending, p->pending + p->begin, p->end - p->begin);
        p->end -= p->begin, p->begin = 0;
        if (p->end + size > PENDING) return false;
    }
    memcpy(p->pending + p->end, data, size);
    p->end += size;
    want_out(p, true);
    return true;
}

static size_t put_next(struct peer *p, uint8_t *at, uint64_t now) {
    size_t size = put_packet(at, &shape, p->stream, p->index++, now);
    p->octets += size - INTERLEAVED - RTP;
    sent_packets++, sent_bytes += size;
    return size;
}

/* SR and SDES with CNAME (RFC 3550 section 6.4.1) on channel 1. */
static size_t put_report(struct peer *p, uint8_t *at) {
    uint32_t ssrc = 0x5a000000u | p->stream;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    memset(at, 0, 64);
    at[0] = '$', at[1] = 1, put16(at + 2, 28 + 16);
    uint8_t *sr = at + INTERLEAVED;
    put16(sr, 0x80c8), put16(sr + 2, 6), put32(sr + 4, ssrc);
    put32(sr + 8, (uint32_t)(t.tv_sec + 2208988800)), put32(sr + 12, (uint32_t)((double)t.tv_nsec * 4.294967296));
    put32(sr + 16, (uint32_t)(frame_of(&shape, p->index) * CLOCK_PER_FRAME));
    put32(sr + 20, (uint32_t)p->index), put32(sr + 24, (uint32_t)p->octets);
    uint8_t *sdes = sr + 28;
    put16(sdes, 0x81ca), put16(sdes + 2, 3), put32(sdes + 4, ssrc);
    sdes[8] = 1, sdes[9] = 3, memcpy(sdes + 10, "cam", 3); /* and its end, padded */
    return INTERLEAVED + 28 + 16;
}

static void report_if_due(struct peer *p, uint64_t now) {
    uint8_t packet[64];
    if (now < p->report_at || part_of(&shape, p->index) != 0) return;
    p->report_at = now + REPORT_NS;
    give(p, packet, put_report(p, packet));
}

static void take_turn(struct peer *p, unsigned fragments) {
    uint8_t packets[2 * MAX_PACKET];
    report_if_due(p, now_ns());
    if (p->end - p->begin > PENDING / 2) {
        held_turns++;
        return;
    }
    while (fragments--) {
        uint64_t now = now_ns();
        size_t size = 0;
        if (part_of(&shape, p->index) == 0) size = put_next(p, packets, now);
        size += put_next(p, packets + size, now);
        give(p, packets, size);
    }
}

static void pour(struct peer *p) {
    for (int chunks = 0; chunks < 4; chunks++) {
        if (!flush(p) || p->begin < p->end) return;
        uint64_t now = now_ns();
        report_if_due(p, now);
        while (p->end < CHUNK) p->end += put_next(p, p->pending + p->end, now);
    }
    flush(p);
}

static void play(struct peer *p) {
    p->flat = p->stream >= paced;
    p->playing = true;
    p->report_at = now_ns() + REPORT_NS * (p->stream % 64 + 1) / 64;
    if (p->flat)
        want_out(p, true);
    else if (speaks_rtsp)
        take_turn(p, shape.fragments);
}

/* RTSP ---------------------------------------------------------------------------------------------------------- */

static void answer(struct peer *p, const char *url) {
    char headers[512] = "", body[512] = "", text[2048];
    const char *path = strstr(url, "://"), *cseq = strcasestr(p->request, "\r\nCSeq:");
    path = path ? strchr(path + 3, '/') : NULL;
    bool starts = !strncmp(p->request, "PLAY ", 5);
    if (path) p->stream = (uint32_t)atoi(path + 1);
    if (!strncmp(p->request, "DESCRIBE ", 9)) {
        snprintf(body, sizeof body,
                 "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                 "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42C01F;"
                 "sprop-parameter-sets=Z0LAH9oBQBbk,aM44gA==\r\na=framerate:25\r\na=control:track1\r\n",
                 host);
        snprintf(headers, sizeof headers,
                 "Content-Type: application/sdp\r\nContent-Base: %.256s/\r\nContent-Length: %zu\r\n", url, strlen(body));
    } else if (!strncmp(p->request, "SETUP ", 6)) {
        snprintf(headers, sizeof headers, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    } else if (!strncmp(p->request, "OPTIONS ", 8)) {
        snprintf(headers, sizeof headers, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n");
    } else if (!strncmp(p->request, "TEARDOWN ", 9)) {
        p->playing = false;
    }
    snprintf(text, sizeof text, "RTSP/1.0 200 OK\r\nCSeq: %d\r\nSession: 1;timeout=60\r\n%s\r\n%s",
             cseq ? atoi(cseq + 7) : 0, headers, body);
    give(p, text, strlen(text));
    if (starts && !p->playing) play(p);
}

/* Requests in order; interleaved packets of the client (receiver reports) are thrown away. */
static void understand(struct peer *p) {
    for (;;) {
        size_t used;
        if (p->asked && p->request[0] == '$') {
            used = p->asked < 4 ? REQUEST : INTERLEAVED + get16((uint8_t *)p->request + 2);
            if (p->asked < used) return;
        } else {
            p->request[p->asked] = 0;
            char *end = strstr(p->request, "\r\n\r\n"), url[300] = "";
            if (!end) return;
            used = (size_t)(end - p->request) + 4;
            sscanf(p->request, "%*s %299s", url);
            answer(p, url);
        }
        memmove(p->request, p->request + used, p->asked -= used);
    }
}

static void hear(struct peer *p) {
    ssize_t n = recv(p->fd, p->request + p->asked, REQUEST - p->asked, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return;
        leave(p);
        return;
    }
    p->asked += (size_t)n;
    if (speaks_rtsp)
        understand(p);
    else
        p->asked = 0;
}

/* The loop ------------------------------------------------------------------------------------------------------- */

static void meet(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
    if (fd < 0) return;
    struct peer *p = calloc(1, sizeof *p);
    if (!p || peer_count == MAX_PEERS || !(p->pending = malloc(PENDING + CHUNK))) die("too many connections");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->fd = fd;
    p->stream = speaks_rtsp ? 0 : accepted;
    accepted++;
    peers[peer_count++] = p;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void obey(int control) {
    char command[64] = "", text[512];
    ssize_t n = recv(control, command, sizeof command - 1, 0);
    if (n <= 0) exit(0);
    unsigned playing = 0;
    if (!strcmp(command, "go"))
        for (unsigned i = 0; i < peer_count; i++)
            if (!peers[i]->playing) play(peers[i]);
    if (!strcmp(command, "stop"))
        for (unsigned i = 0; i < peer_count; i++) peers[i]->playing = false;
    sscanf(command, "pace %u %" SCNu64, &per_turn, &turn_ns);
    for (unsigned i = 0; i < peer_count; i++) playing += peers[i]->playing;
    snprintf(text, sizeof text,
             "{\"connections\": %u, \"playing\": %u, \"packets\": %llu, \"bytes\": %llu, \"held_turns\": %llu, "
             "\"latest_us\": %llu}",
             peer_count, playing, (unsigned long long)sent_packets, (unsigned long long)sent_bytes,
             (unsigned long long)held_turns, (unsigned long long)latest_ns / 1000);
    latest_ns = 0;
    if (send(control, text, strlen(text), MSG_NOSIGNAL) < 0) exit(0);
}

static void take_due_turns(void) {
    uint64_t now = now_ns();
    if (due_ns + MOST_LATE_NS < now) { /* cameras make no frames up */
        if (now - due_ns > latest_ns) latest_ns = now - due_ns;
        due_ns = now;
    }
    for (; due_ns <= now; due_ns += turn_ns / paced, turn++) {
        if (now - due_ns > latest_ns) latest_ns = now - due_ns;
        for (unsigned i = 0; i < peer_count; i++)
            if (peers[i]->playing && peers[i]->stream == turn % paced) take_turn(peers[i], per_turn);
    }
}

int main(int argc, char **argv) {
    if (argc != 11) {
        fprintf(stderr, "usage: source CONTROL HOST PORT rtsp|plain PACED FLAT FRAGMENTS PAYLOAD PER_TURN TURN_NS\n");
        return 2;
    }
    int control = atoi(argv[1]), one = 1;
    host = argv[2];
    speaks_rtsp = !strcmp(argv[4], "rtsp");
    paced = (unsigned)atoi(argv[5]), flat = (unsigned)atoi(argv[6]);
    shape = (struct shape){(unsigned)atoi(argv[7]), (unsigned)atoi(argv[8])};
    per_turn = (unsigned)atoi(argv[9]), turn_ns = strtoull(argv[10], NULL, 10);
    make_pattern();
    prctl(PR_SET_TIMERSLACK, 1);
    prctl(PR_SET_PDEATHSIG, 9);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die(host);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 512) < 0) die("listen");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &control;
    epoll_ctl(poller, EPOLL_CTL_ADD, control, &event);
    obey(control); /* tells that it listens */
    due_ns = now_ns();
    for (;;) {
        struct timespec wait = {0, 20000000};
        if (paced) {
            take_due_turns();
            uint64_t now = now_ns();
            wait.tv_nsec = due_ns <= now ? 0 : due_ns - now < 20000000 ? (long)(due_ns - now) : 20000000;
        }
        int n = epoll_pwait2(poller, events, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (!p)
                meet(listener);
            else if ((void *)p == &control)
                obey(control);
            else if (events[i].events & EPOLLIN)
                hear(p); /* may free it: what else there is comes with the next round */
            else if (events[i].events & (EPOLLHUP | EPOLLERR))
                leave(p);
            else if (p->flat && p->playing)
                pour(p);
            else if (flush(p) && p->begin == p->end)
                want_out(p, false);
        }
    }
}

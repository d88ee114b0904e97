/* The least that a relay can cost which ends TCP on both sides: `splice LISTEN_PORT HOST PORT`, on 127.0.0.1.
 *
 * One thread, one epoll, one pipe of 1 MiB for all connections; bytes move by splice(2) and never enter this process.
 * When a receiver does not take all, the pipe becomes its sender's until it is empty, and there is a new one. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE = 1 << 20 };

struct side {
    int fd;
    struct side *other;
    int pipe[2];    /* of its own, while the other side is full: */
    size_t held;    /* bytes in it */
    bool dead;
};

static int poller, shared[2];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct side *s, int how) {
    unsigned wanted = (s->held ? 0 : (unsigned)EPOLLIN) | (s->other->held ? (unsigned)EPOLLOUT : 0);
    struct epoll_event event = {.events = wanted, .data.ptr = s};
    if (epoll_ctl(poller, how, s->fd, &event) < 0) die("epoll_ctl");
}

static void make_pipe(int *made) {
    if (pipe2(made, O_NONBLOCK | O_CLOEXEC) < 0) die("pipe2");
    if (fcntl(made[1], F_SETPIPE_SZ, PIPE) < 0) perror("F_SETPIPE_SZ");
}

static void end(struct side *s) {
    for (int i = 0; i < 2; i++, s = s->other) {
        if (s->dead) continue;
        s->dead = true; /* its memory stays: another event of this round may name it */
        close(s->fd);
        if (s->held) close(s->pipe[0]), close(s->pipe[1]);
    }
}

/* The pipe that was the shared one belongs to `from` until it is empty. */
static void keep(struct side *from, size_t held) {
    from->pipe[0] = shared[0], from->pipe[1] = shared[1], from->held = held;
    make_pipe(shared);
    watch(from, EPOLL_CTL_MOD);
    watch(from->other, EPOLL_CTL_MOD);
}

static void drain(struct side *from) {
    ssize_t n = splice(from->pipe[0], NULL, from->other->fd, NULL, from->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0) {
        if (errno != EAGAIN) end(from);
        return;
    }
    if (from->held -= (size_t)n) return;
    close(from->pipe[0]), close(from->pipe[1]);
    watch(from, EPOLL_CTL_MOD);
    watch(from->other, EPOLL_CTL_MOD);
}

static void carry(struct side *from) {
    ssize_t n = splice(from->fd, NULL, shared[1], NULL, PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) end(from);
        return;
    }
    size_t left = (size_t)n;
    while (left) {
        n = splice(shared[0], NULL, from->other->fd, NULL, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EAGAIN) {
            keep(from, left);
            return;
        }
        if (n <= 0) { /* what is left in it is nobody's */
            end(from);
            close(shared[0]), close(shared[1]);
            make_pipe(shared);
            return;
        }
        left -= (size_t)n;
    }
}

static void meet(int listener, const struct sockaddr_in *target) {
    int one = 1, client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(server, (const struct sockaddr *)target, sizeof *target) < 0) {
        close(client), close(server);
        return;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    struct side *both = calloc(2, sizeof *both);
    if (!both) die("calloc");
    both[0].fd = client, both[1].fd = server;
    both[0].other = &both[1], both[1].other = &both[0];
    for (int i = 0; i < 2; i++) {
        setsockopt(both[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(&both[i], EPOLL_CTL_ADD);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: splice LISTEN_PORT HOST PORT\n");
        return 2;
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))}, target = here;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = htons((uint16_t)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &target.sin_addr) != 1) die(argv[2]);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 512) < 0) die("listen");
    prctl(PR_SET_PDEATHSIG, 9);
    make_pipe(shared);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct side *s = events[i].data.ptr;
            if (!s)
                meet(listener, &target);
            else if (s->dead)
                continue;
            else if (events[i].events & (EPOLLERR | EPOLLHUP))
                end(s);
            else if (events[i].events & EPOLLOUT && s->other->held)
                drain(s->other);
            else if (events[i].events & EPOLLIN && !s->held)
                carry(s);
        }
    }
}

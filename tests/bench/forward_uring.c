/* SPDX-License-Identifier: ISC */
/*
 * forward.c with io_uring below it: the same program, in which the linker puts the functions at the end of this file in the
 * place of the calls of their names (--wrap). A trial, whose figures are in docs/performance.md.
 *
 * Packets are read ahead into buffers that the kernel has been given, by one request for the interface and one for each socket
 * that go on for ever (multishot). Whoever asks for a packet gets the buffer itself, nothing is copied. What is
 * sent and written is noted, and handed over together with the next wait, so that a round takes one system call.
 *
 * Memory that the kernel may still read or fill stays untouched: a buffer is given back at the next wait, after
 * what points into it; the area that a batch was sealed in and the messages around it change from batch to batch, and when
 * all of them were used, everything is handed over.
 *
 * The words of FORWARD_URING choose: "coop" instead of a ring whose completions wait until they are asked
 * for, "sqpoll" for a thread of the kernel that looks for requests, "oneshot" for requests that end with their packet,
 * "atonce" for sending without waiting for the end of a round, "slots=N" and "messages=N" for another number of buffers for the
 * interface and for each socket.
 */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench/forward.h"
#include "tunnel/udp_linux.h"

#define SLOTS_MOST 64
#define TURNS      4    /* batches that wait to be handed over */
#define NOTES      256  /* writes that do */
#define VECTORS    4096 /* pieces of them */
#define NAME_BYTES 32   /* of a sender, so that the control messages behind it are aligned */
#define HEAD_BYTES (sizeof(struct io_uring_recvmsg_out) + NAME_BYTES + CONTROL_BYTES)
#define SLOT_START 16 /* then the packet behind the head is on a cache line of its own */
#define SLOT_ROOM  (SLOT_BYTES - 2 * SLOT_START)
#define ENTRIES    1024
#define READ_MULTI 49 /* IORING_OP_READ_MULTISHOT, for headers that are older than Linux 6.7 */
#define OTHERS     4

enum { FROM_TUN, FROM_UDP4, FROM_UDP6, SOURCES, OTHER, PUT };

/* The interface or a socket: buffers that hold packets which came, and ones that were taken and go back. */
struct source {
    int open, armed;
    unsigned count; /* of buffers, a power of two */
    uint64_t tag;
    struct io_uring_buf_ring *ring;
    uint8_t *slots;
    struct msghdr header[SLOTS_MOST]; /* the first one is the pattern of all when there is one request */
    struct iovec vector[SLOTS_MOST];
    struct {
        unsigned slot;
        int length;
    } ready[SLOTS_MOST];
    unsigned first, end;
    unsigned taken[SLOTS_MOST], taken_count;
};

static struct {
    int open, coop, sqpoll, oneshot, atonce;
    struct io_uring ring;
    struct source sources[SOURCES];
    uint64_t other_tags[OTHERS];
    unsigned others, others_ready;
    uint8_t *areas[TURNS + 1], *inbox; /* of the flow itself, the last one twice */
    udp_batch *batches[TURNS + 1];
    unsigned turn;
    struct iovec vectors[VECTORS];
    uint8_t headers[NOTES][16];
    unsigned vectors_used, headers_used;
    unsigned out;      /* requests to put packets somewhere that have not come back */
    uint64_t failures; /* of them */
} u;

static void die(const char *what, int error)
{
    (void)fprintf(stderr, "forward_uring: %s: %s\n", what, strerror(error));
    exit(1);
}

static void *get(size_t bytes)
{
    void *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

    if (memory == NULL)
        die("memory", ENOMEM);
    return memory;
}

static uint8_t *slot_at(const struct source *s, unsigned slot)
{
    return s->slots + slot * SLOT_BYTES + SLOT_START;
}

/* --- requests --- */

static struct io_uring_sqe *request(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u.ring);

    while (sqe == NULL) {
        (void)io_uring_submit(&u.ring);
        sqe = io_uring_get_sqe(&u.ring);
    }
    return sqe;
}

static void mark(struct io_uring_sqe *sqe, unsigned kind, unsigned number)
{
    sqe->user_data = (uint64_t)kind << 32 | number;
}

/* One request that fills whatever buffer comes next, again and again. */
static void ask_for_ever(unsigned which)
{
    struct source *s = &u.sources[which];
    struct io_uring_sqe *sqe = request();

    if (which == FROM_TUN)
        io_uring_prep_rw(READ_MULTI, sqe, (int)which, NULL, 0, (uint64_t)-1);
    else
        io_uring_prep_recvmsg_multishot(sqe, (int)which, &s->header[0], 0);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = (uint16_t)which;
    mark(sqe, which, 0);
    s->armed = 1;
}

/* One request for one buffer. A message is laid out as the kernel does it for the request above. */
static void ask_once(unsigned which, unsigned slot)
{
    struct source *s = &u.sources[which];
    struct io_uring_sqe *sqe = request();
    uint8_t *start = slot_at(s, slot);

    if (which == FROM_TUN) {
        io_uring_prep_read(sqe, (int)which, start, SLOT_ROOM, (uint64_t)-1);
    } else {
        uint8_t *name = start + sizeof(struct io_uring_recvmsg_out);

        s->vector[slot] = (struct iovec){start + HEAD_BYTES, SLOT_ROOM - HEAD_BYTES};
        s->header[slot] = (struct msghdr){.msg_name = name,
                                          .msg_namelen = NAME_BYTES,
                                          .msg_control = name + NAME_BYTES,
                                          .msg_controllen = CONTROL_BYTES,
                                          .msg_iov = &s->vector[slot],
                                          .msg_iovlen = 1};
        io_uring_prep_recvmsg(sqe, (int)which, &s->header[slot], 0);
    }
    sqe->flags |= IOSQE_FIXED_FILE;
    mark(sqe, which, slot);
}

static void give_back(unsigned which)
{
    struct source *s = &u.sources[which];

    for (unsigned i = 0; i < s->taken_count; i++) {
        if (u.oneshot)
            ask_once(which, s->taken[i]);
        else
            io_uring_buf_ring_add(s->ring, slot_at(s, s->taken[i]), (unsigned)SLOT_ROOM, (uint16_t)s->taken[i],
                                  io_uring_buf_ring_mask(s->count), (int)i);
    }
    if (!u.oneshot)
        io_uring_buf_ring_advance(s->ring, (int)s->taken_count);
    s->taken_count = 0;
    if (!u.oneshot && !s->armed)
        ask_for_ever(which);
}

/* Only the thread of the kernel takes its time: else a request to put a packet somewhere is done when it was handed over. */
static void put(struct io_uring_sqe *sqe)
{
    sqe->flags |= IOSQE_FIXED_FILE;
    if (u.sqpoll)
        u.out++;
    else
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    mark(sqe, PUT, 0);
}

/* --- completions --- */

static void complete_message(const struct source *s, unsigned slot, int length)
{
    const struct msghdr *header = &s->header[slot];
    struct io_uring_recvmsg_out out = {.namelen = header->msg_namelen,
                                       .controllen = (uint32_t)header->msg_controllen,
                                       .payloadlen = (uint32_t)length,
                                       .flags = (uint32_t)header->msg_flags};

    memcpy(slot_at(s, slot), &out, sizeof out);
}

static void complete_packet(unsigned which, const struct io_uring_cqe *cqe)
{
    struct source *s = &u.sources[which];
    unsigned slot = u.oneshot ? (unsigned)cqe->user_data : cqe->flags >> IORING_CQE_BUFFER_SHIFT;

    s->armed = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res < 0) {
        if (u.oneshot && cqe->res == -EAGAIN)
            s->taken[s->taken_count++] = slot;
        else if (cqe->res != -ENOBUFS)
            die("cannot receive", -cqe->res);
        return;
    }
    if (u.oneshot && which != FROM_TUN)
        complete_message(s, slot, cqe->res);
    s->ready[s->end % SLOTS_MOST].slot = slot;
    s->ready[s->end++ % SLOTS_MOST].length = cqe->res;
}

static void reap(void)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;

    io_uring_for_each_cqe(&u.ring, head, cqe)
    {
        unsigned kind = (unsigned)(cqe->user_data >> 32);

        count++;
        if (kind < SOURCES) {
            complete_packet(kind, cqe);
        } else if (kind == OTHER) {
            u.others_ready |= 1u << (unsigned)cqe->user_data;
        } else {
            u.out -= u.sqpoll ? 1 : 0;
            u.failures += cqe->res < 0;
        }
    }
    io_uring_cq_advance(&u.ring, count);
}

/* Hands over what was noted, and sees it done. */
static void hand_over(void)
{
    (void)io_uring_submit(&u.ring);
    while (u.out > 0) {
        (void)io_uring_submit_and_wait(&u.ring, 1);
        reap();
    }
    u.turn = 0;
    u.vectors_used = u.headers_used = 0;
}

static void take_turn(void)
{
    if (u.turn + 1 == TURNS || u.atonce)
        hand_over();
    else
        u.turn++;
    forward_flow.batch->area = u.areas[u.turn];
    forward_flow.udp.batch = u.batches[u.turn];
}

/* --- the beginning and the end --- */

static const char *words(void)
{
    const char *set = getenv("FORWARD_URING");

    return set == NULL ? "" : set;
}

static unsigned number(const char *name, unsigned usual)
{
    const char *at = strstr(words(), name);
    unsigned n = at == NULL ? usual : (unsigned)strtoul(at + strlen(name), NULL, 10);

    if (n == 0 || n > SLOTS_MOST || (n & (n - 1)) != 0)
        die(name, EINVAL);
    return n;
}

static void choose(void)
{
    u.coop = strstr(words(), "coop") != NULL;
    u.sqpoll = strstr(words(), "sqpoll") != NULL;
    u.oneshot = strstr(words(), "oneshot") != NULL;
    u.atonce = strstr(words(), "atonce") != NULL;
}

static void open_ring(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE,
                                     .cq_entries = 4 * ENTRIES};
    flow *f = &forward_flow;
    int error;

    choose();
    if (u.sqpoll) {
        params.flags |= IORING_SETUP_SQPOLL;
        params.sq_thread_idle = 1; /* ms */
    } else if (u.coop) {
        params.flags |= IORING_SETUP_COOP_TASKRUN;
    } else {
        params.flags |= IORING_SETUP_DEFER_TASKRUN;
    }
    error = io_uring_queue_init_params(ENTRIES, &u.ring, &params);
    if (error != 0)
        die("io_uring", -error);
    (void)io_uring_register_ring_fd(&u.ring);
    error = io_uring_register_files_sparse(&u.ring, SOURCES);
    if (error != 0)
        die("io_uring's files", -error);
    u.inbox = f->inbox;
    for (unsigned i = 0; i < TURNS; i++) {
        u.areas[i] = i == 0 ? f->batch->area : get(4 * SLOT_BYTES);
        u.batches[i] = i == 0 ? f->udp.batch : get(sizeof *u.batches[i]);
        if (i > 0)
            memset(u.batches[i], 0, sizeof *u.batches[i]);
    }
    u.open = 1;
}

static void open_source(unsigned which, int fd, uint64_t tag)
{
    struct source *s = &u.sources[which];
    unsigned count = which == FROM_TUN ? number("slots=", 16) : number("messages=", 16);
    int error = io_uring_register_files_update(&u.ring, which, &fd, 1);

    if (error < 0)
        die("io_uring's files", -error);
    *s = (struct source){.open = 1,
                         .tag = tag,
                         .count = count,
                         .ring = get(count * sizeof(struct io_uring_buf)),
                         .slots = get(count * SLOT_BYTES)};
    if (!u.oneshot) {
        struct io_uring_buf_reg registered = {
            .ring_addr = (uintptr_t)s->ring, .ring_entries = count, .bgid = (uint16_t)which};

        io_uring_buf_ring_init(s->ring);
        error = io_uring_register_buf_ring(&u.ring, &registered, 0);
        if (error != 0)
            die("io_uring's buffers", -error);
        s->header[0] = (struct msghdr){.msg_namelen = NAME_BYTES, .msg_controllen = CONTROL_BYTES};
    }
    for (s->taken_count = 0; s->taken_count < count; s->taken_count++)
        s->taken[s->taken_count] = s->taken_count;
}

/* What the flow will free is its own again. */
static void end(void)
{
    forward_flow.batch->area = u.areas[0];
    forward_flow.udp.batch = u.batches[0];
    forward_flow.inbox = u.inbox;
    if (u.failures > 0)
        (void)fprintf(stderr, "forward_uring: %llu packets were not put\n", (unsigned long long)u.failures);
    io_uring_queue_exit(&u.ring);
}

/* --- in the place of the calls --- */

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int n, int timeout);
ssize_t __wrap_readv(int fd, const struct iovec *pieces, int n);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int n);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    const flow *f = &forward_flow;
    struct io_uring_sqe *sqe;

    (void)epoll;
    (void)op;
    if (!u.open)
        open_ring();
    if (fd == f->tun.fd) {
        open_source(FROM_TUN, fd, event->data.u64);
    } else if (fd == f->udp.fd[0] || fd == f->udp.fd[1]) {
        open_source(fd == f->udp.fd[0] ? FROM_UDP4 : FROM_UDP6, fd, event->data.u64);
    } else if (u.others == OTHERS) {
        errno = ENOSPC;
        return -1;
    } else {
        sqe = request();
        io_uring_prep_poll_multishot(sqe, fd, EPOLLIN);
        mark(sqe, OTHER, u.others);
        u.other_tags[u.others++] = event->data.u64;
    }
    return 0;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int n, int timeout)
{
    int waiting = 1;
    int count = 0;

    (void)epoll;
    (void)timeout;
    if (u.coop || u.sqpoll)
        hand_over(); /* a buffer that is given back may be filled at once, and not only in the wait */
    for (unsigned i = 0; i < SOURCES; i++) {
        waiting &= u.sources[i].first == u.sources[i].end;
        if (u.sources[i].open)
            give_back(i);
    }
    if (waiting)
        (void)io_uring_submit_and_wait(&u.ring, 1);
    else
        (void)io_uring_submit_and_get_events(&u.ring);
    u.turn = 0;
    u.vectors_used = u.headers_used = 0;
    forward_flow.batch->area = u.areas[0];
    forward_flow.udp.batch = u.batches[0];
    reap();
    for (unsigned i = 0; i < SOURCES && count < n; i++) {
        if (u.sources[i].first != u.sources[i].end)
            events[count++] = (struct epoll_event){.events = EPOLLIN, .data = {.u64 = u.sources[i].tag}};
    }
    for (unsigned i = 0; i < u.others && count < n; i++) {
        if ((u.others_ready >> i & 1) == 0)
            continue;
        events[count++] = (struct epoll_event){.events = EPOLLIN, .data = {.u64 = u.other_tags[i]}};
        end();
    }
    return count;
}

ssize_t __wrap_readv(int fd, const struct iovec *pieces, int n)
{
    struct source *s = &u.sources[FROM_TUN];
    unsigned slot;

    (void)fd;
    (void)n;
    if (s->first == s->end) {
        errno = EAGAIN;
        return -1;
    }
    slot = s->ready[s->first % SLOTS_MOST].slot;
    memcpy(pieces[0].iov_base, slot_at(s, slot), VPN_VNET_BYTES);
    forward_flow.inbox = slot_at(s, slot) + VPN_VNET_BYTES;
    s->taken[s->taken_count++] = slot;
    return s->ready[s->first++ % SLOTS_MOST].length;
}

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int n)
{
    struct io_uring_sqe *sqe;
    struct iovec *vector;

    (void)fd;
    if (u.headers_used == NOTES || u.vectors_used + (unsigned)n > VECTORS)
        hand_over();
    sqe = request();
    vector = &u.vectors[u.vectors_used];
    memcpy(vector, pieces, (size_t)n * sizeof *pieces);
    vector[0].iov_base = memcpy(u.headers[u.headers_used++], pieces[0].iov_base, pieces[0].iov_len);
    u.vectors_used += (unsigned)n;
    io_uring_prep_writev(sqe, FROM_TUN, vector, (unsigned)n, (uint64_t)-1);
    put(sqe);
    return 1;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout)
{
    struct source *s = &u.sources[fd == forward_flow.udp.fd[0] ? FROM_UDP4 : FROM_UDP6];
    unsigned got = 0;

    (void)flags;
    (void)timeout;
    for (; got < n && s->first != s->end; got++) {
        unsigned slot = s->ready[s->first++ % SLOTS_MOST].slot;
        uint8_t *start = slot_at(s, slot);
        struct msghdr *header = &messages[got].msg_hdr;
        struct io_uring_recvmsg_out out;

        memcpy(&out, start, sizeof out);
        memcpy(header->msg_name, start + sizeof out, header->msg_namelen);
        header->msg_control = start + sizeof out + NAME_BYTES;
        header->msg_controllen = out.controllen;
        header->msg_flags = (int)out.flags;
        messages[got].msg_len = out.payloadlen;
        forward_flow.messages[got].data = start + HEAD_BYTES;
        s->taken[s->taken_count++] = slot;
    }
    errno = EAGAIN;
    return got > 0 ? (int)got : -1;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    int which = fd == forward_flow.udp.fd[0] ? FROM_UDP4 : FROM_UDP6;

    for (unsigned i = 0; i < n; i++) {
        struct io_uring_sqe *sqe = request();

        io_uring_prep_sendmsg(sqe, which, &messages[i].msg_hdr, (unsigned)flags);
        put(sqe);
    }
    take_turn();
    return (int)n;
}

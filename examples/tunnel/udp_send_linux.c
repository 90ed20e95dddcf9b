/* SPDX-License-Identifier: ISC */
/*
 * Datagrams of one size to one place leave as a run: one message, which the kernel or the network card cuts (UDP_SEGMENT). What
 * refuses a run gets its datagrams one by one. A device that cannot sum them (EIO) is not asked again; one whose MTU is
 * too small (EINVAL, EMSGSIZE) is left alone for a while, as fragments may pass where runs do not.
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "log.h"
#include "udp_linux.h"

#define SPARE     BATCH  /* the message of datagrams that leave by themselves */
#define RUN_MOST  64     /* datagrams: what kernels before 6.9 take */
#define RUN_BYTES 65000u /* of all, below the longest UDP payload */
#define RUN_PAUSE 1024   /* datagrams that leave alone after a refusal */

static socklen_t put_receiver(union address *to, const vpn_endpoint *remote)
{
    memset(to, 0, sizeof *to);
    if (remote->family == 4) {
        to->in.sin_family = AF_INET;
        to->in.sin_port = htons(remote->port);
        memcpy(&to->in.sin_addr, remote->addr, 4);
        return sizeof to->in;
    }
    to->in6.sin6_family = AF_INET6;
    to->in6.sin6_port = htons(remote->port);
    to->in6.sin6_scope_id = remote->scope;
    memcpy(&to->in6.sin6_addr, remote->addr, 16);
    return sizeof to->in6;
}

/* Appends one control message and returns where the next one goes. */
static size_t put_control(union control *control, size_t at, int level, int type, const void *data, size_t length)
{
    struct cmsghdr head = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = (socklen_t)CMSG_LEN(length)};

    memcpy(control->bytes + at, &head, sizeof head);
    memcpy(control->bytes + at + (CMSG_LEN(length) - length), data, length);
    return at + CMSG_SPACE(length);
}

static size_t put_source(union control *control, const vpn_path *path)
{
    static const uint8_t none[16] = {0};

    if (memcmp(path->local, none, sizeof none) == 0)
        return 0;
    if (path->remote.family == 4) {
        struct in_pktinfo info = {.ipi_ifindex = 0};

        memcpy(&info.ipi_spec_dst, path->local, 4);
        return put_control(control, 0, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    struct in6_pktinfo info6 = {.ipi6_ifindex = path->remote.scope};

    memcpy(&info6.ipi6_addr, path->local, 16);
    return put_control(control, 0, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
}

/* Fills message `i` with the datagrams of a run. `sticky` 0 leaves the source address to the system. */
static void put_message(udp_batch *b, size_t i, const vpn_packet *const *packets, const struct run *run, int sticky)
{
    const vpn_packet *packet = packets[run->first];
    struct iovec *vector = &b->vector[run->first];
    uint16_t segment = (uint16_t)run->each;
    int tos = packet->tos;
    size_t used, pieces = 0;

    memset(&b->control[i], 0, sizeof b->control[i]);
    used = sticky ? put_source(&b->control[i], &packet->path) : 0;
    if (packet->path.remote.family == 4)
        used = put_control(&b->control[i], used, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    else
        used = put_control(&b->control[i], used, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    if (run->count > 1)
        used = put_control(&b->control[i], used, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    for (size_t k = run->first; k < run->first + run->count; k++) {
        uint8_t *start = packets[k]->data + packets[k]->offset;

        if (pieces > 0 && (uint8_t *)vector[pieces - 1].iov_base + vector[pieces - 1].iov_len == start)
            vector[pieces - 1].iov_len += packets[k]->length;
        else
            vector[pieces++] = (struct iovec){start, packets[k]->length};
    }
    b->header[i].msg_hdr = (struct msghdr){.msg_name = &b->address[i],
                                           .msg_namelen = put_receiver(&b->address[i], &packet->path.remote),
                                           .msg_iov = vector,
                                           .msg_iovlen = (uint16_t)pieces, /* an int to musl */
                                           .msg_control = b->control[i].bytes,
                                           .msg_controllen = (socklen_t)used}; /* a size_t to glibc */
}

/*
 * One more try, by itself: what refuses a batch may take its datagrams one by one, and a source address that has gone, or
 * cannot reach the destination, is left to the system. Where there is no room, another try only makes it worse.
 */
static void send_alone(udp *u, int fd, const vpn_packet *const *packets, size_t which, int error)
{
    struct run alone = {.first = which, .count = 1, .each = packets[which]->length};
    int unbound =
        error == EINVAL || error == ENETUNREACH || error == EADDRNOTAVAIL || error == EHOSTUNREACH || error == ENODEV;

    if (error != EAGAIN && error != ENOBUFS) {
        put_message(u->batch, SPARE, packets, &alone, !unbound);
        if (sendmsg(fd, &u->batch->header[SPARE].msg_hdr, MSG_DONTWAIT) >= 0)
            return;
        error = errno;
    }
    u->unsent++;
    log_debug("a datagram was not sent: %s", strerror(error));
}

/* A run that was refused: its datagrams leave by themselves, and others for a while, or for ever. */
static void send_apart(udp *u, int family, const vpn_packet *const *packets, const struct run *run, int error)
{
    int fd = u->fd[family];

    if (error == EIO || error == EOPNOTSUPP) {
        u->runs[family] = 0;
        log_verbose("runs of datagrams cannot be sent here: %s", strerror(error));
    } else {
        u->plain[family] = RUN_PAUSE;
    }
    for (size_t k = run->first; k < run->first + run->count; k++) {
        struct run alone = {.first = k, .count = 1, .each = packets[k]->length};

        put_message(u->batch, SPARE, packets, &alone, 1);
        if (sendmsg(fd, &u->batch->header[SPARE].msg_hdr, MSG_DONTWAIT) < 0)
            send_alone(u, fd, packets, k, errno);
    }
}

/* Sends what was gathered, which all goes to one socket. Where errors are heard, a call may fail for one that came before. */
static void flush(udp *u, int family)
{
    struct outgoing *out = &u->batch->out;
    int fd = u->fd[family], tries = 0;
    size_t i = 0;

    if (fd < 0)
        u->unsent += out->packet_count;
    for (size_t k = 0; k < out->run_count && fd >= 0; k++)
        put_message(u->batch, k, out->packets, &out->runs[k], 1);
    while (i < out->run_count && fd >= 0) {
        int sent = sendmmsg(fd, u->batch->header + i, (unsigned)(out->run_count - i), MSG_DONTWAIT);

        if (sent > 0) {
            i += (size_t)sent;
            tries = 0;
        } else if (u->manner != UDP_DEAF && tries++ == 0) {
            continue;
        } else if (out->runs[i].count > 1 && errno != EAGAIN && errno != ENOBUFS) {
            send_apart(u, family, out->packets, &out->runs[i++], errno);
        } else {
            u->unsent += out->runs[i].count - 1;
            send_alone(u, fd, out->packets, out->runs[i++].first, errno);
        }
    }
    out->packet_count = out->run_count = 0;
}

static int is_same_way(const vpn_packet *a, const vpn_packet *b)
{
    return a->tos == b->tos && memcmp(&a->path.remote, &b->path.remote, sizeof a->path.remote) == 0 &&
           memcmp(a->path.local, b->path.local, sizeof a->path.local) == 0;
}

/* Adds a datagram to the run before it, or begins another: all but the last one of a run have the same length. */
static void gather(udp *u, int family, const vpn_packet *packet)
{
    struct outgoing *out = &u->batch->out;
    struct run *run = out->run_count > 0 ? &out->runs[out->run_count - 1] : NULL;
    int joins = u->runs[family] && u->plain[family] == 0 && run != NULL && run->count < RUN_MOST &&
                packet->length <= run->each && run->last == run->each && run->bytes + packet->length <= RUN_BYTES &&
                is_same_way(out->packets[run->first], packet);

    u->plain[family] -= u->plain[family] > 0;
    if (!joins) {
        run = &out->runs[out->run_count++];
        *run = (struct run){.first = out->packet_count, .each = packet->length};
    }
    run->count++;
    run->last = packet->length;
    run->bytes += packet->length;
    out->packets[out->packet_count++] = packet;
}

void udp_send_alike(udp *u, const vpn_packet *packets, size_t n)
{
    int family = 0;

    for (size_t i = 0; i < n; i++) {
        int is = packets[i].path.remote.family == 6;

        if (packets[i].verdict != VPN_TO_NET)
            continue;
        if (is != family)
            flush(u, family);
        family = is;
        gather(u, family, &packets[i]);
    }
    flush(u, family);
}

void udp_send(udp *u, const vpn_packet *packets, size_t n)
{
    if (u->manner == UDP_DEAF)
        udp_send_alike(u, packets, n);
    else
        udp_send_marked(u, packets, n);
}

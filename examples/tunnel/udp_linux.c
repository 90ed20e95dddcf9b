/* SPDX-License-Identifier: ISC */
/*
 * One socket for IPv4 and one for IPv6, on the same port. Each datagram brings along the local address that it was sent to,
 * and replies leave from there; only the address is pinned, not the interface, since a pinned interface makes Linux take
 * every destination for a neighbour when its route has gone.
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "udp_linux.h"

#define SOCKET_BUFFER (8 << 20)
#define PORT_TRIES    64

int udp_init(udp *u)
{
    *u = (udp){.fd = {-1, -1}};
    u->batch = calloc(1, sizeof *u->batch);
    if (u->batch == NULL)
        log_error("out of memory");
    return u->batch == NULL ? -1 : 0;
}

static void close_both(int fd[UDP_FAMILIES])
{
    for (int i = 0; i < UDP_FAMILIES; i++) {
        if (fd[i] >= 0)
            (void)close(fd[i]);
        fd[i] = -1;
    }
}

void udp_close(udp *u)
{
    close_both(u->fd);
    free(u->batch);
    u->batch = NULL;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int set_mark(int fd, uint32_t mark)
{
    return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0 ? 0 : errno;
}

static void set_options(int fd, int family, uint8_t manner)
{
    (void)udp_impose(fd, family == AF_INET6, manner);
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) != 0)
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) != 0)
        (void)set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    if (family == AF_INET) {
        (void)set(fd, IPPROTO_IP, IP_PKTINFO, 1);
        (void)set(fd, IPPROTO_IP, IP_RECVTOS, 1);
    } else {
        (void)set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        (void)set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    }
}

/* A bound socket, or a negative errno. `port` receives what the system chose. */
static int open_one(const udp *u, int family, uint16_t *port)
{
    union address at = {.any = {.sa_family = (sa_family_t)family}};
    socklen_t length = family == AF_INET ? sizeof at.in : sizeof at.in6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    int error;

    if (fd < 0)
        return -errno;
    if (family == AF_INET)
        at.in.sin_port = htons(*port);
    else
        at.in6.sin6_port = htons(*port);
    error = family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ? errno : 0;
    if (error == 0 && u->mark != 0)
        error = set_mark(fd, u->mark);
    if (error == 0 && (bind(fd, &at.any, length) != 0 || getsockname(fd, &at.any, &length) != 0))
        error = errno;
    if (error != 0) {
        (void)close(fd);
        return -error;
    }
    set_options(fd, family, u->manner);
    *port = ntohs(family == AF_INET ? at.in.sin_port : at.in6.sin6_port);
    return fd;
}

/* A host without one of the families is no fault; a port that one of them refuses is. */
static int absent(int error)
{
    return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL;
}

static int open_both(const udp *u, int fd[UDP_FAMILIES], uint16_t *port)
{
    static const int family[UDP_FAMILIES] = {AF_INET, AF_INET6};
    int refusal = 0;

    fd[0] = -1;
    fd[1] = -1;
    for (int i = 0; i < UDP_FAMILIES; i++) {
        fd[i] = open_one(u, family[i], port);
        if (fd[i] >= 0)
            continue;
        refusal = -fd[i];
        if (!absent(refusal)) {
            close_both(fd);
            return refusal;
        }
        fd[i] = -1;
    }
    return fd[0] < 0 && fd[1] < 0 ? refusal : 0;
}

static uint8_t can_send_runs(int fd)
{
    int value;
    socklen_t length = sizeof value;

    return fd >= 0 && getsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, &length) == 0;
}

int udp_bind(udp *u, uint16_t port)
{
    int fd[UDP_FAMILIES];
    uint16_t got = port;
    int open = u->fd[0] >= 0 || u->fd[1] >= 0;
    int error;

    if (open && (port == u->port || (port == 0 && u->chosen)))
        return 0;
    error = open_both(u, fd, &got);
    for (int i = 0; port == 0 && error == EADDRINUSE && i < PORT_TRIES; i++) {
        got = 0;
        error = open_both(u, fd, &got);
    }
    if (error != 0)
        return error;
    close_both(u->fd);
    memcpy(u->fd, fd, sizeof fd);
    for (int i = 0; i < UDP_FAMILIES; i++) {
        u->runs[i] = can_send_runs(fd[i]);
        u->plain[i] = 0;
        u->gathers[i] = fd[i] >= 0 && set(fd[i], SOL_UDP, UDP_GRO, 1) == 0;
    }
    u->port = got;
    u->chosen = port == 0;
    return 0;
}

/* The mark that is there already takes no privilege: wg(8) sends 0 with every file that has none. */
int udp_set_mark(udp *u, uint32_t mark)
{
    int error = 0;

    if (mark == u->mark)
        return 0;
    for (int i = 0; i < UDP_FAMILIES && error == 0; i++) {
        if (u->fd[i] >= 0)
            error = set_mark(u->fd[i], mark);
    }
    if (error == 0)
        u->mark = mark;
    return error;
}

static void read_sender(vpn_path *path, const union address *from)
{
    if (from->any.sa_family == AF_INET) {
        path->remote.family = 4;
        path->remote.port = ntohs(from->in.sin_port);
        memcpy(path->remote.addr, &from->in.sin_addr, 4);
    } else {
        path->remote.family = 6;
        path->remote.port = ntohs(from->in6.sin6_port);
        path->remote.scope = from->in6.sin6_scope_id;
        memcpy(path->remote.addr, &from->in6.sin6_addr, 16);
    }
}

static void read_control(vpn_packet *packet, uint32_t *each, struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = udp_next_control(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(packet->path.local, &info.ipi_spec_dst, 4);
            packet->path.ifindex = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
                memcpy(packet->path.local, &info.ipi6_addr, 16);
            packet->path.ifindex = (uint32_t)info.ipi6_ifindex;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int value;

            memcpy(&value, CMSG_DATA(c), sizeof value);
            if (value > 0 && (uint32_t)value < *each)
                *each = (uint32_t)value;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            memcpy(&packet->tos, CMSG_DATA(c), 1);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int value;

            memcpy(&value, CMSG_DATA(c), sizeof value);
            packet->tos = (uint8_t)value;
        }
    }
}

size_t udp_receive(udp *u, unsigned family, vpn_packet *messages, uint32_t *each, size_t n)
{
    udp_batch *b = u->batch;
    int got;

    if (u->fd[family] < 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        b->vector[i] = (struct iovec){messages[i].data, messages[i].capacity};
        b->header[i].msg_hdr = (struct msghdr){.msg_name = &b->address[i],
                                               .msg_namelen = sizeof b->address[i],
                                               .msg_iov = &b->vector[i],
                                               .msg_iovlen = 1,
                                               .msg_control = b->control[i].bytes,
                                               .msg_controllen = CONTROL_BYTES};
    }
    got = recvmmsg(u->fd[family], b->header, (unsigned)n, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        struct msghdr *header = &b->header[i].msg_hdr;

        /* A datagram that was cut is none: length 0 is dropped and counted as such. */
        messages[i].length = (header->msg_flags & MSG_TRUNC) != 0 ? 0 : b->header[i].msg_len;
        each[i] = messages[i].length;
        read_sender(&messages[i].path, &b->address[i]);
        read_control(&messages[i], &each[i], header);
    }
    return got > 0 ? (size_t)got : 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Datagrams that are too long for their way, and what the system is told of them.
 *
 *  - UDP_DEAF, as the kernel's own WireGuard: no DF bit, and whoever cannot carry a datagram on cuts it.
 *  - UDP_LOOSE: the same, so that nothing is lost for its length, but errors are kept for us. In IPv4 the system then asks its
 *    interface alone (OMIT): what others told it about the path, maybe forged, is for us to judge.
 *  - UDP_STRICT: with the DF bit, and without a look at what others told the system (PROBE).
 *
 * A datagram that is marked goes differently: the option is set for it and set back at once.
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>

#include "udp_linux.h"

#ifndef IP_PMTUDISC_OMIT
#define IP_PMTUDISC_OMIT 5
#endif

#define ICMP4_UNREACHABLE   3
#define ICMP4_FRAGMENTATION 4
#define ICMP6_TOO_BIG       2

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

static int set_whole(int fd, int ipv6, int whole, int loose)
{
    if (ipv6)
        return set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, whole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
    return set(fd, IPPROTO_IP, IP_MTU_DISCOVER,
               whole   ? IP_PMTUDISC_PROBE
               : loose ? IP_PMTUDISC_OMIT
                       : IP_PMTUDISC_DONT);
}

int udp_impose(int fd, int ipv6, uint8_t manner)
{
    int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int name = ipv6 ? IPV6_RECVERR : IP_RECVERR;
    int error = set_whole(fd, ipv6, manner == UDP_STRICT, manner == UDP_LOOSE);

    return error != 0 ? error : set(fd, level, name, manner != UDP_DEAF);
}

int udp_set_manner(udp *u, uint8_t manner)
{
    int error = 0, i = 0;

    for (; i < UDP_FAMILIES && error == 0; i++) {
        if (u->fd[i] >= 0)
            error = udp_impose(u->fd[i], i, manner);
    }
    while (error != 0 && i-- > 0) {
        if (u->fd[i] >= 0)
            (void)udp_impose(u->fd[i], i, u->manner);
    }
    if (error == 0)
        u->manner = manner;
    return error;
}

static int is_alike(const vpn_packet *a, const vpn_packet *b)
{
    return b->verdict != VPN_TO_NET || (a->user == b->user && a->path.remote.family == b->path.remote.family);
}

static void send_marked(udp *u, const vpn_packet *packets, size_t n)
{
    int ipv6 = packets[0].path.remote.family == 6;
    int fd = u->fd[ipv6];

    (void)set_whole(fd, ipv6, packets[0].user == UDP_WHOLE, 1);
    udp_send_alike(u, packets, n);
    (void)set_whole(fd, ipv6, u->manner == UDP_STRICT, 1);
}

void udp_send_marked(udp *u, const vpn_packet *packets, size_t n)
{
    size_t from = 0, to;

    for (; from < n; from = to) {
        to = from + 1;
        if (packets[from].verdict != VPN_TO_NET)
            continue;
        while (to < n && is_alike(&packets[from], &packets[to]))
            to++;
        if (packets[from].user == UDP_AS_OTHERS)
            udp_send_alike(u, packets + from, to - from);
        else
            send_marked(u, packets + from, to - from);
    }
}

/* --- errors --- */

static void read_address(vpn_endpoint *out, const union address *from)
{
    *out = (vpn_endpoint){.family = 0};
    if (from->any.sa_family == AF_INET) {
        out->family = 4;
        out->port = ntohs(from->in.sin_port);
        memcpy(out->addr, &from->in.sin_addr, 4);
    } else if (from->any.sa_family == AF_INET6) {
        out->family = 6;
        out->port = ntohs(from->in6.sin6_port);
        memcpy(out->addr, &from->in6.sin6_addr, 16);
    }
}

/* 1: it is about the length of a datagram. */
static int read_error(vpn_pmtu_report *out, const struct sock_extended_err *e)
{
    out->mtu = e->ee_info;
    if (e->ee_origin == SO_EE_ORIGIN_LOCAL) {
        out->kind = VPN_PMTU_QUOTE_NONE;
        return e->ee_errno == EMSGSIZE && e->ee_info != 0;
    }
    out->kind = VPN_PMTU_QUOTE_PAYLOAD;
    if (e->ee_origin == SO_EE_ORIGIN_ICMP)
        return e->ee_type == ICMP4_UNREACHABLE && e->ee_code == ICMP4_FRAGMENTATION;
    return e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMP6_TOO_BIG;
}

int udp_take_error(udp *u, unsigned family, vpn_pmtu_report *out, uint8_t *quote)
{
    struct iovec piece = {.iov_len = UDP_QUOTE_BYTES};
    union address about = {.any = {.sa_family = AF_UNSPEC}};
    union control control;
    struct msghdr header = {.msg_name = &about,
                            .msg_namelen = sizeof about,
                            .msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct sock_extended_err e;
    ssize_t got;

    if (u->fd[family] < 0)
        return -1;
    piece.iov_base = quote;
    do
        got = recvmsg(u->fd[family], &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = udp_next_control(&header, c)) {
        if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
            (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof e);
        *out = (vpn_pmtu_report){.size = sizeof *out, .quote = quote, .length = (uint32_t)got};
        read_address(&out->remote, &about);
        return read_error(out, &e);
    }
    return 0;
}

/* SPDX-License-Identifier: ISC */
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

uint64_t probe_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static socklen_t address_of(struct sockaddr_storage *out, const vpn_endpoint *to)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(to->port), .sin6_scope_id = to->scope};

    memcpy(&four.sin_addr, to->addr, 4);
    memcpy(&six.sin6_addr, to->addr, 16);
    memset(out, 0, sizeof *out);
    memcpy(out, to->family == 4 ? (void *)&four : (void *)&six, to->family == 4 ? sizeof four : sizeof six);
    return to->family == 4 ? sizeof four : sizeof six;
}

static int set_up(int fd, const vpn_endpoint *to, const probe_way *way)
{
    int one = 1;
    struct sockaddr_storage address;
    socklen_t length = address_of(&address, to);

    if (to->family == 4 ? setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one) != 0
                        : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one) != 0)
        return -1;
    if (way->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &way->mark, sizeof way->mark) != 0)
        return -1;
    if (way->device != NULL &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, way->device, (socklen_t)strlen(way->device)) != 0)
        return -1;
    return connect(fd, (const struct sockaddr *)&address, length);
}

int probe_open(const vpn_endpoint *to, int type, int protocol, const probe_way *way, int *why)
{
    int fd = socket(to->family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    int error;

    *why = VPN_PROBE_NONE;
    if (fd < 0 || set_up(fd, to, way) == 0)
        return fd;
    error = errno;
    *why = error == EPERM ? VPN_PROBE_NONE : probe_errno(error);
    (void)close(fd);
    errno = error;
    return -1;
}

int probe_errno(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return VPN_PROBE_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EACCES:
    case EINVAL:
    case ENETDOWN:
        return VPN_PROBE_NO_ROUTE;
    case EPERM:
        return VPN_PROBE_HELD;
    default:
        return VPN_PROBE_NONE;
    }
}

static int of_icmp(uint8_t type, uint8_t code)
{
    if (type != ICMP_DEST_UNREACH)
        return VPN_PROBE_NONE;
    switch (code) {
    case ICMP_FRAG_NEEDED:
        return VPN_PROBE_TOO_BIG;
    case ICMP_PORT_UNREACH:
        return VPN_PROBE_REFUSED;
    case ICMP_NET_ANO:
    case ICMP_HOST_ANO:
    case ICMP_PKT_FILTERED:
        return VPN_PROBE_PROHIBITED;
    default:
        return VPN_PROBE_UNREACHABLE;
    }
}

static int of_icmp6(uint8_t type, uint8_t code)
{
    if (type == ICMPV6_PKT_TOOBIG)
        return VPN_PROBE_TOO_BIG;
    if (type != ICMPV6_DEST_UNREACH)
        return VPN_PROBE_NONE;
    switch (code) {
    case ICMPV6_PORT_UNREACH:
        return VPN_PROBE_REFUSED;
    case ICMPV6_ADM_PROHIBITED:
    case ICMPV6_POLICY_FAIL:
    case ICMPV6_REJECT_ROUTE:
        return VPN_PROBE_PROHIBITED;
    default:
        return VPN_PROBE_UNREACHABLE;
    }
}

/* Whether who sent the error, whose address stands behind it, is the host itself. */
static int is_from(const uint8_t *data, size_t length, const vpn_endpoint *to)
{
    size_t at = sizeof(struct sock_extended_err);
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (to->family == 4 && length >= at + sizeof four) {
        memcpy(&four, data + at, sizeof four);
        return memcmp(&four.sin_addr, to->addr, 4) == 0;
    }
    if (to->family == 6 && length >= at + sizeof six) {
        memcpy(&six, data + at, sizeof six);
        return memcmp(&six.sin6_addr, to->addr, 16) == 0;
    }
    return 0;
}

static int of_error(const uint8_t *data, size_t length, const vpn_endpoint *to)
{
    struct sock_extended_err error;
    int what = VPN_PROBE_NONE;

    if (length < sizeof error)
        return VPN_PROBE_NONE;
    memcpy(&error, data, sizeof error);
    if (error.ee_origin == SO_EE_ORIGIN_ICMP)
        what = of_icmp(error.ee_type, error.ee_code);
    else if (error.ee_origin == SO_EE_ORIGIN_ICMP6)
        what = of_icmp6(error.ee_type, error.ee_code);
    return what == VPN_PROBE_REFUSED && !is_from(data, length, to) ? VPN_PROBE_PROHIBITED : what;
}

int probe_error(int fd, const vpn_endpoint *to)
{
    _Alignas(struct cmsghdr) uint8_t control[512];
    uint8_t quote[64];
    struct iovec data = {quote, sizeof quote};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int what = VPN_PROBE_NONE;

    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return VPN_PROBE_NONE;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            what = of_error(CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0), to);
    }
    return what;
}

int probe_wait(int fd, int ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    return poll(&wanted, 1, ms < 0 ? 0 : ms) > 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * The kernel numbers namespaces as each other namespace sees them. What has a number here can be asked about from here
 * (CAP_NET_ADMIN), and a socket that was opened with CAP_NET_BROADCAST hears of its changes, also when that is long given up.
 */
#include "place.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define REPLY_BYTES 16384

union message {
    struct nlmsghdr head;
    uint8_t bytes[256];
};

/* Too large for the stack, and one thread alone does I/O. */
static union {
    struct nlmsghdr head;
    uint8_t bytes[REPLY_BYTES];
} reply;

static int route_socket(uint32_t groups)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0), NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* Without the right to hear of other namespaces, those of this one have to do. */
int place_watch(void)
{
    int fd = route_socket(RTMGRP_LINK);
    int all = 1;

    if (fd >= 0)
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &all, sizeof all);
    return fd;
}

static void begin(union message *m, uint16_t type, uint16_t flags, size_t family_bytes)
{
    memset(m, 0, sizeof *m);
    m->head.nlmsg_type = type;
    m->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    m->head.nlmsg_len = (uint32_t)NLMSG_SPACE(family_bytes);
}

static void put(union message *m, uint16_t type, const void *data, size_t length)
{
    struct rtattr head = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(length)};

    memcpy(m->bytes + m->head.nlmsg_len, &head, sizeof head);
    memcpy(m->bytes + m->head.nlmsg_len + RTA_LENGTH(0), data, length);
    m->head.nlmsg_len += (uint32_t)RTA_SPACE(length);
}

/* The answer to one question is in `reply` then. 0, or -1 with errno. */
static int ask(int fd, const union message *question)
{
    struct nlmsgerr failure;
    ssize_t got;

    if (send(fd, question->bytes, question->head.nlmsg_len, 0) < 0)
        return -1;
    do
        got = recv(fd, reply.bytes, sizeof reply.bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got < (ssize_t)NLMSG_HDRLEN || reply.head.nlmsg_len > (size_t)got) {
        errno = got < 0 ? errno : EPROTO;
        return -1;
    }
    if (reply.head.nlmsg_type != NLMSG_ERROR)
        return 0;
    memcpy(&failure, reply.bytes + NLMSG_HDRLEN, sizeof failure);
    errno = -failure.error;
    return failure.error == 0 ? 0 : -1;
}

/* Finds four bytes among the attributes of `reply`. 0, or -1 when there are none. */
static int find(size_t family_bytes, uint16_t type, void *value)
{
    size_t at = NLMSG_SPACE(family_bytes);
    struct rtattr head;

    for (; at + sizeof head <= reply.head.nlmsg_len; at += RTA_ALIGN(head.rta_len)) {
        memcpy(&head, reply.bytes + at, sizeof head);
        if (head.rta_len < sizeof head || at + head.rta_len > reply.head.nlmsg_len)
            break;
        if (head.rta_type == type && head.rta_len == RTA_LENGTH(4)) {
            memcpy(value, reply.bytes + at + RTA_LENGTH(0), 4);
            return 0;
        }
    }
    errno = EPROTO;
    return -1;
}

/* The number that the namespace has here, or -1. */
static int32_t number_of(int fd, int there)
{
    union message m;
    int32_t number = -1;

    begin(&m, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
    put(&m, NETNSA_FD, &there, sizeof there);
    if (ask(fd, &m) != 0 || find(sizeof(struct rtgenmsg), NETNSA_NSID, &number) != 0)
        return -1;
    return number;
}

static int give_number(int fd, int there)
{
    union message m;
    int32_t any = -1;

    begin(&m, RTM_NEWNSID, NLM_F_ACK, sizeof(struct rtgenmsg));
    put(&m, NETNSA_FD, &there, sizeof there);
    put(&m, NETNSA_NSID, &any, sizeof any);
    return ask(fd, &m);
}

static int ask_mtu(int fd, int32_t number, const char *name, uint32_t *mtu)
{
    union message m;

    begin(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    put(&m, IFLA_TARGET_NETNSID, &number, sizeof number);
    put(&m, IFLA_IFNAME, name, strlen(name) + 1);
    return ask(fd, &m) == 0 ? find(sizeof(struct ifinfomsg), IFLA_MTU, mtu) : -1;
}

int place_mtu(int there, const char *name, uint32_t *mtu)
{
    int fd = route_socket(0);
    int32_t number;
    int result = -1;
    int error;

    if (fd < 0)
        return -1;
    number = number_of(fd, there);
    if (number < 0 && give_number(fd, there) == 0)
        number = number_of(fd, there);
    if (number >= 0)
        result = ask_mtu(fd, number, name, mtu);
    error = errno;
    (void)close(fd);
    errno = error;
    return result;
}

/* SPDX-License-Identifier: ISC */
/* Each call has a socket of its own: they are few, and nothing is left to get out of step after a failure. */
#include "rtnl.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* An answer repeats the request. */
enum { REQUEST_BYTES = 512, ANSWER_BYTES = 1024 };

/* A request under construction. The kernel wants its structures aligned. */
typedef struct request {
    union {
        char bytes[REQUEST_BYTES];
        struct nlmsghdr aligned;
    } room;
    struct nlmsghdr *header;
} request;

int rtnl_is_gone(int error)
{
    return error == -ENODEV || error == -ENOENT || error == -ESRCH || error == -EADDRNOTAVAIL || error == -ENXIO;
}

uint32_t rtnl_index(const char *name)
{
    return if_nametoindex(name);
}

/* Starts a request with the fixed part of its type, which is returned zeroed. */
static void *begin(request *r, int type, int flags, size_t fixed)
{
    r->header = mnl_nlmsg_put_header(r->room.bytes);
    r->header->nlmsg_type = (uint16_t)type;
    r->header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    r->header->nlmsg_seq = (uint32_t)time(NULL);
    return mnl_nlmsg_put_extra_header(r->header, fixed);
}

static void put_address(request *r, int attribute, uint8_t family, const uint8_t *addr)
{
    mnl_attr_put(r->header, (uint16_t)attribute, family == 4 ? 4 : 16, addr);
}

static uint8_t family_of(uint8_t family)
{
    return family == 4 ? AF_INET : AF_INET6;
}

/* Waits for the kernel's word. */
static int answer(struct mnl_socket *socket, uint32_t sequence)
{
    union {
        char bytes[ANSWER_BYTES];
        struct nlmsghdr aligned;
    } room;
    uint32_t port = mnl_socket_get_portid(socket);

    for (;;) {
        ssize_t got = mnl_socket_recvfrom(socket, room.bytes, sizeof room.bytes);
        int more;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        more = mnl_cb_run(room.bytes, (size_t)got, sequence, port, NULL, NULL);
        if (more < 0)
            return -errno;
        if (more == MNL_CB_STOP)
            return 0;
    }
}

static int talk(const request *r)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int result;

    if (socket == NULL)
        return -errno;
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket, r->header, r->header->nlmsg_len) < 0)
        result = -errno;
    else
        result = answer(socket, r->header->nlmsg_seq);
    (void)mnl_socket_close(socket);
    return result;
}

/* A request about a link that is there. */
static int link_begin(request *r, int type, const char *name, struct ifinfomsg **message)
{
    uint32_t index = rtnl_index(name);

    if (index == 0)
        return -ENODEV;
    *message = begin(r, type, 0, sizeof **message);
    (*message)->ifi_family = AF_UNSPEC;
    (*message)->ifi_index = (int)index;
    return 0;
}

int rtnl_link_delete(const char *name)
{
    struct ifinfomsg *message;
    request r;
    int error = link_begin(&r, RTM_DELLINK, name, &message);

    return error != 0 ? error : talk(&r);
}

int rtnl_link_mtu(const char *name, uint32_t mtu)
{
    struct ifinfomsg *message;
    request r;
    int error = link_begin(&r, RTM_NEWLINK, name, &message);

    if (error != 0)
        return error;
    mnl_attr_put_u32(r.header, IFLA_MTU, mtu);
    return talk(&r);
}

int rtnl_link_up(const char *name, int up)
{
    struct ifinfomsg *message;
    request r;
    int error = link_begin(&r, RTM_NEWLINK, name, &message);

    if (error != 0)
        return error;
    message->ifi_change = IFF_UP;
    message->ifi_flags = up ? IFF_UP : 0;
    return talk(&r);
}

int rtnl_address(int add, const char *name, const vpn_prefix *prefix)
{
    uint32_t index = rtnl_index(name);
    struct ifaddrmsg *message;
    request r;

    if (index == 0)
        return -ENODEV;
    message = begin(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof *message);
    message->ifa_family = family_of(prefix->family);
    message->ifa_prefixlen = prefix->bits;
    message->ifa_index = index;
    put_address(&r, IFA_LOCAL, prefix->family, prefix->addr);
    put_address(&r, IFA_ADDRESS, prefix->family, prefix->addr);
    return talk(&r);
}

int rtnl_route(int add, const char *name, const vpn_prefix *to, uint32_t table, uint32_t metric)
{
    uint32_t index = rtnl_index(name);
    struct rtmsg *message;
    request r;

    if (index == 0)
        return -ENODEV;
    message = begin(&r, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof *message);
    message->rtm_family = family_of(to->family);
    message->rtm_dst_len = to->bits;
    message->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
    message->rtm_protocol = add ? RTPROT_STATIC : RTPROT_UNSPEC;
    message->rtm_type = RTN_UNICAST;
    message->rtm_scope = to->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    put_address(&r, RTA_DST, to->family, to->addr);
    mnl_attr_put_u32(r.header, RTA_OIF, index);
    mnl_attr_put_u32(r.header, RTA_TABLE, table);
    if (metric != 0)
        mnl_attr_put_u32(r.header, RTA_PRIORITY, metric);
    return talk(&r);
}

int rtnl_rule(int add, const vpn_rule *rule)
{
    struct fib_rule_uid_range users = {.start = rule->uid_first, .end = rule->uid_last};
    struct fib_rule_hdr *message;
    request r;

    message = begin(&r, add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof *message);
    message->family = family_of(rule->family);
    message->action = rule->refuses ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
    message->flags = rule->invert ? FIB_RULE_INVERT : 0;
    message->table = !rule->refuses && rule->table < 256 ? (uint8_t)rule->table : RT_TABLE_UNSPEC;
    mnl_attr_put_u32(r.header, FRA_PRIORITY, rule->priority);
    if (!rule->refuses)
        mnl_attr_put_u32(r.header, FRA_TABLE, rule->table);
    if (rule->mask != 0) {
        mnl_attr_put_u32(r.header, FRA_FWMARK, rule->mark);
        mnl_attr_put_u32(r.header, FRA_FWMASK, rule->mask);
    }
    if (rule->has_uid)
        mnl_attr_put(r.header, FRA_UID_RANGE, sizeof users, &users);
    if (rule->suppress >= 0 && !rule->refuses)
        mnl_attr_put_u32(r.header, FRA_SUPPRESS_PREFIXLEN, (uint32_t)rule->suppress);
    return talk(&r);
}

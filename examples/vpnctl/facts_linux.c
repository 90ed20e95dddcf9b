/* SPDX-License-Identifier: ISC */
/*
 * Links, addresses, routes and rules by rtnetlink, filters of reverse paths from /proc. A dump that the kernel marks as
 * interrupted is taken again, so that the facts are those of one moment; each list of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "facts.h"
#include "facts_netlink.h"
#include "out.h"

enum { TRIES = 50, ANSWER_ROOM = 32768 };

/* net.ipv4.conf.NAME.KEY; 0 where there is none. */
static uint32_t sysctl_read(const char *name, const char *key)
{
    char path[128];
    char text[16] = "";
    FILE *from;

    (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/%s", name, key);
    from = fopen(path, "re");
    if (from == NULL)
        return 0;
    if (fgets(text, sizeof text, from) == NULL)
        text[0] = '\0';
    (void)fclose(from);
    return (uint32_t)strtoul(text, NULL, 10);
}

/* Links that carry no frames are tunnels of some kind, those of WireGuard and TUN among them. */
static uint32_t link_flags(const struct ifinfomsg *link)
{
    uint32_t flags = (link->ifi_flags & IFF_UP) != 0 ? VPN_LINK_UP : 0;

    if ((link->ifi_flags & IFF_LOOPBACK) != 0)
        flags |= VPN_LINK_LOOPBACK;
    switch (link->ifi_type) {
    case ARPHRD_NONE:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
        flags |= VPN_LINK_TUNNEL;
        break;
    default:
        break;
    }
    return flags;
}

static int take_link(const struct nlmsghdr *message, void *user)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
    vpn_host_link *fresh = facts_link(user);
    attributes a;

    if (fresh == NULL)
        return MNL_CB_ERROR;
    attributes_of(&a, message, sizeof *link);
    fresh->index = (uint32_t)link->ifi_index;
    fresh->flags = link_flags(link);
    fresh->mtu = attribute_number(&a, IFLA_MTU, 0);
    if (a.of[IFLA_IFNAME] != NULL)
        (void)snprintf(fresh->name, sizeof fresh->name, "%s", mnl_attr_get_str(a.of[IFLA_IFNAME]));
    fresh->rp_filter = sysctl_read(fresh->name, "rp_filter");
    return MNL_CB_OK;
}

/* With a peer, IFA_LOCAL is ours and IFA_ADDRESS the peer's. */
static int take_address(const struct nlmsghdr *message, void *user)
{
    const struct ifaddrmsg *found = mnl_nlmsg_get_payload(message);
    attributes a;
    const struct nlattr *own;
    vpn_host_address *fresh;

    attributes_of(&a, message, sizeof *found);
    own = a.of[IFA_LOCAL] != NULL ? a.of[IFA_LOCAL] : a.of[IFA_ADDRESS];
    if (attribute_family(found->ifa_family) == 0 || own == NULL)
        return MNL_CB_OK;
    fresh = facts_address(user);
    if (fresh == NULL)
        return MNL_CB_ERROR;
    fresh->link = found->ifa_index;
    fresh->prefix.family = attribute_family(found->ifa_family);
    fresh->prefix.bits = found->ifa_prefixlen;
    return attribute_address(fresh->prefix.addr, own, fresh->prefix.family) == 0 ? MNL_CB_OK : MNL_CB_ERROR;
}

typedef struct list {
    const char *what;
    uint16_t type;
    size_t header;
    mnl_cb_t take;
} list;

/* 0; 1: interrupted, and it must be taken again; -1: errno says why. */
static int dump_once(struct mnl_socket *socket, const list *l, uint32_t sequence, facts *f)
{
    static char room[ANSWER_ROOM];
    struct nlmsghdr *request = mnl_nlmsg_put_header(room);
    int result = MNL_CB_OK;

    request->nlmsg_type = l->type;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = sequence;
    /* all families: zeros */
    (void)mnl_nlmsg_put_extra_header(request, l->header);
    if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
        return -1;
    while (result > MNL_CB_STOP) {
        ssize_t got = mnl_socket_recvfrom(socket, room, sizeof room);

        if (got < 0)
            return -1;
        result = mnl_cb_run(room, (size_t)got, sequence, mnl_socket_get_portid(socket), l->take, f);
    }
    if (result < 0)
        return errno == EINTR ? 1 : -1;
    return 0;
}

static void forget(facts *f, uint16_t type)
{
    switch (type) {
    case RTM_GETLINK:
        f->host.link_count = 0;
        break;
    case RTM_GETADDR:
        f->host.address_count = 0;
        break;
    case RTM_GETROUTE:
        f->host.route_count = 0;
        break;
    default:
        f->host.rule_count = 0;
        f->foreign_rules = 0;
        break;
    }
}

/* A socket of its own for each try: what is left of an interrupted dump would be taken for an answer. */
static int try_list(const list *l, facts *f)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int result = -1;
    int error;

    if (socket == NULL)
        return -1;
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0) {
        forget(f, l->type);
        errno = ENOMEM;
        result = dump_once(socket, l, 1, f);
    }
    error = errno;
    (void)mnl_socket_close(socket);
    errno = error;
    return result;
}

static int gather_list(const list *l, facts *f)
{
    int result = 1;

    for (int i = 0; i < TRIES && result == 1; i++)
        result = try_list(l, f);
    return result == 0 ? 0 : out_error("cannot list the %s of this host: %s", l->what, strerror(errno));
}

int facts_gather(facts *f)
{
    static const list lists[] = {
        {"links", RTM_GETLINK, sizeof(struct ifinfomsg), take_link},
        {"addresses", RTM_GETADDR, sizeof(struct ifaddrmsg), take_address},
        {"routes", RTM_GETROUTE, sizeof(struct rtmsg), facts_take_route},
        {"rules", RTM_GETRULE, sizeof(struct fib_rule_hdr), facts_take_rule},
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (gather_list(&lists[i], f) != 0)
            return -1;
    }
    f->host.rp_filter = sysctl_read("all", "rp_filter");
    f->host.src_valid_mark = sysctl_read("all", "src_valid_mark");
    if (f->foreign_rules > 0)
        out_warn(
            "%zu of the policy rules of this host ask for a source, an interface or the like; they are not looked at",
            f->foreign_rules);
    return facts_gather_resolvers(f);
}

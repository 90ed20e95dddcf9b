/* SPDX-License-Identifier: ISC */
#include "way.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include "facts_netlink.h"

enum { ROOM = 8192 };

static int take(const struct nlmsghdr *message, void *user)
{
    const struct rtmsg *found = mnl_nlmsg_get_payload(message);
    system_way *out = user;
    attributes a;

    attributes_of(&a, message, sizeof *found);
    out->kind = found->rtm_type == RTN_UNICAST || found->rtm_type == RTN_LOCAL ? VPN_WAY_LINK : VPN_WAY_NONE;
    out->link = attribute_number(&a, RTA_OIF, 0);
    if (a.of[RTA_PREFSRC] != NULL &&
        attribute_address(out->source.addr, a.of[RTA_PREFSRC], attribute_family(found->rtm_family)) == 0) {
        out->source.family = attribute_family(found->rtm_family);
        out->source.bits = out->source.family == 4 ? 32 : 128;
    }
    return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, system_way *out, uint8_t family, const uint8_t *addr, uint32_t mark)
{
    static char room[ROOM];
    size_t length = family == 4 ? 4 : 16;
    struct nlmsghdr *request = mnl_nlmsg_put_header(room);
    struct rtmsg *wanted;
    ssize_t got;

    request->nlmsg_type = RTM_GETROUTE;
    request->nlmsg_flags = NLM_F_REQUEST;
    request->nlmsg_seq = 1;
    wanted = mnl_nlmsg_put_extra_header(request, sizeof *wanted);
    wanted->rtm_family = family == 4 ? AF_INET : AF_INET6;
    wanted->rtm_dst_len = (uint8_t)(length * 8);
    mnl_attr_put(request, RTA_DST, length, addr);
    if (mark != 0)
        mnl_attr_put_u32(request, RTA_MARK, mark);
    if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
        return -1;
    got = mnl_socket_recvfrom(socket, room, sizeof room);
    return got < 0 ? -1 : mnl_cb_run(room, (size_t)got, 1, mnl_socket_get_portid(socket), take, out);
}

void way_ask(system_way *out, uint8_t family, const uint8_t *addr, uint32_t mark)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

    *out = (system_way){.kind = VPN_WAY_NOTHING};
    if (socket == NULL)
        return;
    /* that there is no route is told as an error */
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 && ask(socket, out, family, addr, mark) < 0 &&
        (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EACCES || errno == EINVAL || errno == ENODEV))
        out->kind = VPN_WAY_NONE;
    (void)mnl_socket_close(socket);
}

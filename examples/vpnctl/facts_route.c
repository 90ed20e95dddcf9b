/* SPDX-License-Identifier: ISC */
/* Routes and policy rules, as rtnetlink tells of them. */
#include "facts_netlink.h"

#include <string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static int refuses(uint8_t type)
{
    return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

/* A gateway of the other family (RTA_VIA) is one all the same: the route is not on the link. */
static int put_gateway(vpn_host_route *to, const struct nlattr *gateway, const struct nlattr *via)
{
    to->has_gateway = gateway != NULL || via != NULL;
    return gateway == NULL ? 0 : attribute_address(to->gateway, gateway, to->to.family);
}

static int put_way(facts *f, const vpn_host_route *common, const struct rtnexthop *way, const uint8_t *at)
{
    vpn_host_route *fresh = facts_route(f);
    attributes a;

    if (fresh == NULL)
        return -1;
    *fresh = *common;
    fresh->link = (uint32_t)way->rtnh_ifindex;
    attributes_in(&a, at + sizeof *way, way->rtnh_len - sizeof *way);
    return put_gateway(fresh, a.of[RTA_GATEWAY], a.of[RTA_VIA]);
}

/* One route for each way, which all have what `common` has. */
static int put_ways(facts *f, const vpn_host_route *common, const struct nlattr *ways)
{
    const uint8_t *at = mnl_attr_get_payload(ways);
    size_t left = mnl_attr_get_payload_len(ways);
    struct rtnexthop way;

    while (left >= sizeof way) {
        size_t length;

        memcpy(&way, at, sizeof way);
        if (way.rtnh_len < sizeof way || way.rtnh_len > left)
            return -1;
        if (put_way(f, common, &way, at) != 0)
            return -1;
        length = MNL_ALIGN(way.rtnh_len);
        at += length < left ? length : left;
        left -= length < left ? length : left;
    }
    return 0;
}

/* Those of the table `local`, and those that the kernel keeps for itself, are no facts. */
static int of_interest(const struct rtmsg *route, const attributes *a)
{
    return attribute_family(route->rtm_family) != 0 && (route->rtm_flags & RTM_F_CLONED) == 0 &&
           (route->rtm_type == RTN_UNICAST || refuses(route->rtm_type)) &&
           attribute_number(a, RTA_TABLE, route->rtm_table) != RT_TABLE_LOCAL;
}

int facts_take_route(const struct nlmsghdr *message, void *user)
{
    const struct rtmsg *found = mnl_nlmsg_get_payload(message);
    vpn_host_route route = {.link = 0};
    attributes a;
    vpn_host_route *fresh;

    attributes_of(&a, message, sizeof *found);
    if (!of_interest(found, &a))
        return MNL_CB_OK;
    route.to.family = attribute_family(found->rtm_family);
    route.to.bits = found->rtm_dst_len;
    route.table = attribute_number(&a, RTA_TABLE, found->rtm_table);
    route.metric = attribute_number(&a, RTA_PRIORITY, 0);
    route.protocol = found->rtm_protocol;
    route.refuses = refuses(found->rtm_type) != 0;
    route.link = route.refuses ? 0 : attribute_number(&a, RTA_OIF, 0);
    if (a.of[RTA_DST] != NULL && attribute_address(route.to.addr, a.of[RTA_DST], route.to.family) != 0)
        return MNL_CB_ERROR;
    if (a.of[RTA_MULTIPATH] != NULL)
        return put_ways(user, &route, a.of[RTA_MULTIPATH]) == 0 ? MNL_CB_OK : MNL_CB_ERROR;
    fresh = facts_route(user);
    if (fresh == NULL ||
        put_gateway(&route, route.refuses ? NULL : a.of[RTA_GATEWAY], route.refuses ? NULL : a.of[RTA_VIA]) != 0)
        return MNL_CB_ERROR;
    *fresh = route;
    return MNL_CB_OK;
}

/* Whether the rule asks for something that vpn_rule has no word for. */
static int is_foreign(const struct fib_rule_hdr *rule, const attributes *a)
{
    static const unsigned others[] = {FRA_IIFNAME,  FRA_OIFNAME,     FRA_SUPPRESS_IFGROUP, FRA_L3MDEV,
                                      FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE,      FRA_TUN_ID};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (a->of[others[i]] != NULL &&
            (others[i] != FRA_SUPPRESS_IFGROUP || attribute_number(a, FRA_SUPPRESS_IFGROUP, UINT32_MAX) != UINT32_MAX))
            return 1;
    }
    return rule->src_len != 0 || rule->dst_len != 0 || rule->tos != 0 ||
           (rule->action != FR_ACT_TO_TBL && rule->action != FR_ACT_BLACKHOLE && rule->action != FR_ACT_UNREACHABLE &&
            rule->action != FR_ACT_PROHIBIT);
}

int facts_take_rule(const struct nlmsghdr *message, void *user)
{
    const struct fib_rule_hdr *found = mnl_nlmsg_get_payload(message);
    attributes a;
    facts *f = user;
    vpn_rule *fresh;

    attributes_of(&a, message, sizeof *found);
    if (attribute_family(found->family) == 0)
        return MNL_CB_OK;
    if (is_foreign(found, &a)) {
        f->foreign_rules++;
        return MNL_CB_OK;
    }
    fresh = facts_rule(f);
    if (fresh == NULL)
        return MNL_CB_ERROR;
    fresh->family = attribute_family(found->family);
    fresh->priority = attribute_number(&a, FRA_PRIORITY, 0);
    fresh->refuses = found->action != FR_ACT_TO_TBL;
    fresh->table = fresh->refuses ? 0 : attribute_number(&a, FRA_TABLE, found->table);
    fresh->mark = attribute_number(&a, FRA_FWMARK, 0);
    fresh->mask = attribute_number(&a, FRA_FWMASK, a.of[FRA_FWMARK] == NULL ? 0 : UINT32_MAX);
    fresh->suppress = (int32_t)attribute_number(&a, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
    fresh->invert = (found->flags & FIB_RULE_INVERT) != 0;
    if (a.of[FRA_UID_RANGE] != NULL &&
        mnl_attr_get_payload_len(a.of[FRA_UID_RANGE]) == sizeof(struct fib_rule_uid_range)) {
        struct fib_rule_uid_range range;

        memcpy(&range, mnl_attr_get_payload(a.of[FRA_UID_RANGE]), sizeof range);
        fresh->has_uid = 1;
        fresh->uid_first = range.start;
        fresh->uid_last = range.end;
    }
    return MNL_CB_OK;
}

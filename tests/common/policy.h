/* SPDX-License-Identifier: ISC */
/* Plans for tests: a file as text, a host with one link, one LAN and a default route, and what the two make. */
#ifndef VPN_TESTS_COMMON_POLICY_H
#define VPN_TESTS_COMMON_POLICY_H

#include <vpn/policy.h>

#include "common/conf.h"

#define POLICY_PEER CONF_PEER "Endpoint = 198.51.100.7:51820\n"

typedef struct policy_world {
    vpn_host_link links[4];
    vpn_host_address addresses[8];
    vpn_host_route routes[16];
    vpn_rule rules[8];
    vpn_host_resolver resolvers[4];
    vpn_host host;
    vpn_conf *conf;
    vpn_policy policy;
    vpn_plan *plan;
} policy_world;

static inline vpn_prefix policy_prefix(const char *text)
{
    vpn_prefix prefix;
    ck_assert_int_eq(vpn_prefix_parse(&prefix, text, strlen(text)), 0);
    return prefix;
}

/* "192.168.1.5" and 24: the address with its network */
static inline void policy_address(policy_world *w, uint32_t link, const char *address, uint8_t bits)
{
    vpn_prefix prefix = policy_prefix(address);
    prefix.bits = bits;
    w->addresses[w->host.address_count++] = (vpn_host_address){link, prefix};
}

static inline void policy_route(policy_world *w, const char *to, uint32_t link, uint8_t protocol)
{
    w->routes[w->host.route_count++] = (vpn_host_route){.to = policy_prefix(to),
                                                        .link = link,
                                                        .table = VPN_TABLE_MAIN,
                                                        .protocol = protocol,
                                                        .has_gateway = protocol != VPN_PROTOCOL_KERNEL};
}

static inline void policy_host(policy_world *w)
{
    memset(w, 0, sizeof(*w));
    w->host = (vpn_host){.size = sizeof(w->host),
                         .resolver_system = VPN_RESOLVER_RESOLVED,
                         .links = w->links,
                         .link_count = 2,
                         .addresses = w->addresses,
                         .routes = w->routes,
                         .rules = w->rules,
                         .resolvers = w->resolvers,
                         .resolver_count = 1};
    w->links[0] = (vpn_host_link){1, 65536, VPN_LINK_UP | VPN_LINK_LOOPBACK, 0, "lo"};
    w->links[1] = (vpn_host_link){2, 1500, VPN_LINK_UP, 0, "eth0"};
    policy_address(w, 2, "192.168.1.5", 24);
    policy_route(w, "192.168.1.0/24", 2, VPN_PROTOCOL_KERNEL);
    policy_route(w, "0.0.0.0/0", 2, VPN_PROTOCOL_DHCP);
    w->resolvers[0] = (vpn_host_resolver){2, policy_prefix("192.168.1.1")};
    w->policy = (vpn_policy){.size = sizeof(w->policy), .host = &w->host, .name = "wg0"};
}

static inline void policy_plan(policy_world *w, const char *text)
{
    w->conf = conf_good(text);
    w->policy.conf = w->conf;
    ck_assert_int_eq(vpn_plan_new(&w->plan, &w->policy, NULL), 0);
}

static inline void policy_end(policy_world *w)
{
    vpn_plan_free(w->plan);
    vpn_conf_free(w->conf);
}

/* The plan in a form, as a string that the caller frees. */
static inline char *policy_render(const vpn_plan *plan, uint32_t form, uint32_t undo)
{
    size_t need, length;
    ck_assert_int_eq(vpn_plan_render(plan, form, undo, NULL, 0, &need), VPN_ESPACE);
    char *text = calloc(1, need + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(vpn_plan_render(plan, form, undo, text, need, &length), 0);
    ck_assert_uint_eq(length, need);
    ck_assert_uint_eq(strlen(text), need);
    return text;
}

static inline void policy_expect(const vpn_plan *plan, uint32_t form, uint32_t undo, const char *want)
{
    char *text = policy_render(plan, form, undo);
    ck_assert_str_eq(text, want);
    free(text);
}

static inline void policy_contains(const vpn_plan *plan, uint32_t form, uint32_t undo, const char *part)
{
    char *text = policy_render(plan, form, undo);
    ck_assert_msg(strstr(text, part) != NULL, "%s\nlacks\n%s", text, part);
    free(text);
}

/* The first operation of a type, or NULL. */
static inline const vpn_op *policy_op(const vpn_plan *plan, uint32_t type)
{
    for (size_t i = 0; i < vpn_plan_count(plan); i++) {
        if (vpn_plan_op(plan, i)->type == type)
            return vpn_plan_op(plan, i);
    }
    return NULL;
}

static inline vpn_selector policy_packet(const char *to, uint8_t protocol, uint16_t port)
{
    vpn_prefix prefix = policy_prefix(to);
    vpn_selector packet = {.family = prefix.family, .protocol = protocol, .port = port};
    memcpy(packet.to, prefix.addr, sizeof(packet.to));
    return packet;
}

#endif

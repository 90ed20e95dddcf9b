/* SPDX-License-Identifier: ISC */
#include <string.h>

#include <vpn/uapi.h>

#include "config/text.h"
#include "policy/host.h"
#include "policy/inside.h"
#include "policy/ruleset.h"
#include "policy/way.h"

#define SEES_ALL     (VPN_SEES_PACKET | VPN_SEES_DESTINATION | VPN_SEES_SOURCE | VPN_SEES_TIMING)
#define SEES_OUTSIDE (VPN_SEES_ENDPOINT | VPN_SEES_SOURCE | VPN_SEES_TIMING)
#define SEES_PEER    (SEES_ALL | VPN_SEES_TUNNEL_ADDRESS)
#define SEES_BEHIND  (VPN_SEES_PACKET | VPN_SEES_DESTINATION | VPN_SEES_TUNNEL_ADDRESS | VPN_SEES_TIMING)

typedef struct vpn__text text;

static text sentence(vpn_explanation *out)
{
    return (text){.out = out->rule, .capacity = sizeof(out->rule) - 1};
}

/* "rule 31804 asks table 51820, where 0.0.0.0/0 leads " */
static void put_way(text *t, const struct vpn__way *way)
{
    char prefix[VPN_PREFIX_CHARS];
    vpn_prefix_format(prefix, &way->route);
    vpn__text_string(t, "rule ");
    vpn__text_decimal(t, way->priority);
    vpn__text_string(t, " asks table ");
    vpn__text_decimal(t, way->table);
    vpn__text_string(t, ", where ");
    vpn__text_string(t, prefix);
    vpn__text_string(t, " leads ");
}

static void put_link(text *t, const vpn_plan *plan, uint32_t index)
{
    const vpn_host_link *link = vpn__host_link(&plan->host, index);
    size_t length = 0;
    while (link && length < VPN_IFNAME_CHARS && link->name[length])
        length++;
    vpn__text_string(t, "to ");
    vpn__text_bytes(t, link ? link->name : "", length);
}

static void blocked(vpn_explanation *out, const char *why)
{
    text t = sentence(out);
    out->path = VPN_PATH_BLOCKED;
    vpn__text_string(&t, why);
}

static void own(vpn_explanation *out)
{
    text t = sentence(out);
    out->path = VPN_PATH_LOCAL;
    vpn__text_string(&t, "the address is the host's own");
}

static void through(const vpn_plan *plan, const vpn_selector *packet, const struct vpn__way *way, vpn_explanation *out)
{
    text t = sentence(out);
    uint32_t peer = vpn__inside_peer(&plan->conf, packet->family, packet->to);
    if (peer == UINT32_MAX) {
        blocked(out, "a route leads into the tunnel, but no peer's AllowedIPs hold the address");
        return;
    }
    out->path = VPN_PATH_TUNNEL;
    out->peer = peer;
    out->local_network = out->isp = SEES_OUTSIDE;
    out->endpoint = SEES_PEER;
    out->destination = SEES_BEHIND;
    put_way(&t, way);
    vpn__text_string(&t, "into the tunnel");
}

static void around(const vpn_plan *plan, const struct vpn__way *way, vpn_explanation *out)
{
    text t = sentence(out);
    out->path = VPN_PATH_LOCAL;
    out->link = way->link;
    out->local_network = out->destination = SEES_ALL;
    out->isp = way->has_gateway ? SEES_ALL : 0;
    put_way(&t, way);
    put_link(&t, plan, way->link);
}

int vpn_plan_explain(const vpn_plan *plan, const vpn_selector *packet, vpn_explanation *out)
{
    struct vpn__way way;
    memset(out, 0, sizeof(*out));
    out->peer = UINT32_MAX;
    if (packet->family != 4 && packet->family != 6)
        return VPN_EINVAL;
    for (size_t i = 0; i < plan->conf.address_count; i++) {
        const vpn_prefix *address = &plan->conf.addresses[i];
        if (address->family == packet->family && !memcmp(address->addr, packet->to, packet->family == 4 ? 4 : 16)) {
            own(out);
            return 0;
        }
    }
    if (vpn__host_owns(&plan->host, packet->family, packet->to)) {
        own(out);
        return 0;
    }
    vpn__way_find(plan, packet, &way);
    out->table = way.table;
    out->route = way.route;
    if (!way.found || way.refuses)
        blocked(out, way.found ? "a rule or a route refuses it" : "no route leads there");
    else if (way.tunnel)
        through(plan, packet, &way, out);
    else if (vpn__ruleset_drops(plan, packet))
        blocked(out, "only the tunnel may carry it, and the routes lead around the tunnel (FailMode)");
    else
        around(plan, &way, out);
    return 0;
}

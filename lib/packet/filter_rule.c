/* SPDX-License-Identifier: ISC */
/* What a field means depends on bits elsewhere in the rule. A field that means nothing must be zero: then a bit that was
   forgotten cannot widen a rule, and two rules that mean the same have the same bytes. */
#include "packet/filter_rule.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/filter_parse.h"

#define MATCH_ALL 0x3fu

#define PORTS (VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT)

/* The bytes of a rule that count must be set one by one: padding is not copied. */
_Static_assert(sizeof(vpn_filter_rule) == 72, "the layout of a rule is final");

/* Copies a prefix with the bits behind its length cleared. */
static int prefix_read(vpn_prefix *out, const vpn_prefix *in)
{
    static const vpn_prefix none;
    memset(out, 0, sizeof(*out));
    if (in->family == 0)
        return memcmp(in, &none, sizeof(none)) == 0 ? 0 : VPN_EINVAL;
    if ((in->family != 4 && in->family != 6) || in->bits > (in->family == 4 ? 32 : 128) || in->reserved[0] ||
        in->reserved[1])
        return VPN_EINVAL;
    out->family = in->family;
    out->bits = in->bits;
    memcpy(out->addr, in->addr, in->bits / 8);
    if (in->bits % 8)
        out->addr[in->bits / 8] = (uint8_t)(in->addr[in->bits / 8] & (0xff00u >> in->bits % 8));
    return 0;
}

static int range_is_valid(const vpn_filter_rule *r, uint32_t bit, uint16_t min, uint16_t max)
{
    return (r->match & bit) != 0 ? min <= max : min == 0 && max == 0;
}

static int transport_is_valid(const vpn_filter_rule *r)
{
    int known = (r->match & VPN_FILTER_MATCH_PROTOCOL) != 0;
    uint32_t match = r->match;

    if (!known && (r->protocol != 0 || match != 0))
        return 0;
    if ((match & PORTS) != 0 && !vpn__filter_has_ports(r->protocol))
        return 0;
    if (!range_is_valid(r, VPN_FILTER_MATCH_SRC_PORT, r->src_port_min, r->src_port_max) ||
        !range_is_valid(r, VPN_FILTER_MATCH_DST_PORT, r->dst_port_min, r->dst_port_max))
        return 0;
    if ((match & VPN_FILTER_MATCH_ICMP_TYPE) != 0 ? r->protocol != VPN__PROTO_ICMP && r->protocol != VPN__PROTO_ICMP6
                                                  : r->icmp_type != 0)
        return 0;
    if ((match & VPN_FILTER_MATCH_ICMP_CODE) != 0 ? (match & VPN_FILTER_MATCH_ICMP_TYPE) == 0 : r->icmp_code != 0)
        return 0;
    if ((match & VPN_FILTER_MATCH_TCP_FLAGS) == 0)
        return r->tcp_mask == 0 && r->tcp_flags == 0;
    return r->protocol == VPN__PROTO_TCP && r->tcp_mask != 0 && (r->tcp_flags & ~r->tcp_mask) == 0;
}

int vpn__filter_rule_read(vpn_filter_rule *out, const vpn_filter_rule *in)
{
    static const uint8_t none[sizeof(in->reserved)];
    if (in->action > VPN_FILTER_REJECT || in->direction > VPN_FILTER_OUT || (in->flags & ~VPN_FILTER_STATEFUL) != 0 ||
        (in->match & ~MATCH_ALL) != 0 || memcmp(in->reserved, none, sizeof(none)) != 0)
        return VPN_EINVAL;
    if (in->flags != 0 && in->action != VPN_FILTER_ALLOW)
        return VPN_EINVAL;
    *out = *in;
    if (!transport_is_valid(in) || prefix_read(&out->src, &in->src) || prefix_read(&out->dst, &in->dst))
        return VPN_EINVAL;
    return in->src.family != 0 && in->dst.family != 0 && in->src.family != in->dst.family ? VPN_EINVAL : 0;
}

struct vpn__filter_value vpn__filter_address(uint32_t family, const uint8_t *addr)
{
    if (family == 4)
        return (struct vpn__filter_value){0, vpn__load32be(addr)};
    return (struct vpn__filter_value){vpn__load64be(addr), vpn__load64be(addr + 8)};
}

/* The low `bits` bits of a word set; 0..64. */
static uint64_t ones(uint32_t bits)
{
    return bits == 0 ? 0 : UINT64_MAX >> (64 - bits);
}

/* `other` is the prefix of the other end: a rule with a family there takes no packets of another. */
static int address_ranges(const vpn_prefix *p, const vpn_prefix *other, uint32_t family, struct vpn__filter_range *out)
{
    uint8_t wanted = p->family ? p->family : other->family;
    if (wanted != 0 && wanted != family)
        return 0;
    if (p->family == 0 || p->bits == 0)
        return VPN__EVERYTHING;
    uint32_t rest = (family == 4 ? 32u : 128u) - p->bits;
    out->first = out->last = vpn__filter_address(family, p->addr);
    out->last.low |= ones(rest < 64 ? rest : 64);
    out->last.high |= ones(rest < 64 ? 0 : rest - 64);
    return 1;
}

static int number_range(struct vpn__filter_range *out, uint32_t first, uint32_t last)
{
    *out = (struct vpn__filter_range){{0, first}, {0, last}};
    return 1;
}

static int port_ranges(const vpn_filter_rule *rule, uint32_t field, struct vpn__filter_range *out)
{
    uint32_t match = rule->match;
    if (field == VPN__FIELD_SRC_PORT) {
        if (match & VPN_FILTER_MATCH_SRC_PORT)
            return number_range(out, rule->src_port_min, rule->src_port_max);
        return match & VPN_FILTER_MATCH_ICMP_TYPE ? number_range(out, rule->icmp_type, rule->icmp_type)
                                                  : VPN__EVERYTHING;
    }
    if (match & VPN_FILTER_MATCH_DST_PORT)
        return number_range(out, rule->dst_port_min, rule->dst_port_max);
    return match & VPN_FILTER_MATCH_ICMP_CODE ? number_range(out, rule->icmp_code, rule->icmp_code) : VPN__EVERYTHING;
}

uint32_t vpn__filter_way(uint32_t direction, uint32_t protocol)
{
    return (direction - VPN_FILTER_IN) * 256 + protocol;
}

static int way_ranges(const vpn_filter_rule *rule, struct vpn__filter_range *out)
{
    int known = (rule->match & VPN_FILTER_MATCH_PROTOCOL) != 0;
    uint32_t first = known ? rule->protocol : 0, last = known ? rule->protocol : 255;
    if (!known && rule->direction == VPN_FILTER_BOTH)
        return VPN__EVERYTHING;
    int count = 0;
    for (uint32_t way = VPN_FILTER_IN; way <= VPN_FILTER_OUT; way++)
        if (rule->direction == VPN_FILTER_BOTH || rule->direction == way)
            count += number_range(&out[count], vpn__filter_way(way, first), vpn__filter_way(way, last));
    return count;
}

int vpn__filter_rule_ranges(const vpn_filter_rule *rule, uint32_t field, struct vpn__filter_range out[VPN__RANGES_MAX])
{
    switch (field) {
    case VPN__FIELD_SRC4:
    case VPN__FIELD_SRC6:
        return address_ranges(&rule->src, &rule->dst, field == VPN__FIELD_SRC4 ? 4 : 6, out);
    case VPN__FIELD_DST4:
    case VPN__FIELD_DST6:
        return address_ranges(&rule->dst, &rule->src, field == VPN__FIELD_DST4 ? 4 : 6, out);
    case VPN__FIELD_SRC_PORT:
    case VPN__FIELD_DST_PORT:
        return port_ranges(rule, field, out);
    default:
        return way_ranges(rule, out);
    }
}

int vpn__filter_rule_flags(const vpn_filter_rule *rule, uint32_t flags)
{
    if ((rule->match & VPN_FILTER_MATCH_TCP_FLAGS) == 0)
        return 1;
    return flags != VPN__NO_FLAGS && (flags & rule->tcp_mask) == rule->tcp_flags;
}

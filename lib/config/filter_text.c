/* SPDX-License-Identifier: ISC */
/* Rules of one line differ in their ports alone, so they are a base and two lists, the second within the first. */
#include <string.h>

#include "config/filter_line.h"

typedef struct vpn__filter_line line;

static void put_ports(vpn_filter_rule *rule, const line *l, size_t src, size_t dst)
{
    *rule = l->base;
    if (l->src.count) {
        rule->match |= VPN_FILTER_MATCH_SRC_PORT;
        rule->src_port_min = l->src.ranges[src].min;
        rule->src_port_max = l->src.ranges[src].max;
    }
    if (l->dst.count) {
        rule->match |= VPN_FILTER_MATCH_DST_PORT;
        rule->dst_port_min = l->dst.ranges[dst].min;
        rule->dst_port_max = l->dst.ranges[dst].max;
    }
}

static size_t at_least_one(uint32_t count)
{
    return count ? count : 1;
}

int vpn_filter_rule_parse(vpn_filter_rule *out, size_t capacity, size_t *count, const char *text, size_t length,
                          vpn_rule_error *error)
{
    line l;
    *count = 0;
    int result = vpn__filter_line_read(&l, text, length, error);
    if (result)
        return result;
    size_t inner = at_least_one(l.dst.count);
    *count = at_least_one(l.src.count) * inner;
    if (*count > capacity)
        return VPN_ESPACE;
    for (size_t i = 0; i < *count; i++)
        put_ports(&out[i], &l, i / inner, i % inner);
    return 0;
}

static void push(struct vpn__port_list *list, uint16_t min, uint16_t max)
{
    list->ranges[list->count++] = (struct vpn__port_range){min, max};
}

/* The two lists that would have made these rules, as far as their first rules tell. */
static int read_lists(line *l, const vpn_filter_rule *rules, size_t count)
{
    const vpn_filter_rule *first = &rules[0];
    size_t inner = 1;
    if (first->match & VPN_FILTER_MATCH_DST_PORT) {
        while (inner < count && rules[inner].src_port_min == first->src_port_min &&
               rules[inner].src_port_max == first->src_port_max)
            inner++;
    }
    if (inner > VPN__PORTS_MAX || count % inner || count / inner > VPN__PORTS_MAX)
        return VPN_EINVAL;
    for (size_t i = 0; i < inner && (first->match & VPN_FILTER_MATCH_DST_PORT); i++)
        push(&l->dst, rules[i].dst_port_min, rules[i].dst_port_max);
    for (size_t i = 0; i < count && (first->match & VPN_FILTER_MATCH_SRC_PORT); i += inner)
        push(&l->src, rules[i].src_port_min, rules[i].src_port_max);
    return at_least_one(l->src.count) * at_least_one(l->dst.count) == count ? 0 : VPN_EINVAL;
}

static int read_rules(line *l, const vpn_filter_rule *rules, size_t count)
{
    if (!count || count > VPN_FILTER_LINE_RULES || vpn_filter_check(rules, count, NULL))
        return VPN_EINVAL;
    *l = (line){.base = rules[0]};
    l->base.match &= (uint16_t) ~(VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT);
    l->base.src_port_min = l->base.src_port_max = l->base.dst_port_min = l->base.dst_port_max = 0;
    return read_lists(l, rules, count);
}

/* 1 when the line makes exactly these rules. */
static int makes(const line *l, const vpn_filter_rule *rules, size_t count)
{
    size_t inner = at_least_one(l->dst.count);
    for (size_t i = 0; i < count; i++) {
        vpn_filter_rule rule;
        put_ports(&rule, l, i / inner, i % inner);
        if (memcmp(&rule, &rules[i], sizeof(rule)) != 0)
            return 0;
    }
    return l->base.user == 0;
}

int vpn_filter_rule_format(char out[VPN_FILTER_LINE_CHARS], const vpn_filter_rule *rules, size_t count)
{
    struct vpn__text text = {.out = out, .capacity = VPN_FILTER_LINE_CHARS - 1};
    line l, again;
    out[0] = '\0';
    if (read_rules(&l, rules, count) || !makes(&l, rules, count))
        return VPN_EINVAL;
    vpn__filter_line_write(&l, &text);
    /* a rule that nobody could write, such as icmp to an address of IPv6 */
    if (text.length >= VPN_FILTER_LINE_CHARS || vpn__filter_line_read(&again, out, text.length, NULL)) {
        out[0] = '\0';
        return VPN_EINVAL;
    }
    out[text.length] = '\0';
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* Words as tcpdump, pf and nftables have them. Of several for one number the first one is written. */
#include <vpn/ip.h>

#include "config/conf_keys.h"
#include "config/filter_line.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct name {
    const char *word;
    uint8_t number;
};

static const char *const actions[] = {
    [VPN_FILTER_DENY] = "deny", [VPN_FILTER_ALLOW] = "allow", [VPN_FILTER_REJECT] = "reject"};

static const struct name protocols[] = {{"tcp", VPN_IP_TCP},     {"udp", VPN_IP_UDP},   {"icmp", VPN_IP_ICMP},
                                        {"icmp6", VPN_IP_ICMP6}, {"sctp", VPN_IP_SCTP}, {"udplite", VPN_IP_UDPLITE},
                                        {"dccp", VPN_IP_DCCP},   {"gre", 47},           {"esp", VPN_IP_ESP},
                                        {"ah", VPN_IP_AH},       {"icmpv6", 58}};

static const struct name types4[] = {{"echo-request", 8},   {"echo-reply", 0},         {"destination-unreachable", 3},
                                     {"time-exceeded", 11}, {"parameter-problem", 12}, {"redirect", 5}};

static const struct name types6[] = {{"echo-request", 128}, {"echo-reply", 129},  {"destination-unreachable", 1},
                                     {"packet-too-big", 2}, {"time-exceeded", 3}, {"parameter-problem", 4},
                                     {"redirect", 137}};

static int number_of(const struct name *names, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (vpn__conf_is(text, length, names[i].word))
            return names[i].number;
    }
    return -1;
}

static const char *word_of(const struct name *names, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number)
            return names[i].word;
    }
    return NULL;
}

int vpn__filter_protocol(const char *text, size_t length)
{
    return number_of(protocols, COUNT(protocols), text, length);
}

const char *vpn__filter_protocol_name(uint32_t protocol)
{
    return word_of(protocols, COUNT(protocols), protocol);
}

int vpn__filter_icmp(uint32_t protocol, const char *text, size_t length)
{
    return protocol == VPN_IP_ICMP ? number_of(types4, COUNT(types4), text, length)
                                   : number_of(types6, COUNT(types6), text, length);
}

const char *vpn__filter_icmp_name(uint32_t protocol, uint32_t type)
{
    return protocol == VPN_IP_ICMP ? word_of(types4, COUNT(types4), type) : word_of(types6, COUNT(types6), type);
}

int vpn__filter_line_has_ports(uint32_t protocol)
{
    return protocol == VPN_IP_TCP || protocol == VPN_IP_UDP || protocol == VPN_IP_UDPLITE || protocol == VPN_IP_DCCP ||
           protocol == VPN_IP_SCTP;
}

char vpn__filter_flag(uint32_t bit)
{
    return "FSRPAUEW"[bit & 7];
}

int vpn_filter_action_parse(const char *text, size_t length)
{
    for (int i = 0; i < (int)COUNT(actions); i++) {
        if (vpn__conf_is(text, length, actions[i]))
            return i;
    }
    return VPN_EFORMAT;
}

const char *vpn_filter_action_name(uint32_t action)
{
    return action < COUNT(actions) ? actions[action] : NULL;
}

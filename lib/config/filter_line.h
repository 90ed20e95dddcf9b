/* SPDX-License-Identifier: ISC */
/* A line of a filter between its text and its rules. */
#ifndef VPN_LIB_CONFIG_FILTER_LINE_H
#define VPN_LIB_CONFIG_FILTER_LINE_H

#include <vpn/rules.h>

#include "config/text.h"

#define VPN__PORTS_MAX 12u

struct vpn__port_range {
    uint16_t min, max;
};

/* Empty: no port is looked at. */
struct vpn__port_list {
    struct vpn__port_range ranges[VPN__PORTS_MAX];
    uint32_t count;
};

struct vpn__filter_line {
    vpn_filter_rule base; /* without ports */
    struct vpn__port_list src, dst;
};

/* Reads a line whole. 0 or VPN_EFORMAT. */
int vpn__filter_line_read(struct vpn__filter_line *out, const char *text, size_t length, vpn_rule_error *error);
/* Writes it in its one form. */
void vpn__filter_line_write(const struct vpn__filter_line *line, struct vpn__text *text);

/* The protocol that a word means, or -1; and the word, or NULL. */
int vpn__filter_protocol(const char *text, size_t length);
const char *vpn__filter_protocol_name(uint32_t protocol);
/* The same for a type of ICMP (1) or ICMPv6 (58). */
int vpn__filter_icmp(uint32_t protocol, const char *text, size_t length);
const char *vpn__filter_icmp_name(uint32_t protocol, uint32_t type);
/* Ports are known of it. */
int vpn__filter_line_has_ports(uint32_t protocol);
/* The letter of a bit of the TCP flags, 0 to 7. */
char vpn__filter_flag(uint32_t bit);

#endif

/* SPDX-License-Identifier: ISC */
/* A rule as the compiler wants it: checked, in one form only, and as ranges of numbers. */
#ifndef VPN_LIB_PACKET_FILTER_RULE_H
#define VPN_LIB_PACKET_FILTER_RULE_H

#include <vpn/filter.h>

/* The fields of a packet that rules look at. Source and destination exist once for each family. */
enum vpn__filter_field {
    VPN__FIELD_SRC4,
    VPN__FIELD_DST4,
    VPN__FIELD_SRC6,
    VPN__FIELD_DST6,
    VPN__FIELD_SRC_PORT, /* or ICMP type */
    VPN__FIELD_DST_PORT, /* or ICMP code */
    VPN__FIELD_WAY,      /* direction and protocol: vpn__filter_way */
    VPN__FIELD_FLAGS,    /* TCP flags; the only one whose rules are not ranges */
    VPN__FIELDS
};

#define VPN__FILTER_WAYS 512u

/* Numbers of up to 128 bits. */
struct vpn__filter_value {
    uint64_t high;
    uint64_t low;
};

struct vpn__filter_range {
    struct vpn__filter_value first;
    struct vpn__filter_value last;
};

#define VPN__RANGES_MAX 2 /* of one rule in one field */
#define VPN__EVERYTHING (-1)

/* Checks a rule and copies it in its one form. 0 or VPN_EINVAL. */
int vpn__filter_rule_read(vpn_filter_rule *out, const vpn_filter_rule *in);
/* What a rule wants of a field other than the flags: the number of ranges, 0 when no packet with the field can match, or
   VPN__EVERYTHING. Ranges do not touch each other. */
int vpn__filter_rule_ranges(const vpn_filter_rule *rule, uint32_t field, struct vpn__filter_range out[VPN__RANGES_MAX]);
/* Whether flags, or VPN__NO_FLAGS, are as the rule wants them. */
int vpn__filter_rule_flags(const vpn_filter_rule *rule, uint32_t flags);
/* Direction (VPN_FILTER_IN or _OUT) and protocol as one number under VPN__FILTER_WAYS. */
uint32_t vpn__filter_way(uint32_t direction, uint32_t protocol);
/* An address of 4 or 16 bytes as a number. */
struct vpn__filter_value vpn__filter_address(uint32_t family, const uint8_t *addr);

#endif

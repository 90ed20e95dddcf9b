/* SPDX-License-Identifier: ISC */
/* The rules of a netmap, made ready for lookups from either side. */
#ifndef VPN_LIB_PACKET_NETMAP_TABLE_H
#define VPN_LIB_PACKET_NETMAP_TABLE_H

#include <vpn/netmap.h>

/* An address or prefix as a number, its first bit on top; IPv4 in the upper 32 bits. */
struct vpn__netmap_addr {
    uint64_t high, low;
};

/* One side of a rule: addresses in the prefix `from` get the prefix `to`. */
struct vpn__netmap_entry {
    struct vpn__netmap_addr from, to; /* zero behind the prefix */
    uint32_t up;                      /* 1 + the place of the next shorter entry that holds this one; 0: none */
    uint16_t delta;                   /* sum of the words of `to` less that of `from`, modulo 0xffff */
    uint8_t bits;
};

/* Sorted by `from`, and the shorter first where that is equal. */
struct vpn__netmap_list {
    const struct vpn__netmap_entry *entries;
    uint32_t count;
};

/* Where vpn__netmap_list_of finds the list of one direction, kind and family (4 or 6). */
#define VPN__NETMAP_LISTS 8
static inline uint32_t vpn__netmap_list_of(uint32_t direction, uint32_t whose, uint8_t family)
{
    return (direction == VPN_NETMAP_OUT ? 4u : 0) + whose * 2 + (family == 6 ? 1u : 0);
}

/* 0, VPN_EINVAL or VPN_EEXIST about the rule at `place`, beside those before it. */
int vpn__netmap_check_rule(const vpn_netmap_rule *rules, size_t place);

/* Fills `lists`, and 2 * count entries that they share, from rules that vpn_netmap_check took. */
void vpn__netmap_fill(struct vpn__netmap_list lists[VPN__NETMAP_LISTS], struct vpn__netmap_entry *entries,
                      const vpn_netmap_rule *rules, size_t count);

/* Writes to `to` what an address becomes by the list `there`, provided that the list `back` would undo it. Returns
   VPN_NETMAP_* and by how much the sum of its words has grown, modulo 0xffff; `to` changes only with VPN_NETMAP_TRANSLATED. */
int vpn__netmap_map(const struct vpn__netmap_list *there, const struct vpn__netmap_list *back, uint8_t family,
                    uint8_t *to, const uint8_t *from, uint32_t *delta);

#endif

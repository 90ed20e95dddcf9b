/* SPDX-License-Identifier: ISC */
/*
 * Everything is looked up first, and nothing is written before all of it is known to be possible. In IPv6 addresses are all that
 * changes. In IPv4 a sum follows each address that it covers. The sum of an ICMP message covers the packet that it quotes:
 * what a quoted address adds to it the quoted header's checksum takes away, and what remains is the change of the quoted
 * transport's checksum.
 */
#include <vpn/netmap.h>

#include <string.h>

#include <vpn/checksum.h>

#include "base/bytes.h"
#include "base/env.h"
#include "packet/icmp_error.h"
#include "packet/netmap_table.h"
#include "packet/parse.h"

#define ICMP_HEADER     8u
#define ICMP_CHECKSUM   2u
#define IP4_CHECKSUM    10u
#define IP4_ADDRESSES   12u
#define IP6_ADDRESSES   8u
#define ERROR6_LAST     4 /* the last type that is known to quote a packet (RFC 4443 section 3) */
#define NO_CHECKSUM     0u
#define CHECKSUM_BYTES  2u
#define ADDRESSES_BYTES 32u
#define MODULUS         0xffffu

struct vpn_netmap {
    vpn_env env;
    struct vpn__netmap_list lists[VPN__NETMAP_LISTS];
    struct vpn__netmap_entry *entries;
    size_t count; /* of entries */
};

/* The addresses that a packet gets. */
struct fresh {
    uint8_t addresses[ADDRESSES_BYTES]; /* source and destination, as they stand in the header */
    uint32_t delta;                     /* by how much the sum of their words has grown, modulo 0xffff */
    int result;                         /* VPN_NETMAP_* */
};

static const char *const results[] = {
    "no rule is for it",
    "translated",
    "the address stands for another one on the other side",
    "no word of the address can make up for the other prefix",
    "an authentication header would not hold",
};
_Static_assert(sizeof results / sizeof *results == VPN_NETMAP_RESULTS, "every result has a text");

const char *vpn_netmap_result_text(int result)
{
    return result >= 0 && result < VPN_NETMAP_RESULTS ? results[result] : "unknown result";
}

/* --- the table --- */

int vpn_netmap_new(vpn_netmap **out, const vpn_netmap_rule *rules, size_t count, const vpn_env *env)
{
    vpn_env own;
    vpn_netmap *netmap;
    int error = vpn_netmap_check(rules, count, NULL);

    *out = NULL;
    if (error == VPN_OK)
        error = vpn__env_init(&own, env);
    if (error != VPN_OK)
        return error;
    netmap = vpn__alloc(&own, sizeof *netmap);
    if (!netmap)
        return VPN_ENOMEM;
    netmap->env = own;
    netmap->count = 2 * count;
    if (count != 0) {
        netmap->entries = vpn__alloc_array(&own, netmap->count, sizeof *netmap->entries);
        if (!netmap->entries) {
            vpn_netmap_free(netmap);
            return VPN_ENOMEM;
        }
        vpn__netmap_fill(netmap->lists, netmap->entries, rules, count);
    }
    *out = netmap;
    return VPN_OK;
}

void vpn_netmap_free(vpn_netmap *netmap)
{
    vpn_env env;

    if (!netmap)
        return;
    env = netmap->env;
    vpn__free(&env, netmap->entries, netmap->count * sizeof *netmap->entries);
    vpn__free(&env, netmap, sizeof *netmap);
}

/* --- addresses --- */

static int map(const vpn_netmap *netmap, uint32_t direction, uint32_t whose, uint8_t family, uint8_t *to,
               const uint8_t *from, uint32_t *delta)
{
    uint32_t back = direction == VPN_NETMAP_OUT ? VPN_NETMAP_IN : VPN_NETMAP_OUT;

    return vpn__netmap_map(&netmap->lists[vpn__netmap_list_of(direction, whose, family)],
                           &netmap->lists[vpn__netmap_list_of(back, whose, family)], family, to, from, delta);
}

int vpn_netmap_address(const vpn_netmap *netmap, uint32_t direction, uint32_t whose, uint8_t family, uint8_t *addr)
{
    uint32_t delta;

    if ((direction != VPN_NETMAP_IN && direction != VPN_NETMAP_OUT) || whose > VPN_NETMAP_THEIRS ||
        (family != 4 && family != 6))
        return VPN_EINVAL;
    return map(netmap, direction, whose, family, addr, addr, &delta);
}

static uint32_t addresses_at(uint8_t version)
{
    return version == 4 ? IP4_ADDRESSES : IP6_ADDRESSES;
}

/* Looks up both addresses of a packet. `source` tells whose the source is. */
static void look_up(struct fresh *fresh, const vpn_netmap *netmap, uint32_t direction, uint32_t source, uint8_t version,
                    const uint8_t *packet)
{
    const uint8_t *old = packet + addresses_at(version);
    uint32_t bytes = version == 4 ? 4 : 16, delta;
    int result;

    memcpy(fresh->addresses, old, (size_t)bytes * 2);
    fresh->result = map(netmap, direction, source, version, fresh->addresses, old, &fresh->delta);
    if (fresh->result > VPN_NETMAP_TRANSLATED)
        return;
    result = map(netmap, direction, source ^ 1u, version, fresh->addresses + bytes, old + bytes, &delta);
    fresh->delta = (fresh->delta + delta) % MODULUS;
    if (result > fresh->result)
        fresh->result = result;
}

/* --- checksums --- */

/* Where the checksum of a transport that knows the addresses is, counted from the packet's beginning; NO_CHECKSUM where it has none or
   it does not lie within the `there` bytes that are there. */
static uint32_t checksum_at(const vpn_ip *ip, uint32_t there)
{
    uint32_t at;

    if ((ip->flags & (VPN_IP_LATER | VPN_IP_INCOMPLETE)) != 0)
        return NO_CHECKSUM;
    if (ip->protocol == VPN_IP_TCP)
        at = ip->transport + 16;
    else if (ip->protocol == VPN_IP_UDP || ip->protocol == VPN_IP_UDPLITE || ip->protocol == VPN_IP_DCCP)
        at = ip->transport + 6;
    else
        return NO_CHECKSUM;
    return at + CHECKSUM_BYTES <= there ? at : NO_CHECKSUM;
}

static void complement(uint8_t at[2])
{
    at[0] ^= 0xffu;
    at[1] ^= 0xffu;
}

static void apply(uint8_t at[2], uint8_t protocol, uint16_t change, int partial)
{
    if (partial) {
        complement(at);
        vpn_checksum_apply(at, change);
        complement(at);
    } else if (protocol == VPN_IP_UDP || protocol == VPN_IP_UDPLITE) {
        vpn_checksum_apply_udp(at, change); /* to UDP-Lite 0 is as foreign (RFC 3828 section 3.1) */
    } else {
        vpn_checksum_apply(at, change);
    }
}

/* Writes the addresses and what depends on them. Returns what has changed for a sum over the packet, as in vpn/checksum.h. */
static uint16_t commit(uint8_t *packet, const vpn_ip *ip, uint32_t there, const struct fresh *fresh, int partial)
{
    uint16_t change = (uint16_t)fresh->delta, before, after;
    uint32_t at = checksum_at(ip, there);

    memcpy(packet + addresses_at(ip->version), fresh->addresses, ip->version == 4 ? 8 : 32);
    if (change == 0)
        return 0;
    vpn_checksum_apply(packet + IP4_CHECKSUM, change);
    if (at == NO_CHECKSUM)
        return 0;
    before = vpn__load16be(packet + at);
    apply(packet + at, ip->protocol, change, partial);
    after = vpn__load16be(packet + at);
    return before == after ? 0 : vpn_checksum_change16(0, before, after); /* the same where UDP has none */
}

/* --- packets --- */

/* The packet that an ICMP error quotes. */
struct quote {
    vpn_ip ip;
    struct fresh fresh;
    uint32_t offset, bytes; /* 0: nothing is quoted */
};

static int quotes(const vpn_ip *ip)
{
    if ((ip->flags & VPN_IP_ERROR) == 0)
        return 0;
    return ip->version == 4 || (ip->icmp_type >= 1 && ip->icmp_type <= ERROR6_LAST);
}

static int read_quote(struct quote *quote, const vpn_ip *outer, const uint8_t *packet)
{
    int error;

    quote->offset = outer->transport + ICMP_HEADER;
    quote->bytes = vpn__icmp_quote_bytes(outer, packet + outer->transport, outer->total - quote->offset);
    error = vpn__ip_parse_quoted(&quote->ip, packet + quote->offset, quote->bytes);
    if (error == VPN_OK && quote->ip.version != outer->version)
        error = VPN_EFORMAT;
    return error;
}

static void commit_quote(uint8_t *packet, const vpn_ip *outer, const struct quote *quote)
{
    uint16_t change = commit(packet + quote->offset, &quote->ip, quote->bytes, &quote->fresh, 0);

    if (change != 0)
        vpn_checksum_apply(packet + outer->transport + ICMP_CHECKSUM, change);
}

/* What is to become of a packet, looked up and not yet written. VPN_NETMAP_* or an error. */
static int plan(struct fresh *fresh, struct quote *quote, const vpn_netmap *netmap, uint32_t direction,
                const vpn_ip *ip, const uint8_t *packet)
{
    uint32_t source = direction == VPN_NETMAP_OUT ? VPN_NETMAP_OURS : VPN_NETMAP_THEIRS;
    int result;

    quote->bytes = 0;
    if (quotes(ip) && read_quote(quote, ip, packet) != VPN_OK)
        return VPN_EFORMAT;
    look_up(fresh, netmap, direction, source, ip->version, packet);
    result = fresh->result;
    if (quote->bytes != 0) {
        look_up(&quote->fresh, netmap, direction, source ^ 1u, ip->version, packet + quote->offset);
        if (quote->fresh.result > result)
            result = quote->fresh.result;
    }
    return result == VPN_NETMAP_TRANSLATED && (ip->flags & VPN_IP_PROTECTED) != 0 ? VPN_NETMAP_PROTECTED : result;
}

int vpn_netmap_translate(const vpn_netmap *netmap, uint32_t direction, uint8_t *packet, size_t length, uint32_t flags)
{
    struct fresh fresh;
    struct quote quote;
    vpn_ip ip;
    int result;

    if ((direction != VPN_NETMAP_IN && direction != VPN_NETMAP_OUT) || (flags & ~VPN_NETMAP_PARTIAL) != 0)
        return VPN_EINVAL;
    result = vpn_ip_parse(&ip, packet, length);
    if (result != VPN_OK)
        return result;
    result = plan(&fresh, &quote, netmap, direction, &ip, packet);
    if (result != VPN_NETMAP_TRANSLATED)
        return result;
    (void)commit(packet, &ip, ip.total, &fresh, (flags & VPN_NETMAP_PARTIAL) != 0);
    if (quote.bytes != 0)
        commit_quote(packet, &ip, &quote);
    return VPN_NETMAP_TRANSLATED;
}

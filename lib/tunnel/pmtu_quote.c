/* SPDX-License-Identifier: ISC */
/*
 * Anyone can send an ICMP error; only who sees our packets can quote one. Addresses and ports can be guessed (RFC 5927 section
 * 4), a receiver index of 32 random bits and a counter of the last seconds cannot.
 *
 * A router quotes what it could not carry on, and that is what we sent: with a NAT on the way, the translator restores
 * addresses and ports in the quoted packet (RFC 5508 section 4.2), so they are compared as we know them.
 */
#include "tunnel/pmtu_quote.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/parse.h"

#define DATA        4u  /* message type */
#define DATA_HEADER 16u /* type, receiver index, counter */
#define UDP_HEADER  8u
#define PATH_LEAST4 68u /* RFC 791: what every link takes */

/* --- what was sent --- */

static void begin(struct vpn__pmtu_sent *s, uint32_t index, vpn_time now)
{
    memset(s, 0, sizeof *s);
    s->index = index;
    s->used = 1;
    s->last = now;
    s->moved = now;
}

/* Counters run up, so two marks tell those of the last window or two. */
static void move(struct vpn__pmtu_sent *s, vpn_time now)
{
    vpn_time quiet = now > s->moved ? now - s->moved : 0;

    if (quiet < VPN__PMTU_WINDOW)
        return;
    s->from = quiet < 2 * VPN__PMTU_WINDOW ? s->middle : s->to + 1;
    s->middle = s->to;
    s->moved = now;
}

void vpn__pmtu_quote_sent(struct vpn__pmtu_facts *facts, const uint8_t *message, size_t length, vpn_time now)
{
    struct vpn__pmtu_sent *s = NULL, *oldest = facts->sessions;
    uint64_t counter;
    uint32_t index;

    if (length < DATA_HEADER || vpn__load32le(message) != DATA)
        return;
    index = vpn__load32le(message + 4);
    counter = vpn__load64le(message + 8);
    for (size_t i = 0; i < VPN__PMTU_SESSIONS && s == NULL; i++) {
        struct vpn__pmtu_sent *at = &facts->sessions[i];
        if (at->used != 0 && at->index == index)
            s = at;
        else if (oldest->used != 0 && (at->used == 0 || at->last < oldest->last))
            oldest = at;
    }
    if (s == NULL) {
        s = oldest;
        begin(s, index, now);
    }
    move(s, now);
    if (counter > s->to)
        s->to = counter;
    s->last = now;
}

static int was_sent(const struct vpn__pmtu_facts *facts, const uint8_t *message, vpn_time now)
{
    uint32_t index = vpn__load32le(message + 4);
    uint64_t counter = vpn__load64le(message + 8);

    if (vpn__load32le(message) != DATA)
        return 0;
    for (size_t i = 0; i < VPN__PMTU_SESSIONS; i++) {
        const struct vpn__pmtu_sent *s = &facts->sessions[i];
        if (s->used != 0 && s->index == index)
            return counter >= s->from && counter <= s->to && (now < s->last || now - s->last < 2 * VPN__PMTU_WINDOW);
    }
    return 0;
}

/* --- what is quoted --- */

static int is_unset(const uint8_t addr[16])
{
    static const uint8_t none[16];

    return memcmp(addr, none, sizeof none) == 0;
}

static int judge_message(const struct vpn__pmtu_facts *facts, uint32_t flags, const uint8_t *message, size_t length,
                         vpn_time now)
{
    if (length < DATA_HEADER)
        return (flags & VPN_PMTU_SHORT_QUOTES) != 0 ? VPN_PMTU_LOWERED : VPN_PMTU_SHORT;
    return was_sent(facts, message, now) ? VPN_PMTU_LOWERED : VPN_PMTU_UNKNOWN;
}

static int is_ours(const vpn_ip *ip, const vpn_pmtu_route *route)
{
    const vpn_endpoint *remote = &route->path.remote;

    if (ip->version != remote->family || ip->protocol != VPN_IP_UDP || memcmp(ip->dst, remote->addr, 16) != 0)
        return 0;
    if (!is_unset(route->path.local) && memcmp(ip->src, route->path.local, 16) != 0)
        return 0;
    if ((ip->flags & VPN_IP_PORTS) == 0)
        return 1; /* cut off before the ports */
    return ip->dst_port == remote->port && (route->local_port == 0 || ip->src_port == route->local_port);
}

/* `about` is the length of the packet that did not pass. */
static int judge_packet(uint32_t *about, const struct vpn__pmtu_facts *facts, const vpn_pmtu_route *route,
                        uint32_t flags, const vpn_pmtu_report *report, vpn_time now)
{
    const uint8_t *quote = report->quote;
    uint32_t payload, end;
    vpn_ip ip;
    int error = vpn__ip_parse_quoted(&ip, quote, report->length);

    if (error != VPN_OK)
        return error;
    if (!is_ours(&ip, route))
        return VPN_PMTU_FOREIGN;
    if ((ip.flags & VPN_IP_LATER) != 0 || (ip.flags & VPN_IP_INCOMPLETE) != 0)
        return VPN_PMTU_SHORT;
    *about = ip.total;
    payload = ip.transport + UDP_HEADER;
    end = report->length < ip.total ? report->length : ip.total;
    return judge_message(facts, flags, quote + payload, end - payload, now);
}

/* Of the IP header nothing is there but what the system makes of it. */
static int judge_payload(const struct vpn__pmtu_facts *facts, const vpn_pmtu_route *route, uint32_t flags,
                         const vpn_pmtu_report *report, vpn_time now)
{
    const vpn_endpoint *a = &report->remote, *b = &route->path.remote;

    if (a->family != b->family || a->port != b->port || memcmp(a->addr, b->addr, 16) != 0)
        return VPN_PMTU_FOREIGN;
    return judge_message(facts, flags, report->quote, report->length, now);
}

/* --- what it says --- */

/* For routers that do not say what would pass: the next of the plateaus under what did not (RFC 1191 section 7.1). */
static uint32_t plateau(uint32_t under)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

    for (size_t i = 0; i < sizeof plateaus / sizeof *plateaus; i++)
        if (plateaus[i] < under)
            return plateaus[i];
    return PATH_LEAST4;
}

/* RFC 8201 section 4 discards what is under 1280; RFC 1191 section 3 knows nothing under 68. */
static int judge_mtu(uint32_t *path, uint8_t family, uint32_t about, uint32_t mtu)
{
    if (mtu == 0 && family == 4)
        mtu = plateau(about);
    if (mtu < (family == 4 ? PATH_LEAST4 : VPN_MTU_MIN_IPV6) || mtu >= about)
        return VPN_PMTU_IMPOSSIBLE;
    *path = mtu;
    return VPN_PMTU_LOWERED;
}

int vpn__pmtu_quote_judge(uint32_t *path, const struct vpn__pmtu_facts *facts, const vpn_pmtu_route *route,
                          uint32_t flags, uint32_t in_use, const vpn_pmtu_report *report, vpn_time now)
{
    uint32_t about = VPN_MTU_MAX + 1;
    int result = VPN_PMTU_LOWERED;

    if (report->kind == VPN_PMTU_QUOTE_PACKET)
        result = judge_packet(&about, facts, route, flags, report, now);
    else if (report->kind == VPN_PMTU_QUOTE_PAYLOAD)
        result = judge_payload(facts, route, flags, report, now);
    if (result != VPN_PMTU_LOWERED)
        return result;
    if (report->mtu == 0 && about > VPN_MTU_MAX)
        about = in_use;
    return judge_mtu(path, route->path.remote.family, about, report->mtu);
}

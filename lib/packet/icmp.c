/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include <string.h>

#include <vpn/checksum.h>

#include "base/bytes.h"
#include "base/env.h"
#include "packet/icmp.h"
#include "packet/icmp_limit.h"
#include "packet/ip.h"

#define ICMP_HEADER 8u
#define TOS         0xc0 /* internetwork control (RFC 1812 section 4.3.2.5) */

#define CONFIG_LEAST (offsetof(vpn_icmp_config, ip6) + 16)

#define RATE        100u
#define SOURCE_RATE 10u
#define RATE_MAX    1000000u

#define MTU_LEAST4 68u
#define MTU_LEAST6 1280u

/* What an error says: type, code, and the 32 bits behind the checksum. */
struct message {
    uint8_t type, code;
    uint32_t word;
};

static const char *const results[] = {
    "there is an error to send",      "the packet fits",
    "the packet may be fragmented",   "the packet is an ICMP error itself",
    "the packet was sent to many",    "the packet's source is no single host",
    "the packet is a later fragment", "enough errors were sent",
};
_Static_assert(sizeof results / sizeof *results == VPN_ICMP_RESULTS, "every result has a text");

const char *vpn_icmp_result_text(int result)
{
    return result >= 0 && result < VPN_ICMP_RESULTS ? results[result] : "unknown result";
}

int vpn_icmp_init(vpn_icmp *icmp, const vpn_icmp_config *config)
{
    vpn_icmp_config c;

    memset(icmp, 0, sizeof *icmp);
    if (vpn__config_read(&c, sizeof c, config, CONFIG_LEAST) != VPN_OK || c.rate > RATE_MAX ||
        c.source_rate > RATE_MAX || (c.flags & ~VPN_ICMP_AS_DESTINATION) != 0)
        return VPN_EINVAL;
    icmp->rate = c.rate != 0 ? c.rate : RATE;
    icmp->source_rate = c.source_rate != 0 ? c.source_rate : SOURCE_RATE;
    memcpy(icmp->ip4, c.ip4, sizeof c.ip4);
    memcpy(icmp->ip6, c.ip6, sizeof c.ip6);
    icmp->flags = c.flags;
    return VPN_OK;
}

/* --- whether --- */

static int is_many(const vpn_ip *ip)
{
    static const uint8_t all[4] = {255, 255, 255, 255};

    if (ip->version == 6)
        return ip->dst[0] == 0xff;
    return ip->dst[0] >> 4 == 14 || memcmp(ip->dst, all, sizeof all) == 0;
}

static int is_nobody(const vpn_ip *ip)
{
    static const uint8_t zeros[15];

    if (ip->version == 6)
        return ip->src[0] == 0xff || (memcmp(ip->src, zeros, sizeof zeros) == 0 && ip->src[15] <= 1);
    return ip->src[0] == 0 || ip->src[0] == 127 || ip->src[0] >= 224;
}

/* RFC 1812 section 4.3.2.7 and RFC 4443 section 2.4 (e). The latter lets "packet too big" answer multicast; a tunnel leads to
   single hosts, so we do not. */
int vpn__icmp_judge(const vpn_ip *ip)
{
    if ((ip->flags & VPN_IP_ERROR) != 0)
        return VPN_ICMP_ERROR;
    if (is_many(ip))
        return VPN_ICMP_MANY;
    if (is_nobody(ip))
        return VPN_ICMP_NOBODY;
    return (ip->flags & VPN_IP_LATER) != 0 ? VPN_ICMP_LATER : 0;
}

/* Of a packet with a wrong checksum nothing can be believed, its source the least (RFC 1812 section 5.2.2). */
int vpn__icmp_read(vpn_ip *ip, const uint8_t *packet, size_t length)
{
    int error = vpn_ip_parse(ip, packet, length);

    if (error == VPN_OK && ip->version == 4 && vpn_checksum(packet, ip->header) != 0)
        return VPN_EFORMAT;
    return error;
}

/* --- the error --- */

static const uint8_t *source_of(const vpn_icmp *icmp, const vpn_ip *about)
{
    if ((icmp->flags & VPN_ICMP_AS_DESTINATION) != 0)
        return about->dst;
    return about->version == 4 ? icmp->ip4 : icmp->ip6;
}

/* Around what stands behind the IP header already. */
static void write_around(const vpn_icmp *icmp, uint8_t *out, uint32_t total, const vpn_ip *about)
{
    struct vpn__ip ip = {.version = about->version,
                         .tos = about->version == 4 ? TOS : 0,
                         .protocol = about->version == 4 ? VPN_IP_ICMP : VPN_IP_ICMP6,
                         .total = total,
                         .src = source_of(icmp, about),
                         .dst = about->src};
    uint32_t header = vpn__ip_write(out, &ip);
    uint16_t checksum = about->version == 4
                            ? vpn_checksum(out + header, total - header)
                            : vpn_checksum_transport(6, VPN_IP_ICMP6, ip.src, ip.dst, out + header, total - header);

    vpn__store16be(out + header + 2, checksum);
}

static int has_source(const vpn_icmp *icmp, const vpn_ip *about)
{
    static const uint8_t none[16];

    return memcmp(source_of(icmp, about), none, about->version == 4 ? 4 : 16) != 0;
}

/* `room` becomes the length, or the need. */
static int answer(vpn_icmp *icmp, uint8_t *out, size_t *room, const uint8_t *packet, const vpn_ip *about,
                  const struct message *message, vpn_time now)
{
    uint32_t header = about->version == 4 ? VPN__IP4_HEADER : VPN__IP6_HEADER;
    uint32_t most = about->version == 4 ? VPN_ICMP_BYTES_MAX4 : VPN_ICMP_BYTES_MAX6;
    uint32_t total = header + ICMP_HEADER + about->total;
    size_t have = *room;
    int silent = vpn__icmp_judge(about);

    *room = 0;
    if (silent != 0)
        return silent;
    if (!has_source(icmp, about))
        return VPN_EINVAL;
    if (total > most)
        total = most;
    if (total > have) {
        *room = total;
        return VPN_ESPACE;
    }
    if (!vpn__icmp_spend(icmp, about->src, now))
        return VPN_ICMP_LIMITED;
    memcpy(out + header + ICMP_HEADER, packet, total - header - ICMP_HEADER);
    out[header] = message->type;
    out[header + 1] = message->code;
    vpn__store16be(out + header + 2, 0);
    vpn__store32be(out + header + 4, message->word);
    write_around(icmp, out, total, about);
    *room = total;
    return VPN_OK;
}

int vpn_icmp_too_big(vpn_icmp *icmp, uint8_t *out, size_t *bytes, const uint8_t *packet, size_t length, uint32_t mtu,
                     vpn_time now)
{
    struct message message = {3, 4, mtu};
    size_t room = *bytes;
    vpn_ip ip;
    int error = mtu < MTU_LEAST4 ? VPN_EINVAL : vpn__icmp_read(&ip, packet, length);

    *bytes = 0;
    if (error != VPN_OK)
        return error;
    if (ip.version == 6)
        message = (struct message){2, 0, mtu > MTU_LEAST6 ? mtu : MTU_LEAST6};
    if (ip.total <= message.word)
        return VPN_ICMP_FITS;
    if (ip.version == 4 && (ip.flags & VPN_IP_DF) == 0)
        return VPN_ICMP_DIVISIBLE;
    error = answer(icmp, out, &room, packet, &ip, &message, now);
    *bytes = room;
    return error;
}

int vpn_icmp_unreachable(vpn_icmp *icmp, uint8_t *out, size_t *bytes, const uint8_t *packet, size_t length,
                         uint32_t why, vpn_time now)
{
    static const uint8_t codes[][2] = {
        [VPN_ICMP_NO_ROUTE] = {0, 0},
        [VPN_ICMP_PROHIBITED] = {13, 1},
        [VPN_ICMP_NO_HOST] = {1, 3},
        [VPN_ICMP_NO_PORT] = {3, 4},
    };
    size_t room = *bytes;
    struct message message = {3, 0, 0};
    vpn_ip ip;
    int error = why > VPN_ICMP_NO_PORT ? VPN_EINVAL : vpn__icmp_read(&ip, packet, length);

    *bytes = 0;
    if (error != VPN_OK)
        return error;
    message.type = ip.version == 4 ? 3 : 1;
    message.code = codes[why][ip.version == 4 ? 0 : 1];
    error = answer(icmp, out, &room, packet, &ip, &message, now);
    *bytes = room;
    return error;
}

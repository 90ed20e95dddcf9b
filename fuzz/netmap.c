/* SPDX-License-Identifier: ISC */
/*
 * Rules, some not valid, and one packet, from memory that ends with it: addresses become what a naive walk says, also those that an
 * ICMP error quotes, sums stay as right as they were, and the other end gets back what was sent.
 */
#include "fuzz.h"

#include "common/inner.h"

#define RULES   12u
#define LONGEST 2048u

struct state {
    vpn_netmap_rule rules[RULES];
    size_t count;
    uint32_t direction, flags;
    vpn_netmap *netmap, *back;
};

/* --- rules --- */

/* Few values, so that prefixes meet. */
static void read_prefix(struct fuzz_input *in, vpn_prefix *prefix, uint8_t family, uint8_t bits)
{
    prefix->family = family;
    prefix->bits = bits;
    memset(prefix->addr, fuzz_byte(in), 16);
    fuzz_bytes(in, prefix->addr, 2);
    fuzz_bytes(in, prefix->addr + 6, 2);
}

static void read_rule(struct fuzz_input *in, vpn_netmap_rule *rule)
{
    uint8_t how = fuzz_byte(in), any = fuzz_byte(in), family = how & 2 ? 6 : 4;
    uint8_t bits = (uint8_t)(any % (family == 4 ? 33 : VPN_NETMAP_BITS_MAX6 + 1));

    memset(rule, 0, sizeof *rule);
    rule->whose = how & 1;
    read_prefix(in, &rule->inside, family, bits);
    read_prefix(in, &rule->outside, family, bits);
    if (how >= 250) /* likely not valid */
        ((uint8_t *)rule)[fuzz_byte(in) % sizeof *rule] ^= fuzz_byte(in);
}

/* As many rules as are valid beside those before. */
static void read_rules(struct fuzz_input *in, struct state *s)
{
    uint32_t wanted = fuzz_byte(in) % (RULES + 1);
    vpn_netmap *none;
    size_t bad;

    while (wanted-- != 0) {
        read_rule(in, &s->rules[s->count]);
        int error = vpn_netmap_check(s->rules, s->count + 1, &bad);
        FUZZ_CHECK(bad == s->count + (error == VPN_OK));
        if (error == VPN_OK)
            s->count++;
        else
            FUZZ_CHECK(vpn_netmap_new(&none, s->rules, s->count + 1, NULL) == error && none == NULL);
    }
}

static void make_tables(struct state *s)
{
    vpn_netmap_rule other[RULES];

    memcpy(other, s->rules, sizeof other);
    for (size_t i = 0; i < s->count; i++)
        other[i].whose = 1 - other[i].whose;
    FUZZ_CHECK(vpn_netmap_new(&s->netmap, s->rules, s->count, NULL) == VPN_OK);
    FUZZ_CHECK(vpn_netmap_new(&s->back, other, s->count, NULL) == VPN_OK);
}

/* --- packets --- */

/* Both addresses of a packet, translated by the naive walk. */
static int expect(const struct state *s, int quoted, uint8_t version, const uint8_t *before, uint8_t *want)
{
    uint32_t source = (s->direction == VPN_NETMAP_OUT ? 0u : 1u) ^ (uint32_t)quoted;
    uint32_t at = version == 4 ? 12 : 8, bytes = version == 4 ? 4 : 16;
    struct inner in = {.version = version};
    int result;

    memcpy(in.src, before + at, bytes);
    memcpy(in.dst, before + at + bytes, bytes);
    result = inner_translate(s->rules, s->count, s->direction, source, &in);
    memcpy(want + at, in.src, bytes);
    memcpy(want + at + bytes, in.dst, bytes);
    return result;
}

/* Where a checksum may have changed: of the header, and of a transport. */
static void take_sums(uint8_t *want, const uint8_t *after, const vpn_ip *ip, uint32_t there)
{
    uint32_t at = ip->transport + (ip->protocol == VPN_IP_TCP ? 16 : ip->protocol == VPN_IP_ICMP ? 2 : 6);

    if (ip->version == 6)
        return;
    memcpy(want + 10, after + 10, 2);
    if ((ip->flags & (VPN_IP_LATER | VPN_IP_INCOMPLETE)) == 0 && at + 2 <= there)
        memcpy(want + at, after + at, 2);
}

/* The sums of header and transport, without 0 and 0xffff being apart. */
static void check_sums(const uint8_t *before, const uint8_t *after, const vpn_ip *ip, uint32_t total)
{
    uint32_t tcp = ip->protocol == VPN_IP_TCP, from = ip->version == 4 ? 12 : 8, bytes = ip->version == 4 ? 8 : 32;

    if (ip->version == 4)
        FUZZ_CHECK(flow_sum(0, before, ip->header) % 65535 == flow_sum(0, after, ip->header) % 65535);
    else
        FUZZ_CHECK(flow_sum(0, before + from, bytes) % 65535 == flow_sum(0, after + from, bytes) % 65535);
    if ((ip->flags & VPN_IP_LATER) != 0)
        return;
    if (tcp)
        FUZZ_CHECK(flow_sum(flow_sum(0, before + from, bytes), before + ip->transport, total - ip->transport) % 65535 ==
                   flow_sum(flow_sum(0, after + from, bytes), after + ip->transport, total - ip->transport) % 65535);
    if (ip->protocol == VPN_IP_ICMP && ip->version == 4)
        FUZZ_CHECK(flow_sum(0, before + ip->transport, total - ip->transport) % 65535 ==
                   flow_sum(0, after + ip->transport, total - ip->transport) % 65535);
}

/* Every byte that differs is part of an address or a checksum. */
static void check_translated(const struct state *s, const uint8_t *before, const uint8_t *after, size_t length)
{
    static uint8_t want[LONGEST];
    vpn_icmp_error error;
    vpn_ip ip;

    FUZZ_CHECK(vpn_ip_parse(&ip, before, length) == VPN_OK && (ip.flags & VPN_IP_PROTECTED) == 0);
    memcpy(want, before, length);
    FUZZ_CHECK(expect(s, 0, ip.version, before, want) <= VPN_NETMAP_TRANSLATED);
    take_sums(want, after, &ip, ip.total);
    if (vpn_icmp_error_parse(&error, before, length) == VPN_OK &&
        (ip.version == 4 || (ip.icmp_type >= 1 && ip.icmp_type <= 4))) {
        uint8_t *quote = want + error.offset;
        FUZZ_CHECK(expect(s, 1, ip.version, before + error.offset, quote) <= VPN_NETMAP_TRANSLATED);
        take_sums(quote, after + error.offset, &error.quoted, error.bytes);
        FUZZ_CHECK(memcmp(want, after, length) == 0);
    } else if ((ip.flags & VPN_IP_ERROR) == 0) {
        FUZZ_CHECK(memcmp(want, after, length) == 0);
    }
    if ((s->flags & VPN_NETMAP_PARTIAL) == 0)
        check_sums(before, after, &ip, ip.total);
}

/* 0x0000 and 0xffff are one sum. */
static void check_back(const uint8_t *before, const uint8_t *after, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (before[i] == after[i])
            continue;
        FUZZ_CHECK(i % 2 == 0 && i + 1 < length && (before[i] == 0 || before[i] == 0xff));
        FUZZ_CHECK(before[i + 1] == before[i] && before[i] + after[i] == 0xff && after[i + 1] == after[i]);
        i++;
    }
}

static void translate(const struct state *s, const uint8_t *packet, size_t length)
{
    uint8_t *copy = malloc(length != 0 ? length : 1);
    int result;

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, packet, length);
    result = vpn_netmap_translate(s->netmap, s->direction, copy, length, s->flags);
    FUZZ_CHECK(result < VPN_NETMAP_RESULTS && (result >= 0 || result == VPN_EFORMAT || result == VPN_ELIMIT));
    if (result != VPN_NETMAP_TRANSLATED) {
        FUZZ_CHECK(memcmp(copy, packet, length) == 0);
    } else {
        check_translated(s, packet, copy, length);
        FUZZ_CHECK(vpn_netmap_translate(s->back, 3 - s->direction, copy, length, s->flags) == result);
        check_back(packet, copy, length);
    }
    free(copy);
}

/* Puts an address of a rule into the packet, for few would be by themselves. */
static void aim(const struct state *s, uint8_t how, uint8_t *packet, size_t length)
{
    const vpn_netmap_rule *rule = &s->rules[how % RULES];
    const vpn_prefix *prefix = how & 0x40 ? &rule->inside : &rule->outside;
    uint32_t bytes = prefix->family == 4 ? 4 : 16, at = prefix->family == 4 ? 12 : 8;

    if (s->count <= how % RULES || length < at + 2 * bytes || (how & 0x80) != 0)
        return;
    memcpy(packet + at + (how & 0x20 ? bytes : 0), prefix->addr, prefix->bits / 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct state s = {.count = 0};
    uint8_t how = fuzz_byte(&in), aims[3], *packet;
    size_t length, quote;

    s.direction = how & 1 ? VPN_NETMAP_IN : VPN_NETMAP_OUT;
    s.flags = how & 2 ? VPN_NETMAP_PARTIAL : 0;
    fuzz_bytes(&in, aims, sizeof aims);
    read_rules(&in, &s);
    make_tables(&s);
    length = in.left < LONGEST ? in.left : LONGEST;
    packet = malloc(length != 0 ? length : 1);
    FUZZ_CHECK(packet != NULL);
    if (length != 0)
        memcpy(packet, in.data, length);
    quote = length != 0 && packet[0] >> 4 == 6 ? 48 : 28;
    aim(&s, aims[0], packet, length);
    aim(&s, aims[1], packet, length);
    if (length > quote)
        aim(&s, aims[2], packet + quote, length - quote);
    translate(&s, packet, length);
    vpn_netmap_free(s.netmap);
    vpn_netmap_free(s.back);
    free(packet);
    return 0;
}

/* SPDX-License-Identifier: ISC */
#include <vpn/netmap.h>

#include "common/inner.h"
#include "common/test.h"

/* Two sites, both of which are 10.0.0.0/24 and fd00::/56 at home, and more, so that prefixes lie within one another. */
static const vpn_netmap_rule rules[] = {
    {0, 0, {4, 24, {0}, {10, 0, 0}}, {4, 24, {0}, {172, 16, 1}}},
    {1, 0, {4, 24, {0}, {172, 16, 2}}, {4, 24, {0}, {10, 0, 0}}},
    {0, 0, {4, 12, {0}, {192, 0x50}}, {4, 12, {0}, {10, 0x30}}},
    {0, 0, {4, 32, {0}, {192, 0x51, 2, 3}}, {4, 32, {0}, {203, 0, 113, 7}}},
    {0, 0, {6, 56, {0}, {0xfd, [7] = 1}}, {6, 56, {0}, {0x20, 1, 0xd, 0xb8, [5] = 1}}},
    {1, 0, {6, 48, {0}, {0x20, 1, 0xd, 0xb8, 0xff, 2}}, {6, 48, {0}, {0xfd, 9}}},
    {0, 0, {6, 104, {0}, {0xfd, [12] = 9}}, {6, 104, {0}, {0xfd, [12] = 8}}},
};
#define RULES (sizeof rules / sizeof *rules)

static vpn_netmap *table(void)
{
    vpn_netmap *netmap = NULL;
    ck_assert_int_eq(vpn_netmap_new(&netmap, rules, RULES, NULL), VPN_OK);
    return netmap;
}

/* That of somebody at the other end who undoes what we do: our hosts are theirs. */
static vpn_netmap *other_end(void)
{
    vpn_netmap_rule other[RULES];
    vpn_netmap *netmap = NULL;
    memcpy(other, rules, sizeof other);
    for (size_t i = 0; i < RULES; i++)
        other[i].whose = 1 - other[i].whose;
    ck_assert_int_eq(vpn_netmap_new(&netmap, other, RULES, NULL), VPN_OK);
    return netmap;
}

/* An address of some rule's side, or any. */
static void any_addr(uint64_t *seed, uint8_t family, uint32_t direction, uint32_t whose, uint8_t *addr)
{
    const vpn_netmap_rule *rule = &rules[test_below(seed, RULES)];
    const vpn_prefix *prefix = direction == VPN_NETMAP_OUT ? &rule->inside : &rule->outside;
    memset(addr, 0, 16);
    test_fill(seed, addr, family == 4 ? 4 : 16);
    if (test_below(seed, 8) == 0)
        memset(addr + family, 0xff, 16u - family);
    if (family == 4)
        memset(addr + 4, 0, 12);
    if (prefix->family != family || (rule->whose != whose && test_below(seed, 4)))
        return;
    for (uint32_t bit = 0; bit < prefix->bits; bit++) {
        addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        addr[bit / 8] |= (uint8_t)(prefix->addr[bit / 8] & 0x80u >> bit % 8);
    }
}

static void any_packet(uint64_t *seed, struct inner *in, uint8_t family, uint32_t direction, uint32_t source)
{
    static const uint8_t protocols[] = {FLOW_TCP,      FLOW_TCP,   FLOW_UDP,  FLOW_UDP,
                                        INNER_UDPLITE, INNER_DCCP, INNER_GRE, 0};
    memset(in, 0, sizeof *in);
    in->version = family;
    in->protocol = protocols[test_below(seed, sizeof protocols)];
    if (in->protocol == 0)
        in->protocol = family == 4 ? INNER_ICMP : INNER_ICMP6;
    any_addr(seed, family, direction, source, in->src);
    any_addr(seed, family, direction, 1 - source, in->dst);
    in->seed = test_random(seed);
    in->extras = test_below(seed, 2) ? 0 : (uint8_t)test_below(seed, 4);
    in->fragment = test_below(seed, 3) ? INNER_WHOLE : (uint8_t)test_below(seed, 3);
    in->no_checksum = test_below(seed, 4) == 0;
    in->payload = 24 + (uint32_t)test_below(seed, 200);
}

/* An ICMP error about a packet that went the other way. */
static void any_error(uint64_t *seed, struct inner *in, struct inner *quoted, uint32_t direction, uint32_t source)
{
    static const uint8_t types[] = {3, 11, 12, 4, 5};
    uint8_t family = test_below(seed, 2) ? 4 : 6;
    any_packet(seed, quoted, family, direction, 1 - source);
    any_packet(seed, in, family, direction, source);
    in->protocol = family == 4 ? INNER_ICMP : INNER_ICMP6;
    in->quoted = quoted;
    in->fragment = INNER_WHOLE;
    in->quote = (family == 4 ? 44u : 40u) + 2 * (uint32_t)test_below(seed, 130); /* a sum is there or not */
    in->extended = test_below(seed, 4) == 0;
    in->type = family == 6 ? (uint8_t)(1 + test_below(seed, 4)) : types[test_below(seed, in->extended ? 3 : 5)];
    if (family == 6 && in->type % 2 == 0)
        in->extended = 0; /* only errors 1 and 3 have a place for the length */
}

/* In memory that ends with the packet. */
static int translate(const vpn_netmap *netmap, uint32_t direction, uint8_t *packet, uint32_t length, uint32_t flags)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, packet, length);
    int result = vpn_netmap_translate(netmap, direction, copy, length, flags);
    if (result != VPN_NETMAP_TRANSLATED)
        ck_assert_mem_eq(copy, packet, length);
    memcpy(packet, copy, length);
    free(copy);
    return result;
}

/* Packets of all kinds must become those that their description makes with other addresses, and at the other end what they were. */
START_TEST(every_packet)
{
    uint64_t seed = (uint64_t)_i;
    uint32_t seen[VPN_NETMAP_RESULTS] = {0};
    vpn_netmap *netmap = table(), *back = other_end();
    for (int i = 0; i < 20000; i++) {
        static uint8_t packet[INNER_ROOM], before[INNER_ROOM], want[INNER_ROOM];
        uint32_t direction = 1 + (uint32_t)test_below(&seed, 2), source = direction == VPN_NETMAP_OUT ? 0 : 1;
        struct inner in, quoted;
        int expected = 0, inside = 0;
        if (test_below(&seed, 2))
            any_packet(&seed, &in, test_below(&seed, 2) ? 4 : 6, direction, source);
        else
            any_error(&seed, &in, &quoted, direction, source);
        uint32_t length = inner_packet(packet, &in);
        memcpy(before, packet, length);
        expected = inner_translate(rules, RULES, direction, source, &in);
        if (in.quoted)
            inside = inner_translate(rules, RULES, direction, 1 - source, &quoted);
        expected = expected > inside ? expected : inside;
        ck_assert_uint_eq(inner_packet(want, &in), length);
        if (translate(netmap, direction, packet, length, 0) != expected)
            ck_abort_msg("packet %d: not %d", i, expected);
        seen[expected]++;
        if (expected > VPN_NETMAP_TRANSLATED)
            continue;
        for (uint32_t n = 0; n < length; n++)
            if (packet[n] != want[n])
                ck_abort_msg("packet %d, protocol %u, byte %u of %u", i, in.protocol, n, length);
        ck_assert_int_eq(translate(back, 3 - direction, packet, length, 0), expected);
        ck_assert_mem_eq(packet, before, length);
    }
    for (int result = 0; result <= VPN_NETMAP_UNMAPPABLE; result++)
        ck_assert_msg(seen[result] > 100, "only %u results %d", seen[result], result);
    vpn_netmap_free(netmap);
    vpn_netmap_free(back);
}
END_TEST

/* Nothing differs but a checksum of 0xffff, which is 0x0000 now; or the other way round, where it is no complement. */
static int differs(const uint8_t *before, const uint8_t *after, uint32_t length, uint32_t partial)
{
    for (uint32_t n = 0; n < length; n++) {
        if (before[n] == after[n])
            continue;
        uint32_t was = n + 1 < length ? flow_get(before + n, 2) : 1, is = n + 1 < length ? flow_get(after + n, 2) : 1;
        if (n % 2 || (was != 0xffff && (was != 0 || !partial)) || is != 0xffff - was)
            return 1;
        n++;
    }
    return 0;
}

/* Packets with bytes that are wrong in any place: there and back is the identity, whatever was taken for a packet. */
START_TEST(there_and_back)
{
    uint64_t seed = (uint64_t)_i + 100;
    uint32_t translated = 0, zeros = 0;
    vpn_netmap *netmap = table(), *back = other_end();
    for (int i = 0; i < 30000; i++) {
        static uint8_t packet[INNER_ROOM], before[INNER_ROOM];
        uint32_t direction = 1 + (uint32_t)test_below(&seed, 2), source = direction == VPN_NETMAP_OUT ? 0 : 1;
        struct inner in, quoted;
        if (test_below(&seed, 2))
            any_packet(&seed, &in, test_below(&seed, 2) ? 4 : 6, direction, source);
        else
            any_error(&seed, &in, &quoted, direction, source);
        uint32_t length = inner_packet(packet, &in), flags = test_below(&seed, 4) == 0;
        for (size_t n = test_below(&seed, 6); n; n--) {
            uint32_t at = (uint32_t)test_below(&seed, length < 120 ? length : 120) & ~1u;
            flow_put(packet + at, test_below(&seed, 3) ? (uint32_t)test_random(&seed) : 0xffff,
                     length - at < 2 ? 1 : 2);
        }
        memcpy(before, packet, length);
        int result = translate(netmap, direction, packet, length, flags);
        if (result != VPN_NETMAP_TRANSLATED)
            continue;
        translated++;
        ck_assert_int_eq(translate(back, 3 - direction, packet, length, flags), VPN_NETMAP_TRANSLATED);
        zeros += memcmp(before, packet, length) != 0;
        if (differs(before, packet, length, flags))
            ck_abort_msg("packet %d does not come back", i);
    }
    ck_assert_uint_gt(translated, 6000);
    ck_assert_uint_gt(zeros, 3);
    vpn_netmap_free(netmap);
    vpn_netmap_free(back);
}
END_TEST

static struct inner example(uint8_t protocol)
{
    struct inner in = {.version = 4, .protocol = protocol, .src = {10, 0, 0, 9}, .dst = {172, 16, 2, 7}, .payload = 40};
    return in;
}

/* The sites of the table, packet by packet. */
START_TEST(sites)
{
    uint8_t packet[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(FLOW_TCP), quoted;
    uint32_t length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
    test_expect_hex(packet + 12, 8, "ac100109 0a000007");
    memcpy(in.src, (uint8_t[]){10, 0, 0, 7}, 4); /* the answer */
    memcpy(in.dst, (uint8_t[]){172, 16, 1, 9}, 4);
    length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_IN, packet, length, 0), VPN_NETMAP_TRANSLATED);
    test_expect_hex(packet + 12, 8, "ac100207 0a000009");
    quoted = in; /* and a router's refusal of it on the way to the peer, where it goes under its own address */
    memcpy(quoted.src, (uint8_t[]){172, 16, 2, 7}, 4);
    memcpy(quoted.dst, (uint8_t[]){10, 0, 0, 9}, 4);
    in = example(INNER_ICMP);
    memcpy(in.src, (uint8_t[]){192, 0, 2, 1}, 4);
    in.quoted = &quoted;
    in.quote = 28;
    in.type = 3;
    length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
    test_expect_hex(packet + 12, 8, "c0000201 0a000007");
    test_expect_hex(packet + 28 + 12, 8, "0a000007 ac100109");
    ck_assert_uint_eq(flow_sum(0, packet + 20, length - 20), 0xffff);
    vpn_netmap_free(netmap);
}
END_TEST

/* A quote that ends anywhere: its transport's checksum changes exactly when it is there. */
START_TEST(quotes_cut)
{
    static const uint8_t protocols[] = {FLOW_TCP, FLOW_UDP, INNER_UDPLITE, INNER_DCCP};
    vpn_netmap *netmap = table();
    for (uint32_t kind = 0; kind < 8; kind++)
        for (uint32_t bytes = 0; bytes < 70; bytes++) {
            uint8_t packet[INNER_ROOM], before[INNER_ROOM], protocol = protocols[kind % 4];
            struct inner in = example(INNER_ICMP), quoted = example(protocol);
            uint32_t field = 20 + (protocol == FLOW_TCP ? 16u : 6u), length;
            memcpy(quoted.src, in.dst, 4);
            memcpy(quoted.dst, in.src, 4);
            quoted.fragment = kind < 4 ? INNER_WHOLE : INNER_LATER;
            in.quoted = &quoted;
            in.quote = bytes;
            in.type = 11;
            length = inner_packet(packet, &in);
            memcpy(before, packet, length);
            ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0),
                             bytes < 20 ? VPN_EFORMAT : VPN_NETMAP_TRANSLATED);
            if (bytes < 20)
                continue;
            ck_assert_uint_eq(flow_sum(0, packet + 20, length - 20), 0xffff);
            ck_assert_uint_eq(flow_sum(0, packet + 28, 20), 0xffff);
            for (uint32_t n = 20; n < bytes; n++) {
                int changes = kind < 4 && (n & ~1u) == field && bytes >= field + 2;
                ck_assert_msg(changes || packet[28 + n] == before[28 + n], "byte %u of %u", n, bytes);
            }
            if (kind < 4 && bytes >= field + 2)
                ck_assert_mem_ne(packet + 28 + field, before + 28 + field, 2);
        }
    vpn_netmap_free(netmap);
}
END_TEST

/* Extensions begin where the error says, also where a checksum would be (RFC 4884). */
START_TEST(extensions)
{
    uint8_t packet[INNER_ROOM], before[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(INNER_ICMP), quoted = example(FLOW_TCP);
    memcpy(quoted.src, in.dst, 4);
    memcpy(quoted.dst, in.src, 4);
    in.quoted = &quoted;
    in.quote = 80;
    in.type = 11;
    uint32_t length = inner_packet(packet, &in);
    packet[25] = 7; /* words */
    flow_put(packet + 22, 0, 2);
    flow_put(packet + 22, 0xffff - flow_sum(0, packet + 20, length - 20), 2);
    memcpy(before, packet, length);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
    test_expect_hex(packet + 28 + 12, 8, "0a000007 ac100109");
    ck_assert_mem_eq(packet + 28 + 20, before + 28 + 20, length - 48);
    ck_assert_uint_eq(flow_sum(0, packet + 20, length - 20), 0xffff);
    vpn_netmap_free(netmap);
}
END_TEST

/* The first fragment of an error has its checksum and the addresses that it quotes. */
START_TEST(error_fragment)
{
    uint8_t packet[INNER_ROOM], rest[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(INNER_ICMP), quoted = example(FLOW_TCP);
    uint32_t length, tail;
    memcpy(quoted.src, in.dst, 4);
    memcpy(quoted.dst, in.src, 4);
    in.quoted = &quoted;
    in.quote = quoted.payload = 128;
    in.type = 3;
    in.fragment = INNER_LATER;
    tail = inner_packet(rest, &in);
    in.fragment = INNER_FIRST;
    length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, rest, tail, 0), VPN_NETMAP_TRANSLATED);
    test_expect_hex(packet + 28 + 12, 8, "0a000007 ac100109");
    memcpy(packet + length, rest + 20, tail - 20);
    ck_assert_uint_eq(flow_sum(0, packet + 20, length + tail - 40), 0xffff);
    vpn_netmap_free(netmap);
}
END_TEST

/* What a message has in place of a quote is not looked at. */
START_TEST(no_quote)
{
    static const uint8_t types6[] = {0, 5, 100, 127, 133, 137};
    vpn_netmap *netmap = table();
    for (size_t i = 0; i < sizeof types6; i++) {
        uint8_t packet[INNER_ROOM], before[INNER_ROOM];
        struct inner in = {
            .version = 6, .protocol = INNER_ICMP6, .src = {0xfd, [15] = 1}, .dst = {0x20, 1}, .payload = 80};
        in.src[7] = 0x11;
        uint32_t length = inner_packet(packet, &in);
        packet[40] = types6[i];
        packet[48] = 0x60;
        memcpy(packet + 48 + 24, in.src, 16);
        memcpy(before, packet, length);
        ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
        ck_assert_mem_eq(packet + 40, before + 40, length - 40);
    }
    vpn_netmap_free(netmap);
}
END_TEST

/* UDP says "no checksum" with 0, and writes 0xffff for a sum of 0; so does UDP-Lite, but for the first. */
START_TEST(zero_checksums)
{
    vpn_netmap *netmap = table(), *back = other_end();
    uint32_t turned = 0;
    for (uint32_t sum = 0; sum < 65536; sum++) {
        static const uint8_t protocols[] = {FLOW_UDP, INNER_UDPLITE};
        uint8_t packet[INNER_ROOM];
        struct inner in = example(protocols[sum % 2]);
        uint32_t length = inner_packet(packet, &in), after;
        flow_put(packet + 26, sum, 2);
        ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TRANSLATED);
        after = flow_get(packet + 26, 2);
        ck_assert_int_eq(after == 0, sum == 0);
        turned += after == 0xffff;
        ck_assert_int_eq(translate(back, VPN_NETMAP_IN, packet, length, 0), VPN_NETMAP_TRANSLATED);
        ck_assert_uint_eq(flow_get(packet + 26, 2), sum);
    }
    ck_assert_uint_eq(turned, 1);
    vpn_netmap_free(netmap);
    vpn_netmap_free(back);
}
END_TEST

/* A checksum that somebody will complete: the sum of the new pseudo-header, and back. */
START_TEST(partial)
{
    static const uint8_t protocols[] = {FLOW_TCP, FLOW_UDP};
    vpn_netmap *netmap = table(), *back = other_end();
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t packet[INNER_ROOM], before[INNER_ROOM];
        struct inner in = example(protocols[i]);
        uint32_t length = inner_packet(packet, &in), field = 20 + (i ? 6u : 16u);
        flow_put(packet + field, inner_pseudo(&in, length - 20), 2);
        memcpy(before, packet, length);
        ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, VPN_NETMAP_PARTIAL), VPN_NETMAP_TRANSLATED);
        (void)inner_translate(rules, RULES, VPN_NETMAP_OUT, VPN_NETMAP_OURS, &in);
        ck_assert_uint_eq(flow_get(packet + field, 2), inner_pseudo(&in, length - 20));
        ck_assert_int_eq(translate(back, VPN_NETMAP_IN, packet, length, VPN_NETMAP_PARTIAL), VPN_NETMAP_TRANSLATED);
        ck_assert_mem_eq(packet, before, length);
    }
    vpn_netmap_free(netmap);
    vpn_netmap_free(back);
}
END_TEST

START_TEST(refused)
{
    uint8_t packet[INNER_ROOM], sealed[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(FLOW_TCP);
    uint32_t length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, 0, packet, length, 0), VPN_EINVAL);
    ck_assert_int_eq(translate(netmap, 3, packet, length, 0), VPN_EINVAL);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 2), VPN_EINVAL);
    for (uint32_t cut = 0; cut < length; cut++)
        ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, cut, 0), VPN_EFORMAT);
    memcpy(sealed, packet, 20);
    memset(sealed + 20, 0, 24); /* an authentication header */
    memcpy(sealed + 44, packet + 20, length - 20);
    sealed[9] = 51;
    sealed[20] = FLOW_TCP;
    sealed[21] = 4;
    flow_put(sealed + 2, length + 24, 2);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, sealed, length + 24, 0), VPN_NETMAP_PROTECTED);
    sealed[12] = sealed[16] = 11;
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, sealed, length + 24, 0), VPN_NETMAP_UNTOUCHED);
    packet[12] = 172; /* an address that only translation gives */
    packet[13] = 16;
    packet[14] = 1;
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_TAKEN);
    vpn_netmap_free(netmap);
}
END_TEST

START_TEST(other_family_quoted)
{
    uint8_t packet[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(INNER_ICMP), quoted = {.version = 6, .protocol = FLOW_UDP, .payload = 40};
    in.quoted = &quoted;
    in.quote = 88;
    in.type = 3;
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, inner_packet(packet, &in), 0), VPN_EFORMAT);
    vpn_netmap_free(netmap);
}
END_TEST

/* What follows the packet is not its own. */
START_TEST(padding)
{
    uint8_t packet[INNER_ROOM], want[INNER_ROOM];
    vpn_netmap *netmap = table();
    struct inner in = example(INNER_ICMP), quoted = example(FLOW_TCP);
    memcpy(quoted.src, in.dst, 4);
    memcpy(quoted.dst, in.src, 4);
    in.quoted = &quoted;
    in.quote = 28; /* the rest of the quoted TCP header is behind the packet's end */
    in.type = 3;
    uint32_t length = inner_packet(packet, &in);
    memset(packet + length, 0x5a, 40);
    (void)inner_translate(rules, RULES, VPN_NETMAP_OUT, VPN_NETMAP_OURS, &in);
    (void)inner_translate(rules, RULES, VPN_NETMAP_OUT, VPN_NETMAP_THEIRS, &quoted);
    (void)inner_packet(want, &in);
    memset(want + length, 0x5a, 40);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length + 40, 0), VPN_NETMAP_TRANSLATED);
    ck_assert_mem_eq(packet, want, length + 40);
    ck_assert_uint_eq(flow_sum(0, packet + 20, length - 20), 0xffff);
    vpn_netmap_free(netmap);
}
END_TEST

START_TEST(addresses)
{
    uint8_t addr[16] = {10, 0, 0, 9};
    vpn_netmap *netmap = table();
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_OUT, VPN_NETMAP_OURS, 4, addr), VPN_NETMAP_TRANSLATED);
    test_expect_hex(addr, 4, "ac100109");
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_OUT, VPN_NETMAP_OURS, 4, addr), VPN_NETMAP_TAKEN);
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_OUT, VPN_NETMAP_THEIRS, 4, addr), VPN_NETMAP_UNTOUCHED);
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_IN, VPN_NETMAP_OURS, 4, addr), VPN_NETMAP_TRANSLATED);
    test_expect_hex(addr, 4, "0a000009");
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_OUT, VPN_NETMAP_OURS, 5, addr), VPN_EINVAL);
    ck_assert_int_eq(vpn_netmap_address(netmap, VPN_NETMAP_OUT, 2, 4, addr), VPN_EINVAL);
    ck_assert_int_eq(vpn_netmap_address(netmap, 0, VPN_NETMAP_OURS, 4, addr), VPN_EINVAL);
    ck_assert_int_eq(vpn_netmap_address(netmap, 3, VPN_NETMAP_OURS, 4, addr), VPN_EINVAL);
    vpn_netmap_free(netmap);
}
END_TEST

START_TEST(tables)
{
    test_host host = {.seed = 1};
    vpn_env env = test_env(&host);
    vpn_netmap *netmap = NULL;
    uint8_t packet[INNER_ROOM];
    struct inner in = example(FLOW_TCP);
    vpn_netmap_rule bad[2] = {rules[0], rules[0]};
    for (host.fail_at = 1; host.fail_at <= 2; host.fail_at++) {
        host.calls = 0;
        ck_assert_int_eq(vpn_netmap_new(&netmap, rules, RULES, &env), VPN_ENOMEM);
        ck_assert_ptr_null(netmap);
        ck_assert_uint_eq(host.live, 0);
    }
    host.fail_at = 0;
    ck_assert_int_eq(vpn_netmap_new(&netmap, rules, RULES, &env), VPN_OK);
    ck_assert_uint_eq(host.live, 2);
    vpn_netmap_free(netmap);
    ck_assert_uint_eq(host.live, 0);
    ck_assert_int_eq(vpn_netmap_new(&netmap, NULL, 0, &env), VPN_OK);
    uint32_t length = inner_packet(packet, &in);
    ck_assert_int_eq(translate(netmap, VPN_NETMAP_OUT, packet, length, 0), VPN_NETMAP_UNTOUCHED);
    vpn_netmap_free(netmap);
    ck_assert_uint_eq(host.live, 0);
    ck_assert_int_eq(vpn_netmap_new(&netmap, bad, 2, &env), VPN_EEXIST);
    ck_assert_ptr_null(netmap);
    env.size = 0;
    ck_assert_int_eq(vpn_netmap_new(&netmap, rules, RULES, &env), VPN_EINVAL);
    vpn_netmap_free(NULL);
}
END_TEST

START_TEST(texts)
{
    for (int a = 0; a < VPN_NETMAP_RESULTS; a++)
        for (int b = 0; b <= VPN_NETMAP_RESULTS; b++)
            ck_assert_int_eq(a == b, strcmp(vpn_netmap_result_text(a), vpn_netmap_result_text(b)) == 0);
    ck_assert_str_eq(vpn_netmap_result_text(-1), "unknown result");
    ck_assert_str_eq(vpn_netmap_result_text(VPN_NETMAP_RESULTS), "unknown result");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("netmap");
    test_loop(s, "every_packet", every_packet, 2);
    test_loop(s, "there_and_back", there_and_back, 2);
    test_add(s, "sites", sites);
    test_add(s, "quotes_cut", quotes_cut);
    test_add(s, "extensions", extensions);
    test_add(s, "error_fragment", error_fragment);
    test_add(s, "no_quote", no_quote);
    test_add(s, "zero_checksums", zero_checksums);
    test_add(s, "partial", partial);
    test_add(s, "refused", refused);
    test_add(s, "other_family_quoted", other_family_quoted);
    test_add(s, "padding", padding);
    test_add(s, "addresses", addresses);
    test_add(s, "tables", tables);
    test_add(s, "texts", texts);
    return s;
}

TEST_MAIN(suite)

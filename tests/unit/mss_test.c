/* SPDX-License-Identifier: ISC */
#include <vpn/mss.h>
#include <vpn/mtu.h>

#include "common/flows.h"
#include "common/test.h"

#define ROOM 2048

static struct flow syn_flow(uint8_t version, uint32_t options)
{
    static const uint8_t payload[] = "request";
    struct flow flow = flow_example(version, FLOW_TCP, payload, 5);
    flow.flags = FLOW_SYN;
    flow.tcp_extra = (uint8_t)options;
    return flow;
}

/* Computes the TCP checksum anew, for a flow without extension headers that the caller put options into. */
static void mend(uint8_t *packet, const struct flow *flow, uint32_t length)
{
    uint32_t ip = flow_ip_bytes(flow);
    flow_put(packet + ip + 16, 0, 2);
    flow_put(packet + ip + 16, 0xffff - flow_sum(flow_pseudo(flow, length - ip), packet + ip, length - ip), 2);
}

/* What the packet should become, option by option and with a checksum of its own. 1 when it changes. */
static int model(uint8_t *packet, const struct flow *flow, uint32_t length, uint32_t mtu)
{
    uint32_t least = flow->version == 4 ? 576 : 1280,
             limit = (mtu < least ? least : mtu) - (flow->version == 4 ? 40 : 60);
    uint8_t *tcp = packet + flow_ip_bytes(flow), *option = tcp + 20, *end = option + flow->tcp_extra;
    int changed = 0;
    while (option < end) {
        if (*option == 0)
            break;
        if (*option == 1) {
            option++;
            continue;
        }
        if (option + 1 == end || option[1] < 2 || option + option[1] > end)
            break;
        if (option[0] == 2 && option[1] == 4 && flow_get(option + 2, 2) > limit) {
            flow_put(option + 2, limit, 2);
            changed = 1;
        }
        option += option[1];
    }
    if (changed)
        mend(packet, flow, length);
    return changed;
}

/* The MSS option at every offset among others, every family, both flags, many values and MTUs. */
START_TEST(every_option)
{
    uint64_t seed = (uint64_t)_i;
    uint32_t changed = 0;
    for (int i = 0; i < 200000; i++) {
        static uint8_t packet[ROOM], want[ROOM];
        uint32_t extra = 4 * (uint32_t)test_below(&seed, 11);
        struct flow flow = syn_flow(_i ? 6 : 4, extra);
        flow.flags |= test_below(&seed, 2) ? FLOW_ACK : 0;
        flow.ip_extra = (uint8_t)(8 * test_below(&seed, 5));
        flow.sequence = (uint32_t)test_random(&seed);
        uint32_t length = flow_packet(packet, &flow), at = flow_ip_bytes(&flow) + 20;
        for (uint32_t n = 0; n < extra;) { /* kinds and lengths that mostly fit */
            uint32_t left = extra - n, kind = (uint32_t)test_below(&seed, 6),
                     bytes = kind == 2 ? 4 : 2 + (uint32_t)test_below(&seed, 6);
            packet[at + n] = (uint8_t)(kind == 0 && test_below(&seed, 8) ? 1 : kind);
            if (packet[at + n] <= 1 || left < 2) {
                n++;
                continue;
            }
            packet[at + n + 1] = (uint8_t)(test_below(&seed, 40) ? bytes : test_below(&seed, 50));
            for (uint32_t k = 2; k < bytes && k < left; k++)
                packet[at + n + k] = (uint8_t)(test_random(&seed) >> test_below(&seed, 8));
            n += bytes;
        }
        mend(packet, &flow, length);
        memcpy(want, packet, length);
        uint32_t mtu =
            test_below(&seed, 4) ? 68 + (uint32_t)test_below(&seed, 2000) : (uint32_t)test_below(&seed, 70000);
        int expected = model(want, &flow, length, mtu);
        changed += (uint32_t)expected;
        if (vpn_mss_clamp(packet, length, mtu, 0) != expected || memcmp(packet, want, length))
            ck_abort_msg("packet %d, mtu %u", i, mtu);
        if (vpn_mss_clamp(packet, length, mtu, 0) != VPN_MSS_UNTOUCHED)
            ck_abort_msg("packet %d, mtu %u: lowered twice", i, mtu);
    }
    ck_assert_uint_gt(changed, 20000);
}
END_TEST

/* A SYN with an MSS option at `at` bytes into the options, between NOPs. */
static uint32_t with_mss(uint8_t *packet, struct flow *flow, uint32_t at, uint32_t mss)
{
    uint32_t length = flow_packet(packet, flow), options = flow_ip_bytes(flow) + 20;
    memset(packet + options, 1, flow->tcp_extra);
    packet[options + at] = 2;
    packet[options + at + 1] = 4;
    flow_put(packet + options + at + 2, mss, 2);
    mend(packet, flow, length);
    return length;
}

START_TEST(limits)
{
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint32_t headers = family == 4 ? 40 : 60, least = family == 4 ? 576 : 1280;
        struct flow flow = syn_flow((uint8_t)family, 8);
        static const uint32_t mtus[] = {0,    1,    67,    575,   576,   577,   1279,  1280,      1281,
                                        1420, 9000, 65535, 65574, 65575, 65595, 65596, UINT32_MAX};
        for (size_t i = 0; i < sizeof mtus / sizeof *mtus; i++)
            for (uint32_t mss = 0; mss < 65536; mss += mss < 2 || mss > 65500 ? 1 : 97) {
                uint8_t packet[ROOM];
                uint64_t limit = (uint64_t)(mtus[i] < least ? least : mtus[i]) - headers;
                uint32_t length = with_mss(packet, &flow, mss % 5, mss);
                int error = vpn_mss_clamp(packet, length, mtus[i], 0);
                uint32_t have = flow_get(packet + flow_ip_bytes(&flow) + 20 + mss % 5 + 2, 2);
                if (error != (mss > limit) || have != (mss > limit ? limit : mss))
                    ck_abort_msg("mtu %u mss %u: %u", mtus[i], mss, have);
            }
    }
}
END_TEST

/* Same packet, `change`d by the caller first: it must come out as it went in. */
static void untouched(const uint8_t *packet, uint32_t length, uint32_t flags, int want)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, packet, length);
    ck_assert_int_eq(vpn_mss_clamp(copy, length, 1280, flags), want);
    ck_assert_mem_eq(copy, packet, length);
    free(copy);
}

START_TEST(left_alone)
{
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint8_t packet[ROOM];
        struct flow flow = syn_flow((uint8_t)family, 8);
        uint32_t ip = flow_ip_bytes(&flow), length;
        for (uint32_t flags = 0; flags < 256; flags++) { /* whatever has no SYN */
            flow.flags = (uint8_t)flags;
            length = with_mss(packet, &flow, 1, 9000);
            if (flags & FLOW_SYN)
                ck_assert_int_eq(vpn_mss_clamp(packet, length, 1280, 0), VPN_MSS_CLAMPED);
            else
                untouched(packet, length, 0, VPN_MSS_UNTOUCHED);
        }
        flow.flags = FLOW_SYN;
        length = with_mss(packet, &flow, 0, 9000);
        packet[ip + 20] = 3; /* no MSS option */
        untouched(packet, length, 0, VPN_MSS_UNTOUCHED);
        packet[ip + 20] = 2;
        packet[ip + 21] = 3; /* one of a wrong length */
        untouched(packet, length, 0, VPN_MSS_UNTOUCHED);
        packet[ip + 21] = 4;
        untouched(packet, length, 2, VPN_EINVAL);
        for (uint32_t cut = 0; cut < length; cut++)
            untouched(packet, cut, 0, VPN_EFORMAT);
        packet[ip + 12] = 0x40; /* a header shorter than it can be */
        untouched(packet, length, 0, VPN_EFORMAT);
        packet[ip + 12] = 0xf0; /* and one that is longer than the packet */
        untouched(packet, length, 0, VPN_EFORMAT);
        flow.protocol = FLOW_UDP;
        untouched(packet, flow_packet(packet, &flow), 0, VPN_MSS_UNTOUCHED);
    }
    untouched((const uint8_t *)"", 0, 0, VPN_EFORMAT);
}
END_TEST

/* The pseudo-header's sum alone knows nothing of the options. */
START_TEST(partial)
{
    uint8_t packet[ROOM], want[ROOM];
    struct flow flow = syn_flow(4, 8);
    uint32_t length = with_mss(packet, &flow, 0, 9000);
    memcpy(want, packet, length);
    flow_put(want + 20 + 22, 1380, 2);
    ck_assert_int_eq(vpn_mss_clamp(packet, length, 1420, VPN_MSS_PARTIAL), VPN_MSS_CLAMPED);
    ck_assert_mem_eq(packet, want, length);
}
END_TEST

START_TEST(wrong_checksum)
{
    uint8_t packet[ROOM];
    struct flow flow = syn_flow(6, 8);
    uint32_t length = with_mss(packet, &flow, 1, 9000);
    packet[40 + 4] ^= 0x40;
    ck_assert_int_eq(vpn_mss_clamp(packet, length, 1420, 0), VPN_MSS_CLAMPED);
    ck_assert_uint_ne(flow_sum(flow_pseudo(&flow, length - 40), packet + 40, length - 40), 0xffff);
    packet[40 + 4] ^= 0x40;
    ck_assert_uint_eq(flow_sum(flow_pseudo(&flow, length - 40), packet + 40, length - 40), 0xffff);
}
END_TEST

/* First fragments are clamped as far as they reach, later ones are no TCP that could be read. */
START_TEST(fragments4)
{
    uint8_t packet[ROOM], part[ROOM];
    struct flow flow = syn_flow(4, 20);
    for (uint32_t at = 0; at <= 16; at++) {
        (void)with_mss(packet, &flow, at, 9000);
        for (uint32_t bytes = 24; bytes <= 40; bytes += 8) {
            memcpy(part, packet, 20 + bytes);
            flow_put(part + 2, 20 + bytes, 2);
            part[6] = 0x20;
            int reaches = 20 + at + 4 <= bytes;
            if (!reaches) {
                untouched(part, 20 + bytes, 0, VPN_MSS_UNTOUCHED);
                continue;
            }
            ck_assert_int_eq(vpn_mss_clamp(part, 20 + bytes, 1420, 0), VPN_MSS_CLAMPED);
            memcpy(part + 20 + bytes, packet + 20 + bytes, 65 - 20 - bytes); /* put together again */
            ck_assert_uint_eq(flow_sum(flow_pseudo(&flow, 45), part + 20, 45), 0xffff);
            part[7] = 1;
            untouched(part, 20 + bytes, 0, VPN_MSS_UNTOUCHED);
        }
    }
}
END_TEST

START_TEST(fragments6)
{
    uint8_t packet[ROOM], part[ROOM] = {0};
    struct flow flow = syn_flow(6, 20);
    uint32_t length = with_mss(packet, &flow, 3, 9000);
    memcpy(part, packet, 40);
    memcpy(part + 48, packet + 40, length - 40);
    flow_put(part + 4, length - 40 + 8, 2);
    part[6] = 44;
    part[40] = 6;
    ck_assert_int_eq(vpn_mss_clamp(part, length + 8, 1420, 0), VPN_MSS_CLAMPED); /* RFC 6946 */
    ck_assert_uint_eq(flow_sum(flow_pseudo(&flow, length - 40), part + 48, length - 40), 0xffff);
    memcpy(part + 48, packet + 40, length - 40);
    part[43] = 8;
    untouched(part, length + 8, 0, VPN_MSS_UNTOUCHED);
}
END_TEST

/* What is authenticated does not survive a change (RFC 4302). */
START_TEST(authenticated)
{
    uint8_t packet[ROOM], part[ROOM] = {0};
    for (uint32_t family = 4; family <= 6; family += 2) {
        struct flow flow = syn_flow((uint8_t)family, 8);
        uint32_t ip = flow_ip_bytes(&flow), length = with_mss(packet, &flow, 0, 9000);
        memcpy(part, packet, ip);
        memset(part + ip, 0, 24);
        memcpy(part + ip + 24, packet + ip, length - ip);
        flow_put(part + (family == 4 ? 2 : 4), length + 24 - (family == 4 ? 0 : 40), 2);
        part[family == 4 ? 9 : 6] = 51;
        part[ip] = 6;
        part[ip + 1] = 4;
        untouched(part, length + 24, 0, VPN_MSS_UNTOUCHED);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mss");
    test_loop(s, "every_option", every_option, 2);
    test_add(s, "limits", limits);
    test_add(s, "left_alone", left_alone);
    test_add(s, "partial", partial);
    test_add(s, "wrong_checksum", wrong_checksum);
    test_add(s, "fragments4", fragments4);
    test_add(s, "fragments6", fragments6);
    test_add(s, "authenticated", authenticated);
    return s;
}

TEST_MAIN(suite)

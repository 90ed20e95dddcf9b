/* SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

#include <vpn/checksum.h>

#include "base/bytes.h"
#include "common/flows.h"
#include "common/test.h"

static uint16_t folded(uint64_t sum)
{
    uint16_t memory = vpn__sum_fold(sum);
    uint8_t bytes[2];
    memcpy(bytes, &memory, 2);
    return vpn__load16be(bytes);
}

/* Every length and alignment, in memory that ends with the last byte. */
START_TEST(lengths)
{
    uint64_t seed = 1;
    for (size_t align = 0; align < 16; align++)
        for (size_t length = 0; length <= 300; length++) {
            uint8_t *memory = malloc(align + length + 1);
            ck_assert_ptr_nonnull(memory);
            test_fill(&seed, memory + 1, align + length);
            uint32_t want = flow_sum(0, memory + 1 + align, length);
            if (folded(vpn__sum(memory + 1 + align, length)) != want)
                ck_abort_msg("align %zu length %zu", align, length);
            free(memory);
        }
}
END_TEST

/* All ones carry as often as can be; all zeros never. */
START_TEST(extremes)
{
    static uint8_t data[1u << 20];
    for (size_t length = 0; length < sizeof data; length = length * 3 + 1) {
        memset(data, 0xff, sizeof data);
        ck_assert_uint_eq(folded(vpn__sum(data, length)), flow_sum(0, data, length));
        memset(data, 0, sizeof data);
        ck_assert_uint_eq(vpn__sum(data, length), 0);
    }
    memset(data, 0xff, sizeof data);
    ck_assert_uint_eq(folded(vpn__sum(data, sizeof data)), 0xffff);
}
END_TEST

START_TEST(fold)
{
    uint64_t seed = 2;
    ck_assert_uint_eq(vpn__sum_fold(0), 0);
    ck_assert_uint_eq(vpn__sum_fold(0xffff), 0xffff);
    ck_assert_uint_eq(vpn__sum_fold(0x10000), 1);
    ck_assert_uint_eq(vpn__sum_fold(UINT64_MAX), 0xffff);
    ck_assert_uint_eq(vpn__sum_fold(UINT64_C(0xffffffff00000001)), 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t sum = test_random(&seed) >> test_below(&seed, 64);
        uint64_t want =
            sum == 0 ? 0 : (sum - 1) % 0xffff + 1; /* what a carry does is counting modulo 65535, but for zero */
        if (vpn__sum_fold(sum) != want)
            ck_abort_msg("%llx", (unsigned long long)sum);
    }
}
END_TEST

/* Parts that begin at even places are added, numbers too. */
START_TEST(parts)
{
    uint64_t seed = 3;
    uint8_t data[200];
    for (int i = 0; i < 20000; i++) {
        size_t length = test_below(&seed, sizeof data), middle = test_below(&seed, length + 1) & ~(size_t)1;
        uint16_t number = (uint16_t)test_random(&seed);
        uint8_t bytes[2];
        test_fill(&seed, data, length);
        vpn__store16be(bytes, number);
        uint64_t sum = vpn__sum(data, middle) + vpn__sum(data + middle, length - middle) + vpn__sum16(number);
        uint32_t want = flow_sum(flow_sum(0, data, length), bytes, 2);
        if (folded(sum) != want)
            ck_abort_msg("length %zu middle %zu", length, middle);
        vpn__sum_store(bytes, sum);
        ck_assert_uint_eq(vpn__load16be(bytes), 0xffff - want);
    }
}
END_TEST

START_TEST(pseudo)
{
    uint64_t seed = 4;
    for (int i = 0; i < 20000; i++) {
        struct flow flow = {.version = i % 2 ? 4 : 6, .protocol = (uint8_t)test_random(&seed)};
        uint8_t both[32];
        size_t address = flow.version == 4 ? 4 : 16;
        uint32_t length = (uint32_t)test_below(&seed, i % 4 ? 65576 : UINT32_MAX);
        test_fill(&seed, flow.src, 16);
        test_fill(&seed, flow.dst, 16);
        memcpy(both, flow.src, address);
        memcpy(both + address, flow.dst, address);
        uint64_t sum = vpn__sum_pseudo(both, 2 * address, flow.protocol, length);
        ck_assert_uint_eq(folded(sum), flow_pseudo(&flow, length));
    }
}
END_TEST

/* The checksum of data in which `at` holds zero, a byte at a time. */
static uint32_t model(const uint8_t *data, size_t length)
{
    return 0xffff - flow_sum(0, data, length);
}

START_TEST(numbers)
{
    uint64_t seed = 5;
    uint8_t data[300];
    ck_assert_uint_eq(vpn_checksum(NULL, 0), 0xffff);
    for (int i = 0; i < 20000; i++) {
        size_t length = test_below(&seed, sizeof data), align = test_below(&seed, 4);
        test_fill(&seed, data, sizeof data);
        if (length + align > sizeof data)
            length -= align;
        ck_assert_uint_eq(vpn_checksum(data + align, length), model(data + align, length));
    }
    /* RFC 1071 section 3 */
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    ck_assert_uint_eq(vpn_checksum(example, sizeof example), 0xffff - 0xddf2);
}
END_TEST

/* Whole packets of flows.h, with payloads that bring UDP's checksum to both zeros. */
START_TEST(transports)
{
    uint64_t seed = 6;
    uint32_t zeros = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t payload[64], packet[256];
        struct flow flow =
            flow_example(i % 2 ? 4 : 6, i / 2 % 2 ? FLOW_TCP : FLOW_UDP, payload, (uint32_t)test_below(&seed, 64));
        test_fill(&seed, payload, sizeof payload);
        uint32_t length = flow_packet(packet, &flow), ip = flow_ip_bytes(&flow), at = flow_checksum_at(&flow);
        if (i % 8 < 4 && flow.length >= 2) { /* what completes the sum to all ones */
            flow_put(packet + at, 0, 2);
            flow_put(packet + length - flow.length, 0, 2);
            uint32_t sum = flow_sum(flow_pseudo(&flow, length - ip), packet + ip, length - ip);
            flow_put(packet + length - flow.length, 0xffff - sum, 2);
            memcpy(payload, packet + length - flow.length, 2);
            length = flow_packet(packet, &flow);
            ck_assert_uint_eq(flow_get(packet + at, 2), flow.protocol == FLOW_UDP ? 0xffff : 0);
            zeros++;
        }
        uint16_t want = (uint16_t)flow_get(packet + at, 2);
        flow_put(packet + at, 0, 2);
        uint16_t have =
            vpn_checksum_transport(flow.version, flow.protocol, flow.src, flow.dst, packet + ip, length - ip);
        if (have != want)
            ck_abort_msg("packet %d: %04x, not %04x", i, have, want);
    }
    ck_assert_uint_gt(zeros, 1000);
}
END_TEST

/* RFC 1624 section 4: equation 2 gives 0xffff here. */
START_TEST(rfc_1624)
{
    uint8_t at[2] = {0xdd, 0x2f};
    vpn_checksum_apply(at, vpn_checksum_change16(0, 0x5555, 0x3285));
    ck_assert_uint_eq(vpn__load16be(at), 0x0000);
    vpn_checksum_apply(at, vpn_checksum_change16(0, 0x3285, 0x5555));
    ck_assert_uint_eq(vpn__load16be(at), 0xdd2f);
    vpn__store16be(at, 0xffff); /* the other zero, from a sender that knows no better */
    vpn_checksum_apply(at, 0);
    ck_assert_uint_eq(vpn__load16be(at), 0xffff);
    vpn_checksum_apply(at, vpn_checksum_change16(0, 0x1234, 0x1234));
    ck_assert_uint_eq(vpn__load16be(at), 0x0000);
    /* one zero became the other: something changed, so the sum of what did is not "nothing" */
    static const uint8_t ones[4] = {0x80, 0x00, 0x7f, 0xff}, zeros[4];
    ck_assert_uint_eq(vpn_checksum_change16(0, 0xffff, 0), 0xffff);
    ck_assert_uint_eq(vpn_checksum_change32(0, 0xffffffff, 0), 0xffff);
    ck_assert_uint_eq(vpn_checksum_change(0, ones, zeros, 4, 0), 0xffff);
    ck_assert_uint_eq(vpn_checksum_change(0, ones, zeros, 0, 0), 0);
    vpn__store16be(at, 0xffff);
    vpn_checksum_apply(at, vpn_checksum_change16(0, 0xffff, 0));
    ck_assert_uint_eq(vpn__load16be(at), 0x0000);
}
END_TEST

/* Every checksum with every kind of word: header checksum recomputed, for 16 million pairs that reach all corners. */
START_TEST(every_change16)
{
    static const uint32_t words[] = {0,      1,      2,      0x7fff, 0x8000, 0x8001, 0xfffd,
                                     0xfffe, 0xffff, 0x5555, 0x3285, 0x00ff, 0xff00};
    const uint32_t count = sizeof words / sizeof *words;
    for (uint32_t other = 1; other < 65536; other++) /* the rest of the data, which is not all zero */
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < count; k++) {
                uint32_t from = other + words[i], to = other + words[k];
                from = (from & 0xffff) + (from >> 16);
                to = (to & 0xffff) + (to >> 16);
                uint8_t at[2];
                vpn__store16be(at, (uint16_t)(0xffff - from));
                vpn_checksum_apply(at, vpn_checksum_change16(0, (uint16_t)words[i], (uint16_t)words[k]));
                if (vpn__load16be(at) != 0xffff - to)
                    ck_abort_msg("rest %04x from %04x to %04x", other, words[i], words[k]);
            }
}
END_TEST

/* Several changes to ranges at any place, in any of the ways to say it, beside a new calculation. Mostly zeros and ones, so that sums
   come to both zeros. */
START_TEST(changes)
{
    uint64_t seed = 7;
    uint32_t zeros = 0;
    for (int i = 0; i < 1000000; i++) {
        uint8_t data[64], old[64], at[2];
        size_t length = 20 + test_below(&seed, sizeof data - 19);
        uint16_t change = 0;
        int extreme = i % 2;
        test_fill(&seed, data, sizeof data);
        for (size_t k = 0; extreme && k < sizeof data; k++)
            data[k] = data[k] & 1 ? 0xff : 0;
        data[0] = 0x45;
        vpn__store16be(at, (uint16_t)model(data, length));
        for (size_t n = test_below(&seed, 4); n; n--) {
            size_t begin = 1 + test_below(&seed, length - 1), bytes = test_below(&seed, length - begin + 1);
            int kind = (int)test_below(&seed, 4);
            memcpy(old, data, sizeof data);
            if (kind < 2) {
                begin &= ~(size_t)1;
                bytes = kind ? 2 : 4;
                if (begin < 2 || begin + bytes > length)
                    continue;
            }
            for (size_t k = begin; k < begin + bytes; k++)
                data[k] = (uint8_t)(extreme ? test_below(&seed, 2) * 255 : test_random(&seed));
            if (kind == 1)
                change = vpn_checksum_change16(change, vpn__load16be(old + begin), vpn__load16be(data + begin));
            else if (kind == 0)
                change = vpn_checksum_change32(change, vpn__load32be(old + begin), vpn__load32be(data + begin));
            else
                change = vpn_checksum_change(change, old + begin, data + begin, bytes, begin);
        }
        if (i % 3 == 0) { /* and a last one that brings the checksum to zero */
            uint16_t word = vpn__load16be(data + 2);
            vpn__store16be(data + 2, 0);
            vpn__store16be(data + 2, (uint16_t)model(data, length));
            change = vpn_checksum_change16(change, word, vpn__load16be(data + 2));
        }
        vpn_checksum_apply(at, change);
        zeros += vpn__load16be(at) == 0;
        if (vpn__load16be(at) != model(data, length))
            ck_abort_msg("case %d: %04x, not %04x", i, vpn__load16be(at), (unsigned)model(data, length));
    }
    ck_assert_uint_gt(zeros, 300000);
}
END_TEST

START_TEST(udp)
{
    for (uint32_t sum = 0; sum < 65536; sum++)
        for (uint32_t change = 0; change < 65536; change += change < 3 || change > 65530 ? 1 : 251) {
            uint8_t plain[2], at[2];
            vpn__store16be(plain, (uint16_t)sum);
            vpn__store16be(at, (uint16_t)sum);
            vpn_checksum_apply(plain, (uint16_t)change);
            vpn_checksum_apply_udp(at, (uint16_t)change);
            uint32_t want = sum == 0 ? 0 : vpn__load16be(plain) == 0 ? 0xffff : vpn__load16be(plain);
            if (vpn__load16be(at) != want)
                ck_abort_msg("sum %04x change %04x", sum, change);
        }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("checksum");
    test_add(s, "lengths", lengths);
    test_add(s, "extremes", extremes);
    test_add(s, "fold", fold);
    test_add(s, "parts", parts);
    test_add(s, "pseudo", pseudo);
    test_add(s, "numbers", numbers);
    test_add(s, "transports", transports);
    test_add(s, "rfc_1624", rfc_1624);
    test_add(s, "every_change16", every_change16);
    test_add(s, "changes", changes);
    test_add(s, "udp", udp);
    return s;
}

TEST_MAIN(suite)

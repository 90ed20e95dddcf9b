/* SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

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

static Suite *suite(void)
{
    Suite *s = suite_create("checksum");
    test_add(s, "lengths", lengths);
    test_add(s, "extremes", extremes);
    test_add(s, "fold", fold);
    test_add(s, "parts", parts);
    test_add(s, "pseudo", pseudo);
    return s;
}

TEST_MAIN(suite)

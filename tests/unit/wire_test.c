/* SPDX-License-Identifier: ISC */
#include "wireguard/wire.h"

#include "common/test.h"

static uint8_t message[2000];

static uint8_t classify(uint32_t word, size_t length, uint8_t *reason)
{
    for (size_t i = 0; i < 4; i++)
        message[i] = (uint8_t)(word >> 8 * i);
    *reason = VPN_REASON_NONE;
    return vpn__wire_type(message, length, reason);
}

/* Section 5.4: which lengths each type has. */
static int fits(uint32_t type, size_t length)
{
    switch (type) {
    case 1:
        return length == 148;
    case 2:
        return length == 92;
    case 3:
        return length == 64;
    default:
        return length >= 32;
    }
}

START_TEST(each_type_and_length)
{
    for (uint32_t type = 0; type < 256; type++) {
        for (size_t length = 0; length <= sizeof(message); length++) {
            uint8_t reason, have = classify(type, length, &reason);
            uint8_t want = 0, why = VPN_REASON_NONE;
            if (length < 4)
                why = VPN_REASON_LENGTH;
            else if (type < 1 || type > 4)
                why = VPN_REASON_TYPE;
            else if (fits(type, length))
                want = (uint8_t)type;
            else
                why = VPN_REASON_LENGTH;
            if (have != want || reason != why)
                ck_abort_msg("type %u, %zu bytes: %u, reason %u", type, length, have, reason);
        }
    }
}
END_TEST

/* Reserved bytes are part of the type: any bit of them makes the message unknown, whatever its length. */
START_TEST(reserved_bytes)
{
    static const size_t lengths[] = {4, 32, 64, 92, 148, 2000};
    for (uint32_t type = 1; type <= 4; type++) {
        for (size_t bit = 8; bit < 32; bit++) {
            for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                uint8_t reason;
                ck_assert_uint_eq(classify(type | UINT32_C(1) << bit, lengths[i], &reason), 0);
                ck_assert_uint_eq(reason, VPN_REASON_TYPE);
            }
        }
    }
}
END_TEST

/* Nothing past the length is read: the blocks are as small as the datagrams, so that a sanitizer sees it. */
START_TEST(reads_no_further)
{
    for (size_t length = 0; length <= 200; length++) {
        uint8_t reason, *exact = malloc(length ? length : 1);
        ck_assert_ptr_nonnull(exact);
        memset(exact, 0, length ? length : 1);
        exact[0] = (uint8_t)(1 + length % 4);
        (void)vpn__wire_type(exact, length, &reason);
        free(exact);
    }
}
END_TEST

START_TEST(place_of_mac1)
{
    for (size_t length = 0; length <= sizeof(message); length++) {
        size_t want = length == 148 ? 116 : length == 92 ? 60 : 0;
        ck_assert_uint_eq(vpn__wire_mac1(length), want);
    }
}
END_TEST

/* Whitepaper section 6.1 and the sizes of section 5.4, as numbers. */
START_TEST(constants)
{
    ck_assert_uint_eq(VPN__REKEY_AFTER_MESSAGES, UINT64_C(1152921504606846976));
    ck_assert_uint_eq(VPN__REJECT_AFTER_MESSAGES, UINT64_C(18446744073709543423));
    ck_assert_uint_eq(VPN__REKEY_AFTER_TIME, UINT64_C(120000000000));
    ck_assert_uint_eq(VPN__REJECT_AFTER_TIME, UINT64_C(180000000000));
    ck_assert_uint_eq(VPN__REKEY_TIMEOUT, UINT64_C(5000000000));
    ck_assert_uint_eq(VPN__KEEPALIVE_TIMEOUT, UINT64_C(10000000000));
    ck_assert_uint_eq(VPN__REKEY_ON_RECEIVE, UINT64_C(165000000000));
    ck_assert_uint_eq(VPN__NEW_HANDSHAKE, UINT64_C(15000000000));
    ck_assert_uint_eq(VPN__WIPE_AFTER, UINT64_C(540000000000));
    ck_assert_uint_eq(VPN__REKEY_JITTER, UINT64_C(333000000));
    ck_assert_uint_eq(VPN__COOKIE_SECRET_AGE, UINT64_C(120000000000));
    ck_assert_uint_eq(VPN__COOKIE_AGE, UINT64_C(115000000000));
    ck_assert_uint_eq(VPN__FLOOD_GAP, UINT64_C(20000000));
    ck_assert_uint_eq(VPN_WG_INITIATION_BYTES, 8 + 32 + 32 + 16 + 12 + 16 + 16 + 16);
    ck_assert_uint_eq(VPN_WG_RESPONSE_BYTES, 12 + 32 + 16 + 16 + 16);
    ck_assert_uint_eq(VPN_WG_COOKIE_BYTES, 8 + 24 + 16 + 16);
    ck_assert_uint_eq(VPN_WG_HEADER_BYTES, 16);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire");
    test_add(s, "each type and length", each_type_and_length);
    test_add(s, "reserved bytes", reserved_bytes);
    test_add(s, "reads no further", reads_no_further);
    test_add(s, "place of mac1", place_of_mac1);
    test_add(s, "constants", constants);
    return s;
}

TEST_MAIN(suite)

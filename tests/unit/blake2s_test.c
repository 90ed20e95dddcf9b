/* SPDX-License-Identifier: ISC */
/* RFC 7693. The hashes of hashes were made with Python's hashlib, an implementation of another family. */
#include "common/test.h"

#include "crypto/blake2s.h"

/* 0, 1, 2, ... */
static uint8_t counting[256];

static void count_up(void)
{
    for (size_t i = 0; i < sizeof(counting); i++)
        counting[i] = (uint8_t)i;
}

static void expect(const char *text, const void *data, size_t bytes, const uint8_t *key, size_t key_bytes)
{
    uint8_t out[32];
    ck_assert_int_eq(vpn_blake2s_hash(out, sizeof(out), data, bytes, key, key_bytes), 0);
    test_expect_hex(out, sizeof(out), text);
}

START_TEST(known_answers)
{
    expect("69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9", NULL, 0, NULL, 0);
    /* appendix B */
    expect("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "abc", 3, NULL, 0);
}
END_TEST

START_TEST(keyed_known_answers)
{
    static const struct {
        size_t bytes;
        const char *hash;
    } rows[] = {
        {0, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49"},
        {1, "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1"},
        {63, "c65382513f07460da39833cb666c5ed82e61b9e998f4b0c4287cee56c3cc9bcd"},
        {64, "8975b0577fd35566d750b362b0897a26c399136df07bababbde6203ff2954ed4"},
        {65, "21fe0ceb0052be7fb0f004187cacd7de67fa6eb0938d927677f2398c132317a8"},
        {127, "ddbfea75cc467882eb3483ce5e2e756a4f4701b76b445519e89f22d60fa86e06"},
        {128, "0c311f38c35a4fb90d651c289d486856cd1413df9b0677f53ece2cd9e477c60a"},
        {129, "46a73a8dd3e70f59d3942c01df599def783c9da82fd83222cd662b53dce7dbdf"},
        {254, "db444c15597b5f1a03d1f9edd16e4a9f43a667cc275175dfa2b704e3bb1a9b83"},
    };
    count_up();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].hash, counting, rows[i].bytes, counting, 32);
}
END_TEST

/* Inputs of 0..255 bytes, without and with a key, hashed together. */
START_TEST(every_input_length)
{
    static const char *const want[2] = {"6d86d20a9d486cc270bc10f4523a3e811f7f88636204b0a9a76277823b30b672",
                                        "2582f7b18a91f66ef22aa9455384ada69b2590306a6470ee8588df75ee982f02"};
    count_up();
    for (size_t keyed = 0; keyed < 2; keyed++) {
        vpn_blake2s all;
        uint8_t out[32];
        ck_assert_int_eq(vpn_blake2s_init(&all, 32, NULL, 0), 0);
        for (size_t bytes = 0; bytes < 256; bytes++) {
            ck_assert_int_eq(vpn_blake2s_hash(out, 32, counting, bytes, counting, keyed ? 32 : 0), 0);
            vpn_blake2s_update(&all, out, sizeof(out));
        }
        vpn_blake2s_final(&all, out);
        test_expect_hex(out, sizeof(out), want[keyed]);
    }
}
END_TEST

START_TEST(every_output_and_key_length)
{
    vpn_blake2s all;
    uint8_t out[40];
    count_up();
    ck_assert_int_eq(vpn_blake2s_init(&all, 32, NULL, 0), 0);
    for (size_t out_bytes = 1; out_bytes <= 32; out_bytes++) {
        for (size_t key_bytes = 0; key_bytes <= 32; key_bytes++) {
            memset(out, 0xcc, sizeof(out));
            ck_assert_int_eq(vpn_blake2s_hash(out, out_bytes, counting, 100, counting, key_bytes), 0);
            for (size_t i = out_bytes; i < sizeof(out); i++)
                ck_assert_uint_eq(out[i], 0xcc);
            vpn_blake2s_update(&all, out, out_bytes);
        }
    }
    vpn_blake2s_final(&all, out);
    test_expect_hex(out, 32, "4e8cb370063ac66c4c9789e7b714f8e751c8e2d7555e59c2aab558971a2e6bac");
}
END_TEST

/* The generator of appendix E. */
static void fibonacci(uint8_t *out, size_t bytes, uint32_t seed)
{
    uint32_t a = UINT32_C(0xdead4bad) * seed, b = 1;
    for (size_t i = 0; i < bytes; i++) {
        uint32_t sum = a + b;
        a = b;
        b = sum;
        out[i] = (uint8_t)(sum >> 24);
    }
}

START_TEST(self_test_of_appendix_e)
{
    static const size_t outs[] = {16, 20, 28, 32}, ins[] = {0, 3, 64, 65, 255, 1024};
    uint8_t in[1024], key[32], out[32];
    vpn_blake2s all;
    ck_assert_int_eq(vpn_blake2s_init(&all, 32, NULL, 0), 0);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 6; j++) {
            fibonacci(in, ins[j], (uint32_t)ins[j]);
            ck_assert_int_eq(vpn_blake2s_hash(out, outs[i], in, ins[j], NULL, 0), 0);
            vpn_blake2s_update(&all, out, outs[i]);
            fibonacci(key, outs[i], (uint32_t)outs[i]);
            ck_assert_int_eq(vpn_blake2s_hash(out, outs[i], in, ins[j], key, outs[i]), 0);
            vpn_blake2s_update(&all, out, outs[i]);
        }
    }
    vpn_blake2s_final(&all, out);
    test_expect_hex(out, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}
END_TEST

START_TEST(a_megabyte)
{
    size_t bytes = 1000000;
    uint8_t *data = malloc(bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i % 251);
    expect("93d1132bac2d29a537a1f7fe4ea968c15705989fd840fcb10d774ee32b5d382f", data, bytes, NULL, 0);
    free(data);
}
END_TEST

START_TEST(split_at_every_position)
{
    uint8_t want[32], have[32];
    vpn_blake2s state;
    count_up();
    for (size_t bytes = 0; bytes <= 200; bytes++) {
        ck_assert_int_eq(vpn_blake2s_hash(want, 32, counting, bytes, counting, bytes % 33), 0);
        for (size_t split = 0; split <= bytes; split++) {
            ck_assert_int_eq(vpn_blake2s_init(&state, 32, counting, bytes % 33), 0);
            vpn_blake2s_update(&state, counting, split);
            vpn_blake2s_update(&state, NULL, 0);
            vpn_blake2s_update(&state, counting + split, bytes - split);
            vpn_blake2s_final(&state, have);
            ck_assert_mem_eq(have, want, 32);
        }
    }
}
END_TEST

START_TEST(random_pieces_at_random_alignment)
{
    static uint8_t data[4096];
    uint64_t seed = 7;
    uint8_t want[32], have[32];
    test_fill(&seed, data, sizeof(data));
    for (int round = 0; round < 2000; round++) {
        size_t start = test_below(&seed, 64), bytes = test_below(&seed, 1500), at = 0;
        vpn_blake2s state;
        ck_assert_int_eq(vpn_blake2s_hash(want, 32, data + start, bytes, NULL, 0), 0);
        ck_assert_int_eq(vpn_blake2s_init(&state, 32, NULL, 0), 0);
        while (at < bytes) {
            size_t piece = test_below(&seed, 200);
            piece = piece < bytes - at ? piece : bytes - at;
            vpn_blake2s_update(&state, data + start + at, piece);
            at += piece;
        }
        vpn_blake2s_final(&state, have);
        ck_assert_mem_eq(have, want, 32);
    }
}
END_TEST

START_TEST(lengths_outside_their_range)
{
    static const struct {
        size_t out_bytes, key_bytes;
        int key;
    } rows[] = {{0, 0, 0}, {33, 0, 0}, {SIZE_MAX, 0, 0}, {32, 33, 1}, {32, SIZE_MAX, 1}, {32, 1, 0}, {0, 33, 1}};
    uint8_t out[40], key[33] = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint8_t *given = rows[i].key ? key : NULL;
        vpn_blake2s state;
        memset(out, 0xcc, sizeof(out));
        ck_assert_int_eq(vpn_blake2s_hash(out, rows[i].out_bytes, "abc", 3, given, rows[i].key_bytes), VPN_EINVAL);
        /* whoever ignores the error gets nothing, but harms nothing */
        memset(&state, 0xff, sizeof(state));
        ck_assert_int_eq(vpn_blake2s_init(&state, rows[i].out_bytes, given, rows[i].key_bytes), VPN_EINVAL);
        vpn_blake2s_update(&state, key, sizeof(key));
        vpn_blake2s_update(&state, key, sizeof(key));
        vpn_blake2s_final(&state, out);
        for (size_t j = 0; j < sizeof(out); j++)
            ck_assert_uint_eq(out[j], 0xcc);
    }
}
END_TEST

START_TEST(final_wipes_and_can_be_repeated)
{
    vpn_blake2s state;
    uint8_t out[32], again[32], key[32] = {9};
    ck_assert_int_eq(vpn_blake2s_init(&state, 32, key, 32), 0);
    vpn_blake2s_update(&state, "secret", 6);
    vpn_blake2s_final(&state, out);
    ck_assert(test_is_zero(&state, sizeof(state)));
    memset(again, 0xcc, sizeof(again));
    vpn_blake2s_final(&state, again);
    for (size_t i = 0; i < sizeof(again); i++)
        ck_assert_uint_eq(again[i], 0xcc);
}
END_TEST

START_TEST(output_may_be_the_input)
{
    uint8_t data[32], want[32];
    memset(data, 3, sizeof(data));
    ck_assert_int_eq(vpn_blake2s_hash(want, 32, data, 32, data, 32), 0);
    ck_assert_int_eq(vpn_blake2s_hash(data, 32, data, 32, data, 32), 0);
    ck_assert_mem_eq(data, want, 32);
}
END_TEST

/* The count has 64 bits, section 3.2: 4 GiB on, the same bytes give another hash. */
START_TEST(count_past_4_gib)
{
    uint8_t near[32], far[32];
    for (int i = 0; i < 2; i++) {
        vpn_blake2s state;
        ck_assert_int_eq(vpn_blake2s_init(&state, 32, NULL, 0), 0);
        state.count = i == 0 ? 0 : UINT64_C(1) << 32;
        vpn_blake2s_update(&state, "abc", 3);
        vpn_blake2s_final(&state, i == 0 ? near : far);
    }
    ck_assert_mem_ne(near, far, 32);
}
END_TEST

/* The state after the key, kept and used again, gives what hashing with the key gives. */
START_TEST(keyed_state)
{
    uint8_t data[200], want[32], have[32];
    uint32_t keyed[8];
    count_up();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (size_t out = 1; out <= 32; out += 5) {
        for (size_t key_bytes = 1; key_bytes <= 32; key_bytes++) {
            vpn__blake2s_keyed(keyed, out, counting, key_bytes);
            for (size_t bytes = 1; bytes <= sizeof(data); bytes++) {
                ck_assert_int_eq(vpn_blake2s_hash(want, out, data, bytes, counting, key_bytes), 0);
                vpn__blake2s_resume(have, out, keyed, data, bytes);
                ck_assert_mem_eq(have, want, out);
            }
        }
    }
}
END_TEST

static Suite *blake2s_suite(void)
{
    Suite *suite = suite_create("blake2s");
    test_add(suite, "known", known_answers);
    test_add(suite, "keyed", keyed_known_answers);
    test_add(suite, "inputs", every_input_length);
    test_add(suite, "outputs", every_output_and_key_length);
    test_add(suite, "appendix E", self_test_of_appendix_e);
    test_add(suite, "megabyte", a_megabyte);
    test_add(suite, "4 GiB", count_past_4_gib);
    test_add(suite, "split", split_at_every_position);
    test_add(suite, "pieces", random_pieces_at_random_alignment);
    test_add(suite, "bad lengths", lengths_outside_their_range);
    test_add(suite, "final", final_wipes_and_can_be_repeated);
    test_add(suite, "in place", output_may_be_the_input);
    test_add(suite, "keyed state", keyed_state);
    return suite;
}

TEST_MAIN(blake2s_suite)

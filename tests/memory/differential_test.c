/* SPDX-License-Identifier: ISC */
/*
 * Providers against naive.h, natively: Valgrind hides wide vector units, so these are the paths that it may not have seen.
 * A provider that joins the library gets a line in `providers`.
 */
#include "common/test.h"
#include "memory/naive.h"

#include <vpn/crypto.h>

#define MOST  2048
#define BATCH 24

static const vpn_provider *(*const providers[])(void) = {vpn_provider_sodium};

struct batch {
    vpn_aead_job jobs[BATCH];
    uint8_t key[BATCH][32];
    uint8_t ad[BATCH][48];
    uint8_t data[BATCH][MOST + VPN_TAG_BYTES];
    uint8_t text[BATCH][MOST];
    uint8_t sealed[BATCH][MOST + VPN_TAG_BYTES];
};

static struct batch b;
static uint64_t slots[BATCH][VPN_PROVIDER_KEY_MAX / 8];
static uint8_t *scratch;

static const vpn_provider *start(int i)
{
    const vpn_provider *provider = providers[i]();
    scratch = aligned_alloc(64, (provider->scratch_size + 127) / 64 * 64);
    ck_assert_ptr_nonnull(scratch);
    if (provider->init_scratch)
        ck_assert_int_eq(provider->init_scratch(scratch), 0);
    return provider;
}

static void end(const vpn_provider *provider)
{
    if (provider->end_scratch)
        provider->end_scratch(scratch);
    free(scratch);
}

/* A job with everything random, and what the naive cipher makes of it. */
static void make(const vpn_provider *provider, size_t i, size_t length, uint64_t *seed)
{
    vpn_aead_job *job = &b.jobs[i];
    memset(job, 0, sizeof *job);
    test_fill(seed, b.key[i], 32);
    test_fill(seed, b.ad[i], sizeof b.ad[i]);
    test_fill(seed, b.text[i], length);
    test_fill(seed, job->nonce, sizeof job->nonce);
    if (test_below(seed, 4) == 0) { /* carries */
        memset(b.key[i], 0xff, 32);
        memset(b.text[i], 0xff, length);
    }
    ck_assert_int_eq(provider->init_key(slots[i], b.key[i]), 0);
    job->key = slots[i];
    job->data = b.data[i];
    job->length = length;
    job->ad_length = test_below(seed, 3) ? 0 : test_below(seed, sizeof b.ad[i] + 1);
    job->ad = job->ad_length ? b.ad[i] : NULL;
    memcpy(b.sealed[i], b.text[i], length);
    naive_seal(b.sealed[i], length, job->ad, job->ad_length, job->nonce, b.key[i]);
    memcpy(b.data[i], b.text[i], length);
}

/* RFC 8439 section 2.8.2, so that the yardstick is itself measured. */
START_TEST(the_yardstick)
{
    uint8_t key[32], ad[12],
        data[130] = "Ladies and Gentlemen of the class of '99: If I could offer you only one "
                    "tip for the future, sunscreen would be it.";
    const uint8_t nonce[12] = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
    for (size_t i = 0; i < 32; i++)
        key[i] = (uint8_t)(0x80 + i);
    ck_assert_uint_eq(test_hex(ad, sizeof ad, "50515253c0c1c2c3c4c5c6c7"), 12);
    naive_seal(data, 114, ad, 12, nonce, key);
    test_expect_hex(data, 16, "d31a8d34648e60db7b86afbc53ef7ec2");
    test_expect_hex(data + 114, 16, "1ae10b594f09e26a7e902ecbd0600691");
}
END_TEST

START_TEST(agree)
{
    const vpn_provider *provider = start(_i);
    uint64_t seed = 1;
    for (size_t round = 0; round < 150; round++) {
        size_t n = 1 + test_below(&seed, BATCH);
        for (size_t i = 0; i < n; i++)
            make(provider, i, round < 50 ? round * BATCH + i : test_below(&seed, MOST + 1), &seed);
        ck_assert_uint_eq(provider->seal(scratch, b.jobs, n), n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(b.jobs[i].done, 1);
            ck_assert_mem_eq(b.data[i], b.sealed[i], b.jobs[i].length + VPN_TAG_BYTES);
        }
        ck_assert_uint_eq(provider->open(scratch, b.jobs, n), n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(b.jobs[i].done, 1);
            if (b.jobs[i].length)
                ck_assert_mem_eq(b.data[i], b.text[i], b.jobs[i].length);
        }
    }
    end(provider);
}
END_TEST

/* Every byte of text and tag, of the associated data and of the nonce, changed alone; the neighbours in the batch still open. */
START_TEST(tampered)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 63, 64, 65, 127, 129, 255, 256, 257, 320, 511, 513, 1452};
    const vpn_provider *provider = start(_i);
    uint64_t seed = 2;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        const size_t length = lengths[l];
        make(provider, 0, 80, &seed);
        make(provider, 1, length, &seed);
        b.jobs[1].ad = b.ad[1];
        b.jobs[1].ad_length = 20;
        memcpy(b.sealed[1], b.text[1], length);
        naive_seal(b.sealed[1], length, b.ad[1], 20, b.jobs[1].nonce, b.key[1]);
        for (size_t at = 0; at < length + 16 + 20 + 12; at++) {
            memcpy(b.data[0], b.sealed[0], 80 + 16);
            memcpy(b.data[1], b.sealed[1], length + 16);
            uint8_t *byte = at < length + 16        ? &b.data[1][at]
                            : at < length + 16 + 20 ? &b.ad[1][at - length - 16]
                                                    : &b.jobs[1].nonce[at - length - 36];
            const uint8_t change = (uint8_t)(1u << test_below(&seed, 8));
            *byte ^= change;
            ck_assert_uint_eq(provider->open(scratch, b.jobs, 2), 1);
            ck_assert_uint_eq(b.jobs[0].done, 1);
            ck_assert_uint_eq(b.jobs[1].done, 0);
            ck_assert_mem_eq(b.data[0], b.text[0], 80);
            if (at >= length + 16)
                *byte ^= change;
        }
    }
    end(provider);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("memory/differential");
    const int count = sizeof providers / sizeof providers[0];
    TCase *loops = tcase_create("providers");
    test_add(s, "the yardstick", the_yardstick);
    tcase_add_loop_test(loops, agree, 0, count);
    tcase_add_loop_test(loops, tampered, 0, count);
    tcase_set_timeout(loops, 120);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)

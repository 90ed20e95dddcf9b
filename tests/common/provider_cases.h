/* SPDX-License-Identifier: ISC */
/* What every provider must do alike: tests of one, which unit tests add to their suites. */
#ifndef VPN_TESTS_COMMON_PROVIDER_CASES_H
#define VPN_TESTS_COMMON_PROVIDER_CASES_H

#include "common/test.h"

#include <vpn/select.h>

#define JOBS 32
#define ROOM 1600
#define SLOT 64 /* of every provider here */

/* Packets with the answers that the direct functions give. */
typedef struct batch {
    vpn_aead_job jobs[JOBS];
    uint8_t slots[JOBS][SLOT];
    uint8_t keys[JOBS][VPN_KEY_BYTES];
    uint8_t data[JOBS][ROOM];
    uint8_t text[JOBS][ROOM];
    uint8_t sealed[JOBS][ROOM];
    uint8_t ad[JOBS][64];
} batch;

static batch b;

static struct {
    const vpn_provider *provider;
    void *scratch;
} cases;

static inline void make(const vpn_provider *provider, uint64_t *seed)
{
    memset(&b, 0, sizeof(b));
    for (size_t i = 0; i < JOBS; i++) {
        vpn_aead_job *job = &b.jobs[i];
        test_fill(seed, b.keys[i], VPN_KEY_BYTES);
        ck_assert_int_eq(provider->init_key(b.slots[i], b.keys[i]), 0);
        job->key = b.slots[i];
        job->data = b.data[i];
        job->length = i == 0 ? 0 : test_below(seed, ROOM - VPN_TAG_BYTES + 1);
        job->ad_length = test_below(seed, 3) ? 0 : test_below(seed, sizeof(b.ad[i]));
        job->ad = job->ad_length ? b.ad[i] : NULL;
        job->done = (uint32_t)test_below(seed, 3);
        test_fill(seed, b.ad[i], job->ad_length);
        test_fill(seed, b.text[i], job->length);
        test_fill(seed, job->nonce, sizeof(job->nonce));
        memcpy(b.data[i], b.text[i], ROOM);
        vpn_aead_seal(b.sealed[i], b.text[i], job->length, job->ad, job->ad_length, job->nonce, b.keys[i]);
    }
}

START_TEST(batches_agree_with_the_direct_functions)
{
    const vpn_provider *provider = cases.provider;
    uint64_t seed = 41;
    for (int round = 0; round < 30; round++) {
        make(provider, &seed);
        ck_assert_uint_eq(provider->seal(cases.scratch, b.jobs, JOBS), JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            ck_assert_uint_eq(b.jobs[i].done, 1);
            ck_assert_mem_eq(b.data[i], b.sealed[i], ROOM);
        }
        ck_assert_uint_eq(provider->open(cases.scratch, b.jobs, JOBS), JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            ck_assert_uint_eq(b.jobs[i].done, 1);
            ck_assert_mem_eq(b.data[i], b.text[i], b.jobs[i].length);
        }
    }
}
END_TEST

/* Some packets of a batch are forged: they fail, show no text, and harm none of their neighbours. */
START_TEST(a_bad_packet_harms_no_other)
{
    const vpn_provider *provider = cases.provider;
    uint64_t seed = 42;
    for (int round = 0; round < 30; round++) {
        uint8_t forged[JOBS][ROOM];
        size_t good = 0;
        int bad[JOBS];
        make(provider, &seed);
        memcpy(b.data, b.sealed, sizeof(b.data));
        for (size_t i = 0; i < JOBS; i++) {
            bad[i] = test_below(&seed, 3) == 0;
            if (bad[i])
                b.data[i][test_below(&seed, b.jobs[i].length + VPN_TAG_BYTES)] ^= (uint8_t)(1u << test_below(&seed, 8));
            good += !bad[i];
        }
        memcpy(forged, b.data, sizeof(forged));
        ck_assert_uint_eq(provider->open(cases.scratch, b.jobs, JOBS), good);
        for (size_t i = 0; i < JOBS; i++) {
            size_t length = b.jobs[i].length;
            ck_assert_uint_eq(b.jobs[i].done, bad[i] ? 0 : 1);
            if (bad[i])
                ck_assert(test_is_zero(b.data[i], length) || memcmp(b.data[i], forged[i], length) == 0);
            else
                ck_assert_mem_eq(b.data[i], b.text[i], length);
        }
    }
}
END_TEST

START_TEST(every_changed_bit_is_noticed)
{
    const vpn_provider *provider = cases.provider;
    static uint8_t slot[SLOT];
    uint8_t key[32] = {1}, ad[16] = {2}, text[50], sealed[66], data[66];
    vpn_aead_job job = {.key = slot, .data = data, .length = sizeof(text), .ad = ad, .ad_length = sizeof(ad)};
    memset(text, 0x5a, sizeof(text));
    ck_assert_int_eq(provider->init_key(slot, key), 0);
    vpn_aead_seal(sealed, text, sizeof(text), ad, sizeof(ad), job.nonce, key);
    for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
        memcpy(data, sealed, sizeof(data));
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        job.done = 1;
        ck_assert_uint_eq(provider->open(cases.scratch, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        ck_assert_mem_ne(data, text, sizeof(text));
    }
    for (size_t bit = 0; bit < sizeof(ad) * 8; bit++) {
        memcpy(data, sealed, sizeof(data));
        ad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_eq(provider->open(cases.scratch, &job, 1), 0);
        ad[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memcpy(data, sealed, sizeof(data));
    ck_assert_uint_eq(provider->open(cases.scratch, &job, 1), 1);
    ck_assert_mem_eq(data, text, sizeof(text));
}
END_TEST

/* Libraries abort, wrap around or read on. */
START_TEST(a_length_past_the_cipher_fails)
{
    const vpn_provider *provider = cases.provider;
    static uint8_t slot[SLOT];
    uint8_t data[32], copy[32];
    vpn_aead_job job = {.key = slot, .data = data, .length = SIZE_MAX};
    memset(data, 0x77, sizeof(data));
    memcpy(copy, data, sizeof(copy));
    for (size_t i = 0; i < 16; i++, job.length--) {
        job.done = 1;
        ck_assert_uint_eq(provider->seal(cases.scratch, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        job.done = 1;
        ck_assert_uint_eq(provider->open(cases.scratch, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        ck_assert_mem_eq(data, copy, sizeof(copy));
    }
}
END_TEST

START_TEST(no_jobs_are_no_work)
{
    const vpn_provider *provider = cases.provider;
    ck_assert_uint_eq(provider->seal(cases.scratch, NULL, 0), 0);
    ck_assert_uint_eq(provider->open(cases.scratch, NULL, 0), 0);
}
END_TEST

/* Lengths around every block boundary, each with and without associated data. */
START_TEST(every_length_agrees)
{
    const vpn_provider *provider = cases.provider;
    uint64_t seed = 44;
    make(provider, &seed);
    for (size_t length = 0; length <= ROOM - VPN_TAG_BYTES; length++) {
        vpn_aead_job *job = &b.jobs[length % JOBS];
        size_t i = length % JOBS;
        job->length = length;
        memcpy(b.data[i], b.text[0], length);
        vpn_aead_seal(b.sealed[i], b.text[0], length, job->ad, job->ad_length, job->nonce, b.keys[i]);
        ck_assert_uint_eq(provider->seal(cases.scratch, job, 1), 1);
        ck_assert_mem_eq(b.data[i], b.sealed[i], length + VPN_TAG_BYTES);
        ck_assert_uint_eq(provider->open(cases.scratch, job, 1), 1);
        if (length != 0)
            ck_assert_mem_eq(b.data[i], b.text[0], length);
    }
}
END_TEST

/* More jobs than any burst holds, all of one length or of many. */
START_TEST(many_jobs_at_once)
{
    enum { MANY = 300 };
    static vpn_aead_job jobs[MANY];
    static uint8_t data[MANY][128], text[MANY][128];
    const vpn_provider *provider = cases.provider;
    uint64_t seed = 45;
    make(provider, &seed);
    for (size_t i = 0; i < MANY; i++) {
        jobs[i] = b.jobs[i % JOBS];
        jobs[i].data = data[i];
        jobs[i].length = i % (128 - VPN_TAG_BYTES + 1);
        test_fill(&seed, jobs[i].nonce, VPN_NONCE_BYTES);
        test_fill(&seed, text[i], 128);
        memcpy(data[i], text[i], 128);
    }
    ck_assert_uint_eq(provider->seal(cases.scratch, jobs, MANY), MANY);
    for (size_t i = 0; i < MANY; i++) {
        uint8_t want[128 + VPN_TAG_BYTES];
        vpn_aead_seal(want, text[i], jobs[i].length, jobs[i].ad, jobs[i].ad_length, jobs[i].nonce, b.keys[i % JOBS]);
        ck_assert_mem_eq(data[i], want, jobs[i].length + VPN_TAG_BYTES);
    }
    data[100][0] ^= 1;
    ck_assert_uint_eq(provider->open(cases.scratch, jobs, MANY), MANY - 1);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(jobs[i].done, i != 100);
        if (i != 100 && jobs[i].length != 0)
            ck_assert_mem_eq(data[i], text[i], jobs[i].length);
    }
}
END_TEST

START_TEST(the_check_is_passed)
{
    ck_assert_int_eq(vpn_provider_check(cases.provider, NULL), 0);
}
END_TEST

static inline Suite *provider_cases(const vpn_provider *provider)
{
    Suite *suite = suite_create(provider->name);
    cases.provider = provider;
    cases.scratch = aligned_alloc(64, (provider->scratch_size + 127) / 64 * 64);
    if (provider->key_size > SLOT || (provider->init_scratch && provider->init_scratch(cases.scratch)))
        abort();
    test_add(suite, "batches", batches_agree_with_the_direct_functions);
    test_add(suite, "lengths", every_length_agrees);
    test_add(suite, "many", many_jobs_at_once);
    test_add(suite, "neighbours", a_bad_packet_harms_no_other);
    test_add(suite, "tampered", every_changed_bit_is_noticed);
    test_add(suite, "too long", a_length_past_the_cipher_fails);
    test_add(suite, "empty", no_jobs_are_no_work);
    test_add(suite, "check", the_check_is_passed);
    return suite;
}

static inline int provider_cases_run(Suite *suite)
{
    int status = test_run(suite);
    if (cases.provider->end_scratch)
        cases.provider->end_scratch(cases.scratch);
    free(cases.scratch);
    return status;
}

#endif

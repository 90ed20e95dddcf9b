/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include <vpn/crypto.h>

#define JOBS 32
#define ROOM 1600

/* Packets with the answers that the direct functions give. */
typedef struct batch {
    vpn_aead_job jobs[JOBS];
    uint8_t slots[JOBS][VPN_KEY_BYTES];
    uint8_t keys[JOBS][VPN_KEY_BYTES];
    uint8_t data[JOBS][ROOM];
    uint8_t text[JOBS][ROOM];
    uint8_t sealed[JOBS][ROOM];
    uint8_t ad[JOBS][64];
} batch;

static batch b;

static void make(const vpn_provider *provider, uint64_t *seed)
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

START_TEST(the_table_is_complete)
{
    const vpn_provider *provider = vpn_provider_sodium();
    ck_assert_ptr_eq(provider, vpn_provider_sodium());
    ck_assert_uint_eq(provider->size, sizeof(*provider));
    ck_assert_uint_eq(provider->key_size, VPN_KEY_BYTES);
    ck_assert_uint_le(provider->key_size, VPN_PROVIDER_KEY_MAX);
    ck_assert_uint_eq(provider->scratch_size, 0);
    ck_assert_str_eq(provider->name, "sodium");
    ck_assert(provider->init_key && provider->seal && provider->open);
    ck_assert(provider->x25519 && provider->xseal && provider->xopen);
    ck_assert(!provider->init_scratch && !provider->end_scratch);
}
END_TEST

START_TEST(batches_agree_with_the_direct_functions)
{
    const vpn_provider *provider = vpn_provider_sodium();
    uint64_t seed = 41;
    for (int round = 0; round < 30; round++) {
        make(provider, &seed);
        ck_assert_uint_eq(provider->seal(NULL, b.jobs, JOBS), JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            ck_assert_uint_eq(b.jobs[i].done, 1);
            ck_assert_mem_eq(b.data[i], b.sealed[i], ROOM);
        }
        ck_assert_uint_eq(provider->open(NULL, b.jobs, JOBS), JOBS);
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
    const vpn_provider *provider = vpn_provider_sodium();
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
        ck_assert_uint_eq(provider->open(NULL, b.jobs, JOBS), good);
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
    const vpn_provider *provider = vpn_provider_sodium();
    uint8_t key[32] = {1}, slot[32], ad[16] = {2}, text[50], sealed[66], data[66];
    vpn_aead_job job = {.key = slot, .data = data, .length = sizeof(text), .ad = ad, .ad_length = sizeof(ad)};
    memset(text, 0x5a, sizeof(text));
    ck_assert_int_eq(provider->init_key(slot, key), 0);
    vpn_aead_seal(sealed, text, sizeof(text), ad, sizeof(ad), job.nonce, key);
    for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
        memcpy(data, sealed, sizeof(data));
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        job.done = 1;
        ck_assert_uint_eq(provider->open(NULL, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        ck_assert_mem_ne(data, text, sizeof(text));
    }
    for (size_t bit = 0; bit < sizeof(ad) * 8; bit++) {
        memcpy(data, sealed, sizeof(data));
        ad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_eq(provider->open(NULL, &job, 1), 0);
        ad[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memcpy(data, sealed, sizeof(data));
    ck_assert_uint_eq(provider->open(NULL, &job, 1), 1);
    ck_assert_mem_eq(data, text, sizeof(text));
}
END_TEST

/* libsodium itself would abort the process. */
START_TEST(a_length_past_the_cipher_fails)
{
    const vpn_provider *provider = vpn_provider_sodium();
    uint8_t slot[32] = {0}, data[32], copy[32];
    vpn_aead_job job = {.key = slot, .data = data, .length = SIZE_MAX};
    memset(data, 0x77, sizeof(data));
    memcpy(copy, data, sizeof(copy));
    for (size_t i = 0; i < 16; i++, job.length--) {
        job.done = 1;
        ck_assert_uint_eq(provider->seal(NULL, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        job.done = 1;
        ck_assert_uint_eq(provider->open(NULL, &job, 1), 0);
        ck_assert_uint_eq(job.done, 0);
        ck_assert_mem_eq(data, copy, sizeof(copy));
    }
}
END_TEST

START_TEST(no_jobs_are_no_work)
{
    const vpn_provider *provider = vpn_provider_sodium();
    ck_assert_uint_eq(provider->seal(NULL, NULL, 0), 0);
    ck_assert_uint_eq(provider->open(NULL, NULL, 0), 0);
}
END_TEST

START_TEST(the_other_members_agree_too)
{
    const vpn_provider *provider = vpn_provider_sodium();
    uint64_t seed = 43;
    for (int round = 0; round < 20; round++) {
        uint8_t key[32], other[32], nonce[24], have[96], want[96], text[80];
        test_fill(&seed, key, sizeof(key));
        test_fill(&seed, other, sizeof(other));
        test_fill(&seed, nonce, sizeof(nonce));
        test_fill(&seed, text, sizeof(text));
        ck_assert_int_eq(provider->x25519(have, key, other), 0);
        ck_assert_int_eq(vpn_x25519(want, key, other), 0);
        ck_assert_mem_eq(have, want, 32);
        provider->xseal(have, text, sizeof(text), other, 16, nonce, key);
        vpn_xaead_seal(want, text, sizeof(text), other, 16, nonce, key);
        ck_assert_mem_eq(have, want, sizeof(have));
        ck_assert_int_eq(provider->xopen(have, have, sizeof(have), other, 16, nonce, key), 0);
        ck_assert_mem_eq(have, text, sizeof(text));
        want[round] ^= 1;
        ck_assert_int_eq(provider->xopen(have, want, sizeof(want), other, 16, nonce, key), VPN_EAUTH);
    }
}
END_TEST

static Suite *provider_suite(void)
{
    Suite *suite = suite_create("provider_sodium");
    test_add(suite, "table", the_table_is_complete);
    test_add(suite, "batches", batches_agree_with_the_direct_functions);
    test_add(suite, "neighbours", a_bad_packet_harms_no_other);
    test_add(suite, "tampered", every_changed_bit_is_noticed);
    test_add(suite, "too long", a_length_past_the_cipher_fails);
    test_add(suite, "empty", no_jobs_are_no_work);
    test_add(suite, "others", the_other_members_agree_too);
    return suite;
}

TEST_MAIN(provider_suite)

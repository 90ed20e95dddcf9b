/* SPDX-License-Identifier: ISC */
#include "common/provider_cases.h"

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

int main(void)
{
    Suite *suite = provider_cases(vpn_provider_sodium());
    test_add(suite, "table", the_table_is_complete);
    test_add(suite, "others", the_other_members_agree_too);
    return provider_cases_run(suite);
}

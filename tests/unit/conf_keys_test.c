/* SPDX-License-Identifier: ISC */
/* Names of keys, and which key a misspelt word is nearest to. */
#include "config/conf_keys.h"
#include "common/test.h"

START_TEST(each_key_by_its_name)
{
    for (uint32_t key = VPN__CONF_NONE + 1; key <= VPN__CONF_LAST; key++) {
        const char *name = vpn__conf_key_name((enum vpn__conf_key)key);
        char other[32] = "";
        size_t length = strlen(name);
        ck_assert_uint_gt(length, 2);
        ck_assert_uint_lt(length, 20);
        for (size_t i = 0; i < length; i++)
            other[i] = name[i] >= 'a' ? (char)(name[i] - 'a' + 'A') : (char)(name[i] - 'A' + 'a');
        ck_assert_uint_eq(vpn__conf_key_find(name, length), key);
        ck_assert_uint_eq(vpn__conf_key_find(other, length), key);
        ck_assert_uint_eq(vpn__conf_key_find(name, length - 1), VPN__CONF_NONE);
        ck_assert_uint_eq(vpn__conf_key_nearest(name, length, key >= VPN__CONF_FIRST_OF_PEER), key);
    }
    ck_assert_uint_eq(vpn__conf_key_find("", 0), VPN__CONF_NONE);
    ck_assert_str_eq(vpn__conf_key_name(VPN__CONF_NONE), "");
}
END_TEST

START_TEST(nearest_key)
{
    static const struct {
        const char *word, *key;
        int peer;
    } cases[] = {{"Adress", "Address", 0},
                 {"adresses", "Address", 0},
                 {"PostgreUp", "PostUp", 0},
                 {"Private Key", "PrivateKey", 0},
                 {"NTU", "MTU", 0},
                 {"FailModes", "FailMode", 0},
                 {"DNSServers", "DNSMode", 0},
                 {"AllowedIP", "AllowedIPs", 1},
                 {"PubicKey", "PublicKey", 1},
                 {"PresharedKeys", "PresharedKey", 1},
                 {"PersistantKeepalive", "PersistentKeepalive", 1},
                 {"Endpoints", "Endpoint", 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum vpn__conf_key key = vpn__conf_key_nearest(cases[i].word, strlen(cases[i].word), cases[i].peer);
        ck_assert_str_eq(vpn__conf_key_name(key), cases[i].key);
    }
}
END_TEST

START_TEST(any_word_has_one)
{
    char word[300];
    uint64_t seed = 3;
    for (size_t length = 0; length < sizeof(word); length++) {
        test_fill(&seed, word, sizeof(word));
        ck_assert_uint_lt(vpn__conf_key_nearest(word, length, 0), VPN__CONF_FIRST_OF_PEER);
        ck_assert_uint_gt(vpn__conf_key_nearest(word, length, 0), VPN__CONF_NONE);
        ck_assert_uint_ge(vpn__conf_key_nearest(word, length, 1), VPN__CONF_FIRST_OF_PEER);
    }
}
END_TEST

static Suite *conf_keys_suite(void)
{
    Suite *suite = suite_create("conf_keys");
    test_add(suite, "each key by its name", each_key_by_its_name);
    test_add(suite, "nearest key", nearest_key);
    test_add(suite, "any word has one", any_word_has_one);
    return suite;
}

TEST_MAIN(conf_keys_suite)

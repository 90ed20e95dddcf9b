/* SPDX-License-Identifier: ISC */
/* Files: lines, sections, comments, places of faults, memory that fails, and secrets that are wiped. */
#include "common/conf.h"
#include "common/host.h"

static const char example[] = "# a comment\r\n"
                              "[Interface] # another\r\n"
                              "\tprivatekey=" CONF_KEY_A "\r\n"
                              "Address = 10.200.100.8/24, fd00::8/64\r\n"
                              "\r\n"
                              "[peer]\r\n"
                              "PublicKey = " CONF_KEY_B "\r\n"
                              "PresharedKey=" CONF_KEY_C "\r\n"
                              "AllowedIPs = 0.0.0.0/0\r\n"
                              "[INTERFACE]\n"
                              "PostUp = echo one\n"
                              "[Peer]\n"
                              "AllowedIPs = 10.0.0.0/8\n"
                              "PublicKey = " CONF_KEY_C;

START_TEST(a_file)
{
    vpn_conf *conf = conf_good(example);
    char text[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(text, conf->private_key);
    ck_assert_str_eq(text, CONF_KEY_A);
    ck_assert_uint_eq(conf->size, sizeof(*conf));
    ck_assert_uint_eq(conf->set, VPN_CONF_SET_PRIVATE_KEY);
    ck_assert_uint_eq(conf->lan_access, 1);
    ck_assert_uint_eq(conf->address_count, 2);
    conf_expect_texts(conf->post_up, conf->post_up_count, "echo one");
    ck_assert_uint_eq(conf->peer_count, 2);
    ck_assert_uint_eq(conf->peers[0].line, 6);
    ck_assert_uint_eq(conf->peers[1].line, 12);
    conf_expect_prefixes(conf->peers[0].allowed_ips, conf->peers[0].allowed_ip_count, "0.0.0.0/0");
    conf_expect_prefixes(conf->peers[1].allowed_ips, conf->peers[1].allowed_ip_count, "10.0.0.0/8");
    vpn_conf_free(conf);
    conf = conf_good("");
    ck_assert_uint_eq(conf->peer_count, 0);
    vpn_conf_free(conf);
    vpn_conf_free(NULL);
}
END_TEST

START_TEST(places_of_faults)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *why;
    } cases[] = {
        {"MTU = 1420\n", 1, 1, "before any section"},
        {"[Interface]\n  Adress = 10.0.0.1\n", 2, 3, "the nearest one is Address"},
        {"[Interface]\nPrivate Key = x\n", 2, 1, "the nearest one is PrivateKey"},
        {CONF_PEER "AllowedIP = ::/0\n", 3, 1, "the nearest one is AllowedIPs"},
        {CONF_PEER "MTU = 1420\n", 3, 1, "belongs to the section [Interface]"},
        {"[Interface]\n\nEndpoint = a:1\n", 3, 1, "belongs to the section [Peer]"},
        {"[Interface]\nMTU\n", 2, 4, "missing"},
        {"[Interface]\n= 5\n", 2, 1, "nearest"},
        {"[Interfaces]\n", 1, 1, "[Interface] and [Peer]"},
        {"[Interface]\n [Peer\n", 2, 2, "[Interface] and [Peer]"},
        {"[Interface]\r\n\r\nMTU = 1\r\n", 3, 7, "MTU"},
        {"[Peer]\nAllowedIPs = ::/0\n", 1, 0, "no PublicKey"},
        {"[Interface]\n[Peer]\n\n[Peer]\nPublicKey = " CONF_KEY_A "\n", 2, 0, "no PublicKey"},
        {CONF_PEER "\n[Interface]\n" CONF_PEER, 5, 0, "one before"},
        {"[Interface]\nPostUp = a\x01"
         "b\n",
         2, 11, "control"},
        {"[Interface]\n# a\x7f\n", 2, 4, "control"},
        {"[Interface]\nMTU = 14\r20\n", 2, 9, "control"},
        {"\xef\xbb\xbf[Interface]\n", 1, 1, "before any section"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        conf_bad(cases[i].text, cases[i].line, cases[i].column, cases[i].why);
}
END_TEST

START_TEST(the_key_is_named)
{
    vpn_conf *conf;
    vpn_conf_error error;
    static const char text[] = CONF_PEER "persistentkeepalive = never\n";
    ck_assert_int_eq(conf_parse_bytes(&conf, text, strlen(text), NULL, &error), VPN_EFORMAT);
    ck_assert_str_eq(error.key, "PersistentKeepalive");
    ck_assert_int_eq(conf_parse_bytes(&conf, text, strlen(text), NULL, NULL), VPN_EFORMAT);
}
END_TEST

/* A key that lost its name is not told back. */
START_TEST(no_secret_in_a_message)
{
    vpn_conf *conf;
    vpn_conf_error error;
    static const char *const texts[] = {"[Interface]\n" CONF_KEY_A "\n", "[Interface]\nPrivateKey: " CONF_KEY_A "\n",
                                        "[Interface]\nPrivateKey = " CONF_KEY_A CONF_KEY_A "\n"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(conf_parse_bytes(&conf, texts[i], strlen(texts[i]), NULL, &error), VPN_EFORMAT);
        for (const char *part = CONF_KEY_A; strlen(part) >= 6; part++) {
            char six[7] = "";
            memcpy(six, part, 6);
            ck_assert_ptr_null(strstr(error.why, six));
            ck_assert_ptr_null(strstr(error.key, six));
        }
    }
}
END_TEST

START_TEST(nul_and_cut_files)
{
    vpn_conf *conf;
    ck_assert_int_eq(conf_parse_bytes(&conf, "[Interface]\nMTU = 1420\0", 23, NULL, NULL), VPN_EFORMAT);
    for (size_t length = 0; length <= strlen(example); length++) {
        int error = conf_parse_bytes(&conf, example, length, NULL, NULL);
        ck_assert(error == 0 || error == VPN_EFORMAT);
        ck_assert(error ? conf == NULL : conf != NULL);
        vpn_conf_free(conf);
    }
    ck_assert_int_eq(vpn_conf_parse(&conf, NULL, 0, NULL, NULL), 0);
    vpn_conf_free(conf);
    ck_assert_int_eq(vpn_conf_parse(&conf, NULL, 1, NULL, NULL), VPN_EINVAL);
    ck_assert_int_eq(vpn_conf_parse(&conf, "", VPN_CONF_TEXT_MAX + (size_t)1, NULL, NULL), VPN_ELIMIT);
    vpn_env bad = {.size = 1};
    ck_assert_int_eq(vpn_conf_parse(&conf, "", 0, &bad, NULL), VPN_EINVAL);
}
END_TEST

START_TEST(wiped_on_every_way_out)
{
    static const char *const ends[] = {"",
                                       "\nNonsense",
                                       "\n[Peer]\n",
                                       "\nEndpoint = ",
                                       "\nAllowedIPs = 10.0.0.0/8, 10",
                                       "\nFilter = allow tcp to port 1,2\nNetmap = ours 10.0.0.0/8 as 11.0.0.0/8\n"
                                       "ProbeAddress = ::1\nNetmap = ours 10.0.0.0/8 as 11.0.0.0/8",
                                       "\n[Peer]\nPublicKey = " CONF_KEY_C};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        for (size_t fail = 0;; fail++) {
            struct host host;
            host_init(&host);
            host.base.fail_at = fail;
            vpn_conf_error error;
            vpn_conf *conf;
            char text[2048];
            snprintf(text, sizeof(text), "%s%s", example, ends[i]);
            int result = conf_parse_bytes(&conf, text, strlen(text), &host.env, &error);
            int failed = fail && host.base.calls >= fail;
            ck_assert_int_eq(result, failed ? VPN_ENOMEM : i ? VPN_EFORMAT : 0);
            ck_assert_int_eq(error.error, result);
            vpn_conf_free(conf);
            ck_assert_uint_eq(host.base.live, 0);
            ck_assert_uint_eq(host.dirty, 0);
            if (fail && !failed)
                break;
        }
    }
}
END_TEST

START_TEST(many_peers)
{
    enum { MANY = 5000 };
    char *text = malloc(MANY * 128);
    size_t length = 0;
    for (uint32_t i = 0; i <= MANY; i++) {
        uint8_t key[VPN_KEY_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
        char base64[VPN_KEY_BASE64_CHARS + 1];
        if (i == MANY)
            key[0] = 17, key[1] = 3;
        vpn_key_to_base64(base64, key);
        length += (size_t)sprintf(text + length, "[Peer]\nPublicKey=%s\nAllowedIPs=10.%u.%u.0/24\n", base64,
                                  i >> 8 & 255, i & 255);
        if (i == MANY - 1) {
            vpn_conf *conf = conf_good(text);
            ck_assert_uint_eq(conf->peer_count, MANY);
            ck_assert_uint_eq(conf->peers[4999].allowed_ips[0].addr[2], 4999 & 255);
            vpn_conf_free(conf);
        }
    }
    conf_bad(text, MANY * 3 + 1, 0, "one before");
    free(text);
}
END_TEST

static Suite *conf_parse_suite(void)
{
    Suite *suite = suite_create("conf_parse");
    test_add(suite, "a file", a_file);
    test_add(suite, "places of faults", places_of_faults);
    test_add(suite, "the key is named", the_key_is_named);
    test_add(suite, "no secret in a message", no_secret_in_a_message);
    test_add(suite, "NUL and cut files", nul_and_cut_files);
    test_add(suite, "wiped on every way out", wiped_on_every_way_out);
    test_add(suite, "many peers", many_peers);
    return suite;
}

TEST_MAIN(conf_parse_suite)

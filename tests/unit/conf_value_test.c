/* SPDX-License-Identifier: ISC */
/* Values: for each key what it takes, what it refuses, and what the refusal says. */
#include "config/conf_value.h"
#include "common/conf.h"

/* A file with one line in the section that a key belongs to. */
static const char *with(const char *line, int peer)
{
    static char text[1024];
    snprintf(text, sizeof(text), "%s%s\n", peer ? CONF_PEER : "[Interface]\n", line);
    return text;
}

static vpn_conf *device(const char *line)
{
    return conf_good(with(line, 0));
}

START_TEST(numbers)
{
    static const struct {
        const char *line;
        uint32_t port, mtu, mark, table, metric, set;
    } cases[] = {
        {"ListenPort = 51820", 51820, 0, 0, 0, 0, VPN_CONF_SET_LISTEN_PORT},
        {"ListenPort = 0", 0, 0, 0, 0, 0, VPN_CONF_SET_LISTEN_PORT},
        {"MTU = 1280", 0, 1280, 0, 0, 0, 0},
        {"MTU =", 0, 0, 0, 0, 0, 0},
        {"MTU = 65535", 0, 65535, 0, 0, 0, 0},
        {"FwMark = 0xCA6C", 0, 0, 51820, 0, 0, VPN_CONF_SET_FWMARK},
        {"FwMark = 51820", 0, 0, 51820, 0, 0, VPN_CONF_SET_FWMARK},
        {"FwMark = 0", 0, 0, 0, 0, 0, VPN_CONF_SET_FWMARK},
        {"FwMark = Off", 0, 0, 0, 0, 0, VPN_CONF_SET_FWMARK},
        {"FwMark = 0xffffffff", 0, 0, UINT32_MAX, 0, 0, VPN_CONF_SET_FWMARK},
        {"Table = off", 0, 0, 0, VPN_CONF_TABLE_OFF, 0, VPN_CONF_SET_TABLE},
        {"Table = AUTO", 0, 0, 0, VPN_CONF_TABLE_AUTO, 0, VPN_CONF_SET_TABLE},
        {"Table = main", 0, 0, 0, 254, 0, VPN_CONF_SET_TABLE},
        {"Table = 0x10", 0, 0, 0, 16, 0, VPN_CONF_SET_TABLE},
        {"Table = 4294967294", 0, 0, 0, UINT32_MAX - 1, 0, VPN_CONF_SET_TABLE},
        {"Table =", 0, 0, 0, 0, 0, 0},
        {"Table = 5\nTable =", 0, 0, 0, 0, 0, 0},
        {"Metric = 4294967295", 0, 0, 0, 0, UINT32_MAX, VPN_CONF_SET_METRIC},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vpn_conf *conf = device(cases[i].line);
        ck_assert_uint_eq(conf->listen_port, cases[i].port);
        ck_assert_uint_eq(conf->mtu, cases[i].mtu);
        ck_assert_uint_eq(conf->fwmark, cases[i].mark);
        ck_assert_uint_eq(conf->table, cases[i].table);
        ck_assert_uint_eq(conf->metric, cases[i].metric);
        ck_assert_uint_eq(conf->set, cases[i].set);
        vpn_conf_free(conf);
    }
}
END_TEST

START_TEST(words)
{
    vpn_conf *conf = device("SaveConfig = TRUE\nLanAccess = false\nFailMode = closed\nDNSMode = Split");
    ck_assert_uint_eq(conf->save_config, 1);
    ck_assert_uint_eq(conf->lan_access, 0);
    ck_assert_uint_eq(conf->fail_mode, VPN_FAIL_CLOSED);
    ck_assert_uint_eq(conf->dns_mode, VPN_DNS_SPLIT);
    ck_assert_uint_eq(vpn_conf_dns_mode(conf), VPN_DNS_SPLIT);
    ck_assert_uint_eq(conf->set,
                      VPN_CONF_SET_SAVE | VPN_CONF_SET_LAN_ACCESS | VPN_CONF_SET_FAIL_MODE | VPN_CONF_SET_DNS_MODE);
    vpn_conf_free(conf);
    conf = device("FailMode = closed-except\t10.0.0.0/8, ::1 , fe80::/10");
    ck_assert_uint_eq(conf->fail_mode, VPN_FAIL_CLOSED);
    conf_expect_prefixes(conf->fail_except, conf->fail_except_count, "10.0.0.0/8 ::1/128 fe80::/10");
    vpn_conf_free(conf);
    conf = device("FailMode = closed-except 10.0.0.0/8\nFailMode = open");
    ck_assert_uint_eq(conf->fail_mode, VPN_FAIL_OPEN);
    ck_assert_uint_eq(conf->fail_except_count, 0);
    vpn_conf_free(conf);
}
END_TEST

START_TEST(dns_mode_that_counts)
{
    static const struct {
        const char *lines;
        uint32_t mode;
    } cases[] = {{"", VPN_DNS_OFF},
                 {"DNS = corp.example", VPN_DNS_OFF},
                 {"DNS = 10.0.0.1", VPN_DNS_TUNNEL},
                 {"DNS = 10.0.0.1\nMatchDomains = corp.example", VPN_DNS_SPLIT},
                 {"DNS = 10.0.0.1\nMatchDomains = corp.example\nDNSMode = tunnel", VPN_DNS_TUNNEL},
                 {"DNS = 10.0.0.1\nDNSMode = off", VPN_DNS_OFF}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vpn_conf *conf = device(cases[i].lines);
        ck_assert_uint_eq(vpn_conf_dns_mode(conf), cases[i].mode);
        vpn_conf_free(conf);
    }
}
END_TEST

START_TEST(lists)
{
    vpn_conf *conf = device("Address = 10.0.0.2/24,fd00::2/64 192.0.2.9\nAddress=,\nAddress = 10.1.0.1/16\n"
                            "DNS = 10.0.0.1, corp.example fd00::1\nDNS = example.org\nSearchDomains = a.b\n"
                            "MatchDomains = c_d, x-1.y\nExclude = 10.9.8.7/8 2001:db8::/32\nExclude = 192.0.2.1");
    conf_expect_prefixes(conf->addresses, conf->address_count, "10.0.0.0/24 fd00::/64 192.0.2.9/32 10.1.0.0/16");
    ck_assert_uint_eq(conf->addresses[0].addr[3], 2);
    ck_assert_uint_eq(conf->addresses[3].addr[3], 1);
    conf_expect_prefixes(conf->dns, conf->dns_count, "10.0.0.1/32 fd00::1/128");
    conf_expect_texts(conf->search, conf->search_count, "corp.example|example.org|a.b");
    conf_expect_texts(conf->match, conf->match_count, "c_d|x-1.y");
    conf_expect_prefixes(conf->exclude, conf->exclude_count, "10.0.0.0/8 2001:db8::/32 192.0.2.1/32");
    vpn_conf_free(conf);
}
END_TEST

START_TEST(applications)
{
    vpn_conf *conf = device("IncludeApp = uid 1000, uid 2000-2999\nExcludeApp = cgroup user.slice/app\\x2d1.scope\n"
                            "ExcludeApp = mark 0x10/0xff, mark 7");
    static const vpn_conf_app want[] = {{VPN_APP_UID, 0, 1000, 1000, NULL},
                                        {VPN_APP_UID, 0, 2000, 2999, NULL},
                                        {VPN_APP_CGROUP, 1, 0, 0, "user.slice/app\\x2d1.scope"},
                                        {VPN_APP_MARK, 1, 16, 255, NULL},
                                        {VPN_APP_MARK, 1, 7, UINT32_MAX, NULL}};
    vpn_conf wanted = {.apps = want, .app_count = 5};
    ck_assert(conf_same_apps(conf, &wanted));
    vpn_conf_free(conf);
}
END_TEST

START_TEST(hooks_keep_their_text)
{
    vpn_conf *conf = device("PostUp = wg set %i private-key <(pass a=b), ok  # not this\nPostUp=  second\nPreUp =\n"
                            "PreDown = a\tb\nPostDown = caf\xc3\xa9");
    conf_expect_texts(conf->post_up, conf->post_up_count, "wg set %i private-key <(pass a=b), ok|second");
    conf_expect_texts(conf->pre_up, conf->pre_up_count, "");
    conf_expect_texts(conf->pre_down, conf->pre_down_count, "a\tb");
    conf_expect_texts(conf->post_down, conf->post_down_count, "caf\xc3\xa9");
    vpn_conf_free(conf);
}
END_TEST

START_TEST(endpoints)
{
    static const struct {
        const char *value, *host, *address;
    } cases[] = {{"192.0.2.1:51820", "192.0.2.1", "192.0.2.1:51820"},
                 {"[2001:db8::1]:1", "2001:db8::1", "[2001:db8::1]:1"},
                 {"[fe80::1%3]:0", "fe80::1%3", "[fe80::1%3]:0"},
                 {"[fe80::1%eth0]:9", "fe80::1%eth0", "(none)"},
                 {"vpn.example.org:51820", "vpn.example.org", "(none)"},
                 {"1.2.3:5", "1.2.3", "(none)"},
                 {"a_b-c:65535", "a_b-c", "(none)"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[128], text[VPN_ENDPOINT_CHARS];
        snprintf(line, sizeof(line), "Endpoint = %s", cases[i].value);
        vpn_conf *conf = conf_good(with(line, 1));
        ck_assert_str_eq(conf->peers[0].host, cases[i].host);
        vpn_endpoint_format(text, &conf->peers[0].endpoint);
        ck_assert_str_eq(text, cases[i].address);
        ck_assert_uint_eq(conf->peers[0].endpoint.port, (unsigned)atoi(strrchr(cases[i].value, ':') + 1));
        vpn_conf_free(conf);
    }
}
END_TEST

START_TEST(peers)
{
    vpn_conf *conf = conf_good(with("AllowedIPs = 10.0.0.1/8 , ::/0\nAllowedIPs =\nallowedips=192.0.2.0/24\n"
                                    "PersistentKeepalive = 25\nPresharedKey = " CONF_KEY_C,
                                    1));
    ck_assert_uint_eq(conf->peer_count, 1);
    conf_expect_prefixes(conf->peers[0].allowed_ips, conf->peers[0].allowed_ip_count, "10.0.0.0/8 ::/0 192.0.2.0/24");
    ck_assert_uint_eq(conf->peers[0].keepalive, 25);
    char text[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(text, conf->peers[0].preshared_key);
    ck_assert_str_eq(text, CONF_KEY_C);
    vpn_conf_free(conf);
    conf = conf_good(with("PersistentKeepalive = 25\nPersistentKeepalive = OFF", 1));
    ck_assert_uint_eq(conf->peers[0].keepalive, 0);
    vpn_conf_free(conf);
}
END_TEST

START_TEST(refused_values)
{
    static const struct {
        const char *line;
        uint32_t column;
        const char *why;
        int peer;
    } cases[] = {
        {"PrivateKey = abc", 14, "44 characters", 0},
        {"PrivateKey = ", 13, "missing", 0},
        {"ListenPort = 65536", 14, "port", 0},
        {"ListenPort = http", 14, "port", 0},
        {"ListenPort =", 13, "missing", 0},
        {"FwMark = 010", 10, "mark", 0},
        {"FwMark = 0x", 10, "mark", 0},
        {"FwMark = 0x100000000", 10, "mark", 0},
        {"FwMark = -1", 10, "mark", 0},
        {"MTU = 67", 7, "MTU", 0},
        {"MTU = 65536", 7, "MTU", 0},
        {"MTU = 1420x", 7, "MTU", 0},
        {"Table = 0", 9, "table", 0},
        {"Table = 4294967295", 9, "table", 0},
        {"Table = mine", 9, "table", 0},
        {"SaveConfig = yes", 14, "true", 0},
        {"SaveConfig =", 13, "missing", 0},
        {"Address = 10.0.0.1/33", 11, "address", 0},
        {"Address = 10.0.0.1/24, 10.0.0", 24, "address", 0},
        {"DNS = 10.0.0.1/32", 7, "name", 0},
        {"DNS = 1.1.1", 7, "name server", 0},
        {"DNS = fe80::1%eth0", 7, "name server", 0},
        {"DNS = 1.1.1.1 -bad", 15, "domain", 0},
        {"MatchDomains = a..b", 16, "domain", 0},
        {"SearchDomains = .a", 17, "domain", 0},
        {"Exclude = 10.0.0.0/8, lan", 23, "prefix", 0},
        {"LanAccess = maybe", 13, "true", 0},
        {"FailMode = shut", 12, "closed-except", 0},
        {"FailMode = closed-exceptx", 12, "closed-except", 0},
        {"FailMode = closed-except 10/8", 26, "prefix", 0},
        {"DNSMode = on", 11, "split", 0},
        {"Metric = x", 10, "metric", 0},
        {"IncludeApp = 1000", 14, "uid N", 0},
        {"IncludeApp = uid", 14, "user", 0},
        {"IncludeApp = uid 2-1", 14, "ends before", 0},
        {"IncludeApp = uid 1-", 14, "range", 0},
        {"IncludeApp = uid 1, uid 4294967295", 21, "user", 0},
        {"IncludeApp = mark 0", 14, "zero", 0},
        {"IncludeApp = mark 0x100/0xff", 14, "outside", 0},
        {"IncludeApp = mark 1/", 14, "mark", 0},
        {"IncludeApp = cgroup /a", 14, "cgroup", 0},
        {"IncludeApp = cgroup a'b", 14, "cgroup", 0},
        {"IncludeApp = uid 1,", 19, "uid N", 0},
        {"PublicKey = ", 12, "missing", 1},
        {"PublicKey = " CONF_KEY_A "x", 13, "44", 1},
        {"PresharedKey = (none)", 16, "44", 1},
        {"AllowedIPs = 10.0.0.0/8 10.1.0.0/16", 14, "prefix", 1},
        {"AllowedIPs = 10.0.0.0/8,,::/0", 25, "prefix", 1},
        {"AllowedIPs = 10.0.0.0/8,", 24, "prefix", 1},
        {"AllowedIPs = +10.0.0.0/8", 14, "prefix", 1},
        {"Endpoint = 192.0.2.1", 12, "HOST:PORT", 1},
        {"Endpoint = :51820", 12, "HOST:PORT", 1},
        {"Endpoint = a:70000", 12, "HOST:PORT", 1},
        {"Endpoint = a:", 12, "HOST:PORT", 1},
        {"Endpoint = 2001:db8::1:51820", 12, "brackets", 1},
        {"Endpoint = [192.0.2.1]:51820", 12, "between the brackets", 1},
        {"Endpoint = [::1%]:51820", 12, "between the brackets", 1},
        {"Endpoint = [::1%a b]:51820", 12, "between the brackets", 1},
        {"Endpoint = [::1/64]:51820", 12, "between the brackets", 1},
        {"Endpoint = a b:51820", 12, "not a host", 1},
        {"Endpoint = $(id):51820", 12, "not a host", 1},
        {"PersistentKeepalive = 65536", 23, "seconds", 1},
        {"PersistentKeepalive = on", 23, "seconds", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        conf_bad(with(cases[i].line, cases[i].peer), cases[i].peer ? 3 : 2, cases[i].column, cases[i].why);
}
END_TEST

START_TEST(names_and_paths)
{
    char longest[260];
    memset(longest, 'a', sizeof(longest));
    ck_assert_int_eq(vpn__conf_is_name(longest, 253), 1);
    ck_assert_int_eq(vpn__conf_is_name(longest, 254), 0);
    ck_assert_int_eq(vpn__conf_is_path(longest, 255), 1);
    ck_assert_int_eq(vpn__conf_is_path(longest, 256), 0);
    ck_assert_int_eq(vpn__conf_is_path("a\0b", 3), 0);
    ck_assert_int_eq(vpn__conf_is_path("a b", 3), 0);
    ck_assert_int_eq(vpn__conf_is_path("a/", 2), 0);
    ck_assert_int_eq(vpn__conf_is_name("a\0b", 3), 0);
    ck_assert_int_eq(vpn__conf_is_name("", 0), 0);
}
END_TEST

static Suite *conf_value_suite(void)
{
    Suite *suite = suite_create("conf_value");
    test_add(suite, "numbers", numbers);
    test_add(suite, "words", words);
    test_add(suite, "dns mode that counts", dns_mode_that_counts);
    test_add(suite, "lists", lists);
    test_add(suite, "applications", applications);
    test_add(suite, "hooks keep their text", hooks_keep_their_text);
    test_add(suite, "endpoints", endpoints);
    test_add(suite, "peers", peers);
    test_add(suite, "refused values", refused_values);
    test_add(suite, "names and paths", names_and_paths);
    return suite;
}

TEST_MAIN(conf_value_suite)

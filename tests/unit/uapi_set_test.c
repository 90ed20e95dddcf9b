/* SPDX-License-Identifier: ISC */
/* What a set request does to a device: its rules one by one, and that a request at fault does nothing. */
#include "common/uapi.h"

#define A UAPI_KEY("a")
#define B UAPI_KEY("b")
#define C UAPI_KEY("c")

static vpn_wg *wg;
static uapi_host host;

static void setup(void)
{
    wg = uapi_device();
    uapi_host_init(&host);
}

static void teardown(void)
{
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}

static void good(const char *text)
{
    uapi_good(wg, &host, text);
}

static void expect(const char *want)
{
    uapi_expect(wg, &host, want);
}

/* A request that must be refused for its text, with the line and key to blame, and change nothing. */
static void bad(const char *text, uint32_t line, const char *key, int code)
{
    char before[UAPI_TEXT];
    vpn_uapi_error error;
    size_t calls = host.calls, changed = host.changed;
    uapi_state(wg, &host, before);
    ck_assert_msg(uapi_set(wg, text, strlen(text), &host, &error) == code, "%s", text);
    ck_assert_uint_eq(error.line, line);
    ck_assert_str_eq(error.key, key);
    ck_assert_int_eq(error.error, code);
    ck_assert_int_eq(error.number, -22);
    ck_assert_ptr_nonnull(error.why);
    ck_assert_int_eq(uapi_set(wg, text, strlen(text), &host, NULL), code);
    ck_assert_uint_eq(host.calls, calls);
    ck_assert_uint_eq(host.changed, changed);
    expect(before);
}

static vpn_peer_id route(const char *address)
{
    vpn_prefix prefix;
    ck_assert_int_eq(vpn_prefix_parse(&prefix, address, strlen(address)), 0);
    return vpn_wg_route(wg, prefix.family, prefix.addr);
}

START_TEST(nothing_asked_nothing_done)
{
    good("");
    good("\n");
    good("set=1\n");
    good("set=1\n\n");
    expect("errno=0\n\n");
    ck_assert_uint_eq(host.calls + host.changed, 0);
}
END_TEST

START_TEST(settings_of_the_device)
{
    vpn_uapi_error error;
    memset(&error, 0x5a, sizeof(error));
    ck_assert_int_eq(uapi_set(wg, "listen_port=1\n", 14, &host, &error), 0);
    ck_assert_uint_eq(error.line, 0);
    ck_assert_int_eq(error.number, 0);
    good("private_key=" UAPI_PRIVATE "\nlisten_port=51820\nfwmark=0x10\n");
    expect("private_key=" UAPI_CLAMPED "\nlisten_port=51820\nfwmark=16\nerrno=0\n\n");
    good("fwmark=\n");
    good("private_key=" UAPI_ZERO "\n");
    expect("listen_port=51820\nerrno=0\n\n");
    good("fwmark=5\nlisten_port=0\n");
    good("fwmark=0\n");
    expect("errno=0\n\n");
}
END_TEST

START_TEST(peers_are_made_changed_and_removed)
{
    good("public_key=" A "\npublic_key=" B "\npreshared_key=" C "\nprotocol_version=1\n");
    expect(UAPI_PEER(A, UAPI_ZERO, "", "0") UAPI_PEER(B, C, "", "0") "errno=0\n\n");
    ck_assert_uint_eq(host.changed, 2);
    ck_assert_uint_eq(host.last, uapi_find(wg, B));
    good("public_key=" A "\nendpoint=192.0.2.1:2\npersistent_keepalive_interval=25\n");
    good("public_key=" B "\npreshared_key=" UAPI_ZERO "\n");
    expect(UAPI_PEER(A, UAPI_ZERO, "endpoint=192.0.2.1:2\n", "25") UAPI_PEER(B, UAPI_ZERO, "", "0") "errno=0\n\n");
    good("public_key=" A "\npersistent_keepalive_interval=off\n");
    vpn_peer_id b = uapi_find(wg, B);
    good("public_key=" B "\nremove=true\n");
    expect(UAPI_PEER(A, UAPI_ZERO, "endpoint=192.0.2.1:2\n", "0") "errno=0\n\n");
    ck_assert_uint_eq(host.last, b);
    ck_assert_uint_eq(host.changed, 6);
    good("public_key=" B "\nremove=true\n");
    ck_assert_uint_eq(host.changed, 6);
}
END_TEST

START_TEST(replace_peers_removes_all)
{
    good("public_key=" A "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\n");
    host.changed = 0;
    good("replace_peers=true\npublic_key=" C "\n");
    expect(UAPI_PEER(C, UAPI_ZERO, "", "0") "errno=0\n\n");
    ck_assert_uint_eq(host.changed, 3);
    ck_assert_uint_eq(route("10.1.1.1"), 0);
    good("replace_peers=true\nreplace_peers=true\n");
    expect("errno=0\n\n");
}
END_TEST

START_TEST(update_only_makes_no_peer)
{
    good("public_key=" A "\nallowed_ip=10.0.0.0/8\n");
    good("public_key=" B "\nupdate_only=true\npreshared_key=" C "\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n");
    ck_assert_uint_eq(uapi_find(wg, B), 0);
    ck_assert_uint_eq(route("10.0.0.1"), uapi_find(wg, A));
    good("public_key=" A "\nupdate_only=true\npersistent_keepalive_interval=7\nallowed_ip=11.0.0.0/8\n");
    expect(UAPI_PEER(A, UAPI_ZERO, "", "7") "allowed_ip=10.0.0.0/8\nallowed_ip=11.0.0.0/8\nerrno=0\n\n");
    /* the rest of the request goes on, also for the same key */
    good("public_key=" B "\nupdate_only=true\npublic_key=" C "\npublic_key=" B "\n");
    ck_assert_uint_ne(uapi_find(wg, C), 0);
    ck_assert_uint_ne(uapi_find(wg, B), 0);
}
END_TEST

START_TEST(update_only_counts_wherever_it_stands)
{
    good("public_key=" B "\npreshared_key=" C "\nallowed_ip=10.0.0.0/8\nupdate_only=true\n");
    expect("errno=0\n\n");
    good("public_key=" B "\nallowed_ip=10.0.0.0/8\nremove=true\n");
    expect("errno=0\n\n");
}
END_TEST

START_TEST(remove_passes_over_the_rest)
{
    good("public_key=" A "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\n");
    good("public_key=" B "\nremove=true\nupdate_only=true\npreshared_key=" C "\nallowed_ip=10.0.0.0/8\npublic_key=" C
         "\n");
    ck_assert_uint_eq(uapi_find(wg, B), 0);
    ck_assert_uint_eq(route("10.0.0.1"), uapi_find(wg, A));
    ck_assert_uint_ne(uapi_find(wg, C), 0);
    good("public_key=" C "\nremove=true\npublic_key=" C "\nendpoint=192.0.2.1:2\n");
    ck_assert_uint_ne(uapi_find(wg, C), 0);
}
END_TEST

START_TEST(sections_of_one_key_are_one_peer)
{
    good("public_key=" A "\npreshared_key=" C "\nallowed_ip=10.0.0.0/8\n"
         "public_key=" B "\npublic_key=" A "\npersistent_keepalive_interval=1\nallowed_ip=::/0\n");
    expect(UAPI_PEER(A, C, "", "1") "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n" UAPI_PEER(B, UAPI_ZERO, "",
                                                                                         "0") "errno=0\n\n");
}
END_TEST

START_TEST(the_last_of_equal_lines_counts)
{
    good("public_key=" A "\nendpoint=192.0.2.1:1\nendpoint=192.0.2.1:2\npersistent_keepalive_interval=1\n"
         "persistent_keepalive_interval=2\npreshared_key=" B "\npreshared_key=" C "\n");
    expect(UAPI_PEER(A, C, "endpoint=192.0.2.1:2\n", "2") "errno=0\n\n");
}
END_TEST

START_TEST(prefixes_in_their_order)
{
    good("public_key=" A "\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\nallowed_ip=+2001:db8::/32\n");
    vpn_peer_id a = uapi_find(wg, A);
    good("public_key=" A "\nallowed_ip=-10.1.0.0/16\nallowed_ip=-10.2.0.0/16\n");
    expect(UAPI_PEER(A, UAPI_ZERO, "", "0") "allowed_ip=10.0.0.0/8\nallowed_ip=2001:db8::/32\nerrno=0\n\n");
    good("public_key=" B "\nallowed_ip=10.0.0.0/8\n");
    ck_assert_uint_eq(route("10.1.1.1"), uapi_find(wg, B));
    good("public_key=" A "\nallowed_ip=-10.0.0.0/8\n");
    ck_assert_uint_eq(route("10.1.1.1"), uapi_find(wg, B));
    good("public_key=" A "\nallowed_ip=12.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=13.0.0.0/8\n");
    ck_assert_uint_eq(route("12.1.1.1"), 0);
    ck_assert_uint_eq(route("2001:db8::1"), 0);
    ck_assert_uint_eq(route("13.1.1.1"), a);
    good("public_key=" A "\nreplace_allowed_ips=true\n");
    ck_assert_uint_eq(route("13.1.1.1"), 0);
    good("public_key=" A
         "\nallowed_ip=14.0.0.0/8\nallowed_ip=-14.0.0.0/8\nallowed_ip=-15.0.0.0/8\nallowed_ip=15.0.0.0/8\n");
    ck_assert_uint_eq(route("14.1.1.1"), 0);
    ck_assert_uint_eq(route("15.1.1.1"), a);
}
END_TEST

START_TEST(the_own_key_is_passed_over)
{
    good("private_key=" UAPI_PRIVATE "\npublic_key=" A "\nallowed_ip=10.0.0.0/8\n"
         "public_key=" UAPI_OWN "\npreshared_key=" C "\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nremove=true\n"
         "public_key=" UAPI_OWN "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\n");
    ck_assert_uint_eq(uapi_find(wg, UAPI_OWN), 0);
    ck_assert_uint_eq(route("10.1.1.1"), uapi_find(wg, A));
    ck_assert_uint_ne(uapi_find(wg, B), 0);
    ck_assert_uint_eq(host.changed, 2);
}
END_TEST

START_TEST(a_private_key_removes_its_own_peer)
{
    good("public_key=" A "\npublic_key=" UAPI_OWN "\n");
    vpn_peer_id self = uapi_find(wg, UAPI_OWN);
    ck_assert_uint_ne(self, 0);
    good("private_key=" UAPI_PRIVATE "\n");
    ck_assert_uint_eq(uapi_find(wg, UAPI_OWN), 0);
    ck_assert_uint_eq(host.last, self);
    /* without an identity the key is a stranger's again */
    good("private_key=" UAPI_ZERO "\npublic_key=" UAPI_OWN "\n");
    ck_assert_uint_ne(uapi_find(wg, UAPI_OWN), 0);
}
END_TEST

START_TEST(text_at_fault_changes_nothing)
{
    static const char *const first = "private_key=" UAPI_PRIVATE "\nlisten_port=9\nfwmark=9\nreplace_peers=true\n"
                                     "public_key=" C "\nallowed_ip=10.0.0.0/8\n";
    static const struct {
        const char *line, *key;
        int code;
    } last[] = {{"allowed_ip=10.0.0.0/33\n", "allowed_ip", VPN_EFORMAT},
                {"public_key=00\n", "public_key", VPN_EFORMAT},
                {"protocol_version=2\n", "protocol_version", VPN_EINVAL},
                {"unknown=1\n", "unknown", VPN_EINVAL},
                {"no equals sign\n", "", VPN_EFORMAT},
                {"set=1\n", "set", VPN_EINVAL},
                {"get=1\n", "get", VPN_EINVAL},
                {"listen_port=9\n", "listen_port", VPN_EINVAL},
                {"fwmark=9\n", "fwmark", VPN_EINVAL},
                {"private_key=" UAPI_ZERO "\n", "private_key", VPN_EINVAL},
                {"replace_peers=true\n", "replace_peers", VPN_EINVAL},
                {"remove=true\r\n", "remove", VPN_EFORMAT},
                {"remove=true", "remove", VPN_EFORMAT},
                {"\n\n", "", VPN_EFORMAT},
                {"\nremove=true\n", "", VPN_EFORMAT}};
    char text[1024];
    good("listen_port=5\npublic_key=" A "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\n");
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        snprintf(text, sizeof(text), "%s%s", first, last[i].line);
        bad(text, 7, last[i].key, last[i].code);
        snprintf(text, sizeof(text), "set=1\n%s%s", first, last[i].line);
        bad(text, 8, last[i].key, last[i].code);
    }
}
END_TEST

START_TEST(peer_keys_need_a_peer)
{
    static const char *const keys[][2] = {{"remove", "true"},
                                          {"update_only", "true"},
                                          {"preshared_key", A},
                                          {"endpoint", "192.0.2.1:1"},
                                          {"persistent_keepalive_interval", "1"},
                                          {"replace_allowed_ips", "true"},
                                          {"allowed_ip", "::/0"},
                                          {"protocol_version", "1"}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "fwmark=1\n%s=%s\npublic_key=" A "\n", keys[i][0], keys[i][1]);
        bad(text, 2, keys[i][0], VPN_EINVAL);
    }
}
END_TEST

START_TEST(a_nul_is_refused)
{
    static const char text[] = "public_key=" A "\nallowed_ip=10.0.0.0/8\0\n";
    vpn_uapi_error error;
    ck_assert_int_eq(uapi_set(wg, text, sizeof(text) - 1, &host, &error), VPN_EFORMAT);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_str_eq(error.key, "allowed_ip");
    expect("errno=0\n\n");
}
END_TEST

START_TEST(a_host_without_port_or_mark)
{
    vpn_uapi_error error;
    host.api.set_fwmark = NULL;
    bad("listen_port=1\nfwmark=1\n", 2, "fwmark", VPN_EINVAL);
    host.api.set_listen_port = NULL;
    bad("public_key=" A "\nlisten_port=1\n", 2, "listen_port", VPN_EINVAL);
    bad("listen_port=1\n", 1, "listen_port", VPN_EINVAL);
    host.api.peer_changed = NULL;
    good("public_key=" A "\n");
    good("public_key=" A "\nremove=true\n");
    ck_assert_int_eq(uapi_set(wg, "listen_port=1\n", 14, NULL, &error), VPN_EINVAL);
    ck_assert_int_eq(uapi_set(wg, "public_key=" A "\n", 76, NULL, &error), 0);
    host.api.size = 4;
    ck_assert_int_eq(uapi_set(wg, "replace_peers=true\n", 19, &host, &error), VPN_EINVAL);
    ck_assert_uint_eq(error.line, 0);
    ck_assert_int_eq(error.number, -22);
    ck_assert_ptr_nonnull(error.why);
    ck_assert_uint_ne(uapi_find(wg, A), 0);
}
END_TEST

START_TEST(a_host_that_refuses)
{
    static const char text[] = "fwmark=4\nlisten_port=53\npublic_key=" A "\n";
    vpn_uapi_error error;
    host.port_status = 98;
    ck_assert_int_eq(uapi_set(wg, text, strlen(text), &host, &error), VPN_ESTATE);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_str_eq(error.key, "listen_port");
    ck_assert_int_eq(error.number, -98);
    expect("fwmark=4\nerrno=0\n\n");
    host.mark_status = -1;
    ck_assert_int_eq(uapi_set(wg, text, strlen(text), &host, &error), VPN_ESTATE);
    ck_assert_uint_eq(error.line, 1);
    ck_assert_int_eq(error.number, -1);
    ck_assert_int_eq(uapi_set(wg, text, strlen(text), &host, NULL), VPN_ESTATE);
}
END_TEST

START_TEST(too_many_peers)
{
    static const char text[] = "public_key=" A "\npublic_key=" B "\npublic_key=" C "\nallowed_ip=::/0\n";
    vpn_wg_config config = {.size = sizeof(config), .max_peers = 2};
    vpn_uapi_error error;
    vpn_wg *small;
    ck_assert_int_eq(vpn_wg_new(&small, &config), 0);
    ck_assert_int_eq(uapi_set(small, text, strlen(text), NULL, &error), VPN_ELIMIT);
    ck_assert_uint_eq(error.line, 3);
    ck_assert_str_eq(error.key, "public_key");
    ck_assert_int_eq(error.number, -28);
    uapi_expect(small, NULL, UAPI_PEER(A, UAPI_ZERO, "", "0") UAPI_PEER(B, UAPI_ZERO, "", "0") "errno=0\n\n");
    ck_assert_int_eq(vpn_wg_free(small), 0);
}
END_TEST

START_TEST(out_of_memory_names_the_line)
{
    static const char text[] = "public_key=" A "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\nallowed_ip=::/0\n";
    int done = 0;
    for (size_t n = 0; !done; n++) {
        test_host memory = {.seed = 3};
        vpn_env env = test_env(&memory);
        vpn_wg_config config = {.size = sizeof(config), .env = &env};
        vpn_uapi_error error;
        vpn_wg *device;
        ck_assert_int_eq(vpn_wg_new(&device, &config), 0);
        memory.fail_from = memory.calls + n + 1;
        int result = uapi_set(device, text, strlen(text), NULL, &error);
        done = result == 0;
        if (!done) {
            ck_assert_int_eq(result, VPN_ENOMEM);
            ck_assert_int_eq(error.number, -12);
            ck_assert_uint_ge(error.line, 1);
            ck_assert_uint_le(error.line, 4);
            ck_assert_str_eq(error.key, error.line % 2 ? "public_key" : "allowed_ip");
            ck_assert_uint_eq(uapi_find(device, A) != 0, error.line > 2); /* whole, or not there */
            ck_assert_uint_eq(uapi_find(device, B), 0);
        }
        ck_assert_int_eq(vpn_wg_free(device), 0);
        ck_assert_uint_eq(memory.live, 0);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

static uint32_t scope_of(void *user, const char *name, size_t length)
{
    (void)user;
    return length == 4 && memcmp(name, "eth0", 4) == 0 ? 7 : 0;
}

static vpn_endpoint endpoint_of_a(void)
{
    vpn_wg_peer peer = {.size = sizeof(peer)};
    ck_assert_int_eq(vpn_wg_peer_get(wg, uapi_find(wg, A), &peer), 0);
    return peer.endpoint;
}

START_TEST(scopes_by_name_are_the_hosts)
{
    static char endless[3000] = "public_key=" A "\nendpoint=[";
    good("public_key=" A "\nendpoint=[fe80::1%3]:9\n");
    ck_assert_uint_eq(endpoint_of_a().scope, 3);
    bad("public_key=" A "\nendpoint=[fe80::1%eth0]:9\n", 2, "endpoint", VPN_EFORMAT);
    host.api.scope_of = scope_of;
    good("public_key=" A "\nendpoint=[fe80::1%eth0]:10\n");
    ck_assert_uint_eq(endpoint_of_a().scope, 7);
    ck_assert_uint_eq(endpoint_of_a().port, 10);
    ck_assert_uint_eq(endpoint_of_a().addr[15], 1);
    bad("public_key=" A "\nendpoint=[fe80::1%eth1]:9\n", 2, "endpoint", VPN_EFORMAT);
    bad("public_key=" A "\nendpoint=[fe80::1%]:9\n", 2, "endpoint", VPN_EFORMAT);
    bad("public_key=" A "\nendpoint=[fe80::1%eth0:9\n", 2, "endpoint", VPN_EFORMAT);
    bad("public_key=" A "\nendpoint=[%eth0]:9\n", 2, "endpoint", VPN_EFORMAT);
    bad("public_key=" A "\nendpoint=[fe80::1]:0\n", 2, "endpoint", VPN_EFORMAT);
    memset(endless + strlen(endless), '1', 2500);
    strcat(endless, "%eth0]:9\n");
    bad(endless, 2, "endpoint", VPN_EFORMAT);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static Suite *set_suite(void)
{
    Suite *suite = suite_create("uapi_set");
    add(suite, "nothing", nothing_asked_nothing_done);
    add(suite, "device", settings_of_the_device);
    add(suite, "peers", peers_are_made_changed_and_removed);
    add(suite, "replace", replace_peers_removes_all);
    add(suite, "update only", update_only_makes_no_peer);
    add(suite, "update only anywhere", update_only_counts_wherever_it_stands);
    add(suite, "remove", remove_passes_over_the_rest);
    add(suite, "one peer", sections_of_one_key_are_one_peer);
    add(suite, "last line", the_last_of_equal_lines_counts);
    add(suite, "prefixes", prefixes_in_their_order);
    add(suite, "own key", the_own_key_is_passed_over);
    add(suite, "private key", a_private_key_removes_its_own_peer);
    add(suite, "fault", text_at_fault_changes_nothing);
    add(suite, "peer keys", peer_keys_need_a_peer);
    add(suite, "nul", a_nul_is_refused);
    add(suite, "poor host", a_host_without_port_or_mark);
    add(suite, "refusing host", a_host_that_refuses);
    add(suite, "scopes", scopes_by_name_are_the_hosts);
    add(suite, "limit", too_many_peers);
    add(suite, "memory", out_of_memory_names_the_line);
    return suite;
}

TEST_MAIN(set_suite)

/* SPDX-License-Identifier: ISC */
/* What vpn-tunnel says of itself and of its peers beside the library, and what it remembers for that. */
#include "tunnel/more.h"

#include <errno.h>
#include <stdio.h>

#include "common/test.h"
#include "tunnel/log.h"

static flow f;
static vpn_peer_id peer;

static void host_more(void *user, vpn_peer_id id, vpn_uapi_lines *lines)
{
    more_get(user, id, lines);
}

static void setup(void)
{
    vpn_wg_peer settings = {.size = sizeof settings, .public_key = {9}};
    f = (flow){.cipher = "sodium"};
    ck_assert_int_eq(vpn_wg_new(&f.wg, NULL), 0);
    ck_assert_int_eq(vpn_wg_peer_add(f.wg, &settings, &peer, 1), 0);
    ck_assert_int_eq(path_open(&f.path, f.wg, &f.annexes, &f.tun, &f.udp), 0);
    ck_assert_int_eq(rules_open(&f.rules, f.wg, &f.annexes), 0);
}

static void teardown(void)
{
    rules_close(&f.rules);
    path_close(&f.path);
    annexes_close(&f.annexes);
    ck_assert_int_eq(vpn_wg_free(f.wg), 0);
}

/* Whether the answer to get=libvpn has a line, which `text` begins and ends with a line feed. */
static int answers(const char *text)
{
    static char answer[16384] = "\n";
    const vpn_uapi_host host = {.size = sizeof host, .user = &f, .more = host_more};
    size_t length = 0;
    ck_assert_int_eq(vpn_uapi_serve(f.wg, "get=libvpn\n\n", 12, &host, answer + 1, sizeof answer - 2, &length, 5, NULL),
                     0);
    answer[1 + length] = '\0';
    return strstr(answer, text) != NULL;
}

START_TEST(means)
{
    ck_assert(answers("\nlibvpn_cipher=sodium\nlibvpn_threads=0\nlibvpn_offload=off\n"));
    f.threads = 3;
    f.udp.runs[1] = 1;
    ck_assert(answers("\nlibvpn_threads=3\nlibvpn_offload=udp-send-ipv6\n"));
    f.udp.runs[0] = 1;
    f.tun.kinds = VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP;
    ck_assert(answers("\nlibvpn_offload=udp-send-ipv4 udp-send-ipv6 tun-tcp4 tun-tcp6 tun-udp\n"));
    f.udp.gathers[0] = 1;
    f.udp.gathers[1] = 1;
    ck_assert(answers(
        "\nlibvpn_offload=udp-send-ipv4 udp-send-ipv6 udp-receive-ipv4 udp-receive-ipv6 tun-tcp4 tun-tcp6 tun-udp\n"));
    f.udp.gathers[0] = 0;
    f.udp.gathers[1] = 0;
    f.tun.kinds = VPN_COALESCE_UDP;
    ck_assert(answers("\nlibvpn_offload=udp-send-ipv4 udp-send-ipv6 tun-udp\n"));
}
END_TEST

START_TEST(losses)
{
    ck_assert(!answers("libvpn_unsent") && !answers("libvpn_refused") && !answers("libvpn_malformed"));
    f.udp.unsent = 5;
    f.host.refused = UINT64_MAX;
    f.malformed = 7;
    ck_assert(answers("\nlibvpn_unsent=5\nlibvpn_refused=18446744073709551615\nlibvpn_malformed=7\n"));
}
END_TEST

static void happens(uint32_t type, uint8_t from, uint8_t to, uint64_t wall)
{
    vpn_wg_event_info event = {.type = type, .peer = peer};
    event.from = (vpn_endpoint){.family = 4, .port = 1, .addr = {192, 0, 2, from}};
    event.path.remote = (vpn_endpoint){.family = 4, .port = 2, .addr = {192, 0, 2, to}};
    history_note(&f.load, &f.annexes, &event, wall);
}

START_TEST(load)
{
    ck_assert(!answers("\nlibvpn_load="));
    happens(VPN_WG_LOAD_ON, 0, 0, 100);
    ck_assert(answers("\nlibvpn_load=1 100 0\n"));
    happens(VPN_WG_LOAD_OFF, 0, 0, 110);
    ck_assert(answers("\nlibvpn_load=1 100 110\n"));
    happens(VPN_WG_LOAD_ON, 0, 0, 120);
    ck_assert(answers("\nlibvpn_load=2 120 0\n"));
    ck_assert_uint_eq(f.annexes.count, 0);
}
END_TEST

START_TEST(roams)
{
    char line[128];
    ck_assert(!answers("libvpn_roam"));
    happens(VPN_WG_UP, 1, 2, 9);
    ck_assert_uint_eq(f.annexes.count, 0);
    happens(VPN_WG_ROAMED, 1, 2, 1000);
    ck_assert(answers("\nlibvpn_roams=1\nlibvpn_roamed=1000 192.0.2.1:1 192.0.2.2:2\nerrno=0\n"));
    for (uint8_t i = 2; i <= 12; i++)
        happens(VPN_WG_ROAMED, i, (uint8_t)(i + 1), 1000 + i);
    ck_assert(answers("\nlibvpn_roams=12\nlibvpn_roamed=1005 192.0.2.5:1 192.0.2.6:2\nlibvpn_roamed=1006 "));
    for (int i = 5; i <= 12; i++) {
        sprintf(line, "\nlibvpn_roamed=%d 192.0.2.%d:1 192.0.2.%d:2\n", 1000 + i, i, i + 1);
        ck_assert(answers(line));
    }
    ck_assert(answers("\nlibvpn_roamed=1012 192.0.2.12:1 192.0.2.13:2\nerrno=0\n"));
}
END_TEST

START_TEST(settings_of_nobody)
{
    ck_assert_int_eq(more_set(&f, 0, 0, "libvpn_nonsense", "1"), EINVAL);
    ck_assert_int_eq(more_set(&f, VPN_UAPI_MORE_PEER | VPN_UAPI_MORE_APPLY, peer, "libvpn_version", "1"), EINVAL);
    more_changed(&f, peer);
}
END_TEST

static int host_set_more(void *user, uint32_t how, vpn_peer_id id, const char *key, const char *value)
{
    return more_set(user, how, id, key, value);
}

static void host_changed(void *user, vpn_peer_id id)
{
    more_changed(user, id);
}

/* A set request about the peer. 0, or the number of the line that is to blame. */
static uint32_t set(const char *lines)
{
    const vpn_uapi_host host = {
        .size = sizeof host, .user = &f, .peer_changed = host_changed, .set_more = host_set_more};
    char text[1024], key[VPN_KEY_HEX_CHARS + 1];
    vpn_wg_peer settings = {.size = sizeof settings};
    vpn_uapi_error error;
    ck_assert_int_eq(vpn_wg_peer_get(f.wg, peer, &settings), 0);
    vpn_key_to_hex(key, settings.public_key);
    (void)snprintf(text, sizeof text, "public_key=%s\n%s", key, lines);
    return vpn_uapi_set(f.wg, text, strlen(text), &host, 1, &error) == 0 ? 0 : error.line;
}

START_TEST(rules_of_a_peer)
{
    ck_assert_uint_eq(set("libvpn_filter=allow in tcp to any port 22,23 stateful\nlibvpn_filter=reject\n"
                          "libvpn_netmap=theirs 10.2.0.0/24 as 10.0.0.0/24\n"),
                      0);
    ck_assert(answers("\nlibvpn_filter=allow in tcp to port 22,23 stateful\n"
                      "libvpn_filter_count=0 0 allow in tcp to port 22,23 stateful\n"
                      "libvpn_filter=reject\nlibvpn_filter_count=0 0 reject\n"
                      "libvpn_filter_default=deny\nlibvpn_filter_default_count=0 0 deny\nlibvpn_filter_flows=4096\n"
                      "libvpn_netmap=theirs 10.2.0.0/24 as 10.0.0.0/24\n"));
    ck_assert_uint_eq(f.rules.count, 1);
    /* a line that is none, anywhere, changes nothing */
    ck_assert_uint_eq(set("libvpn_replace_filter=true\nlibvpn_netmap=ours\n"), 3);
    ck_assert(answers("\nlibvpn_filter=reject\n"));
    /* nor one that does not go with the others */
    ck_assert_uint_eq(set("libvpn_replace_filter=true\nlibvpn_netmap=theirs 10.3.0.0/24 as 10.0.0.0/24\n"), 3);
    ck_assert(answers("\nlibvpn_filter=reject\n"));
    ck_assert_uint_eq(set("libvpn_replace_filter=true\nlibvpn_filter_default=allow\nlibvpn_replace_netmap=true\n"), 0);
    ck_assert(!answers("\nlibvpn_filter=reject\n"));
    ck_assert(answers("\nlibvpn_filter_default=allow\n"));
    ck_assert(!answers("libvpn_netmap"));
    ck_assert_uint_eq(set("remove=true\n"), 0);
    ck_assert_uint_eq(f.rules.count, 0);
    /* of a peer, and not of the device */
    ck_assert_int_eq(more_set(&f, 0, 0, "libvpn_filter", "deny"), EINVAL);
    ck_assert_int_eq(more_set(&f, VPN_UAPI_MORE_APPLY, 0, "libvpn_filter", "deny"), EINVAL);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static Suite *more_suite(void)
{
    Suite *suite = suite_create("more");
    add(suite, "means", means);
    add(suite, "losses", losses);
    add(suite, "load", load);
    add(suite, "roaming", roams);
    add(suite, "settings", settings_of_nobody);
    add(suite, "rules", rules_of_a_peer);
    return suite;
}

TEST_MAIN(more_suite)

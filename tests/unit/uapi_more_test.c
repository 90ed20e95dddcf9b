/* SPDX-License-Identifier: ISC */
/* What goes beyond the protocol of wg(8): get=libvpn, the host's own lines in it, and such lines in a set. */
#include <stdio.h>

#include "common/uapi.h"
#include "common/wg.h"

#define A UAPI_KEY("a")
#define B UAPI_KEY("b")

#define GET_MORE "get=libvpn\n\n"

static vpn_wg *wg;
static uapi_host host;
static char told[UAPI_TEXT]; /* what the host was told, in words */
static vpn_uapi_host old;    /* a host as it was before it could say more */

static void tell(const char *text)
{
    ck_assert_uint_lt(strlen(told) + strlen(text), sizeof(told));
    strcat(told, text);
}

static int set_more(void *user, uint32_t how, vpn_peer_id peer, const char *key, const char *value)
{
    char line[VPN_UAPI_MORE_KEY_CHARS + VPN_UAPI_MORE_VALUE_CHARS + 64];
    ck_assert_ptr_eq(user, &host);
    sprintf(line, "%s %s %s %s=%s\n", how & VPN_UAPI_MORE_APPLY ? "apply" : "check",
            how & VPN_UAPI_MORE_PEER ? "peer" : "device", peer ? "known" : "none", key, value);
    tell(line);
    if (how & VPN_UAPI_MORE_APPLY)
        return strcmp(value, "late") == 0 ? 28 : 0;
    return strcmp(value, "bad") == 0 ? -71 : 0;
}

static void changed(void *user, vpn_peer_id peer)
{
    (void)user;
    (void)peer;
    tell("changed\n");
}

static void more(void *user, vpn_peer_id peer, vpn_uapi_lines *lines)
{
    (void)user;
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test", peer ? "a peer" : "the device"), 0);
}

static void setup(void)
{
    wg = uapi_device();
    uapi_host_init(&host);
    host.api.more = more;
    host.api.set_more = set_more;
    host.api.peer_changed = changed;
    told[0] = '\0';
}

static void teardown(void)
{
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}

static int serve(const char *request, const vpn_uapi_host *api, char answer[UAPI_TEXT])
{
    vpn_uapi_error error;
    size_t length = 0;
    ck_assert_int_eq(
        vpn_uapi_serve(wg, request, strlen(request), api, answer, UAPI_TEXT - 1, &length, VPN_SECOND, &error), 0);
    answer[length] = '\0';
    return error.error;
}

/* The lines of the answer that are not the library's own: those of get=1, and libvpn_test. */
static void without_own(char answer[UAPI_TEXT])
{
    char *to = answer;
    for (char *from = answer, *end; (end = strchr(from, '\n')); from = end + 1) {
        size_t length = (size_t)(end - from) + 1;
        if (strncmp(from, "libvpn_", 7) == 0 && strncmp(from, "libvpn_test", 11) != 0)
            continue;
        memmove(to, from, length);
        to += length;
    }
    *to = '\0';
}

START_TEST(more_adds_lines_and_changes_none)
{
    char answer[UAPI_TEXT], plain[UAPI_TEXT];
    ck_assert_int_eq(serve(GET_MORE, &host.api, answer), 0);
    without_own(answer);
    ck_assert_str_eq(answer, "libvpn_test=the device\nerrno=0\n\n");
    uapi_good(wg, &host, "listen_port=7\npublic_key=" A "\nallowed_ip=10.0.0.0/8\npublic_key=" B "\n");
    ck_assert_int_eq(serve(GET_MORE, &host.api, answer), 0);
    without_own(answer);
    ck_assert_str_eq(
        answer,
        "listen_port=7\nlibvpn_test=the device\n" UAPI_PEER(
            A, UAPI_ZERO, "",
            "0") "allowed_ip=10.0.0.0/8\nlibvpn_test=a peer\n" UAPI_PEER(B, UAPI_ZERO, "",
                                                                         "0") "libvpn_test=a peer\nerrno=0\n\n");
    ck_assert_int_eq(serve("get=1\n\n", &host.api, plain), 0);
    ck_assert_ptr_null(strstr(plain, "libvpn_"));
    host.api.more = NULL;
    ck_assert_int_eq(serve(GET_MORE, &host.api, answer), 0);
    without_own(answer);
    ck_assert_str_eq(answer, plain);
    ck_assert_int_eq(serve(GET_MORE, NULL, answer), 0);
}
END_TEST

START_TEST(more_is_one_line_and_nothing_like_it)
{
    static const char *const wrong[] = {"get=libvpn\nx=1\n\n", "get=libvpn2\n\n", "get=libvp\n\n", "get=libvpn\r\n\n",
                                        "get=libvpn\n\n\n"};
    char answer[UAPI_TEXT];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_ne(serve(wrong[i], &host.api, answer), 0);
        ck_assert_str_eq(answer, "errno=-22\n\n");
    }
}
END_TEST

START_TEST(more_in_every_capacity)
{
    char whole[UAPI_TEXT];
    uapi_good(wg, &host, "private_key=" UAPI_PRIVATE "\npublic_key=" A "\n");
    ck_assert_int_eq(serve(GET_MORE, &host.api, whole), 0);
    size_t need = strlen(whole);
    for (size_t capacity = 0; capacity <= need + 1; capacity++) {
        char *out = capacity ? malloc(capacity) : NULL;
        size_t length = 0;
        if (out)
            memset(out, '#', capacity);
        int result =
            vpn_uapi_serve(wg, GET_MORE, strlen(GET_MORE), &host.api, out, capacity, &length, VPN_SECOND, NULL);
        ck_assert_int_eq(result, capacity < need ? VPN_ESPACE : 0);
        ck_assert_uint_eq(length, need);
        if (result == 0)
            ck_assert_mem_eq(out, whole, need);
        else if (out)
            ck_assert(test_is_zero(out, capacity));
        free(out);
    }
}
END_TEST

static void refused(void *user, vpn_peer_id peer, vpn_uapi_lines *lines)
{
    static char endless[VPN_UAPI_MORE_VALUE_CHARS + 1], key[VPN_UAPI_MORE_KEY_CHARS + 1];
    (void)user;
    (void)peer;
    memset(endless, 'v', sizeof(endless) - 1);
    memset(key, 'k', sizeof(key) - 1);
    memcpy(key, "libvpn_", 7);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "private_key", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "xlibvpn_test", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_Test", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_te=st", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_te\nst", "1"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test", "1\nerrno=0\n"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test", "\x7f"), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test", endless), VPN_EINVAL);
    ck_assert_int_eq(vpn_uapi_line(lines, key, "1"), VPN_EINVAL);
    endless[sizeof(endless) - 2] = '\0';
    key[sizeof(key) - 2] = '\0';
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test_09", ""), 0);
    ck_assert_int_eq(vpn_uapi_line(lines, "libvpn_test", endless), 0);
    ck_assert_int_eq(vpn_uapi_line(lines, key, "1"), 0);
}

START_TEST(lines_that_would_be_no_lines)
{
    char answer[UAPI_TEXT];
    host.api.more = refused;
    ck_assert_int_eq(serve(GET_MORE, &host.api, answer), 0);
    ck_assert_ptr_nonnull(strstr(answer, "libvpn_test_09=\nlibvpn_test=vvv"));
    ck_assert_ptr_nonnull(strstr(answer, "k=1\nerrno=0\n\n"));
}
END_TEST

static void expect_told(const char *request, int code, const char *want)
{
    vpn_uapi_error error;
    told[0] = '\0';
    ck_assert_int_eq(uapi_set(wg, request, strlen(request), &host, &error), code);
    ck_assert_int_eq(error.error, code);
    ck_assert_str_eq(told, want);
}

START_TEST(a_line_is_checked_and_then_carried_out)
{
    expect_told("libvpn_x=1\n", 0, "check device none libvpn_x=1\napply device none libvpn_x=1\n");
    expect_told("public_key=" A "\nlibvpn_x=\nallowed_ip=10.0.0.0/8\nlibvpn_y_2=a = b\n", 0,
                "check peer none libvpn_x=\ncheck peer none libvpn_y_2=a = b\n"
                "apply peer known libvpn_x=\napply peer known libvpn_y_2=a = b\nchanged\n");
    expect_told("public_key=" A "\nlibvpn_x=1\npublic_key=" B "\nlibvpn_x=2\n", 0,
                "check peer known libvpn_x=1\ncheck peer none libvpn_x=2\n"
                "apply peer known libvpn_x=1\nchanged\napply peer known libvpn_x=2\nchanged\n");
}
END_TEST

START_TEST(a_peer_that_is_not_made_gets_no_line)
{
    uapi_good(wg, &host, "private_key=" UAPI_PRIVATE "\npublic_key=" B "\n");
    expect_told("public_key=" A "\nupdate_only=true\nlibvpn_x=1\n", 0, "check peer none libvpn_x=1\n");
    expect_told("public_key=" UAPI_OWN "\nlibvpn_x=1\n", 0, "check peer none libvpn_x=1\n");
    expect_told("public_key=" B "\nlibvpn_x=1\nremove=true\n", 0, "check peer known libvpn_x=1\nchanged\n");
}
END_TEST

START_TEST(a_host_that_refuses)
{
    char before[UAPI_TEXT];
    vpn_uapi_error error;
    uapi_state(wg, &host, before);
    static const char bad[] = "listen_port=5\nlibvpn_x=1\npublic_key=" A "\nlibvpn_x=bad\n";
    expect_told(bad, VPN_EINVAL, "check device none libvpn_x=1\ncheck peer none libvpn_x=bad\n");
    ck_assert_int_eq(uapi_set(wg, bad, strlen(bad), &host, &error), VPN_EINVAL);
    ck_assert_uint_eq(error.line, 4);
    ck_assert_str_eq(error.key, "libvpn_x");
    ck_assert_int_eq(error.number, -71);
    uapi_expect(wg, &host, before);
    static const char late[] = "public_key=" A "\nlibvpn_x=late\nallowed_ip=10.0.0.0/8\n";
    expect_told(late, VPN_ESTATE, "check peer none libvpn_x=late\napply peer known libvpn_x=late\nchanged\n");
    ck_assert_int_eq(uapi_set(wg, late, strlen(late), &host, &error), VPN_ESTATE);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_int_eq(error.number, -28);
    uapi_expect(wg, &host, "errno=0\n\n"); /* no peer without what should have come with it */
    expect_told("libvpn_x=late\nlisten_port=5\n", VPN_ESTATE,
                "check device none libvpn_x=late\napply device none libvpn_x=late\n");
    ck_assert_uint_eq(host.port, 0);
}
END_TEST

/* Prefixes first: none that fails may leave the host with half of its lines, and a line that fails leaves all of them. */
START_TEST(prefixes_come_first)
{
    vpn_uapi_error error;
    static const char first[] = "public_key=" A "\n";
    ck_assert_int_eq(uapi_set(wg, first, strlen(first), &host, &error), 0);
    static const char late[] = "public_key=" A "\nlibvpn_x=late\nallowed_ip=10.0.0.0/8\n";
    ck_assert_int_eq(uapi_set(wg, late, strlen(late), &host, &error), VPN_ESTATE);
    ck_assert_uint_eq(error.line, 2);
    uapi_expect(wg, &host, UAPI_PEER(A, UAPI_ZERO, "", "0") "allowed_ip=10.0.0.0/8\nerrno=0\n\n");
}
END_TEST

/* Text at fault behind the host's line: what it was asked, it was only asked. */
START_TEST(a_later_fault_carries_nothing_out)
{
    expect_told("libvpn_x=1\nfwmark=x\n", VPN_EFORMAT, "check device none libvpn_x=1\n");
    expect_told("libvpn_x=1\nlibvpn=1\n", VPN_EINVAL, "check device none libvpn_x=1\n");
    expect_told("libvpn_=1\n", VPN_EINVAL, "");
    expect_told("libvpn_X=1\n", VPN_EINVAL, "");
    expect_told("libvpn_x\n", VPN_EFORMAT, "");
    expect_told("libvpn_x=\t\n", VPN_EFORMAT, "");
}
END_TEST

START_TEST(the_longest_line)
{
    char request[2 * VPN_UAPI_MORE_VALUE_CHARS] = "libvpn_x=";
    memset(request + 9, 'v', VPN_UAPI_MORE_VALUE_CHARS - 1);
    strcpy(request + 9 + VPN_UAPI_MORE_VALUE_CHARS - 1, "\n");
    ck_assert_int_eq(uapi_set(wg, request, strlen(request), &host, NULL), 0);
    strcpy(request + 9 + VPN_UAPI_MORE_VALUE_CHARS - 1, "v\n");
    ck_assert_int_eq(uapi_set(wg, request, strlen(request), &host, NULL), VPN_EFORMAT);
    strcpy(request, "libvpn_kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk=1\n");
    ck_assert_uint_eq(strlen(request), VPN_UAPI_MORE_KEY_CHARS - 1 + 3);
    ck_assert_int_eq(uapi_set(wg, request, strlen(request), &host, NULL), 0);
    strcpy(request, "libvpn_kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk=1\n");
    ck_assert_int_eq(uapi_set(wg, request, strlen(request), &host, NULL), VPN_EINVAL);
}
END_TEST

/* A caller that was built before there was more: its shorter structure is taken, and what lies behind it is not looked at. */
START_TEST(a_host_of_before)
{
    char answer[UAPI_TEXT];
    old = host.api;
    old.size = offsetof(vpn_uapi_host, more);
    ck_assert_int_eq(serve(GET_MORE, &old, answer), 0);
    ck_assert_ptr_null(strstr(answer, "libvpn_test"));
    ck_assert_int_eq(serve("set=1\nlibvpn_x=1\n\n", &old, answer), VPN_EINVAL);
    ck_assert_int_eq(serve("set=1\nlisten_port=9\n\n", &old, answer), 0);
    ck_assert_uint_eq(host.port, 9);
    ck_assert_str_eq(told, "");
    old.size--;
    ck_assert_int_eq(serve(GET_MORE, &old, answer), VPN_EINVAL);
    ck_assert_int_eq(serve("set=1\nlisten_port=9\n\n", &old, answer), VPN_EINVAL);
    host.api.set_more = NULL;
    ck_assert_int_eq(serve("set=1\nlibvpn_x=1\n\n", &host.api, answer), VPN_EINVAL);
    ck_assert_int_eq(serve("set=1\nlibvpn_x=1\n\n", NULL, answer), VPN_EINVAL);
}
END_TEST

/* The library's lines of the answer, but for the memory taken; those about the device end where the peers begin. */
static void own_lines(struct wg_node *node, vpn_time now, char out[UAPI_TEXT])
{
    static char answer[UAPI_TEXT];
    size_t length = 0;
    ck_assert_int_eq(
        vpn_uapi_serve(node->wg, GET_MORE, strlen(GET_MORE), NULL, answer, sizeof(answer) - 1, &length, now, NULL), 0);
    answer[length] = '\0';
    for (char *from = answer, *end; (end = strchr(from, '\n')); from = end + 1) {
        *end = '\0';
        if (strncmp(from, "public_key=", 11) == 0)
            out += sprintf(out, "peer\n");
        if (strncmp(from, "libvpn_", 7) == 0 && strncmp(from, "libvpn_memory=", 14) != 0)
            out += sprintf(out, "%s\n", from + 7);
    }
    *out = '\0';
}

static void expect_own(struct wg_node *node, vpn_time now, const char *want)
{
    char own[UAPI_TEXT], whole[UAPI_TEXT];
    own_lines(node, now, own);
    sprintf(whole, "version=%s\n%s", vpn_version(), want);
    ck_assert_str_eq(own, whole);
}

START_TEST(what_is_zero_is_not_told)
{
    struct wg_node pair[2];
    wg_pair_init(pair, NULL);
    expect_own(&pair[0], 5 * VPN_SECOND, "under_load=0\npeer\nstate=idle\n");
    wg_pair_end(pair);
}
END_TEST

START_TEST(counters_of_a_device)
{
    struct wg_node node;
    char answer[UAPI_TEXT], memory[64];
    vpn_wg_stats stats = {.size = sizeof(stats)};
    wg_node_init(&node, 0, NULL);
    vpn_wg_stats *s = &node.wg->stats;
    s->initiations_sent = 1;
    s->initiations_received = 2;
    s->responses_sent = 3;
    s->responses_received = 4;
    s->cookies_sent = 5;
    s->cookies_received = 6;
    s->keepalives_sent = 7;
    s->keepalives_received = 8;
    s->unknown_initiators = 9;
    s->rx_packets = 10;
    s->tx_packets = UINT64_MAX;
    s->drops[1] = 12;
    s->drops[VPN_REASONS - 1] = 13;
    node.wg->events.lost = 14;
    expect_own(&node, VPN_SECOND,
               "under_load=0\ninitiations_sent=1\ninitiations_received=2\nresponses_sent=3\nresponses_received=4\n"
               "cookies_sent=5\ncookies_received=6\nkeepalives_sent=7\nkeepalives_received=8\nunknown_initiators=9\n"
               "rx_packets=10\ntx_packets=18446744073709551615\nevents_lost=14\ndrop=12 argument\ndrop=13 wiped\n");
    wg = node.wg;
    ck_assert_int_eq(serve(GET_MORE, NULL, answer), 0);
    ck_assert_int_eq(vpn_wg_get_stats(node.wg, &stats), 0);
    sprintf(memory, "libvpn_memory=%llu\n", (unsigned long long)stats.memory);
    ck_assert_ptr_nonnull(strstr(answer, memory));
    wg = NULL;
    wg_node_end(&node);
}
END_TEST

START_TEST(a_session_and_its_ages)
{
    struct wg_node pair[2];
    static struct wg_buffer buffer, again;
    vpn_time born = 10 * VPN_SECOND, now = born + 3 * VPN_SECOND - 1;
    wg_pair_init(pair, NULL);
    wg_initiate(&pair[0], &buffer, VPN_SECOND);
    expect_own(&pair[0], 2 * VPN_SECOND, "under_load=0\ninitiations_sent=1\npeer\nstate=connecting\nattempts=1\n");
    wg_connect(pair, 0, born);
    expect_own(&pair[0], now,
               "under_load=0\nsessions=1\ninitiations_sent=2\nresponses_received=1\nkeepalives_sent=1\npeer\n"
               "state=connected\nhandshakes=1\nsession_age=2\nrole=initiator\nreceived_age=2\n");
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 40), now), VPN_TO_NET);
    wg_copy(&again, &buffer.packet);
    ck_assert_uint_eq(wg_recv(&pair[1], &buffer.packet, &pair[0].at, now), VPN_TO_TUN);
    ck_assert_uint_eq(wg_recv(&pair[1], &again.packet, &pair[0].at, now), VPN_DROP);
    expect_own(&pair[1], now + VPN_SECOND,
               "under_load=0\nsessions=1\ninitiations_received=1\nresponses_sent=1\nkeepalives_received=1\n"
               "rx_packets=1\ndrop=1 replay\npeer\nstate=connected\nhandshakes=1\nsession_age=3\nrole=responder\n"
               "received_age=1\nrx_packets=1\ndrop=1 replay\n");
    /* a clock that stepped back */
    expect_own(&pair[0], born - VPN_SECOND / 2,
               "under_load=0\nsessions=1\ninitiations_sent=2\nresponses_received=1\nkeepalives_sent=1\ntx_packets=1\n"
               "peer\nstate=connected\nhandshakes=1\nsession_age=0\nrole=initiator\nreceived_age=0\ntx_packets=1\n");
    wg_pair_end(pair);
}
END_TEST

START_TEST(settings_that_wg_does_not_know)
{
    struct wg_node pair[2];
    vpn_wg_peer peer = {.size = sizeof(peer),
                        .set = VPN_WG_SET_POLICY | VPN_WG_SET_PADDING | VPN_WG_SET_EXPIRES,
                        .policy = VPN_WG_PIN,
                        .padding = VPN_WG_PAD_MTU,
                        .expires = 100 * VPN_SECOND};
    wg_pair_init(pair, NULL);
    ck_assert_int_eq(vpn_wg_peer_set(pair[0].wg, pair[0].peer, &peer, 0), 0);
    expect_own(&pair[0], 30 * VPN_SECOND, "under_load=0\npeer\npolicy=pin\npadding=mtu\nexpires=70\nstate=idle\n");
    peer.policy = VPN_WG_ASK;
    peer.padding = VPN_WG_PAD_STANDARD;
    peer.expires = VPN_NEVER;
    ck_assert_int_eq(vpn_wg_peer_set(pair[0].wg, pair[0].peer, &peer, 0), 0);
    expect_own(&pair[0], 30 * VPN_SECOND, "under_load=0\npeer\npolicy=ask\nstate=idle\n");
    wg_pair_end(pair);
}
END_TEST

START_TEST(under_load)
{
    vpn_wg_config config = {.size = sizeof(config), .load_rate = 1};
    struct wg_node pair[2];
    static struct wg_buffer buffer;
    char own[UAPI_TEXT];
    wg_pair_init(pair, &config);
    for (vpn_time now = 0; now < 3; now++) {
        wg_initiate(&pair[0], &buffer, now * 6 * VPN_SECOND);
        for (int i = 0; i < 3; i++) {
            static struct wg_buffer copy;
            (void)wg_recv(&pair[1], wg_copy(&copy, &buffer.packet), &pair[0].at, now * 6 * VPN_SECOND);
        }
    }
    own_lines(&pair[1], 12 * VPN_SECOND, own);
    ck_assert_ptr_nonnull(strstr(own, "under_load=1\n"));
    ck_assert_ptr_nonnull(strstr(own, "cookies_sent="));
    wg_pair_end(pair);
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
    Suite *suite = suite_create("uapi_more");
    add(suite, "get", more_adds_lines_and_changes_none);
    add(suite, "get alone", more_is_one_line_and_nothing_like_it);
    add(suite, "capacity", more_in_every_capacity);
    add(suite, "no lines", lines_that_would_be_no_lines);
    add(suite, "set", a_line_is_checked_and_then_carried_out);
    add(suite, "no peer", a_peer_that_is_not_made_gets_no_line);
    add(suite, "refusing host", a_host_that_refuses);
    add(suite, "prefixes first", prefixes_come_first);
    add(suite, "fault", a_later_fault_carries_nothing_out);
    add(suite, "longest", the_longest_line);
    add(suite, "old host", a_host_of_before);
    test_add(suite, "zero", what_is_zero_is_not_told);
    test_add(suite, "counters", counters_of_a_device);
    test_add(suite, "session", a_session_and_its_ages);
    test_add(suite, "settings", settings_that_wg_does_not_know);
    test_add(suite, "load", under_load);
    return suite;
}

TEST_MAIN(more_suite)

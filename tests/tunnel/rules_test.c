/* SPDX-License-Identifier: ISC */
/*
 * Packets through the rules of three peers: one has the same network as this host and is called otherwise here, one has a
 * filter, one has nothing.
 */
#include "tunnel/rules.h"
#include "tunnel/rules_peer.h"

#include "common/flows.h"
#include "common/test.h"

static vpn_wg *wg;
static vpn_peer_id far, login, plain;
static annexes all;
static rules r;
static tun host;
static uint8_t written[2048];
static size_t written_bytes;
static uint8_t packet[2048];

/* The host's side. */
int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n)
{
    ck_assert_ptr_eq(t, &host);
    ck_assert_uint_eq(how->gso, 0);
    ck_assert_uint_eq(n, 1);
    written_bytes = pieces[1].iov_len;
    memcpy(written, pieces[1].iov_base, written_bytes);
    return 0;
}

static vpn_peer_id make(uint8_t number, const char *allowed)
{
    vpn_wg_peer peer = {.size = sizeof peer, .public_key = {9, number}};
    vpn_prefix prefix;
    vpn_peer_id id;
    ck_assert_int_eq(vpn_prefix_parse(&prefix, allowed, strlen(allowed)), 0);
    ck_assert_int_eq(vpn_wg_peer_add(wg, &peer, &id, 1), 0);
    ck_assert_int_eq(vpn_wg_allow(wg, id, &prefix), 0);
    return id;
}

static void line(vpn_peer_id peer, const char *key, const char *value)
{
    ck_assert_int_eq(rules_set_line(&r, 0, peer, key, value), 0);
    ck_assert_int_eq(rules_set_line(&r, 1, peer, key, value), 0);
}

static void setup(void)
{
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    all = (annexes){.chains = NULL};
    ck_assert_int_eq(rules_open(&r, wg, &all), 0);
    far = make(1, "10.0.0.0/24");
    login = make(2, "10.77.0.2");
    plain = make(3, "10.9.0.0/16");
    line(far, "libvpn_netmap", "ours 10.0.0.0/24 as 10.1.0.0/24");
    line(far, "libvpn_netmap", "theirs 10.2.0.0/24 as 10.0.0.0/24");
    line(far, "libvpn_netmap", "theirs 10.3.0.0/24 as 10.4.0.0/24");
    line(far, "libvpn_filter", "reject tcp to port 7");
    line(far, "libvpn_filter_default", "allow");
    ck_assert_int_eq(rules_changed(&r, far), 0);
    line(login, "libvpn_filter", "allow in tcp to 10.0.0.1 port 22 stateful");
    line(login, "libvpn_filter", "reject out tcp");
    ck_assert_int_eq(rules_changed(&r, login), 0);
    ck_assert_uint_eq(r.count, 2);
    written_bytes = 0;
}

static void teardown(void)
{
    rules_close(&r);
    annexes_close(&all);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}

static struct flow tcp(const char *from, const char *to, uint16_t port)
{
    struct flow flow = flow_example(4, FLOW_TCP, NULL, 0);
    vpn_prefix a, b;
    ck_assert_int_eq(vpn_prefix_parse(&a, from, strlen(from)) | vpn_prefix_parse(&b, to, strlen(to)), 0);
    memcpy(flow.src, a.addr, 4);
    memcpy(flow.dst, b.addr, 4);
    flow.flags = FLOW_SYN;
    flow.to = port;
    return flow;
}

static int sent(const char *from, const char *to, uint16_t port)
{
    static const vpn_offload plain_one = {.flags = 0};
    struct flow flow = tcp(from, to, port);
    uint32_t length = flow_packet(packet, &flow);
    return rules_outbound(&r, &host, &plain_one, packet, length, VPN_SECOND);
}

/* The verdict on a packet of a peer. */
static int came(vpn_peer_id peer, const char *from, const char *to, uint16_t port)
{
    struct flow flow = tcp(from, to, port);
    vpn_packet p = {.data = packet, .capacity = sizeof packet, .verdict = VPN_TO_TUN, .peer = peer};
    p.length = flow_packet(packet, &flow);
    rules_inbound(&r, &p, 1, VPN_SECOND);
    return p.verdict;
}

static void expect(const char *from, const char *to, uint16_t port)
{
    uint8_t want[2048];
    struct flow flow = tcp(from, to, port);
    uint32_t length = flow_packet(want, &flow);
    ck_assert_mem_eq(packet, want, length);
}

START_TEST(names_lead_to_their_peer)
{
    ck_assert_int_eq(sent("10.0.0.5", "10.2.0.9", 80), 1);
    expect("10.1.0.5", "10.0.0.9", 80);
    ck_assert_int_eq(came(far, "10.0.0.9", "10.1.0.5", 80), VPN_TO_TUN);
    expect("10.2.0.9", "10.0.0.5", 80);
    ck_assert_int_eq(sent("10.0.0.5", "10.9.0.1", 80), 1); /* another peer's, untouched */
    expect("10.0.0.5", "10.9.0.1", 80);
    ck_assert_int_eq(sent("10.0.0.5", "192.0.2.1", 80), 1); /* nobody's: the device says so */
    /* the second name is of addresses that AllowedIPs do not give to the peer */
    ck_assert_int_eq(sent("10.0.0.5", "10.3.0.9", 80), 0);
    ck_assert_uint_eq(annex_find(&all, far)->rules->drops[RULES_NO_ROUTE], 1);
    /* the peer's own address is not one here */
    ck_assert_int_eq(sent("10.0.0.5", "10.0.0.9", 80), 0);
    ck_assert_uint_eq(annex_find(&all, far)->rules->drops[VPN_NETMAP_TAKEN], 1);
}
END_TEST

START_TEST(nobody_takes_anothers_name)
{
    ck_assert_int_eq(came(plain, "10.9.0.1", "10.0.0.5", 80), VPN_TO_TUN);
    ck_assert_int_eq(came(plain, "10.2.0.9", "10.0.0.5", 80), VPN_DROP);
    ck_assert_int_eq(came(login, "10.2.0.9", "10.0.0.1", 22), VPN_DROP);
    ck_assert_uint_eq(r.forged, 2);
    vpn_filter_count count;
    ck_assert_int_eq(vpn_filter_counted(annex_find(&all, login)->filter, 0, &count), 0);
    ck_assert_uint_eq(count.packets, 0);
}
END_TEST

START_TEST(refusals_go_back)
{
    uint32_t length;
    ck_assert_ptr_null(rules_answer(&r, &length));
    /* of the host: at once, under its own names */
    ck_assert_int_eq(sent("10.0.0.5", "10.2.0.9", 7), 0);
    ck_assert_uint_eq(written_bytes, 40);
    ck_assert_uint_eq(flow_get(written + 12, 4), 0x0a020009);
    ck_assert_uint_eq(flow_get(written + 16, 4), 0x0a000005);
    ck_assert_uint_eq(written[33], FLOW_RST | FLOW_ACK);
    /* of the peer: later, under the names that it knows */
    ck_assert_int_eq(came(far, "10.0.0.9", "10.1.0.5", 7), VPN_DROP);
    const uint8_t *answer = rules_answer(&r, &length);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_eq(length, 40);
    ck_assert_uint_eq(flow_get(answer + 12, 4), 0x0a010005);
    ck_assert_uint_eq(flow_get(answer + 16, 4), 0x0a000009);
    ck_assert_uint_eq(flow_sum(0, answer, 20), 0xffff);
    ck_assert_ptr_null(rules_answer(&r, &length));
}
END_TEST

START_TEST(answers_are_bounded)
{
    uint32_t length, n = 0;
    for (uint32_t i = 0; i < 3 * RULES_ANSWERS; i++) {
        char from[32];
        (void)snprintf(from, sizeof from, "10.0.0.%u", i);
        ck_assert_int_eq(came(far, from, "10.1.0.5", 7), VPN_DROP);
    }
    while (rules_answer(&r, &length) != NULL)
        n++;
    ck_assert_uint_eq(n, RULES_ANSWERS);
    ck_assert_uint_eq(r.unanswered, 2 * RULES_ANSWERS);
}
END_TEST

START_TEST(a_filter_alone)
{
    ck_assert_int_eq(came(login, "10.77.0.2", "10.0.0.1", 22), VPN_TO_TUN);
    expect("10.77.0.2", "10.0.0.1", 22);
    ck_assert_int_eq(came(login, "10.77.0.2", "10.0.0.1", 23), VPN_DROP);
    ck_assert_uint_eq(r.answer_count, 0);
    ck_assert_int_eq(sent("10.0.0.1", "10.77.0.2", 22), 0);
    ck_assert_uint_eq(written_bytes, 40);
    /* what is no packet is the device's business, and no verdict but one is */
    static const vpn_offload how = {.flags = 0};
    ck_assert_int_eq(rules_outbound(&r, &host, &how, packet, 0, 1), 1);
    ck_assert_int_eq(rules_outbound(&r, &host, &how, packet, 19, 1), 1);
    vpn_packet p = {.data = packet, .length = 40, .verdict = VPN_TO_NET, .peer = login};
    rules_inbound(&r, &p, 1, 1);
    ck_assert_int_eq(p.verdict, VPN_TO_NET);
}
END_TEST

/* What there was no memory for lets nothing pass. */
START_TEST(broken)
{
    annex_find(&all, login)->rules->broken = 1;
    ck_assert_int_eq(came(login, "10.77.0.2", "10.0.0.1", 22), VPN_DROP);
    ck_assert_int_eq(sent("10.0.0.1", "10.77.0.2", 22), 0);
    ck_assert_uint_eq(annex_find(&all, login)->rules->drops[RULES_BROKEN], 2);
}
END_TEST

START_TEST(peers_go)
{
    line(plain, "libvpn_netmap", "theirs 10.5.0.0/24 as 10.9.0.0/24");
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    ck_assert_uint_eq(r.count, 3);
    ck_assert_int_eq(sent("10.0.0.5", "10.5.0.1", 80), 1);
    expect("10.0.0.5", "10.9.0.1", 80);
    ck_assert_int_eq(vpn_wg_peer_remove(wg, far), 0);
    ck_assert_int_eq(rules_changed(&r, far), 0);
    annex_drop(&all, far);
    ck_assert_uint_eq(r.count, 2);
    ck_assert_int_eq(came(login, "10.2.0.9", "10.0.0.1", 22), VPN_TO_TUN);
    line(plain, "libvpn_replace_netmap", "true");
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    ck_assert_int_eq(came(login, "10.5.0.1", "10.0.0.1", 22), VPN_TO_TUN);
    ck_assert_ptr_null(r.names);
    line(login, "libvpn_replace_filter", "true");
    ck_assert_int_eq(rules_changed(&r, login), 0);
    ck_assert_uint_eq(r.count, 0);
    line(login, "libvpn_netmap", "theirs 10.6.0.0/32 as 10.77.0.2/32");
    ck_assert_int_eq(rules_changed(&r, login), 0);
    ck_assert_int_eq(sent("10.0.0.5", "10.6.0.0", 80), 1);
    expect("10.0.0.5", "10.77.0.2", 80);
}
END_TEST

/* A name that two peers had is the one's who stays, whoever goes. */
START_TEST(shared_names)
{
    for (int i = 0; i < 2; i++) {
        vpn_peer_id goes, stays;
        setup();
        goes = i == 0 ? plain : far;
        stays = i == 0 ? far : plain;
        line(plain, "libvpn_netmap", "theirs 10.2.0.0/24 as 10.9.0.0/24");
        ck_assert_int_eq(rules_changed(&r, plain), 0);
        ck_assert_int_eq(sent("10.0.0.5", "10.2.0.9", 80), 1);
        ck_assert_int_eq(vpn_wg_peer_remove(wg, goes), 0);
        ck_assert_int_eq(rules_changed(&r, goes), 0);
        annex_drop(&all, goes);
        ck_assert_int_eq(sent("10.0.0.5", "10.2.0.9", 80), 1);
        expect(i == 0 ? "10.1.0.5" : "10.0.0.5", i == 0 ? "10.0.0.9" : "10.9.0.9", 80);
        ck_assert_int_eq(came(login, "10.2.0.9", "10.0.0.1", 22), VPN_DROP);
        ck_assert_int_eq(vpn_wg_peer_remove(wg, stays), 0);
        ck_assert_int_eq(rules_changed(&r, stays), 0);
        annex_drop(&all, stays);
        ck_assert_int_eq(came(login, "10.2.0.9", "10.0.0.1", 22), VPN_TO_TUN);
        ck_assert_ptr_null(r.names);
        ck_assert_uint_eq(r.count, 1);
        teardown();
    }
}
END_TEST

/* The table goes with its last name; whoever had lost that one before has nothing to take out of it. */
START_TEST(a_lost_name)
{
    line(far, "libvpn_replace_netmap", "true");
    ck_assert_int_eq(rules_changed(&r, far), 0);
    line(plain, "libvpn_netmap", "theirs 10.6.0.0/24 as 10.9.0.0/24");
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    line(login, "libvpn_netmap", "theirs 10.6.0.0/24 as 10.8.0.0/24");
    ck_assert_int_eq(rules_changed(&r, login), 0);
    ck_assert_int_eq(vpn_wg_peer_remove(wg, login), 0);
    ck_assert_int_eq(rules_changed(&r, login), 0);
    line(plain, "libvpn_replace_netmap", "true");
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    ck_assert_int_eq(sent("10.0.0.5", "10.6.0.9", 80), 1);
    expect("10.0.0.5", "10.6.0.9", 80);
}
END_TEST

/* What was gathered before another room refused its line is half of what was asked. */
START_TEST(half_of_a_request)
{
    line(plain, "libvpn_filter_default", "reject");
    rules_refused(&r, plain);
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    ck_assert_int_eq(came(plain, "10.9.0.1", "10.0.0.5", 80), VPN_TO_TUN);
    line(plain, "libvpn_filter_default", "reject");
    ck_assert_int_eq(rules_changed(&r, plain), 0);
    ck_assert_int_eq(came(plain, "10.9.0.1", "10.0.0.5", 80), VPN_DROP);
    rules_refused(&r, login + 100); /* nobody */
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static Suite *rules_suite(void)
{
    Suite *suite = suite_create("rules");
    add(suite, "names", names_lead_to_their_peer);
    add(suite, "forged", nobody_takes_anothers_name);
    add(suite, "refusals", refusals_go_back);
    add(suite, "answers", answers_are_bounded);
    add(suite, "filter", a_filter_alone);
    add(suite, "broken", broken);
    add(suite, "peers go", peers_go);
    add(suite, "lost name", a_lost_name);
    add(suite, "half", half_of_a_request);
    TCase *alone = tcase_create("shared names");
    tcase_add_test(alone, shared_names);
    suite_add_tcase(suite, alone);
    return suite;
}

TEST_MAIN(rules_suite)

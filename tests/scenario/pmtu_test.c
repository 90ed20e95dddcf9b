/* SPDX-License-Identifier: ISC */
/*
 * Two devices over a path that carries only so much, and the path MTU of one of them: as docs/embedding.md joins them. What is
 * found is exact in bytes of the outer packet, and the errors that come quote what the device really sent.
 */
#include "scenario/net.h"

#include "common/pmtu.h"

struct joint {
    struct net *net;
    struct node *a, *b;
    vpn_pmtu *pmtu;
    uint32_t path;            /* outer bytes */
    int pads;                 /* the peer pads its replies to a multiple of 16, as it does with an MTU of its own */
    int tells;                /* errors come */
    uint8_t quote[128];       /* about this packet */
    uint32_t quoted, longest; /* bytes of it; the longest outer packet that arrived */
};

static int carries(struct net *net, struct datagram *datagram)
{
    struct joint *j = net->hook_user;
    uint32_t outer = datagram->length + 28;

    if (datagram->source == 0 && datagram->type == 4)
        vpn_pmtu_sent(j->pmtu, datagram->bytes, datagram->length, net->now);
    if (outer <= j->path) {
        j->longest = outer > j->longest ? outer : j->longest;
        return 1;
    }
    struct flow flow = {.version = 4, .protocol = FLOW_UDP, .ttl = 9};
    memcpy(flow.src, j->a->at.addr, 4);
    memcpy(flow.dst, j->b->at.addr, 4);
    flow_write_ip4(j->quote, &flow, outer);
    flow_put(j->quote + 20, j->a->at.port, 2);
    flow_put(j->quote + 22, j->b->at.port, 2);
    flow_put(j->quote + 24, outer - 20, 2);
    flow_put(j->quote + 26, 0, 2);
    memcpy(j->quote + 28, datagram->bytes, 32);
    j->quoted = 60;
    return 0;
}

static void open_joint(struct joint *j, uint32_t path)
{
    vpn_pmtu_config c = {.size = sizeof c, .probe_family = 4};
    vpn_pmtu_route r = {.size = sizeof r, .link_mtu = 1500};

    memset(j, 0, sizeof *j);
    j->net = net_pair(1);
    j->a = j->net->nodes[0];
    j->b = j->net->nodes[1];
    j->path = path;
    net_up(j->net);
    memcpy(c.probe_src, j->a->inner4, 4);
    memcpy(c.probe_dst, j->b->inner4, 4);
    ck_assert_int_eq(vpn_pmtu_new(&j->pmtu, &c), 0);
    r.local_port = j->a->at.port;
    r.path.remote = j->b->at;
    memcpy(r.path.local, j->a->at.addr, 16);
    ck_assert_int_eq(vpn_pmtu_start(j->pmtu, &r, j->net->now), 0);
    j->net->foreign = 1;
    j->net->hook = carries;
    j->net->hook_user = j;
}

static void close_joint(struct joint *j)
{
    vpn_pmtu_free(j->pmtu);
    net_free(j->net);
}

/* The network knows it as well, and checks each padding against it. */
static void set_mtu(struct node *node, uint32_t mtu)
{
    ck_assert_int_eq(vpn_wg_set_mtu(node->wg, mtu), 0);
    node->mtu = mtu;
}

/* The host behind the other end answers pings. */
static void answer(struct joint *j)
{
    uint8_t packet[2048];
    uint32_t length = j->b->last_length;

    memcpy(packet, j->b->last_inner, length);
    ck_assert_uint_eq(packet[20], 8);
    path_answer(packet, length);
    uint64_t before = j->a->delivered;
    if (!j->pads)
        set_mtu(j->b, length);
    (void)node_send_bytes(j->b, packet, length);
    net_run(j->net, MILLIS(10));
    if (j->a->delivered != before)
        ck_assert_int_eq(vpn_pmtu_reply(j->pmtu, j->a->last_inner, j->a->last_length, j->net->now), 0);
}

static void error(struct joint *j)
{
    vpn_pmtu_report r = {
        .size = sizeof r, .mtu = j->path, .kind = VPN_PMTU_QUOTE_PACKET, .length = j->quoted, .quote = j->quote};

    j->quoted = 0;
    ck_assert_int_ge(vpn_pmtu_error(j->pmtu, &r, j->net->now), 0);
}

static void probe(struct joint *j)
{
    uint8_t packet[2048];
    size_t bytes = sizeof packet;

    ck_assert_int_eq(vpn_pmtu_tick(j->pmtu, packet, &bytes, j->net->now), 0);
    if (bytes == 0)
        return;
    uint64_t before = j->b->delivered;
    set_mtu(j->a, (uint32_t)bytes);
    (void)node_send_bytes(j->a, packet, (uint32_t)bytes);
    net_run(j->net, MILLIS(10));
    if (j->b->delivered != before)
        answer(j);
    if (j->quoted != 0 && j->tells)
        error(j);
    set_mtu(j->a, vpn_pmtu_mtu(j->pmtu));
}

static void run(struct joint *j, vpn_time span)
{
    vpn_time until = j->net->now + span;

    while (vpn_pmtu_deadline(j->pmtu) <= until) {
        if (vpn_pmtu_deadline(j->pmtu) > j->net->now)
            net_run_until(j->net, vpn_pmtu_deadline(j->pmtu));
        probe(j);
    }
    net_run_until(j->net, until);
}

/* Each size of the path: found to the byte, across rekeyings, and the greatest packet that passed is as long as the path. */
START_TEST(found)
{
    struct joint j;
    uint32_t path = 1260 + (uint32_t)_i * 7;
    open_joint(&j, path);
    run(&j, SECONDS(300));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), path - 60);
    ck_assert_uint_eq(j.longest, path);
    close_joint(&j);
}
END_TEST

/* A peer with an MTU of its own pads replies past what would fit: what is found fits both ways, and is a multiple of 16. */
START_TEST(found_both_ways)
{
    struct joint j;
    uint32_t path = 1263 + (uint32_t)_i * 7;
    open_joint(&j, path);
    j.pads = 1;
    run(&j, SECONDS(300));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), (path - 60) / 16 * 16);
    close_joint(&j);
}
END_TEST

/* What the interface sends then fits with its padding, whatever its length. */
START_TEST(padding_fits)
{
    struct joint j;
    open_joint(&j, 1433);
    run(&j, SECONDS(100));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1373);
    j.longest = j.quoted = 0;
    for (uint32_t length = 1340; length <= 1373; length++)
        (void)node_send(j.a, j.b, length - 28);
    net_run(j.net, SECONDS(1));
    ck_assert_uint_eq(j.quoted, 0);
    ck_assert_uint_eq(j.longest, 1433);
    close_joint(&j);
}
END_TEST

/* The path shrinks under way, with and without an error that quotes what the device sent. */
START_TEST(shrinks)
{
    struct joint j;
    open_joint(&j, 1500);
    j.tells = _i;
    run(&j, SECONDS(30));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1440);
    j.path = 1400;
    if (j.tells) {
        (void)node_send(j.a, j.b, 1440 - 28);
        net_run(j.net, MILLIS(10));
        ck_assert_uint_eq(j.quoted, 60);
        error(&j);
        ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1340);
    }
    run(&j, SECONDS(200));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1340);
    j.path = 1500;
    run(&j, SECONDS(700));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1440);
    close_joint(&j);
}
END_TEST

/* The peer goes away and comes back: no conclusion, and no deadline that spins. */
START_TEST(peer_down)
{
    struct joint j;
    open_joint(&j, 1450);
    run(&j, SECONDS(100));
    j.net->loss = 1000;
    run(&j, SECONDS(1000));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1390);
    j.net->loss = 0;
    run(&j, SECONDS(1300));
    ck_assert_uint_eq(vpn_pmtu_mtu(j.pmtu), 1390);
    vpn_pmtu_status s = {.size = sizeof s};
    ck_assert_int_eq(vpn_pmtu_get(j.pmtu, &s), 0);
    ck_assert_uint_eq(s.state, VPN_PMTU_COMPLETE);
    close_joint(&j);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu");
    test_loop(suite, "found", found, 35);
    test_loop(suite, "found_both_ways", found_both_ways, 30);
    test_add(suite, "padding_fits", padding_fits);
    test_loop(suite, "shrinks", shrinks, 2);
    test_add(suite, "peer_down", peer_down);
    return suite;
}

TEST_MAIN(make_suite)

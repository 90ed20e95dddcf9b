/* SPDX-License-Identifier: ISC */
/* What fails on the host's side: events that nobody takes, memory and randomness that are refused, settings that go away. */
#include "scenario/duel.h"

/* One datagram to the device, with its events left where they are. */
static uint8_t quiet(struct duel *d, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length, uint8_t *reply)
{
    vpn_packet packet = {.data = reply, .capacity = length, .length = length};
    memcpy(reply, bytes, length);
    packet.path.remote = *from;
    vpn_wg_recv(d->a->wg, &packet, 1, node_now(d->a));
    return packet.verdict;
}

static uint8_t quiet_initiation(struct duel *d, struct forger *f, const vpn_endpoint *from, uint8_t reply[148])
{
    uint8_t message[148], stamp[12];
    forge_stamp(stamp, d->wall++, 0);
    forge_initiation(f, message, d->a->public_key, stamp);
    return quiet(d, from, message, 148, reply);
}

static uint8_t quiet_keepalive(struct duel *d, struct forger *f, const vpn_endpoint *from)
{
    uint8_t message[32], reply[32];
    forge_data(f, message, f->counter++, NULL, 0);
    return quiet(d, from, message, 32, reply);
}

/* Fills the ring by roaming `n` times. */
static void roam(struct duel *d, int n)
{
    for (int i = 0; i < n; i++) {
        d->f.at.port++;
        ck_assert_uint_eq(quiet_keepalive(d, &d->f, &d->f.at), VPN_DONE);
    }
}

/* The ring is bounded and counts what is lost, but never loses what parked packets wait for. */
START_TEST(full_ring)
{
    vpn_wg_config config = {.events = 8};
    struct duel *d = duel_new(1, &config);
    struct forger up, lost;
    const uint8_t inner_up[4] = {10, 3, 0, 1}, inner_lost[4] = {10, 3, 0, 2};
    uint8_t reply[148], inner[40], tick[148];
    duel_from_forger(d);
    forge_new(&up, 71, 71);
    forge_new(&lost, 72, 72);
    vpn_peer_id up_id = duel_add(d->a, &up, inner_up), lost_id = duel_add(d->a, &lost, inner_lost);
    roam(d, 20);
    ck_assert_uint_eq(node_stats(d->a).events_lost, 12);
    ck_assert_uint_eq(quiet_initiation(d, &up, &up.at, reply), VPN_TO_NET);
    ck_assert_int_eq(forge_read_response(&up, reply), 0);
    ck_assert_uint_eq(quiet_keepalive(d, &up, &up.at), VPN_DONE);
    net_inner(d->net, inner, 4, d->a->inner4, inner_lost, 40, 0);
    vpn_packet packet = {.data = inner, .capacity = 40, .length = 40};
    vpn_wg_send(d->a->wg, &packet, 1, node_now(d->a));
    ck_assert_uint_eq(packet.verdict, VPN_WAIT);
    while (vpn_wg_deadline(d->a->wg) < SECONDS(200)) {
        vpn_packet fresh = {.data = tick, .capacity = 148};
        d->net->now = vpn_wg_deadline(d->a->wg);
        vpn_wg_tick(d->a->wg, &fresh, 1, node_now(d->a));
    }
    vpn_wg_event_info event;
    for (uint16_t i = 0; i < 8; i++) {
        ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), 0);
        ck_assert_uint_eq(event.type, VPN_WG_ROAMED);
        ck_assert_uint_eq(event.path.remote.port, 1001 + i);
    }
    int ups = 0, losts = 0;
    while (vpn_wg_event(d->a->wg, &event) == 0) {
        ups += event.type == VPN_WG_UP && event.peer == up_id;
        losts += event.type == VPN_WG_GAVE_UP && event.peer == lost_id;
        ck_assert_mem_eq(event.public_key, event.peer == up_id ? up.public_key : lost.public_key, 32);
    }
    ck_assert_int_eq(ups, 1);
    ck_assert_int_eq(losts, 1);
    duel_free(d);
}
END_TEST

/* What is told of a peer last is what is true: no older giving up after a newer session. */
START_TEST(latched_order)
{
    vpn_wg_config config = {.events = 8};
    struct duel *d = duel_new(2, &config);
    struct forger late;
    const uint8_t inner_late[4] = {10, 3, 0, 1};
    uint8_t inner[40], buffer[148], stamp[12], response[92];
    duel_from_forger(d);
    forge_new(&late, 71, 71);
    vpn_peer_id id = duel_add(d->a, &late, inner_late);
    roam(d, 20);
    net_inner(d->net, inner, 4, d->a->inner4, inner_late, 40, 0);
    vpn_packet packet = {.data = inner, .capacity = 40, .length = 40};
    vpn_wg_send(d->a->wg, &packet, 1, node_now(d->a));
    while (vpn_wg_deadline(d->a->wg) < SECONDS(150)) {
        vpn_packet fresh = {.data = buffer, .capacity = 148};
        d->net->now = vpn_wg_deadline(d->a->wg);
        vpn_wg_tick(d->a->wg, &fresh, 1, node_now(d->a));
    }
    vpn_wg_event_info event;
    ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), 0); /* now there is room for one */
    packet = (vpn_packet){.data = inner, .capacity = 40, .length = 40};
    vpn_wg_send(d->a->wg, &packet, 1, node_now(d->a));
    packet = (vpn_packet){.data = buffer, .capacity = 148};
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &packet, 1, node_now(d->a)), 1);
    ck_assert_int_eq(forge_read_initiation(&late, buffer, stamp), 0);
    forge_response(&late, response);
    ck_assert_uint_eq(quiet(d, &late.at, response, 92, buffer), VPN_DONE);
    uint32_t last = 0;
    while (vpn_wg_event(d->a->wg, &event) == 0)
        last = event.peer == id ? event.type : last;
    ck_assert_uint_eq(last, VPN_WG_UP);
    /* Events of a peer that is gone are no trouble. */
    roam(d, 20);
    quiet_initiation(d, &late, &late.at, buffer);
    vpn_wg_peer_remove(d->a->wg, id);
    while (vpn_wg_event(d->a->wg, &event) == 0)
        ck_assert_uint_ne(event.type, 0);
    duel_free(d);
}
END_TEST

/* Packets that wait are told to be forgotten also when a handshake has become impossible. */
START_TEST(nothing_stranded)
{
    struct duel *d = duel_new(3, NULL);
    vpn_wg_peer change = {0};
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    if (_i % 2)
        net_run(d->net, SECONDS(1));
    if (_i / 2 == 0)
        node_set(d->a, d->id, &change, VPN_WG_SET_ENDPOINT);
    else
        vpn_wg_set_private_key(d->a->wg, NULL, node_now(d->a));
    net_run(d->net, SECONDS(200));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), 0);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_IDLE);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    duel_free(d);
}
END_TEST

/* A whole scenario in which the i-th allocation of one device fails; 0 when there were fewer. */
static int with_failure(size_t i, int lasting)
{
    struct net *net = net_new(4);
    struct node *b = net_node(net, NULL), *a;
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = b->at};
    vpn_peer_id id = 0;
    a = net_node(net, NULL);
    node_add(b, a, NULL);
    memcpy(peer.public_key, b->public_key, 32);
    size_t before = a->env.calls;
    a->env.fail_at = before + i;
    int tries = 0;
    while (vpn_wg_peer_add(a->wg, &peer, &id, node_now(a)) == VPN_ENOMEM) {
        ck_assert_uint_eq(id, 0);
        ck_assert_uint_eq(node_stats(a).peers, 0);
        ck_assert_int_lt(++tries, 3);
    }
    vpn_prefix prefix = {.family = 4, .bits = 32};
    memcpy(prefix.addr, b->inner4, 4);
    while (vpn_wg_allow(a->wg, id, &prefix) == VPN_ENOMEM)
        ck_assert_int_lt(++tries, 3);
    a->peers[0] = id;
    if (lasting)
        node_send(b, a, 8);
    node_send(a, b, 8);
    net_run(net, SECONDS(20));
    ck_assert_uint_eq(b->delivered, 1);
    vpn_wg_handshake(b->wg, b->peers[1], node_now(b));
    net_run(net, SECONDS(20));
    node_send(a, b, 8);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(b->delivered, 2);
    int reached = a->env.calls >= before + i;
    net_free(net);
    return reached;
}

START_TEST(no_memory)
{
    size_t i = 1;
    while (with_failure(i, _i))
        i++;
    ck_assert_uint_gt(i, 5);
}
END_TEST

static void *failing_alloc(void *user, size_t bytes)
{
    size_t *left = user;
    if (*left == 0)
        return NULL;
    --*left;
    return malloc(bytes);
}

static void failing_free(void *user, void *memory)
{
    (void)user;
    free(memory);
}

/* Making a device: each allocation, and randomness. */
START_TEST(no_device)
{
    vpn_env env = {.size = sizeof env, .alloc = failing_alloc, .free = failing_free};
    vpn_wg_config config = {.size = sizeof config, .env = &env};
    vpn_wg *wg;
    size_t n = 0, left;
    env.user = &left;
    for (;; n++) {
        left = n;
        wg = (vpn_wg *)&left;
        int error = vpn_wg_new(&wg, &config);
        if (error == 0)
            break;
        ck_assert_int_eq(error, VPN_ENOMEM);
    }
    ck_assert_uint_gt(n, 3);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
    ck_assert_int_eq(vpn_wg_free(NULL), 0);
}
END_TEST

/* Without randomness no message that needs it leaves; when it is back, the retries go on. */
START_TEST(no_randomness)
{
    struct net *net = net_pair(5);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    struct node *broken = _i ? b : a;
    broken->env.random_status = -1;
    node_send(a, b, 8);
    net_run(net, SECONDS(12));
    ck_assert_uint_eq(net_logged(net, broken->number, 0, 0), 0);
    ck_assert_uint_eq(b->delivered, 0);
    ck_assert_uint_ge(node_stats(broken).drops[VPN_REASON_RANDOM], 2);
    broken->env.random_status = 0;
    net_run(net, SECONDS(6));
    ck_assert_uint_eq(b->delivered, 1);
    net_free(net);
}
END_TEST

/* Settings outside their range make no device. */
START_TEST(bad_config)
{
    const vpn_wg_config bad[] = {
        {.flags = 2},           {.mtu = 67},           {.mtu = 65536},         {.replay_bits = 64},
        {.replay_bits = 16384}, {.replay_bits = 1000}, {.max_peers = 1048577}, {.events = 7},
        {.events = 65537},      {.sources = 15},       {.sources = 1048577}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        vpn_wg_config config = bad[i];
        vpn_wg *wg = (vpn_wg *)&config;
        config.size = sizeof config;
        ck_assert_int_eq(vpn_wg_new(&wg, &config), VPN_EINVAL);
        ck_assert_ptr_null(wg);
    }
    vpn_wg *wg;
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/faults");
    test_add(s, "full ring", full_ring);
    test_add(s, "latched order", latched_order);
    test_add(s, "no device", no_device);
    test_add(s, "bad config", bad_config);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, nothing_stranded, 0, 4);
    tcase_add_loop_test(loops, no_memory, 0, 2);
    tcase_add_loop_test(loops, no_randomness, 0, 2);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)

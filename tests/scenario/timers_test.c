/* SPDX-License-Identifier: ISC */
/* How long keys live and when a handshake is tried again, over virtual hours and to the nanosecond: whitepaper sections 6.1
 * to 6.4. */
#include "scenario/duel.h"

#define JITTER MILLIS(333)

/* 6.2: the initiator makes a new session when it sends under a key that is REKEY-AFTER-TIME old. */
START_TEST(initiator_rekeys_on_send)
{
    struct duel *d = duel_new(1, NULL);
    net_run(d->net, SECONDS(3));
    duel_from_node(d);
    duel_at(d, SECONDS(120) - 1);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, 0);
    duel_keepalive(d);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_at(d, SECONDS(120));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1); /* age alone does nothing */
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    ck_assert_uint_eq(net_log_last(d->net, 0, 1)->sent, d->born + SECONDS(120));
    for (int i = 0; i < 4; i++) {
        net_run(d->net, SECONDS(1));
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        duel_keepalive(d);
    }
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    duel_respond(d);
    for (int i = 0; i < 119; i++) {
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        duel_keepalive(d);
        net_run(d->net, SECONDS(1));
    }
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    duel_free(d);
}
END_TEST

/* 6.2: an idle initiator does not rekey. */
START_TEST(initiator_idle)
{
    struct duel *d = duel_new(2, NULL);
    duel_from_node(d);
    duel_at(d, SECONDS(3600));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    ck_assert_uint_eq(duel_sent(d, 0, SECONDS(1)), 0);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    duel_free(d);
}
END_TEST

/* 6.2: the responder never rekeys for age, on send or on receive; at REJECT-AFTER-TIME it must. */
START_TEST(responder_never_rekeys_by_age)
{
    struct duel *d = duel_new(3, NULL);
    duel_from_forger(d);
    for (int i = 1; i < 180; i++) {
        duel_at(d, SECONDS(i));
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    }
    duel_at(d, SECONDS(180) - 1);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    duel_at(d, SECONDS(180));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, d->born + SECONDS(180)), 1);
    duel_free(d);
}
END_TEST

/* 6.2: the initiator also rekeys when it receives at 180 - 10 - 5 s, once for each key; any authentic message counts. */
START_TEST(initiator_rekeys_on_receive)
{
    struct duel *d = duel_new(4, NULL);
    duel_from_node(d);
    duel_at(d, SECONDS(165) - 1);
    ck_assert_uint_eq((_i ? duel_keepalive(d) : duel_data(d)).reason, 0);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_at(d, SECONDS(165));
    ck_assert_uint_eq((_i ? duel_keepalive(d) : duel_data(d)).reason, 0);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    ck_assert_uint_eq(net_log_last(d->net, 0, 1)->sent, d->born + SECONDS(165));
    for (int i = 166; i < 180; i++) {
        duel_at(d, SECONDS(i));
        duel_keepalive(d);
    }
    duel_at(d, SECONDS(180) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 4); /* 165, and two retries of it */
    /* Data under the key before looks at the age of the present one. */
    struct forger old = d->f;
    duel_respond(d);
    uint8_t message[64];
    uint32_t length = forge_data(&old, message, old.counter, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, length).verdict, VPN_DONE);
    net_run(d->net, SECONDS(20));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 4);
    duel_free(d);
}
END_TEST

/* 6.4: initiations every 5 s and up to 333 ms, 20 of them, then the peer is given up and what waits is forgotten. */
START_TEST(retransmission)
{
    struct duel *d = duel_new(12, NULL);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(3600));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 20);
    vpn_time shortest = VPN_NEVER, longest = 0;
    for (size_t i = 1; i < 20; i++) {
        vpn_time gap = net_log_at(d->net, 0, 1, i)->sent - net_log_at(d->net, 0, 1, i - 1)->sent;
        duel_between(gap, SECONDS(5), SECONDS(5) + JITTER);
        shortest = gap < shortest ? gap : shortest;
        longest = gap > longest ? gap : longest;
    }
    ck_assert_uint_gt(longest - shortest, MILLIS(50));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    const vpn_wg_event_info *event = node_event_last(d->a, VPN_WG_GAVE_UP);
    duel_between(event->time - net_log_last(d->net, 0, 1)->sent, SECONDS(5), SECONDS(5) + JITTER);
    duel_between(event->time, SECONDS(101), SECONDS(108));
    ck_assert_uint_eq(event->peer, d->id);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), 0);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_IDLE);
    ck_assert_uint_eq(node_stats(d->a).initiations_sent, 20);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    /* Data begins it anew, and a session that comes of it works. */
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(42));
    ck_assert_uint_gt(duel_sent(d, 1, 0), 27);
    duel_respond(d);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 0);
    size_t sent = duel_sent(d, 1, 0);
    net_run(d->net, SECONDS(10));
    ck_assert_uint_eq(duel_sent(d, 1, 0), sent);
    duel_free(d);
}
END_TEST

/* 6.4: the attempts are counted from the last packet that wanted a session. */
START_TEST(attempts_reset)
{
    struct duel *d = duel_new(13, NULL);
    duel_send(d);
    while (duel_sent(d, 1, 0) < 10)
        net_run(d->net, MILLIS(100));
    duel_send(d);
    net_run(d->net, SECONDS(1000));
    duel_between(duel_sent(d, 1, 0), 29, 30);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    duel_free(d);
}
END_TEST

/* 6.4: a host that goes on sending is answered WAIT and goes on trying, every 5 s and never faster. */
START_TEST(attempts_never_end_under_traffic)
{
    struct duel *d = duel_new(14, NULL);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
        net_run(d->net, SECONDS(1));
    }
    size_t n = duel_sent(d, 1, 0);
    duel_between(n, 185, 201);
    for (size_t i = 1; i < n; i++)
        duel_between(net_log_at(d->net, 0, 1, i)->sent - net_log_at(d->net, 0, 1, i - 1)->sent, SECONDS(5),
                     SECONDS(5) + JITTER);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 0);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), VPN_WG_QUEUE_DEFAULT);
    duel_free(d);
}
END_TEST

/* 6.1, 6.3: keys die at REJECT-AFTER-TIME for both directions, and are gone from memory after three times that. */
START_TEST(reject_and_wipe)
{
    struct duel *d = duel_new(16, NULL);
    net_run(d->net, SECONDS(7));
    if (_i)
        duel_from_node(d);
    else
        duel_from_forger(d);
    node_secret(d->a, d->f.send);
    node_secret(d->a, d->f.receive);
    ck_assert(node_holds(d->a, d->f.send) && node_holds(d->a, d->f.receive));
    duel_at(d, SECONDS(180) - 1);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_SESSION_EXPIRED), 0);
    duel_at(d, SECONDS(180));
    ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_EXPIRED);
    ck_assert_uint_ne(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_SESSION_EXPIRED), 1);
    ck_assert_uint_eq(node_event_last(d->a, VPN_WG_SESSION_EXPIRED)->time, d->born + SECONDS(180));
    duel_at(d, SECONDS(1000));
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    ck_assert(!node_holds(d->a, d->f.send) && !node_holds(d->a, d->f.receive));
    ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_INDEX);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).session_born, VPN_NEVER);
    duel_free(d);
}
END_TEST

/* 6.3: exactly at 540 s with no handshake going on. */
START_TEST(wipe_time)
{
    struct duel *d = duel_new(17, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(540) - 1);
    ck_assert(node_holds(d->a, d->f.send));
    ck_assert_uint_eq(node_stats(d->a).sessions, 1);
    duel_at(d, SECONDS(540));
    ck_assert(!node_holds(d->a, d->f.send));
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    duel_free(d);
}
END_TEST

/* 6.2: while a new session is young the one before goes on receiving until it is 180 s old itself. */
START_TEST(previous_receives)
{
    struct duel *d = duel_new(18, NULL);
    duel_from_node(d);
    struct forger old = d->f;
    vpn_time born = d->born;
    uint8_t message[32];
    duel_at(d, SECONDS(100));
    duel_from_node(d);
    ck_assert_uint_eq(node_stats(d->a).sessions, 2);
    forge_data(&old, message, 10, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, 32).verdict, VPN_DONE);
    duel_send(d);
    ck_assert_uint_eq(forge_le32(net_log_last(d->net, 0, 4)->bytes + 4), d->f.index);
    net_run_until(d->net, born + SECONDS(180) - 1);
    forge_data(&old, message, 11, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, 32).verdict, VPN_DONE);
    net_run_until(d->net, born + SECONDS(180));
    forge_data(&old, message, 12, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, 32).reason, VPN_REASON_EXPIRED);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_SESSION_EXPIRED), 0);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* 6.2: on receive it is asked for once for each key, so what follows are retries with their jitter. */
START_TEST(receive_asks_once)
{
    vpn_time longest = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct duel *d = duel_new(700 + seed, NULL);
        duel_from_node(d);
        for (int i = 165; i < 175; i++) {
            duel_at(d, SECONDS(i));
            duel_keepalive(d);
        }
        vpn_time gap = net_log_at(d->net, 0, 1, 2)->sent - net_log_at(d->net, 0, 1, 1)->sent;
        duel_between(gap, SECONDS(5), SECONDS(5) + JITTER);
        longest = gap > longest ? gap : longest;
        duel_free(d);
    }
    ck_assert_uint_gt(longest, SECONDS(5) + MILLIS(20));
}
END_TEST

/* The verdict on an empty message under a key that the forger still holds. */
static uint8_t under(struct duel *d, struct forger *key)
{
    uint8_t message[32];
    forge_data(key, message, key->counter++, NULL, 0);
    vpn_packet packet = node_feed(d->a, &key->at, message, 32);
    return packet.verdict == VPN_DONE ? 0 : packet.reason;
}

/* An initiation that is answered; the keys are not confirmed yet. */
static struct forger unconfirmed(struct duel *d)
{
    vpn_packet packet = duel_initiate(d);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data), 0);
    return d->f;
}

static struct forger initiated(struct duel *d)
{
    net_run(d->net, SECONDS(5));
    duel_from_node(d);
    return d->f;
}

/* 6.1 and the order of slots: a new session of ours pushes an unconfirmed one to previous and drops current; one of theirs
   drops previous; what is confirmed moves up. */
START_TEST(key_slots)
{
    struct duel *d = duel_new(24, NULL);
    struct forger first = initiated(d), second = initiated(d), third = unconfirmed(d);
    ck_assert_uint_eq(under(d, &first), VPN_REASON_INDEX); /* previous was dropped by the response */
    ck_assert_uint_eq(under(d, &second), 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 2);
    struct forger fourth = initiated(d);
    ck_assert_uint_eq(under(d, &second), VPN_REASON_INDEX);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 3);
    ck_assert_uint_eq(under(d, &third), 0); /* previous now: its data confirms nothing */
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 3);
    duel_send(d);
    ck_assert_uint_eq(forge_le32(net_log_last(d->net, 0, 4)->bytes + 4), fourth.index);
    struct forger fifth = unconfirmed(d);
    net_run(d->net, SECONDS(1));
    struct forger sixth = unconfirmed(d);
    ck_assert_uint_eq(under(d, &fifth), VPN_REASON_INDEX);
    ck_assert_uint_eq(under(d, &third), VPN_REASON_INDEX);
    ck_assert_uint_eq(under(d, &sixth), 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 4);
    ck_assert_uint_eq(under(d, &fourth), 0);
    duel_send(d);
    ck_assert_uint_eq(forge_le32(net_log_last(d->net, 0, 4)->bytes + 4), sixth.index);
    ck_assert_uint_eq(node_stats(d->a).sessions, 2);
    duel_free(d);
}
END_TEST

/* 6.1: one initiation in 5 s; one that is wanted sooner is due exactly then. A response counts too. */
START_TEST(gap)
{
    struct duel *d = duel_new(19, NULL);
    net_run(d->net, SECONDS(9));
    if (_i)
        duel_from_node(d);
    else
        duel_from_forger(d);
    duel_at(d, SECONDS(1));
    size_t before = duel_sent(d, 1, 0);
    vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), d->born + SECONDS(5));
    duel_at(d, SECONDS(5) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), before);
    duel_at(d, SECONDS(5));
    ck_assert_uint_eq(duel_sent(d, 1, 0), before + 1);
    ck_assert_uint_eq(net_log_last(d->net, 0, 1)->sent, d->born + SECONDS(5));
    duel_free(d);
}
END_TEST

/* 6.2: hours of traffic cross many sessions without a loss; only the initiator makes new ones. */
START_TEST(hours_of_traffic)
{
    struct net *net = net_pair(21);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net->jitter = MILLIS(5);
    net_up(net);
    for (int i = 0; i < 2 * 3600; i++) {
        ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_TO_NET);
        ck_assert_uint_eq(node_send(b, a, 8).verdict, VPN_TO_NET);
        net_run(net, SECONDS(1));
        if (i % 600 == 0) {
            ck_assert_uint_le(node_stats(a).sessions, 2);
            ck_assert_uint_le(node_stats(b).sessions, 3);
        }
    }
    ck_assert_uint_eq(a->delivered, 2 * 3600);
    ck_assert_uint_eq(b->delivered, 2 * 3600 + 1);
    duel_between(net_logged(net, 0, 1, 0), 58, 61);
    ck_assert_uint_eq(net_logged(net, 1, 1, 0), 0);
    ck_assert_uint_eq(net_logged(net, 1, 2, 0), net_logged(net, 0, 1, 0));
    ck_assert_uint_eq(node_events(a, VPN_WG_SESSION_EXPIRED) + node_events(b, VPN_WG_SESSION_EXPIRED), 0);
    for (int reason = 0; reason < VPN_REASONS; reason++)
        ck_assert_uint_eq(a->drops[reason] + b->drops[reason], 0);
    net_free(net);
}
END_TEST

/* The same in one direction only: the responder's keepalives are all that comes back, and the initiator rekeys when it sends them. */
START_TEST(hours_one_way)
{
    struct net *net = net_pair(22);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    struct node *from = _i ? b : a, *to = _i ? a : b;
    uint64_t before = to->delivered;
    for (int i = 0; i < 3600; i++) {
        ck_assert_uint_eq(node_send(from, to, 8).verdict, VPN_TO_NET);
        net_run(net, SECONDS(1));
    }
    ck_assert_uint_eq(to->delivered, before + 3600);
    ck_assert_uint_eq(net_logged(net, 1, 1, 0), 0);
    duel_between(net_logged(net, 0, 1, 0), 27, 31);
    net_free(net);
}
END_TEST

/* Initiations back to back leave nothing behind: VPN_LONG=1 makes it 100,000 of them. */
START_TEST(many_initiations)
{
    struct duel *d = duel_new(23, NULL);
    const char *slow = getenv("VPN_LONG");
    int rounds = slow != NULL && *slow == '1' ? 100000 : 500;
    d->net->no_log = 1;
    uint64_t memory = 0;
    for (int i = 0; i < rounds; i++) {
        ck_assert_uint_eq(duel_initiate(d).verdict, VPN_TO_NET);
        if (i % 7 == 0) {
            vpn_packet packet = duel_initiate(d);
            ck_assert_uint_eq(packet.reason, VPN_REASON_FLOOD);
        }
        if (i == 50)
            memory = node_stats(d->a).memory;
        net_run(d->net, MILLIS(20));
    }
    ck_assert_uint_le(node_stats(d->a).sessions, 3);
    ck_assert_uint_eq(node_stats(d->a).memory, memory);
    ck_assert_uint_eq(node_stats(d->a).initiations_received, (uint64_t)rounds);
    duel_free(d);
}
END_TEST

Suite *suite(void);

static TCase *rekey_case(void)
{
    TCase *c = tcase_create("rekey");
    tcase_add_test(c, initiator_rekeys_on_send);
    tcase_add_test(c, initiator_idle);
    tcase_add_test(c, responder_never_rekeys_by_age);
    tcase_add_loop_test(c, initiator_rekeys_on_receive, 0, 2);
    tcase_add_test(c, receive_asks_once);
    tcase_add_test(c, previous_receives);
    tcase_add_test(c, key_slots);
    tcase_add_loop_test(c, gap, 0, 2);
    tcase_add_test(c, hours_of_traffic);
    tcase_add_loop_test(c, hours_one_way, 0, 2);
    tcase_add_test(c, many_initiations);
    tcase_set_timeout(c, 200);
    return c;
}

Suite *suite(void)
{
    Suite *s = suite_create("scenario/timers");
    suite_add_tcase(s, rekey_case());
    test_add(s, "retransmission", retransmission);
    test_add(s, "attempts reset", attempts_reset);
    test_add(s, "attempts never end under traffic", attempts_never_end_under_traffic);
    TCase *both = tcase_create("both roles");
    tcase_add_loop_test(both, reject_and_wipe, 0, 2);
    suite_add_tcase(s, both);
    test_add(s, "wipe time", wipe_time);
    return s;
}

TEST_MAIN(suite)

/* SPDX-License-Identifier: ISC */
#include "scenario/duel.h"

vpn_peer_id duel_add(struct node *a, const struct forger *f, const uint8_t inner4[4])
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = f->at};
    memcpy(peer.public_key, f->public_key, 32);
    vpn_peer_id id = 0;
    ck_assert_int_eq(vpn_wg_peer_add(a->wg, &peer, &id, node_now(a)), 0);
    node_allow(a, id, 4, inner4, 32);
    return id;
}

struct duel *duel_new(uint64_t seed, const vpn_wg_config *config)
{
    struct duel *d = calloc(1, sizeof *d);
    ck_assert_ptr_nonnull(d);
    d->net = net_new(seed);
    d->net->delay = 0;
    d->a = net_node(d->net, config);
    d->wall = 1600000000;
    const uint8_t inner4[4] = {10, 1, 0, 1};
    memcpy(d->inner4, inner4, 4);
    forge_new(&d->f, seed, 1);
    d->id = duel_add(d->a, &d->f, inner4);
    d->a->peers[1] = d->id;
    return d;
}

void duel_free(struct duel *d)
{
    net_free(d->net);
    free(d);
}

vpn_packet duel_respond(struct duel *d)
{
    uint8_t message[92], stamp[12];
    const struct datagram *last = net_log_last(d->net, 0, 1);
    ck_assert_ptr_nonnull(last);
    ck_assert_int_eq(forge_read_initiation(&d->f, last->bytes, stamp), 0);
    ck_assert_mem_eq(d->f.remote, d->a->public_key, 32);
    forge_response(&d->f, message);
    d->born = d->net->now;
    return node_feed(d->a, &d->f.at, message, 92);
}

void duel_from_node(struct duel *d)
{
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).initiator, 1);
}

vpn_packet duel_initiate(struct duel *d)
{
    uint8_t message[148], stamp[12];
    forge_stamp(stamp, d->wall++, 0);
    forge_initiation(&d->f, message, d->a->public_key, stamp);
    return node_feed(d->a, &d->f.at, message, 148);
}

void duel_from_forger(struct duel *d)
{
    vpn_packet packet = duel_initiate(d);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.length, 92);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
    d->born = d->net->now;
    ck_assert_uint_eq(duel_keepalive(d).verdict, VPN_DONE);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).initiator, 0);
}

void duel_hollow(struct duel *d, uint8_t message[148])
{
    forge_bytes(&d->f, message, 148);
    memset(message, 0, 4);
    message[0] = 1;
    memcpy(d->f.remote, d->a->public_key, 32);
    d->f.index = forge_le32(message + 4);
    forge_macs(&d->f, message, 148);
}

void duel_flood(struct duel *d, uint32_t n)
{
    uint8_t message[148];
    int held = d->f.has_cookie;
    d->f.has_cookie = 0;
    for (uint32_t i = 0; i < n; i++) {
        vpn_endpoint from = {.family = 4, .port = (uint16_t)(1 + test_below(&d->net->seed, 60000)), .addr = {100}};
        test_fill(&d->net->seed, from.addr + 1, 3);
        duel_hollow(d, message);
        node_feed(d->a, &from, message, 148);
    }
    d->f.has_cookie = held;
}

void duel_overload(struct duel *d, uint32_t load_rate)
{
    duel_flood(d, load_rate + 1);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
}

void duel_get_cookie(struct duel *d, const vpn_endpoint *from)
{
    uint8_t message[148];
    d->f.has_cookie = 0;
    duel_hollow(d, message);
    vpn_packet packet = node_feed(d->a, from, message, 148);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_int_eq(forge_read_cookie_reply(&d->f, packet.data + packet.offset), 0);
}

vpn_packet duel_text(struct duel *d, const vpn_endpoint *from, uint64_t counter, const uint8_t *text, uint32_t length)
{
    uint8_t message[2048 + 32];
    ck_assert_uint_le(length, 2048);
    uint32_t total = forge_data(&d->f, message, counter, text, length);
    return node_feed(d->a, from, message, total);
}

vpn_packet duel_keepalive(struct duel *d)
{
    return duel_text(d, &d->f.at, d->f.counter++, NULL, 0);
}

vpn_packet duel_data_at(struct duel *d, uint64_t counter)
{
    uint8_t inner[48] = {0};
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
    return duel_text(d, &d->f.at, counter, inner, 48);
}

vpn_packet duel_data(struct duel *d)
{
    return duel_data_at(d, d->f.counter++);
}

vpn_packet duel_send(struct duel *d)
{
    uint8_t inner[40];
    net_inner(d->net, inner, 4, d->a->inner4, d->inner4, 40, 0);
    return node_send_bytes(d->a, inner, 40);
}

size_t duel_sent(const struct duel *d, uint8_t type, vpn_time since)
{
    return net_logged(d->net, 0, type, since);
}

void duel_at(struct duel *d, vpn_time after)
{
    net_run_until(d->net, d->born + after);
}

void duel_between(uint64_t value, uint64_t low, uint64_t high)
{
    ck_assert_msg(value >= low && value <= high, "%llu is not in %llu..%llu", (unsigned long long)value,
                  (unsigned long long)low, (unsigned long long)high);
}

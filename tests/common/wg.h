/* SPDX-License-Identifier: ISC */
/* Devices for the tests of single modules: two of them, packets between them, and nothing that happens by itself. */
#ifndef VPN_TESTS_COMMON_WG_H
#define VPN_TESTS_COMMON_WG_H

#include "common/host.h"
#include "wireguard/device.h"

#define WG_ROOM 2048u
#define WG_WALL 1700000000u

/* Node i owns 10.0.i.0/24 and fd00:0:0:i::/64, and is reached at 192.0.2.(i+1) port 1000+i. */
struct wg_node {
    struct host host;
    vpn_wg *wg;
    uint8_t private_key[32];
    uint8_t public_key[32];
    vpn_endpoint at;
    vpn_peer_id peer; /* the other one */
    uint8_t number;
};

/* A packet with memory of its own. */
struct wg_buffer {
    vpn_packet packet;
    uint8_t bytes[WG_ROOM];
};

static inline vpn_endpoint wg_endpoint(uint8_t last, uint16_t port)
{
    vpn_endpoint e = {.family = 4, .port = port, .addr = {192, 0, 2, last}};
    return e;
}

static inline vpn_prefix wg_prefix4(uint8_t third, uint8_t bits)
{
    vpn_prefix p = {.family = 4, .bits = bits, .addr = {10, 0, third}};
    return p;
}

static inline vpn_prefix wg_prefix6(uint8_t fourth, uint8_t bits)
{
    vpn_prefix p = {.family = 6, .bits = bits, .addr = {0xfd, 0, 0, 0, 0, 0, 0, fourth}};
    return p;
}

/* `config` may be NULL; its env is ours. The key is made from `number`. */
static inline void wg_node_init(struct wg_node *node, uint8_t number, const vpn_wg_config *config)
{
    vpn_wg_config own = {.size = sizeof(own)};
    uint64_t seed = number + UINT64_C(1000);
    if (config)
        own = *config;
    memset(node, 0, sizeof(*node));
    host_init(&node->host);
    node->host.base.seed = seed * 77;
    node->host.base.now.seconds = WG_WALL;
    node->number = number;
    node->at = wg_endpoint((uint8_t)(number + 1), (uint16_t)(1000 + number));
    own.env = &node->host.env;
    ck_assert_int_eq(vpn_wg_new(&node->wg, &own), 0);
    test_fill(&seed, node->private_key, 32);
    node->private_key[0] &= 248;
    node->private_key[31] = (uint8_t)((node->private_key[31] & 127) | 64);
    vpn_key_public(node->public_key, node->private_key);
    ck_assert_int_eq(vpn_wg_set_private_key(node->wg, node->private_key, 0), 0);
}

static inline void wg_node_end(struct wg_node *node)
{
    ck_assert_int_eq(vpn_wg_free(node->wg), 0);
    host_end(&node->host);
}

/* Makes `other` the peer of `node`, with its endpoint and its prefixes. */
static inline void wg_node_meet(struct wg_node *node, const struct wg_node *other, vpn_time now)
{
    vpn_wg_peer peer = {.size = sizeof(peer), .set = VPN_WG_SET_ENDPOINT, .endpoint = other->at};
    vpn_prefix four = wg_prefix4(other->number, 24), six = wg_prefix6(other->number, 64);
    memcpy(peer.public_key, other->public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_add(node->wg, &peer, &node->peer, now), 0);
    ck_assert_int_eq(vpn_wg_allow(node->wg, node->peer, &four), 0);
    ck_assert_int_eq(vpn_wg_allow(node->wg, node->peer, &six), 0);
}

static inline void wg_pair_init(struct wg_node pair[2], const vpn_wg_config *config)
{
    wg_node_init(&pair[0], 0, config);
    wg_node_init(&pair[1], 1, config);
    wg_node_meet(&pair[0], &pair[1], 0);
    wg_node_meet(&pair[1], &pair[0], 0);
}

static inline void wg_pair_end(struct wg_node pair[2])
{
    wg_node_end(&pair[0]);
    wg_node_end(&pair[1]);
}

static inline struct vpn__peer *wg_peer(const struct wg_node *node)
{
    return vpn__wg_peer(node->wg, (uint32_t)node->peer);
}

static inline vpn_packet *wg_empty(struct wg_buffer *buffer)
{
    memset(buffer, 0, sizeof(*buffer));
    buffer->packet.data = buffer->bytes;
    buffer->packet.capacity = WG_ROOM;
    buffer->packet.offset = 64;
    return &buffer->packet;
}

/* An inner IPv4 packet of `length` bytes, 20 or more, from 10.0.from.1 to 10.0.to.1. */
static inline vpn_packet *wg_inner(struct wg_buffer *buffer, uint8_t from, uint8_t to, uint32_t length)
{
    vpn_packet *packet = wg_empty(buffer);
    uint8_t *ip = packet->data + packet->offset;
    const uint8_t header[20] = {
        0x45, 0, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, from, 1, 10, 0, to, 1};
    memcpy(ip, header, sizeof(header));
    for (uint32_t i = 20; i < length; i++)
        ip[i] = (uint8_t)i;
    packet->length = length;
    return packet;
}

/* The datagram arrives: its path is that of the sender. */
static inline vpn_packet *wg_arrive(vpn_packet *packet, const vpn_endpoint *from)
{
    memset(&packet->path, 0, sizeof(packet->path));
    packet->path.remote = *from;
    return packet;
}

/* Copies a datagram, so that it can arrive more than once. */
static inline vpn_packet *wg_copy(struct wg_buffer *to, const vpn_packet *from)
{
    vpn_packet *packet = wg_empty(to);
    memcpy(packet->data + packet->offset, from->data + from->offset, from->length);
    packet->length = from->length;
    packet->path = from->path;
    packet->tos = from->tos;
    return packet;
}

/* Receives one datagram from an address and gives its verdict. */
static inline uint8_t wg_recv(struct wg_node *node, vpn_packet *packet, const vpn_endpoint *from, vpn_time now)
{
    size_t carry = vpn_wg_recv(node->wg, wg_arrive(packet, from), 1, now);
    ck_assert_uint_eq(carry, packet->verdict == VPN_TO_NET || packet->verdict == VPN_TO_TUN);
    return packet->verdict;
}

static inline uint8_t wg_send(struct wg_node *node, vpn_packet *packet, vpn_time now)
{
    size_t carry = vpn_wg_send(node->wg, packet, 1, now);
    ck_assert_uint_eq(carry, packet->verdict == VPN_TO_NET);
    return packet->verdict;
}

/* One message of a tick, or NULL. */
static inline vpn_packet *wg_tick(struct wg_node *node, struct wg_buffer *buffer, vpn_time now)
{
    return vpn_wg_tick(node->wg, wg_empty(buffer), 1, now) ? &buffer->packet : NULL;
}

/* The initiation of a handshake that is asked for now. */
static inline vpn_packet *wg_initiate(struct wg_node *node, struct wg_buffer *buffer, vpn_time now)
{
    ck_assert_int_eq(vpn_wg_handshake(node->wg, node->peer, now), 0);
    vpn_packet *packet = wg_tick(node, buffer, now);
    ck_assert_ptr_nonnull(packet);
    ck_assert_uint_eq(packet->type, 1);
    return packet;
}

/* A whole handshake: pair[by] initiates, and both sides have the session as current afterwards. */
static inline void wg_connect(struct wg_node pair[2], unsigned by, vpn_time now)
{
    static struct wg_buffer buffer;
    vpn_packet *packet = wg_initiate(&pair[by], &buffer, now);
    ck_assert_uint_eq(wg_recv(&pair[!by], packet, &pair[by].at, now), VPN_TO_NET);
    ck_assert_uint_eq(packet->type, 2);
    ck_assert_uint_eq(wg_recv(&pair[by], packet, &pair[!by].at, now), VPN_TO_NET);
    ck_assert_uint_eq(packet->type, 4);
    ck_assert_uint_eq(wg_recv(&pair[!by], packet, &pair[by].at, now), VPN_DONE);
}

static inline uint64_t wg_drops(const struct wg_node *node, uint8_t reason)
{
    vpn_wg_stats stats = {.size = sizeof(stats)};
    ck_assert_int_eq(vpn_wg_get_stats(node->wg, &stats), 0);
    return stats.drops[reason];
}

static inline vpn_wg_peer_stats wg_peer_stats(const struct wg_node *node, vpn_time now)
{
    vpn_wg_peer_stats stats = {.size = sizeof(stats)};
    ck_assert_int_eq(vpn_wg_peer_get_stats(node->wg, node->peer, &stats, now), 0);
    return stats;
}

static inline vpn_wg_stats wg_stats(const struct wg_node *node)
{
    vpn_wg_stats stats = {.size = sizeof(stats)};
    ck_assert_int_eq(vpn_wg_get_stats(node->wg, &stats), 0);
    return stats;
}

/* Takes the next event, whose type must be this. */
static inline vpn_wg_event_info wg_event(struct wg_node *node, uint32_t type)
{
    vpn_wg_event_info event;
    ck_assert_int_eq(vpn_wg_event(node->wg, &event), 0);
    ck_assert_uint_eq(event.type, type);
    return event;
}

static inline void wg_no_event(struct wg_node *node)
{
    vpn_wg_event_info event;
    ck_assert_int_eq(vpn_wg_event(node->wg, &event), VPN_ENOENT);
}

static inline void wg_forget_events(struct wg_node *node)
{
    vpn_wg_event_info event;
    while (vpn_wg_event(node->wg, &event) == 0)
        ;
}

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Two devices that know each other, each with a host of its own, and datagrams that the test carries between them by hand.
 * The clock stands unless the test moves `now`. Drops are counted by pair_dropped and pair_quiet, so that none goes unseen.
 */
#ifndef VPN_TESTS_COMMON_PAIR_H
#define VPN_TESTS_COMMON_PAIR_H

#include <vpn/vpn.h>

#include "common/host.h"
#include "wireguard/device.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/wire.h"

#define PAIR_ROOM    2048u
#define PAIR_SECONDS UINT64_C(1700000000)

struct side {
    struct host host;
    vpn_wg *wg;
    vpn_peer_id peer; /* the other side; 0 once the test removed it */
    uint8_t private_key[32], public_key[32];
    vpn_endpoint at;
    uint8_t inner4[4], inner6[16];
    uint64_t drops[VPN_REASONS], peer_drops[VPN_REASONS]; /* those that the test has accounted for */
};

struct pair {
    vpn_time now;
    struct side a, b;
};

/* A packet with its buffer; it stays where it is. */
struct mail {
    vpn_packet packet;
    uint8_t room[PAIR_ROOM];
};

static inline void mail_fresh(struct mail *m)
{
    memset(&m->packet, 0, sizeof m->packet);
    memset(m->room, 0xcc, sizeof m->room);
    m->packet.data = m->room;
    m->packet.capacity = sizeof m->room;
    m->packet.offset = 64;
}

/* A datagram as it arrives from `from`. */
static inline void mail_bytes(struct mail *m, const void *bytes, size_t length, const vpn_endpoint *from)
{
    mail_fresh(m);
    ck_assert_uint_le(m->packet.offset + length, sizeof m->room);
    memcpy(m->room + m->packet.offset, bytes, length);
    m->packet.length = (uint32_t)length;
    m->packet.path.remote = *from;
}

static inline uint8_t *mail_text(const struct mail *m)
{
    return m->packet.data + m->packet.offset;
}

/* `out` arrives as what `in` holds. */
static inline void mail_copy(struct mail *out, const struct mail *in, const vpn_endpoint *from)
{
    uint8_t bytes[PAIR_ROOM];
    memcpy(bytes, mail_text(in), in->packet.length);
    mail_bytes(out, bytes, in->packet.length, from);
}

/* An inner packet of `length` bytes in all, zeros behind its header; at least 20 or 40. */
static inline void inner_write(uint8_t *out, uint8_t family, const uint8_t *from, const uint8_t *to, uint32_t length)
{
    uint32_t said = family == 4 ? length : length - 40;
    size_t address = family == 4 ? 4 : 16;
    memset(out, 0, length);
    out[0] = family == 4 ? 0x45 : 0x60;
    out[family == 4 ? 2 : 4] = (uint8_t)(said >> 8);
    out[family == 4 ? 3 : 5] = (uint8_t)said;
    memcpy(out + (family == 4 ? 12 : 8), from, address);
    memcpy(out + (family == 4 ? 16 : 24), to, address);
}

static inline void mail_inner(struct mail *m, uint8_t family, const struct side *from, const struct side *to,
                              uint32_t length)
{
    mail_fresh(m);
    inner_write(mail_text(m), family, family == 4 ? from->inner4 : from->inner6, family == 4 ? to->inner4 : to->inner6,
                length);
    m->packet.length = length;
}

static inline struct vpn__peer *side_peer(const struct side *s)
{
    struct vpn__peer *peer = vpn__peer_find(s->wg, s->peer);

    if (peer == NULL)
        ck_abort_msg("the peer is gone");
    return peer;
}

static inline struct vpn_session *side_current(const struct side *s)
{
    return side_peer(s)->ring.current;
}

static inline vpn_wg_stats side_stats(const struct side *s)
{
    vpn_wg_stats stats = {.size = sizeof stats};
    ck_assert_int_eq(vpn_wg_get_stats(s->wg, &stats), 0);
    return stats;
}

/* `count` drops for one reason were counted since the last look, in the right places, and none for another. */
static inline void side_drops(struct side *s, uint32_t reason, uint64_t count)
{
    vpn_wg_stats stats = side_stats(s);
    vpn_wg_peer_stats peer = {.size = sizeof peer};
    if (s->peer != 0)
        ck_assert_int_eq(vpn_wg_peer_get_stats(s->wg, s->peer, &peer, 0), 0);
    for (uint32_t i = 0; i < VPN_REASONS; i++) {
        s->drops[i] += i == reason ? count : 0;
        s->peer_drops[i] += i == reason && i >= VPN_REASON_PEER_FIRST ? count : 0;
        ck_assert_msg(stats.drops[i] == s->drops[i], "device: %s", vpn_reason_name(i));
        ck_assert_msg(s->peer == 0 || peer.drops[i] == s->peer_drops[i], "peer: %s", vpn_reason_name(i));
    }
}

static inline void side_dropped(struct side *s, const vpn_packet *packet, uint32_t reason)
{
    ck_assert_uint_eq(packet->verdict, VPN_DROP);
    ck_assert_str_eq(vpn_reason_name(packet->reason), vpn_reason_name(reason));
    side_drops(s, reason, 1);
}

static inline void side_quiet(struct side *s)
{
    side_drops(s, VPN_REASON_NONE, 0);
}

/* One packet through vpn_wg_send or vpn_wg_recv; the verdict. */
static inline uint8_t side_send(struct side *s, struct mail *m, vpn_time now)
{
    vpn_wg_send(s->wg, &m->packet, 1, now);
    return m->packet.verdict;
}

static inline uint8_t side_recv(struct side *s, struct mail *m, vpn_time now)
{
    vpn_wg_recv(s->wg, &m->packet, 1, now);
    return m->packet.verdict;
}

/* What tick writes, or nothing. */
static inline size_t side_tick(struct side *s, struct mail *m, vpn_time now)
{
    mail_fresh(m);
    return vpn_wg_tick(s->wg, &m->packet, 1, now);
}

static inline void side_allow(struct side *s, vpn_peer_id id, uint8_t family, const uint8_t *addr, uint8_t bits)
{
    vpn_prefix prefix = {.family = family, .bits = bits};
    memcpy(prefix.addr, addr, family == 4 ? 4 : 16);
    ck_assert_int_eq(vpn_wg_allow(s->wg, id, &prefix), 0);
}

static inline void side_set(struct side *s, vpn_wg_peer *settings, uint32_t what, vpn_time now)
{
    settings->size = sizeof *settings;
    settings->set = what;
    ck_assert_int_eq(vpn_wg_peer_set(s->wg, s->peer, settings, now), 0);
}

static inline void side_forget_endpoint(struct side *s, vpn_time now)
{
    vpn_wg_peer none = {0};
    side_set(s, &none, VPN_WG_SET_ENDPOINT, now);
}

/* A device with the key that belongs to a number, at 192.0.2.NUMBER, inside 10.0.0.NUMBER and fd00::NUMBER. */
static inline void side_new(struct side *s, uint8_t number, const vpn_wg_config *config, vpn_time now)
{
    vpn_wg_config full = {0};
    memset(s, 0, sizeof *s);
    host_init(&s->host);
    s->host.base.seed = number;
    s->host.base.now.seconds = PAIR_SECONDS;
    if (config != NULL)
        full = *config;
    full.size = sizeof full;
    full.env = &s->host.env;
    ck_assert_int_eq(vpn_wg_new(&s->wg, &full), 0);
    memset(s->private_key, number, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(s->wg, s->private_key, now), 0);
    vpn_wg_public_key(s->wg, s->public_key);
    s->at = (vpn_endpoint){.family = 4, .port = (uint16_t)(1000 + number), .addr = {192, 0, 2, number}};
    memcpy(s->inner4, (const uint8_t[4]){10, 0, 0, number}, 4);
    s->inner6[0] = 0xfd;
    s->inner6[15] = number;
}

static inline void side_meet(struct side *s, const struct side *other, vpn_time now)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = other->at};
    memcpy(peer.public_key, other->public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_add(s->wg, &peer, &s->peer, now), 0);
    side_allow(s, s->peer, 4, other->inner4, 32);
    side_allow(s, s->peer, 6, other->inner6, 128);
    side_allow(s, s->peer, 4, (const uint8_t[4]){172, 16, 0, 0}, 12);
}

static inline void pair_new(struct pair *p, const vpn_wg_config *config)
{
    p->now = 1000 * VPN_SECOND;
    side_new(&p->a, 1, config, p->now);
    side_new(&p->b, 2, config, p->now);
    side_meet(&p->a, &p->b, p->now);
    side_meet(&p->b, &p->a, p->now);
}

static inline void side_free(struct side *s)
{
    ck_assert_int_eq(vpn_wg_free(s->wg), 0);
    host_end(&s->host);
}

static inline void pair_free(struct pair *p)
{
    side_free(&p->a);
    side_free(&p->b);
}

/* An initiation of `s` as it leaves. */
static inline void side_initiate(struct side *s, struct mail *m, vpn_time now)
{
    ck_assert_int_eq(vpn_wg_handshake(s->wg, s->peer, now), 0);
    while (side_tick(s, m, now) == 0 || m->packet.type != VPN__INITIATION)
        ck_assert_uint_le(vpn_wg_deadline(s->wg), now);
}

/* The response of `to` to a new initiation of `from`, as it arrives there. */
static inline void pair_respond(struct pair *p, struct side *from, struct side *to, struct mail *m)
{
    struct mail first;
    side_initiate(from, &first, p->now);
    mail_copy(m, &first, &from->at);
    ck_assert_uint_eq(side_recv(to, m, p->now), VPN_TO_NET);
    ck_assert_uint_eq(m->packet.type, VPN__RESPONSE);
    mail_copy(&first, m, &to->at);
    mail_copy(m, &first, &to->at);
}

/* A whole handshake, confirmed. */
static inline void pair_handshake(struct pair *p, struct side *from, struct side *to)
{
    struct mail m, last;
    pair_respond(p, from, to, &m);
    ck_assert_uint_eq(side_recv(from, &m, p->now), VPN_TO_NET);
    mail_copy(&last, &m, &from->at);
    ck_assert_uint_eq(side_recv(to, &last, p->now), VPN_DONE);
    ck_assert_ptr_nonnull(side_current(from));
    ck_assert_ptr_nonnull(side_current(to));
}

static inline void pair_up(struct pair *p, const vpn_wg_config *config)
{
    pair_new(p, config);
    pair_handshake(p, &p->a, &p->b);
    side_quiet(&p->a);
    side_quiet(&p->b);
}

/* An inner packet of `from`, sealed, as it arrives at `to`. */
static inline void pair_sealed(struct pair *p, struct mail *m, struct side *from, const struct side *to,
                               uint32_t length)
{
    struct mail sent;
    mail_inner(&sent, 4, from, to, length);
    ck_assert_uint_eq(side_send(from, &sent, p->now), VPN_TO_NET);
    mail_copy(m, &sent, &from->at);
}

#endif

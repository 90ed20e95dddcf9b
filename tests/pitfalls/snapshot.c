/* SPDX-License-Identifier: ISC */
#include "pitfalls/snapshot.h"

#include "wireguard/peer.h"

#define KEEP(state, member) vpn_blake2s_update((state), &(member), sizeof(member))

static void keep_session(vpn_blake2s *state, const struct vpn_session *session)
{
    KEEP(state, session);
    if (session == NULL)
        return;
    KEEP(state, session->counter);
    KEEP(state, session->born);
    KEEP(state, session->local_index);
    KEEP(state, session->remote_index);
    KEEP(state, session->mute);
    KEEP(state, session->retired);
    KEEP(state, session->pins);
    KEEP(state, session->replay.greatest);
    vpn_blake2s_update(state, session->replay.map, session->replay.words * sizeof *session->replay.map);
}

/* The agreement of the static keys is left out: it may be computed at any time and tells nobody anything. */
static void keep_peer(const vpn_wg *wg, const struct vpn__peer *peer, uint8_t out[SNAPSHOT_DIGEST])
{
    const struct vpn__handshake *handshake = peer->handshake != 0 ? vpn__wg_handshake(wg, peer) : NULL;
    uint32_t revived = peer->revived;
    vpn_blake2s state;
    ck_assert_int_eq(vpn_blake2s_init(&state, SNAPSHOT_DIGEST, NULL, 0), 0);
    keep_session(&state, peer->ring.previous);
    keep_session(&state, peer->ring.current);
    keep_session(&state, peer->ring.next);
    KEEP(&state, peer->timers);
    KEEP(&state, peer->path);
    KEEP(&state, peer->waiting);
    KEEP(&state, revived);
    KEEP(&state, peer->cookie);
    KEEP(&state, peer->stamp_received);
    KEEP(&state, peer->stamp_sent);
    KEEP(&state, peer->initiation_taken);
    KEEP(&state, peer->asked);
    KEEP(&state, peer->latch);
    KEEP(&state, handshake);
    if (handshake != NULL)
        KEEP(&state, *handshake);
    vpn_blake2s_final(&state, out);
}

static void keep_device(const vpn_wg *wg, uint8_t out[SNAPSHOT_DIGEST])
{
    vpn_blake2s state;
    ck_assert_int_eq(vpn_blake2s_init(&state, SNAPSHOT_DIGEST, NULL, 0), 0);
    KEEP(&state, wg->checker);
    KEEP(&state, wg->stamp_floor);
    KEEP(&state, wg->stamp_greatest);
    KEEP(&state, wg->unknown);
    KEEP(&state, wg->in_flight);
    KEEP(&state, wg->load_told);
    KEEP(&state, wg->suspended);
    KEEP(&state, wg->jitter_state);
    vpn_blake2s_update(&state, wg->limiter.entries, wg->limiter.room * sizeof *wg->limiter.entries);
    vpn_blake2s_final(&state, out);
}

static void keep_prefixes(const vpn_wg *wg, vpn_peer_id id, uint8_t out[SNAPSHOT_DIGEST])
{
    vpn_blake2s state;
    vpn_prefix prefix;
    uint64_t cursor = 0;
    memset(&prefix, 0, sizeof prefix);
    ck_assert_int_eq(vpn_blake2s_init(&state, SNAPSHOT_DIGEST, NULL, 0), 0);
    while (vpn_wg_allowed(wg, id, &cursor, &prefix) == 0) {
        KEEP(&state, prefix.family);
        KEEP(&state, prefix.bits);
        KEEP(&state, prefix.addr);
    }
    vpn_blake2s_final(&state, out);
}

void snapshot_take(struct node *node, struct snapshot_all *out)
{
    vpn_wg *wg = node->wg;
    memset(out, 0, sizeof *out);
    node_take_events(node);
    out->stats = node_stats(node);
    vpn_wg_private_key(wg, out->private_key);
    vpn_wg_stamp(wg, out->stamp);
    keep_device(wg, out->inside);
    out->deadline = vpn_wg_deadline(wg);
    out->delivered = node->delivered;
    out->replies = node->replies;
    out->random = node->env.seed;
    out->events = node->event_count;
    out->log = node->net->log.count;
    out->flying = node->net->flying.count;
    out->allocations = node->env.calls;
    for (vpn_peer_id id = vpn_wg_peer_next(wg, 0); id != 0; id = vpn_wg_peer_next(wg, id)) {
        ck_assert_uint_lt(out->count, SNAPSHOT_PEERS);
        struct snapshot_peer *peer = &out->peers[out->count++];
        peer->id = id;
        peer->settings.size = sizeof peer->settings;
        ck_assert_int_eq(vpn_wg_peer_get(wg, id, &peer->settings), 0);
        peer->stats = node_peer_stats(node, id);
        peer->parked = vpn_queue_count(node->queue, id);
        keep_prefixes(wg, id, peer->prefixes);
        keep_peer(wg, vpn__peer_find(wg, id), peer->inside);
    }
}

/* The peers' part of the drops; they are struck out of `before` once they are found right. */
static void strike_drops(struct snapshot_all *before, const struct snapshot_all *after,
                         const uint64_t counts[VPN_REASONS])
{
    for (uint32_t reason = 0; reason < VPN_REASONS; reason++) {
        uint64_t grown = 0;
        ck_assert_msg(after->stats.drops[reason] - before->stats.drops[reason] == counts[reason],
                      "%llu drops for '%s', not %llu",
                      (unsigned long long)(after->stats.drops[reason] - before->stats.drops[reason]),
                      vpn_reason_name(reason), (unsigned long long)counts[reason]);
        for (size_t i = 0; i < before->count; i++)
            grown += after->peers[i].stats.drops[reason] - before->peers[i].stats.drops[reason];
        ck_assert_uint_eq(grown, reason >= VPN_REASON_PEER_FIRST ? counts[reason] : 0);
    }
    memcpy(before->stats.drops, after->stats.drops, sizeof before->stats.drops);
    for (size_t i = 0; i < before->count; i++)
        memcpy(before->peers[i].stats.drops, after->peers[i].stats.drops, sizeof after->peers[i].stats.drops);
}

static void compare_peers(const struct snapshot_peer *want, const struct snapshot_peer *have)
{
    ck_assert_uint_eq(have->id, want->id);
    ck_assert_msg(net_endpoint_equal(&have->stats.path.remote, &want->stats.path.remote), "the endpoint moved");
    ck_assert_mem_eq(&have->stats, &want->stats, sizeof want->stats);
    ck_assert_mem_eq(&have->settings, &want->settings, sizeof want->settings);
    ck_assert_mem_eq(have->prefixes, want->prefixes, sizeof want->prefixes);
    ck_assert_uint_eq(have->parked, want->parked);
    ck_assert_msg(memcmp(have->inside, want->inside, sizeof want->inside) == 0, "a peer's inner state moved");
}

void snapshot_peers_unmoved(struct node *node, const struct snapshot_all *before)
{
    struct snapshot_all *have = malloc(sizeof *have);
    ck_assert_ptr_nonnull(have);
    snapshot_take(node, have);
    ck_assert_uint_eq(have->count, before->count);
    for (size_t i = 0; i < before->count; i++)
        compare_peers(&before->peers[i], &have->peers[i]);
    vpn_wipe(have, sizeof *have);
    free(have);
}

void snapshot_unmoved_but(struct node *node, const struct snapshot_all *before, const uint64_t counts[VPN_REASONS])
{
    struct snapshot_all *want = malloc(sizeof *want), *have = malloc(sizeof *have);
    ck_assert(want != NULL && have != NULL);
    memcpy(want, before, sizeof *want);
    snapshot_take(node, have);
    ck_assert_uint_eq(have->count, want->count);
    strike_drops(want, have, counts);
    ck_assert_mem_eq(&have->stats, &want->stats, sizeof want->stats);
    ck_assert_uint_eq(have->deadline, want->deadline);
    ck_assert_uint_eq(have->delivered, want->delivered);
    ck_assert_uint_eq(have->replies, want->replies);
    ck_assert_uint_eq(have->events, want->events);
    ck_assert_uint_eq(have->log, want->log);
    ck_assert_uint_eq(have->flying, want->flying);
    ck_assert_uint_eq(have->allocations, want->allocations);
    ck_assert_uint_eq(have->random, want->random);
    ck_assert_mem_eq(have->private_key, want->private_key, sizeof want->private_key);
    ck_assert_mem_eq(have->stamp, want->stamp, sizeof want->stamp);
    ck_assert_msg(memcmp(have->inside, want->inside, sizeof want->inside) == 0, "the device's inner state moved");
    for (size_t i = 0; i < want->count; i++)
        compare_peers(&want->peers[i], &have->peers[i]);
    vpn_wipe(want, sizeof *want);
    free(want);
    free(have);
}

void snapshot_unmoved(struct node *node, const struct snapshot_all *before, uint32_t reason, uint64_t count)
{
    uint64_t counts[VPN_REASONS] = {0};
    ck_assert_uint_lt(reason, VPN_REASONS);
    counts[reason] = count;
    snapshot_unmoved_but(node, before, counts);
}

void snapshot_attack(struct node *node, const vpn_endpoint *from, const uint8_t *message, uint32_t length,
                     uint32_t reason)
{
    struct snapshot_all *before = malloc(sizeof *before);
    ck_assert_ptr_nonnull(before);
    snapshot_take(node, before);
    vpn_packet packet = node_feed(node, from, message, length);
    ck_assert_uint_eq(packet.verdict, VPN_DROP);
    ck_assert_msg(packet.reason == reason, "'%s', not '%s'", vpn_reason_name(packet.reason), vpn_reason_name(reason));
    snapshot_unmoved(node, before, reason, 1);
    vpn_wipe(before, sizeof *before);
    free(before);
}

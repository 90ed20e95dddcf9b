/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: authentication and endpoints. Each attack is made against a whole
 * device, and moves nothing. Number 3 is tests/interop/oversized.sh. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"
#include "wireguard/peer.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};
static struct snapshot_all before;

static struct duel *small_duel(uint64_t seed, const vpn_provider *provider)
{
    vpn_wg_config config = {.sources = 16, .provider = provider};
    return duel_new(seed, &config);
}

/* A message that has to be dropped for `reason`, and to move nothing. */
static void attack(struct duel *d, const uint8_t *message, uint32_t length, uint32_t reason)
{
    snapshot_attack(d->a, &elsewhere, message, length, reason);
}

static void put_index(uint8_t *message, uint32_t index)
{
    for (int i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(index >> (8 * i));
}

/* --- 1 --- */

/* A provider with nothing but AEAD, whose slots are longer than the key and which has a scratch. */
static int bare_key(void *slot, const uint8_t key[32])
{
    memset(slot, 0x11, 96);
    memcpy((uint8_t *)slot + 64, key, 32);
    return 0;
}

static int bare_scratch(void *scratch)
{
    memset(scratch, 0x22, 64);
    return 0;
}

static size_t bare_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    ck_assert_ptr_nonnull(scratch);
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];
        vpn_aead_seal(job->data, job->data, job->length, job->ad, job->ad_length, job->nonce,
                      (const uint8_t *)job->key + 64);
        job->done = 1;
    }
    return n;
}

/* The text is left as it was when it is not authentic. */
static size_t bare_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    static uint8_t text[4096];
    size_t done = 0;
    ck_assert_ptr_nonnull(scratch);
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];
        ck_assert_uint_le(job->length, sizeof text);
        job->done = vpn_aead_open(text, job->data, job->length + 16, job->ad, job->ad_length, job->nonce,
                                  (const uint8_t *)job->key + 64) == 0;
        if (job->done)
            memcpy(job->data, text, job->length);
        done += job->done;
    }
    return done;
}

static const vpn_provider bare = {.size = sizeof(vpn_provider),
                                  .key_size = 96,
                                  .scratch_size = 64,
                                  .name = "bare",
                                  .init_key = bare_key,
                                  .init_scratch = bare_scratch,
                                  .seal = bare_seal,
                                  .open = bare_open};

#define PROVIDERS 2

static const vpn_provider *provider_at(int i)
{
    return i == 0 ? vpn_provider_sodium() : &bare;
}

/* One bit of a byte is changed; `sign`: by someone who knows our public key and so can write mac1. */
static void flip(struct duel *d, const uint8_t *message, uint32_t length, uint32_t at, int sign, uint32_t reason)
{
    uint8_t copy[148];
    memcpy(copy, message, length);
    copy[at] ^= (uint8_t)(1u << at % 8);
    if (sign)
        forge_macs(&d->f, copy, length);
    attack(d, copy, length, reason);
}

START_TEST(pitfall_01_aead_failure_ignored_initiation)
{
    struct duel *d = small_duel(1, provider_at(_i));
    uint8_t message[148], stamp[12];
    forge_stamp(stamp, 1700000000, 0);
    forge_initiation(&d->f, message, d->a->public_key, stamp);
    for (uint32_t i = 0; i < 132; i++)
        flip(d, message, 148, i, 0, i < 4 ? VPN_REASON_TYPE : VPN_REASON_MAC1);
    for (uint32_t i = 8; i < 116; i++)
        flip(d, message, 148, i, 1, VPN_REASON_HANDSHAKE);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 148).length, 92);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_01_aead_failure_ignored_response)
{
    struct duel *d = small_duel(2, provider_at(_i));
    uint8_t message[92], stamp[12];
    duel_send(d);
    net_run(d->net, 0);
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
    forge_response(&d->f, message);
    flip(d, message, 92, 0, 0, VPN_REASON_LENGTH); /* a cookie reply is shorter */
    for (uint32_t i = 1; i < 76; i++)
        flip(d, message, 92, i, 0, i < 4 ? VPN_REASON_TYPE : VPN_REASON_MAC1);
    for (uint32_t i = 8; i < 60; i++)
        flip(d, message, 92, i, 1, i < 12 ? VPN_REASON_INDEX : VPN_REASON_RESPONSE);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_DONE);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_01_aead_failure_ignored_cookie_reply)
{
    struct duel *d = small_duel(3, provider_at(_i));
    uint8_t message[64];
    const uint8_t cookie[16] = {1, 2, 3};
    duel_send(d);
    net_run(d->net, 0);
    forge_cookie_reply(&d->f, message, net_log_last(d->net, 0, 1)->bytes, 148, cookie);
    flip(d, message, 64, 0, 0, VPN_REASON_LENGTH);
    for (uint32_t i = 1; i < 64; i++) {
        uint32_t named = i < 8 ? VPN_REASON_INDEX : VPN_REASON_COOKIE;
        flip(d, message, 64, i, 0, i < 4 ? VPN_REASON_TYPE : named);
    }
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 64).verdict, VPN_DONE);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_01_aead_failure_ignored_data)
{
    struct duel *d = small_duel(4, provider_at(_i % PROVIDERS));
    uint8_t message[80], inner[48];
    int empty = _i / PROVIDERS;
    duel_from_forger(d);
    duel_send(d); /* the timer for an unheard peer runs */
    net_run(d->net, SECONDS(1));
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 48, 0);
    uint32_t length = forge_data(&d->f, message, 50, inner, empty ? 0 : 48);
    for (uint32_t i = 0; i < length; i++) {
        uint32_t named = i < 8 ? VPN_REASON_INDEX : VPN_REASON_AUTH;
        flip(d, message, length, i, 0, i < 4 ? VPN_REASON_TYPE : named);
    }
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, length).verdict, empty ? VPN_DONE : VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* --- 2 --- */

#define LONGEST 65535u

/* What a datagram of a type and a length, with the index of the session and nothing behind it, is dropped for. */
static uint32_t reason_for(uint32_t type, uint32_t length)
{
    static const uint32_t whole[4] = {0, 148, 92, 64};
    if (length < 4)
        return VPN_REASON_LENGTH;
    if (type == 0 || type > 4)
        return VPN_REASON_TYPE;
    if (type == 4)
        return length < 32 ? VPN_REASON_LENGTH : VPN_REASON_AUTH;
    if (length != whole[type])
        return VPN_REASON_LENGTH;
    return type == 3 ? VPN_REASON_COOKIE : VPN_REASON_MAC1;
}

/* The datagram ends where its memory ends. */
static void feed_exact(struct duel *d, uint8_t *room, uint32_t type, uint32_t length, uint64_t *counts)
{
    uint8_t head[16] = {(uint8_t)type};
    vpn_packet packet = {.data = room + LONGEST - length, .capacity = length, .length = length};
    put_index(head, d->f.remote_index);
    head[8] = 77;
    memcpy(packet.data, head, length < 16 ? length : 16);
    packet.path.remote = elsewhere;
    size_t n = vpn_wg_recv(d->a->wg, &packet, 1, node_now(d->a));
    uint32_t reason = reason_for(type, length);
    if (n != 0 || packet.verdict != VPN_DROP || packet.reason != reason)
        ck_abort_msg("type %u, length %u: verdict %u, '%s'", type, length, packet.verdict,
                     vpn_reason_name(packet.reason));
    counts[reason]++;
}

START_TEST(pitfall_02_long_datagram_before_authentication)
{
    struct duel *d = small_duel(5, NULL);
    uint64_t counts[VPN_REASONS] = {0};
    uint8_t *room = calloc(1, LONGEST);
    ck_assert_ptr_nonnull(room);
    duel_from_forger(d);
    snapshot_take(d->a, &before);
    for (uint32_t type = 0; type < 6; type++)
        for (uint32_t length = 0; length <= LONGEST; length++)
            if (type != 4 || length < 1024 || length % 509 == 0 || length > LONGEST - 3)
                feed_exact(d, room, type, length, counts);
    ck_assert_uint_gt(counts[VPN_REASON_AUTH], 1000);
    snapshot_unmoved_but(d->a, &before, counts);
    free(room);
    duel_free(d);
}
END_TEST

/* The host says that there is more than its buffer holds. */
START_TEST(pitfall_02_longer_than_the_buffer)
{
    struct duel *d = small_duel(6, NULL);
    uint32_t capacity = (uint32_t)_i * 37;
    uint8_t *room = calloc(1, capacity == 0 ? 1 : capacity);
    ck_assert_ptr_nonnull(room);
    duel_from_forger(d);
    snapshot_take(d->a, &before);
    uint64_t count = 0;
    for (uint32_t length = capacity + 1; length <= LONGEST; length++, count += 2) {
        vpn_packet packets[2] = {{.data = room, .capacity = capacity, .length = length},
                                 {.data = room, .capacity = capacity, .offset = length, .length = 0}};
        ck_assert(vpn_wg_recv(d->a->wg, packets, 2, node_now(d->a)) == 0);
        if (packets[0].reason != VPN_REASON_ARGUMENT || packets[1].reason != VPN_REASON_ARGUMENT)
            ck_abort_msg("length %u passed", length);
    }
    snapshot_unmoved(d->a, &before, VPN_REASON_ARGUMENT, count);
    free(room);
    duel_free(d);
}
END_TEST

/* --- 4 --- */

enum state { FRESH, NO_ENDPOINT, CONNECTING, UNCONFIRMED, INITIATOR, RESPONDER, EXPIRED, WIPED, MUTE, ASLEEP, STATES };

static void enter(struct duel *d, enum state state)
{
    vpn_wg_peer change = {0};
    switch (state) {
    case FRESH:
    case STATES:
        break;
    case NO_ENDPOINT:
        node_set(d->a, d->id, &change, VPN_WG_SET_ENDPOINT);
        break;
    case CONNECTING:
        duel_send(d);
        net_run(d->net, 0);
        d->f.remote_index = forge_le32(net_log_last(d->net, 0, 1)->bytes + 4);
        break;
    case UNCONFIRMED: {
        vpn_packet packet = duel_initiate(d);
        ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
        break;
    }
    case INITIATOR:
        duel_from_node(d);
        duel_send(d);
        break;
    case RESPONDER:
    case EXPIRED:
    case WIPED:
        duel_from_forger(d);
        duel_data(d);
        net_run(d->net, state == RESPONDER ? SECONDS(1) : SECONDS(state == EXPIRED ? 200 : 600));
        break;
    case MUTE:
        duel_from_forger(d);
        ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, d->f.ephemeral, node_now(d->a)), 0);
        break;
    case ASLEEP:
        duel_from_forger(d);
        vpn_wg_suspend(d->a->wg);
        break;
    }
}

static uint32_t named_reason(enum state state)
{
    if (state == ASLEEP)
        return VPN_REASON_SUSPENDED;
    if (state == EXPIRED)
        return VPN_REASON_EXPIRED;
    return state == UNCONFIRMED || state == INITIATOR || state == RESPONDER || state == MUTE ? VPN_REASON_AUTH
                                                                                             : VPN_REASON_INDEX;
}

START_TEST(pitfall_04_endpoint_from_unauthenticated_packet)
{
    struct duel *d = small_duel(7, NULL);
    enum state state = (enum state)_i;
    uint8_t message[96];
    net_run(d->net, SECONDS(10));
    enter(d, state);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t length = 32 + i;
        forge_bytes(&d->f, message, length);
        memset(message, 0, 4);
        message[0] = 4;
        attack(d, message, length, state == ASLEEP ? VPN_REASON_SUSPENDED : VPN_REASON_INDEX);
        put_index(message, d->f.remote_index);
        message[15] = 0; /* so that the counter is under its limit */
        attack(d, message, length, named_reason(state));
    }
    vpn_endpoint at = node_peer_stats(d->a, d->id).path.remote;
    ck_assert_int_eq(net_endpoint_equal(&at, &d->f.at), state != NO_ENDPOINT);
    duel_free(d);
}
END_TEST

/* --- 5 --- */

/* The cookie reply is authentic, so it may come from anywhere; all that it changes is what our next mac2 will be. */
START_TEST(pitfall_05_endpoint_moved_by_cookie_reply)
{
    struct duel *d = small_duel(8, NULL);
    uint8_t reply[64];
    const uint8_t cookie[16] = {5, 5};
    if (_i)
        duel_initiate(d);
    else
        duel_send(d);
    net_run(d->net, SECONDS(1));
    const struct datagram *sent = net_log_last(d->net, 0, _i ? 2 : 1);
    forge_cookie_reply(&d->f, reply, sent->bytes, sent->length, cookie);
    struct vpn__peer *peer = vpn__peer_find(d->a->wg, d->id);
    struct vpn__timers timers = peer->timers;
    vpn_path path = peer->path;
    vpn_time deadline = vpn_wg_deadline(d->a->wg), received = peer->last_received;
    uint32_t events = d->a->event_count;
    size_t log = d->net->log.count;
    ck_assert_uint_eq(node_feed(d->a, &elsewhere, reply, 64).verdict, VPN_DONE);
    ck_assert_mem_eq(&peer->timers, &timers, sizeof timers);
    ck_assert_mem_eq(&peer->path, &path, sizeof path);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), deadline);
    ck_assert_uint_eq(peer->last_received, received);
    ck_assert_uint_eq(d->a->event_count, events);
    ck_assert_uint_eq(d->net->log.count, log);
    for (int i = 0; i < 5; i++)
        attack(d, reply, 64, VPN_REASON_STATE);
    if (!_i) {
        duel_respond(d);
        attack(d, reply, 64, VPN_REASON_STATE);
        net_run(d->net, SECONDS(600));
        attack(d, reply, 64, VPN_REASON_INDEX);
    }
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/1-5");
    test_loop(s, "1 initiation", pitfall_01_aead_failure_ignored_initiation, PROVIDERS);
    test_loop(s, "1 response", pitfall_01_aead_failure_ignored_response, PROVIDERS);
    test_loop(s, "1 cookie reply", pitfall_01_aead_failure_ignored_cookie_reply, PROVIDERS);
    test_loop(s, "1 data", pitfall_01_aead_failure_ignored_data, 2 * PROVIDERS);
    test_loop(s, "2 whole", pitfall_02_long_datagram_before_authentication, 1);
    test_loop(s, "2 too long", pitfall_02_longer_than_the_buffer, 6);
    test_loop(s, "4", pitfall_04_endpoint_from_unauthenticated_packet, STATES);
    test_loop(s, "5", pitfall_05_endpoint_moved_by_cookie_reply, 2);
    return s;
}

TEST_MAIN(suite)

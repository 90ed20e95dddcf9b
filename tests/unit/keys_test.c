/* SPDX-License-Identifier: ISC */
#include "wireguard/keys.h"

#include "common/wg.h"

#define S VPN_SECOND

static struct wg_node pair[2];
static struct wg_buffer buffers[8];

static size_t sessions(void)
{
    return wg_stats(&pair[0]).sessions;
}

static uint32_t indices(void)
{
    return vpn__index_count(&pair[0].wg->by_index);
}

static void start(void)
{
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
}

static void end(void)
{
    wg_pair_end(pair);
}

/* Puts `n` packets in flight under the current key. */
static void begin(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wg_inner(&buffers[i], 0, 1, 60);
        ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, &buffers[i].packet, 1, S), 1);
    }
}

static uint8_t finish(size_t i)
{
    vpn_wg_crypt(pair[0].wg->scratch, &buffers[i].packet, 1);
    (void)vpn_wg_end(pair[0].wg, &buffers[i].packet, 1, S);
    return buffers[i].packet.verdict;
}

START_TEST(session_and_index)
{
    start();
    struct vpn_session *s = wg_peer(&pair[0])->ring.current;
    ck_assert(sessions() == 1 && indices() == 1);
    struct vpn__index_entry *entry = vpn__index_find(&pair[0].wg->by_index, s->local_index);
    ck_assert_ptr_nonnull(entry);
    ck_assert_ptr_eq(entry->object, s);
    ck_assert(entry->peer == (uint32_t)pair[0].peer && s->peer == pair[0].peer);
    ck_assert_uint_eq(wg_peer_stats(&pair[0], S).handshakes, 1);
    end();
}
END_TEST

/* Retired without packets in flight: everything goes at once. */
START_TEST(retire_at_once)
{
    start();
    struct vpn__peer *peer = wg_peer(&pair[0]);
    vpn__keys_retire(pair[0].wg, vpn__keyring_clear(&peer->ring), 0);
    ck_assert(sessions() == 0 && indices() == 0);
    end();
}
END_TEST

/* With packets in flight the slot stays until the last of them, but the index does not. */
START_TEST(retire_with_pins)
{
    start();
    struct vpn__peer *peer = wg_peer(&pair[0]);
    struct vpn_session *s = peer->ring.current;
    begin(3);
    ck_assert_uint_eq(s->pins, 3);
    vpn__keys_retire(pair[0].wg, vpn__keyring_clear(&peer->ring), 0);
    ck_assert(sessions() == 1 && indices() == 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(sessions(), 1);
        ck_assert_uint_eq(finish(i), VPN_TO_NET); /* a key that only rotated still sends */
    }
    ck_assert_uint_eq(sessions(), 0);
    end();
}
END_TEST

START_TEST(wipe_with_pins)
{
    start();
    begin(2);
    vpn__keys_wipe(pair[0].wg, wg_peer(&pair[0]));
    ck_assert(sessions() == 1 && indices() == 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(finish(i), VPN_DROP);
        ck_assert_uint_eq(buffers[i].packet.reason, VPN_REASON_WIPED);
    }
    ck_assert_uint_eq(sessions(), 0);
    ck_assert_uint_eq(wg_peer_stats(&pair[0], S).drops[VPN_REASON_WIPED], 2);
    end();
}
END_TEST

/* The peer goes and another takes its slot while packets fly: they belong to nobody. */
START_TEST(remove_with_pins)
{
    start();
    begin(2);
    ck_assert_int_eq(vpn_wg_peer_remove(pair[0].wg, pair[0].peer), 0);
    vpn_peer_id old = pair[0].peer;
    wg_node_meet(&pair[0], &pair[1], S);
    ck_assert_uint_eq((uint32_t)old, (uint32_t)pair[0].peer);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(finish(i), VPN_DROP);
        ck_assert_uint_eq(buffers[i].packet.reason, VPN_REASON_NO_PEER);
    }
    ck_assert_uint_eq(sessions(), 0);
    ck_assert_uint_eq(wg_drops(&pair[0], VPN_REASON_NO_PEER), 2);
    end();
}
END_TEST

START_TEST(end_of_a_handshake)
{
    wg_pair_init(pair, NULL);
    struct vpn__peer *peer = wg_peer(&pair[0]);
    vpn__keys_end_handshake(pair[0].wg, peer, 0);
    wg_initiate(&pair[0], &buffers[0], S);
    ck_assert_uint_eq(indices(), 1);
    ck_assert_uint_eq(vpn__slab_used(&pair[0].wg->handshakes), 1);
    vpn__keys_end_handshake(pair[0].wg, peer, 1);
    ck_assert(indices() == 1 && vpn__slab_used(&pair[0].wg->handshakes) == 0);
    vpn__keys_end_handshake(pair[0].wg, peer, 0);
    ck_assert_uint_eq(indices(), 1);
    wg_initiate(&pair[0], &buffers[0], 10 * S);
    vpn__keys_wipe(pair[0].wg, peer);
    ck_assert(indices() == 1 && vpn__slab_used(&pair[0].wg->handshakes) == 0 && peer->handshake == 0);
    wg_pair_end(pair);
}
END_TEST

/* Indices are never used twice while they live, and look random: each bit is set in about half of them. */
START_TEST(random_indices)
{
    enum { COUNT = 100000 };
    uint32_t index, bits[32] = {0}, ascending = 0, before = 0;
    wg_pair_init(pair, NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), 0);
        if (indices() != i + 1)
            ck_abort_msg("an index came twice");
        for (uint32_t k = 0; k < 32; k++)
            bits[k] += index >> k & 1;
        ascending += index > before;
        before = index;
    }
    for (uint32_t k = 0; k < 32; k++)
        ck_assert(bits[k] > COUNT / 2 - 1000 && bits[k] < COUNT / 2 + 1000);
    ck_assert(ascending > COUNT / 2 - 1000 && ascending < COUNT / 2 + 1000);
    wg_pair_end(pair);
}
END_TEST

static int constant(void *user, uint8_t *out, size_t bytes)
{
    (void)user;
    memset(out, 0x42, bytes);
    return 0;
}

static int repeats; /* draws that give what is taken, before a fresh one */

static int repeating(void *user, uint8_t *out, size_t bytes)
{
    (void)user;
    memset(out, repeats-- > 0 ? 0x42 : 0x43, bytes);
    return 0;
}

/* Randomness that repeats itself gives one index and then an error, not an endless loop. Sixteen draws are made. */
START_TEST(broken_randomness)
{
    uint32_t index = 0;
    wg_pair_init(pair, NULL);
    pair[0].wg->env.random = constant;
    ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), 0);
    ck_assert_uint_eq(index, 0x42424242);
    ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), VPN_ERANDOM);
    ck_assert_uint_eq(indices(), 1);
    pair[0].wg->env.random = repeating;
    repeats = 16;
    ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), VPN_ERANDOM);
    ck_assert_uint_eq(indices(), 1);
    repeats = 15;
    ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), 0);
    ck_assert_uint_eq(index, 0x43434343);
    vpn__index_remove(&pair[0].wg->by_index, index);
    pair[0].wg->env.random = pair[0].host.env.random;
    pair[0].host.base.random_status = -1;
    ck_assert_int_eq(vpn__keys_index(pair[0].wg, wg_peer(&pair[0]), &index), VPN_ERANDOM);
    ck_assert_uint_eq(indices(), 1);
    wg_pair_end(pair);
}
END_TEST

static int refuse_key(void *slot, const uint8_t key[32])
{
    (void)slot;
    (void)key;
    return VPN_EBUSY;
}

static vpn_provider own;

/* pair[0] makes a session in a role while `n` allocations succeed; with `n` 99 its provider refuses the key. */
static uint8_t make_session(unsigned role, size_t n, vpn_time now)
{
    vpn_packet *p = wg_initiate(&pair[role], &buffers[0], now);
    if (role == 0)
        ck_assert_uint_eq(wg_recv(&pair[1], p, &pair[0].at, now), VPN_TO_NET);
    host_fail_after(&pair[0].host, n);
    own.init_key = n == 99 ? refuse_key : own.init_key;
    uint8_t verdict = wg_recv(&pair[0], p, &pair[1].at, now);
    own.init_key = vpn_provider_sodium()->init_key;
    host_heal(&pair[0].host);
    return verdict;
}

/* Whatever fails while a session is made, no slot and no index is left behind. */
START_TEST(failures_leave_nothing)
{
    vpn_wg_config config = {.size = sizeof(config), .provider = &own};
    own = *vpn_provider_sodium();
    for (unsigned role = 0; role < 2; role++) {
        size_t failures = 0;
        wg_pair_init(pair, &config);
        ck_assert_uint_eq(make_session(role, 99, 50 * S), VPN_DROP);
        ck_assert(sessions() == 0 && indices() == 0);
        wg_pair_end(pair);
        wg_pair_init(pair, &config);
        while (make_session(role, failures, (100 + failures * 10) * S) == VPN_DROP) {
            failures++;
            ck_assert_uint_eq(wg_drops(&pair[0], VPN_REASON_MEMORY), failures);
            ck_assert(sessions() == 0 && indices() == 0);
            ck_assert_uint_eq(vpn__slab_used(&pair[0].wg->handshakes), 0);
            ck_assert_uint_lt(failures, 9);
        }
        ck_assert_uint_ge(failures, 2);
        ck_assert(sessions() == 1 && indices() == 1);
        wg_pair_end(pair);
    }
}
END_TEST

/* Tables keep their size over many handshakes in either role. */
START_TEST(no_leak)
{
    start();
    size_t bytes = 0;
    for (unsigned i = 1; i < 60; i++) {
        wg_connect(pair, i % 3 == 0, (1 + 10 * i) * S);
        ck_assert(sessions() <= 3 && indices() == sessions());
        ck_assert_uint_eq(vpn__slab_used(&pair[0].wg->handshakes), 0);
        if (i == 10)
            bytes = pair[0].host.bytes;
        ck_assert(i < 10 || pair[0].host.bytes == bytes);
    }
    for (unsigned i = 0; i < 50; i++)
        wg_initiate(&pair[0], &buffers[0], (1000 + 10 * i) * S);
    ck_assert_uint_eq(indices(), sessions() + 1);
    ck_assert_uint_eq(pair[0].host.bytes, bytes);
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("keys");
    test_add(s, "session and index", session_and_index);
    test_add(s, "retire at once", retire_at_once);
    test_add(s, "retire with pins", retire_with_pins);
    test_add(s, "wipe with pins", wipe_with_pins);
    test_add(s, "remove with pins", remove_with_pins);
    test_add(s, "end of a handshake", end_of_a_handshake);
    test_add(s, "random indices", random_indices);
    test_add(s, "broken randomness", broken_randomness);
    test_add(s, "failures leave nothing", failures_leave_nothing);
    test_add(s, "no leak", no_leak);
    return s;
}

TEST_MAIN(suite)

/* SPDX-License-Identifier: ISC */
#include "common/provider.h"
#include "common/wg.h"

#define S VPN_SECOND

static struct host host;
static struct wg_node pair[2];
static struct wg_buffer buffer, other;

/* Makes a device and frees it again. */
static int try_config(vpn_wg_config *config)
{
    vpn_wg *wg = (vpn_wg *)(void *)&host;
    host_init(&host);
    config->env = &host.env;
    int error = vpn_wg_new(&wg, config);
    ck_assert((wg != NULL) == (error == 0));
    ck_assert_int_eq(vpn_wg_free(wg), 0);
    host_end(&host);
    return error;
}

static vpn_wg_config blank(void)
{
    vpn_wg_config config = {.size = sizeof(config)};
    return config;
}

START_TEST(defaults)
{
    vpn_wg *wg;
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    ck_assert(wg->mtu == 1420 && wg->replay_bits == 8192 && wg->peers.max == VPN_WG_PEERS_MAX);
    ck_assert(wg->events.room == 256 && wg->limiter.rate == 1000 && wg->limiter.room == 1024 && wg->max_skew == 0);
    ck_assert_ptr_eq(wg->local.provider, vpn_provider_sodium());
    ck_assert_uint_eq(vpn_wg_deadline(wg), VPN_NEVER);
    uint8_t key[32];
    vpn_wg_private_key(wg, key);
    ck_assert(test_is_zero(key, 32));
    vpn_wg_public_key(wg, key);
    ck_assert(test_is_zero(key, 32));
    ck_assert_int_eq(vpn_wg_free(wg), 0);
    ck_assert_int_eq(vpn_wg_free(NULL), 0);
}
END_TEST

/* Each number at and just past its bounds. */
START_TEST(bounds)
{
    static const struct {
        size_t field;
        uint32_t value;
        int want;
    } cases[] = {
#define FIELD(name) offsetof(vpn_wg_config, name)
        {FIELD(flags), 1, 0},
        {FIELD(flags), 2, VPN_EINVAL},
        {FIELD(flags), 0x80000001, VPN_EINVAL},
        {FIELD(mtu), 67, VPN_EINVAL},
        {FIELD(mtu), 68, 0},
        {FIELD(mtu), 65535, 0},
        {FIELD(mtu), 65536, VPN_EINVAL},
        {FIELD(replay_bits), 64, VPN_EINVAL},
        {FIELD(replay_bits), 128, 0},
        {FIELD(replay_bits), 129, VPN_EINVAL},
        {FIELD(replay_bits), 8192, 0},
        {FIELD(replay_bits), 16384, VPN_EINVAL},
        {FIELD(max_peers), 1, 0},
        {FIELD(max_peers), VPN_WG_PEERS_MAX, 0},
        {FIELD(max_peers), VPN_WG_PEERS_MAX + 1, VPN_EINVAL},
        {FIELD(events), 7, VPN_EINVAL},
        {FIELD(events), 8, 0},
        {FIELD(events), 65536, 0},
        {FIELD(events), 65537, VPN_EINVAL},
        {FIELD(load_rate), 1, 0},
        {FIELD(load_rate), UINT32_MAX, VPN_EINVAL},
        {FIELD(sources), 15, VPN_EINVAL},
        {FIELD(sources), 16, 0},
        {FIELD(sources), 1048577, VPN_EINVAL},
        {FIELD(max_skew), UINT32_MAX, 0},
        {FIELD(size), 0, VPN_EINVAL},
        {FIELD(size), 7, VPN_EINVAL},
#undef FIELD
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        vpn_wg_config config = blank();
        memcpy((uint8_t *)&config + cases[i].field, &cases[i].value, 4);
        int have = try_config(&config);
        if (have != cases[i].want)
            ck_abort_msg("case %zu: %d", i, have);
    }
}
END_TEST

START_TEST(sizes)
{
    struct {
        vpn_wg_config known;
        uint8_t tail[8];
    } big;
    memset(&big, 0, sizeof(big));
    big.known.size = sizeof(big);
    ck_assert_int_eq(try_config(&big.known), 0);
    big.tail[3] = 1;
    ck_assert_int_eq(try_config(&big.known), VPN_EINVAL);
    /* an older caller, who knows no more than size and flags: nothing past them is read */
    vpn_wg *wg;
    uint32_t old[2] = {8, VPN_WG_RAW};
    ck_assert_int_eq(vpn_wg_new(&wg, (const vpn_wg_config *)(const void *)old), 0);
    ck_assert_uint_eq(wg->flags, VPN_WG_RAW);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(providers)
{
    for (unsigned i = 0; i < UNSOUND_PROVIDERS + 2; i++) {
        vpn_provider own = i < UNSOUND_PROVIDERS ? unsound_provider(i) : *vpn_provider_sodium();
        vpn_wg_config config = blank();
        config.provider = &own;
        if (i == UNSOUND_PROVIDERS) {
            own.x25519 = NULL;
            own.xseal = NULL;
            own.xopen = NULL;
        } else if (i > UNSOUND_PROVIDERS) {
            own.key_size = VPN_PROVIDER_KEY_MAX;
            own.scratch_size = 5000;
        }
        ck_assert_int_eq(try_config(&config), i < UNSOUND_PROVIDERS ? VPN_EINVAL : 0);
    }
}
END_TEST

START_TEST(bad_env)
{
    vpn_wg *wg;
    vpn_wg_config config = blank();
    host_init(&host);
    vpn_env env = host.env;
    config.env = &env;
    env.free = NULL;
    ck_assert_int_eq(vpn_wg_new(&wg, &config), VPN_EINVAL);
    ck_assert_ptr_null(wg);
    env = host.env;
    env.size = 8;
    ck_assert_int_eq(vpn_wg_new(&wg, &config), VPN_EINVAL);
    ck_assert_ptr_null(wg);
}
END_TEST

/* Each allocation of new fails once; all memory comes back, wiped. */
START_TEST(allocation_failure)
{
    vpn_wg_config config = blank();
    vpn_wg *wg = NULL;
    size_t n;
    for (n = 0; wg == NULL; n++) {
        host_init(&host);
        config.env = &host.env;
        host.base.fail_at = n + 1;
        int error = vpn_wg_new(&wg, &config);
        ck_assert_int_eq(error, wg ? 0 : VPN_ENOMEM);
        ck_assert_uint_lt(n, 20);
        if (wg == NULL)
            host_end(&host);
    }
    ck_assert_uint_ge(n, 6);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
    host_end(&host);
}
END_TEST

START_TEST(no_randomness)
{
    vpn_wg_config config = blank();
    vpn_wg *wg;
    host_init(&host);
    host.base.random_status = 1;
    config.env = &host.env;
    ck_assert_int_eq(vpn_wg_new(&wg, &config), VPN_ERANDOM);
    ck_assert_ptr_null(wg);
    host_end(&host);
}
END_TEST

START_TEST(private_key)
{
    uint8_t key[32], have[32], want[32];
    vpn_wg *wg;
    uint64_t seed = 1;
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    memset(key, 0xff, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(wg, key, 0), 0);
    vpn_wg_private_key(wg, have);
    ck_assert(have[0] == 0xf8 && have[1] == 0xff && have[31] == 0x7f);
    memset(key, 0, 32);
    key[1] = 1;
    ck_assert_int_eq(vpn_wg_set_private_key(wg, key, 0), 0);
    vpn_wg_private_key(wg, have);
    ck_assert(have[0] == 0 && have[1] == 1 && have[31] == 0x40);
    for (unsigned i = 0; i < 20; i++) {
        test_fill(&seed, key, 32);
        ck_assert_int_eq(vpn_wg_set_private_key(wg, key, 0), 0);
        vpn_key_public(want, key);
        vpn_wg_public_key(wg, have);
        ck_assert_mem_eq(have, want, 32);
    }
    memset(key, 0, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(wg, key, 0), 0);
    vpn_wg_public_key(wg, have);
    ck_assert(test_is_zero(have, 32));
    vpn_wg_private_key(wg, have);
    ck_assert(test_is_zero(have, 32));
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

/* The same key again changes nothing; another one ends the handshake and the gap, and stops sending at once. */
START_TEST(key_change)
{
    uint8_t key[32];
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
    ck_assert_uint_eq(wg_send(&pair[1], wg_inner(&other, 1, 0, 60), S), VPN_TO_NET);
    ck_assert_int_eq(vpn_wg_set_private_key(pair[0].wg, pair[0].private_key, 2 * S), 0);
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 60), 2 * S), VPN_TO_NET);
    memcpy(key, pair[0].private_key, 32);
    key[5] ^= 1;
    ck_assert_int_eq(vpn_wg_set_private_key(pair[0].wg, key, 2 * S), 0);
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 60), 2 * S), VPN_WAIT);
    ck_assert_uint_eq(wg_recv(&pair[0], &other.packet, &pair[1].at, 2 * S), VPN_TO_TUN);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), 2 * S); /* not at the end of the gap, 6 s */
    vpn_packet *packet = wg_tick(&pair[0], &buffer, 2 * S);
    ck_assert_ptr_nonnull(packet);
    ck_assert_uint_eq(wg_recv(&pair[1], packet, &pair[0].at, 3 * S), VPN_UNKNOWN);
    wg_pair_end(pair);
}
END_TEST

/* A session that the peer confirms after the change receives, and never sends. */
START_TEST(key_change_before_confirmation)
{
    uint8_t key[32];
    wg_pair_init(pair, NULL);
    wg_initiate(&pair[0], &buffer, S);
    ck_assert_uint_eq(wg_recv(&pair[1], &buffer.packet, &pair[0].at, S), VPN_TO_NET);
    ck_assert_uint_eq(wg_recv(&pair[0], &buffer.packet, &pair[1].at, S), VPN_TO_NET);
    memcpy(key, pair[1].private_key, 32);
    key[5] ^= 1;
    ck_assert_int_eq(vpn_wg_set_private_key(pair[1].wg, key, S), 0);
    ck_assert_uint_eq(wg_recv(&pair[1], &buffer.packet, &pair[0].at, S), VPN_DONE);
    ck_assert_uint_eq(wg_send(&pair[1], wg_inner(&other, 1, 0, 60), S), VPN_WAIT);
    wg_pair_end(pair);
}
END_TEST

/* A handshake under way goes on under the new key. */
START_TEST(key_change_while_connecting)
{
    uint8_t key[32];
    wg_pair_init(pair, NULL);
    wg_initiate(&pair[0], &buffer, S);
    ck_assert_uint_eq(wg_recv(&pair[1], &buffer.packet, &pair[0].at, S), VPN_TO_NET);
    memcpy(key, pair[0].private_key, 32);
    key[5] ^= 1;
    ck_assert_int_eq(vpn_wg_set_private_key(pair[0].wg, key, S), 0);
    ck_assert_uint_eq(wg_recv(&pair[0], &buffer.packet, &pair[1].at, S), VPN_DROP);
    ck_assert_uint_eq(buffer.packet.reason, VPN_REASON_MAC1);
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &buffer, S));
    ck_assert_uint_eq(buffer.packet.type, 1);
    wg_pair_end(pair);
}
END_TEST

START_TEST(mtu)
{
    wg_pair_init(pair, NULL);
    ck_assert_int_eq(vpn_wg_set_mtu(pair[0].wg, 67), VPN_EINVAL);
    ck_assert_int_eq(vpn_wg_set_mtu(pair[0].wg, 65536), VPN_EINVAL);
    ck_assert_int_eq(vpn_wg_set_mtu(pair[0].wg, 0), VPN_EINVAL);
    ck_assert_uint_eq(pair[0].wg->mtu, 1420);
    ck_assert_int_eq(vpn_wg_set_mtu(pair[0].wg, 68), 0);
    wg_connect(pair, 0, S);
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 67), S), VPN_TO_NET);
    ck_assert_uint_eq(buffer.packet.length, 68 + 32);
    ck_assert_int_eq(vpn_wg_set_mtu(pair[0].wg, 65535), 0);
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 67), S), VPN_TO_NET);
    ck_assert_uint_eq(buffer.packet.length, 80 + 32);
    wg_pair_end(pair);
}
END_TEST

/* The floor that a host restores is below every stamp, and the greatest one can be read back. */
START_TEST(stamp_floor)
{
    vpn_wg_config config = blank();
    uint8_t stamp[12], greatest[12];
    memset(config.stamp_floor, 0, 12);
    config.stamp_floor[0] = 0x40;
    config.stamp_floor[4] = 0xff; /* far ahead of the host's clock */
    wg_pair_init(pair, &config);
    vpn_wg_stamp(pair[0].wg, stamp);
    ck_assert_mem_eq(stamp, config.stamp_floor, 12);
    for (unsigned i = 0; i < 3; i++) {
        wg_initiate(&pair[0], &buffer, (10 + 5 * i) * S);
        vpn_wg_stamp(pair[0].wg, greatest);
        ck_assert_int_gt(vpn_tai64n_compare(greatest, stamp), 0);
        ck_assert_uint_eq(wg_recv(&pair[1], &buffer.packet, &pair[0].at, (10 + 5 * i) * S), VPN_TO_NET);
        vpn_wg_peer peer = {.size = sizeof(peer)};
        ck_assert_int_eq(vpn_wg_peer_get(pair[1].wg, pair[1].peer, &peer), 0);
        ck_assert_mem_eq(peer.stamp, greatest, 12);
        memcpy(stamp, greatest, 12);
    }
    /* a peer that is removed and comes back must not repeat itself */
    vpn_wg_peer peer = {.size = sizeof(peer), .set = VPN_WG_SET_ENDPOINT, .endpoint = pair[1].at};
    memcpy(peer.public_key, pair[1].public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_remove(pair[0].wg, pair[0].peer), 0);
    ck_assert_int_eq(vpn_wg_peer_add(pair[0].wg, &peer, &pair[0].peer, 100 * S), 0);
    wg_initiate(&pair[0], &buffer, 100 * S);
    vpn_wg_stamp(pair[0].wg, greatest);
    ck_assert_int_gt(vpn_tai64n_compare(greatest, stamp), 0);
    wg_pair_end(pair);
}
END_TEST

START_TEST(free_is_refused_in_flight)
{
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
    wg_inner(&buffer, 0, 1, 40);
    ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, &buffer.packet, 1, S), 1);
    ck_assert_int_eq(vpn_wg_free(pair[0].wg), VPN_EBUSY);
    ck_assert_uint_eq(vpn_wg_end(pair[0].wg, &buffer.packet, 1, S), 0);
    ck_assert_uint_eq(buffer.packet.reason, VPN_REASON_NO_CRYPT);
    wg_pair_end(pair);
}
END_TEST

/* Who has a session is found at the new address at once, and so is who keeps alive; the rest stays silent. */
START_TEST(network_changed)
{
    wg_pair_init(pair, NULL);
    vpn_wg_network_changed(pair[0].wg, S);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), VPN_NEVER);
    vpn_wg_peer keep = {.size = sizeof(keep), .set = VPN_WG_SET_KEEPALIVE, .keepalive = 1000};
    ck_assert_int_eq(vpn_wg_peer_set(pair[1].wg, pair[1].peer, &keep, S), 0);
    ck_assert_ptr_nonnull(wg_tick(&pair[1], &buffer, S));
    vpn_wg_network_changed(pair[1].wg, 2 * S);
    ck_assert_uint_eq(vpn_wg_deadline(pair[1].wg), 6 * S);
    wg_connect(pair, 0, 20 * S);
    wg_peer(&pair[0])->path.ifindex = 7;
    vpn_wg_network_changed(pair[0].wg, 40 * S);
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &buffer, 40 * S));
    ck_assert(buffer.packet.type == 4 && buffer.packet.path.ifindex == 0);
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &buffer, 40 * S));
    ck_assert_uint_eq(buffer.packet.type, 1);
    wg_pair_end(pair);
}
END_TEST

START_TEST(suspend)
{
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
    ck_assert_uint_eq(wg_send(&pair[1], wg_inner(&other, 1, 0, 60), S), VPN_TO_NET);
    vpn_wg_suspend(pair[0].wg);
    vpn_wg_suspend(pair[0].wg);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), VPN_NEVER);
    ck_assert_uint_eq(wg_stats(&pair[0]).sessions, 0);
    ck_assert_ptr_null(wg_tick(&pair[0], &buffer, 600 * S));
    wg_send(&pair[0], wg_inner(&buffer, 0, 1, 60), 600 * S);
    ck_assert_uint_eq(buffer.packet.reason, VPN_REASON_SUSPENDED);
    wg_recv(&pair[0], &other.packet, &pair[1].at, 600 * S);
    ck_assert_uint_eq(other.packet.reason, VPN_REASON_SUSPENDED);
    ck_assert_uint_eq(vpn_wg_accept(pair[0].wg, &other.packet, 600 * S), 0);
    ck_assert_uint_eq(wg_drops(&pair[0], VPN_REASON_SUSPENDED), 3);
    vpn_wg_resume(pair[0].wg, 700 * S);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), 700 * S);
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &buffer, 700 * S));
    ck_assert_uint_eq(buffer.packet.type, 1);
    vpn_wg_resume(pair[0].wg, 701 * S); /* a second time does nothing */
    ck_assert_uint_ge(vpn_wg_deadline(pair[0].wg), 705 * S);
    wg_pair_end(pair);
}
END_TEST

/* Those who had nothing stay silent, but for packets that the host keeps: their handshake goes on. */
START_TEST(suspend_without_session)
{
    wg_pair_init(pair, NULL);
    vpn_wg_suspend(pair[0].wg);
    vpn_wg_resume(pair[0].wg, S);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), VPN_NEVER);
    ck_assert_uint_eq(wg_send(&pair[0], wg_inner(&buffer, 0, 1, 60), S), VPN_WAIT);
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &other, S));
    vpn_wg_suspend(pair[0].wg);
    vpn_wg_resume(pair[0].wg, 2 * S);
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), 2 * S); /* whatever was sent before, not after a gap */
    wg_pair_end(pair);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lifecycle");
    test_add(s, "defaults", defaults);
    test_add(s, "bounds", bounds);
    test_add(s, "sizes", sizes);
    test_add(s, "providers", providers);
    test_add(s, "bad env", bad_env);
    test_add(s, "allocation failure", allocation_failure);
    test_add(s, "no randomness", no_randomness);
    test_add(s, "private key", private_key);
    test_add(s, "key change", key_change);
    test_add(s, "key change before confirmation", key_change_before_confirmation);
    test_add(s, "key change while connecting", key_change_while_connecting);
    test_add(s, "mtu", mtu);
    test_add(s, "stamp floor", stamp_floor);
    test_add(s, "free is refused in flight", free_is_refused_in_flight);
    test_add(s, "network changed", network_changed);
    test_add(s, "suspend", suspend);
    test_add(s, "suspend without session", suspend_without_session);
    return s;
}

TEST_MAIN(suite)

/* SPDX-License-Identifier: ISC */
/*
 * Defect 30 that shipped in other implementations: keys left in memory. No key stays in memory. The allocator never gives memory back to the system, so whatever the
 * library held once can be searched for secrets to the end. Stack and registers are out of its sight.
 */
#include <vpn/vpn.h>

#include "common/test.h"
#include "scenario/forge.h"

#define HEADER  64u
#define SECRETS 64
#define STAGES  9
#define LIVE    1
#define FREED   2

struct block {
    struct block *next;
    size_t bytes;
    int where; /* LIVE or FREED */
};

struct vault {
    uint64_t seed;
    struct block *blocks;
    size_t live;
    uint8_t drawn[SECRETS][32]; /* random keys that the device made for itself */
    size_t draws;
    uint64_t seconds;
};

static void *vault_alloc(void *user, size_t bytes)
{
    struct vault *vault = user;
    struct block *block = malloc(HEADER + bytes);
    ck_assert_ptr_nonnull(block);
    memset(block, 0xa5, HEADER + bytes);
    *block = (struct block){.next = vault->blocks, .bytes = bytes, .where = LIVE};
    vault->blocks = block;
    vault->live++;
    return (uint8_t *)block + HEADER;
}

static void vault_free(void *user, void *memory)
{
    struct vault *vault = user;
    struct block *block = (struct block *)(void *)((uint8_t *)memory - HEADER);
    ck_assert_int_eq(block->where, LIVE);
    block->where = FREED;
    vault->live--;
}

static int vault_random(void *user, uint8_t *out, size_t bytes)
{
    struct vault *vault = user;
    test_fill(&vault->seed, out, bytes);
    if (bytes == 32 && vault->draws < SECRETS)
        memcpy(vault->drawn[vault->draws++], out, 32);
    return 0;
}

static int vault_wall(void *user, vpn_wall *out)
{
    struct vault *vault = user;
    *out = (vpn_wall){.seconds = vault->seconds};
    return 0;
}

static vpn_env vault_env(struct vault *vault)
{
    vpn_env env = {.size = sizeof env, .user = vault};
    env.alloc = vault_alloc;
    env.free = vault_free;
    env.random = vault_random;
    env.wall = vault_wall;
    return env;
}

static int contains(const uint8_t *memory, size_t bytes, const uint8_t half[16])
{
    const uint8_t *at = memory, *end = memory + bytes;
    while (end - at >= 16 && (at = memchr(at, half[0], (size_t)(end - at) - 15)) != NULL) {
        if (memcmp(at, half, 16) == 0)
            return 1;
        at++;
    }
    return 0;
}

/* 1 when either half of a secret is in memory of this kind. */
static int vault_holds(const struct vault *vault, const uint8_t secret[32], int where)
{
    for (const struct block *block = vault->blocks; block != NULL; block = block->next)
        if ((block->where & where) != 0 && (contains((const uint8_t *)block + HEADER, block->bytes, secret) ||
                                            contains((const uint8_t *)block + HEADER, block->bytes, secret + 16)))
            return 1;
    return 0;
}

static void vault_end(struct vault *vault)
{
    ck_assert_uint_eq(vault->live, 0);
    while (vault->blocks != NULL) {
        struct block *next = vault->blocks->next;
        ck_assert(test_is_zero((uint8_t *)vault->blocks + HEADER, vault->blocks->bytes));
        free(vault->blocks);
        vault->blocks = next;
    }
}

/* A device and a party that is its peer, and all that may not outlive the peer. */
struct stage {
    struct vault vault;
    vpn_wg *wg;
    vpn_peer_id id;
    vpn_time now;
    struct forger f;
    uint8_t private_key[32], public_key[32];
    uint8_t secrets[SECRETS][32];
    size_t count;
};

static void secret(struct stage *s, const uint8_t key[32])
{
    ck_assert_uint_lt(s->count, SECRETS);
    memcpy(s->secrets[s->count++], key, 32);
}

static vpn_packet feed(struct stage *s, uint8_t *bytes, uint32_t length)
{
    vpn_packet packet = {.data = bytes, .capacity = length, .length = length, .path = {.remote = s->f.at}};
    vpn_wg_recv(s->wg, &packet, 1, s->now);
    return packet;
}

static void session_secrets(struct stage *s)
{
    secret(s, s->f.send);
    secret(s, s->f.receive);
    secret(s, s->f.chain);
}

static void stage_new(struct stage *s)
{
    memset(s, 0, sizeof *s);
    s->vault.seed = 30;
    s->vault.seconds = 1700000000;
    vpn_env env = vault_env(&s->vault);
    vpn_wg_config config = {.size = sizeof config, .env = &env, .load_rate = 1};
    ck_assert_int_eq(vpn_wg_new(&s->wg, &config), 0);
    s->vault.draws = 0;
    test_fill(&s->vault.seed, s->private_key, 32);
    s->private_key[0] &= 248;
    s->private_key[31] = (uint8_t)((s->private_key[31] & 127) | 64);
    ck_assert_int_eq(vpn_wg_set_private_key(s->wg, s->private_key, 0), 0);
    vpn_wg_public_key(s->wg, s->public_key);
    forge_new(&s->f, 30, 1);
    test_fill(&s->vault.seed, s->f.psk, 32);
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_PRESHARED | VPN_WG_SET_ENDPOINT, .endpoint = s->f.at};
    memcpy(peer.public_key, s->f.public_key, 32);
    memcpy(peer.preshared_key, s->f.psk, 32);
    ck_assert_int_eq(vpn_wg_peer_add(s->wg, &peer, &s->id, 0), 0);
    secret(s, s->f.psk);
    uint8_t ss[32];
    ck_assert_int_eq(vpn_x25519(ss, s->f.private_key, s->public_key), 0);
    secret(s, ss);
}

static void from_forger(struct stage *s, int confirm)
{
    uint8_t message[148], stamp[12], data[32];
    s->now += 6 * VPN_SECOND;
    forge_stamp(stamp, 1700000000 + s->now / VPN_SECOND, 0);
    forge_initiation(&s->f, message, s->public_key, stamp);
    ck_assert_uint_eq(feed(s, message, 148).verdict, VPN_TO_NET);
    ck_assert_int_eq(forge_read_response(&s->f, message), 0);
    session_secrets(s);
    if (confirm) {
        forge_data(&s->f, data, s->f.counter++, NULL, 0);
        ck_assert_uint_eq(feed(s, data, 32).verdict, VPN_DONE);
    }
}

/* The device's own initiation; with an answer or without. */
static void from_device(struct stage *s, int answered)
{
    uint8_t message[148], stamp[12];
    vpn_packet packet = {.data = message, .capacity = 148};
    s->now += 6 * VPN_SECOND;
    ck_assert_int_eq(vpn_wg_handshake(s->wg, s->id, s->now), 0);
    while (packet.type != 1) {
        packet = (vpn_packet){.data = message, .capacity = 148};
        ck_assert_uint_eq(vpn_wg_tick(s->wg, &packet, 1, s->now), 1);
    }
    ck_assert_int_eq(forge_read_initiation(&s->f, message, stamp), 0);
    if (!answered)
        return;
    forge_response(&s->f, message);
    session_secrets(s);
    ck_assert_uint_eq(feed(s, message, 92).verdict, VPN_TO_NET);
}

/* Two messages in one moment are one too many: a cookie secret is drawn. */
static void cookie(struct stage *s)
{
    uint8_t message[148];
    s->now += 6 * VPN_SECOND;
    for (int i = 0; i < 2; i++) {
        memset(message, 0, 148);
        message[0] = 1;
        message[4] = (uint8_t)i;
        memcpy(s->f.remote, s->public_key, 32);
        forge_macs(&s->f, message, 148);
        ck_assert_uint_eq(feed(s, message, 148).verdict, i == 0 ? VPN_DROP : VPN_TO_NET);
    }
    ck_assert_uint_eq(message[0], 3);
}

static void new_psk(struct stage *s)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_PRESHARED};
    test_fill(&s->vault.seed, peer.preshared_key, 32);
    ck_assert_int_eq(vpn_wg_peer_set(s->wg, s->id, &peer, s->now), 0);
    ck_assert(!vault_holds(&s->vault, s->f.psk, LIVE | FREED));
    memcpy(s->f.psk, peer.preshared_key, 32);
    secret(s, s->f.psk);
}

/* The first `upto` steps of a life, so that it can end after each of them. */
static void play(struct stage *s, int upto)
{
    for (int step = 0; step < upto; step++) {
        switch (step) {
        case 0:
            from_forger(s, 0);
            break;
        case 1:
            from_forger(s, 1);
            break;
        case 2:
            from_device(s, 1);
            break;
        case 3:
            cookie(s);
            break;
        case 4:
            new_psk(s);
            break;
        case 5:
            from_device(s, 1);
            break;
        case 6:
            from_forger(s, 0);
            break;
        default:
            from_device(s, 0);
            break;
        }
    }
}

static void expect_clean(const struct stage *s)
{
    for (size_t i = 0; i < s->count; i++)
        ck_assert_msg(!vault_holds(&s->vault, s->secrets[i], LIVE | FREED), "secret %zu is still in memory", i);
}

static void expect_drawn_clean(const struct stage *s)
{
    for (size_t i = 0; i < s->vault.draws; i++)
        ck_assert_msg(!vault_holds(&s->vault, s->vault.drawn[i], LIVE | FREED), "drawn key %zu is in memory", i);
}

static void stage_end(struct stage *s)
{
    ck_assert_int_eq(vpn_wg_free(s->wg), 0);
    expect_clean(s);
    expect_drawn_clean(s);
    ck_assert(!vault_holds(&s->vault, s->private_key, LIVE | FREED));
    vault_end(&s->vault);
}

/* The search must be able to find something. */
START_TEST(pitfall_30_search_finds_what_is_in_use)
{
    struct stage s;
    stage_new(&s);
    ck_assert(vault_holds(&s.vault, s.private_key, LIVE));
    ck_assert(vault_holds(&s.vault, s.f.psk, LIVE));
    play(&s, 3);
    ck_assert(vault_holds(&s.vault, s.f.send, LIVE));
    ck_assert(vault_holds(&s.vault, s.f.receive, LIVE));
    from_device(&s, 0);
    ck_assert(vault_holds(&s.vault, s.vault.drawn[s.vault.draws - 1], LIVE));
    stage_end(&s);
}
END_TEST

START_TEST(pitfall_30_device_is_freed)
{
    for (int upto = 0; upto < STAGES; upto++) {
        struct stage s;
        stage_new(&s);
        play(&s, upto);
        stage_end(&s);
    }
}
END_TEST

START_TEST(pitfall_30_peer_is_removed)
{
    for (int upto = 0; upto < STAGES; upto++) {
        struct stage s;
        stage_new(&s);
        play(&s, upto);
        ck_assert_int_eq(vpn_wg_peer_remove(s.wg, s.id), 0);
        expect_clean(&s);
        /* Ephemeral keys go with their peer; the cookie secret, drawn in step 3, is the device's. */
        for (size_t i = 0; upto <= 3 && i < s.vault.draws; i++)
            ck_assert(!vault_holds(&s.vault, s.vault.drawn[i], LIVE | FREED));
        ck_assert(vault_holds(&s.vault, s.private_key, LIVE));
        stage_end(&s);
    }
}
END_TEST

START_TEST(pitfall_30_key_is_replaced_or_device_sleeps)
{
    for (int upto = 0; upto < STAGES; upto++) {
        struct stage s;
        uint8_t other[32];
        stage_new(&s);
        play(&s, upto);
        memset(other, 0x48, 32);
        ck_assert_int_eq(vpn_wg_set_private_key(s.wg, other, s.now), 0);
        ck_assert(!vault_holds(&s.vault, s.private_key, LIVE | FREED));
        ck_assert(!vault_holds(&s.vault, s.secrets[1], LIVE | FREED));
        vpn_wg_suspend(s.wg);
        /* All but the preshared keys, which stay settings of the peer. */
        for (size_t i = 1; i < s.count; i++)
            ck_assert(memcmp(s.secrets[i], s.f.psk, 32) == 0 || !vault_holds(&s.vault, s.secrets[i], LIVE | FREED));
        stage_end(&s);
    }
}
END_TEST

/* A session that left the ring, one whose time is over, and a peer whose own time is over. */
START_TEST(pitfall_30_time_passes)
{
    struct stage s;
    uint8_t room[148], old[32];
    stage_new(&s);
    play(&s, 3);
    memcpy(old, s.f.send, 32);
    play(&s, 3);
    ck_assert(!vault_holds(&s.vault, old, LIVE | FREED));
    s.now += 541 * VPN_SECOND;
    vpn_packet packet = {.data = room, .capacity = 148};
    while (vpn_wg_deadline(s.wg) <= s.now) {
        packet = (vpn_packet){.data = room, .capacity = 148};
        vpn_wg_tick(s.wg, &packet, 1, s.now);
    }
    for (size_t i = 2; i < s.count; i++)
        ck_assert(!vault_holds(&s.vault, s.secrets[i], LIVE | FREED));
    vpn_wg_peer change = {.size = sizeof change, .set = VPN_WG_SET_EXPIRES, .expires = s.now};
    ck_assert_int_eq(vpn_wg_peer_set(s.wg, s.id, &change, s.now), 0);
    packet = (vpn_packet){.data = room, .capacity = 148};
    ck_assert_uint_eq(vpn_wg_tick(s.wg, &packet, 1, s.now), 0);
    ck_assert_uint_eq(vpn_wg_peer_next(s.wg, 0), 0);
    expect_clean(&s);
    stage_end(&s);
}
END_TEST

/* The building blocks that are used alone. */
START_TEST(pitfall_30_building_blocks)
{
    struct vault vault = {.seed = 31};
    vpn_env env = vault_env(&vault);
    vpn_session_keys keys = {.local_index = 1, .remote_index = 2};
    vpn_handshake *handshake;
    vpn_session *session;
    uint8_t key[32], message[148];
    const uint8_t stamp[12] = {0};
    memset(key, 0x58, 32);
    test_fill(&vault.seed, &keys.send, 32);
    test_fill(&vault.seed, &keys.receive, 32);
    ck_assert_int_eq(vpn_handshake_new(&handshake, key, NULL, &env), 0);
    ck_assert_int_eq(vpn_session_new(&session, &keys, 0, NULL, &env, 0), 0);
    uint8_t remote[32];
    vpn_key_public(remote, keys.send);
    ck_assert_int_eq(vpn_handshake_initiate(handshake, message, remote, keys.receive, 1, stamp), 0);
    ck_assert(vault_holds(&vault, key, LIVE) && vault_holds(&vault, keys.send, LIVE));
    vpn_handshake_free(handshake);
    vpn_session_free(session);
    const uint8_t *const all[] = {key, keys.send, keys.receive, vault.drawn[0]};
    for (size_t i = 0; i < 4; i++)
        ck_assert(!vault_holds(&vault, all[i], LIVE | FREED));
    vault_end(&vault);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/30");
    test_add(s, "30 search", pitfall_30_search_finds_what_is_in_use);
    test_add(s, "30 free", pitfall_30_device_is_freed);
    test_add(s, "30 peer", pitfall_30_peer_is_removed);
    test_add(s, "30 key", pitfall_30_key_is_replaced_or_device_sleeps);
    test_add(s, "30 time", pitfall_30_time_passes);
    test_add(s, "30 blocks", pitfall_30_building_blocks);
    return s;
}

TEST_MAIN(suite)

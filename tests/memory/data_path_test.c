/* SPDX-License-Identifier: ISC */
/* The data path takes no memory: not from the host's allocator, which refuses here, and not behind its back. */
#include "common/wg.h"
#include "memory/heap.h"

#include <vpn/vpn.h>

#define BATCH 300 /* more than crypt hands to a provider at once */

static struct wg_node pair[2];
static struct wg_buffer buffer[BATCH];
static vpn_packet packets[BATCH], spare[BATCH];
static vpn_scratch *scratch;
static size_t refused;

static void *refuse(void *user, size_t bytes)
{
    (void)user;
    (void)bytes;
    refused++;
    return NULL;
}

static void unexpected_free(void *user, void *memory)
{
    (void)user;
    (void)memory;
    refused++;
}

/* From here to `disarm` neither device gets or gives memory, and Check must not be called. */
static void arm(void)
{
    refused = 0;
    for (int i = 0; i < 2; i++) {
        pair[i].wg->env.alloc = refuse;
        pair[i].wg->env.free = unexpected_free;
    }
    heap_watch();
}

static void disarm(void)
{
    size_t calls = heap_calls();
    for (int i = 0; i < 2; i++) {
        pair[i].wg->env.alloc = pair[i].host.env.alloc;
        pair[i].wg->env.free = pair[i].host.env.free;
    }
    ck_assert_msg(refused == 0, "the host's allocator was called %zu times", refused);
    ck_assert_msg(calls == 0, "malloc and its kin were called %zu times", calls);
}

static void setup(void)
{
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, 0);
    wg_forget_events(&pair[0]);
    wg_forget_events(&pair[1]);
    ck_assert_int_eq(vpn_scratch_new(&scratch, NULL, NULL), 0);
}

static void teardown(void)
{
    vpn_scratch_free(scratch);
    wg_pair_end(pair);
}

/* `n` inner packets of sizes that differ, from one side to the other. */
static void make(unsigned by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        packets[i] = *wg_inner(&buffer[i], (uint8_t)by, (uint8_t)!by, 20 + (uint32_t)(i * 37 % 1400));
}

static void arrive(unsigned from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memset(&packets[i].path, 0, sizeof packets[i].path);
        packets[i].path.remote = pair[from].at;
    }
}

/* Sends and receives a batch, whole or in phases. */
static size_t carry(unsigned by, size_t n, int phases, vpn_time now)
{
    size_t sent, got;
    if (!phases) {
        sent = vpn_wg_send(pair[by].wg, packets, n, now);
        arrive(by, n);
        got = vpn_wg_recv(pair[!by].wg, packets, n, now);
    } else {
        (void)vpn_wg_send_begin(pair[by].wg, packets, n, now);
        vpn_wg_crypt(scratch, packets, n);
        sent = vpn_wg_end(pair[by].wg, packets, n, now);
        arrive(by, n);
        (void)vpn_wg_recv_begin(pair[!by].wg, packets, n, now);
        vpn_wg_crypt(scratch, packets, n);
        got = vpn_wg_end(pair[!by].wg, packets, n, now);
    }
    return sent == n ? got : 0;
}

/* Both ways, small and full batches, for as long as a session lives before it has to be renewed. */
START_TEST(batches)
{
    static const size_t sizes[] = {1, 2, 64, 128, 129, BATCH};
    for (unsigned round = 0; round < 60; round++) {
        const size_t n = sizes[round % 6];
        const vpn_time now = VPN_SECOND * (1 + round);
        make(round / 6 % 2, n);
        arm();
        size_t got = carry(round / 6 % 2, n, _i, now);
        disarm();
        ck_assert_uint_eq(got, n);
    }
}
END_TEST

/* Everything that a datagram can be but a handshake. */
START_TEST(refusals)
{
    const vpn_time now = VPN_SECOND;
    make(0, 128);
    ck_assert_uint_eq(vpn_wg_send(pair[0].wg, packets, 128, now), 128);
    arrive(0, 128);
    for (size_t i = 0; i < 128; i++) {
        uint8_t *message = packets[i].data + packets[i].offset;
        if (i % 8 == 1)
            message[packets[i].length - 1] ^= 1; /* a forgery */
        else if (i % 8 == 2)
            message[4] ^= 1; /* no such session */
        else if (i % 8 == 3)
            message[0] = (uint8_t)i; /* no such type, or a handshake of the wrong length */
        else if (i % 8 == 4)
            packets[i].length = (uint32_t)i % 32; /* too short */
        else if (i % 8 == 5)
            memset(message + 8, 0xff, 8); /* a counter past the limit */
        else if (i % 8 == 6)
            packets[i].path.remote.port++; /* roaming, if it is authentic */
    }
    memcpy(spare, packets, sizeof packets);
    arm();
    size_t got = vpn_wg_recv(pair[1].wg, packets, 128, now);
    size_t again = vpn_wg_recv(pair[1].wg, spare, 128, now); /* decrypted by now: forgeries all */
    disarm();
    ck_assert_uint_eq(got, 48);
    ck_assert_uint_eq(again, 0);
}
END_TEST

/* Without a session packets wait; without a route, an endpoint or room they are dropped. */
START_TEST(nothing_to_send_with)
{
    const vpn_time now = VPN_SECOND * 200;
    size_t waiting = 0, dropped = 0;
    make(0, 128);
    for (size_t i = 1; i < 128; i += 2)
        packets[i].data[packets[i].offset + 17] = 77;
    arm();
    (void)vpn_wg_send(pair[0].wg, packets, 128, now);
    for (size_t i = 0; i < 128; i++) {
        waiting += packets[i].verdict == VPN_WAIT;
        dropped += packets[i].verdict == VPN_DROP;
    }
    disarm();
    ck_assert_uint_eq(waiting, 64);
    ck_assert_uint_eq(dropped, 64);
}
END_TEST

/* Keepalives, expiries, changes of the network, and what a host asks in between. */
START_TEST(ticks)
{
    static vpn_wg_stats stats;
    static vpn_wg_peer_stats peer_stats;
    static vpn_wg_event_info event;
    vpn_wg_peer change = {.size = sizeof change, .set = VPN_WG_SET_KEEPALIVE | VPN_WG_SET_ENDPOINT, .keepalive = 1};
    size_t kept_alive = 0, events = 0, errors = 0;
    uint8_t addr[4] = {10, 0, 1, 1};
    stats.size = sizeof stats;
    peer_stats.size = sizeof peer_stats;
    change.endpoint = pair[1].at;
    arm();
    errors += vpn_wg_peer_set(pair[0].wg, pair[0].peer, &change, 0) != 0;
    for (vpn_time now = 0; now < VPN_SECOND * 115; now += VPN_SECOND / 2) {
        for (size_t i = 0; i < 4; i++)
            packets[i] = *wg_empty(&buffer[i]);
        size_t n = vpn_wg_deadline(pair[0].wg) <= now ? vpn_wg_tick(pair[0].wg, packets, 4, now) : 0;
        kept_alive += n;
        arrive(0, n);
        (void)vpn_wg_recv(pair[1].wg, packets, n, now);
        for (size_t i = 0; i < 4; i++)
            packets[i] = *wg_empty(&buffer[i]);
        (void)vpn_wg_tick(pair[1].wg, packets, 4, now);
        if (now % (VPN_SECOND * 10) == 0)
            pair[0].at.port++;
        while (vpn_wg_event(pair[1].wg, &event) == 0)
            events++;
        errors += vpn_wg_get_stats(pair[0].wg, &stats) != 0;
        errors += vpn_wg_peer_get_stats(pair[0].wg, pair[0].peer, &peer_stats, now) != 0;
        errors += vpn_wg_route(pair[0].wg, 4, addr) != pair[0].peer;
    }
    disarm();
    ck_assert_uint_eq(errors, 0);
    ck_assert_uint_ge(kept_alive, 100);
    ck_assert_uint_ge(events, 10);
}
END_TEST

/* The parts by themselves, and all primitives. */
START_TEST(parts)
{
    static uint64_t map[128];
    static uint8_t memory[2048], private_key[32] = {8}, public_key[32], shared[32], out[96];
    const vpn_session_keys keys = {.send = {1}, .receive = {1}, .local_index = 5, .remote_index = 5};
    vpn_session *session;
    vpn_replay replay;
    vpn_cookie_checker checker;
    vpn_cookie_maker maker;
    size_t errors = 0;
    ck_assert_int_eq(vpn_session_new(&session, &keys, 0, NULL, NULL, 0), 0);
    ck_assert_int_eq(vpn_replay_init(&replay, map, 8192), 0);
    vpn_key_public(public_key, private_key);
    heap_watch();
    for (uint32_t i = 0; i < 500; i++) {
        vpn_packet packet = {.data = memory, .capacity = sizeof memory, .offset = 16, .length = i};
        errors += vpn_session_seal(session, &packet, i % 16, 0) != 0;
        errors += vpn_session_open(session, &packet, 0) != 0;
        errors += vpn_replay_accept(&replay, i) != 0;
    }
    vpn_cookie_checker_init(&checker, public_key);
    vpn_cookie_maker_init(&maker);
    memset(memory, 1, 148);
    errors += vpn_mac_add(&maker, memory, 148, public_key, 0) != 0;
    errors += vpn_mac1_check(&checker, memory, 148) != 0;
    errors += vpn_x25519(shared, private_key, public_key) != 0;
    vpn_hkdf(out, out + 32, out + 64, shared, memory, 148);
    vpn_xaead_seal(memory, memory, 100, out, 32, out, shared);
    errors += vpn_xaead_open(memory, memory, 116, out, 32, out, shared) != 0;
    size_t calls = heap_calls();
    ck_assert_uint_eq(calls, 0);
    ck_assert_uint_eq(errors, 0);
    vpn_session_free(session);
}
END_TEST

/* musl's calloc calls malloc, which counts too. */
#if defined(__linux__) && !defined(__GLIBC__)
#define CALLOC_CALLS 2
#else
#define CALLOC_CALLS 1
#endif

/* A counter that counts nothing would prove nothing. */
START_TEST(the_watch_works)
{
    static void *volatile block;
    heap_watch();
    block = malloc(3);
    block = realloc(block, 5);
    free(block);
    block = calloc(2, 3);
    free(block);
    size_t calls = heap_calls();
    ck_assert_uint_eq(calls, 4 + CALLOC_CALLS);
    vpn_peer_id id;
    vpn_wg_peer peer = {.size = sizeof peer, .public_key = {3}};
    wg_pair_init(pair, NULL);
    pair[0].wg->env.alloc = refuse;
    int error = VPN_OK;
    for (unsigned i = 0; i < 1000 && error == VPN_OK; i++) {
        peer.public_key[1] = (uint8_t)i;
        peer.public_key[2] = (uint8_t)(i >> 8);
        error = vpn_wg_peer_add(pair[0].wg, &peer, &id, 0);
    }
    ck_assert_int_eq(error, VPN_ENOMEM);
    ck_assert_uint_eq(refused, 1);
    pair[0].wg->env.alloc = pair[0].host.env.alloc;
    wg_pair_end(pair);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("memory/data_path");
    TCase *tcase = tcase_create("sessions");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, batches, 0, 2);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, nothing_to_send_with);
    tcase_add_test(tcase, ticks);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(s, tcase);
    test_add(s, "parts", parts);
    test_add(s, "the watch", the_watch_works);
    return s;
}

TEST_MAIN(suite)

/* SPDX-License-Identifier: ISC */
#include "wireguard/session.h"

#include "base/bytes.h"
#include "common/host.h"
#include "common/provider.h"
#include "wireguard/wire.h"

#define BORN (1000 * VPN_SECOND)
#define ROOM 1600

static struct host host;
static vpn_session_keys keys[2];
static vpn_session *a, *b;
static uint8_t buffer[ROOM + 64], text[1500];

static void start(void)
{
    uint64_t seed = 5;
    host_init(&host);
    memset(keys, 0, sizeof(keys));
    test_fill(&seed, keys[0].send, 32);
    test_fill(&seed, keys[0].receive, 32);
    test_fill(&seed, text, sizeof(text));
    memcpy(keys[1].send, keys[0].receive, 32);
    memcpy(keys[1].receive, keys[0].send, 32);
    keys[0].local_index = keys[1].remote_index = UINT32_C(0x11223344);
    keys[0].remote_index = keys[1].local_index = UINT32_C(0xa1b2c3d4);
    keys[0].initiator = 1;
    ck_assert_int_eq(vpn_session_new(&a, &keys[0], 0, NULL, &host.env, BORN), 0);
    ck_assert_int_eq(vpn_session_new(&b, &keys[1], 0, NULL, &host.env, BORN), 0);
}

static void end(void)
{
    vpn_session_free(a);
    vpn_session_free(b);
    host_end(&host);
}

/* A packet with `length` bytes of text, `skew` bytes off the start of the buffer. */
static vpn_packet inner(size_t length, size_t skew)
{
    vpn_packet p = {.data = buffer + skew, .capacity = ROOM, .offset = 16, .length = (uint32_t)length};
    memset(buffer, 0xcc, sizeof(buffer));
    memcpy(p.data + 16, text, length);
    return p;
}

static vpn_packet sealed(size_t length, vpn_time now)
{
    vpn_packet p = inner(length, 0);
    ck_assert_int_eq(vpn_session_seal(a, &p, 0, now), 0);
    return p;
}

/* Each length at each of four alignments; header and tag by the definition of section 5.4.6. */
START_TEST(round_trip)
{
    start();
    for (size_t length = 0; length <= 1500; length++) {
        uint8_t want[1520], nonce[12] = {0}, header[16];
        uint32_t padding = (uint32_t)(length % 16 ? 16 - length % 16 : 0);
        vpn_packet p = inner(length, length % 4);
        ck_assert_int_eq(vpn_session_seal(a, &p, padding, BORN), 0);
        ck_assert(p.offset == 0 && p.length == length + padding + 32);
        vpn__store32le(header, 4);
        vpn__store32le(header + 4, UINT32_C(0xa1b2c3d4));
        vpn__store64le(header + 8, length);
        ck_assert_mem_eq(p.data, header, 16);
        vpn__store64le(nonce + 4, length);
        memset(want, 0, sizeof(want));
        if (length)
            memcpy(want, text, length);
        vpn_aead_seal(want, want, length + padding, NULL, 0, nonce, keys[0].send);
        ck_assert_mem_eq(p.data + 16, want, length + padding + 16);
        ck_assert_uint_eq(p.data[p.length], 0xcc);
        ck_assert_int_eq(vpn_session_open(b, &p, BORN), 0);
        ck_assert(p.offset == 16 && p.length == length + padding);
        ck_assert(length == 0 || memcmp(p.data + 16, text, length) == 0);
        ck_assert(test_is_zero(p.data + 16 + length, padding));
    }
    end();
}
END_TEST

START_TEST(both_directions)
{
    start();
    for (size_t i = 0; i < 20; i++) {
        vpn_packet p = inner(100, 0);
        vpn_session *from = i % 2 ? a : b, *to = i % 2 ? b : a;
        ck_assert_int_eq(vpn_session_seal(from, &p, 0, BORN), 0);
        ck_assert_uint_eq(vpn__load64le(p.data + 8), i / 2);
        ck_assert_int_eq(vpn_session_open(to, &p, BORN), 0);
        ck_assert_mem_eq(p.data + p.offset, text, 100);
    }
    end();
}
END_TEST

START_TEST(replay)
{
    static uint8_t copies[300][48];
    start();
    for (size_t i = 0; i < 300; i++) {
        vpn_packet p = sealed(16, BORN);
        memcpy(copies[i], p.data, 48);
    }
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 300; i++) {
            size_t k = (i * 7 + 11) % 300;
            vpn_packet p = {.data = buffer, .capacity = 48, .length = 48};
            memcpy(buffer, copies[k], 48);
            ck_assert_int_eq(vpn_session_open(b, &p, BORN), round ? VPN_EREPLAY : 0);
            if (round)
                ck_assert(p.offset == 0 && p.length == 48 && memcmp(buffer, copies[k], 48) == 0);
        }
    }
    end();
}
END_TEST

/* The window is the bits less 64; smaller windows forget sooner. */
START_TEST(window_sizes)
{
    static const uint32_t bits[] = {128, 256, 1024, 8192, 0};
    for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
        uint64_t window = (bits[i] ? bits[i] : 8192) - 64;
        start();
        vpn_session_free(b);
        ck_assert_int_eq(vpn_session_new(&b, &keys[1], bits[i], NULL, &host.env, BORN), 0);
        static const int want[] = {0, 0, VPN_EREPLAY};
        uint64_t counters[] = {100000, 100000 - window, 100000 - window - 1};
        for (size_t k = 0; k < 3; k++) {
            a->counter = counters[k];
            vpn_packet p = sealed(16, BORN);
            ck_assert_int_eq(vpn_session_open(b, &p, BORN), want[k]);
        }
        end();
    }
}
END_TEST

START_TEST(time_limit)
{
    static const struct {
        vpn_time now;
        int want;
    } steps[] = {{0, 0}, /* a clock that steps back before the birth */
                 {BORN, 0},
                 {BORN + 180 * VPN_SECOND - 1, 0},
                 {BORN + 180 * VPN_SECOND, VPN_EEXPIRED},
                 {VPN_TIME_MAX, VPN_EEXPIRED}};
    start();
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        vpn_packet p = inner(32, 0);
        uint64_t before = a->counter;
        ck_assert_int_eq(vpn_session_seal(a, &p, 0, steps[i].now), steps[i].want);
        ck_assert_uint_eq(a->counter - before, steps[i].want == 0);
        p = sealed(32, BORN);
        ck_assert_int_eq(vpn_session_open(b, &p, steps[i].now), steps[i].want);
    }
    end();
}
END_TEST

/* The last counter is REJECT_AFTER_MESSAGES - 1, for the sender and for the receiver. */
START_TEST(message_limit)
{
    uint64_t reject = UINT64_MAX - 8192;
    start();
    a->counter = reject - 2;
    for (uint64_t i = 0; i < 2; i++) {
        vpn_packet p = sealed(32, BORN);
        ck_assert_uint_eq(vpn__load64le(p.data + 8), reject - 2 + i);
        ck_assert_int_eq(vpn_session_open(b, &p, BORN), 0);
    }
    vpn_packet p = inner(32, 0);
    ck_assert_int_eq(vpn_session_seal(a, &p, 0, BORN), VPN_EEXPIRED);
    ck_assert_uint_eq(a->counter, reject);
    ck_assert(p.offset == 16 && p.length == 32);
    static const uint64_t past[] = {UINT64_MAX - 8192, UINT64_MAX - 8191, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        uint8_t nonce[12] = {0};
        vpn__store32le(buffer, 4);
        vpn__store32le(buffer + 4, keys[1].local_index);
        vpn__store64le(buffer + 8, past[i]);
        vpn__store64le(nonce + 4, past[i]);
        vpn_aead_seal(buffer + 16, text, 32, NULL, 0, nonce, keys[0].send);
        p = (vpn_packet){.data = buffer, .capacity = 64, .length = 64};
        ck_assert_int_eq(vpn_session_open(b, &p, BORN), VPN_EEXPIRED);
    }
    end();
}
END_TEST

/* Counters past 32 bits are whole on the wire, in the nonce and in the window. */
START_TEST(wide_counters)
{
    static const uint64_t at[] = {UINT64_C(0xfffffffe), UINT64_C(0xffffffffffff), UINT64_C(1) << 60};
    start();
    for (size_t i = 0; i < 3; i++) {
        a->counter = at[i];
        for (size_t k = 0; k < 4; k++) {
            vpn_packet p = sealed(48, BORN);
            ck_assert_uint_eq(vpn__load64le(p.data + 8), at[i] + k);
            ck_assert_int_eq(vpn_session_open(b, &p, BORN), 0);
            ck_assert_mem_eq(p.data + p.offset, text, 48);
        }
    }
    end();
}
END_TEST

START_TEST(room)
{
    start();
    for (uint32_t head = 0; head <= 16; head++) {
        for (uint32_t tail = 0; tail <= 24; tail++) {
            vpn_packet p = {.data = buffer, .capacity = head + 40 + tail, .offset = head, .length = 40};
            uint64_t before = a->counter;
            int fits = head == 16 && tail == 24;
            ck_assert_int_eq(vpn_session_seal(a, &p, 8, BORN), fits ? 0 : VPN_ESPACE);
            ck_assert_uint_eq(a->counter, before + (uint64_t)fits);
        }
    }
    vpn_packet p = inner(100, 0);
    ck_assert_int_eq(vpn_session_seal(a, &p, UINT32_MAX, BORN), VPN_ESPACE);
    ck_assert_int_eq(vpn_session_seal(a, &p, UINT32_MAX - 15, BORN), VPN_ESPACE);
    end();
}
END_TEST

START_TEST(bad_descriptors)
{
    vpn_packet bad[] = {
        {.data = NULL, .capacity = 100, .offset = 16, .length = 40},
        {.data = buffer, .capacity = 100, .offset = 101, .length = 0},
        {.data = buffer, .capacity = 100, .offset = 60, .length = 41},
        {.data = buffer, .capacity = 100, .offset = 16, .length = UINT32_MAX},
        {.data = buffer, .capacity = 100, .offset = UINT32_MAX, .length = 2},
    };
    start();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        vpn_packet p = bad[i];
        ck_assert_int_eq(vpn_session_seal(a, &p, 0, BORN), VPN_EINVAL);
        ck_assert_int_eq(vpn_session_open(b, &p, BORN), VPN_EINVAL);
    }
    ck_assert_uint_eq(a->counter, 0);
    end();
}
END_TEST

/* Each byte counts. What fails leaves no plaintext behind and takes no counter, so that the true message still passes. */
START_TEST(tampered)
{
    uint8_t good[132];
    start();
    vpn_packet p = sealed(100, BORN);
    memcpy(good, p.data, sizeof(good));
    for (size_t i = 0; i < sizeof(good); i++) {
        memcpy(buffer, good, sizeof(good));
        buffer[i] ^= 1;
        p = (vpn_packet){.data = buffer, .capacity = 132, .length = 132};
        int error = vpn_session_open(b, &p, BORN);
        ck_assert_int_eq(error, i < 8 ? VPN_EFORMAT : VPN_EAUTH);
        ck_assert(p.offset == 0 && p.length == 132);
        for (size_t k = 16; k < 116; k++)
            ck_assert(buffer[k] == 0 || buffer[k] == (good[k] ^ (k == i)));
    }
    memcpy(buffer, good, sizeof(good));
    p = (vpn_packet){.data = buffer, .capacity = 132, .length = 132};
    ck_assert_int_eq(vpn_session_open(b, &p, BORN), 0);
    end();
}
END_TEST

START_TEST(truncated)
{
    uint8_t good[132];
    start();
    vpn_packet p = sealed(100, BORN);
    memcpy(good, p.data, sizeof(good));
    for (uint32_t length = 0; length < 132; length++) {
        memcpy(buffer, good, sizeof(good));
        p = (vpn_packet){.data = buffer, .capacity = length, .length = length};
        ck_assert_int_eq(vpn_session_open(b, &p, BORN), length < 32 ? VPN_EFORMAT : VPN_EAUTH);
    }
    end();
}
END_TEST

START_TEST(not_ours)
{
    start();
    vpn_packet p = sealed(100, BORN);
    ck_assert_int_eq(vpn_session_open(a, &p, BORN), VPN_EFORMAT);
    vpn__store32le(buffer + 4, keys[0].local_index);
    ck_assert_int_eq(vpn_session_open(a, &p, BORN), VPN_EAUTH); /* a message sent back to its sender */
    end();
}
END_TEST

static int refuse(void *scratch)
{
    (void)scratch;
    return VPN_EBUSY;
}

static size_t none_done(void *scratch, vpn_aead_job *jobs, size_t n)
{
    (void)scratch;
    for (size_t i = 0; i < n; i++)
        jobs[i].done = 0;
    return 0;
}

static void *given_scratch;

static int init_scratch(void *scratch)
{
    given_scratch = scratch;
    ck_assert_uint_eq((uintptr_t)scratch % 64, 0);
    memset(scratch, 0x55, 100);
    return 0;
}

static void end_scratch(void *scratch)
{
    ck_assert_ptr_eq(scratch, given_scratch);
    given_scratch = NULL;
}

static int init_key(void *slot, const uint8_t key[32])
{
    ck_assert_uint_eq((uintptr_t)slot % 64, 0);
    memset(slot, 0, 1024);
    memcpy(slot, key, 32);
    return 0;
}

/* The first `keys_left` slots are prepared, the next one is not. */
static uint32_t keys_left;

static int refuse_key(void *slot, const uint8_t key[32])
{
    memcpy(slot, key, 32);
    return keys_left-- > 0 ? 0 : VPN_ELIMIT;
}

START_TEST(provider_without_keys)
{
    vpn_provider own = *vpn_provider_sodium();
    own.init_key = refuse_key;
    own.init_scratch = init_scratch;
    own.end_scratch = end_scratch;
    for (uint32_t i = 0; i < 2; i++) {
        vpn_session *s = NULL;
        host_init(&host);
        keys_left = i;
        given_scratch = NULL;
        ck_assert_int_eq(vpn_session_new(&s, &keys[0], 128, &own, &host.env, BORN), VPN_ELIMIT);
        ck_assert(s == NULL && given_scratch == NULL);
        host_end(&host); /* and no key is left in what was given back */
    }
}
END_TEST

/* A provider with big slots and scratch: all memory is there and aligned. */
START_TEST(provider)
{
    vpn_provider own = *vpn_provider_sodium();
    own.key_size = 1024;
    own.init_key = init_key;
    own.scratch_size = 100;
    own.init_scratch = init_scratch;
    own.end_scratch = end_scratch;
    start();
    vpn_session_free(a);
    ck_assert_int_eq(vpn_session_new(&a, &keys[0], 128, &own, &host.env, BORN), 0);
    vpn_packet p = sealed(77, BORN);
    ck_assert_int_eq(vpn_session_open(b, &p, BORN), 0);
    own.seal = none_done;
    own.open = none_done;
    p = inner(40, 0);
    ck_assert_int_ne(vpn_session_seal(a, &p, 0, BORN), 0);
    end();
    ck_assert_ptr_null(given_scratch);
    own.init_scratch = refuse;
    host_init(&host);
    ck_assert_int_eq(vpn_session_new(&a, &keys[0], 128, &own, &host.env, BORN), VPN_EBUSY);
    ck_assert_ptr_null(a);
    host_end(&host);
}
END_TEST

/* Sessions lie in a row in the device's pool, so their slots are aligned only if the whole is a multiple of 64. */
START_TEST(sessions_in_a_row)
{
    vpn_provider own = *vpn_provider_sodium();
    for (own.key_size = 1; own.key_size <= VPN_PROVIDER_KEY_MAX; own.key_size += 31)
        for (uint32_t bits = VPN_REPLAY_BITS_MIN; bits <= VPN_REPLAY_BITS_MAX; bits *= 2)
            ck_assert_uint_eq(vpn__session_bytes(&own, bits) % 64, 0);
}
END_TEST

START_TEST(bad_arguments)
{
    static const uint32_t bits[] = {1, 64, 127, 129, 192, 8191, 8193, 16384, UINT32_MAX, UINT32_C(1) << 31};
    host_init(&host);
    for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
        a = b;
        ck_assert_int_eq(vpn_session_new(&a, &keys[0], bits[i], NULL, &host.env, 0), VPN_EINVAL);
        ck_assert_ptr_null(a);
    }
    for (unsigned i = 0; i < UNSOUND_PROVIDERS; i++) {
        vpn_provider unsound = unsound_provider(i);
        a = b;
        ck_assert_int_eq(vpn_session_new(&a, &keys[0], 0, &unsound, &host.env, 0), VPN_EINVAL);
        ck_assert_ptr_null(a);
    }
    vpn_env bad = host.env;
    bad.reserved = 1;
    ck_assert_int_eq(vpn_session_new(&a, &keys[0], 0, NULL, &bad, 0), VPN_EINVAL);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn_session_new(&a, &keys[0], 0, NULL, &host.env, 0), VPN_ENOMEM);
    vpn_session_free(NULL);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("session");
    test_add(s, "round trip", round_trip);
    test_add(s, "both directions", both_directions);
    test_add(s, "replay", replay);
    test_add(s, "window sizes", window_sizes);
    test_add(s, "time limit", time_limit);
    test_add(s, "message limit", message_limit);
    test_add(s, "wide counters", wide_counters);
    test_add(s, "room", room);
    test_add(s, "bad descriptors", bad_descriptors);
    test_add(s, "tampered", tampered);
    test_add(s, "truncated", truncated);
    test_add(s, "not ours", not_ours);
    test_add(s, "provider", provider);
    test_add(s, "provider_without_keys", provider_without_keys);
    test_add(s, "sessions in a row", sessions_in_a_row);
    test_add(s, "bad arguments", bad_arguments);
    return s;
}

TEST_MAIN(suite)

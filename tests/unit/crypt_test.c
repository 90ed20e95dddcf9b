/* SPDX-License-Identifier: ISC */
#include "wireguard/crypt.h"

#include "common/provider.h"
#include "common/wg.h"

#define S    VPN_SECOND
#define MANY 300

static struct wg_node pair[2];
static struct wg_buffer buffers[MANY];
static vpn_packet packets[MANY];
static vpn_scratch *scratch;
static struct host host;

static void start(void)
{
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
    host_init(&host);
    ck_assert_int_eq(vpn_scratch_new(&scratch, NULL, &host.env), 0);
}

static void end(void)
{
    vpn_scratch_free(scratch);
    host_end(&host);
    wg_pair_end(pair);
}

/* Inner packets of different lengths from one node to the other. */
static void fill(size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++) {
        wg_inner(&buffers[i], from, !from, 20 + (uint32_t)(i * 37 % 1300));
        packets[i] = buffers[i].packet;
    }
}

static void send_all(uint8_t from, size_t n)
{
    fill(n, from);
    ck_assert_uint_eq(vpn_wg_send(pair[from].wg, packets, n, S), n);
    for (size_t i = 0; i < n; i++)
        wg_arrive(&packets[i], &pair[from].at);
}

static void expect_delivered(size_t n)
{
    static uint8_t pattern[1320];
    for (size_t k = 0; k < sizeof(pattern); k++)
        pattern[k] = (uint8_t)k;
    for (size_t i = 0; i < n; i++) {
        uint32_t length = 20 + (uint32_t)(i * 37 % 1300);
        ck_assert(packets[i].verdict == VPN_TO_TUN && packets[i].length == length);
        ck_assert(memcmp(packets[i].data + packets[i].offset + 20, pattern + 20, length - 20) == 0);
    }
}

/* More packets than one call of the provider takes, in one call and in parts. */
START_TEST(long_batches)
{
    static const size_t cuts[] = {1, 7, 127, 128, 129, MANY};
    start();
    for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++) {
        fill(MANY, 0);
        ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, packets, MANY, S), MANY);
        for (size_t i = 0; i < MANY; i += cuts[c])
            vpn_wg_crypt(scratch, packets + i, MANY - i < cuts[c] ? MANY - i : cuts[c]);
        ck_assert_uint_eq(vpn_wg_end(pair[0].wg, packets, MANY, S), MANY);
        for (size_t i = 0; i < MANY; i++)
            wg_arrive(&packets[i], &pair[0].at);
        ck_assert_uint_eq(vpn_wg_recv_begin(pair[1].wg, packets, MANY, S), MANY);
        for (size_t i = 0; i < MANY; i += cuts[c])
            vpn_wg_crypt(scratch, packets + i, MANY - i < cuts[c] ? MANY - i : cuts[c]);
        ck_assert_uint_eq(vpn_wg_end(pair[1].wg, packets, MANY, S), MANY);
        expect_delivered(MANY);
    }
    end();
}
END_TEST

/* Both directions of one device in one array. */
START_TEST(mixed_directions)
{
    static vpn_packet mixed[40];
    start();
    send_all(1, 40);
    for (size_t i = 0; i < 40; i += 2) {
        mixed[i] = packets[i];
        wg_inner(&buffers[i + 1], 0, 1, 100);
        mixed[i + 1] = buffers[i + 1].packet;
        ck_assert_uint_eq(vpn_wg_recv_begin(pair[0].wg, &mixed[i], 1, S), 1);
        ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, &mixed[i + 1], 1, S), 1);
    }
    vpn_wg_crypt(scratch, mixed, 40);
    ck_assert_uint_eq(vpn_wg_end(pair[0].wg, mixed, 40, S), 40);
    for (size_t i = 0; i < 40; i++)
        ck_assert_uint_eq(mixed[i].verdict, i % 2 ? VPN_TO_NET : VPN_TO_TUN);
    end();
}
END_TEST

/* A second crypt changes no byte, and neither does one of packets that are not pending. */
START_TEST(repeated)
{
    static uint8_t copy[WG_ROOM];
    start();
    fill(1, 0);
    vpn_wg_crypt(scratch, packets, 1);
    ck_assert_mem_eq(packets[0].data + packets[0].offset, "\x45", 1);
    ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, packets, 1, S), 1);
    vpn_wg_crypt(scratch, packets, 1);
    memcpy(copy, packets[0].data, WG_ROOM);
    vpn_wg_crypt(scratch, packets, 1);
    ck_assert_mem_eq(copy, packets[0].data, WG_ROOM);
    ck_assert_uint_eq(vpn_wg_end(pair[0].wg, packets, 1, S), 1);
    vpn_wg_crypt(scratch, packets, 1);
    ck_assert_mem_eq(copy, packets[0].data, WG_ROOM);
    wg_arrive(&packets[0], &pair[0].at);
    ck_assert_uint_eq(vpn_wg_recv_begin(pair[1].wg, packets, 1, S), 1);
    vpn_wg_crypt(scratch, packets, 1);
    vpn_wg_crypt(scratch, packets, 1);
    ck_assert_uint_eq(vpn_wg_end(pair[1].wg, packets, 1, S), 1);
    expect_delivered(1);
    end();
}
END_TEST

/* What is not pending, whatever its job says, is passed over: no byte of it moves. */
START_TEST(not_pending)
{
    uint8_t bytes[36];
    start();
    fill(1, 0);
    ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, packets, 1, S), 1);
    vpn_packet given_up = packets[0];
    given_up.verdict = VPN_DROP;
    memcpy(bytes, given_up.data + given_up.offset, sizeof(bytes));
    vpn_wg_crypt(scratch, &given_up, 1);
    ck_assert_uint_eq(given_up.job.state, packets[0].job.state);
    ck_assert_mem_eq(given_up.data + given_up.offset, bytes, sizeof(bytes));
    vpn_wg_crypt(scratch, packets, 1);
    ck_assert_uint_eq(vpn_wg_end(pair[0].wg, packets, 1, S), 1);
    end();
}
END_TEST

/* One bad packet in a batch harms no other. */
START_TEST(one_bad_packet)
{
    start();
    send_all(0, 200);
    packets[131].data[packets[131].offset + 20] ^= 1;
    ck_assert_uint_eq(vpn_wg_recv(pair[1].wg, packets, 200, S), 199);
    for (size_t i = 0; i < 200; i++)
        ck_assert_uint_eq(packets[i].verdict, i == 131 ? VPN_DROP : VPN_TO_TUN);
    ck_assert_uint_eq(packets[131].reason, VPN_REASON_AUTH);
    end();
}
END_TEST

/* A scratch of another provider passes the packets over: they are dropped at the end, and nothing was sealed. */
START_TEST(foreign_scratch)
{
    static uint8_t copy[WG_ROOM];
    vpn_provider own = *vpn_provider_sodium();
    vpn_scratch *foreign;
    start();
    ck_assert_int_eq(vpn_scratch_new(&foreign, &own, NULL), 0);
    fill(1, 0);
    ck_assert_uint_eq(vpn_wg_send_begin(pair[0].wg, packets, 1, S), 1);
    memcpy(copy, packets[0].data, WG_ROOM);
    vpn_wg_crypt(foreign, packets, 1);
    ck_assert_mem_eq(copy, packets[0].data, WG_ROOM);
    ck_assert_uint_eq(vpn_wg_end(pair[0].wg, packets, 1, S), 0);
    ck_assert(packets[0].verdict == VPN_DROP && packets[0].reason == VPN_REASON_NO_CRYPT);
    vpn_scratch_free(foreign);
    end();
}
END_TEST

static size_t every_other(void *work, vpn_aead_job *jobs, size_t n)
{
    size_t done = 0;
    (void)work;
    for (size_t i = 0; i < n; i++) {
        jobs[i].done = i % 2;
        done += i % 2;
    }
    return done;
}

/* What the provider did not do is not sent. */
START_TEST(provider_fails)
{
    vpn_provider own = *vpn_provider_sodium();
    vpn_wg_config config = {.size = sizeof(config), .provider = &own};
    wg_pair_init(pair, &config);
    wg_connect(pair, 0, S);
    own.seal = every_other;
    fill(10, 0);
    ck_assert_uint_eq(vpn_wg_send(pair[0].wg, packets, 10, S), 5);
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(packets[i].verdict, i % 2 ? VPN_TO_NET : VPN_DROP);
    wg_pair_end(pair);
}
END_TEST

static int scratch_status;
static void *seen;

static int init_scratch(void *work)
{
    ck_assert_uint_eq((uintptr_t)work % 64, 0);
    memset(work, 1, 999);
    seen = work;
    return scratch_status;
}

static void end_scratch(void *work)
{
    ck_assert_ptr_eq(work, seen);
    seen = NULL;
}

START_TEST(scratch_life)
{
    vpn_provider own = *vpn_provider_sodium();
    own.scratch_size = 999;
    own.init_scratch = init_scratch;
    own.end_scratch = end_scratch;
    host_init(&host);
    ck_assert_int_eq(vpn_scratch_new(&scratch, &own, &host.env), 0);
    ck_assert_uint_eq(vpn__scratch_memory(scratch), host.bytes);
    /* Neither end shares a pair of cache lines with what another thread may have beside it. */
    ck_assert(test_is_zero(scratch, 128));
    ck_assert_uint_ge((uintptr_t)scratch + host.bytes - (uintptr_t)seen, 999 + 128);
    vpn_scratch_free(scratch);
    ck_assert_ptr_null(seen);
    scratch_status = VPN_EBUSY;
    ck_assert_int_eq(vpn_scratch_new(&scratch, &own, &host.env), VPN_EBUSY);
    ck_assert_ptr_null(scratch);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn_scratch_new(&scratch, &own, &host.env), VPN_ENOMEM);
    host_heal(&host);
    for (unsigned i = 0; i < UNSOUND_PROVIDERS; i++) {
        own = unsound_provider(i);
        ck_assert_int_eq(vpn_scratch_new(&scratch, &own, &host.env), VPN_EINVAL);
        ck_assert_ptr_null(scratch);
    }
    host.env.size = 1;
    ck_assert_int_eq(vpn_scratch_new(&scratch, &own, &host.env), VPN_EINVAL);
    vpn_scratch_free(NULL);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("crypt");
    test_add(s, "long batches", long_batches);
    test_add(s, "mixed directions", mixed_directions);
    test_add(s, "repeated", repeated);
    test_add(s, "not pending", not_pending);
    test_add(s, "one bad packet", one_bad_packet);
    test_add(s, "foreign scratch", foreign_scratch);
    test_add(s, "provider fails", provider_fails);
    test_add(s, "scratch life", scratch_life);
    return s;
}

TEST_MAIN(suite)

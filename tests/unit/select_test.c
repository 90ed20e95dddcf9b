/* SPDX-License-Identifier: ISC */
/* Candidates are libsodium with faults and with a speed that the test decides: the clock runs with what they do. */
#include "common/test.h"

#include <vpn/vpn.h>

static uint64_t ticks;
static uint32_t cost, agreement_cost;

static uint64_t clock_ticks(void *user)
{
    ck_assert_ptr_eq(user, &ticks);
    return ticks;
}

static size_t slow_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    ticks += cost * n;
    return vpn_provider_sodium()->seal(scratch, jobs, n);
}

static size_t quick_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    ticks += 10 * n;
    return vpn_provider_sodium()->seal(scratch, jobs, n);
}

static int slow_x25519(uint8_t *out, const uint8_t *scalar, const uint8_t *point)
{
    ticks += agreement_cost;
    return vpn_x25519(out, scalar, point);
}

static int quick_x25519(uint8_t *out, const uint8_t *scalar, const uint8_t *point)
{
    ticks += 5;
    return vpn_x25519(out, scalar, point);
}

static vpn_provider named(const char *name)
{
    vpn_provider p = *vpn_provider_sodium();
    p.name = name;
    return p;
}

static vpn_selection from(const vpn_provider *const *candidates, size_t count)
{
    return (vpn_selection){.size = sizeof(vpn_selection), .candidates = candidates, .count = count, .user = &ticks};
}

/* --- faults --- */

static size_t flip_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = vpn_provider_sodium()->seal(scratch, jobs, n);
    jobs[n / 2].data[jobs[n / 2].length] ^= 1;
    return done;
}

static size_t lazy_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = vpn_provider_sodium()->seal(scratch, jobs, n);
    jobs[n - 1].done = 0;
    return done;
}

static size_t short_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return vpn_provider_sodium()->seal(scratch, jobs, n) - 1;
}

/* Decrypts, and takes any tag. */
static size_t blind_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        uint8_t zero[VPN_TAG_BYTES + 2048] = {0};
        vpn_aead_seal(zero, zero, jobs[i].length, NULL, 0, jobs[i].nonce, jobs[i].key);
        for (size_t k = 0; k < jobs[i].length; k++)
            jobs[i].data[k] ^= zero[k];
        jobs[i].done = 1;
    }
    return n;
}

/* Right about the tag, but the text is there to see. */
static size_t leaky_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job probe = jobs[i];
        uint8_t copy[2048];
        memcpy(copy, jobs[i].data, jobs[i].length + VPN_TAG_BYTES);
        probe.data = copy;
        good += vpn_provider_sodium()->open(scratch, &probe, 1);
        (void)blind_open(scratch, &jobs[i], 1);
        jobs[i].done = probe.done;
    }
    return good;
}

static size_t deaf_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = vpn_provider_sodium()->open(scratch, jobs, n);
    if (n > 1) {
        done -= jobs[1].done;
        jobs[1].done = 0;
    }
    return done;
}

static int wrong_x25519(uint8_t *out, const uint8_t *scalar, const uint8_t *point)
{
    int status = vpn_x25519(out, scalar, point);
    out[31] ^= status == VPN_OK;
    return status;
}

static int careless_x25519(uint8_t *out, const uint8_t *scalar, const uint8_t *point)
{
    (void)!vpn_x25519(out, scalar, point);
    return VPN_OK;
}

static int no_key(void *slot, const uint8_t *key)
{
    (void)slot;
    (void)key;
    return VPN_EINVAL;
}

static int no_scratch(void *scratch)
{
    (void)scratch;
    return VPN_EUNSUPPORTED;
}

#define FAULTS 10

static vpn_provider faulty(int which)
{
    vpn_provider p = named("faulty");
    size_t (*const seals[])(void *, vpn_aead_job *, size_t) = {flip_seal, lazy_seal, short_seal};
    size_t (*const opens[])(void *, vpn_aead_job *, size_t) = {blind_open, leaky_open, deaf_open};
    if (which < 3)
        p.seal = seals[which];
    else if (which < 6)
        p.open = opens[which - 3];
    else if (which == 6)
        p.x25519 = wrong_x25519;
    else if (which == 7)
        p.x25519 = careless_x25519;
    else if (which == 8)
        p.init_key = no_key;
    else
        p.init_scratch = no_scratch;
    return p;
}

START_TEST(faults_are_found)
{
    vpn_provider bad = faulty(_i), chosen;
    const vpn_provider *list[] = {&bad};
    vpn_selection how = from(list, 1);
    int error = _i == 9 ? VPN_EUNSUPPORTED : VPN_EAUTH;
    ck_assert_int_eq(vpn_provider_check(&bad, NULL), error);
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "sodium");
    how.name = "faulty";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), error);
    ck_assert(test_is_zero(&chosen, sizeof chosen));
}
END_TEST

START_TEST(holes_are_refused)
{
    vpn_provider hole = named("hole"), chosen;
    const vpn_provider *list[] = {&hole};
    vpn_selection how = from(list, 1);
    hole.seal = NULL;
    ck_assert_int_eq(vpn_provider_check(&hole, NULL), VPN_EINVAL);
    how.name = "hole";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_EINVAL);
    how.name = NULL;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "sodium");
}
END_TEST

/* --- choices --- */

START_TEST(without_candidates_it_is_the_reference)
{
    vpn_provider chosen;
    vpn_selection how = from(NULL, 0);
    ck_assert_int_eq(vpn_aead_select(&chosen, NULL), 0);
    ck_assert_mem_eq(&chosen, vpn_provider_sodium(), sizeof chosen);
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "sodium");
    how.name = "sodium";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    how.name = "sodiu";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_ENOENT);
    how.name = "sodium2";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_ENOENT);
}
END_TEST

/* The clock stands while libsodium works, so that it takes no time at all, unless it is named otherwise. */
START_TEST(the_fastest_counts)
{
    vpn_provider slow = named("slow"), quick = named("quick"), chosen;
    const vpn_provider *list[] = {&slow, NULL, &quick};
    vpn_selection how = from(list, 3);
    cost = 20;
    slow.seal = slow_seal;
    quick.seal = quick_seal;
    slow.x25519 = quick.x25519 = NULL;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0); /* no clock: the first one */
    ck_assert_str_eq(chosen.name, "slow");
    how.clock = clock_ticks;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "sodium");
    how.name = "slow";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "slow");
    ck_assert(chosen.seal == slow_seal);
    ck_assert(chosen.x25519 == vpn_provider_sodium()->x25519);
    how.name = "quick";
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "quick");
    vpn_provider idle = named("idle");
    const vpn_provider *all[] = {&slow, &idle, &quick};
    how.candidates = all;
    how.name = NULL;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "idle");
}
END_TEST

/* The AEAD of one and the X25519 of another. */
START_TEST(agreement_is_chosen_apart)
{
    vpn_provider a = named("same"), b = named("other"), chosen;
    const vpn_provider *list[] = {&a, &b};
    vpn_selection how = from(list, 2);
    how.clock = clock_ticks;
    how.name = "same";
    agreement_cost = 7;
    a.x25519 = slow_x25519;
    b.x25519 = quick_x25519;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_str_eq(chosen.name, "same");
    ck_assert(chosen.x25519 == vpn_provider_sodium()->x25519); /* which takes no ticks */
    how.clock = NULL;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert(chosen.x25519 == slow_x25519);
}
END_TEST

START_TEST(wrong_arguments)
{
    vpn_provider chosen;
    vpn_selection how = from(NULL, 1);
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_EINVAL);
    how = from(NULL, 0);
    how.length = 1501;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_EINVAL);
    how.length = 1500;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    how.size = 4;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_EINVAL);
    how.size = sizeof how;
    vpn_env env = {.size = 1};
    how.env = &env;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_EINVAL);
    ck_assert_int_eq(vpn_provider_check(vpn_provider_sodium(), &env), VPN_EINVAL);
}
END_TEST

START_TEST(hosts_that_fail)
{
    test_host host = {.seed = 48, .fail_at = 1};
    vpn_env env = test_env(&host);
    vpn_provider chosen;
    vpn_selection how = from(NULL, 0);
    how.env = &env;
    how.name = "sodium";
    ck_assert_int_eq(vpn_provider_check(vpn_provider_sodium(), &env), VPN_ENOMEM);
    host.calls = 0;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_ENOMEM);
    host.fail_at = 0;
    host.random_status = -1;
    ck_assert_int_eq(vpn_provider_check(vpn_provider_sodium(), &env), VPN_ERANDOM);
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), VPN_ERANDOM);
    host.random_status = 0;
    ck_assert_int_eq(vpn_aead_select(&chosen, &how), 0);
    ck_assert_uint_eq(host.live, 0);
}
END_TEST

/* What was chosen carries packets. */
START_TEST(a_device_takes_it)
{
    vpn_provider chosen;
    vpn_wg *wg;
    ck_assert_int_eq(vpn_aead_select(&chosen, NULL), 0);
    vpn_wg_config config = {.size = sizeof config, .provider = &chosen};
    ck_assert_int_eq(vpn_wg_new(&wg, &config), 0);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

static Suite *select_suite(void)
{
    Suite *suite = suite_create("select");
    TCase *faults = tcase_create("faults");
    tcase_add_loop_test(faults, faults_are_found, 0, FAULTS);
    suite_add_tcase(suite, faults);
    test_add(suite, "holes", holes_are_refused);
    test_add(suite, "reference", without_candidates_it_is_the_reference);
    test_add(suite, "fastest", the_fastest_counts);
    test_add(suite, "agreement", agreement_is_chosen_apart);
    test_add(suite, "arguments", wrong_arguments);
    test_add(suite, "hosts", hosts_that_fail);
    test_add(suite, "device", a_device_takes_it);
    return suite;
}

TEST_MAIN(select_suite)

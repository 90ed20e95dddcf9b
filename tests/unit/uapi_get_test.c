/* SPDX-License-Identifier: ISC */
/* The answer to get: its exact text, and every capacity that is too small. */
#include "common/uapi.h"

static const char full[] =
    "private_key=" UAPI_PRIVATE "\nlisten_port=51820\nfwmark=0xca6c\n"
    "public_key=" UAPI_KEY("1") "\npreshared_key=" UAPI_KEY(
        "9") "\nendpoint=192.0.2.1:1\n"
             "persistent_keepalive_interval=25\nallowed_ip=10.1.2.3/8\n"
             "public_key=" UAPI_KEY("2") "\nendpoint=[FE80::1%3]:65535\nallowed_ip=2001:DB8:0::/48\n"
                                         "public_key=" UAPI_KEY("3") "\n";

static const char answer[] = "private_key=" UAPI_CLAMPED "\nlisten_port=51820\nfwmark=51820\n" UAPI_PEER(
    UAPI_KEY("1"), UAPI_KEY("9"), "endpoint=192.0.2.1:1\n",
    "25") "allowed_ip=10.0.0.0/8\n" UAPI_PEER(UAPI_KEY("2"), UAPI_ZERO, "endpoint=[fe80::1%3]:65535\n",
                                              "0") "allowed_ip=2001:db8::/48\n" UAPI_PEER(UAPI_KEY("3"), UAPI_ZERO, "",
                                                                                          "0") "errno=0\n\n";

START_TEST(an_empty_device)
{
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    uapi_expect(wg, NULL, "errno=0\n\n");
    uapi_expect(wg, &host, "errno=0\n\n");
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(the_whole_answer)
{
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    uapi_good(wg, &host, full);
    uapi_expect(wg, &host, answer);
    uapi_good(wg, &host, "private_key=" UAPI_ZERO "\nlisten_port=0\nfwmark=\nreplace_peers=true\n");
    uapi_expect(wg, &host, "errno=0\n\n");
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(every_capacity)
{
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    uapi_good(wg, &host, full);
    size_t need = strlen(answer);
    for (size_t capacity = 0; capacity <= need + 1; capacity++) {
        size_t length = 0;
        char *out = capacity ? malloc(capacity) : NULL;
        if (out)
            memset(out, '#', capacity);
        int result = vpn_uapi_get(wg, &host.api, out, capacity, &length);
        ck_assert_int_eq(result, capacity < need ? VPN_ESPACE : 0);
        ck_assert_uint_eq(length, need);
        if (result == 0)
            ck_assert_mem_eq(out, answer, need);
        else if (out)
            ck_assert(test_is_zero(out, capacity));
        free(out);
    }
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

/* What get says, set takes, but for the lines that only report. */
START_TEST(the_answer_makes_an_equal_device)
{
    vpn_wg *one = uapi_device(), *two = uapi_device();
    uapi_host host, other;
    uapi_host_init(&host);
    uapi_host_init(&other);
    uapi_good(one, &host, full);
    char state[UAPI_TEXT], request[UAPI_TEXT];
    uapi_state(one, &host, state);
    size_t length = 0;
    for (char *line = state, *end; (end = strchr(line, '\n')) && end > line; line = end + 1) {
        if (strncmp(line, "last_", 5) == 0 || strncmp(line, "tx_", 3) == 0 || strncmp(line, "rx_", 3) == 0 ||
            strncmp(line, "errno", 5) == 0)
            continue;
        memcpy(request + length, line, (size_t)(end - line) + 1);
        length += (size_t)(end - line) + 1;
    }
    request[length] = '\0';
    uapi_good(two, &other, request);
    uapi_expect(two, &other, state);
    ck_assert_int_eq(vpn_wg_free(one), 0);
    ck_assert_int_eq(vpn_wg_free(two), 0);
}
END_TEST

START_TEST(a_host_may_lack_functions)
{
    vpn_wg *wg = uapi_device();
    uapi_host host;
    size_t length = 99;
    uapi_host_init(&host);
    uapi_good(wg, &host, "listen_port=7\nfwmark=8\n");
    uapi_expect(wg, &host, "listen_port=7\nfwmark=8\nerrno=0\n\n");
    uapi_expect(wg, NULL, "errno=0\n\n");
    host.api.get_listen_port = NULL;
    uapi_expect(wg, &host, "fwmark=8\nerrno=0\n\n");
    host.api.get_fwmark = NULL;
    uapi_expect(wg, &host, "errno=0\n\n");
    host.api.size = 8;
    ck_assert_int_eq(vpn_uapi_get(wg, &host.api, NULL, 0, &length), VPN_EINVAL);
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

static Suite *get_suite(void)
{
    Suite *suite = suite_create("uapi_get");
    test_add(suite, "empty", an_empty_device);
    test_add(suite, "whole", the_whole_answer);
    test_add(suite, "capacity", every_capacity);
    test_add(suite, "round trip", the_answer_makes_an_equal_device);
    test_add(suite, "host", a_host_may_lack_functions);
    return suite;
}

TEST_MAIN(get_suite)

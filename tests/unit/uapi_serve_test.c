/* SPDX-License-Identifier: ISC */
/* Whole requests and their answers: the end of a request, every cut, every changed byte, every capacity. */
#include "common/uapi.h"

#define A UAPI_KEY("a")
#define B UAPI_KEY("b")

static const char request[] =
    "set=1\nprivate_key=" UAPI_PRIVATE "\nlisten_port=51820\nfwmark=0x20\nreplace_peers=true\n"
    "public_key=" A "\npreshared_key=" B "\nprotocol_version=1\nendpoint=192.0.2.1:51820\n"
    "persistent_keepalive_interval=25\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
    "allowed_ip=-10.1.0.0/16\npublic_key=" B "\nupdate_only=true\nendpoint=[2001:db8::1]:51820\n"
    "allowed_ip=2001:db8::/32\n\n";

/* Serves from a block of its own size. The answer has a NUL. */
static int serve(vpn_wg *wg, uapi_host *host, const char *text, size_t length, char answer[UAPI_TEXT],
                 vpn_uapi_error *error)
{
    size_t written = 0;
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    int result = vpn_uapi_serve(wg, copy, length, &host->api, answer, UAPI_TEXT - 1, &written, VPN_SECOND, error);
    free(copy);
    answer[result ? 0 : written] = '\0';
    return result;
}

START_TEST(complete_finds_the_end)
{
    static const struct {
        const char *text;
        size_t end;
    } cases[] = {{"", 0},
                 {"\n", 1},
                 {"\n\n", 1},
                 {"a", 0},
                 {"a\n", 0},
                 {"a\n\n", 3},
                 {"a\n\n\n", 3},
                 {"a\nb\n\nc\n\n", 5},
                 {"get=1\n\nget=1", 7},
                 {"\r\n\r\n", 0},
                 {"a\n\r\n\n", 5},
                 {"a\nb\nc\n", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_uint_eq(vpn_uapi_complete(cases[i].text, strlen(cases[i].text)), cases[i].end);
    ck_assert_uint_eq(vpn_uapi_complete("a\0\n\nb", 5), 4);
    for (size_t cut = 0; cut <= strlen(request); cut++)
        ck_assert_uint_eq(vpn_uapi_complete(request, cut), cut < strlen(request) ? 0 : cut);
}
END_TEST

/* Against a walk that looks at each byte */
START_TEST(complete_on_random_text)
{
    uint64_t seed = 8;
    for (int round = 0; round < 20000; round++) {
        char text[12];
        size_t length = test_below(&seed, sizeof(text) + 1), want = 0;
        for (size_t i = 0; i < length; i++)
            text[i] = test_below(&seed, 3) ? 'x' : '\n';
        for (size_t i = 0; i < length && !want; i++)
            if (text[i] == '\n' && (i == 0 || text[i - 1] == '\n'))
                want = i + 1;
        if (vpn_uapi_complete(text, length) != want)
            ck_abort_msg("round %d: not %zu", round, want);
    }
}
END_TEST

START_TEST(get_and_set)
{
    char answer[UAPI_TEXT], state[UAPI_TEXT];
    vpn_uapi_error error;
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    ck_assert_int_eq(serve(wg, &host, "get=1\n\n", 7, answer, &error), 0);
    ck_assert_str_eq(answer, "errno=0\n\n");
    ck_assert_int_eq(serve(wg, &host, request, strlen(request), answer, &error), 0);
    ck_assert_str_eq(answer, "errno=0\n\n");
    ck_assert_int_eq(error.error, 0);
    ck_assert_int_eq(serve(wg, &host, "get=1\n\n", 7, answer, NULL), 0);
    uapi_state(wg, &host, state);
    ck_assert_str_eq(answer, state);
    ck_assert_str_eq(answer, "private_key=" UAPI_CLAMPED "\nlisten_port=51820\nfwmark=32\n" UAPI_PEER(
                                 A, B, "endpoint=192.0.2.1:51820\n", "25") "allowed_ip=10.0.0.0/8\nerrno=0\n\n");
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(other_requests_are_refused)
{
    static const struct {
        const char *text, *answer;
        uint32_t line;
        const char *key;
    } cases[] = {{"", "errno=-22\n\n", 0, ""},
                 {"\n", "errno=-22\n\n", 1, ""},
                 {"get=1\n", "errno=-22\n\n", 0, ""},
                 {"get=1\n\n\n", "errno=-22\n\n", 0, ""},
                 {"get=1\n\nget=1\n\n", "errno=-22\n\n", 0, ""},
                 {"get=1\nfwmark=1\n\n", "errno=-22\n\n", 2, ""},
                 {"get=1\r\n\r\n", "errno=-22\n\n", 0, ""},
                 {"get=2\n\n", "errno=-22\n\n", 1, ""},
                 {"set=2\n\n", "errno=-22\n\n", 1, ""},
                 {"set=1\r\n\n", "errno=-22\n\n", 1, ""},
                 {"put=1\n\n", "errno=-22\n\n", 1, ""},
                 {"replace_peers=true\n\n", "errno=-22\n\n", 1, ""},
                 {"set=1\nreplace_peers=true\n", "errno=-22\n\n", 0, ""},
                 {"set=1\nfwmark=x\n\n", "errno=-22\n\n", 2, "fwmark"},
                 {"set=1\nreplace_peers=true\nlisten_port=1\n\n", "errno=-98\n\n", 3, "listen_port"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char answer[UAPI_TEXT];
        vpn_uapi_error error;
        vpn_wg *wg = uapi_device();
        uapi_host host;
        uapi_host_init(&host);
        uapi_good(wg, &host, "public_key=" A "\n");
        host.port_status = 98;
        ck_assert_int_eq(serve(wg, &host, cases[i].text, strlen(cases[i].text), answer, &error), 0);
        ck_assert_str_eq(answer, cases[i].answer);
        ck_assert_uint_eq(error.line, cases[i].line);
        ck_assert_str_eq(error.key, cases[i].key);
        ck_assert_ptr_nonnull(error.why);
        ck_assert_int_eq(uapi_find(wg, A) != 0, i + 1 < sizeof(cases) / sizeof(cases[0]));
        ck_assert_int_eq(serve(wg, &host, cases[i].text, strlen(cases[i].text), answer, NULL), 0);
        ck_assert_str_eq(answer, cases[i].answer);
        ck_assert_int_eq(vpn_wg_free(wg), 0);
    }
}
END_TEST

START_TEST(a_host_of_the_wrong_size)
{
    char answer[UAPI_TEXT];
    vpn_uapi_error error;
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    host.api.size = 4;
    ck_assert_int_eq(serve(wg, &host, "get=1\n\n", 7, answer, &error), 0);
    ck_assert_str_eq(answer, "errno=-22\n\n");
    ck_assert_int_eq(error.error, VPN_EINVAL);
    ck_assert_int_eq(serve(wg, &host, request, strlen(request), answer, &error), 0);
    ck_assert_str_eq(answer, "errno=-22\n\n");
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(every_capacity)
{
    static const char *const texts[] = {request, "get=1\n\n", "set=1\nx\n\n", "nothing\n\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t need = 0, length = SIZE_MAX;
        for (size_t capacity = 0; capacity <= 64; capacity++) {
            char before[UAPI_TEXT], *out = capacity ? malloc(capacity) : NULL;
            vpn_uapi_error error;
            vpn_wg *wg = uapi_device();
            uapi_host host;
            uapi_host_init(&host);
            uapi_state(wg, &host, before);
            int result =
                vpn_uapi_serve(wg, texts[i], strlen(texts[i]), &host.api, out, capacity, &length, VPN_SECOND, &error);
            if (result) {
                ck_assert_int_eq(result, VPN_ESPACE);
                ck_assert_uint_gt(length, capacity);
                uapi_expect(wg, &host, before);
                need = length;
            } else {
                ck_assert_uint_le(length, capacity);
                ck_assert_uint_ge(capacity, need);
                ck_assert_mem_eq(out, "errno=", 6);
                ck_assert_mem_eq(out + length - 2, "\n\n", 2);
            }
            free(out);
            ck_assert_int_eq(vpn_wg_free(wg), 0);
        }
        ck_assert_uint_le(need, 64);
        ck_assert_uint_gt(need, 0);
    }
}
END_TEST

/* Served, only the whole request does anything; as lines, what ends behind a line. */
START_TEST(every_truncation)
{
    char before[UAPI_TEXT], answer[UAPI_TEXT];
    for (size_t cut = 0; cut <= strlen(request); cut++) {
        int whole = cut == strlen(request), lines = cut == 0 || request[cut - 1] == '\n';
        vpn_uapi_error error;
        vpn_wg *wg = uapi_device();
        uapi_host host;
        uapi_host_init(&host);
        uapi_state(wg, &host, before);
        ck_assert_int_eq(serve(wg, &host, request, cut, answer, &error), 0);
        ck_assert_str_eq(answer, whole ? "errno=0\n\n" : "errno=-22\n\n");
        if (!whole) {
            uapi_expect(wg, &host, before);
            ck_assert_int_eq(uapi_set(wg, request, cut, &host, &error), lines ? 0 : VPN_EFORMAT);
        }
        if (!lines) {
            uint32_t line = 1;
            for (size_t i = 0; i < cut; i++)
                line += request[i] == '\n';
            ck_assert_uint_eq(error.line, line);
            uapi_expect(wg, &host, before);
        }
        ck_assert_int_eq(vpn_wg_free(wg), 0);
    }
}
END_TEST

/* The key that stands in the line around `at`, if the byte that was changed is not part of it. */
static int key_of(const char *text, size_t at, char key[40])
{
    size_t start = at, equals;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    for (equals = start; text[equals] != '=' && text[equals] != '\n'; equals++)
        ;
    if (text[equals] != '=' || at <= equals)
        return 0;
    memcpy(key, text + start, equals - start);
    key[equals - start] = '\0';
    return 1;
}

/* One byte is another one: either all is accepted, or nothing has changed and the line is named. */
START_TEST(every_changed_byte)
{
    uint64_t seed = 21;
    char before[UAPI_TEXT], text[sizeof(request)], key[40];
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    uapi_state(wg, &host, before);
    size_t refused = 0;
    uint32_t line = 1;
    for (size_t at = 0; at + 1 < sizeof(request); at++) {
        for (int round = 0; round < 6; round++) {
            static const char likely[] = "\n=-/.:0129afgx%[]+\r ";
            vpn_uapi_error error;
            memcpy(text, request, sizeof(request));
            text[at] = (char)(round < 3 ? likely[test_below(&seed, sizeof(likely) - 1)] : (int)test_below(&seed, 256));
            if (text[at] == request[at])
                continue;
            if (uapi_set(wg, text, strlen(request), &host, &error) == 0) {
                ck_assert_int_eq(vpn_wg_free(wg), 0);
                wg = uapi_device();
                uapi_host_init(&host);
                continue;
            }
            refused++;
            uapi_expect(wg, &host, before);
            ck_assert_uint_eq(host.calls + host.changed, 0);
            ck_assert_int_eq(error.number, -22);
            if (text[at] == '\n' || request[at] == '\n')
                continue;
            ck_assert_uint_eq(error.line, line);
            if (key_of(text, at, key))
                ck_assert_str_eq(error.key, key);
        }
        line += request[at] == '\n';
    }
    ck_assert_uint_gt(refused, 2 * sizeof(request));
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

START_TEST(random_lines_never_half_apply)
{
    static const char *const lines[] = {"set=1",
                                        "private_key=" UAPI_PRIVATE,
                                        "private_key=" UAPI_ZERO,
                                        "listen_port=1",
                                        "fwmark=2",
                                        "replace_peers=true",
                                        "public_key=" A,
                                        "public_key=" B,
                                        "public_key=" UAPI_OWN,
                                        "remove=true",
                                        "update_only=true",
                                        "preshared_key=" A,
                                        "endpoint=192.0.2.1:1",
                                        "persistent_keepalive_interval=9",
                                        "replace_allowed_ips=true",
                                        "allowed_ip=10.0.0.0/8",
                                        "allowed_ip=-10.0.0.0/8",
                                        "allowed_ip=::/0",
                                        "protocol_version=1",
                                        "protocol_version=2",
                                        "x=1",
                                        ""};
    uint64_t seed = 33;
    char before[UAPI_TEXT], text[2048];
    vpn_wg *wg = uapi_device();
    uapi_host host;
    uapi_host_init(&host);
    size_t accepted = 0, rounds = 2000;
    for (size_t round = 0; round < rounds; round++) {
        size_t length = 0, common = test_below(&seed, 4) ? 9 : 0;
        if (common)
            length = (size_t)snprintf(text, sizeof(text), "set=1\npublic_key=%s\n", test_below(&seed, 2) ? A : B);
        for (size_t n = test_below(&seed, 8); n > 0; n--)
            length += (size_t)snprintf(
                text + length, sizeof(text) - length, "%s\n",
                lines[common + test_below(&seed, sizeof(lines) / sizeof(lines[0]) - common - (common ? 3 : 0))]);
        uapi_state(wg, &host, before);
        vpn_uapi_error error;
        int result = uapi_set(wg, text, length, &host, &error);
        accepted += result == 0;
        ck_assert(result == 0 || result == VPN_EINVAL || result == VPN_EFORMAT);
        if (result)
            uapi_expect(wg, &host, before);
        if (uapi_find(wg, UAPI_OWN)) {
            uint8_t own[VPN_KEY_BYTES];
            vpn_wg_public_key(wg, own);
            ck_assert(test_is_zero(own, sizeof(own)));
        }
    }
    ck_assert_uint_gt(accepted, rounds / 8);
    ck_assert_uint_lt(accepted, rounds);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

static Suite *serve_suite(void)
{
    Suite *suite = suite_create("uapi_serve");
    test_add(suite, "complete", complete_finds_the_end);
    test_add(suite, "complete, random", complete_on_random_text);
    test_add(suite, "get and set", get_and_set);
    test_add(suite, "refused", other_requests_are_refused);
    test_add(suite, "host", a_host_of_the_wrong_size);
    test_add(suite, "capacity", every_capacity);
    test_add(suite, "truncation", every_truncation);
    test_add(suite, "changed byte", every_changed_byte);
    test_add(suite, "random lines", random_lines_never_half_apply);
    return suite;
}

TEST_MAIN(serve_suite)

/* SPDX-License-Identifier: ISC */
/* The lines of a set request by themselves: every key with good and bad values, and what is told about a fault. */
#include "common/uapi.h"
#include "config/uapi_line.h"

/* Reads the only line of a text. */
static int one(struct vpn__uapi_line *line, const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    copy[length] = '\n';
    struct vpn__uapi_cursor cursor = {.text = copy, .length = length + 1};
    int result = vpn__uapi_next(&cursor, line);
    ck_assert_uint_eq(line->number, 1);
    line->name = NULL;
    free(copy);
    return result;
}

static const struct {
    enum vpn__uapi_key key;
    const char *text;
} good[] = {
    {VPN__UAPI_SET, "set=1"},
    {VPN__UAPI_PRIVATE_KEY, "private_key=" UAPI_PRIVATE},
    {VPN__UAPI_PRIVATE_KEY, "private_key=" UAPI_ZERO},
    {VPN__UAPI_LISTEN_PORT, "listen_port=0"},
    {VPN__UAPI_LISTEN_PORT, "listen_port=65535"},
    {VPN__UAPI_FWMARK, "fwmark="},
    {VPN__UAPI_FWMARK, "fwmark=0"},
    {VPN__UAPI_FWMARK, "fwmark=4294967295"},
    {VPN__UAPI_FWMARK, "fwmark=0xca6c"},
    {VPN__UAPI_REPLACE_PEERS, "replace_peers=true"},
    {VPN__UAPI_PUBLIC_KEY, "public_key=" UAPI_KEY("1")},
    {VPN__UAPI_PUBLIC_KEY, "public_key=" UAPI_KEY("F")},
    {VPN__UAPI_REMOVE, "remove=true"},
    {VPN__UAPI_UPDATE_ONLY, "update_only=true"},
    {VPN__UAPI_PRESHARED_KEY, "preshared_key=" UAPI_ZERO},
    {VPN__UAPI_ENDPOINT, "endpoint=192.0.2.1:51820"},
    {VPN__UAPI_ENDPOINT, "endpoint=[2001:db8::1]:51820"},
    {VPN__UAPI_KEEPALIVE, "persistent_keepalive_interval=0"},
    {VPN__UAPI_KEEPALIVE, "persistent_keepalive_interval=65535"},
    {VPN__UAPI_KEEPALIVE, "persistent_keepalive_interval=off"},
    {VPN__UAPI_REPLACE_ALLOWED_IPS, "replace_allowed_ips=true"},
    {VPN__UAPI_ALLOWED_IP, "allowed_ip=10.0.0.0/8"},
    {VPN__UAPI_ALLOWED_IP, "allowed_ip=2001:db8::1"},
    {VPN__UAPI_ALLOWED_IP, "allowed_ip=+10.0.0.0/8"},
    {VPN__UAPI_ALLOWED_IP, "allowed_ip=-10.0.0.0/8"},
    {VPN__UAPI_PROTOCOL_VERSION, "protocol_version=1"},
};

static const struct {
    int error;
    const char *text;
} bad[] = {
    {VPN_EINVAL, "set=0"},
    {VPN_EINVAL, "set=2"},
    {VPN_EINVAL, "set="},
    {VPN_EINVAL, "set=11"},
    {VPN_EINVAL, "get=1"},
    {VPN_EINVAL, "private_keys=1"},
    {VPN_EINVAL, "private_ke=1"},
    {VPN_EINVAL, "Private_key=" UAPI_PRIVATE},
    {VPN_EINVAL, " private_key=" UAPI_PRIVATE},
    {VPN_EINVAL, "private_key =" UAPI_PRIVATE},
    {VPN_EINVAL, "="},
    {VPN_EINVAL, "=1"},
    {VPN_EINVAL, "rx_bytes=1"},
    {VPN_EINVAL, "errno=0"},
    {VPN_EFORMAT, "private_key"},
    {VPN_EFORMAT, "x"},
    {VPN_EFORMAT, "private_key="},
    {VPN_EFORMAT, "private_key= " UAPI_PRIVATE},
    {VPN_EFORMAT, "private_key=" UAPI_PRIVATE " "},
    {VPN_EFORMAT, "private_key=" UAPI_PRIVATE "00"},
    {VPN_EFORMAT, "private_key=" UAPI_PRIVATE "\r"},
    {VPN_EFORMAT, "private_key=dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="},
    {VPN_EFORMAT, "public_key=" UAPI_KEY("g")},
    {VPN_EFORMAT, "public_key=="},
    {VPN_EFORMAT, "preshared_key="},
    {VPN_EFORMAT, "listen_port="},
    {VPN_EFORMAT, "listen_port=65536"},
    {VPN_EFORMAT, "listen_port=-1"},
    {VPN_EFORMAT, "listen_port=+1"},
    {VPN_EFORMAT, "listen_port=0x10"},
    {VPN_EFORMAT, "listen_port=1\r"},
    {VPN_EFORMAT, "listen_port=1 "},
    {VPN_EFORMAT, "fwmark=4294967296"},
    {VPN_EFORMAT, "fwmark=0x"},
    {VPN_EFORMAT, "fwmark=0x100000000"},
    {VPN_EFORMAT, "fwmark=ca6c"},
    {VPN_EFORMAT, "fwmark=off"},
    {VPN_EFORMAT, "fwmark=-1"},
    {VPN_EFORMAT, "replace_peers=false"},
    {VPN_EFORMAT, "replace_peers="},
    {VPN_EFORMAT, "replace_peers=1"},
    {VPN_EFORMAT, "replace_peers=true\r"},
    {VPN_EFORMAT, "remove=TRUE"},
    {VPN_EFORMAT, "update_only=truee"},
    {VPN_EFORMAT, "replace_allowed_ips=tru"},
    {VPN_EFORMAT, "endpoint="},
    {VPN_EFORMAT, "endpoint=192.0.2.1"},
    {VPN_EFORMAT, "endpoint=192.0.2.1:0"},
    {VPN_EFORMAT, "endpoint=example.org:51820"},
    {VPN_EFORMAT, "endpoint=[::1]:65536"},
    {VPN_EFORMAT, "endpoint=[fe80::1%eth0]:51820"}, /* without a host, nobody knows interfaces */
    {VPN_EFORMAT, "persistent_keepalive_interval="},
    {VPN_EFORMAT, "persistent_keepalive_interval=65536"},
    {VPN_EFORMAT, "persistent_keepalive_interval=on"},
    {VPN_EFORMAT, "persistent_keepalive_interval=ofF"},
    {VPN_EFORMAT, "persistent_keepalive_interval=offf"},
    {VPN_EFORMAT, "allowed_ip="},
    {VPN_EFORMAT, "allowed_ip=-"},
    {VPN_EFORMAT, "allowed_ip=--10.0.0.0/8"},
    {VPN_EFORMAT, "allowed_ip=+-10.0.0.0/8"},
    {VPN_EFORMAT, "allowed_ip=10.0.0.0/33"},
    {VPN_EFORMAT, "allowed_ip=10.0.0.0/8,11.0.0.0/8"},
    {VPN_EINVAL, "protocol_version=0"},
    {VPN_EINVAL, "protocol_version=2"},
    {VPN_EINVAL, "protocol_version="},
    {VPN_EINVAL, "protocol_version=01"},
    {VPN_EFORMAT, "\x7f"},
    {VPN_EFORMAT, "\t=1"},
};

START_TEST(good_lines)
{
    struct vpn__uapi_line line;
    ck_assert_msg(one(&line, good[_i].text) == 1, "%s", good[_i].text);
    ck_assert_int_eq(line.key, good[_i].key);
    ck_assert_ptr_null(line.why);
}
END_TEST

START_TEST(bad_lines)
{
    struct vpn__uapi_line line;
    ck_assert_msg(one(&line, bad[_i].text) == bad[_i].error, "%s", bad[_i].text);
    ck_assert_ptr_nonnull(line.why);
    ck_assert(test_is_zero(line.secret, sizeof(line.secret)));
}
END_TEST

START_TEST(values)
{
    struct vpn__uapi_line line;
    ck_assert_int_eq(one(&line, "private_key=" UAPI_PRIVATE), 1);
    test_expect_hex(line.secret, VPN_KEY_BYTES, UAPI_PRIVATE);
    ck_assert_int_eq(one(&line, "fwmark=0xCA6C"), 1);
    ck_assert_uint_eq(line.integer, 51820);
    ck_assert(test_is_zero(line.secret, sizeof(line.secret)));
    ck_assert_int_eq(one(&line, "fwmark="), 1);
    ck_assert_uint_eq(line.integer, 0);
    ck_assert_int_eq(one(&line, "listen_port=00051820"), 1);
    ck_assert_uint_eq(line.integer, 51820);
    ck_assert_int_eq(one(&line, "persistent_keepalive_interval=25"), 1);
    ck_assert_uint_eq(line.integer, 25);
    ck_assert_int_eq(one(&line, "persistent_keepalive_interval=120"), 1); /* as long as "off" */
    ck_assert_uint_eq(line.integer, 120);
    ck_assert_int_eq(one(&line, "persistent_keepalive_interval=off"), 1);
    ck_assert_uint_eq(line.integer, 0);
    ck_assert_int_eq(one(&line, "endpoint=192.0.2.1:80"), 1);
    ck_assert_uint_eq(line.endpoint.port, 80);
    ck_assert_int_eq(one(&line, "allowed_ip=10.1.2.3/8"), 1);
    ck_assert_uint_eq(line.prefix.bits, 8);
    ck_assert_uint_eq(line.prefix.addr[1], 0);
    ck_assert_int_eq(line.minus, 0);
    ck_assert_int_eq(one(&line, "allowed_ip=+10.1.2.3"), 1);
    ck_assert_int_eq(line.minus, 0);
    ck_assert_int_eq(one(&line, "allowed_ip=-::/0"), 1);
    ck_assert_int_eq(line.minus, 1);
    ck_assert_uint_eq(line.prefix.family, 6);
}
END_TEST

static uint32_t scope_of_all(void *user, const char *name, size_t length)
{
    uint32_t *asked = user;
    ck_assert(length == 4 && memcmp(name, "eth0", 4) == 0);
    ++*asked;
    return 7;
}

/* An address that is too long for one is not copied, and its interface not asked for. */
START_TEST(an_endless_address_with_a_scope)
{
    uint32_t asked = 0;
    vpn_uapi_host host = {.size = sizeof(host), .user = &asked, .scope_of = scope_of_all};
    for (size_t zeros = 1; zeros <= 100; zeros++) {
        char text[200] = "endpoint=[fe80::";
        struct vpn__uapi_line line;
        memset(text + 16, '0', zeros);
        strcpy(text + 16 + zeros, "%eth0]:51820\n");
        struct vpn__uapi_cursor cursor = {.text = text, .length = strlen(text), .host = &host};
        ck_assert_int_eq(vpn__uapi_next(&cursor, &line), zeros <= 4 ? 1 : VPN_EFORMAT);
        ck_assert(zeros > 4 || line.endpoint.scope == 7);
    }
    ck_assert_uint_eq(asked, VPN_ENDPOINT_CHARS - 14);
}
END_TEST

START_TEST(every_control_character_is_refused)
{
    for (int c = 0; c < 256; c++) {
        char text[] = "endpoint=192.0.2.1:80 \n";
        text[21] = (char)c;
        struct vpn__uapi_cursor cursor = {.text = text, .length = 23};
        struct vpn__uapi_line line;
        int digit = c >= '0' && c <= '9';
        if (c == '\n') {
            ck_assert_int_eq(vpn__uapi_next(&cursor, &line), 1);
            ck_assert_int_eq(vpn__uapi_next(&cursor, &line), 0);
            continue;
        }
        ck_assert_int_eq(vpn__uapi_next(&cursor, &line), digit ? 1 : VPN_EFORMAT);
        if (c < 0x20 || c == 0x7f)
            ck_assert_ptr_nonnull(strstr(line.why, "control"));
    }
}
END_TEST

START_TEST(lines_follow_one_another)
{
    static const char text[] = "set=1\nlisten_port=1\nfwmark=2\n\n";
    static const enum vpn__uapi_key want[] = {VPN__UAPI_SET, VPN__UAPI_LISTEN_PORT, VPN__UAPI_FWMARK};
    for (size_t end = strlen(text) - 1; end <= strlen(text); end++) {
        struct vpn__uapi_cursor cursor = {.text = text, .length = end};
        struct vpn__uapi_line line;
        for (uint32_t i = 0; i < 3; i++) {
            ck_assert_int_eq(vpn__uapi_next(&cursor, &line), 1);
            ck_assert_uint_eq(line.number, i + 1);
            ck_assert_int_eq(line.key, want[i]);
        }
        ck_assert_int_eq(vpn__uapi_next(&cursor, &line), 0);
        ck_assert_int_eq(vpn__uapi_next(&cursor, &line), 0);
    }
    struct vpn__uapi_cursor cursor = {.text = "\nset=1\n", .length = 7};
    struct vpn__uapi_line line;
    ck_assert_int_eq(vpn__uapi_next(&cursor, &line), VPN_EFORMAT);
    struct vpn__uapi_cursor open = {.text = "fwmark=12", .length = 8};
    ck_assert_int_eq(vpn__uapi_next(&open, &line), VPN_EFORMAT);
    vpn_uapi_error error;
    ck_assert_int_eq(vpn__uapi_blame(&error, &line, VPN_EFORMAT, -22, line.why), VPN_EFORMAT);
    ck_assert_str_eq(error.key, "fwmark");
    ck_assert_uint_eq(error.line, 1);
}
END_TEST

START_TEST(blame_tells_the_key_and_no_secret)
{
    static const char *const names[][2] = {
        {"private_key", "private_key"},
        {"Privat-Key9", "Privat-Key9"},
        {"", ""},
        {"with blank", ""},
        {"caf\xc3\xa9", ""},
        {"abc\x1b[31m", ""},
        {"123456789012345678901234567890123456789", "123456789012345678901234567890123456789"},
        {"1234567890123456789012345678901234567890", "12345678"},
        {UAPI_PRIVATE, "77076d0a"},
        {"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo", "dwdtCnMY"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        vpn_uapi_error error;
        memset(&error, 0x5a, sizeof(error));
        struct vpn__uapi_line line = {.number = 9, .name = names[i][0], .name_length = strlen(names[i][0])};
        ck_assert_int_eq(vpn__uapi_blame(&error, &line, VPN_EINVAL, -22, "why"), VPN_EINVAL);
        ck_assert_uint_eq(error.line, 9);
        ck_assert_int_eq(error.error, VPN_EINVAL);
        ck_assert_int_eq(error.number, -22);
        ck_assert_str_eq(error.why, "why");
        ck_assert_str_eq(error.key, names[i][1]);
        for (size_t at = strlen(error.key); at < sizeof(error.key); at++)
            ck_assert_int_eq(error.key[at], 0);
    }
    ck_assert_int_eq(vpn__uapi_blame(NULL, NULL, VPN_ENOMEM, -12, "why"), VPN_ENOMEM);
}
END_TEST

START_TEST(numbers_of_the_answer)
{
    ck_assert_int_eq(vpn__uapi_errno(VPN_OK), 0);
    ck_assert_int_eq(vpn__uapi_errno(VPN_EINVAL), -22);
    ck_assert_int_eq(vpn__uapi_errno(VPN_EFORMAT), -22);
    ck_assert_int_eq(vpn__uapi_errno(VPN_ENOMEM), -12);
    ck_assert_int_eq(vpn__uapi_errno(VPN_ELIMIT), -28);
    ck_assert_int_eq(vpn__uapi_errno(VPN_ERANDOM), -5);
    ck_assert_int_eq(vpn__uapi_errno(-1000), -5);
}
END_TEST

static Suite *line_suite(void)
{
    Suite *suite = suite_create("uapi_line");
    TCase *tables = tcase_create("tables");
    tcase_add_loop_test(tables, good_lines, 0, (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(tables, bad_lines, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    suite_add_tcase(suite, tables);
    test_add(suite, "values", values);
    test_add(suite, "an_endless_address_with_a_scope", an_endless_address_with_a_scope);
    test_add(suite, "control characters", every_control_character_is_refused);
    test_add(suite, "order", lines_follow_one_another);
    test_add(suite, "blame", blame_tells_the_key_and_no_secret);
    test_add(suite, "numbers", numbers_of_the_answer);
    return suite;
}

TEST_MAIN(line_suite)

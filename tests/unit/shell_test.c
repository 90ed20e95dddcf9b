/* SPDX-License-Identifier: ISC */
/* Parts of commands: addresses, and hooks with the name of the link in them. */
#include "policy/shell.h"
#include "common/policy.h"

START_TEST(hooks)
{
    char out[128] = "";
    struct vpn__text text = {.out = out, .capacity = sizeof(out)};
    vpn__shell_hook(&text, NULL, "wg0");
    ck_assert_uint_eq(text.length, 0);
    vpn__shell_hook(&text, "a %i b%i %x %", "wg0");
    ck_assert_str_eq(out, "(a wg0 bwg0 %x %)\n");
}
END_TEST

START_TEST(addresses)
{
    char out[128] = "";
    struct vpn__text text = {.out = out, .capacity = sizeof(out)};
    vpn_prefix prefix = {.family = 4, .bits = 24, .addr = {10, 0, 0, 2}};
    vpn__shell_prefix(&text, &prefix);
    vpn__shell_put(&text, " ");
    vpn__shell_ip(&text, &prefix);
    ck_assert_str_eq(out, "10.0.0.2/24 10.0.0.2");
}
END_TEST

static Suite *shell_suite(void)
{
    Suite *suite = suite_create("shell");
    test_add(suite, "hooks", hooks);
    test_add(suite, "addresses", addresses);
    return suite;
}

TEST_MAIN(shell_suite)

/* SPDX-License-Identifier: ISC */
#include "config/rule_words.h"
#include "common/test.h"

static struct vpn__rule_words over(const char *text)
{
    return (struct vpn__rule_words){.text = text, .length = strlen(text)};
}

START_TEST(words_in_turn)
{
    struct vpn__rule_words w = over(" \tAllow,x  10.0.0.0/8 65535");
    vpn_prefix prefix;
    uint32_t number;
    ck_assert_uint_eq(vpn__rule_peek(&w), 5);
    ck_assert_int_eq(vpn__rule_take(&w, "allo"), 0);
    ck_assert_int_eq(vpn__rule_take(&w, "allows"), 0);
    ck_assert_int_eq(vpn__rule_take(&w, "allow"), 1);
    ck_assert_uint_eq(w.at, 7);
    ck_assert_uint_eq(vpn__rule_peek(&w), 0);
    w.at++;
    ck_assert_int_eq(vpn__rule_take(&w, "X"), 1);
    ck_assert_int_eq(vpn__rule_prefix(&w, &prefix, "no"), 0);
    ck_assert_uint_eq(prefix.bits, 8);
    ck_assert_int_eq(vpn__rule_number(&w, &number, 65534, "too much"), VPN_EFORMAT);
    ck_assert_str_eq(w.why, "too much");
    ck_assert_uint_eq(w.at, 22);
    ck_assert_int_eq(vpn__rule_number(&w, &number, 65535, "too much"), 0);
    ck_assert_uint_eq(number, 65535);
    ck_assert_int_eq(vpn__rule_more(&w), 0);
    ck_assert_uint_eq(vpn__rule_peek(&w), 0);
    ck_assert_int_eq(vpn__rule_prefix(&w, &prefix, "missing"), VPN_EFORMAT);
    ck_assert_uint_eq(w.at, w.length);
}
END_TEST

START_TEST(faults_are_told)
{
    struct vpn__rule_words w = over("a  b ");
    vpn_rule_error error = {77, NULL};
    ck_assert_int_eq(vpn__rule_tell(&w, 0, &error), 0);
    ck_assert_uint_eq(error.at, 77);
    ck_assert_int_eq(vpn__rule_take(&w, "a"), 1);
    ck_assert_int_eq(vpn__rule_fault(&w, "why"), VPN_EFORMAT);
    ck_assert_int_eq(vpn__rule_tell(&w, VPN_EFORMAT, &error), VPN_EFORMAT);
    ck_assert_uint_eq(error.at, 3);
    ck_assert_str_eq(error.why, "why");
    ck_assert_int_eq(vpn__rule_tell(&w, VPN_EFORMAT, NULL), VPN_EFORMAT);
}
END_TEST

static Suite *rule_words_suite(void)
{
    Suite *suite = suite_create("rule_words");
    test_add(suite, "words in turn", words_in_turn);
    test_add(suite, "faults are told", faults_are_told);
    return suite;
}

TEST_MAIN(rule_words_suite)

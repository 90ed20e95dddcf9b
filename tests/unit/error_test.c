/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include <limits.h>

/* Pinned: a line here never changes, new ones go to the end. */
static const struct {
    int have, number;
} errors[] = {
    {VPN_OK, 0},         {VPN_EINVAL, -1},        {VPN_ENOMEM, -2},   {VPN_ESPACE, -3},  {VPN_ENOENT, -4},
    {VPN_EEXIST, -5},    {VPN_ELIMIT, -6},        {VPN_EBUSY, -7},    {VPN_EAUTH, -8},   {VPN_EREPLAY, -9},
    {VPN_EEXPIRED, -10}, {VPN_EKEY, -11},         {VPN_EFORMAT, -12}, {VPN_ESTATE, -13}, {VPN_ERANDOM, -14},
    {VPN_ESELF, -15},    {VPN_EUNSUPPORTED, -16},
};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

START_TEST(numbers_are_pinned)
{
    for (size_t i = 0; i < ERRORS; i++)
        ck_assert_int_eq(errors[i].have, errors[i].number);
}
END_TEST

START_TEST(each_error_has_its_own_words)
{
    for (size_t i = 0; i < ERRORS; i++) {
        const char *text = vpn_strerror(errors[i].number);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_gt(strlen(text), 0);
        ck_assert_uint_lt(strlen(text), 60);
        ck_assert_str_ne(text, "unknown error");
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(text, vpn_strerror(errors[j].number));
    }
}
END_TEST

START_TEST(other_numbers_are_unknown)
{
    ck_assert_str_eq(vpn_strerror(-(int)ERRORS), "unknown error");
    ck_assert_str_eq(vpn_strerror(1), "unknown error");
    ck_assert_str_eq(vpn_strerror(INT_MAX), "unknown error");
    ck_assert_str_eq(vpn_strerror(INT_MIN), "unknown error");
}
END_TEST

START_TEST(version_is_that_of_the_header)
{
    char text[40];
    snprintf(text, sizeof(text), "%d.%d.%d", VPN_VERSION_MAJOR, VPN_VERSION_MINOR, VPN_VERSION_PATCH);
    ck_assert_str_eq(text, VPN_VERSION_STRING);
    ck_assert_str_eq(vpn_version(), VPN_VERSION_STRING);
}
END_TEST

static Suite *error_suite(void)
{
    Suite *suite = suite_create("error");
    test_add(suite, "numbers", numbers_are_pinned);
    test_add(suite, "words", each_error_has_its_own_words);
    test_add(suite, "unknown", other_numbers_are_unknown);
    test_add(suite, "version", version_is_that_of_the_header);
    return suite;
}

TEST_MAIN(error_suite)

/* SPDX-License-Identifier: ISC */
/* Writing plans: every capacity, and forms that there are not. */
#include "common/policy.h"

START_TEST(every_capacity)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nFailMode = closed\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    for (uint32_t form = VPN_RENDER_LINUX; form <= VPN_RENDER_JSON; form++) {
        char *whole = policy_render(w.plan, form, 0);
        size_t need = strlen(whole), length;
        for (size_t capacity = 0; capacity <= need; capacity += 7) {
            char *out = malloc(capacity ? capacity : 1);
            int result = vpn_plan_render(w.plan, form, 0, capacity ? out : NULL, capacity, &length);
            ck_assert_int_eq(result, capacity < need ? VPN_ESPACE : 0);
            ck_assert_uint_eq(length, need);
            free(out);
        }
        free(whole);
    }
    policy_end(&w);
}
END_TEST

/* The operations one by one make the script, but for its head. */
START_TEST(one_by_one)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    for (uint32_t undo = 0; undo < 2; undo++) {
        char *whole = policy_render(w.plan, VPN_RENDER_LINUX, undo), *all = calloc(1, strlen(whole) + 100);
        strcpy(all, undo ? "#!/bin/sh\n" : "#!/bin/sh\nset -e\n");
        for (size_t i = 0, n = vpn_plan_count(w.plan); i < n; i++) {
            vpn_op op = *vpn_plan_op(w.plan, undo ? n - 1 - i : i);
            size_t length;
            char out[4096];
            if (undo)
                vpn_op_inverse(&op, vpn_plan_op(w.plan, n - 1 - i));
            ck_assert_int_eq(vpn_op_render(&op, VPN_RENDER_LINUX, out, sizeof(out), &length), 0);
            strncat(all, out, length);
        }
        ck_assert_str_eq(all, whole);
        free(all);
        free(whole);
    }
    policy_end(&w);
}
END_TEST

START_TEST(what_is_refused)
{
    policy_world w;
    char out[8];
    size_t length = 5;
    policy_host(&w);
    policy_plan(&w, CONF_PEER);
    ck_assert_int_eq(vpn_plan_render(w.plan, 0, 0, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(vpn_plan_render(w.plan, 4, 0, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_plan_render(w.plan, 1, 2, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_plan_render(w.plan, 1, 0, NULL, 1, &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_op_render(vpn_plan_op(w.plan, 0), 4, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_op_render(vpn_plan_op(w.plan, 0), 1, NULL, 1, &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_op_render(vpn_plan_op(w.plan, 0), 1, NULL, 0, &length), VPN_ESPACE);
    policy_end(&w);
}
END_TEST

static Suite *render_suite(void)
{
    Suite *suite = suite_create("render");
    test_add(suite, "every capacity", every_capacity);
    test_add(suite, "one by one", one_by_one);
    test_add(suite, "what is refused", what_is_refused);
    return suite;
}

TEST_MAIN(render_suite)

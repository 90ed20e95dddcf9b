/* SPDX-License-Identifier: ISC */
/* Plans as JSON, read by another's parser: the fields of each operation, and strings with anything in them. */
#include <cJSON.h>

#include "common/policy.h"
#include "policy/render.h"

static const cJSON *get(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(item != NULL, "%s is missing", name);
    return item;
}

static const char *text_of(const cJSON *object, const char *name)
{
    return get(object, name)->valuestring;
}

START_TEST(all_operations)
{
    static const char *const names[] = {"filter",  "sysctl", "hook", "link", "device", "mtu",  "up",
                                        "address", "route",  "rule", "rule", "rule",   "rule", "resolver"};
    policy_world w;
    policy_host(&w);
    w.policy.flags = VPN_POLICY_HOOKS;
    policy_plan(&w, "[Interface]\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1, s\nFailMode = closed\nExcludeApp = uid 4-5\n"
                    "PreUp = echo \"a\\b\"\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    for (uint32_t undo = 0; undo < 2; undo++) {
        char *text = policy_render(w.plan, VPN_RENDER_JSON, undo);
        cJSON *all = cJSON_Parse(text);
        ck_assert_ptr_nonnull(all);
        ck_assert_int_eq(cJSON_GetArraySize(all), 14);
        for (int i = 0; i < 14; i++) {
            const cJSON *op = cJSON_GetArrayItem(all, undo ? 13 - i : i), *inverse = get(op, "inverse");
            ck_assert_str_eq(text_of(op, "op"), names[i]);
            ck_assert_str_eq(text_of(inverse, "op"), names[i]);
            ck_assert_str_eq(text_of(op, "link"), "wg0");
            const char *verb = text_of(op, "verb"), *back = text_of(inverse, "verb");
            if (strcmp(verb, "set") == 0)
                ck_assert_int_eq(get(op, "value")->valueint, get(inverse, "before")->valueint);
            else
                ck_assert(strcmp(verb, undo ? "delete" : "add") == 0 && strcmp(back, undo ? "add" : "delete") == 0);
        }
        cJSON_Delete(all);
        free(text);
    }
    policy_end(&w);
}
END_TEST

START_TEST(fields)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w,
                "[Interface]\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1\nMatchDomains = m\nFailMode = closed\nMetric = 4\n"
                "ExcludeApp = uid 4-5\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n");
    char *text = policy_render(w.plan, VPN_RENDER_JSON, 0);
    cJSON *all = cJSON_Parse(text);
    const cJSON *filter = cJSON_GetArrayItem(all, 0), *op;
    ck_assert_str_eq(text_of(filter, "fail_mode"), "closed");
    ck_assert_int_eq(get(filter, "mark")->valueint, 51820);
    ck_assert_str_eq(cJSON_GetArrayItem(get(filter, "held"), 0)->valuestring, "10.0.0.0/8");
    ck_assert_str_eq(text_of(filter, "nft"), vpn_plan_op(w.plan, 0)->text);
    ck_assert_str_eq(text_of(get(filter, "inverse"), "nft"), vpn_plan_op(w.plan, 0)->undo);
    cJSON_ArrayForEach(op, all)
    {
        if (strcmp(text_of(op, "op"), "route") == 0) {
            ck_assert_str_eq(text_of(op, "to"), "10.0.0.0/8");
            ck_assert_int_eq(get(op, "metric")->valueint, 4);
            ck_assert_int_eq(get(op, "table")->valueint, 51820);
        } else if (strcmp(text_of(op, "op"), "address") == 0) {
            ck_assert_str_eq(text_of(op, "address"), "10.8.0.2/24");
        } else if (strcmp(text_of(op, "op"), "resolver") == 0) {
            ck_assert_str_eq(text_of(op, "mode"), "split");
            ck_assert_str_eq(text_of(op, "system"), "resolved");
            ck_assert_str_eq(cJSON_GetArrayItem(get(op, "servers"), 0)->valuestring, "10.8.0.1");
            ck_assert_str_eq(cJSON_GetArrayItem(get(op, "match"), 0)->valuestring, "m");
        } else if (strcmp(text_of(op, "op"), "rule") == 0 && get(op, "priority")->valueint == 31802) {
            ck_assert_str_eq(text_of(op, "action"), "unreachable");
            ck_assert_int_eq(get(op, "uid_last")->valueint, 5);
        } else if (strcmp(text_of(op, "op"), "rule") == 0 && get(op, "priority")->valueint == 31804) {
            ck_assert(cJSON_IsTrue(get(op, "not")));
            ck_assert_int_eq(get(op, "table")->valueint, 51820);
        }
    }
    cJSON_Delete(all);
    free(text);
    policy_end(&w);
}
END_TEST

/* Every pair of bytes in a string gives JSON that a parser takes, with what was UTF-8 unchanged. */
START_TEST(strings)
{
    char hook[8], out[256];
    for (uint32_t pair = 0; pair < 0x10000; pair += 7) {
        struct vpn__text text = {.out = out, .capacity = sizeof(out) - 1};
        memset(out, 0, sizeof(out));
        snprintf(hook, sizeof(hook), "a%c%cz", (int)(pair >> 8), (int)(pair & 0xff));
        vpn_op op = {.type = VPN_OP_HOOK, .verb = VPN_VERB_ADD, .name = "wg0", .text = hook};
        vpn__render_json(&text, &op);
        cJSON *json = cJSON_Parse(out);
        ck_assert_msg(json != NULL, "%s", out);
        if ((pair >> 8) < 0x80 && (pair & 0xff) < 0x80)
            ck_assert_str_eq(text_of(json, "command"), hook);
        cJSON_Delete(json);
    }
    static const struct {
        const char *text, *want;
    } cases[] = {{"\xc3\xa9", "\xc3\xa9"},
                 {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
                 {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vpn__text text = {.out = out, .capacity = sizeof(out) - 1};
        memset(out, 0, sizeof(out));
        vpn_op op = {.type = VPN_OP_HOOK, .verb = VPN_VERB_ADD, .name = "wg0", .text = cases[i].text};
        vpn__render_json(&text, &op);
        cJSON *json = cJSON_Parse(out);
        ck_assert_str_eq(text_of(json, "command"), cases[i].want);
        cJSON_Delete(json);
    }
}
END_TEST

static Suite *render_json_suite(void)
{
    Suite *suite = suite_create("render_json");
    test_add(suite, "all operations", all_operations);
    test_add(suite, "fields", fields);
    test_add(suite, "strings", strings);
    return suite;
}

TEST_MAIN(render_json_suite)

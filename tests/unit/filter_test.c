/* SPDX-License-Identifier: ISC */
#include <vpn/filter.h>

#include "common/filter.h"
#include "common/host.h"

#define IN    VPN_FILTER_IN
#define OUT   VPN_FILTER_OUT
#define ALLOW VPN_FILTER_ALLOW
#define DENY  VPN_FILTER_DENY

static struct host host;
static vpn_filter *filter;
static vpn_time now;
static vpn_filter_verdict verdict;

static int make(const vpn_filter_rule *rules, uint32_t count, uint32_t flows)
{
    vpn_filter_config config = {.size = sizeof(config), .flows = flows, .count = count, .rules = rules};
    now = 1000 * VPN_SECOND;
    host_init(&host);
    config.env = &host.env;
    return vpn_filter_new(&filter, &config);
}

static void done(void)
{
    vpn_filter_stats stats = {.size = sizeof(stats)};
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), 0);
    ck_assert_uint_eq(stats.memory, host.bytes);
    vpn_filter_free(filter);
    host_end(&host);
}

static int decide_from(uint64_t peer, const struct facts *f)
{
    uint8_t packet[FACTS_BYTES];
    size_t calls = host.base.calls, length = facts_write(f, packet);
    int action = vpn_filter_decide(filter, f->direction, peer, packet, length, now, &verdict);
    ck_assert_int_eq(action, verdict.action);
    ck_assert_uint_eq(host.base.calls, calls);
    return action;
}

static int decide(const struct facts *f)
{
    return decide_from(0, f);
}

/* What the other end answers. */
static struct facts answer(const struct facts *f, uint8_t flags)
{
    struct facts back = *f;
    memcpy(back.src, f->dst, 16);
    memcpy(back.dst, f->src, 16);
    back.direction = f->direction == IN ? OUT : IN;
    back.flags = flags;
    if (facts_is_icmp(f)) {
        back.ports[0] = f->family == 4 ? 0 : 129;
    } else {
        back.ports[0] = f->ports[1];
        back.ports[1] = f->ports[0];
    }
    return back;
}

#define EXPECT(f, want_action, want_reason)                                                                            \
    do {                                                                                                               \
        ck_assert_int_eq(decide(f), want_action);                                                                      \
        ck_assert_uint_eq(verdict.reason, VPN_FILTER_BY_##want_reason);                                                \
    } while (0)

static const struct facts ssh = {.direction = IN,
                                 .family = 4,
                                 .protocol = 6,
                                 .src = {10, 0, 0, 2},
                                 .dst = {192, 168, 0, 9},
                                 .ports = {40000, 22},
                                 .flags = 2,
                                 .seq = 100};

static vpn_filter_rule ssh_rule(void)
{
    return (vpn_filter_rule){.action = ALLOW,
                             .direction = IN,
                             .flags = VPN_FILTER_STATEFUL,
                             .protocol = 6,
                             .match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_DST_PORT,
                             .dst_port_min = 22,
                             .dst_port_max = 22,
                             .dst = {.family = 4, .bits = 24, .addr = {192, 168, 0}},
                             .user = 4711};
}

START_TEST(settings)
{
    vpn_filter_config config = {.size = sizeof(config)};
    vpn_filter_rule rule = ssh_rule();
    host_init(&host);
    config.env = &host.env;
#define SETTING(change, want)                                                                                          \
    do {                                                                                                               \
        vpn_filter_config c = config;                                                                                  \
        change;                                                                                                        \
        ck_assert_int_eq(vpn_filter_new(&filter, &c), want);                                                           \
        ck_assert_ptr_null(filter);                                                                                    \
    } while (0)
    SETTING(c.size = 8, VPN_EINVAL);
    SETTING(c.fallback = 3, VPN_EINVAL);
    SETTING(c.no_fragments = 2, VPN_EINVAL);
    SETTING(c.reserved[1] = 1, VPN_EINVAL);
    SETTING(c.flows = VPN_FILTER_FLOWS_MAX + 1, VPN_ELIMIT);
    SETTING(c.count = VPN_FILTER_RULES_MAX + 1, VPN_ELIMIT);
    SETTING(c.count = 1, VPN_EINVAL);
    SETTING(c.count = 1; c.rules = &rule, VPN_EINVAL); /* stateful without flows */
    vpn_env bad = host.env;
    bad.reserved = 1;
    SETTING(c.env = &bad, VPN_EINVAL);
    host.base.random_status = -1;
    SETTING(c.flows = 8, VPN_ERANDOM);
    ck_assert_uint_eq(host.bytes, 0);
    host.base.random_status = 0;
    vpn_filter_free(NULL);
    ck_assert_int_eq(vpn_filter_new(&filter, NULL), 0); /* denies everything */
    ck_assert_int_eq(decide(&ssh), DENY);
    ck_assert_uint_eq(verdict.reason, VPN_FILTER_BY_DEFAULT);
    ck_assert_uint_eq(verdict.rule, VPN_FILTER_DEFAULT);
    vpn_filter_free(filter);
    host_end(&host);
}
END_TEST

START_TEST(arguments)
{
    uint8_t packet[FACTS_BYTES];
    size_t length = facts_write(&ssh, packet);
    ck_assert_int_eq(make(NULL, 0, 0), 0);
    vpn_filter_verdict v;
    ck_assert_int_eq(vpn_filter_decide(filter, 0, 0, packet, length, now, &v), DENY);
    ck_assert_uint_eq(v.reason, VPN_FILTER_BY_ARGUMENT);
    ck_assert_uint_eq(v.rule, VPN_FILTER_NO_RULE);
    ck_assert_int_eq(vpn_filter_decide(filter, 3, 0, packet, length, now, NULL), DENY);
    ck_assert_int_eq(vpn_filter_decide(filter, IN, 0, packet, length, VPN_NEVER, &v), DENY);
    ck_assert_uint_eq(v.reason, VPN_FILTER_BY_ARGUMENT);
    ck_assert_int_eq(vpn_filter_decide(filter, IN, 0, NULL, 1, now, &v), DENY);
    ck_assert_uint_eq(v.reason, VPN_FILTER_BY_ARGUMENT);
    ck_assert_int_eq(vpn_filter_decide(filter, IN, 0, NULL, 0, now, &v), DENY);
    ck_assert_uint_eq(v.reason, VPN_FILTER_BY_MALFORMED);
    vpn_filter_stats stats = {.size = 4};
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), VPN_EINVAL);
    stats.size = sizeof(stats);
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), 0);
    ck_assert_uint_eq(stats.packets[VPN_FILTER_BY_ARGUMENT], 4);
    ck_assert_uint_eq(stats.packets[VPN_FILTER_BY_MALFORMED], 1);
    done();
}
END_TEST

/* Random lists against the plain walk, through bytes; counters as well. 25 seeds with 6,000 packets each. */
START_TEST(as_the_plain_walk)
{
    enum { COUNT = 60 };
    vpn_filter_rule rules[COUNT];
    uint64_t seed = (uint64_t)_i, packets[COUNT + 1] = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        naive_rule(&seed, &rules[i]);
    ck_assert_int_eq(make(rules, COUNT, 0), 0);
    for (uint32_t n = 0; n < 6000; n++) {
        struct facts f;
        naive_facts(&seed, &f);
        naive_aim(&seed, &f, &rules[naive_below(&seed, COUNT)]);
        uint32_t want = naive_first(rules, COUNT, &f);
        ck_assert_int_eq(decide(&f), want == FACTS_NONE ? DENY : rules[want].action);
        ck_assert_uint_eq(verdict.rule, want == FACTS_NONE ? VPN_FILTER_DEFAULT : want);
        packets[want == FACTS_NONE ? COUNT : want]++;
    }
    for (uint32_t i = 0; i <= COUNT; i++) {
        vpn_filter_count count;
        ck_assert_int_eq(vpn_filter_counted(filter, i < COUNT ? i : VPN_FILTER_DEFAULT, &count), 0);
        ck_assert_uint_eq(count.packets, packets[i]);
    }
    done();
}
END_TEST

START_TEST(rules_and_counters)
{
    vpn_filter_rule rules[2] = {ssh_rule(), {.action = VPN_FILTER_REJECT, .direction = OUT}}, rule;
    vpn_filter_count count;
    rules[0].dst.addr[3] = 77; /* behind the prefix */
    ck_assert_int_eq(make(rules, 2, 8), 0);
    EXPECT(&ssh, ALLOW, RULE);
    ck_assert_uint_eq(verdict.rule, 0);
    ck_assert_uint_eq(verdict.user, 4711);
    EXPECT(&ssh, ALLOW, FLOW);
    ck_assert_uint_eq(verdict.user, 4711);
    struct facts other = answer(&ssh, 2);
    EXPECT(&other, VPN_FILTER_REJECT, RULE);
    other.direction = IN;
    EXPECT(&other, DENY, DEFAULT);
    ck_assert_uint_eq(verdict.user, 0);
    ck_assert_int_eq(vpn_filter_counted(filter, 0, &count), 0);
    ck_assert_uint_eq(count.packets, 2);
    ck_assert_uint_eq(count.bytes, 80);
    ck_assert_int_eq(vpn_filter_counted(filter, VPN_FILTER_DEFAULT, &count), 0);
    ck_assert_uint_eq(count.packets, 1);
    ck_assert_int_eq(vpn_filter_counted(filter, 2, &count), VPN_ENOENT);
    ck_assert_int_eq(vpn_filter_counted(filter, VPN_FILTER_NO_RULE, &count), VPN_ENOENT);
    ck_assert_int_eq(vpn_filter_get(filter, 2, &rule), VPN_ENOENT);
    ck_assert_int_eq(vpn_filter_get(filter, 0, &rule), 0);
    rules[0].dst.addr[3] = 0;
    ck_assert_mem_eq(&rule, &rules[0], sizeof(rule));
    done();
}
END_TEST

START_TEST(answers_pass)
{
    static const uint8_t protocols[] = {6, 17, 132, 47};
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    for (size_t i = 0; i < sizeof protocols; i++)
        for (uint8_t family = 4; family <= 6; family += 2) {
            struct facts f = ssh;
            f.family = family;
            f.protocol = protocols[i];
            ck_assert_int_eq(make(&rule, 1, 100), 0);
            struct facts back = answer(&f, 0x12);
            EXPECT(&back, DENY, DEFAULT); /* nobody asked */
            EXPECT(&f, ALLOW, RULE);
            EXPECT(&back, ALLOW, FLOW);
            ck_assert_uint_eq(verdict.rule, 0);
            back.src[0] ^= 1;
            EXPECT(&back, DENY, DEFAULT);
            back = answer(&f, 0x12);
            if (facts_has_ports(&f)) {
                back.ports[0]++;
                EXPECT(&back, DENY, DEFAULT);
                back = answer(&f, 0x12);
                back.ports[1]++;
                EXPECT(&back, DENY, DEFAULT);
                back = answer(&f, 0x12);
            }
            back.protocol = 50;
            EXPECT(&back, DENY, DEFAULT);
            back = answer(&f, 0x12);
            ck_assert_int_eq(decide_from(1, &back), DENY); /* another peer */
            now += 7440 * VPN_SECOND;
            EXPECT(&back, DENY, DEFAULT);
            done();
        }
}
END_TEST

START_TEST(only_stateful_rules_make_flows)
{
    vpn_filter_rule rules[2] = {ssh_rule(), {.action = ALLOW, .direction = IN}};
    vpn_filter_stats stats = {.size = sizeof(stats)};
    ck_assert_int_eq(make(rules, 2, 100), 0);
    struct facts f = ssh;
    f.ports[1] = 23;
    EXPECT(&f, ALLOW, RULE);
    struct facts back = answer(&f, 0x12);
    EXPECT(&back, DENY, DEFAULT);
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), 0);
    ck_assert_uint_eq(stats.flows, 0);
    ck_assert_uint_eq(stats.flows_max, 128);
    done();
}
END_TEST

START_TEST(timeouts)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    struct facts f = ssh;
    f.protocol = 17;
    struct facts back = answer(&f, 0);
    ck_assert_int_eq(make(&rule, 1, 100), 0);
    EXPECT(&f, ALLOW, RULE);
    now += 30 * VPN_SECOND;
    EXPECT(&back, DENY, DEFAULT);
    EXPECT(&f, ALLOW, RULE);
    now += 30 * VPN_SECOND - 1;
    EXPECT(&back, ALLOW, FLOW);
    now += 180 * VPN_SECOND - 1;
    EXPECT(&back, ALLOW, FLOW);
    now -= 500 * VPN_SECOND; /* time runs back: nothing ends, and nothing lasts longer */
    EXPECT(&back, ALLOW, FLOW);
    now += 680 * VPN_SECOND;
    EXPECT(&back, DENY, DEFAULT);
    done();
}
END_TEST

START_TEST(echo)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct facts f = ssh;
        f.family = family;
        f.protocol = family == 4 ? 1 : 58;
        f.ports[0] = family == 4 ? 8 : 128;
        f.ports[1] = 0;
        f.id = 5;
        struct facts back = answer(&f, 0);
        ck_assert_int_eq(make(&rule, 1, 100), 0);
        EXPECT(&back, DENY, DEFAULT);
        EXPECT(&f, ALLOW, RULE);
        EXPECT(&back, ALLOW, FLOW);
        back.id = 6;
        EXPECT(&back, DENY, DEFAULT);
        back.id = 5;
        back.ports[0] = f.ports[0]; /* a request from there */
        EXPECT(&back, DENY, DEFAULT);
        now += 30 * VPN_SECOND;
        back = answer(&f, 0);
        EXPECT(&back, DENY, DEFAULT);
        f.ports[0] = family == 4 ? 13 : 133; /* no echo: no flow */
        EXPECT(&f, ALLOW, RULE);
        back = answer(&f, 0);
        back.ports[0] = family == 4 ? 14 : 134;
        EXPECT(&back, DENY, DEFAULT);
        done();
    }
}
END_TEST

/* An error that quotes `about`, from an address of its own to `about`'s source; `cut` bytes of the quoted packet. */
static size_t error_write(uint8_t *out, const struct facts *about, uint8_t type, size_t cut)
{
    struct facts f = {
        .family = about->family, .protocol = about->family == 4 ? 1 : 58, .src = {99, 9}, .ports = {type, 0}};
    size_t header = facts_write(&f, out);
    memcpy(out + (f.family == 4 ? 16 : 24), about->src, f.family == 4 ? 4 : 16);
    size_t whole = facts_write(about, out + header), length = header + (cut && cut < whole ? cut : whole);
    facts_put16(out + (f.family == 4 ? 2 : 4), (uint32_t)length - (f.family == 4 ? 0 : 40));
    return length;
}

static uint32_t error_about(const struct facts *about, uint32_t direction, uint8_t type, size_t cut, int spoil)
{
    uint8_t packet[2 * FACTS_BYTES];
    size_t length = error_write(packet, about, type, cut);
    if (spoil)
        packet[about->family == 4 ? 19 : 39] ^= 1; /* to somebody else */
    int action = vpn_filter_decide(filter, direction, 0, packet, length, now, &verdict);
    ck_assert_int_eq(action == ALLOW, verdict.reason == VPN_FILTER_BY_RELATED);
    return verdict.reason;
}

START_TEST(errors_about_flows)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct facts f = ssh, other;
        f.family = family;
        uint8_t type = family == 4 ? 3 : 1;
        size_t least = family == 4 ? 28 : 48;
        ck_assert_int_eq(make(&rule, 1, 100), 0);
        ck_assert_uint_eq(error_about(&f, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        EXPECT(&f, ALLOW, RULE);
        ck_assert_uint_eq(error_about(&f, OUT, type, 0, 0), VPN_FILTER_BY_RELATED);
        ck_assert_uint_eq(error_about(&f, OUT, type, least, 0), VPN_FILTER_BY_RELATED);
        ck_assert_uint_eq(error_about(&f, OUT, type, least - 1, 0), VPN_FILTER_BY_DEFAULT);
        ck_assert_uint_eq(error_about(&f, OUT, type, 0, 1), VPN_FILTER_BY_DEFAULT);
        ck_assert_uint_eq(error_about(&f, OUT, family == 4 ? 5 : 137, 0, 0), VPN_FILTER_BY_DEFAULT); /* redirect */
        other = answer(&f, 0x12); /* about an answer, to who answered: the other way */
        ck_assert_uint_eq(error_about(&other, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        verdict.action = 9;
        other = f;
        other.ports[0]++;
        ck_assert_uint_eq(error_about(&other, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        other = f;
        other.dst[3] ^= 1;
        ck_assert_uint_eq(error_about(&other, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        other = f;
        other.protocol = 17;
        ck_assert_uint_eq(error_about(&other, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        other = f;
        other.offset = 64;
        ck_assert_uint_eq(error_about(&other, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        now += 240 * VPN_SECOND - 1;
        ck_assert_uint_eq(error_about(&f, OUT, type, 0, 0), VPN_FILTER_BY_RELATED);
        now += 1; /* an error does not keep a flow alive */
        ck_assert_uint_eq(error_about(&f, OUT, type, 0, 0), VPN_FILTER_BY_DEFAULT);
        done();
    }
}
END_TEST

START_TEST(errors_about_echoes)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = OUT, .flags = VPN_FILTER_STATEFUL};
    struct facts f = ssh;
    f.direction = OUT;
    f.protocol = 1;
    f.ports[0] = 8;
    f.ports[1] = 0;
    f.id = 5;
    ck_assert_int_eq(make(&rule, 1, 100), 0);
    EXPECT(&f, ALLOW, RULE);
    ck_assert_uint_eq(error_about(&f, IN, 11, 0, 0), VPN_FILTER_BY_RELATED);
    f.ports[0] = 13;
    ck_assert_uint_eq(error_about(&f, IN, 11, 0, 0), VPN_FILTER_BY_DEFAULT);
    f.ports[0] = 3;
    ck_assert_uint_eq(error_about(&f, IN, 11, 0, 0), VPN_FILTER_BY_DEFAULT);
    done();
}
END_TEST

START_TEST(fragments)
{
    vpn_filter_rule rules[2] = {ssh_rule(), {.action = ALLOW, .direction = OUT}};
    struct facts first = ssh, later = ssh;
    first.more = 1;
    first.fragment = later.fragment = 77;
    later.offset = 24;
    later.payload = 8;
    ck_assert_int_eq(make(rules, 1, 100), 0);
    EXPECT(&later, DENY, DEFAULT); /* no ports */
    EXPECT(&first, ALLOW, RULE);
    EXPECT(&later, ALLOW, FOLLOWER);
    ck_assert_uint_eq(verdict.rule, 0);
    later.fragment++;
    EXPECT(&later, DENY, DEFAULT);
    first.fragment++; /* of the flow now */
    EXPECT(&first, ALLOW, FLOW);
    EXPECT(&later, ALLOW, FOLLOWER);
    later.direction = OUT;
    EXPECT(&later, DENY, DEFAULT);
    later.direction = IN;
    now += 30 * VPN_SECOND;
    EXPECT(&later, DENY, DEFAULT);
    EXPECT(&first, ALLOW, FLOW);
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 2), 0);
    EXPECT(&later, DENY, DEFAULT); /* forgotten */
    later.offset = 8;
    EXPECT(&later, DENY, TINY);
    done();
    ck_assert_int_eq(make(rules + 1, 1, 0), 0); /* a rule without ports */
    later.offset = 24;
    later.direction = OUT;
    EXPECT(&later, ALLOW, RULE);
    done();
}
END_TEST

START_TEST(no_fragments)
{
    vpn_filter_config config = {.size = sizeof(config), .fallback = ALLOW, .no_fragments = 1};
    struct facts f = ssh;
    host_init(&host);
    config.env = &host.env;
    ck_assert_int_eq(vpn_filter_new(&filter, &config), 0);
    EXPECT(&f, ALLOW, DEFAULT);
    f.more = 1;
    EXPECT(&f, DENY, FRAGMENT);
    f.offset = 64;
    EXPECT(&f, DENY, FRAGMENT);
    ck_assert_uint_eq(verdict.rule, VPN_FILTER_NO_RULE);
    done();
}
END_TEST

START_TEST(replace_keeps_what_is_still_allowed)
{
    vpn_filter_rule rules[3] = {ssh_rule(), ssh_rule(), ssh_rule()};
    struct facts back = answer(&ssh, 0x12);
    vpn_filter_count count;
    rules[1].dst_port_min = rules[1].dst_port_max = 80;
    ck_assert_int_eq(make(rules, 1, 100), 0);
    EXPECT(&ssh, ALLOW, RULE);
    /* another rule in front */
    vpn_filter_rule moved[3] = {rules[1], rules[0], rules[0]};
    ck_assert_int_eq(vpn_filter_replace(filter, moved, 2), 0);
    EXPECT(&back, ALLOW, FLOW);
    ck_assert_uint_eq(verdict.rule, 1);
    ck_assert_int_eq(vpn_filter_counted(filter, 1, &count), 0);
    ck_assert_uint_eq(count.packets, 2); /* inherited, and the answer */
    /* a denial in front */
    moved[0] = (vpn_filter_rule){.action = DENY, .src = {.family = 4, .bits = 8, .addr = {10}}};
    ck_assert_int_eq(vpn_filter_replace(filter, moved, 2), 0);
    EXPECT(&back, DENY, DEFAULT);
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 1), 0);
    EXPECT(&back, DENY, DEFAULT); /* and it does not come back */
    /* taken away */
    EXPECT(&ssh, ALLOW, RULE);
    ck_assert_int_eq(vpn_filter_replace(filter, rules + 1, 1), 0);
    EXPECT(&back, DENY, DEFAULT);
    /* still allowed, but no longer stateful */
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 1), 0);
    EXPECT(&ssh, ALLOW, RULE);
    rules[0].flags = 0;
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 1), 0);
    EXPECT(&back, DENY, DEFAULT);
    EXPECT(&ssh, ALLOW, RULE);
    done();
}
END_TEST

/* A replacement that is refused changes nothing. */
START_TEST(replace_is_all_or_nothing)
{
    vpn_filter_rule rules[2] = {ssh_rule(), ssh_rule()};
    struct facts back = answer(&ssh, 0x12);
    ck_assert_int_eq(make(rules, 1, 100), 0);
    EXPECT(&ssh, ALLOW, RULE);
    rules[1].action = 7;
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 2), VPN_EINVAL);
    ck_assert_int_eq(vpn_filter_replace(filter, rules, VPN_FILTER_RULES_MAX + 1), VPN_ELIMIT);
    ck_assert_int_eq(vpn_filter_replace(filter, NULL, 1), VPN_EINVAL);
    EXPECT(&back, ALLOW, FLOW);
    rules[0].dst_port_min = rules[0].dst_port_max = 25;
    int error = VPN_ENOMEM;
    for (size_t n = 0; error != 0; n++) {
        size_t bytes = host.bytes;
        host_fail_after(&host, n);
        error = vpn_filter_replace(filter, rules, 1);
        host_heal(&host);
        if (error == 0)
            break;
        ck_assert_int_eq(error, VPN_ENOMEM);
        ck_assert_uint_eq(host.bytes, bytes);
        EXPECT(&back, ALLOW, FLOW);
        ck_assert_uint_lt(n, 200);
    }
    EXPECT(&back, DENY, DEFAULT);
    ck_assert_int_eq(vpn_filter_replace(filter, NULL, 0), 0);
    done();
}
END_TEST

START_TEST(no_memory)
{
    vpn_filter_rule rules[50];
    uint64_t seed = 3;
    int error = VPN_ENOMEM;
    size_t n = 0;
    for (uint32_t i = 0; i < 50; i++)
        naive_rule(&seed, &rules[i]);
    vpn_filter_config config = {.size = sizeof(config), .flows = 100, .count = 50, .rules = rules};
    host_init(&host);
    config.env = &host.env;
    for (; error != 0; n++) {
        host_fail_after(&host, n);
        error = vpn_filter_new(&filter, &config);
        ck_assert(error == 0 || (error == VPN_ENOMEM && host.bytes == 0 && filter == NULL));
    }
    ck_assert_uint_gt(n, 40);
    done();
}
END_TEST

/* A table that is much too small: flows are lost, never wrong; answered ones stay. */
START_TEST(full_table)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    vpn_filter_stats stats = {.size = sizeof(stats)};
    struct facts back = answer(&ssh, 0x12), f = ssh, other;
    ck_assert_int_eq(make(&rule, 1, 8), 0);
    EXPECT(&ssh, ALLOW, RULE);
    EXPECT(&back, ALLOW, FLOW);
    for (uint32_t i = 1; i < 5000; i++) {
        facts_put32(f.src, 0x0b000000u + i);
        EXPECT(&f, ALLOW, RULE);
        other = answer(&f, 0x10);
        other.dst[0] ^= 0x40;
        EXPECT(&other, DENY, DEFAULT);
    }
    EXPECT(&back, ALLOW, FLOW);
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), 0);
    ck_assert_uint_eq(stats.flows, 8);
    ck_assert_uint_eq(stats.evicted, 4999 - 7);
    done();
}
END_TEST

START_TEST(peers_are_apart)
{
    vpn_filter_rule rule = {.action = ALLOW, .direction = IN, .flags = VPN_FILTER_STATEFUL};
    struct facts back = answer(&ssh, 0x12);
    ck_assert_int_eq(make(&rule, 1, 100), 0);
    for (uint64_t peer = 1; peer <= 3; peer++)
        ck_assert_int_eq(decide_from(peer, &ssh), ALLOW);
    vpn_filter_forget(filter, 2);
    ck_assert_int_eq(decide_from(1, &back), ALLOW);
    ck_assert_int_eq(decide_from(2, &back), DENY);
    ck_assert_int_eq(decide_from(3, &back), ALLOW);
    vpn_filter_forget(filter, 0);
    ck_assert_int_eq(decide_from(1, &back), DENY);
    done();
}
END_TEST

/* A connection back from the allowed host is not an answer; a rule may allow it, and the first flow stays. */
START_TEST(connections_back)
{
    vpn_filter_rule rules[2] = {ssh_rule(), {.action = ALLOW, .direction = OUT, .flags = VPN_FILTER_STATEFUL}};
    struct facts syn = answer(&ssh, 2);
    ck_assert_int_eq(make(rules, 1, 100), 0);
    EXPECT(&ssh, ALLOW, RULE);
    EXPECT(&syn, DENY, DEFAULT);
    ck_assert_int_eq(vpn_filter_replace(filter, rules, 2), 0);
    EXPECT(&syn, ALLOW, RULE);
    ck_assert_uint_eq(verdict.rule, 1);
    syn.flags = 0x12;
    EXPECT(&syn, ALLOW, FLOW);
    ck_assert_uint_eq(verdict.rule, 0);
    done();
}
END_TEST

/* A login reaches the port that it should, from first to last packet, and no other. */
START_TEST(one_login)
{
    vpn_filter_rule rule = ssh_rule();
    ck_assert_int_eq(make(&rule, 1, 100), 0);
    for (uint32_t port = 0; port < 65536; port++) {
        struct facts f = ssh;
        f.ports[1] = (uint16_t)port;
        ck_assert_int_eq(decide(&f), port == 22 ? ALLOW : DENY);
        struct facts back = answer(&f, 0x12);
        ck_assert_int_eq(decide(&back), port == 22 ? ALLOW : DENY);
    }
    done();
}
END_TEST

/* Another default in use: flows and counters stay. */
START_TEST(another_default)
{
    vpn_filter_config config = {.size = sizeof(config)};
    vpn_filter *own;
    vpn_filter_count count;
    ck_assert_int_eq(vpn_filter_new(&own, &config), 0);
    for (uint32_t action = 0; action < 3; action++) {
        uint8_t packet[20] = {0x45, [3] = 20, [8] = 64, [9] = 89};
        ck_assert_int_eq(vpn_filter_set_fallback(own, action), 0);
        ck_assert_int_eq(vpn_filter_decide(own, VPN_FILTER_IN, 0, packet, sizeof(packet), 0, &verdict), (int)action);
        ck_assert_uint_eq(verdict.reason, VPN_FILTER_BY_DEFAULT);
    }
    ck_assert_int_eq(vpn_filter_set_fallback(own, 3), VPN_EINVAL);
    ck_assert_int_eq(vpn_filter_counted(own, VPN_FILTER_DEFAULT, &count), 0);
    ck_assert_uint_eq(count.packets, 3);
    vpn_filter_free(own);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter");
    test_add(s, "settings", settings);
    test_add(s, "arguments", arguments);
    test_loop(s, "as_the_plain_walk", as_the_plain_walk, 25);
    test_add(s, "rules_and_counters", rules_and_counters);
    test_add(s, "answers_pass", answers_pass);
    test_add(s, "only_stateful_rules_make_flows", only_stateful_rules_make_flows);
    test_add(s, "timeouts", timeouts);
    test_add(s, "echo", echo);
    test_add(s, "errors_about_flows", errors_about_flows);
    test_add(s, "errors_about_echoes", errors_about_echoes);
    test_add(s, "fragments", fragments);
    test_add(s, "no_fragments", no_fragments);
    test_add(s, "replace_keeps_what_is_still_allowed", replace_keeps_what_is_still_allowed);
    test_add(s, "replace_is_all_or_nothing", replace_is_all_or_nothing);
    test_add(s, "no_memory", no_memory);
    test_add(s, "full_table", full_table);
    test_add(s, "peers_are_apart", peers_are_apart);
    test_add(s, "connections_back", connections_back);
    test_add(s, "one_login", one_login);
    test_add(s, "another default", another_default);
    return s;
}

TEST_MAIN(suite)

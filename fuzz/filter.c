/* SPDX-License-Identifier: ISC */
/* The filter: rules that may be invalid, packets of known facts against the plain walk, packets of any bytes, and flows against
   what must hold for them whatever came before. */
#include "fuzz.h"

#include "common/filter.h"

#define RULES 24u

struct state {
    vpn_filter *filter;
    vpn_filter_rule rules[RULES];
    uint32_t count;
    int flows;
    vpn_time now;
    uint64_t decided;
};

static void read_rule(struct fuzz_input *in, vpn_filter_rule *r)
{
    uint64_t seed = fuzz_number(in, 3);
    uint8_t how = fuzz_byte(in);

    naive_rule(&seed, r);
    if (how & 1 && r->action == VPN_FILTER_ALLOW)
        r->flags = VPN_FILTER_STATEFUL;
    if (how >= 250) /* likely not valid */
        ((uint8_t *)r)[fuzz_byte(in) % sizeof *r] ^= fuzz_byte(in);
}

static void replace(struct state *s, struct fuzz_input *in)
{
    vpn_filter_rule rules[RULES] = {{0}}, kept;
    uint32_t count = fuzz_byte(in) % (RULES + 1);
    size_t bad;
    int stateful = 0, error, want;

    for (uint32_t i = 0; i < count; i++) {
        read_rule(in, &rules[i]);
        stateful |= rules[i].flags != 0;
    }
    want = vpn_filter_check(rules, count, &bad);
    if (want == VPN_OK && stateful && !s->flows)
        want = VPN_EINVAL;
    error = vpn_filter_replace(s->filter, rules, count);
    FUZZ_CHECK(error == want);
    FUZZ_CHECK(bad <= count);
    if (error != VPN_OK)
        return;
    s->count = count;
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_CHECK(vpn_filter_get(s->filter, i, &kept) == VPN_OK);
        s->rules[i] = kept;
    }
    FUZZ_CHECK(vpn_filter_get(s->filter, count, &kept) == VPN_ENOENT);
}

static void known_packet(struct state *s, struct fuzz_input *in)
{
    uint64_t seed = fuzz_number(in, 3);
    uint8_t packet[FACTS_BYTES];
    vpn_filter_verdict v;
    struct facts f;

    naive_facts(&seed, &f);
    if (s->count != 0)
        naive_aim(&seed, &f, &s->rules[fuzz_byte(in) % s->count]);
    size_t length = facts_write(&f, packet);
    int action = vpn_filter_decide(s->filter, f.direction, 0, packet, length, s->now, &v);
    uint32_t want = naive_first(s->rules, s->count, &f);
    s->decided++;
    FUZZ_CHECK(action == v.action);
    if (v.reason == VPN_FILTER_BY_FLOW || v.reason == VPN_FILTER_BY_FOLLOWER || v.reason == VPN_FILTER_BY_RELATED) {
        FUZZ_CHECK(s->flows && action == VPN_FILTER_ALLOW && v.rule < s->count);
        FUZZ_CHECK(s->rules[v.rule].flags == VPN_FILTER_STATEFUL);
        return;
    }
    FUZZ_CHECK(v.rule == (want == FACTS_NONE ? VPN_FILTER_DEFAULT : want));
    FUZZ_CHECK(action == (want == FACTS_NONE ? VPN_FILTER_DENY : s->rules[want].action));
    /* What a stateful rule allows of a whole UDP packet is answered, while there is time and room. */
    if (want == FACTS_NONE || s->rules[want].flags == 0 || f.protocol != 17 || f.offset != 0)
        return;
    struct facts back = f;
    memcpy(back.src, f.dst, 16);
    memcpy(back.dst, f.src, 16);
    back.ports[0] = f.ports[1];
    back.ports[1] = f.ports[0];
    back.direction = VPN_FILTER_IN + VPN_FILTER_OUT - f.direction;
    length = facts_write(&back, packet);
    FUZZ_CHECK(vpn_filter_decide(s->filter, back.direction, 0, packet, length, s->now, &v) == VPN_FILTER_ALLOW);
    FUZZ_CHECK(v.reason == VPN_FILTER_BY_FLOW);
    s->decided++;
}

/* Anything: in a block of its own, so that a read behind it is seen. */
static void any_packet(struct state *s, struct fuzz_input *in)
{
    size_t length = fuzz_byte(in);
    uint8_t *packet = malloc(length + 1);
    vpn_filter_verdict v;

    FUZZ_CHECK(packet != NULL);
    fuzz_bytes(in, packet + 1, length);
    int action =
        vpn_filter_decide(s->filter, length & 1 ? VPN_FILTER_IN : VPN_FILTER_OUT, 0, packet + 1, length, s->now, &v);
    FUZZ_CHECK(action == v.action && v.reason < VPN_FILTER_REASONS && action <= VPN_FILTER_REJECT);
    FUZZ_CHECK(v.rule < s->count || v.rule == VPN_FILTER_DEFAULT ||
               (v.rule == VPN_FILTER_NO_RULE && action == VPN_FILTER_DENY));
    s->decided++;
    free(packet);
}

static void look_over(const struct state *s)
{
    vpn_filter_stats stats = {.size = sizeof stats};
    uint64_t sum = 0;

    FUZZ_CHECK(vpn_filter_get_stats(s->filter, &stats) == VPN_OK);
    for (size_t i = 0; i < VPN_FILTER_REASONS; i++)
        sum += stats.packets[i];
    FUZZ_CHECK(sum == s->decided && stats.rules == s->count && stats.flows <= stats.flows_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state s;
    struct fuzz_input in = {data, size};
    struct fuzz_host host = {.seed = 1};
    vpn_env env = fuzz_env(&host);
    vpn_filter_config config = {.size = sizeof config, .env = &env};

    memset(&s, 0, sizeof s);
    s.flows = fuzz_byte(&in) & 1;
    config.flows = s.flows ? 16 : 0;
    FUZZ_CHECK(vpn_filter_new(&s.filter, &config) == VPN_OK);
    while (fuzz_more(&in)) {
        uint8_t what = fuzz_byte(&in);

        if (what < 32)
            replace(&s, &in);
        else if (what < 176)
            known_packet(&s, &in);
        else if (what < 240)
            any_packet(&s, &in);
        else if (what < 252)
            s.now += (vpn_time)(what - 240) * 20 * VPN_SECOND;
        else
            s.now = fuzz_number(&in, 5);
        if (what == 255)
            vpn_filter_forget(s.filter, 0);
    }
    look_over(&s);
    vpn_filter_free(s.filter);
    FUZZ_CHECK(host.live == 0);
    return 0;
}

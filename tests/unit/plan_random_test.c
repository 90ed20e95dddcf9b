/* SPDX-License-Identifier: ISC */
/*
 * Random files on random hosts, carried out by the model: nothing leaks in any state when the tunnel fails closed, going down
 * restores the host, routes are exactly what was allowed, no outer packet enters the tunnel, and explanations are right.
 */
#include "common/model.h"

#define POOL 22

static const char *const pool_text[POOL] = {"0.0.0.0/0",      "::/0",           "0.0.0.0/1",       "128.0.0.0/1",
                                            "10.0.0.0/8",     "10.1.0.0/16",    "10.1.2.0/24",     "192.168.0.0/16",
                                            "192.168.1.0/24", "203.0.113.0/24", "8.0.0.0/8",       "8.8.8.8/32",
                                            "::/1",           "8000::/1",       "2001:db8::/32",   "fd00::/8",
                                            "fd00:1::/48",    "fe80::/10",      "2001:db8:1::/48", "224.0.0.0/4",
                                            "172.16.0.0/12",  "2600::/16"};

static const char *const to_text[] = {
    "10.1.2.3",  "10.9.9.9",    "192.168.1.7",   "192.168.7.7", "203.0.113.9", "8.8.8.8",     "8.9.9.9",
    "1.1.1.1",   "224.0.0.251", "172.16.5.5",    "200.1.2.3",   "169.254.3.4", "2001:db8::5", "fd00:1::5",
    "fd00:2::5", "fe80::5",     "2001:db8:1::9", "2600::1",     "ff02::fb",    "9000::1",     "192.168.1.5",
    "10.8.0.2",  "10.200.2.3",  "10.201.0.7",    "10.202.0.9",  "fd77::5"};

#define TARGETS (sizeof(to_text) / sizeof(to_text[0]))

struct world {
    vpn_prefix pool[POOL], allowed[3][6], exclude[3], except[2], addresses[2], dns[2];
    vpn_netmap_rule netmap[3];
    vpn_conf_peer peers[3];
    vpn_conf_app apps[3];
    vpn_conf conf;
    vpn_host_link links[3];
    vpn_host_address own[4];
    vpn_host_route routes[10];
    vpn_rule rules[3];
    vpn_host_resolver resolver;
    vpn_host host;
    vpn_endpoint endpoints[3];
    vpn_policy policy;
};

/* Here and below: an assertion is a message to Check's own process each time, and there would be millions. */
static vpn_prefix parse(const char *text)
{
    vpn_prefix prefix;
    if (vpn_prefix_parse(&prefix, text, strlen(text)))
        ck_abort_msg("%s", text);
    return prefix;
}

/* The address of a host in a network. */
static vpn_prefix host_in(const char *address, uint8_t bits)
{
    vpn_prefix prefix = parse(address);
    prefix.bits = bits;
    return prefix;
}

static size_t pick(struct world *w, uint64_t *seed, vpn_prefix *out, size_t most)
{
    size_t count = test_below(seed, most + 1);
    for (size_t i = 0; i < count; i++)
        out[i] = w->pool[test_below(seed, POOL)];
    return count;
}

/* The hosts of some peers have other names here. */
static void name_peer(struct world *w, uint64_t *seed, size_t i)
{
    static const char *const wire[] = {"10.1.0.0/16", "192.168.1.0/24", "203.0.113.0/24", "2001:db8::/32"};
    static const char *const names[] = {"10.200.0.0/16", "10.201.0.0/24", "10.202.0.0/24", "fd77::/32"};
    size_t which = test_below(seed, 4);
    w->netmap[i] =
        (vpn_netmap_rule){.inside = parse(names[which]), .outside = parse(wire[which]), .whose = VPN_NETMAP_THEIRS};
    w->peers[i].netmap = &w->netmap[i];
    w->peers[i].netmap_count = test_below(seed, 3) == 0;
}

static void make_peers(struct world *w, uint64_t *seed)
{
    static const char *const ends[] = {"203.0.113.9", "198.51.100.7", "8.8.8.8", "10.1.2.3"};
    w->conf.peers = w->peers;
    w->conf.peer_count = 1 + test_below(seed, 3);
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        vpn_prefix end = parse(ends[test_below(seed, 4)]);
        w->peers[i].allowed_ips = w->allowed[i];
        w->peers[i].allowed_ip_count = pick(w, seed, w->allowed[i], 6);
        if (test_below(seed, 3) == 0) /* all of a family more often than by chance */
            w->allowed[i][w->peers[i].allowed_ip_count ? 0 : 5] = w->pool[test_below(seed, 2)];
        name_peer(w, seed, i);
        w->endpoints[i] = (vpn_endpoint){.family = test_below(seed, 4) ? 4 : 0, .port = 51820};
        memcpy(w->endpoints[i].addr, end.addr, 4);
    }
}

static void make_apps(struct world *w, uint64_t *seed)
{
    static const vpn_conf_app apps[] = {{VPN_APP_UID, 0, 1000, 1999, NULL},     {VPN_APP_UID, 1, 1500, 1600, NULL},
                                        {VPN_APP_CGROUP, 0, 0, 0, "a.slice/b"}, {VPN_APP_CGROUP, 1, 0, 0, "a.slice"},
                                        {VPN_APP_MARK, 0, 0x10, 0xf0, NULL},    {VPN_APP_MARK, 1, 5, 15, NULL}};
    w->conf.apps = w->apps;
    w->conf.app_count = test_below(seed, 3) ? 0 : test_below(seed, 4);
    for (size_t i = 0; i < w->conf.app_count; i++)
        w->apps[i] = apps[test_below(seed, 6)];
}

static void make_conf(struct world *w, uint64_t *seed)
{
    static const uint32_t tables[] = {0, 0, 0, 0, 0, 77, VPN_CONF_TABLE_OFF, 254};
    vpn_conf *c = &w->conf;
    *c = (vpn_conf){.size = sizeof(*c), .set = VPN_CONF_SET_FAIL_MODE | VPN_CONF_SET_LAN_ACCESS | VPN_CONF_SET_TABLE};
    c->fail_mode = test_below(seed, 3) ? VPN_FAIL_CLOSED : VPN_FAIL_OPEN;
    c->lan_access = test_below(seed, 2) != 0;
    c->table = tables[test_below(seed, 8)];
    c->metric = (uint32_t)test_below(seed, 2) * 7;
    c->mtu = (uint16_t)(test_below(seed, 2) * 1280);
    c->fwmark = test_below(seed, 4) ? 0 : 0xabc0;
    c->exclude = w->exclude;
    c->exclude_count = pick(w, seed, w->exclude, 3);
    c->fail_except = w->except;
    c->fail_except_count = test_below(seed, 3) ? 0 : pick(w, seed, w->except, 2);
    w->addresses[0] = host_in("10.8.0.2", (uint8_t)(test_below(seed, 2) ? 32 : 24));
    w->addresses[1] = host_in("fd00:8::2", 64);
    c->addresses = w->addresses;
    c->address_count = 1 + test_below(seed, 2);
    w->dns[0] = parse("10.1.2.3");
    w->dns[1] = parse("8.8.8.8");
    c->dns = w->dns;
    c->dns_count = test_below(seed, 3);
    make_peers(w, seed);
    make_apps(w, seed);
}

static void add_route(struct world *w, const char *to, uint32_t link, uint8_t protocol, int gateway)
{
    w->routes[w->host.route_count++] = (vpn_host_route){
        .to = parse(to), .link = link, .table = 254, .protocol = protocol, .has_gateway = (uint8_t)gateway};
}

static void make_host(struct world *w, uint64_t *seed)
{
    static const char *const lans[] = {"192.168.1.5", "10.1.2.9", "203.0.113.5"};
    static const char *const nets[] = {"192.168.1.0/24", "10.1.2.0/24", "203.0.113.0/24"};
    static const char *const foreign[] = {"8.0.0.0/8", "10.0.0.0/8", "128.0.0.0/2", "2001:db8::/32", "192.168.7.0/24"};
    size_t lan = test_below(seed, 3);
    vpn_host *h = &w->host;
    *h = (vpn_host){.size = sizeof(*h), .links = w->links, .link_count = 3, .addresses = w->own, .routes = w->routes};
    w->links[0] = (vpn_host_link){1, 65536, VPN_LINK_UP | VPN_LINK_LOOPBACK, 0, "lo"};
    w->links[1] = (vpn_host_link){2, 1500, VPN_LINK_UP, 0, "eth0"};
    w->links[2] = (vpn_host_link){3, 1400, test_below(seed, 2) ? VPN_LINK_UP : 0, 0, "wlan0"};
    w->own[h->address_count++] = (vpn_host_address){2, host_in(lans[lan], 24)};
    w->own[h->address_count++] = (vpn_host_address){2, host_in("fe80::7", 64)};
    add_route(w, nets[lan], 2, VPN_PROTOCOL_KERNEL, 0);
    add_route(w, "fe80::/64", 2, VPN_PROTOCOL_KERNEL, 0);
    if (test_below(seed, 4))
        add_route(w, "0.0.0.0/0", 2, VPN_PROTOCOL_DHCP, 1);
    if (test_below(seed, 2))
        add_route(w, "::/0", 3, VPN_PROTOCOL_STATIC, 1);
    for (size_t n = test_below(seed, 3); n; n--)
        add_route(w, foreign[test_below(seed, 5)], (uint32_t)(2 + test_below(seed, 2)), VPN_PROTOCOL_DHCP, 1);
    for (size_t i = 0; i < h->route_count; i++)
        w->routes[i].metric = i > 1 ? (uint32_t)i * 100 : 0;
    h->rules = w->rules;
    if (test_below(seed, 3) == 0) {
        w->rules[0] = (vpn_rule){.priority = 31802, .table = 51820, .mark = 0x3, .mask = 0x3, .suppress = -1};
        w->rules[1] = (vpn_rule){.priority = 32766, .table = 254, .suppress = -1};
        w->rules[2] = (vpn_rule){.priority = 32767, .table = 253, .suppress = -1};
        h->rule_count = 3;
    }
    h->src_valid_mark = (uint32_t)test_below(seed, 2);
    h->resolver_system = (uint32_t)test_below(seed, 3);
    h->resolvers = &w->resolver;
    h->resolver_count = 1;
    w->resolver = (vpn_host_resolver){2, parse("192.168.1.1")};
}

static void make(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < POOL; i++)
        w->pool[i] = parse(pool_text[i]);
    make_conf(w, &seed);
    make_host(w, &seed);
    w->policy = (vpn_policy){
        .size = sizeof(w->policy), .conf = &w->conf, .host = &w->host, .name = "wg0", .endpoints = w->endpoints};
}

static int in(const vpn_prefix *list, size_t count, const vpn_selector *p)
{
    for (size_t i = 0; i < count; i++) {
        if (model_holds(&list[i], p->family, p->to))
            return 1;
    }
    return 0;
}

static int allowed(const struct world *w, const vpn_selector *p)
{
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        if (in(w->peers[i].allowed_ips, w->peers[i].allowed_ip_count, p))
            return 1;
    }
    return 0;
}

static int overlap(const vpn_prefix *a, const vpn_prefix *b)
{
    return a->bits <= b->bits ? model_holds(a, b->family, b->addr) : model_holds(b, a->family, a->addr);
}

/* Whether a packet to this address is for a peer, by the name that the peer has here. */
static int named(const struct world *w, const vpn_selector *p)
{
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        const vpn_conf_peer *peer = &w->peers[i];
        int other = peer->netmap_count && model_holds(&peer->netmap->outside, p->family, p->to);
        if (!other && in(peer->allowed_ips, peer->allowed_ip_count, p))
            return 1;
        if (!peer->netmap_count || !model_holds(&peer->netmap->inside, p->family, p->to))
            continue;
        for (size_t k = 0; k < peer->allowed_ip_count; k++) {
            if (overlap(&peer->allowed_ips[k], &peer->netmap->outside))
                return 1;
        }
    }
    return 0;
}

/* The host's own network, with addresses that a site has too, which is called otherwise here. */
static int on_shared_lan(const struct world *w, const vpn_selector *p)
{
    const uint8_t *own = w->own[0].prefix.addr;
    if ((own[0] != 10 && own[0] != 192) || !model_holds(&w->own[0].prefix, p->family, p->to) || named(w, p))
        return 0;
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        if (w->peers[i].netmap_count && model_holds(&w->netmap[i].outside, p->family, p->to))
            return 1;
    }
    return 0;
}

/* Whether all of a family is allowed, or nothing of it, as far as the targets and the ends of halves tell. */
static int family_allowed(const struct world *w, uint8_t family, int want_all)
{
    vpn_selector low = {.family = family}, high = {.family = family};
    int zero = 0, first = 0, second = 0, any = 0;
    (void)low;
    (void)high;
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        for (size_t k = 0; k < w->peers[i].allowed_ip_count; k++) {
            const vpn_prefix *prefix = &w->peers[i].allowed_ips[k];
            any |= prefix->family == family;
            if (prefix->family != family || prefix->bits > 1)
                continue;
            zero |= prefix->bits == 0;
            first |= prefix->bits == 1 && !(prefix->addr[0] & 0x80);
            second |= prefix->bits == 1 && (prefix->addr[0] & 0x80);
        }
    }
    return want_all ? zero || (first && second) : !any;
}

static int is_app(const struct world *w, const vpn_selector *p, uint32_t exclude)
{
    for (size_t i = 0; i < w->conf.app_count; i++) {
        const vpn_conf_app *app = &w->apps[i];
        if (app->exclude != exclude)
            continue;
        if ((app->kind == VPN_APP_UID && p->has_uid && p->uid >= app->first && p->uid <= app->last) ||
            (app->kind == VPN_APP_MARK && (p->mark & app->last) == app->first) ||
            (app->kind == VPN_APP_CGROUP && p->cgroup && strncmp(p->cgroup, app->cgroup, strlen(app->cgroup)) == 0))
            return 1;
    }
    return 0;
}

static int has_includes(const struct world *w)
{
    for (size_t i = 0; i < w->conf.app_count; i++) {
        if (!w->apps[i].exclude)
            return 1;
    }
    return 0;
}

/* What LAN access lets out: the host's private networks, but for the tunnel's name servers, and what never leaves a link. */
static int on_lan(const struct world *w, const vpn_selector *p)
{
    vpn_prefix local[] = {parse("169.254.0.0/16"), parse("224.0.0.0/24"), parse("255.255.255.255"), parse("fe80::/10"),
                          parse("ff02::/16")};
    const uint8_t *own = w->own[0].prefix.addr;
    if (!w->conf.lan_access)
        return 0;
    if (in(local, 5, p))
        return 1;
    return (own[0] == 10 || own[0] == 192) && model_holds(&w->own[0].prefix, p->family, p->to) &&
           !(in(w->dns, w->conf.dns_count, p) && named(w, p));
}

/* Whether only the tunnel may carry a packet, said without any of the library's sets. */
static int held(const struct world *w, const vpn_selector *p, uint32_t mark)
{
    uint8_t other = p->family == 4 ? 6 : 4;
    if (w->conf.fail_mode != VPN_FAIL_CLOSED || p->mark == mark || is_app(w, p, 1) ||
        (has_includes(w) && !is_app(w, p, 0)))
        return 0;
    if (in(w->exclude, w->conf.exclude_count, p) || in(w->except, w->conf.fail_except_count, p) || on_lan(w, p) ||
        on_shared_lan(w, p))
        return 0;
    return allowed(w, p) || named(w, p) || (family_allowed(w, p->family, 0) && family_allowed(w, other, 1));
}

static vpn_selector packet(size_t target, uint64_t *seed)
{
    static const char *const groups[] = {NULL, NULL, "a.slice", "a.slice/b", "a.slice/b/c", "b.slice"};
    static const uint32_t marks[] = {0, 0, 0, 0x15, 0x25, 7};
    vpn_prefix to = parse(to_text[target]);
    vpn_selector p = {.family = to.family, .protocol = test_below(seed, 2) ? 6 : 17};
    p.port = test_below(seed, 3) ? 443 : 53;
    p.mark = marks[test_below(seed, 6)];
    p.has_uid = test_below(seed, 3) != 0;
    p.uid = (uint32_t)(test_below(seed, 5) * 500);
    p.cgroup = groups[test_below(seed, 6)];
    memcpy(p.to, to.addr, sizeof(p.to));
    return p;
}

/* No packet that is held leaves in this state, nor after the link is gone with all that hangs on it. */
static void no_leak(const struct world *w, const model *state, uint32_t mark, uint64_t seed)
{
    static model crashed;
    crashed = *state;
    model_link_gone(&crashed);
    for (size_t i = 0; i < TARGETS; i++) {
        vpn_selector p = packet(i, &seed);
        if (!held(w, &p, mark))
            continue;
        if (model_send(state, &p) == MODEL_OUT)
            ck_abort_msg("to %s", to_text[i]);
        if (model_send(&crashed, &p) == MODEL_OUT)
            ck_abort_msg("to %s after a crash", to_text[i]);
    }
}

/* Undoes the first `done` operations; the last inverse takes the filter away, and only then may anything leave. */
static void undo(const struct world *w, const vpn_plan *plan, model *state, size_t done, uint64_t seed)
{
    for (size_t i = done; i > 0; i--) {
        vpn_op inverse, again;
        vpn_op_inverse(&inverse, vpn_plan_op(plan, i - 1));
        vpn_op_inverse(&again, &inverse);
        if (memcmp(&again, vpn_plan_op(plan, i - 1), sizeof(again)) || model_apply(state, &inverse))
            ck_abort_msg("operation %zu cannot be undone", i - 1);
        if (i > 1)
            no_leak(w, state, vpn_plan_mark(plan), seed + i);
    }
}

static void routes_are_exact(const struct world *w, const vpn_plan *plan)
{
    for (size_t i = 0; i < TARGETS; i++) {
        uint64_t seed = 0;
        vpn_selector p = packet(i, &seed);
        int covered = 0;
        for (size_t k = 0; k < vpn_plan_count(plan); k++) {
            const vpn_op *op = vpn_plan_op(plan, k);
            covered += op->type == VPN_OP_ROUTE && model_holds(&op->prefix, p.family, p.to);
        }
        int want = w->conf.table != VPN_CONF_TABLE_OFF && named(w, &p) && !in(w->exclude, w->conf.exclude_count, &p);
        ck_assert_msg(covered == want || (covered == 0 && in(w->addresses, w->conf.address_count, &p)), "to %s",
                      to_text[i]);
    }
}

static void explained(const vpn_plan *plan, const model *state, uint64_t seed)
{
    for (size_t i = 0; i < 3 * TARGETS; i++) {
        vpn_selector p = packet(i % TARGETS, &seed);
        vpn_explanation why;
        int went = model_send(state, &p);
        int error = vpn_plan_explain(plan, &p, &why);
        uint32_t want = went == MODEL_TUNNELED                    ? VPN_PATH_TUNNEL
                        : went == MODEL_OUT || went == MODEL_HOST ? VPN_PATH_LOCAL
                                                                  : VPN_PATH_BLOCKED;
        if (went == MODEL_TUNNELED && why.path == VPN_PATH_BLOCKED && strstr(why.rule, "no peer"))
            continue; /* the model has no peers */
        if (error || why.path != want)
            ck_abort_msg("to %s: %u and not %u: %s", to_text[i % TARGETS], why.path, want, why.rule);
    }
}

/* Outer packets keep out, where a rule can see to it. */
static void no_loop(const struct world *w, const vpn_plan *plan, const model *state)
{
    for (size_t i = 0; i < w->conf.peer_count; i++) {
        vpn_selector p = {.family = w->endpoints[i].family, .protocol = 17, .port = 51820, .mark = vpn_plan_mark(plan)};
        memcpy(p.to, w->endpoints[i].addr, 4);
        if (p.family && w->conf.table == 0 && !model_own(state, &p))
            ck_assert_int_ne(model_send(state, &p), MODEL_TUNNELED);
    }
}

START_TEST(worlds)
{
    static struct world w;
    static model before, state;
    for (uint64_t turn = 0; turn < 40; turn++) {
        uint64_t seed = (uint64_t)_i * 1000 + turn;
        vpn_plan *plan;
        size_t done = 0;
        make(&w, seed);
        ck_assert_int_eq(vpn_plan_new(&plan, &w.policy, NULL), 0);
        model_init(&before, &w.host);
        state = before;
        while (done < vpn_plan_count(plan) && model_apply(&state, vpn_plan_op(plan, done)) == 0) {
            done++;
            no_leak(&w, &state, vpn_plan_mark(plan), seed + done);
        }
        if (done == vpn_plan_count(plan)) {
            routes_are_exact(&w, plan);
            explained(plan, &state, seed);
            no_loop(&w, plan, &state);
        } else {
            /* only a LAN with just the tunnel's prefix and metric may be in the way */
            ck_assert_uint_eq(vpn_plan_op(plan, done)->type, VPN_OP_ROUTE);
            ck_assert_uint_eq(vpn_plan_table(plan), 254);
        }
        undo(&w, plan, &state, done, seed);
        ck_assert(model_same(&state, &before));
        vpn_plan_free(plan);
    }
}
END_TEST

/* A process that dies in the middle leaves the filter, whichever operation was the last. */
START_TEST(from_every_state_back)
{
    static struct world w;
    static model before, state;
    uint64_t seed = (uint64_t)_i + 77777;
    vpn_plan *plan;
    make(&w, seed);
    ck_assert_int_eq(vpn_plan_new(&plan, &w.policy, NULL), 0);
    model_init(&before, &w.host);
    for (size_t stop = 0; stop <= vpn_plan_count(plan); stop++) {
        size_t done = 0;
        state = before;
        while (done < stop && model_apply(&state, vpn_plan_op(plan, done)) == 0)
            done++;
        undo(&w, plan, &state, done, seed);
        ck_assert(model_same(&state, &before));
    }
    vpn_plan_free(plan);
}
END_TEST

static Suite *plan_random_suite(void)
{
    Suite *suite = suite_create("plan_random");
    test_loop(suite, "worlds", worlds, 30);
    test_loop(suite, "from every state back", from_every_state_back, 20);
    return suite;
}

TEST_MAIN(plan_random_suite)

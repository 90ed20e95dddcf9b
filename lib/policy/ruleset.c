/* SPDX-License-Identifier: ISC */
/*
 * One table of the family inet, which nft replaces as a whole or not at all.
 *
 * `output` and `forward` hold packets back when the tunnel fails closed: what leaves by the tunnel, the loopback or with the mark
 * of outer packets passes, and so do neighbour discovery and DHCP, without which no link works; the rest is dropped when it
 * is for an address that only the tunnel may carry. They do not ask which route or link a packet came by, so nothing that
 * happens to links and routes opens them.
 *
 * `strays` is for tunnels of some applications. What a program leaves behind when it ends, and answers where no socket is, the
 * system sends in nobody's name, so it drops what bears the tunnel's addresses and leaves elsewhere.
 *
 * `spoofed` drops packets to the tunnel's addresses that come in elsewhere (CVE-2019-14899). `restore` and `save` carry the mark
 * from outer packets to the answers, so that a strict reverse-path filter finds the way they came. `applications` marks the
 * packets of cgroups, which policy rules cannot see.
 */
#include "policy/ruleset.h"

#include <string.h>

#include <vpn/uapi.h>

#include "config/text.h"

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PORT_DNS     53
#define PORT_DOT     853

typedef struct vpn__text text;

static void put(text *t, const char *string)
{
    vpn__text_string(t, string);
}

/* "vpn-" and the name of the link; what nft does not take in a name becomes "_". */
static void put_table(text *t, const vpn_plan *plan)
{
    put(t, "table inet vpn-");
    for (const char *c = plan->policy.name; *c; c++)
        vpn__text_bytes(t, *c == '=' || *c == '+' ? "_" : c, 1);
}

static void put_set(text *t, const char *name, const char *type, const vpn_prefix *list, size_t count)
{
    char prefix[VPN_PREFIX_CHARS];
    put(t, "\tset ");
    put(t, name);
    put(t, " {\n\t\ttype ");
    put(t, type);
    put(t, "\n\t\tflags interval\n");
    if (count)
        put(t, "\t\telements = {\n");
    for (size_t i = 0; i < count; i++) {
        vpn_prefix_format(prefix, &list[i]);
        put(t, "\t\t\t");
        put(t, prefix);
        put(t, ",\n");
    }
    put(t, count ? "\t\t}\n\t}\n" : "\t}\n");
}

static void put_chain(text *t, const char *name, const char *hook)
{
    put(t, "\tchain ");
    put(t, name);
    put(t, " {\n\t\ttype ");
    put(t, hook);
    put(t, "; policy accept;\n");
}

static void put_name(text *t, const vpn_plan *plan)
{
    put(t, "\"");
    put(t, plan->policy.name);
    put(t, "\"");
}

/* What a packet of an application has; nothing follows the last word but a space. */
static void put_app(text *t, const vpn_conf_app *app)
{
    uint32_t level = 1;
    if (app->kind == VPN_APP_UID) {
        put(t, "meta skuid ");
        vpn__text_decimal(t, app->first);
        put(t, "-");
        vpn__text_decimal(t, app->last);
    } else if (app->kind == VPN_APP_MARK) {
        put(t, "meta mark & ");
        vpn__text_hex(t, app->last);
        put(t, " == ");
        vpn__text_hex(t, app->first);
    } else {
        for (const char *c = app->cgroup; *c; c++)
            level += *c == '/';
        put(t, "socket cgroupv2 level ");
        vpn__text_decimal(t, level);
        put(t, " \"");
        put(t, app->cgroup);
        put(t, "\"");
    }
    put(t, " ");
}

static void put_drops(text *t, const vpn_plan *plan, const vpn_conf_app *app)
{
    static const char *const drops[] = {"meta l4proto { tcp, udp } th dport { 53, 853 } drop\n",
                                        "ip daddr @held4 drop\n", "ip6 daddr @held6 drop\n"};
    for (size_t i = plan->hold_dns ? 0 : 1; i < 3; i++) {
        put(t, "\t\t");
        if (app)
            put_app(t, app);
        put(t, drops[i]);
    }
}

static void put_output(text *t, const vpn_plan *plan)
{
    const vpn_conf *conf = &plan->conf;
    put_chain(t, "output", "filter hook output priority 0");
    put(t, "\t\toifname \"lo\" accept\n\t\toifname ");
    put_name(t, plan);
    put(t, " accept\n\t\tmeta mark ");
    vpn__text_hex(t, plan->mark);
    put(t, " accept\n\t\ticmpv6 type { 133, 134, 135, 136 } accept\n\t\tudp sport 68 udp dport 67 accept\n"
           "\t\tudp sport 546 udp dport 547 accept\n");
    for (size_t i = 0; i < conf->app_count; i++) {
        if (!conf->apps[i].exclude)
            continue;
        put(t, "\t\t");
        put_app(t, &conf->apps[i]);
        put(t, "accept\n");
    }
    if (!plan->includes)
        put_drops(t, plan, NULL);
    for (size_t i = 0; i < conf->app_count; i++) {
        if (!conf->apps[i].exclude)
            put_drops(t, plan, &conf->apps[i]);
    }
    put(t, "\t}\n");
}

static void put_forward(text *t, const vpn_plan *plan)
{
    put_chain(t, "forward", "filter hook forward priority 0");
    put(t, "\t\toifname ");
    put_name(t, plan);
    put(t, " accept\n\t\tip daddr @held4 drop\n\t\tip6 daddr @held6 drop\n\t}\n");
}

static void put_marks(text *t, const vpn_plan *plan, uint32_t exclude)
{
    for (size_t i = 0; i < plan->conf.app_count; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        int cgroup = app->kind == VPN_APP_CGROUP;
        if ((app->exclude != 0) != (exclude != 0) || (!cgroup && !(exclude && plan->app_mark)))
            continue;
        put(t, "\t\t");
        put_app(t, app);
        if (cgroup) {
            put(t, "meta mark set ");
            vpn__text_hex(t, exclude ? plan->mark : plan->app_mark);
            put(t, " ");
        }
        put(t, "accept\n");
    }
}

/* Excluded applications first: an included cgroup that one of them is in must not give it another mark. */
static void put_marking(text *t, const vpn_plan *plan)
{
    put_chain(t, "applications", "route hook output priority -150");
    put_marks(t, plan, 1);
    put_marks(t, plan, 0);
    put(t, "\t}\n");
}

static void put_strays(text *t, const vpn_plan *plan)
{
    put_chain(t, "strays", "filter hook output priority 0");
    for (size_t i = 0; i < plan->conf.address_count; i++) {
        const vpn_prefix *address = &plan->conf.addresses[i];
        put(t, "\t\toifname != { \"lo\", ");
        put_name(t, plan);
        put(t, address->family == 4 ? " } ip saddr " : " } ip6 saddr ");
        vpn__text_ip(t, address->family, address->addr);
        put(t, " drop\n");
    }
    put(t, "\t}\n");
}

static void put_return_path(text *t, const vpn_plan *plan)
{
    put_chain(t, "spoofed", "filter hook prerouting priority -300");
    for (size_t i = 0; i < plan->conf.address_count; i++) {
        const vpn_prefix *address = &plan->conf.addresses[i];
        put(t, "\t\tiifname != ");
        put_name(t, plan);
        put(t, address->family == 4 ? " ip daddr " : " ip6 daddr ");
        vpn__text_ip(t, address->family, address->addr);
        put(t, " fib saddr type != local drop\n");
    }
    put(t, "\t}\n");
    put_chain(t, "restore", "filter hook prerouting priority -150");
    put(t, "\t\tmeta l4proto udp ct mark ");
    vpn__text_hex(t, plan->mark);
    put(t, " meta mark set ");
    vpn__text_hex(t, plan->mark);
    put(t, "\n\t}\n");
    put_chain(t, "save", "filter hook postrouting priority -150");
    put(t, "\t\tmeta l4proto udp meta mark ");
    vpn__text_hex(t, plan->mark);
    put(t, " ct mark set ");
    vpn__text_hex(t, plan->mark);
    put(t, "\n\t}\n");
}

/* Where the list of a set passes from IPv4 to IPv6. */
static size_t fours(const vpn_prefix *list, size_t count)
{
    size_t n = 0;
    while (n < count && list[n].family == 4)
        n++;
    return n;
}

static void put_ruleset(text *t, const vpn_plan *plan, const vpn_prefix *held, size_t count)
{
    size_t four = fours(held, count);
    put(t, "add ");
    put_table(t, plan);
    put(t, "\ndelete ");
    put_table(t, plan);
    put(t, "\n");
    put_table(t, plan);
    put(t, " {\n");
    if (plan->closed) {
        put_set(t, "held4", "ipv4_addr", held, four);
        put_set(t, "held6", "ipv6_addr", held + four, count - four);
        put_output(t, plan);
        if (!plan->includes)
            put_forward(t, plan);
    }
    if (plan->cgroups && plan->priority)
        put_marking(t, plan);
    if (plan->includes)
        put_strays(t, plan);
    if (plan->mark)
        put_return_path(t, plan);
    put(t, "}\n");
}

int vpn__ruleset_wanted(const vpn_plan *plan)
{
    return plan->closed || plan->priority;
}

const char *vpn__ruleset_text(vpn_plan *plan)
{
    const vpn_prefix *held;
    size_t count;
    text need = {.out = NULL}, t;
    if (vpn__plan_list(plan, plan->held, &held, &count))
        return NULL;
    put_ruleset(&need, plan, held, count);
    t = (text){.out = vpn__arena_alloc(&plan->arena, need.length + 1), .capacity = need.length};
    if (!t.out)
        return NULL;
    put_ruleset(&t, plan, held, count);
    return t.out;
}

const char *vpn__ruleset_undo(vpn_plan *plan)
{
    char buffer[128];
    text t = {.out = buffer, .capacity = sizeof(buffer)};
    put(&t, "add ");
    put_table(&t, plan);
    put(&t, "\ndelete ");
    put_table(&t, plan);
    put(&t, "\n");
    return vpn__arena_text(&plan->arena, buffer, t.length);
}

/* Whether `path` is the cgroup or lies below it. */
static int below(const char *path, const char *cgroup)
{
    size_t length = strlen(cgroup);
    return strlen(path) >= length && memcmp(path, cgroup, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static int belongs(const vpn_conf_app *app, const vpn_selector *packet)
{
    if (app->kind == VPN_APP_UID)
        return packet->has_uid && packet->uid >= app->first && packet->uid <= app->last;
    if (app->kind == VPN_APP_MARK)
        return (packet->mark & app->last) == app->first;
    return packet->cgroup && below(packet->cgroup, app->cgroup);
}

/* The first application of the file that a packet belongs to, among the excluded ones or the others; NULL: none. */
static const vpn_conf_app *find_app(const vpn_plan *plan, const vpn_selector *packet, uint32_t exclude)
{
    for (size_t i = 0; i < plan->conf.app_count; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        if ((app->exclude != 0) == (exclude != 0) && belongs(app, packet))
            return app;
    }
    return NULL;
}

uint32_t vpn__ruleset_mark(const vpn_plan *plan, const vpn_selector *packet)
{
    const vpn_conf_app *excluded = find_app(plan, packet, 1);
    if (!plan->cgroups || !plan->priority)
        return packet->mark;
    if (excluded && plan->app_mark)
        return excluded->kind == VPN_APP_CGROUP ? plan->mark : packet->mark;
    for (size_t i = 0; i < plan->conf.app_count; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        if (app->kind == VPN_APP_CGROUP && belongs(app, packet))
            return app->exclude ? plan->mark : plan->app_mark;
    }
    return packet->mark;
}

static int is_dns(const vpn_selector *packet)
{
    return (packet->protocol == PROTOCOL_TCP || packet->protocol == PROTOCOL_UDP) &&
           (packet->port == PORT_DNS || packet->port == PORT_DOT);
}

int vpn__ruleset_drops(const vpn_plan *plan, const vpn_selector *packet)
{
    vpn_selector marked = *packet;
    marked.mark = vpn__ruleset_mark(plan, packet);
    if (!plan->closed || marked.mark == plan->mark || find_app(plan, &marked, 1))
        return 0;
    if (plan->includes && !find_app(plan, &marked, 0))
        return 0;
    return (plan->hold_dns && is_dns(packet)) || vpn_prefixes_contains(plan->held, packet->family, packet->to);
}

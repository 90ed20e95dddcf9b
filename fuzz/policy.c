/* SPDX-License-Identifier: ISC */
/*
 * A file and facts about a host, both made of the input: a plan is refused, or each of its forms is written, all that its
 * operations promise holds, and explanations and findings come back. The text after the first 64 bytes is the file.
 */
#include "fuzz.h"

#define ROOM  (1u << 20)
#define FACTS 64u

struct facts {
    vpn_host host;
    vpn_host_link links[3];
    vpn_host_address addresses[3];
    vpn_host_route routes[4];
    vpn_rule rules[2];
    vpn_host_resolver resolvers[2];
};

static vpn_prefix prefix_of(struct fuzz_input *in)
{
    vpn_prefix prefix = {.family = fuzz_byte(in) & 1 ? 6 : 4};

    prefix.bits = (uint8_t)(fuzz_byte(in) % 140);
    for (size_t i = 0; i < 3; i++)
        prefix.addr[i] = fuzz_byte(in);
    return prefix;
}

static void read_facts(struct facts *f, struct fuzz_input *in)
{
    static const uint32_t tables[] = {254, 254, 51820, 77};

    memset(f, 0, sizeof *f);
    f->links[0] = (vpn_host_link){1, 65536, VPN_LINK_UP | VPN_LINK_LOOPBACK, 0, "lo"};
    f->links[1] = (vpn_host_link){2, (uint32_t)fuzz_number(in, 2), fuzz_byte(in) & 7u, fuzz_byte(in) % 3u, "eth0"};
    f->links[2] = (vpn_host_link){3, 1400, fuzz_byte(in) & 7u, 0, "wg0"};
    for (size_t i = 0; i < 3; i++)
        f->addresses[i] = (vpn_host_address){fuzz_byte(in) % 5u, prefix_of(in)};
    for (size_t i = 0; i < 4; i++)
        f->routes[i] =
            (vpn_host_route){.to = prefix_of(in), .link = fuzz_byte(in) % 4u, .table = tables[fuzz_byte(in) % 4]};
    f->rules[0] = (vpn_rule){.priority = 31790u + fuzz_byte(in) % 20u, .table = 51820, .suppress = -1};
    f->rules[1] = (vpn_rule){.priority = 32766, .table = 254, .suppress = -1};
    for (size_t i = 0; i < 2; i++)
        f->resolvers[i] = (vpn_host_resolver){fuzz_byte(in) % 4u, f->addresses[i].prefix};
    f->host = (vpn_host){.size = sizeof f->host,
                         .resolver_system = fuzz_byte(in) % 4u,
                         .links = f->links,
                         .link_count = 2u + (fuzz_byte(in) & 1u),
                         .addresses = f->addresses,
                         .address_count = fuzz_byte(in) % 4u,
                         .routes = f->routes,
                         .route_count = fuzz_byte(in) % 5u,
                         .rules = f->rules,
                         .rule_count = fuzz_byte(in) % 3u,
                         .resolvers = f->resolvers,
                         .resolver_count = fuzz_byte(in) % 3u};
}

static void check_operations(const vpn_plan *plan)
{
    for (size_t i = 0; i < vpn_plan_count(plan); i++) {
        const vpn_op *op = vpn_plan_op(plan, i);
        vpn_op inverse, again;

        vpn_op_inverse(&inverse, op);
        vpn_op_inverse(&again, &inverse);
        FUZZ_CHECK(memcmp(&again, op, sizeof again) == 0);
        /* the filter is the first, and there is one */
        FUZZ_CHECK((op->type == VPN_OP_FILTER && i == 0) || op->type != VPN_OP_FILTER);
        for (size_t k = 0; k < i && op->type == VPN_OP_ROUTE; k++)
            FUZZ_CHECK(vpn_plan_op(plan, k)->type != VPN_OP_ROUTE ||
                       memcmp(&vpn_plan_op(plan, k)->prefix, &op->prefix, sizeof op->prefix) != 0);
    }
}

static void check_forms(const vpn_plan *plan)
{
    static char out[ROOM];

    for (uint32_t form = VPN_RENDER_LINUX; form <= VPN_RENDER_JSON; form++) {
        for (uint32_t undo = 0; undo < 2; undo++) {
            size_t length;
            int error = vpn_plan_render(plan, form, undo, out, ROOM, &length);

            FUZZ_CHECK(error == VPN_OK ? length <= ROOM && out[length - 1] == '\n'
                                       : error == VPN_ESPACE && length > ROOM);
        }
    }
}

static void check_answers(const vpn_plan *plan, struct fuzz_input *in)
{
    static vpn_finding findings[64];
    size_t count;
    int error = vpn_plan_audit(plan, findings, 64, &count);

    FUZZ_CHECK(error == VPN_OK ? count <= 64 : error == VPN_ESPACE && count > 64);
    for (size_t i = 0; i < 8; i++) {
        vpn_prefix to = prefix_of(in);
        vpn_selector packet = {.family = to.family, .protocol = 17, .port = 53, .mark = fuzz_byte(in), .has_uid = 1};
        vpn_explanation out;

        memcpy(packet.to, to.addr, sizeof packet.to);
        FUZZ_CHECK(vpn_plan_explain(plan, &packet, &out) == VPN_OK);
        FUZZ_CHECK(out.path >= VPN_PATH_TUNNEL && out.path <= VPN_PATH_BLOCKED && out.rule[0] != '\0');
        FUZZ_CHECK((out.path == VPN_PATH_TUNNEL) == (out.peer != UINT32_MAX));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_host memory = {.seed = 1};
    struct fuzz_input in = {data, size < FACTS ? size : FACTS};
    size_t length = size - in.left;
    vpn_env env = fuzz_env(&memory);
    struct facts facts;
    vpn_policy policy = {.size = sizeof policy, .host = &facts.host, .name = "wg0"};
    vpn_conf *conf;
    vpn_plan *plan;

    read_facts(&facts, &in);
    if (vpn_conf_parse(&conf, (const char *)data + (size - length), length, NULL, NULL) != VPN_OK)
        return 0;
    policy.conf = conf;
    policy.flags = VPN_POLICY_HOOKS | (facts.host.link_count == 3 ? VPN_POLICY_LINK_EXISTS : 0);
    if (vpn_plan_new(&plan, &policy, &env) == VPN_OK) {
        struct fuzz_input packets = {data, size};

        check_operations(plan);
        check_forms(plan);
        check_answers(plan, &packets);
        vpn_plan_free(plan);
    }
    vpn_conf_free(conf);
    FUZZ_CHECK(memory.live == 0);
    return 0;
}

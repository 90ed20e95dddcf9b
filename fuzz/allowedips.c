/* SPDX-License-Identifier: ISC */
/* The AllowedIPs table against a list that is searched from end to end. */
#include "fuzz.h"

#define PREFIXES 256u

struct model {
    vpn_prefix prefix[PREFIXES];
    uint32_t owner[PREFIXES];
    size_t count;
};

static int holds(const vpn_prefix *prefix, uint8_t family, const uint8_t *addr)
{
    if (prefix->family != family)
        return 0;
    for (unsigned bit = 0; bit < prefix->bits; bit++)
        if (((prefix->addr[bit / 8] ^ addr[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            return 0;
    return 1;
}

static uint32_t model_lookup(const struct model *model, uint8_t family, const uint8_t *addr)
{
    uint32_t owner = VPN_ALLOWEDIPS_NONE;
    int best = -1;

    for (size_t i = 0; i < model->count; i++) {
        if (holds(&model->prefix[i], family, addr) && model->prefix[i].bits > best) {
            best = model->prefix[i].bits;
            owner = model->owner[i];
        }
    }
    return owner;
}

static size_t model_find(const struct model *model, const vpn_prefix *prefix)
{
    size_t i = 0;

    while (i < model->count &&
           !(model->prefix[i].bits == prefix->bits && holds(&model->prefix[i], prefix->family, prefix->addr)))
        i++;
    return i;
}

static void model_drop(struct model *model, size_t at)
{
    model->count--;
    model->prefix[at] = model->prefix[model->count];
    model->owner[at] = model->owner[model->count];
}

/* Few different bytes, so that prefixes nest. */
static void read_address(struct fuzz_input *in, uint8_t addr[16], size_t bytes)
{
    memset(addr, 0, 16);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = fuzz_byte(in);

        addr[i] = byte < 192 ? (uint8_t)(byte & 0x81) : byte;
    }
}

static vpn_prefix read_prefix(struct fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    vpn_prefix prefix = {.family = how & 1 ? 6 : 4};

    prefix.bits = (uint8_t)(fuzz_byte(in) % (prefix.family == 6 ? 129 : 33));
    read_address(in, prefix.addr, prefix.family == 6 ? 16 : 4);
    return prefix;
}

static void insert(vpn_allowedips *table, struct model *model, struct fuzz_input *in)
{
    vpn_prefix prefix = read_prefix(in);
    uint32_t owner = fuzz_byte(in) % 8;
    size_t at = model_find(model, &prefix);

    if (at == PREFIXES)
        return;
    FUZZ_CHECK(vpn_allowedips_insert(table, &prefix, owner) == VPN_OK);
    model->prefix[at] = prefix;
    model->owner[at] = owner;
    model->count += at == model->count;
}

static void take_away(vpn_allowedips *table, struct model *model, struct fuzz_input *in)
{
    vpn_prefix prefix = read_prefix(in);
    uint32_t owner = fuzz_byte(in) % 8;
    size_t at = model_find(model, &prefix);
    int there = at < model->count && model->owner[at] == owner;

    FUZZ_CHECK(vpn_allowedips_remove(table, &prefix, owner) == (there ? VPN_OK : VPN_ENOENT));
    if (there)
        model_drop(model, at);
}

static void take_owner(vpn_allowedips *table, struct model *model, uint32_t owner)
{
    vpn_allowedips_remove_owner(table, owner);
    for (size_t i = model->count; i-- > 0;)
        if (model->owner[i] == owner)
            model_drop(model, i);
}

static void walk(const vpn_allowedips *table, const struct model *model, uint32_t owner)
{
    uint64_t cursor = 0;
    size_t seen = 0, want = 0;
    vpn_prefix prefix;

    while (vpn_allowedips_next(table, owner, &cursor, &prefix) == VPN_OK) {
        size_t at = model_find(model, &prefix);

        FUZZ_CHECK(at < model->count && model->owner[at] == owner);
        FUZZ_CHECK(++seen <= model->count);
    }
    for (size_t i = 0; i < model->count; i++)
        want += model->owner[i] == owner;
    FUZZ_CHECK(seen == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    struct fuzz_input in = {data, size};
    struct fuzz_host host = {.seed = 1};
    vpn_env env = fuzz_env(&host);
    vpn_allowedips *table;
    uint8_t addr[16];

    model.count = 0;
    FUZZ_CHECK(vpn_allowedips_new(&table, &env) == VPN_OK);
    while (fuzz_more(&in)) {
        uint8_t what = fuzz_byte(&in), family;

        if (what < 96)
            insert(table, &model, &in);
        else if (what < 144)
            take_away(table, &model, &in);
        else if (what < 152)
            take_owner(table, &model, what % 8);
        else if (what < 160)
            walk(table, &model, what % 8);
        family = what & 1 ? 6 : 4;
        read_address(&in, addr, family == 6 ? 16 : 4);
        FUZZ_CHECK(vpn_allowedips_lookup(table, family, addr) == model_lookup(&model, family, addr));
        FUZZ_CHECK(vpn_allowedips_count(table) == model.count);
    }
    vpn_allowedips_free(table);
    FUZZ_CHECK(host.live == 0);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* Bit vectors with aggregation: each field tells which rules take its value, one bit for each, and the first bit that all
 * fields have in common is the rule. It is exact for every list, and its worst case is known: all blocks of all chunks. What
 * makes it quick is the mask of chunks in front of each row, which mostly leaves one or two of them. */
#include "packet/filter_classify.h"

#include <string.h>

#define NONE UINT32_MAX

static uint32_t lowest(uint64_t v)
{
#if defined(__GNUC__)
    return (uint32_t)__builtin_ctzll(v);
#else
    uint32_t n = 0;
    for (; (v & 1) == 0; v >>= 1)
        n++;
    return n;
#endif
}

/* The last interval that starts at or before a value. No branch depends on the values, which nobody could predict. */
static uint32_t search(const uint32_t *starts, uint32_t count, uint32_t value)
{
    uint32_t base = 0;
    for (uint32_t n = count; n > 1;) {
        uint32_t half = n / 2;
        base += half & (0u - (uint32_t)(starts[base + half] <= value));
        n -= half;
    }
    return base;
}

static uint32_t search_wide(const struct vpn__filter_value *starts, uint32_t count, struct vpn__filter_value value)
{
    uint32_t base = 0;
    for (uint32_t n = count; n > 1;) {
        uint32_t half = n / 2;
        const struct vpn__filter_value *s = &starts[base + half];
        uint32_t at_or_before =
            (uint32_t)(s->high < value.high) | ((uint32_t)(s->high == value.high) & (uint32_t)(s->low <= value.low));
        base += half & (0u - at_or_before);
        n -= half;
    }
    return base;
}

static uint32_t interval_of(const struct vpn__filter_table *table, uint32_t field, const struct vpn__filter_view *v,
                            uint32_t direction)
{
    switch (field) {
    case VPN__FIELD_SRC4:
        return search(table->starts, table->intervals, (uint32_t)vpn__filter_address(4, v->src).low);
    case VPN__FIELD_DST4:
        return search(table->starts, table->intervals, (uint32_t)vpn__filter_address(4, v->dst).low);
    case VPN__FIELD_SRC6:
        return search_wide(table->wide, table->intervals, vpn__filter_address(6, v->src));
    case VPN__FIELD_DST6:
        return search_wide(table->wide, table->intervals, vpn__filter_address(6, v->dst));
    case VPN__FIELD_SRC_PORT:
        return search(table->starts, table->intervals, v->ports[0]);
    case VPN__FIELD_DST_PORT:
        return search(table->starts, table->intervals, v->ports[1]);
    case VPN__FIELD_FLAGS:
        return v->flags;
    default:
        return vpn__filter_way(direction, v->protocol);
    }
}

/* The fields that count, of one packet: always six, without a branch between them. Those that are too many are the first again. */
struct crossing {
    const uint64_t *blocks[VPN__ACTIVE_MAX];
    const uint64_t *rows[VPN__ACTIVE_MAX];
};

/* As many words as every processor of today takes at once. */
#if defined(__GNUC__)
typedef uint64_t pair __attribute__((vector_size(16), may_alias));
#define PAIR_OR(p) ((p)[0] | (p)[1])
#else
typedef uint64_t pair;
#define PAIR_OR(p) (p)
#endif
#define PAIRS (VPN__BLOCK_WORDS * sizeof(uint64_t) / sizeof(pair))

static inline const pair *block_of(const struct crossing *x, uint32_t i, uint32_t chunk)
{
    uint64_t block = x->rows[i][1 + chunk / 4] >> chunk % 4 * 16 & 0xffffu;
    return (const pair *)(const void *)(x->blocks[i] + block * VPN__BLOCK_WORDS);
}

/* The first rule of a chunk that all fields have in common. */
static inline uint32_t meet(const struct crossing *x, uint32_t chunk)
{
    const pair *a = block_of(x, 0, chunk), *b = block_of(x, 1, chunk), *c = block_of(x, 2, chunk);
    const pair *d = block_of(x, 3, chunk), *e = block_of(x, 4, chunk), *f = block_of(x, 5, chunk);
    pair common[PAIRS], any;

#pragma GCC unroll 8
    for (uint32_t j = 0; j < PAIRS; j++)
        common[j] = a[j] & b[j] & c[j] & d[j] & e[j] & f[j];
    any = common[0];
#pragma GCC unroll 8
    for (uint32_t j = 1; j < PAIRS; j++)
        any |= common[j];
    if (PAIR_OR(any) == 0)
        return NONE;
    uint64_t words[VPN__BLOCK_WORDS];
    uint32_t first = 0;
    memcpy(words, common, sizeof(words));
    while (words[first] == 0)
        first++;
    return chunk * VPN__CHUNK_RULES + first * 64 + lowest(words[first]);
}

uint32_t vpn__classify(const struct vpn__classifier *c, const struct vpn__filter_view *v, uint32_t direction)
{
    struct crossing x;
    const uint8_t *active = c->active[v->family == 6];
    uint32_t count = c->active_count[v->family == 6];
    uint64_t chunks = c->chunks;

    if (chunks == 0 || count == 0)
        return NONE;
    for (uint32_t i = 0; i < count; i++) {
        const struct vpn__filter_table *table = &c->tables[active[i]];
        uint32_t interval = interval_of(table, active[i], v, direction);
        x.blocks[i] = table->blocks;
        x.rows[i] = table->rows + (size_t)table->row_of[interval] * c->row_words;
        chunks &= x.rows[i][0];
    }
    for (uint32_t i = count; i < VPN__ACTIVE_MAX; i++) {
        x.blocks[i] = x.blocks[0];
        x.rows[i] = x.rows[0];
    }
    for (; chunks != 0; chunks &= chunks - 1) {
        uint32_t rule = meet(&x, lowest(chunks));
        if (rule != NONE)
            return rule;
    }
    return NONE;
}

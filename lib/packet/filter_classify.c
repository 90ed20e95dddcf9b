/* SPDX-License-Identifier: ISC */
/* Bit vectors with aggregation: each field tells which rules take its value, one bit for each, and the first bit that all
 * fields have in common is the rule. It is exact for every list, and its worst case is known: all blocks of all chunks. What
 * makes it quick is the mask of chunks in front of each row, which mostly leaves one or two of them. */
#include "packet/filter_classify.h"

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

static const uint64_t *block_of(const struct vpn__filter_table *table, const uint64_t *row, uint32_t chunk)
{
    return table->blocks + (row[1 + chunk / 4] >> chunk % 4 * 16 & 0xffffu) * VPN__BLOCK_WORDS;
}

/* The first rule of a chunk that all fields have in common. */
static uint32_t meet(const struct vpn__filter_table *const *tables, const uint64_t *const *rows, uint32_t count,
                     uint32_t chunk)
{
    uint64_t common[VPN__BLOCK_WORDS];
    const uint64_t *block = block_of(tables[0], rows[0], chunk);
    for (uint32_t j = 0; j < VPN__BLOCK_WORDS; j++)
        common[j] = block[j];
    for (uint32_t i = 1; i < count; i++) {
        block = block_of(tables[i], rows[i], chunk);
        for (uint32_t j = 0; j < VPN__BLOCK_WORDS; j++)
            common[j] &= block[j];
    }
    for (uint32_t j = 0; j < VPN__BLOCK_WORDS; j++)
        if (common[j] != 0)
            return chunk * VPN__CHUNK_RULES + j * 64 + lowest(common[j]);
    return NONE;
}

uint32_t vpn__classify(const struct vpn__classifier *c, const struct vpn__filter_view *v, uint32_t direction)
{
    const struct vpn__filter_table *tables[VPN__ACTIVE_MAX];
    const uint64_t *rows[VPN__ACTIVE_MAX];
    const uint8_t *active = c->active[v->family == 6];
    uint32_t count = c->active_count[v->family == 6];
    uint64_t chunks = c->chunks;

    if (chunks == 0)
        return NONE;
    for (uint32_t i = 0; i < count; i++) {
        tables[i] = &c->tables[active[i]];
        uint32_t interval = interval_of(tables[i], active[i], v, direction);
        rows[i] = tables[i]->rows + (size_t)tables[i]->row_of[interval] * c->row_words;
        chunks &= rows[i][0];
    }
    for (; chunks != 0; chunks &= chunks - 1) {
        uint32_t rule = meet(tables, rows, count, lowest(chunks));
        if (rule != NONE)
            return rule;
    }
    return NONE;
}

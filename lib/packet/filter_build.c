/* SPDX-License-Identifier: ISC */
/* Each field is swept from its least value to its greatest. Where a rule's range begins or ends, its bit turns over, which is
 * an event; between two values with events lies an interval. Invariants:
 *
 * - `bits` has the rules that match the value where the sweep stands, and `row` names the blocks with these bits.
 * - An event makes one block at most, since it changes one chunk, and a value one row. So a list of n rules has at most 2n + 1
 *   rows and 2n + 64 blocks in a field, however its rules overlap: both fit into 16 bits.
 * - Equal blocks are mostly found again, but never searched for longer than PROBES: time has a bound, at the cost of a copy.
 */
#include "packet/filter_build.h"

#include <string.h>

#include "base/env.h"

#define PROBES     8u
#define LINE       64u
#define EVENTS_PER ((size_t)2 * VPN__RANGES_MAX) /* of a rule in one field */

_Static_assert(VPN_FILTER_RULES_MAX <= VPN__CHUNKS_MAX * VPN__CHUNK_RULES, "chunks have a bit each in one word");
_Static_assert(2 * VPN_FILTER_RULES_MAX + 1 + VPN__CHUNKS_MAX < UINT16_MAX, "rows and blocks are named by 16 bits");
_Static_assert(VPN__FILTER_WAYS *VPN__CHUNKS_MAX < UINT16_MAX, "so are they where a rule has two ranges");

struct event {
    struct vpn__filter_value at;
    uint32_t rule;
};

/* Items of some words each, equal ones mostly once. */
struct pool {
    uint64_t *items;
    uint16_t *table; /* number of an item plus one; 0: empty */
    uint32_t words, count, room;
    uint32_t mask; /* of places in the table */
};

struct sweep {
    const vpn_env *env;
    const vpn_filter_rule *rules;
    uint32_t count, chunks, row_words;
    struct event *events;
    uint32_t event_count;
    struct vpn__filter_value end; /* behind the greatest value; 2^128 is 0 */
    uint64_t *bits;
    uint64_t *row;
    uint64_t changed; /* chunks */
    uint64_t all;     /* chunks that there are */
    struct pool blocks, rows;
};

static void pool_end(struct pool *pool, const vpn_env *env)
{
    vpn__free(env, pool->items, (size_t)pool->room * pool->words * sizeof(*pool->items));
    vpn__free(env, pool->table, ((size_t)pool->mask + 1) * sizeof(*pool->table));
    memset(pool, 0, sizeof(*pool));
}

static int pool_init(struct pool *pool, const vpn_env *env, uint32_t words, uint32_t room)
{
    uint32_t places = 16;
    while (places < room * 2)
        places *= 2;
    *pool = (struct pool){.words = words, .room = room, .mask = places - 1};
    pool->items = vpn__alloc_array(env, (size_t)room * words, sizeof(*pool->items));
    pool->table = vpn__alloc_array(env, places, sizeof(*pool->table));
    if (pool->items && pool->table)
        return 0;
    pool_end(pool, env);
    return VPN_ENOMEM;
}

static uint32_t hash_of(const uint64_t *item, uint32_t words)
{
    uint64_t hash = words;
    for (uint32_t i = 0; i < words; i++) {
        hash = (hash ^ item[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

static uint32_t pool_add(struct pool *pool, const uint64_t *item)
{
    size_t bytes = pool->words * sizeof(*item);
    uint32_t hash = hash_of(item, pool->words);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint16_t *place = &pool->table[(hash + i) & pool->mask];
        if (*place == 0) {
            *place = (uint16_t)(pool->count + 1);
            break;
        }
        if (memcmp(pool->items + (size_t)(*place - 1u) * pool->words, item, bytes) == 0)
            return *place - 1u;
    }
    memcpy(pool->items + (size_t)pool->count * pool->words, item, bytes);
    return pool->count++;
}

/* The row of the value where the sweep stands. */
static uint16_t row_make(struct sweep *s)
{
    for (uint32_t chunk = 0; chunk < s->chunks; chunk++) {
        if ((s->changed >> chunk & 1) == 0)
            continue;
        uint64_t block = pool_add(&s->blocks, s->bits + (size_t)chunk * VPN__BLOCK_WORDS);
        uint64_t *word = &s->row[1 + chunk / 4], bit = UINT64_C(1) << chunk;
        *word = (*word & ~(UINT64_C(0xffff) << chunk % 4 * 16)) | block << chunk % 4 * 16;
        s->row[0] = block != 0 ? s->row[0] | bit : s->row[0] & ~bit;
    }
    s->changed = 0;
    return (uint16_t)pool_add(&s->rows, s->row);
}

static void turn_over(struct sweep *s, uint32_t rule)
{
    s->bits[rule / 64] ^= UINT64_C(1) << rule % 64;
    s->changed |= UINT64_C(1) << rule / VPN__CHUNK_RULES;
}

static int is_before(const struct event *a, const struct event *b)
{
    if (a->at.high != b->at.high)
        return a->at.high < b->at.high;
    return a->at.low != b->at.low ? a->at.low < b->at.low : a->rule < b->rule;
}

static int is_same(struct vpn__filter_value a, struct vpn__filter_value b)
{
    return a.high == b.high && a.low == b.low;
}

static void sift(struct event *events, uint32_t at, uint32_t count)
{
    struct event moving = events[at];
    for (uint32_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && is_before(&events[child], &events[child + 1]))
            child++;
        if (!is_before(&moving, &events[child]))
            break;
        events[at] = events[child];
    }
    events[at] = moving;
}

/* A heap sort takes no memory, and the same time for every list. */
static void sort(struct event *events, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(events, i, count);
    for (uint32_t last = count; last-- > 1;) {
        struct event greatest = events[0];
        events[0] = events[last];
        events[last] = greatest;
        sift(events, 0, last);
    }
}

/* Behind the greatest address of a family nothing comes. */
static void range_add(struct sweep *s, uint32_t rule, const struct vpn__filter_range *range)
{
    struct vpn__filter_value next = {range->last.high + (range->last.low == UINT64_MAX), range->last.low + 1};
    if (is_same(range->first, (struct vpn__filter_value){0, 0}))
        turn_over(s, rule);
    else
        s->events[s->event_count++] = (struct event){range->first, rule};
    if (!is_same(next, s->end))
        s->events[s->event_count++] = (struct event){next, rule};
}

/* Stands before the first value, with all events in order. Returns whether any rule looks at the field. */
static int sweep_begin(struct sweep *s, uint32_t field)
{
    struct vpn__filter_range ranges[VPN__RANGES_MAX];
    int looked_at = 0;

    memset(s->bits, 0, (size_t)s->chunks * VPN__BLOCK_WORDS * sizeof(*s->bits));
    memset(s->row, 0, s->row_words * sizeof(*s->row));
    s->event_count = 0;
    s->end = (struct vpn__filter_value){0, 0};
    if (field == VPN__FIELD_SRC4 || field == VPN__FIELD_DST4)
        s->end.low = UINT64_C(1) << 32;
    for (uint32_t rule = 0; rule < s->count; rule++) {
        int count = vpn__filter_rule_ranges(&s->rules[rule], field, ranges);
        looked_at |= count != VPN__EVERYTHING;
        if (count == VPN__EVERYTHING)
            turn_over(s, rule);
        for (int i = 0; i < count; i++)
            range_add(s, rule, &ranges[i]);
    }
    sort(s->events, s->event_count);
    s->changed = s->all;
    return looked_at;
}

/* Pools for at most `values` rows, each with at most `changes` blocks in all that its neighbour has not. */
static int pools_init(struct sweep *s, uint32_t values, uint32_t changes)
{
    static const uint64_t empty[VPN__BLOCK_WORDS];
    if (pool_init(&s->blocks, s->env, VPN__BLOCK_WORDS, 1 + s->chunks + changes))
        return VPN_ENOMEM;
    if (pool_init(&s->rows, s->env, s->row_words, 1 + values)) {
        pool_end(&s->blocks, s->env);
        return VPN_ENOMEM;
    }
    (void)pool_add(&s->blocks, empty);
    return 0;
}

static void *copy(const vpn_env *env, const void *from, size_t bytes)
{
    void *to = vpn__alloc(env, bytes);
    if (to)
        memcpy(to, from, bytes);
    return to;
}

/* Gives a table copies of the pools, which were made for the worst case. */
static int pools_keep(struct sweep *s, struct vpn__filter_table *table)
{
    size_t row_bytes = (size_t)s->rows.count * s->row_words * sizeof(uint64_t);
    size_t bytes = (size_t)s->blocks.count * VPN__BLOCK_WORDS * sizeof(uint64_t);

    table->row_count = s->rows.count;
    table->block_count = s->blocks.count;
    table->rows = copy(s->env, s->rows.items, row_bytes);
    table->block_memory = vpn__alloc(s->env, bytes + LINE - 1);
    if (table->block_memory) {
        size_t skip = (LINE - (uintptr_t)table->block_memory % LINE) % LINE;
        table->blocks = (uint64_t *)(void *)((uint8_t *)table->block_memory + skip);
        memcpy(table->blocks, s->blocks.items, bytes);
    }
    pool_end(&s->blocks, s->env);
    pool_end(&s->rows, s->env);
    return table->rows && table->blocks ? 0 : VPN_ENOMEM;
}

static int starts_alloc(struct sweep *s, struct vpn__filter_table *table, uint32_t field)
{
    if (field == VPN__FIELD_SRC6 || field == VPN__FIELD_DST6)
        table->wide = vpn__alloc_array(s->env, table->intervals, sizeof(*table->wide));
    else
        table->starts = vpn__alloc_array(s->env, table->intervals, sizeof(*table->starts));
    table->row_of = vpn__alloc_array(s->env, table->intervals, sizeof(*table->row_of));
    return (table->wide || table->starts) && table->row_of ? 0 : VPN_ENOMEM;
}

static void sweep_intervals(struct sweep *s, struct vpn__filter_table *table)
{
    uint32_t interval = 0;
    table->row_of[0] = row_make(s);
    for (uint32_t i = 0; i < s->event_count;) {
        struct vpn__filter_value at = s->events[i].at;
        for (; i < s->event_count && is_same(s->events[i].at, at); i++)
            turn_over(s, s->events[i].rule);
        interval++;
        if (table->wide)
            table->wide[interval] = at;
        else
            table->starts[interval] = (uint32_t)at.low;
        table->row_of[interval] = row_make(s);
    }
    table->intervals = interval + 1;
}

static int ranges_build(struct sweep *s, struct vpn__filter_table *table, uint32_t field)
{
    uint32_t values = 0, changes = 0;
    for (uint32_t i = 0; i < s->event_count; i++) {
        int fresh = i == 0 || !is_same(s->events[i].at, s->events[i - 1].at);
        values += (uint32_t)fresh;
        changes += fresh || s->events[i].rule / VPN__CHUNK_RULES != s->events[i - 1].rule / VPN__CHUNK_RULES;
    }
    table->intervals = values + 1;
    int error = starts_alloc(s, table, field);
    if (error || pools_init(s, values, changes))
        return VPN_ENOMEM;
    sweep_intervals(s, table);
    return pools_keep(s, table);
}

/* Flags are asked for by masks, which are no ranges: each of their values is tried with each rule. */
static int flags_build(struct sweep *s, struct vpn__filter_table *table)
{
    uint32_t values = VPN__NO_FLAGS + 1;
    table->intervals = values;
    table->row_of = vpn__alloc_array(s->env, values, sizeof(*table->row_of));
    if (!table->row_of || pools_init(s, values, values * s->chunks))
        return VPN_ENOMEM;
    for (uint32_t flags = 0; flags < values; flags++) {
        for (uint32_t rule = 0; rule < s->count; rule++)
            if ((uint32_t)vpn__filter_rule_flags(&s->rules[rule], flags) != (s->bits[rule / 64] >> rule % 64 & 1))
                turn_over(s, rule);
        table->row_of[flags] = row_make(s);
    }
    return pools_keep(s, table);
}

/* Direction and protocol are few values, and looked up without a search. */
static int way_expand(const vpn_env *env, struct vpn__filter_table *table)
{
    uint16_t *row_of = vpn__alloc_array(env, VPN__FILTER_WAYS, sizeof(*row_of));
    if (!row_of)
        return VPN_ENOMEM;
    for (uint32_t way = 0, interval = 0; way < VPN__FILTER_WAYS; way++) {
        if (interval + 1 < table->intervals && table->starts[interval + 1] == way)
            interval++;
        row_of[way] = table->row_of[interval];
    }
    vpn__free(env, table->row_of, table->intervals * sizeof(*table->row_of));
    vpn__free(env, table->starts, table->intervals * sizeof(*table->starts));
    table->row_of = row_of;
    table->starts = NULL;
    table->intervals = VPN__FILTER_WAYS;
    return 0;
}

static int flags_matter(const struct sweep *s)
{
    for (uint32_t rule = 0; rule < s->count; rule++)
        if (s->rules[rule].match & VPN_FILTER_MATCH_TCP_FLAGS)
            return 1;
    return 0;
}

/* 1: built; 0: no rule looks at the field, and there is no table. */
static int field_build(struct sweep *s, struct vpn__filter_table *table, uint32_t field)
{
    if (field == VPN__FIELD_FLAGS) {
        if (!flags_matter(s))
            return 0;
        memset(s->bits, 0, (size_t)s->chunks * VPN__BLOCK_WORDS * sizeof(*s->bits));
        memset(s->row, 0, s->row_words * sizeof(*s->row));
        s->changed = s->all;
        return flags_build(s, table) ? VPN_ENOMEM : 1;
    }
    /* Direction and protocol are always there, so that there is one field at least. */
    if (!sweep_begin(s, field) && field != VPN__FIELD_WAY)
        return 0;
    if (ranges_build(s, table, field) || (field == VPN__FIELD_WAY && way_expand(s->env, table)))
        return VPN_ENOMEM;
    return 1;
}

static int is_of_family(uint32_t field, uint32_t is6)
{
    if (field == VPN__FIELD_SRC4 || field == VPN__FIELD_DST4)
        return !is6;
    return is6 || (field != VPN__FIELD_SRC6 && field != VPN__FIELD_DST6);
}

static int fields_build(struct vpn__classifier *c, struct sweep *s)
{
    for (uint32_t field = 0; field < VPN__FIELDS; field++) {
        int built = field_build(s, &c->tables[field], field);
        if (built < 0)
            return built;
        for (uint32_t is6 = 0; built && is6 < 2; is6++)
            if (is_of_family(field, is6))
                c->active[is6][c->active_count[is6]++] = (uint8_t)field;
    }
    return 0;
}

int vpn__classifier_init(struct vpn__classifier *c, const vpn_env *env, const vpn_filter_rule *rules, uint32_t count)
{
    uint32_t chunks = (count + VPN__CHUNK_RULES - 1) / VPN__CHUNK_RULES;
    struct sweep s = {.env = env, .rules = rules, .count = count, .chunks = chunks, .row_words = 1 + (chunks + 3) / 4};
    size_t events = (size_t)count * EVENTS_PER, bits = (size_t)chunks * VPN__BLOCK_WORDS;
    int error = VPN_ENOMEM;

    memset(c, 0, sizeof(*c));
    c->env = env;
    c->rules = count;
    c->row_words = s.row_words;
    c->chunks = s.all = chunks ? UINT64_MAX >> (64 - chunks) : 0;
    if (count == 0)
        return 0;
    s.events = vpn__alloc_array(env, events, sizeof(*s.events));
    s.bits = vpn__alloc_array(env, bits, sizeof(*s.bits));
    s.row = vpn__alloc_array(env, s.row_words, sizeof(*s.row));
    if (s.events && s.bits && s.row)
        error = fields_build(c, &s);
    vpn__free(env, s.events, events * sizeof(*s.events));
    vpn__free(env, s.bits, bits * sizeof(*s.bits));
    vpn__free(env, s.row, s.row_words * sizeof(*s.row));
    if (error)
        vpn__classifier_end(c);
    return error;
}

static size_t block_bytes(const struct vpn__filter_table *t)
{
    return t->block_memory ? (size_t)t->block_count * VPN__BLOCK_WORDS * sizeof(uint64_t) + LINE - 1 : 0;
}

void vpn__classifier_end(struct vpn__classifier *c)
{
    for (uint32_t field = 0; field < VPN__FIELDS; field++) {
        struct vpn__filter_table *t = &c->tables[field];
        vpn__free(c->env, t->starts, t->intervals * sizeof(*t->starts));
        vpn__free(c->env, t->wide, t->intervals * sizeof(*t->wide));
        vpn__free(c->env, t->row_of, t->intervals * sizeof(*t->row_of));
        vpn__free(c->env, t->rows, (size_t)t->row_count * c->row_words * sizeof(*t->rows));
        vpn__free(c->env, t->block_memory, block_bytes(t));
    }
    memset(c, 0, sizeof(*c));
}

size_t vpn__classifier_memory(const struct vpn__classifier *c)
{
    size_t sum = 0;
    for (uint32_t field = 0; field < VPN__FIELDS; field++) {
        const struct vpn__filter_table *t = &c->tables[field];
        sum += (t->starts ? t->intervals * sizeof(*t->starts) : 0) + (t->wide ? t->intervals * sizeof(*t->wide) : 0) +
               t->intervals * sizeof(*t->row_of) + (size_t)t->row_count * c->row_words * sizeof(*t->rows) +
               block_bytes(t);
    }
    return sum;
}

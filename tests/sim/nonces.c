/* SPDX-License-Identifier: ISC */
/* Invariant: `table` holds the numbers of all keys plus one, at their hash or behind; it is at most half full. */
#include "sim/nonces.h"

#include <stdlib.h>
#include <string.h>

#include "sim/report.h"

/* No session of a world comes near this many messages; a counter past it is a defect of its own. */
#define COUNTER_MAX (UINT64_C(1) << 32)

struct record {
    uint8_t key[32];
    uint64_t *bits;
    size_t words;
};

struct nonces {
    struct record *records;
    uint32_t *table;
    uint32_t count, room; /* room is a power of two, of both arrays */
    uint64_t used;
};

static uint64_t load(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static uint32_t *place(struct nonces *n, const uint8_t key[32])
{
    uint32_t mask = n->room - 1, at = (uint32_t)load(key) & mask;
    while (n->table[at] != 0 && memcmp(n->records[n->table[at] - 1].key, key, 32) != 0)
        at = (at + 1) & mask;
    return &n->table[at];
}

static void grow(struct nonces *n)
{
    n->room = n->room == 0 ? 64 : n->room * 2;
    n->records = realloc(n->records, n->room * sizeof *n->records);
    free(n->table);
    n->table = calloc(n->room, sizeof *n->table);
    MUST(n->records != NULL && n->table != NULL);
    for (uint32_t i = 0; i < n->count; i++)
        *place(n, n->records[i].key) = i + 1;
}

struct nonces *nonces_new(void)
{
    struct nonces *n = calloc(1, sizeof *n);
    MUST(n != NULL);
    grow(n);
    return n;
}

void nonces_free(struct nonces *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        free(n->records[i].bits);
    free(n->records);
    free(n->table);
    free(n);
}

uint32_t nonces_key(struct nonces *n, const uint8_t key[32])
{
    uint32_t *at = place(n, key);
    if (*at == 0) {
        struct record *record = &n->records[n->count++];
        memset(record, 0, sizeof *record);
        memcpy(record->key, key, 32);
        *at = n->count;
    }
    uint32_t number = *at - 1;
    if (n->count * 2 > n->room)
        grow(n);
    return number;
}

int nonces_use(struct nonces *n, uint32_t key, const uint8_t nonce[12])
{
    struct record *record = &n->records[key];
    uint64_t counter = load(nonce + 4), bit = UINT64_C(1) << (counter % 64);
    MUST(key < n->count && counter < COUNTER_MAX && memcmp(nonce, "\0\0\0\0", 4) == 0);
    size_t word = (size_t)(counter / 64);
    if (word >= record->words) {
        size_t words = word * 2 + 1;
        record->bits = realloc(record->bits, words * sizeof *record->bits);
        MUST(record->bits != NULL);
        memset(record->bits + record->words, 0, (words - record->words) * sizeof *record->bits);
        record->words = words;
    }
    int unused = (record->bits[word] & bit) == 0;
    record->bits[word] |= bit;
    n->used++;
    return unused;
}

size_t nonces_keys(const struct nonces *n)
{
    return n->count;
}

uint64_t nonces_used(const struct nonces *n)
{
    return n->used;
}

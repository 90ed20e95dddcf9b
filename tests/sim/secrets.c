/* SPDX-License-Identifier: ISC */
/* Invariant: the filter has the bit of every piece in both tables, so that one look-up passes over nearly all offsets. */
#include "sim/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "sim/report.h"

#define FILTER_BITS 18
#define NOTED_BITS  13
#define NOTED       (1u << NOTED_BITS)

struct secrets {
    uint64_t filter[(1u << FILTER_BITS) / 64];
    uint64_t noted[NOTED]; /* at its hash; a later one with the same hash takes its place */
    size_t since;          /* the filter was made anew */
    uint64_t *kept;        /* open addressing; 0: empty */
    size_t room, count;
};

static uint64_t hash(uint64_t piece)
{
    return piece * UINT64_C(0x9e3779b97f4a7c15);
}

static void set(struct secrets *s, uint64_t piece)
{
    uint64_t bit = hash(piece) >> (64 - FILTER_BITS);
    s->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static uint64_t *place(const struct secrets *s, uint64_t piece)
{
    size_t at = (size_t)(hash(piece) >> 32) & (s->room - 1);
    while (s->kept[at] != 0 && s->kept[at] != piece)
        at = (at + 1) & (s->room - 1);
    return &s->kept[at];
}

struct secrets *secrets_new(void)
{
    struct secrets *s = calloc(1, sizeof *s);
    MUST(s != NULL);
    s->room = 64;
    s->kept = calloc(s->room, sizeof *s->kept);
    MUST(s->kept != NULL);
    return s;
}

void secrets_free(struct secrets *s)
{
    free(s->kept);
    free(s);
}

static void keep(struct secrets *s, uint64_t piece)
{
    if (s->count * 2 >= s->room) {
        uint64_t *old = s->kept;
        size_t room = s->room;
        s->room *= 2;
        s->kept = calloc(s->room, sizeof *s->kept);
        MUST(s->kept != NULL);
        for (size_t i = 0; i < room; i++)
            if (old[i] != 0)
                *place(s, old[i]) = old[i];
        free(old);
    }
    uint64_t *at = place(s, piece);
    s->count += *at == 0;
    *at = piece;
    set(s, piece);
}

/* Bits of what is noted no more only cost time. */
static void refresh(struct secrets *s)
{
    memset(s->filter, 0, sizeof s->filter);
    for (size_t i = 0; i < NOTED; i++)
        if (s->noted[i] != 0)
            set(s, s->noted[i]);
    for (size_t i = 0; i < s->room; i++)
        if (s->kept[i] != 0)
            set(s, s->kept[i]);
}

void secrets_keep(struct secrets *s, const uint8_t *secret, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t piece;
        memcpy(&piece, secret + i, 8);
        if (piece != 0)
            keep(s, piece);
    }
}

void secrets_note(struct secrets *s, const uint8_t *secret, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t piece;
        memcpy(&piece, secret + i, 8);
        if (piece == 0)
            continue;
        s->noted[hash(piece) >> (64 - NOTED_BITS)] = piece;
        set(s, piece);
        if (++s->since % NOTED == 0)
            refresh(s);
    }
}

int secrets_leak(const struct secrets *s, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i++) {
        uint64_t piece;
        memcpy(&piece, bytes + i, 8);
        uint64_t bit = hash(piece) >> (64 - FILTER_BITS);
        if ((s->filter[bit / 64] >> (bit % 64) & 1) != 0 && piece != 0 &&
            (*place(s, piece) == piece || s->noted[hash(piece) >> (64 - NOTED_BITS)] == piece))
            return 1;
    }
    return 0;
}

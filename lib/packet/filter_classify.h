/* SPDX-License-Identifier: ISC */
/* Which rule of a compiled list is the first to match a packet. */
#ifndef VPN_LIB_PACKET_FILTER_CLASSIFY_H
#define VPN_LIB_PACKET_FILTER_CLASSIFY_H

#include "packet/filter_parse.h"
#include "packet/filter_rule.h"

/* Rules are taken in chunks of 512: one bit for each in a block of one cache line. */
#define VPN__BLOCK_WORDS 8u
#define VPN__CHUNK_RULES (VPN__BLOCK_WORDS * 64)
#define VPN__CHUNKS_MAX  63u /* their mask is one word */
#define VPN__ACTIVE_MAX  6u

/* One field. Its values fall into intervals in each of which the same rules match; each interval has a row, which says for every
   chunk which block has the bits of those rules. Equal rows and equal blocks are there once; block 0 is the empty one. */
struct vpn__filter_table {
    uint32_t intervals;
    uint32_t *starts;               /* of intervals, ascending, the first one 0; NULL: see below */
    struct vpn__filter_value *wide; /* the same, for IPv6; with neither, each value is an interval */
    uint16_t *row_of;               /* interval -> row */
    uint64_t *rows;     /* each: a mask of the chunks whose block is not empty, then the blocks, four in a word */
    uint64_t *blocks;   /* VPN__BLOCK_WORDS each, on a cache line */
    void *block_memory; /* which `blocks` lies in */
    uint32_t row_count, block_count; /* how many there are */
};

struct vpn__classifier {
    const vpn_env *env;
    uint32_t rules;
    uint32_t row_words;
    uint64_t chunks; /* a mask of those that there are */
    struct vpn__filter_table tables[VPN__FIELDS];
    uint8_t active[2][VPN__ACTIVE_MAX]; /* fields that some rule looks at, by family */
    uint32_t active_count[2];
};

/* The number of the first rule that matches, or UINT32_MAX. `direction` is VPN_FILTER_IN or VPN_FILTER_OUT. */
uint32_t vpn__classify(const struct vpn__classifier *c, const struct vpn__filter_view *v, uint32_t direction);

#endif

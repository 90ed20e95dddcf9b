/* SPDX-License-Identifier: ISC */
/*
 * Buffers of exactly so many bytes, between pages that nobody may touch: a byte read or written past the end (EDGE_END), or
 * before the start (EDGE_START), ends the test in any build. The including file defines _DEFAULT_SOURCE first.
 */
#ifndef PITFALLS_EDGE_H
#define PITFALLS_EDGE_H

#include <sys/mman.h>
#include <unistd.h>

#include "common/test.h"

#define EDGES 4

enum edge { EDGE_END, EDGE_START, EDGE_SIDES };

/* Region `which` holds one buffer at a time; its bytes are those of the buffer before. */
static inline uint8_t *edge(int which, size_t bytes, int side)
{
    static uint8_t *middle[EDGES];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_uint_le(bytes, page);
    if (middle[which] == NULL) {
        uint8_t *memory = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(memory != MAP_FAILED);
        ck_assert_int_eq(mprotect(memory + page, page, PROT_READ | PROT_WRITE), 0);
        middle[which] = memory + page;
    }
    return side == EDGE_END ? middle[which] + page - bytes : middle[which];
}

/* The same with these bytes in it. */
static inline uint8_t *edge_of(int which, const void *from, size_t bytes, int side)
{
    uint8_t *to = edge(which, bytes, side);
    if (bytes != 0)
        memcpy(to, from, bytes);
    return to;
}

#endif

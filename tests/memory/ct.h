/* SPDX-License-Identifier: ISC */
/* Secrets, as Valgrind sees them: undefined bytes, on which no branch and no address may depend. */
#ifndef VPN_TESTS_MEMORY_CT_H
#define VPN_TESTS_MEMORY_CT_H

#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

static inline void ct_secret(const void *memory, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(memory, bytes);
}

static inline void ct_public(const void *memory, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(memory, bytes);
}

/* 1: Valgrind takes every one of these bytes for a secret, so its eye was on what made them. At most 64 bytes. */
static inline int ct_is_secret(const void *memory, size_t bytes)
{
    unsigned char bits[64];
    if (bytes > sizeof bits || VALGRIND_GET_VBITS(memory, bits, bytes) != 1)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        if (bits[i] == 0)
            return 0;
    return 1;
}

#endif

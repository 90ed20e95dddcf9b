/* SPDX-License-Identifier: ISC */
#include <vpn/base.h>

#include <sodium.h>

void vpn_wipe(void *memory, size_t bytes)
{
    sodium_memzero(memory, bytes);
}

int vpn_equal(const void *a, const void *b, size_t bytes)
{
    return sodium_memcmp(a, b, bytes) == 0;
}

/* SPDX-License-Identifier: ISC */
/* Stands before the C library's allocator and counts, so that nobody gets past it: neither the library nor libsodium. */
#ifndef VPN_TESTS_MEMORY_HEAP_H
#define VPN_TESTS_MEMORY_HEAP_H

#include <stddef.h>

/* From now on calls count. Check allocates for every assertion, so there can be none until heap_calls. */
void heap_watch(void);
/* Stops counting and says how often memory was asked for or given back. */
size_t heap_calls(void);

#endif

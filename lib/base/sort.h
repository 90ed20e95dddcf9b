/* SPDX-License-Identifier: ISC */
/* Heap sort: in place, without recursion, and as fast on lists that somebody arranged. */
#ifndef VPN_LIB_BASE_SORT_H
#define VPN_LIB_BASE_SORT_H

#include <vpn/base.h>

#define VPN__SORT_MAX 64u /* greatest element */

/* Below zero, zero or above, as memcmp has it. */
typedef int (*vpn__sort_compare)(const void *a, const void *b);

/* Elements of `bytes` bytes, at most VPN__SORT_MAX, in ascending order. Equal ones end in any order. */
void vpn__sort(void *list, size_t count, size_t bytes, vpn__sort_compare compare);

#endif

/* SPDX-License-Identifier: ISC */
#include "base/sort.h"

#include <string.h>

struct heap {
    uint8_t *at;
    size_t bytes;
    vpn__sort_compare compare;
};

/* Lets an element sink to its place in a heap of `count`: the greatest is on top. */
static void sink(const struct heap *heap, size_t place, size_t count)
{
    uint8_t moving[VPN__SORT_MAX];
    size_t bytes = heap->bytes;
    memcpy(moving, heap->at + place * bytes, bytes);
    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        const uint8_t *greater = heap->at + child * bytes;
        if (child + 1 < count && heap->compare(greater, greater + bytes) < 0) {
            greater += bytes;
            child++;
        }
        if (heap->compare(moving, greater) >= 0)
            break;
        memcpy(heap->at + place * bytes, greater, bytes);
    }
    memcpy(heap->at + place * bytes, moving, bytes);
}

void vpn__sort(void *list, size_t count, size_t bytes, vpn__sort_compare compare)
{
    struct heap heap = {list, bytes, compare};
    uint8_t top[VPN__SORT_MAX];
    for (size_t i = count / 2; i > 0; i--)
        sink(&heap, i - 1, count);
    for (size_t left = count; left > 1; left--) {
        uint8_t *last = heap.at + (left - 1) * bytes;
        memcpy(top, heap.at, bytes);
        memcpy(heap.at, last, bytes);
        memcpy(last, top, bytes);
        sink(&heap, 0, left - 1);
    }
}

/* SPDX-License-Identifier: ISC */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "memory/heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void (*free)(void *);
} real;

static volatile int watching;
static volatile size_t count;

/* dlsym may ask for memory itself, before there is an answer. */
static _Alignas(16) uint8_t early[8192];
static size_t early_used;
static int starting;

static void *early_take(size_t bytes)
{
    size_t at = early_used;
    if (bytes > sizeof early - at)
        return NULL;
    early_used = at + ((bytes + 15) & ~(size_t)15);
    return early + at;
}

static int is_early(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)early < sizeof early;
}

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof found);
}

/* 1: still on the way to the real functions. */
static int start(void)
{
    if (real.free != NULL || starting)
        return starting;
    starting = 1;
    find(&real.malloc, "malloc");
    find(&real.calloc, "calloc");
    find(&real.realloc, "realloc");
    find(&real.aligned_alloc, "aligned_alloc");
    find(&real.free, "free");
    starting = 0;
    return 0;
}

static void note(void)
{
    if (watching)
        count++;
}

void *malloc(size_t bytes)
{
    note();
    return start() ? early_take(bytes) : real.malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    note();
    return start() ? early_take(n * bytes) : real.calloc(n, bytes); /* never given twice, so it is zero */
}

void *realloc(void *memory, size_t bytes)
{
    void *fresh;
    note();
    if (!start() && !is_early(memory))
        return real.realloc(memory, bytes);
    fresh = malloc(bytes);
    if (fresh != NULL && memory != NULL) {
        size_t behind = sizeof early - (size_t)((uint8_t *)memory - early);
        memcpy(fresh, memory, bytes < behind ? bytes : behind);
    }
    return fresh;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    note();
    return start() ? NULL : real.aligned_alloc(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    *out = aligned_alloc(alignment, bytes);
    return *out == NULL ? ENOMEM : 0;
}

void free(void *memory)
{
    note();
    if (memory != NULL && !is_early(memory) && !start())
        real.free(memory);
}

void heap_watch(void)
{
    count = 0;
    watching = 1;
}

size_t heap_calls(void)
{
    watching = 0;
    return count;
}

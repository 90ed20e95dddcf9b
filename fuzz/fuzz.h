/* SPDX-License-Identifier: ISC */
/*
 * What the harnesses share. Each is one function over one input, which libFuzzer, AFL++ and the replay driver call alike. A
 * broken rule ends the process: FUZZ_CHECK says which.
 */
#ifndef VPN_FUZZ_FUZZ_H
#define VPN_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(holds)                                                                                              \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #holds);                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The input, read from its front; past its end everything is zero. */
struct fuzz_input {
    const uint8_t *data;
    size_t left;
};

static inline int fuzz_more(const struct fuzz_input *in)
{
    return in->left != 0;
}

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static inline uint64_t fuzz_number(struct fuzz_input *in, size_t bytes)
{
    uint64_t number = 0;

    while (bytes-- != 0)
        number = number << 8 | fuzz_byte(in);
    return number;
}

static inline void fuzz_bytes(struct fuzz_input *in, void *out, size_t bytes)
{
    uint8_t *to = out;

    for (size_t i = 0; i < bytes; i++)
        to[i] = fuzz_byte(in);
}

/* A host whose randomness and clock are the same in every run, and whose memory is counted. */
struct fuzz_host {
    uint64_t seed;
    uint64_t seconds;
    size_t live;
};

static inline void *fuzz_alloc(void *user, size_t bytes)
{
    void *memory = malloc(bytes);

    ((struct fuzz_host *)user)->live += memory != NULL;
    return memory;
}

static inline void fuzz_free(void *user, void *memory)
{
    ((struct fuzz_host *)user)->live--;
    free(memory);
}

static inline int fuzz_random(void *user, uint8_t *out, size_t bytes)
{
    struct fuzz_host *host = user;

    for (size_t i = 0; i < bytes; i++) {
        host->seed = host->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(host->seed >> 56);
    }
    return 0;
}

static inline int fuzz_wall(void *user, vpn_wall *out)
{
    out->seconds = ((struct fuzz_host *)user)->seconds;
    out->nanoseconds = 0;
    return 0;
}

static inline vpn_env fuzz_env(struct fuzz_host *host)
{
    return (vpn_env){.size = sizeof(vpn_env),
                     .user = host,
                     .alloc = fuzz_alloc,
                     .free = fuzz_free,
                     .random = fuzz_random,
                     .wall = fuzz_wall};
}

#endif

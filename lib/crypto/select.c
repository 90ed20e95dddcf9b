/* SPDX-License-Identifier: ISC */
/* Nothing is trusted that was not compared with the reference first, on messages that nobody could prepare for. */
#include <vpn/select.h>

#include <string.h>

#include "base/env.h"
#include "crypto/provider.h"

#define JOBS    16u
#define ROOM    1536u /* of one message: 1500 bytes, a tag, and associated data behind it */
#define TEXT    1500u
#define AD      16u
#define ROUNDS  4u
#define TURNS   9u /* a figure is the least of so many */
#define LEAST   offsetof(vpn_selection, candidates)
#define DEFAULT 1420u

/* Everything that a check needs, in one allocation. */
struct bench {
    vpn_env env;
    const vpn_provider *provider;
    size_t bytes; /* of the whole allocation */
    uint8_t *scratch;
    uint8_t *slots; /* JOBS of them, `stride` apart */
    size_t stride;
    vpn_aead_job jobs[JOBS];
    uint8_t keys[JOBS][VPN_KEY_BYTES];
    uint8_t text[JOBS][ROOM];
    uint8_t want[JOBS][ROOM];
    uint8_t data[JOBS][ROOM];
};

static uint8_t *align64(uint8_t *p)
{
    return p + (64 - (uintptr_t)p % 64) % 64;
}

static int bench_new(struct bench **out, const vpn_provider *provider, const vpn_env *env)
{
    size_t stride = (provider->key_size + 63u) & ~(size_t)63;
    size_t bytes = sizeof(struct bench) + 128 + JOBS * stride + provider->scratch_size;
    struct bench *b = vpn__alloc(env, bytes);
    int error;

    if (b == NULL)
        return VPN_ENOMEM;
    b->env = *env;
    b->provider = provider;
    b->bytes = bytes;
    b->stride = stride;
    b->slots = align64((uint8_t *)(b + 1));
    b->scratch = align64(b->slots + JOBS * stride);
    error = provider->init_scratch != NULL ? provider->init_scratch(b->scratch) : VPN_OK;
    if (error == VPN_OK)
        *out = b;
    else
        vpn__free(env, b, bytes);
    return error;
}

static void bench_free(struct bench *b)
{
    vpn_env env = b->env;

    if (b->provider->end_scratch != NULL)
        b->provider->end_scratch(b->scratch);
    vpn__free(&env, b, b->bytes);
}

/* A job for each message: keys, nonces, lengths and contents at random, the first one empty, the second one as long as can be. */
static int messages(struct bench *b)
{
    for (uint32_t i = 0; i < JOBS; i++) {
        vpn_aead_job *job = &b->jobs[i];
        uint8_t dice[2];

        if (vpn__random(&b->env, b->keys[i], VPN_KEY_BYTES) != VPN_OK ||
            vpn__random(&b->env, b->text[i], ROOM) != VPN_OK || vpn__random(&b->env, dice, sizeof dice) != VPN_OK ||
            vpn__random(&b->env, job->nonce, VPN_NONCE_BYTES) != VPN_OK)
            return VPN_ERANDOM;
        job->key = b->slots + i * b->stride;
        job->data = b->data[i];
        job->length = i == 0 ? 0 : i == 1 ? TEXT : (dice[0] | (uint32_t)dice[1] << 8) % TEXT;
        job->ad = i % 4 == 3 ? b->text[i] + ROOM - AD : NULL;
        job->ad_length = i % 4 == 3 ? AD : 0;
        job->done = 0;
        if (b->provider->init_key(b->slots + i * b->stride, b->keys[i]) != VPN_OK)
            return VPN_EAUTH;
        vpn_aead_seal(b->want[i], b->text[i], job->length, job->ad, job->ad_length, job->nonce, b->keys[i]);
        memcpy(b->data[i], b->text[i], ROOM);
    }
    return VPN_OK;
}

/* Is what stands in the jobs' memory sealed, or else the text? */
static int holds(const struct bench *b, int sealed)
{
    for (uint32_t i = 0; i < JOBS; i++) {
        const uint8_t *want = sealed ? b->want[i] : b->text[i];

        if (!b->jobs[i].done || memcmp(b->data[i], want, b->jobs[i].length + (sealed ? VPN_TAG_BYTES : 0)) != 0)
            return 0;
    }
    return 1;
}

/* The bit of a message that is changed, and changed back. */
static void flip(struct bench *b, uint32_t i)
{
    b->data[i][b->text[i][0] % (b->jobs[i].length + VPN_TAG_BYTES)] ^= (uint8_t)(1 << b->text[i][1] % 8);
}

/* What does not open stays as it was, or its text is zero. */
static int shows_nothing(struct bench *b, uint32_t i)
{
    size_t length = b->jobs[i].length;
    uint8_t any = 0;

    for (size_t k = 0; k < length; k++)
        any |= b->data[i][k];
    if (any == 0)
        return 1;
    flip(b, i);
    return memcmp(b->data[i], b->want[i], length) == 0;
}

/* With a bit changed in every other message, exactly the others open. */
static int rejects(struct bench *b)
{
    size_t opened;

    memcpy(b->data, b->want, sizeof b->data);
    for (uint32_t i = 0; i < JOBS; i += 2)
        flip(b, i);
    opened = b->provider->open(b->scratch, b->jobs, JOBS);
    for (uint32_t i = 0; i < JOBS; i++)
        if (b->jobs[i].done != i % 2 || (i % 2 == 0 && !shows_nothing(b, i)))
            return 0;
    return opened == JOBS / 2;
}

static int aead_agrees(struct bench *b)
{
    int error = messages(b);

    if (error != VPN_OK)
        return error;
    if (b->provider->seal(b->scratch, b->jobs, JOBS) != JOBS || !holds(b, 1) ||
        b->provider->open(b->scratch, b->jobs, JOBS) != JOBS || !holds(b, 0) || !rejects(b))
        return VPN_EAUTH;
    return VPN_OK;
}

/* Also on a point of low order, zero, which has to be refused. */
static int x25519_agrees(struct bench *b)
{
    uint8_t have[VPN_KEY_BYTES], want[VPN_KEY_BYTES];
    int agrees = 1;

    if (b->provider->x25519 == NULL)
        return VPN_OK;
    for (uint32_t i = 0; i + 1 < JOBS && agrees; i++) {
        const uint8_t *scalar = b->keys[i], *point = b->keys[i + 1];
        uint8_t zero[VPN_KEY_BYTES] = {0};

        if (i == 0)
            point = zero;
        agrees = vpn_x25519(want, scalar, point) == b->provider->x25519(have, scalar, point) &&
                 memcmp(have, want, sizeof want) == 0;
    }
    vpn_wipe(have, sizeof have);
    vpn_wipe(want, sizeof want);
    return agrees ? VPN_OK : VPN_EAUTH;
}

static int bench_check(struct bench *b)
{
    int error = VPN_OK;

    for (uint32_t i = 0; i < ROUNDS && error == VPN_OK; i++)
        error = aead_agrees(b);
    return error == VPN_OK ? x25519_agrees(b) : error;
}

int vpn_provider_check(const vpn_provider *provider, const vpn_env *env)
{
    vpn_env full;
    struct bench *b;
    int error = vpn__env_init(&full, env);

    if (error == VPN_OK && !vpn__provider_is_sound(provider))
        error = VPN_EINVAL;
    if (error == VPN_OK)
        error = bench_new(&b, provider, &full);
    if (error != VPN_OK)
        return error;
    error = bench_check(b);
    bench_free(b);
    return error;
}

/* --- speed --- */

struct figures {
    uint64_t aead, x25519; /* units of the host's clock */
};

static void time_aead(struct bench *b, const vpn_selection *how, struct figures *out)
{
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        uint64_t begin, took;

        for (uint32_t i = 0; i < JOBS; i++)
            b->jobs[i].length = how->length;
        begin = how->clock(how->user);
        (void)b->provider->seal(b->scratch, b->jobs, JOBS);
        (void)b->provider->open(b->scratch, b->jobs, JOBS);
        took = how->clock(how->user) - begin;
        out->aead = took < out->aead ? took : out->aead;
    }
}

static void time_x25519(const struct bench *b, const vpn_selection *how, struct figures *out)
{
    int (*x25519)(uint8_t *, const uint8_t *, const uint8_t *) = b->provider->x25519;
    uint8_t shared[VPN_KEY_BYTES];

    if (x25519 == NULL)
        return;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        uint64_t begin = how->clock(how->user), took;

        (void)x25519(shared, b->keys[0], b->keys[1]);
        took = how->clock(how->user) - begin;
        out->x25519 = took < out->x25519 ? took : out->x25519;
    }
    vpn_wipe(shared, sizeof shared);
}

/* A candidate is checked, and timed where there is a clock. */
static int judge(const vpn_provider *provider, const vpn_selection *how, const vpn_env *env, struct figures *out)
{
    struct bench *b;
    int error = vpn__provider_is_sound(provider) ? VPN_OK : VPN_EINVAL;

    out->aead = out->x25519 = UINT64_MAX;
    if (error == VPN_OK)
        error = bench_new(&b, provider, env);
    if (error != VPN_OK)
        return error;
    error = bench_check(b);
    if (error == VPN_OK && how->clock != NULL) {
        time_aead(b, how, out);
        time_x25519(b, how, out);
    }
    bench_free(b);
    return error;
}

/* The best so far. Without a clock the first one stays. */
struct choice {
    vpn_provider provider;
    struct figures figures;
    int found, error;
};

static int is_named(const vpn_provider *provider, const char *name)
{
    size_t bytes = strlen(name) + 1;

    return provider->name != NULL && strlen(provider->name) + 1 == bytes && memcmp(provider->name, name, bytes) == 0;
}

static void consider(struct choice *choice, const vpn_provider *provider, const vpn_selection *how, const vpn_env *env)
{
    struct figures figures;
    int error, named = how->name == NULL || is_named(provider, how->name);

    if (!named && how->clock == NULL)
        return;
    error = judge(provider, how, env, &figures);
    if (error != VPN_OK) {
        if (how->name != NULL && named)
            choice->error = error;
        return;
    }
    if (named && (!choice->found || figures.aead < choice->figures.aead)) {
        int (*x25519)(uint8_t *, const uint8_t *, const uint8_t *) = choice->provider.x25519;

        choice->provider = *provider;
        choice->provider.x25519 = x25519 != NULL ? x25519 : provider->x25519;
        choice->figures.aead = figures.aead;
        choice->found = 1;
    }
    if (provider->x25519 != NULL && figures.x25519 < choice->figures.x25519) {
        choice->provider.x25519 = provider->x25519;
        choice->figures.x25519 = figures.x25519;
    }
}

int vpn_aead_select(vpn_provider *out, const vpn_selection *how)
{
    vpn_selection full = {.size = sizeof full};
    vpn_env env;
    struct choice choice;
    int error = how != NULL ? vpn__config_read(&full, sizeof full, how, LEAST) : VPN_OK;

    memset(out, 0, sizeof *out);
    memset(&choice, 0, sizeof choice);
    choice.figures.aead = choice.figures.x25519 = UINT64_MAX;
    choice.error = VPN_ENOENT;
    full.length = full.length != 0 ? full.length : DEFAULT;
    if (error == VPN_OK && (full.length > TEXT || (full.candidates == NULL && full.count != 0)))
        error = VPN_EINVAL;
    if (error == VPN_OK)
        error = vpn__env_init(&env, full.env);
    if (error != VPN_OK)
        return error;
    for (size_t i = 0; i < full.count; i++)
        if (full.candidates[i] != NULL)
            consider(&choice, full.candidates[i], &full, &env);
    consider(&choice, vpn_provider_sodium(), &full, &env);
    if (!choice.found)
        return choice.error;
    *out = choice.provider;
    return VPN_OK;
}

/* SPDX-License-Identifier: ISC */
/* Batches of messages through every provider of this build: what they seal, open, reject and show is what libsodium does. */
#include "fuzz.h"

#include "common/providers.h"

#define JOBS 70u /* more than any provider hands over at once */
#define ROOM 2048u

static struct test_providers providers;

/* The messages of an input, and what the reference makes of them. */
static struct {
    vpn_aead_job jobs[JOBS];
    uint8_t text[JOBS][ROOM];
    uint8_t want[JOBS][ROOM];
    uint8_t data[JOBS][ROOM];
    uint8_t ad[32];
    size_t count, flip[JOBS]; /* the bit that is changed before opening; SIZE_MAX: none */
    uint32_t opens[JOBS];
} batch;

/* Contents come from a few bytes of the input, lengths and faults from it alone. */
static void read_batch(struct fuzz_input *in, const uint8_t *key)
{
    struct fuzz_host host = {.seed = fuzz_number(in, 4)};

    fuzz_bytes(in, batch.ad, sizeof batch.ad);
    for (batch.count = 0; batch.count < JOBS && fuzz_more(in); batch.count++) {
        vpn_aead_job *job = &batch.jobs[batch.count];
        size_t most = ROOM - VPN_TAG_BYTES;
        uint64_t fault;

        job->length = fuzz_number(in, 2) % (most + 1);
        job->ad_length = fuzz_byte(in) % (sizeof batch.ad + 1);
        job->ad = job->ad_length != 0 ? batch.ad : NULL;
        fault = fuzz_number(in, 2);
        batch.flip[batch.count] = fault % 2 != 0 ? SIZE_MAX : fault / 2 % ((job->length + VPN_TAG_BYTES) * 8);
        (void)fuzz_random(&host, job->nonce, VPN_NONCE_BYTES);
        (void)fuzz_random(&host, batch.text[batch.count], job->length);
        vpn_aead_seal(batch.want[batch.count], batch.text[batch.count], job->length, job->ad, job->ad_length,
                      job->nonce, key);
    }
}

static void prepare(const struct test_provider *with, uint8_t from[JOBS][ROOM], size_t tag)
{
    for (size_t i = 0; i < batch.count; i++) {
        vpn_aead_job *job = &batch.jobs[i];

        job->key = with->slot;
        job->data = batch.data[i];
        job->done = (uint32_t)i % 2;
        memcpy(batch.data[i], from[i], job->length + tag);
    }
}

static void try_seal(const struct test_provider *with)
{
    prepare(with, batch.text, 0);
    FUZZ_CHECK(with->provider->seal(with->scratch, batch.jobs, batch.count) == batch.count);
    for (size_t i = 0; i < batch.count; i++) {
        FUZZ_CHECK(batch.jobs[i].done == 1);
        FUZZ_CHECK(memcmp(batch.data[i], batch.want[i], batch.jobs[i].length + VPN_TAG_BYTES) == 0);
    }
}

static int is_zero(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static void try_open(const struct test_provider *with)
{
    size_t good = 0, opened;

    prepare(with, batch.want, VPN_TAG_BYTES);
    for (size_t i = 0; i < batch.count; i++) {
        good += batch.flip[i] == SIZE_MAX;
        if (batch.flip[i] != SIZE_MAX)
            batch.data[i][batch.flip[i] / 8] ^= (uint8_t)(1u << batch.flip[i] % 8);
    }
    opened = with->provider->open(with->scratch, batch.jobs, batch.count);
    FUZZ_CHECK(opened == good);
    for (size_t i = 0; i < batch.count; i++) {
        size_t length = batch.jobs[i].length;

        FUZZ_CHECK(batch.jobs[i].done == (batch.flip[i] == SIZE_MAX));
        if (batch.jobs[i].done) {
            FUZZ_CHECK(memcmp(batch.data[i], batch.text[i], length) == 0);
        } else if (!is_zero(batch.data[i], length)) {
            batch.data[i][batch.flip[i] / 8] ^= (uint8_t)(1u << batch.flip[i] % 8);
            FUZZ_CHECK(memcmp(batch.data[i], batch.want[i], length) == 0);
        }
    }
}

/* Points of all kinds, low order and not canonical ones among them, since the input chooses them. */
static void try_agreement(const struct test_provider *with, const uint8_t *scalar, const uint8_t *point)
{
    uint8_t have[VPN_KEY_BYTES], want[VPN_KEY_BYTES];

    if (with->provider->x25519 == NULL)
        return;
    FUZZ_CHECK(with->provider->x25519(have, scalar, point) == vpn_x25519(want, scalar, point));
    FUZZ_CHECK(memcmp(have, want, sizeof have) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t key[VPN_KEY_BYTES];

    if (providers.count == 0)
        test_providers_begin(&providers);
    fuzz_bytes(&in, key, sizeof key);
    read_batch(&in, key);
    for (size_t i = 0; i < providers.count; i++) {
        FUZZ_CHECK(providers.of[i].provider->init_key(providers.of[i].slot, key) == VPN_OK);
        try_seal(&providers.of[i]);
        try_open(&providers.of[i]);
        try_agreement(&providers.of[i], batch.ad, key);
    }
    return 0;
}

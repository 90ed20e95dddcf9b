/* SPDX-License-Identifier: ISC */
/* The replay window against a model that remembers every counter of the input. */
#include "fuzz.h"

#define COUNTERS 512u

struct model {
    uint64_t taken[COUNTERS];
    size_t count;
    uint64_t greatest;
};

static int model_would_take(const struct model *model, uint64_t counter, uint32_t bits)
{
    if (model->count != 0 && model->greatest > counter && model->greatest - counter > bits - 64)
        return 0;
    for (size_t i = 0; i < model->count; i++)
        if (model->taken[i] == counter)
            return 0;
    return 1;
}

/* Counters near the ones before are the interesting ones, so most steps are small. */
static uint64_t next_counter(struct fuzz_input *in, uint64_t last)
{
    uint8_t how = fuzz_byte(in);

    if (how == 255)
        return fuzz_number(in, 8);
    if (how == 254)
        return UINT64_MAX - fuzz_byte(in);
    if (how >= 128)
        return last - fuzz_number(in, 2);
    return last + (how < 64 ? how : fuzz_number(in, 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t map[VPN_REPLAY_WORDS(VPN_REPLAY_BITS_MAX)];
    static struct model model;
    struct fuzz_input in = {data, size};
    uint32_t bits = 128u << fuzz_byte(&in) % 7;
    uint64_t counter = 0;
    vpn_replay window;

    memset(&model, 0, sizeof model);
    FUZZ_CHECK(vpn_replay_init(&window, map, bits) == VPN_OK);
    while (fuzz_more(&in) && model.count < COUNTERS) {
        int want;

        counter = next_counter(&in, counter);
        want = model_would_take(&model, counter, bits) ? VPN_OK : VPN_EREPLAY;
        FUZZ_CHECK(vpn_replay_check(&window, counter) == want);
        FUZZ_CHECK(vpn_replay_accept(&window, counter) == want);
        if (want != VPN_OK)
            continue;
        model.taken[model.count++] = counter;
        if (counter > model.greatest)
            model.greatest = counter;
    }
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* Pure AEAD over a batch. It reads pinned sessions, and writes packets and scratch alone: no state of the device, so it needs
   no lock. A job moves from SEAL or OPEN to its result once; any other state is passed over. */
#include "wireguard/crypt.h"

#include <string.h>

#include "base/env.h"
#include "base/prefetch.h"
#include "crypto/provider.h"
#include "wireguard/session.h"

/* Each thread has a scratch. Whatever lies beside it in memory may be another's and change with every packet, so two cache lines
   at either end are nobody's: some processors fetch them in pairs. */
#define APART 128u

struct vpn_scratch {
    uint8_t apart[APART];
    vpn_env env;
    const vpn_provider *provider;
    size_t bytes; /* of the whole allocation */
    void *work;   /* the provider's, aligned to 64 */
    vpn_aead_job jobs[VPN_WG_BATCH_MAX];
    vpn_packet *packets[VPN_WG_BATCH_MAX];
};

int vpn_scratch_new(vpn_scratch **out, const vpn_provider *provider, const vpn_env *env)
{
    vpn_env full;
    vpn_scratch *scratch;
    uint8_t *work;
    size_t bytes;
    int error = vpn__env_init(&full, env);

    *out = NULL;
    if (error != VPN_OK)
        return error;
    if (provider == NULL)
        provider = vpn_provider_sodium();
    if (!vpn__provider_is_sound(provider))
        return VPN_EINVAL;
    bytes = sizeof *scratch + 64 + provider->scratch_size + APART;
    scratch = vpn__alloc(&full, bytes);
    if (scratch == NULL)
        return VPN_ENOMEM;
    work = (uint8_t *)(scratch + 1);
    scratch->env = full;
    scratch->provider = provider;
    scratch->bytes = bytes;
    scratch->work = work + (64 - (uintptr_t)work % 64) % 64;
    error = provider->init_scratch == NULL ? VPN_OK : provider->init_scratch(scratch->work);
    if (error != VPN_OK) {
        vpn__free(&full, scratch, bytes);
        return error;
    }
    *out = scratch;
    return VPN_OK;
}

void vpn_scratch_free(vpn_scratch *scratch)
{
    if (scratch != NULL) {
        vpn_env env = scratch->env;

        if (scratch->provider->end_scratch != NULL)
            scratch->provider->end_scratch(scratch->work);
        vpn__free(&env, scratch, scratch->bytes);
    }
}

size_t vpn__scratch_memory(const vpn_scratch *scratch)
{
    return scratch->bytes;
}

static void run(vpn_scratch *scratch, size_t n, uint32_t from)
{
    if (n == 0)
        return;
    if (from == VPN__JOB_SEAL)
        scratch->provider->seal(scratch->work, scratch->jobs, n);
    else
        scratch->provider->open(scratch->work, scratch->jobs, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t done = from == VPN__JOB_SEAL ? VPN__JOB_DONE : VPN__JOB_OPENED;
        scratch->packets[i]->job.state = scratch->jobs[i].done ? done : VPN__JOB_FAILED;
    }
}

/* All packets of one direction. */
static void pass(vpn_scratch *scratch, vpn_packet *packets, size_t n, uint32_t from)
{
    size_t jobs = 0;

    for (size_t i = 0; i < n; i++) {
        vpn_packet *packet = &packets[i];
        const struct vpn_session *session = packet->job.key;
        const void *key;

        if (packet->verdict != VPN_PENDING || packet->job.state != from || session->provider != scratch->provider)
            continue;
        key = from == VPN__JOB_SEAL ? session->send_key : session->receive_key;
        vpn__prefetch(key);
        vpn__session_job(&scratch->jobs[jobs], key, packet->data + packet->offset + VPN_WG_HEADER_BYTES,
                         packet->length - VPN_WG_OVERHEAD, packet->job.counter);
        scratch->packets[jobs] = packet;
        if (++jobs == VPN_WG_BATCH_MAX) {
            run(scratch, jobs, from);
            jobs = 0;
        }
    }
    run(scratch, jobs, from);
}

void vpn_wg_crypt(vpn_scratch *scratch, vpn_packet *packets, size_t n)
{
    pass(scratch, packets, n, VPN__JOB_SEAL);
    pass(scratch, packets, n, VPN__JOB_OPEN);
}

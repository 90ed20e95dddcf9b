/* SPDX-License-Identifier: ISC */
/* Invariants:
   - A counter is written to one header only, and none from REJECT_AFTER_MESSAGES on.
   - The replay window sees only counters of messages that were authentic.
   - Key slots are written by init and by wiping, never in between, so any thread may read them while a packet pins them. */
#include "wireguard/session.h"

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "crypto/provider.h"
#include "wireguard/wire.h"

static size_t align64(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

size_t vpn__session_bytes(const vpn_provider *provider, uint32_t replay_bits)
{
    return align64(sizeof(struct vpn_session)) + 2 * align64(provider->key_size) + align64(replay_bits / 8);
}

int vpn__session_init(struct vpn_session *s, const vpn_provider *provider, uint32_t replay_bits,
                      const vpn_session_keys *keys, vpn_time now)
{
    uint8_t *behind = (uint8_t *)s + align64(sizeof *s);
    void *map = behind + 2 * align64(provider->key_size);
    int error;

    s->provider = provider;
    s->send_key = behind;
    s->receive_key = behind + align64(provider->key_size);
    s->counter = 0;
    s->born = now;
    s->local_index = keys->local_index;
    s->remote_index = keys->remote_index;
    s->initiator = keys->initiator != 0;
    error = vpn_replay_init(&s->replay, map, replay_bits);
    if (error == VPN_OK)
        error = provider->init_key(s->send_key, keys->send);
    if (error == VPN_OK)
        error = provider->init_key(s->receive_key, keys->receive);
    return error;
}

void vpn__session_job(vpn_aead_job *job, const void *key, uint8_t *data, size_t length, uint64_t counter)
{
    job->key = key;
    job->data = data;
    job->length = length;
    job->ad = NULL;
    job->ad_length = 0;
    memset(job->nonce, 0, 4);
    vpn__store64le(job->nonce + 4, counter);
    job->done = 0;
}

/* The public object: a session in memory of its own, with the provider's scratch behind it. */
struct owner {
    vpn_env env;
    size_t bytes; /* of the whole allocation */
    void *memory;
    void *scratch;
};

static struct owner *owner_of(const struct vpn_session *s)
{
    struct owner *owner;

    memcpy(&owner, (const uint8_t *)s - sizeof owner, sizeof owner);
    return owner;
}

int vpn_session_new(vpn_session **out, const vpn_session_keys *keys, uint32_t replay_bits, const vpn_provider *provider,
                    const vpn_env *env, vpn_time now)
{
    vpn_env full;
    struct owner *owner;
    struct vpn_session *s;
    size_t session_bytes, bytes;
    uint8_t *start;
    int error = vpn__env_init(&full, env);

    *out = NULL;
    if (error != VPN_OK)
        return error;
    if (provider == NULL)
        provider = vpn_provider_sodium();
    if (replay_bits == 0)
        replay_bits = VPN_REPLAY_BITS_MAX;
    if (!vpn__provider_is_sound(provider) || replay_bits < VPN_REPLAY_BITS_MIN || replay_bits > VPN_REPLAY_BITS_MAX ||
        (replay_bits & (replay_bits - 1)) != 0)
        return VPN_EINVAL;
    session_bytes = align64(vpn__session_bytes(provider, replay_bits));
    bytes = sizeof *owner + 128 + session_bytes + provider->scratch_size;
    owner = vpn__alloc(&full, bytes);
    if (owner == NULL)
        return VPN_ENOMEM;
    start = (uint8_t *)(owner + 1) + sizeof owner;
    start += (64 - (uintptr_t)start % 64) % 64;
    memcpy(start - sizeof owner, &owner, sizeof owner);
    owner->env = full;
    owner->bytes = bytes;
    owner->scratch = start + session_bytes;
    s = (void *)start;
    error = vpn__session_init(s, provider, replay_bits, keys, now);
    if (error == VPN_OK && provider->init_scratch != NULL)
        error = provider->init_scratch(owner->scratch);
    if (error != VPN_OK) {
        vpn__free(&full, owner, bytes);
        return error;
    }
    *out = s;
    return VPN_OK;
}

void vpn_session_free(vpn_session *session)
{
    if (session != NULL) {
        struct owner *owner = owner_of(session);
        vpn_env env = owner->env;

        if (session->provider->end_scratch != NULL)
            session->provider->end_scratch(owner->scratch);
        vpn__free(&env, owner, owner->bytes);
    }
}

static int descriptor_is_sound(const vpn_packet *packet)
{
    return packet->data != NULL && packet->offset <= packet->capacity &&
           packet->length <= packet->capacity - packet->offset;
}

int vpn_session_seal(vpn_session *session, vpn_packet *packet, uint32_t padding, vpn_time now)
{
    vpn_aead_job job;
    uint8_t *text;
    uint64_t room;

    if (!descriptor_is_sound(packet))
        return VPN_EINVAL;
    room = packet->capacity - packet->offset - packet->length;
    if (packet->offset < VPN_WG_HEADER_BYTES || room < (uint64_t)padding + VPN_TAG_BYTES)
        return VPN_ESPACE;
    if (!vpn__session_can_send(session, now))
        return VPN_EEXPIRED;
    text = packet->data + packet->offset;
    memset(text + packet->length, 0, padding);
    vpn__session_job(&job, session->send_key, text, packet->length + padding,
                     vpn__session_write_header(session, text - VPN_WG_HEADER_BYTES));
    if (session->provider->seal(owner_of(session)->scratch, &job, 1) != 1)
        return VPN_EAUTH;
    packet->offset -= VPN_WG_HEADER_BYTES;
    packet->length += VPN_WG_OVERHEAD + padding;
    return VPN_OK;
}

int vpn_session_open(vpn_session *session, vpn_packet *packet, vpn_time now)
{
    vpn_aead_job job;
    uint8_t *message, reason = VPN_REASON_NONE;
    uint64_t counter;

    if (!descriptor_is_sound(packet))
        return VPN_EINVAL;
    message = packet->data + packet->offset;
    if (vpn__wire_type(message, packet->length, &reason) != VPN__DATA ||
        vpn__load32le(message + VPN__DATA_RECEIVER) != session->local_index)
        return VPN_EFORMAT;
    counter = vpn__load64le(message + VPN__DATA_COUNTER);
    reason = vpn__session_may_receive(session, counter, now);
    if (reason != VPN_REASON_NONE)
        return reason == VPN_REASON_REPLAY ? VPN_EREPLAY : VPN_EEXPIRED;
    vpn__session_job(&job, session->receive_key, message + VPN_WG_HEADER_BYTES, packet->length - VPN_WG_OVERHEAD,
                     counter);
    if (session->provider->open(owner_of(session)->scratch, &job, 1) != 1)
        return VPN_EAUTH;
    packet->offset += VPN_WG_HEADER_BYTES;
    packet->length -= VPN_WG_OVERHEAD;
    return vpn_replay_accept(&session->replay, counter);
}

/* SPDX-License-Identifier: ISC */
/* Invariants:
   - A message that does not verify changes nothing that outlives the call.
   - `ephemeral` and `noise` are wiped as soon as they are not needed: forward secrecy rests on it.
   - Only vpn__handshake_derive yields keys, and only from a complete handshake, once. */
#include "wireguard/handshake.h"

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "wireguard/wire.h"

static void begin(struct vpn__noise *noise, const uint8_t responder[32])
{
    static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

    vpn__noise_begin(noise, identifier, sizeof identifier - 1, responder);
}

int vpn__handshake_initiate(struct vpn__handshake *h, uint8_t *message, const struct vpn__noise_local *local,
                            const uint8_t remote[32], const uint8_t ss[32], const uint8_t preshared[32], uint32_t index,
                            const uint8_t stamp[12], const vpn_env *env)
{
    int error = vpn__random(env, h->ephemeral, 32);

    memset(message, 0, VPN_WG_INITIATION_BYTES);
    begin(&h->noise, remote);
    if (error == VPN_OK)
        error = vpn__noise_write_first(&h->noise, message + VPN__INITIATION_NOISE, local, remote, ss, h->ephemeral,
                                       stamp, VPN_TAI64N_BYTES);
    if (error != VPN_OK) {
        vpn_wipe(h, sizeof *h);
        memset(message, 0, VPN_WG_INITIATION_BYTES);
        return error;
    }
    vpn__store32le(message, VPN__INITIATION);
    vpn__store32le(message + VPN__INITIATION_SENDER, index);
    memcpy(h->preshared, preshared, 32);
    h->local_index = index;
    h->remote_index = 0;
    h->initiator = 1;
    h->step = VPN__HANDSHAKE_INITIATED;
    return VPN_OK;
}

int vpn__handshake_open(struct vpn__handshake *h, const uint8_t *message, const struct vpn__noise_local *local,
                        uint8_t remote[32])
{
    int error;

    memset(h, 0, sizeof *h);
    begin(&h->noise, local->public_key);
    error = vpn__noise_read_static(&h->noise, message + VPN__INITIATION_NOISE, local, remote);
    if (error != VPN_OK) {
        vpn_wipe(h, sizeof *h);
        return error;
    }
    h->remote_index = vpn__load32le(message + VPN__INITIATION_SENDER);
    h->step = VPN__HANDSHAKE_OPENED;
    return VPN_OK;
}

int vpn__handshake_prove(struct vpn__handshake *h, const uint8_t *message, const uint8_t ss[32], uint8_t stamp[12])
{
    int error = VPN_ESTATE;

    if (h->step == VPN__HANDSHAKE_OPENED)
        error = vpn__noise_read_payload(&h->noise, message + VPN__INITIATION_NOISE, ss, stamp, VPN_TAI64N_BYTES);
    if (error != VPN_OK) {
        vpn_wipe(h, sizeof *h);
        return error;
    }
    h->step = VPN__HANDSHAKE_PROVED;
    return VPN_OK;
}

int vpn__handshake_respond(struct vpn__handshake *h, uint8_t *message, const vpn_provider *provider,
                           const uint8_t remote[32], const uint8_t preshared[32], uint32_t index, const vpn_env *env)
{
    uint8_t ephemeral[32];
    int error;

    if (h->step != VPN__HANDSHAKE_PROVED)
        return VPN_ESTATE;
    memset(message, 0, VPN_WG_RESPONSE_BYTES);
    error = vpn__random(env, ephemeral, 32);
    if (error == VPN_OK)
        error = vpn__noise_write_second(&h->noise, message + VPN__RESPONSE_NOISE, provider, remote, preshared,
                                        ephemeral, NULL, 0);
#ifdef VPN_KEYLOG
    memcpy(h->ephemeral, ephemeral, 32);
    memcpy(h->preshared, preshared, 32);
#endif
    vpn_wipe(ephemeral, sizeof ephemeral);
    if (error != VPN_OK) {
        vpn_wipe(h, sizeof *h);
        memset(message, 0, VPN_WG_RESPONSE_BYTES);
        return error;
    }
    vpn__store32le(message, VPN__RESPONSE);
    vpn__store32le(message + VPN__RESPONSE_SENDER, index);
    vpn__store32le(message + VPN__RESPONSE_RECEIVER, h->remote_index);
    h->local_index = index;
    h->initiator = 0;
    h->step = VPN__HANDSHAKE_COMPLETE;
    return VPN_OK;
}

int vpn__handshake_read_response(struct vpn__handshake *h, const uint8_t *message, const struct vpn__noise_local *local)
{
    struct vpn__noise copy = h->noise;
    int error = VPN_ESTATE;

    if (h->step == VPN__HANDSHAKE_INITIATED && vpn__load32le(message + VPN__RESPONSE_RECEIVER) == h->local_index)
        error =
            vpn__noise_read_second(&copy, message + VPN__RESPONSE_NOISE, local, h->preshared, h->ephemeral, NULL, 0);
    if (error == VPN_OK) {
        h->noise = copy;
        h->remote_index = vpn__load32le(message + VPN__RESPONSE_SENDER);
        h->step = VPN__HANDSHAKE_COMPLETE;
        vpn_wipe(h->ephemeral, sizeof h->ephemeral);
    }
    vpn_wipe(&copy, sizeof copy);
    return error;
}

void vpn__handshake_derive(struct vpn__handshake *h, vpn_session_keys *keys)
{
    memset(keys, 0, sizeof *keys);
    keys->local_index = h->local_index;
    keys->remote_index = h->remote_index;
    keys->initiator = h->initiator;
    if (h->initiator)
        vpn__noise_split(&h->noise, keys->send, keys->receive);
    else
        vpn__noise_split(&h->noise, keys->receive, keys->send);
    vpn_wipe(h, sizeof *h);
}

/* The public object: a handshake with the keys that the device keeps elsewhere. */
struct vpn_handshake {
    struct vpn__handshake state;
    struct vpn__noise_local local;
    uint8_t remote[32];
    vpn_env env;
};

int vpn_handshake_new(vpn_handshake **out, const uint8_t private_key[VPN_KEY_BYTES], const vpn_provider *provider,
                      const vpn_env *env)
{
    vpn_env full;
    vpn_handshake *h;
    int error = vpn__env_init(&full, env);

    *out = NULL;
    if (error != VPN_OK)
        return error;
    if (provider != NULL && provider->size < sizeof *provider)
        return VPN_EINVAL;
    h = vpn__alloc(&full, sizeof *h);
    if (h == NULL)
        return VPN_ENOMEM;
    h->env = full;
    h->local.provider = provider;
    memcpy(h->local.private_key, private_key, VPN_KEY_BYTES);
    vpn_key_public(h->local.public_key, private_key);
    *out = h;
    return VPN_OK;
}

void vpn_handshake_free(vpn_handshake *handshake)
{
    if (handshake != NULL) {
        vpn_env env = handshake->env;
        vpn__free(&env, handshake, sizeof *handshake);
    }
}

int vpn_handshake_initiate(vpn_handshake *handshake, uint8_t message[VPN_WG_INITIATION_BYTES],
                           const uint8_t remote[VPN_KEY_BYTES], const uint8_t *preshared, uint32_t index,
                           const uint8_t stamp[VPN_TAI64N_BYTES])
{
    static const uint8_t none[32];
    uint8_t ss[32];
    int error = vpn__noise_dh(handshake->local.provider, ss, handshake->local.private_key, remote);

    vpn_wipe(&handshake->state, sizeof handshake->state);
    if (error == VPN_OK)
        error = vpn__handshake_initiate(&handshake->state, message, &handshake->local, remote, ss,
                                        preshared == NULL ? none : preshared, index, stamp, &handshake->env);
    vpn_wipe(ss, sizeof ss);
    return error;
}

int vpn_handshake_read_initiation(vpn_handshake *handshake, const uint8_t message[VPN_WG_INITIATION_BYTES],
                                  uint8_t remote[VPN_KEY_BYTES], uint8_t stamp[VPN_TAI64N_BYTES])
{
    struct vpn__handshake copy;
    uint8_t key[32], time[VPN_TAI64N_BYTES], ss[32];
    int error = VPN_EFORMAT;

    if (vpn__load32le(message) == VPN__INITIATION)
        error = vpn__handshake_open(&copy, message, &handshake->local, key);
    if (error != VPN_OK)
        return error;
    error = vpn__noise_dh(handshake->local.provider, ss, handshake->local.private_key, key);
    if (error == VPN_OK)
        error = vpn__handshake_prove(&copy, message, ss, time);
    if (error == VPN_OK) {
        handshake->state = copy;
        memcpy(handshake->remote, key, 32);
        memcpy(remote, key, 32);
        memcpy(stamp, time, sizeof time);
    }
    vpn_wipe(&copy, sizeof copy);
    vpn_wipe(ss, sizeof ss);
    return error;
}

int vpn_handshake_respond(vpn_handshake *handshake, uint8_t message[VPN_WG_RESPONSE_BYTES], const uint8_t *preshared,
                          uint32_t index)
{
    static const uint8_t none[32];

    return vpn__handshake_respond(&handshake->state, message, handshake->local.provider, handshake->remote,
                                  preshared == NULL ? none : preshared, index, &handshake->env);
}

int vpn_handshake_read_response(vpn_handshake *handshake, const uint8_t message[VPN_WG_RESPONSE_BYTES])
{
    if (vpn__load32le(message) != VPN__RESPONSE)
        return VPN_EFORMAT;
    return vpn__handshake_read_response(&handshake->state, message, &handshake->local);
}

int vpn_handshake_finish(vpn_handshake *handshake, vpn_session_keys *keys)
{
    if (handshake->state.step != VPN__HANDSHAKE_COMPLETE)
        return VPN_ESTATE;
    vpn__handshake_derive(&handshake->state, keys);
    return VPN_OK;
}

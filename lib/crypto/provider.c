/* SPDX-License-Identifier: ISC */
#include "crypto/provider.h"

int vpn__provider_is_sound(const vpn_provider *provider)
{
    return provider->size >= sizeof *provider && provider->key_size >= 1 &&
           provider->key_size <= VPN_PROVIDER_KEY_MAX && provider->scratch_size <= VPN_PROVIDER_SCRATCH_MAX &&
           provider->name != NULL && provider->init_key != NULL && provider->seal != NULL && provider->open != NULL;
}

/* SPDX-License-Identifier: ISC */
/* Providers that no device, session or scratch can be made with. */
#ifndef VPN_TESTS_COMMON_PROVIDER_H
#define VPN_TESTS_COMMON_PROVIDER_H

#include <vpn/crypto.h>

#define UNSOUND_PROVIDERS 9u

static inline vpn_provider unsound_provider(unsigned number)
{
    vpn_provider p = *vpn_provider_sodium();
    switch (number) {
    case 0:
        p.size = (uint32_t)sizeof(p) - 1;
        break;
    case 1:
        p.key_size = 0;
        break;
    case 2:
        p.key_size = VPN_PROVIDER_KEY_MAX + 1;
        break;
    case 3:
        p.init_key = NULL;
        break;
    case 4:
        p.seal = NULL;
        break;
    case 5:
        p.open = NULL;
        break;
    case 6:
        p.name = NULL;
        break;
    case 7:
        p.scratch_size = VPN_PROVIDER_SCRATCH_MAX + 1;
        break;
    default:
        p.scratch_size = SIZE_MAX - 16; /* with what is around it, a few bytes */
    }
    return p;
}

#endif

/* SPDX-License-Identifier: ISC */
#include "cipher.h"

#if defined(VPN_HAVE_IPSEC_MB)
#include <vpn/provider/ipsec_mb.h>
#endif
#if defined(VPN_HAVE_LIBCRYPTO)
#include <vpn/provider/libcrypto.h>
#endif

#include "log.h"
#include "platform.h"

static uint64_t nanoseconds(void *user)
{
    (void)user;
    return clock_now();
}

const char *cipher_names(void)
{
    return "sodium"
#if defined(VPN_HAVE_IPSEC_MB)
           " ipsec-mb"
#endif
#if defined(VPN_HAVE_LIBCRYPTO)
           " libcrypto"
#endif
        ;
}

const vpn_provider *cipher_choose(const char *name)
{
    static vpn_provider chosen;
    const vpn_provider *linked[] = {
#if defined(VPN_HAVE_IPSEC_MB)
        vpn_provider_ipsec_mb(),
#endif
#if defined(VPN_HAVE_LIBCRYPTO)
        vpn_provider_libcrypto(),
#endif
        vpn_provider_sodium(),
    };
    vpn_selection how = {.size = sizeof how,
                         .candidates = linked,
                         .count = sizeof linked / sizeof linked[0],
                         .name = name,
                         .clock = nanoseconds};
    int error = vpn_aead_select(&chosen, &how);

    if (error == VPN_OK) {
        log_verbose("packets are encrypted by %s", chosen.name);
        return &chosen;
    }
    if (error == VPN_ENOENT)
        log_error("no cipher '%s' here; there are: %s", name, cipher_names());
    else
        log_error("the cipher %s cannot be used: %s", name == NULL ? "" : name, vpn_strerror(error));
    return NULL;
}

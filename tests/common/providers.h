/* SPDX-License-Identifier: ISC */
/* Every provider of this build, libsodium first, each with a slot and a scratch. They last until the program ends. */
#ifndef VPN_TESTS_COMMON_PROVIDERS_H
#define VPN_TESTS_COMMON_PROVIDERS_H

#include <stdlib.h>

#include <vpn/crypto.h>
#if defined(VPN_HAVE_IPSEC_MB)
#include <vpn/provider/ipsec_mb.h>
#endif
#if defined(VPN_HAVE_LIBCRYPTO)
#include <vpn/provider/libcrypto.h>
#endif

struct test_provider {
    const vpn_provider *provider;
    void *slot, *scratch;
};

struct test_providers {
    struct test_provider of[3];
    size_t count;
};

static inline void test_providers_add(struct test_providers *all, const vpn_provider *provider)
{
    if (!provider)
        return;
    struct test_provider *p = &all->of[all->count++];
    p->provider = provider;
    p->slot = aligned_alloc(64, VPN_PROVIDER_KEY_MAX);
    p->scratch = aligned_alloc(64, (provider->scratch_size + 127) / 64 * 64);
    if (!p->slot || !p->scratch || (provider->init_scratch && provider->init_scratch(p->scratch)))
        abort();
}

static inline void test_providers_begin(struct test_providers *all)
{
    all->count = 0;
    test_providers_add(all, vpn_provider_sodium());
#if defined(VPN_HAVE_IPSEC_MB)
    test_providers_add(all, vpn_provider_ipsec_mb());
#endif
#if defined(VPN_HAVE_LIBCRYPTO)
    test_providers_add(all, vpn_provider_libcrypto());
#endif
}

#endif

/* SPDX-License-Identifier: ISC */
#include <vpn/crypto.h>

#include "crypto/sodium.h"

#include <string.h>

int vpn_x25519(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES], const uint8_t point[VPN_KEY_BYTES])
{
    /* libsodium writes its output before it has read the point, and nothing at all when it knows the point as one of low
       order: a buffer of our own makes both harmless. */
    uint8_t shared[VPN_KEY_BYTES] = {0};
    vpn__sodium_ready();
    int status = crypto_scalarmult_curve25519(shared, scalar, point);
    if (status != 0 || sodium_is_zero(shared, sizeof(shared))) {
        vpn_wipe(shared, sizeof(shared));
        status = VPN_EKEY;
    }
    memcpy(out, shared, sizeof(shared));
    vpn_wipe(shared, sizeof(shared));
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
    return status;
}

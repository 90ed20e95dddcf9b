/* SPDX-License-Identifier: ISC */
#include "wireguard/wire.h"

#include "base/bytes.h"

static uint8_t fits(uint8_t type, int right_length, uint8_t *reason)
{
    if (right_length)
        return type;
    *reason = VPN_REASON_LENGTH;
    return 0;
}

/* The type is one byte and three reserved zero bytes, read together as a little-endian word: section 5.4.1. */
uint8_t vpn__wire_type(const uint8_t *data, size_t length, uint8_t *reason)
{
    if (length < 4) {
        *reason = VPN_REASON_LENGTH;
        return 0;
    }
    switch (vpn__load32le(data)) {
    case VPN__INITIATION:
        return fits(VPN__INITIATION, length == VPN_WG_INITIATION_BYTES, reason);
    case VPN__RESPONSE:
        return fits(VPN__RESPONSE, length == VPN_WG_RESPONSE_BYTES, reason);
    case VPN__COOKIE_REPLY:
        return fits(VPN__COOKIE_REPLY, length == VPN_WG_COOKIE_BYTES, reason);
    case VPN__DATA:
        return fits(VPN__DATA, length >= VPN__DATA_LEAST, reason);
    }
    *reason = VPN_REASON_TYPE;
    return 0;
}

size_t vpn__wire_mac1(size_t length)
{
    if (length == VPN_WG_INITIATION_BYTES)
        return VPN__INITIATION_MAC1;
    if (length == VPN_WG_RESPONSE_BYTES)
        return VPN__RESPONSE_MAC1;
    return 0;
}

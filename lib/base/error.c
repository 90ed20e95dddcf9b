/* SPDX-License-Identifier: ISC */
#include <vpn/base.h>

const char *vpn_version(void)
{
    return VPN_VERSION_STRING;
}

const char *vpn_strerror(int error)
{
    switch (error) {
    case VPN_OK:
        return "success";
    case VPN_EINVAL:
        return "invalid argument";
    case VPN_ENOMEM:
        return "out of memory";
    case VPN_ESPACE:
        return "the output does not fit";
    case VPN_ENOENT:
        return "not found";
    case VPN_EEXIST:
        return "exists already";
    case VPN_ELIMIT:
        return "limit reached";
    case VPN_EBUSY:
        return "busy: packets are between begin and end";
    case VPN_EAUTH:
        return "not authentic";
    case VPN_EREPLAY:
        return "replayed or too old";
    case VPN_EEXPIRED:
        return "expired";
    case VPN_EKEY:
        return "public key of low order";
    case VPN_EFORMAT:
        return "malformed";
    case VPN_ESTATE:
        return "not possible in this state";
    case VPN_ERANDOM:
        return "the source of randomness failed";
    case VPN_ESELF:
        return "the device's own public key";
    case VPN_EUNSUPPORTED:
        return "not supported by this build";
    }
    return "unknown error";
}

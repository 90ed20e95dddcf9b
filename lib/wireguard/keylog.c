/* SPDX-License-Identifier: ISC */
/* The order of the lines matters: a reader takes a preshared key for that of the ephemeral key before it. */
#include <vpn/keylog.h>

#include "wireguard/keylog.h"

#ifdef VPN_KEYLOG

#include <string.h>

static void put(const vpn_wg *wg, const char *name, const uint8_t key[32])
{
    char line[32 + 3 + VPN_KEY_BASE64_CHARS + 1];
    size_t length = strlen(name);

    memcpy(line, name, length);
    memcpy(line + length, " = ", 3);
    vpn_key_to_base64(line + length + 3, key);
    wg->keylog(wg->keylog_user, line);
    vpn_wipe(line, sizeof line);
}

void vpn__keylog_handshake(const vpn_wg *wg, const struct vpn__peer *peer, const struct vpn__handshake *handshake)
{
    if (wg->keylog == NULL)
        return;
    put(wg, "LOCAL_STATIC_PRIVATE_KEY", wg->local.private_key);
    put(wg, "REMOTE_STATIC_PUBLIC_KEY", peer->public_key);
    put(wg, "LOCAL_EPHEMERAL_PRIVATE_KEY", handshake->ephemeral);
    put(wg, "PRESHARED_KEY", handshake->preshared);
}

int vpn_wg_set_keylog(vpn_wg *wg, vpn_keylog_line line, void *user)
{
    wg->keylog = line;
    wg->keylog_user = user;
    return VPN_OK;
}

#else

int vpn_wg_set_keylog(vpn_wg *wg, vpn_keylog_line line, void *user)
{
    (void)wg;
    (void)line;
    (void)user;
    return VPN_EUNSUPPORTED;
}

#endif

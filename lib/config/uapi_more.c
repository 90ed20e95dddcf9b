/* SPDX-License-Identifier: ISC */
#include "config/uapi_more.h"

#include <string.h>

#include "config/uapi_line.h"

int vpn_uapi_line(vpn_uapi_lines *lines, const char *key, const char *value)
{
    size_t length = strlen(value);
    if (!vpn__uapi_is_more(key, strlen(key)) || length >= VPN_UAPI_MORE_VALUE_CHARS ||
        vpn__uapi_has_control(value, length))
        return VPN_EINVAL;
    vpn__text_string(&lines->text, key);
    vpn__text_string(&lines->text, "=");
    vpn__text_string(&lines->text, value);
    vpn__text_string(&lines->text, "\n");
    return 0;
}

void vpn__uapi_more(struct vpn_uapi_lines *lines, const vpn_wg *wg, const vpn_uapi_host *host, vpn_peer_id peer)
{
    (void)wg;
    if (host->more)
        host->more(host->user, peer, lines);
}

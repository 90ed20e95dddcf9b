/* SPDX-License-Identifier: ISC */
/* A stranger's program in C: the installed headers, a call on each floor, and the version that was promised. */
#include <vpn/vpn.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    uint8_t key[VPN_KEY_BYTES];
    if (strcmp(vpn_version(), VPN_VERSION_STRING) != 0)
        return 1;
    if (vpn_key_private(key, NULL) != VPN_OK || vpn_key_is_zero(key))
        return 2;
    vpn_wg *wg;
    if (vpn_wg_new(&wg, NULL) != VPN_OK)
        return 3;
    if (vpn_wg_set_private_key(wg, key, 0) != VPN_OK || vpn_wg_deadline(wg) != VPN_NEVER)
        return 4;
    vpn_wipe(key, sizeof(key));
    if (vpn_wg_free(wg) != VPN_OK)
        return 5;
    printf("c: libvpn %s\n", vpn_version());
    return 0;
}

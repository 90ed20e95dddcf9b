/* SPDX-License-Identifier: ISC */
/* A stranger's program that links a provider: it is found, trusted and used. PROVIDER is the function that gives it. */
#include <vpn/vpn.h>

#include <stdio.h>

const vpn_provider *PROVIDER(void);

int main(void)
{
    const vpn_provider *linked[] = {PROVIDER()};
    vpn_selection how = {.size = sizeof how, .candidates = linked, .count = 1};
    vpn_provider chosen;
    if (linked[0] == NULL || vpn_provider_check(linked[0], NULL) != VPN_OK)
        return 1;
    how.name = linked[0]->name;
    if (vpn_aead_select(&chosen, &how) != VPN_OK)
        return 2;
    vpn_wg_config config = {.size = sizeof config, .provider = &chosen};
    vpn_wg *wg;
    if (vpn_wg_new(&wg, &config) != VPN_OK || vpn_wg_free(wg) != VPN_OK)
        return 3;
    printf("%s\n", chosen.name);
    return 0;
}

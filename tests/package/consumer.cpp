/* SPDX-License-Identifier: ISC */
/* The same in C++, where the headers must give C linkage. */
#include <vpn/vpn.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <string>

int main()
{
    std::array<std::uint8_t, VPN_KEY_BYTES> key = {};
    std::array<char, VPN_KEY_BASE64_CHARS + 1> text = {};
    if (std::string(vpn_version()) != VPN_VERSION_STRING)
        return 1;
    if (vpn_key_private(key.data(), nullptr) != VPN_OK)
        return 2;
    vpn_key_to_base64(text.data(), key.data());
    if (std::string(text.data()).size() != VPN_KEY_BASE64_CHARS)
        return 3;
    vpn_wg *wg = nullptr;
    if (vpn_wg_new(&wg, nullptr) != VPN_OK || vpn_wg_free(wg) != VPN_OK)
        return 4;
    vpn_wipe(key.data(), key.size());
    std::cout << "c++: libvpn " << vpn_version() << '\n';
    return 0;
}

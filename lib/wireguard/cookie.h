/* SPDX-License-Identifier: ISC */
/* Checking mac2 and answering by a cookie as the device does it: the cookie of a source is made once for both, and the nonce
   is drawn by the caller. */
#ifndef VPN_LIB_WIREGUARD_COOKIE_H
#define VPN_LIB_WIREGUARD_COOKIE_H

#include <vpn/cookie.h>

/* The cookie of one message's source, for the length of one call. Whoever has it wipes it. */
struct vpn__cookie {
    uint8_t bytes[VPN_MAC_BYTES];
    int made; /* it was made under the secret of now */
};

/* As vpn_mac2_check; leaves the cookie in `cookie` when it had to be made. */
int vpn__cookie_check(const vpn_cookie_checker *checker, struct vpn__cookie *cookie, const uint8_t *message,
                      size_t length, const vpn_endpoint *from, vpn_time now);
/* As vpn_cookie_reply; `cookie` is as vpn__cookie_check left it at the same `now`, or not made. `env` is whole. */
int vpn__cookie_answer(vpn_cookie_checker *checker, struct vpn__cookie *cookie, uint8_t reply[VPN_WG_COOKIE_BYTES],
                       const uint8_t *message, size_t length, const vpn_endpoint *from, const vpn_provider *provider,
                       const uint8_t nonce[VPN_XNONCE_BYTES], const vpn_env *env, vpn_time now);

#endif

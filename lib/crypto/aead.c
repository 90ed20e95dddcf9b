/* SPDX-License-Identifier: ISC */
#include <vpn/crypto.h>

#include "crypto/sodium.h"

#include <stdint.h>
#include <string.h>

/* libsodium aborts the process on a text that is longer than the cipher allows (256 GiB). Such a text is not sealed but
   zeroed, so that neither it nor something that looks sealed goes out; as a sealed text it is not authentic. No object is
   longer than PTRDIFF_MAX: where a size has 32 bits that is the limit, and a length past it counts no bytes to be zeroed. */
#define CIPHER_MAX crypto_aead_chacha20poly1305_ietf_MESSAGEBYTES_MAX
#define OBJECT_MAX ((size_t)PTRDIFF_MAX)
#define TEXT_MAX   (CIPHER_MAX < OBJECT_MAX - VPN_TAG_BYTES ? CIPHER_MAX : OBJECT_MAX - VPN_TAG_BYTES)

static void zero(uint8_t *out, size_t bytes)
{
    if (out && bytes > 0 && bytes <= OBJECT_MAX)
        memset(out, 0, bytes);
}

void vpn_aead_seal(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad, size_t ad_length,
                   const uint8_t nonce[VPN_NONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    vpn__sodium_ready();
    if (length <= TEXT_MAX)
        (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, length, ad, ad_length, NULL, nonce, key);
    else
        zero(out, length);
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
}

int vpn_aead_open(uint8_t *out, const uint8_t *sealed, size_t length, const uint8_t *ad, size_t ad_length,
                  const uint8_t nonce[VPN_NONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    vpn__sodium_ready();
    if (length < VPN_TAG_BYTES)
        return VPN_EAUTH;
    size_t text = length - VPN_TAG_BYTES;
    int status = -1;
    if (text <= TEXT_MAX)
        status = crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length, ad, ad_length, nonce, key);
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
    if (status == 0)
        return 0;
    zero(out, text);
    return VPN_EAUTH;
}

void vpn_xaead_seal(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad, size_t ad_length,
                    const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    vpn__sodium_ready();
    if (length <= TEXT_MAX)
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text, length, ad, ad_length, NULL, nonce, key);
    else
        zero(out, length);
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
}

int vpn_xaead_open(uint8_t *out, const uint8_t *sealed, size_t length, const uint8_t *ad, size_t ad_length,
                   const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    vpn__sodium_ready();
    if (length < VPN_TAG_BYTES)
        return VPN_EAUTH;
    size_t text = length - VPN_TAG_BYTES;
    int status = -1;
    if (text <= TEXT_MAX)
        status = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length, ad, ad_length, nonce, key);
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
    if (status == 0)
        return 0;
    zero(out, text);
    return VPN_EAUTH;
}

/* SPDX-License-Identifier: ISC */
/* Keys, endpoints and prefixes from text: what is read is written back the same, and nothing else is read. */
#include "fuzz.h"

static void try_keys(const char *text, size_t length)
{
    uint8_t key[VPN_KEY_BYTES];
    char back[VPN_KEY_HEX_CHARS + 1];

    if (vpn_key_from_base64(key, text, length) == VPN_OK) {
        vpn_key_to_base64(back, key);
        FUZZ_CHECK(length == VPN_KEY_BASE64_CHARS && memcmp(back, text, length) == 0);
    } else {
        FUZZ_CHECK(vpn_key_is_zero(key));
    }
    if (vpn_key_from_hex(key, text, length) == VPN_OK) {
        FUZZ_CHECK(length == VPN_KEY_HEX_CHARS);
        vpn_key_to_hex(back, key);
        for (size_t i = 0; i < length; i++)
            FUZZ_CHECK(back[i] == (text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]));
    } else {
        FUZZ_CHECK(vpn_key_is_zero(key));
    }
}

static void try_endpoint(const char *text, size_t length)
{
    vpn_endpoint one, two;
    char back[VPN_ENDPOINT_CHARS];

    if (vpn_endpoint_parse(&one, text, length) != VPN_OK)
        return;
    vpn_endpoint_format(back, &one);
    FUZZ_CHECK(vpn_endpoint_parse(&two, back, strlen(back)) == VPN_OK);
    FUZZ_CHECK(memcmp(&one, &two, sizeof one) == 0);
}

static void try_prefix(const char *text, size_t length)
{
    vpn_prefix one, two;
    char back[VPN_PREFIX_CHARS];

    if (vpn_prefix_parse(&one, text, length) != VPN_OK)
        return;
    vpn_prefix_format(back, &one);
    FUZZ_CHECK(vpn_prefix_parse(&two, back, strlen(back)) == VPN_OK);
    FUZZ_CHECK(memcmp(&one, &two, sizeof one) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* An allocation of its own, so that a read past the end is seen. */
    char *text = calloc(1, size == 0 ? 1 : size);

    FUZZ_CHECK(text != NULL);
    if (size != 0)
        memcpy(text, data, size);
    try_keys(text, size);
    try_endpoint(text, size);
    try_prefix(text, size);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* Devices that are configured by text: a host that remembers, and the state of a device as text, to be compared. */
#ifndef VPN_TESTS_COMMON_UAPI_H
#define VPN_TESTS_COMMON_UAPI_H

#include <vpn/vpn.h>

#include "common/test.h"

#define UAPI_TEXT 8192

/* Keys as text: only their last digit but one tells them apart. */
#define UAPI_KEY(digit) "00112233445566778899aabbccddeeff00112233445566778899aabbccddee" digit "1"
#define UAPI_ZERO       "0000000000000000000000000000000000000000000000000000000000000000"

/* The key pair of RFC 7748 section 6.1 */
#define UAPI_PRIVATE "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define UAPI_OWN     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
/* The same private key as the device holds it, clamped */
#define UAPI_CLAMPED "70076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c6a"

typedef struct uapi_host {
    vpn_uapi_host api;
    uint16_t port;
    uint32_t mark;
    int port_status; /* what the functions return; the value changes only when 0 */
    int mark_status;
    size_t calls; /* of the two setters */
    size_t changed;
    vpn_peer_id last; /* that changed */
} uapi_host;

static inline int uapi_set_port(void *user, uint16_t port)
{
    uapi_host *host = user;
    host->calls++;
    if (!host->port_status)
        host->port = port;
    return host->port_status;
}

static inline uint16_t uapi_get_port(void *user)
{
    return ((uapi_host *)user)->port;
}

static inline int uapi_set_mark(void *user, uint32_t mark)
{
    uapi_host *host = user;
    host->calls++;
    if (!host->mark_status)
        host->mark = mark;
    return host->mark_status;
}

static inline uint32_t uapi_get_mark(void *user)
{
    return ((uapi_host *)user)->mark;
}

static inline void uapi_changed(void *user, vpn_peer_id peer)
{
    uapi_host *host = user;
    host->changed++;
    host->last = peer;
}

static inline void uapi_host_init(uapi_host *host)
{
    memset(host, 0, sizeof(*host));
    host->api.size = sizeof(host->api);
    host->api.user = host;
    host->api.set_listen_port = uapi_set_port;
    host->api.get_listen_port = uapi_get_port;
    host->api.set_fwmark = uapi_set_mark;
    host->api.get_fwmark = uapi_get_mark;
    host->api.peer_changed = uapi_changed;
}

static inline vpn_wg *uapi_device(void)
{
    vpn_wg *wg = NULL;
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    return wg;
}

static inline int uapi_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The prefixes of a peer come in no stated order, so each run of these lines is sorted. */
static inline void uapi_sort(char text[UAPI_TEXT])
{
    char copy[UAPI_TEXT], *lines[64];
    size_t n = 0;
    memcpy(copy, text, UAPI_TEXT);
    for (char *from = copy, *end; (end = strchr(from, '\n')); from = end + 1) {
        int prefix = strncmp(from, "allowed_ip=", 11) == 0;
        *end = '\0';
        if (prefix) {
            ck_assert_uint_lt(n, 64);
            lines[n++] = from;
        }
        if (prefix && strncmp(end + 1, "allowed_ip=", 11) == 0)
            continue;
        if (n)
            qsort(lines, n, sizeof(lines[0]), uapi_by_text);
        for (size_t i = 0; i < n; i++)
            text += sprintf(text, "%s\n", lines[i]);
        if (!prefix)
            text += sprintf(text, "%s\n", from);
        n = 0;
    }
}

/* What get says, with sorted prefixes and a NUL. */
static inline void uapi_state(const vpn_wg *wg, const uapi_host *host, char out[UAPI_TEXT])
{
    size_t length;
    ck_assert_int_eq(vpn_uapi_get(wg, host ? &host->api : NULL, out, UAPI_TEXT - 1, &length), 0);
    out[length] = '\0';
    uapi_sort(out);
}

/* Sets from a block of its own size, so that a sanitizer sees a read past its end. */
static inline int uapi_set(vpn_wg *wg, const char *text, size_t length, const uapi_host *host, vpn_uapi_error *error)
{
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    int result = vpn_uapi_set(wg, copy, length, host ? &host->api : NULL, VPN_SECOND, error);
    free(copy);
    return result;
}

/* A set that must be accepted. */
static inline void uapi_good(vpn_wg *wg, const uapi_host *host, const char *text)
{
    vpn_uapi_error error;
    int result = uapi_set(wg, text, strlen(text), host, &error);
    ck_assert_msg(result == 0, "line %u, %s: %s", error.line, error.key, result ? error.why : "");
}

/* The lines of one peer as get shows it before any packet, without its prefixes. */
#define UAPI_PEER(key, psk, endpoint, keepalive)                                                                       \
    "public_key=" key "\npreshared_key=" psk "\nprotocol_version=1\n" endpoint                                         \
    "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"                                  \
    "persistent_keepalive_interval=" keepalive "\n"

static inline void uapi_expect(const vpn_wg *wg, const uapi_host *host, const char *want)
{
    char state[UAPI_TEXT];
    uapi_state(wg, host, state);
    ck_assert_str_eq(state, want);
}

static inline vpn_peer_id uapi_find(const vpn_wg *wg, const char *hex)
{
    uint8_t key[VPN_KEY_BYTES];
    ck_assert_int_eq(vpn_key_from_hex(key, hex, strlen(hex)), 0);
    return vpn_wg_peer_find(wg, key);
}

#endif

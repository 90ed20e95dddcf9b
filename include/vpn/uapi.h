/* SPDX-License-Identifier: ISC */
/**
 * @file uapi.h
 * @brief The cross-platform configuration protocol that wg(8) speaks to userspace daemons, without any socket.
 *
 * A request is `get=1`, `get=libvpn` or `set=1`, lines `key=value`, and an empty line. The host collects bytes from a client until
 * vpn_uapi_complete says that a request is whole, gives it to vpn_uapi_serve and writes the answer back. One connection may
 * carry several requests. Keys that belong to the host (listen port, firewall mark) go to callbacks.
 *
 * A request is parsed and checked whole before anything changes, so a bad line changes nothing.
 *
 * `get=libvpn` is an extension: the answer to `get=1`, which knows nothing of it, and in it lines whose keys begin with "libvpn_".
 * Such lines are about the device before the first public_key, behind one about that peer. A reader passes over those that
 * it does not know. In a set they are the host's.
 */
#ifndef VPN_UAPI_H
#define VPN_UAPI_H

#include <vpn/wg.h>

VPN_BEGIN

/** @brief An answer to get=libvpn that is being written. Opaque. */
typedef struct vpn_uapi_lines vpn_uapi_lines;

#define VPN_UAPI_MORE_KEY_CHARS   40  /**< enough for a key that begins with "libvpn_", and a NUL */
#define VPN_UAPI_MORE_VALUE_CHARS 512 /**< enough for its value, and a NUL */

/** @name What a call of `set_more` is about
 * @{ */
#define VPN_UAPI_MORE_PEER  0x1u /**< the line stands below a public_key; else it is about the device */
#define VPN_UAPI_MORE_APPLY 0x2u /**< carry it out; else only say whether it could be */
/** @} */

/** @brief What belongs to the host. A NULL function: the key is refused by set and left out by get. */
typedef struct vpn_uapi_host {
    uint32_t size;     /**< sizeof(vpn_uapi_host) as the caller knows it */
    uint32_t reserved; /**< zero */
    void *user;        /**< handed to each function */
    /** Moves the socket to a port (0: any). 0 or a positive errno value, such as EADDRINUSE. */
    int (*set_listen_port)(void *user, uint16_t port);
    /** The port in use; 0 when the socket is closed. */
    uint16_t (*get_listen_port)(void *user);
    /** Marks outgoing datagrams; 0: no mark. 0 or a positive errno value. */
    int (*set_fwmark)(void *user, uint32_t mark);
    /** The mark in use; 0: none. */
    uint32_t (*get_fwmark)(void *user);
    /** Called for each peer that set touched, after it changed; an id that is no longer valid was removed. May be NULL. */
    void (*peer_changed)(void *user, vpn_peer_id peer);
    /** The scope id of an interface name (`length` characters, no NUL), as in "[fe80::1%eth0]:51820"; 0: no such interface.
     * NULL: names are refused, numbers are not. */
    uint32_t (*scope_of)(void *user, const char *name, size_t length);
    /** The host's own lines in the answer to get=libvpn, by vpn_uapi_line: about the device when `peer` is 0, then about each
     * peer. An answer may be written more than once, until it fits, and must come out the same. May be NULL. */
    void (*more)(void *user, vpn_peer_id peer, vpn_uapi_lines *lines);
    /** A line of a set whose key begins with "libvpn_". Each is first given while the request is checked, to be judged by itself:
     * nothing may change, and `peer` is 0 when there is no such peer yet. With VPN_UAPI_MORE_APPLY it is carried out, in the order of
     * the lines, behind the peer's settings and prefixes; then peer_changed is called as for them. Lines of a peer
     * that is removed or passed over are not carried out.
     * @param how VPN_UAPI_MORE_*.
     * @param key and `value`: text with a NUL, of less than VPN_UAPI_MORE_KEY_CHARS and VPN_UAPI_MORE_VALUE_CHARS, without control
     * characters; gone after the call.
     * @return 0 or a positive errno value. NULL: such keys are unknown. */
    int (*set_more)(void *user, uint32_t how, vpn_peer_id peer, const char *key, const char *value);
} vpn_uapi_host;

/** @brief Why a request was refused. */
typedef struct vpn_uapi_error {
    uint32_t line;   /**< 1 is the first line of the request; 0: no line is to blame */
    int32_t error;   /**< a VPN_E* */
    int32_t number;  /**< the answer's errno, negative, such as -22 */
    char key[40];    /**< the key of that line, cut if longer; empty if it has none */
    const char *why; /**< static text such as "not a base-16 key"; never NULL after an error, never holds a secret */
} vpn_uapi_error;

/**
 * @brief Looks for the end of the first request in a buffer.
 * @return bytes of the request with its empty line, or 0 when more must come. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_uapi_complete(const char *text, size_t length);

/**
 * @brief Applies the lines of a set request (with or without "set=1" and the empty line). Each line ends with a line feed,
 * the last one too, since a line without it may have been cut short.
 * @param text `length` bytes, not NUL-terminated; holds keys, so the caller wipes it.
 * @param host NULL when the host has neither port nor mark.
 * @param error where the fault is told; may be NULL.
 * @return 0 or a VPN_E*. Nothing has changed when the text is at fault, or the host says so of one of its lines. When memory
 * runs out, a limit is met or the host refuses to carry something out (VPN_ESTATE), what stood before that line stays applied,
 * but a peer that was being added is not there.
 * Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) int vpn_uapi_set(vpn_wg *wg, const char *text, size_t length, const vpn_uapi_host *host,
                                           vpn_time now, vpn_uapi_error *error);

/**
 * @brief Writes the answer to a get request: the device and all peers, "errno=0" and an empty line.
 * @param out `capacity` bytes; not NUL-terminated; holds keys, so the caller wipes it. NULL when `capacity` is 0.
 * @param length receives the bytes written, or with VPN_ESPACE those needed.
 * @return 0, VPN_ESPACE (and `out` is wiped) or VPN_EINVAL (`host->size`). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 5) int vpn_uapi_get(const vpn_wg *wg, const vpn_uapi_host *host, char *out,
                                                        size_t capacity, size_t *length);

/**
 * @brief Serves one whole request: get=1, get=libvpn or set=1, with the answer as text.
 * @param out as in vpn_uapi_get; 64 bytes are enough for the answer to a set.
 * @return 0 when `out` holds an answer (which may be an error, told in `error` too); VPN_ESPACE, and then nothing has changed
 * and `length` is the need. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 7) int vpn_uapi_serve(vpn_wg *wg, const char *text, size_t text_length,
                                                             const vpn_uapi_host *host, char *out, size_t capacity,
                                                             size_t *length, vpn_time now, vpn_uapi_error *error);

/**
 * @brief Adds a line to an answer; only from inside of the host's `more`.
 * @param key "libvpn_" and more, of a-z, 0-9 and "_".
 * @param value without control characters.
 * @return 0, or VPN_EINVAL: a key or value that is not so, or longer than VPN_UAPI_MORE_*_CHARS. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2, 3) int vpn_uapi_line(vpn_uapi_lines *lines, const char *key, const char *value);

/**
 * @brief Reads "192.0.2.1:51820" or "[2001:db8::1%3]:51820" (a numeric scope). No name is looked up.
 * @return 0 or VPN_EFORMAT. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_endpoint_parse(vpn_endpoint *out, const char *text, size_t length);

#define VPN_ENDPOINT_CHARS 64 /**< enough for the text of any endpoint and a NUL */

/** @brief Writes an endpoint as vpn_endpoint_parse reads it, with a NUL; "(none)" for family 0. Any thread. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_endpoint_format(char out[VPN_ENDPOINT_CHARS], const vpn_endpoint *endpoint);

/**
 * @brief Reads "10.0.0.0/8", "2001:db8::/32", or an address alone (then /32 or /128). Bits past the length are zeroed.
 * @return 0 or VPN_EFORMAT. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefix_parse(vpn_prefix *out, const char *text, size_t length);

#define VPN_PREFIX_CHARS 48 /**< enough for the text of any prefix and a NUL */

/** @brief Writes a prefix as vpn_prefix_parse reads it (RFC 5952 for IPv6), with a NUL. Any thread. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_prefix_format(char out[VPN_PREFIX_CHARS], const vpn_prefix *prefix);

VPN_END

#endif

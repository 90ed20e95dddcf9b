/* SPDX-License-Identifier: ISC */
/* Invariants:
   - No mac2 is valid before the first secret was drawn, and a secret is never all that is left of an old one.
   - A cookie reply is made only for a message whose mac1 was checked by the caller.
   - A maker takes one cookie for each mac1 that it sent. */
#include <vpn/cookie.h>

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "wireguard/wire.h"

static void label_key(uint8_t out[32], const char label[8], const uint8_t public_key[32])
{
    vpn_blake2s state;

    vpn_blake2s_init(&state, 32, NULL, 0);
    vpn_blake2s_update(&state, label, 8);
    vpn_blake2s_update(&state, public_key, 32);
    vpn_blake2s_final(&state, out);
}

static void mac(uint8_t out[VPN_MAC_BYTES], const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t bytes)
{
    vpn_blake2s_hash(out, VPN_MAC_BYTES, data, bytes, key, key_bytes);
}

void vpn_cookie_checker_init(vpn_cookie_checker *checker, const uint8_t public_key[VPN_KEY_BYTES])
{
    memset(checker, 0, sizeof *checker);
    label_key(checker->mac1_key, "mac1----", public_key);
    label_key(checker->cookie_key, "cookie--", public_key);
    checker->secret_born = VPN_NEVER;
}

void vpn_cookie_maker_init(vpn_cookie_maker *maker)
{
    memset(maker, 0, sizeof *maker);
    maker->cookie_born = VPN_NEVER;
}

int vpn_mac1_check(const vpn_cookie_checker *checker, const uint8_t *message, size_t length)
{
    size_t at = vpn__wire_mac1(length);
    uint8_t expected[VPN_MAC_BYTES];

    if (at == 0)
        return VPN_EINVAL;
    mac(expected, checker->mac1_key, 32, message, at);
    return vpn_equal(expected, message + at, VPN_MAC_BYTES) ? VPN_OK : VPN_EAUTH;
}

/* Section 5.4.7: the cookie is a MAC over the sender's address, and the port is part of it. */
static void make_cookie(const vpn_cookie_checker *checker, uint8_t out[VPN_MAC_BYTES], const vpn_endpoint *from)
{
    size_t bytes = from->family == 6 ? 16 : 4;
    uint8_t source[18];

    memcpy(source, from->addr, bytes);
    vpn__store16be(source + bytes, from->port);
    mac(out, checker->secret, 32, source, bytes + 2);
}

/* Younger than `age`, when it was born at all. */
static int is_young(vpn_time born, vpn_time now, vpn_time age)
{
    return born != VPN_NEVER && (now < born || now - born < age);
}

int vpn_mac2_check(const vpn_cookie_checker *checker, const uint8_t *message, size_t length, const vpn_endpoint *from,
                   vpn_time now)
{
    size_t at = vpn__wire_mac1(length) + VPN_MAC_BYTES;
    uint8_t cookie[VPN_MAC_BYTES], expected[VPN_MAC_BYTES];
    int right;

    if (at == VPN_MAC_BYTES)
        return VPN_EINVAL;
    if (checker->secret_born == VPN_NEVER)
        return VPN_EAUTH;
    if (!is_young(checker->secret_born, now, VPN__COOKIE_SECRET_AGE))
        return VPN_EEXPIRED;
    make_cookie(checker, cookie, from);
    mac(expected, cookie, VPN_MAC_BYTES, message, at);
    right = vpn_equal(expected, message + at, VPN_MAC_BYTES);
    vpn_wipe(cookie, sizeof cookie);
    vpn_wipe(expected, sizeof expected);
    return right ? VPN_OK : VPN_EAUTH;
}

static int renew_secret(vpn_cookie_checker *checker, const vpn_env *env, vpn_time now)
{
    uint8_t fresh[32];

    if (is_young(checker->secret_born, now, VPN__COOKIE_SECRET_AGE))
        return VPN_OK;
    if (vpn__random(env, fresh, sizeof fresh) != VPN_OK)
        return VPN_ERANDOM;
    memcpy(checker->secret, fresh, sizeof fresh);
    checker->secret_born = now;
    vpn_wipe(fresh, sizeof fresh);
    return VPN_OK;
}

int vpn_cookie_reply(vpn_cookie_checker *checker, uint8_t reply[VPN_WG_COOKIE_BYTES], const uint8_t *message,
                     size_t length, const vpn_endpoint *from, const vpn_provider *provider, const vpn_env *env,
                     vpn_time now)
{
    size_t at = vpn__wire_mac1(length);
    uint8_t fresh[VPN_WG_COOKIE_BYTES], cookie[VPN_MAC_BYTES];
    vpn_env full;

    if (at == 0 || vpn__env_init(&full, env) != VPN_OK)
        return VPN_EINVAL;
    if (vpn__random(&full, fresh + VPN__COOKIE_NONCE, VPN_XNONCE_BYTES) != VPN_OK ||
        renew_secret(checker, &full, now) != VPN_OK)
        return VPN_ERANDOM;
    vpn__store32le(fresh, VPN__COOKIE_REPLY);
    memcpy(fresh + VPN__COOKIE_RECEIVER, message + VPN__INITIATION_SENDER, 4);
    make_cookie(checker, cookie, from);
    (provider != NULL && provider->xseal != NULL ? provider->xseal : vpn_xaead_seal)(
        fresh + VPN__COOKIE_SEALED, cookie, sizeof cookie, message + at, VPN_MAC_BYTES, fresh + VPN__COOKIE_NONCE,
        checker->cookie_key);
    vpn_wipe(cookie, sizeof cookie);
    memcpy(reply, fresh, sizeof fresh);
    return VPN_OK;
}

int vpn_mac_add(vpn_cookie_maker *maker, uint8_t *message, size_t length, const uint8_t remote[VPN_KEY_BYTES],
                vpn_time now)
{
    size_t at = vpn__wire_mac1(length);
    uint8_t key[32];

    if (at == 0)
        return VPN_EINVAL;
    label_key(key, "mac1----", remote);
    mac(message + at, key, sizeof key, message, at);
    memcpy(maker->last_mac1, message + at, VPN_MAC_BYTES);
    maker->mac1_sent = 1;
    at += VPN_MAC_BYTES;
    if (is_young(maker->cookie_born, now, VPN__COOKIE_AGE))
        mac(message + at, maker->cookie, VPN_MAC_BYTES, message, at);
    else
        memset(message + at, 0, VPN_MAC_BYTES);
    return VPN_OK;
}

int vpn_cookie_read(vpn_cookie_maker *maker, const uint8_t reply[VPN_WG_COOKIE_BYTES],
                    const uint8_t remote[VPN_KEY_BYTES], const vpn_provider *provider, vpn_time now)
{
    uint8_t key[32], cookie[VPN_MAC_BYTES];
    int error;

    if (vpn__load32le(reply) != VPN__COOKIE_REPLY)
        return VPN_EFORMAT;
    if (!maker->mac1_sent)
        return VPN_ESTATE;
    label_key(key, "cookie--", remote);
    error = (provider != NULL && provider->xopen != NULL ? provider->xopen : vpn_xaead_open)(
        cookie, reply + VPN__COOKIE_SEALED, VPN_MAC_BYTES + VPN_TAG_BYTES, maker->last_mac1, VPN_MAC_BYTES,
        reply + VPN__COOKIE_NONCE, key);
    if (error == VPN_OK) {
        memcpy(maker->cookie, cookie, sizeof cookie);
        maker->cookie_born = now;
        maker->mac1_sent = 0;
    }
    vpn_wipe(cookie, sizeof cookie);
    return error;
}

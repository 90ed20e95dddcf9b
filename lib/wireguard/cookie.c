/* SPDX-License-Identifier: ISC */
/* Invariants:
   - No mac2 is valid before the first secret was drawn, and a secret is never all that is left of an old one.
   - A cookie reply is made only for a message whose mac1 was checked by the caller.
   - A maker takes one cookie for each mac1 that it sent. */
#include "wireguard/cookie.h"

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "crypto/blake2s.h"
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
    uint32_t keyed[8];

    vpn__blake2s_keyed(keyed, VPN_MAC_BYTES, key, key_bytes);
    vpn__blake2s_resume(out, VPN_MAC_BYTES, keyed, data, bytes);
    vpn_wipe(keyed, sizeof keyed);
    vpn__blake2s_burn();
}

void vpn_cookie_checker_init(vpn_cookie_checker *checker, const uint8_t public_key[VPN_KEY_BYTES])
{
    uint8_t key[32];

    memset(checker, 0, sizeof *checker);
    label_key(key, "mac1----", public_key);
    vpn__blake2s_keyed(checker->mac1_keyed, VPN_MAC_BYTES, key, sizeof key);
    label_key(checker->cookie_key, "cookie--", public_key);
    checker->secret_born = VPN_NEVER;
}

void vpn_cookie_maker_init(vpn_cookie_maker *maker)
{
    memset(maker, 0, sizeof *maker);
    maker->cookie_born = VPN_NEVER;
}

/* The key is made of a public key, so nothing here is a secret. */
int vpn_mac1_check(const vpn_cookie_checker *checker, const uint8_t *message, size_t length)
{
    size_t at = vpn__wire_mac1(length);
    uint8_t expected[VPN_MAC_BYTES];

    if (at == 0)
        return VPN_EINVAL;
    vpn__blake2s_resume(expected, sizeof expected, checker->mac1_keyed, message, at);
    return vpn_equal(expected, message + at, VPN_MAC_BYTES) ? VPN_OK : VPN_EAUTH;
}

/* Section 5.4.7: the cookie is a MAC over the sender's address, and the port is part of it. */
static void make_cookie(const vpn_cookie_checker *checker, struct vpn__cookie *out, const vpn_endpoint *from)
{
    size_t bytes = from->family == 6 ? 16 : 4;
    uint8_t source[18];

    memcpy(source, from->addr, bytes);
    vpn__store16be(source + bytes, from->port);
    vpn__blake2s_resume(out->bytes, sizeof out->bytes, checker->secret_keyed, source, bytes + 2);
    out->made = 1;
}

/* Younger than `age`, when it was born at all. */
static int is_young(vpn_time born, vpn_time now, vpn_time age)
{
    return born != VPN_NEVER && (now < born || now - born < age);
}

int vpn__cookie_check(const vpn_cookie_checker *checker, struct vpn__cookie *cookie, const uint8_t *message,
                      size_t length, const vpn_endpoint *from, vpn_time now)
{
    size_t at = vpn__wire_mac1(length) + VPN_MAC_BYTES;
    uint8_t expected[VPN_MAC_BYTES];
    int right;

    if (at == VPN_MAC_BYTES)
        return VPN_EINVAL;
    if (checker->secret_born == VPN_NEVER)
        return VPN_EAUTH;
    if (!is_young(checker->secret_born, now, VPN__COOKIE_SECRET_AGE))
        return VPN_EEXPIRED;
    make_cookie(checker, cookie, from);
    mac(expected, cookie->bytes, VPN_MAC_BYTES, message, at);
    right = vpn_equal(expected, message + at, VPN_MAC_BYTES);
    vpn_wipe(expected, sizeof expected);
    return right ? VPN_OK : VPN_EAUTH;
}

int vpn_mac2_check(const vpn_cookie_checker *checker, const uint8_t *message, size_t length, const vpn_endpoint *from,
                   vpn_time now)
{
    struct vpn__cookie cookie;
    int error = vpn__cookie_check(checker, &cookie, message, length, from, now);

    vpn_wipe(&cookie, sizeof cookie);
    return error;
}

static int renew_secret(vpn_cookie_checker *checker, const vpn_env *env, vpn_time now)
{
    uint8_t fresh[32];

    if (is_young(checker->secret_born, now, VPN__COOKIE_SECRET_AGE))
        return VPN_OK;
    if (vpn__random(env, fresh, sizeof fresh) != VPN_OK)
        return VPN_ERANDOM;
    vpn__blake2s_keyed(checker->secret_keyed, VPN_MAC_BYTES, fresh, sizeof fresh);
    checker->secret_born = now;
    vpn_wipe(fresh, sizeof fresh);
    return VPN_OK;
}

int vpn__cookie_answer(vpn_cookie_checker *checker, struct vpn__cookie *cookie, uint8_t reply[VPN_WG_COOKIE_BYTES],
                       const uint8_t *message, size_t length, const vpn_endpoint *from, const vpn_provider *provider,
                       const uint8_t nonce[VPN_XNONCE_BYTES], const vpn_env *env, vpn_time now)
{
    size_t at = vpn__wire_mac1(length);
    uint8_t fresh[VPN_WG_COOKIE_BYTES];

    if (renew_secret(checker, env, now) != VPN_OK)
        return VPN_ERANDOM;
    vpn__store32le(fresh, VPN__COOKIE_REPLY);
    memcpy(fresh + VPN__COOKIE_RECEIVER, message + VPN__INITIATION_SENDER, 4);
    memcpy(fresh + VPN__COOKIE_NONCE, nonce, VPN_XNONCE_BYTES);
    if (!cookie->made)
        make_cookie(checker, cookie, from);
    (provider != NULL && provider->xseal != NULL ? provider->xseal : vpn_xaead_seal)(
        fresh + VPN__COOKIE_SEALED, cookie->bytes, sizeof cookie->bytes, message + at, VPN_MAC_BYTES,
        fresh + VPN__COOKIE_NONCE, checker->cookie_key);
    memcpy(reply, fresh, sizeof fresh);
    return VPN_OK;
}

int vpn_cookie_reply(vpn_cookie_checker *checker, uint8_t reply[VPN_WG_COOKIE_BYTES], const uint8_t *message,
                     size_t length, const vpn_endpoint *from, const vpn_provider *provider, const vpn_env *env,
                     vpn_time now)
{
    struct vpn__cookie cookie = {.made = 0};
    uint8_t nonce[VPN_XNONCE_BYTES];
    vpn_env full;
    int error;

    if (vpn__wire_mac1(length) == 0 || vpn__env_init(&full, env) != VPN_OK)
        return VPN_EINVAL;
    if (vpn__random(&full, nonce, sizeof nonce) != VPN_OK)
        return VPN_ERANDOM;
    error = vpn__cookie_answer(checker, &cookie, reply, message, length, from, provider, nonce, &full, now);
    vpn_wipe(&cookie, sizeof cookie);
    vpn__blake2s_burn();
    return error;
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

/* SPDX-License-Identifier: ISC */
#include <vpn/handshake.h>

#include "base/bytes.h"
#include "common/host.h"
#include "common/points.h"
#include "common/provider.h"
#include "wireguard/handshake.h"

#define INDEX_A UINT32_C(0x01020304)
#define INDEX_B UINT32_C(0xf1f2f3f4)

/* Randomness is the byte string that a test puts here, from its start each time. */
struct script {
    struct host host;
    uint8_t ephemeral[32];
    int status;
};

static int scripted(void *user, uint8_t *out, size_t bytes)
{
    struct script *script = user;
    ck_assert_uint_eq(bytes, 32);
    memcpy(out, script->ephemeral, 32);
    return script->status;
}

struct side {
    struct script script;
    vpn_env env;
    vpn_handshake *h;
    uint8_t private_key[32], public_key[32];
};

static struct side a, b;
static uint8_t psk[32], stamp[VPN_TAI64N_BYTES];
static uint8_t initiation[VPN_WG_INITIATION_BYTES], response[VPN_WG_RESPONSE_BYTES];

static void side_init(struct side *side, uint64_t seed)
{
    memset(side, 0, sizeof(*side));
    host_init(&side->script.host);
    side->env = side->script.host.env;
    side->env.random = scripted;
    test_fill(&seed, side->private_key, 32);
    test_fill(&seed, side->script.ephemeral, 32);
    vpn_key_public(side->public_key, side->private_key);
    ck_assert_int_eq(vpn_handshake_new(&side->h, side->private_key, NULL, &side->env), 0);
}

static void side_end(struct side *side)
{
    vpn_handshake_free(side->h);
    host_end(&side->script.host);
}

static void start(void)
{
    uint64_t seed = 99;
    side_init(&a, 1);
    side_init(&b, 2);
    test_fill(&seed, psk, 32);
    test_fill(&seed, stamp, sizeof(stamp));
}

static void end(void)
{
    side_end(&a);
    side_end(&b);
}

static void initiate(const uint8_t *preshared)
{
    memset(initiation, 0xee, sizeof(initiation));
    ck_assert_int_eq(vpn_handshake_initiate(a.h, initiation, b.public_key, preshared, INDEX_A, stamp), 0);
}

static void read_initiation(void)
{
    uint8_t remote[32], got[VPN_TAI64N_BYTES];
    ck_assert_int_eq(vpn_handshake_read_initiation(b.h, initiation, remote, got), 0);
    ck_assert_mem_eq(remote, a.public_key, 32);
    ck_assert_mem_eq(got, stamp, sizeof(stamp));
}

static void respond(const uint8_t *preshared)
{
    memset(response, 0xee, sizeof(response));
    ck_assert_int_eq(vpn_handshake_respond(b.h, response, preshared, INDEX_B), 0);
}

static void expect_finished(void)
{
    vpn_session_keys ours, theirs;
    ck_assert_int_eq(vpn_handshake_finish(a.h, &ours), 0);
    ck_assert_int_eq(vpn_handshake_finish(b.h, &theirs), 0);
    ck_assert_mem_eq(ours.send, theirs.receive, 32);
    ck_assert_mem_eq(ours.receive, theirs.send, 32);
    ck_assert_mem_ne(ours.send, ours.receive, 32);
    ck_assert(ours.initiator == 1 && theirs.initiator == 0 && ours.reserved == 0 && theirs.reserved == 0);
    ck_assert(ours.local_index == INDEX_A && ours.remote_index == INDEX_B);
    ck_assert(theirs.local_index == INDEX_B && theirs.remote_index == INDEX_A);
    ck_assert_int_eq(vpn_handshake_finish(a.h, &ours), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_finish(b.h, &theirs), VPN_ESTATE);
}

START_TEST(both_roles)
{
    const uint8_t *choice[] = {psk, NULL};
    for (size_t i = 0; i < 2; i++) {
        start();
        initiate(choice[i]);
        read_initiation();
        respond(choice[i]);
        ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
        expect_finished();
        end();
    }
}
END_TEST

/* Forward secrecy: once the response was read, the object holds no ephemeral key any more. Its state comes first in it. */
START_TEST(ephemeral_key_is_wiped)
{
    start();
    const struct vpn__handshake *state = (const void *)a.h;
    initiate(psk);
    ck_assert_mem_eq(state->ephemeral, a.script.ephemeral, 32);
    read_initiation();
    respond(psk);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    ck_assert(test_is_zero(state->ephemeral, 32));
    end();
}
END_TEST

/* One object serves again and again, in either role, and a new initiation forgets the earlier one. */
START_TEST(reuse)
{
    uint8_t old[VPN_WG_INITIATION_BYTES], remote[32], got[12];
    start();
    initiate(NULL);
    memcpy(old, initiation, sizeof(old));
    a.script.ephemeral[5] ^= 1;
    initiate(NULL);
    ck_assert_int_eq(vpn_handshake_read_initiation(b.h, old, remote, got), 0);
    respond(NULL);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_EAUTH);
    read_initiation();
    respond(NULL);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    expect_finished();
    /* and now the other way */
    ck_assert_int_eq(vpn_handshake_initiate(b.h, initiation, a.public_key, NULL, 5, stamp), 0);
    ck_assert_int_eq(vpn_handshake_read_initiation(a.h, initiation, remote, got), 0);
    ck_assert_mem_eq(remote, b.public_key, 32);
    ck_assert_int_eq(vpn_handshake_respond(a.h, response, NULL, 6), 0);
    ck_assert_int_eq(vpn_handshake_read_response(b.h, response), 0);
    end();
}
END_TEST

START_TEST(golden_fields)
{
    start();
    initiate(psk);
    test_expect_hex(initiation, 8, "01000000 04030201");
    ck_assert(test_is_zero(initiation + 116, 32));
    read_initiation();
    respond(psk);
    test_expect_hex(response, 12, "02000000 f4f3f2f1 04030201");
    ck_assert(test_is_zero(response + 60, 32));
    end();
}
END_TEST

/* A changed byte is refused, wherever it is; the true message completes all the same. */
START_TEST(tampered_initiation)
{
    uint8_t remote[32], got[12];
    start();
    initiate(psk);
    for (size_t i = 0; i < 116; i++) {
        memset(remote, 7, sizeof(remote));
        memset(got, 7, sizeof(got));
        initiation[i] ^= 0x11;
        int error = vpn_handshake_read_initiation(b.h, initiation, remote, got);
        initiation[i] ^= 0x11;
        if (i >= 4 && i < 8) {
            ck_assert_int_eq(error, 0); /* the sender's index is under mac1 only */
            continue;
        }
        ck_assert_int_eq(error, i < 4 ? VPN_EFORMAT : VPN_EAUTH);
        ck_assert(remote[0] == 7 && got[0] == 7);
    }
    read_initiation();
    respond(psk);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    expect_finished();
    end();
}
END_TEST

/* A bad message must not undo an initiation that was read already. */
START_TEST(bad_initiation_after_a_good_one)
{
    uint8_t remote[32], got[12], bad[VPN_WG_INITIATION_BYTES];
    start();
    initiate(psk);
    read_initiation();
    memcpy(bad, initiation, sizeof(bad));
    bad[110] ^= 1;
    ck_assert_int_eq(vpn_handshake_read_initiation(b.h, bad, remote, got), VPN_EAUTH);
    memset(bad + 8, 0, 32);
    ck_assert_int_eq(vpn_handshake_read_initiation(b.h, bad, remote, got), VPN_EKEY);
    respond(psk);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    expect_finished();
    end();
}
END_TEST

START_TEST(tampered_response)
{
    start();
    initiate(psk);
    read_initiation();
    respond(psk);
    for (size_t i = 0; i < 60; i++) {
        if (i >= 4 && i < 8)
            continue; /* the sender's index is under mac1 only */
        int want = i < 4 ? VPN_EFORMAT : i < 12 ? VPN_ESTATE : VPN_EAUTH;
        response[i] ^= 0x80;
        ck_assert_int_eq(vpn_handshake_read_response(a.h, response), want);
        response[i] ^= 0x80;
    }
    uint8_t ephemeral[32];
    memcpy(ephemeral, response + 12, 32);
    memset(response + 12, 0, 32);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_EKEY);
    memcpy(response + 12, ephemeral, 32);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    expect_finished();
    end();
}
END_TEST

START_TEST(preshared_key_counts)
{
    start();
    initiate(psk);
    read_initiation();
    respond(NULL);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_EAUTH);
    end();
}
END_TEST

START_TEST(wrong_order)
{
    vpn_session_keys keys;
    memset(response, 0, sizeof(response));
    response[0] = 2;
    start();
    ck_assert_int_eq(vpn_handshake_finish(a.h, &keys), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_respond(b.h, initiation, psk, 1), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_ESTATE);
    initiate(psk);
    ck_assert_int_eq(vpn_handshake_finish(a.h, &keys), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_respond(a.h, response, psk, 1), VPN_ESTATE);
    read_initiation();
    ck_assert_int_eq(vpn_handshake_finish(b.h, &keys), VPN_ESTATE);
    respond(psk);
    ck_assert_int_eq(vpn_handshake_respond(b.h, initiation, psk, 1), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_read_response(b.h, response), VPN_ESTATE);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_ESTATE);
    expect_finished();
    end();
}
END_TEST

/* The device opens an initiation and then has it proved: never one that was not opened, nor one that was proved. */
START_TEST(proof_out_of_turn)
{
    static const enum vpn__handshake_step steps[] = {VPN__HANDSHAKE_NONE, VPN__HANDSHAKE_INITIATED,
                                                     VPN__HANDSHAKE_PROVED, VPN__HANDSHAKE_COMPLETE};
    const uint8_t ss[32] = {1};
    uint8_t out[VPN_TAI64N_BYTES];
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct vpn__handshake h = {.step = steps[i], .ephemeral = {7}};
        ck_assert_int_eq(vpn__handshake_prove(&h, initiation, ss, out), VPN_ESTATE);
        ck_assert(test_is_zero(&h, sizeof(h)));
    }
}
END_TEST

/* The agreement that fails is counted down from here; 0: none does. */
static uint32_t agreements;

static int agree(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    if (agreements != 0 && --agreements == 0) {
        memset(out, 0, 32);
        return VPN_EKEY;
    }
    return vpn_x25519(out, scalar, point);
}

/* Each agreement fails once. The same again succeeds; only a responder has to read the initiation again. */
START_TEST(failed_agreements)
{
    vpn_provider own = *vpn_provider_sodium();
    uint8_t remote[32] = {0}, got[12] = {0};
    own.x25519 = agree;
    start();
    vpn_handshake_free(a.h);
    vpn_handshake_free(b.h);
    ck_assert_int_eq(vpn_handshake_new(&a.h, a.private_key, &own, &a.env), 0);
    ck_assert_int_eq(vpn_handshake_new(&b.h, b.private_key, &own, &b.env), 0);
    for (uint32_t i = 1; i <= 2; i++) {
        agreements = i;
        ck_assert_int_eq(vpn_handshake_initiate(a.h, initiation, b.public_key, psk, INDEX_A, stamp), VPN_EKEY);
    }
    initiate(psk);
    for (uint32_t i = 1; i <= 2; i++) {
        agreements = i;
        ck_assert_int_eq(vpn_handshake_read_initiation(b.h, initiation, remote, got), VPN_EKEY);
        ck_assert(test_is_zero(remote, sizeof remote) && test_is_zero(got, sizeof got));
    }
    for (uint32_t i = 1; i <= 2; i++) {
        read_initiation();
        agreements = i;
        memset(response, 0x77, sizeof response);
        ck_assert_int_eq(vpn_handshake_respond(b.h, response, psk, INDEX_B), VPN_EKEY);
        ck_assert(test_is_zero(response, sizeof response));
        ck_assert_int_eq(vpn_handshake_respond(b.h, response, psk, INDEX_B), VPN_ESTATE);
    }
    read_initiation();
    respond(psk);
    for (uint32_t i = 1; i <= 2; i++) {
        agreements = i;
        ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_EKEY);
    }
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    ck_assert_uint_eq(agreements, 0);
    expect_finished();
    end();
}
END_TEST

START_TEST(low_order_keys)
{
    uint8_t remote[32], got[12], point[32];
    memset(response, 0, sizeof(response));
    response[0] = 2;
    start();
    for (int i = 0; i < TEST_LOW_ORDER; i++) {
        test_low_order(point, i);
        ck_assert_int_eq(vpn_handshake_initiate(a.h, initiation, point, psk, 1, stamp), VPN_EKEY);
        ck_assert_int_eq(vpn_handshake_read_response(a.h, response), VPN_ESTATE);
        initiate(psk);
        memcpy(initiation + 8, point, 32);
        ck_assert_int_eq(vpn_handshake_read_initiation(b.h, initiation, remote, got), VPN_EKEY);
    }
    end();
}
END_TEST

START_TEST(broken_randomness)
{
    start();
    a.script.status = -1;
    ck_assert_int_eq(vpn_handshake_initiate(a.h, initiation, b.public_key, psk, 1, stamp), VPN_ERANDOM);
    ck_assert(test_is_zero(initiation, sizeof(initiation)));
    a.script.status = 0;
    initiate(psk);
    read_initiation();
    b.script.status = 1;
    ck_assert_int_eq(vpn_handshake_respond(b.h, response, psk, 1), VPN_ERANDOM);
    ck_assert(test_is_zero(response, sizeof(response)));
    b.script.status = 0;
    read_initiation();
    respond(psk);
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    expect_finished();
    end();
}
END_TEST

/* The response may be written where the initiation stands. */
START_TEST(shared_memory)
{
    uint8_t apart[VPN_WG_RESPONSE_BYTES];
    start();
    initiate(psk);
    read_initiation();
    respond(psk);
    memcpy(apart, response, sizeof(apart));
    read_initiation();
    ck_assert_int_eq(vpn_handshake_respond(b.h, initiation, psk, INDEX_B), 0);
    ck_assert_mem_eq(initiation, apart, sizeof(apart));
    ck_assert_int_eq(vpn_handshake_read_response(a.h, initiation), 0);
    expect_finished();
    end();
}
END_TEST

START_TEST(no_memory)
{
    struct host host;
    vpn_handshake *h = a.h;
    host_init(&host);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn_handshake_new(&h, psk, NULL, &host.env), VPN_ENOMEM);
    ck_assert_ptr_null(h);
    host_heal(&host);
    vpn_env bad = host.env;
    bad.size = 3;
    ck_assert_int_eq(vpn_handshake_new(&h, psk, NULL, &bad), VPN_EINVAL);
    ck_assert_ptr_null(h);
    vpn_provider unsound = unsound_provider(0);
    ck_assert_int_eq(vpn_handshake_new(&h, psk, &unsound, &host.env), VPN_EINVAL);
    ck_assert_ptr_null(h);
    vpn_handshake_free(NULL);
    host_end(&host);
}
END_TEST

/* --- the messages once more, from sections 5.4.1 to 5.4.5 alone: C is the chaining key, H the hash, K the key --- */

struct paper {
    uint8_t c[32], h[32], k[32];
};

static void paper_hash(struct paper *p, const uint8_t *data, size_t bytes)
{
    uint8_t joined[32 + 64];
    memcpy(joined, p->h, 32);
    memcpy(joined + 32, data, bytes);
    vpn_blake2s_hash(p->h, 32, joined, 32 + bytes, NULL, 0);
}

/* Kdf_n(key, input): t0 = Hmac(key, input), t_i = Hmac(t0, t_(i-1) || i). */
static void kdf(uint8_t out[][32], size_t n, const uint8_t key[32], const uint8_t *input, size_t bytes)
{
    uint8_t t0[32], block[33];
    vpn_hmac(t0, key, 32, input, bytes);
    for (size_t i = 1; i <= n; i++) {
        size_t before = i == 1 ? 0 : 32;
        memcpy(block, out[i == 1 ? 0 : i - 2], before);
        block[before] = (uint8_t)i;
        vpn_hmac(out[i - 1], t0, 32, block, before + 1);
    }
}

static void paper_mix(struct paper *p, const uint8_t input[32])
{
    uint8_t out[2][32];
    kdf(out, 2, p->c, input, 32);
    memcpy(p->c, out[0], 32);
    memcpy(p->k, out[1], 32);
}

static void paper_dh(struct paper *p, const uint8_t scalar[32], const uint8_t point[32])
{
    uint8_t shared[32];
    ck_assert_int_eq(vpn_x25519(shared, scalar, point), 0);
    paper_mix(p, shared);
}

static void paper_seal(struct paper *p, uint8_t *out, const uint8_t *text, size_t bytes)
{
    static const uint8_t nonce[12];
    vpn_aead_seal(out, text, bytes, p->h, 32, nonce, p->k);
    paper_hash(p, out, bytes + 16);
}

static void paper_ephemeral(struct paper *p, uint8_t *out, const uint8_t scalar[32])
{
    uint8_t next[1][32];
    vpn_key_public(out, scalar);
    paper_hash(p, out, 32);
    kdf(next, 1, p->c, out, 32);
    memcpy(p->c, next[0], 32);
}

static void paper_initiation(struct paper *p, uint8_t *out)
{
    static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
    static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
    vpn_blake2s_hash(p->c, 32, construction, 37, NULL, 0);
    memcpy(p->h, p->c, 32);
    paper_hash(p, (const uint8_t *)identifier, 34);
    paper_hash(p, b.public_key, 32);
    out[0] = 1;
    vpn__store32le(out + 4, INDEX_A);
    paper_ephemeral(p, out + 8, a.script.ephemeral);
    paper_dh(p, a.script.ephemeral, b.public_key);
    paper_seal(p, out + 40, a.public_key, 32);
    paper_dh(p, a.private_key, b.public_key);
    paper_seal(p, out + 88, stamp, 12);
}

static void paper_response(struct paper *p, uint8_t *out)
{
    uint8_t three[3][32];
    out[0] = 2;
    vpn__store32le(out + 4, INDEX_B);
    vpn__store32le(out + 8, INDEX_A);
    paper_ephemeral(p, out + 12, b.script.ephemeral);
    paper_dh(p, b.script.ephemeral, initiation + 8);
    paper_dh(p, b.script.ephemeral, a.public_key);
    kdf(three, 3, p->c, psk, 32);
    memcpy(p->c, three[0], 32);
    paper_hash(p, three[1], 32);
    memcpy(p->k, three[2], 32);
    paper_seal(p, out + 44, NULL, 0);
}

START_TEST(known_answer)
{
    struct paper p;
    uint8_t want[VPN_WG_INITIATION_BYTES] = {0}, want2[VPN_WG_RESPONSE_BYTES] = {0}, keys[2][32];
    vpn_session_keys ours, theirs;
    start();
    initiate(psk);
    paper_initiation(&p, want);
    ck_assert_mem_eq(initiation, want, sizeof(want));
    read_initiation();
    respond(psk);
    paper_response(&p, want2);
    ck_assert_mem_eq(response, want2, sizeof(want2));
    ck_assert_int_eq(vpn_handshake_read_response(a.h, response), 0);
    ck_assert_int_eq(vpn_handshake_finish(a.h, &ours), 0);
    ck_assert_int_eq(vpn_handshake_finish(b.h, &theirs), 0);
    kdf(keys, 2, p.c, NULL, 0);
    ck_assert_mem_eq(ours.send, keys[0], 32);
    ck_assert_mem_eq(ours.receive, keys[1], 32);
    ck_assert_mem_eq(theirs.send, keys[1], 32);
    ck_assert_mem_eq(theirs.receive, keys[0], 32);
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("handshake");
    test_add(s, "both roles", both_roles);
    test_add(s, "ephemeral key is wiped", ephemeral_key_is_wiped);
    test_add(s, "reuse", reuse);
    test_add(s, "golden fields", golden_fields);
    test_add(s, "tampered initiation", tampered_initiation);
    test_add(s, "bad initiation after a good one", bad_initiation_after_a_good_one);
    test_add(s, "tampered response", tampered_response);
    test_add(s, "preshared key counts", preshared_key_counts);
    test_add(s, "wrong order", wrong_order);
    test_add(s, "proof out of turn", proof_out_of_turn);
    test_add(s, "failed_agreements", failed_agreements);
    test_add(s, "low-order keys", low_order_keys);
    test_add(s, "broken randomness", broken_randomness);
    test_add(s, "shared memory", shared_memory);
    test_add(s, "no memory", no_memory);
    test_add(s, "known answer", known_answer);
    return s;
}

TEST_MAIN(suite)

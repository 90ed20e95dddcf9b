/* SPDX-License-Identifier: ISC */
/* The vectors of Project Wycheproof, for the direct functions and for the provider. */
#include "common/vectors.h"

#include "common/providers.h"

#define ROOM 1024

typedef struct vector {
    uint8_t key[32], iv[64], ad[ROOM], text[ROOM], sealed[ROOM + VPN_TAG_BYTES];
    size_t iv_bytes, ad_length, length;
    int id, valid;
} vector;

/* False when the nonce has another size, which cannot be given to these functions. */
static int read_vector(vector *v, const cJSON *test, size_t nonce_bytes)
{
    v->id = test_vectors_number(test, "tcId");
    v->valid = strcmp(test_vectors_text(test, "result"), "valid") == 0;
    v->iv_bytes = test_vectors_hex(v->iv, sizeof(v->iv), test, "iv");
    if (v->iv_bytes != nonce_bytes)
        return 0;
    ck_assert_uint_eq(test_vectors_hex(v->key, sizeof(v->key), test, "key"), sizeof(v->key));
    v->ad_length = test_vectors_hex(v->ad, sizeof(v->ad), test, "aad");
    v->length = test_vectors_hex(v->text, sizeof(v->text), test, "msg");
    ck_assert_uint_eq(test_vectors_hex(v->sealed, ROOM, test, "ct"), v->length);
    ck_assert_uint_eq(test_vectors_hex(v->sealed + v->length, VPN_TAG_BYTES, test, "tag"), VPN_TAG_BYTES);
    return 1;
}

/* A valid vector is what sealing gives, an invalid one differs in its tag; opening tells them apart. */
static void check_direct(const vector *v)
{
    uint8_t out[ROOM + VPN_TAG_BYTES];
    size_t sealed = v->length + VPN_TAG_BYTES;
    int x = v->iv_bytes == VPN_XNONCE_BYTES;
    (x ? vpn_xaead_seal : vpn_aead_seal)(out, v->text, v->length, v->ad, v->ad_length, v->iv, v->key);
    ck_assert_msg((memcmp(out, v->sealed, sealed) == 0) == v->valid, "test %d: sealed", v->id);
    ck_assert_mem_eq(out, v->sealed, v->length);

    memset(out, 0xcc, sizeof(out));
    int status = (x ? vpn_xaead_open : vpn_aead_open)(out, v->sealed, sealed, v->ad, v->ad_length, v->iv, v->key);
    ck_assert_msg(status == (v->valid ? 0 : VPN_EAUTH), "test %d: opened", v->id);
    if (v->valid)
        ck_assert_mem_eq(out, v->text, v->length);
    else
        ck_assert(test_is_zero(out, v->length));
}

static void check_provider(const vector *v, const struct test_provider *with)
{
    const vpn_provider *provider = with->provider;
    uint8_t data[ROOM + VPN_TAG_BYTES];
    void *slot = with->slot, *scratch = with->scratch;
    vpn_aead_job job = {.key = slot, .data = data, .length = v->length, .ad = v->ad, .ad_length = v->ad_length};
    ck_assert_int_eq(provider->init_key(slot, v->key), 0);
    memcpy(job.nonce, v->iv, VPN_NONCE_BYTES);

    memcpy(data, v->sealed, v->length + VPN_TAG_BYTES);
    ck_assert_uint_eq(provider->open(scratch, &job, 1), (size_t)v->valid);
    ck_assert_msg(job.done == (uint32_t)v->valid, "test %d: opened by %s", v->id, provider->name);
    if (!v->valid)
        return;
    ck_assert_mem_eq(data, v->text, v->length);
    ck_assert_uint_eq(provider->seal(scratch, &job, 1), 1);
    ck_assert_mem_eq(data, v->sealed, v->length + VPN_TAG_BYTES);
}

static struct test_providers providers;

/* Returns how many vectors were used. */
static int check_file(const char *name, size_t nonce_bytes)
{
    static vector v;
    cJSON *root = test_vectors_load(name);
    const cJSON *group, *test;
    int used = 0, seen = 0;
    cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(root, "testGroups"))
    {
        cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(group, "tests"))
        {
            seen++;
            if (!read_vector(&v, test, nonce_bytes)) {
                ck_assert(!v.valid);
                continue;
            }
            used++;
            check_direct(&v);
            for (size_t i = 0; i < providers.count && nonce_bytes == VPN_NONCE_BYTES; i++)
                check_provider(&v, &providers.of[i]);
        }
    }
    ck_assert_int_eq(seen, test_vectors_number(root, "numberOfTests"));
    cJSON_Delete(root);
    return used;
}

START_TEST(chacha20_poly1305)
{
    ck_assert_int_ge(check_file("chacha20_poly1305_test.json", VPN_NONCE_BYTES), 300);
}
END_TEST

START_TEST(xchacha20_poly1305)
{
    ck_assert_int_ge(check_file("xchacha20_poly1305_test.json", VPN_XNONCE_BYTES), 300);
}
END_TEST

/* "Acceptable" covers twists, non-canonical and low-order points: all are computed, and only a zero result is refused. */
START_TEST(x25519)
{
    cJSON *root = test_vectors_load("x25519_test.json");
    const cJSON *group, *test;
    int seen = 0, refused = 0;
    cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(root, "testGroups"))
    {
        cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(group, "tests"))
        {
            uint8_t scalar[32], point[32], want[32], out[32];
            int id = test_vectors_number(test, "tcId");
            ck_assert_uint_eq(test_vectors_hex(scalar, 32, test, "private"), 32);
            ck_assert_uint_eq(test_vectors_hex(point, 32, test, "public"), 32);
            ck_assert_uint_eq(test_vectors_hex(want, 32, test, "shared"), 32);
            int zero = test_is_zero(want, 32);
            memset(out, 0xcc, sizeof(out));
            ck_assert_msg(vpn_x25519(out, scalar, point) == (zero ? VPN_EKEY : 0), "test %d: status", id);
            ck_assert_msg(memcmp(out, want, 32) == 0, "test %d: result", id);
            for (size_t i = 0; i < providers.count; i++) {
                const vpn_provider *provider = providers.of[i].provider;
                if (!provider->x25519)
                    continue;
                memset(out, 0xcc, sizeof(out));
                ck_assert_msg(provider->x25519(out, scalar, point) == (zero ? VPN_EKEY : 0), "test %d: %s", id,
                              provider->name);
                ck_assert_msg(memcmp(out, want, 32) == 0, "test %d: %s", id, provider->name);
            }
            seen++;
            refused += zero;
        }
    }
    ck_assert_int_eq(seen, test_vectors_number(root, "numberOfTests"));
    ck_assert_int_ge(seen, 500);
    ck_assert_int_ge(refused, 14);
    cJSON_Delete(root);
}
END_TEST

static Suite *wycheproof_suite(void)
{
    Suite *suite = suite_create("wycheproof");
    test_providers_begin(&providers);
    test_add(suite, "chacha20_poly1305", chacha20_poly1305);
    test_add(suite, "xchacha20_poly1305", xchacha20_poly1305);
    test_add(suite, "x25519", x25519);
    return suite;
}

TEST_MAIN_VECTORS(wycheproof_suite, "x25519_test.json")

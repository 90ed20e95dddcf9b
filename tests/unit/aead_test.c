/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include <vpn/crypto.h>

/* Both AEADs differ in their nonce only. */
typedef struct aead {
    size_t nonce_bytes;
    void (*seal)(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad, size_t ad_length,
                 const uint8_t *nonce, const uint8_t *key);
    int (*open)(uint8_t *out, const uint8_t *sealed, size_t length, const uint8_t *ad, size_t ad_length,
                const uint8_t *nonce, const uint8_t *key);
} aead;

static const aead aeads[2] = {
    {VPN_NONCE_BYTES, vpn_aead_seal, vpn_aead_open},
    {VPN_XNONCE_BYTES, vpn_xaead_seal, vpn_xaead_open},
};

#define SUNSCREEN                                                                                                      \
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f66"   \
    "66657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c6420626520" \
    "69742e"

static const struct {
    int x;
    const char *key, *nonce, *ad, *text, *sealed, *tag;
} vectors[] = {
    /* RFC 8439 section 2.8.2 */
    {0, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
     "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
     "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
     "6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
    /* RFC 8439 appendix A.5 */
    {0, "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", "000000000102030405060708",
     "f33388860000000000004e91",
     "496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c696420666f722061206d6178696d756d20"
     "6f6620736978206d6f6e74687320616e64206d617920626520757064617465642c207265706c616365642c206f72206f62736f6c65746564"
     "206279206f7468657220646f63756d656e747320617420616e792074696d652e20497420697320696e617070726f70726961746520746f20"
     "75736520496e7465726e65742d447261667473206173207265666572656e6365206d6174657269616c206f7220746f206369746520746865"
     "6d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67726573732e2fe2809d",
     "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
     "d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
     "3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
     "5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
     "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b",
     "eead9d67890cbb22392336fea1851f38"},
    /* draft-irtf-cfrg-xchacha-03 appendix A.3.1 */
    {1, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "404142434445464748494a4b4c4d4e4f5051525354555657", "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
     "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
     "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13"
     "b52e",
     "c0875924c1c7987947deafd8780acf49"},
};

START_TEST(known_answers)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const aead *a = &aeads[vectors[i].x];
        uint8_t key[32], nonce[24], ad[16], text[300], sealed[316], opened[300];
        ck_assert_uint_eq(test_hex(key, 32, vectors[i].key), 32);
        ck_assert_uint_eq(test_hex(nonce, 24, vectors[i].nonce), a->nonce_bytes);
        size_t ad_length = test_hex(ad, sizeof(ad), vectors[i].ad);
        size_t length = test_hex(text, sizeof(text), vectors[i].text);

        a->seal(sealed, text, length, ad, ad_length, nonce, key);
        test_expect_hex(sealed, length, vectors[i].sealed);
        test_expect_hex(sealed + length, 16, vectors[i].tag);
        ck_assert_int_eq(a->open(opened, sealed, length + 16, ad, ad_length, nonce, key), 0);
        ck_assert_mem_eq(opened, text, length);
    }
}
END_TEST

/* Every bit of the text, tag, associated data, nonce and key. */
START_TEST(every_changed_bit_is_noticed)
{
    uint64_t seed = 31;
    for (size_t i = 0; i < 2; i++) {
        const aead *a = &aeads[i];
        uint8_t key[32], nonce[24], ad[20], text[90], sealed[106], opened[90];
        struct {
            uint8_t *memory;
            size_t bytes;
        } parts[] = {{sealed, sizeof(sealed)}, {ad, sizeof(ad)}, {nonce, a->nonce_bytes}, {key, sizeof(key)}};
        test_fill(&seed, key, sizeof(key));
        test_fill(&seed, nonce, sizeof(nonce));
        test_fill(&seed, ad, sizeof(ad));
        test_fill(&seed, text, sizeof(text));
        a->seal(sealed, text, sizeof(text), ad, sizeof(ad), nonce, key);
        for (size_t part = 0; part < 4; part++) {
            for (size_t bit = 0; bit < parts[part].bytes * 8; bit++) {
                memset(opened, 0xcc, sizeof(opened));
                parts[part].memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
                ck_assert_int_eq(a->open(opened, sealed, sizeof(sealed), ad, sizeof(ad), nonce, key), VPN_EAUTH);
                ck_assert(test_is_zero(opened, sizeof(opened)));
                parts[part].memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
        ck_assert_int_eq(a->open(opened, sealed, sizeof(sealed), ad, sizeof(ad), nonce, key), 0);
        ck_assert_mem_eq(opened, text, sizeof(text));
    }
}
END_TEST

START_TEST(every_shorter_length_is_refused)
{
    uint64_t seed = 32;
    for (size_t i = 0; i < 2; i++) {
        const aead *a = &aeads[i];
        uint8_t key[32], nonce[24], ad[20], text[40], sealed[56], opened[40];
        test_fill(&seed, key, sizeof(key));
        test_fill(&seed, nonce, sizeof(nonce));
        test_fill(&seed, ad, sizeof(ad));
        test_fill(&seed, text, sizeof(text));
        a->seal(sealed, text, sizeof(text), ad, sizeof(ad), nonce, key);
        for (size_t length = 0; length < sizeof(sealed); length++) {
            memset(opened, 0xcc, sizeof(opened));
            ck_assert_int_eq(a->open(opened, sealed, length, ad, sizeof(ad), nonce, key), VPN_EAUTH);
            ck_assert(length <= 16 || test_is_zero(opened, length - 16));
        }
        for (size_t length = 0; length < sizeof(ad); length++)
            ck_assert_int_eq(a->open(opened, sealed, sizeof(sealed), ad, length, nonce, key), VPN_EAUTH);
    }
}
END_TEST

START_TEST(in_place_at_every_length)
{
    uint64_t seed = 33;
    for (size_t i = 0; i < 2; i++) {
        const aead *a = &aeads[i];
        for (size_t length = 0; length <= 300; length++) {
            uint8_t key[32], nonce[24], ad[64], text[300] = {0}, sealed[316], memory[316];
            size_t ad_length = length % 65;
            test_fill(&seed, key, sizeof(key));
            test_fill(&seed, nonce, sizeof(nonce));
            test_fill(&seed, ad, sizeof(ad));
            test_fill(&seed, text, length);
            a->seal(sealed, text, length, ad, ad_length, nonce, key);
            memcpy(memory, text, sizeof(text));
            a->seal(memory, memory, length, ad, ad_length, nonce, key);
            ck_assert_mem_eq(memory, sealed, length + 16);
            ck_assert_int_eq(a->open(memory, memory, length + 16, ad, ad_length, nonce, key), 0);
            ck_assert_mem_eq(memory, text, length);

            memcpy(memory, sealed, length + 16);
            memory[length] ^= 1;
            ck_assert_int_eq(a->open(memory, memory, length + 16, ad, ad_length, nonce, key), VPN_EAUTH);
            ck_assert(test_is_zero(memory, length));
        }
    }
}
END_TEST

#if SIZE_MAX > UINT32_MAX
/* More than the cipher can have sealed is not authentic; libsodium would end the process. */
START_TEST(longer_than_the_cipher_allows)
{
    const size_t most = ((size_t)1 << 38) - 64;
    for (size_t i = 0; i < 2; i++) {
        uint8_t key[32] = {1}, nonce[24] = {2}, sealed[16] = {3};
        ck_assert_int_eq(aeads[i].open(NULL, sealed, most + 17, NULL, 0, nonce, key), VPN_EAUTH);
        ck_assert_int_eq(aeads[i].open(NULL, sealed, SIZE_MAX, NULL, 0, nonce, key), VPN_EAUTH);
    }
}
END_TEST
#endif

START_TEST(nothing_at_all_can_be_sealed)
{
    for (size_t i = 0; i < 2; i++) {
        const aead *a = &aeads[i];
        uint8_t key[32] = {1}, nonce[24] = {2}, sealed[16], other[16], ad[1] = {3};
        a->seal(sealed, NULL, 0, NULL, 0, nonce, key);
        ck_assert(!test_is_zero(sealed, 16));
        ck_assert_int_eq(a->open(NULL, sealed, 16, NULL, 0, nonce, key), 0);
        a->seal(other, NULL, 0, ad, 1, nonce, key);
        ck_assert_mem_ne(sealed, other, 16);
        ck_assert_int_eq(a->open(NULL, sealed, 16, ad, 1, nonce, key), VPN_EAUTH);
        ck_assert_int_eq(a->open(NULL, other, 16, ad, 1, nonce, key), 0);
    }
}
END_TEST

/* A mistaken length, which libsodium would abort on or follow to the end of memory. Nothing may be touched. */
START_TEST(length_that_nothing_has)
{
    for (size_t i = 0; i < 2; i++) {
        uint8_t key[32] = {1}, nonce[24] = {2}, bytes[16] = {3};
        aeads[i].seal(bytes, bytes, SIZE_MAX, NULL, 0, nonce, key);
        ck_assert_int_eq(aeads[i].open(bytes, bytes, SIZE_MAX, NULL, 0, nonce, key), VPN_EAUTH);
        ck_assert_uint_eq(bytes[0], 3);
    }
}
END_TEST

static Suite *aead_suite(void)
{
    Suite *suite = suite_create("aead");
    test_add(suite, "known", known_answers);
    test_add(suite, "tampered", every_changed_bit_is_noticed);
    test_add(suite, "short", every_shorter_length_is_refused);
    test_add(suite, "in place", in_place_at_every_length);
    test_add(suite, "empty", nothing_at_all_can_be_sealed);
#if SIZE_MAX > UINT32_MAX
    test_add(suite, "too long", longer_than_the_cipher_allows);
#endif
    test_add(suite, "no length", length_that_nothing_has);
    return suite;
}

TEST_MAIN(aead_suite)

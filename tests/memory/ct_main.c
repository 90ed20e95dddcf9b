/* SPDX-License-Identifier: ISC */
/* Runs the cases with an eye on Valgrind's count of errors, or, by name, code that leaks and must be caught. */
#include "common/test.h"
#include "memory/ct.h"

#include <vpn/vpn.h>

Suite *ct_suite(void);

static volatile unsigned sink;

static void leak_branch(const uint8_t key[32])
{
    if (key[7] & 1)
        sink++;
}

static void leak_index(const uint8_t key[32])
{
    static volatile unsigned table[256];
    sink += table[key[9]];
}

/* A mac that is compared as memcmp does it. */
static void leak_compare(const uint8_t key[32])
{
    static const uint8_t message[16], claimed[16];
    uint8_t mac[16];
    vpn_blake2s_hash(mac, sizeof mac, message, sizeof message, key, 32);
    for (size_t i = 0; i < sizeof mac; i++)
        if (mac[i] != claimed[i])
            return;
    sink++;
}

/* Text to a key by a table, as most decoders do it. */
static void leak_decode(const uint8_t key[32])
{
    static volatile signed char value[256];
    char text[VPN_KEY_HEX_CHARS + 1];
    vpn_key_to_hex(text, key);
    for (size_t i = 0; i < VPN_KEY_HEX_CHARS; i++)
        sink += (unsigned)value[(unsigned char)text[i]];
}

static int leak(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(const uint8_t key[32]);
    } leaks[] = {{"branch", leak_branch}, {"index", leak_index}, {"compare", leak_compare}, {"decode", leak_decode}};
    uint8_t key[32];
    uint64_t seed = 1;
    test_fill(&seed, key, sizeof key);
    ct_secret(key, sizeof key);
    for (size_t i = 0; i < sizeof leaks / sizeof leaks[0]; i++)
        if (strcmp(name, leaks[i].name) == 0) {
            leaks[i].run(key);
            return EXIT_SUCCESS;
        }
    return 2;
}

int main(int argc, char **argv)
{
    if (!RUNNING_ON_VALGRIND) {
        puts("skipped: the marks mean something only to Valgrind; sh tests/memory/ct.sh runs this");
        return TEST_SKIPPED;
    }
    return argc == 2 ? leak(argv[1]) : test_run(ct_suite());
}

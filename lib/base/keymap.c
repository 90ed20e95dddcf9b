/* SPDX-License-Identifier: ISC */
/* Open addressing with linear probing. Invariants:
 *
 * - At most three quarters of the entries are in use, so every probe ends at an empty entry.
 * - Between an entry's home (its tag's low bits) and its place there is no empty entry; removing keeps it so.
 *
 * Anyone can make public keys, so the hash is keyed: without the key nobody can choose keys that collide. The key bytes
 * are compared only when all 32 bits of the tag agree, and they are public, so the comparison may stop early.
 */
#include "base/keymap.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/env.h"

#define EMPTY    UINT32_MAX
#define ROOM_MIN 16u
#define ROOM_MAX (UINT32_C(1) << 31)

_Static_assert(sizeof(((struct vpn__keymap *)0)->hash_key) == crypto_shorthash_KEYBYTES, "SipHash takes 16 bytes");

int vpn__keymap_init(struct vpn__keymap *m, const vpn_env *env, vpn__key_of key_of, const void *ctx)
{
    memset(m, 0, sizeof(*m));
    m->env = env;
    m->key_of = key_of;
    m->ctx = ctx;
    return vpn__random(env, m->hash_key, sizeof(m->hash_key));
}

void vpn__keymap_end(struct vpn__keymap *m)
{
    vpn__free(m->env, m->entries, m->room * sizeof(*m->entries));
    vpn_wipe(m, sizeof(*m));
}

uint64_t vpn__keymap_hash(const struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES])
{
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, key, VPN__KEYMAP_KEY_BYTES, m->hash_key);
    return vpn__load64le(hash);
}

static uint32_t tag_of(const struct vpn__keymap *m, const uint8_t *key)
{
    return (uint32_t)vpn__keymap_hash(m, key);
}

static uint32_t next(const struct vpn__keymap *m, uint32_t i)
{
    return (i + 1) & (m->room - 1);
}

/* The first empty entry at or after the home of a tag. */
static uint32_t vacancy(const struct vpn__keymap *m, uint32_t tag)
{
    uint32_t i = tag & (m->room - 1);
    while (m->entries[i].slot != EMPTY)
        i = next(m, i);
    return i;
}

static int grow(struct vpn__keymap *m)
{
    if (m->count < m->room - m->room / 4)
        return 0;
    if (m->room == ROOM_MAX)
        return VPN_ENOMEM;
    struct vpn__keymap old = *m;
    uint32_t room = old.room ? old.room * 2 : ROOM_MIN;
    struct vpn__keymap_entry *fresh = vpn__alloc_array(m->env, room, sizeof(*fresh));
    if (!fresh) {
        vpn_wipe(&old, sizeof(old));
        return VPN_ENOMEM;
    }
    for (uint32_t i = 0; i < room; i++)
        fresh[i].slot = EMPTY;
    m->entries = fresh;
    m->room = room;
    for (uint32_t i = 0; i < old.room; i++) {
        if (old.entries[i].slot != EMPTY)
            fresh[vacancy(m, old.entries[i].tag)] = old.entries[i];
    }
    vpn__free(m->env, old.entries, old.room * sizeof(*old.entries));
    vpn_wipe(&old, sizeof(old));
    return 0;
}

static uint32_t find(const struct vpn__keymap *m, const uint8_t *key, uint32_t tag)
{
    if (!m->count)
        return EMPTY;
    for (uint32_t i = tag & (m->room - 1); m->entries[i].slot != EMPTY; i = next(m, i)) {
        const struct vpn__keymap_entry *entry = &m->entries[i];
        if (entry->tag == tag && memcmp(m->key_of(m->ctx, entry->slot), key, VPN__KEYMAP_KEY_BYTES) == 0)
            return entry->slot;
    }
    return EMPTY;
}

int vpn__keymap_insert(struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES], uint32_t slot)
{
    uint32_t tag = tag_of(m, key);
    if (find(m, key, tag) != EMPTY)
        return VPN_EEXIST;
    int error = grow(m);
    if (error)
        return error;
    m->entries[vacancy(m, tag)] = (struct vpn__keymap_entry){.tag = tag, .slot = slot};
    m->count++;
    return 0;
}

uint32_t vpn__keymap_find(const struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES])
{
    return find(m, key, tag_of(m, key));
}

void vpn__keymap_remove(struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES], uint32_t slot)
{
    if (!m->count)
        return;
    uint32_t mask = m->room - 1;
    uint32_t tag = tag_of(m, key);
    uint32_t hole = tag & mask;
    while (m->entries[hole].slot != EMPTY && (m->entries[hole].slot != slot || m->entries[hole].tag != tag))
        hole = next(m, hole);
    if (m->entries[hole].slot == EMPTY)
        return;
    for (uint32_t i = next(m, hole); m->entries[i].slot != EMPTY; i = next(m, i)) {
        uint32_t home = m->entries[i].tag & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct vpn__keymap_entry){.slot = EMPTY};
    m->count--;
}

uint32_t vpn__keymap_count(const struct vpn__keymap *m)
{
    return m->count;
}

size_t vpn__keymap_memory(const struct vpn__keymap *m)
{
    return m->room * sizeof(*m->entries);
}

/* SPDX-License-Identifier: ISC */
/* A keyed-hash table from 32-byte public keys to slots. The keys stay with the owner of the slots. */
#ifndef VPN_LIB_BASE_KEYMAP_H
#define VPN_LIB_BASE_KEYMAP_H

#include <vpn/base.h>

#define VPN__KEYMAP_KEY_BYTES 32

/* The 32 key bytes of a slot that is in the map. */
typedef const uint8_t *(*vpn__key_of)(const void *ctx, uint32_t slot);

struct vpn__keymap_entry {
    uint32_t tag;  /* low half of the key's hash */
    uint32_t slot; /* UINT32_MAX: the entry is empty */
};

struct vpn__keymap {
    const vpn_env *env;
    struct vpn__keymap_entry *entries;
    vpn__key_of key_of;
    const void *ctx;
    uint32_t room; /* elements of `entries`: 0 or a power of two */
    uint32_t count;
    uint8_t hash_key[16];
};

/* Draws the hash key, takes no memory yet; `env` and `ctx` outlive the map. 0 or VPN_ERANDOM; either way `end` is allowed. */
int vpn__keymap_init(struct vpn__keymap *m, const vpn_env *env, vpn__key_of key_of, const void *ctx);
void vpn__keymap_end(struct vpn__keymap *m);
/* The keyed hash of 32 bytes, which nobody without the key can predict or make collide. */
uint64_t vpn__keymap_hash(const struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES]);
/* `slot` is not UINT32_MAX; key_of is not asked for it before the call returns. 0, VPN_EEXIST (the key is there) or
   VPN_ENOMEM. */
int vpn__keymap_insert(struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES], uint32_t slot);
/* The slot of a key; UINT32_MAX when there is none. */
uint32_t vpn__keymap_find(const struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES]);
/* Takes out the entry of this key and slot; does nothing when there is none. key_of is not called. */
void vpn__keymap_remove(struct vpn__keymap *m, const uint8_t key[VPN__KEYMAP_KEY_BYTES], uint32_t slot);
uint32_t vpn__keymap_count(const struct vpn__keymap *m);
/* Bytes taken from the allocator. */
size_t vpn__keymap_memory(const struct vpn__keymap *m);

#endif

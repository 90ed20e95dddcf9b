/* SPDX-License-Identifier: ISC */
#include "tunnel/refs.h"

#include "common/host.h"

START_TEST(classes_grow)
{
    ck_assert_uint_eq(vpn__refs_room(0), 4);
    for (uint32_t class = 1; class < VPN__REFS_CLASSES; class ++) {
        ck_assert_uint_gt(vpn__refs_room(class), vpn__refs_room(class - 1));
        ck_assert_uint_le(vpn__refs_room(class), vpn__refs_room(class - 1) * 2);
    }
    ck_assert_uint_ge(vpn__refs_room(VPN__REFS_CLASSES - 1), 127); /* all that a node can hold */
}
END_TEST

struct held {
    uint32_t *array, class, mark;
};

static void fill(const struct held *h)
{
    for (uint32_t i = 0; i < vpn__refs_room(h->class); i++)
        h->array[i] = h->mark + i;
}

static int is_whole(const struct held *h)
{
    for (uint32_t i = 0; i < vpn__refs_room(h->class); i++)
        if (h->array[i] != h->mark + i)
            return 0;
    return 1;
}

/* An allocator whose memory is aligned to 8 bytes only, as malloc's may be on 32-bit machines. */
static void *alloc_at_8(void *user, size_t bytes)
{
    uint8_t *block = host_alloc(user, bytes + 8);
    if (!block)
        return NULL;
    memset(block, 0, 8);
    return block + 8;
}

static void free_at_8(void *user, void *memory)
{
    host_free(user, (uint8_t *)memory - 8);
}

/* Arrays of all classes come and go; none overlaps another or what holds the chunks together, all are aligned. */
static void come_and_go(const struct host *host, size_t more)
{
    enum { SLOTS = 500 };
    static struct held held[SLOTS];
    struct vpn__refs r;
    uint64_t seed = 5;
    memset(held, 0, sizeof(held));
    vpn__refs_init(&r, &host->env);
    ck_assert_uint_eq(vpn__refs_memory(&r), 0);
    for (uint32_t step = 0; step < 20000; step++) {
        struct held *h = &held[host_below(&seed, SLOTS)];
        if (h->array) {
            ck_assert(is_whole(h));
            vpn__refs_give(&r, h->array, h->class);
            h->array = NULL;
            continue;
        }
        h->class = host_below(&seed, VPN__REFS_CLASSES);
        h->mark = step << 8;
        h->array = vpn__refs_take(&r, h->class);
        ck_assert_ptr_nonnull(h->array);
        ck_assert_uint_eq((uintptr_t)h->array % 16, 0);
        fill(h);
    }
    for (uint32_t i = 0; i < SLOTS; i++)
        ck_assert(!held[i].array || is_whole(&held[i]));
    ck_assert_uint_eq(vpn__refs_memory(&r) + r.chunks * more, host->bytes);
    vpn__refs_end(&r);
    ck_assert_uint_eq(vpn__refs_memory(&r), 0);
    host_end(host);
}

START_TEST(apart)
{
    struct host host;
    host_init(&host);
    come_and_go(&host, 0);
}
END_TEST

START_TEST(apart_at_8)
{
    struct host host;
    host_init(&host);
    host.env.alloc = alloc_at_8;
    host.env.free = free_at_8;
    come_and_go(&host, 8);
}
END_TEST

/* What was given back comes again; without memory there is an answer, and it is not the last one. */
START_TEST(reuse_and_failure)
{
    struct host host;
    struct vpn__refs r;
    host_init(&host);
    vpn__refs_init(&r, &host.env);
    host_fail_after(&host, 0);
    ck_assert_ptr_null(vpn__refs_take(&r, 3));
    host_heal(&host);
    uint32_t *first = vpn__refs_take(&r, 3), *second = vpn__refs_take(&r, 3);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    vpn__refs_give(&r, first, 3);
    vpn__refs_give(&r, second, 3);
    ck_assert_ptr_eq(vpn__refs_take(&r, 3), second);
    ck_assert_ptr_eq(vpn__refs_take(&r, 3), first);
    vpn__refs_end(&r);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("refs");
    test_add(s, "classes_grow", classes_grow);
    test_add(s, "apart", apart);
    test_add(s, "apart_at_8", apart_at_8);
    test_add(s, "reuse_and_failure", reuse_and_failure);
    return s;
}

TEST_MAIN(suite)

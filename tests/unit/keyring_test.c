/* SPDX-License-Identifier: ISC */
#include "wireguard/keyring.h"

#include "common/test.h"

/* Sessions are only names here. */
static uint64_t names[4];
#define P    ((struct vpn_session *)(void *)&names[0])
#define C    ((struct vpn_session *)(void *)&names[1])
#define N    ((struct vpn_session *)(void *)&names[2])
#define F    ((struct vpn_session *)(void *)&names[3])
#define NONE ((struct vpn_session *)0)

typedef struct vpn__keyring_out move(struct vpn__keyring *ring);

static struct vpn__keyring_out initiated(struct vpn__keyring *ring)
{
    return vpn__keyring_initiated(ring, F);
}

static struct vpn__keyring_out responded(struct vpn__keyring *ring)
{
    return vpn__keyring_responded(ring, F);
}

/* Every session is afterwards either in the ring or out of it, once; nothing else appears. */
static void expect_conserved(unsigned before, int fresh, const struct vpn__keyring *ring,
                             const struct vpn__keyring_out *out)
{
    struct vpn_session *all[] = {ring->previous,  ring->current,   ring->next,
                                 out->session[0], out->session[1], out->session[2]};
    unsigned want[4] = {before & 1, before >> 1 & 1, before >> 2 & 1, fresh != 0}, have[4] = {0};
    for (size_t i = 0; i < 6; i++) {
        if (all[i] == NONE)
            continue;
        size_t k = (size_t)((uint64_t *)(void *)all[i] - names);
        ck_assert_uint_lt(k, 4);
        have[k]++;
    }
    ck_assert_mem_eq(have, want, sizeof(have));
}

static void check(move *make, int fresh, unsigned before, struct vpn_session *previous, struct vpn_session *current,
                  struct vpn_session *next)
{
    struct vpn__keyring ring = {before & 1 ? P : NONE, before & 2 ? C : NONE, before & 4 ? N : NONE};
    struct vpn__keyring_out out = make(&ring);
    if (ring.previous != previous || ring.current != current || ring.next != next)
        ck_abort_msg("from %u", before);
    expect_conserved(before, fresh, &ring, &out);
}

static int has(unsigned before, unsigned bit)
{
    return (before & bit) != 0;
}

/* If next exists, previous = next and current is dropped, else previous = current; current = new. */
START_TEST(initiator_done)
{
    for (unsigned before = 0; before < 8; before++)
        check(initiated, 1, before, has(before, 4) ? N : has(before, 2) ? C : NONE, F, NONE);
}
END_TEST

/* next = new, previous is dropped; an older next is replaced. */
START_TEST(responder_done)
{
    for (unsigned before = 0; before < 8; before++)
        check(responded, 1, before, NONE, has(before, 2) ? C : NONE, F);
}
END_TEST

/* First valid data on next: previous = current, current = next. */
START_TEST(next_confirmed)
{
    for (unsigned before = 4; before < 8; before++)
        check(vpn__keyring_confirmed, 0, before, has(before, 2) ? C : NONE, N, NONE);
}
END_TEST

START_TEST(cleared)
{
    for (unsigned before = 0; before < 8; before++)
        check(vpn__keyring_clear, 0, before, NONE, NONE, NONE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("keyring");
    test_add(s, "initiator done", initiator_done);
    test_add(s, "responder done", responder_done);
    test_add(s, "next confirmed", next_confirmed);
    test_add(s, "cleared", cleared);
    return s;
}

TEST_MAIN(suite)

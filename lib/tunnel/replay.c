/* SPDX-License-Identifier: ISC */
/* RFC 6479: the bitmap is a ring of 64-bit words, and the window slides by whole words, so that nothing is ever shifted.
 * Invariants:
 *
 * - The bit of a counter c is bit c % 64 of word c / 64 % words.
 * - The word of `greatest` and the words - 1 before it hold what was received; the window is one word shorter than the
 *   ring, so a counter in it never shares its word with one that is newer by a whole turn.
 * - No bit is set for a counter greater than `greatest`. An empty map with `greatest` 0 is the start: counter 0 is not
 *   special, its bit is just not set yet.
 */
#include <vpn/replay.h>

#include <string.h>

#define WORD_BITS 64u

int vpn_replay_init(vpn_replay *window, uint64_t *map, uint32_t bits)
{
    if (bits < VPN_REPLAY_BITS_MIN || bits > VPN_REPLAY_BITS_MAX || (bits & (bits - 1)) != 0)
        return VPN_EINVAL;
    memset(window, 0, sizeof(*window));
    window->map = map;
    window->words = VPN_REPLAY_WORDS(bits);
    memset(map, 0, window->words * sizeof(*map));
    return 0;
}

static uint64_t bit_of(uint64_t counter)
{
    return UINT64_C(1) << (counter % WORD_BITS);
}

static uint64_t *word_of(const vpn_replay *window, uint64_t counter)
{
    return &window->map[counter / WORD_BITS & (window->words - 1)];
}

int vpn_replay_check(const vpn_replay *window, uint64_t counter)
{
    if (counter > window->greatest)
        return 0;
    if (window->greatest - counter > (uint64_t)(window->words - 1) * WORD_BITS)
        return VPN_EREPLAY;
    return (*word_of(window, counter) & bit_of(counter)) != 0 ? VPN_EREPLAY : 0;
}

/* The words from the old greatest counter's (not included) to the new one's start a new turn. */
static void advance(vpn_replay *window, uint64_t counter)
{
    uint64_t word = window->greatest / WORD_BITS;
    uint64_t steps = counter / WORD_BITS - word;
    if (steps > window->words)
        steps = window->words;
    for (uint64_t i = 1; i <= steps; i++)
        window->map[(word + i) & (window->words - 1)] = 0;
    window->greatest = counter;
}

int vpn_replay_accept(vpn_replay *window, uint64_t counter)
{
    int error = vpn_replay_check(window, counter);
    if (error)
        return error;
    if (counter > window->greatest)
        advance(window, counter);
    *word_of(window, counter) |= bit_of(counter);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * What a million configured peers take in memory and time, and whether time is taken only for what is due. Adding is measured
 * beside getting as much memory and copying the keys into it, the deadline and ticks beside those of a small device, and
 * keepalives beside sealing as many empty packets.
 */
#include <vpn/vpn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "crowd.h"

#define BATCH 64u
#define CALLS 100000u /* of what takes some nanoseconds */

static double per(uint64_t begin, uint32_t count)
{
    return (double)(bench_now() - begin) / count;
}

/* --- configured peers --- */

struct config {
    uint32_t count;
    vpn_wg_peer *peers;
    vpn_prefix *prefixes;
};

/* One to one, so that no address comes twice. */
static uint32_t scatter(uint32_t i)
{
    i = (i ^ i >> 16) * UINT32_C(0x7feb352d);
    i = (i ^ i >> 15) * UINT32_C(0x846ca68b);
    return i ^ i >> 16;
}

/* Keys at random, as if the others had made them; addresses scattered over all of IPv4, or one after the other. */
static struct config *config_new(uint32_t count, int scattered)
{
    struct config *config = bench_alloc(sizeof *config);
    uint64_t seed = 5;
    config->count = count;
    config->peers = bench_alloc(count * sizeof *config->peers);
    config->prefixes = bench_alloc(count * sizeof *config->prefixes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t address = scattered ? scatter(i) : UINT32_C(0x0a000000) + i;
        config->peers[i].size = sizeof *config->peers;
        for (uint32_t k = 0; k < VPN_KEY_BYTES; k++)
            config->peers[i].public_key[k] = (uint8_t)bench_random(&seed);
        config->prefixes[i] = (vpn_prefix){.family = 4, .bits = 32};
        for (uint32_t k = 0; k < 4; k++)
            config->prefixes[i].addr[k] = (uint8_t)(address >> (24 - 8 * k));
    }
    return config;
}

static void config_free(struct config *config)
{
    free(config->peers);
    free(config->prefixes);
    free(config);
}

/* Figures of one repetition. */
struct sample {
    double plain, add, allow; /* nanoseconds a peer */
    double bytes;             /* a peer */
    double idle, timed;       /* nanoseconds for the deadline and a tick */
};

/* As much memory, peer by peer, with the key in it. */
static double plain(const struct config *config)
{
    void **kept = bench_alloc(config->count * sizeof *kept);
    uint64_t begin = bench_now();
    double took;
    for (uint32_t i = 0; i < config->count; i++) {
        kept[i] = bench_alloc(640);
        memcpy(kept[i], config->peers[i].public_key, VPN_KEY_BYTES);
    }
    took = per(begin, config->count);
    for (uint32_t i = 0; i < config->count; i++)
        free(kept[i]);
    free(kept);
    return took;
}

/* The deadline is asked for and a tick made while nothing is due. */
static double nothing_due(vpn_wg *wg, vpn_time now)
{
    static uint8_t bytes[VPN_WG_FRESH_BYTES];
    vpn_packet packet = {.data = bytes, .capacity = sizeof bytes};
    uint64_t begin = bench_now();
    for (uint32_t i = 0; i < CALLS; i++)
        bench_must(vpn_wg_deadline(wg) > now && vpn_wg_tick(wg, &packet, 1, now) == 0, "something was due");
    return per(begin, CALLS);
}

static struct sample configure(const struct config *config)
{
    struct sample s = {.plain = plain(config)};
    vpn_peer_id *ids = bench_alloc(config->count * sizeof *ids);
    vpn_wg_peer expiring = {.size = sizeof expiring, .set = VPN_WG_SET_EXPIRES};
    vpn_wg_stats stats = {.size = sizeof stats};
    uint64_t begin, seed = 3;
    vpn_wg *wg;
    bench_must(vpn_wg_new(&wg, NULL) == VPN_OK, "no device");
    begin = bench_now();
    for (uint32_t i = 0; i < config->count; i++)
        bench_must(vpn_wg_peer_add(wg, &config->peers[i], &ids[i], CROWD_NOW) == VPN_OK, "no peer");
    s.add = per(begin, config->count);
    begin = bench_now();
    for (uint32_t i = 0; i < config->count; i++)
        bench_must(vpn_wg_allow(wg, ids[i], &config->prefixes[i]) == VPN_OK, "no prefix");
    s.allow = per(begin, config->count);
    bench_must(vpn_wg_get_stats(wg, &stats) == VPN_OK && stats.peers == config->count, "peers are missing");
    s.bytes = (double)stats.memory / config->count;
    s.idle = nothing_due(wg, CROWD_NOW);
    for (uint32_t i = 0; i < config->count; i++) {
        expiring.expires = 2 * CROWD_NOW + bench_random(&seed) % CROWD_NOW;
        bench_must(vpn_wg_peer_set(wg, ids[i], &expiring, CROWD_NOW) == VPN_OK, "no such peer");
    }
    s.timed = nothing_due(wg, CROWD_NOW);
    bench_must(vpn_wg_free(wg) == VPN_OK, "not freed");
    free(ids);
    return s;
}

enum figure { PLAIN, ADD, ALLOW, BOTH, BYTES, IDLE, TIMED };

static double figure(const struct sample *samples, enum figure which)
{
    double values[BENCH_RUNS_MAX];
    for (int i = 0; i < bench_runs(); i++) {
        const struct sample *s = &samples[i];
        const double all[] = {1e3 / s->plain, 1e3 / s->add, 1e3 / s->allow, 1e3 / (s->add + s->allow),
                              s->bytes,       s->idle,      s->timed};
        values[i] = all[which];
    }
    return bench_median(values, bench_runs());
}

static void report_peers(const char *group, const struct sample *of)
{
    bench_row(group, "memory alone, and the keys", figure(of, PLAIN), "M/s");
    bench_row(group, "adding peers", figure(of, ADD), "M/s");
    bench_row(group, "adding their prefixes", figure(of, ALLOW), "M/s");
    bench_target(group, "both", figure(of, BOTH), "M/s", 0.5, 0);
    bench_target(group, "memory", figure(of, BYTES), "B/peer", 700, 1);
}

static void bench_peers(void)
{
    static struct sample few[BENCH_RUNS_MAX], scattered[BENCH_RUNS_MAX], in_a_row[BENCH_RUNS_MAX];
    const char *group = "deadline and tick, nothing due";
    uint32_t many = bench_quick() ? 20000 : 1000000;
    struct config *configs[] = {config_new(1000, 1), config_new(many, 1), config_new(many, 0)};
    for (int run = 0; run < bench_runs(); run++) {
        bench_progress("peers, repetition %d", run + 1);
        few[run] = configure(configs[0]);
        scattered[run] = configure(configs[1]);
        in_a_row[run] = configure(configs[2]);
    }
    for (int i = 0; i < 3; i++)
        config_free(configs[i]);
    report_peers(bench_quick() ? "20,000 peers, /32 at random" : "1,000,000 peers, /32 at random", scattered);
    report_peers(bench_quick() ? "20,000 peers, /32 in a row" : "1,000,000 peers, /32 in a row", in_a_row);
    bench_row(group, "1,000 idle peers", figure(few, IDLE), "ns");
    bench_row(group, "all idle peers", figure(scattered, IDLE), "ns");
    bench_target(group, "all / 1,000", figure(scattered, IDLE) / figure(few, IDLE), "x", 2, 1);
    bench_row(group, "1,000 peers that expire later", figure(few, TIMED), "ns");
    bench_row(group, "all peers that expire later", figure(scattered, TIMED), "ns");
    bench_target(group, "all / 1,000, expiring", figure(scattered, TIMED) / figure(few, TIMED), "x", 2, 1);
}

/* --- live sessions --- */

static struct {
    uint8_t bytes[BATCH][VPN_WG_FRESH_BYTES];
    vpn_packet packets[BATCH];
} room;

/* Ticks until nothing is due; how many packets that gave. */
static uint32_t tick_all(vpn_wg *wg)
{
    uint32_t all = 0;
    size_t n;
    do {
        for (uint32_t i = 0; i < BATCH; i++)
            room.packets[i] = (vpn_packet){.data = room.bytes[i], .capacity = VPN_WG_FRESH_BYTES};
        n = vpn_wg_tick(wg, room.packets, BATCH, CROWD_NOW);
        all += (uint32_t)n;
    } while (n > 0);
    return all;
}

/* Keepalives of the persistent kind become due for some peers, as they do when turned on; nanoseconds for each. */
static double some_due(const struct crowd *crowd, uint32_t due, uint64_t *seed)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_KEEPALIVE};
    uint32_t stride = crowd->count / due, first = (uint32_t)(bench_random(seed) % stride);
    uint64_t begin;
    double took;
    peer.keepalive = UINT16_MAX;
    for (uint32_t i = 0; i < due; i++)
        bench_must(vpn_wg_peer_set(crowd->wg, crowd->ids[first + i * stride], &peer, CROWD_NOW) == VPN_OK, "no peer");
    begin = bench_now();
    bench_must(tick_all(crowd->wg) == due, "not each peer had its turn");
    took = per(begin, due);
    peer.keepalive = 0;
    for (uint32_t i = 0; i < due; i++)
        bench_must(vpn_wg_peer_set(crowd->wg, crowd->ids[first + i * stride], &peer, CROWD_NOW) == VPN_OK, "no peer");
    return took;
}

/* Sealing alone of what a keepalive is. */
static double seal_alone(uint32_t count)
{
    static const uint8_t key[VPN_KEY_BYTES], nonce[VPN_NONCE_BYTES];
    uint8_t out[VPN_TAG_BYTES];
    uint64_t begin = bench_now();
    for (uint32_t i = 0; i < count; i++)
        vpn_aead_seal(out, NULL, 0, NULL, 0, nonce, key);
    return per(begin, count);
}

static void bench_sessions(void)
{
    double alone[BENCH_RUNS_MAX], few[BENCH_RUNS_MAX], all[BENCH_RUNS_MAX], none[BENCH_RUNS_MAX];
    uint32_t count = bench_quick() ? 500 : 100000;
    const char *group = bench_quick() ? "500 live sessions" : "100,000 live sessions";
    vpn_wg_stats stats = {.size = sizeof stats};
    struct crowd *crowd = crowd_new(count, NULL);
    uint64_t seed = 11;
    bench_progress("%s", group);
    for (uint32_t i = 0; i < count; i++)
        crowd_connect(crowd, i, NULL);
    bench_must(tick_all(crowd->wg) == 0, "something was due at once");
    for (int run = -1; run < bench_runs(); run++) {
        double figures[] = {seal_alone(CALLS / 10), some_due(crowd, count / 100, &seed), some_due(crowd, count, &seed),
                            nothing_due(crowd->wg, CROWD_NOW)};
        if (run < 0) /* it warms up */
            continue;
        alone[run] = figures[0];
        few[run] = figures[1];
        all[run] = figures[2];
        none[run] = figures[3];
    }
    bench_must(vpn_wg_get_stats(crowd->wg, &stats) == VPN_OK && stats.sessions == count, "sessions are missing");
    bench_row(group, "memory, peer and session", (double)stats.memory / count, "B/peer");
    bench_row(group, "deadline and tick, nothing due", bench_median(none, bench_runs()), "ns");
    bench_row(group, "sealing an empty packet alone", bench_median(alone, bench_runs()), "ns");
    bench_row(group, "a keepalive, all due", bench_median(all, bench_runs()), "ns");
    bench_row(group, "a keepalive, 1 of 100 due", bench_median(few, bench_runs()), "ns");
    bench_target(group, "1 of 100 / all, each", bench_median(few, bench_runs()) / bench_median(all, bench_runs()), "x",
                 2, 1);
    crowd_free(crowd);
}

int main(int argc, char **argv)
{
    bench_options(argc, argv, "A million configured peers, and the timers of 100,000 live sessions.");
    bench_peers();
    bench_sessions();
    return bench_report("scale");
}

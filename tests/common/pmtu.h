/* SPDX-License-Identifier: ISC */
/*
 * A path and the peer at its end: what is too long for it vanishes, with or without an error; the rest is answered after a while,
 * out of order, twice or not at all. Time is virtual. Packets are made and read byte by byte, without the library.
 */
#ifndef VPN_TESTS_COMMON_PMTU_H
#define VPN_TESTS_COMMON_PMTU_H

#include <vpn/pmtu.h>

#include "common/flows.h"
#include "common/test.h"

#define PATH_ON_THE_WAY 48

/* Check notes each assertion that holds, which is most of the time that a million of them take. */
#define PATH_MUST(holds)                                                                                               \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            ck_abort_msg("%s", #holds);                                                                                \
    } while (0)

struct path_arrival {
    vpn_time at;
    uint32_t length; /* 0: none */
    uint32_t mtu;    /* not 0: an error with that MTU, about this outer packet */
    uint8_t data[2048];
};

struct path {
    vpn_pmtu *pmtu;
    test_host host;
    uint64_t seed;
    vpn_time now;
    uint8_t family;       /* outer */
    uint8_t quiet;        /* no errors come */
    uint8_t down;         /* nothing gets through */
    uint8_t deaf;         /* the peer answers no pings */
    uint32_t mtu;         /* of the path */
    uint32_t lose, twice; /* of 1000 */
    vpn_time fast, slow;  /* a reply takes so long */
    uint64_t counter;
    uint32_t index;
    uint64_t sent, greatest;
    uint32_t bound; /* not 0: the MTU in use is never more */
    struct path_arrival arrivals[PATH_ON_THE_WAY];
};

static const uint8_t path_inner_src[16] = {10, 99, 0, 1}, path_inner_dst[16] = {10, 99, 0, 2};
static const uint8_t path_inner_src6[16] = {0xfd, 0x99, [15] = 1}, path_inner_dst6[16] = {0xfd, 0x99, [15] = 2};
static const uint8_t path_outer_src[16] = {192, 0, 2, 7}, path_outer_dst[16] = {198, 51, 100, 9};
static const uint8_t path_outer_src6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7},
                     path_outer_dst6[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 1, [15] = 9};

static inline uint32_t path_overhead(uint8_t family)
{
    return family == 4 ? 60 : 80;
}

static inline vpn_pmtu_config path_config(uint8_t probe_family, uint32_t flags)
{
    vpn_pmtu_config c = {.size = sizeof c, .flags = flags, .probe_family = probe_family};
    memcpy(c.probe_src, probe_family == 6 ? path_inner_src6 : path_inner_src, 16);
    memcpy(c.probe_dst, probe_family == 6 ? path_inner_dst6 : path_inner_dst, 16);
    return c;
}

static inline vpn_pmtu_route path_route(uint8_t family, uint32_t link_mtu)
{
    vpn_pmtu_route r = {.size = sizeof r, .link_mtu = link_mtu, .local_port = 51820};
    r.path.remote.family = family;
    r.path.remote.port = 443;
    memcpy(r.path.remote.addr, family == 4 ? path_outer_dst : path_outer_dst6, 16);
    memcpy(r.path.local, family == 4 ? path_outer_src : path_outer_src6, 16);
    return r;
}

/* A path of 1500 that answers after 20..40 ms and tells nobody of errors. */
static inline void path_open(struct path *p, vpn_pmtu_config *config, uint8_t family, uint32_t link_mtu, uint64_t seed)
{
    vpn_pmtu_route route = path_route(family, link_mtu);
    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->host.seed = seed ^ 0x5eed;
    p->family = family;
    p->quiet = 1;
    p->mtu = link_mtu;
    p->fast = 20 * VPN_MILLISECOND;
    p->slow = 40 * VPN_MILLISECOND;
    p->index = (uint32_t)test_random(&p->seed);
    p->now = 1000 * VPN_SECOND;
    vpn_env env = test_env(&p->host);
    config->env = &env;
    ck_assert_int_eq(vpn_pmtu_new(&p->pmtu, config), 0);
    ck_assert_int_eq(vpn_pmtu_start(p->pmtu, &route, p->now), 0);
}

static inline void path_close(struct path *p)
{
    vpn_pmtu_free(p->pmtu);
    ck_assert_uint_eq(p->host.live, 0);
    ck_assert_uint_eq(p->host.calls, 1); /* of the allocator, in all */
}

static inline vpn_pmtu_status path_status(const struct path *p)
{
    vpn_pmtu_status s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    PATH_MUST(vpn_pmtu_get(p->pmtu, &s) == 0);
    return s;
}

/* The outer packet as a router sees it, with the first `bytes` of its WireGuard message. */
static inline uint32_t path_outer(uint8_t *out, uint8_t family, uint32_t inner, uint32_t index, uint64_t counter,
                                  uint32_t bytes)
{
    uint32_t total = inner + path_overhead(family), ip = family == 4 ? 20 : 40;
    struct flow flow = {
        .version = family, .protocol = FLOW_UDP, .ttl = 60, .fragment = FLOW_DF, .from = 51820, .to = 443};
    memcpy(flow.src, family == 4 ? path_outer_src : path_outer_src6, 16);
    memcpy(flow.dst, family == 4 ? path_outer_dst : path_outer_dst6, 16);
    if (family == 4)
        flow_write_ip4(out, &flow, total);
    else
        flow_write_ip6(out, &flow, total);
    flow_put(out + ip, flow.from, 2);
    flow_put(out + ip + 2, flow.to, 2);
    flow_put(out + ip + 4, total - ip, 2);
    flow_put(out + ip + 6, 0, 2);
    uint8_t message[64] = {4};
    for (uint32_t i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(index >> (8 * i));
    for (uint32_t i = 0; i < 8; i++)
        message[8 + i] = (uint8_t)(counter >> (8 * i));
    memcpy(out + ip + 8, message, bytes);
    return ip + 8 + bytes;
}

/* Makes the reply of a request. */
static inline void path_answer(uint8_t *packet, uint32_t length)
{
    uint8_t four = packet[0] >> 4 == 4, keep[16];
    uint32_t ip = four ? 20 : 40, at = four ? 12 : 8, address = four ? 4 : 16, sum = 0;
    memcpy(keep, packet + at, address);
    memcpy(packet + at, packet + at + address, address);
    memcpy(packet + at + address, keep, address);
    packet[ip] = four ? 0 : 129;
    if (!four) {
        struct flow flow = {.version = 6, .protocol = 58};
        memcpy(flow.src, packet + 8, 16);
        memcpy(flow.dst, packet + 24, 16);
        sum = flow_pseudo(&flow, length - ip);
    }
    flow_put(packet + ip + 2, 0, 2);
    flow_put(packet + ip + 2, 0xffff - flow_sum(sum, packet + ip, length - ip), 2);
}

static inline struct path_arrival *path_slot(struct path *p)
{
    for (uint32_t i = 0; i < PATH_ON_THE_WAY; i++)
        if (p->arrivals[i].length == 0) {
            p->arrivals[i].mtu = 0;
            p->arrivals[i].at = p->now + p->fast + test_below64(&p->seed, p->slow - p->fast + 1);
            return &p->arrivals[i];
        }
    ck_abort_msg("too much is on the way");
    return NULL;
}

static inline int path_chance(struct path *p, uint32_t of_1000)
{
    return test_below(&p->seed, 1000) < of_1000;
}

static inline void path_carry(struct path *p, const uint8_t *packet, uint32_t length)
{
    uint8_t outer[128];
    uint32_t bytes = path_outer(outer, p->family, length, p->index, p->counter, 32), ip = p->family == 4 ? 20 : 40;
    p->sent++;
    if (length > p->greatest)
        p->greatest = length;
    vpn_pmtu_sent(p->pmtu, outer + ip + 8, bytes - ip - 8, p->now);
    p->counter++;
    if (p->down || path_chance(p, p->lose))
        return;
    if (length + path_overhead(p->family) > p->mtu) {
        if (!p->quiet) {
            struct path_arrival *a = path_slot(p);
            a->length = bytes;
            a->mtu = p->mtu;
            memcpy(a->data, outer, bytes);
        }
        return;
    }
    for (int again = 0; !p->deaf && !path_chance(p, p->lose) && (again == 0 || path_chance(p, p->twice)); again = 1) {
        struct path_arrival *a = path_slot(p);
        a->length = length;
        memcpy(a->data, packet, length);
        path_answer(a->data, length);
    }
}

static inline void path_arrive(struct path *p, struct path_arrival *a)
{
    if (a->mtu != 0) {
        vpn_pmtu_report r = {
            .size = sizeof r, .mtu = a->mtu, .kind = VPN_PMTU_QUOTE_PACKET, .length = a->length, .quote = a->data};
        PATH_MUST(vpn_pmtu_error(p->pmtu, &r, p->now) >= 0);
    } else {
        int result = vpn_pmtu_reply(p->pmtu, a->data, a->length, p->now);
        PATH_MUST(result == VPN_OK || result == VPN_ENOENT);
    }
    a->length = 0;
}

/* Before the deadline a tick does nothing, at the deadline it does something. */
static inline void path_tick(struct path *p, vpn_time deadline, vpn_time before)
{
    static uint8_t out[2048];
    size_t bytes;
    vpn_pmtu_status was = path_status(p), is;
    if (deadline > before) {
        bytes = sizeof out;
        PATH_MUST(vpn_pmtu_tick(p->pmtu, out, &bytes, deadline - 1) == 0);
        is = path_status(p);
        PATH_MUST(bytes == 0);
        PATH_MUST(memcmp(&was, &is, sizeof is) == 0);
    }
    bytes = sizeof out;
    PATH_MUST(vpn_pmtu_tick(p->pmtu, out, &bytes, p->now) == 0);
    is = path_status(p);
    PATH_MUST(memcmp(&was, &is, sizeof is) != 0);
    if (bytes != 0) {
        PATH_MUST(bytes == flow_get(out + (out[0] >> 4 == 4 ? 2 : 4), 2) + (out[0] >> 4 == 4 ? 0 : 40u));
        path_carry(p, out, (uint32_t)bytes);
    }
}

/* Lets everything happen until `until`. */
static inline void path_run(struct path *p, vpn_time until)
{
    for (;;) {
        vpn_time deadline = vpn_pmtu_deadline(p->pmtu), before = p->now;
        struct path_arrival *first = NULL;
        for (uint32_t i = 0; i < PATH_ON_THE_WAY; i++)
            if (p->arrivals[i].length != 0 && (first == NULL || p->arrivals[i].at < first->at))
                first = &p->arrivals[i];
        if (first != NULL && first->at < deadline && first->at <= until) {
            p->now = first->at > p->now ? first->at : p->now;
            path_arrive(p, first);
        } else if (deadline <= until) {
            p->now = deadline > p->now ? deadline : p->now;
            path_tick(p, deadline, before);
        } else {
            p->now = until;
            return;
        }
        if (p->bound != 0)
            PATH_MUST(vpn_pmtu_mtu(p->pmtu) <= p->bound);
    }
}

#endif

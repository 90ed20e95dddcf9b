/* SPDX-License-Identifier: ISC */
/*
 * Errors and replies, invented or made from what was sent, to the path MTU of one peer, between ticks and restarts. The MTU stays
 * within its limits, only what is due happens, and nothing but a probe that came back raises it.
 */
#include "fuzz.h"

struct state {
    vpn_pmtu *pmtu;
    vpn_pmtu_config config;
    vpn_pmtu_route route;
    vpn_time now;
    uint64_t counter;
    uint8_t probes[8][2048]; /* the last that were written */
    size_t lengths[8];
    uint32_t next, unseen;
};

static vpn_pmtu_status status_of(const struct state *s)
{
    vpn_pmtu_status status;

    memset(&status, 0, sizeof status);
    status.size = sizeof status;
    FUZZ_CHECK(vpn_pmtu_get(s->pmtu, &status) == VPN_OK);
    return status;
}

static uint32_t least(const struct state *s)
{
    return (s->config.flags & VPN_PMTU_INNER_IPV6) != 0 ? 1280 : 576;
}

static void check(const struct state *s)
{
    vpn_pmtu_status status = status_of(s);
    uint32_t overhead = s->route.path.remote.family == 6 ? 80 : 60;

    FUZZ_CHECK(status.mtu >= least(s) && status.mtu == vpn_pmtu_mtu(s->pmtu));
    FUZZ_CHECK(status.state < VPN_PMTU_STATES && status.why < VPN_PMTU_WHYS);
    FUZZ_CHECK(status.deadline == vpn_pmtu_deadline(s->pmtu) && status.replies <= status.probes);
    FUZZ_CHECK(status.vanished == 0 || status.passed < status.vanished);
    if (status.state == VPN_PMTU_OFF)
        return;
    FUZZ_CHECK(status.mtu + overhead <= s->route.link_mtu || status.mtu == least(s));
    FUZZ_CHECK(status.mtu < status.vanished || status.vanished == 0 || status.divide != 0);
}

static void tick(struct state *s)
{
    vpn_pmtu_status was = status_of(s), is;
    uint8_t *out = s->probes[s->next % 8];
    size_t bytes = sizeof s->probes[0];
    int due = was.deadline <= s->now;
    vpn_ip ip;

    FUZZ_CHECK(vpn_pmtu_tick(s->pmtu, out, &bytes, s->now) == VPN_OK);
    is = status_of(s);
    /* what is due may not be seen from outside, but not twice in a row */
    s->unseen = due && memcmp(&was, &is, sizeof is) == 0 ? s->unseen + 1 : 0;
    FUZZ_CHECK(due ? s->unseen < 2 : memcmp(&was, &is, sizeof is) == 0 && bytes == 0);
    if (bytes == 0)
        return;
    FUZZ_CHECK(vpn_ip_parse(&ip, out, bytes) == VPN_OK && ip.total == bytes && ip.version == s->config.probe_family);
    s->lengths[s->next++ % 8] = bytes;
}

/* A request that was written becomes its reply, or something near it. */
static void reply(struct state *s, struct fuzz_input *in)
{
    uint32_t which = fuzz_byte(in) % 8, how = fuzz_byte(in), mtu = vpn_pmtu_mtu(s->pmtu);
    size_t length = s->lengths[which], at;
    uint8_t *copy = malloc(2048), keep[16];
    uint32_t ip, first, address;

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, s->probes[which], 2048);
    if (length != 0) {
        ip = copy[0] >> 4 == 4 ? 20 : 40;
        first = ip == 20 ? 12 : 8;
        address = ip == 20 ? 4 : 16;
        memcpy(keep, copy + first, address);
        memcpy(copy + first, copy + first + address, address);
        memcpy(copy + first + address, keep, address);
        copy[ip] = ip == 20 ? 0 : 129;
        /* the sum is that of the request but for the type, whose word loses 0x800 or gains 0x100 */
        vpn_checksum_apply(copy + ip + 2, vpn_checksum_change16(0, ip == 20 ? 0x800 : 0x8000, ip == 20 ? 0 : 0x8100));
        for (; how > 200 && how < 255; how++) {
            at = fuzz_number(in, 2) % length;
            copy[at] ^= fuzz_byte(in);
        }
    }
    if (vpn_pmtu_reply(s->pmtu, copy, length, s->now) != VPN_OK)
        FUZZ_CHECK(vpn_pmtu_mtu(s->pmtu) == mtu);
    free(copy);
}

static void anything(struct state *s, struct fuzz_input *in)
{
    size_t length = fuzz_byte(in);
    uint8_t *packet = malloc(length != 0 ? length : 1);
    vpn_pmtu_status was = status_of(s), is;

    FUZZ_CHECK(packet != NULL);
    fuzz_bytes(in, packet, length);
    FUZZ_CHECK(vpn_pmtu_reply(s->pmtu, packet, length, s->now) == VPN_ENOENT);
    vpn_pmtu_sent(s->pmtu, packet, length, s->now);
    is = status_of(s);
    FUZZ_CHECK(memcmp(&was, &is, sizeof is) == 0);
    free(packet);
}

static size_t quote_one(const struct state *s, uint8_t *out, uint32_t total)
{
    uint8_t four = s->route.path.remote.family == 4;
    size_t ip = four ? 20 : 40;

    memset(out, 0, 64);
    out[0] = four ? 0x45 : 0x60;
    out[four ? 2 : 4] = (uint8_t)((total - (four ? 0 : 40)) >> 8);
    out[four ? 3 : 5] = (uint8_t)(total - (four ? 0 : 40));
    out[four ? 9 : 6] = 17;
    memcpy(out + (four ? 12 : 8), s->route.path.local, four ? 4 : 16);
    memcpy(out + (four ? 16 : 24), s->route.path.remote.addr, four ? 4 : 16);
    out[ip] = (uint8_t)(s->route.local_port >> 8);
    out[ip + 1] = (uint8_t)s->route.local_port;
    out[ip + 2] = (uint8_t)(s->route.path.remote.port >> 8);
    out[ip + 3] = (uint8_t)s->route.path.remote.port;
    out[ip + 4] = (uint8_t)((total - ip) >> 8);
    out[ip + 5] = (uint8_t)(total - ip);
    out[ip + 8] = 4;
    out[ip + 16] = (uint8_t)s->counter;
    return ip + 24;
}

/* An error about the last datagram, or something near it, or anything. */
static void error(struct state *s, struct fuzz_input *in)
{
    uint32_t how = fuzz_byte(in), mtu = vpn_pmtu_mtu(s->pmtu);
    vpn_pmtu_report r = {.size = sizeof r, .mtu = (uint32_t)fuzz_number(in, 2), .kind = how % 4};
    uint8_t bytes[80], *quote;
    size_t length = quote_one(s, bytes, 100 + (uint32_t)fuzz_number(in, 2) % 60000), skip = 0;
    int result;

    if (how & 4) {
        length = fuzz_byte(in) % sizeof bytes;
        fuzz_bytes(in, bytes, length);
    } else if (how & 8) {
        bytes[fuzz_byte(in) % length] ^= fuzz_byte(in);
    } else if (r.kind == VPN_PMTU_QUOTE_PAYLOAD) {
        skip = length - 16;
    }
    if (how & 16)
        length -= length < 24 ? length : fuzz_byte(in) % 24u;
    skip = skip < length ? skip : length;
    quote = malloc(length - skip + 1);
    FUZZ_CHECK(quote != NULL);
    memcpy(quote, bytes + skip, length - skip);
    r.quote = quote;
    r.length = (uint32_t)(length - skip);
    r.remote = s->route.path.remote;
    result = vpn_pmtu_error(s->pmtu, &r, s->now);
    FUZZ_CHECK(result < VPN_PMTU_RESULTS);
    FUZZ_CHECK(result == VPN_PMTU_LOWERED ? vpn_pmtu_mtu(s->pmtu) < mtu : vpn_pmtu_mtu(s->pmtu) <= mtu);
    FUZZ_CHECK(result == VPN_PMTU_LOWERED || result == VPN_PMTU_NOT_LOWER || vpn_pmtu_mtu(s->pmtu) == mtu);
    free(quote);
}

static void send_one(struct state *s)
{
    uint8_t message[16] = {4};

    s->counter++;
    for (size_t i = 0; i < 8; i++)
        message[8 + i] = (uint8_t)(s->counter >> (8 * i));
    vpn_pmtu_sent(s->pmtu, message, sizeof message, s->now);
}

static void start(struct state *s, struct fuzz_input *in)
{
    vpn_pmtu_route r = {.size = sizeof r, .local_port = 51820};

    r.link_mtu = 1000 + (uint32_t)fuzz_number(in, 2) % 1000;
    r.path.remote.family = (uint8_t)(fuzz_byte(in) % 5 * 2);
    r.path.remote.port = 443;
    memset(r.path.remote.addr, 9, r.path.remote.family == 4 ? 4 : 16);
    memset(r.path.local, 8, r.path.remote.family == 4 ? 4 : 16);
    if (vpn_pmtu_start(s->pmtu, &r, s->now) == VPN_OK)
        s->route = r;
    else
        FUZZ_CHECK(r.path.remote.family == 2 || r.path.remote.family == 8 ||
                   (r.path.remote.family == 6 && r.link_mtu < 1280));
}

static void events(struct state *s)
{
    vpn_pmtu_event e = {.size = sizeof e};

    while (vpn_pmtu_event_next(s->pmtu, &e) == VPN_OK)
        FUZZ_CHECK(e.why != VPN_PMTU_WHY_NONE && e.why < VPN_PMTU_WHYS && e.state < VPN_PMTU_STATES);
}

static int make(struct state *s, struct fuzz_input *in, const vpn_env *env)
{
    vpn_pmtu_config c = {.size = sizeof c, .env = env};

    memset(s, 0, sizeof *s);
    c.flags = fuzz_byte(in) & 3;
    c.multiple = fuzz_byte(in) % 32;
    c.start = (uint32_t)fuzz_number(in, 2);
    c.limit = (uint32_t)fuzz_number(in, 2);
    c.probe_family = fuzz_byte(in) % 8;
    c.probe_src[0] = c.probe_dst[0] = 10;
    c.probe_dst[3] = 1;
    s->config = c;
    return vpn_pmtu_new(&s->pmtu, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state s;
    struct fuzz_input in = {data, size};
    struct fuzz_host host = {.seed = 1};
    vpn_env env = fuzz_env(&host);

    if (make(&s, &in, &env) == VPN_OK) {
        start(&s, &in);
        while (fuzz_more(&in)) {
            uint8_t what = fuzz_byte(&in);

            if (what < 80)
                tick(&s);
            else if (what < 140)
                reply(&s, &in);
            else if (what < 170)
                error(&s, &in);
            else if (what < 190)
                send_one(&s);
            else if (what < 200)
                anything(&s, &in);
            else if (what < 240)
                s.now = vpn_pmtu_deadline(s.pmtu) > s.now && vpn_pmtu_deadline(s.pmtu) < VPN_TIME_MAX
                            ? vpn_pmtu_deadline(s.pmtu)
                            : s.now;
            else if (what < 250)
                s.now += (vpn_time)(what - 240) * 400 * VPN_MILLISECOND;
            else if (what < 253)
                start(&s, &in);
            else
                events(&s);
            check(&s);
        }
        vpn_pmtu_free(s.pmtu);
    }
    FUZZ_CHECK(host.live == 0);
    return 0;
}

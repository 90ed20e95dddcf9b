/* SPDX-License-Identifier: ISC */
#include "flow_open.h"

#include <stdlib.h>
#include <string.h>

#include "cipher.h"
#include "log.h"

/* Pages become real when a packet of their length comes; most never do. */
static int get_batches(flow *f, size_t count)
{
    f->batches = calloc(count, sizeof *f->batches);
    f->areas = malloc(count * FLOW_AREA_BYTES);
    if (f->batches == NULL || f->areas == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        f->batches[i].area = f->areas + i * FLOW_AREA_BYTES;
        f->batches[i].next = f->free;
        f->free = &f->batches[i];
    }
    return 0;
}

batch *flow_take_batch(flow *f)
{
    batch *b = f->free;

    f->free = b->next;
    return b;
}

/* And the crew, of which no thread runs yet. */
static int get_memory(flow *f, unsigned threads, const vpn_provider *provider)
{
    f->slot_count = threads == 0 ? MESSAGES : 2 * MESSAGES;
    f->inbox = malloc(SLOT_BYTES);
    f->slots = malloc(f->slot_count * SLOT_BYTES);
    f->messages = calloc(MESSAGES, sizeof *f->messages);
    if (f->inbox == NULL || f->slots == NULL || f->messages == NULL || deliver_open(&f->host) != 0 ||
        get_batches(f, threads == 0 ? 1 : CREW_BATCHES) != 0)
        return -1;
    f->batch = flow_take_batch(f);
    if (threads > 0)
        f->crew = crew_new(threads, provider);
    return threads > 0 && f->crew == NULL ? -1 : 0;
}

static int get_parts(flow *f, unsigned threads, const vpn_provider *provider)
{
    vpn_wg_config config = {.size = sizeof config, .provider = provider};

    if (get_memory(f, threads, provider) == 0 && vpn_wg_new(&f->wg, &config) == 0 && parking_open(&f->parking) == 0 &&
        path_open(&f->path, f->wg, &f->annexes, &f->tun, &f->udp) == 0 &&
        rules_open(&f->rules, f->wg, &f->annexes) == 0)
        return 0;
    log_error("out of memory");
    return -1;
}

int flow_open(flow *f, const options *chosen)
{
    const vpn_provider *provider;
    int error;

    memset(f, 0, sizeof *f);
    f->tun = (tun){.fd = -1, .watch = -1};
    f->udp = (udp){.fd = {-1, -1}};
    f->keylog = (keylog){-1};
    provider = cipher_choose(chosen->cipher);
    if (provider == NULL)
        return -1;
    f->cipher = provider->name;
    f->threads = chosen->threads;
    if (tun_open(&f->tun, chosen->name, chosen->tun_fd) != 0 || udp_init(&f->udp) != 0 ||
        get_parts(f, chosen->threads, provider) != 0 || keylog_open(&f->keylog, f->wg, chosen->keylog) != 0)
        return -1;
    (void)vpn_wg_set_mtu(f->wg, f->tun.mtu);
    path_set_clamp(&f->path, chosen->clamp_mss);
    (void)path_set_mode(&f->path, chosen->path_mtu, clock_now()); /* before there are sockets that could refuse it */
    error = udp_bind(&f->udp, 0);
    if (error != 0)
        log_error("cannot open a UDP socket: %s", strerror(error));
    return error == 0 ? 0 : -1;
}

int flow_start(flow *f)
{
    return f->crew == NULL ? 0 : crew_start(f->crew);
}

static void report(const flow *f)
{
    vpn_wg_stats stats = {.size = sizeof stats};

    if (f->wg == NULL || !log_enabled(LOG_LEVEL_VERBOSE) || vpn_wg_get_stats(f->wg, &stats) != 0)
        return;
    for (uint32_t i = 0; i < VPN_REASONS; i++) {
        if (stats.drops[i] != 0)
            log_verbose("dropped %llu: %s", (unsigned long long)stats.drops[i], vpn_reason_text(i));
    }
    if (f->udp.unsent != 0)
        log_verbose("dropped %llu: the system did not send them", (unsigned long long)f->udp.unsent);
    if (f->host.refused != 0)
        log_verbose("dropped %llu: the host did not take them", (unsigned long long)f->host.refused);
    if (f->malformed != 0)
        log_verbose("dropped %llu: the host said what they are not", (unsigned long long)f->malformed);
}

void flow_release(flow *f)
{
    crew_free(f->crew);
    report(f);
    tun_close(&f->tun);
    udp_close(&f->udp);
    (void)vpn_wg_free(f->wg);
    keylog_close(&f->keylog);
    parking_close(&f->parking);
    path_close(&f->path);
    rules_close(&f->rules);
    annexes_close(&f->annexes);
    deliver_close(&f->host);
    free(f->areas);
    free(f->batches);
    free(f->inbox);
    free(f->slots);
    free(f->messages);
}

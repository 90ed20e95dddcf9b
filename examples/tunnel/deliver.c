/* SPDX-License-Identifier: ISC */
#include "deliver.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

#define WHOLE_BYTES ((size_t)65536)

int deliver_open(deliver *d)
{
    *d = (deliver){.supers = calloc(BATCH, sizeof *d->supers),
                   .next = calloc(BATCH, sizeof *d->next),
                   .pieces = calloc(BATCH + 1, sizeof *d->pieces),
                   .whole = malloc(2 * WHOLE_BYTES)};
    return d->supers == NULL || d->next == NULL || d->pieces == NULL || d->whole == NULL ? -1 : 0;
}

void deliver_close(deliver *d)
{
    free(d->supers);
    free(d->next);
    free(d->pieces);
    free(d->whole);
    *d = (deliver){.whole = NULL};
}

static int write_pieces(deliver *d, tun *t, const vpn_offload *how, size_t n)
{
    int error = tun_write(t, how, d->pieces, n);

    d->refused += error == TUN_REFUSED;
    return error;
}

/* The host said no to a kind of super-packets: it gets the segments of this one, and is not asked again. */
static int write_apart(deliver *d, tun *t, const vpn_offload *how, size_t n)
{
    static const vpn_offload plain = {.flags = 0};
    uint8_t *segment = d->whole + WHOLE_BYTES;
    uint32_t length = 0;
    vpn_segments plan;

    t->kinds &= how->gso == VPN_GSO_UDP    ? ~VPN_COALESCE_UDP
                : how->gso == VPN_GSO_TCP4 ? ~VPN_COALESCE_TCP4
                                           : ~VPN_COALESCE_TCP6;
    log_verbose("the host does not take super-packets of kind %u", how->gso);
    for (size_t i = 1; i <= n; i++) {
        memcpy(d->whole + length, d->pieces[i].iov_base, d->pieces[i].iov_len);
        length += (uint32_t)d->pieces[i].iov_len;
    }
    if (vpn_segment_plan(&plan, how, d->whole, length) != 0)
        return 0;
    for (uint32_t i = 0; i < plan.count; i++) {
        d->pieces[1] = (struct iovec){segment, vpn_segment_write(&plan, d->whole, i, segment)};
        if (write_pieces(d, t, &plain, 1) == TUN_GONE)
            return TUN_GONE;
    }
    return 0;
}

static int write_super(deliver *d, tun *t, const vpn_packet *packets, const vpn_super *super)
{
    size_t n = 0;
    int error;

    for (uint16_t i = super->first; i != VPN_COALESCE_END && n < BATCH; i = d->next[i])
        d->pieces[++n] = (struct iovec){packets[i].data + packets[i].offset, packets[i].length};
    error = write_pieces(d, t, &super->offload, n);
    return error == TUN_UNJOINED ? write_apart(d, t, &super->offload, n) : error;
}

int deliver_packets(deliver *d, tun *t, vpn_packet *packets, size_t n)
{
    size_t count = vpn_coalesce(packets, n, t->kinds, d->next, d->supers);

    for (size_t i = 0; i < count; i++) {
        if (write_super(d, t, packets, &d->supers[i]) == TUN_GONE)
            return TUN_GONE;
    }
    return 0;
}

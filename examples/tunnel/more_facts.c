/* SPDX-License-Identifier: ISC */
#include "more_facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "history.h"

/* The names of what is on, with blanks between, or "off". */
static void put_offload(const flow *f, vpn_uapi_lines *lines)
{
    const struct {
        int on;
        const char *name;
    } kinds[] = {{f->udp.runs[0], "udp-send-ipv4"},
                 {f->udp.runs[1], "udp-send-ipv6"},
                 {f->udp.gathers[0], "udp-receive-ipv4"},
                 {f->udp.gathers[1], "udp-receive-ipv6"},
                 {(f->tun.kinds & VPN_COALESCE_TCP4) != 0, "tun-tcp4"},
                 {(f->tun.kinds & VPN_COALESCE_TCP6) != 0, "tun-tcp6"},
                 {(f->tun.kinds & VPN_COALESCE_UDP) != 0, "tun-udp"}};
    char text[128] = "";
    int length = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].on)
            length +=
                snprintf(text + length, sizeof text - (size_t)length, "%s%s", length == 0 ? "" : " ", kinds[i].name);
    }
    more_line(lines, "libvpn_offload", "%s", length == 0 ? "off" : text);
}

void more_means(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines)
{
    (void)a;
    if (peer != 0)
        return;
    more_line(lines, "libvpn_cipher", "%s", f->cipher);
    more_line(lines, "libvpn_threads", "%u", f->threads);
    put_offload(f, lines);
}

void more_losses(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines)
{
    (void)a;
    if (peer != 0)
        return;
    more_count(lines, "libvpn_unsent", f->udp.unsent);
    more_count(lines, "libvpn_refused", f->host.refused);
    more_count(lines, "libvpn_malformed", f->malformed);
}

void more_load(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines)
{
    const load_history *load = &f->load;

    (void)a;
    if (peer == 0 && load->count != 0)
        more_line(lines, "libvpn_load", "%" PRIu64 " %" PRIu64 " %" PRIu64, load->count, load->began, load->ended);
}

static void put_move(vpn_uapi_lines *lines, const move *m)
{
    char from[VPN_ENDPOINT_CHARS];
    char to[VPN_ENDPOINT_CHARS];

    vpn_endpoint_format(from, &m->from);
    vpn_endpoint_format(to, &m->to);
    more_line(lines, "libvpn_roamed", "%" PRIu64 " %s %s", m->when, from, to);
}

void more_roaming(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines)
{
    const roaming *r = a == NULL ? NULL : a->roaming;

    (void)f;
    (void)peer;
    if (r == NULL)
        return;
    more_count(lines, "libvpn_roams", r->count);
    for (uint64_t i = r->count < MOVES_KEPT ? 0 : r->count - MOVES_KEPT; i < r->count; i++)
        put_move(lines, &r->moves[i % MOVES_KEPT]);
}

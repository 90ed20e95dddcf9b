/* SPDX-License-Identifier: ISC */
#include "path_more.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "path_peer.h"

/* --- get --- */

static void get_device(const paths *p, vpn_uapi_lines *lines)
{
    if (p->mode != PATH_OFF) {
        more_line(lines, "libvpn_path_mtu_mode", "%s", path_mode_name(p->mode));
        more_line(lines, "libvpn_probe_timer", "%u", p->timer);
    }
    if (p->on)
        more_line(lines, "libvpn_clamp_mss", "true");
    more_count(lines, "libvpn_clamped", p->clamped);
    more_count(lines, "libvpn_path_mtu_foreign", p->foreign);
}

static void put_address(vpn_uapi_lines *lines, uint8_t family, const uint8_t *addr)
{
    static const uint8_t none[16];
    vpn_prefix prefix = {.family = family, .bits = family == 4 ? 32 : 128};
    char text[VPN_PREFIX_CHARS];

    if (memcmp(addr, none, family == 4 ? 4 : 16) == 0)
        return;
    memcpy(prefix.addr, addr, family == 4 ? 4 : 16);
    vpn_prefix_format(text, &prefix);
    more_line(lines, "libvpn_probe_address", "%.*s", (int)strcspn(text, "/"), text);
}

void path_more_get(const flow *f, vpn_peer_id id, const annex *a, vpn_uapi_lines *lines)
{
    const path_peer *peer = a == NULL ? NULL : a->path;
    vpn_pmtu_status status = {.size = sizeof status};

    if (id == 0)
        get_device(&f->path, lines);
    if (peer == NULL)
        return;
    put_address(lines, 4, peer->probe4);
    put_address(lines, 6, peer->probe6);
    more_count(lines, "libvpn_too_big", peer->too_big);
    if (peer->pmtu == NULL || vpn_pmtu_get(peer->pmtu, &status) != VPN_OK)
        return;
    more_line(lines, "libvpn_mtu", "%u", status.mtu);
    more_line(lines, "libvpn_path_mtu", "%u", status.path_mtu);
    more_line(lines, "libvpn_path_mtu_state", "%s", vpn_pmtu_state_text(status.state));
    more_line(lines, "libvpn_path_mtu_why", "%s", vpn_pmtu_why_text(status.why));
    if (status.divide != 0)
        more_line(lines, "libvpn_path_mtu_divide", "true");
    more_count(lines, "libvpn_path_mtu_probes", status.probes);
    more_count(lines, "libvpn_path_mtu_replies", status.replies);
    more_count(lines, "libvpn_path_mtu_believed", status.lowered);
    more_count(lines, "libvpn_path_mtu_refused", status.refused);
}

/* --- set --- */

static int set_mode(paths *p, int applied, const char *value)
{
    int mode = path_mode_named(value);

    if (mode < 0)
        return EINVAL;
    return applied ? path_set_mode(p, (uint8_t)mode, clock_now()) : 0;
}

static int set_clamp(paths *p, int applied, const char *value)
{
    int asked = strcmp(value, "true") == 0;

    if (!asked && strcmp(value, "false") != 0)
        return EINVAL;
    if (applied)
        path_set_clamp(p, asked);
    return 0;
}

static int set_timer(paths *p, int applied, const char *value)
{
    char *rest;
    unsigned long seconds;

    if (value[0] < '1' || value[0] > '9')
        return EINVAL;
    seconds = strtoul(value, &rest, 10);
    if (*rest != '\0' || seconds > PATH_TIMER_MOST)
        return EINVAL;
    if (applied)
        path_set_timer(p, (uint32_t)seconds, clock_now());
    return 0;
}

/* An address replaces that of its family; "none" is for both. `changed` comes later. */
static int set_probe(paths *p, int applied, vpn_peer_id id, const char *value)
{
    vpn_prefix prefix = {.family = 0};
    path_peer *peer;

    if (strcmp(value, "none") != 0 &&
        (vpn_prefix_parse(&prefix, value, strlen(value)) != VPN_OK || strchr(value, '/') != NULL))
        return EINVAL;
    if (!applied)
        return 0;
    peer = path_peer_get(p, id);
    if (peer == NULL)
        return ENOMEM;
    if (prefix.family != 6)
        memcpy(peer->probe4, prefix.addr, 4);
    if (prefix.family != 4)
        memcpy(peer->probe6, prefix.addr, 16);
    return 0;
}

int path_more_set(flow *f, uint32_t how, vpn_peer_id id, const char *key, const char *value)
{
    int applied = (how & VPN_UAPI_MORE_APPLY) != 0;

    if ((how & VPN_UAPI_MORE_PEER) != 0)
        return strcmp(key, "libvpn_probe_address") == 0 ? set_probe(&f->path, applied, id, value) : MORE_OTHERS;
    if (strcmp(key, "libvpn_path_mtu_mode") == 0)
        return set_mode(&f->path, applied, value);
    if (strcmp(key, "libvpn_clamp_mss") == 0)
        return set_clamp(&f->path, applied, value);
    if (strcmp(key, "libvpn_probe_timer") == 0)
        return set_timer(&f->path, applied, value);
    return MORE_OTHERS;
}

void path_more_changed(flow *f, vpn_peer_id id)
{
    const annex *a = annex_find(&f->annexes, id);

    if (f->path.mode != PATH_OFF || (a != NULL && a->path != NULL))
        path_peer_changed(&f->path, id, clock_now());
}

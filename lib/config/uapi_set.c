/* SPDX-License-Identifier: ISC */
/*
 * A set request is read twice. The first reading checks every line and its place, so that a fault anywhere is found while
 * nothing has changed. The second applies, and can only fail for want of memory, at a limit, or where the host refuses.
 *
 * The lines of one peer, from public_key to the next public_key, are a section. Its settings are gathered before the peer is
 * touched, so that a new peer never lives without its preshared key; then its prefixes, and the lines that are the host's, are
 * applied in their order.
 */
#include <string.h>

#include "base/env.h"
#include "config/uapi_line.h"

struct request {
    vpn_wg *wg;
    vpn_uapi_host host;
    vpn_time now;
    vpn_uapi_error *error;
    struct vpn__uapi_cursor cursor;
    struct vpn__uapi_line line;
};

struct section {
    vpn_wg_peer peer;
    struct vpn__uapi_line head; /* its public_key line */
    struct vpn__uapi_cursor first;
    int remove;
    int update_only;
};

static int blame(struct request *rq, const struct vpn__uapi_line *line, int code, const char *why)
{
    return vpn__uapi_blame(rq->error, line, code, vpn__uapi_errno(code), why);
}

/* A host's errno, whose sign nobody should have to remember. */
static int host_says(struct request *rq, int code, int number)
{
    return vpn__uapi_blame(rq->error, &rq->line, code, number > 0 ? -number : number, "the host refused");
}

static void rewind_request(struct request *rq)
{
    rq->cursor.at = 0;
    rq->cursor.number = 0;
}

/* What is wrong with a line where it stands, or NULL. */
static const char *misplaced(const struct request *rq, int in_section)
{
    switch (rq->line.key) {
    case VPN__UAPI_SET:
        return rq->line.number == 1 ? NULL : "only the first line may say this";
    case VPN__UAPI_LISTEN_PORT:
        if (!rq->host.set_listen_port)
            return "this host has no port to set";
        return in_section ? "a setting of the device below a peer" : NULL;
    case VPN__UAPI_FWMARK:
        if (!rq->host.set_fwmark)
            return "this host has no mark to set";
        return in_section ? "a setting of the device below a peer" : NULL;
    case VPN__UAPI_PRIVATE_KEY:
    case VPN__UAPI_REPLACE_PEERS:
        return in_section ? "a setting of the device below a peer" : NULL;
    case VPN__UAPI_NONE:
    case VPN__UAPI_PUBLIC_KEY:
        return NULL;
    case VPN__UAPI_REMOVE:
    case VPN__UAPI_UPDATE_ONLY:
    case VPN__UAPI_PRESHARED_KEY:
    case VPN__UAPI_ENDPOINT:
    case VPN__UAPI_KEEPALIVE:
    case VPN__UAPI_REPLACE_ALLOWED_IPS:
    case VPN__UAPI_ALLOWED_IP:
    case VPN__UAPI_PROTOCOL_VERSION:
        return in_section ? NULL : "a setting of a peer before any public_key";
    case VPN__UAPI_MORE:
        return rq->host.set_more ? NULL : "unknown key";
    }
    return NULL;
}

/* Hands the line that was read last to the host. 0 or its errno. */
static int hand_more(const struct request *rq, uint32_t how, vpn_peer_id peer)
{
    char key[VPN_UAPI_MORE_KEY_CHARS], value[VPN_UAPI_MORE_VALUE_CHARS];
    memcpy(key, rq->line.name, rq->line.name_length);
    key[rq->line.name_length] = '\0';
    memcpy(value, rq->line.value, rq->line.value_length);
    value[rq->line.value_length] = '\0';
    int number = rq->host.set_more(rq->host.user, how, peer, key, value);
    vpn_wipe(value, sizeof(value));
    return number;
}

/* What the host says of one of its lines before anything changes. */
static int check_more(struct request *rq, uint32_t how, vpn_peer_id peer)
{
    int number = rq->line.key == VPN__UAPI_MORE ? hand_more(rq, how, peer) : 0;
    return number ? host_says(rq, VPN_EINVAL, number) : 0;
}

static int check(struct request *rq)
{
    vpn_peer_id peer = 0;
    int more, in_section = 0;
    rewind_request(rq);
    while ((more = vpn__uapi_next(&rq->cursor, &rq->line)) == 1) {
        const char *why = misplaced(rq, in_section);
        if (why)
            return blame(rq, &rq->line, VPN_EINVAL, why);
        if (rq->line.key == VPN__UAPI_PUBLIC_KEY) {
            in_section = 1;
            peer = vpn_wg_peer_find(rq->wg, rq->line.secret);
        }
        int error = check_more(rq, in_section ? VPN_UAPI_MORE_PEER : 0, peer);
        if (error)
            return error;
    }
    return more ? blame(rq, &rq->line, more, rq->line.why) : 0;
}

static void changed(const struct request *rq, vpn_peer_id id)
{
    if (rq->host.peer_changed)
        rq->host.peer_changed(rq->host.user, id);
}

static int host_said(struct request *rq, int number)
{
    return number ? host_says(rq, VPN_ESTATE, number) : 0;
}

static void set_private_key(struct request *rq)
{
    uint8_t own[VPN_KEY_BYTES];
    vpn_peer_id self = 0;
    if (!vpn_key_is_zero(rq->line.secret)) {
        vpn_key_public(own, rq->line.secret);
        self = vpn_wg_peer_find(rq->wg, own);
    }
    (void)vpn_wg_set_private_key(rq->wg, rq->line.secret, rq->now);
    if (self)
        changed(rq, self);
}

static void remove_peer(struct request *rq, vpn_peer_id id)
{
    (void)vpn_wg_peer_remove(rq->wg, id);
    changed(rq, id);
}

static void remove_all(struct request *rq)
{
    vpn_peer_id id = vpn_wg_peer_next(rq->wg, 0);
    while (id) {
        vpn_peer_id next = vpn_wg_peer_next(rq->wg, id);
        remove_peer(rq, id);
        id = next;
    }
}

/* Takes one line of a peer's settings; prefixes come later. */
static void gather(struct section *section, const struct vpn__uapi_line *line)
{
    vpn_wg_peer *peer = &section->peer;
    if (line->key == VPN__UAPI_REMOVE) {
        section->remove = 1;
    } else if (line->key == VPN__UAPI_UPDATE_ONLY) {
        section->update_only = 1;
    } else if (line->key == VPN__UAPI_PRESHARED_KEY) {
        memcpy(peer->preshared_key, line->secret, VPN_KEY_BYTES);
        peer->set |= VPN_WG_SET_PRESHARED;
    } else if (line->key == VPN__UAPI_ENDPOINT) {
        peer->endpoint = line->endpoint;
        peer->set |= VPN_WG_SET_ENDPOINT;
    } else if (line->key == VPN__UAPI_KEEPALIVE) {
        peer->keepalive = (uint16_t)line->integer;
        peer->set |= VPN_WG_SET_KEEPALIVE;
    }
}

/* Reads the section whose public_key line was read last; the cursor then stands before the next one. */
static void read_section(struct request *rq, struct section *section)
{
    memset(section, 0, sizeof(*section));
    section->head = rq->line;
    section->first = rq->cursor;
    section->peer.size = sizeof(section->peer);
    memcpy(section->peer.public_key, rq->line.secret, VPN_KEY_BYTES);
    for (;;) {
        struct vpn__uapi_cursor before = rq->cursor;
        if (vpn__uapi_next(&rq->cursor, &rq->line) != 1)
            return;
        if (rq->line.key == VPN__UAPI_PUBLIC_KEY) {
            rq->cursor = before;
            return;
        }
        gather(section, &rq->line);
    }
}

static int apply_more(struct request *rq, uint32_t how, vpn_peer_id id)
{
    return host_said(rq, hand_more(rq, how | VPN_UAPI_MORE_APPLY, id));
}

/* One line of a section, but for what was gathered from it before. */
static int apply_prefix(struct request *rq, vpn_peer_id id)
{
    int error = 0;
    if (rq->line.key == VPN__UAPI_REPLACE_ALLOWED_IPS)
        (void)vpn_wg_disallow(rq->wg, id, NULL);
    else if (rq->line.key == VPN__UAPI_ALLOWED_IP && rq->line.minus)
        (void)vpn_wg_disallow(rq->wg, id, &rq->line.prefix); /* another's prefix stays */
    else if (rq->line.key == VPN__UAPI_ALLOWED_IP)
        error = vpn_wg_allow(rq->wg, id, &rq->line.prefix);
    return error ? blame(rq, &rq->line, error, vpn_strerror(error)) : 0;
}

static int apply_lines(struct request *rq, const struct section *section, vpn_peer_id id, int more)
{
    struct vpn__uapi_cursor cursor = section->first;
    int error = 0;
    while (!error && cursor.at < rq->cursor.at && vpn__uapi_next(&cursor, &rq->line) == 1) {
        if (!more)
            error = apply_prefix(rq, id);
        else if (rq->line.key == VPN__UAPI_MORE)
            error = apply_more(rq, VPN_UAPI_MORE_PEER, id);
    }
    return error;
}

/* The device's own key is passed over with all of its lines, as other implementations do: one list of peers may so be
   given to each of them. */
static int apply_section(struct request *rq, struct section *section)
{
    vpn_peer_id id = vpn_wg_peer_find(rq->wg, section->peer.public_key);
    if (section->remove) {
        if (id)
            remove_peer(rq, id);
        return 0;
    }
    if (!id && section->update_only)
        return 0;
    int added = !id;
    int error = id ? vpn_wg_peer_set(rq->wg, id, &section->peer, rq->now)
                   : vpn_wg_peer_add(rq->wg, &section->peer, &id, rq->now);
    if (error == VPN_ESELF)
        return 0;
    if (error)
        return blame(rq, &section->head, error, vpn_strerror(error));
    error = apply_lines(rq, section, id, 0);
    if (!error)
        error = apply_lines(rq, section, id, 1); /* so that no prefix that fails cuts the host's lines short */
    if (error && added)
        (void)vpn_wg_peer_remove(rq->wg, id); /* half a peer could lack just what restricts it */
    changed(rq, id);
    return error;
}

static int apply_line(struct request *rq, struct section *section)
{
    switch (rq->line.key) {
    case VPN__UAPI_PRIVATE_KEY:
        set_private_key(rq);
        return 0;
    case VPN__UAPI_LISTEN_PORT:
        return host_said(rq, rq->host.set_listen_port(rq->host.user, (uint16_t)rq->line.integer));
    case VPN__UAPI_FWMARK:
        return host_said(rq, rq->host.set_fwmark(rq->host.user, rq->line.integer));
    case VPN__UAPI_REPLACE_PEERS:
        remove_all(rq);
        return 0;
    case VPN__UAPI_PUBLIC_KEY:
        read_section(rq, section);
        return apply_section(rq, section);
    case VPN__UAPI_MORE:
        return apply_more(rq, 0, 0);
    case VPN__UAPI_NONE:
    case VPN__UAPI_SET:
    case VPN__UAPI_REMOVE:
    case VPN__UAPI_UPDATE_ONLY:
    case VPN__UAPI_PRESHARED_KEY:
    case VPN__UAPI_ENDPOINT:
    case VPN__UAPI_KEEPALIVE:
    case VPN__UAPI_REPLACE_ALLOWED_IPS:
    case VPN__UAPI_ALLOWED_IP:
    case VPN__UAPI_PROTOCOL_VERSION:
        return 0; /* nothing to do, or taken by read_section */
    }
    return 0;
}

static int apply(struct request *rq)
{
    struct section section;
    int error = 0;
    rewind_request(rq);
    while (!error && vpn__uapi_next(&rq->cursor, &rq->line) == 1)
        error = apply_line(rq, &section);
    vpn_wipe(&section, sizeof(section));
    return error;
}

int vpn_uapi_set(vpn_wg *wg, const char *text, size_t length, const vpn_uapi_host *host, vpn_time now,
                 vpn_uapi_error *error)
{
    struct request rq = {.wg = wg, .now = now, .error = error, .cursor = {.text = text, .length = length}};
    if (error)
        memset(error, 0, sizeof(*error));
    if (host && vpn__config_read(&rq.host, sizeof(rq.host), host, VPN__UAPI_HOST_LEAST))
        return blame(&rq, NULL, VPN_EINVAL, "a host structure of the wrong size");
    rq.cursor.host = &rq.host;
    int result = check(&rq);
    if (!result)
        result = apply(&rq);
    vpn_wipe(&rq, sizeof(rq));
    return result;
}

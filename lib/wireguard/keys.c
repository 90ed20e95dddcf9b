/* SPDX-License-Identifier: ISC */
#include "wireguard/keys.h"

#include "base/env.h"

int vpn__keys_index(vpn_wg *wg, const struct vpn__peer *peer, uint32_t *index)
{
    int error;

    /* Each draw collides with probability count / 2^32; sixteen in a row mean that the randomness is broken. */
    for (int tries = 0; tries < 16; tries++) {
        error = vpn__random(&wg->env, index, sizeof *index);
        if (error == VPN_OK)
            error = vpn__index_insert(&wg->by_index, *index, vpn__peer_slot(peer), NULL);
        if (error != VPN_EEXIST)
            return error;
    }
    return VPN_ERANDOM;
}

struct vpn_session *vpn__keys_session(vpn_wg *wg, struct vpn__peer *peer, struct vpn__handshake *handshake, int *error)
{
    vpn_session_keys keys;
    struct vpn_session *session;
    uint32_t slot;

    session = vpn__slab_take(&wg->sessions, &slot);
    if (session == NULL) {
        *error = VPN_ENOMEM;
        return NULL;
    }
    vpn__handshake_derive(handshake, &keys);
    *error = vpn__session_init(session, wg->local.provider, wg->replay_bits, &keys, wg->now);
    vpn_wipe(&keys, sizeof keys);
    if (*error != VPN_OK) {
        handshake->local_index = session->local_index; /* for whoever removes the index */
        vpn__slab_give(&wg->sessions, slot);
        return NULL;
    }
    session->peer = peer->id;
    session->slot = slot;
    vpn__index_at(&wg->by_index, session->local_index)->object = session;
    peer->handshakes++;
    return session;
}

static void retire(vpn_wg *wg, struct vpn_session *session, int wiped)
{
    vpn__index_remove(&wg->by_index, session->local_index);
    session->retired = 1;
    session->wiped = (uint8_t)(session->wiped | wiped);
    if (session->pins == 0)
        vpn__slab_give(&wg->sessions, session->slot);
}

void vpn__keys_retire(vpn_wg *wg, struct vpn__keyring_out out, int wiped)
{
    for (size_t i = 0; i < 3; i++)
        if (out.session[i] != NULL)
            retire(wg, out.session[i], wiped);
}

void vpn__keys_unpin(vpn_wg *wg, struct vpn_session *session)
{
    session->pins--;
    if (session->pins == 0 && session->retired)
        vpn__slab_give(&wg->sessions, session->slot);
}

void vpn__keys_end_handshake(vpn_wg *wg, struct vpn__peer *peer, int keep_index)
{
    if (peer->handshake == 0)
        return;
    if (!keep_index)
        vpn__index_remove(&wg->by_index, vpn__wg_handshake(wg, peer)->local_index);
    vpn__slab_give(&wg->handshakes, peer->handshake - 1);
    peer->handshake = 0;
}

void vpn__keys_wipe(vpn_wg *wg, struct vpn__peer *peer)
{
    vpn__keys_end_handshake(wg, peer, 0);
    vpn__keys_retire(wg, vpn__keyring_clear(&peer->ring), 1);
}

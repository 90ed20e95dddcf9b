/* SPDX-License-Identifier: ISC */
/* A session as the device uses it: plain memory of vpn__session_bytes bytes aligned to 64, with the provider's key slots and
   the replay bitmap behind it. */
#ifndef VPN_LIB_WIREGUARD_SESSION_H
#define VPN_LIB_WIREGUARD_SESSION_H

#include <vpn/replay.h>
#include <vpn/mtu.h>
#include <vpn/session.h>

#include "base/bytes.h"
#include "wireguard/wire.h"

/* Sending touches the first cache line alone, receiving both. */
struct vpn_session {
    const vpn_provider *provider;
    void *send_key;
    void *receive_key;
    uint64_t counter; /* of the next message to send */
    vpn_time born;
    vpn_peer_id peer; /* the device's */
    uint32_t remote_index;
    uint32_t pins; /* packets in flight */
    uint8_t initiator;
    uint8_t mute;    /* nothing is sent under it any more */
    uint8_t retired; /* in no ring: freed at the last unpin */
    uint8_t wiped;   /* its peer is gone or its keys were revoked: what is in flight is dropped */
    uint32_t local_index;

    struct vpn_replay replay;
    uint64_t source_at; /* the device's: when AllowedIPs gave `source` to the peer, in their changes; 0: never */
    uint8_t source[16]; /* the last inner source that came */
    uint8_t source_version;
    uint32_t slot; /* the device's: place in its pool */
};

_Static_assert(sizeof(void *) > 8 || sizeof(struct vpn_session) <= 128, "two cache lines");

#define VPN__SESSION_SEND_BYTES offsetof(struct vpn_session, replay)

size_t vpn__session_bytes(const vpn_provider *provider, uint32_t replay_bits);
/* `s` is zeroed memory of that size. 0 or what the provider says. */
int vpn__session_init(struct vpn_session *s, const vpn_provider *provider, uint32_t replay_bits,
                      const vpn_session_keys *keys, vpn_time now);

/* The job for the provider: `data` is the text behind the header, `length` its length without the tag. */
void vpn__session_job(vpn_aead_job *job, const void *key, uint8_t *data, size_t length, uint64_t counter);

static inline vpn_time vpn__session_age(const struct vpn_session *s, vpn_time now)
{
    return now > s->born ? now - s->born : 0;
}

/* May one more message be sent? */
static inline int vpn__session_can_send(const struct vpn_session *s, vpn_time now)
{
    return !s->mute && s->counter < VPN__REJECT_AFTER_MESSAGES && vpn__session_age(s, now) < VPN__REJECT_AFTER_TIME;
}

/* Writes the 16 bytes of header before an inner packet and takes a counter. */
static inline uint64_t vpn__session_write_header(struct vpn_session *s, uint8_t header[VPN_WG_HEADER_BYTES])
{
    vpn__store32le(header, VPN__DATA);
    vpn__store32le(header + VPN__DATA_RECEIVER, s->remote_index);
    vpn__store64le(header + VPN__DATA_COUNTER, s->counter);
    return s->counter++;
}

/* May a message with this counter be received? VPN_REASON_NONE, EXPIRED, COUNTER or REPLAY. */
static inline uint8_t vpn__session_may_receive(const struct vpn_session *s, uint64_t counter, vpn_time now)
{
    if (vpn__session_age(s, now) >= VPN__REJECT_AFTER_TIME)
        return VPN_REASON_EXPIRED;
    if (counter >= VPN__REJECT_AFTER_MESSAGES)
        return VPN_REASON_COUNTER;
    return vpn_replay_check(&s->replay, counter) == VPN_OK ? VPN_REASON_NONE : VPN_REASON_REPLAY;
}

#endif

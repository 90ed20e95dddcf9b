/* SPDX-License-Identifier: ISC */
/* A session as the device uses it: plain memory of vpn__session_bytes bytes aligned to 64, with the provider's key slots and
   the replay bitmap behind it. */
#ifndef VPN_LIB_WIREGUARD_SESSION_H
#define VPN_LIB_WIREGUARD_SESSION_H

#include <vpn/replay.h>
#include <vpn/mtu.h>
#include <vpn/session.h>

struct vpn_session {
    const vpn_provider *provider;
    void *send_key;
    void *receive_key;
    uint64_t counter; /* of the next message to send */
    vpn_time born;
    struct vpn_replay replay;
    uint32_t local_index;
    uint32_t remote_index;
    uint8_t initiator;
    uint8_t mute;    /* nothing is sent under it any more */
    uint8_t retired; /* in no ring: freed at the last unpin */
    uint8_t wiped;   /* its peer is gone or its keys were revoked: what is in flight is dropped */
    uint32_t pins;   /* packets in flight */
    uint32_t peer;   /* the device's: slot of the peer */
    uint32_t slot;   /* the device's: place in its pool */
};

size_t vpn__session_bytes(const vpn_provider *provider, uint32_t replay_bits);
/* `s` is zeroed memory of that size. 0 or what the provider says. */
int vpn__session_init(struct vpn_session *s, const vpn_provider *provider, uint32_t replay_bits,
                      const vpn_session_keys *keys, vpn_time now);

vpn_time vpn__session_age(const struct vpn_session *s, vpn_time now);
/* May one more message be sent? */
int vpn__session_can_send(const struct vpn_session *s, vpn_time now);
/* Writes the 16 bytes of header before an inner packet and takes a counter. */
uint64_t vpn__session_write_header(struct vpn_session *s, uint8_t header[VPN_WG_HEADER_BYTES]);
/* May a message with this counter be received? VPN_REASON_NONE, EXPIRED, COUNTER or REPLAY. */
uint8_t vpn__session_may_receive(const struct vpn_session *s, uint64_t counter, vpn_time now);
/* The job for the provider: `data` is the text behind the header, `length` its length without the tag. */
void vpn__session_job(vpn_aead_job *job, const void *key, uint8_t *data, size_t length, uint64_t counter);

#endif

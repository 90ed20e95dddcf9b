/* SPDX-License-Identifier: ISC */
/*
 * A device with many peers that all have a session, and the other ends of those sessions. Everything happens at one moment,
 * CROWD_NOW, so that no timer comes due.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <vpn/vpn.h>

#define CROWD_NOW (1000 * VPN_SECOND)

struct crowd {
    vpn_wg *wg;
    uint32_t count;
    uint8_t public_key[VPN_KEY_BYTES]; /* the device's */
    vpn_peer_id *ids;
    vpn_session **remotes; /* the peers' ends; NULL: not connected */
};

/* A device with `count` peers, the i-th of which has the address of crowd_address. Ends the program when something fails. */
struct crowd *crowd_new(uint32_t count, const vpn_provider *provider);
/* The same with settings of its own; what `config` leaves at 0 is as usual. */
struct crowd *crowd_with(uint32_t count, const vpn_wg_config *config);
void crowd_free(struct crowd *crowd);
/* Makes the i-th peer initiate, and confirm the session. */
void crowd_connect(struct crowd *crowd, uint32_t i, const vpn_provider *provider);
/* The inner address of a peer: four bytes. */
void crowd_address(uint32_t i, uint8_t out[4]);
/* The first 20 bytes of an inner packet of `length` bytes to, or from, the i-th peer. */
void crowd_header(uint8_t *out, uint32_t i, uint32_t length, int from_peer);
/* The private key of a peer. */
void crowd_private_key(uint32_t i, uint8_t out[VPN_KEY_BYTES]);
/* A datagram of `length` bytes from the i-th peer's outer address. */
vpn_packet crowd_packet(uint8_t *bytes, uint32_t capacity, uint32_t length, uint32_t i);
/* The initiation of the i-th peer with its mac1, the `turn`-th one of this peer. */
void crowd_initiation(const struct crowd *crowd, uint32_t i, uint32_t turn, vpn_handshake *handshake,
                      uint8_t out[VPN_WG_INITIATION_BYTES]);

#endif

/* SPDX-License-Identifier: ISC */
/* The two lower layers: whether the daemon and its peer can speak to each other at all. */
#ifndef VPN_LIB_POLICY_DIAGNOSE_PEER_H
#define VPN_LIB_POLICY_DIAGNOSE_PEER_H

#include <vpn/diagnose.h>

/* Each settles one check, which has its layer and code. */
void vpn__judge_daemon(const vpn_observed *seen, vpn_check *check);
void vpn__judge_identity(const vpn_observed *seen, vpn_check *check);
void vpn__judge_peer(const vpn_observed *seen, vpn_check *check);
void vpn__judge_clock(const vpn_observed *seen, vpn_check *check);
void vpn__judge_handshake(const vpn_observed *seen, vpn_check *check);
void vpn__judge_socket(const vpn_observed *seen, vpn_check *check);
void vpn__judge_endpoint(const vpn_observed *seen, vpn_check *check);
void vpn__judge_way(const vpn_observed *seen, vpn_check *check);
void vpn__judge_datagrams(const vpn_observed *seen, vpn_check *check);
void vpn__judge_nat(const vpn_observed *seen, vpn_check *check);

#endif

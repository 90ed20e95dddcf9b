/* SPDX-License-Identifier: ISC */
/* The layers above the handshake: what this host does with packets of the tunnel. */
#ifndef VPN_LIB_POLICY_DIAGNOSE_HOST_H
#define VPN_LIB_POLICY_DIAGNOSE_HOST_H

#include <vpn/diagnose.h>

/* Each settles one check, which has its layer and code. */
void vpn__judge_link(const vpn_observed *seen, vpn_check *check);
void vpn__judge_addresses(const vpn_observed *seen, vpn_check *check);
void vpn__judge_size(const vpn_observed *seen, vpn_check *check);
void vpn__judge_routes(const vpn_observed *seen, vpn_check *check);
void vpn__judge_foreign(const vpn_observed *seen, vpn_check *check);
void vpn__judge_filter(const vpn_observed *seen, vpn_check *check);
void vpn__judge_reverse_path(const vpn_observed *seen, vpn_check *check);
void vpn__judge_inside(const vpn_observed *seen, vpn_check *check);
void vpn__judge_resolver(const vpn_observed *seen, vpn_check *check);
void vpn__judge_query(const vpn_observed *seen, vpn_check *check);
void vpn__judge_black_hole(const vpn_observed *seen, vpn_check *check);

#endif

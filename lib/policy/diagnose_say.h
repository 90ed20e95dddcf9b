/* SPDX-License-Identifier: ISC */
/* Sentences about what was observed. */
#ifndef VPN_LIB_POLICY_DIAGNOSE_SAY_H
#define VPN_LIB_POLICY_DIAGNOSE_SAY_H

#include <vpn/diagnose.h>

/*
 * Settles a check. In a sentence "%" and a letter stand for something observed: the interface %i, our key %k, the peer's %K and
 * a stranger's %x, the endpoint %e and its host %h, our port %p and source %s, the link of the way %w, a route %r at
 * %R, a foreign one %f at %F, an address %a, the target %t, a name server %d, sizes %m (link), %M (file), %n (passes), seconds %A
 * (handshake), %b (behind), %l (listened) and %W (waited), datagrams %c, and other peers that work, %o.
 */
void vpn__check_say(vpn_check *check, const vpn_observed *seen, uint32_t result, uint32_t cause, const char *evidence,
                    const char *remedy);

#endif

/* SPDX-License-Identifier: ISC */
/**
 * @file vpn.h
 * @brief All of libvpn's public headers. Begin with vpn/wg.h; each other header is a building block that works alone.
 */
#ifndef VPN_VPN_H
#define VPN_VPN_H

#include <vpn/allowedips.h>
#include <vpn/base.h>
#include <vpn/checksum.h>
#include <vpn/conf.h>
#include <vpn/cookie.h>
#include <vpn/crypto.h>
#include <vpn/diagnose.h>
#include <vpn/filter.h>
#include <vpn/handshake.h>
#include <vpn/icmp.h>
#include <vpn/ip.h>
#include <vpn/key.h>
#include <vpn/keylog.h>
#include <vpn/mss.h>
#include <vpn/mtu.h>
#include <vpn/netmap.h>
#include <vpn/offload.h>
#include <vpn/packet.h>
#include <vpn/pmtu.h>
#include <vpn/policy.h>
#include <vpn/prefixes.h>
#include <vpn/queue.h>
#include <vpn/replay.h>
#include <vpn/rules.h>
#include <vpn/select.h>
#include <vpn/session.h>
#include <vpn/tai64n.h>
#include <vpn/uapi.h>
#include <vpn/wg.h>

#endif

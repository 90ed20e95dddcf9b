/* SPDX-License-Identifier: ISC */
/* What a file says that only libvpn's daemon knows, as lines of a set request. */
#ifndef VPNCTL_UAPI_MORE_H
#define VPNCTL_UAPI_MORE_H

#include "uapi_client.h"

/* 1 when the file has some. */
int uapi_more_wanted(const vpn_conf *conf);
/* Lines of the device, and of a peer: behind its public_key. Nothing where the file says nothing. */
void uapi_more_put_device(uapi_text *t, const vpn_conf *conf);
void uapi_more_put_peer(uapi_text *t, const vpn_conf_peer *peer);
/* 0 when the daemon of an interface answers as libvpn's does, -EPROTONOSUPPORT when it refuses, or why it was not asked. */
int uapi_more_ask(const char *name);

#endif

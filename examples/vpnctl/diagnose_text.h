/* SPDX-License-Identifier: ISC */
/* What vpnctl diagnose prints, as lines or as JSON: checks as they come, and advice in the end. */
#ifndef VPNCTL_DIAGNOSE_TEXT_H
#define VPNCTL_DIAGNOSE_TEXT_H

#include "load.h"

void diagnose_begin(const loaded *l, uint32_t peer, int json);
/* Up to the first that is broken, unless all are wanted. */
void diagnose_put_layer(const vpn_check *checks, size_t count, int all, int json);
/* What the audit has to say, unless something is broken that comes first. */
void diagnose_end(const loaded *l, int broken, int all, int json);

#endif
